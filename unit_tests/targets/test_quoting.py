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
            '[10:02] Priya: "I\'m off tomorrow." [10:03] you: "ok, I\'ll cover the desk." '
            '[10:04] Priya: "my badge is in the drawer."',
        ),
        ("Ben: I'm off\nMe: I'm so proud of you", 'Ben: "I\'m off." You: "I\'m so proud of you."'),
        (
            "I texted Lena and she texted me back: I'm pregnant!",
            'You texted Lena and she texted you back: "I\'m pregnant!"',
        ),
        (
            "Here's the text my brother sent me:\nI've sold it.",
            "Here's the text your brother sent you: \"I've sold it.\"",
        ),
        ("My mum's message: I arrive at 6", 'Your mum\'s message: "I arrive at 6."'),
        ("My ex texted me again: I miss you.", 'Your ex texted you again: "I miss you."'),
        (
            "Forwarded message:\nFrom: Lars\nSubject: Malmö\nI moved.\nBest, Lars\n\nI'm glad about it.",
            'Forwarded message: From: Lars. Subject: Malmö. "I moved." "Best, Lars." You\'re glad about it.',
        ),
        ("> Hey I moved.", '"Hey I moved."'),
        ("A mail from Jo:\nHi Jo, my dad died last night.", 'A mail from Jo: "Hi Jo, my dad died last night."'),
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
        (
            "2024-05-03 10:15 Ana: I lost my keys\n2024-05-03 10:17 Ana: at my gym",
            '2024-05-03 10:15 Ana: "I lost my keys." 2024-05-03 10:17 Ana: "at my gym."',
        ),
        (
            "Karl 10:32 AM\nI can't make it on Friday\nit's my back\nAnna 10:33 AM\nMy train is late",
            'Karl 10:32 AM: "I can\'t make it on Friday." Karl 10:32 AM: "it\'s my back." '
            'Anna 10:33 AM: "My train is late."',
        ),
        (
            "mum: i told you i hate peas\ndad: my knee hurts\nmum: off to bed",
            'Your mum: "i told you i hate peas." dad: "my knee hurts." mum: off to bed',
        ),
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
        "07:30 Gym: I row\n08:30 Work: I write",
        "Work: I have a big review\nMe: yoga",
        "Rent: we pay 900\nMe: 50",
        "From: Hamburg\nTo: Oslo\n\nI travel with my dog.",
        "I got an email from Harvard: I'm in!",
        "Text from my boss: I got the promotion!",
        "I keep every letter from my gran: I have fifty.",
        "mum: no nuts\ndad: no fish\nme: i can't eat gluten",
        "Gym 10:00 AM\nI row\nLunch 11:00 AM\nI eat",
        "Piano 6:00 PM\nI teach it",
        "Topics for my talk with my boss:\nSalary: I want 5% more\nTime: I leave at 4",
    ],
)
def test_the_users_own_words_are_left_as_they_are(user):
    assert as_quoted(user) == user


def test_a_name_in_somebodys_mail_is_not_the_users():
    assert introduces("I'm Karl.")
    assert not introduces(as_quoted("Karl wrote: I'm Karl."))
