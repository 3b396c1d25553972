"""Which of a chain's values are what the user said and what was replied.

In come the inputs and outputs of a classic chain, out go two texts with the ids of the messages they came
in, or an ``InputError`` that names the keys. It knows nothing of memories.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from langchain_core.messages import BaseMessage

from langchain_selfparam.errors import InputError
from langchain_selfparam.interfaces.messages import text_of

_REPLIES = ("output", "response", "answer", "result", "text")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """One side of a turn."""

    text: str
    message_id: str | None
    """Id of the message it came in; ``None`` for plain text."""


def user_said(inputs: Mapping[str, Any], *, key: str | None, reserved: Collection[str]) -> Said:
    """Find what the user said.

    Args:
        inputs: The inputs of a chain.
        key: Where it stands; ``None`` for the only key besides ``reserved`` and ``"stop"``.
        reserved: Keys that the memory itself fills.

    Returns:
        The text, with at least one visible character.

    Raises:
        InputError: There is no such key or more than one, or its value is empty or no text.
    """
    if key is not None:
        return _said("inputs", inputs, key, setting="input_key")
    own = {*reserved, "stop"}
    free = [name for name in inputs if name not in own]
    if len(free) != 1:
        msg = (
            f"inputs has the keys {_listed(free)} besides {_listed(sorted(own))}; exactly one is needed: set "
            "input_key to the one with the user's words. The turn was not saved"
        )
        raise InputError(msg)
    return _said("inputs", inputs, free[0], setting="input_key")


def assistant_said(outputs: Mapping[str, Any], *, key: str | None) -> Said:
    """Find what was replied.

    Args:
        outputs: The outputs of a chain.
        key: Where it stands; ``None`` for the only key, else the first of output, response, answer, result
            and text that is there.

    Returns:
        The text, with at least one visible character.

    Raises:
        InputError: There is no such key, or its value is empty or no text.
    """
    if key is not None:
        return _said("outputs", outputs, key, setting="output_key")
    found = next(iter(outputs)) if len(outputs) == 1 else next((k for k in _REPLIES if k in outputs), None)
    if found is None:
        msg = (
            f"outputs has the keys {_listed(outputs)}; one key, or one of {_listed(_REPLIES)}, is needed: "
            "set output_key to the one with the reply. The turn was not saved"
        )
        raise InputError(msg)
    return _said("outputs", outputs, found, setting="output_key")


def _said(side: str, values: Mapping[str, Any], key: str, *, setting: str) -> Said:
    if key not in values:
        msg = (
            f"{side} has the keys {_listed(values)}, not {key!r}; set {setting} to the right one. "
            "The turn was not saved"
        )
        raise InputError(msg)
    try:
        text = text_of(values[key])
    except InputError as error:
        msg = f"{side}[{key!r}]: {error}. The turn was not saved"
        raise InputError(msg) from error
    if not text.strip():
        msg = f"{side}[{key!r}] is empty; there is nothing in it to remember. The turn was not saved"
        raise InputError(msg)
    return Said(text=text, message_id=_message_id(values[key]))


def _message_id(value: object) -> str | None:
    if isinstance(value, (list, tuple)) and value:
        value = value[-1]
    return value.id if isinstance(value, BaseMessage) else None


def _listed(names: Collection[str]) -> str:
    return ", ".join(repr(name) for name in names) or "none"
