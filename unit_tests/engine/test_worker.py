"""One thread, woken when there is work, that no error ends and nobody waits for in vain."""

import logging
import subprocess
import sys
import threading
import time
import weakref
from datetime import timedelta

import pytest

from langchain_selfparam.engine import worker as worker_
from langchain_selfparam.engine.worker import Worker
from langchain_selfparam.errors import ClosedError, OutOfMemoryError

SOON = 20.0


class Script:
    """A step that plays what it is given: a value to return, an error to raise, a function to call."""

    def __init__(self, *parts):
        self.parts, self.calls, self.threads = list(parts), [], set()

    def __call__(self):
        self.calls.append(time.monotonic())
        self.threads.add(threading.current_thread())
        part = self.parts.pop(0) if self.parts else False
        if isinstance(part, BaseException):
            raise part
        return part() if callable(part) else part


class Held:
    """A step that waits to be let go."""

    def __init__(self, more=False):
        self.entered, self.go, self.more = threading.Event(), threading.Event(), more

    def __call__(self):
        self.entered.set()
        assert self.go.wait(SOON)
        return self.more


@pytest.fixture
def work():
    made = []

    def make(step, **options):
        made.append(Worker(step, **options))
        return made[-1]

    yield make
    for worker in made:
        assert worker.close(SOON)


def test_steps_until_nothing_is_due(work):
    step = Script(True, True, False)
    worker = work(step)
    assert step.calls == []
    worker.notify()
    worker.flush(SOON)
    assert len(step.calls) == 3
    assert {t.daemon for t in step.threads} == {True}
    assert threading.current_thread() not in step.threads
    worker.notify()
    worker.flush(SOON)
    assert len(step.calls) == 4
    assert len(step.threads) == 1


def test_notify_during_a_step_looks_again(work):
    held = Held()
    step = Script(held, False)
    worker = work(step)
    worker.notify()
    assert held.entered.wait(SOON)
    assert worker.busy
    for _ in range(5):
        worker.notify()
    held.go.set()
    worker.flush(SOON)
    assert len(step.calls) == 2
    assert not worker.busy


def test_idle_worker_does_not_poll(work, monkeypatch):
    step = Script(False)
    worker = work(step)
    worker.notify()
    worker.flush(SOON)
    waits, wait = [], worker._changed.wait
    monkeypatch.setattr(worker._changed, "wait", lambda timeout=None: (waits.append(timeout), wait(timeout)))
    worker.notify()
    worker.flush(SOON)
    assert set(waits) <= {None} | {t for t in waits if t and t > SOON - 5}
    assert len(step.calls) == 2


def test_a_step_may_say_when_to_look_again(work, until):
    step = Script(timedelta(seconds=0.2), timedelta(hours=1))
    worker = work(step)
    worker.notify()
    worker.flush(SOON)  # nothing is due now
    assert len(step.calls) == 1
    until(lambda: len(step.calls) == 2)
    assert step.calls[1] - step.calls[0] >= 0.2
    worker.flush(SOON)
    step.parts = [False]
    worker.notify()  # what comes is looked at when it comes, and the hour is forgotten
    worker.flush(SOON)
    assert len(step.calls) == 3
    assert worker._later is None


def test_a_long_wait_is_slept_in_pieces_and_the_step_asked_after_each(work, until, monkeypatch):
    monkeypatch.setattr(worker_, "_LONGEST_SLEEP", 0.1)
    hour = timedelta(hours=1)
    step = Script(hour, hour, timedelta(seconds=0.01), hour)
    worker = work(step)
    worker.notify()
    worker.flush(SOON)  # nothing is due meanwhile
    until(lambda: len(step.calls) == 4)
    first, second, third, fourth = step.calls
    assert min(second - first, third - second) >= 0.1
    assert fourth - third >= 0.01  # a short one is not made longer


def test_no_sleep_is_longer_than_ten_minutes(work):
    worker = work(Script(timedelta(days=2)))
    before = time.monotonic()
    worker.notify()
    worker.flush(SOON)
    assert 590 < worker._later - before < 630


def test_a_wait_is_no_reason_not_to_close_or_to_pause(work, until):
    step = Script(timedelta(seconds=0.1), False)
    worker = work(step)
    worker.notify()
    until(lambda: len(step.calls) == 1)
    with worker.paused(SOON):
        time.sleep(0.3)
        assert len(step.calls) == 1
    until(lambda: len(step.calls) == 2)
    step.parts = [timedelta(hours=1)]
    worker.notify()
    worker.flush(SOON)
    assert worker.close(SOON)


def test_flush_of_a_worker_that_was_never_notified(work):
    worker = work(Script())
    worker.flush()
    assert worker.close()
    worker.flush()


def test_error_is_kept_logged_and_tried_again(work, caplog, until):
    error = OSError("disk on fire")
    step = Script(error, True, False)
    worker = work(step, retry_seconds=0.02)
    with caplog.at_level(logging.ERROR):
        worker.notify()
        until(lambda: worker.last_error is error or len(step.calls) > 1)
        until(lambda: len(step.calls) == 3)
    assert "a background step failed; it is tried again in 0.02 s" in caplog.text
    assert "disk on fire" in caplog.text
    worker.flush(SOON)
    assert worker.last_error is None


def test_wait_doubles_up_to_the_longest_and_starts_anew_after_a_success(work, caplog, until):
    step = Script(*[ValueError(str(i)) for i in range(4)], True, ValueError("again"), False)
    worker = work(step, retry_seconds=0.01, max_retry_seconds=0.03)
    worker.notify()
    until(lambda: len(step.calls) == 7)
    waits = [r.getMessage().split("again in ")[1] for r in caplog.records]
    assert waits == ["0.01 s", "0.02 s", "0.03 s", "0.03 s", "0.01 s"]
    assert step.calls[1] - step.calls[0] >= 0.01
    assert step.calls[4] - step.calls[3] >= 0.03


def test_even_system_exit_does_not_end_the_thread(work, until):
    step = Script(SystemExit(3), False)
    worker = work(step, retry_seconds=0.0)
    worker.notify()
    until(lambda: len(step.calls) == 2)
    worker.flush(SOON)
    assert len(step.threads) == 1


def test_notify_does_not_cut_a_wait_short_and_flush_does(work, until):
    step = Script(ValueError("once"), False)
    worker = work(step, retry_seconds=3600)
    worker.notify()
    until(lambda: worker.last_error is not None)
    worker.notify()
    assert len(step.calls) == 1
    worker.flush(SOON)
    assert len(step.calls) == 2
    assert worker.last_error is None


def test_flush_raises_what_the_step_raises(work):
    error = OutOfMemoryError("lower the rank")
    step = Script(error, False)
    worker = work(step, retry_seconds=3600)
    held = Held()
    step.parts.insert(0, lambda: (held(), True)[1])
    worker.notify()
    assert held.entered.wait(SOON)
    threading.Timer(0.05, held.go.set).start()
    with pytest.raises(OutOfMemoryError, match="lower the rank"):
        worker.flush(SOON)
    assert worker.last_error is error
    worker.flush(SOON)
    assert worker.last_error is None


def test_flush_that_takes_too_long_says_what_is_left(work, until):
    held = Held()
    worker = work(Script(held))
    worker.notify()
    assert held.entered.wait(SOON)
    with pytest.raises(TimeoutError, match=r"work is left after 0.01 s: a step is running; call flush\(\) again"):
        worker.flush(0.01)
    held.go.set()
    worker.flush(SOON)
    with worker.paused():
        worker.notify()
        with pytest.raises(TimeoutError, match=r"after 0.01 s: work is due and the worker is paused"):
            worker.flush(0.01)


def test_flush_from_the_step_itself_is_refused(work):
    worker = work(lambda: worker.flush() or False, retry_seconds=3600)
    worker.notify()
    with pytest.raises(RuntimeError, match=r"the worker's own step called flush\(\) and would wait for itself"):
        worker.flush(SOON)


def test_pause_waits_for_the_step_and_holds_the_next_one(work, in_thread, until):
    held = Held(more=True)
    step = Script(held, False)
    worker = work(step)
    worker.notify()
    assert held.entered.wait(SOON)
    with pytest.raises(TimeoutError, match=r"is not paused: its step still runs after 0.01 s"):
        worker.pause(0.01)
    with in_thread(worker.pause):
        until(lambda: worker._pauses == 1)
        held.go.set()
    worker.pause(SOON)
    worker.resume()
    assert len(step.calls) == 1
    worker.resume()
    worker.flush(SOON)
    assert len(step.calls) == 2
    with pytest.raises(RuntimeError, match=r"resume\(\) without pause\(\)"):
        worker.resume()


def test_step_may_pause_its_own_worker(work):
    def step():
        with worker.paused():
            return False

    worker = work(step)
    worker.notify()
    worker.flush(SOON)
    assert worker.last_error is None


def test_pause_of_an_idle_worker(work):
    step = Script(False)
    worker = work(step)
    with worker.paused(0):
        worker.notify()
        assert step.calls == []
    worker.flush(SOON)
    assert len(step.calls) == 1


def test_close_ends_after_the_step_and_again_is_as_once(work, in_thread):
    held = Held(more=True)
    step = Script(held, False)
    worker = work(step)
    with in_thread(worker.notify):
        assert held.entered.wait(SOON)
    assert worker.close(0.01) is False
    held.go.set()
    assert worker.close(SOON) is True
    assert worker.close() is True
    assert len(step.calls) == 1
    worker.notify()
    assert len(step.calls) == 1
    with pytest.raises(ClosedError, match="closed before all work was done; open the folder again"):
        worker.flush(SOON)


def test_close_wakes_those_who_flush(work, in_thread, until):
    worker = work(Script(ValueError("x"), ValueError("y")), retry_seconds=3600)
    worker.pause()
    worker.notify()

    def flush():
        with pytest.raises(ClosedError, match="closed before all work was done"):
            worker.flush()

    with in_thread(flush):
        assert worker.close(SOON)


def test_close_does_not_wait_for_a_retry(work, until):
    worker = work(Script(ValueError("x")), retry_seconds=3600)
    worker.notify()
    until(lambda: worker.last_error is not None)
    assert worker.close(SOON) is True


def test_step_may_close_its_own_worker(work, until):
    closed = []
    worker = work(lambda: closed.append(worker.close()) or True)
    worker.notify()
    until(lambda: closed)
    assert closed == [False]
    assert worker.close(SOON) is True


def test_kept_error_lets_go_of_what_the_step_held(work, until):
    class Tensor:
        pass

    alive = []

    def step():
        big = Tensor()
        alive.append(weakref.ref(big))
        try:
            inner(big)
        except RuntimeError as error:
            msg = "did not fit"
            raise OutOfMemoryError(msg) from error

    def inner(big):
        also = Tensor()
        alive.append(weakref.ref(also))
        raise RuntimeError

    worker = work(step, retry_seconds=3600)
    worker.notify()
    until(lambda: worker.last_error is not None)
    assert [ref() for ref in alive] == [None, None]


def test_interpreter_ends_while_a_step_runs():
    code = (
        "import threading\n"
        "from langchain_selfparam.engine.worker import Worker\n"
        "started = threading.Event()\n"
        "worker = Worker(lambda: started.set() or threading.Event().wait())\n"
        "worker.notify()\n"
        "assert started.wait(20)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
