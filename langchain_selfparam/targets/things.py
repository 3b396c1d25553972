"""Things: what a text speaks of, each with whose it is and which one: Anna's piano lesson in the hall.

In comes a text, out come its things. Two statements speak of one thing where the last words of its names are the same
and neither says that it is another: the piano lesson and the guitar lesson are two. Its words are English.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Collection, Iterator

from langchain_selfparam.targets.parse import is_date, telling
from langchain_selfparam.targets.vocabulary import SOMEBODY

_TOKEN = re.compile(r"[^\W_]+(?:['’,.:-][^\W_]+)*|[^\s\w]")  # noqa: RUF001
_CLAUSE = re.compile(
    r"[,;:()–—.!?]+(?=\s|$)|\s-\s"  # noqa: RUF001
    r"|\s(?=(?:and|but|so|or) (?:I|we|he|she|it|they|my|our|the|there|now|that)\b)"
    r"|\s(?=(?:because|since|while|when|which|who|although|though|if|unless|whereas)\b)",
    re.IGNORECASE,
)
_VERBS = frozenset(
    """arrive arrives attend attends begin begins close closed closes cost costs depart departs drive drives eat eats
    end ends finish finishes fetch gives happen happens live lives meet meets open opens owns pay pays play plays run
    runs sees sleep sleeps start starts started walks works work leave leaves left turned turns weighs wakes came
    arriving beginning closing coming departing ending finishing leaving opening starting""".split()
)
_SHARED_VERBS = frozenset("attend eat driv liv own play run sleep walk work pay".split())
_NOTHING = re.compile(
    r"congratulations|date|day|glad|good|hope|hour|kilo|kilometre|metre|mile|minut|month|morning|name|night|not|noted?"
    r"|number|place|plac|pound|sorry|sound|sum|thank|tim|time|today|tomorrow|twis|understood|week|year|dollar|euro|evening"
    r"|mg|mcg|kg|km|cm|mm|ml|mins?|hr|kcal|mph|gb|mb|tb|lb|percent|actually|nowaday|just|already|early|earli|late|later|wrong|mistak|mistake|remember|enjoy"
    r"|appreciat|luck|fun|welcom|wonderful|great|nic|afternoon|clock|next|bett|news|all|no|yes|ok|okay|pleas|tell|old"
    r"|don|doesn|have|moment|everyth|everything|someth|something|anyth|anything|anyway|unfortunately|finally|lead"
    r"|recently|instead|permanently|usually|normally|generally|typically|[\d,.:/-]+|.*\d.*"
)
"""Lemmas that statements have in common by chance."""
_CALL = re.compile(r"\b(?:the|a|an|my|our|his|her|their) (?:\w+ )?call\b", re.IGNORECASE)
"""A word that is common elsewhere and tells nothing there."""
_PREPOSITIONS = frozenset("about at by for from in near of to with".split())
_ARTICLES = frozenset("the a an my our his her their its your this that these those".split())
_OWNERS = {**dict.fromkeys(("my", "our"), "me"), **dict.fromkeys(("his", "her", "their", "its"), "them")}
WHICH = frozenset("back best first last little next other second".split())
"""Common words that tell one thing from another."""
_SUBJECTS = {
    **dict.fromkeys(("i", "we", "i'm", "i've", "i'd", "i'll", "we're", "we've", "we'll", "we'd"), "me"),
    **dict.fromkeys(("he", "she", "he's", "she's", "he'll", "she'll", "he'd", "she'd"), "them"),
    **dict.fromkeys(("it", "it's", "it'll", "it'd", "that", "that's", "that'll", "this"), "it"),
    **dict.fromkeys(("they", "they've", "they're", "they'll", "they'd", "there", "there's", "there'll"), "it"),
}
_EITHER = frozenset("book call coach cook fly park ring shop train watch".split())
"""Lemmas of words that mean one thing as a verb and another as a noun, and not as a race is what is raced."""
_BEFORE_A_DEED = frozenset(
    """always and can can't could didn't don't let's may might must never not often only or rarely should sometimes to
    usually will won't would""".split()
)
_BEHIND = _PREPOSITIONS | frozenset("after before during on since under until".split())
"""Before a thing that its clause is not about: "Because of the heat", "at the library"."""


@dataclasses.dataclass(frozen=True, slots=True)
class Thing:
    """A thing that a text speaks of, in lemmas: the last word of its name and what tells it from others."""

    head: str
    before: frozenset[str]
    owner: str
    """Whose: "me", "them", a lemma, or empty."""
    after: frozenset[str]
    start: int
    name: bool
    done: bool
    """Whether it looks like something that is done and not something that there is: "we practise"."""
    deed: bool
    """Whether its word means another thing than it would of something that there is: "we train"."""

    @property
    def words(self) -> frozenset[str]:
        """All of what it is called."""
        return self.before | {self.head}

    @property
    def person(self) -> bool:
        """Whether it is somebody, or may be."""
        return self.name or self.head in PEOPLE


def lemma(word: str) -> str:
    """What forms of a word have in common: lessons, lesson; practise, practice, practised."""
    word = re.sub(r"['’]s?$", "", word.lower())  # noqa: RUF001
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if re.search(r"(?:ss|ch|sh|x)es$", word):
        word = word[:-2]
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    softened = re.search(r"c(?:e|ed|ing)$", word) is not None
    for ending, least in (("ing", 6), ("ed", 5)):
        if len(word) >= least and word.endswith(ending):
            word = word[: -len(ending)]
            if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    return word[:-1] + "s" if softened and word.endswith("c") else word


PEOPLE = frozenset(map(lemma, SOMEBODY))
_LIGHT = frozenset(verb for verb in _VERBS if lemma(verb) not in _SHARED_VERBS)


@functools.lru_cache(maxsize=4096)
def words(text: str) -> frozenset[str]:
    """Lemmas of what a text says, those left out that all texts may share."""
    which = {w for m in _TOKEN.finditer(text) if (w := m.group(0).lower()) in WHICH}
    called = {"call"} if _CALL.search(text) else set()
    found = (lemma(w) for w in {*telling(text), *called} if not is_date(w) and w not in _LIGHT)
    return frozenset(w for w in found if not _NOTHING.fullmatch(w)) | which


def clauses(text: str) -> Iterator[tuple[int, int]]:
    """Where each clause of a text begins and ends."""
    start = 0
    for match in _CLAUSE.finditer(text):
        yield start, match.start()
        start = match.end()
    yield start, len(text)


@functools.lru_cache(maxsize=4096)
def things(text: str) -> tuple[Thing, ...]:
    """What a text speaks of, in order."""
    tokens = [(m.group(0), m.start()) for m in _TOKEN.finditer(text)]
    found: list[tuple[Thing, int, int]] = []
    at, owner = 0, ""
    while at < len(tokens):
        first = at
        while at < len(tokens) and (_content(tokens[at][0]) or _is_a_call(tokens, at)):
            at += 1
            if re.search(r"['’]s$", tokens[at - 1][0]) or _opens_a_name(tokens, at):  # noqa: RUF001
                break
        if first == at:
            at, owner = at + 1, ""
            continue
        own = [lemma(t) for t, _ in tokens[first:at]]
        if re.search(r"['’]s$", tokens[at - 1][0]) and at < len(tokens) and _content(tokens[at][0]):  # noqa: RUF001
            owner = "" if is_date(own[-1]) else own[-1]
            continue
        previous = tokens[first - 1][0].lower() if first else ""
        thing = Thing(
            head=own[-1],
            before=frozenset([*own[:-1], *({previous} & WHICH)]),
            owner=owner or _OWNERS.get(previous, ""),
            after=frozenset(),
            start=tokens[first][1],
            name=tokens[at - 1][0][:1].isupper() and previous not in {"", ".", "!", "?", ":"},
            done=at == first + 1 and _SUBJECTS.get(previous) is not None,
            deed=_is_a_deed(tokens, at - 1),
        )
        found.append((thing, first, at))
        owner = ""
    return tuple(_with_after(thing, end, tokens, found) for thing, _, end in found)


def subject(clause: str) -> str:
    """Who or what a clause is about: "me", "them", "it", a lemma, or empty."""
    behind = passed = False
    for match in _TOKEN.finditer(clause):
        word = match.group(0).lower().replace("’", "'")  # noqa: RUF001
        if word in _SUBJECTS:
            return _SUBJECTS[word]
        if word in _BEHIND:
            behind, passed = True, False
        elif _content(match.group(0)):
            if not behind:
                first = things(clause[match.start() :])[:1]
                return first[0].head if first else ""
            passed = True
        elif word in _VERBS:
            return ""
        elif passed:
            behind = passed = False
    return ""


def verbs(text: str) -> frozenset[str]:
    """Lemmas of what is done that says as much as a thing would."""
    found = (lemma(m.group(0)) for m in _TOKEN.finditer(text) if m.group(0).lower() in _VERBS)
    return frozenset(w for w in found if w in _SHARED_VERBS)


def done(text: str) -> frozenset[str]:
    """Lemmas of what is done, also of what says little: to start, to open."""
    return frozenset(lemma(m.group(0)) for m in _TOKEN.finditer(text) if m.group(0).lower() in _VERBS)


def differ(old: Thing, new: Thing, before: Collection[str], later: Collection[str]) -> bool:
    """Whether two things of one name are not the same one, or it is not clear that they are.

    Args:
        old: That of the earlier statement.
        new: That of the later one.
        before: Lemmas of the earlier statement.
        later: Those of the later one.

    Returns:
        Whether the later one says whose or which it is, and the earlier one does not say so.
    """
    if old.deed != new.deed:
        return True
    if new.owner == "me":
        other = old.owner not in {"", "me"}
    elif new.owner == "them":
        other = old.owner == "me"
    else:
        other = bool(new.owner) and new.owner not in before
    if other or (new.owner and old.owner not in {"", "me", "them", new.owner} and new.owner not in {"them"}):
        return True
    which = {w for w in new.before | new.after if w not in before}
    return bool(which) and (not old.done or any(w not in later for w in old.before))


def _content(token: str) -> bool:
    word = token.lower()
    return (
        token[0].isalpha()
        and bool(telling(token))
        and word not in _VERBS
        and word.replace("’", "'") not in _SUBJECTS  # noqa: RUF001
        and not is_date(word)
        and not _NOTHING.fullmatch(lemma(token))
    )


def _is_a_call(tokens: list[tuple[str, int]], at: int) -> bool:
    return tokens[at][0].lower() == "call" and at > 0 and tokens[at - 1][0].lower() in _ARTICLES


def _is_a_deed(tokens: list[tuple[str, int]], at: int) -> bool:
    """Whether a word that may be either is something that is done there."""
    word = tokens[at][0].lower()
    if lemma(word) not in _EITHER:
        return False
    if at > 1 and tokens[at - 1][0] == ",":
        at -= 1  # where "now" was
    previous = tokens[at - 1][0].replace("’", "'") if at else ""  # noqa: RUF001
    if previous.lower() in _SUBJECTS or previous.lower() in _BEFORE_A_DEED:
        return True
    return re.search(r"(?:ing|ed)$", word) is not None or (previous[:1].isupper() and word.endswith("s"))


def _opens_a_name(tokens: list[tuple[str, int]], at: int) -> bool:
    """Whether a name begins there behind a word that is none: "I collect Ysolde"."""
    return at < len(tokens) and tokens[at][0][0].isupper() and tokens[at - 1][0][0].islower()


def _with_after(thing: Thing, end: int, tokens: list[tuple[str, int]], found: list[tuple[Thing, int, int]]) -> Thing:
    """With what follows it: the train to Lyon, the birthday of my aunt, the train back, the lesson next week."""
    if end < len(tokens) and tokens[end][0].lower() in {"back", "next"}:
        return dataclasses.replace(thing, after=frozenset({tokens[end][0].lower()}))
    if " ".join(token.lower() for token, _ in tokens[end : end + 2]) in {"after that", "after this", "before that"}:
        return dataclasses.replace(thing, after=frozenset({"after"}))
    if end >= len(tokens) or tokens[end][0].lower() not in _PREPOSITIONS:
        return thing
    at = end + 1
    while at < len(tokens) and tokens[at][0].lower() in _ARTICLES:
        at += 1
    other = next((o for o, first, _ in found if first == at), None)
    if other is None:
        return thing
    if tokens[end][0].lower() == "of" and other.head in PEOPLE:
        return dataclasses.replace(thing, owner=other.head)
    return dataclasses.replace(thing, after=other.words)
