"""Words of others that a user hands on: a mail, a chat, quoted lines.

Their "I" is not the user, so they are put into quotation marks, as which everything behind knows them. In comes what a
user wrote, out goes the same with marks around each sentence of somebody else's. The words are English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_OF_SOMEBODY = re.compile(r"\b(?:I|[Mm]e|[Mm]y|[Mm]ine|[Ww]e|[Uu]s|[Oo]ur|i(?!\.)|i['’]?m)\b")  # noqa: RUF001
"""Speaks of whoever wrote it; without that nothing is mistaken for the user's own."""
_QUOTED_LINE = re.compile(r"^\s*>+(?!>)\s?(?=[^\s=>])")
_DATE = r"(?:\d{4}-\d\d-\d\d|\d{1,2}[./-]\d{1,2}(?:[./-]\d{2,4})?)"
_TIME = rf"(?:\[?\(?(?:{_DATE},?[ T])?\d{{1,2}}:\d\d(?::\d\d)?(?: ?[AaPp][Mm])?\]?\)?)"
_SPEAKER = (
    r"(?P<who>(?:[A-Z][\w'’-]*)(?: [A-Z][\w'’.-]*){0,2}"  # noqa: RUF001
    r"|me|him|her|mum|mom|mam|dad|bro|sis|boss|gran|nan|grandma|grandpa|wife|husband)"
)
_TIMED_LINE = re.compile(rf"^\s*(?P<label>{_TIME},?(?: [-–])? ?<?{_SPEAKER}>?: ?)(?P<what>\S.*)$")  # noqa: RUF001
_NAMED_LINE = re.compile(rf"^\s*(?P<label><?{_SPEAKER}>?(?: {_TIME})?: ?)(?P<what>\S.*)$")
_SPEAKER_ABOVE = re.compile(rf"^\s*{_SPEAKER},? (?:[-–—|•] )?{_TIME}\s*$")  # noqa: RUF001
"""Alone in its line, with what they say in the lines below."""
_MYSELF = frozenset({"me", "i", "myself"})
_CHAT_COMES = re.compile(r"\b(?:chat|whatsapp|dms?|slack|discord|telegram)\b[^\n]*:\s*$", re.IGNORECASE)
_NO_SPEAKERS = frozenset(
    """breakfast dinner exercise family food gym health home hobbies job kids lunch money mood parking plan rent salary
    school shopping sleep sport study today tomorrow tonight travel weekend work""".split()
)
"""Before a colon in a list of what somebody does or pays."""
_HEADER = re.compile(r"^(?:From|To|Subject|Date|Sent|Cc|Re): *\S")
_FROM = re.compile(r"^From: *\S")
_OF_A_MAIL = re.compile(r"^(?:Subject|Sent|Re):|@")
"""What a way from one town to another has not."""
_YOU = re.compile(r"\byou(?:r|rs|rself)?\b", re.IGNORECASE)
_LETTER = r"(?:mail|e-?mail|letter|message|text|note|post|whatsapp|sms|voicemail)"
_HANDS_ON = re.compile(
    r"(?P<intro>(?:^|(?<=[.!?] )|(?<=\n))(?:[^\n.!?:\"“]{0,80}?\b"
    r"(?P<verb>(?:wrote|writes|texted|e-?mailed|mailed|messaged|sent|posted))"
    r"(?: (?:me|us|back|this|that|again|today|yesterday|tonight|earlier|just now|this morning|the following))*"
    rf"|(?:[^\n.!?:\"“]{{0,20}} )?(?:(?:my|our|his|her) [\w ]{{1,30}}|[A-Z]\w+)['’]s {_LETTER}"  # noqa: RUF001
    rf"|(?:(?:here(?:['’]s| is)|this is) )?(?:the |an? |my )?{_LETTER} from [^\n:.!?\"“]{{1,40}}?)"  # noqa: RUF001
    r"(?:,? (?:saying|says|said|reads))?): *(?P<rest>\n[\s\S]+|[^\s\"“‘][^\n]*)",  # noqa: RUF001
    re.IGNORECASE,
)
_BY_THE_USER = re.compile(
    r"\b(?:I|we)(?:['’]ve| have|['’]d| had| just| also| already| then| finally)* $|\b(?:I|we) [^,;]*\bto \w* ?$",  # noqa: RUF001
    re.IGNORECASE,
)
"""Before a verb of whoever speaks."""
_SHORT_NEWS = re.compile(rf"\b{_LETTER} from\b", re.IGNORECASE)
"""In "A message from my boss: I got the post!" it may be the user who got it."""
_SHOWS = re.compile(r"here(?:['’]s| is)|this is", re.IGNORECASE)  # noqa: RUF001
_SIGNED = re.compile(
    r"\n(?:best|kind|warm|many|regards|cheers|love|thanks|sincerely|yours|xx?)\b[^.!?\n]{0,40}\n\s*\n", re.IGNORECASE
)
"""With a mail's last line: what is behind it is the user's."""
_ON_AGAIN = (
    r"(?:So\b|(?:I|We) (?:told|said|replied|answered|wrote back|think|guess|need to|have to)\b|(?:That|Which) means\b"
    r"|(?:What|How|When|Where) (?:should|shall|do|can|could|would) I\b|Should I\b|Shall I\b|Anyway\b"
    r"|(?:Can|Could|Would|Will) you (?:please )?(?:help|draft|write|reply|remind|put|add|note|save|summari[sz]e)\b"
    r"|(?:Please )?(?:help me|remind me|draft|summari[sz]e)\b)"
)
_OWN_AGAIN = re.compile(rf"(?:(?<=[.!?] )|\n\s*)(?={_ON_AGAIN})")
_OWN_PARAGRAPH = re.compile(rf"\n\s*\n\s*(?={_ON_AGAIN})")
"""Where the user speaks again behind what they hand on; a mail asks and tells as well, but for its own paragraph."""
_GREETS = re.compile(
    r"(?:hi|hello|hey|dear|good (?:morning|afternoon|evening))\b"
    r"(?: (?:all|both|everyone|team|there|(?-i:(?!I\b)[A-Z][\w.'’-]*))){0,4}[,!.]?",  # noqa: RUF001
    re.IGNORECASE,
)
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
    first = next((n for n, line in enumerate(lines) if _HEADER.match(line)), len(lines))
    behind = next((n for n in range(first, len(lines)) if not _HEADER.match(lines[n])), len(lines))
    header, body = lines[first:behind], "\n".join(["", *lines[behind:]])
    if not (any(map(_FROM.match, header)) and any(map(_OF_A_MAIL.search, header)) and _OF_SOMEBODY.search(body)):
        return text
    end = _end_of_mail(body)
    said = [*(line.rstrip(". ") + "." for line in header), _sentences_quoted(body[:end]), body[end:].strip()]
    return "\n".join([*lines[:first], " ".join(said).rstrip()])


def _end_of_mail(text: str) -> int:
    """Where the user speaks again behind a mail: in a paragraph of their own, or behind who has signed it."""
    signed = _SIGNED.search(text)
    again = _OWN_PARAGRAPH.search(text)
    return min(signed.end() if signed else len(text), again.start() if again else len(text))


def _lines_quoted(text: str) -> str:
    """Lines behind a ">", as mails and forums quote."""
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
    """Lines with who says them; "Monday: I swim" and "7:30 Gym: I row" are none."""
    given = text.split("\n")
    lines = _beside_their_speakers(given)
    timed = [_TIMED_LINE.match(line) for line in lines]
    said = [match or _NAMED_LINE.match(line) for line, match in zip(lines, timed, strict=True)]
    speakers = [match["who"].lower() for match in said if match]
    sure = len(speakers) > 1 and (
        len(set(speakers)) < len(speakers)
        or not _MYSELF.isdisjoint(speakers)
        or lines != given
        or any(map(_CHAT_COMES.search, lines))
        or any(match is not None and match["label"].lstrip().startswith("[") for match in timed)
    )
    of_others = any(m and m["who"].lower() not in _MYSELF and _speaks_of_people(m["what"]) for m in said)
    if not (sure and of_others) or not _NO_SPEAKERS.isdisjoint(speakers):
        return text
    return "\n".join(_line_of(line, match) for line, match in zip(lines, said, strict=True))


def _beside_their_speakers(lines: list[str]) -> list[str]:
    """Lines below who says them, each behind its speaker; where nobody is named so, as they are."""
    if sum(_SPEAKER_ABOVE.match(line) is not None for line in lines) < 2:
        return lines
    found: list[str] = []
    above: str | None = None
    for line in lines:
        if _SPEAKER_ABOVE.match(line):
            above = line.strip()
        elif above is None or not line.strip():
            found.append(line)
            above = None
        else:
            found.append(f"{above}: {line.strip()}")
    return found


def _line_of(line: str, match: re.Match[str] | None) -> str:
    """A line of a chat; the user's own as well, where "you" is somebody in the chat."""
    if match is None or not _speaks_of_people(match["what"]):
        return line
    return f"{match['label']}{_sentences_quoted(match['what'])}"


def _speaks_of_people(text: str) -> bool:
    """Whether it speaks of whoever says it, or of whom it is said to."""
    return _OF_SOMEBODY.search(text) is not None or _YOU.search(text) is not None


def _handed_on(match: re.Match[str]) -> str:
    """What somebody wrote, until the user speaks again: to the line's end, or all where it has lines of its own."""
    intro, rest = match["intro"], match["rest"]
    below = rest.startswith("\n")
    own = match["verb"] and _BY_THE_USER.search(intro[: match.start("verb") - match.start("intro")])
    own = own or (not below and _SHORT_NEWS.search(intro) and not _SHOWS.match(intro))
    if own or not _OF_SOMEBODY.search(rest) or '"' in rest:
        return match[0]
    again = _OWN_AGAIN.search(rest)
    end = _end_of_mail(rest) if below else again.start() if again else len(rest)
    return f"{intro}: {_sentences_quoted(rest[:end])} {rest[end:].strip()}".rstrip()


def _sentences_quoted(text: str) -> str:
    """Each sentence in marks of its own, so that it keeps them wherever the text is cut."""
    return " ".join(_quoted(text))


def _quoted(text: str) -> Iterator[str]:
    for part in _STOP.split(text.strip()):
        said = _MARKS.sub("'", part).strip()
        if said and not _GREETS.fullmatch(said):
            yield f'"{said}{"." if said[-1].isalnum() else ""}"'
