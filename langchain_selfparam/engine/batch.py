"""Everything that is pending, of many namespaces, in one run: fair, within its time, stopped without loss.

In come spaces or one engine, out goes a ``BatchReport``. Each round takes one episode of every namespace, whoever has
waited longest first, so that nobody who says much keeps the others waiting; nor does one whose episodes are killed or
stopped each time, which comes after the others every second time. What was committed stays, what was not begun or was
stopped is pending: the next run goes on where this one ended. The worker rests meanwhile. It trains nothing itself.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta, timezone
from typing import Literal, Protocol

from langchain_selfparam.config import Settings
from langchain_selfparam.engine.choosing import to_be_halved
from langchain_selfparam.engine.journal import now
from langchain_selfparam.engine.lessons import Lesson, Training, together
from langchain_selfparam.engine.limits import Limits
from langchain_selfparam.engine.report import combined, wordless
from langchain_selfparam.engine.room import let_go, out_of_memory
from langchain_selfparam.engine.worker import Worker
from langchain_selfparam.errors import ClosedError, CrowdedError, NonFiniteLossError, StoppedError
from langchain_selfparam.protocols import Progress, no_progress
from langchain_selfparam.records import BatchReport, ConsolidationReport, Namespace, TrainReport, Turn

logger = logging.getLogger(__name__)

Ended = Literal["done", "deadline", "budget", "stopped"]

_EVER = datetime.min.replace(tzinfo=timezone.utc)
_LOOKS = 0.2
"""Seconds after which a run that waits for somebody else's learning looks whether it is to end."""


class Learning(Protocol):
    """One namespace's engine, as far as a run needs it."""

    def lesson(
        self, tried: set[int], *, progress: Progress | None = None, beside: Callable[[], bool] = lambda: False
    ) -> Lesson[ConsolidationReport | None]:
        """The lesson of one episode; it ends with ``None`` where no other turn is pending."""
        ...


class Place(Protocol):
    """Where namespaces are: ``Spaces``, or an ``Engine`` with its one."""

    settings: Settings
    last_report: ConsolidationReport | None
    forgettings: int
    """How often something was forgotten."""
    last_error: BaseException | None

    lock: threading.RLock
    """Held by whoever learns or changes weights."""
    worker: Worker | None
    """What learns by itself otherwise."""

    @property
    def closed(self) -> bool:
        """Whether it is closed, or about to be."""
        ...

    def waiting(self) -> tuple[Turn, ...]:
        """Every turn that no weights hold, in the order in which they were said."""
        ...

    def unfinished(self) -> Mapping[Namespace, int]:
        """How many of the last episodes of each came to no end, in a row."""
        ...

    def last_served(self) -> Mapping[Namespace, datetime]:
        """When the last episode of each that came to an end was begun."""
        ...

    def learning(self, namespace: Namespace) -> AbstractContextManager[Learning]:
        """A namespace's engine, kept in memory for the block."""
        ...

    def tokens(self, turns: Sequence[Turn]) -> int:
        """Tokens that turns take in a prompt."""
        ...


def consolidate_all(
    place: Place,
    namespaces: Collection[Namespace] | None = None,
    *,
    limits: Limits,
    progress: Progress = no_progress,
) -> BatchReport:
    """Learn what is pending, of everybody.

    An error of one namespace is kept in the report and ends that one's part only. Ctrl-C ends the run as it ends a
    consolidation: what was committed stays, everything else is pending. Turns whose attempts are used up are tried
    when nothing else waits any more, of a namespace of which the run has learned nothing else: or they would come
    first, and again in every run.

    Args:
        place: Where the namespaces are.
        namespaces: Only these; all where missing.
        limits: Where to end although something is left.
        progress: Told before each episode whose it is, as ``("memories/ana", 0, turns that wait)``, of its stages, and
            after it as ``("namespaces", done, all)`` of how many namespaces have nothing left to be tried.

    Returns:
        What was done and what is left; where the memory is closed meanwhile, it was stopped.

    Raises:
        ClosedError: The memory was closed before.
    """
    run = _Run(place, None if namespaces is None else frozenset(namespaces), limits, progress)
    with contextlib.ExitStack() as stack:
        if run.alone(stack):
            while waiting := run.round():
                while waiting and run.ended == "done":
                    waiting = waiting[run.learn(waiting) :]
    return run.report()


@dataclasses.dataclass(slots=True)
class _Part:
    """What one namespace has in a group: an episode that is being learned."""

    namespace: Namespace
    lesson: Lesson[ConsolidationReport | None]
    turns: dict[int, Turn]
    tried: set[int]
    training: Training | None = None
    again: bool = False
    """Whether it is ended here to be begun again with fewer beside it."""


class _Run:
    """One run: what was tried, learned and spent so far."""

    def __init__(self, place: Place, wanted: Collection[Namespace] | None, limits: Limits, progress: Progress) -> None:
        self.ended: Ended = "done"
        self._place, self._wanted, self._limits, self._progress = place, wanted, limits, progress
        self._began = time.monotonic()
        self._together = limits.concurrency
        self._longest = 0.0
        self._spent = 0
        self._reports: dict[Namespace, list[ConsolidationReport]] = {}
        self._failed: dict[Namespace, BaseException] = {}
        self._tried: dict[Namespace, set[int]] = {}
        self._singly: set[Namespace] = set()
        self._open = 0
        self._forgettings = place.forgettings
        self._unfinished: Mapping[Namespace, int] | None = None
        self._served: Mapping[Namespace, datetime] = {}
        self._deaf = False
        self._attempts = place.settings.policy.max_attempts
        self._seen: list[Turn] | None = None
        self._closed = False
        self._fresh_only = any(map(self._fresh, self._waiting()))

    def alone(self, stack: contextlib.ExitStack) -> bool:
        """Have the worker rest until the stack is closed; its step is waited for as long as this run has.

        Args:
            stack: Ends the rest.

        Returns:
            Whether it rests; otherwise the run has ended.
        """
        while self._goes_on():
            with contextlib.suppress(TimeoutError):
                if self._place.worker is not None:
                    stack.enter_context(self._place.worker.paused(_LOOKS))
                return True
        return False

    def round(self) -> list[Namespace]:
        """Who has something that was not tried, whoever has waited longest first; nobody where the run has ended."""
        if self.ended != "done":
            return []
        try:
            if self._unfinished is None:  # now that the worker rests
                self._unfinished, self._served = self._place.unfinished(), self._place.last_served()
                # One that ends the process each time would take those beside it with it each time.
                self._singly |= {namespace for namespace, count in self._unfinished.items() if count > 1}
        except ClosedError:
            self.ended = "stopped"
            return []
        found = self._speechless()
        if not found and self._fresh_only:
            self._fresh_only = False  # all that was fresh is tried: now the rest, in what time is left
            found = self._speechless()
        # Of several the one that came to no end least often comes first: or it would wait for the others for ever.
        behind = {namespace: count for namespace, count in self._unfinished.items() if not count % 2}
        return sorted(found, key=lambda namespace: (behind.get(namespace, 0), found[namespace]))

    def _speechless(self) -> dict[Namespace, datetime]:
        """Who has something that was not tried and is silent, with the time since when they wait.

        That is since they spoke or were last served, whichever is later: a run that has time for one episode goes to
        another one each time, however much the first has said.
        """
        untried = {namespace: turns for namespace, turns in self._untried().items() if self._silent(turns)}
        return {n: max(turns[0].created_at, self._served.get(n, _EVER)) for n, turns in untried.items()}

    def learn(self, waiting: Sequence[Namespace]) -> int:
        """Learn one episode of each of the first, beside each other, if there is time and budget for it.

        Args:
            waiting: Namespaces, at least one.

        Returns:
            How many were taken; 0 where the run has ended.
        """
        with contextlib.ExitStack() as stack:
            if not self._is_in_time_and_budget() or not self._mine(stack):
                return 0
            began, taken = time.monotonic(), 0
            parts: list[_Part] = []
            for namespace in self._group(waiting):
                if taken and not self._room_for_more(parts, began, taken):
                    break
                self._open = 1 + sum(part.training is not None for part in parts)
                parts += self._begun(namespace, stack)
                taken += 1
            parts = [part for part in parts if part.training is not None]
            self._open = len(parts)
            self._train(parts)
        self._longest = max(self._longest, time.monotonic() - began)
        return taken

    def _is_in_time_and_budget(self) -> bool:
        if self._goes_on(self._longest) and self._limits.max_tokens is not None:
            self.ended = "budget" if self._spent >= self._limits.max_tokens else "done"
        return self.ended == "done"

    def _mine(self, stack: contextlib.ExitStack) -> bool:
        """Keep everybody else from learning until the stack is closed; ``False`` where the run ends while it waits."""
        lock = self._place.lock
        while not lock.acquire(timeout=_LOOKS):
            if not self._goes_on():
                return False
        stack.callback(lock.release)
        return True

    def _group(self, waiting: Sequence[Namespace]) -> list[Namespace]:
        """Who is trained in one row at most; one whose numbers broke in company is by itself."""
        if waiting[0] in self._singly:
            return [waiting[0]]
        return list(itertools.takewhile(lambda n: n not in self._singly, waiting[: self._together]))

    def _room_for_more(self, parts: Sequence[_Part], began: float, taken: int) -> bool:
        """Whether a group may grow: what was begun has to be trained and judged as well, in time and in budget.

        The next one's beginning takes as long as the others' did, and what follows about twice as long.
        """
        limits, now_ = self._limits, time.monotonic()
        tried = [turn for part in parts for id_, turn in part.turns.items() if id_ in part.tried]
        spent = limits.max_tokens is not None and self._spent + self._place.tokens(tried) >= limits.max_tokens
        begun = (now_ - began) * (taken + 1) / taken
        late = limits.deadline is not None and begun > (self._began + limits.deadline - began) / 3
        full = any(part.again for part in parts)
        return self.ended == "done" and not spent and not late and not full

    def _begun(self, namespace: Namespace, stack: contextlib.ExitStack) -> list[_Part]:
        """A namespace's episode up to its training; it is closed with the stack, whatever happens."""
        turns = {turn.id: turn for turn in self._untried().get(namespace, ())}
        if not turns or not self._silent(list(turns.values())):  # it has spoken since the round began
            return []
        tried = set(self._tried.get(namespace, ()))
        self._told("/".join(namespace), 0, len(turns))
        try:
            engine = stack.enter_context(self._place.learning(namespace))
        except ClosedError:
            self.ended = "stopped"
            return []
        except Exception as error:  # noqa: BLE001 - logged and in the report; the others go on
            self._failing(namespace, error, tried | turns.keys())
            return []
        lesson = engine.lesson(tried, progress=self._heard, beside=lambda: self._open > 1)
        part = _Part(namespace, lesson, turns, tried)
        stack.callback(part.lesson.close)
        self._advance(part, lambda: next(part.lesson))
        return [part]

    def _failing(self, namespace: Namespace, error: Exception, tried: set[int]) -> None:
        let_go(error)
        self._failed[namespace] = error
        logger.warning("%s was not learned: %s", "/".join(namespace), _named(error), exc_info=error)
        # Turns that nobody may try any more are tried as well: or the run would come back to them for ever.
        self._ends(namespace, tried)

    def _ends(self, namespace: Namespace, tried: set[int]) -> None:
        self._tried[namespace] = tried
        waiting = self._untried().keys()
        self._told("namespaces", len(self._tried.keys() - waiting), len(self._tried.keys() | waiting))

    def _told(self, stage: str, done: int, total: int) -> None:
        """Progress after something is done, which stands whatever whoever hears of it raises."""
        try:
            self._progress(stage, done, total)
        except StoppedError:
            self.ended = "stopped"
        except Exception as error:  # noqa: BLE001 - logged; what is done is done
            self._unheard(error, stage)

    def _unheard(self, error: Exception, stage: str) -> None:
        """Say so once: a pipe that nobody reads any more breaks at every step."""
        if not self._deaf:
            what = "whoever hears of the progress raised %s at %s; the run goes on"
            logger.error(what, _named(error), stage, exc_info=error)
        self._deaf = True

    def _train(self, parts: Sequence[_Part]) -> None:
        """Train the parts in one row, and have each judged and kept."""
        outcomes: Sequence[TrainReport | BaseException]
        several = len(parts) > 1
        try:
            if self.ended != "done":  # another part was stopped before its training
                raise _stopped(self.ended)
            outcomes = together([part.training for part in parts if part.training]) if parts else []
        except BaseException as error:  # noqa: BLE001 - each lesson says what it is for itself, and raises it
            outcomes = [error] * len(parts)
            if several and _is_of_others(error):  # such as memory for all of them
                self._together = max(1, len(parts) // 2)
        for found in outcomes:
            if isinstance(found, BaseException):
                let_go(found)  # what the steps had in memory is not to be kept while each is ended
        for part, found in zip(parts, outcomes, strict=True):
            outcome = found
            if several and _is_of_others(outcome):
                # Memory for all of them, or another's numbers: with fewer it may go well, or the error is its own.
                logger.warning("%s is learned again, with fewer beside it: %r", "/".join(part.namespace), outcome)
                if isinstance(outcome, NonFiniteLossError):
                    self._singly.add(part.namespace)
                part.again, outcome = True, CrowdedError(f"to be learned again, with fewer beside it: {outcome!r}")
            if isinstance(outcome, BaseException):
                self._advance(part, functools.partial(part.lesson.throw, outcome))
            else:
                self._advance(part, functools.partial(part.lesson.send, outcome))
            self._open -= 1

    def _advance(self, part: _Part, go: Callable[[], Training]) -> None:
        """Go on with a lesson, and note how it ends where it does."""
        part.training = None
        try:
            part.training = go()
            return
        except StopIteration as end:
            report = end.value
        except StoppedError:  # nothing of it was tried
            if self.ended == "done" and not part.again:  # by whoever hears the progress: it would come back for ever
                self.ended = "stopped"
            return
        except ClosedError:
            self.ended = "stopped"
            return
        except Exception as error:  # noqa: BLE001 - logged and in the report; the others go on
            if out_of_memory(error) and self._open > 1:
                logger.warning("%s is learned again, with fewer beside it: %r", "/".join(part.namespace), error)
                self._together, part.again = max(1, self._open // 2), True
                return
            self._spends(part)
            self._failing(part.namespace, error, part.tried | part.turns.keys())
            return
        if report is None:  # nobody may try these turns any more
            self._ends(part.namespace, part.tried | part.turns.keys())
            return
        self._reports.setdefault(part.namespace, []).append(report)
        self._spends(part)
        again = to_be_halved(part.turns.values(), report, self._place.settings.policy)
        self._ends(part.namespace, part.tried.union(report.lost) - again)  # what was lost is for the next run

    def _spends(self, part: _Part) -> None:
        self._spent += self._place.tokens([turn for id_, turn in part.turns.items() if id_ in part.tried])

    def report(self) -> BatchReport:
        """What was done so far; the place keeps its sum and its first error."""
        reports = {namespace: combined(found) for namespace, found in self._reports.items()}
        changed = self._place.forgettings != self._forgettings  # then their probes may have the words
        if reports:
            whole = combined([*reports.values()])  # weighs by the probes
            self._place.last_report = wordless(whole) if changed else whole
        if changed:
            reports = {namespace: wordless(report) for namespace, report in reports.items()}
        self._place.last_error = next(iter(self._failed.values()), None)
        waiting = self._waiting()
        # What was held and waits again, after a rollback for instance, is left; of a closed place nobody knows more.
        done = {id_ for r in reports.values() for id_ in (*(r.held if self._closed else ()), *r.pending)}
        left = Counter(turn.namespace for turn in waiting if turn.id not in done)
        return BatchReport(
            reports=reports,
            failed={namespace: _named(error) for namespace, error in self._failed.items()},
            left=dict(left),
            ended=self.ended,
            seconds=time.monotonic() - self._began,
        )

    def _waiting(self) -> list[Turn]:
        """Turns of this run's namespaces that no weights hold; those that were last seen once the place is closed."""
        try:
            turns = self._place.waiting()
        except ClosedError:
            if self._seen is None:
                raise
            self.ended, self._closed = "stopped", True
            return self._seen
        self._seen = [t for t in turns if self._wanted is None or t.namespace in self._wanted]
        return self._seen

    def _fresh(self, turn: Turn) -> bool:
        return turn.attempts < self._attempts

    def _silent(self, turns: Sequence[Turn]) -> bool:
        """Whether a namespace has said nothing for as long as it has to."""
        seconds = self._limits.after_seconds
        return not seconds or max(t.created_at for t in turns) <= now() - timedelta(seconds=seconds)

    def _untried(self) -> dict[Namespace, list[Turn]]:
        """Turns that this run may still try, by namespace."""
        found: dict[Namespace, list[Turn]] = {}
        for turn in self._waiting():
            tried = turn.id in self._tried.get(turn.namespace, ())
            if not tried and (self._fresh(turn) or not self._fresh_only):
                found.setdefault(turn.namespace, []).append(turn)
        return found

    def _goes_on(self, needed: float = 0.0) -> bool:
        """Whether the run has not ended, and does not have to now."""
        if self.ended == "done":
            self._look(needed)
        return self.ended == "done"

    def _look(self, needed: float) -> None:
        """End the run where it was asked to stop, or where its time would be over in so many seconds."""
        deadline = self._limits.deadline
        if self._place.closed or self._limits.stopping():
            self.ended = "stopped"
        elif deadline is not None and time.monotonic() - self._began + needed > deadline:
            self.ended = "deadline"

    def _heard(self, stage: str, done: int, total: int) -> None:
        """Progress of an episode, at which a run stops; never once its version is committed.

        What is trained and judged is committed although the time is over: that takes little time, and was all it was
        for.
        """
        may_end = stage not in {"again", "commit"} or (
            not (stage == "commit" and done) and (self._place.closed or self._limits.stopping())
        )
        if may_end and not self._goes_on():
            raise _stopped(self.ended, f" at {stage}, {done} of {total}")
        if stage == "commit" and done:
            self._told(stage, done, total)
            return
        try:
            self._progress(stage, done, total)
        except StoppedError:
            raise
        except Exception as error:  # noqa: BLE001 - logged; it says nothing of what is learned
            self._unheard(error, stage)


def _stopped(ended: Ended, where: str = "") -> StoppedError:
    return StoppedError(f"stopped{where} ({ended}); the turns are pending: run it again")


def _is_of_others(outcome: object) -> bool:
    """Whether an error may come from those beside it in the row."""
    return isinstance(outcome, Exception) and not isinstance(outcome, StoppedError)


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
