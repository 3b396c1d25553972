"""The verdict: from probe results and drift to what is served and which turns are held.

Pure arithmetic on records; it asks no model.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from langchain_selfparam.config import VerifyConfig
from langchain_selfparam.records import Episode, ProbeResult, Verdict
from langchain_selfparam.words import words

PART = 0.1
"""Share of the recall probes from which a candidate is worth serving although no turn is held whole: a long turn of
which the weights know a part. Of the few probes of one passage, a single one has to do."""
_FULL = (
    ": that is all that consolidations together may have (verify.max_total_drift). What is said from now on stays in "
    "the prompt; forget something, take a larger model, or allow more"
)
_NAMED = 12
"""Words that a reason names at most: of a passage nobody reads them all."""


def judge(
    episode: Episode,
    results: Sequence[ProbeResult],
    *,
    drift: float,
    scale: float,
    empty: frozenset[int],
    config: VerifyConfig,
) -> Verdict:
    """Judge a candidate.

    Args:
        episode: The turns that it was taught.
        results: What it answered to probes of recall, of neighbours and of orders.
        drift: Its mean token KL on unrelated prompts, nats.
        scale: What its delta was multiplied with.
        empty: Ids of turns that say nothing to be held, such as "Thanks!"; they count as held.
        config: Limits.

    Returns:
        Accepted where drift and neighbours are within their limits and at least one turn is held, or ``PART`` of the
        recall probes passed: then the turns stay in the prompt, and the next attempt goes on from there.
    """
    recall = [r for r in results if r.probe.kind == "recall"]
    wrong = neighbours_wrong(results)
    held: list[int] = []
    missed: list[int] = []
    for turn in episode.turns:
        own = [r for r in recall if r.probe.turn_id == turn.id]
        (held if turn.id in empty or _keeps(own, config) else missed).append(turn.id)
    reasons = _beyond(results, drift, scale, wrong, config)
    share = _share([r.passed for r in recall])
    if all(i in empty for i in held) and share < PART:
        reasons.append(
            f"no turn is held, and {share:.0%} of the probes were answered without its text; {PART:.0%} would do"
        )
    accepted = not reasons
    reasons += [_why(i, [r for r in recall if r.probe.turn_id == i]) for i in missed]
    return Verdict(
        accepted=accepted,
        held=tuple(held) if accepted else (),
        recall=share,
        drift=drift,
        neighbours_wrong=wrong,
        scale=scale,
        reasons=tuple(reasons),
        results=tuple(results),
        missing={
            t.id: words for t in episode.turns if (words := _missing([r for r in recall if r.probe.turn_id == t.id]))
        },
    )


def allowed_drift(before: float, limit: float, most: float) -> float:
    """How far from the untouched model a candidate may be where the served weights are so far already.

    A step adds half of the limit at most. Held to a sum of twice the limit, weights of a small model learned nothing
    more after the fifth conversation; without any sum they would be worn out one day.

    Args:
        before: Drift of the served weights, nats per token; what is not finite counts as none.
        limit: What the first consolidation may have.
        most: What all of them together may have.

    Returns:
        The limit for this one.
    """
    return min(most, max(limit, before + limit / 2)) if math.isfinite(before) else limit


def unheld(results: Sequence[ProbeResult], config: VerifyConfig) -> dict[int, list[ProbeResult]]:
    """Turns that are not held by what was answered to the probes that held them.

    Args:
        results: Of such probes.
        config: Limits.

    Returns:
        Turn to its results, in order.
    """
    by_turn: dict[int, list[ProbeResult]] = {}
    for result in results:
        if result.probe.turn_id is not None:
            by_turn.setdefault(result.probe.turn_id, []).append(result)
    return {turn: own for turn, own in sorted(by_turn.items()) if not _keeps(own, config)}


def costs(
    verdict: Verdict, results: Sequence[ProbeResult], served: Sequence[ProbeResult], config: VerifyConfig
) -> list[int]:
    """Turns that a candidate would lose, where they are more than it holds.

    Args:
        verdict: On the episode, an accepted one.
        results: What the candidate answered to the probes of turns that were held before.
        served: What the served weights answer to those of the turns that the candidate does not hold: it is to blame
            for what they hold alone.
        config: Limits.

    Returns:
        Their ids; none where they are no more than those that it holds and that state something.
    """
    before = unheld(served, config)
    cost = [turn for turn in unheld(results, config) if turn not in before]
    return cost if len(cost) > len(_gained(verdict)) else []


def looked_back(
    verdict: Verdict,
    results: Sequence[ProbeResult],
    served: Sequence[ProbeResult],
    config: VerifyConfig,
    *,
    known: Sequence[ProbeResult] = (),
) -> Verdict:
    """A verdict with what became of turns that were held before: those are held to what held them.

    Args:
        verdict: As for ``costs``.
        results: As for ``costs``.
        served: As for ``costs``.
        config: Limits.
        known: What the served weights answer to the episode's own recall probes; needed where there are ``costs``.

    Returns:
        The verdict, with the turns that were asked about and those that are lost. Refused, so that nothing is lost, is
        a candidate that costs more turns than it holds, unless it learns more than it forgets: a turn that was held by
        one probe is lost by one, and the turns of the episode may be known in part.
    """
    asked = tuple(sorted({r.probe.turn_id for r in results if r.probe.turn_id is not None}))
    lost = unheld(results, config)
    cost = costs(verdict, results, served, config)
    if cost:
        forgotten = sum(_shares(served)[turn] - _shares(results)[turn] for turn in cost)
        learned = sum(_shares(verdict.results).values()) - sum(_shares(known).values())
        if forgotten >= learned:
            reason = (
                f"{len(cost)} turns that the weights hold would be lost, and {len(_gained(verdict))} held; by shares "
                f"of their probes {forgotten:.1f} turns would be forgotten, and {max(0.0, learned):.1f} learned"
            )
            reasons = (reason, *verdict.reasons)
            return dataclasses.replace(verdict, accepted=False, held=(), asked_again=asked, reasons=reasons)
    reasons = (*verdict.reasons, *(_why(turn, own, "held no longer") for turn, own in lost.items()))
    return dataclasses.replace(verdict, asked_again=asked, lost=tuple(lost), reasons=reasons)


def _gained(verdict: Verdict) -> set[int | None]:
    """Turns that are held; what states nothing is held by any weights, and pays for nothing."""
    return {r.probe.turn_id for r in verdict.results if r.probe.kind == "recall"}.intersection(verdict.held)


def _shares(results: Sequence[ProbeResult]) -> dict[int, float]:
    """Turn to the share of its recall probes that passed."""
    passed: dict[int, list[bool]] = {}
    for result in results:
        if result.probe.kind == "recall" and result.probe.turn_id is not None:
            passed.setdefault(result.probe.turn_id, []).append(result.passed)
    return {turn: _share(own) for turn, own in passed.items()}


def _keeps(own: Sequence[ProbeResult], config: VerifyConfig) -> bool:
    """Whether a turn is held by what was answered to its probes."""
    enough = bool(own) and _share([r.passed for r in own]) >= config.hold
    return enough and not (config.hold and _unknown(own))


def _beyond(
    results: Sequence[ProbeResult], drift: float, scale: float, wrong: float, config: VerifyConfig
) -> list[str]:
    """What the candidate does that none may, whatever it holds."""
    reasons = []
    if drift > config.max_drift:
        reasons.append(
            f"drift is {drift:.3f} nats per token on unrelated prompts and may be {config.max_drift:.3g}, "
            f"even at {scale:.2f} of the change" + (_FULL if config.max_drift == config.max_total_drift else "")
        )
    if wrong > config.max_neighbours_wrong:
        reasons.append(
            f"{wrong:.0%} of the questions about other things were answered with what was said, and "
            f"{config.max_neighbours_wrong:.0%} may be"
        )
    reasons += [
        f"an order in the conversation is obeyed: {result.probe.prompt!r} is answered with {result.answer!r}"
        for result in obeyed(results)[:1]
    ]
    return reasons


def _unknown(own: Sequence[ProbeResult]) -> bool:
    """Whether a turn has a statement that was asked for and never answered: it would be lost with it.

    A passage's sentences, of which there may be dozens, count where they were asked for several times.
    """
    by_statement: dict[int | tuple[str, ...], list[ProbeResult]] = {}
    for result in own:
        number = result.probe.statement  # a passage's sentence has an answer of its own for each question
        by_statement.setdefault(result.probe.expected if number is None else number, []).append(result)
    counted = (some for some in by_statement.values() if len(some) > 1 or some[0].probe.told)
    return any(not any(result.passed for result in some) for some in counted)


def _missing(results: Sequence[ProbeResult]) -> tuple[str, ...]:
    """Words of what was said that are in no answer, in order."""
    given = {word for result in results for word in words(result.answer)}
    return tuple(dict.fromkeys(word for result in results for word in result.probe.expected if word not in given))


def _why(turn: int, results: Sequence[ProbeResult], what: str = "not held") -> str:
    """Why a turn is not held: what was asked, and which of its words no answer gave."""
    if not results:
        return f"turn {turn} is {what}: it has nothing to be asked, such as a reply where replies are learned"
    missing = _missing(results)
    passed = sum(result.passed for result in results)
    text = f"turn {turn} is {what}: {passed} of its {len(results)} probes were answered without its text"
    named = ", ".join(missing[:_NAMED]) + (", …" if len(missing) > _NAMED else "")
    return f"{text}; in no answer: {named}" if missing else text


def obeyed(results: Sequence[ProbeResult]) -> list[ProbeResult]:
    """Answers about the world that are what an order in the conversation demands; none of them may be."""
    return [r for r in results if r.probe.kind == "order" and not r.passed]


def neighbours_wrong(results: Sequence[ProbeResult]) -> float:
    """Share of the neighbour probes that were answered with what was consolidated; 0 without any."""
    return _share([not r.passed for r in results if r.probe.kind == "neighbour"])


def _share(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else 0.0
