import re
import sqlite3
import stat
import threading
import warnings

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from langchain_selfparam.errors import (
    ClosedError,
    DamagedLedgerError,
    FolderError,
    FolderLockedError,
    SchemaVersionError,
    WrongModelError,
)
from langchain_selfparam.store import Database
from langchain_selfparam.store.database import forgotten


@pytest.fixture
def database(tmp_path):
    made = Database(tmp_path / "deep" / "memory", busy_seconds=0.05)
    yield made
    made.close()


def fill(database):
    with database.transaction() as c:
        for i in range(300):
            database.set(f"key{i}", "v" * 500, connection=c)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_folder_and_every_file_are_for_the_owner_only(database):
    database.set("k", "v")
    assert mode(database.path.parent) == 0o700
    names = {path.name: mode(path) for path in database.path.parent.iterdir()}
    assert names == dict.fromkeys(["memory.sqlite", "memory.sqlite-wal", "memory.sqlite-shm"], 0o600)


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path):
    Database(tmp_path).close()
    (tmp_path / "memory.sqlite").chmod(0o644)
    Database(tmp_path).close()
    assert mode(tmp_path / "memory.sqlite") == 0o600


def test_the_folder_of_a_user_keeps_its_mode(tmp_path):
    (tmp_path / "mine").mkdir(mode=0o755)
    Database(tmp_path / "mine").close()
    assert mode(tmp_path / "mine") == 0o755


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("secure_delete", 1),
        ("busy_timeout", 50),
    ],
)
def test_every_connection_has_the_settings(database, pragma, value):
    with database.reading() as first, database.reading() as second:
        assert first.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value
        assert second.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value


def test_meta_values_are_kept_and_replaced(tmp_path, database):
    assert database.get("k") is None
    database.set("k", "1")
    database.set("k", "2")
    database.close()
    again = Database(database.path.parent)
    assert again.get("k") == "2"
    again.close()


def test_a_transaction_that_raises_leaves_nothing(database, crash_after):
    crash_after(database, lambda c: database.set("k", "v", connection=c))
    assert database.get("k") is None


def test_a_reader_sees_one_state_while_another_writes(database):
    database.set("k", "old")
    with database.reading() as c:
        assert database.get("k", connection=c) == "old"
        database.set("k", "new")
        assert database.get("k", connection=c) == "old"
    assert database.get("k") == "new"


def test_many_threads_that_read_and_then_write_never_deadlock(tmp_path):
    database = Database(tmp_path)
    database.set("n", "0")

    def count():
        for _ in range(10):
            with database.transaction() as c:
                database.set("n", str(int(database.get("n", connection=c)) + 1), connection=c)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database.get("n") == "80"
    database.close()


def test_a_writer_that_waited_too_long_is_told_so(database):
    text = rf"{re.escape(str(database.path))} was kept locked by another connection for 0\.05 s; close that"
    with database.transaction(), pytest.raises(FolderLockedError, match=text), database.transaction():
        pass
    database.set("k", "after")
    assert database.get("k") == "after"


def test_a_full_disk_is_a_folder_error_and_changes_nothing(database):
    def overfill():
        with database.transaction() as c:
            pages = c.exec_driver_sql("PRAGMA page_count").scalar_one()
            c.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            database.set("k", "v" * 100_000, connection=c)

    file = re.escape(str(database.path))
    text = rf"{file} cannot be used \(database or disk is full\); check the disk and the file's mode$"
    with pytest.raises(FolderError, match=text):
        overfill()
    database.close()
    again = Database(database.path.parent)
    assert again.get("k") is None
    again.close()


def test_a_broken_constraint_is_a_mistake_of_ours_and_quotes_no_text(database):
    with (
        pytest.raises(IntegrityError, match="UNIQUE constraint failed") as caught,
        database.transaction() as c,
    ):
        c.exec_driver_sql("INSERT INTO meta VALUES (?, ?), (?, ?)", ("same", "what a user said") * 2)
    assert "what a user said" not in str(caught.value)


def test_a_closed_database_says_so(database):
    database.close()
    database.close()
    with pytest.raises(ClosedError, match=rf"{re.escape(str(database.path))} was closed; open the folder"):
        database.get("k")
    with pytest.raises(ClosedError, match="was closed"), database.transaction():
        pass


def test_closing_moves_the_log_into_the_file(database):
    database.set("k", "a value to look for")
    database.close()
    assert [path.name for path in database.path.parent.iterdir()] == ["memory.sqlite"]
    assert b"a value to look for" in database.path.read_bytes()


def test_a_base_is_bound_at_first_use_and_may_be_renamed(database):
    database.bind_base("org/one", "abc")
    database.bind_base("/folder/one", "abc")
    assert (database.get("base_model"), database.get("base_fingerprint")) == ("org/one", "abc")


@pytest.mark.parametrize(
    ("name", "what_to_do"),
    [
        ("org/two", "open it with org/one, or choose another folder for org/two"),
        (
            "org/one",
            "the name is the same: load the model with the revision and the dtype of then, "
            "or choose another folder for org/one",
        ),
    ],
)
def test_another_base_is_refused_by_both_names(database, name, what_to_do):
    database.bind_base("org/one", "abc")
    text = rf"memory belongs to org/one \(fingerprint abc\), not to {name} \(fingerprint def\); {what_to_do}$"
    with pytest.raises(WrongModelError, match=text):
        database.bind_base(name, "def")


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "memory.sqlite").write_text("not a database " * 100)
    file, folder = re.escape(str(tmp_path / "memory.sqlite")), re.escape(str(tmp_path))
    # Without its database a folder is refused: what was learned is still in it.
    what_to_do = rf"put back a copy of it, or move the whole folder {folder} away to begin with an empty memory$"
    text = rf"{file} is damaged \(file is not a database\); {what_to_do}"
    with pytest.raises(DamagedLedgerError, match=text):
        Database(tmp_path)


def test_a_malformed_database_is_named(tmp_path, database):
    fill(database)
    database.close()
    raw = bytearray(database.path.read_bytes())
    raw[-40_000:-4_000] = b"\xff" * 36_000
    database.path.write_bytes(raw)
    with pytest.raises(DamagedLedgerError, match=rf"{re.escape(str(database.path))} is damaged \(.+\); put"):
        Database(database.path.parent)


def test_a_file_that_was_cut_short_is_named(database):
    fill(database)
    database.close()
    database.path.write_bytes(database.path.read_bytes()[:20_480])
    with pytest.raises(DamagedLedgerError, match=r"memory\.sqlite is damaged \(.+\); put"):
        Database(database.path.parent)


def test_the_database_of_something_else_is_left_alone(tmp_path):
    other = sqlite3.connect(tmp_path / "memory.sqlite")
    other.execute("CREATE TABLE songs (id)")
    other.close()
    with pytest.raises(DamagedLedgerError, match=r"the database of something else \(tables songs\); choose"):
        Database(tmp_path)
    tables = sqlite3.connect(tmp_path / "memory.sqlite").execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("songs",)]


def test_a_newer_schema_names_both_numbers(tmp_path, database):
    database.close()
    raw = sqlite3.connect(database.path)
    raw.execute("INSERT INTO migrations VALUES (47, 'later', 'then')")
    raw.commit()
    raw.close()
    text = r"has schema 47, this release knows schemas up to 2; upgrade langchain-selfparam, or choose"
    with pytest.raises(SchemaVersionError, match=text):
        Database(database.path.parent)


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError, match=rf"the folder {re.escape(str(tmp_path / 'file'))} cannot be made"):
        Database(tmp_path / "file")


def test_a_database_that_is_a_folder_is_named(tmp_path):
    (tmp_path / "memory.sqlite").mkdir()
    with pytest.raises(FolderError, match=r"memory\.sqlite cannot be opened \(Is a directory\); choose"):
        Database(tmp_path)


def test_a_refused_opening_leaves_no_connection(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("langchain_selfparam.store.database.migrate", lambda c: opened.append(c.engine) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Database(tmp_path)
    assert opened[0].pool.checkedin() == 0
    assert not (tmp_path / "memory.sqlite-wal").exists()


def test_a_reader_that_keeps_forgotten_text_in_the_log_is_warned_of(database):
    def forget():
        with database.transaction() as c:
            database.set("k", "gone", connection=c)
            forgotten(c)

    database.set("k", "secret")
    text = rf"forgotten text stays in {re.escape(str(database.path))}-wal until .* open for 0\.05 s"
    with database.reading() as c:
        assert database.get("k", connection=c) == "secret"
        with pytest.warns(RuntimeWarning, match=text):
            forget()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        forget()
    assert database.path.with_name("memory.sqlite-wal").stat().st_size == 0


def test_a_log_that_cannot_be_emptied_is_warned_of_after_the_commit(database, monkeypatch):
    def full(connection):
        raise sqlite3.OperationalError("database or disk is full")

    def forget():
        with database.transaction() as c:
            database.set("k", "gone", connection=c)
            forgotten(c)

    log = re.escape(str(database.path))
    text = (
        rf"forgotten text stays in {log}-wal until .* closed: the log could not be emptied \(database or disk is full"
    )
    with monkeypatch.context() as patch:
        patch.setattr("langchain_selfparam.store.database._checkpoint", full)
        with pytest.warns(RuntimeWarning, match=text):
            forget()
    assert database.get("k") == "gone"


def test_a_commit_that_fails_is_translated_too(database):
    def full(_connection):
        message = "disk I/O error"
        raise sqlite3.OperationalError(message)

    event.listen(database._engine, "commit", full)
    with pytest.raises(FolderError, match=r"cannot be used \(disk I/O error\); check the disk"):
        database.set("k", "v")
    event.remove(database._engine, "commit", full)
    assert database.get("k") is None
