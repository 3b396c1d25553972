"""Which answers a model would give word for word, without generating them.

In come the hidden states of a packed row, out comes yes or no for each of its documents: a greedy decoder says an
answer exactly when every token of it is the first choice after those before, which one pass shows for all documents at
once. It knows nothing of models or training.
"""

from __future__ import annotations

import torch

from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.packing import Pack


@torch.no_grad()
def recited(hidden_ND: torch.Tensor, packed: Pack, head: Head) -> list[bool]:
    """Whether greedy decoding would answer each document's prompt with its answer.

    Args:
        hidden_ND: What ``Reader.hidden`` gave for the row, [N, D].
        packed: The row, of N answer tokens.
        head: The model's head.

    Returns:
        One for each document, in order.
    """
    chosen = torch.cat([head.logits(part).argmax(dim=-1) for part in torch.split(hidden_ND, head.chunk)])
    agrees = chosen.cpu() == packed.answer_ids
    return [bool(part.all()) for part in torch.split(agrees, list(packed.lengths))]
