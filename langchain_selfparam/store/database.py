"""The one SQLite file of a memory folder: how it is opened, read, written and closed.

In comes a folder, out go connections inside transactions. Journal and ledger share this file, or a commit
could not be atomic. It knows the table ``meta`` and no other; what rows mean is said by ``turns``, ``jobs``
and ``versions``.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import warnings
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, event, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import QueuePool

from langchain_selfparam.errors import (
    ClosedError,
    DamagedLedgerError,
    FolderError,
    FolderLockedError,
    WrongModelError,
)
from langchain_selfparam.store import tables
from langchain_selfparam.store.lock import private_folder
from langchain_selfparam.store.migrations import migrate

NAME = "memory.sqlite"
"""Of the file in a memory folder."""
_FORGOTTEN = "selfparam_forgotten"


class Database:
    """A memory folder's database, for any number of threads.

    Whatever is wrong with the file is a ``FolderError`` here and in every method: ``DamagedLedgerError``
    where it is malformed or no database of this package, ``SchemaVersionError`` where a newer release wrote
    it, ``FolderLockedError`` where another connection kept it locked, and a plain one for disks and file
    modes. After ``close`` it is a ``ClosedError``.

    Args:
        folder: The memory folder; it is made where it is missing.
        busy_seconds: How long a writer waits for another before it gives up.
    """

    def __init__(self, folder: str | os.PathLike[str], *, busy_seconds: float = 30.0) -> None:
        self.path = private_folder(Path(folder)) / NAME
        self._busy_seconds = busy_seconds
        self._closed = False
        _private_file(self.path)
        self._engine = create_engine(
            URL.create("sqlite", database=str(self.path)),
            connect_args={"timeout": busy_seconds, "check_same_thread": False},
            poolclass=QueuePool,
            max_overflow=-1,  # a thread more costs a connection, not a wait
            hide_parameters=True,  # an error text must not quote what a user said
        )
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", _begin)
        with contextlib.ExitStack() as undo:
            undo.callback(self._engine.dispose)
            self._check()
            with self.transaction() as connection:
                self.schema_version = migrate(connection)
            undo.pop_all()

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._closed

    @contextlib.contextmanager
    def transaction(self, connection: Connection | None = None) -> Iterator[Connection]:
        """Write: all of the block is kept when it ends, nothing of it when it raises.

        Args:
            connection: A transaction to join; whoever began it commits it.

        Yields:
            Connection: One that has the write lock from the start, so that writers never deadlock.
        """
        if connection is not None:
            yield connection
            return
        with self._connected() as opened:
            opened.execution_options(selfparam_write=True)
            with opened.begin():
                yield opened
            if opened.info.pop(_FORGOTTEN, False):
                self._empty_wal(opened)

    @contextlib.contextmanager
    def reading(self, connection: Connection | None = None) -> Iterator[Connection]:
        """Read one consistent state, beside any writer.

        Args:
            connection: A transaction to join.

        Yields:
            Connection: One that sees the database as it is at its first statement.
        """
        if connection is not None:
            yield connection
            return
        with self._connected() as opened, opened.begin():
            yield opened

    def get(self, key: str, *, connection: Connection | None = None) -> str | None:
        """Look up a ``meta`` value.

        Args:
            key: Its name.
            connection: A transaction to join.

        Returns:
            The value, or ``None`` where it was never set.
        """
        with self.reading(connection) as c:
            return c.execute(select(tables.meta.c.value).where(tables.meta.c.key == key)).scalar()

    def set(self, key: str, value: str, *, connection: Connection | None = None) -> None:
        """Keep a ``meta`` value in place of the one before.

        Args:
            key: Its name.
            value: What to keep.
            connection: A transaction to join.
        """
        with self.transaction(connection) as c:
            c.execute(insert(tables.meta).prefix_with("OR REPLACE").values(key=key, value=value))

    def bind_base(self, name: str, fingerprint: str) -> None:
        """Tie the folder to a base model at its first use, and hold it to that model ever after.

        Args:
            name: The model's name, for people.
            fingerprint: What tells its weights from any other's; the name may change, this may not.

        Raises:
            WrongModelError: The folder belongs to a model with another fingerprint.
        """
        with self.transaction() as c:
            bound = self.get("base_fingerprint", connection=c)
            if bound is None:
                self.set("base_model", name, connection=c)
                self.set("base_fingerprint", fingerprint, connection=c)
            elif bound != fingerprint:
                owner = self.get("base_model", connection=c)
                msg = (
                    f"the folder {self.path.parent} belongs to {owner} (fingerprint {bound}), "
                    f"not to {name} (fingerprint {fingerprint}); "
                )
                if owner == name:  # such as a folder that came from a machine with other products
                    msg += "the name is the same: load the model with the revision and the dtype of then, "
                else:
                    msg += f"open it with {owner}, "
                msg += f"or choose another folder for {name}"
                raise WrongModelError(msg)

    def close(self) -> None:
        """Move the write-ahead log into the database and close it; a second time does nothing."""
        if self._closed:
            return
        try:
            with self._connected() as connection:
                _checkpoint(connection)
        finally:
            self._closed = True
            self._engine.dispose()

    def _check(self) -> None:
        with self.reading() as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if found != "ok":
            raise self._damaged(" ".join(found.split()))

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Connection]:
        if self._closed:
            msg = f"{self.path} was closed; open the folder {self.path.parent} again"
            raise ClosedError(msg)
        try:
            with self._engine.connect() as connection:
                yield connection
        except IntegrityError:
            raise
        except (DBAPIError, sqlite3.Error) as error:
            raise self._translated(error) from error

    def _translated(self, error: DBAPIError | sqlite3.Error) -> FolderError:
        said = str(error.orig if isinstance(error, DBAPIError) else error)
        if "malformed" in said or "not a database" in said:
            return self._damaged(said)
        if "locked" in said:
            seconds = f"{self._busy_seconds:g} s"
            msg = f"{self.path} was kept locked by another connection for {seconds}; close that one first"
            return FolderLockedError(msg)
        msg = f"{self.path} cannot be used ({said}); check the disk and the file's mode"
        return FolderError(msg)

    def _damaged(self, said: str) -> DamagedLedgerError:
        msg = (
            f"{self.path} is damaged ({said}); put back a copy of it, or move the whole folder "
            f"{self.path.parent} away to begin with an empty memory"
        )
        return DamagedLedgerError(msg)

    def _empty_wal(self, connection: Connection) -> None:
        try:
            if _checkpoint(connection):
                return
            why = f"a reader kept the log open for {self._busy_seconds:g} s"
        except sqlite3.Error as error:  # what was to be changed is committed: this is no failure of it
            why = f"the log could not be emptied ({error})"
        msg = f"forgotten text stays in {self.path}-wal until the memory is closed: {why}"
        warnings.warn(msg, RuntimeWarning, stacklevel=2)


def forgotten(connection: Connection) -> None:
    """Note that this transaction deletes text, so that the write-ahead log is emptied when it is committed.

    Args:
        connection: The transaction, from ``Database.transaction``.
    """
    connection.info[_FORGOTTEN] = True


def _private_file(path: Path) -> None:
    try:
        # SQLite gives -wal and -shm the mode of the database, so it has to be right before they are made.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
    except OSError as error:
        msg = f"{path} cannot be opened ({error.strerror}); choose a folder that you may write to"
        raise FolderError(msg) from error


def _checkpoint(connection: Connection) -> bool:
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    busy: int = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return busy == 0


def _prepare(raw: sqlite3.Connection, _record: object) -> None:
    raw.isolation_level = None  # the driver's own BEGIN is deferred: two such writers can deadlock
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        "temp_store=MEMORY",  # what is forgotten must not have been spilled into a file elsewhere
    ):
        raw.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("selfparam_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
