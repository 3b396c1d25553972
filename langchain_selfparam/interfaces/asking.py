"""Putting many questions to the model behind an ``llm`` at once, and speaking a script through a real chain.

In come questions or a written conversation, out go answers or a filled memory. It knows nothing of what the
answers are compared with.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from langchain_selfparam.interfaces.adopt import adopt
from langchain_selfparam.interfaces.memory import ParametricMemory
from langchain_selfparam.records import Message
from langchain_selfparam.serving.batch import BatchGenerator

_ROWS = 12


def _unseen(done: int, total: int) -> None:
    """Nobody watches."""


class Asker:
    """Answers prompts greedily, several at a time, with whatever weights are served.

    Args:
        llm: Whatever ``ParametricMemory`` takes.
        max_tokens: Most tokens of an answer.
        rows: Prompts that are answered at once.
        temperature: 0 for greedy answers; else they are drawn, from the same seed each time.
    """

    def __init__(self, llm: Any, *, max_tokens: int = 32, rows: int = _ROWS, temperature: float = 0.0) -> None:
        found = adopt(llm)
        self.local, self.gate = found.local, found.gate
        self._max_tokens, self._rows, self._temperature = max_tokens, rows, temperature

    def __call__(
        self,
        prompts: Sequence[Sequence[Message]],
        progress: Callable[[int, int], None] = _unseen,
    ) -> list[str]:
        """Answer each prompt.

        Args:
            prompts: Chat messages, one sequence a prompt.
            progress: Called with the prompts answered so far and all prompts.

        Returns:
            One answer for each prompt, in order.
        """
        return self._answered(prompts, progress, None)

    def over(self, model: Any) -> Callable[[Sequence[Sequence[Message]], Callable[[int, int], None]], list[str]]:
        """The same with other weights.

        Args:
            model: A twin of the served module; nobody else may change it.

        Returns:
            Answers prompts as this object does.
        """
        return lambda prompts, progress: self._answered(prompts, progress, model)

    def _answered(
        self, prompts: Sequence[Sequence[Message]], progress: Callable[[int, int], None], model: Any
    ) -> list[str]:
        gate = self.gate if model is None else None
        writer = BatchGenerator(self.local, gate, model=model, rows=self._rows, progress=progress)
        texts = writer.generate(prompts, max_tokens=self._max_tokens, temperature=self._temperature, seed=0)
        return [answers[0] for answers in texts]


def rehearse(
    memory: ParametricMemory,
    turns: Sequence[tuple[str, str]],
    progress: Callable[[int, int], None] = _unseen,
) -> None:
    """Speak a written conversation through a ``ConversationChain`` with this memory.

    The replies are scripted, so that what is remembered is the same for every model.

    Args:
        memory: The memory to fill.
        turns: What the user says and what is replied, in order.
        progress: Called with the turns spoken so far and all turns.
    """
    with warnings.catch_warnings():
        # LangChain warns that the chain is of its older generation; it is the one that takes memory=.
        warnings.simplefilter("ignore", DeprecationWarning)
        from langchain_classic.chains import ConversationChain

        replies = GenericFakeChatModel(messages=iter([AIMessage(reply) for _, reply in turns]))
        chain = ConversationChain(llm=replies, memory=memory)
        for done, (user, _) in enumerate(turns, 1):
            chain.invoke({"input": user})
            progress(done, len(turns))
