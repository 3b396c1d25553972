"""Questions by name instead of "she" or "my cousin", and back: only where it is clear who is meant."""

import pytest

from langchain_selfparam.records import Statement
from langchain_selfparam.targets.called import by_other_words
from langchain_selfparam.targets.parse import known_names


def turned(said, asked, *, others=(), earlier=(), without=()):
    """What becomes of those questions of the first statement that can be asked in other words."""
    texts = [said, *others]
    statements = [Statement(turn_id=at, said=text, told=text) for at, text in enumerate(texts)]
    questions = [asked, *(() for _ in others)]
    known = known_names([*texts, *earlier])
    before = [Statement(turn_id=-1, said=text, told=text) for text in earlier]
    found = by_other_words(statements, questions, known=known, earlier=before, without=without)
    assert not any(found[1:])
    assert set(found[0]) <= set(asked)
    return tuple(found[0].values())


@pytest.mark.parametrize(
    ("question", "instead"),
    [
        ("What can he not eat?", "What can Lucan not eat?"),
        ("What is he allergic to?", "What is Lucan allergic to?"),
        ("When did I see her last?", "When did I see Lucan last?"),
        ("What is his favourite food?", "What is Lucan's favourite food?"),
        ("Her teacher is whom?", None),  # two people
        ("Who is he?", None),  # the name says it already
        ("What is he called?", None),
        ("What does Rex do for him?", None),
        ("Which nut is it?", None),
    ],
)
def test_a_name_for_a_pronoun(question, instead):
    said = "My neighbour's boy Lucan can't eat walnuts, so he has none."
    assert turned(said, [question]) == (() if instead is None else (instead,))


@pytest.mark.parametrize(
    "said",
    [
        "We drove to Varna, and she was late.",  # a place
        "The Glass Orchard is slow, but she liked it.",
        "Our hotel is called the Drowsy Elk.",
        "I met Tom and Priyasha at hers.",  # which of them?
    ],
)
def test_no_name_where_it_may_be_somebody_else_or_no_person(said):
    assert turned(said, ["What does she do for a living?"]) == ()


@pytest.mark.parametrize(
    ("said", "role"),
    [
        ("My cousin Thessaly paints birds.", "cousin"),
        ("My mother, Gunhild, paints birds.", "mother"),
        ("My best friend is called Oriel and paints birds.", "best friend"),
        ("Tom is my brother, and he paints birds.", "brother"),
    ],
)
def test_a_name_for_what_somebody_is_to_the_user_and_back(said, role):
    name = next(n for n in ("Thessaly", "Gunhild", "Oriel", "Tom") if n in said)
    asked = [f"What does my {role} paint?", f"Where does {name} paint?", f"What is {name}'s art?"]
    back = (f"What does {name} paint?", f"Where does my {role} paint?", f"What is my {role}'s art?")
    assert turned(said, asked) == back


def test_what_somebody_is_to_the_user_may_have_been_said_elsewhere():
    said, asked = "Bohdanka runs a club.", ["Which club does Bohdanka run?"]
    back = ("Which club does my sister run?",)
    assert turned(said, asked) == ()
    assert turned(said, asked, others=["My sister Bohdanka is here."]) == back
    assert turned(said, asked, earlier=["My sister Bohdanka is here."]) == back


@pytest.mark.parametrize(
    "others",
    [
        ["My sister Bohdanka is here.", "My sister Ludmila is not."],
        ["My sister Bohdanka is here.", "My boss Bohdanka is not."],
        ["My sisters Bohdanka and Ludmila are here."],
        ["My sister's friend is Bohdanka."],
        ["My table Bohdanka is blue."],
    ],
)
def test_nobody_is_taken_for_somebody_else(others):
    assert turned("Bohdanka runs a club.", ["Which club does Bohdanka run?"], others=others) == ()


def test_a_question_that_is_asked_already_is_not_asked_again():
    said, asked = "My cousin Thessaly paints birds.", ["What does she paint?", "What does Thessaly paint?"]
    assert turned(said, asked) == ("What does my cousin paint?",)  # of the second; the first's is asked already
    assert turned(said, asked, without=["What does my cousin paint?"]) == ()


def test_a_passage_keeps_its_own_questions():
    passage = "Lucan, who was a king, ate walnuts, and he died of it."
    statement = Statement(turn_id=1, said=passage, told=passage, by_user=False, sentence=passage)
    asked = ("What did he eat?",)
    assert by_other_words([statement], [asked], known=()) == [{}]


def goes_on(before, said, question, *, turn=2):
    """What becomes of a question about what is said in a turn, after another."""
    statements = [Statement(turn_id=1, said=before, told=before), Statement(turn_id=turn, said=said, told=said)]
    return by_other_words(statements, [(), (question,)], known=known_names([before, said]))[1].get(question)


@pytest.mark.parametrize(
    ("before", "instead"),
    [
        ("My sister Tamsin fell off a ladder.", "What can't Tamsin lift?"),
        ("My sister fell off a ladder in Rome.", "What can't my sister lift?"),
        ("My mother-in-law fell.", "What can't my mother-in-law lift?"),
        ("Tamsin, who runs the club, fell off her bike.", "What can't Tamsin lift?"),
        ("My brother Tom fell off a ladder.", None),
        ("I saw that Tamsin fell off a bike.", None),  # who knows whether that is a "she"
        ("My boss fell.", None),
        ("My sister Tamsin and my mum fell.", None),
        ("My sister Tamsin met Ana.", None),
        ("My sister's friend fell.", None),
        ("My children fell.", None),
    ],
)
def test_whom_a_turn_goes_on_about(before, instead):
    assert goes_on(before, "She can't lift anything because she broke her wrist.", "What can't she lift?") == instead


@pytest.mark.parametrize(
    ("said", "question", "turn"),
    [
        ("She can't lift anything.", "What can't she lift?", 3),  # something was said between
        ("She and her husband lift nothing.", "What can't she lift?", 2),
        ("She told Ana that she can't lift it.", "What can't she lift?", 2),
        ("She told him.", "Whom did she tell?", 2),
        ("She can't lift anything.", "What can't he lift?", 2),
        ("It is heavy.", "What can't she lift?", 2),
    ],
)
def test_nobody_is_meant_for_sure(said, question, turn):
    assert goes_on("My sister Tamsin fell.", said, question, turn=turn) is None


def test_one_of_two_that_are_named_together_is_not_meant():
    assert turned("Freya and Dot went to Rome, and she liked it.", ["What does she like?"]) == ()


def test_what_is_done_to_her_is_not_hers():
    assert turned("My cousin Priyasha paints.", ["What makes her so nervous?"]) == ("What makes Priyasha so nervous?",)


@pytest.mark.parametrize(
    ("said", "question", "others", "back"),
    [
        ("Nan gave me an old machine, a Jones from 1951. She's 92.", "How old is she?", (), ()),
        ("Mum met Tom in Rome, and he liked it.", "What does he like?", (), ()),
        ("I saw Nan in Rome, and she liked it.", "What does she like?", (), ("What does Nan like?",)),
        ("Lotte swims on Mondays, and I drop Barnaby at his gran's.", "When does he swim?", ("I saw Lotte.",), ()),
        ("Lotte swims on Mondays, and I drop Barnaby at his gran's.", "When does she swim?", ("I saw Lotte.",), ()),
        (
            "Lotte swims on Mondays, and I drop Barnaby off after his tea.",
            "When does she swim?",
            ("My daughter Lotte is twelve.", "My son Barnaby is seven."),
            ("When does Lotte swim?",),
        ),
        (
            "Lotte swims on Mondays, and I drop Barnaby off after his tea.",
            "When does he have tea?",
            ("My daughter Lotte is twelve.", "My son Barnaby is seven."),
            ("When does Barnaby have tea?",),
        ),
        ("My brother Tom swims.", "When does she swim?", (), ()),
    ],
)
def test_a_pronoun_that_may_be_two_peoples_is_nobodys(said, question, others, back):
    assert turned(said, [question], others=others) == back
