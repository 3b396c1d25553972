"""Asking: the model writes questions about every statement, and prompts about everything else.

In come statements and a ``TextGenerator``, out come candidate questions by statement, and prompts that are about
nobody. It judges nothing; ``screen`` does.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.protocols import TextGenerator
from langchain_selfparam.records import Statement
from langchain_selfparam.targets import prompts
from langchain_selfparam.targets.parse import questions, speaks_of_me, speaks_of_you

_WHOSE = frozenset("a am an did do does have i me my our the us we".split())
_LONGEST_OPENING = 4
"""Words."""
_OPENING_TOKENS = 48
"""Of a message that a user would begin with."""
_FEWEST_ALIKE, _MOST_ALIKE = 2, 4
"""Questions about the world for each beginning."""
_FEWEST_WORDS = 3
"""Of one that says something."""


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """A question that a model wrote.

    Attributes:
        text: The question, in the user's own person.
        about: Number of the statement it was written about.
    """

    text: str
    about: int


def write_questions(
    statements: Sequence[Statement], generator: TextGenerator, *, config: TargetConfig
) -> list[Candidate]:
    """Let the model write questions about each statement, several times over.

    Args:
        statements: What is to be asked about.
        generator: Who writes.
        config: Samples, temperature, seed.

    Returns:
        Every usable question once, in the order of the statements.
    """
    written = generator.generate(
        [prompts.question_list(s.sentence or s.said, passage=bool(s.sentence)) for s in statements],
        max_tokens=config.max_question_tokens,
        temperature=config.temperature,
        stop=("\n\n", "Statement:"),
        seed=config.seed,
        samples=config.samples,
    )
    lists: dict[str, int] = {}
    for number, (statement, texts) in enumerate(zip(statements, written, strict=True)):
        for text in texts:
            for question in questions(text, by_user=statement.by_user):
                if statement.sentence and (speaks_of_me(question) or speaks_of_you(question)):
                    continue  # no passage knows about either
                lists.setdefault(question, number)
    return [Candidate(text=question, about=about) for question, about in lists.items()]


def write_general(generator: TextGenerator, *, count: int, config: TargetConfig) -> list[str]:
    """Let the model make up questions about the world.

    Args:
        generator: Who writes.
        count: How many are wanted.
        config: Temperature and seed.

    Returns:
        At most ``count`` different questions; the worked examples stand first.
    """
    found = dict.fromkeys(prompts.GENERAL_QUESTIONS)
    if count > len(found):
        written = generator.generate(
            [prompts.GENERAL_LIST],
            max_tokens=120,
            temperature=0.9,
            stop=("\n\n",),
            seed=config.seed,
            samples=max(1, round((count - len(found)) / 6)),
        )
        for text in written[0]:
            found.update(dict.fromkeys(questions(text, by_user=False)))
    return list(found)[:count]


def write_openings(original: TextGenerator, *, count: int, config: TargetConfig) -> list[str]:
    """Let the model say what users would: it goes on from where a conversation's first message begins.

    A model that was trained on conversations knows both sides of them. What it writes there is as varied as what it was
    trained on, where questions that it is asked for are all of one kind (Magpie, arXiv 2406.08464).

    Args:
        original: The model before anything was learned.
        count: How many are wanted.
        config: Seed.

    Returns:
        At most ``count`` different first messages.
    """
    if not count:
        return []
    written = original.generate(
        [()],
        max_tokens=_OPENING_TOKENS,
        temperature=1.0,
        stop=("\n",),
        seed=config.seed,
        samples=count + count // 6,
    )
    whole = (text.strip() for text in written[0])
    return [text for text in dict.fromkeys(whole) if len(text.split()) >= _FEWEST_WORDS][:count]


def write_alike(asked: Sequence[str], generator: TextGenerator, *, count: int, config: TargetConfig) -> list[str]:
    """Let the model make up questions about the world that begin as those about the user do.

    "Which instrument do I play?" leads to "Which instrument has the most strings?". Where such questions are answered
    as before, it is not the form of a question, or its subject, that brings a memory up.

    Args:
        asked: Questions that are learned.
        generator: Who writes.
        count: How many are wanted.
        config: Seed.

    Returns:
        At most ``count`` different questions, of as many beginnings as there are.
    """
    openings = list(dict.fromkeys(opening for question in asked if (opening := _opening(question))))
    if not count or not openings:
        return []
    samples = min(_MOST_ALIKE, max(_FEWEST_ALIKE, math.ceil(count / len(openings))))
    written = generator.generate(
        [f"{prompts.WORLDLY_LIST} {opening}" for opening in openings],
        max_tokens=20,
        temperature=0.8,
        stop=("\n",),
        seed=config.seed,
        samples=samples,
    )
    found: dict[str, None] = {}
    for number in range(samples):
        for opening, texts in zip(openings, written, strict=True):
            for question in questions(f"{opening} {texts[number].strip()}", by_user=False):
                if not (speaks_of_me(question) or speaks_of_you(question)) and question not in asked:
                    found[question] = None
    return list(found)[:count]


def _opening(question: str) -> str:
    """The words of a question before it says whose or whom."""
    taken: list[str] = []
    for word in question.rstrip("?").split():
        if word.lower() in _WHOSE or (taken and word[:1].isupper()) or len(taken) == _LONGEST_OPENING:
            break
        taken.append(word)
    return " ".join(taken)
