"""Calibration text: what the model says of its own accord; other text than an episode keeps, and shared out once."""

import dataclasses
from collections import Counter

import pytest
from studying import DOG, SISTER, of_kind, run

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.records import TargetSentence
from langchain_selfparam.targets import generate, prompts
from langchain_selfparam.targets.calibration import shared_out, write_calibration
from langchain_selfparam.testing import FakeGenerator

CONFIG = TargetConfig(calibration=60, calibration_tokens=7, neutral_tokens=3, exchanges=10)
WRITTEN = "What is a glacier?\n- Who wrote Faust?\n- How far away is the Moon?"
SAID = ["Can you help me with my letter?", "Hi there", "Tell me of Rome.", "Tell me of Rome.", "Who wrote Faust?"]


class Speaker(FakeGenerator):
    """Writes questions when asked for them, first messages where a conversation is empty, and answers."""

    def __init__(self, said=SAID):
        says = iter(said * 50)
        super().__init__(lambda prompt: next(says) if not prompt else WRITTEN if isinstance(prompt[0], str) else "Yes.")


def text(count, kind="exchange"):
    return [TargetSentence(kind=kind, prompt=f"Say {n}.", answer=f"It is {n}.", ends=False) for n in range(count)]


def test_questions_and_what_users_would_say_are_made_up_and_answered():
    model = Speaker()
    found = write_calibration(model, config=CONFIG)
    by_kind = {kind: [s.prompt for s in of_kind(found, kind)] for kind in ("neutral", "exchange")}
    assert set(by_kind["neutral"]) == {*prompts.GENERAL_QUESTIONS, *WRITTEN.split("\n- ")}
    # Greetings of two words say nothing, and what is asked already is not said again.
    assert by_kind["exchange"] == [SAID[0], SAID[2]]
    assert {(s.answer, s.ends, s.context, s.turn_id) for s in found} == {("Yes.", False, (), None)}
    asking, saying, *answering = model.calls
    assert [call["max_tokens"] for call in answering] == [CONFIG.calibration_tokens] * 2
    assert saying["prompts"] == [()]
    assert saying["samples"] > 30
    assert min(asking["temperature"], saying["temperature"]) > 0


@pytest.mark.parametrize(("count", "kinds"), [(5, {"neutral": 3, "exchange": 2}), (1, {"neutral": 1})])
def test_at_most_so_many_are_made_up(count, kinds):
    model = Speaker([f"Please tell me about number {n}." for n in range(40)])
    found = write_calibration(model, config=dataclasses.replace(CONFIG, calibration=count))
    assert Counter(s.kind for s in found) == kinds


def test_none_are_made_up_where_none_are_wanted():
    model = Speaker()
    assert write_calibration(model, config=dataclasses.replace(CONFIG, calibration=0)) == ()
    assert model.calls == []


def test_an_episode_makes_up_others():
    model = Speaker()
    write_calibration(model, config=CONFIG)
    seeds = {call["seed"] for call in model.calls if call["temperature"]}
    generate.write_general(model, count=30, config=CONFIG)
    assert model.calls[-1]["seed"] not in seeds


def test_what_shows_drift_is_the_same_each_time_and_never_learned():
    found = [shared_out(text(200), without=(), config=dataclasses.replace(CONFIG, seed=seed)) for seed in range(30)]
    probes = {tuple((p.kind, p.prompt, p.expected) for p in probes) for _, probes in found}
    assert len(probes) == 1
    (shown,) = probes
    assert Counter(kind for kind, *_ in shown) == {"drift": 24, "steering": 24}
    assert all(answer == (prompt.replace("Say", "It is"),) for _, prompt, answer in shown)
    learned = {s.prompt for own, _ in found for s in own}
    assert not learned & {prompt for _, prompt, _ in shown}
    assert len(learned) > 100  # others are drawn each time
    assert {len(own) for own, _ in found} == {CONFIG.exchanges}


@pytest.mark.parametrize(("count", "each", "learned"), [(8, 2, 4), (3, 0, 3), (0, 0, 0)])
def test_half_is_left_to_be_learned_where_there_is_little(count, each, learned):
    own, probes = shared_out(text(count), without=(), config=CONFIG)
    assert [len(of_kind(probes, kind)) for kind in ("drift", "steering")] == [each, each]
    assert len(own) == learned


def test_questions_about_the_world_are_no_exchanges():
    assert shared_out(text(40, "neutral"), without=(), config=CONFIG) == ([], [])


def test_what_is_learned_or_asked_otherwise_is_in_neither():
    without = {f"Say {n}." for n in range(0, 60, 2)}
    own, probes = shared_out(text(60), without=without, config=dataclasses.replace(CONFIG, exchanges=60))
    assert {s.prompt for s in own} | {p.prompt for p in probes} == {f"Say {n}." for n in range(1, 60, 2)}


def test_an_episode_learns_exchanges_as_they_were():
    said = text(60)
    found = run(DOG, SISTER, calibration=[*said, *text(4, "neutral")], config=dataclasses.replace(CONFIG, exchanges=9))
    learned = of_kind(found.sentences, "exchange")
    assert len(learned) == 9
    assert set(learned) <= set(said)
    for kind in ("drift", "steering"):
        assert len({p.prompt for p in of_kind(found.probes, kind)} & {s.prompt for s in said}) == 15
