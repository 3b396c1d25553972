"""Weights found behind every accepted object, all generation gated, everything else refused by name."""

import dataclasses
import subprocess
import sys
import threading

import pytest
import torch
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda

from langchain_selfparam import ChatSelfParam, loading
from langchain_selfparam.interfaces.adopt import ChatModelGenerator, adopt
from langchain_selfparam.protocols import TextGenerator
from langchain_selfparam.records import Message
from langchain_selfparam.serving.gate import gate_for
from langchain_selfparam.testing import saying

ASK = Message(role="user", text="What is my dog called?")


@pytest.fixture
def pipe(tiny):
    from transformers import pipeline

    greedy = {"max_new_tokens": 4, "do_sample": False}
    return pipeline("text-generation", model=tiny.model, tokenizer=tiny.tokenizer, **greedy)


@pytest.fixture
def hf(pipe):
    from langchain_huggingface import HuggingFacePipeline

    return HuggingFacePipeline(pipeline=pipe)


@pytest.fixture
def chat_hf(hf, tiny):
    from langchain_huggingface import ChatHuggingFace

    return ChatHuggingFace(llm=hf, tokenizer=tiny.tokenizer, model_id="tiny")


@pytest.fixture
def own(tiny):
    return ChatSelfParam(local=tiny)


@pytest.fixture
def pair(tiny):
    return (tiny.model, tiny.tokenizer)


@pytest.fixture(params=["own", "hf", "chat_hf", "pipe", "pair"])
def accepted(request):
    return request.getfixturevalue(request.param)


def test_finds_the_weights(accepted, tiny):
    found = adopt(accepted)
    assert found.llm is accepted
    assert found.local.model is tiny.model
    assert found.local.tokenizer is tiny.tokenizer
    assert found.gate is gate_for(tiny.model)


@pytest.mark.parametrize("kind", ["own", "hf", "chat_hf"])
def test_finds_the_weights_behind_bindings(kind, request, tiny):
    bound = request.getfixturevalue(kind).bind(stop=["x"]).with_config(tags=["a"]).with_retry()
    found = adopt(bound)
    assert found.llm is bound
    assert found.local.model is tiny.model


def test_what_was_adopted_stays_as_it_is(own):
    with pytest.raises(dataclasses.FrozenInstanceError):
        adopt(own).llm = None


def test_adopting_twice_gives_the_same_gate(hf, own):
    assert adopt(hf).gate is adopt(hf).gate is adopt(own).gate


@pytest.mark.parametrize("kind", ["hf", "chat_hf", "pipe"])
def test_foreign_generation_passes_the_gate(kind, request, tiny, gate, in_thread, until):
    llm = request.getfixturevalue(kind)
    ask = [{"role": "user", "content": "Hi"}] if kind == "pipe" else "Hi"
    call = llm if kind == "pipe" else llm.invoke
    adopt(llm)
    inside, order, leave = [], [], threading.Event()

    def each_token(at):
        inside.append(gate._readers)

    def swap():
        with gate.writing():
            leave.wait(20)
            order.append("swapped")

    with saying(tiny, "abc", each_token=each_token), in_thread(swap):
        until(lambda: gate._writer is not None)
        with in_thread(lambda: order.append(call(ask) and "answered")):
            until(lambda: len(gate._condition._waiters) == 1)
            assert inside == []
            leave.set()
    assert order == ["swapped", "answered"]
    assert set(inside) == {1}
    assert gate._readers == 0


@pytest.mark.parametrize("kind", ["hf", "chat_hf"])
def test_foreign_objects_answer_as_before(kind, request):
    llm = request.getfixturevalue(kind)
    before = llm.invoke("Hi")
    adopt(llm)
    after = llm.invoke("Hi")
    assert getattr(before, "content", before) == getattr(after, "content", after)


def test_own_model_is_not_wrapped(own, tiny):
    adopt(own)
    assert "generate" not in vars(tiny.model)


class Remote:
    """Stands for ``ChatHuggingFace`` over an endpoint."""


class ChatHuggingFace:
    def __init__(self):
        self.llm = Remote()


@pytest.mark.parametrize(
    ("llm", "kind"),
    [
        (None, "a NoneType"),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", "a str"),
        (GenericFakeChatModel(messages=iter([])), "a GenericFakeChatModel"),
        (GenericFakeChatModel(messages=iter([])).bind(stop=["x"]), "a GenericFakeChatModel"),
        (RunnableLambda(lambda x: x), "a RunnableLambda"),
        (ChatHuggingFace(), "a ChatHuggingFace over a Remote"),
        (("model", "tokenizer"), "a tuple of str, str"),
        ((), "a tuple of nothing"),
    ],
)
def test_anything_else_is_refused_by_name(llm, kind):
    with pytest.raises(TypeError, match=rf"found {kind}, which has no weights .* Accepted are ChatSelfParam, Hugging"):
        adopt(llm)


def test_a_model_without_its_tokenizer_is_refused(tiny):
    with pytest.raises(TypeError, match="the tokenizer is a NoneType; a transformers one is needed"):
        adopt((tiny.model, None))


def test_langchain_huggingface_is_not_imported():
    code = (
        "import sys\n"
        "from langchain_selfparam.interfaces.adopt import adopt\n"
        "try:\n    adopt(None)\nexcept TypeError:\n    print('langchain_huggingface' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# Any chat model as a generator of text


class Recorder(GenericFakeChatModel):
    """A chat model with a temperature, without a seed, that stops nowhere."""

    temperature: float = 1.0
    calls: list = []  # noqa: RUF012 - pydantic copies defaults

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        self.calls.append((messages, stop, kwargs))
        return super()._generate(messages)


def recorder(*answers):
    return Recorder(messages=iter([AIMessage(a) for a in answers]))


def test_answers_in_order_with_what_the_model_understands():
    model = recorder("one", "two")
    generator = ChatModelGenerator(model)
    assert isinstance(generator, TextGenerator)
    told = [[Message(role="system", text="Be brief."), ASK]]
    assert generator.generate(told, max_tokens=9, temperature=0.3, seed=1) == [["one"]]
    assert generator.generate([[ASK]], max_tokens=9, stop=["\n"]) == [["two"]]
    (messages, stop, kwargs), (_, second_stop, _) = model.calls
    assert [(m.type, m.content) for m in messages] == [("system", "Be brief."), ("human", ASK.text)]
    assert (stop, kwargs) == (None, {"temperature": 0.3})
    assert second_stop == ["\n"]


def test_stop_strings_are_cut_where_the_model_does_not_stop():
    assert ChatModelGenerator(recorder("one\ntwo")).generate([[ASK]], max_tokens=9, stop=["\n"]) == [["one"]]


def test_an_open_answer_becomes_an_instruction_and_is_not_repeated():
    model = recorder("Your dog is called Biscuit.")
    open_answer = [ASK, Message(role="assistant", text="Your dog")]
    assert ChatModelGenerator(model).generate([open_answer], max_tokens=9) == [[" is called Biscuit."]]
    ((messages, _, _),) = model.calls
    assert [m.type for m in messages] == ["human"]
    assert messages[0].content.startswith(ASK.text)
    assert messages[0].content.endswith("exactly this text and go on from there:\nYour dog")


def test_samples_of_a_seed_differ_and_repeat(own):
    generator = ChatModelGenerator(own.bind(top_k=50))
    ask = {"max_tokens": 8, "temperature": 1.0, "seed": 3, "samples": 2}
    first = generator.generate([[ASK], [ASK]], **ask)
    assert first == generator.generate([[ASK], [ASK]], **ask)
    assert first[0] == first[1]
    assert first[0][0] != first[0][1]


def test_the_own_model_continues_an_open_answer_itself(own, tiny):
    open_answer = [ASK, Message(role="assistant", text="Your dog")]
    with saying(tiny, " is called Biscuit."):
        assert ChatModelGenerator(own).generate([open_answer], max_tokens=20) == [[" is called Biscuit."]]


def test_no_prompts_no_answers(own):
    assert ChatModelGenerator(own).generate([], max_tokens=3) == []


def test_an_error_of_the_model_reaches_the_caller(own, tiny):
    def each_token(at):
        raise OSError("the model broke")

    with saying(tiny, "x", each_token=each_token), pytest.raises(OSError, match="the model broke"):
        ChatModelGenerator(own).generate([[ASK]], max_tokens=3)


def test_only_chat_models_can_write(tiny):
    with pytest.raises(TypeError, match="found a LocalModel; a LangChain chat model is needed"):
        ChatModelGenerator(tiny)


def test_weights_that_the_processor_is_slow_with_are_named(tiny, monkeypatch, caplog):
    monkeypatch.setattr(loading, "multiplies_half", lambda: False)
    adopt((tiny.model, tiny.tokenizer))
    assert not caplog.records, "float32 is fast everywhere"
    adopt((tiny.model.to(torch.bfloat16), tiny.tokenizer))
    assert "bfloat16 weights, which this processor multiplies many times as slowly as float32" in caplog.text
