"""One answer as it is decoded: drawing a token, turning tokens into text, and knowing when to stop.

In come the scores and ids of each step of ``generate``, out go pieces of text. It knows nothing of models,
threads or the gate.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch

FinishReason = Literal["stop", "length", "cancelled"]
_BROKEN = "\ufffd"


@dataclasses.dataclass(frozen=True, slots=True)
class TokenLogprob:
    """How likely a token was where it was written.

    Attributes:
        token: Its text, perhaps half a character.
        logprob: Nats, before temperature and cuts.
        top: The likeliest tokens there with theirs, the first one first.
    """

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A part of an answer as it is written."""

    text: str
    tokens: int
    """New tokens since the piece before, the end-of-turn token included."""
    prompt_tokens: int
    finish_reason: FinishReason | None = None
    """Set on the last piece, and only there."""
    logprobs: tuple[TokenLogprob, ...] = ()
    """Of the tokens since the piece before, where they were asked for."""


class Recorder:
    """A logits processor that changes nothing and keeps how likely the tokens of the last step were.

    Args:
        tokenizer: Gives the tokens' texts.
        top: How many of the likeliest are kept beside the one that is taken.
    """

    def __init__(self, tokenizer: Any, top: int) -> None:
        self._tokenizer = tokenizer
        self._top = top
        self._logprobs_V: torch.Tensor | None = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Keep what ``scores`` [1, V] float32 say; gives them back."""
        self._logprobs_V = torch.log_softmax(scores[0].float(), -1)
        return scores

    def of(self, token: int) -> TokenLogprob:
        """The token that was taken in the last step."""
        assert self._logprobs_V is not None
        values, ids = self._logprobs_V.topk(self._top)
        likeliest = zip(ids.tolist(), values.tolist(), strict=True)
        return TokenLogprob(
            self._text(token), float(self._logprobs_V[token]), tuple((self._text(i), v) for i, v in likeliest)
        )

    def _text(self, token: int) -> str:
        return str(self._tokenizer.decode([token]))


class Sampler:
    """A logits processor that draws the token itself, from a random state of its own, and leaves only that.

    ``generate`` would draw from torch's global state, which all threads share: no seed could be repeated.
    """

    def __init__(self, warpers: Sequence[Any], seed: int | None, device: torch.device) -> None:
        self._warpers = warpers
        self._random = torch.Generator(device)
        self._random.manual_seed(int(torch.randint(2**62, ())) if seed is None else seed)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Draw from ``scores`` [1, V] float32; gives 0 for the token drawn and -inf for the others."""
        for warp in self._warpers:
            scores = warp(input_ids, scores)
        drawn = torch.multinomial(scores.softmax(-1), 1, generator=self._random)
        return torch.full_like(scores, -torch.inf).scatter(-1, drawn, 0.0)


@dataclasses.dataclass(kw_only=True, slots=True)
class Writer:
    """A stopping criterion that hands on each token as it is chosen; so it stops without one too many."""

    emit: Callable[[Piece], None]
    text: IncrementalText
    stop: StopStrings
    should_stop: Callable[[], bool]
    end_ids: frozenset[int]
    prompt_tokens: int
    reason: FinishReason | None = None
    unsaid: int = 0
    """Tokens taken since the last piece."""
    recorder: Recorder | None = None
    logprobs: list[TokenLogprob] = dataclasses.field(default_factory=list)
    """Of the tokens taken since the last piece."""

    def __call__(self, input_ids: torch.Tensor, scores: object, **_: object) -> torch.Tensor:
        """Take the last of ``input_ids`` [1, T] int64; gives whether to stop, [1] bool."""
        if self.reason is None:
            self._take(int(input_ids[0, -1]))
        return torch.full((1,), self.reason is not None, dtype=torch.bool, device=input_ids.device)

    def _take(self, token: int) -> None:
        self.unsaid += 1
        if self.recorder is not None and token not in self.end_ids:
            self.logprobs.append(self.recorder.of(token))
        if token in self.end_ids:
            self.reason = "stop"
            return
        new = self.stop.feed(self.text.feed(token))
        if self.stop.found:
            self.reason = "stop"
        elif self.should_stop():
            self.reason = "cancelled"
        if new:
            self._say(new)

    def _say(self, text: str, reason: FinishReason | None = None) -> None:
        piece = Piece(
            text=text,
            tokens=self.unsaid,
            prompt_tokens=self.prompt_tokens,
            finish_reason=reason,
            logprobs=tuple(self.logprobs),
        )
        self.unsaid = 0
        self.logprobs.clear()
        self.emit(piece)

    def finish(self) -> None:
        """Say what was held back, and why the answer ends."""
        rest = "" if self.stop.found else self.stop.feed(self.text.flush()) + self.stop.flush()
        if self.stop.found:
            self.reason = "stop"
        self._say(rest, self.reason or "length")


class IncrementalText:
    """Turns token ids into text as they come, never half a character."""

    def __init__(self, tokenizer: Any, before: Sequence[int]) -> None:
        self._tokenizer = tokenizer
        # ids[start:said] was said; kept because what a token looks like depends on those before it.
        self._ids = list(before)
        self._start, self._said = 0, len(self._ids)

    def feed(self, token: int) -> str:
        """Take one more token; gives the characters that are complete now."""
        self._ids.append(token)
        return self._take(whole=True)

    def flush(self) -> str:
        """Give what is left, complete or not."""
        return self._take(whole=False)

    def _take(self, *, whole: bool) -> str:
        said = self._decode(self._ids[self._start : self._said])
        text = self._decode(self._ids[self._start :])
        if len(text) <= len(said) or (whole and text.endswith(_BROKEN)):
            return ""
        self._start, self._said = self._said, len(self._ids)
        return text[len(said) :]

    def _decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))


class StopStrings:
    """Cuts a text before the first stop string, and holds back what may become one."""

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = tuple(stop)
        self._held = ""
        self.found = False

    def feed(self, text: str) -> str:
        """Take more text; gives what certainly belongs to the answer."""
        self._held += text
        at = min((i for s in self._stop if (i := self._held.find(s)) >= 0), default=-1)
        if at >= 0:
            self.found = True
            self._held = self._held[:at]
            return self.flush()
        keep = max((n for s in self._stop for n in range(1, len(s)) if self._held.endswith(s[:n])), default=0)
        sure = self._held[: len(self._held) - keep]
        self._held = self._held[len(sure) :]
        return sure

    def flush(self) -> str:
        """Give what was held back."""
        rest, self._held = self._held, ""
        return rest
