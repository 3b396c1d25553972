"""Who has said what in an agent's thread, and what of it is not saved yet.

In come a thread's messages and what was noted before, out go notes that a checkpointer can keep beside the thread. The
thread alone does not tell: a run that broke leaves its words there for whoever speaks next, and what makes room in the
thread takes them away before they are saved. It knows nothing of memories.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from langchain_core.messages import BaseMessage, ToolMessage
from typing_extensions import TypedDict

from langchain_selfparam.interfaces.messages import exchanges, role_of, text_of
from langchain_selfparam.interfaces.tools import FORGET


class Saying(TypedDict):
    """What a user said at once."""

    whose: list[str]
    """The namespace of the run that it was said in."""
    ids: list[str]
    """Of its messages."""
    digest: str
    """Of its words: other words under the same ids are another saying."""
    user: str | None
    """Its words until they are saved; ``None`` then, and where they are not to be."""
    assistant: str
    """The reply, where it could not be saved."""


def noted(
    messages: Sequence[BaseMessage], sayings: Sequence[Saying], whose: Sequence[str], *, begins: bool = False
) -> list[Saying]:
    """Note what is new in a thread.

    What was said last and is nobody's yet is the run's own, and so is what it has put in other words. What was said to
    have something forgotten has that in it, and is not to be saved.

    Args:
        messages: The thread.
        sayings: What was noted before.
        whose: The namespace of the run; empty where it is refused: what is said in it is nobody's, and not to be saved.
        begins: Whether the run begins: what was said before it is not said with what is new.

    Returns:
        What is in the thread or not saved, in the order in which it was noted.
    """
    _, found = exchanges(messages)
    here = {str(m.id): text_of(m) for one in found for m in one.messages if role_of(m) == "user"}
    now = [_now(one, here, whose) for one in sayings]
    if found:
        keys = [str(m.id) for m in found[-1].messages if role_of(m) == "user"]
        now = _with_new(keys, here, now, whose, begins=begins)
    for number, there in parts(messages, now).items():
        if now[number]["whose"] == list(whose) and any(_forgets(message) for message in there):
            now[number] = {**now[number], **_to_save("")}
    return [one for one in now if one["user"] is not None or any(key in here for key in one["ids"])]


def said_by(sayings: Sequence[Saying]) -> dict[str, int]:
    """Which saying the user's messages belong to.

    Args:
        sayings: What was noted.

    Returns:
        Message id to the number of its saying.
    """
    return {key: number for number, one in enumerate(sayings) for key in one["ids"]}


def parts(messages: Sequence[BaseMessage], sayings: Sequence[Saying]) -> dict[int, tuple[BaseMessage, ...]]:
    """What in a thread belongs to which saying.

    Args:
        messages: The thread.
        sayings: What was noted of it.

    Returns:
        A saying's number to its messages with everything up to the reply; none for what has left the thread, but that
        the last one then has what stands at the end, where that is nobody else's: its run goes on there.
    """
    known = said_by(sayings)
    apart, found = exchanges(messages, known)
    there: dict[int, tuple[BaseMessage, ...]] = {}
    for one in found:
        number = next((known[str(m.id)] for m in one.messages if str(m.id) in known), None)
        if number is not None:
            there[number] = (*there.get(number, ()), *one.messages)
    last = len(sayings) - 1
    if sayings and last not in there:
        key = str(found[-1].message_id) if found else ""
        if not found or (key in known and sayings[known[key]]["whose"] == sayings[last]["whose"]):
            there[last] = found[-1].messages if found else tuple(apart)
    return there


def _with_new(
    keys: Sequence[str], here: Mapping[str, str], sayings: Sequence[Saying], whose: Sequence[str], *, begins: bool
) -> list[Saying]:
    """The sayings with what is nobody's yet among the messages that the user has said last."""
    known, now = said_by(sayings), list(sayings)
    new = [key for key in keys if key not in known]
    if not new:
        return now
    number = None if begins else known.get(keys[max(0, keys.index(new[0]) - 1)])
    if number is not None:
        # What comes during a run, before there is a reply, such as another middleware's reminder, has the same reply.
        before = now[number]
        if before["whose"] == list(whose) and before["user"] is not None and set(before["ids"]) <= set(keys):
            new = [*now.pop(number)["ids"], *new]
    words = _words(new, here)
    return [*now, {"whose": list(whose), "ids": new, "digest": _digest(words), **_to_save(words if whose else "")}]


def _now(one: Saying, here: Mapping[str, str], whose: Sequence[str]) -> Saying:
    """A saying as the thread has it now."""
    if not all(key in here for key in one["ids"]):
        return one
    words = _words(one["ids"], here)
    if _digest(words) == one["digest"]:
        return one
    # Where another's run finds them changed, it may have done so itself: nobody can say whose words they are.
    own = bool(whose) and one["whose"] == list(whose)
    return {**one, "digest": _digest(words), **_to_save(words if own else "")}


class _ToSave(TypedDict):
    user: str | None
    assistant: str


def _to_save(words: str) -> _ToSave:
    return {"user": words if words.strip() else None, "assistant": ""}


def _words(ids: Sequence[str], here: Mapping[str, str]) -> str:
    return "\n".join(here[key] for key in ids)


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _forgets(message: BaseMessage) -> bool:
    return isinstance(message, ToolMessage) and message.name == FORGET
