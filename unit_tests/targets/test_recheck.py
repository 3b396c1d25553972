"""What is asked again: probes that nobody learned from since, of turns of which nothing is said otherwise."""

import pytest

from langchain_selfparam.records import Probe, Statement, TargetSentence, TargetSet
from langchain_selfparam.targets.recheck import recheck
from langchain_selfparam.targets.replay import contradicted

DOG = Statement(turn_id=1, said="My dog is called Biscuit.", told="Your dog is called Biscuit.")
LESSON = Statement(turn_id=2, said="My lesson is on Monday.", told="Your lesson is on Monday.")
MOVED = Statement(turn_id=5, said="The lesson is on Friday now.", told="The lesson is on Friday now.")
AMENDED = Statement(
    turn_id=5, said="My lesson is on Friday.", told="Your lesson is on Friday.", instead="Your lesson is on Monday."
)


def probes(turn, *prompts, kind="recall"):
    return tuple(Probe(kind=kind, prompt=p, expected=("x",), turn_id=turn) for p in prompts)


def learned(turn, *prompts):
    return tuple(TargetSentence(kind="question", prompt=p, answer=".", turn_id=turn) for p in prompts)


def targets(*parts, statements=()):
    flat = [part for several in parts for part in several]
    return TargetSet(
        statements=statements,
        sentences=tuple(part for part in flat if isinstance(part, TargetSentence)),
        probes=tuple(part for part in flat if isinstance(part, Probe)),
    )


def asked(earlier, now=None, *, held, count=99, seed=0):
    return [p.prompt for p in recheck(earlier, now or targets(), held=held, count=count, seed=seed)]


FIRST = targets(probes(1, "a", "b"), probes(2, "c", "d"), probes(3, "e", "f"), learned(1, "g"))


def test_all_probes_of_each_turn_that_is_held():
    assert sorted(asked([FIRST], held={1, 3, 9})) == ["a", "b", "e", "f"]
    assert asked([FIRST], held=()) == []
    assert asked([], held={1}) == []
    assert {p.kind for p in recheck([FIRST], targets(), held={1}, count=9, seed=0)} == {"recall"}


def test_probes_about_others_are_not_asked():
    first = targets(probes(1, "a"), probes(None, "n", "m", kind="neighbour"), probes(2, "c", "d"))
    assert sorted(asked([first], held={1, 2})) == ["a", "c", "d"]
    assert sorted(asked([first], targets(learned(5, "a", "c")), held={1, 2})) == []


def test_what_was_learned_or_asked_since_shows_nothing():
    later = targets(learned(7, "a"), probes(8, "c"))
    assert sorted(asked([FIRST, later], held={1, 2, 3})) == ["e", "f"]
    assert sorted(asked([FIRST], later, held={1, 2, 3})) == ["e", "f"]
    # Learned in the same consolidation for another turn, or before: it was kept out of that one.
    assert sorted(asked([later, FIRST], held={1, 2, 3})) == ["a", "b", "c", "d", "e", "f"]


def test_a_turn_that_was_learned_again_is_held_by_its_last_probes():
    again = targets(probes(1, "h", "i", "j"))
    assert sorted(asked([FIRST, again], held={1})) == ["h", "i", "j"]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6])
def test_as_many_whole_turns_as_fit_others_another_time(count):
    found = asked([FIRST], held={1, 2, 3}, count=count)
    assert len(found) == count // 2 * 2
    assert all((a in found) == (b in found) for a, b in ("ab", "cd", "ef"))
    seen = {p for seed in range(30) for p in asked([FIRST], held={1, 2, 3}, count=count, seed=seed)}
    assert seen == (set("abcdef") if count > 1 else set())


def test_a_turn_of_which_something_later_says_otherwise_is_left_alone():
    first = targets(probes(1, "a", "b"), probes(2, "c", "d"), statements=(DOG, LESSON))
    moved = targets(probes(5, "h", "i"), statements=(AMENDED, MOVED))
    assert contradicted([first], moved) == {2}
    assert sorted(asked([first], moved, held={1, 2})) == ["a", "b"]
    assert sorted(asked([first, moved], held={1, 2, 5})) == ["a", "b", "h", "i"]
    assert contradicted([first], targets(statements=(DOG,))) == set()


def test_what_was_changed_twice_is_as_the_last_says():
    twice = Statement(turn_id=9, said="", told="Your lesson is on Sunday.", instead="Your lesson is on Monday.")
    sets = [targets(statements=(LESSON,)), targets(statements=(AMENDED,))]
    assert contradicted(sets, targets(statements=(twice,))) == {2, 5}


def test_a_value_that_a_later_turn_may_have_changed_is_in_doubt_once_it_takes_a_question():
    new = Statement(turn_id=5, said="The lesson is on Friday from now on.", told="The lesson is on Friday from now on.")
    first = targets(learned(2, "When is it?"), probes(2, "c", "d"), statements=(LESSON,))
    assert contradicted([first], targets(statements=(new,))) == set()
    assert contradicted([first], targets(learned(5, "When is it?"), statements=(new,))) == {2}
    assert asked([first], targets(learned(5, "When is it?"), statements=(new,)), held={2}) == []
