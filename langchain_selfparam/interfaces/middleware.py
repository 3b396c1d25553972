"""``ParametricMiddleware``: a memory in the place that ``langchain.agents.create_agent`` has for one.

In come an agent's state and requests, out go requests with what the weights do not hold yet, and a thread without what
they hold. It keeps nothing itself. ``langchain`` is imported only where somebody asks for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import AgentState, PrivateStateAttr
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, RemoveMessage, ToolMessage
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from typing_extensions import NotRequired

from langchain_selfparam.errors import ClosedError, ConfigError
from langchain_selfparam.interfaces.messages import exchanges
from langchain_selfparam.interfaces.scope import at_hand, filled, keys_of, saying
from langchain_selfparam.interfaces.tools import FORGET
from langchain_selfparam.records import TurnState

if TYPE_CHECKING:
    from langchain_selfparam.interfaces.memory import ParametricMemory

logger = logging.getLogger(__name__)


class SinceState(AgentState[Any]):
    """What a checkpointer keeps for this middleware beside the thread."""

    selfparam_since: NotRequired[Annotated[list[str] | None, PrivateStateAttr]]
    """The id of the message with which the first run began that did not end, and the namespace that it was for."""


class ParametricMiddleware(AgentMiddleware[Any, Any, Any]):
    """A ``ParametricMemory`` for agents of LangChain 1; made by ``memory.as_middleware()``.

    Whose memory it is is said by the runtime context or by ``config["configurable"]``. A run without it is refused at
    its start; anything else that goes wrong is logged and kept in ``memory.last_error``, and the run goes on.

    Args:
        memory: The memory.
        user_key: Name of the user's id in the runtime context or the configuration.
        keep_last: Turns that stay in the thread even though the weights hold them.
    """

    state_schema = SinceState

    def __init__(self, memory: ParametricMemory, *, user_key: str, keep_last: int) -> None:
        super().__init__()
        self.tools = []
        self._memory = memory
        self._user_key = user_key
        self._keep_last = keep_last

    @property
    def name(self) -> str:
        """What the agent's graph calls it."""
        return "ParametricMemory"

    def before_agent(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Refuse a run that does not say whom it is for, and note where it begins.

        Args:
            state: The agent's state.
            runtime: Its runtime; ``context`` may name the user.

        Returns:
            Where it begins; ``None`` where that is noted of a run before that did not end.

        Raises:
            ConfigError: A key of the memory's namespace is missing.
            ClosedError: The memory was closed.
        """
        with self._for(runtime), self._recorded("the memory could not be read", but=(ConfigError, ClosedError)):
            self._memory.states(())
            _, found = exchanges(state["messages"])
            begins = found[-1].message_id if found else None
            whose = list(filled(self._memory.namespace, at_hand()))
            if begins and (state.get("selfparam_since") or [""])[1:] != whose:
                return {"selfparam_since": [begins, *whose]}
        return None

    def before_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Take turns that the weights hold out of the thread, whole: a tool call stays with its result.

        Args:
            state: The agent's state.
            runtime: Its runtime.

        Returns:
            The messages that stay, or ``None`` where all do.
        """
        with self._for(runtime), self._recorded("the thread was left as it is"):
            _, found = exchanges(state["messages"])
            last = len(found) - 1
            earlier = [e for e in found[: max(0, last - self._keep_last)] if e.message_id]
            states = self._memory.states([e.message_id for e in earlier if e.message_id])
            held = [e for e in earlier if states.get(str(e.message_id)) is TurnState.HELD]
            if held:
                # What corrects a turn that is in the prompt stays beside it.
                beside = {turn.message_id for turn in self._memory.pending_turns()}
                held = [e for e in held if e.message_id not in beside]
            if held:
                gone = {id(m) for e in held for m in e.messages}
                keep = [m for m in state["messages"] if id(m) not in gone]
                return {"messages": [RemoveMessage(id=REMOVE_ALL_MESSAGES), *keep]}
        return None

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

        What was said in runs of the same user before that did not end, with an error for instance, is saved as well.

        Args:
            state: The agent's state.
            runtime: Its runtime.

        Returns:
            That it has ended; ``None`` where it could not be saved.
        """
        ended: dict[str, Any] = {}
        with self._for(runtime), self._recorded("what was said was not saved"):
            _, found = exchanges(state["messages"])
            since = (state.get("selfparam_since") or [None])[0]
            begins = next((n for n, one in enumerate(found) if since and one.message_id == since), len(found) - 1)
            thread = str(at_hand().get("thread_id") or self._memory.thread)
            for said in found[max(0, begins) :]:
                # What was said to have something forgotten has it in it.
                if said.user.strip() and not any(_forgets(message) for message in said.messages):
                    self._memory.save_turn(said.user, said.assistant, thread=thread, message_id=said.message_id)
            ended["selfparam_since"] = None
        return ended or None

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

    def _prepared(self, request: Any) -> Any:
        with self._recorded("pending turns were left out of the prompt"):
            _, found = exchanges(request.messages)
            here = {e.message_id for e in found}
            # What is kept of this thread is in it; of others only what no weights hold is needed.
            pending = [t for t in self._memory.pending_turns() if t.message_id is None or t.message_id not in here]
            before: list[BaseMessage] = []
            for turn in pending:
                before.append(HumanMessage(content=turn.user))
                before += [AIMessage(content=turn.assistant)] if turn.assistant else []
            if before:
                first = list(itertools.takewhile(lambda m: m.type == "system", request.messages))
                return request.override(messages=[*first, *before, *request.messages[len(first) :]])
        return request

    @contextlib.contextmanager
    def _for(self, runtime: Any) -> Iterator[None]:
        """Work for the user whom the runtime names."""
        context, known = getattr(runtime, "context", None), at_hand()
        values: dict[str, Any] = {}
        keys = keys_of(self._memory.namespace)
        for key in {*keys, self._user_key}:
            found = context.get(key) if isinstance(context, Mapping) else getattr(context, key, None)
            found = known.get(key) if found is None else found
            if found is not None:
                values[key] = found
        if len(keys) == 1 and self._user_key in values:
            values.setdefault(keys[0], values[self._user_key])
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


def _forgets(message: BaseMessage) -> bool:
    return isinstance(message, ToolMessage) and message.name == FORGET
