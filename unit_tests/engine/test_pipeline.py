"""A memory from a turn to the weights and back: what is held, what is refused, what errors leave."""

import contextlib
import dataclasses
import errno

import pytest
import torch
from engine_home import DOG, SISTER, STAGES, assert_untouched, author, everything, same, say, states, with_

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.distill import student
from langchain_selfparam.engine import learn, verifying
from langchain_selfparam.errors import (
    ConsolidationError,
    FolderError,
    NonFiniteLossError,
    OutOfMemoryError,
)
from langchain_selfparam.records import (
    Message,
    Probe,
    ProbeResult,
    TurnState,
)
from langchain_selfparam.weights import files
from langchain_selfparam.weights.merge import digest

# ---- the whole way, with nothing left out


def test_what_is_said_is_learned_held_and_served_again(home):
    seen, generator = [], author()
    engine = home.open(quick=False, generator=generator, settings=with_(targets={"bank": TargetConfig().bank}))
    ids = say(engine, DOG, SISTER)
    base = everything(engine)
    assert [t.user for t in engine.prompt_turns()] == [DOG, SISTER]
    saved = engine.pending_tokens
    assert saved > 10
    report = engine.consolidate(progress=lambda *at: seen.append(at))
    assert report.committed
    assert (report.version, report.held, report.pending) == (1, tuple(ids), ())
    assert engine.last_report is report
    assert engine.last_error is None
    assert states(engine) == {DOG: "held", SISTER: "held"}
    assert (engine.prompt_turns(), engine.pending_tokens, report.tokens_saved) == ((), 0, saved)
    assert report.kl_first > 0
    assert report.curve
    assert report.targets > 4
    assert {p.probe.turn_id for p in report.probes if p.probe.kind == "recall"} == set(ids)
    assert report.seconds.keys() == {*STAGES, "commit", "total"}
    assert report.seconds["total"] >= sum(report.seconds[stage] for stage in STAGES)
    assert list(dict.fromkeys(stage for stage, *_ in seen)) == [*STAGES, "commit"]
    assert seen[-1] == ("commit", 1, 1)
    assert len(generator.calls) == 1
    served = everything(engine)
    assert not same(served, base)
    _, version = engine.versions()
    assert (version.turn_ids, version.is_head) == (tuple(ids), True)
    kept = version.report
    assert (kept["held"], kept["drift"], kept["recall"]) == (ids, report.drift, report.recall)
    assert kept["learned_from"] == ids
    assert "curve" not in kept
    (job,) = engine._store.jobs.list()
    assert job.state == "done"
    engine.close()
    assert same(everything(engine), base)
    again = home.open(quick=False)
    assert same(everything(again), served)
    assert states(again) == {DOG: "held", SISTER: "held"}


@pytest.mark.parametrize("error", [None, RuntimeError("broken")])
def test_room_for_logits_is_given_back_with_the_lesson(home, monkeypatch, error):
    """It is as large as the vocabulary times a few hundred tokens, and every namespace has a learner of its own."""
    engine, heads = home.open(quick=False, generator=author()), []

    def judge(*args, judged=verifying.judge, **rest):
        heads.append(engine._learner._head)
        assert heads[0]._scratch is not None
        if error is not None:
            raise error
        return judged(*args, **rest)

    monkeypatch.setattr(verifying, "judge", judge)
    say(engine, DOG)
    with pytest.raises(RuntimeError, match="broken") if error else contextlib.nullcontext():
        engine.consolidate()
    assert engine._learner._head is not heads[0]
    assert engine._learner._head._scratch is None


def test_a_second_consolidation_stands_on_the_first(home):
    engine = home.open(quick=False, generator=author())
    say(engine, DOG)
    engine.consolidate()
    first = everything(engine)
    say(engine, SISTER)
    report = engine.consolidate()
    assert (report.version, report.held) == (2, (2,))
    second = everything(engine)
    engine.rollback(1)
    assert same(everything(engine), first)
    engine.rollback(2)
    assert same(everything(engine), second)


def test_the_untouched_model_asks_and_teaches_and_the_served_one_says_what_it_holds(home, monkeypatch):
    engine, questions = home.open(quick=False), author
    base = everything(engine)
    asked, read = {}, []
    write, teach = learn.study, learn.teacher.read

    def weights(model):
        return {name: tensor.clone() for name, tensor in model.state_dict().items()}

    def study(*args, author, served, original, scorer, **rest):
        models = {"author": author._model, "original": original._model, "scorer": scorer._reader.model}
        asked.update({role: weights(model) for role, model in models.items()}, served=weights(served._model))
        return write(*args, author=questions(), served=served, original=original, scorer=scorer, **rest)

    def teacher(reader, *args, **rest):
        read.append(weights(reader.model))
        return teach(reader, *args, **rest)

    monkeypatch.setattr(learn, "study", study)
    monkeypatch.setattr(learn.teacher, "read", teacher)
    for said in (DOG, SISTER):
        say(engine, said)
        before = everything(engine)
        read.clear()
        engine.consolidate()
        assert all(same(asked[role], base) for role in ("author", "original", "scorer"))
        assert same(asked["served"], before)
        told, probes, neutral, plain = read
        assert same(told, base)
        assert same(neutral, base)
        assert same(probes, base)
        assert same(plain, before)
    assert not same(before, base)


def test_drift_beyond_the_limit_is_refused_and_nothing_changes(home):
    settings = with_(verify={"max_drift": 1e-9, "max_shrinks": 2, "shrink": 0.5})
    engine = home.open(quick=False, generator=author(), settings=settings)
    say(engine, DOG)
    before = everything(engine)
    report = engine.consolidate()
    assert (report.version, report.held, report.pending, report.tokens_saved) == (None, (), (1,), 0)
    assert not report.committed
    assert report.drift > 1e-9
    assert report.scale == 0.25
    assert "on unrelated prompts and may be 1e-09, even at 0.25 of the change" in report.reasons[0]
    assert same(everything(engine), before)
    (turn,) = engine.turns()
    assert (turn.state, turn.attempts) == (TurnState.PENDING, 1)
    assert len(engine.versions()) == 1
    assert list(engine._store.deltas.iterdir()) == []
    (job,) = engine._store.jobs.list()
    assert (job.state, job.error) == ("failed", "; ".join(report.reasons))
    assert engine.taught() == []
    (studied,) = engine.studied()
    assert {sentence.turn_id for sentence in studied.sentences if sentence.kind == "question"} == {1}


def test_limits_on_drift_follow_what_the_served_weights_have(home, monkeypatch):
    limits, steered, moved, judged, measure = [], [], [], verifying.judge, learn.drift.token_kl

    def token_kl(*args):
        moved.append(measure(*args))
        return moved[-1]

    def judge(*args, config, drift, **rest):
        limits.append(config.max_drift)
        return judged(*args, config=config, drift=drift, **rest)

    class Noting(learn.Steering):
        def __init__(self, documents, *, limit):
            steered.append(limit)
            super().__init__(documents, limit=limit)

    monkeypatch.setattr(verifying, "judge", judge)
    monkeypatch.setattr(learn, "Steering", Noting)
    monkeypatch.setattr(learn.drift, "token_kl", token_kl)
    small = {"max_drift": 1e-9, "max_shrinks": 0}
    settings = with_(training={"drift": 1e-9}, targets={"calibration": 16, "exchanges": 0})
    engine = home.open(quick=False, generator=author(), settings=settings)
    say(engine, DOG)
    first = engine.consolidate()
    assert first.committed
    assert (limits, steered) == ([10], [1e-9])
    assert moved == [first.drift]
    engine.close()
    engine = home.open(quick=False, generator=author(), settings=with_(settings, verify=small))
    say(engine, SISTER)
    engine.consolidate()
    along, after, *_ = moved[1:]  # of what is served now
    assert min(along, after) > 0
    assert (limits[1], steered[1]) == (after + 1e-9 / 2, along + 1e-9 / 2)
    engine.rollback(0)
    say(engine, "My cat is called Mog.")
    engine.consolidate()
    assert (limits[2], steered[2]) == (1e-9, 1e-9)  # nothing is served that was learned


def test_weights_that_are_full_are_left_as_they_are(home):
    settings = with_(training={"drift": None}, targets={"calibration": 16, "exchanges": 0})
    engine = home.open(quick=False, generator=author(), settings=settings)
    say(engine, DOG)
    assert engine.consolidate().committed
    engine.close()
    full = with_(settings, verify={"max_drift": 1e-9, "max_total_drift": 1e-9, "max_shrinks": 0})
    engine = home.open(quick=False, generator=author(), settings=full)
    before = everything(engine)
    say(engine, SISTER)
    report = engine.consolidate()
    assert (report.version, report.pending) == (None, (2,))
    assert "and may be 1e-09, even at 1.00 of the change: that is all that consolidations" in report.reasons[0]
    assert same(everything(engine), before)
    assert [turn.state for turn in engine.turns()] == [TurnState.HELD, TurnState.PENDING]


def test_a_candidate_that_drifts_is_scaled_down_until_it_does_not(home, tmp_path):
    settings = with_(training={"learning_rate": 0.02}, verify={"shrink": 0.5})
    free = home.open(quick=False, generator=author(), settings=settings)
    say(free, DOG)
    whole = free.consolidate()
    free.close()
    assert whole.scale == 1.0
    limit = whole.drift * 0.9
    settings = with_(settings, verify={"max_drift": limit, "max_shrinks": 9})
    engine = home.open(quick=False, generator=author(), settings=settings, path=tmp_path / "other")
    say(engine, DOG)
    report = engine.consolidate()
    assert report.committed
    assert report.scale in {0.5**n for n in range(1, 10)}
    assert 0 < report.drift <= limit
    # The delta that was kept is the whole one's, shrunk.
    one, other = (next(iter((f / "deltas").iterdir())) for f in (home.folder, tmp_path / "other"))
    left, right = (
        files.read_delta(path, sha256=version.delta_sha256, version=1)
        for path, version in ((one, _version(home.folder, 1)), (other, engine.versions()[1]))
    )
    for name, factors in right.layers.items():
        assert torch.equal(factors.a, left.layers[name].a)
        torch.testing.assert_close(factors.b, left.layers[name].b * report.scale)


@pytest.mark.parametrize(
    ("seen", "shrunk"),
    [((0.09, 0.05), 5), ((0.09, 0.051, 0.05), 6), ((0.4, 0.2), 12)],
    ids=["at once", "and one step more", "to the last"],
)
def test_it_is_shrunk_at_once_by_what_its_drift_calls_for(home, monkeypatch, seen, shrunk):
    """The drift is written: five steps of 0.95 make 0.054 of 0.09, and no number of steps in all 0.05 of 0.4."""
    looks = iter(seen)
    monkeypatch.setattr(learn.drift, "token_kl", lambda *_: next(looks))
    engine = home.open(quick=False, generator=author(), settings=with_(verify={"max_drift": 0.05}))
    say(engine, DOG)
    report = engine.consolidate()
    assert next(looks, None) is None
    assert (report.scale, report.committed) == (0.95**shrunk, shrunk < 12)


def _version(folder, number):
    from langchain_selfparam.store.database import Database
    from langchain_selfparam.store.versions import Versions

    database = Database(folder)
    try:
        return Versions(database).get(number)
    finally:
        database.close()


@pytest.mark.parametrize(("wrong_from", "scale", "committed"), [(0.6, 0.5, True), (0.2, 0.25, False)])
def test_a_candidate_that_tells_strangers_is_scaled_down_too(home, monkeypatch, wrong_from, scale, committed):
    """Neighbours are wrong above a share of the change; here that share is known, and the answers are written."""
    asked, told = [], []

    def ask(probes, generator, *, max_tokens):
        if all(p.kind == "neighbour" for p in probes):  # the served weights, which tell nothing
            return [ProbeResult(probe=p, answer="", passed=True) for p in probes]
        if not told:  # the untouched model
            told.append(True)
            return [ProbeResult(probe=p, answer="", passed=False) for p in probes]
        asked.append(0.5 ** len(asked))
        return [
            ProbeResult(probe=p, answer="", passed=p.kind == "recall" or asked[-1] < wrong_from)
            for p in [*probes, Probe(kind="neighbour", prompt="Who?", expected=("biscuit",))]
        ]

    monkeypatch.setattr("langchain_selfparam.verify.recall.ask", ask)
    settings = with_(verify={"max_neighbours_wrong": 0.1, "shrink": 0.5, "max_shrinks": 2})
    engine = home.open(quick=False, generator=author(), settings=settings)
    say(engine, DOG)
    report = engine.consolidate()
    assert (report.scale, report.committed) == (scale, committed)
    assert asked == [1.0, 0.5, 0.25][: 2 if committed else 3]
    if not committed:
        assert "questions about other things were answered with what was said, and 10% may be" in report.reasons[0]


def test_a_lease_that_an_interrupt_left_behind_is_taken_up_again(home, monkeypatch):
    engine = home.open()
    say(engine, DOG)
    lease = engine._store.jobs.lease

    def interrupted(*args, **kwargs):
        lease(*args, **kwargs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(engine._store.jobs, "lease", interrupted)
        with pytest.raises(KeyboardInterrupt):
            engine.consolidate()
    assert states(engine) == {DOG: "leased"}
    assert engine.consolidate().held == (1,)
    assert engine.turns()[0].attempts == 0


def test_a_question_that_quotes_its_passage_is_asked_in_that_place(home, monkeypatch):
    engine = home.open(quick=False, generator=author())
    write, read = learn.study, learn.teacher.read
    told, quoted = "Who sleeps?", "Who lives there?"
    prompts = []

    def study(*args, **rest):
        found = write(*args, **rest)
        sentence = next(s for s in found.sentences if s.kind == "question")
        asked = Message(role="user", text=f"Context: {SISTER}\n\nQuestion: {quoted}")
        more = [
            dataclasses.replace(sentence, prompt=told),
            dataclasses.replace(sentence, prompt=quoted, answer="Ana does.", context=(asked,)),
        ]
        return dataclasses.replace(found, sentences=(*found.sentences, *more))

    def reading(reader, head, chunks, **rest):
        prompts.extend(engine.local.tokenizer.decode(d.prompt) for chunk in chunks for d in chunk)
        return read(reader, head, chunks, **rest)

    monkeypatch.setattr(learn, "study", study)
    monkeypatch.setattr(learn.teacher, "read", reading)
    say(engine, DOG)
    engine.consolidate()
    (after,) = [p for p in prompts if told in p]
    assert "Your dog is called Biscuit." in after[: after.index(told)]  # recited before it
    (inside,) = [p for p in prompts if quoted in p]
    assert SISTER in inside
    assert "Biscuit" not in inside


def test_a_refused_turn_is_asked_about_with_another_seed(home, monkeypatch):
    settings = with_(verify={"hold": 1.0}, training={"epochs": 1, "learning_rate": 1e-9})
    engine = home.open(quick=False, generator=author(), settings=settings)
    seeds, write = [], learn.study

    def study(*args, config, **rest):
        seeds.append(config.seed)
        return write(*args, config=config, **rest)

    monkeypatch.setattr(learn, "study", study)
    say(engine, DOG)
    for _ in range(2):
        assert engine.consolidate().version is None
    assert seeds == [0, 1]


def test_turns_that_are_not_recalled_stay_pending_and_count_an_attempt(home):
    settings = with_(verify={"hold": 1.0}, training={"epochs": 1, "learning_rate": 1e-9})
    engine = home.open(quick=False, generator=author(), settings=settings)
    say(engine, DOG)
    before = everything(engine)
    report = engine.consolidate()
    assert report.reasons[0] == "no turn is held, and 0% of the probes were answered without its text; 10% would do"
    assert report.reasons[1].startswith("turn 1 is not held: 0 of its")
    assert not any(p.passed for p in report.probes if p.probe.kind == "recall")
    assert same(everything(engine), before)
    assert [(t.state, t.attempts) for t in engine.turns()] == [(TurnState.PENDING, 1)]


def test_a_loss_that_is_not_finite_leaves_everything_as_it_was(home):
    engine = home.open(quick=False, generator=author(), settings=with_(training={"learning_rate": 1e30, "epochs": 3}))
    say(engine, DOG)
    before = everything(engine)
    with pytest.raises(NonFiniteLossError, match=r"Lower learning_rate \(now 1e\+30\)") as caught:
        engine.consolidate()
    assert_untouched(engine, before, caught.value, attempts=1)


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (MemoryError("no room for 3 GB"), "no room for 3 GB"),
        (RuntimeError("CUDA out of memory. Tried to allocate\nsecond line"), "CUDA out of memory. Tried to allocate"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "DefaultCPUAllocator: can't allocate"),
        (MemoryError(), ""),
    ],
    ids=["python", "cuda", "cpu", "without a text"],
)
def test_out_of_memory_in_training_says_what_to_lower(home, monkeypatch, error, found):
    engine = home.open(quick=False, generator=author(), settings=with_(training={"batch_tokens": 77}))
    say(engine, DOG)
    before = everything(engine)

    def run(course):
        raise error

    monkeypatch.setattr(student.Course, "run", run)
    text = r"learning 1 turns did not fit .* Lower training.batch_tokens \(now 77\) or training.rank \(now 2\)$"
    with pytest.raises(OutOfMemoryError, match=text) as caught:
        engine.consolidate()
    assert found in str(caught.value)
    assert caught.value.__cause__ is error
    assert_untouched(engine, before, caught.value, attempts=1)


# ---- errors at every stage


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (RuntimeError("broken at 5"), 1),
        (ConsolidationError("given up at 5"), 1),
        (KeyboardInterrupt("at 5"), 0),
        (SystemExit("at 5"), 0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_at_any_stage_leaves_everything_as_it_was(home, stage, error, attempts):
    engine = home.open()
    say(engine, DOG, SISTER)
    before = everything(engine)

    def at(now):
        if now == stage:
            assert set(states(engine).values()) == {"leased"}
            raise error

    engine.quick.at = at
    with pytest.raises(type(error), match="at 5"):
        engine.consolidate()
    assert repr(error) == engine._store.jobs.list()[0].error
    assert_untouched(engine, before, error, attempts=attempts)


@pytest.mark.parametrize("step", ["write", "fsync"])
def test_a_full_disk_in_commit_leaves_everything_as_it_was(home, monkeypatch, step):
    engine = home.open()
    say(engine, DOG)
    before = everything(engine)

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, step, full)
        text = rf"the delta file {home.folder}/deltas/v000001-\w+\.safetensors .* \(No space left on device\)"
        with pytest.raises(FolderError, match=text) as caught:
            engine.consolidate()
    assert_untouched(engine, before, caught.value, attempts=1)


def test_ctrl_c_in_the_instant_after_the_commit_keeps_it_and_is_still_ctrl_c(home):
    engine = home.open()
    say(engine, DOG)

    def progress(stage, done, total):
        if (stage, done) == ("commit", 1):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.consolidate(progress=progress)
    assert states(engine) == {DOG: "held"}
    assert [v.id for v in engine.versions() if v.is_head] == [1]
    assert digest(engine._exact.served(engine.local.model)) == engine.versions()[1].weights_sha256
    say(engine, SISTER)
    assert engine.consolidate().held == (2,)


def test_an_error_in_one_episode_keeps_those_before_it(home):
    engine = home.open(settings=with_(policy={"max_turns": 1}))
    say(engine, DOG, SISTER, "My cat is old.")
    error = RuntimeError("broken at 2")

    def at(stage):
        if engine.quick.episodes[-1] == [SISTER]:
            raise error

    engine.quick.at = at
    with pytest.raises(RuntimeError, match="broken at 2"):
        engine.consolidate()
    assert states(engine) == {DOG: "held", SISTER: "pending", "My cat is old.": "pending"}
    assert engine.quick.episodes == [[DOG], [SISTER]]
