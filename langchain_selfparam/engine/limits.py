"""Where a run over many namespaces ends although something is left."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from langchain_selfparam.errors import ConfigError


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Where a run ends although something is left.

    Attributes:
        deadline: Seconds from its beginning. No episode is begun that would end later, going by the longest so far, and
            one that is not done by then is stopped between two steps.
        max_tokens: Tokens of turns, by the model's own tokenizer, after which no other episode is begun.
        after_seconds: Seconds that a namespace has to have said nothing; one that is speaking is left for the next run.
        concurrency: Namespaces whose episodes are trained in one row at most.
        stopping: Asked between steps whether to stop.
    """

    deadline: float | None = None
    max_tokens: int | None = None
    after_seconds: float = 0.0
    concurrency: int = 1
    stopping: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        for name in ("deadline", "max_tokens"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                msg = f"{name} is {value!r}; it has to be above 0, or None for no limit"
                raise ConfigError(msg)
        if not self.after_seconds >= 0:
            msg = f"after_seconds is {self.after_seconds!r}; it has to be 0 or more seconds"
            raise ConfigError(msg)
        if not (isinstance(self.concurrency, int) and self.concurrency >= 1):
            msg = f"concurrency is {self.concurrency!r}; it has to be a whole number of namespaces, 1 or more"
            raise ConfigError(msg)
