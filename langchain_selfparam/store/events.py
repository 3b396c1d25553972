"""Moves of the head: what was served before what, kept also where the versions are gone.

In comes whose head it is, out go its moves in order. It moves nothing: that is ``versions``'.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime

from sqlalchemy import Connection, select

from langchain_selfparam.store import tables


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class HeadEvent:
    """One move of the head."""

    id: int
    kind: str
    """``commit``, ``rollback``, or what the caller of ``move_head`` named it."""
    from_version: int
    to_version: int
    created_at: datetime


def moves(scope: str, connection: Connection) -> tuple[HeadEvent, ...]:
    """Every move of one head, the oldest first.

    Args:
        scope: Whose, from ``tables.scope_of``.
        connection: A transaction.

    Returns:
        The moves.
    """
    own = select(tables.events).where(tables.events.c.scope == scope)
    return tuple(
        HeadEvent(
            id=row.id,
            kind=row.kind,
            from_version=row.from_version,
            to_version=row.to_version,
            created_at=datetime.fromisoformat(row.created_at),
        )
        for row in connection.execute(own.order_by(tables.events.c.id))
    )
