"""Tools: how a model is told of them, how a call is forced, and how its calls are read.

In come tools as OpenAI function schemas and chat messages, out go messages that a template without tools can write,
and calls out of what a model wrote. A model whose template knows tools is told of them in its own way. It knows nothing
of LangChain and asks no model.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from langchain_selfparam.errors import ConfigError
from langchain_selfparam.records import Calling, Message, ToolCall, ToolResult

Tool = Mapping[str, Any]
"""``{"type": "function", "function": {"name": ..., "description": ..., "parameters": ...}}``."""

_OPENS, _CLOSES = "<tool_call>", "</tool_call>"
_BETWEEN = re.compile(r"[ \t\r\n;,]*")
"""What may stand between two calls."""
_FENCE = re.compile(r"\A```(?:json)?\s*(.*?)\s*(?:```)?\s*\Z", re.DOTALL)
_MARKS = ("<|python_tag|>", "[TOOL_CALLS]")
_ARGUMENTS = ("arguments", "parameters")
_HOLDS = (_OPENS, *_MARKS, "```", "{", "[")
"""What a call can begin with."""
_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri"}
"""Of strings, those that llguidance holds them to."""
_DEFINITIONS = ("$defs", "definitions")
_MAPS = {"properties", "patternProperties", "dependentSchemas", *_DEFINITIONS}
"""Keywords of a schema whose names are no keywords: an argument may be called ``format``."""
_VALUES = {"enum", "const", "default", "examples", "required"}
"""Keywords with values in them, and no schemas."""
_CHARACTERS_OF_A_TOKEN = 2
"""Fewer than most texts have, which leaves room for names of arguments and what holds them together."""


@dataclasses.dataclass(frozen=True, slots=True)
class Way:
    """How a model writes calls.

    Attributes:
        opens: Text before a call's JSON.
        arguments: What its JSON calls the arguments.
    """

    opens: str
    arguments: str


def knows_tools(template: str | None) -> bool:
    """Whether a chat template writes tools by itself."""
    return template is not None and re.search(r"\btools\b", template) is not None


def way_of(template: str | None) -> Way:
    """How a model with this chat template writes calls.

    Args:
        template: The template; Jinja.

    Returns:
        The way of the template, or tags around JSON where it does not say.
    """
    if template is None or _OPENS in template or not knows_tools(template):
        return Way(f"{_OPENS}\n", "arguments")
    if "[TOOL_CALLS]" in template:
        return Way("[TOOL_CALLS] ", "arguments")
    return Way("", "parameters" if '"parameters"' in template else "arguments")


def wanted(choice: Any, tools: Sequence[Tool]) -> tuple[str, ...]:
    """The tools of which one has to be called.

    Args:
        choice: ``None`` or ``"auto"`` to leave it to the model, ``"none"`` or ``False`` to call none, ``"any"``,
            ``"required"`` or ``True`` to call some, a name or ``{"function": {"name": ...}}`` to call that.
        tools: Those there are.

    Returns:
        Their names; empty where none has to be.

    Raises:
        ConfigError: There is no such tool.
    """
    names = tuple(name_of(tool) for tool in tools)
    if isinstance(choice, Mapping):
        choice = choice.get("function", choice).get("name")
    if choice in (None, "auto", "none", False):
        return ()
    if choice in ("any", "required", True):
        return names
    if choice not in names:
        known = ", ".join(names) or "the names of tools, of which there are none"
        msg = f"tool_choice is {choice!r}; it has to be 'auto', 'none', 'any', or one of {known}"
        raise ConfigError(msg)
    return (str(choice),)


def name_of(tool: Tool) -> str:
    """A tool's name."""
    return str(tool["function"]["name"])


def schema_of_call(
    tools: Sequence[Tool], names: Collection[str], way: Way, *, tokens: int | None = None
) -> dict[str, Any]:
    """The JSON schema of a call of one of these tools.

    Args:
        tools: Those there are.
        names: Those that may be called.
        way: How the model writes calls.
        tokens: How long the answer may get. A small model that repeats itself inside a string would never close it:
            strings without a bound of their own get one, so that the call ends while there is room.

    Returns:
        An object with the tool's name first and its arguments behind.
    """
    calls = []
    shared: dict[str, Any] = {}
    for tool in tools:
        if name_of(tool) not in names:
            continue
        parameters = _closed(tool["function"].get("parameters") or {"type": "object", "properties": {}})
        parameters = _pointed(parameters, f"{name_of(tool)}.")
        for key in _DEFINITIONS:
            shared |= {f"{name_of(tool)}.{name}": one for name, one in parameters.pop(key, {}).items()}
        properties = {"name": {"const": name_of(tool)}, way.arguments: parameters}
        calls.append(
            {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
        )
    one: dict[str, Any] = calls[0] if len(calls) == 1 else {"anyOf": calls}
    whole = {**one, "$defs": shared} if shared else one
    if tokens is None:
        return whole
    longest = max(_CHARACTERS_OF_A_TOKEN * tokens // max(_strings(whole), 1), 1)
    return _bounded(whole, longest)


def _within(schema: Any, change: Callable[[Mapping[str, Any]], Any]) -> Any:
    """What ``change`` makes of a schema, or of each in a list of them; what is no schema stays as it is."""
    if isinstance(schema, list):
        return [_within(part, change) for part in schema]
    return change(schema) if isinstance(schema, Mapping) else schema


def _parts(schema: Mapping[str, Any], change: Callable[[Mapping[str, Any]], Any]) -> dict[str, Any]:
    """A schema with each schema in it changed."""
    parts = {key: part for key, part in schema.items() if key in _VALUES}
    for key, part in schema.items():
        if key in _MAPS and isinstance(part, Mapping):
            parts[key] = {name: _within(one, change) for name, one in part.items()}
        elif key not in _VALUES:
            parts[key] = _within(part, change)
    return parts


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema whose objects have the properties that it names and no others, unless it says otherwise."""
    closed = _parts(schema, _closed)
    return {"additionalProperties": False, **closed} if isinstance(schema.get("properties"), Mapping) else closed


def _pointed(schema: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """A schema that points to its definitions where a call's schema has them: two tools may call theirs alike."""
    pointed, to = _parts(schema, lambda part: _pointed(part, prefix)), schema.get("$ref")
    for key in _DEFINITIONS:
        if isinstance(to, str) and to.startswith(f"#/{key}/"):
            pointed["$ref"] = f"#/$defs/{prefix}{to.removeprefix(f'#/{key}/')}"
    return pointed


def _unbounded(schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("type")
    text = kinds == "string" or (isinstance(kinds, list) and "string" in kinds)
    held = schema.get("format") in _FORMATS or any(key in schema for key in ("maxLength", "enum", "const", "pattern"))
    return text and not held


def _strings(schema: Mapping[str, Any]) -> int:
    """How many strings of any length a schema has."""
    found: list[int] = []
    _parts(schema, lambda part: found.append(_strings(part)))
    return _unbounded(schema) + sum(found)


def _bounded(schema: Mapping[str, Any], longest: int) -> dict[str, Any]:
    """A schema in which each string of any length has at most this many characters."""
    bounded = _parts(schema, lambda part: _bounded(part, longest))
    return {**bounded, "maxLength": max(longest, schema.get("minLength", 0))} if _unbounded(schema) else bounded


def in_words(messages: Sequence[Message], tools: Sequence[Tool]) -> list[Message]:
    """The same conversation for a template that knows neither tools nor their results.

    Args:
        messages: The conversation.
        tools: Those that may be called.

    Returns:
        System, user and assistant messages; neighbours of one role joined.
    """
    plain: list[Message] = []
    for message in messages:
        if isinstance(message, Calling):
            calls = [_written(call) for call in message.calls]
            now = Message(role="assistant", text="\n".join(part for part in (message.text, *calls) if part))
        elif isinstance(message, ToolResult):
            now = Message(role="user", text=f"Result of {message.name or 'the tool'}: {message.text}")
        else:
            now = message
        if plain and plain[-1].role == now.role:
            joined = "\n\n".join(part for part in (plain.pop().text, now.text) if part)
            now = Message(role=now.role, text=joined)
        plain.append(now)
    if not tools:
        return plain
    first = plain.pop(0).text if plain and plain[0].role == "system" else ""
    text = "\n\n".join(part for part in (first, _told(tools)) if part)
    return [Message(role="system", text=text), *plain]


def _told(tools: Sequence[Tool]) -> str:
    lines = "\n".join(json.dumps(tool["function"], ensure_ascii=False) for tool in tools)
    return (
        f"These functions can be called, each with its parameters as a JSON schema:\n{lines}\n"
        f'A call is written as\n{_OPENS}\n{{"name": "the function", "arguments": {{}}}}\n{_CLOSES}\n'
        "and nothing else. When the result is there, answer in words."
    )


def _written(call: ToolCall) -> str:
    body = json.dumps({"name": call.name, "arguments": dict(call.arguments)}, ensure_ascii=False)
    return f"{_OPENS}\n{body}\n{_CLOSES}"


@dataclasses.dataclass(frozen=True, slots=True)
class Broken:
    """What was meant to be a call and cannot be made.

    Attributes:
        text: As it was written.
        name: The tool's name, where it could be read.
        error: What is wrong with it.
    """

    text: str
    name: str | None
    error: str


@dataclasses.dataclass(frozen=True, slots=True)
class Read:
    """What a model wrote, taken apart.

    Attributes:
        text: What is said in words.
        calls: Calls of tools, in order.
        broken: Calls that cannot be made.
    """

    text: str
    calls: tuple[ToolCall, ...] = ()
    broken: tuple[Broken, ...] = ()


def read_calls(text: str, names: Collection[str]) -> Read:
    """Read the calls in what a model wrote: in tags, behind a mark, or as bare JSON.

    Args:
        text: As it was written.
        names: Tools that may be called. Bare JSON that names none of them is an answer in words.

    Returns:
        Words, calls, and calls that cannot be made.
    """
    if _OPENS in text:
        words, inside = _tagged(text)
        found = [_one(part, names) for part in inside]
        return Read(
            words,
            tuple(call for part in found for call in part if isinstance(call, ToolCall)),
            tuple(call for part in found for call in part if isinstance(call, Broken)),
        )
    bare = text.strip()
    marked = next((mark for mark in _MARKS if bare.startswith(mark)), "")
    bare = _FENCE.sub(r"\1", bare.removeprefix(marked).strip())
    if not bare.startswith(("{", "[")):
        return Read(text)
    calls = _one(bare, names)
    if any(isinstance(call, Broken) for call in calls) and not marked:
        return Read(text)
    return Read(
        "",
        tuple(call for call in calls if isinstance(call, ToolCall)),
        tuple(call for call in calls if isinstance(call, Broken)),
    )


def _tagged(text: str) -> tuple[str, list[str]]:
    """The words around tags, and what stands inside each; one that is left open goes on to the end."""
    words, inside, at = "", [], 0
    while (opens := text.find(_OPENS, at)) >= 0:
        words += text[at:opens]
        begins = opens + len(_OPENS)
        closes = text.find(_CLOSES, _end_of_json(text, begins))
        ends = closes if closes >= 0 else len(text)
        inside.append(text[begins:ends].strip())
        at = ends + len(_CLOSES)
    return (words + text[at:]).strip(), inside


def _end_of_json(text: str, at: int) -> int:
    """Where the JSON ends that begins here, if any does: what closes a call may also stand in a string of it."""
    decoder, end = json.JSONDecoder(), at
    with contextlib.suppress(ValueError, RecursionError):
        while True:
            _, end = decoder.raw_decode(text, _next(text, end))
    return end


def _one(text: str, names: Collection[str]) -> list[ToolCall | Broken]:
    """The calls in a piece of JSON: an object, a list, or several objects one after another."""
    try:
        values = _values(text)
    except ValueError as error:
        return [Broken(text, None, f"is no JSON: {error}")]
    except RecursionError:  # a small model that repeats itself writes brackets without end
        return [Broken(text, None, "is no JSON: it is nested too deeply")]
    return [_call(value, text, names) for value in values]


def _values(text: str) -> list[Any]:
    decoder, at, values = json.JSONDecoder(), 0, []
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        values += value if isinstance(value, list) else [value]
        at = _next(text, at)
    return values


def _next(text: str, at: int) -> int:
    """Where the next value may begin."""
    found = _BETWEEN.match(text, at)
    return found.end() if found else at


def _call(value: Any, text: str, names: Collection[str]) -> ToolCall | Broken:
    if isinstance(value, Mapping):
        value = value.get("function", value)
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        return Broken(text, None, "names no tool")
    name = value["name"]
    if name not in names:
        return Broken(text, name, f"names {name!r}; there are {', '.join(names)}")
    given: Any = next((value[key] for key in _ARGUMENTS if key in value), {})
    if isinstance(given, str):
        try:
            given = json.loads(given or "{}")
        except ValueError as error:
            return Broken(text, name, f"has arguments that are no JSON: {error}")
        except RecursionError:
            return Broken(text, name, "has arguments that are no JSON: nested too deeply")
    if given is not None and not isinstance(given, Mapping):
        return Broken(text, name, f"has a {type(given).__name__} for arguments; an object is needed")
    return ToolCall(id=f"call_{uuid.uuid4().hex[:24]}", name=name, arguments=dict(given or {}))


class Holding:
    """Gives words on as they are written, and holds back what may be a call."""

    def __init__(self) -> None:
        self._said = ""
        self._held = ""
        self._calling = False

    def feed(self, text: str) -> str:
        """Take more text; gives what is certainly said in words."""
        self._held += text
        if self._calling:
            return ""
        at = self._held.find(_OPENS)
        if at < 0 and not self._said.strip():
            bare = self._held.lstrip()
            if any(bare.startswith(mark) or mark.startswith(bare) for mark in _HOLDS):
                return ""
        self._calling = at >= 0
        return self._let(at if at >= 0 else len(self._held) - _begun(self._held))

    def rest(self) -> str:
        """What was held back, at the end."""
        rest, self._held = self._held, ""
        return rest

    def _let(self, upto: int) -> str:
        words, self._held = self._held[:upto], self._held[upto:]
        self._said += words
        return words


def _begun(text: str) -> int:
    """Characters at the end of a text that may be the beginning of a tag."""
    return max((n for n in range(1, len(_OPENS)) if text.endswith(_OPENS[:n])), default=0)
