"""A later statement that says what has changed takes over the questions about what it changed, and no others."""

import pytest

from langchain_selfparam.records import Message, Statement, TargetSentence, TargetSet
from langchain_selfparam.targets.correct import corrections, may_correct, related

BASSOON = "Our Ysolde plays the bassoon. She has a lesson every Tuesday."
MOVED = "The bassoon lesson is on Thursday from now on."
DOG = "My dog is called Biscuit."


def statement(said, turn=1):
    return Statement(turn_id=turn, said=said, told=said)


@pytest.mark.parametrize(
    ("said", "other", "wanted"),
    [
        (MOVED, BASSOON, True),
        ("The bassoon lesson is on Thursday.", BASSOON, False),  # nothing says that it changed
        (MOVED, DOG, False),
        ("The bell practice has moved: we meet on Wednesday.", "We practise in the tower every Monday.", True),
        ("I take bus 33 now.", "I go to work by bus 58.", True),
        ("My dog eats only turnips now.", "I give my dog tinned mackerel.", True),
        ("We moved house.", "We moved in May.", False),  # the cue alone is nothing in common
    ],
)
def test_what_may_correct_what(said, other, wanted):
    assert may_correct(statement(said), statement(other)) is wanted


def test_only_what_was_said_before_is_corrected():
    there = [statement(BASSOON), statement(DOG), statement(MOVED)]
    assert corrections(there) == {2: {0}}
    assert corrections(there[::-1]) == {}
    assert corrections([statement(MOVED)], [statement(DOG), statement(BASSOON)]) == {0: {2}}


def taught(said, turn, *questions, told=None):
    old = statement(said, turn)
    context = (Message(role="user", text="?"), Message(role="assistant", text=told or said))
    sentences = [
        TargetSentence(kind="question", prompt=q, answer=said, context=context, turn_id=turn) for q in questions
    ]
    sentences.append(TargetSentence(kind="replay", prompt="Who?", answer="x"))
    return TargetSet(statements=(old,), sentences=tuple(sentences), probes=())


def test_earlier_statements_come_with_their_own_questions():
    earlier = [taught(BASSOON, 4, "When is the lesson?", "What does Ysolde play?"), taught(DOG, 5, "Who is Biscuit?")]
    (found,) = related([statement(MOVED, 9)], earlier)
    assert found.statement.said == BASSOON
    assert found.questions == ("When is the lesson?", "What does Ysolde play?")


def test_what_was_learned_twice_comes_once_as_it_was_learned_last():
    earlier = [taught(BASSOON, 4, "When is the lesson?"), taught(BASSOON, 4, "Which day?")]
    (found,) = related([statement(MOVED, 9)], earlier)
    assert found.questions == ("Which day?",)


def test_an_older_turn_that_is_tried_again_corrects_nothing_newer():
    assert related([statement(MOVED, 3)], [taught(BASSOON, 4, "When?")]) == []


def test_of_many_earlier_statements_the_latest_are_compared_with():
    many = [taught(f"{BASSOON} {n}", n, "When?") for n in range(1, 21)]
    found = related([statement(MOVED, 99)], many)
    assert [e.statement.turn_id for e in found] == list(range(9, 21))


def test_a_turn_that_is_learned_again_now_is_not_its_own_past():
    assert related([statement(MOVED, 4)], [taught(BASSOON, 4, "When?")]) == []


def test_a_statement_without_questions_has_nothing_to_give():
    assert related([statement(MOVED, 9)], [taught(BASSOON, 4)]) == []
