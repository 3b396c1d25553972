"""Beside an old turn in a prompt stands whatever corrects it, also where the weights hold that."""

from datetime import datetime, timezone

import pytest
from changing import CHANGED

from langchain_selfparam.records import Turn
from langchain_selfparam.targets.beside import correcting

UNSEEN = {("My cat is called Mina.", "Sorry, I meant Nina."), ("My hamster is called Pip.", "My hamster died.")}
"""What nothing in the text tells."""
LESSON, MOVED, AGAIN = "My lesson is on Monday.", "The lesson is on Friday now.", "The lesson has moved to Sunday."


def said(*texts, reply="", first=1):
    now = datetime(2026, 3, 1, tzinfo=timezone.utc)
    return [
        Turn(id=at, namespace=("a",), thread="", user=text, assistant=reply, created_at=now)
        for at, text in enumerate(texts, first)
    ]


def chosen(waiting, held):
    return [turn.user for turn in correcting(waiting, held)]


@pytest.mark.parametrize(("old", "new"), [pair[:2] for pair in CHANGED])
def test_nothing_that_was_corrected_stands_alone(old, new):
    before, after = said(old, new)
    assert chosen([before], [after]) == ([] if (old, new) in UNSEEN else [new])
    assert chosen([after], [before]) == []
    assert chosen([], [before, after]) == []


def test_others_stay_out():
    lesson, dog, guitar, moved = said(
        LESSON, "My dog is called Biscuit now.", "The guitar case is brown, not black.", MOVED
    )
    assert chosen([lesson], [moved, dog, guitar]) == [MOVED]
    assert chosen([dog], [lesson, guitar, moved]) == []


def test_what_was_corrected_twice_has_both_beside_it_in_order():
    lesson, moved, again = said(LESSON, MOVED, AGAIN)
    assert chosen([lesson], [again, moved]) == [MOVED, AGAIN]
    assert chosen([lesson, moved], [again]) == [AGAIN]
    assert chosen([moved], [again, lesson]) == [AGAIN]


def test_replies_and_texts_about_others_correct_nothing():
    lesson = said(LESSON)
    assert chosen(lesson, said("Thanks!", reply=MOVED, first=2)) == []
    text = "The Royal Academy was founded in London in 1768. The academy moved to Burlington House in 1868. " * 3
    assert chosen(said("The academy is in Trafalgar Square."), said(text, first=2)) == []
