"""The model's own answers to questions about a passage, kept where the passage bears them out."""

import pytest

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.records import Statement
from langchain_selfparam.targets.answers import borne_out, own_answers
from langchain_selfparam.targets.prompts import quoting
from langchain_selfparam.testing import FakeGenerator

TOWER = "The tower of Brask was built by Edmund Carrow in 1871."
PASSAGE = Statement(turn_id=1, said=TOWER, told=TOWER, by_user=False, sentence=TOWER)
USER = Statement(turn_id=2, said="My dog is called Biscuit.", told="Your dog is called Biscuit.")
WHO = "Who built the tower?"


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("Edmund Carrow built it.", True),
        ("It was Carrow.", True),
        ("Napoleon built it.", False),  # opens the answer, yet it is a name in no sentence
        ("It was built by Edmund Carrow in 1872.", False),
        ("The tower was built.", False),  # as the question says
        ("Brask has a tower.", True),
        ("Nobody knows.", False),
        ("", False),
    ],
)
def test_what_a_sentence_bears_out(answer, kept):
    assert borne_out(answer, WHO, TOWER) is kept


def test_a_name_of_the_question_may_come_again():
    assert borne_out("Vellan's tower is of 1871.", "How old is Vellan's tower?", TOWER)


def test_the_first_sentence_of_each_answer_is_kept_and_users_statements_are_left_alone():
    generator = FakeGenerator(
        lambda prompt: "Edmund Carrow did. He was tall." if WHO in prompt[-1].text else "No idea."
    )
    found = own_answers(
        [USER, PASSAGE], [["Who?"], [WHO, "When?"]], generator, config=TargetConfig(own_answer_tokens=9)
    )
    assert found == [{}, {WHO: "Edmund Carrow did."}]
    (call,) = generator.calls
    assert call["prompts"] == [quoting(TOWER, WHO), quoting(TOWER, "When?")]
    assert call["max_tokens"] == 9


def test_without_a_passage_nobody_is_asked():
    generator = FakeGenerator(lambda prompt: "Biscuit.")
    assert own_answers([USER], [["Who?"]], generator, config=TargetConfig()) == [{}]
    assert generator.calls == []
