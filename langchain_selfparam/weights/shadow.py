"""The shadow: a second module over the served model's tensors, on which the student trains.

In comes the served model, out goes a ``Shadow`` whose own memory is its LoRA factors alone. Serving never sees it: the
served module keeps its own layers, so an adapter switched on here is not switched on there. PEFT is imported only in
this room.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.model import share
from langchain_selfparam.weights.delta import Delta, Factors
from langchain_selfparam.weights.whiten import WhitenedFactor, whitener

ADAPTER = "selfparam"
_FEED_FORWARD = re.compile(r"(?:^|\.)(?:mlp|ffn|feed_forward|block_sparse_moe)\.")
_BLOCK = re.compile(r"(?:^|\.)(\d+)\.")


def adapted_modules(model: Any) -> list[str]:
    """Names of the layers that learn: every linear layer but the language-model head.

    Args:
        model: A causal language model.

    Returns:
        Dotted names, in the model's order.
    """
    head = model.get_output_embeddings()
    return [n for n, m in model.named_modules() if isinstance(m, torch.nn.Linear) and m is not head]


def learning_modules(model: Any, *, frozen_share: float, layers: str = "all") -> list[str]:
    """Names of the layers that get a LoRA: ``adapted_modules`` but those in the lowest blocks.

    What is not learned there costs neither a gradient nor a factor. In trials on SmolLM2-135M the feed-forward layers
    of the upper 60 % held as much as all layers of the upper 40 % or more, with less drift.

    Args:
        model: A causal language model.
        frozen_share: Share of its blocks, from the lowest, that do not learn.
        layers: ``"mlp"`` for the feed-forward layers alone, where the model names them so; ``"all"`` for all.

    Returns:
        Dotted names, in the model's order.
    """
    names = adapted_modules(model)
    if layers == "mlp":
        names = [n for n in names if _FEED_FORWARD.search(n)] or names
    blocks = sorted({int(found.group(1)) for name in names if (found := _BLOCK.search(name))})
    first = blocks[min(len(blocks) - 1, int(frozen_share * len(blocks)))] if blocks else 0
    return [n for n in names if not (found := _BLOCK.search(n)) or int(found.group(1)) >= first]


class Shadow:
    """A module that shares every base tensor with the served model and adds a trainable LoRA.

    The factors are fp32 also over a half-precision base: its forward passes then need autocast, a fresh one for each
    step, since autocast keeps the narrowed factors until it ends (see ``distill.precision``).

    Args:
        model: The served causal language model; it is not changed.
        config: Rank, scale and seed of the LoRA.
        moments: Mean of x xᵀ by layer and block of its inputs, where it is known what unrelated text reads there; such
            a layer learns in whitened coordinates (see ``weights.whiten``).
    """

    def __init__(
        self, model: Any, config: TrainingConfig, *, moments: Mapping[str, Sequence[torch.Tensor]] | None = None
    ) -> None:
        from peft import LoraConfig, inject_adapter_in_model

        self.model = share(model)
        self.scale = config.alpha / config.rank
        self._names = tuple(learning_modules(self.model, frozen_share=config.frozen_share, layers=config.layers))
        lora = LoraConfig(
            r=config.rank,
            lora_alpha=config.alpha,
            target_modules=list(self._names),
            lora_dropout=0.0,
            bias="none",
        )
        # On the meta device PEFT draws nothing from the process-wide generator, which other threads use.
        inject_adapter_in_model(lora, self.model, adapter_name=ADAPTER, low_cpu_mem_usage=True)
        self.model.eval()
        self._start(config, moments or {})

    def _start(self, config: TrainingConfig, moments: Mapping[str, Sequence[torch.Tensor]]) -> None:
        generator = torch.Generator().manual_seed(config.seed)
        whiteners: dict[int, list[torch.Tensor]] = {}
        for name in self._names:
            layer = self.model.get_submodule(name)
            (d_out, d_in), device = layer.base_layer.weight.shape, layer.base_layer.weight.device
            bound = (1.0 / d_in) ** 0.5
            a = torch.empty(layer.r[ADAPTER], d_in).uniform_(-bound, bound, generator=generator)
            # PEFT would widen every input to the factors' fp32, only for autocast to narrow it again.
            layer.cast_input_dtype_enabled = layer.base_layer.weight.dtype == torch.float32
            if config.damping is not None and (blocks := moments.get(name)):
                key = id(blocks)  # layers that read the same inputs share their whiteners
                if key not in whiteners:
                    dtype = layer.base_layer.weight.dtype
                    whiteners[key] = [whitener(b.to(device), damping=config.damping).to(dtype) for b in blocks]
                layer.lora_A[ADAPTER] = WhitenedFactor(a.to(device), whiteners[key])
            else:
                layer.lora_A[ADAPTER].weight = torch.nn.Parameter(a.to(device))
            layer.lora_B[ADAPTER].weight = torch.nn.Parameter(torch.zeros(d_out, len(a), device=device))

    def _layers(self) -> list[tuple[str, torch.nn.Parameter, torch.nn.Parameter]]:
        layers = []
        for name in self._names:
            module = self.model.get_submodule(name)
            layers.append((name, module.lora_A[ADAPTER].weight, module.lora_B[ADAPTER].weight))
        return layers

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        """What learns: A (or, whitened, U) [r, D_in] and B [D_out, r] of each adapted layer, fp32."""
        return [p for _, a, b in self._layers() for p in (a, b)]

    def delta(self) -> Delta:
        """The factors as they stand, copied, with the LoRA scale folded into B."""
        factors = {}
        for name, a, b in self._layers():
            first = self.model.get_submodule(name).lora_A[ADAPTER]
            whole = first.factor() if isinstance(first, WhitenedFactor) else a
            factors[name] = Factors(b=(b.detach() * self.scale).cpu().clone(), a=whole.detach().cpu().clone())
        return Delta(factors)


def with_weights(model: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    """A twin of ``model`` whose adapted layers have weights of their own: a candidate that nobody serves yet.

    Args:
        model: A causal language model; it is not changed.
        tensors: Layer name to weight [D_out, D_in], in the layer's dtype.

    Returns:
        The twin; all other tensors are shared.
    """
    twin = share(model)
    for name, tensor in tensors.items():
        module = twin.get_submodule(name)
        module.weight = torch.nn.Parameter(tensor.to(module.weight.device), requires_grad=False)
    return twin
