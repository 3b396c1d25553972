"""Conversations with questions, as the packaged evaluation set has them: read and checked.

In comes a ``.jsonl`` file with one conversation a line, or a ``.json`` file with one, out go ``Conversation``
records, or an ``InputError`` that names file and line. It knows nothing of models. The form is described in
``data/assistant_chats/README.md``.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from langchain_selfparam.errors import InputError
from langchain_selfparam.records import Message

DATA = Path(__file__).parent / "data"
PACKAGED = {
    "assistant_chats": DATA / "assistant_chats" / "chats.jsonl",
    "long": DATA / "assistant_chats" / "long.jsonl",
    "demo": DATA / "demo.json",
}
"""The sets that come with the package, by the name that ``--data`` takes."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """Something the user asks later, with the conversation gone from the prompt."""

    text: str
    keys: tuple[str, ...]
    """Lower-case strings; a right answer has one of them."""
    kind: str
    """``recall``, ``reverse``, ``update`` or ``two_hop``."""
    turns: tuple[int, ...]
    """Numbers of the turns with the answer, from 0."""
    forbidden: tuple[str, ...] = ()
    """Lower-case strings; a right answer has none of them."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Neighbour:
    """A question close to the user's facts but not about them."""

    text: str
    forbidden: tuple[str, ...]
    """Lower-case strings of the user's facts; one in the answer is a leak."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Conversation:
    """What was said and what is asked about it."""

    id: str
    title: str
    turns: tuple[tuple[str, str], ...]
    """The user's words and the reply, in order."""
    questions: tuple[Question, ...]
    neighbours: tuple[Neighbour, ...]

    @property
    def messages(self) -> tuple[Message, ...]:
        """The whole conversation as chat messages."""
        return tuple(
            message
            for user, reply in self.turns
            for message in (Message(role="user", text=user), Message(role="assistant", text=reply))
        )


def find(source: str) -> Path:
    """Find a set by its name or path.

    Args:
        source: The name of a packaged set, or a file.

    Returns:
        The file.

    Raises:
        FileNotFoundError: There is no such file or set; the text lists the packaged ones.
    """
    path = PACKAGED.get(source, Path(source).expanduser())
    if not path.is_file():
        msg = f"there is no file {source}; give a .jsonl file, or one of {', '.join(PACKAGED)}"
        raise FileNotFoundError(msg)
    return path


def load(path: Path) -> tuple[Conversation, ...]:
    """Read conversations.

    Args:
        path: A ``.jsonl`` file with one a line, or a ``.json`` file with one; UTF-8.

    Returns:
        The conversations, in order; at least one.

    Raises:
        InputError: The file has another form; the text names the line and what is missing.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        msg = f"{path} is not UTF-8 text (byte {error.start}); write it as UTF-8"
        raise InputError(msg) from error
    # Not splitlines(): it also splits at characters that may stand inside a JSON string.
    parts = [text] if path.suffix == ".json" else text.split("\n")
    lines = [(number, part) for number, part in enumerate(parts, 1) if part.strip()]
    if not lines:
        msg = f"{path} is empty; one conversation a line is needed"
        raise InputError(msg)
    return tuple(_conversation(_parsed(line, path, number), _Place(path, number)) for number, line in lines)


@dataclasses.dataclass(frozen=True, slots=True)
class _Place:
    """Where something stands, for error texts."""

    path: Path
    line: int
    at: str = ""

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}" + (f", {self.at}" if self.at else "")

    def into(self, name: str, index: int) -> _Place:
        return dataclasses.replace(self, at=f"{name}[{index}]")


def _parsed(line: str, path: Path, number: int) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        line_number = number + error.lineno - 1
        msg = f"{path}, line {line_number}, column {error.colno}: {error.msg}; a JSON object is needed"
        raise InputError(msg) from error


def _conversation(row: Any, place: _Place) -> Conversation:
    turns = tuple((_get(t, "user", str, at), _get(t, "assistant", str, at)) for t, at in _rows(row, "turns", place))
    if not turns:
        msg = f"{place}: 'turns' is empty; a conversation of at least one turn is needed"
        raise InputError(msg)
    return Conversation(
        id=_get(row, "id", str, place),
        title=row.get("title", ""),
        turns=turns,
        questions=tuple(_question(q, at, len(turns)) for q, at in _rows(row, "questions", place)),
        neighbours=tuple(
            Neighbour(text=_get(n, "q", str, at), forbidden=_strings(n, "forbidden", at))
            for n, at in (_rows(row, "neighbours", place) if "neighbours" in row else ())
        ),
    )


def _question(row: Any, place: _Place, turns: int) -> Question:
    several = isinstance(row, Mapping) and "turns" in row
    own = tuple(_get(row, "turns", list, place)) if several else (_get(row, "turn", int, place),)
    outside = [t for t in own if not (isinstance(t, int) and 0 <= t < turns)]
    if outside:
        msg = f"{place}: turn {outside[0]!r} is not there; the conversation has turns 0 to {turns - 1}"
        raise InputError(msg)
    keys = _strings(row, "keys", place)
    if not keys:
        msg = f"{place}: 'keys' is empty; at least one string of a right answer is needed"
        raise InputError(msg)
    return Question(
        text=_get(row, "q", str, place),
        keys=keys,
        kind=row.get("kind", "recall"),
        turns=own,
        forbidden=_strings(row, "forbidden", place) if "forbidden" in row else (),
    )


def _rows(row: Any, name: str, place: _Place) -> list[tuple[Any, _Place]]:
    return [(item, place.into(name, index)) for index, item in enumerate(_get(row, name, list, place))]


def _strings(row: Any, name: str, place: _Place) -> tuple[str, ...]:
    values = _get(row, name, list, place)
    wrong = next((v for v in values if not isinstance(v, str) or not v), None)
    if wrong is not None:
        msg = f"{place}: {name!r} holds {wrong!r}; strings that are not empty are needed"
        raise InputError(msg)
    return tuple(value.lower() for value in values)


def _get(row: Any, name: str, kind: type, place: _Place) -> Any:
    if not isinstance(row, Mapping):
        msg = f"{place}: found a {type(row).__name__}; an object with the field {name!r} is needed"
        raise InputError(msg)
    if name not in row:
        msg = f"{place}: the field {name!r} is missing; there are {', '.join(map(repr, row)) or 'none'}"
        raise InputError(msg)
    if not isinstance(row[name], kind):
        msg = f"{place}: {name!r} is a {type(row[name]).__name__}; a {kind.__name__} is needed"
        raise InputError(msg)
    return row[name]
