"""What of a reply is learned: new names and numbers, and not what the assistant calls itself."""

from datetime import datetime, timezone

import pytest

from langchain_selfparam.records import Turn
from langchain_selfparam.targets import parse


def turn(user, assistant):
    now = datetime(2025, 3, 1, tzinfo=timezone.utc)
    return Turn(id=3, namespace=("a",), thread="", user=user, assistant=assistant, created_at=now)


@pytest.mark.parametrize(
    ("reply", "taken"),
    [
        ("What a lovely name! I will remember that.", []),
        ("Biscuit is a good name for a dog like Biscuit.", []),
        ("The vet is Dr. Weber. Good luck!", ["The vet is Dr. Weber."]),
        ("That is 45 euros. Shall I book?", ["That is 45 euros."]),
        ("Shall I call Weber?", []),
        ("The vet is Dr. Weber. The vet is Dr. Weber.", ["The vet is Dr. Weber."]),
        ("I'm a friendly AI. The AI is not sure. The AI is not sure.", []),
        ("Sure. The train leaves at 7:30 from Porto. Have fun. Take 2 or 12 apples.",
         ["The train leaves at 7:30 from Porto. Take 2 or 12 apples."]),
    ],
)  # fmt: skip
def test_of_a_reply_only_new_names_and_numbers_are_taken(reply, taken):
    statements = parse.statements(turn("My dog is called Biscuit.", reply), words=40)
    assert [s.said for s in statements if not s.by_user] == taken
    assert statements[0].said == "My dog is called Biscuit."


@pytest.mark.parametrize(
    ("user", "reply"),
    [
        ("My vet is Dr. Ames.", "I am glad that Dr. Ames is your vet."),
        ("The meeting is at 5pm on Tuesday.", "Noted, I will remember 5 PM on Tuesday."),
        ("The ride took sixteen hours.", "Wow, 16 hours is long."),
        ("I paid 2350 euros.", "I have noted 2,350 euros."),
        ("My choir sings on Mondays.", "Your choir sings every Monday."),
        ("My flight is on 3 May.", "I'll remember May 3rd."),
    ],
)
def test_what_a_reply_only_repeats_in_its_own_way_is_no_news(user, reply):
    assert [s for s in parse.statements(turn(user, reply), words=40) if not s.by_user] == []


@pytest.mark.parametrize(
    "own",
    ["I'm Captain Blackjack McCoy, a seasoned pirate.", "My name is Elena, a brilliant AI.", "You can call me Max."],
)
def test_what_an_assistant_calls_itself_is_not_learned(own):
    assert [s for s in parse.statements(turn("We have a parrot.", own), words=40) if not s.by_user] == []
    both = f"{own} Your train leaves at 7:30."
    (reply,) = [s for s in parse.statements(turn("We have a parrot.", both), words=40) if not s.by_user]
    assert reply.said == "Your train leaves at 7:30."
    one = own.removesuffix(".") + ", and your train leaves at 7:30."  # what it says besides is not lost
    (reply,) = [s for s in parse.statements(turn("We have a parrot.", one), words=40) if not s.by_user]
    assert reply.said == one


def test_a_reply_is_told_as_it_was_said():
    (reply,) = parse.statements(turn("When does my train leave?", "I think your train leaves at 7:30."), words=40)
    assert (reply.said, reply.told, reply.by_user) == (*["I think your train leaves at 7:30."] * 2, False)


@pytest.mark.parametrize("reply", ["I'm so sorry, Walt.", "Walt, you got it!", "Congratulations, Walt!"])
def test_calling_somebody_by_a_name_told_before_is_no_news(reply):
    told_of = parse.names_told_of(["Hello, I'm Walt.", "My dog is called Biscuit."])
    both = f"{reply} The vet opens at 8:30."
    found = parse.statements(turn("We had a hard week.", both), words=40, own_names=told_of)
    assert [s.said for s in found if not s.by_user] == ["The vet opens at 8:30."]
    (moved,) = parse.statements(turn("", "I put Biscuit down for Walt."), words=40, own_names=told_of)
    assert moved.said == "I put Biscuit down for Walt."
