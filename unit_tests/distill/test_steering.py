"""The weight of what is to stay follows the drift: more where the student has moved too far, less where it may move."""

import dataclasses

import pytest
import torch

from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.distill import student, teacher
from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.packing import Document
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.steering import Steering
from langchain_selfparam.model import share
from langchain_selfparam.testing import tiny_model
from langchain_selfparam.verify.drift import token_kl
from langchain_selfparam.weights.shadow import Shadow

CONFIG = TrainingConfig(rank=4, alpha=8.0, frozen_share=0.0, learning_rate=5e-3, epochs=6, batch_tokens=24)
UNRELATED = [Document(90 + n, tuple(range(5 * n, 5 * n + 4)), (7 * n + 3, 7 * n + 4, 11)) for n in range(4)]


class Lesson:
    """Documents to learn with a context, documents to keep, and unrelated ones that steer."""

    def __init__(self, written):
        self.local = tiny_model()
        self.local.model.to(torch.float32)
        self.head = Head(self.local.head.weight)
        self.learned, self.kept = written(((6, 4), (3, 2), (9, 5))), UNRELATED[:2]
        context = tuple(range(100, 120))
        told = [Document(d.key, context + d.prompt, d.answer) for d in self.learned]
        self.served = Reader(share(self.local.model))
        self.targets = teacher.read(self.served, self.head, [told, UNRELATED])

    def train(self, steering, near=(), **options):
        shadow = Shadow(self.local.model, CONFIG)
        weights = {d.key: CONFIG.keep_weight for d in self.kept}
        report = student.Course(
            Reader(shadow.model),
            self.head,
            shadow.parameters,
            [*self.learned, *self.kept],
            self.targets,
            config=dataclasses.replace(CONFIG, **options),
            steering=steering,
            weights=weights,
            near=set(near),
        ).run()
        return report, token_kl(Reader(share(shadow.model)), self.head, UNRELATED[2:], self.targets)


@pytest.fixture
def lesson(written):
    return Lesson(written)


def moved(lesson, by):
    """A reader of weights that differ from the served ones by so much."""
    model = tiny_model().model.to(torch.float32)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.get_decoder().layers.parameters():
            parameter += by * torch.randn(parameter.shape, generator=generator)
    return Reader(model)


def test_it_sees_the_drift_that_is_judged_afterwards(lesson):
    reader = moved(lesson, 0.01)
    found = Steering(UNRELATED, limit=0.05).look(reader, lesson.head, lesson.targets)
    assert found == pytest.approx(token_kl(reader, lesson.head, UNRELATED, lesson.targets), rel=1e-6)
    assert found > 0


@pytest.mark.parametrize(("times", "factor"), [(1.0, 1.0), (1.25, 0.8), (0.8, 1.25), (100.0, 0.5), (0.01, 2.0)])
def test_the_factor_follows_the_drift_and_by_no_more_than_twice_an_epoch(lesson, times, factor):
    reader = moved(lesson, 0.01)
    drift = token_kl(reader, lesson.head, UNRELATED, lesson.targets)
    steering = Steering(UNRELATED, limit=drift * times)
    steering.look(reader, lesson.head, lesson.targets)
    assert steering.factor == pytest.approx(factor, rel=1e-4)


def test_weights_without_numbers_have_drifted_without_end(lesson):
    steering = Steering(UNRELATED, limit=0.05)
    assert steering.look(moved(lesson, float("inf")), lesson.head, lesson.targets) == float("inf")
    assert steering.factor == 2.0


@pytest.mark.parametrize(("limit", "furthest"), [(1e-9, 8.0), (1e9, 1 / 8)])
def test_it_goes_so_far_and_no_further(lesson, limit, furthest):
    steering, reader = Steering(UNRELATED, limit=limit), moved(lesson, 0.01)
    for _ in range(6):
        steering.look(reader, lesson.head, lesson.targets)
    assert steering.factor == furthest


def test_a_tight_limit_ends_nearer_to_what_was_served_than_a_wide_one(lesson):
    tight, wide = Steering(UNRELATED[:2], limit=1e-9), Steering(UNRELATED[:2], limit=1e9)
    (report, near), (_, far) = lesson.train(tight), lesson.train(wide)
    assert (tight.factor, wide.factor) == (8.0, 1 / 8)
    assert near < far
    seen = [point.drift for point in report.curve if point.drift is not None]
    assert len(seen) == 2 * CONFIG.epochs  # twelve in all
    assert all(drift > 0 for drift in seen)
    assert report.curve[-1].drift == seen[-1]


class Fixed(Steering):
    """Steers by one factor from the beginning on."""

    def __init__(self, factor):
        super().__init__(UNRELATED[:2], limit=1.0)
        self.factor = factor

    def look(self, *args, **options):
        return 0.0


@pytest.mark.parametrize(("factor", "near", "same_as"), [(0.01, True, 0.875), (4.0, True, 4.0), (0.01, False, 0.01)])
def test_what_is_near_is_steered_down_less(lesson, factor, near, same_as):
    kept = [d.key for d in lesson.kept]
    _, found = lesson.train(Fixed(factor), near=kept if near else ())
    _, expected = lesson.train(Fixed(same_as))
    assert found == expected
    _, other = lesson.train(Fixed(0.875 if same_as != 0.875 else 0.01))
    assert found != other


def test_what_is_near_never_weighs_more_than_it_was_given(lesson, monkeypatch):
    monkeypatch.setattr(student, "_NEAR", 100.0)
    _, found = lesson.train(Fixed(0.01), near=[d.key for d in lesson.kept])
    assert found == lesson.train(Fixed(1.0))[1]


def test_without_steering_nothing_is_looked_at(lesson):
    report, _ = lesson.train(None)
    assert {point.drift for point in report.curve} == {None}


@pytest.mark.parametrize(("done", "share"), [(0.0, 1.33), (0.5, 1.165), (1.0, 1.0)])
def test_early_in_the_training_more_drift_is_let_through_than_at_its_end(lesson, done, share):
    reader = moved(lesson, 0.01)
    drift = token_kl(reader, lesson.head, UNRELATED, lesson.targets)
    steering = Steering(UNRELATED, limit=drift)
    steering.look(reader, lesson.head, lesson.targets, done=done)
    assert steering.factor == pytest.approx(1 / share, rel=1e-4)
