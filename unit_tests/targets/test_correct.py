"""A later statement that says what has changed takes over the questions about what it changed, and no others."""

import json
from pathlib import Path

import pytest

from langchain_selfparam import evaluation
from langchain_selfparam.records import Statement, TargetSet
from langchain_selfparam.targets.amend import amend_all, amended
from langchain_selfparam.targets.correct import corrections, may_correct, related
from langchain_selfparam.targets.known import Earlier
from langchain_selfparam.targets.person import told
from langchain_selfparam.targets.recheck import superseded

BASSOON = "Our Ysolde plays the bassoon. She has a lesson every Tuesday."
MOVED = "The bassoon lesson is on Thursday from now on."
DOG = "My dog is called Biscuit."


def statement(said, turn=1, sentence=""):
    return Statement(turn_id=turn, said=said, told=said, by_user=not sentence, sentence=sentence)


def test_what_a_passage_says_has_changed_corrects_nothing():
    moved = "The bassoon lesson was moved to Thursday in 1911."
    assert may_correct(statement(moved, 2), statement(BASSOON))
    passage = statement(moved, 2, sentence=moved)
    assert not may_correct(passage, statement(BASSOON))
    assert not corrections([statement(BASSOON), passage])
    told_of = statement(BASSOON, sentence=BASSOON)
    assert may_correct(statement(MOVED, 2), told_of), "what somebody pastes may be about their own week"


@pytest.mark.parametrize(
    ("said", "other", "wanted"),
    [
        (MOVED, BASSOON, True),
        ("The bassoon lesson is on Thursday.", BASSOON, False),  # nothing says that it changed
        (MOVED, DOG, False),
        ("My sister has yoga on Wednesday now.", "I have yoga on Monday.", False),
        ("My neighbour Geoffrey is retiring in September now.", "I retire at the end of July.", False),
        ("Dr Ames sees me on Friday now.", "I have to see Dr Ames on Monday.", True),
        ("My sister has moved yoga to Wednesday.", "I have yoga on Monday.", True),  # it may be taken together
        ("From now on answer in Portuguese.", "Keep your answers short.", False),  # how to behave is no fact
        ("The bell practice has moved: we meet on Wednesday.", "We practise in the tower every Monday.", True),
        ("I take bus 33 now.", "I go to work by bus 58.", True),
        ("My dog eats only turnips now.", "I give my dog tinned mackerel.", True),
        ("We moved house.", "We moved in May.", False),  # the cue alone is nothing in common
        ("I left my umbrella at school.", "I left school at 16.", False),
        ("My aunt left the cello to me.", "My cello is from 1890.", False),
        ("My back hurts from moving the piano.", "The piano is in the hall.", False),
        ("I used to play the piano.", "My daughter plays the piano.", False),
        ("I used to play the piano.", "I play the piano.", True),
        ("I walk the dog by the river now and then.", "I walk the dog at noon.", False),
        ("There's a mistake in the slides.", "The slides are due on Monday.", False),
        ("The bell practice has moved.", "My bell is called Fat Margery.", False),
        ("So now I take bus 33 to work.", "A student walks my dog while I am at work.", False),
        ("She refuses soup now and eats turnips.", "I must remember that Nadezhda eats no mushrooms.", False),
        ("I left my job at Acme.", "My job is at Acme.", True),
    ],
)
def test_what_may_correct_what(said, other, wanted):
    assert may_correct(statement(said), statement(other)) is wanted


def test_only_what_was_said_before_is_corrected():
    there = [statement(BASSOON), statement(DOG), statement(MOVED)]
    assert corrections(there) == {2: {0}}
    assert corrections(there[::-1]) == {}
    assert corrections([statement(MOVED)], [statement(DOG), statement(BASSOON)]) == {0: {2}}


def earlier(said, turn):
    return Earlier(statement(said, turn), ("When?",))


def test_earlier_statements_that_may_be_corrected_are_found():
    old = [earlier(BASSOON, 4), earlier(DOG, 5)]
    assert related([statement(MOVED, 9)], old) == old[:1]


def test_an_older_turn_that_is_tried_again_corrects_nothing_newer():
    assert related([statement(MOVED, 3)], [earlier(BASSOON, 4)]) == []


def test_of_many_earlier_statements_the_latest_are_compared_with():
    many = [earlier(f"{BASSOON} {n}", n) for n in range(1, 21)]
    found = related([statement(MOVED, 99)], many)
    assert [e.statement.turn_id for e in found] == list(range(9, 21))


DATA = Path(evaluation.__file__).parent / "data" / "assistant_chats"


def told_back(said, turn):
    return Statement(turn_id=turn, said=said, told=told(said))


def packaged(name):
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def test_every_correction_of_the_packaged_conversations_is_found():
    for chat in packaged("chats.jsonl"):
        said = [told_back(turn["user"], at) for at, turn in enumerate(chat["turns"])]
        replies = {at: turn["assistant"] for at, turn in enumerate(chat["turns"])}
        for one in chat["corrections"]:
            old, new = said[one["of"]], said[one["turn"]]
            assert may_correct(new, old) or amended(old, new, replies=replies), one


def test_in_the_packaged_sessions_only_what_was_corrected_is_left_alone():
    said, wanted, places = [], set(), {}
    for session in packaged("long.jsonl"):
        for at, turn in enumerate(session["turns"]):
            said.append(told_back(turn["user"], len(said)))
            places[session["session"], at] = len(said) - 1
        wanted |= {places[one["of_session"], one["of_turn"]] for one in session.get("corrections", ())}
    changed = {s.turn_id for s, now in zip(said, amend_all(said), strict=True) if s != now}
    assert len(wanted) == 4
    assert superseded([TargetSet(statements=tuple(said), sentences=(), probes=())]) | changed == wanted
