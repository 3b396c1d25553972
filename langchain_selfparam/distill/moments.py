"""Second moments of what layers read: which directions of their inputs unrelated text uses, and how much.

In come a module that reads packed rows and the names of its layers; out go ``Moments``. It knows nothing of what is
learned with them.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from langchain_selfparam.distill.packing import Document, pack
from langchain_selfparam.distill.precision import FAST_PRODUCTS
from langchain_selfparam.distill.reader import Reader

BLOCK = 2048
"""Widest block of inputs whose moments are kept together; wider inputs are cut, so memory grows with their width."""


class Moments:
    """Sums of x xᵀ over the tokens that a module has read.

    Layers that read the same tensor (gate and up projections, or query, key and value) share one sum. Inputs wider
    than ``BLOCK`` features are cut into blocks and products across blocks are left out.
    """

    def __init__(self) -> None:
        self._sums: dict[str, list[torch.Tensor]] = {}
        self._same: dict[str, str] = {}
        self._tokens: dict[str, int] = {}
        self._last: tuple[str, weakref.ref[torch.Tensor]] | None = None

    def means(self) -> dict[str, tuple[torch.Tensor, ...]]:
        """Mean of x xᵀ over the tokens read, by layer: fp32 [W, W] for each block of W inputs, in order.

        Layers that read the same inputs have the very same tuple.
        """
        own = {n: tuple(total / self._tokens[n] for total in totals) for n, totals in self._sums.items()}
        return {name: own[owner] for name, owner in self._same.items()}

    def add(self, name: str, inputs: torch.Tensor) -> None:
        """Count a layer's inputs.

        Args:
            name: The layer.
            inputs: [..., D_in] in any floating-point type.
        """
        if self._last is not None and self._last[1]() is inputs:
            self._same[name] = self._last[0]
            return
        self._last = (name, weakref.ref(inputs))
        self._same[name] = name
        rows = inputs.detach().reshape(-1, inputs.shape[-1]).float()
        # Products of half-precision numbers are exact in fp32, so narrowing the inputs again loses nothing.
        exact_in = inputs.dtype in (torch.float32, torch.float64)
        with contextlib.nullcontext() if exact_in else FAST_PRODUCTS:
            products = [block.T @ block for block in torch.split(rows, BLOCK, dim=1)]
        if name in self._sums:
            products = [total.add_(product) for total, product in zip(self._sums[name], products, strict=True)]
        self._sums[name] = products
        self._tokens[name] = self._tokens.get(name, 0) + len(rows)


@contextlib.contextmanager
def watching(model: Any, names: Sequence[str], moments: Moments | None = None) -> Iterator[Moments]:
    """Count what layers read while the context is open.

    Args:
        model: A module that nobody else reads with meanwhile.
        names: Dotted names of its linear layers.
        moments: What was counted before, to go on with.

    Yields:
        The moments, growing.
    """
    found = Moments() if moments is None else moments

    def counted(name: str) -> Callable[[Any, tuple[torch.Tensor, ...]], None]:
        return lambda module, inputs: found.add(name, inputs[0])

    with contextlib.ExitStack() as stack:
        for name in names:
            stack.callback(model.get_submodule(name).register_forward_pre_hook(counted(name)).remove)
        yield found


@torch.no_grad()
def measured(
    reader: Reader, names: Sequence[str], parts: Sequence[Sequence[Document]], progress: Callable[[int, int], None]
) -> Moments:
    """What layers read where a model is left to itself.

    Args:
        reader: Reads the model.
        names: Dotted names of its linear layers.
        parts: Documents, those that are read together.
        progress: Called with the parts read and all parts.

    Returns:
        The moments.
    """
    with watching(reader.model, names) as moments:
        for done, part in enumerate(parts, 1):
            reader.hidden(pack(part))
            progress(done, len(parts))
    return moments
