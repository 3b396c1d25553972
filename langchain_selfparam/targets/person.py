"""Whose words: turns what the user says of themselves into what an assistant says to them, and questions back.

In comes English text, out goes English text. Other languages, programs and what others have said pass unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from langchain_selfparam.targets.bidding import as_wanted, in_other_words
from langchain_selfparam.targets.language import Reading, as_said, opens_as_program, within
from langchain_selfparam.targets.vocabulary import KIN
from langchain_selfparam.words import SMALL

_TO_YOU = {
    "i": "you",
    "i'm": "you're",
    "i've": "you've",
    "i'd": "you'd",
    "i'll": "you'll",
    "me": "you",
    "my": "your",
    "mine": "yours",
    "myself": "yourself",
    "we": "you",
    "we're": "you're",
    "we've": "you've",
    "we'd": "you'd",
    "we'll": "you'll",
    "us": "you",
    "our": "your",
    "ours": "yours",
    "ourselves": "yourselves",
    "am": "are",
    "im": "you're",
    "ive": "you've",
}
_TO_ME = {
    "you": "I",
    "your": "my",
    "yours": "mine",
    "yourself": "myself",
    "you're": "I'm",
    "you've": "I've",
    "you'd": "I'd",
    "you'll": "I'll",
}
NUMERAL = (
    r"(?<!\bWar )(?<!\bPart )(?<!\bAct )(?<!\bBook )(?<!\b[Tt]ype )(?<!\bClass )(?<!\b[Pp]hase )(?<!\b[Ss]tage )"
    r"(?<!\b[Gg]rade )(?<!\b[Ll]evel )(?<!\b[Vv]olume )(?<!\bCategory )(?<!\bBuilding )(?<!\bBlock )"
)
"""Before an "I" that is the speaker and not a number."""
_SMALL_WORD = re.compile(rf"{SMALL}+(?=['’,.;:!?)]*(?:\s|$)|['’]{SMALL})")  # noqa: RUF001
_AFTER_NUMBERED = re.compile(NUMERAL + r"I")
_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)?")  # noqa: RUF001
_TOKEN = re.compile(r"[^\s,;()\[\]{}\"“”…–—]+")  # noqa: RUF001
_IDENTIFIER = re.compile(r"\w-\w|[_\\\d]|^[#@/~$]|^\.{0,2}/\w|/.*/|^[Ii]/[Oo]\b")
"""In what is a name for machines or a road's: "us-east-1", "my_shop", "/home/me", "I-95", "I/O"."""
_ALSO_FOREIGN = frozenset({"i", "me", "am", "us", "we", "mine"})
"""Persons that are other words elsewhere: "Jag bor i Stockholm", "Me llamo Ana", "am Montag"."""
_TO_ASSISTANT = {"you": "me", "your": "my", "yours": "mine", "yourself": "myself"}
_SPEAKING = r"\b(?:I|i|[Ww]e)(?:['’](?:m|ve|d|ll|re))?\b[^,;:.!?]*"  # noqa: RUF001
_BEFORE_YOU = re.compile(
    _SPEAKING
    + r"\b(?:to|with|from|about|of|by|(?<!good )(?<!bad )(?<!better )(?<!best )(?<!healthy )for|told|tell|telling"
    r"|ask|asked|asking|(?<!saying )(?<!say )thank|love|like|need|want|gave|give|giving|show|showed|trust|hate|miss"
    r"|missed|met|remind|reminded|call|called|named|bother|owe|owed)$"
)
"""Behind it "you" is the assistant: "I like talking to you", and not people at large."""
_BEFORE_YOU_ARE = re.compile(_SPEAKING + r"\b(?:think|believe|hope|glad|sure)(?: that)?$")
_LIKED = re.compile(_SPEAKING + r"\b(?:like|love|appreciate|enjoy|hate|dislike) (?:that|how|it when|it that)$")
_TO_THEM = re.compile(
    r"(?: are)?(?: (?:so|very|always|really|such|being))* (?:(?:patient|kind|nice|honest|gentle|strict|polite|rude"
    r"|friendly|helpful|blunt|frank)\b|[^,.!?]*\b(?:with|to|for|at) (?:me|us)\b)"
)
"""Behind "you" that is somebody who is so to the speaker, and not people at large."""
_YOU_ARE = re.compile(r"\byou$")
_HAS_DONE = re.compile(
    r"(?: really| just| already| always| never| also| all)* \w+ (?:me|us|my|our)\b|(?: really| just)* been\b"
)
"""Behind "you've" at a sentence's head: what the assistant has done for the user, or has been."""
_SAYS_TO = re.compile(r"\b(?:says?|said|wants? me|wanted me|asked me|asks me|told me) to (?:tell|thank|ask|show)$")
"""Behind it "you" is the assistant, of whom somebody else speaks: "Dad says to tell you"."""
_WAS_RIGHT = re.compile(
    r" were(?:n['’]t| not)?(?: (?:so|quite|absolutely|totally|completely|also))?"  # noqa: RUF001
    r" (?:right|wrong|spot on|mistaken)\b"
)
_I_WERE = re.compile(r"\bI were(?=(?:n['’]t)?(?: \w+)?(?: \w+)? (?:right|wrong|spot on|mistaken)\b)")  # noqa: RUF001
_TO_SPEAKER = re.compile(
    r"(?:(?: also| once| just| already)* (?:told|asked|advised|gave|showed|recommended|reminded|helped|taught|sent) me"
    r"|(?: also| once| just| already)* (?:said|suggested|recommended|mentioned|forgot)"
    r"|(?:['’]ll| must| should| can| could| may| will| shall| need to| have to)(?:n['’]t| not)?"  # noqa: RUF001
    r"(?: never| always| only| please)* \w+ me)\b"
)
"""What "you" does to the speaker is what the assistant does: "You told me to rest", "You must never give me pork"."""
_DOES_FOR_SPEAKER = re.compile(r"(?: never| always| only| please| also)* \w+ me\b")
_YOU_SAID = re.compile(r"\b[Yy]ou (?:said|suggested|mentioned|told me)(?: that)?$")
_WOULD = re.compile(r" (?:would|will)(?:n['’]t)? ")  # noqa: RUF001
_AS_YOU = re.compile(r"\b[Aa]s$")
_AS_YOU_SAID = re.compile(r" (?:said|suggested|recommended|advised|told me)\b")
_OF_ASSISTANT = re.compile(
    r"\s+(?:(?:last|own|previous|first) )?(?:answers?|repl(?:y|ies)|advice|help|names?|opinions?|suggestions?"
    r"|instructions?|recommendations?|recipes?|ideas?)\b"
)
_ABOUT = (
    r"(?:(?:about|on|to|with|of|for|in) (?:my|our|the) \w+(?: \w+)?(?=: +(?!(?i:he|her|his|it|its|she|their|they)\b)))"
)
_CHAT = (
    r"(?:(?:ok(?:ay)?|right|yeah|well|anyways?),? so(?: basically)?(?! (?:far|that|long|much|many|as|be)\b),? +"
    r"|by the way +(?=(?:my|our|we)\b|i['’])"  # noqa: RUF001
    r"|(?:ok(?:ay)?|also|basically|honestly|actually|yeah) +(?=(?:my|our|we|i)\b)"
    r"|(?:btw|fyi|tbh|lol|omg|haha|oh (?:and|yeah|btw)|anyways)(?! (?:is|was|means?|stands)\b),? +"
    r"|(?:oh|ah|well|so|and|also|anyways?|actually|basically|honestly|right|great|good|cool|perfect|awesome|brilliant"
    r"|lovely|sorry|ok|okay|alright|sure|yeah|yep|cheers|thanks|thank you|thx|ta|hmm+|um+|uh|wow|haha|lol|omg|btw|fyi"
    r"|tbh|ps|by the way|just so you know|between you and me|for the record|for what it['’]s worth|trust me"  # noqa: RUF001
    r"|believe me|excuse me|don['’]t get me wrong|call me (?:old-fashioned|crazy|mad|weird)|correct me if i['’]m wrong"  # noqa: RUF001
    r"|quick (?:one|update)|(?:good|bad|great|big|sad) news"
    r"|(?:(?:one|another|just one) (?:more|last|other|final)|another|one) thing"
    r")(?:(?: again| so much| a lot| very much)?(?:[,:!]|\.{2,}|…| [-–]) +(?:but +)?))"  # noqa: RUF001
)
"""What people write before what they tell: "Btw", "Ok so basically", "Thanks! One more thing:"."""
_LEAD = re.compile(
    rf"^(?:{_CHAT}"
    r"|(?:(?:I (?:must|should|have to|need to|want(?:ed)? to|forgot to)|I['’]d like to|let me)"  # noqa: RUF001
    r" (?:tell you|mention|say|let you know)|just so you know"
    r"|(?:please )?(?:remember|note|keep in mind|bear in mind|don['’]t forget))(?: that|:) +"  # noqa: RUF001
    r"|(?:(?:sorry|oh|but|no)[, ]+)*I (?:told|gave|sent) you (?:the )?wrong \w+(?: \w+)?"
    r"(?: before| earlier| yesterday| last time)?: +"
    r"|(?=[^:.!?]{1,48}: )(?:(?:sorry|wait|oh|no|so|well|actually)[, ]+)*"
    r"(?:(?:an?|one|some|another|small|little|quick|minor|slight|good|bad|great|big|sad|happy|important|latest|just|there"
    r"(?:['’]s| is| has been)|i(?:['’]ve| have)?|got|had|made|was|have|has|it|that|something|(?:my|our|the) plans?) )*"  # noqa: RUF001
    rf"(?:change[sd]?(?: of plans?)?|corrections?|news|update|(?<!^)updates|wrong|mistake)(?: {_ABOUT})?: +)",
    re.IGNORECASE,
)
_TURNED = r"(?:am|are|is|was|were|do|does|did|have|has|had|can|could|will|would|shall|should|may|might|must)"
_WHO_DOES = re.compile(
    rf"^((?:Who|What|(?:Which|Whose|How many) [\w-]+)(?: {_TURNED})?"
    rf" (?!(?:{_TURNED}|if|when|that|and|than)\b)[a-z]+) you\b"
)
"""Asks for who does something to the user: "Who visited you yesterday?"."""
_DOES_TO = re.compile(
    r"\b((?:visit|help|teach|show|bring|send|lend|take|drive|meet|marry|miss|remind|cost|owe|offer|pay|invite|wake|pick|call"
    r"|want|let|make)(?:s|ed)?|taught|brought|sent|lent|took|drove|met|paid|woke|let|made|told) you\b"
)
_OBJECT = re.compile(
    r"\b((?:do|does|did|has|have|had|will|would|can|could|should)(?:n['’]t)? (?!(?:you|I)\b)(?:[\w'’-]+ ){0,5}?"  # noqa: RUF001
    r"(?!(?:after|and|as|because|before|believe|but|days?|feel|foods?|hope|how|if|knows?|notice|or|says?"
    r"|since|than|that|things?|think|times?|when|where|which|while|who|why|what)\b)"
    r"[a-z]+) you\b(?! (?:are|were|have|had|do|did|can|could|will|would|should|must)\b)",
    re.IGNORECASE,
)
"""Somebody does something to whoever is asked: "What did your mother give you?"."""
_DID_I_SAY = re.compile(
    r"^(?:did|have) I (?:ever )?(?:mention(?:ed)?|tell you|told you)(?: already| yet)?"
    r"(?: that)? (?!of\b|wh|how\b)(?P<about>about )?(?P<what>[^?]*)\?",
    re.IGNORECASE,
)
_BIDDEN_WHEN = re.compile(
    r"\bI (?:never |don['’]t )?want you to\b[^.!?]*"  # noqa: RUF001
    r"\b(?:when(?:ever)?|before|after|if|unless|until|while|every time|each time)$",
    re.IGNORECASE,
)
"""Behind it "you" is who is bidden: "I want you to check before you suggest any medicine"."""
_WISHED = re.compile(
    r"\bI(?:['’]d| would| should) (?:rather(?: that)?|(?:prefer|like|love|hate|appreciate) it if|prefer if"  # noqa: RUF001
    r"|be (?:glad|happy|grateful|pleased) if)$"
)
_IF_I_WERE = re.compile(r"\b[Ii]f I (?:was|were)$")
_OWN_NAME = re.compile(r" name (?:is|will be)\b")
_OPENS = re.compile(r"(?:^|[.!?]|\bfrom now on,?) ?$", re.IGNORECASE)
_I_BE = re.compile(r"\bI (are|were)\b")
_TEXTED = re.compile(
    r"(?<![\w'’.-])(?<!\bletter )(?<!\bthe )(?:(?P<u>u|^U)"  # noqa: RUF001
    r"|(?P<ur>(?:ur|^Ur)(?= (?:an?|the|so|such|very|right|welcome)\b))|(?P<your>ur|^Ur)"
    r"|(?P<please>pls|plz|^Pl[sz])|(?P<dont>dont|^Dont))"
    r"(?![\w'’-]|\.\w)"  # noqa: RUF001
)
_WRITTEN = {"u": "you", "ur": "you're", "your": "your", "please": "please", "dont": "don't"}
"""What is written short in a message."""
_AFRAID = re.compile(
    r"(?:(?<=^)|(?<=[.!?;,] ))I(?:['’]m| am) afraid(?: that)? (?=(?:I|we) (?:can(?:not|['’]?t)|couldn['’]t"  # noqa: RUF001
    r"|have to|had to|won['’]t be able)\b)"  # noqa: RUF001
    r"|,? I(?:['’]m| am) afraid(?=[.!]|$)|, between you and me(?=[,.!]|$)",  # noqa: RUF001
    re.IGNORECASE,
)
"""A courtesy and no fear: "I'm afraid I can't come"; nothing of the assistant's either: "between you and me"."""
_TOLD_ALREADY = re.compile(
    r"(?<=\w), (?:did|have) I (?:already |ever )?(?:tell|told|mention(?:ed)?)(?: you)?(?: about)?(?: that| this| it)?"
    r"(?: already| yet| before)?\?",
    re.IGNORECASE,
)
_KIN = re.compile(
    r"(?<![\w'’-])(?<!\b[Mm]y )(?<!\b[Oo]ur )(?<!\b[Yy]our )(?<!\b[Hh]is )(?<!\b[Hh]er )(?<!\b[Tt]heir )(?<!\b[Aa] )"  # noqa: RUF001
    r"(?<!\b[Tt]he )(?<!\bcalled )(?<!\bnamed )(?<!\bhim )(?<!\bold )(?<!\bdear )(?<!['’]s )(?<!s['’] )"  # noqa: RUF001
    rf"(?:{'|'.join(KIN)})"
    r"(?!['’]s the word| of\b| to (?:two|three|four|five|\d|an?|my|our)\b| jokes?\b)"  # noqa: RUF001
    r"(?=['’]s(?: [a-z\d]|[.,!?])|[,.!?;:]|$| (?![A-Z]))"  # noqa: RUF001
)
"""Whom the user calls so is somebody else to whoever says it back."""
_A_KIN = re.compile(
    r"\b(?:an?|the|my|our|your|his|her|their|this|that|every|each|one|both|new|as)(?: [\w-]+){0,2} $"
    r"|\b(?:am|as|be|being|called|her|him|is|me|proud|single|them|us)(?: to)? $|['’]m $",  # noqa: RUF001
    re.IGNORECASE,
)
"""Before one of them that is not the user's for sure: "a proud Dad of two"."""
_MY_FOR_ME = re.compile(
    r"(?:(?<=^)|(?<=[.!?] )|(?<=[Aa]nd )|(?<=[Ww]ith )|(?<= to )|(?<= for )|(?<= at )|(?<= of )|(?<= from )"
    r"|(?<=[Ll]ove )|(?<=[Ss]aw )|(?<=[Ss]ee ))([Mm])e "
    r"(?=(?:mum|mam|mom|dad|nan|gran|grandad|granddad|missus|mate|mates|brother|sister|son|daughter|wife|husband|bloke"
    r"|fella|hubby|boss|kids|lad|lass)\b)"
)
_LET = re.compile(
    r"(?:^|[.!?\n:(\"“–—-]\s*|\bplease,? |(?:^|[.!?,:;] )(?:so|now|well|oh|ok|okay|all ?right|alright|wait|yes"  # noqa: RUF001
    r"|yeah?|yep|sure|of course|perfect|great|cool|right|first|then|hm+|um+),? )let$",
    re.IGNORECASE,
)
"""Before "me" of the speaker who only begins to speak: "Let me see", and not "Mum won't let me"."""
_LET_THINK = re.compile(r"^(?:(?!\b(?:who|which|and)\b).)*(?:,|\b(?:but|oh|then)) let$", re.IGNORECASE | re.DOTALL)
_THINKS = re.compile(r" (?:just )?(?:think|see|look|check|find|explain|tell|ask|rephrase|introduce)\b")
_GREETING = re.compile(
    r"^(?:hello|hi|hey|good (?:morning|evening|afternoon|day))(?: there| again)?\s*[,!.]\s+", re.IGNORECASE
)


def told(said: str) -> str:
    """What an assistant says back to the user who said it: "My dog is ..." becomes "Your dog is ...".

    Args:
        said: One or more sentences of a user.

    Returns:
        The same in the second person.
    """
    text = in_other_words(_written_out(said), _AFRAID, lambda _: "")
    text = in_other_words(text, _MY_FOR_ME, lambda m: f"{m[1]}y ")
    text = _were(as_wanted(in_other_words(_with_kin(text), _TOLD_ALREADY, lambda _: ".")))
    text = _turn(text, _TO_YOU, kept=as_said(text), of_assistant=True)
    return _I_WERE.sub("I was", text)


def _written_out(text: str) -> str:
    """The text with "you" for "u", where it is English and no name begins so."""
    reading = Reading(text)

    def whole(match: re.Match[str]) -> str:
        word = _WRITTEN[str(match.lastgroup)] if reading.is_english(match.start(), sure=False) else match[0]
        return word[0].upper() + word[1:] if match.start() == 0 and match[0][0].isupper() else word

    return in_other_words(text, _TEXTED, whole)


def _with_kin(text: str) -> str:
    """The text with whom the user calls "Dad" as theirs: "My dad"."""
    reading = Reading(text)

    def theirs(match: re.Match[str]) -> str:
        before = text[: match.start()].rstrip()
        sure = match[0] not in ("Gran", "Mam", "Nan", "Nana")  # words of other languages
        if _A_KIN.search(text[: match.start()]) or not reading.is_english(match.start(), sure=sure):
            return match[0]
        return f"{'My' if not before or before[-1] in '.!?' else 'my'} {match[0].lower()}"

    return in_other_words(text, _KIN, theirs)


def asked(question: str) -> str:
    """A question in the words of the user whom it is about: "What is your dog called?" becomes "... my dog ...".

    Args:
        question: One question.

    Returns:
        The same in the first person.
    """
    question = re.sub(r"\bare you\b", "am I", question)
    question = re.sub(r"\bAre you\b", "Am I", question)
    question = re.sub(r"\b([Ww])ere you\b", r"\1as I", question)
    question = re.sub(r"\b(to|for|with|of|by|about|from|gave|tell) you\b", r"\1 me", question)
    question = re.sub(r"\byou\?$", "me?", question)
    question = _WHO_DOES.sub(r"\1 me", question)
    question = _DOES_TO.sub(r"\1 me", question)
    question = _OBJECT.sub(r"\1 me", question)
    return _I_BE.sub(lambda m: "I am" if m[1] == "are" else "I was", _turn(question, _TO_ME))


def asked_of_model(question: str) -> str:
    """A question about the user turned on the assistant: "What is my name?" becomes "What is your name?"."""
    question = re.sub(r"\bam I\b", "are you", question)
    question = re.sub(r"\bAm I\b", "Are you", question)
    # "me" stays: whoever says "Can you tell me my name?" says "Can you tell me your name?" of the other.
    return _turn(_were(question), {k: v for k, v in _TO_YOU.items() if k not in {"me", "us"}})


def without_greeting(text: str) -> str:
    """The text without an opening "Hello," that says nothing."""
    return _begun(_GREETING.sub("", text.strip()).strip())


def without_lead(text: str) -> str:
    """The text without an opening such as "By the way," or "A change of plan:": an answer begins with what it says."""
    bare, before = text.strip(), ""
    while bare != before:  # "Ok so, by the way, ..."
        before, bare = bare, _LEAD.sub("", bare)
    return _begun(_DID_I_SAY.sub(_mentioned, bare))


def _mentioned(match: re.Match[str]) -> str:
    return f"About {match['what']}:" if match["about"] else f"{match['what']}."


def _begun(text: str) -> str:
    """The text with a capital letter, unless it begins with an address, a name such as iPhone, or a program."""
    return text[:1].upper() + text[1:] if _SMALL_WORD.match(text) and not opens_as_program(text) else text


def _were(said: str) -> str:
    kept = as_said(said)

    def plural(match: re.Match[str]) -> str:
        if within(match.start(), kept):
            return match.group(0)
        return re.sub("was", "were", re.sub("Was", "Were", match.group(0)))

    return re.sub(r"\b[Ii] was(?=n['’]t|\W|$)|\b[Ww]as(?:n['’]t)? [Ii]\b", plural, said)  # noqa: RUF001


def _turn(text: str, words: dict[str, str], *, kept: Sequence[tuple[int, int]] = (), of_assistant: bool = False) -> str:
    """The text with its persons replaced, those left out that are within ``kept``, no English or not the speaker."""
    reading = Reading(text)
    kept = [*kept, *(m.span() for m in _TOKEN.finditer(text) if _IDENTIFIER.search(m.group(0).strip(".:!?'’‘*")))]  # noqa: RUF001

    def turn(match: re.Match[str]) -> str:
        word = match.group(0)
        lower = word.lower().replace("’", "'")  # noqa: RUF001
        before, after = text[: match.start()].rstrip(), text[match.end() :]
        other = words.get(lower) or (_to_assistant(lower, before, after) if of_assistant else None)
        if other is None or _no_person(word, before, after) or _is_numeral(text, match):
            return word
        if within(match.start(), kept) or not _is_english(word, match.start(), before, after, reading):
            return word
        opens = not before.strip("-*•> ") or (before[-1] in '.!?:"“' and not before.endswith(("i.e.", "e.g.")))
        closed = before.endswith('"') and before.count('"') % 2 == 0 and before[-2] not in ".!?"
        # "They've changed the timetable: my train leaves ..." goes on with a small letter.
        opens = opens and not closed and not (before.endswith(":") and word.islower())
        return other[0].upper() + other[1:] if opens else other

    return _WORD.sub(turn, text)


def _to_assistant(word: str, before: str, after: str) -> str | None:
    """What the user's "you" is in the assistant's mouth, where it means the assistant for sure."""
    tail = before[-120:]
    if (one := _who_has_done(word, before, after)) is not None:
        return one
    if (one := _who_is_bidden(word, tail)) is not None:
        return one
    if word in {"you'd", "you'll"} and _DOES_FOR_SPEAKER.match(after):
        return _TO_ME[word]
    if _YOU_SAID.search(tail) and (word in {"you'd", "you'll"} or (word == "you" and _WOULD.match(after))):
        return _TO_ME[word]
    if word == "your" and _OWN_NAME.match(after) and _OPENS.search(before):
        return "my"
    if (word == "you" and after.startswith(" are my")) or (word == "you're" and after.startswith(" my")):
        return "I" if word == "you" else "I'm"
    if word == "are" and _YOU_ARE.search(tail.lower()) and after.startswith(" my"):
        return "am"
    again = re.match(r"[^.!?]*\byou", after, re.IGNORECASE)  # "I'm glad you're doing what is good for you."
    if word in {"you", "you're"} and (word == "you're" or after.startswith(" are ")) and _means_it(tail, after):
        return None if again else "I'm" if word == "you're" else "I"
    if word == "are" and _YOU_ARE.search(tail) and _means_it(tail[:-3].rstrip(), after):
        return None if again else "am"
    if word == "your":
        return "my" if re.search(_SPEAKING + "$", tail) and _OF_ASSISTANT.match(after) else None
    return _TO_ASSISTANT.get(word) if _BEFORE_YOU.search(tail) else None


def _who_has_done(word: str, before: str, after: str) -> str | None:
    """The assistant where it has said or done something, was right, or somebody speaks to it through the user."""
    tail = before[-120:]
    if word == "you":
        said = _TO_SPEAKER.match(after) or (_AS_YOU.search(tail) and _AS_YOU_SAID.match(after))
        if said or (_OPENS.search(before) and _WAS_RIGHT.match(after)):
            return "I"
        return "me" if _SAYS_TO.search(tail) else None
    opens = _OPENS.search(before) is not None
    return _TO_ME[word] if word == "you've" and opens and _HAS_DONE.match(after) else None


def _who_is_bidden(word: str, tail: str) -> str | None:
    """The assistant where the user says what they want of it, or would do in its place."""
    if word == "you" and _IF_I_WERE.search(tail):
        return "me"
    if word == "are" and _YOU_ARE.search(tail) and _BIDDEN_WHEN.search(tail[:-4]):
        return "am"
    subject = word in _TO_ME and word not in {"your", "yours", "yourself"}
    return _TO_ME[word] if subject and (_BIDDEN_WHEN.search(tail) or _WISHED.search(tail)) else None


def _means_it(before: str, after: str) -> bool:
    """Whether a "you are" between these is the assistant."""
    return bool(_BEFORE_YOU_ARE.search(before) or (_LIKED.search(before) and _TO_THEM.match(after)))


def _is_english(word: str, at: int, before: str, after: str, reading: Reading) -> bool:
    """Whether a word is the English person that it looks like."""
    lower = word.lower()
    if lower not in _ALSO_FOREIGN or word in {"I", "We"}:
        return reading.is_english(at, sure=True)
    if lower in {"i", "we"} and reading.is_program(at):
        return False
    # Where a sentence begins "i" is the speaker, as it is beside "am".
    begins = lower in {"i", "we"} and (not before or before[-1] in ".!?,;:")
    beside = (lower == "am" and before[-2:].strip().lower() == "i") or (lower == "i" and after.startswith(" am "))
    return reading.is_english(at, sure=begins or beside)


def _is_numeral(text: str, match: re.Match[str]) -> bool:
    return match.group(0) == "I" and _AFTER_NUMBERED.match(text, match.start()) is None


def _no_person(word: str, before: str, after: str) -> bool:
    """Whether a word only looks like one of a person, the US, 6 AM, 7 am, i.e., or is the assistant's: "Let me see"."""
    if word in {"me", "us"} and _LET.search(before) and not after.startswith((" in", " go", " be", " know", " have")):
        return True
    if word == "me" and _THINKS.match(after) and _LET_THINK.search(re.split(r"[.!?\n]", before)[-1]):
        return True
    if word == "us" and re.search(r"\bthe$", before, re.IGNORECASE):
        return True
    if word == "i" and before.endswith("(") and after.startswith(")"):
        return True
    shouted = len(word) > 1 and word.isupper()
    return shouted or (word == "am" and before[-1:].isdigit()) or (after[:1] == "." and after[1:2].isalpha())
