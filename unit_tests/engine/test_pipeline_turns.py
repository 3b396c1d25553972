"""What is learned when, what a folder opens with, and what is forgotten."""

import dataclasses
import json
import os
from types import SimpleNamespace

import pytest
import torch
from engine_home import ANA, DOG, STAGES, everything, same, say, states, with_

from langchain_selfparam.engine.report import as_text, target_set
from langchain_selfparam.errors import (
    ClosedError,
    ConfigError,
    ConsolidationError,
    FolderLockedError,
    UnknownTurnError,
    UnknownVersionError,
    UnsupportedModelError,
    WrongModelError,
)
from langchain_selfparam.records import (
    Message,
    Probe,
    ProbeResult,
    Statement,
    TargetSentence,
    TargetSet,
    TurnState,
)
from langchain_selfparam.testing import tiny_model

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


def test_another_namespace_would_be_answered_with_what_this_one_said(home):
    engine = home.open()
    say(engine, DOG)
    engine.close()
    with pytest.raises(ConfigError, match=r"holds what \('memories', 'ana'\) said, and with isolation='shared'"):
        home.open(namespace=("memories", "ben"))
    assert states(home.open()) == {DOG: "pending"}


def test_the_same_message_is_stored_once(home):
    engine = home.open()
    first = engine.append(user=DOG, assistant="", thread="t", message_id="m1")
    again = engine.append(user=DOG, assistant="", message_id="m1")
    assert again == first
    assert (first.thread, first.namespace) == ("t", ANA)
    assert len(engine.turns()) == 1
    edited = engine.append(user="changed", assistant="", message_id="m1")  # other words are another turn, once
    assert edited == engine.append(user="changed", assistant="", message_id="m1")
    assert [turn.user for turn in engine.turns()] == [DOG, "changed"]


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
    local = tiny_model()
    local.model.config.is_encoder_decoder = True
    with pytest.raises(UnsupportedModelError, match="tiny-llama-0 cannot be learned into: it is an encoder-decoder"):
        home.open(local=local)
    assert not home.folder.exists()


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

    engine = home.open(local=dataclasses.replace(tiny_model(), source="org/tiny"))
    base = everything(engine)
    for text in "ab":
        say(engine, text)
        engine.consolidate()
    folder = engine.export(tmp_path / "adapter")
    config = json.loads((folder / "adapter_config.json").read_text())
    assert (config["peft_type"], config["base_model_name_or_path"]) == ("LORA", "org/tiny")
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
        yield

    engine._learner = SimpleNamespace(lesson=asked)
    say(engine, DOG)
    engine.consolidate()
    kept = engine.versions()[1].report
    assert kept["probes"][0]["answer"] == "Biscuit"
    assert (kept["kl_first"], kept["kl_last"], kept["targets"]) == (2.0, 1.0, 1)
    (job,) = engine._store.jobs.list()
    saved = engine._store.jobs.load_targets(SimpleNamespace(id=job.id))
    assert json.loads(saved)["sentences"][0]["answer"] == DOG


# ---- what was taught before


def test_later_consolidations_know_what_the_served_version_was_taught(home):
    engine, seen = home.open(), []
    learn = engine.quick.learn
    engine.quick.learn = lambda episode, **options: seen.append(options["earlier"]) or learn(episode, **options)
    for text in "abc":
        say(engine, text)
        engine.consolidate()
    assert [[taught.sentences[0].answer for taught in earlier] for earlier in seen] == [[], ["a"], ["a", "b"]]
    assert all(isinstance(taught, TargetSet) for taught in seen[-1])
    engine.rollback(1)
    assert [taught.sentences[0].answer for taught in engine.taught()] == ["a"]
    engine.forget([1])
    assert engine.taught() == []


def test_what_stays_as_it_was_is_what_the_untouched_model_answers(home):
    engine = home.open()
    before = {name: tensor.clone() for name, tensor in engine._exact.base.items()}
    for text in "ab":
        say(engine, text)
        engine.consolidate()
    first, second = engine.quick.bases
    assert first is None  # the served weights are the untouched ones
    assert all(torch.equal(second.get_submodule(name).weight, tensor) for name, tensor in before.items())
    engine.rollback(0)
    say(engine, "c")
    engine.consolidate()
    assert engine.quick.bases[2] is None


def test_turns_whose_attempts_are_used_up_come_alone(home):
    engine = home.open(settings=with_(policy={"max_attempts": 1}))
    engine.quick.missed = {"a"}
    for text in "ab":
        say(engine, text)
    engine.consolidate()
    say(engine, "c")
    engine.consolidate()
    engine.consolidate()
    assert engine.quick.episodes == [["a", "b"], ["c"], ["a"]]


def test_turns_whose_attempts_are_used_up_are_tried_by_turns(home):
    engine = home.open(settings=with_(policy={"max_attempts": 1, "max_turns": 2}))
    engine.quick.missed = set("abc")
    say(engine, *"abc")
    for _ in range(4):
        engine.consolidate()
    assert engine.quick.episodes == [["a", "b"], ["c"], ["a", "b"], ["a", "c"], ["b", "c"]]


def test_a_target_set_comes_back_from_its_text_as_it_was():
    context = (Message(role="user", text="?"), Message(role="assistant", text="Your dog is Biscuit."))
    targets = TargetSet(
        statements=(Statement(turn_id=1, said="My dog is Biscuit.", told="Your dog is Biscuit.", by_user=True),),
        sentences=(
            TargetSentence(kind="question", prompt="Who is it?", answer="Biscuit", context=context, turn_id=1),
            TargetSentence(kind="replay", prompt="Who?", answer="Ana", ends=False),
        ),
        probes=(Probe(kind="recall", prompt="Who barks?", expected=("biscuit",), turn_id=1, opening="Your dog"),),
        dropped={"too like another": 2},
    )
    assert target_set(as_text(targets)) == targets
