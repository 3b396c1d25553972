"""The other direction: how much likelier a statement is behind a question than behind any.

In come pairs of a question and a statement with a ``TextScorer``, out come nats. log P(question | statement) alone
takes "Which flowers do I like best?" for a question about hazelnuts that somebody is allergic to: plants are near.
Asked the other way round, what flowers somebody likes is not answered with an allergy. Each direction errs by itself,
so that their sum errs less: of 72 questions about twelve statements each, three conversations of the packaged set,
SmolLM2-135M finds the right statement for 58 by the first alone and for 64 by both (a script over the same scorer).
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from langchain_selfparam.protocols import TextScorer
from langchain_selfparam.targets import prompts

_COMMON = 24
"""Questions whose mean says how likely a statement is behind any question."""


def said_back(pairs: Sequence[tuple[str, str]], common: Sequence[str], scorer: TextScorer) -> list[float]:
    """How much likelier each statement is behind its question than behind others.

    Args:
        pairs: Questions, each with a statement that may answer it.
        common: Questions about all sorts of things; at most 24 of them are asked, drawn evenly.
        scorer: Gives log P(text | prompt).

    Returns:
        For each pair log P(statement | question) less its mean over ``common``, in nats; 0 without ``common``.
    """
    if not pairs:
        return []
    some = common[:: max(1, -(-len(common) // _COMMON))]
    wanted = list(dict.fromkeys([*pairs, *((question, said) for _, said in pairs for question in some)]))
    # One prompt for all: what two texts have in common is read once.
    asked = list(dict.fromkeys(f" {question}\nAnswer:" for question, _ in wanted))
    texts = [*asked, *(f" {question}\nAnswer: {said}" for question, said in wanted)]
    (scores,) = scorer.score([(prompts.answer_list(), texts)])
    before = dict(zip(asked, scores, strict=False))
    found = {
        (question, said): score - before[f" {question}\nAnswer:"]
        for (question, said), score in zip(wanted, scores[len(asked) :], strict=True)
    }
    level = {said: fmean(found[question, said] for question in some) for _, said in pairs} if some else {}
    return [found[pair] - level.get(pair[1], found[pair]) for pair in pairs]
