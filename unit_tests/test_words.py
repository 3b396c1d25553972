"""Words are cut and compared alike, in whatever script and with whatever signs they are written."""

import unicodedata

import pytest

from langchain_selfparam.words import beyond, composed, plain, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("My dog's called Biscuit.", ["my", "dog", "called", "biscuit"]),
        ("Tom’s at 7:30 in New-Town, 2,350 pounds", ["tom", "at", "7:30", "in", "new-town", "2,350", "pounds"]),  # noqa: RUF001
        ("I am 9.", ["i", "am", "9"]),
        ("मेरा नाम राम है।", ["मेरा", "नाम", "राम", "है"]),
        ("தமிழ் ภาษาไทย", ["தமிழ்", "ภาษาไทย"]),
        ("İstanbul", ["istanbul"]),
        ("ISTANBUL", ["istanbul"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("5\ufe0f\u20e3 of them", ["5", "of", "them"]),
        ("👍 :)", []),
        ("", []),
    ],
)
def test_words(text, found):
    assert words(text) == found


@pytest.mark.parametrize(
    "name", ["José", "Zoë", "Łukasz", "Élodie", "Søren", "Nguyễn", "Đặng", "Ångström", "Иван", "йод"]
)
def test_a_name_is_one_word_however_its_accents_are_written(name):
    apart = unicodedata.normalize("NFD", name)
    assert words(apart) == words(name) == [plain(name)]
    assert composed(apart) == name


@pytest.mark.parametrize(
    ("said", "question", "left"),
    [
        ("brother plays cello", "Does my brother play the cello?", set()),
        ("sister moved lisbon", "Did my sister move to Lisbon?", set()),
        ("stopped smoking", "Did you stop?", {"smoking"}),
        ("carries parcels", "Who will carry the parcel?", set()),
        ("broke wrist", "Did I break my wrist?", {"broke"}),
        ("lisbon 2350", "Which list has 2,350?", {"lisbon"}),
        ("marta seven", "Does Martin come at 7?", {"marta"}),
        ("dog called biscuit", "What is my dog called?", {"biscuit"}),
    ],
)
def test_what_a_question_does_not_have_in_any_form(said, question, left):
    assert beyond(said.split(), question) == left
