"""Lessons: learning an episode, given in two halves with the training between them.

A lesson is a generator: it writes targets and reads the teacher, yields its training, is sent what came of it, and ends
with what it found. Whoever drives it trains one alone, or several of one base beside each other; everything before and
after is each lesson's own, and an error in training is thrown into it like one of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Sequence
from typing import TypeVar

from langchain_selfparam.distill import abreast
from langchain_selfparam.distill.student import Course
from langchain_selfparam.records import TrainReport
from langchain_selfparam.weights.joined import JoinedShadows
from langchain_selfparam.weights.shadow import Shadow

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Training:
    """What a lesson wants to be trained.

    Attributes:
        course: The steps.
        shadow: What they change.
    """

    course: Course
    shadow: Shadow


Lesson = Generator[Training, TrainReport, T]
"""Gives its training, wants the report and ends with what it found; one that needs no training only ends."""


def alone(lesson: Lesson[T]) -> T:
    """Drive one lesson to its end.

    Args:
        lesson: Not begun yet.

    Returns:
        What it found.
    """
    try:
        training = next(lesson)
        while True:
            training = _sent(lesson, training)
    except StopIteration as end:
        found: T = end.value
        return found


def _sent(lesson: Lesson[T], training: Training) -> Training:
    try:
        report = training.course.run()
    except BaseException as error:
        lesson.throw(error)
        raise
    return lesson.send(report)


def together(trainings: Sequence[Training]) -> list[TrainReport | Exception]:
    """Train what several lessons want, beside each other.

    Args:
        trainings: Of one base model.

    Returns:
        The report of each, or its own error; one that concerns all of them is raised.
    """
    if len(trainings) == 1:
        return [trainings[0].course.run()]
    joined = JoinedShadows([training.shadow for training in trainings])
    return [*abreast.train([training.course for training in trainings], joined)]
