"""A recommender's evaluation that ends early, or that a baseline diverges in: what is kept, gone on with and said."""

import dataclasses
import json

import pytest
from recommending import small_plan

from langchain_selfparam.config import Settings
from langchain_selfparam.engine.learn import Learner
from langchain_selfparam.engine.pipeline import Engine
from langchain_selfparam.errors import InputError, NonFiniteLossError, UnsupportedModelError
from langchain_selfparam.evaluation.baselines import RATES, Baseline
from langchain_selfparam.evaluation.recommendation import Recommendation
from langchain_selfparam.evaluation.recommended import as_json, tables
from langchain_selfparam.interfaces.asking import Asker
from langchain_selfparam.protocols import no_progress
from langchain_selfparam.testing import tiny_model
from langchain_selfparam.weights.delta import Delta

SETTINGS = {
    "targets": {"neutral": 2, "neutral_tokens": 2, "calibration": 0},
    "training": {"epochs": 1, "rank": 2, "batch_tokens": 400},
    "verify": {"max_drift": 50, "max_total_drift": 200, "hold": 0.0, "answer_tokens": 2},
}
ONE_BY_ONE = Settings.from_mapping({**SETTINGS, "policy": {"max_tokens": 1}})


@pytest.fixture
def plan(tmp_path):
    return small_plan(tmp_path, Settings.from_mapping(SETTINGS))


class Subject(Asker):
    """Asks a tiny model, and writes the same list every time."""

    def __init__(self, local):
        super().__init__((local.model, local.tokenizer), max_tokens=4)

    def _answered(self, prompts, progress, model):
        return ["1. Jaws (1975)\n2. Alien (1979)"] * len(prompts)


@pytest.fixture
def subject(tiny):
    return Subject(tiny)


def run(plan, subject, folder, **options):
    return Recommendation(plan, subject, folder=folder, progress=no_progress, **options).run()


@pytest.fixture
def learned(monkeypatch):
    """Turns of each episode that is learned; ``stops`` are numbers of episodes in which the run is interrupted."""

    class Learned(list):
        stops = ()

    seen, real = Learned(), Learner.lesson

    def lesson(self, episode, **options):
        seen.append([turn.id for turn in episode.turns])
        if len(seen) in seen.stops:
            raise KeyboardInterrupt
        return real(self, episode, **options)

    monkeypatch.setattr(Learner, "lesson", lesson)
    return seen


@pytest.fixture
def taught(monkeypatch):
    """Rates and steps with which a baseline learned, instead of learning; ``diverges`` has those that do."""

    class Taught(list):
        diverges = ()

    seen = Taught()

    def learn(self, model, given, *, rate, progress):
        seen.append((rate, given.steps))
        if rate in seen.diverges or (rate, given.steps) in seen.diverges:
            msg = "loss is not finite"
            raise NonFiniteLossError(msg)
        return Delta({})

    monkeypatch.setattr(Baseline, "delta", learn)
    return seen


# ---- rounds of several episodes


def test_a_round_of_several_episodes_goes_on_within_it_and_has_the_last_of_its_versions(
    plan, subject, tmp_path, learned
):
    plan = dataclasses.replace(plan, settings=ONE_BY_ONE)
    whole = run(plan, subject, tmp_path / "whole")
    assert learned == [[1], [2], [3], [4]]
    assert [(r["dialogues"], r["held"], r["version"]) for r in whole.rounds] == [(2, 2, 2), (2, 2, 4)]
    learned.clear()
    learned.stops = (2, 5)  # the second episode of each round
    for _ in learned.stops:
        with pytest.raises(KeyboardInterrupt):
            run(plan, subject, tmp_path / "cut")
    found = run(plan, subject, tmp_path / "cut")
    assert learned == [[1], [2], [2], [3], [4], [4]]
    assert [without(r, "seconds") for r in found.rounds] == [without(r, "seconds") for r in whole.rounds]
    assert [r["seconds"].keys() for r in found.rounds] == [r["seconds"].keys() for r in whole.rounds]
    assert found.rankings == whole.rankings


def without(row, name):
    return {key: value for key, value in row.items() if key != name}


def test_what_was_tried_and_not_held_is_not_tried_again_after_an_end(plan, subject, tmp_path, learned, monkeypatch):
    real = Engine.clear

    def killed(self, thread=None):
        raise KeyboardInterrupt

    strict = {**SETTINGS, "verify": {**SETTINGS["verify"], "max_drift": 1e-12, "max_total_drift": 1e-12}}
    plan = dataclasses.replace(plan, settings=Settings.from_mapping(strict))
    monkeypatch.setattr(Engine, "clear", killed)
    with pytest.raises(KeyboardInterrupt):
        run(plan, subject, tmp_path)
    monkeypatch.setattr(Engine, "clear", real)
    found = run(plan, subject, tmp_path)
    assert learned == [[1, 2], [3, 4]]
    assert [r["version"] for r in found.rounds] == [None, None]


# ---- baselines


def test_a_rate_that_diverges_is_kept_and_neither_chosen_nor_tried_again(plan, subject, tmp_path, taught, monkeypatch):
    plan = dataclasses.replace(plan, baselines=("ft-context",))
    taught.diverges = (RATES[0],)
    stops = iter([KeyboardInterrupt])
    monkeypatch.setattr(Baseline, "unseen", lambda self, model, given: interrupted(stops))
    with pytest.raises(KeyboardInterrupt):
        run(plan, subject, tmp_path)
    found = run(plan, subject, tmp_path)
    kept = found.others["ft-context"]
    assert kept["diverged"] == {"0.0002": "loss is not finite"}
    assert kept["rates"] == {f"{rate:g}": 0.5 for rate in RATES[1:]}
    assert kept["rate"] == RATES[1]
    steps = sum(r["steps"] for r in found.rounds)
    # All of them do as well: of those that did not diverge the lowest is taken.
    assert [rate for rate, _ in taught] == [RATES[0], RATES[1], *RATES[1:], RATES[1]]
    assert taught[-1] == (RATES[1], steps)
    assert json.loads((tmp_path / "baselines.json").read_text("utf-8")) == found.others
    assert len(found.rankings["free_text"]["ft-context"]) == 3
    assert not found.not_run


def interrupted(stops):
    for stop in stops:
        raise stop
    return 0.5


def test_a_rate_that_diverges_on_the_whole_alone_gives_way_to_the_next(plan, subject, tmp_path, taught):
    plan = dataclasses.replace(plan, baselines=("ft-context",))
    steps = sum(r["steps"] for r in run(dataclasses.replace(plan, baselines=()), subject, tmp_path).rounds)
    taught.diverges = ((RATES[0], steps),)
    kept = run(plan, subject, tmp_path).others["ft-context"]
    assert kept["rates"].keys() == {f"{rate:g}" for rate in RATES}
    assert (kept["rate"], kept["diverged"]) == (RATES[1], {"0.0002": "loss is not finite"})
    assert taught[-2:] == [(RATES[0], steps), (RATES[1], steps)]


def test_where_all_rates_diverge_the_baseline_is_not_run_and_ours_is_shown(plan, subject, tmp_path, taught):
    plan = dataclasses.replace(plan, baselines=("ft-context", "ft-sentences"))
    taught.diverges = RATES
    for _ in range(2):
        found = run(plan, subject, tmp_path)
        why = "{} diverged with each learning rate (0.0002, 0.0005, 0.001, 0.002); leave it out"
        assert found.not_run == {name: why.format(name) for name in ("ft-context", "ft-sentences")}
        assert len(taught) == 8  # each rate once for each
    assert "ours" in found.rankings["likelihood"]
    assert json.loads((tmp_path / "baselines.json").read_text("utf-8")) == found.others
    assert tables(plan, found)[-1][1] == [
        [name, f"not run: {reason}", "", "", ""] for name, reason in found.not_run.items()
    ]
    assert as_json(plan, found, model="tiny")["not_run"] == found.not_run
    assert found.unfinished == {"free_text": {}, "likelihood": {}}


def test_a_baseline_that_refuses_what_it_is_given_is_not_run(plan, subject, tmp_path, monkeypatch):
    def learn(self, model, given, *, rate, progress):
        msg = "too long"
        raise InputError(msg)

    monkeypatch.setattr(Baseline, "delta", learn)
    found = run(dataclasses.replace(plan, baselines=("ft-context",)), subject, tmp_path)
    assert found.not_run == {"ft-context": "too long"}
    monkeypatch.setattr(Baseline, "delta", lambda self, model, given, *, rate, progress: Delta({}))
    assert run(dataclasses.replace(plan, baselines=("ft-context",)), subject, tmp_path).not_run == {}


def test_a_model_that_no_baseline_is_for_is_refused_before_anything_is_learned(plan, tmp_path, learned):
    plan = dataclasses.replace(plan, baselines=("ft-context",))
    with pytest.raises(UnsupportedModelError, match="soft-caps its logits; the baseline ft-context needs a linear"):
        run(plan, Subject(tiny_model("gemma2")), tmp_path)
    assert learned == []
    assert not (tmp_path / "answers.jsonl").exists()


def test_fine_tuning_on_dialogues_has_them_from_the_beginning(plan, subject, tmp_path, monkeypatch):
    given = []

    def learn(self, model, lesson, *, rate, progress):
        given.append([user for c in lesson.conversations for user, _ in c.turns])
        return Delta({})

    monkeypatch.setattr(Baseline, "delta", learn)
    first = plan.dialogues[0]
    long = dataclasses.replace(first, turns=(("User", "I liked Brazil (1985)"), ("User", "well " * 150), *first.turns))
    plan = dataclasses.replace(plan, dialogues=[long, *plan.dialogues[1:]], baselines=("ft-context",))
    run(plan, subject, tmp_path)
    whole = given[-1][0]
    assert whole.startswith("User: I liked Brazil (1985)\nUser: well well")
    assert whole.endswith("User: Not yet, thanks")


# ---- how far it came


def test_what_is_not_done_is_said_by_measure_and_method(plan, subject, tmp_path):
    plan = dataclasses.replace(plan, baselines=("ft-context",), scored=2)
    nothing = run(plan, subject, tmp_path, more=lambda: False)
    assert nothing.unfinished == {
        "free_text": {"base": (0, 3), "ours": (0, 3), "ft-context": (0, 3), "ours, round 1": (0, 3)},
        "likelihood": {"base": (0, 2), "ours": (0, 2), "ft-context": (0, 2)},
    }
    assert as_json(plan, nothing, model="tiny")["dialogues_learned"] == 0
    budget = iter([True] * 5)  # lists, both orders, a round, its lists
    found = run(plan, subject, tmp_path, more=lambda: next(budget, False))
    assert found.unfinished == {
        "free_text": {"ours": (0, 3), "ft-context": (0, 3)},
        "likelihood": {"ours": (0, 2), "ft-context": (0, 2)},
    }
    values = json.loads(json.dumps(as_json(plan, found, model="tiny")))
    assert (values["rounds_planned"], values["dialogues"], values["dialogues_learned"]) == (2, 4, 2)
    assert values["unfinished"]["likelihood"]["ours"] == {"kept": 0, "wanted": 2}
    budget = iter([True] * 3)  # a round, its lists, one of two orders
    found = run(plan, subject, tmp_path, more=lambda: next(budget, False))
    assert found.unfinished["likelihood"]["ours"] == (1, 2)
    assert found.unfinished["free_text"] == {"ft-context": (0, 3)}
    assert as_json(plan, found, model="tiny")["dialogues_learned"] == 4


def test_dialogues_of_a_round_that_was_refused_are_not_learned(plan, subject, tmp_path):
    strict = {**SETTINGS, "verify": {**SETTINGS["verify"], "max_drift": 1e-12, "max_total_drift": 1e-12}}
    plan = dataclasses.replace(plan, settings=Settings.from_mapping(strict))
    values = as_json(plan, run(plan, subject, tmp_path), model="tiny")
    assert (len(values["rounds"]), values["dialogues_learned"]) == (2, 0)


def test_what_nobody_was_asked_and_the_error_of_one_dialogue_are_dashes(plan, subject, tmp_path):
    plan = dataclasses.replace(plan, prompts=plan.prompts[1:2], scored=1)
    found = run(plan, subject, tmp_path)
    first, conditions, *_, apart, _, _ = tables(plan, found)
    base = dict(zip(first[0], next(row for row in first[1] if row[0] == "base"), strict=True))
    assert (base["R@1, %"], base["R@10, %"]) == ("0.0 ± -", "100.0 ± -")
    by_condition = dict(zip(conditions[0], next(row for row in conditions[1] if row[0] == "base"), strict=True))
    assert (by_condition["new"], by_condition["named"]) == ("100.0 ± -", "-")
    assert apart[1][0] == ["base, free text", "+0.0 [-]", "+0.0 [-]"]
    values = json.loads(json.dumps(as_json(plan, found, model="tiny")))["free_text"]
    assert values["scores"]["base"]["all"]["recall@10"] == {"mean": 1.0, "error": None, "targets": 1}
    assert values["difference"]["base"] == {"mean": 0.0, "low": None, "high": None, "targets": 1}
    named = dataclasses.replace(plan.prompts[0], turns=(("User", "I liked Alien (1979)"),))
    plan = dataclasses.replace(plan, prompts=[named, dataclasses.replace(named, id="another")], scored=2)
    _, conditions, *_, apart, _, _ = tables(plan, run(plan, subject, tmp_path / "named"))
    row = dict(zip(conditions[0], conditions[1][0], strict=True))
    assert (row["new"], row["new, rest out"], row["named"], row["p, new"]) == ("-", "-", "100.0 ± 0.0", "-")
    assert apart[1][0] == ["base, free text", "+0.0 [+0.0, +0.0]", "-"]


def test_what_a_baseline_learned_is_not_learned_again_after_an_end(plan, subject, tmp_path):
    plan, learned, real = dataclasses.replace(plan, baselines=("ft-sentences",)), [], Baseline.delta

    def delta(self, model, given, **options):
        learned.append(given.steps)
        return real(self, model, given, **options)

    whole = run(plan, subject, tmp_path / "whole")
    left = iter([])  # parts until the time is over

    def more():
        return next(left, False)

    def go_on(parts):
        nonlocal left
        left = iter([True] * parts)
        return Recommendation(plan, subject, folder=tmp_path / "cut", progress=no_progress, more=more).run()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Baseline, "delta", delta)
        for _ in range(100):
            before = list(learned)
            found = go_on(1)
            if "rate" in found.others.get("ft-sentences", {}):
                break
        assert len(learned) == len(before) + 1  # the training took all of the time, and nothing was asked
        assert "ft-sentences" not in found.rankings["free_text"]
        found = go_on(100)
        assert found.rankings == whole.rankings
        assert len(learned) == len(before) + 1
        (cut, uncut) = (without(one.others["ft-sentences"], "change") for one in (found, whole))
        assert cut == uncut


def test_what_a_baseline_learned_and_is_lost_is_learned_again(plan, subject, tmp_path, caplog):
    plan = dataclasses.replace(plan, baselines=("ft-sentences",))
    whole = run(plan, subject, tmp_path)
    (file,) = (tmp_path / "baselines").iterdir()
    file.write_bytes(b"x")
    answers = tmp_path / "answers.jsonl"
    rows = [row for row in answers.read_text("utf-8").splitlines() if '"likelihood/ft-sentences"' not in row]
    answers.write_text("\n".join(rows) + "\n", "utf-8")
    found = run(plan, subject, tmp_path)
    assert "what ft-sentences learned is learned again: " in caplog.text
    assert found.rankings == whole.rankings
