"""Reading packed rows with a model's decoder, by the cheapest exact way that the architecture allows.

In comes a module of one's own (a twin or a shadow: its attention implementation is changed) and a packed row, out come
the hidden states that predict the answer tokens. It knows nothing of losses or of what the rows are for.
"""

from __future__ import annotations

import contextlib
from typing import Any

import torch

from langchain_selfparam.distill import attention
from langchain_selfparam.distill.packing import Pack, attention_mask
from langchain_selfparam.model import has_window

_PLAIN_ATTENTION = frozenset({"llama", "qwen2", "qwen3", "mistral", "olmo2", "smollm3"})
"""Model types whose attention is softmax(q k.T) v and nothing else, so that ``attention.attend`` can stand in."""


class Reader:
    """Reads packed rows with one module.

    Args:
        model: A causal language model that nobody else reads with meanwhile.
        packed_attention: ``False`` for the dense mask on every architecture: slower, the ground truth in tests.
    """

    def __init__(self, model: Any, *, packed_attention: bool = True) -> None:
        self.model = model
        self.decoder = model.get_decoder()
        config = self.decoder.config
        self.packed_attention = packed_attention and not has_window(config) and config.model_type in _PLAIN_ATTENTION
        if self.packed_attention:
            from transformers import AttentionInterface

            AttentionInterface.register(attention.NAME, attention.attend)
            model.set_attn_implementation(attention.NAME)
        else:
            model.set_attn_implementation("sdpa")  # eager attention would add a boolean mask to the scores

    @property
    def device(self) -> torch.device:
        """Where the decoder lies."""
        device: torch.device = next(self.decoder.parameters()).device
        return device

    def hidden(self, packed: Pack) -> torch.Tensor:
        """Hidden states that predict the answer tokens.

        Args:
            packed: A row with N answer tokens.

        Returns:
            [N, D] in the decoder's dtype, after its last norm.
        """
        device = self.device
        mask: Any = None
        if not self.packed_attention:
            mask = attention_mask(packed, self.decoder.config)
            mask = {k: v.to(device) for k, v in mask.items()} if isinstance(mask, dict) else mask.to(device)
        else:
            # Given a mask of its own shape, transformers builds none; the layout says who sees whom.
            mask = torch.ones(1, 1, 1, 1, dtype=torch.bool, device=device)
        with attention.layout(packed, device) if self.packed_attention else contextlib.nullcontext():
            out = self.decoder(
                input_ids=packed.input_ids.to(device),
                position_ids=packed.position_ids.to(device),
                attention_mask=mask,
                use_cache=False,  # with a cache transformers does not recognise the packing: documents see each other
            )
        hidden: torch.Tensor = out.last_hidden_state[0, packed.answer_at.to(device)]
        return hidden
