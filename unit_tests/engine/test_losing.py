"""What the weights hold no longer goes back into the prompt, and is learned again the next time."""

import threading

import pytest
import torch
from engine_home import DOG, SISTER, STAGES, author, everything, same, say, states, with_
from engine_town import BOB, Town, run
from engine_town import say as tell
from engine_town import states as where

from langchain_selfparam.records import ProbeResult, TurnState
from langchain_selfparam.testing import FakeGenerator
from langchain_selfparam.verify import recall, verdict

CAT = "My cat is called Widget."


def with_a_lost_turn(home):
    """A folder in which learning about the cat has cost the dog."""
    engine = home.open()
    say(engine, DOG)
    engine.consolidate()
    say(engine, CAT)
    engine.quick.losing = {1}
    engine.consolidate()
    return engine


@pytest.fixture
def town(tmp_path, monkeypatch, request):
    return Town(tmp_path / "memory", monkeypatch, request.addfinalizer)


def test_a_lost_turn_is_in_the_prompt_again_and_is_learned_the_next_time_not_at_once(home):
    engine = home.open()
    say(engine, DOG, SISTER)
    engine.consolidate()
    say(engine, CAT)
    engine.quick.losing = {1}
    report = engine.consolidate()
    assert (report.held, report.pending, report.lost, report.asked_again) == ((3,), (), (1,), (1, 2))
    assert states(engine) == {DOG: "pending", SISTER: "held", CAT: "held"}
    assert [turn.user for turn in engine.prompt_turns()] == [DOG]
    assert engine.quick.episodes == [[DOG, SISTER], [CAT]]
    assert engine.versions()[-1].lost_ids == (1,)
    engine.quick.losing = set()
    assert engine.consolidate().held == (1,)
    assert states(engine) == {DOG: "held", SISTER: "held", CAT: "held"}
    engine.rollback(2)
    assert states(engine) == {DOG: "pending", SISTER: "held", CAT: "held"}
    engine.rollback(1)
    assert states(engine) == {DOG: "held", SISTER: "held", CAT: "pending"}


def test_turns_that_displace_each_other_are_not_learned_by_turns_for_ever(home):
    engine = home.open(settings=with_(policy={"every_turns": 1, "max_attempts": 3}))
    engine.quick.losing = {1, 2}
    for said in (DOG, SISTER):
        say(engine, said)
        engine.flush()
    assert engine.quick.episodes == [[DOG], [SISTER], [DOG], [SISTER], [DOG], [SISTER]]
    assert [(t.state, t.attempts) for t in engine.turns()] == [(TurnState.PENDING, 3), (TurnState.HELD, 2)]
    assert engine.step() is False


def test_clearing_leaves_what_was_lost_to_be_learned(home):
    engine = with_a_lost_turn(home)
    say(engine, SISTER)
    engine.clear()
    assert states(engine) == {DOG: "pending", CAT: "held", SISTER: "cleared"}
    engine.quick.losing = set()
    assert engine.consolidate().held == (1,)
    engine.rollback(0)  # nothing is lost there: it was never held
    engine.clear()
    assert set(states(engine).values()) == {"cleared"}


def test_opening_again_finds_what_was_lost_lost(home):
    with_a_lost_turn(home).close()
    assert states(home.open()) == {DOG: "pending", CAT: "held"}


def test_a_run_over_many_leaves_what_it_lost_for_the_next(town):
    spaces = town.open()
    first = tell(spaces, BOB, "one", "two")
    run(spaces)
    with spaces.learning(BOB) as engine:
        engine._learner.losing = {first[0]}
    (third,) = tell(spaces, BOB, "three")
    report = run(spaces)
    assert (report.held, report.reports[BOB].lost, report.left) == ((third,), first[:1], {BOB: 1})
    assert report.ended == "done"
    assert where(spaces) == {first[0]: TurnState.PENDING, first[1]: TurnState.HELD, third: TurnState.HELD}


class Answers:
    """Has the probes of chosen turns answered, and notes which recall probes were asked of which module."""

    def __init__(self):
        self.unknown, self.asked = set(), []
        self.missed = lambda probe, model: False

    def __call__(self, probes, generator, *, max_tokens):
        turns = {p.turn_id for p in probes if p.kind == "recall"}
        self.asked += [(turns, generator._model)] if turns else []
        known = [p.turn_id not in self.unknown and not self.missed(p, generator._model) for p in probes]
        return [ProbeResult(probe=p, answer="", passed=passed) for p, passed in zip(probes, known, strict=True)]


@pytest.fixture
def answers(monkeypatch):
    found = Answers()
    monkeypatch.setattr(recall, "ask", found)
    return found


def learned(home, **verify):
    """A folder in which one turn is held by the real learner, opened again with other limits."""
    engine = home.open(quick=False, generator=author(), settings=with_(verify={"hold": 0.5}))
    say(engine, DOG)
    assert engine.consolidate().held == (1,)
    engine.close()
    other = FakeGenerator(
        ["What is my sister called?\n- Who is Ana?\n- Which town does Ana live in?\n- Is Ana my sister?"]
    )
    return home.open(quick=False, generator=other, settings=with_(verify={"hold": 0.5, **verify}))


def test_the_candidate_is_asked_what_the_folder_holds(home, answers):
    engine = learned(home)
    # First of all the untouched model: what it answers shows nothing.
    assert [turns for turns, _ in answers.asked] == [{1}, {1}]
    answers.unknown = {1}
    say(engine, SISTER)
    report = engine.consolidate()
    assert [turns for turns, _ in answers.asked[2:]] == [{2}, {2}, {1}, {1}]
    candidate, served = answers.asked[-2][1], answers.asked[-1][1]
    assert candidate is not engine.local.model
    assert served is engine.local.model
    assert (report.held, report.asked_again, report.lost) == ((2,), (1,), (1,))
    assert "turn 1 is held no longer: 0 of its 1 probes were answered without its text" in report.reasons[-1]
    assert states(engine) == {DOG: "pending", SISTER: "held"}
    assert {p.probe.turn_id for p in report.probes if p.probe.kind == "recall"} == {2}
    assert engine.versions()[-1].report["lost"] == [1]


@pytest.fixture
def costly(home, answers, monkeypatch):
    """A folder that holds one turn, and a candidate that loses it and is kept without holding another."""
    engine = learned(home)
    say(engine, SISTER)
    monkeypatch.setattr(verdict, "PART", 0.0)
    answers.unknown = {2}
    answers.missed = lambda probe, model: probe.turn_id == 1 and model is not engine.local.model
    return engine


def test_a_candidate_that_forgets_more_than_it_learns_is_refused_and_nothing_is_lost(costly, answers):
    before = everything(costly)
    report = costly.consolidate()
    assert (report.version, report.held, report.lost) == (None, (), ())
    shares = "by shares of their probes 1.0 turns would be forgotten, and 0.0 learned"
    assert report.reasons[0] == f"1 turns that the weights hold would be lost, and 0 held; {shares}"
    assert same(everything(costly), before)
    assert states(costly) == {DOG: "held", SISTER: "pending"}
    assert [t.attempts for t in costly.turns()] == [0, 1]
    # What the served weights know of the turn already is asked of them, or it would count as learned.
    assert answers.asked[-1] == ({2}, costly.local.model)


def test_what_is_held_still_stays_held(home, answers):
    engine = learned(home)
    say(engine, SISTER)
    report = engine.consolidate()
    assert (report.held, report.asked_again, report.lost, report.reasons) == ((2,), (1,), (), ())
    assert states(engine) == {DOG: "held", SISTER: "held"}


@pytest.mark.parametrize("verify", [{"earlier": 0}, {"hold": 0.0}, {"max_drift": 1e-9, "max_shrinks": 0}])
def test_nothing_is_asked_again_where_nothing_could_come_of_it(home, answers, verify):
    engine = learned(home, **verify)
    answers.unknown = {1}
    say(engine, SISTER)
    report = engine.consolidate()
    assert report.committed == ("max_drift" not in verify)
    assert [turns for turns, _ in answers.asked] == [{1}, {1}, {2}, {2}]
    assert (report.asked_again, report.lost) == ((), ())
    assert states(engine)[DOG] == "held"


def test_what_a_commit_loses_while_the_prompt_is_cleared_is_not_cleared(home, monkeypatch):
    engine = home.open()
    say(engine, DOG)
    engine.consolidate()
    say(engine, CAT)
    engine.quick.losing = {1}
    store = engine._store
    looked, done = threading.Event(), threading.Event()
    real = type(store.versions).lost

    def lost(versions, *args, **options):
        found = real(versions, *args, **options)
        looked.set()
        done.wait(1)  # a commit that waits for this transaction comes after it
        return found

    def learns():
        looked.wait(20)
        monkeypatch.setattr(type(store.versions), "lost", real)
        engine.consolidate()
        done.set()

    monkeypatch.setattr(type(store.versions), "lost", lost)
    thread = threading.Thread(target=learns)
    thread.start()
    engine.clear()
    thread.join(60)
    assert states(engine)[DOG] in {"pending", "held"}


def test_a_reply_that_comes_while_its_turn_is_learned_is_learned_as_well(home):
    engine = home.open()
    engine.append(user=DOG, assistant="")
    engine.append(user=SISTER, assistant="How nice.", thread="other")
    engine.quick.at = lambda stage: stage == STAGES[-1] and engine.reply("Biscuit it is.")
    report = engine.consolidate()
    engine.quick.at = lambda stage: None
    assert (report.held, report.pending) == ((2,), (1,))
    assert [(turn.user, turn.assistant) for turn in engine.prompt_turns()] == [(DOG, "Biscuit it is.")]
    assert engine.versions()[-1].turn_ids == (2,)
    assert engine.consolidate().held == (1,)
    assert states(engine) == {DOG: "held", SISTER: "held"}


def test_the_untouched_model_is_asked_first_and_what_it_passes_holds_no_turn(home, answers, monkeypatch):
    """Also when the served one is no longer the untouched."""
    untold = []

    def unguessed(probes, results):
        untold.append([r.probe for r in results])
        return tuple(p for p in probes if p.kind != "recall")

    engine = learned(home)
    before = {name: value.clone() for name, value in engine.local.model.state_dict().items()}
    monkeypatch.setattr(recall, "unguessed", unguessed)
    say(engine, SISTER)
    report = engine.consolidate()
    assert {p.turn_id for p in untold[0]} == {2}
    (_, untouched), *others = answers.asked[2:]
    assert others == []
    assert untouched is not engine.local.model
    assert any(not torch.equal(value, before[name]) for name, value in untouched.state_dict().items())
    assert (report.held, report.pending) == ((), (2,))
