from datetime import datetime, timezone

import pytest

from langchain_selfparam.records import Episode
from langchain_selfparam.store import Database, Jobs, Turns, Versions

NOW = datetime(2025, 3, 1, 12, 0, tzinfo=timezone.utc)
ANA = ("memories", "ana")


class CrashError(Exception):
    pass


def crash_after(database, act):
    def run():
        with database.transaction() as c:
            act(c)
            raise CrashError

    with pytest.raises(CrashError):
        run()


class Rooms:
    """The store's parts over one database, with the shortest way to say, lease and commit."""

    def __init__(self, folder):
        self.folder = folder
        self.database = Database(folder)
        self.turns = Turns(self.database)
        self.jobs = Jobs(self.database)
        self.versions = Versions(self.database)

    def say(self, *texts, namespace=ANA, thread="t"):
        return tuple(
            self.turns.append(namespace=namespace, thread=thread, user=text, assistant=f"re {text}", created_at=NOW)
            for text in texts
        )

    def lease(self, *turns, owner="host:1:x"):
        episode = Episode(namespace=ANA, turns=turns)
        return self.jobs.lease(episode, owner=owner, now=NOW, lease_seconds=60)

    def commit(self, job, held, **changes):
        values = {
            "delta_file": f"{job.id}.safetensors",
            "delta_sha256": "d" * 64,
            "weights_sha256": None,
            "report": {"recall": 1.0},
            "created_at": NOW,
        }
        return self.versions.commit(job=job, held_ids=held, **{**values, **changes})

    def learn(self, *texts):
        turns = self.say(*texts)
        return self.commit(self.lease(*turns), [turn.id for turn in turns])

    def crash_after(self, act):
        """Let ``act(connection)`` succeed in a transaction that then fails."""
        crash_after(self.database, act)

    def states(self):
        return {turn.id: str(turn.state) for turn in self.turns.list()}

    def dump(self):
        with self.database.reading() as c:
            names = c.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
            return {name: c.exec_driver_sql(f"SELECT * FROM {name}").all() for name in names}


@pytest.fixture
def rooms(tmp_path):
    made = Rooms(tmp_path / "memory")
    made.versions.ensure_root(created_at=NOW)
    yield made
    made.database.close()


@pytest.fixture(name="crash_after")
def crash_after_fixture():
    return crash_after


@pytest.fixture
def now():
    return NOW
