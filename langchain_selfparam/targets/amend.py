"""Amending: what an earlier statement says, with the value that a later one has changed put in its place.

"We practise every Monday at seven." becomes "We practise every Wednesday at seven." once the user has said that the
practice is on Wednesday now. Questions lead to either statement; so both have to say what is true now. Only values of
one kind are exchanged, and only where each statement has one that can be meant, and where both speak of the same thing:
neither of another owner's, nor of another of its kind. What was said stays in the ledger as it was said.

In come statements and replies, out come statements. Plain text work; it asks no model. Its words are English; in other
languages nothing is amended.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence

from langchain_selfparam.records import Statement
from langchain_selfparam.targets import changes
from langchain_selfparam.targets.known import Earlier
from langchain_selfparam.targets.mention import NEAR, Mention, in_common, mention
from langchain_selfparam.targets.person import told, without_lead
from langchain_selfparam.targets.restated import restated, restates
from langchain_selfparam.targets.tails import alone
from langchain_selfparam.targets.things import done, things
from langchain_selfparam.targets.values import Value, alike, as_before, put, values

Pairs = tuple[tuple[Value, Value], ...]
"""Values that are so no longer, each with the one in its place."""
_AT_ONCE = frozenset(("weekday", "date", "day", "time"))
"""Kinds of which several may change together: "It has moved to Friday at nine"."""
_DAYS = frozenset(("weekday", "date", "day", "month"))
_BY = re.compile(r"\bby $")
"""Before how much more or less it is, and not what it is now."""
_WHICH = re.compile(r" last (?:week|month)\b|['’]s ", re.IGNORECASE)  # noqa: RUF001
_IN = re.compile(r"\bin $", re.IGNORECASE)


def amended(
    old: Statement, new: Statement, *, replies: Mapping[int, str] | None = None, nearest: bool = True
) -> Statement | None:
    """The earlier statement as the later one leaves it.

    Args:
        old: What was said before.
        new: What was said later, and may say that something has changed.
        replies: Turn ids to what the assistant said to them: "I have changed the day of the lesson."
        nearest: Whether "it" may refer to the earlier one.

    Returns:
        The earlier statement with a value replaced, or a day and a time, still of its own turn; ``None`` where nothing
        is to be replaced or it is not clear what.
    """
    found = _exchange(old, new, replies or {}, nearest=nearest)
    return _exchanged(old, new, found) if found else None


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
    return [now for now, _ in _as_left([*statements, *later], replies)[: len(statements)]]


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
    olds = [dataclasses.replace(old.statement, instead="") for old in earlier]
    left = _as_left([*olds, *statements], replies, by=statements)
    for old, (now, turn) in zip(earlier, left[: len(earlier)], strict=True):
        if now.instead:
            changed.append(Earlier(dataclasses.replace(now, turn_id=turn), old.questions))
        else:
            others.append(old)
    return changed, others


def may_amend(text: str) -> bool:
    """Whether any of it may say otherwise than what was said before."""
    return changes.may_tell(text) or restates(text)


def _as_left(
    pool: Sequence[Statement], replies: Mapping[int, str] | None, *, by: Sequence[Statement] | None = None
) -> list[tuple[Statement, int]]:
    """Each statement as later turns leave it, with the last turn that changes it, else its own.

    Where a later one could mean several that say different things, it is not clear which, and none is changed.
    """
    now = [(statement, statement.turn_id) for statement in pool]
    for new in sorted(pool if by is None else by, key=lambda s: s.turn_id):
        if not may_amend(new.said):
            continue
        near = _nearest(pool, new)
        found: dict[int, Pairs] = {}
        for at, (old, turn) in enumerate(now):
            if new.turn_id > turn:
                pairs = _exchange(old, new, replies or {}, nearest=old.turn_id == near)
                found.update({at: pairs} if pairs else {})
        if _agree(found.values()):
            for at, pairs in found.items():
                now[at] = (_exchanged(now[at][0], new, pairs), new.turn_id)
    return now


def _agree(found: Iterable[Pairs]) -> bool:
    """Whether what each new value stands for is the same everywhere."""
    replaced: dict[str, set[str]] = {}
    for pairs in found:
        for value, by in pairs:
            replaced.setdefault(by.key, set()).add(value.key)
    return all(len(keys) == 1 for keys in replaced.values())


def _exchanged(old: Statement, new: Statement, pairs: Pairs) -> Statement:
    text = old.said
    for value, by in sorted(pairs, key=lambda pair: -pair[0].start):  # from the end, so that places stay
        text = put(*alone(text, value, corrected=changes.corrects(new.said)), by)
    return dataclasses.replace(old, said=text, told=told(without_lead(text)), instead=old.instead or old.told)


def _nearest(pool: Sequence[Statement], new: Statement) -> int | None:
    """The last turn before that has a value of a kind that the new one has, where that is near.

    Of those the last that speaks of what the new one names: "Bad news about yoga. It has moved to Friday."
    """
    fresh = {kind for v in values(new.said) for kind in v.kinds}
    turns = [
        old
        for old in pool
        if new.turn_id - NEAR <= old.turn_id < new.turn_id and any(v.kinds & fresh for v in values(old.said))
    ]
    named = {word for t in things(changes.without(new.said)) for word in t.words}
    alike_ones = [old for old in turns if any(not named.isdisjoint(t.words) for t in things(old.said))]
    return max((old.turn_id for old in alike_ones or turns), default=None)


def _exchange(old: Statement, new: Statement, replies: Mapping[int, str], *, nearest: bool) -> Pairs:
    """Values that are so no longer; none where there are none or it is not clear which."""
    if old.sentence or new.sentence or not (old.by_user and new.by_user):
        return ()
    if old.told != told(without_lead(old.said)):
        return ()  # an order, which is quoted
    if not changes.may_tell(new.said):
        said_again = restated(old.said, new.said)
        return (said_again,) if said_again else ()
    there = values(old.said)
    found = as_before(values(new.said), there)
    over = changes.over(new.said, [*there, *found])
    known = {v.key for v in there} | over
    fresh = [w for w in found if w.key not in known and not _is_beside(new.said, w, found)]
    pairs = [(v, w) for v in there for w in fresh if alike(v, w)]
    if any(v.kinds & w.kinds and v.key in over - {o.key for o in there} for v in found for _, w in pairs):
        return ()  # it says what it was before, and that was something else
    given = over | {v.key for v in found} | {v.key for v in there if v.named and v.text in new.said}
    clear = _without_repeated(new.said, pairs, there, [v for v in found if v.key not in over])
    meant = [p for p in clear if p[0].key in over] or [p for p in clear if p[0].key in given] or clear
    chosen = _clear(meant)
    to = _to(old, replies), _to(new, replies)
    for value, by in chosen:
        before, after = mention(old.said, value), mention(new.said, by)
        if not changes.is_meant(old.said, after.clause, after.sentence) or not after.fits(before, together=chosen):
            return ()
        plain = after.plain or value.key in over or (changes.hints(after.sentence) and changes.says_so(to[1]))
        if not plain and not changes.hints(after.sentence):
            return ()
        if _may_be_both(value) and value.key not in over and not changes.was_wrong(new.said):
            return ()
        if after.bare and not after.led:
            if not nearest or value.named:
                return ()
        elif not _same(before, after, to, plain, value.key in given):
            return ()
    return chosen


def _without_repeated(
    text: str, pairs: Sequence[tuple[Value, Value]], there: Sequence[Value], found: Sequence[Value]
) -> Sequence[tuple[Value, Value]]:
    """The exchanges that can be meant beside values that a text says again and that are no longer so, or are still.

    Two that are alike may have been exchanged with each other: "swimming on Thursdays and chess on Fridays now".
    """
    left = list(pairs)
    for old, by in pairs:
        those = {v.key: v for v in there if alike(v, by)}
        again = [w for w in found if w.key in those]
        named = {w.key: changes.names_it(text, w, by) for w in again}
        if len(those) > 1 and None in named.values():
            return []
        across = any(
            not named[w.key] and (old.start < those[w.key].start) != (by.start < w.start)
            for w in again
            if w.key != old.key
        )
        if across or named.get(old.key) is False:
            left.remove((old, by))
    return left


def _clear(meant: Sequence[tuple[Value, Value]]) -> Pairs:
    """The one exchange that can be meant, or one of each kind of a day and a time; none where there are more."""
    kinds = {alike(v, w) for v, w in meant}
    parts = [[p for p in meant if alike(*p) == kind] for kind in kinds]
    if len(kinds) > 1 and not all(kind <= _AT_ONCE for kind in kinds):
        parts = [list(meant)]
    if any(len({v.text for v, _ in part}) != 1 or len({w.key for _, w in part}) != 1 for part in parts):
        return ()
    return tuple(part[0] for part in parts)


def _is_beside(text: str, value: Value, found: Sequence[Value]) -> bool:
    """Whether it only says by how much, when or from when on something is otherwise."""
    if value.kinds & _DAYS and changes.since(text, value.start, value.end):
        return any(other.kinds.isdisjoint(_DAYS) for other in found)
    return _is_how_much_more(text, value) or _is_when(text, value)


def _is_how_much_more(text: str, value: Value) -> bool:
    return not value.named and not value.kinds & _AT_ONCE and _BY.search(text[: value.start]) is not None


def _is_when(text: str, value: Value) -> bool:
    """Whether it is when something was changed: "They moved the exam in April", "on Monday last week", or which."""
    if value.kinds & _AT_ONCE and _WHICH.match(text[value.end :]):
        return True
    if value.kinds & _DAYS and changes.when_done(text, value.start, value.end):
        return True
    before = text[: value.start]
    return "month" in value.kinds and _IN.search(before) is not None and changes.says_so(before)


def _same(before: Mention, after: Mention, replies: tuple[str, str], plain: bool, given: bool) -> bool:
    """Whether both speak of the same thing.

    A hint asks for more in common than a plain word; so do names, of which two may stand in like places by chance.
    """
    shared = in_common(before, after, *replies)
    if shared is None:
        return False
    common, exact = shared
    if _of_others(before, after):
        return False
    if any(kind.startswith(("is ", "place ", "allergic ")) for kind in before.value.kinds & after.value.kinds):
        return True  # the same thing by all its words
    same = bool(before.subject) and before.subject == after.subject
    if given and same and done(before.clause) & done(after.clause) and "time" in after.value.kinds:
        return True  # "I'll be starting at five instead of half past four"
    same = same or _is_called(before, after.subject) or _is_called(after, before.subject)
    # Where somebody was born or works is left alone by where they live now.
    both = before.value.kinds & after.value.kinds
    settled = same and not both.isdisjoint(("called", "named", "home"))
    enough = len(common) > 0
    if after.value.named:
        enough = len(common) > 1 or settled or (given and (same or enough))
    return enough and (plain or len(common) > 1 or (exact and (same or after.subject in common)) or (same and settled))


def _of_others(before: Mention, after: Mention) -> bool:
    """Whether it is somebody else's where the earlier one is the user's, or something else that is done there."""
    both = before.value.kinds & after.value.kinds
    deeds = done(before.clause), done(after.clause)
    if any(kind.startswith("ranked") for kind in both) and all(deeds) and deeds[0].isdisjoint(deeds[1]):
        return True  # "I work on the ninth floor"
    theirs = {thing.head for thing in after.things if thing.owner == "them"}
    mine = {thing.head for thing in before.things if thing.owner in ("", "me")}
    return before.subject == "me" and not theirs.isdisjoint(mine)


def _may_be_both(value: Value) -> bool:
    """Whether another may be so beside it: who is allergic to one thing may be to two."""
    return any(kind.startswith("allergic ") for kind in value.kinds)


def _is_called(said: Mention, name: str) -> bool:
    """Whether that is the name of whoever it is about: "My sister Ana"."""
    return any(
        thing.head == said.subject
        and other.head == name
        and other.name
        and " " not in said.text[thing.start : other.start].strip()
        for thing, other in itertools.pairwise(said.things)
    )


def _to(statement: Statement, replies: Mapping[int, str]) -> str:
    return replies.get(statement.turn_id, "")
