"""``demo`` and ``eval`` from start to end on a tiny model, with a real new process; learning is scripted."""

import dataclasses
import json

import pytest

from langchain_selfparam.engine.pipeline import Engine
from langchain_selfparam.engine.report import nothing_done
from langchain_selfparam.records import TrainPoint, TurnState


@pytest.fixture
def learned(monkeypatch):
    """``Engine.consolidate`` that says what it saw instead of learning; the turns it was asked to learn."""
    seen = []

    def consolidate(self, *, progress=None):
        turns = self.turns()
        seen.append([turn.user for turn in turns if turn.state is TurnState.PENDING])
        progress("targets", 1, 1)
        points = tuple(TrainPoint(step=i, kl=1.0 / (i + 1), lr=1e-3) for i in range(5))
        ids = tuple(turn.id for turn in turns)
        return dataclasses.replace(nothing_done(""), version=1, held=ids, curve=points, reasons=())

    monkeypatch.setattr(Engine, "consolidate", consolidate)
    return seen


@pytest.fixture
def no_process(monkeypatch):
    """The demo without its new process, which takes seconds to start."""
    answers = {"answers": ["x"] * 24, "rolled_back": ["x"] * 24}
    monkeypatch.setattr("langchain_selfparam.cli.demo._new_process", lambda *args: answers)


def test_demo_writes_its_report_and_shows_the_new_process(selfparam, model_folder, tmp_path, learned):
    out = tmp_path / "out"
    code, text, err = selfparam("demo", "--model", model_folder, "--out", out)
    assert code == 0, err
    assert len(learned[0]) == 12
    assert learned[0][0].startswith("Hi, I'm Ottilie.")
    assert max(map(len, text.splitlines()[:-2])) <= 100
    assert "the same in a new process" in text
    assert "the same after rollback to version 0" in text
    assert sorted(path.name for path in out.iterdir()) == ["demo.json", "demo.md", "demo.png", "memory"]
    found = json.loads((out / "demo.json").read_text("utf-8"))
    assert found["summary"]["questions"] == 24
    assert {"before", "history", "after", "reopened", "rolled_back"} <= found["questions"][0].keys()
    # Nothing was really learned, so all processes agree.
    for question in found["questions"]:
        assert question["before"] == question["after"] == question["reopened"] == question["rolled_back"]
    for bar in ("ask: nothing", "ask: history", "speak", "targets", "ask: weights", "a new process"):
        assert bar in err


def test_demo_again_replaces_its_own_memory_and_no_other(selfparam, model_folder, tmp_path, learned, no_process):
    out = tmp_path / "out"
    (out / "memory").mkdir(parents=True)
    (out / "memory" / "precious").touch()
    code, _, err = selfparam("demo", "--model", model_folder, "--out", out)
    assert code == 1
    assert err.strip() == (
        f"selfparam: {out / 'memory'} is there and no demo made it; choose another --out, or move it away"
    )
    assert (out / "memory" / "precious").exists()
    (out / "memory" / "made-by-selfparam-demo").touch()
    code, text, _ = selfparam("demo", "--json", "--model", model_folder, "--out", out)
    assert code == 0
    assert not (out / "memory" / "precious").exists()
    assert json.loads(text)["summary"]["turns_held"] == 12


def test_demo_without_matplotlib_goes_on(selfparam, model_folder, tmp_path, learned, no_process, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    code, _, err = selfparam("demo", "--model", model_folder, "--out", tmp_path / "out")
    assert code == 0
    assert "no picture: matplotlib.figure is needed" in err
    assert not (tmp_path / "out" / "demo.png").exists()


def test_demo_whose_new_process_fails(selfparam, model_folder, tmp_path, learned, monkeypatch):
    from langchain_selfparam.cli import demo

    monkeypatch.setattr(demo.sys, "executable", "/bin/false")
    code, _, err = selfparam("demo", "--model", model_folder, "--out", tmp_path / "out")
    assert code == 1
    assert "the new process ended with exit code 1; its message is above" in err


def test_demo_that_held_nothing_is_1(selfparam, model_folder, tmp_path, no_process, monkeypatch):
    monkeypatch.setattr(Engine, "consolidate", lambda self, *, progress=None: nothing_done("refused"))
    assert selfparam("demo", "--model", model_folder, "--out", tmp_path / "out")[0] == 1


def test_eval_of_two_conversations(selfparam, model_folder, tmp_path, learned):
    out, tables = tmp_path / "eval.json", tmp_path / "eval.md"
    args = ("--model", model_folder, "--contexts", 2, "--json", out, "--markdown", tables)
    code, text, err = selfparam("eval", "single", *args)
    assert code == 0, err
    assert [len(turns) for turns in learned] == [12, 12]
    assert learned[0][0] != learned[1][0]
    found = json.loads(out.read_text("utf-8"))
    assert [c["id"] for c in found["conversations"]] == ["new-cottage", "autumn-rail-trip"]
    assert set(found["summary"]["kinds"]) == {"recall", "reverse", "update", "two_hop"}
    assert {"before", "history", "quoted", "after"} <= found["conversations"][0]["questions"][0].keys()
    assert text.splitlines()[1].split()[:5] == ["conversation", "before", "history", "quoted", "after"]
    assert tables.read_text("utf-8").startswith("| conversation |")


def test_eval_starts_each_conversation_from_the_same_weights(selfparam, model_folder, tmp_path, monkeypatch):
    import torch

    asked = []

    def consolidate(self, *, progress=None):
        weight = next(p for n, p in self._local.model.named_parameters() if "q_proj" in n)
        asked.append(weight.clone())
        with torch.no_grad():
            weight.add_(1.0)
        return nothing_done("")

    monkeypatch.setattr(Engine, "consolidate", consolidate)
    selfparam("eval", "single", "--model", model_folder, "--contexts", 2)
    assert torch.equal(*asked)


@pytest.mark.parametrize("contexts", ["0", "-1", "x"])
def test_eval_wants_a_count(selfparam, contexts):
    assert selfparam("eval", "single", "--contexts", contexts)[0] == 2


def test_eval_of_a_file_that_is_not_there(selfparam):
    code, _, err = selfparam("eval", "single", "--data", "nowhere.jsonl")
    assert code == 1
    assert err.startswith("selfparam: there is no file nowhere.jsonl; give a .jsonl file, or one of assistant_")
