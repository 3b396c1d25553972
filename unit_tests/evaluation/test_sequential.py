"""One context after another: the matrix is what was answered, retention is read from it, a run can be gone on with."""

import dataclasses
import json

import pytest

from langchain_selfparam.engine.report import nothing_done
from langchain_selfparam.errors import InputError
from langchain_selfparam.evaluation import retention
from langchain_selfparam.evaluation.datasets import Conversation, Neighbour, Question, load, load_neighbours
from langchain_selfparam.evaluation.sequential import Run, Step, sequential
from langchain_selfparam.records import Message


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
        lost = (1,) if name in self.forgets else ()
        return dataclasses.replace(nothing_done(""), held=(1, 2), lost=lost, drift=0.01, seconds={"total": 7.0})

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
    assert {stage for stage, *_ in stages} <= {"ask", "ask: history"}
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
    assert figures["right after the last one"] == "100 % (100 to 100)"


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
    assert header == ("learned", "a", "b", "c", "held", "lost", "drift", "seconds")
    assert rows[1] == ("b", "50 %", "100 %", "", "2", "1", "0.0100", "7")
    assert ("corrected facts right after the last one", "100 % (100 to 100)") in figures
    values = json.loads(json.dumps(retention.as_json(found, model="m", data="d")))
    assert values["summary"]["just"] == 1.0
    assert values["matrix"][2] == [0.5, 1.0, 1.0]
    pytest.importorskip("matplotlib")
    assert retention.picture(found).startswith(b"\x89PNG")


PROMPTS = {"history": [[(Message(role="user", text=f"told {q.text}"),) for q in c.questions] for c in (A, B, C)]}


class Told(Memory):
    """Answers what it is told of, and counts how often it was told."""

    told = 0

    def ask(self, prompts, progress):
        self.told += sum(p[-1].text.startswith("told ") for p in prompts)
        return [
            p[-1].text.split()[-1].rstrip("?") if p[-1].text.startswith("told ") else answer
            for p, answer in zip(prompts, super().ask(prompts, progress), strict=True)
        ]


def test_more_in_the_prompt_is_asked_once_before_and_kept(tmp_path):
    keep, memory = tmp_path / "steps.json", Told({"b": ["pear"], "c": ["boat", "bus"]})
    contexts = (A, B, C)
    options = {"ask": memory.ask, "say": memory.say, "consolidate": memory.consolidate, "prompts": PROMPTS}
    options |= {"progress": lambda *at: None, "keep": keep, "besides": lambda: {"drift": 0.5, "peak_bytes": 2**21}}
    stops = iter([True, False])
    first = sequential(contexts, NEAR, more=lambda: next(stops), **options)
    assert first.prompted["history"] == (("apple", "pear"), ("boat", "bus"), ("cat",))
    assert len(first.prompted_flags("history")) == 2  # of what was learned
    found = sequential(contexts, NEAR, **options)
    assert memory.told == 5
    assert found.prompted == first.prompted
    assert found.summary["history"] == 1.0
    assert found.summary["drift_max"] == 0.5
    _, figures, (head, rows) = retention.tables(found)
    assert ("most memory of a consolidation, MiB", "2") in figures[1]
    assert head[:3] == ("answered with", "right (95 % interval)", "of whole")
    assert [(row[0], row[2]) for row in rows] == [
        ("nothing in the prompt, before", "0.00"),
        ("whole conversation in the prompt", "1.00"),
        ("nothing in the prompt, after the last one", "0.40"),
    ]
    values = json.loads(json.dumps(retention.as_json(found, model="m", data="d")))
    assert values["prompted"]["history"]["ratio"] == 1.0
    assert values["prompted"]["history"]["right"]["low"] == 1.0
    assert values["intervals"]["last"]["mean"] == 2 / 5
    assert values["intervals"]["last"]["low"] < 2 / 5 < values["intervals"]["last"]["high"]
    assert (values["contexts_done"], values["contexts_planned"], values["peak_bytes"]) == (3, 3, 2**21)


def with_golds(*conversations):
    """The same with whole answers."""
    return tuple(
        dataclasses.replace(c, questions=tuple(dataclasses.replace(q, golds=q.keys) for q in c.questions))
        for c in conversations
    )


def learned(contexts, answers, **more):
    """A run after which these are the answers; nothing was right before."""
    nothing = tuple(("x",) * len(c.questions) for c in contexts)
    bare = Step(learned="", answers=nothing, neighbours=(), held=0, drift=0.0, seconds=0.0)
    steps = [dataclasses.replace(bare, learned=c.id, answers=answers, drift=0.01, seconds=7.0) for c in contexts]
    return Run(conversations=contexts, neighbours=(), before=bare, steps=tuple(steps), **more)


OURS = (("apple pie", "x"), ("boat", "bus"))
"""Three of four right; token F1 of 2/3, 0, 1 and 1."""
LONGER = (("apple pie tart", "x"), ("boat pie tart", "bus pie tart"))
"""As many right; token F1 of 1/2, 0, 1/2 and 1/2."""
PROMPTED = {"history": (("apple", "pear"), ("boat", "x")), "quoted": (("apple", "x"), ("x", "x"))}


def test_p_is_against_every_way_and_baseline_by_both_scores():
    contexts = with_golds(A, B)
    found = learned(contexts, OURS, prompted=PROMPTED)
    others = {"published": learned(contexts, LONGER)}
    values = json.loads(json.dumps(retention.as_json(found, model="m", data="d", others=others)))
    # Against before, three of three questions differ the same way: 2 / 8. Against the whole conversation one and one.
    # Against the right turn quoted two more: 2 / 4. The baseline is right where the memory is, with lower F1 thrice.
    assert values["p_ours_vs"] == {"before": 0.25, "history": 1.0, "quoted": 0.5, "published": 1.0}
    # Quoted has the higher F1 for one question: of 1/3, -1, -1 four of eight signs have a sum that is as far from 0.
    assert values["f1_p_ours_vs"] == {"before": 0.25, "history": 1.0, "quoted": 0.5, "published": 0.25}
    assert (values["tested_over"], values["f1_tested_over"]) == ("questions", "questions")
    assert values["f1"] == [[pytest.approx(2 / 3), 0.0], [1.0, 1.0]]
    *_, (ways_head, ways), (head, rows) = retention.tables(found, others=others)
    tested = "p against weights, over questions"
    assert ways_head[1:] == ("right (95 % interval)", "of whole", tested, "F1 (95 % interval)", "of whole", tested)
    assert [(row[3], row[5], row[6]) for row in ways] == [
        ("0.2500", "0.00", "0.2500"),
        ("1.0000", "1.00", "1.0000"),
        ("0.5000", "0.33", "0.5000"),
        ("-", "0.89", "-"),
    ]
    assert head[7:] == ("p", "F1 after the last", "p of F1", "largest drift", "seconds")
    assert rows[0][7:] == ("-", "0.667", "-", "0.0100", "7")
    assert rows[1][7:] == ("1.0000", "0.375", "0.2500", "0.0100", "7")


def test_f1_is_tested_over_the_questions_that_have_whole_answers():
    found = learned((*with_golds(A), B), OURS, prompted=PROMPTED)
    values = retention.as_json(found, model="m", data="d")
    assert values["p_ours_vs"]["before"] == 0.25
    assert values["f1_p_ours_vs"] == {"before": 1.0, "history": 0.5, "quoted": 1.0}
    assert values["f1"] == [[pytest.approx(2 / 3), 0.0], [None, None]]
    bare = learned((A, B), OURS, prompted=PROMPTED)
    assert not {"f1_p_ours_vs", "f1_tested_over"} & retention.as_json(bare, model="m", data="d").keys()
    assert retention.tables(bare)[-1][0][-1] == "p against weights, over questions"
    others = {"published": learned((A, B), LONGER)}
    assert retention.tables(bare, others=others)[-1][0][7:] == ("p", "largest drift", "seconds")


def test_six_contexts_are_exchanged_whole():
    contexts = tuple(conversation(name, "apple", "pear") for name in "abcdef")
    found = learned(contexts, (("apple", "pear"),) * 6)
    values = retention.as_json(found, model="m", data="d")
    assert (values["p_ours_vs"], values["tested_over"]) == ({"before": 2 / 64}, "conversations")


def test_every_answer_is_a_line():
    found = run(Memory(), prompts=PROMPTS)
    lines = [json.loads(line) for line in retention.lines(found, others={"published": run(Memory())})]
    assert len(lines) == 6 + 5 + 2 * 3 * 6
    assert lines[0] == {
        "seed": 0,
        "step": 0,
        "learned": "",
        "context": "a",
        "question": "a apple?",
        "kind": "recall",
        "keys": ["apple"],
        "golds": [],
        "way": "before",
        "answer": "",
        "right": False,
    }
    assert {line["way"] for line in lines} == {"before", "history", "after", "published"}
    assert [line["leaks"] for line in lines if line["kind"] == "neighbour"] == [False] * 7
    assert lines[-6]["learned"] == "c"


def test_drift_that_nobody_measured_is_no_figure():
    found = run(Memory(), besides=lambda: {"drift": None})
    assert "drift_max" not in found.summary
    assert dict(retention.tables(found)[1][1])["largest drift after a step, nats a token"] == "-"


def test_what_was_not_run_is_named():
    found = run(Memory())
    head, rows = retention.tables(found, not_run={"published": "nothing was taught"})[-1]
    assert head[-2] == "largest drift"
    assert rows[-1][:2] == ("published", "not run: nothing was taught")
    values = retention.as_json(found, model="m", data="d", not_run={"published": "nothing was taught"})
    assert values["baselines_not_run"] == {"published": "nothing was taught"}


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
