"""Running an evaluation: every conversation, seed and variant into fresh weights, with what it is compared with.

In come conversations, settings and a model, out come outcomes, kept after each so that an interruption costs one. It
opens memories; what is asked and scored is ``injection``'s, what other methods learn is ``baselines``'.
"""

from __future__ import annotations

import dataclasses
import resource
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch

from langchain_selfparam.config import Settings
from langchain_selfparam.engine.pipeline import Engine
from langchain_selfparam.evaluation import outcome as outcomes
from langchain_selfparam.evaluation.baselines import Baseline, Lesson, Name, best_rate
from langchain_selfparam.evaluation.datasets import Conversation
from langchain_selfparam.evaluation.injection import Ask, Result, answered, bar, inject
from langchain_selfparam.evaluation.metrics import share
from langchain_selfparam.evaluation.outcome import Outcome
from langchain_selfparam.evaluation.retrieval import Index
from langchain_selfparam.evaluation.unchanged import Change, Unchanged, Yardstick
from langchain_selfparam.model import LocalModel
from langchain_selfparam.protocols import Progress
from langchain_selfparam.records import TargetSet


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

    Args:
        plan: What to run.
        subject: The model.
        keep: A ``.jsonl`` file of outcomes; what is in it is not run again.
        progress: Called by stage.
        more: Asked before each group; ``False`` ends the run there.
        starts: Told of each group.

    Returns:
        All outcomes, kept ones too, in the plan's order.
    """
    done = {found.key: found for found in outcomes.read(keep)}
    yardstick: Yardstick | None = None
    rates: dict[str, float] = {}
    wanted = [(v, s, group) for v in plan.variants for s in range(plan.seeds) for group in plan.groups]
    for number, (variant, seed, group) in enumerate(wanted, 1):
        if all((c.id, seed, variant) in done for c in group):
            continue
        if not more():
            break
        starts(f"{_title(group)}, seed {seed}{', ' if variant else ''}{variant} ({number} of {len(wanted)})")
        if yardstick is None and plan.unchanged is not None:
            yardstick = Yardstick(subject.local, plan.unchanged, ask=subject, progress=bar(progress, "unchanged"))
        settings = seeded(plan.variants[variant], seed)
        results, change = _group(plan, group, subject, settings, rates, yardstick, progress)
        for result in results:
            found = outcomes.outcome(
                result,
                seed=seed,
                variant=variant,
                peak_bytes=peak_bytes(),
                tokens=_tokens(result, subject.local),
                change=change,
            )
            done[found.key] = found
        outcomes.write(keep, done.values())
    keys = [(c.id, s, v) for v, s, group in wanted for c in group]
    return [done[key] for key in keys if key in done]


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
    return Engine.open(
        subject.local,
        subject.gate,
        path=folder,
        settings=dataclasses.replace(settings, policy=policy),
        namespace=("memories", namespace),
        background=False,
    )


def seeded(settings: Settings, seed: int) -> Settings:
    """The settings with another seed for targets and training."""
    return dataclasses.replace(
        settings,
        targets=dataclasses.replace(settings.targets, seed=settings.targets.seed + seed),
        training=dataclasses.replace(settings.training, seed=settings.training.seed + seed),
    )


def peak_bytes() -> int:
    """Most memory so far: of tensors where there is a GPU, else of the process."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used * 1024


def _group(
    plan: Plan,
    group: Sequence[Conversation],
    subject: Subject,
    settings: Settings,
    rates: dict[str, float],
    yardstick: Yardstick | None,
    progress: Progress,
) -> tuple[list[Result], Change | None]:
    with (
        tempfile.TemporaryDirectory() as folder,
        open_memory(subject, Path(folder), settings=settings, namespace=group[0].id) as engine,
    ):

        def say() -> None:
            for conversation in group:
                for user, assistant in conversation.turns:
                    engine.append(user=user, assistant=assistant)

        results = inject(
            group,
            ask=subject,
            say=say,
            consolidate=lambda: engine.consolidate(progress=progress),
            progress=progress,
            retrieve=Index(group) if plan.retrieved else None,
        )
        taught = engine.taught()
        change = yardstick.change() if yardstick is not None else None
    for name in plan.baselines:
        results = _with_baseline(name, results, taught, subject, settings, rates, progress)
    return results, change


def _with_baseline(
    name: Name,
    results: list[Result],
    taught: Sequence[TargetSet],
    subject: Subject,
    settings: Settings,
    rates: dict[str, float],
    progress: Progress,
) -> list[Result]:
    """The results with a baseline's answers; its learning rate is the one that does best on the first group.

    Best on the very questions that are scored: this favours the baseline.
    """
    baseline = Baseline(subject.local, name, config=settings.training)
    lesson = Lesson(
        conversations=[r.conversation for r in results], taught=taught, steps=max(1, len(results[0].report.curve))
    )
    tried: dict[float, list[Result]] = {}
    for rate in (rates[name],) if name in rates else baseline.rates:
        model = baseline.learn(subject.local.model, lesson, rate=rate, progress=bar(progress, f"{name} {rate:g}"))
        tried[rate] = [answered(r, subject.over(model), name, progress) for r in results]
    rates[name] = best_rate({rate: share(a.is_right(name) for r in t for a in r.asked) for rate, t in tried.items()})
    return tried[rates[name]]


def _tokens(result: Result, local: LocalModel) -> dict[str, float]:
    return {
        way: sum(len(local.encode_chat(list(p))) for p in prompts) / max(1, len(prompts))
        for way, prompts in result.prompts.items()
    }


def _title(group: Sequence[Conversation]) -> str:
    return group[0].id if len(group) == 1 else f"{len(group)} contexts at once"
