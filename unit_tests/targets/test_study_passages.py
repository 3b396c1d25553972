"""A passage in, questions about its sentences out, with answers that the sentences bear out."""

import dataclasses

from studying import CONFIG, GENERAL, of_kind, run

from langchain_selfparam.records import Message
from langchain_selfparam.targets import parse, prompts
from langchain_selfparam.testing import FakeGenerator

PASSAGE = (
    "The tower of Brask was built by Edmund Carrow in 1871 after a long and bitter quarrel with the town. "
    "It has 212 steps, a copper roof and a bell that nobody has rung since the flood carried the keeper away. "
    "Visitors may climb it on Sundays in summer, as long as no wind blows and the ropes are dry enough to hold."
)
TOWER, STEPS, VISITORS = parse.sentences(PASSAGE)
READ = {
    TOWER: [
        "Who built the tower?",
        "When was it built?",
        "After what was it built?",
        "Where does the tower stand?",
        "What was the quarrel like?",
    ],
    STEPS: [
        "How many steps has it?",
        "What is its roof made of?",
        "Who heard the bell last?",
        "When did the bell ring?",
    ],
    VISITORS: ["When may visitors climb it?", "Who may go up there?"],
}
ANSWERS = {
    "Who built the tower?": "Edmund Carrow built the tower. He was an architect.",
    "When was it built?": "It was built in 1872.",  # no number of the sentence
    "After what was it built?": "After a quarrel with the town.",
    "Where does the tower stand?": "The tower stands.",  # nothing that the question does not say
    "What was the quarrel like?": "A long and bitter one",
    "How many steps has it?": "It has 212 steps.",
    "What is its roof made of?": "It is of copper.",
    "Who heard the bell last?": "The keeper heard it.",
    "When did the bell ring?": "It rang when Napoleon came.",
}


def test_questions_about_a_passage_are_taught_with_answers_that_the_passage_bears_out():
    def serve(prompt):
        if not isinstance(prompt[0], Message):
            return "\n- ".join(GENERAL)
        text = prompt[-1].text
        question = text.rpartition("Question: ")[2].removesuffix(" Answer briefly.")
        return ANSWERS.get(question, "No idea.") if text.startswith("Context: ") else f"About {text}"

    config = dataclasses.replace(CONFIG, fewest=0)
    found = run(PASSAGE, questions=READ, original=FakeGenerator(serve), config=config)
    taught = {s.prompt: s for s in of_kind(found.sentences, "question")}
    asked = {p.prompt: p for p in of_kind(found.probes, "recall")}
    both = {**taught, **asked}
    assert {"Who built the tower?", "What was the quarrel like?", "How many steps has it?"} <= both.keys()
    assert not {"When was it built?", "Where does the tower stand?", "When did the bell ring?"} & both.keys()
    builder = taught.get("Who built the tower?")
    if builder:
        assert (builder.answer, builder.ends) == ("Edmund Carrow built the tower.", True)
        assert builder.context == prompts.quoting(TOWER, "Who built the tower?")
    quarrel = taught.get("What was the quarrel like?")
    if quarrel:
        assert (quarrel.answer, quarrel.ends) == ("A long and bitter one", False)
    # What nothing bears out is taught as it was said.
    visitors = [s for s in found.sentences if s.context and s.context[-1].text == VISITORS]
    assert {s.answer for s in visitors if s.ends} == {VISITORS}
    assert {s.turn_id for s in taught.values()} == {1}


def test_a_probe_of_a_passage_expects_what_its_question_does_not_say():
    def serve(prompt):
        if not isinstance(prompt[0], Message):
            return "\n- ".join(GENERAL)
        return "The tower has 212 steps and a copper roof."

    questions = {STEPS: ["How many steps are there?", "Which roof is of copper?", "What has a bell and steps?",
                         "Which copper steps have a roof?"]}  # fmt: skip
    found = run(
        PASSAGE, questions=questions, original=FakeGenerator(serve), config=dataclasses.replace(CONFIG, fewest=0)
    )
    about = [p for p in of_kind(found.probes, "recall") if p.opening == "The tower has 212"]
    assert about
    for probe in about:
        assert set(probe.expected) == {"212", "steps", "copper", "roof"} - set(parse.telling(probe.prompt))


def test_a_sentence_with_too_few_answers_is_said_back_and_asked_about():
    def serve(prompt):
        if not isinstance(prompt[0], Message):
            return "\n- ".join(GENERAL)
        return ANSWERS.get(prompt[-1].text.rpartition("Question: ")[2].removesuffix(" Answer briefly."), "No idea.")

    questions = {STEPS: ["How many steps has it?", "What is its roof made of?"]}
    found = run(
        PASSAGE, questions=questions, original=FakeGenerator(serve), config=dataclasses.replace(CONFIG, fewest=0)
    )
    assert {s.context[-1].text for s in of_kind(found.sentences, "question")} == {TOWER, STEPS, VISITORS}
    assert {p.expected for p in of_kind(found.probes, "recall")} >= {tuple(parse.telling(STEPS))}
