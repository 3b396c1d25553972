"""Learning beside what was learned before, without anything kept of it but the weights.

What earlier versions were taught to read is to be read as it is now. Nobody knows those inputs any more, but the change
that they left in a layer does: gradients of a factor are sums of inputs, in whitened coordinates of M⁻¹ x for the
second moment M of what unrelated text reads, so that M ΔWᵀ points where those inputs lay. Counted among what unrelated
text reads, these are directions that learning keeps out of. It is the aim of O-LoRA (arXiv 2310.14152), which keeps
new factors orthogonal to all earlier ones, by a metric instead of a penalty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from langchain_selfparam.config import TrainingConfig

_Moments = Mapping[str, Sequence[torch.Tensor]]


@torch.no_grad()
def with_earlier(moments: _Moments, served: Any, base: Any, config: TrainingConfig) -> _Moments:
    """Second moments of what is to be left alone, with what earlier versions were taught to read.

    Args:
        moments: Mean of x xᵀ by layer and block of its inputs, [W, W]; layers that read the same have the same tuple.
        served: A module with what was learned so far.
        base: One of the same architecture without it; ``served`` itself where nothing was.
        config: ``earlier_weight``: the mean energy of what is added, in units of that of ``moments``; and ``damping``.

    Returns:
        ``moments`` where nothing is to be added; else with ``1 + earlier_weight`` times the energy in the blocks of a
        layer that has changed. Layers that read the same still have the same tuple.
    """
    if not config.earlier_weight or config.damping is None or served is base:
        return moments
    readers: dict[int, list[str]] = {}
    for name, blocks in moments.items():
        readers.setdefault(id(blocks), []).append(name)
    found: dict[str, Sequence[torch.Tensor]] = {}
    for names in readers.values():
        blocks = moments[names[0]]
        changes = [_change(served.get_submodule(name), base.get_submodule(name), blocks) for name in names]
        parts = zip(blocks, *(torch.split(change, [len(b) for b in blocks]) for change in changes), strict=True)
        # What a block was taught is summed over the layers that read it.
        together = tuple(_added(block, torch.cat(own, 1), config) for block, *own in parts)
        found |= dict.fromkeys(names, together)
    return found


def _change(served: Any, base: Any, blocks: Sequence[torch.Tensor]) -> torch.Tensor:
    """ΔWᵀ of a layer, fp32 [D_in, D_out]: what it makes of each input by itself; adapters have no weight to compare."""
    weight = base.weight
    each = torch.eye(sum(len(b) for b in blocks), dtype=weight.dtype, device=weight.device)
    change: torch.Tensor = served(each).float() - base(each).float()
    return change


def _added(moment: torch.Tensor, change_WD: torch.Tensor, config: TrainingConfig) -> torch.Tensor:
    energy = moment.diagonal().mean()
    if not energy > 0 or config.damping is None:
        return moment
    damped = moment / energy + config.damping * torch.eye(len(moment), device=moment.device)
    taught = damped @ change_WD.to(moment.device)
    earlier = taught @ taught.T
    mean = earlier.diagonal().mean()
    return moment + earlier * (config.earlier_weight * energy / mean) if mean > 0 else moment
