"""Students side by side learn what each learns alone, for as long as each one lasts."""

import dataclasses
import math

import pytest
import torch

from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.distill import abreast, teacher
from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.packing import Document
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.steering import Steering
from langchain_selfparam.distill.student import Course
from langchain_selfparam.errors import NonFiniteLossError, StoppedError
from langchain_selfparam.model import share
from langchain_selfparam.records import TrainReport
from langchain_selfparam.testing import tiny_model
from langchain_selfparam.weights.joined import JoinedShadows
from langchain_selfparam.weights.shadow import Shadow

CONFIG = TrainingConfig(rank=4, alpha=8.0, frozen_share=0.0, learning_rate=5e-3, epochs=3, batch_tokens=24)
LENGTHS = [((6, 4), (3, 2), (9, 5), (4, 4)), ((2, 6), (7, 3)), ((5, 5), (5, 2), (8, 3), (2, 2), (6, 6), (4, 1))]


class Class:
    """Three students of one model, each with documents, a teacher and an opening of its own."""

    def __init__(self, written, frozen_share):
        self.config = dataclasses.replace(CONFIG, frozen_share=frozen_share)
        self.local = tiny_model()
        self.head = Head(self.local.head.weight)
        self.told = [self._told(written(lengths, opening=(at + 1, 2), seed=at)) for at, lengths in enumerate(LENGTHS)]

    def _told(self, documents):
        context = tuple(range(100, 120))
        told = [Document(d.key, context + d.prompt, d.answer) for d in documents]
        return documents, teacher.read(Reader(share(self.local.model)), self.head, [told])

    def courses(self, **options):
        shadows, courses = [], []
        for at, (documents, targets) in enumerate(self.told):
            config = dataclasses.replace(self.config, seed=at)
            shadow = Shadow(self.local.model, config)
            own = {name: value[at] for name, value in options.items()}
            last = documents[-1:]
            steering = Steering(last, limit=0.01)
            shadows.append(shadow)
            courses.append(
                Course(
                    Reader(shadow.model, learning=shadow.parameters, again=documents),
                    self.head,
                    shadow.parameters,
                    documents,
                    own.pop("targets", targets),
                    config=config,
                    held_out=last,
                    steering=steering,
                    weights={documents[0].key: 2.0},
                    **own,
                )
            )
        return shadows, courses

    def together(self, **options):
        shadows, courses = self.courses(**options)
        return abreast.train(courses, JoinedShadows(shadows)), shadows


@pytest.fixture(params=[0.0, 0.5], ids=["all blocks learn", "half of the blocks learn"])
def students(request, written):
    return Class(written, request.param)


def deltas(shadows):
    return [{n: f.b @ f.a for n, f in shadow.delta().layers.items()} for shadow in shadows]


def test_each_learns_what_it_learns_alone(students):
    reports, shadows = students.together()
    alone, courses = students.courses()
    wanted = [course.run() for course in courses]
    assert len({report.steps for report in reports}) == 3  # they do not last equally long
    for found, expected in zip(reports, wanted, strict=True):
        for name in ("steps", "tokens", "answer_tokens"):
            assert getattr(found, name) == getattr(expected, name)
        assert [p.kl for p in found.curve] == pytest.approx([p.kl for p in expected.curve], rel=1e-3)
        assert [p.lr for p in found.curve] == [p.lr for p in expected.curve]
        assert [p.recall for p in found.curve] == [p.recall for p in expected.curve]
    for found, expected in zip(deltas(shadows), deltas(alone), strict=True):
        for name, change in expected.items():
            assert float((found[name] - change).norm()) < 1e-3 * float(change.norm()), name
    first, second, _ = deltas(alone)
    assert any(float((first[n] - second[n]).norm()) > 0.1 * float(first[n].norm()) for n in first)


def test_one_whose_loss_breaks_ends_alone(students):
    (documents, targets) = students.told[1]
    key = documents[0].key
    broken = dataclasses.replace(targets.rows[key], negentropy=torch.full_like(targets.rows[key].negentropy, math.nan))
    spoilt = [told[1] for told in students.told]
    spoilt[1] = teacher.TeacherTargets({**targets.rows, key: broken})
    reports, shadows = students.together(targets=spoilt)
    assert isinstance(reports[1], NonFiniteLossError)
    alone, courses = students.courses()
    for at in (0, 2):
        assert isinstance(reports[at], TrainReport)
        expected = courses[at].run()
        assert reports[at].steps == expected.steps
        for name, change in deltas(alone[at : at + 1])[0].items():
            assert float((deltas(shadows)[at][name] - change).norm()) < 1e-3 * float(change.norm())


def test_what_frozen_blocks_make_is_kept_for_each(students):
    _, courses = students.courses()
    kept = students.config.frozen_share > 0
    assert all((course.lower() is not None) == kept for course in courses)
    courses[0].run()
    assert courses[0].lower() is None  # nothing is left to read


def test_who_is_told_of_a_step_may_stop_all(students):
    def stop(done, total):
        if done == 2:
            raise StoppedError("enough")

    with pytest.raises(StoppedError, match="enough"):
        students.together(progress=[lambda *at: None, stop, lambda *at: None])
