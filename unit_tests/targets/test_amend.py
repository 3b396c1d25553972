"""What a later statement has changed is exchanged in the earlier one, and nothing where it is not clear what."""

import dataclasses
from collections import Counter

import pytest
from changing import CHANGED, STAYING
from changing_beside import BESIDE, STAYING_BESIDE
from changing_hands import HANDS, STAYING_HANDS
from changing_later import KNOWN, UNKNOWN
from changing_often import OFTEN
from staying_often import STAYING_OFTEN, WRONG
from staying_when import STAYING_WHEN

from langchain_selfparam.records import Statement
from langchain_selfparam.targets.amend import amend_all, amend_earlier, amended
from langchain_selfparam.targets.correct import corrections
from langchain_selfparam.targets.known import Earlier
from langchain_selfparam.targets.person import told

BASSOON = "Our Ysolde plays the bassoon. She has a lesson every Tuesday in the hall."
MOVED = "The bassoon lesson is on Thursday from now on."
LATER = "Our Ysolde plays the bassoon. She has a lesson every Thursday in the hall."


def statement(said, turn=1, **options):
    return Statement(turn_id=turn, said=said, told=told(said), **options)


def after(old, new, **options):
    found = amended(statement(old), statement(new, 2), **options)
    return found and found.said


EXCHANGED = {
    "weekday": (BASSOON, MOVED, LATER),
    "weekdays": (
        "The sleeper to Varna leaves on Mondays.",
        "I was wrong: the Varna sleeper runs on a Friday.",
        "The sleeper to Varna leaves on Fridays.",
    ),
    "date": (
        "The quay fair is on 18 June, and a stall costs 9 pounds.",
        "The fair has been put back to June the 29th.",
        "The quay fair is on June the 29th, and a stall costs 9 pounds.",
    ),
    "time": (
        "I fetch Tom from choir at half past five.",
        "Choir ends later now; they moved it, so I fetch Tom at ten to seven.",
        "I fetch Tom from choir at ten to seven.",
    ),
    "clock": ("My tram leaves at 7:30 am.", "The tram was rescheduled to 8.15 am.", "My tram leaves at 8.15 am."),
    "number of things": (
        "Solvei has me do 45 squats a day and sees me for 20 minutes.",
        "Solvei wants 65 squats instead.",
        "Solvei has me do 65 squats a day and sees me for 20 minutes.",
    ),
    "number in words": ("We have three geese.", "One of the geese moved out: two geese left.", "We have two geese."),
    "number of a thing": ("I go to work by bus 58.", "I now take bus 33 to work.", "I go to work by bus 33."),
    "name in its place": (
        "The Paper Falcons play at the Saltworks in May.",
        "The Paper Falcons will play at the Old Tannery instead.",
        "The Paper Falcons play at the Old Tannery in May.",
    ),
    "the old value is given": (
        "My lesson is on Monday and my bath on Sunday.",
        "The lesson moved from Monday to Friday.",
        "My lesson is on Friday and my bath on Sunday.",
    ),
}


@pytest.mark.parametrize(("old", "new", "wanted"), EXCHANGED.values(), ids=EXCHANGED)
def test_one_value_of_the_same_kind_is_exchanged(old, new, wanted):
    assert after(old, new) == wanted


LEFT = {
    "nothing says that it changed, and it is said in other words": (BASSOON, "The bassoon lesson is on Thursday."),
    "it is about something else": ("My aunt comes every Sunday.", MOVED),
    "only now, and little in common": ("My aunt comes every Sunday.", "I now call my aunt on Fridays."),
    "units in common": ("They pay me 900 pounds a month.", "The rent changed to 785 pounds a month."),
    "two it could be": ("Lessons are on Monday and Tuesday.", "The lessons moved to Friday."),
    "two it could become": ("The lesson is on Monday.", "The lesson moved to Friday or Sunday."),
    "another kind": ("The lesson is on Monday.", "The lesson moved to 4 May."),
    "names by chance": ("We spend a night near the castle in Ptuj.", "I was wrong: a night more in Shumen."),
    "the same value": (BASSOON, "The bassoon lesson was moved to Tuesday."),
}


@pytest.mark.parametrize(("old", "new"), LEFT.values(), ids=LEFT)
def test_what_is_not_clear_is_left(old, new):
    assert after(old, new) is None


EVERY = [*CHANGED, *KNOWN, *UNKNOWN, *OFTEN, *BESIDE, *HANDS]
ALIKE = [*STAYING, *STAYING_OFTEN, *STAYING_BESIDE, *STAYING_WHEN, *STAYING_HANDS]


@pytest.mark.parametrize(("old", "new", "wanted"), EVERY, ids=[f"{old} {new}" for old, new, _ in EVERY])
def test_what_is_said_to_have_changed_is_exchanged(old, new, wanted):
    assert amend_all([statement(old), statement(new, 2)])[0].said == (wanted or old)


@pytest.mark.parametrize(("old", "new"), ALIKE, ids=[f"{old} {new}" for old, new in ALIKE])
def test_what_is_said_of_something_else_changes_nothing(old, new):
    assert amend_all([statement(old), statement(new, 2)])[0].said == old


@pytest.mark.parametrize(
    ("said", "now"),
    [
        (
            (
                "I do yoga on Tuesdays.",
                "My mum's party is on Sunday.",
                "Bad news about yoga. It's been moved to Friday.",
            ),
            ("I do yoga on Fridays.", "My mum's party is on Sunday."),
        ),
        (
            ("The vet sees Pickle on Monday.", "Lunch is on Sunday.", "The vet rang. It's been put back to Thursday."),
            ("The vet sees Pickle on Thursday.", "Lunch is on Sunday."),
        ),
        (
            ("I do yoga on Tuesdays.", "My mum's party is on Sunday.", "Bad news. It's been moved to Friday."),
            ("I do yoga on Tuesdays.", "My mum's party is on Friday."),
        ),
    ],
)
def test_it_is_what_was_named_just_before_or_else_what_was_told_of_last(said, now):
    statements = [statement(text, turn) for turn, text in enumerate(said, 1)]
    assert [s.said for s in amend_all(statements)[:2]] == list(now)


def test_what_somebody_does_by_number_is_changed_where_it_is_told_of_them():
    assert after("My son Ben is 7.", "Ben turned 8 last week.") == "My son Ben is 8."
    old = "On 11 July we're seeing the Paper Falcons play at the Saltworks, and my ticket cost 38 euros."
    new = "The concert is moving: the Paper Falcons will play at the Old Tannery instead, so I'll have to take tram 26."
    assert after(old, new) == old.replace("Saltworks", "Old Tannery")
    assert after("My brother Neil is a runner, he does 30 km.", "Neil has gone up to 50 km.") is not None


def test_how_many_of_the_pairs_are_told_apart():
    """The figures of docs/method.md: of changes and other pairs, how many are exchanged or only linked."""

    def outcomes(pairs):
        for old, new in pairs:
            both = [statement(old), statement(new, 2)]
            yield "amended" if amend_all(both)[0].said != old else "linked" if corrections(both) else "nothing"

    assert Counter(outcomes([pair[:2] for pair in CHANGED])) == {"amended": 96, "linked": 13, "nothing": 2}
    assert Counter(outcomes([pair[:2] for pair in KNOWN])) == {"amended": 62, "linked": 38, "nothing": 12}
    assert Counter(outcomes([pair[:2] for pair in UNKNOWN])) == {"amended": 21, "linked": 3, "nothing": 2}
    assert Counter(outcomes([pair[:2] for pair in OFTEN])) == {"amended": 136, "linked": 18, "nothing": 10}
    assert Counter(outcomes(STAYING)) == {"linked": 32, "nothing": 103}
    assert Counter(outcomes(STAYING_OFTEN)) == {"linked": 63, "nothing": 164}
    assert Counter(outcomes([pair[:2] for pair in BESIDE])) == {"amended": 62, "linked": 5}
    assert Counter(outcomes(STAYING_BESIDE)) == {"linked": 22, "nothing": 20}
    assert Counter(outcomes(WRONG)) == {"amended": 3}
    assert Counter(outcomes([pair[:2] for pair in HANDS])) == {"amended": 8, "linked": 2, "nothing": 1}


def test_who_says_it_again_means_what_there_is_one_of():
    """The later of two that cannot both be so wins, also where nothing says that it has changed."""
    old = statement("My wife is Jo. The meeting is on Tuesday.")
    assert after(old.said, "The meeting is on Friday.") == "My wife is Jo. The meeting is on Friday."
    assert after(old.said, "The meeting is on Friday. I like tea.") is None
    assert after("Tea is hot. My rent is 900 pounds a month.", "My rent is 950 pounds a year.") is None
    assert amend_all([statement("The meeting is on Friday.", 2), statement("The meeting is on Tuesday.", 1)])[
        0
    ].said == ("The meeting is on Friday.")


def test_replies_tell_what_a_statement_is_about():
    old, new = "We have to finish everything by 30 November.", "We got more time, the deadline is 17 January now."
    replies = {1: "I have noted your deadline.", 2: "I have replaced the date."}
    assert after(old, new) is None
    assert after(old, new, replies=replies) == "We have to finish everything by 17 January."
    assert after(old, new, replies={2: replies[2]}) is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("I'll remember that!", "I'll remember that!"),
        ("I have noted the appointment.", "I have changed the appointment."),
        ("What fun! Your family must enjoy it.", "Your family must enjoy it."),
    ],
)
def test_what_only_the_replies_share_is_nothing_in_common(first, second):
    both = [statement("My aunt comes every Sunday."), statement("The dentist moved to Thursday.", 2)]
    assert amend_all(both, replies={1: first, 2: second}) == both


def test_it_is_the_last_thing_with_a_value_of_the_kind():
    told_of = [statement("The lesson is on Monday.", 1), statement("The party is on Tuesday.", 2)]
    moved = statement("It has moved to Friday.", 3)
    assert [s.said for s in amend_all([*told_of, moved])][:2] == [told_of[0].said, "The party is on Friday."]
    tea = [statement("I like tea.", 2)]
    assert amend_all([told_of[0], *tea, moved])[0].said == "The lesson is on Friday."
    assert amend_all([told_of[0], dataclasses.replace(moved, turn_id=20)])[0] == told_of[0]


def test_of_two_that_may_be_meant_neither_is_changed():
    both = [statement("The piano lesson is on Monday.", 1), statement("The guitar lesson is on Tuesday.", 2)]
    assert amend_all([*both, statement("The lesson moved to Friday.", 3)])[:2] == both
    found = amend_all([*both, statement("The lesson moved from Tuesday to Friday.", 3)])
    assert [s.said for s in found[:2]] == [both[0].said, "The guitar lesson is on Friday."]
    twice = [statement("The lesson is on Monday.", 1), statement("My lesson on Monday is hard.", 2)]
    found = amend_all([*twice, statement("The lesson moved to Friday.", 3)])
    assert ["Friday" in s.said for s in found] == [True, True, True]


def test_both_texts_and_what_was_said_before_are_given():
    found = amended(statement(BASSOON), statement(MOVED, 2))
    assert found == Statement(turn_id=1, said=LATER, told=told(LATER), instead=told(BASSOON))


@pytest.mark.parametrize(
    "options",
    [{"sentence": "x"}, {"by_user": False}],
    ids=["passage", "reply"],
)
def test_passages_replies_and_orders_are_never_amended(options):
    assert amended(statement(BASSOON, **options), statement(MOVED, 2)) is None
    assert amended(statement(BASSOON), statement(MOVED, 2, **options)) is None
    quoted = dataclasses.replace(statement(BASSOON), told=f'You told me: "{BASSOON}"')
    assert amended(quoted, statement(MOVED, 2)) is None


def test_only_what_was_said_before_is_amended():
    there = [statement(BASSOON, 1), statement("My dog is called Biscuit.", 2), statement(MOVED, 3)]
    assert [s.said for s in amend_all(there)] == [LATER, there[1].said, MOVED]
    moved_first = [statement(MOVED, 1), statement(BASSOON, 2)]
    assert amend_all(moved_first) == moved_first
    same_turn = [statement(BASSOON, 1), statement(MOVED, 1)]
    assert amend_all(same_turn) == same_turn


def test_a_turn_that_is_tried_again_is_amended_by_what_is_held():
    (found,) = amend_all([statement(BASSOON, 1)], later=[statement(MOVED, 9)])
    assert found.said == LATER
    assert amend_all([statement(BASSOON, 9)], later=[statement(MOVED, 1)])[0].said == BASSOON


def test_the_last_of_several_changes_counts():
    again = statement("The bassoon lesson was put off to Saturday.", 3)
    found = amend_all([statement(BASSOON, 1), again, statement(MOVED, 2)])
    assert "Saturday" in found[0].said
    assert found[0].instead == told(BASSOON)


def test_what_is_known_is_amended_in_the_name_of_the_turn_that_changes_it():
    dog = Earlier(statement("My dog is called Biscuit.", 1), ("Who is Biscuit?",))
    lesson = Earlier(dataclasses.replace(statement(BASSOON, 2), instead="Older."), ("When is the lesson?",))
    changed, others = amend_earlier([dog, lesson], [statement(MOVED, 9)])
    assert others == [dog]
    (found,) = changed
    assert found.questions == ("When is the lesson?",)
    assert (found.statement.turn_id, found.statement.said) == (9, LATER)
    assert found.statement.instead == told(BASSOON)
    assert amend_earlier([lesson], [statement("I like tea.", 9)]) == ([], [lesson])
