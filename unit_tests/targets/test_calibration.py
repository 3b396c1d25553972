"""Calibration text: questions about the world that the model makes up and answers, other ones than an episode keeps."""

import dataclasses

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.targets import generate, prompts
from langchain_selfparam.targets.calibration import write_calibration
from langchain_selfparam.testing import FakeGenerator

CONFIG = TargetConfig(calibration=30, calibration_tokens=7, neutral_tokens=3)
WRITTEN = "What is a glacier?\n- Who wrote Faust?\n- How far away is the Moon?"


def test_questions_are_made_up_and_answered():
    model = FakeGenerator([WRITTEN])
    found = write_calibration(model, config=CONFIG)
    assert {s.prompt for s in found} == {*prompts.GENERAL_QUESTIONS, *WRITTEN.split("\n- ")}
    assert {(s.kind, s.answer, s.ends, s.context, s.turn_id) for s in found} == {("neutral", WRITTEN, False, (), None)}
    asking, answering = model.calls
    assert answering["max_tokens"] == CONFIG.calibration_tokens
    assert asking["temperature"] > 0


def test_at_most_so_many_are_made_up():
    found = write_calibration(FakeGenerator([WRITTEN]), config=dataclasses.replace(CONFIG, calibration=5))
    assert len(found) == 5


def test_none_are_made_up_where_none_are_wanted():
    model = FakeGenerator([WRITTEN])
    assert write_calibration(model, config=dataclasses.replace(CONFIG, calibration=0)) == ()
    assert model.calls == []


def test_an_episode_makes_up_others():
    model = FakeGenerator([WRITTEN])
    write_calibration(model, config=CONFIG)
    generate.write_general(model, count=30, config=CONFIG)
    assert len({call["seed"] for call in model.calls if call["temperature"]}) == 2
