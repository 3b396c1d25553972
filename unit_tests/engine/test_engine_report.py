"""Reports of several episodes become one, and records become JSON."""

import dataclasses
import json

import pytest

from langchain_selfparam.engine.report import as_text, combined, nothing_done, target_set, wordless
from langchain_selfparam.records import ConsolidationReport, Probe, ProbeResult, TargetSet, TrainPoint


def probe(kind, passed):
    return ProbeResult(probe=Probe(kind=kind, prompt="?"), answer="", passed=passed)


ONE = ConsolidationReport(
    version=4,
    held=(1, 2),
    pending=(3,),
    recall=0.75,
    drift=0.01,
    neighbours_wrong=0.5,
    seconds={"targets": 1.0, "total": 4.0},
    tokens_saved=20,
    targets=9,
    scale=1.0,
    kl_first=2.0,
    kl_last=0.3,
    reasons=("turn 3 is not held",),
    curve=(TrainPoint(step=1, kl=2.0, lr=1e-3),),
    probes=(*[probe("recall", True)] * 3, probe("recall", False), probe("neighbour", False), probe("neighbour", True)),
)
OTHER = dataclasses.replace(
    ONE,
    version=None,
    held=(),
    pending=(4,),
    recall=0.0,
    drift=0.2,
    neighbours_wrong=0.0,
    seconds={"targets": 2.0, "commit": 0.5, "total": 5.0},
    tokens_saved=0,
    targets=5,
    scale=0.64,
    kl_first=1.0,
    kl_last=0.5,
    reasons=("drift is 0.2",),
    curve=(TrainPoint(step=1, kl=1.0, lr=1e-3),),
    probes=(probe("recall", False), *[probe("neighbour", True)] * 2),
)


def test_one_report_is_itself():
    assert combined([ONE]) is ONE


def test_several_are_summed_weighted_or_the_worst():
    both = combined([ONE, OTHER])
    assert (both.version, both.held, both.pending) == (4, (1, 2), (3, 4))
    assert both.recall == pytest.approx(3 / 5)
    assert both.neighbours_wrong == pytest.approx(1 / 4)
    assert (both.drift, both.scale, both.kl_first, both.kl_last) == (0.2, 0.64, 2.0, 0.5)
    assert both.seconds == {"targets": 3.0, "commit": 0.5, "total": 9.0}
    assert (both.tokens_saved, both.targets) == (20, 14)
    assert both.reasons == ("turn 3 is not held", "drift is 0.2")
    assert both.curve == (*ONE.curve, *OTHER.curve)
    assert both.probes == (*ONE.probes, *OTHER.probes)
    assert both.committed


@pytest.mark.parametrize(("versions", "last"), [((4, 7, None), 7), ((None, None), None), ((None, 2), 2)])
def test_the_last_version_that_was_committed(versions, last):
    found = combined([dataclasses.replace(ONE, version=version) for version in versions])
    assert (found.version, found.committed) == (last, last is not None)


def test_no_probes_no_shares():
    bare = dataclasses.replace(ONE, probes=())
    assert (combined([bare, bare]).recall, combined([bare, bare]).neighbours_wrong) == (0.0, 0.0)


def test_a_report_without_words_keeps_its_figures():
    told = dataclasses.replace(ONE, missing={3: ("biscuit",)})
    bare = wordless(told)
    assert (bare.probes, bare.missing, bare.reasons) == ((), {}, ())
    assert dataclasses.replace(bare, probes=ONE.probes, reasons=ONE.reasons) == ONE


def test_nothing_done_says_why():
    found = nothing_done("no turn is pending")
    assert (found.version, found.held, found.pending, found.reasons) == (None, (), (), ("no turn is pending",))
    assert (found.targets, found.tokens_saved, found.scale, found.committed) == (0, 0, 1.0, False)


def test_json_keeps_every_letter():
    targets = TargetSet(
        statements=(), sentences=(), probes=(Probe(kind="recall", prompt="Grüße?", expected=("köln",)),)
    )
    text = as_text(targets)
    assert "Grüße" in text
    probe = {"kind": "recall", "prompt": "Grüße?", "expected": ["köln"], "turn_id": None, "opening": "", "told": ""}
    row = json.loads(text)
    assert row["probes"] == [{**probe, "names": [], "denied": [], "statement": None}]
    assert target_set(text) == targets
    row["probes"] = [probe]  # of an earlier version
    assert target_set(json.dumps(row)) == targets


def test_what_one_episode_lost_and_another_held_is_held_and_the_other_way_round():
    lost = dataclasses.replace(ONE, held=(8,), lost=(1, 7), asked_again=(1, 2, 7))
    both = combined([ONE, lost])
    assert (both.held, both.lost, both.asked_again) == ((2, 8), (1, 7), (1, 2, 7))
    last = dataclasses.replace(ONE, held=(7,), lost=(), asked_again=(2, 9))
    every = combined([ONE, lost, last])
    assert (every.held, every.lost, every.asked_again) == ((2, 8, 7), (1,), (1, 2, 7, 9))
