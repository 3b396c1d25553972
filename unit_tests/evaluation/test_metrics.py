"""Scores of single answers against hand-made cases."""

import pytest

from langchain_selfparam.evaluation.datasets import Neighbour, Question
from langchain_selfparam.evaluation.metrics import leaks, qa_f1, right, share


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("It is on Friday.", True),
        ("FRIDAYS", True),
        ("It was Monday, now Friday", False),
        ("Monday", False),
        ("", False),
    ],
)
def test_right(answer, expected):
    question = Question(text="?", keys=("friday",), kind="update", turns=(0,), forbidden=("monday",))
    assert right(question, answer) is expected


@pytest.mark.parametrize(
    ("keys", "needed", "answer", "expected"),
    [
        (("gold",), 1, "It was gold.", True),
        (("gold",), 1, "The golden one.", False),
        (("$5",), 1, "about $5, I think", True),
        (("$5",), 1, "about $50", False),
        (("lantern", "varnholm"), 2, "The Lantern of Varnholm", True),
        (("lantern", "varnholm"), 2, "A lantern", False),
        (("lantern", "varnholm", "novel"), 2, "a novel: Varnholm", True),
        (("lantern",), 2, "a lantern", True),
        (("2",), 1, "about 2.5 million", False),
        (("5",), 1, "about 2.5 million", False),
        (("308",), 1, "It was 1,308.", False),
        (("308",), 1, "It was 308,000.", False),
        (("$5",), 1, "$5.50", False),
        (("1987",), 1, "It was built in 1987.", True),
        (("9,150",), 1, "It had 9,150.", True),
        (("1987",), 1, "in 1986, 1987, 1988", True),
        (("2.5",), 1, "about 2.5 million", True),
        (("gold",), 1, "2.gold,5", True),
    ],
)
def test_right_by_whole_words_and_by_several(keys, needed, answer, expected):
    question = Question(text="?", keys=keys, kind="recall", turns=(0,), needed=needed, words=True)
    assert right(question, answer) is expected


def test_leaks():
    neighbour = Neighbour(text="?", forbidden=("biscuit",))
    assert leaks(neighbour, "Biscuit!")
    assert not leaks(neighbour, "Max")
    assert not leaks(Neighbour(text="?", forbidden=()), "Max")


@pytest.mark.parametrize(
    ("answer", "golds", "expected"),
    [
        ("The Eiffel Tower!", ["Eiffel tower"], 1.0),
        ("in the Eiffel Tower", ["eiffel tower", "paris"], 0.8),
        ("Paris Paris", ["Paris"], 2 / 3),
        ("London", ["Paris"], 0.0),
        ("", ["Paris"], 0.0),
        ("the", ["a"], 1.0),
        ("Paris", [], 0.0),
    ],
)
def test_qa_f1(answer, golds, expected):
    assert qa_f1(answer, golds) == pytest.approx(expected)


def test_share():
    assert share([True, False, True, True]) == 0.75
    assert share([]) == 0.0
