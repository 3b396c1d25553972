"""The loops that this engine is compared with, as others write them.

``Published`` is the recipe of SELF-PARAM's released code (arXiv 2410.00487), ``Batched`` what a good engineer writes
in an afternoon. Neither is used by the library. Each has ``step``, which is timed, and ``steps``, how many of them the
work takes.
"""

from __future__ import annotations

import itertools
import random
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional

from langchain_selfparam.bench.shapes import Work
from langchain_selfparam.model import share

_PAPER_LAYERS = ["q_proj", "k_proj", "v_proj", "up_proj", "down_proj", "gate_proj"]
_ALL_LAYERS = [*_PAPER_LAYERS, "o_proj"]
_UNRELATED = 64
"""Tokens of the published recipe's unrelated text; its own is up to 512, so this favours it."""


class Published:
    """fp32, batch 1, three steps a pair, the teacher re-run with its context at every step, full logits.

    Args:
        model: A causal language model; an fp32 copy of it is trained.
        work: Context and pairs.
    """

    def __init__(self, model: Any, work: Work) -> None:
        from peft import LoraConfig, get_peft_model

        fp32 = type(model)(model.config).to(device=model.device, dtype=torch.float32)
        fp32.load_state_dict(model.state_dict())
        lora = LoraConfig(r=8, lora_alpha=32, target_modules=_PAPER_LAYERS, lora_dropout=0.0)
        self._model = get_peft_model(fp32, lora)
        self._optimizer = torch.optim.AdamW((p for p in self._model.parameters() if p.requires_grad), lr=2e-5)
        self._device = model.device
        self._context = list(work.context)
        self._pairs = itertools.cycle([[*question, *answer] for question, answer in work.pairs])
        self._random = random.Random(0)
        self._vocabulary = int(model.config.vocab_size)
        self.steps = len(work.pairs) * work.epochs
        """Steps of three parts that the work takes."""

    def step(self) -> None:
        """A pair with the context before it, a suffix of the context, unrelated text."""
        pair = next(self._pairs)
        self._part(self._context, pair)
        cut = self._random.randrange(1, len(self._context))
        self._part(self._context[:cut], self._context[cut:])
        self._part([], [self._random.randrange(self._vocabulary) for _ in range(_UNRELATED)])

    def _part(self, before: list[int], text: list[int]) -> None:
        with torch.no_grad(), self._model.disable_adapter():
            told = self._model(input_ids=self._row([*before, *text])).logits[:, len(before) :]
        said = self._model(input_ids=self._row(text)).logits
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # torch says that this mean also divides by the vocabulary
            loss = functional.kl_div(functional.log_softmax(said, dim=-1), functional.softmax(told, dim=-1))
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()

    def _row(self, ids: Sequence[int]) -> torch.Tensor:
        return torch.tensor([list(ids)], device=self._device)


class Batched:
    """Pairs only, bf16, padded batches of 16, PEFT, the teacher re-run with the context in every epoch.

    Args:
        model: A causal language model; its tensors are shared, not copied.
        work: Context and pairs.
        batch: Pairs of a step.
    """

    def __init__(self, model: Any, work: Work, *, batch: int = 16) -> None:
        from peft import LoraConfig, get_peft_model

        lora = LoraConfig(r=16, lora_alpha=32, target_modules=_ALL_LAYERS, lora_dropout=0.0)
        self._model = get_peft_model(share(model), lora)
        self._optimizer = torch.optim.AdamW((p for p in self._model.parameters() if p.requires_grad), lr=1e-3)
        self._device, self._dtype = model.device, model.dtype
        self._context = list(work.context)
        pairs = list(work.pairs)
        batches = [pairs[i : i + batch] for i in range(0, len(pairs), batch)]
        self._batches = itertools.cycle(batches)
        self.steps = len(batches) * work.epochs
        """Steps that the work takes."""
        self.answer_tokens = work.answer_tokens / len(batches)
        """Answer tokens of a step, on average."""

    def step(self) -> None:
        """One batch: teacher, then student."""
        batch = next(self._batches)
        self.learn(batch, self.teach(batch))

    @torch.no_grad()
    def teach(self, batch: Sequence[tuple[Sequence[int], Sequence[int]]]) -> torch.Tensor:
        """The teacher's logits at the answers, context in each row's prompt."""
        with self._model.disable_adapter():
            return self._logits([[*self._context, *q, *a] for q, a in batch], [len(a) for _, a in batch])

    def learn(self, batch: Sequence[tuple[Sequence[int], Sequence[int]]], told: torch.Tensor) -> None:
        """One step of the student towards the teacher's logits."""
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._dtype == torch.bfloat16):
            said = self._logits([[*q, *a] for q, a in batch], [len(a) for _, a in batch])
        loss = functional.kl_div(
            functional.log_softmax(said.float(), dim=-1),
            functional.softmax(told.float(), dim=-1),
            reduction="batchmean",
        )
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()

    def next_batch(self) -> Sequence[tuple[Sequence[int], Sequence[int]]]:
        """The batch of the next step."""
        return next(self._batches)

    def _logits(self, rows: list[list[int]], answers: list[int]) -> torch.Tensor:
        longest, kept = max(map(len, rows)), max(answers)
        ids = torch.zeros(len(rows), longest, dtype=torch.long)
        mask = torch.zeros(len(rows), longest, dtype=torch.long)
        for at, row in enumerate(rows):  # padded on the left: the answers end together
            ids[at, longest - len(row) :] = torch.tensor(row)
            mask[at, longest - len(row) :] = 1
        out = self._model(
            input_ids=ids.to(self._device),
            attention_mask=mask.to(self._device),
            logits_to_keep=kept + 1,
            use_cache=False,
        )
        logits: torch.Tensor = out.logits[:, :-1]
        valid = torch.arange(kept) >= kept - torch.tensor(answers)[:, None]
        return logits[valid.to(self._device)]


def dense_kl(hidden_TD: torch.Tensor, weight_VD: torch.Tensor, told_TD: torch.Tensor) -> torch.Tensor:
    """KL of each token from two sets of logits, with autograd: the loss as it is written first.

    Args:
        hidden_TD: The student's hidden states, [T, D].
        weight_VD: The head, [V, D].
        told_TD: The teacher's hidden states, [T, D].

    Returns:
        fp32 [T], nats.
    """
    said = functional.log_softmax((hidden_TD @ weight_VD.T).float(), dim=-1)
    with torch.no_grad():
        told = functional.log_softmax((told_TD @ weight_VD.T).float(), dim=-1)
    return functional.kl_div(said, told, reduction="none", log_target=True).sum(-1)
