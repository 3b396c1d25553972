"""Saying it again: the same thing in the same words with another value, and nothing that says that it has changed.

"The meeting is on Tuesday." and later "The meeting is on Friday." cannot both be so. Strict: a whole sentence that says
nothing else, about something of which there is one. Of lessons, trains and sisters there may be more. In come texts,
out come values. Its words are English.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator

from langchain_selfparam.targets.frames import ONE
from langchain_selfparam.targets.parse import sentences
from langchain_selfparam.targets.values import Value, alike, values

_SAID = re.compile(
    r"(?P<owner>the|my|our) (?P<what>[a-z'-]+(?: [a-z'-]+){0,2}?)(?: (?:for|of) (?:the|my|our) [a-z'-]+)? "
    r"(?:is|costs|weighs|starts|begins|opens|ends|finishes|closes)"
    r"(?: (?:on|at|in))?(?: the)? #(?P<unit>(?: ?[a-z%]+)?(?: (?:a|per|each) [a-z]+| old)?)\.?"
)
_THE = frozenset(
    """budget ceremony concert conference deadline exam funeral gym interview launch meeting party reception surgery
    wedding workshop""".split()
)
"""Of which "the" means the one that was spoken of."""


def restated(old: str, new: str) -> tuple[Value, Value] | None:
    """What a text says otherwise that an earlier one says in the same words.

    Args:
        old: What was said before.
        new: What was said later.

    Returns:
        The value that is so no longer and the one in its place; ``None`` where there is none.
    """
    for masked, by in _said(new) if len(sentences(new)) == 1 else ():
        for same, value in _said(old):
            if masked == same and alike(value, by) and not _part(value.key, by.key):
                return value, by
    return None


def restates(text: str) -> bool:
    """Whether it says something that an earlier text may have said otherwise."""
    return len(sentences(text)) == 1 and bool(_said(text))


@functools.lru_cache(maxsize=4096)
def _said(text: str) -> tuple[tuple[str, Value], ...]:
    """Sentences that say one value of something of which there is one, each without the value, and the value."""
    return tuple(_find(text))


def _find(text: str) -> Iterator[tuple[str, Value]]:
    start = 0
    for sentence in sentences(text):
        at = text.find(sentence, start)
        if at < 0:
            return
        start = at + len(sentence)
        found = [v for v in values(sentence) if "phone" in v.kinds] or values(sentence)
        if len(found) != 1:
            continue
        (value,) = found
        masked = (sentence[: value.start] + "#" + sentence[value.end :]).lower().rstrip(".! ")
        match = _SAID.fullmatch(masked)
        if match and _is_one(match, value):
            yield masked, dataclasses.replace(value, start=value.start + at, end=value.end + at)


def _is_one(match: re.Match[str], value: Value) -> bool:
    head = match["what"].split()[-1]
    if value.kinds & {"weekday"} and match["unit"]:
        return False  # every week
    if value.named and not any(kind.startswith("is ") for kind in value.kinds):
        return False  # in York, and in England
    return head in ONE or (match["owner"] == "the" and head in _THE)


def _part(one: str, other: str) -> bool:
    """Whether one is the other, or a part of it: Priya Nair."""
    words = set(one.split()), set(other.split())
    return words[0] <= words[1] or words[1] <= words[0]
