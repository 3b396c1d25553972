"""What this room keeps of texts that it has read, in every thread of the process, and how to let go of it.

Nothing comes in and nothing goes out. A cache's keys are what users said, which is not to outlive what is forgotten.
"""

from __future__ import annotations

from langchain_selfparam.targets import beside, changes, correct, frames, restated, things, values

_READERS = (beside, changes, correct, frames, restated, things, values)


def clear() -> None:
    """Let go of every text that was read; reading it again costs milliseconds."""
    for module in _READERS:
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()
