"""How many turns are learned at once: as many as their statements allow, fewer of those that were too many."""

import json

import pytest
from engine_home import ANA, DOG, SISTER, Quick, states, with_
from engine_home import say as tell
from engine_town import BOB, Town, run, say

from langchain_selfparam.engine.choosing import to_be_halved
from langchain_selfparam.errors import StoppedError
from langchain_selfparam.records import TurnState

NINE = with_(policy={"max_turns": 20, "every_turns": 8})


@pytest.fixture
def full(home):
    """An engine to which nine turns were said, of which five fit into an episode."""
    engine = home.open(settings=NINE)
    tell(engine, *"abcdefghi")
    engine.quick.most = 5
    return engine


def sizes(engine):
    return list(map(len, engine.quick.episodes))


def test_what_is_too_much_at_once_is_learned_in_parts(full):
    report = full.consolidate()
    assert full.quick.episodes == [list("abcdefghi"), list("abcde"), list("fghi")]
    assert states(full) == dict.fromkeys("abcdefghi", "held")
    assert (report.version, len(report.held), report.pending) == (2, 9, ())
    assert (report.drift, report.scale) == (0.01, 1.0), "of what was refused there is nothing in the weights"
    assert report.reasons == ("9 turns at once were refused and tried in parts; nothing was held",)
    assert [str(job.state) for job in full._store.jobs.list()] == ["too large", "done", "done"]
    assert {turn.attempts for turn in full.turns()} == {1}


def test_parts_that_are_refused_too_wait_for_the_next_time(full):
    full.quick.most = 0
    report = full.consolidate()
    assert sizes(full) == [9, 5, 4]
    assert len(report.pending) == 9
    assert report.reasons == (
        "9 turns at once were refused and tried in parts; nothing was held",
        *["nothing was held"] * 2,
    )
    assert (report.version, report.scale, report.held) == (None, 0.5, ())
    assert {turn.attempts for turn in full.turns()} == {2}, "they stay in the prompt, as what is not held twice"
    full.quick.most = 5
    full.consolidate()
    assert sizes(full)[3:] == [3], "half of the five that were too many"


def test_it_goes_on_with_the_halves_after_a_kill(full, home):
    def killed(stage):
        if len(full.quick.episodes) == 2:
            raise StoppedError("the machine is needed")

    full.quick.at = killed
    with pytest.raises(StoppedError, match="the machine is needed"):
        full.consolidate()
    assert set(states(full).values()) == {"pending"}
    full.close()
    again = home.open(settings=NINE)
    again.consolidate()
    assert sizes(again) == [5, 4]
    assert set(states(again).values()) == {"held"}


def test_the_worker_takes_a_half_the_next_time(full):
    assert full.step() is True
    assert full.step() is True
    assert sizes(full) == [9, 5]
    assert sorted(states(full).values()) == ["held"] * 5 + ["pending"] * 4


def test_what_is_said_meanwhile_makes_it_no_larger(full):
    full.step()
    tell(full, "j", "k")
    full.consolidate()
    assert sizes(full) == [9, 5, 5, 1]


@pytest.mark.parametrize("turn", ["one turn", "held at once", "whole change"])
def test_what_cannot_be_too_large_is_not_parted(home, turn):
    engine = home.open(settings=NINE)
    tell(engine, *("a" if turn == "one turn" else "ab"))
    engine.quick.most = 0 if turn == "one turn" else 9
    engine.quick.missed = {"a", "b"} if turn == "whole change" else set()
    engine.consolidate()
    assert len(engine.quick.episodes) == 1
    assert [str(job.state) for job in engine._store.jobs.list()] == ["done" if turn == "held at once" else "failed"]


def test_without_another_attempt_nothing_is_tried_again(home):
    engine = home.open(settings=with_(NINE, policy={"max_attempts": 1}))
    tell(engine, *"abcd")
    engine.quick.most = 2
    report = engine.consolidate()
    assert (sizes(engine), len(report.pending)) == ([4], 4)
    engine.consolidate()  # asked for, as of turns that nobody tries any more
    assert sizes(engine) == [4, 2]
    assert to_be_halved(engine.turns(), report, NINE.policy) == frozenset(), "they were tried as often as they may be"


def test_an_evaluation_goes_the_same_way(home):
    engine = home.open(settings=NINE)
    engine.halves = False  # what was killed is tried whole
    tell(engine, *"abcdef")
    engine.quick.most = 3
    engine.consolidate()
    assert sizes(engine) == [6, 3, 3]


def test_a_run_over_everybody_parts_one_and_learns_the_others(tmp_path, monkeypatch, request):
    monkeypatch.setattr(Quick, "most", 1)
    town = Town(tmp_path / "memory", monkeypatch, request.addfinalizer)
    spaces = town.open()
    ana, bob = say(spaces, ANA, "a1", "a2"), say(spaces, BOB, "b1")
    report = run(spaces)
    assert sorted(town.learned) == [("ana", 1), ("ana", 1), ("ana", 2), ("bob", 1)]
    assert (set(report.held), report.pending, report.left) == ({*ana, *bob}, (), {})
    assert {turn.state for turn in spaces.turns()} == {TurnState.HELD}
    assert json.dumps(report.reports[ANA].reasons)


# ---- statements

STOVE = "My dog is called Biscuit and he sleeps on the stove all day long, every single day of the year, come what may."
LONG = " ".join([STOVE, STOVE.replace("dog", "cat"), STOVE.replace("dog", "hen")])
"""Three statements in one turn."""


@pytest.mark.parametrize(
    ("said", "most", "wanted"),
    [
        ("abcdef", 6, ["abcdef"]),
        ("abcdef", None, ["abcdef"]),
        ("abcdef", 5, ["abc", "def"]),  # evenly
        ("abcdefg", 3, ["abc", "de", "fg"]),
        ("abc", 1, ["a", "b", "c"]),
    ],
)
def test_more_statements_than_fit_are_parted_evenly(home, said, most, wanted):
    engine = home.open(settings=with_(NINE, policy={"max_statements": most}))
    texts = {letter: f"My {letter}{letter} is called Biscuit." for letter in said}
    tell(engine, *texts.values())
    report = engine.consolidate()
    assert engine.quick.episodes == [[texts[letter] for letter in part] for part in wanted]
    assert (len(report.held), report.pending) == (len(said), ())


def test_one_turn_is_never_too_many(home):
    engine = home.open(settings=with_(NINE, policy={"max_statements": 2}))
    tell(engine, LONG, "Thanks!", DOG, SISTER)
    engine.consolidate()
    assert engine.quick.episodes == [[LONG], ["Thanks!", DOG, SISTER]]


@pytest.mark.parametrize("form", ["facts", "replies"])
def test_replies_and_turns_that_state_nothing_are_as_many_as_the_turns_allow(home, form):
    said = [DOG, SISTER] if form == "replies" else ["Thanks!", "Hm."]
    engine = home.open(settings=with_(NINE, policy={"max_statements": 1}, targets={"form": form}))
    tell(engine, *said)
    engine.consolidate()
    assert engine.quick.episodes == [said]
