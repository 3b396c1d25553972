"""Many readers, one writer, the writer first, and nobody waits for himself."""

import copy
import gc
import pickle
import threading
import weakref

import pytest
import torch

from langchain_selfparam.serving.gate import Gate, gate_for
from langchain_selfparam.serving.routing import unwrap_generate, wrap_generate
from langchain_selfparam.testing import tiny_model


def _waiting(gate, count):
    return lambda: len(gate._condition._waiters) == count


def test_readers_read_together(in_thread):
    gate, together, met = Gate(), threading.Barrier(3), []

    def read():
        with gate.reading():
            met.append(together.wait(20))

    with in_thread(read), in_thread(read), in_thread(read):
        pass
    assert sorted(met) == [0, 1, 2]


@pytest.mark.parametrize("patience", [0.0, 0.05])
def test_writer_waits_for_readers_and_goes_before_later_ones(in_thread, until, patience):
    gate, order = Gate(), []

    def write():
        with gate.writing(patience=patience):
            order.append("write")

    def read():
        with gate.reading():
            order.append("late read")

    gate.acquire_read()
    with in_thread(write):
        until(lambda: gate._waiting_writers == 1)
        with in_thread(read):
            until(_waiting(gate, 2))
            order.append("first read ends")
            gate.release_read()
    assert order == ["first read ends", "write", "late read"]


def test_a_patient_writer_lets_readers_in_until_nobody_reads(in_thread, until):
    gate, order = Gate(), []

    def write():
        with gate.writing(patience=20):
            order.append("write")

    gate.acquire_read()
    with in_thread(write):
        until(_waiting(gate, 1))
        with gate.reading():
            gate.release_read()
            order.append("another read")
            gate.acquire_read()
        order.append("last read ends")
        gate.release_read()
    assert order == ["another read", "last read ends", "write"]


def test_two_writers_never_meet(in_thread):
    gate, inside, met = Gate(), [], []

    def write():
        for _ in range(200):
            with gate.writing():
                inside.append(1)
                met.append(len(inside))
                inside.pop()

    with in_thread(write), in_thread(write), in_thread(write):
        pass
    assert set(met) == {1}
    assert len(met) == 600


def test_reader_never_meets_a_writer(in_thread):
    gate, value = Gate(), [0, 0]

    def write():
        for n in range(200):
            with gate.writing():
                value[0] = n
                value[1] = n

    def read():
        for _ in range(200):
            with gate.reading():
                assert value[0] == value[1]

    with in_thread(write), in_thread(read), in_thread(read):
        pass


def test_a_reader_may_read_again_although_a_writer_waits(in_thread, until):
    gate, order, go = Gate(), [], threading.Event()

    def write():
        with gate.writing():
            order.append("write")

    def read():
        with gate.reading():
            go.wait(20)
            with gate.reading():
                order.append("nested")

    with in_thread(read):
        until(lambda: gate._readers == 1)
        with in_thread(write):
            until(_waiting(gate, 1))
            go.set()
    assert order == ["nested", "write"]


def test_ahead_does_not_queue_behind_a_waiting_writer(in_thread, until):
    gate, order = Gate(), []

    def write():
        with gate.writing():
            order.append("write")

    def help_the_reader():
        with gate.reading(ahead=True):
            order.append("helper")

    gate.acquire_read()
    with in_thread(write):
        until(_waiting(gate, 1))
        with in_thread(help_the_reader):
            pass
        gate.release_read()
    assert order == ["helper", "write"]


def test_a_writer_may_read_what_it_wrote():
    gate = Gate()
    with gate.writing():
        assert gate.read_by_this_thread
        with gate.reading(), gate.reading():
            pass
    assert not gate.read_by_this_thread


@pytest.mark.parametrize("outer", ["reading", "writing"])
def test_writing_inside_is_refused_instead_of_waiting_forever(outer):
    gate = Gate()
    with getattr(gate, outer)(), pytest.raises(RuntimeError, match="already inside"), gate.writing():
        pass
    with gate.writing(timeout=0):
        pass


def test_what_one_thread_took_another_may_give_back(in_thread):
    gate = Gate()
    gate.acquire_read()
    with in_thread(gate.release_read):
        pass
    entered = False
    with gate.writing(timeout=0):
        entered = True
    assert entered


def test_giving_back_too_much_is_an_error():
    with pytest.raises(RuntimeError, match=r"release_read\(\) without acquire_read\(\)"):
        Gate().release_read()


def test_writer_gives_up_after_its_timeout_and_leaves_nothing_behind():
    gate = Gate()
    gate.acquire_read()
    gate.acquire_read()
    with pytest.raises(TimeoutError, match=r"after 0\.01 s: 2 reader"), gate.writing(timeout=0.01):
        pass
    gate.acquire_read()  # would hang, had the writer gone on waiting
    for _ in range(3):
        gate.release_read()
    with gate.writing(timeout=0):
        pass


def test_timeout_names_the_writer(in_thread, until):
    gate, leave = Gate(), threading.Event()

    def write():
        with gate.writing():
            leave.wait(20)

    with in_thread(write):
        until(lambda: gate._writer is not None)
        with pytest.raises(TimeoutError, match=r"after 0\.01 s: a writer"), gate.writing(timeout=0.01):
            pass
        leave.set()


@pytest.mark.parametrize("kind", ["reading", "writing"])
def test_an_error_inside_gives_the_gate_back(kind):
    gate = Gate()
    with pytest.raises(KeyError, match="inside"), getattr(gate, kind)():
        raise KeyError("inside")
    with gate.writing(timeout=0):
        pass


def test_one_gate_for_each_model(in_thread):
    first, second = tiny_model(), tiny_model()
    found = []
    with in_thread(lambda: found.append(gate_for(first.model))):
        pass
    assert gate_for(first.model) is found[0]
    assert gate_for(second.model) is not found[0]


def test_the_gate_goes_with_the_model():
    model = torch.nn.Linear(1, 1)
    gone = weakref.ref(gate_for(model))
    del model
    gc.collect()
    assert gone() is None


class Recorder(torch.nn.Module):
    """Notes who generates, and whether under the gate."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.calls = []

    def generate(self, text, *, loud=False):
        self.calls.append(gate_for(self).read_by_this_thread)
        return text.upper() if loud else text


def test_wrapped_generate_reads_through_the_gate_and_is_otherwise_the_same():
    model = Recorder()
    wrap_generate(model, gate_for(model))
    assert model.generate("hi", loud=True) == "HI"
    assert model.calls == [True]
    assert model.generate.__name__ == "generate"


def test_wrapping_twice_is_as_once_and_unwrapping_undoes_it():
    model = Recorder()
    gate = gate_for(model)
    wrap_generate(model, gate)
    once = model.generate
    wrap_generate(model, gate)
    assert model.generate is once
    unwrap_generate(model)
    assert "generate" not in vars(model)
    unwrap_generate(model)
    model.generate("hi")
    assert model.calls == [False]


def test_a_generate_of_the_objects_own_is_kept():
    model = Recorder()
    model.generate = patched = lambda text: f"patched {text}"
    wrap_generate(model, gate_for(model))
    assert model.generate("hi") == "patched hi"
    unwrap_generate(model)
    assert model.generate is patched


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_generates_for_itself_and_without_the_gate(clone):
    model = Recorder()
    wrap_generate(model, gate_for(model))
    other = clone(model)
    assert other.generate("hi") == "hi"
    assert other.calls == [False]
    assert model.calls == []
    again = clone(other)
    again.generate("hi")
    assert (len(again.calls), len(other.calls)) == (2, 1)


def test_a_shadow_that_shares_parameters_can_be_made_of_a_wrapped_model():
    local = tiny_model()
    wrap_generate(local.model, gate_for(local.model))
    shadow = copy.deepcopy(local.model, {id(p): p for p in local.model.parameters()})
    assert shadow.generate.__self__ is shadow
    assert next(shadow.parameters()) is next(local.model.parameters())


def test_a_wrapped_model_saves_and_counts_as_before(tmp_path):
    local = tiny_model()
    before = local.fingerprint()
    wrap_generate(local.model, gate_for(local.model))
    local.model.save_pretrained(tmp_path)
    assert local.fingerprint() == before


def test_wrapped_generate_waits_for_the_writer(in_thread, until):
    model, leave, order = Recorder(), threading.Event(), []
    gate = gate_for(model)
    wrap_generate(model, gate)

    def write():
        with gate.writing():
            leave.wait(20)
            order.append("swapped")

    with in_thread(write):
        until(lambda: gate._writer is not None)
        with in_thread(lambda: order.append(model.generate("generated"))):
            until(_waiting(gate, 1))
            leave.set()
    assert order == ["swapped", "generated"]
