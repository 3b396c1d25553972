"""``ParametricMiddleware``: a memory in the place that ``langchain.agents.create_agent`` has for one.

In come an agent's state and requests, out go requests with what the weights do not hold yet, and a thread without what
they hold. It keeps nothing itself. ``langchain`` is imported only where somebody asks for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import AgentState, PrivateStateAttr
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, RemoveMessage
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from typing_extensions import NotRequired

from langchain_selfparam.errors import ClosedError, ConfigError
from langchain_selfparam.interfaces.messages import Exchange, exchanges, reply_in, role_of
from langchain_selfparam.interfaces.sayings import Saying, noted, parts, said_by
from langchain_selfparam.interfaces.scope import OneUser, at_hand, filled, keys_of, saying
from langchain_selfparam.records import Turn, TurnState, id_of_other_words

if TYPE_CHECKING:
    from langchain_selfparam.interfaces.memory import ParametricMemory

logger = logging.getLogger(__name__)


_SAID, _CLOSED = "selfparam_said", "selfparam_closed"


class SaidState(AgentState[Any]):
    """What a checkpointer keeps for this middleware beside the thread."""

    selfparam_said: NotRequired[Annotated[list[Saying] | None, PrivateStateAttr]]
    """Who has said what of the thread, and what of it is not saved yet."""
    selfparam_closed: NotRequired[Annotated[bool, PrivateStateAttr]]
    """The memory was closed when the run began."""


class ParametricMiddleware(AgentMiddleware[Any, Any, Any]):
    """A ``ParametricMemory`` for agents of LangChain 1; made by ``memory.as_middleware()``.

    Whose memory it is is said by the runtime context or by ``config["configurable"]``. A run without it is refused
    before the model is first called, and so is one whose memory was closed before; anything else that goes wrong is
    logged and kept in ``memory.last_error``, and the run goes on.

    Where a thread is of several users it goes before every middleware that may end a run in ``before_agent``: what it
    has not seen of one user's words it would take for the next one's.

    Args:
        memory: The memory.
        user_key: Name of the user's id in the runtime context or the configuration.
        keep_last: Turns that stay in the thread even though the weights hold them.
        one_user: Where all users are answered with the same weights: refuses runs for more than one.
        bound: Of a handle on one namespace, what its keys stand for: runs that name nobody are for them, and others
            are refused.
    """

    state_schema = SaidState

    def __init__(
        self,
        memory: ParametricMemory,
        *,
        user_key: str,
        keep_last: int,
        one_user: OneUser | None = None,
        bound: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.tools = []
        self._memory = memory
        self._user_key = user_key
        self._keep_last = keep_last
        self._one_user = one_user
        self._bound = dict(bound or {})

    @property
    def name(self) -> str:
        """What the agent's graph calls it."""
        return "ParametricMemory"

    def before_agent(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Note what is said in a run, and for whom; ``before_model`` refuses one that does not say that.

        What the same user said in runs before that did not end, with an error for instance, or that could not be saved,
        is saved now.

        Args:
            state: The agent's state.
            runtime: Its runtime; ``context`` may name the user.

        Returns:
            What was said, and by whom.
        """
        closed, whose = False, list[str]()
        # A refusal here would leave words in the thread, and no note of whose they are for the next run.
        with contextlib.suppress(ConfigError), self._for(runtime):
            whose = self._whose()
        sayings = noted(state["messages"], state.get(_SAID) or [], whose, begins=True)
        if whose:
            with self._for(runtime), self._recorded("the memory could not be read"):
                closed = self._memory.closed
                # What was said last waits for this run's reply. The others are saved before a tool can forget them.
                sayings = self._saved(state["messages"], sayings, until=len(sayings) - 1)
        return {_SAID: sayings, _CLOSED: closed}

    def before_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Take turns that the weights hold out of the thread, whole: a tool call stays with its result.

        Args:
            state: The agent's state.
            runtime: Its runtime.

        Returns:
            The messages that stay, and what was said meanwhile; ``None`` where nothing changes.

        Raises:
            ConfigError: A key of the memory's namespace is missing, the memory is a handle on another user's, or all
                are answered with the same weights and an earlier run was for another user.
            ClosedError: The memory was closed when the run began.
        """
        changes: dict[str, Any] = {}
        refused = (ConfigError, ClosedError) if state.get(_CLOSED) else (ConfigError,)
        with self._for(runtime), self._recorded("the thread was left as it is", but=refused):
            sayings = self._noted(state)
            if sayings != state.get(_SAID):
                changes[_SAID] = sayings
            _, found = exchanges(state["messages"], said_by(sayings))
            last = len(found) - 1
            held = self._held(found[: max(0, last - self._keep_last)])
            if held:
                gone = {id(m) for e in held for m in e.messages}
                keep = [m for m in state["messages"] if id(m) not in gone]
                changes["messages"] = [RemoveMessage(id=REMOVE_ALL_MESSAGES), *keep]
        return changes or None

    def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """Answer with what is pending from other threads in the prompt, and with the user's own weights.

        Args:
            request: The model's request.
            handler: Answers it.

        Returns:
            What it answers.
        """
        with self._for(request.runtime):
            return handler(self._prepared(request))

    def wrap_tool_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """Let a tool work for the user whom the run is for.

        Args:
            request: The call.
            handler: Makes it.

        Returns:
            What it gives back.
        """
        with self._for(request.runtime):
            return handler(request)

    def after_agent(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Save what was said in this run, once however often it is seen; not where it was to be forgotten.

        What could not be saved is kept, and saved with the user's next run in the thread.

        Args:
            state: The agent's state.
            runtime: Its runtime.

        Returns:
            Who has said what, and what of it is not saved.
        """
        changes: dict[str, Any] = {}
        with self._for(runtime), self._recorded("what was said was not saved"):
            changes[_SAID] = sayings = self._noted(state)
            changes[_SAID] = self._saved(state["messages"], sayings, until=len(sayings))
        return changes or None

    async def abefore_agent(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """``before_agent`` without blocking the event loop."""
        return await asyncio.to_thread(self.before_agent, state, runtime)

    async def abefore_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """``before_model`` without blocking the event loop."""
        return await asyncio.to_thread(self.before_model, state, runtime)

    async def awrap_model_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """``wrap_model_call`` without blocking the event loop."""
        with self._for(request.runtime):
            return await handler(await asyncio.to_thread(self._prepared, request))

    async def awrap_tool_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """``wrap_tool_call`` for tools that are awaited."""
        with self._for(request.runtime):
            return await handler(request)

    async def aafter_agent(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """``after_agent`` without blocking the event loop."""
        return await asyncio.to_thread(self.after_agent, state, runtime)

    def _noted(self, state: Any) -> list[Saying]:
        return noted(state["messages"], state.get(_SAID) or [], self._whose())

    def _whose(self) -> list[str]:
        return list(filled(self._memory.namespace, at_hand()))

    def _saved(self, messages: Sequence[BaseMessage], sayings: Sequence[Saying], *, until: int) -> list[Saying]:
        """Save what this run's user has said, and note of what that was done."""
        whose, thread = self._whose(), str(at_hand().get("thread_id") or self._memory.thread)
        there, after = parts(messages, sayings), list(sayings)
        for number, one in enumerate(sayings[: max(0, until)]):
            if one["user"] is not None and one["whose"] == whose:
                reply = reply_in(there.get(number, ())) or one["assistant"]
                done = self._memory.save_turn(one["user"], reply, thread=thread, message_id=one["ids"][0])
                after[number] = {**one, "user": None, "assistant": ""} if done else {**one, "assistant": reply}
        return after

    def _held(self, found: Sequence[Exchange]) -> list[Exchange]:
        """Those of which the weights hold all that the user says in them, and which correct nothing in the prompt."""
        known = self._memory.said_in({key for e in found for key in _ids(e)})
        held: list[tuple[Exchange, Turn]] = []
        for one in found:
            # A message that was edited since, or that stands beside another now, is not what the turn says.
            same = (known[key] for key in _ids(one) if key in known and known[key].user == one.user)
            held += [(one, turn) for turn in same if turn.state is TurnState.HELD]
        if not held:
            return []
        # What corrects a turn that is in the prompt stays beside it.
        beside = {turn.id for turn in self._memory.pending_turns()}
        return [one for one, turn in held if turn.id not in beside]

    def _prepared(self, request: Any) -> Any:
        with self._recorded("pending turns were left out of the prompt"):
            _, found = exchanges(request.messages, said_by(request.state.get(_SAID) or []))
            here = {str(m.id) for e in found for m in e.messages} | {key for e in found for key in _ids(e)}
            # What is kept of this thread is in it; of others only what no weights hold is needed.
            pending = [t for t in self._memory.pending_turns() if t.message_id is None or t.message_id not in here]
            before: list[BaseMessage] = []
            for turn in pending:
                before.append(HumanMessage(content=turn.user))
                before += [AIMessage(content=turn.assistant)] if turn.assistant else []
            if before:
                first = list(itertools.takewhile(lambda m: role_of(m) == "system", request.messages))
                return request.override(messages=[*first, *before, *request.messages[len(first) :]])
        return request

    @contextlib.contextmanager
    def _for(self, runtime: Any) -> Iterator[None]:
        """Work for the user whom the runtime names."""
        context, known = getattr(runtime, "context", None), at_hand()
        values: dict[str, Any] = {}
        keys = keys_of(self._memory.namespace) or tuple(self._bound)
        for key in {*keys, self._user_key}:
            found = context.get(key) if isinstance(context, Mapping) else getattr(context, key, None)
            found = known.get(key) if found is None else found
            if found is not None:
                values[key] = found
        if self._one_user is not None and self._user_key in values:
            self._one_user.need(values[self._user_key])
        if len(keys) == 1 and self._user_key in values:
            values.setdefault(keys[0], values[self._user_key])
        for key, bound in self._bound.items():
            if str(values.setdefault(key, bound)) != bound:
                msg = (
                    f"this middleware is of a handle on {key}={bound!r}, and a run for {str(values[key])!r} would read "
                    "what was said there; use as_middleware() of the memory that with_namespace(...) was called on"
                )
                raise ConfigError(msg)
        with saying(values):
            yield

    @contextlib.contextmanager
    def _recorded(self, what: str, *, but: tuple[type[Exception], ...] = (ConfigError,)) -> Iterator[None]:
        """Keep an error in the memory instead of ending the run with it."""
        try:
            yield
        except but:
            raise
        except Exception as error:  # noqa: BLE001 - kept in last_error: the run must not lose its answer
            self._memory.note_error(error)
            logger.warning("%s in %s: %s: %s", what, self._memory.folder, type(error).__name__, error)


def _ids(exchange: Exchange) -> tuple[str, ...]:
    """Under which a turn with these words may be kept."""
    first = exchange.message_id
    return () if first is None else (first, id_of_other_words(first, exchange.user))
