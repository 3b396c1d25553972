"""The objective: exact forward KL(teacher ‖ student) over the full vocabulary, from hidden states.

In come the student's hidden states at the answer positions and the teacher's cached targets; out goes one KL in nats
for each answer token, with its gradient for the hidden states computed in the same pass. It knows nothing of models,
prompts or optimisers.

Both sides share one frozen linear head, so the teacher is reduced once to a few numbers for each token and its logits
are never formed again (two matrix products an epoch instead of three).

Dimensions: T answer tokens, D hidden, V vocabulary, K teacher tokens kept one by one.

Source: SELF-PARAM (arXiv 2410.00487), eq. 2, with the vocabulary summed and tokens averaged (the published code also
divides by V). The reduction is this project's own.
"""

from __future__ import annotations

import contextlib
import dataclasses
from typing import Any

import torch

from langchain_selfparam.distill.precision import FAST_PRODUCTS

KEPT = 64
"""Teacher tokens kept one by one; the rest of the distribution travels as one exact vector."""

CHUNK = 1024
"""Answer tokens whose logits exist at one time."""


@dataclasses.dataclass(frozen=True, slots=True)
class TargetRows:
    """The teacher's distribution for T answer tokens, reduced without loss for a linear head.

    Attributes:
        ids: The K most probable tokens, int64 [T, K].
        probs: Their probabilities, fp32 [T, K].
        tail: W.T @ p over all other tokens, fp32 [T, D].
        negentropy: sum p log p over the whole vocabulary, fp32 [T], in nats.
    """

    ids: torch.Tensor
    probs: torch.Tensor
    tail: torch.Tensor
    negentropy: torch.Tensor

    def __len__(self) -> int:
        return int(self.ids.shape[0])

    def select(self, rows: torch.Tensor) -> TargetRows:
        """The rows at ``rows``, int64 [N]."""
        return TargetRows(self.ids[rows], self.probs[rows], self.tail[rows], self.negentropy[rows])

    def to(self, device: torch.device) -> TargetRows:
        """The same rows on ``device``."""
        return TargetRows(*(getattr(self, f.name).to(device) for f in dataclasses.fields(self)))


def concatenate(parts: list[TargetRows]) -> TargetRows:
    """Rows of several parts, in order."""
    return TargetRows(*(torch.cat([getattr(p, f.name) for p in parts]) for f in dataclasses.fields(TargetRows)))


class Head:
    """A frozen linear language-model head that gives fp32 logits.

    Args:
        weight: [V, D], any floating dtype; not copied where it is fp32 already.
        bias: [V] or ``None``.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None = None) -> None:
        self._exact_in = weight.dtype
        self.weight = weight.detach()
        # CPU has no product of bf16 inputs with an fp32 result, so there the head is widened once.
        self._native = weight.is_cuda and weight.dtype != torch.float32
        self._wide = self.weight if self._native else self.weight.float()
        self.bias = None if bias is None else bias.detach().float()
        self._scratch: torch.Tensor | None = None

    def logits(self, hidden_TD: torch.Tensor) -> torch.Tensor:
        """W h + b.

        Args:
            hidden_TD: Hidden states after the last norm, [T, D].

        Returns:
            fp32 [T, V], without gradient; on a CPU it is overwritten by the next call.
        """
        if self._native:
            out = torch.mm(hidden_TD.to(self._exact_in), self._wide.t(), out_dtype=torch.float32)
        else:
            with self._products():
                out = torch.mm(hidden_TD.detach().float(), self._wide.t(), out=self._room(len(hidden_TD)))
        return out if self.bias is None else out.add_(self.bias)

    def pull_back(self, rows_TV: torch.Tensor) -> torch.Tensor:
        """Rows @ W.

        Args:
            rows_TV: fp32 [T, V].

        Returns:
            fp32 [T, D].
        """
        if self._native:
            return torch.mm(rows_TV.to(self._exact_in), self._wide, out_dtype=torch.float32)
        with self._products():
            return rows_TV @ self._wide

    def _room(self, rows: int) -> torch.Tensor:
        # Fresh memory of this size comes from the system page by page, which takes longer than the product.
        if self._scratch is None or len(self._scratch) < rows:
            self._scratch = torch.empty(rows, self._wide.shape[0])
        return self._scratch[:rows]

    def _products(self) -> contextlib.AbstractContextManager[None]:
        # An fp32 or fp64 model asked for exact products; only a half-precision one may use them narrowed.
        return contextlib.nullcontext() if self._exact_in in (torch.float32, torch.float64) else FAST_PRODUCTS


@torch.no_grad()
def reduce_teacher(hidden_TD: torch.Tensor, head: Head, *, kept: int = KEPT, chunk: int = CHUNK) -> TargetRows:
    """Reduce the teacher's distribution at each answer position to ``TargetRows``.

    With z = W h + b, p = softmax(z): keeps the top-K of p one by one, the rest as W.T p, and sum p log p. A head
    bias adds b·p to the cross-entropy; it is folded in so that the student needs no more than logits.

    Args:
        hidden_TD: The teacher's hidden states, [T, D].
        head: The shared frozen head.
        kept: K, at most V.
        chunk: Rows whose logits exist at one time.

    Returns:
        One row for each answer token.
    """
    parts = []
    for part in torch.split(hidden_TD, chunk):
        logits = head.logits(part)
        probs, ids = logits.topk(min(kept, logits.shape[1]), dim=-1)
        peak = probs[:, :1].clone()
        total = (logits - peak).exp_().sum(-1, keepdim=True)
        lse = peak + total.log()
        p_TV = (logits - lse).exp_()
        # sum p log p = sum p z - logsumexp z; the products go row by row, so no third array is made.
        negentropy = torch.linalg.vecdot(p_TV, logits) - lse[:, 0]
        probs = (probs - lse).exp_()
        tail_TV = p_TV.scatter_(1, ids, 0.0)
        if head.bias is not None:
            negentropy = negentropy - tail_TV @ head.bias
        parts.append(TargetRows(ids, probs, head.pull_back(tail_TV), negentropy))
    return concatenate(parts)


class _SparseTeacherKL(torch.autograd.Function):
    """KL rows and the gradient for the hidden states, computed together so that logits are formed once."""

    @staticmethod
    def forward(ctx: Any, hidden_TD: torch.Tensor, head: Head, rows: TargetRows, chunk: int) -> torch.Tensor:
        grads, losses = [], []
        start = 0
        for part in torch.split(hidden_TD.detach(), chunk):
            stop = start + part.shape[0]
            at = slice(start, stop)
            logits = head.logits(part)
            kept = logits.gather(1, rows.ids[at])
            # In place: a second array of this size costs more in page faults than the arithmetic does.
            peak = logits.amax(-1, keepdim=True)
            total = logits.sub_(peak).exp_().sum(-1, keepdim=True)
            lse = (peak + total.log())[:, 0]
            expected = (rows.probs[at] * kept).sum(-1) + (rows.tail[at] * part.float()).sum(-1)
            losses.append(lse - expected + rows.negentropy[at])
            # p_s - p_t cancels where they agree: subtract in fp32, before the product narrows its input.
            difference = logits.div_(total).scatter_add_(1, rows.ids[at], -rows.probs[at])
            grads.append(head.pull_back(difference) - rows.tail[at])
            start = stop
        ctx.save_for_backward(torch.cat(grads))
        ctx.dtype = hidden_TD.dtype
        return torch.cat(losses)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (grad_TD,) = ctx.saved_tensors
        return (grad_TD * grad_outputs[0][:, None]).to(ctx.dtype), None, None, None


def forward_kl(hidden_TD: torch.Tensor, head: Head, rows: TargetRows, *, chunk: int = CHUNK) -> torch.Tensor:
    """KL(teacher ‖ student) of each answer token, over the whole vocabulary.

    KL = logsumexp(W h) - h · W.T p_t + sum p_t log p_t;  dKL/dh = W.T (softmax(W h) - p_t).

    Args:
        hidden_TD: The student's hidden states at the answer positions, [T, D].
        head: The shared frozen head.
        rows: The teacher's targets for the same positions.
        chunk: Rows whose logits exist at one time.

    Returns:
        fp32 [T], nats; gradients flow to ``hidden_TD`` only.

    Raises:
        ValueError: The numbers of positions differ.
    """
    if hidden_TD.shape[0] != len(rows):
        msg = f"{hidden_TD.shape[0]} hidden states for {len(rows)} teacher targets; they have to be as many"
        raise ValueError(msg)
    result: torch.Tensor = _SparseTeacherKL.apply(hidden_TD, head, rows, chunk)  # type: ignore[no-untyped-call]
    return result
