"""Conversations with questions, as the packaged evaluation set has them: read and checked.

In comes a ``.jsonl`` file with one conversation a line, or a ``.json`` file with one or a list of them, out go
``Conversation`` records, or an ``InputError`` that names file and line. It knows nothing of models. The form is
described in ``data/assistant_chats/README.md``. Taken too, as conversations of one user, known by the fields of the
first line:

- passages with questions (SQuAD): the official file (``data``, ``paragraphs``, ``qas``); a passage a line, ``context``
  and ``questions``; a question a line, ``context``, ``question`` and ``answers``, where lines in a row with one context
  are one passage. Answers are ``answer``, a list of strings or of ``{"text": …}``, or ``{"text": […]}``. Questions
  without an answer (also ``""`` and ``null``) and passages without a question are left out, with a warning that counts
  them. A right answer has the words of one of them: the article in front, quotes around and the mark at the end do not
  count.
- questions about authors (TOFU): ``question`` and ``answer``, by ``author`` where there is such a field, else 20 in a
  row.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_selfparam.errors import InputError
from langchain_selfparam.records import Message

DATA = Path(__file__).parent / "data"
_NOTED = "Thank you, I have noted that."
_PER_AUTHOR = 20
_COMMON = 0.03
"""Share of a file's answers from which on a word says nothing of one of them; three answers are never that many."""
_LOG = logging.getLogger(__name__)
_QUOTES = " \"'`\u2018\u2019\u201c\u201d\u00ab\u00bb"
_MARKS = ".,;:!?"
_ARTICLE = re.compile(r"^(?:an?|the)\s+")
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
    """Lower-case strings; a right answer has ``needed`` of them."""
    kind: str
    """``recall``, ``reverse``, ``update`` or ``two_hop``."""
    turns: tuple[int, ...]
    """Numbers of the turns with the answer, from 0."""
    forbidden: tuple[str, ...] = ()
    """Lower-case strings; a right answer has none of them."""
    golds: tuple[str, ...] = ()
    """Whole answers for token F1, where the set has some."""
    needed: int = 1
    """How many of the keys a right answer has; all where there are fewer."""
    words: bool = False
    """Whether keys have to be there as whole words, not within longer ones."""


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
        path: A ``.jsonl`` file with one a line, or a ``.json`` file with one or a list; UTF-8.

    Returns:
        The conversations, in order; at least one.

    Raises:
        InputError: The file has another form; the text names the line and what is missing.
    """
    rows = list(_flattened(_read(path)))
    if not rows:
        msg = f"{path} is empty; one conversation a line is needed"
        raise InputError(msg)
    first = rows[0][0]
    if isinstance(first, Mapping) and "context" in first:
        read = _passages(rows)
    elif isinstance(first, Mapping) and "question" in first and "answer" in first:
        read = _authors(rows)
    else:
        read = [(_conversation(row, place), place) for row, place in rows]
    found: dict[str, Conversation] = {}
    for conversation, place in read:
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
    return tuple(_neighbour(row, place) for row, place in _read(beside))


@dataclasses.dataclass(frozen=True, slots=True)
class _Place:
    """Where something stands, for error texts."""

    path: Path
    line: int
    at: str = ""
    unit: str = "line"

    def __str__(self) -> str:
        return f"{self.path}, {self.unit} {self.line}" + (f", {self.at}" if self.at else "")

    def into(self, name: str, index: int) -> _Place:
        return dataclasses.replace(self, at=f"{self.at}.{name}[{index}]".lstrip("."))


_Row = tuple[Any, _Place]


def _read(path: Path) -> list[_Row]:
    """What a file has, each with its place."""
    try:
        # Editors and exports of Windows begin a file with a byte order mark.
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{path} is not UTF-8 text (byte {error.start}); write it as UTF-8"
        raise InputError(msg) from error
    if path.suffix != ".json" or not text.strip():
        # Not splitlines(): it also splits at characters that may stand inside a JSON string.
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        return [(_parsed(line, path, number), _Place(path, number)) for number, line in lines]
    whole = _parsed(text, path, 1)
    if isinstance(whole, list):
        return [(row, _Place(path, number, unit="item")) for number, row in enumerate(whole, 1)]
    return [(whole, _Place(path, 1))]


def _flattened(rows: Iterable[_Row]) -> Iterator[_Row]:
    """The rows, with the paragraphs of SQuAD's own form each for itself."""
    for row, place in rows:
        if isinstance(row, Mapping) and "data" in row and "turns" not in row:
            yield from _flattened(_rows(row, "data", place))
        elif isinstance(row, Mapping) and "paragraphs" in row:
            title = row.get("title", "")
            for part, at in _rows(row, "paragraphs", place):
                yield ({"title": title, **part} if isinstance(part, Mapping) else part), at
        else:
            yield row, place


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
        id=_id(row, place),
        title=row.get("title", ""),
        turns=turns,
        questions=tuple(_question(q, at, len(turns)) for q, at in _rows(row, "questions", place)),
        neighbours=tuple(
            _neighbour(n, at) for n, at in (_rows(row, "neighbours", place) if "neighbours" in row else ())
        ),
    )


def _id(row: Any, place: _Place) -> str:
    number = isinstance(row, Mapping) and isinstance(row.get("id"), int)
    return str(row["id"]) if number else str(_get(row, "id", str, place))


@dataclasses.dataclass(slots=True)
class _Passage:
    """A passage as it is read; of a file with a question a line it grows."""

    id: str
    title: str
    text: str
    asked: list[_Row]
    place: _Place
    grows: bool


def _passages(rows: Sequence[_Row]) -> list[tuple[Conversation, _Place]]:
    """Passages in the forms of SQuAD: each is said in one turn."""
    found: list[_Passage] = []
    for row, place in rows:
        text, title = _get(row, "context", str, place), str(row.get("title", ""))
        if not text.strip():
            msg = f"{place}: 'context' is empty; the text of a passage is needed"
            raise InputError(msg)
        if "question" in row and found and found[-1].grows and found[-1].text == text:
            found[-1].asked.append((row, place))
            continue
        flat = "question" in row
        # The id of a line with one question is that of the question.
        own = str(row["id"]) if "id" in row and not flat else ""
        name = own or (f"{title}-{len(found) + 1}" if title else str(len(found) + 1))
        asked = [(row, place)] if flat else _rows(row, "qas" if "qas" in row else "questions", place)
        found.append(_Passage(name, title, text, asked, place, flat))
    read = [
        (
            Conversation(
                id=part.id,
                title=part.title,
                turns=((part.text, _NOTED),),
                questions=tuple(q for asked, at in part.asked if (q := _answerable(asked, at)) is not None),
                neighbours=(),
            ),
            part.place,
        )
        for part in found
    ]
    whole = [(conversation, place) for conversation, place in read if conversation.questions]
    count, kept = sum(len(part.asked) for part in found), sum(len(c.questions) for c, _ in whole)
    path = rows[0][1].path
    if not whole:
        msg = f"{path}: none of {len(found)} passages has a question with an answer; at least one is needed"
        raise InputError(msg)
    if kept < count or len(whole) < len(read):
        left = (count - kept, count, len(read) - len(whole), len(read))
        _LOG.warning("%s: %d of %d questions without an answer and %d of %d passages are left out", path, *left)
    return whole


def _answerable(asked: Any, place: _Place) -> Question | None:
    """A question about a passage; nothing where the passage has no answer to it."""
    text = _get(asked, "question", str, place)
    if "answers" not in asked:
        none = asked.get("answer", "missing") in ("", None)
        golds = [] if none else [_get(asked, "answer", str, place)]
    elif isinstance(asked["answers"], Mapping):
        golds = _get(asked["answers"], "text", list, place)
    else:
        golds = [a.get("text") if isinstance(a, Mapping) else a for a in _get(asked, "answers", list, place)]
    if asked.get("is_impossible") or not golds:
        return None
    return _about(text, golds, place)


def _authors(rows: Sequence[_Row]) -> list[tuple[Conversation, _Place]]:
    """Questions about invented authors in the form of TOFU: the answers are said, a turn each."""
    parts: dict[str, list[_Row]] = {}
    by_name = "author" in rows[0][0]
    for number, (row, place) in enumerate(rows):
        name = str(_get(row, "author", object, place)) if by_name else f"author-{number // _PER_AUTHOR + 1:02d}"
        parts.setdefault(name, []).append((row, place))
    counts = collections.Counter(word for row, at in rows for word in set(_words(_get(row, "answer", str, at))))
    common = {word for word, count in counts.items() if count > max(3, _COMMON * len(rows))}
    found = []
    for name, part in parts.items():
        said = [_get(row, "answer", str, place) for row, place in part]
        asked = [_get(row, "question", str, place) for row, place in part]
        questions = [
            dataclasses.replace(_about(q, [a], place), keys=_news(a, q, common), turns=(number,), needed=2)
            for number, (q, a, (_, place)) in enumerate(zip(asked, said, part, strict=True))
        ]
        conversation = Conversation(
            id=name,
            title="",
            turns=tuple((answer, _NOTED) for answer in said),
            questions=tuple(questions),
            neighbours=(),
        )
        found.append((conversation, part[0][1]))
    return found


def _about(question: str, golds: Sequence[Any], place: _Place) -> Question:
    wrong = [g for g in golds if not isinstance(g, str) or not g.strip()]
    if wrong:
        msg = f"{place}: the answer is {wrong[0]!r}; a string that is not empty is needed"
        raise InputError(msg)
    keys = tuple(dict.fromkeys(_key(g) for g in golds))
    whole = tuple(dict.fromkeys(golds))
    return Question(text=question, keys=keys, kind="recall", turns=(0,), golds=whole, words=True)


def _key(gold: str) -> str:
    """What an answer has to have: the gold without the article, quotes and last mark that token F1 passes over too."""
    whole = gold.strip().lower()
    bare = _ARTICLE.sub("", whole.lstrip(_QUOTES).rstrip(_QUOTES + _MARKS))
    return bare.lstrip(_QUOTES) or whole


def _news(answer: str, question: str, common: set[str]) -> tuple[str, ...]:
    """What an answer brings: its three longest words that are not in the question and not in many other answers.

    Two of them make an answer held. With the 400 answers of TOFU's 20 authors that are public outside the model hub, an
    answer to another question about the same author is taken for right in 4.0 % of cases, and one about another
    author in 0.1 %; with one of three words, anywhere and however common, it was 19.9 and 4.5 %.
    """
    known = set(_words(question))
    words = list(dict.fromkeys(w for w in _words(answer) if w not in known and len(w) > 3))
    rare = [w for w in words if w not in common] or words
    return tuple(sorted(rare, key=lambda w: (-len(w), w))[:3]) or (answer.strip().lower(),)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


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
