"""Delta files come back to the bit, whole or not at all, and damage is named."""

import errno
import os
import re
import stat

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from langchain_selfparam.errors import DamagedLedgerError, FolderError
from langchain_selfparam.weights import files
from langchain_selfparam.weights.delta import Delta, Factors
from langchain_selfparam.weights.files import read_delta, sweep_orphans, write_delta


@pytest.fixture
def delta(tiny, make_delta):
    return make_delta(tiny.model, 1)


@pytest.fixture
def full_disk(monkeypatch):
    def arm(step):
        real, calls = getattr(os, step), []

        def full(*args):
            calls.append(args)
            if step == "write" and len(calls) == 1:
                return real(args[0], args[1][:100])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(files.os, step, full)
        return calls

    return arm


def test_written_and_read_back_to_the_bit(tmp_path, delta):
    written = write_delta(tmp_path, 7, delta, metadata={"parent": "6"})
    assert re.fullmatch(r"v000007-[0-9a-f]{8}\.safetensors", written.name)
    assert written.sha256.startswith(written.name[8:16])
    path = tmp_path / written.name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
    found = read_delta(path, sha256=written.sha256, version=7)
    assert found.layers.keys() == delta.layers.keys()
    for name, factors in found.layers.items():
        assert torch.equal(factors.a, delta.layers[name].a)
        assert torch.equal(factors.b, delta.layers[name].b)
    with safe_open(path, "pt") as opened:
        assert opened.metadata() == {"format": "selfparam-delta/1", "parent": "6"}


@pytest.mark.parametrize("step", ["write", "fsync"])
def test_full_disk_leaves_nothing_and_says_so(tmp_path, delta, full_disk, step):
    calls = full_disk(step)
    with pytest.raises(FolderError, match=rf"{re.escape(str(tmp_path))}.*No space left on device.*make room"):
        write_delta(tmp_path, 1, delta, metadata={})
    assert calls
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_flushed_leaves_nothing(tmp_path, delta, monkeypatch):
    def fails(folder):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(files, "sync_folder", fails)
    with pytest.raises(FolderError, match="Input/output error"):
        write_delta(tmp_path, 1, delta, metadata={})
    assert list(tmp_path.iterdir()) == []


def test_a_half_left_by_a_killed_process_is_no_obstacle(tmp_path, delta):
    first = write_delta(tmp_path, 1, delta, metadata={})
    data = (tmp_path / first.name).read_bytes()
    (tmp_path / f"{first.name}.tmp").write_bytes(b"half")
    files.write_whole(tmp_path / first.name, data)
    assert [p.name for p in tmp_path.iterdir()] == [first.name]


def _truncated(path):
    path.write_bytes(path.read_bytes()[:-7])


def _flipped(path):
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (_truncated, r"has the sha256 [0-9a-f]{8}…, not {sha}… as written"),
        (_flipped, r"has the sha256 [0-9a-f]{8}…, not {sha}… as written"),
        (lambda path: path.unlink(), "cannot be read: No such file or directory"),
    ],
)
def test_damaged_file_is_named_with_its_version(tmp_path, delta, damage, text):
    written = write_delta(tmp_path, 3, delta, metadata={})
    path = tmp_path / written.name
    damage(path)
    where = rf"the delta of version 3 is damaged: {re.escape(str(path))} "
    with pytest.raises(DamagedLedgerError, match=where + text.replace("{sha}", written.sha256[:8])):
        read_delta(path, sha256=written.sha256, version=3)


PAIR = {"x.lora_A": torch.zeros(2, 4), "x.lora_B": torch.zeros(4, 2)}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"no tensors", "is not a safetensors file"),
        (b"", "is not a safetensors file"),
        (save({"weight": torch.zeros(2)}), "has the tensors weight, not pairs of factors"),
        (
            save({**PAIR, "y.lora_B": torch.zeros(1)}),
            "has the tensors x.lora_A, x.lora_B, y.lora_B, not pairs",
        ),
        (save({"x.lora_A": torch.zeros(2, 4)}), "holds no fp32 factors .* for x"),
        (save({**PAIR, "x.lora_B": torch.zeros(4, 3)}), "holds no fp32 factors .* for x"),
        (save({k: t.half() for k, t in PAIR.items()}), "holds no fp32 factors .* for x"),
        (save({**PAIR, "x.lora_B": torch.full((4, 2), torch.inf)}), "holds numbers that are not finite"),
    ],
)
def test_file_that_is_no_delta_is_refused(tmp_path, data, text):
    path = tmp_path / "v000002-00000000.safetensors"
    path.write_bytes(data)
    with pytest.raises(DamagedLedgerError, match=rf"version 2 is damaged: .*{path.name} {text}"):
        read_delta(path, sha256=files.hashlib.sha256(data).hexdigest(), version=2)


def test_digest_that_the_ledger_lacks_is_damage(tmp_path, delta):
    written = write_delta(tmp_path, 1, delta, metadata={})
    with pytest.raises(DamagedLedgerError, match=f"has the sha256 {written.sha256[:8]}…, not None…"):
        read_delta(tmp_path / written.name, sha256=None, version=1)


def test_sweep_deletes_what_no_version_names_and_nothing_else(tmp_path, delta):
    kept, gone = (write_delta(tmp_path, i, delta, metadata={}).name for i in (1, 2))
    (tmp_path / f"{kept}.tmp").write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "adapter.safetensors").write_text("mine too")
    assert sweep_orphans(tmp_path, {kept}, next_id=2) == (f"{kept}.tmp", gone)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["adapter.safetensors", "notes.txt", kept]
    assert sweep_orphans(tmp_path, {kept}, next_id=2) == ()


def test_orphan_that_cannot_be_deleted_is_warned_of(tmp_path):
    orphan = tmp_path / "v000001-01234567.safetensors"
    orphan.mkdir()
    with pytest.warns(RuntimeWarning, match=rf"{orphan.name} belongs to no version and cannot be deleted"):
        assert sweep_orphans(tmp_path, set(), next_id=1) == ()


def test_files_of_a_newer_ledger_are_left_alone_and_warned_of_once(tmp_path, delta):
    """An older copy of the database was put back: its next version is 3, and 3 to 5 are in the newer one."""
    names = [write_delta(tmp_path, i, delta, metadata={}).name for i in range(1, 6)]
    text = (
        rf"^{re.escape(str(tmp_path))} has files of versions that its ledger does not have yet \({names[2]}, 3 in all, "
        r"and the next version is 3\), .*; they are left alone: put the newest memory\.sqlite back before anything "
        "else is learned, or delete these files$"
    )
    with pytest.warns(RuntimeWarning, match=text) as caught:
        assert sweep_orphans(tmp_path, {names[1]}, next_id=3) == (names[0],)
    assert len(caught) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == names[1:]


def test_scaled_delta_can_be_written(tmp_path, delta):
    written = write_delta(tmp_path, 1, delta.scaled(0.5), metadata={})
    found = read_delta(tmp_path / written.name, sha256=written.sha256, version=1)
    name = next(iter(delta.layers))
    assert torch.equal(found.layers[name].b, delta.layers[name].b * 0.5)


def test_half_precision_factors_are_kept_as_fp32(tmp_path):
    half = Delta({"x": Factors(b=torch.ones(4, 2).bfloat16(), a=torch.ones(2, 4).bfloat16())})
    written = write_delta(tmp_path, 1, half, metadata={})
    found = read_delta(tmp_path / written.name, sha256=written.sha256, version=1)
    assert found.layers["x"].a.dtype == found.layers["x"].b.dtype == torch.float32
