"""Comparing two evaluations question by question: is one better than the other, or is it chance?

In come two JSON files that ``selfparam eval`` wrote, out go a table and values. It asks no model.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_selfparam.errors import InputError
from langchain_selfparam.evaluation.stats import Interval, interval, paired

_Key = tuple[str, str, int]
"""Conversation, question, and which one of those with the same words."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """One score of two evaluations, each question with its mean over seeds.

    Attributes:
        first: Mean of the first, with its interval over conversations and their questions.
        second: The same of the second.
        difference: Second minus first.
        p: Of the paired test.
        over: What the test exchanges: ``conversations``, or ``questions`` where there are fewer than six.
    """

    first: Interval
    second: Interval
    difference: Interval
    p: float
    over: str


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Two evaluations over the questions that both asked.

    Attributes:
        variants: Which variant of each file it is; empty for the settings as they are.
        questions: How many both asked.
        conversations: Of how many conversations.
        right: Shares of right answers.
        f1: Token F1; ``None`` where a question has none.
        gained: Questions that the second answered right more often, over seeds.
        lost: Questions that the first answered right more often.
    """

    variants: tuple[str, str]
    questions: int
    conversations: int
    right: Scores
    f1: Scores | None
    gained: int
    lost: int


@dataclasses.dataclass(slots=True)
class _Found:
    """What was scored for one question, seed by seed."""

    right: list[float] = dataclasses.field(default_factory=list)
    f1: list[float] = dataclasses.field(default_factory=list)


_Part = Mapping[_Key, _Found]


def compare(first: Path, second: Path) -> tuple[Comparison, ...]:
    """Compare what the weights answered.

    Args:
        first: What ``selfparam eval … --json`` wrote.
        second: The same of another run, over some of the same questions; or the same file, to compare its variants.

    Returns:
        Scores, their difference and the chance of it: one comparison where neither file has variants. Variants of the
        same name are compared with each other, those of one file with all that the other has, and those of one and
        the same file with its first.

    Raises:
        InputError: A file is not there or not such a one, such as one of ``eval recommend``, or they have no variant
            or no question in common.
    """
    one, other = _read(first), _read(second)
    found = []
    for left, right in _pairs(first, second, list(one), list(other)):
        keys = [key for key in one[left] if key in other[right]]
        if not keys:
            msg = f"{first} and {second} have no question in common; compare runs over the same data"
            raise InputError(msg)
        found.append(_compared((left, right), keys, one[left], other[right]))
    return tuple(found)


def rows(comparisons: Sequence[Comparison]) -> list[tuple[str, str]]:
    """Comparisons as rows of a table."""
    several = any(any(found.variants) for found in comparisons)
    return [row for found in comparisons for row in [*(_names(found) if several else []), *_rows(found)]]


def _names(found: Comparison) -> list[tuple[str, str]]:
    first, second = (name or "as it is" for name in found.variants)
    return [("variants", f"{first} (first), {second} (second)")]


def _rows(found: Comparison) -> list[tuple[str, str]]:
    def share(part: Interval) -> str:
        return f"{100 * part.mean:.1f} % ({100 * part.low:.1f} to {100 * part.high:.1f})"

    def score(part: Interval) -> str:
        return f"{part.mean:.3f} ({part.low:.3f} to {part.high:.3f})"

    shown = [
        ("questions that both asked", f"{found.questions} of {found.conversations} conversations"),
        ("first, right (95 % interval over conversations)", share(found.right.first)),
        ("second", share(found.right.second)),
        ("second minus first", share(found.right.difference)),
        ("right only in the second, only in the first", f"{found.gained}, {found.lost}"),
        (f"p, paired test over {found.right.over}", f"{found.right.p:.4f}"),
    ]
    if found.f1 is not None:
        shown += [
            ("first, token F1 (95 % interval over conversations)", score(found.f1.first)),
            ("second", score(found.f1.second)),
            ("second minus first", score(found.f1.difference)),
            (f"p of F1, paired test over {found.f1.over}", f"{found.f1.p:.4f}"),
        ]
    return shown


def _pairs(first: Path, second: Path, one: list[str], other: list[str]) -> list[tuple[str, str]]:
    """Which variants are compared with which."""
    if len(one) > 1 and first.resolve() == second.resolve():
        return [(one[0], name) for name in one[1:]]
    if len(one) == 1 or len(other) == 1:
        return [(a, b) for a in one for b in other]
    common = [(name, name) for name in one if name in other]
    if not common:
        had = [", ".join(name or "as it is" for name in names) for names in (one, other)]
        msg = f"{first} has the variants {had[0]}, {second} has {had[1]}; compare files with a variant in common"
        raise InputError(msg)
    return common


def _compared(variants: tuple[str, str], keys: Sequence[_Key], one: _Part, other: _Part) -> Comparison:
    groups = [context for context, _, _ in keys]

    def scores(left: list[float], right: list[float]) -> Scores:
        test = paired(left, right, groups)
        return Scores(
            first=interval(left, groups=groups),
            second=interval(right, groups=groups),
            difference=interval([b - a for a, b in zip(left, right, strict=True)], groups=groups),
            p=test.p,
            over=test.over,
        )

    left, right = ([statistics.fmean(part[key].right) for key in keys] for part in (one, other))
    scored = all(part[key].f1 for key in keys for part in (one, other))
    f1 = [[statistics.fmean(part[key].f1) for key in keys] for part in (one, other)] if scored else None
    return Comparison(
        variants=variants,
        questions=len(keys),
        conversations=len({*groups}),
        right=scores(left, right),
        f1=scores(*f1) if f1 is not None else None,
        gained=sum(b > a for a, b in zip(left, right, strict=True)),
        lost=sum(a > b for a, b in zip(left, right, strict=True)),
    )


def _read(path: Path) -> dict[str, dict[_Key, _Found]]:
    """What the weights scored, by variant and question."""
    if not path.exists():
        msg = f"there is no file {path}; `eval compare` takes two that `selfparam eval` wrote with --json"
        raise InputError(msg)
    try:
        values: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        recommended = values.get("protocol") == "recommend"
        found = {} if recommended else _of_questions(values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        msg = f"{path} is not what `selfparam eval` wrote with --json: {error!r}"
        raise InputError(msg) from error
    if recommended:
        msg = (
            f"{path} is of `eval recommend`, which ranks items and answers no questions; `eval compare` takes what "
            "`eval single`, `batch` or `sequential` wrote with --json"
        )
        raise InputError(msg)
    if not any(found.values()):
        msg = f"{path} has no answered question; compare runs that came to an end"
        raise InputError(msg)
    return found


def _of_questions(values: Mapping[str, Any]) -> dict[str, dict[_Key, _Found]]:
    return {"": _sequential(values)} if "matrix" in values else _by_variant(values["conversations"])


def _by_variant(outcomes: Sequence[Mapping[str, Any]]) -> dict[str, dict[_Key, _Found]]:
    found: dict[str, dict[_Key, _Found]] = {}
    for row in outcomes:
        part, met = found.setdefault(row["variant"], {}), dict[str, int]()
        for asked in row["questions"]:
            text = asked["question"]
            met[text] = met.get(text, 0) + 1
            scores = part.setdefault((row["id"], text, met[text]), _Found())
            scores.right.append(float(asked["right"]["after"]))
            if "f1" in asked:
                scores.f1.append(float(asked["f1"]["after"]))
    return found


def _sequential(values: Mapping[str, Any]) -> dict[_Key, _Found]:
    steps = [step["learned"] for step in values["steps"]]
    # Runs from before it was kept have no F1.
    scores = values.get("f1") or [[None] * len(flags) for flags in values["right"]]
    found: dict[_Key, _Found] = {}
    for context, texts, *parts in zip(values["contexts"], values["questions"], values["right"], scores, strict=True):
        for number, (text, flag, f1) in enumerate(zip(texts, *parts, strict=True)):
            if context in steps:
                scored = [] if f1 is None else [float(f1)]
                found[context, text, 1 + texts[:number].count(text)] = _Found(right=[float(flag)], f1=scored)
    return found
