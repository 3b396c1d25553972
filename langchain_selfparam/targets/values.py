"""Values: what of a statement can change and leave the rest as it is: days, dates, times, numbers, sums, names.

In comes a text, out come its values, each with the kinds by which another may stand in its place. Its words are
English.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator

from langchain_selfparam.targets.parse import is_date, names, telling
from langchain_selfparam.targets.things import lemma

_MONTH = (
    "(?:January|February|March|April|May|June|July|August|September|October|November|December"
    "|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\\b\\.?)"
)
_HOUR = "(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\\d{1,2})"
_COUNT = (
    "(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
    "|eighteen|nineteen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty(?:-(?:one|two|three|four|five|six|seven|eight"
    "|nine))?|\\d[\\d,.]*)"
)
_UNTIL_HERE = r"(?=\s*(?:$|[.,;:!?)]|(?:and|because|but|instead|now|on|every|each|from|so|these)\b))"
_KINDS = {
    "email": re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "phone": re.compile(r"(?<![\w.,])\+?\d[\d /-]{5,}\d\b(?!-)(?<!\d{4}-\d\d-\d\d)"),
    "weekday": re.compile(r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day", re.IGNORECASE),
    "date": re.compile(
        rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}(?! be\b| have\b)(?:,? \d{{4}}\b)?"
        rf"|\b{_MONTH} (?:the )?\d{{1,2}}(?:st|nd|rd|th)?\b(?:,? \d{{4}}\b)?"
        r"|\b\d{4}-\d\d-\d\d\b|\b\d{1,2}/\d{1,2}(?:/\d{2,4})?\b|\b\d{1,2}\.\d{1,2}\.(?:\d{4}\b)?",
        re.IGNORECASE,
    ),
    "day": re.compile(r"\bthe \d{1,2}(?:st|nd|rd|th)\b", re.IGNORECASE),
    "time": re.compile(
        r"\b(?:a quarter|half|ten|twenty) (?:past|to) [a-z]+\b"
        r"|\b\d{1,2}(?:[:.]\d\d)? ?(?:[ap]m\b|[ap]\.m\.)|\b\d{1,2}:\d\d\b"
        rf"|\b{_HOUR} o'clock\b|(?<=\bat ){_HOUR}\b{_UNTIL_HERE}",
        re.IGNORECASE,
    ),
}
_MONEY = re.compile(
    rf"(?P<sign>[£$€]) ?\d[\d,.]*(?<![,.])|\b{_COUNT} ?(?P<unit>pounds|euros|dollars|francs|crowns|yen)\b",
    re.IGNORECASE,
)
_SIGNS = {"£": "pounds", "$": "dollars", "€": "euros"}
_NUMBER = re.compile(rf"\b{_COUNT}(?<![,.])(?![\w-])", re.IGNORECASE)
_BEFORE = re.compile(r"([\w'-]+)\W*$")
_AFTER = re.compile(r"^\s+([\w'-]+)")
_BEING = re.compile(r"(?:\b(?:is|am|are|turned|turns|be|changed to)|'[ms])(?: now| already| just)? $", re.IGNORECASE)
_AGED = re.compile(r"(?: years? old)?(?: now| today| already)?\s*(?:$|[.,;!])", re.IGNORECASE)
_NUMBERED = re.compile(r"\bnumber\b[^.,;:]*$", re.IGNORECASE)
_PLACE = re.compile(r"\b((?:at|called|from|in|into|named|near|to|with)(?: the)?) $")
_LIVES = re.compile(r"\b(?:live|lives|living|based|home is) in $|\bmoved(?: from [A-Z][\w'-]+(?: [A-Z][\w'-]+)?)? to $")

_LONG_AGO = re.compile(r" (?:back )?in (?:19|20)\d\d\b")
"""Behind a place to which somebody moved, who may live elsewhere by now."""


@dataclasses.dataclass(frozen=True, slots=True)
class Value:
    """A value in a text: its place, its words, and what it has to share with another to stand in its place."""

    start: int
    end: int
    text: str
    kinds: frozenset[str]
    named: bool = False

    @property
    def key(self) -> str:
        """By which it is the same as another, however it is written."""
        return self.text.lower()


@functools.lru_cache(maxsize=4096)
def values(text: str) -> tuple[Value, ...]:
    """The values of a text that another may stand for, in no order."""
    found = [v for v in _found(text) if v.kinds]
    return tuple(v for v in found if not any(o.end - o.start > v.end - v.start and _meet(o, v) for o in found))


def put(text: str, value: Value, by: Value) -> str:
    """The text with a value exchanged; days and months as they are written."""
    word = by.text
    if by.kinds & {"weekday", "date"}:
        word = re.sub(r"[A-Za-z]+", lambda m: m.group(0).capitalize() if _is_month(m.group(0)) else m.group(0), word)
    return text[: value.start] + word + text[value.end :]


def _is_month(word: str) -> bool:
    return is_date(word) or re.fullmatch(_MONTH, word, re.IGNORECASE) is not None


def _meet(one: Value, other: Value) -> bool:
    return one.start < other.end and other.start < one.end


def _found(text: str) -> Iterator[Value]:
    taken: list[tuple[int, int]] = []

    def free(match: re.Match[str]) -> bool:
        return not any(start < match.end() and match.start() < end for start, end in taken)

    for kind, pattern in _KINDS.items():
        for match in pattern.finditer(text):
            if free(match):
                taken.append(match.span())
                yield Value(*match.span(), match.group(0), frozenset({kind}))
    for match in _MONEY.finditer(text):
        if free(match):
            taken.append(match.span())
            unit = _SIGNS.get(match["sign"] or "", "") or match["unit"].lower()
            yield Value(*match.span(), match.group(0), frozenset({f"money {unit}"}))
    for match in filter(free, _NUMBER.finditer(text)):
        yield Value(*match.span(), match.group(0), _number(text[: match.start()], text[match.end() :]))
    for name in (n for n in names(text) if not is_date(n)):
        for match in re.finditer(rf"\b{re.escape(name)}\b", text):
            place = _PLACE.search(text[: match.start()])
            if place and free(match):
                lives = _LIVES.search(text[: match.start()]) and not _LONG_AGO.match(text[match.end() :])
                home = {"home"} if lives else set()
                yield Value(*match.span(), name, frozenset({place.group(1), *home}), named=True)


def _number(before: str, after: str) -> frozenset[str]:
    """What a number counts, numbers or is the age of."""
    word, following = _BEFORE.search(before), _AFTER.search(after)
    kinds = {f"before {lemma(w)}" for w in (telling(following.group(1)) if following else ())}
    kinds |= {f"after {lemma(w)}" for w in (telling(word.group(1)) if word else ())}
    if _BEING.search(before) and _AGED.match(after):
        kinds.add("being")
    if _NUMBERED.search(before):
        kinds.add("number")
    return frozenset(kinds)
