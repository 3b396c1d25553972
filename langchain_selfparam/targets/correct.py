"""Corrections: statements that change what was said before, and the questions that they answer from now on.

In come statements and what earlier consolidations learned, out come pairs of a correcting and a corrected statement.
Plain text work; which questions move is decided by ``screen``, with the model's own probabilities.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from langchain_selfparam.records import Statement
from langchain_selfparam.targets import changes
from langchain_selfparam.targets.known import Earlier
from langchain_selfparam.targets.mention import NEAR, mention
from langchain_selfparam.targets.parse import sentences
from langchain_selfparam.targets.things import clauses, differ, things, words
from langchain_selfparam.targets.values import values

_MOST = 12
"""Earlier statements that are compared with, the latest: each costs a reading of every question."""


def may_correct(statement: Statement, other: Statement) -> bool:
    """Whether a statement says that something has changed, and speaks of what the other speaks of.

    Args:
        statement: The later one.
        other: The earlier one.

    Returns:
        Whether questions about the other may be answered by the statement now.
    """
    if not _tells(statement.said):
        return False
    said, before = changes.without(statement.said), changes.without(other.said)
    if words(said).isdisjoint(words(before)):
        return _refers(statement, other)
    there, old, new = things(before), words(other.said), words(statement.said)
    shared = [(t, [o for o in there if o.head == t.head]) for t in things(said)]
    shared = [(t, namesakes) for t, namesakes in shared if namesakes]
    # What is asked about the piano lesson is not answered by what is said of the guitar lesson.
    return not shared or any(not differ(o, t, old, new) for t, namesakes in shared for o in namesakes)


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
    kinds = {kind for v in fresh if v.key not in known and not v.named for kind in v.kinds}
    of_kind = {v.text for v in there if v.kinds & kinds}
    return frozenset(of_kind) if len(of_kind) == 1 else frozenset()


@functools.lru_cache(maxsize=4096)
def _tells(said: str) -> bool:
    """Whether it says that something has changed, and does not only ask or wish it."""
    return any(
        (changes.plain(sentence[start:end] + " ") or changes.hints(sentence[start:end]))
        and not changes.is_unsure(sentence[start:end], sentence)
        for sentence in sentences(said)
        for start, end in [*clauses(sentence), (0, len(sentence))]
    )


def _refers(statement: Statement, other: Statement) -> bool:
    """Whether it says of "it" that it is otherwise, shortly after something with a value of that kind was said."""
    if not 0 < statement.turn_id - other.turn_id <= NEAR:
        return False
    kinds = {kind for v in values(other.said) for kind in v.kinds}
    return any(mention(statement.said, v).bare for v in values(statement.said) if v.kinds & kinds)
