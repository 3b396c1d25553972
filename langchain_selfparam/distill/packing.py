"""Packing: many continuations of one shared prefix in one row, none of which sees another.

In come token ids, out goes a ``Pack``: the row, positions that restart behind the prefix for each continuation, the
mask, and where the answers are. The teacher packs all questions about one context chunk over it; the student packs
questions over the chat template's opening, which all of them share. It knows nothing of models but their masks.

Dimensions: T tokens of the row (prefix and continuations), N answer tokens.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import torch


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """A prompt and its answer in tokens.

    Attributes:
        key: What the caller knows it by; targets are stored under it.
        prompt: Token ids up to the generation prompt, shared prefix included.
        answer: Token ids of the answer with the end-of-turn token; at least one.
    """

    key: int
    prompt: tuple[int, ...]
    answer: tuple[int, ...]

    @property
    def ids(self) -> tuple[int, ...]:
        """What the model reads: the last answer token is predicted, never read."""
        return self.prompt + self.answer[:-1]


@dataclasses.dataclass(frozen=True, slots=True)
class Pack:
    """One row of packed documents.

    Attributes:
        keys: Documents in the order of their answers.
        input_ids: int64 [1, T].
        position_ids: int64 [1, T]; they restart at the end of the prefix for each document.
        owner: Document number of each token, int64 [T]; -1 for the prefix.
        answer_at: Positions whose hidden states predict answer tokens, int64 [N].
        answer_ids: The answer tokens, int64 [N].
        lengths: Answer tokens of each document.
        parts: The rows that stand side by side in this one, where it was made by ``join``.
    """

    keys: tuple[int, ...]
    input_ids: torch.Tensor
    position_ids: torch.Tensor
    owner: torch.Tensor
    answer_at: torch.Tensor
    answer_ids: torch.Tensor
    lengths: tuple[int, ...]
    parts: tuple[Pack, ...] = ()

    @property
    def tokens(self) -> int:
        """T."""
        return int(self.input_ids.shape[1])


def shared_prefix(documents: Sequence[Document]) -> int:
    """Leading tokens that all prompts have in common; at least one token of each prompt is left out of it."""
    first = documents[0].prompt
    longest = min(len(d.prompt) for d in documents) - 1
    length = 0
    while length < longest and all(d.prompt[length] == first[length] for d in documents):
        length += 1
    return length


def pack(documents: Sequence[Document]) -> Pack:
    """Put documents into one row, behind their shared prefix.

    Args:
        documents: At least one; none with an empty prompt or answer.

    Returns:
        The row.

    Raises:
        ValueError: There is no document, or one has no prompt or no answer.
    """
    for document in documents:
        if not document.prompt or not document.answer:
            msg = (
                f"document {document.key} has {len(document.prompt)} prompt and {len(document.answer)} answer "
                "tokens; it needs at least one of each"
            )
            raise ValueError(msg)
    if not documents:
        msg = "there is no document to pack; give at least one"
        raise ValueError(msg)
    prefix = shared_prefix(documents)
    ids = list(documents[0].prompt[:prefix])
    positions, owner = list(range(prefix)), [-1] * prefix
    at: list[int] = []
    answers: list[int] = []
    for number, document in enumerate(documents):
        own = document.ids[prefix:]
        first_answer = len(ids) + len(document.prompt) - prefix - 1
        at += range(first_answer, first_answer + len(document.answer))
        answers += document.answer
        ids += own
        positions += range(prefix, prefix + len(own))
        owner += [number] * len(own)
    return Pack(
        keys=tuple(d.key for d in documents),
        input_ids=torch.tensor([ids]),
        position_ids=torch.tensor([positions]),
        owner=torch.tensor(owner),
        answer_at=torch.tensor(at),
        answer_ids=torch.tensor(answers),
        lengths=tuple(len(d.answer) for d in documents),
    )


def join(packs: Sequence[Pack]) -> Pack:
    """Put rows side by side, each with a prefix of its own and none seeing another: rows of several students.

    Args:
        packs: At least one; none made by ``join``.

    Returns:
        One row. Its keys are the rows' one after another, and may come more than once.
    """
    if len(packs) == 1:
        return packs[0]
    starts = [0, *itertools.accumulate(packed.tokens for packed in packs)]
    owners, documents = [], 0
    for number, packed in enumerate(packs):
        # A prefix's tokens are its own part's: each part's has another number below 0.
        owners.append(torch.where(packed.owner < 0, -1 - number, packed.owner + documents))
        documents += len(packed.keys)
    return Pack(
        keys=tuple(key for packed in packs for key in packed.keys),
        input_ids=torch.cat([packed.input_ids for packed in packs], 1),
        position_ids=torch.cat([packed.position_ids for packed in packs], 1),
        owner=torch.cat(owners),
        answer_at=torch.cat([packed.answer_at + start for packed, start in zip(packs, starts, strict=False)]),
        answer_ids=torch.cat([packed.answer_ids for packed in packs]),
        lengths=tuple(length for packed in packs for length in packed.lengths),
        parts=tuple(packs),
    )


def _part(packed: Pack) -> torch.Tensor:
    """Number of the part that each token is in, int64 [T]."""
    sizes = [part.tokens for part in packed.parts] or [packed.tokens]
    return torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))


def visible(packed: Pack, *, window: int | None = None) -> torch.Tensor:
    """Which tokens each token sees: the prefix and its own document up to itself.

    Args:
        packed: The row.
        window: Positions that a sliding-window layer looks back, itself included; ``None`` for all.

    Returns:
        bool [1, 1, T, T], true where row sees column.
    """
    owner, position, part = packed.owner, packed.position_ids[0], _part(packed)
    same = (owner[:, None] == owner[None, :]) | (owner[None, :] < 0)
    seen = same & (part[:, None] == part[None, :]) & (position[:, None] >= position[None, :])
    if window is not None:
        seen &= position[:, None] - position[None, :] < window
    return seen[None, None]


def bucket(tokens: int) -> int:
    """The length that a row of so many tokens is padded to, at most a fifth of it padding beyond 512.

    Multiples of 128, and of a quarter of the power of two below: what is compiled for a length is compiled for few.
    """
    step = max(128, (1 << max(0, (tokens - 1).bit_length() - 1)) // 4)
    return -(-tokens // step) * step


def padded(packed: Pack, tokens: int) -> Pack:
    """A row made longer by tokens that nobody sees and that see nobody but the prefix's first token and themselves.

    Args:
        packed: The row, of T tokens.
        tokens: Its new length, at least T.

    Returns:
        The same row where nothing is to be added.
    """
    missing = tokens - packed.tokens
    if missing <= 0:
        return packed
    beyond = int(packed.owner.max()) + 1
    zeros = torch.zeros(1, missing, dtype=torch.long)
    return dataclasses.replace(
        packed,
        input_ids=torch.cat([packed.input_ids, zeros], 1),
        position_ids=torch.cat([packed.position_ids, zeros], 1),
        owner=torch.cat([packed.owner, beyond + torch.arange(missing)]),
        parts=(*packed.parts[:-1], padded(packed.parts[-1], packed.parts[-1].tokens + missing)) if packed.parts else (),
    )


def flex_mask(packed: Pack, device: torch.device, *, window: int | None = None) -> Any:
    """``visible`` as a FlexAttention ``BlockMask``: whole blocks that nobody sees are left out.

    Args:
        packed: The row, of T tokens.
        device: Where it is read.
        window: As for ``visible``.

    Returns:
        The mask, of shape [1, 1, T, T].
    """
    from torch.nn.attention.flex_attention import create_block_mask

    owner, position, part = (t.to(device) for t in (packed.owner, packed.position_ids[0], _part(packed)))
    back = window or 0

    def sees(batch: Any, head: Any, query: Any, key: Any) -> Any:
        same = ((owner[query] == owner[key]) | (owner[key] < 0)) & (part[query] == part[key])
        return same & (position[query] >= position[key])

    def sees_near(batch: Any, head: Any, query: Any, key: Any) -> Any:
        return sees(batch, head, query, key) & (position[query] - position[key] < back)

    # The row's length is in neither: what is compiled for one mask would be compiled again for every length.
    mod = sees if window is None else sees_near
    return create_block_mask(mod, B=1, H=1, Q_LEN=packed.tokens, KV_LEN=packed.tokens, device=device)


def map_masks(make: Callable[[int | None], Any], config: Any) -> Any:
    """The masks that a decoder takes.

    Args:
        make: Makes the mask of layers that look back so many positions; ``None`` for all.
        config: The decoder's configuration.

    Returns:
        One mask, or one for each kind of layer where the model has sliding-window layers.
    """
    kinds = set(getattr(config, "layer_types", None) or ())
    window = getattr(config, "sliding_window", None)
    if kinds <= {"full_attention"}:
        return make(None if kinds else window)
    return {kind: make(window if kind == "sliding_attention" else None) for kind in sorted(kinds)}


def split(documents: Sequence[Document], *, count: int, tokens: int) -> list[list[Document]]:
    """Documents in order, cut into parts that are read at once.

    Args:
        documents: All of them.
        count: Documents of a part at most.
        tokens: Tokens of a part at most; a longer document is a part by itself.

    Returns:
        The parts, none empty.
    """
    parts: list[list[Document]] = []
    room = 0
    for document in documents:
        length = len(document.ids)
        if not parts or len(parts[-1]) == count or length > room:
            parts.append([])
            room = tokens
        parts[-1].append(document)
        room -= length
    return parts


def batches(documents: Sequence[Document], *, tokens: int, order: Sequence[int]) -> list[list[Document]]:
    """Cut documents, taken in ``order``, into groups of about ``tokens`` packed tokens.

    Args:
        documents: All of them.
        tokens: Packed tokens of a group, its shared prefix left aside; a longer document is a group of its own.
        order: A permutation of their indices.

    Returns:
        Groups in order; every document is in one.
    """
    prefix = shared_prefix(documents)
    groups: list[list[Document]] = [[]]
    size = 0
    for index in order:
        length = len(documents[index].ids) - prefix
        if groups[-1] and size + length > tokens:
            groups.append([])
            size = 0
        groups[-1].append(documents[index])
        size += length
    return groups
