"""LangChain messages and plain records."""

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    HumanMessageChunk,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_selfparam.errors import InputError
from langchain_selfparam.interfaces.messages import exchanges, from_records, text_of, to_records
from langchain_selfparam.records import Calling, Message, ToolCall, ToolResult

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        (HumanMessage("hello"), "hello"),
        (AIMessage([{"type": "text", "text": "one "}, IMAGE, "two"]), "one two"),
        (HumanMessage([IMAGE]), ""),
        ([HumanMessage("one"), AIMessage("two")], "one\ntwo"),
        ([], ""),
    ],
)
def test_text_of(value, text):
    found = text_of(value)
    assert found == text
    assert type(found) is str


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "NoneType"),
        (7, "int"),
        ({"input": "hi"}, "dict"),
        ([HumanMessage("hi"), 3], "list of HumanMessage, int"),
        (["a", "b"], "list of str"),
        (b"bytes", "bytes of int"),
    ],
)
def test_text_of_anything_else_names_its_type(value, kind):
    with pytest.raises(InputError, match=f"^found a {kind}; a string, a message or a list of messages"):
        text_of(value)


@pytest.mark.parametrize(
    ("message", "role"),
    [
        (SystemMessage("x"), "system"),
        (HumanMessage("x"), "user"),
        (AIMessage("x"), "assistant"),
        (AIMessageChunk("x"), "assistant"),
        (ChatMessage("x", role="user"), "user"),
        (ChatMessage("x", role="Assistant"), "assistant"),
        (ChatMessage("x", role="developer"), "system"),
    ],
)
def test_roles(message, role):
    assert to_records([message]) == (Message(role=role, text="x"),)


def test_calls_of_tools_and_their_results_are_records_of_their_own():
    call = AIMessage("Let me see.", tool_calls=[{"name": "weather", "args": {"town": "Ptuj"}, "id": "1"}])
    made = ToolCall(id="1", name="weather", arguments={"town": "Ptuj"})
    assert to_records([call]) == (Calling(role="assistant", text="Let me see.", calls=(made,)),)
    tool = ToolMessage("sunny", tool_call_id="1", name="weather")
    assert to_records([tool]) == (ToolResult(role="tool", text="sunny", name="weather", call_id="1"),)
    function = FunctionMessage("wind", name="forecast")
    assert to_records([function]) == (ToolResult(role="tool", text="wind", name="forecast", call_id=""),)


def test_neighbours_of_one_role_become_one():
    chat = [
        SystemMessage("Be brief."),
        HumanMessage("Hello."),
        HumanMessage("Weather?"),
        AIMessage("", tool_calls=[{"name": "weather", "args": {}, "id": "1"}]),
        AIMessage("I looked."),
        ToolMessage("sunny", tool_call_id="1", name="weather"),
        HumanMessage("And?"),
    ]
    assert [(m.role, m.text) for m in to_records(chat)] == [
        ("system", "Be brief."),
        ("user", "Hello.\n\nWeather?"),
        ("assistant", ""),
        ("assistant", "I looked."),
        ("tool", "sunny"),
        ("user", "And?"),
    ]


@pytest.mark.parametrize(
    ("message", "kind"), [(RemoveMessage(id="1"), "remove"), (ChatMessage("x", role="critic"), "critic")]
)
def test_other_kinds_are_refused_by_name(message, kind):
    with pytest.raises(InputError, match=f"of the kind '{kind}'; system, human, ai and tool messages"):
        to_records([HumanMessage("hi"), message])


def test_records_come_back_as_messages():
    chat = [SystemMessage("a"), HumanMessage("b"), AIMessage("c")]
    assert from_records(to_records(chat)) == chat


CHUNKS = [HumanMessageChunk("I moved to Oslo."), AIMessageChunk("Nice.")]
CHATS = [ChatMessage("I moved to Oslo.", role="user"), ChatMessage("Nice.", role="assistant")]


@pytest.mark.parametrize("said", [CHUNKS, CHATS])
def test_an_exchange_is_one_whatever_class_its_messages_have(said):
    apart, found = exchanges([ChatMessage("Be brief.", role="developer"), *said])
    assert [m.text for m in apart] == ["Be brief."]
    assert [(e.user, e.assistant) for e in found] == [("I moved to Oslo.", "Nice.")]


def test_what_is_of_two_is_no_exchange_of_one():
    said = [HumanMessage(text, id=text) for text in "abcd"]
    _, found = exchanges([*said, AIMessage("Yes.")], {"a": 0, "b": 1, "c": 1})
    assert [(e.message_id, e.user, e.assistant) for e in found] == [
        ("a", "a", ""),
        ("b", "b\nc", ""),
        ("d", "d", "Yes."),
    ]
    assert [e.user for e in exchanges(said)[1]] == ["a\nb\nc\nd"]
