"""``ParametricMemory`` over the real engine and a real folder, without learning."""

import threading
import time

import pytest

from langchain_selfparam import ChatSelfParam, ParametricMemory, TurnState
from langchain_selfparam.engine.pipeline import Engine
from langchain_selfparam.errors import (
    ConfigError,
    FolderError,
    FolderLockedError,
    UnknownTurnError,
    UnknownVersionError,
    WrongModelError,
)
from langchain_selfparam.testing import tiny_model


@pytest.fixture
def llm(tiny):
    return ChatSelfParam(local=tiny)


def open_memory(llm, tmp_path, **fields):
    return ParametricMemory(llm, path=tmp_path / "memory", **{"consolidate_every": None, **fields})


def say(memory, *texts):
    for text in texts:
        memory.save_context({"input": text}, {"output": f"re {text}"})


def test_a_folder_opened_again_has_the_same_turns(llm, tmp_path):
    with open_memory(llm, tmp_path) as memory:
        say(memory, "one", "two")
        before = memory.turns
    with open_memory(llm, tmp_path) as memory:
        assert memory.turns == before
        assert memory.buffer == "Human: one\nAI: re one\nHuman: two\nAI: re two"
        assert [version.id for version in memory.versions] == [0]


def test_nothing_pending_is_a_report_without_a_version(llm, tmp_path):
    with open_memory(llm, tmp_path) as memory:
        report = memory.consolidate()
    assert report.version is None
    assert report.reasons == ("no turn is pending",)


def test_a_model_has_one_memory_at_a_time(llm, tmp_path):
    first = open_memory(llm, tmp_path)
    with pytest.raises(ConfigError, match=f"already has the memory {first.folder} open"):
        ParametricMemory(llm, path=tmp_path / "other")
    first.close()
    ParametricMemory(llm, path=tmp_path / "other").close()


def test_a_folder_has_one_owner_and_one_model(llm, tmp_path):
    other = ChatSelfParam(local=tiny_model(seed=1))
    with open_memory(llm, tmp_path), pytest.raises(FolderLockedError, match=r"is open in process \d+ \(this one"):
        open_memory(other, tmp_path)
    with pytest.raises(WrongModelError, match=r"belongs to tiny-llama-0 .* not to tiny-llama-1"):
        open_memory(other, tmp_path)
    open_memory(llm, tmp_path).close()


def test_weights_that_all_are_served_are_one_namespaces(llm, tmp_path):
    with open_memory(llm, tmp_path, namespace=("memories", "ana")) as memory:
        say(memory, "I am Ana")
    refused = (
        r"holds what \('memories', 'ana'\) said, and with isolation='shared' \('memories', 'bob'\) would be answered "
        r"from the same weights\. Choose another folder, or isolation='namespace' and a new folder for all of them"
    )
    with pytest.raises(ConfigError, match=refused):
        open_memory(llm, tmp_path, namespace=("memories", "bob"))
    with open_memory(llm, tmp_path, namespace=("memories", "ana")) as memory:  # nothing was left open or changed
        assert [turn.user for turn in memory.turns] == ["I am Ana"]


def test_clear_leaves_the_turns_in_the_journal(llm, tmp_path):
    with open_memory(llm, tmp_path, keep_last=2) as memory:
        say(memory, "one")
        memory.clear()
        assert memory.buffer == ""
        assert [turn.state for turn in memory.turns] == [TurnState.CLEARED]


def test_forget_and_rollback_name_what_is_not_there(llm, tmp_path):
    with open_memory(llm, tmp_path) as memory:
        say(memory, "one", "two")
        assert memory.forget([1]).turns == (1,)
        assert [turn.user for turn in memory.turns] == ["two"]
        with pytest.raises(UnknownTurnError, match="there is no turn 9"):
            memory.forget([9])
        with pytest.raises(UnknownVersionError, match="there is no version 9; there are 0"):
            memory.rollback(9)


def test_export_knows_its_formats(llm, tmp_path):
    with open_memory(llm, tmp_path) as memory, pytest.raises(ConfigError, match="format is 'gguf'; it has to"):
        memory.export(tmp_path / "out", format="gguf")


def test_a_full_disk_costs_no_answer(llm, tmp_path, monkeypatch):
    with open_memory(llm, tmp_path) as memory:
        failed = FolderError("the disk is full")

        def append(**values):
            raise failed

        monkeypatch.setattr(memory._engine._store.turns, "append", append)
        say(memory, "one")
        assert memory.last_error is failed
        monkeypatch.undo()
        say(memory, "two")
        assert [turn.user for turn in memory.turns] == ["two"]


def test_saving_does_not_wait_for_a_consolidation(llm, tmp_path, monkeypatch, in_thread):
    learning, done = threading.Event(), threading.Event()

    def learn(self, episode, progress):
        learning.set()
        assert done.wait(20)
        raise KeyboardInterrupt

    monkeypatch.setattr(Engine, "_consolidate", learn)
    with open_memory(llm, tmp_path) as memory:
        say(memory, "one")

        def consolidate():
            with pytest.raises(KeyboardInterrupt):
                memory.consolidate()

        with in_thread(consolidate):
            assert learning.wait(20)
            started = time.perf_counter()
            say(memory, "two")
            assert "two" in memory.buffer
            seconds = time.perf_counter() - started
            done.set()
    assert seconds < 2.0


def test_many_threads_lose_and_mix_nothing(llm, tmp_path, in_thread):
    with open_memory(llm, tmp_path) as memory:
        threads = [in_thread(lambda n=n: say(memory, *(f"{n}.{i}" for i in range(5)))) for n in range(6)]
        for thread in threads:
            thread.__enter__()
        for thread in threads:
            thread.__exit__(None, None, None)
        turns = memory.turns
    assert sorted(turn.user for turn in turns) == sorted(f"{n}.{i}" for n in range(6) for i in range(5))
    assert all(turn.assistant == f"re {turn.user}" for turn in turns)
