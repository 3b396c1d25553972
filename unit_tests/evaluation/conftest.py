"""A small conversation and a result with every answer, as an evaluation would have them."""

from __future__ import annotations

import pytest

from langchain_selfparam.evaluation.datasets import Conversation, Neighbour, Question
from langchain_selfparam.evaluation.injection import Asked, AskedNeighbour, Result
from langchain_selfparam.records import ConsolidationReport, TrainPoint

DOG = Question(text="What is my dog called?", keys=("biscuit",), kind="recall", turns=(0,))
DAY = Question(text="When is it?", keys=("friday",), kind="update", turns=(1,), forbidden=("monday",))
NAME = Neighbour(text="What is a good name for a dog?", forbidden=("biscuit",))


@pytest.fixture
def conversation():
    return Conversation(
        id="dog",
        title="A dog",
        turns=(("My dog is called Biscuit.", "Nice!"), ("Friday, not Monday.", "Noted.")),
        questions=(DOG, DAY),
        neighbours=(NAME,),
    )


@pytest.fixture
def report():
    return ConsolidationReport(
        version=1,
        held=(1,),
        pending=(2,),
        recall=0.5,
        drift=0.0123,
        neighbours_wrong=0.0,
        seconds={
            "targets": 20.0,
            "teacher": 5.5,
            "student": 60.25,
            "probes": 4.0,
            "commit": 1.0,
            "total": 91.0,
        },
        tokens_saved=321,
        targets=99,
        scale=1.0,
        kl_first=1.5,
        kl_last=0.1,
        reasons=("turn 2: no probe passed",),
        curve=tuple(TrainPoint(step=i, kl=1.5 * 0.97**i + 0.2 * (i % 3) / 3, lr=1e-3) for i in range(120)),
    )


@pytest.fixture
def result(conversation, report):
    return Result(
        conversation=conversation,
        asked=(
            Asked(
                question=DOG,
                answers={
                    "before": "I do not know.",
                    "history": "A | dog\nis Biscuit.",
                    "quoted": "Biscuit",
                    "after": "Your dog is called Biscuit.",
                },
            ),
            Asked(
                question=DAY,
                answers={"before": "Monday.", "history": "Monday", "quoted": "Friday", "after": "Friday, not Monday"},
            ),
        ),
        neighbours=(AskedNeighbour(neighbour=NAME, answers={"before": "Max", "after": "Biscuit!"}),),
        report=report,
        seconds=91.0,
    )
