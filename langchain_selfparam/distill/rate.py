"""The learning rate that a model takes: found by how far one step moves what it says of other things.

A rate is in units of the factors, and what a change of them does to the text that comes out is another thing in every
model: at the rate at which one of 135M parameters learns well, one of 0.5B moves fourteen times as far in its first
epoch and learns nothing. So the rate is not set but measured: AdamW's first step changes every parameter by the rate,
whichever way its gradient points, and the rate is the one at which that step moves unrelated prompts by so many nats.
It is a trust region (as in TRPO, arXiv 1502.05477), for the size of the steps instead of for each of them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.objective import concatenate, forward_kl, reduce_teacher
from langchain_selfparam.distill.packing import Document, Pack, batches, pack
from langchain_selfparam.distill.precision import loss_scale
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.student import read
from langchain_selfparam.distill.teacher import TeacherTargets

_START = 2e-3
"""Rate that is tried first."""
_MEASURABLE = (0.004, 0.06)
"""Nats between which a step's drift grows as the square of its length and is not lost in half precision."""
_TRIES = 8
_ROWS = 4
"""Rows that the gradient is of: its signs are then the same, but for a few, as over all of them."""


def with_rate(
    config: TrainingConfig,
    reader: Reader,
    head: Head,
    parameters: Sequence[torch.nn.Parameter],
    documents: Sequence[Document],
    targets: TeacherTargets,
    *,
    ruler: Sequence[Document],
    autocast: Callable[[], Any] | None = None,
) -> TrainingConfig:
    """The configuration with the learning rate at which a first step of AdamW moves unrelated prompts so far.

    Args:
        config: ``step_drift`` is how far: mean KL(before ‖ after), nats per token. With a rate it stays as it is.
        reader: Reads the student.
        head: The frozen head that teacher and student share.
        parameters: What learns; the same to the bit afterwards.
        documents: What is learned; where there is none no step is taken, and any rate will do.
        targets: The teacher's rows for them.
        ruler: Prompts with answers of which nothing is learned; the documents themselves where there is none.
        autocast: Makes the context of mixed precision; none where missing.

    Returns:
        The configuration, with a rate.
    """
    if config.learning_rate is not None:
        return config
    rate = _START
    if documents:
        signs = _signs(reader, head, parameters, documents, targets, config.batch_tokens, autocast)
        rate = _found(reader, head, parameters, signs, pack(ruler or documents), config.step_drift, autocast)
    return dataclasses.replace(config, learning_rate=rate)


@torch.no_grad()
def _found(
    reader: Reader,
    head: Head,
    parameters: Sequence[torch.nn.Parameter],
    signs: Sequence[torch.Tensor],
    packed: Pack,
    drift: float,
    autocast: Callable[[], Any] | None,
) -> float:
    before = [p.detach().clone() for p in parameters]
    rows = reduce_teacher(read(reader, packed, autocast), head)

    def moved(rate: float) -> float:
        for parameter, value, sign in zip(parameters, before, signs, strict=True):
            parameter.copy_(value - rate * sign)
        kl = float(forward_kl(read(reader, packed, autocast), head, rows).mean())
        return kl if math.isfinite(kl) else math.inf

    low, high = _MEASURABLE
    rate = _START
    try:
        for _ in range(_TRIES):
            found = moved(rate)
            if low <= found <= high:
                return rate * math.sqrt(drift / found)
            # By the square, and no further than that can be trusted from here.
            rate *= min(8.0, max(1 / 8, math.sqrt(math.sqrt(low * high) / max(found, 1e-12))))
    finally:
        for parameter, value in zip(parameters, before, strict=True):
            parameter.copy_(value)
    # Nothing moves whatever the step: there is nothing to learn, and no rate is too large.
    return _START if found < low else rate


def _signs(
    reader: Reader,
    head: Head,
    parameters: Sequence[torch.nn.Parameter],
    documents: Sequence[Document],
    targets: TeacherTargets,
    batch_tokens: int,
    autocast: Callable[[], Any] | None,
) -> list[torch.Tensor]:
    """The sign of each parameter's gradient over evenly taken documents."""
    tokens = sum(len(d.ids) for d in documents)
    chosen = documents[:: max(1, tokens // (_ROWS * batch_tokens))]
    for group in batches(chosen, tokens=batch_tokens, order=range(len(chosen)))[:_ROWS]:
        packed = pack(group)
        kl_N = forward_kl(read(reader, packed, autocast), head, concatenate([targets.rows[key] for key in packed.keys]))
        (kl_N.mean() * loss_scale(head.weight.dtype)).backward()  # type: ignore[no-untyped-call]
    signs = [torch.zeros_like(p) if p.grad is None else p.grad.sign() for p in parameters]
    for parameter in parameters:
        parameter.grad = None
    return signs
