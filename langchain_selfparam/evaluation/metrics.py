"""Scores of single answers: right, leaked, and token overlap.

In come an answer and what was asked, out go booleans and shares. Pure functions.
"""

from __future__ import annotations

import collections
import re
import string
from collections.abc import Iterable

from langchain_selfparam.evaluation.datasets import Neighbour, Question

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def right(question: Question, answer: str) -> bool:
    """Tell whether an answer has as many keys as it needs and nothing that is forbidden.

    Args:
        question: What was asked.
        answer: The answer, cut to a sentence or two: a recital of everything would always be right.

    Returns:
        Whether it is right.
    """
    said = answer.lower()
    has = sum(_there(key, said) if question.words else key in said for key in question.keys)
    return has >= max(1, min(question.needed, len(question.keys))) and not gives_old(question, answer)


def gives_old(question: Question, answer: str) -> bool:
    """Tell whether an answer has the value that was corrected since, or anything else that is forbidden.

    Args:
        question: What was asked.
        answer: The answer.

    Returns:
        Whether it has.
    """
    said = answer.lower()
    return any(forbidden in said for forbidden in question.forbidden)


def leaks(neighbour: Neighbour, answer: str) -> bool:
    """Tell whether a question that is not about the user was answered with the user's facts.

    Args:
        neighbour: What was asked.
        answer: The answer.

    Returns:
        Whether one of the user's facts is in it.
    """
    said = answer.lower()
    return any(forbidden in said for forbidden in neighbour.forbidden)


def qa_f1(answer: str, golds: Iterable[str]) -> float:
    """Token F1 by the rules of SQuAD: lower case, no punctuation, no articles; the best over the golds.

    Args:
        answer: The answer.
        golds: Answers that are right.

    Returns:
        From 0 to 1; 0 where there is no gold.
    """
    said = _tokens(answer)
    return max((_f1(said, _tokens(gold)) for gold in golds), default=0.0)


def share(flags: Iterable[bool]) -> float:
    """Part of the flags that are true.

    Args:
        flags: Booleans.

    Returns:
        From 0 to 1; 0 where there is none.
    """
    found = list(flags)
    return sum(found) / len(found) if found else 0.0


def _there(key: str, said: str) -> bool:
    """Whether it is there as whole words, and a number not within a longer one: "308" is not in "1,308"."""
    before = r"(?<!\w)(?<!\d[.,])" if key[:1].isdigit() else r"(?<!\w)"
    behind = r"(?!\w)(?![.,]\d)" if key[-1:].isdigit() else r"(?!\w)"
    return re.search(f"{before}{re.escape(key)}{behind}", said) is not None


def _tokens(text: str) -> list[str]:
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def _f1(said: list[str], gold: list[str]) -> float:
    if not said or not gold:
        return float(said == gold)
    common = sum((collections.Counter(said) & collections.Counter(gold)).values())
    if common == 0:
        return 0.0
    precision, recall = common / len(said), common / len(gold)
    return 2 * precision * recall / (precision + recall)
