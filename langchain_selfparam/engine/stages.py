"""Stages of an episode: how long each took, and progress as each tells it.

In comes what is told of all stages, out go tellers of one. It knows nothing of what a stage does.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from langchain_selfparam.protocols import Progress


class Clock:
    """Seconds of stages, one after another, from when it is made."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def stop(self, stage: str) -> None:
        """End a stage; the next one begins.

        Args:
            stage: Its name.
        """
        now = time.perf_counter()
        self.seconds[stage] = now - self._last
        self._last = now


def of_stage(progress: Progress, stage: str) -> Callable[[int, int], None]:
    """Progress of one stage.

    Args:
        progress: That of all.
        stage: Which.

    Returns:
        ``told(done, total)``.
    """
    return lambda done, total: progress(stage, done, total)


def of_piece(done: int, total: int, progress: Callable[[int, int], None]) -> Callable[[int, int], None]:
    """Progress of a piece of a stage.

    Args:
        done: What was done before it.
        total: What there is in all pieces.
        progress: That of the stage.

    Returns:
        ``told(at, of_piece)``.
    """
    return lambda at, _: progress(done + at, total)
