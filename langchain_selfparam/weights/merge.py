"""Exact weights: the base plus every delta, summed anew and rounded once, then put into the served model.

In come the served model, once before anything was applied to it, and deltas; out go candidate tensors, their
digest and, through ``install``, the served weights themselves. Nothing is ever added to weights in place: a
small update added to bf16 is mostly rounded away. It knows nothing of versions, files or gates; whoever
installs holds the gate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import torch

from langchain_selfparam.errors import ConsolidationError, DamagedLedgerError, WrongModelError
from langchain_selfparam.weights.delta import Delta, Factors
from langchain_selfparam.weights.shadow import adapted_modules, with_weights
from langchain_selfparam.weights.totals import Totals

Tensors = Mapping[str, torch.Tensor]
"""Layer name to its weight [D_out, D_in], in the model's order."""


class ServedWeights(Protocol):
    """What is served in one place, and the only way to change it: ``ExactWeights`` or ``adapter.AdapterWeights``."""

    @property
    def base(self) -> Tensors:
        """What is served where nothing was learned."""

    def served(self, model: Any) -> Tensors:
        """Copy what a model serves now."""

    def candidate(self, deltas: Sequence[Delta], *, start: Totals | None = None) -> Tensors:
        """What deltas make of the base."""

    def prepare(self, model: Any, tensors: Tensors) -> Tensors:
        """Do of ``install`` what needs no gate; gives what is served now."""

    def install(self, model: Any, tensors: Tensors, *, former: Tensors | None = None) -> None:
        """Serve these, under the gate; all of them or what was served before."""

    def restore_base(self, model: Any) -> None:
        """Serve the untouched base."""

    def twin(self, model: Any, tensors: Tensors) -> Any:
        """A module of its own that serves these, and is served to nobody."""


def digest(tensors: Tensors) -> str:
    """Identify weights to the bit: sha256 over names, dtypes, shapes and bytes, in order.

    Args:
        tensors: Layer name to a tensor of any shape and dtype, on any device.

    Returns:
        64 hexadecimal digits.
    """
    sha = hashlib.sha256()
    for name, tensor in tensors.items():
        sha.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        sha.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().data)
    return sha.hexdigest()


class ExactWeights:
    """The base weights of one served model, and the only way to change what it serves.

    Keeps a copy of every adapted layer's weight in main memory, in the base's dtype: 0.2 GB for a model of
    135M parameters in bf16, 14 GB for one of 8B. ``candidate`` makes as much again, and so does ``install``
    while it runs.

    Args:
        model: The served causal language model, before anything was applied to it.
    """

    def __init__(self, model: Any) -> None:
        self._names = tuple(adapted_modules(model))
        self._base = self.served(model)

    @property
    def base(self) -> Tensors:
        """The untouched weights, on the CPU; not to be changed."""
        return self._base

    def served(self, model: Any) -> dict[str, torch.Tensor]:
        """Copy what a model serves now.

        Args:
            model: The served model.

        Returns:
            Each adapted layer's weight [D_out, D_in] in its own dtype, on the CPU.
        """
        weights = self._weights(model)
        return {name: weight.detach().to("cpu", copy=True) for name, weight in weights.items()}

    def candidate(self, deltas: Sequence[Delta], *, start: Totals | None = None) -> dict[str, torch.Tensor]:
        """Sum up: round(W0 + Σ B_i A_i), once, to the base's dtype.

        The sum is taken in float64 on the CPU, delta after delta, layer after layer. That makes it the fp32
        sum correctly rounded, the same to the bit whatever the number of threads, the BLAS, the device that
        serves, autocast and ``torch.set_float32_matmul_precision``; fp32 products differ under each of them,
        and are not faster here.

        Args:
            deltas: All deltas from version 0 on, or from that of ``start``, in the ledger's order.
            start: Totals of an earlier version, from which the sum goes on as if it had never stopped.

        Returns:
            Each adapted layer's weight [D_out, D_in], on the CPU; not to be changed, since layers that no
            delta touches are the base's own tensors.

        Raises:
            WrongModelError: A delta has a layer that this model has not, or one of another shape.
            ConsolidationError: A weight would be infinite or not a number.
        """
        tensors = dict(self._base)
        for name, total in self.totals(deltas, start=start):
            tensors[name] = total.to(tensors[name].dtype)
        refuse_infinite(tensors)
        return tensors

    @torch.no_grad()
    def totals(self, deltas: Sequence[Delta], *, start: Totals | None = None) -> Iterator[tuple[str, torch.Tensor]]:
        """The sums before they are rounded, one layer at a time.

        Args:
            deltas: As for ``candidate``.
            start: As for ``candidate``.

        Yields:
            Name and fp64 [D_out, D_in] of each layer that a delta has touched, in the model's order.
        """
        for delta in deltas:
            for name, factors in delta.layers.items():
                self._refuse_misfit(name, factors)
        for name, weight in self._base.items():
            total = None if start is None else start.layer(name)
            factors_of = [delta.layers[name] for delta in deltas if name in delta.layers]
            if total is None and not factors_of:
                continue
            if total is None:
                total = weight.to(torch.float64, copy=True)
            if total.shape != weight.shape:
                msg = f"the totals of {name} are {list(total.shape)}, and the model has {list(weight.shape)}"
                raise DamagedLedgerError(msg)
            for factors in factors_of:
                total.addmm_(factors.b.double(), factors.a.double())
            yield name, total

    def prepare(self, model: Any, tensors: Tensors) -> Tensors:
        """Do of ``install`` what needs no gate, and most of the time: look at every number, copy what is served.

        Args:
            model: The served model.
            tensors: What is to be served.

        Returns:
            What is served now, for ``install``.

        Raises:
            ConsolidationError: The tensors do not fit, or a number is infinite or none.
        """
        self._refuse_unfit(self._weights(model), tensors)
        refuse_infinite(tensors)
        return self.served(model)

    def install(self, model: Any, tensors: Tensors, *, former: Tensors | None = None) -> None:
        """Serve these weights: copied in place, so that addresses stay, and compared afterwards.

        Hold the gate: readers would see layers of both. Where anything goes wrong, what was served before is
        put back before the error goes on.

        Args:
            model: The served model.
            tensors: Each adapted layer's weight [D_out, D_in] in the base's dtype, from ``candidate`` or
                ``served``.
            former: What ``prepare`` gave, where it was called before; else that is done here.

        Raises:
            ConsolidationError: The tensors do not fit (nothing was changed), or the model did not take them.
        """
        weights = self._weights(model)
        if former is None or not all(same_bits(weight, former[name]) for name, weight in weights.items()):
            former = self.prepare(model, tensors)
        try:
            _write(weights, tensors)
        except BaseException:
            _write(weights, former)
            raise

    def restore_base(self, model: Any) -> None:
        """Serve the untouched base; as ``install``.

        Args:
            model: The served model.
        """
        self.install(model, self._base)

    def twin(self, model: Any, tensors: Tensors) -> Any:
        """A module over the same tensors but these: a candidate that nobody is served yet.

        Args:
            model: The served model; it is not changed.
            tensors: From ``candidate``, or ``base``.

        Returns:
            The twin.
        """
        return with_weights(model, tensors)

    def check(self, model: Any, expected: str) -> None:
        """Hold a model to the weights that it should serve.

        Args:
            model: The served model.
            expected: What ``digest`` gave for them.

        Raises:
            ConsolidationError: It serves others: someone else changed them.
        """
        found = digest(self._weights(model))
        if found != expected:
            msg = (
                f"the served weights have the digest {found[:8]}, not {expected[:8]} as they should: "
                "something outside the memory changed the model; open the folder with a freshly loaded model"
            )
            raise ConsolidationError(msg)

    def _weights(self, model: Any) -> dict[str, torch.Tensor]:
        names = tuple(adapted_modules(model))
        if names != self._names:
            found = ", ".join(sorted(set(names) ^ set(self._names))) or "their order"
            msg = (
                f"the model has other layers than when its base was kept ({found}): something outside the "
                "memory changed it; open the folder with a freshly loaded model"
            )
            raise ConsolidationError(msg)
        return {name: model.get_submodule(name).weight for name in names}

    def _refuse_misfit(self, name: str, factors: Factors) -> None:
        found = [factors.b.shape[0], factors.a.shape[1]]
        needed = list(self._base[name].shape) if name in self._base else "no such layer"
        if found != needed:
            msg = (
                f"a delta changes {name} as {found}, and the model has {needed}; "
                "open the folder with the model that it was learned with"
            )
            raise WrongModelError(msg)

    def _refuse_unfit(self, weights: Tensors, tensors: Tensors) -> None:
        if tensors.keys() != weights.keys():
            other = ", ".join(sorted(tensors.keys() ^ weights.keys()))
            msg = f"the weights to serve and the model differ in the layers {other}; nothing was changed"
            raise ConsolidationError(msg)
        for name, weight in weights.items():
            found = (tensors[name].dtype, list(tensors[name].shape))
            needed = (weight.dtype, list(weight.shape))
            if found != needed:
                msg = (
                    f"the weight to serve in {name} is {found[0]} {found[1]}, and the model's {needed[0]} "
                    f"{needed[1]}; nothing was changed: leave the model's dtype as it was loaded"
                )
                raise ConsolidationError(msg)


def refuse_infinite(tensors: Tensors) -> None:
    """Refuse tensors with a number that is infinite or none.

    Args:
        tensors: Layer name to a tensor.

    Raises:
        ConsolidationError: It names the first such layer.
    """
    bad = [name for name, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())]
    if bad:
        msg = (
            f"the weights to serve in {bad[0]} (and {len(bad) - 1} other layers) would be infinite or not a "
            "number; nothing was changed: lower the learning rate"
        )
        raise ConsolidationError(msg)


def same_bits(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors are the same to the bit, four times as fast as number by number in bf16.

    Args:
        one: Any shape and dtype, on any device.
        other: Likewise.

    Returns:
        Whether dtype, shape and bytes are equal.
    """
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    flat = [t.detach().cpu().contiguous().reshape(-1).view(torch.uint8) for t in (one, other)]
    whole = flat[0].numel() // 8 * 8
    left, right = (t[:whole].view(torch.int64) for t in flat)
    return torch.equal(left, right) and torch.equal(flat[0][whole:], flat[1][whole:])


@torch.no_grad()
def _write(weights: Tensors, tensors: Tensors) -> None:
    for name, weight in weights.items():
        weight.copy_(tensors[name])
    for name, weight in weights.items():
        if not same_bits(weight, tensors[name]):
            msg = (
                f"the model did not take the weights written to {name}; "
                "close the memory and open the folder with a freshly loaded model"
            )
            raise ConsolidationError(msg)
