"""Contexts into fresh weights: what is answered before, after, and with the text in the prompt.

In come conversations and ways to ask, to say and to learn them, out goes a ``Result`` for each with every answer. One
conversation is single injection, several are batch injection. It knows nothing of LangChain, of files or of how
results are shown.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from langchain_selfparam.evaluation.datasets import Conversation, Neighbour, Question
from langchain_selfparam.evaluation.metrics import leaks, qa_f1, right, share
from langchain_selfparam.protocols import Progress
from langchain_selfparam.records import ConsolidationReport, Message

BEFORE, HISTORY, RETRIEVED, QUOTED, AFTER = "before", "history", "retrieved", "quoted", "after"
"""Ways to answer: nothing in the prompt, before; the whole conversation in it; what BM25 finds in it; only the turns
with the answer in it; nothing in the prompt, after."""


class Ask(Protocol):
    """Answers many prompts at once; ``interfaces.asking.Asker`` is one."""

    def __call__(self, prompts: Sequence[Sequence[Message]], progress: Callable[[int, int], None]) -> list[str]:
        """One answer for each prompt, in order."""
        ...


class Retrieve(Protocol):
    """Finds what was said about a question; ``evaluation.retrieval.Index`` is one."""

    def __call__(self, question: str) -> list[str]:
        """What the user said that fits best, the best first."""
        ...


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A question with its answers, by way; a way that was not taken is missing."""

    question: Question
    answers: Mapping[str, str]

    def is_right(self, way: str) -> bool:
        """Whether the answer of one way is right."""
        return way in self.answers and right(self.question, self.answers[way])

    def f1(self, way: str) -> float:
        """Token F1 of the answer of one way; 0 where the question has no whole answers to compare with."""
        return qa_f1(self.answers.get(way, ""), self.question.golds)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class AskedNeighbour:
    """A neighbour with its answers, nothing in the prompt, by way."""

    neighbour: Neighbour
    answers: Mapping[str, str]

    def leaks(self, way: str) -> bool:
        """Whether one of the user's facts is in the answer."""
        return leaks(self.neighbour, self.answers[way])


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """Everything that was answered about one conversation."""

    conversation: Conversation
    asked: tuple[Asked, ...]
    neighbours: tuple[AskedNeighbour, ...]
    report: ConsolidationReport
    seconds: float
    """Wall-clock seconds of the consolidation, of all conversations that were learned with it."""
    prompts: Mapping[str, Sequence[Sequence[Message]]] = dataclasses.field(default_factory=dict)
    """What was asked, by way, where more than the question stood in the prompt."""

    def held(self, way: str, kind: str | None = None) -> float:
        """Share of right answers of one way, of one kind of question or of all."""
        return share(a.is_right(way) for a in self.asked if kind in {None, a.question.kind})

    def leaked(self, way: str) -> float:
        """Share of neighbours that leak one way; ``before`` is what chance gives."""
        return share(n.leaks(way) for n in self.neighbours if way in n.answers)


def inject(
    conversations: Sequence[Conversation],
    *,
    ask: Ask,
    say: Callable[[], None],
    consolidate: Callable[[], ConsolidationReport],
    progress: Progress,
    quoted: bool = True,
    retrieve: Retrieve | None = None,
) -> list[Result]:
    """Ask, learn, ask again.

    Args:
        conversations: What to learn at once and what to ask.
        ask: Answers with the weights that are served; they are fresh.
        say: Says the conversations into a memory over these weights, which learns nothing by itself.
        consolidate: Has that memory learn.
        progress: Called by stage; the stages of asking are ``ask: nothing``, ``ask: history`` and so on.
        quoted: Whether to ask also with the right turn in the prompt.
        retrieve: Finds what to put into the prompt for the way ``retrieved``.

    Returns:
        All answers and the consolidation's report, for each conversation.
    """
    seen = [_Answers(c) for c in conversations]
    for found in seen:
        found.closed_book(ask, BEFORE, progress, "ask: nothing")
        for way, prompts in in_prompt(found.conversation, quoted=quoted, retrieve=retrieve).items():
            found.by_prompt(prompts, ask, way, progress)
    say()
    started = time.perf_counter()
    report = consolidate()
    seconds = time.perf_counter() - started
    for found in seen:
        found.closed_book(ask, AFTER, progress, "ask: weights")
    return [found.result(report, seconds) for found in seen]


def ask_closed_book(
    conversation: Conversation, ask: Ask, progress: Progress, stage: str
) -> tuple[list[str], list[str]]:
    """Ask all questions and the neighbours with nothing in the prompt.

    Args:
        conversation: Where they are.
        ask: Answers them.
        progress: Called by stage.
        stage: Its name there.

    Returns:
        The answers to the questions, and those to the neighbours.
    """
    # Apart from each other: how a half-precision model rounds depends on which prompts share a batch, and questions
    # that are asked again alone, in a new process, should find the same company.
    groups: tuple[Sequence[Question] | Sequence[Neighbour], ...] = (conversation.questions, conversation.neighbours)
    answers, near = (
        ask([(Message(role="user", text=asked.text),) for asked in group], bar(progress, stage)) if group else []
        for group in groups
    )
    return answers, near


def in_prompt(
    conversation: Conversation, *, quoted: bool = True, retrieve: Retrieve | None = None
) -> dict[str, list[tuple[Message, ...]]]:
    """Prompts with more than the question in them.

    Args:
        conversation: Where the questions and the turns are.
        quoted: Whether also with the right turn alone.
        retrieve: Finds what to put into the prompt for the way ``retrieved``; it is left out where missing.

    Returns:
        By way one prompt for each question.
    """
    questions = conversation.questions
    found = {HISTORY: [(*conversation.messages, Message(role="user", text=q.text)) for q in questions]}
    if retrieve is not None:
        found[RETRIEVED] = [_quoted(retrieve(q.text), q.text) for q in questions]
    return {**found, **({QUOTED: quoting(conversation)} if quoted else {})}


def quoting(conversation: Conversation) -> list[tuple[Message, ...]]:
    """Prompts that quote the turns with the answer: the ceiling of what a memory of this model can reach.

    Args:
        conversation: Where the questions and the turns are.

    Returns:
        One prompt for each question.
    """
    return [_quoted([conversation.turns[turn][0] for turn in q.turns], q.text) for q in conversation.questions]


class _Answers:
    """What was answered about one conversation, as it comes."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self._answers: dict[str, list[str]] = {}
        self._near: dict[str, list[str]] = {}
        self._prompts: dict[str, list[tuple[Message, ...]]] = {}

    def closed_book(self, ask: Ask, way: str, progress: Progress, stage: str) -> None:
        self._answers[way], self._near[way] = ask_closed_book(self.conversation, ask, progress, stage)

    def by_prompt(self, prompts: list[tuple[Message, ...]], ask: Ask, way: str, progress: Progress) -> None:
        self._answers[way], self._prompts[way] = ask(prompts, bar(progress, f"ask: {way}")), prompts

    def result(self, report: ConsolidationReport, seconds: float) -> Result:
        asked = [
            Asked(question=q, answers={way: texts[i] for way, texts in self._answers.items()})
            for i, q in enumerate(self.conversation.questions)
        ]
        near = [
            AskedNeighbour(neighbour=n, answers={way: texts[i] for way, texts in self._near.items()})
            for i, n in enumerate(self.conversation.neighbours)
        ]
        return Result(
            conversation=self.conversation,
            asked=tuple(asked),
            neighbours=tuple(near),
            report=report,
            seconds=seconds,
            prompts=self._prompts,
        )


def _quoted(said: Sequence[str], question: str) -> tuple[Message, ...]:
    return (Message(role="user", text=f'Earlier I told you: "{" ".join(said)}" {question}'),)


def bar(progress: Progress, stage: str) -> Callable[[int, int], None]:
    """A callback of one stage.

    Args:
        progress: Called by stage.
        stage: Which one.

    Returns:
        A function of what is done and the total.
    """
    return lambda done, total: progress(stage, done, total)
