"""Constraints: a model that calls a tool can write nothing but a call that fits the tool's schema.

In comes a JSON schema, out goes a logits processor that leaves only tokens which can still lead to a text of that
schema. The work is llguidance's; it knows nothing of tools.
"""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Mapping
from typing import Any

import torch

from langchain_selfparam.errors import ConfigError
from langchain_selfparam.model import LocalModel

_tokenizers: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
_lock = threading.Lock()
_OPTIONS: Any = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
    # Keywords that it does not know, such as uniqueItems, are left out; oneOf is read as anyOf.
    "lenient": True,
    "coerce_one_of": True,
}


class JsonConstraint:
    """Leaves tokens that go on with JSON of a schema; once that is complete, only the end of the turn.

    Args:
        local: The model; its tokenizer has to be a fast one.
        schema: A JSON schema; what llguidance does not know of it is left out.
        behind: Text behind which it begins to hold, each time anew; from the first token on where empty. Then the
            answer goes on freely after the JSON.

    Raises:
        ConfigError: The schema or the tokenizer cannot be used.
    """

    def __init__(self, local: LocalModel, schema: Mapping[str, Any], *, behind: str = "") -> None:
        from llguidance import LLMatcher

        self._behind = behind
        self._local = local
        self._grammar = LLMatcher.grammar_from_json_schema(json.dumps(schema), overrides=_OPTIONS)
        self._matcher = self._fresh()
        if self._matcher.is_error():
            msg = f"a tool's schema cannot be used: {self._matcher.get_error()}"
            raise ConfigError(msg)
        self._active = not behind
        self._prompt: int | None = None
        self._seen = 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores [1, V] float32 with -inf for tokens that lead nowhere."""
        ids = input_ids[0].tolist()
        if self._prompt is None:
            self._prompt = self._seen = len(ids)
        for token in ids[self._seen :]:
            if self._active:
                self._matcher.consume_token(token)
        self._seen = len(ids)
        if self._behind:
            self._switch(ids[self._prompt :])
        if not self._active:
            return scores
        allowed = torch.frombuffer(bytearray(self._matcher.compute_logit_bias()), dtype=torch.uint8)
        hidden = torch.ones(scores.shape[-1], dtype=torch.bool)
        hidden[: len(allowed)] = allowed[: scores.shape[-1]] == 0
        if bool(hidden.all()):
            msg = f"no token leads on from here: {self._matcher.get_error() or 'the text is complete'}"
            raise ConfigError(msg)
        return scores.masked_fill(hidden.to(scores.device)[None], -torch.inf)

    def _fresh(self) -> Any:
        from llguidance import LLMatcher

        return LLMatcher(_wrapped(self._local), self._grammar)

    def _switch(self, written: list[int]) -> None:
        if self._active:
            self._active = not self._matcher.is_stopped()
        elif written:
            text = str(self._local.tokenizer.decode(written, skip_special_tokens=False))
            if text.endswith(self._behind):
                self._matcher, self._active = self._fresh(), True


def _wrapped(local: LocalModel) -> Any:
    """The model's tokenizer as llguidance takes it; a second's work, done once."""
    from llguidance import hf

    from_tokenizer: Any = hf.from_tokenizer
    with _lock:
        if local.tokenizer not in _tokenizers:
            try:
                made = from_tokenizer(local.tokenizer, n_vocab=local.vocabulary, eos_token=local.end_of_turn_id)
            except ValueError as error:
                msg = f"calls of {local.name} cannot be constrained: {error}; a fast tokenizer is needed"
                raise ConfigError(msg) from error
            _tokenizers[local.tokenizer] = made
        return _tokenizers[local.tokenizer]
