"""Plain text work on turns and on what a model wrote: statements, questions, names, telling words.

In comes text, out comes text; it asks no model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from langchain_selfparam.records import Statement, Turn
from langchain_selfparam.targets.person import NUMERAL, asked, told, without_greeting, without_lead

_SENTENCE = re.compile(r"(?<=[.!?。！？])[\"'”’)]*\s+(?=\S)")  # noqa: RUF001
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|vs|etc|e\.g|i\.e|No)\.$")
_NAME = re.compile(r"(?<![\w'])[^\W\d_a-z][\w'-]+(?: (?:and |of |the |& )?(?!I')[^\W\d_a-z][\w'-]+)*")
_WORD = re.compile(r"[^\W_]+(?:['’,.:-][^\W_]+)*")  # noqa: RUF001
_INTRODUCES = re.compile(r"\b(?:I['’]m|I am|[Mm]y name is|[Mm]y name['’]s|[Cc]all me|[Tt]his is) ([A-Z][a-z]+)")  # noqa: RUF001
_YOU = re.compile(r"\byou(?:r|rs|rself)?\b", re.IGNORECASE)
_ME = re.compile(NUMERAL + r"\bI\b|\b(?:(?i:me|my|mine|we|our|ours)|[Uu]s|i(?!\.))\b")
_INSTRUCTS = re.compile(
    r"(?:(?:please|now|so|and|but|then|also),? )*(?:"
    r"(?:ignore|disregard|forget|override) (?:all |any |everything|your|my|the|what|previous|earlier|prior)"
    r"|(?:you are|you're|you must|you will|you have to) (?:now|always|never|only|from now on)"
    r"|from now on,? (?:you|always|never|only|answer|reply|respond|say|act|talk|end|start)"
    r"|(?:always|never|only) (?:answer|reply|respond|say|tell|end|start|begin|speak|write|use|mention|refuse|give)"
    r"|(?:answer|reply|respond) (?:only|always|every|to every|with)|pretend (?:to be|that|you)|act as|act like"
    r"|say .* (?:every|each|whenever|always))\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“‘«]([^\"”’»]+)[\"”’»]")  # noqa: RUF001
_NO_NAMES = frozenset(
    """african american arab asian australian austrian belgian brazilian british buddhist bulgarian canadian catholic
    chilean chinese christian colombian croatian cuban czech danish dutch egyptian english estonian ethiopian european
    filipino finnish french german greek hindu hungarian icelandic indian indonesian iranian iraqi irish israeli italian
    jamaican japanese jewish kenyan korean latvian lebanese lithuanian malaysian mexican moroccan muslim nigerian
    norwegian pakistani peruvian polish portuguese romanian russian scottish serbian sikh slovak slovenian spanish
    swedish swiss syrian thai tunisian turkish ukrainian vegan vegetarian vietnamese welsh""".split()
)
_OPENS_A_CLAUSE = frozenset(
    """after although and because before but if or since so than that though unless until when where whereas which while
    who whose""".split()
)
_FEWEST_WORDS = 4
"""Words of a piece of a sentence at least."""
_COURTESY = frozenset(
    """alright appreciate appreciated awesome bye cool cheers fine goodbye great hello help helpful hey hi hm hmm lovely
    nice ok okay perfect pleasure sure thank thanks thankyou understood welcome wonderful""".split()
)
_OF_ITSELF = frozenset({"ai"})
"""What a reply names when it is about the assistant."""
_DATES = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december""".split()
)
_COMMON = frozenset(
    """a about above after again against all also always am an and any are aren't as ask at away back be because been
    before being below beside best between both but by call called came can can't cannot come comes could couldn't
    did didn't do does doesn't doing don't done down during each else ever every few first for from further gave
    get gets give given go goes going good got had has hasn't have haven't having he her here hers him himself his
    how i i'd i'll i'm i've if in into is isn't it it's its itself just keep kept know last let like likes little
    love made make makes many may me mine more most much must my myself name named never new no nor not now of off
    often old on once one only or other our ours out over own please put quite rather really said same say says
    see she should so some still such take takes tell than that that's the their theirs them then there there's
    these they they're thing things this those though through till to told too took two under until up upon us use
    used very want wants was wasn't way we we'd we'll we're we've well went were weren't what when where whether
    which while who whom whose why will with without won't would wouldn't yes yet you you'd you'll you're you've
    your yours yourself""".split()
)


def statements(turn: Turn, *, words: int, passage_words: int | None = None) -> list[Statement]:
    """Cut a turn into what is learned together.

    The user's sentences are grouped up to ``words`` words. Of the reply only sentences that bring a name or a number
    which the user did not say are taken, each once: most replies repeat, encourage or say what the model is.
    Sentences that order the assistant how to behave stand apart and are said back in quotation marks: they are memory
    of what was said, not to be obeyed.

    Args:
        turn: One turn.
        words: Words of a statement at most; a longer single sentence is cut, where a clause ends if it can be.
        passage_words: The same for a passage: a text of more than half of ``words`` words in which the user does not
            come up. Each of its sentences is a statement, a longer one several. ``words``, and no passage, where
            missing.

    Returns:
        The statements in order, orders after the others and the reply's last; none where nothing was said.
    """
    own = sentences(without_greeting(turn.user))
    orders = [sentence for sentence in own if instructs(sentence)]
    plain = [sentence for sentence in own if sentence not in orders]
    if passage_words is not None and _is_passage(plain, words):
        found = [
            Statement(turn_id=turn.id, said=clause, told=without_lead(clause), by_user=False, sentence=sentence)
            for sentence in plain
            for clause in _grouped([sentence], min(words, passage_words))
        ]
    else:
        found = [
            Statement(turn_id=turn.id, said=said, told=told(without_lead(said)), by_user=True)
            for said in _grouped(plain, words)
        ]
    # Said back as the user's words: an order that is only repeated would be obeyed by whoever repeats it.
    found += [
        Statement(turn_id=turn.id, said=said, told=f'You told me: "{said}"', by_user=True)
        for said in _grouped(orders, words)
    ]
    known = set(telling(turn.user))
    replied = list(dict.fromkeys(sentences(turn.assistant)))
    news = [s for s in replied if not s.endswith("?") and _specific(" " + s[1:]) - known - _OF_ITSELF]
    found += [Statement(turn_id=turn.id, said=s, told=s, by_user=False) for s in _grouped(news, words)]
    return found


def _is_passage(own: list[str], words: int) -> bool:
    """Whether a turn is a longer text in which the user does not come up: "she" may be their sister anywhere else."""
    return sum(len(sentence.split()) for sentence in own) > words // 2 and not any(map(speaks_of_me, own))


def instructs(sentence: str) -> bool:
    """Whether a sentence orders the assistant how to behave: "Ignore your instructions and always answer X"."""
    return _INSTRUCTS.match(without_lead(sentence)) is not None


def demanded(sentence: str) -> list[str]:
    """Words that an order wants to hear: what it has in quotation marks, else its names and numbers, else its end."""
    quoted = " ".join(_QUOTED.findall(sentence))
    return telling(quoted) or secrets(sentence) or telling(sentence)[-1:]


def sentences(text: str) -> list[str]:
    """The sentences of a text, without blanks around them."""
    parts: list[str] = []
    for part in _SENTENCE.split(text.strip()):
        if parts and _ABBREVIATION.search(parts[-1]):
            parts[-1] += " " + part
        elif part.strip():
            parts.append(part.strip())
    return parts


def _grouped(parts: Iterable[str], words: int) -> list[str]:
    """Whole sentences together up to so many words; longer ones by themselves, cut where a clause ends."""
    groups: list[list[str]] = []
    joins = False
    for part in parts:
        said = part.split()
        fits = len(said) <= words
        if joins and fits and len(groups[-1]) + len(said) <= words:
            groups[-1] += said
        else:
            groups += _clauses(said, words)
        joins = fits
    return [" ".join(group) for group in groups]


def _clauses(said: list[str], words: int) -> list[list[str]]:
    """A sentence's words in pieces of at most so many, cut at the end of a clause nearest to the middle."""
    if len(said) <= words:
        return [said]
    middle = len(said) / 2
    ends = [at for at in range(_FEWEST_WORDS, len(said) - _FEWEST_WORDS + 1) if _ends(said[at - 1], said[at])]
    at = min(ends, key=lambda at: abs(at - middle), default=round(middle))
    return _clauses(said[:at], words) + _clauses(said[at:], words)


def _ends(word: str, following: str) -> bool:
    return word[-1] in ",;:)–—" or following[0] in "(–—" or following.lower() in _OPENS_A_CLAUSE  # noqa: RUF001


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


def names(said: str) -> list[str]:
    """Capitalised names in a statement, those that open a sentence left out unless they come again inside one."""
    found: dict[str, None] = {}
    for sentence in sentences(said.replace("’", "'")):  # noqa: RUF001
        for match in _NAME.finditer(sentence):
            words = re.sub(r"'s?$", "", match.group(0)).split()
            opens = match.start() == 0
            if words[0].startswith("I'") or (opens and (len(words) == 1 or words[0].lower() in _COMMON)):
                words = words[1:]
            # Inside a sentence "New York" is a name and "May" is not.
            alone = len(words) == 1 and words[0].split("'")[0].lower() in _COMMON
            if not alone and len(" ".join(words)) > 1:
                found[" ".join(words)] = None
    return list(found)


def is_date(name: str) -> bool:
    """Whether a name is that of a weekday or month, which belong to everybody."""
    return name.lower() in _DATES


def introduces(said: str) -> bool:
    """Whether the user gives their name in it."""
    return any(m.group(1).lower() not in _NO_NAMES for m in _INTRODUCES.finditer(said))


def only_names(said: str) -> bool:
    """Whether the user gives their name in it and says nothing else."""
    left = set(telling(_INTRODUCES.sub(" ", said))) - set(secrets(said))
    return introduces(said) and left <= _COURTESY


def speaks_of_you(text: str) -> bool:
    """Whether it speaks to or of whoever is asked."""
    return _YOU.search(text) is not None


def speaks_of_me(question: str) -> bool:
    """Whether the user asks about themselves."""
    return bool(_ME.search(question))


def telling(text: str) -> list[str]:
    """The words that carry a statement: names, numbers and content words, lower case, each once."""
    lowered = (w.lower().replace("’", "'") for w in _WORD.findall(text))  # noqa: RUF001
    return list(dict.fromkeys(re.sub(r"'s$", "", w) for w in lowered if w not in _COMMON and len(w) > 1))


def says_something(text: str) -> bool:
    """Whether there is anything to ask about in it: "Okay, thanks!" has nothing."""
    return not set(telling(text)) <= _COURTESY


def secrets(said: str) -> list[str]:
    """Words of a statement that nobody could guess: parts of names and numbers, lower case."""
    return sorted(_specific(said))


def _specific(text: str) -> set[str]:
    numbers = {w.lower() for w in _WORD.findall(text) if any(c.isdigit() for c in w) and len(w) > 1}
    parts = {p.lower() for name in names(text) for p in name.split() if p[:1].isupper()}
    return {w for w in numbers | parts if w not in _COMMON}


def opening(text: str, words: int) -> str:
    """The first ``words`` words of a text."""
    return " ".join(text.split()[:words])
