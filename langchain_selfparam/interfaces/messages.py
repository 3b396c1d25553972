"""LangChain messages as the plain records that the rest of the package takes.

In come strings and messages, out go text and ``records.Message``. It knows nothing of models or memories.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, HumanMessage, SystemMessage

from langchain_selfparam.errors import InputError
from langchain_selfparam.records import Calling, Message, Role, ToolCall, ToolResult

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "human": "user",
    "user": "user",
    "ai": "assistant",
    "assistant": "assistant",
}
_RESULTS = {"tool", "function"}


def text_of(value: object) -> str:
    """The text of what a chain passes around.

    Args:
        value: A string, a message (its text blocks are joined), or a list of messages (one a line).

    Returns:
        The text; empty where there is none.

    Raises:
        InputError: It is something else; the text names the type found.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, BaseMessage):
        return str(value.text)
    if isinstance(value, Sequence) and all(isinstance(item, BaseMessage) for item in value):
        return "\n".join(str(message.text) for message in value)
    kind = type(value).__name__
    if isinstance(value, Sequence):
        kind += f" of {', '.join(sorted({type(item).__name__ for item in value}))}"
    msg = f"found a {kind}; a string, a message or a list of messages is needed"
    raise InputError(msg)


def to_records(messages: Sequence[BaseMessage]) -> tuple[Message, ...]:
    """Chat messages as records; neighbours of one role become one, since many templates want alternation.

    Args:
        messages: System, human, AI, tool and generic chat messages; calls of tools and their results stay apart.

    Returns:
        The records, in order.

    Raises:
        InputError: A message is of another kind; the text names it.
    """
    records: list[Message] = []
    for message in messages:
        record = _record(message)
        if type(record) is Message and records and type(records[-1]) is Message and records[-1].role == record.role:
            text = "\n\n".join(part for part in (records.pop().text, record.text) if part)
            record = Message(role=record.role, text=text)
        records.append(record)
    return tuple(records)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """What a user said and everything up to the reply, tool calls and their results among it."""

    messages: tuple[BaseMessage, ...]
    user: str
    assistant: str
    """The last reply in words; empty where there is none yet."""
    message_id: str | None
    """Id of the user's first message; ``None`` where it has none."""


def role_of(message: BaseMessage) -> Role | None:
    """Who speaks in a message, whatever its class.

    Args:
        message: Any.

    Returns:
        The role; ``None`` for a tool's result, and for kinds that ``to_records`` refuses.
    """
    return _ROLES.get(_kind(message))


def exchanges(
    messages: Sequence[BaseMessage], apart_by: Mapping[str, object] = MappingProxyType({})
) -> tuple[list[BaseMessage], list[Exchange]]:
    """Cut a conversation where the user begins to speak again.

    Args:
        messages: In order.
        apart_by: Ids of messages of the user's; two that follow each other and have different values here, or one of
            which has none, are of two exchanges.

    Returns:
        What stands before the user's first word and all system messages, and the exchanges.
    """

    def of(message: BaseMessage) -> object:
        return apart_by.get(message.id or "")

    apart: list[BaseMessage] = []
    groups: list[list[BaseMessage]] = []
    for message in messages:
        summary = message.additional_kwargs.get("lc_source") == "summarization"  # by LangChain, not by the user
        role, before = role_of(message), groups[-1][-1] if groups else None
        if role == "system" or summary or (before is None and role != "user"):
            apart.append(message)
        elif role == "user" and (before is None or role_of(before) != "user" or of(message) != of(before)):
            groups.append([message])
        else:
            groups[-1].append(message)
    return apart, [_exchange(group) for group in groups]


def reply_in(messages: Sequence[BaseMessage]) -> str:
    """The last reply in words.

    Args:
        messages: In order.

    Returns:
        Its text; empty where there is none.
    """
    replies = [text for m in messages if role_of(m) == "assistant" and (text := text_of(m)).strip()]
    return replies[-1] if replies else ""


def _exchange(group: Sequence[BaseMessage]) -> Exchange:
    said = [m for m in group if role_of(m) == "user"]
    return Exchange(
        messages=tuple(group),
        user="\n".join(text_of(m) for m in said),
        assistant=reply_in(group),
        message_id=said[0].id,
    )


def from_records(messages: Sequence[Message]) -> list[BaseMessage]:
    """Records as chat messages.

    Args:
        messages: The records.

    Returns:
        A system, human or AI message for each.
    """
    kinds = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
    return [kinds[m.role](content=m.text) for m in messages]


def _kind(message: BaseMessage) -> str:
    kind = message.role if isinstance(message, ChatMessage) else message.type
    # Chunks are messages too: their type is the class's name.
    return kind.removesuffix("MessageChunk").lower()


def _record(message: BaseMessage) -> Message:
    text, kind = text_of(message), _kind(message)
    if kind in _RESULTS:
        call_id = str(getattr(message, "tool_call_id", "") or "")
        return ToolResult(role="tool", text=text, name=str(message.name or ""), call_id=call_id)
    if kind not in _ROLES:
        msg = f"found a message of the kind {kind!r}; system, human, ai and tool messages are understood"
        raise InputError(msg)
    if isinstance(message, AIMessage) and message.tool_calls:
        made = tuple(ToolCall(id=c["id"] or "", name=c["name"], arguments=c["args"]) for c in message.tool_calls)
        return Calling(role="assistant", text=text, calls=made)
    return Message(role=_ROLES[kind], text=text)
