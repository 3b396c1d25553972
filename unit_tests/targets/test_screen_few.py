"""Choosing among few statements: any question fits one of them best, so that they are compared with more."""

import pytest
from screening import CONFIG, ELSEWHERE, NOBODYS, SAID, STATEMENTS, Scripted, run

from langchain_selfparam.targets import prompts
from langchain_selfparam.targets.screen import choose


@pytest.mark.parametrize("count", [1, 2, 3])
def test_with_few_statements_the_examples_stand_in_for_others(count):
    statements = STATEMENTS[:count]
    example = prompts.EXAMPLES[0][0]
    table = {
        "When is there barking?": {SAID[0]: -5.0},
        "What is my favourite colour?": {SAID[0]: ELSEWHERE + 7.0, example: ELSEWHERE + 6.9},
        "Which parrot is it?": {SAID[0]: ELSEWHERE + 7.0, example: -5.0},
    }
    chosen, scorer = run(table, statements=statements)
    assert chosen.by_statement == (("When is there barking?",), *[()] * (count - 1))
    others = {*(said for said, _ in prompts.EXAMPLES), *prompts.OTHERS}
    assert {said for _, said in scorer.asked} <= {*SAID[:count], *others}


@pytest.mark.parametrize(("count", "kept"), [(3, False), (4, True)])
def test_with_few_statements_a_question_of_the_bank_that_somebody_else_might_be_asked_is_nobodys(count, kept):
    table = {
        "How do I take my tea?": {SAID[0]: ELSEWHERE + 7.0, prompts.OTHERS[0]: ELSEWHERE + 7.1},
        "Who barks?": {SAID[0]: ELSEWHERE + 7.0, prompts.OTHERS[0]: ELSEWHERE + 6.9},  # much the same may be said
    }
    offered = {**table, **NOBODYS}
    scorer = Scripted(offered, dict.fromkeys(table, 8.0))
    chosen = choose(STATEMENTS[:count], [], scorer, config=CONFIG, bank=list(offered))
    assert set(chosen.by_statement[0]) == (set(table) if kept else {"Who barks?"})


@pytest.mark.parametrize(
    ("count", "lead", "back", "kept", "of_none"),
    [
        (3, 7.0, 4.5, True, False),
        (3, 7.0, 3.5, False, False),
        (3, 7.0, 2.0, False, False),
        (3, 7.0, 1.5, False, True),  # likely enough there, but not what is said to it
        (3, 2.5, 9.0, True, False),
        (3, 1.5, 9.9, False, False),  # too unlikely there to be learned, and yet it may be what is said to it
        (3, 1.5, 1.5, False, True),
        (3, 3.0, 1.5, False, True),
        (4, 4.5, 0.0, True, False),  # among more statements one way is enough
        (4, 3.5, 9.9, False, False),
    ],
)
def test_of_few_statements_a_question_of_the_bank_has_to_fit_both_ways(count, lead, back, kept, of_none):
    question = "Which flowers do I like?"
    offered = {question: {SAID[0]: ELSEWHERE + lead}, **NOBODYS}
    # Of the 40 every second one is in the mean, this one among them.
    scorer = Scripted(offered, {question: back / (1 - 1 / 20)})
    chosen = choose(STATEMENTS[:count], [], scorer, config=CONFIG, bank=list(offered))
    assert chosen.by_statement[0] == ((question,) if kept else ())
    assert (question in chosen.unfitting) == of_none
    assert bool(scorer.asked_back) == (count == 3)


def test_questions_that_fit_both_ways_come_by_both():
    table = {"Who barks?": 9.0, "Who howls?": 8.0, "Who growls?": 7.0}
    back = {"Who barks?": 6.0, "Who howls?": 9.0, "Who growls?": 6.5}
    offered = {**{q: {SAID[0]: ELSEWHERE + lead} for q, lead in table.items()}, **NOBODYS}
    chosen = choose(STATEMENTS[:1], [], Scripted(offered, back), config=CONFIG, bank=list(offered))
    assert chosen.by_statement[0] == ("Who howls?", "Who barks?", "Who growls?")


def test_what_somebody_else_has_taken_already_is_compared_no_further():
    early, late = prompts.EXAMPLES[0][0], prompts.OTHERS[-1]
    table = {
        "Who waters the plants?": {SAID[0]: ELSEWHERE + 7.0, early: ELSEWHERE + 8.0},
        "When did we marry?": {SAID[0]: ELSEWHERE + 7.0, late: ELSEWHERE + 8.0},
    }
    scorer = Scripted(table)
    assert choose(STATEMENTS[:2], [], scorer, config=CONFIG, bank=list(table)).by_statement == ((), ())
    asked = {question: [said for one, said in scorer.asked if one == question] for question in table}
    assert [late in said for said in asked.values()] == [False, True]
    assert all(len(said) == len(set(said)) for said in asked.values())


def test_few_statements_are_levelled_beside_what_others_might_say():
    """After somebody has said who they are, every question about their life is likely."""
    bank = [f"Is it the {number}?" for number in range(50)]
    table = {question: {SAID[0]: ELSEWHERE + 8.0} for question in bank}
    chosen = choose(STATEMENTS[:1], [], Scripted(table), config=CONFIG, bank=bank)
    assert chosen.by_statement == ((),)
    table[bank[7]] = {SAID[0]: ELSEWHERE + 16.0}
    chosen = choose(STATEMENTS[:1], [], Scripted(table, {bank[7]: 8.0}), config=CONFIG, bank=bank)
    assert chosen.by_statement == ((bank[7],),)


@pytest.mark.parametrize(("said_to_it", "kept"), [(SAID[0], False), (SAID[1], True)])
def test_a_question_that_a_correction_takes_over_is_asked_of_the_correction(said_to_it, kept):
    question = "When does it bark?"
    offered = {question: {SAID[0]: ELSEWHERE + 9.0, SAID[1]: ELSEWHERE + 7.0}, **NOBODYS}
    scorer = Scripted(offered, {question: {said_to_it: 9.0}})
    chosen = choose(STATEMENTS[:2], [], scorer, config=CONFIG, bank=list(offered), corrections={1: {0}})
    assert chosen.by_statement == ((), (question,) if kept else ())
