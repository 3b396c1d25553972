"""Ties: what a name is to the user: "my sister Ana", "Ana's my sister", "I have a brother called Euan".

In come texts of a user, out come names with what they are to the user, where a name is one thing and one thing has one
name. It asks no model, and its words are English.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from langchain_selfparam.targets.naming import introductions, is_no_name
from langchain_selfparam.targets.parse import is_date, known_names
from langchain_selfparam.targets.things import PEOPLE, lemma
from langchain_selfparam.targets.vocabulary import COMMON, COURTESY, NOBODY
from langchain_selfparam.targets.worldly import is_worldly
from langchain_selfparam.words import composed, form

WORD = r"[^\W\d_][\w'-]*"
BIG = r"[^\W\d_a-z][\w'-]*[\w](?: [^\W\d_a-z][\w-]+)*"
_ROLE = rf"(?:{WORD} ){{0,2}}?{WORD}"
_CALLED = r"(?:'s name is|'s name's|,? (?:(?:who )?is |who's )?(?:called|named)|'s (?:called|named))"
_GIVE = (
    "teach teaches taught teaching give gives gave giving buy buys bought buying bring brought read reads reading send "
    "sent show showed feed make made cook cooked get got"
)
_NOT_GIVEN = "".join(rf"(?<!\b{verb} )" for verb in _GIVE.split())
"""Not behind these: "I teach my daughter Spanish"."""
_NOT_SURE = r"(?<!\bif )(?<!\bIf )(?<!whether )(?<!wish )(?<!think )(?<!unless )(?<!pretend )"
_CLOSES = r"(?=[.,;:!)]|$| (?:and|but|who|so|because|since|now|too)\b)"
"""Behind a name that ends there."""
_IS_ALL = (
    r"(?=[.,;:!)]|$| (?!in[ -]law\b|in crime\b)(?:and|but|who|whom|so|because|since|now|too|from|in|at|on|with|for|by"
    r"|here|there|he|she|they)\b)"
)
"""Behind what somebody is: "my dog walker" is no dog."""
_BEGINS = r"(?:(?<=^)|(?<=[.!?;] ))"
_OWN = r"(?:[Mm]y|[Oo]ur)"
_CALLED_SO = re.compile(rf"\b{_OWN} (?P<role>{_ROLE}){_CALLED} (?P<name>{BIG})")
_SAID = (re.compile(rf"{_NOT_GIVEN}\b{_OWN} (?P<role>{_ROLE}),? (?P<name>{BIG})"), _CALLED_SO)
_BESIDE = re.compile(
    rf"(?<!, )(?<![.!?] )\b(?P<name>{BIG}), (?:my|our) (?P<role>{_ROLE})(?=[.!;]|$|,(?! (?:and|or)\b))"
)
_WHO = (
    re.compile(rf"{_NOT_SURE}\b{_OWN} (?P<role>{_ROLE}) is (?P<name>{BIG}){_CLOSES}(?! (?:and|or) [^\W\d_a-z])"),
    re.compile(rf"{_BEGINS}(?:My|Our) (?P<role>{_ROLE})'s (?P<name>{BIG})(?=[.!]|$)"),
)
_PLAINLY = (
    *_WHO,
    re.compile(rf"\b(?P<name>{BIG})(?: is|'s) (?:my|our) (?P<role>{_ROLE}){_IS_ALL}"),
    _BESIDE,
    re.compile(rf"\b(?P<name>{BIG}) \((?:my|our) (?P<role>{_ROLE})\)"),
)
"""Where what is said might be something else: "My husband is Welsh.", "my dad's Rover"."""
_HAS = re.compile(
    r"\b(?:I|[Ww]e)(?:'ve(?: got| adopted)?| have(?: got| adopted)?| got| adopted| rescued| keep)"
    rf" (?:an?|one) (?P<role>{_ROLE})(?:,? (?:who is |who's )?(?:called|named)|,? whose name is) (?P<name>{BIG})"
    r"(?![\w'-]| (?:and|or) [^\W\d_a-z])"
)
_TWO_WORDS = re.compile(r"(?:(?:best|older|younger|elder|big|little|twin|half) \w+|guinea pig|\w+ in law)$")
_SEVERAL = re.compile(r"(?<!s)s$")
_TITLE = re.compile(r"(?:Mrs?|Ms|Dr|Prof|Miss|Aunt|Uncle)\b")
_IN_LAW = re.compile(r"(?:mother|father|brother|sister|son|daughter)[ -]in[ -]law$")
_INTRODUCED = r"(?:\b(?:called|named|nicknamed|names? (?:is|are)|name's)|\b[Cc]all (?:him|her|it)) (?:{0} and )?{1}\b"


_ONE_AT_A_TIME = frozenset(
    """babysitter boss boyfriend cleaner coach dentist doctor girlfriend gp hairdresser husband landlady landlord
    manager nanny partner physio supervisor therapist trainer tutor wife""".split()
)
"""What a new one takes the place of."""


def ties(texts: Iterable[str]) -> dict[str, str]:
    """Names to what they are to the user, where a name is one thing and one thing has one name.

    Args:
        texts: What the user has said.

    Returns:
        The ties, such as "Ana": "cousin".
    """
    said = [composed(text).replace("’", "'") for text in texts]  # noqa: RUF001
    known = known_names(said)
    roles: defaultdict[str, set[str]] = defaultdict(set)
    for text in said:
        for name, role in _found(text, known):
            if not (_is_person(role) and may_be_one(name)):
                continue
            bare = role.removeprefix("new ")
            new = bare != role and bare in _ONE_AT_A_TIME
            for other in roles.values() if new else ():
                other.discard(bare)  # "My new boss is ...": whoever was it before is it no more
            roles[name].add(bare if new else role)
    had = [found for text in said for found in _had(text)]
    sure = [(name, role) for name, those in roles.items() for role in those]
    for name, role in had:
        others = {one for other, one in (*sure, *had) if other != name}
        alone = " " in role or not _has_another(role, others, said)
        if _is_person(role) and may_be_one(name) and alone:
            roles[name].update(() if roles[name] else {role})
    names_of: defaultdict[str, set[str]] = defaultdict(set)
    for name, those in roles.items():
        for role in those:
            names_of[role].add(name)
    return {name: role for name, those in roles.items() for role in those if len(those) == len(names_of[role]) == 1}


def introduced(name: str, texts: Sequence[str]) -> bool:
    """Whether a name is the user's, or that of somebody or something in a text: "our cat Java", "a boat called Rome".

    Args:
        name: The name.
        texts: What was said.
    """
    said = [composed(text).replace("’", "'") for text in texts if name in text]  # noqa: RUF001
    if any(name in given for text in said for *_, given in introductions(text)):
        return True
    pattern = re.compile(_INTRODUCED.format(BIG, re.escape(name)))
    tied = (found for text in said for found in (*_found(text, [name]), *_had(text)))
    return any(map(pattern.search, said)) or any(one == name and _is_person(role) for one, role in tied)


def may_be_one(name: str) -> bool:
    """Whether a name may be somebody's, and is no day, title or other word with a capital letter."""
    lower = form(name.lower())
    return lower not in COMMON | NOBODY | COURTESY and not is_date(lower) and _TITLE.fullmatch(name) is None


def _found(text: str, known: Collection[str]) -> Iterator[tuple[str, str]]:
    for pattern in (*_SAID, *_PLAINLY):
        for match in pattern.finditer(text):
            name, role = re.sub(r"'s$", "", match["name"]), _cased(match["role"])
            role = role.removesuffix("'s") if pattern is _CALLED_SO else role
            others = match["role"].split()[1:]
            if any(w[0].isupper() and not w.isupper() and not is_worldly(w) for w in others):
                continue  # "My friend Jo's husband is called Ali"
            # "Unfortunately, my gran, who ...": nobody is called so elsewhere.
            sure = pattern is not _BESIDE or match.start() > 0 or name.split()[0] in known
            of_whom = pattern in _WHO and is_worldly(name)
            if pattern in _SAID or ("'" not in role and _is_a_name(name) and sure and not of_whom):
                yield name, role


def _had(text: str) -> Iterator[tuple[str, str]]:
    """Of "I have a brother called Euan": what the user would call him is "my brother"."""
    for match in _HAS.finditer(text):
        role = _cased(match["role"])
        short = _TWO_WORDS.search(role)
        yield re.sub(r"'s$", "", match["name"]), short.group(0) if short else role.split()[-1]


def _cased(role: str) -> str:
    """What somebody is in small letters, but for "GP" and "Danish"."""
    return " ".join(w if (len(w) > 1 and w.isupper()) or is_worldly(w) else w.lower() for w in role.split())


def _is_person(role: str) -> bool:
    if _SEVERAL.search(role):
        return False
    return role == "guinea pig" or lemma(role.split()[-1]) in PEOPLE or _IN_LAW.search(role) is not None


def _is_a_name(name: str) -> bool:
    """Whether it can only be a name: nobody's trade, people, faith or breed."""
    return not name.isupper() and not any(is_no_name(word) or lemma(word) in PEOPLE for word in name.split())


def _has_another(role: str, others: Iterable[str], said: Sequence[str]) -> bool:
    """Whether the user has, or may have, another one of what somebody with a name is."""
    head = re.escape(role.split()[-1])
    another = re.compile(
        rf"\b(?:another|other|second|third|younger|older|elder|first|two|three|four|five|both)\b(?: [\w-]+)? {head}s?\b"
        rf"|\b(?:my|our|all|these|those|the|of) (?:[\w-]+ )?(?:{head}e?s|{head[:-1]}ies)\b"
        r"|\b(?:an)?other(?: one)?,? (?:is |who is |who's )?(?:called|named)\b|\bone (?:is )?(?:called|named)\b",
        re.IGNORECASE,
    )
    return any(one.split()[-1] == role.split()[-1] for one in others) or any(map(another.search, said))
