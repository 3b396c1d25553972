"""Learning rates: each is tried once, the best is kept, one that diverged is named and never chosen."""

import json

import pytest

from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.errors import InputError, NonFiniteLossError
from langchain_selfparam.evaluation.baselines import Baseline
from langchain_selfparam.evaluation.rates import Rates, moved_by, questions_of
from langchain_selfparam.records import Probe, TargetSet

SCORES = {2e-4: 0.25, 5e-4: 0.5, 1e-3: 0.5, 2e-3: 0.0}


@pytest.fixture
def baseline(tiny):
    return Baseline(tiny, "ft-context", config=TrainingConfig(rank=2))


def test_the_best_is_kept_with_what_was_tried(baseline, tmp_path):
    file = tmp_path / "baselines.json"
    assert Rates(file).choose(baseline, SCORES.get, on=questions_of("dog", 2), variant="a=1") == 5e-4
    found = json.loads(file.read_text("utf-8"))["a=1"]["ft-context"]
    assert found == {
        "chosen_on": "dog: the 2 questions that are scored, in the baseline's favour",
        "tried": {"0.0002": 0.25, "0.0005": 0.5, "0.001": 0.5, "0.002": 0.0},
        "diverged": {},
        "rate": 5e-4,
    }
    assert Rates(file).choose(baseline, None, on="cat", variant="a=1") == 5e-4  # nothing is tried again
    assert Rates(file).values == {"a=1": {"ft-context": found}}


@pytest.mark.parametrize(
    ("best", "tried"),
    [(2e-3, 5), (4e-3, 6), (8e-3, 7), (1.6e-2, 7), (1e-3, 4)],
)
def test_a_search_goes_on_upwards_while_the_highest_is_the_best(baseline, tmp_path, best, tried):
    rates = Rates(tmp_path / "b.json")
    assert rates.choose(baseline, lambda rate: 1 - abs(rate - best), on="dog") == best
    assert len(rates.values[""]["ft-context"]["tried"]) == tried


def test_a_rate_above_one_that_diverged_is_not_tried(baseline, tmp_path):
    def attempt(rate):
        if rate > 2e-3:
            msg = "too far"
            raise FloatingPointError(msg)
        return rate

    rates = Rates(tmp_path / "b.json")
    assert rates.choose(baseline, attempt, on="dog") == 2e-3
    assert list(rates.values[""]["ft-context"]["diverged"]) == ["0.004"]


def test_a_search_goes_on_where_it_was(baseline, tmp_path):
    file, tried, budget = tmp_path / "baselines.json", [], iter([True, True, False])
    attempt = lambda rate: tried.append(rate) or SCORES[rate]  # noqa: E731
    assert Rates(file).choose(baseline, attempt, on="dog", more=lambda: next(budget)) is None
    assert Rates(file).choose(baseline, attempt, on="dog") == 5e-4
    assert tried == list(SCORES)


def test_what_was_tried_on_something_else_is_tried_anew(baseline, tmp_path):
    rates, budget = Rates(tmp_path / "b.json"), iter([True, False])
    rates.choose(baseline, SCORES.get, on="dog", more=lambda: next(budget))
    assert rates.choose(baseline, lambda rate: min(rate, 1e-3), on="cat") == 1e-3
    assert rates.values[""]["ft-context"]["tried"]["0.0002"] == 2e-4


@pytest.mark.parametrize("error", [NonFiniteLossError("too far"), FloatingPointError("too far")])
def test_a_rate_that_diverged_is_named_and_not_chosen(baseline, tmp_path, error):
    def attempt(rate):
        if rate != 2e-3:
            raise error
        return 0.0

    rates = Rates(tmp_path / "b.json")
    assert rates.choose(baseline, attempt, on="dog") == 2e-3
    kept = rates.values[""]["ft-context"]
    assert (kept["tried"]["0.0002"], kept["diverged"]["0.0002"]) == (0.0, "too far")
    assert "0.002" not in kept["diverged"]


def test_where_all_diverged_it_says_so(baseline, tmp_path):
    def attempt(rate):
        raise FloatingPointError

    message = r"ft-context diverged with each learning rate \(0\.0002, 0\.0005, 0\.001, 0\.002\); leave it out"
    with pytest.raises(FloatingPointError, match=message):
        Rates(tmp_path / "b.json").choose(baseline, attempt, on="dog")


def test_a_recipe_with_one_rate_is_not_searched(tiny, tmp_path):
    rates = Rates(tmp_path / "b.json")
    assert rates.choose(Baseline(tiny, "published", config=TrainingConfig(rank=2)), None, on="dog") == 2e-5
    assert rates.values[""]["published"]["chosen_on"] == "nothing: the recipe has one rate"


def test_another_file_is_refused(tmp_path):
    (tmp_path / "b.json").write_text("x")
    with pytest.raises(InputError, match=r"b\.json is not what an evaluation keeps \(.*\); give another --out folder"):
        Rates(tmp_path / "b.json")


def test_drift_that_nobody_can_measure_is_none(tiny):
    probe = Probe(kind="drift", prompt="What is snow?", expected=("Frozen water.",))
    taught = TargetSet(statements=(), sentences=(), probes=(probe,))
    assert moved_by(tiny, tiny.model, []) is None
    assert moved_by(tiny, tiny.model, [taught]) == pytest.approx(0.0, abs=1e-4)
