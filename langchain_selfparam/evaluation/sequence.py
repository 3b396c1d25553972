"""Running a sequential evaluation: one memory that learns context after context, and what it is compared with.

In come conversations, settings and a model, out go matrices and what else has moved. It opens the memory; the protocol
itself is ``sequential``'s, what other methods learn is ``baselines``'.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import shutil
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from langchain_selfparam.config import Settings, TrainingConfig
from langchain_selfparam.engine.pipeline import Engine
from langchain_selfparam.engine.report import nothing_done
from langchain_selfparam.errors import InputError, NoTargetsError
from langchain_selfparam.evaluation.baselines import NAMES, Baseline, Lesson, Name, merged
from langchain_selfparam.evaluation.datasets import Conversation, Neighbour
from langchain_selfparam.evaluation.harness import RATES_FILE, Subject, open_memory, seeded, served_drift
from langchain_selfparam.evaluation.injection import ask_closed_book, bar, in_prompt
from langchain_selfparam.evaluation.machine import Peak
from langchain_selfparam.evaluation.metrics import right, share
from langchain_selfparam.evaluation.rates import NOT_RUN, Rates, moved_by, questions_of
from langchain_selfparam.evaluation.resumed import learn
from langchain_selfparam.evaluation.retrieval import Index
from langchain_selfparam.evaluation.sequential import Run, Step, read, sequential, start_like
from langchain_selfparam.evaluation.tables import as_plain, write_whole
from langchain_selfparam.evaluation.unchanged import Unchanged, Yardstick
from langchain_selfparam.protocols import Progress
from langchain_selfparam.records import ConsolidationReport, Message, TargetSet
from langchain_selfparam.weights.delta import Delta
from langchain_selfparam.weights.files import read_delta, write_delta

_CHANGE = "change.json"
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
        retrieved: Whether BM25 answers too, over the turns of all conversations.
    """

    conversations: Sequence[Conversation]
    neighbours: Sequence[Neighbour] = ()
    settings: Settings = dataclasses.field(default_factory=Settings)
    baselines: Sequence[str] = ()
    unchanged: Unchanged | None = None
    retrieved: bool = True


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What was measured.

    Attributes:
        ours: The memory's matrix.
        others: The baselines' by name; only those that have learned everything, as the memory has.
        change: What else has moved, from before the first to after the last step, as plain values.
        unfinished: Baselines that are still to be gone on with, and how many steps of them are done.
        not_run: Baselines that are left out, and why.
    """

    ours: Run
    others: Mapping[str, Run]
    change: Mapping[str, Any] | None
    unfinished: Mapping[str, int] = dataclasses.field(default_factory=dict)
    not_run: Mapping[str, str] = dataclasses.field(default_factory=dict)


def run(
    plan: Plan,
    subject: Subject,
    *,
    folder: Path,
    progress: Progress,
    more: Callable[[], bool] = lambda: True,
    rates: Path | None = None,
    look: Callable[[], Yardstick] | None = None,
) -> Found:
    """Run what is not yet kept.

    Args:
        plan: What to run.
        subject: The model.
        folder: Where the memory and finished steps are kept.
        progress: Called by stage.
        more: Asked before each step; ``False`` ends the run there.
        rates: Where the baselines' learning rates are kept; in ``folder`` where missing.
        look: Looks at the untouched model; asked for where ``plan`` has something to look at.

    Returns:
        What was measured so far.
    """
    for name in plan.baselines:  # refused before anything is learned where the model is not for it
        _baseline(name, subject, TrainingConfig())
    prompts = _prompts(plan)
    folder.mkdir(parents=True, exist_ok=True)
    steps, _ = read(folder / "steps.json", plan.conversations)
    if not steps:  # a memory that a run has left before its first step may be another model's
        shutil.rmtree(folder / "memory", ignore_errors=True)
    change = _kept_change(folder / _CHANGE)
    yardstick = None
    if plan.unchanged is not None and change is None:  # before the memory puts what it has learned into the weights
        yardstick = (look or _looks(plan, subject, progress))()
    with open_memory(subject, folder / "memory", settings=plan.settings, namespace="sequential") as engine:
        last: dict[str, Any] = {"version": _written(steps, engine)}

        def say(conversation: Conversation) -> None:
            for number, (user, assistant) in enumerate(conversation.turns):
                # An id makes a turn that was said before an interruption the same turn after it.
                engine.append(user=user, assistant=assistant, message_id=f"{conversation.id}:{number}")

        def consolidate() -> ConsolidationReport:
            peak = Peak()
            learned = learn(engine, after=last["version"], progress=progress)
            last.update(peak_bytes=peak.bytes if learned.now else 0, version=learned.version, steps=learned.steps)
            last.update(drift=served_drift(engine), candidate_drift=learned.report.drift)
            return learned.report

        ours = sequential(
            plan.conversations,
            plan.neighbours,
            ask=subject,
            say=say,
            consolidate=consolidate,
            progress=progress,
            keep=folder / "steps.json",
            more=more,
            prompts=prompts,
            besides=lambda: last,
        )
        if yardstick is not None:
            change = as_plain(yardstick.change())
            if len(ours.steps) == len(plan.conversations):
                write_whole(folder / _CHANGE, json.dumps(change) + "\n")
        taught = engine.studied()
        ids = [turn.id for turn in engine.turns()]
    found = Found(ours=ours, others={}, change=change)
    if len(ours.steps) < len(plan.conversations):
        return found
    lessons = _lessons(plan.conversations, ids, taught, ours)
    rates = rates or folder / RATES_FILE
    return _beside(found, plan, lambda name: _Other(name, plan, subject, lessons, folder, rates, progress).run(more))


def run_seeds(
    plan: Plan,
    subject: Subject,
    *,
    seeds: int,
    folder: Path,
    progress: Progress,
    more: Callable[[], bool] = lambda: True,
    starts: Callable[[str], None] = lambda text: None,
) -> list[Found]:
    """Run with one seed after another, each into a memory of its own.

    The untouched model answers once for all of them and for the baselines, whose learning rates are chosen once.

    Args:
        plan: What to run; its seeds of targets and training are the first.
        subject: The model.
        seeds: How many, at least 1.
        folder: Where everything is kept: of one seed in it, of several in ``seed-0`` and so on.
        progress: Called by stage.
        more: Asked before each step; ``False`` ends the run there.
        starts: Called with what begins, where there are several.

    Returns:
        What was measured with each seed that has begun; all but the last have learned everything.
    """
    found: list[Found] = []
    look = functools.cache(_looks(plan, subject, progress))
    for seed in range(seeds):
        own = folder if seeds == 1 else folder / f"seed-{seed}"
        if seed and not _has_learned(own, plan) and not more():
            break
        if seeds > 1:
            starts(f"seed {seed}, of {seeds}")
            start_like(own / "steps.json", folder / "seed-0" / "steps.json", plan.conversations)
        one = dataclasses.replace(plan, settings=seeded(plan.settings, seed))
        done = run(one, subject, folder=own, progress=progress, more=more, rates=folder / RATES_FILE, look=look)
        found.append(done)
        if len(done.ours.steps) < len(plan.conversations) or done.unfinished:
            break
    return found


def _looks(plan: Plan, subject: Subject, progress: Progress) -> Callable[[], Yardstick]:
    unchanged = plan.unchanged or Unchanged()
    return lambda: Yardstick(subject.local, unchanged, ask=subject, progress=bar(progress, "unchanged"))


def _has_learned(folder: Path, plan: Plan) -> bool:
    """Whether a run has nothing to learn any more."""
    steps, _ = read(folder / "steps.json", plan.conversations)
    return len(steps) > len(plan.conversations) and bool(steps[-1].answers)


def _kept_change(file: Path) -> Mapping[str, Any] | None:
    """What a run that has learned everything found to have moved: looking again would find the same."""
    found: Mapping[str, Any] | None = json.loads(file.read_text("utf-8")) if file.exists() else None
    return found


def _written(steps: Sequence[Step], engine: Engine) -> int:
    """The version of the last step that is written down; the newest one where a run of an earlier version kept none."""
    if len(steps) == 1:
        return 0  # before the first step nothing was learned
    version = steps[-1].version if steps else None
    return engine.versions()[-1].id if version is None else version


def _baseline(name: str, subject: Subject, config: TrainingConfig) -> Baseline:
    return Baseline(subject.local, cast("Name", "published" if name == _RESET else name), config=config)


def _beside(found: Found, plan: Plan, learned: Callable[[str], Run]) -> Found:
    """What was found with the baselines, each as far as it came."""
    others: dict[str, Run] = {}
    unfinished: dict[str, int] = {}
    not_run: dict[str, str] = {}
    for name in plan.baselines:
        try:
            other = learned(name)
        except NOT_RUN as error:
            not_run[name] = str(error)
            continue
        if len(other.steps) == len(plan.conversations):
            others[name] = other
        else:
            unfinished[name] = len(other.steps)
    return dataclasses.replace(found, others=others, unfinished=unfinished, not_run=not_run)


def _prompts(plan: Plan) -> dict[str, list[list[tuple[Message, ...]]]]:
    """By way, for each conversation, prompts with more than the question in them."""
    retrieve = Index(plan.conversations) if plan.retrieved else None
    found: dict[str, list[list[tuple[Message, ...]]]] = {}
    for conversation in plan.conversations:
        for way, prompts in in_prompt(conversation, retrieve=retrieve).items():
            found.setdefault(way, []).append(prompts)
    return found


def _lessons(
    conversations: Sequence[Conversation], ids: Sequence[int], taught: Sequence[TargetSet], ours: Run
) -> dict[str, Lesson]:
    """What a baseline learns from at each step: the same text and questions, and as many steps on average."""
    mean = statistics.fmean(step.steps for step in ours.steps)
    steps = max(1, round(mean)) if mean else 0
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


class _Other:
    """A baseline on its way through the contexts; what it has learned and answered is kept after each step."""

    def __init__(
        self,
        name: str,
        plan: Plan,
        subject: Subject,
        lessons: Mapping[str, Lesson],
        folder: Path,
        rates: Path,
        progress: Progress,
    ) -> None:
        self._name, self._plan, self._subject, self._lessons = name, plan, subject, lessons
        self._progress = progress
        self._baseline = _baseline(name, subject, plan.settings.training)
        self._keep, self._begun = folder / f"steps-{name}.json", folder / "steps.json"
        self._rates = Rates(rates)
        self._weights = _Weights(folder / f"weights-{name}")
        self._said: list[Conversation] = []
        self._last: dict[str, Any] = {}
        self._rate = 0.0
        self._model: Any = subject.local.model
        self._taught = [one for lesson in lessons.values() for one in lesson.taught]

    def run(self, more: Callable[[], bool]) -> Run:
        """Learn and ask what is not kept yet.

        Args:
            more: Asked before each step and each rate that is tried; ``False`` ends it there.

        Returns:
            What was measured so far.

        Raises:
            NoTargetsError: There is nothing to learn in any step.
        """
        contexts = self._plan.conversations
        start_like(self._keep, self._begun, contexts, prompts=False)
        steps, _ = read(self._keep, contexts)
        finished = len(steps) == len(contexts) + 1 and bool(steps[-1].answers)
        if not finished:
            rate = self._chosen(more)
            if rate is None:
                more = lambda: False  # noqa: E731
            else:
                self._rate = rate
            self._said = list(contexts[: max(0, len(steps) - 1)])
            for delta in self._weights.read(len(self._said)):
                self._put_on(delta)
        found = sequential(
            contexts,
            self._plan.neighbours,
            ask=self._ask,
            say=self._said.append,
            consolidate=self._learn,
            progress=self._progress,
            keep=self._keep,
            more=more,
            besides=lambda: self._last,
        )
        if len(found.steps) == len(contexts):
            self._weights.remove()
        return found

    def _chosen(self, more: Callable[[], bool]) -> float | None:
        """The rate that does best on the first context in which something is taught."""
        taught = [c for c in self._plan.conversations if not self._baseline.missing(self._lessons[c.id])]
        if not taught:
            raise NoTargetsError(self._baseline.missing(self._lessons[self._plan.conversations[0].id]))
        first = taught[0]

        def attempt(rate: float) -> float:
            watch = bar(self._progress, f"{self._name} {rate:g}")
            model = self._subject.local.model
            model = merged(model, self._baseline.delta(model, self._lessons[first.id], rate=rate, progress=watch))
            answers, _ = ask_closed_book(first, self._subject.over(model), self._progress, "ask")
            return share(right(q, a) for q, a in zip(first.questions, answers, strict=True))

        return self._rates.choose(self._baseline, attempt, on=questions_of(first.id, len(first.questions)), more=more)

    def _learn(self) -> ConsolidationReport:
        started, peak = time.perf_counter(), Peak()
        lesson = self._lessons[self._said[-1].id]
        note = self._baseline.missing(lesson)
        delta = None
        if not note:
            start = self._subject.local.model if self._name == _RESET else self._model
            watch = bar(self._progress, f"{self._name} {self._said[-1].id}")
            delta = self._baseline.delta(start, lesson, rate=self._rate, progress=watch)
        self._put_on(delta)
        seconds = time.perf_counter() - started
        self._last = {"peak_bytes": peak.bytes, "note": note}
        self._last["drift"] = moved_by(self._subject.local, self._model, self._taught)
        self._weights.put(len(self._said) - 1, delta)
        return dataclasses.replace(nothing_done(note), seconds={"total": seconds})

    def _put_on(self, delta: Delta | None) -> None:
        if self._name == _RESET:
            self._model = self._subject.local.model
        if delta is not None:
            self._model = merged(self._model, delta)

    def _ask(self, prompts: Sequence[Sequence[Message]], progress: Callable[[int, int], None]) -> list[str]:
        return self._subject.over(self._model)(prompts, progress)  # the model of the last step, not of the first


class _Weights:
    """What a baseline has learned in each step, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder / "steps.json"
        self._files: list[list[str] | None] = json.loads(self._file.read_text("utf-8")) if self._file.exists() else []

    def put(self, number: int, delta: Delta | None) -> None:
        """Keep what a step has learned; ``None`` for nothing."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = None if delta is None else list(write_delta(self._folder, number, delta, metadata={}))
        self._files = [*self._files[:number], file]
        write_whole(self._file, json.dumps(self._files) + "\n")

    def read(self, count: int) -> list[Delta | None]:
        """What the first steps have learned."""
        if len(self._files) < count:
            msg = (
                f"{self._folder} has the weights of {len(self._files)} steps, and {count} were answered; remove "
                f"{self._folder.parent / self._folder.name.replace('weights-', 'steps-')}.json to learn them anew"
            )
            raise InputError(msg)
        return [
            None if file is None else read_delta(self._folder / file[0], sha256=file[1], version=number)
            for number, file in enumerate(self._files[:count])
        ]

    def remove(self) -> None:
        """They are not needed any more."""
        shutil.rmtree(self._folder, ignore_errors=True)
