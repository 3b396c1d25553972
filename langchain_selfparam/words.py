"""Words as they are compared: what carries a statement is found again in an answer, however either is written.

It is used where statements are taken apart and where answers are judged; both have to cut words alike.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable


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
_DOT = "i\u0307"
"""What the capital I with a dot, as in Istanbul, becomes in small letters."""


def composed(text: str) -> str:
    """The text with each letter and its accents as one sign where there is one."""
    return unicodedata.normalize("NFC", text)


def plain(word: str) -> str:
    """A word as it is compared: in small letters, with plain apostrophes and without a possessive ending."""
    folded = composed(composed(word).casefold()).replace(_DOT, "i").replace("’", "'")  # noqa: RUF001
    return re.sub(r"'s$", "", folded)


def words(text: str) -> list[str]:
    """The words of a text, as they are compared."""
    return [plain(word) for word in WORD.findall(composed(text))]
