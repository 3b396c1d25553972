"""Commands on a folder in which each namespace has weights of its own."""

import contextlib
import re
from datetime import datetime, timezone

import pytest
import torch

from langchain_selfparam.engine import commit as door
from langchain_selfparam.loading import load
from langchain_selfparam.model import share
from langchain_selfparam.records import Episode
from langchain_selfparam.serving.gate import gate_for
from langchain_selfparam.store import Database, Store, Turns
from langchain_selfparam.weights.adapter import AdapterWeights
from langchain_selfparam.weights.delta import Delta, Factors

NOW = datetime(2030, 1, 2, 3, 4, tzinfo=timezone.utc)
ANA, BEN = ("memories", "ana"), ("memories", "ben")


@pytest.fixture
def town(tmp_path, model_folder):
    """Ana's turn 1 is held by version 1, Ben's turn 2 by version 2."""
    local, path = load(model_folder), tmp_path / "town"
    opened = {"base_model": local.name, "base_fingerprint": local.fingerprint(), "isolation": "namespace"}
    with Store.open(path, **opened) as store:
        for number, who in enumerate((ANA, BEN), 1):
            model, own = share(local.model), store.of(who)
            rooms = {"exact": AdapterWeights(model), "model": model, "gate": gate_for(model)}
            door.open_weights(own, created_at=NOW, tidy=False, **rooms)
            turn = own.turns.append(namespace=who, thread="", user=f"I am {who[1]}.", assistant="Hi!", created_at=NOW)
            episode = Episode(namespace=who, turns=(turn,))
            job = own.jobs.lease(episode, owner="host:1:x", now=NOW, lease_seconds=60)
            layers = {
                name: Factors(b=torch.ones(weight.shape[0], 1) * number, a=torch.ones(1, weight.shape[1]))
                for name, weight in rooms["exact"]._weights.items()
            }
            door.commit(own, job=job, delta=Delta(layers), held_ids=[turn.id], report={}, created_at=NOW, **rooms)
    return path


def test_readers_say_whose_it_is(selfparam, town, as_json):
    _, out, _ = selfparam("status", "--folder", town)
    assert "served      2 namespaces, each its own of 2 versions" in out
    found = as_json(selfparam("status", "--folder", town, "--json")[1])
    assert (found["isolation"], found["namespaces"], found["served"]) == ("namespace", 2, None)
    turns = selfparam("log", "--turns", "--folder", town)[1].splitlines()
    assert turns == [
        'held by version 1    memories/ana: turn 1: "I am ana."',
        'held by version 2    memories/ben: turn 2: "I am ben."',
    ]
    versions = selfparam("log", "--folder", town)[1].splitlines()
    assert versions[1].endswith("memories/ana:")
    assert versions[2].endswith("memories/ben:")


def test_going_back_is_ones_own(selfparam, town, model_folder):
    code, _, err = selfparam("rollback", 0, "--folder", town, "--model", model_folder)
    assert code == 2
    assert "is everybody's; say whose weights are to be the base's with --namespace" in err
    given = ("--folder", town, "--model", model_folder, "--yes")
    code, out, _ = selfparam("rollback", 0, "--namespace", "memories/ana", *given)
    assert code == 0
    assert "Serve version 0 instead of version 1.\nPending again: turns 1. Held again: none." in out
    code, out, _ = selfparam("rollback", 1, *given)  # Ana's, as the version says
    assert (code, "Held again: turns 1" in out) == (0, True)
    assert "held by version 2    memories/ben" in selfparam("log", "--turns", "--folder", town)[1]


def test_export_and_forget_are_ones_own(selfparam, town, model_folder, tmp_path):
    given = ("--folder", town, "--model", model_folder)
    code, out, _ = selfparam("export", tmp_path / "out", "--namespace", "memories/ben", *given)
    assert code == 0
    assert "a PEFT adapter of version 2" in out
    assert selfparam("forget", 1, *given, "--yes")[0] == 0
    assert selfparam("log", "--turns", "--folder", town)[1] == 'held by version 2    turn 2: "I am ben."\n'


@pytest.mark.parametrize("command", [("chat",), ("export", "out")])
def test_somebody_is_to_be_named_before_a_model_is_loaded(selfparam, town, command):
    code, _, err = selfparam(*command, "--folder", town, "--model", "./nowhere")
    assert code == 2
    assert err == (
        f"selfparam: {town} has weights for each namespace: say whose with --namespace "
        "(it has turns of memories/ana, memories/ben)\n"
    )


@pytest.mark.parametrize("command", [("rollback", 0), ("forget", 1), ("export", "out"), ("log",), ("status",)])
def test_a_mistyped_namespace_is_refused_and_nothing_is_planned(selfparam, town, command):
    code, out, err = selfparam(*command, "--folder", town, "--namespace", "memories/anna")
    assert (code, out) == (1, "")
    assert err == f"selfparam: {town} has no turn of memories/anna; it has turns of memories/ana, memories/ben\n"


def test_of_many_namespaces_a_few_are_named(selfparam, town):
    with contextlib.closing(Database(town)) as database:
        for number in range(5):
            turn = {"thread": "", "user": "Hi", "assistant": "Hi", "created_at": NOW}
            Turns(database).append(namespace=("memories", f"u{number}"), **turn)
    _, _, err = selfparam("log", "--folder", town, "--namespace", "memories/anna")
    assert err.endswith(
        "it has turns of memories/ana, memories/ben, memories/u0, memories/u1, memories/u2 and 2 more\n"
    )


def test_somebody_elses_turn_is_not_planned_to_be_forgotten(selfparam, town):
    code, out, err = selfparam("forget", 1, 2, "--folder", town, "--namespace", "memories/ana")
    assert (code, out) == (1, "")
    assert err == (
        f"selfparam: there is no turn 2 of memories/ana; selfparam log --turns --folder {town} lists those there are\n"
    )


def test_readers_read_ones_own(selfparam, town, as_json):
    given = ("--folder", town, "--namespace", "memories/ben")
    assert selfparam("log", "--turns", *given)[1] == 'held by version 2    turn 2: "I am ben."\n'
    assert [(v["id"], v["served"]) for v in as_json(selfparam("log", "--json", *given)[1])] == [(0, False), (2, True)]
    lines = selfparam("status", *given)[1].splitlines()
    assert lines[2:4] == ["served      version 2 of 2", "turns       0 pending, 0 leased, 1 held, 0 cleared"]
    whole, found = (as_json(selfparam("status", "--json", *args)[1]) for args in (given[:2], given))
    assert found["namespaces"] == 1
    assert 0 < found["delta_bytes"] < whole["delta_bytes"]


def test_the_doctor_counts_namespaces(selfparam, town, model_folder):
    out = selfparam("doctor", "--folder", town, "--model", model_folder)[1]
    assert re.search(rf"^ok    folder       {town}: schema \d+, 2 namespaces, 2 versions$", out, re.MULTILINE)


def test_a_namespace_has_no_empty_part(selfparam, town):
    code, _, err = selfparam("rollback", 1, "--folder", town, "--namespace", "memories/")
    assert code == 2
    assert "'memories/' has an empty part" in err
