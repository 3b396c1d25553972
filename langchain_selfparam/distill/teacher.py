"""The teacher: the served model with the context in its prompt, read once and reduced at once.

In come documents whose prompts carry context; out go targets for every answer token. Documents about the same
context chunk share a long prefix, so they are packed over it and the chunk is read once for all its questions. It
knows nothing of students, losses or where the questions came from.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import torch

from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.objective import Rows, reduce_teacher
from langchain_selfparam.distill.packing import Document, pack
from langchain_selfparam.distill.reader import Reader


@dataclasses.dataclass(frozen=True, slots=True)
class TeacherTargets:
    """What the teacher says at every answer token, by document.

    Attributes:
        rows: Document key to its rows, one for each answer token.
    """

    rows: dict[int, Rows]


@torch.no_grad()
def read(
    reader: Reader,
    head: Head,
    chunks: Sequence[Sequence[Document]],
    *,
    share: float = 0.0,
    floor: float = 0.0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> TeacherTargets:
    """Read every chunk with its documents once.

    Args:
        reader: Reads the served model.
        head: Its head.
        chunks: Documents grouped by the context they share; keys are unique over all of them.
        share: What the answers' own tokens have of the targets; see ``reduce_teacher``.
        floor: What they have at least; see there.
        progress: Called with chunks done and all chunks.

    Returns:
        Targets for every document.
    """
    rows: dict[int, Rows] = {}
    for done, documents in enumerate(chunks, 1):
        packed = pack(documents)
        hidden_ND = reader.hidden(packed)
        said_N = packed.answer_ids.to(hidden_ND.device)
        reduced = reduce_teacher(hidden_ND, head, answer_T=said_N, share=share, floor=floor)
        start = 0
        for key, length in zip(packed.keys, packed.lengths, strict=True):
            at = torch.arange(start, start + length, device=hidden_ND.device)
            rows[key] = reduced.select(at)
            start += length
        progress(done, len(chunks))
    return TeacherTargets(rows)
