"""The engine: one memory folder, one served model, and everything between a turn and the weights.

In come turns and requests to consolidate, roll back or forget; out go reports. It owns the store, the exact weights
and the worker, and lets one operation on weights happen at a time. It knows nothing of LangChain.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from langchain_selfparam.config import Settings
from langchain_selfparam.engine import commit as door
from langchain_selfparam.engine import forget as unlearning
from langchain_selfparam.engine.calibrating import Calibration
from langchain_selfparam.engine.choosing import choose, to_be_halved
from langchain_selfparam.engine.journal import Journal, now, to_wait, tokens_of
from langchain_selfparam.engine.keeping import keep
from langchain_selfparam.engine.learn import Learner
from langchain_selfparam.engine.lessons import Lesson, alone
from langchain_selfparam.engine.line import Line, path_deltas
from langchain_selfparam.engine.owning import Once, disown, owning, refuse_others
from langchain_selfparam.engine.report import as_text, combined, nothing_done, report_of
from langchain_selfparam.engine.room import let_go, out_of_memory
from langchain_selfparam.engine.worker import Worker
from langchain_selfparam.errors import (
    AuthorError,
    ConfigError,
    ConsolidationError,
    CrowdedError,
    NothingSaidError,
    StoppedError,
    UnknownTurnError,
)
from langchain_selfparam.model import LocalModel
from langchain_selfparam.protocols import Progress, TextGenerator, TokenCounter, Watcher, no_progress
from langchain_selfparam.records import (
    ConsolidationReport,
    Episode,
    Namespace,
    Turn,
    TurnState,
)
from langchain_selfparam.serving.gate import Gate
from langchain_selfparam.store import Store
from langchain_selfparam.targets import caches
from langchain_selfparam.weights.export import export_peft
from langchain_selfparam.weights.merge import ExactWeights, ServedWeights

logger = logging.getLogger(__name__)

_ELSEWHERE = (OSError, AuthorError, CrowdedError)  # say nothing of the turns: a full disk, others in memory


class Engine(Journal):
    """A memory: made by ``Engine.open``, given back by ``close``; or one namespace's, made and kept by ``Spaces``.

    Args:
        local: The served model, or a namespace's twin of it.
        gate: Its gate.
        store: The memory folder, as the namespace sees it.
        exact: How ``local`` is served.
        settings: All stages' settings.
        namespace: Whose memory it is.
        generator: Writes the questions; the model itself where missing.
        count_tokens: Counts pending text for the policy; the model's own tokenizer where missing.
        background: Whether a worker thread of its own consolidates when the policy says so.
        weights: Held during every operation on weights; one of its own where missing.
        wake: Called after a turn was kept, where there is no worker of its own.
    """

    def __init__(
        self,
        local: LocalModel,
        gate: Gate,
        *,
        store: Store,
        exact: ServedWeights,
        settings: Settings,
        namespace: Namespace,
        generator: TextGenerator | None,
        count_tokens: TokenCounter | None,
        background: bool,
        weights: AbstractContextManager[Any] | None = None,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(store, namespace, wake=self.notify if background else wake)
        self.settings = settings
        self.last_report: ConsolidationReport | None = None
        self.forgettings = 0
        self.last_error: BaseException | None = None
        self.watcher: Watcher | None = None
        """Told of every consolidation."""
        self.halves = True  # of an episode that was killed or stopped twice half is tried, and so on
        self._local = local
        self._gate = gate
        self._exact = exact
        self._closing = False
        self._ending = Once()
        calibration = Calibration(store.database, settings.targets)
        self._learner = Learner(local, gate, settings=settings, author=generator, calibration=calibration.text)
        self._count = count_tokens or local.count_tokens
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.lock = weights or threading.RLock()
        self.worker = Worker(self.step) if background else None

    @classmethod
    def open(
        cls,
        local: LocalModel,
        gate: Gate,
        *,
        path: Path,
        settings: Settings,
        namespace: Namespace,
        generator: TextGenerator | None = None,
        count_tokens: TokenCounter | None = None,
        background: bool = True,
    ) -> Engine:
        """Open a memory folder for a model and serve the version that its ledger names.

        A folder that cannot be used is refused with one of the ``FolderError``s, a model that cannot be learned into
        exactly with ``UnsupportedModelError``. Nothing is left open or changed then.

        Args:
            local: The model; its weights are the base's.
            gate: Its gate.
            path: The memory folder.
            settings: All stages' settings.
            namespace: Whose memory it is.
            generator: Writes the questions; the model itself where missing.
            count_tokens: Counts pending text for the policy; the model's own tokenizer where missing.
            background: Whether a worker thread consolidates when the policy says so.

        Returns:
            The engine.

        Raises:
            ConfigError: The model already has an open memory, or the folder holds what another namespace said.
        """
        with owning(local, path, isolation="shared") as store:
            refuse_others(store, namespace)
            exact = ExactWeights(local.model)
            door.open_weights(store, exact=exact, model=local.model, gate=gate, created_at=now())
            engine = cls(
                local,
                gate,
                store=store,
                exact=exact,
                settings=settings,
                namespace=namespace,
                generator=generator,
                count_tokens=count_tokens,
                background=background,
            )
        engine.notify()
        return engine

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._closing or super().closed

    @property
    def pending_tokens(self) -> int:
        """Tokens of the turns that the weights do not hold."""
        return self.tokens(self.waiting())

    # ---- the weights

    def consolidate(
        self, *, progress: Progress | None = None, without: AbstractSet[int] = frozenset()
    ) -> ConsolidationReport:
        """Learn all pending turns now.

        Errors of learning are ``ConsolidationError``s; after any error or Ctrl-C served weights and ledger are as they
        were and the turns are pending.

        Args:
            progress: Told of stages as they go on.
            without: Ids of turns that wait for the next time, since they were tried in this one already.

        Returns:
            What was done; ``version`` is ``None`` where nothing was committed.
        """
        reports = []
        with self.lock:
            tried = {*without}
            self._need_open()
            while not self.closed and (report := self._next(tried, progress)) is not None:
                reports.append(report)
                tried.update(report.lost)  # that is for the next time
            if not reports:
                return nothing_done("no turn is pending")
            self.last_report = whole = combined(reports)  # while nobody can forget what it speaks of
            return whole

    def lesson(
        self, tried: set[int], *, progress: Progress | None = None, beside: Callable[[], bool] = lambda: False
    ) -> Lesson[ConsolidationReport | None]:
        """The lesson of one episode of pending turns, whether or not it is due; fails as ``consolidate`` does.

        Drive it or close it in the thread that began it; nothing else learns meanwhile.

        Args:
            tried: Ids of turns that are not to be tried again; those of the episode are added before it is learned.
            progress: Told of stages as they go on. Where it raises ``StoppedError``, the turns are pending and no
                attempt is counted.
            beside: Whether other lessons are in memory as well: then no attempt is counted where that runs out.

        Returns:
            What was done, or ``None`` where no other turn is pending.
        """
        with self.lock:
            self._need_open()
            if (episode := self._untried(tried)) is None:
                return None
            self.last_report = yield from self._watched(episode, progress or no_progress, beside)
            return self.last_report

    def unfinished(self) -> Mapping[Namespace, int]:
        """As ``Jobs.unfinished``."""
        return self._store.jobs.unfinished()

    def last_served(self) -> Mapping[Namespace, datetime]:
        """As ``Jobs.last_served``."""
        return self._store.jobs.last_served()

    @contextlib.contextmanager
    def learning(self, namespace: Namespace) -> Iterator[Engine]:
        """This engine, for its own namespace.

        Args:
            namespace: Whose.

        Yields:
            The engine.
        """
        assert namespace == self.namespace, f"{namespace} is not {self.namespace}"
        yield self

    def tokens(self, turns: Sequence[Turn]) -> int:
        """Tokens that turns take in a prompt.

        Args:
            turns: Any.

        Returns:
            Their number, by the model's own tokenizer.
        """
        return tokens_of(turns, self._local.count_tokens)

    def rollback(self, version: int) -> tuple[int, ...]:
        """Serve an earlier or later version, to the bit.

        Args:
            version: Its id; 0 is the untouched base.

        Returns:
            Ids of turns that are pending again.
        """
        with self.lock:
            self._need_open()
            return door.rollback(
                self._store,
                version,
                exact=self._exact,
                model=self._local.model,
                gate=self._gate,
                created_at=now(),
            )

    def forget(self, turn_ids: Sequence[int]) -> unlearning.Forgotten:
        """Remove turns from journal, ledger and weights.

        Args:
            turn_ids: Ids of the turns.

        Returns:
            What was removed and what has to be learned again.
        """
        with self.lock:
            self._need_open()
            others = [turn.id for turn in self._store.turns.get(turn_ids) if turn.namespace != self.namespace]
            if others:
                msg = (
                    f"there is no turn {', '.join(map(str, others))} of {self.namespace}; memory.turns lists its turns"
                )
                raise UnknownTurnError(msg)
            try:
                return unlearning.forget(
                    self._store,
                    turn_ids,
                    exact=self._exact,
                    model=self._local.model,
                    gate=self._gate,
                    created_at=now(),
                )
            finally:
                if unlearning.are_gone(self._store, turn_ids):
                    self.last_report = None  # its probes may have the words
                    self.forgettings += 1
                    caches.clear()
                    self._wake()  # others are to be learned again

    def export(self, path: str | os.PathLike[str], *, format: str = "peft") -> Path:  # noqa: A002
        """Write the served version's change as an adapter folder.

        Args:
            path: A folder that does not exist or is empty.
            format: ``"peft"``.

        Returns:
            The folder.

        Raises:
            ConfigError: The format is unknown.
        """
        if format != "peft":
            msg = f"format is {format!r}; it has to be 'peft'"
            raise ConfigError(msg)
        with self.lock:
            self._need_open()
            deltas = path_deltas(self._store, self._store.versions.head().id)
            return export_peft(path, deltas=deltas, base_name=self._local.source, revision=self._local.revision)

    # ---- the worker

    def notify(self) -> None:
        """Wake the worker, where there is one."""
        if self.worker is not None:
            self.worker.notify()

    def flush(self, timeout: float | None = None) -> None:
        """Wait until nothing is due any more.

        Args:
            timeout: Seconds to wait at most; a ``TimeoutError`` says what is left then.
        """
        self._need_open()
        self.notify()  # what has become due without a word to the worker, such as turns that are pending again
        if self.worker is not None:
            self.worker.flush(timeout)
            return
        while self.step() is True:
            pass

    def close(self) -> None:
        """Stop after the current step, put the base weights back and give the folder back; twice does nothing.

        Where Ctrl-C cuts it short nothing can be done with the memory any more but to close it again.
        """
        with self._ending.mine() as mine:
            if not mine:
                return
            self._closing = True
            if self.worker is not None:
                self.worker.close()
            with self.lock:
                try:
                    with self._gate.writing():
                        self._exact.restore_base(self._local.model)
                except Exception:
                    self._give_back()
                    raise
                self._give_back()

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def step(self) -> bool | timedelta:
        """One step of a worker: learn one episode if one is due.

        Returns:
            Whether there was one; the time to wait where there is one that may not be learned yet.
        """
        with self.lock:
            if self.closed or (episode := self._choose(force=False)) is None:
                return False
            if later := to_wait(self._store, self.namespace, self.settings.policy):
                return later
            self.last_report = self._consolidate(episode, no_progress)
        return True

    # ---- inside

    def _give_back(self) -> None:
        try:
            self._store.close()
        finally:
            disown(self._local)
            self._ending.done = True
            caches.clear()

    def _choose(self, *, force: bool, without: AbstractSet[int] = frozenset()) -> Episode | None:
        self._need_open()
        # Nobody else can be learning: folder and weights are locked. A lease that Ctrl-C left ends.
        self._store.jobs.recover(now(), all_owners=True)
        given = self._store, self.namespace, self.settings, self._count
        return choose(*given, force=force, without=without, halve_unfinished=self.halves)

    def _next(self, tried: set[int], progress: Progress | None) -> ConsolidationReport | None:
        if (episode := self._untried(tried)) is None:
            return None
        report = self._consolidate(episode, progress or no_progress)
        tried -= to_be_halved(episode.turns, report, self.settings.policy)
        return report

    def _untried(self, tried: set[int]) -> Episode | None:
        episode = self._choose(force=True, without=tried)
        tried |= {turn.id for turn in episode.turns} if episode else set()
        return episode

    def _consolidate(self, episode: Episode, progress: Progress) -> ConsolidationReport:
        return alone(self._watched(episode, progress))

    def _watched(
        self, episode: Episode, progress: Progress, beside: Callable[[], bool] = lambda: False
    ) -> Lesson[ConsolidationReport]:
        if self.watcher is None:
            return (yield from self._lesson(episode, progress, beside))
        with self.watcher.watching(episode) as watch:

            def both(stage: str, done: int, total: int) -> None:
                watch.progress(stage, done, total)
                progress(stage, done, total)

            report = yield from self._lesson(episode, both, beside)
            watch.ended(report)
        return report

    def _lesson(self, episode: Episode, progress: Progress, beside: Callable[[], bool]) -> Lesson[ConsolidationReport]:
        started = time.perf_counter()
        job = self._store.jobs.lease(
            episode, owner=self._owner, now=now(), lease_seconds=self.settings.policy.lease_seconds
        )
        try:
            line = Line.to(self._store, self._store.versions.head().id)
            model, exact = self._local.model, self._exact
            learned = yield from self._learner.lesson(
                episode,
                candidate=lambda delta: exact.twin(model, line.weights(exact, delta)),
                earlier=self.taught(),
                held=self._store.turns.list(namespace=self.namespace, states=(TurnState.HELD,)),
                untaught=exact.twin(model, exact.base) if line.deltas or line.totals is not None else None,
                progress=progress,
            )
            self._store.jobs.save_targets(job, as_text(learned.targets))
            kept = [turn for turn in episode.turns if turn.id in learned.verdict.held]
            report = keep(
                self._store,
                job,
                learned,
                report_of(learned, episode, self.tokens(kept)),
                exact=exact,
                model=model,
                gate=self._gate,
                began=started,
                progress=progress,
            )
        except NothingSaidError as nothing:
            self._store.jobs.settle(job)
            ids = tuple(t.id for t in self._store.turns.get([t.id for t in episode.turns]) if t.state is TurnState.HELD)
            report = dataclasses.replace(nothing_done(str(nothing)), held=ids)
        except BaseException as error:
            # A person's interrupt says nothing about the turns; an error that comes back each time must not loop.
            let_go(error)
            self.last_error = error
            # Ctrl-C can come in the instant after the job has ended: what it did then stands.
            with contextlib.suppress(ConsolidationError):
                returned = isinstance(error, _ELSEWHERE) or (out_of_memory(error) and beside())
                blamed = isinstance(error, Exception) and not returned and not isinstance(error, StoppedError)
                self._store.jobs.fail(job, error=repr(error), count_attempt=blamed, returned=returned)
            raise
        self.last_error = None
        logger.info("consolidated %d of %d turns", len(report.held), len(episode.turns))
        return report
