"""Drift: how far the candidate has moved from the served weights where nothing should have changed.

In come answers of the served model to unrelated prompts, already read by the teacher, and a reader of the candidate;
out goes the mean token KL. It knows nothing of what was learned.
"""

from __future__ import annotations

from collections.abc import Sequence

from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.packing import Document, pack
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.steering import moved
from langchain_selfparam.distill.teacher import TeacherTargets


def token_kl(reader: Reader, head: Head, documents: Sequence[Document], served: TeacherTargets) -> float:
    """Mean KL(served ‖ candidate) over the answer tokens of unrelated prompts.

    Args:
        reader: Reads the candidate.
        head: The head that both share.
        documents: Prompts with the served model's own answers.
        served: The served model's targets for them.

    Returns:
        Nats per token; 0 without documents, infinite where the candidate computes no numbers.
    """
    if not documents:
        return 0.0
    return moved(reader, head, pack(documents), served)
