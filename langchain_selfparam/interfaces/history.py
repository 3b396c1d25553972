"""``SessionHistory``: a memory as the history of one session, for ``RunnableWithMessageHistory``.

In come the messages of a session, out go those that the weights do not hold yet. It keeps nothing itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import BaseMessage

from langchain_selfparam.errors import ConfigError
from langchain_selfparam.interfaces.messages import exchanges, reply_in
from langchain_selfparam.interfaces.scope import at_hand, filled, keys_of
from langchain_selfparam.records import Namespace

if TYPE_CHECKING:
    from langchain_selfparam.interfaces.memory import ParametricMemory


class SessionHistory(BaseChatMessageHistory):
    """The turns of one session that belong into its prompt.

    What it has once shown it shows until something is added: a runnable takes as many messages off its input as the
    history has, so that a turn which is learned meanwhile must not leave it.

    Args:
        memory: A handle on the session's namespace or thread.
        template: The namespace that the handle was made of; a run fills it when it chooses the weights.
    """

    def __init__(self, memory: ParametricMemory, template: Namespace) -> None:
        self._memory = memory
        self._template = template
        self._shown: list[BaseMessage] | None = None

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]
        """What the weights do not hold yet, and the memory's last ``keep_last`` turns.

        Raises:
            ConfigError: The run is for another namespace than the session.
            ClosedError: The memory was closed.
        """
        self._need_one_namespace()
        if self._shown is None:
            self._shown = self._memory.buffer_as_messages
        return list(self._shown)

    async def aget_messages(self) -> list[BaseMessage]:
        """``messages`` without blocking the event loop."""
        return await asyncio.to_thread(lambda: self.messages)

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Save what was said, as turns: a user's words with the reply to them.

        A turn that cannot be stored is not raised, as in ``ParametricMemory.save_context``.

        Args:
            messages: In order.

        Raises:
            ConfigError: The run is for another namespace than the session; nothing is saved.
            ClosedError: The memory was closed.
        """
        self._need_one_namespace()
        apart, found = exchanges(messages)
        if reply := reply_in(apart):
            self._memory.save_turn("", reply)  # to what was added before without one
        for exchange in found:
            if exchange.user.strip():
                self._memory.save_turn(exchange.user, exchange.assistant, message_id=exchange.message_id)
        self._shown = None

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        """``add_messages`` without blocking the event loop.

        Args:
            messages: In order.
        """
        await asyncio.to_thread(self.add_messages, messages)

    def clear(self) -> None:
        """Take this session's pending turns out of the prompt; the weights are not touched."""
        self._memory.clear()
        self._shown = None

    async def aclear(self) -> None:
        """``clear`` without blocking the event loop."""
        await asyncio.to_thread(self.clear)

    def _need_one_namespace(self) -> None:
        """Refuse what would be kept for one namespace and answered with the weights of another."""
        try:
            weights = filled(self._template, at_hand())
        except ConfigError:
            return  # the run says nothing else
        journal = filled(self._memory.namespace, {})
        if weights != journal:
            keys = ", ".join(map(repr, keys_of(self._template)))
            msg = (
                f"this session is saved for {journal}, and its run is answered with the weights of {weights}: what is "
                f"learned would not be used; give the run 'session_id' or {keys}, not both, or make the memory with "
                'a namespace that uses session_id, such as ("memories", "{session_id}")'
            )
            raise ConfigError(msg)
