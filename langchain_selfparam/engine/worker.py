"""The worker: one thread that does one model's background work, a step at a time, whenever there is some.

In comes a ``step`` function, out goes the calling of it, at once or when the step said. It knows nothing of turns or
consolidations, it never polls, and no error ends it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from langchain_selfparam.engine.room import let_go
from langchain_selfparam.errors import ClosedError

_log = logging.getLogger(__name__)


_LONGEST_SLEEP = 600.0
"""Seconds after which the step is asked again whatever time it gave: the clock that is slept by knows of no summer time
and stands still while a machine is suspended."""


class Worker:
    """A daemon thread that starts at the first ``notify`` and runs until ``close``.

    Any thread may call any method. The thread does not keep the interpreter alive.

    Args:
        step: Does the next piece of work. ``True``: look again; ``False``: nothing is due; a time: nothing is due
            before that is over, whatever is due then.
        name: Of the thread.
        retry_seconds: Wait after a step that raised, before the next try; doubled for each failure in a row.
        max_retry_seconds: Longest such wait.
    """

    def __init__(
        self,
        step: Callable[[], bool | timedelta],
        *,
        name: str = "selfparam-worker",
        retry_seconds: float = 1.0,
        max_retry_seconds: float = 300.0,
    ) -> None:
        self._step = step
        self._name = name
        self._retry_seconds = retry_seconds
        self._max_retry_seconds = max_retry_seconds
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._due = False
        self._busy = False
        self._closed = False
        self._pauses = 0
        self._in_a_row = 0
        self._failures = 0
        self._retry_at = 0.0
        self._later: float | None = None
        self._error: BaseException | None = None

    @property
    def last_error(self) -> BaseException | None:
        """What the last step raised; ``None`` where it went well."""
        return self._error

    @property
    def busy(self) -> bool:
        """Whether a step is running."""
        return self._busy

    def notify(self) -> None:
        """Say that there may be work; returns at once.

        A wait after a failure is not cut short. After ``close`` nothing happens: what is in the journal is
        found at the next opening.
        """
        with self._changed:
            if self._closed:
                return
            self._due = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, timeout: float | None = None) -> None:
        """Wait until nothing is due. A wait after a failure is cut short: the step is tried again now.

        A step that raises while this waits ends it, with the step's own error; the work stays due.

        Args:
            timeout: Seconds; ``None`` for as long as it takes.

        Raises:
            RuntimeError: The worker itself called it and would wait for itself.
            TimeoutError: Work was left; the text says what.
            ClosedError: The worker was closed before the work was done.
        """
        if threading.current_thread() is self._thread:
            msg = "the worker's own step called flush() and would wait for itself; call it from another thread"
            raise RuntimeError(msg)
        with self._changed:
            before = self._failures
            self._retry_at = 0.0
            self._changed.notify_all()
            done = self._changed.wait_for(
                lambda: self._failures > before or not self._pending or (self._closed and not self._busy),
                timeout,
            )
            if not done:
                msg = f"work is left after {timeout:g} s: {self._left()}; call flush() again, or with more time"
                raise TimeoutError(msg)
            if self._failures > before and self._error is not None:
                raise self._error
            if self._pending:
                msg = "the worker was closed before all work was done; open the folder again to go on"
                raise ClosedError(msg)

    def pause(self, timeout: float | None = None) -> None:
        """Start no further step, and wait for the one that runs; calls count, ``resume`` as often.

        Called by the worker's own step, it does not wait for that.

        Args:
            timeout: Seconds; ``None`` for as long as the step takes.

        Raises:
            TimeoutError: The step still runs; the worker is not paused.
        """
        with self._changed:
            self._pauses += 1
            mine = threading.current_thread() is self._thread
            try:
                free = self._changed.wait_for(lambda: mine or not self._busy, timeout)
            except BaseException:
                self._pauses -= 1
                raise
            if not free:
                self._pauses -= 1
                self._changed.notify_all()
                msg = f"the worker is not paused: its step still runs after {timeout:g} s; try again later"
                raise TimeoutError(msg)

    def resume(self) -> None:
        """Undo one ``pause``.

        Raises:
            RuntimeError: The worker is not paused.
        """
        with self._changed:
            if self._pauses == 0:
                msg = "resume() without pause(): the worker is not paused"
                raise RuntimeError(msg)
            self._pauses -= 1
            self._changed.notify_all()

    @contextlib.contextmanager
    def paused(self, timeout: float | None = None) -> Iterator[None]:
        """Pause for a block; as ``pause`` and ``resume``.

        Args:
            timeout: Seconds to wait for the step that runs.

        Yields:
            Nothing; no step runs inside, unless the step itself is here.
        """
        self.pause(timeout)
        try:
            yield
        finally:
            self.resume()

    def close(self, timeout: float | None = None) -> bool:
        """Stop after the step that runs; a second time only waits for it.

        Args:
            timeout: Seconds to wait for that step; ``None`` for as long as it takes.

        Returns:
            Whether the thread has ended; always ``False`` from the worker's own step.
        """
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        thread = self._thread
        if thread is None:
            return True
        if thread is not threading.current_thread():
            thread.join(timeout)
        return not thread.is_alive()

    @property
    def _pending(self) -> bool:
        return self._due or self._busy

    def _left(self) -> str:
        if self._busy:
            return "a step is running"
        if self._pauses:
            return "work is due and the worker is paused"
        if self._error is not None:
            return f"a try after {type(self._error).__name__} ({self._error})"
        return "work is due"

    def _run(self) -> None:
        while self._take():
            error: BaseException | None = None
            more: bool | timedelta = True
            try:
                more = self._step()
            except BaseException as raised:  # noqa: BLE001 - kept, logged and tried again
                error = raised
            self._settle(more, error)

    def _take(self) -> bool:
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                if self._later is not None and self._later <= now:
                    self._due, self._later = True, None
                wait = self._retry_at - now
                ready = self._due and not self._pauses
                if ready and wait <= 0:
                    self._due, self._busy = False, True
                    return True
                later = None if self._later is None else self._later - now
                self._changed.wait(wait if ready else later)
            return False

    def _settle(self, more: bool | timedelta, error: BaseException | None) -> None:
        delay = min(self._retry_seconds * 2.0 ** min(self._in_a_row, 60), self._max_retry_seconds)
        if error is not None:
            _log.error("a background step failed; it is tried again in %g s", delay, exc_info=error)
            let_go(error)
        with self._changed:
            self._busy = False
            if isinstance(more, timedelta):
                self._later = time.monotonic() + min(more.total_seconds(), _LONGEST_SLEEP)
            else:
                self._due, self._later = self._due or more, None
            self._error = error
            self._in_a_row = 0 if error is None else self._in_a_row + 1
            self._failures += error is not None
            self._retry_at = 0.0 if error is None else time.monotonic() + delay
            self._changed.notify_all()
