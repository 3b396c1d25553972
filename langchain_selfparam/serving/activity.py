"""Who is being answered just now: learning waits a little for them.

A training step and a request share the same cores. In comes the beginning and end of each answer, out goes a wait until
nobody is being answered. It knows nothing of what is answered or learned.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator

import torch

_LOOK = 0.1
"""Seconds after which one that waits looks whether it is still wanted."""


class Activity:
    """Counts answers that are being written."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._answers = 0

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """Write an answer in the block.

        Yields:
            Nothing.
        """
        with self._condition:
            self._answers += 1
        try:
            yield
        finally:
            with self._condition:
                self._answers -= 1
                self._condition.notify_all()

    def wait_for_quiet(self, seconds: float) -> float:
        """Wait until nobody is being answered.

        Args:
            seconds: How long at most; learning goes on then all the same.

        Returns:
            Seconds waited.
        """
        if seconds <= 0:
            return 0.0
        began = time.monotonic()
        with self._condition:
            self._condition.wait_for(lambda: self._answers == 0, seconds)
        return time.monotonic() - began


class Slots:
    """Lets so many answers be written at a time that they do not fight for the cores.

    Sixteen requests at once to SmolLM2-135M on two cores took 61 seconds side by side, 47 one after another and 29 two
    at a time: while one is in Python the other computes.

    Args:
        at_once: How many at a time; by the cores and torch's threads where missing.
    """

    def __init__(self, at_once: int | None = None) -> None:
        self._at_once = at_once
        self._lock = threading.Lock()
        self._slots: threading.BoundedSemaphore | None = None

    @contextlib.contextmanager
    def one(self, device: torch.device, *, should_stop: Callable[[], bool]) -> Iterator[bool]:
        """Write an answer in the block, as soon as there is room.

        Args:
            device: Where it is computed; only answers on the CPU wait.
            should_stop: Asked while waiting, ten times a second; ``True`` leaves the queue.

        Yields:
            Whether there is room; ``False`` when the wait was given up.
        """
        if device.type != "cpu":
            yield True
            return
        with self._lock:
            if self._slots is None:
                cores = os.cpu_count() or 1
                self._slots = threading.BoundedSemaphore(self._at_once or 2 * max(1, cores // torch.get_num_threads()))
        while not self._slots.acquire(timeout=_LOOK):
            if should_stop():
                yield False
                return
        try:
            yield True
        finally:
            self._slots.release()


REQUESTS = Activity()
"""Of this process: all models share its cores."""
SLOTS = Slots()
"""Likewise."""
