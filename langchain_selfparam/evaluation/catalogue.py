"""What can be recommended: items by title, found again in free text by exact name, year and likeness.

In come titles as people and data sets write them ("It (2017)", "It_(2017_film)"), out go items. Only items are matched:
what a data set knows besides (actors, genres) is left out when the catalogue is made. Likeness is rapidfuzz's.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

from langchain_selfparam.optional import require

ALIKE = 90.0
"""Share of a name's letters, in percent, from which a title that is spelled otherwise is the same."""
_YEAR = re.compile(r"\((?:[^()]*\s)?(\d{4})\b[^()]*\)")
_ASIDE = re.compile(r"\s*\([^()]*\)")
_COUNTS = re.compile(r"\d+\w*|[ivx]+|one|two|three|four|five")
_NUMBER = re.compile(r"^\s*(?:\d{1,3}\s*[.):-]|[-*•])\s*")


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """Something that can be recommended.

    Attributes:
        id: What the data set calls it.
        name: Its title in lower case, without punctuation and year.
        year: Its year, where the title says one.
        title: As it is shown to people.
    """

    id: str
    name: str
    year: int | None
    title: str


def item(id_: str, title: str) -> Item:
    """An item from its title.

    Args:
        id_: What the data set calls it.
        title: Such as "Heat (1995)" or "Heat (1995 film)".

    Returns:
        The item.
    """
    year = _YEAR.search(title)
    shown = " ".join(_ASIDE.sub("", title).split())
    return Item(id_, name_of(title), int(year[1]) if year else None, f"{shown} ({year[1]})" if year else shown)


def name_of(title: str) -> str:
    """A title in lower case, without what stands in brackets and without punctuation."""
    return " ".join(re.sub(r"[^\w\s]", " ", _ASIDE.sub("", title).lower()).split())


def _numbers(name: str) -> list[str]:
    return [word for word in name.split() if _COUNTS.fullmatch(word)]


class Catalogue:
    """Items, to be found by title.

    Args:
        items: All of them; two may have one name and other years.

    Raises:
        ImportError: rapidfuzz is not installed.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self._fuzz = require("rapidfuzz", extra="eval")
        self._by_name: dict[str, list[Item]] = {}
        self.by_id: dict[str, Item] = {}
        for one in items:
            if one.name:
                self.by_id[one.id] = one
                self._by_name.setdefault(one.name, []).append(one)
        self._names = list(self._by_name)
        self._alike: dict[str, str | None] = {}
        self._written: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self.by_id)

    def note(self, id_: str, title: str) -> None:
        """Remember how people write a title that has no year here; the first way stays.

        Args:
            id_: Of the item.
            title: As it was written.
        """
        if self.by_id[id_].year is None and _YEAR.search(title):
            self._written.setdefault(id_, title)

    def title(self, id_: str) -> str:
        """An item's title with its year, as far as anybody has said one.

        Args:
            id_: Of the item.

        Returns:
            The title.
        """
        return self._written.get(id_, self.by_id[id_].title)

    def find(self, title: str) -> Item | None:
        """The item that a title means.

        Of items with one name that with the title's year is taken, then one without a year, then the only one there is.
        A title that is spelled otherwise is found where its numbers are the same, and its year where both have one.

        Args:
            title: As somebody wrote it.

        Returns:
            The item; ``None`` where nothing is named so.
        """
        name = name_of(title)
        year = _YEAR.search(title)
        if name not in self._by_name:
            alike = self._likest(name)
            one = None if alike is None else self._by_name[alike][0]
            return None if one is None or (year and one.year not in (None, int(year[1]))) else one
        found = self._by_name[name]
        if year is None:
            return found[0]
        same = [one for one in found if one.year == int(year[1])] or [one for one in found if one.year is None]
        return same[0] if same else (found[0] if len(found) == 1 else None)

    def _likest(self, name: str) -> str | None:
        if len(name) < 4:  # of three letters every other word is made by changing one
            return None
        if name not in self._alike:
            best = self._fuzz.process.extractOne(name, self._names, scorer=self._fuzz.fuzz.ratio, score_cutoff=ALIKE)
            # "Part II" is all but "Part III" by its letters.
            same = best is not None and _numbers(best[0]) == _numbers(name)
            self._alike[name] = str(best[0]) if same else None
        return self._alike[name]

    def listed(self, text: str) -> list[Item]:
        """The items of a written list, one a line, numbered or not, in order and each once.

        Args:
            text: What a model wrote, and nothing of its prompt.

        Returns:
            The items; lines that are none are passed over.
        """
        found: dict[str, Item] = {}
        for line in text.splitlines():
            title = _NUMBER.sub("", line).strip().strip("\"'*_ ")
            one = self.find(title) if title else None
            if one is not None:
                found.setdefault(one.id, one)
        return list(found.values())

    def mentioned(self, text: str) -> tuple[str, ...]:
        """Ids of the items whose title with its year stands in a dialogue.

        Args:
            text: A dialogue in which titles have their year behind them, as in ReDial.

        Returns:
            The ids in the order in which they are first named.
        """
        found: dict[str, None] = {}
        for at in re.finditer(r"\(\d{4}\)", text):
            before = text[: at.start()].split()
            for words in range(1, min(len(before), 12) + 1):
                title = f"{' '.join(before[-words:])} {at.group(0)}"
                named = [
                    one for one in self._by_name.get(name_of(title), ()) if one.year in (None, int(at.group(0)[1:5]))
                ]
                found.update(dict.fromkeys(one.id for one in named))
        return tuple(found)
