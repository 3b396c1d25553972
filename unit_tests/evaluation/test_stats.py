"""Intervals and tests against what can be counted by hand."""

import itertools
import math
import random
import statistics

import pytest

from langchain_selfparam.evaluation import stats
from langchain_selfparam.evaluation.stats import interval, mcnemar, paired, permutation, ratio


def test_an_interval_is_about_two_standard_errors_wide():
    chance = random.Random(1)
    values = [chance.random() < 0.4 for _ in range(400)]
    found = interval(values)
    mean = statistics.fmean(values)
    error = math.sqrt(mean * (1 - mean) / 400)
    assert found.mean == mean
    assert found.low == pytest.approx(mean - 1.96 * error, abs=0.006)
    assert found.high == pytest.approx(mean + 1.96 * error, abs=0.006)


def test_whole_groups_make_it_wider():
    values = [float(group % 2) for group in range(10) for _ in range(40)]
    groups = [group for group in range(10) for _ in range(40)]
    alone, together = interval(values), interval(values, groups=groups)
    assert together.high - together.low > 4 * (alone.high - alone.low)


def test_groups_of_other_sizes_count_by_their_questions():
    found = interval([1.0, 1.0, 1.0, 0.0], groups=["a", "a", "a", "b"])
    assert (found.mean, found.low, found.high) == (0.75, 0.0, 1.0)


def test_what_never_differs_has_no_width():
    found = interval([1.0] * 20)
    assert (found.mean, found.low, found.high) == (1.0, 1.0, 1.0)
    assert interval([0.0, 1.0], seed=3) == interval([0.0, 1.0], seed=3)


def test_one_conversation_has_the_width_of_its_questions():
    values = [float(number % 2) for number in range(24)]
    alone, together = interval(values), interval(values, groups=["a"] * 24)
    assert together.high - together.low == pytest.approx(alone.high - alone.low, abs=0.05)
    assert together.low < 0.35


def covered(groups, spread, *, runs=200, questions=24, right=0.4):
    """How often the truth is within the interval; ``spread`` is the standard deviation of groups' own truths."""
    chance, found = random.Random(1), 0
    for _ in range(runs):
        strength = right * (1 - right) / spread**2 - 1 if spread else 0
        own = [chance.betavariate(right * strength, (1 - right) * strength) if spread else right for _ in range(groups)]
        values = [float(chance.random() < truth) for truth in own for _ in range(questions)]
        drawn = interval(values, groups=[group for group in range(groups) for _ in range(questions)])
        found += drawn.low - 1e-9 <= right <= drawn.high + 1e-9
    return found / runs


@pytest.mark.parametrize(
    ("groups", "spread", "least"),
    [(1, 0, 0.9), (2, 0, 0.92), (3, 0, 0.92), (6, 0, 0.94), (6, 0.12, 0.91), (6, 0.25, 0.8), (12, 0.25, 0.88)],
)
def test_the_truth_is_within_most_intervals(monkeypatch, groups, spread, least):
    monkeypatch.setattr(stats, "_DRAWS", 1000)
    assert covered(groups, spread) >= least


def test_draws_are_made_in_parts_where_there_are_many(monkeypatch):
    values, groups = [1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0], list("aabbbcc")
    whole = interval(values, groups=groups)
    monkeypatch.setattr(stats, "_AT_ONCE", 9 * 999)
    parts = interval(values, groups=groups)
    assert parts.mean == whole.mean
    assert (parts.low, parts.high) == pytest.approx((whole.low, whole.high), abs=0.03)


def test_a_ratio_is_of_sums_and_its_width_that_of_texts():
    found = ratio([2.0, 9.0, 4.0] * 20, [1.0, 3.0, 2.0] * 20)
    assert found.mean == 2.5
    assert 2.2 < found.low < 2.5 < found.high < 2.8
    assert ratio([2.0, 4.0], [1.0, 2.0]) == stats.Interval(2.0, 2.0, 2.0)


def test_conversations_are_exchanged_whole_where_there_are_six():
    groups = [group for group in range(6) for _ in range(4)]
    found = paired([1.0] * 24, [0.0] * 24, groups)
    assert (found.p, found.over) == (2 / 64, "conversations")
    # The same differences within one conversation: twelve questions won in it are one conversation won.
    one = [1.0] * 12 + [0.0] * 12
    lopsided = paired(one, [0.0] * 24, [0] * 12 + [1, 2, 3, 4, 5, 5, 5, 5, 5, 5, 5, 5])
    assert (lopsided.p, lopsided.over) == (1.0, "conversations")
    assert mcnemar([bool(v) for v in one], [False] * 24) < 0.001


def test_questions_are_exchanged_where_there_are_few_conversations():
    first, second = [1.0] * 8 + [0.0] * 3, [0.0] * 8 + [1.0] * 3
    found = paired(first, second, ["a"] * 5 + ["b"] * 6)
    assert found.over == "questions"
    assert found.p == mcnemar([bool(v) for v in first], [bool(v) for v in second]) == pytest.approx(0.2266, abs=1e-4)
    thirds = paired([v / 3 for v in first], [v / 3 for v in second], ["a"] * 11)
    assert (thirds.p, thirds.over) == (pytest.approx(found.p), "questions")


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (1, 0), (5, 0), (8, 2), (3, 3), (20, 5)])
def test_mcnemar_is_a_sign_test_of_what_differs(gained, lost):
    first = [True] * gained + [False] * lost + [True, False] * 7
    second = [False] * gained + [True] * lost + [True, False] * 7
    apart = gained + lost
    # The slow way: every outcome of as many fair coins.
    if apart <= 10:
        outcomes = [abs(2 * sum(coins) - apart) for coins in itertools.product((0, 1), repeat=apart)]
        wanted = sum(far >= abs(gained - lost) for far in outcomes) / len(outcomes)
        assert mcnemar(first, second) == pytest.approx(wanted)
    assert mcnemar(first, second) == mcnemar(second, first) <= 1.0


def test_permutation_of_signs_is_that_of_every_sign():
    first, second = [0.9, 0.8, 0.1, 0.7, 0.6, 0.5], [0.2, 0.3, 0.2, 0.1, 0.6, 0.1]
    apart = [a - b for a, b in zip(first, second, strict=True)]
    sums = [
        abs(sum(s * d for s, d in zip(signs, apart, strict=True))) for signs in itertools.product((1, -1), repeat=6)
    ]
    wanted = sum(s >= abs(sum(apart)) - 1e-12 for s in sums) / len(sums)
    assert permutation(first, second) == pytest.approx(wanted, rel=1e-9)


def test_many_signs_are_drawn():
    chance = random.Random(2)
    first = [chance.random() + 0.1 for _ in range(30)]
    assert permutation(first, [0.5] * 30) == permutation(first, [0.5] * 30) != permutation(first, [0.5] * 30, seed=1)
    assert permutation(first, [-9.0] * 30) == 1 / 10_001


def test_equal_scores_are_no_difference():
    assert permutation([0.5, 0.5], [0.5, 0.5]) == 1.0


@pytest.mark.parametrize("test", [mcnemar, permutation])
def test_there_have_to_be_as_many(test):
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        test([True, False], [True])
