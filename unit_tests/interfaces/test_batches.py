"""``consolidate_all`` of a memory and its async twin: one run over everybody, and a cancelled task loses nothing."""

import asyncio
import threading
import time

import pytest

from langchain_selfparam import BatchReport, ChatSelfParam, ParametricMemory, TurnState
from langchain_selfparam.engine import pipeline
from langchain_selfparam.engine.learn import Learned
from langchain_selfparam.errors import ClosedError, ConfigError
from langchain_selfparam.records import TargetSet, TrainReport, Verdict
from langchain_selfparam.weights.delta import Delta, Factors
from langchain_selfparam.weights.shadow import adapted_modules

USERS = ("ana", "bob", "cy")


class Quick:
    """Learns in a moment, or waits at ``gate`` between two steps."""

    gate: threading.Event
    begun: threading.Event

    def __init__(self, local, gate, **_):
        self.local = local

    def lesson(self, episode, **options):
        """A lesson without a training."""
        return self.learn(episode, **options)
        yield

    def learn(self, episode, *, candidate, earlier, held, untaught, progress):
        import torch

        self.begun.set()
        while not self.gate.wait(0.01):
            progress("student", 1, 2)
        progress("student", 2, 2)
        name = adapted_modules(self.local.model)[0]
        d_out, d_in = self.local.model.get_submodule(name).weight.shape
        delta = Delta({name: Factors(b=torch.ones(d_out, 1), a=torch.ones(1, d_in))})
        held = tuple(turn.id for turn in episode.turns)
        verdict = Verdict(accepted=True, held=held, recall=1.0, drift=0.0, neighbours_wrong=0.0)
        train = TrainReport(steps=1, tokens=1, answer_tokens=1, kl_first=1.0, kl_last=1.0)
        return Learned(delta, verdict, TargetSet(statements=(), sentences=(), probes=()), train, {})


@pytest.fixture
def memory(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "Learner", Quick)
    monkeypatch.setattr(Quick, "gate", threading.Event(), raising=False)
    monkeypatch.setattr(Quick, "begun", threading.Event(), raising=False)
    llm = ChatSelfParam(local=tiny)
    with ParametricMemory(llm, path=tmp_path / "m", isolation="namespace", consolidate_every=None) as memory:
        for user in USERS:
            memory.with_namespace(user_id=user).save_context({"input": f"I'm {user}."}, {"output": "Hello."})
        yield memory
        Quick.gate.set()


def test_everybody_in_one_run(memory):
    Quick.gate.set()
    stages = []
    report = memory.consolidate_all(progress=lambda stage, done, total: stages.append((stage, done, total)))
    assert isinstance(report, BatchReport)
    assert list(report.reports) == [("memories", user) for user in USERS]
    assert report.held == (1, 2, 3)
    assert [event for event in stages if event[0] == "namespaces"] == [("namespaces", n, 3) for n in (1, 2, 3)]
    whose = [event for event in stages if event[0].startswith("memories/")]
    assert whose == [(f"memories/{user}", 0, 1) for user in USERS]
    assert stages.index(whose[1]) == stages.index(("namespaces", 1, 3)) + 1
    assert memory.consolidate_all().reports == {}


def test_those_who_are_named(memory):
    Quick.gate.set()
    report = memory.consolidate_all(namespaces=[["memories", "bob"]])
    assert (report.held, report.left) == ((2,), {})


def test_a_namespace_in_which_nothing_was_ever_said_is_told(memory, caplog):
    Quick.gate.set()
    report = memory.consolidate_all(namespaces=[("memories", "bbo"), ("memories", "ana")])
    assert (report.held, report.left) == ((1,), {})
    told = "nothing was ever said in the namespace ('memories', 'bbo'): there is nothing to learn of it"
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [told]
    caplog.clear()
    memory.consolidate_all(namespaces=[("memories", "ana")])  # all of it is held: no slip
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_one_memory_for_all_knows_its_namespace_too(tiny, tmp_path, caplog):
    with ParametricMemory(ChatSelfParam(local=tiny), path=tmp_path / "one", consolidate_every=None) as memory:
        assert memory.consolidate_all(namespaces=[("memories", "ana")]).reports == {}
    assert "nothing was ever said in the namespace ('memories', 'ana')" in caplog.text


def test_who_is_still_speaking_is_left_for_later_as_the_policy_says(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "Learner", Quick)
    monkeypatch.setattr(Quick, "gate", threading.Event(), raising=False)
    monkeypatch.setattr(Quick, "begun", threading.Event(), raising=False)
    Quick.gate.set()
    settings = {"policy": {"after_seconds": 3600}}
    llm = ChatSelfParam(local=tiny)
    with ParametricMemory(llm, path=tmp_path / "m", consolidate_every=None, settings=settings) as memory:
        memory.save_context({"input": "I'm Ana."}, {"output": "Hello."})
        assert memory.consolidate_all().held == ()
        assert memory.consolidate_all(after_seconds=0).held == (1,)


async def test_a_cancelled_task_stops_between_two_steps_and_the_turns_are_pending(memory):
    task = asyncio.create_task(memory.aconsolidate_all())
    assert await asyncio.to_thread(Quick.begun.wait, 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 20)
    assert {(turn.state, turn.attempts) for turn in memory.turns} == {(TurnState.PENDING, 0)}
    assert memory.last_error is None  # it was wished for
    Quick.gate.set()
    assert (await memory.aconsolidate_all()).held == (1, 2, 3)


async def test_whoever_cancels_twice_waits_for_the_step_all_the_same(memory, monkeypatch):
    ended, real = threading.Event(), Quick.learn

    def learn(self, episode, **options):
        try:
            return real(self, episode, **options)
        finally:
            time.sleep(0.3)
            ended.set()

    monkeypatch.setattr(Quick, "learn", learn)
    task = asyncio.create_task(memory.aconsolidate_all())
    assert await asyncio.to_thread(Quick.begun.wait, 20)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0.02)
    assert not task.done()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 20)
    assert ended.is_set()


async def test_the_twin_hears_its_callers_wish_to_stop(memory):
    report = await memory.aconsolidate_all(stopping=Quick.begun.is_set)
    assert (report.ended, sum(report.left.values())) == ("stopped", 3)


async def test_the_loop_goes_on_meanwhile(memory):
    task = asyncio.create_task(memory.aconsolidate_all())
    for _ in range(20):
        await asyncio.sleep(0.01)
    assert not task.done()
    Quick.gate.set()
    assert (await task).ended == "done"


def test_one_memory_for_all_has_one_namespace(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "Learner", Quick)
    Quick.gate, Quick.begun = threading.Event(), threading.Event()
    Quick.gate.set()
    with ParametricMemory(ChatSelfParam(local=tiny), path=tmp_path / "m", consolidate_every=None) as memory:
        memory.save_context({"input": "I'm Ana."}, {"output": "Hello."})
        report = memory.consolidate_all()
        assert (list(report.reports), report.held) == ([("memories", "default")], (1,))
        assert memory.buffer == ""


def test_limits_are_checked_and_a_closed_memory_says_so(memory):
    with pytest.raises(ConfigError, match="deadline is -1; it has to be above 0"):
        memory.consolidate_all(deadline=-1)
    with pytest.raises(ConfigError, match=r"a namespace is 'memories/ana'; it has to be a tuple of texts, such as"):
        memory.consolidate_all(namespaces=["memories/ana"])
    memory.close()
    with pytest.raises(ClosedError, match="was closed"):
        memory.consolidate_all()
