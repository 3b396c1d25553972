"""Intervals and tests against what can be counted by hand."""

import itertools
import math
import random
import statistics

import pytest

from langchain_selfparam.evaluation.stats import interval, mcnemar, permutation


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
    assert permutation(first, second) == pytest.approx(wanted, abs=0.01)


def test_equal_scores_are_no_difference():
    assert permutation([0.5, 0.5], [0.5, 0.5]) == 1.0


@pytest.mark.parametrize("test", [mcnemar, permutation])
def test_there_have_to_be_as_many(test):
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        test([True, False], [True])
