"""One benchmark: the machine's own rate, the loss alone, and the whole way for several sizes of work.

In come sizes and a model, out goes ``Bench``, from which every ratio is computed; nothing is printed here.
"""

from __future__ import annotations

import dataclasses
import functools
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from langchain_selfparam.bench import loss as losses
from langchain_selfparam.bench import ours, questions
from langchain_selfparam.bench.naive import Batched, Published
from langchain_selfparam.bench.shapes import make_work
from langchain_selfparam.bench.timing import PeakMemory, hardware, matmul_rate, times
from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.weights.shadow import learning_modules


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is timed.

    Attributes:
        contexts: C of each size, tokens.
        pairs: N of each size.
        length: L, tokens of a pair.
        epochs: E.
        repeats: Runs that each median of this engine is of.
        naive_repeats: Steps of a naive loop that its median is of; the rest is scaled.
        loss_tokens: T of the loss alone.
        question_rows: Rows of questions written at once; 0 to leave that out.
        published: Whether the published recipe is timed too, the slowest part.
    """

    contexts: tuple[int, ...] = (256, 1024, 4096)
    pairs: tuple[int, ...] = (8, 32)
    length: int = 64
    epochs: int = 10
    repeats: int = 5
    naive_repeats: int = 2
    loss_tokens: int = 1024
    question_rows: int = 32
    published: bool = True


QUICK = Plan(contexts=(256,), pairs=(8,), repeats=2, naive_repeats=1, loss_tokens=256, question_rows=4)
"""Within a minute on two cores."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One size of work.

    Attributes:
        context: C.
        pairs: N.
        ours: This engine, by phase.
        batched: Seconds of the batched loop, scaled from its sampled steps: ``teacher`` and ``student``.
        published: Seconds of the published recipe, scaled; ``None`` where it was not timed.
        batched_answer_tokens: Answer tokens of a batched step.
        batched_steps: Steps of the batched loop.
        peak_bytes: Most memory by way, above what was there before.
    """

    context: int
    pairs: int
    ours: ours.Phases
    batched: dict[str, float]
    published: float | None
    batched_answer_tokens: float
    batched_steps: int
    peak_bytes: dict[str, int]

    @property
    def batched_total(self) -> float:
        """Seconds of the whole batched loop."""
        return sum(self.batched.values())


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """Everything measured in one run.

    Attributes:
        model: Shape or name.
        device: In words.
        plan: What was timed.
        matmul_flops: Best rate of square products in the model's type, FLOP/s.
        loss: The loss alone.
        questions: Writing questions; ``None`` where it was left out.
        cells: The sizes, in order.
        body: Parameters without embeddings and head.
        learning: Parameters of the blocks from the first that learns upwards.
        head: Parameters of the head.
        seconds: Of the whole benchmark.
    """

    model: str
    device: str
    plan: Plan
    matmul_flops: float
    loss: losses.Loss
    questions: questions.Questions | None
    cells: tuple[Cell, ...]
    body: int
    learning: int
    head: int
    seconds: float

    def cell(self, context: int, pairs: int) -> Cell | None:
        """The cell of a size, or ``None`` where it was not timed."""
        return next((c for c in self.cells if (c.context, c.pairs) == (context, pairs)), None)

    def student_flops(self, cell: Cell, *, done: bool = False) -> float:
        """Rate of the student's steps, FLOP/s.

        Args:
            cell: Of which size.
            done: Count only blocks that learn, since what is below them is made once; else 4 FLOP a parameter for the
                whole body.

        Returns:
            Body and two head products, over the median step.
        """
        body = self.learning if done else self.body
        return (4 * body * cell.ours.tokens + 4 * self.head * cell.ours.answer_tokens) / cell.ours.step

    @property
    def ratios(self) -> dict[str, float]:
        """What is compared, by name; a ratio above 1 says how many times better this engine is."""
        most = max(self.plan.pairs)
        found: dict[str, float] = {}
        for context in self.plan.contexts:
            cell = self.cell(context, most)
            if cell is None:
                continue
            found[f"e2e_c{context}_vs_batched"] = cell.batched_total / cell.ours.total
            if cell.published is not None:
                found[f"e2e_c{context}_vs_published"] = cell.published / cell.ours.total
        cell = self.cell(1024, most) or self.cells[-1]
        batched = cell.batched["student"] / (cell.batched_steps * cell.batched_answer_tokens)
        found["student_vs_batched"] = batched / (cell.ours.step / cell.ours.answer_tokens)
        found["student_share_of_matmul_peak"] = self.student_flops(cell) / self.matmul_flops
        found["student_share_of_matmul_peak_done"] = self.student_flops(cell, done=True) / self.matmul_flops
        if self.questions is not None:
            found["questions_vs_generate"] = self.questions.seconds["generate"] / self.questions.seconds["ours"]
        for other in sorted(self.loss.seconds.keys() - {"ours"}):
            found[f"loss_vs_{other}"] = self.loss.seconds[other] / self.loss.seconds["ours"]
            # A peak of nothing is one too small for the system to tell.
            if self.loss.peak_bytes.get(other) and self.loss.peak_bytes["ours"]:
                found[f"loss_memory_vs_{other}"] = self.loss.peak_bytes[other] / self.loss.peak_bytes["ours"]
        return found


def run(
    model: Any,
    name: str,
    plan: Plan,
    *,
    config: TrainingConfig,
    say: Callable[[str], None],
    keep: Callable[[Bench], None] = lambda bench: None,
) -> Bench:
    """Time everything.

    Args:
        model: A causal language model.
        name: What the report calls it.
        plan: What is timed.
        config: How this engine learns.
        say: Told of each part before it starts.
        keep: Given what there is after each size: the large ones take long.

    Returns:
        The measurements.
    """
    started = time.perf_counter()
    device, dtype = model.device, model.dtype
    say("matrix products")
    rate = matmul_rate(device, dtype, repeats=plan.repeats)
    weight = model.get_output_embeddings().weight
    say(f"loss of {plan.loss_tokens:,} tokens")
    alone = losses.run(tokens=plan.loss_tokens, weight_VD=weight.detach(), repeats=plan.repeats)
    written = None
    if plan.question_rows:
        context = 1024 if 1024 in plan.contexts else plan.contexts[-1]
        say(f"{plan.question_rows} rows of questions about {context:,} tokens")
        repeats = plan.naive_repeats
        written = questions.run(model, context=context, rows=plan.question_rows, repeats=repeats)
    body, learning = _body(model, config)
    bench = Bench(
        model=name,
        device=hardware(device),
        plan=plan,
        matmul_flops=rate,
        loss=alone,
        questions=written,
        cells=(),
        body=body,
        learning=learning,
        head=weight.numel(),
        seconds=0.0,
    )
    for context in plan.contexts:
        for pairs in plan.pairs:
            say(f"{context:,} tokens of context, {pairs} pairs")
            cell = _cell(model, plan, context=context, pairs=pairs, config=config)
            took = time.perf_counter() - started
            bench = dataclasses.replace(bench, cells=(*bench.cells, cell), seconds=took)
            keep(bench)
    return bench


def _cell(model: Any, plan: Plan, *, context: int, pairs: int, config: TrainingConfig) -> Cell:
    device = model.device
    vocabulary = int(model.config.vocab_size)
    work = make_work(vocabulary=vocabulary, context=context, pairs=pairs, length=plan.length, epochs=plan.epochs)
    peaks: dict[str, int] = {}
    with PeakMemory(device) as peak:
        phases = ours.run(model, work, config=config, repeats=plan.repeats)
    _note(peaks, "ours", peak)
    with PeakMemory(device) as peak:
        batched = Batched(model, work)
        taught, learned = _batched_times(batched, plan.naive_repeats, device)
    _note(peaks, "batched", peak)
    del batched
    published = None
    if plan.published:
        with PeakMemory(device) as peak:
            loop = Published(model, work)
            published = statistics.median(times(loop.step, count=plan.naive_repeats, device=device)) * loop.steps
        _note(peaks, "published", peak)
    steps = work.epochs * -(-pairs // 16)
    return Cell(
        context=context,
        pairs=pairs,
        ours=phases,
        batched={"teacher": taught * steps, "student": learned * steps},
        published=published,
        batched_answer_tokens=work.answer_tokens * work.epochs / steps,
        batched_steps=steps,
        peak_bytes=peaks,
    )


def _batched_times(loop: Batched, repeats: int, device: torch.device) -> tuple[float, float]:
    """Median seconds of a teacher's and of a student's step; the first of each is not counted but where it is alone."""
    taught: list[float] = []
    learned: list[float] = []
    for _ in range(repeats + (repeats > 1)):
        batch = loop.next_batch()
        told: list[torch.Tensor] = []
        taught += times(functools.partial(_teach, loop, batch, told), count=1, device=device)
        learned += times(functools.partial(_learn, loop, batch, told), count=1, device=device)
    return statistics.median(taught[-repeats:]), statistics.median(learned[-repeats:])


def _teach(loop: Batched, batch: Any, told: list[torch.Tensor]) -> None:
    told.append(loop.teach(batch))


def _learn(loop: Batched, batch: Any, told: list[torch.Tensor]) -> None:
    loop.learn(batch, told[0])


def _note(peaks: dict[str, int], name: str, peak: PeakMemory) -> None:
    if peak.bytes is not None:
        peaks[name] = peak.bytes


def _body(model: Any, config: TrainingConfig) -> tuple[int, int]:
    """Parameters of all blocks, and of those from the first that learns upwards."""
    names = learning_modules(model, frozen_share=config.frozen_share, layers=config.layers)
    prefix, _, first = names[0].partition("layers.")
    lowest = int(first.partition(".")[0])
    blocks = list(model.get_submodule(f"{prefix}layers"))
    sizes = [sum(p.numel() for p in block.parameters()) for block in blocks]
    return sum(sizes), sum(sizes[lowest:])
