"""Trees: many texts that may follow one prompt, in one row, each beginning that they share read once.

"What is my dog called?" and "What is my name?" begin alike, and so do most questions. In come a prompt and texts in
tokens, out goes a ``Tree``: a row in which every token sees the prompt and the tokens before it in its own text, and
where each text's tokens are predicted. It knows nothing of models.

Dimensions: P tokens of the prompt, M nodes behind them, D tokens of the longest text but its last.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch


@dataclasses.dataclass(frozen=True, slots=True)
class Tree:
    """One row of texts over a prompt.

    Attributes:
        input_ids: int64 [1, P + M].
        position_ids: int64 [1, P + M]; a node's place in its texts.
        prefix: P.
        ancestors: For each node the row positions of the nodes up to it, itself the last one, int64 [M, D]; padded with
            its own position.
        real: Which of these are no padding, bool [M, D].
        predicted_at: Row position whose hidden state predicts a token, for every token of every text, int64 [N].
        predicted: These tokens, int64 [N].
        lengths: Tokens of each text.
    """

    input_ids: torch.Tensor
    position_ids: torch.Tensor
    prefix: int
    ancestors: torch.Tensor
    real: torch.Tensor
    predicted_at: torch.Tensor
    predicted: torch.Tensor
    lengths: tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """Nodes that are read together, and what they see behind the prompt.

    Attributes:
        start: Row position of the first node.
        stop: Behind the last one.
        outside: Row positions of what they see before the first one, int64 [X].
        sees: Which of these and of the S nodes each node sees, bool [S, X + S].
    """

    start: int
    stop: int
    outside: torch.Tensor
    sees: torch.Tensor

    def to(self, device: torch.device) -> Block:
        """The same on ``device``."""
        return dataclasses.replace(self, outside=self.outside.to(device), sees=self.sees.to(device))


def blocks(tree: Tree, *, size: int = 128) -> list[Block]:
    """Cut a tree into blocks of nodes that lie beside each other.

    Where texts are in the order in which they begin alike, a block sees little but itself: the beginning of its first
    text. In any other order it is right, and larger.

    Args:
        tree: Of M nodes.
        size: Nodes of a block.

    Returns:
        The blocks in order; none of a tree without nodes.
    """
    found = []
    for first in range(0, len(tree.ancestors), size):
        seen_by, real = tree.ancestors[first : first + size], tree.real[first : first + size]
        start, count = tree.prefix + first, len(seen_by)
        before = real & (seen_by < start)
        outside = torch.unique(seen_by[before])
        at = torch.where(before, torch.searchsorted(outside, seen_by), len(outside) + seen_by - start)
        sees = torch.zeros(count, len(outside) + count, dtype=torch.bool)
        rows = torch.arange(count)[:, None].expand_as(at)
        sees[rows[real], at[real]] = True
        found.append(Block(start, start + count, outside, sees))
    return found


def plant(prompt: Sequence[int], texts: Sequence[Sequence[int]]) -> Tree:
    """Put texts into one row behind their prompt.

    Args:
        prompt: Token ids, at least one.
        texts: Token ids of each, at least one of each.

    Returns:
        The tree.

    Raises:
        ValueError: There is no prompt, no text, or one without a token.
    """
    if not prompt or not texts or not all(texts):
        msg = f"{len(prompt)} prompt tokens and texts of {[len(t) for t in texts]}; at least one of each is needed"
        raise ValueError(msg)
    first = len(prompt)
    ids, positions = list(prompt), list(range(first))
    node_of: dict[tuple[int, ...], int] = {(): first - 1}
    lines: list[list[int]] = []
    at: list[int] = []
    for text in texts:
        for depth, _ in enumerate(text):
            before = tuple(text[:depth])
            if before not in node_of:
                node_of[before] = len(ids)
                parent = node_of[before[:-1]]
                lines.append([*(lines[parent - first] if parent >= first else ()), len(ids)])
                ids.append(before[-1])
                positions.append(first + depth - 1)
            at.append(node_of[before])
    deepest = max((len(line) for line in lines), default=1)
    padded = [[line[-1]] * (deepest - len(line)) + line for line in lines]
    real = [[at >= deepest - len(line) for at in range(deepest)] for line in lines]
    return Tree(
        input_ids=torch.tensor([ids]),
        position_ids=torch.tensor([positions]),
        prefix=first,
        ancestors=torch.tensor(padded, dtype=torch.long).reshape(-1, deepest),
        real=torch.tensor(real, dtype=torch.bool).reshape(-1, deepest),
        predicted_at=torch.tensor(at),
        predicted=torch.tensor([token for text in texts for token in text]),
        lengths=tuple(len(text) for text in texts),
    )


def seen(tree: Tree) -> torch.Tensor:
    """Which tokens each token sees, bool [1, 1, T, T] for the T tokens of the row: the slow obvious form."""
    size = tree.input_ids.shape[1]
    mask = torch.zeros(size, size, dtype=torch.bool)
    mask[: tree.prefix, : tree.prefix] = torch.ones(tree.prefix, tree.prefix, dtype=torch.bool).tril()
    mask[tree.prefix :, : tree.prefix] = True
    rows = torch.arange(tree.prefix, size)[:, None].expand_as(tree.ancestors)
    mask[rows[tree.real], tree.ancestors[tree.real]] = True
    return mask[None, None]
