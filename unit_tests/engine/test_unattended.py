"""A run that nobody watches: turns that cannot be held, foreign errors, others who learn, and an end in the middle."""

import threading
import time

import pytest
from engine_home import ANA, Quick
from engine_town import BOB, CY, TWO, Town, run, say, states

from langchain_selfparam.engine import batch
from langchain_selfparam.engine.batch import consolidate_all
from langchain_selfparam.engine.limits import Limits
from langchain_selfparam.errors import AuthorError, StoppedError
from langchain_selfparam.records import TurnState

UNHELD = "nobody can ask about this"


@pytest.fixture
def town(tmp_path, monkeypatch, request):
    return Town(tmp_path / "memory", monkeypatch, request.addfinalizer)


@pytest.fixture
def unheld(monkeypatch):
    """What says ``UNHELD`` is never held."""
    real = Quick.learn

    def learn(self, episode, **options):
        self.missed = {UNHELD}
        return real(self, episode, **options)

    monkeypatch.setattr(Quick, "learn", learn)


def attempts(spaces):
    return {turn.user: turn.attempts for turn in spaces.turns()}


def test_turns_without_an_attempt_left_keep_nobody_waiting(town, unheld):
    spaces = town.open()
    say(spaces, ANA, UNHELD)
    run(spaces)
    run(spaces)
    assert attempts(spaces) == {UNHELD: 2}
    bob, later = say(spaces, BOB, "b1"), say(spaces, ANA, "a2")
    report = run(spaces)
    assert report.held == (*bob, *later)
    assert attempts(spaces) == {UNHELD: 2, "b1": 0, "a2": 0}
    assert (report.pending, report.left, report.ended) == ((), {ANA: 1}, "done")
    again = run(spaces)  # nothing else waits
    assert (again.pending, again.left, attempts(spaces)[UNHELD]) == ((1,), {}, 3)


def test_an_error_of_somebody_elses_code_ends_one_part_only(town, caplog):
    spaces = town.open()
    say(spaces, ANA, "a1")
    bob = say(spaces, BOB, "b1")

    def at(stage, said):
        if "a1" in said:
            raise ValueError("429: too many requests")

    town.at = at
    report = run(spaces)
    assert (report.held, report.failed) == (bob, {ANA: "ValueError: 429: too many requests"})
    assert report.left == {ANA: 1}
    assert "Traceback" in caplog.text
    assert isinstance(spaces.last_error, ValueError)
    assert spaces.last_report.held == bob


def test_one_that_breaks_as_it_is_opened_is_that_ones_trouble(town, monkeypatch):
    spaces = town.open()
    say(spaces, ANA, "a1")
    bob = say(spaces, BOB, "b1")
    real = spaces.learning

    def learning(namespace):
        if namespace == ANA:
            raise OSError("the disk cannot be read")
        return real(namespace)

    monkeypatch.setattr(spaces, "learning", learning)
    report = run(spaces)
    assert (report.held, report.failed) == (bob, {ANA: "OSError: the disk cannot be read"})


def test_who_fails_spends_tokens_too(town):
    spaces = town.open()
    say(spaces, ANA, "a1")
    say(spaces, BOB, "b1")

    def at(stage, said):
        raise ValueError("no")

    town.at = at
    report = run(spaces, max_tokens=1)
    assert (list(report.failed), report.left, report.ended) == ([ANA], {ANA: 1, BOB: 1}, "budget")


def test_who_speaks_after_the_round_began_is_left(town, monkeypatch):
    spaces = town.open()
    say(spaces, ANA, "a1")
    say(spaces, BOB, "b1")
    later = spaces.turns()[-1].created_at.replace(year=2100)
    monkeypatch.setattr(batch, "now", lambda: later)

    def at(stage, said):
        if (stage, said) == ("student", ["a1"]):
            say(spaces, BOB, "b2")
            spoken = spaces.turns()[-1].created_at
            monkeypatch.setattr(batch, "now", lambda: spoken)

    town.at = at
    report = run(spaces, after_seconds=60)
    assert town.learned == [("ana", 1)]
    assert (report.left, report.ended) == ({BOB: 2}, "done")


@pytest.mark.parametrize(("end", "ended"), [("deadline", "deadline"), ("stopping", "stopped")])
def test_somebody_elses_learning_is_not_waited_for_beyond_the_end(town, in_thread, end, ended):
    spaces = town.open()
    say(spaces, ANA, "a1")
    held, leave = threading.Event(), threading.Event()

    def learns():
        with spaces.lock:
            held.set()
            assert leave.wait(20)

    limits = {"deadline": {"deadline": 0.3}, "stopping": {"stopping": lambda: held.is_set()}}[end]
    with in_thread(learns):
        assert held.wait(20)
        report = run(spaces, **limits)
        leave.set()
    assert (report.left, report.ended, town.learned) == ({ANA: 1}, ended, [])


def test_the_worker_rests_and_what_it_does_is_waited_for_as_long_as_there_is_time(town):
    spaces = town.open(background=True, settings=TWO)
    began, leave = threading.Event(), threading.Event()
    spaces.worker._step = lambda: (began.set(), leave.wait(20))[0] or False
    spaces.notify()
    assert began.wait(20)
    assert run(spaces, deadline=0.3).ended == "deadline"
    leave.set()
    ana = say(spaces, ANA, "a1")
    steps = []
    spaces.worker._step = lambda: steps.append(spaces.worker._pauses) or False
    town.at = lambda stage, said: spaces.notify()
    assert run(spaces).held == ana
    spaces.worker.flush(20)
    assert steps
    assert not any(steps)  # none of them while the run went on


@pytest.mark.parametrize("late", ["probes", "again"])
def test_what_is_judged_is_committed_although_the_time_is_over(town, clock, late):
    spaces = town.open()
    say(spaces, ANA, "a0")
    run(spaces)
    ana = say(spaces, ANA, "a1")

    def at(stage, said):
        clock.seconds += 5 * (stage == late)

    town.at = at
    report = run(spaces, deadline=1.0)
    # While turns are asked about again the time may be over: what is learned is judged by then.
    assert (report.held, report.left, report.ended) == (ana, {}, "done")


def test_a_stop_is_heard_while_earlier_turns_are_asked_about(town):
    spaces = town.open()
    say(spaces, ANA, "a0")
    run(spaces)
    ana = say(spaces, ANA, "a1")
    stages = []
    town.at = lambda stage, said: stages.append(stage)
    report = run(spaces, stopping=lambda: stages[-1:] == ["probes"])
    assert (report.held, report.left, report.ended) == ((), {ANA: 1}, "stopped")
    assert stages[-1] == "probes"
    assert run(spaces).held == ana


@pytest.mark.parametrize("stage", ["targets", "probes"])
def test_closing_stops_between_two_steps_and_leaves_a_report(town, in_thread, stage):
    spaces = town.open()
    ana, _ = say(spaces, ANA, "a1"), say(spaces, BOB, "b1")
    closed = threading.Event()

    def close():
        assert closed.wait(20)
        spaces.close()

    with in_thread(close):

        def at(at_stage, said):
            if (at_stage, said) == (stage, ["b1"]):
                closed.set()
                while not spaces.closed:
                    time.sleep(0.01)

        town.at = at
        report = run(spaces)
    assert (report.held, report.left, report.ended) == (ana, {BOB: 1}, "stopped")
    again = town.open()
    assert {t.user: (str(t.state), t.attempts) for t in again.turns()} == {"a1": ("held", 0), "b1": ("pending", 0)}


def test_whoever_hears_the_progress_may_stop_the_run(town):
    spaces = town.open()
    ana = say(spaces, ANA, "a1")
    say(spaces, BOB, "b1")
    told = []

    def progress(stage, done, total):
        told.append(stage)
        if told.count("student") == 2:
            raise StoppedError("enough")

    report = consolidate_all(spaces, limits=Limits(), progress=progress)
    assert (report.held, report.left, report.ended) == (ana, {BOB: 1}, "stopped")


@pytest.mark.parametrize("event", [("commit", 1, 1), ("namespaces", 1, 2)])
def test_whoever_hears_that_something_is_done_may_stop_the_run_there(town, event):
    spaces = town.open()
    ana = say(spaces, ANA, "a1")
    say(spaces, BOB, "b1")

    def progress(*heard):
        if heard == event:
            raise StoppedError("enough")

    report = consolidate_all(spaces, limits=Limits(), progress=progress)
    assert (report.held, report.failed, report.left, report.ended) == (ana, {}, {BOB: 1}, "stopped")
    assert spaces.last_report.held == ana
    assert attempts(spaces) == {"a1": 0, "b1": 0}


@pytest.mark.parametrize("stage", ["commit", "namespaces"])
def test_an_error_of_whoever_hears_that_something_is_done_takes_nothing_back(town, caplog, stage):
    spaces = town.open()
    ids = (*say(spaces, ANA, "a1"), *say(spaces, BOB, "b1"))

    def progress(at, done, total):
        if at == stage and done == 1:
            raise ValueError("the bar is broken")

    report = consolidate_all(spaces, limits=Limits(), progress=progress)
    assert (report.held, report.failed, report.left, report.ended) == (ids, {}, {}, "done")
    assert f"raised ValueError: the bar is broken at {stage}; the run goes on" in caplog.text
    assert attempts(spaces) == {"a1": 0, "b1": 0}


def test_whoever_breaks_at_hearing_something_keeps_nobody_from_being_learned(town, caplog):
    spaces = town.open()
    ana, bob = say(spaces, ANA, "a1"), say(spaces, BOB, "b1")

    def progress(*heard):
        raise BrokenPipeError("nobody reads the bar")

    report = consolidate_all(spaces, limits=Limits(), progress=progress)
    assert (report.held, report.failed, report.ended) == ((*ana, *bob), {}, "done")
    told = [r.getMessage() for r in caplog.records if "whoever hears of the progress" in r.getMessage()]
    assert told == [
        "whoever hears of the progress raised BrokenPipeError: nobody reads the bar at memories/ana; the run goes on"
    ]


def test_whoever_stops_it_at_hearing_something_is_heard(town):
    spaces = town.open()
    say(spaces, ANA, "a1")

    def progress(*heard):
        raise StoppedError("enough")

    report = consolidate_all(spaces, limits=Limits(), progress=progress)
    assert (report.held, report.left, report.ended) == ((), {ANA: 1}, "stopped")


@pytest.mark.parametrize("error", [AuthorError("the server is gone"), ConnectionError("refused"), OSError(28, "full")])
def test_what_lies_elsewhere_is_nobodys_attempt_and_halves_nothing(town, error):
    spaces = town.open()
    ana = say(spaces, ANA, "a1", "a2")

    def at(stage, said):
        raise error

    town.at = at
    for _ in range(3):
        assert set(run(spaces).failed) == {ANA}
    assert attempts(spaces) == {"a1": 0, "a2": 0}
    town.at = lambda stage, said: None
    assert run(spaces).held == ana
    assert town.learned == [("ana", 2)]


def test_what_was_tried_too_often_comes_when_all_others_are_done_however_busy_it_is(town, unheld):
    spaces = town.open()
    say(spaces, ANA, UNHELD)
    run(spaces)
    run(spaces)
    for number in range(3):
        newcomer = say(spaces, BOB, f"b{number}")
        report = run(spaces)
        assert (report.held, report.left) == (newcomer, {})
        assert attempts(spaces)[UNHELD] == 3 + number
    assert [name for name, _ in town.learned[2:]] == ["bob", "ana"] * 3


@pytest.mark.parametrize("event", [("commit", 1, 1), ("namespaces", 1, 2)])
def test_an_interrupt_as_something_is_done_ends_the_run_and_what_is_done_stands(town, event):
    spaces = town.open()
    say(spaces, ANA, "a1")
    bob = say(spaces, BOB, "b1")

    def progress(*heard):
        if heard == event:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consolidate_all(spaces, limits=Limits(), progress=progress)
    assert town.learned == [("ana", 1)]
    assert run(spaces).held == bob


def test_one_that_is_closed_before_its_first_episode_leaves_a_report(town):
    spaces = town.open()
    say(spaces, ANA, "a1")
    report = run(spaces, stopping=spaces.close)  # which says nothing of stopping
    assert (report.reports, report.left, report.ended) == ({}, {ANA: 1}, "stopped")


def test_what_was_committed_as_it_was_closed_is_not_left(town):
    spaces = town.open()
    ana = say(spaces, ANA, "a1")
    say(spaces, BOB, "b1")

    def progress(stage, done, total):
        if (stage, done) == ("commit", 1):
            spaces.close()

    report = consolidate_all(spaces, limits=Limits(), progress=progress)
    assert (report.held, report.left, report.ended) == (ana, {BOB: 1}, "stopped")


def test_progress_counts_those_who_have_nothing_left(town):
    spaces = town.open()
    say(spaces, ANA, "a1", "a2", "a3")
    say(spaces, BOB, "b1")
    told = []
    consolidate_all(spaces, limits=Limits(), progress=lambda *event: told.append(event))
    assert [event[1:] for event in told if event[0] == "namespaces"] == [(0, 2), (1, 2), (2, 2)]


def test_what_was_learned_and_what_failed_are_both_kept(town):
    spaces = town.open()
    say(spaces, ANA, "a1")
    say(spaces, BOB, "b1")
    say(spaces, CY, "c1")

    def at(stage, said):
        if "b1" in said:
            raise ValueError("no")

    town.at = at
    run(spaces)
    assert str(spaces.last_error) == "no"
    assert spaces.last_report.held == (1, 3)
    assert set(states(spaces).values()) == {TurnState.HELD, TurnState.PENDING}
