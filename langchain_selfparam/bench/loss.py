"""The loss alone: two products with cached targets, against dense autograd and, where it is installed, Liger."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable
from typing import Any

import torch

from langchain_selfparam.bench.naive import dense_kl
from langchain_selfparam.bench.timing import PeakMemory, seconds
from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.objective import forward_kl, reduce_teacher


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """Forward and backward of the loss over T answer tokens.

    Attributes:
        tokens: T.
        hidden: D.
        vocabulary: V.
        seconds: Median seconds by way: ``ours``, ``dense``, ``liger`` (chunked), ``liger_triton`` (on CUDA).
        peak_bytes: Most memory by way, above what was there before, this engine's own buffers among it; without what
            cannot be measured here.
        flops: Rate of this engine's two products, FLOP/s.
    """

    tokens: int
    hidden: int
    vocabulary: int
    seconds: dict[str, float]
    peak_bytes: dict[str, int]
    flops: float


def run(*, tokens: int, weight_VD: torch.Tensor, repeats: int) -> Loss:
    """Time each way on the same hidden states.

    Args:
        tokens: T.
        weight_VD: The head, [V, D].
        repeats: Runs that the medians are of.

    Returns:
        Times and peaks.
    """
    device, dtype = weight_VD.device, weight_VD.dtype
    size, hidden = weight_VD.shape
    generator = torch.Generator(device=device).manual_seed(0)
    told = torch.randn(tokens, hidden, device=device, generator=generator).to(dtype)
    said = (told + 0.1 * torch.randn(tokens, hidden, device=device, generator=generator)).to(dtype)
    head = Head(weight_VD)
    rows = reduce_teacher(told, head)

    def ours(head: Head = head) -> None:
        leaf = said.clone().requires_grad_()
        forward_kl(leaf, head, rows).mean().backward()  # type: ignore[no-untyped-call]

    def dense() -> None:
        leaf = said.clone().requires_grad_()
        dense_kl(leaf, weight_VD, told).mean().backward()  # type: ignore[no-untyped-call]

    ways: dict[str, Callable[[], Any]] = {"ours": ours, "dense": dense, **_liger(said, told, weight_VD)}
    times, peaks = {}, {}
    for name, way in ways.items():
        with PeakMemory(device) as peak:
            # A head that was used keeps its memory: a fresh one shows what the first use costs.
            ours(Head(weight_VD)) if name == "ours" else way()
        if peak.bytes is not None:
            peaks[name] = peak.bytes
        times[name] = seconds(way, repeats=repeats, device=device)
    return Loss(
        tokens=tokens,
        hidden=hidden,
        vocabulary=size,
        seconds=times,
        peak_bytes=peaks,
        flops=4 * tokens * hidden * size / times["ours"],
    )


def _liger(said: torch.Tensor, told: torch.Tensor, weight_VD: torch.Tensor) -> dict[str, Callable[[], Any]]:
    """Liger's Jensen-Shannon losses at beta 0, which is the forward KL, where liger-kernel is installed."""
    try:
        chunked = importlib.import_module("liger_kernel.chunked_loss").LigerFusedLinearJSDLoss(
            weight_hard_loss=0.0, weight_soft_loss=1.0, beta=0.0, compiled=False
        )
        fused = importlib.import_module("liger_kernel.transformers").LigerFusedLinearJSD(jsd_beta=0.0)
    except ImportError:
        return {}
    labels = torch.zeros(len(said), dtype=torch.long, device=said.device)

    def run_chunked() -> None:
        leaf = said.clone().requires_grad_()
        out = chunked(leaf, weight_VD, told, weight_VD, labels)
        (out[0] if isinstance(out, tuple) else out).backward()

    def run_fused() -> None:
        leaf = said.clone().requires_grad_()
        fused(leaf, weight_VD, told, weight_VD, labels).backward()

    return {"liger": run_chunked, "liger_triton": run_fused} if said.is_cuda else {"liger": run_chunked}
