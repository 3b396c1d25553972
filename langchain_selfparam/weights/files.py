"""Delta files: each consolidation's factors as safetensors, written whole and read only when undamaged.

In comes a ``Delta``, out go a file, its name and its sha256, and back. It knows nothing of models or of which
version is served; the ledger keeps name and digest.
"""

from __future__ import annotations

import hashlib
import os
import re
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from langchain_selfparam.errors import DamagedLedgerError, FolderError
from langchain_selfparam.weights.delta import Delta, Factors

FORMAT = "selfparam-delta/1"
"""Kept in each file's metadata, for readers outside this package."""
_NAME = re.compile(r"v(\d{6,})-[0-9a-f]{8}\.safetensors(?:\.tmp)?")
_A, _B = ".lora_A", ".lora_B"


class DeltaFile(NamedTuple):
    """What the ledger keeps of a delta file."""

    name: str
    sha256: str


def write_delta(folder: Path, version: int, delta: Delta, *, metadata: Mapping[str, str]) -> DeltaFile:
    """Write a delta so that its name stands for all of it, or for nothing.

    Args:
        folder: The memory folder's ``deltas``.
        version: The id that the version will have; for the name.
        delta: Finite factors; each layer's B [D_out, r] and A [r, D_in] are kept as fp32.
        metadata: What else the file tells a reader: base fingerprint, parent and so on.

    Returns:
        ``v000007-<8 digits of the sha256>.safetensors`` and the whole digest; on return they are on disk.

    Raises:
        FolderError: It could not be written, as on a full disk; nothing of it is left.
    """
    tensors = {}
    for layer, factors in delta.layers.items():
        tensors[layer + _A] = factors.a.detach().float().cpu().contiguous()
        tensors[layer + _B] = factors.b.detach().float().cpu().contiguous()
    data = save(tensors, metadata={"format": FORMAT, **metadata})
    sha256 = hashlib.sha256(data).hexdigest()
    name = f"v{version:06d}-{sha256[:8]}.safetensors"
    try:
        write_whole(folder / name, data)
    except OSError as error:
        msg = (
            f"the delta file {folder / name} ({len(data):,} bytes) could not be written ({error.strerror}); "
            "nothing was changed: make room, or mend the folder, and consolidate again"
        )
        raise FolderError(msg) from error
    return DeltaFile(name, sha256)


def read_delta(path: Path, *, sha256: str | None, version: int) -> Delta:
    """Read a delta that the ledger names.

    Args:
        path: The file.
        sha256: What the ledger says of it.
        version: Whose delta it is; for the error.

    Returns:
        Its fp32 factors, on the CPU.

    Raises:
        DamagedLedgerError: It is missing, is not what was written, or holds something else than factors.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _damaged(path, version, f"cannot be read: {error.strerror}") from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise _damaged(path, version, f"has the sha256 {found[:8]}…, not {str(sha256)[:8]}… as written")
    try:
        tensors = load(data)
    except (SafetensorError, ValueError) as error:
        raise _damaged(path, version, f"is not a safetensors file: {error}") from error
    delta = Delta({name: _factors(tensors, name, path, version) for name in _layers(tensors)})
    if len(tensors) != 2 * len(delta.layers):
        raise _damaged(path, version, f"has the tensors {', '.join(sorted(tensors)[:4])}, not pairs of factors")
    if not delta.is_finite():
        raise _damaged(path, version, "holds numbers that are not finite")
    return delta


def sweep_orphans(folder: Path, keep: Collection[str], *, next_id: int) -> tuple[str, ...]:
    """Delete delta files that no version names, and halves of such; other files are left alone.

    So are files of versions that the ledger has not come to yet: a newer one names them. They are warned of, once for
    all of them, and so is each file that cannot be deleted.

    Args:
        folder: The memory folder's ``deltas``.
        keep: Names that the ledger has.
        next_id: The id that the next version will have; what a crash or a failure left has no higher one.

    Returns:
        The names that were deleted, sorted.
    """
    deleted = []
    unnamed = {p: int(m[1]) for p in sorted(folder.iterdir()) if p.name not in keep and (m := _NAME.fullmatch(p.name))}
    # Where there are higher ids, that of the next version is of the newer ledger as well, and of no crash.
    first_left = next_id if any(number > next_id for number in unnamed.values()) else next_id + 1
    left = [path.name for path, number in unnamed.items() if number >= first_left]
    if left:
        msg = (
            f"{folder} has files of versions that its ledger does not have yet ({left[0]}, {len(left)} in all, and the "
            f"next version is {next_id}), as where an older copy of memory.sqlite was put back; they are left alone: "
            "put the newest memory.sqlite back before anything else is learned, or delete these files"
        )
        warnings.warn(msg, RuntimeWarning, stacklevel=2)
    for path, number in unnamed.items():
        if number >= first_left:
            continue
        try:
            path.unlink()
        except OSError as error:
            msg = f"{path} belongs to no version and cannot be deleted ({error.strerror}); delete it by hand"
            warnings.warn(msg, RuntimeWarning, stacklevel=2)
        else:
            deleted.append(path.name)
    if deleted:
        sync_folder(folder)
    return tuple(deleted)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a temporary name, flush it and rename it; mode 0600.

    Args:
        path: The file; one of that name is replaced.
        data: What it will hold.

    Raises:
        OSError: It could not be written; neither it nor a part of it is left.
    """
    half = path.with_name(path.name + ".tmp")
    # What a process left behind that was killed while it wrote.
    half.unlink(missing_ok=True)
    handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    made = half
    try:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        half.replace(path)
        made = path
        sync_folder(path.parent)
    except BaseException:
        made.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Flush a folder's names to disk.

    Args:
        folder: The folder.
    """
    if os.name != "posix":  # elsewhere a folder cannot be opened, and a rename is flushed with the file
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _layers(tensors: Mapping[str, torch.Tensor]) -> list[str]:
    return [key.removesuffix(_A) for key in tensors if key.endswith(_A)]


def _factors(tensors: Mapping[str, torch.Tensor], layer: str, path: Path, version: int) -> Factors:
    a, b = tensors[layer + _A], tensors.get(layer + _B)
    if b is None or a.ndim != 2 or b.ndim != 2 or b.shape[1] != a.shape[0] or {a.dtype, b.dtype} != {torch.float32}:
        raise _damaged(path, version, f"holds no fp32 factors B [D_out, r] and A [r, D_in] for {layer}")
    return Factors(b=b, a=a)


def _damaged(path: Path, version: int, found: str) -> DamagedLedgerError:
    msg = (
        f"the delta of version {version} is damaged: {path} {found}; put back a copy of the file, "
        "or roll back to a version before it"
    )
    return DamagedLedgerError(msg)
