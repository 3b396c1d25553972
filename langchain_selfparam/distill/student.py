"""The student: the same model without the context, plus a LoRA, trained until it says what the teacher said.

In come documents without context, the teacher's targets for them and a shadow that holds a trainable LoRA; the LoRA's
factors are changed in place and a ``TrainReport`` goes out. It knows nothing of PEFT, of the served model or of files.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.objective import concatenate, forward_kl
from langchain_selfparam.distill.packing import Document, Pack, batches, pack
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.reciting import recited
from langchain_selfparam.distill.steering import Steering
from langchain_selfparam.distill.teacher import TeacherTargets
from langchain_selfparam.errors import NonFiniteLossError
from langchain_selfparam.records import TrainPoint, TrainReport


def learning_rate(step: int, steps: int, config: TrainingConfig) -> float:
    """Linear warm-up, then a cosine down to a tenth.

    Args:
        step: From 0.
        steps: Of the whole training.
        config: Peak rate and warm-up share.

    Returns:
        The rate for this step.
    """
    warm = max(1, round(config.warmup * steps))
    if step < warm:
        return config.learning_rate * (step + 1) / warm
    along = (step - warm) / max(1, steps - warm)
    return config.learning_rate * (0.1 + 0.45 * (1 + math.cos(math.pi * along)))


def train(
    reader: Reader,
    head: Head,
    parameters: Sequence[torch.nn.Parameter],
    documents: Sequence[Document],
    targets: TeacherTargets,
    *,
    config: TrainingConfig,
    alternating: Sequence[Document] = (),
    passing: Sequence[Document] = (),
    held_out: Sequence[Document] = (),
    steering: Steering | None = None,
    weights: Mapping[int, float] | None = None,
    autocast: Callable[[], Any] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> TrainReport:
    """Minimise mean KL(teacher ‖ student) per answer token over the documents.

    Args:
        reader: Reads the shadow; gradients reach ``parameters`` through it.
        head: The frozen head that teacher and student share.
        parameters: LoRA factors, fp32, changed in place.
        documents: Prompts without context and their answers.
        targets: The teacher's rows for each document's key.
        config: Rates, epochs, batch size, seed.
        alternating: Documents of which each epoch sees every second one, and the next epoch the others.
        passing: Documents of which each epoch sees another part: what is only to stay as it was is held better by
            many prompts seen once than by few seen often.
        held_out: Documents that are never learned; after each epoch it is seen how many the student recites.
        steering: Changes ``weights`` after each epoch by how far the student has moved; as given where missing.
        weights: Document key to the weight of its tokens in the loss, of what is to stay; 1 where missing.
        autocast: Makes the context of mixed precision for a forward pass; none where missing.
        progress: Called with steps done and all steps.

    Returns:
        Steps, tokens and the curve.

    Raises:
        UnsupportedModelError: The head is among the parameters.
        NonFiniteLossError: A step's loss or gradient is NaN or infinite; the factors are then of no use.
    """
    head.refuse_trained(parameters)
    plan, epochs = _plan(documents, alternating, passing, config)
    ends, optimizer = set(itertools.accumulate(epochs)), _optimizer(parameters, config)
    read, curve = [pack(group) for group in plan], list[TrainPoint]()
    for step, packed in enumerate(read, 1):
        rate = _set_rate(optimizer, learning_rate(step - 1, len(plan), config))
        kl_N = _kl(reader, head, packed, targets, autocast)
        weight_N = _weights(packed, weights or {}, steering.factor if steering else 1.0, kl_N.device)
        value = _step(optimizer, parameters, kl_N, weight_N, f"training step {step} of {len(plan)}", config)
        recall = drift = None
        if step in ends:
            recall = _recall(reader, head, held_out, autocast) if held_out else None
            if steering:
                drift = steering.look(reader, head, targets, done=step / len(plan), autocast=autocast)
        curve.append(TrainPoint(step=step, kl=value, lr=rate, recall=recall, drift=drift))
        progress(step, len(plan))
        if config.stop_kl and step >= epochs[0] and mean_kl(curve[-epochs[0] :]) < config.stop_kl:
            break
    return _report(curve, epochs, read[: len(curve)])


def _optimizer(parameters: Sequence[torch.nn.Parameter], config: TrainingConfig) -> torch.optim.AdamW:
    # One launch instead of dozens: for a small model these are as long as its products.
    fused = all(p.is_cuda for p in parameters) or None
    return torch.optim.AdamW(parameters, lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=0.0, fused=fused)


def _set_rate(optimizer: torch.optim.AdamW, rate: float) -> float:
    for part in optimizer.param_groups:
        part["lr"] = rate
    return rate


def _kl(
    reader: Reader, head: Head, packed: Pack, targets: TeacherTargets, autocast: Callable[[], Any] | None
) -> torch.Tensor:
    return forward_kl(_read(reader, packed, autocast), head, concatenate([targets.rows[k] for k in packed.keys]))


def _read(reader: Reader, packed: Pack, autocast: Callable[[], Any] | None) -> torch.Tensor:
    with autocast() if autocast else contextlib.nullcontext():
        return reader.hidden(packed)


def _step(
    optimizer: torch.optim.AdamW,
    parameters: Sequence[torch.nn.Parameter],
    kl_N: torch.Tensor,
    weight_N: torch.Tensor,
    where: str,
    config: TrainingConfig,
) -> float:
    """One step down the gradient of the weighted mean KL, clipped; gives the plain mean before it."""
    optimizer.zero_grad(set_to_none=True)
    ((kl_N * weight_N).sum() / weight_N.sum().clamp(min=1e-9)).backward()  # type: ignore[no-untyped-call]
    norm = float(torch.nn.utils.clip_grad_norm_(parameters, config.clip))
    value = float(kl_N.detach().mean())
    _need_finite(value, norm, where, config)
    optimizer.step()
    return value


def _report(curve: Sequence[TrainPoint], epochs: Sequence[int], read: Sequence[Pack]) -> TrainReport:
    return TrainReport(
        steps=len(curve),
        tokens=sum(packed.tokens for packed in read),
        answer_tokens=sum(len(packed.answer_ids) for packed in read),
        kl_first=mean_kl(curve[: epochs[0]]),
        kl_last=mean_kl(curve[-epochs[-1] :]),
        curve=tuple(curve),
    )


def _plan(
    documents: Sequence[Document],
    alternating: Sequence[Document],
    passing: Sequence[Document],
    config: TrainingConfig,
) -> tuple[list[list[Document]], list[int]]:
    """The documents of every step, shuffled anew for each epoch, and the steps of each epoch."""
    shuffled = random.Random(config.seed)
    plan: list[list[Document]] = []
    steps: list[int] = []
    for number in range(config.epochs):
        seen = [*documents, *alternating[number % 2 :: 2], *passing[number :: config.epochs]]
        order = list(range(len(seen)))
        shuffled.shuffle(order)
        epoch = batches(seen, tokens=config.batch_tokens, order=order)
        steps.append(len(epoch))
        plan += epoch
    return plan, steps


def _need_finite(loss: float, norm: float, where: str, config: TrainingConfig) -> None:
    if not (math.isfinite(loss) and math.isfinite(norm)):
        msg = (
            f"{where} has a loss of {loss} and a gradient norm of {norm}; both have to be finite. "
            f"Lower learning_rate (now {config.learning_rate:g})"
        )
        raise NonFiniteLossError(msg)


@torch.no_grad()
def _recall(reader: Reader, head: Head, held_out: Sequence[Document], autocast: Callable[[], Any] | None) -> float:
    packed = pack(held_out)
    hidden_ND = _read(reader, packed, autocast)
    return statistics.fmean(recited(hidden_ND, packed, head))


def _weights(packed: Pack, weights: Mapping[int, float], factor: float, device: torch.device) -> torch.Tensor:
    """Each answer token's weight, fp32 [N]."""
    by_document = torch.tensor([weights[key] * factor if key in weights else 1.0 for key in packed.keys])
    return torch.repeat_interleave(by_document, torch.tensor(packed.lengths)).to(device)


def mean_kl(points: Sequence[TrainPoint]) -> float:
    """Mean of the points' KL, nats per answer token."""
    return sum(p.kl for p in points) / max(1, len(points))
