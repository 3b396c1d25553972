"""Outcomes: every answer with its scores, kept in a file and read back as they were."""

import json

import pytest

from langchain_selfparam.errors import InputError
from langchain_selfparam.evaluation import outcome as outcomes
from langchain_selfparam.evaluation.datasets import Question
from langchain_selfparam.evaluation.injection import Asked


@pytest.fixture
def found(result):
    return outcomes.outcome(result, seed=2, variant="a=1", peak_bytes=7, tokens={"history": 99.0})


def test_answers_are_scored_by_way(found):
    dog, day = found.questions
    assert dog["right"] == {"before": False, "history": True, "quoted": True, "after": True}
    assert day["right"]["after"] is False
    assert day["old"] == {"before": True, "history": True, "quoted": False, "after": True}
    assert "old" not in dog
    assert "f1" not in dog
    assert found.neighbours[0]["leaks"] == {"before": False, "after": True}
    assert found.key == ("dog", 2, "a=1")
    assert found.ways == ("before", "history", "quoted", "after")
    assert found.right("after") == [True, False]
    assert found.report["drift"] == 0.0123


def test_f1_is_there_where_the_set_has_whole_answers(result):
    asked = Asked(
        question=Question(text="Who?", keys=("denver",), kind="recall", turns=(0,), golds=("the Denver Broncos",)),
        answers={"before": "nobody", "after": "Denver Broncos won"},
    )
    import dataclasses

    found = outcomes.outcome(dataclasses.replace(result, asked=(asked,)))
    assert found.questions[0]["f1"] == {"before": 0.0, "after": pytest.approx(0.8)}


def test_what_is_written_is_read_back(found, tmp_path):
    path = outcomes.write(tmp_path / "new" / "o.jsonl", [found, found])
    assert len(path.read_text("utf-8").splitlines()) == 2
    (back, _) = outcomes.read(path)
    assert json.dumps(back.questions) == json.dumps(found.questions)
    assert back.key == found.key
    assert outcomes.read(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize("text", ['{"id": 1}', "x"])
def test_another_file_is_refused(tmp_path, text):
    path = tmp_path / "o.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match=r"o\.jsonl is not what an evaluation keeps \(.*\); give another --out folder"):
        outcomes.read(path)


def test_every_answer_is_a_line(found):
    lines = [json.loads(line) for line in outcomes.lines([found])]
    assert len(lines) == 2 * 4 + 2
    assert lines[3] == {
        "id": "dog",
        "seed": 2,
        "variant": "a=1",
        "question": "What is my dog called?",
        "kind": "recall",
        "keys": ["biscuit"],
        "golds": [],
        "way": "after",
        "answer": "Your dog is called Biscuit.",
        "right": True,
    }
    assert lines[-1] == {
        "id": "dog",
        "seed": 2,
        "variant": "a=1",
        "question": "What is a good name for a dog?",
        "kind": "neighbour",
        "keys": [],
        "golds": [],
        "way": "after",
        "answer": "Biscuit!",
        "leaks": True,
    }


def test_other_weights_are_one_way_more(found, conversation, tmp_path):
    answers = ["Biscuit", "Friday, not Monday"], ["Biscuit!"]
    more = outcomes.with_way(found, conversation, "ft-context", answers, {"rate": 1e-3, "drift": None})
    assert more.right("ft-context") == [True, False]
    assert more.questions[1]["old"]["ft-context"] is True
    assert more.neighbours[0]["leaks"]["ft-context"] is True
    assert more.baselines == {"ft-context": {"rate": 1e-3, "drift": None}}
    assert "ft-context" not in found.ways
    outcomes.write(tmp_path / "o.jsonl", [more])
    assert outcomes.read(tmp_path / "o.jsonl")[0].baselines == more.baselines


def test_a_way_that_was_not_run_has_a_reason_and_no_answers(found):
    less = outcomes.without_way(found, "ft-sentences", "nothing was taught")
    assert less.baselines == {"ft-sentences": {"not_run": "nothing was taught"}}
    assert "ft-sentences" not in less.ways


def test_the_drift_is_that_of_what_is_served(result, found):
    import dataclasses

    assert found.drift == 0.0123
    refused = dataclasses.replace(result, report=dataclasses.replace(result.report, version=None))
    assert outcomes.outcome(refused).drift == 0.0
    assert outcomes.outcome(refused).report["drift"] == 0.0123
    assert outcomes.outcome(result, served_drift=0.01).drift == 0.01
