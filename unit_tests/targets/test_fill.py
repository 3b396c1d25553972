"""Plain forms are filled with a statement's own words where nobody asked enough."""

from langchain_selfparam.records import Statement
from langchain_selfparam.targets.fill import FORMS, PASSAGE_FORMS, filled

HOTEL = Statement(turn_id=1, said="Our hotel is called Drowsy Elk, with a stove.", told="")
EUROS = Statement(turn_id=2, said="I have 960 euros and a stove.", told="")
MANY = [Statement(turn_id=3 + at, said=f"{word} fell.", told="") for at, word in enumerate(("Rain", "Snow"))]
MANY_ASKED = [("Rain?", "When?", "Where?")] * 2


class Liking:
    """A scorer that finds the questions of a table likely."""

    def __init__(self, likely):
        self.likely = likely
        self.asked = {}

    def score(self, groups):
        for prompt, texts in groups:
            said = prompt.rpartition("Statement: ")[2].removesuffix("\nQuestions:\n-")
            assert all(text[0] == " " for text in texts)
            self.asked[said] = [text[1:] for text in texts]
        return [[self.likely.get(text[1:], -40.0) for text in texts] for _, texts in groups]


LIKELY = {"What is my hotel called?": -7.0, "Where is my hotel?": -8.0, "Who is my hotel?": -9.0,
          "How many euros do I have?": -6.0, "What colour is my euros?": -12.6,
          "What kind of stove do I have?": -9.5}  # fmt: skip


def test_the_likeliest_forms_of_a_word_are_asked_two_where_there_are_others():
    assert filled([HOTEL, EUROS], [("What?",), ()], Liking(LIKELY), fewest=8) == [
        ("What?", "What is my hotel called?", "Where is my hotel?", "Who is my hotel?"),
        ("How many euros do I have?",),
    ]
    found = filled([HOTEL], [("What?",)], Liking(LIKELY), fewest=4)
    assert found == [("What?", "What is my hotel called?", "Where is my hotel?", "What kind of stove do I have?")]


def test_each_word_meets_each_form_but_names_numbers_and_words_of_others():
    scorer = Liking({})
    filled([HOTEL, EUROS], [(), ()], scorer, fewest=8)
    assert scorer.asked == {
        HOTEL.said: [form.format("hotel") for form in FORMS],
        EUROS.said: [form.format("euros") for form in FORMS],
    }


def test_among_many_only_what_is_lacking_is_added_and_only_by_words_that_nobody_asked_by():
    scorer = Liking(LIKELY)
    asked = [("Which hotel?", "A hotel?", "Who?"), ("Who?", "Where?", "When?"), *MANY_ASKED]
    assert filled([HOTEL, EUROS, *MANY], asked, scorer, fewest=3) == asked
    assert scorer.asked == {}
    asked[0] = ("Which hotel?",)
    found = filled([HOTEL, EUROS, *MANY], asked, Liking(LIKELY), fewest=3)
    assert found == [("Which hotel?",), *asked[1:]]  # EUROS has a stove as well
    asked[0] = ("Which?",)
    found = filled([HOTEL, EUROS, *MANY], asked, Liking(LIKELY), fewest=2)
    assert found == [("Which?", "What is my hotel called?"), *asked[1:]]


def test_each_of_few_gets_some_forms_whatever_else_it_is_asked():
    asked = [("Which hotel?", "A hotel?", "My hotel?"), ("Who?", "Where?", "When?")]
    found = filled([HOTEL, EUROS], asked, Liking(LIKELY), fewest=3)
    assert found == [
        (*asked[0], "What is my hotel called?", "Where is my hotel?", "Who is my hotel?"),
        (*asked[1], "How many euros do I have?"),
    ]
    found = filled([HOTEL], asked[:1], Liking(LIKELY), fewest=2)
    assert found == [(*asked[0], "What is my hotel called?", "Where is my hotel?")]


def test_what_was_asked_about_in_vain_gets_as_many_more():
    asked = [("Who?", "Where?", "When?"), ("Who?", "Where?", "When?")]
    found = filled([HOTEL, EUROS], asked, Liking(LIKELY), fewest=1, more={0})
    more = ("What is my hotel called?", "Where is my hotel?", "Who is my hotel?")
    assert found == [(*asked[0], *more), (*asked[1], "How many euros do I have?")]
    assert filled([HOTEL, EUROS], asked, Liking(LIKELY), fewest=0, more={0})[1] == asked[1]
    asked += MANY_ASKED
    found = filled([HOTEL, EUROS, *MANY], asked, Liking(LIKELY), fewest=1, more={0})
    assert found == [(*asked[0], "What is my hotel called?"), *asked[1:]]


def test_questions_that_have_the_name_in_them_do_not_count():
    parrot = Statement(turn_id=3, said="We have a parrot called Captain Mustard.", told="")
    named = tuple(f"Where {verb} Captain Mustard?" for verb in ("is", "was", "sleeps"))
    plain = ("What is my parrot called?", "Who is my parrot?", "How old is my parrot?", "Where is my parrot?")
    likely = {question: -7.0 - at for at, question in enumerate(plain)}
    assert filled([parrot], [named], Liking(likely), fewest=3) == [(*named, *plain[:3])]
    assert filled([parrot], [("Who?", *named)], Liking(likely), fewest=5) == [("Who?", *named, *plain)]


def test_among_many_statements_every_question_counts_and_asks_by_its_words():
    others = [Statement(turn_id=at, said=f"{word} {at}.", told="") for at, word in enumerate(("Rain", "Snow", "Hail"))]
    asked = [("Where is Drowsy Elk the hotel?", "Who?"), (), (), ()]
    assert filled([HOTEL, *others], asked, Liking(LIKELY), fewest=2) == asked
    found = filled([HOTEL, *others], asked, Liking(LIKELY), fewest=8)
    assert found[0] == (*asked[0], "What kind of stove do I have?")


def test_words_of_what_is_known_and_questions_that_are_taken_are_left_alone():
    known = Statement(turn_id=0, said="The hotels were full.", told="")
    scorer = Liking(LIKELY)
    assert filled([HOTEL], [()], scorer, fewest=8, earlier=[known]) == [("What kind of stove do I have?",)]
    assert not any("hotel" in text for text in scorer.asked[HOTEL.said])
    taken = ["What is my hotel called?", "What kind of stove do I have?"]
    assert filled([HOTEL], [()], Liking(LIKELY), fewest=8, without=taken) == [
        ("Where is my hotel?", "Who is my hotel?")
    ]


def test_none_wanted_none_asked():
    assert filled([HOTEL], [()], Liking(LIKELY), fewest=0) == [()]


def test_passages_have_forms_of_their_own():
    passage = Statement(turn_id=1, said="A lighthouse stood there.", told="", by_user=False, sentence="A lighthouse.")
    scorer = Liking({"What was the lighthouse called?": -5.0})
    assert filled([passage], [()], scorer, fewest=4) == [("What was the lighthouse called?",)]
    assert scorer.asked[passage.said][: len(PASSAGE_FORMS)] == [f.format("lighthouse") for f in PASSAGE_FORMS]
    asked = [("Who built the lighthouse?", "Where?", "When?", "Why?")]
    assert filled([passage], asked, scorer, fewest=4) == asked  # enough: nothing of the bank is among them
