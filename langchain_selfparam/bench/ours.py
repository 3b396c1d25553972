"""This engine on the same work as the naive loops: each phase timed by itself."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from langchain_selfparam.bench.shapes import Work
from langchain_selfparam.bench.timing import synchronize
from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.distill import student, teacher
from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.moments import watching
from langchain_selfparam.distill.packing import Document
from langchain_selfparam.distill.precision import mixed_precision
from langchain_selfparam.distill.rate import with_rate
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.model import share
from langchain_selfparam.records import TrainReport
from langchain_selfparam.weights.merge import ExactWeights
from langchain_selfparam.weights.shadow import Shadow, learning_modules


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Phases:
    """Seconds that the work takes, by phase.

    Attributes:
        teacher: Reading the context once with all pairs, moments of the layers' inputs among it.
        start: Making the shadow with its whitened factors, and finding its learning rate.
        step: Median of one training step.
        steps: Steps of the whole work.
        commit: Adding the delta exactly to the base weights.
        answer_tokens: Answer tokens of a step, on average.
        tokens: Packed tokens of a step, on average.
    """

    teacher: float
    start: float
    step: float
    steps: int
    commit: float
    answer_tokens: float
    tokens: float

    @property
    def student(self) -> float:
        """Seconds of all training steps."""
        return self.step * self.steps

    @property
    def total(self) -> float:
        """Seconds of everything."""
        return self.teacher + self.start + self.student + self.commit


def run(
    model: Any, work: Work, *, config: TrainingConfig, repeats: int, progress: Callable[[], None] = lambda: None
) -> Phases:
    """Learn the work once, or as much of it as gives the medians.

    Args:
        model: A causal language model; its tensors are shared.
        work: Context and pairs.
        config: How it learns; ``epochs`` is taken from the work.
        repeats: Readings of the teacher that its median is of, and epochs that are trained at most.
        progress: Called after each part.

    Returns:
        Seconds by phase.
    """
    device = model.device
    clock = _Clock(device)
    head = Head(model.get_output_embeddings().weight)
    plain = [Document(k, question, answer) for k, (question, answer) in enumerate(work.pairs)]
    told = [Document(d.key, work.context + d.prompt, d.answer) for d in plain]
    reader = Reader(share(model))
    names = learning_modules(model, frozen_share=config.frozen_share, layers=config.layers)
    readings = []
    for _ in range(repeats):
        clock.start()
        said = teacher.read(reader, head, [told])
        # The real thing watches unrelated text; here the pairs stand for it.
        with watching(reader.model, names if config.damping is not None else []) as moments:
            teacher.read(reader, head, [plain])
        readings.append(clock.stop())
        progress()
    clock.start()
    shadow = Shadow(model, config, moments=moments.means())
    autocast = mixed_precision(model.device, model.dtype)
    learner = Reader(shadow.model, compiled=config.compiled, learning=shadow.parameters, again=plain)
    config = with_rate(config, learner, head, shadow.parameters, plain, said, ruler=plain, autocast=autocast)
    start = clock.stop()
    epochs = min(work.epochs, max(2, repeats))
    config = dataclasses.replace(config, epochs=epochs)
    report, times = _trained(shadow, learner, head, plain, said, config=config, autocast=autocast, clock=clock)
    progress()
    exact = ExactWeights(model)
    delta = shadow.delta()
    clock.start()
    exact.candidate([delta])
    commit = clock.stop()
    progress()
    return Phases(
        teacher=statistics.median(readings),
        start=start,
        step=statistics.median(times[1:] or times),
        steps=round(report.steps / epochs * work.epochs),
        commit=commit,
        answer_tokens=report.answer_tokens / report.steps,
        tokens=report.tokens / report.steps,
    )


def _trained(
    shadow: Shadow,
    learner: Reader,
    head: Head,
    plain: list[Document],
    said: teacher.TeacherTargets,
    *,
    config: TrainingConfig,
    autocast: Callable[[], Any] | None,
    clock: _Clock,
) -> tuple[TrainReport, list[float]]:
    """Train, and time each step."""
    times: list[float] = []

    def stepped(done: int, total: int) -> None:
        times.append(clock.stop())
        clock.start()

    clock.start()
    report = student.Course(
        learner,
        head,
        shadow.parameters,
        plain,
        said,
        config=config,
        autocast=autocast,
        progress=stepped,
    ).run()
    return report, times


class _Clock:
    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._started = 0.0

    def start(self) -> None:
        synchronize(self._device)
        self._started = time.perf_counter()

    def stop(self) -> float:
        synchronize(self._device)
        return time.perf_counter() - self._started
