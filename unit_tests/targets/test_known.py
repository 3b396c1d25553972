"""What was learned before, each statement once, and which of it a question may already be about."""

import dataclasses

import pytest

from langchain_selfparam.records import Message, Statement, TargetSentence, TargetSet
from langchain_selfparam.targets.known import Earlier, known, rivals

BASSOON = "Our Ysolde plays the bassoon. She has a lesson every Tuesday."
DOG = "My dog is called Biscuit."


def taught(said, turn, *questions, told=None):
    context = (Message(role="user", text="?"), Message(role="assistant", text=told or said))
    sentences = [
        TargetSentence(kind="question", prompt=q, answer=said, context=context, turn_id=turn) for q in questions
    ]
    sentences.append(TargetSentence(kind="replay", prompt="Who?", answer="x"))
    statements = (Statement(turn_id=turn, said=said, told=said),)
    return TargetSet(statements=statements, sentences=tuple(sentences), probes=())


def test_statements_come_with_their_own_questions():
    first, second = known(
        [taught(BASSOON, 4, "When is the lesson?", "What does Ysolde play?"), taught(DOG, 5, "Who is Biscuit?")],
        without=(),
    )
    assert (first.statement.said, first.questions) == (BASSOON, ("When is the lesson?", "What does Ysolde play?"))
    assert (second.statement.said, second.questions) == (DOG, ("Who is Biscuit?",))


def test_what_was_learned_twice_comes_once_as_it_was_learned_last():
    (found,) = known([taught(BASSOON, 4, "When is the lesson?"), taught(BASSOON, 4, "Which day?")], without=())
    assert found.questions == ("Which day?",)


def test_a_turn_that_is_learned_again_now_is_not_its_own_past():
    assert known([taught(BASSOON, 4, "When?")], without={4}) == []


def test_a_statement_without_questions_has_nothing_to_give():
    assert known([taught(BASSOON, 4)], without=()) == []


def test_a_question_that_was_read_with_other_words_is_not_the_statements():
    assert known([taught(BASSOON, 4, "When?", told="Something else.")], without=()) == []


AMENDED = Statement(turn_id=9, said="It is on Friday.", told="It is on Friday.", instead=BASSOON)


def test_what_has_been_amended_is_known_as_it_is_now():
    later = dataclasses.replace(taught("It is on Friday.", 9, "When is it?"), statements=(AMENDED,))
    (found,) = known([taught(BASSOON, 4, "When?"), later], without=())
    assert found == Earlier(AMENDED, ("When is it?",))


def test_what_a_turn_amended_is_known_as_before_while_that_turn_is_learned_again():
    later = dataclasses.replace(taught("It is on Friday.", 9, "When is it?"), statements=(AMENDED,))
    (found,) = known([taught(BASSOON, 4, "When?"), later], without={9})
    assert found.statement.said == BASSOON


def earlier(said, *questions):
    return Earlier(Statement(turn_id=1, said=said, told=said), questions)


OLD = [earlier("I feed my dog mackerel.", "What does he eat?"), earlier("The whale is made of cloth."),
       earlier("My dogs practised barking.", "Who barks?")]  # fmt: skip


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("What breed is my dog?", {0, 2} - {2}),  # "dogs" is another word
        ("What does he eat?", {0}),  # it led there
        ("How large is the whale's practice?", {1, 2}),  # forms of one word
        ("What is it?", set()),
        ("Which hotel is it?", set()),
    ],
)
def test_a_question_may_be_about_what_it_led_to_or_shares_words_with(question, wanted):
    assert rivals([question], OLD).get(question, frozenset()) == wanted


def test_of_many_the_closest_and_of_these_the_latest_are_compared_with():
    many = [earlier(f"My dog likes toy {n}.") for n in range(8)] + [earlier("My dog has a brown collar.")]
    question = "Which collar has my dog?"
    assert rivals([question], many) == {question: {5, 6, 7, 8}}


def test_there_are_no_more_rivals_in_all_than_can_be_read():
    words = [f"{chr(97 + n % 26)}{chr(97 + n // 26)}wort" for n in range(40)]
    found = rivals([f"Where is my {word}?" for word in words], [earlier(f"I sold a {word}.") for word in words])
    assert len({n for numbers in found.values() for n in numbers}) == 24
    assert set(found) == {f"Where is my {word}?" for word in words[-24:]}


def test_nothing_known_nothing_to_compare_with():
    assert rivals(["What is my dog called?"], []) == {}
