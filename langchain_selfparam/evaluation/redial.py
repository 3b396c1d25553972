"""Dialogues of recommendation in ReDial's form: what is learned from, what is asked, what can be recommended.

In come the files of a folder, out go dialogues with the items that were right, test prompts and a catalogue. Nothing of
a test prompt goes into what is learned.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_selfparam.errors import InputError
from langchain_selfparam.evaluation.catalogue import Catalogue, Item, item

_IDS, _ENTITIES = "item_ids.json", "entity2id.json"
_TAKEN = f"items are read from {_IDS} with {_ENTITIES} beside it, from a folder that has both, or from a .jsonl file"
TRAIN_LINE = (
    '{"conversation_id": "1", "turns": [{"role": "seeker", "text": "I liked Heat (1995).", "movie_ids": ["7"]}, '
    '{"role": "recommender", "text": "See Ronin (1998)!", "movie_ids": ["8"]}], '
    '"movies": {"7": {"title": "Heat (1995)", "liked": 1}, "8": {"title": "Ronin (1998)", "liked": 1}}}'
)
TEST_LINE = r'{"dialog_id": "2", "input": "User: Anything like Heat (1995)?\nSystem: ", "rec": [70]}'
ITEM_LINE = '{"id": 70, "title": "Ronin (1998)"}'
"""A line of each file, as help and errors show it."""
_UNKNOWN = "whose turns name nothing of --items"
_NOTHING_NEW = "without a new recommendation that is not disliked"
_TWICE = "with the id of an earlier one"
_NO_TARGET = "without an id of --items in `rec`"
_ROLES = {"user": "User", "seeker": "User", "system": "Recommender", "recommender": "Recommender"}
_MENTION = re.compile(r"@(\d+)")
_SPEAKER = re.compile(rf"\s*({'|'.join(_ROLES)})\s*:", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Dialogue:
    """A dialogue to learn from.

    Attributes:
        id: Of the data set.
        turns: ``(role, text)``, the role ``"User"`` or ``"Recommender"``.
        points: Numbers of turns in which the recommender names items that are not disliked, each with their ids, also
            of those named before: until there the dialogue is what a recommendation is made from.
        right: Ids of items that were recommended and not disliked, in order.
        named: Ids of the items that each turn names.
        disliked: Ids of those of them that the seeker did not like.
    """

    id: str
    turns: tuple[tuple[str, str], ...]
    points: tuple[tuple[int, tuple[str, ...]], ...]
    right: tuple[str, ...]
    named: tuple[tuple[str, ...], ...]
    disliked: frozenset[str] = frozenset()

    @property
    def mentioned(self) -> tuple[str, ...]:
        """Ids of all items that were named, in order."""
        return tuple(dict.fromkeys(id_ for ids in self.named for id_ in ids))


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """A dialogue up to a recommendation, with what was recommended then.

    Attributes:
        id: Of the dialogue; several prompts are of one.
        turns: As of a ``Dialogue``.
        gold: Ids of the items that the recommender named next.
    """

    id: str
    turns: tuple[tuple[str, str], ...]
    gold: tuple[str, ...]

    @property
    def text(self) -> str:
        """The end of the dialogue, one turn a line, as it is asked about."""
        return spoken(self.turns)

    @property
    def whole(self) -> str:
        """The whole dialogue, one turn a line."""
        return spoken(self.turns, words=WHOLE)


WHOLE = 1_000_000
"""Words that no dialogue has."""


def spoken(turns: Sequence[tuple[str, str]], *, words: int = 120) -> str:
    """The end of a dialogue, one turn a line.

    Args:
        turns: Roles and texts.
        words: Most words; the beginning is left out first.

    Returns:
        The text.
    """
    lines: list[str] = []
    left = words
    for role, text in reversed(turns):
        said = text.split()[-left:]
        lines.append(f"{role}: {' '.join(said)}")
        left -= len(said)
        if left <= 0:
            break
    return "\n".join(reversed(lines))


def load_items(path: Path) -> Catalogue:
    """What can be recommended.

    Args:
        path: ``item_ids.json`` or ``entity2id.json``, the other beside it, or a folder that has both; or a ``.jsonl``
            file of objects with ``id`` and ``title``.

    Returns:
        The catalogue, items alone.

    Raises:
        InputError: A file is missing or has another form.
    """
    if len(files_of_items(path)) == 1:
        catalogue = Catalogue(
            item(_id(row, "id", where), _text(row, "title", where))
            for where, row in _lines(path, ("id", "title"), ITEM_LINE)
        )
    else:
        ids, names = _numbered(path)
        catalogue = Catalogue(_entity(uri, id_) for uri, id_ in names.items() if id_ in ids)
    if not len(catalogue):
        msg = f"{path} has no items; give a file with at least one title"
        raise InputError(msg)
    return catalogue


def files_of_items(path: Path) -> tuple[Path, ...]:
    """The files that ``load_items`` reads.

    Args:
        path: Its argument.

    Returns:
        The file itself, or ``item_ids.json`` and ``entity2id.json``.

    Raises:
        InputError: It is none that ``load_items`` takes, or one of the two is missing.
    """
    if path.is_dir():
        files = (path / _IDS, path / _ENTITIES)
    elif path.name in (_IDS, _ENTITIES):
        files = (path.with_name(_IDS), path.with_name(_ENTITIES))
    elif path.suffix == ".jsonl":
        return (path,)
    else:
        msg = f"{path} is no file of items; {_TAKEN}"
        raise InputError(msg)
    for file in files:
        if not file.is_file():
            msg = f"{file} is missing; {_TAKEN}"
            raise InputError(msg)
    return files


def _numbered(path: Path) -> tuple[set[str], dict[str, str]]:
    """Ids of items, and of everything by its address."""
    files = files_of_items(path)
    ids, names = (_json(_read(file), str(file)) for file in files)
    if not isinstance(ids, list):
        raise _other(str(files[0]), "it", ids, "a list of ids")
    if not isinstance(names, dict):
        raise _other(str(files[1]), "it", names, "an object of ids by address")
    return {str(id_) for id_ in ids}, {uri: str(id_) for uri, id_ in names.items()}


def _entity(uri: str, id_: str) -> Item:
    return item(id_, uri.strip("<>").rpartition("/resource/")[2].replace("_", " "))


def load_train(path: Path, catalogue: Catalogue) -> list[Dialogue]:
    """Dialogues to learn from.

    Args:
        path: A ``.jsonl`` file of objects as ReDial publishes them (``conversationId``, ``messages``,
            ``movieMentions``, ...), or with ``conversation_id``, ``turns`` of ``role`` (seeker or recommender),
            ``text`` and ``movie_ids``, and ``movies`` with ``title`` and ``liked`` (0, 1, or 2 for not said) by id.
        catalogue: What can be recommended; what is not in it is nobody's recommendation.

    Returns:
        Those in which something in the catalogue was recommended and not disliked; of several with one id the first.

    Raises:
        InputError: A line has another form, or there is no such dialogue.
    """
    return read_train(path, catalogue)[0]


def read_train(path: Path, catalogue: Catalogue) -> tuple[list[Dialogue], dict[str, int]]:
    """Dialogues to learn from, and why the others are none.

    Args:
        path: As for ``load_train``.
        catalogue: Likewise.

    Returns:
        Its dialogues, and by reason how many are left out.

    Raises:
        InputError: A line has another form, or there is no such dialogue.
    """
    rows = _lines(path, ("conversation_id", "turns", "movies"), TRAIN_LINE, plain=_plain)
    found = [_dialogue(row, catalogue, where) for where, row in rows]
    good = [dialogue for dialogue in found if dialogue.points and dialogue.right]
    usable: dict[str, Dialogue] = {}
    for dialogue in good:
        usable.setdefault(dialogue.id, dialogue)
    unnamed = sum(not dialogue.mentioned for dialogue in found)
    if not usable:
        msg = (
            f"{path}: none of {len(found)} dialogues can be learned from: {unnamed} name nothing of the "
            f"{len(catalogue)} items, and in {len(found) - unnamed} the recommender names nothing new after the first "
            f"turn that the seeker does not dislike; give dialogues about the items of --items"
        )
        raise InputError(msg)
    left = {
        _UNKNOWN: unnamed,
        _NOTHING_NEW: len(found) - len(good) - unnamed,
        _TWICE: len(good) - len(usable),
    }
    return [*usable.values()], {reason: count for reason, count in left.items() if count}


def _plain(row: dict[str, Any], where: str) -> dict[str, Any]:
    """A dialogue as ReDial publishes it, with roles for workers and titles for numbers; another one as it is."""
    if "messages" not in row:
        return row
    if missing := {"conversationId", "initiatorWorkerId", "movieMentions"} - row.keys():
        msg = f"{where}: {', '.join(sorted(missing))} is missing; found {', '.join(sorted(row))}"
        raise InputError(msg)
    titles = {id_: title for id_, title in _by_id(row, "movieMentions", "titles", where).items() if title}
    answers = {
        id_: answer
        for name in ("respondentQuestions", "initiatorQuestions")  # the seeker's own come last, and count
        for id_, answer in _by_id(row, name, "answers", where).items()
    }
    turns = []
    for message in _objects(row, "messages", where):
        text = _text(message, "text", where)
        seeks = message.get("senderWorkerId") == row["initiatorWorkerId"]
        turns.append(
            {
                "role": "seeker" if seeks else "recommender",
                "text": _MENTION.sub(lambda found: titles.get(found[1], found[0]), text),
                "movie_ids": [id_ for id_ in _MENTION.findall(text) if id_ in titles],
            }
        )
    movies = {id_: {**(answers.get(id_) or {}), "title": title} for id_, title in titles.items()}
    return {"conversation_id": row["conversationId"], "turns": turns, "movies": movies}


def _by_id(row: Mapping[str, Any], name: str, what: str, where: str) -> dict[str, Any]:
    found = row.get(name) or {}  # an empty list stands for none
    if not isinstance(found, dict):
        raise _other(where, name, found, f"an object of {what} by id")
    return found


def _dialogue(row: Mapping[str, Any], catalogue: Catalogue, where: str) -> Dialogue:
    movies = _movies(row, where)
    known = {k: one.id for k, v in movies.items() if (one := catalogue.find(v["title"])) is not None}
    for k, id_ in known.items():
        catalogue.note(id_, movies[k]["title"])
    turns: list[tuple[str, str]] = []
    points, right, named = [], [], list[tuple[str, ...]]()
    for number, turn in enumerate(_objects(row, "turns", where)):
        role, ids = _role(turn, where), _ids(turn, "movie_ids", where, missing=())
        turns.append((role, _text(turn, "text", where)))
        here = [i for i in ids if i in known]
        liked = tuple(dict.fromkeys(known[i] for i in here if movies[i].get("liked") != 0))
        if role == "Recommender" and liked and number:
            points.append((number, liked))
            right += [id_ for id_ in liked if all(id_ not in before for before in named)]
        named.append(tuple(dict.fromkeys(known[i] for i in here)))
    return Dialogue(
        id=_id(row, "conversation_id", where),
        turns=tuple(turns),
        points=tuple(points),
        right=tuple(dict.fromkeys(right)),
        named=tuple(named),
        disliked=frozenset(id_ for k, id_ in known.items() if movies[k].get("liked") == 0),
    )


def load_test(path: Path, catalogue: Catalogue) -> list[Prompt]:
    """Prompts to ask.

    Args:
        path: A ``.jsonl`` file of objects with ``dialog_id``, ``input`` (lines of ``User:`` and ``System:``, also
            ``Seeker:`` and ``Recommender:``; a line without goes on with the turn before) and ``rec``.
        catalogue: What can be recommended; of ``rec`` only what is in it counts.

    Returns:
        The prompts that have something to be found.

    Raises:
        InputError: A line has another form, or there is no such prompt.
    """
    return read_test(path, catalogue)[0]


def read_test(path: Path, catalogue: Catalogue) -> tuple[list[Prompt], dict[str, int]]:
    """Prompts to ask, and why the others are none.

    Args:
        path: As for ``load_test``.
        catalogue: Likewise.

    Returns:
        Its prompts, and by reason how many are left out.

    Raises:
        InputError: A line has another form, or there is no such prompt.
    """
    found = []
    rows = _lines(path, ("dialog_id", "input", "rec"), TEST_LINE)
    for where, row in rows:
        gold = catalogue.ids(_ids(row, "rec", where))
        turns = _said(_text(row, "input", where), where)
        if gold:
            found.append(Prompt(id=_id(row, "dialog_id", where), turns=turns, gold=gold))
    if not found:
        msg = (
            f"{path}: none of {len(rows)} prompts counts: in `rec` of none is an id of the {len(catalogue)} items; "
            "give prompts whose `rec` has ids of --items"
        )
        raise InputError(msg)
    return found, {_NO_TARGET: len(rows) - len(found)} if len(found) < len(rows) else {}


def _said(text: str, where: str) -> tuple[tuple[str, str], ...]:
    turns: list[tuple[str, list[str]]] = []
    for line in text.split("\n"):
        speaker = _SPEAKER.match(line)
        if speaker:
            turns.append((_ROLES[speaker[1].lower()], [line[speaker.end() :].strip()]))
        elif turns:
            turns[-1][1].append(line.strip())
    if text.strip() and not turns:
        raise _other(where, "input", text, "lines that begin with `User:` and `System:`")
    told = ((role, " ".join(part for part in said if part)) for role, said in turns)
    return tuple((role, said) for role, said in told if said)


def _lines(
    path: Path,
    keys: Sequence[str],
    like: str,
    plain: Callable[[dict[str, Any], str], dict[str, Any]] = lambda row, _: row,
) -> list[tuple[str, dict[str, Any]]]:
    """The objects of a file of JSON lines, each with where it stands."""
    if not path.is_file():
        msg = f"there is no file {path}"
        raise InputError(msg)
    rows = []
    # Inside a string JSON allows what Python also takes for the end of a line, such as U+2028.
    for number, line in enumerate(_read(path).split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        row = _json(line, where)
        if not isinstance(row, dict):
            raise _other(where, "it", row, f"an object with {', '.join(keys)}")
        row = plain(row, where)
        missing = [key for key in keys if key not in row]
        if missing:
            msg = f"{where}: {', '.join(missing)} is missing; found {', '.join(sorted(row))}; a line is such as {like}"
            raise InputError(msg)
        rows.append((where, row))
    return rows


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{file} is not UTF-8 (byte {error.start}); save it as UTF-8"
        raise InputError(msg) from error


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _other(where, "it", text, "JSON") from error


def _id(row: Mapping[str, Any], key: str, where: str) -> str:
    if not isinstance(row[key], (str, int)):
        raise _other(where, key, row[key], "a string or a number")
    return str(row[key])


def _text(row: Mapping[str, Any], key: str, where: str) -> str:
    if not isinstance(row.get(key), str):
        raise _other(where, key, row.get(key), "a string")
    return str(row[key])


def _ids(row: Mapping[str, Any], key: str, where: str, *, missing: Sequence[str] | None = None) -> list[str]:
    ids = row.get(key, missing)
    if not isinstance(ids, Sequence) or isinstance(ids, str) or not all(isinstance(i, (str, int)) for i in ids):
        raise _other(where, key, ids, "a list of ids")
    return [str(i) for i in ids]


def _objects(row: Mapping[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    found = row[key]
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _other(where, key, found, "a list of objects")
    return found


def _movies(row: Mapping[str, Any], where: str) -> dict[str, dict[str, Any]]:
    movies = {} if row["movies"] == [] else row["movies"]  # ReDial writes an empty list where nothing is named
    if not isinstance(movies, dict) or not all(isinstance(movie, dict) for movie in movies.values()):
        raise _other(where, "movies", row["movies"], "an object of objects with `title`, by id")
    for id_, movie in movies.items():
        _text(movie, "title", f"{where}, movie {id_}")
    return movies


def _role(turn: Mapping[str, Any], where: str) -> str:
    role = _ROLES.get(str(turn.get("role")).lower())
    if role is None:
        raise _other(where, "role", turn.get("role"), "seeker or recommender")
    return role


def _other(where: str, what: str, found: object, needed: str) -> InputError:
    shown = json.dumps(found, ensure_ascii=False, default=str)
    return InputError(f"{where}: {what} is {shown if len(shown) <= 60 else f'{shown[:60]}…'}; needed is {needed}")
