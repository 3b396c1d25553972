"""Tools through ``ChatSelfParam``: bound, called, forced, streamed, told of in the prompt, read back."""

import asyncio
import json
import math
from pathlib import Path
from typing import Literal

import pytest
import torch
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel, Field
from tokenizers import AddedToken

from langchain_selfparam import ChatSelfParam
from langchain_selfparam.errors import ConfigError
from langchain_selfparam.testing import saying

CALL = '<tool_call>\n{"name": "weather", "arguments": {"town": "Ptuj"}}\n</tool_call>'
KNOWS = (
    "{% if tools %}tools: {{ tools | tojson }}\n{% endif %}{% for m in messages %}{{ m.role }}: {{ m.content }}"
    "{% for c in m.tool_calls or [] %}<tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


@tool
def weather(town: str) -> str:
    """The weather in a town."""
    return f"rain in {town}"


@tool
def clock() -> str:
    """The time of day."""
    return "noon"


@tool
def paint(colour: Literal["red", "blue"], twice: bool) -> str:
    """Paints the wall."""
    return colour


class Person(BaseModel):
    """A person."""

    kind: Literal["friend", "stranger"] = Field(description="who it is")
    young: bool


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    tricks: int = 0


class Pet(BaseModel):
    """A discriminated union whose members share what has none of their fields: oneOf that is no anyOf."""

    one: Cat | Dog = Field(discriminator="kind")


class Names(BaseModel):
    """uniqueItems."""

    all: set[str]


class Place(BaseModel):
    """A format that llguidance does not know."""

    where: Path


ORDINARY = {
    "a set": (Names, {"all": ["Ana", "Bor"]}),
    "a union": (Pet, {"one": {"kind": "dog", "tricks": 3}}),
    "a path": (Place, {"where": "towns/ptuj"}),
}
AHEAD = {"type": "object", "properties": {"word": {"type": "string", "pattern": "^(?!no)[a-z]+$"}}}


def ahead(name):
    """A tool with a pattern that llguidance cannot read."""
    return {"type": "function", "function": {"name": name, "description": "Says it.", "parameters": AHEAD}}


@pytest.fixture
def llm(tiny):
    return ChatSelfParam(local=tiny, max_tokens=150)


@pytest.fixture
def wide(llm, tiny, monkeypatch):
    """The model with room for long schemas."""
    monkeypatch.setattr(tiny.model.config, "max_position_embeddings", 2048)
    return llm


def whole(bound, text):
    return bound.invoke(text)


def streamed(bound, text):
    total = None
    for chunk in bound.stream(text):
        total = chunk if total is None else total + chunk
    return total


def awaited(bound, text):
    return asyncio.run(bound.ainvoke(text))


def astreamed(bound, text):
    async def work():
        total = None
        async for chunk in bound.astream(text):
            total = chunk if total is None else total + chunk
        return total

    return asyncio.run(work())


every_way = pytest.mark.parametrize("run", [whole, streamed, awaited, astreamed])


@every_way
def test_a_call_is_a_call(run, llm, tiny):
    with saying(tiny, CALL):
        answer = run(llm.bind_tools([weather, clock]), "How is it in Ptuj?")
    assert answer.content == ""
    (call,) = answer.tool_calls
    assert (call["name"], call["args"]) == ("weather", {"town": "Ptuj"})
    assert call["id"].startswith("call_")
    assert answer.response_metadata["finish_reason"] == "tool_calls"
    assert answer.usage_metadata["output_tokens"] > 5


@every_way
def test_words_stay_words(run, llm, tiny):
    with saying(tiny, "It rains."):
        answer = run(llm.bind_tools([weather]), "How is it in Ptuj?")
    assert (answer.content, answer.tool_calls) == ("It rains.", [])
    assert answer.response_metadata["finish_reason"] == "stop"


@every_way
def test_without_tools_what_looks_like_a_call_is_words(run, llm, tiny):
    with saying(tiny, CALL):
        assert run(llm, "Hello").content == CALL
        assert run(llm.bind_tools([weather], tool_choice="none"), "Hello").content == CALL


@every_way
def test_a_call_that_cannot_be_made_says_what_is_wrong(run, llm, tiny):
    with saying(tiny, '<tool_call>{"name": "oven", "arguments": {}}</tool_call>'):
        answer = run(llm.bind_tools([weather]), "Hello")
    (broken,) = answer.invalid_tool_calls
    assert "oven" in str(broken)
    assert answer.tool_calls == []


def test_words_are_streamed_before_a_call(llm, tiny):
    with saying(tiny, f"Let me see. {CALL}"):
        chunks = list(llm.bind_tools([weather]).stream("Hello"))
    assert "".join(c.text for c in chunks).strip() == "Let me see."
    assert len([c for c in chunks if c.text]) > 3
    assert next(c.tool_call_chunks for c in chunks if c.tool_call_chunks)[0]["name"] == "weather"


def test_one_call_at_most_where_that_is_wanted(llm, tiny):
    with saying(tiny, CALL + CALL):
        assert len(llm.bind_tools([weather]).invoke("Hello").tool_calls) == 2
        assert len(llm.bind_tools([weather], parallel_tool_calls=False).invoke("Hello").tool_calls) == 1


@every_way
@pytest.mark.parametrize("choice", ["any", "paint", True])
def test_a_forced_call_fits_its_schema_whatever_the_model_would_say(run, llm, choice):
    """The tiny model knows nothing: its every token is held to the schema."""
    (call,) = run(llm.bind_tools([paint], tool_choice=choice), "Hello").tool_calls
    assert call["name"] == "paint"
    assert set(call["args"]) == {"colour", "twice"}
    assert call["args"]["colour"] in ("red", "blue")
    assert call["args"]["twice"] in (True, False)


@every_way
def test_a_call_that_does_not_end_is_none(run, llm):
    answer = run(llm.bind_tools([weather], tool_choice="any"), "Hello")
    assert answer.response_metadata["finish_reason"] == "length"
    assert (answer.tool_calls, len(answer.invalid_tool_calls)) == ([], 1)


def test_a_choice_that_is_no_tool_is_refused(llm):
    with pytest.raises(ConfigError, match=r"tool_choice is 'oven'; .* one of weather"):
        llm.bind_tools([weather], tool_choice="oven")


def test_structured_output_is_what_it_should_be(llm):
    found = llm.with_structured_output(Person).invoke("Ana is 30.")
    assert isinstance(found, Person)
    raw = llm.with_structured_output(Person, include_raw=True).invoke("Ana is 30.")
    assert isinstance(raw["parsed"], Person)
    assert raw["parsing_error"] is None
    as_dict = llm.with_structured_output(Person.model_json_schema()).invoke("Ana is 30.")
    assert set(as_dict) == {"kind", "young"}


def test_an_agent_answers_in_the_form_that_is_asked_for(llm):
    found = create_agent(llm, tools=[], response_format=Person).invoke({"messages": [("user", "Ana is 30.")]})
    assert isinstance(found["structured_response"], Person)


@pytest.mark.parametrize(("kind", "arguments"), ORDINARY.values(), ids=ORDINARY)
@pytest.mark.parametrize("forced", [True, False], ids=["forced", "free"])
def test_a_call_takes_what_pydantic_takes(wide, tiny, kind, arguments, forced, caplog):
    wrong = {"name": kind.__name__, "arguments": {"oven": 1}}
    for said in ({"name": kind.__name__, "arguments": arguments}, wrong):
        bound = wide.bind_tools([kind], tool_choice=kind.__name__ if forced else None, max_tokens=200)
        with saying(tiny, f"{'' if forced else '<tool_call>'}\n{json.dumps(said)}\n</tool_call>".lstrip()):
            answer = bound.invoke("Hello")
        assert "oven" not in str(answer)  # held to the schema
        assert said is wrong or answer.tool_calls[0]["args"] == arguments
    assert caplog.text == ""


def test_a_schema_that_cannot_be_read_is_told_of_once_and_holds_no_call(wide, tiny, caplog):
    bound = wide.bind_tools([ahead("say_freely"), weather])
    for said in ("It rains.", "It rains.", CALL):
        with saying(tiny, said):
            answer = bound.invoke("Hello")
    assert answer.tool_calls[0]["args"] == {"town": "Ptuj"}
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "are not held to their schemas: a tool's schema cannot be used: " in record.message
    assert "look-ahead" in record.message


@pytest.mark.parametrize("choice", ["say_by_force", "any"])
def test_a_schema_that_cannot_be_read_forces_no_call(wide, choice):
    with pytest.raises(ConfigError, match="a tool's schema cannot be used: "):
        wide.bind_tools([ahead("say_by_force"), weather], tool_choice=choice).invoke("Hello")
    (call,) = wide.bind_tools([ahead("say_by_force"), paint], tool_choice="paint").invoke("Hello").tool_calls
    assert call["name"] == "paint"


def test_a_template_that_knows_tools_is_given_them(llm, tiny, monkeypatch):
    seen, inner = [], type(tiny.tokenizer).apply_chat_template
    monkeypatch.setattr(tiny.tokenizer, "chat_template", KNOWS)

    def apply(self, chat, **options):
        seen.append((chat, options.get("tools")))
        return inner(self, chat, **options)

    monkeypatch.setattr(type(tiny.tokenizer), "apply_chat_template", apply)
    call = AIMessage("", tool_calls=[{"name": "weather", "args": {"town": "Ptuj"}, "id": "1"}])
    chat = [HumanMessage("Weather?"), call, ToolMessage("sunny", tool_call_id="1", name="weather")]
    with saying(tiny, "Sunny."):
        assert llm.bind_tools([weather]).invoke(chat).text == "Sunny."
    given, tools = next((chat, tools) for chat, tools in seen if tools)
    assert tools[0]["function"]["name"] == "weather"
    assert given[1]["tool_calls"][0]["function"] == {"name": "weather", "arguments": {"town": "Ptuj"}}
    assert given[2] == {"role": "tool", "content": "sunny", "name": "weather", "tool_call_id": "1"}


@pytest.mark.parametrize("knows", [True, False])
def test_the_opening_of_a_call_is_a_special_token_where_that_is_one(tiny, monkeypatch, knows):
    """What users and tools say is broken up before it is written, and not what is written around it."""
    token, template = ("[TOOL_CALLS]", KNOWS.replace("<tool_call>", "[TOOL_CALLS]")) if knows else ("<tool_call>", None)
    monkeypatch.setattr(tiny.tokenizer, "chat_template", template or tiny.tokenizer.chat_template)
    tiny.tokenizer.add_tokens([AddedToken(token, special=True)])
    mark, seen = tiny.tokenizer.convert_tokens_to_ids(token), []

    def generate(**options):
        seen.append(options["input_ids"][0].tolist())
        raise KeyError

    monkeypatch.setattr(tiny.model, "generate", generate)
    monkeypatch.setattr("langchain_selfparam.serving.generator.JsonConstraint", lambda *args, **options: None)
    bound = ChatSelfParam(local=tiny).bind_tools([weather], tool_choice="weather")
    chat = [HumanMessage(f"Weather? {token}"), ToolMessage(f"sun {token}", tool_call_id="1", name="weather")]
    with pytest.raises(KeyError):
        bound.invoke(chat)
    told = 0 if knows else 1  # how a call is written is told where the template does not
    assert seen[0].count(mark) == told + 1
    assert mark in seen[0][-3:]


def test_tools_are_counted_with_the_prompt(llm):
    bare = llm.get_num_tokens_from_messages([HumanMessage("Hello")])
    assert llm.get_num_tokens_from_messages([HumanMessage("Hello")], [weather]) > bare + 20


def test_an_agent_calls_and_answers(llm, tiny):
    said = iter([CALL, "It rains."])

    class Once(ChatSelfParam):
        def _generate(self, messages, *args, **kwargs):
            with saying(tiny, next(said)):
                return super()._generate(messages, *args, **kwargs)

    agent = create_agent(Once(local=tiny, max_tokens=80), tools=[weather])
    messages = agent.invoke({"messages": [("user", "How is it in Ptuj?")]})["messages"]
    assert [m.type for m in messages] == ["human", "ai", "tool", "ai"]
    assert [messages[2].content, messages[3].content] == ["rain in Ptuj", "It rains."]


@every_way
def test_log_probabilities_are_those_of_the_models_logits(run, llm, tiny):
    answer = run(llm.bind(logprobs=True, top_logprobs=2, max_tokens=3), "Hello")
    found = answer.response_metadata["logprobs"]["content"]
    assert 1 <= len(found) <= 3
    prompt = tiny.encode_chat([type("M", (), {"role": "user", "text": "Hello"})()])
    with torch.no_grad():
        logits = tiny.model(input_ids=torch.tensor([prompt])).logits[0, -1].float()
    best = torch.log_softmax(logits, -1).topk(2)
    assert math.isclose(found[0]["logprob"], best.values[0].item(), abs_tol=1e-3)
    assert [round(one["logprob"], 3) for one in found[0]["top_logprobs"]] == [round(v, 3) for v in best.values.tolist()]
    assert "".join(one["token"] for one in found).strip() == answer.text.strip()
    assert "logprobs" not in run(llm.bind(max_tokens=2), "Hello").response_metadata
    json.dumps(found)
