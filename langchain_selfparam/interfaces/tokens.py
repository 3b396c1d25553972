"""Counting the tokens of a text with a tiktoken encoding, for policies that count in another model's tokens.

In comes the name of an encoding, out goes a ``protocols.TokenCounter``. It knows nothing of memories; the
counter of the model itself is ``LocalModel.count_tokens``.
"""

from __future__ import annotations

from langchain_selfparam.errors import ConfigError
from langchain_selfparam.protocols import TokenCounter


def token_counter(encoding: str) -> TokenCounter:
    """Make a counter of a tiktoken encoding.

    tiktoken downloads an encoding's table at its first use and keeps it in the folder that the environment
    variable ``TIKTOKEN_CACHE_DIR`` names; nothing is downloaded by anything else here.

    Args:
        encoding: Its name, such as ``"cl100k_base"``.

    Returns:
        A function from a text to its number of tokens.

    Raises:
        ConfigError: There is no such encoding, or its table could not be downloaded.
    """
    import tiktoken

    known = tiktoken.list_encoding_names()
    if encoding not in known:
        msg = (
            f"token_encoding is {encoding!r}; tiktoken knows {', '.join(sorted(known))}. "
            "None counts with the model's own tokenizer"
        )
        raise ConfigError(msg)
    try:
        encoder = tiktoken.get_encoding(encoding)
    except Exception as error:  # the kinds come from whichever HTTP library tiktoken uses
        msg = (
            f"the table of the tiktoken encoding {encoding!r} could not be downloaded "
            f"({type(error).__name__}: {error}); set TIKTOKEN_CACHE_DIR to a folder "
            "that has it, or leave token_encoding out to count with the model's own tokenizer"
        )
        raise ConfigError(msg) from error
    # What a user writes may look like a special token; it is counted as the plain text that it is.
    return lambda text: len(encoder.encode(text, disallowed_special=()))
