"""Retrieval to be compared with: BM25 over what the user said, by the ``bm25s`` library.

In come turns, out go those that fit a question best. It stores text and costs prompt tokens, so it shows what a memory
in the weights has to stand beside.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from langchain_selfparam.evaluation.datasets import Conversation
from langchain_selfparam.optional import require


def library() -> Any:
    """The module ``bm25s``, so that it leaves a GPU's memory alone.

    It imports JAX where that is installed, which then takes three quarters of the card for itself, and nothing is left
    to learn in.

    Raises:
        ImportError: bm25s is not installed.
    """
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    return require("bm25s", extra="eval")


class Index:
    """What was said, to be searched.

    Args:
        conversations: Whose turns are indexed.
        count: Most turns that a search gives.

    Raises:
        ImportError: bm25s is not installed.
    """

    def __init__(self, conversations: Sequence[Conversation], *, count: int = 2) -> None:
        self._bm25 = library()
        self._said = [user for c in conversations for user, _ in c.turns]
        self._count = min(count, len(self._said))
        self._index = self._bm25.BM25()
        self._index.index(self._tokens(self._said), show_progress=False)

    def __call__(self, question: str) -> list[str]:
        """The turns that fit a question best.

        Args:
            question: What is asked.

        Returns:
            The user's words, the best first.
        """
        tokens = self._tokens([question])
        found, _ = self._index.retrieve(tokens, k=self._count, show_progress=False, backend_selection="numpy")
        return [self._said[int(at)] for at in found[0]]

    def _tokens(self, texts: Sequence[str]) -> object:
        return self._bm25.tokenize(list(texts), stopwords="en", show_progress=False)
