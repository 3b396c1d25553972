import re
import stat
from datetime import datetime, timezone

import pytest

from langchain_selfparam.errors import (
    ClosedError,
    DamagedLedgerError,
    FolderError,
    FolderLockedError,
    WrongModelError,
)
from langchain_selfparam.records import Episode, TurnState
from langchain_selfparam.store import JobState, Store


def opened(folder, model="org/one", fingerprint="abc"):
    return Store.open(folder, base_model=model, base_fingerprint=fingerprint)


def test_a_new_folder_is_ready_for_use(tmp_path):
    with opened(tmp_path / "memory") as store:
        assert store.folder == tmp_path / "memory"
        assert store.deltas == tmp_path / "memory" / "deltas"
        assert stat.S_IMODE(store.deltas.stat().st_mode) == 0o700
        assert store.versions.head().id == 0
        assert store.turns.list() == ()
        assert store.database.get("base_model") == "org/one"


def test_a_folder_has_one_owner_until_it_is_closed(tmp_path):
    store = opened(tmp_path)
    with pytest.raises(FolderLockedError, match=r"\(this one\); a memory has one owner at a time"):
        opened(tmp_path)
    store.close()
    store.close()
    opened(tmp_path).close()
    with pytest.raises(ClosedError, match="was closed; open the folder"):
        store.turns.list()


def test_an_error_inside_the_block_gives_the_folder_back(tmp_path):
    with pytest.raises(ZeroDivisionError), opened(tmp_path):
        _ = 1 / 0
    opened(tmp_path).close()


def test_opening_recovers_the_jobs_of_the_dead(tmp_path):
    now = datetime.now(timezone.utc)
    with opened(tmp_path) as store:
        turn = store.turns.append(namespace=("a",), thread="", user="u", assistant="a", created_at=now)
        episode = Episode(namespace=("a",), turns=(turn,))
        store.jobs.lease(episode, owner="x", now=now, lease_seconds=10_000)
    with opened(tmp_path) as store:
        assert store.turns.list()[0].state is TurnState.PENDING
        assert store.jobs.list()[0].state is JobState.ABANDONED
        assert len(store.versions.list()) == 1


def test_an_opening_that_is_refused_gives_the_folder_back(tmp_path):
    opened(tmp_path).close()
    with pytest.raises(WrongModelError, match=r"belongs to org/one .* not to org/two"):
        opened(tmp_path, "org/two", "def")
    opened(tmp_path).close()


def test_a_damaged_database_gives_the_folder_back(tmp_path):
    for _ in range(2):
        (tmp_path / "memory.sqlite").write_text("no database " * 100)
        with pytest.raises(DamagedLedgerError, match=r"memory\.sqlite is damaged"):
            opened(tmp_path)
    (tmp_path / "memory.sqlite").unlink()
    opened(tmp_path).close()


@pytest.mark.parametrize("loss", [lambda path: path.unlink(), lambda path: path.write_bytes(b"")])
def test_a_ledger_that_is_gone_is_not_begun_anew_over_what_was_learned(tmp_path, loss):
    """A new one would name no delta, and what no version names is swept."""
    with opened(tmp_path) as store:
        file = store.deltas / "v000001-01234567.safetensors"
        (store.deltas / "v000002-01234567.safetensors").write_bytes(b"two")
        file.write_bytes(b"one")
    before = (tmp_path / "memory.sqlite").read_bytes()
    loss(tmp_path / "memory.sqlite")
    folder = re.escape(str(tmp_path))
    text = (
        rf"^{folder} has no memory\.sqlite, and {folder}/deltas has what was learned \({file.name}, 2 in all\); "
        r"put memory\.sqlite back, or move deltas and totals away as well to begin with an empty memory$"
    )
    for _ in range(2):  # the refused opening gave the folder back, and made no database
        with pytest.raises(FolderError, match=text):
            opened(tmp_path)
    assert file.read_bytes() == b"one"
    (tmp_path / "memory.sqlite").write_bytes(before)
    opened(tmp_path).close()
    (tmp_path / "memory.sqlite").unlink()
    (tmp_path / "deltas").rename(tmp_path / "away")
    opened(tmp_path).close()


def test_a_namespace_that_is_there_is_opened_without_a_write(tmp_path, monkeypatch):
    who = ("memories", "ana")
    with opened(tmp_path) as store:
        assert store.of(who).versions.head().id == 0
        monkeypatch.setattr(store.database, "transaction", lambda connection=None: pytest.fail("it writes"))
        assert store.of(who).versions.head().id == 0
        assert not store.of(who).versions.learned()
        monkeypatch.undo()


def test_a_relative_folder_stays_the_same_when_the_process_moves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with opened("memory") as store:
        assert store.deltas.is_absolute()
        monkeypatch.chdir("/")
        assert store.versions.head().id == 0
