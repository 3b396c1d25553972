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
from langchain_selfparam.targets.person import without_lead
from langchain_selfparam.targets.things import PEOPLE, lemma
from langchain_selfparam.targets.ties import WORD, ties
from langchain_selfparam.targets.vocabulary import KIN
from langchain_selfparam.targets.worldly import is_worldly
from langchain_selfparam.words import composed, form, words

_ANY_NAME = re.compile(r"\b(?:called|named?|who(?: or what)? (?:is|are|was)|know about|tell me)\b", re.IGNORECASE)
"""Asks who somebody is, which their name tells already."""
_THEY = re.compile(r"\b(?:he|she|him|his|her|hers)\b", re.IGNORECASE)
_SOMEBODY = re.compile(rf"\b(?:[Mm]y|[Oo]ur) (?P<role>(?:{WORD} )?[^\W\d_A-Z][\w-]*)(?!['’\w])(?!(?: is|,)? [A-Z])")  # noqa: RUF001
"""Somebody without a name."""
_OWN = re.compile(rf"\b(?:[Mm]y|[Oo]ur) (?P<role>{WORD}(?: {WORD})?)")
_SHE = frozenset(
    """aunt auntie aunty bridesmaid daughter ex-girlfriend ex-wife fiancee fiancée girlfriend goddaughter godmother gran
    granddaughter grandma grandmother granny great-aunt great-grandmother half-sister landlady mam mom mother mum mummy
    nan nana niece sister stepdaughter stepmom stepmother stepmum stepsister wife""".split()
)
_HE = frozenset(
    """boyfriend brother dad daddy ex-boyfriend ex-husband father fiance fiancé godfather godson granddad grandad
    grandfather grandpa grandson great-grandfather great-uncle half-brother husband landlord nephew son stepbrother
    stepdad stepfather stepson uncle""".split()
)
_HER, _HIM = re.compile(r"\b(?:she|hers?)\b", re.IGNORECASE), re.compile(r"\b(?:he|him|his)\b", re.IGNORECASE)
_FAMILY = re.compile(rf"(?<![Mm]y )(?<![Oo]ur )\b(?:{'|'.join([*KIN, 'Mama', 'Papa', 'Auntie', 'Aunty'])})\b(?! [A-Z])")
"""Somebody by what they are to the user, as by a name."""
_GOES_ON = re.compile(r"(?:He|She|His|Her)\b", re.IGNORECASE)
"""Begins what is said of whoever was spoken of before."""
_TITLE = re.compile(r"(?:Mrs?|Ms|Dr|Prof|Miss|Aunt|Uncle)\b")
_PLACE = r"\b(?:an?|above|around|at|behind|for|from|in|into|near|of|on|outside|the|through|to|towards|The) "
_OWNED = re.compile(r"\s+(?!(?:at|in|on|for|from|to|with|about|by|and|or|when|if|the|a|an|this|next|last)\b)\w")
"""Behind "her" where something is hers."""
_MADE = re.compile(r"\b(?:mak(?:es?|ing)|made|lets?|help(?:s|ed)?|saw|sees?|heard?|watch(?:es|ed)?) $", re.IGNORECASE)
"""Before "her" who does or is something: "What makes her laugh?"."""


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
    for number, (statement, asked) in enumerate(zip(statements, questions, strict=True)):
        people = [n for n in names(statement.said, known) if not is_date(form(n.lower()))]
        meant = _meant(statements, number, tied, known)
        turned: dict[str, str] = {}
        for question in () if statement.sentence else asked:
            others = _turned(question, people, tied, statement.said)
            if meant and _of(question, statement.said):
                others += filter(None, [_with_name(question, meant)])
            instead = next((q for q in others if q not in taken), None)
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
    whom = _only_one(question, persons, said, tied)
    # "She told Ana that she is ill.": Ana is not who it begins with.
    if whom is not None and (_is_another_there(said, whom, tied.get(whom)) or _GOES_ON.match(said)):
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


def _only_one(question: str, persons: Sequence[str], said: str, tied: Mapping[str, str]) -> str | None:
    """Whose the "he" or "she" of a question can be, where it can be only one's of those of whom something is said."""
    may_be = [name for name in persons if not _is_wrong(tied.get(name, ""), question)]
    if len(may_be) != 1:
        return None
    opens = re.match(rf"{re.escape(may_be[0])}(?! and\b)", said) is not None
    return may_be[0] if len(persons) == 1 or opens or _gender(tied.get(may_be[0], "")) else None


def _gender(role: str) -> re.Pattern[str] | None:
    """What stands for whoever is this to the user, where that is plain."""
    last = role.split()[-1].removesuffix("-in-law") if role else ""
    return _HER if last in _SHE else _HIM if last in _HE else None


def _is_wrong(role: str, question: str) -> bool:
    """Whether a question has "she" and somebody is a "he", or the other way round."""
    gender = _gender(role)
    return gender is not None and gender.search(question) is None and _THEY.search(question) is not None


def _is_another_there(said: str, whom: str, role: str | None) -> bool:
    """Whether somebody without a name comes up beside whoever is this to the user: "he" may be either."""
    if any(match.group(0) not in whom.split() for match in _FAMILY.finditer(said)):
        return True
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
    her = word == "her" and _OWNED.match(question[match.end() :]) and not _MADE.search(question[: match.start()])
    own = word in ("his", "hers") or bool(her)
    return question[: match.start()] + (f"{name}'s" if own else name) + question[match.end() :]


def _meant(statements: Sequence[Statement], number: int, tied: Mapping[str, str], known: Collection[str]) -> str | None:
    """Whom a turn that begins with "he" or "she" is about: the only one of whom the turn right before it spoke."""
    statement = statements[number]
    begins = _GOES_ON.match(without_lead(statement.said))
    before = [s for s in statements if s.turn_id == statement.turn_id - 1]
    if begins is None or statements[number - 1] not in before or not all(s.by_user for s in before):
        return None
    if _people_in(statement.said) or any(_is_somebody(n, statement.said, tied) for n in names(statement.said, known)):
        return None
    said = " ".join(s.said for s in before)
    found = [n for n in names(said, known) if not (is_date(form(n.lower())) or is_worldly(n) or _is_place(n, said))]
    roles = _mine(said)
    if len(found) == 1:
        whom, role = found[0], tied.get(found[0], "")
    elif not found and len(roles) == 1:
        whom, role = f"my {roles[0]}", roles[0]
    else:
        return None
    # Anybody beside, such as her husband, may be meant as well.
    if [w for w in _people_in(said) if w not in words(role)] or (role and len(_people_in(said)) != 1):
        return None
    her = _HER.match(begins.group(0)) is not None
    return whom if _is_of(role, said, her=her) else None


def _mine(said: str) -> list[str]:
    """Whom the user speaks of as theirs, without a name: "sister" of "my sister's ill" and of "my sister fell"."""
    text = composed(said).replace("’", "'")  # noqa: RUF001
    found = (re.findall(WORD, match["role"].lower()) for match in _OWN.finditer(text))
    plain = ([word.removesuffix("'s") for word in those] for those in found)
    ends = ((those, next((n for n, w in enumerate(those) if lemma(w) in PEOPLE), None)) for those in plain)
    return [" ".join(those[: n + 1]) for those, n in ends if n is not None]


def _is_of(role: str, said: str, *, her: bool) -> bool:
    """Whether somebody is a "she", or a "he": by what they are to the user, else by what is said of them."""
    if (gender := _gender(role)) is not None:
        return gender is (_HER if her else _HIM)
    return (_HER if her else _HIM).search(said) is not None and (_HIM if her else _HER).search(said) is None


def _of(question: str, said: str) -> bool:
    """Whether the "he" or "she" of a question is that with which a statement begins."""
    her = _HER.match(without_lead(said)) is not None
    return (_HIM if her else _HER).search(question) is None and (_HIM if her else _HER).search(said) is None


def _people_in(text: str) -> list[str]:
    return [word for word in words(text) if lemma(word) in PEOPLE]


def _is_place(name: str, said: str) -> bool:
    return re.search(rf"{_PLACE}{re.escape(name)}\b", said) is not None
