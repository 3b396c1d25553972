"""Sequential injection: contexts one after another into the same weights, every one asked after every step.

In come conversations and callables that say, learn and ask; out goes the matrix of right answers, from which retention
is read. What was measured is kept after each step, so that an interruption costs one step. It knows nothing of engines.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_selfparam.errors import InputError
from langchain_selfparam.evaluation.datasets import Conversation, Neighbour
from langchain_selfparam.evaluation.injection import Ask, bar
from langchain_selfparam.evaluation.metrics import leaks, qa_f1, right, share
from langchain_selfparam.evaluation.stats import Interval, interval
from langchain_selfparam.evaluation.tables import write_whole
from langchain_selfparam.protocols import Progress
from langchain_selfparam.records import ConsolidationReport, Message

Answers = tuple[tuple[str, ...], ...]
"""For each context, in order, the answers to its questions."""
_NO_PROMPTS: Mapping[str, Sequence[Sequence[Sequence[Message]]]] = {}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What was seen after one context had been learned.

    Attributes:
        learned: Its id.
        answers: For each context, in order, the answers to its questions.
        neighbours: Answers to the questions that are about nothing that was said.
        held: Turns that the weights hold since.
        drift: Mean token KL to the untouched model on unrelated prompts, nats, of what is served since; ``None`` where
            nobody measured it.
        seconds: Wall-clock seconds of the consolidation.
        steps: Training steps of it.
        candidate_drift: That of the candidate, also where it was refused; ``None`` where there is none.
        peak_bytes: Most memory while it was learned, as ``machine.Peak`` has it.
        note: Why nothing was learned, where nothing was.
        lost: Turns that earlier steps held and this one does not: they are learned again with the next.
        version: The memory's newest version then; ``None`` where it has none, and in what was kept by earlier versions.
    """

    learned: str
    answers: Answers
    neighbours: tuple[str, ...]
    held: int
    drift: float | None
    seconds: float
    steps: int = 0
    candidate_drift: float | None = None
    peak_bytes: int = 0
    note: str = ""
    lost: int = 0
    version: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One step in a table: of one run, or of several with other seeds as their mean.

    Attributes:
        learned: The id of the context.
        held: Turns that the weights hold since.
        lost: Turns that earlier steps held and this one does not.
        drift: Of what is served since, nats a token; ``None`` where nobody measured it.
        seconds: Of the consolidation.
    """

    learned: str
    held: float
    lost: float
    drift: float | None
    seconds: float


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A whole run.

    Attributes:
        conversations: In the order in which they were learned.
        neighbours: Questions about other things.
        before: Right answers by context before anything was learned.
        steps: One for each context that was learned.
        prompted: Answers before anything was learned, with more than the question in the prompt, by way.
    """

    conversations: tuple[Conversation, ...]
    neighbours: tuple[Neighbour, ...]
    before: Step
    steps: tuple[Step, ...]
    prompted: Mapping[str, Answers] = dataclasses.field(default_factory=dict)

    def flags(self, step: Step, context: int) -> list[bool]:
        """Whether each question of a context was answered right after a step."""
        return self._flags(step.answers, context)

    def _flags(self, answers: Answers, context: int) -> list[bool]:
        questions = self.conversations[context].questions
        return [right(q, a) for q, a in zip(questions, answers[context], strict=True)]

    def prompted_flags(self, way: str) -> list[bool]:
        """Whether each question of the contexts that were learned was answered right with more in the prompt."""
        return [flag for at in range(len(self.steps)) for flag in self._flags(self.prompted[way], at)]

    @property
    def matrix(self) -> list[list[float]]:
        """Share of right answers: a row for each step, a column for each context."""
        return [[share(self.flags(step, c)) for c in range(len(self.conversations))] for step in self.steps]

    def f1(self, step: Step, context: int) -> list[float | None]:
        """Token F1 of each question of a context after a step; ``None`` for one without whole answers."""
        questions = self.conversations[context].questions
        return [qa_f1(a, q.golds) if q.golds else None for q, a in zip(questions, step.answers[context], strict=True)]

    def _f1(self, answers: Answers, context: int) -> list[float]:
        questions = self.conversations[context].questions
        return [qa_f1(a, q.golds) for q, a in zip(questions, answers[context], strict=True) if q.golds]

    @property
    def rows(self) -> list[Row]:
        """Every step in a table."""
        return [Row(learned=s.learned, held=s.held, lost=s.lost, drift=s.drift, seconds=s.seconds) for s in self.steps]

    @property
    def right(self) -> list[list[float]]:
        """For each context whether its questions were answered right after the last step."""
        return [[*self.flags(self.steps[-1], at)] for at in range(len(self.conversations))]

    @property
    def f1_last(self) -> list[list[float | None]]:
        """Likewise token F1; ``None`` for a question without whole answers."""
        return [self.f1(self.steps[-1], at) for at in range(len(self.conversations))]

    @property
    def peak_bytes(self) -> int:
        """Most memory of a step."""
        return max(step.peak_bytes for step in self.steps)

    @property
    def figures(self) -> dict[str, list[tuple[str, float]]]:
        """What each figure is the mean of: for every question its context and its score.

        The names are those of ``summary``; a figure that nobody was asked for is missing.
        """
        contexts = range(len(self.steps))
        last = self.steps[-1].answers
        own = {at: self._flags(self.steps[at].answers, at) for at in contexts}
        now = {at: self._flags(last, at) for at in contexts}
        kinds = {at: [q.kind for q in self.conversations[at].questions] for at in contexts}
        found: dict[str, Mapping[int, Sequence[float]]] = {
            "before": {at: self._flags(self.before.answers, at) for at in contexts},
            "just": own,
            "last": now,
            "retention": {at: [flag for was, flag in self.kept(at) if was] for at in contexts[:-1]},
            "corrected": {
                at: [flag for kind, flag in zip(kinds[at], now[at], strict=True) if kind == "update"] for at in contexts
            },
            "before_f1": {at: self._f1(self.before.answers, at) for at in contexts},
            "just_f1": {at: self._f1(self.steps[at].answers, at) for at in contexts},
            "last_f1": {at: self._f1(last, at) for at in contexts},
        }
        for way, answers in self.prompted.items():
            found |= {way: {at: self._flags(answers, at) for at in contexts}}
            found |= {f"{way}_f1": {at: self._f1(answers, at) for at in contexts}}
        named = {
            name: [(self.conversations[at].id, float(value)) for at, values in by.items() for value in values]
            for name, by in found.items()
        }
        return {name: values for name, values in named.items() if values}

    @property
    def intervals(self) -> dict[str, Interval]:
        """The figures with their 95 % intervals; contexts are drawn, and questions within each."""
        return with_intervals(self.figures)

    @property
    def summary(self) -> dict[str, float]:
        """Figures of the run.

        ``just``: right just after a context was learned, mean; ``last``: after the last step; ``retention``: of what
        was right just after its own step (the last context left aside) the part that is right after the last one;
        ``ratio``: of the same contexts all that is right after the last one, over all that was right just after;
        ``corrected``: right answers to ``update`` questions after the last step; ``leaks``: neighbours answered with
        what was said, after the last step; ``drift_max``: the largest drift of what was served after a step. Where the
        set has whole answers, ``before_f1``, ``just_f1`` and ``last_f1`` are mean token F1. By way ``history`` and so
        on what was right with more in the prompt, before, and ``history_f1`` and so on.
        """
        means = {name: statistics.fmean(value for _, value in values) for name, values in self.figures.items()}
        just, last = self.earlier
        drifts = [step.drift for step in self.steps if step.drift is not None]
        near = self.neighbours
        return {
            **means,
            **({"ratio": last / just} if just else {}),
            **({"leaks_before": self._leaks(self.before), "leaks": self._leaks(self.steps[-1])} if near else {}),
            **({"drift_max": max(drifts)} if drifts else {}),
            "seconds": statistics.fmean(step.seconds for step in self.steps),
        }

    def kept(self, context: int) -> list[tuple[bool, bool]]:
        """Whether each question of a context was right just after its own step, and after the last one."""
        return list(zip(self.flags(self.steps[context], context), self.flags(self.steps[-1], context), strict=True))

    @property
    def earlier(self) -> tuple[int, int]:
        """Right answers to all contexts but the last: just after their own step, and after the last one."""
        contexts = range(len(self.steps) - 1)
        just = sum(sum(self.flags(self.steps[at], at)) for at in contexts)
        return just, sum(sum(self.flags(self.steps[-1], at)) for at in contexts)

    def _leaks(self, step: Step) -> float:
        return share(leaks(n, a) for n, a in zip(self.neighbours, step.neighbours, strict=True))


def with_intervals(figures: Mapping[str, Sequence[tuple[str, float]]]) -> dict[str, Interval]:
    """Figures with their 95 % intervals; contexts are drawn, and questions within each.

    Args:
        figures: What each is the mean of: for every question its context and its score.

    Returns:
        The mean of each, with its interval.
    """
    return {
        name: interval([value for _, value in values], groups=[context for context, _ in values])
        for name, values in figures.items()
    }


def sequential(
    conversations: Sequence[Conversation],
    neighbours: Sequence[Neighbour],
    *,
    ask: Ask,
    say: Callable[[Conversation], None],
    consolidate: Callable[[], ConsolidationReport],
    progress: Progress,
    keep: Path | None = None,
    more: Callable[[], bool] = lambda: True,
    prompts: Mapping[str, Sequence[Sequence[Sequence[Message]]]] = _NO_PROMPTS,
    besides: Callable[[], Mapping[str, Any]] = dict,
) -> Run:
    """Learn conversations one after another and ask about all of them after each.

    Args:
        conversations: In order.
        neighbours: Questions about other things, asked after each step too.
        ask: Answers with the weights that are served.
        say: Says a conversation into the memory; saying it again must not say it twice.
        consolidate: Has the memory learn what is pending.
        progress: Called by stage.
        keep: Where finished steps are kept and read from; the memory has to be the one of that run.
        more: Asked before each step; ``False`` ends the run there.
        prompts: By way, for each conversation prompts with more than the question in them, to be answered once before
            anything is learned.
        besides: After a conversation was learned, fields of its ``Step`` that its report does not have.

    Returns:
        What was measured.
    """
    done, prompted = read(keep, conversations)

    def answer() -> None:
        done[-1] = _asked(done[-1], conversations, neighbours, ask, progress)
        _write(keep, done, conversations, prompted)

    if not done:
        done.append(Step(learned="", answers=(), neighbours=(), held=0, drift=0.0, seconds=0.0, steps=0))
    if not done[-1].answers:  # also where a run was interrupted between learning and asking
        answer()
    for way in prompts if len(done) == 1 else ():  # later the weights are no longer the untouched ones
        if way not in prompted:
            prompted[way] = tuple(tuple(ask(part, bar(progress, f"ask: {way}"))) for part in prompts[way])
            _write(keep, done, conversations, prompted)
    for conversation in conversations[len(done) - 1 :]:
        if not more():
            break
        say(conversation)
        done.append(dataclasses.replace(_learned(conversation, consolidate()), **besides()))
        _write(keep, done, conversations, prompted)
        answer()
    return Run(
        conversations=tuple(conversations),
        neighbours=tuple(neighbours),
        before=done[0],
        steps=tuple(done[1:]),
        prompted=prompted,
    )


def _learned(conversation: Conversation, report: ConsolidationReport) -> Step:
    """A step that nobody has been asked about yet."""
    return Step(
        learned=conversation.id,
        answers=(),
        neighbours=(),
        held=len(report.held),
        lost=len(report.lost),
        drift=report.drift,
        seconds=report.seconds.get("total", 0.0),
        steps=len(report.curve),
    )


def _asked(
    step: Step, conversations: Sequence[Conversation], neighbours: Sequence[Neighbour], ask: Ask, progress: Progress
) -> Step:
    texts = [q.text for c in conversations for q in c.questions] + [n.text for n in neighbours]
    found: Iterator[str] = iter(ask([(Message(role="user", text=t),) for t in texts], bar(progress, "ask")))
    answers = tuple(tuple(next(found) for _ in c.questions) for c in conversations)
    return dataclasses.replace(step, answers=answers, neighbours=tuple(found))


def _write(
    keep: Path | None, done: Sequence[Step], conversations: Sequence[Conversation], prompted: Mapping[str, Answers]
) -> None:
    if keep is not None:
        values: dict[str, Any] = {"conversations": [c.id for c in conversations], "prompted": prompted}
        values["steps"] = [dataclasses.asdict(step) for step in done]
        write_whole(keep, json.dumps(values, indent=1, ensure_ascii=False) + "\n")


def start_like(keep: Path, other: Path, conversations: Sequence[Conversation], *, prompts: bool = True) -> None:
    """Let a run begin with what the untouched model answered in another one: that is the same for both.

    Args:
        keep: Where the run keeps its steps; left alone where it has begun.
        other: Where the other one does; nothing is taken from one that has not learned anything yet.
        conversations: All of both.
        prompts: Whether what was answered with more in the prompt is taken too.

    Raises:
        InputError: The other is of a run over other conversations.
    """
    done, prompted = read(other, conversations)
    if len(done) > 1 and not keep.exists():
        keep.parent.mkdir(parents=True, exist_ok=True)
        _write(keep, done[:1], conversations, prompted if prompts else {})


def read(keep: Path | None, conversations: Sequence[Conversation]) -> tuple[list[Step], dict[str, Answers]]:
    """Read what a run has kept.

    Args:
        keep: The file; nothing is read where it is missing or not there.
        conversations: All of the run.

    Returns:
        What was seen before the first step and after each; and by way what was answered with more in the prompt.

    Raises:
        InputError: It is of a run over other conversations.
    """
    if keep is None or not keep.exists():
        return [], {}
    found: Mapping[str, Any] = json.loads(keep.read_text("utf-8"))
    ids = [c.id for c in conversations]
    if found["conversations"] != ids:
        msg = (
            f"{keep} is of a run over {', '.join(found['conversations'])}, not {', '.join(ids)}; go on with the same "
            "conversations, or give another folder"
        )
        raise InputError(msg)
    steps = [
        Step(**{**row, "answers": tuple(map(tuple, row["answers"])), "neighbours": tuple(row["neighbours"])})
        for row in found["steps"]
    ]
    prompted = {way: tuple(map(tuple, answers)) for way, answers in found.get("prompted", {}).items()}
    return steps, prompted
