"""Namespaces whose parts have slashes: named on the command line, and told apart in what is printed."""

import argparse
from datetime import datetime, timezone

import pytest

from langchain_selfparam.cli import common, consolidate
from langchain_selfparam.cli.values import names, namespace
from langchain_selfparam.records import BatchReport, ConsolidationReport
from langchain_selfparam.store import Store

NOW = datetime(2030, 1, 2, 3, 4, tzinfo=timezone.utc)
ANA, SLASHED, SPLIT = ("memories", "org/ana"), ("memories", "a/b"), ("memories", "a", "b")
TWO = ["--namespace", '["memories", "a/b"]'], ["--namespace", '["memories", "a", "b"]']


@pytest.fixture
def town(tmp_path):
    """Turn 1 is of ("memories", "org/ana"), turn 2 of ("memories", "a/b"), turn 3 of ("memories", "a", "b")."""
    with Store.open(tmp_path / "town", base_model="x", base_fingerprint="y", isolation="namespace") as store:
        for number, who in enumerate((ANA, SLASHED, SPLIT), 1):
            said = {"user": f"I am number {number}.", "assistant": "Hi!"}
            store.turns.append(namespace=who, thread="", created_at=NOW, **said)
    return tmp_path / "town"


def test_one_part_may_have_a_slash(selfparam, town):
    code, out, err = selfparam("log", "--turns", "--folder", town, "--namespace", "memories/org/ana")
    assert code == 0, err
    assert out.split(None, 1)[1] == 'turn 1: "I am number 1."\n'
    assert "1 pending" in selfparam("status", "--folder", town, "--namespace", "memories/org/ana")[1]
    plan = selfparam("forget", 1, "--folder", town, "--namespace", "memories/org/ana")[1]
    assert 'turn 1: "I am number 1."' in plan


@pytest.mark.parametrize("command", [("log",), ("status",), ("forget", 2), ("consolidate",), ("chat",)])
def test_of_two_that_are_written_alike_one_has_to_be_said(selfparam, town, command):
    code, out, err = selfparam(*command, "--folder", town, "--namespace", "memories/a/b")
    assert (code, out) == (2, "")
    assert err == (
        f"""selfparam: in {town} 'memories/a/b' may be ["memories", "a/b"] or ["memories", "a", "b"]: """
        """say which, such as --namespace '["memories", "a/b"]'\n"""
    )


@pytest.mark.parametrize(("which", "number"), [(TWO[0], 2), (TWO[1], 3)])
def test_one_of_two_that_are_written_alike_is_named_part_by_part(selfparam, town, which, number):
    out = selfparam("log", "--turns", "--folder", town, *which)[1]
    assert out.split(None, 1)[1] == f'turn {number}: "I am number {number}."\n'


def test_those_there_are_are_told_apart(selfparam, town):
    _, _, err = selfparam("log", "--folder", town, "--namespace", "memories/org")
    there = ["memories/org/ana", '["memories", "a/b"]', '["memories", "a", "b"]']
    assert err == f"selfparam: {town} has no turn of memories/org; it has turns of {', '.join(there)}\n"
    _, _, err = selfparam("log", "--folder", town, "--namespace", '["memories", "org", "ana"]')
    assert 'has no turn of ["memories", "org", "ana"]; it has turns of ["memories", "org/ana"]' in err
    lines = selfparam("log", "--turns", "--folder", town)[1].splitlines()
    assert [line.split(None, 1)[1].partition(": ")[0] for line in lines] == there


@pytest.mark.parametrize("text", ["memories/ana", "[ana]/b", '["ana', '["ana", 1]', '["", "b"]', "[]"])
def test_what_is_no_list_of_texts_is_split_at_slashes(text):
    assert namespace(text) == tuple(text.split("/"))


def test_an_empty_part_can_be_in_no_text():
    with pytest.raises(argparse.ArgumentTypeError, match="'org//ana' has an empty part"):
        namespace("org//ana")
    assert names([("org/", "ana")]) == {("org/", "ana"): '["org/", "ana"]'}
    assert namespace('["org/", "ana"]') == ("org/", "ana")


def test_a_folder_that_is_not_there_yet_knows_nobody(tmp_path):
    assert common.meant(tmp_path, namespace("memories/a/b")) == SPLIT
    assert common.meant(tmp_path, None) is None


@pytest.fixture
def learned(monkeypatch):
    """A run that learned two of three; whose it was to learn is in ``learned``."""
    done = ConsolidationReport(
        version=1, held=(2,), pending=(), recall=0.5, drift=0.01, neighbours_wrong=0.0, seconds={"total": 2.0},
        tokens_saved=3, targets=4, scale=1.0, kl_first=1.0, kl_last=0.1, reasons=(),
    )  # fmt: skip
    asked = []

    class Memory:
        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def consolidate_all(self, whose, **options):
            asked.append(whose)
            left = {ANA: 1}
            return BatchReport(
                reports={SLASHED: done, SPLIT: done}, failed={}, left=left, ended="deadline", seconds=2.0
            )

    monkeypatch.setattr(consolidate, "open_memory", lambda args, **fields: (None, Memory()))
    return asked


def test_what_was_learned_of_each_is_said(selfparam, town, learned, as_json):
    code, out, err = selfparam("consolidate", "--all", "--folder", town)
    assert code == 0, err
    assert out.splitlines() == [
        '["memories", "a/b"]      1 held, 0 still in the prompt',
        '["memories", "a", "b"]   1 held, 0 still in the prompt',
        "2 of 2 turns held in 2 s; 1 turn is left, of memories/org/ana (the time was over)",
    ]
    found = as_json(selfparam("consolidate", "--all", "--json", "--folder", town)[1])
    assert list(found["namespaces"]) == ['["memories", "a/b"]', '["memories", "a", "b"]']
    assert found["left"] == {"memories/org/ana": 1}


def test_who_is_meant_is_learned(selfparam, town, learned):
    selfparam("consolidate", "--folder", town, "--namespace", "memories/org/ana")
    selfparam("consolidate", "--folder", town, *TWO[0])
    assert learned == [[ANA], [SLASHED]]
