"""Agents of LangChain 1 over scripted models, each with a memory as middleware and threads that are kept."""

import dataclasses

from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.memory import InMemorySaver


@dataclasses.dataclass
class Ctx:
    user_id: str


class Scripted(GenericFakeChatModel):
    """Answers from a list, in which an error is raised, and keeps what it was asked."""

    asked: list = []  # noqa: RUF012 - pydantic copies it

    def _generate(self, messages, *args, **kwargs):
        self.asked.append([m.text for m in messages])
        answer = next(self.messages)
        if isinstance(answer, Exception):
            raise answer
        return ChatResult(generations=[ChatGeneration(message=answer)])

    def bind_tools(self, tools, **kwargs):
        return self


def script(*answers):
    return Scripted(messages=iter([AIMessage(a) if isinstance(a, str) else a for a in answers]))


def agent(model, memory, *, tools=(), before=(), after=(), **options):
    return create_agent(
        model, tools=list(tools), middleware=[*before, memory.as_middleware(**options), *after], context_schema=Ctx,
        checkpointer=InMemorySaver(),
    )  # fmt: skip


def say(agent, text, user="ana", thread="t1"):
    return agent.invoke({"messages": [("user", text)]}, {"configurable": {"thread_id": thread}}, context=Ctx(user))


def hold(memory, *users):
    """Mark turns as held, as a consolidation does."""
    with memory._engine._store.database.transaction() as c:
        for user in users:
            c.exec_driver_sql("UPDATE turns SET state = 'held' WHERE user = ?", (user,))
