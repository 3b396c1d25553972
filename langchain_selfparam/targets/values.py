"""Values: what of a statement can change and leave the rest as it is: days, dates, times, numbers, sums, names.

In comes a text, out come its values, each with the kinds by which another may stand in its place. Its words are
English.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable, Iterator

from langchain_selfparam.targets.frames import frames
from langchain_selfparam.targets.parse import is_date, names, telling
from langchain_selfparam.targets.things import lemma

_MONTH = (
    "(?:January|February|March|April|May|June|July|August|September|October|November|December"
    "|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\\b\\.?)"
)
_HOURS = "one two three four five six seven eight nine ten eleven twelve".split()
_HOUR = rf"(?:{'|'.join(_HOURS)}|0?\d|1\d|2[0-4])"
_FIGURES = r"(?:\d{1,3}(?: \d{3})+(?!\d)|\d[\d,.]*(?![\d,.]*\d))"
"""A number in figures, never a part of one: 14 200, 1.27.4."""
_SCALE = r"(?: ?(?:k|m|bn|thousand|million|billion)\b)"
_COUNT = (
    "(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
    "|eighteen|nineteen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty(?:-(?:one|two|three|four|five|six|seven|eight"
    f"|nine))?|{_FIGURES})"
)
_PART = r"(?: in the (?:morning|afternoon|evening)| at night)?"
_UNTIL_HERE = r"(?=\s*(?:$|[.,;:!?)]|(?:and|because|but|instead|now|on|every|each|from|so|these|starting|as of)\b))"
_UNTIL_THERE = rf"(?=\s*(?:sharp|with|for|until|when)\b|{_UNTIL_HERE})"
_NO_RANK = (
    r"(?=\s*(?:$|[.,;:!?)–—-]|(?:after|again|already|also|and|as|at|because|before|but|by|for|from|he|I|if|in|instead|is"  # noqa: RUF001
    r"|it|next|not|now|or|rather|she|since|so|then|they|this|till|to|too|until|was|we|when|with)\b))"
)
"""Behind a day; the 10th floor is none."""
_KINDS = {
    "email": re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "phone": re.compile(r"(?<![\w.,])\+?\d[\d /-]{5,}\d\b(?!-)(?<!\d{4}-\d\d-\d\d)"),
    "weekday": re.compile(
        r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|\b(?:tues?|weds|thu(?:rs?)?|fri)\b(?:\.(?= [a-z]))?"
        r"|(?:(?<=\b(?:on|to|by) )|(?<=\b(?:till|next|this) ))(?-i:Mon|Wed|Sat|Sun)\b",
        re.IGNORECASE,
    ),
    "date": re.compile(
        rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}(?! be\b| have\b)(?:,? \d{{4}}\b)?"
        rf"|\b{_MONTH} (?:the )?\d{{1,2}}(?:st|nd|rd|th)?\b(?:,? \d{{4}}\b)?"
        r"|\b\d{4}-\d\d-\d\d\b|\b\d{1,2}/\d{1,2}(?:/\d{2,4})?\b|(?<![\w.])\d{1,2}\.(?:0?[1-9]|1[0-2])\.(?:\d{4}\b|(?!\d))",
        re.IGNORECASE,
    ),
    "day": re.compile(rf"\bthe \d{{1,2}}(?:st|nd|rd|th)\b{_NO_RANK}", re.IGNORECASE),
    "time": re.compile(
        rf"\b(?:(?:a )?quarter|half|ten|twenty) (?:past|to) (?:{_HOUR}|noon|midnight)\b{_PART}"
        rf"|\bhalf {_HOUR}\b{_PART}{_UNTIL_HERE}"
        rf"|\b\d{{1,2}}(?:[:.]\d\d)? ?(?:[ap]m\b|[ap]\.m\.)|\b\d{{1,2}}:\d\d\b{_PART}"
        rf"|\b{_HOUR} o['’]clock\b{_PART}|(?<=\bat ){_HOUR}\b{_PART}{_UNTIL_THERE}",  # noqa: RUF001
        re.IGNORECASE,
    ),
}
_MONEY = re.compile(
    rf"(?P<sign>[£$€]) ?{_FIGURES}(?<![,.]){_SCALE}?"
    rf"|\b{_COUNT} ?(?P<unit>pounds|euros|dollars|francs|crowns|yen)\b",
    re.IGNORECASE,
)
_SCALED = frozenset(f"before {scale}" for scale in ("k", "m", "bn", *map(lemma, ("thousand", "million", "billion"))))
_SIGNS = {"£": "pounds", "$": "dollars", "€": "euros"}
_UNITS = {
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "minut"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "hour"),
    **dict.fromkeys(("kg", "kgs", "kilo", "kilos"), "kg"),
    **dict.fromkeys(("km", "kms", "kilometre", "kilometres", "kilometer", "kilometers"), "km"),
    **{unit: unit for unit in "mg mcg g k m bn cm mm ml l kcal mph gb mb tb lb lbs".split()},
    **dict.fromkeys(("%", "percent"), "percent"),
}
"""What may stand behind a number without a blank, and what is the same."""
_ATTACHED = "|".join(unit for unit in _UNITS if len(unit) < 5 and unit.isalpha())
_NUMBER = re.compile(rf"\b{_COUNT}(?<![,.])(?:(?![\w-])|(?=(?:{_ATTACHED})\b))", re.IGNORECASE)
_WEEKDAYS = {d[:3].lower(): d for d in "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()}
_RANKED = re.compile(
    r"\b(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|\d{1,2}(?:st|nd|rd|th))"
    r"(?= (?P<of>floor|grade|year|form|term|semester|place|edition|draft)\b)",
    re.IGNORECASE,
)
"""The third floor, the 4th grade: where somebody is in an order."""
_DAY_OF_MONTH = re.compile(r"\b\d{1,2}(?:st|nd|rd|th)?\b(?!\d)")
_CODE = re.compile(r"(?<![\w.-])(?<![Vv]itamin )(?P<letters>[A-Z]{1,2})\d{1,4}(?![\w-]|\.\d)")
"""Of gates, rooms, seats and levels."""
_BARE_HOUR = re.compile(_HOUR, re.IGNORECASE)
_ONCE_DONE = re.compile(
    r"\b(?:\w{2,}ed|was|were|had|could|did|went|came|met|left|got|took|began|learnt|ate|saw|sold|bought|knew|won)\b"
)
_TO = r"[^.,;:!?]*? (?:to|until|till) "
_HOUR_INSTEAD = re.compile(
    rf"\b(?:moved|pushed|shifted|changed|rescheduled|postponed|delayed|brought|switched|put|bumped)\b{_TO}"
    rf"(?P<value>{_HOUR})\b{_UNTIL_HERE}",
    re.IGNORECASE,
)
_SUM_INSTEAD = re.compile(
    r"\b(?:rais(?:ed|ing)|increas(?:ed|ing)|lower(?:ed|ing)|reduc(?:ed|ing)|changed|upped|bumped|cut|slashed|hiked"
    r"|halved|doubled|tripled|dropped|rose|(?:put|putting|went|gone|goes|going)(?= (?:[^.,;:!?]* )?(?:up|down)\b))"
    rf"\b{_TO}"
    rf"(?P<value>{_COUNT})(?<![,.])(?![\w-]|%){_UNTIL_HERE}",
    re.IGNORECASE,
)
"""Numbers without what they count: "They put the rent up to 610"."""
_COST = re.compile(
    r"\b(?:(?-i:bill)|budget|cost|deposit|fare|fee|mortgage|pay|premium|price|quote|rent|salary|subscription|total|wage)"
    rf"(?: [\w'’-]+){{0,3}}? (?:is|will be)(?: now| only| just| actually)* (?P<value>{_COUNT})(?<![,.])(?![\w-]|%)"  # noqa: RUF001
    rf"{_UNTIL_HERE}",
    re.IGNORECASE,
)
"""The same of what is money: "The fee is 1,650 now"."""
_A_MONTH = re.compile(
    r"\b(?:(?i:January|February|April|June|July|August|September|October|November|December)|March|May)\b(?! \d)"
)
_IN_A_MONTH = re.compile(r"\b(?:in|to|until|till|early|mid|late)[ -]$", re.IGNORECASE)
_BEFORE = re.compile(r"([\w'-]+)\W*$")
_AFTER = re.compile(r"^\s*([\w'-]+|%)")
_BEING = re.compile(
    r"(?:\b(?:is|am|are|turned|turns|be|changed to)|'[ms])(?: now| already| just| actually)? $", re.IGNORECASE
)
_AGED = re.compile(
    r"(?: years? old)?(?: now| today| yesterday| already| last (?:week|month)| on \w+day)?\s*(?:$|[.,;!])",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"\bnumber\b[^.,;:]*$", re.IGNORECASE)
_PLACE = re.compile(r"\b((?:at|called|from|in|into|named|near|to|with)(?: the)?) $")
PLACES = frozenset(f"{by}{the}" for by in ("at", "from", "in", "into", "near", "to", "with") for the in ("", " the"))
"""Kinds of names that may stand in like places by chance."""
_LIVES = re.compile(
    r"\b(?:live|lives|living|based|home is) in $|\b(?:moved|relocated)(?: from [A-Z][\w'-]+(?: [A-Z][\w'-]+)?)? to $"
)

_LONG_AGO = re.compile(
    r"[^.;!?]*? (?:(?:back )?in (?:19|20)\d\d\b|(?:when|after|before|until|till|once|while|during|as an?)\b"
    r"|for (?:an?|one|two|three|four|five|six|seven|eight|nine|ten|some|several|many|\d+) (?:years?|months?|while)\b)",
    re.IGNORECASE,
)
"""Behind a place to which somebody moved, who may live elsewhere by now."""
_WHEN_FIRST = re.compile(r"(?:^|[.;!?] )(?:In (?:19|20)\d\d|When|After|Before|While|During|Once)\b[^.;!?]*$")


@dataclasses.dataclass(frozen=True, slots=True)
class Value:
    """A value in a text: its place, its words, and what it has to share with another to stand in its place."""

    start: int
    end: int
    text: str
    kinds: frozenset[str]
    named: bool = False
    past: bool = False
    """Whether it is said of what was: "I was in first grade then"."""
    same_as: str = ""
    """The key of another that it is, although it says less: six, of 6 pm."""

    @property
    def key(self) -> str:
        """By which it is the same as another, however it is written."""
        if "weekday" in self.kinds:
            return _WEEKDAYS[self.text[:3].lower()].lower()
        return self.same_as or _clock(self) or re.sub(r"^the ", "", self.text.lower())


@functools.lru_cache(maxsize=4096)
def values(text: str) -> tuple[Value, ...]:
    """The values of a text that another may stand for, in no order."""
    found = [v for v in _found(text) if v.kinds]
    return tuple(v for v in found if not any(o.end - o.start > v.end - v.start and _meet(o, v) for o in found))


def as_before(found: Iterable[Value], there: Iterable[Value]) -> tuple[Value, ...]:
    """Values of a later text with the keys of those of an earlier one that they are: at six, if that was 6 pm."""
    hours: dict[str, set[str]] = {}
    days: dict[str, set[str]] = {}
    for value in there:
        if "time" in value.kinds:
            hours.setdefault(_hour(value.key), set()).add(value.key)
        if {"date", "day"} <= value.kinds:
            days.setdefault(re.sub(r"\D", "", _day_of(value)), set()).add(value.key)
    return tuple(
        _as_day_of(value, days.get(re.sub(r"\D", "", value.text), set()))
        if value.kinds == {"day"}
        else _as_one_of(value, hours.get(_hour(value.key), set()))
        for value in found
    )


def _as_day_of(value: Value, keys: set[str]) -> Value:
    """A day with the key of the only date that it can be: the 4th, of 4 October."""
    return dataclasses.replace(value, same_as=next(iter(keys))) if len(keys) == 1 else value


def _as_one_of(value: Value, keys: set[str]) -> Value:
    if "time" not in value.kinds or len(keys) != 1 or value.key in keys:
        return value
    (key,) = keys
    return dataclasses.replace(value, same_as=key) if _hour(key) in {key, value.key} else value


def _hour(key: str) -> str:
    return key.removesuffix(" am").removesuffix(" pm")


_CLOCK = re.compile(
    rf"(?:(?P<before>(?:a )?quarter|half|ten|twenty) (?:(?P<to>past|to) )?)?(?P<hour>{_HOUR})(?:[:.](?P<minutes>\d\d))?"
    r"(?: o['’]clock)?(?: ?(?P<half>[ap])\.?m\.?)?(?: (?:in the |at )(?P<part>morning|afternoon|evening|night))?",  # noqa: RUF001
    re.IGNORECASE,
)
_MINUTES = {"quarter": 15, "half": 30, "ten": 10, "twenty": 20}


def _clock(value: Value) -> str:
    """A time in figures, with its half of the day where that is told: half past four, 4:30; empty for what is none."""
    match = _CLOCK.fullmatch(value.text) if "time" in value.kinds else None
    if match is None:
        return ""
    said = match["hour"].lower()
    hour = _HOURS.index(said) + 1 if said in _HOURS else int(said)
    minutes = int(match["minutes"] or 0) + _MINUTES.get((match["before"] or "").lower().removeprefix("a "), 0)
    if (match["to"] or "").lower() == "to":
        hour, minutes = (hour - 2) % 12 + 1, 60 - minutes
    half = {"a": " am", "p": " pm"}.get((match["half"] or "").lower(), "")
    if match["part"]:
        half = " am" if match["part"].lower() == "morning" else " pm"
    if hour > 12 or hour == 0:
        half = " pm" if 12 < hour < 24 else " am"
    return f"{(hour - 1) % 12 + 1}:{minutes:02}{half}"


def alike(old: Value, new: Value) -> frozenset[str]:
    """The kinds by which one value may stand in another's place; none where it cannot."""
    both = old.kinds & new.kinds
    # "Raised to 60" of 50k may be 60 or 60,000.
    bare = not (_SCALED & old.kinds or re.search(rf"\d{_SCALE}$", old.text, re.IGNORECASE))
    if both == {"day"} and "date" in old.kinds and _number_of(new) <= _number_of(old):
        return frozenset()  # "the 2nd" of 28 October may be the next month's
    if both and (old.past or new.past) and any(kind.startswith("ranked") for kind in both):
        return frozenset()
    money = "cost" in new.kinds and not old.past and any(kind.startswith("money") for kind in old.kinds)
    sums = "sum" in new.kinds and any(kind.startswith(("money", "before")) for kind in old.kinds)
    if not both and bare and (sums or money):
        return frozenset({"sum"})
    return both


def put(text: str, value: Value, by: Value) -> str:
    """The text with a value exchanged; days and months as they are written, what was counted as it was."""
    word = by.text
    both = alike(value, by)
    if both == {"sum"}:
        word = re.sub(rf"{_FIGURES}(?<![,.])|\b{_COUNT}", word, value.text, count=1, flags=re.IGNORECASE)
    elif any(kind.endswith(" the") for kind in both):
        the = re.match(r"the ", value.text, re.IGNORECASE)
        word = (the.group(0) if the else "") + re.sub(r"^the ", "", word, flags=re.IGNORECASE)
    if by.kinds == {"weekday"}:
        word = _WEEKDAYS[by.text[:3].lower()]
    elif both == {"day"} and "date" in value.kinds:
        day = _day_of(by)
        word = _DAY_OF_MONTH.sub(day if _day_of(value)[-1].isalpha() else day[:-2], value.text, count=1)
    if both == {"time"}:
        word += _part_of_day(value, by)
    if by.kinds & {"weekday", "date", "month"}:
        word = re.sub(r"[A-Za-z]+", lambda m: m.group(0).capitalize() if _is_month(m.group(0)) else m.group(0), word)
    return text[: value.start] + word + text[value.end :]


def _number_of(value: Value) -> int:
    return int(re.sub(r"\D", "", _day_of(value)) or 0)


def _day_of(value: Value) -> str:
    """The day of a date, as it is written: 22nd, of the 22nd of March."""
    match = _DAY_OF_MONTH.search(value.text)
    return match.group(0) if match else ""


def _part_of_day(value: Value, by: Value) -> str:
    """What goes on to hold of another time: in the morning, where that is not noon or later."""
    part = re.search(r" in the (?:morning|afternoon|evening)$", value.text, re.IGNORECASE)
    clock = re.fullmatch(r"(\d+):\d\d", by.key)
    if not part or not clock:
        return ""
    early = int(clock[1]) % 12 < 5
    return part.group(0) if early == part.group(0).lower().endswith("afternoon") else ""


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
            if free(match) and not (kind == "time" and _is_an_age(text, match)):
                taken.append(match.span())
                # "The 29th" is of the month that was told before.
                also = {"day"} if kind == "date" and re.search("[A-Za-z]{3}", match.group(0)) else set()
                yield Value(*match.span(), match.group(0), frozenset({kind, *also}))
    for match in filter(free, _RANKED.finditer(text)):
        kinds = frozenset({f"ranked {lemma(match['of'])}"})
        yield Value(*match.span(), match.group(0), kinds, past=_is_past(text, match.start()))
    for match in filter(free, _A_MONTH.finditer(text)):
        if _IN_A_MONTH.search(text[: match.start()]):
            taken.append(match.span())
            yield Value(*match.span(), match.group(0), frozenset({"month"}))
    for match in _MONEY.finditer(text):
        if free(match):
            taken.append(match.span())
            kinds = frozenset({f"money {_SIGNS.get(match['sign'] or '', '') or match['unit'].lower()}"})
            yield Value(*match.span(), match.group(0), kinds, past=_is_past(text, match.start()))
    for match in filter(free, _CODE.finditer(text)):
        kinds = _number(text[: match.start()], text[match.end() :])
        yield Value(*match.span(), match.group(0), kinds | {f"code {len(match['letters'])}"})
    hours = {m.start("value") for m in _HOUR_INSTEAD.finditer(text)}
    sums = {m.start("value") for m in _SUM_INSTEAD.finditer(text)}
    costs = {m.start("value") for m in _COST.finditer(text)}
    for match in filter(free, _NUMBER.finditer(text)):
        kinds = _number(text[: match.start()], text[match.end() :])
        kinds |= {"time"} if match.start() in hours else set()
        kinds |= {"sum", "being"} if match.start() in sums else {"cost"} if match.start() in costs else set()
        yield Value(*match.span(), match.group(0), kinds)
    framed = [v for v in _framed(text) if not any(s < v.end and v.start < e for s, e in taken)]
    taken += [(v.start, v.end) for v in framed]
    yield from framed
    yield from (v for v in _named(text) if not any(s < v.end and v.start < e for s, e in taken))


def _is_past(text: str, at: int) -> bool:
    """Whether what stands there is said of what was."""
    return _ONCE_DONE.search(re.split(r"[,;.!?](?=\s)", text[:at])[-1]) is not None


def _is_an_age(text: str, match: re.Match[str]) -> bool:
    """Whether a bare hour may be how old somebody was, or when something was once: "I could ski at six with Dad"."""
    if not re.match(r"\s*(?:with|for|until|when)\b", text[match.end() :]) or not _BARE_HOUR.fullmatch(match.group(0)):
        return False
    return _ONCE_DONE.search(re.split(r"[,;.!?](?=\s)", text[: match.start()])[-1]) is not None


def _named(text: str) -> Iterator[Value]:
    """Names behind a preposition: of where something is, or somebody lives."""
    for name in (n for n in names(text) if not is_date(n)):
        for match in re.finditer(rf"\b{re.escape(name)}\b", text):
            before = text[: match.start()]
            if place := _PLACE.search(before):
                lives = _LIVES.search(before) and not _LONG_AGO.match(text[match.end() :])
                home = {"home"} if lives and not _WHEN_FIRST.search(before) else set()
                yield Value(*match.span(), name, frozenset({place.group(1), *home}), named=True)


def _framed(text: str) -> Iterator[Value]:
    """What something is, or where."""
    for frame in frames(text):
        place = _PLACE.search(text[: frame.start])
        the = " the" if text[frame.start : frame.start + 4].lower() == "the " else ""
        also = {place.group(1) + the} if place and frame.named and frame.kind.startswith("place") else set()
        kinds = frozenset({frame.kind, *also})
        yield Value(frame.start, frame.end, text[frame.start : frame.end], kinds, named=frame.named)


def _number(before: str, after: str) -> frozenset[str]:
    """What a number counts, numbers or is the age of."""
    word, following = _BEFORE.search(before), _AFTER.search(after)
    unit = _UNITS.get(following.group(1).lower()) if following else None
    kinds = {f"before {unit}"} if unit else set()
    if following and not unit:
        kinds |= {f"before {lemma(w)}" for w in telling(following.group(1))}
    kinds |= {f"after {lemma(w)}" for w in (telling(word.group(1)) if word else ())}
    if _BEING.search(before) and _AGED.match(after):
        kinds.add("being")
    if _NUMBERED.search(before):
        kinds.add("number")
    return frozenset(kinds)
