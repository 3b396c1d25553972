"""Asking again: probes of what earlier consolidations taught, for weights that have learned something else since.

In come the target sets of earlier consolidations and of this one, out go probes that were kept out of all of them. It
asks nothing itself, and knows nothing of what the weights answer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from langchain_selfparam.records import Probe, TargetSet
from langchain_selfparam.targets.correct import may_correct, says_otherwise


def recall_probes(earlier: Sequence[TargetSet]) -> list[Probe]:
    """What was asked of earlier candidates about what was said; what is only repeated or kept has none of it.

    Args:
        earlier: What earlier consolidations learned from.

    Returns:
        The probes, in order.
    """
    return [probe for targets in earlier for probe in targets.probes if probe.kind == "recall"]


def recheck(earlier: Sequence[TargetSet], now: TargetSet, *, held: Collection[int], count: int) -> list[Probe]:
    """Choose probes of turns that the weights hold: those that held each turn, all of them or none.

    A turn of which something later says otherwise is left alone: what was asked of it is answered by the later one, or
    is to be, and its own words are to stay out of the prompt. So is one of whose probes another turn has taken
    one, or that was learned from since: the others may be those that it never answered.

    Args:
        earlier: What earlier consolidations learned from, in order.
        now: What is learned now.
        held: Ids of turns that earlier consolidations held and this one does not learn again.
        count: Probes at most; where there are more, one consolidation after another asks a part of them. A turn that
            has more by itself is not asked about.

    Returns:
        The probes, each turn's together.
    """
    held = {*held} - superseded([*earlier, now])
    decks: dict[int, list[Probe]] = {}
    used: set[str] = set()
    for targets in reversed([*earlier, now]):
        probes = recall_probes([targets])
        # One that was learned twice is held by its last probes.
        for turn in {p.turn_id for p in probes if p.turn_id is not None} & held - decks.keys():
            own = [probe for probe in probes if probe.turn_id == turn]
            decks[turn] = own if used.isdisjoint(probe.prompt for probe in own) else []
        # What is replayed is what was learned before, and taken by nobody.
        used |= {s.prompt for s in targets.sentences if s.kind != "replay"} | {p.prompt for p in probes}
    parts: list[list[Probe]] = [[]]
    for _, deck in sorted(decks.items()):
        if len(deck) <= count:
            if len(parts[-1]) + len(deck) > count:
                parts.append([])
            parts[-1] += deck
    return parts[len(earlier) % len(parts)]


def superseded(sets: Sequence[TargetSet]) -> set[int]:
    """Turns of which something is said otherwise by a later one.

    Args:
        sets: What consolidations learned from, in order.

    Returns:
        Their ids: a value of theirs was exchanged, a question of theirs is answered by a later turn that corrects
        them, or that says something else of the same. One that only says otherwise itself is none of them, nor is one
        that a later one only may correct: what is lost of it is to be seen.
    """
    said = [statement for targets in sets for statement in targets.statements]
    asked = _asked(sets)
    found: set[int] = set()
    for new in said:
        if new.instead:
            # What was changed twice has the first wording before both.
            before = {o.turn_id for o in said if o.turn_id < new.turn_id and new.instead in {o.told, o.instead}}
            # Changed by a turn beside it: its own words are no longer so.
            found |= before or {new.turn_id}
        for old in said:
            if old.turn_id < new.turn_id and old.turn_id not in found and may_correct(new, old):
                moved = not asked.get(old.turn_id, set()).isdisjoint(asked.get(new.turn_id, ()))
                found |= {old.turn_id} if moved or says_otherwise(new, old) else set()
    return found


def _asked(sets: Sequence[TargetSet]) -> dict[int, set[str]]:
    """What was learned or asked of each turn."""
    found: dict[int, set[str]] = {}
    for targets in sets:
        for sentence in targets.sentences:
            if sentence.kind == "question" and sentence.turn_id is not None:
                found.setdefault(sentence.turn_id, set()).add(sentence.prompt)
        for probe in recall_probes([targets]):
            if probe.turn_id is not None:
                found.setdefault(probe.turn_id, set()).add(probe.prompt)
    return found
