"""Leases: which turns are being learned from now, by whom, and until when.

In comes an ``Episode``, out goes a ``Job``, the right to consolidate it. A job ends in ``Versions.commit``,
in ``fail``, or, where its process died, in ``recover``; in each case its turns are free again. It knows
nothing of training.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from langchain_selfparam.errors import ConsolidationError
from langchain_selfparam.records import Episode, Job, Namespace, TurnState
from langchain_selfparam.store import tables
from langchain_selfparam.store.database import Database
from langchain_selfparam.store.tables import among, namespace_from, namespace_text, new_id, scope_of, time_text


class JobState(str, Enum):
    """Where a job stands; only a running one holds turns."""

    RUNNING = "running"
    DONE = "done"
    """It made a version."""
    FAILED = "failed"
    TOO_LARGE = "too large"
    """It was refused, and its turns may be learned in smaller ones."""
    ABANDONED = "abandoned"
    """Its process vanished."""
    STOPPED = "stopped"
    """It was ended before it was done, and its turns are not to blame."""
    RETURNED = "returned"
    """The same, for a reason that lies elsewhere, such as a server that was not there: it says nothing of its turns."""

    def __str__(self) -> str:
        return self.value


_ENDED = (JobState.DONE.value, JobState.FAILED.value, JobState.TOO_LARGE.value)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class JobStatus:
    """A job as ``status`` shows it."""

    id: int
    namespace: Namespace
    owner: str
    state: JobState
    turn_ids: tuple[int, ...]
    base_version: int | None
    """The head when it began: its delta fits these weights and no others."""
    started_at: datetime
    lease_until: datetime
    error: str | None
    """Why it failed; ``None`` where it did not."""


class Jobs:
    """The jobs of one memory folder, or of one namespace in it.

    Args:
        database: The folder's database.
        namespace: Whose head its jobs begin at, and whose are recovered; ``None`` where all are served the same.
    """

    def __init__(self, database: Database, *, namespace: Namespace | None = None) -> None:
        self._database = database
        self._namespace = namespace
        self._scope = scope_of(namespace)

    def lease(
        self,
        episode: Episode,
        *,
        owner: str,
        now: datetime,
        lease_seconds: float,
        connection: Connection | None = None,
    ) -> Job:
        """Take the turns of an episode, all of them or none.

        An empty episode, or one whose turns are not all pending any more, is refused with
        ``ConsolidationError``.

        Args:
            episode: Pending turns of one namespace.
            owner: ``host:pid:random`` of the process that works on it.
            now: The time, with a timezone.
            lease_seconds: How long it may go without a heartbeat.
            connection: A transaction to join.

        Returns:
            The job; its turns are leased.
        """
        t = tables.turns.c
        ids = [turn.id for turn in episode.turns]
        until = now + timedelta(seconds=lease_seconds)
        values = {
            "namespace": namespace_text(episode.namespace),
            "owner": owner,
            "state": JobState.RUNNING.value,
            "started_at": time_text(now, name="now"),
            "lease_until": time_text(until, name="now"),
        }
        with self._database.transaction(connection) as c:
            _need_pending(episode, c)
            head = c.execute(
                select(tables.heads.c.version).where(tables.heads.c.scope == self._scope)
            ).scalar_one_or_none()
            job = new_id(c, tables.jobs, {"base_version": head, **values})
            c.execute(insert(tables.job_turns), [{"job": job, "turn": i} for i in ids])
            c.execute(update(tables.turns).where(among(t.id, ids)).values(state=TurnState.LEASED.value, job=job))
        leased = tuple(dataclasses.replace(turn, state=TurnState.LEASED) for turn in episode.turns)
        return Job(
            id=job,
            episode=Episode(namespace=episode.namespace, turns=leased),
            owner=owner,
            lease_until=until,
        )

    def heartbeat(self, job: Job, now: datetime, lease_seconds: float, *, connection: Connection | None = None) -> Job:
        """Say that a job is still worked on.

        A job that is not running any more is refused with ``ConsolidationError``; stop working on it then.

        Args:
            job: A running job.
            now: The time, with a timezone.
            lease_seconds: How long it may go without the next one.
            connection: A transaction to join.

        Returns:
            The job with its new ``lease_until``.
        """
        until = now + timedelta(seconds=lease_seconds)
        values = {"lease_until": time_text(until, name="now")}
        with self._database.transaction(connection) as c:
            need_running(job, c)
            c.execute(update(tables.jobs).where(tables.jobs.c.id == job.id).values(values))
        return dataclasses.replace(job, lease_until=until)

    def save_targets(self, job: Job, json_text: str, *, connection: Connection | None = None) -> None:
        """Keep what the job learns from, in place of what it kept before.

        A job that is not running any more is refused with ``ConsolidationError``.

        Args:
            job: A running job.
            json_text: Target sentences and probes, as their stage writes them.
            connection: A transaction to join.
        """
        with self._database.transaction(connection) as c:
            need_running(job, c)
            c.execute(update(tables.jobs).where(tables.jobs.c.id == job.id).values(targets=json_text))

    def load_targets(self, job: Job, *, connection: Connection | None = None) -> str | None:
        """Read what the job learns from.

        Args:
            job: A job in any state.
            connection: A transaction to join.

        Returns:
            The text that was saved; ``None`` where none was, or where a turn of the job was forgotten.
        """
        with self._database.reading(connection) as c:
            return c.execute(select(tables.jobs.c.targets).where(tables.jobs.c.id == job.id)).scalar()

    def taught(self, versions: Collection[int], *, connection: Connection | None = None) -> tuple[str, ...]:
        """Read what versions were learned from.

        Args:
            versions: Ids of versions.
            connection: A transaction to join.

        Returns:
            The texts that were saved, in the order of the versions; none for a version whose text is gone, as where a
            turn of it was forgotten.
        """
        j, v = tables.jobs.c, tables.versions.c
        wanted = select(j.targets).join(tables.versions, v.job == j.id).where(among(v.id, versions))
        with self._database.reading(connection) as c:
            return tuple(c.execute(wanted.where(j.targets.is_not(None)).order_by(v.id)).scalars())

    def settle(self, job: Job, *, connection: Connection | None = None) -> None:
        """End a job whose turns state nothing: there is nothing of them that weights could hold, and no version.

        A job that is not running any more is refused with ``ConsolidationError``. Where the head is moved, the turns
        are pending again, and one that was replied to meanwhile is pending now.

        Args:
            job: A running job.
            connection: A transaction to join.
        """
        t, j = tables.turns.c, tables.jobs.c
        with self._database.transaction(connection) as c:
            head = need_running(job, c)
            own = update(tables.turns).where(t.job == job.id)
            answered = answered_since(job, c)
            c.execute(own.where(among(t.id, answered)).values(state=TurnState.PENDING.value, job=None))
            c.execute(own.values(state=TurnState.HELD.value, version=head, job=None))
            c.execute(update(tables.jobs).where(j.id == job.id).values(state=JobState.DONE.value))

    def empty(self, versions: Collection[int], *, connection: Connection | None = None) -> None:
        """Remove what jobs wrote down that made versions or began at them: it has what those were taught.

        Args:
            versions: Ids of versions that are about to be removed.
            connection: A transaction to join.
        """
        j, v = tables.jobs.c, tables.versions.c
        with self._database.transaction(connection) as c:
            made = select(v.job).where(among(v.id, versions))
            c.execute(
                update(tables.jobs)
                .where(j.id.in_(made) | among(j.base_version, versions))
                .values(targets=None, error=None)
            )

    def studied(self, namespace: Namespace, *, connection: Connection | None = None) -> tuple[str, ...]:
        """Read what all jobs of a namespace learned from, whether or not it was kept.

        Args:
            namespace: Whose jobs.
            connection: A transaction to join.

        Returns:
            The texts that were saved, in the order of the jobs; none of a job that ended before, or of whose turns one
            was forgotten.
        """
        j = tables.jobs.c
        wanted = select(j.targets).where(j.namespace == namespace_text(namespace), j.targets.is_not(None))
        with self._database.reading(connection) as c:
            return tuple(c.execute(wanted.order_by(j.id)).scalars())

    def fail(
        self,
        job: Job,
        *,
        error: str,
        count_attempt: bool,
        returned: bool = False,
        too_large: bool = False,
        connection: Connection | None = None,
    ) -> None:
        """End a job that made no version; its turns are pending again.

        A job that is not running any more is refused with ``ConsolidationError``.

        Args:
            job: A running job.
            error: Why, for ``status``.
            count_attempt: Whether the turns are to blame: then this is one of their ``max_attempts``, and the job has
                failed; otherwise it was stopped.
            returned: Where they are not: whether it is not ``unfinished`` either, since what ended it lies elsewhere.
            too_large: Where they are: whether fewer of them may be learned.
            connection: A transaction to join.
        """
        t, j = tables.turns.c, tables.jobs.c
        with self._database.transaction(connection) as c:
            need_running(job, c)
            c.execute(
                update(tables.turns)
                .where(t.job == job.id)
                .values(state=TurnState.PENDING.value, attempts=t.attempts + int(count_attempt), job=None)
            )
            gone = JobState.RETURNED if returned else JobState.STOPPED
            tried = JobState.TOO_LARGE if too_large else JobState.FAILED
            state = tried if count_attempt else gone
            c.execute(update(tables.jobs).where(j.id == job.id).values(state=state.value, error=error))

    def unfinished(self, *, connection: Connection | None = None) -> dict[Namespace, int]:
        """Count how many of its last jobs in a row came to no end: killed, stopped or still running.

        Jobs that were given back are passed over.

        Args:
            connection: A transaction to join.

        Returns:
            By namespace, at least 1; those whose last job came to an end are missing.
        """
        j = tables.jobs.c
        last = self._last_ended(func.max(j.id))
        joined = tables.jobs.outerjoin(last, last.c.namespace == j.namespace)
        open_ = j.state.not_in((*_ENDED, JobState.RETURNED.value)) & (j.id > func.coalesce(last.c.value, 0))
        wanted = select(j.namespace, func.count()).select_from(joined).where(open_).group_by(j.namespace)
        with self._database.reading(connection) as c:
            return {namespace_from(name): count for name, count in c.execute(wanted)}

    def too_many_with(self, turn_id: int, *, connection: Connection | None = None) -> int:
        """How many turns the last job of a turn had that came to an end, where it was too large.

        Args:
            turn_id: A turn.
            connection: A transaction to join.

        Returns:
            That many, this one among them; 0 where it was not too large, or there was none.
        """
        j, of = tables.jobs.c, tables.job_turns.c
        joined = tables.jobs.join(tables.job_turns, of.job == j.id)
        last = select(j.id, j.state).select_from(joined).where(of.turn == turn_id, j.state.in_(_ENDED))
        with self._database.reading(connection) as c:
            row = c.execute(last.order_by(j.id.desc()).limit(1)).first()
            if row is None or row.state != JobState.TOO_LARGE.value:
                return 0
            found: int = c.execute(select(func.count()).where(of.job == row.id)).scalar_one()
        return found

    def last_served(self, *, connection: Connection | None = None) -> dict[Namespace, datetime]:
        """When the last job that came to an end was begun, with a version or without.

        Args:
            connection: A transaction to join.

        Returns:
            By namespace, UTC; those that never had one are missing.
        """
        last = self._last_ended(func.max(tables.jobs.c.started_at))
        with self._database.reading(connection) as c:
            rows = c.execute(select(last.c.namespace, last.c.value)).all()
        return {namespace_from(name): datetime.fromisoformat(time) for name, time in rows}

    def _last_ended(self, value: Any) -> Any:
        """A value of each namespace's jobs that came to an end."""
        j = tables.jobs.c
        wanted = select(j.namespace, value.label("value")).where(j.state.in_(_ENDED))
        return wanted.group_by(j.namespace).subquery()

    def recover(self, now: datetime, *, all_owners: bool, connection: Connection | None = None) -> int:
        """Free the turns of jobs whose process is gone; it counts as no attempt.

        Args:
            now: The time, with a timezone.
            all_owners: Every running job is dead, as when the folder's lock was just taken; else only those
                whose lease ran out. Of one namespace's jobs only these are meant: another's may be running.
            connection: A transaction to join.

        Returns:
            How many jobs were abandoned.
        """
        t, j = tables.turns.c, tables.jobs.c
        dead = j.state == JobState.RUNNING.value
        if self._namespace is not None:
            dead &= j.namespace == namespace_text(self._namespace)
        if not all_owners:
            dead &= j.lease_until <= time_text(now, name="now")
        with self._database.transaction(connection) as c:
            ids = c.execute(select(j.id).where(dead)).scalars().all()
            c.execute(update(tables.jobs).where(among(j.id, ids)).values(state=JobState.ABANDONED.value))
            c.execute(update(tables.turns).where(among(t.job, ids)).values(state=TurnState.PENDING.value, job=None))
        return len(ids)

    def list(self, *, connection: Connection | None = None) -> tuple[JobStatus, ...]:
        """All jobs, the oldest first.

        Args:
            connection: A transaction to join.

        Returns:
            A status for each; turns that were forgotten are no longer among its ids.
        """
        jt = tables.job_turns.c
        with self._database.reading(connection) as c:
            rows = c.execute(select(tables.jobs).order_by(tables.jobs.c.id)).all()
            turns: dict[int, tuple[int, ...]] = {}
            for job, turn in c.execute(select(jt.job, jt.turn).order_by(jt.job, jt.turn)):
                turns[job] = (*turns.get(job, ()), turn)
        return tuple(
            JobStatus(
                id=row.id,
                namespace=namespace_from(row.namespace),
                owner=row.owner,
                state=JobState(row.state),
                turn_ids=turns.get(row.id, ()),
                base_version=row.base_version,
                started_at=datetime.fromisoformat(row.started_at),
                lease_until=datetime.fromisoformat(row.lease_until),
                error=row.error,
            )
            for row in rows
        )


def _need_pending(episode: Episode, connection: Connection) -> None:
    t = tables.turns.c
    ids = [turn.id for turn in episode.turns]
    if not ids:
        msg = "the episode has no turns; lease one that policy.choose returned"
        raise ConsolidationError(msg)
    own = t.namespace == namespace_text(episode.namespace)
    rows = connection.execute(select(t.id, t.state).where(among(t.id, ids), own))
    states = {row.id: row.state for row in rows}
    others = [f"{i} ({states.get(i, 'not there')})" for i in ids if states.get(i) != TurnState.PENDING.value]
    if others:
        msg = f"turns of {episode.namespace} are not pending any more: {', '.join(others)}; choose anew"
        raise ConsolidationError(msg)


def need_running(job: Job, connection: Connection) -> int | None:
    """Refuse to go on with a job that has ended.

    Args:
        job: The job that someone believes to own.
        connection: The transaction in which it is about to be used.

    Returns:
        The head when the job began.

    Raises:
        ConsolidationError: It is not running; the text says what became of it.
    """
    j = tables.jobs.c
    row = connection.execute(select(j.state, j.base_version).where(j.id == job.id)).one_or_none()
    state = "not in this folder" if row is None else row.state
    if row is None or state != JobState.RUNNING.value:
        msg = f"job {job.id} of {job.owner} is {state}, no longer running; drop its result and lease again"
        raise ConsolidationError(msg)
    base: int | None = row.base_version
    return base


def answered_since(job: Job, connection: Connection) -> set[int]:
    """Turns of a job that were replied to after it had read them: what was learned of them is not all they say.

    Args:
        job: A running job.
        connection: The transaction in which it ends.

    Returns:
        Their ids.
    """
    t = tables.turns.c
    read = {turn.id: turn.assistant for turn in job.episode.turns}
    now = connection.execute(select(t.id, t.assistant).where(t.job == job.id))
    return {row.id for row in now if row.assistant != read.get(row.id)}
