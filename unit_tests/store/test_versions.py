import signal
import subprocess
import sys
import textwrap
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from langchain_selfparam import store
from langchain_selfparam.errors import ConfigError, ConsolidationError, UnknownVersionError
from langchain_selfparam.records import Episode, TurnState, Version
from langchain_selfparam.store import Database, JobState, Turns, Versions

ANA = ("memories", "ana")


def standing(rooms):
    return {turn.id: (str(turn.state), turn.version, turn.attempts) for turn in rooms.turns.list()}


def test_version_0_is_made_once_and_given_a_digest_once(rooms, now):
    root = rooms.versions.ensure_root(created_at=now + timedelta(days=1))
    assert root == Version(
        id=0,
        parent=None,
        namespace=(),
        created_at=now,
        delta_file=None,
        delta_sha256=None,
        weights_sha256=None,
        is_head=True,
    )
    assert rooms.versions.ensure_root(created_at=now, weights_sha256="aa").weights_sha256 == "aa"
    assert rooms.versions.ensure_root(created_at=now, weights_sha256="bb").weights_sha256 == "aa"
    assert rooms.versions.list() == rooms.versions.path(0) == (rooms.versions.head(),)


def test_something_is_learned_where_there_is_a_version_beside_0(rooms):
    of = [Versions(rooms.versions._database, namespace=who) for who in (None, ANA, ("memories", "bob"))]
    assert [versions.learned() for versions in of] == [False, False, False]
    rooms.learn("one")
    rooms.versions.move_head(0, created_at=rooms.versions.get(1).created_at)
    assert [versions.learned() for versions in of] == [True, True, False]


def test_without_version_0_there_is_no_head(tmp_path):
    database = Database(tmp_path)
    with pytest.raises(UnknownVersionError, match="there is no version yet; call ensure_root first"):
        Versions(database).head()
    with pytest.raises(UnknownVersionError, match="there is no version 0; there are none yet"):
        Versions(database).get(0)
    database.close()


def test_a_commit_does_all_that_belongs_to_it(rooms, now):
    job = rooms.lease(*rooms.say("one", "two", "three"))
    version = rooms.commit(
        job,
        [1, 3],
        delta_file="a.safetensors",
        delta_sha256="dd",
        weights_sha256="ww",
        report={"recall": 0.5, "held": (1, 3)},
    )
    assert version == Version(
        id=1,
        parent=0,
        namespace=ANA,
        created_at=now,
        delta_file="a.safetensors",
        delta_sha256="dd",
        weights_sha256="ww",
        turn_ids=(1, 3),
        report={"recall": 0.5, "held": [1, 3]},
        is_head=True,
    )
    assert rooms.versions.head() == version == rooms.versions.get(1)
    assert standing(rooms) == {1: ("held", 1, 0), 2: ("pending", None, 1), 3: ("held", 1, 0)}
    assert rooms.jobs.list()[0].state is JobState.DONE
    assert [(e.kind, e.from_version, e.to_version, e.created_at) for e in rooms.versions.events()] == [
        ("commit", 0, 1, now)
    ]
    assert not rooms.versions.get(0).is_head


def test_only_attempted_turns_have_an_attempt_counted(rooms):
    rooms.commit(rooms.lease(*rooms.say("one", "two", "three")), [1], attempted_ids=[1, 3])
    assert standing(rooms) == {1: ("held", 1, 0), 2: ("pending", None, 0), 3: ("pending", None, 1)}


def test_a_commit_that_holds_nothing_is_a_version_all_the_same(rooms):
    assert rooms.commit(rooms.lease(*rooms.say("one")), []).turn_ids == ()
    assert standing(rooms) == {1: ("pending", None, 1)}


def test_turns_that_the_job_has_not_leased_are_refused(rooms):
    one, two, _ = rooms.say("one", "two", "three")
    job = rooms.lease(one, two)
    before = rooms.dump()
    with pytest.raises(ConsolidationError, match="job 1 has leased 1, 2, not 3, 9"):
        rooms.commit(job, [1, 3, 9])
    with pytest.raises(ConsolidationError, match="job 1 has leased 1, 2, not 3"):
        rooms.commit(job, [1], attempted_ids=[3])
    assert rooms.dump() == before


def test_a_delta_for_other_weights_is_refused(rooms, now):
    rooms.learn("one")
    job = rooms.lease(*rooms.say("two"))
    rooms.versions.move_head(0, created_at=now)
    before = rooms.dump()
    text = "job 2 learned on version 1, but the head is version 0 now; drop its delta and consolidate again"
    with pytest.raises(ConsolidationError, match=text):
        rooms.commit(job, [2])
    assert rooms.dump() == before
    rooms.jobs.fail(job, error="head moved", count_attempt=False)
    assert standing(rooms) == {1: ("pending", None, 0), 2: ("pending", None, 0)}


def test_a_job_that_lost_its_turns_to_a_move_cannot_hold_them(rooms, now):
    rooms.learn("one")
    rooms.versions.move_head(0, created_at=now)
    job = rooms.lease(*rooms.turns.get([1]))
    rooms.versions.move_head(1, created_at=now)
    assert standing(rooms) == {1: ("held", 1, 0)}
    rooms.versions.move_head(0, created_at=now)
    with pytest.raises(ConsolidationError, match="job 2 has leased nothing, not 1"):
        rooms.commit(job, [1])


@pytest.mark.parametrize(
    "step",
    [
        "INSERT ON versions",
        "INSERT ON version_turns",
        "UPDATE OF state ON turns WHEN new.state = 'held'",
        "UPDATE OF state ON turns WHEN new.state = 'pending'",
        "UPDATE ON heads",
        "INSERT ON events",
        "UPDATE ON jobs",
    ],
)
def test_a_commit_that_breaks_at_any_step_changes_nothing(rooms, step):
    rooms.learn("one")
    job = rooms.lease(*rooms.say("two", "three"))
    what, _, when = step.partition(" WHEN ")
    when = f"WHEN {when}" if when else ""
    with rooms.database.transaction() as c:
        c.exec_driver_sql(f"CREATE TRIGGER broken AFTER {what} {when} BEGIN SELECT RAISE(ABORT, 'broken'); END")
    before = rooms.dump()
    with pytest.raises(Exception, match="broken"):
        rooms.commit(job, [2])
    assert rooms.dump() == before
    with rooms.database.transaction() as c:
        c.exec_driver_sql("DROP TRIGGER broken")
    assert rooms.commit(job, [2]).parent == 1


def test_a_crash_after_the_commit_but_inside_its_transaction_changes_nothing(rooms, now):
    job = rooms.lease(*rooms.say("one"))
    before = rooms.dump()
    rooms.crash_after(lambda c: rooms.commit(job, [1], connection=c))
    assert rooms.dump() == before


KILLED_IN_THE_MIDDLE = """
    import os, signal, sys
    from datetime import datetime, timezone
    from langchain_selfparam.records import Episode
    from langchain_selfparam.store import Store
    now = datetime.now(timezone.utc)
    store = Store.open(sys.argv[1], base_model="m", base_fingerprint="f")
    turn = store.turns.append(namespace=("a",), thread="", user="u", assistant="a", created_at=now)
    episode = Episode(namespace=("a",), turns=(turn,))
    job = store.jobs.lease(episode, owner="x", now=now, lease_seconds=60)
    with store.database.transaction() as c:
        store.versions.commit(
            job=job, delta_file="d", delta_sha256="d", weights_sha256=None, held_ids=[1], report={},
            created_at=now, connection=c,
        )
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_killed_in_the_middle_of_a_commit_left_nothing_of_it(tmp_path):
    program = [sys.executable, "-c", textwrap.dedent(KILLED_IN_THE_MIDDLE), str(tmp_path)]
    done = subprocess.run(program, cwd=Path(store.__file__).parents[2], check=False)
    assert done.returncode == -signal.SIGKILL
    with store.Store.open(tmp_path, base_model="m", base_fingerprint="f") as opened:
        assert [version.id for version in opened.versions.list()] == [0]
        assert [(turn.user, turn.state) for turn in opened.turns.list()] == [("u", TurnState.PENDING)]
        assert [job.state for job in opened.jobs.list()] == [JobState.ABANDONED]


def test_back_to_0_and_forward_again_brings_back_what_was_held(rooms, now):
    rooms.learn("one")
    rooms.commit(rooms.lease(*rooms.say("two", "three")), [2])
    rooms.commit(rooms.lease(*rooms.turns.get([3])), [3])
    held = {1: ("held", 1, 0), 2: ("held", 2, 0), 3: ("held", 3, 1)}
    assert standing(rooms) == held

    assert rooms.versions.move_head(0, created_at=now) == (1, 2, 3)
    assert standing(rooms) == dict.fromkeys((1, 2, 3), ("pending", None, 0))
    assert rooms.versions.head().id == 0

    assert rooms.versions.move_head(3, created_at=now + timedelta(hours=1)) == ()
    assert standing(rooms) == {**held, 3: ("held", 3, 0)}
    assert [(e.kind, e.from_version, e.to_version) for e in rooms.versions.events()][3:] == [
        ("rollback", 3, 0),
        ("rollback", 0, 3),
    ]
    assert rooms.versions.events()[-1].created_at == now + timedelta(hours=1)


def test_part_of_the_way_back_frees_only_what_came_later(rooms, now):
    for text in ("one", "two", "three"):
        rooms.learn(text)
    assert rooms.versions.move_head(1, created_at=now, kind="forget") == (2, 3)
    assert standing(rooms) == {1: ("held", 1, 0), 2: ("pending", None, 0), 3: ("pending", None, 0)}
    assert rooms.versions.events()[-1].kind == "forget"


def test_branches_hold_their_own_turns(rooms, now):
    rooms.learn("one")
    rooms.learn("two")
    rooms.versions.move_head(1, created_at=now)
    rooms.commit(rooms.lease(*rooms.turns.get([2]), *rooms.say("three")), [2, 3])
    assert [version.id for version in rooms.versions.path(3)] == [0, 1, 3]
    assert standing(rooms) == {1: ("held", 1, 0), 2: ("held", 3, 0), 3: ("held", 3, 0)}
    assert rooms.versions.move_head(2, created_at=now) == (3,)
    assert standing(rooms) == {1: ("held", 1, 0), 2: ("held", 2, 0), 3: ("pending", None, 0)}
    assert [version.id for version in rooms.versions.path(2)] == [0, 1, 2]
    assert [(v.id, v.parent, v.turn_ids, v.is_head) for v in rooms.versions.list()] == [
        (0, None, (), False),
        (1, 0, (1,), False),
        (2, 1, (2,), True),
        (3, 1, (2, 3), False),
    ]


def test_turns_said_or_cleared_meanwhile_follow_the_weights(rooms, now):
    rooms.learn("one")
    rooms.versions.move_head(0, created_at=now)
    rooms.say("two")
    rooms.turns.clear(ANA)
    rooms.versions.move_head(1, created_at=now)
    assert standing(rooms) == {1: ("held", 1, 0), 2: ("cleared", None, 0)}


def test_a_forgotten_turn_does_not_come_back(rooms, now):
    rooms.commit(rooms.lease(*rooms.say("one", "two")), [1, 2])
    rooms.versions.move_head(0, created_at=now)
    rooms.turns.delete([1])
    rooms.versions.move_head(1, created_at=now)
    assert standing(rooms) == {2: ("held", 1, 0)}
    assert rooms.versions.get(1).turn_ids == (2,)


def test_a_move_that_breaks_changes_nothing(rooms, now):
    rooms.learn("one")
    before = rooms.dump()
    rooms.crash_after(lambda c: rooms.versions.move_head(0, created_at=now, connection=c))
    assert rooms.dump() == before


def test_unknown_versions_are_refused_and_the_known_ones_named(rooms, now):
    rooms.learn("one")
    before = rooms.dump()
    for act in (
        lambda: rooms.versions.get(7),
        lambda: rooms.versions.path(7),
        lambda: rooms.versions.move_head(7, created_at=now),
        lambda: rooms.versions.delete([7]),
    ):
        with pytest.raises(UnknownVersionError, match="there is no version 7; there are 0, 1"):
            act()
    assert rooms.dump() == before


def test_times_need_a_zone(rooms):
    with pytest.raises(ConfigError, match=r"created_at is .* it has to have a timezone"):
        rooms.versions.move_head(0, created_at=datetime(2025, 3, 1))


def test_versions_that_nothing_needs_are_removed_and_their_ids_stay_used(rooms, now):
    for text in ("one", "two", "three"):
        rooms.learn(text)
    rooms.versions.move_head(1, created_at=now)
    rooms.versions.delete([2, 3])
    assert [version.id for version in rooms.versions.list()] == [0, 1]
    assert rooms.learn("four").id == 4
    assert [(e.from_version, e.to_version) for e in rooms.versions.events()][:3] == [(0, 1), (1, 2), (2, 3)]


def test_versions_that_are_needed_are_not_removed(rooms, now):
    for text in ("one", "two", "three"):
        rooms.learn(text)
    rooms.versions.move_head(1, created_at=now)
    before = rooms.dump()
    with pytest.raises(ConsolidationError, match="version 0, 1 cannot be deleted: the head needs it; move"):
        rooms.versions.delete([0, 1, 2, 3])
    with pytest.raises(ConsolidationError, match="version 3 would be left without its parent; delete it"):
        rooms.versions.delete([2])
    assert rooms.dump() == before


def test_a_whole_forgetting_fits_into_one_transaction(rooms, now):
    for text in ("one", "two", "three"):
        rooms.learn(text)
    with rooms.database.transaction() as c:
        freed = rooms.versions.move_head(1, created_at=now, kind="forget", connection=c)
        assert freed == (2, 3)
        rooms.versions.delete([2, 3], connection=c)
        rooms.turns.delete([2], connection=c)
        episode = Episode(namespace=ANA, turns=rooms.turns.get([3], connection=c))
        job = rooms.jobs.lease(episode, owner="x", now=now, lease_seconds=60, connection=c)
        rooms.commit(job, [3], connection=c)
    assert standing(rooms) == {1: ("held", 1, 0), 3: ("held", 4, 0)}
    assert [(version.id, version.parent) for version in rooms.versions.list()] == [(0, None), (1, 0), (4, 1)]


def test_another_opening_sees_the_same(rooms):
    rooms.learn("one")
    rooms.database.close()
    database = Database(rooms.folder)
    assert Versions(database).head().turn_ids == (1,)
    assert Turns(database).get([1])[0].version == 1
    database.close()


def test_a_turn_that_is_lost_is_pending_until_it_is_learned_again(rooms):
    rooms.learn("one", "two")
    second = rooms.commit(rooms.lease(*rooms.say("three")), [3], lost_ids=[1])
    assert (second.turn_ids, second.lost_ids) == ((3,), (1,))
    assert standing(rooms) == {1: ("pending", None, 1), 2: ("held", 1, 0), 3: ("held", 2, 0)}
    assert rooms.versions.holding(2) == {2: 1, 3: 2}
    assert (rooms.versions.lost(1), rooms.versions.lost(2)) == (set(), {1})
    rooms.commit(rooms.lease(*rooms.turns.get([1])), [1], lost_ids=[3])
    assert standing(rooms) == {1: ("held", 3, 1), 2: ("held", 1, 0), 3: ("pending", None, 1)}
    assert rooms.versions.holding(3) == {1: 3, 2: 1}
    assert rooms.versions.lost(3) == {3}
    assert rooms.versions.holding(0) == {}
    text = "there is no version 4; there are 0, 1, 2, 3"
    for asking in (rooms.versions.holding, rooms.versions.lost):
        with pytest.raises(UnknownVersionError, match=text):
            asking(4)


def test_each_loss_is_an_attempt_and_what_was_tried_before_it_was_held_is_none(rooms):
    rooms.commit(rooms.lease(*rooms.say("one", "two")), [2])
    rooms.commit(rooms.lease(*rooms.turns.get([1])), [1])
    assert standing(rooms)[1] == ("held", 2, 1)
    rooms.commit(rooms.lease(*rooms.say("three")), [3], lost_ids=[1])
    assert standing(rooms)[1] == ("pending", None, 1)
    rooms.commit(rooms.lease(*rooms.turns.get([1])), [1])
    rooms.commit(rooms.lease(*rooms.say("four")), [4], lost_ids=[1])
    assert standing(rooms)[1] == ("pending", None, 2)


def test_what_a_version_lost_is_lost_wherever_the_head_moves_above_it(rooms, now):
    rooms.learn("one", "two")
    rooms.commit(rooms.lease(*rooms.say("three")), [3], lost_ids=[1])
    rooms.commit(rooms.lease(*rooms.turns.get([1])), [1])
    where = {}
    for version in (3, 2, 1, 0, 2, 3, 1, 3, 0, 3, 2, 0):
        rooms.versions.move_head(version, created_at=now)
        state = {i: (name, by) for i, (name, by, _) in standing(rooms).items()}
        assert where.setdefault(version, state) == state
        # The attempt that was lost with version 2 is none below it.
        assert standing(rooms)[1][2] == {0: 0, 2: 1}.get(version, standing(rooms)[1][2])
    assert where == {
        0: {1: ("pending", None), 2: ("pending", None), 3: ("pending", None)},
        1: {1: ("held", 1), 2: ("held", 1), 3: ("pending", None)},
        2: {1: ("pending", None), 2: ("held", 1), 3: ("held", 2)},
        3: {1: ("held", 3), 2: ("held", 1), 3: ("held", 2)},
    }


def test_the_losses_of_others_stay_as_they_are_where_one_moves_back(rooms, now):
    database = rooms.versions._database
    mine, theirs = Versions(database, namespace=ANA), Versions(database, namespace=("memories", "bob"))
    theirs.ensure_root(created_at=now)
    mine.ensure_root(created_at=now)
    rooms.learn("one", "two")
    rooms.commit(rooms.lease(*rooms.say("three")), [3], lost_ids=[1])
    before = standing(rooms)
    theirs.move_head(0, created_at=now)
    assert standing(rooms) == before


def test_only_what_is_held_can_be_lost(rooms):
    one, _ = rooms.say("one", "two")
    assert rooms.commit(rooms.lease(one), [1], lost_ids=[1, 2, 77]).lost_ids == ()
    assert standing(rooms) == {1: ("held", 1, 0), 2: ("pending", None, 0)}
