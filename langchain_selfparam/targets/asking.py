"""What the user only asks: it would stand in the place of a memory if it were learned.

"What is my dog called?" asks for what was said, "Can you write a poem about the sea?" says nothing of the user. What
tells something on the way ("I'm allergic to nuts, what can I bake?") is no mere question. Losing a fact is worse than
learning a question: whatever is in doubt is kept. The words are English; of other languages the plainest are known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest

from langchain_selfparam.targets.courtesy import courteous
from langchain_selfparam.targets.lasting import lasts, of_such_as_them
from langchain_selfparam.targets.naming import introduces
from langchain_selfparam.targets.person import without_lead
from langchain_selfparam.targets.vocabulary import COMMON, DATES
from langchain_selfparam.words import words

_MARKED = re.compile(r"[?？؟][\"'”’»)\]!?？؟\s]*$")  # noqa: RUF001
_FILLERS = re.compile(
    r"^(?:(?:oh|well|so|and|but|ok|okay|hey|hi|hello|please|also|then|now|hmm|sorry|thanks|thank you|great|cool"
    r"|(?:just |please |pls )?(?:tell|remind) me,|yo|one question|question|(?:just|i was) wondering)[,.!:]* +)+",
    re.IGNORECASE,
)
_WHICH = r"(?:what|who|whom|whose|where|when|why|which|how)"
_BE = r"(?:is|are|was|were|am)"
_CAN = r"(?:can|could|will|would|should|shall|may|might|must)"
_AUX = rf"(?:(?:{_BE}|do|does|did|has|have|had|{_CAN})(?:n't)?|cannot)"
_IN = r"(?:(?:in|at|on|for|from|to|with|by|about|of|since|until) )?"
_ASKS = re.compile(
    rf"(?:suppose|supposing|imagine|say|if) [^,]*, {_AUX} (?:i|we|you|it|they|he|she|there)\b"
    rf"|{_IN}{_WHICH}\b|(?:what|who|where|when|how)s\b|{_AUX} |(?:any|anything|anyone)\b",
    re.IGNORECASE,
)
_PLEASE = re.compile(
    r"(?:can|could|will|would) you [^,\"]*(?:, please)?[.!]*$"
    r"|(?:write|tell|give|show) me (?:an?|some|the|more|about|(?:\w+ )?(?:tips|ideas|examples|reasons))\b"
    r"|(?:write|compose) (?:an?|the|some) |(?:explain|describe|translate|summari[sz]e|recommend|suggest)\b",
    re.IGNORECASE,
)
_UNMARKED = re.compile(
    r"(?:do )?(?:you|u) ever (?:think|wonder|feel|notice)\b[^.!,]*$"
    rf"|{_WHICH}(?:'s| (?:\w+ )?{_AUX}) (?!.* {_BE} )[^.!,]*$",
    re.IGNORECASE,
)
"""A question that lacks its mark; "What is dear to me is my garden." is none."""
_BACK = re.compile(
    rf"{_IN}(?!why\b|how (?:do|can|did|would) (?:i|we)\b|what(?:'s| is) (?:wrong|up|going|the matter))"
    rf"{_WHICH}(?:'s|'re| (?:(?!(?:{_AUX}|i|we|you|my|our)\b)[\w'-]+ ){{0,3}}?(?!{_CAN}\b){_AUX})"
    r" (?!you\b(?! (?:still )?(?:know|remember|recall|have)\b)).*"
    r"|(?!(?:will you (?:please )?|\w+ you please )remember (?:my|our)\b)"
    r"(?:do|can|could|would|will|did) you (?:please |still )*(?:know|remember|recall|(?:tell|remind) me)"
    rf"(?: of| about)? (?!when (?:i|we)\b)(?:{_WHICH}\b.*|(?:my|our) (?:[^\W\d]|[ '-])+)",
    re.IGNORECASE,
)
"""Asks for what the user may have said."""
_MINE = re.compile(r"\b(?:i|i'm|i've|i'd|i'll|my|mine|our|ours|we|we're|we've|us|myself)\b", re.IGNORECASE)
_OWNED = re.compile(r"\b(?:my|our)\b", re.IGNORECASE)
_NAMED = re.compile(r"\b[Mm]y (?:[a-z-]+ ){1,2}(?!I\b)[^\W\d_a-z]\w|\b[Oo]ur (?:[a-z-]+ ){1,2}(?!I\b)[^\W\d_a-z]\w")
"""Whose name comes in passing: "my sister Ana"."""
_BESIDE = re.compile(
    r"\b(?:because|since|now that|so that|although)\b"
    r"|(?<=[\w,] )(?<!know )(?<!remember )(?<!me )(?:who|whose|which)"
    r" (?:is|are|was|has|have|had|likes?|loves?|hates?|lives?|turns?)\b"
    r"|, (?:.*\b)?(?:i|i'm|my|we|our|is|are|was)\b|\b(?:i'm|i've|we're|we've)\b",
    re.IGNORECASE,
)
"""The user says something on the way: "What can I bake now that I'm allergic to nuts?"."""
_FACTIVE = (
    r"(?:great|good|nice|lovely|wonderful|fantastic|brilliant|amazing|awesome|exciting|funny|sweet|cute|sad|awful"
    r"|terrible|horrible|bad|weird|strange|odd|crazy|mad|annoying|unfair|ironic|incredible|unbelievable|typical"
    r"|ridiculous|a pity|a shame|ok|okay|all right|alright|fine|normal|rude|silly|wrong|a problem|a bad sign)"
)
_SOMEBODY = r"(?-i:(?!(?:The|A|An|In|It|I)\b)[A-Z][\w'-]+(?: [A-Z][\w'-]+)?)"
_DOES = rf"(?:{_SOMEBODY}|he|she|(?:his|her) \w+)(?:'s| and)? \w"
_TAKES_FOR_TRUE = re.compile(
    rf"\b(?:it|that)(?:'s)? (?:\w+ )?(?:(?:so|very|really|a bit|quite|just|not) )*{_FACTIVE} (?:that|how) (?!god\b)"
    rf"{_DOES}"
    rf"|\bcan you believe (?:that )?{_DOES}|^(?:can|could|will|would) you (?:please )?(?:always|never|from now on)\b"
    r"|, (?:he|she|they|it)(?:'s|'re|'ve|'d|'ll)? "
    r"(?!(?:or|and|either|too|right|can|could|will|would|should|do|does|did)\b)\w"
    rf"|\b(?:to|for) {_SOMEBODY},? (?:saying|to say|that says|explaining|telling (?:him|her|them)"
    r"|to tell (?:him|her|them)|letting (?:him|her|them) know|to let (?:him|her|them) know)\b"
    rf"|\bthe \w+ {_SOMEBODY} (?:is|are|was|were) \w+ing (?:\w+ )?(?:today|tonight|tomorrow|this|next|on)\b",
    re.IGNORECASE,
)
"""Takes for true what somebody does: "Isn't it great that Rhys passed?", "the lamb Tom is cooking tonight"; or says
what the user always wants."""
_DECLARES = re.compile(r"(?:(?P<before>[\w']+)\W+)?\b(?:i|we|i'd|i'll) \w", re.IGNORECASE)
_TURNED = re.compile(rf"{_AUX}|what|(?:any|every|no|some)(?:thing|one|body|where)", re.IGNORECASE)
"""Before an "I" that a question turns round, or that says what it asks for: "Is there anything I should prepare?"."""
_TOLD_THAT = re.compile(
    rf"\b(?:told|tell) you (?!about\b|of\b|anything\b|{_WHICH}\b)\w"
    rf"|\b(?:mention|mentioned|say|said) (?!about\b|{_WHICH}\b)\w"
    r"|\bdid you (?:know|hear)\b|\b(?:know|remember|hear|heard) that\b",
    re.IGNORECASE,
)
_DAYS = "|".join(sorted(DATES - {"may", "march"}))
_WHEN = re.compile(rf"\d(?::\d\d| ?[ap]\.?m\b)|\b(?:tomorrow|tonight|(?:{_DAYS})s?|(?-i:May|March))\b", re.IGNORECASE)
_ELSEWHERE = re.compile(
    rf"¿|(?:wie|was(?= will\b| (?!(?:{'|'.join(sorted(COMMON))})\b)(?-i:[a-zßà-ÿ]))|wer|wo|wann|warum|welche[rs]?"
    r"|comment|quel(?:le)?s?|où|quand|pourquoi)\b",
    re.IGNORECASE,
)
"""Begins a question of another language; "was" is English before English words and names."""
_BACK_ELSEWHERE = re.compile(
    r"¿?(?:wie|wer|wo|wann|welche[rs]?|comment|quel(?:le)?|où|quand|cómo|quiéne?s?|dónde|cuándo|cuál|cuántos|qué)"
    r"(?: alt| spät| años| edad| âge)? (?:hei(?:ß|ss)(?:t|en)|ist|sind|wohn(?:t|en)|arbeite(?:t|n)|s['’]appelle(?:nt)?"  # noqa: RUF001
    r"|est|sont|a|ont|habite(?:nt)?|travaille(?:nt)?|se llaman?|es|son|está|están|tienen?|viven?|trabajan?)"
    r"(?: (?:der name|le nom de|el nombre de))?"
    r" (?:mein(?:e[nmrs]?)?|unser(?:e[nmrs]?)?|mon|ma|mes|notre|nos|mis?|nuestr[oa]s?) (?:[^\W\d]|-)+",
    re.IGNORECASE,
)
"""Asks for what the user may have said, in another language: "Wie heißt mein Hund?"."""
_NO_NEWS = re.compile(
    r"\b(?:Sie|Ihnen|Ihre?[mnrs]?|Englisch|Deutsch|Französisch|Spanisch|Italienisch|Portugiesisch|Russisch|Latein)\b"
)
"""Has a capital letter and is no name."""
_TELLS_ELSEWHERE = re.compile(
    r"\b(?:que|qui|qu['’]\w+|dont|si|dass|daß|weil|wenn|ob|obwohl|seit|damit|falls|nachdem|porque|aunque|cuando|desde"  # noqa: RUF001
    r"|mientras|donde|puisque|parce|lorsque|quand|depuis|che|perché"
    r"|mein(?:e[nmrs]?)?|unser(?:e[nmrs]?)?|mon|ma|mes|notre|nos|mis?|mí[oa]s?|nuestr[oa]s?|mi[ao]|meu|minha"
    r"|como (?:yo|nosotr[oa]s)|comme (?:moi|nous)|wie (?:ich|mich|mir|wir|uns)|al+erg\w+|intoleran\w+)\b",
    re.IGNORECASE,
)
"""Goes on to a clause in which something is said, or has something of the user's."""
_LONGEST_ELSEWHERE = 7
"""Words of a mere question in another language."""
_LEANS = re.compile(
    r"\b(?:it|its|that|this|they|them|their|he|him|his|she|her|ones?|those|these|too|same|ours|mine|if (?:so|not)"
    r"|there(?!['’]s| (?:is|are|was|were|will|have|has)\b))\b",  # noqa: RUF001
    re.IGNORECASE,
)
_LEANS_BEHIND = re.compile(
    r"\b(?:it|them|him|ones?|her(?! \w)"
    r"|th(?:at|is|ose|ese)(?= (?:one|book|film|game|movie|place|show|song)s?\b|[.!]|$))(?!['’-])\b",  # noqa: RUF001
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[,;:–—]| (?:and(?! i\b)|but|because|so|who|which|when|if|as|that(?= (?:i|he|she|it|they|we|my|the)\b))\b",  # noqa: RUF001
    re.IGNORECASE,
)
_FIRST = 3
"""Words in which what leans on a question says so, but for "it"; further on "they" may be anybody."""
_LONGEST = 400
"""Letters of a mere question."""
_PIECE = re.compile(
    r"(?!.*\b(?:I|we|he|she|they|there|is|are|was|were)\b)(?:at|because of|by|definitely|every|for|from|in|just|mostly"
    r"|near|on|once|only|probably|since|to|twice|usually|with)\b",
    re.IGNORECASE,
)
"""An answer to a question that says nothing without it: "At the lighthouse museum, since 2018."."""
_SELF = frozenset({"i", "i'm", "my", "we", "we're", "our"})
_SHORT = 4
"""Words up to which a sentence may be the answer that the user gives to their own question: "Blue, of course."."""


def without_asking(own: Sequence[str]) -> list[str]:
    """A user's sentences without those that only ask.

    Args:
        own: Sentences in order.

    Returns:
        Those that tell something, and the questions that they answer or cannot be understood without: "Do you like
        jazz? I love it."
    """
    kept: list[str] = []
    for sentence, following in zip_longest(own, own[1:], fillvalue=""):
        if not only_asks(sentence) or _goes_on(sentence, following):
            kept.append(sentence)
    return kept


def _goes_on(sentence: str, following: str) -> bool:
    if not following or courteous(following) or only_asks(following):
        return False
    own = following.split()
    leans = not _asks_back(_bare(sentence)) and _leans(following)
    return leans or len(own) <= _SHORT or _PIECE.match(following) is not None


def _leans(following: str) -> bool:
    """Whether a sentence begins so that it cannot be understood without what was asked before it."""
    first = _CLAUSE.split(following)[0].rstrip(".!?")
    begins = _LEANS.search(following)
    return _LEANS_BEHIND.search(first) is not None or (
        begins is not None and len(following[: begins.start()].split()) < _FIRST
    )


def only_asks(sentence: str) -> bool:
    """Whether a sentence is a question or a request that tells nothing of the user."""
    if len(sentence) > _LONGEST:
        return False
    marked = _MARKED.search(sentence) is not None
    bare = _bare(sentence)
    said = words(bare)
    if marked and len(said) <= _SHORT and all(w in COMMON - _SELF for w in said):
        return True
    if marked and _ELSEWHERE.match(bare):
        return _only_asks_elsewhere(bare)
    if not marked and any(map(_is_said, _DECLARES.finditer(bare))):
        return False  # another sentence goes on behind the question
    asks = (_ASKS if marked else _UNMARKED).match(bare)
    return bool((asks or _PLEASE.match(bare)) and not _tells(bare))


def _only_asks_elsewhere(bare: str) -> bool:
    """Whether a question of another language is short and plain: of more nobody here knows what it tells."""
    if _BACK_ELSEWHERE.fullmatch(bare):
        return True
    others = bare.split()[1:]
    inside = _NO_NEWS.sub("", " ".join(others))
    plain = len(others) < _LONGEST_ELSEWHERE and not any(c.isdigit() or c.isupper() or c in ",.;:" for c in inside)
    return plain and not (_TELLS_ELSEWHERE.search(inside) or _MINE.search(inside))


def _bare(sentence: str) -> str:
    text = _MARKED.sub("", sentence.replace("’", "'").strip().lstrip("\"'“‘*>- "))  # noqa: RUF001
    return _FILLERS.sub("", without_lead(text))


def _asks_back(bare: str) -> bool:
    return _BACK.fullmatch(bare) is not None


def _tells(bare: str) -> bool:
    """Whether a question tells something on the way."""
    if introduces(bare) or _NAMED.search(bare) or _BESIDE.search(bare) or _TAKES_FOR_TRUE.search(bare):
        return True
    if of_such_as_them(bare):
        return True
    if _asks_back(bare):
        return False
    if lasts(bare):
        return True
    if _OWNED.search(bare) or _TOLD_THAT.search(bare) or ": " in bare:
        return True
    dated = _WHEN.search(bare) is not None
    if not _MINE.search(bare):
        return dated and _PLEASE.match(bare) is not None
    return dated or any(c.isdigit() for c in bare) or any(map(_is_said, _DECLARES.finditer(bare)))


def _is_said(match: re.Match[str]) -> bool:
    """Whether "I" and what follows are the user's own statement and not turned round by a question."""
    return _TURNED.fullmatch(match.group("before") or "") is None
