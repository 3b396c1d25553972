"""Amending: what an earlier statement says, with the value that a later one has changed put in its place.

"We practise every Monday at seven." becomes "We practise every Wednesday at seven." once the user has said that the
practice is on Wednesday now. Questions lead to either statement; so both have to say what is true now. Only values of
one kind are exchanged, and only where each statement has one that can be meant: a weekday, a date, a time of day, a
number of the same things, a name in the same place. What was said stays in the ledger as it was said.

In come statements and replies, out come statements. Plain text work; it asks no model. Its words are English; in other
languages nothing is amended.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence

from langchain_selfparam.records import Statement
from langchain_selfparam.targets.known import Earlier, stem, stems
from langchain_selfparam.targets.parse import is_date, names, telling
from langchain_selfparam.targets.person import told, without_lead

_SAYS_SO = re.compile(
    r"\b(?:chang(?:ed?|es|ing)|correct(?:ed|ion)|from now on|in ?stead|mistaken?|mov(?:ed|es|ing)|no longer"
    r"|postponed|put (?:back|forward|off)|rescheduled|replac(?:ed|ing)|switched|up ?dated?|wrong)\b",
    re.IGNORECASE,
)
"""What says that something is different now. "Now" alone may only add: it needs more in common."""
_HINTS = re.compile(r"\b(?:actually|after all|any ?more|now|used to)\b", re.IGNORECASE)
_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_COUNT = (
    "(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
    "|eighteen|nineteen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty(?:-(?:one|two|three|four|five|six|seven|eight"
    "|nine))?|\\d[\\d,.]*)"
)
_KINDS = {
    "weekday": re.compile(r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"),
    "date": re.compile(
        rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}\b|\b{_MONTH} (?:the )?\d{{1,2}}(?:st|nd|rd|th)?\b"
    ),
    "time": re.compile(r"\b(?:a quarter|half|ten|twenty) (?:past|to) [a-z]+\b|\b\d{1,2}(?:[:.]\d\d)? ?(?:am|pm)\b"),
}
_NUMBER = re.compile(rf"\b{_COUNT}(?<![,.])(?![\w-])", re.IGNORECASE)
_NOTHING = re.compile(
    r"congratulations|dates?|glad|good|hope|names?|noted?|numbers?|places?|sorry|sounds?|sum|thanks?|times?|understood|days?|dollars?|euros?|evenings?|hours?"
    r"|kilos?|kilometres?|metres?|miles?|minutes?|months?|mornings?|nights?|pounds?|today|tomorrow|weeks?|years?|[\d,.:-]+"
)
"""What statements have in common by chance."""
_BEFORE = re.compile(r"([\w'-]+)\W*$")
_AFTER = re.compile(r"^\s+([\w'-]+)")
_PLACE = re.compile(r"\b((?:at|called|from|in|into|near|named|to|with)(?: the)?) $")


@dataclasses.dataclass(frozen=True, slots=True)
class _Value:
    """A value in a text: its place, its words, and what it has to share with another to stand in its place."""

    start: int
    end: int
    text: str
    kinds: frozenset[str]
    named: bool = False


def amended(old: Statement, new: Statement, *, replies: Mapping[int, str] | None = None) -> Statement | None:
    """The earlier statement as the later one leaves it.

    Args:
        old: What was said before.
        new: What was said later, and may say that something has changed.
        replies: Turn ids to what the assistant said to them: "I have changed the day of the lesson."

    Returns:
        The earlier statement with one value replaced, still of its own turn; ``None`` where nothing is to be replaced
        or it is not clear what.
    """
    if old.sentence or new.sentence or not (old.by_user and new.by_user):
        return None
    if old.told != told(without_lead(old.said)):
        return None  # an order, which is quoted
    there, fresh = list(_values(old.said)), list(_values(new.said))
    known, said = {v.text.lower() for v in there}, {v.text.lower() for v in fresh}
    pairs = [(v, w) for v in there for w in fresh if w.text.lower() not in known and v.kinds & w.kinds]
    meant = [pair for pair in pairs if pair[0].text.lower() in said] or pairs
    if len({v.text for v, _ in meant}) != 1 or len({w.text for _, w in meant}) != 1:
        return None
    value, by = meant[0]
    if not _may(old, new, replies or {}, named=value.named):
        return None
    text = old.said[: value.start] + by.text + old.said[value.end :]
    return dataclasses.replace(old, said=text, told=told(without_lead(text)), instead=old.instead or old.told)


def amend_all(
    statements: Sequence[Statement], *, later: Sequence[Statement] = (), replies: Mapping[int, str] | None = None
) -> list[Statement]:
    """Statements, each as what was said after it leaves it.

    Args:
        statements: Of one episode, in the order in which they were said.
        later: Others that may have been said later, such as what the weights hold already.
        replies: As for ``amended``.

    Returns:
        As many, in the same order; those that nothing changes as they are.
    """
    news = sorted([*statements, *later], key=lambda s: s.turn_id)
    return [_amended_by(old, news, replies)[0] for old in statements]


def amend_earlier(
    earlier: Sequence[Earlier], statements: Sequence[Statement], *, replies: Mapping[int, str] | None = None
) -> tuple[list[Earlier], list[Earlier]]:
    """Part what earlier consolidations learned by whether something new changes it.

    Args:
        earlier: What is known.
        statements: What is learned now.
        replies: As for ``amended``.

    Returns:
        What is to be learned anew, amended and of the turn that changes it, with the questions that it had; and what
        stays as it is.
    """
    changed, others = [], []
    news = sorted(statements, key=lambda s: s.turn_id)
    for old in earlier:
        now, turn = _amended_by(dataclasses.replace(old.statement, instead=""), news, replies)
        if now.instead:
            changed.append(Earlier(dataclasses.replace(now, turn_id=turn), old.questions))
        else:
            others.append(old)
    return changed, others


def _amended_by(old: Statement, news: Sequence[Statement], replies: Mapping[int, str] | None) -> tuple[Statement, int]:
    """The statement as those of later turns leave it, and the last turn that changes it, else its own."""
    now, turn = old, old.turn_id
    for new in news:
        by = amended(now, new, replies=replies) if new.turn_id > turn else None
        if by is not None:
            now, turn = by, new.turn_id
    return now, turn


def _may(old: Statement, new: Statement, replies: Mapping[int, str], *, named: bool) -> bool:
    """Whether the later statement changes something, and speaks of what the earlier one speaks of.

    A hint asks for more in common than a plain word; so do names, of which two may stand in like places by chance.
    """
    about = _about(old, replies) & _about(new, replies)
    hints = _HINTS.search(new.said) is not None
    plain = _SAYS_SO.search(new.said) is not None or (
        hints and _SAYS_SO.search(replies.get(new.turn_id, "")) is not None
    )
    return (plain and len(about) > named) or (hints and len(about) > 1)


def _about(statement: Statement, replies: Mapping[int, str]) -> frozenset[str]:
    """Beginnings of what a statement and its reply speak of: not of changes, thanks, units and times."""
    both = _HINTS.sub(" ", _SAYS_SO.sub(" ", f"{statement.said} {replies.get(statement.turn_id, '')}"))
    return stems(w for w in telling(both) if not (_NOTHING.fullmatch(w) or is_date(w)))


def _values(text: str) -> Iterator[_Value]:
    taken: list[tuple[int, int]] = []
    for kind, pattern in _KINDS.items():
        for match in pattern.finditer(text):
            taken.append(match.span())
            yield _Value(*match.span(), match.group(0), frozenset({kind}))
    for match in _NUMBER.finditer(text):
        if any(start < match.end() and match.start() < end for start, end in taken):
            continue
        before, after = _BEFORE.search(text[: match.start()]), _AFTER.search(text[match.end() :])
        kinds = {f"before {stem(w)}" for w in (_telling(after) if after else ())}
        kinds |= {f"after {stem(w)}" for w in (_telling(before) if before else ())}
        yield _Value(*match.span(), match.group(0), frozenset(kinds))
    for name in names(text):
        for match in re.finditer(rf"\b{re.escape(name)}\b", text):
            place = _PLACE.search(text[: match.start()])
            if place and not any(start < match.end() and match.start() < end for start, end in taken):
                yield _Value(*match.span(), name, frozenset({place.group(1)}), named=True)


def _telling(match: re.Match[str]) -> list[str]:
    return telling(match.group(1))
