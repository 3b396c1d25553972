"""Dialogues of recommendation in ReDial's form: what is learned from, what is asked, what can be recommended.

In come the files of a folder, out go dialogues with the items that were right, test prompts and a catalogue. Nothing of
a test prompt goes into what is learned.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_selfparam.errors import InputError
from langchain_selfparam.evaluation.catalogue import Catalogue, Item, item

_IDS, _ENTITIES = "item_ids.json", "entity2id.json"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Dialogue:
    """A dialogue to learn from.

    Attributes:
        id: Of the data set.
        turns: ``(role, text)``, the role ``"User"`` or ``"Recommender"``.
        points: Numbers of turns in which the recommender names items that are not disliked, each with their ids, also
            of those named before: until there the dialogue is what a recommendation is made from.
        right: Ids of items that were recommended and not disliked, in order.
        mentioned: Ids of all items that were named.
        disliked: Ids of those of them that the seeker did not like.
    """

    id: str
    turns: tuple[tuple[str, str], ...]
    points: tuple[tuple[int, tuple[str, ...]], ...]
    right: tuple[str, ...]
    mentioned: tuple[str, ...]
    disliked: frozenset[str] = frozenset()


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
        path: ``item_ids.json`` or ``entity2id.json``, the other beside it; or a ``.jsonl`` file of objects with ``id``
            and ``title``.

    Returns:
        The catalogue, items alone.

    Raises:
        InputError: A file is missing or has another form.
    """
    if path.suffix == ".jsonl":
        return Catalogue(item(str(row["id"]), row["title"]) for row in _lines(path, ("id", "title")))
    ids_file, names_file = path.with_name(_IDS), path.with_name(_ENTITIES)
    for file in (ids_file, names_file):
        if not file.is_file():
            msg = f"{file} is missing; items are read from {_IDS} with {_ENTITIES} beside it, or from a .jsonl file"
            raise InputError(msg)
    ids = {int(i) for i in json.loads(ids_file.read_text("utf-8"))}
    names = json.loads(names_file.read_text("utf-8"))
    return Catalogue(_entity(uri, int(i)) for uri, i in names.items() if int(i) in ids)


def _entity(uri: str, number: int) -> Item:
    return item(str(number), uri.strip("<>").rpartition("/resource/")[2].replace("_", " "))


def load_train(path: Path, catalogue: Catalogue) -> list[Dialogue]:
    """Dialogues to learn from.

    Args:
        path: A ``.jsonl`` file of objects with ``conversation_id``, ``turns`` and ``movies``.
        catalogue: What can be recommended; what is not in it is nobody's recommendation.

    Returns:
        Those in which something in the catalogue was recommended and not disliked.

    Raises:
        InputError: A line has another form.
    """
    found = [_dialogue(row, catalogue) for row in _lines(path, ("conversation_id", "turns", "movies"))]
    return [dialogue for dialogue in found if dialogue.points and dialogue.right]


def _dialogue(row: Mapping[str, Any], catalogue: Catalogue) -> Dialogue:
    movies = {str(k): v for k, v in row["movies"].items()}
    known = {k: one.id for k, v in movies.items() if (one := catalogue.find(v["title"])) is not None}
    for k, id_ in known.items():
        catalogue.note(id_, movies[k]["title"])
    names = {"seeker": "User", "recommender": "Recommender"}
    turns, points, right, named = [], [], [], dict[str, None]()
    for number, turn in enumerate(row["turns"]):
        turns.append((names[turn["role"]], turn["text"]))
        here = dict.fromkeys(str(i) for i in turn["movie_ids"] if str(i) in known)
        liked = tuple(dict.fromkeys(known[i] for i in here if movies[i].get("liked") != 0))
        if turn["role"] == "recommender" and liked and number:
            points.append((number, liked))
            right += [id_ for id_ in liked if id_ not in named]
        named.update(dict.fromkeys(known[i] for i in here))
    return Dialogue(
        id=str(row["conversation_id"]),
        turns=tuple(turns),
        points=tuple(points),
        right=tuple(dict.fromkeys(right)),
        mentioned=tuple(named),
        disliked=frozenset(id_ for k, id_ in known.items() if movies[k].get("liked") == 0),
    )


def load_test(path: Path, catalogue: Catalogue) -> list[Prompt]:
    """Prompts to ask.

    Args:
        path: A ``.jsonl`` file of objects with ``dialog_id``, ``input`` (lines of ``User:`` and ``System:``) and
            ``rec``.
        catalogue: What can be recommended; of ``rec`` only what is in it counts.

    Returns:
        The prompts that have something to be found.

    Raises:
        InputError: A line has another form.
    """
    found = []
    for row in _lines(path, ("dialog_id", "input", "rec")):
        gold = tuple(dict.fromkeys(str(i) for i in row["rec"] if str(i) in catalogue.by_id))
        if gold:
            found.append(Prompt(id=str(row["dialog_id"]), turns=_said(row["input"]), gold=gold))
    return found


def _said(text: str) -> tuple[tuple[str, str], ...]:
    turns = []
    for line in text.splitlines():
        role, _, said = line.partition(":")
        if role in ("User", "System") and said.strip():
            turns.append(("User" if role == "User" else "Recommender", said.strip()))
    return tuple(turns)


def _lines(path: Path, keys: Sequence[str]) -> list[dict[str, Any]]:
    if not path.is_file():
        msg = f"there is no file {path}"
        raise InputError(msg)
    rows = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        row = json.loads(line)
        missing = [key for key in keys if key not in row]
        if missing:
            msg = f"{path}, line {number}: {', '.join(missing)} is missing; found {', '.join(sorted(row))}"
            raise InputError(msg)
        rows.append(row)
    return rows
