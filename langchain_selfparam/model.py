"""What is asked of a Hugging Face model: its parts, its chat template, what it cannot be used for.

In come a model and its tokenizer, out goes a ``LocalModel``. It knows nothing of memories, versions or LangChain, and
it changes no weights. ``loading`` has it from a name, a folder or a file.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import hashlib
import json
import types
import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from langchain_selfparam.errors import InputError, UnsupportedModelError
from langchain_selfparam.records import Calling, Message, ToolResult, texts_changed
from langchain_selfparam.words import storable

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_SAMPLES = 4096
_SOFTCAPS = ("final_logit_softcapping", "logits_soft_cap", "output_logit_soft_cap")
_MULTIPLIERS = ("logit_scale", "lm_head_multiplier")
_DIVISORS = ("logits_scaling",)
_ESSENTIALS = (
    "model_type",
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
)
_KINDS = frozenset({"full_attention", "sliding_attention", "chunked_attention"})
"""Kinds of layers in which what a token sees is what its mask says."""
_RECURRENT = frozenset({"rwkv", "xlstm"})
"""Models of other layers whose configuration names no kinds."""
_FORWARDS = ("forward", "_old_forward")
"""What a module's own dictionary may have before its class's ``forward``; accelerate keeps the former one beside it."""
_PLAIN_ATTENTION = frozenset({"llama", "qwen2", "qwen3", "mistral", "olmo2", "smollm3"})


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class LocalModel:
    """A causal language model and its tokenizer, on this machine.

    Raises:
        TypeError: ``model`` is not a transformers model, or ``tokenizer`` not a tokenizer.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    name: str = ""
    """What a person would call it: hub id, folder name or file name; taken from the model where empty."""
    source: str = ""
    """What loads it again: hub id or absolute folder; taken from the model where empty."""

    def __post_init__(self) -> None:
        if not (isinstance(self.model, nn.Module) and hasattr(self.model, "generate")):
            msg = f"the model is a {type(self.model).__qualname__}; a transformers causal model is needed"
            raise TypeError(msg)
        if not hasattr(self.tokenizer, "apply_chat_template"):
            msg = f"the tokenizer is a {type(self.tokenizer).__qualname__}; a transformers one is needed"
            raise TypeError(msg)
        found = str(getattr(self.model, "name_or_path", "") or "")
        path = Path(found)
        is_path = bool(found) and (path.is_absolute() or path.exists())
        if not self.name:
            # A path names the model by its last part, so that moving a folder does not rename the model.
            object.__setattr__(self, "name", path.name if is_path else found or self.config.model_type)
        if not self.source:
            object.__setattr__(self, "source", str(path.absolute()) if is_path else found or self.name)

    def __repr__(self) -> str:
        return f"LocalModel({self.name!r})"

    @property
    def revision(self) -> str | None:
        """The commit that was loaded from the hub; ``None`` for a folder, which has none."""
        commit: str | None = getattr(self.model.config, "_commit_hash", None)
        return None if Path(self.source).is_absolute() else commit

    @property
    def config(self) -> Any:
        """The model's configuration, that of the text part where it has several."""
        return self.model.config.get_text_config(decoder=True)

    @property
    def decoder(self) -> nn.Module:
        """The body without the language-model head; gives post-norm hidden states [B, T, D]."""
        decoder: nn.Module = self.model.get_decoder()
        base: nn.Module = self.model.base_model
        return decoder if decoder is not self.model else base

    @property
    def head(self) -> nn.Linear:
        """The language-model head, weight [V, D].

        Raises:
            UnsupportedModelError: There is none, or it is something else than a linear layer.
        """
        head = self.model.get_output_embeddings()
        if not isinstance(head, nn.Linear):
            msg = f"the head of {self.name} is a {type(head).__qualname__}; an nn.Linear is needed"
            raise UnsupportedModelError(msg)
        return head

    @property
    def device(self) -> torch.device:
        """Where the token ids go."""
        device: torch.device = self.model.device
        return device

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        dtype: torch.dtype = self.model.dtype
        return dtype

    @property
    def context_window(self) -> int:
        """Most tokens of prompt and answer together; very large where nothing limits it."""
        limit = getattr(self.config, "max_position_embeddings", None) or self.tokenizer.model_max_length
        return int(limit)

    @property
    def logit_softcap(self) -> float | None:
        """The soft cap on the logits, or ``None``."""
        return next((float(v) for n in _SOFTCAPS if (v := getattr(self.config, n, None))), None)

    @property
    def logit_scale(self) -> float:
        """What the head's output is multiplied with, as configured; 1 for most models."""
        for name in (*_MULTIPLIERS, *_DIVISORS):
            value = getattr(self.config, name, None)
            if value is not None and float(value) not in (0.0, 1.0):
                return float(value) if name in _MULTIPLIERS else 1.0 / float(value)
        return 1.0

    @cached_property
    def has_chat_template(self) -> bool:
        """Whether the tokenizer has a chat template; without one a plain one is used, with a warning once."""
        if self.tokenizer.chat_template:
            return True
        msg = (
            f"{self.name} has no chat template: prompts are written as 'User: …' and 'Assistant: …' lines; "
            "set tokenizer.chat_template, or use an instruction-tuned model"
        )
        warnings.warn(msg, UserWarning, stacklevel=3)
        return False

    @property
    def vocabulary(self) -> int:
        """Tokens that the head gives a logit for."""
        return int(self.head.weight.shape[0])

    @property
    def stop_strings(self) -> tuple[str, ...]:
        """Strings that end an answer beside the end-of-turn token; only the plain template needs one."""
        return () if self.has_chat_template else ("\nUser:",)

    @cached_property
    def end_of_turn_id(self) -> int:
        """The token that ends an assistant's turn under the chat template, else the end-of-text token.

        Returns:
            Its id.

        Raises:
            UnsupportedModelError: Neither exists.
        """
        answer = "selfparam-sentinel"
        turn = (Message(role="user", text="Hello"), Message(role="assistant", text=answer))
        _, found_answer, tail = self._render(turn, add_generation_prompt=False).rpartition(answer)
        ids = self.encode(tail) if found_answer else []
        special = {*self.tokenizer.all_special_ids, *self.tokenizer.added_tokens_decoder}
        found = next((i for i in ids if i in special), self.tokenizer.eos_token_id)
        if found is None:
            msg = f"{self.name} has no end-of-turn and no end-of-text token; set tokenizer.eos_token"
            raise UnsupportedModelError(msg)
        return int(found)

    def encode(self, text: str, *, add_special_tokens: bool = False) -> list[int]:
        """Token ids of ``text`` alone; ``add_special_tokens`` puts around it what the tokenizer would."""
        return list(self.tokenizer(storable(text), add_special_tokens=add_special_tokens, verbose=False)["input_ids"])

    def as_said(self, text: str) -> str:
        """The text without special tokens: where somebody writes one, such as ``<|im_end|>``, it is no turn's end.

        Args:
            text: What somebody said.

        Returns:
            The text, a blank in each that stood in it.
        """
        for token in self._special_tokens:
            text = text.replace(token, f"{token[0]} {token[1:]}")
        return text

    def as_said_in(self, messages: Sequence[Message]) -> list[Message]:
        """Messages of which every text, arguments of calls among them, is ``as_said``."""
        return [m if (said := texts_changed(m, self.as_said)) == m else said for m in messages]

    @cached_property
    def _special_tokens(self) -> tuple[str, ...]:
        # Marks of roles have no part of their own in many tokenizers: they are among the added ones alone.
        added = (str(token) for token in self.tokenizer.added_tokens_decoder.values() if token.special)
        return tuple(token for token in dict.fromkeys((*self.tokenizer.all_special_tokens, *added)) if len(token) > 1)

    def count_tokens(self, text: str) -> int:
        """Tokens in ``text`` alone, without special tokens around it."""
        return len(self.encode(text))

    def encode_chat(
        self,
        messages: Sequence[Message],
        *,
        add_generation_prompt: bool = True,
        tools: Sequence[Mapping[str, Any]] = (),
        said: bool = False,
    ) -> list[int]:
        """Token ids of a conversation under the model's chat template.

        Args:
            messages: The conversation. With ``add_generation_prompt`` an assistant's message at the end is
                left open, so that the model goes on writing it.
            add_generation_prompt: Whether the assistant is to write next; ``False`` closes the last message.
            tools: OpenAI function schemas, for a template that knows tools (see ``serving.tools``).
            said: Whether what was said in them is ``as_said`` already: special tokens that are left count as such.

        Returns:
            The ids, special tokens included.

        Raises:
            InputError: There is no message, or the template refuses these roles.
        """
        if not messages:
            msg = "there are no messages; at least one is needed to write a prompt"
            raise InputError(msg)
        if not said:
            messages, tools = self.as_said_in(messages), texts_changed(tools, self.as_said)
        last = messages[-1]
        is_open = add_generation_prompt and last.role == "assistant" and not isinstance(last, Calling)
        closed = messages[:-1] if is_open else messages
        text = self._render(closed, add_generation_prompt=add_generation_prompt, tools=tools)
        if is_open:
            text += last.text
        # A template writes its own first token; plain text needs the tokenizer's.
        return self.encode(text, add_special_tokens=not self.has_chat_template)

    def encode_opening(self) -> list[int]:
        """Token ids of a conversation up to where the user's first message begins; never none.

        A model that goes on from there writes what users say to it (Magpie, arXiv 2406.08464).
        """
        # A blank belongs to the word that follows it.
        ids = self.encode(self._around_user[0].rstrip(" "), add_special_tokens=not self.has_chat_template)
        return ids or [self.end_of_turn_id]

    @property
    def user_stop_strings(self) -> tuple[str, ...]:
        """What ends a user's message under the chat template, such as ``[/INST]``; empty where that is a line's end."""
        return tuple(self._around_user[1].split()[:1])

    @cached_property
    def _around_user(self) -> tuple[str, str]:
        """What stands before and after a conversation's only message, of the user."""
        mark = "\u2042"  # nothing that a template says itself
        before, _, after = self._render([Message(role="user", text=mark)], add_generation_prompt=False).partition(mark)
        return before, after

    def _render(
        self, messages: Sequence[Message], *, add_generation_prompt: bool, tools: Sequence[Mapping[str, Any]] = ()
    ) -> str:
        if not self.has_chat_template:
            return self._render_plain(messages, add_generation_prompt=add_generation_prompt)
        from jinja2 import TemplateError

        if not messages:
            msg = "an assistant's message to continue stands alone; a user's message is needed before it"
            raise InputError(msg)
        try:
            return self._apply_template(messages, add_generation_prompt, tools)
        except TemplateError as error:
            if messages[0].role == "system":
                # Some templates know no system role and want its text in front of the first question.
                bare = _without_system(messages)
                return self._render(bare, add_generation_prompt=add_generation_prompt, tools=tools)
            roles = ", ".join(m.role for m in messages)
            msg = f"the chat template of {self.name} refuses messages of the roles {roles}: {error}"
            raise InputError(msg) from error

    def _apply_template(
        self, messages: Sequence[Message], add_generation_prompt: bool, tools: Sequence[Mapping[str, Any]]
    ) -> str:
        chat = [_as_template_takes_it(m) for m in messages]
        given: dict[str, Any] = {"tools": [dict(tool) for tool in tools]} if tools else {}
        text: str = self.tokenizer.apply_chat_template(
            chat, tokenize=False, add_generation_prompt=add_generation_prompt, **given
        )
        return text

    def _render_plain(self, messages: Sequence[Message], *, add_generation_prompt: bool) -> str:
        # The end-of-text token closes an answer: the end of a turn needs a token that can be learned.
        end = self.tokenizer.eos_token or ""
        lines = [
            f"Assistant: {m.text}{end}" if m.role == "assistant" else f"{m.role.capitalize()}: {m.text}"
            for m in messages
        ]
        if not add_generation_prompt:
            return "\n".join(lines)
        return "\n".join([*lines, "Assistant: "])

    def finish(self, logits: torch.Tensor) -> torch.Tensor:
        """Scale and cap what the head gives, as the model does; fp32, of the same shape."""
        logits = logits.float()
        if self.logit_scale != 1.0:
            logits = logits * self.logit_scale
        cap = self.logit_softcap
        return logits if cap is None else cap * torch.tanh(logits / cap)

    def require_trainable(self) -> None:
        """Refuse a model whose distillation would not be exact.

        Raises:
            UnsupportedModelError: The text says what stands in the way.
        """
        checks = (self._weights_problem, self._adapter_problem, self._config_problem, self._layers_problem)
        for check in (*checks, self._head_problem):
            if problem := check():
                msg = f"{self.name} cannot be learned into: {problem}"
                raise UnsupportedModelError(msg)

    def _weights_problem(self) -> str | None:
        for name, parameter in self.model.named_parameters():
            if parameter.is_meta:
                return f"parameter {name} has no values (meta device); load the model without offloading"
            if not parameter.is_floating_point() or parameter.element_size() < 2:
                return (
                    f"parameter {name} is quantised ({parameter.dtype}); floating-point weights of at least "
                    "16 bits are needed: load the model without a quantization_config"
                )
            if parameter.element_size() > 4:
                return (
                    f"parameter {name} is {parameter.dtype}; weights of at most 32 bits are needed, since what is "
                    "learned is added up in 64 and rounded: load the model with dtype=torch.float32"
                )
        return None

    def _adapter_problem(self) -> str | None:
        adapted = [name for name, m in self.model.named_modules() if type(m).__module__.startswith("peft.")]
        head = next((name for name in adapted if name.rpartition(".")[2] in {"lm_head", "embed_out"}), None)
        if head is not None:
            return f"its head {head} is trained by an adapter; it has to stay frozen: merge_and_unload() first"
        if adapted:
            where = adapted[0] or type(self.model).__name__
            return f"it carries a PEFT adapter ({where}); hand over the plain model: merge_and_unload() first"
        return None

    def _config_problem(self) -> str | None:
        if self.model.config.is_encoder_decoder:
            return "it is an encoder-decoder model; a decoder-only model is needed"
        kinds = set(getattr(self.config, "layer_types", None) or ()) | (_RECURRENT & {self.config.model_type})
        if other := sorted(kinds - _KINDS):
            return (
                f"it has layers of the kinds {', '.join(other)}, in which texts that are learned beside each other run "
                f"into one another; a model with {', '.join(sorted(_KINDS))} alone is needed"
            )
        return None

    def _layers_problem(self) -> str | None:
        head, embeddings = self.model.get_output_embeddings(), self.model.get_input_embeddings()
        layers = [m for m in self.model.modules() if m is not head and m is not embeddings]
        if any(isinstance(m, nn.Linear) for m in layers):
            return None
        kinds = {type(m).__name__ for m in layers if getattr(getattr(m, "weight", None), "ndim", 0) > 1}
        return (
            "beside its head it has no nn.Linear, and only those learn; its layers are "
            f"{', '.join(sorted(kinds)) or 'of no weights'}: use a model with linear layers, such as a Llama or a Qwen"
        )

    def _head_problem(self) -> str | None:
        """Compare the model's logits with its head on its body: finds what no configuration field names."""
        head = self.head
        ids_BT = torch.arange(min(4, int(self.config.vocab_size)), device=self.device)[None]
        with torch.no_grad():
            logits_BTV = self.model(input_ids=ids_BT, use_cache=False).logits
            hidden_BTD = self.decoder(input_ids=ids_BT, use_cache=False).last_hidden_state
            expected_BTV = self.finish(head(hidden_BTD.to(head.weight.device, head.weight.dtype)))
        found, needed = logits_BTV.float().cpu(), expected_BTV.float().cpu()
        slack = 0.02 * needed.std().item()
        if found.shape == needed.shape and torch.allclose(found, needed, rtol=0.02, atol=slack):
            return None
        return (
            "its logits are not its head on its last hidden state, scaled by "
            f"{self.logit_scale:g} and capped at {self.logit_softcap} as it is configured; the objective needs that"
        )

    def fingerprint(self) -> str:
        """Identify the weights without reading all of them.

        Taken over names, shapes, types and about 4,096 evenly spaced elements of each tensor, bit by bit, and
        the sizes in the configuration. The same in every process.

        Returns:
            A sha256 as 64 hexadecimal digits.
        """
        digest = hashlib.sha256()
        essentials = {name: getattr(self.config, name, None) for name in _ESSENTIALS}
        digest.update(json.dumps(essentials, sort_keys=True).encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
            flat = tensor.detach().reshape(-1)
            sample = flat[:: max(1, flat.numel() // _SAMPLES)].contiguous().cpu()
            digest.update(sample.view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()


def has_window(config: Any) -> bool:
    """Whether some layers look back only so far; Mistral's configuration names a window and no kinds of layers."""
    kinds = set(getattr(config, "layer_types", None) or ())
    return not kinds <= {"full_attention"} if kinds else getattr(config, "sliding_window", None) is not None


def has_plain_attention(config: Any) -> bool:
    """Whether attention is softmax(q k.T) v over everything before, and nothing else, for all that is known."""
    return not has_window(config) and config.model_type in _PLAIN_ATTENTION


def share(model: Any) -> Any:
    """A second module over the same tensors: no weight is copied, and neither module's layers are the other's.

    A ``forward`` that was put onto a module, as accelerate's hooks are, is the copy's own in the copy. Where it cannot
    be, since it is a function that has the original in it, as a compiled one is, the copy has its class's instead.

    Args:
        model: A causal language model; it is not changed.

    Returns:
        The copy, about a megabyte of its own.
    """
    memo: dict[int, Any] = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    # A generate that was wrapped to take the gate belongs to the served instance alone: share the class's own.
    if (generate := vars(model).get("generate")) is not None:
        memo[id(generate)] = generate
    twin = copy.deepcopy(model, memo=memo)
    vars(twin).pop("generate", None)
    originals = {id(vars(module).get(name)) for module in model.modules() for name in _FORWARDS}
    for module in twin.modules():
        for name in _FORWARDS:
            found = vars(module).get(name)
            if found is None or not (id(found) in originals or _is_anothers(found, module)):
                continue
            del vars(module)[name]
            if name != "forward":  # called by the hook, which is the copy's own
                vars(module)[name] = types.MethodType(type(module).forward, module)
    return twin


def _is_anothers(forward: Any, module: Any) -> bool:
    """Whether a copied ``forward`` is a function that was given no module: copying does not reach what is in it."""
    if not isinstance(forward, functools.partial) or any(argument is module for argument in forward.args):
        return False
    return isinstance(forward.func, types.FunctionType) or _is_anothers(forward.func, module)


def _as_template_takes_it(message: Message) -> dict[str, Any]:
    plain: dict[str, Any] = {"role": message.role, "content": message.text}
    if isinstance(message, Calling):
        plain["tool_calls"] = [
            {"type": "function", "id": call.id, "function": {"name": call.name, "arguments": dict(call.arguments)}}
            for call in message.calls
        ]
    if isinstance(message, ToolResult):
        plain |= {"name": message.name, "tool_call_id": message.call_id}
    return plain


def _without_system(messages: Sequence[Message]) -> list[Message]:
    system, rest = messages[0], list(messages[1:])
    if rest and rest[0].role == "user":
        return [Message(role="user", text=f"{system.text}\n\n{rest[0].text}"), *rest[1:]]
    return [Message(role="user", text=system.text), *rest]
