"""What can be recommended: items by title, found again in free text by exact name, year and likeness.

In come titles as people and data sets write them ("It (2017)", "It_(2017_film)"), out go items. Only items are matched:
what a data set knows besides (actors, genres) is left out when the catalogue is made. Likeness is rapidfuzz's.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from urllib.parse import unquote

from langchain_selfparam.optional import require

ALIKE = 90.0
"""Share of a name's letters, in percent, from which a title that is spelled otherwise is the same."""
_LONGEST = 16
"""Words of a title at most that is looked for in a dialogue."""
_YEAR = re.compile(r"\((?:[^()]*\s)?(\d{4})\b[^()]*\)")
_ASIDE = re.compile(r"\s*\([^()]*\)")
_ARTICLE_BEHIND = re.compile(r"(.+),\s+(the|an?)", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:the|an?) (?=.)")
_DATED = re.compile(r"(.+) (\d{4})")
_COUNTS = re.compile(r"\d+\w*|[ivx]+|one|two|three|four|five")

_AROUND = " \t*_#\"',;/&"
"""What may stand around a title in a written list."""
_NUMBER = re.compile(r"(?:\(?\d{1,3}\s*[.):-]+|[-•])\s*")
_BARE_NUMBER = re.compile(r"\d{1,3}\s+")
_LABEL = re.compile(r"^(?:title|name|film|movie)\s*:\s*", re.IGNORECASE)
_TO_YEAR = re.compile(r".*?\(\d{4}\b[^()]*\)")
_YEAR_IN_SQUARE = re.compile(r"\[(\d{4})\]")
_YEAR_BEHIND = re.compile(r",\s*(\d{4})$")
# After a dash a title goes on with a capital letter ("Rogue One - A Star Wars Story"), what is said of it with a small.
_ABOUT = re.compile(r"(?:\s[-\u2013\u2014]|:)\s+(?:An?\s|The\s)?[a-z].*")
_ABOUT_DATED = re.compile(rf"(?<=\d{{4}}\))(?:{_ABOUT.pattern})")


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """Something that can be recommended.

    Attributes:
        id: What the data set calls it.
        name: Its title in lower case, without punctuation and year.
        year: Its year, where the title says one.
        title: As it is shown to people.
        aside: What the title has in brackets, without the year, such as "film" or "song".
    """

    id: str
    name: str
    year: int | None
    title: str
    aside: str = ""


def item(id_: str, title: str) -> Item:
    """An item from its title.

    Args:
        id_: What the data set calls it.
        title: Such as "Heat (1995)" or "Heat (1995 film)".

    Returns:
        The item.
    """
    title = unquote(title)  # ReDial has addresses' "Bob%3F", in what people say as well
    year = _year(title)
    shown = " ".join(_ASIDE.sub("", title).split())
    asides = " ".join(_ASIDE.findall(title)).replace("" if year is None else str(year), "")
    aside = " ".join(re.sub(r"[()]", " ", asides).lower().split())
    return Item(id_, name_of(title), year, shown if year is None else f"{shown} ({year})", aside)


def name_of(title: str) -> str:
    """A title in lower case, without accents, punctuation and what stands in brackets, its article in front."""
    plain = unicodedata.normalize("NFKD", _ASIDE.sub("", unquote(title)))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter)).strip().lower()
    if behind := _ARTICLE_BEHIND.fullmatch(plain):
        plain = f"{behind[2]} {behind[1]}"
    return " ".join(re.sub(r"[^\w\s]", " ", plain).split())


def _year(title: str) -> int | None:
    found = _YEAR.search(title)
    return int(found[1]) if found else None


def _otherwise(name: str) -> tuple[str, ...]:
    """A name without the article that it begins with, and with each that it could begin with."""
    bare = _ARTICLE.sub("", name)
    return (*((bare,) if bare != name else ()), *(f"{article} {name}" for article in ("the", "a", "an")))


def _numbers(name: str) -> list[str]:
    return [word for word in name.split() if _COUNTS.fullmatch(word)]


class Catalogue:
    """Items, to be found by title.

    What has one name and one year is one item, however many ids it has, and so is what has one name and no year. An id
    of a song, a club or a game beside the only film of its name is that film's as well; a title without year that is a
    film by itself, such as "The Lion King" beside "The Lion King (2019 film)", is another.

    Args:
        items: All of them; two may have one name and other years.

    Raises:
        ImportError: rapidfuzz is not installed.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self._fuzz = require("rapidfuzz", extra="eval")
        self._by_name: dict[str, list[Item]] = {}
        self.by_id: dict[str, Item] = {}
        for same in _merged(items):
            shown = min(same, key=_kind)
            self._by_name.setdefault(shown.name, []).append(shown)
            self.by_id.update((one.id, shown) for one in same)
        self._names = list(self._by_name)
        self._likest_to: dict[str, str | None] = {}
        self._written: dict[str, str] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_name.values()))

    def ids(self, given: Iterable[object]) -> tuple[str, ...]:
        """The items that a data set's ids mean.

        Args:
            given: Ids as they are read, of items or not.

        Returns:
            Ids of the items, each once, in order.
        """
        known = (self.by_id.get(str(id_)) for id_ in given)
        return tuple(dict.fromkeys(one.id for one in known if one is not None))

    def note(self, id_: str, title: str) -> None:
        """Remember how people write a title that has no year here; the first way stays.

        Args:
            id_: Of the item.
            title: As it was written.
        """
        one = self.by_id[id_]
        if one.year is None and _YEAR.search(title) and name_of(title) == one.name:
            self._written.setdefault(one.id, unquote(title))

    def title(self, id_: str) -> str:
        """An item's title with its year, as far as anybody has said one.

        Args:
            id_: Of the item.

        Returns:
            The title.
        """
        one = self.by_id[id_]
        return self._written.get(one.id, one.title)

    def find(self, title: str) -> Item | None:
        """The item that a title means.

        Of items with one name that with the title's year is taken, then one without a year, then the only one there is.
        The article in front may be left out or put in, where the year is the item's or the title has none; a year
        without brackets has to be the item's. A title that is spelled otherwise is found where its numbers are the
        same, and its year where it has one.

        Args:
            title: As somebody wrote it.

        Returns:
            The item; ``None`` where nothing is named so.
        """
        return self._named(title) or self._undated(title) or self._alike(title)

    def _spelled(self, title: str) -> Item | None:
        """As ``find``, where it is not sure that it is a title: "Sure thing!" is not "The Sure Thing"."""
        return self._named(title) or self._alike(title)

    def _named(self, title: str) -> Item | None:
        """The item with exactly a title's name; of its year also with another article, and of a year without brackets.

        One of another article and the same year is meant rather than one of another year.
        """
        name, year = name_of(title), _year(title)
        found = self._by_name.get(name, [])
        own = _of_year(found, year)
        if own is not None and (year is None or self._year(own) in (year, None)):
            return own
        if year is None and (bare := _DATED.fullmatch(name)):
            names, year = (bare[1], *_otherwise(bare[1])), int(bare[2])
        else:
            names = _otherwise(name)
        dated = None if year is None else self._dated((one for n in names for one in self._by_name.get(n, ())), year)
        return dated or own or (found[0] if len(found) == 1 else None)

    def _undated(self, title: str) -> Item | None:
        """The item that a title without a year means with another article; of one word it may be any: "Comedy"."""
        name = name_of(title)
        if _year(title) is not None or " " not in _ARTICLE.sub("", name):
            return None
        return _of_year([one for other in _otherwise(name) for one in self._by_name.get(other, ())], None)

    def _alike(self, title: str) -> Item | None:
        """The item whose name is all but a title's, of its year where it has one."""
        name, year = name_of(title), _year(title)
        likest = None if name in self._by_name else self._likest(name)
        found = [] if likest is None else self._by_name[likest]
        return _of_year(found, None) if year is None else self._dated(found, year)

    def _dated(self, found: Iterable[Item], year: int) -> Item | None:
        """The first item of a year, as far as anybody has said it."""
        return next((one for one in found if self._year(one) == year), None)

    def _year(self, one: Item) -> int | None:
        return one.year if one.year is not None else _year(self._written.get(one.id, ""))

    def _likest(self, name: str) -> str | None:
        if len(name) < 4:  # of three letters every other word is made by changing one
            return None
        if name not in self._likest_to:
            best = self._fuzz.process.extractOne(name, self._names, scorer=self._fuzz.fuzz.ratio, score_cutoff=ALIKE)
            # "Part II" is all but "Part III" by its letters.
            same = best is not None and _numbers(best[0]) == _numbers(name)
            self._likest_to[name] = str(best[0]) if same else None
        return self._likest_to[name]

    def listed(self, text: str) -> list[Item]:
        """The items of a written list, numbered or not, in order and each once.

        A line is one title, whatever is said about it behind, or gives the titles with a year that stand in it.

        Args:
            text: What a model wrote, and nothing of its prompt.

        Returns:
            The items; lines that have none are passed over.
        """
        found = {one.id: one for line in text.splitlines() for one in self._line(line)}
        return list(found.values())

    def _line(self, line: str) -> Iterator[Item]:
        line = _YEAR_IN_SQUARE.sub(r"(\1)", line).strip(_AROUND)
        numbered = _NUMBER.match(line) is not None
        if numbered:
            line = _ABOUT_DATED.sub("", line)
        for part in _TO_YEAR.findall(line) or [line]:
            # "ok the town" is all but "On the Town": in the midst of a sentence a title has to be there to the letter.
            read = self.find if numbered else self._spelled if part == line else self._named
            one = self._title(part.strip(_AROUND), read)
            if one is not None:
                yield one
            else:
                yield from (self.by_id[id_] for id_ in self.mentioned(part))

    def _title(self, text: str, read: Callable[[str], Item | None]) -> Item | None:
        """The item that a part of a line is the title of, by the first reading that is one."""
        rest = _NUMBER.sub("", text, count=1) if _NUMBER.match(text) else text
        title = _LABEL.sub("", rest.strip(_AROUND), count=1)
        readings = [
            (read, title),
            (self._named, text),  # "300: Rise of an Empire"
            (read, _YEAR_BEHIND.sub(r" (\1)", title)),
        ]
        if bare := _BARE_NUMBER.match(text):
            readings.append((read, text[bare.end() :]))
        if rest != text:  # of a line without a number the first words may be anything
            readings.append((self._named, _ABOUT.sub("", title)))
        return next((one for way, reading in readings if (one := way(reading)) is not None), None)

    def mentioned(self, text: str) -> tuple[str, ...]:
        """Ids of the items whose title with its year stands in a dialogue.

        Args:
            text: A dialogue in which titles have their year behind them, as in ReDial.

        Returns:
            The ids in the order in which they are first named; for each year that of the longest title.
        """
        found: dict[str, None] = {}
        start = 0
        for at in re.finditer(r"\((\d{4})\)", text):
            before, start = text[start : at.start()].split()[-_LONGEST:], at.end()
            titles = (self._by_name.get(name_of(" ".join(before[first:])), ()) for first in range(len(before)))
            named = (one for title in titles if (one := _of_year(title, int(at[1]))) is not None)
            if longest := next(named, None):
                found[longest.id] = None
        return tuple(found)


def _of_year(found: Sequence[Item], year: int | None) -> Item | None:
    """Of items with one name that of a year, then one without; where no year is asked for, then any."""
    same = [one for one in found if one.year == year] or [one for one in found if year is None or one.year is None]
    return same[0] if same else None


def _merged(items: Iterable[Item]) -> Iterator[list[Item]]:
    """What is one item, in the order in which the first of each comes."""
    by_name: dict[str, dict[int | None, list[Item]]] = {}
    for one in items:
        if one.name:
            by_name.setdefault(one.name, {}).setdefault(one.year, []).append(one)
    for by_year in by_name.values():
        dated = [year for year in by_year if year is not None]
        if len(dated) == 1 and all(_kind(one) == _OTHER for one in by_year.get(None, ())):
            by_year[dated[0]] += by_year.pop(None, [])
        yield from by_year.values()


_OTHER = 2


def _kind(one: Item) -> int:
    """0 for what needs no word to be told apart, 1 for a film, 2 for what else bears the name."""
    if not one.aside:
        return 0
    return 1 if "film" in one.aside.split() else _OTHER
