"""Titles are found as people write them, and nothing else is."""

import pytest

from langchain_selfparam.evaluation.catalogue import Catalogue, item

TITLES = {
    "1": "It (2017 film)",
    "2": "It (1990 film)",
    "3": "Police Academy (film)",
    "4": "Rogue One: A Star Wars Story (2016)",
    "5": "Heat (1995)",
    "6": "The Godfather",
    "7": "Up",
}


@pytest.fixture
def catalogue():
    return Catalogue(item(id_, title) for id_, title in TITLES.items())


def test_a_sequel_or_another_year_is_no_spelling():
    films = Catalogue([item("1", "The Hangover Part II (2011)"), item("2", "Terminator 2 (1991)"), item("3", "Amelie")])
    assert films.find("The Hangover Part III") is None
    assert films.find("Terminator 3 (1991)") is None
    assert films.find("The Hangovr Part II").id == "1"
    assert films.find("The Hangovr Part II (2011)").id == "1"
    assert films.find("The Hangovr Part II (2013)") is None
    assert films.find("Amelies (2001)").id == "3"


def test_an_item_has_a_name_a_year_and_a_title_to_be_shown():
    one = item("4", "Rogue One: A Star Wars Story (2016 film)")
    assert (one.name, one.year, one.title) == (
        "rogue one a star wars story",
        2016,
        "Rogue One: A Star Wars Story (2016)",
    )
    assert item("3", "Police Academy (film)").title == "Police Academy"


@pytest.mark.parametrize(
    ("title", "id_"),
    [
        ("It (2017)", "1"),
        ("it (1990)", "2"),
        ("It (1985)", None),  # two have the name, and neither is of that year
        ("Heat (1996)", "5"),  # the only one of its name
        ("Police Academy (1984)", "3"),
        ("POLICE ACADEMY!", "3"),
        ("Rogue One - A Star Wars Story", "4"),
        ("The Godfahter (1972)", "6"),
        ("Ip", None),  # of short words others are made by one letter
        ("Scarface (1983)", None),
        ("", None),
    ],
)
def test_titles_are_found(catalogue, title, id_):
    found = catalogue.find(title)
    assert (found.id if found else None) == id_


def test_a_written_list_gives_its_items_in_order_and_once(catalogue):
    text = '1. Heat (1995)\n2) "The Godfather"\n- Up\nAnd these are good:\n4. Heat\n* It (1990)\n\n20: Nothing Known'
    assert [one.id for one in catalogue.listed(text)] == ["5", "6", "7", "2"]


def test_what_a_dialogue_names_is_found_by_title_and_year(catalogue):
    said = "User: Have you seen Heat (1995) or it (2017)? The Godfather is good.\nRecommender: I like Up (2009) more"
    assert catalogue.mentioned(said) == ("5", "1", "7")


def test_a_year_that_people_write_is_kept(catalogue):
    catalogue.note("3", "Police Academy (1984)")
    catalogue.note("3", "Police Academy (1985)")
    catalogue.note("5", "Heat (2001)")
    assert [catalogue.title(id_) for id_ in ("3", "5", "7")] == ["Police Academy (1984)", "Heat (1995)", "Up"]
    assert len(catalogue) == 7
