"""A mail, a chat or quoted lines are somebody else's words: their "I" is never told back as the user."""

from datetime import datetime, timezone

import pytest

from langchain_selfparam.records import Turn
from langchain_selfparam.targets.naming import introduces
from langchain_selfparam.targets.parse import statements
from langchain_selfparam.targets.quoting import as_quoted

_MAIL = """Mail from my boss:

Hi all,
I will be away from 3 to 7 May. My deputy is Lena. Please send me your reports by Thursday.
Best, Karl"""
_HEADED = """From: Karl
Subject: Budget
I have approved your budget. My plan is "lean"."""
_CHAT = """[10:02] Priya: I'm off tomorrow
[10:03] me: ok, I'll cover the desk
[10:04] Priya: my badge is in the drawer"""


def told(user: str) -> str:
    now = datetime(2025, 3, 1, tzinfo=timezone.utc)
    turn = Turn(id=1, namespace=("a",), thread="", user=user, assistant="OK.", created_at=now)
    return " ".join(statement.told for statement in statements(turn, words=40))


@pytest.mark.parametrize(
    ("user", "back"),
    [
        (
            "Here is what Signe wrote: I can't come on Friday. My car broke down.",
            'Here is what Signe wrote: "I can\'t come on Friday." "My car broke down."',
        ),
        (
            _MAIL,
            'Mail from your boss: "I will be away from 3 to 7 May." "My deputy is Lena." '
            '"Please send me your reports by Thursday." "Best, Karl."',
        ),
        (_HEADED, 'From: Karl. Subject: Budget. "I have approved your budget." "My plan is \'lean\'."'),
        (
            _CHAT,
            "[10:02] Priya: \"I'm off tomorrow.\" [10:03] you: ok, you'll cover the desk "
            '[10:04] Priya: "my badge is in the drawer."',
        ),
        ("Priya: I'm off tomorrow\nMe: I know", 'Priya: "I\'m off tomorrow." You: You know'),
        (
            "> I think we should meet on Tuesday\n> my office is room 12\nI said yes to that.",
            '"I think we should meet on Tuesday." "my office is room 12." You said yes to that.',
        ),
        (
            "here's the group chat:\nDanny: we get 200\nLena: I can't do the 21st",
            'Here\'s the group chat: Danny: "we get 200." Lena: "I can\'t do the 21st."',
        ),
        (
            "My sister texted me: I'm late, my train stood still. So I went in alone.",
            'Your sister texted you: "I\'m late, my train stood still." So you went in alone.',
        ),
        (
            "A mail from Lucy:\nMy room is free on Friday. Please bring me the list.\n\n"
            "So my list has to be ready by then.",
            'A mail from Lucy: "My room is free on Friday." "Please bring me the list." '
            "So your list has to be ready by then.",
        ),
        ("> My desk is in room 4.", '"My desk is in room 4."'),
    ],
)
def test_what_others_wrote_keeps_its_persons(user, back):
    assert told(user) == back


@pytest.mark.parametrize(
    "user",
    [
        "I wrote to my landlord: I'm leaving in May. I have found a flat.",
        "I just emailed my boss: I'm ill.",
        "My note to the school was: I can't come.",
        "A message from the school: the trip is on Friday.",
        "Monday: I swim\nTuesday: I run",
        "Breakfast: my oats\nLunch: my soup",
        ">>> print(my_list)",
        'My brother emailed me: "I\'m in Rome." I was glad.',
        "I like my tea -> hot",
        "8:30: I get up",
    ],
)
def test_the_users_own_words_are_left_as_they_are(user):
    assert as_quoted(user) == user


def test_a_name_in_somebodys_mail_is_not_the_users():
    assert introduces("I'm Karl.")
    assert not introduces(as_quoted("Karl wrote: I'm Karl."))
