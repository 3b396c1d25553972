"""Work on a GPU is recorded at its second call and launched as one; elsewhere it is called as it is."""

import contextlib
import logging

import pytest
import torch

from langchain_selfparam.serving.recorded import Recorded


class Work:
    """Counts its calls; with an error, the second and later ones fail."""

    def __init__(self, error=None):
        self.out, self.calls, self.error = torch.zeros(1), 0, error

    def __call__(self):
        self.calls += 1
        if self.calls == 2 and self.error is not None:
            raise self.error
        return self.out


class Model:
    """Somebody whose step it is."""


class Stream:
    def __init__(self, log):
        self.log = log

    def wait_stream(self, other):
        self.log.append("wait")


@pytest.fixture
def gpu(monkeypatch):
    """torch's graphs as they are called, with nothing behind them. Gives what was called."""
    log = []

    class Graph:
        def capture_begin(self, *, capture_error_mode):
            log.append(f"begin {capture_error_mode}")

        def capture_end(self):
            log.append("end")

        def replay(self):
            log.append("replay")

    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream(log))
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: Stream(log))
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "device", lambda device: contextlib.nullcontext())
    return log


def test_elsewhere_it_is_called_each_time(gpu):
    work = Work()
    recorded = Recorded(work, torch.device("cpu"), of=Model())
    assert all(recorded() is work.out for _ in range(3))
    assert work.calls == 3
    assert gpu == []


def test_on_a_gpu_the_second_call_records_and_later_ones_replay(gpu):
    work = Work()
    recorded = Recorded(work, torch.device("cuda"), of=Model())
    assert recorded() is work.out
    assert gpu == []
    assert all(recorded() is work.out for _ in range(3))
    assert work.calls == 2
    assert gpu == ["wait", "begin thread_local", "end", "wait", "replay", "replay", "replay"]


def test_what_cannot_be_recorded_is_called_as_it_is_and_said(gpu, caplog):
    work = Work(RuntimeError("operation not permitted when stream is capturing"))
    recorded = Recorded(work, torch.device("cuda"), of=Model())
    with caplog.at_level(logging.WARNING, "langchain_selfparam"):
        assert all(recorded() is work.out for _ in range(4))
    assert work.calls == 5
    assert gpu == ["wait", "begin thread_local", "end"]
    (line,) = caplog.messages
    assert line == (
        "a decoding step cannot be recorded as a CUDA graph and is launched piece by piece: "
        "operation not permitted when stream is capturing"
    )


def test_what_could_not_be_recorded_of_a_model_is_not_tried_again_nor_said_again(gpu, caplog):
    model, cuda = Model(), torch.device("cuda")
    for work, calls in ((Work(RuntimeError("no")), 5), (Work(), 4), (Work(), 4)):
        recorded = Recorded(work, cuda, of=model)
        assert all(recorded() is work.out for _ in range(4))
        assert work.calls == calls
    assert len(caplog.messages) == 1
    assert gpu == ["wait", "begin thread_local", "end"]
    other = Recorded(Work(), cuda, of=Model())
    assert [other() is not None for _ in range(3)] == [True] * 3
    assert gpu[-1] == "replay"


def test_a_full_memory_is_an_error(gpu):
    recorded = Recorded(Work(torch.cuda.OutOfMemoryError("full")), torch.device("cuda"), of=Model())
    recorded()
    with pytest.raises(torch.cuda.OutOfMemoryError, match=r"^full$"):
        recorded()
    assert gpu[-1] == "end"
