"""The ledger: a tree of versions from the untouched base on, and which of them is served.

In comes what a consolidation made, out go ``Version`` records. Committing and moving the head are one
transaction each, with the turns they hold or free. It knows file names and digests, not files: those are
``weights``'.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, delete, func, insert, select, true, update

from langchain_selfparam.errors import ConsolidationError, UnknownVersionError
from langchain_selfparam.records import Job, Namespace, TurnState, Version
from langchain_selfparam.store import tables
from langchain_selfparam.store.database import Database
from langchain_selfparam.store.events import HeadEvent, moves
from langchain_selfparam.store.jobs import JobState, answered_since, need_running
from langchain_selfparam.store.tables import (
    among,
    listed,
    namespace_from,
    namespace_text,
    new_id,
    scope_of,
    time_text,
)


class Versions:
    """The versions of one memory folder, or of one namespace in it.

    Args:
        database: The folder's database.
        namespace: Whose versions and head alone are seen, besides version 0, which all have in common; ``None`` for
            those of a folder in which all are served the same.
    """

    def __init__(self, database: Database, *, namespace: Namespace | None = None) -> None:
        self._database = database
        self._namespace = namespace
        self._scope = scope_of(namespace)

    def ensure_root(
        self,
        *,
        created_at: datetime,
        weights_sha256: str | None = None,
        connection: Connection | None = None,
    ) -> Version:
        """Make version 0, the untouched base, and serve it, unless it is there; only then is anything written.

        Args:
            created_at: The time, with a timezone.
            weights_sha256: Digest of the base's adapted tensors; a version 0 without one is given it.
            connection: A transaction to join.

        Returns:
            Version 0.
        """
        values = {"id": 0, "namespace": "[]", "created_at": time_text(created_at), "report": "{}"}
        v = tables.versions.c
        with self._database.reading(connection) as c:
            if 0 in self._parents(c) and self._head(c) is not None:
                root = self.get(0, connection=c)
                if weights_sha256 is None or root.weights_sha256 is not None:
                    return root
        with self._database.transaction(connection) as c:
            if 0 not in self._parents(c):
                c.execute(insert(tables.versions).values(values))
            if self._head(c) is None:
                c.execute(insert(tables.heads).values(scope=self._scope, version=0))
            bare = and_(v.id == 0, v.weights_sha256.is_(None))
            c.execute(update(tables.versions).where(bare).values(weights_sha256=weights_sha256))
            return self.get(0, connection=c)

    def list(self, *, connection: Connection | None = None) -> tuple[Version, ...]:
        """All versions, the oldest first.

        Args:
            connection: A transaction to join.

        Returns:
            The tree, every parent before its children.
        """
        with self._database.reading(connection) as c:
            return self._load(self._parents(c), c)

    def get(self, version_id: int, *, connection: Connection | None = None) -> Version:
        """Look a version up.

        An id that is not there is refused with ``UnknownVersionError``, which names those there are.

        Args:
            version_id: Its id.
            connection: A transaction to join.

        Returns:
            The version.
        """
        with self._database.reading(connection) as c:
            self._path(version_id, c)
            return self._load([version_id], c)[0]

    def head(self, *, connection: Connection | None = None) -> Version:
        """Look up the version that is served.

        Args:
            connection: A transaction to join.

        Returns:
            The version.

        Raises:
            UnknownVersionError: There is none yet.
        """
        with self._database.reading(connection) as c:
            head = self._head(c)
            if head is None:
                msg = "there is no version yet; call ensure_root first"
                raise UnknownVersionError(msg)
            return self.get(head, connection=c)

    def path(self, version_id: int, *, connection: Connection | None = None) -> tuple[Version, ...]:
        """List the versions whose deltas add up to this one.

        An id that is not there is refused with ``UnknownVersionError``, which names those there are.

        Args:
            version_id: Where the path ends.
            connection: A transaction to join.

        Returns:
            The versions from 0 to this one, both included.
        """
        with self._database.reading(connection) as c:
            return self._load(self._path(version_id, c), c)

    def holding(self, version_id: int, *, connection: Connection | None = None) -> dict[int, int]:
        """What a version's weights hold.

        An id that is not there is refused with ``UnknownVersionError``, which names those there are.

        Args:
            version_id: Its id.
            connection: A transaction to join.

        Returns:
            Turn to the version on the path that was the first to hold it, since it was lost the last time.
        """
        with self._database.reading(connection) as c:
            return self._followed(version_id, c)[0]

    def lost(self, version_id: int, *, connection: Connection | None = None) -> set[int]:
        """What a version's weights hold no longer, though those of one before it did.

        An id that is not there is refused with ``UnknownVersionError``, which names those there are.

        Args:
            version_id: Its id.
            connection: A transaction to join.

        Returns:
            Ids of the turns.
        """
        with self._database.reading(connection) as c:
            held, lost = self._followed(version_id, c)
        return lost.keys() - held.keys()

    def events(self, *, connection: Connection | None = None) -> tuple[HeadEvent, ...]:
        """Every move of the head, the oldest first.

        Args:
            connection: A transaction to join.

        Returns:
            The moves; they stay when the versions they name are deleted.
        """
        with self._database.reading(connection) as c:
            return moves(self._scope, c)

    def next_id(self, *, connection: Connection | None = None) -> int:
        """The id that the next version will have: ids are used once in a folder, also those of deleted versions.

        Args:
            connection: A transaction to join.

        Returns:
            One more than any version ever had.
        """
        # Every commit is an event, and events stay when versions are deleted.
        with self._database.reading(connection) as c:
            last = c.execute(select(func.coalesce(func.max(tables.events.c.to_version), 0))).scalar_one()
        return int(last) + 1

    def any(self, *, connection: Connection | None = None) -> bool:
        """Whether the folder was used before: version 0 is there.

        Args:
            connection: A transaction to join.

        Returns:
            Whether it is.
        """
        with self._database.reading(connection) as c:
            return 0 in self._parents(c)

    def learned(self, *, connection: Connection | None = None) -> bool:
        """Whether anything was learned: there is a version beside 0.

        Args:
            connection: A transaction to join.

        Returns:
            Whether there is one, served or not.
        """
        v = tables.versions.c
        with self._database.reading(connection) as c:
            return c.execute(select(v.id).where(v.id != 0, self._own(v)).limit(1)).first() is not None

    def delta_files(self, *, connection: Connection | None = None) -> dict[int, str | None]:
        """The delta files that any version of the folder needs, whoever's it is.

        Args:
            connection: A transaction to join.

        Returns:
            Version id to the name of its file, ``None`` for version 0.
        """
        v = tables.versions.c
        with self._database.reading(connection) as c:
            return {row.id: row.delta_file for row in c.execute(select(v.id, v.delta_file))}

    def commit(
        self,
        *,
        job: Job,
        delta_file: str,
        delta_sha256: str,
        weights_sha256: str | None,
        held_ids: Collection[int],
        report: Mapping[str, object],
        created_at: datetime,
        attempted_ids: Collection[int] | None = None,
        lost_ids: Collection[int] = (),
        connection: Connection | None = None,
    ) -> Version:
        """Make a version of what a job learned and serve it: all of this or nothing.

        The head moves to the new version, held turns are held by it, the job's other turns and the lost ones are
        pending again, and the job is done.

        It is refused with ``ConsolidationError`` where the job is not running any more, where turns are not
        the job's, and where the head is not the version whose weights the delta was trained on.

        Args:
            job: A running job.
            delta_file: File name inside the folder's ``deltas``; it is on disk already.
            delta_sha256: The file's digest.
            weights_sha256: Digest of the weights with it.
            held_ids: Turns of the job whose probes passed; one that was replied to meanwhile is pending.
            report: The consolidation report as JSON values.
            created_at: The time, with a timezone.
            attempted_ids: Turns of the job for which not being held counts as an attempt; ``None`` for all.
            lost_ids: Turns that earlier versions held and this one does not. So often as one was lost, so many attempts
                it has had, or two that displace each other would be learned by turns for ever. Those that are not held
                now are left out.
            connection: A transaction to join.

        Returns:
            The new version.
        """
        when = time_text(created_at)
        values = {
            "namespace": namespace_text(job.episode.namespace),
            "created_at": when,
            "delta_file": delta_file,
            "delta_sha256": delta_sha256,
            "weights_sha256": weights_sha256,
            "report": json.dumps(dict(report)),
            "job": job.id,
        }
        t, j = tables.turns.c, tables.jobs.c
        with self._database.transaction(connection) as c:
            head = self._unmoved_head(job, c)
            own = set(c.execute(select(t.id).where(t.job == job.id)).scalars())
            counted = own if attempted_ids is None else set(attempted_ids)
            _refuse_foreign(job, own, counted.union(held_ids))
            answered = answered_since(job, c)
            counted, held_ids = counted - answered, set(held_ids) - answered
            version = new_id(c, tables.versions, {"parent": head, **values})
            lost = set(c.execute(select(t.id).where(self._held(), among(t.id, lost_ids))).scalars())
            rows = [{"version": version, "turn": i, "lost": i in lost} for i in {*held_ids, *lost}]
            if rows:
                c.execute(insert(tables.version_turns), rows)
            self._settle(c, job, version, held_ids, counted)
            self._lose(c, lost, self._followed(version, c)[1])
            self._set_head(c, "commit", head, version, when)
            c.execute(update(tables.jobs).where(j.id == job.id).values(state=JobState.DONE.value))
            return self.get(version, connection=c)

    def move_head(
        self,
        version_id: int,
        *,
        created_at: datetime,
        kind: str = "rollback",
        connection: Connection | None = None,
    ) -> tuple[int, ...]:
        """Serve another version, back or forward: turns follow what its weights hold.

        Turns that a version on the new head's path was first to hold, and none after it lost, are held again, whatever
        became of them meanwhile; other held turns are pending, with their attempts given back. A job that is running
        cannot be committed afterwards.

        An id that is not there is refused with ``UnknownVersionError``, which names those there are.

        Args:
            version_id: The new head.
            created_at: The time, with a timezone.
            kind: What ``events`` calls the move.
            connection: A transaction to join.

        Returns:
            Ids of the turns that are pending because of it.
        """
        t, vt, pending = tables.turns.c, tables.version_turns.c, TurnState.PENDING.value
        when = time_text(created_at)
        with self._database.transaction(connection) as c:
            holding, lost = self._followed(version_id, c)
            held = c.execute(select(t.id).where(self._held()).order_by(t.id)).scalars()
            freed = tuple(turn for turn in held if turn not in holding)
            c.execute(update(tables.turns).where(among(t.id, freed)).values(state=pending, attempts=0, version=None))
            again = update(tables.turns).where(t.id == bindparam("turn"))
            again = again.values(state=TurnState.HELD.value, version=bindparam("by"), job=None)
            if holding:
                c.execute(again, [{"turn": turn, "by": by} for turn, by in holding.items()])
            # Turns that are lost here or elsewhere: what was tried on another path has not been.
            ever = select(vt.turn).join(tables.turns, t.id == vt.turn).where(vt.lost, t.state == pending, self._mine())
            self._lose(c, set(c.execute(ever).scalars()), lost)
            self._set_head(c, kind, self._head(c), version_id, when)
        return freed

    def delete(self, ids: Collection[int], connection: Connection | None = None) -> None:
        """Remove versions that nothing depends on any more.

        Versions that the head or a version outside ``ids`` is built on are refused with
        ``ConsolidationError``, ids that are not there with ``UnknownVersionError``; none is removed then.

        Args:
            ids: Versions off the head's path, with every version that was built on them.
            connection: A transaction to join.
        """
        v = tables.versions.c
        with self._database.transaction(connection) as c:
            parents = self._parents(c)
            served = self._path(self.head(connection=c).id, c)
            for i in ids:
                self._path(i, c)
            left = {i for i, parent in parents.items() if parent in ids and i not in ids}
            _refuse_needed(set(ids) & served, left)
            c.execute(delete(tables.versions).where(among(v.id, ids)))

    def _load(self, ids: Collection[int], c: Connection) -> tuple[Version, ...]:
        v, vt, h = tables.versions.c, tables.version_turns.c, tables.heads.c
        # Of everybody's versions each one's head is served to somebody.
        mine = true() if self._namespace is None else h.scope == self._scope
        heads = set(c.execute(select(h.version).where(mine)).scalars())
        turns: dict[tuple[int, bool], list[int]] = {}
        rows = select(vt.version, vt.turn, vt.lost).where(among(vt.version, ids)).order_by(vt.turn)
        for version, turn, lost in c.execute(rows):
            turns.setdefault((version, bool(lost)), []).append(turn)
        return tuple(
            Version(
                id=row.id,
                parent=row.parent,
                namespace=namespace_from(row.namespace),
                created_at=datetime.fromisoformat(row.created_at),
                delta_file=row.delta_file,
                delta_sha256=row.delta_sha256,
                weights_sha256=row.weights_sha256,
                turn_ids=tuple(turns.get((row.id, False), ())),
                lost_ids=tuple(turns.get((row.id, True), ())),
                report=json.loads(row.report),
                is_head=row.id in heads,
            )
            for row in c.execute(select(tables.versions).where(among(v.id, ids)).order_by(v.id))
        )

    def _settle(self, c: Connection, job: Job, version: int, held: Collection[int], counted: Collection[int]) -> None:
        t = tables.turns.c
        c.execute(
            update(tables.turns).where(among(t.id, held)).values(state=TurnState.HELD.value, version=version, job=None)
        )
        tried = case((among(t.id, counted), 1), else_=0)
        c.execute(
            update(tables.turns)
            .where(t.job == job.id)
            .values(state=TurnState.PENDING.value, attempts=t.attempts + tried, job=None)
        )

    def _followed(self, version_id: int, c: Connection) -> tuple[dict[int, int], Counter[int]]:
        """By turn the version that holds it at the end of a path, and how often it was lost on the way."""
        vt = tables.version_turns.c
        held: dict[int, int] = {}
        losses: Counter[int] = Counter()
        rows = select(vt.version, vt.turn, vt.lost).where(among(vt.version, self._path(version_id, c)))
        for version, turn, lost in c.execute(rows.order_by(vt.version)):
            if lost:
                held.pop(turn, None)
                losses[turn] += 1
            else:
                held.setdefault(turn, version)
        return held, losses

    def _lose(self, c: Connection, turns: Collection[int], losses: Mapping[int, int]) -> None:
        """Turns that are pending because they were lost: with an attempt for each time."""
        rows = [{"turn": turn, "times": losses.get(turn, 0)} for turn in turns]
        back: dict[str, Any] = {"state": TurnState.PENDING.value, "attempts": bindparam("times"), "version": None}
        if rows:
            c.execute(update(tables.turns).where(tables.turns.c.id == bindparam("turn")).values(back), rows)

    def _held(self) -> ColumnElement[bool]:
        """Of which turns this ledger says where they are: those that are held, of the namespace where it has one."""
        return and_(tables.turns.c.state == TurnState.HELD.value, self._mine())

    def _mine(self) -> ColumnElement[bool]:
        if self._namespace is None:
            return true()
        return tables.turns.c.namespace == namespace_text(self._namespace)

    def _unmoved_head(self, job: Job, c: Connection) -> int:
        base, head = need_running(job, c), self._head(c)
        if head is None or head != base:
            msg = (
                f"job {job.id} learned on version {base}, but the head is version {head} now; "
                "drop its delta and consolidate again"
            )
            raise ConsolidationError(msg)
        return head

    def _set_head(self, c: Connection, kind: str, old: int | None, new: int, when: str) -> None:
        c.execute(update(tables.heads).where(tables.heads.c.scope == self._scope).values(version=new))
        row = {"scope": self._scope, "kind": kind, "from_version": old, "to_version": new, "created_at": when}
        c.execute(insert(tables.events).values(row))

    def _head(self, c: Connection) -> int | None:
        h = tables.heads.c
        return c.execute(select(h.version).where(h.scope == self._scope)).scalar_one_or_none()

    def _parents(self, c: Connection) -> dict[int, int | None]:
        v = tables.versions.c
        rows = c.execute(select(v.id, v.parent).where(self._own(v)))
        return {row.id: row.parent for row in rows}

    def _own(self, v: Any) -> ColumnElement[bool]:
        if self._namespace is None:
            return true()
        own: ColumnElement[bool] = (v.id == 0) | (v.namespace == namespace_text(self._namespace))
        return own

    def _path(self, version_id: int, c: Connection) -> set[int]:
        parents = self._parents(c)
        if version_id not in parents:
            msg = f"there is no version {version_id}; there are {listed(parents.keys()) or 'none yet'}"
            raise UnknownVersionError(msg)
        path = set()
        step: int | None = version_id
        while step is not None:
            path.add(step)
            step = parents[step]
        return path


def _refuse_foreign(job: Job, own: Collection[int], named: set[int]) -> None:
    foreign = named.difference(own)
    if foreign:
        msg = f"job {job.id} has leased {listed(own) or 'nothing'}, not {listed(foreign)}"
        raise ConsolidationError(msg)


def _refuse_needed(served: Collection[int], left: Collection[int]) -> None:
    if served:
        msg = f"version {listed(served)} cannot be deleted: the head needs it; move the head below it first"
        raise ConsolidationError(msg)
    if left:
        msg = f"version {listed(left)} would be left without its parent; delete it as well"
        raise ConsolidationError(msg)
