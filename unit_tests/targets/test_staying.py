"""Which of the questions that nobody answered are learned as they were answered before."""

import dataclasses

import pytest
from studying import CONFIG, DOG, QUESTIONS, SISTER, ByStatement, of_kind, run

from langchain_selfparam.targets import bank, prompts

MANY = [f"My {thing} is at the mender's." for thing in ("bicycle", "kettle", "trumpet", "watch", "lamp")]
VERBS = "take keep need like miss lend lose find hide sell fix wash move hang use want".split()
ASKED = {said: [f"Where do I {verb} {said.split()[1]}?" for verb in VERBS] for said in MANY}
"""Enough questions about each to leave no room when they are turned on the model."""


def as_before(found):
    """The bank's questions among what is to stay."""
    return [s.prompt for s in of_kind(found.sentences, "contrast") if s.prompt in set(bank.QUESTIONS)]


def test_of_few_statements_they_fill_what_room_there_is():
    config = dataclasses.replace(CONFIG, contrast=120)
    found = run(DOG, config=config)
    staying = of_kind(found.sentences, "contrast") + of_kind(found.sentences, "neighbour")
    kept = as_before(found)
    assert len(staying) == config.contrast
    assert len(kept) == len(of_kind(found.sentences, "contrast")) > config.contrast / 4
    assert set(prompts.ABOUT_THE_MODEL) <= {s.prompt for s in staying}
    assert set(kept).isdisjoint(QUESTIONS[DOG])


def test_of_more_statements_they_are_a_quarter():
    config = dataclasses.replace(CONFIG, contrast=80, questions=16)
    kept = as_before(run(*MANY, questions=ASKED, config=config))
    assert len(kept) == config.contrast / 4


@pytest.mark.parametrize("seed", range(4))
def test_the_likeliest_of_them_are_always_among_them(seed):
    likely = [q for q in bank.QUESTIONS[::2] if q not in prompts.NAME_QUESTIONS][40:48]

    class Likely(ByStatement):
        def score(self, groups):
            rows = super().score(groups)
            return [
                [s + 2.4 if SISTER in prompt and text[1:] in likely else s for s, text in zip(row, texts, strict=True)]
                for (prompt, texts), row in zip(groups, rows, strict=True)
            ]

    config = dataclasses.replace(CONFIG, contrast=60, seed=seed)
    assert set(likely) <= set(as_before(run(SISTER, scorer=Likely(QUESTIONS), config=config)))


def test_of_more_statements_they_are_a_quarter_whatever_room_there_is():
    """What passages leave of it is none for questions that were written about them."""
    config = dataclasses.replace(CONFIG, contrast=120)
    assert len(as_before(run(*MANY, questions={}, config=config))) == config.contrast / 4
