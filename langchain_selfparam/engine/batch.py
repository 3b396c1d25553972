"""Everything that is pending, of many namespaces, in one run: fair, within its time, stopped without loss.

In come spaces or one engine, out goes a ``BatchReport``. Each round takes one episode of every namespace, whoever has
waited longest first, so that nobody who says much keeps the others waiting. What was committed stays, what was not
begun or was stopped is pending: the next run goes on where this one ended. It trains nothing itself.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Literal, Protocol

from langchain_selfparam.engine.journal import now
from langchain_selfparam.engine.report import combined
from langchain_selfparam.errors import ClosedError, ConfigError, SelfParamError, StoppedError
from langchain_selfparam.protocols import Progress, no_progress
from langchain_selfparam.records import BatchReport, ConsolidationReport, Namespace, Turn

logger = logging.getLogger(__name__)

Ended = Literal["done", "deadline", "budget", "stopped"]


class Learning(Protocol):
    """One namespace's engine, as far as a run needs it."""

    def learn_next(self, tried: set[int], *, progress: Progress | None = None) -> ConsolidationReport | None:
        """Learn one episode; ``None`` where no other turn is pending."""
        ...


class Place(Protocol):
    """Where namespaces are: ``Spaces``, or an ``Engine`` with its one."""

    def waiting(self) -> tuple[Turn, ...]:
        """Every turn that no weights hold, in the order in which they were said."""
        ...

    def learning(self, namespace: Namespace) -> AbstractContextManager[Learning]:
        """A namespace's engine, kept in memory for the block."""
        ...

    def tokens(self, turns: Sequence[Turn]) -> int:
        """Tokens that turns take in a prompt."""
        ...


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Where a run ends although something is left.

    Attributes:
        deadline: Seconds from its beginning. No episode is begun that would end later, going by the longest so far, and
            one that is not done by then is stopped between two steps.
        max_tokens: Tokens of turns, by the model's own tokenizer, after which no other episode is begun.
        after_seconds: Seconds that a namespace has to have said nothing; one that is speaking is left for the next run.
        stopping: Asked between steps whether to stop.
    """

    deadline: float | None = None
    max_tokens: int | None = None
    after_seconds: float = 0.0
    stopping: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        for name in ("deadline", "max_tokens"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                msg = f"{name} is {value!r}; it has to be above 0, or None for no limit"
                raise ConfigError(msg)
        if not self.after_seconds >= 0:
            msg = f"after_seconds is {self.after_seconds!r}; it has to be 0 or more seconds"
            raise ConfigError(msg)


def consolidate_all(
    place: Place,
    namespaces: Collection[Namespace] | None = None,
    *,
    limits: Limits,
    progress: Progress = no_progress,
) -> BatchReport:
    """Learn what is pending, of everybody.

    An error of one namespace is kept in the report and ends that one's part only. Ctrl-C ends the run as it ends a
    consolidation: what was committed stays, everything else is pending.

    Args:
        place: Where the namespaces are.
        namespaces: Only these; all where missing.
        limits: Where to end although something is left.
        progress: Told of the stages of each episode, and as ``("namespaces", done, all)`` of each one that ends.

    Returns:
        What was done and what is left.

    Raises:
        ClosedError: The memory was closed meanwhile.
    """
    run = _Run(place, None if namespaces is None else frozenset(namespaces), limits, progress)
    while waiting := run.round():
        for namespace in waiting:
            run.one(namespace)
    return run.report()


class _Run:
    """One run: what was tried, learned and spent so far."""

    def __init__(self, place: Place, wanted: Collection[Namespace] | None, limits: Limits, progress: Progress) -> None:
        self.ended: Ended = "done"
        self._place, self._wanted, self._limits, self._progress = place, wanted, limits, progress
        self._began = time.monotonic()
        self._longest = 0.0
        self._spent = self._done = 0
        self._reports: dict[Namespace, list[ConsolidationReport]] = {}
        self._failed: dict[Namespace, str] = {}
        self._tried: dict[Namespace, set[int]] = {}

    def round(self) -> list[Namespace]:
        """Who has something that was not tried, whoever has waited longest first; nobody where the run has ended."""
        if self.ended != "done":
            return []
        silent = now() - timedelta(seconds=self._limits.after_seconds)
        return [
            namespace
            for namespace, turns in self._untried().items()
            if namespace not in self._failed
            and (not self._limits.after_seconds or max(t.created_at for t in turns) <= silent)
        ]

    def one(self, namespace: Namespace) -> None:
        """Learn one episode of a namespace, if the run has not ended and there is time and budget for it."""
        if self.ended == "done":
            self._look(self._longest)
        if self.ended == "done" and self._limits.max_tokens is not None and self._spent >= self._limits.max_tokens:
            self.ended = "budget"
        if self.ended != "done":
            return
        turns = {turn.id: turn for turn in self._untried().get(namespace, ())}
        tried, began = set(self._tried.get(namespace, ())), time.monotonic()
        try:
            with self._place.learning(namespace) as engine:
                report = engine.learn_next(tried, progress=self._heard)
        except StoppedError:
            return  # nothing of it was tried
        except ClosedError:
            raise
        except SelfParamError as error:
            self._failed[namespace] = f"{type(error).__name__}: {error}"
            logger.warning("%s was not learned: %s", "/".join(namespace), self._failed[namespace])
            report = None
        if report is not None:
            self._reports.setdefault(namespace, []).append(report)
            self._spent += self._place.tokens([turn for id_, turn in turns.items() if id_ in tried])
        # Turns that nobody may try any more are tried as well: or the run would come back to them for ever.
        self._tried[namespace] = tried if report is not None else tried | turns.keys()
        self._longest = max(self._longest, time.monotonic() - began)
        self._done += 1
        self._progress("namespaces", self._done, self._done + len(self.round()))

    def report(self) -> BatchReport:
        """What was done so far."""
        return BatchReport(
            reports={namespace: combined(reports) for namespace, reports in self._reports.items()},
            failed=self._failed,
            left={n: len(turns) for n, turns in self._untried().items() if n not in self._failed},
            ended=self.ended,
            seconds=time.monotonic() - self._began,
        )

    def _untried(self) -> dict[Namespace, list[Turn]]:
        found: dict[Namespace, list[Turn]] = {}
        for turn in self._place.waiting():
            wanted = self._wanted is None or turn.namespace in self._wanted
            if wanted and turn.id not in self._tried.get(turn.namespace, ()):
                found.setdefault(turn.namespace, []).append(turn)
        return found

    def _look(self, needed: float) -> None:
        """End the run where it was asked to stop, or where its time would be over in so many seconds."""
        deadline = self._limits.deadline
        if self._limits.stopping():
            self.ended = "stopped"
        elif deadline is not None and time.monotonic() - self._began + needed > deadline:
            self.ended = "deadline"

    def _heard(self, stage: str, done: int, total: int) -> None:
        """Progress of an episode, at which a run stops; never once its version is committed."""
        if stage != "commit" or not done:
            self._look(0.0)
            if self.ended != "done":
                msg = f"stopped at {stage}, {done} of {total} ({self.ended}); the turns are pending: run it again"
                raise StoppedError(msg)
        self._progress(stage, done, total)
