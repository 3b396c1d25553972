"""Probes of what was said, of others and of orders: what do the candidate weights answer, with an empty prompt?

In come probes and a ``TextGenerator`` over the candidate, out come ``ProbeResult``s. It decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from langchain_selfparam.protocols import TextGenerator
from langchain_selfparam.records import Message, Probe, ProbeResult

SHARE = 0.6
"""Share of a statement's telling words that an answer must give for the statement to count as recalled."""


def ask(probes: Sequence[Probe], generator: TextGenerator, *, max_tokens: int) -> list[ProbeResult]:
    """Ask every probe of recall, of neighbours and of orders, greedily.

    Args:
        probes: Probes of these kinds.
        generator: Answers with the candidate weights.
        max_tokens: Tokens of an answer.

    Returns:
        A result for each probe, in order.
    """
    answers = generator.generate([[Message(role="user", text=p.prompt)] for p in probes], max_tokens=max_tokens)
    return [
        ProbeResult(probe=probe, answer=texts[0], passed=passes(probe, texts[0]))
        for probe, texts in zip(probes, answers, strict=True)
    ]


def passes(probe: Probe, answer: str) -> bool:
    """Whether an answer is as it should be.

    Args:
        probe: A recall probe wants at least ``SHARE`` of those of its words in the answer that the question itself does
            not have, since an echo of the question shows nothing; any other wants none of them.
        answer: What was answered.

    Returns:
        ``True`` where it is.
    """
    said, left = set(words(answer)), set(probe.expected) - set(words(probe.prompt))
    if probe.kind == "recall":
        return bool(left) and len(left & said) >= SHARE * len(left)
    return not said & left


def words(text: str) -> list[str]:
    """The words of a text as probes expect them: lower case, without a possessive ending."""
    lowered = re.findall(r"[^\W_]+(?:['’,.:-][^\W_]+)*", text.lower().replace("’", "'"))  # noqa: RUF001
    return [re.sub(r"'s$", "", word) for word in lowered]
