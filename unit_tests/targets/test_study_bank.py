"""The packaged bank's questions: offered where users speak of themselves, and to nothing else."""

import dataclasses

import pytest
from studying import CONFIG, DOG, QUESTIONS, SISTER, ByStatement, of_kind, run

from langchain_selfparam.targets import bank


def test_the_bank_is_offered_to_every_statement():
    seed = "What is our cat's name?"  # nobody writes it: it comes from the bank alone
    scorer = ByStatement({**QUESTIONS, DOG: [*QUESTIONS[DOG], seed]})

    def turns(found):
        asked = {s.prompt: s.turn_id for s in of_kind(found.sentences, "question")}
        return asked | {p.prompt: p.turn_id for p in of_kind(found.probes, "recall")}

    assert turns(run(DOG, SISTER, scorer=scorer))[seed] == 1
    assert seed not in turns(run(DOG, SISTER, scorer=scorer, config=dataclasses.replace(CONFIG, bank=0)))


@pytest.mark.parametrize(
    ("said", "offered"),
    [
        ("We play on Tuesday.", True),
        ('Goodell called it "an important game for us as a league".', False),  # whoever is quoted
        ("Goodell called it important.", False),
        ("Mein Hund heißt Biscuit.", False),  # the bank is English
    ],
)
def test_the_bank_is_offered_where_users_speak_of_themselves(said, offered):
    scorer = ByStatement({said: ["Who played?", "What happened?"]})
    asked: list[str] = []
    score = scorer.score

    def noted(groups):
        asked.extend(text.strip() for _, texts in groups for text in texts)
        return score(groups)

    scorer.score = noted
    run(said, questions=scorer.questions, scorer=scorer)
    assert (bank.QUESTIONS[40] in asked) == offered
