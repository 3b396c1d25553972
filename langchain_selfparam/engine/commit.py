"""The one door through which served weights change: commit, rollback, and what opening a folder does.

In come a delta or a version's id, out goes a ``Version`` that is in the ledger and is served. It knows
nothing of how a delta was learned or judged.

The order, which makes every failure harmless: (a) the delta file is written whole; then, with the gate held,
so that nobody can read weights that the ledger does not speak of, (c) the new weights are installed and (b)
the ledger is written in one transaction. (b) comes last because it is the only step that outlives the
process: a crash before it leaves the old head and an orphan file (swept at opening), one after it the new
head, and opening rebuilds the weights from the head in either case. Where (b) raises, the weights go back
under the same gate, unless the ledger was written after all (Ctrl-C in the instant after): served weights
follow the ledger.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from langchain_selfparam.engine.line import Line, sweep
from langchain_selfparam.errors import SelfParamError
from langchain_selfparam.records import Job, Version
from langchain_selfparam.serving.gate import Gate
from langchain_selfparam.store import Store
from langchain_selfparam.weights.delta import Delta
from langchain_selfparam.weights.files import write_delta
from langchain_selfparam.weights.merge import ServedWeights, Tensors, digest

_PATIENCE = 10.0
"""Seconds that a swap waits for a moment without answers before it holds new ones back."""


def commit(
    store: Store,
    *,
    exact: ServedWeights,
    model: Any,
    gate: Gate,
    job: Job,
    delta: Delta,
    held_ids: Collection[int],
    report: Mapping[str, object],
    created_at: datetime,
    attempted_ids: Collection[int] | None = None,
    lost_ids: Collection[int] = (),
) -> Version:
    """Keep and serve what a job learned: all of it, or everything stays as it was.

    A full disk is a ``FolderError``; a job that ended, a head that moved and weights that are not finite are
    ``ConsolidationError``s.

    Args:
        store: The memory folder.
        exact: How ``model`` is served.
        model: The served model; its weights are those of the head.
        gate: Its gate; this thread must not be inside.
        job: The running job.
        delta: What it learned on the head's weights.
        held_ids: Turns of the job whose probes passed.
        report: The consolidation report as JSON values; ``learned_from``, the ids of all turns that were
            trained on, is added for ``forget``.
        created_at: The time, with a timezone.
        attempted_ids: Turns of the job for which not being held counts as an attempt; ``None`` for all.
        lost_ids: Turns that were held and are no longer.

    Returns:
        The new version; it is the head and it is served.
    """
    head = store.versions.head()
    tensors = Line.to(store, head.id).weights(exact, delta)
    metadata = {
        "base_fingerprint": store.database.get("base_fingerprint") or "",
        "parent": str(head.id),
        "parent_weights_sha256": head.weights_sha256 or "",
        "created_at": created_at.isoformat(),
    }
    try:
        written = write_delta(store.deltas, store.versions.next_id(), delta, metadata=metadata)
        served = digest(tensors)
        with swapped(store, exact=exact, model=model, gate=gate, tensors=tensors):
            return store.versions.commit(
                job=job,
                delta_file=written.name,
                delta_sha256=written.sha256,
                weights_sha256=served,
                held_ids=held_ids,
                report={**report, "learned_from": [turn.id for turn in job.episode.turns]},
                created_at=created_at,
                attempted_ids=attempted_ids,
                lost_ids=lost_ids,
            )
    except BaseException:
        if _head_id(store) == head.id:
            sweep(store)
        raise


def rollback(
    store: Store, version_id: int, *, exact: ServedWeights, model: Any, gate: Gate, created_at: datetime
) -> tuple[int, ...]:
    """Serve another version, back or forward, to the bit; a job that is running cannot be committed after.

    All deltas on the path are read and checked before anything changes: an unknown version is an
    ``UnknownVersionError``, a damaged delta a ``DamagedLedgerError``.

    Args:
        store: The memory folder.
        version_id: The version to serve.
        exact: How ``model`` is served.
        model: The served model.
        gate: Its gate; this thread must not be inside.
        created_at: The time, with a timezone.

    Returns:
        Ids of the turns that are pending because of it.
    """
    version = store.versions.get(version_id)
    tensors = Line.to(store, version_id).weights(exact)
    with swapped(store, exact=exact, model=model, gate=gate, tensors=tensors):
        freed = store.versions.move_head(version_id, created_at=created_at)
    warn_if_other(version, tensors)
    return freed


def open_weights(
    store: Store, *, exact: ServedWeights, model: Any, gate: Gate, created_at: datetime, tidy: bool = True
) -> Version:
    """Serve what the ledger says, after a folder was opened; files that no version names are deleted.

    Where a delta on the head's path is damaged, the last version before it is served: the head moves there
    (``damage`` among the events), its lost turns are pending again, and a ``RuntimeWarning`` names file and
    version. No version is deleted: a copy of the file, put back, can be rolled forward to.

    Args:
        store: The memory folder, just opened.
        exact: How ``model`` is served.
        model: The served model.
        gate: Its gate; this thread must not be inside.
        created_at: The time, with a timezone.
        tidy: Whether to delete the files that no version names; not while anybody else may be writing one.

    Returns:
        The version that is served.
    """
    if store.versions.get(0).weights_sha256 is None:
        store.versions.ensure_root(created_at=created_at, weights_sha256=digest(exact.base))
    if tidy:
        sweep(store)
    line, damage = Line.as_far_as_good(store, store.versions.head().id)
    if not line.is_sound(exact):
        line, damage = Line.as_far_as_good(store, store.versions.head().id)
    good, tensors = line.version, line.weights(exact)
    freed: tuple[int, ...] = ()
    with swapped(store, exact=exact, model=model, gate=gate, tensors=tensors):
        if damage is not None:
            freed = store.versions.move_head(good.id, created_at=created_at, kind="damage")
    if damage is not None:
        turns = f", and turn {', '.join(map(str, freed))} is pending again" if freed else ""
        warnings.warn(f"{damage}. Version {good.id} is served instead{turns}", RuntimeWarning, stacklevel=2)
    warn_if_other(good, tensors)
    return store.versions.get(good.id)


@contextlib.contextmanager
def swapped(store: Store, *, exact: ServedWeights, model: Any, gate: Gate, tensors: Tensors) -> Iterator[None]:
    """Install weights, let the block write the ledger, and put the former back where it did not; gate held.

    Args:
        store: The memory folder.
        exact: How ``model`` is served.
        model: The served model.
        gate: Its gate; this thread must not be inside.
        tensors: Each adapted layer's weight, from ``exact.candidate``.

    Yields:
        Nothing; nobody reads inside.
    """
    before = store.versions.head().id
    former = exact.prepare(model, tensors)
    with gate.writing(patience=_PATIENCE):
        try:
            exact.install(model, tensors, former=former)
            yield
        except BaseException:
            if _head_id(store) in {before, None}:
                exact.install(model, former, former=former)
            raise


def warn_if_other(version: Version, tensors: Tensors) -> None:
    """Warn where a version's weights, rebuilt from undamaged deltas, are not those that the ledger saw.

    Args:
        version: The version.
        tensors: Its weights as rebuilt.
    """
    found = digest(tensors)
    if version.weights_sha256 not in {found, None}:
        msg = (
            f"the weights of version {version.id} have the digest {found[:8]}, and had "
            f"{str(version.weights_sha256)[:8]} when they were learned, though its deltas are intact: the "
            "base or the arithmetic differs; they are served, and answers may differ by rounding"
        )
        warnings.warn(msg, RuntimeWarning, stacklevel=3)


def _head_id(store: Store) -> int | None:
    try:
        return store.versions.head().id
    except SelfParamError:
        return None  # the ledger cannot be read now: the caller keeps to what was before
