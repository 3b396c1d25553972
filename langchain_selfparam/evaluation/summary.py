"""What ``selfparam eval single`` and ``batch`` show: figures with intervals and tests, tables, JSON.

In come outcomes, out go values and strings. It asks and learns nothing.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langchain_selfparam.evaluation.injection import AFTER, BEFORE, HISTORY, QUOTED, RETRIEVED
from langchain_selfparam.evaluation.outcome import Outcome
from langchain_selfparam.evaluation.stats import Interval, interval, paired
from langchain_selfparam.evaluation.tables import as_plain, percent
from langchain_selfparam.evaluation.unchanged import over_models
from langchain_selfparam.evaluation.unchanged import table as changed

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
_WHOLES = {"ratio": HISTORY, "of_quoted": QUOTED}
"""What scores are divided by: those of the whole conversation in the prompt, and those of the right turn alone, which
is the ceiling of what a memory of this model can reach."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Asked:
    """A question of one conversation with its scores by way, each the mean over seeds."""

    id: str
    kind: str
    right: Mapping[str, float]
    f1: Mapping[str, float] | None
    old: Mapping[str, float]


def summary(outcomes: Sequence[Outcome], *, planned: int | None = None) -> dict[str, Any]:
    """Figures over outcomes of one variant.

    Args:
        outcomes: At least one.
        planned: How many there would be, where the run was not to its end.

    Returns:
        ``ways``: for each way ``right`` (and ``f1`` where the set has whole answers) with its 95 % bootstrap interval
        over conversations and their questions, each question once with its mean over seeds, its ratio to the whole
        conversation in the prompt (``right_ratio``, ``f1_ratio``) and to the right turn quoted (``right_of_quoted``,
        ``f1_of_quoted``), each missing where that way was not asked or has nothing right, ``p`` of the paired test
        against the weights, ``leaks`` where there are neighbours, ``tokens``; ``tested_over``: what the test exchanges,
        ``conversations`` or ``questions``; ``kinds``: right by kind of question and way, and of the weights
        ``ratio_to_history`` and ``ratio_to_quoted``, missing as those are; ``corrections``: new and old values given;
        of each consolidation once: drift of what is served (none where it was refused), ``refused``, seconds, peak
        memory, turns held; ``change``: what else moved, mean and worst.
    """
    asked = _asked(outcomes)
    ways = {way: _way(outcomes, asked, way) for way in _ways(outcomes)}
    for found in ways.values():
        found.update(_ratios(found, ways))
    updates = [q for q in asked if q.kind == "update"]
    once = learned(outcomes)
    drifts = [drift(o) for o in once]
    changes = [o.change for o in once if o.change is not None]
    return {
        "outcomes": len(outcomes),
        "planned": len(outcomes) if planned is None else planned,
        "questions": len(asked),
        "ways": ways,
        "tested_over": _over(asked),
        "kinds": {
            kind: _of_kind([q for q in asked if q.kind == kind], list(ways))
            for kind in dict.fromkeys(q.kind for q in asked)
        },
        "corrections": {
            "questions": len(updates),
            "new": {way: _mean(q.right[way] for q in updates) for way in ways},
            "old": {way: _mean(q.old.get(way, 0.0) for q in updates) for way in ways},
        },
        "drift": statistics.fmean(drifts),
        "drift_max": max(drifts),
        "scale": statistics.fmean(0.0 if refused(o) else o.report["scale"] for o in once),
        "consolidations": len(once),
        "refused": sum(map(refused, once)),
        "turns_held": sum(len(o.report["held"]) for o in once),
        "turns": sum(len(o.report["held"]) + len(o.report["pending"]) for o in once),
        "seconds": statistics.fmean(o.seconds for o in once),
        "peak_bytes": max(o.peak_bytes for o in outcomes),
        "change": over_models(changes) if changes else None,
    }


def as_json(
    outcomes: Sequence[Outcome], *, model: str, data: str, protocol: str, planned: int | None = None
) -> dict[str, Any]:
    """An evaluation as JSON values.

    Args:
        outcomes: At least one.
        model: Whose memory it was.
        data: What was read.
        protocol: ``single`` or ``batch``.
        planned: How many outcomes each variant would have (contexts times seeds), where the run was not to its end.

    Returns:
        Figures under ``summary``, by variant, and every answer under ``conversations``.
    """
    return {
        "model": model,
        "data": data,
        "protocol": protocol,
        "summary": as_plain({variant: summary(part, planned=planned) for variant, part in variants(outcomes).items()}),
        "conversations": [as_plain(o) for o in outcomes],
    }


def tables(outcomes: Sequence[Outcome], *, planned: int | None = None) -> list[Table]:
    """The tables of an evaluation.

    Args:
        outcomes: At least one.
        planned: How many each variant would have (contexts times seeds), where the run was not to its end.

    Returns:
        Header and rows of each table: by conversation, by way with intervals and tests (for F1 where there is one as
        well), by kind of question; by variant where there are several.
    """
    parts = variants(outcomes)
    found = [table for part in parts.values() for table in _tables(part, planned)]
    return [*found, _by_variant(parts)] if len(parts) > 1 else found


def variants(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """The outcomes by variant, in order."""
    found: dict[str, list[Outcome]] = {}
    for part in outcomes:
        found.setdefault(part.variant, []).append(part)
    return found


def learned(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The first outcome of each consolidation: what is learned at once has one report, which each of it carries."""
    found: list[Outcome] = []
    for part in outcomes:
        if not any(_together(part, earlier) for earlier in found):
            found.append(part)
    return found


def refused(outcome: Outcome) -> bool:
    """Whether nothing was committed: the weights are those from before."""
    return outcome.report["version"] is None


def drift(outcome: Outcome) -> float:
    """How far what is served is from the untouched model; not at all where the candidate was refused."""
    return outcome.drift


def _together(one: Outcome, other: Outcome) -> bool:
    """Whether both were learned at once."""
    mark = (one.seed, one.variant, one.seconds)
    return mark == (other.seed, other.variant, other.seconds) and one.report == other.report


def _ways(outcomes: Sequence[Outcome]) -> list[str]:
    """Ways that every outcome has, in the order of ``NAMES``, the weights last.

    Of a context of one turn BM25 can find nothing but that turn: the prompt is that of ``QUOTED``, and is left out.
    """
    known = [way for way in NAMES if all(way in o.ways for o in outcomes) and way != AFTER]
    if QUOTED in known and all(len(o.report["held"]) + len(o.report["pending"]) == 1 for o in outcomes):
        known = [way for way in known if way != RETRIEVED]
    return [*known, *([AFTER] if all(AFTER in o.ways for o in outcomes) else [])]


def _asked(outcomes: Sequence[Outcome]) -> list[_Asked]:
    """Every question once, however many seeds it was asked with."""
    same: dict[tuple[str, int, str], list[Mapping[str, Any]]] = {}
    for found in outcomes:
        for number, row in enumerate(found.questions):
            same.setdefault((found.id, number, row["question"]), []).append(row)

    def means(rows: list[Mapping[str, Any]], score: str) -> dict[str, float]:
        ways = [way for way in rows[0].get(score, {}) if all(way in row.get(score, {}) for row in rows)]
        return {way: statistics.fmean(float(row[score][way]) for row in rows) for way in ways}

    return [
        _Asked(id_, rows[0]["kind"], means(rows, "right"), means(rows, "f1") or None, means(rows, "old"))
        for (id_, _, _), rows in same.items()
    ]


def _over(asked: Sequence[_Asked]) -> str:
    return paired([0.0] * len(asked), [0.0] * len(asked), [q.id for q in asked]).over


def _way(outcomes: Sequence[Outcome], asked: Sequence[_Asked], way: str) -> dict[str, Any]:
    groups = [q.id for q in asked]
    right, ours = ([q.right[w] for q in asked] for w in (way, AFTER))
    found: dict[str, Any] = {"right": interval(right, groups=groups)}
    if way != AFTER:
        found["right_p"] = paired(right, ours, groups).p
    scored = [q.f1 for q in asked if q.f1 is not None]
    if len(scored) == len(asked):
        scores, own = ([f1[w] for f1 in scored] for w in (way, AFTER))
        found["f1"] = interval(scores, groups=groups)
        if way != AFTER:
            found["f1_p"] = paired(scores, own, groups).p
    leaks = [n["leaks"][way] for o in outcomes for n in o.neighbours if way in n["leaks"]]
    if leaks:
        found["leaks"] = _mean(leaks)
    counted = [o.tokens[way] for o in outcomes if way in o.tokens]
    if counted:
        found["tokens"] = statistics.fmean(counted)
    return found


def _ratios(found: Mapping[str, Any], ways: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """A way's scores over those of ``_WHOLES``; none over a way that was not asked or has nothing right."""
    return {
        f"{score}_{name}": found[score].mean / ways[whole][score].mean
        for score in ("right", "f1")
        for name, whole in _WHOLES.items()
        if score in found and whole in ways and ways[whole][score].mean
    }


def _of_kind(asked: Sequence[_Asked], ways: Sequence[str]) -> dict[str, Any]:
    """Right answers to questions of one kind, and those of the weights over those of ``_WHOLES``."""
    found = {way: _mean(q.right[way] for q in asked) for way in ways}
    ratios = {f"ratio_to_{whole}": found[AFTER] / found[whole] for whole in _WHOLES.values() if found.get(whole)}
    return {"questions": len(asked), **found, **ratios}


def _tables(outcomes: Sequence[Outcome], planned: int | None) -> list[Table]:
    figures = summary(outcomes, planned=planned)
    changes = [o.change for o in learned(outcomes) if o.change is not None]
    more = [changed(changes)] if changes else []
    more += [_others(outcomes)] if any(o.baselines for o in outcomes) else []
    first = next(iter(figures["ways"].values()))
    by_way = [_by_way(figures, score) for score in ("right", "f1") if score in first]
    return [_by_conversation(outcomes, figures), *by_way, _by_kind(figures), *more]


def _by_conversation(outcomes: Sequence[Outcome], figures: Mapping[str, Any]) -> Table:
    ways, once = list(figures["ways"]), learned(outcomes)
    several = len({o.seed for o in outcomes}) > 1
    rows = []
    for found in outcomes:
        cells = [f"seed {found.seed}, {found.id}" if several else found.id]
        cells += [percent(_mean(found.right(way))) for way in ways]
        cells += [_leaks(n["leaks"].get(way) for n in found.neighbours) for way in (BEFORE, AFTER)]
        own = (_held(found), f"{drift(found):.4f}", f"{found.seconds:.0f}", _giga(found.peak_bytes))
        rows.append((*cells, *(own if any(found is first for first in once) else ("same",) * len(own))))
    done, planned = figures["outcomes"], figures["planned"]
    name = "all" if done >= planned else f"{done} of {planned} {'runs' if several else 'contexts'}"
    mean = (percent(figures["ways"][way]["right"].mean) for way in ways)
    leaks = (_leaks([figures["ways"][way].get("leaks")]) for way in (BEFORE, AFTER))
    last = (_held_of(figures), f"{figures['drift']:.4f}", f"{figures['seconds']:.0f}", _giga(figures["peak_bytes"]))
    rows.append((name, *mean, *leaks, *last))
    head = (outcomes[0].variant or "conversation", *ways, "leaks before", "leaks after")
    head += ("turns held", "drift", "seconds", "peak GB")
    # Runs from before it was kept have none.
    return (head, rows) if figures["peak_bytes"] else (head[:-1], [row[:-1] for row in rows])


def _others(outcomes: Sequence[Outcome]) -> Table:
    """How the other ways learned, and what it took: a way that was not run everywhere is in no other table.

    What is learned at once took its seconds once, however many conversations it was.
    """
    rows: list[tuple[str, ...]] = []
    once = learned(outcomes)
    for name in dict.fromkeys(name for o in outcomes for name in o.baselines):
        found = [o.baselines[name] for o in outcomes if name in o.baselines]
        done = [one for one in found if "not_run" not in one]
        rates = ", ".join(dict.fromkeys(f"{one['rate']:g}" for one in done))
        drifts = [one["drift"] for one in done if one["drift"] is not None]
        why = next((one["not_run"] for one in found if "not_run" in one), "")
        moved = f"{statistics.fmean(drifts):.4f}" if drifts else "-"
        took = [o.baselines[name]["seconds"] for o in once if "seconds" in o.baselines.get(name, {})]
        peak = max((one.get("peak_bytes", 0) for one in done), default=0)
        cost = (f"{statistics.fmean(took):.0f}" if took else "-", f"{peak / 2**20:.0f}" if peak else "-")
        rows.append((NAMES.get(name, name), f"{len(done)} of {len(outcomes)}", rates or "-", moved, *cost, why))
    head = ("other ways to learn", "run", "rate, best for its own questions", "drift", "seconds", "peak MiB")
    return ((*head, "why not everywhere"), rows)


def _held(outcome: Outcome) -> str:
    held, pending = (len(outcome.report[name]) for name in ("held", "pending"))
    return "refused" if refused(outcome) else f"{held} of {held + pending}"


def _held_of(figures: Mapping[str, Any]) -> str:
    more = f", {figures['refused']} refused" if figures["refused"] else ""
    return f"{figures['turns_held']} of {figures['turns']}{more}"


def _giga(count: int) -> str:
    return f"{count / 1e9:.2f}"


def _leaks(parts: Iterable[float | None]) -> str:
    """A share; a dash where no question about other things was asked."""
    found = [part for part in parts if part is not None]
    return percent(_mean(found)) if found else "-"


def _by_kind(figures: Mapping[str, Any]) -> Table:
    ways = list(figures["ways"])
    rows = [
        (
            kind,
            str(found["questions"]),
            *(percent(found[way]) for way in ways),
            *(_ratio(found.get(f"ratio_to_{whole}")) for whole in _WHOLES.values()),
        )
        for kind, found in figures["kinds"].items()
    ]
    updates = figures["corrections"]
    if updates["questions"]:
        old = (percent(updates["old"][way]) for way in ways)
        rows.append(("update, old value given", str(updates["questions"]), *old, "-", "-"))
    return (("kind", "questions", *ways, "after, of whole", "after, of quoted"), rows)


def _by_way(figures: Mapping[str, Any], score: str) -> Table:
    """One score of each way: both in one table have more columns than a terminal has room for."""
    shown, text = ("right", _share_text) if score == "right" else ("F1", _score_text)
    head = ("answered with", f"{shown} (95 % interval)", "of whole", "of quoted")
    rows = []
    for way, found in figures["ways"].items():
        p = found.get(f"{score}_p")
        ratios = (_ratio(found.get(f"{score}_{name}")) for name in _WHOLES)
        tokens = f"{found['tokens']:.0f}" if "tokens" in found else "-"
        rows.append((NAMES[way], text(found[score]), *ratios, "-" if p is None else f"{p:.4f}", tokens))
    return ((*head, f"p against weights, over {figures['tested_over']}", "prompt tokens"), rows)


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
                _leaks([own.get("leaks")]),
                f"{found['drift']:.4f}",
                f"{found['drift_max']:.4f}",
                _held_of(found),
                f"{found['seconds']:.0f}",
            )
        )
    return (head, rows)


def _ratio(part: float | None) -> str:
    return "-" if part is None else f"{part:.2f}"


def _share_text(part: Interval) -> str:
    return f"{100 * part.mean:.0f} % ({100 * part.low:.0f} to {100 * part.high:.0f})"


def _score_text(part: Interval) -> str:
    return f"{part.mean:.3f} ({part.low:.3f} to {part.high:.3f})"


def _mean(values: Iterable[float]) -> float:
    found = [float(value) for value in values]
    return statistics.fmean(found) if found else 0.0
