"""What a name is to the user: said in many ways, and never taken from what only looks like one of them."""

import pytest

from langchain_selfparam.targets.things import PEOPLE, lemma
from langchain_selfparam.targets.ties import introduced, ties
from langchain_selfparam.targets.vocabulary import SOMEBODY


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("My husband is Mark.", {"Mark": "husband"}),
        ("My wife is Siobhán.", {"Siobhán": "wife"}),
        ("I have a brother called Euan.", {"Euan": "brother"}),
        ("We have a dog called Biscuit.", {"Biscuit": "dog"}),
        ("My dog's called Biscuit.", {"Biscuit": "dog"}),
        ("My dog’s called Biscuit.", {"Biscuit": "dog"}),  # noqa: RUF001
        ("Ana's my sister.", {"Ana": "sister"}),
        ("Ana is my best friend from school.", {"Ana": "best friend"}),
        ("My daughter is called Pia and my son is called Jonah.", {"Pia": "daughter", "Jonah": "son"}),
        ("My manager is Priya and she's in Leeds.", {"Priya": "manager"}),
        ("My colleague is called Bo.", {"Bo": "colleague"}),
        ("My niece Zuri is six.", {"Zuri": "niece"}),
        ("My mother-in-law is Ruth.", {"Ruth": "mother-in-law"}),
        ("Tom is my brother in law.", {"Tom": "brother in law"}),
        ("I met Gerald, my neighbour.", {"Gerald": "neighbour"}),
        ("Ana (my niece) is six.", {"Ana": "niece"}),
        ("My GP is Dr Ames.", {"Dr Ames": "GP"}),
        ("We adopted a kitten named Olive.", {"Olive": "kitten"}),
        ("My dad's Mark.", {"Mark": "dad"}),
        ("I've got an older sister called Una.", {"Una": "older sister"}),
        ("We have a guinea pig called Fig.", {"Fig": "guinea pig"}),
        ("My Danish cousin Mette is here.", {"Mette": "Danish cousin"}),
    ],
)
def test_ties(said, found):
    assert ties([said]) == found


@pytest.mark.parametrize(
    "said",
    [
        "My husband is Welsh.",
        "My husband is Mark's brother.",
        "My boss is Head of Sales.",
        "My wife is CEO.",
        "My dog is Labrador.",
        "My dog is Mum's.",
        "My sister is in Rome.",
        "My sister is Pregnant.",
        "My aunt's Polish.",
        "My children are Pia and Max.",
        "My daughter is Pia or Max.",
        "If my boss is Tom, I quit.",
        "I drove my dad's Rover.",
        "My mum's Fiat and my dad's Rover are red.",
        "Ana is my dog walker.",
        "Ana is my sister's friend.",
        "Ana is my partner in crime.",
        "Tom is my boss's son.",
        "Here's my dog.",
        "Today's my brother.",
        "I met Ana, my sister, and Tom.",
        "I met Tom, Ana, my sister.",
        "Unfortunately, my gran, who is old, fell.",
        "We have a dog called Rex and another called Max.",
        "We have a dog called Rex and Max.",
        "I have two brothers. I have a brother called Euan.",
        "My brothers are ill, and I have a brother called Euan.",
    ],
)
def test_what_only_looks_like_a_tie(said):
    assert ties([said]) == {}


def test_one_of_two_is_not_the_one():
    assert ties(["I have a brother called Euan.", "My brother Tom is here."]) == {"Tom": "brother"}
    assert ties(["We have a cat called Mina.", "We have a cat called Tom."]) == {}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (["My boss is Piotr.", "Piotr has retired, and my new boss is Gwendolyn."], {"Gwendolyn": "boss"}),
        (["My new boss is Gwendolyn."], {"Gwendolyn": "boss"}),
        (["My boss is Piotr.", "My boss is Gwendolyn."], {}),
        (
            ["My neighbour is Ana.", "My new neighbour is called Bo."],
            {"Ana": "neighbour", "Bo": "new neighbour"},
        ),
    ],
)
def test_a_new_one_takes_the_place_of_the_old_one_where_there_is_only_one(said, found):
    assert ties(said) == found


@pytest.mark.parametrize("word", sorted(SOMEBODY))
def test_everybody_is_found_by_their_lemma(word):
    assert lemma(word) in PEOPLE


@pytest.mark.parametrize(("said", "given"), [
    ("My dog London is six.", True), ("We have a boat called London.", True), ("My name is London.", True),
    ("My cats are called Paris and London.", True), ("London is my dog.", True), ("My dog's name is London.", True),
    ("I live in London.", False), ("My sister moved to London.", False), ("My office is London based.", False),
])  # fmt: skip
def test_who_and_what_is_called_so(said, given):
    assert introduced("London", [said]) is given
