"""A baseline of the recommender: its learning rate is looked for, and what it learned is kept until it has been asked.

In come a baseline and the dialogues, out goes a model that has learned them. What was tried and what was learned is
kept, so that a run that ends goes on where it was, however long the training takes beside its time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from langchain_selfparam.errors import DamagedLedgerError
from langchain_selfparam.evaluation.baselines import Baseline, Lesson, best_rate, drift_of, merged, part_of
from langchain_selfparam.evaluation.injection import bar
from langchain_selfparam.evaluation.rates import DIVERGED
from langchain_selfparam.model import LocalModel
from langchain_selfparam.protocols import Progress
from langchain_selfparam.weights.delta import Delta
from langchain_selfparam.weights.files import read_delta, write_delta

_SEARCHED = 4
"""One dialogue in so many is learned to choose a learning rate, and as many others are predicted."""
_CHOSEN_ON = "a quarter of the dialogues is learned in a quarter of the steps, and the nats a token of another compared"

logger = logging.getLogger(__name__)


class Tuning:
    """A baseline's learning, as far as it has come.

    Its rate is the one with which dialogues that were not learned are predicted best. It is chosen on parts of what is
    learned: all rates on everything would take longer than the memory itself, and recall on some prompts would be told
    from chance by nobody. Where there is one alone, nothing is tried. One that diverges, be it on the whole only, is
    not tried again.

    Args:
        baseline: Which one.
        local: The untouched model.
        kept: What is kept of it, changed in place: ``rates`` with their nats a token, ``diverged`` with why,
            ``chosen_on``, and at the end ``rate``, ``steps``, ``drift`` in nats a token and the file of the ``change``.
        folder: Where the change is kept.
        write: Writes ``kept`` down.
    """

    def __init__(
        self, baseline: Baseline, local: LocalModel, kept: dict[str, Any], *, folder: Path, write: Callable[[], None]
    ) -> None:
        self._baseline, self._local, self._kept, self._folder, self._write = baseline, local, kept, folder, write
        self._rates: dict[str, float] = kept.setdefault("rates", {})
        self._diverged: dict[str, str] = kept.setdefault("diverged", {})

    def model(self, whole: Lesson, *, progress: Progress, more: Callable[[], bool]) -> Any | None:
        """A model that has learned it all.

        Args:
            whole: What to learn.
            progress: Told of the steps of each training.
            more: Asked before each; ``False`` ends it there.

        Returns:
            A twin of the untouched model; ``None`` where it was ended.

        Raises:
            FloatingPointError: It diverges with each rate.
            NoTargetsError: There is nothing to learn, or nothing to choose a rate on.
            InputError: A text is too long for the baseline.
        """
        if (change := self._found()) is not None:
            return merged(self._local.model, change)
        if len(self._baseline.rates) > 1 and not self._searched(whole, progress, more):
            return None
        while more():
            rate = self._best()
            learned = self._learned(whole, rate, progress)
            if learned is not None:
                model = merged(self._local.model, learned)
                self._keep(learned, rate, whole, model)
                return model
            self._write()
        return None

    def _searched(self, whole: Lesson, progress: Progress, more: Callable[[], bool]) -> bool:
        """Whether every rate was tried."""
        part, other = part_of(whole, every=_SEARCHED), part_of(whole, every=_SEARCHED, first=1)
        self._kept["chosen_on"] = _CHOSEN_ON
        while (rate := self._baseline.untried(self._scores(), [float(rate) for rate in self._diverged])) is not None:
            if not more():
                return False
            learned = self._learned(part, rate, progress)
            if learned is not None:
                self._rates[f"{rate:g}"] = self._baseline.unseen(merged(self._local.model, learned), other)
            self._write()
        return True

    def _best(self) -> float:
        tried = self._scores() or dict.fromkeys(self._baseline.rates, 0.0)
        left = {rate: score for rate, score in tried.items() if f"{rate:g}" not in self._diverged}
        if not left:
            what = f"{self._baseline.name} diverged with each learning rate ({', '.join(self._diverged)}); leave it out"
            raise FloatingPointError(what)
        return best_rate(left)

    def _scores(self) -> dict[float, float]:
        return {float(rate): -nats for rate, nats in self._rates.items()}

    def _learned(self, given: Lesson, rate: float, progress: Progress) -> Delta | None:
        """What learning changes; ``None``, and why, where the rate is too high."""
        told = bar(progress, f"{self._baseline.name} {rate:g}, {given.steps} steps")
        try:
            learned = self._baseline.delta(self._local.model, given, rate=rate, progress=told)
            merged(self._local.model, learned)
        except DIVERGED as error:
            self._diverged[f"{rate:g}"] = str(error)
            return None
        return learned

    def _keep(self, learned: Delta, rate: float, whole: Lesson, model: Any) -> None:
        self._folder.mkdir(exist_ok=True)
        told = {"baseline": self._baseline.name, "rate": f"{rate:g}", "model": self._local.name}
        file = write_delta(self._folder, 1, learned, metadata=told)
        drift = drift_of(self._local, model, whole.taught)
        self._kept |= {"rate": rate, "steps": whole.steps, "drift": drift, "change": file._asdict()}
        self._write()

    def _found(self) -> Delta | None:
        """What was learned before; ``None`` where nothing was, or it cannot be read."""
        if (file := self._kept.get("change")) is None:
            return None
        try:
            return read_delta(self._folder / file["name"], sha256=file["sha256"], version=1)
        except DamagedLedgerError as error:
            logger.warning("what %s learned is learned again: %s", self._baseline.name, error)
            return None
