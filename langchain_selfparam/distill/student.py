"""The student: the same model without the context, plus a LoRA, trained until it says what the teacher said.

In come documents without context, the teacher's targets for them and a shadow that holds a trainable LoRA; the LoRA's
factors are changed in place and a ``TrainReport`` goes out. A ``Course`` takes its steps alone, or beside others that
read the same row (see ``abreast``). It knows nothing of PEFT, of the served model or of files.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import torch

from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.lower import Lower
from langchain_selfparam.distill.objective import concatenate, forward_kl
from langchain_selfparam.distill.packing import Document, Pack, batches, pack
from langchain_selfparam.distill.precision import loss_scale
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.reciting import recited
from langchain_selfparam.distill.steering import Steering
from langchain_selfparam.distill.teacher import TeacherTargets
from langchain_selfparam.errors import ConfigError, NonFiniteLossError
from langchain_selfparam.records import TrainPoint, TrainReport

_NEAR = 3.5
"""Weight below which theirs is not steered. In trials on two conversations, with 1.25, as for the rest, 8 of 32
questions about other things were answered with what was said and 26 of 48 held; with this 7 and 26; with 10 only 4,
and 22."""

_PASSING = 0.2
"""Answer tokens of what passes, for each of the others, in an epoch: about so many, or more where there are more."""
_CLOSE = 100
"""Documents close to what is learned in an epoch, about, and at most every second one: of more, each is seen less
often. Many that are seen seldom hold it apart from what is like it better than few that are seen often."""
_UNSEEN = 50
"""Steps of a long epoch for each look at the drift, where there are not more looks for another reason."""
_LOOKS = 12
"""Looks at the drift in a whole training at least, as far as there are steps. Of 600 dialogues in one epoch of 198
steps, with three looks, the weights drifted twice as far as they may, and two thirds of what they learned was kept."""
_LOOKED_AT = 4096
"""Tokens of what is held out that are read in one row: attention's masks grow with their square."""


def learning_rate(step: int, steps: int, *, peak: float, warmup: float) -> float:
    """Linear warm-up, then a cosine down to a tenth.

    Args:
        step: From 0.
        steps: Of the whole training.
        peak: Highest rate.
        warmup: Share of the steps in which it is reached.

    Returns:
        The rate for this step.
    """
    warm = max(1, round(warmup * steps))
    if step < warm:
        return peak * (step + 1) / warm
    along = (step - warm) / max(1, steps - warm)
    return peak * (0.1 + 0.45 * (1 + math.cos(math.pi * along)))


class Course:
    """One student's training, a step at a time: minimises mean KL(teacher ‖ student) per answer token.

    Args:
        reader: Reads the shadow; gradients reach ``parameters`` through it.
        head: The frozen head that teacher and student share.
        parameters: LoRA factors, fp32, changed in place.
        documents: Prompts without context and their answers.
        targets: The teacher's rows for each document's key.
        config: Rates, epochs, batch size, seed; with a learning rate (see ``rate.with_rate``).
        alternating: Documents of which each epoch sees every second one, and the next epoch the others; of those that
            are ``near`` it sees a smaller part where they are many.
        passing: Documents of which each epoch sees another part: what is only to stay as it was is held better by
            many prompts seen once than by few seen often. Where they are few beside the others, again.
        replayed: Documents of earlier consolidations, each seen in two epochs.
        held_out: Documents that are never learned; after each epoch it is seen how many the student recites.
        steering: Changes ``weights`` after each epoch, and within a long one, by how far the student has moved; as
            given where missing.
        weights: Document key to the weight of its tokens in the loss, of what is to stay; 1 where missing.
        near: Keys of those whose weight is steered down less: little drift says nothing of what is close to what is
            learned, or was learned before.
        autocast: Makes the context of mixed precision for a forward pass; none where missing.
        steps: Steps in all, over which the learning rate rises and falls; those of all epochs where missing or fewer.
        progress: Called with steps done and all steps.

    Raises:
        UnsupportedModelError: The head is among the parameters.
        ConfigError: There is no learning rate.
    """

    def __init__(
        self,
        reader: Reader,
        head: Head,
        parameters: Sequence[torch.nn.Parameter],
        documents: Sequence[Document],
        targets: TeacherTargets,
        *,
        config: TrainingConfig,
        alternating: Sequence[Document] = (),
        passing: Sequence[Document] = (),
        replayed: Sequence[Document] = (),
        held_out: Sequence[Document] = (),
        steering: Steering | None = None,
        weights: Mapping[int, float] | None = None,
        near: AbstractSet[int] = frozenset(),
        autocast: Callable[[], Any] | None = None,
        steps: int | None = None,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        head.refuse_trained(parameters)
        if config.learning_rate is None:
            msg = "learning_rate is None; a course needs a number, such as the one that rate.with_rate gives"
            raise ConfigError(msg)
        self.autocast = autocast
        self._peak, self._scale = config.learning_rate, loss_scale(head.weight.dtype)
        self._reader, self._head, self._parameters, self._targets = reader, head, parameters, targets
        self._config, self._held_out, self._steering, self._progress = config, held_out, steering, progress
        self._weights, self._near = weights or {}, near
        close = [d for d in alternating if d.key in self._near]
        often = [d for d in alternating if d.key not in self._near]
        plan, epochs = _plan(documents, often, close, passing, replayed, config)
        self._epochs = epochs if steps is None else _cut(epochs, steps)
        self._rows = [pack(group) for group in plan[: sum(self._epochs)]]
        self._ends, self._optimizer = set(itertools.accumulate(self._epochs)), _optimizer(parameters)
        self._looks = _looks(self._epochs)
        self._curve: list[TrainPoint] = []
        self._value = math.nan
        self._done = not self._rows

    @property
    def row(self) -> Pack | None:
        """What is read for the next step; ``None`` where there is none."""
        return None if self._done else self._rows[len(self._curve)]

    @property
    def keeps(self) -> bool:
        """Whether what the blocks that do not learn make of documents is kept."""
        return self._reader.keeps

    def lower(self) -> Lower | None:
        """What the blocks that do not learn make of ``row``; ``None`` where that is not kept."""
        row = self.row
        with _mixed(self.autocast):
            return None if row is None else self._reader.lower(row)

    def loss(self, hidden_ND: torch.Tensor) -> torch.Tensor:
        """The loss of the next step, whose gradient ``step`` follows.

        Args:
            hidden_ND: What was read of ``row``.

        Returns:
            The weighted mean KL, nats per answer token, times the scale of the model's type (``loss_scale``).
        """
        packed = self._rows[len(self._curve)]
        self._optimizer.zero_grad(set_to_none=True)
        kl_N = forward_kl(hidden_ND, self._head, concatenate([self._targets.rows[key] for key in packed.keys]))
        self._value = float(kl_N.detach().mean())
        weight_N = torch.repeat_interleave(
            torch.tensor([self._weight(key) for key in packed.keys]), torch.tensor(packed.lengths)
        ).to(kl_N.device)
        return (kl_N * weight_N).sum() / weight_N.sum().clamp(min=1e-9) * self._scale

    def _weight(self, key: int) -> float:
        if key not in self._weights:
            return 1.0
        factor = self._steering.factor if self._steering else 1.0
        weight = self._weights[key]
        return max(min(_NEAR, weight), weight * factor) if key in self._near else weight * factor

    def step(self) -> None:
        """One step down the gradient of ``loss``, clipped; after an epoch a look at recall and drift.

        Within a long epoch drift is looked at more often.

        Raises:
            NonFiniteLossError: The loss or the gradient is NaN or infinite; the factors are then of no use.
        """
        step, steps = len(self._curve) + 1, len(self._rows)
        rate = _set_rate(self._optimizer, learning_rate(step - 1, steps, peak=self._peak, warmup=self._config.warmup))
        if self._scale != 1.0:
            for parameter in self._parameters:
                if parameter.grad is not None:
                    parameter.grad.div_(self._scale)
        norm = float(torch.nn.utils.clip_grad_norm_(self._parameters, self._config.clip))
        _need_finite(self._value, norm, f"training step {step} of {steps}", self._peak)
        self._optimizer.step()
        recall = drift = None
        reader, head, autocast = self._reader, self._head, self.autocast
        if step in self._ends and self._held_out:
            recall = _recall(reader, head, self._held_out, autocast)
        if step in self._looks and self._steering:
            drift = self._steering.look(reader, head, self._targets, done=step / steps, autocast=autocast)
        self._curve.append(TrainPoint(step=step, kl=self._value, lr=rate, recall=recall, drift=drift))
        self._progress(step, steps)
        first, limit = self._epochs[0], self._config.stop_kl
        self._done = step == steps or bool(limit and step >= first and mean_kl(self._curve[-first:]) < limit)
        if self._done:
            reader.forget()  # what comes after training needs the room

    def run(self) -> TrainReport:
        """Take every step, alone.

        Returns:
            As ``report``.

        Raises:
            NonFiniteLossError: As of ``step``.
        """
        while (row := self.row) is not None:
            self.loss(read(self._reader, row, self.autocast)).backward()  # type: ignore[no-untyped-call]
            self.step()
        return self.report()

    def report(self) -> TrainReport:
        """Steps, tokens and the curve so far."""
        return _report(self._curve, self._epochs, self._rows[: len(self._curve)])


def _optimizer(parameters: Sequence[torch.nn.Parameter]) -> torch.optim.AdamW:
    # One launch instead of dozens: for a small model these are as long as its products.
    fused = all(p.is_cuda for p in parameters) or None
    return torch.optim.AdamW(parameters, betas=(0.9, 0.99), weight_decay=0.0, fused=fused)


def _set_rate(optimizer: torch.optim.AdamW, rate: float) -> float:
    for part in optimizer.param_groups:
        part["lr"] = rate
    return rate


def read(reader: Reader, packed: Pack, autocast: Callable[[], Any] | None, lower: Lower | None = None) -> torch.Tensor:
    """Hidden states that predict a row's answer tokens, [N, D], in mixed precision where that is wanted."""
    with _mixed(autocast):
        return reader.hidden(packed, lower)


def _mixed(autocast: Callable[[], Any] | None) -> contextlib.AbstractContextManager[Any]:
    mixed: contextlib.AbstractContextManager[Any] = autocast() if autocast else contextlib.nullcontext()
    return mixed


def _report(curve: Sequence[TrainPoint], epochs: Sequence[int], read: Sequence[Pack]) -> TrainReport:
    return TrainReport(
        steps=len(curve),
        tokens=sum(packed.tokens for packed in read),
        answer_tokens=sum(len(packed.answer_ids) for packed in read),
        kl_first=mean_kl(curve[: epochs[0]]),
        kl_last=mean_kl(curve[-epochs[-1] :]),
        curve=tuple(curve),
    )


def _looks(epochs: Sequence[int]) -> set[int]:
    """Steps after which the drift is looked at: the last of each epoch, and some in long epochs and in few."""
    looks: set[int] = set()
    for end, size in zip(itertools.accumulate(epochs), epochs, strict=True):
        parts = max(1, size // _UNSEEN, min(size, _LOOKS // len(epochs)))
        looks |= {end - size + round(size * part / parts) for part in range(1, parts + 1)}
    return looks


def _plan(
    documents: Sequence[Document],
    alternating: Sequence[Document],
    close: Sequence[Document],
    passing: Sequence[Document],
    replayed: Sequence[Document],
    config: TrainingConfig,
) -> tuple[list[list[Document]], list[int]]:
    """The documents of every step, shuffled anew for each epoch, and the steps of each epoch.

    Where there is much beside what passes, that is seen again: of hundreds of dialogues in one epoch the weights would
    otherwise learn nearly alone. What is replayed is seen twice, half of all epochs apart: in a trial with the second
    session of a user, whose first had answered 12 of its 16 held-out questions, 11 were still answered after it; 7
    where each was seen once, and 5 where its weight was steered down like the rest's. Of the second's own 16 it was 8,
    9 and 9.
    """
    parts = min(max(2, round(len(close) / _CLOSE)), max(2, config.epochs))
    half = config.epochs // 2
    shuffled = random.Random(config.seed)
    plan: list[list[Document]] = []
    steps: list[int] = []
    for number in range(config.epochs):
        taken = [*alternating[number % 2 :: 2], *close[number % parts :: parts]]
        old = [d for at, d in enumerate(replayed) if number in {at % config.epochs, (at + half) % config.epochs}]
        own = [*documents, *taken, *old]
        passed = passing[number :: config.epochs]
        again = max(1, round(_PASSING * _answers(own) / max(1, _answers(passed))))
        seen = [*own, *(list(passed) * again)]
        order = list(range(len(seen)))
        shuffled.shuffle(order)
        epoch = batches(seen, tokens=config.batch_tokens, order=order)
        steps.append(len(epoch))
        plan += epoch
    return plan, steps


def _cut(epochs: Sequence[int], steps: int) -> list[int]:
    """The steps of each epoch where there are so many in all: the last may be a part, and none follows."""
    before = [0, *itertools.accumulate(epochs)]
    return [min(size, steps - begun) for size, begun in zip(epochs, before, strict=False) if begun < steps]


def _answers(documents: Sequence[Document]) -> int:
    return sum(len(document.answer) for document in documents)


def _need_finite(loss: float, norm: float, where: str, rate: float) -> None:
    if not (math.isfinite(loss) and math.isfinite(norm)):
        msg = (
            f"{where} has a loss of {loss} and a gradient norm of {norm}; both have to be finite. "
            f"Lower learning_rate (now {rate:g})"
        )
        raise NonFiniteLossError(msg)


@torch.no_grad()
def _recall(reader: Reader, head: Head, held_out: Sequence[Document], autocast: Callable[[], Any] | None) -> float:
    rows = [pack(group) for group in batches(held_out, tokens=_LOOKED_AT, order=range(len(held_out)))]
    return statistics.fmean(said for row in rows for said in recited(read(reader, row, autocast), row, head))


def mean_kl(points: Sequence[TrainPoint]) -> float:
    """Mean of the points' KL, nats per answer token."""
    return sum(p.kl for p in points) / max(1, len(points))
