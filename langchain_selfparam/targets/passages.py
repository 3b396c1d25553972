"""Passages: texts that were written elsewhere, told from what users say of others.

"Tamsin is getting married in September to a guy called Olly ..." is a user's own news, although the user does not come
up in it; an article on Port Vellan is none. What is taken for a passage is answered in the model's own words, so that
in doubt it is none. The words are English.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from langchain_selfparam.targets.worldly import is_worldly

_TALKED = re.compile(
    r"\w(?:n['’]t|['’](?:ll|re|ve|d|m))\b|\b(?:it|he|she|that|there|who|what|where|here|let)['’]s\b"  # noqa: RUF001
    r"|\b(?:today|tonight|tomorrow|yesterday|(?:next|last|this) (?:week|weekend|month|year|morning|evening|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|spring|summer|autumn|winter|term)|(?:right|just) now|at the moment"
    r"|a (?:guy|bloke|lad|lass|bit)|guys|kids?|mum|mummy|mom|dad|nan|gran|lol|btw|tbh|gonna|wanna|gotta|loads|stuff"
    r"|(?:is|are|was|were) getting|(?:pounds|quid|euros|dollars|bucks|each|a week|a month)(?=[.!]|$))\b",
    re.IGNORECASE,
)
"""As people speak, and as articles seldom do."""
_WRITTEN = re.compile(
    r"\b(?:1[0-8]\d\d|19[0-7]\d)s?\b|\b\d{1,2}th[- ]century\b"
    r"|\b(?:[Tt]he|[Aa]n?) (?:author|writer|poet|novelist|empire|dynasty|treaty)\b"
    r"|\b(?:[Hh]is|[Hh]er|[Tt]heir) (?:novels?|books?|works?|writings?|poems?)\b|\b[Hh]owever\b|\bAccording to\b"
    r"|^(?!(?:Mrs?|Ms|Dr|Aunt|Auntie|Uncle|St)\b)[A-Z][\w-]+(?: [A-Z][\w.-]*)+(?:['’]s?)?,? [a-z]"  # noqa: RUF001
    r"|[\"“][A-Z][^\"“”]*[\"”]|\[\d+\]"
)
"""A year long ago, an author and books, a full name that opens a sentence, a title in quotation marks."""
_FULL = re.compile(r"(?<!^)\b[A-Z][\w-]+(?: [A-Z][\w-]+)+")
_NEWS = re.compile(
    r"^(?!\S+['’]s )(?:(?:Mrs?|Ms|Miss|Dr|Prof|Professor|Aunt|Auntie|Uncle)\.? )?"  # noqa: RUF001
    r"[A-Z][a-zà-ÿ'-]+(?: and [A-Z][a-zà-ÿ'-]+)? "
    r"(?:works? (?:at|for|as an?|nights|days|part-time|full-time)|lives? (?:with|at|next|alone)|goes to|hates?|loves?"
    r"|wants? (?:to|a|an|his|her)|is (?:still|from|scared|afraid|allergic|vegan|coming|getting|moving|staying)"
    r"|has (?:got|just) )\b"
)
"""Somebody by their first name, and what they do now."""
_FULL_NAMES = 2
"""Names of several words from which a text is no talk."""
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")  # noqa: RUF001
_LETTERS = 4.7
"""Of a word in the mean, from which a text is no talk."""


def reads_as_written(own: Sequence[str], words: int, *, known: Collection[str] = ()) -> bool:
    """Whether a text is long enough for a passage, and a shorter one of those reads as one.

    Args:
        own: Its sentences, none of which speaks of the user.
        words: Words of a statement at most.
        known: Names of whom and what the user has told of: where one comes up, a shorter text is news.

    Returns:
        ``True`` from one and a half times as many words on, ``False`` up to half as many; between them where it has
        signs of a text that was written for others and none of talk.
    """
    count = sum(len(sentence.split()) for sentence in own)
    if 2 * count > 3 * words or 2 * count <= words:
        return 2 * count > 3 * words
    text = " ".join(own)
    if any(re.search(rf"\b{re.escape(name)}\b", text) for name in known if name in text):
        return False
    if any(map(_TALKED.search, own)) or all(sentence[:1].islower() for sentence in own):
        return False
    if any(map(_WRITTEN.search, own)) or sum(len(_FULL.findall(sentence)) for sentence in own) >= _FULL_NAMES:
        return True
    if _NEWS.match(own[0]) and not is_worldly(own[0].split(maxsplit=1)[0]):
        return False
    lengths = [len(word) for sentence in own for word in _WORD.findall(sentence)]
    return sum(lengths) >= _LETTERS * len(lengths)
