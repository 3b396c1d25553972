"""Steering: how much what is to stay weighs against what is learned, from how far the student has moved so far.

In come prompts that are neither learned nor asked in the end, out goes a factor on the weight of what is to stay. One
weight cannot serve every conversation and every model: where it is too small the candidate drifts beyond its limit and
has to be scaled down, which costs most of what was learned; where it is too large, less is learned than the limit
allows.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.objective import concatenate, forward_kl
from langchain_selfparam.distill.packing import Document, Pack, pack
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.teacher import TeacherTargets

_FASTEST = 2.0
"""Factor of one epoch at most, either way."""
_FURTHEST = 8.0
"""Factor of all epochs together at most, either way."""
_SETTLES = 0.33
"""Share by which the drift falls from the height of the rate to its end, over the drift at the end: measured at 0.030
after 0.039 and 0.040 after 0.055 nats. Steered to the last limit from the first, a student learns too little."""


@torch.no_grad()
def moved(
    reader: Reader, head: Head, packed: Pack, untouched: TeacherTargets, autocast: Callable[[], Any] | None = None
) -> float:
    """Mean KL(untouched ‖ what is read) over a row's answer tokens.

    Args:
        reader: Reads the weights that may have moved.
        head: The head that both share.
        packed: Unrelated prompts with the untouched model's answers.
        untouched: The untouched model's rows for them.
        autocast: Makes the context of mixed precision; none where missing.

    Returns:
        Nats per token; infinite where no numbers come out.
    """
    with autocast() if autocast else contextlib.nullcontext():
        hidden_ND = reader.hidden(packed)
    kl = float(forward_kl(hidden_ND, head, concatenate([untouched.rows[key] for key in packed.keys])).mean())
    return max(0.0, kl) if math.isfinite(kl) else math.inf


class Steering:
    """Looks at the drift after each epoch and changes the weight of what is to stay.

    Args:
        documents: Unrelated prompts with the untouched model's answers.
        limit: Drift to end at, nats per token.
    """

    def __init__(self, documents: Sequence[Document], *, limit: float) -> None:
        self._packed = pack(documents)
        self._limit = limit
        self.factor = 1.0
        """On the weight of what is to stay, as it is now."""

    def look(
        self,
        reader: Reader,
        head: Head,
        targets: TeacherTargets,
        *,
        done: float = 1.0,
        autocast: Callable[[], Any] | None = None,
    ) -> float:
        """Measure the drift and set ``factor`` by it.

        Args:
            reader: Reads the student.
            head: The head that teacher and student share.
            targets: The untouched model's rows for the documents.
            done: Share of the training that is done.
            autocast: Makes the context of mixed precision; none where missing.

        Returns:
            The drift, nats per token.
        """
        drift = moved(reader, head, self._packed, targets, autocast)
        limit = self._limit * (1 + _SETTLES * (1 - done))
        by = min(_FASTEST, max(1 / _FASTEST, drift / limit))
        self.factor = min(_FURTHEST, max(1 / _FURTHEST, self.factor * by))
        return drift
