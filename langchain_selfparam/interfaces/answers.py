"""What a model wrote as LangChain messages: words, calls of tools, usage, log-probabilities.

In come pieces of an answer, out go chunks, or the whole message. It knows nothing of prompts or models.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk

from langchain_selfparam.serving.decoding import Piece, TokenLogprob
from langchain_selfparam.serving.generator import Completion
from langchain_selfparam.serving.tools import Broken, Holding, Read, read_calls


class Answers:
    """Makes messages of one answer.

    Args:
        model_name: What the model is called.
        tools: Names of the tools that may be called; without any, what looks like a call is words.
        one_call: Whether only the first call counts.
    """

    def __init__(self, model_name: str, *, tools: Sequence[str] = (), one_call: bool = False) -> None:
        self._model_name = model_name
        self._tools = tuple(tools)
        self._one_call = one_call
        self._holding = Holding() if self._tools else None
        self._tokens = 0

    def whole(self, completion: Completion) -> AIMessage:
        """The message of a whole answer.

        Args:
            completion: The answer.

        Returns:
            The message, with its calls.
        """
        found = self._read(completion.text)
        return AIMessage(
            content=found.text,
            tool_calls=[tool_call(name=c.name, args=dict(c.arguments), id=c.id) for c in found.calls],
            invalid_tool_calls=[
                invalid_tool_call(name=b.name, args=b.text, id=None, error=b.error) for b in found.broken
            ],
            usage_metadata=_usage(completion.prompt_tokens, completion.completion_tokens),
            response_metadata=self._metadata(completion.finish_reason, found, completion.logprobs),
        )

    def of(self, piece: Piece) -> list[ChatGenerationChunk]:
        """The chunks that a piece makes; what may be a call is held back until it is known.

        Args:
            piece: The next piece.

        Returns:
            Chunks, the last one of the last piece with usage and reason.
        """
        self._tokens += piece.tokens
        text = piece.text if self._holding is None else self._holding.feed(piece.text)
        if piece.finish_reason is None:
            metadata = {"logprobs": _openai(piece.logprobs)} if piece.logprobs else {}
            message = AIMessageChunk(content=text, response_metadata=metadata)
            return [ChatGenerationChunk(message=message)] if text or metadata or self._holding is None else []
        found = Read(text) if self._holding is None else self._last(text)
        message = AIMessageChunk(
            content=found.text,
            tool_call_chunks=[*_called(found), *_broken(found.broken, len(found.calls))],
            usage_metadata=_usage(piece.prompt_tokens, self._tokens),
            response_metadata=self._metadata(piece.finish_reason, found, piece.logprobs),
            chunk_position="last",
        )
        return [ChatGenerationChunk(message=message)]

    def _last(self, text: str) -> Read:
        assert self._holding is not None
        found = self._read(self._holding.rest())
        return Read(text + found.text, found.calls, found.broken)

    def _read(self, text: str) -> Read:
        if not self._tools:
            return Read(text)
        found = read_calls(text, self._tools)
        return Read(found.text, found.calls[:1], found.broken) if self._one_call else found

    def _metadata(self, reason: str, found: Read, logprobs: Sequence[TokenLogprob]) -> dict[str, Any]:
        metadata: dict[str, Any] = {
            "finish_reason": "tool_calls" if found.calls and reason == "stop" else reason,
            "model_name": self._model_name,
        }
        return {**metadata, "logprobs": _openai(logprobs)} if logprobs else metadata


def _called(found: Read) -> list[Any]:
    return [
        tool_call_chunk(name=call.name, args=json.dumps(dict(call.arguments)), id=call.id, index=at)
        for at, call in enumerate(found.calls)
    ]


def _broken(broken: Sequence[Broken], after: int) -> list[Any]:
    # A chunk whose arguments are no JSON becomes an invalid call when the chunks are added up; half of one is mended.
    return [
        tool_call_chunk(name=b.name, args=f"not a call: {b.text}", id=None, index=after + at)
        for at, b in enumerate(broken)
    ]


def _openai(logprobs: Sequence[TokenLogprob]) -> dict[str, Any]:
    """In the form that OpenAI's models give, which users know."""
    return {
        "content": [
            {
                "token": one.token,
                "logprob": one.logprob,
                "top_logprobs": [{"token": token, "logprob": value} for token, value in one.top],
            }
            for one in logprobs
        ]
    }


def _usage(prompt: int, completion: int) -> UsageMetadata:
    return UsageMetadata(input_tokens=prompt, output_tokens=completion, total_tokens=prompt + completion)
