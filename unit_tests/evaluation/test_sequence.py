"""A sequential run with its baselines: same questions, weights that build on each other or start anew."""

import dataclasses
import json

import pytest
import torch

from langchain_selfparam.config import PolicyConfig, Settings, TargetConfig, TrainingConfig, VerifyConfig
from langchain_selfparam.engine.learn import Learner
from langchain_selfparam.engine.report import nothing_done
from langchain_selfparam.errors import UnsupportedModelError
from langchain_selfparam.evaluation import resumed, retention, sequence, sequential
from langchain_selfparam.evaluation.baselines import Baseline
from langchain_selfparam.evaluation.datasets import Conversation, Question
from langchain_selfparam.evaluation.unchanged import Unchanged
from langchain_selfparam.serving.gate import gate_for
from langchain_selfparam.testing import tiny_model

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


class Learned(list):
    """What was learned; ``diverges`` are rates that do."""


@pytest.fixture
def learned(monkeypatch):
    """What each baseline started from and was taught, instead of learning: every start is the model given."""
    seen, diverges = Learned(), set()
    seen.diverges = diverges

    def delta(self, model, lesson, *, rate, progress):
        from langchain_selfparam.weights.delta import Delta, Factors

        if rate in diverges:
            raise FloatingPointError("too far")
        seen.append((self.name, id(model), [c.id for c in lesson.conversations], lesson.steps, rate))
        seen[-1] += ({s.turn_id for t in lesson.taught for s in t.sentences if s.kind == "question"},)
        name = "model.layers.0.mlp.down_proj"
        out, inside = model.get_submodule(name).weight.shape
        return Delta({name: Factors(b=torch.ones(out, 1), a=torch.ones(1, inside))})

    monkeypatch.setattr(Baseline, "delta", delta)
    monkeypatch.setattr(sequence, "moved_by", lambda local, model, taught: float(len(taught)))
    return seen


@pytest.fixture
def episodes(monkeypatch):
    """Turns of each episode that the memory learns; ``stops`` are numbers of those in which the run is interrupted."""

    class Episodes(list):
        stops = ()

    seen, real = Episodes(), Learner.lesson

    def lesson(self, episode, **options):
        seen.append([turn.id for turn in episode.turns])
        if len(seen) in seen.stops:
            raise KeyboardInterrupt
        return real(self, episode, **options)

    monkeypatch.setattr(Learner, "lesson", lesson)
    return seen


def run(subject, folder, **options):
    options = {"conversations": [DOG, CAT], "settings": SETTINGS, **options}
    return sequence.run(sequence.Plan(**options), subject, folder=folder, progress=lambda *step: None)


def what_it_did(found):
    """Of each step whatever is the same in every run."""
    return [(s.learned, s.answers, s.held, s.lost, s.drift, s.candidate_drift, s.steps, s.version) for s in found.steps]


def test_a_step_that_was_learned_but_not_written_down_is_not_learned_again(subject, tmp_path, episodes, monkeypatch):
    whole = run(subject, tmp_path / "whole").ours
    assert [step.version for step in whole.steps] == [1, 2]
    episodes.clear()
    real, killed = sequential.write_whole, []

    def write_whole(file, text):
        if len(killed) < len(episodes):
            killed.append(file)
            raise KeyboardInterrupt
        return real(file, text)

    monkeypatch.setattr(sequential, "write_whole", write_whole)
    for _ in whole.steps:
        with pytest.raises(KeyboardInterrupt):
            run(subject, tmp_path / "cut")
    found = run(subject, tmp_path / "cut").ours
    assert episodes == [[1], [2]]
    assert what_it_did(found) == what_it_did(whole)
    assert all(step.steps > 0 and step.seconds > 0 for step in found.steps)
    assert [step.peak_bytes for step in found.steps] == [0, 0]  # nobody has measured it


def test_a_step_of_several_episodes_goes_on_within_it(subject, tmp_path, episodes):
    two = dataclasses.replace(DOG, turns=(*DOG.turns, ("Biscuit sleeps on the stove.", "How cosy!")))
    one_by_one = dataclasses.replace(SETTINGS, policy=PolicyConfig(every_turns=None, max_tokens=1))
    options = {"conversations": [two, CAT], "settings": one_by_one}
    whole = run(subject, tmp_path / "whole", **options).ours
    assert episodes == [[1], [2], [3]]
    assert [(step.held, step.version) for step in whole.steps] == [(2, 2), (1, 3)]
    episodes.clear()
    episodes.stops = (2,)
    with pytest.raises(KeyboardInterrupt):
        run(subject, tmp_path / "cut", **options)
    found = run(subject, tmp_path / "cut", **options).ours
    assert episodes == [[1], [2], [2], [3]]
    assert what_it_did(found) == what_it_did(whole)


@pytest.mark.parametrize(
    ("waiting", "asks"),
    [
        ([(2, 1), (3, 1), (4, 0)], True),
        ([(2, 1), (3, 1)], False),
        ([(2, 1), (4, 1)], True),  # of twenty that were too many the second ten
        ([(2, 1), (4, 2)], False),  # its attempts are used up
    ],
)
def test_what_was_tried_before_a_kill_waits_as_it_would_have_without_one(waiting, asks):
    asked = []

    class Turn:
        def __init__(self, number, attempts):
            self.id, self.attempts = number, attempts

    class Kept:
        def __init__(self, number, report):
            self.id, self.report = number, report

    class Engine:
        settings = SETTINGS

        def versions(self):
            report = {"held": [1], "pending": [2], "lost": [3], "seconds": {"student": 1.0}, "reasons": [], "steps": 4}
            report = {**json.loads(json.dumps(dataclasses.asdict(nothing_done("")))), **report}
            return [Kept(0, {}), Kept(1, report)]

        def waiting(self):
            return [Turn(*one) for one in waiting]

        def consolidate(self, *, progress, without):
            asked.append(without)
            return nothing_done("")

    resumed.learn(Engine(), after=0, progress=lambda *at: None)
    assert asked == [{1, 2, 3}] * asks


def test_however_often_it_is_interrupted_a_step_is_learned_whole(subject, tmp_path, episodes):
    long = dataclasses.replace(DOG, turns=DOG.turns * 4)
    episodes.stops = (1, 2, 3)
    for _ in episodes.stops:
        with pytest.raises(KeyboardInterrupt):
            run(subject, tmp_path, conversations=[long])
    run(subject, tmp_path, conversations=[long])
    assert episodes == [[1, 2, 3, 4]] * 4


def test_what_a_run_left_before_its_first_step_is_no_memory_of_the_next(subject, tmp_path):
    def stopped(prompts, progress):
        raise KeyboardInterrupt

    broken = Subject(tiny_model("qwen2"))
    broken.__class__ = type("Broken", (Subject,), {"__call__": lambda self, prompts, progress: stopped(prompts, 0)})
    with pytest.raises(KeyboardInterrupt):
        run(broken, tmp_path)
    assert (tmp_path / "memory").exists()
    assert len(run(subject, tmp_path).ours.steps) == 2


def test_a_missing_library_is_said_before_anything_is_opened(subject, tmp_path, monkeypatch):
    def missing(conversations):
        raise ImportError("no bm25s")

    monkeypatch.setattr(sequence, "Index", missing)
    with pytest.raises(ImportError, match="no bm25s"):
        run(subject, tmp_path)
    assert not (tmp_path / "memory").exists()


def test_a_run_of_an_earlier_version_goes_on(subject, tmp_path, episodes):
    budget = iter([True, False])
    plan = sequence.Plan(conversations=[DOG, CAT], settings=SETTINGS)
    sequence.run(plan, subject, folder=tmp_path, progress=lambda *step: None, more=lambda: next(budget))
    kept = json.loads((tmp_path / "steps.json").read_text("utf-8"))
    for step in kept["steps"]:
        del step["version"]
    (tmp_path / "steps.json").write_text(json.dumps(kept), "utf-8")
    found = run(subject, tmp_path).ours
    assert episodes == [[1], [2]]
    assert [(step.held, step.version) for step in found.steps] == [(1, None), (1, 2)]


def test_a_model_that_no_baseline_is_for_is_refused_before_it_learns(tmp_path, episodes):
    with pytest.raises(UnsupportedModelError, match="soft-caps its logits; the baseline published needs"):
        run(Subject(tiny_model("gemma2")), tmp_path, baselines=["published-reset"])
    assert episodes == []


def test_a_memory_learns_one_after_another_and_what_else_moved_is_seen(subject, tmp_path):
    found = run(subject, tmp_path, unchanged=Unchanged(prompts=("Who are you?",)))
    assert [step.learned for step in found.ours.steps] == ["dog", "cat"]
    assert all(step.steps > 0 for step in found.ours.steps)
    assert found.change["token_kl"]["mean"] >= 0
    assert found.others == {}
    weights = dict(subject.local.model.named_parameters())
    assert all(torch.equal(weights[name], p) for name, p in subject.base.items())  # its own weights are back


def test_what_else_moved_is_looked_at_once(subject, tmp_path, monkeypatch):
    looked, real = [], sequence.Yardstick

    def yardstick(*args, **options):
        looked.append(args)
        return real(*args, **options)

    monkeypatch.setattr(sequence, "Yardstick", yardstick)
    plan = sequence.Plan(conversations=[DOG, CAT], settings=SETTINGS, unchanged=Unchanged(prompts=("Who are you?",)))
    turns = iter([True, False])
    options = {"folder": tmp_path, "progress": lambda *step: None}
    sequence.run(plan, subject, more=lambda: next(turns), **options)
    found = [sequence.run(plan, subject, **options).change for _ in range(2)]
    assert len(looked) == 2  # again after the run had stopped on its way, and not when it was done
    assert found[0] == found[1]
    assert found[0]["token_kl"]["mean"] >= 0


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


def test_a_baseline_that_was_stopped_goes_on_with_its_own_weights(subject, tmp_path, learned):
    plan = sequence.Plan(conversations=[DOG, CAT], settings=SETTINGS, baselines=["published"])
    options = {"folder": tmp_path, "progress": lambda *step: None}
    turns = iter([True, True, True, False])
    found = sequence.run(plan, subject, more=lambda: next(turns), **options)
    assert (found.others, found.unfinished) == ({}, {"published": 1})
    assert len(learned) == 1
    found = sequence.run(plan, subject, **options)
    assert [names for _, _, names, *_ in learned] == [["dog"], ["cat"]]
    assert learned[1][1] != id(subject.local.model)  # what it learned of the dog is in the weights again
    assert found.others["published"].matrix == [[1.0, 0.0], [1.0, 0.0]]
    assert [step.drift for step in found.others["published"].steps] == [2.0, 2.0]
    assert not (tmp_path / "weights-published").exists()


def test_the_untouched_model_is_asked_once_for_all(subject, tmp_path, learned):
    names = ["published", "published-reset"]
    found = run(subject, tmp_path, baselines=names)
    assert subject.asked == [1] * 4  # each baseline after each of its steps, and never before the first
    assert all(found.others[name].before.answers == found.ours.before.answers for name in names)
    assert all(not found.others[name].prompted for name in names)


def test_a_baseline_that_may_not_begin_asks_nobody(subject, tmp_path, learned):
    turns = iter([True, True, False])
    plan = sequence.Plan(conversations=[DOG, CAT], settings=SETTINGS, baselines=["published"])
    found = sequence.run(plan, subject, folder=tmp_path, progress=lambda *step: None, more=lambda: next(turns))
    assert (found.unfinished, subject.asked, learned) == ({"published": 0}, [], [])


def test_weights_that_are_gone_are_asked_for(subject, tmp_path, learned):
    plan = sequence.Plan(conversations=[DOG, CAT], settings=SETTINGS, baselines=["published"])
    turns = iter([True, True, True, False])
    sequence.run(plan, subject, folder=tmp_path, progress=lambda *step: None, more=lambda: next(turns))
    (tmp_path / "weights-published" / "steps.json").write_text("[]")
    found = run(subject, tmp_path, baselines=["published"])
    assert "has the weights of 0 steps, and 1 were answered; remove" in found.not_run["published"]
    assert "steps-published.json to learn them anew" in found.not_run["published"]


def test_a_rate_that_diverges_leaves_the_others(subject, tmp_path, learned, monkeypatch):
    monkeypatch.setattr(Baseline, "rates", (1e-3, 1e-4))
    learned.diverges.add(1e-4)
    found = run(subject, tmp_path, baselines=["ft-context"])
    assert found.others["ft-context"].matrix == [[1.0, 0.0], [1.0, 0.0]]
    kept = json.loads((tmp_path / "baselines.json").read_text("utf-8"))[""]["ft-context"]
    assert (kept["rate"], kept["diverged"]) == (1e-3, {"0.0001": "too far"})
    assert kept["chosen_on"].startswith("dog: the 1 questions that are scored, in the baseline's favour")


def test_a_baseline_without_anything_to_learn_is_left_out(subject, tmp_path, learned, monkeypatch):
    from langchain_selfparam.engine.pipeline import Engine

    monkeypatch.setattr(Engine, "studied", lambda self: [])
    found = run(subject, tmp_path, baselines=["ft-sentences"])
    assert found.not_run["ft-sentences"].startswith("nothing was taught: the memory has no questions for ft-sentences")
    assert found.others == {}


def test_a_context_of_which_nothing_was_taught_is_a_step_without_change(subject, tmp_path, learned, monkeypatch):
    lessons = sequence._lessons

    def without_dog(*args):
        found = lessons(*args)
        return {**found, "dog": dataclasses.replace(found["dog"], taught=[])}

    monkeypatch.setattr(sequence, "_lessons", without_dog)
    found = run(subject, tmp_path, baselines=["published"])
    first, second = found.others["published"].steps
    assert first.note.startswith("nothing was taught")
    assert (second.note, [names for _, _, names, *_ in learned]) == ("", [["cat"]])


def test_it_is_asked_with_more_in_the_prompt_and_served_drift_is_told(subject, tmp_path):
    found = run(subject, tmp_path)
    assert set(found.ours.prompted) == {"history", "retrieved", "quoted"}
    assert found.ours.prompted_flags("retrieved") == [True, True]
    first, _ = found.ours.steps
    assert first.drift == pytest.approx(first.candidate_drift)
    assert first.peak_bytes > 0
    assert "retrieved" not in run(subject, tmp_path / "other", retrieved=False).ours.prompted


def test_the_drift_of_a_refused_candidate_is_not_that_of_what_is_served(subject, tmp_path):
    strict = dataclasses.replace(SETTINGS, verify=dataclasses.replace(SETTINGS.verify, max_drift=1e-9))
    plan = sequence.Plan(conversations=[DOG], settings=strict)
    found = sequence.run(plan, subject, folder=tmp_path, progress=lambda *step: None)
    assert found.ours.steps[0].held == 0
    assert found.ours.steps[0].drift == 0.0
    assert found.ours.steps[0].candidate_drift > 0
