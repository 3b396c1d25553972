"""Questions with another word for whoever they are about: "What is he allergic to?", "What is Lucan allergic to?".

People ask about those whom they have told of by their names, by what they are to them, and by "he" or "she". The bank
knows no names, and whoever learned questions about "my son" alone takes one about Lucan for one about a stranger. What
a name is to the user may have been said in another turn.

In come statements with their questions, out come other words for these. It asks no model, and its words are English.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from langchain_selfparam.records import Statement
from langchain_selfparam.targets.parse import is_date, names
from langchain_selfparam.targets.things import PEOPLE, lemma
from langchain_selfparam.targets.ties import WORD, ties
from langchain_selfparam.words import form, words

_ANY_NAME = re.compile(r"\b(?:called|named?|who(?: or what)? (?:is|are|was)|know about|tell me)\b", re.IGNORECASE)
"""Asks who somebody is, which their name tells already."""
_THEY = re.compile(r"\b(?:he|she|him|his|her|hers)\b", re.IGNORECASE)
_SOMEBODY = re.compile(rf"\b(?:[Mm]y|[Oo]ur) (?P<role>(?:{WORD} )?[^\W\d_A-Z][\w-]*)(?!['’\w])(?!(?: is|,)? [A-Z])")  # noqa: RUF001
"""Somebody without a name."""
_TITLE = re.compile(r"(?:Mrs?|Ms|Dr|Prof|Miss|Aunt|Uncle)\b")
_PLACE = r"\b(?:above|around|at|behind|for|from|in|into|near|of|on|outside|the|through|to|towards|The) "
_OWNED = re.compile(r"\s+(?!(?:at|in|on|for|from|to|with|about|by|and|or|when|if|the|a|an|this|next|last)\b)\w")
"""Behind "her" where something is hers."""


def by_other_words(
    statements: Sequence[Statement],
    questions: Sequence[Sequence[str]],
    *,
    known: Collection[str],
    earlier: Iterable[Statement] = (),
    without: Collection[str] = (),
) -> list[dict[str, str]]:
    """Questions with the name in the place of a pronoun, or of what somebody is to the user, and back.

    Args:
        statements: What is asked about.
        questions: What each is asked already.
        known: Words that are names, as ``parse.known_names`` finds them.
        earlier: What is known already.
        without: Questions that are somebody's or nobody's already.

    Returns:
        For each statement those of its questions that can be asked so, with what they become.
    """
    tied = ties([s.said for s in (*earlier, *statements) if s.by_user])
    taken = {*without, *(q for asked in questions for q in asked)}
    found = []
    for statement, asked in zip(statements, questions, strict=True):
        people = [n for n in names(statement.said, known) if not is_date(form(n.lower()))]
        turned: dict[str, str] = {}
        for question in () if statement.sentence else asked:
            instead = next((q for q in _turned(question, people, tied, statement.said) if q not in taken), None)
            if instead is not None:
                turned[question] = instead
                taken.add(instead)
        found.append(turned)
    return found


def _turned(question: str, people: Sequence[str], tied: Mapping[str, str], said: str) -> list[str]:
    """A question in other words."""
    if _ANY_NAME.search(question):
        return []
    new = []
    persons = [name for name in people if _is_somebody(name, said, tied)]
    whom = persons[0] if len(persons) == 1 or (persons and said.startswith(persons[0])) else None
    if whom is not None and _is_another_there(said, tied.get(whom)):
        whom = None
    if whom is not None and (instead := _with_name(question, whom)):
        new.append(instead)
    for name, role in tied.items():
        if name not in people and not re.search(rf"\b[Mm]y {re.escape(role)}\b", said):
            continue
        if re.search(rf"\b{re.escape(name)}\b", question):
            new.append(re.sub(rf"\b{re.escape(name)}\b", f"my {role}", question))
        elif re.search(rf"\bmy {re.escape(role)}\b", question):
            new.append(re.sub(rf"\bmy {re.escape(role)}\b", name, question))
    return [one[0].upper() + one[1:] for one in new]


def _is_another_there(said: str, role: str | None) -> bool:
    """Whether somebody without a name comes up beside whoever is this to the user: "he" may be either."""
    others = [match["role"] for match in _SOMEBODY.finditer(said)]
    return any(lemma(one.split()[-1].lower()) in PEOPLE and one.lower() != role for one in others)


def _is_somebody(name: str, said: str, tied: Mapping[str, str]) -> bool:
    """Whether a name is one person's or animal's: "Priyasha, who", "Dr Ames", or "she" comes up, and it is no place."""
    if " and " in name:
        return False
    at = re.search(rf"(?P<place>{_PLACE})?\b{re.escape(name)}\b(?P<who>, who\b)?", said)
    if name in tied or _TITLE.match(name) or (at is not None and at["who"]):
        return True
    return at is not None and not at["place"] and _THEY.search(said) is not None


def _with_name(question: str, name: str) -> str | None:
    """The question with a name for its first "he" or "she"; ``None`` where there is none, or somebody beside."""
    match = _THEY.search(question)
    if match is None or names(question) or any(lemma(word) in PEOPLE for word in words(question)):
        return None
    word = match.group(0).lower()
    own = word in ("his", "hers") or (word == "her" and _OWNED.match(question[match.end() :]) is not None)
    return question[: match.start()] + (f"{name}'s" if own else name) + question[match.end() :]
