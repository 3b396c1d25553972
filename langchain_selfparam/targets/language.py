"""Which words are English, and which are not the speaker's own: what may be turned from one person to another.

"Jag bor i Stockholm." has an "i" that is no speaker, as has `for i in range(3)`; "Anna said "I love my dog"" has one
that is somebody else. Both have to be left as they were said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from langchain_selfparam.targets.vocabulary import COMMON

_SHARED = frozenset(
    """a all also am an as at come do for has her i in is last me mine most no of on once or over see so still to under
    us was we will""".split()
)
"""Of the common words those that other languages have as well."""
_ENGLISH = (COMMON - _SHARED) | frozenset(
    """aunt boss brother call called calls cat colleague daughter day dog everybody everyone father friend friends gave
    grandfather grandmother home husband live lives makes mother neighbour nobody school sister son taught teacher think
    today tomorrow uncle week wife work year yesterday""".split()
)
_FOREIGN = frozenset(
    """auf avec con das dans de del della dem der det ein eine einen el em en er est et ett eu får för gli het ho ich
    ik il jag je jeg jest jsme la las le les los mein meine mi mia mio mis mit mitt moja mon não naar nicht nie niet
    och og para på por que się sind sono sou soy suis sur uma un una und une van von wij wir yo z zu är""".split()
)
"""Words of which a sentence in German, French, Spanish, Italian, Dutch, Swedish or Polish has at least one."""
_SENTENCE = re.compile(r"[^.!?\n。！？]+[.!?\n。！？]*")  # noqa: RUF001
_LETTERS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")  # noqa: RUF001
_CODE = re.compile(
    r"```.*?(?:```|$)|`[^`]*`|^[^`]*[^`\s]```"
    r"|(?:^|(?<=[\s>]))(?:for \w+(?:, ?\w+)* in [^:]*: *(?:\n|\w+[(.=\[])"
    r"|while [\w.]+ ?[<>=!][^:]*:|if [\w.]+ ?(?:[=!]=|[<>])[^:]*:"
    r"|def \w+\(|class [A-Z]\w*(?:\([^)]*\))?:|from [\w.]+ import |import [a-z][\w.]*$|print\(|(?:const|let|var) \w+ ?="
    r"|function ?\w*\(|#include|SELECT .* FROM |>>> ).*",
    re.DOTALL | re.MULTILINE,
)
"""Between backticks, and from where a line begins as only programs do. A lone fence closes what began before."""
_SIGNS = re.compile(r"\w\([^()]*\)\s*[:;{]|[=!]=|=>|&&|\|\||\+\+|\+=|</|[{}]|\w\[\w+\]")
"""Of programs."""
_COMMAND = re.compile(
    r"(?:sudo )?(?:npm|npx|yarn|pnpm|pip3?|git|docker|kubectl|cargo|apt(?:-get)?|brew|conda|poetry|uv) (?:add|apply"
    r"|build|checkout|clone|commit|create|diff|exec|fetch|get|init|install|log|merge|publish|pull|push|rebase|remove|run"
    r"|start|status|test|uninstall|update|upgrade)\b"
    r"|(?:bash|cd|chmod|cp|curl|ls|mkdir|mv|node|python3?|rm|sh|ssh|wget) \S*[-/.]"
    r"|import [\w.]+ as \w+$|import [^\n]* from [\"']|[^\n]*;[ \t]*$",
    re.MULTILINE,
)
"""Opens a text as only what is typed for a machine does; what is behind it may be talk again."""
_QUOTED = re.compile(
    r"(?<!\d)\"[^\"]*\"|[“„«][^”“»]*[”“»]"
    r"|(?<![\w'’])['‘](?:[^'‘’]|(?<=\w)['’](?=\w))+['’](?!\w)"  # noqa: RUF001
)
_OPEN_QUOTE = re.compile(r"(?:^|(?<=[\s(]))\"(?=\w)|“(?=\w)")
_REPORTED = re.compile(
    r"(?<!\bI )(?<!\bi )(?<!\bWe )(?<!\bwe )\b(?:said|says|told (?:me|us|him|her|them)|wrote|writes|texted|asked"
    r"|replied|shouted|answered|goes): ?[^.!?\n]*",
)
"""What somebody else has said."""
_ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\b(?:[A-Z]\.){2,}")
"""Of pages and of mail, and letters that stand for words: "ana.i@me.com", "A.I."."""


def as_said(text: str) -> list[tuple[int, int]]:
    """Begin and end of what is not the speaker's own: quotations, what others said, programs, addresses."""
    spans = [match.span() for pattern in (_CODE, _QUOTED, _REPORTED, _ADDRESS) for match in pattern.finditer(text)]
    bare = _QUOTED.sub(lambda match: " " * len(match.group(0)), text)
    if lone := _OPEN_QUOTE.search(bare):  # a quotation that was cut
        spans.append((lone.start(), len(text)))
    elif (at := re.search(r"(?<=[\w.!?,])(?<!\d)[\"”]", bare)) is not None:
        spans.append((0, at.end()))
    return spans


def within(at: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether a place is in one of these."""
    return any(start <= at < end for start, end in spans)


def opens_as_program(text: str) -> bool:
    """Whether a text begins with a program or a command, where a big letter would be another word."""
    return bool(_CODE.match(text) or _COMMAND.match(text)) or Reading(text).is_program(0)


class Reading:
    """A text, read for the language of each of its sentences."""

    def __init__(self, text: str) -> None:
        self._parts = [(match.start(), match.end(), _weighed(match.group(0))) for match in _SENTENCE.finditer(text)]
        self._whole = sum(english for *_, (english, _) in self._parts), sum(other for *_, (_, other) in self._parts)
        self._programs = [(m.start(), m.end()) for m in _SENTENCE.finditer(text) if _SIGNS.search(m.group(0))]

    def is_english(self, at: int, *, sure: bool) -> bool:
        """Whether the sentence at a place is English.

        Args:
            at: Where a word stands in the text.
            sure: Whether the word itself is English, so that only a sentence of another language speaks against it.

        Returns:
            ``True`` where it is.
        """
        english, other = next((weight for start, end, weight in self._parts if start <= at < end), (0, 0))
        if not english and not other:
            english, other = self._whole
        return english >= other if sure else english > other

    def is_program(self, at: int) -> bool:
        """Whether the sentence at a place has signs of a program in it."""
        return any(start <= at < end for start, end in self._programs)


def _weighed(sentence: str) -> tuple[int, int]:
    """English words of a sentence, and words that only other languages have; none of those is in "Rio de Janeiro"."""
    english = other = 0
    before = ""
    for match in _LETTERS.finditer(sentence):
        word = match.group(0).lower().replace("’", "'")  # noqa: RUF001
        english += word in _ENGLISH
        small = match.group(0).islower() or not before
        other += small and not before[:1].isupper() and word in _FOREIGN
        # "Ana y Luis viven en Roma": a sentence's first word is capitalised whatever it is.
        before = match.group(0) if before else " "
    return english, other
