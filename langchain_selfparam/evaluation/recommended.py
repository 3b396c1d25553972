"""What a recommender's evaluation found, as tables and JSON.

In come rankings, out go rows with standard errors and p values. It asks no model.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_selfparam.evaluation.rankings import (
    AT,
    CONDITIONS,
    Counting,
    Difference,
    Score,
    difference,
    most_mentioned,
    p_value,
    score,
)
from langchain_selfparam.evaluation.recommendation import BASE, FREE_TEXT, LIKELIHOOD, OURS, Found, Plan
from langchain_selfparam.evaluation.redial import Prompt

_KEY = "recall@10"
_NEW: Mapping[str, Any] = {"condition": "new"}
_NEW_ALONE: Mapping[str, Any] = {"condition": "new", "without_seen": True}
_NAMED: Mapping[str, Any] = {"condition": "mentioned"}
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

    @property
    def others(self) -> list[str]:
        """The methods that this one is compared with, where it is done."""
        return [name for name in self.by_method if name != OURS] if OURS in self.by_method else []

    def apart(self, name: str, **options: Any) -> Difference:
        """How much more this method finds than another."""
        return difference(self.prompts, self.by_method[OURS], self.by_method[name], self.mentioned, **options)

    @property
    def targets(self) -> int:
        return sum(len(p.gold) for p in self.prompts)

    @property
    def written(self) -> dict[str, list[int]]:
        """By method that writes lists, how many items each has."""
        return {name: list(map(len, r)) for name, r in self.by_method.items() if name not in Counting.WAYS}


def _place(name: str) -> tuple[int, str]:
    """Where a method stands: what learns nothing first, this method after each round last."""
    first = (BASE, *Counting.WAYS)
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
        For each measure ``recall@10`` by method, this method's p value and difference with its 95 % interval against
        each other, for all targets (``p_ours_vs``, ``difference``) and for those that the dialogue has not named
        (``p_ours_vs_new``, ``difference_new``), and every score by condition. For free text how many items a list has
        (``items_a_list``) and the share of prompts for which none was found (``without_items``); for likelihood how
        many targets can be found (``targets_among_candidates``). ``counted`` has what needs no model on all prompts.
        Standard errors and intervals over one dialogue are ``None``. How far the run has come is in
        ``rounds_planned``, ``dialogues_learned``, ``unfinished`` (by measure and method the answers ``kept`` of those
        ``wanted``) and ``not_run`` (by baseline why).
    """
    values: dict[str, Any] = {
        "model": model,
        "protocol": "recommend",
        "dialogues": len(plan.dialogues),
        "prompts": len(plan.prompts),
        "candidates": len(_candidates(plan)),
        "rounds": list(found.rounds),
        "rounds_planned": plan.rounds,
        "dialogues_learned": sum(r["dialogues"] for r in found.rounds if _kept(r)),
        "unfinished": {
            measure: {name: {"kept": kept, "wanted": wanted} for name, (kept, wanted) in by_method.items()}
            for measure, by_method in found.unfinished.items()
        },
        "not_run": found.not_run,
        "baselines": dict(found.others),
        "counted": {
            "prompts": len(plan.everything),
            "targets": sum(len(p.gold) for p in plan.everything),
            _KEY: {way: {"mean": one.mean, "error": one.error} for way, one in _counted(plan, found).items()},
        },
    }
    measured = _measured(plan, found)
    for measure, here in measured.items():
        values[measure] = _figures(here)
    values[FREE_TEXT]["items_a_list"] = {k: statistics.fmean(v) for k, v in measured[FREE_TEXT].written.items()}
    values[FREE_TEXT]["without_items"] = {k: v.count(0) / len(v) for k, v in measured[FREE_TEXT].written.items()}
    values[LIKELIHOOD]["targets_among_candidates"] = _findable(plan, measured[LIKELIHOOD])
    return values


def _figures(here: _Measured) -> dict[str, Any]:
    return {
        "prompts": len(here.prompts),
        "targets": here.targets,
        _KEY: {name: here.score(name)[_KEY].mean for name in here.by_method},
        "p_ours_vs_base": here.p(OURS, BASE),
        "p_ours_vs_base_unseen": here.p(OURS, BASE, **_NEW_ALONE),
        "p_ours_vs": {name: here.p(OURS, name) for name in here.by_method if name != OURS},
        "p_ours_vs_new": {name: here.p(OURS, name, **_NEW) for name in here.by_method if name != OURS},
        "difference": {name: dataclasses.asdict(here.apart(name)) for name in here.others},
        "difference_new": {name: dataclasses.asdict(here.apart(name, **_NEW)) for name in here.others},
        "scores": {
            name: {
                f"{condition}{', seen left out' if without else ''}": {
                    key: dataclasses.asdict(one)
                    for key, one in here.score(name, condition=condition, without_seen=without).items()
                }
                for condition in CONDITIONS
                for without in (False, True)
            }
            for name in here.by_method
        },
    }


def _counted(plan: Plan, found: Found) -> dict[str, Score]:
    nobody = [frozenset[str]()] * len(plan.everything)
    return {way: score(plan.everything, rankings, nobody)[_KEY] for way, rankings in found.counted.items()}


def _findable(plan: Plan, here: _Measured) -> int:
    """Targets that are among the candidates: more nobody can find by likelihood."""
    candidates = set(_candidates(plan))
    return sum(id_ in candidates for p in here.prompts for id_ in p.gold)


def tables(plan: Plan, found: Found) -> list[tuple[Sequence[str], Sequence[Sequence[str]]]]:
    """Tables for people: a row for each method, and one for each round.

    Args:
        plan: What was run.
        found: What was measured.

    Returns:
        Header and rows of each table. For each measure recall in percent with its standard error, for all targets at
        four lengths; and at 10 for those that the dialogue has not named ("new"), those that it has ("named"), and the
        new ones with what it has named left out of the list ("new, rest out": nobody loses places to films that come
        again); with the p value of this method against each other for all targets and for the new ones. How much more
        this method finds, lists that were written, what needs no model on all prompts, rounds and baselines have tables
        of their own. Where there is no target, or one dialogue alone to have a standard error of, there is a dash.
    """
    measured = _measured(plan, found)
    shown: list[tuple[Sequence[str], Sequence[Sequence[str]]]] = []
    for measure, here in measured.items():
        header = [_NAMES[measure], *(f"R@{k}, %" for k in AT), "NDCG@10", "MRR@10", "p, ours"]
        shown.append((header, [_row(here, name) for name in here.by_method]))
        header = [f"{_NAMES[measure]}, R@10, %", "new", "new, rest out", "named", "p, new"]
        shown.append((header, [_by_condition(here, name) for name in here.by_method]))
    if rows := [row for measure, here in measured.items() for row in _differences(_NAMES[measure], here)]:
        shown.append((["ours against", "R@10 higher by, points [95 %]", "new"], rows))
    if written := measured[FREE_TEXT].written:
        rows = [
            [name, f"{statistics.fmean(counts):.1f}", f"{100 * counts.count(0) / len(counts):.1f}"]
            for name, counts in written.items()
        ]
        shown.append((["free text", "items a list", "prompts without an item, %"], rows))
    if counted := _counted(plan, found):
        header = [f"all {len(plan.everything)} prompts", "R@10, %"]
        shown.append((header, [[way, _with_error(one)] for way, one in counted.items()]))
    if found.rounds:
        header = ["round", "dialogues", "learned", "own list begun", "drift, nats", "scale", "seconds"]
        shown.append((header, _rounds(found.rounds)))
    if others := {name: other for name, other in found.others.items() if {"rate", "not_run"} & other.keys()}:
        header = ["baseline", "rate", "its nats a token of a quarter, with another learned", "steps", "drift, nats"]
        shown.append((header, _others(others)))
    return shown


def _differences(measure: str, here: _Measured) -> list[list[str]]:
    return [
        [f"{name}, {measure}", _with_interval(here.apart(name)), _with_interval(here.apart(name, **_NEW))]
        for name in here.others
    ]


def _rounds(found: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    return [
        [
            str(number),
            str(r["dialogues"]),
            "yes" if _kept(r) else "refused",
            f"{100 * r['recall']:.0f} %",
            f"{r['drift']:.3f}",
            f"{r['scale']:.2f}",
            f"{r['seconds'].get('total', sum(r['seconds'].values())):.0f}",
        ]
        for number, r in enumerate(found, 1)
    ]


def _others(found: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    rows = []
    for name, other in found.items():
        if "not_run" in other:
            rows.append([name, f"not run: {other['not_run']}", "", "", ""])
            continue
        rate = f"{other['rate']:g}"
        unseen = f"{other['rates'][rate]:.3f}" if rate in other["rates"] else "-"
        rows.append([name, rate, unseen, str(other.get("steps", "-")), f"{other['drift']:.3f}"])
    return rows


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
    measured = _measured(plan, found)
    asked = ", ".join(
        f"{_NAMES[measure]} {len(here.prompts)} prompts with {here.targets} targets"
        for measure, here in measured.items()
    )
    findable = _findable(plan, measured[LIKELIHOOD])
    return f"{model}: {done}; {asked}, of which {findable} are among the {len(_candidates(plan))} candidates"


def _kept(done: Mapping[str, Any]) -> bool:
    """Whether a round became a version; otherwise the weights are those of before."""
    return done["version"] is not None


def _candidates(plan: Plan) -> tuple[str, ...]:
    return most_mentioned(plan.dialogues, plan.candidates)


def _row(here: _Measured, name: str) -> list[str]:
    every = here.score(name)
    return [
        name,
        *(_with_error(every[f"recall@{k}"]) for k in AT),
        f"{every['ndcg@10'].mean:.3f}",
        f"{every['mrr@10'].mean:.3f}",
        "" if name == OURS else _p(here.p(OURS, name)),
    ]


def _by_condition(here: _Measured, name: str) -> list[str]:
    return [
        name,
        *(_with_error(here.score(name, **condition)[_KEY]) for condition in (_NEW, _NEW_ALONE, _NAMED)),
        "" if name == OURS else _p(here.p(OURS, name, **_NEW), asked=here.score(name, **_NEW)[_KEY].targets),
    ]


def _p(p: float | None, *, asked: int = 1) -> str:
    return "" if p is None else f"{p:.4f}" if asked else "-"


def _with_error(one: Score) -> str:
    if not one.targets:
        return "-"
    return f"{100 * one.mean:.1f} ± {'-' if one.error is None else f'{100 * one.error:.1f}'}"


def _with_interval(one: Difference) -> str:
    if not one.targets:
        return "-"
    around = "-" if one.low is None or one.high is None else f"{100 * one.low:+.1f}, {100 * one.high:+.1f}"
    return f"{100 * one.mean:+.1f} [{around}]"
