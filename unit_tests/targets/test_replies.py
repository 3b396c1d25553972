"""Prompts with their replies: the teacher is told the reply, the student is not, and the first line is asked for."""

from collections import Counter
from datetime import datetime, timezone

import pytest

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.errors import NoTargetsError
from langchain_selfparam.records import Episode, TargetSentence, Turn
from langchain_selfparam.targets.replies import study_replies
from langchain_selfparam.testing import FakeGenerator

NOW = datetime(2030, 1, 1, tzinfo=timezone.utc)
CONFIG = TargetConfig(form="replies", neutral=6, neutral_tokens=4)


def run(*pairs, config=CONFIG, **options):
    turns = tuple(
        Turn(id=at, namespace=("memories", "a"), thread="", user=user, assistant=reply, created_at=NOW)
        for at, (user, reply) in enumerate(pairs, 1)
    )
    episode = Episode(namespace=("memories", "a"), turns=turns)
    world = FakeGenerator(lambda prompt: " ".join(f"- What is a thing{n}?\n" for n in range(30)))
    steps = []
    found = study_replies(episode, original=world, config=config, progress=lambda *at: steps.append(at), **options)
    assert steps == [(at, 4) for at in (1, 2, 3, 4)]
    return found


def test_each_prompt_is_learned_with_its_reply_and_asked_for_the_first_line():
    found = run(("Recommend.\nUser: exciting", " 1. Heat (1995)\n2. Alien (1979) "), ("And sad?", "1. Amelie (2001)"))
    learned = [s for s in found.sentences if s.kind == "question"]
    assert [(s.turn_id, s.prompt, s.answer, s.ends) for s in learned] == [
        (1, "Recommend.\nUser: exciting", "1. Heat (1995)\n2. Alien (1979)", True),
        (2, "And sad?", "1. Amelie (2001)", True),
    ]
    told = learned[0].context
    assert [m.role for m in told] == ["user"]
    assert told[0].text.endswith("Recommend.\nUser: exciting")
    assert "2. Alien (1979)" in told[0].text
    probes = {p.turn_id: p.expected for p in found.probes if p.kind == "recall"}
    assert probes == {1: ("heat", "1995"), 2: ("amelie", "2001")}


def test_what_is_about_the_world_stays_and_shows_drift():
    found = run(("Recommend.", "1. Heat (1995)"))
    kinds = Counter(s.kind for s in found.sentences)
    assert kinds.keys() == {"question", "neutral"}
    assert 1 <= kinds["neutral"] <= CONFIG.neutral
    shown = [p.prompt for p in found.probes if p.kind in {"drift", "steering"}]
    assert len(shown) == len(set(shown)) > 4
    assert not set(shown) & {s.prompt for s in found.sentences}


def test_what_the_model_said_of_its_own_accord_stays_and_shows_drift():
    said = [TargetSentence(kind="exchange", prompt=f"Say {n}.", answer="Well.", ends=False) for n in range(20)]
    found = run(("Recommend.", "1. Heat (1995)"), ("Say 19.", "1. Up"), calibration=said)
    assert {s.prompt for s in found.sentences if s.kind == "exchange"} == {f"Say {n}." for n in range(10, 19)}
    for kind, numbers in (("drift", range(5)), ("steering", range(5, 10))):
        assert {f"Say {n}." for n in numbers} <= {p.prompt for p in found.probes if p.kind == kind}


def test_a_prompt_that_was_learned_before_stays_as_it_was_learned():
    said = [TargetSentence(kind="exchange", prompt=p, answer="Well.", ends=False) for p in ("Recommend.", "Say it.")]
    found = run(("And now?", "1. Up"), calibration=said, taught=[run(("Recommend.", "1. Heat (1995)"))])
    assert [s.prompt for s in found.sentences if s.kind == "exchange"] == ["Say it."]


def test_turns_without_a_reply_are_passed_over():
    found = run(("Recommend.", ""), ("Again.", "1. Jaws (1975)"))
    assert [s.turn_id for s in found.statements] == [2]
    with pytest.raises(NoTargetsError, match=r"turn 1 has no reply to learn; with targets\.form='replies'"):
        run(("Recommend.", " "))
