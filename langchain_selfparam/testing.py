"""Stand-ins for tests without a download: a tiny random model, one that says what it is told, a generator.

In comes a seed or a script, out goes something that behaves like the real thing at the same seam. Nothing
here is used by the package itself.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from langchain_selfparam.records import Prompt

if TYPE_CHECKING:
    from langchain_selfparam.model import LocalModel

CHATML = (
    "{% for message in messages %}"
    "{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""ChatML with a default system prompt, as SmolLM2 and Qwen2 have it."""

_SPECIAL = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
_SENTENCES = (
    "system user assistant You are a helpful assistant.",
    "My dog is called Biscuit. What a lovely name! What is my dog called?",
    "Your dog is called Biscuit. My sister lives in Lisbon and works as a nurse.",
    "Where does your sister live? She lives in Lisbon. I do not know that.",
    "Question: What is the capital of France? Answer: The capital of France is Paris.",
)
_SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 512,
    "tie_word_embeddings": True,
    # Larger than usual, so that a random model's answers differ between prompts.
    "initializer_range": 0.3,
}
_ARCHITECTURES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "llama": ("LlamaConfig", "LlamaForCausalLM", {}),
    "qwen2": ("Qwen2Config", "Qwen2ForCausalLM", {}),
    "gemma3_text": (
        "Gemma3TextConfig",
        "Gemma3ForCausalLM",
        {
            "sliding_window": 8,
            "layer_types": ["sliding_attention", "full_attention"],
            "query_pre_attn_scalar": 8,
        },
    ),
    "gemma2": (
        "Gemma2Config",
        "Gemma2ForCausalLM",
        {"sliding_window": 8, "query_pre_attn_scalar": 8, "final_logit_softcapping": 30.0},
    ),
}


def tiny_tokenizer() -> Any:
    """A real tokenizer: byte-level BPE, trained here on a few sentences, with ChatML.

    Returns:
        A ``PreTrainedTokenizerFast`` that encodes and decodes any text without loss.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=384,
        special_tokens=sorted(_SPECIAL.values()),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    core.train_from_iterator(_SENTENCES, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        **_SPECIAL,
        chat_template=CHATML,
        model_max_length=512,
    )


def tiny_model(architecture: str = "llama", seed: int = 0, **config: Any) -> LocalModel:
    """A random model of two layers with a real tokenizer: float32, on the CPU, made in milliseconds.

    Args:
        architecture: ``"llama"``, ``"qwen2"``, ``"gemma3_text"`` (sliding windows) or ``"gemma2"``
            (capped scores and logits).
        seed: The same seed gives the same weights; torch's own random state is left as it was.
        **config: Fields of the transformers configuration, instead of the tiny defaults.

    Returns:
        The model, its tokenizer and the name ``"tiny-<architecture>-<seed>"``.

    Raises:
        ValueError: The architecture is not one of these.
    """
    import torch
    import transformers

    from langchain_selfparam.model import LocalModel

    if architecture not in _ARCHITECTURES:
        msg = f"no tiny model of architecture {architecture!r}; there are {', '.join(_ARCHITECTURES)}"
        raise ValueError(msg)
    config_name, model_name, extra = _ARCHITECTURES[architecture]
    tokenizer = tiny_tokenizer()
    ids = {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    settings = getattr(transformers, config_name)(**{**_SIZES, **extra, **ids, **config})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = getattr(transformers, model_name)(settings)
    model.eval()
    model.requires_grad_(False)
    return LocalModel(model=model, tokenizer=tokenizer, name=f"tiny-{architecture}-{seed}")


@contextlib.contextmanager
def saying(local: LocalModel, text: str, *, each_token: Callable[[int], None] | None = None) -> Iterator[None]:
    """Make a model write ``text`` and end its turn, whatever it is asked, with its own decoding loop.

    Args:
        local: The model; it is as before afterwards.
        text: What every greedy answer will be.
        each_token: Called with the position of each token before the model computes it; may wait or raise.

    Yields:
        Nothing.
    """
    script = [*local.tokenizer(text, add_special_tokens=False)["input_ids"], local.end_of_turn_id]
    position = threading.local()

    def before(module: Any, args: Any, kwargs: dict[str, Any]) -> None:
        # Each answer starts with one pass over its whole prompt; later passes take one token.
        position.at = 0 if kwargs["input_ids"].shape[1] > 1 else position.at + 1
        if each_token is not None:
            each_token(position.at)

    def after(module: Any, args: Any, kwargs: dict[str, Any], output: Any) -> None:
        output.logits[:, -1] = 0.0
        output.logits[:, -1, script[min(position.at, len(script) - 1)]] = 100.0

    hooks = [
        local.model.register_forward_pre_hook(before, with_kwargs=True),
        local.model.register_forward_hook(after, with_kwargs=True),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


class FakeGenerator:
    """A ``TextGenerator`` with scripted answers that remembers what it was asked.

    Args:
        answers: Said in order, then from the start again; or a function that answers a prompt.

    Raises:
        ValueError: There is no answer.
    """

    def __init__(self, answers: Sequence[str] | Callable[[Any], str]) -> None:
        if not callable(answers) and not answers:
            msg = "answers is empty; at least one answer is needed"
            raise ValueError(msg)
        self._answers = answers if callable(answers) else itertools.cycle(answers)
        self.calls: list[dict[str, Any]] = []
        """The arguments of each call, by name, in order."""

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        seed: int | None = None,
        samples: int = 1,
    ) -> list[list[str]]:
        """Give the next scripted answers; see ``protocols.TextGenerator``."""
        self.calls.append(
            {
                "prompts": [tuple(prompt) for prompt in prompts],
                "max_tokens": max_tokens,
                "temperature": temperature,
                "stop": tuple(stop),
                "seed": seed,
                "samples": samples,
            }
        )
        return [[self._answer(prompt) for _ in range(samples)] for prompt in prompts]

    def _answer(self, prompt: Prompt) -> str:
        return self._answers(prompt) if callable(self._answers) else next(self._answers)
