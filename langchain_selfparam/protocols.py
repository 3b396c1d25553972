"""What a stage asks of another without knowing it: text, scores, progress and counting.

``targets`` writes its questions through ``TextGenerator`` and judges them through ``TextScorer``; both are given by
``serving`` for a local model, and by ``interfaces`` for any LangChain chat model. Fakes of both ship with the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from langchain_selfparam.records import Message

Progress = Callable[[str, int, int], None]
"""``progress(stage, done, total)``: called as a stage goes on; must return quickly."""

TokenCounter = Callable[[str], int]
"""Tokens in a text, in the units that a policy counts."""


def no_progress(stage: str, done: int, total: int) -> None:
    """Ignore progress: the default where nobody watches."""


@runtime_checkable
class TextGenerator(Protocol):
    """Writes text for many prompts at once."""

    def generate(
        self,
        prompts: Sequence[Sequence[Message]],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        seed: int | None = None,
        samples: int = 1,
    ) -> list[list[str]]:
        """Answer each prompt ``samples`` times.

        A prompt whose last message is the assistant's is continued; any other is answered.

        Args:
            prompts: Chat messages, one sequence a prompt.
            max_tokens: Most new tokens an answer may have.
            temperature: 0 for greedy decoding.
            stop: Strings that end an answer; they are not part of it.
            seed: Makes sampling repeatable where the generator can.
            samples: Answers for each prompt.

        Returns:
            ``samples`` answers for each prompt, in order.
        """
        ...


@runtime_checkable
class TextScorer(Protocol):
    """Tells how likely a local model finds texts."""

    def score(self, pairs: Sequence[tuple[Sequence[Message], str]]) -> list[float]:
        """Mean log-probability of each answer after its messages, end-of-turn token included.

        Args:
            pairs: Messages and the assistant's answer to them.

        Returns:
            Nats per answer token, at most 0, one for each pair.
        """
        ...
