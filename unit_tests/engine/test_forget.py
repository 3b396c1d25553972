"""What is forgotten is gone from journal, ledger, files and weights; nothing else is lost."""

import pytest
import torch

from langchain_selfparam.engine import forget as room
from langchain_selfparam.errors import ConsolidationError, DamagedLedgerError, UnknownTurnError
from langchain_selfparam.store import Turns
from langchain_selfparam.weights.merge import ExactWeights


def _same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[n], right[n]) for n in left)


def _texts_on_disk(house):
    return b"".join(p.read_bytes() for p in house.store.folder.glob("memory.sqlite*"))


def test_held_turn_takes_its_version_and_those_built_on_it(house, reopen):
    house.learn("keep one")
    weights = house.everything()
    house.learn("secret", "shared")
    house.learn("later")
    done = house.forget(2)
    assert (done.turns, done.versions, done.served, done.relearn) == ((2,), (2, 3), 1, (3, 4))
    assert house.states == {"keep one": "held", "shared": "pending", "later": "pending"}
    assert [v.id for v in house.store.versions.list()] == [0, 1]
    assert _same(house.everything(), weights)
    assert house.is_consistent()
    assert house.store.versions.events()[-1].kind == "forget"
    assert b"secret" not in _texts_on_disk(house)
    again = reopen(house)
    assert again.is_consistent()
    assert _same(again.everything(), weights)


def test_words_that_later_jobs_repeated_are_gone_too(house):
    """What a version was taught is asked again by those built on it, also by jobs that failed there."""
    replay = '{"kind": "replay", "prompt": "Who?", "answer": "Zanzibar"}'
    house.learn("keep one")
    kept = house.lease(house.say("keep two"))
    house.store.jobs.save_targets(kept, '{"answer": "keep two"}')
    house.commit(kept, [2])
    house.learn("Zanzibar")
    for held in (True, False):
        job = house.lease(house.say("later"))
        house.store.jobs.save_targets(job, replay)
        if held:
            house.commit(job, [job.episode.turns[0].id])
        else:
            house.store.jobs.fail(job, error="Zanzibar was not answered", count_attempt=True)
    assert b"Zanzibar" in _texts_on_disk(house)
    assert house.forget(3).versions == (3, 4)
    assert b"Zanzibar" not in _texts_on_disk(house)
    assert house.store.jobs.load_targets(kept) == '{"answer": "keep two"}'
    assert house.states == {"keep one": "held", "keep two": "held", "later": "pending"}


def test_forgetting_the_first_turn_serves_the_base(house):
    house.learn("a")
    house.learn("b")
    done = house.forget(1)
    assert (done.served, done.versions, done.relearn) == (0, (1, 2), (2,))
    assert _same(house.exact.served(house.model), dict(house.exact.base))


def test_turn_that_was_trained_on_and_not_held_taints_too(house):
    house.learn("a", missed=["b"])
    assert house.states == {"a": "held", "b": "pending"}
    done = house.forget(2)
    assert (done.versions, done.served, done.relearn) == ((1,), 0, (1,))
    assert house.states == {"a": "pending"}


def test_pending_turn_is_simply_deleted(house):
    house.learn("a")
    house.say("b", "c")
    weights, events = house.everything(), house.store.versions.events()
    done = house.forget(2)
    assert (done.turns, done.versions, done.served, done.relearn) == ((2,), (), 1, ())
    assert house.states == {"a": "held", "c": "pending"}
    assert _same(house.everything(), weights)
    assert house.store.versions.events() == events


def test_cleared_turn_can_be_forgotten(house):
    turn = house.say("a")[0]
    house.store.turns.clear(turn.namespace)
    assert house.forget(turn.id).turns == (turn.id,)
    assert house.states == {}


def test_other_branches_that_learned_it_go_and_the_head_stays(house):
    house.learn("a")
    house.learn("b")
    house.rollback(1)
    house.learn("c")
    assert house.head.id == 3
    weights = house.everything()
    done = house.forget(2)
    assert (done.versions, done.served, done.relearn) == ((2,), 3, ())
    assert house.states == {"a": "held", "c": "held"}
    assert _same(house.everything(), weights)
    assert house.is_consistent()


def test_several_turns_go_back_to_the_earliest(house):
    for text in ("a", "b", "c", "d"):
        house.learn(text)
    done = house.forget(4, 2, 4)
    assert (done.turns, done.versions, done.served, done.relearn) == ((4, 2), (2, 3, 4), 1, (3,))
    assert house.is_consistent()


def test_ids_of_removed_versions_do_not_come_back(house):
    house.learn("a")
    house.learn("b")
    house.forget(2)
    version = house.learn("c")
    assert version.id == 3
    assert version.delta_file.startswith("v000003-")
    assert house.is_consistent()


def test_relearned_turns_can_be_forgotten_again(house):
    house.learn("a", "b")
    house.forget(1)
    left = house.store.turns.list()
    house.commit(house.lease(left), [left[0].id])
    assert house.states == {"b": "held"}
    assert house.forget(2).served == 0
    assert house.states == {}


def test_leased_turn_is_refused_with_what_to_do(house):
    house.learn("a")
    house.lease(house.say("b"))
    before = house.snapshot()
    with pytest.raises(ConsolidationError, match=r"turn 2 cannot be forgotten now: .* wait for it with flush\(\)"):
        house.forget(1, 2)
    assert house.snapshot() == before


def test_unknown_turn_is_refused(house):
    house.learn("a")
    before = house.snapshot()
    with pytest.raises(UnknownTurnError, match="there is no turn 8, 9"):
        house.forget(1, 9, 8)
    assert house.snapshot() == before


def test_nothing_to_forget_changes_nothing(house):
    house.learn("a")
    before = house.snapshot()
    assert house.forget().turns == ()
    assert house.snapshot() == before


def test_damage_below_the_removed_versions_is_refused(house):
    house.learn("a")
    house.learn("b")
    house.path_of[1].write_bytes(b"")
    before = house.snapshot()
    with pytest.raises(DamagedLedgerError, match="delta of version 1 is damaged"):
        house.forget(2)
    assert house.snapshot() == before


def test_damage_in_the_removed_versions_is_no_obstacle(house):
    house.learn("a")
    house.learn("b")
    house.path_of[2].write_bytes(b"")
    assert house.forget(2).served == 1
    assert house.is_consistent()


@pytest.mark.parametrize(
    ("place", "name"), [(ExactWeights, "install"), (Turns, "delete"), (room, "swapped"), (room, "_delete")]
)
def test_a_failure_on_the_way_changes_nothing(house, monkeypatch, place, name):
    house.learn("a")
    house.learn("b")
    before = house.snapshot()

    def breaks(*args, **kwargs):
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(place, name, breaks)
    with pytest.raises(KeyboardInterrupt):
        house.forget(2)
    assert house.snapshot() == before
    assert house.forget(2).served == 1


def test_a_kill_before_the_files_go_is_mended_at_opening(house, monkeypatch, open_house, killed_at):
    kept = []
    house.learn("a")
    house.learn("b")
    monkeypatch.setattr(room, "sweep", lambda store: kept.append(killed_at(house, "files")))
    house.forget(2)
    after = open_house(kept[0])
    assert (after.head.id, after.states) == (1, {"a": "held"})
    assert after.is_consistent()


def test_job_that_learned_on_removed_weights_cannot_be_committed(house):
    house.learn("a")
    turns = house.say("b")
    job = house.lease(turns)
    house.forget(1)
    with pytest.raises(ConsolidationError, match="learned on version 1, but the head is version 0 now"):
        house.commit(job, [turns[0].id])
    assert house.is_consistent()
