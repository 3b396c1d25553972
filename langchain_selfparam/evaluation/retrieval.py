"""Retrieval to be compared with: BM25 over what the user said, by the ``bm25s`` library.

In come turns, out go those that fit a question best. It stores text and costs prompt tokens, so it shows what a memory
in the weights has to stand beside.
"""

from __future__ import annotations

from collections.abc import Sequence

from langchain_selfparam.evaluation.datasets import Conversation
from langchain_selfparam.optional import require


class Index:
    """What was said, to be searched.

    Args:
        conversations: Whose turns are indexed.
        count: Most turns that a search gives.

    Raises:
        ImportError: bm25s is not installed.
    """

    def __init__(self, conversations: Sequence[Conversation], *, count: int = 2) -> None:
        self._bm25 = require("bm25s", extra="eval")
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
        found, _ = self._index.retrieve(self._tokens([question]), k=self._count, show_progress=False)
        return [self._said[int(at)] for at in found[0]]

    def _tokens(self, texts: Sequence[str]) -> object:
        return self._bm25.tokenize(list(texts), stopwords="en", show_progress=False)
