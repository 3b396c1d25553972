"""Attention for decoding a batch whose rows share a prefix: the prefix is kept once, and nothing is copied.

A cache that belongs to each row holds the prefix as many times as there are rows, reads all of them for each token, and
is copied whenever it grows. Here the prefix's keys and values lie there once, each row's own in room that was made for
all of its tokens. The function is registered under ``NAME`` with transformers and works only inside ``decoding``.

Dimensions: B rows, T new tokens of each, P tokens of the prefix, N own tokens of a row so far, H heads, G heads of
keys, R = H / G, E per head.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Any

import torch

NAME = "selfparam_decoding"

_STATE: contextvars.ContextVar[SharedPrefix | None] = contextvars.ContextVar("selfparam_decoding", default=None)


class SharedPrefix:
    """Keys and values of one batch, by layer.

    Args:
        room: Own tokens of a row at most.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._prefix: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._own: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._filled = 0
        self._hidden: torch.Tensor | None = None
        self._seen: torch.Tensor | None = None
        self._at: torch.Tensor | None = None

    def advance(self, seen_BN: torch.Tensor) -> None:
        """Say what is read next: T own tokens of each row, after which N are there.

        Args:
            seen_BN: Whether a row's own token is one, and not padding; bool [B, N].
        """
        T = seen_BN.shape[1] - self._filled
        N = seen_BN.shape[1]
        steps = torch.arange(N, device=seen_BN.device)
        causal = steps[None, :] <= steps[N - T :, None]
        hidden = ~(causal[None] & seen_BN[:, None, :])
        # Padding sees itself, so that its softmax has something to be of; nobody sees padding.
        hidden &= ~(steps[None, :] == steps[N - T :, None])[None]
        self._hidden = hidden
        self._filled = N

    def fix(self, seen_BN: torch.Tensor) -> None:
        """From here on one token of each row at a time, in tensors that neither move nor grow.

        All room is read at each step, what is not filled yet being hidden, so that every step is the same work.

        Args:
            seen_BN: As for ``advance``, of the N tokens that were read.
        """
        B, N = seen_BN.shape
        self._seen = seen_BN.new_zeros(B, self._room)
        self._seen[:, :N] = seen_BN
        self._at = torch.tensor([N], device=seen_BN.device)
        for keys, values in self._own.values():
            # A hidden value has weight 0, which does not make NaN of memory that was never written harmless.
            keys[:, :, N:] = 0
            values[:, :, N:] = 0
        self._filled = self._room

    @property
    def fixed(self) -> bool:
        """Whether ``fix`` was called."""
        return self._at is not None

    def step(self) -> None:
        """Say that the next token of each row is read, after ``fix``."""
        assert self._seen is not None
        assert self._at is not None
        self._seen.index_fill_(1, self._at, True)
        self._hidden = ~self._seen[:, None]

    def stepped(self) -> None:
        """Say that it was read."""
        assert self._at is not None
        self._at += 1

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with these rows alone, int64 [B]."""
        assert not self.fixed
        self._own = {layer: (k[rows], v[rows]) for layer, (k, v) in self._own.items()}

    def attend(self, layer: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scale: float) -> torch.Tensor:
        """Attention of one layer for the tokens that are being read.

        Args:
            layer: Which.
            q: [B, H, T, E].
            k: [B, G, T, E].
            v: [B, G, T, E].
            scale: Factor on the scores.

        Returns:
            [B, T, H, E].
        """
        if self._hidden is None:  # the prefix itself, read once
            self._prefix[layer] = (k[0], v[0])
            out = torch.nn.functional.scaled_dot_product_attention(
                q, k, v, is_causal=q.shape[2] > 1, scale=scale, enable_gqa=True
            )
            return out.transpose(1, 2)
        B, H, T, E = q.shape
        G, N = k.shape[1], self._filled
        own_k, own_v = self._written(layer, k, v)
        q = (q * scale).view(B, G, H // G, T, E)
        own = torch.matmul(q.reshape(B, G, -1, E), own_k.transpose(2, 3)).view(B, G, H // G, T, N)
        own = own.masked_fill(self._hidden[:, None, None], float("-inf"))
        if layer not in self._prefix:
            p = torch.softmax(own, -1, dtype=torch.float32).to(v.dtype)
            out = torch.matmul(p.view(B, G, -1, N), own_v)
            return out.view(B, H, T, E).transpose(1, 2)
        pre_k, pre_v = self._prefix[layer]
        P = pre_k.shape[1]
        # All rows ask the one prefix: a product for each head of keys.
        asked = q.transpose(0, 1).reshape(G, -1, E)
        pre = torch.bmm(asked, pre_k.transpose(1, 2)).view(G, B, H // G, T, P).transpose(0, 1)
        p = torch.softmax(torch.cat([pre, own], -1), -1, dtype=torch.float32).to(v.dtype)
        out = torch.matmul(p[..., P:].reshape(B, G, -1, N), own_v).view(B, G, H // G, T, E)
        told = torch.bmm(p[..., :P].transpose(0, 1).reshape(G, -1, P), pre_v)
        out = out + told.view(G, B, H // G, T, E).transpose(0, 1)
        return out.reshape(B, H, T, E).transpose(1, 2)

    def _written(self, layer: int, k: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        B, G, T, E = k.shape
        if layer not in self._own:
            self._own[layer] = (k.new_empty(B, G, self._room, E), v.new_empty(B, G, self._room, E))
        keys, values = self._own[layer]
        if self._at is not None:
            return keys.index_copy_(2, self._at, k), values.index_copy_(2, self._at, v)
        keys[:, :, self._filled - T : self._filled] = k
        values[:, :, self._filled - T : self._filled] = v
        return keys[:, :, : self._filled], values[:, :, : self._filled]


@contextlib.contextmanager
def decoding(state: SharedPrefix) -> Iterator[None]:
    """Let attention layers whose implementation is ``NAME`` work on this batch, in this thread.

    Args:
        state: The batch's keys and values.
    """
    token = _STATE.set(state)
    try:
        yield
    finally:
        _STATE.reset(token)


def attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """softmax(q k.T scaling) v over the shared prefix and a row's own tokens.

    Args:
        module: The attention layer, of which only the index is read.
        query: [B, H, T, E].
        key: [B, G, T, E], of the new tokens alone.
        value: [B, G, T, E], likewise.
        attention_mask: Not used; the state says who sees whom.
        scaling: E ** -0.5 where missing.
        kwargs: What other implementations take.

    Returns:
        [B, T, H, E] and no attention weights.
    """
    state = _STATE.get()
    if state is None:
        msg = f"attention {NAME!r} was used outside decoding; decode batches through serving.batch.BatchGenerator"
        raise RuntimeError(msg)
    del attention_mask, kwargs
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    return state.attend(int(module.layer_idx), query, key, value, scale).contiguous(), None
