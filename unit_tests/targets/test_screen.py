"""Choosing by a scripted scorer: each question goes to the statement that it fits, or to none."""

import dataclasses
import random

import pytest
from screening import CONFIG, ELSEWHERE, SAID, STATEMENTS, Scripted, run

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.records import Statement
from langchain_selfparam.targets import prompts
from langchain_selfparam.targets.generate import Candidate
from langchain_selfparam.targets.screen import choose, held_out


def test_a_question_goes_where_it_is_likeliest_wherever_it_was_written():
    table = {
        "When is there barking?": {SAID[0]: -5.0},
        "Who sleeps all day?": {SAID[1]: -5.0},
        "What is it that sings?": {SAID[2]: -5.0, SAID[0]: -9.0},
        "Where does it swim around?": {SAID[3]: -6.0, SAID[0]: -7.0, SAID[1]: -7.5},
    }
    chosen, _ = run(table)
    assert chosen.by_statement == (*((q,) for q in table), ())
    assert chosen.unfitting == ()


@pytest.mark.parametrize(("lead", "kept"), [(0.5, True), (0.49, False)])
def test_the_margin_is_over_the_nearest_other_statement(lead, kept):
    chosen, _ = run({"Who is it?": {SAID[0]: -5.0, SAID[1]: -12.0, SAID[4]: -5.0 - lead}})
    assert chosen.by_statement[0] == (("Who is it?",) if kept else ())
    assert chosen.dropped.get("fits several statements", 0) == (not kept)


@pytest.mark.parametrize(("behind", "moves"), [(3.0, True), (3.1, False), (-5.0, True)])
def test_a_question_goes_to_the_statement_that_corrects_its_own(behind, moves):
    table = {"When is there barking?": {SAID[0]: -5.0, SAID[4]: -5.0 - behind, SAID[2]: -9.0}}
    chosen, scorer = run(table, corrections={4: {0}})
    where = 4 if moves else 0
    assert [bool(questions) for questions in chosen.by_statement] == [n == where for n in range(5)]
    # The two are compared also where the question is far likelier at its own statement than at others.
    assert {said for _, said in scorer.asked} >= {SAID[0], SAID[4]}


def test_a_correction_of_everything_else_still_finds_its_questions():
    table = {"When is there barking?": {SAID[0]: -5.0, SAID[3]: -6.0}}
    chosen, _ = run(table, statements=STATEMENTS[:4], corrections={3: {0, 1, 2}})
    assert chosen.by_statement == ((), (), (), ("When is there barking?",))


def test_a_correction_takes_nothing_from_other_statements():
    table = {"Who sleeps all day?": {SAID[1]: -5.0, SAID[4]: -6.0}, "When is there barking?": {SAID[0]: -5.0}}
    chosen, _ = run(table, about={"Who sleeps all day?": 1}, corrections={4: {0}})
    assert chosen.by_statement[1] == ("Who sleeps all day?",)
    assert chosen.by_statement[0] == ("When is there barking?",)


def test_what_fits_all_alike_is_answered_as_before():
    alike = dict.fromkeys(SAID, -10.0)
    table = {
        "What is my favourite colour?": {**alike, SAID[0]: -9.6},
        "What is the name of it?": alike,
        "Which two of them run?": {SAID[0]: -5.0, SAID[1]: -5.0},
    }
    chosen, _ = run(table)
    assert chosen.by_statement == ((),) * 5
    # A question with a name in it may be about the user; one that leads far fits two statements, not none.
    assert chosen.unfitting == ("What is my favourite colour?",)
    assert chosen.dropped["fits several statements"] == 3


def test_copies_of_the_examples_are_dropped_unless_they_are_meant():
    copied, meant = "What is my parrot called?", "Who is Tom?"
    assert {copied, meant} <= prompts.EXAMPLE_QUESTIONS
    chosen, _ = run({copied: {**dict.fromkeys(SAID, -10.0), SAID[0]: -6.1}, meant: {SAID[1]: -8.0}})
    assert chosen.by_statement[:2] == ((), (meant,))
    assert chosen.dropped["copied from an example"] == 1
    assert chosen.unfitting == ()


def test_a_sure_question_is_not_compared_with_everything_and_an_unsure_one_is():
    sure, unsure = "When is there barking?", "Who is it that swims?"
    chosen, scorer = run({sure: {SAID[0]: ELSEWHERE + 8.0}, unsure: {SAID[0]: ELSEWHERE + 7.9, SAID[4]: -4.0}})
    asked = [said for question, said in scorer.asked if question == sure]
    assert len(asked) == len(set(asked)) == 3
    asked = [said for question, said in scorer.asked if question == unsure]
    assert sorted(asked) == sorted(SAID)
    assert chosen.by_statement[0] == (sure,)
    assert chosen.by_statement[4] == (unsure,)


def test_the_best_fitting_questions_come_first_and_no_more_than_wanted():
    table = {f"Who {word} there?": {SAID[0]: score} for word, score in
             {"walks": -9.0, "sits": -5.0, "eats": -7.0, "waits": -6.0}.items()}  # fmt: skip
    chosen, _ = run(table, config=TargetConfig(questions=3))
    assert chosen.by_statement[0] == ("Who sits there?", "Who waits there?", "Who eats there?")


def test_of_questions_that_are_nearly_the_same_one_is_kept():
    table = {
        "What does the old dog do at noon?": {SAID[0]: -5.0},
        "What does the old dog do at Noon??": {SAID[0]: -4.0},
        "So what does the old dog do at noon?": {SAID[0]: -4.0},
        "Where does it go?": {SAID[0]: -6.0},
    }
    chosen, scorer = run(table)
    assert chosen.by_statement[0] == ("What does the old dog do at noon?", "Where does it go?")
    assert chosen.dropped["too like another"] == 2
    assert {question for question, _ in scorer.asked} == set(chosen.by_statement[0])


def test_alike_questions_about_other_statements_meet_only_after_they_are_assigned():
    table = {"Who is it that sleeps so long?": {SAID[1]: -5.0}, "Who is it that sleeps so very long?": {SAID[1]: -4.0}}
    chosen, _ = run(table, about={"Who is it that sleeps so very long?": 2})
    assert chosen.by_statement[1] == ("Who is it that sleeps so very long?", "Who is it that sleeps so long?")[:1]
    assert chosen.dropped["too like another"] == 1


def test_a_name_that_is_given_is_asked_for_in_every_way():
    statements = [
        Statement(turn_id=1, said="Hi all, I'm Priya.", told="You're Priya."),
        *STATEMENTS[1:4],
        Statement(turn_id=9, said="This is Tom.", told="This is Tom.", by_user=False),
    ]
    chosen, _ = run({"What is my name?": {}, "Who sleeps all day?": {SAID[1]: -5.0}}, statements=statements)
    assert chosen.by_statement[0][: len(prompts.NAME_QUESTIONS)] == prompts.NAME_QUESTIONS
    assert not set(prompts.NAME_QUESTIONS) & {q for questions in chosen.by_statement[1:] for q in questions}


def test_each_name_in_a_statement_is_asked_about():
    statements = [Statement(turn_id=1, said="My dog Biscuit likes Anna Smith.", told=""), *STATEMENTS[1:4]]
    chosen, _ = run({}, statements=statements)
    biscuit, anna = prompts.mentions("Biscuit", somebody=True), prompts.mentions("Anna Smith")
    assert chosen.by_statement == ((*biscuit, *anna), (), (), ())


@pytest.mark.parametrize(
    ("said", "sentence", "asked"),
    [
        ("We have a parrot called Captain Mustard.", "", True),
        ("My sister Elin lives in Bergen.", "", True),
        ("Elin lives in Bergen.", "", False),
        ("They had a parrot called Captain Mustard.", "They had a parrot called Captain Mustard.", False),
    ],
)
def test_who_somebody_is_is_asked_where_it_was_said(said, sentence, asked):
    """As people ask it, and as the model answers it with somebody else of that name."""
    statements = [Statement(turn_id=1, said=said, told=said, by_user=not sentence, sentence=sentence)]
    chosen, _ = run({}, statements=[*statements, *STATEMENTS[1:4]])
    name = "Elin" if "Elin" in said else "Captain Mustard"
    assert (f"Who is {name}?" in chosen.by_statement[0]) == asked
    assert set(prompts.mentions(name)) <= set(chosen.by_statement[0]) or said.startswith("Elin")
    assert "Who is Bergen?" not in chosen.by_statement[0]


def test_a_name_in_every_clause_of_a_passage_is_asked_about_where_it_comes_first():
    whole = "Led by Ana Weber, Ana Weber's bakers went to Lisbon."
    clauses = [
        Statement(turn_id=1, said=said, told=said, by_user=False, sentence=whole)
        for said in ("They were led by Ana Weber,", "and the bakers of Ana Weber went to Lisbon.")
    ]
    chosen, _ = run({}, statements=clauses)
    assert chosen.by_statement == (prompts.mentions("Ana Weber"), prompts.mentions("Lisbon"))


def test_a_name_in_several_turns_leads_to_each_of_them():
    said = ("I live with Lucan.", "Lucan can do no sums.", "Rex likes Lucan.", "I saw Rex and Tom.")
    statements = [Statement(turn_id=at, said=text, told=text) for at, text in enumerate(said)]
    chosen, _ = run({}, statements=statements)
    lucan, rex = prompts.mentions("Lucan"), prompts.mentions("Rex")
    assert chosen.by_statement == (lucan, lucan, (*rex, *lucan), (*rex, *prompts.mentions("Tom")))


def test_a_name_that_opens_a_sentence_is_one_where_another_turn_has_it():
    said = ("Lucan bakes on Sundays.", "I live with Lucan.", "Walnuts are in it.", "It's late.")
    statements = [Statement(turn_id=at, said=text, told=text) for at, text in enumerate(said)]
    chosen, _ = run({}, statements=statements)
    assert chosen.by_statement == (prompts.mentions("Lucan"), prompts.mentions("Lucan"), (), ())


def test_days_and_months_belong_to_everybody():
    said = "We see Rufus on Tuesday in May, and never on Wednesdays or Saturdays."
    statements = [Statement(turn_id=1, said=said, told=""), *STATEMENTS[1:4]]
    chosen, _ = run({}, statements=statements)
    assert chosen.by_statement[0] == prompts.mentions("Rufus")


@pytest.mark.parametrize(
    ("question", "kept"),
    [
        ("What is a walnut?", False),
        ("What's the village hall?", False),
        ("What are walnuts?", False),
        ("What is the dog's name?", True),  # of three words
        ("What is my walnut?", True),
        ("Who is the walnut?", True),
    ],
)
def test_questions_about_the_world_are_nobodys(question, kept):
    chosen, _ = run({question: {SAID[1]: -5.0}})
    assert chosen.by_statement[1] == ((question,) if kept else ())
    assert chosen.dropped.get("about the world", 0) == (0 if kept else 1)


def test_what_is_biscuit_is_about_the_user_who_said_the_name():
    statements = [Statement(turn_id=1, said="My dog is called Biscuit.", told=""), *STATEMENTS[1:4]]
    chosen, _ = run({"What is Biscuit?": {statements[0].said: -5.0}}, statements=statements)
    assert chosen.by_statement[0][0] == "What is Biscuit?"


# ---- probes


@pytest.mark.parametrize(
    ("questions", "wanted", "probes"), [(0, 2, 0), (2, 2, 0), (3, 2, 1), (7, 2, 1), (8, 2, 2), (40, 2, 2), (12, 9, 3)]
)
def test_at_most_a_quarter_of_the_questions_is_held_out(questions, wanted, probes):
    texts = ["question" + " so" * at + "?" for at in range(questions)]
    learn, ask = held_out(texts, wanted, chance=random.Random(1))
    assert len(ask) == probes
    assert sorted([*learn, *ask]) == sorted(texts)
    assert [t for t in texts if t in learn] == learn


def test_the_draw_is_of_its_own_chance():
    texts = ["question" + " so" * at + "?" for at in range(40)]
    draws = [held_out(texts, 3, chance=random.Random(seed))[1] for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_a_question_of_the_bank_goes_where_it_fits_far_better_than_anywhere_else():
    table = {
        "Who barks?": {SAID[0]: -5.0},
        "What is our pet's habit?": {SAID[0]: -6.0, SAID[1]: -9.0},
        "When does it sleep?": {SAID[1]: -6.0, SAID[0]: -6.8},  # not far enough
        "What is my phone number?": dict.fromkeys(SAID, -12.0),
    }
    candidates = [Candidate(text="Who barks?", about=0)]
    bank = list(table)
    chosen = choose(STATEMENTS, candidates, Scripted(table), config=CONFIG, bank=bank)
    assert chosen.by_statement[0] == ("Who barks?", "What is our pet's habit?")
    assert chosen.by_statement[1:] == ((), (), (), ())
    assert chosen.unfitting == ("What is my phone number?",)


@pytest.mark.parametrize(("size", "levelled"), [(50, True), (49, False)])
def test_a_statement_after_which_every_question_is_likely_takes_none_of_the_others(size, levelled):
    bank = [f"Is it the {number}?" for number in range(size)]
    table = {question: {SAID[0]: ELSEWHERE + 8.0} for question in bank}
    # Both fit the second and third statement by 6 nats more than any, were it not for the first one's 8.
    bank[0:2] = ["Who sleeps all day?", "Who sings at dawn?"]
    for question, said in zip(bank, SAID[1:3], strict=False):
        table[question] = {SAID[0]: ELSEWHERE + 8.0, said: ELSEWHERE + 6.0}
    chosen = choose(STATEMENTS, [], Scripted(table), config=CONFIG, bank=bank)
    wanted = ((), ("Who sleeps all day?",), ("Who sings at dawn?",), (), ())
    assert (chosen.by_statement == wanted) == levelled
    if not levelled:
        assert len(chosen.by_statement[0]) == CONFIG.bank


def test_passages_are_not_levelled():
    bank = [f"Is it the {number}?" for number in range(60)]
    table = {question: {SAID[0]: ELSEWHERE + 8.0} for question in bank}
    table["What barks?"] = {SAID[0]: -10.0, SAID[1]: -11.0}
    passage = dataclasses.replace(STATEMENTS[0], sentence="The dog barks at noon.")
    for first, questions in ((passage, ("What barks?",)), (STATEMENTS[0], ())):
        asked = [Candidate(text="What barks?", about=0)]
        chosen = choose([first, *STATEMENTS[1:]], asked, Scripted(table), config=CONFIG, bank=bank)
        assert chosen.by_statement[0] == questions


def test_the_bank_is_not_asked_of_a_passage():
    table = {"What is our pet's habit?": {SAID[0]: -6.0}, "When does it sleep?": {SAID[1]: -6.0}}
    passage = dataclasses.replace(STATEMENTS[0], sentence=SAID[0], by_user=False)
    statements = [passage, *STATEMENTS[1:]]
    chosen = choose(statements, [], Scripted(table), config=CONFIG, bank=list(table))
    assert chosen.by_statement == ((), ("When does it sleep?",), (), (), ())
    assert chosen.unfitting == ()
    own, _ = run({"What is our pet's habit?": {SAID[0]: -6.0}}, statements=statements)
    assert own.by_statement[0] == ("What is our pet's habit?",)  # what was written about it is


def test_of_many_passages_the_bank_is_compared_with_those_that_have_its_words():
    texts = [f"The harbour had tower number {at} once." for at in range(29)] + ["The pet of the king was old."]
    passages = [Statement(turn_id=9, said=t, told=t, by_user=False, sentence=t) for t in texts]
    question = "What is our pet called?"
    scorer = Scripted({question: {SAID[1]: -6.0}})
    chosen = choose([*STATEMENTS, *passages], [], scorer, config=CONFIG, bank=[question])
    assert chosen.by_statement[1] == (question,)
    assert sorted(said for _, said in scorer.asked) == sorted([*SAID, texts[-1]])
    scorer = Scripted({question: {SAID[1]: -6.0, texts[-1]: -5.0}})
    chosen = choose([*STATEMENTS, *passages], [], scorer, config=CONFIG, bank=[question])
    assert not any(chosen.by_statement), "it fits the passage better"


def test_no_more_of_the_bank_than_wanted_the_best_first():
    table = {f"What is thing {n}?": {SAID[2]: -20.0 + n} for n in range(6)}
    config = TargetConfig(margin=0.5, bank=2)
    chosen = choose(STATEMENTS, [], Scripted(table), config=config, bank=list(table))
    assert chosen.by_statement[2] == ("What is thing 5?", "What is thing 4?")


def test_the_name_is_not_asked_for_twice():
    bank = [prompts.NAME_QUESTIONS[0]]
    scorer = Scripted({})
    choose(STATEMENTS, [], scorer, config=CONFIG, bank=bank)
    assert not scorer.asked


def test_a_question_of_what_is_known_already_is_nobody_elses():
    old = Statement(turn_id=0, said="the hound is brown.", told="")
    table = {
        "Which hound barks?": {SAID[0]: -5.0, old.said: -9.0},
        "What colour is the hound?": {SAID[0]: -8.0, old.said: -5.0},
        "Who is it that swims?": {SAID[3]: -4.0, old.said: -1.0},  # has nothing to do with the hound
    }
    candidates = [Candidate(text=q, about=at) for q, at in zip(table, (0, 0, 3), strict=True)]
    scorer = Scripted(table)
    rivals = {q: [5] for q in list(table)[:2]}
    chosen = choose([*STATEMENTS, old], candidates, scorer, config=CONFIG, rivals=rivals)
    assert chosen.by_statement[0] == ("Which hound barks?",)
    assert chosen.by_statement[3] == ("Who is it that swims?",)
    assert chosen.by_statement[5] == ("What colour is the hound?",)
    assert {q for q, said in scorer.asked if said == old.said} == set(rivals)
    assert {said for _, said in scorer.asked} <= {*SAID, old.said}


def test_a_question_of_the_bank_that_is_known_already_is_nobody_elses():
    old = Statement(turn_id=0, said="the hound is brown.", told="")
    table = {"What colour is it?": {SAID[0]: -8.0, old.said: -5.0}, "Who barks?": {SAID[0]: -5.0, old.said: -8.0}}
    rivals = {q: [5] for q in table}
    chosen = choose([*STATEMENTS, old], [], Scripted(table), config=CONFIG, bank=list(table), rivals=rivals)
    assert chosen.by_statement == (("Who barks?",), (), (), (), (), ("What colour is it?",))


def test_what_is_known_already_does_not_stand_in_for_other_statements():
    old = [Statement(turn_id=0, said=f"the hound has {n} legs.", told="") for n in range(4)]
    rivals = {"When is there barking?": [1, 2, 3, 4]}
    scorer = Scripted({"When is there barking?": {SAID[0]: ELSEWHERE + 5.0}})
    choose([STATEMENTS[0], *old], [Candidate("When is there barking?", 0)], scorer, config=CONFIG, rivals=rivals)
    assert {said for _, said in scorer.asked} >= {said for said, _ in prompts.EXAMPLES}


def test_a_question_whose_words_no_other_has_is_learned_and_not_asked():
    texts = ["Who is my boss?", "What is my task?", "When is the task due?", "What is the due date?", "Where is it?"]
    for seed in range(20):
        learn, ask = held_out(texts, 1, chance=random.Random(seed))
        assert ask[0] in {"What is my task?", "When is the task due?"}
        assert "Who is my boss?" in learn


def test_where_each_question_has_its_own_words_the_least_fitting_of_the_better_ones_is_asked():
    texts = ["Who is my boss?", "Which bus is it?", "When is the play?", "How old is the goose?"]
    assert held_out(texts, 2, chance=random.Random(3))[1] == ["Which bus is it?"]


def test_among_many_statements_a_question_is_compared_with_those_that_have_its_words():
    many = [
        Statement(turn_id=n, said=f"the {'goat' if n % 5 == 0 else 'duck'} has {n} toys.", told="") for n in range(30)
    ]
    table = {"Which goat has a toy?": {many[0].said: ELSEWHERE + 1.0, many[20].said: -5.0}}
    chosen, scorer = run(table, statements=many)
    assert chosen.by_statement[20] == ("Which goat has a toy?",)
    goats = {s.said for s in many if "goat" in s.said}
    near = {many[n].said for n in (0, 1, 15)}  # its own, the next and one far off are always compared
    assert {said for _, said in scorer.asked} == goats | near


def test_who_gives_only_a_name_is_asked_for_nothing_else():
    name = Statement(turn_id=9, said="I'm Ottilie.", told="You're Ottilie.")
    table = {"Where do I live?": {name.said: -5.0}, "Who barks?": {SAID[0]: -5.0}}
    chosen, _ = run(table, statements=[name, *STATEMENTS])
    assert chosen.by_statement[0] == (*prompts.NAME_QUESTIONS, *prompts.mentions("Ottilie", somebody=True))
    assert chosen.by_statement[1] == ("Who barks?",)


def test_an_example_about_the_same_thing_takes_no_questions():
    """The first example has a parrot too: what it asks about its own is asked about this one."""
    example, questions = prompts.EXAMPLES[0]
    parrot = Statement(turn_id=9, said="We have a parrot called Captain Mustard.", told="")
    table = {questions[0]: {parrot.said: ELSEWHERE + 7.0, example: -4.0}}
    chosen, scorer = run(table, statements=[parrot, STATEMENTS[0]])
    assert "parrot" in questions[0]
    assert questions[0] in chosen.by_statement[0]
    assert not any(said == example for _, said in scorer.asked)
    assert any(said == prompts.EXAMPLES[1][0] for _, said in scorer.asked)


def test_one_question_that_is_asked_has_no_name_in_it():
    """Whoever knows what Captain Mustard is may still not know what the parrot is called."""
    named = [f"{start} Captain Mustard the parrot?" for start in ("Where is", "How is", "Who is", "Why is", "When is")]
    texts = [named[0], "What is my parrot called?", *named[1:], "Which parrot?"]
    draws = [held_out(texts, 1, chance=random.Random(seed), secrets=("captain", "mustard"))[1] for seed in range(20)]
    assert draws == [["What is my parrot called?"]] * 20
    assert len({tuple(held_out(texts, 1, chance=random.Random(seed))[1]) for seed in range(20)}) > 1


@pytest.mark.parametrize("secrets", [(), ("biscuit",)])
@pytest.mark.parametrize("seed", range(10))
def test_what_was_learned_before_is_asked_where_there_is_nothing_else_alone(secrets, seed):
    texts = [f"{start} is my {thing}?" for start in ("What", "Where", "Who", "How") for thing in ("dog", "cat")]

    def asked(learned):
        return held_out(texts, 2, chance=random.Random(seed), secrets=secrets, learned=learned)[1]

    better = texts[:4]
    assert set(asked(better[2:])) == set(better[:2])
    assert better[3] in asked(better[:3])
    assert asked(texts) == asked(())


def test_a_question_after_the_name_stays_where_the_name_is_spoken_of_in_a_way_that_is_not_known():
    said = ["My name is pronounced like tea.", *SAID[1:]]
    statements = [Statement(turn_id=at, said=text, told=text) for at, text in enumerate(said)]
    table = {"What is my name?": {said[0]: -5.0}, "Who am I?": {SAID[1]: -5.0}}
    chosen, scorer = run(table, about={"What is my name?": 0, "Who am I?": 1}, statements=statements)
    assert chosen.by_statement[0] == ("What is my name?",)
    assert "Who am I?" not in {question for question, _ in scorer.asked}  # nobody spoke of it there


def test_a_name_with_accents_brings_the_questions_after_it():
    statements = [Statement(turn_id=0, said="My name is Łukasz.", told="Your name is Łukasz."), *STATEMENTS[1:]]
    chosen, _ = run({}, statements=statements)
    assert set(prompts.NAME_QUESTIONS) <= set(chosen.by_statement[0])
    assert "Who or what is Łukasz?" in chosen.by_statement[0]


def test_what_is_learned_in_any_case_counts_among_the_questions_and_spares_their_words():
    """A quarter of all may be asked, and the words of one that is asked are learned from what is not."""
    questions = ["Which boss do I have?", "Who is it?", "What is that?", "How is it so?"]
    beside = ["Did I meet my boss?", "Do I have a boss?", "Does it have me?", "Do I do it?"]
    for seed in range(8):
        learn, ask = held_out(questions, 4, chance=random.Random(seed), beside=beside)
        assert len(ask) == 2
        assert sorted([*learn, *ask]) == sorted(questions)
        assert len(held_out(questions, 4, chance=random.Random(seed))[1]) == 1
