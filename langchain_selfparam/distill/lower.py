"""What the blocks that do not learn make of a document: made once, read in every epoch.

In come packed rows, out go the states that enter the lowest block that learns. A document's states depend on nothing
but its own tokens before them, whatever row it is in, so that those of documents that are read again are kept: about a
fourth of a step where two fifths of the blocks do not learn. It knows nothing of losses or of what the rows are for.

Dimensions: T tokens of the row, D of a state.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from langchain_selfparam.distill.packing import Document, Pack, pack, shared_prefix

_KEPT_BYTES = 1 << 30
"""What is kept at most; states beyond are made each time."""

Ids = tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Lower:
    """What the lowest blocks make of a row.

    Attributes:
        states: [T, D], without a gradient.
        blocks: How many blocks made them.
    """

    states: torch.Tensor
    blocks: int


def beside(parts: Sequence[Lower | None]) -> Lower | None:
    """What the lowest blocks make of rows that stand side by side.

    Args:
        parts: What they make of each.

    Returns:
        ``None`` where one is missing or they are not of as many blocks.
    """
    found = [part for part in parts if part is not None]
    if len(found) < len(parts) or len({part.blocks for part in found}) != 1:
        return None
    return Lower(torch.cat([part.states for part in found]), found[0].blocks)


def frozen_blocks(decoder: Any, learning: Sequence[torch.nn.Parameter]) -> int:
    """How many blocks, from the lowest, have nothing that learns in or below them.

    Args:
        decoder: A decoder, of whatever architecture.
        learning: The parameters that learn.

    Returns:
        0 where the lowest learns, something outside the blocks does, nothing does, or the blocks are not to be found.
    """
    blocks, wanted = getattr(decoder, "layers", ()), {id(parameter) for parameter in learning}
    inside = [{id(p) for p in block.parameters()} & wanted for block in blocks]
    if not wanted or set().union(*inside) != wanted:
        return 0
    return next(number for number, found in enumerate(inside) if found)


class _Reached(Exception):  # noqa: N818 - no error: how a decoder is left half way
    def __init__(self, states: torch.Tensor) -> None:
        self.states = states


class _Stop(torch.nn.Module):
    """Stands for the block whose input is wanted.

    Args:
        block: That block.
    """

    def __init__(self, block: torch.nn.Module) -> None:
        super().__init__()
        self.attention_type = getattr(block, "attention_type", None)  # by which some decoders choose its mask

    def forward(self, states: torch.Tensor, *args: Any, **kwargs: Any) -> None:
        raise _Reached(states)


@contextlib.contextmanager
def _with_blocks(decoder: Any, blocks: Sequence[torch.nn.Module]) -> Iterator[None]:
    whole = decoder.layers
    decoder.layers = torch.nn.ModuleList(blocks)
    try:
        yield
    finally:
        decoder.layers = whole


def above(decoder: Any, blocks: int) -> contextlib.AbstractContextManager[None]:
    """A decoder without its lowest blocks: what it is given as embeddings enters the first that is left.

    Args:
        decoder: One that nobody else reads with meanwhile.
        blocks: How many are left out.

    Returns:
        A context, after which the decoder is whole.
    """
    return _with_blocks(decoder, decoder.layers[blocks:])


@torch.no_grad()
def below(decoder: Any, blocks: int, read: Callable[[], object]) -> torch.Tensor:
    """The states that enter a block.

    Args:
        decoder: One that nobody else reads with meanwhile.
        blocks: The number of the block, from 0: as many are read.
        read: Reads a row of T tokens with the decoder.

    Returns:
        [T, D], without a gradient.

    Raises:
        RuntimeError: The decoder did not come that far.
    """
    with _with_blocks(decoder, [*decoder.layers[:blocks], _Stop(decoder.layers[blocks])]):
        try:
            read()
        except _Reached as reached:
            return reached.states[0]
    msg = f"the decoder was read to its end; block {blocks} of {len(decoder.layers)} was to end it"
    raise RuntimeError(msg)


def _lengths(packed: Pack) -> tuple[int, list[int]]:
    """Tokens of a row's prefix, and of each document behind it."""
    prefix = int((packed.owner < 0).sum())
    return prefix, torch.bincount(packed.owner[prefix:]).tolist()


class LowerStates:
    """States of rows, put together from those of their documents.

    Args:
        make: Gives the states [T, D] of a row.
        again: Documents that are read more than once: theirs are kept. At least one.
    """

    def __init__(self, make: Callable[[Pack], torch.Tensor], again: Sequence[Document]) -> None:
        self._make = make
        self._again = {document.ids for document in again}
        self._prefix = shared_prefix(again)
        self._opening: torch.Tensor | None = None
        self._kept: dict[Ids, torch.Tensor] = {}
        self._room = _KEPT_BYTES

    def of(self, packed: Pack) -> torch.Tensor:
        """The states of a row.

        Args:
            packed: A row of T tokens, not joined.

        Returns:
            [T, D], without a gradient.
        """
        prefix, lengths = _lengths(packed)
        opening, *own = torch.split(packed.input_ids[0], [prefix, *lengths])
        texts = [(*opening.tolist(), *ids.tolist()) for ids in own]
        made = self._made([text for text in dict.fromkeys(texts) if text not in self._kept])
        whole = [made[text] if text in made else self._whole(text) for text in texts]
        return torch.cat([whole[0][:prefix], *(states[prefix:] for states in whole)])

    def _made(self, texts: Sequence[Ids]) -> dict[Ids, torch.Tensor]:
        """Whole documents' states, made now; those that are read again are kept."""
        if not texts:
            return {}
        packed = pack([Document(number, text, (0,)) for number, text in enumerate(texts)])
        prefix, lengths = _lengths(packed)
        opening, *own = torch.split(self._make(packed), [prefix, *lengths])
        made = {text: torch.cat([opening, states]) for text, states in zip(texts, own, strict=True)}
        for text, found in made.items():
            if text in self._again:
                self._keep(text, found)
        return made

    def _keep(self, text: Ids, states: torch.Tensor) -> None:
        own = states[self._prefix :].clone()
        if own.nbytes > self._room:
            return
        if self._opening is None:
            self._opening = states[: self._prefix].clone()
        self._kept[text] = own
        self._room -= own.nbytes

    def _whole(self, text: Ids) -> torch.Tensor:
        own = self._kept[text]
        return own if self._opening is None else torch.cat([self._opening, own])
