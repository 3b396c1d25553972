"""Choosing: which question belongs to which statement, and which to none.

In come candidate questions and a ``TextScorer``, out come the questions of each statement and those that fit nothing
that was said. It generates nothing.

A question is kept for a statement when the model finds it likelier there than at any other statement of the episode.
That assigns "What do I call my own pet?" to the whippet wherever it was written, and drops questions such as "What is
my favourite colour?" that fit nothing that was said. Among few statements how likely one is behind the
question decides as well (``reverse``).
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.protocols import TextScorer
from langchain_selfparam.records import Statement
from langchain_selfparam.targets import prompts
from langchain_selfparam.targets.generate import Candidate
from langchain_selfparam.targets.known import Earlier, closest, stems
from langchain_selfparam.targets.naming import introduces, of_ones_name
from langchain_selfparam.targets.orders import instructs
from langchain_selfparam.targets.parse import (
    is_date,
    known_names,
    names,
    only_names,
    secrets,
    speaks_of_me,
    telling,
)
from langchain_selfparam.targets.reverse import said_back
from langchain_selfparam.targets.ties import introduced
from langchain_selfparam.targets.vocabulary import KIN
from langchain_selfparam.targets.worldly import is_worldly
from langchain_selfparam.words import form, words

_SURE = 8.0
"""Lead in nats over two other statements that no third one makes up for."""
_COPIED = 4.0
"""Lead in nats below which a question of the examples was copied, not asked."""
_UNFITTING = 2.5
"""Lead in nats below which a question is about nothing that was said."""
_NEARLY = 3.0
"""Nats by which a question may fit a corrected statement better than the one that corrects it."""
_SEEDED = 1.0
"""Lead in nats over any other statement from which a question of the bank belongs to a statement."""
_FITTING = 4.0
"""Lead in nats over the other statements' mean from which it is about the statement at all."""
_LOOKED_AT = 2.0
"""The same among few statements, where each is asked the other way round as well."""
_BOTH = 5.5
"""Nats, the mean of both ways, from which a question of the bank is about one of few statements: of eight statements
alone half of the questions were others' with the first way's 4 nats, and a quarter are with this ("My dog is called
Biscuit.", "I'm allergic to hazelnuts." and such, as judged by hand)."""
_NOT_SAID = 2.0
"""Nats of the other way below which one of few statements says nothing to a question."""
FEW = 4
"""Statements below which what others might say is compared with as well, and each is asked about in plain words: three
turns of three were held so, and one with the examples alone. Among more of them that costs what is learned: in a trial
three conversations of twelve turns held 29 of 72 questions instead of 37."""
_AT_FIRST = 3
"""How much of what others might say every question of the bank is compared with; of the rest only what is left."""
_ENOUGH = 50
"""Questions of the bank from which their mean says what a statement gives to every question."""
_MANY = 24
"""Statements above which an unsure question is compared only with those that have its words."""
_WORDED = 8
"""How many of those."""
_SEVERAL = "fits several statements"
_NONE = "is about none"
_DEFINES = re.compile(r"What(?: is|'s| are) (?:the |an? )?(?:[\w-]+ ?){1,2}\?$")


@dataclasses.dataclass(frozen=True, slots=True)
class Chosen:
    """Questions by statement, and questions that fit none.

    Attributes:
        by_statement: For each statement its questions, the best fitting first.
        unfitting: Questions that fit no statement better than another, the likeliest first: answered as before.
        dropped: Candidates taken out, by reason.
    """

    by_statement: tuple[tuple[str, ...], ...]
    unfitting: tuple[str, ...]
    dropped: dict[str, int]


def choose(
    statements: Sequence[Statement],
    candidates: Sequence[Candidate],
    scorer: TextScorer,
    *,
    config: TargetConfig,
    corrections: Mapping[int, Collection[int]] | None = None,
    bank: Sequence[str] = (),
    rivals: Mapping[str, Collection[int]] | None = None,
    known: Collection[str] = (),
) -> Chosen:
    """Assign each candidate to the statement it fits, or to none.

    Args:
        statements: What was said.
        candidates: What the model asked.
        scorer: Gives log P(question | statement before it), and of few statements the other way round (``reverse``).
        config: Margin and number of questions.
        corrections: Number of a statement to the numbers of those that it may correct: a question that fits it nearly
            as well as one of these is its own.
        bank: Questions that were written about no statement; they have to fit one far better than any other.
        rivals: Question to the numbers of statements that it is compared with beside those that all are compared with.
        known: Words that are known to be names besides those of the statements.

    Returns:
        The questions of each statement, diverse, at most ``config.questions`` and ``config.bank`` of the bank's.
    """
    dropped: Counter[str] = Counter()
    texts = _unlike([c for c in candidates if _may_be_asked(c, statements)], len(statements))
    dropped["too like another"] += len(candidates) - len(texts)
    asked = {text for text, _ in texts}
    texts += [(text, None) for text in bank if text not in asked and text not in prompts.NAME_QUESTIONS]
    fitting: list[list[tuple[float, str]]] = [[] for _ in statements]
    seeded: list[list[tuple[float, str]]] = [[] for _ in statements]
    unfitting: list[tuple[float, str]] = []
    pairs = corrections or {}
    few = len(statements) - len({number for numbers in (rivals or {}).values() for number in numbers}) < FEW
    said, columns = _compared(statements, texts, scorer, pairs, rivals or {}, few=few)
    columns = _level(columns, [about is None for _, about in texts], statements, len(said))
    placed = []
    for (text, about), scores in zip(texts, columns, strict=True):
        place, best, lead = _place(text, about, _corrected(scores, pairs), said, len(statements), config, few=few)
        cannot = place == "fits" and _cannot(statements[best], about)
        placed.append((_SEVERAL if cannot else place, best, lead))
    if few:
        placed = _both_ways(texts, placed, columns, statements, scorer)
    for (text, about), (place, best, lead) in zip(texts, placed, strict=True):
        if place == "fits":
            (seeded if about is None else fitting)[best].append((lead, text))
        elif about is not None:
            dropped[place] += 1
        # Of what was written about a statement only what belongs to several is about none.
        alike = place == _SEVERAL and "name" not in text
        nobodys = alike if about is not None else not few and place != "fits"
        if place == _NONE or (lead < _UNFITTING and nobodys):
            unfitting.append((lead, text))
    kept = []
    people = known_names(s.said for s in statements) | frozenset(known)
    worldly = _of_the_whole_world(statements, people)
    named: set[str] = set()
    for statement, written, seeds in zip(statements, fitting, seeded, strict=True):
        diverse = _diverse([text for _, text in sorted(written, reverse=True)])
        dropped["too like another"] += len(written) - len(diverse)
        taken = set(diverse[: config.questions])
        best_seeds = sorted(seeds, reverse=True)[: config.bank]
        ranked = sorted([pair for pair in written if pair[1] in taken] + best_seeds, reverse=True)
        kept.append(_with_own(statement, [text for _, text in ranked], people, named, worldly))
    return Chosen(tuple(kept), tuple(text for _, text in sorted(unfitting, reverse=True)), dict(dropped))


def _may_be_asked(candidate: Candidate, statements: Sequence[Statement]) -> bool:
    """Whether a candidate is no question after the user's name, or is written where their name is spoken of.

    Where the name is found, its questions are added anyway; it may be given in a way that is not known.
    """
    if candidate.text not in prompts.NAME_QUESTIONS:
        return True
    statement = statements[candidate.about]
    return statement.by_user and of_ones_name(statement.said) and not introduces(statement.said)


def _cannot(statement: Statement, about: int | None) -> bool:
    """Whether a question belongs to none although it fits: nothing but a name was said, or the bank asks a passage."""
    if about is None and statement.sentence:
        return True
    return statement.by_user and only_names(statement.said)


def _compared(
    statements: Sequence[Statement],
    texts: Sequence[tuple[str, int | None]],
    scorer: TextScorer,
    corrections: Mapping[int, Collection[int]],
    rivals: Mapping[str, Collection[int]],
    *,
    few: bool,
) -> tuple[list[str], list[dict[int, float]]]:
    """What questions are compared with, what others might say behind the statements where those are few, and scores."""
    said = [s.said for s in statements]
    before = [prompts.question_list(s.said, passage=bool(s.sentence)) for s in statements]
    common = len(said) - len({number for numbers in rivals.values() for number in numbers})
    if few:  # alone, any question would fit best: others stand in for what was not said
        own = stems(word for s in statements for word in telling(s.said))
        # One that has a word of what was said would take the questions about it.
        everybody = [*(example for example, _ in prompts.EXAMPLES), *prompts.OTHERS]
        others = [other for other in everybody if own.isdisjoint(stems(telling(other)))]
        said += others
        before += [prompts.question_list(other) for other in others]
    nearby = None
    if common > _MANY:
        known = [Earlier(s, ()) for s in statements]
        nearby = {text: {*ns} for text, ns in closest([text for text, _ in texts], known, most=_WORDED).items()}
        # The bank's, about people's own lives, with whatever is no passage's.
        lives = {number for number, s in enumerate(statements) if not s.sentence}
        nearby |= {text: nearby[text] | lives for text, about in texts if about is None}
    return said, _columns(before, texts, scorer, corrections, rivals, nearby, len(statements))


def _level(
    columns: Sequence[dict[int, float]], of_bank: Sequence[bool], statements: Sequence[Statement], count: int
) -> list[dict[int, float]]:
    """Scores without what a statement gives to every question alike.

    After somebody has said who they are, any question about their life is likelier than after anything else: a 0.5B
    model gave 31 of 95 questions of the bank to "I'm Nerissa", among them what the dog is called, and 8 of 75 so.

    Args:
        columns: Scores of each question by statement.
        of_bank: Which of them are the bank's, asked of every statement.
        statements: Those compared; passages have questions of another kind and stay as they are.
        count: How many there are with what others might say.

    Returns:
        The scores, those at a statement less by how much its mean over the bank is above that of the others.
    """
    common = [column for column, one in zip(columns, of_bank, strict=True) if one]
    asked = [n for n in range(count) if n >= len(statements) or not statements[n].sentence]
    numbers = [n for n in asked if all(n in column for column in common)]
    if len(common) < _ENOUGH or len(numbers) < FEW:
        return list(columns)
    means = {n: _mean([column[n] for column in common]) for n in numbers}
    level = _mean(list(means.values()))
    return [{n: score - (means.get(n, level) - level) for n, score in column.items()} for column in columns]


def _place(
    text: str,
    about: int | None,
    column: Mapping[int, float],
    said: Sequence[str],
    count: int,
    config: TargetConfig,
    *,
    few: bool,
) -> tuple[str, int, float]:
    """Where a question belongs: "fits" or why it is dropped, its likeliest statement, and the lead there in nats.

    Args:
        text: The question.
        about: Number of the statement it was written about; ``None`` for one of the bank.
        column: Its scores by statement.
        said: The statements, and what stands in for others.
        count: Statements that are real.
        config: The margin.
        few: Whether statements are so few that the other way round is asked as well.
    """
    best = max(column, key=column.__getitem__)
    others = {number: score for number, score in column.items() if number != best}
    lead, ahead = column[best] - _mean(others.values()), column[best] - max(others.values())
    if about is None:
        # Of what somebody else might say it is enough to be likelier: many say much the same.
        ahead = column[best] - max((score for n, score in others.items() if n < count), default=-1e9)
        least = _LOOKED_AT if few else _FITTING
        return "fits" if best < count and lead >= least and ahead >= _SEEDED else _SEVERAL, best, lead
    own = best < count and not stems(telling(text)).isdisjoint(stems(telling(said[best])))
    if text in prompts.EXAMPLE_QUESTIONS and not own and lead < _COPIED:
        return "copied from an example", best, lead
    if _of_the_world(text, said[best]):
        return "about the world", best, lead
    return "fits" if best < count and ahead >= config.margin else _SEVERAL, best, lead


def _both_ways(
    texts: Sequence[tuple[str, int | None]],
    placed: Sequence[tuple[str, int, float]],
    columns: Sequence[Mapping[int, float]],
    statements: Sequence[Statement],
    scorer: TextScorer,
) -> list[tuple[str, int, float]]:
    """Where questions belong among few statements, those of the bank by both ways.

    Args:
        texts: Questions, each with the number of the statement it was written about, or ``None``.
        placed: As ``_place`` gives it for each.
        columns: Its scores by statement, and by what others might say behind these.
        statements: Those that were made.
        scorer: Gives log P(statement | question).

    Returns:
        The same for what was written about a statement. Of the bank "fits" with the mean lead of both ways, "is about
        none" where the statement says nothing to a question that is unlikely there, or else why it is dropped.
    """
    at = [n for n, (_, about) in enumerate(texts) if about is None]
    real = set(range(len(statements)))
    likeliest = [
        placed[one][1] if placed[one][1] in real else max(real & columns[one].keys(), key=columns[one].__getitem__)
        for one in at
    ]
    pairs = [(texts[one][0], statements[n].said) for one, n in zip(at, likeliest, strict=True)]
    found = list(placed)
    for one, back in zip(at, said_back(pairs, [texts[one][0] for one in at], scorer), strict=True):
        place, best, lead = placed[one]
        both = (lead + back) / 2
        if place == "fits" and both >= _BOTH:
            found[one] = ("fits", best, both)
        else:
            none = back < _NOT_SAID and (place == "fits" or lead < _UNFITTING)
            found[one] = (_NONE if none else _SEVERAL, best, lead)
    return found


def _with_own(
    statement: Statement, chosen: Sequence[str], known: Collection[str], named: set[str], worldly: Collection[str]
) -> tuple[str, ...]:
    """The chosen questions, with those that a name or an order in the statement always brings.

    A passage has its names in every other clause: whoever is asked about one is told where it comes first. A user's
    statements each have theirs: a name leads to all that was said of it, and other words tell which of it is asked for.
    Worldly names lead to nothing: whoever says "Tell me about Spain." means the country.
    """
    found = [n for n in names(statement.said, known) if not is_date(form(n.lower())) and n not in worldly]
    new = [n for n in found if n not in KIN and not (statement.sentence and n in named)]
    named.update(new)
    extra = [
        question
        for name in new
        for question in prompts.mentions(name, somebody=not statement.sentence and introduced(name, [statement.said]))
    ]
    own = list(prompts.NAME_QUESTIONS) if statement.by_user and introduces(statement.said) else []
    own += prompts.ORDER_QUESTIONS if statement.by_user and instructs(statement.said) else ()
    return tuple(dict.fromkeys([*own, *chosen, *extra]))


def _of_the_whole_world(statements: Sequence[Statement], known: Collection[str]) -> frozenset[str]:
    """Names of users' statements that mean the same to everybody, and that nobody and nothing of theirs has."""
    own = [s for s in statements if not s.sentence]
    found = {name for s in own for name in names(s.said, known) if is_worldly(name)}
    return frozenset(n for n in found if not introduced(n, [s.said for s in own]))


def _corrected(column: dict[int, float], pairs: Mapping[int, Collection[int]]) -> dict[int, float]:
    """Scores without the statements that a later one corrects in what the question asks."""
    best = max(column, key=column.__getitem__)
    for later, corrected in pairs.items():
        if best in corrected and column.get(later, -1e9) >= column[best] - _NEARLY:
            others = {number: score for number, score in column.items() if number not in corrected}
            # Somebody has to be left for the correction to be compared with.
            return others if len(others) > 1 else {n: score for n, score in column.items() if n != best}
    return column


def _of_the_world(question: str, said: str) -> bool:
    """Whether a question such as "What is a walnut?" could be anybody's, whatever it was written about."""
    if not _DEFINES.match(question) or speaks_of_me(question):
        return False
    return set(secrets(said)).isdisjoint(words(question))


def _columns(
    before: Sequence[str],
    texts: Sequence[tuple[str, int | None]],
    scorer: TextScorer,
    corrections: Mapping[int, Collection[int]],
    rivals: Mapping[str, Collection[int]],
    nearby: Mapping[str, Collection[int]] | None,
    real: int,
) -> list[dict[int, float]]:
    """Scores log P(question | statement) of each question for the statements it has to be compared with.

    A question that is far likelier at its own statement than at two others is not compared with the rest, nor is one of
    the bank that some of what others might say has taken already.

    Args:
        before: For each statement the text that a question follows.
        texts: Questions, each with the number of the statement it was written about, or ``None``: compared with all.
        scorer: Gives the scores.
        corrections: As for ``choose``: these are always compared.
        rivals: As for ``choose``: these as well, and with no other question.
        nearby: Where there are too many statements for all questions: those that a question is compared with at most.
        real: How many of ``before`` are statements; the rest is what others might say.

    Returns:
        For each question its scores by statement number, in nats.
    """
    columns: list[dict[int, float]] = [{} for _ in texts]

    def compare(wanted: Sequence[set[int]]) -> None:
        numbers = [[at for at, those in enumerate(wanted) if n in those] for n in range(len(before))]
        groups = [(text, [" " + texts[at][0] for at in ats]) for text, ats in zip(before, numbers, strict=True)]
        for number, (ats, scores) in enumerate(zip(numbers, scorer.score(groups), strict=True)):
            for at, score in zip(ats, scores, strict=True):
                columns[at][number] = score

    def may_fit(text: str, number: int) -> bool:
        return nearby is None or number in nearby[text] or number >= real

    own = [frozenset(rivals.get(text, ())) for text, _ in texts]
    for_some = {number for numbers in rivals.values() for number in numbers}
    everywhere = [n for n in range(len(before)) if n not in for_some]
    place, size = {number: at for at, number in enumerate(everywhere)}, len(everywhere)
    later = {old: [new for new, olds in corrections.items() if old in olds] for _, old in texts if old is not None}
    near = [
        {*(n for n in everywhere if n < real + _AT_FIRST and may_fit(text, n)), *contenders}
        if about is None
        else {about, *(everywhere[(place[about] + by) % size] for by in (1, size // 2)), *later[about], *contenders}
        for (text, about), contenders in zip(texts, own, strict=True)
    ]
    compare(near)
    unsure: list[set[int]] = []
    for (text, about), column in zip(texts, columns, strict=True):
        if about is None:
            sure = max(column, key=column.__getitem__) >= real
        else:
            sure = column[about] - max(s for n, s in column.items() if n != about) >= _SURE
        unsure.append(set() if sure else {n for n in everywhere if may_fit(text, n)} - set(column))
    compare(unsure)
    return columns


def held_out(
    questions: Sequence[str],
    count: int,
    *,
    chance: random.Random,
    secrets: Collection[str] = (),
    learned: Collection[str] = (),
    beside: Sequence[str] = (),
) -> tuple[list[str], list[str]]:
    """Part a statement's questions into those learned and those asked afterwards.

    Args:
        questions: All of them, the best fitting first: probes come from their better half, since a question that the
            answer does not fit says nothing about what is held, and from those whose telling words other questions
            have as well: held out, "Who is my boss?" would leave nothing to learn the boss by.
        count: Probes wanted; never more than a quarter of all questions, and none of fewer than three.
        chance: Draws them.
        secrets: Words that nobody could guess: the first probe is without them, where there is such a question. Whoever
            knows what Captain Mustard is may still not know what the parrot is called.
        learned: Questions that were learned before: probes where there are no others.
        beside: Others, which are learned in any case.

    Returns:
        Questions to learn and questions to probe with.
    """
    if len(questions) < 3 or not count:
        return list(questions), []
    count = min(count, max(1, (len(questions) + len(beside)) // 4))
    better = questions[: max(count, -(-len(questions) // 2))]
    probes: list[str] = []
    carry = {question: telling(question) for question in (*questions, *beside)}

    def spared(question: str) -> bool:
        others = {w for q in carry if q != question and q not in probes for w in carry[q]}
        return others.issuperset(carry[question])

    learned = frozenset(learned)
    drawn = sorted(chance.sample(list(better), len(better)), key=learned.__contains__)
    if secrets:
        plain = [q for q in dict.fromkeys([*drawn, *questions]) if set(secrets).isdisjoint(carry[q])]
        plain.sort(key=learned.__contains__)
        first = next((q for q in plain if spared(q)), drawn[0])
        drawn = list(dict.fromkeys([first, *drawn]))
    for question in drawn:
        if len(probes) < count and spared(question):
            probes.append(question)
    probes = probes or list(better[-1:])
    return [q for q in questions if q not in probes], [q for q in questions if q in probes]


def _unlike(candidates: Sequence[Candidate], statements: int) -> list[tuple[str, int | None]]:
    """Candidates that differ from the others written about the same statement: each one costs a score everywhere."""
    by_statement = [[c.text for c in candidates if c.about == number] for number in range(statements)]
    return [(text, number) for number, texts in enumerate(by_statement) for text in _diverse(texts)]


def _diverse(questions: Sequence[str]) -> list[str]:
    kept: list[set[str]] = []
    found = []
    for question in questions:
        words = set(re.findall(r"\w+", question.lower()))
        if all(len(words & other) <= 0.8 * len(words) for other in kept):
            kept.append(words)
            found.append(question)
    return found


def _mean(values: Collection[float]) -> float:
    return sum(values) / len(values) if values else -1e9
