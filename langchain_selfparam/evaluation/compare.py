"""Comparing two evaluations question by question: is one better than the other, or is it chance?

In come two JSON files that ``selfparam eval`` wrote, out go a table and values. It asks no model.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from langchain_selfparam.errors import InputError
from langchain_selfparam.evaluation.stats import Interval, interval, mcnemar

_Key = tuple[str, str]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Two evaluations over the questions that both asked.

    Attributes:
        questions: How many both asked.
        first: Share of right answers of the first, with its interval over conversations.
        second: The same of the second.
        difference: Second minus first.
        gained: Questions that only the second answered right.
        lost: Questions that only the first answered right.
        p: Of the exact McNemar test.
    """

    questions: int
    first: Interval
    second: Interval
    difference: Interval
    gained: int
    lost: int
    p: float


def compare(first: Path, second: Path) -> Comparison:
    """Compare what the weights answered.

    Args:
        first: What ``selfparam eval … --json`` wrote.
        second: The same of another run, over some of the same questions.

    Returns:
        Shares, their difference and the chance of it.

    Raises:
        InputError: A file is not such a one, or they have no question in common.
    """
    one, other = _flags(first), _flags(second)
    common = [key for key in one if key in other]
    if not common:
        msg = f"{first} and {second} have no question in common; compare runs over the same data"
        raise InputError(msg)
    left, right = [one[key] for key in common], [other[key] for key in common]
    groups = [context for context, _ in common]
    return Comparison(
        questions=len(common),
        first=interval([float(flag) for flag in left], groups=groups),
        second=interval([float(flag) for flag in right], groups=groups),
        difference=interval([float(b) - float(a) for a, b in zip(left, right, strict=True)], groups=groups),
        gained=sum(b and not a for a, b in zip(left, right, strict=True)),
        lost=sum(a and not b for a, b in zip(left, right, strict=True)),
        p=mcnemar(left, right),
    )


def rows(found: Comparison) -> list[tuple[str, str]]:
    """The comparison as rows of a table."""

    def share(part: Interval) -> str:
        return f"{100 * part.mean:.1f} % ({100 * part.low:.1f} to {100 * part.high:.1f})"

    return [
        ("questions that both asked", str(found.questions)),
        ("first, right (95 % interval over conversations)", share(found.first)),
        ("second", share(found.second)),
        ("second minus first", share(found.difference)),
        ("right only in the second, only in the first", f"{found.gained}, {found.lost}"),
        ("p, exact McNemar test", f"{found.p:.4f}"),
    ]


def _flags(path: Path) -> dict[_Key, bool]:
    """Whether each question was answered right by the weights, by conversation and text."""
    try:
        values: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        if "matrix" in values:
            return _sequential(values)
        return {
            (row["id"], asked["question"] + _mark(row)): bool(asked["right"]["after"])
            for row in values["conversations"]
            for asked in row["questions"]
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{path} is not what `selfparam eval` wrote with --json: {error!r}"
        raise InputError(msg) from error


def _mark(row: Mapping[str, Any]) -> str:
    """What tells a question of another seed or variant from the same question of the first run."""
    return f" (seed {row['seed']}, {row['variant']})" if row["seed"] or row["variant"] else ""


def _sequential(values: Mapping[str, Any]) -> dict[_Key, bool]:
    learned = [step["learned"] for step in values["steps"]]
    last = values["right"]
    return {
        (context, text): bool(flag)
        for context, texts, flags in zip(values["contexts"], values["questions"], last, strict=True)
        for text, flag in zip(texts, flags, strict=True)
        if context in learned
    }
