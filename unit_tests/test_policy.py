import random
from datetime import datetime, timedelta, timezone

import pytest

from langchain_selfparam.config import PolicyConfig
from langchain_selfparam.policy import choose, due, wait
from langchain_selfparam.records import Turn, TurnState, render

NOW = datetime(2025, 3, 1, tzinfo=timezone.utc)
ANA, BEN = ("memories", "ana"), ("memories", "ben")


def turn(number, **changes):
    values = {"namespace": ANA, "thread": "", "user": "u", "assistant": "a", "created_at": NOW}
    return Turn(id=number, **{**values, **changes})


def turns(count, start=1, **changes):
    return [turn(start + i, **changes) for i in range(count)]


def no_counting(text):
    message = f"counted {text!r}"
    raise AssertionError(message)


def chosen(said, *, count_tokens=no_counting, force=False, **settings):
    config = PolicyConfig(**{"every_turns": 3, **settings})
    episode = choose(said, config=config, count_tokens=count_tokens, force=force)
    return episode and [t.id for t in episode.turns]


@pytest.mark.parametrize(("count", "expected"), [(0, None), (2, None), (3, [1, 2, 3]), (4, [1, 2, 3, 4])])
def test_enough_turns_are_due(count, expected):
    assert chosen(turns(count)) == expected


def test_the_oldest_turns_go_first_and_no_more_than_max_turns():
    said = turns(47)
    random.Random(0).shuffle(said)
    assert chosen(said, max_turns=5) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("max_tokens", "expected"),
    [(1, [1]), (5, [1]), (6, [1, 2]), (8, [1, 2]), (9, [1, 2, 3]), (100, [1, 2, 3, 4]), (None, [1, 2, 3, 4])],
)
def test_an_episode_has_no_more_than_max_tokens_but_one_turn_at_least(max_tokens, expected):
    assert chosen(turns(4), count_tokens=lambda text: 3, max_tokens=max_tokens) == expected
    assert chosen(turns(8), count_tokens=lambda text: 3, max_tokens=max_tokens, max_turns=4) == expected


@pytest.mark.parametrize(
    ("count", "sizes"), [(1, [1]), (4, [4]), (5, [3, 2]), (8, [4, 4]), (9, [3, 3, 3]), (13, [4, 3, 3, 3])]
)
def test_more_turns_than_one_episode_has_are_parted_evenly(count, sizes):
    said, found = turns(count), []
    while said:
        found.append(chosen(said, max_turns=4, force=True))
        said = said[len(found[-1]) :]
    assert [len(part) for part in found] == sizes
    assert [number for part in found for number in part] == list(range(1, count + 1))


@pytest.mark.parametrize(
    ("every_tokens", "expected"),
    [(1, [1, 2]), (6, [1, 2]), (7, None)],
    ids=["any", "just enough", "one short"],
)
def test_enough_tokens_are_due(every_tokens, expected):
    asked = []

    def three_each(text):
        asked.append(text)
        return 3

    assert chosen(turns(2), count_tokens=three_each, every_tokens=every_tokens) == expected
    assert set(asked) == {render(turn(1).messages)}
    assert len(asked) == (1 if every_tokens == 1 else 2)


def test_tokens_are_counted_only_where_they_matter():
    assert chosen(turns(3), every_tokens=1) == [1, 2, 3]
    assert chosen(turns(2)) is None


def test_without_limits_only_a_person_consolidates():
    assert chosen(turns(100), every_turns=None) is None
    assert chosen(turns(2), every_turns=None, force=True) == [1, 2]


@pytest.mark.parametrize("state", [TurnState.LEASED, TurnState.HELD, TurnState.CLEARED])
@pytest.mark.parametrize("force", [False, True])
def test_only_pending_turns_are_chosen(state, force):
    said = [turn(1, state=state), *turns(3, start=2)]
    assert chosen(said, force=force) == [2, 3, 4]
    assert chosen(turns(9, state=state), force=force) is None


def test_turns_whose_attempts_are_used_up_wait_for_a_person():
    said = [turn(1, attempts=2), turn(2, attempts=1), turn(3), turn(4)]
    assert chosen(said, max_attempts=2) == [2, 3, 4]
    assert chosen(said[:3], max_attempts=2) is None
    assert chosen(said[:1], max_attempts=2, force=True) == [1]
    assert chosen(said, max_attempts=2, force=True) == [2, 3, 4]


def test_where_the_attempts_of_all_are_used_up_the_least_tried_come_first_and_in_order():
    tried = {1: 3, 2: 2, 3: 3, 4: 2, 5: 4}
    said = [turn(number, attempts=attempts) for number, attempts in tried.items()]
    assert chosen(said, max_attempts=2, max_turns=2, force=True) == [2, 4]
    assert chosen(said, max_attempts=2, max_turns=3, force=True) == [1, 2, 4]
    assert chosen(said, max_attempts=2, max_tokens=1, count_tokens=len, force=True) == [2]
    assert chosen(said, max_attempts=2) is None


def test_where_the_attempts_of_all_are_used_up_everybody_is_tried_in_turn():
    attempts = dict.fromkeys(range(1, 6), 2)
    seen = []
    for _ in range(5):
        said = [turn(number, attempts=tried) for number, tried in attempts.items()]
        seen.append(chosen(said, max_attempts=2, max_turns=2, force=True))
        attempts |= {number: attempts[number] + 1 for number in seen[-1]}
    assert seen == [[1, 2], [3, 4], [1, 5], [2, 3], [4, 5]]


def test_of_several_namespaces_the_one_with_the_least_tried_turn_comes_first():
    said = [turn(1, attempts=3), turn(2, attempts=2, namespace=BEN), turn(3, attempts=2)]
    assert chosen(said, max_attempts=2, force=True) == [2]
    assert chosen(said[::2], max_attempts=2, force=True) == [1, 3]


def test_an_episode_has_one_namespace_the_one_of_the_oldest_pending_turn():
    said = [t for i in range(1, 9, 2) for t in (turn(i, namespace=BEN), turn(i + 1))]
    config = PolicyConfig(every_turns=4)
    episode = choose(said, config=config, count_tokens=no_counting)
    assert episode.namespace == BEN
    assert [t.id for t in episode.turns] == [1, 3, 5, 7]
    assert {t.namespace for t in episode.turns} == {BEN}


def test_a_silent_namespace_does_not_keep_others_waiting():
    said = [turn(1, namespace=BEN), *turns(3, start=2)]
    assert chosen(said) == [2, 3, 4]
    assert chosen(said, force=True) == [1]


def test_turns_of_several_namespaces_are_not_counted_together():
    assert chosen([*turns(2), *turns(2, start=3, namespace=BEN)]) is None


def test_choosing_takes_any_iterable_and_changes_nothing():
    said = turns(3)
    assert chosen(iter(said)) == [1, 2, 3]
    assert [t.state for t in said] == [TurnState.PENDING] * 3


def test_nothing_is_never_due():
    config = PolicyConfig(every_turns=1, every_tokens=1)
    assert not due([], config=config, count_tokens=no_counting)


HERE = timezone(timedelta(hours=2))


def waited(clock, *, ago=None, **settings):
    """Hours to wait at a time of day, the last turn having been said so many seconds ago."""
    now = datetime.fromisoformat(f"2025-03-01T{clock}:00").replace(tzinfo=HERE)
    said = [] if ago is None else [turn(2, created_at=now - timedelta(seconds=ago)), turn(3, created_at=NOW)]
    return wait(said, config=PolicyConfig(**settings), now=now) / timedelta(hours=1)


@pytest.mark.parametrize(
    ("clock", "hours", "expected"),
    [
        ("21:59", "22:00-06:30", 1 / 60),
        ("22:00", "22:00-06:30", 0),
        ("00:00", "22:00-06:30", 0),
        ("06:29", "22:00-06:30", 0),
        ("06:30", "22:00-06:30", 15.5),
        ("12:00", "12:00-13:00", 0),
        ("13:00", "12:00-13:00", 23),
        ("11:00", "12:00-13:00", 1),
        ("11:00", None, 0),
    ],
)
def test_quiet_hours_are_waited_for_over_midnight_too(clock, hours, expected):
    assert waited(clock, quiet_hours=hours) == pytest.approx(expected)


@pytest.mark.parametrize(("ago", "expected"), [(None, 0), (0, 60), (45, 15), (60, 0), (600, 0)])
def test_silence_is_counted_from_the_last_turn(ago, expected):
    assert waited("12:00", ago=ago, after_seconds=60) * 3600 == pytest.approx(expected)


def test_silence_may_end_when_the_hours_are_over():
    hours = {"quiet_hours": "12:00-12:30", "after_seconds": 3600}
    assert waited("12:00", ago=0, **hours) == pytest.approx(24)
    assert waited("11:30", ago=1800, **hours) == pytest.approx(0.5)
