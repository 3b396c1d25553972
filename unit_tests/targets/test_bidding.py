"""What is bidden of the assistant is told as what the user wants of it, and nothing else is."""

import pytest

from langchain_selfparam.targets.person import told


@pytest.mark.parametrize(
    ("said", "back"),
    [
        ("Please don't suggest energy gels to me.", "You don't want me to suggest energy gels to you."),
        (
            "I'm allergic to aspirin, so always check before you suggest any medicine.",
            "You're allergic to aspirin, so you want me to always check before I suggest any medicine.",
        ),
        (
            "I'm a vegetarian, so don't offer me anything with meat.",
            "You're a vegetarian, so you don't want me to offer you anything with meat.",
        ),
        (
            "Can you use metric units when you give me recipes?",
            "You want me to use metric units when I give you recipes.",
        ),
        ("Keep it short when you write to me.", "You want me to keep it short when I write to you."),
        ("Please keep it short when you're writing to us.", "You want me to keep it short when I'm writing to you."),
        ("When you write to me, keep it short.", "You want me to keep it short when I write to you."),
        ("I hate coriander; never suggest it.", "You hate coriander; you never want me to suggest it."),
        ("I'm vegan so please leave out the eggs.", "You're vegan so you want me to leave out the eggs."),
        ("Please avoid nuts in your recipes.", "You want me to avoid nuts in my recipes."),
        ("Please check labels for milk.", "You want me to check labels for milk."),
        ("Please use metric units.", "You want me to use metric units."),
        ("In winter, give me soup recipes.", "In winter, you want me to give you soup recipes."),
        ("Don't let me forget my pills.", "You don't want me to let you forget your pills."),
        ("Check with me before you order anything.", "You want me to check with you before I order anything."),
        ("I want you to tell me when you are ready.", "You want me to tell you when I am ready."),
        ("I'd rather you didn't mention my ex.", "You'd rather I didn't mention your ex."),
        ("I owe you an apology.", "You owe me an apology."),
        ("If I were you, I'd stop.", "If you were me, you'd stop."),
        (
            "My name is Marcus, but don't call me Marc.",
            "Your name is Marcus, but you don't want me to call you Marc.",
        ),
        ("Talk plain to me, I'm a farmer.", "You want me to talk plain to you, you're a farmer."),
        (
            "Please correct my English when I make mistakes.",
            "You want me to correct your English when you make mistakes.",
        ),
        (
            "Unless I say otherwise, assume I'm cooking for two.",
            "Unless you say otherwise, you want me to assume you're cooking for two.",
        ),
        ("pls keep it short when u answer", "You want me to keep it short when I answer"),
        ("yo can u call me zee", "You want me to call you zee."),
        ("I hate emojis so dont use them w me", "You hate emojis so you don't want me to use them w you"),
        (
            "Dad knows nothing, so please never mention the party.",
            "Your dad knows nothing, so you never want me to mention the party.",
        ),
        ("When I ask for feedback, be blunt with me.", "When you ask for feedback, you want me to be blunt with you."),
        ("Please don't start every answer with a joke.", "You don't want me to start every answer with a joke."),
        ("I should be grateful if you would call me Pip.", "You should be grateful if I would call you Pip."),
        ("Could you draft a note to Lucy saying thank you?", "You want me to draft a note to Lucy saying thank you."),
        ("Keep your answers short.", "You want me to keep my answers short."),
        ("Don't sugarcoat things.", "You don't want me to sugarcoat things."),
        ("No emojis please.", "You want no emojis."),
        ("No lectures, please!", "You want no lectures!"),
        ("Name's Marcus and I fix bikes.", "Your name's Marcus and you fix bikes."),
    ],
)
def test_what_is_bidden_is_told_as_what_is_wanted(said, back):
    assert told(said) == back


@pytest.mark.parametrize(
    "said",
    [
        "Always use the back door, the bell is broken.",
        "Never give chocolate to Biscuit.",
        "Never start a car cold.",
        "Always check the mirrors before you turn.",
        "Suggestions help.",
        "She said: don't suggest anything to me.",
        "Keep to the left when you drive.",
        "Use of metric units helps Ana.",
        "Correct answers win a prize.",
        "No sugar, no milk.",
        "She wrote: keep your answers short.",
        "Plain talk helps.",
        "Waffle House is far.",
        "Lecture starts at 9.",
        "Never discuss money with friends.",
        "More tea please.",
        "They got a puppy, name's Rex.",
        "People like Ana, but don't call her back.",
        "Please check the spelling in this text.",
    ],
)
def test_what_is_not_bidden_stays(said):
    assert told(said) == said


@pytest.mark.parametrize(
    ("said", "back"),
    [
        ("Offer came to me yesterday.", "Offer came to you yesterday."),
        ("Mention of my name scares me.", "Mention of your name scares you."),
        ("My mum says never offer me sweets.", "Your mum says never offer you sweets."),
        (
            "My doctor told me to check before you suggest any medicine.",
            "Your doctor told you to check before you suggest any medicine.",
        ),
    ],
)
def test_what_is_not_bidden_is_told_back(said, back):
    assert told(said) == back


@pytest.mark.parametrize(
    ("said", "back"),
    [
        ("My mum won't let me eat peanuts.", "Your mum won't let you eat peanuts."),
        ("My boss doesn't let me work from home.", "Your boss doesn't let you work from home."),
        ("Einar let me ride Quill.", "Einar let you ride Quill."),
        ("My boss is nice and let me go early.", "Your boss is nice and let you go early."),
        ("Let me see.", "Let me see."),
        ("Please let me think about my plan.", "Please let me think about your plan."),
        ("Here's the thing: let me explain.", "Here's the thing: let me explain."),
        ("So let me explain.", "So let me explain."),
        ("That's a lot, let me think.", "That's a lot, let me think."),
        ("I don't know him, but let me look.", "You don't know him, but let me look."),
        ("Oh oh let me see.", "Oh oh let me see."),
        ("Okay let me see.", "Okay let me see."),
        ("Wait let me finish", "Wait let me finish"),
        ("My boss, who is nice, let me see it.", "Your boss, who is nice, let you see it."),
        ("Let us see.", "Let us see."),
        ("Our landlord let us paint.", "Your landlord let you paint."),
    ],
)
def test_whom_somebody_lets_is_the_user(said, back):
    assert told(said) == back
