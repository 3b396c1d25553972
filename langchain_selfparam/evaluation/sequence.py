"""Running a sequential evaluation: one memory that learns context after context, and what it is compared with.

In come conversations, settings and a model, out go matrices and what else has moved. It opens the memory; the protocol
itself is ``sequential``'s, what other methods learn is ``baselines``'.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from langchain_selfparam.config import Settings
from langchain_selfparam.engine.report import nothing_done
from langchain_selfparam.evaluation.baselines import NAMES, Baseline, Lesson, Name, best_rate
from langchain_selfparam.evaluation.datasets import Conversation, Neighbour
from langchain_selfparam.evaluation.harness import Subject, open_memory
from langchain_selfparam.evaluation.injection import ask_closed_book, bar
from langchain_selfparam.evaluation.metrics import right, share
from langchain_selfparam.evaluation.sequential import Run, sequential, write
from langchain_selfparam.evaluation.unchanged import Change, Unchanged, Yardstick
from langchain_selfparam.protocols import Progress
from langchain_selfparam.records import ConsolidationReport, Message, TargetSet

_RESET = "published-reset"
BASELINES = (*NAMES, _RESET)
"""Other ways to learn; ``published-reset`` starts each context from the model's own weights, as the released script
does, which re-initialises its adapter."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What to run.

    Attributes:
        conversations: Learned in this order.
        neighbours: Questions about other things, asked after each step.
        settings: All stages' settings.
        baselines: Other ways to learn, of ``BASELINES``.
        unchanged: What is looked at before the first and after the last step; nothing where missing.
    """

    conversations: Sequence[Conversation]
    neighbours: Sequence[Neighbour] = ()
    settings: Settings = dataclasses.field(default_factory=Settings)
    baselines: Sequence[str] = ()
    unchanged: Unchanged | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What was measured.

    Attributes:
        ours: The memory's matrix.
        others: The baselines' by name; only where the memory has learned everything.
        change: What else has moved, from before the first to after the last step.
    """

    ours: Run
    others: Mapping[str, Run]
    change: Change | None


def run(
    plan: Plan, subject: Subject, *, folder: Path, progress: Progress, more: Callable[[], bool] = lambda: True
) -> Found:
    """Run what is not yet kept.

    Args:
        plan: What to run.
        subject: The model.
        folder: Where the memory and finished steps are kept.
        progress: Called by stage.
        more: Asked before each step; ``False`` ends the run there.

    Returns:
        What was measured so far.
    """
    yardstick = None
    if plan.unchanged is not None:  # before the memory puts what it has learned into the weights
        yardstick = Yardstick(subject.local, plan.unchanged, ask=subject, progress=bar(progress, "unchanged"))
    folder.mkdir(parents=True, exist_ok=True)
    with open_memory(subject, folder / "memory", settings=plan.settings, namespace="sequential") as engine:

        def say(conversation: Conversation) -> None:
            for number, (user, assistant) in enumerate(conversation.turns):
                # An id makes a turn that was said before an interruption the same turn after it.
                engine.append(user=user, assistant=assistant, message_id=f"{conversation.id}:{number}")

        ours = sequential(
            plan.conversations,
            plan.neighbours,
            ask=subject,
            say=say,
            consolidate=lambda: engine.consolidate(progress=progress),
            progress=progress,
            keep=folder / "steps.json",
            more=more,
        )
        change = yardstick.change() if yardstick is not None else None
        taught = engine.taught()
        ids = [turn.id for turn in engine.turns()]
    others: dict[str, Run] = {}
    if len(ours.steps) == len(plan.conversations):
        lessons = _lessons(plan.conversations, ids, taught, ours)
        for name in plan.baselines:
            if not more():
                break
            others[name] = _baseline(name, plan, subject, lessons, folder / f"steps-{name}.json", progress)
    return Found(ours=ours, others=others, change=change)


def _lessons(
    conversations: Sequence[Conversation], ids: Sequence[int], taught: Sequence[TargetSet], ours: Run
) -> dict[str, Lesson]:
    """What a baseline learns from at each step: the same text and questions, and as many steps on average."""
    steps = max(1, round(statistics.fmean(step.steps for step in ours.steps)))
    lessons = {}
    start = 0
    for conversation in conversations:
        own = set(ids[start : start + len(conversation.turns)])
        start += len(conversation.turns)
        sets = [
            dataclasses.replace(
                targets,
                sentences=tuple(
                    s for s in targets.sentences if s.kind == "neutral" or (s.kind == "question" and s.turn_id in own)
                ),
            )
            for targets in taught
            if any(statement.turn_id in own for statement in targets.statements)
        ]
        lessons[conversation.id] = Lesson(conversations=[conversation], taught=sets, steps=steps)
    return lessons


def _baseline(
    name: str, plan: Plan, subject: Subject, lessons: Mapping[str, Lesson], keep: Path, progress: Progress
) -> Run:
    """The matrix of a baseline; kept when it is whole, since its weights are not."""
    baseline = Baseline(
        subject.local, cast("Name", "published" if name == _RESET else name), config=plan.settings.training
    )
    rate = 0.0 if keep.exists() else _best_rate(baseline, plan, subject, lessons, progress)
    base = subject.local.model
    model: Any = base
    said: list[Conversation] = []

    def learn() -> ConsolidationReport:
        nonlocal model
        started = time.perf_counter()
        start = base if name == _RESET else model
        lesson = lessons[said[-1].id]
        model = baseline.learn(start, lesson, rate=rate, progress=bar(progress, f"{name} {said[-1].id}"))
        return dataclasses.replace(nothing_done(""), seconds={"total": time.perf_counter() - started})

    def ask(prompts: Sequence[Sequence[Message]], progress: Callable[[int, int], None]) -> list[str]:
        return subject.over(model)(prompts, progress)  # the model of the last step, not of the first

    found = sequential(
        plan.conversations,
        plan.neighbours,
        ask=ask,
        say=said.append,
        consolidate=learn,
        progress=progress,
        keep=keep if keep.exists() else None,
    )
    write(keep, [found.before, *found.steps], plan.conversations)
    return found


def _best_rate(
    baseline: Baseline, plan: Plan, subject: Subject, lessons: Mapping[str, Lesson], progress: Progress
) -> float:
    """The rate with most right answers on the first context: the very questions that are scored, in its favour."""
    if len(baseline.rates) == 1:
        return baseline.rates[0]
    first = plan.conversations[0]
    scored = {}
    for rate in baseline.rates:
        watch = bar(progress, f"{baseline.name} {rate:g}")
        model = baseline.learn(subject.local.model, lessons[first.id], rate=rate, progress=watch)
        answers, _ = ask_closed_book(first, subject.over(model), progress, "ask")
        scored[rate] = share(right(q, a) for q, a in zip(first.questions, answers, strict=True))
    return best_rate(scored)
