"""What was said first does not stand alone in the prompt where the weights hold what corrects it."""

from engine_home import DOG, say, states

LESSON, MOVED = "My lesson is on Monday.", "The lesson is on Friday now."


def with_a_known_correction(home):
    engine = home.open()
    engine.quick.missed = {LESSON}
    say(engine, LESSON, DOG, MOVED)
    report = engine.consolidate()
    assert (report.held, report.pending) == ((2, 3), (1,))
    return engine


def prompt(engine, **options):
    return [turn.user for turn in engine.prompt_turns(**options)]


def test_a_correction_that_is_held_is_in_the_prompt_beside_what_it_corrects(home):
    engine = with_a_known_correction(home)
    assert states(engine) == {LESSON: "pending", DOG: "held", MOVED: "held"}
    assert prompt(engine) == [LESSON, MOVED]
    assert prompt(engine, keep_last=1) == [LESSON, MOVED]
    assert prompt(engine, keep_last=2) == [LESSON, DOG, MOVED]
    assert [turn.user for turn in engine.waiting()] == [LESSON]
    assert engine.pending_tokens == engine.tokens(engine.waiting())


def test_it_leaves_the_prompt_with_it_and_is_not_learned_again(home):
    engine = with_a_known_correction(home)
    engine.quick.missed = set()
    engine.consolidate()
    assert engine.quick.episodes[1:] == [[LESSON]]
    assert prompt(engine) == []


def test_so_it_does_where_the_first_is_taken_out_of_the_prompt_or_forgotten(home):
    engine = with_a_known_correction(home)
    engine.clear()
    assert prompt(engine) == []
    assert states(engine) == {LESSON: "cleared", DOG: "held", MOVED: "held"}
    engine.forget([1])
    assert prompt(engine) == [DOG, MOVED]  # learned again without the first


def test_it_is_found_in_another_conversation(home):
    engine = home.open()
    engine.quick.missed = {LESSON}
    say(engine, LESSON, thread="a")
    say(engine, MOVED, DOG, thread="b")
    engine.consolidate()
    assert prompt(engine, thread="a") == [LESSON, MOVED]
    assert prompt(engine, thread="b") == []
