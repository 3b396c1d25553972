"""Corrections: statements that change what was said before, and the questions that they answer from now on.

In come statements and what earlier consolidations learned, out come pairs of a correcting and a corrected statement.
Plain text work; which questions move is decided by ``screen``, with the model's own probabilities.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from langchain_selfparam.records import Statement
from langchain_selfparam.targets.known import Earlier, stems
from langchain_selfparam.targets.parse import telling

_CUE = re.compile(
    r"\b(?:actually|after all|any ?more|changed?|changes|changing|correction|from now on|given up|instead|mistaken?"
    r"|moved|moves|moving|no longer|now|put (?:back|forward|off)|postponed|rescheduled|replaced|switched|used to"
    r"|wrong)\b",
    re.IGNORECASE,
)
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
    return _CUE.search(statement.said) is not None and not _stems(statement).isdisjoint(_stems(other))


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


def _stems(statement: Statement) -> frozenset[str]:
    return stems(word for word in telling(statement.said) if not _CUE.fullmatch(word))
