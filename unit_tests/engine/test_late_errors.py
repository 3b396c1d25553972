"""What fails after the ledger was written: the version or the forgetting stands, and nothing says otherwise."""

import errno
import logging
import sqlite3
import warnings

import pytest
from engine_home import ANA, DOG, SISTER, say, states, with_
from engine_town import Town

from langchain_selfparam.engine import keeping
from langchain_selfparam.engine import line as line_module
from langchain_selfparam.engine.journal import now
from langchain_selfparam.engine.line import compact
from langchain_selfparam.engine.space import Space
from langchain_selfparam.errors import ConsolidationError, StoppedError, UnknownTurnError
from langchain_selfparam.targets import beside, changes
from langchain_selfparam.weights import totals


@pytest.fixture
def town(tmp_path, monkeypatch, request):
    return Town(tmp_path / "memory", monkeypatch, request.addfinalizer)


@pytest.fixture
def full_log(monkeypatch):
    """The write-ahead log cannot be emptied, as on a full disk."""

    def full(connection):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("langchain_selfparam.store.database._checkpoint", full)
    yield
    monkeypatch.undo()


def deltas(engine):
    return len(list(engine._store.deltas.iterdir()))


# ---- a commit


@pytest.mark.parametrize("error", [MemoryError("no room"), OSError(errno.EIO, "I/O error"), ConsolidationError("inf")])
def test_totals_that_cannot_be_written_are_logged(home, monkeypatch, caplog, error):
    def fails(*args):
        raise error

    engine = home.open()
    say(engine, DOG)
    monkeypatch.setattr(line_module, "_bytes_of_totals", fails)
    with caplog.at_level(logging.ERROR):
        assert engine.consolidate().version == 1
    assert f"no totals were written ({type(error).__name__}: {error}); the deltas are added up instead" in caplog.text
    assert engine.last_error is None
    assert states(engine) == {DOG: "held"}
    assert [str(job.state) for job in engine._store.jobs.list()] == ["done"]
    assert not compact(engine._store, engine._exact)


@pytest.mark.parametrize("error", [RuntimeError("the bar is gone"), StoppedError("enough")])
def test_progress_that_raises_after_the_commit_is_logged(home, caplog, error):
    engine = home.open()
    say(engine, DOG)

    def progress(stage, done, total):
        if (stage, done) == ("commit", 1):
            raise error

    with caplog.at_level(logging.ERROR):
        report = engine.consolidate(progress=progress)
    assert (report.version, report.held) == (1, (1,))
    assert engine.last_report is report
    assert engine.last_error is None
    named = f"{type(error).__name__}: {error}"
    assert f"whoever hears of the progress raised {named} at commit; version 1 stands" in caplog.text


def test_ctrl_c_while_totals_are_written_is_still_ctrl_c(home, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    engine = home.open()
    say(engine, DOG)
    monkeypatch.setattr(keeping, "compact", interrupted)
    with pytest.raises(KeyboardInterrupt):
        engine.consolidate()
    assert states(engine) == {DOG: "held"}


# ---- forgetting


def test_a_log_that_cannot_be_emptied_is_no_failure_of_forgetting(home, full_log):
    engine = home.open()
    for text in (DOG, SISTER):
        say(engine, text)
        engine.consolidate()
    with pytest.warns(
        RuntimeWarning, match=r"forgotten text stays in .*could not be emptied \(database or disk is full"
    ):
        done = engine.forget([2])
    assert (done.turns, done.versions, done.served) == ((2,), (2,), 1)
    assert deltas(engine) == 1
    assert engine.last_report is None


def test_an_error_after_the_ledger_was_written_leaves_no_words_and_no_files(home, full_log):
    """As where warnings are errors: it is raised, and what was forgotten is gone all the same."""
    engine = home.open()
    say(engine, DOG)
    engine.consolidate()
    assert engine.last_report is not None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="forgotten text stays in"):
            engine.forget([1])
    assert (engine.turns(), engine.last_report, engine.forgettings) == ((), None, 1)
    assert deltas(engine) == 0


def test_spaces_keep_no_words_either(town, full_log):
    spaces = town.open()
    ana = Space(spaces, ANA)
    ana.append(user=DOG, assistant="Noted.")
    ana.consolidate()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="forgotten text stays in"):
            ana.forget([1])
    assert (spaces.last_report, spaces.last_of(ANA), spaces.forgettings) == (None, (None, None), 1)


def test_what_was_refused_forgets_no_report(home):
    engine = home.open()
    say(engine, DOG)
    report = engine.consolidate()
    with pytest.raises(UnknownTurnError, match="there is no turn 9"):
        engine.forget([9])
    say(engine, SISTER)
    engine._store.jobs.lease(engine._choose(force=True), owner="x", now=now(), lease_seconds=60)
    with pytest.raises(ConsolidationError, match="turn 2 cannot be forgotten now"):
        engine.forget([1, 2])
    assert (engine.last_report, engine.forgettings) == (report, 0)


def test_totals_that_cannot_be_deleted_are_warned_of_after_the_deltas_are_gone(home, monkeypatch):
    engine = home.open()
    say(engine, DOG)
    engine.consolidate()
    (engine._store.totals / "v000001").mkdir()
    (engine._store.totals / "v000000.tmp").mkdir()
    real = totals.shutil.rmtree

    def refused(path, *args, **kwargs):
        if path.name == "v000001":
            assert deltas(engine) == 0
            raise OSError(errno.EBUSY, "Device or resource busy")
        real(path, *args, **kwargs)

    monkeypatch.setattr(totals.shutil, "rmtree", refused)
    with pytest.warns(
        RuntimeWarning, match=r"totals/v000001 has totals of no version .*\(Device or resource busy\); del"
    ):
        engine.forget([1])
    assert [path.name for path in engine._store.totals.iterdir()] == ["v000001"]
    monkeypatch.undo()
    assert engine.forget([]).turns == ()
    assert list(engine._store.totals.iterdir()) == []


@pytest.mark.parametrize("ending", ["forget", "close"])
def test_texts_that_were_read_for_prompts_are_let_go_of(home, ending):
    engine = home.open()
    say(engine, "My lesson is on Tuesday.")
    engine.consolidate()
    say(engine, "My bus is at nine.", "My lesson has moved to Friday.")
    beside._said("My lesson is on Tuesday.", 0)
    changes.without("My lesson is on Tuesday.")
    engine.forget([1]) if ending == "forget" else engine.close()
    assert beside._said.cache_info().currsize == changes.without.cache_info().currsize == 0


# ---- and what is due then


@pytest.mark.parametrize("told", [True, False], ids=["the worker is told", "flush tells it"])
def test_turns_that_forgetting_made_due_are_learned_by_flush(home, monkeypatch, told):
    engine = home.open(background=True, settings=with_(policy={"every_turns": 1}))
    say(engine, DOG)
    engine.flush(30)
    say(engine, SISTER)
    engine.flush(30)
    assert states(engine) == {DOG: "held", SISTER: "held"}
    if not told:
        engine._wake = lambda: None
    assert engine.forget([1]).relearn == (2,)
    engine.flush(30)
    assert states(engine) == {SISTER: "held"}


def test_turns_that_forgetting_made_due_are_learned_by_flush_of_spaces(town):
    spaces = town.open(background=True, settings=with_(policy={"every_turns": 1}))
    ana = Space(spaces, ANA)
    for text in (DOG, SISTER):
        ana.append(user=text, assistant="Noted.")
        spaces.flush(30)
    assert ana.rollback(0) == (1, 2)  # of which nobody tells the worker
    spaces.flush(30)
    assert {turn.user: str(turn.state) for turn in ana.turns()} == {DOG: "held", SISTER: "held"}
    assert ana.forget([1]).turns == (1,)
    spaces.flush(30)
    assert {turn.user: str(turn.state) for turn in ana.turns()} == {SISTER: "held"}
