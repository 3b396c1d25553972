"""Answers of the model's own to questions about a passage, kept where the passage bears them out.

A statement of a user is learned as it was said; a sentence of a passage says more than one question asks. Here the
model answers each question from the sentence, in few words. An answer is dropped that has a name or number which the
sentence does not have, or nothing of the sentence but what the question said.

In come statements, questions and a ``TextGenerator``, out come answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.protocols import TextGenerator
from langchain_selfparam.records import Statement
from langchain_selfparam.targets.parse import secrets, sentences, telling
from langchain_selfparam.targets.prompts import quoting


def own_answers(
    statements: Sequence[Statement],
    questions: Sequence[Sequence[str]],
    generator: TextGenerator,
    *,
    config: TargetConfig,
) -> list[dict[str, str]]:
    """What the model answers from each sentence of a passage.

    Args:
        statements: All of an episode.
        questions: Of each statement.
        generator: Answers, with the sentence before it.
        config: Tokens of an answer.

    Returns:
        For each statement its questions with an answer that its text bears out; none for what is no passage's.
    """
    asked = [
        (number, question)
        for number, (statement, own) in enumerate(zip(statements, questions, strict=True))
        for question in own
        if statement.sentence
    ]
    prompts = [quoting(statements[number].sentence, question) for number, question in asked]
    found: list[dict[str, str]] = [{} for _ in statements]
    if not prompts:
        return found
    answers = generator.generate(prompts, max_tokens=config.own_answer_tokens)
    for (number, question), texts in zip(asked, answers, strict=True):
        answer = next(iter(sentences(texts[0])), "")
        if borne_out(answer, question, statements[number].sentence):
            found[number][question] = answer
    return found


def borne_out(answer: str, question: str, sentence: str) -> bool:
    """Whether an answer says something that the sentence says and the question does not, and names nothing else."""
    said = set(telling(sentence))
    named = set(secrets(" " + answer[:1].lower() + answer[1:])) - set(telling(question))
    return named <= said and not said.isdisjoint(set(telling(answer)) - set(telling(question)))
