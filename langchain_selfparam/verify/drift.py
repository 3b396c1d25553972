"""Drift: how far the candidate has moved from the untouched model where nothing should have changed.

In come answers of the untouched model to unrelated prompts, already read by the teacher, and a reader of the candidate;
out goes the mean token KL. It knows nothing of what was learned.
"""

from __future__ import annotations

from collections.abc import Sequence

from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.packing import Document, pack
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.steering import moved
from langchain_selfparam.distill.teacher import TeacherTargets


def token_kl(reader: Reader, head: Head, documents: Sequence[Document], untouched: TeacherTargets) -> float:
    """Mean KL(untouched ‖ candidate) over the answer tokens of unrelated prompts.

    Args:
        reader: Reads the candidate.
        head: The head that both share.
        documents: Prompts with the untouched model's own answers.
        untouched: The untouched model's targets for them.

    Returns:
        Nats per token; 0 without documents, infinite where the candidate computes no numbers.
    """
    if not documents:
        return 0.0
    return moved(reader, head, pack(documents), untouched)
