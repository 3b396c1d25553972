"""The gate: many readers or one writer on a model's weights, the writer preferred.

In comes the wish to read (generate) or to write (swap weights); out goes a wait until that is safe. It knows
nothing of what is generated or swapped.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
import weakref
from collections.abc import Iterator
from typing import Any


class Gate:
    """A readers-writer lock on a condition: what one thread takes, another may give back."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._readers = 0
        self._waiting_writers = 0
        self._writer: int | None = None
        self._own = threading.local()
        self._written = uuid.uuid4().hex

    @property
    def read_by_this_thread(self) -> bool:
        """Whether this thread is inside ``reading()`` or ``writing()``."""
        return self._depth > 0 or self._writer == threading.get_ident()

    @property
    def state(self) -> str:
        """Which weights these are, unlike any before or elsewhere: another text after each writing."""
        return self._written

    @property
    def _depth(self) -> int:
        return getattr(self._own, "depth", 0)

    def acquire_read(self, *, ahead: bool = False) -> None:
        """Wait until no writer writes or waits, then read until ``release_read``, which any thread may call.

        Args:
            ahead: Do not queue behind a waiting writer. For a thread that works for one which already reads:
                the writer would wait for the one, and the other for the writer.
        """
        with self._condition:
            self._condition.wait_for(
                lambda: self._writer is None and (ahead or self._waiting_writers == 0),
            )
            self._readers += 1

    def release_read(self) -> None:
        """Give back what ``acquire_read`` took; any thread may.

        Raises:
            RuntimeError: Nobody reads.
        """
        with self._condition:
            if self._readers == 0:
                msg = "release_read() without acquire_read(): nobody reads through this gate"
                raise RuntimeError(msg)
            self._readers -= 1
            self._condition.notify_all()

    @contextlib.contextmanager
    def reading(self, *, ahead: bool = False) -> Iterator[None]:
        """Read in this thread; may be nested, also inside ``writing()``, whoever waits.

        Args:
            ahead: As in ``acquire_read``.

        Yields:
            Nothing; the weights stay as they are inside.
        """
        if self._writer == threading.get_ident():
            yield
            return
        self.acquire_read(ahead=ahead or self._depth > 0)
        self._own.depth = self._depth + 1
        try:
            yield
        finally:
            self._own.depth -= 1
            self.release_read()

    def _nobody(self) -> bool:
        return self._writer is None and self._readers == 0

    @contextlib.contextmanager
    def writing(self, *, timeout: float | None = None, patience: float = 0.0) -> Iterator[None]:
        """Write alone: waits for those who read; those who come later wait.

        Args:
            timeout: Seconds to wait for the readers after that; ``None`` waits for as long as they take.
            patience: Seconds to wait for a moment in which nobody reads, letting in whoever comes; only after that
                do those who come later wait. Where answers follow one another, nobody waits then for the end of
                somebody else's.

        Yields:
            Nothing; nobody else reads or writes inside.

        Raises:
            RuntimeError: This thread reads or writes already and would wait for itself.
            TimeoutError: The readers did not finish in time; nothing was taken.
        """
        if self.read_by_this_thread:
            msg = "this thread is already inside reading() or writing(): leave that before writing"
            raise RuntimeError(msg)
        with self._condition:
            self._condition.wait_for(self._nobody, patience)
            self._waiting_writers += 1
            try:
                free = self._condition.wait_for(self._nobody, timeout)
                if not free:
                    busy = "a writer" if self._writer is not None else f"{self._readers} reader(s)"
                    msg = f"the gate was not free after {timeout:g} s: {busy} still inside; try again later"
                    raise TimeoutError(msg)
                self._writer = threading.get_ident()
            finally:
                self._waiting_writers -= 1
                self._condition.notify_all()
        try:
            yield
        finally:
            with self._condition:
                self._written = uuid.uuid4().hex
                self._writer = None
                self._condition.notify_all()


_gates: weakref.WeakKeyDictionary[Any, Gate] = weakref.WeakKeyDictionary()
_gates_lock = threading.Lock()


def gate_for(model: Any) -> Gate:
    """The one gate of a model object; it goes when the model goes.

    Args:
        model: Any object that can be weakly referenced, such as a transformers model.

    Returns:
        The same gate for the same object, in every thread.
    """
    with _gates_lock:
        return _gates.setdefault(model, Gate())
