"""Words as they are compared: what carries a statement is found again in an answer, however either is written.

It is used where statements are taken apart and where answers are judged; both have to cut words alike.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Collection, Iterable


def _ranges(codes: Iterable[int]) -> str:
    """Code points as ranges of a pattern's class."""
    runs = [[code for _, code in run] for _, run in itertools.groupby(enumerate(codes), lambda pair: pair[1] - pair[0])]
    return "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in runs)


# To ``re`` the signs that are written with a letter, such as vowel signs, are no part of a word. Those from FE00 on
# only choose how a sign looks: "5" with one is still a 5.
_CODES = [code for code in range(0x300, 0x12000) if not 0xFE00 <= code <= 0xFE0F]
_MARKS = _ranges(code for code in _CODES if unicodedata.category(chr(code)) in {"Mn", "Mc"})
SMALL = f"[{_ranges(code for code in range(0x61, 0x2000) if chr(code).islower())}]"
"""Small letters of any script that has them, as a pattern."""
LETTERS = rf"[^\W_](?:[^\W_]|[{_MARKS}])*"
"""Letters and figures with their marks, as a pattern."""
WORD = re.compile(rf"{LETTERS}(?:['’,.:-]{LETTERS})*")  # noqa: RUF001
"""A word, a name with a hyphen, a number, a time of day."""
DAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
_UP_TO_NINETEEN = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_PLACES = "third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
_NUMBERS = {
    "twice": "2",
    # "One" is seldom a number, and "first" and "second" are seldom places.
    **{word: str(n) for n, word in enumerate(_UP_TO_NINETEEN[1:], start=2)},
    **{word: str(n) for n, word in enumerate(_PLACES, start=3)},
    **{word: str(10 * n) for n, word in enumerate(_TENS, start=2)},
    **{
        f"{ten}-{one}": str(10 * n + m)
        for n, ten in enumerate(_TENS, 2)
        for m, one in enumerate(_UP_TO_NINETEEN[:9], 1)
    },
}
UNITS = frozenset("am pm kg km cm mm mg ml".split())
"""What a number may have at its end, or behind it."""
_MEASURED = re.compile(rf"(\d[\d:.,]*)({'|'.join(sorted(UNITS))}|st|nd|rd|th)")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_BEGINS = re.compile(r"(?:^|[.!?:;\n\"“”«(\[])\s*$")
DENIES = re.compile(
    r"\b(?:not|never|no|nobody|nothing|neither|nor|without|cannot|hardly|stopped|gave up)\b|n['’]t\b",  # noqa: RUF001
    re.IGNORECASE,
)
"""What says that something is not so."""
SAYS_NO = re.compile(r"\b(?:not|never|cannot)\b|n['’]t\b", re.IGNORECASE)  # noqa: RUF001
"""The plainest of these: what a model that was never told denies with ("You don't have a dog called Rex")."""
_SHORTEST = 3
"""Letters that a word has without an ending, at least."""
_DOT = "i\u0307"
"""What the capital I with a dot, as in Istanbul, becomes in small letters."""


def composed(text: str) -> str:
    """The text with each letter and its accents as one sign where there is one."""
    return unicodedata.normalize("NFC", text)


def storable(text: str) -> str:
    """The text without halves of surrogate pairs, which no file and no tokenizer takes; a whole pair is its character.

    Args:
        text: Any, such as what was cut in the middle of an emoji.

    Returns:
        The text with the replacement character for each half.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def plain(word: str) -> str:
    """A word as it is compared: in small letters, with plain apostrophes and without a possessive ending."""
    folded = composed(composed(word).casefold()).replace(_DOT, "i").replace("’", "'")  # noqa: RUF001
    return re.sub(r"'s$", "", folded)


def words(text: str) -> list[str]:
    """The words of a text, as they are compared."""
    return [plain(word) for word in WORD.findall(composed(text))]


def form(word: str) -> str:
    """A word as it is compared, in one of the ways in which it is written: 7 for seven, 2350 for 2,350, 3 for 3rd."""
    if measured := _MEASURED.fullmatch(word):
        word = measured[1]
    if _THOUSANDS.fullmatch(word):
        word = word.replace(",", "")
    if word.endswith("s") and word[:-1] in DAYS:
        word = word[:-1]
    return _NUMBERS.get(word, word)


def beyond(said: Iterable[str], question: str) -> set[str]:
    """The words that a question does not have already, in whatever form: an answer with others is an echo.

    Args:
        said: Words of a statement, as they are compared.
        question: What is asked.

    Returns:
        Those of them that no word of the question is a form of, such as neither "plays" nor "play".
    """
    asked = {base for word in words(question) for base in _bases(form(word))}
    return {word for word in said if asked.isdisjoint(_bases(form(word)))}


def _bases(word: str) -> set[str]:
    """What a word may be a form of, itself among it: "stop" of "stopped", "carry" of "carries"."""
    found = {word}
    for end in ("s", "es", "d", "ed", "ing", "ied", "ies"):
        stem = word.removesuffix(end)
        if stem != word and len(stem) >= _SHORTEST and word.isalpha():
            found |= {f"{stem}y"} if end.startswith("i") and end != "ing" else {stem, f"{stem}e"}
            found |= {stem[:-1]} if stem[-1] == stem[-2] else set()
    return found


def unit(word: str) -> str:
    """The unit that a word is, or that a number has at its end: "pm" of "7pm"; empty where there is none."""
    found = _MEASURED.fullmatch(word)
    one = found[2] if found else word
    return one if one in UNITS and (found or one != "am") else ""


def denied(text: str, among: Collection[str], *, by: re.Pattern[str] = DENIES) -> tuple[str, ...]:
    """The words that are said not to be so: the first behind each "not", if it is not said before.

    Args:
        text: What is said.
        among: The words that count.
        by: What denies.

    Returns:
        Each once, in order.
    """
    found = []
    for match in by.finditer(text):
        behind = re.split(r"[,.;:!?]|\bbut\b", text[match.end() :], maxsplit=1)[0]
        first = next((word for word in words(behind) if word in among), None)
        if first is not None and first not in words(text[: match.start()]):
            found.append(first)
    return tuple(dict.fromkeys(found))


def named(text: str) -> set[str]:
    """Words that have a capital letter inside a sentence, as they are compared: names, most of them."""
    text = composed(text)
    found = (m for m in WORD.finditer(text) if m.group(0)[0].isupper() and not _BEGINS.search(text[: m.start()][-4:]))
    return {plain(m.group(0)) for m in found} - {"i", "i'm", "i've", "i'd", "i'll", "the", "a", "an"}
