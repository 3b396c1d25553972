"""Tools with which an agent remembers, forgets and says what it remembers, for whoever it talks to.

In come an agent's calls, out goes text for the agent. Whose memory it is is said by the run, as for the memory itself.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from langchain_core.tools import BaseTool
from pydantic import BaseModel, Field

from langchain_selfparam.errors import SelfParamError
from langchain_selfparam.interfaces.threads import waiting
from langchain_selfparam.records import Turn, TurnState

if TYPE_CHECKING:
    from langchain_selfparam.interfaces.memory import ParametricMemory

FORGET = "forget"
"""What the tool that forgets is called."""
_MOST = 20
"""Turns that are listed at most."""
_WHERE = {
    TurnState.PENDING: "waiting to be learned",
    TurnState.LEASED: "being learned",
    TurnState.HELD: "in the weights",
    TurnState.CLEARED: "put aside",
}


class _Fact(BaseModel):
    fact: str = Field(description="One fact in a whole sentence, in the user's own words: 'My boat is called Ada.'")


class _About(BaseModel):
    about: str = Field(description="Words that what is meant has in it; all of them have to be there.")


class _Anything(BaseModel):
    about: str = Field(default="", description="Words that it has to have in it; empty for everything.")


class _MemoryTool(BaseTool):
    """A tool over a ``ParametricMemory``."""

    memory: Any = Field(exclude=True, repr=False)
    """The memory; the run says whose part of it."""

    def _found(self, about: str) -> list[Turn]:
        words = about.lower().split()
        memory: ParametricMemory = self.memory
        return [t for t in memory.turns_here() if all(w in f"{t.user} {t.assistant}".lower() for w in words)]


class Remember(_MemoryTool):
    """Keeps a fact: it is in the prompt at once, and in the weights after the next consolidation."""

    name: str = "remember"
    description: str = "Keep a fact about the user for good."
    args_schema: type[BaseModel] = _Fact

    def _run(self, fact: str, **_: Any) -> str:
        if not fact.strip():
            return "There is nothing in it to remember."
        if self.memory.save_turn(fact.strip(), "I will remember that."):
            return "Remembered."
        return f"It could not be kept: {self.memory.last_error}"

    async def _arun(self, fact: str, **_: Any) -> str:
        return await asyncio.to_thread(self._run, fact)


class Forget(_MemoryTool):
    """Removes what was said from journal and weights; what else was learned since is learned again."""

    name: str = FORGET
    description: str = "Forget what the user has said with these words in it, for good."
    args_schema: type[BaseModel] = _About

    def _run(self, about: str, **_: Any) -> str:
        found = self._found(about) if about.strip() else []
        busy = [turn for turn in found if turn.state is TurnState.LEASED]
        if busy:
            return "This is being learned just now; ask again later."
        if not found:
            return f"Nothing that is remembered has {about!r} in it."
        try:
            done = self.memory.forget([turn.id for turn in found])
        except SelfParamError as error:  # such as another call that has forgotten it meanwhile
            return f"It was not forgotten: {error}"
        again = f" {len(done.relearn)} other turns will be learned again." if done.relearn else ""
        return f"Forgotten: {' | '.join(turn.user for turn in found)}{again}"

    async def _arun(self, about: str, **_: Any) -> str:
        return await waiting(self._run, about)


class WhatDoYouRemember(_MemoryTool):
    """Lists what the user has said, and whether the weights hold it."""

    name: str = "what_do_you_remember"
    description: str = "List what the user has said, the latest last, and where it is kept."
    args_schema: type[BaseModel] = _Anything

    def _run(self, about: str = "", **_: Any) -> str:
        found = self._found(about)
        lines = [f"- {turn.user} ({_WHERE[turn.state]})" for turn in found[-_MOST:]]
        more = [f"and {len(found) - _MOST} earlier ones"] if len(found) > _MOST else []
        return "\n".join([*more, *lines]) or "Nothing yet."

    async def _arun(self, about: str = "", **_: Any) -> str:
        return await asyncio.to_thread(self._run, about)
