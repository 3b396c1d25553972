"""``ChatSelfParam`` as users have it: whole, streamed, in batches, in an event loop, with callbacks."""

import asyncio
import threading

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.globals import set_llm_cache
from langchain_core.load import dumps
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from pydantic import ValidationError

from langchain_selfparam import ChatSelfParam
from langchain_selfparam.errors import ConfigError, InputError
from langchain_selfparam.testing import saying

SAID = "Your dog is called Biscuit."


@pytest.fixture
def llm(tiny):
    return ChatSelfParam(local=tiny)


def assert_free(gate):
    with gate.writing(timeout=0):
        pass


def add_up(chunks):
    total = chunks[0]
    for chunk in chunks[1:]:
        total += chunk
    return total


def run_invoke(llm, *args, **kwargs):
    return llm.invoke(*args, **kwargs)


def run_ainvoke(llm, *args, **kwargs):
    return asyncio.run(llm.ainvoke(*args, **kwargs))


def run_stream(llm, *args, **kwargs):
    return add_up(list(llm.stream(*args, **kwargs)))


def run_astream(llm, *args, **kwargs):
    async def collect():
        return [chunk async for chunk in llm.astream(*args, **kwargs)]

    return add_up(asyncio.run(collect()))


every_way = pytest.mark.parametrize("run", [run_invoke, run_ainvoke, run_stream, run_astream])


@every_way
def test_an_answer_with_everything_around_it(run, llm, tiny):
    prompt = [SystemMessage("Be brief."), HumanMessage("What is my dog called?")]
    with saying(tiny, SAID):
        answer = run(llm, prompt)
    assert isinstance(answer, AIMessage)
    assert answer.content == SAID
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.response_metadata["model_name"] == "tiny-llama-0"
    used = tiny.count_tokens(SAID) + 1
    asked = llm.get_num_tokens_from_messages(prompt)
    assert answer.usage_metadata == {
        "input_tokens": asked,
        "output_tokens": used,
        "total_tokens": asked + used,
    }


@every_way
def test_values_on_the_object_count(run, llm, tiny):
    llm.max_tokens = 4
    with saying(tiny, SAID):
        answer = run(llm, "Hello")
    assert answer.usage_metadata["output_tokens"] == 4
    assert answer.response_metadata["finish_reason"] == "length"


@every_way
def test_values_of_one_call_count_more(run, llm, tiny):
    llm.max_tokens, llm.stop = 4, ["Your"]
    with saying(tiny, SAID):
        assert run(llm, "Hello", max_tokens=50, stop=["Biscuit"]).content == "Your dog is called "
        assert run(llm.bind(max_tokens=2, stop=["Biscuit"]), "Hello").usage_metadata["output_tokens"] == 2
        assert run(llm, "Hello").content == ""


@every_way
def test_sampling_is_repeated_by_its_seed(run, llm):
    llm.max_tokens = 12
    texts = [run(llm, "Hello", temperature=1.0, seed=seed).content for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    assert run(llm, "Hello").content == run(llm, "Hello").content


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -1),
        ("temperature", float("nan")),
        ("temperature", "hot"),
        ("max_tokens", 0),
        ("top_p", 0),
        ("top_p", 2),
        ("top_k", 0),
        ("stop", "a string"),
        ("local", "a name"),
    ],
)
def test_nonsense_is_refused_when_set(name, value, llm, tiny):
    with pytest.raises(ValidationError, match=name):
        setattr(llm, name, value)
    with pytest.raises(ValidationError, match=name):
        ChatSelfParam(**{"local": tiny, name: value})


def test_unknown_fields_are_refused(tiny):
    with pytest.raises(ValidationError, match="max_new_tokens"):
        ChatSelfParam(local=tiny, max_new_tokens=3)


@every_way
def test_unknown_values_of_a_call_are_refused_with_the_nearest(run, llm):
    with pytest.raises(ConfigError, match=r"'max_new_tokens' is not .*; did you mean 'max_tokens'\?"):
        run(llm, "Hello", max_new_tokens=3)
    with pytest.raises(ConfigError, match=r"'nonsense' is not a sampling value of this model, which knows"):
        run(llm, "Hello", nonsense=[])


@every_way
def test_nonsense_of_a_call_is_refused(run, llm):
    with pytest.raises(ConfigError, match="temperature is -1; it has to be a number, 0 or above"):
        run(llm, "Hello", temperature=-1)


@every_way
def test_a_prompt_that_is_too_long_says_so(run, llm, gate):
    with pytest.raises(InputError, match=r"prompt has \d{4} tokens and tiny-llama-0 reads at most 512"):
        run(llm, "abc " * 1000)
    assert_free(gate)


def test_streams_token_by_token_with_usage_only_at_the_end(llm, tiny):
    with saying(tiny, SAID):
        chunks = list(llm.stream("Hello"))
    assert all(isinstance(chunk, AIMessageChunk) for chunk in chunks)
    assert len(chunks) > 5
    assert [chunk.usage_metadata for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert [chunk.chunk_position for chunk in chunks] == [None] * (len(chunks) - 1) + ["last"]
    assert len({chunk.id for chunk in chunks}) == 1


def test_batch_answers_in_order(llm, tiny):
    prompts = [f"Question {n}" for n in range(4)]
    llm.max_tokens = 3
    assert [a.content for a in llm.batch(prompts)] == [llm.invoke(p).content for p in prompts]


async def test_abatch_answers_in_order(llm):
    prompts = [f"Question {n}" for n in range(4)]
    llm.max_tokens = 3
    assert [a.content for a in await llm.abatch(prompts)] == [llm.invoke(p).content for p in prompts]


def test_works_in_a_chain(llm, tiny):
    chain = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "{q}")]) | llm | StrOutputParser()
    with saying(tiny, SAID):
        assert chain.invoke({"q": "What is my dog called?"}) == SAID
        assert "".join(chain.stream({"q": "What is my dog called?"})) == SAID


def test_an_open_answer_is_continued(llm, tiny):
    with saying(tiny, " is called Biscuit."):
        answer = llm.invoke([HumanMessage("What is my dog called?"), AIMessage("Your dog")])
    assert answer.content == " is called Biscuit."


class Tokens(BaseCallbackHandler):
    raise_error = True

    def __init__(self, fail_at=None):
        self.tokens, self.errors, self.ends, self.fail_at = [], [], [], fail_at

    def on_llm_new_token(self, token, **kwargs):
        self.tokens.append(token)
        if len(self.tokens) == self.fail_at:
            raise KeyError("in the callback")

    def on_llm_error(self, error, **kwargs):
        self.errors.append(error)

    def on_llm_end(self, response, **kwargs):
        self.ends.append(response)


@pytest.mark.parametrize("run", [run_stream, run_astream])
def test_callbacks_hear_every_token_once(run, llm, tiny):
    handler = Tokens()
    with saying(tiny, SAID):
        run(llm, "Hello", config={"callbacks": [handler]})
    assert "".join(handler.tokens) == SAID
    assert len(handler.ends) == 1


@pytest.mark.parametrize("run", [run_stream, run_astream])
def test_an_error_in_a_callback_stops_the_model_and_frees_the_gate(run, llm, tiny, gate, until):
    handler = Tokens(fail_at=2)
    with saying(tiny, SAID):
        with pytest.raises(KeyError, match="in the callback"):
            run(llm, "Hello", config={"callbacks": [handler]})
        until(lambda: gate._readers == 0)
    assert len(handler.tokens) == 2
    assert_free(gate)


@every_way
def test_an_error_in_the_model_reaches_caller_and_callbacks(run, llm, tiny, gate):
    def each_token(at):
        if at == 1:
            raise OSError("the model broke")

    handler = Tokens()
    with saying(tiny, SAID, each_token=each_token), pytest.raises(OSError, match="the model broke"):
        run(llm, "Hello", config={"callbacks": [handler]})
    assert [str(error) for error in handler.errors] == ["the model broke"]
    assert_free(gate)


async def test_async_callbacks_hear_tokens_while_the_model_writes(llm, tiny):
    go, heard = threading.Event(), []

    class Handler(AsyncCallbackHandler):
        async def on_llm_new_token(self, token, **kwargs):
            heard.append(token)
            go.set()

    def each_token(at):
        if at == 1:
            assert go.wait(20), "no token was heard before the second one"

    with saying(tiny, SAID, each_token=each_token):
        chunks = [c async for c in llm.astream("Hello", config={"callbacks": [Handler()]})]
    assert "".join(heard) == "".join(c.content for c in chunks) == SAID


async def test_cancelling_ainvoke_stops_the_model(llm, tiny, gate):
    seen, go, loop, second = [], threading.Event(), asyncio.get_running_loop(), asyncio.Event()

    def each_token(at):
        seen.append(at)
        if at == 1:
            loop.call_soon_threadsafe(second.set)
            go.wait(20)

    with saying(tiny, SAID, each_token=each_token):
        task = asyncio.create_task(llm.ainvoke("Hello"))
        await second.wait()
        task.cancel()
        loop.call_soon(go.set)
        with pytest.raises(asyncio.CancelledError):
            await task
    assert_free(gate)
    assert seen == [0, 1]


async def test_events_are_streamed(llm, tiny):
    with saying(tiny, SAID):
        events = [event async for event in llm.astream_events("Hello", version="v2")]
    words = [e["data"]["chunk"].content for e in events if e["event"] == "on_chat_model_stream"]
    assert "".join(words) == SAID
    assert events[-1]["event"] == "on_chat_model_end"


def test_answers_are_not_cached_since_weights_change(llm, tiny):
    set_llm_cache(InMemoryCache())
    try:
        for said in ("one", "two"):
            with saying(tiny, said):
                assert llm.invoke("Hello").content == said
    finally:
        set_llm_cache(None)


def test_a_cache_keeps_apart_what_ends_an_answer(tiny):
    plain, ends = ChatSelfParam(local=tiny), ChatSelfParam(local=tiny, stop=["\n"])
    assert plain._get_llm_string() != ends._get_llm_string() == plain._get_llm_string(stop=["\n"])
    assert ends._get_llm_string(stop=["."]) == plain._get_llm_string(stop=["."])


def test_what_is_no_text_to_a_tokenizer_is_read_as_unknown(llm, tiny):
    """Half of a pair, as JSON or a broken terminal gives it; a whole pair is the character."""
    with saying(tiny, "said"):
        assert llm.invoke("Look \ud83d").text == "said"
    assert llm.get_token_ids("a\ud83db \udcff") == llm.get_token_ids("a\ufffdb \ufffd")
    assert llm.get_token_ids("\ud83d\udc36") == llm.get_token_ids("\U0001f436")


def test_tokens_are_counted_by_the_models_own_tokenizer(llm, tiny):
    text = "My dog is called Biscuit."
    assert llm.get_num_tokens(text) == tiny.count_tokens(text) == len(tiny.tokenizer(text)["input_ids"])
    prompt = [HumanMessage(text)]
    assert llm.get_num_tokens_from_messages(prompt) == llm.invoke(prompt, max_tokens=1).usage_metadata["input_tokens"]


def test_says_what_it_is_and_never_its_weights(llm, tiny):
    llm.temperature = 0.5
    assert llm._llm_type == "selfparam"
    assert llm.model_name == "tiny-llama-0"
    assert llm.asdict() == {
        "_type": "selfparam",
        "model_name": "tiny-llama-0",
        "temperature": 0.5,
        "max_tokens": 512,
        "top_p": None,
        "top_k": None,
        "stop": None,
        "seed": None,
        "logprobs": False,
        "top_logprobs": 0,
    }
    params = llm._get_ls_params(stop=["x"])
    assert params["ls_provider"] == "selfparam"
    assert params["ls_model_name"] == "tiny-llama-0"
    assert params["ls_stop"] == ["x"]
    assert llm.profile["max_input_tokens"] == 512
    assert "local" not in llm.model_dump()
    assert "LlamaForCausalLM" not in repr(llm) + dumps(llm)
    assert llm.local is tiny


def test_from_pretrained_loads_and_takes_fields(tiny, tmp_path):
    tiny.model.save_pretrained(tmp_path / "little")
    tiny.tokenizer.save_pretrained(tmp_path / "little")
    llm = ChatSelfParam.from_pretrained(tmp_path / "little", dtype="float32", max_tokens=3)
    assert (llm.model_name, llm.max_tokens) == ("little", 3)
    assert llm.local.fingerprint() == tiny.fingerprint()
    assert llm.invoke("Hello").content == ChatSelfParam(local=tiny, max_tokens=3).invoke("Hello").content
