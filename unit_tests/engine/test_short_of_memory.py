"""Memory that runs out: who is blamed where several lessons are open, and what an error that is kept still holds."""

import gc
import traceback
import weakref

import pytest
from engine_home import ANA, DOG, Quick, say, states
from engine_town import BOB, CY, Town, run
from engine_town import say as tell

from langchain_selfparam.engine import batch
from langchain_selfparam.engine.lessons import Training
from langchain_selfparam.engine.room import let_go
from langchain_selfparam.errors import NonFiniteLossError
from langchain_selfparam.records import TurnState


class Big:
    """Stands for the tensors of a training."""


class Beside:
    """Lessons that want a training, which takes no time, and the rows in which they are trained."""

    def __init__(self):
        self.open, self.begun, self.rows = [], [], []
        self.begins = lambda name: None
        """Called before the training of each; may raise."""
        self.trains = lambda trainings: None
        """Called with each row; may say what comes of each, or raise."""
        self.breaks = lambda: None
        """Called where an error comes into a lesson from its row."""

    def together(self, trainings):
        self.rows.append(len(trainings))
        return self.trains(trainings) or [None] * len(trainings)


@pytest.fixture
def town(tmp_path, monkeypatch, request):
    return Town(tmp_path / "memory", monkeypatch, request.addfinalizer)


@pytest.fixture
def everybody(town):
    """Spaces in which three have said one thing each."""
    spaces = town.open()
    for namespace in (ANA, BOB, CY):
        tell(spaces, namespace, f"{namespace[-1]} said")
    return spaces


@pytest.fixture
def beside(monkeypatch):
    found = Beside()

    def lesson(quick, episode, **options):
        name = episode.namespace[-1]
        found.open.append(name)
        found.begun.append(name)
        try:
            found.begins(name)
            try:
                yield Training(course=Big(), shadow=None)
            except BaseException:
                found.breaks()
                raise
            return quick.learn(episode, **options)
        finally:
            found.open.remove(name)

    monkeypatch.setattr(Quick, "lesson", lesson)
    monkeypatch.setattr(batch, "together", found.together)
    return found


@pytest.fixture
def made(monkeypatch):
    """What learners have in memory while they learn."""
    refs, real = [], Quick.learn

    def learn(self, episode, **options):
        big = Big()
        refs.append(weakref.ref(big))
        return real(self, episode, **options)

    monkeypatch.setattr(Quick, "learn", learn)
    return refs


def alive(refs):
    gc.collect()
    return [ref for ref in refs if ref() is not None]


def full(*_):
    raise MemoryError("out of memory")


def attempts(spaces):
    return {turn.namespace: turn.attempts for turn in spaces.turns()}


def held(spaces):
    return {turn.namespace for turn in spaces.turns() if turn.state is TurnState.HELD}


def test_one_that_is_sent_back_for_others_keeps_its_whole_episode(town, beside):
    spaces = town.open()
    for namespace in (ANA, BOB, CY):
        tell(spaces, namespace, "one", "two")
    beside.trains = lambda trainings: full() if len(trainings) > 1 else None
    report = run(spaces, concurrency=3)
    assert town.learned == [("ana", 2), ("bob", 2), ("cy", 2)]
    assert (len(report.held), spaces.unfinished()) == (6, {})


# ---- what a kept error holds


def test_what_a_failed_training_held_is_free_as_the_next_one_begins(town, everybody, made):
    found = []

    def at(stage, said):
        if (stage, said) == ("student", ["ana said"]):
            assert len(alive(made)) == 1
            full()
        if (stage, said) == ("targets", ["bob said"]):
            found.extend(alive(made[:1]))

    town.at = at
    report = run(everybody)
    assert report.failed == {ANA: "MemoryError: out of memory"}
    assert len(made) == 3
    assert found == []


def test_what_a_stopped_training_held_is_free_after_the_run(town, everybody, made):
    stages = []
    town.at = lambda stage, said: stages.append(stage)
    report = run(everybody, stopping=lambda: "teacher" in stages)
    assert (report.ended, len(made)) == ("stopped", 1)
    assert alive(made) == []


def test_what_an_interrupted_consolidation_held_is_free_although_the_memory_keeps_the_error(home, made):
    engine = home.open()
    say(engine, DOG)

    def at(stage):
        raise KeyboardInterrupt

    engine.quick.at = at
    with pytest.raises(KeyboardInterrupt) as caught:
        engine.consolidate()
    assert engine.last_error is caught.value
    assert len(made) == 1
    assert alive(made) == []
    assert "in learn\n" in "".join(traceback.format_exception(caught.value))  # where it came from is still said
    assert states(engine) == {DOG: "pending"}


def test_what_was_to_be_trained_beside_each_other_is_free_as_fewer_are(everybody, beside):
    courses, found = [], []

    def trains(trainings):
        found.extend(alive(courses))
        courses.extend([weakref.ref(training.course) for training in trainings])
        if len(trainings) > 1:
            full()

    beside.trains = trains
    run(everybody, concurrency=3)
    assert beside.rows == [3, 1, 1, 1]
    assert held(everybody) == {ANA, BOB, CY}
    assert found == []


def test_what_the_steps_held_is_free_before_the_lessons_are_ended(everybody, beside):
    steps, found = [], []

    def trains(trainings):
        big = Big()
        steps.append(weakref.ref(big))
        full()

    beside.trains = trains
    beside.breaks = lambda: found.append(len(alive(steps)))
    run(everybody, concurrency=3)
    assert beside.rows == [3, 1, 1, 1]
    assert found == [0] * 6


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_what_the_steps_of_one_that_broke_held_is_free_as_the_others_are_judged(town, everybody, beside, broken):
    steps, found = [], []

    def step():
        big = Big()
        steps.append(weakref.ref(big))
        raise NonFiniteLossError("loss is nan")

    def trains(trainings):
        if len(trainings) == 1:
            return None
        try:
            step()
        except NonFiniteLossError as error:
            return [error if at == broken else None for at in range(3)]

    beside.trains = trains
    town.at = lambda stage, said: found.append(len(alive(steps))) if stage == "probes" else None
    assert run(everybody, concurrency=3).failed == {}
    assert (beside.rows, town.learned[-1][0]) == ([3, 1], beside.begun[broken])
    assert found == [0, 0, 0]


def test_frames_that_still_run_and_what_an_error_says_are_left_alone():
    def fails():
        big = Big()
        made.append(weakref.ref(big))
        try:
            full()
        except MemoryError as error:
            msg = "did not fit"
            raise RuntimeError(msg) from error

    made, mine = [], Big()
    with pytest.raises(RuntimeError) as caught:
        fails()
    error = caught.value
    error.__cause__.__context__ = error  # whoever goes from cause to cause has to come to an end
    before = traceback.format_exception(error)
    assert len(alive(made)) == 1
    let_go(error)
    assert traceback.format_exception(error) == before
    assert alive(made) == []
    assert isinstance(mine, Big)


# ---- who is blamed


@pytest.mark.parametrize("room", [1, 2])
def test_where_too_many_lessons_are_open_nobody_is_blamed_and_each_is_learned(everybody, beside, room):
    beside.begins = lambda name: full() if len(beside.open) > room else None
    report = run(everybody, concurrency=3)
    assert (report.failed, report.left, report.ended) == ({}, {}, "done")
    assert (held(everybody), attempts(everybody)) == ({ANA, BOB, CY}, dict.fromkeys((ANA, BOB, CY), 0))
    # Nobody else is begun after the one that did not fit, and that one comes again by itself.
    assert beside.begun == {1: ["ana", "bob", "cy", "bob"], 2: ["ana", "bob", "cy", "cy"]}[room]
    assert beside.rows == {1: [1, 1, 1], 2: [2, 1]}[room]
    assert everybody.last_error is None


def test_where_it_runs_out_as_one_is_judged_and_others_are_open_that_one_is_learned_again(
    town, everybody, beside, caplog
):
    town.at = lambda stage, said: full() if stage == "probes" and len(beside.open) == 3 else None
    report = run(everybody, concurrency=3)
    assert (report.failed, report.left, report.ended) == ({}, {}, "done")
    assert (held(everybody), attempts(everybody)) == ({ANA, BOB, CY}, dict.fromkeys((ANA, BOB, CY), 0))
    assert beside.rows == [3, 1]
    assert town.learned == [("bob", 1), ("cy", 1), ("ana", 1)]
    assert "memories/ana is learned again, with fewer beside it: MemoryError('out of memory')" in caplog.text


@pytest.mark.parametrize("concurrency", [1, 3])
def test_where_it_runs_out_with_nobody_beside_it_is_that_ones_trouble(everybody, beside, concurrency):
    beside.begins = lambda name: full() if name == "bob" else None
    report = run(everybody, concurrency=concurrency)
    assert (report.failed, report.left) == ({BOB: "MemoryError: out of memory"}, {BOB: 1})
    assert (held(everybody), attempts(everybody)) == ({ANA, CY}, {ANA: 0, BOB: 1, CY: 0})
    assert beside.begun.count("bob") == (1 if concurrency == 1 else 2)


def test_the_last_of_a_group_that_is_judged_has_nobody_beside_it(town, everybody, beside):
    town.at = lambda stage, said: full() if (stage, said) == ("probes", ["cy said"]) else None
    report = run(everybody, concurrency=3)
    assert (report.failed, attempts(everybody)) == ({CY: "MemoryError: out of memory"}, {ANA: 0, BOB: 0, CY: 1})
    assert beside.rows == [3]


def test_another_error_is_that_ones_trouble_whoever_is_beside_it(everybody, beside):
    def begins(name):
        if name == "bob":
            raise ValueError("no")

    beside.begins = begins
    report = run(everybody, concurrency=3)
    assert (report.failed, attempts(everybody)) == ({BOB: "ValueError: no"}, {ANA: 0, BOB: 1, CY: 0})
    assert beside.rows == [2]
