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
    assert films.find("Amelies").id == "3"
    assert films.find("Amelies (2001)") is None  # nobody has said of which year it is
    films.note("3", "Amelie (2001)")
    assert films.find("Amelies (2001)").id == "3"
    assert films.find("Amelies (2011)") is None


def test_of_films_with_a_likely_name_that_of_the_year_is_meant():
    films = Catalogue(
        [item("1", "The Karate Kid (1984)"), item("2", "The Karate Kid (2010)"), item("3", "Point Break")]
    )
    assert films.find("The Karate Kidd (2010)").id == "2"
    assert films.find("The Karate Kidd (1984)").id == "1"
    assert films.find("The Karate Kidd (1999)") is None
    assert films.find("The Karate Kidd").id == "1"
    films = Catalogue([item("2", "The Karate Kid (2010)"), item("1", "The Karate Kid")])
    assert films.find("The Karate Kidd (1984)") is None
    assert films.find("The Karate Kidd").id == films.find("The Karate Kid").id == "1"


def test_accents_and_an_article_behind_make_no_other_name():
    films = Catalogue([item("1", "Amélie (2001)"), item("2", "The Shawshank Redemption"), item("3", "Pokemon")])
    assert films.find("Amelie (2001)").id == "1"
    assert films.find("Shawshank Redemption, The (1994)").id == "2"
    assert films.find("Pokémon").id == "3"
    assert item("4", "Beautiful Mind, A (2001)").name == "a beautiful mind"
    assert item("5", "Me, Myself and Them").name == "me myself and them"


def test_a_title_may_be_written_as_in_an_address():
    films = Catalogue([item("1", "What About Bob%3F")])
    assert films.find("What About Bob?").id == films.find("What about Bob%3F (1991)").id == "1"
    assert films.mentioned("I liked What About Bob%3F (1991)") == ("1",)
    assert films.title("1") == "What About Bob?"
    films.note("1", "What About Bob%3F (1991)")
    assert films.title("1") == "What About Bob? (1991)"


def test_what_has_one_name_and_one_year_or_none_is_one_item():
    films = Catalogue(
        [
            item("1", "Taken (song)"),
            item("2", "Taken (film)"),
            item("3", "Sing (2016 film)"),
            item("4", "Sing (2016 American film)"),
            item("5", "Jaws (ride)"),
            item("6", "Jaws"),
        ]
    )
    assert {id_: one.id for id_, one in films.by_id.items()} == dict(zip("123456", "223366", strict=True))
    assert films.find("Taken (2008)").id == "2"
    assert len(films) == 3
    assert films.ids([1, "2", 99, 5]) == ("2", "6")
    films.note("1", "Taken (2008)")
    assert films.title("2") == films.title("1") == "Taken (2008)"


def test_what_is_no_film_is_the_only_film_of_its_name():
    films = Catalogue([item("1", "Moana (singer)"), item("2", "Moana (2016 film)")])
    assert films.by_id["1"].id == films.find("Moana").id == films.find("Moana (2016)").id == "2"
    assert len(films) == 1
    several = Catalogue([item("1", "Peter Pan (play)"), item("2", "Peter Pan (1953)"), item("3", "Peter Pan (2003)")])
    assert len(several) == 3


def test_a_film_that_needs_no_year_to_be_told_apart_is_not_the_one_of_that_year():
    films = Catalogue([item("1", "The Lion King (2019 film)"), item("2", "The Lion King"), item("3", "It (film)")])
    assert films.find("The Lion King (1994)").id == films.find("The Lion King").id == "2"
    assert films.find("The Lion King (2019)").id == "1"
    assert len(films) == 3


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
        ("The Godfahter", "6"),
        ("The Godfahter (1972)", None),
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


LISTS = {
    "1": "Heat (1995)",
    "2": "The Shawshank Redemption",
    "3": "300: Rise of an Empire (2014 film)",
    "4": "12 Angry Men (1957 film)",
    "5": "Up (2009)",
    "6": "Rogue One: A Star Wars Story (2016)",
    "7": "Star Wars",
    "8": "Mission: Impossible",
    "9": "3:10 to Yuma (2007)",
    "A": "On the Town (1949)",
    "B": "One Piece Film: Gold",
}


@pytest.mark.parametrize(
    ("line", "ids"),
    [
        ("1. Heat (1995) - a crime film by Michael Mann", "1"),
        ("1. Heat (1995): A crime film, such as Up (2009)", "1"),
        ("1. Heat (1995), directed by Michael Mann", "1"),
        ("1. The Shawshank Redemption, 1994", "2"),
        ("**1. Heat (1995)**", "1"),
        ("1. **Heat** (1995) \N{EN DASH} with Al Pacino", "1"),
        ("### 1) Heat", "1"),
        ("1 Heat (1995)", "1"),
        ("#1 Heat", "1"),
        ("(1) Heat", "1"),
        ("1. Heat [1995]", "1"),
        ("1. Title: Heat (1995)", "1"),
        ("1. Heat - a crime film", "1"),
        ("1. One Piece Film: Gold", "B"),
        ("1. Heat: A crime film", "1"),
        ("- Shawshank Redemption, The - a prison", "2"),
        ("Heat (1995) is great", "1"),
        ("1. Heat (1995), Up (2009)", "15"),
        ("1. Heat (1995) 2. Up (2009)", "15"),
        ("you could watch Heat (1995) or Up (2009), or Heat (1995) again", "15"),
        ("300: Rise of an Empire (2014)", "3"),
        ("7. 300: Rise of an Empire", "3"),
        ("12 Angry Men (1957)", "4"),
        ("12. Angry Men", "4"),
        ("2. 12 Angry Men", "4"),
        ("3:10 to Yuma (2007)", "9"),
        ("1. Rogue One - A Star Wars Story", "6"),
        ("1. Rogue One: a star wars story (2016)", "6"),
        ("1. Star Wars: The Last Jedi", ""),  # it is another film
        ("1. Mission: Impossible - Fallout", ""),
        ("Up - that is where I would look", ""),
        ("I think the Shawshank Redemption is fine", ""),
        ("you could watch Heats (1995)", ""),
        ("I was not up (1994) then", ""),
        ("ok the Town (1949) was good", ""),
        ("Onn the Town (1949)", "A"),
        (
            "1. Onn the Town (1949), Upp (2009), Heatt (1995)",
            "A",
        ),  # three letters are too few, and four differ by a fifth
        ("Here are 3 films (2016) for you", ""),
        ("", ""),
    ],
)
def test_a_line_is_a_title_with_what_is_said_about_it_or_has_titles_with_a_year(line, ids):
    films = Catalogue(item(id_, title) for id_, title in LISTS.items())
    assert "".join(one.id for one in films.listed(line)) == ids


OTHERWISE = {
    "1": "The Matrix (1999 film)",
    "2": "The Godfather (1972)",
    "3": "Godfather (1991 film)",
    "4": "The Avengers (2012 film)",
    "5": "Avenger (2006 film)",
    "6": "Blade Runner (1982)",
    "7": "Blade Runner 2049 (2017)",
    "8": "The Dark Knight",
    "9": "The Comedy",
    "A": "A Serious Man (2009)",
    "B": "Heat (1995)",
    "C": "The Heat (2013)",
    "D": "The A-Team (2010 film)",
    "E": "2012 (2009 film)",
    "F": "Wonder Woman (2017 film)",
    "G": "The Sure Thing",
    "H": "The Split",
    "I": "The Holiday",
    "J": "Holiday (2006)",
}


@pytest.mark.parametrize(
    ("line", "ids"),
    [
        ("1. Matrix (1999)", "1"),
        ("Matrix (1999)", "1"),
        ("I liked: Matrix (1999), Serious Man (2009)", "A"),
        ("1. Matrix (1999), Serious Man (2009)", "1A"),
        ("1. Matrix (2003)", ""),
        ("1. Godfather (1972)", "2"),  # the other Godfather is of another year
        ("1. Godfather (1991)", "3"),
        ("1. Godfather", "3"),
        ("1. The Godfather", "2"),
        ("1. Avengers (2012)", "4"),
        ("1. Avengers (1998)", ""),  # it is no Avenger, whose year is another
        ("1. Avengers", "5"),
        ("1. Serious Man (2009)", "A"),
        ("1. Heat (2013)", "C"),
        ("1. The Heat (1995)", "B"),
        ("1. Heat", "B"),
        ("1. A-Team (2010)", "D"),
        ("1. Split (2017)", ""),  # of a year that nobody has said it may be another
        ("1. The Holiday (2006)", "I"),
        ("1. Dark Knight", "8"),
        ("1. Dark Knight (2008)", ""),
        ("Sure thing!", ""),
        ("1. Comedy", ""),
        ("1. The Matrix 1999", "1"),
        ("1. The Matrix - 1999", "1"),
        ("1. The Matrix \N{EN DASH} 1999", "1"),
        ("The Matrix 1999", "1"),
        ("1. Matrix 1999", "1"),
        ("1. The Matrix 2003", ""),
        ("1. Blade Runner 2049", "7"),
        ("1. Blade Runner 2049 (2017)", "7"),
        ("1. Blade Runner 1982", "6"),
        ("1. 2012 2009", "E"),
        ("1. Wonder Woman 1984", ""),
        ("1. The Dark Knight 2008", ""),
    ],
)
def test_an_article_in_front_may_be_missing_and_a_year_behind_be_bare(line, ids):
    films = Catalogue(item(id_, title) for id_, title in OTHERWISE.items())
    assert "".join(one.id for one in films.listed(line)) == ids


def test_the_year_of_a_title_is_also_the_one_that_people_write():
    films = Catalogue([item("1", "The Dark Knight"), item("2", "Prestige"), item("3", "The Prestige (2006)")])
    assert films.find("Prestige (2006)").id == "2"
    films.note("1", "The Dark Knight (2008)")
    films.note("2", "Prestige (1976)")
    for title in ("Dark Knight (2008)", "The Dark Knight 2008", "The Dark Knigt (2008)"):
        assert films.find(title).id == "1"
    assert films.find("Dark Knight (2012)") is films.find("The Dark Knigt (2012)") is None
    assert films.find("Prestige (2006)").id == "3"


def test_a_title_without_its_article_is_not_how_it_is_shown():
    films = Catalogue([item("1", "The Dark Knight")])
    films.note("1", "Dark Knight (2008)")
    assert films.title("1") == "The Dark Knight"
    films.note("1", "The Dark Knight (2008)")
    assert films.title("1") == "The Dark Knight (2008)"


def test_of_titles_that_end_with_the_same_words_the_longest_is_named():
    titles = ("Daddy's Home (film)", "Home (2015 film)", "It (film)", "It (2017 film)", "Home (2009 film)")
    films = Catalogue(item(str(at), title) for at, title in enumerate(titles))
    assert films.mentioned("I saw Daddy's Home (2015)") == ("0",)
    assert films.mentioned("I saw It (2017) and Home (2009)") == ("3", "4")
    assert films.mentioned("I saw it (1990)") == ("2",)
    assert films.mentioned("Home (1999)") == ()
    assert films.mentioned("Daddy's (1980) Home (2015)") == ("1",)


def test_what_a_dialogue_names_is_found_by_title_and_year(catalogue):
    said = "User: Have you seen Heat (1995) or it (2017)? The Godfather is good.\nRecommender: I like Up (2009) more"
    assert catalogue.mentioned(said) == ("5", "1", "7")


def test_a_year_that_people_write_is_kept(catalogue):
    catalogue.note("3", "Police Academy (1984)")
    catalogue.note("3", "Police Academy (1985)")
    catalogue.note("5", "Heat (2001)")
    assert [catalogue.title(id_) for id_ in ("3", "5", "7")] == ["Police Academy (1984)", "Heat (1995)", "Up"]
    assert len(catalogue) == 7
