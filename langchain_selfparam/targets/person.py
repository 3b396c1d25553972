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
_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)?")  # noqa: RUF001
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
    turned = _turn(said, _TO_YOU)
    return re.sub(r"\b([Yy])ou was\b", r"\1ou were", turned)


def asked(question: str) -> str:
    """A question in the words of the user whom it is about: "What is your dog called?" becomes "... my dog ...".

    Args:
        question: One question.

    Returns:
        The same in the first person.
    """
    question = re.sub(r"\bare you\b", "am I", question)
    question = re.sub(r"\bAre you\b", "Am I", question)
    question = re.sub(r"\bwere you\b", "was I", question)
    question = re.sub(r"\b(to|for|with|of|by|about|from|gave|tell) you\b", r"\1 me", question)
    question = re.sub(r"\byou\?$", "me?", question)
    return _turn(question, _TO_ME)


def asked_of_model(question: str) -> str:
    """A question about the user turned on the assistant: "What is my name?" becomes "What is your name?"."""
    question = re.sub(r"\bam I\b", "are you", question)
    question = re.sub(r"\bAm I\b", "Are you", question)
    # "me" stays: whoever says "Can you tell me my name?" says "Can you tell me your name?" of the other.
    return _turn(question, {k: v for k, v in _TO_YOU.items() if k not in {"me", "us"}})


def without_greeting(text: str) -> str:
    """The text without an opening "Hello," that says nothing."""
    bare = _GREETING.sub("", text.strip()).strip()
    return bare[:1].upper() + bare[1:]


def _turn(text: str, words: dict[str, str]) -> str:
    def turn(match: re.Match[str]) -> str:
        word = match.group(0)
        other = words.get(word.lower().replace("’", "'"))  # noqa: RUF001
        if other is None:
            return word
        before = text[: match.start()].rstrip()
        opens = not before or before[-1] in '.!?:"“'
        return other[0].upper() + other[1:] if opens else other

    return _WORD.sub(turn, text)
