"""Engines over one folder with a tiny model, and a learner that does what a test decides."""

import dataclasses

import torch

from langchain_selfparam.config import PolicyConfig, Settings, TargetConfig, TrainingConfig, VerifyConfig
from langchain_selfparam.engine.learn import Learned
from langchain_selfparam.engine.pipeline import Engine
from langchain_selfparam.records import (
    TargetSentence,
    TargetSet,
    TrainPoint,
    TrainReport,
    TurnState,
    Verdict,
)
from langchain_selfparam.serving.gate import gate_for
from langchain_selfparam.testing import FakeGenerator, tiny_model
from langchain_selfparam.weights.delta import Delta, Factors
from langchain_selfparam.weights.shadow import adapted_modules

ANA = ("memories", "ana")
SETTINGS = Settings(
    policy=PolicyConfig(every_turns=None),
    training=TrainingConfig(epochs=2, rank=2),
    verify=VerifyConfig(max_drift=10, hold=0.0, max_neighbours_wrong=1.0, answer_tokens=4),
    targets=TargetConfig(
        samples=2,
        bank=0,  # comparing it is most of the time; one whole consolidation in test_pipeline has it
        neutral=2,
        contrast=2,
        contrast_tokens=2,
        neutral_tokens=2,
        calibration=4,
        calibration_tokens=2,
    ),
)
DOG, SISTER = "My dog is called Biscuit.", "My sister Ana lives in Lisbon."
STAGES = ("targets", "teacher", "student", "probes")
AGAIN = "again"
"""The stage in which earlier turns are asked about again, where there are any."""


def with_(settings=SETTINGS, **stages):
    """The settings with some fields of some stages changed."""
    changed = {name: dataclasses.replace(getattr(settings, name), **fields) for name, fields in stages.items()}
    return dataclasses.replace(settings, **changed)


class Quick:
    """Learns in a millisecond what a test decides; everything around it is the real engine."""

    most = 99
    """Turns that fit into an episode; one of more is refused at a part of its change."""

    def __init__(self, local):
        shapes = {n: local.model.get_submodule(n).weight.shape for n in adapted_modules(local.model)[:2]}
        self.shapes, self.episodes, self.bases = shapes, [], []
        self.missed: set[str] = set()
        """What the users said in turns that are not held."""
        self.reasons: tuple[str, ...] = ()
        """Why the candidate is refused."""
        self.losing: set[int] = set()
        """Ids of turns that are lost where something else is learned."""
        self.at = lambda stage: None
        """Called at each stage; may wait or raise."""

    def lesson(self, episode, **options):
        """A lesson without a training."""
        return self.learn(episode, **options)
        yield

    def learn(self, episode, *, candidate, earlier, held, untaught, progress):
        before = [turn.id for turn in held]
        self.bases.append(untaught)
        self.episodes.append([turn.user for turn in episode.turns])
        assert len(self.episodes) < 20, "it learns for ever"
        for stage in (*STAGES, AGAIN) if before else STAGES:
            progress(stage, 1, 1)
            self.at(stage)
        random = torch.Generator().manual_seed(episode.turns[0].id)
        layers = {
            name: Factors(b=torch.randn(d_out, 2, generator=random), a=torch.randn(2, d_in, generator=random))
            for name, (d_out, d_in) in self.shapes.items()
        }
        fits = len(episode.turns) <= self.most
        held = tuple(t.id for t in episode.turns if fits and t.user not in self.missed and not self.reasons)
        accepted = bool(held)
        verdict = Verdict(
            accepted=accepted,
            held=held,
            recall=len(held) / len(episode.turns),
            drift=0.01 if fits else 0.08,
            neighbours_wrong=0.0,
            scale=1.0 if fits else 0.5,
            reasons=self.reasons or (() if accepted else ("nothing was held",)),
            asked_again=tuple(before),
            lost=tuple(self.losing.intersection(before)),
        )
        sentence = TargetSentence(kind="question", prompt="Who?", answer=episode.turns[0].user)
        train = TrainReport(
            steps=1, tokens=9, answer_tokens=3, kl_first=2.0, kl_last=1.0, curve=(TrainPoint(step=1, kl=2.0, lr=1e-3),)
        )
        return Learned(Delta(layers), verdict, TargetSet(statements=(), sentences=(sentence,), probes=()), train, {})


class Home:
    """Engines over one folder, as one process after another would open it."""

    def __init__(self, folder, undo):
        self.folder, self._undo = folder, undo

    def open(self, *, local=None, settings=SETTINGS, quick=True, background=False, **options):
        local = local or tiny_model()
        options = {"namespace": ANA, "path": self.folder, **options}
        engine = Engine.open(local, gate_for(local.model), settings=settings, background=background, **options)
        self._undo.callback(engine.close)
        engine.local = local
        if quick:
            engine.quick = engine._learner = Quick(local)
        return engine


def say(engine, *texts, **options):
    return [engine.append(user=text, assistant="Noted.", **options).id for text in texts]


def states(engine):
    return {turn.user: str(turn.state) for turn in engine.turns()}


def everything(engine):
    return {name: tensor.clone() for name, tensor in engine.local.model.state_dict().items()}


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def author():
    questions = "What is my dog called?\n- Which pet do I have?\n- Where does my sister live?\n- Who lives in Lisbon?"
    return FakeGenerator([questions])


def assert_untouched(engine, before, error, *, attempts):
    """Weights to the bit, ledger and journal are as they were, the turns are pending, and the folder is usable."""
    assert engine.last_error is error
    assert same(everything(engine), before)
    assert len(engine.versions()) == 1
    assert list(engine._store.deltas.iterdir()) == []
    assert {(t.state, t.attempts) for t in engine.turns()} == {(TurnState.PENDING, attempts)}
    assert {str(job.state) for job in engine._store.jobs.list()} == {"failed" if attempts else "stopped"}
    engine._learner = Quick(engine.local)
    assert engine.consolidate().version == 1
    assert engine.last_error is None
