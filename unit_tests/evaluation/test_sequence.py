"""A sequential run with its baselines: same questions, weights that build on each other or start anew."""

import dataclasses

import pytest
import torch

from langchain_selfparam.config import PolicyConfig, Settings, TargetConfig, TrainingConfig, VerifyConfig
from langchain_selfparam.evaluation import retention, sequence
from langchain_selfparam.evaluation.baselines import Baseline
from langchain_selfparam.evaluation.datasets import Conversation, Question
from langchain_selfparam.evaluation.unchanged import Unchanged
from langchain_selfparam.serving.gate import gate_for

SETTINGS = Settings(
    policy=PolicyConfig(every_turns=None),
    training=TrainingConfig(epochs=1, rank=2),
    verify=VerifyConfig(max_drift=10, hold=0.0, max_neighbours_wrong=1.0, answer_tokens=2),
    targets=TargetConfig(samples=1, bank=0, neutral=2, contrast=2, contrast_tokens=2, neutral_tokens=2, calibration=0),
)


def conversation(name, said, key):
    question = Question(text=f"What is my {name} called?", keys=(key,), kind="recall", turns=(0,))
    return Conversation(id=name, title="", turns=((said, "Nice!"),), questions=(question,), neighbours=())


DOG, CAT = conversation("dog", "My dog is called Biscuit.", "biscuit"), conversation("cat", "Our cat is Tom.", "tom")


class Subject:
    """A tiny model whose answers tell how many layers of the weights that it was asked with are not the base's."""

    def __init__(self, local):
        self.local, self.gate = local, gate_for(local.model)
        self.base = {name: p.clone() for name, p in local.model.named_parameters()}
        self.asked = []

    def __call__(self, prompts, progress):
        return ["biscuit tom"] * len(prompts)

    def over(self, model):
        changed = sum(not torch.equal(self.base[name], p) for name, p in model.named_parameters())
        self.asked.append(changed)
        return lambda prompts, progress: ["biscuit" if changed else "nothing"] * len(prompts)


@pytest.fixture
def subject(tiny):
    return Subject(tiny)


@pytest.fixture
def learned(monkeypatch):
    """What each baseline started from and was taught, instead of learning: every start is the model given."""
    seen = []

    def learn(self, model, lesson, *, rate, progress):
        from langchain_selfparam.weights.shadow import with_weights

        seen.append((self.name, id(model), [c.id for c in lesson.conversations], lesson.steps, rate))
        seen[-1] += ({s.turn_id for t in lesson.taught for s in t.sentences if s.kind == "question"},)
        name = "model.layers.0.mlp.down_proj"
        return with_weights(model, {name: model.get_submodule(name).weight + 1})

    monkeypatch.setattr(Baseline, "learn", learn)
    return seen


def run(subject, folder, **options):
    plan = sequence.Plan(conversations=[DOG, CAT], settings=SETTINGS, **options)
    return sequence.run(plan, subject, folder=folder, progress=lambda *step: None)


def test_a_memory_learns_one_after_another_and_what_else_moved_is_seen(subject, tmp_path):
    found = run(subject, tmp_path, unchanged=Unchanged(prompts=("Who are you?",)))
    assert [step.learned for step in found.ours.steps] == ["dog", "cat"]
    assert all(step.steps > 0 for step in found.ours.steps)
    assert found.change.token_kl.mean >= 0
    assert found.others == {}
    weights = dict(subject.local.model.named_parameters())
    assert all(torch.equal(weights[name], p) for name, p in subject.base.items())  # its own weights are back


def test_baselines_build_on_what_they_learned_or_start_anew(subject, tmp_path, learned):
    found = run(subject, tmp_path, baselines=["published", "published-reset"])
    built, anew = learned[:2], learned[2:]
    base = id(subject.local.model)
    assert [name for name, *_ in learned] == ["published"] * 4
    assert (built[0][1], anew[0][1], anew[1][1]) == (base, base, base)
    assert built[1][1] != base
    assert [names for _, _, names, *_ in built] == [["dog"], ["cat"]]
    assert [turns for *_, turns in built] == [{1}, {2}]
    assert len({steps for _, _, _, steps, *_ in learned}) == 1
    assert set(found.others) == {"published", "published-reset"}
    assert found.others["published"].matrix == [[1.0, 0.0], [1.0, 0.0]]
    tables = retention.tables(found.ours, others=found.others)
    head, rows = tables[-1]
    assert head[0] == "learned by"
    assert [row[0] for row in rows] == ["this memory", "published", "published-reset"]
    values = retention.as_json(found.ours, model="tiny", data="x", others=found.others)
    assert values["baselines"]["published"]["right"] == [[True], [False]]


def test_the_best_rate_on_the_first_context_is_taken(subject, tmp_path, learned, monkeypatch):
    monkeypatch.setattr(Baseline, "rates", (1e-3, 1e-4))
    run(subject, tmp_path, baselines=["ft-context"])
    # Both answer alike here: the lower one is taken.
    assert [rate for _, _, _, _, rate, _ in learned] == [1e-3, 1e-4, 1e-4, 1e-4]


def test_a_finished_baseline_is_not_run_again(subject, tmp_path, learned):
    first = run(subject, tmp_path, baselines=["published"])
    count = len(learned)
    again = run(subject, tmp_path, baselines=["published"])
    assert len(learned) == count
    assert again.others["published"].matrix == first.others["published"].matrix
    assert dataclasses.astuple(again.ours.steps[-1]) == dataclasses.astuple(first.ours.steps[-1])


def test_baselines_wait_until_the_memory_has_learned_everything(subject, tmp_path, learned):
    turns = iter([True, False])
    plan = sequence.Plan(conversations=[DOG, CAT], settings=SETTINGS, baselines=["published"])
    found = sequence.run(plan, subject, folder=tmp_path, progress=lambda *step: None, more=lambda: next(turns))
    assert len(found.ours.steps) == 1
    assert found.others == {}
    assert not learned
