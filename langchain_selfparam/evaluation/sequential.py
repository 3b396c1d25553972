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
from langchain_selfparam.evaluation.tables import write_whole
from langchain_selfparam.protocols import Progress
from langchain_selfparam.records import ConsolidationReport, Message


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What was seen after one context had been learned.

    Attributes:
        learned: Its id.
        answers: For each context, in order, the answers to its questions.
        neighbours: Answers to the questions that are about nothing that was said.
        held: Turns that the weights hold since.
        drift: Mean token KL to the untouched model on unrelated prompts, nats.
        seconds: Wall-clock seconds of the consolidation.
        steps: Training steps of it.
    """

    learned: str
    answers: tuple[tuple[str, ...], ...]
    neighbours: tuple[str, ...]
    held: int
    drift: float
    seconds: float
    steps: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A whole run.

    Attributes:
        conversations: In the order in which they were learned.
        neighbours: Questions about other things.
        before: Right answers by context before anything was learned.
        steps: One for each context that was learned.
    """

    conversations: tuple[Conversation, ...]
    neighbours: tuple[Neighbour, ...]
    before: Step
    steps: tuple[Step, ...]

    def flags(self, step: Step, context: int) -> list[bool]:
        """Whether each question of a context was answered right after a step."""
        questions = self.conversations[context].questions
        return [right(q, a) for q, a in zip(questions, step.answers[context], strict=True)]

    @property
    def matrix(self) -> list[list[float]]:
        """Share of right answers: a row for each step, a column for each context."""
        return [[share(self.flags(step, c)) for c in range(len(self.conversations))] for step in self.steps]

    def f1(self, step: Step, context: int) -> list[float]:
        """Token F1 of each question of a context that has whole answers, after a step."""
        questions = self.conversations[context].questions
        return [qa_f1(a, q.golds) for q, a in zip(questions, step.answers[context], strict=True) if q.golds]

    @property
    def summary(self) -> dict[str, float]:
        """Figures of the run.

        ``just``: right just after a context was learned, mean; ``last``: after the last step; ``retention``: of what
        was right just after its own step (the last context left aside) the part that is right after the last one;
        ``ratio``: of the same contexts all that is right after the last one, over all that was right just after;
        ``corrected``: right answers to ``update`` questions after the last step; ``leaks``: neighbours answered with
        what was said, after the last step. Where the set has whole answers, ``just_f1`` and ``last_f1`` are mean token
        F1.
        """
        count = len(self.steps)
        just = [self.flags(step, at) for at, step in enumerate(self.steps)]
        last = [self.flags(self.steps[-1], at) for at in range(count)]
        pairs = [p for own, now in zip(just[:-1], last[:-1], strict=True) for p in zip(own, now, strict=True)]
        kept = [now for own, now in pairs if own]
        updates = [
            flag
            for at in range(count)
            for flag, q in zip(last[at], self.conversations[at].questions, strict=True)
            if q.kind == "update"
        ]
        near = self.neighbours
        scores = {
            "just_f1": [value for at, step in enumerate(self.steps) for value in self.f1(step, at)],
            "last_f1": [value for at in range(count) for value in self.f1(self.steps[-1], at)],
        }
        return {
            "before": share(f for at in range(count) for f in self.flags(self.before, at)),
            "just": share(f for flags in just for f in flags),
            "last": share(f for flags in last for f in flags),
            **({"retention": share(kept), "ratio": sum(now for _, now in pairs) / len(kept)} if kept else {}),
            **({"corrected": share(updates)} if updates else {}),
            **({"leaks_before": self._leaks(self.before), "leaks": self._leaks(self.steps[-1])} if near else {}),
            "drift_max": max(step.drift for step in self.steps),
            "seconds": statistics.fmean(step.seconds for step in self.steps),
            **{name: statistics.fmean(values) for name, values in scores.items() if values},
        }

    def _leaks(self, step: Step) -> float:
        return share(leaks(n, a) for n, a in zip(self.neighbours, step.neighbours, strict=True))


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

    Returns:
        What was measured.
    """
    done = list(_read(keep, conversations)) if keep is not None and keep.exists() else []

    def answer() -> None:
        done[-1] = _asked(done[-1], conversations, neighbours, ask, progress)
        write(keep, done, conversations)

    if not done:
        done.append(Step(learned="", answers=(), neighbours=(), held=0, drift=0.0, seconds=0.0, steps=0))
    if not done[-1].answers:  # also where a run was interrupted between learning and asking
        answer()
    for conversation in conversations[len(done) - 1 :]:
        if not more():
            break
        say(conversation)
        done.append(_learned(conversation, consolidate()))
        write(keep, done, conversations)
        answer()
    return Run(conversations=tuple(conversations), neighbours=tuple(neighbours), before=done[0], steps=tuple(done[1:]))


def _learned(conversation: Conversation, report: ConsolidationReport) -> Step:
    """A step that nobody has been asked about yet."""
    return Step(
        learned=conversation.id,
        answers=(),
        neighbours=(),
        held=len(report.held),
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


def write(keep: Path | None, done: Sequence[Step], conversations: Sequence[Conversation]) -> None:
    """Keep what was measured.

    Args:
        keep: The file; nothing is written where missing.
        done: What was seen before the first step and after each.
        conversations: All of the run.
    """
    if keep is not None:
        values = {"conversations": [c.id for c in conversations], "steps": [dataclasses.asdict(s) for s in done]}
        write_whole(keep, json.dumps(values, indent=1, ensure_ascii=False) + "\n")


def _read(keep: Path, conversations: Sequence[Conversation]) -> Iterator[Step]:
    found: Mapping[str, Any] = json.loads(keep.read_text("utf-8"))
    ids = [c.id for c in conversations]
    if found["conversations"] != ids:
        msg = (
            f"{keep} is of a run over {', '.join(found['conversations'])}, not {', '.join(ids)}; go on with the same "
            "conversations, or give another folder"
        )
        raise InputError(msg)
    for row in found["steps"]:
        yield Step(**{**row, "answers": tuple(map(tuple, row["answers"])), "neighbours": tuple(row["neighbours"])})
