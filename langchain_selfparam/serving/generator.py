"""Text from a local model, whole or token by token, in this thread, another, or an event loop.

In come chat messages and how to sample, out go pieces of text and what ended them. transformers' own
``generate`` decodes, under the gate; it knows nothing of LangChain and never touches the model's settings.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import logging
import math
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

import torch

from langchain_selfparam.errors import ConfigError, InputError
from langchain_selfparam.model import LocalModel
from langchain_selfparam.records import Message, texts_changed
from langchain_selfparam.serving import tools as calls
from langchain_selfparam.serving.activity import REQUESTS, SLOTS
from langchain_selfparam.serving.constraint import JsonConstraint
from langchain_selfparam.serving.decoding import (
    FinishReason,
    IncrementalText,
    Piece,
    Recorder,
    Sampler,
    StopStrings,
    TokenLogprob,
    Writer,
)
from langchain_selfparam.serving.gate import Gate
from langchain_selfparam.serving.tools import Tool

if TYPE_CHECKING:
    from typing_extensions import Unpack

logger = logging.getLogger(__name__)

_GREEDY_BELOW = 1e-4
_TAIL = 4


class Sampling(TypedDict, total=False):
    """How an answer is sampled; what is left out takes the default."""

    max_tokens: int | None
    """Most new tokens; ``None`` for what fits into the context window. Default ``None``."""
    temperature: float
    """0, the default, always takes the likeliest token."""
    top_p: float | None
    """Samples from the likeliest tokens of this total probability; ``None`` for the model's own setting."""
    top_k: int | None
    """Samples from this many likeliest tokens; ``None`` for the model's own setting."""
    stop: Sequence[str] | None
    """Strings that end the answer; they are not part of it."""
    seed: int | None
    """Makes sampling repeatable, also beside other threads; ``None`` draws one from torch's random state."""
    logprobs: int | None
    """Log-probabilities of the tokens, with those of so many of the likeliest in each place; ``None`` for none."""
    tools: Sequence[Tool]
    """Tools that may be called, as OpenAI function schemas."""
    tool_choice: Any
    """Which of them have to be: see ``tools.wanted``."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """A whole answer."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    finish_reason: FinishReason
    logprobs: tuple[TokenLogprob, ...] = ()

    @classmethod
    def join(cls, pieces: Sequence[Piece]) -> Completion:
        """Put the pieces of one answer together.

        Args:
            pieces: All of them, in order.

        Returns:
            The whole answer.
        """
        last = pieces[-1]
        return cls(
            text="".join(p.text for p in pieces),
            prompt_tokens=last.prompt_tokens,
            completion_tokens=sum(p.tokens for p in pieces),
            finish_reason=last.finish_reason or "cancelled",
            logprobs=tuple(one for p in pieces for one in p.logprobs),
        )


class ChatGenerator:
    """Answers chats with a local model, each under the gate from before its prompt is read to its last token.

    Args:
        local: The model.
        gate: The model's gate, from ``gate_for(local.model)``.
    """

    def __init__(self, local: LocalModel, gate: Gate) -> None:
        self._local = local
        self._gate = gate

    def complete(
        self,
        messages: Sequence[Message],
        *,
        should_stop: Callable[[], bool] | None = None,
        **sampling: Unpack[Sampling],
    ) -> Completion:
        """Answer in this thread.

        Args:
            messages: The chat; an assistant's message at the end is continued.
            should_stop: Asked while waiting for a turn and after each token; ``True`` ends it as ``"cancelled"``.
            **sampling: See ``Sampling``.

        Returns:
            The whole answer.

        Raises:
            ConfigError: A sampling value is out of range.
            InputError: The prompt does not fit into the context window.
        """
        _check(sampling)
        pieces: list[Piece] = []
        self._write(messages, sampling, pieces.append, should_stop or _never)
        return Completion.join(pieces)

    def stream(
        self,
        messages: Sequence[Message],
        *,
        should_stop: Callable[[], bool] | None = None,
        **sampling: Unpack[Sampling],
    ) -> Generator[Piece, None, None]:
        """Answer piece by piece; closing the iterator stops the model and frees the gate.

        Args:
            messages: The chat; an assistant's message at the end is continued.
            should_stop: Asked while waiting for a turn and after each token; ``True`` ends it as ``"cancelled"``.
            **sampling: See ``Sampling``.

        Returns:
            An iterator; the model starts when it is first asked. Errors of the model are raised from it.

        Raises:
            ConfigError: A sampling value is out of range.
            InputError: The prompt does not fit into the context window.
        """
        _check(sampling)
        return self._stream(messages, sampling, should_stop or _never)

    def _stream(
        self, messages: Sequence[Message], sampling: Sampling, should_stop: Callable[[], bool]
    ) -> Generator[Piece, None, None]:
        written: queue.SimpleQueue[Piece | BaseException | None] = queue.SimpleQueue()
        closed = threading.Event()
        worker = self._start(messages, sampling, written.put, lambda: closed.is_set() or should_stop())
        try:
            while (item := written.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            closed.set()
            worker.join()

    async def astream(
        self,
        messages: Sequence[Message],
        *,
        should_stop: Callable[[], bool] | None = None,
        **sampling: Unpack[Sampling],
    ) -> AsyncGenerator[Piece, None]:
        """Answer piece by piece without blocking the event loop; cancelling the task stops the model.

        Args:
            messages: The chat; an assistant's message at the end is continued.
            should_stop: Asked as in ``complete``, in another thread; ``True`` ends it as ``"cancelled"``.
            **sampling: See ``Sampling``.

        Yields:
            The pieces, the last one with its finish reason.

        Raises:
            ConfigError: A sampling value is out of range.
            InputError: The prompt does not fit into the context window.
        """
        _check(sampling)
        loop = asyncio.get_running_loop()
        written: asyncio.Queue[Piece | BaseException | None] = asyncio.Queue()
        closed, done = threading.Event(), asyncio.Event()
        wanted = should_stop or _never

        def put(item: Piece | BaseException | None) -> None:
            try:
                loop.call_soon_threadsafe(written.put_nowait, item)
                if item is None:
                    loop.call_soon_threadsafe(done.set)
            except RuntimeError:
                # The loop was closed over the answer's head: nobody is left to read it.
                closed.set()

        self._start(messages, sampling, put, lambda: closed.is_set() or wanted())
        try:
            while (item := await written.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            closed.set()
            await done.wait()

    def _start(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        put: Callable[[Piece | BaseException | None], None],
        should_stop: Callable[[], bool],
    ) -> threading.Thread:
        """Answer in a thread that puts each piece, then perhaps an error, then ``None``."""
        ahead = self._gate.read_by_this_thread

        def work() -> None:
            try:
                self._write(messages, sampling, put, should_stop, ahead=ahead)
            except BaseException as error:  # noqa: BLE001 - raised again by the one who reads
                put(error)
            finally:
                put(None)

        worker = threading.Thread(target=work, name="selfparam-generate", daemon=True)
        worker.start()
        return worker

    def _write(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        emit: Callable[[Piece], None],
        should_stop: Callable[[], bool],
        *,
        ahead: bool = False,
    ) -> None:
        # One that works for somebody who is being answered already, a streamer that asks the model itself among them,
        # has no second place to wait for, and no writer that waits for that answer.
        ahead = ahead or self._gate.read_by_this_thread
        place = contextlib.nullcontext(True) if ahead else SLOTS.one(self._local.device, should_stop=should_stop)
        with REQUESTS.answering(), place as has_place:
            if has_place and not should_stop():
                with self._gate.reading(ahead=ahead):
                    self._generate(messages, sampling, emit, should_stop)
            else:  # nobody is left to read a prompt for
                emit(Piece(text="", tokens=0, prompt_tokens=0, finish_reason="cancelled"))

    def _generate(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        emit: Callable[[Piece], None],
        should_stop: Callable[[], bool],
    ) -> None:
        from transformers import LogitsProcessorList, StoppingCriteriaList

        local = self._local
        tools, opens, constraint = self._tools(sampling)
        prompt = self._prompt(messages, tools, opens)
        sampler = self._sampler(sampling)
        config = self._config(len(prompt), sampling.get("max_tokens"), greedy=sampler is None)
        top = sampling.get("logprobs")
        recorder = None if top is None else Recorder(local.tokenizer, top)
        # What continues a text is decoded after the end of that text, or its leading space would be lost.
        before = prompt[-_TAIL:] if messages[-1].role == "assistant" or opens else []
        writer = Writer(
            emit=emit,
            text=IncrementalText(local.tokenizer, before),
            stop=StopStrings((*(sampling.get("stop") or ()), *local.stop_strings)),
            should_stop=should_stop,
            end_ids=frozenset(config.eos_token_id),
            prompt_tokens=len(prompt),
            recorder=recorder,
        )
        if opens:
            emit(Piece(text=opens, tokens=0, prompt_tokens=len(prompt)))
        ids_BT = torch.tensor([prompt], device=local.device)
        processors = [p for p in (recorder, constraint, sampler) if p is not None]
        local.model.generate(
            input_ids=ids_BT,
            attention_mask=torch.ones_like(ids_BT),
            generation_config=config,
            logits_processor=LogitsProcessorList(processors),
            stopping_criteria=StoppingCriteriaList([writer]),
        )
        writer.finish()

    def _tools(self, sampling: Sampling) -> tuple[Sequence[Tool], str, JsonConstraint | None]:
        """The tools that the prompt names, the beginning of a call that has to be, and what holds calls to schemas."""
        tools, choice = sampling.get("tools") or (), sampling.get("tool_choice")
        if not tools or choice in ("none", False):
            return (), "", None
        way = calls.way_of(self._local.tokenizer.chat_template)
        names = calls.wanted(choice, tools)
        if not names and not way.opens:
            return tools, "", None
        called = names or [calls.name_of(tool) for tool in tools]
        schema = calls.schema_of_call(tools, called, way, tokens=sampling.get("max_tokens"))
        if names:
            return tools, way.opens, JsonConstraint(self._local, schema)
        try:
            return tools, "", JsonConstraint(self._local, schema, behind=way.opens)
        except ConfigError as error:
            _warn_once(f"calls of {self._local.name} are not held to their schemas: {error}")
            return tools, "", None

    def _prompt(self, messages: Sequence[Message], tools: Sequence[Tool], opens: str) -> list[int]:
        local = self._local
        knows = local.has_chat_template and calls.knows_tools(local.tokenizer.chat_template)
        # What somebody said is broken up first: tags around calls may be special tokens, and have to stay such.
        messages, tools = local.as_said_in(messages), texts_changed(tools, local.as_said)
        if not knows:
            messages, tools = calls.in_words(messages, tools), ()
        if opens:
            messages = [*messages, Message(role="assistant", text=opens)]
        return local.encode_chat(messages, tools=tools, said=True)

    def count(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> int:
        """Tokens of a prompt, tools included, exactly as it is read.

        Args:
            messages: The chat.
            tools: Tools that may be called.

        Returns:
            The number of tokens.
        """
        return len(self._prompt(messages, tools, ""))

    def _config(self, prompt_tokens: int, max_tokens: int | None, *, greedy: bool) -> Any:
        """A generation config of this call's own; ``generate`` fills in what the model's says beside it.

        The likeliest token is the likeliest, whatever penalty for words that were there the model comes with: it is
        how a candidate is asked before a turn leaves the prompt, and a user has to get the answers that were judged.
        """
        from transformers import GenerationConfig

        window = self._local.context_window
        room = window - prompt_tokens
        if room < 1:
            msg = (
                f"the prompt has {prompt_tokens} tokens and {self._local.name} reads at most {window}, "
                "answer included: shorten it, or use a model with a longer context"
            )
            raise InputError(msg)
        new = room if max_tokens is None else min(max_tokens, room)
        defaults = self._local.model.generation_config
        ends = _as_set(defaults.eos_token_id) | {self._local.end_of_turn_id}
        pads = (defaults.pad_token_id, self._local.tokenizer.pad_token_id, min(ends))
        # generate() warns where the model sets the one and the caller the other.
        by_length = defaults.max_new_tokens is None and defaults.max_length is not None
        length = {"max_length": prompt_tokens + new} if by_length else {"max_new_tokens": new}
        plain = {"repetition_penalty": 1.0, "no_repeat_ngram_size": 0} if greedy else {}
        return GenerationConfig(
            # The sampler draws; these three are transformers' own defaults and keep it from warning.
            do_sample=False,
            temperature=1.0,
            top_p=1.0,
            top_k=50,
            num_beams=1,
            num_return_sequences=1,
            return_dict_in_generate=False,
            use_cache=True,
            eos_token_id=sorted(ends),
            pad_token_id=next(p for p in pads if p is not None),
            **length,
            **plain,
        )

    def _sampler(self, sampling: Sampling) -> Sampler | None:
        from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

        temperature = sampling.get("temperature", 0.0)
        if temperature < _GREEDY_BELOW:
            return None
        defaults = self._local.model.generation_config
        top_k = sampling.get("top_k") or defaults.top_k
        top_p = sampling.get("top_p") or defaults.top_p
        warpers: list[Any] = [TemperatureLogitsWarper(float(temperature))]
        if top_k:
            warpers.append(TopKLogitsWarper(int(top_k)))
        if top_p is not None and top_p < 1.0:
            warpers.append(TopPLogitsWarper(float(top_p)))
        return Sampler(warpers, sampling.get("seed"), self._local.device)


def _never() -> bool:
    return False


def _as_set(ids: int | Sequence[int] | None) -> set[int]:
    return set() if ids is None else {ids} if isinstance(ids, int) else set(ids)


def _check(sampling: Sampling) -> None:
    max_tokens, temperature = sampling.get("max_tokens"), sampling.get("temperature", 0.0)
    top_p, top_k, stop = sampling.get("top_p"), sampling.get("top_k"), sampling.get("stop") or ()
    _need(_is_count(max_tokens), "max_tokens", max_tokens, "a whole number of at least 1, or None")
    _need(_is_count(top_k), "top_k", top_k, "a whole number of at least 1, or None")
    warm = isinstance(temperature, (int, float)) and 0.0 <= temperature < math.inf
    _need(warm, "temperature", temperature, "a number, 0 or above")
    share = top_p is None or (isinstance(top_p, (int, float)) and 0.0 < top_p <= 1.0)
    _need(share, "top_p", top_p, "a number above 0 and at most 1, or None")
    top, tools = sampling.get("logprobs"), sampling.get("tools") or ()
    _need(top is None or (isinstance(top, int) and top >= 0), "logprobs", top, "a whole number of 0 or more, or None")
    _need(not isinstance(stop, str) and all(stop), "stop", stop, "a list of strings that are not empty")
    calls.wanted(sampling.get("tool_choice"), tools)


@functools.lru_cache(maxsize=256)
def _warn_once(text: str) -> None:
    logger.warning("%s", text)


def _is_count(value: object) -> bool:
    return value is None or (isinstance(value, int) and value >= 1)


def _need(ok: bool, name: str, found: object, needed: str) -> None:
    if not ok:
        msg = f"{name} is {found!r}; it has to be {needed}"
        raise ConfigError(msg)
