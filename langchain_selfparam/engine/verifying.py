"""Verifying: how much of a change may be served, and which turns are held then.

In come a delta and what it was learned from, out go the delta, shrunk to what may be served, and the verdict on it. The
served module is only read; a candidate is another module, served to nobody.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from langchain_selfparam.config import VerifyConfig
from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.packing import Document
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.teacher import TeacherTargets
from langchain_selfparam.engine.again import look_back
from langchain_selfparam.engine.stages import of_stage
from langchain_selfparam.model import LocalModel, share
from langchain_selfparam.protocols import Progress
from langchain_selfparam.records import Episode, Probe, ProbeResult, TargetSet, Turn, Verdict
from langchain_selfparam.serving.batch import BatchGenerator
from langchain_selfparam.serving.gate import Gate
from langchain_selfparam.verify import drift, recall
from langchain_selfparam.verify.verdict import judge, neighbours_wrong, obeyed
from langchain_selfparam.weights.delta import Delta


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Verifier:
    """Tries candidates for one episode.

    Attributes:
        local: The served model.
        gate: Its gate.
        head: Its head.
        candidate: Gives a module that a delta would make of the served one, served to nobody.
        episode: The turns.
        targets: What was learned of them.
        empty: Ids of turns that say nothing to be held.
        earlier: What the served version and those before it were learned from.
        held: The turns that the served version holds.
        unrelated: Prompts by which drift is seen.
        said: What the untouched model says to them.
        config: Limits; that on drift is the one for this episode.
        progress: Told of the stages ``probes`` and ``again``.
    """

    local: LocalModel
    gate: Gate
    head: Head
    candidate: Callable[[Delta], Any]
    episode: Episode
    targets: TargetSet
    empty: frozenset[int]
    earlier: Sequence[TargetSet]
    held: Sequence[Turn]
    unrelated: Sequence[Document]
    said: TeacherTargets
    config: VerifyConfig
    progress: Progress

    def verify(self, delta: Delta) -> tuple[Delta, Verdict]:
        """Find how much of a change may be served: it is shrunk until drift and what is about others are within limits.

        Args:
            delta: The whole change.

        Returns:
            What is left of it, and the verdict on that.
        """
        config = self.config
        asked = self._askable()
        shrunk = 0
        while True:
            tried = delta.scaled(config.shrink**shrunk) if shrunk else delta
            model = self.candidate(tried)
            moved = drift.token_kl(Reader(share(model)), self.head, self.unrelated, self.said)
            last = shrunk == config.max_shrinks
            if moved <= config.max_drift or last:
                results = recall.ask(asked, self._generator(model, "probes"), max_tokens=config.answer_tokens)
                if last or (neighbours_wrong(results) <= config.max_neighbours_wrong and not obeyed(results)):
                    break
            shrunk = min(config.max_shrinks, shrunk + drift.shrinks(moved, config))
        scale = config.shrink**shrunk
        verdict = judge(self.episode, results, drift=moved, scale=scale, empty=self.empty, config=config)
        verdict = look_back(
            verdict,
            self.targets,
            earlier=self.earlier,
            held=[turn.id for turn in self.held],
            candidate=self._generator(model, "again"),
            served=BatchGenerator(self.local, self.gate, progress=of_stage(self.progress, "again")),
            config=config,
        )
        return tried, verdict

    def _generator(self, model: Any, stage: str) -> BatchGenerator:
        return BatchGenerator(self.local, None, model=model, progress=of_stage(self.progress, stage))

    def _askable(self) -> list[Probe]:
        """Recall probes, and those about other things or orders that the served weights pass.

        What fails already is no doing of the candidate: a common word that is also a name in the conversation, or what
        an earlier consolidation told.
        """
        near = [p for p in self.targets.probes if p.kind in {"neighbour", "order"}]
        served = BatchGenerator(self.local, self.gate)
        before: Sequence[ProbeResult] = recall.ask(near, served, max_tokens=self.config.answer_tokens) if near else []
        return [p for p in self.targets.probes if p.kind == "recall"] + [r.probe for r in before if r.passed]
