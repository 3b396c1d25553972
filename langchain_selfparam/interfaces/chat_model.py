"""``ChatSelfParam``: a LangChain chat model over a transformers model in this process.

In come LangChain messages, out go AI messages, whole or token by token, all under the model's gate. It knows
nothing of the memory that may change the weights behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import difflib
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from langchain_core.caches import BaseCache
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams, LanguageModelInput, ModelProfile
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field, InstanceOf

from langchain_selfparam.errors import ConfigError
from langchain_selfparam.interfaces.answers import Answers
from langchain_selfparam.interfaces.messages import to_records
from langchain_selfparam.interfaces.scope import at_hand, saying
from langchain_selfparam.loading import load
from langchain_selfparam.model import LocalModel
from langchain_selfparam.serving.gate import gate_for
from langchain_selfparam.serving.generator import ChatGenerator, Completion, Sampling
from langchain_selfparam.serving.routing import served
from langchain_selfparam.serving.tools import name_of, wanted

if TYPE_CHECKING:
    import torch

_SAMPLING = ("temperature", "max_tokens", "top_p", "top_k", "stop", "seed", "logprobs", "top_logprobs")
_TOOLS = ("tools", "tool_choice", "parallel_tool_calls")
_IGNORED = {"stream", "strict"}
"""What LangChain itself passes on and has already acted upon; calls fit their schemas strictly anyway."""


class ChatSelfParam(BaseChatModel):
    """A chat model whose weights are on this machine, so that a memory can live in them.

    Example:
        ``llm = ChatSelfParam.from_pretrained("HuggingFaceTB/SmolLM2-135M-Instruct")``

    Sampling values can be set on the object, or for one call: ``llm.invoke("Hello", max_tokens=40)``.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True, arbitrary_types_allowed=True)

    local: InstanceOf[LocalModel] = Field(exclude=True, repr=False)
    """The model and its tokenizer; never serialised."""
    temperature: float = Field(default=0.0, ge=0.0, allow_inf_nan=False)
    """0 always takes the likeliest token."""
    max_tokens: int | None = Field(default=512, ge=1)
    """Most new tokens in an answer; ``None`` for what fits into the context window."""
    top_p: float | None = Field(default=None, gt=0.0, le=1.0)
    """Samples from the likeliest tokens of this total probability; ``None`` for the model's own setting."""
    top_k: int | None = Field(default=None, ge=1)
    """Samples from this many likeliest tokens; ``None`` for the model's own setting."""
    stop: list[str] | None = None
    """Strings that end an answer; they are not part of it."""
    seed: int | None = None
    """Makes sampling repeatable."""
    streaming: bool = False
    """Whether ``invoke`` writes token by token as well, so that callbacks hear of each."""
    logprobs: bool = False
    """Whether answers carry the log-probabilities of their tokens, under ``response_metadata["logprobs"]``."""
    top_logprobs: int = Field(default=0, ge=0)
    """Of how many of the likeliest tokens in each place beside."""
    cache: BaseCache | bool | None = Field(default=False, exclude=True)
    """Off unless asked for: consolidation changes what the same prompt is answered with."""

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | os.PathLike[str],
        *,
        dtype: str | torch.dtype = "auto",
        device: str | torch.device | None = None,
        revision: str | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        **fields: Any,
    ) -> ChatSelfParam:
        """Load a model; see ``langchain_selfparam.loading.load``.

        Args:
            name_or_path: A hub id, a folder, a ``.gguf`` file, or ``"smollm2-135m"``.
            dtype: Type of the weights; ``"auto"`` for the checkpoint's own, or for float32 where the processor is slow
                with 16 bits.
            device: Where to put it; ``None`` for the GPUs there are, else the CPU.
            revision: Branch, tag or commit on the hub.
            cache_dir: Where downloads are kept.
            **fields: Fields of this class, such as ``temperature``.

        Returns:
            The chat model.

        Raises:
            FileNotFoundError: There is no such folder, file or model.
            ImportError: ``"smollm2-135m"`` was asked for and its wheel is not installed.
            ConfigError: The device is unknown or not here.
            UnreadableModelError: What is there cannot be loaded.
        """
        local = load(name_or_path, dtype=dtype, device=device, revision=revision, cache_dir=cache_dir)
        return cls(local=local, **fields)

    @property
    def model_name(self) -> str:
        """What a person would call the model."""
        return self.local.name

    @property
    def _llm_type(self) -> str:
        return "selfparam"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name, **{name: getattr(self, name) for name in _SAMPLING}}

    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        # A cache answers from it: other weights, of another user or of another version, are another model.
        own = super()._get_llm_string(stop=self.stop if stop is None else stop, **kwargs)
        return f"{own}---{served(self.local.model)[1].state}"

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = self._llm_type
        params["ls_model_name"] = kwargs.get("model") or self.model_name
        return params

    def _resolve_model_profile(self) -> ModelProfile:
        # Without structured_output, which promises to take ``response_format``: agents force a call of a tool instead.
        return ModelProfile(
            max_input_tokens=self.local.context_window,
            text_inputs=True,
            text_outputs=True,
            tool_calling=True,
            tool_choice=True,
        )

    def get_token_ids(self, text: str) -> list[int]:
        """Token ids of a text, by the model's own tokenizer.

        Args:
            text: Any text.

        Returns:
            The ids, without special tokens around them.
        """
        return self.local.encode(text)

    def get_num_tokens_from_messages(
        self,
        messages: list[BaseMessage],
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool] | None = None,
    ) -> int:
        """Tokens of a prompt, exactly as the chat template writes it.

        Args:
            messages: The prompt.
            tools: Tools that are named in it.

        Returns:
            The number of tokens.
        """
        formatted = [convert_to_openai_tool(tool) for tool in tools or ()]
        return ChatGenerator(self.local, gate_for(self.local.model)).count(to_records(messages), formatted)

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: dict[str, Any] | str | bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Let the model call tools, in the way of its own chat template where that knows tools.

        Arguments of a call always fit the tool's schema: the model can write no others. Keywords that llguidance does
        not know, such as ``uniqueItems``, are left out, and where it cannot read a schema, a warning says so once and
        calls that are not forced are made without it.

        Args:
            tools: Functions, LangChain tools, pydantic classes or OpenAI function schemas.
            tool_choice: ``None`` or ``"auto"`` to leave it to the model, ``"none"``, ``"any"`` for a call of some tool,
                or a tool's name for a call of that.
            **kwargs: Bound with them: sampling values, ``parallel_tool_calls=False`` for one call at most.

        Returns:
            This model with the tools.

        Raises:
            ConfigError: ``tool_choice`` names no tool; when asked, that a call is forced whose schema cannot be used.
        """
        formatted = [convert_to_openai_tool(tool) for tool in tools]
        wanted(tool_choice, formatted)
        return self.bind(tools=formatted, tool_choice=tool_choice, **kwargs)

    def invoke(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's own name
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """Answer; with a memory of many namespaces, with the weights of the one that ``config`` names.

        Args:
            input: A prompt, a string or messages.
            config: Of the run; its ``configurable`` may say whose memory this is about.
            stop: Strings that end the answer.
            **kwargs: Sampling values for this call.

        Returns:
            The answer.
        """
        with saying(at_hand(config)):
            return super().invoke(input, config, stop=stop, **kwargs)

    async def ainvoke(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's own name
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """As ``invoke``, without blocking the event loop."""
        with saying(at_hand(config)):
            return await super().ainvoke(input, config, stop=stop, **kwargs)

    def stream(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's own name
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> Iterator[AIMessageChunk]:
        """As ``invoke``, piece by piece."""
        chunks = cast("Generator[AIMessageChunk]", super().stream(input, config, stop=stop, **kwargs))
        # The weights are chosen when the first piece is asked for; what a consumer does between pieces is its own.
        with contextlib.closing(chunks), contextlib.suppress(StopIteration):
            with saying(at_hand(config)):
                first = next(chunks)
            yield first
            yield from chunks

    async def astream(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's own name
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[AIMessageChunk]:
        """As ``stream``, without blocking the event loop."""
        pieces = cast("AsyncGenerator[AIMessageChunk]", super().astream(input, config, stop=stop, **kwargs))
        async with contextlib.aclosing(pieces) as chunks:
            with contextlib.suppress(StopAsyncIteration):
                with saying(at_hand(config)):
                    first = await anext(chunks)
                yield first
            async for chunk in chunks:
                yield chunk

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        completion = self._generator().complete(to_records(messages), **self._sampling(stop, kwargs))
        return self._result(completion, kwargs)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        generator = await asyncio.to_thread(self._generator)
        answer = generator.astream(to_records(messages), **self._sampling(stop, kwargs))
        async with contextlib.aclosing(answer) as pieces:
            return self._result(Completion.join([piece async for piece in pieces]), kwargs)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        answer = self._generator().stream(to_records(messages), **self._sampling(stop, kwargs))
        with contextlib.closing(answer) as pieces:
            chunks = self._chunks(kwargs)
            for piece in pieces:
                for chunk in chunks.of(piece):
                    if run_manager is not None:
                        run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        generator = await asyncio.to_thread(self._generator)
        answer = generator.astream(to_records(messages), **self._sampling(stop, kwargs))
        async with contextlib.aclosing(answer) as pieces:
            chunks = self._chunks(kwargs)
            async for piece in pieces:
                for chunk in chunks.of(piece):
                    if run_manager is not None:
                        await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk

    def _generator(self) -> ChatGenerator:
        model, gate = served(self.local.model)
        local = self.local if model is self.local.model else dataclasses.replace(self.local, model=model)
        return ChatGenerator(local, gate)

    def _sampling(self, stop: list[str] | None, kwargs: dict[str, Any]) -> Sampling:
        known = {*_SAMPLING, *_TOOLS, *_IGNORED}
        unknown = next((name for name in kwargs if name not in known), None)
        if unknown is not None:
            near = difflib.get_close_matches(unknown, _SAMPLING, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            msg = f"{unknown!r} is not a sampling value of this model, which knows {', '.join(_SAMPLING)}{hint}"
            raise ConfigError(msg)
        values = {name: kwargs.get(name, getattr(self, name)) for name in _SAMPLING}
        values["logprobs"] = values.pop("top_logprobs") if values["logprobs"] else None
        if stop is not None:
            values["stop"] = stop
        values |= {name: kwargs[name] for name in ("tools", "tool_choice") if kwargs.get(name) is not None}
        return cast("Sampling", values)

    def _result(self, completion: Completion, kwargs: Mapping[str, Any]) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._chunks(kwargs).whole(completion))])

    def _chunks(self, kwargs: Mapping[str, Any]) -> Answers:
        tools = () if kwargs.get("tool_choice") in ("none", False) else kwargs.get("tools") or ()
        one = kwargs.get("parallel_tool_calls") is False
        return Answers(self.model_name, tools=tuple(name_of(tool) for tool in tools), one_call=one)
