"""Growth: what one more consolidation, and opening a folder, take after many versions.

A tiny model, so that what grows is not hidden behind what does not: the real engine, store and files, and versions that
were filled in with random deltas in between. Unlike the rest of the benchmark it needs the whole installation.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path

import torch

from langchain_selfparam.config import PolicyConfig, Settings, TargetConfig, TrainingConfig, VerifyConfig
from langchain_selfparam.engine.commit import commit, open_weights
from langchain_selfparam.engine.line import compact
from langchain_selfparam.engine.pipeline import Engine
from langchain_selfparam.records import Episode
from langchain_selfparam.serving.gate import gate_for
from langchain_selfparam.store import Store
from langchain_selfparam.testing import FakeGenerator, tiny_model
from langchain_selfparam.weights.delta import Delta, Factors
from langchain_selfparam.weights.merge import ExactWeights

MARKS = (1, 10, 100, 1000)
"""Versions after which it is measured."""
_RANK = 2
_WHOSE = ("memories", "growth")
_SETTINGS = Settings(
    policy=PolicyConfig(every_turns=None),
    training=TrainingConfig(epochs=2, rank=_RANK),
    # Everything is accepted: what is measured is the way, not what a random model holds.
    verify=VerifyConfig(max_drift=100.0, hold=0.0, max_neighbours_wrong=1.0, answer_tokens=4),
    targets=TargetConfig(samples=2, neutral=2, contrast=2, contrast_tokens=2, neutral_tokens=2, calibration=0),
)
_QUESTIONS = "What is my dog called?\n- Which pet do I have?\n- Where does my sister live?\n- Who lives in Lisbon?"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """One size of the ledger.

    Attributes:
        versions: In the ledger when it was measured.
        open: Median seconds of opening the folder.
        consolidate: Median seconds of learning one more conversation of two turns.
        save: Median seconds of saving a turn.
        delta_bytes: Size of all delta files.
        totals_bytes: Size of the totals.
    """

    versions: int
    open: float
    consolidate: float
    save: float
    delta_bytes: int
    totals_bytes: int


def run(
    folder: Path, *, marks: Sequence[int] = MARKS, repeats: int, say: Callable[[str], None] = lambda text: None
) -> tuple[Mark, ...]:
    """Grow a memory and measure it at each mark.

    Args:
        folder: An empty folder, for the memory.
        marks: Versions after which it is measured, rising.
        repeats: Runs that the medians are of.
        say: Told of each mark before it is reached.

    Returns:
        One for each mark.
    """
    found = []
    for mark in marks:
        say(f"{mark:,} versions")
        _fill(folder, mark)
        opened, learned, saved = [], [], []
        for number in range(repeats):
            local = tiny_model()
            gate, author = gate_for(local.model), FakeGenerator([_QUESTIONS])
            started = time.perf_counter()
            engine = Engine.open(
                local, gate, path=folder, settings=_SETTINGS, namespace=_WHOSE, generator=author, background=False
            )
            opened.append(time.perf_counter() - started)
            with engine:
                for text in ("My dog is called Biscuit.", "My sister Ana lives in Lisbon."):
                    started = time.perf_counter()
                    engine.append(user=f"{text} ({number})", assistant="Noted.")
                    saved.append(time.perf_counter() - started)
                started = time.perf_counter()
                engine.consolidate()
                learned.append(time.perf_counter() - started)
        found.append(
            Mark(
                versions=mark,
                open=statistics.median(opened),
                consolidate=statistics.median(learned),
                save=statistics.median(saved),
                delta_bytes=_size(folder / "deltas"),
                totals_bytes=_size(folder / "totals"),
            )
        )
    return tuple(found)


def _fill(folder: Path, versions: int) -> None:
    """Commit random deltas until there are so many versions after the base."""
    local = tiny_model()
    exact, gate = ExactWeights(local.model), gate_for(local.model)
    rooms = {"exact": exact, "model": local.model, "gate": gate}
    with Store.open(folder, base_model=local.name, base_fingerprint=local.fingerprint()) as store:
        open_weights(store, created_at=_now(), **rooms)
        for number in range(len(store.versions.list()), versions + 1):
            turn = store.turns.append(
                namespace=_WHOSE, thread="", user=f"Turn {number}", assistant="Noted.", created_at=_now()
            )
            episode = Episode(namespace=_WHOSE, turns=(turn,))
            job = store.jobs.lease(episode, owner="bench", now=_now(), lease_seconds=600)
            delta = _random(exact, number)
            commit(store, job=job, delta=delta, held_ids=[turn.id], report={}, created_at=_now(), **rooms)
            compact(store, exact)


def _random(exact: ExactWeights, seed: int) -> Delta:
    random = torch.Generator().manual_seed(seed)
    layers = {}
    for name, weight in exact.base.items():
        d_out, d_in = weight.shape
        b = torch.randn(d_out, _RANK, generator=random) * 1e-4
        layers[name] = Factors(b=b, a=torch.randn(_RANK, d_in, generator=random))
    return Delta(layers)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _now() -> datetime:
    return datetime.now(timezone.utc)
