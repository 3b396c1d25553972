"""Frames: what somebody says their something is, or where it is: "My favourite colour is green", "The piano is here".

In comes a text, out come the places of its values, each with what it is a value of. One of the same thing may stand in
its place where something says that it has changed, or where both are said in the same words of what there is one of.
Its words are English.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator

from langchain_selfparam.targets.naming import is_no_name
from langchain_selfparam.targets.parse import is_date, names
from langchain_selfparam.targets.things import PEOPLE, clauses, lemma

_LEAD = (
    r"^\s*(?:(?:so|well|oh|no|sorry|wait|actually|correction|update|and|but|anyway|now|these days|nowadays"
    r"|from now on|in fact)\b[,:]?\s+)*"
)
_NO_VERB = (
    r"(?!(?:have|has|had|will|would|is|was|were|are|who|that|which|and|or|to|from|in|at|on|of|with|by|for|since|just|got"
    r"|been|be)\b)"
)
_WHAT = (
    r"(?P<owner>my|our|the|his|her|their|(?:my |our )?[\w-]+['’]s)"  # noqa: RUF001
    rf" (?P<what>{_NO_VERB}[\w'’-]+(?: {_NO_VERB}[\w'’-]+){{0,2}}?)"  # noqa: RUF001
)
_SURELY = r"(?: (?:now|actually|currently|really|already))*"
_LATER = (
    r"(?: (?:now|these days|nowadays|at the moment|actually|instead|from now on|after all|already"
    r"|recently|yesterday|today|last (?:week|month)))*"
)
_TAIL = rf"{_LATER}\s*$"
_VALUE = r"(?P<value>(?:the |an? |my |our )?[^\W\d_][\w'’&.-]*(?: [^\W\d_][\w'’&.-]*){0,3}?(?<![.]))"  # noqa: RUF001
_MOVED = (
    r"(?:moved|switched|shifted|transferred|relocated"
    r"|(?:had|have|decided|managed|agreed) to (?:move|switch|shift|transfer|relocate))"
)
_CHANGED_TO = re.compile(
    rf"\b(?:changed|switched|updated) {_WHAT}(?: from [\w'’ -]+?)? to {_VALUE}{_TAIL}",  # noqa: RUF001
    re.IGNORECASE,
)
_BEING = re.compile(
    rf"{_LEAD}{_WHAT} (?:is|was changed to|(?:has )?changed to|has become){_SURELY} {_VALUE}{_TAIL}", re.IGNORECASE
)
_IS_OURS = re.compile(
    rf"{_LEAD}{_VALUE}(?:['’]s| is| will be| has become){_SURELY} (?P<owner>my|our)"  # noqa: RUF001
    rf" (?P<what>[\w'’-]+(?: [\w'’-]+)??){_TAIL}",  # noqa: RUF001
    re.IGNORECASE,
)
"""The other way round, of whom there is one: "Lena is my boss now"."""
_BEING_IN = re.compile(
    rf"{_LEAD}{_WHAT} (?:is|will be|stands|lives|takes place){_SURELY} (?:being )?(?:held )?(?P<by>in|at|with)"
    rf" {_VALUE}(?: (?:on|every|and|since) .*)?{_TAIL}",
    re.IGNORECASE,
)
_INTO = re.compile(
    rf"\b{_MOVED} {_WHAT}(?: over)?(?: from (?:the )?[\w'’ -]+?)? (?:in)?to {_VALUE}{_TAIL}"  # noqa: RUF001
    rf"|{_LEAD}{_WHAT.replace('owner', 'owner_').replace('what', 'what_')} (?:(?:was|has|is|got|been|being|just) )*"
    rf"{_MOVED}(?: over)?(?: from (?:the )?[\w'’ -]+?)? (?:in)?to {_VALUE.replace('value', 'value_')}{_TAIL}",  # noqa: RUF001
    re.IGNORECASE,
)
_NOT_BUT = re.compile(
    rf"(?:^|(?<=[.!?;,] )){_WHAT} (?:is not|isn['’]t|is no longer|was not|wasn['’]t) [^.,;:!?]{{1,40}}?"  # noqa: RUF001
    rf"(?:,? but|, (?:it|that|he|she)(?:['’]s| is)) (?:now )?{_VALUE}{_LATER}\s*(?=[.!]|$)",  # noqa: RUF001
    re.IGNORECASE,
)
_FOOD = r"(?P<value>(?!(?:all|any|both|everything|it|many|most|no|some|that|them|this|those|two)\b)[a-z][\w-]+)"
_NO_LIST = r"(?!\w|,? (?:and|or)\b|, (?!not\b|so\b|but\b|because\b|I\b|we\b|he\b|she\b)\w+)"
_ALLERGIC = re.compile(
    rf"(?P<who>I|[\w'’-]+?)(?:['’]m|['’]s| am| is) (?:(?P<not>not) |(?:badly|very|highly|actually|really) )*"  # noqa: RUF001
    rf"allergic to {_FOOD}(?(not)(?P<but>,? but)(?: to)? (?P<other>[a-z][\w-]+){_NO_LIST}|{_NO_LIST})"
    rf"|\bit(?:['’]s| is) {_FOOD.replace('value', 'value_')} that (?P<who_>I|[\w'’-]+?)"  # noqa: RUF001
    r"(?:['’]m|['’]s| am| is) allergic to\b",  # noqa: RUF001
    re.IGNORECASE,
)
_PROVIDED = frozenset(
    "account broadband contract electricity energy insurance internet mortgage pension policy".split()
)
"""What somebody has with a firm."""
_ATTRIBUTES = frozenset(
    "alias brand color colour hobby nickname password profession role subject theme title topic username".split()
)
_FAVOURITE = frozenset("favourite favorite preferred go-to".split())
_SORTS = frozenset(
    """activity animal bird breakfast cake cheese coffee color colour cuisine dessert dinner drink exercise
    flavor flavour flower food fruit genre herb hobby instrument language lunch meal pet pudding season snack
    spice sport subject sweet tea topping tree vegetable""".split()
)
"""Of which a favourite is one sort; a favourite jumper may be blue and small."""
_COLOURS = frozenset(
    """amber beige black blue bronze brown burgundy charcoal cream crimson cyan gold gray green grey indigo
    ivory khaki lavender lilac magenta maroon mauve mint mustard navy ochre olive orange peach pink plum purple
    red rose rust salmon scarlet silver teal terracotta turquoise vermilion violet white yellow""".split()
)
_STATES = frozenset(
    """able about alive also amazing angry another as at away awful back bad better boring both broken busy by
    cheap clean closed cold complete dead delicious different difficult dirty done dry due easy empty excellent
    expensive fine finished for free from full fun gone good great happy hard here homemade hot how ill in late
    less like lost mine missing more much my near nice no not off okay old on open or other our out outside over
    overdue pregnant quiet ready retired ruined sad safe same shut sick so sold some stale still strange
    stressful terrible than that there tired to too unavailable unknown up very warm weird wet what where which
    who with wonderful worse wrong yours""".split()
)
"""What is not its name or kind but how it is."""
_ADJECTIVES = frozenset(
    """african american anglican arab arabic argentinian asian australian austrian bavarian belgian bolivian
    brazilian brit british bulgarian canadian catholic chilean christian colombian croatian cuban czech dane
    danish dutch egyptian english estonian ethiopian european finn french gaelic german ghanaian greek hebrew
    hindu hungarian indian indonesian iranian iraqi israeli italian jamaican jewish kenyan korean latin latvian
    lithuanian malaysian methodist mexican mormon moroccan muslim nigerian norwegian orthodox pakistani parisian
    persian peruvian protestant quaker roman romanian russian scot scottish serbian sikh slovak slovenian
    spaniard swede swiss syrian thai tunisian turk ukrainian venezuelan welsh""".split()
)
"""What somebody is, and not who: with those on "ish", "ese" and "ist"."""
_NOWHERE = frozenset(
    """afternoon another autumn back beginning bottom calendar christmas date day diary different easter end
    evening fall following front future hour january later left limit list lunch lunchtime max maximum minimum
    minute moment month morning new next night noon online other phone point quarter right season side skype
    somebody someone somewhere spring start summer teams term time today tomorrow top way week weekend winter
    year zoom""".split()
)
"""Where nothing is to be found."""
ONE = frozenset(
    """address age anniversary bedtime birthday boss budget code curfew dad date deadline dose e-mail email
    father fee gym height hobby honeymoon husband landlady landlord manager mobile mom mother mum nickname
    number partner password phone pin postcode price rent retirement role salary surgery title username viva
    wedding weight wife""".split()
)
"""Of which somebody has one, or the last that they name is the one."""


ROLES = frozenset(
    """babysitter captain childminder cleaner coach dentist doctor drummer gp hairdresser instructor landlady manager
    nanny neighbor neighbour physio physiotherapist supervisor teacher therapist trainer tutor vet""".split()
)
"""Whom somebody else takes over from: a new one stands for the old one, although there may be two."""
_WHOM = ROLES | frozenset("boss husband landlord partner wife".split())
"""Of these somebody may be said to be one: "Lena is my boss"."""
_NOBODY = frozenset("Anybody Anyone Everybody Everyone Life Money Nobody Somebody Someone Time Work".split())
_HOW = re.compile(
    r"\w{3}(?:able|ible|ful|less|ous|ive|where)$|^(?:cheap|big|small|old|new|long|short|hard|easi|nic|warm|cold)\w*er$"
    r"|^(?:vegan|vegetarian)$"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """A value with what it is a value of."""

    start: int
    end: int
    kind: str
    named: bool


@functools.lru_cache(maxsize=4096)
def frames(text: str) -> tuple[Frame, ...]:
    """What a text says that something is, or where it is, in order."""
    people = frozenset(name for name in names(text) if not is_date(name))
    found = [frame for start, end in clauses(text) for frame in _of_clause(text[start:end], start, people)]
    found += [_allergic(match) for match in _ALLERGIC.finditer(text)]
    for match in _NOT_BUT.finditer(text):
        found += _being(match, 0, people)
    return tuple(found)


def _of_clause(clause: str, at: int, people: frozenset[str]) -> Iterator[Frame]:
    if match := _BEING.match(clause) or _CHANGED_TO.search(clause):
        yield from _being(match, at, people)
    elif (match := _IS_OURS.match(clause)) and _head(match["what"]) in _WHOM and _is_named(match["value"], people):
        yield from _being(match, at, people | {match["value"]})
    if (match := _BEING_IN.match(clause)) and (match["by"] != "with" or _head(match["what"]) in _PROVIDED):
        yield from _place(match, "", at, people)
    if match := _INTO.search(clause):
        yield from _place(match, "" if match["value"] else "_", at, people)


def _is_named(value: str, people: frozenset[str]) -> bool:
    """Whether it is somebody's name, also where it opens a sentence, as which any word might."""
    said = value.split()
    return value in people or (value.istitle() and _NOBODY.isdisjoint(said) and not any(map(is_no_name, said)))


def _being(match: re.Match[str], at: int, people: frozenset[str]) -> Iterator[Frame]:
    named = _may_be(match["what"], match["value"], people)
    if named is not None:
        kind = f"is {_of(match['owner'], match['what'])}"
        yield Frame(at + match.start("value"), at + match.end("value"), kind, named)


def _allergic(match: re.Match[str]) -> Frame:
    part = next(name for name in ("other", "value_", "value") if match[name])
    who = (match["who"] or match["who_"]).lower()
    return Frame(match.start(part), match.end(part), f"allergic {'me' if who == 'i' else lemma(who)}", named=False)


def _place(match: re.Match[str], other: str, at: int, people: frozenset[str]) -> Iterator[Frame]:
    value, what = match[f"value{other}"], match[f"what{other}"]
    told = _words(value)
    named = re.sub(r"^the ", "", value, flags=re.IGNORECASE) in people
    if any(lemma(w) in PEOPLE for w in what.lower().split()) or any(w in _NOWHERE or is_date(w) for w in told):
        return
    kind = f"place {_of(match[f'owner{other}'], what)}"
    if named or (value.lower().startswith("the ") and _STATES.isdisjoint(told)):
        yield Frame(at + match.start(f"value{other}"), at + match.end(f"value{other}"), kind, named)


def _may_be(what: str, value: str, people: frozenset[str]) -> bool | None:
    """Whether a value is a name; ``None`` where it may say how something is and not what."""
    told = _words(value)
    if re.sub(r"^the ", "", value, flags=re.IGNORECASE) in people:
        return None if len(told) == 1 and _is_of_many(told[0]) else True
    first, head = what.lower().split()[0], _head(what)
    if not told or any(w in _STATES or _HOW.search(w) or (is_date(w) and head != "season") for w in told):
        return None
    if value.lower().startswith(("my ", "our ")) or re.search(r"\w{3}ed$|\w{3}ing$", told[-1]):
        return None
    if told[-1] in _COLOURS and (len(told) == 1 or not re.match(r"an? ", value)):
        return None if head == "light" else False
    if head == "job":
        return (
            False if re.match(r"an? \w+(?:er|or|ist|ian|ant|ent|man|woman|nurse|vet|chef|cook|clerk)$", value) else None
        )
    return False if (first in _FAVOURITE and head in _SORTS) or head in _ATTRIBUTES else None


def _is_of_many(word: str) -> bool:
    return word in _ADJECTIVES or re.search(r"\w{2}(?:ish|ese|ist)$", word) is not None


def _of(owner: str, what: str) -> str:
    """Whose and what, as it is compared; a new boss is the boss."""
    whose = owner.lower()
    if whose in {"my", "our", "the"}:
        whose = "me"
    elif whose in {"his", "her", "their"}:
        whose = "them"
    said = what.lower().split()
    if said[0] == "new" and len(said) > 1 and (said[1] in _FAVOURITE or said[-1] in ONE | ROLES):
        said = said[1:]
    return " ".join([lemma(whose), *map(lemma, said)])


def _head(what: str) -> str:
    return what.lower().split()[-1]


def _words(value: str) -> list[str]:
    return [w for w in re.findall(r"[\w'’-]+", value.lower()) if w not in {"the", "a", "an", "my", "our"}]  # noqa: RUF001
