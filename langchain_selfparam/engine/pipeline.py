"""The engine: one memory folder, one served model, and everything between a turn and the weights.

In come turns and requests to consolidate, roll back or forget; out go reports. It owns the store, the exact weights
and the worker, and lets one operation on weights happen at a time. It knows nothing of LangChain.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import os
import socket
import threading
import time
import uuid
import weakref
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any

from langchain_selfparam import policy
from langchain_selfparam.config import Settings
from langchain_selfparam.engine import commit as door
from langchain_selfparam.engine import forget as unlearning
from langchain_selfparam.engine.learn import Learned, Learner, turn_tokens
from langchain_selfparam.engine.line import Line, compact, path_deltas
from langchain_selfparam.engine.report import as_json, combined, nothing_done, target_set
from langchain_selfparam.engine.worker import Worker
from langchain_selfparam.errors import ClosedError, ConfigError, ConsolidationError
from langchain_selfparam.model import LocalModel
from langchain_selfparam.protocols import Progress, TextGenerator, TokenCounter, no_progress
from langchain_selfparam.records import (
    ConsolidationReport,
    Episode,
    Job,
    Namespace,
    TargetSet,
    Turn,
    TurnState,
    Version,
)
from langchain_selfparam.serving.gate import Gate
from langchain_selfparam.store import Store
from langchain_selfparam.weights.export import export_peft
from langchain_selfparam.weights.merge import ExactWeights

logger = logging.getLogger(__name__)

_OPEN: weakref.WeakKeyDictionary[Any, Path] = weakref.WeakKeyDictionary()
_OPENING = threading.Lock()
_WAITING = (TurnState.PENDING, TurnState.LEASED)


class Engine:
    """A memory: made by ``Engine.open``, given back by ``close``."""

    def __init__(
        self,
        local: LocalModel,
        gate: Gate,
        *,
        store: Store,
        exact: ExactWeights,
        settings: Settings,
        namespace: Namespace,
        generator: TextGenerator | None,
        count_tokens: TokenCounter | None,
        background: bool,
    ) -> None:
        self.settings = settings
        self.namespace = namespace
        self.folder = store.folder
        self.closed = False
        self.last_report: ConsolidationReport | None = None
        self.last_error: BaseException | None = None
        self._local = local
        self._gate = gate
        self._store = store
        self._exact = exact
        self._learner = Learner(local, gate, settings=settings, author=generator)
        self._count = count_tokens or local.count_tokens
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._weights = threading.RLock()
        self._worker = Worker(self._work) if background else None

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
            ConfigError: The model already has an open memory.
        """
        local.require_trainable()
        with _OPENING:
            _refuse_second(local)
            store = Store.open(path, base_model=local.name, base_fingerprint=local.fingerprint())
            try:
                exact = ExactWeights(local.model)
                door.open_weights(store, exact=exact, model=local.model, gate=gate, created_at=_now())
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
            except BaseException:
                store.close()
                raise
            _OPEN[local.model] = store.folder
        engine.notify()
        return engine

    # ---- the journal

    def append(self, *, user: str, assistant: str, thread: str = "", message_id: str | None = None) -> Turn:
        """Keep a turn, in milliseconds, and wake the worker.

        Args:
            user: What the user said.
            assistant: The reply.
            thread: Conversation it was said in.
            message_id: Durable id; a turn with a known one is not stored again.

        Returns:
            The turn as stored.
        """
        self._need_open()
        turn = self._store.turns.append(
            namespace=self.namespace,
            thread=thread,
            user=user,
            assistant=assistant,
            message_id=message_id,
            created_at=_now(),
        )
        self.notify()
        return turn

    def prompt_turns(self, *, keep_last: int = 0, thread: str | None = None) -> tuple[Turn, ...]:
        """The turns that belong into the prompt: what the weights do not hold, and the last ``keep_last``.

        Args:
            keep_last: Turns to give back whether or not the weights hold them.
            thread: Only turns of this conversation; all where missing.

        Returns:
            Turns in the order in which they were said.
        """
        self._need_open()
        listing = self._store.turns.list
        if not keep_last:
            return listing(namespace=self.namespace, thread=thread, states=_WAITING)
        turns = [t for t in listing(namespace=self.namespace, thread=thread) if t.state is not TurnState.CLEARED]
        last = {t.id for t in turns[-keep_last:]}
        return tuple(t for t in turns if t.state in _WAITING or t.id in last)

    def turns(self) -> tuple[Turn, ...]:
        """Every turn of this memory, in order."""
        self._need_open()
        return self._store.turns.list(namespace=self.namespace)

    def versions(self) -> tuple[Version, ...]:
        """Every version in the ledger, in order."""
        self._need_open()
        return self._store.versions.list()

    def clear(self) -> None:
        """Take the pending turns out of the prompt for good; weights and held turns stay as they are."""
        self._need_open()
        self._store.turns.clear(self.namespace)

    def taught(self) -> list[TargetSet]:
        """What the served version and those before it were learned from, the oldest first."""
        path = self._store.versions.path(self._store.versions.head().id)
        return [target_set(text) for text in self._store.jobs.taught([version.id for version in path])]

    @property
    def pending_tokens(self) -> int:
        """Tokens of the turns that the weights do not hold."""
        return sum(turn_tokens(self._local, t.messages) for t in self.prompt_turns())

    # ---- the weights

    def consolidate(self, *, progress: Progress | None = None) -> ConsolidationReport:
        """Learn all pending turns now.

        Errors of learning are ``ConsolidationError``s; after any error or Ctrl-C served weights and ledger are as they
        were and the turns are pending.

        Args:
            progress: Told of stages as they go on.

        Returns:
            What was done; ``version`` is ``None`` where nothing was committed.
        """
        reports = []
        with self._weights:
            tried: set[int] = set()
            self._need_open()
            while not self.closed and (episode := self._choose(force=True, without=tried)) is not None:
                tried |= {turn.id for turn in episode.turns}
                reports.append(self._consolidate(episode, progress or no_progress))
        if not reports:
            return nothing_done("no turn is pending")
        self.last_report = combined(reports)
        return self.last_report

    def rollback(self, version: int) -> tuple[int, ...]:
        """Serve an earlier or later version, to the bit.

        Args:
            version: Its id; 0 is the untouched base.

        Returns:
            Ids of turns that are pending again.
        """
        with self._weights:
            self._need_open()
            return door.rollback(
                self._store,
                version,
                exact=self._exact,
                model=self._local.model,
                gate=self._gate,
                created_at=_now(),
            )

    def forget(self, turn_ids: Sequence[int]) -> unlearning.Forgotten:
        """Remove turns from journal, ledger and weights.

        Args:
            turn_ids: Ids of the turns.

        Returns:
            What was removed and what has to be learned again.
        """
        with self._weights:
            self._need_open()
            return unlearning.forget(
                self._store,
                turn_ids,
                exact=self._exact,
                model=self._local.model,
                gate=self._gate,
                created_at=_now(),
            )

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
        with self._weights:
            self._need_open()
            deltas = path_deltas(self._store, self._store.versions.head().id)
            return export_peft(path, deltas=deltas, base_name=self._local.name)

    # ---- the worker

    def notify(self) -> None:
        """Wake the worker, where there is one."""
        if self._worker is not None:
            self._worker.notify()

    def flush(self, timeout: float | None = None) -> None:
        """Wait until nothing is due any more.

        Args:
            timeout: Seconds to wait at most; a ``TimeoutError`` says what is left then.
        """
        self._need_open()
        if self._worker is not None:
            self._worker.flush(timeout)
            return
        while self._work():
            pass

    def close(self) -> None:
        """Stop after the current step, put the base weights back and give the folder back; twice does nothing."""
        if self.closed:
            return
        self.closed = True
        if self._worker is not None:
            self._worker.close()
        with self._weights:
            try:
                with self._gate.writing():
                    self._exact.restore_base(self._local.model)
            finally:
                self._store.close()
                with _OPENING:
                    _OPEN.pop(self._local.model, None)

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- inside

    def _need_open(self) -> None:
        if self.closed:
            msg = f"the memory {self.folder} was closed; open it again"
            raise ClosedError(msg)

    def _choose(self, *, force: bool, without: AbstractSet[int] = frozenset()) -> Episode | None:
        self._need_open()
        # Nobody else can be learning: this folder is locked and so are these weights. A lease that Ctrl-C left ends.
        self._store.jobs.recover(_now(), all_owners=True)
        pending = self._store.turns.list(namespace=self.namespace, states=(TurnState.PENDING,))
        config = self.settings.policy
        # Turns whose attempts are used up come alone: not after others that were learned just now.
        again = [t for t in pending if t.id not in without and (not without or t.attempts < config.max_attempts)]
        return policy.choose(
            again,
            config=config,
            count_tokens=self._count,
            force=force,
        )

    def _work(self) -> bool:
        """One step of the worker: learn one episode if one is due."""
        with self._weights:
            if self.closed or (episode := self._choose(force=False)) is None:
                return False
            self.last_report = self._consolidate(episode, no_progress)
        return True

    def _consolidate(self, episode: Episode, progress: Progress) -> ConsolidationReport:
        started = time.perf_counter()
        job = self._store.jobs.lease(
            episode, owner=self._owner, now=_now(), lease_seconds=self.settings.policy.lease_seconds
        )
        try:
            line = Line.to(self._store, self._store.versions.head().id)
            candidate = functools.partial(line.weights, self._exact)
            learned = self._learner.learn(
                episode,
                candidate=candidate,
                earlier=self.taught(),
                base=self._exact.base if line.deltas or line.totals is not None else None,
                progress=progress,
            )
            self._store.jobs.save_targets(job, as_json(learned.targets))
            report = self._keep(job, learned, started, progress)
        except BaseException as error:
            # A person's interrupt says nothing about the turns; an error that comes back each time must not loop.
            self.last_error = error
            # Ctrl-C can come in the instant after the job has ended: what it did then stands.
            with contextlib.suppress(ConsolidationError):
                self._store.jobs.fail(job, error=repr(error), count_attempt=isinstance(error, Exception))
            raise
        self.last_error = None
        logger.info("consolidated %d of %d turns", len(report.held), len(episode.turns))
        return report

    def _keep(self, job: Job, learned: Learned, started: float, progress: Progress) -> ConsolidationReport:
        verdict, turns = learned.verdict, job.episode.turns
        before = time.perf_counter()
        report = ConsolidationReport(
            version=None,
            held=verdict.held,
            pending=tuple(t.id for t in turns if t.id not in verdict.held),
            recall=verdict.recall,
            drift=verdict.drift,
            neighbours_wrong=verdict.neighbours_wrong,
            seconds=learned.seconds,
            tokens_saved=sum(turn_tokens(self._local, t.messages) for t in turns if t.id in verdict.held),
            targets=len(learned.targets.sentences),
            scale=verdict.scale,
            kl_first=learned.train.kl_first,
            kl_last=learned.train.kl_last,
            reasons=verdict.reasons,
            curve=learned.train.curve,
            probes=verdict.results,
        )
        version: int | None = None
        if verdict.accepted:
            progress("commit", 0, 1)
            version = door.commit(
                self._store,
                exact=self._exact,
                model=self._local.model,
                gate=self._gate,
                job=job,
                delta=learned.delta,
                held_ids=verdict.held,
                report=_plain(report),
                created_at=_now(),
            ).id
            compact(self._store, self._exact)
            progress("commit", 1, 1)
        else:
            self._store.jobs.fail(job, error="; ".join(verdict.reasons), count_attempt=True)
        now = time.perf_counter()
        seconds = {**learned.seconds, "commit": now - before, "total": now - started}
        return dataclasses.replace(report, version=version, seconds=seconds)


def _refuse_second(local: LocalModel) -> None:
    if local.model in _OPEN:
        msg = (
            f"{local.name} already has the memory {_OPEN[local.model]} open, and a model serves one at a "
            "time; close that one first, or load the model a second time"
        )
        raise ConfigError(msg)


def _plain(report: ConsolidationReport) -> Mapping[str, object]:
    """The report as the ledger keeps it: figures and reasons, without the curve."""
    whole = dataclasses.asdict(dataclasses.replace(report, curve=()))
    return {k: v for k, v in whole.items() if k not in {"curve", "version"}}


def _now() -> datetime:
    return datetime.now(timezone.utc)
