"""How the database came to be what it is: numbered steps, only ever added to.

In comes a connection inside a write transaction, out comes the schema number that it has now. A step that was
released is never edited, since folders exist that ran it; a change is a new step at the end of
``MIGRATIONS``. It knows nothing of what the rows mean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone

from sqlalchemy import Connection, func, insert, inspect, select

from langchain_selfparam.errors import DamagedLedgerError, SchemaVersionError
from langchain_selfparam.store.tables import migrations as applied
from langchain_selfparam.store.tables import time_text

Migration = Callable[[Connection], None]

# AUTOINCREMENT: reports and file names quote ids, so an id that was forgotten must not come back as another
# row.
_FIRST = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace TEXT NOT NULL,
    owner TEXT NOT NULL,
    state TEXT NOT NULL,
    base_version INTEGER,
    started_at TEXT NOT NULL,
    lease_until TEXT NOT NULL,
    targets TEXT,
    error TEXT
);
CREATE TABLE versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    parent INTEGER REFERENCES versions (id),
    namespace TEXT NOT NULL,
    created_at TEXT NOT NULL,
    delta_file TEXT,
    delta_sha256 TEXT,
    weights_sha256 TEXT,
    report TEXT NOT NULL,
    job INTEGER REFERENCES jobs (id)
);
CREATE TABLE turns (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace TEXT NOT NULL,
    thread TEXT NOT NULL,
    message_id TEXT,
    user TEXT NOT NULL,
    assistant TEXT NOT NULL,
    created_at TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    version INTEGER REFERENCES versions (id),
    job INTEGER REFERENCES jobs (id)
);
CREATE UNIQUE INDEX turns_message ON turns (namespace, message_id) WHERE message_id IS NOT NULL;
CREATE INDEX turns_state ON turns (state, namespace);
CREATE INDEX turns_thread ON turns (namespace, thread);
CREATE TABLE job_turns (
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    turn INTEGER NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    PRIMARY KEY (job, turn)
) WITHOUT ROWID;
CREATE INDEX job_turns_turn ON job_turns (turn);
CREATE TABLE version_turns (
    version INTEGER NOT NULL REFERENCES versions (id) ON DELETE CASCADE,
    turn INTEGER NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    PRIMARY KEY (version, turn)
) WITHOUT ROWID;
CREATE INDEX version_turns_turn ON version_turns (turn);
CREATE TABLE heads (
    scope TEXT PRIMARY KEY DEFAULT 'shared',
    version INTEGER NOT NULL REFERENCES versions (id)
) WITHOUT ROWID;
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    scope TEXT NOT NULL DEFAULT 'shared',
    kind TEXT NOT NULL,
    from_version INTEGER,
    to_version INTEGER NOT NULL,
    created_at TEXT NOT NULL
)
"""


def first(connection: Connection) -> None:
    """Journal, jobs and ledger of release 0.1."""
    for statement in _FIRST.split(";"):
        connection.exec_driver_sql(statement)


def lost_turns(connection: Connection) -> None:
    """Versions that hold a turn no longer, beside those that were the first to."""
    connection.exec_driver_sql("ALTER TABLE version_turns ADD COLUMN lost INTEGER NOT NULL DEFAULT 0")


MIGRATIONS: tuple[Migration, ...] = (first, lost_turns)
"""Step ``n`` stands at ``n - 1``."""


def migrate(connection: Connection, *, steps: Sequence[Migration] = MIGRATIONS) -> int:
    """Run the steps that this database has not had yet.

    Args:
        connection: Inside a write transaction; a step that fails takes all of them back with it.
        steps: All steps of this release, in order.

    Returns:
        The number of the schema afterwards.

    Raises:
        DamagedLedgerError: The file is a database of something else.
        SchemaVersionError: A newer release has written it.
    """
    file = connection.engine.url.database
    tables = inspect(connection).get_table_names()
    if tables and applied.name not in tables:
        msg = f"{file} is the database of something else (tables {', '.join(tables)}); choose another folder"
        raise DamagedLedgerError(msg)
    connection.exec_driver_sql(
        "CREATE TABLE IF NOT EXISTS migrations "
        "(number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL)"
    )
    found: int = connection.execute(select(func.coalesce(func.max(applied.c.number), 0))).scalar_one()
    if found > len(steps):
        msg = (
            f"{file} has schema {found}, this release knows schemas up to {len(steps)}; "
            "upgrade langchain-selfparam, or choose another folder"
        )
        raise SchemaVersionError(msg)
    for number, step in enumerate(steps[found:], start=found + 1):
        step(connection)
        now = time_text(datetime.now(timezone.utc))
        connection.execute(insert(applied).values(number=number, name=step.__name__, applied_at=now))
    return len(steps)
