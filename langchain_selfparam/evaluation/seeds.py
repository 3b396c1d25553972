"""Sequential runs over the same contexts, each with another seed, as one: every question with its mean over them.

In come runs, out go the figures and rows that one run has. Pure functions; it asks nobody.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence

from langchain_selfparam.evaluation.datasets import Conversation
from langchain_selfparam.evaluation.sequential import Answers, Row, Run, with_intervals
from langchain_selfparam.evaluation.stats import Interval

_SOME = "retention"
"""The one figure that is over other questions in each run: over those that were right just after their own step."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Seeds:
    """Runs as one.

    Attributes:
        runs: At least one, over the same contexts and with equally many steps.

    Raises:
        ValueError: They are not.
    """

    runs: tuple[Run, ...]

    def __post_init__(self) -> None:
        steps = {tuple(step.learned for step in run.steps) for run in self.runs}
        if len(steps) != 1:
            msg = f"found runs with the steps {sorted(steps)}; at least one is needed, and all with the same"
            raise ValueError(msg)

    @property
    def conversations(self) -> tuple[Conversation, ...]:
        """In the order in which they were learned."""
        return self.runs[0].conversations

    @property
    def prompted(self) -> Mapping[str, Answers]:
        """The untouched model's answers with more in the prompt, by way: they are every seed's."""
        return self.runs[0].prompted

    def prompted_flags(self, way: str) -> list[bool]:
        """Whether each question of the contexts that were learned was answered right with more in the prompt."""
        return self.runs[0].prompted_flags(way)

    @property
    def rows(self) -> list[Row]:
        """The mean of every step."""
        return [_mean_row(rows) for rows in zip(*(run.rows for run in self.runs), strict=True)]

    @property
    def matrix(self) -> list[list[float]]:
        """Share of right answers: a row for each step, a column for each context."""
        return [_means(rows) for rows in zip(*(run.matrix for run in self.runs), strict=True)]

    @property
    def right(self) -> list[list[float]]:
        """For each context how often its questions were answered right after the last step."""
        return [_means(flags) for flags in zip(*(run.right for run in self.runs), strict=True)]

    @property
    def f1_last(self) -> list[list[float | None]]:
        """Likewise token F1; ``None`` for a question without whole answers."""
        every = zip(*(run.f1_last for run in self.runs), strict=True)
        return [[_mean(values) for values in zip(*found, strict=True)] for found in every]

    @property
    def peak_bytes(self) -> int:
        """Most memory of a step."""
        return max(run.peak_bytes for run in self.runs)

    @property
    def figures(self) -> dict[str, list[tuple[str, float]]]:
        """As ``Run.figures``, each question with its mean.

        Of ``retention`` it is the mean over the runs in which it was right just after its own step.
        """
        found = [run.figures for run in self.runs]
        means = {
            name: [_pair_mean(pairs) for pairs in zip(*(figures[name] for figures in found), strict=True)]
            for name in found[0]
            if name != _SOME
        }
        kept = self._kept()
        return {**means, **({_SOME: kept} if kept else {})}

    def _kept(self) -> list[tuple[str, float]]:
        first = self.runs[0]
        found = []
        for at in range(len(first.steps) - 1):
            for seen in zip(*(run.kept(at) for run in self.runs), strict=True):
                now = [float(flag) for was, flag in seen if was]
                found += [(first.conversations[at].id, statistics.fmean(now))] if now else []
        return found

    @property
    def intervals(self) -> dict[str, Interval]:
        """The figures with their 95 % intervals; contexts are drawn, and questions within each."""
        return with_intervals(self.figures)

    @property
    def summary(self) -> dict[str, float]:
        """As ``Run.summary``, over all runs: the means of ``figures``, the largest drift, and the ratio of sums."""
        every = [run.summary for run in self.runs]
        found = {name: statistics.fmean(value for _, value in values) for name, values in self.figures.items()}
        just, last = (sum(parts) for parts in zip(*(run.earlier for run in self.runs), strict=True))
        found |= {"ratio": last / just} if just else {}
        for name in ("leaks_before", "leaks", "seconds"):
            if name in every[0]:
                found[name] = statistics.fmean(summary[name] for summary in every)
        drifts = [summary["drift_max"] for summary in every if "drift_max" in summary]
        return {**found, **({"drift_max": max(drifts)} if drifts else {})}


def as_one(runs: Sequence[Run]) -> Run | Seeds:
    """Runs with other seeds as one.

    Args:
        runs: At least one.

    Returns:
        The run itself where there is one alone.
    """
    return runs[0] if len(runs) == 1 else Seeds(runs=tuple(runs))


def _mean_row(rows: Sequence[Row]) -> Row:
    return Row(
        learned=rows[0].learned,
        held=statistics.fmean(row.held for row in rows),
        lost=statistics.fmean(row.lost for row in rows),
        drift=_mean([row.drift for row in rows]),
        seconds=statistics.fmean(row.seconds for row in rows),
    )


def _means(rows: Sequence[Sequence[float]]) -> list[float]:
    return [statistics.fmean(values) for values in zip(*rows, strict=True)]


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean of what was measured; ``None`` where nothing was."""
    there = [value for value in values if value is not None]
    return statistics.fmean(there) if there else None


def _pair_mean(pairs: Sequence[tuple[str, float]]) -> tuple[str, float]:
    return pairs[0][0], statistics.fmean(value for _, value in pairs)
