"""An exported adapter is what the memory has learned, to any program that loads PEFT folders."""

import errno
import json
import re

import pytest
import torch
from peft import AutoPeftModelForCausalLM, PeftModel

from langchain_selfparam.errors import ConfigError, FolderError
from langchain_selfparam.loading import load
from langchain_selfparam.testing import tiny_model
from langchain_selfparam.weights import export
from langchain_selfparam.weights.delta import Delta
from langchain_selfparam.weights.export import export_peft
from langchain_selfparam.weights.merge import ExactWeights


@pytest.fixture
def deltas(tiny, make_delta):
    return [make_delta(tiny.model, 1, rank=3), make_delta(tiny.model, 2, rank=5)]


def _logits(model):
    with torch.no_grad():
        return model(input_ids=torch.arange(1, 32)[None]).logits


def _partial(deltas):
    first, second = deltas
    return [first, Delta(dict(list(second.layers.items())[:3]))]


@pytest.mark.parametrize("choose", [lambda deltas: deltas, lambda deltas: deltas[:1], _partial])
def test_peft_loads_it_and_says_the_same(tmp_path, tiny, deltas, choose):
    deltas = choose(deltas)
    folder = export_peft(tmp_path / "adapter", deltas=deltas, base_name=tiny.name)
    exact = ExactWeights(tiny.model)
    base = _logits(tiny.model)
    exact.install(tiny.model, exact.candidate(deltas))
    served = _logits(tiny.model)
    adapted = _logits(PeftModel.from_pretrained(tiny_model().model, folder))
    assert not torch.allclose(base, served, atol=0.1)
    torch.testing.assert_close(adapted, served, rtol=1e-4, atol=1e-4)


def test_config_says_what_others_need(tmp_path, tiny, deltas):
    folder = export_peft(tmp_path / "deep" / "adapter", deltas=deltas, base_name="org/base", revision="abc")
    config = json.loads((folder / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == ("org/base", "abc")
    assert (config["r"], config["lora_alpha"]) == (8, 8)
    assert (config["use_dora"], config["modules_to_save"], config["bias"]) == (False, None, "none")
    assert sorted(p.name for p in folder.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    assert [p.name for p in folder.parent.iterdir()] == ["adapter"]


def test_an_adapter_names_a_base_that_can_be_loaded(tmp_path, tiny, deltas, monkeypatch):
    tiny.model.save_pretrained(tmp_path / "base")
    tiny.tokenizer.save_pretrained(tmp_path / "base")
    monkeypatch.chdir(tmp_path)
    local = load("base")
    folder = export_peft(tmp_path / "adapter", deltas=deltas, base_name=local.source, revision=local.revision)
    monkeypatch.chdir("/")
    adapted = AutoPeftModelForCausalLM.from_pretrained(folder)
    exact = ExactWeights(local.model)
    exact.install(local.model, exact.candidate(deltas))
    torch.testing.assert_close(_logits(adapted), _logits(local.model), rtol=1e-4, atol=1e-4)


def test_folder_with_files_is_refused_and_an_empty_one_taken(tmp_path, tiny, deltas):
    folder = tmp_path / "adapter"
    folder.mkdir()
    assert export_peft(str(folder), deltas=deltas, base_name="b") == folder
    before = (folder / "adapter_model.safetensors").read_bytes()
    with pytest.raises(FolderError, match=rf"{re.escape(str(folder))} is there and not an empty folder"):
        export_peft(folder, deltas=deltas[:1], base_name="b")
    assert (folder / "adapter_model.safetensors").read_bytes() == before


def test_nothing_learned_is_nothing_to_export(tmp_path):
    with pytest.raises(ConfigError, match=rf"no adapter to write to {re.escape(str(tmp_path))}/adapter; consol"):
        export_peft(tmp_path / "adapter", deltas=[], base_name="b")
    assert list(tmp_path.iterdir()) == []


def test_full_disk_leaves_no_folder(tmp_path, deltas, monkeypatch):
    def full(path, data):
        if path.name.endswith(".safetensors"):
            raise OSError(errno.ENOSPC, "No space left on device")
        path.write_bytes(data)

    monkeypatch.setattr(export, "write_whole", full)
    with pytest.raises(FolderError, match=r"adapter could not be written \(No space left on device\)"):
        export_peft(tmp_path / "adapter", deltas=deltas, base_name="b")
    assert list(tmp_path.iterdir()) == []
