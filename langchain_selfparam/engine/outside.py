"""A generator that somebody else runs: what it fails with says nothing of the turns that are learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_selfparam.errors import AuthorError, SelfParamError
from langchain_selfparam.protocols import TextGenerator
from langchain_selfparam.records import Prompt


class Outside:
    """Writes as another generator does.

    Args:
        author: That one, such as a chat model behind a server.
    """

    def __init__(self, author: TextGenerator) -> None:
        self._author = author

    def generate(self, prompts: Sequence[Prompt], **options: Any) -> list[list[str]]:
        """As ``TextGenerator.generate``.

        Args:
            prompts: As there.
            **options: Likewise.

        Returns:
            As there.

        Raises:
            AuthorError: It failed, whatever with.
        """
        try:
            return self._author.generate(prompts, **options)
        except SelfParamError:
            raise
        except Exception as error:
            msg = (
                f"the generator that writes the questions failed with {type(error).__name__}: {error}; the turns are "
                "pending and no attempt was counted: see to it, and consolidate again"
            )
            raise AuthorError(msg) from error
