"""Changes: what says that something is different now, and which values are those that are so no longer.

In comes a text, out comes what it says of a change. Its words are English.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from langchain_selfparam.targets.frames import ROLES
from langchain_selfparam.targets.values import Value

_ONCE = (
    "address|bedtime|boss|code|date|day|deadline|e-?mail|fee|hours?|job|landlord|mobile|number|password|phone|pin"
    "|postcode|price|rent|salary|time"
)
_ONE = rf"(?:phone |mobile |e-?mail )?(?:{_ONCE})|(?:driving |piano |guitar |swimming )?(?:{'|'.join(sorted(ROLES))})"
"""Of which people have one: a new one stands for the old one. A new cat may be a second one."""
SAYS_SO = re.compile(
    r"\b(?:(?<!ex)chang(?:ed?|es|ing)(?! (?:trains?|buses|planes|clothes))"
    r"|correct(?:ed|ion| myself(?! (?:in|at|on|when|during)\b))"
    r"|(?:(?<=been )|(?<=was )|(?<=were ))altered|(?:(?<=been )|(?<=was )|(?<=got ))transferred"
    r"|t(?:ook|aken|akes|aking) over from|g(?:ave|iven|ives) (?:me|us) (?:until|till)|can only (?:do|make|manage)"
    r"|from now on|in ?stead|mistaken|mistake(?! (?:in|on|at)\b)"
    r"|mov(?:ed|es)(?! (?:in|out|house|home|away|back in|into|flat)\b)"
    r"|(?<!not )(?<!n['’]t )moving(?! (?:in|out|house|home|away|back in|into|flat)\b"  # noqa: RUF001
    r"| (?:the|my|our|an?|his|her|their|it|them)\b(?: (?!to )[\w'’-]+){0,4}[.,;!]?\s*(?:$| and\b))"  # noqa: RUF001
    r"|no longer|postponed"
    r"|put(?:ting)? (?:back|forward|off|up)(?! for (?:sale|rent)\b)"
    r"|put(?:ting)?(?= (?:it|\S+(?: [^\s.,;]+){1,3}) (?:back|forward|off|up)\b(?! for (?:sale|rent)\b))"
    r"|rescheduled|replac(?:ed|ing)|switched|up ?dated?|wrong|push(?:ed|ing|(?<!direct )(?<!force )es)(?: back)?"
    r"|delayed|brought(?= (?:\S+ ){0,4}forward\b)|brought forward|(?:re-?)booked (?:to|for|on)|rebooked|rebooking"
    r"|swapped|shifted|extended|shortened|upped|bumped(?! into\b)|hiked|slashed|rearranged|relocated"
    r"|slipped(?= (?:back )?to (?:[\d#]|(?-i:[A-Z])))"
    r"|cut(?= (?:\S+ ){1,4}to [\d#£$€])"
    r"|(?:up|down) (?:to|from)|(?:went|gone|going|goes) (?:up|down)"
    r"|(?<!born and )rais(?:ed|es|ing)(?! (?:(?:about|nearly|almost|over) )?[\d#£$€])|increas(?:ed|es|ing)"
    r"|lower(?:ed|s|ing)|reduc(?:ed|es|ing)|dropped to|rose to|cut to|renamed|make that|make it"
    r"|turned (?=\d|(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|\w+ty)\b)"
    r"|(?:had|have|decided|managed) to (?:move|postpone|reschedule|delay|push|put|switch|swap|shift|raise|lower|reduce"
    r"|extend|bring)(?! (?:in|out|house|home|away|flat)\b)"
    r"|(?:I|we) (?:said|told you|thought|wrote)(?=[^.;]*\bbut\b)|than (?:I|we) (?:said|thought|told you)"
    r"|mixed (?:\w+ ){0,4}up|mis(?:read|spoke|remembered)|turn(?:s|ed) out|(?:scrap|scratch) (?:that|the)"
    rf"|new(?= (?:{_ONE})\b)|halved|doubled|tripled|(?:got|was|am|I['’]m) (?:\w+ )?(?:confused|muddled)"  # noqa: RUF001
    r"|(?:that['’]s|that is|that was) not right)\b",  # noqa: RUF001
    re.IGNORECASE,
)
"""What says that something is different now. "Now" alone may only add: it needs more in common."""
HINTS = re.compile(
    r"\b(?:actually|after all|any ?(?:more|longer)|now(?! and (?:then|again)\b)|nowadays|these days|used to|rather than"
    r"|(?:from|starting|as of) (?:next (?:week|month|year|term|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)|tomorrow)"
    r"|(?:(?<![\w)] )from|starting|as of) (?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day(?!s? (?:to|till|until|through)\b)"
    r"|stopped|(?<!\bmy )(?<!\bour )(?<!\bhis )(?<!\bher )(?<!\bthe )left"
    r"(?! (?:for|at|on|early|home|behind|over|hand|us)\b"
    r"| (?:my|our|his|her|their|the|an?|some|all|it|them)\b(?! (?:job|work|company|firm|team|position|post)\b)"
    r"(?: [\w'’-]+){0,4}? (?:to|on|in|at|behind|by|under|outside|with|for|there|here)\b)|quit"  # noqa: RUF001
    r"|(?:gave|given|giving) up|broke up|cancel(?:l?ed|s|led)|called off|refuses|in place of"
    r"|new(?= (?:apartment|bike|boyfriend|car|computer|dentist|doctor|flat|girlfriend|home|house|laptop|office|school"
    r"|teacher)\b))\b",
    re.IGNORECASE,
)
_ENDED = re.compile(
    r"\b(?:no longer|any ?(?:more|longer)|cancel(?:l?ed|s|led)|called off|(?:gave|given|giving) up|quit|stopped"
    r"|broke up)\b",
    re.IGNORECASE,
)
LEAD = re.compile(
    r"(?:^|(?<=[.!?] ))(?:(?:oh|ah|hmm|no|sorry|oops)[,!]? )?"
    r"(?:no|sorry|oops|wait|correction|pardon|excuse me|hang on|hold on)(?: again)?"
    r"[,.:;!–—-]+ "  # noqa: RUF001
    r"|\bI me(?:an|ant)\b(?! to\b)",
    re.IGNORECASE,
)
"""How somebody begins who corrects what they have just said."""
_WAS_WRONG = re.compile(
    r"\b(?:correct(?:ed|ion)?|mistaken?|wrong|mix(?:ed)? (?:\w+ ){0,4}up|muddled|confused|misspel\w+|spelled|spelt|typo"
    r"|misread|misspoke|misremembered|(?:that['’]s|that is|that was) not right|renamed|is(?: not|n['’]t) called)\b",  # noqa: RUF001
    re.IGNORECASE,
)
_DIRECTED = re.compile(
    r"\b(?:mov(?:e|ed|es|ing)|put|putting|push(?:ed|es|ing)?|brought|bring|switch(?:ed)?|shift(?:ed)?|bumped|upped"
    r"|rais(?:ed|es|ing)|increas(?:ed|es|ing)|lower(?:ed|s|ing)|reduc(?:ed|es|ing)|chang(?:ed|es|ing)|rebooked|cut"
    r"|postponed?|delay(?:ed)?|rescheduled?|slashed|hiked|slipped|transferred|extended|halved|doubled|tripled)"
    r"(?: (?!(?:back|forward|off|up|down|out|over)\b)[\w#'’-]+){0,7}"  # noqa: RUF001
    r"(?P<where> (?:(?:back|forward|off|up|down|out|over) )?(?:in)?to(?= (?:the|my|our|an?|(?-i:[A-Z])|[£$€]?\d|#))"
    r"| (?:back|forward|off|up|down|out)\b)(?<!next to)(?<!close to)(?<!due to)",
    re.IGNORECASE,
)
"""Where something is moved to, which does not say which thing it is: no train to Lyon."""
_OLD = re.compile(
    r"(?:\bnot|\bcannot|\bno(?:body| one)|n['’]t"  # noqa: RUF001
    r"|\bno longer|\bused to|\binstead of|\bin place of|\brather than|\bleft|\bquit|\bleaving"
    r"|\b(?:I|we) (?:said|told you|thought|wrote)|\b(?:scrap|scratch)|\bnever"
    r"|\bt(?:ook|aken|akes|aking) over from|\breplac(?:ed(?! (?:by|with)\b)|es|ing))\b"
    r"(?:(?!\b(?:but|until|till)\b)[^,;:.])*$",
    re.IGNORECASE,
)
_NOT = re.compile(r"\bnot\b|n['’]t\b", re.IGNORECASE)  # noqa: RUF001
_NO_MORE = re.compile(r"^[^,;:.]*\bany ?(?:more|longer)\b", re.IGNORECASE)
_GONE = re.compile(
    r"(?:['’]s|,? (?:who )?(?:has|have))?(?: (?:just|now|already|since))? (?:(?:is|are) (?:retiring|leaving|closing)"  # noqa: RUF001
    r"|retired|died|passed away|moved away|gone bust|went bust|closed(?: down)?|shut down"
    r"|left(?! (?:an?|the|my|me|us|our|his|her|it|home|for|on|at|early|late|behind|over|in)\b))\b",
    re.IGNORECASE,
)
"""Behind who or what is there no more."""
_FROM = re.compile(r"\b(?:from|was|were) (?:on |at |the )?$", re.IGNORECASE)
_WAS = re.compile(r"\b(?:was|were) (?:on |at |in |the )?$", re.IGNORECASE)
_BEFORE_THAT = re.compile(r"[^,;:.]*\bbefore (?:it|that|this|they|he|she|we|I|the|my|our)\b", re.IGNORECASE)
_JUST_ONCE = re.compile(
    r"\b(?:just|only) (?:for )?this (?:week|time|once|month)\b|\bthis (?:week|time) only\b", re.IGNORECASE
)
_WHEN_DONE = re.compile(
    r"\b(?:changed|corrected|moved|put|pushed|delayed|updated|replaced(?! (?:by|with)\b)|switched|swapped|shifted"
    r"|raised|increased|lowered|reduced|postponed|rescheduled|extended|shortened|brought|rearranged|renamed"
    r"|turned up(?: for)?|went (?:wrong|up|down))\b"
    r"(?:(?!\b(?:to(?! (?-i:[A-Z]))|into|until|till|for|so|and|but|is|are|be|was|were|will|now|instead)\b|['’]s )"  # noqa: RUF001
    r"[^,;:.!?])*\bon (?:the )?$",
    re.IGNORECASE,
)
"""Before the day on which somebody did something: "I corrected my essay on Sunday"."""
_CAME_FROM = re.compile(r"\b(?:moved|raised|increased|lowered|reduced|changed|up|down) from $", re.IGNORECASE)
_ONTO = re.compile(r"^\w? (?:in)?to ", re.IGNORECASE)
_SINCE = re.compile(r"\b(?:from|starting(?: on)?|as of)(?: next)? $", re.IGNORECASE)
_RANGE = re.compile(r"s? ?(?:to|till|until|through|[-–—]) ?", re.IGNORECASE)  # noqa: RUF001
_SINCE_HIDDEN = re.compile(r"(?:(?<![\w)] )from|starting|as of)(?: next)? #+(?= [a-z])", re.IGNORECASE)
_STILL = re.compile(
    r"\b(?:still|stay(?:s|ed|ing)?|remain(?:s|ed|ing)?|unchanged|as (?:before|always|ever)|(?:is|are|be) the same)\b",
    re.IGNORECASE,
)
_BESIDE_OTHERS = re.compile(
    r"\s*,? ?(?:and|&|or|as well as)(?: again)?(?: (?:on|at|in|for))?(?: the)? $", re.IGNORECASE
)
_AND_SO = re.compile(
    r"(?:[^;.!?]*[\w,])??,? (?:and|but|while)(?: (?!(?:was|were|moved|changed)\b)[\w'’-]+){0,5} $",  # noqa: RUF001
    re.IGNORECASE,
)
_JOINS = re.compile(r"[,;.!?:](?=\s)|\b(?:and|or|but|while|whereas)\b", re.IGNORECASE)
_WHICH_ONE = re.compile(
    r"(?:['’]s)? (?!(?:and|or|but|at|on|in|to|for|now|instead|from|till|until|with|by|of|as|is|are|was|were|a|an|per"  # noqa: RUF001
    r"|each|every|after|before|too|again|so|because|since|while)\b)[a-z]"
)
"""Behind a day that says which one is meant: "the Tuesday lesson"."""
_THE = re.compile(r"(?:^|[,;.!?:] |\b(?:the|my|our|his|her|their|this|that|[\w-]+['’]s) )$", re.IGNORECASE)  # noqa: RUF001
_UNSURE = re.compile(
    r"\b(?:if|whether|might|may(?= \w+ ?(?:be|mov|chang|com|start))|could|would|wish(?:es|ed)?|hop(?:e|es|ed|ing)"
    r"|asked|perhaps|maybe|probably|possibly|almost|nearly|unless|hopefully|in case|as if"
    r"|think(?:s|ing)? (?:of|about)|thought (?:of|about)|consider(?:s|ed|ing)?|suggest(?:s|ed|ing)?"
    r"|propos(?:es|ed|ing)|dream(?:s|t|ed)?"
    r"|(?:want|plan|tri|try|like|need|love|refuse|decline)(?:s|d|es|ed|ing|ning)? (?:me |us |you )?to"
    r"|last year|(?:years?|decades?|ages) ago|long ago|back then|back in the day|growing up|at the age of"
    r"|as an? (?:child|kid|baby|boy|girl|toddler|teen(?:ager)?|student|young \w+)|in (?:my|our|his|her|their)"
    r" (?:\w+ )?(?:teens|twenties|thirties|forties|fifties|sixties|youth|childhood|\d0s)"
    r"|when (?:I|we|he|she|they|(?:my|our|his|her|their) \w+) (?:was|were) (?:an?|\d+|little|small|younger|young|born"
    r"|at (?:school|uni\w*|college)|(?:one|two|three|four|five|six|seven|eight|nine|ten|\w+teen|twenty)))\b",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"\b(?:other|another|(?:second|third)(?! (?:floor|grade|year|form|term|semester)\b)|also|too"
    r"|as well|additional|extra|one more|both"
    rf"|new(?! (?:\w+ )?(?:{_ONCE})\b| (?:{_ONE})\b))\b",
    re.IGNORECASE,
)
_ALSO = re.compile(r"\b(?:also|as well|additionally|too(?=[.,;!]|$))(?!\w)", re.IGNORECASE)
_BY_ANOTHER = re.compile(
    r"\breplaced (?:by|with) (?!(?:one|it|that)\b|(?:(?:the|a|an|my|our) )?[#\d£$€])", re.IGNORECASE
)
"""Before what there is in place of all of it: "Yoga has been replaced by a walk on Saturdays"."""
_WANTED_NOW = re.compile(r"\bwants (?:me|us) to\b(?=.*\bnow\b)", re.IGNORECASE)
_OFF = re.compile(r"\b(?:was|were|is|been|got|being) (?:just )?(?:cancel(?:l?ed)|called off)\b", re.IGNORECASE)
"""What is off, and not what is in its place."""
_USED_TO = re.compile(r"\bused to\b", re.IGNORECASE)
_ONCE_ONLY = re.compile(
    r"(?<!\bfrom )(?<!\bstarting )(?<!\bas of )\b(?:this (?:week|time|once|month|year)"
    r"|just (?:this |for )?(?:once|this|today)|for once|only this|next week"
    r"|temporarily|for (?:now|today|one|the moment)|today(?! that\b)|tomorrow|tonight)\b",
    re.IGNORECASE,
)
_INSTEAD_ONCE = re.compile(
    r"\b(?:I|we|he|she|they) (?!(?:agreed|booked|changed|decided|moved|postponed|pushed|put|rebooked|rescheduled"
    r"|shifted|swapped|switched)\b)(?:ate|came|did|got|had|met|saw|took|went|[a-z]+ed)\b[^.;]*\binstead\b",
    re.IGNORECASE,
)
"""What was done once in place of what is done: "We had fish on Thursday instead"."""
_IN_ONE_BREATH = re.compile(
    r"\b(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b[^.!?]*\b(?:no|wait|sorry|actually)"
    r",? make (?:that|it)\b",
    re.IGNORECASE,
)
"""Corrects itself, and not what was said before: "My sister has two, no, make that four kids"."""
_EVER = re.compile(
    r"\b(?:every|each|always|usually|weekly|daily|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days)\b", re.IGNORECASE
)
_BARE = re.compile(
    r"(?:(?:but|and|so|ah|oh|no|sorry|oops|wait|actually|correction|pardon|well|(?:scrap|scratch|forget) that"
    r"|(?:that|it|I)(?:['’]s| is| was) (?:wrong|a mistake|mistaken))\b[,.:;!–—-]* *)*"  # noqa: RUF001
    r"(?:(?:(?:it|that|this)(?:['’]?s| is| was| has| will be| should be| got)?|they|they['’]ve"  # noqa: RUF001
    r"|I me(?:an|ant)|make (?:that|it)|I (?:was|have been|got)|I['’]ve been)"  # noqa: RUF001
    r"(?: (?:has|have|been|just|now|actually|got|be|should))*)?"
    r"(?: (?:moved|pushed|changed|rescheduled|postponed|put|switched|rebooked|booked|delayed|brought|shifted|up|down"
    r"|back|off|forward|it|that|raised|lowered|went|halved|doubled|tripled))*"
    r" ?(?:(?:on|at|to|until|till|for|by)(?: the)? )*#"
    r"(?:,? (?:now|instead|actually|from now on|these days|after all|then|not (?:on |at |the )*[\w: ]+))*[.!]*",
    re.IGNORECASE,
)


def plain(text: str) -> bool:
    """Whether it says in so many words that something has changed."""
    return SAYS_SO.search(text) is not None or LEAD.search(text) is not None


def hints(text: str) -> bool:
    """Whether it may say so."""
    return HINTS.search(text) is not None


@functools.lru_cache(maxsize=4096)
def without(text: str) -> str:
    """The text with blanks where it speaks of changes; as long as before."""
    spans = [match.span("where") for match in _DIRECTED.finditer(text)]
    for pattern in (SAYS_SO, HINTS, LEAD, _SINCE_HIDDEN):
        text = pattern.sub(lambda m: "," + " " * (len(m.group(0)) - 1), text)
    for start, end in spans:
        text = text[:start] + "," + " " * (end - start - 1) + text[end:]
    return text


def may_tell(text: str) -> bool:
    """Whether any of it speaks of a change, or of what is not so."""
    return plain(text) or hints(text) or _NOT.search(text) is not None


def adds(text: str) -> bool:
    """Whether it says that there is something beside what there was."""
    return _ALSO.search(text) is not None


def since(text: str, start: int, end: int) -> bool:
    """Whether what stands there says from when on: "From Monday I start at five"."""
    return _SINCE.search(text[:start]) is not None and _RANGE.match(text[end:]) is None


def when_done(text: str, start: int, end: int) -> bool:
    """Whether the day that stands there is the one on which something was done: "We moved the sofa on Thursday"."""
    return _WHEN_DONE.search(text[:start]) is not None and re.match(r"s\b| now\b| instead\b", text[end:]) is None


def used_to(text: str) -> bool:
    """Whether it says what somebody did before."""
    return _USED_TO.search(text) is not None


def ended(text: str) -> bool:
    """Whether it says that there is something no more."""
    return _ENDED.search(text) is not None


def corrects(text: str) -> bool:
    """Whether it says that what was said before was never so, or was not said well."""
    return LEAD.search(text) is not None or was_wrong(text)


def was_wrong(text: str) -> bool:
    """Whether it says so in more than how it begins: "Sorry, I forgot ..." may add something."""
    return _WAS_WRONG.search(text) is not None


def says_so(text: str) -> bool:
    """Whether it tells of a change, however it begins."""
    return SAYS_SO.search(text) is not None


def over(text: str, there: Iterable[Value]) -> frozenset[str]:
    """Of some values those that a text gives as what is so no longer: "not Tuesday", "from Tuesday to Friday"."""
    return frozenset(
        value.key
        for value in there
        for match in re.finditer(rf"(?<!\w){_written(value)}", text, re.IGNORECASE)
        if _is_over(text, match.start(), match.end())
    )


def names_it(text: str, value: Value, by: Value) -> bool | None:
    """Whether a value that a text says again is the one in whose place another stands, where there are several.

    Args:
        text: The later statement.
        value: What it says as it was said before.
        by: What it says otherwise.

    Returns:
        ``False`` where it is so still: "on Monday and Thursday now", "the heating is still 60"; ``None`` where it is
        not clear: "swimming on Thursdays and chess on Fridays now".
    """
    before, behind = text[: value.start], text[value.end :]
    own = before[max((m.end() for m in _JOINS.finditer(before)), default=0) :]
    rest = _JOINS.split(behind)[0]
    if _STILL.search(own if value.start < by.start else own[-(value.start - by.end) :]):
        return False
    if _STILL.search(rest if by.start < value.start else rest[: by.start - value.end]):
        return False
    which = value.kinds & {"weekday", "date", "day", "time"} and _WHICH_ONE.match(behind)
    if which and (_THE.search(before) or behind.startswith(("'s ", "’s "))):  # noqa: RUF001
        return True
    if value.start < by.start:
        between = text[value.end : by.start]
        if _BESIDE_OTHERS.fullmatch(between):
            return False
        return None if _JOINS.search(between) else True
    return False if _AND_SO.fullmatch(text[by.end : value.start]) else None


def _written(value: Value) -> str:
    """A pattern of a value as it may be said again: "not 700" of 700 pounds."""
    said = re.escape(value.text)
    if not any(kind.startswith("money") for kind in value.kinds):
        return said
    bare = re.escape(re.sub(r"^[£$€] ?| ?[a-z]+$", "", value.text, flags=re.IGNORECASE))
    return rf"(?:{said}|{bare}(?![\w,.]*\d))"


def _is_over(text: str, start: int, end: int) -> bool:
    if _OLD.search(text[:start]) or _NO_MORE.search(text[end:]) or _GONE.match(text[end:]):
        return True
    if _CAME_FROM.search(text[:start]) and not text[end:].startswith(" on"):
        return True
    if _WAS.search(text[:start]) and _BEFORE_THAT.match(text[end:]):
        return True
    return _FROM.search(text[:start]) is not None and says_so(text) and _ONTO.search(text[end:]) is not None


def is_meant(old: str, clause: str, sentence: str) -> bool:
    """Whether what a clause says is so now and for good, and is not said of one thing more.

    Args:
        old: What was said before.
        clause: That of the later statement in which the new value is.
        sentence: The whole sentence.

    Returns:
        Whether it is no question, wish or exception.
    """
    if _IN_ONE_BREATH.search(sentence) or is_unsure(clause, sentence):
        return False
    if any(p.search(clause) for p in (_MORE, _OFF, _BY_ANOTHER, _JUST_ONCE, _INSTEAD_ONCE)):
        return False
    return not (_ONCE_ONLY.search(clause) and _EVER.search(old))


def is_unsure(clause: str, sentence: str) -> bool:
    """Whether what a clause of a sentence says is asked, wished or not known."""
    if _UNSURE.search(_WANTED_NOW.sub("", clause)) or sentence.rstrip().endswith("?"):
        return True
    return re.match(r"(?:if|when|unless)\b", sentence.strip(), re.IGNORECASE) is not None


def is_bare(sentence: str, value: Value) -> bool:
    """Whether a sentence says nothing but that something is otherwise: "It has moved to Friday."."""
    said = (sentence[: value.start] + "#" + sentence[value.end :]).strip()
    return _BARE.fullmatch(said) is not None
