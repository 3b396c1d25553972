"""Mentions: what two statements have in common around the values of which one may stand in the other's place.

In come texts and their values, out comes whether both are said of the same thing. Its words are English.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Sequence

from langchain_selfparam.targets import changes
from langchain_selfparam.targets.things import Thing, clauses, differ, lemma, subject, things, verbs, words
from langchain_selfparam.targets.values import Value, values

NEAR = 4
"""Turns back to which "it" may refer."""
_SENTENCE = re.compile(r"(?<!Mr)(?<!Mrs)(?<!Dr)[.!?]+\s+")
_ACTS = re.compile(
    r"\b(?:has |have |had |just )*(?:moved|pushed|changed|rescheduled|postponed|put|brought|switched|rebooked|cut"
    r"|raised|increased|lowered|delayed|shifted|reduced|extended"
    r"|upped|bumped|slashed|hiked|swapped|rearranged|halved|doubled|tripled)(?: back| up| down| off| forward)?"
    r" (?:me|us|my|our|her|his|the|it)\b|\bwants (?:me|us)\b",
    re.IGNORECASE,
)
"""After whoever changes something that need not be theirs: "My boss pushed the meeting ..."."""
_PER = re.compile(r"(?:(?: [\w-]+)? (?:a|an|per|every|each) |/)(\w+)")
_BESIDE = 16
"""Characters within which a weekday and a date are the same day."""
_FIRST = re.compile(r"\b(?:begin|start|open|leav|depart)(?:s|e|es|ing)?\b", re.IGNORECASE)
_LAST = re.compile(
    r"\b(?:end|finish|clos|stop|return|arriv|land)(?:s|e|es|ing)?\b|\bg[eo]t(?:s|ting)? in\b", re.IGNORECASE
)
_LETTER = re.compile(r"(?<![\w.'’])[B-HJ-Z](?![\w.'’])")  # noqa: RUF001
"""Which one it is: vitamin D."""
_WANTING = re.compile(r"([\w'’-]+) wants (?:me|us)\b")  # noqa: RUF001
_AND = re.compile(r"s?(?:,| and| or| &)(?: on)? ", re.IGNORECASE)
LEANS = re.compile(r"\b(?:it|its|he|she|him|her|his|they|them|their|this|that|these|those|there|one)\b", re.IGNORECASE)
"""What stands for something that was said before."""
_BESIDE_IT = re.compile(
    r"\b(?:after|before|during|because of|despite)(?: (?:the|my|our|a|his|her|their))?(?: \w+)? $", re.IGNORECASE
)
"""Before what only says when or why: "After the meeting we moved to the pub"."""
_PARTS = frozenset(map(lemma, ("morning", "afternoon", "evening", "night")))
_THIRD = re.compile(r"\b(?:he|she|him|her|his|they|them|their)\b", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True)
class Mention:
    """A value in a statement, and what is said around it."""

    text: str
    value: Value
    clause: str
    """That has the value, which is hidden."""
    sentence: str
    before: str
    """What is said before the sentence."""
    bare: bool
    """Whether the sentence says nothing but that something is otherwise."""
    things: Sequence[Thing]
    within: Sequence[Thing]
    """Those in the clause, without whoever has only changed something."""
    acts: bool
    """Whether there is somebody who has changed something."""
    subject: str
    shape: Sequence[str]
    """All words of the clause but those that speak of a change."""

    @property
    def led(self) -> bool:
        """Whether what was said just before says what has changed: "I was wrong about the lesson. It is ..."."""
        return changes.plain(self.before) and bool(things(changes.without(self.before)))

    @property
    def plain(self) -> bool:
        """Whether it says in so many words that something has changed."""
        if changes.plain(self.sentence):
            return True
        if not changes.plain(self.before):
            return False
        return self.bare or self.subject == "it" or not things(changes.without(self.before))

    def fits(self, old: Mention, *, together: Sequence[tuple[Value, Value]] = ()) -> bool:
        """Whether the value may stand for the other's: not a month's for a week's, nor a Sunday's for every day's.

        Args:
            old: That of the other.
            together: All that are exchanged at once.
        """
        per, other = (_PER.match(m.text[m.value.end :]) for m in (self, old))
        if per and other and per[1] != other[1]:
            return False
        days = {"weekday", "date", "day"}
        gone, come = {v.start for v, _ in together}, {w.key for _, w in together}
        if self.value.kinds & days:
            # "Friday, 8 May" is one day: with one of the two exchanged it would be none.
            return not any(
                v.kinds & days
                and v.kinds != old.value.kinds
                and v.start not in gone
                and abs(v.start - old.value.start) < _BESIDE
                for v in values(old.text)
                if v.start != old.value.start
            )
        own = {v.key for v in values(self.clause) if "weekday" in v.kinds}
        if any(len(own & both) == 1 for both in _joined(old.clause)):
            return False  # it is said of one of several days
        said = {v.key for v in values(old.text)} | come
        return all(
            v.key in said or "weekday" not in v.kinds or changes.since(self.clause, v.start, v.end)
            for v in values(self.clause)
        )


def _joined(clause: str) -> list[set[str]]:
    """Days that have one thing in common: "on Mondays and Wednesdays at six"."""
    days = sorted((v for v in values(clause) if "weekday" in v.kinds), key=lambda v: v.start)
    return [{a.key, b.key} for a, b in itertools.pairwise(days) if _AND.fullmatch(clause[a.end : b.start])]


def mention(text: str, value: Value) -> Mention:
    """What a text says around one of its values."""
    start, end = next((s, max(e, value.end)) for s, e in clauses(text) if s <= value.start < e)
    at = max((m.end() for m in _SENTENCE.finditer(text) if m.end() <= value.start), default=0)
    till = min((m.end() for m in _SENTENCE.finditer(text) if m.start() >= value.end), default=len(text))
    hidden = _hidden(text, [value])
    rest = changes.without(_hidden(text, [value, *(v for v in values(text) if not v.named)]))
    found = things(rest)
    clause = hidden[start:end]
    acts = _ACTS.search(clause)
    first = start + acts.start() if acts else start
    inside = dataclasses.replace(value, start=value.start - at, end=value.end - at)
    return Mention(
        text=text,
        value=value,
        clause=clause,
        sentence=text[at:till],
        before=text[:at],
        bare=changes.is_bare(text[at:till], inside),
        things=found,
        within=[t for t in found if first <= t.start < end],
        acts=acts is not None,
        subject="me" if acts and acts.group(0).startswith("wants") else subject(rest[start:end]),
        shape=re.findall(r"[\w']+", rest[start:end].lower()),
    )


def _hidden(text: str, those: Sequence[Value]) -> str:
    for value in those:
        text = text[: value.start] + "#" * (value.end - value.start) + text[value.end :]
    return text


def in_common(before: Mention, after: Mention, reply: str = "", answer: str = "") -> tuple[frozenset[str], bool] | None:
    """What two mentions are both about, in lemmas, and whether neither is about anything more.

    Args:
        before: In the earlier statement.
        after: In the later one.
        reply: What the assistant said to the earlier one; it says what that was about, and so does
        answer: What it said to the later one. What only the two of them share is nothing.

    Returns:
        ``None`` where they are about different things, or may be.
    """
    old, new = words(before.text) | words(reply), words(after.text)
    if _another_subject(before, after, new) or _opposed(before, after):
        return None
    there = [*before.things, *things(changes.without(reply))]
    common: set[str] = set()
    for thing in (t for t in after.things if not _BESIDE_IT.search(after.text[: t.start])):
        namesakes = [t for t in there if t.head == thing.head]
        same = [t for t in namesakes if not differ(t, thing, old, new)]
        if namesakes and not same:
            return None
        common.update(*({thing.head, *(thing.before & t.before)} for t in same))
    at, till = len(before.before), len(before.before) + len(before.sentence)
    same = [t for o in after.things for t in before.things if t.head == o.head and not differ(t, o, old, new)]
    if same and not any(at <= t.start < till for t in same) and not LEANS.search(before.sentence):
        return None  # it is said of another sentence of the turn
    noted = {t.head for t in things(changes.without(answer))}
    common |= {t.head for t in before.things if t.head in noted}
    if before.subject == after.subject:
        common |= verbs(before.clause) & verbs(after.clause)
    if before.shape == after.shape:
        common.update(before.shape)
    strange = [t for t in after.within if not (t.words | _owner(t)) <= old]
    lost = {w for t in before.within for w in t.words} - new - words(answer)
    known = any(t.head in common for t in after.within)
    if strange and (lost or not known or any(_leads(t, after) or _owner(t) - old for t in strange)):
        return None
    whenever = {t.head for t in before.within if t.head in _PARTS and not t.before}
    return frozenset(common), not strange and lost <= whenever


def _leads(thing: Thing, after: Mention) -> bool:
    """Whether a thing is somebody, or what its clause is about."""
    return thing.person or thing.head == after.subject


def _owner(thing: Thing) -> frozenset[str]:
    return frozenset({thing.owner} - {"", "me", "them"})


def _opposed(before: Mention, after: Mention) -> bool:
    """Whether they say when it begins and when it ends, what two want, or one speaks of vitamin D and one of B."""
    one, other = ((_FIRST.search(m.clause) is not None, _LAST.search(m.clause) is not None) for m in (before, after))
    wanting = [{w.lower() for w in _WANTING.findall(m.clause)} for m in (before, after)]
    if all(wanting) and wanting[0].isdisjoint(wanting[1]):
        return True
    letters = [set(_LETTER.findall(m.clause)) for m in (before, after)]
    return (any(one) and any(other) and one != other) or (all(letters) and letters[0].isdisjoint(letters[1]))


def _another_subject(before: Mention, after: Mention, new: frozenset[str]) -> bool:
    """Whether what is said of one is said by or of another."""
    if after.acts:
        return False
    if after.subject == "me":
        return before.subject == "them" or (before.subject not in {"", "me", "it"} and before.subject not in new)
    if after.subject == "them":
        third = _THIRD.search(before.text) is not None or any(t.person for t in before.things)
        return before.subject == "me" or not third
    if after.value.named or not after.value.kinds.isdisjoint(("weekday", "date", "day", "time")):
        return False
    # How much one of them does or has says nothing of how much the user does, nor of whoever was named before them.
    named = [t.head for t in before.things if t.name]
    return after.subject in named[before.subject == "them" :] and before.subject in {"me", "them"}
