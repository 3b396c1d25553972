"""Learning what is pending, also where a run was killed before what it had learned was written down.

In come a memory and the last version that a run has written down, out goes one report on everything since: of what was
learned before the end it is in the ledger.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from langchain_selfparam.engine.pipeline import Engine
from langchain_selfparam.engine.report import combined, probe_of
from langchain_selfparam.protocols import Progress
from langchain_selfparam.records import ConsolidationReport, ProbeResult, Version

_KEPT_OTHERWISE = {"version", "curve", "probes"}
"""Fields of a report that the ledger does not keep as they are."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """What was learned since a version.

    Attributes:
        report: On all of it; its curve has only what was learned now.
        steps: Training steps of all of it.
        version: The newest version that there is, also where nothing was learned.
        now: Whether anything was learned now.
    """

    report: ConsolidationReport
    steps: int
    version: int
    now: bool


def learn(engine: Engine, *, after: int, progress: Progress) -> Learned:
    """Learn what is pending; what a run that was killed has learned of it is not learned again.

    With ``policy.max_tokens`` a consolidation makes several versions, so that a run can end between two of them: then
    what was not tried yet is learned, and reported on with the others. Only what was refused leaves no version: it is
    tried again.

    Args:
        engine: The memory, in which everything has been said.
        after: The last version that is written down.
        progress: Told of stages as they go on.

    Returns:
        What was learned.
    """
    kept = [version for version in engine.versions() if version.id > after]
    reports = [_report(version) for version in kept]
    steps = sum(_steps(version) for version in kept)
    # What was tried and is not held waits for the next consolidation, as it would have without an end; of what was
    # refused to be learned in parts not every part may have been tried.
    tried = {turn for report in reports for turn in (*report.held, *report.pending, *report.lost)}
    most = engine.settings.policy.max_attempts
    now = not kept or any(turn.id not in tried and turn.attempts < most for turn in engine.waiting())
    if now:
        reports.append(engine.consolidate(progress=progress, without=tried))
        steps += len(reports[-1].curve)
    return Learned(report=combined(reports), steps=steps, version=engine.versions()[-1].id, now=now)


def _report(version: Version) -> ConsolidationReport:
    """The report that the ledger has of a version."""
    kept: dict[str, Any] = dict(version.report)
    fields = {field.name for field in dataclasses.fields(ConsolidationReport)} - _KEPT_OTHERWISE
    seconds = {"total": sum(kept["seconds"].values()), **kept["seconds"]}
    probes = tuple(
        ProbeResult(
            probe=probe_of(row["probe"]),
            answer=row["answer"],
            passed=row["passed"],
        )
        for row in kept.get("probes", ())
    )
    found: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in kept.items() if name in fields
    }
    found |= {"seconds": seconds, "version": version.id, "probes": probes}
    return ConsolidationReport(**found)


def _steps(version: Version) -> int:
    steps = version.report.get("steps", 0)
    assert isinstance(steps, int), f"the ledger has {steps!r} training steps"
    return steps
