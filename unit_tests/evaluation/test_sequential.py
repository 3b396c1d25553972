"""One context after another: the matrix is what was answered, retention is read from it, a run can be gone on with."""

import dataclasses
import json

import pytest

from langchain_selfparam.engine.report import nothing_done
from langchain_selfparam.errors import InputError
from langchain_selfparam.evaluation import retention
from langchain_selfparam.evaluation.datasets import Conversation, Neighbour, Question, load, load_neighbours
from langchain_selfparam.evaluation.sequential import sequential


def conversation(name, *keys, kind="recall"):
    questions = [Question(text=f"{name} {key}?", keys=(key,), kind=kind, turns=(0,)) for key in keys]
    return Conversation(id=name, title="", turns=((f"{name} said", "ok"),), questions=tuple(questions), neighbours=())


A, B, C = conversation("a", "apple", "pear"), conversation("b", "boat", "bus"), conversation("c", "cat", kind="update")
NEAR = (Neighbour(text="What is a fruit?", forbidden=("apple",)),)


QUESTION = {"q": "Who?", "keys": ["ana"], "kind": "recall", "turn": 0}


class Memory:
    """Holds what it was told; forgets ``forgets[name]`` of what it knew when that context is learned."""

    def __init__(self, forgets=None, leaks=False):
        self.known, self.said, self.learned, self.forgets, self.leaks = set(), [], [], forgets or {}, leaks

    def say(self, c):
        self.said.append(c.id)

    def consolidate(self):
        name = self.said[-1]
        self.learned.append(name)
        for c in (A, B, C):
            if c.id == name:
                self.known |= {key for q in c.questions for key in q.keys}
        self.known -= set(self.forgets.get(name, ()))
        return dataclasses.replace(nothing_done(""), held=(1, 2), drift=0.01, seconds={"total": 7.0})

    def ask(self, prompts, progress):
        progress(len(prompts), len(prompts))
        near = "apple" if self.leaks else "none"
        return [near if prompt[-1].text == NEAR[0].text else " ".join(sorted(self.known)) for prompt in prompts]


def run(memory, contexts=(A, B, C), **options):
    stages = []
    found = sequential(
        contexts,
        NEAR,
        ask=memory.ask,
        say=memory.say,
        consolidate=memory.consolidate,
        progress=lambda *at: stages.append(at),
        **options,
    )
    assert {stage for stage, *_ in stages} <= {"ask"}
    return found


def test_the_matrix_has_a_row_for_each_step_and_a_column_for_each_context():
    found = run(Memory({"b": ["pear"], "c": ["boat", "bus"]}))
    assert found.matrix == [[1.0, 0.0, 0.0], [0.5, 1.0, 0.0], [0.5, 0.0, 1.0]]
    assert [step.learned for step in found.steps] == ["a", "b", "c"]
    assert [(step.held, step.drift, step.seconds) for step in found.steps] == [(2, 0.01, 7.0)] * 3


def test_a_run_that_was_interrupted_while_it_asked_learns_nothing_twice(tmp_path):
    keep, memory = tmp_path / "steps.json", Memory()
    ask = memory.ask

    def fails(prompts, progress):
        if "a" in memory.learned:
            raise KeyboardInterrupt
        return ask(prompts, progress)

    memory.ask = fails
    with pytest.raises(KeyboardInterrupt):
        run(memory, keep=keep)
    memory.ask = ask
    found = run(memory, keep=keep)
    assert memory.learned == ["a", "b", "c"]
    assert found.matrix == run(Memory()).matrix
    assert (found.steps[0].held, found.steps[0].drift, found.steps[0].seconds) == (2, 0.01, 7.0)


def test_what_nobody_was_asked_is_a_dash_and_no_figure():
    memory = Memory()
    found = sequential((A,), (), ask=memory.ask, say=memory.say, consolidate=memory.consolidate, progress=lambda *at: 0)
    assert not {"retention", "corrected", "leaks", "leaks_before"} & found.summary.keys()
    figures = dict(retention.tables(found)[1][1])
    assert figures["corrected facts right after the last one"] == "-"
    assert figures["right after the last one"] == "100 %"


def test_figures_are_read_from_the_matrix():
    summary = run(Memory({"b": ["pear"], "c": ["boat", "bus"]})).summary
    assert summary == pytest.approx(
        {
            "before": 0.0,
            "just": 1.0,
            "last": 2 / 5,
            "retention": 1 / 4,  # the last context is not counted
            "ratio": 1 / 4,
            "corrected": 1.0,
            "leaks_before": 0.0,
            "leaks": 0.0,
            "drift_max": 0.01,
            "seconds": 7.0,
        }
    )
    assert run(Memory(leaks=True)).summary["leaks"] == 1.0


def test_what_is_learned_late_or_not_at_all_is_not_retained():
    found = run(Memory({"a": ["pear"]}))
    assert found.summary["retention"] == 1.0
    assert found.summary["just"] == 4 / 5


def test_what_is_learned_late_counts_at_the_end_and_not_as_kept():
    class Late(Memory):
        def consolidate(self):
            report = super().consolidate()
            self.known |= {"pear"} if "b" in self.learned else set()
            return report

    summary = run(Late({"a": ["pear"], "c": ["boat"]})).summary
    assert (summary["just"], summary["last"]) == (4 / 5, 4 / 5)
    assert summary["retention"] == 2 / 3
    assert summary["ratio"] == 3 / 3


def test_an_interrupted_run_goes_on_where_it_was(tmp_path):
    keep, memory = tmp_path / "steps.json", Memory()
    budget = iter([True, True, False])
    first = run(memory, keep=keep, more=lambda: next(budget))
    assert len(first.steps) == 2
    again = run(memory, keep=keep)
    assert memory.learned == ["a", "b", "c"]
    assert again.steps[:2] == first.steps
    assert again == run(Memory())
    assert run(memory, keep=keep) == again
    assert memory.learned == ["a", "b", "c"]


def test_a_run_over_other_contexts_is_not_gone_on_with(tmp_path):
    keep = tmp_path / "steps.json"
    run(Memory(), keep=keep)
    with pytest.raises(InputError, match=r"steps.json is of a run over a, b, c, not a, c; go on with the same"):
        run(Memory(), contexts=(A, C), keep=keep)


def test_tables_json_and_picture(tmp_path):
    found = run(Memory({"b": ["pear"]}))
    (header, rows), (_, figures) = retention.tables(found)
    assert header == ("learned", "a", "b", "c", "held", "drift", "seconds")
    assert rows[1] == ("b", "50 %", "100 %", "", "2", "0.0100", "7")
    assert ("corrected facts right after the last one", "100 %") in figures
    values = json.loads(json.dumps(retention.as_json(found, model="m", data="d")))
    assert values["summary"]["just"] == 1.0
    assert values["matrix"][2] == [0.5, 1.0, 1.0]
    pytest.importorskip("matplotlib")
    assert retention.picture(found).startswith(b"\x89PNG")


def test_neighbours_of_a_whole_set_lie_beside_it(tmp_path):
    (tmp_path / "set.jsonl").write_text(
        json.dumps({"id": "x", "turns": [{"user": "u", "assistant": "a"}], "questions": [QUESTION]}), encoding="utf-8"
    )
    assert load_neighbours(tmp_path / "set.jsonl") == ()
    beside = tmp_path / "set_neighbours.jsonl"
    beside.write_text('{"q": "Who?", "forbidden": ["Ana"]}\n\n', encoding="utf-8")
    assert load_neighbours(tmp_path / "set.jsonl") == (Neighbour(text="Who?", forbidden=("ana",)),)
    assert len(load(tmp_path / "set.jsonl")) == 1
    beside.write_text('{"q": "Who?"}', encoding="utf-8")
    with pytest.raises(InputError, match=r"set_neighbours\.jsonl, line 1: the field 'forbidden' is missing"):
        load_neighbours(tmp_path / "set.jsonl")
