"""Memory that ran out: whether an error says so, what to lower then, and what an error that is kept holds on to.

Every library says it its own way: torch with a type of its own on a GPU and with a plain ``RuntimeError`` on a CPU.
"""

from __future__ import annotations

import traceback

from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.errors import OutOfMemoryError


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, by an error's type or by what it says."""
    text = str(error).lower()
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "out of memory" in text
        or "can't allocate memory" in text
    )


def too_large(turns: int, error: BaseException, config: TrainingConfig) -> OutOfMemoryError:
    """The error for so many turns that did not fit, which says what to lower.

    Args:
        turns: How many were learned together.
        error: What was raised.
        config: How they were learned.
    """
    found = str(error).partition("\n")[0] or type(error).__name__
    return OutOfMemoryError(
        f"learning {turns} turns did not fit into memory ({found}); the turns are pending. Lower "
        f"training.batch_tokens (now {config.batch_tokens}) or training.rank (now {config.rank})"
    )


def let_go(error: BaseException) -> None:
    """Free what the frames of an error hold, which are kept as long as it is: of a training all its tensors.

    Its text and its lines stay. Frames that still run are left alone.

    Args:
        error: What was raised, and is to be kept.
    """
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        traceback.clear_frames(link.__traceback__)
        link = link.__cause__ or link.__context__
