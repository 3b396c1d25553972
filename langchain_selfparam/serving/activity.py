"""Who is being answered just now: learning waits a little for them.

A training step and a request share the same cores. In comes the beginning and end of each answer, out goes a wait until
nobody is being answered. It knows nothing of what is answered or learned.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator


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


REQUESTS = Activity()
"""Of this process: all models share its cores."""
