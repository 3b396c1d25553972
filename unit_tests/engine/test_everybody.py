"""A run over many namespaces is fair, ends where it is told to, and loses and repeats nothing."""

import itertools
import threading
import time

import pytest
from engine_home import ANA, STAGES, Quick
from engine_town import BOB, CY, Town, run, say, states

from langchain_selfparam.engine import batch
from langchain_selfparam.engine.batch import consolidate_all
from langchain_selfparam.engine.limits import Limits
from langchain_selfparam.engine.space import Space
from langchain_selfparam.errors import ClosedError, ConfigError, NoTargetsError, StoppedError
from langchain_selfparam.records import TurnState


@pytest.fixture
def town(tmp_path, monkeypatch, request):
    return Town(tmp_path / "memory", monkeypatch, request.addfinalizer)


def test_who_says_much_keeps_nobody_waiting_and_the_oldest_come_first(town):
    spaces = town.open()
    bob = say(spaces, BOB, "b1")
    ana = say(spaces, ANA, "a1", "a2", "a3", "a4", "a5")
    cy = say(spaces, CY, "c1", "c2", "c3")
    report = run(spaces)
    assert town.learned == [("bob", 1), ("ana", 2), ("cy", 2), ("ana", 2), ("cy", 1), ("ana", 1)]
    assert list(report.reports) == [BOB, ANA, CY]
    assert [report.reports[n].held for n in (BOB, ANA, CY)] == [bob, ana, cy]
    assert report.held == (*bob, *ana, *cy)
    assert (report.pending, report.failed, report.left, report.ended) == ((), {}, {}, "done")
    assert set(states(spaces).values()) == {TurnState.HELD}


def test_nothing_is_learned_twice_and_a_second_run_has_nothing_to_do(town):
    spaces = town.open()
    say(spaces, ANA, "a1", "a2", "a3")
    run(spaces)
    learned = list(town.learned)
    report = run(spaces)
    assert town.learned == learned
    assert (report.reports, report.left, report.ended) == ({}, {}, "done")


def test_turns_that_are_not_held_are_tried_once_in_a_run(town, monkeypatch):
    spaces = town.open()
    ids = say(spaces, ANA, "a1", "a2", "a3")
    real = Quick.learn

    def nothing_held(self, episode, **options):
        self.missed = {turn.user for turn in episode.turns}
        return real(self, episode, **options)

    monkeypatch.setattr(Quick, "learn", nothing_held)
    report = run(spaces)
    assert report.pending == ids
    assert report.left == {}
    assert report.reports[ANA].reasons == ("nothing was held", "nothing was held")
    assert [turn.attempts for turn in spaces.turns()] == [1, 1, 1]


def test_only_those_who_are_named(town):
    spaces = town.open()
    say(spaces, ANA, "a1")
    bob = say(spaces, BOB, "b1")
    report = run(spaces, [BOB])
    assert (report.held, report.left) == (bob, {})
    assert states(spaces)[1] is TurnState.PENDING


def test_the_trouble_of_one_ends_that_ones_part_only(town):
    spaces = town.open()
    say(spaces, ANA, "a1", "a2", "a3")
    bob = say(spaces, BOB, "b1")

    def at(stage, said):
        if "a1" in said:
            msg = "nothing to ask about"
            raise NoTargetsError(msg)

    town.at = at
    report = run(spaces)
    assert report.held == bob
    assert report.failed == {ANA: "NoTargetsError: nothing to ask about"}
    assert report.left == {ANA: 3}
    assert report.ended == "done"
    assert [(t.state, t.attempts) for t in Space(spaces, ANA).turns()] == [
        (TurnState.PENDING, 1),
        (TurnState.PENDING, 1),
        (TurnState.PENDING, 0),
    ]


@pytest.mark.parametrize("stage", STAGES)
def test_what_is_stopped_between_two_steps_is_pending_and_learned_by_the_next_run(town, stage):
    spaces = town.open()
    ana, bob = say(spaces, ANA, "a1"), say(spaces, BOB, "b1", "b2", "b3")
    stop = threading.Event()
    town.at = lambda at, said: stop.set() if (at, said) == (stage, ["b1", "b2"]) else None
    report = run(spaces, stopping=stop.is_set)
    if stage == "probes":  # the commit that follows asks once more
        assert town.learned == [("ana", 1), ("bob", 2)]
    assert (report.held, report.left, report.ended) == (ana, {BOB: 3}, "stopped")
    assert [(t.state, t.attempts) for t in Space(spaces, BOB).turns()] == [(TurnState.PENDING, 0)] * 3
    assert len(spaces.versions()) == 2
    assert run(spaces).held == bob


def test_what_is_committed_is_not_stopped_any_more(town):
    spaces = town.open()
    ana = say(spaces, ANA, "a1")
    say(spaces, BOB, "b1")
    stop = threading.Event()
    heard = []

    def progress(stage, done, total):
        heard.append((stage, done))
        if (stage, done) == ("commit", 1):
            stop.set()

    report = consolidate_all(spaces, limits=Limits(stopping=stop.is_set), progress=progress)
    assert (report.held, report.left, report.ended) == (ana, {BOB: 1}, "stopped")
    assert heard.count(("namespaces", 1)) == 1


def test_a_run_ends_in_time(town, clock):
    spaces = town.open()
    ana, bob = say(spaces, ANA, "a1"), say(spaces, BOB, "b1")

    def at(stage, said):
        clock.seconds += 0.5 * ((stage, said) == ("student", ["b1"]))

    town.at = at
    report = run(spaces, deadline=0.3)
    assert (report.held, report.left, report.ended) == (ana, {BOB: 1}, "deadline")
    assert Space(spaces, BOB).turns()[0].attempts == 0
    town.at = lambda stage, said: None
    assert run(spaces, deadline=600).held == bob


def test_nothing_is_begun_that_would_not_be_done_in_time(town, clock):
    spaces = town.open()
    say(spaces, ANA, "a1")
    say(spaces, BOB, "b1")
    began = []

    def at(stage, said):
        began.append(said)
        clock.seconds += 0.15

    town.at = at
    report = run(spaces, deadline=1.0)
    assert (report.left, report.ended) == ({BOB: 1}, "deadline")
    assert ["b1"] not in began


def test_a_run_spends_so_many_tokens(town):
    spaces = town.open()
    say(spaces, ANA, "a1", "a2", "a3")
    say(spaces, BOB, "b1")
    two = spaces.tokens(spaces.turns()[:2])
    assert two > 1
    report = run(spaces, max_tokens=two)
    assert town.learned == [("ana", 2)]
    assert (report.left, report.ended) == ({ANA: 1, BOB: 1}, "budget")
    run(spaces, max_tokens=two + 1)
    assert town.learned[1:] == [("bob", 1), ("ana", 1)]  # who was not served is first


def test_a_run_that_has_time_for_one_goes_to_another_each_time(town):
    spaces = town.open()
    say(spaces, ANA, *[f"a{number}" for number in range(8)])
    say(spaces, BOB, "b1")
    say(spaces, CY, "c1", "c2", "c3")
    for _ in range(6):
        run(spaces, max_tokens=1)
    assert [name for name, _ in town.learned] == ["ana", "bob", "cy", "ana", "cy", "ana"]


def test_who_is_speaking_is_left_for_the_next_run(town, monkeypatch):
    spaces = town.open()
    say(spaces, ANA, "a1")
    time.sleep(0.4)
    say(spaces, BOB, "b1")
    just_now = spaces.turns()[-1].created_at
    monkeypatch.setattr(batch, "now", lambda: just_now)
    report = run(spaces, after_seconds=0.3)
    assert list(report.reports) == [ANA]
    assert (report.left, report.ended) == ({BOB: 1}, "done")


def test_a_memory_that_is_closed_ends_the_run(town):
    spaces = town.open()
    say(spaces, ANA, "a1")
    say(spaces, BOB, "b1")
    spaces._closing = True
    with pytest.raises(ClosedError, match="was closed; open it again"):
        run(spaces)
    spaces._closing = False


def test_a_folder_is_opened_again_after_a_run_that_was_cut_off(town):
    """As where the process is killed: whoever opens the folder learns what is left, and nothing twice."""
    spaces = town.open()
    ana, bob = say(spaces, ANA, "a1"), say(spaces, BOB, "b1")

    def at(stage, said):
        if (stage, said) == ("student", ["b1"]):
            raise KeyboardInterrupt

    town.at = at
    with pytest.raises(KeyboardInterrupt):
        run(spaces)
    spaces.close()
    town.at = lambda stage, said: None
    again = town.open()
    assert states(again) == {ana[0]: TurnState.HELD, bob[0]: TurnState.PENDING}
    assert run(again).held == bob


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"deadline": 0}, "deadline is 0; it has to be above 0, or None for no limit"),
        ({"deadline": float("nan")}, "deadline is nan; it has to be above 0, or None for no limit"),
        ({"max_tokens": -1}, "max_tokens is -1; it has to be above 0, or None for no limit"),
        ({"after_seconds": -0.5}, "after_seconds is -0.5; it has to be 0 or more seconds"),
    ],
)
def test_limits_have_a_range(limits, message):
    with pytest.raises(ConfigError, match=message):
        Limits(**limits)


def test_a_stop_names_where_it_came(town):
    spaces = town.open()
    say(spaces, ANA, "a1")
    stopped = []
    with spaces.learning(ANA) as engine:
        lesson = engine.lesson

        def noted(*args, **options):
            try:
                return (yield from lesson(*args, **options))
            except StoppedError as error:
                stopped.append(str(error))
                raise

        engine.lesson = noted
        stop = itertools.chain([False] * 3, itertools.repeat(True))
        run(spaces, stopping=lambda: next(stop))
    assert stopped == ["stopped at teacher, 1 of 1 (stopped); the turns are pending: run it again"]
