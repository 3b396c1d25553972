"""Whether users give their own name: "My name is Łukasz." does, "This is Tom's car." does not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from langchain_selfparam.targets.language import as_said, within
from langchain_selfparam.targets.vocabulary import COMMON, COURTESY, DATES
from langchain_selfparam.targets.worldly import is_worldly
from langchain_selfparam.words import LETTERS, composed

_ONE = rf"{LETTERS}(?:['’-]{LETTERS})*"  # noqa: RUF001
_NAME = rf"(?=(?P<name>{_ONE}(?: {_ONE}){{0,3}}))"
_OWN = r"my (?:(?:full|first|last|given|family|middle|real|legal|proper) )?name"
_SAID = re.compile(
    r"(?<!n't )(?<!n’t )(?<!not )(?<!never )"  # noqa: RUF001
    rf"(?:\b(?:{_OWN}(?: is|['’]s)(?: called)?|call me|i(?:['’]m| am) called)"  # noqa: RUF001
    rf"|^(?:(?:hey|hi|hello|yo)\b)?[,!.]? ?name['’]?s) {_NAME}",  # noqa: RUF001
    re.IGNORECASE,
)
"""Leaves no doubt, even of a name in small letters."""
_CALLED = re.compile(
    r"\b(?:[Tt]he name['’]s|[Ii] go by|(?:[Ee]very(?:one|body)|[Pp]eople|[Tt]hey|(?:[Mm]y )?[Ff]riends) calls? me)"  # noqa: RUF001
    rf" {_NAME}"
)
_UNWANTED = re.compile(
    r"\b(?:do(?:n['’]?t| not)(?! (?:mind|care)\b)|never|hates?|dislikes?|stop|can['’]?t stand|annoy\w*)\b[^.!?,;]*$",  # noqa: RUF001
    re.IGNORECASE,
)
"""Before what somebody does not want to be called."""
_HELLO = (
    r"^(?:(?:[Hh]ello|[Hh]i|[Hh]ey|[Yy]o|[Mm]orning|[Aa]fternoon|[Ee]vening|[Gg]reetings"
    r"|[Gg]ood (?:morning|afternoon|evening))(?: (?:there|again|all|everyone|folks))?[,!.]? )?"
)
_SPEAKS = re.compile(
    rf"{_HELLO}(?:[Ii]t(?:['’]s| is) )?(?P<name>{_ONE}(?: {_ONE})?) (?:here(?: again)?|speaking)\b"  # noqa: RUF001
    r"(?=[.,:;!–—]| [-–—] |$)"  # noqa: RUF001
)
_IS_MINE = re.compile(rf"(?:^|(?<=[.!?,;] ))(?P<name>{_ONE}(?: {_ONE})?) is {_OWN}\b(?=[.,;!]|$| (?:and|but)\b)")
_AM = re.compile(rf"\b[Ii](?:['’]m| am) {_NAME}")  # noqa: RUF001
_AGED = re.compile(
    rf"^(?:[Hh]i|[Hh]ey|[Hh]ello|[Yy]o)\b[,!.]? [Ii]['’]?m {_NAME}"  # noqa: RUF001
    rf"(?<=[Mm] )(?={_ONE}, \d\d(?:,|[.!]?$| and\b| from\b))"
)
"""With how old they are: "im teo, 34, from Cork"."""
_HERE = re.compile(rf"{_HELLO}(?:[Tt]his is|[Ii]t['’]?s(?= [\w'’-]+,? \d\d,? from )) {_NAME}")  # noqa: RUF001
_OF_ONES_NAME = re.compile(
    rf"\b{_OWN}\b|\bmy (?:maiden name|nickname|surname)\b|\b(?:call me|i(?:['’]m| am| was) (?:called|named)|i go by)\b"  # noqa: RUF001
    r"|\b(?:me llamo|mi nombre|je m['’]appelle|mon nom|ich hei(?:ß|ss)e|mein name|mi chiamo|meu nome|jag heter"  # noqa: RUF001
    r"|ik heet|меня зовут)\b|我叫|मेरा नाम",
    re.IGNORECASE,
)
_OF_OTHERS = re.compile(r",? (?:my|our|his|her|their|the|an?)\b")
"""Behind "This is Biscuit"."""
_LISTED = re.compile(r"[ ]*(?:$|[.!?,;:)]|(?:and|but|from)\b)", re.IGNORECASE)
"""What follows a name in small letters: "my name is hard to spell" has none."""
_NOT_BEHIND = re.compile(r"['’](?:s\b|\s+\w)| (?:of|at|to|in)\b")  # noqa: RUF001
_NEXT = re.compile(rf" ({_ONE})")
_ALSO_NAMES = frozenset({"an", "may", "will"})
_NO_NAMES = frozenset(
    """african albanian algerian american anglican arab argentinian asian atheist australian austrian autistic baptist
    basque bavarian belgian bengali bolivian bosnian brazilian british buddhist
    bulgarian californian canadian catholic chilean chinese christian colombian cornish croatian cuban czech danish
    democrat dutch egyptian english estonian ethiopian european filipino finnish french german greek hindu hispanic
    hungarian icelandic indian indonesian iranian iraqi irish israeli italian jamaican japanese jew jewish kenyan
    korean latina latino latvian lebanese lithuanian londoner lutheran malaysian methodist mexican mormon moroccan
    muslim nigerian norwegian pakistani parisian peruvian polish portuguese protestant quaker republican romanian
    russian saudi scottish serbian sicilian sikh slovak slovenian sorry spanish sudanese swedish swiss syrian texan thai
    tunisian turkish type ukrainian vegan vegetarian vietnamese welsh""".split()
)
_TRADES = frozenset(
    """captain chair chairman chef chief deputy director engineer head junior lead leader manager officer president
    secretary senior staff team treasurer vice
    dead divorced married pregnant retired single
    aquarius aries capricorn gemini libra pisces sagittarius scorpio taurus virgo
    conservative green labour liberal socialist tory
    air army deaf force forces marine marines navy police reception year
    alsatian beagle bulldog cocker collie corgi dachshund dalmatian labrador persian pitbull poodle pug retriever
    rottweiler shepherd siamese spaniel staffie terrier whippet husky border""".split()
)
"""What somebody may be, written as a name: "My boss is Head of Sales", "my dog is Labrador"."""
_NEVER = frozenset(
    """back crazy difficult good hard important later maybe misspelled misspelt monday old-fashioned pronounced secret
    spelled spelt stupid sunday thursday today tomorrow tonight tuesday unusual wednesday friday saturday""".split()
)
"""What may stand in a name's place: "Call me Monday morning", "my name is important"."""
_SPEAKING = frozenset({"speaking"})
_SEASONS = frozenset(
    """autumn dawn fall lunchtime midday midnight midsummer midwinter motivational native noon public spring summer
    winter""".split()
)
"""What may be here, and what speaking may be, besides somebody."""
_ADVERB = 7
"""Letters from which a word that ends in -ly is no name."""
_NAMED_SO = frozenset(("beverly", "kimberly"))


def introductions(said: str) -> Iterator[tuple[int, int, str]]:
    """Where in a text the user gives their name: begin and end of each place, and the name.

    Args:
        said: As the user said it.

    Yields:
        In order, with the words that lead to the name.
    """
    said = composed(said)
    kept = as_said(said)
    for pattern in (_SAID, _AGED, _AM, _HERE, _CALLED, _SPEAKS, _IS_MINE):
        for match in pattern.finditer(said):
            if within(match.start(), kept):
                continue  # somebody else's: Karl wrote: "I'm Karl."
            name = _name(match, said, sure=pattern in (_SAID, _AGED))
            if pattern is _AGED and (name.lower() in _NO_NAMES | _TRADES or name.endswith(("ed", "ing"))):
                continue
            if "call" in match.group(0).lower() and _UNWANTED.search(said[: match.start()]):
                continue
            if pattern in (_SPEAKS, _IS_MINE) and (name != match["name"] or _is_none(name)):
                continue
            shown = pattern is _HERE and _OF_OTHERS.match(said, match.start("name") + len(name))
            if name and not shown:
                yield match.start(), match.start("name") + len(name), name


def introduces(said: str) -> bool:
    """Whether the user gives their name in it."""
    return any(True for _ in introductions(said))


def of_ones_name(said: str) -> bool:
    """Whether it is about the user's own name, in whatever way it gives it."""
    return _OF_ONES_NAME.search(composed(said)) is not None


def is_no_name(word: str) -> bool:
    """Whether a word with a capital letter says what somebody is and not who."""
    lower = word.lower()
    return not word[:1].isupper() or lower in _NO_NAMES | _NEVER | _TRADES | COURTESY | COMMON - _ALSO_NAMES


def _name(match: re.Match[str], said: str, *, sure: bool) -> str:
    """The name at a place where there may be one, nothing where there is none."""
    words = match.group("name").split(" ")
    size = next((n for n, word in enumerate(words) if not _may_be(word, first=n == 0, sure=sure)), len(words))
    if size == 0 and sure and (words[0].islower() and words[0].lower() not in COMMON | _NEVER | COURTESY):
        size = next((n for n, word in enumerate(words) if word in COMMON or not word.islower()), len(words))
        size = size if _LISTED.match(said, match.start("name") + len(" ".join(words[:size]))) else 0
        return " ".join(words[:size]) if size <= 2 else ""
    name = " ".join(words[:size])
    behind = said[match.start("name") + len(name) :]
    if not name or re.search(r"['’]s$", name) or _NOT_BEHIND.match(behind):  # noqa: RUF001
        return ""
    following = _NEXT.match(behind)
    # "I'm Windows certified": who gives a name goes on with a stop or a word such as "and".
    word = following.group(1).lower() if following else ""
    return name if sure or not word or word in COMMON | _SPEAKING or word.isdigit() else ""


def _is_none(name: str) -> bool:
    """Whether it is a day, a season or a manner and no name: "It's Easter here", "Generally speaking"."""
    lower = name.lower()
    manner = lower.endswith("ly") and len(lower) >= _ADVERB and lower not in _NAMED_SO
    return manner or lower in _SEASONS | DATES or is_worldly(name)


def _may_be(word: str, *, first: bool, sure: bool) -> bool:
    """Whether a word is written as a name and is no other that is."""
    lower = word.lower()
    # Scripts without capital letters have them nowhere; then only "my name is" tells.
    big = word[0].isupper() or word[0].istitle() or (sure and not word[0].islower() and word[0].isalpha())
    if not big or lower in _NO_NAMES | _NEVER | COURTESY or lower.startswith(("i'", "i’")) or lower == "i":  # noqa: RUF001
        return False
    shouted = len(word) > 1 and word.isupper() and not sure
    return not shouted and (lower not in COMMON or lower in _ALSO_NAMES or (sure and not first))
