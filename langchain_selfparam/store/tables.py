"""The tables as they are now, and how values are written into them.

In come namespaces, times and ids; out go the strings that rows hold, and back. ``migrations`` makes these
tables on disk; a test holds both to each other. It knows nothing of what the rows mean.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Integer, MetaData, Table, Text, func, insert, select

from langchain_selfparam.errors import ConfigError
from langchain_selfparam.records import Namespace

metadata = MetaData()

meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", Text))

migrations = Table(
    "migrations",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("name", Text),
    Column("applied_at", Text),
)

turns = Table(
    "turns",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("namespace", Text),
    Column("thread", Text),
    Column("message_id", Text),
    Column("user", Text),
    Column("assistant", Text),
    Column("created_at", Text),
    Column("state", Text),
    Column("attempts", Integer),
    Column("version", Integer),
    Column("job", Integer),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("namespace", Text),
    Column("owner", Text),
    Column("state", Text),
    Column("base_version", Integer),
    Column("started_at", Text),
    Column("lease_until", Text),
    Column("targets", Text),
    Column("error", Text),
)

job_turns = Table(
    "job_turns",
    metadata,
    Column("job", Integer, primary_key=True),
    Column("turn", Integer, primary_key=True),
)

versions = Table(
    "versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("parent", Integer),
    Column("namespace", Text),
    Column("created_at", Text),
    Column("delta_file", Text),
    Column("delta_sha256", Text),
    Column("weights_sha256", Text),
    Column("report", Text),
    Column("job", Integer),
)

version_turns = Table(
    "version_turns",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("turn", Integer, primary_key=True),
    Column("lost", Integer),
)

heads = Table("heads", metadata, Column("scope", Text, primary_key=True), Column("version", Integer))

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("scope", Text),
    Column("kind", Text),
    Column("from_version", Integer),
    Column("to_version", Integer),
    Column("created_at", Text),
)

SCOPE = "shared"
"""The head of a folder in which all namespaces are served the same weights."""


def scope_of(namespace: Namespace | None) -> str:
    """Whose head it is.

    Args:
        namespace: Whose weights are its own; ``None`` where all are served the same.

    Returns:
        The key of its row in ``heads``.
    """
    return SCOPE if namespace is None else namespace_text(namespace)


def namespace_text(namespace: Namespace) -> str:
    """Write a namespace as a JSON array.

    Args:
        namespace: At least one string, none of them empty.

    Returns:
        The array, equal for equal namespaces.

    Raises:
        ConfigError: It is not a tuple of non-empty strings.
    """
    parts_ok = isinstance(namespace, tuple) and all(isinstance(part, str) and part for part in namespace)
    if not parts_ok or not namespace:
        msg = f"namespace is {namespace!r}; it has to be a tuple of one or more non-empty strings"
        raise ConfigError(msg)
    return json.dumps(namespace)


def namespace_from(text: str) -> Namespace:
    """Read a namespace back from its JSON array."""
    return tuple(json.loads(text))


def time_text(when: datetime, *, name: str = "created_at") -> str:
    """Write a time as a UTC ISO string that sorts as the time does.

    Args:
        when: A time with a timezone.
        name: What the caller calls it, for the error.

    Returns:
        The time in UTC with microseconds, always of one length.

    Raises:
        ConfigError: The time has no timezone, so that it could be any of 24 hours.
    """
    if when.tzinfo is None:
        msg = f"{name} is {when!r}; it has to have a timezone, such as datetime.now(timezone.utc)"
        raise ConfigError(msg)
    return when.astimezone(timezone.utc).isoformat(timespec="microseconds")


def among(column: Column[Any], ids: Collection[int]) -> ColumnElement[bool]:
    """The condition that a column is one of these ids.

    Args:
        column: An integer column.
        ids: Any number of ids.

    Returns:
        The condition.
    """
    # One JSON parameter: a list of parameters fails from 999 or 32,766 ids on, as SQLite was built.
    each = func.json_each(json.dumps(sorted(ids))).table_valued("value")
    return column.in_(select(each.c.value))


def new_id(connection: Connection, table: Table, values: Mapping[str, object]) -> int:
    """Insert a row.

    Args:
        connection: A write transaction.
        table: A table with an ``id``.
        values: The row without it.

    Returns:
        The id that it was given.
    """
    key = connection.execute(insert(table).values(dict(values))).inserted_primary_key
    assert key is not None
    return int(key[0])


def listed(ids: Collection[int]) -> str:
    """Ids as an error text names them: ``1, 2, 3``."""
    return ", ".join(str(i) for i in sorted(ids))
