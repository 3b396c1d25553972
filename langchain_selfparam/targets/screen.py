"""Choosing: which question belongs to which statement, and what must stay as it is.

In come candidate questions and a ``TextScorer``, out comes the ``TargetSet``: target sentences with the teacher's
context, and probes kept out of training. It generates nothing but the answers of contrast and neutral prompts.

A question is kept for a statement when the model finds it likelier there than at any other statement of the episode.
That assigns "What do I call my own pet?" to the whippet wherever it was written, and drops questions such as "What is
my favourite colour?" that fit nothing that was said.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections import Counter
from collections.abc import Sequence

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.protocols import TextScorer
from langchain_selfparam.records import Statement
from langchain_selfparam.targets import prompts
from langchain_selfparam.targets.generate import Candidate
from langchain_selfparam.targets.parse import introduces, names

_SURE = 4.0
"""Nats over two random statements at which a question is worth comparing with all of them."""


@dataclasses.dataclass(frozen=True, slots=True)
class Chosen:
    """Questions by statement, and questions that fit none.

    Attributes:
        by_statement: For each statement its questions, the best fitting first.
        unfitting: Questions that fit no statement better than another: answered as before.
        dropped: Candidates taken out, by reason.
    """

    by_statement: tuple[tuple[str, ...], ...]
    unfitting: tuple[str, ...]
    dropped: dict[str, int]


def choose(
    statements: Sequence[Statement], candidates: Sequence[Candidate], scorer: TextScorer, *, config: TargetConfig
) -> Chosen:
    """Assign each candidate to the statement it fits, or to none.

    Args:
        statements: What was said.
        candidates: What the model asked.
        scorer: Gives log P(question | statement before it).
        config: Margin and number of questions.

    Returns:
        The questions of each statement, diverse, at most ``config.questions``.
    """
    named = [introduces(s.said) and s.by_user for s in statements]
    dropped: Counter[str] = Counter()
    texts = _unlike([c for c in candidates if c.text not in prompts.NAME_QUESTIONS], len(statements))
    dropped["too like another"] += len(candidates) - len(texts)
    fitting: list[list[tuple[float, str]]] = [[] for _ in statements]
    unfitting: list[str] = []
    scores = scorer.score([(prompts.question_list(s.said), [" " + t for t in texts]) for s in statements])
    for at, text in enumerate(texts):
        column = [row[at] for row in scores]
        best = max(range(len(column)), key=column.__getitem__)
        others = column[:best] + column[best + 1 :]
        if text in prompts.EXAMPLE_QUESTIONS and column[best] - _mean(others) < _SURE:
            dropped["copied from an example"] += 1
        elif not others or column[best] - max(others) >= config.margin:
            fitting[best].append((column[best] - _mean(others), text))
        else:
            dropped["fits several statements"] += 1
            if column[best] - _mean(others) < 2.5 and "name" not in text:
                unfitting.append(text)
    kept = []
    for number, statement in enumerate(statements):
        wanted = [text for _, text in sorted(fitting[number], reverse=True)]
        diverse = _diverse(wanted)[: config.questions]
        dropped["too like another"] += len(wanted) - len(_diverse(wanted))
        extra = [q for name in names(statement.said) for q in prompts.mentions(name)]
        own = list(prompts.NAME_QUESTIONS) if named[number] else []
        kept.append(tuple(dict.fromkeys([*own, *diverse, *extra])))
    return Chosen(tuple(kept), tuple(unfitting), dict(dropped))


def held_out(questions: Sequence[str], count: int, *, chance: random.Random) -> tuple[list[str], list[str]]:
    """Part a statement's questions into those learned and those asked afterwards.

    Args:
        questions: All of them.
        count: Probes wanted; never more than a quarter of the questions, and none of fewer than three.
        chance: Draws them.

    Returns:
        Questions to learn and questions to probe with.
    """
    count = min(count, max(1, len(questions) // 4)) if len(questions) >= 3 else 0
    probes = set(chance.sample(list(questions), count))
    return [q for q in questions if q not in probes], [q for q in questions if q in probes]


def _unlike(candidates: Sequence[Candidate], statements: int) -> list[str]:
    """Candidates that differ from the others written about the same statement: each one costs a score everywhere."""
    by_statement = [[c.text for c in candidates if c.about == number] for number in range(statements)]
    return [text for texts in by_statement for text in _diverse(texts)]


def _diverse(questions: Sequence[str]) -> list[str]:
    kept: list[set[str]] = []
    found = []
    for question in questions:
        words = set(re.findall(r"\w+", question.lower()))
        if all(len(words & other) <= 0.8 * len(words) for other in kept):
            kept.append(words)
            found.append(question)
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else -1e9
