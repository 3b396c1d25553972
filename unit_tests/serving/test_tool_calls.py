"""How a model is told of tools, how a call is forced, and how calls are read in every form that models write them."""

import json

import pytest

from langchain_selfparam.errors import ConfigError
from langchain_selfparam.records import Calling, Message, ToolCall, ToolResult
from langchain_selfparam.serving.tools import (
    Holding,
    in_words,
    knows_tools,
    read_calls,
    schema_of_call,
    wanted,
    way_of,
)

TOWN = {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]}
WEATHER = {"type": "function", "function": {"name": "weather", "description": "Weather.", "parameters": TOWN}}
CLOCK = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}
TOOLS, NAMES = [WEATHER, CLOCK], ("weather", "clock")

READ = {
    "in a tag": '<tool_call>\n{"name": "weather", "arguments": {"town": "Ptuj"}}\n</tool_call>',
    "in a tag that was left open": '<tool_call>{"name": "weather", "arguments": {"town": "Ptuj"}}',
    "as the whole answer": '{"name": "weather", "parameters": {"town": "Ptuj"}}',
    "behind a mark": '<|python_tag|>{"name": "weather", "parameters": {"town": "Ptuj"}}',
    "as a marked list": '[TOOL_CALLS] [{"name": "weather", "arguments": {"town": "Ptuj"}}]',
    "fenced": '```json\n{"name": "weather", "arguments": {"town": "Ptuj"}}\n```',
    "with arguments as text": '{"name": "weather", "arguments": "{\\"town\\": \\"Ptuj\\"}"}',
    "as OpenAI has it": '{"type": "function", "function": {"name": "weather", "arguments": {"town": "Ptuj"}}}',
}


@pytest.mark.parametrize("text", READ.values(), ids=READ)
def test_a_call_is_read(text):
    found = read_calls(text, NAMES)
    assert (found.text, found.broken) == ("", ())
    (call,) = found.calls
    assert (call.name, call.arguments) == ("weather", {"town": "Ptuj"})
    assert call.id.startswith("call_")


def test_words_and_several_calls_are_told_apart():
    text = (
        'Let me see.\n<tool_call>{"name": "clock", "arguments": {}}</tool_call>\n'
        '<tool_call>{"name": "weather", "arguments": {"town": "Ptuj"}}</tool_call>'
    )
    found = read_calls(text, NAMES)
    assert found.text == "Let me see."
    assert [(c.name, c.arguments) for c in found.calls] == [("clock", {}), ("weather", {"town": "Ptuj"})]
    assert len({c.id for c in found.calls}) == 2
    several = '{"name": "clock", "parameters": {}}; {"name": "clock"}'
    assert [c.name for c in read_calls(several, NAMES).calls] == ["clock", "clock"]


CLOSING = [
    '<tool_call>{"name": "weather", "arguments": {"town": "</tool_call>"}}</tool_call>',
    '<tool_call>\n{"name": "clock"}\n{"name": "weather", "arguments": {"town": "a </tool_call> b"}}\n</tool_call>',
    '<tool_call>{"name": "weather", "arguments": {"town": "<tool_call>{}</tool_call>"}}',
]
"""What closes a call stands in an argument of it."""


@pytest.mark.parametrize("text", CLOSING)
def test_an_argument_may_have_what_closes_a_call(text):
    found = read_calls(f"Look. {text}", NAMES)
    assert (found.text, found.broken) == ("Look.", ())
    assert found.calls[-1].arguments["town"] in text
    assert "</tool_call>" in found.calls[-1].arguments["town"]


def test_what_is_no_json_ends_with_the_next_tag():
    found = read_calls('<tool_call>{"name": x</tool_call> and <tool_call>{"name": "clock"}</tool_call>.', NAMES)
    assert found.text == "and ."
    assert [call.name for call in found.calls] == ["clock"]
    assert [broken.text for broken in found.broken] == ['{"name": x']


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("text", "name", "error"),
    [
        (f"<tool_call>{DEEP}", None, "is no JSON: it is nested too deeply"),
        (f"[TOOL_CALLS] {DEEP}", None, "is no JSON: it is nested too deeply"),
        (
            json.dumps({"name": "clock", "arguments": DEEP}),
            "clock",
            "has arguments that are no JSON: nested too deeply",
        ),
    ],
)
def test_brackets_without_end_are_no_call(text, name, error):
    """As a small model writes them that repeats itself."""
    marked = text if text.startswith(("<", "[")) else f"<tool_call>{text}</tool_call>"
    found = read_calls(marked, NAMES)
    assert found.calls == ()
    assert [(broken.name, broken.error) for broken in found.broken] == [(name, error)]
    assert read_calls(DEEP, NAMES).text == DEEP


WORDS = ["It rains.", '{"name": "other", "arguments": {}}', '{"town": "Ptuj"}', "[1, 2]", '{"name": "weather"', ""]


@pytest.mark.parametrize("text", WORDS)
def test_what_names_no_tool_is_words(text):
    assert read_calls(text, NAMES) == type(read_calls("", ()))(text)


BROKEN = {
    '<tool_call>{"name": "weather", "arg</tool_call>': (None, "is no JSON: "),
    '<tool_call>{"arguments": {}}</tool_call>': (None, "names no tool"),
    '<tool_call>{"name": "other"}</tool_call>': ("other", "names 'other'; there are weather, clock"),
    '<tool_call>{"name": "clock", "arguments": [1]}</tool_call>': ("clock", "has a list for arguments; an object"),
    '<tool_call>{"name": "clock", "arguments": "{"}</tool_call>': ("clock", "has arguments that are no JSON"),
    '[TOOL_CALLS] [{"name": "other"}]': ("other", "names 'other'"),
}


@pytest.mark.parametrize(("text", "wrong"), BROKEN.items())
def test_what_was_meant_to_be_a_call_says_what_is_wrong(text, wrong):
    found = read_calls(text, NAMES)
    assert found.calls == ()
    (broken,) = found.broken
    assert broken.name == wrong[0]
    assert wrong[1] in broken.error
    assert broken.text


@pytest.mark.parametrize(
    "text", [*READ.values(), *CLOSING, *WORDS, *BROKEN, "a < b", "Look: <tool_call>{}", "  {", "[see] this"]
)
def test_nothing_is_lost_and_no_call_is_let_out_while_it_is_written(text):
    for size in (1, 3, 100):
        holding = Holding()
        said = "".join(holding.feed(text[i : i + size]) for i in range(0, len(text), size))
        assert said + holding.rest() == text
        assert "<tool" not in said
        assert not (read_calls(text, NAMES).calls and said.strip())


def test_words_are_given_on_as_they_come():
    holding = Holding()
    assert [holding.feed(part) for part in ("It ", "rains", " <", "b> now <tool_", "call>{")] == [
        "It ", "rains", " ", "<b> now ", "",
    ]  # fmt: skip
    assert holding.rest() == "<tool_call>{"


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (None, ()), ("auto", ()), ("none", ()), (False, ()), ("any", NAMES), ("required", NAMES), (True, NAMES),
        ("clock", ("clock",)), ({"type": "function", "function": {"name": "clock"}}, ("clock",)),
        ({"name": "clock"}, ("clock",)),
    ],
)  # fmt: skip
def test_what_has_to_be_called(choice, names):
    assert wanted(choice, TOOLS) == names


def test_a_choice_of_a_tool_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match=r"tool_choice is 'x'; it has to be 'auto', .* or one of weather, clock"):
        wanted("x", TOOLS)
    with pytest.raises(ConfigError, match="or one of the names of tools, of which there are none"):
        wanted("x", [])


def test_each_template_is_answered_in_its_own_way():
    hermes = "{% if tools %}<tools>{% endif %}<tool_call>"
    llama = '{% if tools %}Respond with {"name": x, "parameters": y}{% endif %}'
    mistral = "{% if tools %}[AVAILABLE_TOOLS]{% endif %}[TOOL_CALLS]"
    assert [way_of(t).opens for t in (None, "plain", hermes, llama, mistral, "{% if tools %}")] == [
        "<tool_call>\n", "<tool_call>\n", "<tool_call>\n", "", "[TOOL_CALLS] ", "",
    ]  # fmt: skip
    assert (way_of(llama).arguments, way_of(hermes).arguments) == ("parameters", "arguments")
    assert [knows_tools(t) for t in (None, "plain", hermes, "toolset")] == [False, False, True, False]


def test_the_schema_of_a_call_is_that_of_its_tool():
    way = way_of(None)
    one = schema_of_call(TOOLS, ["weather"], way)
    assert one["properties"] == {"name": {"const": "weather"}, "arguments": {**TOWN, "additionalProperties": False}}
    assert (one["required"], one["additionalProperties"]) == (["name", "arguments"], False)
    both = schema_of_call(TOOLS, NAMES, way)
    assert [s["properties"]["name"]["const"] for s in both["anyOf"]] == ["weather", "clock"]
    open_one = {"function": {"name": "n", "parameters": {"properties": {}, "additionalProperties": True}}}
    assert schema_of_call([open_one], ["n"], way)["properties"]["arguments"]["additionalProperties"] is True
    nested = {"type": "object", "properties": {"p": {"$ref": "#/$defs/P"}}, "$defs": {"P": {"type": "string"}}}
    tool = {"function": {"name": "n", "parameters": nested}}
    found = schema_of_call([tool], ["n"], way)
    assert found["$defs"] == {"n.P": {"type": "string"}}
    assert "$defs" not in found["properties"]["arguments"]
    assert schema_of_call([{"function": {"name": "n"}}], ["n"], way)["properties"]["arguments"]["properties"] == {}


def test_tools_that_call_other_things_by_one_name_keep_their_own():
    def tool(name, place, key):
        place = {"type": "object", "properties": {"in": {"$ref": f"#/{key}/Place"}, "is": place}}
        parameters = {"type": "object", "properties": {"at": {"$ref": f"#/{key}/Place/properties/is"}}}
        return {"function": {"name": name, "parameters": {**parameters, key: {"Place": place}}}}

    town, spot = {"type": "string", "enum": ["Ptuj"]}, {"type": "array", "items": {"type": "integer"}}
    tools = [tool("weather", town, "$defs"), tool("map", spot, "definitions")]
    for order in (tools, tools[::-1]):
        found = schema_of_call(order, ["weather", "map"], way_of(None))
        assert {name: one["properties"] for name, one in found["$defs"].items()} == {
            "weather.Place": {"in": {"$ref": "#/$defs/weather.Place"}, "is": town},
            "map.Place": {"in": {"$ref": "#/$defs/map.Place"}, "is": spot},
        }
        called = {s["properties"]["name"]["const"]: s["properties"]["arguments"] for s in found["anyOf"]}
        assert called["weather"]["properties"] == {"at": {"$ref": "#/$defs/weather.Place/properties/is"}}
        assert called["map"]["properties"] == {"at": {"$ref": "#/$defs/map.Place/properties/is"}}
        assert not {"$defs", "definitions"} & {*called["weather"], *called["map"]}


def test_strings_of_any_length_share_the_room_that_there_is():
    town = {"$ref": "#/$defs/Town"}
    several = {"type": "array", "items": {"type": ["string", "null"]}}
    own = {"type": "string", "maxLength": 9}
    kinds = {"type": "string", "enum": ["a", "b"]}
    long = {"type": "string", "minLength": 70}
    day = {"type": "string", "format": "date"}
    properties = {
        "town": town, "several": several, "own": own, "kinds": kinds, "type": {"type": "integer"}, "l": long,
        "day": day,
    }  # fmt: skip
    parameters = {"type": "object", "properties": properties, "$defs": {"Town": {"type": "string"}}}
    found = schema_of_call([{"function": {"name": "n", "parameters": parameters}}], ["n"], way_of(None), tokens=90)
    inner = found["properties"]["arguments"]["properties"]
    assert found["$defs"]["n.Town"] == {"type": "string", "maxLength": 60}
    assert inner["several"]["items"] == {"type": ["string", "null"], "maxLength": 60}
    assert inner["l"]["maxLength"] == 70
    assert {name: inner[name] for name in ("own", "kinds", "type", "day")} == {
        name: properties[name] for name in ("own", "kinds", "type", "day")
    }


def test_arguments_may_be_called_what_schemas_call_their_parts():
    text, words = {"type": "string"}, ("format", "type", "properties", "additionalProperties", "enum", "required")
    inner = {"type": "object", "properties": {"maxLength": text, "$ref": text}, "required": ["maxLength"]}
    properties = {**dict.fromkeys(words, text), "definitions": inner, "kind": {"const": {"type": "string"}}}
    parameters = {"type": "object", "properties": properties, "$defs": {"format": text}}
    found = schema_of_call([{"function": {"name": "n", "parameters": parameters}}], ["n"], way_of(None), tokens=90)
    bounded = {"type": "string", "maxLength": 20}
    assert found["$defs"] == {"n.format": bounded}
    assert found["properties"]["arguments"]["properties"] == {
        **dict.fromkeys(words, bounded),
        "definitions": {
            **inner,
            "additionalProperties": False,
            "properties": dict.fromkeys(inner["properties"], bounded),
        },
        "kind": {"const": {"type": "string"}},
    }


def test_a_string_of_a_form_that_nothing_holds_it_to_has_a_bound():
    parameters = {"type": "object", "properties": {"where": {"type": "string", "format": "path"}}}
    found = schema_of_call([{"function": {"name": "n", "parameters": parameters}}], ["n"], way_of(None), tokens=30)
    where = {"type": "string", "format": "path", "maxLength": 60}
    assert found["properties"]["arguments"]["properties"]["where"] == where


def test_a_template_without_tools_is_told_in_words():
    call = ToolCall(id="1", name="weather", arguments={"town": "Ptuj"})
    chat = [
        Message(role="system", text="Be brief."),
        Message(role="user", text="Weather?"),
        Calling(role="assistant", text="", calls=(call,)),
        ToolResult(role="tool", text="sunny", name="weather", call_id="1"),
        Message(role="user", text="And?"),
    ]
    system, *rest = in_words(chat, [WEATHER])
    assert system.role == "system"
    assert system.text.startswith("Be brief.\n\nThese functions")
    assert json.dumps(WEATHER["function"]) in system.text
    assert [(m.role, m.text) for m in rest] == [
        ("user", "Weather?"),
        ("assistant", '<tool_call>\n{"name": "weather", "arguments": {"town": "Ptuj"}}\n</tool_call>'),
        ("user", "Result of weather: sunny\n\nAnd?"),
    ]
    assert read_calls(rest[1].text, ["weather"]).calls[0].arguments == call.arguments
    assert in_words(chat[:2], []) == chat[:2]
    nameless = ToolResult(role="tool", text="x", name="", call_id="")
    assert in_words([nameless], [])[0].text == "Result of the tool: x"
