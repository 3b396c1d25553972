"""An opening goes on to the first word that tells a statement from the others: two that begin alike are two."""

import pytest
from studying import of_kind, run

from langchain_selfparam.targets import parse


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["You like tea a lot.", "Your dog is six now."], ["You like tea a", "Your dog is six"]),
        (
            ["You want me to remind you.", "You want me to call you.", "Your dog is six now."],
            ["You want me to remind", "You want me to call", "Your dog is six"],
        ),
        (["You go to Rome by car.", "You go to Rome."], ["You go to Rome by", "You go to Rome."]),
        (["You are six years old."] * 2, ["You are six years"] * 2),
        (["Yes."], ["Yes."]),
        ([], []),
    ],
)
def test_openings(texts, found):
    assert parse.openings(texts, 4) == found


def test_each_statement_is_learned_up_to_what_tells_it_from_others():
    said = ["Remind me to call the bank.", "Remind me to feed Biscuit on Sundays."]
    questions = {
        said[0]: ["Whom do I call?", "What do I want?", "Who is rung?", "Which firm is it?"],
        said[1]: ["Whom do I feed?", "When is it?", "Who eats?", "On which day?"],
    }
    found = run(*said, questions=questions)
    short = {s.turn_id: s.answer for s in of_kind(found.sentences, "question") if not s.ends}
    assert short == {1: "You want me to remind you to call", 2: "You want me to remind you to feed"}
    assert {p.opening for p in of_kind(found.probes, "recall")} == set(short.values())
