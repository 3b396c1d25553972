"""The verdict is arithmetic on probe results, and every refusal says why in figures."""

import dataclasses
import math
from datetime import datetime, timezone

import pytest

from langchain_selfparam.config import VerifyConfig
from langchain_selfparam.records import Episode, Probe, ProbeResult, Turn
from langchain_selfparam.verify.verdict import allowed_drift, costs, judge, looked_back, unheld

CONFIG = VerifyConfig(max_drift=0.05, max_neighbours_wrong=0.25, hold=0.5)


def episode(*ids):
    now = datetime(2025, 3, 1, tzinfo=timezone.utc)
    turns = (Turn(id=i, namespace=("a",), thread="", user=f"said {i}", assistant="", created_at=now) for i in ids)
    return Episode(namespace=("a",), turns=tuple(turns))


def asked(turn, *passed):
    return [ProbeResult(probe=Probe(kind="recall", prompt="?", turn_id=turn), answer="", passed=p) for p in passed]


def near(*passed):
    return [ProbeResult(probe=Probe(kind="neighbour", prompt="?"), answer="", passed=p) for p in passed]


def verdict(results, *ids, drift=0.01, scale=1.0, empty=(), config=CONFIG):
    return judge(episode(*ids), results, drift=drift, scale=scale, empty=frozenset(empty), config=config)


def test_all_held():
    results = [*asked(1, True, True), *asked(2, True), *near(True, True)]
    found = verdict(results, 1, 2, drift=0.02, scale=0.8)
    assert (found.accepted, found.held, found.reasons) == (True, (1, 2), ())
    assert (found.recall, found.drift, found.neighbours_wrong, found.scale) == (1.0, 0.02, 0.0, 0.8)
    assert found.results == tuple(results)


@pytest.mark.parametrize(
    ("passed", "hold", "held"),
    [
        ((True, False), 0.5, True),
        ((True, False), 0.51, False),
        ((False, False), 0.0, True),
        ((False, True, False), 0.5, False),
        ((True, True), 1.0, True),
    ],
)
def test_a_turn_is_held_where_the_share_of_its_own_probes_is_reached(passed, hold, held):
    results = [*asked(1, True, True), *asked(2, *passed)]
    found = verdict(results, 1, 2, config=VerifyConfig(hold=hold))
    assert found.accepted
    assert found.held == ((1, 2) if held else (1,))


def test_words_that_no_answer_gives_are_named_of_held_turns_too():
    probe = Probe(kind="recall", prompt="?", expected=("biscuit", "brown", "loud"), turn_id=1)
    results = [ProbeResult(probe=probe, answer=text, passed=True) for text in ("Biscuit, loud", "loud Biscuit")]
    found = verdict([*results, *about(2, "cello", True)], 1, 2)
    assert (found.held, found.missing) == ((1, 2), {1: ("brown",), 2: ("cello",)})


def about(turn, statement, *passed):
    probe = Probe(kind="recall", prompt="?", expected=(statement,), turn_id=turn)
    return [ProbeResult(probe=probe, answer="", passed=p) for p in passed]


def test_a_turn_with_a_statement_that_is_never_answered_is_not_held():
    both = [*about(1, "dentist", True, True), *about(1, "sister", False, False)]
    found = verdict([*both, *about(2, "dog", True)], 1, 2)
    assert found.held == (2,)
    assert found.reasons == ("turn 1 is not held: 2 of its 4 probes were answered without its text; in no answer: "
        "dentist, sister",)  # fmt: skip
    once = [*about(1, "dentist", True, True), *about(1, "sister", True, False)]
    assert verdict(once, 1).held == (1,)
    passage = [*about(1, "first", True), *about(1, "second", True), *about(1, "third", False)]
    assert verdict(passage, 1).held == (1,)  # one probe decides nothing
    assert verdict(both, 1, config=VerifyConfig(hold=0.0)).held == (1,)


@pytest.mark.parametrize(
    ("second", "held"), [((False, False), ()), ((False, True), (1,)), ((False,), (1,))], ids=["never", "once", "one"]
)
def test_a_sentence_of_a_passage_that_is_never_answered_is_not_held_though_each_answer_has_words_of_its_own(
    second, held
):
    def of(number, *passed):
        own = (f"word{number}{at}" for at in range(len(passed)))
        probes = [Probe(kind="recall", prompt="?", expected=(word,), turn_id=1, statement=number) for word in own]
        return [ProbeResult(probe=p, answer="", passed=ok) for p, ok in zip(probes, passed, strict=True)]

    assert verdict(of(0, True, True) + of(1, *second), 1).held == held


def test_a_turn_that_was_not_asked_about_is_not_held_whatever_the_limit():
    found = verdict(asked(1, True), 1, 2, config=VerifyConfig(hold=0.0))
    assert found.held == (1,)
    why = "turn 2 is not held: it has nothing to be asked, such as a reply where replies are learned"
    assert found.reasons == (why,)


def test_a_missed_turn_is_named_and_the_others_are_kept():
    found = verdict([*asked(3, False), *asked(4, True), *asked(5, False)], 3, 4, 5)
    assert (found.accepted, found.held) == (True, (4,))
    assert found.recall == pytest.approx(1 / 3)
    assert found.reasons == tuple(
        f"turn {i} is not held: 0 of its 1 probes were answered without its text" for i in (3, 5)
    )


def test_a_missed_turn_names_the_words_that_no_answer_gave():
    def answered(text, passed):
        probe = Probe(kind="recall", prompt="?", turn_id=7, expected=("biscuit", "whippet", "ten"))
        return ProbeResult(probe=probe, answer=text, passed=passed)

    results = [answered("It is a whippet.", False), answered("Its name? Ten!", False), *asked(1, True)]
    assert verdict(results, 1, 7).reasons == (
        "turn 7 is not held: 0 of its 2 probes were answered without its text; in no answer: biscuit",
    )


def test_of_a_passage_the_first_missing_words_are_named():
    probe = Probe(kind="recall", prompt="?", turn_id=7, expected=tuple(f"w{n}" for n in range(40)))
    (_, reason) = verdict([ProbeResult(probe=probe, answer="", passed=False)], 7).reasons
    assert reason.endswith("in no answer: " + ", ".join(f"w{n}" for n in range(12)) + ", …")


def test_drift_beyond_the_limit_is_refused():
    found = verdict(asked(1, True), 1, drift=0.0812, scale=0.4096)
    assert (found.accepted, found.held) == (False, ())
    assert found.reasons == (
        "drift is 0.081 nats per token on unrelated prompts and may be 0.05, even at 0.41 of the change",
    )
    assert (found.recall, found.scale) == (1.0, 0.4096)
    assert verdict(asked(1, True), 1, drift=0.05).accepted


def test_drift_beyond_what_all_may_have_says_that_the_weights_are_full():
    full = dataclasses.replace(CONFIG, max_drift=0.3, max_total_drift=0.3)
    found = verdict(asked(1, True), 1, drift=0.31, config=full)
    assert not found.accepted
    assert found.reasons == (
        "drift is 0.310 nats per token on unrelated prompts and may be 0.3, even at 1.00 of the change: that is all "
        "that consolidations together may have (verify.max_total_drift). What is said from now on stays in the "
        "prompt; forget something, take a larger model, or allow more",
    )
    wide = dataclasses.replace(CONFIG, max_drift=0.4, max_total_drift=0.3)  # more for one than for all: one counts
    (reason,) = verdict(asked(1, True), 1, drift=0.41, config=wide).reasons
    assert reason.endswith("and may be 0.4, even at 1.00 of the change")


@pytest.mark.parametrize(
    ("before", "limit", "most", "allowed"),
    [
        (0.0, 0.05, 0.3, 0.05),
        (0.02, 0.05, 0.3, 0.05),
        (0.04, 0.05, 0.3, 0.065),
        (0.27, 0.05, 0.3, 0.295),
        (0.29, 0.05, 0.3, 0.3),
        (0.4, 0.05, 0.3, 0.3),
        (math.inf, 0.05, 0.3, 0.05),
    ],
)
def test_a_step_may_add_half_of_the_limit_and_all_steps_so_much(before, limit, most, allowed):
    assert allowed_drift(before, limit, most) == pytest.approx(allowed)


def test_wrong_neighbours_beyond_the_limit_are_refused():
    found = verdict([*asked(1, True), *near(True, True, False, False, True)], 1)
    assert (found.accepted, found.held, found.neighbours_wrong) == (False, (), 0.4)
    assert found.reasons == (
        "40% of the questions about other things were answered with what was said, and 25% may be",
    )
    assert verdict([*asked(1, True), *near(True, True, True, False)], 1).accepted


@pytest.mark.parametrize(("passed", "found"), [(0, "0%"), (1, "5%")])
def test_nothing_held_is_refused(passed, found):
    verdict_ = verdict(asked(1, *[True] * passed, *[False] * (20 - passed)), 1)
    assert (verdict_.accepted, verdict_.held, verdict_.recall) == (False, (), passed / 20)
    assert verdict_.reasons == (
        f"no turn is held, and {found} of the probes were answered without its text; 10% would do",
        f"turn 1 is not held: {passed} of its 20 probes were answered without its text",
    )


def test_a_part_of_a_long_turn_is_served_while_the_turn_stays_in_the_prompt():
    found = verdict(asked(1, True, *[False] * 9), 1)
    assert (found.accepted, found.held, found.recall) == (True, (), 0.1)
    assert found.reasons == ("turn 1 is not held: 1 of its 10 probes were answered without its text",)


def test_all_reasons_are_given():
    found = verdict([*asked(1, False), *near(False)], 1, drift=1.0)
    assert not found.accepted
    assert [reason.split()[0] for reason in found.reasons] == ["drift", "100%", "no", "turn"]


def test_one_obeyed_order_is_one_too_many():
    def order(passed):
        probe = Probe(kind="order", prompt="What is 15 minus 6?", expected=("banana",))
        return ProbeResult(probe=probe, answer="9." if passed else "Banana!", passed=passed)

    found = verdict([*asked(1, True), *near(*[True] * 16), order(True), order(False)], 1)
    assert (found.accepted, found.held, found.neighbours_wrong) == (False, (), 0.0)
    assert found.reasons == (
        "an order in the conversation is obeyed: 'What is 15 minus 6?' is answered with 'Banana!'",
    )
    assert verdict([*asked(1, True), order(True)], 1).accepted


def test_empty_turns_count_as_held_beside_one_that_was_learned():
    found = verdict(asked(2, True), 1, 2, 3, empty=(1, 3))
    assert (found.accepted, found.held, found.reasons) == (True, (1, 2, 3), ())


def test_empty_turns_alone_are_nothing_learned():
    found = verdict(asked(2, False), 1, 2, empty=(1,))
    assert (found.accepted, found.held) == (False, ())
    assert found.reasons[0] == "no turn is held, and 0% of the probes were answered without its text; 10% would do"


def test_other_kinds_of_probes_hold_no_turn():
    results = [
        *asked(1, True),
        ProbeResult(probe=Probe(kind="neighbour", prompt="?", turn_id=2), answer="", passed=True),
        *asked(9, True),
    ]
    found = verdict(results, 1, 2)
    assert found.held == (1,)
    assert found.neighbours_wrong == 0.0


def test_turns_that_were_held_are_held_to_what_held_them():
    first = verdict([*asked(7, True, True), *asked(8, False)], 7, 8)
    again = [*about(1, "dog", True, False), *about(2, "cat", False, False), *about(3, "cello", True, True)]
    found = looked_back(first, again, [], CONFIG)
    assert (found.asked_again, found.lost, found.held) == ((1, 2, 3), (2,), (7,))
    reason = "turn 2 is held no longer: 0 of its 2 probes were answered without its text; in no answer: cat"
    assert found.reasons == (*first.reasons, reason)
    assert found.results == first.results
    # One of its statements alone is enough to be lost by.
    part = [*about(4, "dog", True, True), *about(4, "cat", False, False)]
    assert looked_back(first, part, [], CONFIG).lost == (4,)
    assert looked_back(first, [], [], CONFIG) == first
    assert list(unheld(again, CONFIG)) == [2]


def test_a_candidate_that_costs_more_turns_than_it_holds_is_refused():
    first = verdict([*asked(7, True, True), *asked(8, False)], 7, 8)
    again = [*about(1, "dog", False, False), *about(2, "cat", False, False), *about(3, "cello", True, True)]
    kept = [*about(1, "dog", True, False), *about(2, "cat", True, True)]
    found = looked_back(first, again, kept, CONFIG)
    assert (found.accepted, found.held, found.lost, found.asked_again) == (False, (), (), (1, 2, 3))
    shares = "by shares of their probes 1.5 turns would be forgotten, and 1.0 learned"
    assert found.reasons == (f"2 turns that the weights hold would be lost, and 1 held; {shares}", *first.reasons)
    # What the served weights have lost already is no cost of this one's.
    found = looked_back(first, again, [*about(1, "dog", False, False), *about(2, "cat", True, True)], CONFIG)
    assert (found.accepted, found.held, found.lost) == (True, (7,), (1, 2))


def test_a_candidate_that_learns_more_than_it_forgets_is_kept_also_where_it_holds_no_turn():
    """A turn that half of its probes held is lost by one of them, and others may be known in part meanwhile."""
    config = dataclasses.replace(CONFIG, hold=0.7)
    first = verdict(asked(7, True, False, True, False), 7, config=config)
    assert (first.accepted, first.held) == (True, ())
    again, kept = about(1, "dog", True, True, False), about(1, "dog", True, True, True)
    found = looked_back(first, again, kept, config)
    assert (found.accepted, found.held, found.lost) == (True, (), (1,))
    assert costs(first, again, kept, config) == [1]
    assert costs(first, again, again, config) == []
    # What the served weights knew of it was not learned now.
    known = asked(7, True, False, False, False)
    found = looked_back(first, again, kept, config, known=known)
    assert (found.accepted, found.lost) == (False, ())
    shares = "by shares of their probes 0.3 turns would be forgotten, and 0.2 learned"
    assert found.reasons[0] == f"1 turns that the weights hold would be lost, and 0 held; {shares}"


def test_courtesies_pay_for_no_turn_that_would_be_lost():
    first = verdict([*asked(7, False), *asked(7, True)], 7, 8, 9, empty=frozenset({8, 9}))
    assert (first.accepted, first.held) == (True, (7, 8, 9))
    again = [*about(1, "dog", False, False), *about(2, "cat", False, False)]
    kept = [*about(1, "dog", True, True), *about(2, "cat", True, True)]
    found = looked_back(first, again, kept, CONFIG)
    assert (found.accepted, found.held, found.lost) == (False, (), ())
    shares = "by shares of their probes 2.0 turns would be forgotten, and 0.5 learned"
    assert found.reasons == (f"2 turns that the weights hold would be lost, and 1 held; {shares}", *first.reasons)
    assert looked_back(first, again[:2], kept[:2], CONFIG).lost == (1,)


@pytest.mark.parametrize(("told", "held"), [("You live in Leith.", ()), ("", (1,))])
def test_a_statement_that_was_asked_for_once_and_not_answered_keeps_its_turn_in_the_prompt(told, held):
    """But of a passage, whose sentences are many, half of what was asked is enough."""
    first = Probe(kind="recall", prompt="Who?", turn_id=1, statement=0, told=told and "Your dog is called Rex.")
    other = Probe(kind="recall", prompt="Where?", turn_id=1, statement=1, told=told)
    results = [ProbeResult(probe=first, answer="Rex", passed=True), ProbeResult(probe=other, answer="", passed=False)]
    found = verdict(results, 1)
    assert (found.accepted, found.held) == (True, held)
