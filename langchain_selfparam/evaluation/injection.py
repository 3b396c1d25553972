"""One conversation into fresh weights: what is answered before, after, and with the text in the prompt.

In come a conversation and ways to ask, to say it and to learn it, out goes a ``Result`` with every answer.
It knows nothing of LangChain, of files or of how results are shown.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from langchain_selfparam.evaluation.datasets import Conversation, Neighbour, Question
from langchain_selfparam.evaluation.metrics import leaks, right, share
from langchain_selfparam.protocols import Progress
from langchain_selfparam.records import ConsolidationReport, Message


class Ask(Protocol):
    """Answers many prompts at once; ``interfaces.asking.Asker`` is one."""

    def __call__(self, prompts: Sequence[Sequence[Message]], progress: Callable[[int, int], None]) -> list[str]:
        """One answer for each prompt, in order."""
        ...


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A question with its answers; ``None`` where it was not asked in that way."""

    question: Question
    before: str
    """With nothing in the prompt, before learning."""
    history: str
    """With the whole conversation in the prompt, before learning."""
    quoted: str | None
    """With only the turns that hold the answer in the prompt, before learning."""
    after: str
    """With nothing in the prompt, after learning."""

    def is_right(self, way: str) -> bool:
        """Whether the answer of one way (``before``, ``history``, ``quoted``, ``after``) is right."""
        answer = getattr(self, way)
        return answer is not None and right(self.question, answer)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class AskedNeighbour:
    """A neighbour with its answers, nothing in the prompt."""

    neighbour: Neighbour
    before: str
    after: str


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """Everything that was answered about one conversation."""

    conversation: Conversation
    asked: tuple[Asked, ...]
    neighbours: tuple[AskedNeighbour, ...]
    report: ConsolidationReport
    seconds: float
    """Wall-clock seconds of the consolidation."""

    def held(self, way: str, kind: str | None = None) -> float:
        """Share of right answers of one way, of one kind of question or of all."""
        return share(a.is_right(way) for a in self.asked if kind in {None, a.question.kind})

    @property
    def leaked_before(self) -> float:
        """Share of neighbours that leak before anything was learned: what chance gives."""
        return share(leaks(n.neighbour, n.before) for n in self.neighbours)

    @property
    def leaked_after(self) -> float:
        """Share of neighbours that leak after learning."""
        return share(leaks(n.neighbour, n.after) for n in self.neighbours)


def single(
    conversation: Conversation,
    *,
    ask: Ask,
    say: Callable[[], None],
    consolidate: Callable[[], ConsolidationReport],
    progress: Progress,
    quoted: bool = True,
) -> Result:
    """Ask, learn, ask again.

    Args:
        conversation: What to learn and what to ask.
        ask: Answers with the weights that are served; they are fresh.
        say: Says the conversation into a memory over these weights, which learns nothing by itself.
        consolidate: Has that memory learn.
        progress: Called by stage; the stages of asking are ``ask: nothing``, ``ask: history`` and so on.
        quoted: Whether to ask also with the right turn in the prompt.

    Returns:
        All answers and the consolidation's report.
    """
    before = ask_all(conversation, ask, progress, "ask: nothing")
    history = ask_all(conversation, ask, progress, "ask: history", history=conversation.messages)
    chunks = ask(quoting(conversation), bar(progress, "ask: quoted")) if quoted else None
    say()
    started = time.perf_counter()
    report = consolidate()
    seconds = time.perf_counter() - started
    after = ask_all(conversation, ask, progress, "ask: weights")
    count = len(conversation.questions)
    return Result(
        conversation=conversation,
        asked=tuple(
            Asked(
                question=question,
                before=before[i],
                history=history[i],
                quoted=chunks[i] if chunks is not None else None,
                after=after[i],
            )
            for i, question in enumerate(conversation.questions)
        ),
        neighbours=tuple(
            AskedNeighbour(neighbour=n, before=b, after=a)
            for n, b, a in zip(conversation.neighbours, before[count:], after[count:], strict=True)
        ),
        report=report,
        seconds=seconds,
    )


def ask_all(
    conversation: Conversation,
    ask: Ask,
    progress: Progress,
    stage: str,
    *,
    history: Sequence[Message] = (),
) -> list[str]:
    """Ask all questions, and the neighbours too where nothing is in the prompt.

    Args:
        conversation: Where the questions are.
        ask: Answers them.
        progress: Called by stage.
        stage: Its name there.
        history: What stands in the prompt before each question.

    Returns:
        The answers in order, those of the neighbours last.
    """
    # Apart from each other: how a half-precision model rounds depends on which prompts share a batch, and questions
    # that are asked again alone, in a new process, should find the same company.
    groups: list[Sequence[Question] | Sequence[Neighbour]] = [conversation.questions]
    if not history:
        groups.append(conversation.neighbours)
    answers: list[str] = []
    for group in groups:
        prompts = [(*history, Message(role="user", text=asked.text)) for asked in group]
        answers += ask(prompts, bar(progress, stage))
    return answers


def quoting(conversation: Conversation) -> list[tuple[Message, ...]]:
    """Prompts that quote the turns with the answer: the ceiling of what a memory of this model can reach.

    Args:
        conversation: Where the questions and the turns are.

    Returns:
        One prompt for each question.
    """
    prompts: list[tuple[Message, ...]] = []
    for question in conversation.questions:
        said = " ".join(conversation.turns[turn][0] for turn in question.turns)
        prompts.append((Message(role="user", text=f'Earlier I told you: "{said}" {question.text}'),))
    return prompts


def bar(progress: Progress, stage: str) -> Callable[[int, int], None]:
    """A callback of one stage.

    Args:
        progress: Called by stage.
        stage: Which one.

    Returns:
        A function of what is done and the total.
    """
    return lambda done, total: progress(stage, done, total)
