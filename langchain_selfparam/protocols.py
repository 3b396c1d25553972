"""What a stage asks of another without knowing it: text, scores, progress and counting.

``targets`` writes its questions through ``TextGenerator`` and judges them through ``TextScorer``; both are given by
``serving`` for a local model, and by ``interfaces`` for any LangChain chat model. Fakes of both ship with the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from langchain_selfparam.records import ConsolidationReport, Episode, Prompt

Progress = Callable[[str, int, int], None]
"""``progress(stage, done, total)``: called as a stage goes on; must return quickly."""

TokenCounter = Callable[[str], int]
"""Tokens in a text, in the units that a policy counts."""


class Watch(Protocol):
    """One consolidation, as somebody watches it."""

    def progress(self, stage: str, done: int, total: int) -> None:
        """Hear that a stage goes on."""

    def ended(self, report: ConsolidationReport) -> None:
        """Hear what was done; not called where it failed."""


class Watcher(Protocol):
    """Watches every consolidation, of the worker as well: for traces and metrics."""

    def watching(self, episode: Episode) -> AbstractContextManager[Watch]:
        """Watch one; an error in the block is what it failed with.

        Args:
            episode: What is learned.

        Returns:
            A context manager; it must not raise and must not swallow an error.
        """


def no_progress(stage: str, done: int, total: int) -> None:
    """Ignore progress: the default where nobody watches."""


@runtime_checkable
class TextGenerator(Protocol):
    """Writes text for many prompts at once."""

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        seed: int | None = None,
        samples: int = 1,
    ) -> list[list[str]]:
        """Answer each prompt ``samples`` times.

        Text is continued as it stands, and so is a last message that is the assistant's; any other is answered. Of no
        messages at all the user's first one is written: what people would say to the model.

        Args:
            prompts: Text or chat messages, one a prompt.
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

    def score(self, groups: Sequence[tuple[Prompt, Sequence[str]]]) -> list[list[float]]:
        """Log-probability of each continuation of each prompt.

        Args:
            groups: Prompts, each with the texts that may follow it.

        Returns:
            Nats over the whole text, at most 0, for each text of each group.
        """
        ...
