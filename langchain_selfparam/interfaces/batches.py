"""``consolidate_all`` of ``ParametricMemory``: everything that is pending, of every namespace, in one run.

In comes what to do and where to end, out goes a ``BatchReport``; the work is the engine's. Cancelling the async twin
stops the run between two steps, and nothing is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from langchain_selfparam.errors import ConfigError
from langchain_selfparam.interfaces.threads import waiting
from langchain_selfparam.protocols import Progress, no_progress
from langchain_selfparam.records import BatchReport, Namespace

logger = logging.getLogger(__name__)


class Batches:
    """Runs over many namespaces."""

    if TYPE_CHECKING:  # pydantic would make fields of them
        _engine: Any
        _need_open: Callable[[], None]

    def consolidate_all(
        self,
        namespaces: Iterable[Namespace] | None = None,
        *,
        deadline: float | None = None,
        max_tokens: int | None = None,
        after_seconds: float | None = None,
        concurrency: int = 1,
        progress: Progress | None = None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> BatchReport:
        """Learn everything that is pending, of all namespaces, and wait for it.

        Each round takes one episode of every namespace, whoever was not served longest first. Trouble with one is kept
        in the report, and the others go on. What a run leaves, or loses when its process is killed, the next one
        learns; nothing is learned twice. The worker rests meanwhile, and what it is in the middle of is waited for.
        Turns whose attempts are used up (``policy.max_attempts``) are tried when nothing else is left, of a namespace
        of which the run has learned nothing else.

        Args:
            namespaces: Only these, such as ``[("memories", "ana")]``; all where missing. One in which nothing was ever
                said is logged as a warning.
            deadline: Seconds after which the run ends: no episode is begun that would take longer, going by the longest
                so far, and one that is not learned is stopped between two steps. Its turns are pending then: give more
                time than one episode takes.
            max_tokens: Tokens of turns after which no further episode is begun.
            after_seconds: Seconds of silence after which a namespace is taken; who is speaking is left for later. As
                ``policy.after_seconds`` says where missing; ``policy.quiet_hours`` are the worker's alone.
            concurrency: Namespaces that are trained side by side in one row at most: each learns what it learns alone.
                It is for GPUs that one namespace's rows leave idle, and takes the memory of so many; a CPU's cores
                are filled by one namespace's rows.
            progress: Called as ``progress(stage, done, total)``; before each episode with its namespace, as in
                ``("memories/ana", 0, turns that wait)``, and after it with ``"namespaces"``, how many have nothing left
                to be tried, and how many there are.
            stopping: Asked between steps; where it says yes, the run ends.

        Returns:
            What was learned, what failed and what is left, by namespace.

        Raises:
            ConfigError: A limit is out of range, or a namespace is a text.
            ClosedError: The memory was closed.
        """
        from langchain_selfparam.engine.batch import consolidate_all
        from langchain_selfparam.engine.limits import Limits

        self._need_open()
        limits = Limits(
            deadline=deadline,
            max_tokens=max_tokens,
            after_seconds=self._engine.settings.policy.after_seconds if after_seconds is None else after_seconds,
            concurrency=concurrency,
            stopping=stopping,
        )
        wanted = None if namespaces is None else self._named(namespaces)
        return consolidate_all(self._engine, wanted, limits=limits, progress=progress or no_progress)

    async def aconsolidate_all(
        self,
        namespaces: Iterable[Namespace] | None = None,
        *,
        deadline: float | None = None,
        max_tokens: int | None = None,
        after_seconds: float | None = None,
        concurrency: int = 1,
        progress: Progress | None = None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> BatchReport:
        """``consolidate_all`` in a thread; cancelling the task stops it between two steps, and waits for that.

        Args:
            namespaces: As for ``consolidate_all``, and likewise the others.
            deadline: Seconds.
            max_tokens: Of turns.
            after_seconds: Of silence.
            concurrency: Namespaces in a row.
            progress: Called in the thread.
            stopping: Asked between steps, in the thread.

        Returns:
            Its report.
        """
        stop = threading.Event()
        run = functools.partial(
            self.consolidate_all,
            namespaces,
            deadline=deadline,
            max_tokens=max_tokens,
            after_seconds=after_seconds,
            concurrency=concurrency,
            progress=progress,
            stopping=lambda: stop.is_set() or stopping(),
        )
        work = asyncio.ensure_future(waiting(run))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            stop.set()
            while not work.done():  # whoever cancels twice waits for the same step
                # The task is cancelled whatever its run ended with.
                with contextlib.suppress(Exception, asyncio.CancelledError):
                    await asyncio.shield(work)
            raise

    def _named(self, namespaces: Iterable[Namespace]) -> list[Namespace]:
        """The namespaces of a run; one that is unknown may be a slip, or somebody who is yet to speak."""
        wanted = [_namespace(one) for one in namespaces]
        for unknown in sorted(set(wanted).difference(self._engine.namespaces())):
            logger.warning("nothing was ever said in the namespace %r: there is nothing to learn of it", unknown)
        return wanted


def _namespace(given: object) -> Namespace:
    if isinstance(given, (tuple, list)) and given and all(isinstance(part, str) for part in given):
        return tuple(given)
    msg = f"a namespace is {given!r}; it has to be a tuple of texts, such as ('memories', 'ana')"
    raise ConfigError(msg)
