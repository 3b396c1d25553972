"""What a recommender's evaluation found, as tables and JSON.

In come rankings, out go rows with standard errors and p values. It asks no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_selfparam.evaluation.rankings import AT, CONDITIONS, Score, most_mentioned, p_value, score
from langchain_selfparam.evaluation.recommendation import (
    BASE,
    BM25,
    FREE_TEXT,
    LIKELIHOOD,
    OURS,
    POPULARITY,
    Found,
    Plan,
)
from langchain_selfparam.evaluation.redial import Prompt

_KEY = "recall@10"
_NAMES = {FREE_TEXT: "free text", LIKELIHOOD: "likelihood"}


class _Measured:
    """One measure of one run: its prompts, what they name, and each method's rankings in order."""

    def __init__(self, plan: Plan, rankings: Mapping[str, Mapping[int, list[str]]], numbers: Sequence[int]) -> None:
        self.prompts: list[Prompt] = [plan.prompts[at] for at in numbers]
        self.mentioned = [frozenset(plan.catalogue.mentioned(p.whole)) for p in self.prompts]
        self.by_method = {name: [rankings[name][at] for at in numbers] for name in sorted(rankings, key=_place)}

    def score(self, name: str, **options: Any) -> dict[str, Score]:
        return score(self.prompts, self.by_method[name], self.mentioned, **options)

    def p(self, name: str, other: str, **options: Any) -> float | None:
        if name not in self.by_method or other not in self.by_method:
            return None
        return p_value(self.prompts, self.by_method[name], self.by_method[other], self.mentioned, **options)


def _place(name: str) -> tuple[int, str]:
    """Where a method stands: what learns nothing first, this method after each round last."""
    first = (BASE, POPULARITY, BM25)
    if name in first:
        return first.index(name), ""
    return (len(first), name) if not name.startswith(OURS) else (len(first) + 1 + (name == OURS), name)


def _measured(plan: Plan, found: Found) -> dict[str, _Measured]:
    numbers = {FREE_TEXT: list(range(len(plan.prompts))), LIKELIHOOD: plan.scored_at}
    return {measure: _Measured(plan, found.rankings[measure], numbers[measure]) for measure in numbers}


def as_json(plan: Plan, found: Found, *, model: str) -> dict[str, Any]:
    """Every figure.

    Args:
        plan: What was run.
        found: What was measured.
        model: Its name.

    Returns:
        For each measure ``recall@10`` by method, ``p_ours_vs_base`` (also with what the dialogue has named left out, as
        ``p_ours_vs_base_unseen``), and every score by condition.
    """
    values: dict[str, Any] = {
        "model": model,
        "protocol": "recommend",
        "dialogues": len(plan.dialogues),
        "prompts": len(plan.prompts),
        "candidates": _candidates(plan),
        "rounds": list(found.rounds),
        "baselines": dict(found.others),
    }
    for measure, here in _measured(plan, found).items():
        values[measure] = {
            "prompts": len(here.prompts),
            "targets": sum(len(p.gold) for p in here.prompts),
            _KEY: {name: here.score(name)[_KEY].mean for name in here.by_method},
            "p_ours_vs_base": here.p(OURS, BASE),
            "p_ours_vs_base_unseen": here.p(OURS, BASE, without_seen=True),
            "p_ours_vs": {name: here.p(OURS, name) for name in here.by_method if name != OURS},
            "scores": {
                name: {
                    f"{condition}{', seen left out' if without else ''}": {
                        key: {"mean": one.mean, "error": one.error, "targets": one.targets}
                        for key, one in here.score(name, condition=condition, without_seen=without).items()
                    }
                    for condition in CONDITIONS
                    for without in (False, True)
                }
                for name in here.by_method
            },
        }
    return values


def tables(plan: Plan, found: Found) -> list[tuple[Sequence[str], Sequence[Sequence[str]]]]:
    """Tables for people: a row for each method, and one for each round.

    Args:
        plan: What was run.
        found: What was measured.

    Returns:
        Header and rows of each table: recall in percent with its standard error, for all targets at four lengths, at 10
        for those that the dialogue has not named ("new") and with what it has named left out of the list ("unseen"),
        and the p value of this method against each other. Rounds and baselines have tables of their own.
    """
    shown: list[tuple[Sequence[str], Sequence[Sequence[str]]]] = []
    for measure, here in _measured(plan, found).items():
        header = [
            _NAMES[measure],
            *(f"R@{k}, %" for k in AT),
            "NDCG@10",
            "MRR@10",
            "R@10, new",
            "R@10, unseen",
            "p, ours",
        ]
        shown.append((header, [_row(here, name) for name in here.by_method]))
    if found.rounds:
        header = ["round", "dialogues", "learned", "own list begun", "drift, nats", "scale", "seconds"]
        rows = [
            [
                str(number),
                str(r["dialogues"]),
                "yes" if _kept(r) else "refused",
                f"{100 * r['recall']:.0f} %",
                f"{r['drift']:.3f}",
                f"{r['scale']:.2f}",
                f"{r['seconds'].get('total', sum(r['seconds'].values())):.0f}",
            ]
            for number, r in enumerate(found.rounds, 1)
        ]
        shown.append((header, rows))
    if others := {name: other for name, other in found.others.items() if "rate" in other}:
        shown.append((["baseline", "rate", "R@10 by which it was chosen, %", "drift, nats"], _others(others)))
    return shown


def _others(found: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    return [
        [name, rate, f"{100 * other['rates'][rate]:.1f}" if rate in other["rates"] else "-", f"{other['drift']:.3f}"]
        for name, other in found.items()
        for rate in [f"{other['rate']:g}"]
    ]


def headline(plan: Plan, found: Found, *, model: str) -> str:
    """What was asked and learned, in a line.

    Args:
        plan: What was run.
        found: What was measured.
        model: Its name.

    Returns:
        The line.
    """
    kept = sum(_kept(r) for r in found.rounds)
    done = f"{kept} of {plan.rounds} rounds of {len(plan.dialogues)} dialogues learned"
    if kept < len(found.rounds):
        done += f" ({len(found.rounds) - kept} refused)"
    asked = ", ".join(
        f"{_NAMES[measure]} {len(here.prompts)} prompts with {sum(len(p.gold) for p in here.prompts)} targets"
        for measure, here in _measured(plan, found).items()
    )
    return f"{model}: {done}; {asked}, {_candidates(plan)} candidates"


def _kept(done: Mapping[str, Any]) -> bool:
    """Whether a round became a version; otherwise the weights are those of before."""
    return done["version"] is not None


def _candidates(plan: Plan) -> int:
    return len(most_mentioned(plan.dialogues, plan.candidates))


def _row(here: _Measured, name: str) -> list[str]:
    every = here.score(name)
    p = None if name == OURS else here.p(OURS, name)
    return [
        name,
        *(_with_error(every[f"recall@{k}"]) for k in AT),
        f"{every['ndcg@10'].mean:.3f}",
        f"{every['mrr@10'].mean:.3f}",
        _with_error(here.score(name, condition="new")[_KEY]),
        _with_error(here.score(name, without_seen=True)[_KEY]),
        "" if p is None else f"{p:.4f}",
    ]


def _with_error(one: Score) -> str:
    return f"{100 * one.mean:.1f} ± {100 * one.error:.1f}"
