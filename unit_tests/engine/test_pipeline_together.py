"""Saying, learning, rolling back and closing beside each other."""

import threading
from datetime import datetime, timedelta, timezone

import pytest
from engine_home import DOG, SISTER, everything, same, say, states, with_

from langchain_selfparam.serving.gate import gate_for

# ---- beside each other


def test_saying_does_not_wait_for_a_consolidation(home, in_thread):
    engine = home.open()
    say(engine, DOG)
    inside, leave = threading.Event(), threading.Event()

    def at(stage):
        if stage == "student" and not inside.is_set():
            inside.set()
            assert leave.wait(20)

    engine.quick.at = at
    with in_thread(engine.consolidate):
        assert inside.wait(20)
        # All of this happens while the consolidation is held up: none of it may wait for it.
        say(engine, SISTER)
        assert states(engine) == {DOG: "leased", SISTER: "pending"}
        assert [t.user for t in engine.prompt_turns(keep_last=1)] == [DOG, SISTER]
        assert engine.pending_tokens > 0
        assert len(engine.versions()) == 1
        with gate_for(engine.local.model).writing(timeout=0):
            pass
        leave.set()
    # The turn that came meanwhile was learned in an episode of its own.
    assert engine.quick.episodes == [[DOG], [SISTER]]
    assert states(engine) == {DOG: "held", SISTER: "held"}


class Counted:
    """A lock that tells how many have come to it."""

    def __init__(self, lock):
        self.lock, self.came = lock, 0

    def __enter__(self):
        self.came += 1
        return self.lock.__enter__()

    def __exit__(self, *error):
        return self.lock.__exit__(*error)


@pytest.mark.parametrize("operation", ["rollback", "forget", "export", "consolidate"])
def test_operations_on_weights_wait_for_each_other(home, tmp_path, in_thread, until, operation):
    engine = home.open()
    say(engine, "a")
    engine.consolidate()
    say(engine, DOG)
    lock = engine.lock = Counted(engine.lock)
    inside, leave, order = threading.Event(), threading.Event(), []

    def at(stage):
        if stage == "student":
            inside.set()
            assert leave.wait(20)

    def second():
        arguments = {"rollback": [1], "forget": [[1]], "export": [tmp_path / "adapter"], "consolidate": []}[operation]
        getattr(engine, operation)(*arguments)
        order.append("second")

    engine.quick.at = at
    with in_thread(lambda: (engine.consolidate(), order.append("first"))):
        assert inside.wait(20)
        with in_thread(second):
            until(lambda: lock.came == 2)
            assert order == []
            leave.set()
    assert sorted(order) == ["first", "second"]
    assert engine.quick.episodes == [["a"], [DOG]]
    assert len(engine.versions()) == (1 if operation == "forget" else 3)


def test_close_waits_for_a_consolidation_that_runs(home, in_thread, until):
    engine = home.open()
    base = everything(engine)
    say(engine, DOG)
    inside, leave = threading.Event(), threading.Event()

    def at(stage):
        if stage == "student":
            inside.set()
            assert leave.wait(20)

    engine.quick.at = at
    reports = []
    with in_thread(lambda: reports.append(engine.consolidate())):
        assert inside.wait(20)
        with in_thread(engine.close):
            until(lambda: engine.closed)
            leave.set()
    assert [r.held for r in reports] == [(1,)]
    assert same(everything(engine), base)
    assert states(home.open()) == {DOG: "held"}


def test_the_worker_consolidates_when_the_policy_says_so_and_flush_waits(home):
    engine = home.open(background=True, settings=with_(policy={"every_turns": 3}))
    say(engine, "a", "b")
    engine.flush(20)
    assert engine.quick.episodes == []
    say(engine, "c")
    engine.flush(20)
    assert engine.quick.episodes == [["a", "b", "c"]]
    assert engine.last_report.held == (1, 2, 3)
    assert set(states(engine).values()) == {"held"}


def test_the_worker_waits_for_silence(home, until):
    engine = home.open(background=True, settings=with_(policy={"every_turns": 1, "after_seconds": 0.5}))
    say(engine, "a")
    engine.flush(20)
    assert engine.quick.episodes == []
    say(engine, "b")
    until(lambda: engine.quick.episodes == [["a", "b"]])
    said = engine.turns()[-1].created_at
    assert (datetime.now(timezone.utc) - said).total_seconds() >= 0.5


def test_outside_the_quiet_hours_only_who_asks_is_served(home):
    clock = datetime.now().astimezone()
    closed = f"{clock + timedelta(hours=2):%H:%M}-{clock + timedelta(hours=3):%H:%M}"
    engine = home.open(settings=with_(policy={"every_turns": 1, "quiet_hours": closed}))
    say(engine, "a")
    engine.flush()
    assert engine.quick.episodes == []
    assert timedelta(hours=1) < engine.step() <= timedelta(hours=2)
    assert engine.consolidate().held == (1,)


def test_the_worker_counts_tokens_as_told(home):
    counted = []

    def count(text):
        counted.append(text)
        return 10

    policy = {"every_turns": None, "every_tokens": 20}
    engine = home.open(background=True, settings=with_(policy=policy), count_tokens=count)
    say(engine, "a")
    engine.flush(20)
    assert engine.quick.episodes == []
    say(engine, "b")
    engine.flush(20)
    assert engine.quick.episodes == [["a", "b"]]
    assert counted


def test_what_waited_in_the_folder_is_found_at_opening(home, in_thread):
    engine = home.open()
    say(engine, "a", "b")
    engine.close()
    again = home.open(background=True, settings=with_(policy={"every_turns": 3}))
    say(again, "c")
    again.flush(20)
    assert again.quick.episodes == [["a", "b", "c"]]


def test_an_error_of_the_worker_is_raised_by_flush_and_kept(home):
    engine = home.open(background=True, settings=with_(policy={"every_turns": 1}))
    error = RuntimeError("broken at 4")

    def at(stage):
        raise error

    engine.quick.at = at
    say(engine, DOG)
    with pytest.raises(RuntimeError, match="broken at 4"):
        engine.flush(20)
    assert engine.last_error is error
    engine.quick.at = lambda stage: None
    engine.flush(20)
    assert states(engine) == {DOG: "held"}
    assert engine.last_error is None


def test_close_stops_the_worker(home):
    engine = home.open(background=True, settings=with_(policy={"every_turns": 1}))
    say(engine, DOG)
    engine.flush(20)
    engine.close()
    assert not [t for t in threading.enumerate() if t is engine.worker._thread]


def test_flush_without_a_worker_does_the_work_itself(home):
    engine = home.open(settings=with_(policy={"every_turns": 2, "max_turns": 2}))
    say(engine, *"abcde")
    engine.flush()
    assert engine.quick.episodes == [["a", "b"], ["c", "d"]]
    assert states(engine)["e"] == "pending"
