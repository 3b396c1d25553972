"""Many users at once, in threads and on an event loop, while their weights change; and nobody blocks the loop."""

import asyncio
import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage

from langchain_selfparam import ChatSelfParam, ParametricMemory
from langchain_selfparam.engine import pipeline
from langchain_selfparam.engine.learn import Learned
from langchain_selfparam.engine.spaces import Spaces
from langchain_selfparam.interfaces.scope import saying
from langchain_selfparam.records import TargetSet, TrainPoint, TrainReport, Verdict
from langchain_selfparam.store.turns import Turns
from langchain_selfparam.weights.delta import Delta, Factors
from langchain_selfparam.weights.shadow import adapted_modules

USERS = [f"user{number}" for number in range(8)]


@dataclasses.dataclass
class Ctx:
    user_id: str


class Quick:
    """Learns something else for each namespace, in a moment."""

    def __init__(self, local, gate, **_):
        self.local = local

    def lesson(self, episode, **options):
        """A lesson without a training."""
        return self.learn(episode, **options)
        yield

    def learn(self, episode, *, candidate, earlier, held, untaught, progress):
        random = torch.Generator().manual_seed(sum(map(ord, episode.namespace[-1])) * 100 + episode.turns[0].id)
        layers = {}
        for name in adapted_modules(self.local.model):
            d_out, d_in = self.local.model.get_submodule(name).weight.shape
            b = torch.randn(d_out, 2, generator=random)
            layers[name] = Factors(b=b, a=torch.randn(2, d_in, generator=random))
        held = tuple(turn.id for turn in episode.turns)
        verdict = Verdict(accepted=True, held=held, recall=1.0, drift=0.0, neighbours_wrong=0.0, reasons=())
        train = TrainReport(
            steps=1, tokens=1, answer_tokens=1, kl_first=1.0, kl_last=1.0, curve=(TrainPoint(step=1, kl=1.0, lr=1.0),)
        )
        return Learned(Delta(layers), verdict, TargetSet(statements=(), sentences=(), probes=()), train, {})


@pytest.fixture
def llm(tiny):
    return ChatSelfParam(local=tiny, max_tokens=6)


@pytest.fixture
def memory(llm, tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "Learner", Quick)
    with ParametricMemory(llm, path=tmp_path / "m", isolation="namespace", consolidate_every=None) as memory:
        yield memory


def config(user):
    return {"configurable": {"user_id": user}}


def test_in_a_storm_each_is_answered_by_their_own_weights(llm, memory):
    """64 requests of 8 users in threads and on a loop, 4 consolidations meanwhile; answers are those of one version."""

    def learn(user, text):
        memory.with_namespace(user_id=user).save_context({"input": text}, {"output": "Noted."})
        memory.with_namespace(user_id=user).consolidate()

    for user in USERS:
        learn(user, "first")
    allowed = {user: {llm.invoke("Who am I?", config(user)).text} for user in USERS}
    assert len({next(iter(texts)) for texts in allowed.values()}) == len(USERS)
    found = []

    def ask(user):
        found.append((user, llm.invoke("Who am I?", config(user)).text))

    async def aask(user):
        found.append((user, (await llm.ainvoke("Who am I?", config(user))).text))

    async def storm():
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(8) as pool:
            learning = [loop.run_in_executor(pool, learn, user, "second") for user in USERS[:4]]
            threads = [loop.run_in_executor(pool, ask, USERS[n % 8]) for n in range(32)]
            tasks = [aask(USERS[n % 8]) for n in range(32)]
            await asyncio.gather(*tasks, *threads, *learning)

    asyncio.run(storm())
    for user in USERS:
        allowed[user].add(llm.invoke("Who am I?", config(user)).text)
    assert len(found) == 64
    assert [(user, text) for user, text in found if text not in allowed[user]] == []
    assert all(len(allowed[user]) == 2 for user in USERS[:4])  # they did learn
    assert all(len(allowed[user]) == 1 for user in USERS[4:])


def test_a_request_that_began_before_ends_on_the_old_weights(llm, memory):
    ana = memory.with_namespace(user_id="ana")
    ana.save_context({"input": "first"}, {"output": "Noted."})
    ana.consolidate()
    old = llm.invoke("Who am I?", config("ana")).text
    ana.save_context({"input": "second"}, {"output": "Noted."})
    stream = llm.stream("Who am I?", config("ana"))
    said = next(stream).text
    with ThreadPoolExecutor(1) as pool:
        learning = pool.submit(ana.consolidate)
        said += "".join(chunk.text for chunk in stream)
        learning.result()
    assert said == old
    assert llm.invoke("Who am I?", config("ana")).text != old


SLOW = {
    "saving": (Turns, "append", lambda llm, memory, agent: _saved(memory)),
    "loading": (Turns, "list", lambda llm, memory, agent: _loaded(memory)),
    "a history is read": (Turns, "list", lambda llm, memory, agent: memory.get_session_history("ana").aget_messages()),
    "a history is added to": (Turns, "append", lambda llm, memory, agent: _added(memory)),
    "an adapter is loaded": (Spaces, "served", lambda llm, memory, agent: llm.ainvoke("Hello", config("ana"))),
    "an agent looks at its thread": (Turns, "said_in", lambda llm, memory, agent: _run(agent)),
    "an agent reads": (Turns, "list", lambda llm, memory, agent: _run(agent)),
    "an agent saves": (Turns, "append", lambda llm, memory, agent: _run(agent)),
    "learning": (Quick, "learn", lambda llm, memory, agent: _learned(memory)),
}


async def _saved(memory):
    await memory.with_namespace(user_id="ana").asave_context({"input": "a"}, {"output": "b"})


async def _loaded(memory):
    await memory.with_namespace(user_id="ana").aload_memory_variables({})


async def _added(memory):
    await memory.get_session_history("ana").aadd_messages([HumanMessage("a"), AIMessage("b")])


async def _run(agent):
    await agent.ainvoke({"messages": [("user", "Hello")]}, context=Ctx("ana"))


async def _learned(memory):
    memory.with_namespace(user_id="ana").save_context({"input": "a"}, {"output": "b"})
    await memory.aconsolidate()


@pytest.mark.parametrize(("where", "method", "call"), SLOW.values(), ids=SLOW)
def test_the_event_loop_goes_on_while_something_takes_time(llm, memory, monkeypatch, where, method, call):
    """What takes time waits for the loop itself: were it run on the loop, it would wait for ever."""
    agent = create_agent(llm, tools=[], middleware=[memory.as_middleware()], context_schema=Ctx)
    going, inner, waited = threading.Event(), getattr(where, method), []

    def slow(self, *args, **kwargs):
        waited.append(going.wait(10))
        return inner(self, *args, **kwargs)

    async def work():
        task = asyncio.create_task(call(llm, memory, agent))
        await asyncio.sleep(0.02)
        going.set()
        await task

    monkeypatch.setattr(where, method, slow)
    asyncio.run(work())
    assert waited
    assert all(waited)


def test_what_was_learned_of_one_is_told_to_that_one_alone(memory, monkeypatch):
    """The report has the probes, and so what was said; an error may quote it."""
    ana, bob = memory.with_namespace(user_id="ana"), memory.with_namespace(user_id="bob")
    for handle, text in ((ana, "I'm Ana"), (bob, "I'm Bob")):
        handle.save_context({"input": text}, {"output": "Hi"})
        handle.consolidate()
    assert (ana.last_report.held, bob.last_report.held) == ((1,), (2,))
    assert memory.last_report is bob.last_report  # of whoever came last
    with saying({"user_id": "ana"}):
        assert memory.last_report is ana.last_report
    cy = memory.with_namespace(user_id="cy")
    assert (cy.last_report, cy.last_error) == (None, None)
    error = OSError("'I'm Bob' does not fit")

    def full(self, **turn):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Turns, "append", full)
        bob.save_context({"input": "I'm Bob"}, {"output": "Hi"})
    assert bob.last_error is memory.last_error is error
    assert (ana.last_error, cy.last_error) == (None, None)
    with saying({"user_id": "bob"}):
        assert memory.last_error is error
    memory.close()
    assert (ana.last_report.held, bob.last_error) == ((1,), error)
