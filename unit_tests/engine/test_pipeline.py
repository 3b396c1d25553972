"""A memory from a turn to the weights and back: what is held, what is refused, and that failures change nothing."""

import contextlib
import dataclasses
import errno
import json
import os
import threading
from types import SimpleNamespace

import pytest
import torch

from langchain_selfparam.config import PolicyConfig, Settings, TargetConfig, TrainingConfig, VerifyConfig
from langchain_selfparam.distill import student
from langchain_selfparam.engine import commit as door
from langchain_selfparam.engine.learn import Learned
from langchain_selfparam.engine.pipeline import Engine
from langchain_selfparam.errors import (
    ClosedError,
    ConfigError,
    ConsolidationError,
    FolderError,
    FolderLockedError,
    NonFiniteLossError,
    NoTargetsError,
    OutOfMemoryError,
    UnknownTurnError,
    UnknownVersionError,
    UnsupportedModelError,
    WrongModelError,
)
from langchain_selfparam.records import (
    Probe,
    ProbeResult,
    TargetSentence,
    TargetSet,
    TrainPoint,
    TrainReport,
    TurnState,
    Verdict,
)
from langchain_selfparam.serving.gate import gate_for
from langchain_selfparam.testing import FakeGenerator, tiny_model
from langchain_selfparam.weights import files
from langchain_selfparam.weights.delta import Delta, Factors
from langchain_selfparam.weights.merge import digest
from langchain_selfparam.weights.shadow import adapted_modules

ANA = ("memories", "ana")
SETTINGS = Settings(
    policy=PolicyConfig(every_turns=None),
    training=TrainingConfig(epochs=2, rank=2),
    verify=VerifyConfig(max_drift=10, hold=0.0, max_neighbours_wrong=1.0, answer_tokens=4),
    targets=TargetConfig(samples=2, neutral=2, contrast=2, contrast_tokens=2, neutral_tokens=2),
)
DOG, SISTER = "My dog is called Biscuit.", "My sister Ana lives in Lisbon."
STAGES = ("targets", "teacher", "student", "probes")


def with_(settings=SETTINGS, **stages):
    """The settings with some fields of some stages changed."""
    changed = {name: dataclasses.replace(getattr(settings, name), **fields) for name, fields in stages.items()}
    return dataclasses.replace(settings, **changed)


class Quick:
    """Learns in a millisecond what a test decides; everything around it is the real engine."""

    def __init__(self, local):
        shapes = {n: local.model.get_submodule(n).weight.shape for n in adapted_modules(local.model)[:2]}
        self.shapes, self.episodes = shapes, []
        self.missed: set[str] = set()
        """What the users said in turns that are not held."""
        self.reasons: tuple[str, ...] = ()
        """Why the candidate is refused."""
        self.at = lambda stage: None
        """Called at each stage; may wait or raise."""

    def learn(self, episode, *, exact, earlier, progress):
        self.episodes.append([turn.user for turn in episode.turns])
        assert len(self.episodes) < 20, "it learns for ever"
        for stage in STAGES:
            progress(stage, 1, 1)
            self.at(stage)
        random = torch.Generator().manual_seed(episode.turns[0].id)
        layers = {
            name: Factors(b=torch.randn(d_out, 2, generator=random), a=torch.randn(2, d_in, generator=random))
            for name, (d_out, d_in) in self.shapes.items()
        }
        held = tuple(t.id for t in episode.turns if t.user not in self.missed and not self.reasons)
        accepted = bool(held)
        verdict = Verdict(
            accepted=accepted,
            held=held,
            recall=len(held) / len(episode.turns),
            drift=0.01,
            neighbours_wrong=0.0,
            reasons=self.reasons or (() if accepted else ("nothing was held",)),
        )
        sentence = TargetSentence(kind="question", prompt="Who?", answer=episode.turns[0].user)
        train = TrainReport(
            steps=1, tokens=9, answer_tokens=3, kl_first=2.0, kl_last=1.0, curve=(TrainPoint(step=1, kl=2.0, lr=1e-3),)
        )
        return Learned(Delta(layers), verdict, TargetSet(statements=(), sentences=(sentence,), probes=()), train, {})


class Home:
    """Engines over one folder, as one process after another would open it."""

    def __init__(self, folder, undo):
        self.folder, self._undo = folder, undo

    def open(self, *, local=None, settings=SETTINGS, quick=True, background=False, **options):
        local = local or tiny_model()
        options = {"namespace": ANA, "path": self.folder, **options}
        engine = Engine.open(local, gate_for(local.model), settings=settings, background=background, **options)
        self._undo.callback(engine.close)
        engine.local = local
        if quick:
            engine.quick = engine._learner = Quick(local)
        return engine


@pytest.fixture
def home(tmp_path):
    with contextlib.ExitStack() as undo:
        yield Home(tmp_path / "memory", undo)


def say(engine, *texts, **options):
    return [engine.append(user=text, assistant="Noted.", **options).id for text in texts]


def states(engine):
    return {turn.user: str(turn.state) for turn in engine.turns()}


def everything(engine):
    return {name: tensor.clone() for name, tensor in engine.local.model.state_dict().items()}


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def author():
    questions = "What is my dog called?\n- Which pet do I have?\n- Where does my sister live?\n- Who lives in Lisbon?"
    return FakeGenerator([questions])


# ---- the whole way, with nothing left out


def test_what_is_said_is_learned_held_and_served_again(home):
    seen, generator = [], author()
    engine = home.open(quick=False, generator=generator)
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
    tensors = engine._exact.candidate(door.path_deltas(free._store, 1)) if not free.closed else None
    assert tensors is None
    # The delta that was kept is the whole one's, shrunk.
    one, other = (next(iter((f / "deltas").iterdir())) for f in (home.folder, tmp_path / "other"))
    left, right = (
        files.read_delta(path, sha256=version.delta_sha256, version=1)
        for path, version in ((one, _version(home.folder, 1)), (other, engine.versions()[1]))
    )
    for name, factors in right.layers.items():
        assert torch.equal(factors.a, left.layers[name].a)
        torch.testing.assert_close(factors.b, left.layers[name].b * report.scale)


def _version(folder, number):
    from langchain_selfparam.store.database import Database
    from langchain_selfparam.store.versions import Versions

    database = Database(folder)
    try:
        return Versions(database).get(number)
    finally:
        database.close()


def test_turns_that_are_not_recalled_stay_pending_and_count_an_attempt(home):
    settings = with_(verify={"hold": 1.0}, training={"epochs": 1, "learning_rate": 1e-9})
    engine = home.open(quick=False, generator=author(), settings=settings)
    say(engine, DOG)
    before = everything(engine)
    report = engine.consolidate()
    assert report.reasons == ("no turn's probes were answered without its text",)
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


def test_turns_that_say_nothing_are_an_error_and_stay_in_the_prompt(home):
    engine = home.open(quick=False, generator=author())
    say(engine, "I do.")
    engine._store.turns.clear(ANA)
    engine.append(user="So it is.", assistant="")
    before = everything(engine)
    with pytest.raises(NoTargetsError, match="turn 2 says nothing that could be asked about") as caught:
        engine.consolidate()
    assert engine.last_error is caught.value
    assert same(everything(engine), before)
    assert [t.user for t in engine.prompt_turns()] == ["So it is."]


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

    def train(*args, **kwargs):
        raise error

    monkeypatch.setattr(student, "train", train)
    text = r"learning 1 turns did not fit .* Lower training.batch_tokens \(now 77\) or training.rank \(now 2\)$"
    with pytest.raises(OutOfMemoryError, match=text) as caught:
        engine.consolidate()
    assert found in str(caught.value)
    assert caught.value.__cause__ is error
    assert_untouched(engine, before, caught.value, attempts=1)


def assert_untouched(engine, before, error, *, attempts):
    """Weights to the bit, ledger and journal are as they were, the turns are pending, and the folder is usable."""
    assert engine.last_error is error
    assert same(everything(engine), before)
    assert len(engine.versions()) == 1
    assert list(engine._store.deltas.iterdir()) == []
    assert {(t.state, t.attempts) for t in engine.turns()} == {(TurnState.PENDING, attempts)}
    assert {job.state for job in engine._store.jobs.list()} == {"failed"}
    engine._learner = Quick(engine.local)
    assert engine.consolidate().version == 1
    assert engine.last_error is None


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


# ---- what is learned when


def test_nothing_pending_is_nothing_done(home):
    engine = home.open()
    report = engine.consolidate()
    assert (report.version, report.held, report.pending) == (None, (), ())
    assert report.reasons == ("no turn is pending",)
    assert engine.quick.episodes == []
    assert len(engine.versions()) == 1


def test_all_pending_turns_are_learned_in_episodes(home):
    engine = home.open(settings=with_(policy={"max_turns": 2}))
    ids = say(engine, *"abcde")
    engine.quick.missed = {"b"}
    report = engine.consolidate()
    assert engine.quick.episodes == [["a", "b"], ["c", "d"], ["e"]]
    assert (report.version, report.held, report.pending) == (3, (1, 3, 4, 5), (2,))
    assert [v.turn_ids for v in engine.versions()] == [(), (1,), (3, 4), (5,)]
    assert len(ids) == 5
    # Each turn is tried once a time.
    engine.quick.missed = set()
    assert engine.consolidate().held == (2,)
    assert [t.attempts for t in engine.turns()] == [0, 1, 0, 0, 0]


def test_turns_not_held_stay_in_the_prompt_and_are_asked_for_again_only_by_hand(home):
    engine = home.open(settings=with_(policy={"max_attempts": 2, "every_turns": 1}))
    engine.quick.missed = {DOG}
    say(engine, DOG)
    engine.flush()
    assert len(engine.quick.episodes) == 2
    assert [(t.state, t.attempts) for t in engine.turns()] == [(TurnState.PENDING, 2)]
    assert [t.user for t in engine.prompt_turns()] == [DOG]
    engine.quick.missed = set()
    assert engine.consolidate().held == (1,)


def test_prompt_turns(home):
    engine = home.open()
    say(engine, "a", "b", thread="one")
    say(engine, "c", thread="two")
    engine.quick.missed = {"b"}
    engine.consolidate()
    say(engine, "d", thread="one")

    def prompted(**options):
        return "".join(t.user for t in engine.prompt_turns(**options))

    assert prompted() == "bd"
    assert prompted(keep_last=1) == "bd"
    assert prompted(keep_last=2) == "bcd"
    assert prompted(keep_last=99) == "abcd"
    assert prompted(thread="two") == ""
    assert prompted(thread="two", keep_last=1) == "c"
    assert prompted(thread="one", keep_last=3) == "abd"
    engine.clear()
    assert prompted() == ""
    # Cleared turns are no longer the last ones.
    assert prompted(keep_last=1) == "c"
    assert prompted(keep_last=99) == "ac"


def test_leased_turns_are_still_prompted(home):
    engine = home.open()
    say(engine, DOG)
    prompted = []
    engine.quick.at = lambda stage: prompted.append([t.user for t in engine.prompt_turns()])
    engine.consolidate()
    assert prompted == [[DOG]] * len(STAGES)


def test_another_namespace_is_not_seen_and_not_learned(home):
    engine = home.open()
    say(engine, DOG)
    engine.close()
    other = home.open(namespace=("memories", "ben"))
    say(other, SISTER)
    assert [t.user for t in other.turns()] == [SISTER]
    assert other.consolidate().held == (2,)
    assert other.quick.episodes == [[SISTER]]
    other.close()
    assert states(home.open()) == {DOG: "pending"}


def test_the_same_message_is_stored_once(home):
    engine = home.open()
    first = engine.append(user=DOG, assistant="", thread="t", message_id="m1")
    again = engine.append(user="changed", assistant="", message_id="m1")
    assert again == first
    assert (first.thread, first.namespace) == ("t", ANA)
    assert len(engine.turns()) == 1


# ---- opening again


def test_reopening_gives_the_same_weights_and_the_same_pending_turns(home):
    engine = home.open()
    say(engine, "a", "b", "c")
    engine.quick.missed = {"b"}
    engine.consolidate()
    say(engine, "d")
    before, turns = everything(engine), engine.turns()
    engine.close()
    again = home.open()
    assert same(everything(again), before)
    assert again.turns() == turns
    assert [t.user for t in again.prompt_turns()] == ["b", "d"]
    assert again.consolidate().version == 2


def test_rollback_is_exact_for_every_tensor_back_and_forth(home):
    engine = home.open()
    weights = [everything(engine)]
    for text in "abc":
        say(engine, text)
        engine.consolidate()
        weights.append(everything(engine))
    for version, freed in ((1, (2, 3)), (3, ()), (0, (1, 2, 3)), (2, ()), (0, (1, 2))):
        assert engine.rollback(version) == freed
        assert same(everything(engine), weights[version])
        held = [text for text, state in states(engine).items() if state == "held"]
        assert held == list("abc"[:version])
    with pytest.raises(UnknownVersionError, match="there is no version 9; there are 0, 1, 2, 3"):
        engine.rollback(9)
    assert same(everything(engine), weights[0])


def test_close_gives_back_base_folder_and_model(home):
    local = tiny_model()
    engine = home.open(local=local)
    base = everything(engine)
    say(engine, DOG)
    engine.consolidate()
    assert not same(everything(engine), base)
    engine.close()
    engine.close()
    assert engine.closed
    assert same(everything(engine), base)
    again = home.open(local=local)
    assert states(again) == {DOG: "held"}
    with again:
        pass
    assert again.closed


def test_close_gives_the_folder_back_even_where_the_weights_cannot_be(home, monkeypatch):
    engine = home.open()

    def refuse(model):
        raise ConsolidationError("layer 3 is gone")

    monkeypatch.setattr(engine._exact, "restore_base", refuse)
    with pytest.raises(ConsolidationError, match="layer 3 is gone"):
        engine.close()
    assert home.open(local=tiny_model()).turns() == ()


@pytest.mark.parametrize(
    "use",
    [
        lambda e: e.append(user="a", assistant="b"),
        lambda e: e.prompt_turns(),
        lambda e: e.turns(),
        lambda e: e.versions(),
        lambda e: e.clear(),
        lambda e: e.pending_tokens,
        lambda e: e.consolidate(),
        lambda e: e.rollback(0),
        lambda e: e.forget([1]),
        lambda e: e.export("adapter"),
        lambda e: e.flush(),
    ],
)
def test_a_closed_memory_says_so(home, use):
    engine = home.open()
    engine.close()
    with pytest.raises(ClosedError, match=rf"^the memory {home.folder} was closed; open it again$"):
        use(engine)


def test_one_model_serves_one_memory(home, tmp_path):
    engine = home.open()
    text = rf"^tiny-llama-0 already has the memory {home.folder} open, and a model serves one at a time; close that"
    with pytest.raises(ConfigError, match=text):
        home.open(local=engine.local, path=tmp_path / "second")
    assert not (tmp_path / "second").exists()
    assert home.open(local=tiny_model(), path=tmp_path / "second").turns() == ()


def test_a_folder_of_another_model_is_refused_naming_both(home):
    home.open().close()
    other = tiny_model("qwen2", seed=4)
    before = other.fingerprint()
    with pytest.raises(WrongModelError, match=r"tiny-llama-0") as caught:
        home.open(local=other)
    assert caught.match("tiny-qwen2-4")
    assert other.fingerprint() == before
    # The same name and other weights are another model too; and the refused one is free for another folder.
    with pytest.raises(WrongModelError, match="tiny-llama-0"):
        home.open(local=dataclasses.replace(tiny_model(seed=9), name="tiny-llama-0"))
    assert home.open(local=other, path=home.folder.parent / "new").turns() == ()


def test_a_folder_that_is_open_is_refused_with_its_process(home):
    home.open()
    local = tiny_model()
    text = rf"the folder {home.folder} is open in process {os.getpid()} \(this one\)"
    with pytest.raises(FolderLockedError, match=text):
        home.open(local=local)
    assert home.open(local=local, path=home.folder.parent / "new").turns() == ()


def test_a_model_that_cannot_be_learned_into_is_refused_before_a_folder_is_made(home):
    with pytest.raises(
        UnsupportedModelError, match="tiny-gemma2-0 cannot be learned into: its head is soft-capped at 30"
    ):
        home.open(local=tiny_model("gemma2"))
    assert not home.folder.exists()


# ---- beside each other


def test_saying_does_not_wait_for_a_consolidation(home, in_thread):
    engine = home.open()
    say(engine, DOG)
    inside, leave = threading.Event(), threading.Event()

    def at(stage):
        if stage == "student" and not inside.is_set():
            inside.set()
            assert leave.wait(20)

    engine.quick.at = at
    with in_thread(engine.consolidate):
        assert inside.wait(20)
        # All of this happens while the consolidation is held up: none of it may wait for it.
        say(engine, SISTER)
        assert states(engine) == {DOG: "leased", SISTER: "pending"}
        assert [t.user for t in engine.prompt_turns(keep_last=1)] == [DOG, SISTER]
        assert engine.pending_tokens > 0
        assert len(engine.versions()) == 1
        with gate_for(engine.local.model).writing(timeout=0):
            pass
        leave.set()
    # The turn that came meanwhile was learned in an episode of its own.
    assert engine.quick.episodes == [[DOG], [SISTER]]
    assert states(engine) == {DOG: "held", SISTER: "held"}


class Counted:
    """A lock that tells how many have come to it."""

    def __init__(self, lock):
        self.lock, self.came = lock, 0

    def __enter__(self):
        self.came += 1
        return self.lock.__enter__()

    def __exit__(self, *error):
        return self.lock.__exit__(*error)


@pytest.mark.parametrize("operation", ["rollback", "forget", "export", "consolidate"])
def test_operations_on_weights_wait_for_each_other(home, tmp_path, in_thread, until, operation):
    engine = home.open()
    say(engine, "a")
    engine.consolidate()
    say(engine, DOG)
    lock = engine._weights = Counted(engine._weights)
    inside, leave, order = threading.Event(), threading.Event(), []

    def at(stage):
        if stage == "student":
            inside.set()
            assert leave.wait(20)

    def second():
        arguments = {"rollback": [1], "forget": [[1]], "export": [tmp_path / "adapter"], "consolidate": []}[operation]
        getattr(engine, operation)(*arguments)
        order.append("second")

    engine.quick.at = at
    with in_thread(lambda: (engine.consolidate(), order.append("first"))):
        assert inside.wait(20)
        with in_thread(second):
            until(lambda: lock.came == 2)
            assert order == []
            leave.set()
    assert sorted(order) == ["first", "second"]
    assert engine.quick.episodes == [["a"], [DOG]]
    assert len(engine.versions()) == (1 if operation == "forget" else 3)


def test_close_waits_for_a_consolidation_that_runs(home, in_thread, until):
    engine = home.open()
    base = everything(engine)
    say(engine, DOG)
    inside, leave = threading.Event(), threading.Event()

    def at(stage):
        if stage == "student":
            inside.set()
            assert leave.wait(20)

    engine.quick.at = at
    reports = []
    with in_thread(lambda: reports.append(engine.consolidate())):
        assert inside.wait(20)
        with in_thread(engine.close):
            until(lambda: engine.closed)
            leave.set()
    assert [r.held for r in reports] == [(1,)]
    assert same(everything(engine), base)
    assert states(home.open()) == {DOG: "held"}


def test_the_worker_consolidates_when_the_policy_says_so_and_flush_waits(home):
    engine = home.open(background=True, settings=with_(policy={"every_turns": 3}))
    say(engine, "a", "b")
    engine.flush(20)
    assert engine.quick.episodes == []
    say(engine, "c")
    engine.flush(20)
    assert engine.quick.episodes == [["a", "b", "c"]]
    assert engine.last_report.held == (1, 2, 3)
    assert set(states(engine).values()) == {"held"}


def test_the_worker_counts_tokens_as_told(home):
    counted = []

    def count(text):
        counted.append(text)
        return 10

    policy = {"every_turns": None, "every_tokens": 20}
    engine = home.open(background=True, settings=with_(policy=policy), count_tokens=count)
    say(engine, "a")
    engine.flush(20)
    assert engine.quick.episodes == []
    say(engine, "b")
    engine.flush(20)
    assert engine.quick.episodes == [["a", "b"]]
    assert counted


def test_what_waited_in_the_folder_is_found_at_opening(home, in_thread):
    engine = home.open()
    say(engine, "a", "b")
    engine.close()
    again = home.open(background=True, settings=with_(policy={"every_turns": 3}))
    say(again, "c")
    again.flush(20)
    assert again.quick.episodes == [["a", "b", "c"]]


def test_an_error_of_the_worker_is_raised_by_flush_and_kept(home):
    engine = home.open(background=True, settings=with_(policy={"every_turns": 1}))
    error = RuntimeError("broken at 4")

    def at(stage):
        raise error

    engine.quick.at = at
    say(engine, DOG)
    with pytest.raises(RuntimeError, match="broken at 4"):
        engine.flush(20)
    assert engine.last_error is error
    engine.quick.at = lambda stage: None
    engine.flush(20)
    assert states(engine) == {DOG: "held"}
    assert engine.last_error is None


def test_close_stops_the_worker(home):
    engine = home.open(background=True, settings=with_(policy={"every_turns": 1}))
    say(engine, DOG)
    engine.flush(20)
    engine.close()
    assert not [t for t in threading.enumerate() if t is engine._worker._thread]


def test_flush_without_a_worker_does_the_work_itself(home):
    engine = home.open(settings=with_(policy={"every_turns": 2, "max_turns": 2}))
    say(engine, *"abcde")
    engine.flush()
    assert engine.quick.episodes == [["a", "b"], ["c", "d"]]
    assert states(engine)["e"] == "pending"


# ---- forgetting and taking along


def test_forget_goes_back_to_before_the_turn_and_learns_the_rest_again(home):
    engine = home.open()
    weights = []
    for text in "abc":
        weights.append(everything(engine))
        say(engine, text)
        engine.consolidate()
    done = engine.forget([2])
    assert (done.turns, done.versions, done.served, done.relearn) == ((2,), (2, 3), 1, (3,))
    assert states(engine) == {"a": "held", "c": "pending"}
    assert same(everything(engine), weights[1])
    with pytest.raises(UnknownTurnError, match="there is no turn 2"):
        engine.forget([2])
    assert engine.consolidate().held == (3,)


def test_forgetting_what_was_never_learned_keeps_the_weights(home):
    engine = home.open()
    say(engine, "a")
    engine.consolidate()
    before = everything(engine)
    say(engine, "b")
    assert engine.forget([2]).versions == ()
    assert same(everything(engine), before)
    assert states(engine) == {"a": "held"}


def test_export_is_the_served_change_as_an_adapter(home, tmp_path):
    from safetensors.torch import load_file

    engine = home.open()
    base = everything(engine)
    for text in "ab":
        say(engine, text)
        engine.consolidate()
    folder = engine.export(tmp_path / "adapter")
    config = json.loads((folder / "adapter_config.json").read_text())
    assert (config["peft_type"], config["base_model_name_or_path"]) == ("LORA", "tiny-llama-0")
    tensors = load_file(folder / "adapter_model.safetensors")
    for name in engine.quick.shapes:
        a, b = (tensors[f"base_model.model.{name}.lora_{side}.weight"] for side in "AB")
        served = engine.local.model.get_submodule(name).weight
        torch.testing.assert_close(base[f"{name}.weight"] + b @ a, served, atol=1e-5, rtol=1e-5)


def test_nothing_learned_is_nothing_to_export(home, tmp_path):
    engine = home.open()
    with pytest.raises(ConfigError, match=rf"no adapter to write to {tmp_path / 'adapter'}; consolidate first"):
        engine.export(tmp_path / "adapter")
    with pytest.raises(ConfigError, match=r"^format is 'gguf'; it has to be 'peft'$"):
        engine.export(tmp_path / "adapter", format="gguf")


def test_the_ledger_keeps_the_report_as_json(home):
    engine = home.open()
    learn = engine.quick.learn

    def asked(*args, **kwargs):
        learned = learn(*args, **kwargs)
        results = (ProbeResult(probe=Probe(kind="recall", prompt="Who?", turn_id=1), answer="Biscuit", passed=True),)
        return dataclasses.replace(learned, verdict=dataclasses.replace(learned.verdict, results=results))

    engine._learner = SimpleNamespace(learn=asked)
    say(engine, DOG)
    engine.consolidate()
    kept = engine.versions()[1].report
    assert kept["probes"][0]["answer"] == "Biscuit"
    assert (kept["kl_first"], kept["kl_last"], kept["targets"]) == (2.0, 1.0, 1)
    (job,) = engine._store.jobs.list()
    saved = engine._store.jobs.load_targets(SimpleNamespace(id=job.id))
    assert json.loads(saved)["sentences"][0]["answer"] == DOG
