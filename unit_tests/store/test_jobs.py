import dataclasses
from datetime import datetime, timedelta

import pytest

from langchain_selfparam.errors import ConfigError, ConsolidationError
from langchain_selfparam.records import Episode, TurnState
from langchain_selfparam.store import JobState
from langchain_selfparam.store.jobs import Jobs

ANA, BEN, CY = ("memories", "ana"), ("memories", "ben"), ("memories", "cy")


def lease(rooms, now, namespace, *turns):
    episode = Episode(namespace=namespace, turns=turns)
    return rooms.jobs.lease(episode, owner="host:1:x", now=now, lease_seconds=60)


def test_a_lease_takes_the_turns_and_says_so(rooms, now):
    one, _, three = rooms.say("one", "two", "three")
    job = rooms.lease(one, three)
    assert (job.id, job.owner, job.lease_until) == (1, "host:1:x", now + timedelta(seconds=60))
    assert [(turn.id, turn.state) for turn in job.episode.turns] == [
        (1, TurnState.LEASED),
        (3, TurnState.LEASED),
    ]
    assert rooms.states() == {1: "leased", 2: "pending", 3: "leased"}


def test_a_lease_takes_all_turns_or_none(rooms, now):
    rooms.learn("one")
    two, three, four = rooms.say("two", "three", "four")
    rooms.lease(two)
    rooms.turns.clear(ANA)
    five = rooms.say("five")[0]
    ghost = dataclasses.replace(five, id=99)
    before = rooms.dump()
    text = (
        r"turns of \('memories', 'ana'\) are not pending any more: "
        r"2 \(leased\), 3 \(cleared\), 99 \(not there\); choose anew"
    )
    with pytest.raises(ConsolidationError, match=text):
        rooms.lease(five, two, three, ghost)
    with pytest.raises(ConsolidationError, match=r"any more: 1 \(held\); choose anew"):
        rooms.lease(*rooms.turns.get([1, 5]))
    assert rooms.dump() == before
    assert four.state is TurnState.PENDING


def test_a_lease_never_crosses_namespaces(rooms, now):
    one = rooms.say("one", namespace=("memories", "ben"))
    with pytest.raises(ConsolidationError, match=r"turns of \('memories', 'ana'\) .* 1 \(not there\);"):
        rooms.lease(*one)
    assert rooms.states() == {1: "pending"}


def test_an_empty_episode_is_refused(rooms):
    with pytest.raises(ConsolidationError, match="the episode has no turns; lease one that policy"):
        rooms.lease()


def test_times_need_a_zone(rooms):
    turns = rooms.say("one")
    with pytest.raises(ConfigError, match=r"now is .* it has to have a timezone"):
        lease(rooms, datetime(2025, 3, 1), ANA, *turns)
    with pytest.raises(ConfigError, match=r"now is .* it has to have a timezone"):
        rooms.jobs.recover(datetime(2025, 3, 1), all_owners=False)


def test_a_heartbeat_moves_the_end_of_the_lease(rooms, now):
    job = rooms.lease(*rooms.say("one"))
    beaten = rooms.jobs.heartbeat(job, now + timedelta(seconds=50), 60)
    assert beaten == dataclasses.replace(job, lease_until=now + timedelta(seconds=110))
    assert rooms.jobs.recover(now + timedelta(seconds=100), all_owners=False) == 0
    assert rooms.jobs.list()[0].lease_until == now + timedelta(seconds=110)


def test_targets_are_kept_with_the_job(rooms):
    job = rooms.lease(*rooms.say("one"))
    assert rooms.jobs.load_targets(job) is None
    rooms.jobs.save_targets(job, "[1]")
    rooms.jobs.save_targets(job, '["zwei"]')
    assert rooms.jobs.load_targets(job) == '["zwei"]'
    rooms.jobs.fail(job, error="no", count_attempt=True)
    assert rooms.jobs.load_targets(job) == '["zwei"]'


def test_what_all_jobs_were_to_learn_is_read_whatever_became_of_them(rooms):
    first, second = rooms.lease(*rooms.say("one")), rooms.lease(*rooms.say("two"))
    rooms.jobs.save_targets(first, "[1]")
    rooms.jobs.fail(first, error="no", count_attempt=True)
    namespace = first.episode.namespace
    assert rooms.jobs.studied(namespace) == ("[1]",)
    rooms.jobs.save_targets(second, "[2]")
    assert rooms.jobs.studied(namespace) == ("[1]", "[2]")
    assert rooms.jobs.studied(("memories", "somebody else")) == ()


@pytest.mark.parametrize(("count", "attempts", "state"), [(True, 1, JobState.FAILED), (False, 0, JobState.STOPPED)])
def test_a_failure_frees_the_turns_and_counts_only_if_told_to(rooms, count, attempts, state):
    one, _ = rooms.say("one", "two")
    job = rooms.lease(one)
    rooms.jobs.fail(job, error="the loss was NaN", count_attempt=count)
    assert [(turn.state, turn.attempts) for turn in rooms.turns.list()] == [
        (TurnState.PENDING, attempts),
        (TurnState.PENDING, 0),
    ]
    assert [(job.state, job.error) for job in rooms.jobs.list()] == [(state, "the loss was NaN")]
    assert rooms.lease(one).id == 2


def ends(rooms, job, now, how):
    if how in {"failed", "stopped", "too large"}:
        rooms.jobs.fail(job, error="no", count_attempt=how != "stopped", too_large=how == "too large")
    elif how == "abandoned":
        rooms.jobs.recover(now, all_owners=True)
    elif how == "done":
        rooms.commit(job, [turn.id for turn in job.episode.turns])
    elif how == "settled":
        rooms.jobs.settle(job)
    return dataclasses.replace(job, id=77) if how == "not in this folder" else job


@pytest.mark.parametrize(
    ("hows", "found"),
    [
        ([], 0),
        (["too large"], 2),
        (["too large", "stopped"], 2),  # which says nothing of its size
        (["too large", "abandoned"], 2),
        (["too large", "failed"], 0),
        (["failed", "too large"], 2),
        (["too large", "done"], 0),
    ],
)
def test_how_many_turns_were_too_many_the_last_time(rooms, now, hows, found):
    one, two = rooms.say("one", "two")
    for how in hows:
        ends(rooms, rooms.lease(one, two), now, how)
    assert [rooms.jobs.too_many_with(turn.id) for turn in (one, two)] == [found, found]
    assert rooms.jobs.too_many_with(77) == 0
    assert {turn.attempts for turn in rooms.turns.list()} == {sum(how in {"failed", "too large"} for how in hows)}


@pytest.mark.parametrize("how", ["failed", "too large", "stopped", "abandoned", "done", "not in this folder"])
def test_a_job_that_has_ended_can_do_nothing_more(rooms, now, how):
    job = ends(rooms, rooms.lease(*rooms.say("one")), now, how)
    before = rooms.dump()
    text = rf"job {job.id} of host:1:x is {how}, no longer running; drop its result and lease again"
    for act in (
        lambda: rooms.jobs.heartbeat(job, now, 60),
        lambda: rooms.jobs.save_targets(job, "[]"),
        lambda: rooms.jobs.fail(job, error="again", count_attempt=True),
        lambda: rooms.commit(job, [1]),
    ):
        with pytest.raises(ConsolidationError, match=text):
            act()
    assert rooms.dump() == before


@pytest.mark.parametrize(
    ("hows", "count"),
    [
        ("", None),
        ("running", 1),
        ("stopped", 1),
        ("abandoned", 1),
        ("stopped abandoned stopped running", 4),
        ("stopped failed", None),
        ("abandoned done", None),
        ("stopped stopped settled", None),
        ("stopped stopped failed abandoned", 1),
        ("done stopped stopped", 2),
    ],
)
def test_episodes_that_came_to_no_end_are_counted_in_a_row_up_to_the_last(rooms, now, hows, count):
    for text, how in enumerate(hows.split()):
        ends(rooms, rooms.lease(*rooms.say(str(text))), now, how)
    assert rooms.jobs.unfinished() == ({} if count is None else {ANA: count})


def test_they_are_counted_by_namespace(rooms, now):
    for namespace, how in ((ANA, "stopped"), (BEN, "stopped"), (ANA, "stopped"), (BEN, "failed"), (CY, "stopped")):
        ends(rooms, lease(rooms, now, namespace, *rooms.say("one", namespace=namespace)), now, how)
    assert rooms.jobs.unfinished() == {ANA: 2, CY: 1}
    assert Jobs(rooms.database, namespace=BEN).unfinished() == {ANA: 2, CY: 1}  # whoever asks


def test_recovery_of_all_owners_frees_every_running_job(rooms, now):
    one, two, three = rooms.say("one", "two", "three")
    rooms.commit(rooms.lease(one), [1])
    rooms.lease(two, owner="a")
    rooms.lease(three, owner="b")
    assert rooms.jobs.recover(now, all_owners=True) == 2
    assert rooms.states() == {1: "held", 2: "pending", 3: "pending"}
    assert [job.state for job in rooms.jobs.list()] == [
        JobState.DONE,
        JobState.ABANDONED,
        JobState.ABANDONED,
    ]
    assert [turn.attempts for turn in rooms.turns.list()] == [0, 0, 0]
    assert rooms.jobs.recover(now, all_owners=True) == 0


def test_a_namespace_recovers_its_own_jobs_alone(rooms, now):
    (mine,) = rooms.say("mine")
    (theirs,) = rooms.say("theirs", namespace=("memories", "ben"))
    rooms.lease(mine)
    rooms.jobs.lease(Episode(namespace=("memories", "ben"), turns=(theirs,)), owner="a", now=now, lease_seconds=60)
    assert Jobs(rooms.database, namespace=("memories", "ben")).recover(now, all_owners=True) == 1
    assert rooms.states() == {1: "leased", 2: "pending"}
    assert Jobs(rooms.database, namespace=("memories", "nobody")).recover(now, all_owners=True) == 0
    assert rooms.jobs.recover(now, all_owners=True) == 1


def test_recovery_of_expired_leases_leaves_the_living_alone(rooms, now):
    one, two = rooms.say("one", "two")
    rooms.lease(one)
    living = rooms.jobs.heartbeat(rooms.lease(two), now, 61)
    assert rooms.jobs.recover(now + timedelta(seconds=60), all_owners=False) == 1
    assert rooms.states() == {1: "pending", 2: "leased"}
    rooms.commit(living, [2])


def test_status_lists_every_job_with_its_turns(rooms, now):
    one, two, three = rooms.say("one", "two", "three")
    rooms.commit(rooms.lease(one, two), [1])
    rooms.lease(three)
    first, second = rooms.jobs.list()
    assert (first.id, first.namespace, first.turn_ids, first.base_version) == (1, ANA, (1, 2), 0)
    assert (second.id, second.state, second.turn_ids, second.base_version) == (2, JobState.RUNNING, (3,), 1)
    assert (second.owner, second.started_at, second.error) == ("host:1:x", now, None)
    assert str(second.state) == "running"


def test_a_lease_can_join_a_transaction_and_go_back_with_it(rooms, now):
    turns = rooms.say("one")
    before = rooms.dump()

    def work(c):
        episode = Episode(namespace=ANA, turns=turns)
        job = rooms.jobs.lease(episode, owner="x", now=now, lease_seconds=1, connection=c)
        rooms.jobs.save_targets(job, "[]", connection=c)
        rooms.jobs.heartbeat(job, now, 5, connection=c)
        assert rooms.jobs.load_targets(job, connection=c) == "[]"
        assert len(rooms.jobs.list(connection=c)) == 1
        assert rooms.jobs.unfinished(connection=c) == {ANA: 1}
        rooms.jobs.fail(job, error="no", count_attempt=True, connection=c)
        rooms.jobs.recover(now, all_owners=True, connection=c)

    rooms.crash_after(work)
    assert rooms.dump() == before
