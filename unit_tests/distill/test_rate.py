"""The learning rate is measured: the first step at it moves unrelated prompts by what was asked, on any model."""

import dataclasses

import pytest
import torch

from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.distill import rate as rates
from langchain_selfparam.distill import student, teacher
from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.packing import Document
from langchain_selfparam.distill.rate import with_rate
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.errors import ConfigError
from langchain_selfparam.model import share
from langchain_selfparam.testing import tiny_model
from langchain_selfparam.verify.drift import token_kl
from langchain_selfparam.weights.shadow import Shadow

CONFIG = TrainingConfig(rank=4, alpha=8.0, frozen_share=0.0, step_drift=1e-3, batch_tokens=1000, warmup=0.0, clip=1e9)
RULER = [Document(90 + n, tuple(range(5 * n, 5 * n + 4)), (7 * n + 3, 7 * n + 4, 11)) for n in range(4)]


class Lesson:
    """Documents to learn with a context, and unrelated ones as a ruler."""

    def __init__(self, written, architecture="llama"):
        self.local = tiny_model(architecture)
        self.local.model.to(torch.float32)
        self.head = Head(self.local.head.weight)
        self.documents = written(((6, 4), (3, 2), (9, 5), (4, 4)))
        told = [Document(d.key, (*range(100, 120), *d.prompt), d.answer) for d in self.documents]
        self.targets = teacher.read(Reader(share(self.local.model)), self.head, [told, RULER])

    def find(self, config=CONFIG, ruler=RULER, documents=None):
        shadow = Shadow(self.local.model, config)
        before = [p.detach().clone() for p in shadow.parameters]
        documents = self.documents if documents is None else documents
        found = with_rate(
            config, Reader(shadow.model), self.head, shadow.parameters, documents, self.targets, ruler=ruler
        )
        assert all(torch.equal(p, was) for p, was in zip(shadow.parameters, before, strict=True))
        assert all(p.grad is None for p in shadow.parameters)
        return found

    def first_step(self, config):
        """Drift after one step as the student takes it, all documents in it."""
        shadow = Shadow(self.local.model, config)
        course = student.Course(
            Reader(shadow.model),
            self.head,
            shadow.parameters,
            self.documents,
            self.targets,
            config=dataclasses.replace(config, epochs=1),
        )
        assert len(course.run().curve) == 1
        return token_kl(Reader(share(shadow.model)), self.head, RULER, self.targets)


@pytest.fixture
def lesson(written):
    return Lesson(written)


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma3_text"])
@pytest.mark.parametrize("drift", [2e-4, 1e-3, 5e-3])
def test_the_first_step_moves_the_ruler_by_what_was_asked(written, architecture, drift):
    lesson = Lesson(written, architecture)
    config = lesson.find(dataclasses.replace(CONFIG, step_drift=drift))
    assert lesson.first_step(config) == pytest.approx(drift, rel=0.5)
    assert lesson.first_step(dataclasses.replace(config, learning_rate=10 * config.learning_rate)) > 10 * drift


def test_what_a_step_does_counts_and_not_the_units_of_the_factors(lesson):
    found = lesson.find().learning_rate
    for times in (0.01, 0.25, 4.0, 300.0):
        other = lesson.find(dataclasses.replace(CONFIG, alpha=CONFIG.alpha * times)).learning_rate
        assert other == pytest.approx(found / times, rel=0.15)


def test_everything_else_of_the_configuration_stays(lesson):
    found = lesson.find()
    assert dataclasses.replace(found, learning_rate=None) == CONFIG


def test_a_rate_that_was_given_stays_and_nothing_is_read():
    config = dataclasses.replace(CONFIG, learning_rate=3e-4)
    assert with_rate(config, None, None, None, [None], None, ruler=[None]) is config


def test_where_nothing_is_learned_any_rate_will_do(lesson):
    assert lesson.find(documents=[]).learning_rate == rates._START


def test_without_a_ruler_what_is_learned_is_one(lesson):
    assert lesson.find(ruler=[]).learning_rate == lesson.find(ruler=lesson.documents).learning_rate


def test_numbers_beyond_all_bounds_make_the_rate_smaller(lesson, monkeypatch):
    monkeypatch.setattr(rates, "_START", 1e20)
    assert 0 < lesson.find().learning_rate < 1e14


def test_where_no_step_moves_anything_the_rate_is_the_usual_one(lesson, monkeypatch):
    monkeypatch.setattr(
        rates, "_signs", lambda reader, head, parameters, *rest: [torch.zeros_like(p) for p in parameters]
    )
    assert lesson.find().learning_rate == rates._START


def test_a_course_without_a_rate_is_refused(lesson):
    text = r"^learning_rate is None; a course needs a number, such as the one that rate\.with_rate gives$"
    with pytest.raises(ConfigError, match=text):
        lesson.first_step(CONFIG)
