"""Running an evaluation: every conversation, seed and variant into fresh weights, with what it is compared with.

In come conversations, settings and a model, out come outcomes, kept after each; of one that is not finished its answers
and its memory are kept, so that an interruption costs no more than the step in which it came. It opens memories; what
is asked and scored is ``injection``'s, what other methods learn is ``baselines``'.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from langchain_selfparam.config import Settings, TrainingConfig
from langchain_selfparam.engine.pipeline import Engine
from langchain_selfparam.engine.report import as_text, target_set
from langchain_selfparam.evaluation import outcome as outcomes
from langchain_selfparam.evaluation.baselines import Baseline, Lesson, Name
from langchain_selfparam.evaluation.begun import FOLDER, Begun
from langchain_selfparam.evaluation.datasets import Conversation
from langchain_selfparam.evaluation.injection import Ask, Result, ask_closed_book, bar, inject
from langchain_selfparam.evaluation.machine import Peak
from langchain_selfparam.evaluation.metrics import right, share
from langchain_selfparam.evaluation.outcome import Outcome
from langchain_selfparam.evaluation.rates import NOT_RUN, Rates, moved_by, questions_of
from langchain_selfparam.evaluation.resumed import Learned, learn
from langchain_selfparam.evaluation.retrieval import Index
from langchain_selfparam.evaluation.tables import write_whole
from langchain_selfparam.evaluation.unchanged import Unchanged, Yardstick
from langchain_selfparam.model import LocalModel
from langchain_selfparam.protocols import Progress
from langchain_selfparam.records import ConsolidationReport

RATES_FILE = "baselines.json"
"""In a run's folder: learning rates of baselines, as they were tried and chosen."""
_LESSON_FILE = "lesson.json"


class Subject(Protocol):
    """The model that is evaluated; ``interfaces.asking.Asker`` is one."""

    local: LocalModel
    gate: Any

    def __call__(self, prompts: Sequence[Sequence[Any]], progress: Callable[[int, int], None]) -> list[str]:
        """Answers with the weights that are served."""
        ...

    def over(self, model: Any) -> Ask:
        """Answers with other weights."""
        ...


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What to run.

    Attributes:
        conversations: What is learned and asked.
        together: All of them at once (batch injection) instead of one by one (single).
        variants: Settings by name.
        seeds: How many, from 0.
        baselines: Other ways to learn, for each conversation or batch.
        retrieved: Whether BM25 answers too.
        unchanged: What is looked at before and after; nothing where missing.
    """

    conversations: Sequence[Conversation]
    together: bool = False
    variants: Mapping[str, Settings] = dataclasses.field(default_factory=lambda: {"": Settings()})
    seeds: int = 1
    baselines: Sequence[Name] = ()
    retrieved: bool = True
    unchanged: Unchanged | None = None

    @property
    def groups(self) -> list[Sequence[Conversation]]:
        """Conversations that are learned at once."""
        return [self.conversations] if self.together else [[c] for c in self.conversations]


def run(
    plan: Plan,
    subject: Subject,
    *,
    keep: Path,
    progress: Progress,
    more: Callable[[], bool] = lambda: True,
    starts: Callable[[str], None] = lambda text: None,
) -> list[Outcome]:
    """Run what is not yet kept.

    Beside outcomes are kept what the baselines' learning rates were chosen by (``RATES_FILE``) and, until its baselines
    are done, what a group was taught.

    Args:
        plan: What to run.
        subject: The model.
        keep: A ``.jsonl`` file of outcomes; what is in it is not run again.
        progress: Called by stage.
        more: Asked before each group and before each baseline's learning; ``False`` ends the run there.
        starts: Told of each group.

    Returns:
        All outcomes, kept ones too, in the plan's order; the last may be without its baselines yet.
    """
    for name in plan.baselines:  # refused before anything is learned where the model is not for it
        Baseline(subject.local, name, config=TrainingConfig())
    kept = _Kept(keep)
    yardstick: Yardstick | None = None
    wanted = list(_wanted(plan))
    for number, part in enumerate(wanted, 1):
        if part.is_done(kept.outcomes, plan.baselines):
            continue
        if not more():
            break
        title = f"{part.title}, seed {part.seed}{', ' if part.variant else ''}{part.variant}"
        starts(f"{title} ({number} of {len(wanted)})")
        lesson = kept.lesson(part)
        if lesson is None:
            if yardstick is None and plan.unchanged is not None:
                yardstick = Yardstick(subject.local, plan.unchanged, ask=subject, progress=bar(progress, "unchanged"))
            begun = Begun(keep.parent / FOLDER, part.keys)
            found, lesson = _learned(plan, part, subject, begun, yardstick, progress)
            kept.begun(part, found, lesson if plan.baselines else None)
            begun.forget()
        if not all(
            kept.has(part, name) or _with_baseline(name, part, lesson, subject, kept, progress, more)
            for name in plan.baselines
        ):
            break
        kept.forget_lesson()
    return [kept.outcomes[key] for part in wanted for key in part.keys if key in kept.outcomes]


def is_done(found: Outcome, plan: Plan) -> bool:
    """Whether nothing of an outcome is missing."""
    return all(name in found.baselines for name in plan.baselines)


def open_memory(subject: Subject, folder: Path, *, settings: Settings, namespace: str) -> Engine:
    """Open a memory that learns only when it is told to, everything pending in one episode.

    Args:
        subject: Whose weights it learns into.
        folder: Where it is kept.
        settings: All stages' settings.
        namespace: The second part of its namespace.

    Returns:
        The engine; closing it gives the model its own weights back.
    """
    policy = dataclasses.replace(settings.policy, every_turns=None, max_turns=sys.maxsize)
    engine = Engine.open(
        subject.local,
        subject.gate,
        path=folder,
        settings=dataclasses.replace(settings, policy=policy),
        namespace=("memories", namespace),
        background=False,
    )
    engine.halves = False  # however often it was interrupted, what is measured is the same
    return engine


def seeded(settings: Settings, seed: int) -> Settings:
    """The settings with another seed for targets and training."""
    return dataclasses.replace(
        settings,
        targets=dataclasses.replace(settings.targets, seed=settings.targets.seed + seed),
        training=dataclasses.replace(settings.training, seed=settings.training.seed + seed),
    )


def served_drift(engine: Engine) -> float:
    """How far what a memory serves is from the untouched model, nats a token, as its ledger has it."""
    report = engine.versions()[-1].report
    drift = report.get("drift", 0.0)
    assert isinstance(drift, float), f"the ledger has the drift {drift!r}"
    return drift


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """What is learned at once, with one seed and one variant."""

    group: Sequence[Conversation]
    seed: int
    variant: str
    settings: Settings

    @property
    def title(self) -> str:
        return self.group[0].id if len(self.group) == 1 else f"{len(self.group)} contexts at once"

    @property
    def keys(self) -> list[tuple[str, int, str]]:
        return [(c.id, self.seed, self.variant) for c in self.group]

    def is_done(self, found: Mapping[tuple[str, int, str], Outcome], baselines: Sequence[Name]) -> bool:
        return all(key in found and all(b in found[key].baselines for b in baselines) for key in self.keys)


def _wanted(plan: Plan) -> Iterator[_Part]:
    for variant, settings in plan.variants.items():
        for seed in range(plan.seeds):
            for group in plan.groups:
                yield _Part(group=group, seed=seed, variant=variant, settings=seeded(settings, seed))


class _Kept:
    """What a run keeps, so that it can go on."""

    def __init__(self, keep: Path) -> None:
        self._keep = keep
        self._lesson_file = keep.parent / _LESSON_FILE
        self.outcomes = {found.key: found for found in outcomes.read(keep)}
        self.rates = Rates(keep.parent / RATES_FILE)

    def has(self, part: _Part, name: Name) -> bool:
        return all(name in self.outcomes[key].baselines for key in part.keys)

    def begun(self, part: _Part, found: Sequence[Outcome], lesson: Lesson | None) -> None:
        """Keep a part without its baselines, first what these will be taught."""
        if lesson is not None:
            row = {"keys": part.keys, "steps": lesson.steps, "turns": [list(turns) for turns in lesson.turns]}
            row["taught"] = [json.loads(as_text(one)) for one in lesson.taught]
            write_whole(self._lesson_file, json.dumps(row, ensure_ascii=False) + "\n")
        self.put(found)

    def put(self, found: Sequence[Outcome]) -> None:
        self.outcomes |= {one.key: one for one in found}
        outcomes.write(self._keep, self.outcomes.values())

    def lesson(self, part: _Part) -> Lesson | None:
        """What a part that was begun was taught; ``None`` where it has to be learned anew."""
        if not self._lesson_file.exists() or not all(key in self.outcomes for key in part.keys):
            return None
        row = json.loads(self._lesson_file.read_text("utf-8"))
        if row["keys"] != [list(key) for key in part.keys]:
            return None
        taught = [target_set(json.dumps(one)) for one in row["taught"]]
        return Lesson(conversations=part.group, taught=taught, steps=row["steps"], turns=row["turns"])

    def forget_lesson(self) -> None:
        self._lesson_file.unlink(missing_ok=True)


def _learned(
    plan: Plan, part: _Part, subject: Subject, begun: Begun, yardstick: Yardstick | None, progress: Progress
) -> tuple[list[Outcome], Lesson]:
    """What the memory makes of a part, and what a baseline has to learn it from."""
    ids: list[list[int]] = []
    learned: list[Learned] = []
    peak = 0
    with open_memory(subject, begun.memory, settings=part.settings, namespace=part.group[0].id) as engine:

        def say() -> None:
            for conversation in part.group:
                # An id makes a turn that was said before an interruption the same turn after it.
                turns = [
                    engine.append(user=user, assistant=reply, message_id=f"{conversation.id}:{number}")
                    for number, (user, reply) in enumerate(conversation.turns)
                ]
                ids.append([turn.id for turn in turns])

        def consolidate() -> ConsolidationReport:
            nonlocal peak
            measured = Peak()
            learned.append(learn(engine, after=0, progress=progress))
            peak = measured.bytes if learned[0].now else 0
            return learned[0].report

        results = inject(
            part.group,
            ask=begun.asking(subject),
            say=say,
            consolidate=consolidate,
            progress=progress,
            retrieve=Index(part.group) if plan.retrieved else None,
        )
        if not learned[0].now:  # before an end, which is when it took its time
            results = [dataclasses.replace(r, seconds=learned[0].report.seconds["total"]) for r in results]
        taught, drift = engine.studied(), served_drift(engine)
        change = yardstick.change() if yardstick is not None else None
    found = [
        outcomes.outcome(
            result,
            seed=part.seed,
            variant=part.variant,
            peak_bytes=peak,
            tokens=_tokens(result, subject.local),
            change=change,
            served_drift=drift,
        )
        for result in results
    ]
    return found, Lesson(conversations=part.group, taught=taught, steps=learned[0].steps, turns=ids)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class _Attempt:
    """What a baseline made of a lesson with one learning rate."""

    answers: Sequence[tuple[Sequence[str], Sequence[str]]]
    details: Mapping[str, Any]


def _with_baseline(
    name: Name,
    part: _Part,
    lesson: Lesson,
    subject: Subject,
    kept: _Kept,
    progress: Progress,
    more: Callable[[], bool],
) -> bool:
    """Keep a baseline's answers, or why there are none; ``False`` where the time is over."""
    baseline = Baseline(subject.local, name, config=part.settings.training)
    questions = [q for c in part.group for q in c.questions]
    attempts: dict[float, _Attempt] = {}

    def attempt(rate: float) -> float:
        attempts[rate] = _attempt(baseline, part, lesson, rate, subject, progress)
        answers = [text for said, _ in attempts[rate].answers for text in said]
        return share(right(q, text) for q, text in zip(questions, answers, strict=True))

    found = [kept.outcomes[key] for key in part.keys]
    try:
        on = questions_of(part.title, len(questions))
        rate = kept.rates.choose(baseline, attempt, on=on, variant=part.variant, more=more)
        if rate is None or (rate not in attempts and not more()):
            return False
        if rate not in attempts:
            attempt(rate)
    except NOT_RUN as error:
        kept.put([outcomes.without_way(one, name, str(error)) for one in found])
        return True
    best = attempts[rate]
    kept.put(
        [
            outcomes.with_way(one, conversation, name, answers, best.details)
            for one, conversation, answers in zip(found, part.group, best.answers, strict=True)
        ]
    )
    return True


def _attempt(
    baseline: Baseline, part: _Part, lesson: Lesson, rate: float, subject: Subject, progress: Progress
) -> _Attempt:
    measured, started = Peak(), time.perf_counter()
    model = baseline.learn(subject.local.model, lesson, rate=rate, progress=bar(progress, f"{baseline.name} {rate:g}"))
    details: dict[str, Any] = {"rate": rate, "seconds": time.perf_counter() - started, "peak_bytes": measured.bytes}
    details["drift"] = moved_by(subject.local, model, lesson.taught)
    ask = subject.over(model)
    answers = [ask_closed_book(c, ask, progress, f"ask: {baseline.name}") for c in part.group]
    return _Attempt(answers=answers, details=details)


def _tokens(result: Result, local: LocalModel) -> dict[str, float]:
    return {
        way: sum(len(local.encode_chat(list(p))) for p in prompts) / max(1, len(prompts))
        for way, prompts in result.prompts.items()
    }
