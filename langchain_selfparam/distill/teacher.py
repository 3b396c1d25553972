"""The teacher: the served model with the context in its prompt, read once and reduced at once.

In come documents whose prompts carry context; out go ``TargetRows`` for every answer token. Documents about the same
context chunk share a long prefix, so they are packed over it and the chunk is read once for all its questions. It
knows nothing of students, losses or where the questions came from.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import torch

from langchain_selfparam.distill.objective import Head, TargetRows, reduce_teacher
from langchain_selfparam.distill.packing import Document, Pack, attention_mask, pack


@dataclasses.dataclass(frozen=True, slots=True)
class TeacherTargets:
    """What the teacher says at every answer token, by document.

    Attributes:
        rows: Document key to its rows, one for each answer token.
        agreement: Document key to the share of answer tokens that are the teacher's own first choice.
        logprob: Document key to the mean log-probability of its answer tokens, nats.
    """

    rows: dict[int, TargetRows]
    agreement: dict[int, float]
    logprob: dict[int, float]


def hidden_at_answers(decoder: Any, packed: Pack) -> torch.Tensor:
    """Hidden states that predict the answer tokens of a packed row.

    Args:
        decoder: The model without its head; returns ``last_hidden_state`` [1, T, D] after the final norm.
        packed: The row, N answer tokens.

    Returns:
        [N, D] in the decoder's dtype.
    """
    device = next(decoder.parameters()).device
    mask = attention_mask(packed, decoder.config)
    out = decoder(
        input_ids=packed.input_ids.to(device),
        position_ids=packed.position_ids.to(device),
        attention_mask={k: v.to(device) for k, v in mask.items()} if isinstance(mask, dict) else mask.to(device),
        use_cache=False,  # with a cache transformers does not recognise the packing and documents see each other
    )
    hidden: torch.Tensor = out.last_hidden_state[0, packed.answer_at.to(device)]
    return hidden


@torch.no_grad()
def read(
    decoder: Any,
    head: Head,
    chunks: Sequence[Sequence[Document]],
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> TeacherTargets:
    """Read every chunk with its documents once.

    Args:
        decoder: The served model without its head.
        head: Its head.
        chunks: Documents grouped by the context they share; keys are unique over all of them.
        progress: Called with chunks done and all chunks.

    Returns:
        Targets for every document.
    """
    rows: dict[int, TargetRows] = {}
    agreement: dict[int, float] = {}
    logprob: dict[int, float] = {}
    for done, documents in enumerate(chunks, 1):
        packed = pack(documents)
        hidden_ND = hidden_at_answers(decoder, packed)
        reduced = reduce_teacher(hidden_ND, head)
        answers = packed.answer_ids.to(hidden_ND.device)
        logits = head.logits(hidden_ND)
        said = logits.gather(1, answers[:, None])[:, 0] - torch.logsumexp(logits, -1)
        first = reduced.ids[:, 0] == answers
        start = 0
        for key, length in zip(packed.keys, packed.lengths, strict=True):
            at = torch.arange(start, start + length, device=hidden_ND.device)
            rows[key] = reduced.select(at)
            agreement[key] = float(first[at].float().mean())
            logprob[key] = float(said[at].mean())
            start += length
        progress(done, len(chunks))
    return TeacherTargets(rows, agreement, logprob)
