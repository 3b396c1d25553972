"""The journal: every turn that was said, and where it stands between the prompt and the weights.

In come the words of a user and of the model, out go ``Turn`` records in the order in which they were said. A
turn is stored before anything is learned from it. It knows nothing of models; ``jobs`` and ``versions`` move
turns on.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, func, select, update

from langchain_selfparam.errors import ConsolidationError, UnknownTurnError
from langchain_selfparam.records import Namespace, Turn, TurnState, id_of_other_words
from langchain_selfparam.store import tables
from langchain_selfparam.store.database import Database, forgotten
from langchain_selfparam.store.tables import among, listed, namespace_from, namespace_text, new_id, time_text
from langchain_selfparam.words import storable


class Cleared(NamedTuple):
    """What ``Turns.clear`` did."""

    cleared: tuple[int, ...]
    """Ids of the turns that left the buffer."""
    leased: tuple[int, ...]
    """Ids of the turns that were left alone, since a consolidation is working on them."""


class Turns:
    """The turns of one memory folder.

    Args:
        database: The folder's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(
        self,
        *,
        namespace: Namespace,
        thread: str,
        user: str,
        assistant: str,
        message_id: str | None = None,
        created_at: datetime,
        connection: Connection | None = None,
    ) -> Turn:
        """Store what was said; on return it is on disk.

        Args:
            namespace: Whose memory it belongs to; one or more non-empty strings, else ``ConfigError``.
            thread: Conversation it was said in; empty where there is no name for it.
            user: What the user said.
            assistant: What the model replied.
            message_id: Durable id of the message; the same id in the same namespace is stored once, and with other
                words of the user's once more, under ``id_of_other_words``. Without one, every call stores a turn.
            created_at: When it was said, with a timezone.
            connection: A transaction to join.

        Returns:
            The turn; where the message id was known with these words, the one stored before, whatever its state.
        """
        t = tables.turns.c
        user, assistant = storable(user), storable(assistant)
        values = {
            "namespace": namespace_text(namespace),
            "thread": thread,
            "message_id": message_id,
            "user": user,
            "assistant": assistant,
            "created_at": time_text(created_at),
            "state": TurnState.PENDING.value,
            "attempts": 0,
        }
        with self._database.transaction(connection) as c:
            if message_id is not None:
                other = id_of_other_words(message_id, user)
                own = (t.namespace == values["namespace"]) & t.message_id.in_((message_id, other))
                known = {row.message_id: row for row in c.execute(select(tables.turns).where(own))}
                same = [row for row in known.values() if row.user == user]
                if same:
                    return _turn(same[0])
                if message_id in known:
                    values["message_id"] = other
            return self.get([new_id(c, tables.turns, values)], connection=c)[0]

    def reply(
        self, namespace: Namespace, thread: str, assistant: str, *, connection: Connection | None = None
    ) -> Turn | None:
        """Add the reply to what was said last, where that has none yet.

        Where it is being learned by now or held, that is without the reply: it is not held by what is being learned,
        or not any more, and pending.

        Args:
            namespace: Whose.
            thread: Conversation it was said in.
            assistant: What the model replied.
            connection: A transaction to join.

        Returns:
            The turn with its reply, or ``None`` where none waits for one.
        """
        t = tables.turns.c
        own = (t.namespace == namespace_text(namespace)) & (t.thread == thread)
        with self._database.transaction(connection) as c:
            last = c.execute(select(tables.turns).where(own).order_by(t.id.desc()).limit(1)).one_or_none()
            if last is None or last.assistant or last.state == TurnState.CLEARED.value:
                return None
            values: dict[str, object] = {"assistant": storable(assistant)}
            if last.state == TurnState.HELD.value:
                values |= {"state": TurnState.PENDING.value, "attempts": 0, "version": None}
                # No version holds the turn as it is now: whoever goes back to one is not to take it for held.
                c.execute(delete(tables.version_turns).where(tables.version_turns.c.turn == last.id))
            c.execute(update(tables.turns).where(t.id == last.id).values(**values))
            return self.get([last.id], connection=c)[0]

    def list(
        self,
        *,
        namespace: Namespace | None = None,
        thread: str | None = None,
        states: Collection[TurnState] | None = None,
        after: int = 0,
        connection: Connection | None = None,
    ) -> tuple[Turn, ...]:
        """Turns in the order in which they were said.

        Args:
            namespace: Only this one's.
            thread: Only this conversation's; empty for the one without a name.
            states: Only those in one of these states.
            after: Only those that were said after the turn with this id.
            connection: A transaction to join.

        Returns:
            The turns that meet all four.
        """
        t = tables.turns.c
        query = select(tables.turns).order_by(t.id)
        if namespace is not None:
            query = query.where(t.namespace == namespace_text(namespace))
        if thread is not None:
            query = query.where(t.thread == thread)
        if states is not None:
            query = query.where(t.state.in_([state.value for state in states]))
        if after:
            query = query.where(t.id > after)
        with self._database.reading(connection) as c:
            return tuple(_turn(row) for row in c.execute(query))

    def said_in(
        self, namespace: Namespace, message_ids: Collection[str], *, connection: Connection | None = None
    ) -> dict[str, Turn]:
        """The turns that came in these messages.

        Args:
            namespace: Whose.
            message_ids: Durable ids.
            connection: A transaction to join.

        Returns:
            Message id to its turn; none for a message that was never saved.
        """
        t = tables.turns.c
        each = func.json_each(json.dumps(sorted(message_ids))).table_valued("value")
        own = (t.namespace == namespace_text(namespace)) & t.message_id.in_(select(each.c.value))
        with self._database.reading(connection) as c:
            return {row.message_id: _turn(row) for row in c.execute(select(tables.turns).where(own))}

    def namespaces(
        self,
        *,
        states: Collection[TurnState] | None = None,
        attempts_below: int | None = None,
        connection: Connection | None = None,
    ) -> dict[Namespace, int]:
        """Who has said something, and how many turns, whoever spoke first coming first.

        Args:
            states: Only turns in one of these states count.
            attempts_below: Only turns with fewer attempts count.
            connection: A transaction to join.

        Returns:
            Namespace to its number of such turns; none without one.
        """
        t = tables.turns.c
        query = select(t.namespace, func.count()).group_by(t.namespace).order_by(func.min(t.id))
        if states is not None:
            query = query.where(t.state.in_([state.value for state in states]))
        if attempts_below is not None:
            query = query.where(t.attempts < attempts_below)
        with self._database.reading(connection) as c:
            return {namespace_from(text): int(count) for text, count in c.execute(query)}

    def get(self, ids: Sequence[int], *, connection: Connection | None = None) -> tuple[Turn, ...]:
        """Look turns up.

        Args:
            ids: Their ids.
            connection: A transaction to join.

        Returns:
            The turns, in the order of ``ids``.

        Raises:
            UnknownTurnError: Some are not there; the text names them.
        """
        with self._database.reading(connection) as c:
            rows = c.execute(select(tables.turns).where(among(tables.turns.c.id, ids)))
            found = {row.id: _turn(row) for row in rows}
        missing = set(ids) - found.keys()
        if missing:
            msg = f"there is no turn {listed(missing)}; memory.turns lists those there are"
            raise UnknownTurnError(msg)
        return tuple(found[i] for i in ids)

    def clear(
        self,
        namespace: Namespace,
        thread: str | None = None,
        *,
        without: Collection[int] = (),
        connection: Connection | None = None,
    ) -> Cleared:
        """Take pending turns out of the buffer: they are neither prompted nor learned any more.

        The text stays in the journal; ``delete`` removes it. A leased turn is left alone, since a
        consolidation is reading it: it becomes held or pending, and pending ones can be cleared then.

        Args:
            namespace: Whose turns.
            thread: Only this conversation's; all of them where it is ``None``.
            without: Ids of turns that are left as they are.
            connection: A transaction to join.

        Returns:
            The ids that were cleared, and those left alone.
        """
        states = (TurnState.PENDING, TurnState.LEASED)
        with self._database.transaction(connection) as c:
            found = self.list(namespace=namespace, thread=thread, states=states, connection=c)
            pending = tuple(turn.id for turn in found if turn.state is TurnState.PENDING and turn.id not in without)
            leased = tuple(turn.id for turn in found if turn.state is TurnState.LEASED)
            change = update(tables.turns).where(among(tables.turns.c.id, pending))
            c.execute(change.values(state=TurnState.CLEARED.value))
        return Cleared(pending, leased)

    def delete(self, ids: Sequence[int], connection: Connection | None = None) -> None:
        """Remove the words of turns from the file, and everything that was written down about them.

        That is the rows, the target sentences and errors of the jobs that worked on them, and every string in
        the reports of the versions those jobs made (numbers stay). When the transaction is committed, the
        write-ahead log is emptied too. What the weights hold is not touched: move the head first.

        Unknown ids are refused with ``UnknownTurnError``, leased turns with ``ConsolidationError``; none is
        removed then.

        Args:
            ids: Turns to forget.
            connection: A transaction to join.
        """
        t, j, v = tables.turns.c, tables.jobs.c, tables.versions.c
        with self._database.transaction(connection) as c:
            found = self.get(ids, connection=c)
            _refuse_leased(found)
            touched = select(tables.job_turns.c.job).where(among(tables.job_turns.c.turn, ids))
            reports = c.execute(select(v.id, v.report).where(v.job.in_(touched))).all()
            for row in reports:
                bare = json.dumps(_without_text(json.loads(row.report)))
                c.execute(update(tables.versions).where(v.id == row.id).values(report=bare))
            c.execute(update(tables.jobs).where(j.id.in_(touched)).values(targets=None, error=None))
            c.execute(delete(tables.turns).where(among(t.id, ids)))
            forgotten(c)


def _refuse_leased(turns: Sequence[Turn]) -> None:
    leased = [turn.id for turn in turns if turn.state is TurnState.LEASED]
    if leased:
        msg = f"a consolidation is working on turn {listed(leased)}; forget when it has ended, or stop it first"
        raise ConsolidationError(msg)


def _without_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_text(item) for key, item in value.items() if not isinstance(item, str)}
    if isinstance(value, list):
        return [_without_text(item) for item in value if not isinstance(item, str)]
    return value


def _turn(row: Row[Any]) -> Turn:
    return Turn(
        id=row.id,
        namespace=namespace_from(row.namespace),
        thread=row.thread,
        user=row.user,
        assistant=row.assistant,
        created_at=datetime.fromisoformat(row.created_at),
        state=TurnState(row.state),
        attempts=row.attempts,
        version=row.version,
        message_id=row.message_id,
    )
