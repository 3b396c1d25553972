"""Single and batch injection with baselines: what is kept when, what goes on after an end, what is not run and why."""

import dataclasses
import json

import pytest
import torch

from langchain_selfparam.config import PolicyConfig, Settings, TargetConfig, TrainingConfig, VerifyConfig
from langchain_selfparam.engine.pipeline import Engine
from langchain_selfparam.engine.report import nothing_done
from langchain_selfparam.errors import NonFiniteLossError, UnsupportedModelError
from langchain_selfparam.evaluation import harness
from langchain_selfparam.evaluation.baselines import RATES, Baseline
from langchain_selfparam.evaluation.datasets import Conversation, Question
from langchain_selfparam.serving.gate import gate_for
from langchain_selfparam.testing import tiny_model

SETTINGS = Settings(
    policy=PolicyConfig(every_turns=None),
    training=TrainingConfig(epochs=1, rank=2),
    verify=VerifyConfig(max_drift=10, hold=0.0, max_neighbours_wrong=1.0, answer_tokens=2),
    targets=TargetConfig(samples=1, bank=0, neutral=2, contrast=2, contrast_tokens=2, neutral_tokens=2, calibration=0),
)
REFUSED = dataclasses.replace(SETTINGS, verify=dataclasses.replace(SETTINGS.verify, hold=1.0, max_drift=1e-9))


def conversation(name, said, key):
    question = Question(text=f"What is my {name} called?", keys=(key,), kind="recall", turns=(0,))
    return Conversation(id=name, title="", turns=((said, "Nice!"),), questions=(question,), neighbours=())


DOG, CAT = conversation("dog", "My dog is called Biscuit.", "biscuit"), conversation("cat", "Our cat is Tom.", "tom")


class Subject:
    """A tiny model that answers everything; with other weights by the rate that they were learned with."""

    def __init__(self, local):
        self.local, self.gate = local, gate_for(local.model)

    def __call__(self, prompts, progress):
        return ["biscuit tom"] * len(prompts)

    def over(self, model):
        return lambda prompts, progress: ["biscuit tom" if model.rate == 5e-4 else "no"] * len(prompts)


class Twin(torch.nn.Module):
    def __init__(self, rate):
        super().__init__()
        self.rate = rate


@pytest.fixture
def subject(tiny):
    return Subject(tiny)


class Learned(list):
    """What each baseline was taught; a rate in ``diverges`` does so."""

    diverges = ()


@pytest.fixture
def learned(monkeypatch):
    """What each baseline was taught, instead of learning."""
    seen = Learned()

    def learn(self, model, lesson, *, rate, progress):
        questions = {s.turn_id for t in lesson.taught for s in t.sentences if s.kind == "question"}
        seen.append((self.name, [c.id for c in lesson.conversations], rate, questions, lesson.steps, lesson.turns))
        if rate in seen.diverges:
            msg = "too far"
            raise NonFiniteLossError(msg)
        return Twin(rate)

    monkeypatch.setattr(Baseline, "learn", learn)
    monkeypatch.setattr(harness, "moved_by", lambda local, model, taught: 0.5)
    return seen


def run(subject, folder, more=lambda: True, **options):
    options = {"conversations": [DOG], "variants": {"": SETTINGS}, "retrieved": False, **options}
    keep = folder / "outcomes.jsonl"
    return harness.run(harness.Plan(**options), subject, keep=keep, progress=lambda *step: None, more=more)


def test_a_rate_is_chosen_once_for_each_variant_and_shown(subject, tmp_path, learned):
    found = run(
        subject,
        tmp_path,
        conversations=[DOG, CAT],
        variants={"a": SETTINGS, "b": SETTINGS},
        baselines=["ft-context"],
    )
    assert [rate for _, _, rate, *_ in learned] == [*RATES, 5e-4] * 2
    assert {o.baselines["ft-context"]["rate"] for o in found} == {5e-4}
    assert found[0].baselines["ft-context"].keys() == {"rate", "seconds", "peak_bytes", "drift"}
    kept = json.loads((tmp_path / "baselines.json").read_text("utf-8"))
    assert kept["b"]["ft-context"]["tried"] == {"0.0002": 0.0, "0.0005": 1.0, "0.001": 0.0, "0.002": 0.0}
    assert kept["b"]["ft-context"]["chosen_on"].startswith("dog: the 1 questions that are scored, in the baseline's")
    assert [o.right("ft-context") for o in found] == [[True]] * 4
    assert not (tmp_path / "lesson.json").exists()


def test_what_the_memory_refused_is_taught_to_a_baseline_too(subject, tmp_path, learned):
    (found,) = run(subject, tmp_path, variants={"": REFUSED}, baselines=["ft-sentences"])
    assert found.report["version"] is None
    assert found.report["drift"] > 0
    assert found.drift == 0.0
    assert all(questions == {1} and steps > 0 for _, _, _, questions, steps, _ in learned)
    assert learned
    assert found.right("ft-sentences") == [True]


def test_a_baseline_without_anything_to_learn_is_not_run_and_says_so(subject, tmp_path, monkeypatch):
    monkeypatch.setattr(Engine, "consolidate", lambda self, *, progress=None, without=(): nothing_done("refused"))
    (found,) = run(subject, tmp_path, baselines=["ft-context", "published"])
    assert found.ways == ("before", "history", "quoted", "after")
    assert found.baselines["ft-context"]["not_run"].startswith("nothing was taught: the memory took no training step")
    assert found.baselines["published"]["not_run"].startswith("nothing was taught: the memory has no questions for")
    assert run(subject, tmp_path, baselines=["ft-context", "published"]) == [found]


def test_our_answers_are_kept_before_baselines_begin_and_these_go_on(subject, tmp_path, learned, monkeypatch):
    learned.diverges = (2e-3,)
    stops = iter([True, True, True, False])
    (found,) = run(subject, tmp_path, more=lambda: next(stops), baselines=["ft-context"])
    assert found.right("after") == [True]
    assert not harness.is_done(found, harness.Plan(conversations=[DOG], baselines=["ft-context"]))
    assert [rate for _, _, rate, *_ in learned] == [2e-4, 5e-4]
    before = learned[:]
    monkeypatch.setattr(Engine, "consolidate", lambda self, *, progress=None, without=(): pytest.fail("learned twice"))
    (found,) = run(subject, tmp_path, baselines=["ft-context"])
    assert [rate for _, _, rate, *_ in learned] == [2e-4, 5e-4, 1e-3, 2e-3, 5e-4]
    assert learned[-1][3:] == before[-1][3:]  # the same questions, steps and turns, read from the folder
    assert found.right("ft-context") == [True]
    kept = json.loads((tmp_path / "baselines.json").read_text("utf-8"))[""]["ft-context"]
    assert kept["diverged"] == {"0.002": "too far"}
    assert kept["tried"]["0.002"] == 0.0


class Ended(Exception):  # noqa: N818
    """An end from outside."""


@pytest.mark.parametrize("calls", [2, 5, 7])
def test_a_batch_that_was_ended_asks_and_learns_nothing_twice(tiny, tmp_path, monkeypatch, calls):
    """Three ways to ask before and one after, of two contexts: eight calls, of which any may be the last."""
    consolidate, learned = Engine.consolidate, []

    def counted(self, **options):
        learned.append(len(self.waiting()))
        return consolidate(self, **options)

    monkeypatch.setattr(Engine, "consolidate", counted)
    asked = []

    class Ends(Subject):
        ends = True

        def __call__(self, prompts, progress):
            if self.ends and len(asked) == calls:
                raise Ended
            asked.append([prompt[-1].text for prompt in prompts])
            return [f"biscuit tom {len(asked)}"] * len(prompts)

    subject = Ends(tiny)
    with pytest.raises(Ended):
        run(subject, tmp_path, conversations=[DOG, CAT], together=True)
    assert len(learned) == (calls >= 6)
    subject.ends = False
    found = run(subject, tmp_path, conversations=[DOG, CAT], together=True)
    assert learned == [2]
    assert len(asked) == 8
    # The answers are those of their own calls: before, history, quoted of the dog, then of the cat, then after.
    answers = [[one.questions[0]["answers"][way] for way in ("before", "history", "quoted", "after")] for one in found]
    assert answers == [[f"biscuit tom {n}" for n in numbers] for numbers in ((1, 2, 3, 7), (4, 5, 6, 8))]
    assert all(one.seconds > 0 for one in found)
    assert found[0].report["version"] == 1
    assert not (tmp_path / "begun").exists()


def test_what_was_begun_of_another_part_is_not_gone_on_with(subject, tmp_path, monkeypatch):
    ask = Subject.__call__
    monkeypatch.setattr(Subject, "__call__", lambda self, prompts, progress: pytest.fail("ended"))
    with pytest.raises(pytest.fail.Exception):
        run(subject, tmp_path)
    (tmp_path / "begun" / "answers.json").write_text('[["cat"]]', "utf-8")
    monkeypatch.setattr(Subject, "__call__", ask)
    (found,) = run(subject, tmp_path, conversations=[CAT])
    assert found.right("before") == [True]
    assert not (tmp_path / "begun").exists()


def test_a_rate_that_diverges_later_is_named_and_ends_nothing(subject, tmp_path, learned):
    run(subject, tmp_path, baselines=["ft-context"])
    learned.diverges = (5e-4,)
    found = run(subject, tmp_path, conversations=[DOG, CAT], baselines=["ft-context"])
    assert found[1].baselines == {"ft-context": {"not_run": "too far"}}
    assert found[1].right("after") == [True]


def test_a_batch_knows_whose_turn_is_whose(subject, tmp_path, learned):
    run(subject, tmp_path, conversations=[DOG, CAT], together=True, baselines=["ft-context"])
    assert {tuple(map(tuple, turns)) for *_, turns in learned} == {((1,), (2,))}


def test_memory_is_measured_while_it_is_consolidated(subject, tmp_path, monkeypatch):
    (found,) = run(subject, tmp_path)
    assert found.peak_bytes > 0
    assert found.served_drift == pytest.approx(found.report["drift"])


def test_a_model_that_no_baseline_is_for_is_refused_before_it_learns(tmp_path, monkeypatch):
    monkeypatch.setattr(Engine, "consolidate", lambda self, *, progress=None, without=(): pytest.fail("learned"))
    with pytest.raises(UnsupportedModelError, match="soft-caps its logits; the baseline published needs"):
        run(Subject(tiny_model("gemma2")), tmp_path, baselines=["published"])
