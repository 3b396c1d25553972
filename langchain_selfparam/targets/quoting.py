"""Words of others that a user hands on: a mail, a chat, quoted lines.

Their "I" is not the user, so they are put into quotation marks, as which everything behind knows them. In comes what a
user wrote, out goes the same with marks around each sentence of somebody else's. The words are English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_OF_SOMEBODY = re.compile(r"\b(?:I|[Mm]e|[Mm]y|[Mm]ine|[Ww]e|[Uu]s|[Oo]ur|i['’]?m)\b")  # noqa: RUF001
"""Speaks of whoever wrote it; without that nothing is mistaken for the user's own."""
_QUOTED_LINE = re.compile(r"^\s*>+(?!>)\s?(?=[^\s=>])")
_TIME = r"(?:\[?\(?(?:\d{1,2}[./-]\d{1,2}(?:[./-]\d{2,4})?,? )?\d{1,2}:\d\d(?::\d\d)?(?: ?[ap]m)?\]?\)?)"
_SPEAKER = r"(?P<who>(?:[A-Z][\w'’-]*)(?: [A-Z][\w'’.-]*){0,2}|[Mm]e)"  # noqa: RUF001
_TIMED_LINE = re.compile(rf"^\s*(?P<label>{_TIME},?(?: [-–])? ?<?{_SPEAKER}>?: ?)(?P<what>\S.*)$")  # noqa: RUF001
_NAMED_LINE = re.compile(rf"^\s*(?P<label><?{_SPEAKER}>?(?: {_TIME})?: ?)(?P<what>\S.*)$")
_MYSELF = frozenset({"me", "i", "myself"})
_CHAT_COMES = re.compile(
    r"\b(?:chat|whatsapp|messages|texts|conversation|slack|thread|sms|discord|telegram)\b[^\n]*:\s*$", re.IGNORECASE
)
_HEADER = re.compile(r"^(?:From|To|Subject|Date|Sent|Cc|Re): *\S")
_FROM = re.compile(r"^From: *\S")
_HANDS_ON = re.compile(
    r"(?P<intro>(?:^|(?<=[.!?] )|(?<=\n))[^\n.!?:\"“]{0,80}?\b"
    r"(?:(?:wrote|writes|texted|e-?mailed|mailed|messaged)(?: (?:me|us|back|this|that|today|yesterday|the following))*"
    r"|(?:mail|e-?mail|letter|message|messages|text|texts|note|reply|whatsapp|sms|voicemail) from [^\n:.!?\"“]{1,40}?)"
    r"(?:,? (?:saying|says|said|reads))?): *(?P<rest>\n[\s\S]+|[^\s\"“‘][^\n]*)",  # noqa: RUF001
    re.IGNORECASE,
)
_BY_THE_USER = re.compile(
    r"\b(?:I|we)(?:['’]ve| have|['’]d| had| just| also| already| then| finally)* (?:wrote|texted|e-?mailed|mailed"  # noqa: RUF001
    r"|messaged)\b|\b(?:my|our) (?:own )?(?:mail|e-?mail|letter|message|text|note|reply) (?:to|was|is)\b",
    re.IGNORECASE,
)
_ON_AGAIN = (
    r"(?:So\b|(?:I|We) (?:told|said|replied|answered|wrote back|think|guess|need to|have to)\b|(?:That|Which) means\b"
    r"|(?:What|How|When|Where) (?:should|shall|do|can|could|would) I\b|Should I\b|Shall I\b|Anyway\b"
    r"|(?:Can|Could|Would|Will) you (?:please )?(?:help|draft|write|reply|remind|put|add|note|save|summari[sz]e)\b"
    r"|(?:Please )?(?:help me|remind me|draft|summari[sz]e)\b)"
)
_OWN_AGAIN = re.compile(rf"(?:(?<=[.!?] )|\n\s*)(?={_ON_AGAIN})")
_OWN_PARAGRAPH = re.compile(rf"\n\s*\n\s*(?={_ON_AGAIN})")
"""Where the user speaks again behind what they hand on; a mail asks and tells as well, but for its own paragraph."""
_GREETS = re.compile(r"(?:hi|hello|hey|dear|good (?:morning|afternoon|evening))\b[^.!?\n]{0,40}[,!.]?", re.IGNORECASE)
_STOP = re.compile(r"(?<=[.!?])\s+(?=\S)|\s*\n\s*")
_MARKS = re.compile(r"[\"“”„«»]")


def as_quoted(text: str) -> str:
    """What a user wrote, with what others wrote in quotation marks.

    Args:
        text: All of a user's message.

    Returns:
        The same where nobody else speaks of themselves in it. A greeting at the head of a mail is left out.
    """
    if not _OF_SOMEBODY.search(text):
        return text
    return _HANDS_ON.sub(_handed_on, _chat(_lines_quoted(_mail(text))))


def _mail(text: str) -> str:
    """A mail with its header: the header's lines as sentences, and what is behind them quoted."""
    lines = text.strip().split("\n")
    count = next((n for n, line in enumerate(lines) if not _HEADER.match(line)), len(lines))
    body = "\n".join(lines[count:])
    if count < 2 or not any(map(_FROM.match, lines[:count])) or not _OF_SOMEBODY.search(body):
        return text
    end = found.start() if (found := _OWN_PARAGRAPH.search(body)) else len(body)
    header = [line.rstrip(". ") + "." for line in lines[:count]]
    return " ".join([*header, _sentences_quoted(body[:end]), body[end:].strip()]).rstrip()


def _lines_quoted(text: str) -> str:
    """Lines behind a ">", as mails and forums quote; of a user who puts one before all they say it is no quotation."""
    lines = text.split("\n")
    marked = [_QUOTED_LINE.match(line) is not None for line in lines]
    if not any(marked):
        return text
    found: list[str] = []
    block: list[str] = []
    for line, quoted in [*zip(lines, marked, strict=True), ("", False)]:
        if quoted:
            block.append(_QUOTED_LINE.sub("", line))
        else:
            found += [_sentences_quoted("\n".join(block))] if block else []
            found.append(line)
            block = []
    return "\n".join(found[:-1])


def _chat(text: str) -> str:
    """Lines with who says them: all with a time, or those beside a "Me:" or behind "the chat:"."""
    lines = text.split("\n")
    timed = [_TIMED_LINE.match(line) for line in lines]
    named = [_NAMED_LINE.match(line) for line in lines]
    with_me = any(match["who"].lower() in _MYSELF for match in named if match) or any(map(_CHAT_COMES.search, lines))
    with_me = with_me and sum(map(bool, named)) > 1
    said = (match or (other if with_me else None) for match, other in zip(timed, named, strict=True))
    return "\n".join(_line_of(line, match) for line, match in zip(lines, said, strict=True))


def _line_of(line: str, match: re.Match[str] | None) -> str:
    if match is None or match["who"].lower() in _MYSELF or not _OF_SOMEBODY.search(match["what"]):
        return line
    return f"{match['label']}{_sentences_quoted(match['what'])}"


def _handed_on(match: re.Match[str]) -> str:
    """What somebody wrote, until the user speaks again: to the line's end, or all where it has lines of its own."""
    if _BY_THE_USER.search(match["intro"]) or not _OF_SOMEBODY.search(match["rest"]) or '"' in match["rest"]:
        return match[0]
    again = _OWN_PARAGRAPH if match["rest"].startswith("\n") else _OWN_AGAIN
    end = found.start() if (found := again.search(match["rest"])) else len(match["rest"])
    return f"{match['intro']}: {_sentences_quoted(match['rest'][:end])} {match['rest'][end:].strip()}".rstrip()


def _sentences_quoted(text: str) -> str:
    """Each sentence in marks of its own, so that it keeps them wherever the text is cut."""
    return " ".join(_quoted(text))


def _quoted(text: str) -> Iterator[str]:
    for part in _STOP.split(text.strip()):
        said = _MARKS.sub("'", part).strip()
        if said and not _GREETS.fullmatch(said):
            yield f'"{said}{"." if said[-1].isalnum() else ""}"'
