"""Requests that say more than what is asked for now: what is to be kept in mind, or how it is to be from then on.

"Can you note down PIN 4711?" and "Suggest nothing with peanuts." have a fact in them that is lost where they are taken
for requests like "Can you tell me a joke?". The words are English.
"""

from __future__ import annotations

import re

_POLITE = r"(?:(?:please|just|also|kindly|maybe|perhaps|possibly|then|now),? )*"
CAN_YOU = (
    r"(?:(?:can|could|would|will)(?:n?['’]t)? (?:you|u)|are you able to|do you think you could|why don['’]t you"  # noqa: RUF001
    rf"|how about you|(?:can|could|may|might) i ask you to) {_POLITE}"
)
"""Opens a request; "can" may be about what the assistant is able to do, which its verb tells."""
NO_REQUEST = r"(?!(?:agree|believe|care|imagine|know|like|love|mind|need|prefer|say|see|think|want)\b)"
"""Behind "can you": what is asked about the assistant."""
BIDS = r"(?:explain|describe|translate|summari[sz]e|recommend|suggest|write|compose)\b"
"""Opens a request by itself."""
_REQUEST = re.compile(
    rf"(?:(?:{CAN_YOU}|(?:would|do) you mind ){NO_REQUEST}(?P<asked>.*)"
    rf"|(?:can|could) we {_POLITE}(?P<ours>(?:only|not|stop|speak|avoid)\b.*)"
    rf"|(?P<bidden>(?:{BIDS}|(?:tell|give|show) me\b).*))",
    re.IGNORECASE | re.DOTALL,
)
_WHICH = r"(?:what|who|whom|whose|where|when|why|which|how|if|whether)"
_ASKED_FOR = re.compile(
    rf"\b(?:explain|describe|tell|show|teach|say|know|see|check|guess|find out|work out|understand)"
    rf"(?: (?:to )?(?:me|us))?(?: (?:again|please|more|exactly))?(?: about| of)? {_WHICH}\b.*"
    r"|\babout [^,;]*",
    re.IGNORECASE | re.DOTALL,
)
"""A question within a request, and what something is to be about: no words of the user's own life."""
_PIECE = re.compile(
    r"\b(?:write|compose|tell|sing|invent|make up)(?: me| us)? (?:an?|the|some|another|one) (?:[\w-]+ ){0,2}?"
    r"(?:essay|fable|haiku|joke|limerick|lullaby|poem|rhyme|riddle|song|sonnet|speech|story|stories|tale)s?\b[^,;]*",
    re.IGNORECASE,
)
"""A "without" in it says how the piece is to be: "Write a poem without the letter e."."""
_COUNT = re.compile(
    r"\b(?:compose|find|give|list|name|recommend|show|suggest|tell|write)(?: me| us)?(?: the| another| about)?"
    r" \d{1,2} (?=\w)|\b\d{1,4}[- ](?:word|line|page|paragraph|sentence|verse|stanza)s?\b",
    re.IGNORECASE,
)
"""How many of something, or how long."""
_OFTEN = re.compile(
    r"\b(?:(?:every|each) (?:single |other )?(?:day|morning|noon|evening|night|week|weekend|month|year|time|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day)|daily|weekly|monthly|from now on)\b",
    re.IGNORECASE,
)
_LIMITS = re.compile(
    r"\b(?:only|not|no|never|always|without|stop|avoid|nothing|none|instead of|rather than|other than|except|apart from"
    r"|at (?:most|least)|any ?more|in (?:the )?future|unless|until|whenever|when(?:ever)? you"
    r"|everything (?:as|in|into|like|to|for|with))\b|n['’]t\b",  # noqa: RUF001
    re.IGNORECASE,
)
_ACTS = re.compile(
    r"(?:^|\b(?:and|please|just|also|try to|start to|begin to),? |, )"
    r"(?:remember|memori[sz]e|not(?:e|ing)|jot|sav(?:e|ing)|stor(?:e|ing)|record|keep(?:ing)?(?! a secret\b)"
    r"|us(?:e|ing)|speak(?:ing)?|stop(?:ping)?|avoid(?:ing)?|remind|add|put|set|schedule|track|log|mark|cancel|update|switch|book"
    r"|order|reserve|register|refer|address|call|leave|skip|exclude|include|omit|limit|restrict|stick|treat|assume"
    r"|forget|ignore|refrain|prioriti[sz]e|make sure|ensure|bear in mind|go easy|wake|(?:start|begin) \w+ing"
    r"|(?:take|write) (?:\w+ ){0,3}?down|(?:take|make) (?:a )?note"
    r"|(?:answer|reply|respond|write|talk)(?: (?:to|with) (?:me|us))? (?:in|with|more|less|like|as|briefly)"
    r"|be (?:(?:a bit|a little|very|so) )?(?:more|less|brief|concise|short|kind|patient|honest|careful|formal|informal"
    r"|polite|quick|strict|gentle|nice|quiet)"
    r"|(?:tell|inform|warn|ask|let|text|message|email|phone|ring|invite) (?:(?-i:[A-Z]\w)|her\b|him\b|them\b))",
    re.IGNORECASE,
)
"""What is done for longer than one reply, or for somebody else."""
_PLAIN_ME = re.compile(
    r"\b(?:tell|give|show|help|teach|send|find|get|write|make|recommend|suggest|explain|read|sing|bring|let|draw|play"
    r"|hear|see|understand|forgive|excuse|follow|trust|feel|cheer|to|for|with|about|of|near|around|from)"
    r" (?:me|(?-i:us))\b",
    re.IGNORECASE,
)
_ME = re.compile(r"\b(?:me|(?-i:us))\b", re.IGNORECASE)
_DIET = re.compile(
    r"\b(?:cook|find|give|list|make|name|plan|recommend|show|suggest|think of)\b.*"
    r"\b(?:[a-z]+-free|vegan|vegetarian|halal|kosher|coeliac|celiac|diabetic)s?\b",
    re.IGNORECASE,
)
_LIKE_THEM = re.compile(
    r"(?<!you )\blike (?:me|(?-i:us)|myself)\b(?! to\b)"
    r"|\bwith (?:[\w'-]+ ){0,4}?(?:allerg(?:y|ies)|intolerances?)\b",
    re.IGNORECASE,
)


def lasts(request: str) -> bool:
    """Whether a request has something to be kept in mind in it.

    Args:
        request: One that begins with "can you" or with what is bidden; anything else is none.

    Returns:
        ``True`` for what is to be stored, stopped or always so, for numbers other than how many are wanted, and for
        what is done to the user and not only given to them; in doubt it is so.
    """
    match = _REQUEST.match(request)
    if match is None:
        return False
    what = match["asked"] or match["ours"] or match["bidden"] or ""
    said = _ASKED_FOR.sub("", what)
    bare = _PIECE.sub("", said)
    if any(p.search(said) for p in (_OFTEN, _ACTS)) or any(p.search(bare) for p in (_LIMITS, _DIET)):
        return True
    return any(c.isdigit() for c in _COUNT.sub("", bare)) or _ME.search(_PLAIN_ME.sub("", said)) is not None


def of_such_as_them(question: str) -> bool:
    """Whether a question says in passing what the user is or has: "What can a coeliac like me eat?"."""
    return _LIKE_THEM.search(question) is not None
