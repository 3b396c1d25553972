"""Chance: bootstrap intervals and paired tests over questions.

In come numbers, one for each question, out go intervals and p values. Pure functions with draws of their own.
"""

from __future__ import annotations

import dataclasses
import math
import random
import statistics
from collections.abc import Sequence

_DRAWS = 10_000


@dataclasses.dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


def interval(values: Sequence[float], *, groups: Sequence[object] | None = None, seed: int = 0) -> Interval:
    """The mean and its percentile bootstrap interval at 95 %.

    Args:
        values: One for each question, at least one.
        groups: What each question belongs to, such as its conversation: whole groups are drawn then, since answers
            from the same weights are not independent.
        seed: Of the draws.

    Returns:
        Mean, 2.5 % and 97.5 % points of 10,000 draws.
    """
    clusters: dict[object, list[float]] = {}
    for number, value in enumerate(values):
        clusters.setdefault(number if groups is None else groups[number], []).append(value)
    sums = [(sum(c), len(c)) for c in clusters.values()]
    chance = random.Random(seed)
    means = []
    for _ in range(_DRAWS):
        drawn = chance.choices(sums, k=len(sums))
        means.append(sum(s for s, _ in drawn) / sum(n for _, n in drawn))
    means.sort()
    return Interval(statistics.fmean(values), means[round(0.025 * (_DRAWS - 1))], means[round(0.975 * (_DRAWS - 1))])


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> float:
    """Exact two-sided McNemar test: could the two ways answer equally many of the same questions right?

    Args:
        first: Whether each question was answered right one way.
        second: The same questions, the other way.

    Returns:
        The p value; 1 where they differ nowhere.

    Raises:
        ValueError: There are not equally many.
    """
    only_first = sum(a and not b for a, b in zip(first, second, strict=True))
    only_second = sum(b and not a for a, b in zip(first, second, strict=True))
    apart = only_first + only_second
    if not apart:
        return 1.0
    tail: float = sum(math.comb(apart, k) for k in range(min(only_first, only_second) + 1)) / 2**apart
    return min(1.0, 2 * tail)


def permutation(first: Sequence[float], second: Sequence[float], *, seed: int = 0) -> float:
    """Paired permutation test of the mean difference, two-sided, for scores that are not yes or no.

    Args:
        first: A score for each question one way.
        second: The same questions, the other way.
        seed: Of the 10,000 draws of signs.

    Returns:
        The p value, never below 1 / 10,001.

    Raises:
        ValueError: There are not equally many.
    """
    apart = [a - b for a, b in zip(first, second, strict=True) if a != b]
    found = abs(sum(apart))
    chance = random.Random(seed)
    as_far = sum(
        abs(sum(d if bit == "1" else -d for d, bit in zip(apart, bits, strict=True))) >= found - 1e-12
        for bits in (format(chance.getrandbits(len(apart)), f"0{len(apart)}b") if apart else "" for _ in range(_DRAWS))
    )
    return (as_far + 1) / (_DRAWS + 1)
