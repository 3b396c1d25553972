"""Spaces: one memory folder and one base model, with weights of its own for each namespace.

In come namespaces, out go their stores, their engines and the module that answers each one's requests. The base is
never written to: what a namespace learns is an adapter on a twin of it, kept in memory while it is used and made anew
from the ledger when it is asked for again. One worker learns for all of them, one episode at a time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import threading
import weakref
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from langchain_selfparam.config import Settings
from langchain_selfparam.engine import commit as door
from langchain_selfparam.engine.journal import now, to_wait, tokens_of
from langchain_selfparam.engine.line import sweep
from langchain_selfparam.engine.owning import Once, disown, owning
from langchain_selfparam.engine.pipeline import Engine
from langchain_selfparam.engine.report import combined, nothing_done, wordless
from langchain_selfparam.engine.worker import Worker
from langchain_selfparam.errors import ClosedError
from langchain_selfparam.model import LocalModel, share
from langchain_selfparam.policy import due, until_open
from langchain_selfparam.protocols import Progress, TextGenerator, TokenCounter, Watcher
from langchain_selfparam.records import ConsolidationReport, Namespace, Turn, TurnState, Version
from langchain_selfparam.serving.gate import Gate, gate_for
from langchain_selfparam.store import Store, Versions
from langchain_selfparam.targets import caches
from langchain_selfparam.weights.adapter import AdapterWeights

logger = logging.getLogger(__name__)

_TWIN_BYTES = 3 << 20
"""What a twin's modules take beside its adapter: measured at 2 to 3 MB for 30 blocks."""


@dataclasses.dataclass(slots=True)
class _Loaded:
    """A namespace whose adapter is in memory."""

    engine: Engine
    local: LocalModel
    gate: Gate
    exact: AdapterWeights

    @property
    def nbytes(self) -> int:
        return _TWIN_BYTES + self.exact.nbytes(self.local.model)


class Spaces:
    """The memories of many namespaces; made by ``Spaces.open``, given back by ``close``.

    Args:
        local: The base model.
        store: The memory folder, owned.
        settings: All stages' settings.
        generator: Writes the questions; the model itself where missing.
        count_tokens: Counts pending text for the policy; the model's own tokenizer where missing.
        background: Whether a worker thread consolidates when the policy says so.
        room: Bytes that adapters may take in memory; the least recently used ones leave it first.
    """

    def __init__(
        self,
        local: LocalModel,
        *,
        store: Store,
        settings: Settings,
        generator: TextGenerator | None,
        count_tokens: TokenCounter | None,
        background: bool,
        room: int,
    ) -> None:
        self.settings = settings
        self.folder = store.folder
        self.last_report: ConsolidationReport | None = None
        """Of whoever learned last, as is ``last_error``; see ``last_of``."""
        self.forgettings = 0
        """How often something was forgotten since this was opened."""
        self.last_error: BaseException | None = None
        self.watcher: Watcher | None = None
        """Told of every consolidation."""
        self._local = local
        self._store = store
        self._generator = generator
        self._count = count_tokens
        self._room = room
        self._closing = False
        self._ending = Once()
        self._told: dict[Namespace, tuple[ConsolidationReport | None, BaseException | None]] = {}
        self.lock = threading.RLock()
        self._loading = threading.Lock()
        self._loaded: OrderedDict[Namespace, _Loaded] = OrderedDict()
        self._used: Counter[Namespace] = Counter()
        self._naming = threading.Lock()
        self._stores: dict[Namespace, Store] = {}
        self._gone: weakref.WeakValueDictionary[Namespace, Any] = weakref.WeakValueDictionary()
        self._last: Namespace | None = None
        self.worker = Worker(self._step) if background else None

    @classmethod
    def open(
        cls,
        local: LocalModel,
        *,
        path: Path,
        settings: Settings,
        room: int,
        generator: TextGenerator | None = None,
        count_tokens: TokenCounter | None = None,
        background: bool = True,
    ) -> Spaces:
        """Open a memory folder for many namespaces.

        It is refused as by ``Engine.open``.

        Args:
            local: The base model.
            path: The memory folder.
            settings: All stages' settings.
            room: Bytes that adapters may take in memory.
            generator: Writes the questions; the model itself where missing.
            count_tokens: Counts pending text for the policy; the model's own tokenizer where missing.
            background: Whether a worker thread consolidates when the policy says so.

        Returns:
            The spaces.
        """
        with owning(local, path, isolation="namespace") as store:
            sweep(store)
            spaces = cls(
                local,
                store=store,
                settings=settings,
                generator=generator,
                count_tokens=count_tokens,
                background=background,
                room=room,
            )
        spaces.notify()
        return spaces

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._closing

    def namespaces(self) -> tuple[Namespace, ...]:
        """Everybody who has said something, whoever spoke first coming first."""
        self._need_open()
        return tuple(self._store.turns.namespaces())

    def store_of(self, namespace: Namespace) -> Store:
        """The folder as a namespace sees it; no weights are loaded for it.

        Args:
            namespace: Whose.

        Returns:
            Its store, always the same; do not close it.
        """
        self._need_open()
        with self._naming:
            if namespace not in self._stores:
                self._stores[namespace] = self._store.of(namespace)
            return self._stores[namespace]

    @contextlib.contextmanager
    def at(self, namespace: Namespace) -> Iterator[Engine]:
        """A namespace's engine, whose adapter stays in memory for the block.

        Args:
            namespace: Whose.

        Yields:
            The engine; it is the namespace's only one.
        """
        with self._loading:
            loaded = self._load(namespace)
            self._used[namespace] += 1
        try:
            yield loaded.engine
        finally:
            with self._loading:
                self._told[namespace] = (loaded.engine.last_report, loaded.engine.last_error)
                self._used[namespace] -= 1
                self._make_room()

    def served(self, namespace: Namespace) -> tuple[Any, Gate]:
        """The module that answers a namespace's requests.

        A request that has it goes on with it, even where the adapter leaves memory meanwhile; where it comes back, it
        is this one again.

        Args:
            namespace: Whose.

        Returns:
            A twin of the base with the namespace's adapter, and its gate; the base and its own where nothing was ever
            learned for the namespace: whoever only asks costs no memory and no row.
        """
        with self._loading:
            self._need_open()
            if namespace not in self._loaded and not Versions(self._store.database, namespace=namespace).learned():
                return self._local.model, gate_for(self._local.model)
            loaded = self._load(namespace)
            self._make_room(besides=namespace)
        return loaded.local.model, loaded.gate

    def in_memory(self) -> dict[Namespace, int]:
        """Bytes of each namespace whose adapter is in memory, the least recently used first."""
        with self._loading:
            return {namespace: loaded.nbytes for namespace, loaded in self._loaded.items()}

    def last_of(self, namespace: Namespace) -> tuple[ConsolidationReport | None, BaseException | None]:
        """What the last consolidation of one namespace came to, whatever others have learned since.

        Args:
            namespace: Whose.

        Returns:
            Its report, and what it failed with where it failed; ``None`` for what there is not.
        """
        return self._told.get(namespace, (None, None))

    # ---- everybody at once

    def turns(self) -> tuple[Turn, ...]:
        """Every turn of every namespace, in order."""
        self._need_open()
        return self._store.turns.list()

    def turns_of(self, ids: Sequence[int]) -> tuple[Turn, ...]:
        """Look turns up, whoever's they are; unknown ones are refused.

        Args:
            ids: Their ids.

        Returns:
            The turns, in the order of ``ids``.
        """
        self._need_open()
        return self._store.turns.get(ids)

    def versions(self) -> tuple[Version, ...]:
        """Every version of every namespace, in order; version 0 is everybody's."""
        self._need_open()
        return self._store.versions.list()

    def consolidate(
        self, namespace: Namespace | None = None, *, progress: Progress | None = None
    ) -> ConsolidationReport:
        """Learn the pending turns of one namespace, or of one after the other, now.

        Args:
            namespace: Whose; everybody's where missing.
            progress: Told of stages as they go on.

        Returns:
            What was done in all.
        """
        self._need_open()
        waiting = self._store.turns.namespaces(states=(TurnState.PENDING, TurnState.LEASED))
        wanted = list(waiting) if namespace is None else [namespace]
        reports, forgettings = [], self.forgettings
        for one in wanted:
            if self.closed:
                break
            with self.at(one) as engine:
                reports.append(self._noted(engine, lambda e: e.consolidate(progress=progress)))
        if not reports:
            return nothing_done("no turn is pending")
        report = combined(reports)
        self.last_report = report if self.forgettings == forgettings else wordless(report)
        return self.last_report

    def waiting(self) -> tuple[Turn, ...]:
        """Every turn of everybody that no weights hold, in order."""
        self._need_open()
        return self._store.turns.list(states=(TurnState.PENDING, TurnState.LEASED))

    def unfinished(self) -> Mapping[Namespace, int]:
        """As ``Jobs.unfinished``, of everybody."""
        self._need_open()
        return self._store.jobs.unfinished()

    def last_served(self) -> Mapping[Namespace, datetime]:
        """As ``Jobs.last_served``, of everybody."""
        self._need_open()
        return self._store.jobs.last_served()

    @contextlib.contextmanager
    def learning(self, namespace: Namespace) -> Iterator[Engine]:
        """As ``at``, for learning: whoever watches is told.

        Args:
            namespace: Whose.

        Yields:
            The engine.
        """
        with self.at(namespace) as engine:
            engine.watcher = self.watcher
            yield engine

    def tokens(self, turns: Sequence[Turn]) -> int:
        """Tokens that turns take in a prompt.

        Args:
            turns: Any.

        Returns:
            Their number, by the model's own tokenizer.
        """
        return tokens_of(turns, self._local.count_tokens)

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
        while self._step() is True:
            pass

    def close(self) -> None:
        """Stop after the current step and give the folder back; twice does nothing.

        Where Ctrl-C cuts it short nothing can be done with the memory any more but to close it again.
        """
        with self._ending.mine() as mine:
            if not mine:
                return
            self._closing = True
            if self.worker is not None:
                self.worker.close()
            with self.lock, self._loading:
                self._loaded.clear()
                try:
                    self._store.close()
                finally:
                    disown(self._local)
                    self._ending.done = True
                    caches.clear()

    # ---- inside

    def _need_open(self) -> None:
        if self.closed:
            msg = f"the memory {self.folder} was closed; open it again"
            raise ClosedError(msg)

    def _load(self, namespace: Namespace) -> _Loaded:
        self._need_open()
        found = self._loaded.get(namespace)
        if found is None:
            found = self._loaded[namespace] = self._make(namespace)
        self._loaded.move_to_end(namespace)
        return found

    def _make(self, namespace: Namespace) -> _Loaded:
        # A request that was given a twin may not have begun: what is changed from now on has to be what it reads.
        still_held = self._gone.get(namespace)
        model = share(self._local.model) if still_held is None else still_held
        exact, gate = AdapterWeights(model), gate_for(model)
        local = dataclasses.replace(self._local, model=model)
        store = self.store_of(namespace)
        if still_held is None:
            door.open_weights(store, exact=exact, model=model, gate=gate, created_at=now(), tidy=False)
        engine = Engine(
            local,
            gate,
            store=store,
            exact=exact,
            settings=self.settings,
            namespace=namespace,
            generator=self._generator,
            count_tokens=self._count,
            background=False,
            weights=self.lock,
            wake=self.notify,
        )
        engine.last_report, engine.last_error = self.last_of(namespace)
        return _Loaded(engine, local, gate, exact)

    def _make_room(self, besides: Namespace | None = None) -> None:
        taken = sum(loaded.nbytes for loaded in self._loaded.values())
        for namespace in list(self._loaded):
            if taken <= self._room:
                return
            if namespace != besides and not self._used[namespace]:
                loaded = self._loaded.pop(namespace)
                self._gone[namespace] = loaded.local.model
                taken -= loaded.nbytes
                del self._used[namespace]

    def _step(self) -> bool | timedelta:
        """One step of the worker: learn one episode of one namespace, everybody in turn; or the time to wait."""
        policy = self.settings.policy
        if policy.every_turns is None and policy.every_tokens is None:
            return False  # only when asked
        fewest = 1 if policy.every_turns is None or policy.every_tokens is not None else policy.every_turns
        with self.lock:
            if self.closed:
                return False
            waiting = self._store.turns.namespaces(
                states=(TurnState.PENDING, TurnState.LEASED), attempts_below=policy.max_attempts
            )
            ready = [namespace for namespace, count in waiting.items() if count >= fewest]
            # Whoever's episodes are killed or stopped each time waits behind the others every second time.
            behind = {n: count for n, count in self._store.jobs.unfinished().items() if not count % 2}
            ready.sort(key=lambda namespace: behind.get(namespace, 0))
            at = ready.index(self._last) + 1 if self._last in ready else 0
            if ready and (shut := until_open(policy.quiet_hours, now=now().astimezone())):
                return shut  # for everybody: nobody's turns have to be looked at
            later: list[timedelta] = []
            for namespace in (*ready[at:], *ready[:at]):
                if policy.after_seconds and (wait := to_wait(self._store, namespace, policy)):
                    later.append(wait)
                    continue
                if policy.every_tokens is not None and not self._is_due(namespace):
                    continue  # whoever is passed over is not loaded
                self._last = namespace
                try:
                    with self.at(namespace) as engine:
                        found = self._noted(engine, lambda e: e.step())
                        if found is True:
                            self.last_report = engine.last_report
                            return True
                        later += [found] if found else []
                except ClosedError:
                    if not self._closing:
                        raise
                    return False  # closed since the check above: nothing was begun
        return min(later, default=False)

    def _is_due(self, namespace: Namespace) -> bool:
        policy = self.settings.policy
        pending = self._store.turns.list(namespace=namespace, states=(TurnState.PENDING, TurnState.LEASED))
        fresh = [turn for turn in pending if turn.attempts < policy.max_attempts]
        return due(fresh, config=policy, count_tokens=self._count or self._local.count_tokens)

    def _noted(self, engine: Engine, work: Any) -> Any:
        engine.watcher = self.watcher
        try:
            done = work(engine)
        finally:
            self.last_error = engine.last_error
        return done
