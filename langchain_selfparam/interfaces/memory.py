"""``ParametricMemory``: a LangChain memory that moves what was said into the weights of a local model.

In come the inputs and outputs of chains, out go the turns that the weights do not hold yet. It knows
LangChain and the ``Engine`` facade; what happens between journal and weights is the engine's.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, cast

from langchain_classic.base_memory import BaseMemory
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, get_buffer_string
from langchain_core.tools import BaseTool
from pydantic import ConfigDict, Field, InstanceOf, PrivateAttr, ValidationError

from langchain_selfparam.config import Settings
from langchain_selfparam.errors import ClosedError, ConfigError
from langchain_selfparam.interfaces.batches import Batches
from langchain_selfparam.interfaces.keys import assistant_said, user_said
from langchain_selfparam.interfaces.opening import last_of, opened, space_of, whose
from langchain_selfparam.interfaces.options import first_problem, merged_settings, refuse_unknown
from langchain_selfparam.interfaces.scope import OneUser, filled, keys_of, literal
from langchain_selfparam.interfaces.tracing import Tracer
from langchain_selfparam.interfaces.twins import AsyncTwins
from langchain_selfparam.interfaces.unsaved import Unsaved
from langchain_selfparam.protocols import Progress
from langchain_selfparam.records import ConsolidationReport, Namespace, Turn, Version

if TYPE_CHECKING:
    from langchain_selfparam.engine.forget import Forgotten
    from langchain_selfparam.engine.pipeline import Engine
    from langchain_selfparam.engine.space import Everybody, Space
    from langchain_selfparam.engine.spaces import Spaces
    from langchain_selfparam.interfaces.history import SessionHistory
    from langchain_selfparam.interfaces.middleware import ParametricMiddleware

logger = logging.getLogger(__name__)


class ParametricMemory(AsyncTwins, Batches, BaseMemory):
    """A memory in the weights, for every classic chain that takes ``memory=``.

    Example:
        ``with ParametricMemory(llm, path="./memory", consolidate_every=8) as memory: …``

    Turns are saved in milliseconds, learned in the background, and stay in the prompt until the weights
    hold them. A folder has one owner at a time, and a model one memory. Copies, deep ones too, share the
    engine: closing one closes all. A memory cannot be pickled.

    Raises:
        TypeError: ``llm`` has no weights on this machine, or ``generator`` is no chat model.
        ConfigError: A setting is unknown or out of range, or the model already has an open memory.
        FolderError: The folder cannot be used as it is; its kinds are in ``langchain_selfparam.errors``.
        UnsupportedModelError: The model cannot be learned into exactly.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True, arbitrary_types_allowed=True)

    llm: Any = Field(default=None, exclude=True, repr=False, frozen=True)
    """A ``ChatSelfParam``, a local Hugging Face object or a ``(model, tokenizer)`` pair; see ``adopt``."""
    path: str | os.PathLike[str] | None = Field(default=None, frozen=True)
    """The memory folder; ``None`` for one of this model's own under the user's data folder."""
    namespace: Namespace = Field(default=("memories", "default"), frozen=True)
    """Whose memory it is. With ``isolation="namespace"`` a template, ``("memories", "{user_id}")`` by default: its keys
    are filled for each run from ``config["configurable"]`` or an agent's runtime context."""
    thread: str = ""
    """Conversation that turns are said in; where it is named, only its turns come back into the prompt."""
    consolidate_every: int | None = Field(default=8, frozen=True)
    """Learn when this many turns are pending; ``None`` for never by count."""
    consolidate_tokens: int | None = Field(default=None, frozen=True)
    """Learn when the pending text has this many tokens; ``None`` for never by length."""
    token_encoding: str | None = Field(default=None, frozen=True)
    """A tiktoken encoding to count in (its table is downloaded); ``None`` for the model's own tokenizer."""
    keep_last: int = Field(default=0, ge=0)
    """Turns that come back into the prompt even though the weights hold them."""
    generator: Any = Field(default=None, exclude=True, repr=False, frozen=True)
    """A LangChain chat model that writes the questions to learn from; ``None`` for the model itself."""
    settings: InstanceOf[Settings] | None = Field(default=None, repr=False, frozen=True)
    """All settings by stage, or a nested mapping of them; ``consolidate_every`` and the like go before."""
    isolation: Literal["shared", "namespace"] = Field(default="shared", frozen=True)
    """``"shared"``: what is learned is folded into the model's own weights. ``"namespace"``: each namespace has weights
    of its own over one base, chosen for each request by what its run says (see ``namespace``)."""
    adapter_bytes: int = Field(default=1 << 30, ge=1, frozen=True)
    """Bytes that the namespaces' own weights take in memory at most; the least recently used leave it first."""
    background: bool = Field(default=True, frozen=True)
    """Whether a worker thread learns by itself; else only ``consolidate`` does."""
    callbacks: Any = Field(default=None, exclude=True, repr=False, frozen=True)
    """LangChain callbacks that hear of every consolidation, the worker's as well, with a child run for each stage."""
    metrics: Any = Field(default=None, exclude=True, repr=False, frozen=True)
    """``hook(name, value, attributes)`` for every figure of a consolidation; nothing is sent anywhere by itself."""
    memory_key: str = "history"
    """Name of the prompt's variable for the turns that are not in the weights."""
    input_key: str | None = None
    """Which input is the user's; ``None`` for the only one."""
    output_key: str | None = None
    """Which output is the reply; ``None`` for the only one, or the usual names."""
    return_messages: bool = False
    """Messages instead of one string; chat prompts and ConversationalRetrievalChain need them."""
    human_prefix: str = "Human"
    """Name of the user in the string."""
    ai_prefix: str = "AI"
    """Name of the model in the string."""

    _engine: Engine | Spaces = PrivateAttr()
    _unsaved: Unsaved = PrivateAttr(default_factory=Unsaved)
    _one_user: OneUser = PrivateAttr(default_factory=OneUser)
    _bound: dict[str, str] = PrivateAttr(default_factory=dict)

    def __init__(self, llm: Any = None, /, **data: Any) -> None:
        if llm is not None:
            if "llm" in data:
                msg = "llm was given twice, first and by name; give it once"
                raise TypeError(msg)
            data["llm"] = llm
        refuse_unknown(data, type(self).model_fields)
        if data.get("isolation") == "namespace":
            data.setdefault("namespace", ("memories", "{user_id}"))
        settings = merged_settings(data)
        policy = settings.policy
        data |= {
            "settings": settings,
            "consolidate_every": policy.every_turns,
            "consolidate_tokens": policy.every_tokens,
        }
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise ConfigError(first_problem(error)) from error
        self._engine = opened(self)
        self._engine.watcher = Tracer(self.callbacks, self.metrics)

    @property
    def folder(self) -> Path:
        """The memory folder."""
        return self._engine.folder

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._engine.closed

    @property
    def memory_variables(self) -> list[str]:
        """The key that this memory adds to a chain's inputs."""
        return [self.memory_key]

    @property
    def turns(self) -> tuple[Turn, ...]:
        """Every turn of this namespace with its text and state, in the order in which they were said.

        Everybody's, where ``namespace`` asks for a key that neither this handle nor the run gives; see
        ``with_namespace``.
        """
        return self._open().turns()

    @property
    def versions(self) -> tuple[Version, ...]:
        """Every version of the weights, the oldest first; everybody's where ``turns`` are."""
        return self._open().versions()

    @property
    def last_error(self) -> BaseException | None:
        """What went wrong last while a turn was saved or learned; ``None`` where nothing did.

        Of this namespace alone; of whoever came last where ``turns`` are everybody's.
        """
        who = whose(self.namespace)
        return self._unsaved.newest(who, last_of(self._engine, who)[1])

    @property
    def last_report(self) -> ConsolidationReport | None:
        """What the last consolidation of this namespace did; ``None`` before the first.

        Of whoever learned last where ``turns`` are everybody's.
        """
        return last_of(self._engine, whose(self.namespace))[0]

    @property
    def buffer(self) -> str | list[BaseMessage]:
        """What ``load_memory_variables`` gives: a string, or messages with ``return_messages``."""
        return self.buffer_as_messages if self.return_messages else self.buffer_as_str

    @property
    def buffer_as_str(self) -> str:
        """The turns for the prompt, one line a message."""
        return get_buffer_string(self.buffer_as_messages, human_prefix=self.human_prefix, ai_prefix=self.ai_prefix)

    @property
    def buffer_as_messages(self) -> list[BaseMessage]:
        """The turns for the prompt, two messages a turn."""
        turns = self._open().prompt_turns(keep_last=self.keep_last, thread=self.thread or None)
        return [m for t in turns for m in (HumanMessage(content=t.user), AIMessage(content=t.assistant))]

    def load_memory_variables(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """The turns that the weights do not hold yet, and the last ``keep_last`` turns.

        Args:
            inputs: Not looked at; may be empty.

        Returns:
            One string, or a list of messages with ``return_messages``, under ``memory_key``. The one is empty
            where everything is in the weights.

        Raises:
            ClosedError: The memory was closed.
        """
        return {self.memory_key: self.buffer}

    def save_context(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        """Save a turn, in milliseconds; learning it is left to the worker.

        Where the turn cannot be stored, such as on a full disk, nothing is raised, since a chain would lose
        the answer that it already has: the error is logged as a warning and kept in ``last_error``.
        Messages are stored once for each message id and its words.

        Args:
            inputs: The user's words under ``input_key``: a string, a message or a list of messages.
            outputs: The reply under ``output_key``, likewise.

        Raises:
            InputError: The keys do not tell what was said, or it is empty or no text.
            ClosedError: The memory was closed.
        """
        self._need_open()
        user = user_said(inputs, key=self.input_key, reserved=self.memory_variables)
        assistant = assistant_said(outputs, key=self.output_key)
        self.save_turn(user.text, assistant.text, message_id=assistant.message_id or user.message_id)

    def save_turn(self, user: str, assistant: str, *, thread: str | None = None, message_id: str | None = None) -> bool:
        """Save a turn as ``save_context`` does, without a chain's keys.

        Args:
            user: What the user said; empty where this is the reply to the last turn, saved without one.
            assistant: The reply; may be empty.
            thread: Conversation it was said in; the memory's own where missing.
            message_id: Durable id; a turn with a known one and the same words of the user's is not stored again.

        Returns:
            Whether it is stored; else ``last_error`` says why not, or no turn waited for this reply.

        Raises:
            ConfigError: The run does not say whose memory this is about.
            ClosedError: The memory was closed.
        """
        there, thread = self._open(), self.thread if thread is None else thread
        try:
            if user:
                there.append(user=user, assistant=assistant, thread=thread, message_id=message_id)
            else:
                return there.reply(assistant, thread=thread) is not None
        except (ClosedError, ConfigError):
            raise
        except Exception as error:  # noqa: BLE001 - kept in last_error: the chain must not lose its answer
            self.note_error(error)
            logger.warning("a turn was not saved in %s: %s: %s", self.folder, type(error).__name__, error)
            return False
        return True

    def note_error(self, error: BaseException) -> None:
        """Keep an error that was not raised in ``last_error``.

        Args:
            error: What went wrong.
        """
        for who in {whose(self.namespace), None}:
            self._unsaved.note(who, error, beside=last_of(self._engine, who)[1])

    def said_in(self, message_ids: Collection[str]) -> dict[str, Turn]:
        """The turns that came in these messages.

        Args:
            message_ids: Ids of messages.

        Returns:
            Message id to its turn; none for a message that was never saved.
        """
        return self._open().said_in(message_ids)

    def turns_here(self) -> tuple[Turn, ...]:
        """Every turn of the one whom the run at hand is for; as ``turns``, but never everybody's.

        Raises:
            ConfigError: The run does not say whom it is for.
        """
        there = self._open()
        there.said_in(())  # refused by everybody
        return there.turns()

    def pending_turns(self) -> tuple[Turn, ...]:
        """The turns of every conversation that the weights do not hold, and what corrects one of them, in order."""
        return self._open().prompt_turns()

    def with_namespace(self, **keys: Any) -> ParametricMemory:
        """A handle on one namespace of this memory, such as ``memory.with_namespace(user_id="ana")``.

        The model does not know of it: give chains ``llm.with_config(configurable={"user_id": "ana"})``.

        Args:
            **keys: What the keys of ``namespace`` stand for.

        Returns:
            A memory with the same engine; closing one closes all.

        Raises:
            ConfigError: A key is missing, or ``namespace`` has no such key.
        """
        unknown = [key for key in keys if key not in keys_of(self.namespace)]
        if unknown:
            msg = f"namespace {self.namespace} does not ask for {', '.join(map(repr, unknown))}"
            raise ConfigError(msg)
        handle = self.model_copy(update={"namespace": literal(filled(self.namespace, keys))})
        handle._bound = {**self._bound, **{key: str(value) for key, value in keys.items()}}  # noqa: SLF001 - its own
        return handle

    def get_session_history(self, session_id: str) -> SessionHistory:
        """The history of a session, for ``RunnableWithMessageHistory``.

        Args:
            session_id: With ``isolation="namespace"`` it fills the one key of ``namespace``; else it names a
                conversation of the one namespace.

        Returns:
            What is not in the weights yet, and a place to add messages.

        Raises:
            ConfigError: ``namespace`` asks for more than one key.
        """
        from langchain_selfparam.interfaces.history import SessionHistory

        if keys_of(self.namespace):
            whose = filled(self.namespace, {"session_id": session_id})
            named = self.model_copy(update={"namespace": literal(whose)})
        else:
            named = self.model_copy(update={"thread": session_id})
        return SessionHistory(named, self.namespace)

    def as_middleware(self, *, user_key: str = "user_id", keep_last: int | None = None) -> ParametricMiddleware:
        """This memory as middleware of ``langchain.agents.create_agent``.

        Args:
            user_key: Name of the user's id in the runtime context or in ``config["configurable"]``.
            keep_last: Turns that stay in the thread even though the weights hold them; the memory's own where missing.

        Returns:
            The middleware. With ``isolation="shared"`` it refuses runs for a second user, who would read the words of
            the first; that of a handle refuses runs that name somebody else.
        """
        from langchain_selfparam.interfaces.middleware import ParametricMiddleware

        kept = self.keep_last if keep_last is None else keep_last
        one_user = self._one_user if self.isolation == "shared" else None
        return ParametricMiddleware(self, user_key=user_key, keep_last=kept, one_user=one_user, bound=self._bound)

    def as_tools(self) -> list[BaseTool]:
        """Tools ``remember``, ``forget`` and ``what_do_you_remember`` for an agent.

        Returns:
            The tools; in an agent with this memory's middleware they work for the user whom the run names.
        """
        from langchain_selfparam.interfaces.tools import Forget, Remember, WhatDoYouRemember

        return [Remember(memory=self), Forget(memory=self), WhatDoYouRemember(memory=self)]

    def clear(self) -> None:
        """Take pending turns out of the prompt, those of ``thread`` where it names one; they stay in ``turns``.

        They are not learned any more. The weights are not touched: ``forget`` and ``rollback`` do that. Turns that a
        consolidation is working on are left alone, and those that the weights held once and have lost: they are memory,
        and learned again.

        Raises:
            ClosedError: The memory was closed.
        """
        self._open().clear(self.thread or None)

    def consolidate(self, *, progress: Progress | None = None) -> ConsolidationReport:
        """Learn all pending turns now, and wait for it.

        Chat goes on meanwhile. Where it fails, the weights and the turns are as they were.

        Args:
            progress: Called as ``progress(stage, done, total)``.

        Returns:
            What was held, what stays in the prompt and why; its version is ``None`` where nothing was
            committed.

        Raises:
            ConsolidationError: Learning failed; the text says why.
            ClosedError: The memory was closed.
        """
        return self._open().consolidate(progress=progress)

    def rollback(self, version: int) -> tuple[int, ...]:
        """Serve the exact weights of another version.

        Args:
            version: Its id; 0 is the untouched base.

        Returns:
            Ids of the turns that are pending again because these weights do not hold them.

        Raises:
            UnknownVersionError: There is no such version.
            ClosedError: The memory was closed.
        """
        return self._open().rollback(version)

    def forget(self, turn_ids: Sequence[int]) -> Forgotten:
        """Remove turns from the weights and from the journal.

        Args:
            turn_ids: Ids from ``turns``.

        Returns:
            What was removed, with the proof.

        Raises:
            UnknownTurnError: There is no such turn; none is removed then.
            ClosedError: The memory was closed.
        """
        return self._open().forget(turn_ids)

    def export(self, path: str | os.PathLike[str], *, format: str = "peft") -> Path:  # noqa: A002
        """Write what was learned as a file set that other programs read.

        Args:
            path: A folder to make.
            format: ``"peft"`` for a PEFT adapter.

        Returns:
            The folder.

        Raises:
            ConfigError: The format is unknown.
            ClosedError: The memory was closed.
        """
        return self._open().export(Path(path), format=format)

    def flush(self, timeout: float | None = None) -> None:
        """Wait until the worker has learned whatever is due.

        Args:
            timeout: Seconds to wait at most; ``None`` for as long as it takes.

        Raises:
            ClosedError: The memory was closed.
        """
        self._open().flush(timeout)

    def close(self) -> None:
        """Give the folder back and put the model's own weights in place; a second time does nothing."""
        self._engine.close()

    def __enter__(self) -> ParametricMemory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> ParametricMemory:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> ParametricMemory:
        # The folder has one owner and the model one memory: a copy can only be another handle on them.
        return self.model_copy()

    def __getstate__(self) -> dict[Any, Any]:
        msg = (
            f"a ParametricMemory cannot be pickled: it owns the folder {self.folder} and a model in this "
            "process; close it and open the folder where it is needed"
        )
        raise TypeError(msg)

    def _need_open(self) -> None:
        if self._engine.closed:
            msg = f"the memory in {self.folder} was closed; make a ParametricMemory with this path again"
            raise ClosedError(msg)

    def _open(self) -> Engine | Space | Everybody:
        self._need_open()
        if self.isolation == "shared":
            return cast("Engine", self._engine)
        return space_of(cast("Spaces", self._engine), self.namespace)
