"""The async twins of ``ParametricMemory``'s methods: each runs its sync one in a thread.

One core: nothing is decided here. Cancelling a task does not stop what its thread is doing.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.messages import BaseMessage

from langchain_selfparam.interfaces.threads import waiting
from langchain_selfparam.protocols import Progress
from langchain_selfparam.records import ConsolidationReport

if TYPE_CHECKING:
    from langchain_selfparam.engine.forget import Forgotten


class AsyncTwins:
    """Methods with an ``a`` in front."""

    if TYPE_CHECKING:  # pydantic would make fields of them
        buffer: Any
        buffer_as_str: Any
        buffer_as_messages: Any
        consolidate: Callable[..., ConsolidationReport]
        rollback: Callable[..., tuple[int, ...]]
        forget: Callable[..., Forgotten]
        export: Callable[..., Path]
        flush: Callable[..., None]
        close: Callable[[], None]

    async def abuffer(self) -> str | list[BaseMessage]:
        """``buffer`` without blocking the event loop."""
        return await asyncio.to_thread(lambda: self.buffer)

    async def abuffer_as_str(self) -> str:
        """``buffer_as_str`` without blocking the event loop."""
        return await asyncio.to_thread(lambda: self.buffer_as_str)

    async def abuffer_as_messages(self) -> list[BaseMessage]:
        """``buffer_as_messages`` without blocking the event loop."""
        return await asyncio.to_thread(lambda: self.buffer_as_messages)

    async def aconsolidate(self, *, progress: Progress | None = None) -> ConsolidationReport:
        """``consolidate`` in a thread; cancelling the task does not stop it.

        Args:
            progress: Called in that thread.

        Returns:
            What was held, what stays in the prompt and why.
        """
        return await waiting(self.consolidate, progress=progress)

    async def arollback(self, version: int) -> tuple[int, ...]:
        """``rollback`` in a thread.

        Args:
            version: Its id.

        Returns:
            Ids of the turns that are pending again.
        """
        return await waiting(self.rollback, version)

    async def aforget(self, turn_ids: Sequence[int]) -> Forgotten:
        """``forget`` in a thread.

        Args:
            turn_ids: Ids from ``turns``.

        Returns:
            What was removed, with the proof.
        """
        return await waiting(self.forget, turn_ids)

    async def aexport(self, path: str | os.PathLike[str], *, format: str = "peft") -> Path:  # noqa: A002
        """``export`` in a thread.

        Args:
            path: A folder to make.
            format: As in ``export``.

        Returns:
            The folder.
        """
        return await waiting(self.export, path, format=format)

    async def aflush(self, timeout: float | None = None) -> None:
        """``flush`` in a thread.

        Args:
            timeout: Seconds to wait at most.
        """
        await waiting(self.flush, timeout)

    async def aclose(self) -> None:
        """``close`` in a thread."""
        await waiting(self.close)
