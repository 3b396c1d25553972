"""Rankings without a model, and scores by the slow obvious count."""

import math

import pytest
from recommending import dialogue, write

from langchain_selfparam.evaluation.rankings import (
    Alike,
    Counting,
    Popularity,
    difference,
    most_mentioned,
    p_value,
    score,
)
from langchain_selfparam.evaluation.redial import Prompt, load_items, load_train


def asked(*golds):
    return [Prompt(id=f"d{at}", turns=(), gold=gold) for at, gold in enumerate(golds)]


NOBODY = frozenset()


@pytest.fixture
def dialogues(tmp_path):
    rows = [dialogue(1, 0), dialogue(2, 0), dialogue(3, 1, "space horror"), dialogue(4, 2, "romance in Paris")]
    folder = write(tmp_path, dialogues=rows, prompts=[])
    return load_train(folder / "train.jsonl", load_items(folder / "items.jsonl"))


def test_what_was_right_most_often_comes_first(dialogues):
    assert Popularity(dialogues).order == ("0", "1", "2")
    assert most_mentioned(dialogues, 2) == ("0", "1")


def test_what_was_right_in_dialogues_like_this_one(dialogues):
    alike = Alike(dialogues)
    assert alike.rank("User: a romance in Paris")[0] == "2"
    assert alike.rank("User: horror in space")[0] == "1"
    assert "2" not in alike.rank("User: a romance in Paris", but="4")
    assert alike.rank("User: zzz") == []


def test_what_was_named_comes_first_again_the_latest_before(dialogues, tmp_path):
    counting = Counting(dialogues, load_items(tmp_path / "items.jsonl"))
    turns = (
        ("User", "Jaws (1975), Amelie (2001)? A romance in Paris, like Brazil (1985)"),
        ("Recommender", "Jaws (1975)"),
    )
    found = counting.rank(Prompt(id="new", turns=turns, gold=("1",)))
    assert found == {
        "popularity": ["0", "1", "2"],
        "repeat": ["3", "4", "2", "0", "1"],
        "bm25": ["2", "0", "1"],
    }
    assert tuple(found) == Counting.WAYS


def test_scores_count_each_target():
    prompts = asked(("a",), ("b", "c"), ("d",))
    rankings = [["a", "x"], ["x", "b"], ["x"] * 9 + ["y", "d"]]
    found = score(prompts, rankings, [NOBODY] * 3)
    assert found["recall@1"].mean == pytest.approx(1 / 4)
    assert found["recall@5"].mean == pytest.approx(2 / 4)
    assert found["recall@20"].mean == pytest.approx(3 / 4)
    assert found["mrr@5"].mean == pytest.approx((1 + 1 / 2) / 4)
    assert found["ndcg@5"].mean == pytest.approx((1 + 1 / math.log2(3)) / 4)
    assert found["recall@1"].targets == 4


def test_the_error_takes_targets_of_a_dialogue_together():
    prompts = asked(("a", "b"), ("c", "d"))
    found = score(prompts, [["a", "b"], []], [NOBODY] * 2)["recall@5"]
    assert (found.mean, found.error) == (0.5, pytest.approx(math.sqrt(1 + 1) / 4))
    one = score([prompts[0], prompts[0]], [["a"], []], [NOBODY] * 2)["recall@5"]
    assert (one.mean, one.error, one.targets) == (0.25, None, 4)  # of one dialogue it would always be 0
    alone = score(asked(("a",), ("b",), ("c",), ("d",)), [["a"], ["b"], [], []], [NOBODY] * 4)["recall@5"]
    assert alone.error == pytest.approx(math.sqrt(4 * 0.25) / 4)


def test_targets_that_the_dialogue_has_named_count_apart():
    prompts, rankings, seen = asked(("a", "b")), [["a", "x", "b"]], [frozenset("a")]
    assert score(prompts, rankings, seen, condition="mentioned")["recall@1"].mean == 1.0
    assert score(prompts, rankings, seen, condition="new")["recall@1"].mean == 0.0
    assert score(prompts, rankings, seen, condition="new")["mrr@5"].mean == pytest.approx(1 / 3)
    without = score(prompts, rankings, seen, condition="new", without_seen=True)
    assert without["mrr@5"].mean == pytest.approx(1 / 2)
    assert score(prompts, rankings, [frozenset("ab")], condition="new")["recall@5"].targets == 0


def test_a_difference_that_is_no_chance_has_a_small_p():
    prompts = asked(*[("a",)] * 40)
    right, wrong = [["a"]] * 40, [["b"]] * 40
    assert p_value(prompts, right, wrong, [NOBODY] * 40) < 0.001
    assert p_value(prompts, right, right, [NOBODY] * 40) == 1.0
    assert p_value(prompts, right, [["b"] * 9 + ["a"]] * 40, [NOBODY] * 40) == 1.0  # within ten
    assert p_value(prompts, right, [["b"] * 9 + ["a"]] * 40, [NOBODY] * 40, k=5) < 0.001


def test_a_difference_in_what_was_named_already_is_none_without_it():
    prompts, seen = asked(*[("a",)] * 40), [frozenset("a")] * 40
    right, wrong = [["a"]] * 40, [["b"]] * 40
    assert p_value(prompts, right, wrong, seen) < 0.001
    assert p_value(prompts, right, wrong, seen, without_seen=True) == 1.0


def test_p_may_be_of_what_the_dialogue_has_not_named():
    prompts, seen = asked(*[("a", "b")] * 40), [frozenset("a")] * 40
    first, second = [["a", "x"]] * 40, [["x"]] * 40
    assert p_value(prompts, first, second, seen) < 0.001
    assert p_value(prompts, first, second, seen, condition="new") == 1.0
    assert p_value(prompts, first, second, seen, condition="mentioned") < 0.001
    assert p_value(prompts, first, second, [frozenset("ab")] * 40, condition="new") == 1.0  # nothing is asked


def test_a_difference_has_an_interval_over_dialogues():
    prompts = asked(("a", "b"), ("c", "d"), ("e",), ("f",))
    first, second = [["a", "b"], [], ["e"], ["x"]], [["b"], ["c"], [], ["x"] * 10 + ["f"]]
    found = difference(prompts, first, second, [NOBODY] * 4)
    apart = [[1, 0], [-1, 0], [1], [0]]
    mean = sum(map(sum, apart)) / 6
    error = math.sqrt(sum(sum(x - mean for x in d) ** 2 for d in apart)) / 6
    assert found.mean == pytest.approx(mean)
    assert (found.low, found.high) == (pytest.approx(mean - 1.96 * error), pytest.approx(mean + 1.96 * error))
    assert difference(prompts, first, second, [NOBODY] * 4, k=1).mean == pytest.approx(0 / 6)
    new = difference(prompts, first, second, [frozenset("a"), NOBODY, frozenset("e"), NOBODY], condition="new")
    assert new.mean == pytest.approx(-1 / 4)
    late = [["y"] * 5 + ["x"] * 5 + ["b"], [], [], []]
    named = [frozenset("x"), NOBODY, NOBODY, NOBODY]
    assert difference(prompts, late, [[]] * 4, named).mean == 0
    assert difference(prompts, late, [[]] * 4, named, without_seen=True).mean == pytest.approx(1 / 6)
    none = difference(prompts, first, second, [frozenset("abcdef")] * 4, condition="new")
    assert (none.mean, none.low, none.high, none.targets) == (0, 0, 0, 0)
    one = difference(prompts[:1], [["a"]], [[]], [NOBODY])
    assert (one.mean, one.low, one.high, one.targets) == (0.5, None, None, 2)
