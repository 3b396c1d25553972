"""Joined shadows: one module that reads a row in which several students' parts stand side by side.

In come shadows over one base, out goes a module in which each layer makes the base's product once for the whole row and
adds to each part what its own student adds. The shadows' factors are the very same tensors, so that gradients reach
them. It knows nothing of rows but how many tokens each part has.

Dimensions: T tokens of the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional

from langchain_selfparam.errors import ConsolidationError
from langchain_selfparam.model import share
from langchain_selfparam.weights.adapter import Adapted
from langchain_selfparam.weights.shadow import ADAPTER, Shadow


class _Parts:
    """Whose parts the row has that is being read, and where each ends; one for all layers of a module."""

    def __init__(self) -> None:
        self.students: Sequence[int] = ()
        self.tokens: Sequence[int] = ()


class _SideBySide(torch.nn.Module):
    """A layer of several students: W x once for the row, and on each part what its own student has on top.

    Args:
        layers: The layer of each student, over one weight.
        parts: Whose part is where.
    """

    def __init__(self, layers: Sequence[torch.nn.Module], parts: _Parts) -> None:
        super().__init__()
        self._layers = list(layers)  # a plain list: they stay their shadows' own
        self._parts = parts

    def __setattr__(self, name: str, value: Any) -> None:
        # torch would take a module, though not a list of them, for one of its own.
        object.__setattr__(self, name, value) if name in {"_layers", "_parts"} else super().__setattr__(name, value)

    def forward(self, row: torch.Tensor) -> torch.Tensor:
        """The layer's output.

        Args:
            row: [..., T, D_in]; what it was padded with goes with the last part.

        Returns:
            [..., T, D_out].

        Raises:
            ConsolidationError: The layer is not given the whole row, as experts to whom tokens are sent are not.
        """
        first, tokens = _base(self._layers[0]), list(self._parts.tokens)
        padding = row.shape[-2] - sum(tokens)
        if padding < 0:
            msg = f"a layer reads {row.shape[-2]} of {sum(tokens)} tokens; train this model's namespaces one by one"
            raise ConsolidationError(msg)
        tokens[-1] += padding
        whole = functional.linear(row, first.weight, first.bias)
        parts = zip(self._parts.students, torch.split(row, tokens, -2), torch.split(whole, tokens, -2), strict=True)
        return torch.cat([_on_top(self._layers[student], x, out) for student, x, out in parts], -2)


def _base(layer: Any) -> Any:
    return layer.base_layer if hasattr(layer, "base_layer") else layer


def _on_top(layer: Any, x: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """What a student's layer gives for its part, from the product that all share."""
    base = _base(layer)
    if isinstance(base, Adapted):
        out = base.on_top(x, out)
    if base is layer:
        return out
    if layer.cast_input_dtype_enabled:
        x = x.to(layer.lora_A[ADAPTER].weight.dtype)
    change: torch.Tensor = layer.lora_B[ADAPTER](layer.lora_A[ADAPTER](x)) * layer.scaling[ADAPTER]
    return out + change


class JoinedShadows:
    """One module over the base of several shadows.

    Args:
        shadows: Of one base model: what differs is what each has on top.

    Raises:
        ConsolidationError: They are not over the same weights.
    """

    def __init__(self, shadows: Sequence[Shadow]) -> None:
        self._parts = _Parts()
        self.model = share(shadows[0].model)
        for name, layers in _layers(shadows):
            bases = [_base(layer) for layer in layers]
            if any(base.weight is not bases[0].weight for base in bases):
                msg = f"{name} is not one tensor for all students; train those alone that are not over one base"
                raise ConsolidationError(msg)
            if any(base is not layer or _changed(base) for base, layer in zip(bases, layers, strict=True)):
                parent, _, own = name.rpartition(".")
                setattr(self.model.get_submodule(parent), own, _SideBySide(layers, self._parts))

    def choose(self, students: Sequence[int], tokens: Sequence[int]) -> None:
        """Say whose parts the next row has.

        Args:
            students: Numbers of the shadows, in the order of their parts.
            tokens: Tokens of each part.
        """
        self._parts.students, self._parts.tokens = students, tokens


def _layers(shadows: Sequence[Shadow]) -> list[tuple[str, list[Any]]]:
    """The linear layers by name, as each shadow has them."""
    names = [
        name
        for name, module in shadows[0].model.named_modules()
        if (isinstance(module, torch.nn.Linear) or hasattr(module, "base_layer"))
        and ".base_layer" not in name
        and ".lora_" not in name
        and module is not shadows[0].model.get_output_embeddings()
    ]
    return [(name, [shadow.model.get_submodule(name) for shadow in shadows]) for name in names]


def _changed(base: Any) -> bool:
    return isinstance(base, Adapted) and not base.untouched
