"""The other direction, by a scorer that knows how likely each statement is behind each question."""

import random
from statistics import fmean

import pytest

from langchain_selfparam.targets import prompts
from langchain_selfparam.targets.reverse import said_back

SAID = ["I grow tulips.", "I'm allergic to hazelnuts."]
QUESTIONS = [f"What about number {number}?" for number in range(100)]


class Behind:
    """log P of a question with "Answer:" behind it, and of what is said to it, drawn once for each."""

    def __init__(self):
        chance = random.Random(3)
        self.of_question = {q: chance.uniform(-40, -10) for q in QUESTIONS}
        self.of_said = {(q, said): chance.uniform(-30, 0) for q in QUESTIONS for said in SAID}
        self.groups = []

    def score(self, groups):
        self.groups += groups
        return [[self._text(text) for text in texts] for _, texts in groups]

    def _text(self, text):
        question, said = text[1:].split("\nAnswer:")
        assert not said or said[0] == " "
        return self.of_question[question] + (self.of_said[question, said[1:]] if said else 0.0)


@pytest.mark.parametrize(("common", "asked"), [(1, 1), (24, 24), (25, 13), (100, 20)])
def test_it_is_over_the_mean_of_questions_about_all_sorts_of_things(common, asked):
    scorer, chance = Behind(), random.Random(5)
    pairs = [(chance.choice(QUESTIONS), chance.choice(SAID)) for _ in range(30)]
    some = QUESTIONS[:common][:: -(-common // 24)]
    assert len(some) == asked
    expected = [scorer.of_said[q, said] - fmean(scorer.of_said[other, said] for other in some) for q, said in pairs]
    assert said_back(pairs, QUESTIONS[:common], scorer) == pytest.approx(expected)
    ((prompt, texts),) = scorer.groups  # all at once, none twice
    assert prompt == prompts.answer_list()
    assert len(texts) == len(set(texts))


def test_without_other_questions_nothing_is_said_of_a_pair():
    assert said_back([(QUESTIONS[0], SAID[0])], [], Behind()) == [0.0]


def test_of_no_pairs_nothing_is_asked():
    scorer = Behind()
    assert said_back([], QUESTIONS, scorer) == []
    assert scorer.groups == []


def test_what_goes_before_shows_questions_with_what_was_said_to_them():
    shown = prompts.answer_list()
    assert shown.endswith("\n\nQuestion:")
    for said, asked in prompts.EXAMPLES:
        assert f"Question: {asked[0]}\nAnswer: {said}\n\n" in shown
