"""Figures, tables and pictures of single and batch injection."""

import dataclasses
import io
import json

import pytest

from langchain_selfparam.evaluation import outcome as outcomes
from langchain_selfparam.evaluation import pictures, summary


@pytest.fixture
def found(result):
    return outcomes.outcome(result, tokens={"history": 120.0, "quoted": 30.0})


def other(found, **changes):
    return dataclasses.replace(found, **changes)


def test_figures_by_way_kind_and_correction(found):
    figures = summary.summary([found, other(found, id="again")])
    assert figures["outcomes"] == 2
    assert figures["questions"] == 4
    after, history = figures["ways"]["after"], figures["ways"]["history"]
    assert after["right"].mean == 0.5
    assert after["right_ratio"] == 1.0
    assert "right_p" not in after
    assert history["right_p"] == 1.0
    assert history["tokens"] == 120.0
    assert figures["ways"]["before"]["right_p"] == 0.5  # two questions right only afterwards
    assert after["leaks"] == 1.0
    assert list(figures["ways"]) == ["before", "history", "quoted", "after"]
    assert figures["kinds"]["update"]["quoted"] == 1.0
    assert figures["corrections"]["new"]["after"] == 0.0
    assert figures["corrections"]["old"]["after"] == 1.0
    assert figures["turns_held"] == 2
    assert figures["turns"] == 4
    assert figures["seconds"] == 91.0


def test_a_way_that_one_outcome_lacks_is_left_out(found):
    row = {**found.questions[0], "answers": {"before": "x", "after": "y"}}
    figures = summary.summary([found, other(found, questions=[row])])
    assert list(figures["ways"]) == ["before", "after"]
    assert "right_ratio" not in figures["ways"]["after"]


def test_tables_by_conversation_way_and_kind(found):
    (head, rows), (ways_head, ways), (kinds_head, kinds) = summary.tables([found])
    assert head[:2] == ("conversation", "before")
    assert rows[-1] == ("all", "0 %", "50 %", "100 %", "50 %", "0 %", "100 %", "0.0123", "91")
    assert ways_head == (
        "answered with",
        "right (95 % interval)",
        "of whole",
        "p against weights",
        "prompt tokens",
    )
    assert ways[1] == ("whole conversation in the prompt", "50 % (50 to 50)", "1.00", "1.0000", "120")
    assert ways[-1] == ("nothing in the prompt, after", "50 % (50 to 50)", "1.00", "-", "-")
    assert kinds_head == ("kind", "questions", "before", "history", "quoted", "after")
    assert kinds == [
        ("recall", "1", "0 %", "100 %", "100 %", "100 %"),
        ("update", "1", "0 %", "0 %", "100 %", "0 %"),
        ("update, old value given", "1", "100 %", "100 %", "0 %", "100 %"),
    ]


def test_f1_has_columns_of_its_own(found):
    rows = [{**q, "f1": dict.fromkeys(q["answers"], 0.25)} for q in found.questions]
    _, (head, ways), _ = summary.tables([other(found, questions=rows)])
    assert head[4:7] == ("F1 (95 % interval)", "of whole", "p against weights")
    assert ways[0][4:7] == ("0.250 (0.250 to 0.250)", "1.00", "1.0000")


def test_seeds_are_named_and_variants_set_side_by_side(found):
    assert summary.tables([found, other(found, seed=1)])[0][1][1][0] == "dog, seed 1"
    tables = summary.tables([other(found, variant="rank=8"), other(found, variant="rank=9")])
    assert tables[0][0][0] == "rank=8"
    head, rows = tables[-1]
    assert head[0] == "variant"
    assert rows[1] == ("rank=9", "50 % (50 to 50)", "-", "100 %", "0.0123", "0.0123", "1 of 2", "91")


def test_what_else_moved_is_a_table(found):
    change = {
        "token_kl": {"mean": 0.01, "low": 0.005, "high": 0.02},
        "same_answers": 0.75,
        "perplexity": [20.0, 20.5],
        "pairs": {
            "count": 4,
            "before": {"mean": 0.5, "low": 0.25, "high": 0.75},
            "after": {"mean": 0.5, "low": 0.25, "high": 0.75},
            "p": 1.0,
        },
        "facts": None,
    }
    head, rows = summary.tables([other(found, change=change)])[-1]
    assert head == ("what must stay as it was", "before", "after", "p")
    assert rows == [
        ("token KL on unrelated prompts (nats)", "0", "0.0100 (0.0050 to 0.0200)", "-"),
        ("unrelated prompts answered word for word as before", "100 %", "75 %", "-"),
        ("perplexity of neutral prose", "20.00", "20.50", "-"),
        ("minimal pairs right (of 4)", "50.0 % (25.0 to 75.0)", "50.0 % (25.0 to 75.0)", "1.0000"),
    ]


def test_json_has_figures_by_variant_and_every_answer(found):
    values = summary.as_json([found], model="tiny", data="x", protocol="single")
    back = json.loads(json.dumps(values))
    assert back["conversations"][0]["id"] == "dog"
    assert back["summary"][""]["ways"]["after"]["right"] == {"mean": 0.5, "low": 0.5, "high": 0.5}


def test_pictures_have_some_size(found):
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("matplotlib")
    curve = [{"step": 1, "recall": None}, {"step": 2, "recall": 0.25}, {"step": 4, "recall": 0.5}]
    learned = other(found, report={**found.report, "curve": curve})
    for png in (
        pictures.steps([learned, learned]),
        pictures.steps([other(found, report={**found.report, "curve": []})]),
        pictures.drift({"": [found], "rank=8": [found]}, limit=0.05),
    ):
        width, height = image.open(io.BytesIO(png)).size
        assert width > 900
        assert height > 500


def test_a_missing_matplotlib_says_what_to_install(found, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"matplotlib.figure is needed .*: pip install 'langchain-selfparam\[dem"):
        pictures.steps([found])
