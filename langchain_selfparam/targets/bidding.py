"""Bidding: what users want of the assistant, as what they want: "Remind me to call" becomes "I want you to remind ...".

Told back as it was said it would bid the user. In comes English text of a user, out goes text of a user. Orders how to
behave are quoted and do not come here.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from langchain_selfparam.targets.language import as_said, within
from langchain_selfparam.targets.lasting import BIDS, CAN_YOU, NO_REQUEST, lasts

_CALL_ME = re.compile(
    r"(?:(?<=^)|(?<=[.!?] ))(?:[Pp]lease,? |[Jj]ust )?[Cc]all me (?=[A-Z])"
    r"(?!(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|ASAP|(?:At|In|On)\b)"
)
_NAME_IS = re.compile(r"^((?:[Hh]ey|[Hh]i|[Hh]ello|[Yy]o)?[,!.]? ?)[Nn]ame['’]s (?=[A-Za-z])")  # noqa: RUF001
"""A message may begin so; of a puppy it is said further on."""
_REQUEST = re.compile(
    r"(?:(?<=^)|(?<=[.!?] ))(?:Can|Could|Would|Will) you (?:please )?"
    r"(?!(?:also )?(?:agree|believe|care|imagine|know|like|love|mind|need|prefer|say|see|think|want)\b)"
    r"([^.!?]*\b(?:me|my|us|our)\b[^.!?]*)\?",
    re.IGNORECASE,
)
"""What is asked of the assistant for the user; not what it would like, or can believe."""
_FOR_ME = (
    r"(?:remind|tell|give|send|show|teach|help|wake|ring|phone|text|email|message|book|order|get|bring|buy|wish|keep"
    r"|find(?! (?:me|us) (?:at|in|on)\b)|address|call|ask|read|warn|advise|quiz|test|correct|nudge|alert|notify|update"
    r"|cheer|walk|talk|guide|spare|sing|(?:(?:speak|talk|write)(?: (?:plain|plainly|slowly|straight|simply|clearly"
    r"|nicely|gently|softly|kindly|directly|openly))?|listen|read|explain (?:it|this|that)|go easy|check(?: in)?"
    r"|be (?:brutally )?(?:nice|honest|kind|patient|gentle|strict|frank|blunt|direct|firm|open|tough)) (?:to|with|on)"
    r"|let(?= (?:me|us) (?:know|have)\b)"
    r"|(?:(?<=never )|(?<=n['’]t )|(?<=not )|(?<=ever ))let|offer"  # noqa: RUF001
    r"|leave(?= (?:me|us) (?:out|alone)\b)) (?:me|us)\b"
)
_WISHES = (
    r"(?! (?:god|old-fashioned|crazy|mad|stupid|weird|a break|wrong|about it|if i['’]m wrong|is|was)\b)"  # noqa: RUF001
    r"(?! an? \w+,? but\b)(?![^.!?]*\b(?:says|said|sings|is what|(?:is|was) (?:my favourite|the name))\b)"
    r"(?=[^.!?]*(?:[.!]|$))"
)
"""Behind what is asked for the user; not of "Call me crazy" and "Remind me, what ...?"."""
_BEFORE = (
    r"(?P<before>(?:^(?:[-*•] )?|(?<=[.!?] )|(?<=[.!?]\n))(?:(?:if|unless|until|when|whenever|every|on|at|before|after"
    r"|for|in|tomorrow|tonight|next|from now on)\b[^,.!?:;]*, (?:then )?)?"
    r"|,? so (?=(?:please|always|never|don['’]?t|do not)\b)"  # noqa: RUF001
    r"|, so |[;–—] (?=(?:always|never|don['’]?t|do not)\b)|[,;:–—] (?:and |but |so )?(?=please ))"  # noqa: RUF001
)
_HOW = (
    r"(?P<polite>(?:(?:please|just|also|do|kindly|then)\b,? )*)"
    r"(?P<often>(?:(?:always|never|(?:don['’]?t|do not)(?: ever)?)(?: please)? )?)"  # noqa: RUF001
)
_BIDS = re.compile(rf"{_BEFORE}{_HOW}(?P<what>{_FOR_ME}){_WISHES}", re.IGNORECASE)
"""What the user bids the assistant do for them."""
_ADVISES = r"(?:suggest|recommend|propose|advise)"
_TO_ME = r"(?: [\w'’%-]+){0,8}? (?:to |for |with )?(?:me|us)\b"  # noqa: RUF001
_WHEN_YOU = (
    r"(?: [\w'’%-]+){0,12}?,? (?:when(?:ever)?|before|after|if|unless|until|every time|each time) you(?:['’]re| are)?"  # noqa: RUF001
    rf" (?:\w+ly )?(?:{_ADVISES}(?:ing)?\b"
    r"|(?:answer|reply|respond)(?:ing)?\b|(?:book|cook|describe|explain|give|giving|help|make|offer|order|plan|read|reply|send|show|speak"
    rf"|talk|teach|tell|translat|writ)(?:e|ing)?{_TO_ME})"
)
_DOES = (
    r"(?:add|answer|ask|avoid|be|check|double-check|explain|give|include|keep|leave|list|make sure|name|put|repeat"
    r"|reply|say|skip|speak|stick to|take|use|write)"
)
_IS_BIDDEN = re.compile(
    rf"{_BEFORE}{_HOW}(?P<what>(?:{_ADVISES}|explain|mention|offer|serve)(?! (?:of|from|came|comes|is|was)\b)"
    rf"{_TO_ME}|{_DOES}\b{_WHEN_YOU}){_WISHES}",
    re.IGNORECASE,
)
"""The same where the user comes up later: "Don't suggest gels to me", "Use metres when you write to me"."""
_WHEN_DOING = re.compile(
    rf"(?:^|(?<=[.!?] ))(?P<when>(?:when(?:ever)?|if|before|every time|each time) you(?:['’]re)? "  # noqa: RUF001
    rf"(?:{_ADVISES}\b|\w+{_TO_ME})[^,.!?]*), (?:then )?{_HOW}(?P<what>(?:{_DOES}|{_ADVISES})\b[^.!?\n]*)",
    re.IGNORECASE,
)
"""The same with what is done first: "When you write to me, keep it short"."""
_IS_ASKED = re.compile(
    rf"{_BEFORE}(?=(?:please|kindly|always|never|don['’]?t|do not)\b){_HOW}"  # noqa: RUF001
    rf"(?P<what>{_ADVISES}\b|(?:mention|bring up|joke about|talk about|discuss)\b"
    rf"|{_DOES}(?: [\w'’-]+){{1,4}} (?:with|w|around) (?:me|us)\b"  # noqa: RUF001
    r"|(?<=please )(?:avoid|choose|include|leave out|leave (?:\w+ ){1,3}out|pick|plan|skip|stick to|use"
    r"|keep (?:it|them|things|(?:the|your) \w+)"
    r"|(?:double-)?check(?![^.!?]*\b(?:this|these|the following|below|attached)\b)|mind|respect|remember)\b"
    r"|use (?:only )?(?:metric|imperial|celsius|fahrenheit|kilomet\w+|miles|british|american|plain|simple|short)\b)"
    rf"{_WISHES}",
    re.IGNORECASE,
)
"""The same where a "please", or what only somebody who advises can do, says so: "Never recommend horror films"."""
_BARE = re.compile(
    rf"{_BEFORE}{_HOW}(?P<what>assume (?:that )?"
    r"(?:(?:I|we|everyone|everybody)(?:['’](?:m|re|ve|d|ll))?|my|our|nothing)\b"  # noqa: RUF001
    r"|keep (?:all )?(?:your|the) (?:answers?|repl(?:y|ies)|responses?|messages?|explanations?|suggestions?"
    r"|recommendations?|recipes?)\b|correct (?:my|our) (?:accent|english|errors?|grammar|mistakes"
    r"|pronunciation|spelling|typos?|writing|french|german|spanish|italian|dutch|portuguese|swedish)\b"
    r"|(?:start|begin|end|finish|sign) (?:every|each|any|all|your) (?:\w+ )?(?:answers?|repl(?:y|ies)|messages?)\b"
    r"|(?:(?<=n['’]t )|(?<=nt )|(?<=not )|(?<=ever ))(?:sugar-?coat|waffle|patroni[sz]e|lecture)\b)"  # noqa: RUF001
    r"(?![^.!?]*\bI (?:told|said)\b)"
    rf"{_WISHES}",
    re.IGNORECASE,
)
"""The same of what is bidden of an assistant alone: "Keep your answers short", "Unless I say otherwise, assume ..."."""
_BUT_NOT_CALLED = re.compile(
    r"(?P<before>\b(?:name(?:['’]s| is)|I['’]m|I am) [^.!?,;]{1,40},? (?:but|and|so) )"  # noqa: RUF001
    r"(?P<polite>(?:please )?)(?P<often>(?:don['’]?t|do not|never)(?: ever)? )(?P<what>call me\b)",  # noqa: RUF001
    re.IGNORECASE,
)
"""Behind a name, which no other name is to stand for: "My name is Marcus, but don't call me Marc"."""
_NO_MORE = re.compile(
    r"(?:^|(?<=[.!?] ))(?P<what>(?:no|less|fewer) [^.!?,;:\n]{2,40}?),? please(?=[.!]|$)", re.IGNORECASE
)
"""Wants something or not, in few words: "No emojis please."."""
_ASKS_FOR = re.compile(
    r"(?:(?<=^)|(?<=[.!?] ))(?:[Cc]an|[Cc]ould|[Ww]ould|[Ww]ill) you (?:please )?"
    r"((?:write|draft|compose|send|email|text|message|ring|phone|tell) "
    r"(?=[^.!?]*(?:\b(?:to|for) [A-Z]|, (?:he|she|they)\b))"
    r"[^.!?]*)(?:[?.]|$)"
)
"""The same for others: "Could you draft an email to Priya ...?"."""
_TO_ITS_END = r"(?:(?:Mrs?|Ms|Dr|Prof|St)\.|\.(?=\d)|[^.!?])*(?:[.!?]|$)"
_LASTING = re.compile(
    r"(?:^|(?<=[.!?] ))(?:(?:please|also|and|so|ok|okay|hey|oh|yo|hi|hello),? )?"
    rf"(?P<request>{CAN_YOU}{NO_REQUEST}(?P<often>(?:(?:always|never|not) )?)(?:please )?(?P<what>\w{_TO_ITS_END}))",
    re.IGNORECASE,
)
"""What is asked for and is to be kept in mind: "Could you stop suggesting meat?"."""
_LASTING_TOO = re.compile(
    rf"(?:^|(?<=[.!?] ))(?:(?:please|also),? )?(?P<request>(?P<often>)(?P<what>{BIDS}{_TO_ITS_END}))", re.IGNORECASE
)
"""The same without "you": "Recommend only vegan food."."""
_OURS = re.compile(
    rf"(?:^|(?<=[.!?] ))(?P<request>(?:can|could) we (?:please )?(?P<often>(?:not )?)(?P<what>\w{_TO_ITS_END}))",
    re.IGNORECASE,
)
"""The same of both: "Can we stop talking about diets?"."""
_IS_IT_NOT = re.compile(
    r"(?:(?<=^)|(?<=[.!?] ))[Ii]s(?:n['’]t it| it not) "  # noqa: RUF001
    r"(?!true|possible|likely|probable|time|better|certain|clear)((?:so |really |a bit |a )?\w+ (?:that|how) [^.!?]*)\?"
)
"""Says how the user finds what they take for true: "Isn't it great that Rhys passed?"."""


_UNLESS_POLITE = re.compile(r"(?:mention|bring up|joke about|talk about|discuss)\b", re.IGNORECASE)
"""What "never" says as a rule of life as well."""


def _bidden(match: re.Match[str]) -> str:
    """What the user bids, as what they want: "Always remind me ..." becomes "I want you to always remind me ..."."""
    never = match.re is _IS_ASKED and not match["polite"] and match["often"].lower().startswith("never")
    if never and _UNLESS_POLITE.match(match["what"]):
        return match[0]  # "Never discuss money with friends."
    often, what = match["often"].lower().replace("’", "'"), match["what"][0].lower() + match["what"][1:]  # noqa: RUF001
    if often.startswith("never") or "ever" in often:
        wants = "I never want you to"
    elif often.startswith(("do", "not")):
        wants = "I don't want you to"
    else:
        wants = "I want you to always" if often else "I want you to"
    return f"{match.groupdict().get('before', '')}{wants} {what}"


def _kept_in_mind(match: re.Match[str]) -> str:
    """The same for a request, where it is more than what is asked for now."""
    if not lasts(match["request"]):
        return match[0]
    wanted = _bidden(match)
    if match.re is _OURS:
        wanted = wanted.replace("want you to", "want to", 1)
    return (wanted[:-1] if wanted[-1] in ".!?" else wanted) + "."


_WANTED: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (_LASTING, _kept_in_mind),
    (_OURS, _kept_in_mind),
    (_REQUEST, lambda m: f"I want you to {m[1]}."),
    (_IS_IT_NOT, lambda m: f"It's {m[1]}."),
    (_ASKS_FOR, lambda m: f"I want you to {m[1]}."),
    (_WHEN_DOING, lambda m: f"{_bidden(m)} {m['when'][0].lower()}{m['when'][1:]}"),
    (_BUT_NOT_CALLED, _bidden),
    (_BARE, _bidden),
    (_NO_MORE, lambda m: f"I want {m['what'][0].lower()}{m['what'][1:]}"),
    (_BIDS, _bidden),
    (_IS_BIDDEN, _bidden),
    (_IS_ASKED, _bidden),
    (_LASTING_TOO, _kept_in_mind),
)
"""What is asked of the assistant, as what the user says."""


def as_wanted(said: str) -> str:
    """What a user said, with what is bidden as what they want.

    Args:
        said: One or more sentences of a user.

    Returns:
        The same in the first person.
    """
    text = _NAME_IS.sub(lambda m: f"{m[1]}my name's ", _CALL_ME.sub("I want to be called ", said))
    for pattern, wanted in _WANTED:
        text = in_other_words(text, pattern, wanted) if pattern.search(text) else text
    return text


def in_other_words(text: str, pattern: re.Pattern[str], wanted: Callable[[re.Match[str]], str]) -> str:
    """The text with what a pattern finds in other words, where it is the speaker's own.

    Args:
        text: What was said.
        pattern: What is looked for.
        wanted: Gives the other words for each.

    Returns:
        The text, with what others said as it was.
    """
    kept = as_said(text)
    return pattern.sub(lambda m: m[0] if within(m.end() - 1, kept) or within(m.start(), kept) else wanted(m), text)
