"""Forgetting: turns leave the journal, and no weights that ever learned from them stay.

In come ids of turns, out goes a ``Forgotten`` record. It is exact unlearning by construction: the weights go
back to the last version that was made without these turns, bit for bit, and whatever else was learned since
is pending and will be learned again.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from langchain_selfparam.engine.commit import swapped, warn_if_other
from langchain_selfparam.engine.line import Line, sweep
from langchain_selfparam.errors import ConsolidationError, SelfParamError
from langchain_selfparam.records import TurnState, Version
from langchain_selfparam.serving.gate import Gate
from langchain_selfparam.store import Store
from langchain_selfparam.weights.merge import ServedWeights


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Forgotten:
    """What ``forget`` did."""

    turns: tuple[int, ...]
    """Turns whose text is gone from the journal."""
    versions: tuple[int, ...]
    """Versions that learned from them or were built on such; rows and delta files are gone."""
    served: int
    """The version that is served now."""
    relearn: tuple[int, ...]
    """Other turns that the removed versions held; they are pending again."""


def forget(
    store: Store,
    turn_ids: Sequence[int],
    *,
    exact: ServedWeights,
    model: Any,
    gate: Gate,
    created_at: datetime,
) -> Forgotten:
    """Remove turns from journal, ledger and weights: all of this or nothing.

    A version learned from a turn where it holds it, and also where it only trained on it (``learned_from`` in
    its report). Turns that no version learned from are simply deleted. Unknown ids are refused with
    ``UnknownTurnError``, a damaged delta below the removed versions with ``DamagedLedgerError``.

    Args:
        store: The memory folder.
        turn_ids: Turns to forget, in any state but leased.
        exact: How ``model`` is served.
        model: The served model.
        gate: Its gate; this thread must not be inside.
        created_at: The time, with a timezone.

    Returns:
        What was removed, what is served, and what has to be learned again.

    Raises:
        ConsolidationError: A consolidation is reading one of the turns now.
    """
    ids = tuple(dict.fromkeys(turn_ids))
    _refuse_leased(store, ids)
    versions = store.versions.list()
    removed = _tainted(versions, set(ids))
    head = store.versions.head()
    target = [v for v in store.versions.path(head.id) if v.id not in removed][-1]
    relearn: tuple[int, ...] = ()
    try:
        if target.id == head.id:
            _delete(store, ids, removed)
        else:
            tensors = Line.to(store, target.id).weights(exact)
            with swapped(store, exact=exact, model=model, gate=gate, tensors=tensors):
                relearn = _delete(store, ids, removed, move_to=target.id, created_at=created_at)
            warn_if_other(target, tensors)
    except BaseException:
        # It can come after the ledger was written, as a warning that is made an error does: then the files go as well.
        with contextlib.suppress(SelfParamError, OSError):
            sweep(store)
        raise
    sweep(store)
    return Forgotten(turns=ids, versions=tuple(sorted(removed)), served=target.id, relearn=relearn)


def are_gone(store: Store, turn_ids: Sequence[int]) -> bool:
    """Whether turns that were there are there no longer, however ``forget`` ended.

    Args:
        store: The memory folder.
        turn_ids: Their ids.

    Returns:
        Whether they are gone; also where it cannot be read.
    """
    try:
        store.turns.get(turn_ids)
    except SelfParamError:
        return True
    return False


def _refuse_leased(store: Store, ids: Sequence[int]) -> None:
    leased = [str(turn.id) for turn in store.turns.get(ids) if turn.state is TurnState.LEASED]
    if leased:
        msg = (
            f"turn {', '.join(leased)} cannot be forgotten now: a consolidation is learning from it; "
            "wait for it with flush(), then forget again"
        )
        raise ConsolidationError(msg)


def _tainted(versions: Iterable[Version], ids: Collection[int]) -> set[int]:
    removed: set[int] = set()
    for version in versions:  # parents stand before their children
        learned: Any = version.report.get("learned_from", ())
        if version.parent in removed or not set(ids).isdisjoint({*version.turn_ids, *learned}):
            removed.add(version.id)
    return removed


def _delete(
    store: Store,
    ids: Sequence[int],
    versions: Collection[int],
    *,
    move_to: int | None = None,
    created_at: datetime | None = None,
) -> tuple[int, ...]:
    freed: tuple[int, ...] = ()
    with store.database.transaction() as connection:
        if move_to is not None and created_at is not None:
            freed = store.versions.move_head(move_to, created_at=created_at, kind="forget", connection=connection)
        store.jobs.empty(versions, connection=connection)  # what was replayed there is the forgotten turns' text too
        store.turns.delete(ids, connection=connection)
        store.versions.delete(versions, connection=connection)
    return tuple(i for i in freed if i not in ids)
