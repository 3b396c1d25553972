"""Whoever watches hears of every consolidation and its stages, and can stop none."""

import traceback

import pytest
from langchain_core.callbacks import BaseCallbackHandler

from langchain_selfparam import ChatSelfParam, ParametricMemory
from langchain_selfparam.engine.learn import Learner

STAGES = ["targets", "teacher", "student", "probes", "commit"]
QUICK = {
    "targets": {
        "samples": 1,
        "bank": 0,
        "neutral": 2,
        "contrast": 2,
        "alike": 0,
        "contrast_tokens": 2,
        "neutral_tokens": 2,
        "calibration": 0,
    },
    "training": {"epochs": 1, "rank": 1},
    "verify": {"max_drift": 100.0, "hold": 0.0, "max_neighbours_wrong": 1.0, "answer_tokens": 2},
}


class Heard(BaseCallbackHandler):
    def __init__(self):
        self.runs, self.ended, self.errors, self.told = {}, {}, [], ""

    def on_chain_start(self, serialized, inputs, *, run_id, parent_run_id=None, name="", **kwargs):
        self.runs[run_id] = (name, inputs, parent_run_id)

    def on_chain_end(self, outputs, *, run_id, **kwargs):
        self.ended[self.runs[run_id][0]] = outputs

    def on_chain_error(self, error, *, run_id, **kwargs):
        self.errors.append((self.runs[run_id][0], repr(error)))
        self.told += "".join(traceback.format_exception(error))


@pytest.fixture
def remember(tiny, tmp_path):
    def make(**fields):
        llm = ChatSelfParam(local=tiny)
        return ParametricMemory(llm, path=tmp_path / "m", consolidate_every=None, **{"settings": QUICK, **fields})

    return make


@pytest.mark.parametrize("isolation", ["shared", "namespace"])
def test_a_consolidation_is_a_run_with_a_child_for_each_stage(remember, isolation):
    heard, figures = Heard(), []
    fields = {"isolation": isolation, "namespace": ("memories", "ana")}
    with remember(callbacks=[heard], metrics=lambda *figure: figures.append(figure), **fields) as memory:
        memory.save_context({"input": "My dog is called Biscuit."}, {"output": "What a name!"})
        report = memory.consolidate()
    names = [name for name, _, _ in heard.runs.values()]
    assert names == ["consolidate", *STAGES]
    root = next(iter(heard.runs))
    assert [parent for _, _, parent in heard.runs.values()] == [None, *[root] * len(STAGES)]
    assert heard.runs[root][1] == {"turns": [1], "namespace": "memories/ana"}
    assert "Biscuit" not in str(heard.runs) + str(heard.ended)  # ids, not words
    assert heard.ended["consolidate"]["version"] == report.version == 1
    assert heard.ended["consolidate"]["held"] == [1]
    assert set(heard.ended) == {"consolidate", *STAGES}
    by_name = {}
    for name, value, attributes in figures:
        by_name.setdefault(name, []).append((value, attributes))
    stages = {attributes["stage"]: value for value, attributes in by_name["selfparam.consolidation.duration"]}
    assert stages == dict(report.seconds)
    assert by_name["selfparam.turns.held"] == [(1.0, {"namespace": "memories/ana"})]
    assert by_name["selfparam.consolidation.drift"][0][0] == report.drift


def test_a_failure_ends_the_runs_with_its_kind_and_none_of_its_words(remember, monkeypatch):
    heard, figures = Heard(), []

    def fail(self, episode, *, progress, **kwargs):
        progress("targets", 1, 4)
        try:
            raise KeyError("Biscuit")
        except KeyError as error:
            raise OSError("broken at 'Biscuit'") from error
        yield

    monkeypatch.setattr(Learner, "lesson", fail)
    with remember(callbacks=[heard], metrics=lambda *figure: figures.append(figure)) as memory:
        memory.save_context({"input": "My dog is called Biscuit."}, {"output": "What a name!"})
        with pytest.raises(OSError, match="broken"):
            memory.consolidate()
    assert heard.errors == [("targets", "OSError()"), ("consolidate", "OSError()")]
    assert "OSError" in heard.told
    assert "Biscuit" not in heard.told
    assert [(name, attributes["kind"]) for name, _, attributes in figures] == [
        ("selfparam.consolidation.errors", "OSError")
    ]


def test_reasons_are_counted_and_not_told(remember):
    heard = Heard()
    settings = {**QUICK, "verify": {**QUICK["verify"], "hold": 1.0}}
    with remember(callbacks=[heard], settings=settings) as memory:
        memory.save_context({"input": "My dog is called Biscuit."}, {"output": "What a name!"})
        report = memory.consolidate()
    assert len(report.reasons) > 0
    assert heard.ended["consolidate"]["reasons"] == len(report.reasons)


def test_the_worker_is_watched_as_well(tiny, tmp_path):
    heard = Heard()
    fields = {"path": tmp_path / "m", "settings": QUICK, "consolidate_every": 1, "callbacks": [heard]}
    with ParametricMemory(ChatSelfParam(local=tiny), **fields) as memory:
        memory.save_context({"input": "My dog is called Biscuit."}, {"output": "What a name!"})
        memory.flush(60)
    assert heard.ended["consolidate"]["held"] == [1]


def test_trouble_of_whoever_watches_stops_nothing(remember, caplog):
    class Broken(BaseCallbackHandler):
        raise_error = True

        def on_chain_start(self, *args, **kwargs):
            raise OSError("no trace")

    def broken(*figure):
        raise OSError("no figures")

    with remember(callbacks=[Broken()], metrics=broken) as memory:
        memory.save_context({"input": "My dog is called Biscuit."}, {"output": "What a name!"})
        assert memory.consolidate().version == 1
    assert "a trace was not begun: OSError: no trace" in caplog.text
    assert "a figure was not passed on: OSError: no figures" in caplog.text
