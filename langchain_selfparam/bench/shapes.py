"""Models to time: random weights of a well-known shape, and work of a stated size.

Speed does not depend on what weights or tokens are, so nothing is downloaded.
"""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import torch

from langchain_selfparam.errors import ConfigError
from langchain_selfparam.loading import load, quick, usable

QUESTION = 16
"""Tokens of a pair's question; the rest of it is answer."""


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a Llama-like model."""

    vocabulary: int
    hidden: int
    layers: int
    heads: int
    key_value_heads: int
    feed_forward: int


SHAPES = {
    "8b": Shape(128_256, 4096, 32, 32, 8, 14_336),
    "1b": Shape(128_256, 2048, 16, 32, 8, 8192),
    "135m": Shape(49_152, 576, 30, 9, 3, 1536),
    "tiny": Shape(512, 64, 4, 4, 2, 128),
}
"""Llama-3-8B, Llama-3.2-1B, SmolLM2-135M, and one for tests."""


def random_model(name: str, *, dtype: torch.dtype, device: torch.device, seed: int = 0) -> Any:
    """A Llama of a shape with random weights.

    Args:
        name: One of ``SHAPES``.
        dtype: Type of its weights.
        device: Where it lies.
        seed: Of the weights; the process's own random state is put back.

    Returns:
        The causal language model, in evaluation mode.

    Raises:
        ConfigError: There is no such shape.
    """
    from transformers import LlamaConfig, LlamaForCausalLM

    if name not in SHAPES:
        msg = f"shape is {name!r}; it has to be one of {', '.join(SHAPES)}"
        raise ConfigError(msg)
    shape = SHAPES[name]
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        intermediate_size=shape.feed_forward,
        max_position_embeddings=131_072,
        tie_word_embeddings=shape.hidden < 1024,
    )
    before = torch.get_default_dtype()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), torch.device(device):
        torch.manual_seed(seed)
        torch.set_default_dtype(dtype)
        try:
            model = LlamaForCausalLM(config)
        finally:
            torch.set_default_dtype(before)
    return model.eval().requires_grad_(False)


def model_to_time(*, shape: str, name: str | None = None, device: str | None = None) -> Any:
    """The model that is timed, where its weights are random in bf16 (float32 on a CPU that multiplies no 16 bits).

    Args:
        shape: One of ``SHAPES``, where no name is given.
        name: Hub id, folder or file of a model.
        device: ``"cpu"`` or ``"cuda"``; CUDA where there is one, if missing.

    Returns:
        The causal language model on the device; one that is not here is refused with ``ConfigError``.
    """
    where = usable(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if name is not None:
        return load(name).model.to(where)
    return random_model(shape, dtype=quick(torch.bfloat16, where), device=where)


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """One context with pairs of question and answer about it, in tokens.

    Attributes:
        context: C token ids.
        pairs: N pairs of L tokens together: question, answer.
        epochs: Times that each pair is learned.
    """

    context: tuple[int, ...]
    pairs: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    epochs: int

    @property
    def answer_tokens(self) -> int:
        """Answer tokens of one epoch."""
        return sum(len(answer) for _, answer in self.pairs)


def make_work(*, vocabulary: int, context: int, pairs: int, length: int, epochs: int, seed: int = 0) -> Work:
    """Random tokens of the wanted sizes.

    Args:
        vocabulary: Token ids are below this.
        context: C.
        pairs: N.
        length: L, above ``QUESTION``.
        epochs: E.
        seed: Of the tokens.

    Returns:
        The work.
    """
    chance = random.Random(seed)

    def tokens(count: int) -> tuple[int, ...]:
        return tuple(chance.randrange(vocabulary) for _ in range(count))

    written = tuple((tokens(QUESTION), tokens(length - QUESTION)) for _ in range(pairs))
    return Work(context=tokens(context), pairs=written, epochs=epochs)
