"""One line of text for each thing that the doctor looks at."""

import mmap

import pytest

from langchain_selfparam.errors import UnsupportedModelError
from langchain_selfparam.evaluation import machine
from langchain_selfparam.testing import tiny_model


def test_versions_are_named():
    assert machine.package().startswith("langchain-selfparam ")
    assert "torch " in machine.libraries()
    assert "langchain-core " in machine.libraries()


def test_hardware_is_one_line():
    assert " cores, " in machine.hardware()
    assert "\n" not in machine.hardware()


def test_hardware_says_where_models_are_widened(monkeypatch):
    monkeypatch.setattr(machine, "multiplies_half", lambda: False)
    assert "no products of bfloat16 (models are loaded in float32)" in machine.hardware()
    monkeypatch.setattr(machine, "multiplies_half", lambda: True)
    assert "float32" not in machine.hardware()


def test_a_model_is_loaded_and_checked(monkeypatch):
    seen = {}
    monkeypatch.setattr(machine, "load", lambda name, **how: seen.update(how) or tiny_model(name))
    local, text = machine.model("llama", dtype="float32", revision="v2", device="cpu")
    assert local.name == "tiny-llama-0"
    assert text.startswith("tiny-llama-0, 0 M parameters, float32, 512 tokens, on cpu")
    assert seen == {"dtype": "float32", "revision": "v2", "device": "cpu"}


def test_a_model_that_cannot_be_learned_into_is_refused(monkeypatch):
    local = tiny_model()
    local.model.config.is_encoder_decoder = True
    monkeypatch.setattr(machine, "load", lambda name, **how: local)
    with pytest.raises(UnsupportedModelError, match="it is an encoder-decoder model"):
        machine.model("llama")


def test_the_peak_is_of_what_came_after():
    size = 2**26
    before = machine.Peak()
    # Of the system's own: what an allocator gets back it may keep.
    with mmap.mmap(-1, size) as large:
        large.write(b"x" * size)
        high = before.bytes
    assert high >= size
    assert machine.Peak().bytes < high - size // 2


def test_the_peak_where_the_system_does_not_set_it_back_is_what_it_grew(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "_PROCESS", tmp_path / "none")
    peaks = iter([100, 130])
    monkeypatch.setattr(machine, "_largest", lambda: next(peaks))
    assert machine.Peak().bytes == 30
