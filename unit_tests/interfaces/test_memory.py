"""``ParametricMemory`` as code: fields, options, errors, copies, twins; the engine behind it is scripted."""

import asyncio
import copy
import logging
import pickle

import pytest
from langchain_classic.base_memory import BaseMemory
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import ValidationError

from langchain_selfparam import ChatSelfParam, ParametricMemory, Settings, TurnState
from langchain_selfparam.errors import ClosedError, ConfigError, FolderError, InputError
from langchain_selfparam.interfaces.adopt import ChatModelGenerator
from langchain_selfparam.interfaces.options import default_path
from langchain_selfparam.testing import FakeGenerator

DEFAULTS = {
    "memory_key": "history",
    "input_key": None,
    "output_key": None,
    "return_messages": False,
    "human_prefix": "Human",
    "ai_prefix": "AI",
    "namespace": ("memories", "default"),
    "thread": "",
    "consolidate_every": 8,
    "consolidate_tokens": None,
    "token_encoding": None,
    "keep_last": 0,
    "isolation": "shared",
    "background": True,
}


def say(memory, user="My dog is called Biscuit.", assistant="What a name!"):
    memory.save_context({"input": user}, {"output": assistant})


@pytest.mark.parametrize(("name", "default"), DEFAULTS.items())
def test_fields_have_the_defaults_that_users_expect(memory, name, default):
    assert getattr(memory, name) == default


def test_is_a_base_memory_with_one_variable(memory):
    assert isinstance(memory, BaseMemory)
    assert memory.memory_variables == ["history"]


def test_turns_come_back_as_one_string(memory):
    say(memory)
    assert memory.load_memory_variables({}) == {"history": "Human: My dog is called Biscuit.\nAI: What a name!"}
    assert memory.buffer == memory.buffer_as_str


def test_prefixes_and_key_are_the_users(make_memory):
    memory = make_memory(memory_key="past", human_prefix="Ana", ai_prefix="Bot")
    say(memory, "Hi", "Hello")
    assert memory.load_memory_variables({}) == {"past": "Ana: Hi\nBot: Hello"}


def test_turns_come_back_as_messages(make_memory):
    memory = make_memory(return_messages=True)
    say(memory, "Hi", "Hello")
    messages = [HumanMessage("Hi"), AIMessage("Hello")]
    assert memory.buffer == memory.buffer_as_messages == messages
    assert memory.load_memory_variables({"input": "x"}) == {"history": messages}


def test_what_the_weights_hold_leaves_the_prompt(memory):
    say(memory)
    assert memory.consolidate().held == (1,)
    assert memory.load_memory_variables({}) == {"history": ""}
    assert [turn.state for turn in memory.turns] == [TurnState.HELD]


def test_keep_last_keeps_held_turns(make_memory):
    memory = make_memory(keep_last=1)
    say(memory, "one", "1")
    say(memory, "two", "2")
    memory.consolidate()
    assert memory.buffer == "Human: two\nAI: 2"


def test_a_named_thread_sees_its_own_turns_and_no_name_sees_all(memory):
    say(memory, "one", "1")
    memory.thread = "b"
    say(memory, "two", "2")
    assert memory.buffer == "Human: two\nAI: 2"
    memory.thread = ""
    assert memory.buffer == "Human: one\nAI: 1\nHuman: two\nAI: 2"


def test_settings_reach_the_engine(make_memory, fake_engine, tmp_path):
    given = {"training": {"rank": 4}, "policy": {"max_turns": 3, "every_turns": 2}}
    memory = make_memory(settings=given, consolidate_tokens=700, namespace=["m", "ana"], background=False)
    engine = fake_engine.opened[-1]
    policy = engine.settings.policy
    assert (policy.max_turns, policy.every_turns, policy.every_tokens) == (3, 2, 700)
    assert memory.consolidate_every == 2
    assert memory.settings == engine.settings
    assert engine.settings.training.rank == 4
    assert engine.kwargs["namespace"] == ("m", "ana")
    assert engine.kwargs["background"] is False
    assert engine.kwargs["path"] == memory.folder == tmp_path / "memory"
    assert engine.kwargs["count_tokens"] is None
    assert engine.kwargs["generator"] is None


def test_none_consolidates_only_when_asked(make_memory, fake_engine):
    make_memory(consolidate_every=None, settings=Settings())
    policy = fake_engine.opened[-1].settings.policy
    assert policy.every_turns is None
    assert policy.every_tokens is None


@pytest.mark.parametrize("name", ["consolidate_every", "consolidate_tokens"])
@pytest.mark.parametrize("value", [0, -3, "8", 2.5])
def test_counts_that_cannot_be_are_refused(make_memory, name, value):
    with pytest.raises(ConfigError, match=f"{name} is {value!r}; it has to be a whole number of at least 1"):
        make_memory(**{name: value})


def test_a_setting_of_the_wrong_kind_is_refused_by_name(make_memory):
    with pytest.raises(ConfigError, match=r"keep_last is -1: Input should be greater than or equal to 0"):
        make_memory(keep_last=-1)
    with pytest.raises(ConfigError, match=r"settings is a int; a Settings or a nested mapping is needed"):
        make_memory(settings=3)
    with pytest.raises(ConfigError, match=r"'rnk' is not a setting of TrainingConfig; did you mean 'rank'\?"):
        make_memory(settings={"training": {"rnk": 4}})
    with pytest.raises(ConfigError, match=r"isolation is 'none': Input should be 'shared'"):
        make_memory(isolation="none")


def test_what_the_engine_was_opened_with_cannot_change(memory):
    with pytest.raises(ValidationError, match="consolidate_every\n  Field is frozen"):
        memory.consolidate_every = 3


def test_llm_without_weights_is_a_type_error(fake_engine):
    with pytest.raises(TypeError, match=r"found a GenericFakeChatModel, which has no weights"):
        ParametricMemory(GenericFakeChatModel(messages=iter([])))
    with pytest.raises(TypeError, match=r"found a NoneType, which has no weights"):
        ParametricMemory()


def test_default_path_is_under_the_users_data_folder(monkeypatch, tmp_path, tiny, fake_engine):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert ParametricMemory(ChatSelfParam(local=tiny)).folder.name == "tiny-llama-0"


@pytest.mark.parametrize("name", ["../../etc", "a/b", "..", ".", "", "x" * 400, "nul\0"])
def test_a_model_name_is_one_folder_whatever_it_says(name):
    base = default_path("x").parent
    path = default_path(name)
    assert path.parent == base
    assert path.resolve().parent == base.resolve()
    assert len(path.name) <= 200
    assert path.name.strip(".")


def test_model_names_do_not_collide():
    names = ["a/b", "a%2Fb", "a b", "..", "%2E%2E", "x" * 400, "x" * 401]
    assert len({default_path(name) for name in names}) == len(names)


def test_generator_is_any_chat_model(make_memory, fake_engine):
    make_memory(generator=GenericFakeChatModel(messages=iter([])))
    assert isinstance(fake_engine.opened[-1].kwargs["generator"], ChatModelGenerator)
    own = FakeGenerator(["Where?"])
    make_memory(generator=own)
    assert fake_engine.opened[-1].kwargs["generator"] is own
    with pytest.raises(TypeError, match=r"found a str; a LangChain chat model is needed"):
        make_memory(generator="gpt")


def test_tokens_are_counted_with_a_tiktoken_encoding(make_memory, fake_engine, monkeypatch):
    import tiktoken

    toy = tiktoken.Encoding(
        "toy",
        pat_str=r"\w+|\W",
        mergeable_ranks={bytes([i]): i for i in range(256)},
        special_tokens={"<|endoftext|>": 256},
    )
    monkeypatch.setattr(tiktoken, "get_encoding", lambda name: toy)
    make_memory(token_encoding="gpt2")
    count = fake_engine.opened[-1].kwargs["count_tokens"]
    assert count("abc") == 3
    assert count("<|endoftext|>") == 13


def test_an_unknown_encoding_lists_the_known_ones(make_memory):
    with pytest.raises(ConfigError, match=r"token_encoding is 'gpt9'; tiktoken knows .*cl100k_base.*gpt2"):
        make_memory(token_encoding="gpt9")


def test_an_encoding_that_cannot_be_downloaded_says_so(make_memory, monkeypatch):
    import tiktoken

    def fail(name):
        raise ConnectionError("no route")

    monkeypatch.setattr(tiktoken, "get_encoding", fail)
    with pytest.raises(
        ConfigError,
        match=r"'gpt2' could not be downloaded \(ConnectionError: no route\); set TIKTOKEN_CACHE_DIR",
    ):
        make_memory(token_encoding="gpt2")


def test_message_ids_dedupe(memory):
    for _ in range(2):
        memory.save_context({"input": HumanMessage("Hi", id="h")}, {"output": AIMessage("Hello", id="a")})
    memory.save_context({"input": HumanMessage("Hi", id="h")}, {"output": "Hello"})
    memory.save_context({"input": "Hi"}, {"output": "Hello"})
    memory.save_context({"input": "Hi"}, {"output": "Hello"})
    assert [turn.message_id for turn in memory.turns] == ["a", "h", None, None]


def test_control_reaches_the_engine(memory, engine, tmp_path):
    say(memory)
    assert [version.id for version in memory.versions] == [0]
    assert memory.rollback(0) == (1,)
    assert memory.forget([1]) == (1,)
    assert memory.export(str(tmp_path / "out")) == tmp_path / "out"
    memory.flush(2.0)
    assert engine.calls == [
        ("rollback", 0),
        ("forget", (1,)),
        ("export", tmp_path / "out", "peft"),
        ("flush", 2.0),
    ]
    seen = []
    memory.consolidate(progress=lambda *step: seen.append(step))
    assert seen == [("train", 1, 1)]
    assert memory.last_report.version == 1


async def test_every_method_has_an_async_twin(memory, engine, tmp_path):
    await memory.asave_context({"input": "Hi"}, {"output": "Hello"})
    assert await memory.aload_memory_variables({}) == {"history": "Human: Hi\nAI: Hello"}
    assert await memory.abuffer() == await memory.abuffer_as_str() == "Human: Hi\nAI: Hello"
    assert await memory.abuffer_as_messages() == [HumanMessage("Hi"), AIMessage("Hello")]
    assert (await memory.aconsolidate(progress=lambda *_: None)).held == (1,)
    assert await memory.arollback(0) == (1,)
    await memory.aexport(tmp_path / "x")
    await memory.aflush(1.0)
    assert await memory.aforget([1]) == (1,)
    await memory.aclear()
    await memory.aclose()
    assert engine.closed


def test_context_managers_close(make_memory):
    with make_memory() as memory:
        assert not memory.closed
    assert memory.closed

    async def use():
        async with make_memory() as other:
            assert not other.closed
        return other

    assert asyncio.run(use()).closed


CLOSED = {
    "save_context": lambda m: say(m),
    "load": lambda m: m.load_memory_variables({}),
    "turns": lambda m: m.turns,
    "versions": lambda m: m.versions,
    "consolidate": lambda m: m.consolidate(),
    "rollback": lambda m: m.rollback(0),
    "forget": lambda m: m.forget([1]),
    "export": lambda m: m.export("x"),
    "clear": lambda m: m.clear(),
    "flush": lambda m: m.flush(),
}


@pytest.mark.parametrize("use", CLOSED.values(), ids=CLOSED)
def test_after_close_everything_says_so(memory, use):
    memory.close()
    memory.close()
    with pytest.raises(ClosedError, match=f"the memory in {memory.folder} was closed; make a ParametricMem"):
        use(memory)
    assert memory.last_error is None
    assert memory.last_report is None


def test_closed_while_saving_is_not_swallowed(memory, engine):
    engine.broken = ClosedError("closed meanwhile")
    with pytest.raises(ClosedError, match="closed meanwhile"):
        say(memory)


def test_last_error_is_the_newest(memory, engine, caplog):
    engine.broken = FolderError("disk full")
    with caplog.at_level(logging.WARNING):
        say(memory)
    assert memory.last_error is engine.broken
    engine.last_error = RuntimeError("training failed")
    assert memory.last_error is engine.last_error
    say(memory)
    assert memory.last_error is engine.broken


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda m: m.model_copy(deep=True)])
def test_copies_share_the_engine_and_not_the_fields(memory, engine, copied):
    say(memory)
    other = copied(memory)
    assert other is not memory
    assert other.turns == memory.turns
    other.thread = "b"
    assert memory.thread == ""
    engine.broken = FolderError("disk full")
    say(other)
    assert memory.last_error is engine.broken
    other.close()
    assert memory.closed


def test_pickling_is_refused_with_what_to_do(memory):
    with pytest.raises(TypeError, match=f"cannot be pickled: it owns the folder {memory.folder} and a model"):
        pickle.dumps(memory)


def test_llm_and_generator_stay_out_of_text(make_memory):
    memory = make_memory(generator=FakeGenerator(["Where?"]))
    assert "llm=" not in repr(memory)
    assert "generator=" not in repr(memory)
    assert not {"llm", "generator"} & memory.model_dump().keys()


@pytest.mark.parametrize("value", [3, None, {"a": 1}, ["x"]])
def test_values_that_are_no_text_are_refused_by_type(memory, value):
    kind = {int: "int", type(None): "NoneType", dict: "dict", list: "list of str"}[type(value)]
    with pytest.raises(InputError, match=rf"inputs\['input'\]: found a {kind}; a string, .* was not saved"):
        memory.save_context({"input": value}, {"output": "x"})
    with pytest.raises(InputError, match=rf"outputs\['output'\]: found a {kind}; a string"):
        memory.save_context({"input": "x"}, {"output": value})
    assert memory.turns == ()


@pytest.mark.parametrize("nothing", ["", "  \n", HumanMessage(""), []])
def test_values_with_nothing_in_them_are_refused_by_key(memory, nothing):
    with pytest.raises(InputError, match=r"inputs\['input'\] is empty; there is nothing in it to remember"):
        memory.save_context({"input": nothing}, {"output": "x"})
    with pytest.raises(InputError, match=r"outputs\['text'\] is empty; there is nothing .* was not saved"):
        memory.save_context({"input": "x"}, {"text": nothing})
    assert memory.turns == ()
