"""Attention for packed rows that costs what the documents need, not the square of the row.

A dense mask makes every token of a packed row score every other one, most of it only to be thrown away. Here each
document scores the shared prefix and itself. The function is registered under ``NAME`` with transformers and works
only inside ``layout``; it knows the row from there, and nothing of models beyond how heads share keys.

Dimensions: T tokens of the row, P of the prefix, B documents, L tokens of the longest, H heads, G heads of keys, E per
head.
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
from collections.abc import Iterator
from typing import Any

import torch

from langchain_selfparam.distill.packing import Pack
from langchain_selfparam.distill.tree import Block, Tree, blocks

NAME = "selfparam_packed"

_FLASH = "_scaled_dot_product_flash_attention_for_cpu"
"""Gives the log-sum-exp that merging needs; a name without a promise, so it is looked for."""
_LONG = 128
"""Tokens of a prefix or a document from which on fused attention is worth the merging."""

_LAYOUT: contextvars.ContextVar[tuple[Layout, ...] | Planted | None] = contextvars.ContextVar(
    "selfparam_layout", default=None
)


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """Where a packed row's documents lie.

    Attributes:
        prefix: P.
        gather: Row positions of each document's tokens, int64 [B, L]; padded with position 0.
        scatter: For each token behind the prefix its place in the flattened [B * L], int64 [T - P].
        own: Which of a document's tokens each of its tokens sees, bool [B, L, L]; padding sees itself.
        tokens: T.
    """

    tokens: int
    prefix: int
    gather: torch.Tensor
    scatter: torch.Tensor
    own: torch.Tensor

    @classmethod
    def of(cls, packed: Pack, device: torch.device) -> Layout:
        """The layout of a packed row on ``device``."""
        owner = packed.owner
        prefix = int((owner < 0).sum())
        lengths = torch.bincount(owner[prefix:], minlength=len(packed.keys))
        longest = int(lengths.max())
        starts = prefix + torch.cumsum(lengths, 0) - lengths
        steps = torch.arange(longest)
        real = steps[None] < lengths[:, None]
        gather = torch.where(real, starts[:, None] + steps[None], 0)
        scatter = torch.nonzero(real.flatten())[:, 0]
        causal = steps[:, None] >= steps[None, :]
        own = causal[None] & real[:, None, :] | torch.eye(longest, dtype=torch.bool)[None]
        return cls(packed.tokens, prefix, gather.to(device), scatter.to(device), own.to(device))


@dataclasses.dataclass(frozen=True, slots=True)
class Planted:
    """Where a tree's nodes lie.

    Attributes:
        prefix: P.
        blocks: The nodes behind it.
    """

    prefix: int
    blocks: tuple[Block, ...]


@contextlib.contextmanager
def layout(row: Pack | Tree, device: torch.device) -> Iterator[None]:
    """Let attention layers whose implementation is ``NAME`` work on this row, in this thread.

    Args:
        row: The row that is about to be read.
        device: Where the row lies.
    """
    where: tuple[Layout, ...] | Planted
    if isinstance(row, Tree):
        where = Planted(row.prefix, tuple(block.to(device) for block in blocks(row)))
    else:
        where = tuple(Layout.of(part, device) for part in row.parts or (row,))
    token = _LAYOUT.set(where)
    try:
        yield
    finally:
        _LAYOUT.reset(token)


def _has_flash(query: torch.Tensor) -> bool:
    return query.device.type == "cpu" and hasattr(torch.ops.aten, _FLASH)


def _by_flash(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, where: Layout, scale: float) -> torch.Tensor:
    """The same by torch's own fused attention, without a gradient: for scores that would fill memory.

    A softmax over prefix and document is that over each, weighted by what each sums up to.
    """
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    P, (B, L) = where.prefix, where.gather.shape
    H, E = query.shape[1], query.shape[3]
    index = where.gather.flatten()

    def flash(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, causal: bool) -> tuple[torch.Tensor, torch.Tensor]:
        out, lse = getattr(torch.ops.aten, _FLASH)(q, k, v, 0.0, causal, scale=scale)
        return out.float(), lse.float()

    k_pre, v_pre = key[:, :, :P].contiguous(), value[:, :, :P].contiguous()
    prefix = torch.nn.functional.scaled_dot_product_attention(
        query[:, :, :P], k_pre, v_pre, is_causal=True, scale=scale
    )
    q = query[:, :, index]
    told, told_lse = flash(q, k_pre, v_pre, causal=False)
    q_doc, k_doc, v_doc = (t[0, :, index].view(H, B, L, E).transpose(0, 1).contiguous() for t in (query, key, value))
    # Padding stands behind a document's own tokens, so that none of these sees it.
    own, own_lse = flash(q_doc, k_doc, v_doc, causal=True)
    own, own_lse = own.transpose(0, 1).reshape(1, H, B * L, E), own_lse.transpose(0, 1).reshape(1, H, B * L)
    share = torch.sigmoid(told_lse - own_lse)[..., None]
    documents = (told * share + own * (1 - share)).to(query.dtype)[:, :, where.scatter]
    return torch.cat([prefix, documents], 2).transpose(1, 2).contiguous()


def _on_tree(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, where: Planted, scale: float) -> torch.Tensor:
    """Attention of each node over the prompt and the nodes up to it, without a gradient.

    Block by block: scores of all nodes at once are memory that comes from the system page by page, and one product for
    each node takes longer than the products of the layer.
    """
    P, H, G, E = where.prefix, query.shape[1], key.shape[1], query.shape[3]
    k, v = key[0], value[0]
    parts = [
        torch.nn.functional.scaled_dot_product_attention(
            query[:, :, :P], key[:, :, :P], value[:, :, :P], is_causal=True, scale=scale, enable_gqa=G < H
        )[0]
    ]
    k_pre, v_pre = k[:, :P], v[:, :P]
    for block in where.blocks:
        at = slice(block.start, block.stop)
        k_own, v_own = (torch.cat([told, t[:, block.outside], t[:, at]], 1) for told, t in ((k_pre, k), (v_pre, v)))
        q = (query[0, :, at] * scale).reshape(G, -1, E)  # heads that share keys lie beside each other
        scores = torch.bmm(q, k_own.transpose(1, 2)).view(G, H // G, *block.sees.shape[:1], -1)
        scores[..., P:].masked_fill_(~block.sees, float("-inf"))
        p = torch.softmax(scores, -1, dtype=torch.float32).to(v.dtype)
        parts.append(torch.bmm(p.view(G, -1, p.shape[-1]), v_own).view(H, -1, E))
    return torch.cat(parts, 1).transpose(0, 1)[None].contiguous()


def attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """softmax(q k.T scaling) v of each document over the prefix and itself.

    Args:
        module: The attention layer, of which only the number of key groups is read.
        query: [1, H, T, E].
        key: [1, G, T, E].
        value: [1, G, T, E].
        attention_mask: Not used; the layout says who sees whom.
        scaling: E ** -0.5 where missing.
        kwargs: What other implementations take.

    Returns:
        [1, T, H, E] and no attention weights.
    """
    where = _LAYOUT.get()
    if where is None:
        msg = f"attention {NAME!r} was used outside a layout; read packed rows through distill.reader.Reader"
        raise RuntimeError(msg)
    del attention_mask, kwargs
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    if isinstance(where, Planted):
        return _on_tree(query, key, value, where, scale), None
    if len(where) == 1:
        return _on_row(query, key, value, where[0], scale), None
    sizes = [one.tokens for one in where]
    rows = zip(*(torch.split(t, sizes, 2) for t in (query, key, value)), where, strict=True)
    return torch.cat([_on_row(q, k, v, one, scale) for q, k, v, one in rows], 1), None


def _on_row(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, where: Layout, scale: float) -> torch.Tensor:
    """Attention of one row's documents over its prefix and themselves."""
    groups = query.shape[1] // key.shape[1]
    longest = max(where.prefix, where.gather.shape[1])
    if where.prefix and longest >= _LONG and _has_flash(query) and not torch.is_grad_enabled():
        return _by_flash(query, key, value, where, scale)
    q, k, v = query[0] * scale, key[0], value[0]
    if groups > 1:
        k, v = k.repeat_interleave(groups, 0), v.repeat_interleave(groups, 0)
    P, (B, L) = where.prefix, where.gather.shape
    H, E = q.shape[0], q.shape[2]
    k_pre, v_pre = k[:, :P], v[:, :P]
    index = where.gather.flatten()
    q_doc, k_doc, v_doc = (t[:, index].view(H * B, L, E) for t in (q, k, v))
    own = torch.bmm(q_doc, k_doc.transpose(1, 2)).view(H, B, L, L)
    own = own.masked_fill(~where.own, float("-inf"))
    pre = torch.bmm(q_doc.view(H, B * L, E), k_pre.transpose(1, 2)).view(H, B, L, P)
    p = torch.softmax(torch.cat([pre, own], -1), -1, dtype=torch.float32).to(v.dtype)
    out = torch.bmm(p[..., :P].reshape(H, B * L, P), v_pre)
    out = out + torch.bmm(p[..., P:].reshape(H * B, L, L), v_doc).view(H, B * L, E)
    documents = out[:, where.scatter]
    scores = torch.bmm(q[:, :P], k_pre.transpose(1, 2))
    causal = torch.ones(P, P, dtype=torch.bool, device=q.device).tril()
    p_pre = torch.softmax(scores.masked_fill(~causal, float("-inf")), -1, dtype=torch.float32).to(v.dtype)
    prefix = torch.bmm(p_pre, v_pre)
    return torch.cat([prefix, documents], 1).transpose(0, 1)[None].contiguous()
