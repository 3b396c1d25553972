"""What was said and corrected later leaves the prompt together with its correction, or not before it."""

from engine_home import DOG, say, states, with_

from langchain_selfparam.records import Statement

LESSON, MOVED = "My lesson is on Monday.", "The lesson is on Friday now."


def stating(episode):
    return tuple(Statement(turn_id=turn.id, said=turn.user, told=turn.user) for turn in episode.turns)


def test_a_correction_stays_in_the_prompt_as_long_as_what_it_corrects_does(home):
    engine = home.open()
    engine.quick.states = stating
    engine.quick.missed = {LESSON}
    say(engine, LESSON, DOG, MOVED)
    report = engine.consolidate()
    assert (report.held, report.pending, report.committed) == ((2,), (1, 3), True)
    assert "turn 3 is known without its text and stays in the prompt beside turn 1" in report.reasons[-1]
    assert [turn.user for turn in engine.prompt_turns()] == [LESSON, MOVED]
    engine.quick.missed = set()
    assert engine.consolidate().held == (1, 3)
    assert engine.prompt_turns() == ()


def test_a_correction_in_a_later_consolidation_waits_for_what_it_corrects(home):
    engine = home.open(settings=with_(policy={"max_attempts": 3}))
    engine.quick.states = stating
    engine.quick.missed = {LESSON}
    say(engine, LESSON)
    assert not engine.consolidate().held
    say(engine, MOVED)
    assert engine.consolidate().held == ()
    assert states(engine) == {LESSON: "pending", MOVED: "pending"}
    engine.quick.missed = set()
    assert engine.consolidate().held == (1, 2)


def test_what_was_taken_out_of_the_prompt_keeps_no_correction_there(home):
    engine = home.open()
    engine.quick.states = stating
    engine.quick.missed = {LESSON}
    say(engine, LESSON, DOG)
    assert engine.consolidate().held == (2,)
    engine.clear()
    say(engine, MOVED)
    assert engine.consolidate().held == (3,)


def test_a_correction_of_what_the_weights_hold_leaves_the_prompt(home):
    engine = home.open()
    engine.quick.states = stating
    say(engine, LESSON)
    engine.consolidate()
    say(engine, MOVED)
    assert engine.consolidate().held == (2,)


def test_where_neither_is_tried_any_more_both_stay_in_the_order_in_which_they_were_said(home):
    engine = home.open(settings=with_(policy={"every_turns": 1, "max_attempts": 2}))
    engine.quick.states = stating
    engine.quick.missed = {LESSON}
    for text in (LESSON, MOVED):
        say(engine, text)
        engine.flush()
    assert len(engine.quick.episodes) == 4
    assert [turn.user for turn in engine.prompt_turns()] == [LESSON, MOVED]
