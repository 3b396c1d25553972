"""A memory in an agent of LangChain 1: whose it is, what goes into a request, what leaves the thread, what is saved."""

import asyncio

import pytest
from agent_home import Ctx, agent, hold, say, script
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from pydantic import BaseModel

from langchain_selfparam import ChatSelfParam, ParametricMemory
from langchain_selfparam.engine.spaces import Spaces
from langchain_selfparam.errors import ClosedError, ConfigError
from langchain_selfparam.store.turns import Turns

ANA, BOB = ("memories", "ana"), ("memories", "bob")


@pytest.fixture
def llm(tiny):
    return ChatSelfParam(local=tiny, max_tokens=3)


@pytest.fixture
def memory(llm, tmp_path):
    with ParametricMemory(llm, path=tmp_path / "memory", isolation="namespace", consolidate_every=None) as memory:
        yield memory


def test_each_user_has_weights_and_a_journal_of_their_own(llm, memory, monkeypatch):
    asked, inner = [], Spaces.served
    monkeypatch.setattr(Spaces, "served", lambda self, who: asked.append(who) or inner(self, who))
    bot = agent(llm, memory)
    say(bot, "My boat is called Zephyrine.", "ana", "t1")

    async def later():
        given = {"messages": [("user", "My boat is called Quillon.")]}
        return await bot.ainvoke(given, {"configurable": {"thread_id": "t2"}}, context=Ctx("bob"))

    asyncio.run(later())
    assert asked == [ANA, BOB]
    said = [(t.namespace, t.thread, t.user) for t in memory.turns]
    assert said == [(ANA, "t1", "My boat is called Zephyrine."), (BOB, "t2", "My boat is called Quillon.")]
    assert all(t.assistant for t in memory.turns)


@pytest.mark.parametrize(
    ("context", "configurable"),
    [({"user_id": "ana"}, {}), (None, {"user_id": "ana"}), ({"user_id": "ana"}, {"user_id": "bob"})],
)
def test_the_user_is_named_by_the_context_or_the_configuration(llm, memory, context, configurable):
    bot = create_agent(llm, tools=[], middleware=[memory.as_middleware()])
    bot.invoke({"messages": [("user", "Hello")]}, {"configurable": configurable}, context=context)
    assert [t.namespace for t in memory.turns] == [ANA]


def test_the_users_key_may_have_another_name(llm, memory):
    bot = create_agent(llm, tools=[], middleware=[memory.as_middleware(user_key="login")])
    bot.invoke({"messages": [("user", "Hello")]}, {"configurable": {"login": "ana"}})
    assert [t.namespace for t in memory.turns] == [ANA]


def test_a_run_for_nobody_is_refused_before_it_begins(llm, memory):
    bot = create_agent(llm, tools=[], middleware=[memory.as_middleware()])
    with pytest.raises(ConfigError, match="needs 'user_id', and this run does not say it"):
        bot.invoke({"messages": [("user", "Hello")]})
    assert memory.turns == ()


def test_a_handles_middleware_is_for_its_user_alone(llm, memory, monkeypatch):
    asked, inner = [], Spaces.served
    monkeypatch.setattr(Spaces, "served", lambda self, who: asked.append(who) or inner(self, who))
    ana = memory.with_namespace(user_id="ana")
    bot = create_agent(llm, tools=[], middleware=[ana.as_middleware()])
    bot.invoke({"messages": [("user", "My boat is red.")]})  # names nobody: it is Ana's, weights and all
    bot.invoke({"messages": [("user", "And old.")]}, {"configurable": {"user_id": "ana"}})
    match = "is of a handle on user_id='ana', and a run for 'bob' would read what was said there; use as_middleware"
    for config, context in ((None, {"user_id": "bob"}), ({"configurable": {"user_id": "bob"}}, None)):
        with pytest.raises(ConfigError, match=match):
            bot.invoke({"messages": [("user", "What colour is my boat?")]}, config, context=context)
    assert asked == [ANA, ANA]
    assert [(t.namespace, t.user) for t in memory.turns] == [(ANA, "My boat is red."), (ANA, "And old.")]


def test_what_corrects_a_turn_in_the_prompt_stays_beside_it(memory):
    model = script("one", "two", "three", "four", "five", "six")
    bot = agent(model, memory)
    lesson, moved, dog = "My lesson is on Monday.", "The lesson is on Friday now.", "My dog is called Biscuit."
    for text in (lesson, moved, dog):
        say(bot, text)
    hold(memory, moved, dog)
    say(bot, "When is it?")
    assert model.asked[-1] == [lesson, "one", moved, "two", "When is it?"]
    say(bot, "And now?", thread="t2")
    assert model.asked[-1] == [lesson, "one", moved, "two", "When is it?", "four", "And now?"]
    hold(memory, lesson)
    say(bot, "And today?")
    assert model.asked[-1] == ["And now?", "five", "When is it?", "four", "And today?"]


def test_what_no_weights_hold_comes_along_into_other_threads(memory):
    model = script("one", "two", "three", "four")
    bot = agent(model, memory)
    say(bot, "My boat is red.", thread="t1")
    say(bot, "And old.", thread="t1")
    say(bot, "What colour is my boat?", thread="t2")
    say(bot, "And mine?", "bob", thread="t3")
    assert model.asked == [
        ["My boat is red."],
        ["My boat is red.", "one", "And old."],  # the thread has it already
        ["My boat is red.", "one", "And old.", "two", "What colour is my boat?"],
        ["And mine?"],
    ]


def test_a_system_message_of_the_thread_stays_the_first(memory):
    model = script("one", "two")
    bot = agent(model, memory)
    say(bot, "My boat is red.", thread="t1")
    given = {"messages": [("system", "Be brief."), ("system", "Be kind."), ("user", "What colour is my boat?")]}
    bot.invoke(given, {"configurable": {"thread_id": "t2"}}, context=Ctx("ana"))
    assert model.asked[-1] == ["Be brief.", "Be kind.", "My boat is red.", "one", "What colour is my boat?"]


def test_what_the_weights_hold_leaves_the_thread(memory):
    model = script("one", "two", "three")
    bot = agent(model, memory)
    say(bot, "a")
    say(bot, "b")
    hold(memory, "a")
    found = say(bot, "c")
    assert model.asked[-1] == ["b", "two", "c"]
    assert [m.text for m in found["messages"]] == ["b", "two", "c", "three"]
    assert [t.user for t in memory.turns] == ["a", "b", "c"]


def test_the_last_turns_stay_where_that_is_wanted(memory):
    model = script("one", "two", "three")
    bot = agent(model, memory, keep_last=1)
    say(bot, "a")
    say(bot, "b")
    hold(memory, "a", "b")
    say(bot, "c")
    assert model.asked[-1] == ["b", "two", "c"]


@tool
def weather(town: str) -> str:
    """The weather in a town."""
    return f"rain in {town}"


def test_a_tool_call_stays_with_its_result(memory):
    call = AIMessage("", tool_calls=[{"name": "weather", "args": {"town": "Ptuj"}, "id": "1"}])
    model = script(call, "It rains.", "ok", "fine")
    bot = agent(model, memory, tools=[weather])
    say(bot, "How is it in Ptuj?")
    assert [(t.user, t.assistant) for t in memory.turns] == [("How is it in Ptuj?", "It rains.")]
    kept = say(bot, "Thanks.")["messages"]
    assert [type(m) for m in kept[:4]] == [HumanMessage, AIMessage, ToolMessage, AIMessage]
    hold(memory, "How is it in Ptuj?")
    kept = say(bot, "Bye.")["messages"]
    assert [m.text for m in kept] == ["Thanks.", "ok", "Bye.", "fine"]


def test_a_turn_is_saved_once_however_often_it_is_seen(llm, tmp_path):
    saver = InMemorySaver()
    config = {"configurable": {"thread_id": "t", "user_id": "ana"}}
    for text in ("a", "b"):  # as in two processes, one after the other
        fields = {"isolation": "namespace", "consolidate_every": None}
        with ParametricMemory(llm, path=tmp_path / "m", **fields) as memory:
            bot = create_agent(script("x"), tools=[], middleware=[memory.as_middleware()], checkpointer=saver)
            bot.invoke({"messages": [("user", text)]}, config)
            middleware = memory.as_middleware()
            state = bot.get_state(config).values
            middleware.after_agent(state, type("Runtime", (), {"context": {"user_id": "ana"}})())
            users = [t.user for t in memory.turns]
    assert users == ["a", "b"]


def test_a_conversation_without_a_checkpointer_is_not_saved_twice(memory):
    bot = create_agent(script("x", "y"), tools=[], middleware=[memory.as_middleware()])
    config = {"configurable": {"user_id": "ana"}}
    bot.invoke({"messages": [("user", "a")]}, config)
    bot.invoke({"messages": [("user", "a"), ("ai", "x"), ("user", "b")]}, config)
    assert [t.user for t in memory.turns] == ["a", "b"]


@pytest.mark.parametrize("method", ["append", "said_in", "list"])
def test_trouble_is_recorded_and_the_run_goes_on(memory, monkeypatch, method, caplog):
    model = script("one", "two")
    bot = agent(model, memory)
    say(bot, "a")
    calls = []

    def fail(*args, **kwargs):
        calls.append(method)
        raise OSError("disk full")

    monkeypatch.setattr(Turns, method, fail)
    assert say(bot, "b")["messages"][-1].text == "two"
    assert calls
    assert isinstance(memory.last_error, OSError)
    assert "disk full" in caplog.text


def test_a_run_begins_although_the_journal_cannot_be_read(memory, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(Turns, "said_in", fail)
    assert say(agent(script("one"), memory), "a")["messages"][-1].text == "one"
    assert "disk full" in str(memory.last_error)


def test_a_closed_memory_refuses_a_run(memory):
    bot = agent(script("one"), memory)
    memory.close()
    with pytest.raises(ClosedError):
        say(bot, "a")


def test_what_the_namespace_asks_for_goes_before_the_users_key(llm, tmp_path):
    options = {"namespace": ("memories", "{tenant}"), "isolation": "namespace", "background": False}
    with ParametricMemory(llm, path=tmp_path / "m", **options) as memory:
        bot = create_agent(script("one"), tools=[], middleware=[memory.as_middleware()])
        config = {"configurable": {"tenant": "acme", "user_id": "7"}}
        bot.invoke({"messages": [("user", "Hello")]}, config)
        assert [t.namespace for t in memory.turns] == [("memories", "acme")]


def test_what_was_said_to_have_something_forgotten_is_not_kept(memory):
    ana = memory.with_namespace(user_id="ana")
    ana.save_context({"input": "My boat is called Ada."}, {"output": "Noted."})
    call = AIMessage("", tool_calls=[{"name": "forget", "args": {"about": "boat"}, "id": "1"}])
    bot = agent(script(call, "Done.", "Hello!"), memory, tools=memory.as_tools())
    say(bot, "Forget that my boat is called Ada.")
    assert ana.turns == ()
    say(bot, "I have a car.")
    assert [t.user for t in ana.turns] == ["I have a car."]


def test_a_summary_of_langchain_is_not_what_the_user_said(memory):
    summary = HumanMessage("Here is a summary: boats.", additional_kwargs={"lc_source": "summarization"})
    bot = create_agent(script("Hi!"), tools=[], middleware=[memory.as_middleware()], context_schema=Ctx)
    bot.invoke({"messages": [summary, HumanMessage("I'm Ana")]}, context=Ctx("ana"))
    assert [t.user for t in memory.with_namespace(user_id="ana").turns] == ["I'm Ana"]


def test_streaming_in_every_mode(memory):
    bot = agent(script(*"abcdef"), memory)
    config, given = {"configurable": {"thread_id": "t"}}, {"messages": [("user", "Hello")]}
    for mode in ("values", "updates", "messages", "custom", "debug"):
        list(bot.stream(given, config, context=Ctx("ana"), stream_mode=mode))

    async def later():
        return [piece async for piece in bot.astream(given, config, context=Ctx("ana"), stream_mode="updates")]

    assert asyncio.run(later())
    assert [t.user for t in memory.turns] == ["Hello"] * 6


def test_one_memory_for_all_needs_no_user(llm, tmp_path):
    with ParametricMemory(llm, path=tmp_path / "m", background=False) as memory:
        create_agent(llm, tools=[], middleware=[memory.as_middleware()]).invoke({"messages": [("user", "Hello")]})
        assert [(t.namespace, t.user) for t in memory.turns] == [(("memories", "default"), "Hello")]


def test_a_run_that_a_person_has_to_approve_is_saved_once_when_it_ends(memory):
    call = AIMessage("", tool_calls=[{"name": "weather", "args": {"town": "Ptuj"}, "id": "1"}])
    ask = HumanInTheLoopMiddleware(interrupt_on={"weather": True})
    bot = create_agent(
        script(call, "It rains."), tools=[weather], middleware=[memory.as_middleware(), ask], context_schema=Ctx,
        checkpointer=InMemorySaver(),
    )  # fmt: skip
    config = {"configurable": {"thread_id": "t"}}
    found = bot.invoke({"messages": [("user", "How is it in Ptuj?")]}, config, context=Ctx("ana"))
    assert found["__interrupt__"]
    assert memory.turns == ()
    bot.invoke(Command(resume={"decisions": [{"type": "approve"}]}), config, context=Ctx("ana"))
    assert [(t.user, t.assistant) for t in memory.turns] == [("How is it in Ptuj?", "It rains.")]


class Town(BaseModel):
    """A town."""

    name: str


def test_structured_answers_are_as_without_a_memory(memory):
    call = AIMessage("", tool_calls=[{"name": "Town", "args": {"name": "Ptuj"}, "id": "1"}])
    bot = create_agent(
        script(call),
        tools=[],
        middleware=[memory.as_middleware()],
        context_schema=Ctx,
        response_format=ToolStrategy(Town),
    )
    found = bot.invoke({"messages": [("user", "Where do I live? In Ptuj.")]}, context=Ctx("ana"))
    assert found["structured_response"] == Town(name="Ptuj")
    assert [t.user for t in memory.turns] == ["Where do I live? In Ptuj."]


def test_a_checkpointer_on_disk_and_a_memory_on_disk_go_together(llm, tmp_path):
    sqlite = pytest.importorskip("langgraph.checkpoint.sqlite")
    config = {"configurable": {"thread_id": "t", "user_id": "ana"}}
    for number, text in enumerate("ab"):  # as in two processes, one after the other
        fields = {"isolation": "namespace", "consolidate_every": None}
        with (
            ParametricMemory(llm, path=tmp_path / "m", **fields) as memory,
            sqlite.SqliteSaver.from_conn_string(str(tmp_path / "threads.sqlite")) as saver,
        ):
            model = script("x")
            bot = create_agent(model, tools=[], middleware=[memory.as_middleware()], checkpointer=saver)
            if number:
                hold(memory, "a")
            bot.invoke({"messages": [("user", text)]}, config)
            assert [t.user for t in memory.turns] == ["a", "b"][: number + 1]
    assert model.asked == [["b"]]  # what the weights hold has left the thread


def broken(*_):
    raise RuntimeError("the harbour does not answer")


def berth(memory, *answers):
    """An agent whose tool breaks its first run."""
    call = AIMessage("", tool_calls=[{"name": "book", "args": {"boat": "Ada"}, "id": "1"}])
    book = tool(description="Book a berth.")(lambda boat: broken(boat))
    book.name = "book"
    return agent(script(call, *answers), memory, tools=[book])


def test_what_was_said_in_a_run_that_broke_is_saved_with_the_next_that_ends(memory):
    bot = berth(memory, "Hello!", "Bye!")
    with pytest.raises(RuntimeError, match="harbour"):
        say(bot, "My boat is Ada, book a berth.")
    assert memory.turns == ()
    say(bot, "Hello")
    assert [(t.user, t.assistant) for t in memory.turns] == [("My boat is Ada, book a berth.", ""), ("Hello", "Hello!")]
    say(bot, "Bye")
    assert [t.user for t in memory.turns] == ["My boat is Ada, book a berth.", "Hello", "Bye"]


def test_what_one_user_said_in_a_run_that_broke_is_not_saved_for_another(memory):
    bot = berth(memory, "Hello!")
    with pytest.raises(RuntimeError, match="harbour"):
        say(bot, "My boat is Ada, book a berth.")
    say(bot, "Hello", user="bob")
    assert [(t.namespace, t.user) for t in memory.turns] == [(BOB, "Hello")]


def test_what_was_forgotten_between_two_runs_does_not_come_back(memory):
    bot = agent(script("x", "y"), memory)
    say(bot, "My boat is Ada.")
    memory.with_namespace(user_id="ana").forget([memory.turns[0].id])
    say(bot, "Hello")
    assert [t.user for t in memory.turns] == ["Hello"]


def test_where_a_run_begins_is_nobodys_to_see(memory):
    found = say(agent(script("x"), memory), "Hello")
    assert set(found) == {"messages"}
