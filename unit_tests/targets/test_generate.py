"""The model writes questions; what it wrote about several statements is known."""

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.records import Statement
from langchain_selfparam.targets import prompts
from langchain_selfparam.targets.generate import Candidate, write_alike, write_general, write_questions
from langchain_selfparam.testing import FakeGenerator

DOG = Statement(turn_id=1, said="My dog is Biscuit.", told="Your dog is Biscuit.")
SISTER = Statement(turn_id=2, said="My sister lives in Lisbon.", told="Your sister lives in Lisbon.")
REPLY = Statement(turn_id=2, said="The vet is Dr. Weber.", told="The vet is Dr. Weber.", by_user=False)


def author(by_statement):
    return FakeGenerator(lambda prompt: next(text for said, text in by_statement.items() if prompt.endswith(said)))


def ending(statement):
    return f"Statement: {statement.said}\nQuestions:\n-"


def test_candidates_stand_once_under_the_first_statement_they_were_written_about():
    generator = author(
        {
            ending(DOG): " What is your dog called?\n- Who is Biscuit?\nnot a question",
            ending(SISTER): " Where does she live?\n- Who is Biscuit?\n- Who is Biscuit?",
            ending(REPLY): " Who is your vet?",
        }
    )
    found = write_questions([DOG, SISTER, REPLY], generator, config=TargetConfig(samples=2))
    assert found == [
        Candidate(text="What is my dog called?", about=0),
        Candidate(text="Who is Biscuit?", about=0),
        Candidate(text="Where does she live?", about=1),
        Candidate(text="Who is your vet?", about=2),
    ]


def test_about_a_clause_of_a_passage_its_whole_sentence_is_asked_and_nobody_in_it_is_the_user():
    sentence = "The abbey was founded in 1103, and it burned down twice."
    clauses = [
        Statement(turn_id=1, said=said, told=said, by_user=False, sentence=sentence)
        for said in ("The abbey was founded in 1103,", "and it burned down twice.")
    ]
    generator = FakeGenerator([" When was it founded?\n- When was my abbey built?\n- How often did you burn?"])
    found = write_questions(clauses, generator, config=TargetConfig(samples=1))
    assert found == [Candidate(text="When was it founded?", about=0)]
    (call,) = generator.calls
    assert ["".join(p) for p in call["prompts"]] == [prompts.question_list(sentence, passage=True)] * 2
    assert prompts.PASSAGE_EXAMPLES[0][0] in prompts.question_list(sentence, passage=True)
    assert prompts.EXAMPLES[0][0] not in prompts.question_list(sentence, passage=True)


def test_the_generator_is_asked_as_the_settings_say():
    generator = FakeGenerator([" Who is it?"])
    config = TargetConfig(samples=3, temperature=0.4, max_question_tokens=17, seed=5)
    write_questions([DOG, SISTER], generator, config=config)
    (call,) = generator.calls
    assert ["".join(prompt) for prompt in call["prompts"]] == [prompts.question_list(s.said) for s in (DOG, SISTER)]
    assert (call["samples"], call["temperature"], call["max_tokens"], call["seed"]) == (3, 0.4, 17, 5)
    assert {"\n\n", "Statement:"} <= set(call["stop"])


def test_nothing_usable_is_no_candidate():
    assert write_questions([DOG], FakeGenerator(["no questions here"]), config=TargetConfig()) == []


def test_general_questions_begin_with_the_worked_ones():
    generator = FakeGenerator([" Why is the sky blue?\n- What is your name?\n- What is a prime number?"])
    found = write_general(generator, count=13, config=TargetConfig(seed=9))
    assert found == [
        *prompts.GENERAL_QUESTIONS,
        "Why is the sky blue?",
        "What is your name?",
        "What is a prime number?",
    ]
    assert generator.calls[0]["seed"] == 9
    assert write_general(generator, count=11, config=TargetConfig())[10:] == ["Why is the sky blue?"]


def test_no_more_are_written_than_wanted():
    generator = FakeGenerator(["never"])
    assert write_general(generator, count=4, config=TargetConfig()) == list(prompts.GENERAL_QUESTIONS[:4])
    assert generator.calls == []


def test_questions_about_the_world_begin_as_those_about_the_user():
    asked = ["Which instrument do I play?", "Which instrument do we own?", "Where is my dog?", "In which town is Ana?"]
    written = {"Which instrument": " has strings?", "Where is": " Mount Etna?", "In which town is": " my dog?"}
    generator, config = FakeGenerator(lambda prompt: written[prompt.rpartition("\n- ")[2]]), TargetConfig()
    found = write_alike(asked, generator, count=9, config=config)
    assert found == ["Which instrument has strings?", "Where is Mount Etna?"]
    assert write_alike(asked, generator, count=1, config=config) == found[:1]
    assert all("".join(p).startswith("Questions about the world:\n- ") for p in generator.calls[0]["prompts"])
    assert write_alike(asked, generator, count=0, config=config) == []
    assert write_alike([], generator, count=5, config=config) == []
    assert len(generator.calls) == 2
