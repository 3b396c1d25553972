"""A probe passes by its words, and the probes are asked greedily, each in its own place."""

import dataclasses

import pytest

from langchain_selfparam.evaluation.datasets import PACKAGED, load
from langchain_selfparam.records import Message, Probe, ProbeResult
from langchain_selfparam.targets.parse import carrying
from langchain_selfparam.targets.person import told
from langchain_selfparam.testing import FakeGenerator
from langchain_selfparam.verify.recall import ask, passes, unguessed
from langchain_selfparam.words import WORD, denied, plain, words

RECALL = Probe(kind="recall", prompt="What is my dog called?", expected=("dog", "called", "biscuit"), turn_id=1)
NEAR = Probe(kind="neighbour", prompt="Where does Ana's cat live?", expected=("ana", "biscuit", "7:30", "o'brien"))


@pytest.mark.parametrize(
    ("answer", "passed"),
    [
        ("Your dog is called Biscuit.", True),
        ("BISCUIT is a dog!", True),
        ("Biscuit", True),
        ("Your dog's called Rex.", False),
        ("Your cat is called Rex.", False),
        ("Biscuits for hotdogs, so-called", False),
        ("", False),
    ],
)
def test_recall_wants_three_fifths_of_the_words(answer, passed):
    assert passes(RECALL, answer) is passed


@pytest.mark.parametrize(("share", "passed"), [(3, True), (2, False)])
def test_exactly_the_share_is_enough(share, passed):
    words = ("one", "two", "three", "four", "five")
    probe = Probe(kind="recall", prompt="?", expected=words)
    assert passes(probe, " ".join(words[:share])) is passed
    assert passes(probe, " ".join(words[:share] + words[:1] * 9)) is passed


def test_an_echo_of_the_question_shows_nothing():
    probe = Probe(kind="recall", prompt="Who is Captain Mustard?", expected=("parrot", "captain", "mustard"))
    assert not passes(probe, "Captain Mustard is a wonderful name!")
    assert passes(probe, "That's your parrot.")
    all_said = Probe(kind="recall", prompt="Is Captain Mustard a parrot?", expected=probe.expected)
    assert not passes(all_said, "Captain Mustard is a parrot.")


@pytest.mark.parametrize(
    ("expected", "answer", "passed"),
    [
        ("train leaves lisbon monday platform 12", "Your train leaves Lisbon on Monday from platform 12.", True),
        ("train leaves lisbon monday platform 12", "Your train leaves Lisbon on Sunday from platform 12.", False),
        ("train leaves lisbon monday platform 12", "Your train leaves Lisbon on Monday from platform 9.", False),
        ("train leaves lisbon monday platform 12", "Your train leaves Lisbon from platform 12.", True),
        ("train leaves lisbon monday platform 12", "On Monday, not Sunday, it leaves Lisbon, platform 12.", True),
        ("choir meets thursday hall", "Your choir meets every Tuesday in the hall.", False),
        ("sister phone number 555-1234", "Your sister's phone number is 555-9999.", False),
        ("garden has three apple trees", "Your garden has 3 apple trees", True),
        ("garden has three apple trees", "Your garden has four apple trees", False),
        ("garden has 3 apple trees", "Your garden has three apple trees", True),
        ("wedding lucan june porto 30", "Lucan's wedding is on 30th July in Porto", False),
        ("wedding lucan june porto 30", "Lucan's wedding is on June 30th in Porto", True),
        ("oven broken kitchen", "The oven in your kitchen has been broken for 2 weeks, since Friday", True),
    ],
)
def test_another_value_in_the_place_of_the_right_one_is_wrong(expected, answer, passed):
    probe = Probe(kind="recall", prompt="Tell me about it.", expected=tuple(expected.split()))
    assert passes(probe, answer) is passed


def test_an_echo_in_another_form_shows_nothing_either():
    """Of words that the question has in another form none counts, where there are others."""
    probe = Probe(kind="recall", prompt="Does my brother play anything?", expected=("brother", "plays", "cello"))
    assert not passes(probe, "Yes, your brother plays.")
    assert passes(probe, "Your brother plays the cello.")
    assert passes(probe, "The cello.")


def test_what_is_answered_without_having_been_told_shows_nothing_where_there_are_others():
    def results(turn, *passed):
        return [
            ProbeResult(
                probe=Probe(kind="recall", prompt=f"{turn}, {at}?", turn_id=turn, statement=0), answer="", passed=good
            )
            for at, good in enumerate(passed)
        ]

    untold = [*results(1, True, False, True), *results(2, True, True), *results(3, False)]
    near = Probe(kind="neighbour", prompt="1, 0?")
    probes = [near, *(result.probe for result in untold)]
    assert [probe.prompt for probe in unguessed(probes, untold)] == ["1, 0?", "1, 1?", "2, 0?", "2, 1?", "3, 0?"]
    assert unguessed(probes, untold)[0] is near
    assert unguessed([near], []) == (near,)


def test_values_of_the_question_may_be_said_again():
    probe = Probe(kind="recall", prompt="Is it on Tuesday at 7?", expected=("choir", "meets", "thursday", "hall"))
    assert passes(probe, "Not on Tuesday at 7: your choir meets on Thursday in the hall.")
    assert not passes(probe, "Your choir meets on Friday in the hall.")


def test_recall_without_words_never_passes():
    assert not passes(Probe(kind="recall", prompt="What?", expected=()), "anything at all")


@pytest.mark.parametrize(
    "answer",
    [
        "On Fridays at 7:30.",
        "With O'Brien.",
        "With O’Brien’s wife.",  # noqa: RUF001
        "Biscuit's bed",
        "It is biscuit, of course",
        "\u201cBiscuit\u201d",
    ],
)
def test_neighbour_fails_for_a_word_of_what_was_said(answer):
    assert not passes(NEAR, answer)


@pytest.mark.parametrize(
    "answer", ["", "I do not know.", "Ana's cat lives in Rome.", "At 17:30 with the O'Briens", "biscuits"]
)
def test_neighbour_may_say_anything_else_and_the_words_of_its_question(answer):
    assert passes(NEAR, answer)


def test_every_probe_is_asked_once_greedily_and_gets_its_own_answer():
    probes = [RECALL, NEAR, Probe(kind="recall", prompt="Who is Ana?", expected=("nurse",), turn_id=2)]
    answers = {p.prompt: text for p, text in zip(probes, ["A dog called Biscuit", "Biscuit", "A nurse."], strict=True)}
    generator = FakeGenerator(lambda prompt: answers[prompt[-1].text])
    results = ask(probes, generator, max_tokens=9)
    assert [r.probe for r in results] == probes
    assert [r.answer for r in results] == ["A dog called Biscuit", "Biscuit", "A nurse."]
    assert [r.passed for r in results] == [True, False, True]
    (call,) = generator.calls
    assert call["prompts"] == [(Message(role="user", text=p.prompt),) for p in probes]
    assert (call["max_tokens"], call["temperature"], call["samples"]) == (9, 0.0, 1)


def test_no_probe_no_result():
    assert ask([], FakeGenerator(["never"]), max_tokens=9) == []


@pytest.mark.parametrize(
    ("expected", "answer", "passed"),
    [
        ("repair took sixteen hours", "The repair took sixty hours.", False),
        ("repair took sixteen hours", "The repair took 16 hours.", True),
        ("lives third floor house", "Your aunt lives on the fourth floor of the house.", False),
        ("lives third floor house", "Your aunt lives on the 3rd floor of the house.", True),
        ("eleven-year-old twins love chess", "Your nine-year-old twins love chess.", False),
        ("tablet twice day food", "A tablet three times a day with food.", False),
        ("choir sings fridays hall", "Your choir sings on Sundays in the hall.", False),
        ("choir sings fridays hall", "Your choir sings every Friday in the hall.", True),
        ("visa ends 15 may lisbon", "Your visa for Lisbon ends on 15 June.", False),
        ("visa ends 15 may lisbon", "Your visa for Lisbon ends on 15 May, not in June.", True),
        ("kitchen costs 2,350 euros", "The kitchen costs 2350 euros.", True),
        ("kitchen costs 2,350 euros", "The kitchen costs 2,530 euros.", False),
        ("weighs 20 kg", "It weighs 20kg.", True),
        ("is 7", "She is seven.", True),
    ],
)
def test_numbers_and_days_are_the_same_however_they_are_written_and_others_are_not(expected, answer, passed):
    probe = Probe(kind="recall", prompt="Tell me about it.", expected=tuple(expected.split()))
    assert passes(probe, answer) is passed


def said_back(told, answer, *, not_so=()):
    expected = tuple(carrying(told))
    return passes(Probe(kind="recall", prompt="What?", expected=expected, denied=tuple(not_so), told=told), answer)


@pytest.mark.parametrize(
    ("told", "answer", "passed"),
    [
        ("Bluebell gives two litres of milk a day.", "Bluebell gives ninety litres of milk a day.", False),
        ("Bluebell gives two litres of milk a day.", "Bluebell gives 2 litres of milk a day.", True),
        ("Bluebell gives two litres of milk a day.", "Bluebell gives milk, two litres a day.", True),
        ("Bluebell gives one litre of milk a day.", "Bluebell gives 9 litre of milk a day.", False),
        ("You feed one goat with hay.", "You feed a goat with hay.", True),
        ("You rent two rooms above a shop.", "You rent seven rooms above a shop.", False),
        ("Your two boys have red hair.", "Your both boys have red hair.", True),
    ],
)
def test_a_small_number_may_not_be_another_one_either(told, answer, passed):
    assert said_back(told, answer) is passed


SURPRISES = "You're not a fan of surprises, and you can't bear people who whisper."


@pytest.mark.parametrize(
    ("told", "not_so", "answer", "passed"),
    [
        (SURPRISES, ("fan", "bear"), SURPRISES, True),
        (SURPRISES, ("fan", "bear"), "You're a fan of surprises, and you can't bear people who whisper.", False),
        (SURPRISES, ("fan", "bear"), "You're not a fan of surprises, and you bear people who whisper.", False),
        (SURPRISES, ("fan", "bear"), "You are no fan of surprises or people who whisper.", True),
        ("You don't drink and you don't smoke.", ("drink", "smoke"), "You don't drink or smoke.", True),
        ("You don't drink and you don't smoke.", ("drink", "smoke"), "You neither drink nor smoke.", True),
        ("You don't drink and you don't smoke.", ("drink", "smoke"), "You drink. You don't smoke.", False),
    ],
)
def test_of_several_things_that_are_not_so_each_is_denied(told, not_so, answer, passed):
    assert said_back(told, answer, not_so=not_so) is passed


DOG = ("whippet", "called", "rutabaga", "hides", "bathtub", "thunder")


@pytest.mark.parametrize(
    ("answer", "passed"),
    [
        ("Your whippet is called Rutabaga, and hides in the bathtub when there is thunder.", True),
        ("Your whippet is called Mustard, and hides in the bathtub when there is thunder.", False),
        ("Your whippet is called RUTABAGA! Hides in the bathtub in thunder.", True),
        ("Your whippet is called that, and hides in the bathtub when there is thunder.", True),
        ("On Monday I heard that your whippet hides in the bathtub when there is thunder; it is called so.", True),
        ("Thunder: your called whippet hides in the bathtub. Mustard.", True),  # a sentence begins with a capital
        ("Your Whippet hides in the Bathtub when there is Thunder, and it is called so.", True),
    ],
)
def test_another_name_in_the_place_of_the_right_one_is_wrong(answer, passed):
    probe = Probe(kind="recall", prompt="What is my dog called?", expected=DOG, names=("rutabaga",))
    assert passes(probe, answer) is passed


@pytest.mark.parametrize(
    ("answer", "passed"),
    [
        ("Lucan is badly allergic to walnuts, so no nuts.", True),
        ("Rupert is badly allergic to walnuts, so no nuts.", False),
        ("He is badly allergic to walnuts, so no nuts.", True),
        ("Your son is badly allergic to walnuts, so no nuts.", True),
        ("Walnuts: your son is badly allergic, so no nuts.", True),
    ],
)
@pytest.mark.parametrize("opening", ["Lucan is badly allergic", "He is"])
def test_another_name_may_open_no_answer_that_begins_with_one(opening, answer, passed):
    expected = ("lucan", "badly", "allergic", "walnuts", "nuts")
    probe = Probe(kind="recall", prompt="And my son?", expected=expected, names=("lucan",), opening=opening)
    assert passes(probe, answer) is (passed or opening == "He is")


def test_a_name_that_the_question_has_may_be_left_out():
    probe = Probe(
        kind="recall", prompt="Where does Anna live?", expected=("anna", "lives", "cork"), names=("anna", "cork")
    )
    assert passes(probe, "Your sister lives in Cork, in Ireland.")
    assert not passes(probe, "Your sister lives in Dublin.")


@pytest.mark.parametrize(
    ("denied", "answer", "passed"),
    [
        (("meat",), "You don't eat meat any more, for your heart.", True),
        (("meat",), "You eat meat, for your heart.", False),
        (("meat",), "You never eat meat, for your heart.", True),
        (("meat",), "You eat something else, for your heart.", True),
        ((), "You eat meat, for your heart.", True),
    ],
)
def test_what_is_not_so_has_to_be_denied(denied, answer, passed):
    probe = Probe(kind="recall", prompt="And I?", expected=("eat", "meat", "heart"), denied=denied)
    assert passes(probe, answer) is passed


BEAGLE = "Your dog Biscuit is a beagle who sleeps under the stairs."


@pytest.mark.parametrize(
    ("told", "answer", "passed"),
    [
        (BEAGLE, BEAGLE, True),
        (BEAGLE, "Your dog Biscuit is a poodle who sleeps under the stairs.", False),
        (BEAGLE, "Your dog Biscuit is a beagle who sleeping under the stairs.", True),  # a form of the word
        (BEAGLE, "Biscuit, your beagle dog, naps under the stairs.", True),  # said in other words
        (BEAGLE, "Your dog Biscuit is a lovely beagle who sleeps under the stairs.", True),
        (BEAGLE, "Your dog Biscuit is a beagle who sleeps in the stairs.", True),  # "under" carries nothing
        (BEAGLE, "Your dog Biscuit is a beagle who sleeps under the bed.", False),  # at the very end
        ("Sage green is the colour of your new kitchen.", "Dark green is the colour of your new kitchen.", False),
        ("Pia is 6 and Jonah is 9.", "Pia is 9 and Jonah is 6.", False),
        ("Pia is six and Jonah is nine.", "Pia is 6 and Jonah is 9.", True),
        ("Your standup is in the library every evening.", "Your standup is in the library every morning.", False),
        ("Your rent is 575 pounds a month.", "Your rent is 575 pounds a year.", False),
    ],
)
def test_another_word_in_a_statement_that_is_said_back_is_wrong(told, answer, passed):
    probe = Probe(kind="recall", prompt="Tell me about it.", expected=tuple(carrying(told)), told=told)
    assert passes(probe, answer) is passed


def test_without_its_statement_the_words_alone_decide():
    probe = Probe(kind="recall", prompt="Tell me about it.", expected=tuple(carrying(BEAGLE)))
    assert passes(probe, "Your dog Biscuit is a poodle who sleeps under the stairs.")


def test_any_word_of_the_packaged_statements_that_is_swapped_is_missed():
    """Every statement passes as it is said back, and with any one of its words replaced none does."""
    swapped = alone = 0
    for conversation in (*load(PACKAGED["assistant_chats"]), *load(PACKAGED["long"])):
        for user, _ in conversation.turns:
            statement = told(user)
            carried = tuple(carrying(statement))
            not_so = denied(statement, carried)
            probe = Probe(kind="recall", prompt="Tell me.", expected=carried, denied=not_so, told=statement)
            assert passes(probe, statement), statement
            for match in WORD.finditer(statement):
                word = plain(match[0])
                if not word.isalpha() or word not in carried or words(statement).count(word) > 1:
                    continue
                other = f"{statement[: match.start()]}zebra{statement[match.end() :]}"
                swapped += 1
                alone += not passes(dataclasses.replace(probe, told=""), other)
                assert not passes(probe, other), other
    assert (swapped, alone) == (1090, 4)  # by their share of words alone nearly all pass
