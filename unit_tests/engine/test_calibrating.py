"""A folder's calibration text is written once, by the untouched model, and read by every consolidation after it."""

import dataclasses
import itertools
import logging

import pytest
import torch
from engine_home import DOG, SETTINGS, SISTER, author, everything, same, say, with_

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.distill.moments import Moments
from langchain_selfparam.distill.packing import Document
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.engine import calibrating, learn
from langchain_selfparam.engine.calibrating import Calibration
from langchain_selfparam.errors import StoppedError
from langchain_selfparam.model import share
from langchain_selfparam.records import Message, Probe, TargetSentence, TargetSet
from langchain_selfparam.serving.gate import gate_for
from langchain_selfparam.store.database import Database
from langchain_selfparam.testing import FakeGenerator

CONFIG = TargetConfig(calibration=12, calibration_tokens=2)
WRITES = 3
"""Calls that write it: what users would say, and the answers to both; the worked questions are enough of the others."""


def writer():
    """Writes questions, answers them and says what users would: no two alike."""
    numbers = itertools.count()
    return FakeGenerator(lambda prompt: f"What is a glacier?\n- Who wrote book {next(numbers)} of ten?")


@pytest.fixture(autouse=True)
def nothing_written(monkeypatch):
    monkeypatch.setattr(calibrating, "_WRITTEN", {})


@pytest.fixture
def database(tmp_path):
    opened = Database(tmp_path)
    yield opened
    opened.close()


def test_it_is_written_once_and_read_from_then_on(database):
    model, later = writer(), writer()
    first = Calibration(database, CONFIG)
    found = first.text(model)
    assert len(found) == 12
    assert (first.text(model), len(model.calls)) == (found, WRITES)
    assert (Calibration(database, CONFIG).text(later), later.calls) == (found, [])


@pytest.mark.parametrize("changed", [{"calibration": 11}, {"calibration_tokens": 3}, {"seed": 1}])
def test_with_other_settings_it_is_written_anew(database, changed):
    Calibration(database, CONFIG).text(writer())
    model = writer()
    found = Calibration(database, dataclasses.replace(CONFIG, **changed)).text(model)
    assert len(model.calls) == WRITES
    assert len(found) == changed.get("calibration", 12)


@pytest.mark.parametrize(
    "damage",
    [
        "{",
        "[]",
        *(
            '{"made": [2, 12, 2, 0]' + rest
            for rest in (
                "}",
                ', "sentences": [["one"]]}',
                ', "sentences": [["neutral", "a", 3]]}',
                ', "sentences": [["question", "a", "b"]]}',
            )
        ),
    ],
)
def test_where_it_is_damaged_it_is_written_anew(database, damage, caplog):
    before = Calibration(database, CONFIG).text(writer())
    database.set("calibration", damage)
    with caplog.at_level(logging.WARNING, logger=calibrating.__name__):
        assert Calibration(database, CONFIG).text(writer()) == before
    assert f"the calibration text of {database.path.parent} cannot be read" in caplog.text
    assert Calibration(database, CONFIG).text(writer()) == before


def test_folders_of_one_base_have_it_written_once_by_a_process(tmp_path):
    models = [writer() for _ in range(4)]
    found, kept = [], []
    for number, (base, model) in enumerate(zip(("one", "one", "two", None), models, strict=True)):
        database = Database(tmp_path / str(number))
        if base is not None:
            database.bind_base("tiny", base)
        found.append(Calibration(database, CONFIG).text(model))
        kept.append(database.get("calibration"))
        database.close()
    assert [len(model.calls) for model in models] == [WRITES, 0, WRITES, WRITES]
    assert found[0] == found[1]
    assert kept[0] == kept[1]
    other = Database(tmp_path / "other")
    other.bind_base("tiny", "one")
    model = writer()
    Calibration(other, dataclasses.replace(CONFIG, seed=3)).text(model)
    other.close()
    assert len(model.calls) == WRITES


def test_text_in_the_form_of_an_earlier_release_is_written_anew_without_a_word(database, caplog):
    database.set("calibration", '{"made": [12, 2, 0], "sentences": [["What is ice?", "Water."]]}')
    with caplog.at_level(logging.WARNING, logger=calibrating.__name__):
        assert len(Calibration(database, CONFIG).text(writer())) == 12
    assert caplog.text == ""


def test_an_error_while_it_is_written_leaves_none(database):
    class Failing(FakeGenerator):
        def generate(self, asked, **options):
            raise OSError("no model")

    with pytest.raises(OSError, match="no model"):
        Calibration(database, CONFIG).text(Failing([""]))
    assert database.get("calibration") is None


def test_the_untouched_model_writes_it_before_anything_is_learned_and_never_again(home, monkeypatch):
    writers = []
    write = calibrating.write_calibration

    def noting(original, *, config):
        writers.append({name: tensor.clone() for name, tensor in original._model.state_dict().items()})
        return write(original, config=config)

    monkeypatch.setattr(calibrating, "write_calibration", noting)
    engine = home.open(quick=False, generator=author())
    base = everything(engine)
    for said in (DOG, SISTER):
        say(engine, said)
        assert engine.consolidate().committed
    kept = engine._store.database.get("calibration")
    engine.close()
    again = home.open(quick=False, generator=author())
    say(again, "My cat is called Mog.")
    assert again.consolidate().committed
    assert len(writers) == 1
    assert same(writers[0], base)
    assert again._store.database.get("calibration") == kept


def test_layers_of_feed_forward_parts_are_measured_on_all_of_it(home, monkeypatch):
    engine = home.open(quick=False, generator=author(), settings=with_(targets={"neutral": 0, "exchanges": 0}))
    seen = []
    measured = learn.measured

    def noting(reader, names, parts, progress):
        seen.append((names, [document for part in parts for document in part]))
        return measured(reader, names, parts, progress)

    monkeypatch.setattr(learn, "measured", noting)
    say(engine, DOG)
    engine.consolidate()
    ((names, read),) = seen
    assert len(read) == 4
    assert names
    assert all("mlp" in name for name in names)


@pytest.mark.parametrize("template", [True, False])
def test_of_an_exchange_both_sides_are_learned(tiny, template):
    if not template:
        tiny.tokenizer.chat_template = None
    learner = learn.Learner(tiny, gate_for(tiny.model), settings=SETTINGS)
    text = TargetSentence(kind="exchange", prompt="What melts?", answer="Ice.", ends=False)
    documents, chunks, _ = learner._documents(TargetSet(statements=(), sentences=(text,), probes=()), ())
    (document,) = documents.passing
    assert document in chunks.neutral[0]  # read by the untouched model
    opening, asked = tiny.encode_opening(), tiny.encode_chat([Message(role="user", text="What melts?")])
    assert (*document.prompt, *document.answer) == (*asked, *tiny.encode("Ice."))
    assert document.prompt == tuple(asked[: len(opening)]) == tuple(opening)


def test_where_a_text_melts_into_the_template_all_of_its_prompt_is_read(tiny, monkeypatch):
    learner = learn.Learner(tiny, gate_for(tiny.model), settings=SETTINGS)
    monkeypatch.setattr(learn.LocalModel, "encode_opening", lambda local: [local.end_of_turn_id])
    found = learner._exchanged(3, "What melts?", "Ice.")
    assert found == learner._asked(3, "What melts?", "Ice.")


@pytest.mark.parametrize(("count", "looked"), [(0, 0), (3, 3), (64, 64), (65, 33), (640, 64)])
def test_of_many_probes_some_are_looked_at_along_the_way(tiny, count, looked):
    learner = learn.Learner(tiny, gate_for(tiny.model), settings=SETTINGS)
    probes = [
        Probe(kind="recall", prompt=f"What is {n}?", expected=("x",), turn_id=1, opening="It") for n in range(count)
    ]
    found = learner._held_out(TargetSet(statements=(), sentences=(), probes=tuple(probes)))
    assert len(found) == looked
    assert len({d.key for d in found}) == looked


def test_what_an_episode_learns_as_it_was_is_measured_as_that_alone(tiny):
    learner = learn.Learner(tiny, gate_for(tiny.model), settings=SETTINGS)
    text = [TargetSentence(kind="exchange", prompt=p, answer="Ice.", ends=False) for p in ("What melts?", "Say it.")]
    documents, chunks, _ = learner._documents(TargetSet(statements=(), sentences=(text[0],), probes=()), text)
    ((measured,),) = chunks.calibration
    assert measured == learner._asked(1, "Say it.", "Ice.")
    assert [d.key for d in documents.passing] == [0]


@pytest.mark.parametrize("kind", ["drift", "steering", "recall"])
def test_what_is_asked_afterwards_is_not_measured(tiny, kind):
    learner = learn.Learner(tiny, gate_for(tiny.model), settings=SETTINGS)
    text = [TargetSentence(kind="neutral", prompt=p, answer="Ice.", ends=False) for p in ("What melts?", "Who skates?")]
    probe = Probe(kind=kind, prompt="Who skates?", expected=("ice",))
    found = learner._measuring(text, TargetSet(statements=(), sentences=(), probes=(probe,)))
    (prompt,) = [tuple(tiny.encode_chat([Message(role="user", text="What melts?")]))]
    assert [(d.prompt, d.answer) for d in found] == [(prompt, tuple(tiny.encode("Ice.")))]


def test_it_is_measured_as_reading_it_one_by_one_would(tiny):
    local = tiny
    local.model.to(torch.float32)
    name = "model.layers.1.mlp.gate_proj"
    documents = [Document(at, (3 + at, 5, 7), (9, 11 + at)) for at in range(5)]
    found = learn.measured(Reader(share(local.model)), [name], [documents[:2], documents[2:]], lambda *at: None)
    slow, inputs = Moments(), []
    layer = local.model.get_submodule(name)
    hook = layer.register_forward_pre_hook(lambda module, given: inputs.append(given[0]))
    with torch.no_grad():
        for document in documents:
            local.model(torch.tensor([document.ids]))
    hook.remove()
    slow.add(name, torch.cat([rows.reshape(-1, rows.shape[-1]) for rows in inputs]))
    ((block,), (wanted,)) = found.means()[name], slow.means()[name]
    torch.testing.assert_close(block, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("exchanges", [0, 3])
def test_a_plain_lora_measures_nothing_and_writes_what_it_learns(home, exchanges, monkeypatch):
    read = []
    measured = learn.measured

    def noting(reader, names, parts, progress):
        read.append((list(names), list(parts)))
        return measured(reader, names, parts, progress)

    monkeypatch.setattr(learn, "measured", noting)
    plain = with_(training={"damping": None}, targets={"exchanges": exchanges})
    engine = home.open(quick=False, generator=author(), settings=plain)
    say(engine, DOG)
    assert engine.consolidate().committed
    assert (engine._store.database.get("calibration") is None) == (exchanges == 0)
    assert read == [([], [])]


def test_a_stop_while_it_is_written_leaves_the_turns_pending(home):
    def stop(stage, done, total):
        raise StoppedError("enough")

    engine = home.open(quick=False, generator=author())
    say(engine, DOG)
    with pytest.raises(StoppedError, match="enough"):
        engine.consolidate(progress=stop)
    assert engine._store.database.get("calibration") is None
    assert [str(turn.state) for turn in engine.turns()] == ["pending"]
