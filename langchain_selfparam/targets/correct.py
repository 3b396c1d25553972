"""Corrections: statements that change what was said before, and the questions that they answer from now on.

In come statements and what earlier consolidations learned, out come pairs of a correcting and a corrected statement.
Plain text work; which questions move is decided by ``screen``, with the model's own probabilities.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence

from langchain_selfparam.records import Statement
from langchain_selfparam.targets import changes
from langchain_selfparam.targets.known import Earlier
from langchain_selfparam.targets.mention import LEANS, NEAR, mention
from langchain_selfparam.targets.orders import instructs
from langchain_selfparam.targets.parse import names, sentences
from langchain_selfparam.targets.things import PEOPLE, WHICH, clauses, differ, lemma, subject, things, verbs, words
from langchain_selfparam.targets.values import PLACES, alike, values

_OPENING = re.compile(r"(?:(?:oh|ah|well|so|but)[,!]? )?actually\b", re.IGNORECASE)
"""Before what may be said otherwise in the next sentence."""
_MEANT = re.compile(r"\b(?:the|my|our|his|her|their|this|that) ([\w'-]+)")
_OF_USER = re.compile(r"\b(?:I|me|my|mine|we|us|our)\b", re.IGNORECASE)
_MOST = 12
"""Earlier statements that are compared with, the latest: each costs a reading of every question."""


def may_correct(statement: Statement, other: Statement) -> bool:
    """Whether a statement says that something has changed, and speaks there of what the other speaks of.

    Args:
        statement: The later one.
        other: The earlier one.

    Returns:
        Whether questions about the other may be answered by the statement now.
    """
    if statement.sentence:
        return False  # what a passage says has changed is nothing that the user has said, nor what another says
    if instructs(statement.said) and not instructs(other.said):
        return False  # how to behave "from now on" is no change of what was said
    parts = _telling(statement.said)
    if any(_in_common(part, statement.said, other.said) for part in parts):
        return True
    return bool(parts) and _words(statement.said).isdisjoint(_words(other.said)) and _refers(statement, other)


def says_otherwise(statement: Statement, other: Statement) -> bool:
    """Whether a statement that may correct another says something else of the same, or that it is over.

    Args:
        statement: The later one.
        other: The earlier one.

    Returns:
        Whether the other is so no longer, as far as the texts tell: a dog that eats something else now still sleeps
        where it slept.
    """
    if not may_correct(statement, other):
        return False
    parts = _telling(statement.said)
    about = [(part, _in_common(part, statement.said, other.said)) for part in parts]
    if any(len(common) > 1 or (common and changes.ended(part)) for part, common in about):
        return True
    return not any(common for _, common in about) or bool(doubtful(statement, other))


def corrections(statements: Sequence[Statement], earlier: Sequence[Statement] = ()) -> Mapping[int, frozenset[int]]:
    """Which statements may correct which.

    Args:
        statements: Of one episode, in order.
        earlier: Those learned before, in order.

    Returns:
        Number of each correcting statement to the numbers of what it may correct; those of earlier statements go on
        behind the episode's.
    """
    found: dict[int, frozenset[int]] = {}
    size = len(statements)
    for number, statement in enumerate(statements):
        before = [n for n in range(number) if may_correct(statement, statements[n])]
        before += [size + n for n, other in enumerate(earlier) if may_correct(statement, other)]
        if before:
            found[number] = frozenset(before)
    return found


def related(statements: Sequence[Statement], earlier: Sequence[Earlier]) -> list[Earlier]:
    """Statements of earlier consolidations that one of these may correct.

    Args:
        statements: What is learned now.
        earlier: What is known, in order.

    Returns:
        Those that were said before what may correct them, in order; of many the latest.
    """
    found = [
        old
        for old in earlier
        if any(s.turn_id > old.statement.turn_id and may_correct(s, old.statement) for s in statements)
    ]
    return found[-_MOST:]


def about(statement: Statement, other: Statement) -> list[str]:
    """The sentences of a statement, as they are said back, of which a later one says otherwise; all where none is."""
    said, told = sentences(other.said), sentences(other.told)
    if len(said) != len(told):
        return [other.told]
    parts = _telling(statement.said)
    found = [t for s, t in zip(said, told, strict=True) if any(_in_common(p, statement.said, s) for p in parts)]
    return found or [other.told]


def doubtful(statement: Statement, other: Statement) -> frozenset[str]:
    """Values of a statement that a later one may have changed: it has one of the same kind, and there is no other.

    Args:
        statement: The later one.
        other: The earlier one.

    Returns:
        The values as they are written; none where nothing says that something has changed.
    """
    if not statement.by_user or not other.by_user or not may_correct(statement, other):
        return frozenset()
    there, fresh = values(other.said), values(statement.said)
    known = {v.key for v in there}
    new = [v for v in fresh if v.key not in known]
    of_kind = {v.text for v in there if any(_surely(alike(v, w)) for w in new)}
    return frozenset(of_kind) if len(of_kind) == 1 else frozenset()


def _surely(kinds: frozenset[str]) -> bool:
    """Whether what is of these kinds is the same of the same thing: two names behind "in" may be any."""
    return any(kind not in PLACES for kind in kinds)


@functools.lru_cache(maxsize=4096)
def _telling(said: str) -> tuple[str, ...]:
    """The parts that say that something has changed, and do not only ask or wish it.

    A word that only may say so speaks of its clause; a plain one of its sentence, and what comes behind it says what.
    """
    found: list[str] = []
    there = sentences(said)
    for at, sentence in enumerate(there):
        sure = [(s, e) for s, e in clauses(sentence) if not changes.is_unsure(sentence[s:e], sentence)]
        whole = [] if changes.is_unsure(sentence, sentence) else [(0, len(sentence))]
        sure = [(s, e) for s, e in sure if not changes.adds(sentence[s:e])]
        if any(changes.plain(sentence[s:e] + " ") for s, e in [*sure, *whole]):
            first = max(at - 1, 0) if LEANS.search(sentence) else at
            found.append(" ".join(there[first : at + 2]))
        else:
            for start, end in sure:
                if changes.hints(sentence[start:end]):
                    # "So it's on Friday now" leans on what was said before.
                    leans = LEANS.search(sentence[start:end]) or not _words(sentence[start:end])
                    found.append(" ".join(there[max(at - 1, 0) : at + 1]) if leans else sentence[start:end])
                    if start == 0 and _OPENING.match(sentence):
                        found += [s for s in there[at + 1 : at + 2] if not changes.is_unsure(s, s)]
    return tuple(dict.fromkeys(found))


@functools.lru_cache(maxsize=4096)
def _words(said: str) -> frozenset[str]:
    return words(changes.without(said)) - WHICH


@functools.lru_cache(maxsize=4096)
def _in_names(said: str) -> frozenset[str]:
    """Lemmas of what is only a part of a name: the Snail Pack is no pack."""
    found = [name for name in names(said) if " " in name]
    parts = {lemma(word) for name in found for word in name.split()[1:]}
    rest = said
    for name in found:
        rest = rest.replace(name, "")
    return frozenset(parts - words(rest))


def _of_another_before(part: str, other: str) -> bool:
    """Whether what it says of before is not of whom the other is about; "who used to ..." only describes somebody."""
    there = {subject(other[s:e]) for s, e in clauses(other)}
    used = [part[s:e].strip() for s, e in clauses(part) if changes.used_to(part[s:e])]
    return subject(part) not in there and any(not re.match(r"wh(?:o|ich)\b", clause) for clause in used)


def _of_somebody_else(part: str, other: str) -> bool:
    """Whether only a hint says it, of somebody who does not come up where the user speaks of what they do themselves.

    "My sister has yoga on Wednesday now" says nothing of the user's; "Dr Ames sees me on Friday now" may.
    """
    if changes.says_so(part) or subject(other) != "me":
        return False
    who = next(iter(things(changes.without(part))), None)
    if who is None or not (who.person or who.before & PEOPLE) or who.words & words(other):
        return False
    return _OF_USER.search(part[who.start :]) is None


def _another(one: str, other: str) -> frozenset[str]:
    """Lemmas that are only a part of a name in one of two texts, and not meant by the other: a pack a day."""
    meant = {lemma(word) for word in _MEANT.findall(other.lower())}
    return _in_names(one) - _in_names(other) - meant


def _in_common(part: str, said: str, other: str) -> frozenset[str]:
    """What a part of a statement and an earlier one are both about, in lemmas; none where it is something else.

    What is asked about the piano lesson is not answered by what is said of the guitar lesson, nor what is asked about
    the bell by what is said of the bell practice.
    """
    common = (_words(part) & _words(other)) - _another(part, other) - _another(other, part)
    if not common:
        return common
    old, new = words(other), words(said)
    there, here = things(changes.without(other)), things(changes.without(part))
    shared = [(t, [o for o in there if o.head == t.head]) for t in here]
    shared = [(t, namesakes) for t, namesakes in shared if namesakes]
    if shared and all(differ(o, t, old, new) for t, namesakes in shared for o in namesakes):
        return frozenset()
    done = verbs(part) & verbs(other)
    if _of_another_before(part, other) or _of_somebody_else(part, other):
        return frozenset()
    people = {lemma(word) for name in names(part) for word in name.split()}
    told_apart = {w for t in here for w in t.before if t.head not in old} - people
    rest = common - told_apart - done
    if rest or (len(common) > 1 and not common <= done):
        return common
    return common if common & done and subject(part) == subject(other) else frozenset()


def _refers(statement: Statement, other: Statement) -> bool:
    """Whether it says of "it" that it is otherwise, shortly after something with a value of that kind was said."""
    if not 0 < statement.turn_id - other.turn_id <= NEAR:
        return False
    kinds = {kind for v in values(other.said) for kind in v.kinds}
    return any(mention(statement.said, v).bare for v in values(statement.said) if v.kinds & kinds)
