"""Adapters: one namespace's deltas as low-rank layers over a base that all namespaces share.

In come a model twin and deltas; out go the tensors that the twin's layers add to the base, their digest (by
``merge.digest``) and, through ``install``, a twin that serves them. The base's own tensors are never written, so that
what one namespace learns is nowhere in what another is served. It knows nothing of versions, files or gates; whoever
installs holds the twin's gate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional

from langchain_selfparam.errors import ConsolidationError, WrongModelError
from langchain_selfparam.model import share
from langchain_selfparam.weights.delta import Delta
from langchain_selfparam.weights.merge import Tensors, refuse_infinite
from langchain_selfparam.weights.shadow import adapted_modules
from langchain_selfparam.weights.totals import Totals


class Adapted(torch.nn.Linear):
    """A linear layer with one namespace's change on top: W x + B (A x), or another W where that takes less room.

    Args:
        base: The layer whose weight and bias it shares.
    """

    def __init__(self, base: torch.nn.Linear) -> None:
        torch.nn.Module.__init__(self)
        self.in_features, self.out_features = base.in_features, base.out_features
        self.weight, self.bias = base.weight, base.bias
        for part in _PARTS:
            self.register_buffer(part, None, persistent=False)
        self.train(base.training)

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's own name
        """The layer's output.

        Args:
            input: [..., D_in].

        Returns:
            [..., D_out].
        """
        whole = self._buffers["w"]
        out = functional.linear(input, self.weight if whole is None else whole, self.bias)
        return out if whole is not None else self.on_top(input, out)

    def on_top(self, input: torch.Tensor, out: torch.Tensor) -> torch.Tensor:  # noqa: A002
        """The layer's output, from that of the base.

        Args:
            input: [..., D_in].
            out: W x of the base, [..., D_out]; not changed.

        Returns:
            [..., D_out].
        """
        parts = self._buffers
        if parts["w"] is not None:
            return functional.linear(input, parts["w"], self.bias)
        if parts["a"] is None or parts["b"] is None:
            return out
        return out + functional.linear(functional.linear(input, parts["a"]), parts["b"])

    @property
    def untouched(self) -> bool:
        """Whether it gives what the base does."""
        return all(self._buffers[part] is None for part in _PARTS)


_PARTS = ("a", "b", "w")
"""A [R, D_in] and B [D_out, R] of all deltas together, or the whole weight [D_out, D_in]."""


class AdapterWeights:
    """What one namespace is served over a shared base, and the only way to change it.

    The factors of all deltas stand side by side, in the base's dtype: one of rank 32 over the layers that learn takes 7
    MB for a model of 135M parameters in bf16. Where they would take more room than the layer's weight, the weight
    itself is kept, summed up in float64 and rounded once: a layer never takes more than twice its own room.

    Args:
        model: A twin of the base model, whose layers nobody else's module has.
    """

    def __init__(self, model: Any) -> None:
        self._names = tuple(adapted_modules(model))
        for name in self._names:
            layer = model.get_submodule(name)
            if not isinstance(layer, Adapted):
                parent, _, own = name.rpartition(".")
                setattr(model.get_submodule(parent), own, Adapted(layer))
        self._weights = {name: model.get_submodule(name).weight for name in self._names}

    @property
    def base(self) -> Tensors:
        """What is added for a namespace that nothing was learned for: nothing."""
        return {}

    def served(self, model: Any) -> dict[str, torch.Tensor]:
        """What a twin's layers add now.

        Args:
            model: The twin.

        Returns:
            ``layer.a`` [R, D_in] and ``layer.b`` [D_out, R], or ``layer.w`` [D_out, D_in], of each layer that was
            changed; on the CPU.
        """
        return {f"{name}.{part}": tensor.to("cpu", copy=True) for name, part, tensor in self._parts(model)}

    @torch.no_grad()
    def candidate(self, deltas: Sequence[Delta], *, start: Totals | None = None) -> dict[str, torch.Tensor]:
        """The deltas together, as ``served`` has them.

        Args:
            deltas: All deltas from version 0 on, in the ledger's order.
            start: Not used: there are no totals where there is no sum.

        Returns:
            As ``served``; not to be changed.

        Raises:
            WrongModelError: A delta has a layer that this model has not, or one of another shape.
            ConsolidationError: A number would be infinite or none.
        """
        del start
        for delta in deltas:
            self._refuse_misfit(delta)
        tensors: dict[str, torch.Tensor] = {}
        for name, weight in self._weights.items():
            factors = [delta.layers[name] for delta in deltas if name in delta.layers]
            rank = sum(f.a.shape[0] for f in factors)
            if rank * sum(weight.shape) < weight.numel():
                if factors:
                    tensors[f"{name}.a"] = torch.cat([f.a for f in factors]).to(weight.dtype)
                    tensors[f"{name}.b"] = torch.cat([f.b for f in factors], 1).to(weight.dtype)
                continue
            total = weight.detach().to("cpu", torch.float64, copy=True)
            for f in factors:
                total.addmm_(f.b.double(), f.a.double())
            tensors[f"{name}.w"] = total.to(weight.dtype)
        refuse_infinite(tensors)
        return tensors

    def prepare(self, model: Any, tensors: Tensors) -> Tensors:
        """Do of ``install`` what needs no gate.

        Args:
            model: The twin.
            tensors: What is to be served.

        Returns:
            What is served now, for ``install``.

        Raises:
            ConsolidationError: The tensors do not fit, or a number is infinite or none.
        """
        unknown = [key for key in tensors if key.rpartition(".")[0] not in self._weights]
        if unknown:
            msg = f"the model has no layer for {', '.join(unknown)}; nothing was changed"
            raise ConsolidationError(msg)
        refuse_infinite(tensors)
        return self.served(model)

    def install(self, model: Any, tensors: Tensors, *, former: Tensors | None = None) -> None:
        """Serve these: put into the twin's layers, and compared afterwards.

        Hold the twin's gate: readers would see layers of both. Where anything goes wrong, what was served before is put
        back before the error goes on.

        Args:
            model: The twin.
            tensors: From ``candidate`` or ``served``.
            former: What ``prepare`` gave, where it was called before; else that is done here.

        Raises:
            ConsolidationError: The tensors do not fit (nothing was changed), or the twin did not take them.
        """
        former = self.prepare(model, tensors) if former is None else former
        try:
            self._put(model, tensors)
        except BaseException:
            self._put(model, former)
            raise

    def restore_base(self, model: Any) -> None:
        """Serve the untouched base; as ``install``.

        Args:
            model: The twin.
        """
        self.install(model, self.base)

    def twin(self, model: Any, tensors: Tensors) -> Any:
        """A module of its own over the same base that serves these: a candidate that nobody is served yet.

        Args:
            model: The twin that is served; it is not changed.
            tensors: From ``candidate``.

        Returns:
            Another twin.
        """
        other = share(model)
        self._put(other, tensors)
        return other

    def nbytes(self, model: Any) -> int:
        """Bytes that a twin's own tensors take.

        Args:
            model: The twin.

        Returns:
            Bytes, on whichever device.
        """
        return sum(tensor.nbytes for _, _, tensor in self._parts(model))

    def _parts(self, model: Any) -> list[tuple[str, str, torch.Tensor]]:
        layers = [(name, model.get_submodule(name)) for name in self._names]
        return [(n, p, t) for n, layer in layers for p in _PARTS if (t := getattr(layer, p)) is not None]

    @torch.no_grad()
    def _put(self, model: Any, tensors: Mapping[str, torch.Tensor]) -> None:
        for name in self._names:
            layer = model.get_submodule(name)
            for part in _PARTS:
                tensor = tensors.get(f"{name}.{part}")
                setattr(layer, part, None if tensor is None else tensor.to(layer.weight.device))
        found = self._parts(model)
        if {f"{name}.{part}" for name, part, _ in found} != set(tensors) or not all(
            torch.equal(tensor.cpu(), tensors[f"{name}.{part}"].cpu()) for name, part, tensor in found
        ):
            msg = "the model did not take the adapter; close the memory and open the folder with a fresh model"
            raise ConsolidationError(msg)

    def _refuse_misfit(self, delta: Delta) -> None:
        for name, factors in delta.layers.items():
            found = [factors.b.shape[0], factors.a.shape[1]]
            needed = list(self._weights[name].shape) if name in self._weights else "no such layer"
            if found != needed:
                msg = (
                    f"a delta changes {name} as {found}, and the model has {needed}; "
                    "open the folder with the model that it was learned with"
                )
                raise WrongModelError(msg)
