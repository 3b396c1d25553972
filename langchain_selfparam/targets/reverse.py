"""The other direction: how much likelier a statement is behind a question than behind any.

In come pairs of a question and a statement with a ``TextScorer``, out come nats. log P(question | statement) alone
takes "Which flowers do I like best?" for a question about hazelnuts that somebody is allergic to: plants are near.
Asked the other way round, what flowers somebody likes is not answered with an allergy. Each direction errs by itself,
so that their sum errs less: of 72 questions about twelve statements each, three conversations of the packaged set,
SmolLM2-135M finds the right statement for 58 by the first alone and for 64 by both (a script over the same scorer).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from langchain_selfparam.protocols import TextScorer
from langchain_selfparam.records import Statement
from langchain_selfparam.targets import prompts

_CONTENDS = 2.0
"""Nats behind the likeliest statement up to which the other way round may tell that the next one is asked about."""
_ABOUT_IT = 4.0
"""Lead in nats over the other statements' mean below which that decides nothing."""
_OTHER_WAY = 0.25
"""What a nat of P(statement | question) counts there. Of 72 questions about twelve statements each (three conversations
of the packaged set, SmolLM2-135M, by a script over the same scorer) 53 would be learned for the right statement and 6
for a wrong one without it, and 58 and 5 with it. Three statements within 3 nats were three times as many to ask about,
and three and a half of a conversation's twenty minutes, for 58 and 4."""
_FEWER = 12
"""As ``_COMMON``, of many statements: each is read behind every one of these."""
_COMMON = 24
"""Questions whose mean says how likely a statement is behind any question."""


def said_back(
    pairs: Sequence[tuple[str, str]], common: Sequence[str], scorer: TextScorer, *, most: int = _COMMON
) -> list[float]:
    """How much likelier each statement is behind its question than behind others.

    Args:
        pairs: Questions, each with a statement that may answer it.
        common: Questions about all sorts of things; some of them are asked, drawn evenly.
        scorer: Gives log P(text | prompt).
        most: How many of ``common`` at most.

    Returns:
        For each pair log P(statement | question) less its mean over ``common``, in nats; 0 without ``common``.
    """
    if not pairs:
        return []
    some = common[:: max(1, -(-len(common) // most))]
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


def told_apart(
    texts: Sequence[tuple[str, int | None]],
    columns: Sequence[Mapping[int, float]],
    statements: Sequence[Statement],
    scorer: TextScorer,
) -> list[dict[int, float]]:
    """Scores that part statements by the other way round, where a question is nearly as likely at several.

    Args:
        texts: Questions, each with the number of the statement it was written about, or ``None``.
        columns: Scores of each by statement.
        statements: Those that are compared. Passages are not asked: nobody says one back to a question.
        scorer: Gives log P(statement | question).

    Returns:
        The scores, less a part of how much likelier another of the nearly likeliest is behind the question.
    """
    bank = [text for text, about in texts if about is None]
    if not bank:  # of two statements the shorter one is likelier anywhere
        return [dict(column) for column in columns]
    contended: list[tuple[int, list[int]]] = []
    for at, column in enumerate(columns):
        ranked = sorted(column, key=column.__getitem__, reverse=True)
        if len(ranked) < 2:
            continue
        first = column[ranked[0]]
        near = [number for number in ranked[:2] if first - column[number] <= _CONTENDS]
        lead = first - fmean(column[number] for number in ranked[1:])
        if len(near) > 1 and lead >= _ABOUT_IT and not any(statements[number].sentence for number in near):
            contended.append((at, near))
    pairs = [(texts[at][0], statements[number].said) for at, near in contended for number in near]
    back = iter(said_back(pairs, bank, scorer, most=_FEWER))
    found = [dict(column) for column in columns]
    for at, near in contended:
        nats = {number: next(back) for number in near}
        best = max(nats.values())
        found[at].update({n: columns[at][n] - _OTHER_WAY * (best - nats[n]) for n in near})
    return found
