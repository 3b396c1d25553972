"""Served weights follow the ledger: through commits, crashes, damage and rollbacks, to the bit."""

import contextlib
import errno
import re
import threading
import warnings

import pytest
import torch

from langchain_selfparam.engine import commit as door
from langchain_selfparam.errors import (
    ConsolidationError,
    DamagedLedgerError,
    FolderError,
    UnknownVersionError,
)
from langchain_selfparam.weights import files
from langchain_selfparam.weights.delta import Delta
from langchain_selfparam.weights.merge import ExactWeights, digest


def _same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[n], right[n]) for n in left)


def test_opening_a_new_folder_serves_the_base(house):
    assert house.served.id == 0
    assert house.head.weights_sha256 == digest(house.exact.base)
    assert house.is_consistent()


def test_commit_keeps_and_serves(house):
    before = house.everything()
    version = house.learn("a", "b", missed=["c"])
    assert (version.id, version.parent, version.is_head, version.turn_ids) == (1, 0, True, (1, 2))
    assert version.report == {"recall": 1.0, "learned_from": [1, 2, 3]}
    assert house.states == {"a": "held", "b": "held", "c": "pending"}
    assert version.delta_file.startswith("v000001-")
    assert not _same(house.everything(), before)
    assert house.is_consistent()


def test_commit_counts_attempts_as_told(house):
    turns = house.say("a", "b")
    house.commit(house.lease(turns), [], attempted_ids=[turns[1].id])
    assert [turn.attempts for turn in house.store.turns.list()] == [0, 1]


def test_reopened_folder_serves_the_same_to_the_bit(house, reopen):
    house.learn("a")
    house.learn("b")
    before = house.everything()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = reopen(house)
    assert again.served.id == 2
    assert _same(again.everything(), before)
    assert again.is_consistent()


def test_rollback_and_forward_are_exact_for_every_tensor(house):
    weights = [house.everything()]
    for text in ("a", "b", "c"):
        house.learn(text)
        weights.append(house.everything())
    for version in (1, 3, 0, 2, 2, 3, 0):
        house.rollback(version)
        assert house.head.id == version
        assert _same(house.everything(), weights[version])
        assert house.is_consistent()
        held = {text for text, state in house.states.items() if state == "held"}
        assert held == set("abc"[:version])


def test_rollback_tells_which_turns_are_pending(house):
    house.learn("a")
    house.learn("b")
    assert house.rollback(0) == (1, 2)
    assert house.rollback(1) == ()


def test_learning_after_a_rollback_makes_a_branch(house, reopen):
    for text in ("a", "b"):
        house.learn(text)
    house.rollback(1)
    version = house.learn("c")
    assert (version.id, version.parent) == (3, 1)
    assert version.delta_file.startswith("v000003-")
    assert reopen(house).is_consistent()


def test_rollback_to_what_is_not_there_is_refused(house):
    house.learn("a")
    before = house.snapshot()
    with pytest.raises(UnknownVersionError, match="there is no version 7; there are 0, 1"):
        house.rollback(7)
    assert house.snapshot() == before


def _full(*args):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("step", ["write", "fsync"])
def test_full_disk_during_commit_changes_nothing(house, monkeypatch, step):
    house.learn("a")
    turns = house.say("b")
    job = house.lease(turns)
    before = house.snapshot()
    monkeypatch.setattr(files.os, step, _full)
    with pytest.raises(FolderError, match=r"deltas/v000002-.* could not be written \(No space left on device\)"):
        house.commit(job, [turns[0].id])
    monkeypatch.undo()
    assert house.snapshot() == before
    house.commit(job, [turns[0].id])
    assert house.is_consistent()


class _Boom(BaseException):
    """As Ctrl-C, no Exception."""


def _breaking(monkeypatch, where, name, *, after=False, error=_Boom, act=lambda: None):
    """Let ``where.name`` raise once: before its work or after it."""
    real, done = getattr(where, name), []

    def breaks(*args, **kwargs):
        if done:
            return real(*args, **kwargs)
        done.append(name)
        if after:
            real(*args, **kwargs)
        act()
        raise error

    monkeypatch.setattr(where, name, breaks)


FAILURES = {
    "before the file": (door, "write_delta", False),
    "after the file": (door, "write_delta", True),
    "before the install": (ExactWeights, "install", False),
    "after the install": (ExactWeights, "install", True),
    "in the ledger": ("versions", "_set_head", False),
}


@pytest.mark.parametrize("where", FAILURES)
@pytest.mark.parametrize("error", [_Boom, RuntimeError])
def test_a_failure_before_the_ledger_is_written_changes_nothing(house, monkeypatch, reopen, where, error):
    house.learn("a")
    turns = house.say("b")
    job = house.lease(turns)
    before = house.snapshot()
    place, name, after = FAILURES[where]
    place = house.store.versions if place == "versions" else place
    _breaking(monkeypatch, place, name, after=after, error=error)
    with pytest.raises(error):
        house.commit(job, [turns[0].id])
    assert house.snapshot() == before
    assert house.commit(job, [turns[0].id]).id == 2
    assert house.is_consistent()
    assert reopen(house).is_consistent()


def test_ctrl_c_in_the_instant_after_the_ledger_was_written_keeps_the_commit(house, monkeypatch, reopen):
    turns = house.say("a")
    job = house.lease(turns)
    _breaking(monkeypatch, house.store.versions, "commit", after=True, error=KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        house.commit(job, [turns[0].id])
    assert house.head.id == 1
    assert house.states == {"a": "held"}
    assert house.is_consistent()
    assert reopen(house).is_consistent()


KILLS = {
    "with half a file": (files, "sync_folder", False, 0),
    "after the file": (door, "write_delta", True, 0),
    "with the weights in": (ExactWeights, "install", True, 0),
    "after the ledger": ("versions", "commit", True, 1),
}


@pytest.mark.parametrize("where", KILLS)
def test_a_kill_at_any_step_leaves_a_folder_that_opens(house, monkeypatch, open_house, killed_at, where):
    kept = []
    house.say("earlier")
    turns = house.say("a")
    job = house.lease(turns)
    place, name, after, head = KILLS[where]
    place = house.store.versions if place == "versions" else place
    _breaking(monkeypatch, place, name, after=after, act=lambda: kept.append(killed_at(house, "now")))
    with contextlib.suppress(_Boom):
        house.commit(job, [turns[0].id])
    monkeypatch.undo()
    after_kill = open_house(kept[0])
    assert after_kill.head.id == head
    assert after_kill.states == {"earlier": "pending", "a": "held" if head else "pending"}
    assert after_kill.is_consistent()
    after_kill.learn("b")
    assert after_kill.is_consistent()


def test_rollback_that_fails_changes_nothing(house, monkeypatch):
    house.learn("a")
    before = house.snapshot()
    for place, name in ((ExactWeights, "install"), (house.store.versions, "move_head")):
        with monkeypatch.context() as patch:
            _breaking(patch, place, name)
            with pytest.raises(_Boom):
                house.rollback(0)
        assert house.snapshot() == before


def test_job_whose_head_moved_is_refused(house):
    house.learn("a")
    turns = house.say("b")
    job = house.lease(turns)
    house.rollback(0)
    before = house.snapshot()
    with pytest.raises(ConsolidationError, match="learned on version 1, but the head is version 0 now"):
        house.commit(job, [turns[0].id])
    assert house.snapshot() == before


def test_delta_that_is_not_finite_is_refused(house):
    turns = house.say("a")
    job = house.lease(turns)
    before = house.snapshot()
    bad = house.delta(1).scaled(float("nan"))
    with pytest.raises(ConsolidationError, match=r"q_proj \(and 13 other layers\) would be infinite or not a"):
        house.commit(job, [turns[0].id], delta=bad)
    assert house.snapshot() == before


def test_damaged_delta_is_named_and_the_last_good_version_served(house, reopen):
    weights = []
    for text in ("a", "b", "c"):
        house.learn(text)
        weights.append(house.everything())
    path = house.path_of[2]
    path.write_bytes(path.read_bytes()[:-1])
    text = (
        rf"delta of version 2 is damaged: {re.escape(str(path))} has the sha256 .*"
        r"\. Version 1 is served instead, and turn 2, 3 is pending again"
    )
    with pytest.warns(RuntimeWarning, match=text):
        again = reopen(house)
    assert again.served.id == again.head.id == 1
    assert again.states == {"a": "held", "b": "pending", "c": "pending"}
    assert _same(again.everything(), weights[0])
    assert again.store.versions.events()[-1].kind == "damage"
    assert len(again.files) == 3
    before = again.snapshot()
    with pytest.raises(DamagedLedgerError, match=rf"version 2 is damaged: .*{path.name}"):
        again.rollback(3)
    assert again.snapshot() == before
    assert again.learn("d").parent == 1


def test_missing_first_delta_serves_the_base_and_a_copy_put_back_serves_again(house, reopen):
    house.learn("a")
    weights, path = house.everything(), house.path_of[1]
    data = path.read_bytes()
    path.unlink()
    with pytest.warns(RuntimeWarning, match=r"version 1 is damaged: .* cannot be read: No such file"):
        again = reopen(house)
    assert (again.served.id, again.states) == (0, {"a": "pending"})
    path.write_bytes(data)
    again.rollback(1)
    assert _same(again.everything(), weights)
    assert again.states == {"a": "held"}


def test_commit_on_a_damaged_path_is_refused(house):
    house.learn("a")
    turns = house.say("b")
    job = house.lease(turns)
    house.path_of[1].write_bytes(b"")
    before = house.snapshot()
    with pytest.raises(DamagedLedgerError, match="delta of version 1 is damaged"):
        house.commit(job, [turns[0].id])
    assert house.snapshot() == before


def test_orphans_are_swept_at_opening(house, reopen):
    house.learn("a")
    named = house.files
    (house.store.deltas / "v000002-01234567.safetensors").write_bytes(b"orphan")
    (house.store.deltas / f"{named[0]}.tmp").write_bytes(b"half")
    assert reopen(house).files == named


def test_other_arithmetic_only_warns(house, reopen, monkeypatch):
    version = house.learn("a")
    monkeypatch.setattr(door, "digest", lambda tensors: "0" * 64)
    text = f"weights of version 1 have the digest 00000000, and had {version.weights_sha256[:8]} when"
    with pytest.warns(RuntimeWarning, match=text):
        again = reopen(house)
    assert again.served.id == 1
    with pytest.warns(RuntimeWarning, match=text):
        again.rollback(1)


def test_readers_see_whole_versions_while_they_change(house, in_thread, monkeypatch):
    monkeypatch.setattr(door, "_PATIENCE", 0.05)  # there is no moment without a reader to wait for
    house.learn("a")
    house.learn("b")
    whole, seen, done = {v.weights_sha256 for v in house.store.versions.list()}, set(), threading.Event()

    def read():
        while not done.is_set():
            with house.gate.reading():
                head = house.head.weights_sha256
                found = digest(house.exact.served(house.model))
                assert found == head
                seen.add(found)

    with in_thread(read), in_thread(read):
        for version in (0, 1, 2, 0, 2, 1, 0):
            house.rollback(version)
        done.set()
    assert seen <= whole


def test_commit_inside_reading_is_refused_before_anything_changes(house):
    turns = house.say("a")
    job = house.lease(turns)
    before = house.snapshot()
    with house.gate.reading(), pytest.raises(RuntimeError, match="leave that before writing"):
        house.commit(job, [turns[0].id])
    assert house.snapshot() == before


def test_empty_delta_is_a_version_like_any_other(house, reopen):
    turns = house.say("a")
    house.commit(house.lease(turns), [], delta=Delta({}))
    assert house.head.weights_sha256 == digest(house.exact.base)
    assert reopen(house).is_consistent()
