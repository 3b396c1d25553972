"""Whitening: a LoRA that learns along directions which unrelated text leaves unused.

What a layer reads when nothing of the conversation is at stake has most of its energy in a few directions. A change
along those moves everything that the model says; a change along the others moves little but what was meant. So the
first factor is not learned itself but as U L⁻¹, where L Lᵀ is the second moment of such inputs: in these coordinates
unrelated text reads alike in all directions, and an optimiser's step costs it the same wherever it goes. It is the
metric of K-FAC's input side (arXiv 1503.05671) and of MEMIT's edits (arXiv 2210.07229), as a parametrisation.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch


class WhitenedFactor(torch.nn.Module):
    """A LoRA's first layer, x ↦ x Aᵀ, whose A [r, D_in] is U L⁻¹.

    Args:
        learned: U at the start, fp32 [r, D_in]; becomes the parameter ``weight``.
        whiteners: L⁻¹ of consecutive blocks of the inputs, [W, W]; their widths add up to D_in. In the type that
            products run in: autocast would narrow fp32 ones anew in every step.
    """

    def __init__(self, learned: torch.Tensor, whiteners: Sequence[torch.Tensor]) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(learned)
        self._whiteners = tuple(whiteners)

    def factor(self) -> torch.Tensor:
        """A, [r, D_in], in the type of what is learned."""
        return self._product([block.to(self.weight.dtype) for block in self._whiteners])

    def _product(self, blocks: Sequence[torch.Tensor]) -> torch.Tensor:
        parts = torch.split(self.weight, [len(block) for block in blocks], dim=1)
        return torch.cat([part @ block for part, block in zip(parts, blocks, strict=True)], dim=1)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Multiply by Aᵀ.

        Args:
            inputs: x, [..., D_in].

        Returns:
            [..., r].
        """
        narrowed = torch.is_autocast_enabled(inputs.device.type)
        return torch.nn.functional.linear(inputs, self._product(self._whiteners) if narrowed else self.factor())


def whitener(moment: torch.Tensor, *, damping: float) -> torch.Tensor:
    """The inverse Cholesky factor of a second moment, scaled to a mean energy of one and damped.

    Args:
        moment: Mean of x xᵀ, [W, W].
        damping: Energy added to every direction, in units of the mean energy; above 0.

    Returns:
        L⁻¹, fp32 [W, W], with L Lᵀ = moment / mean energy + damping; the identity where there is no energy.
    """
    exact = moment.double()
    energy = exact.diagonal().mean()
    eye = torch.eye(len(exact), dtype=exact.dtype, device=exact.device)
    if not energy > 0:
        return eye.float()
    lower = torch.linalg.cholesky(exact / energy + damping * eye)
    inverse: torch.Tensor = torch.linalg.solve_triangular(lower, eye, upper=False)
    return inverse.float().contiguous()
