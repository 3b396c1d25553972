"""Learning rates of baselines: tried on what is learned first, kept in a file, shown with the results.

In comes a way to try a rate, out goes the one with most right answers. It is chosen on the very questions that are
scored, which favours the baseline. A run that was interrupted goes on with what was tried.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_selfparam.errors import InputError, NonFiniteLossError, NoTargetsError
from langchain_selfparam.evaluation.baselines import Baseline, best_rate, drift_of
from langchain_selfparam.evaluation.tables import write_whole
from langchain_selfparam.model import LocalModel
from langchain_selfparam.records import TargetSet

DIVERGED = (FloatingPointError, NonFiniteLossError)
"""What a learning rate that is too high ends in."""
NOT_RUN = (*DIVERGED, NoTargetsError, InputError)
"""What a baseline is left out for, with the text of the error."""


class Rates:
    """The rates of one run.

    Args:
        file: Where they are kept; read where it is there.

    Raises:
        InputError: It is another file.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            self._kept: dict[str, dict[str, dict[str, Any]]] = (
                json.loads(file.read_text("utf-8")) if file.exists() else {}
            )
        except ValueError as error:
            msg = f"{file} is not what an evaluation keeps ({error}); give another --out folder"
            raise InputError(msg) from error

    @property
    def values(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        """By variant and baseline: ``rate``, ``tried`` (share of right answers), ``diverged``, ``chosen_on``."""
        return self._kept

    def choose(
        self,
        baseline: Baseline,
        attempt: Callable[[float], float],
        *,
        on: str,
        variant: str = "",
        more: Callable[[], bool] = lambda: True,
    ) -> float | None:
        """The rate of a baseline; where none is kept they are tried, as far as ``untried`` goes, and the best is kept.

        Args:
            baseline: Which one.
            attempt: Learns with a rate and gives the share of right answers.
            on: What they are tried on, for people.
            variant: Settings that the run is repeated with.
            more: Asked before each; ``False`` ends the search there.

        Returns:
            The rate, of several that are as good the lowest; ``None`` where the search has not come to its end.

        Raises:
            FloatingPointError: None of them could be learned with.
        """
        kept = self._kept.setdefault(variant, {}).setdefault(baseline.name, {})
        if "rate" in kept:
            return float(kept["rate"])
        if len(baseline.rates) == 1:
            kept |= {"rate": baseline.rates[0], "tried": {}, "chosen_on": "nothing: the recipe has one rate"}
            self._write()
            return baseline.rates[0]
        if kept.get("chosen_on") != on:
            kept.clear()
            kept |= {"chosen_on": on, "tried": {}, "diverged": {}}
        while (rate := baseline.untried(_scores(kept["tried"]), [float(r) for r in kept["diverged"]])) is not None:
            if not more():
                return None
            try:
                kept["tried"][f"{rate:g}"] = attempt(rate)
            except DIVERGED as error:
                kept["tried"][f"{rate:g}"], kept["diverged"][f"{rate:g}"] = 0.0, str(error)
            self._write()
        found = _scores({rate: score for rate, score in kept["tried"].items() if rate not in kept["diverged"]})
        if not found:
            msg = f"{baseline.name} diverged with each learning rate ({', '.join(kept['diverged'])}); leave it out"
            raise FloatingPointError(msg)
        kept["rate"] = best_rate(found)
        self._write()
        return float(kept["rate"])

    def _write(self) -> None:
        write_whole(self._file, json.dumps(self._kept, indent=1, ensure_ascii=False) + "\n")


def _scores(kept: Mapping[str, float]) -> dict[float, float]:
    return {float(rate): score for rate, score in kept.items()}


def questions_of(name: str, count: int) -> str:
    """What a rate is chosen on, for people.

    Args:
        name: Of the context or contexts.
        count: How many questions it has.

    Returns:
        A phrase.
    """
    return f"{name}: the {count} questions that are scored, in the baseline's favour"


def moved_by(local: LocalModel, model: Any, taught: Sequence[TargetSet]) -> float | None:
    """The drift of a baseline, measured with the memory's own probes.

    Args:
        local: The untouched model.
        model: A twin of it with other weights.
        taught: What the memory was to learn, with its probes.

    Returns:
        Nats per answer token; ``None`` where there are no probes to measure it with.
    """
    probed = any(probe.kind == "drift" for one in taught for probe in one.probes)
    return drift_of(local, model, taught) if probed else None
