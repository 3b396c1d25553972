"""Questions in plain forms about the words of a statement, those that the model finds likely there.

A small model writes few usable questions about some statements; it judges better than it writes. Of "What is my hotel
called?" and "How many hotel do I have?" after "Our hotel is called the Drowsy Elk." it finds the first far likelier. So
words that nobody asked by are put into every form, and the likeliest questions are taken.

In come statements with their questions and a ``TextScorer``, out come more questions. It generates nothing. The forms
are this project's own and in English; for other languages the model's own questions do alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from langchain_selfparam.protocols import TextScorer
from langchain_selfparam.records import Statement
from langchain_selfparam.targets import prompts
from langchain_selfparam.targets.known import stem, stems
from langchain_selfparam.targets.parse import secrets, telling
from langchain_selfparam.targets.screen import FEW
from langchain_selfparam.targets.vocabulary import COMMON

FORMS = (
    "What is my {} called?",
    "What is the name of my {}?",
    "Who is my {}?",
    "What kind of {} do I have?",
    "Which {} do I like?",
    "Which {} is it?",
    "How many {} do I have?",
    "How much is my {}?",
    "Where is my {}?",
    "When is my {}?",
    "At what time is my {}?",
    "What colour is my {}?",
    "How old is my {}?",
    "What does my {} do?",
    "Where does my {} live?",
    "Where do I {}?",
    "When do I {}?",
    "What do I {}?",
    "Why do I {}?",
    "Who has a {}?",
)
"""Of users' own words."""
PASSAGE_FORMS = (
    "What is the {}?",
    "What was the {} called?",
    "Who was the {}?",
    "What kind of {} was it?",
    "Which {} was it?",
    "How many {} were there?",
    "How much {} was there?",
    "Where was the {}?",
    "When was the {}?",
    "What did the {} do?",
    "Who did the {}?",
    "Why was the {} there?",
    "What was {}?",
    "Who was {}?",
)
"""Of texts about the world."""
_LIKELY = -12.5
"""Nats from which a filled form is a question that somebody would ask."""
_OF_A_WORD = 2
"""Questions of one word at most, where there are words enough."""
_OF_ONE_WORD = 4
"""Questions of one word at most, where there is hardly another."""
_ALWAYS = 4
"""Questions that each of few statements gets whatever else it is asked: what fits it better than what was not said may
still be far from it, such as "Who used to live in our house?" from a parrot's name."""


def filled(
    statements: Sequence[Statement],
    questions: Sequence[Sequence[str]],
    scorer: TextScorer,
    *,
    fewest: int,
    more: Collection[int] = (),
    earlier: Sequence[Statement] = (),
    without: Collection[str] = (),
) -> list[tuple[str, ...]]:
    """Questions for statements that have few, of words that no other statement has.

    Of few statements only those questions count that have no name or number of it in them: "Who is Captain Mustard?"
    tells what "What is my parrot called?" asks for. Each of these, but those of passages, gets some in any case.

    Args:
        statements: What is to be asked about.
        questions: What each is asked already.
        scorer: Gives log P(question | statement).
        fewest: Questions that each is to have, as far as its words go.
        more: Numbers of statements that get as many beside what they have: those that were asked about in vain.
        earlier: What is known already.
        without: Questions that are somebody's or nobody's already.

    Returns:
        For each statement its questions, and the likeliest filled forms behind them.
    """
    used = Counter(stem for s in (*statements, *earlier) for stem in stems(telling(s.said)))
    taken = {*without, *(question for asked in questions for question in asked)}
    words: list[list[str]] = []
    few = len(statements) < FEW
    counted = [_plain(s, asked) if few else asked for s, asked in zip(statements, questions, strict=True)]
    always = min(fewest, _ALWAYS)
    # A passage has nothing of the bank: what is asked of it is asked by its own words.
    whole = [few and not statement.sentence for statement in statements]
    wanted = [max(fewest, len(asked) + always) if own else fewest for own, asked in zip(whole, counted, strict=True)]
    wanted = [count + (len(counted[n]) if n in more else 0) for n, count in enumerate(wanted)]
    for statement, asked in zip(statements, counted, strict=True):
        by = Counter(word for question in asked for word in telling(question))
        own = [w for w in telling(statement.said) if w.isalpha() and w not in COMMON and used[stem(w)] == 1]
        own = [w for w in own if w not in secrets(statement.said) and (few or by[w] == 0)]
        words.append(own if len(asked) < wanted[len(words)] else [])
    poor = [number for number, own in enumerate(words) if own]
    before = [prompts.question_list(statements[n].said, passage=bool(statements[n].sentence)) for n in poor]
    texts = [[form.format(word) for word in words[n] for form in _forms(statements[n])] for n in poor]
    scores = scorer.score([(b, [" " + text for text in own]) for b, own in zip(before, texts, strict=True)])
    found = [tuple(asked) for asked in questions]
    for number, own, row in zip(poor, texts, scores, strict=True):
        size = len(own) // len(words[number])
        lacking = wanted[number] - len(counted[number])
        most = _OF_A_WORD
        if few:
            most = min(_OF_ONE_WORD, max(_OF_A_WORD, -(-lacking // len(words[number]))))
        chosen: list[tuple[float, str]] = []
        for start in range(0, len(own), size):
            pairs = zip(row[start : start + size], own[start : start + size], strict=True)
            chosen += sorted((p for p in pairs if p[0] >= _LIKELY and p[1] not in taken), reverse=True)[:most]
        found[number] += tuple(text for _, text in sorted(chosen, reverse=True)[:lacking])
    return found


def _plain(statement: Statement, questions: Sequence[str]) -> list[str]:
    """The questions that tell nothing that nobody could guess."""
    known = set(secrets(statement.said))
    return [question for question in questions if known.isdisjoint(telling(question))]


def _forms(statement: Statement) -> tuple[str, ...]:
    return PASSAGE_FORMS if statement.sentence else FORMS
