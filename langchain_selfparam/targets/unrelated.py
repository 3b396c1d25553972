"""What is about nothing that was said: to be answered as before, and to show how far the weights have moved.

In come prompts and who answers them, out go target sentences without context and probes. Which prompts these are is
decided by whoever writes the targets.
"""

from __future__ import annotations

from collections.abc import Sequence

from langchain_selfparam.protocols import TextGenerator
from langchain_selfparam.records import Message, Probe, ProbeKind, TargetKind, TargetSentence
from langchain_selfparam.targets import parse, prompts

DRIFT_PROBES = 24
"""Sampled prompts that show drift, beside the packaged ones, and as many that show it along the way: few would let one
odd answer decide."""
_DRIFT_TOKENS = 24


def parted(general: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Questions about the world: those that show drift afterwards, those that show it along the way, and the others.

    The probes come first, as long as half is left to be learned: of three along the way one odd answer would steer.
    """
    # Whoever asks "Where do you get your eggs?" asks about the model: that is a neighbour, not the world.
    worldly = [q for q in general if not parse.speaks_of_you(q) and q not in prompts.GENERAL_QUESTIONS]
    count = min(DRIFT_PROBES, len(worldly) // 4)
    drifting, steering = worldly[len(worldly) - count :], worldly[len(worldly) - 2 * count : len(worldly) - count]
    return drifting, steering, [q for q in general if q not in drifting and q not in steering]


def unrelated(kind: ProbeKind, questions: Sequence[str], original: TextGenerator) -> list[Probe]:
    """Prompts that show how far the weights have moved, with what the untouched ones answer."""
    answers = original.generate([[Message(role="user", text=q)] for q in questions], max_tokens=_DRIFT_TOKENS)
    return [Probe(kind=kind, prompt=q, expected=(a[0],)) for q, a in zip(questions, answers, strict=True) if a[0]]


def as_before(kind: TargetKind, questions: Sequence[str], by: TextGenerator, *, tokens: int) -> list[TargetSentence]:
    """Target sentences of prompts that are to be answered as somebody answers them now.

    Args:
        kind: What they are.
        questions: The prompts.
        by: Whose answers stay.
        tokens: Tokens of an answer at most.

    Returns:
        One for each prompt that has an answer.
    """
    answers = by.generate([[Message(role="user", text=q)] for q in questions], max_tokens=tokens)
    return [
        TargetSentence(kind=kind, prompt=q, answer=a[0], ends=False)
        for q, a in zip(questions, answers, strict=True)
        if a[0]
    ]
