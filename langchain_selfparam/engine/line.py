"""Lines: what a version is made of, read from disk, and the weights that follow.

In comes a version's id, out come its weights: from the newest totals on its path, where there are some, and the deltas
since; else from all deltas. Totals only save time. Where they are damaged they are deleted with a warning, and the
deltas speak.
"""

from __future__ import annotations

import dataclasses
import logging
import warnings
from collections.abc import Sequence

from langchain_selfparam.errors import DamagedLedgerError
from langchain_selfparam.records import Version
from langchain_selfparam.store import Store
from langchain_selfparam.weights.delta import Delta
from langchain_selfparam.weights.files import read_delta, sweep_orphans
from langchain_selfparam.weights.merge import ExactWeights, ServedWeights, Tensors, digest
from langchain_selfparam.weights.totals import Totals, drop_totals, newest_totals, sweep_totals, write_totals

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """What a version is made of.

    Attributes:
        store: The memory folder.
        version: The version.
        totals: Those of the newest version on its path that has some.
        deltas: Those since, or all; in the ledger's order.
    """

    store: Store
    version: Version
    totals: Totals | None
    deltas: tuple[Delta, ...]

    @classmethod
    def to(cls, store: Store, version_id: int) -> Line:
        """Read what makes a version; a damaged delta is a ``DamagedLedgerError``.

        Args:
            store: The memory folder.
            version_id: The version; an unknown one is an ``UnknownVersionError``.

        Returns:
            The line.
        """
        line, damage = cls.as_far_as_good(store, version_id)
        if damage is not None:
            raise damage
        return line

    @classmethod
    def as_far_as_good(cls, store: Store, version_id: int) -> tuple[Line, DamagedLedgerError | None]:
        """Read what makes a version, or the last one before the first damaged delta.

        Args:
            store: The memory folder.
            version_id: The version; an unknown one is an ``UnknownVersionError``.

        Returns:
            The line, and what was found damaged.
        """
        path = store.versions.path(version_id)
        totals = _totals_on(store, path)
        good, deltas = path[0], []
        if totals is not None:
            good = next(version for version in path if version.id == totals.version)
        for version in path:
            if version.id <= good.id or not version.delta_file:
                continue
            try:
                deltas.append(_read(store, version))
            except DamagedLedgerError as error:
                return cls(store, good, totals, tuple(deltas)), error
            good = version
        return cls(store, good, totals, tuple(deltas)), None

    def weights(self, exact: ServedWeights, *more: Delta) -> Tensors:
        """The version's weights, with more deltas on top where some are given.

        Args:
            exact: The base weights.
            more: Deltas that are not in the ledger.

        Returns:
            Each adapted layer's weight; not to be changed.
        """
        try:
            return exact.candidate([*self.deltas, *more], start=self.totals)
        except DamagedLedgerError as error:
            if self.totals is None:
                raise
            _leave_aside(self.store, str(error))
        return exact.candidate([*path_deltas(self.store, self.version.id), *more])

    def is_sound(self, exact: ServedWeights) -> bool:
        """Whether totals, where there are some, lead to the weights that the ledger saw.

        Totals that do not are deleted with a warning.

        Args:
            exact: The base weights.

        Returns:
            Whether the line can be used.
        """
        if self.totals is None:
            return True
        try:
            found = digest(exact.candidate(self.deltas, start=self.totals))
        except DamagedLedgerError as error:
            _leave_aside(self.store, str(error))
            return False
        if self.version.weights_sha256 in {found, None}:
            return True
        _leave_aside(self.store, f"the totals of version {self.totals.version} lead to other weights")
        return False


def path_deltas(store: Store, version_id: int) -> list[Delta]:
    """Read all deltas that make a version, each checked against the ledger's digest.

    A damaged one is a ``DamagedLedgerError``, an unknown version an ``UnknownVersionError``.

    Args:
        store: The memory folder.
        version_id: Where the path ends.

    Returns:
        One for each version after 0, in the ledger's order.
    """
    return [_read(store, version) for version in store.versions.path(version_id) if version.delta_file]


def compact(store: Store, exact: ExactWeights) -> bool:
    """Write totals for the served version where the deltas since the last ones take more room than totals would.

    So opening reads no more than twice what totals take, however many versions there are, and totals take no more room
    than the deltas do. Only the newest are kept. Nothing that goes wrong is raised, only logged: they save time, no
    more, and the version stands without them.

    Args:
        store: The memory folder.
        exact: The base weights.

    Returns:
        Whether totals were written.
    """
    try:
        return _compacted(store, exact)
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        logger.exception("no totals were written (%s); the deltas are added up instead at the next opening", what)
        return False


def _compacted(store: Store, exact: ExactWeights) -> bool:
    line, damage = Line.as_far_as_good(store, store.versions.head().id)
    if damage is not None:
        return False  # whoever needs that delta says so
    if sum(map(_bytes, line.deltas)) <= _bytes_of_totals(line.deltas, exact) or not line.is_sound(exact):
        return False
    try:
        made = write_totals(store.totals, line.version.id, exact.totals(line.deltas, start=line.totals))
    except OSError as error:
        logger.warning("totals of version %d could not be written (%s)", line.version.id, error.strerror)
        return False
    if not dataclasses.replace(line, totals=made, deltas=()).is_sound(exact):
        return False
    sweep_totals(store.totals, {line.version.id})
    return True


def sweep(store: Store) -> tuple[str, ...]:
    """Delete the delta files and totals that no version names, but for deltas of versions that are still to come.

    Args:
        store: The memory folder.

    Returns:
        Names of the delta files.
    """
    files, next_id = store.versions.delta_files(), store.versions.next_id()
    swept = sweep_orphans(store.deltas, {file for file in files.values() if file}, next_id=next_id)
    sweep_totals(store.totals, set(files))
    return swept


def _totals_on(store: Store, path: Sequence[Version]) -> Totals | None:
    folder = newest_totals(store.totals, {version.id for version in path})
    if folder is None:
        return None
    try:
        return Totals(folder)
    except DamagedLedgerError as error:
        _leave_aside(store, str(error))
        return None


def _leave_aside(store: Store, found: str) -> None:
    drop_totals(store.totals)
    warnings.warn(f"{found}; they were deleted, and the deltas are added up instead", RuntimeWarning, stacklevel=4)


def _read(store: Store, version: Version) -> Delta:
    path = store.deltas / str(version.delta_file)
    return read_delta(path, sha256=version.delta_sha256, version=version.id)


def _bytes(delta: Delta) -> int:
    return sum(f.a.nbytes + f.b.nbytes for f in delta.layers.values())


def _bytes_of_totals(deltas: Sequence[Delta], exact: ExactWeights) -> int:
    touched = {name for delta in deltas for name in delta.layers}
    return sum(8 * exact.base[name].numel() for name in touched)
