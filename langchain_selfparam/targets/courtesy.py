"""Courtesies: "Thanks, that sounds great!" is nothing to remember.

They are known by their form, and what has any other is kept: losing a fact is worse than learning a phrase. The words
are English; of other languages only thanks are known.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from langchain_selfparam.words import WORD, composed

_CALLS = (
    r"(?:oh|ah|aha|aw+|wow|yay|h+m+|u[hm]+|ha(?:ha)+h?|he(?:he)+|lol|k|ok(?:ay)?|yes|yeah|yep|yup|no|nope|sure|right"
    r"|alright|all|great|good|nice|cool|fine|perfect|awesome|wonderful|lovely|interesting|amazing|excellent|fantastic"
    r"|brilliant|impressive|understood|exactly|absolutely|definitely|certainly|totally|indeed|really|true|agreed|correct"
    r"|please|man|mate|dude|bro|gn|night|nite|gnight|ta|x|xx|ttyl|cya|brb|gtg|thanks?|thankyou|thx|cheers|hello|hi|hey|bye|goodbye|welcome|sorry|again|there|now|then|so|very|much|many"
    r"|well|and|but|too|also|of course|pleasure|my pleasure|got it|will do|never mind|merci|danke|gracias|grazie"
    r"|obrigad[oa]|tack|ありがとう(?:ございます)?|谢谢|спасибо|धन्यवाद)"
)
_HOW = (
    r"(?:(?:all|very|really|so|quite|pretty|just|most|absolutely|totally|truly|too|an?|the) )*(?:great|good|nice|cool"
    r"|fine|perfect|awesome|wonderful|lovely|interesting|amazing|excellent|fantastic|brilliant|helpful|useful|kind|sweet"
    r"|funny|right|correct|true|fair|best|enough|welcome|fun|beautiful)(?: (?:idea|point|question|one|plan|advice|tip"
    r"|suggestion|news|to (?:know|hear)))?"
)
_FOR = (
    r"(?: for (?:(?:all|the|your|that|this|these|such|great|good|kind|an?) ?)*(?:help|advice|time|answers?"
    r"|repl(?:y|ies)|info(?:rmation)?|tips?|suggestions?|recommendations?|explanation|support|words|patience"
    r"|help(?:ing)? me|asking|listening|sharing)?)?"
)
_IT = r"(?:it|that|this|they|you|he|she|i|we)"
_IS = r"(?:is|are|was|were|am|do|does|did|will|would|should|can|could|have|has)"
_COURTESY = re.compile(
    rf"(?:{_CALLS} )*(?:{_CALLS}"
    rf"|(?:many )?(?:thank(?:s| you)|thx|ty)(?: (?:so|very|ever|a lot|a million|again|much))*{_FOR}"
    r"(?: (?:again|in advance))?"
    r"|good (?:morning|evening|afternoon|night|day|job|luck)(?: to you)?(?: too)?"
    rf"|(?:that|this|it)(?: is|'s| was| sounds| looks| seems| will be)? {_HOW}|(?:sounds|looks) {_HOW}|what an? {_HOW}"
    rf"|(?:how|all|very|really|so) {_HOW}|{_HOW}|(?:i think )?(?:you(?: are|'re)|ur|u r) {_HOW}"
    rf"|you(?: have|'ve) been (?:{_HOW}|(?:such |so )?(?:an? |of )?(?:great |big |huge |real |much |good )?help)"
    r"|(?:you(?: are|'re)|ur|u r) (?:an? |the |my |such an? )(?:real |true |absolute |total )?"
    r"(?:angel|dear|darling|friend|gem|genius|godsend|hero|legend|life ?saver|marvel|saint|star|treasure|wonder)"
    r"|you (?:legend|star|angel|hero|gem|genius|beauty)"
    r"|have an? (?:very )?(?:nice|good|great|lovely|wonderful) (?:day|evening|weekend|night|one|time)(?: too)?"
    r"|(?:that |it )?(?:sounds|looks|is|was|'s) (?:just|exactly) (?:the ticket|what i (?:need|needed|wanted))"
    r"|(?:i(?:'m| am) )?off to bed(?: now)?|talk (?:to you )?(?:tomorrow|later|soon)"
    r"|continue|go (?:on|ahead)|carry on|proceed|tell me more|no (?:problem|worries|thanks|thank you|way)"
    r"|(?:see|talk to|speak to) you(?: (?:later|soon|tomorrow|then|again|around))*|take care"
    r"|i (?:(?:totally |completely |really )?(?:see|understand|agree|appreciate (?:it|that|this|your help|the help))"
    r"|do|did|am|will|can|have|think so|hope so|guess so|get it)(?: too)?|you (?:do|did|are|can|will|have|bet)"
    r"|(?:i(?:'m| am) )?(?:nice|good|pleased|great|lovely|glad) to (?:meet|see|hear from|talk to) you(?: too)?"
    r"|(?:i(?:'m| am) )?(?:glad|happy) to (?:hear|help|know)(?: (?:it|that))?|(?:same to )?you too|same to you"
    r"|me (?:too|neither)"
    rf"|(?:i(?:'m| am) sure )?{_IT}(?: {_IS}|'s|'re)(?: be)?(?: too)?|i(?:'d| would) love (?:to|that|it)"
    rf"|(?:that|it)(?:'d| would) be {_HOW}|(?:that|it)(?:'s| is| was) {_HOW} of you"
    r"|i(?:'m| am) doing (?:well|good|fine|great)|i don't know|same here"
    r"|not at all|don't mention it|let's (?:go|do it|see))(?: "
    rf"{_CALLS})*"
)
"""Of words as they are compared, with one blank between them."""
_LONGEST = 120
"""Letters of a courtesy."""
_INITIAL = re.compile(r"[a-z]")
"""A letter by itself, which is left of something."""
_BREAK = re.compile(r"[,;!?…–—:()\n]+|\.(?!\w)")  # noqa: RUF001


def courteous(text: str) -> bool:
    """Whether a text has nothing but courtesies in it, or no word at all."""
    clauses = (" ".join(_heard(clause)) for clause in _BREAK.split(composed(text)))
    return all(_is_courtesy(clause) for clause in clauses if clause)


def unaddressed(text: str, names: Collection[str]) -> str:
    """A sentence without whom it speaks to by one of these names, as in "I'm so sorry, Walt"."""
    for name in names:
        if name in text:
            text = re.sub(rf"^{re.escape(name)}, |, {re.escape(name)}(?=[.!?…]*$)", "", text)
    return text


def _heard(clause: str) -> list[str]:
    """The words of a clause in small letters, with what an apostrophe has cut off: "that's"."""
    return [word.casefold().replace("’", "'") for word in WORD.findall(clause)]  # noqa: RUF001


def _is_courtesy(clause: str) -> bool:
    if len(clause) > _LONGEST:
        return False
    if _COURTESY.fullmatch(clause) or _INITIAL.fullmatch(clause):
        return True
    parts = re.split(r" (?:and|but) ", clause)
    return len(parts) > 1 and all(_COURTESY.fullmatch(part) for part in parts)
