"""The bank: questions of one form, none twice, none that is asked of the model or used to look for drift."""

import re

import pytest

from langchain_selfparam.evaluation.datasets import PACKAGED, load
from langchain_selfparam.targets.bank import QUESTIONS
from langchain_selfparam.targets.prompts import ABOUT_THE_MODEL, DRIFT_PROMPTS


def test_every_entry_is_one_short_question():
    assert len(QUESTIONS) > 200
    for question in QUESTIONS:
        assert re.fullmatch(r"[A-Z][\w' -]+\?", question), question
        assert len(question.split()) <= 10, question


def test_no_question_stands_twice():
    assert len({q.lower() for q in QUESTIONS}) == len(QUESTIONS)


def test_none_is_asked_for_something_else():
    assert not set(QUESTIONS) & {*ABOUT_THE_MODEL, *DRIFT_PROMPTS}


@pytest.mark.parametrize("name", ["assistant_chats", "long", "demo"])
def test_none_is_asked_word_for_word_in_an_evaluation(name):
    def plain(text):
        return re.sub(r"\W+", " ", text.lower()).strip()

    asked = {plain(q.text) for conversation in load(PACKAGED[name]) for q in conversation.questions}
    assert asked
    assert asked.isdisjoint({plain(q) for q in QUESTIONS})
