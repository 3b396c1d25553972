"""Many prompts at once: batched decoding and scoring for a local model.

In come chat messages, out go texts or log-probabilities. A prefix that prompts share is read once, rows that are done
leave the batch, and sampling draws from a generator of its own. It is what consolidation writes and asks its questions
with; single requests of users go through ``generator``. It knows nothing of what the texts are for.

Dimensions: B rows, T tokens, V vocabulary.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import torch

from langchain_selfparam.model import LocalModel, has_plain_attention, has_window, share
from langchain_selfparam.records import Prompt
from langchain_selfparam.serving import shared
from langchain_selfparam.serving.gate import Gate
from langchain_selfparam.serving.recorded import Recorded


class BatchGenerator:
    """Writes and scores text for many prompts with one local model.

    Args:
        local: The model and its tokenizer.
        gate: Taken for reading around each batch; ``None`` for a module that nobody else changes, such as a shadow.
        model: The module to run instead of ``local.model``, with the same tokenizer.
        rows: Prompts in one batch at most.
        progress: Called with prompts done and all prompts.
    """

    def __init__(
        self,
        local: LocalModel,
        gate: Gate | None,
        *,
        model: Any = None,
        rows: int = 72,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        self._local = local
        self._gate = gate
        self._model = local.model if model is None else model
        self._rows = rows
        self._progress = progress

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

        Args:
            prompts: Text to continue, or chat messages to answer; a trailing assistant message is continued, and of
                none the user's first is written.
            max_tokens: Most new tokens of an answer.
            temperature: 0 for greedy decoding.
            stop: Strings that end an answer and are not part of it.
            seed: Start of the sampling; 0 where missing.
            samples: Answers for each prompt.

        Returns:
            ``samples`` answers for each prompt, in order.
        """
        ids = [self._encoded(prompt) for prompt in prompts]
        opened = any(not prompt and not isinstance(prompt, str) for prompt in prompts)
        texts = self.complete(
            [row for row in ids for _ in range(samples)],
            max_tokens=max_tokens,
            temperature=temperature,
            stop=(*stop, *self._local.stop_strings, *(self._local.user_stop_strings if opened else ())),
            seed=seed,
        )
        return [texts[i * samples : (i + 1) * samples] for i in range(len(ids))]

    def _encoded(self, prompt: Prompt) -> list[int]:
        if isinstance(prompt, str):
            return self._local.encode(prompt, add_special_tokens=True)
        return self._local.encode_chat(prompt) if prompt else self._local.encode_opening()

    @torch.inference_mode()
    def complete(
        self,
        prompts: Sequence[Sequence[int]],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        seed: int | None = None,
    ) -> list[str]:
        """Continue token sequences.

        Args:
            prompts: Token ids, at least one each.
            max_tokens: Most new tokens.
            temperature: 0 for greedy decoding.
            stop: Strings that end a continuation and are not part of it.
            seed: Start of the sampling; 0 where missing.

        Returns:
            The texts, in order, without surrounding blanks.
        """
        # Rows of like length share a batch, so that little of it is padding.
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        random = torch.Generator().manual_seed(seed or 0)
        texts = [""] * len(prompts)
        for start in range(0, len(order), self._rows):
            chosen = order[start : start + self._rows]
            with self._gate.reading() if self._gate else contextlib.nullcontext():
                batch = _Batch(self._local, self._model, [prompts[i] for i in chosen], max_tokens)
                written = batch.run(max_tokens, temperature, stop, random)
            for index, text in zip(chosen, written, strict=True):
                texts[index] = text
            self._progress(min(start + self._rows, len(order)), len(order))
        return texts


class _Batch:
    """One batch of rows being decoded."""

    def __init__(self, local: LocalModel, model: Any, prompts: Sequence[Sequence[int]], room: int) -> None:
        self._local = local
        self._tokenizer = local.tokenizer
        self._head = model.get_output_embeddings()
        self._end = {local.end_of_turn_id, local.tokenizer.eos_token_id}
        self._rows: list[int | None] = list(range(len(prompts)))
        self._written: list[list[int]] = [[] for _ in prompts]
        # Padding stands between the prefix and what is a row's own, and a window counts it: then nothing is shared.
        prefix = 0 if has_window(local.config) else _shared(prompts)
        longest = max(map(len, prompts)) - prefix
        kind = _Together if has_plain_attention(local.config) else _Apart
        self._memory: _Together | _Apart = kind(model, local, longest + room)
        if prefix:
            self._memory.read_prefix(torch.tensor([prompts[0][:prefix]]), len(prompts))
        ids = torch.zeros(len(prompts), longest, dtype=torch.long)
        self._seen = torch.ones(len(prompts), prefix + longest, dtype=torch.long)
        for row, prompt in enumerate(prompts):
            own = torch.tensor(prompt[prefix:])
            ids[row, longest - len(own) :] = own
            self._seen[row, prefix : prefix + longest - len(own)] = 0
        positions = (self._seen.cumsum(1) - 1).clamp(min=0)[:, prefix:]
        self._next = positions[:, -1:] + 1
        self._hidden = self._memory.read(ids, self._seen, positions)

    def run(self, max_tokens: int, temperature: float, stop: Sequence[str], random: torch.Generator) -> list[str]:
        for step in range(max_tokens):
            token = _pick(self._local.finish(self._head(self._hidden)), temperature, random)
            going = [
                at for at, row in enumerate(self._rows) if row is not None and self._goes_on(row, int(token[at]), stop)
            ]
            if not going or step == max_tokens - 1:
                break
            if len(going) < len(self._rows):
                token = self._without(going, token)
            self._seen = torch.cat([self._seen, torch.ones(len(self._rows), 1, dtype=torch.long)], 1)
            self._hidden = self._memory.read(token, self._seen, self._next)
            self._next = self._next + 1
        return [self._text(row, stop) for row in self._written]

    def _without(self, going: Sequence[int], token: torch.Tensor) -> torch.Tensor:
        """Let the other rows leave, or only go unheard where they cost nothing."""
        if not self._memory.shrinks:
            heard = set(going)
            self._rows = [row if at in heard else None for at, row in enumerate(self._rows)]
            return token
        keep = torch.tensor(going)
        self._memory.keep(keep)
        self._seen, self._next = self._seen[keep], self._next[keep]
        self._rows = [self._rows[at] for at in going]
        return token[keep]

    def _goes_on(self, row: int, token: int, stop: Sequence[str]) -> bool:
        if token in self._end:
            return False
        self._written[row].append(token)
        # A stop string can span tokens, of a byte each at least: look at a tail that is longer than any of them.
        tail = self._written[row][-(max((len(s.encode()) for s in stop), default=0) + 1) :]
        return not (stop and any(s in self._tokenizer.decode(tail) for s in stop))

    def _text(self, tokens: list[int], stop: Sequence[str]) -> str:
        text = str(self._tokenizer.decode(tokens, skip_special_tokens=True))
        for string in stop:
            text = text.split(string, 1)[0]
        return text.strip()


class _Apart:
    """Keys and values of each row by itself, as transformers keeps them: for every architecture."""

    shrinks = True
    """Whether rows that are done leave."""

    def __init__(self, model: Any, local: LocalModel, room: int) -> None:
        from transformers import DynamicCache

        del room
        self._decoder, self._device = model.get_decoder(), local.device
        self._cache = DynamicCache(config=local.config)

    def read_prefix(self, ids: torch.Tensor, rows: int) -> None:
        self._decode(input_ids=ids.to(self._device))
        self._cache.batch_repeat_interleave(rows)

    def read(self, ids: torch.Tensor, seen: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        device = self._device
        return self._decode(input_ids=ids.to(device), attention_mask=seen.to(device), position_ids=positions.to(device))

    def keep(self, rows: torch.Tensor) -> None:
        self._cache.batch_select_indices(rows.to(self._device))

    def _decode(self, **inputs: torch.Tensor) -> torch.Tensor:
        out = self._decoder(**inputs, past_key_values=self._cache, use_cache=True)
        hidden: torch.Tensor = out.last_hidden_state[:, -1]
        return hidden


class _Together:
    """The prefix's keys and values once for all rows: for plain attention.

    On a GPU a step is recorded and launched as one, in tensors of fixed shape: rows that are done stay, since a step
    takes as long without them.
    """

    def __init__(self, model: Any, local: LocalModel, room: int, *, fixed: bool | None = None) -> None:
        from transformers import AttentionInterface

        AttentionInterface.register(shared.NAME, shared.attend)
        # Attention is a setting of the module, and others may be reading with this one.
        twin = share(model)
        twin.set_attn_implementation(shared.NAME)
        self._decoder, self._device, self._model = twin.get_decoder(), local.device, local.model
        self._state = shared.SharedPrefix(room)
        self._prefix = 0
        self._step: Recorded | None = None
        alone = len({p.device for p in self._decoder.parameters()}) == 1
        self.shrinks = not (self._device.type == "cuda" and alone if fixed is None else fixed)
        """Whether rows that are done leave."""

    def read_prefix(self, ids: torch.Tensor, rows: int) -> None:
        del rows
        self._prefix = ids.shape[1]
        self._decode(ids, torch.arange(self._prefix)[None])

    def read(self, ids: torch.Tensor, seen: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        own = seen[:, self._prefix :].bool().to(self._device)
        if self._step is not None:
            return self._stepped(ids, positions, self._step)
        self._state.advance(own)
        hidden = self._decode(ids, positions)
        if not self.shrinks:
            self._state.fix(own)
            self._ids, self._positions = (t.to(self._device, copy=True) for t in (ids[:, -1:], positions[:, -1:]))
            self._step = Recorded(self._next, self._device, of=self._model)
        return hidden

    def _stepped(self, ids: torch.Tensor, positions: torch.Tensor, step: Recorded) -> torch.Tensor:
        self._ids.copy_(ids)
        self._positions.copy_(positions)
        hidden = step()
        self._state.stepped()
        return hidden

    def _next(self) -> torch.Tensor:
        self._state.step()
        return self._decode(self._ids, self._positions)

    def keep(self, rows: torch.Tensor) -> None:
        self._state.keep(rows.to(self._device))

    def _decode(self, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        # Given a mask of its own shape, transformers builds none.
        mask = torch.ones(1, 1, 1, 1, dtype=torch.bool, device=self._device)
        with shared.decoding(self._state):
            out = self._decoder(
                input_ids=ids.to(self._device),
                attention_mask=mask,
                position_ids=positions.to(self._device),
                use_cache=False,
            )
        hidden: torch.Tensor = out.last_hidden_state[:, -1]
        return hidden


def _shared(prompts: Sequence[Sequence[int]]) -> int:
    """Leading tokens that all prompts share, leaving each at least one of its own."""
    longest = min(map(len, prompts)) - 1
    first = prompts[0]
    return next((at for at in range(longest) if any(p[at] != first[at] for p in prompts)), longest)


def _pick(logits_BV: torch.Tensor, temperature: float, random: torch.Generator) -> torch.Tensor:
    """The next token of each row, int64 [B, 1]: the likeliest at temperature 0, else drawn from 95 % of the top 64.

    Draws are the processor's, wherever the logits lie: only what can be drawn leaves the device.
    """
    if temperature == 0:
        return logits_BV.argmax(-1, keepdim=True).cpu()
    top_BK, ids_BK = (t.cpu() for t in logits_BV.topk(min(64, logits_BV.shape[1]), -1))
    p_BK = torch.softmax(top_BK / temperature, -1)
    p_BK[p_BK.cumsum(-1) - p_BK > 0.95] = 0.0
    return ids_BK.gather(1, torch.multinomial(p_BK, 1, generator=random))
