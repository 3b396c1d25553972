"""Asking: the model writes questions about every statement, and prompts about everything else.

In come statements and a ``TextGenerator``, out come candidate questions by statement, and prompts that are about
nobody. It judges nothing; ``screen`` does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.protocols import TextGenerator
from langchain_selfparam.records import Statement
from langchain_selfparam.targets import prompts
from langchain_selfparam.targets.parse import questions, speaks_of_me, speaks_of_you


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
