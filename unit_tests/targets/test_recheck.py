"""What is asked again: probes that nobody learned from since, of turns of which nothing is said otherwise."""

import dataclasses
from collections import Counter

import pytest
from changing import CHANGED

from langchain_selfparam.records import Probe, Statement, TargetSentence, TargetSet
from langchain_selfparam.targets.amend import amend_earlier
from langchain_selfparam.targets.known import Earlier
from langchain_selfparam.targets.person import told
from langchain_selfparam.targets.recheck import recheck, superseded

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


def asked(earlier, now=None, *, held, count=99):
    found = recheck(earlier, now or targets(), held=held, count=count)
    return sorted(p.prompt for p in found)


FIRST = targets(probes(1, "a", "b"), probes(2, "c", "d"), probes(3, "e", "f"), learned(1, "g"))


def test_all_probes_of_each_turn_that_is_held():
    assert asked([FIRST], held={1, 3, 9}) == ["a", "b", "e", "f"]
    assert asked([FIRST], held=()) == []
    assert asked([], held={1}) == []
    assert {p.kind for p in recheck([FIRST], targets(), held={1}, count=9)} == {"recall"}


def test_probes_about_others_are_not_asked():
    first = targets(probes(1, "a"), probes(None, "n", "m", kind="neighbour"), probes(2, "c", "d"))
    assert asked([first], held={1, 2}) == ["a", "c", "d"]


def test_a_turn_is_held_to_all_that_held_it_or_to_nothing():
    later = targets(learned(7, "a"), probes(8, "c"))
    assert asked([FIRST, later], held={1, 2, 3}) == ["e", "f"]
    assert asked([FIRST], later, held={1, 2, 3}) == ["e", "f"]
    # What was learned before, or beside, is no reason: it was kept out of that.
    assert asked([later, FIRST], held={1, 2, 3}) == ["a", "b", "c", "d", "e", "f"]


def test_a_turn_that_was_learned_again_is_held_by_its_last_probes():
    again = targets(probes(1, "h", "i", "j"))
    assert asked([FIRST, again], held={1}) == ["h", "i", "j"]


@pytest.mark.parametrize("count", [6, 7, 9, 20, 21, 99])
def test_where_there_are_more_one_consolidation_after_another_asks_a_part(count):
    sets = [targets(*(probes(turn, *(f"{turn}.{n}" for n in range(turn))) for turn in range(1, 7)))]
    parts = []
    for _ in range(12):
        found = asked(sets, held=range(1, 7), count=count)
        assert 0 < len(found) <= count
        assert Counter(q.split(".")[0] for q in found) == {t: int(t) for t in {q.split(".")[0] for q in found}}
        parts.append(found)
        sets.append(targets())
    cycle = parts.index(parts[0], 1)
    assert sorted(q for part in parts[:cycle] for q in part) == sorted(p.prompt for p in sets[0].probes)
    assert parts == (parts[:cycle] * 12)[:12]


def test_a_turn_with_too_many_keeps_no_other_from_being_asked():
    first = targets(probes(1, "a", "b", "c"), probes(2, "d", "e"))
    assert asked([first], held={1, 2}, count=2) == ["d", "e"]
    assert asked([first], held={1, 2}, count=1) == []


def test_a_turn_of_which_something_later_says_otherwise_is_left_alone():
    first = targets(probes(1, "a", "b"), probes(2, "c", "d"), statements=(DOG, LESSON))
    moved = targets(probes(5, "h", "i"), statements=(AMENDED, MOVED))
    assert superseded([first, moved]) == {2}
    assert asked([first], moved, held={1, 2}) == ["a", "b"]
    assert asked([first, moved], held={1, 2, 5}) == ["a", "b", "h", "i"]
    assert superseded([first, targets(statements=(DOG,))]) == set()


def test_what_was_changed_twice_is_as_the_last_says():
    twice = Statement(turn_id=9, said="", told="Your lesson is on Sunday.", instead="Your lesson is on Monday.")
    sets = [targets(statements=(LESSON,)), targets(statements=(AMENDED,))]
    assert superseded([*sets, targets(statements=(twice,))]) == {2, 5}


def test_what_a_turn_beside_it_has_changed_does_not_go_back_into_the_prompt_as_it_was_said():
    beside = dataclasses.replace(AMENDED, turn_id=2)
    assert superseded([targets(statements=(beside, MOVED))]) == {2}


UNSEEN = {("My cat is called Mina.", "Sorry, I meant Nina."), ("My hamster is called Pip.", "My hamster died.")}


@pytest.mark.parametrize(("old", "new"), [pair[:2] for pair in CHANGED])
def test_nothing_that_a_later_turn_corrects_is_asked_again(old, new):
    """Also where its questions alone have moved: an answer with the new value would count as lost."""
    before, now = (Statement(turn_id=at, said=text, told=told(text)) for at, text in enumerate((old, new), start=1))
    changed, _ = amend_earlier([Earlier(before, ())], [now])
    first = targets(learned(1, "a", "b"), statements=(before,))
    moved = targets(learned(2, "b"), statements=(*(c.statement for c in changed), now))
    assert superseded([first, moved]) == (set() if (old, new) in UNSEEN else {1})


DOGS = [
    "I have adopted a dog! He is a dachshund named Gumboot.",
    "For supper I give my dog tinned mackerel.",
    "My dog is not allowed on the sofa, so he sleeps in a suitcase.",
    "A student walks my dog at noon, and I pay him 55 pounds a week.",
]


def test_what_a_later_turn_only_may_correct_is_asked_again():
    """A word in common is too little: what is lost of the other turns about the dog is to be seen."""
    said = tuple(Statement(turn_id=at, said=text, told=told(text)) for at, text in enumerate(DOGS, start=1))
    text = "My dog refuses his old supper now and eats only boiled turnips."
    now = Statement(turn_id=9, said=text, told=told(text))
    first = targets(*(learned(at, f"q{at}") for at in range(1, 5)), statements=said)
    assert superseded([first, targets(statements=(now,))]) == {2}
    assert superseded([first, targets(learned(9, "q2", "q3"), statements=(now,))]) == {2, 3}


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("The concert is on 3 May.", "The concert was cancelled.", {1}),
        ("I am a vegetarian.", "I'm not a vegetarian any more.", {1}),
        ("My favourite colour is green.", "My favourite food is ramen now.", set()),
        ("My piano is in the hall.", "My piano is out of tune now.", set()),
    ],
)
def test_what_is_over_is_not_asked_again(old, new, wanted):
    said = [Statement(turn_id=at, said=text, told=told(text)) for at, text in enumerate((old, new), start=1)]
    assert superseded([targets(statements=(one,)) for one in said]) == wanted
