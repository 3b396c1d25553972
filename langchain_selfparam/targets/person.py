"""Whose words: turns what the user says of themselves into what an assistant says to them, and questions back.

In comes English text, out goes English text; other languages pass through unchanged, since none of their words match.
"""

from __future__ import annotations

import re

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
NUMERAL = r"(?<!\bWar )(?<!\bPart )(?<!\bAct )(?<!\bBook )(?<!\bType )(?<!\bClass )(?<!\bPhase )(?<!\bStage )"
"""Before an "I" that is the speaker and not a number."""
_AFTER_NUMBERED = re.compile(NUMERAL + r"I")
_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)?")  # noqa: RUF001
_LEAD = re.compile(
    r"^(?:(?:oh|well|so|and|by the way|one more thing|actually), +"
    r"|(?=[^:.!?]{1,48}: )(?=[^:]*\b(?:changed?|correction|news|plan|update|wrong)\b)[^:]*: +)",
    re.IGNORECASE,
)
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
    return _turn(_were(said), _TO_YOU)


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
    return _turn(question, _TO_ME)


def asked_of_model(question: str) -> str:
    """A question about the user turned on the assistant: "What is my name?" becomes "What is your name?"."""
    question = re.sub(r"\bam I\b", "are you", question)
    question = re.sub(r"\bAm I\b", "Are you", question)
    # "me" stays: whoever says "Can you tell me my name?" says "Can you tell me your name?" of the other.
    return _turn(_were(question), {k: v for k, v in _TO_YOU.items() if k not in {"me", "us"}})


def without_greeting(text: str) -> str:
    """The text without an opening "Hello," that says nothing."""
    bare = _GREETING.sub("", text.strip()).strip()
    return bare[:1].upper() + bare[1:]


def without_lead(text: str) -> str:
    """The text without an opening such as "By the way," or "A change of plan:": an answer begins with what it says."""
    bare = _LEAD.sub("", text.strip())
    return bare[:1].upper() + bare[1:]


def _were(said: str) -> str:
    said = re.sub(r"\bI was(?=n['’]t|\W|$)", "I were", said)  # noqa: RUF001
    return re.sub(r"\b([Ww])as(n['’]t)? I\b", r"\1ere\2 I", said)  # noqa: RUF001


def _turn(text: str, words: dict[str, str]) -> str:
    def turn(match: re.Match[str]) -> str:
        word = match.group(0)
        other = words.get(word.lower().replace("’", "'"))  # noqa: RUF001
        before, after = text[: match.start()].rstrip(), text[match.end() :]
        if other is None or _no_person(word, before, after) or _is_numeral(text, match):
            return word
        opens = not before or (before[-1] in '.!?:"“' and not before.endswith(("i.e.", "e.g.")))
        return other[0].upper() + other[1:] if opens else other

    return _WORD.sub(turn, text)


def _is_numeral(text: str, match: re.Match[str]) -> bool:
    return match.group(0) == "I" and _AFTER_NUMBERED.match(text, match.start()) is None


def _no_person(word: str, before: str, after: str) -> bool:
    """Whether a word only looks like one of a person: the US, 6 AM, 7 am, i.e."""
    shouted = len(word) > 1 and word.isupper()
    return shouted or (word == "am" and before[-1:].isdigit()) or (after[:1] == "." and after[1:2].isalpha())
