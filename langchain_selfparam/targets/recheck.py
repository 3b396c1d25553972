"""Asking again: probes of what earlier consolidations taught, for weights that have learned something else since.

In come the target sets of earlier consolidations and of this one, out go probes that were kept out of all of them. It
asks nothing itself, and knows nothing of what the weights answer.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

from langchain_selfparam.records import Probe, TargetSet
from langchain_selfparam.targets.replay import contradicted

_FEWEST = 2
"""Probes of a turn that are asked, where it had more once: what is left alone may be what it never answered."""


def recall_probes(earlier: Sequence[TargetSet]) -> list[Probe]:
    """What was asked of earlier candidates about what was said; what is only to stay keeps out of it.

    Args:
        earlier: What earlier consolidations learned from.

    Returns:
        The probes, in order.
    """
    return [probe for targets in earlier for probe in targets.probes if probe.kind == "recall"]


def recheck(
    earlier: Sequence[TargetSet], now: TargetSet, *, held: Collection[int], count: int, seed: int
) -> list[Probe]:
    """Choose probes of turns that the weights hold, all that there are of each.

    A turn of which something later says otherwise, or may, is left alone: what was asked of it is answered by the later
    one, or is to be. So is a probe that later consolidations learned from, or asked of another turn.

    Args:
        earlier: What earlier consolidations learned from, in order.
        now: What is learned now.
        held: Ids of turns that earlier consolidations held and this one does not learn again.
        count: Probes at most.
        seed: Which turns are asked about where that are not all.

    Returns:
        The probes, each turn's together.
    """
    sets = [*earlier, now]
    left = contradicted(earlier, now)
    decks: dict[int, list[Probe]] = {}
    used: set[str] = set()
    for targets in reversed(sets):
        asked: dict[int, list[Probe]] = {}
        for probe in recall_probes([targets]):
            turn = probe.turn_id
            if turn is not None and turn in held and turn not in left and turn not in decks:
                asked.setdefault(turn, []).append(probe)
        for turn, probes in asked.items():  # one that was learned twice is held by its last probes
            unused = [probe for probe in probes if probe.prompt not in used]
            decks[turn] = unused if len(unused) >= min(_FEWEST, len(probes)) else []
        used |= {s.prompt for s in targets.sentences} | {p.prompt for p in recall_probes([targets])}
    turns = sorted(decks)
    random.Random(seed).shuffle(turns)
    chosen: list[Probe] = []
    for turn in turns:
        if len(chosen) + len(decks[turn]) <= count:
            chosen += decks[turn]
    return chosen
