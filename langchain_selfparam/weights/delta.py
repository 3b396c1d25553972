"""A delta: what one consolidation changes, as fp32 factors B A of each adapted layer.

Frozen values and arithmetic on them; it knows nothing of files, models or PEFT.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import torch


@dataclasses.dataclass(frozen=True, slots=True)
class Factors:
    """One layer's change.

    Attributes:
        b: fp32 [D_out, r], any scale folded in.
        a: fp32 [r, D_in].
    """

    b: torch.Tensor
    a: torch.Tensor


@dataclasses.dataclass(frozen=True, slots=True)
class Delta:
    """The change of one consolidation: layer name to its factors; the layer's weight gains b @ a."""

    layers: Mapping[str, Factors]

    def scaled(self, scale: float) -> Delta:
        """The same change, ``scale`` times as large."""
        return Delta({name: Factors(b=f.b * scale, a=f.a) for name, f in self.layers.items()})

    def is_finite(self) -> bool:
        """Whether every number in it is finite."""
        return all(bool(torch.isfinite(t).all()) for f in self.layers.values() for t in (f.a, f.b))

    @property
    def rank(self) -> int:
        """Largest rank of a layer; 0 without layers."""
        return max((f.a.shape[0] for f in self.layers.values()), default=0)
