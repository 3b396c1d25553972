import sqlite3

import pytest
from sqlalchemy import inspect

from langchain_selfparam.records import TurnState
from langchain_selfparam.store import Database, Turns, Versions
from langchain_selfparam.store import database as database_module
from langchain_selfparam.store.migrations import MIGRATIONS, migrate
from langchain_selfparam.store.tables import metadata

# What release 0.1 wrote. It is never edited: later steps have to bring these rows along.
ROWS_OF_SCHEMA_1 = """
INSERT INTO meta VALUES ('base_model', 'org/one'), ('base_fingerprint', 'abc');
INSERT INTO jobs VALUES
    (1, '["memories", "ana"]', 'host:1:x', 'done', 0, '2025-03-01T12:00:00.000000+00:00',
     '2025-03-01T12:30:00.000000+00:00', '[]', NULL);
INSERT INTO versions VALUES
    (0, NULL, '[]', '2025-03-01T12:00:00.000000+00:00', NULL, NULL, NULL, '{}', NULL),
    (1, 0, '["memories", "ana"]', '2025-03-01T12:10:00.000000+00:00', 'a.safetensors', 'dd', 'ww',
     '{"recall": 1.0}', 1);
INSERT INTO turns VALUES
    (1, '["memories", "ana"]', 't', 'm1', 'hi', 'hello', '2025-03-01T12:00:00.000000+00:00',
     'held', 0, 1, NULL),
    (2, '["memories", "ana"]', 't', NULL, 'ho', 'oh', '2025-03-01T12:00:01.000000+00:00',
     'pending', 1, NULL, NULL);
INSERT INTO job_turns VALUES (1, 1), (1, 2);
INSERT INTO version_turns VALUES (1, 1);
INSERT INTO heads VALUES ('shared', 1);
INSERT INTO events VALUES (1, 'shared', 'commit', 0, 1, '2025-03-01T12:10:00.000000+00:00');
"""


def at_schema_1(folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(database_module, "migrate", lambda c: migrate(c, steps=MIGRATIONS[:1]))
        Database(folder).close()
    return folder / "memory.sqlite"


def test_the_oldest_schema_without_rows_opens(tmp_path, monkeypatch):
    at_schema_1(tmp_path, monkeypatch)
    database = Database(tmp_path)
    assert database.schema_version == len(MIGRATIONS)
    assert Turns(database).list() == ()
    database.close()


def test_the_oldest_schema_with_rows_keeps_them(tmp_path, monkeypatch):
    raw = sqlite3.connect(at_schema_1(tmp_path, monkeypatch))
    raw.executescript(ROWS_OF_SCHEMA_1)
    raw.close()
    database = Database(tmp_path)
    first, second = Turns(database).list()
    assert (first.user, first.state, first.version, first.message_id) == ("hi", TurnState.HELD, 1, "m1")
    assert (second.user, second.state, second.attempts) == ("ho", TurnState.PENDING, 1)
    head = Versions(database).head()
    assert (head.id, head.turn_ids, head.lost_ids, head.report) == (1, (1,), (), {"recall": 1.0})
    assert Versions(database).holding(1) == {1: 1}
    assert database.get("base_model") == "org/one"
    database.close()


def test_tables_on_disk_are_the_tables_in_code(tmp_path):
    database = Database(tmp_path)
    with database.reading() as c:
        seen = inspect(c)
        on_disk = {name: [col["name"] for col in seen.get_columns(name)] for name in seen.get_table_names()}
    assert on_disk == {name: list(table.columns.keys()) for name, table in metadata.tables.items()}
    database.close()


def add_a_column(connection):
    connection.exec_driver_sql("ALTER TABLE turns ADD COLUMN mood TEXT")


def fail_halfway(connection):
    connection.exec_driver_sql("CREATE TABLE half (id)")
    connection.exec_driver_sql("INSERT INTO nowhere VALUES (1)")


def applied(database):
    with database.reading() as c:
        return c.exec_driver_sql("SELECT number, name FROM migrations ORDER BY number").all()


def test_a_later_step_runs_once_and_is_noted(tmp_path):
    database = Database(tmp_path)
    for _ in range(2):
        with database.transaction() as c:
            assert migrate(c, steps=[*MIGRATIONS, add_a_column]) == len(MIGRATIONS) + 1
    assert applied(database)[-1] == (len(MIGRATIONS) + 1, "add_a_column")
    database.close()


def test_a_step_that_fails_takes_all_steps_back(tmp_path):
    database = Database(tmp_path)
    before = applied(database)
    with pytest.raises(RuntimeError, match="no such table: nowhere"), database.transaction() as c:
        migrate(c, steps=[*MIGRATIONS, add_a_column, fail_halfway])
    assert applied(database) == before
    with database.reading() as c:
        assert "half" not in inspect(c).get_table_names()
        assert "mood" not in [col["name"] for col in inspect(c).get_columns("turns")]
    database.close()
