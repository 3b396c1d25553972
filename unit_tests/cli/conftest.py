"""A command line in this process, a memory folder with two versions, and learning that is scripted."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timezone

import pytest

from langchain_selfparam.cli.main import main
from langchain_selfparam.records import Episode, TrainPoint, TurnState
from langchain_selfparam.store import Store

NOW = datetime(2030, 1, 2, 3, 4, tzinfo=timezone.utc)
NAMESPACE = ("memories", "default")


@pytest.fixture
def selfparam(capsys):
    """``selfparam(*args)`` gives exit code, standard output and standard error."""

    def run(*args):
        capsys.readouterr()
        try:
            code = main([str(arg) for arg in args])
        except SystemExit as stop:
            code = stop.code
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def model_folder(tiny, tmp_path):
    """A tiny model as ``--model`` takes it."""
    folder = tmp_path / "tiny-model"
    tiny.model.save_pretrained(folder)
    tiny.tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def folder(tmp_path, model_folder):
    """A memory of the tiny model: turns 1 and 2 held by version 1, turn 3 pending."""
    import torch

    from langchain_selfparam.engine import commit as door
    from langchain_selfparam.loading import load
    from langchain_selfparam.serving.gate import gate_for
    from langchain_selfparam.weights.delta import Delta, Factors
    from langchain_selfparam.weights.merge import ExactWeights

    local, path = load(model_folder), tmp_path / "memory"
    with Store.open(path, base_model=local.name, base_fingerprint=local.fingerprint()) as store:
        rooms = {"exact": ExactWeights(local.model), "model": local.model, "gate": gate_for(local.model)}
        door.open_weights(store, created_at=NOW, **rooms)
        for user in ("My dog is called Biscuit.", "My cat is called Tom. " * 6, "I like tea."):
            store.turns.append(namespace=NAMESPACE, thread="", user=user, assistant="Nice!", created_at=NOW)
        turns = store.turns.list(states=[TurnState.PENDING])[:2]
        job = store.jobs.lease(Episode(namespace=NAMESPACE, turns=turns), owner="host:1:x", now=NOW, lease_seconds=60)
        random = torch.Generator().manual_seed(1)
        layers = {
            name: Factors(
                b=torch.randn(weight.shape[0], 2, generator=random),
                a=torch.randn(2, weight.shape[1], generator=random),
            )
            for name, weight in rooms["exact"].base.items()
        }
        report = {"recall": 0.75, "drift": 0.0123, "seconds": {"total": 96.0}}
        door.commit(
            store,
            job=job,
            delta=Delta(layers),
            held_ids=[1, 2],
            report=report,
            created_at=NOW,
            **rooms,
        )
    return path


@pytest.fixture
def as_json():
    """Standard output as JSON."""
    return json.loads


@pytest.fixture
def learned(monkeypatch):
    """``Engine.consolidate`` that says what it saw instead of learning; the turns it was asked to learn."""
    from langchain_selfparam.engine.pipeline import Engine
    from langchain_selfparam.engine.report import nothing_done

    seen = []

    def consolidate(self, *, progress=None, without=frozenset()):
        turns = self.turns()
        seen.append([turn.user for turn in self._choose(force=True).turns])
        progress("targets", 1, 1)
        points = tuple(TrainPoint(step=i, kl=1.0 / (i + 1), lr=1e-3) for i in range(5))
        ids = tuple(turn.id for turn in turns)
        return dataclasses.replace(nothing_done(""), version=1, held=ids, curve=points, reasons=())

    monkeypatch.setattr(Engine, "consolidate", consolidate)
    return seen
