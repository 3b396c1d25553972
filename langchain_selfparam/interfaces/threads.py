"""Threads for what may wait for a whole consolidation.

The event loop's own threads are few, and every request needs one for a moment: six calls that wait for minutes would
take all of them on two cores. In comes a call, out goes its result; context variables go along.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import functools
from collections.abc import Callable
from typing import Any, TypeVar

_T = TypeVar("_T")
_MOST = 64


@functools.cache
def _pool() -> concurrent.futures.ThreadPoolExecutor:
    return concurrent.futures.ThreadPoolExecutor(_MOST, thread_name_prefix="selfparam-waits")


async def waiting(work: Callable[..., _T], *args: Any, **options: Any) -> _T:
    """Make a call that may wait for minutes, without taking a thread from those that only need one for a moment.

    Args:
        work: The call.
        *args: Its arguments.
        **options: Its options.

    Returns:
        What it gives.
    """
    call = functools.partial(contextvars.copy_context().run, work, *args, **options)
    return await asyncio.get_running_loop().run_in_executor(_pool(), call)
