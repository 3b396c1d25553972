"""Asking a model for an evaluation: greedy, or drawn from the same seed each time."""

import pytest

from langchain_selfparam.interfaces.asking import Asker
from langchain_selfparam.records import Message

PROMPTS = [(Message(role="user", text=text),) for text in ("Hi.", "What is new?", "Name a film.")]


def ask(tiny, **options):
    return Asker((tiny.model, tiny.tokenizer), max_tokens=12, **options)(PROMPTS, lambda done, total: None)


@pytest.mark.parametrize("rows", [1, 72])
def test_greedy_answers_depend_on_nothing(tiny, rows):
    assert ask(tiny, rows=rows) == ask(tiny)


def test_drawn_answers_are_others_and_the_same_again(tiny):
    drawn = ask(tiny, temperature=2.0)
    assert drawn == ask(tiny, temperature=2.0)
    assert drawn != ask(tiny)
