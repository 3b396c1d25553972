"""A memory over a scripted engine: what LangChain sees, without learning."""

from __future__ import annotations

import dataclasses
import sys
import threading
from datetime import datetime, timezone
from types import ModuleType

import pytest

from langchain_selfparam.records import ConsolidationReport, Turn, TurnState, Version

NOW = datetime(2030, 1, 2, tzinfo=timezone.utc)


def report(**changes):
    """A consolidation report of nothing, with changes."""
    fields = {
        "version": 1,
        "held": (),
        "pending": (),
        "recall": 1.0,
        "drift": 0.01,
        "neighbours_wrong": 0.0,
        "seconds": {"total": 1.0},
        "tokens_saved": 10,
        "targets": 5,
        "scale": 1.0,
        "kl_first": 1.0,
        "kl_last": 0.1,
    }
    return ConsolidationReport(**{**fields, **changes})


class FakeEngine:
    """The facade of ``engine.pipeline.Engine`` over a list of turns; learns by saying so."""

    opened: list[FakeEngine] = []  # noqa: RUF012

    def __init__(self, local, gate, **kwargs):
        self.local, self.gate, self.kwargs = local, gate, kwargs
        self.folder, self.settings = kwargs["path"], kwargs["settings"]
        self.namespace = kwargs["namespace"]
        self.closed = False
        self.last_error = None
        self.last_report = None
        self.pending_tokens = 0
        self.broken = None
        self.calls = []
        self.threads = []
        self._turns = []
        self._lock = threading.Lock()

    @classmethod
    def open(cls, local, gate, **kwargs):
        engine = cls(local, gate, **kwargs)
        cls.opened.append(engine)
        return engine

    def append(self, *, user, assistant, thread="", message_id=None):
        self.threads.append(threading.get_ident())
        if self.broken is not None:
            raise self.broken
        with self._lock:
            known = [t for t in self._turns if message_id is not None and t.message_id == message_id]
            if known:
                return known[0]
            turn = Turn(
                id=len(self._turns) + 1,
                namespace=self.namespace,
                thread=thread,
                user=user,
                assistant=assistant,
                created_at=NOW,
                message_id=message_id,
            )
            self._turns.append(turn)
            return turn

    def prompt_turns(self, *, keep_last, thread=None):
        own = [t for t in self._turns if thread is None or t.thread == thread]
        last = own[-keep_last:] if keep_last else []
        waiting = (TurnState.PENDING, TurnState.LEASED)
        return tuple(t for t in own if t.state in waiting or t in last)

    def turns(self):
        return tuple(self._turns)

    def versions(self):
        root = Version(
            id=0,
            parent=None,
            namespace=(),
            created_at=NOW,
            delta_file=None,
            delta_sha256=None,
            weights_sha256=None,
            is_head=True,
        )
        return (root,)

    def consolidate(self, *, progress=None, without=frozenset()):
        if progress is not None:
            progress("train", 1, 1)
        self._set(TurnState.PENDING, TurnState.HELD)
        self.last_report = report(held=tuple(t.id for t in self._turns))
        return self.last_report

    def rollback(self, version):
        self.calls.append(("rollback", version))
        self._set(TurnState.HELD, TurnState.PENDING)
        return tuple(t.id for t in self._turns)

    def forget(self, turn_ids):
        self.calls.append(("forget", tuple(turn_ids)))
        self._turns = [t for t in self._turns if t.id not in turn_ids]
        return tuple(turn_ids)

    def export(self, path, *, format="peft"):  # noqa: A002
        self.calls.append(("export", path, format))
        return path

    def clear(self, thread=None):
        self._set(TurnState.PENDING, TurnState.CLEARED)

    def flush(self, timeout=None):
        self.calls.append(("flush", timeout))

    def close(self):
        self.closed = True

    def _set(self, old, new):
        self._turns = [dataclasses.replace(t, state=new) if t.state is old else t for t in self._turns]


@pytest.fixture
def fake_engine(monkeypatch):
    """``FakeEngine`` in the engine's place, with no engine opened yet."""
    module = ModuleType("langchain_selfparam.engine.pipeline")
    module.Engine = FakeEngine
    monkeypatch.setattr(FakeEngine, "opened", [])
    monkeypatch.setitem(sys.modules, "langchain_selfparam.engine.pipeline", module)
    return FakeEngine


@pytest.fixture
def make_memory(fake_engine, tiny, tmp_path):
    """``make_memory(**fields)`` over a tiny model."""
    from langchain_selfparam import ChatSelfParam, ParametricMemory

    llm = ChatSelfParam(local=tiny)

    def make(**fields):
        return ParametricMemory(llm, **{"path": tmp_path / "memory", **fields})

    return make


@pytest.fixture
def memory(make_memory):
    """A memory with every default."""
    return make_memory()


@pytest.fixture
def engine(memory):
    """The scripted engine of ``memory``."""
    return FakeEngine.opened[-1]
