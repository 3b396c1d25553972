"""The journal of one namespace: what was said, what of it belongs into a prompt, what was learned.

In come turns, out come turns and versions. It needs no model, so that whoever only says something waits for none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta, timezone

from langchain_selfparam import policy
from langchain_selfparam.config import PolicyConfig
from langchain_selfparam.engine.report import target_set
from langchain_selfparam.errors import ClosedError
from langchain_selfparam.protocols import TokenCounter
from langchain_selfparam.records import Namespace, TargetSet, Turn, TurnState, Version
from langchain_selfparam.store import Store
from langchain_selfparam.targets.beside import correcting

_WAITING = (TurnState.PENDING, TurnState.LEASED)


class Journal:
    """What one namespace has said.

    Args:
        store: The memory folder, as the namespace sees it.
        namespace: Whose turns.
        wake: Called after a turn was kept.
    """

    def __init__(self, store: Store, namespace: Namespace, *, wake: Callable[[], None] = lambda: None) -> None:
        self.namespace = namespace
        self.folder = store.folder
        self._store = store
        self._wake = wake

    @property
    def closed(self) -> bool:
        """Whether the folder was given back."""
        return self._store.closed

    def append(self, *, user: str, assistant: str, thread: str = "", message_id: str | None = None) -> Turn:
        """Keep a turn, in milliseconds, and wake the worker.

        Args:
            user: What the user said.
            assistant: The reply.
            thread: Conversation it was said in.
            message_id: Durable id; a turn with a known one and the same words of the user's is not stored again.

        Returns:
            The turn as stored.
        """
        self._need_open()
        turn = self._store.turns.append(
            namespace=self.namespace,
            thread=thread,
            user=user,
            assistant=assistant,
            message_id=message_id,
            created_at=now(),
        )
        self._wake()
        return turn

    def reply(self, assistant: str, *, thread: str = "") -> Turn | None:
        """Add the reply to what was said last, where that has none yet.

        Args:
            assistant: The reply.
            thread: Conversation it was said in.

        Returns:
            The turn, or ``None`` where none waits for a reply.
        """
        self._need_open()
        if (turn := self._store.turns.reply(self.namespace, thread, assistant)) is not None:
            self._wake()
        return turn

    def prompt_turns(self, *, keep_last: int = 0, thread: str | None = None) -> tuple[Turn, ...]:
        """The turns that belong into the prompt: what the weights do not hold, and the last ``keep_last``.

        Beside what they do not hold stands whatever corrects it, although they hold that.

        Args:
            keep_last: Turns to give back whether or not the weights hold them.
            thread: Only turns of this conversation, and what corrects them wherever it was said; all where missing.

        Returns:
            Turns in the order in which they were said.
        """
        self._need_open()
        listing = self._store.turns.list
        if keep_last:
            turns = [t for t in listing(namespace=self.namespace, thread=thread) if t.state is not TurnState.CLEARED]
            last = {t.id for t in turns[-keep_last:]}
            there = {t.id: t for t in turns if t.state in _WAITING or t.id in last}
        else:
            there = {t.id: t for t in listing(namespace=self.namespace, thread=thread, states=_WAITING)}
        if any(t.state in _WAITING for t in there.values()):
            held = listing(namespace=self.namespace, states=(TurnState.HELD,), after=min(there))
            there |= {t.id: t for t in correcting(there.values(), [t for t in held if t.id not in there])}
        return tuple(there[number] for number in sorted(there))

    def waiting(self) -> tuple[Turn, ...]:
        """Every turn that the weights do not hold, in order."""
        self._need_open()
        return self._store.turns.list(namespace=self.namespace, states=_WAITING)

    def said_in(self, message_ids: Collection[str]) -> dict[str, Turn]:
        """The turns that came in these messages.

        Args:
            message_ids: Durable ids.

        Returns:
            Message id to its turn; none for a message that was never saved.
        """
        self._need_open()
        return self._store.turns.said_in(self.namespace, message_ids)

    def turns(self) -> tuple[Turn, ...]:
        """Every turn of this memory, in order."""
        self._need_open()
        return self._store.turns.list(namespace=self.namespace)

    def namespaces(self) -> tuple[Namespace, ...]:
        """This memory's namespace, where something was said in it."""
        self._need_open()
        return tuple(one for one in self._store.turns.namespaces() if one == self.namespace)

    def versions(self) -> tuple[Version, ...]:
        """Every version in the ledger, in order."""
        self._need_open()
        return self._store.versions.list()

    def clear(self, thread: str | None = None) -> None:
        """Take the pending turns out of the prompt for good; weights and held turns stay as they are.

        So do those that the weights have held and lost: they are learned again.

        Args:
            thread: Those of this conversation only; of all where missing.
        """
        self._need_open()
        versions, turns = self._store.versions, self._store.turns
        with self._store.database.transaction() as c:  # or a version that is committed in between could lose more
            lost = versions.lost(versions.head(connection=c).id, connection=c)
            turns.clear(self.namespace, thread, without=lost, connection=c)

    def taught(self) -> list[TargetSet]:
        """What the served version and those before it were learned from, the oldest first."""
        path = self._store.versions.path(self._store.versions.head().id)
        return [target_set(text) for text in self._store.jobs.taught([version.id for version in path])]

    def studied(self) -> list[TargetSet]:
        """What every consolidation of this namespace was to learn, refused ones too, the oldest first."""
        return [target_set(text) for text in self._store.jobs.studied(self.namespace)]

    def _need_open(self) -> None:
        if self.closed:
            msg = f"the memory {self.folder} was closed; open it again"
            raise ClosedError(msg)


def now() -> datetime:
    """The time, with its timezone."""
    return datetime.now(timezone.utc)


def to_wait(store: Store, namespace: Namespace, config: PolicyConfig) -> timedelta:
    """How long a worker has to wait with what a namespace has said, by this machine's clock and time zone.

    Args:
        store: The memory folder.
        namespace: Whose.
        config: The silence and the hours that are waited for.

    Returns:
        The time; 0 where it may begin.
    """
    if not config.after_seconds and config.quiet_hours is None:
        return timedelta()
    pending = store.turns.list(namespace=namespace, states=(TurnState.PENDING,))
    return policy.wait(pending, config=config, now=now().astimezone())


def tokens_of(turns: Iterable[Turn], count: TokenCounter) -> int:
    """Tokens that turns take in a prompt, by a counter of a text's."""
    return sum(count(message.text) for turn in turns for message in turn.messages)
