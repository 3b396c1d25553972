"""Everything that is rows: the journal of turns, the jobs and the ledger of versions, in one folder.

In comes a folder, out goes a ``Store`` that owns it. SQLAlchemy is imported here and nowhere else. It knows
nothing of models, prompts or deltas beyond their names and digests.
"""

from __future__ import annotations

import contextlib
import os
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Literal

from langchain_selfparam.errors import ConfigError, FolderError
from langchain_selfparam.records import Namespace
from langchain_selfparam.store.database import NAME, Database
from langchain_selfparam.store.events import HeadEvent
from langchain_selfparam.store.jobs import Jobs, JobState, JobStatus
from langchain_selfparam.store.lock import FolderLock, private_folder
from langchain_selfparam.store.turns import Cleared, Turns
from langchain_selfparam.store.versions import Versions

__all__ = [
    "Cleared",
    "Database",
    "FolderLock",
    "HeadEvent",
    "JobState",
    "JobStatus",
    "Jobs",
    "Store",
    "Turns",
    "Versions",
]


Isolation = Literal["shared", "namespace"]


class Store:
    """An owned memory folder; made by ``Store.open``.

    Args:
        folder: The memory folder.
        lock: Its lock, held.
        database: Its database.
        namespace: Whose jobs and versions are seen alone; ``None`` where all are served the same.
    """

    def __init__(
        self, folder: Path, *, lock: FolderLock, database: Database, namespace: Namespace | None = None
    ) -> None:
        self.folder = folder
        self.deltas = private_folder(folder / "deltas")
        self.totals = private_folder(folder / "totals")
        self.database = database
        self.turns = Turns(database)
        self.jobs = Jobs(database, namespace=namespace)
        self.versions = Versions(database, namespace=namespace)
        self._lock = lock

    @classmethod
    def open(
        cls,
        folder: str | os.PathLike[str],
        *,
        base_model: str,
        base_fingerprint: str,
        isolation: Isolation = "shared",
    ) -> Store:
        """Own a folder: its jobs are recovered and version 0 is there.

        A folder that cannot be used is refused with one of the ``FolderError``s: locked, of another model, of
        a newer release, damaged, without its database, or not writable; with ``ConfigError`` where it was made with
        the other isolation. Nothing is left open then.

        Args:
            folder: The memory folder; it is made where it is missing.
            base_model: Name of the model whose memory it is.
            base_fingerprint: What tells that model's weights from any other's.
            isolation: Whether all namespaces are served the same weights, or each its own.

        Returns:
            The store; close it to give the folder back.
        """
        folder = Path(folder).absolute()
        with contextlib.ExitStack() as undo:
            lock = FolderLock(folder)
            lock.acquire()
            undo.callback(lock.release)
            _refuse_lost_ledger(folder)
            database = Database(folder)
            undo.callback(database.close)
            database.bind_base(base_model, base_fingerprint)
            _bind_isolation(database, folder, isolation)
            store = cls(folder, lock=lock, database=database)
            now = datetime.now(timezone.utc)
            store.jobs.recover(now, all_owners=True)
            store.versions.ensure_root(created_at=now)
            undo.pop_all()
        return store

    def of(self, namespace: Namespace) -> Store:
        """The same folder as one namespace sees it, whose weights are its own.

        Args:
            namespace: Whose.

        Returns:
            A store with the same database and files, in which only this namespace's jobs and versions are seen, with
            its version 0; do not close it.
        """
        store = Store(self.folder, lock=self._lock, database=self.database, namespace=namespace)
        store.versions.ensure_root(created_at=datetime.now(timezone.utc))
        return store

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self.database.closed

    def close(self) -> None:
        """Close the database and give the folder back; a second time does nothing."""
        try:
            self.database.close()
        finally:
            self._lock.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _refuse_lost_ledger(folder: Path) -> None:
    """Begin no new ledger where an old one's deltas are: no version of the new one would name them."""
    ledger, deltas = folder / NAME, folder / "deltas"
    there = ledger.exists() and (not ledger.is_file() or ledger.stat().st_size > 0)
    left = [] if there else sorted(path.name for path in deltas.glob("v*.safetensors"))
    if left:
        msg = (
            f"{folder} has no {NAME}, and {deltas} has what was learned ({left[0]}, {len(left)} in all); put "
            f"{NAME} back, or move deltas and totals away as well to begin with an empty memory"
        )
        raise FolderError(msg)


def _bind_isolation(database: Database, folder: Path, wanted: Isolation) -> None:
    """Keep how a folder is served from its first use on: weights of one kind say nothing of the other."""
    with database.transaction() as c:
        found = database.get("isolation", connection=c)
        if found is None:
            # Folders of the first release say nothing; theirs was shared.
            used = Versions(database).any(connection=c)
            found = "shared" if used else wanted
            database.set("isolation", found, connection=c)
    if found != wanted:
        msg = f"{folder} was made with isolation={found!r}; open it with that, or choose another folder for {wanted!r}"
        raise ConfigError(msg)
