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

from langchain_selfparam.store.database import Database
from langchain_selfparam.store.jobs import Jobs, JobState, JobStatus
from langchain_selfparam.store.lock import FolderLock, private_folder
from langchain_selfparam.store.turns import Cleared, Turns
from langchain_selfparam.store.versions import HeadEvent, Versions

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


class Store:
    """An owned memory folder; made by ``Store.open``.

    Args:
        folder: The memory folder.
        lock: Its lock, held.
        database: Its database.
    """

    def __init__(self, folder: Path, *, lock: FolderLock, database: Database) -> None:
        self.folder = folder
        self.deltas = private_folder(folder / "deltas")
        self.totals = private_folder(folder / "totals")
        self.database = database
        self.turns = Turns(database)
        self.jobs = Jobs(database)
        self.versions = Versions(database)
        self._lock = lock

    @classmethod
    def open(cls, folder: str | os.PathLike[str], *, base_model: str, base_fingerprint: str) -> Store:
        """Own a folder: its jobs are recovered and version 0 is there.

        A folder that cannot be used is refused with one of the ``FolderError``s: locked, of another model, of
        a newer release, damaged, or not writable. Nothing is left open then.

        Args:
            folder: The memory folder; it is made where it is missing.
            base_model: Name of the model whose memory it is.
            base_fingerprint: What tells that model's weights from any other's.

        Returns:
            The store; close it to give the folder back.
        """
        folder = Path(folder).absolute()
        with contextlib.ExitStack() as undo:
            lock = FolderLock(folder)
            lock.acquire()
            undo.callback(lock.release)
            database = Database(folder)
            undo.callback(database.close)
            database.bind_base(base_model, base_fingerprint)
            store = cls(folder, lock=lock, database=database)
            now = datetime.now(timezone.utc)
            store.jobs.recover(now, all_owners=True)
            store.versions.ensure_root(created_at=now)
            undo.pop_all()
        return store

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
