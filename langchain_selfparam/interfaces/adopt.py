"""Local weights out of what LangChain users hold, and text out of any chat model of theirs.

In comes an ``llm`` argument, out goes the ``LocalModel`` behind it with its gate, or a ``TypeError`` that
lists what is accepted. It knows nothing of what the weights are wanted for.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable
from langchain_core.runnables.base import RunnableBindingBase

from langchain_selfparam.interfaces.chat_model import ChatSelfParam
from langchain_selfparam.interfaces.messages import from_records, text_of
from langchain_selfparam.loading import quick
from langchain_selfparam.model import LocalModel
from langchain_selfparam.records import Message, Prompt
from langchain_selfparam.serving.gate import Gate, gate_for
from langchain_selfparam.serving.routing import wrap_generate

logger = logging.getLogger(__name__)

_GO_ON = "Go on with this text from where it ends. Write only what comes next:"
_ACCEPTED = (
    "ChatSelfParam, HuggingFacePipeline, ChatHuggingFace over a HuggingFacePipeline, a transformers "
    "text-generation pipeline, a (model, tokenizer) pair, and any of these behind .bind(...)"
)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Adopted:
    """An ``llm`` whose weights were found on this machine."""

    local: LocalModel
    gate: Gate
    llm: Any
    """What was handed over, unchanged."""


def adopt(llm: Any) -> Adopted:
    """Find the weights behind ``llm``, and have everyone who generates with them pass the gate.

    Args:
        llm: A ``ChatSelfParam``, ``HuggingFacePipeline``, ``ChatHuggingFace`` over one, a transformers
            text-generation pipeline, a ``(model, tokenizer)`` pair, or one of these behind ``.bind(...)``.

    Returns:
        The model, its gate, and ``llm`` itself.

    Raises:
        TypeError: There are no weights on this machine; the text says what was found and what is accepted.
    """
    found = _unbound(llm)
    if isinstance(found, ChatSelfParam):
        return Adopted(local=found.local, gate=gate_for(found.local.model), llm=llm)
    model, tokenizer = _weights(found)
    if not (hasattr(model, "named_parameters") and hasattr(model, "generate")):
        msg = (
            f"found {_describe(found)}, which has no weights on this machine; a memory in the weights needs "
            f"them here. Accepted are {_ACCEPTED}"
        )
        raise TypeError(msg)
    local = LocalModel(model=model, tokenizer=tokenizer)
    if quick(local.dtype, local.device) != local.dtype:
        logger.warning(
            "%s has %s weights, which this processor multiplies many times as slowly as float32; "
            "load it with dtype=torch.float32",
            local.name,
            str(local.dtype).removeprefix("torch."),
        )
    gate = gate_for(model)
    wrap_generate(model, gate)
    return Adopted(local=local, gate=gate, llm=llm)


def tells_whose(llm: Any) -> bool:
    """Whether requests reach the model in the context of their run, which says whom they are for.

    A ``HuggingFacePipeline`` answers in threads of its own and in batches of several runs.

    Args:
        llm: What ``adopt`` takes.

    Returns:
        Whether it does.
    """
    found = _unbound(llm)
    return not any(_is_a(found, name) for name in ("ChatHuggingFace", "HuggingFacePipeline", "TextGenerationPipeline"))


def _unbound(llm: Any) -> Any:
    while isinstance(llm, RunnableBindingBase):
        llm = llm.bound
    return llm


def _weights(found: Any) -> tuple[Any, Any]:
    # By name: to import langchain_huggingface would take seconds from those who do not use it.
    if _is_a(found, "ChatHuggingFace"):
        found = found.llm
    if _is_a(found, "HuggingFacePipeline"):
        found = found.pipeline
    if _is_a(found, "TextGenerationPipeline"):
        return found.model, found.tokenizer
    if isinstance(found, (tuple, list)) and len(found) == 2:
        return found[0], found[1]
    return None, None


def _is_a(found: Any, name: str) -> bool:
    return any(cls.__name__ == name for cls in type(found).__mro__)


def _describe(found: Any) -> str:
    name = type(found).__qualname__
    if _is_a(found, "ChatHuggingFace"):
        return f"a {name} over a {type(found.llm).__qualname__}"
    if isinstance(found, (tuple, list)):
        return f"a {name} of {', '.join(type(item).__qualname__ for item in found) or 'nothing'}"
    return f"a {name}"


class ChatModelGenerator:
    """Any LangChain chat model as a ``protocols.TextGenerator``, such as an API model for the questions.

    Args:
        chat_model: A chat model, or one behind ``.bind(...)``.

    Raises:
        TypeError: It is something else.
    """

    def __init__(self, chat_model: Runnable[Any, Any]) -> None:
        self._inner = _unbound(chat_model)
        if not isinstance(self._inner, BaseChatModel):
            msg = f"found a {type(self._inner).__qualname__}; a LangChain chat model is needed"
            raise TypeError(msg)
        self._model = chat_model

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        seed: int | None = None,
        samples: int = 1,
    ) -> list[list[str]]:
        """Answer each prompt ``samples`` times; see ``protocols.TextGenerator``.

        ``max_tokens``, ``temperature`` and ``seed`` are passed on where the chat model has such a field.

        Args:
            prompts: Text or chat messages; text, and an assistant's message at the end, are continued.
            max_tokens: Most new tokens an answer may have.
            temperature: 0 for greedy decoding.
            stop: Strings that end an answer; cut off here where the model does not stop by itself.
            seed: Makes sampling repeatable where the model can.
            samples: Answers for each prompt.

        Returns:
            ``samples`` answers for each prompt, in order.
        """
        chats = [_as_chat(prompt) for prompt in prompts]
        inputs = [self._input(chat) for chat in chats]
        known = type(self._inner).model_fields
        wanted = {"max_tokens": max_tokens, "temperature": temperature}
        kwargs: dict[str, Any] = {name: value for name, value in wanted.items() if name in known}
        if stop:
            kwargs["stop"] = list(stop)
        answers: list[list[str]] = [[] for _ in prompts]
        for sample in range(samples):
            if seed is not None and "seed" in known:
                # The same seed again would give the same answer again.
                kwargs["seed"] = seed + sample
            for own, prompt, message in zip(answers, chats, self._model.batch(inputs, **kwargs), strict=True):
                own.append(_clean(text_of(message), prompt, stop))
        return answers

    def _input(self, prompt: Sequence[Message]) -> list[BaseMessage]:
        if prompt[-1].role != "assistant" or isinstance(self._inner, ChatSelfParam):
            return from_records(prompt)
        *rest, begun = prompt
        ask = f"Begin your answer with exactly this text and go on from there:\n{begun.text}"
        if rest and rest[-1].role == "user":
            ask = f"{rest.pop().text}\n\n{ask}"
        return from_records([*rest, Message(role="user", text=ask)])


def _clean(answer: str, prompt: Sequence[Message], stop: Sequence[str]) -> str:
    """Take off the answer's beginning where it was repeated, and everything from the first stop string."""
    if prompt[-1].role == "assistant":
        answer = answer.removeprefix(prompt[-1].text)
    for string in stop:
        answer = answer.partition(string)[0]
    return answer


def _as_chat(prompt: Prompt) -> Sequence[Message]:
    if not isinstance(prompt, str):
        return prompt
    return (Message(role="user", text=f"{_GO_ON}\n\n{prompt}"),)
