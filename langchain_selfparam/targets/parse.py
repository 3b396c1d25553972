"""Plain text work on turns and on what a model wrote: statements, questions, names, telling words.

In comes text, out comes text; it asks no model.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from langchain_selfparam.records import Statement, Turn
from langchain_selfparam.targets.asking import only_asks, without_asking
from langchain_selfparam.targets.courtesy import courteous, unaddressed
from langchain_selfparam.targets.naming import introduces, introductions
from langchain_selfparam.targets.orders import instructs, undressed
from langchain_selfparam.targets.passages import reads_as_written
from langchain_selfparam.targets.person import NUMERAL, asked, told, without_greeting, without_lead
from langchain_selfparam.targets.quoting import as_quoted
from langchain_selfparam.targets.vocabulary import COMMON, COURTESY, DATES, NOBODY, SIGNS
from langchain_selfparam.targets.worldly import PAIRS, is_worldly
from langchain_selfparam.words import LETTERS, SMALL, WORD, composed, form, plain
from langchain_selfparam.words import words as compared

_END = re.compile(r"(?:[.!?।؟]+[\"'”’)\]]*(?=\s)|[。！？]+[」』”’)）]*)\s*(?=\S)")  # noqa: RUF001
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|vs|etc|e\.g|i\.e|No)\.$")
_SHORTENED = re.compile(
    r"\b(?:ext|approx|Inc|Ltd|Co|Corp|Bros|[Aa]pt|[Tt]el|incl|excl|max|min|dept|est|fl|[Aa]ve|Rd|Blvd|ca|vol|pp?)\.$"
)
"""What may end a sentence as well, but for where it goes on with a small letter or a figure."""
_ABBREVIATED = 8
"""Letters at a sentence's end that show whether it is one."""
_INITIAL = re.compile(r"(?<![\w.'’])[A-HJ-Z]\.$")  # noqa: RUF001
_BIG = rf"(?!{SMALL})[^\W\d_](?:{LETTERS}|['_-])+"
_JOINS = (
    r"(?:(?:d[aeiu]s?|de la|del|della|des|e|y|et|la|las|le|les|los|v[ao]n(?: de[nr]?)?|(?<=\bRua )do|(?<=\bRio )do"
    r"|(?<=\bCasa )do|(?<=\bPraia )do) (?!(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day))"
)
"""Within names of other languages: Rua das Flores, Verbos e Vinho."""
_NAME = re.compile(rf"(?<![\w'])(?:(?:Mrs?|Ms|Dr|Prof|St)\. )?{_BIG}(?: (?:and |of |the |& |{_JOINS})?(?!I'){_BIG})*")
_HALF = re.compile(
    r"(?:Mrs?|Ms|Dr|Prof|Miss|Sir|Lord|Lady|Aunt|Uncle)\.?|Central|(?:North|South|East|West)(?:ern)?", re.IGNORECASE
)
"""Before an "and" no name by itself: Mr and Mrs Jones, North and South Korea."""
_ONE_NAME = re.compile(
    r"(?:\b[Tt]he|[\"“«]|\b(?:reads?|reading|watch(?:ed|ing)?|film|movie|book|novel|play|musical|series|show"
    r"|opera|band|duo|pub|bar|shop|store|restaurant|hotel|caf[eé]|firm|company|brand|game|song|album)(?: \w+)?"
    r"|\b(?:work(?:s|ed|ing)?|shop(?:s|ped|ping)?|jobs?|position|post|internship|apprenticeship|employed|trained) at"
    r"|(?:\b(?:as|am|is|was|became)|'m|'s) (?:an?|the) (?:[\w-]+ )?(?:apprentice|chef|clerk|cook|intern|nurse|trainee"
    r"|(?!lodger|outsider|stranger|visitor)\w+(?:er|or|ist|ant|eer|ian)) at"
    r"|\b(?i:an?|my|our|his|her|their) (?:[\w-]+ ){0,2}?(?:\w*[^\Ws]|\w+ss) (?:is )?(?:called|named))\s*$"
)
"""Before a name that may have an "and" in it: a pub's, a book's, that of one thing that is called so."""
_AS_A_PERSON = re.compile(
    r"'s (?!(?:been|gone|on|at|in|off|now|not|a|an|the|\w+ed)\b)[a-z]|, who\b|,? and I\b"
    r"|(?: (?:always|often|never|also|still|now|really|usually))? "
    r"(?:says|said|told|wants|wanted|loves|hates|lives|lived|thinks|thought|knows|teaches|taught|studies|studied"
    r"|can't eat|comes from|came from|was born|is married)\b"
)
"""What follows a word that is somebody."""
_WHERE = r"\b(?:about|around|at|from|in|into|near|of|on|outside|read|reading|the|The|through|to|towards) "
"""Before a place, and what is read of."""
_YOU = re.compile(r"\byou(?:r|rs|rself)?\b", re.IGNORECASE)
_ME = re.compile(NUMERAL + r"\bI\b|\b(?:(?i:me|my|mine|we|our|ours)|[Uu]s|i(?!\.))\b")
_QUOTED = re.compile(r"[\"“«]([^\"”»]+)[\"”»]|(?<![\w'’])['‘]((?:[^'‘’]|(?<=\w)['’](?=\w))+)['’](?!\w)")  # noqa: RUF001
_TO_SAY = re.compile(
    r"\b(?:say|saying|answer|reply|respond|with|words?)\b[:,]? (?:(?:only|just|always|the|an?|words?|with) )*([\w'-]+)",
    re.IGNORECASE,
)
_LISTED = re.compile(r"^\s*\d[.)]\s+(?=\S)", re.MULTILINE)
"""The number of an item in a list."""
_ASKED = re.compile(r"[?？][\"'”’)\]]*$")  # noqa: RUF001
_OPENS = re.compile(r"(?:^|[\"“‘«(\[:–—•*>\n]|(?<![\w'])')\s*$")  # noqa: RUF001
"""Before a word that has a capital letter whatever it is."""
_OPENS_A_CLAUSE = frozenset(
    """after although and because before but if or since so than that though unless until when where whereas which while
    who whose""".split()
)
_FEWEST_WORDS = 4
"""Words of a piece of a sentence at least."""
_LONG = 150
"""Words from which a turn is a text that was written elsewhere, or one for others to read."""
_MOST_LETTERS = 600
"""Of a statement, whatever its words are."""
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Signs of scripts that put no blanks between words; two of them are about a word."""
_STOPS = "。！？、，；：,;:.!?)/&="  # noqa: RUF001
"""Behind which a very long word may be cut, such as a sentence without blanks or an address."""
_NO_NAMES = frozenset("a and at by dear either for from i in neither of on or the to with".split())
"""Common words that are big in titles, and the speaker."""
_IN_REPLIES = frozenset({"ai", "am", "pm"})
"""What a reply names when it is about the assistant, and halves of the day, which it may write in its own way."""


def statements(
    turn: Turn, *, words: int, passage_words: int | None = None, own_names: Collection[str] = ()
) -> list[Statement]:
    """Cut a turn into what is learned together.

    The user's sentences are grouped up to ``words`` words. Of the reply only sentences that bring a name or a number
    which the user did not say are taken, each once: most replies repeat, encourage or say what the model is. By what
    name it calls itself is left out: it would be called so from then on, by whoever else asks.
    Sentences that order the assistant how to behave stand apart and are said back in quotation marks: they are memory
    of what was said, not to be obeyed. Questions and requests that tell nothing of the user are left out.

    Args:
        turn: One turn.
        words: Words of a statement at most; a longer single sentence, and one of very many letters, is cut, where a
            clause ends if it can be.
        passage_words: The same for a passage, a longer text in which the user does not come up, as
            ``passages.reads_as_written`` knows it. Each of its sentences is a statement, a longer one several.
            ``words``, and no passage, where missing.
        own_names: Names that the user has told of, as ``names_told_of`` finds them: a shorter text with one is no
            passage, and calling somebody so ("I'm sorry, Walt.") is no news in a reply.

    Returns:
        The statements in order, orders after the others and the reply's last; none where nothing was said.
    """
    own = _by_lines(sentences(without_greeting(as_quoted(turn.user))))
    orders = [sentence for sentence in own if instructs(sentence)]
    others = [sentence for sentence in own if sentence not in orders]
    passage = passage_words is not None and not any(map(speaks_of_me, others))
    passage = passage and reads_as_written(others, words, known=own_names)
    # In a longer text a question leads to what comes behind it.
    if not (passage or len(turn.user.split()) > _LONG) or all(map(only_asks, others)):
        others = without_asking(others)
    while len(others) > 1 and courteous(others[0]):  # behind others it may be what they ask for
        others = others[1:]
    if passage_words is not None and passage:
        found = [
            Statement(turn_id=turn.id, said=clause, told=without_lead(clause), by_user=False, sentence=sentence)
            for whole in others
            for clause, sentence in _with_sentence(whole, min(words, passage_words))
        ]
    else:
        found = [
            Statement(turn_id=turn.id, said=said, told=told(without_lead(said)), by_user=True)
            for said in _grouped(others, words)
        ]
    # Said back as the user's words: an order that is only repeated would be obeyed by whoever repeats it.
    found += [
        Statement(turn_id=turn.id, said=said, told=f'You told me: "{said}"', by_user=True)
        for said in _grouped(orders, words)
    ]
    known = {*map(form, telling(turn.user))} | _IN_REPLIES  # "16 hours" is no news of "sixteen hours"
    replied = list(dict.fromkeys(sentences(turn.assistant)))
    news = [s for s in replied if not _ASKED.search(s) and _news(unaddressed(s, own_names)) - known]
    found += [Statement(turn_id=turn.id, said=s, told=s, by_user=False) for s in _grouped(news, words)]
    return found


def _news(reply: str) -> set[str]:
    """The names and numbers of a sentence of a reply, but for those by which the assistant calls itself."""
    itself = {form(word) for *_, name in introductions(reply) for word in compared(name)}
    return {*map(form, _specific(" " + reply[1:]))} - itself


def demanded(sentence: str) -> list[str]:
    """Words that an order wants to hear: what it has in quotation marks, else its names and numbers, else its end."""
    order = undressed(sentence)
    quoted = " ".join(double or single for double, single in _QUOTED.findall(order))
    if found := telling(quoted):
        return found
    if len(compared(quoted)) == 1:  # "Always say 'yes'."
        return compared(quoted)
    said = [word for match in _TO_SAY.finditer(order) for word in telling(match.group(1))]
    return secrets(order) or said[-1:] or telling(order)[-1:]


def sentences(text: str) -> list[str]:
    """The sentences of a text, without blanks around them."""
    parts: list[str] = []
    for part in _cut_behind_sentences(text.strip()):
        end = parts[-1][-_ABBREVIATED:] if parts else ""
        on = part[:1].islower() or part[:1].isdigit()
        if _ABBREVIATION.search(end) or (on and _SHORTENED.search(end)) or (_INITIAL.search(end) and _names_on(part)):
            parts[-1] += " " + part
        elif part:
            parts.append(part)
    return parts


def _cut_behind_sentences(text: str) -> Iterator[str]:
    start = 0
    for end in _END.finditer(text):
        yield text[start : end.end()].strip()
        start = end.end()
    yield text[start:].strip()


def _names_on(part: str) -> bool:
    """Whether a name may go on behind an initial: "C. J. Anderson", and not "Plan B. The next"."""
    first = part.split(maxsplit=1)[0]
    return first[0].isupper() and first.lower() not in COMMON


def _by_lines(own: Iterable[str]) -> list[str]:
    """Sentences of a user, cut before and behind a line that is an order or a question by itself."""
    found: list[str] = []
    for sentence in own:
        lines = _lines(sentence)
        alone = [instructs(line) or only_asks(line) for line in lines]
        joins = False
        for line, by_itself in zip(lines, alone, strict=True):
            if joins and not by_itself:
                found[-1] += "\n" + line
            else:
                found.append(line)
            joins = not by_itself
    return found


def _lines(text: str) -> list[str]:
    """The lines of a text that are not blank, with those that go on in the next one as one."""
    lines: list[str] = []
    for line in text.splitlines():
        if lines and line[:1].islower() and lines[-1].strip()[-1:] not in ".!?:;":
            lines[-1] += "\n" + line
        elif line.strip():
            lines.append(line)
    return lines


def _with_sentence(sentence: str, words: int) -> list[tuple[str, str]]:
    """What a sentence of a passage is cut into, each with the text from which it is asked about.

    That is the sentence, but not that of a list, a table or a log without sentence ends: it would be read once for each
    piece and be longer than what a model reads. Its lines are taken together instead, and asked about by themselves.
    """
    if len(sentence) <= _MOST_LETTERS:
        return [(clause, sentence) for clause in _grouped([sentence], words)]
    return [(clause, clause) for clause in _grouped(_lines(sentence), words)]


def _grouped(parts: Iterable[str], words: int) -> list[str]:
    """Whole sentences together up to so many words; longer ones by themselves, cut where a clause ends."""
    groups: list[list[str]] = []
    joins = False
    for part in parts:
        said = part.split()
        fits = _fits(said, words)
        if joins and fits and _fits([*groups[-1], *said], words):
            groups[-1] += said
        else:
            groups += _clauses(said, words)
        joins = fits
    return [_joined(group) for group in groups]


def _joined(said: list[str]) -> str:
    """Words with blanks between them, where their script has blanks."""
    text = " ".join(said)
    return re.sub(rf"(?<=[。！？、，]) (?={_UNSPACED.pattern})", "", text)  # noqa: RUF001


def _fits(said: list[str], words: int) -> bool:
    """Whether words are no more than so many and not too many letters."""
    count = sum(max(1, math.ceil(len(_UNSPACED.findall(word)) / 2)) for word in said)
    return count <= words and sum(map(len, said)) + len(said) <= _MOST_LETTERS


def _clauses(said: list[str], words: int) -> list[list[str]]:
    """A sentence's words in pieces of at most so many, cut at the end of a clause nearest to the middle."""
    if _fits(said, words):
        return [said]
    if len(said) == 1:
        if len(said[0]) == 1:
            return [said]
        at = _stop_in(said[0])
        return _clauses([said[0][:at]], words) + _clauses([said[0][at:]], words)
    middle = len(said) / 2
    ends = [at for at in range(_FEWEST_WORDS, len(said) - _FEWEST_WORDS + 1) if _ends(said[at - 1], said[at])]
    at = min(ends, key=lambda at: abs(at - middle), default=round(middle))
    return _clauses(said[:at], words) + _clauses(said[at:], words)


def _stop_in(word: str) -> int:
    """Where a word of very many letters is cut: behind its stop nearest to the middle, or there."""
    middle = len(word) // 2
    ends = [at for at in range(_FEWEST_WORDS, len(word) - _FEWEST_WORDS + 1) if word[at - 1] in _STOPS]
    return min(ends, key=lambda at: abs(at - middle), default=middle)


def _ends(word: str, following: str) -> bool:
    return word[-1] in ",;:)–—、，；" or following[0] in "(–—" or following.lower() in _OPENS_A_CLAUSE  # noqa: RUF001


def questions(written: str, *, by_user: bool) -> list[str]:
    """The usable questions in what a model wrote, one a line.

    Args:
        written: Lines, with or without a dash or number before each.
        by_user: Whether the statement is the user's own, so that "you" in a question means them.

    Returns:
        Questions of 3 to 16 words, each once, in the user's own person.
    """
    found: dict[str, None] = {}
    for line in written.splitlines():
        text = re.sub(r"^\s*(?:[-*•]|\d+[.)])\s*", "", line).strip()
        if text.endswith("?") and text.count("?") == 1 and 3 <= len(text.split()) <= 16:
            if by_user and _YOU.search(text) and _ME.search(text):
                continue  # "How did you find me?": nobody can say who is who
            text = asked(text) if by_user else text
            found[text[0].upper() + text[1:]] = None
    return list(found)


def names(said: str, known: Collection[str] = ()) -> list[str]:
    """Capitalised names in a statement.

    A single word that opens a sentence has a capital letter whatever it is. It is a name where it is known for one,
    where something is said to be its own ("Oberon's mother") or where only a person can do what comes next.

    Args:
        said: The statement.
        known: Words that are names elsewhere, as ``known_names`` finds them.

    Returns:
        Each name once, in order.
    """
    found: dict[str, None] = {}
    for sentence in sentences(composed(said).replace("’", "'")):  # noqa: RUF001
        for match in _NAME.finditer(sentence):
            words = re.sub(r"'s?$", "", match.group(0)).split()
            opens = match.start() == 0 and not (len(words) == 1 and _opens_with_name(sentence, words[0], known))
            if words[0].startswith("I'") or (opens and (len(words) == 1 or words[0].lower() in COMMON | _NO_NAMES)):
                words = words[1:]
            for name in _apart(words, sentence[: match.start()]):
                # Inside a sentence "New York" is a name and "May" is not.
                alone = len(name) == 1 and (name[0].split("'")[0].lower() in COMMON or name[0] in SIGNS)
                if not alone and len(" ".join(name)) > 1:
                    found[" ".join(name)] = None
    return list(found)


def _apart(words: list[str], before: str) -> Iterator[list[str]]:
    """The names among words that are written as one: Freya and Dot are two, "the Fox and Hounds" is one."""
    # "of": the Museum of Science and Industry.
    if "and" not in words or "of" in words or _ONE_NAME.search(before) or " ".join(words).lower() in PAIRS:
        yield words
        return
    parts = [part.split() for part in " ".join(words).split(" and ")]
    # "On the Jews and Their Lies" is one.
    if any(len(part) == 1 and _HALF.fullmatch(part[0]) for part in parts) or _goes_on(parts[1:]):
        yield words
        return
    for part in parts:
        if part and not (len(part) == 1 and part[0].lower() in COURTESY | NOBODY):
            yield [*part[:-1], re.sub(r"'s?$", "", part[-1])]


def _goes_on(parts: Sequence[Sequence[str]]) -> bool:
    return any(part[0].lower() in COMMON - {"the"} for part in parts if part)


def _opens_with_name(sentence: str, word: str, known: Collection[str]) -> bool:
    lower = word.lower()
    if lower in COMMON | COURTESY | NOBODY or is_date(form(lower)):
        return False
    return word in known or _AS_A_PERSON.match(sentence[len(word) :]) is not None


def known_names(texts: Iterable[str]) -> frozenset[str]:
    """Words that are written as names somewhere, so that they are names where they open a sentence too.

    Args:
        texts: All that is known, such as an episode's statements and those of earlier ones.

    Returns:
        The words, as they are written.
    """
    return frozenset(
        part
        for text in texts
        for name in names(text)
        for part in name.split()
        if part[0].isupper() and part.lower() not in COMMON and not is_date(form(part.lower()))
    )


def names_told_of(texts: Iterable[str]) -> frozenset[str]:
    """Names of whom and what a user tells of as theirs, without places, days and what everybody knows.

    Args:
        texts: What they said; only where they speak of themselves the names are theirs.

    Returns:
        The names, as they are written.
    """
    return frozenset(
        name
        for text in texts
        if speaks_of_me(text)
        for name in names(text)
        if not (is_worldly(name) or is_date(name) or re.search(rf"{_WHERE}{re.escape(name)}\b", text))
    )


def is_date(name: str) -> bool:
    """Whether a name is that of a weekday or month, which belong to everybody."""
    return name.lower() in DATES


def only_names(said: str) -> bool:
    """Whether the user gives their name in it and says nothing else."""
    text = composed(said)
    for start, end, _ in sorted(introductions(text), reverse=True):
        text = f"{text[:start]} {text[end:]}"
    return introduces(said) and set(telling(text)) - set(secrets(said)) <= COURTESY | {"speaking"}


def speaks_of_you(text: str) -> bool:
    """Whether it speaks to or of whoever is asked."""
    return _YOU.search(text) is not None


def speaks_of_me(question: str) -> bool:
    """Whether the user asks about themselves."""
    return bool(_ME.search(question))


def telling(text: str) -> list[str]:
    """The words that carry a statement, as they are compared, each once.

    Names, numbers and content words; a common word only where it is written as a name is: "My name is Will."
    """
    found: dict[str, None] = {}
    for sentence in sentences(_LISTED.sub(" ", composed(text))):
        matches = list(WORD.finditer(sentence))
        # Where every word has a capital letter, it tells nothing.
        titled = len(matches) >= _FEWEST_WORDS and all(m.group(0)[0].isupper() for m in matches)
        for match in matches:
            if _is_telling(match.group(0), sentence[: match.start()][-_ABBREVIATED:], titled=titled):
                found[plain(match.group(0))] = None
    return list(found)


def _is_telling(word: str, before: str, *, titled: bool) -> bool:
    lower = word.lower().replace("’", "'")  # noqa: RUF001
    big = word[0].isupper() and not titled and _OPENS.search(before) is None
    if lower in COMMON:
        return big and lower not in _NO_NAMES and not lower.startswith("i'")
    # A single letter is what is left of a word, or a sign that is one.
    return len(word) > 1 or big or word.isdigit() or word.lower() == word.upper()


def carrying(text: str) -> list[str]:
    """The words by which a statement is known in an answer: those that are telling, else all: "I love her."."""
    return telling(text) or list(dict.fromkeys(compared(text)))


def says_something(text: str) -> bool:
    """Whether there is anything to ask about in it: "Okay, thanks!" has nothing."""
    return not courteous(text)


def secrets(said: str, known: Collection[str] = ()) -> list[str]:
    """Words of a statement that nobody could guess: parts of names and numbers, lower case.

    Args:
        said: The statement.
        known: As for ``names``.

    Returns:
        The words, sorted.
    """
    return sorted(_specific(said, known))


def _specific(text: str, known: Collection[str] = ()) -> set[str]:
    numbers = {plain(w) for w in WORD.findall(composed(text)) if any(c.isdigit() for c in w) and len(w) > 1}
    parts = {w for name in names(text, known) for p in name.split() if p[:1].isupper() for w in compared(p)}
    return {w for w in numbers | parts if w not in COMMON}


def openings(texts: Sequence[str], words: int) -> list[str]:
    """The beginning of each text up to the first word that tells it from all others, ``words`` words at least.

    Args:
        texts: What is said of an episode's statements.
        words: Words of an opening at least.

    Returns:
        One for each text.
    """
    said = [[word.strip(_STOPS) for word in text.split()] for text in texts]
    shared = ([_shared(own, other) + 1 for other in said if other != own] for own in said)
    return [opening(text, max([words, *those])) for text, those in zip(texts, shared, strict=True)]


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words two texts have in common at their beginning."""
    least = min(len(one), len(other))
    return next((n for n in range(least) if one[n] != other[n]), least)


def opening(text: str, words: int) -> str:
    """The first ``words`` words of a text."""
    return " ".join(text.split()[:words])
