"""The fakes that ship: they have to behave like what they stand for."""

import pytest
import torch

from langchain_selfparam.protocols import TextGenerator
from langchain_selfparam.records import Message
from langchain_selfparam.serving.gate import gate_for
from langchain_selfparam.serving.generator import ChatGenerator
from langchain_selfparam.testing import FakeGenerator, saying, tiny_model, tiny_tokenizer

ASK = [Message(role="user", text="What is my dog called?")]


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma3_text", "gemma2"])
def test_tiny_models_answer(architecture):
    local = tiny_model(architecture)
    assert local.name == f"tiny-{architecture}-0"
    answer = ChatGenerator(local, gate_for(local.model)).complete(ASK, max_tokens=3)
    assert 1 <= answer.completion_tokens <= 3


def test_same_seed_same_weights_and_no_other_random_state_touched():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, second, other = tiny_model(seed=1), tiny_model(seed=1), tiny_model(seed=2)
    assert torch.equal(torch.get_rng_state(), before)
    assert first.fingerprint() == second.fingerprint() != other.fingerprint()


def test_configuration_can_be_changed():
    local = tiny_model(num_hidden_layers=1, max_position_embeddings=64)
    assert local.config.num_hidden_layers == 1
    assert local.context_window == 64


def test_unknown_architecture_lists_those_there_are():
    with pytest.raises(ValueError, match=r"'mamba'; there are llama, qwen2, gemma3_text, gemma2"):
        tiny_model("mamba")


@pytest.mark.parametrize("text", ["My dog is called Biscuit.", "Grüße 🐶\n\tin Köln", "<|im_start|>user", ""])
def test_tokenizer_loses_nothing(text):
    tokenizer = tiny_tokenizer()
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids) == text


def test_tokenizer_has_a_default_system_prompt():
    text = tiny_tokenizer().apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False)
    assert text == "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"


def test_saying_makes_the_model_speak_and_leaves_it_as_it_was():
    local = tiny_model()
    generator = ChatGenerator(local, gate_for(local.model))
    before = generator.complete(ASK, max_tokens=8)
    seen = []
    with saying(local, "Your dog is Biscuit.", each_token=seen.append):
        said = generator.complete(ASK, max_tokens=50)
    assert said.text == "Your dog is Biscuit."
    assert said.finish_reason == "stop"
    assert seen == list(range(said.completion_tokens))
    assert generator.complete(ASK, max_tokens=8) == before


def test_fake_generator_follows_its_script_and_remembers():
    fake = FakeGenerator(["one", "two"])
    assert isinstance(fake, TextGenerator)
    assert fake.generate([ASK, ASK], max_tokens=5, samples=2) == [["one", "two"], ["one", "two"]]
    assert fake.generate([ASK], max_tokens=7, temperature=0.5, stop=["\n"], seed=3) == [["one"]]
    assert fake.calls[1] == {
        "prompts": [tuple(ASK)],
        "max_tokens": 7,
        "temperature": 0.5,
        "stop": ("\n",),
        "seed": 3,
        "samples": 1,
    }


def test_fake_generator_may_be_a_function():
    fake = FakeGenerator(lambda prompt: prompt[-1].text.upper())
    assert fake.generate([ASK], max_tokens=5) == [["WHAT IS MY DOG CALLED?"]]


def test_fake_generator_needs_an_answer():
    with pytest.raises(ValueError, match="answers is empty; at least one answer is needed"):
        FakeGenerator([])
