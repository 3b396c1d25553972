"""Keeping what was learned: the version, totals where they are due, and the report that names it.

In come a judged candidate and the report on it, out goes the report with its version. Once the ledger has the version
it stands: what fails after that is logged. It knows nothing of how a candidate was learned.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from typing import Any

from langchain_selfparam.engine import commit as door
from langchain_selfparam.engine.choosing import was_too_large
from langchain_selfparam.engine.journal import now
from langchain_selfparam.engine.learn import Learned
from langchain_selfparam.engine.line import compact
from langchain_selfparam.engine.report import plain
from langchain_selfparam.protocols import Progress
from langchain_selfparam.records import ConsolidationReport, Job, TurnState
from langchain_selfparam.serving.gate import Gate
from langchain_selfparam.store import Store
from langchain_selfparam.weights.merge import ExactWeights, ServedWeights

logger = logging.getLogger(__name__)


def keep(
    store: Store,
    job: Job,
    learned: Learned,
    report: ConsolidationReport,
    *,
    exact: ServedWeights,
    model: Any,
    gate: Gate,
    began: float,
    progress: Progress,
) -> ConsolidationReport:
    """Commit what was learned, or note that it was refused.

    Args:
        store: The memory folder.
        job: The running job.
        learned: The candidate and the verdict on it.
        report: The report on it, without a version.
        exact: How ``model`` is served.
        model: The served model.
        gate: Its gate; this thread must not be inside.
        began: When the episode was begun, by ``time.perf_counter``.
        progress: Told before and after; what it raises after is logged.

    Returns:
        The report, with the version where there is one.
    """
    verdict, before = learned.verdict, time.perf_counter()
    version: int | None = None
    if verdict.accepted:
        progress("commit", 0, 1)
        version = door.commit(
            store,
            exact=exact,
            model=model,
            gate=gate,
            job=job,
            delta=learned.delta,
            held_ids=verdict.held,
            lost_ids=verdict.lost,
            report=plain(report),
            created_at=now(),
        ).id
        # One that was replied to while it was learned is pending, with its reply.
        states = {turn.id: turn.state for turn in store.turns.get(verdict.held)}
        report = dataclasses.replace(
            report,
            held=tuple(i for i in report.held if states[i] is TurnState.HELD),
            pending=tuple(sorted({*report.pending, *(i for i in states if states[i] is not TurnState.HELD)})),
        )
        if isinstance(exact, ExactWeights):
            compact(store, exact)
        _told(progress, version)
    else:
        store.jobs.fail(job, error="; ".join(verdict.reasons), count_attempt=True, too_large=was_too_large(report))
    ended = time.perf_counter()
    seconds = {**learned.seconds, "commit": ended - before, "total": ended - began}
    return dataclasses.replace(report, version=version, seconds=seconds)


def _told(progress: Progress, version: int) -> None:
    try:
        progress("commit", 1, 1)
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        logger.exception("whoever hears of the progress raised %s at commit; version %d stands", what, version)
