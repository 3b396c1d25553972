"""Learning waits for those who are being answered, and not for ever."""

import contextlib
import threading

import pytest
import torch

from langchain_selfparam.config import PolicyConfig, Settings, TrainingConfig
from langchain_selfparam.engine.learn import Learner
from langchain_selfparam.serving.activity import REQUESTS, Activity, Slots
from langchain_selfparam.serving.gate import gate_for
from langchain_selfparam.serving.generator import ChatGenerator
from langchain_selfparam.testing import saying


def never():
    return False


def test_nobody_is_waited_for_where_nobody_is_answered():
    assert Activity().wait_for_quiet(60) < 1


def test_an_answer_is_waited_for_but_not_for_ever(in_thread):
    activity, begun, end = Activity(), threading.Event(), threading.Event()

    def answer():
        with activity.answering():
            begun.set()
            end.wait(20)

    with in_thread(answer):
        begun.wait(20)
        assert activity.wait_for_quiet(0) == 0
        assert activity.wait_for_quiet(0.01) >= 0.01
        end.set()
        assert activity.wait_for_quiet(20) < 20


def test_an_answer_that_fails_is_over():
    activity = Activity()
    with pytest.raises(OSError, match="x"), activity.answering():
        raise OSError("x")
    assert activity.wait_for_quiet(20) < 1


def test_each_answer_of_a_model_counts(tiny):
    busy = []
    with saying(tiny, "Yes.", each_token=lambda at: busy.append(REQUESTS._answers)):
        ChatGenerator(tiny, gate_for(tiny.model)).complete([_User("Hello")])
    assert set(busy) == {1}
    assert REQUESTS._answers == 0


class _User:
    role = "user"

    def __init__(self, text):
        self.text = text


def test_every_step_of_learning_waits(tiny, monkeypatch):
    waits, told = [], []
    monkeypatch.setattr(REQUESTS, "wait_for_quiet", lambda seconds: waits.append(seconds))
    settings = Settings(policy=PolicyConfig(), training=TrainingConfig(patience=0.5))
    learner = Learner(tiny, gate_for(tiny.model), settings=settings)
    progress = learner._yielding(lambda *at: told.append((at, list(waits))))
    progress("student", 1, 2)
    progress("student", 2, 2)
    assert told == [(("student", 1, 2), [0.5]), (("student", 2, 2), [0.5, 0.5])]


def test_only_so_many_are_answered_at_a_time(in_thread, until):
    slots, inside, end = Slots(2), [], threading.Event()

    def answer():
        with slots.one(torch.device("cpu"), should_stop=never):
            inside.append(1)
            end.wait(20)

    with in_thread(answer), in_thread(answer), in_thread(answer):
        until(lambda: len(inside) == 2)
        with slots.one(torch.device("meta"), should_stop=never):  # no core of this machine's is wanted
            assert len(inside) == 2
        end.set()
        until(lambda: len(inside) == 3)


def test_who_is_wanted_no_longer_leaves_the_queue_and_gives_nothing_back():
    slots, asked = Slots(1), []

    def gone():
        asked.append(1)
        return len(asked) == 3

    cpu = torch.device("cpu")
    with slots.one(cpu, should_stop=never) as first, slots.one(cpu, should_stop=gone) as second:
        assert (first, second, len(asked)) == (True, False, 3)
    with slots.one(cpu, should_stop=never) as third:
        assert third
        assert not slots._slots.acquire(blocking=False)  # still one place alone


def test_places_are_given_back_by_answers_that_fail():
    slots = Slots(1)
    for _ in range(3):
        with pytest.raises(OSError, match="x"), slots.one(torch.device("cpu"), should_stop=never):
            raise OSError("x")


@pytest.mark.parametrize(("cores", "threads", "places"), [(2, 2, 2), (8, 4, 4), (1, 2, 2), (None, 1, 2)])
def test_by_default_two_share_the_cores(monkeypatch, cores, threads, places):
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    slots = Slots()
    with contextlib.ExitStack() as inside:
        for _ in range(places):
            inside.enter_context(slots.one(torch.device("cpu"), should_stop=never))
        assert not slots._slots.acquire(blocking=False)
    assert slots._slots.acquire(blocking=False)
