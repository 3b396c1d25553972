"""Episodes that are killed or stopped each time: they keep nobody waiting, and become smaller until one ends."""

import pytest
from engine_home import ANA, with_
from engine_home import say as tell
from engine_town import BOB, CY, Town, run, say

from langchain_selfparam.engine import batch
from langchain_selfparam.engine.journal import now
from langchain_selfparam.errors import StoppedError
from langchain_selfparam.records import Episode, TurnState

EACH = with_(policy={"every_turns": 1})
EIGHT = with_(policy={"max_turns": 8})


@pytest.fixture
def town(tmp_path, monkeypatch, request):
    return Town(tmp_path / "memory", monkeypatch, request.addfinalizer)


def begin(store, namespace):
    """Begin an episode as a process does that is killed before it ends."""
    turns = store.turns.list(namespace=namespace, states=(TurnState.PENDING,))
    store.jobs.lease(Episode(namespace=namespace, turns=turns), owner="host:1:x", now=now(), lease_seconds=60)


def kill(town, spaces, *namespaces, **options):
    for namespace in namespaces:
        begin(spaces.store_of(namespace), namespace)
        spaces.close()
        spaces = town.open(**options)
    return spaces


def slow(clock, *texts):
    """Takes longer than a run has over episodes with these texts."""

    def at(stage, said):
        clock.seconds += 2 * (stage == "teacher" and not {*texts}.isdisjoint(said))

    return at


def stop(*_):
    raise StoppedError("the machine is needed")


# ---- who comes first


def test_one_that_is_not_done_in_time_twice_comes_after_the_others_in_the_next_run(town, clock):
    spaces = town.open()
    say(spaces, ANA, "a1")
    bob = say(spaces, BOB, "b1")
    town.at = slow(clock, "a1")
    first, second, third = (run(spaces, deadline=1.0) for _ in range(3))
    for report in (first, second):
        assert (report.held, report.left, report.ended) == ((), {ANA: 1, BOB: 1}, "deadline")
    assert (third.held, third.left, third.ended) == (bob, {ANA: 1}, "deadline")


@pytest.mark.parametrize(("kills", "first"), [(0, "ana"), (1, "ana"), (2, "bob"), (3, "ana"), (4, "bob")])
def test_one_that_was_killed_comes_after_the_others_every_second_time(town, kills, first):
    spaces = town.open()
    say(spaces, ANA, "a1")
    say(spaces, BOB, "b1")
    spaces = kill(town, spaces, *[ANA] * kills)
    run(spaces)
    assert next(name for name, _ in town.learned) == first
    assert {name for name, _ in town.learned} == {"ana", "bob"}


@pytest.mark.parametrize(("kills", "first"), [(1, ["ana", "bob", "cy"]), (2, ["ana"]), (3, ["ana"])])
def test_those_that_were_killed_together_twice_are_learned_one_by_one(town, monkeypatch, kills, first):
    spaces, rows, group = town.open(), [], batch._Run._group

    def seen(self, waiting):
        rows.append([namespace[-1] for namespace in group(self, waiting)])
        return group(self, waiting)

    monkeypatch.setattr(batch._Run, "_group", seen)
    for namespace in (ANA, BOB, CY):
        say(spaces, namespace, "said")
    spaces = kill(town, spaces, *[ANA, BOB, CY] * kills)
    run(spaces, concurrency=3)
    assert rows[0] == first  # once may have been chance
    assert sorted(name for row in rows for name in row) == ["ana", "bob", "cy"]


def test_one_that_is_done_is_in_its_place_again(town):
    spaces = town.open()
    say(spaces, ANA, "a1")
    spaces = kill(town, spaces, ANA, ANA)
    run(spaces)
    say(spaces, ANA, "a2")
    say(spaces, BOB, "b1")
    run(spaces)
    assert [name for name, _ in town.learned] == ["ana", "ana", "bob"]


def test_one_that_was_stopped_once_is_not_kept_waiting_by_one_that_always_is(town, clock):
    spaces = town.open()
    say(spaces, ANA, "a1")
    say(spaces, BOB, "b1")
    spaces = kill(town, spaces, BOB)
    town.at = slow(clock, "a1")
    assert any(BOB in run(spaces, deadline=1.0).reports for _ in range(4))


def test_of_two_that_are_never_done_each_is_tried_and_a_third_is_learned(town, clock):
    spaces = town.open()
    for namespace, text in ((ANA, "a1"), (BOB, "b1"), (CY, "c1")):
        say(spaces, namespace, text)
    town.at = slow(clock, "a1", "b1")
    reports = [run(spaces, deadline=1.0) for _ in range(12)]
    assert CY in {namespace for report in reports[:5] for namespace in report.reports}
    tried = [job.namespace for job in spaces._store.jobs.list()]
    assert min(tried.count(ANA), tried.count(BOB)) > 3


@pytest.mark.parametrize(("kills", "order"), [(1, ["ana", "bob"]), (2, ["bob", "ana"]), (3, ["ana", "bob"])])
def test_the_worker_too_takes_one_that_was_killed_after_the_others_every_second_time(town, kills, order):
    spaces = town.open(settings=EACH)
    say(spaces, ANA, "a1")
    say(spaces, BOB, "b1")
    spaces = kill(town, spaces, *[ANA] * kills, settings=EACH)
    assert [spaces._step() for _ in range(3)] == [True, True, False]
    assert [name for name, _ in town.learned] == order


def test_the_worker_too_does_not_keep_one_waiting_that_was_killed_less_often(town):
    spaces = town.open(settings=EACH)
    say(spaces, ANA, "a1")
    say(spaces, BOB, "b1")
    spaces = kill(town, spaces, BOB, BOB, ANA, ANA, ANA, ANA, settings=EACH)
    assert spaces._step() is True
    assert town.learned == [("bob", 1)]


# ---- how large the next episode is


def test_one_that_was_stopped_twice_is_halved_each_time_until_one_is_done(home):
    engine = home.open(settings=EIGHT)
    tell(engine, *"abcdefghijklmnop")
    for _ in range(3):
        with pytest.raises(StoppedError):
            engine.consolidate(progress=stop)
    assert list(map(len, engine.quick.episodes)) == [8, 8, 4]
    assert len(engine.consolidate().held) == 16
    assert list(map(len, engine.quick.episodes[3:])) == [2, 7, 7]
    assert engine.quick.episodes[3] == ["a", "b"]  # the oldest first
    assert {turn.attempts for turn in engine.turns()} == {0}


def test_one_that_was_killed_twice_is_halved_too(home):
    engine = home.open(settings=EIGHT)
    tell(engine, *"abcdefgh")
    for _ in range(2):
        begin(engine._store, ANA)
        engine.close()
        engine = home.open(settings=EIGHT)
    engine.consolidate()
    assert list(map(len, engine.quick.episodes)) == [4, 4]


def test_one_turn_is_always_left_to_be_tried(home):
    engine = home.open(settings=EIGHT)
    tell(engine, "a", "b", "c")
    for _ in range(5):
        with pytest.raises(StoppedError):
            engine.consolidate(progress=stop)
    assert engine.quick.episodes == [["a", "b", "c"]] * 2 + [["a"]] * 3


def test_one_that_failed_in_between_came_to_an_end(home):
    engine = home.open(settings=EIGHT)
    tell(engine, *"abcdefgh")

    def fail(*_):
        raise ValueError("no")

    for progress in (stop, stop, fail, stop):
        with pytest.raises((StoppedError, ValueError)):
            engine.consolidate(progress=progress)
    engine.consolidate()
    assert list(map(len, engine.quick.episodes)) == [8, 8, 4, 8, 8]


def test_the_worker_takes_the_half_too(home):
    settings = with_(policy={"every_turns": 8, "max_turns": 8})
    engine = home.open(settings=settings)
    tell(engine, *"abcdefgh")
    for _ in range(2):
        with pytest.raises(StoppedError):
            engine.consolidate(progress=stop)
    assert engine.step() is True
    assert list(map(len, engine.quick.episodes)) == [8, 8, 4]
