"""Namespaces trained in one row: each gets what it would get alone, and only its own trouble."""

import gc
import weakref

import pytest
import torch
from engine_home import ANA, SETTINGS, author, with_

from langchain_selfparam.distill.student import Course
from langchain_selfparam.engine import batch, lessons
from langchain_selfparam.engine.batch import consolidate_all
from langchain_selfparam.engine.limits import Limits
from langchain_selfparam.engine.space import Space
from langchain_selfparam.engine.spaces import Spaces
from langchain_selfparam.errors import ConfigError, FolderError, NonFiniteLossError
from langchain_selfparam.records import TurnState
from langchain_selfparam.testing import tiny_model
from langchain_selfparam.weights.files import read_delta

BOB, CY = ("memories", "bob"), ("memories", "cy")
SAID = {
    ANA: ["My dog is called Biscuit.", "My sister Ana lives in Lisbon."],
    BOB: ["My sister Clara lives in Porto.", "I work as a baker in Faro.", "My dog is called Rex."],
    CY: ["My cat is called Tom."],
}


@pytest.fixture
def town(tmp_path, request):
    def open_(name, settings=SETTINGS, local=None):
        local = local or tiny_model()
        spaces = Spaces.open(
            local, path=tmp_path / name, room=1 << 30, background=False, settings=settings, generator=author()
        )
        request.addfinalizer(spaces.close)
        return spaces

    return open_


def say(spaces, said=SAID):
    for namespace, texts in said.items():
        for text in texts:
            Space(spaces, namespace).append(user=text, assistant="Noted.")
    return spaces


def run(spaces, **limits):
    return consolidate_all(spaces, limits=Limits(**limits))


def states(spaces):
    return {n: {t.state for t in spaces.turns() if t.namespace == n} for n in SAID}


def everybody(state):
    return {namespace: {state} for namespace in SAID}


def learned(spaces):
    """What each namespace's last version changes, layer by layer."""
    found = {}
    for version in spaces.versions():
        if version.id:
            file = spaces.folder / "deltas" / version.delta_file
            delta = read_delta(file, sha256=version.delta_sha256, version=version.id)
            found[version.namespace] = {name: f.b @ f.a for name, f in delta.layers.items()}
    return found


@pytest.fixture
def groups(monkeypatch):
    """How many were trained in each row."""
    seen, real = [], lessons.together

    def together(trainings):
        seen.append(len(trainings))
        return real(trainings)

    monkeypatch.setattr(batch, "together", together)
    return seen


def test_each_learns_what_it_learns_alone_also_the_second_time(town, groups):
    alone, beside = town("alone"), town("beside")
    more = {ANA: ["My car is called Mango."], CY: ["I play the cello on Sundays."]}
    for said in (SAID, more):
        say(alone, said)
        say(beside, said)
        one_by_one, together = run(alone), run(beside, concurrency=3)
        assert together.held == one_by_one.held
        wanted, found = learned(alone), learned(beside)
        assert found.keys() == wanted.keys() == set(SAID)
        for namespace, layers in wanted.items():
            for name, change in layers.items():
                assert float((found[namespace][name] - change).norm()) <= 1e-3 * float(change.norm()), name
    assert groups == [1, 1, 1, 3, 1, 1, 2]
    assert states(beside) == everybody(TurnState.HELD)


def test_in_half_precision_too_each_learns_what_it_learns_alone(town):
    alone, beside = (say(town(name, local=half())) for name in ("alone", "beside"))
    run(alone)
    run(beside, concurrency=3)
    wanted, found = learned(alone), learned(beside)
    for namespace, layers in wanted.items():
        apart = sum(float((found[namespace][name] - change).norm()) ** 2 for name, change in layers.items())
        assert apart <= 0.05**2 * sum(float(change.norm()) ** 2 for change in layers.values())


def half():
    local = tiny_model()
    local.model.to(torch.bfloat16)
    return local


def test_groups_are_no_larger_than_asked_and_fair(town, groups):
    report = run(say(town("memory", with_(policy={"every_turns": None, "max_turns": 2}))), concurrency=2)
    assert groups == [2, 1, 1]  # Ana and Bob, Cy, and what is left of Bob
    assert list(report.reports) == [ANA, BOB, CY]
    assert (report.left, report.failed, report.ended) == ({}, {}, "done")


@pytest.fixture
def breaking(monkeypatch):
    """Courses, counted from 0 in the order of their first steps, whose loss is made to break."""
    real, courses, broken = Course.step, [], set()

    def step(course):
        if course not in courses:
            courses.append(course)
        if courses.index(course) in broken:
            raise NonFiniteLossError("loss is nan")
        real(course)

    monkeypatch.setattr(Course, "step", step)
    return broken


def test_one_whose_loss_breaks_is_learned_again_alone_and_keeps_nobody(town, breaking, groups, caplog):
    breaking |= {1}
    spaces = say(town("memory"))
    report = run(spaces, concurrency=3)
    assert groups == [3, 1]
    assert (report.failed, states(spaces)) == ({}, everybody(TurnState.HELD))
    assert {t.attempts for t in spaces.turns()} == {0}
    assert "memories/bob is learned again, with fewer beside it: NonFiniteLossError('loss is nan')" in caplog.text


def test_where_it_breaks_alone_too_it_is_that_ones_error(town, breaking, groups):
    breaking |= {1, 3}
    spaces = say(town("memory"))
    report = run(spaces, concurrency=3)
    assert report.failed == {BOB: "NonFiniteLossError: loss is nan"}
    assert states(spaces) == {**everybody(TurnState.HELD), BOB: {TurnState.PENDING}}
    assert {t.attempts for t in spaces.turns() if t.namespace == BOB} == {1}
    assert set(run(spaces, concurrency=3).reports) == {BOB}


@pytest.mark.parametrize(("enough_for", "held"), [(1, True), (0, False)])
def test_where_memory_is_too_small_for_all_each_is_learned_alone(town, monkeypatch, enough_for, held):
    spaces, real, courses = say(town("memory")), lessons.together, []

    def together(trainings):
        gc.collect()
        assert [ref() for ref in courses if ref() is not None] == []  # nothing of those before is kept
        courses.extend([weakref.ref(training.course) for training in trainings])
        if len(trainings) > enough_for:
            raise MemoryError("no room for 9 GB")
        return real(trainings)

    monkeypatch.setattr(batch, "together", together)
    report = run(spaces, concurrency=3)
    assert states(spaces) == everybody(TurnState.HELD if held else TurnState.PENDING)
    assert {t.attempts for t in spaces.turns()} == {0 if held else 1}
    assert set(report.failed) == (set() if held else set(SAID))
    assert all(text.startswith("OutOfMemoryError: learning ") for text in report.failed.values())
    assert len(courses) == 6


def test_one_that_cannot_be_opened_does_not_keep_the_others(town, monkeypatch):
    spaces, real = say(town("memory")), Spaces.learning

    def learning(self, namespace):
        if namespace == ANA:
            raise FolderError("the delta file is missing")
        return real(self, namespace)

    monkeypatch.setattr(Spaces, "learning", learning)
    report = run(spaces, concurrency=2)
    assert report.failed == {ANA: "FolderError: the delta file is missing"}
    assert states(spaces) == {**everybody(TurnState.HELD), ANA: {TurnState.PENDING}}
    assert report.left == {ANA: 2}


def test_a_group_does_not_grow_beyond_budget_and_time(town, groups, clock):
    spaces = say(town("memory"))
    report = run(spaces, concurrency=3, max_tokens=1)
    assert (groups, report.ended, set(report.left)) == ([1], "budget", {BOB, CY})
    slow, groups[:] = town("slow"), []
    say(slow)

    def heard(stage, done, total):
        if stage == "targets" and done == total:
            clock.seconds += 2.1

    consolidate_all(slow, limits=Limits(concurrency=3, deadline=6.0), progress=heard)
    assert groups[0] == 1  # Ana's targets took a third of the time


def test_a_group_does_not_grow_where_the_next_ones_beginning_would_leave_no_time(town, groups, clock):
    spaces = say(town("memory"))

    def heard(stage, done, total):
        if stage == "targets" and done == total:
            clock.seconds += 1.5

    consolidate_all(spaces, limits=Limits(concurrency=3, deadline=6.0), progress=heard)
    assert groups[0] == 1  # a quarter of the time is over, and with the next one half would be


@pytest.mark.parametrize(("stage", "at"), [("targets", 5), ("student", 5), ("probes", 1)])
def test_a_stop_leaves_everybody_pending_and_untried_but_who_was_kept(town, stage, at):
    spaces = say(town("memory"))
    told = []

    def heard(stage, done, total):
        told.append(stage)

    report = consolidate_all(
        spaces, limits=Limits(concurrency=3, stopping=lambda: told.count(stage) > at), progress=heard
    )
    assert report.ended == "stopped"
    kept = {n for n, found in states(spaces).items() if found == {TurnState.HELD}}
    assert kept == set(report.reports)
    assert not kept or stage == "probes"
    assert {t.attempts for t in spaces.turns() if t.namespace not in kept} == {0}
    rest = run(spaces, concurrency=3)
    assert set(rest.reports) == set(SAID) - kept
    assert states(spaces) == everybody(TurnState.HELD)


def test_an_interrupt_loses_and_blames_nobody(town, monkeypatch):
    spaces, real, steps = say(town("memory")), Course.step, []

    def step(course):
        steps.append(course)
        if len(steps) == 5:
            raise KeyboardInterrupt
        real(course)

    monkeypatch.setattr(Course, "step", step)
    with pytest.raises(KeyboardInterrupt):
        run(spaces, concurrency=3)
    assert states(spaces) == everybody(TurnState.PENDING)
    assert {t.attempts for t in spaces.turns()} == {0}
    monkeypatch.setattr(Course, "step", real)
    run(spaces, concurrency=3)
    assert states(spaces) == everybody(TurnState.HELD)


@pytest.mark.parametrize("value", [0, -1, 1.5])
def test_concurrency_is_a_number_of_namespaces(value):
    with pytest.raises(ConfigError, match=r"concurrency is .*; it has to be a whole number of namespaces, 1 or more"):
        Limits(concurrency=value)


def test_the_base_and_other_peoples_answers_stay(town):
    spaces = say(town("memory"))
    base = {n: t.clone() for n, t in spaces._local.model.state_dict().items()}
    dan = ("memories", "dan")
    ids = torch.arange(2, 12)[None]

    @torch.no_grad()
    def answer(namespace):
        return spaces.served(namespace)[0](input_ids=ids).logits

    before = answer(dan)
    run(spaces, concurrency=3)
    assert torch.equal(answer(dan), before)
    answers = [answer(namespace) for namespace in SAID]
    assert all(torch.equal(t, base[n]) for n, t in spaces._local.model.state_dict().items())
    assert not any(torch.equal(a, b) for at, a in enumerate(answers) for b in answers[:at])
