"""The objective: exact forward KL(teacher ‖ student) over the full vocabulary, from hidden states.

In come the student's hidden states at the answer positions and the teacher's cached targets; out goes one KL in nats
for each answer token, with its gradient for the hidden states computed in the same pass. It knows nothing of models,
prompts or optimisers.

Both sides share one frozen head. Where it is linear the teacher is reduced once to a few numbers for each token and its
logits are never formed again (two matrix products an epoch instead of three); where logits are soft-capped that is
impossible, so the teacher's hidden states are kept and its logits formed anew.

Dimensions: T answer tokens, D hidden, V vocabulary, K teacher tokens kept one by one.

Source: SELF-PARAM (arXiv 2410.00487), eq. 2, with the vocabulary summed and tokens averaged (the published code also
divides by V). The reduction is this project's own.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from langchain_selfparam.distill.head import Head

if TYPE_CHECKING:
    from typing_extensions import Self

KEPT = 64
"""Teacher tokens kept one by one; the rest of the distribution travels as one exact vector."""


class _Rows:
    """What all targets can do; a row for each answer token."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(self.tensors()[0])

    def select(self, rows: torch.Tensor) -> Self:
        """The rows at ``rows``, int64 [N]."""
        return type(self)(*(tensor[rows] for tensor in self.tensors()))

    def to(self, device: torch.device) -> Self:
        """The same rows on ``device``."""
        return type(self)(*(tensor.to(device) for tensor in self.tensors()))

    @property
    def nbytes(self) -> int:
        """Memory that the rows take."""
        return sum(tensor.nbytes for tensor in self.tensors())

    def tensors(self) -> list[torch.Tensor]:
        return [getattr(self, field.name) for field in dataclasses.fields(self)]  # type: ignore[arg-type]


@dataclasses.dataclass(frozen=True, slots=True)
class TargetRows(_Rows):
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


@dataclasses.dataclass(frozen=True, slots=True)
class HiddenRows(_Rows):
    """The teacher's hidden states for T answer tokens: what is kept where the head is not linear.

    Attributes:
        hidden: After the last norm, in the model's dtype, [T, D].
        answer: The token that was really said, int64 [T].
        share: What it has of the target beside the teacher's distribution, fp32 [T].
    """

    hidden: torch.Tensor
    answer: torch.Tensor
    share: torch.Tensor


Rows = TargetRows | HiddenRows
"""The teacher's targets, in the form that the head allows."""
_R = TypeVar("_R", bound=_Rows)


def concatenate(parts: Sequence[_R]) -> _R:
    """Rows of several parts of one kind, in order."""
    return type(parts[0])(*(torch.cat(tensors) for tensors in zip(*(part.tensors() for part in parts), strict=True)))


@torch.no_grad()
def reduce_teacher(
    hidden_TD: torch.Tensor,
    head: Head,
    *,
    kept: int = KEPT,
    chunk: int | None = None,
    answer_T: torch.Tensor | None = None,
    share: float = 0.0,
    floor: float = 0.0,
) -> Rows:
    """Keep what is needed of the teacher's distribution at each answer position.

    For a linear head, with z the logits and p = softmax(z): the top-K of p one by one, the rest as W.T p, and
    sum p log p. A bias adds b·p to the cross-entropy; it is folded in, so that the student needs no more than logits.
    With a ``share`` s the target is (1 - s) p + s at the token that was said: for answers that are right although the
    teacher would not begin them by itself. A ``floor`` does the same only where p is below it at that token, and as far
    as to it.

    Args:
        hidden_TD: The teacher's hidden states, [T, D].
        head: The shared frozen head.
        kept: K, at most V.
        chunk: Rows whose logits exist at one time; the head's own choice where missing.
        answer_T: The tokens that were said, int64 [T]; needed where there is a share or a floor.
        share: From 0 to 1.
        floor: From 0 to 1.

    Returns:
        One row for each answer token: ``TargetRows`` where the head is linear, else ``HiddenRows``.
    """
    if answer_T is None:
        answer_T = torch.zeros(len(hidden_TD), dtype=torch.long, device=hidden_TD.device)
    if not head.linear:
        shares = torch.full((len(hidden_TD),), share, device=hidden_TD.device)
        if floor > share:
            shares = _shares(_said(hidden_TD, head, answer_T, chunk), share, floor)
        return HiddenRows(hidden_TD.clone(), answer_T, shares)
    parts = []
    for part, said in zip(*(torch.split(t, chunk or head.chunk) for t in (hidden_TD, answer_T)), strict=True):
        logits = head.logits(part)
        probs, ids = logits.topk(min(kept, logits.shape[1]), dim=-1)
        peak = probs[:, :1].clone()
        total = (logits - peak).exp_().sum(-1, keepdim=True)
        lse = peak + total.log()
        p_TV = (logits - lse).exp_()
        # sum p log p = sum p z - logsumexp z; the products go row by row, so no third array is made.
        negentropy = torch.linalg.vecdot(p_TV, logits) - lse[:, 0]
        probs = (probs - lse).exp_()
        own = p_TV.gather(1, said[:, None])
        tail_TV = p_TV.scatter_(1, ids, 0.0)
        if head.bias is not None:
            negentropy = negentropy - tail_TV @ head.bias
        rows = TargetRows(ids, probs, head.pull_back(tail_TV, exact=True), negentropy)
        if share or floor:
            rows = _with_said(rows, head, said, own[:, 0], _shares(own[:, 0], share, floor))
        parts.append(rows)
    return concatenate(parts)


def _said(hidden_TD: torch.Tensor, head: Head, said_T: torch.Tensor, chunk: int | None) -> torch.Tensor:
    """How likely the teacher finds the tokens that were said, [T]."""
    parts = zip(*(torch.split(t, chunk or head.chunk) for t in (hidden_TD, said_T)), strict=True)
    return torch.cat([head.logits(part).softmax(-1).gather(1, said[:, None])[:, 0] for part, said in parts])


def _shares(own_T: torch.Tensor, share: float, floor: float) -> torch.Tensor:
    """What the token that was said gets beside the teacher's distribution: as much as brings it to the floor."""
    lacking_T = (floor - own_T) / (1.0 - own_T).clamp(min=1e-6)
    return lacking_T.clamp(min=share, max=1.0)


def _with_said(
    rows: TargetRows, head: Head, said_T: torch.Tensor, own_T: torch.Tensor, share_T: torch.Tensor
) -> TargetRows:
    """Rows of (1 - s) p + s at the token that was said.

    With q that distribution, sum q log q is (1 - s) sum p log p + (1 - s) log (1 - s) for all other tokens, and its own
    for that one. Where it is not among those kept it goes, like them all, into W.T q.
    """
    rest_T = 1.0 - share_T
    hit_TK = rows.ids == said_T[:, None]
    missing_T = ~hit_TK.any(-1)
    probs = rest_T[:, None] * rows.probs + share_T[:, None] * hit_TK
    row_TD = head.weight[said_T].to(rows.tail.dtype) * head.scale
    tail = rest_T[:, None] * rows.tail + (share_T * missing_T)[:, None] * row_TD
    others = rest_T * (rows.negentropy - torch.special.xlogy(own_T, own_T))
    q_T = rest_T * own_T + share_T
    negentropy = others + torch.special.xlogy(rest_T, rest_T) * (1.0 - own_T)
    negentropy = negentropy + torch.special.xlogy(q_T, q_T)
    if head.bias is not None:
        negentropy = negentropy - share_T * missing_T * head.bias[said_T]
    return TargetRows(rows.ids, probs, tail, negentropy)


def row_pass(
    logits_TV: torch.Tensor, ids_TK: torch.Tensor, probs_TK: torch.Tensor, *, narrow: bool = False
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What the loss and its gradient need of each row of logits.

    Args:
        logits_TV: The student's, fp32 [T, V]; overwritten.
        ids_TK: The teacher's kept tokens, int64 [T, K].
        probs_TK: Their probabilities, fp32 [T, K].
        narrow: Whether the differences may come in bf16: a half-precision head multiplies them so anyway.

    Returns:
        Log-sum-exp [T]; the kept tokens' expected logit, sum p_t z [T]; p_student minus the kept p_teacher [T, V], in
        the memory of the logits.
    """
    if narrow and _has_kernel(logits_TV.device.type):
        from langchain_selfparam.distill import kernels

        return kernels.row_pass(logits_TV, ids_TK, probs_TK)
    kept = logits_TV.gather(1, ids_TK)
    # In place: a second array of this size costs more in page faults than the arithmetic does.
    peak = logits_TV.amax(-1, keepdim=True)
    total = logits_TV.sub_(peak).exp_().sum(-1, keepdim=True)
    # p_s - p_t cancels where they agree: subtract in fp32, before the product narrows its input.
    difference = logits_TV.div_(total).scatter_add_(1, ids_TK, -probs_TK)
    return (peak + total.log())[:, 0], (probs_TK * kept).sum(-1), difference


@functools.cache
def _has_kernel(device: str) -> bool:
    return device == "cuda" and importlib.util.find_spec("triton") is not None


class _TwoProductKL(torch.autograd.Function):
    """KL rows and the gradient for the hidden states, computed together so that logits are formed once."""

    @staticmethod
    def forward(ctx: Any, hidden_TD: torch.Tensor, head: Head, rows: TargetRows, chunk: int) -> torch.Tensor:
        grads, losses = [], []
        start = 0
        for part in torch.split(hidden_TD.detach(), chunk):
            at = slice(start, start + len(part))
            start += len(part)
            lse, expected, difference = row_pass(head.logits(part), rows.ids[at], rows.probs[at], narrow=head.half)
            expected = expected + (rows.tail[at] * part.to(rows.tail.dtype)).sum(-1)
            losses.append(lse - expected + rows.negentropy[at])
            grads.append(head.pull_back(difference) - rows.tail[at])
        ctx.save_for_backward(torch.cat(grads))
        ctx.dtype = hidden_TD.dtype
        return torch.cat(losses)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (grad_TD,) = ctx.saved_tensors
        return (grad_TD * grad_outputs[0][:, None]).to(ctx.dtype), None, None, None


class _ThreeProductKL(torch.autograd.Function):
    """The same from the teacher's hidden states, for heads that are not linear: its logits are formed each time."""

    @staticmethod
    def forward(ctx: Any, hidden_TD: torch.Tensor, head: Head, rows: HiddenRows, chunk: int) -> torch.Tensor:
        grads, losses = [], []
        start = 0
        for part in torch.split(hidden_TD.detach(), chunk):
            at = slice(start, start + len(part))
            start += len(part)
            told = head.logits(rows.hidden[at]).log_softmax(-1)
            share = rows.share[at, None]
            if bool(share.any()):
                told = told.exp_().mul_(1.0 - share).scatter_add_(1, rows.answer[at, None], share.to(told.dtype)).log_()
            logits = head.logits(part)
            slope = head.slope(logits)
            said = logits.log_softmax(-1)
            p_t = told.exp()
            losses.append(torch.where(p_t > 0, p_t * (told - said), 0.0).sum(-1))
            grads.append(head.pull_back(said.exp_().sub_(p_t).mul_(slope)))
        ctx.save_for_backward(torch.cat(grads))
        ctx.dtype = hidden_TD.dtype
        return torch.cat(losses)

    backward = _TwoProductKL.backward


def forward_kl(hidden_TD: torch.Tensor, head: Head, rows: Rows, *, chunk: int | None = None) -> torch.Tensor:
    """KL(teacher ‖ student) of each answer token, over the whole vocabulary.

    KL = logsumexp(W h) - h · W.T p_t + sum p_t log p_t;  dKL/dh = W.T (softmax(W h) - p_t).

    Args:
        hidden_TD: The student's hidden states at the answer positions, [T, D].
        head: The shared frozen head.
        rows: The teacher's targets for the same positions.
        chunk: Rows whose logits exist at one time; the head's own choice where missing.

    Returns:
        fp32 [T], nats; gradients flow to ``hidden_TD`` only.

    Raises:
        ValueError: The numbers of positions differ.
    """
    if hidden_TD.shape[0] != len(rows):
        msg = f"{hidden_TD.shape[0]} hidden states for {len(rows)} teacher targets; they have to be as many"
        raise ValueError(msg)
    way: Any = _TwoProductKL if isinstance(rows, TargetRows) else _ThreeProductKL
    result: torch.Tensor = way.apply(hidden_TD, head, rows, chunk or head.chunk)
    return result
