"""What the package says by itself: forms without facts, and nothing that is both taught and asked."""

from langchain_selfparam.targets import parse, prompts
from langchain_selfparam.targets.parse import questions


def test_question_list_ends_where_the_next_question_begins():
    text = prompts.question_list("My cat sleeps.")
    assert text.endswith("\n\nStatement: My cat sleeps.\nQuestions:\n-")
    assert text.count("Statement: ") == len(prompts.EXAMPLES) + 1
    for said, asked in prompts.EXAMPLES:
        assert f"Statement: {said}\nQuestions:\n" in text
        assert all(f"- {question}\n" in text for question in asked)


def test_worked_examples_are_questions_that_would_be_taken():
    for question in prompts.EXAMPLE_QUESTIONS:
        assert questions(question, by_user=True) == [question]
    for _, asked in prompts.PASSAGE_EXAMPLES:
        assert not [q for q in asked if parse.speaks_of_me(q) or parse.speaks_of_you(q)]
    for question in prompts.NAME_QUESTIONS:
        assert questions(question, by_user=False) == [question]
    assert len(prompts.EXAMPLE_QUESTIONS) == sum(len(asked) for _, asked in prompts.EXAMPLES + prompts.PASSAGE_EXAMPLES)


def test_the_teacher_reads_the_statement_as_its_own_answer():
    messages = prompts.reading("Your cat sleeps.")
    assert [m.role for m in messages] == ["user", "assistant"] * (len(messages) // 2)
    assert {m.text for m in messages[1::2]} == {"Your cat sleeps."}
    assert len({m.text for m in messages[::2]}) == len(messages) // 2 > 1


def test_mentions_name_the_name():
    assert all("Mina" in question for question in prompts.mentions("Mina", somebody=True))
    assert len(set(prompts.mentions("Mina"))) == 2


def test_drift_prompts_are_none_that_are_taught():
    world = {*prompts.GENERAL_QUESTIONS, *prompts.WORLDLY}
    taught = {*world, *prompts.ABOUT_THE_MODEL, *prompts.NAME_QUESTIONS, *prompts.EXAMPLE_QUESTIONS}
    assert not taught & set(prompts.DRIFT_PROMPTS)
    assert len(world) == len(prompts.GENERAL_QUESTIONS) + len(prompts.WORLDLY)


def test_what_is_asked_about_the_world_is_about_nobody_present():
    assert not [q for q in prompts.WORLDLY if parse.speaks_of_me(q) or parse.speaks_of_you(q)]
