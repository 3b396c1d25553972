"""Writing questions: this engine's batched decoding over a shared prefix, against transformers' own ``generate``."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

import torch

from langchain_selfparam.bench.shapes import make_work
from langchain_selfparam.bench.timing import PeakMemory, seconds
from langchain_selfparam.model import LocalModel
from langchain_selfparam.serving.batch import BatchGenerator

_WRITTEN = 32
"""Tokens written in each row: about what a short list of questions has."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Questions:
    """Writing text about one context in many rows at once.

    Attributes:
        context: C, tokens that all rows share.
        rows: Rows.
        written: New tokens of each row.
        seconds: Median seconds by way: ``ours``, ``generate``.
        peak_bytes: Most memory by way, above what was there before; without what cannot be measured here.
    """

    context: int
    rows: int
    written: int
    seconds: dict[str, float]
    peak_bytes: dict[str, int]


def run(model: Any, *, context: int, rows: int, repeats: int) -> Questions:
    """Time both ways on the same prompts, greedily and without an end.

    Args:
        model: A causal language model.
        context: C.
        rows: Rows.
        repeats: Runs that the medians are of.

    Returns:
        Times and peaks.
    """
    device = model.device
    work = make_work(vocabulary=int(model.config.vocab_size), context=context, pairs=rows, length=32, epochs=1)
    prompts = [[*work.context, *question] for question, _ in work.pairs]
    generator = BatchGenerator(cast("LocalModel", _Endless(model)), None, rows=rows)
    ids = torch.tensor(prompts, device=device)

    def ours() -> None:
        generator.complete(prompts, max_tokens=_WRITTEN)

    def generate() -> None:
        with torch.inference_mode():
            model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                min_new_tokens=_WRITTEN,
                max_new_tokens=_WRITTEN,
                do_sample=False,
                pad_token_id=0,
            )

    times, peaks = {}, {}
    for name, way in {"ours": ours, "generate": generate}.items():
        with PeakMemory(device) as peak:
            times[name] = seconds(way, repeats=repeats, device=device, warm=0)
        if peak.bytes is not None:
            peaks[name] = peak.bytes
    return Questions(context=context, rows=rows, written=_WRITTEN, seconds=times, peak_bytes=peaks)


class _Endless:
    """A model without a tokenizer, of which no token ends an answer: speed does not depend on what is written."""

    end_of_turn_id = -1

    def __init__(self, model: Any) -> None:
        self.model, self.config, self.device = model, model.config, model.device
        self.tokenizer = self
        self.eos_token_id = -1

    def finish(self, logits: torch.Tensor) -> torch.Tensor:
        return logits.float()

    def decode(self, tokens: list[int], **_: Any) -> str:
        return " ".join(map(str, tokens))
