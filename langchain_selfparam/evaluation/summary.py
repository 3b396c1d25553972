"""What ``selfparam eval single`` and ``batch`` show: figures with intervals and tests, tables, JSON.

In come outcomes, out go values and strings. It asks and learns nothing.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from langchain_selfparam.evaluation.injection import AFTER, BEFORE, HISTORY, QUOTED, RETRIEVED
from langchain_selfparam.evaluation.outcome import Outcome
from langchain_selfparam.evaluation.stats import Interval, interval, mcnemar, permutation
from langchain_selfparam.evaluation.tables import as_plain, percent
from langchain_selfparam.evaluation.unchanged import rows as changed

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]

NAMES = {
    BEFORE: "nothing in the prompt, before",
    HISTORY: "whole conversation in the prompt",
    RETRIEVED: "what BM25 finds in the prompt",
    QUOTED: "only the right turn in the prompt",
    AFTER: "nothing in the prompt, after",
    "ft-context": "fine-tuned on the text",
    "ft-sentences": "fine-tuned on questions and answers",
    "published": "the published recipe",
}
"""What each way is, for people."""


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Figures over outcomes of one variant.

    Args:
        outcomes: At least one.

    Returns:
        ``ways``: for each way ``right`` (and ``f1`` where the set has whole answers) with its 95 % bootstrap interval
        over conversations, ``ratio`` to the whole conversation in the prompt, ``p`` of the paired test against the
        weights (exact McNemar; for F1 a permutation test), ``leaks``, ``tokens``; ``kinds``: right by kind of question
        and way; ``corrections``: new and old values given; drift, seconds, peak memory, turns held.
    """
    ways = {way: _way(outcomes, way) for way in _ways(outcomes)}
    for found in ways.values():
        for score in ("right", "f1"):
            if score in found and ways.get(HISTORY, {}).get(score) and ways[HISTORY][score].mean:
                found[f"{score}_ratio"] = found[score].mean / ways[HISTORY][score].mean
    questions = [q for o in outcomes for q in o.questions]
    kinds = dict.fromkeys(q["kind"] for q in questions)
    updates = [q for q in questions if q["kind"] == "update"]
    report = [o.report for o in outcomes]
    return {
        "outcomes": len(outcomes),
        "questions": len(questions),
        "ways": ways,
        "kinds": {
            kind: {
                "questions": sum(q["kind"] == kind for q in questions),
                **{way: _share(q["right"][way] for q in questions if q["kind"] == kind) for way in ways},
            }
            for kind in kinds
        },
        "corrections": {
            "questions": len(updates),
            "new": {way: _share(q["right"][way] for q in updates) for way in ways},
            "old": {way: _share(q.get("old", {}).get(way, False) for q in updates) for way in ways},
        },
        "drift": statistics.fmean(r["drift"] for r in report),
        "drift_max": max(r["drift"] for r in report),
        "scale": statistics.fmean(r["scale"] for r in report),
        "turns_held": sum(len(r["held"]) for r in report),
        "turns": sum(len(r["held"]) + len(r["pending"]) for r in report),
        "seconds": statistics.fmean(o.seconds for o in outcomes),
        "peak_bytes": max(o.peak_bytes for o in outcomes),
    }


def as_json(outcomes: Sequence[Outcome], *, model: str, data: str, protocol: str) -> dict[str, Any]:
    """An evaluation as JSON values.

    Args:
        outcomes: At least one.
        model: Whose memory it was.
        data: What was read.
        protocol: ``single`` or ``batch``.

    Returns:
        Figures under ``summary``, by variant, and every answer under ``conversations``.
    """
    return {
        "model": model,
        "data": data,
        "protocol": protocol,
        "summary": as_plain({variant: summary(part) for variant, part in variants(outcomes).items()}),
        "conversations": [as_plain(o) for o in outcomes],
    }


def tables(outcomes: Sequence[Outcome]) -> list[Table]:
    """The tables of an evaluation.

    Args:
        outcomes: At least one.

    Returns:
        Header and rows of each table: by conversation, by way with intervals and tests, by kind of question; by
        variant where there are several.
    """
    parts = variants(outcomes)
    found = [table for part in parts.values() for table in _tables(part)]
    return [*found, _by_variant(parts)] if len(parts) > 1 else found


def variants(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """The outcomes by variant, in order."""
    found: dict[str, list[Outcome]] = {}
    for part in outcomes:
        found.setdefault(part.variant, []).append(part)
    return found


def _ways(outcomes: Sequence[Outcome]) -> list[str]:
    """Ways that every outcome has, in the order of ``NAMES``, the weights last."""
    known = [way for way in NAMES if all(way in o.ways for o in outcomes) and way != AFTER]
    return [*known, *([AFTER] if all(AFTER in o.ways for o in outcomes) else [])]


def _way(outcomes: Sequence[Outcome], way: str) -> dict[str, Any]:
    groups = [o.id for o in outcomes for _ in o.questions]
    questions = [q for o in outcomes for q in o.questions]
    right, ours = ([bool(q["right"][w]) for q in questions] for w in (way, AFTER))
    found: dict[str, Any] = {"right": interval([float(flag) for flag in right], groups=groups)}
    if way != AFTER:
        found["right_p"] = mcnemar(right, ours)
    if all("f1" in q for q in questions):
        scores, own = ([float(q["f1"][w]) for q in questions] for w in (way, AFTER))
        found["f1"] = interval(scores, groups=groups)
        if way != AFTER:
            found["f1_p"] = permutation(scores, own)
    leaks = [n["leaks"][way] for o in outcomes for n in o.neighbours if way in n["leaks"]]
    if leaks:
        found["leaks"] = _share(leaks)
    counted = [o.tokens[way] for o in outcomes if way in o.tokens]
    if counted:
        found["tokens"] = statistics.fmean(counted)
    return found


def _tables(outcomes: Sequence[Outcome]) -> list[Table]:
    figures = summary(outcomes)
    ways = list(figures["ways"])
    several = len({o.seed for o in outcomes}) > 1
    rows = [
        (
            f"{o.id}, seed {o.seed}" if several else o.id,
            *(percent(_share(o.right(way))) for way in ways),
            *(percent(_share(n["leaks"][way] for n in o.neighbours)) for way in (BEFORE, AFTER)),
            f"{o.report['drift']:.4f}",
            f"{o.seconds:.0f}",
        )
        for o in outcomes
    ]
    leaks = [percent(figures["ways"][way].get("leaks", 0.0)) for way in (BEFORE, AFTER)]
    mean = tuple(percent(figures["ways"][way]["right"].mean) for way in ways)
    rows.append(("all", *mean, *leaks, f"{figures['drift']:.4f}", f"{figures['seconds']:.0f}"))
    head = (outcomes[0].variant or "conversation", *ways, "leaks before", "leaks after", "drift", "seconds")
    kinds = [
        (kind, str(found["questions"]), *(percent(found[way]) for way in ways))
        for kind, found in figures["kinds"].items()
    ]
    updates = figures["corrections"]
    if updates["questions"]:
        old = (percent(updates["old"][way]) for way in ways)
        kinds.append(("update, old value given", str(updates["questions"]), *old))
    looked = next((o.change for o in reversed(outcomes) if o.change is not None), None)
    more = [(("what must stay as it was", "before", "after", "p"), [*changed(looked)])] if looked is not None else []
    return [(head, rows), _by_way(figures), (("kind", "questions", *ways), kinds), *more]


def _by_way(figures: dict[str, Any]) -> Table:
    scored = "f1" in next(iter(figures["ways"].values()))
    head = ["answered with", "right (95 % interval)", "of whole", "p against weights"]
    head += ["F1 (95 % interval)", "of whole", "p against weights"] if scored else []
    rows = []
    for way, found in figures["ways"].items():
        row = [NAMES[way], _share_text(found["right"]), *_against(found, "right")]
        row += [_score_text(found["f1"]), *_against(found, "f1")] if scored else []
        rows.append((*row, f"{found['tokens']:.0f}" if "tokens" in found else "-"))
    return ((*head, "prompt tokens"), rows)


def _by_variant(parts: dict[str, list[Outcome]]) -> Table:
    head = ("variant", "right", "F1", "leaks", "drift", "largest drift", "turns held", "seconds")
    rows: list[tuple[str, ...]] = []
    for variant, part in parts.items():
        found = summary(part)
        own = found["ways"][AFTER]
        rows.append(
            (
                variant or "as it is",
                _share_text(own["right"]),
                _score_text(own["f1"]) if "f1" in own else "-",
                percent(own.get("leaks", 0.0)),
                f"{found['drift']:.4f}",
                f"{found['drift_max']:.4f}",
                f"{found['turns_held']} of {found['turns']}",
                f"{found['seconds']:.0f}",
            )
        )
    return (head, rows)


def _against(found: dict[str, Any], score: str) -> list[str]:
    ratio, p = found.get(f"{score}_ratio"), found.get(f"{score}_p")
    return ["-" if ratio is None else f"{ratio:.2f}", "-" if p is None else f"{p:.4f}"]


def _share_text(part: Interval) -> str:
    return f"{100 * part.mean:.0f} % ({100 * part.low:.0f} to {100 * part.high:.0f})"


def _score_text(part: Interval) -> str:
    return f"{part.mean:.3f} ({part.low:.3f} to {part.high:.3f})"


def _share(flags: Iterable[Any]) -> float:
    found = [bool(flag) for flag in flags]
    return sum(found) / len(found) if found else 0.0
