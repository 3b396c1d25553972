"""Probes of what was said, of others and of orders: what do the candidate weights answer, with an empty prompt?

In come probes and a ``TextGenerator`` over the candidate, out come ``ProbeResult``s. It decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from langchain_selfparam.protocols import TextGenerator
from langchain_selfparam.records import Message, Probe, ProbeResult
from langchain_selfparam.words import words

SHARE = 0.6
"""Share of a statement's telling words that an answer must give for the statement to count as recalled."""

_DAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
# "May" and "March" are other words as well; their days tell them apart.
_MONTHS = frozenset("january february april june july august september october november december".split())
_NUMBERS = "two three four five six seven eight nine ten eleven twelve".split()
"""From 2: "one" is seldom a number."""
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)$")


def ask(probes: Sequence[Probe], generator: TextGenerator, *, max_tokens: int) -> list[ProbeResult]:
    """Ask every probe of recall, of neighbours and of orders, greedily.

    Args:
        probes: Probes of these kinds.
        generator: Answers with the candidate weights.
        max_tokens: Tokens of an answer.

    Returns:
        A result for each probe, in order.
    """
    answers = generator.generate([[Message(role="user", text=p.prompt)] for p in probes], max_tokens=max_tokens)
    return [
        ProbeResult(probe=probe, answer=texts[0], passed=passes(probe, texts[0]))
        for probe, texts in zip(probes, answers, strict=True)
    ]


def passes(probe: Probe, answer: str) -> bool:
    """Whether an answer is as it should be.

    Args:
        probe: A recall probe wants at least ``SHARE`` of those of its words in the answer that the question itself does
            not have, since an echo of the question shows nothing, and no other value in the place of one of them: with
            "Sunday" for "Monday" all else that is right makes it worse. Any other probe wants none of its words.
        answer: What was answered.

    Returns:
        ``True`` where it is.
    """
    said, left = set(words(answer)), set(probe.expected) - set(words(probe.prompt))
    if probe.kind == "recall":
        return bool(left) and len(left & said) >= SHARE * len(left) and not _other_value(probe, left, said)
    return not said & left


def _other_value(probe: Probe, left: Collection[str], said: Collection[str]) -> bool:
    """Whether an answer lacks a day, month or number that it should have and gives another one instead."""
    known = _values([*probe.expected, *words(probe.prompt)])
    wanted, given = _values(left), _values(said)
    return any(given[kind] - known[kind] and wanted[kind] - given[kind] for kind in wanted if wanted[kind])


def _values(among: Iterable[str]) -> dict[str, set[str]]:
    """Days of the week, months and numbers among words."""
    found: dict[str, set[str]] = {"day": set(), "month": set(), "number": set()}
    for word in among:
        if word in _DAYS:
            found["day"].add(word)
        elif word in _MONTHS:
            found["month"].add(word)
        elif word in _NUMBERS:
            found["number"].add(str(_NUMBERS.index(word) + 2))
        elif any(letter.isdigit() for letter in word):
            found["number"].add(_ORDINAL.sub("", word))
    return found
