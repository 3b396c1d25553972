"""Totals change nothing but the time: weights with and without them are the same to the bit, whatever happens."""

import errno
import logging
import shutil
import warnings

import pytest
import torch

from langchain_selfparam.engine import line as line_module
from langchain_selfparam.engine.line import Line, compact, path_deltas
from langchain_selfparam.errors import DamagedLedgerError
from langchain_selfparam.weights import totals as totals_module
from langchain_selfparam.weights.merge import digest
from langchain_selfparam.weights.totals import Totals, write_totals


def learn_until_compacted(house, most=60):
    """Versions until totals are written; the layers are small, so that takes some."""
    for number in range(most):
        house.learn(f"turn {len(house.store.turns.list())}-{number}")
        if compact(house.store, house.exact):
            return house.head.id
    pytest.fail("no totals were written")


def totals_of(house):
    return sorted(path.name for path in house.store.totals.iterdir())


def test_totals_are_written_when_deltas_take_more_room(house):
    version = learn_until_compacted(house)
    assert totals_of(house) == [f"v{version:06d}"]
    deltas = path_deltas(house.store, version)
    delta_bytes = sum(f.a.nbytes + f.b.nbytes for d in deltas for f in d.layers.values())
    size = sum(f.stat().st_size for f in (house.store.totals / f"v{version:06d}").iterdir())
    assert delta_bytes / 2 < size <= 1.2 * delta_bytes
    assert not compact(house.store, house.exact)


def test_reading_starts_at_the_totals(house, monkeypatch):
    version = learn_until_compacted(house)
    house.learn("later")
    whole = house.exact.candidate(path_deltas(house.store, version + 1))
    read = []
    real = line_module.read_delta
    monkeypatch.setattr(
        line_module, "read_delta", lambda *a, version, **k: read.append(version) or real(*a, version=version, **k)
    )
    line = Line.to(house.store, version + 1)
    assert read == [version + 1]
    assert line.totals.version == version
    assert digest(line.weights(house.exact)) == digest(whole) == house.head.weights_sha256


def test_the_running_sum_goes_on_to_the_bit(house):
    version = learn_until_compacted(house)
    more = house.delta(777)
    with_totals = Line.to(house.store, version).weights(house.exact, more)
    without = house.exact.candidate([*path_deltas(house.store, version), more])
    assert digest(with_totals) == digest(without)
    # Totals of totals are those of all deltas.
    line = Line.to(house.store, version)
    for (name, one), (other_name, other) in zip(
        house.exact.totals([more], start=line.totals),
        house.exact.totals([*path_deltas(house.store, version), more]),
        strict=True,
    ):
        assert name == other_name
        assert torch.equal(one, other)


def test_opening_rolling_back_and_going_on_as_without_totals(house, reopen):
    first = learn_until_compacted(house)
    weights = {first: house.everything()}
    house.learn("later")
    weights[first + 1] = house.everything()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = reopen(house)
        assert again.served.id == first + 1
        assert again.is_consistent()
        for version in (first - 1, first, first + 1):
            again.rollback(version)
            assert again.is_consistent()
            if version in weights:
                assert all(torch.equal(tensor, weights[version][name]) for name, tensor in again.everything().items())
    second = learn_until_compacted(again)
    assert totals_of(again) == [f"v{second:06d}"]
    assert again.is_consistent()


def test_totals_off_the_path_are_not_used(house):
    version = learn_until_compacted(house)
    house.rollback(version - 2)
    house.learn("another way")
    line = Line.to(house.store, house.head.id)
    assert line.totals is None
    assert house.is_consistent()


def spoil_a_layer(folder):
    path = folder / "0000.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (spoil_a_layer, "0000.safetensors is not what was written"),
        (lambda f: (f / "0001.safetensors").unlink(), "0001.safetensors cannot be read: No such file"),
        (lambda f: (f / "totals.json").write_text("{"), "totals.json cannot be read"),
        (lambda f: (f / "totals.json").write_text("[]"), "totals.json cannot be read"),
        (lambda f: (f / "totals.json").unlink(), "totals.json cannot be read"),
    ],
)
def test_damaged_totals_are_deleted_and_the_deltas_speak(house, reopen, spoil, text):
    version = learn_until_compacted(house)
    spoil(house.store.totals / f"v{version:06d}")
    with pytest.warns(RuntimeWarning, match=rf"{text}.*they were deleted, and the deltas are added up instead"):
        again = reopen(house)
    assert totals_of(again) == []
    assert again.served.id == version
    assert again.is_consistent()


def test_totals_damaged_while_open_are_noticed_at_the_next_use(house):
    version = learn_until_compacted(house)
    spoil_a_layer(house.store.totals / f"v{version:06d}")
    with pytest.warns(RuntimeWarning, match="they were deleted"):
        house.learn("later")
    assert house.is_consistent()


def test_totals_of_other_weights_are_found_out(house, reopen):
    version = learn_until_compacted(house)
    folder = house.store.totals / f"v{version:06d}"
    shutil.rmtree(folder)
    wrong = [(name, total + 1.0) for name, total in house.exact.totals(path_deltas(house.store, version))]
    write_totals(house.store.totals, version, wrong)
    with pytest.warns(
        RuntimeWarning, match=f"the totals of version {version} lead to other weights; they were deleted"
    ):
        again = reopen(house)
    assert again.is_consistent()


def test_damaged_totals_and_a_damaged_delta_lead_to_the_last_good_version(house, reopen):
    version = learn_until_compacted(house)
    spoil_a_layer(house.store.totals / f"v{version:06d}")
    house.path_of[3].write_bytes(b"no delta")
    with pytest.warns(RuntimeWarning) as caught:
        again = reopen(house)
    assert any("the delta of version 3 is damaged" in str(w.message) for w in caught)
    assert again.served.id == 2
    assert again.is_consistent()


def test_a_delta_below_the_totals_is_missed_only_where_it_is_needed(house, reopen):
    version = learn_until_compacted(house)
    house.path_of[3].unlink()
    again = reopen(house)
    assert again.served.id == version
    again.learn("later")
    with pytest.raises(DamagedLedgerError, match="the delta of version 3 is damaged"):
        again.rollback(version - 1)
    assert digest(again.exact.served(again.model)) == again.head.weights_sha256


def test_forgotten_versions_leave_no_totals(house):
    learn_until_compacted(house)
    house.forget(2)
    assert house.head.id == 1
    assert totals_of(house) == []
    assert house.is_consistent()


def test_a_full_disk_is_no_error(house, monkeypatch, caplog):
    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(totals_module, "write_whole", full)
        with caplog.at_level(logging.WARNING), pytest.raises(pytest.fail.Exception):
            learn_until_compacted(house, most=30)
    assert "could not be written (No space left on device)" in caplog.text
    assert totals_of(house) == []
    assert compact(house.store, house.exact)


def test_a_damaged_delta_is_no_reason_to_fail_after_a_commit(house):
    house.learn("a")
    house.path_of[1].unlink()
    assert not compact(house.store, house.exact)


def test_an_older_copy_of_the_ledger_deletes_nothing_that_the_newer_one_has(house, reopen):
    ledger = house.store.folder / "memory.sqlite"
    house.learn("a")
    house.store.close()
    older = ledger.read_bytes()
    again = reopen(house)
    again.learn("b")
    again.learn("c")
    again.store.close()
    newer, weights = ledger.read_bytes(), again.everything()
    ledger.write_bytes(older)
    with pytest.warns(
        RuntimeWarning, match=r"has files of versions that its ledger does not have yet \(v000002-.*, 2 in all"
    ):
        old = reopen(again)
    assert old.head.id == 1
    old.store.close()
    ledger.write_bytes(newer)
    back = reopen(old)
    assert back.is_consistent()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in back.everything().items())


def test_totals_that_cannot_be_dropped_are_not_gone_on_from(house, reopen, monkeypatch):
    version = learn_until_compacted(house)
    spoil_a_layer(house.store.totals / f"v{version:06d}")

    def refused(path, **options):
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(totals_module.shutil, "rmtree", refused)
    with pytest.raises(OSError, match="Device or resource busy"):
        reopen(house)
    monkeypatch.undo()


def test_halves_are_swept(house, reopen):
    house.learn("a")
    (house.store.totals / "v000001.tmp").mkdir()
    (house.store.totals / "v000009").mkdir()
    (house.store.totals / "a-file-of-the-users").write_text("kept")
    assert totals_of(reopen(house)) == ["a-file-of-the-users"]


def test_totals_of_another_shape_are_refused(house):
    version = learn_until_compacted(house)
    name = next(iter(house.exact.base))
    made = write_totals(house.store.totals, version, [(name, torch.zeros(2, 2, dtype=torch.float64))])
    with pytest.raises(DamagedLedgerError, match=rf"the totals of {name} are \[2, 2\], and the model has \["):
        house.exact.candidate([], start=made)


def test_files_are_for_their_owner_alone(house):
    version = learn_until_compacted(house)
    folder = house.store.totals / f"v{version:06d}"
    assert folder.stat().st_mode & 0o077 == 0
    assert all(f.stat().st_mode & 0o077 == 0 for f in folder.iterdir())
    assert Totals(folder).version == version
