"""Whose weights answer a request, and whose journal keeps it: as the run says, through every way to ask."""

import asyncio

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.messages import AIMessage, ChatMessage, HumanMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables import RunnableLambda
from langchain_core.runnables.history import RunnableWithMessageHistory
from langchain_huggingface import HuggingFacePipeline
from transformers import pipeline

from langchain_selfparam import ChatSelfParam, ParametricMemory
from langchain_selfparam.engine.spaces import Spaces
from langchain_selfparam.errors import ClosedError, ConfigError
from langchain_selfparam.interfaces.scope import filled, keys_of, saying
from langchain_selfparam.serving.routing import served
from langchain_selfparam.store import Versions

ANA, BOB = ("memories", "ana"), ("memories", "bob")
FOR_ANA = {"configurable": {"user_id": "ana"}}


@pytest.fixture
def llm(tiny):
    return ChatSelfParam(local=tiny, max_tokens=3)


@pytest.fixture
def memory(llm, tmp_path):
    with ParametricMemory(llm, path=tmp_path / "memory", isolation="namespace", consolidate_every=None) as memory:
        yield memory


@pytest.fixture
def asked(monkeypatch):
    """Namespaces whose weights were asked for, in order."""
    seen, inner = [], Spaces.served

    def served(self, namespace):
        seen.append(namespace)
        return inner(self, namespace)

    monkeypatch.setattr(Spaces, "served", served)
    return seen


# ---- templates


@pytest.mark.parametrize(
    ("template", "values", "wanted"),
    [
        (("memories", "{user_id}"), {"user_id": "ana"}, ANA),
        (("memories", "{user_id}"), {"session_id": "ana"}, ANA),
        (("memories", "{user_id}"), {"session_id": "s", "user_id": "ana"}, ANA),
        (("{org}", "of-{user}"), {"org": "o", "user": 7}, ("o", "of-7")),
        (("{user}/{user}",), {"user": "a"}, ("a/a",)),
        (("memories", "ana"), {}, ANA),
        (("{{literally}}", "{a}"), {"a": "{b}"}, ("{literally}", "{b}")),
    ],
)
def test_templates_are_filled(template, values, wanted):
    assert filled(template, values) == wanted


@pytest.mark.parametrize(
    ("template", "values"),
    [
        (("{user_id}",), {}),
        (("{user_id}",), {"user_id": ""}),
        (("{user_id}",), {"user_id": None}),
        (("{user_id}", "{org}"), {"session_id": "s", "org": "o"}),
    ],
)
def test_a_missing_key_is_an_error(template, values):
    with pytest.raises(ConfigError, match=r"needs 'user_id', and this run does not say it; pass config="):
        filled(template, values)


@pytest.mark.parametrize(
    ("part", "found"), [("{", "cannot be read"), ("{}", "asks for ''"), ("{a.b}", "asks for 'a.b'")]
)
def test_what_is_no_template_is_refused(part, found):
    with pytest.raises(ConfigError, match=found):
        keys_of((part,))


def test_two_keys_in_a_part_are_refused_since_two_users_could_fill_it_alike(llm, tmp_path):
    template = ("memories", "{org}-{user}")
    text = r"'\{org\}-\{user\}' asks for 'org', 'user', and two users could .*: write the parts '\{org\}', '\{user\}'$"
    with pytest.raises(ConfigError, match=text):
        filled(template, {"org": "a-b", "user": "c"})
    with pytest.raises(ConfigError, match=text):
        ParametricMemory(llm, path=tmp_path / "m", isolation="namespace", namespace=template)
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("part", ["{user:.1}", "{user!a}"])
def test_a_key_that_is_formatted_is_refused(part):
    with pytest.raises(
        ConfigError, match=r"formats its key, which may make one .*; write '\{user\}' without ':' and '!'"
    ):
        filled((part,), {"user": "ana"})


def test_a_template_needs_weights_for_each(llm, tmp_path):
    with pytest.raises(ConfigError, match=r"asks for 'user_id', and isolation='shared' serves all the same weights"):
        ParametricMemory(llm, path=tmp_path / "m", namespace=("{user_id}",))
    assert not (tmp_path / "m").exists()


# ---- whose weights


def test_a_request_is_answered_with_the_weights_of_whom_it_is_for(llm, memory, asked):
    bob = {"configurable": {"user_id": "bob"}}
    llm.invoke("Hello", FOR_ANA)
    list(llm.stream("Hello", bob))
    llm.batch(["Hello", "Hi"], FOR_ANA)
    llm.with_config(configurable={"user_id": "bob"}).invoke("Hello")
    assert asked == [ANA, BOB, ANA, ANA, BOB]

    async def later():
        await llm.ainvoke("Hello", FOR_ANA)
        async for _ in llm.astream("Hello", bob):
            pass

    asyncio.run(later())
    assert asked[5:] == [ANA, BOB]


def test_a_step_of_a_chain_is_for_whom_the_chain_is(llm, memory, asked):
    chain = ChatPromptTemplate.from_messages([("human", "{input}")]) | llm
    chain.invoke({"input": "Hello"}, FOR_ANA)
    list(chain.stream({"input": "Hello"}, FOR_ANA))
    RunnableLambda(lambda text: llm.invoke(text)).invoke("Hello", FOR_ANA)
    assert asked == [ANA] * 3


def test_between_pieces_a_reader_works_for_itself(llm, memory, asked):
    for _ in llm.stream("Hello", FOR_ANA):
        llm.invoke("Hello")
    assert asked == [ANA]


def test_nobodys_request_is_answered_by_the_base(llm, memory, asked):
    llm.invoke("Hello")
    llm.invoke("Hello", {"configurable": {"thread_id": "1"}})
    assert asked == []


def test_what_is_said_inside_goes_before_what_is_said_outside(llm, memory, asked):
    with saying({"user_id": "ana"}):
        llm.invoke("Hello")
        llm.invoke("Hello", {"configurable": {"user_id": "bob"}})
        with saying({"user_id": "bob"}):
            llm.invoke("Hello")
        llm.invoke("Hello")
    llm.invoke("Hello")
    assert asked == [ANA, BOB, BOB, ANA]


def test_a_foreign_model_is_routed_as_well(tiny, tmp_path, asked):
    ids = tiny.tokenizer("a b", return_tensors="pt")["input_ids"]
    pair = (tiny.model, tiny.tokenizer)
    with ParametricMemory(pair, path=tmp_path / "m", isolation="namespace", background=False):
        with saying({"user_id": "ana"}):
            tiny.model.generate(ids, max_new_tokens=2)
        tiny.model.generate(ids, max_new_tokens=2)
    assert asked == [ANA]


@pytest.mark.parametrize("wrap", [lambda pipe: pipe, lambda pipe: HuggingFacePipeline(pipeline=pipe)])
def test_models_that_are_not_told_whom_a_request_is_for_are_refused(tiny, tmp_path, wrap):
    """A pipeline answers in threads of its own: everybody would be answered by the base, or by somebody's weights."""
    llm = wrap(pipeline("text-generation", model=tiny.model, tokenizer=tiny.tokenizer))
    with pytest.raises(ConfigError, match=r"needs a model that is told whom .*Pipeline is not: use ChatSelfParam"):
        _ = ParametricMemory(llm, path=tmp_path / "m", isolation="namespace").turns


def test_a_run_inside_a_run_is_for_whom_it_says(llm, memory, asked):
    inner = RunnableLambda(lambda text: llm.invoke(text))

    def outer(text):
        with saying({"user_id": "ana"}):  # as an agent's middleware does
            inner.invoke(text, {"configurable": {"user_id": "bob"}})
            inner.invoke(text, {"configurable": {"user_id": "ana"}})
            inner.invoke(text)
            with saying({"other": 1}):
                inner.invoke(text)

    RunnableLambda(outer).invoke("Hello", FOR_ANA)
    assert asked == [BOB, ANA, ANA, ANA]


def test_a_cache_keeps_users_and_versions_apart(tiny, tmp_path, asked, monkeypatch):
    monkeypatch.setattr(Versions, "learned", lambda self: True)
    llm = ChatSelfParam(local=tiny, max_tokens=3, cache=InMemoryCache())
    with ParametricMemory(llm, path=tmp_path / "m", isolation="namespace", background=False):
        keys = set()
        for user in ("ana", "bob"):
            with saying({"user_id": user}):
                keys |= {llm._get_llm_string(), llm._get_llm_string()}
        keys |= {llm._get_llm_string()}
        assert len(keys) == 3
        with saying({"user_id": "ana"}):
            before = llm._get_llm_string()
            with served(tiny.model)[1].writing():
                pass
            assert llm._get_llm_string() != before


@pytest.mark.parametrize("name", ["{user_id}", "{x}", "{3F25-04E0}", "a{b", "}", "{{", "{}"])
def test_a_users_name_is_no_template(llm, memory, asked, name):
    other, own = memory.with_namespace(user_id="ana"), memory.with_namespace(user_id=name)
    other.save_context({"input": "I'm Ana"}, {"output": "Hi"})
    own.save_context({"input": "It's me"}, {"output": "Hi"})
    assert [t.user for t in own.turns] == ["It's me"]
    assert memory.get_session_history(name).messages[0].text == "It's me"
    llm.invoke("Hello", {"configurable": {"user_id": name}})
    assert asked == [("memories", name)]
    assert own.turns[0].namespace == ("memories", name)


def test_after_closing_the_model_is_as_it_was(llm, memory, asked):
    memory.close()
    llm.invoke("Hello", FOR_ANA)
    assert asked == []


# ---- whose journal


def test_handles_see_their_own_namespace(memory):
    ana, bob = memory.with_namespace(user_id="ana"), memory.with_namespace(user_id="bob")
    ana.save_context({"input": "I'm Ana"}, {"output": "Hi"})
    bob.save_context({"input": "I'm Bob"}, {"output": "Hi"})
    assert ana.buffer == "Human: I'm Ana\nAI: Hi"
    assert [t.user for t in bob.turns] == ["I'm Bob"]
    assert [t.user for t in memory.turns] == ["I'm Ana", "I'm Bob"]
    assert [v.id for v in memory.versions] == [0]
    bob.clear()
    assert (bob.buffer, ana.buffer != "") == ("", True)
    with pytest.raises(ConfigError, match=r"does not ask for 'name'"):
        memory.with_namespace(name="ana")
    with pytest.raises(ConfigError, match=r"needs 'user_id'"):
        memory.with_namespace()
    ana.close()
    with pytest.raises(ClosedError, match="was closed"):
        bob.save_context({"input": "a"}, {"output": "b"})


def test_whoever_was_taught_nothing_is_answered_by_the_base(tiny, llm, memory):
    with saying({"user_id": "ana"}):
        assert served(tiny.model)[0] is tiny.model
    memory.with_namespace(user_id="bob").save_context({"input": "I'm Bob"}, {"output": "Hi"})
    with saying({"user_id": "bob"}):
        assert served(tiny.model)[0] is tiny.model  # what is pending is in his prompt


def test_a_run_that_says_nobody_saves_and_reads_nothing(memory):
    for refused in (
        lambda: memory.save_context({"input": "a"}, {"output": "b"}),
        lambda: memory.load_memory_variables({}),
        memory.clear,
    ):
        with pytest.raises(ConfigError, match=r"memory.with_namespace\(user_id=...\)"):
            refused()


def test_one_namespace_needs_no_key(llm, tmp_path, asked):
    fields = {"isolation": "namespace", "namespace": ANA, "background": False}
    with ParametricMemory(llm, path=tmp_path / "m", **fields) as memory:
        memory.save_context({"input": "a"}, {"output": "b"})
        llm.invoke("Hello")
        assert [t.namespace for t in memory.turns] == [ANA]
    assert asked == [ANA]


# ---- sessions


PROMPT = ChatPromptTemplate.from_messages([MessagesPlaceholder("history"), ("human", "{input}")])


def session(name):
    return {"configurable": {"session_id": name}}


def test_sessions_are_namespaces(llm, memory, asked):
    bot = RunnableWithMessageHistory(
        PROMPT | llm, memory.get_session_history, input_messages_key="input", history_messages_key="history"
    )
    bot.invoke({"input": "I'm Ana"}, session("ana"))
    asyncio.run(bot.ainvoke({"input": "again"}, session("ana")))
    bot.invoke({"input": "I'm Bob"}, session("bob"))
    assert asked == [ANA, ANA, BOB]
    assert [(t.namespace, t.user) for t in memory.turns] == [(ANA, "I'm Ana"), (ANA, "again"), (BOB, "I'm Bob")]
    shown = memory.get_session_history("ana").messages
    assert [m.type for m in shown] == ["human", "ai"] * 2
    assert asyncio.run(memory.get_session_history("bob").aget_messages())[0].text == "I'm Bob"


def test_a_session_of_one_and_a_run_for_another_are_refused(llm, memory, asked):
    bot = RunnableWithMessageHistory(
        PROMPT | llm, memory.get_session_history, input_messages_key="input", history_messages_key="history"
    )
    both = {"configurable": {"session_id": "s1", "user_id": "ana"}}
    wanted = r"saved for \('memories', 's1'\), .* weights of \('memories', 'ana'\): .* give .*'session_id' or 'user_id'"
    with pytest.raises(ConfigError, match=wanted):
        bot.invoke({"input": "I'm Ana"}, both)
    assert (memory.turns, asked) == ((), [])
    history = memory.get_session_history("s1")
    with saying({"user_id": "ana"}), pytest.raises(ConfigError, match=wanted):
        history.add_messages([HumanMessage("I'm Ana"), AIMessage("Hi")])
    assert memory.turns == ()
    bot.invoke({"input": "I'm Ana"}, {"configurable": {"session_id": "ana", "user_id": "ana"}})
    bot.invoke({"input": "again"}, session("ana"))
    assert asked == [ANA, ANA]
    assert [(t.namespace, t.user) for t in memory.turns] == [(ANA, "I'm Ana"), (ANA, "again")]


def test_a_namespace_of_sessions_is_that_of_their_runs(llm, tmp_path, asked):
    fields = {"isolation": "namespace", "namespace": ("memories", "{session_id}"), "consolidate_every": None}
    with ParametricMemory(llm, path=tmp_path / "m", **fields) as memory:
        bot = RunnableWithMessageHistory(
            PROMPT | llm, memory.get_session_history, input_messages_key="input", history_messages_key="history"
        )
        bot.invoke({"input": "I'm Ana"}, {"configurable": {"session_id": "s1", "user_id": "ana"}})
        assert [t.namespace for t in memory.turns] == asked == [("memories", "s1")]


def test_sessions_of_one_namespace_are_conversations(llm, tmp_path):
    with ParametricMemory(llm, path=tmp_path / "m", background=False) as memory:
        memory.get_session_history("s1").add_messages([HumanMessage("one"), AIMessage("two")])
        memory.get_session_history("s2").add_messages([HumanMessage("three")])
        assert [(t.thread, t.user, t.assistant) for t in memory.turns] == [("s1", "one", "two"), ("s2", "three", "")]
        assert [m.text for m in memory.get_session_history("s1").messages] == ["one", "two"]


def test_messages_that_are_added_one_by_one_are_one_turn(memory):
    memory.get_session_history("ana").add_ai_message("Hello, who is there?")  # nobody spoke yet
    memory.get_session_history("ana").add_user_message("I'm Ana")
    memory.get_session_history("bob").add_ai_message("Not to Ana")
    memory.get_session_history("ana").add_ai_message("Hi Ana")
    memory.get_session_history("ana").add_ai_message("And again")
    assert [(t.user, t.assistant) for t in memory.turns] == [("I'm Ana", "Hi Ana")]


def test_clearing_a_session_leaves_the_others(llm, tmp_path):
    with ParametricMemory(llm, path=tmp_path / "m", consolidate_every=None) as memory:
        for name in ("s1", "s2"):
            memory.get_session_history(name).add_messages([HumanMessage(f"I am {name}"), AIMessage("Hi")])
        memory.get_session_history("s1").clear()
        assert [m.text for m in memory.get_session_history("s2").messages] == ["I am s2", "Hi"]
        assert memory.get_session_history("s1").messages == []
        memory.clear()
        assert memory.buffer == ""


def test_what_is_learned_during_a_call_is_not_added_again(memory):
    """Without a key for the history a runnable takes as many messages off its input as the history has."""
    learned = memory.get_session_history("ana")
    learned.add_messages([HumanMessage("I'm Ana"), AIMessage("Hi")])

    def answer(messages):
        memory.with_namespace(user_id="ana").clear()  # leaves the prompt, as a turn does that is learned
        return AIMessage(f"seen {len(messages)}")

    bot = RunnableWithMessageHistory(RunnableLambda(answer), memory.get_session_history)
    assert bot.invoke([HumanMessage("and now?")], session("ana")).text == "seen 3"
    assert [t.user for t in memory.turns] == ["I'm Ana", "and now?"]


def test_a_history_is_cleared_and_filled_without_blocking(memory):
    history = memory.get_session_history("ana")

    async def work():
        await history.aadd_messages([HumanMessage("a"), AIMessage("b")])
        first = await history.aget_messages()
        await history.aclear()
        return first, await history.aget_messages()

    first, then = asyncio.run(work())
    assert [m.text for m in first] == ["a", "b"]
    assert then == []
    assert history.messages == []


@pytest.mark.parametrize("reply", [ChatMessage("Nice.", role="assistant"), AIMessage("Nice.")])
def test_a_history_keeps_generic_messages_too(memory, reply):
    history = memory.get_session_history("ana")
    history.add_messages([ChatMessage("I moved to Oslo.", role="user"), reply])
    history.add_messages([ChatMessage("My dog is Rex.", role="user")])
    history.add_messages([reply])
    assert [(t.user, t.assistant) for t in memory.turns] == [("I moved to Oslo.", "Nice."), ("My dog is Rex.", "Nice.")]


def test_more_keys_than_a_session_can_fill(llm, tmp_path):
    fields = {"isolation": "namespace", "namespace": ("{org}", "{user}"), "background": False}
    with (
        ParametricMemory(llm, path=tmp_path / "m", **fields) as memory,
        pytest.raises(ConfigError, match="needs 'org'"),
    ):
        memory.get_session_history("ana")
