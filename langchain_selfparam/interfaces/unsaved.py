"""Turns that could not be saved: the last error of each whose turn it was, kept for whoever asks what went wrong.

In come errors and whose they are, out goes the newest of one's own and of anybody's. It knows nothing of what failed.
"""

from __future__ import annotations

import dataclasses

from langchain_selfparam.records import Namespace


@dataclasses.dataclass(frozen=True, slots=True)
class _Noted:
    error: BaseException
    beside: BaseException | None
    """The engine's last error at that time: a newer one of the engine's goes before ``error``."""


class Unsaved:
    """The last errors of saving; shared by copies of a memory, as the engine is."""

    def __init__(self) -> None:
        self._of: dict[Namespace | None, _Noted] = {}

    def note(self, who: Namespace | None, error: BaseException, *, beside: BaseException | None) -> None:
        """Keep an error in place of the one before.

        Args:
            who: Whose turn was not saved; ``None`` for the last of anybody.
            error: What went wrong.
            beside: The engine's last error of the same one now.
        """
        self._of[who] = _Noted(error, beside)

    def newest(self, who: Namespace | None, of_engine: BaseException | None) -> BaseException | None:
        """The error that came last.

        Args:
            who: Whose; ``None`` for anybody's.
            of_engine: The engine's last error of the same one.

        Returns:
            That of the engine, or that of saving; ``None`` where nothing went wrong.
        """
        noted = self._of.get(who)
        if noted is None or (of_engine is not None and of_engine is not noted.beside):
            return of_engine
        return noted.error
