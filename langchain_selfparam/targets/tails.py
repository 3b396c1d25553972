"""Tails: what is said of a value behind it, and is not said of the one that takes its place.

"My landlord is Mr Pike, who lives downstairs." says where Mr Pike lives, and nothing of who is the landlord after him.
In come a text and a value, out comes the text without that. Its words are English.
"""

from __future__ import annotations

import dataclasses
import re

from langchain_selfparam.targets.things import clauses, lemma, things
from langchain_selfparam.targets.values import Value, values

_GOES_ON = r"(?:and|but|so|because|since|while) (?:I|I['’]\w+|we|we['’]\w+|my|our|the|there|it)\b"  # noqa: RUF001
_WHICH = re.compile(
    rf",? (?:who|whom|whose|which|where) (?:(?![;.!?](?:\s|$)|,? {_GOES_ON}).)*(?:,(?! {_GOES_ON}))?", re.IGNORECASE
)
_WHO = re.compile(r",? (?:who|whom|whose)\b", re.IGNORECASE)
_APPOSED = re.compile(
    r", (?:an?|the|my|our|his|her|their) (?-i:[a-z])(?:(?![,;.!?](?:\s|$)| (?:and|but|so|because|while) ).)*"
    r"(?:,(?= (?!and|but|so|because|who|which|where)))?",
    re.IGNORECASE,
)
_HAS_A_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|will|would|can|could|does|did|comes?|goes|wants?|says|lives?|works?|takes?"
    r"|makes?|gets?|needs?|keeps?|likes?|loves?|hates?)\b|['’]ll\b",  # noqa: RUF001
    re.IGNORECASE,
)
"""Another sentence behind a comma: "I live in Rome, my sister lives in Bari"."""
_OF_SOMEBODY = re.compile(r", (?:my|our|his|her|their) ")
_MAN_CALLED = re.compile(r"(?P<be>\b(?:is|was)|['’]s) an? (?:[\w-]+ ){1,3}(?:called|named) $")  # noqa: RUF001
_THIRD = re.compile(r"\b(?:he|she|him|her|hers|his|(?:he|she)['’]\w+)\b", re.IGNORECASE)  # noqa: RUF001
_WITH_THEM = re.compile(r",?(?: [\w'’-]+)? (?:he|she|him|her|hers|his)\b", re.IGNORECASE)  # noqa: RUF001
_SAME_ONE = frozenset(
    map(
        lemma,
        """aunt auntie aunty baby boy brother brother-in-law budgie canary cat child cousin dad daddy
        daughter daughter-in-law dog donkey father father-in-law ferret foal gerbil girl godchild goddaughter
        godfather godmother godson goldfish gran granddad granddaughter grandfather grandma grandmother grandpa
        grandson grandchild granny grandad half-brother half-sister hamster horse kid kitten mam mare mom mother
        mother-in-law mum mummy nan nana nephew niece parent parrot pony pup puppy rabbit sister sister-in-law son
        son-in-law stepbrother stepdad stepdaughter stepfather stepmother stepmum stepsister stepson tortoise twin
        uncle""".split(),
    )
)
"""Who is the same one under another name."""


def alone(text: str, value: Value, *, corrected: bool) -> tuple[str, Value]:
    """The text without what it says of the value itself, or of whom it names.

    Args:
        text: What was said.
        value: The one that is so no longer, of that text.
        corrected: Whether only what was said is otherwise, and not what it was said of: a name that was wrong.

    Returns:
        The text, and the value where it stands there.
    """
    before, behind = text[: value.start], text[value.end :]
    person = value.named and any(kind.split()[0] in {"is", "called", "named", "with"} for kind in value.kinds)
    person = person and not value.text.lower().startswith("the ")
    if person and (corrected or _is_same_one(before)):
        return text, value
    if value.named or value.kinds & {"date", "day"} or any(kind.startswith(("is ", "place ")) for kind in value.kinds):
        behind = _without_tail(behind, person=person)
    if person:
        before = _MAN_CALLED.sub(lambda m: f"{m['be']} ", before)
        behind = _without_third(behind)
    moved = dataclasses.replace(value, start=len(before), end=len(before) + len(value.text))
    return before + value.text + behind, moved


def _is_same_one(before: str) -> bool:
    there = things(before)
    return bool(there) and there[-1].head in _SAME_ONE


def _without_tail(behind: str, *, person: bool) -> str:
    while True:
        apposed = _APPOSED.match(behind)
        match = _WHICH.match(behind) or (apposed if apposed and not _is_another(apposed.group(0)) else None)
        if not match or (_WHO.match(behind) and not person) or not (match.group(0)[0] == "," or person):
            return behind
        behind = behind[match.end() :]


def _is_another(tail: str) -> bool:
    """Whether it goes on about something else: "..., my return on 9 May"."""
    return _HAS_A_VERB.search(tail) is not None or (_OF_SOMEBODY.match(tail) is not None and bool(values(tail)))


def _without_third(behind: str) -> str:
    """Up to where it goes on about him or her."""
    last = 0
    for start, end in clauses(behind):
        if _THIRD.search(behind[start:end]):
            if start == 0 and (match := _WITH_THEM.search(behind[:end])):
                last = match.start()
            return behind[:last].rstrip(" ,;:–—-") + "."  # noqa: RUF001
        last = end
    return behind
