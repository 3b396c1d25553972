"""Reading packed rows with a model's decoder, by the cheapest exact way that architecture and device allow.

In comes a module of one's own (a twin or a shadow: its attention implementation is changed) and a packed row, out come
the hidden states that predict the answer tokens. It knows nothing of losses or of what the rows are for.

The ways:

- ``packed``: each document over the prefix and itself (``distill.attention``), on a CPU, for plain attention.
- ``dense``: a boolean mask with torch's own attention, for every other architecture, and on a GPU.
- ``flex``: FlexAttention over blocks of the mask, for long rows on a GPU; rows are padded to a few lengths, so that
  what is compiled once is used again. Short rows have nothing to leave out that would pay for the compiler.
- ``eager``: a mask of numbers, for architectures that cap attention scores, which torch's own cannot.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
from collections.abc import Sequence
from typing import Any, Literal

import torch

from langchain_selfparam.distill import attention
from langchain_selfparam.distill.lower import Lower, LowerStates, above, below, frozen_blocks
from langchain_selfparam.distill.packing import Document, Pack, bucket, flex_mask, map_masks, padded, visible
from langchain_selfparam.distill.tree import Tree, seen
from langchain_selfparam.model import has_plain_attention, has_window

_LOG = logging.getLogger(__name__)

Way = Literal["flex", "packed", "dense", "eager"]

_BLOCKS_FROM = 2048
"""Tokens of a row from which a GPU reads by blocks: reading every pair of tokens below costs an 8B model a few per
cent of a pass, and compiling took 22 seconds on an H100."""
_NAMES = {"packed": attention.NAME, "flex": "flex_attention", "dense": "sdpa", "eager": "eager"}


class Reader:
    """Reads packed rows with one module.

    Args:
        model: A causal language model that nobody else reads with meanwhile.
        way: How; the cheapest that is exact for this model and device where missing. ``dense`` (``eager`` where scores
            are capped) is the ground truth in tests.
        compiled: Whether the decoder's blocks are compiled one by one, for models so small that launching kernels
            takes longer than running them.
        learning: Parameters that change between two readings. What the blocks below them make of ``again`` is made
            once and kept, where this architecture's blocks can be read in two parts.
        again: Documents that are read more than once.
    """

    def __init__(
        self,
        model: Any,
        *,
        way: Way | None = None,
        compiled: bool = False,
        learning: Sequence[torch.nn.Parameter] = (),
        again: Sequence[Document] = (),
    ) -> None:
        self.model = model
        self.decoder = model.get_decoder()
        self.way: Way = way or _cheapest(model)
        """How rows are read, but for those that are long enough for blocks."""
        self._blocks = way is None and self.way != "packed" and _has_blocks(model)
        self._compiled = compiled
        self._set: Way | None = None
        if self.way == "packed":
            from transformers import AttentionInterface

            AttentionInterface.register(attention.NAME, attention.attend)
        self._use(self.way)
        if compiled:
            for block in self.decoder.layers:
                block.compile(dynamic=False)
        self._frozen = frozen_blocks(self.decoder, learning)
        self._lower: LowerStates | None = None
        if self._frozen and again and not has_window(self.decoder.config):
            self._lower = LowerStates(self._below, again)
        self._trusted = False

    @property
    def device(self) -> torch.device:
        """Where the decoder lies."""
        device: torch.device = next(self.decoder.parameters()).device
        return device

    def hidden(self, packed: Pack, lower: Lower | None = None) -> torch.Tensor:
        """Hidden states that predict the answer tokens.

        Args:
            packed: A row with N answer tokens.
            lower: What the lowest blocks make of it; made, or taken from what is kept, where missing.

        Returns:
            [N, D] in the decoder's dtype, after its last norm.
        """
        return self._hidden(packed, lower or self.lower(packed))

    def lower(self, packed: Pack) -> Lower | None:
        """What the blocks that do not learn make of a row.

        Args:
            packed: A row of T tokens.

        Returns:
            Their states; ``None`` where all blocks learn, nothing is read again, the row is joined, or this
            architecture does more with embeddings than to hand them to its first block.
        """
        if self._lower is None or packed.parts:
            return None
        try:
            lower = Lower(self._lower.of(packed), self._frozen)
            self._trusted = self._trusted or self._enters(packed, lower)
        except Exception as error:
            if self._trusted:
                raise
            # Whatever is wrong with reading this architecture in parts, it can be read whole.
            _LOG.info("blocks of %s are not read in two parts: %s", type(self.decoder).__name__, error)
        if self._trusted:
            return lower
        self.forget()
        return None

    def _enters(self, packed: Pack, lower: Lower) -> bool:
        """Whether what a decoder is given as embeddings enters its first block as it is.

        No layer that learns is read for it: without a gradient autocast would keep that layer's narrowed factors.
        """
        with above(self.decoder, lower.blocks):
            entered = below(self.decoder, 0, lambda: self._read(packed, lower.states))
        return torch.equal(entered[: packed.tokens], lower.states)

    def forget(self) -> None:
        """Keep nothing any longer: rows are read whole."""
        self._lower = None

    @property
    def keeps(self) -> bool:
        """Whether what the lowest blocks make is kept, as far as is known."""
        return self._lower is not None

    def _hidden(self, packed: Pack, lower: Lower | None) -> torch.Tensor:
        if lower is None:
            out, row = self._read(packed)
        else:
            with above(self.decoder, lower.blocks):
                out, row = self._read(packed, lower.states)
        hidden: torch.Tensor = out.last_hidden_state[0, row.answer_at.to(self.device)]
        return hidden

    def _below(self, packed: Pack) -> torch.Tensor:
        states = below(self.decoder, self._frozen, lambda: self._read(packed))
        return states[: packed.tokens]  # without what the row was padded with

    def _read(self, packed: Pack, states_TD: torch.Tensor | None = None) -> tuple[Any, Pack]:
        """What the decoder gives, and the row as it was read."""
        device = self.device
        way = self.way_of(packed.tokens)
        row = padded(packed, bucket(packed.tokens)) if way == "flex" or self._compiled else packed
        self._use(way)
        if states_TD is None:
            given = {"input_ids": row.input_ids.to(device)}
        else:
            missing = row.tokens - packed.tokens
            given = {"inputs_embeds": torch.nn.functional.pad(states_TD, (0, 0, 0, missing))[None]}
        with attention.layout(row, device) if way == "packed" else contextlib.nullcontext():
            out = self.decoder(
                **given,
                position_ids=row.position_ids.to(device),
                attention_mask=self._mask(row, device, way),
                use_cache=False,  # with a cache transformers does not recognise the packing: documents see each other
            )
        return out, row

    def way_of(self, tokens: int) -> Way:
        """How a row is read.

        Args:
            tokens: T.

        Returns:
            ``flex`` for long rows on a GPU, else ``way``.
        """
        return "flex" if self._blocks and tokens >= _BLOCKS_FROM else self.way

    @property
    def reads_trees(self) -> bool:
        """Whether texts that begin alike can be read once as far as they do."""
        return self.way in ("packed", "dense") and not has_window(self.decoder.config)

    def tree(self, tree: Tree) -> torch.Tensor:
        """Hidden states of a tree's row.

        Args:
            tree: A row of T tokens.

        Returns:
            [T, D] in the decoder's dtype, after its last norm.

        Raises:
            ValueError: This way of reading has no trees; see ``reads_trees``.
        """
        if not self.reads_trees:
            msg = f"trees are read by the ways 'packed' and 'dense', and this reader's is {self.way!r}"
            raise ValueError(msg)
        device = self.device
        self._use(self.way)
        if self.way == "packed":
            inside: Any = attention.layout(tree, device)
            mask = torch.ones(1, 1, 1, 1, dtype=torch.bool, device=device)
        else:
            inside, whole = contextlib.nullcontext(), seen(tree).to(device)
            mask = map_masks(lambda window: whole, self.decoder.config)
        with inside:
            out = self.decoder(
                input_ids=tree.input_ids.to(device),
                position_ids=tree.position_ids.to(device),
                attention_mask=mask,
                use_cache=False,
            )
        hidden: torch.Tensor = out.last_hidden_state[0]
        return hidden

    def _use(self, way: Way) -> None:
        if self._set != way:
            self.model.set_attn_implementation(_NAMES[way])
            self._set = way

    def _mask(self, row: Pack, device: torch.device, way: Way) -> Any:
        config = self.decoder.config
        if way == "packed":
            # Given a mask of its own shape, transformers builds none; the layout says who sees whom.
            return torch.ones(1, 1, 1, 1, dtype=torch.bool, device=device)
        if way == "flex":
            return map_masks(lambda window: flex_mask(row, device, window=window), config)
        return map_masks(lambda window: self._dense(row, device, window), config)

    def _dense(self, row: Pack, device: torch.device, window: int | None) -> torch.Tensor:
        seen = visible(row, window=window).to(device)
        if self.way == "dense":
            return seen
        dtype = next(self.decoder.parameters()).dtype
        # Eager attention adds its mask to the scores.
        return torch.zeros(seen.shape, dtype=dtype, device=device).masked_fill(~seen, torch.finfo(dtype).min)


def _cheapest(model: Any) -> Way:
    config = model.get_decoder().config
    if getattr(config, "attn_logit_softcapping", None) is not None:
        return "eager"
    return "packed" if has_plain_attention(config) and not _on_gpu(model) else "dense"


def _has_blocks(model: Any) -> bool:
    compiler = importlib.util.find_spec("triton") is not None
    return _on_gpu(model) and compiler and bool(getattr(model, "_supports_flex_attn", False))


def _on_gpu(model: Any) -> bool:
    return bool(next(model.parameters()).is_cuda)
