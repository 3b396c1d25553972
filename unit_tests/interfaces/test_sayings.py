"""Whose words are saved for whom, and that none are lost: runs that break, edits, summaries, a full disk."""

import asyncio
import re

import pytest
from agent_home import Ctx, agent, hold, say, script
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, PIIMiddleware, SummarizationMiddleware, hook_config
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, SystemMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver

from langchain_selfparam import ChatSelfParam, ParametricMemory
from langchain_selfparam.errors import ClosedError, ConfigError
from langchain_selfparam.interfaces.sayings import noted, parts
from langchain_selfparam.store.turns import Turns

ANA, BOB = ["memories", "ana"], ["memories", "bob"]
THREAD = {"configurable": {"thread_id": "t1"}}


@pytest.fixture
def memory(tiny, tmp_path):
    llm = ChatSelfParam(local=tiny, max_tokens=3)
    with ParametricMemory(llm, path=tmp_path / "memory", isolation="namespace", consolidate_every=None) as memory:
        yield memory


def said(memory):
    return [(t.namespace[1], t.user, t.assistant) for t in memory.turns]


def breaks(bot, text, user="ana"):
    with pytest.raises(RuntimeError, match="harbour"):
        say(bot, text, user)


HARBOUR = RuntimeError("the harbour does not answer")
SUM = {"lc_source": "summarization"}


class Guard(AgentMiddleware):
    """Ends a run without a word."""

    @hook_config(can_jump_to=["end"])
    def before_model(self, state, runtime):
        return {"jump_to": "end"} if "blocked" in state["messages"][-1].text else None


class Reminder(AgentMiddleware):
    """Adds to what the user says."""

    def before_agent(self, state, runtime):
        return {"messages": [HumanMessage("Be brief.")]}


# ---- several users in a thread


def test_words_of_a_run_that_broke_are_saved_for_whoever_said_them_and_for_nobody_else(memory):
    bot = agent(script(HARBOUR, "Hi Bob", "Hi Ana", "Bye"), memory)
    breaks(bot, "My PIN is 4711.")
    say(bot, "Hello, I am Bob.", "bob")
    assert said(memory) == [("bob", "Hello, I am Bob.", "Hi Bob")]
    say(bot, "Hello again.")
    assert said(memory)[1:] == [("ana", "My PIN is 4711.", ""), ("ana", "Hello again.", "Hi Ana")]
    say(bot, "Bye.", "bob")
    assert said(memory)[3:] == [("bob", "Bye.", "Bye")]


def test_words_that_follow_each_other_without_a_reply_are_kept_apart_by_user(memory):
    bot = agent(script("one"), memory, after=[Guard()])
    for text, user in [("blocked a", "ana"), ("blocked b", "bob"), ("blocked c", "cy"), ("d", "bob")]:
        say(bot, text, user)
    found = [("ana", "blocked a", ""), ("bob", "blocked b", ""), ("cy", "blocked c", ""), ("bob", "d", "one")]
    assert said(memory) == found


def test_without_its_reply_what_one_said_is_not_the_next_ones(memory):
    bot = agent(script("one", "two"), memory)
    found = say(bot, "My PIN is 4711.")
    bot.update_state(THREAD, {"messages": [RemoveMessage(id=found["messages"][-1].id)]})
    say(bot, "I am Bob.", "bob")
    assert said(memory) == [("ana", "My PIN is 4711.", "one"), ("bob", "I am Bob.", "two")]


def test_a_run_that_says_nothing_saves_nothing_of_somebody_elses(memory):
    bot = agent(script("one", "two", "three"), memory)
    found = say(bot, "My PIN is 4711.")
    bot.invoke({"messages": []}, THREAD, context=Ctx("bob"))
    edited = {"messages": [HumanMessage("My PIN is 4712.", id=found["messages"][0].id)]}
    bot.invoke(edited, THREAD, context=Ctx("bob"))
    assert said(memory) == [("ana", "My PIN is 4711.", "one")]


def test_words_of_a_run_that_is_refused_are_not_saved_for_the_next_user(memory):
    bot = agent(script("one", "two"), memory)
    with pytest.raises(ConfigError, match="needs 'user_id', and this run does not say it"):
        bot.invoke({"messages": [("user", "My PIN is 4711.")]}, THREAD, context=None)
    say(bot, "I am Bob.", "bob")
    say(bot, "I am Ana.", "ana")
    assert said(memory) == [("bob", "I am Bob.", "one"), ("ana", "I am Ana.", "two")]


def test_words_of_a_run_whose_memory_was_closed_are_saved_for_whoever_said_them(tiny, tmp_path):
    saver, llm, model = InMemorySaver(), ChatSelfParam(local=tiny, max_tokens=3), script("one", "two")
    for closed in (True, False):
        with ParametricMemory(llm, path=tmp_path / "m", isolation="namespace", consolidate_every=None) as memory:
            bot = create_agent(
                model, tools=[], middleware=[memory.as_middleware()], context_schema=Ctx, checkpointer=saver
            )
            if closed:
                memory.close()
                with pytest.raises(ClosedError, match="was closed; make a ParametricMemory with this path again"):
                    say(bot, "My PIN is 4711.")
                continue
            say(bot, "I am Bob.", "bob")
            say(bot, "I am Ana.", "ana")
            assert [t[:2] for t in said(memory)] == [
                ("bob", "I am Bob."), ("ana", "My PIN is 4711."), ("ana", "I am Ana.")
            ]  # fmt: skip


def test_a_memory_that_is_closed_within_a_run_does_not_end_it(memory):
    @tool
    def shut() -> str:
        """Close the memory."""
        memory.close()
        return "ok"

    bot = agent(script(*calls("shut", {}, 1), "Done."), memory, tools=[shut])
    assert say(bot, "Close it.")["messages"][-1].text == "Done."


def test_what_another_may_have_edited_is_nobodys(memory):
    bot = agent(script(HARBOUR, "one", "two"), memory)
    breaks(bot, "My PIN is 4711.")
    first = bot.get_state(THREAD).values["messages"][0].id
    bot.invoke({"messages": [HumanMessage("I am Bob.", id=first)]}, THREAD, context=Ctx("bob"))
    say(bot, "Hello.")
    assert said(memory) == [("ana", "Hello.", "two")]


def test_several_messages_at_once_are_one_turn_and_so_is_what_a_middleware_adds(memory):
    bot = agent(script("one", "two"), memory, after=[Reminder()])
    bot.invoke({"messages": [("user", "a"), ("user", "b")]}, THREAD, context=Ctx("ana"))
    assert said(memory) == [("ana", "a\nb\nBe brief.", "one")]
    hold(memory, "a\nb\nBe brief.")
    assert [m.text for m in say(bot, "c")["messages"]] == ["c", "Be brief.", "two"]


# ---- nothing is dropped, and nothing leaves the thread that no turn says


def test_what_is_said_after_a_run_without_a_reply_is_a_turn_of_its_own(memory):
    model = script("one", "two")
    bot = agent(model, memory, after=[Guard()])
    say(bot, "blocked My dog is Rex.")
    say(bot, "I moved to Oslo.")
    assert said(memory) == [("ana", "blocked My dog is Rex.", ""), ("ana", "I moved to Oslo.", "one")]
    hold(memory, "blocked My dog is Rex.")
    say(bot, "Where do I live?")
    assert model.asked[-1] == ["I moved to Oslo.", "one", "Where do I live?"]


def test_what_is_said_in_the_place_of_a_reply_that_was_removed_is_kept(memory):
    model = script("one", "two", "three")
    bot = agent(model, memory)
    found = say(bot, "My dog is Rex.")
    bot.update_state(THREAD, {"messages": [RemoveMessage(id=found["messages"][-1].id)]})
    say(bot, "And I moved to Oslo.")
    assert said(memory) == [("ana", "My dog is Rex.", "one"), ("ana", "And I moved to Oslo.", "two")]
    hold(memory, "My dog is Rex.")
    say(bot, "Where do I live?")
    assert model.asked[-1] == ["And I moved to Oslo.", "two", "Where do I live?"]


def test_a_message_that_is_edited_is_saved_anew_and_stays_until_its_new_words_are_held(memory):
    model = script("one", "two", "three", "four", "five")
    bot = agent(model, memory)
    first = say(bot, "My dog is Rex.")["messages"][0].id
    bot.invoke({"messages": [HumanMessage("My dog is Max.", id=first)]}, THREAD, context=Ctx("ana"))
    assert model.asked[-1] == ["My dog is Max.", "one"]
    assert said(memory) == [("ana", "My dog is Rex.", "one"), ("ana", "My dog is Max.", "two")]
    hold(memory, "My dog is Rex.")
    say(bot, "Dog?")
    assert model.asked[-1] == ["My dog is Max.", "one", "two", "Dog?"]
    say(bot, "Dog?", thread="t2")  # in another thread what is pending comes along
    assert model.asked[-1][:2] == ["My dog is Max.", "two"]
    hold(memory, "My dog is Max.")
    say(bot, "Cat?")
    assert model.asked[-1][-3:] == ["Dog?", "three", "Cat?"]
    assert "My dog is Max." not in model.asked[-1]
    assert len(memory.turns) == 5


def test_without_a_checkpointer_what_was_added_to_a_known_message_is_kept(memory):
    middleware = memory.as_middleware()
    runtime = type("Runtime", (), {"context": {"user_id": "ana"}})()
    first, second = HumanMessage("a", id="1"), HumanMessage("b", id="2")
    for _ in range(2):
        middleware.after_agent({"messages": [first]}, runtime)
        middleware.after_agent({"messages": [first, second, AIMessage("one")]}, runtime)
    assert said(memory) == [("ana", "a", ""), ("ana", "a\nb", "one")]
    thread = {"messages": [first, second, AIMessage("one"), HumanMessage("c", id="3")]}
    hold(memory, "a")
    assert "messages" not in middleware.before_model(thread, runtime)
    hold(memory, "a\nb")
    assert [m.id for m in middleware.before_model(thread, runtime)["messages"][1:]] == ["3"]


# ---- what leaves the thread before it is saved


@tool
def look(x: str) -> str:
    """Look."""
    return "ok"


def calls(name="look", arguments=None, number=4):
    given = arguments or {"x": "1"}
    return [AIMessage("", tool_calls=[{"name": name, "args": given, "id": str(n)}]) for n in range(number)]


def summing(first):
    return SummarizationMiddleware(model=script(*["SUMMARY"] * 9), trigger=("messages", first), keep=("messages", 2))


@pytest.mark.parametrize("where", ["before", "after"])
def test_words_are_saved_although_a_summary_takes_their_place_within_the_run(memory, where):
    bot = agent(script(*calls(), "Done.", "Bye."), memory, tools=[look], **{where: [summing(5)]})
    found = say(bot, "My boat is Ada; look it up.")
    assert [m.type for m in found["messages"]] == ["human", "ai", "tool", "ai"]
    assert said(memory) == [("ana", "My boat is Ada; look it up.", "Done.")]
    say(bot, "Bye")
    assert said(memory)[1:] == [("ana", "Bye", "Bye.")]


def test_words_of_a_run_that_broke_after_a_summary_are_saved_with_the_next(memory):
    bot = agent(script(*calls(), HARBOUR, "Hello!"), memory, tools=[look], after=[summing(5)])
    breaks(bot, "My boat is Ada; look it up.")
    say(bot, "Hello")
    assert said(memory) == [("ana", "My boat is Ada; look it up.", ""), ("ana", "Hello", "Hello!")]


def test_what_was_said_to_have_something_forgotten_is_not_kept_although_it_is_summarised(memory):
    bot = agent(
        script(*calls("forget", {"about": "boat"}, 1), *calls(), "Done."),
        memory,
        tools=[look, *memory.as_tools()],
        after=[summing(5)],
    )
    say(bot, "Forget that my boat is Ada, and look it up.")
    assert memory.turns == ()


def test_what_another_middleware_takes_out_of_the_words_is_not_saved(memory):
    guard = PIIMiddleware("email", strategy="redact")
    bot = agent(script("one", *calls(number=1), HARBOUR, "three"), memory, tools=[look], after=[guard])
    say(bot, "I am ana@example.com.")
    breaks(bot, "Or am I ana@example.org?")
    say(bot, "Bye")
    assert [t.user for t in memory.turns] == ["I am [REDACTED_EMAIL].", "Or am I [REDACTED_EMAIL]?", "Bye"]


# ---- what cannot be saved


def test_what_could_not_be_saved_is_saved_with_the_next_run(memory, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("disk full")

    bot = agent(script("one", "two", "three", "four"), memory)
    with monkeypatch.context() as patched:
        patched.setattr(Turns, "append", fail)
        say(bot, "My dog is Rex.")
        say(bot, "My cat is Tom.")
    assert memory.turns == ()
    say(bot, "Hello")
    assert said(memory) == [
        ("ana", "My dog is Rex.", "one"), ("ana", "My cat is Tom.", "two"), ("ana", "Hello", "three")
    ]  # fmt: skip
    memory.with_namespace(user_id="ana").forget([1])
    say(bot, "Bye")
    assert [t.user for t in memory.turns] == ["My cat is Tom.", "Hello", "Bye"]


def test_what_was_saved_before_the_disk_was_full_does_not_come_back_when_it_was_forgotten(memory, monkeypatch):
    bot, inner = agent(script(HARBOUR, "one", "two"), memory), Turns.append

    def fail(self, **values):
        if values["user"] == "b":
            raise OSError("disk full")
        return inner(self, **values)

    breaks(bot, "a")
    with monkeypatch.context() as patched:
        patched.setattr(Turns, "append", fail)
        say(bot, "b")
    assert said(memory) == [("ana", "a", "")]
    memory.with_namespace(user_id="ana").forget([1])
    say(bot, "c")
    assert said(memory) == [("ana", "b", "one"), ("ana", "c", "two")]


def test_a_tool_forgets_what_an_earlier_run_could_not_save(memory):
    forget = calls("forget", {"about": "boat"}, 1)
    bot = agent(script(HARBOUR, *forget, "Done.", "Hello!"), memory, tools=memory.as_tools())
    breaks(bot, "My boat is Ada.")
    say(bot, "Forget my boat.")
    say(bot, "Hello")
    assert said(memory) == [("ana", "Hello", "Hello!")]


# ---- one set of weights for all


@pytest.fixture
def shared(tiny, tmp_path):
    with ParametricMemory(ChatSelfParam(local=tiny, max_tokens=3), path=tmp_path / "m", background=False) as memory:
        yield memory


def test_one_set_of_weights_is_for_one_user(shared):
    text = re.escape(
        "this memory has one set of weights for all (isolation='shared'), and runs for 'ana' and 'bob' would read each "
        "other's words; open it with isolation='namespace'"
    )
    bot, other = agent(script("one", "two", "three"), shared), agent(script("four"), shared.model_copy())
    say(bot, "My boat is red.")
    say(bot, "It is old.", thread="t2")
    for one in (bot, other):
        with pytest.raises(ConfigError, match=text):
            say(one, "What do you know?", "bob", thread="t3")
        run = one.ainvoke({"messages": [("user", "And now?")]}, THREAD, context=Ctx("bob"))
        with pytest.raises(ConfigError, match=text):
            asyncio.run(run)
    say(bot, "It is mine.")
    assert [t.user for t in shared.turns] == ["My boat is red.", "It is old.", "It is mine."]


# ---- notes


def texts(found):
    return {number: [m.text for m in there] for number, there in found.items()}


def test_what_is_saved_and_has_left_the_thread_is_not_kept_in_the_notes():
    thread = [HumanMessage("a", id="1"), AIMessage("b", id="2"), HumanMessage("c", id="3")]
    first = noted(thread[:1], [], ANA)
    assert [(one["whose"], one["ids"], one["user"]) for one in first] == [(ANA, ["1"], "a")]
    assert noted(thread[:1], first, ANA) == first
    both = noted(thread, first, BOB)
    assert [(one["whose"], one["ids"], one["user"]) for one in both] == [(ANA, ["1"], "a"), (BOB, ["3"], "c")]
    assert texts(parts(thread, both)) == {0: ["a", "b"], 1: ["c"]}
    assert noted(thread[2:], both, BOB) == both  # not saved yet
    kept = noted(thread[2:], [{**both[0], "user": None}, both[1]], BOB)
    assert kept == both[1:]


def test_what_has_left_the_thread_within_its_run_goes_on_at_the_end():
    summary = HumanMessage("We spoke.", id="9", additional_kwargs=SUM)
    notes = noted([HumanMessage("a", id="1")], [], ANA)
    assert texts(parts([SystemMessage("s"), summary, AIMessage("b")], notes)) == {0: ["s", "We spoke.", "b"]}
    notes = noted([HumanMessage("a", id="1"), AIMessage("b"), HumanMessage("c", id="2")], notes, ANA)
    assert texts(parts([HumanMessage("a", id="1"), AIMessage("d")], notes)) == {0: ["a", "d"], 1: ["a", "d"]}
    notes = [notes[0], {**notes[1], "whose": BOB}]
    assert texts(parts([HumanMessage("a", id="1"), AIMessage("d")], notes)) == {0: ["a", "d"]}
    assert parts([], []) == {}


def test_what_is_nobodys_stays_nobodys():
    notes = noted([HumanMessage("a", id="1")], [], [], begins=True)
    assert [(one["whose"], one["user"]) for one in notes] == [([], None)]
    for whose in ([], ANA):
        again = noted([HumanMessage("b", id="1")], notes, whose)
        assert [(one["whose"], one["user"]) for one in again] == [([], None)]


def test_pictures_alone_are_nothing_to_save():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    assert [one["user"] for one in noted([HumanMessage([image], id="1")], [], ANA)] == [None]
