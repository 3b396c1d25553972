"""What is forgotten or rolled back while a run goes on over others: no report says it, and what waits again is left."""

import dataclasses

import pytest
from engine_home import ANA, Quick
from engine_home import say as tell
from engine_town import BOB, Town, run, say

from langchain_selfparam.engine.batch import consolidate_all
from langchain_selfparam.engine.limits import Limits
from langchain_selfparam.engine.space import Everybody, Space
from langchain_selfparam.errors import ConfigError
from langchain_selfparam.records import Probe, ProbeResult


@pytest.fixture
def town(tmp_path, monkeypatch, request):
    return Town(tmp_path / "memory", monkeypatch, request.addfinalizer)


@pytest.fixture(autouse=True)
def telling(monkeypatch):
    """Reports say what was said: asked and answered, and in part not."""
    real = Quick.learn

    def learn(self, episode, **options):
        done = real(self, episode, **options)
        results = [
            ProbeResult(probe=Probe(kind="recall", prompt="Who?", turn_id=turn.id), answer=turn.user, passed=True)
            for turn in episode.turns
        ]
        missing = {turn.id: (turn.user,) for turn in episode.turns}
        reasons = tuple(f"turn {turn.id}: in no answer: {turn.user}" for turn in episode.turns)
        verdict = dataclasses.replace(done.verdict, results=tuple(results), missing=missing, reasons=reasons)
        return dataclasses.replace(done, verdict=verdict)

    monkeypatch.setattr(Quick, "learn", learn)


@pytest.fixture
def spaces(town):
    found = town.open()
    say(found, ANA, "secret", "a2")
    say(found, BOB, "b1")
    return found


def as_bob_begins(town, act):
    """Ana's episode is done by then, and no other of hers comes."""
    town.at = lambda stage, said: act() if (stage, said) == ("targets", ["b1"]) else None


def forgetting(spaces, ways):
    everybody = Everybody(spaces, ConfigError("who?"))
    return {"by one": lambda: Space(spaces, ANA).forget([1]), "by all": lambda: everybody.forget([1])}[ways]


def test_where_nothing_is_forgotten_the_reports_have_what_was_asked(spaces):
    report = run(spaces)
    assert "secret" in repr(report.reports[ANA].probes)
    assert "secret" in repr(spaces.last_report.probes)
    assert spaces.last_report.missing == {1: ("secret",), 2: ("a2",), 3: ("b1",)}
    assert len(spaces.last_report.reasons) == 3
    assert report.left == {}


@pytest.mark.parametrize("way", ["by one", "by all"])
def test_what_is_forgotten_between_two_episodes_of_a_run_is_in_no_report(town, spaces, way):
    as_bob_begins(town, forgetting(spaces, way))
    report = run(spaces)
    assert list(report.reports) == [ANA, BOB]
    assert "secret" not in repr(report)
    assert "secret" not in repr(spaces.last_report)
    assert spaces.last_report.recall == 1.0  # what was measured stays
    assert [turn.user for turn in Space(spaces, ANA).turns()] == ["a2"]


def test_what_was_learned_with_it_and_is_pending_again_is_left(town, spaces):
    as_bob_begins(town, forgetting(spaces, "by one"))
    report = run(spaces)
    assert (report.left, report.ended) == ({ANA: 1}, "done")
    assert run(spaces).held == (2,)


def test_what_is_rolled_back_within_a_run_is_left_and_the_reports_keep_what_was_asked(town, spaces):
    as_bob_begins(town, lambda: Space(spaces, ANA).rollback(0))
    report = run(spaces)
    assert (report.left, report.ended) == ({ANA: 2}, "done")
    assert "secret" in repr(report.reports[ANA].probes)
    assert run(spaces).held == (1, 2)


def test_what_was_forgotten_before_a_run_takes_nothing_from_its_reports(spaces):
    Space(spaces, ANA).forget([1])
    report = run(spaces)
    assert report.reports[ANA].probes
    assert spaces.last_report.missing == {2: ("a2",), 3: ("b1",)}


def test_what_is_forgotten_while_one_after_the_other_is_learned_is_in_no_report(town, spaces):
    as_bob_begins(town, forgetting(spaces, "by one"))
    report = spaces.consolidate()
    assert "secret" not in repr(report)
    assert spaces.last_report is report
    assert report.recall == 1.0
    say(spaces, ANA, "a3")
    assert "a3" in repr(spaces.consolidate().probes)


def test_a_memory_of_one_says_nothing_either_of_what_is_forgotten_between_its_episodes(home):
    engine = home.open()
    tell(engine, "secret")

    def progress(stage, done, total):
        if stage == "namespaces" and engine.turns():
            engine.forget([1])

    report = consolidate_all(engine, limits=Limits(), progress=progress)
    assert report.reports
    assert "secret" not in repr(report)
    assert "secret" not in repr(engine.last_report)
