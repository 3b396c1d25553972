"""The other direction, by a scorer that knows how likely each statement is behind each question."""

import random
from statistics import fmean

import pytest

from langchain_selfparam.records import Statement
from langchain_selfparam.targets import prompts
from langchain_selfparam.targets.reverse import said_back, told_apart

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


def statements(sentence=""):
    return [Statement(turn_id=at, said=said, told=said, sentence=sentence) for at, said in enumerate(SAID)]


def apart(scorer, columns, *, of=QUESTIONS, about=None, sentence=""):
    texts = [(q, about) for q in of[: len(columns)]] + [(q, None) for q in of[len(columns) :]]
    rest = [{0: -20.0, 1: -20.0} for _ in of[len(columns) :]]
    return told_apart(texts, [*columns, *rest], statements(sentence), scorer)[: len(columns)]


def test_where_two_are_nearly_as_likely_the_one_that_is_less_likely_behind_the_question_loses():
    scorer = Behind()
    columns = [{0: -10.0, 1: -11.9}, {0: -11.9, 1: -10.0}, {0: -10.0, 1: -12.1}, {0: -10.0, 1: -10.0}]
    columns = [{**column, 2: -20.0, 3: -20.0, 4: -20.0} for column in columns]
    some = QUESTIONS[4::8]  # what is about nothing that was said, evenly
    level = [fmean(scorer.of_said[other, said] for other in some) for said in SAID]
    for question, column, found in zip(QUESTIONS, columns, apart(scorer, columns, about=0, of=QUESTIONS), strict=False):
        nats = [scorer.of_said[question, said] - level[n] for n, said in enumerate(SAID)]
        lost = [0.0, 0.0] if abs(column[0] - column[1]) > 2 else [0.25 * (max(nats) - one) for one in nats]
        assert [found[n] for n in range(5)] == pytest.approx([column[0] - lost[0], column[1] - lost[1], *[-20.0] * 3])
        assert min(lost) == 0


@pytest.mark.parametrize(
    ("column", "options"),
    [
        ({0: -10.0, 1: -10.0, 2: -13.0}, {}),  # not about any of them more than about another
        ({0: -10.0}, {}),
        ({0: -10.0, 1: -11.0, 2: -20.0, 3: -20.0}, {"sentence": "I grow tulips."}),  # a passage is not said back
        ({0: -10.0, 1: -11.0, 2: -20.0, 3: -20.0}, {"of": QUESTIONS[:1], "about": 0}),  # nothing to level them by
    ],
)
def test_what_cannot_tell_them_apart_is_not_asked(column, options):
    scorer = Behind()
    given = [dict(column)]
    assert apart(scorer, given, **options) == [column]
    assert given == [column]
    assert scorer.groups == []
