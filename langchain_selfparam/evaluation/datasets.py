"""Conversations with questions, as the packaged evaluation set has them: read and checked.

In comes a ``.jsonl`` file with one conversation a line, or a ``.json`` file with one, out go ``Conversation``
records, or an ``InputError`` that names file and line. Passages with questions (SQuAD) and questions about authors
(TOFU) are taken too, as conversations of one user. It knows nothing of models. The form is described in
``data/assistant_chats/README.md``.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_selfparam.errors import InputError
from langchain_selfparam.records import Message

DATA = Path(__file__).parent / "data"
_NOTED = "Thank you, I have noted that."
_PER_AUTHOR = 20
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
    golds: tuple[str, ...] = ()
    """Whole answers for token F1, where the set has some."""


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
        FileNotFoundError: There is no such file or set, or it is a folder; the text lists the packaged ones or what the
            folder has.
    """
    path = PACKAGED.get(source, Path(source).expanduser())
    if path.is_dir():
        inside = ", ".join(sorted(p.name for p in path.glob("*.jsonl"))) or "it has no .jsonl file"
        msg = f"{source} is a folder, not a file; give one file of it ({inside})"
        raise FileNotFoundError(msg)
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
    rows = [(_parsed(line, path, number), _Place(path, number)) for number, line in lines]
    first = rows[0][0]
    if isinstance(first, Mapping) and "question" in first and "answer" in first:
        return _authors(rows)
    read = _passage if isinstance(first, Mapping) and "context" in first else _conversation
    found: dict[str, Conversation] = {}
    for row, place in rows:
        conversation = read(row, place)
        if conversation.id in found:
            msg = f"{place}: the id {conversation.id!r} came before; every conversation needs its own"
            raise InputError(msg)
        if not conversation.questions:
            msg = f"{place}: 'questions' is empty; at least one question is needed"
            raise InputError(msg)
        found[conversation.id] = conversation
    return tuple(found.values())


def load_neighbours(path: Path) -> tuple[Neighbour, ...]:
    """Read questions about other things that go with a whole set: ``long_neighbours.jsonl`` beside ``long.jsonl``.

    Args:
        path: The set's own file.

    Returns:
        The questions, in order; none where there is no such file.

    Raises:
        InputError: The file has another form.
    """
    beside = path.with_name(f"{path.stem}_neighbours.jsonl")
    if not beside.is_file():
        return ()
    lines = [(n, line) for n, line in enumerate(beside.read_text(encoding="utf-8").split("\n"), 1) if line.strip()]
    return tuple(_neighbour(_parsed(line, beside, number), _Place(beside, number)) for number, line in lines)


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
            _neighbour(n, at) for n, at in (_rows(row, "neighbours", place) if "neighbours" in row else ())
        ),
    )


def _passage(row: Any, place: _Place) -> Conversation:
    """A passage in the form of SQuAD: it is said in one turn."""
    questions = []
    for asked, at in _rows(row, "questions", place):
        golds = _get(asked, "answers", list, at) if "answers" in asked else [_get(asked, "answer", str, at)]
        questions.append(_about(_get(asked, "question", str, at), golds, at))
    text = _get(row, "context", str, place)
    return Conversation(
        id=str(row.get("id", place.line)),
        title=str(row.get("title", "")),
        turns=((text, _NOTED),),
        questions=tuple(questions),
        neighbours=(),
    )


def _authors(rows: Sequence[tuple[Any, _Place]]) -> tuple[Conversation, ...]:
    """Questions about invented authors in the form of TOFU, 20 on each in a row: the answers are said, a turn each."""
    found = []
    for start in range(0, len(rows), _PER_AUTHOR):
        part = rows[start : start + _PER_AUTHOR]
        said = [_get(row, "answer", str, place) for row, place in part]
        asked = [_get(row, "question", str, place) for row, place in part]
        questions = [
            dataclasses.replace(_about(q, [a], place), keys=_news(a, q), turns=(number,))
            for number, (q, a, (_, place)) in enumerate(zip(asked, said, part, strict=True))
        ]
        found.append(
            Conversation(
                id=f"author-{start // _PER_AUTHOR + 1:02d}",
                title="",
                turns=tuple((answer, _NOTED) for answer in said),
                questions=tuple(questions),
                neighbours=(),
            )
        )
    return tuple(found)


def _about(question: str, golds: Sequence[Any], place: _Place) -> Question:
    wrong = next((g for g in golds if not isinstance(g, str) or not g.strip()), None)
    if wrong is not None or not golds:
        msg = f"{place}: the answer is {wrong!r}; a string that is not empty is needed"
        raise InputError(msg)
    keys = tuple(dict.fromkeys(g.strip().lower() for g in golds))
    return Question(text=question, keys=keys, kind="recall", turns=(0,), golds=tuple(golds))


def _news(answer: str, question: str) -> tuple[str, ...]:
    """What an answer brings: its longest words that are not in the question; one of them makes an answer held."""
    known = set(re.findall(r"\w+", question.lower()))
    words = dict.fromkeys(w for w in re.findall(r"\w+", answer.lower()) if w not in known and len(w) > 3)
    return tuple(sorted(words, key=lambda w: (-len(w), w))[:3]) or (answer.lower(),)


def _neighbour(row: Any, place: _Place) -> Neighbour:
    return Neighbour(text=_get(row, "q", str, place), forbidden=_strings(row, "forbidden", place))


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
