"""Settings: one frozen dataclass for each stage; a stage is handed its own and no other.

Every field says its unit below it and is checked when the dataclass is made. ``Settings.from_mapping`` reads nested
mappings (a JSON or TOML file, keyword arguments) and refuses names that it does not know.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Mapping
from typing import Any, TypeVar

from langchain_selfparam.errors import ConfigError

T = TypeVar("T")


def _need(ok: bool, name: str, found: object, needed: str) -> None:
    if not ok:
        msg = f"{name} is {found!r}; it has to be {needed}"
        raise ConfigError(msg)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class PolicyConfig:
    """When to consolidate, and which turns."""

    every_turns: int | None = 8
    """Consolidate when this many turns are pending; ``None`` for never by count."""
    every_tokens: int | None = None
    """Consolidate when the pending text has this many tokens; ``None`` for never by length."""
    max_turns: int = 16
    """Most turns in one episode; the oldest go first."""
    max_attempts: int = 3
    """Consolidations that may fail to hold a turn before it stays in the prompt for good."""
    lease_seconds: float = 1800.0
    """Seconds after which a leased job whose owner has vanished may be taken over."""

    def __post_init__(self) -> None:
        for name in ("every_turns", "every_tokens"):
            value = getattr(self, name)
            _need(value is None or value >= 1, name, value, "at least 1, or None")
        for name in ("max_turns", "max_attempts"):
            _need(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        _need(self.lease_seconds > 0, "lease_seconds", self.lease_seconds, "above 0 seconds")
