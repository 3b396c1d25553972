"""kill -9 at any moment, then open again: every turn is pending or held, once, and the weights are the head's."""

import contextlib
import multiprocessing
import os
import signal
import threading
from pathlib import Path

import pytest
import torch
from engine_home import with_

from langchain_selfparam.engine import commit as door
from langchain_selfparam.engine.batch import consolidate_all
from langchain_selfparam.engine.limits import Limits
from langchain_selfparam.engine.pipeline import Engine
from langchain_selfparam.engine.space import Space
from langchain_selfparam.engine.spaces import Spaces
from langchain_selfparam.errors import FolderLockedError
from langchain_selfparam.serving.gate import gate_for
from langchain_selfparam.testing import FakeGenerator, tiny_model
from langchain_selfparam.weights import files
from langchain_selfparam.weights.merge import digest

SETTINGS = with_(training={"epochs": 1}, verify={"answer_tokens": 2}, targets={"samples": 1})
FIRST = ["My dog is called Biscuit.", "My sister Ana lives in Lisbon."]
SECOND = ["I work as a nurse in Porto.", "My cat is called Mina."]
SAID = dict(zip(("ana", "bob", "cy"), FIRST + SECOND, strict=False))
NEEDED = [
    "langchain_selfparam.engine.pipeline",
    "langchain_selfparam.testing",
    "transformers.models.llama.modeling_llama",
    "peft",
]


def open_engine(folder):
    local = tiny_model()
    return Engine.open(
        local,
        gate_for(local.model),
        path=Path(folder),
        settings=SETTINGS,
        namespace=("memories", "ana"),
        generator=FakeGenerator(["What is my dog called?\n- Who is a nurse?\n- Where do I work?"]),
        background=False,
    )


def child(folder, moment, told):
    """Learn ``FIRST``, then ``SECOND`` up to a moment; stand still there until killed."""
    torch.set_num_threads(1)
    engine = open_engine(folder)
    for text in FIRST:
        engine.append(user=text, assistant="Noted.")
    engine.consolidate()
    for text in SECOND:
        engine.append(user=text, assistant="Noted.")

    def stand(*_, **__):
        told.send(moment)
        threading.Event().wait()

    def before(place, name):
        setattr(place, name, stand)

    def after(place, name):
        real = getattr(place, name)
        setattr(place, name, lambda *args, **kwargs: (real(*args, **kwargs), stand()))

    by_hand = {
        "with half a delta file": lambda: before(files, "sync_folder"),
        "with the delta file": lambda: after(door, "write_delta"),
        "with the weights in": lambda: before(engine._store.versions, "commit"),
        "in the ledger's transaction": lambda: before(engine._store.versions, "_set_head"),
        "with the ledger written": lambda: after(engine._store.versions, "commit"),
    }
    if moment in by_hand:
        by_hand[moment]()
    engine.consolidate(progress=lambda stage, *_: stand() if stage == moment else None)


def everybody(folder):
    """As ``open_engine``, with weights of their own for each."""
    return Spaces.open(
        tiny_model(),
        path=Path(folder),
        room=1 << 30,
        settings=SETTINGS,
        generator=FakeGenerator(["What is my dog called?\n- Who is a nurse?\n- Where do I work?"]),
        background=False,
    )


def child_of_many(folder, moment, told):
    """Learn what everybody said; at a stage after so many commits stand still until killed."""
    stage, commits, concurrency = moment
    torch.set_num_threads(1)
    spaces = everybody(folder)
    for name, text in SAID.items():
        Space(spaces, ("memories", name)).append(user=text, assistant="Noted.")
    committed = []

    def progress(at, done, total):
        if (at, done) == ("commit", 1):
            committed.append(at)
        if at == stage and len(committed) == commits:
            told.send(moment)
            threading.Event().wait()

    consolidate_all(spaces, limits=Limits(concurrency=concurrency), progress=progress)


def kill(processes, target, folder, moment, meanwhile=lambda process: None):
    """Run a child until it stands still, and kill it there."""
    here, there = processes.Pipe()
    process = processes.Process(target=target, args=(str(folder), moment, there), daemon=True)
    process.start()
    there.close()
    try:
        assert here.poll(60), "the child never came to that moment"
        assert here.recv() == moment
        meanwhile(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        process.join(20)
    assert process.exitcode == -signal.SIGKILL


@pytest.fixture(scope="module")
def processes():
    """Children that begin with everything imported: torch is loaded once for all of them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(NEEDED)
    return context


MOMENTS = {
    "targets": 1,
    "teacher": 1,
    "student": 1,
    "probes": 1,
    "commit": 1,
    "with half a delta file": 1,
    "with the delta file": 1,
    "with the weights in": 1,
    "in the ledger's transaction": 1,
    "with the ledger written": 2,
}
"""Where the child is killed, and the version that is served afterwards."""


@pytest.mark.parametrize(("moment", "head"), MOMENTS.items())
def test_every_turn_is_pending_or_held_exactly_once(processes, tmp_path, moment, head):
    folder = tmp_path / "memory"

    def meanwhile(process):
        if moment == "student":
            with pytest.raises(FolderLockedError, match=rf"the folder {folder} is open in process {process.pid};"):
                open_engine(folder)

    kill(processes, child, folder, moment, meanwhile)
    with open_engine(folder) as engine:
        held = FIRST + (SECOND if head == 2 else [])
        wanted = {text: "held" if text in held else "pending" for text in FIRST + SECOND}
        assert [(t.user, str(t.state)) for t in engine.turns()] == list(wanted.items())
        assert [t.attempts for t in engine.turns()] == [0] * 4
        assert [t.user for t in engine.prompt_turns()] == [text for text in SECOND if text not in held]
        served = engine.versions()[-1]
        assert (served.id, served.is_head) == (head, True)
        assert digest(engine._exact.served(engine._local.model)) == served.weights_sha256
        assert sorted(p.name for p in engine._store.deltas.iterdir()) == [v.delta_file for v in engine.versions()[1:]]
        assert engine._store.jobs.list()[-1].state == ("done" if head == 2 else "abandoned")
        if moment == "with the weights in":
            assert engine.consolidate().held == (3, 4)


@pytest.mark.parametrize(
    "moment", [("student", 0, 1), ("targets", 1, 1), ("probes", 1, 1), ("student", 0, 3), ("probes", 1, 3)]
)
def test_a_run_over_many_goes_on_where_it_was_killed(processes, tmp_path, moment):
    folder = tmp_path / "memory"
    kill(processes, child_of_many, folder, moment)
    done = moment[1]
    spaces = everybody(folder)
    try:
        found = [(turn.user, str(turn.state), turn.attempts) for turn in spaces.turns()]
        assert found == [(text, "held" if at < done else "pending", 0) for at, text in enumerate(SAID.values())]
        report = consolidate_all(spaces, limits=Limits())
        assert [namespace[-1] for namespace in report.reports] == list(SAID)[done:]
        assert {str(turn.state) for turn in spaces.turns()} == {"held"}
        made = [version.namespace[-1] for version in spaces.versions() if version.id]
        assert made == list(SAID)  # one each, nothing twice
        assert sorted(p.name for p in (folder / "deltas").iterdir()) == sorted(
            version.delta_file for version in spaces.versions() if version.id
        )
    finally:
        spaces.close()
