"""What ``selfparam bench --serving`` measures is there, and is what it says."""

import dataclasses

from langchain_selfparam.bench import serving
from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.testing import tiny_model


def test_every_figure_is_measured(tmp_path, monkeypatch):
    quick = dataclasses.replace(
        serving._SETTINGS,
        training=TrainingConfig(epochs=1, rank=2, patience=0.01),
        targets=dataclasses.replace(serving._SETTINGS.targets, neutral=2, contrast=2, alike=0, calibration=0),
    )
    monkeypatch.setattr(serving, "_SETTINGS", quick)
    said = []
    found = serving.run(tiny_model(), tmp_path, turns=20, namespaces=6, active=2, say=said.append)
    assert len(said) == 4
    assert (found.turns, found.namespaces, found.active) == (20, 6, 2)
    for name in ("idle", "learning", "learned", "pause", "save", "save_p99", "load", "tokens", "adapters"):
        assert getattr(found, name) > 0, name
    assert found.ratio == found.learning / found.idle
    assert found.save <= found.save_p99
    text = serving.text(found)
    assert "saving a turn, 20 in the journal" in text
    assert "6 namespaces, 2 adapters in memory" in text
