"""The head: hidden states to fp32 logits, and gradients of logits back to hidden states.

In come hidden states after the last norm; the head is frozen and shared by teacher and student. It knows nothing of
losses. Half-precision heads are multiplied with fp32 sums on every device and never copied as a whole.

Dimensions: T tokens, D hidden, V vocabulary.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import torch

from langchain_selfparam.distill.precision import FAST_PRODUCTS
from langchain_selfparam.errors import UnsupportedModelError

_TILE = 4096
"""Rows of the head that are widened at one time on a CPU."""
_HALF_STEPS = 1024.0
"""Differences of probabilities are multiplied by this before fp16 takes them: its smallest number is 6e-8."""


class Head:
    """A frozen language-model head: z = cap · tanh(s (W h + b) / cap), or s (W h + b) without a cap.

    Args:
        weight: W [V, D], any floating dtype; not copied.
        bias: b [V] or ``None``.
        scale: s, what the model multiplies its logits with.
        softcap: The cap, or ``None``.
    """

    def __init__(
        self,
        weight: torch.Tensor,
        bias: torch.Tensor | None = None,
        *,
        scale: float = 1.0,
        softcap: float | None = None,
    ) -> None:
        self.weight = weight.detach()
        self.bias = None if bias is None else bias.detach().to(torch.promote_types(bias.dtype, torch.float32)) * scale
        self.scale = scale
        self.softcap = softcap
        self._native = self.half and weight.is_cuda and hasattr(torch.ops.aten.mm, "dtype")
        self._tiled = self.half and not self._native
        self._scratch: torch.Tensor | None = None
        self._tile: torch.Tensor | None = None

    @property
    def half(self) -> bool:
        """Whether its weight is in half precision."""
        return self.weight.dtype in (torch.bfloat16, torch.float16)

    @property
    def linear(self) -> bool:
        """Whether logits are linear in hidden states, so that a teacher's distribution can be reduced once."""
        return self.softcap is None

    @property
    def chunk(self) -> int:
        """Tokens whose logits exist at one time: as few as cost no speed."""
        return 2048 if self.weight.is_cuda else 256

    def logits(self, hidden_TD: torch.Tensor) -> torch.Tensor:
        """The model's logits.

        Args:
            hidden_TD: Hidden states after the last norm, [T, D].

        Returns:
            fp32 [T, V] (fp64 where the head is), without gradient; overwritten by the next call.
        """
        hidden_TD = hidden_TD.detach()
        out = self._room(hidden_TD)
        if self._native:
            torch.mm(hidden_TD.to(self.weight.dtype), self.weight.t(), out_dtype=torch.float32, out=out)
        elif self._tiled:
            with self._products():
                for at, tile in self._tiles():
                    torch.mm(hidden_TD.float(), tile.t(), out=out[:, at])
        else:
            torch.mm(hidden_TD.to(self.weight.dtype), self.weight.t(), out=out)
        if self.scale != 1.0:
            out.mul_(self.scale)
        if self.bias is not None:
            out.add_(self.bias)
        if self.softcap is not None:
            out.div_(self.softcap).tanh_().mul_(self.softcap)
        return out

    def slope(self, logits_TV: torch.Tensor) -> torch.Tensor:
        """How much each logit moves with its uncapped one: 1 - (z / cap)², or 1 without a cap; [T, V]."""
        if self.softcap is None:
            return torch.ones_like(logits_TV)
        return logits_TV.div(self.softcap).square_().neg_().add_(1.0)

    def pull_back(self, rows_TV: torch.Tensor, *, exact: bool = False) -> torch.Tensor:
        """S · rows @ W: a gradient for the uncapped logits becomes one for the hidden states.

        Args:
            rows_TV: fp32, or what is left of it in the head's own dtype, [T, V].
            exact: Whether the rows count with all their bits, at up to twice the time: targets are made so, once.
                Narrowed to bf16 they would be wrong by a thousandth of a nat for good.

        Returns:
            fp32 [T, D] (fp64 where the head is).
        """
        if self._native:
            out = self._narrowed(rows_TV)
            if exact:
                out += self._narrowed(rows_TV - rows_TV.to(self.weight.dtype))
        elif self._tiled:
            out = torch.zeros(len(rows_TV), self.weight.shape[1], device=rows_TV.device)
            with contextlib.nullcontext() if exact else self._products():
                for at, tile in self._tiles():
                    out.addmm_(rows_TV[:, at].to(tile.dtype), tile)
        else:
            out = rows_TV.to(self.weight.dtype) @ self.weight
        return out if self.scale == 1.0 else out.mul_(self.scale)

    def _narrowed(self, rows_TV: torch.Tensor) -> torch.Tensor:
        dtype = self.weight.dtype
        if dtype == torch.bfloat16:
            return torch.mm(rows_TV.to(dtype), self.weight, out_dtype=torch.float32)
        return torch.mm((rows_TV * _HALF_STEPS).to(dtype), self.weight, out_dtype=torch.float32).div_(_HALF_STEPS)

    def refuse_trained(self, parameters: Iterable[torch.Tensor]) -> None:
        """Refuse to train the head, or embeddings that are tied to it: cached targets are its products.

        Args:
            parameters: What is to be trained.

        Raises:
            UnsupportedModelError: The head's own memory is among them.
        """
        own = self.weight.untyped_storage().data_ptr()
        for number, parameter in enumerate(parameters):
            if parameter.untyped_storage().data_ptr() == own:
                msg = (
                    f"parameter {number} of those to train, {list(parameter.shape)}, is the language-model head (or "
                    "embeddings tied to it); the teacher's targets are products of the head, so it has to stay "
                    "frozen: train other layers"
                )
                raise UnsupportedModelError(msg)

    def _tiles(self) -> Iterator[tuple[slice, torch.Tensor]]:
        # No CPU product takes half-precision inputs and gives fp32; a widened copy of the head would be twice its size.
        if self._tile is None:
            self._tile = torch.empty(min(_TILE, len(self.weight)), self.weight.shape[1], device=self.weight.device)
        for start in range(0, len(self.weight), len(self._tile)):
            part = self.weight[start : start + len(self._tile)]
            yield slice(start, start + len(part)), self._tile[: len(part)].copy_(part)

    def _room(self, hidden_TD: torch.Tensor) -> torch.Tensor:
        # Fresh memory of this size comes from the system page by page, which takes longer than the product.
        dtype = torch.promote_types(self.weight.dtype, torch.float32)
        rows, size = len(hidden_TD), len(self.weight)
        if self._scratch is None or len(self._scratch) < rows:
            self._scratch = torch.empty(rows, size, dtype=dtype, device=self.weight.device)
        return self._scratch[:rows]

    def _products(self) -> contextlib.AbstractContextManager[None]:
        # Narrowed to bf16 inside: nothing is lost of bf16 inputs; fp16 ones would lose three bits.
        return FAST_PRODUCTS if self.weight.dtype == torch.bfloat16 else contextlib.nullcontext()
