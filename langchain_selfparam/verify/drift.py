"""Drift: how far the candidate has moved from the untouched model where nothing should have changed.

In come answers of the untouched model to unrelated prompts, already read by the teacher, and a reader of the candidate;
out goes the mean token KL. It knows nothing of what was learned.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from langchain_selfparam.config import VerifyConfig
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


def shrinks(drift: float, config: VerifyConfig) -> int:
    """How many times a candidate is to be shrunk at once before it is looked at again.

    A KL falls with the square of a small change, and more slowly where earlier steps have a part in it. Rounded down,
    so that what is kept is what shrinking by one step after another keeps, after fewer looks: each reads every probe.

    Args:
        drift: That of the candidate, nats per token.
        config: The limit, and the factor of one step.

    Returns:
        Steps, at least one.
    """
    if not math.isfinite(drift) or drift <= config.max_drift:
        return 1
    return max(1, math.floor(math.log(config.max_drift / drift) / (2 * math.log(config.shrink))))
