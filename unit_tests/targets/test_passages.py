"""News of others is no passage, however long the turn; a text that was written for others is one."""

from datetime import datetime, timezone

import pytest

from langchain_selfparam.records import Turn
from langchain_selfparam.targets import parse


def is_passage(text, *before):
    now = datetime(2025, 3, 1, tzinfo=timezone.utc)
    turn = Turn(id=1, namespace=("a",), thread="", user=text, assistant="", created_at=now)
    found = parse.statements(turn, words=40, passage_words=40, own_names=parse.names_told_of(before))
    assert len({bool(s.sentence) for s in found}) == 1
    return bool(found[0].sentence)


@pytest.mark.parametrize(
    "text",
    [
        "Tamsin is getting married in September to a guy called Olly; the hen do is in Bath on 12 July and "
        "costs 180 pounds each.",
        "Ana's birthday is on 4 June, she hates surprises and she'd rather have a quiet dinner at home. Her "
        "husband Karl is allergic to nuts.",
        "Gerald has had his hip done at the Royal and is in a ward with four other men, none of whom sleep at night.",
        "The boiler in the cottage is from 1998, it leaks, and the plumber wants 2400 pounds for a new one "
        "plus the fitting.",
        "Oberon starts school on 2 September, his teacher is Mrs Pell and he needs a blue jumper with a name "
        "tag in it.",
        "Gareth next door has a new hip and cannot walk the dog until Easter, so a girl from the village does it.",
        "the kitchen is done, the bathroom is not, and the man who was to do the tiles has gone off to Spain "
        "with the keys",
        "Imogen works at the veterinary hospital in Tarrow, Alfie goes to Beech Road Primary School and Bram is "
        "still at the kindergarten behind the town hall.",
        "Tom Baker is coming on Friday with his two boys, they'll sleep in the loft, and the younger one "
        "can't have milk or eggs.",
    ],
)
def test_news_of_others_is_no_passage(text):
    assert 20 < len(text.split()) <= 60
    assert not is_passage(text)


@pytest.mark.parametrize(
    "text",
    [
        "The abbey, which monks from Skelderby had founded in 1103, burned down twice because its bakers were "
        "careless and because nobody kept watch.",
        "The full name of the author born in Brask on 05/11/1991, who writes about ships and about those who "
        "build them, is Edda Carrow-Lund.",
        "Edda's work often explores themes of leadership in the face of adversity, creating inclusive "
        "environments, and growth through mentorship and learning.",
        "Edmund Carrow's father was a doctor and his mother was a florist who raised him in a small house by "
        "the sea in the south.",
        "In winter the counties of Port Vellan and North Brask are cut off, so that all goods have to come in "
        "by boat or on foot.",
    ],
)
def test_a_short_text_that_was_written_for_others_is_a_passage(text):
    assert 20 < len(text.split()) <= 60
    assert is_passage(text)


def test_a_long_text_without_the_user_is_a_passage_whatever_it_is_like():
    text = "The old boat is here and can't be used. " * 7
    assert is_passage(text)
    assert not is_passage(text.replace("The old boat is", "My old boat is"))
    assert not is_passage("The old boat is here and can't be used. " * 6)


@pytest.mark.parametrize(
    ("text", "before"),
    [
        (
            "Professor Adeyemi hates footnotes. Professor Lindqvist, the second examiner, loves them, so the thesis "
            "has forty of them, all in the third chapter on peat.",
            "My supervisor is Professor Adeyemi.",
        ),
        (
            "Dr Falk has his practice on Mill Lane, opposite the swimming pool. Wednesday afternoons are closed, and "
            "the receptionist, Mrs Bell, answers the telephone from eight until noon.",
            "I have to ring Dr Falk tomorrow.",
        ),
        (
            "Lotte Varga wants to be a pilot and Barnaby is scared of geese, horses and the neighbour's turkey, "
            "although the turkey is the friendliest animal on the whole river bank.",
            "I have two kids, Lotte and Barnaby.",
        ),
    ],
)
def test_what_is_said_of_somebody_who_was_told_of_is_no_passage(text, before):
    assert 20 < len(text.split()) <= 60
    assert is_passage(text)
    assert not is_passage(text, before)
    assert is_passage(text, "The weather is fine. " + before.replace("My", "A").replace("I have", "There are"))


def test_a_passage_may_be_about_a_place_that_was_told_of():
    text = (
        "In winter the counties of Port Vellan and North Brask are cut off, so that all goods have to come in by boat "
        "or on foot."
    )
    assert is_passage(text, "I live in Port Vellan with my dog.", "I read about North Brask.", "I love Spain.")


def cut(text):
    now = datetime(2025, 3, 1, tzinfo=timezone.utc)
    turn = Turn(id=1, namespace=("a",), thread="", user=text, assistant="", created_at=now)
    return parse.statements(turn, words=40, passage_words=40)


@pytest.mark.parametrize(
    "text",
    [
        "Catalogue of the Orvane company\n"
        + "\n".join(f"Item {n}, Marlow lamp, made {1900 + n % 90}, weight {n} kilograms, Brask" for n in range(400)),
        "\n".join(f"item {n}, lamp, made {1900 + n % 90}, weight {n} kilograms, brask" for n in range(400)),
        "\n\n".join(f"[{n}] WARN worker-{n} restarted" for n in range(300)),
        "name;year;place " + " ".join(f"Lamp{n};{1900 + n};Brask" for n in range(300)),
        "Lamp " * 61 + "Lamp;" * 900,
        "The abbey burned down, " + "and the tower fell, " * 60 + "because nobody kept watch.",
    ],
)
def test_of_a_text_without_sentence_ends_no_piece_is_asked_about_with_the_whole(text):
    found = cut(text)
    assert all(s.sentence == s.said and len(s.said) <= 600 for s in found)
    said = " ".join(s.said for s in found)
    assert "".join(said.split()).lower() == "".join(text.split()).lower()


def test_lines_of_a_list_stay_whole():
    text = "\n".join(f"Item {n}, Marlow lamp, made {1900 + n % 90}, weight {n} kilograms, Brask" for n in range(60))
    assert all(s.said.startswith("Item ") and s.said.endswith("Brask") for s in cut(text))


def test_clauses_of_an_ordinary_sentence_are_asked_about_with_the_whole_of_it():
    text = "The abbey, which monks had founded, burned down, " + "and the tower fell, " * 20 + "and it was dark."
    found = cut(text)
    assert len(found) > 1
    assert {s.sentence for s in found} == {text}
