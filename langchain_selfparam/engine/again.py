"""Looking back: an accepted candidate is asked what held earlier turns.

In come the verdict on a candidate and generators over it and over the served weights, out goes the verdict with what
would be lost. It changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from langchain_selfparam.config import VerifyConfig
from langchain_selfparam.protocols import TextGenerator
from langchain_selfparam.records import ProbeResult, TargetSet, Verdict
from langchain_selfparam.targets.recheck import recall_probes, recheck
from langchain_selfparam.verify import recall
from langchain_selfparam.verify.verdict import costs, looked_back, unheld


def look_back(
    verdict: Verdict,
    targets: TargetSet,
    *,
    earlier: Sequence[TargetSet],
    held: Collection[int],
    candidate: TextGenerator,
    served: TextGenerator,
    config: VerifyConfig,
) -> Verdict:
    """Ask a candidate about turns that the served weights hold.

    Args:
        verdict: On the candidate; where it was refused nothing is asked.
        targets: What it was taught.
        earlier: What the served version and those before it were learned from, in order.
        held: Ids of the turns that the served version holds.
        candidate: Answers with the candidate; asked where there is something to ask.
        served: Answers with the served weights; asked where something may be lost, and what it knew where that is much.
        config: How many probes, and limits.

    Returns:
        The verdict, with the turns that were asked about and those that are lost, or refused for what it would cost.
    """
    if not (verdict.accepted and config.earlier and config.hold):
        return verdict
    probes = recheck(earlier, targets, held=held, count=config.earlier)
    if not probes:
        return verdict
    results = recall.ask(probes, candidate, max_tokens=config.answer_tokens)
    lost = unheld(results, config)
    doubted = [probe for probe in probes if probe.turn_id in lost]
    before = recall.ask(doubted, served, max_tokens=config.answer_tokens) if doubted else []
    known: Sequence[ProbeResult] = ()
    if costs(verdict, results, before, config):
        known = recall.ask(recall_probes([targets]), served, max_tokens=config.answer_tokens)
    return looked_back(verdict, results, before, config, known=known)
