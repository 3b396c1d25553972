"""A user's own name is known by how it is given, in any script; other people's, places' and pets' names are not it."""

import unicodedata

import pytest

from langchain_selfparam.targets.naming import introduces, introductions, of_ones_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("I'm Priya and I teach.", "Priya"),
        ("I’m Priya.", "Priya"),  # noqa: RUF001
        ("i'm Ana", "Ana"),
        ("I am Tom.", "Tom"),
        ("Hi, my name is Ana.", "Ana"),
        ("My name's Al", "Al"),
        ("Please call me Bo.", "Bo"),
        ("call me bo", "bo"),
        ("This is Eva.", "Eva"),
        ("Hello, this is Eva from Acme.", "Eva"),
        ("I'm Italian and I'm Vivian.", "Vivian"),
        ("I'm Søren.", "Søren"),
        ("My name is Łukasz.", "Łukasz"),
        ("I am Élodie.", "Élodie"),
        (unicodedata.normalize("NFD", "I am Élodie."), "Élodie"),
        ("My name is Иван.", "Иван"),
        ("My name is 小明。", "小明"),
        ("my name is ana", "ana"),
        ("my name is ana lima and i teach", "ana lima"),
        ("I'm called Rita.", "Rita"),
        ("My full name is Ana Lima", "Ana Lima"),
        ("My first name is Mary Ann.", "Mary Ann"),
        ("I'm O'Brien", "O'Brien"),
        ("I'm Jean-Luc.", "Jean-Luc"),
        ("My name is Will.", "Will"),
        ("I'm May.", "May"),
        ("My name is An.", "An"),
        ("I'm Ana, Tom's sister.", "Ana"),
        ("Hi, Max here.", "Max"),
        ("Hello, Petra here: I run a bakery.", "Petra"),
        ("The name's Casimir, and I teach.", "Casimir"),
        ("Everyone calls me Bunny.", "Bunny"),
        ("I go by Sam.", "Sam"),
        ("I'm Ana 34 from Porto", "Ana"),
        ("Hello, it's Ottoline here. I'm getting married.", "Ottoline"),
        ("It's Sam Bell here again!", "Sam Bell"),
        ("Gerda here again, with a question.", "Gerda"),
        ("Good morning, Sam speaking.", "Sam"),
        ("Morning! Gwen here, I'm a nurse.", "Gwen"),
        ("hey, name's Marcus and I fix bikes", "Marcus"),
        ("it's Jay, 19, from Leeds", "Jay"),
        ("hi, im teo, 34, and i play bass", "teo"),
        ("Beverly speaking", "Beverly"),
        ("Jorun is my name.", "Jorun"),
        ("Hello! Mary Ann is my first name, and I bake.", "Mary Ann"),
    ],
)
def test_a_name_that_is_given(text, name):
    assert [found for *_, found in introductions(text)] == [name]
    assert introduces(text)
    ((start, end, _),) = introductions(text)
    assert unicodedata.normalize("NFC", text)[start:end].endswith(name)


@pytest.mark.parametrize(
    "text",
    [
        "I am a nurse.",
        "My dog's name is Rex.",
        "Tim and I am",
        "I'm Italian and I'm Vegan.",
        "This is Biscuit, my new puppy.",
        "I'm Texan.",
        "Spring is here.",
        "It's Spring here.",
        "It's lovely here.",
        "It's Christmas here.",
        "It's May here, and cold.",
        "English speaking",
        "Generally speaking, I'm well.",
        "Strictly speaking.",
        "Public speaking.",
        "What is my name?",
        "Biscuit is my name for him.",
        "Ana is here.",
        "Ana speaking to me is nice.",
        "I'm Republican.",
        "This is Tom's car.",
        "I'm Ana's sister.",
        "I'm the Smiths' nanny.",
        "Call me Monday morning.",
        "Call me later.",
        "call me tomorrow",
        "call me if you need it",
        "call me crazy",
        "Don't call me Bob.",
        "I'm Head of Sales at Acme.",
        "I'm CEO at Acme.",
        "I'm Senior Engineer at Acme.",
        "I'm Windows certified",
        "i'm tired",
        "i am ill",
        "I'm Great!",
        "I'm Not sure",
        "I Am Legend",
        "We drove on. This is Rome.",
        "my name is hard to spell",
        "My name is not important.",
        "my name is on the list",
        "I got a puppy, name's Rex.",
        "I've met someone! Name's Julia.",
        "It's Biscuit, 14 and nearly blind.",
        "im knackered, 45 and tired",
        "hi, im divorced, 52, and new here",
        "hi, im vegan, 28, from Bath",
        "",
    ],
)
def test_no_name_of_ones_own(text):
    assert not introduces(text)


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("My name is pronounced like tea.", True),
        ("My maiden name was Lima.", True),
        ("I was named after my aunt.", True),
        ("Me llamo Ana.", True),
        ("Ich heiße Ana.", True),
        ("मेरा नाम राम है।", True),
        ("My dog is called Biscuit.", False),
        ("My dog's name is Biscuit.", False),
        ("The name of the boat is Rose.", False),
    ],
)
def test_what_is_about_ones_own_name(text, about):
    assert of_ones_name(text) is about
