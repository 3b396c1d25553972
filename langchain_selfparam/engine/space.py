"""One namespace of ``Spaces``, or everybody in it, with the methods of an ``Engine``.

In comes what a memory is asked for, out goes what the namespace's journal or engine answers. Whoever only says
something or reads what is to be prompted loads no adapter.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from langchain_selfparam.engine.forget import Forgotten
from langchain_selfparam.engine.journal import Journal
from langchain_selfparam.engine.spaces import Spaces
from langchain_selfparam.errors import ConfigError, UnknownVersionError
from langchain_selfparam.protocols import Progress
from langchain_selfparam.records import ConsolidationReport, Namespace, Turn, Version


class Space(Journal):
    """One namespace.

    Args:
        spaces: Where it is.
        namespace: Which.
    """

    def __init__(self, spaces: Spaces, namespace: Namespace) -> None:
        super().__init__(spaces.store_of(namespace), namespace, wake=spaces.notify)
        self._spaces = spaces

    def consolidate(self, *, progress: Progress | None = None) -> ConsolidationReport:
        """As ``Engine.consolidate``."""
        return self._spaces.consolidate(self.namespace, progress=progress)

    def rollback(self, version: int) -> tuple[int, ...]:
        """As ``Engine.rollback``; version 0 is this namespace's untouched base."""
        with self._spaces.at(self.namespace) as engine:
            return engine.rollback(version)

    def forget(self, turn_ids: Sequence[int]) -> Forgotten:
        """As ``Engine.forget``."""
        with self._spaces.at(self.namespace) as engine:
            before = engine.forgettings
            try:
                return engine.forget(turn_ids)
            finally:
                if engine.forgettings > before:
                    self._spaces.last_report = None  # its probes may have the words
                    self._spaces.forgettings += 1

    def export(self, path: Path, *, format: str = "peft") -> Path:  # noqa: A002
        """As ``Engine.export``."""
        with self._spaces.at(self.namespace) as engine:
            return engine.export(path, format=format)

    def flush(self, timeout: float | None = None) -> None:
        """As ``Engine.flush``, for everybody."""
        self._spaces.flush(timeout)


class Everybody:
    """All namespaces, for whoever runs them; what is said has to be somebody's.

    Args:
        spaces: Where they are.
        missing: Why it is not known who is meant.
    """

    def __init__(self, spaces: Spaces, missing: ConfigError) -> None:
        self._spaces = spaces
        self._missing = missing

    def append(self, *, user: str, assistant: str, thread: str = "", message_id: str | None = None) -> Turn:
        """Refuse: nobody in particular said it."""
        raise self._missing

    def reply(self, assistant: str, *, thread: str = "") -> Turn | None:
        """Refuse: nobody in particular was replied to."""
        raise self._missing

    def prompt_turns(self, *, keep_last: int = 0, thread: str | None = None) -> tuple[Turn, ...]:
        """Refuse: what one said is for nobody else's prompt."""
        raise self._missing

    def said_in(self, message_ids: Collection[str]) -> dict[str, Turn]:
        """Refuse."""
        raise self._missing

    def clear(self, thread: str | None = None) -> None:
        """Refuse."""
        raise self._missing

    def export(self, path: Path, *, format: str = "peft") -> Path:  # noqa: A002
        """Refuse: there is an adapter for each."""
        raise self._missing

    def turns(self) -> tuple[Turn, ...]:
        """Every turn of everybody, in order."""
        return self._spaces.turns()

    def versions(self) -> tuple[Version, ...]:
        """Every version of everybody, in order."""
        return self._spaces.versions()

    def consolidate(self, *, progress: Progress | None = None) -> ConsolidationReport:
        """Learn what is pending, one namespace after the other."""
        return self._spaces.consolidate(progress=progress)

    def rollback(self, version: int) -> tuple[int, ...]:
        """Serve a version to the one whose it is.

        Args:
            version: Its id; not 0, which is everybody's.

        Returns:
            Ids of turns that are pending again.

        Raises:
            UnknownVersionError: There is no such version.
            ConfigError: It is everybody's.
        """
        if version == 0:
            raise self._missing
        owner = next((v.namespace for v in self._spaces.versions() if v.id == version), None)
        if owner is None:
            known = ", ".join(str(v.id) for v in self._spaces.versions())
            msg = f"there is no version {version}; there are {known}"
            raise UnknownVersionError(msg)
        return Space(self._spaces, owner).rollback(version)

    def forget(self, turn_ids: Sequence[int]) -> Forgotten:
        """Remove turns of one namespace.

        Args:
            turn_ids: Their ids.

        Returns:
            What was removed.

        Raises:
            ConfigError: They are of several namespaces.
        """
        owners = list(dict.fromkeys(turn.namespace for turn in self._spaces.turns_of(turn_ids)))
        if len(owners) != 1:
            msg = f"the turns are of {len(owners)} namespaces; forget those of each by themselves"
            raise ConfigError(msg)
        return Space(self._spaces, owners[0]).forget(turn_ids)

    def flush(self, timeout: float | None = None) -> None:
        """Wait until nothing is due any more."""
        self._spaces.flush(timeout)
