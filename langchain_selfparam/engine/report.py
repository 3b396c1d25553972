"""Reports: made from several episodes, from none, and as JSON.

Pure work on records; it changes nothing.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langchain_selfparam.records import (
    ConsolidationReport,
    Episode,
    Message,
    Probe,
    Statement,
    TargetSentence,
    TargetSet,
)

if TYPE_CHECKING:
    from langchain_selfparam.engine.learn import Learned  # with torch, which whoever only says something does not need


def nothing_done(reason: str) -> ConsolidationReport:
    """The report of a consolidation that had nothing to do."""
    return ConsolidationReport(
        version=None,
        held=(),
        pending=(),
        recall=0.0,
        drift=0.0,
        neighbours_wrong=0.0,
        seconds={"total": 0.0},
        tokens_saved=0,
        targets=0,
        scale=1.0,
        kl_first=0.0,
        kl_last=0.0,
        reasons=(reason,),
    )


def report_of(learned: Learned, episode: Episode, tokens: int) -> ConsolidationReport:
    """The report on what was learned, before it is kept.

    Args:
        learned: What was learned and how it was judged.
        episode: What it was learned from.
        tokens: Those of the turns that are held.

    Returns:
        The report; it has no version.
    """
    verdict, train = learned.verdict, learned.train
    return ConsolidationReport(
        version=None,
        held=verdict.held,
        pending=tuple(turn.id for turn in episode.turns if turn.id not in verdict.held),
        recall=verdict.recall,
        drift=verdict.drift,
        neighbours_wrong=verdict.neighbours_wrong,
        seconds=learned.seconds,
        tokens_saved=tokens,
        targets=len(learned.targets.sentences),
        scale=verdict.scale,
        kl_first=train.kl_first,
        kl_last=train.kl_last,
        reasons=verdict.reasons,
        missing=verdict.missing,
        curve=train.curve,
        probes=verdict.results,
        asked_again=verdict.asked_again,
        lost=verdict.lost,
    )


def combined(reports: Sequence[ConsolidationReport]) -> ConsolidationReport:
    """One report for episodes that were learned one after another.

    Args:
        reports: At least one, in order.

    Returns:
        Turns, seconds and tokens summed; recall and neighbours weighted by their probes; drift, scale and KL of the
        worst episode; the last version that was committed. Of one that was refused and then learned in parts there are
        the seconds, and why.
    """
    if len(reports) == 1:
        return reports[0]
    seconds: dict[str, float] = {}
    for report in reports:
        for stage, value in report.seconds.items():
            seconds[stage] = seconds.get(stage, 0.0) + value
    again = [_was_parted(report, reports[at:]) for at, report in enumerate(reports, start=1)]
    parted = [report for report, was in zip(reports, again, strict=True) if was]
    reports = [report for report, was in zip(reports, again, strict=True) if not was]
    probes = tuple(p for r in reports for p in r.probes)
    recall = [p.passed for p in probes if p.probe.kind == "recall"]
    near = [not p.passed for p in probes if p.probe.kind == "neighbour"]
    return ConsolidationReport(
        version=next((r.version for r in reversed(reports) if r.version is not None), None),
        held=_standing([(r.held, r.lost) for r in reports]),
        pending=tuple(i for r in reports for i in r.pending),
        recall=sum(recall) / max(1, len(recall)),
        drift=max(r.drift for r in reports),
        neighbours_wrong=sum(near) / max(1, len(near)),
        seconds=seconds,
        tokens_saved=sum(r.tokens_saved for r in reports),
        targets=sum(r.targets for r in reports),
        scale=min(r.scale for r in reports),
        kl_first=max(r.kl_first for r in reports),
        kl_last=max(r.kl_last for r in reports),
        reasons=(*map(_why_parted, parted), *(reason for r in reports for reason in r.reasons)),
        missing={turn: words for r in reports for turn, words in r.missing.items()},
        asked_again=tuple(dict.fromkeys(i for r in reports for i in r.asked_again)),
        lost=_standing([(r.lost, r.held) for r in reports]),
        curve=tuple(p for r in reports for p in r.curve),
        probes=probes,
    )


def _was_parted(report: ConsolidationReport, later: Sequence[ConsolidationReport]) -> bool:
    """Whether it was refused, and its turns were tried again in smaller episodes."""
    tried = {turn for r in later for turn in (*r.held, *r.pending)}
    return report.version is None and not tried.isdisjoint(report.pending)


def _why_parted(report: ConsolidationReport) -> str:
    return "; ".join([f"{len(report.pending)} turns at once were refused and tried in parts", *report.reasons[:1]])


def wordless(report: ConsolidationReport) -> ConsolidationReport:
    """A report without the words of what was said, for where some of it was forgotten meanwhile."""
    return dataclasses.replace(report, probes=(), missing={}, reasons=())


def _standing(changes: Sequence[tuple[Sequence[int], Sequence[int]]]) -> tuple[int, ...]:
    """What was added by any step and taken away by none after it."""
    found: dict[int, None] = {}
    for added, taken in changes:
        found = {i: None for i in found if i not in taken} | dict.fromkeys(added)
    return tuple(found)


def as_text(targets: TargetSet) -> str:
    """A target set as the ledger keeps it: JSON in which each context stands once, however many questions share it."""
    contexts: dict[tuple[Message, ...], int] = {}
    sentences = [
        {
            "kind": s.kind,
            "prompt": s.prompt,
            "answer": s.answer,
            "ends": s.ends,
            "context": contexts.setdefault(s.context, len(contexts)),
            "turn_id": s.turn_id,
        }
        for s in targets.sentences
    ]
    row = {
        "statements": [dataclasses.asdict(s) for s in targets.statements],
        "contexts": [[dataclasses.asdict(m) for m in context] for context in contexts],
        "sentences": sentences,
        "probes": [dataclasses.asdict(p) for p in targets.probes],
        "dropped": dict(targets.dropped),
    }
    return json.dumps(row, ensure_ascii=False)


def probe_of(row: Mapping[str, Any]) -> Probe:
    """A probe from its fields as JSON has them; those of an earlier version lack some."""
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    return Probe(**fields)


def target_set(text: str) -> TargetSet:
    """A target set from the text that ``as_text`` made of it."""
    row = json.loads(text)
    contexts = [tuple(Message(**m) for m in context) for context in row["contexts"]]
    return TargetSet(
        statements=tuple(Statement(**s) for s in row["statements"]),
        sentences=tuple(TargetSentence(**{**s, "context": contexts[s["context"]]}) for s in row["sentences"]),
        probes=tuple(map(probe_of, row["probes"])),
        dropped=row["dropped"],
    )


def plain(report: ConsolidationReport) -> Mapping[str, object]:
    """A report as the ledger keeps it: figures and reasons, of the curve only how many steps it has."""
    whole = dataclasses.asdict(dataclasses.replace(report, curve=())) | {"steps": len(report.curve)}
    return {k: v for k, v in whole.items() if k not in {"curve", "version"}}
