"""What earlier consolidations learned, and which of it a question may belong to already.

In come the target sets of earlier consolidations, out come their statements with the questions that led to them. Plain
text work: which statement a question belongs to is decided by ``screen``, with the model's own probabilities.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from langchain_selfparam.records import Statement, TargetSet
from langchain_selfparam.targets.parse import telling
from langchain_selfparam.targets.prompts import quoting

_MOST = 24
"""Earlier statements that questions are compared with: each costs a reading of the worked examples."""
_CLOSEST = 4
"""Earlier statements that one question is compared with, at most."""
_STEM = 5
"""Letters by which words are taken for forms of one: practise, practice."""


@dataclasses.dataclass(frozen=True, slots=True)
class Earlier:
    """A statement that was learned before, with the questions that led to it."""

    statement: Statement
    questions: tuple[str, ...]


def known(taught: Sequence[TargetSet], *, without: Collection[int]) -> list[Earlier]:
    """The statements of earlier consolidations.

    Args:
        taught: What earlier consolidations learned from, in order.
        without: Ids of turns that are learned again now.

    Returns:
        Each statement once, in the order in which they were learned first, with the questions that it had last; without
        those of which a value has been changed since.
    """
    found: dict[str, Earlier] = {}
    for targets in taught:
        for old in targets.statements:
            # The teacher read the statement's own words before each of its questions, said back or quoted.
            questions = [
                s.prompt
                for s in targets.sentences
                if s.kind == "question"
                and s.turn_id == old.turn_id
                and s.context
                and (s.context[-1].text == old.told or s.context == quoting(old.sentence, s.prompt))
            ]
            if questions and old.turn_id not in without:
                found.pop(old.instead, None)
                found[old.told] = Earlier(old, tuple(questions))
    return list(found.values())


def rivals(questions: Iterable[str], earlier: Sequence[Earlier]) -> dict[str, frozenset[int]]:
    """Earlier statements that a question may be about already: it led to them, or it has their words.

    Args:
        questions: Those that are to be learned for something new.
        earlier: What is known, in order.

    Returns:
        Question to numbers in ``earlier``, where there are any: the closest of each question, at most ``_MOST`` in all.
    """
    near = closest(questions, earlier)
    wanted = Counter(number for numbers in near.values() for number in numbers)
    most = {number for number, _ in sorted(wanted.items(), key=lambda item: (item[1], item[0]), reverse=True)[:_MOST]}
    return {q: frozenset(numbers) & most for q, numbers in near.items() if most & set(numbers)}


def closest(questions: Iterable[str], there: Sequence[Earlier], *, most: int = _CLOSEST) -> dict[str, list[int]]:
    """Statements that have words of a question, or that it led to.

    Args:
        questions: Any.
        there: Statements, in order.
        most: Of one question.

    Returns:
        Question to numbers in ``there``: those with the most words in common first, and of these the latest.
    """
    led = [frozenset(e.questions) for e in there]
    own = [stems(telling(e.statement.said)) for e in there]
    near: dict[str, list[int]] = {}
    for question in questions:
        asked = stems(telling(question))
        common = [len(asked & words) + (question in those) for words, those in zip(own, led, strict=True)]
        ranked = sorted(((shared, number) for number, shared in enumerate(common) if shared), reverse=True)
        near[question] = [number for _, number in ranked[:most]]
    return near


def stems(words: Iterable[str]) -> frozenset[str]:
    """The beginnings by which words are compared."""
    return frozenset(map(stem, words))


def stem(word: str) -> str:
    """The beginning by which a word is compared."""
    return word[:_STEM]
