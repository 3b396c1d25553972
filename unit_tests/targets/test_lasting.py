"""Requests with a fact in them are kept and told as what the user wants; plain ones are left out."""

from datetime import datetime, timezone

import pytest

from langchain_selfparam.records import Turn
from langchain_selfparam.targets import parse
from langchain_selfparam.targets.asking import only_asks
from langchain_selfparam.targets.person import told


def stated(said):
    now = datetime(2025, 3, 1, tzinfo=timezone.utc)
    turn = Turn(id=1, namespace=("a",), thread="", user=said, assistant="", created_at=now)
    return " ".join(s.told for s in parse.statements(turn, words=40, passage_words=40))


@pytest.mark.parametrize(
    ("said", "back"),
    [
        ("Can you note down PIN 4711?", "You want me to note down PIN 4711."),
        ("Could you save the number 0171 555 1234?", "You want me to save the number 0171 555 1234."),
        ("Would you remember the wifi password hunter2?", "You want me to remember the wifi password hunter2."),
        ("Could you store the door code 1199#", "You want me to store the door code 1199#."),
        ("Could you stop suggesting meat dishes?", "You want me to stop suggesting meat dishes."),
        ("Please could you avoid gluten in recipes?", "You want me to avoid gluten in recipes."),
        ("Recommend only vegan food.", "You want me to recommend only vegan food."),
        ("Suggest nothing with peanuts.", "You want me to suggest nothing with peanuts."),
        ("Recommend dishes without peanuts", "You want me to recommend dishes without peanuts."),
        ("Please recommend gluten-free food only.", "You want me to recommend gluten-free food only."),
        ("Recommend a gluten-free bakery.", "You want me to recommend a gluten-free bakery."),
        ("Would you please speak Spanish with me?", "You want me to speak Spanish with you."),
        ("Can't you speak more slowly?", "You want me to speak more slowly."),
        ("Can you not call me after nine?", "You don't want me to call you after nine."),
        ("Could you not use emojis?", "You don't want me to use emojis."),
        ("Can you use metric units?", "You want me to use metric units."),
        ("Can you keep your answers short?", "You want me to keep my answers short."),
        ("Can you never mention clowns?", "You never want me to mention clowns."),
        ("Can you wake me early?", "You want me to wake you early."),
        ("Can you remind me to water the ferns?", "You want me to remind you to water the ferns."),
        ("Can you tell me a joke every morning?", "You want me to tell you a joke every morning."),
        ("Could you tell Ana the party is off?", "You want me to tell Ana the party is off."),
        ("Can you note Dr. Ames as the vet?", "You want me to note Dr. Ames as the vet."),
        ("Can you record a weight of 82.5 kg?", "You want me to record a weight of 82.5 kg."),
        ("Will you remember that Ana is vegan?", "You want me to remember that Ana is vegan."),
        ("Will you please remember my nut allergy?", "You want me to remember your nut allergy."),
        ("Can you add milk to the shopping list?", "You want me to add milk to the shopping list."),
        ("Translate everything into German.", "You want me to translate everything into German."),
        ("Can we stop talking about diets?", "You want to stop talking about diets."),
        ("Could we not talk about work?", "You don't want to talk about work."),
        ("can u note down pin 4711?", "You want me to note down pin 4711."),
        ("Do you think you could avoid pork?", "You want me to avoid pork."),
        ("Can I ask you to stop using emojis?", "You want me to stop using emojis."),
        ("Would you mind not using emojis?", "Would you mind not using emojis?"),
        ("Where can a coeliac like me eat?", "Where can a coeliac like you eat?"),
        ("What should a type 1 diabetic like me eat?", "What should a type 1 diabetic like you eat?"),
        ("What is good for a diabetic like me?", "What is good for a diabetic like you?"),
        ("Where can someone with a nut allergy eat?", "Where can someone with a nut allergy eat?"),
        ("What is a good present for Ana, who turns ten?", "What is a good present for Ana, who turns ten?"),
        (
            "I moved to Leith last week. Could you stop suggesting meat dishes? Can you note down PIN 4711?",
            "You moved to Leith last week. You want me to stop suggesting meat dishes. You want me to note down PIN "
            "4711.",
        ),
    ],
)
def test_a_request_with_a_fact_in_it_is_kept_and_told_as_what_is_wanted(said, back):
    assert stated(said) == back


@pytest.mark.parametrize(
    "said",
    [
        "Can you tell me a joke?", "Could you recommend a film?", "What time is it?", "Can you help me with this?",
        "Can you help me?", "Could you help us, please?", "Will you help me with the crossword?",
        "Can you tell us a story?", "Tell me a story.", "Tell me about the Romans.", "Tell me more about Rome.",
        "Can you tell me about Apollo 11?", "Tell me some fun facts.", "Give me some ideas.", "Give me an example.",
        "Can you give me a hint?", "Can you give me 5 ideas?", "Suggest 3 films.", "Show me the recipe.",
        "Can you show me an example?", "Could you explain that again?", "Can you explain it to me?",
        "Can you explain quantum physics in simple words?", "Explain the offside rule.", "Describe a sunset.",
        "Could you explain how to use a drill?", "Can you explain why the sky is not green?",
        "Can you tell me why cats never swim?", "Can you tell me how to save a file?", "Can you tell me how it works?",
        "Could you tell me who won in 1998?", "Can you teach me some Spanish?", "Can you translate this?",
        "Translate this into French.", "Could you summarise the article?", "Summarize the plot.",
        "Can you recommend a good book for me?", "Could you suggest a nice restaurant?", "Recommend a good podcast.",
        "Recommend me a series.", "Could you recommend a note-taking app?", "Suggest a name for a cat.",
        "Can you write a poem about a man who never sleeps?", "Write a story about a dog.", "Write me a song.",
        "Write a poem without the letter e.", "Write a 500 word essay.", "Compose a haiku.",
        "Could you write an email to a client?", "Can you sing?", "Can you swim?", "Can you see me?",
        "Can you hear me?", "Could you repeat that?", "Would you like some tea?", "Would you like me to go?",
        "Do you like me?", "Can you keep a secret?", "Can you find a recipe for soup?", "Can you play chess with me?",
        "Can you check the spelling?", "Could you make a list?", "Can you compare the two?", "Will you be there?",
        "Can you believe it?", "Could you be wrong?", "Can you remember my name?", "Can you remember what I said?",
        "Can you remind me what my dog is called?", "What is a nut allergy?", "Is Tom allergic to nuts?",
        "Any good restaurants near Leith?", "Can we talk?", "Can you send me a link?", "Can you explain US politics?",
        "Can you chat with me?", "Will you remember who I am?", "Can you read this to me?",
    ],
)  # fmt: skip
def test_a_plain_request_is_left_out(said):
    assert only_asks(said)
    assert stated(said) == ""


@pytest.mark.parametrize(
    "said",
    ["Can you recommend a film? Heat was good.", "Recommend a film. Heat was good.", "Use is what it is for.",
     "Tom asked: \"Could you stop suggesting meat?\""],
)  # fmt: skip
def test_what_is_asked_for_now_is_not_told_as_lasting(said):
    assert told(said) == said
