"""A memory folder with a tiny served model: say, learn, look."""

import contextlib
import shutil
from datetime import datetime, timezone

import pytest
import torch
from engine_home import Home

from langchain_selfparam.engine import batch
from langchain_selfparam.engine import commit as door
from langchain_selfparam.engine.forget import forget
from langchain_selfparam.records import Episode
from langchain_selfparam.serving.gate import gate_for
from langchain_selfparam.store import Store
from langchain_selfparam.testing import tiny_model
from langchain_selfparam.weights.delta import Delta, Factors
from langchain_selfparam.weights.merge import ExactWeights, digest

NOW = datetime(2025, 3, 1, 12, 0, tzinfo=timezone.utc)
ANA = ("memories", "ana")


class House:
    """One process's view of a memory folder; opening it serves what the ledger says."""

    def __init__(self, folder):
        self.model = tiny_model().model.to(torch.bfloat16)
        self.exact, self.gate = ExactWeights(self.model), gate_for(self.model)
        self.store = Store.open(folder, base_model="tiny", base_fingerprint="f" * 64)
        self.served = door.open_weights(self.store, created_at=NOW, **self.rooms)

    @property
    def rooms(self):
        return {"exact": self.exact, "model": self.model, "gate": self.gate}

    def say(self, *texts):
        return [
            self.store.turns.append(namespace=ANA, thread="t", user=t, assistant=f"re {t}", created_at=NOW)
            for t in texts
        ]

    def lease(self, turns):
        episode = Episode(namespace=ANA, turns=tuple(turns))
        return self.store.jobs.lease(episode, owner="host:1:x", now=NOW, lease_seconds=60)

    def delta(self, seed):
        generator = torch.Generator().manual_seed(seed)
        shapes = {name: weight.shape for name, weight in self.exact.base.items()}
        return Delta(
            {
                name: Factors(
                    b=torch.randn(d_out, 2, generator=generator) * 0.05,
                    a=torch.randn(2, d_in, generator=generator),
                )
                for name, (d_out, d_in) in shapes.items()
            }
        )

    def commit(self, job, held, seed=1, **changes):
        values = {"delta": self.delta(seed), "report": {"recall": 1.0}, "created_at": NOW, **changes}
        return door.commit(self.store, job=job, held_ids=held, **self.rooms, **values)

    def learn(self, *texts, missed=(), seed=None):
        """Consolidate new turns; those in ``missed`` are trained on and not held."""
        held, missed = self.say(*texts), self.say(*missed)
        job = self.lease([*held, *missed])
        return self.commit(job, [t.id for t in held], seed=job.id if seed is None else seed)

    def rollback(self, version):
        return door.rollback(self.store, version, created_at=NOW, **self.rooms)

    def forget(self, *ids):
        return forget(self.store, ids, created_at=NOW, **self.rooms)

    @property
    def head(self):
        return self.store.versions.head()

    @property
    def states(self):
        return {turn.user: str(turn.state) for turn in self.store.turns.list()}

    @property
    def files(self):
        return sorted(path.name for path in self.store.deltas.iterdir())

    @property
    def path_of(self):
        return {v.id: self.store.deltas / v.delta_file for v in self.store.versions.list() if v.delta_file}

    def everything(self):
        return {name: tensor.clone() for name, tensor in self.model.state_dict().items()}

    def is_consistent(self):
        """Served weights are the head's to the bit, and each file is a version's."""
        named = sorted(v.delta_file for v in self.store.versions.list() if v.delta_file)
        return digest(self.exact.served(self.model)) == self.head.weights_sha256 and self.files == named

    def snapshot(self):
        """What must not differ after a failure."""
        rows = (self.store.turns.list(), self.store.versions.list(), self.store.versions.events())
        return (*rows, self.files, digest(self.exact.served(self.model)))


class Clock:
    """The time that a run goes by: a machine may take longer over a stage than any limit."""

    def __init__(self):
        self.seconds = 0.0

    def monotonic(self):
        return self.seconds


@pytest.fixture
def open_house(tmp_path):
    """``open_house(folder=…)`` opens a folder as a fresh process would."""
    with contextlib.ExitStack() as stack:

        def make(folder=tmp_path / "memory"):
            house = House(folder)
            stack.callback(house.store.close)
            return house

        yield make


@pytest.fixture
def house(open_house):
    return open_house()


@pytest.fixture
def reopen(open_house):
    def again(house):
        house.store.close()
        return open_house(house.store.folder)

    return again


@pytest.fixture
def killed_at(tmp_path):
    """``killed_at(house, name)``: keep the folder as a kill -9 at this instant would leave it."""

    def keep(house, name):
        return shutil.copytree(house.store.folder, tmp_path / f"killed-{name}")

    return keep


@pytest.fixture
def home(tmp_path):
    with contextlib.ExitStack() as undo:
        yield Home(tmp_path / "memory", undo)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(batch, "time", clock)
    return clock
