"""An agent's tools: what is kept, forgotten and listed is that of the user whom the run is for."""

import asyncio
import concurrent.futures
import dataclasses
import threading

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from langchain_selfparam import ChatSelfParam, ParametricMemory
from langchain_selfparam.errors import ConfigError
from langchain_selfparam.interfaces.threads import waiting
from langchain_selfparam.interfaces.tools import Forget, Remember, WhatDoYouRemember
from langchain_selfparam.store.turns import Turns
from langchain_selfparam.testing import tiny_model


@pytest.fixture
def memory(tiny, tmp_path):
    with ParametricMemory(
        ChatSelfParam(local=tiny), path=tmp_path / "m", isolation="namespace", consolidate_every=None
    ) as memory:
        yield memory


@pytest.fixture
def of_class(request, tmp_path):
    memory = ParametricMemory(ChatSelfParam(local=tiny_model()), path=tmp_path / "m", background=False)
    request.cls.memory = memory
    yield
    memory.close()


@pytest.mark.usefixtures("of_class")
class OfMemory:
    kind: type
    given: dict

    @property
    def tool_constructor(self):
        return self.kind

    @property
    def tool_constructor_params(self):
        return {"memory": self.memory}

    @property
    def tool_invoke_params_example(self):
        return self.given


class TestRemember(OfMemory, ToolsUnitTests):
    kind, given = Remember, {"fact": "My boat is called Ada."}


class TestForget(OfMemory, ToolsUnitTests):
    kind, given = Forget, {"about": "boat"}


class TestWhat(OfMemory, ToolsUnitTests):
    kind, given = WhatDoYouRemember, {"about": ""}


class TestRememberRun(OfMemory, ToolsIntegrationTests):
    kind, given = Remember, {"fact": "My boat is called Ada."}


class TestForgetRun(OfMemory, ToolsIntegrationTests):
    kind, given = Forget, {"about": "boat"}


class TestWhatRun(OfMemory, ToolsIntegrationTests):
    kind, given = WhatDoYouRemember, {"about": ""}


def test_what_is_remembered_can_be_listed_and_forgotten(memory):
    remember, forget, what = memory.with_namespace(user_id="ana").as_tools()
    assert what.invoke({}) == "Nothing yet."
    assert remember.invoke({"fact": " My boat is called Ada. "}) == "Remembered."
    assert remember.invoke({"fact": "  "}) == "There is nothing in it to remember."
    remember.invoke({"fact": "My dog is called Biscuit."})
    assert what.invoke({}) == (
        "- My boat is called Ada. (waiting to be learned)\n- My dog is called Biscuit. (waiting to be learned)"
    )
    assert what.invoke({"about": "BOAT ada"}) == "- My boat is called Ada. (waiting to be learned)"
    assert forget.invoke({"about": "cat"}) == "Nothing that is remembered has 'cat' in it."
    assert forget.invoke({"about": " "}) == "Nothing that is remembered has ' ' in it."
    assert forget.invoke({"about": "boat"}) == "Forgotten: My boat is called Ada."
    assert [t.user for t in memory.turns] == ["My dog is called Biscuit."]
    assert asyncio.run(what.ainvoke({})) == "- My dog is called Biscuit. (waiting to be learned)"


def test_many_are_cut(memory):
    remember, _, what = memory.with_namespace(user_id="ana").as_tools()
    for number in range(22):
        remember.invoke({"fact": f"I own {number} boats."})
    lines = what.invoke({}).splitlines()
    assert (lines[0], len(lines), lines[1]) == ("and 2 earlier ones", 21, "- I own 2 boats. (waiting to be learned)")


def test_nobodys_tools_are_refused(memory):
    for tool, given in zip(memory.as_tools(), ({"fact": "a"}, {"about": "a"}, {}), strict=True):
        with pytest.raises(ConfigError, match="needs 'user_id'"):
            tool.invoke(given)


def test_trouble_is_said(memory, monkeypatch):
    remember, _, _ = memory.with_namespace(user_id="ana").as_tools()

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(Turns, "append", fail)
    assert remember.invoke({"fact": "a"}) == "It could not be kept: disk full"


def test_what_another_call_has_forgotten_meanwhile_is_said(memory, monkeypatch):
    tool = Forget(memory=memory.with_namespace(user_id="ana"))
    memory.with_namespace(user_id="ana").save_context({"input": "My boat is called Ada."}, {"output": "Noted."})
    turns = tool.memory.turns
    tool.invoke({"about": "boat"})
    monkeypatch.setattr(Forget, "_found", lambda self, about: list(turns))
    said = tool.invoke({"about": "Ada"})
    assert said == "It was not forgotten: there is no turn 1; memory.turns lists those there are"


def test_many_that_wait_leave_threads_for_requests(memory):
    """Waiting for a consolidation takes none of the few threads that each request needs for a moment."""
    goes = threading.Event()

    def wait():
        assert goes.wait(20)
        return "late"

    async def many():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(1))
        tasks = [asyncio.create_task(waiting(wait)) for _ in range(12)]
        await asyncio.sleep(0)  # each has taken its thread
        assert await asyncio.to_thread(lambda: "at once") == "at once"
        goes.set()
        return await asyncio.gather(*tasks)

    assert asyncio.run(many()) == ["late"] * 12


def test_what_is_being_learned_is_left(memory):
    remember, forget, what = memory.with_namespace(user_id="ana").as_tools()
    remember.invoke({"fact": "My boat is called Ada."})
    with memory._engine._store.database.transaction() as c:
        c.exec_driver_sql("UPDATE turns SET state = 'leased'")
    assert forget.invoke({"about": "boat"}) == "This is being learned just now; ask again later."
    assert what.invoke({}) == "- My boat is called Ada. (being learned)"


@dataclasses.dataclass
class Ctx:
    user_id: str


@pytest.mark.parametrize("wait", [False, True])
def test_in_an_agent_they_are_the_users(memory, wait):
    call = AIMessage("", tool_calls=[{"name": "remember", "args": {"fact": "My boat is red."}, "id": "1"}])

    class Scripted(GenericFakeChatModel):
        def bind_tools(self, tools, **kwargs):
            return self

    model = Scripted(messages=iter([call, AIMessage("Done.")]))
    agent = create_agent(model, tools=memory.as_tools(), middleware=[memory.as_middleware()], context_schema=Ctx)
    given = {"messages": [("user", "Remember that my boat is red.")]}
    if wait:
        asyncio.run(agent.ainvoke(given, context=Ctx("ana")))
    else:
        agent.invoke(given, context=Ctx("ana"))
    assert [(t.namespace[-1], t.user) for t in memory.turns] == [
        ("ana", "My boat is red."),
        ("ana", "Remember that my boat is red."),
    ]
