"""Totals: what a version's weights sum up to, kept so that opening need not add up every delta again.

In comes a running sum in float64, layer by layer; out go a folder of files and the sums back, to the bit. It is a
cache: the deltas stay, any version can still be made from them alone, and totals that are damaged are only left aside.
It knows nothing of models or of the ledger.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import warnings
from collections.abc import Collection, Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from langchain_selfparam.errors import DamagedLedgerError
from langchain_selfparam.weights.files import sync_folder, write_whole

_NAME = re.compile(r"v(\d{6,})(\.tmp)?")
_MANIFEST = "totals.json"


class Totals:
    """The totals of one version, read one layer at a time.

    Args:
        folder: As ``write_totals`` left it.

    Raises:
        DamagedLedgerError: It is not what was written; deltas hold the same.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            manifest = json.loads((folder / _MANIFEST).read_text("utf-8"))
            self.version = int(manifest["version"])
            self._layers = {str(name): (str(file), str(sha)) for name, (file, sha) in manifest["layers"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise _damaged(folder, f"{_MANIFEST} cannot be read: {error}") from error

    def layer(self, name: str) -> torch.Tensor | None:
        """A layer's running sum, base weight included.

        Args:
            name: The layer.

        Returns:
            fp64 [D_out, D_in] on the CPU, the caller's own; ``None`` where no delta has touched the layer.

        Raises:
            DamagedLedgerError: The file is missing or is not what was written.
        """
        if name not in self._layers:
            return None
        file, sha256 = self._layers[name]
        try:
            data = (self._folder / file).read_bytes()
        except OSError as error:
            raise _damaged(self._folder, f"{file} cannot be read: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise _damaged(self._folder, f"{file} is not what was written")
        try:
            total: torch.Tensor = load(data)["total"]
        except (SafetensorError, ValueError, KeyError) as error:
            raise _damaged(self._folder, f"{file} holds no total: {error}") from error
        return total


def write_totals(folder: Path, version: int, layers: Iterable[tuple[str, torch.Tensor]]) -> Totals:
    """Write totals so that their folder's name stands for all of them, or for nothing.

    Args:
        folder: The memory folder's ``totals``.
        version: Whose totals they are.
        layers: Name and fp64 [D_out, D_in] of each layer that a delta has touched; taken one at a time.

    Returns:
        The totals as they are on disk now.

    Raises:
        OSError: They could not be written, as on a full disk; nothing of them is left.
    """
    half, whole = folder / f"v{version:06d}.tmp", folder / f"v{version:06d}"
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(mode=0o700)
    try:
        written = {}
        for number, (name, total) in enumerate(layers):
            data = save({"total": total.contiguous()})
            file = f"{number:04d}.safetensors"
            write_whole(half / file, data)
            written[name] = (file, hashlib.sha256(data).hexdigest())
        write_whole(half / _MANIFEST, json.dumps({"version": version, "layers": written}).encode())
        shutil.rmtree(whole, ignore_errors=True)
        half.rename(whole)
        sync_folder(folder)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise
    return Totals(whole)


def newest_totals(folder: Path, among: Collection[int]) -> Path | None:
    """The totals of the latest of some versions.

    Args:
        folder: The memory folder's ``totals``.
        among: Ids of versions.

    Returns:
        Their folder, or ``None`` where no such version has totals.
    """
    found = {int(m[1]): path for path in folder.iterdir() if (m := _NAME.fullmatch(path.name)) and not m[2]}
    usable = [version for version in found if version in among]
    return found[max(usable)] if usable else None


def sweep_totals(folder: Path, keep: Collection[int]) -> tuple[str, ...]:
    """Delete totals of versions that are not to be kept, and halves of such; other files are left alone.

    What cannot be deleted is warned of. Totals of versions that a newer ledger has go as well: they would be taken for
    those of the version that has their number here, and the deltas hold the same.

    Args:
        folder: The memory folder's ``totals``.
        keep: Ids of versions.

    Returns:
        Names that were deleted, sorted.
    """
    return tuple(path.name for path in _folders(folder, without=keep) if _deleted(path))


def drop_totals(folder: Path) -> None:
    """Delete all totals, since some of them are not what was written: nobody may go on from those.

    Args:
        folder: The memory folder's ``totals``.

    Raises:
        OSError: Some cannot be deleted.
    """
    for path in _folders(folder):
        shutil.rmtree(path)


def _deleted(path: Path) -> bool:
    try:
        shutil.rmtree(path)
    except OSError as error:
        msg = f"{path} has totals of no version and cannot be deleted ({error.strerror}); delete it by hand"
        warnings.warn(msg, RuntimeWarning, stacklevel=4)
        return False
    return True


def _folders(folder: Path, *, without: Collection[int] = ()) -> list[Path]:
    found = [(path, _NAME.fullmatch(path.name)) for path in sorted(folder.iterdir())]
    return [path for path, match in found if match and (match[2] or int(match[1]) not in without)]


def _damaged(folder: Path, found: str) -> DamagedLedgerError:
    msg = f"the totals {folder} are damaged: {found}; the deltas hold the same, so they can be deleted"
    return DamagedLedgerError(msg)
