"""Settings: one frozen dataclass for each stage; a stage is handed its own and no other.

Every field says its unit below it and is checked when the dataclass is made. ``Settings.from_mapping`` reads nested
mappings (a JSON or TOML file, keyword arguments) and refuses names that it does not know.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from langchain_selfparam.errors import ConfigError

T = TypeVar("T")

_HOURS = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")
"""Two times of day."""


def _need(ok: bool, name: str, found: object, needed: str) -> None:
    if not ok:
        msg = f"{name} is {found!r}; it has to be {needed}"
        raise ConfigError(msg)


_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "a whole number"),
    "int | None": ((int, type(None)), "a whole number or None"),
    "float": ((int, float), "a number"),
    "float | None": ((int, float, type(None)), "a number or None"),
    "str | None": ((str, type(None)), "text or None"),
    "bool": ((bool,), "True or False"),
}


def _need_kinds(stage: Any) -> None:
    """Numbers where numbers are wanted: "8" from a file or an environment variable is named, not compared.

    The same with truth: the text "False" would count as true, and True as the number 1.
    """
    for field in dataclasses.fields(stage):
        if str(field.type) in _KINDS:
            kinds, needed = _KINDS[str(field.type)]
            value = getattr(stage, field.name)
            _need(isinstance(value, kinds) and isinstance(value, bool) == (bool in kinds), field.name, value, needed)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class PolicyConfig:
    """When to consolidate, and which turns."""

    every_turns: int | None = 8
    """Consolidate when this many turns are pending; ``None`` for never by count."""
    every_tokens: int | None = None
    """Consolidate when the pending text has this many tokens; ``None`` for never by length."""
    after_seconds: float = 0.0
    """Seconds of silence after which the worker begins, and a run over all takes somebody: whoever is still speaking is
    not learned in between."""
    quiet_hours: str | None = None
    """Times of day, such as ``"22:00-06:30"`` by the machine's clock, between which the worker begins; ``None`` for at
    any time. Who asks for a consolidation gets it at once."""
    max_turns: int = 20
    """Most turns in one episode; the oldest go first, and where there are more they are parted evenly."""
    max_tokens: int | None = None
    """Most tokens of one episode, at least one turn; more is learned in several, one after the other. ``None`` for any
    number."""
    max_statements: int | None = 24
    """Most statements of one episode, at least one turn; more are parted evenly and learned one part after the other.
    Learned at once, each is learned less well: there is as much drift for many as for few. ``None`` for any number."""
    max_attempts: int = 2
    """Consolidations that may fail to hold a turn before it stays in the prompt, tried only when nothing else waits."""
    lease_seconds: float = 1800.0
    """Seconds after which a leased job whose owner has vanished may be taken over."""

    def __post_init__(self) -> None:
        _need_kinds(self)
        for name in ("every_turns", "every_tokens", "max_tokens", "max_statements"):
            value = getattr(self, name)
            _need(value is None or value >= 1, name, value, "at least 1, or None")
        for name in ("max_turns", "max_attempts"):
            _need(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        silence = self.after_seconds
        _need(0 <= silence < math.inf, "after_seconds", silence, "0 or more seconds, and finite")
        hours = self.quiet_hours
        _need(
            hours is None
            or (isinstance(hours, str) and _HOURS.fullmatch(hours) is not None and hours[:5] != hours[6:]),
            "quiet_hours",
            hours,
            "two different times such as '22:00-06:30', or None",
        )
        _need(self.lease_seconds > 0, "lease_seconds", self.lease_seconds, "above 0 seconds")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TrainingConfig:
    """How the student learns."""

    rank: int = 32
    """Rank of each LoRA factor pair."""
    alpha: float = 64.0
    """LoRA scale is alpha / rank."""
    frozen_share: float = 0.4
    """Share of the model's blocks, from the lowest, that do not learn."""
    layers: Literal["mlp", "all"] = "mlp"
    """Which linear layers of a block learn: those of its feed-forward part, or all."""
    damping: float | None = 0.1
    """Share of the mean energy of a layer's inputs below which a direction counts as unused by unrelated text: the
    smaller, the more learning keeps to unused directions. ``None`` for a plain LoRA."""
    earlier_weight: float = 0.0
    """How much of what earlier versions were taught to read counts as to be left alone, against what unrelated text
    reads: found in the weights, so that it needs nothing kept (``targets.replay`` = 0). 0 for none; needs ``damping``.
    """
    keep_weight: float = 4.0
    """Weight in the loss of tokens that are to stay as they were, against 1 for those to be learned."""
    drift: float | None = 0.048
    """Drift from the untouched model, in nats per token, to which ``keep_weight`` is steered after each epoch, more
    often in a long one; where the served weights have half of it already, to theirs and half of this. ``None`` to leave
    ``keep_weight`` alone."""
    learning_rate: float | None = None
    """Peak learning rate of AdamW; ``None`` to find the one that the model takes (see ``step_drift``)."""
    step_drift: float = 6e-4
    """How far one step at the peak rate moves prompts of which nothing is learned, in nats per token: where no
    ``learning_rate`` is given, it is the one at which the first step does."""
    epochs: int = 8
    """Passes over the target sentences at most."""
    batch_tokens: int = 320
    """Tokens packed into one step, the shared prefix left aside."""
    warmup: float = 0.06
    """Share of the steps in which the rate rises."""
    clip: float = 1.0
    """Largest gradient norm of a step."""
    stop_kl: float = 0.0
    """Stop when an epoch's mean KL is below this many nats per token; 0 for never."""
    compiled: bool = False
    """Compile the model's blocks for training: for GPUs on which launching the kernels of a small model takes longer
    than running them. It takes a while the first time. On an H100 a pass over SmolLM2-135M's shape, forward and back,
    took 30 to 41 ms instead of 72 to 151, beside other work."""
    patience: float = 2.0
    """Seconds that each step of learning waits at most for requests that are being answered; 0 to wait for none."""
    seed: int = 0
    """Order of the sentences and start of the factors."""

    def __post_init__(self) -> None:
        _need_kinds(self)
        for name in ("rank", "epochs", "batch_tokens"):
            _need(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        for name in ("alpha", "step_drift", "clip"):
            value = getattr(self, name)
            _need(math.isfinite(value) and value > 0, name, value, "above 0 and finite")
        rate = self.learning_rate
        _need(rate is None or (math.isfinite(rate) and rate > 0), "learning_rate", rate, "above 0 and finite, or None")
        _need(0 <= self.warmup < 1, "warmup", self.warmup, "from 0 to below 1")
        damped = self.damping is None or (math.isfinite(self.damping) and self.damping > 0)
        _need(damped, "damping", self.damping, "above 0 and finite, or None")
        earlier = math.isfinite(self.earlier_weight) and self.earlier_weight >= 0
        _need(earlier, "earlier_weight", self.earlier_weight, "0 or more, and finite")
        _need(self.layers in ("mlp", "all"), "layers", self.layers, "'mlp' or 'all'")
        if self.drift is not None:
            _need(math.isfinite(self.drift) and self.drift > 0, "drift", self.drift, "above 0 and finite, or None")
        _need(self.keep_weight >= 0, "keep_weight", self.keep_weight, "0 or more")
        _need(0 <= self.frozen_share < 1, "frozen_share", self.frozen_share, "from 0 to below 1")
        waits = math.isfinite(self.patience) and self.patience >= 0
        _need(waits, "patience", self.patience, "0 or more seconds, and finite")
        _need(self.stop_kl >= 0, "stop_kl", self.stop_kl, "0 or more nats per token")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TargetConfig:
    """How target sentences are written."""

    form: Literal["facts", "replies"] = "facts"
    """What a turn is: ``"facts"``, something said that questions are asked about; ``"replies"``, a prompt with the
    reply that it should have, such as a dialogue with what was right to recommend."""
    reply_share: float = 0.5
    """With ``"replies"``: what a reply's own tokens have of its target, beside what the teacher says when it is told
    the reply. A small teacher would seldom begin it by itself; 1 leaves the teacher out."""
    answer_floor: float = 0.75
    """With ``"facts"``: how likely each word of an answer is in its target at least, where the teacher finds it less
    likely. A model that reads well begins an answer of its own to every third question; 0 leaves all to it."""
    samples: int = 3
    """Times the model is asked for questions about each statement."""
    temperature: float = 0.6
    """Sampling temperature of the questions."""
    max_question_tokens: int = 60
    """Tokens of one list of questions."""
    questions: int = 11
    """Most questions kept for one statement."""
    bank: int = 24
    """Most questions of the packaged bank kept for one statement, none for a passage's; 0 to do without the bank."""
    fewest: int = 8
    """Questions below which a statement gets more, in plain forms filled with its own words; 0 to do without them."""
    full_answers: int = 2
    """Questions of a statement that are learned with the whole answer; the others with its opening."""
    whole_answers: int = 24
    """Questions of an episode that are learned with the whole answer at least: few statements get more of them each."""
    opening_words: int = 4
    """Words of an answer's opening at least: what tells which statement is asked for. It goes on to the first word that
    no other statement of the episode has there."""
    margin: float = 0.5
    """Nats by which a question must fit its own statement better than any other of the episode."""
    statement_words: int = 40
    """Words of a statement at most, whole sentences; longer turns are cut into several."""
    passage_words: int = 40
    """Words of a piece of a longer text that is not about the user; each sentence is a piece, a longer one several.
    Clauses of 16 words make shorter answers, but in a trial the weights then held 1 question of 25 instead of 7."""
    own_answer_tokens: int = 40
    """Tokens of the model's own answer to a question about a passage."""
    contrast: int = 200
    """Questions about someone or something else, answered as before."""
    alike: int = 200
    """Questions about the world that begin as those about the user do, made up by the model, answered as before."""
    neutral: int = 120
    """Questions about the world that the model makes up by itself, answered as before."""
    exchanges: int = 160
    """Of the calibration text, what users would say with the untouched model's replies: both are learned as they were.
    Others are drawn each time."""
    calibration: int = 600
    """Prompts that the untouched model makes up and answers once for a memory, half of them as users would say them:
    what layers read there is what learning avoids. 0 to measure it on what an episode keeps as it was; then there are
    no exchanges either."""
    calibration_tokens: int = 24
    """Tokens of each of those answers."""
    replay: int = 360
    """Questions of earlier consolidations, answered as before, so that what is held stays held; 0 for none."""
    contrast_tokens: int = 8
    """Tokens learned of each contrast answer: enough to tell whom it is about."""
    neutral_tokens: int = 20
    """Tokens learned of each neutral answer."""
    probes: int = 2
    """Questions of each statement kept out of training to ask afterwards."""
    seed: int = 0

    def __post_init__(self) -> None:
        _need_kinds(self)
        _need(self.form in ("facts", "replies"), "form", self.form, "'facts' or 'replies'")
        _need(0 <= self.reply_share <= 1, "reply_share", self.reply_share, "from 0 to 1")
        _need(0 <= self.answer_floor < 1, "answer_floor", self.answer_floor, "from 0 to below 1")
        for name in (
            "samples",
            "max_question_tokens",
            "questions",
            "opening_words",
            "statement_words",
            "passage_words",
            "own_answer_tokens",
            "calibration_tokens",
            "probes",
            "contrast_tokens",
            "neutral_tokens",
        ):
            _need(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        for name in (
            "bank",
            "fewest",
            "full_answers",
            "whole_answers",
            "contrast",
            "alike",
            "neutral",
            "exchanges",
            "calibration",
            "replay",
            "temperature",
            "margin",
        ):
            _need(getattr(self, name) >= 0, name, getattr(self, name), "0 or more")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class VerifyConfig:
    """When a candidate is served and a turn counts as held."""

    max_drift: float = 0.05
    """Largest mean token KL on unrelated prompts against the untouched model, nats; where the served weights have half
    of it already, what they have and half of this."""
    max_total_drift: float = 0.3
    """Largest such drift however many consolidations there were, at least ``max_drift``: the weights are full then, and
    what is said stays in the prompt."""
    max_neighbours_wrong: float = 0.4
    """Largest share of neighbour probes that may be answered with what was consolidated."""
    hold: float = 0.5
    """Share of a turn's recall probes that must pass for the turn to be held."""
    shrink: float = 0.95
    """Factor on the delta for each try to bring drift and neighbours within their limits."""
    max_shrinks: int = 12
    """Tries before a candidate beyond the limits is refused."""
    answer_tokens: int = 48
    """Tokens of a probe's answer."""
    earlier: int = 120
    """Probes of turns that were held before, asked again of each candidate, at most: turns that it holds no longer go
    back into the prompt, to be learned anew; 0 for none."""

    def __post_init__(self) -> None:
        _need_kinds(self)
        for name in ("max_drift", "max_total_drift"):
            _need(getattr(self, name) > 0, name, getattr(self, name), "above 0 nats per token")
        for name in ("hold", "max_neighbours_wrong"):
            _need(0 <= getattr(self, name) <= 1, name, getattr(self, name), "from 0 to 1")
        _need(0 < self.shrink < 1, "shrink", self.shrink, "between 0 and 1")
        _need(self.max_shrinks >= 0, "max_shrinks", self.max_shrinks, "0 or more")
        _need(self.answer_tokens >= 1, "answer_tokens", self.answer_tokens, "at least 1")
        _need(self.earlier >= 0, "earlier", self.earlier, "0 or more")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All settings of a memory, by stage."""

    policy: PolicyConfig = dataclasses.field(default_factory=PolicyConfig)
    targets: TargetConfig = dataclasses.field(default_factory=TargetConfig)
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)
    verify: VerifyConfig = dataclasses.field(default_factory=VerifyConfig)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Settings:
        """Read nested mappings such as ``{"training": {"rank": 8}}``.

        Args:
            mapping: Stage names to their settings; what is missing keeps its default.

        Returns:
            The settings.

        Raises:
            ConfigError: A name is unknown (with the nearest known one) or a value is out of range.
        """
        known = {field.name: field for field in dataclasses.fields(cls)}
        stages = {}
        for name, values in mapping.items():
            if name not in known:
                raise ConfigError(_unknown(name, known, "a stage"))
            stage = globals()[str(known[name].type)]
            stages[name] = build(stage, values)
        return cls(**stages)


def build(stage: type[T], values: Mapping[str, Any]) -> T:
    """Make one stage's settings from a mapping.

    Args:
        stage: One of the dataclasses above.
        values: Field names to values.

    Returns:
        The settings.

    Raises:
        ConfigError: A name is unknown (with the nearest known one) or a value is out of range.
    """
    known = {field.name for field in dataclasses.fields(stage)}  # type: ignore[arg-type]
    for name in values:
        if name not in known:
            raise ConfigError(_unknown(name, known, f"a setting of {stage.__name__}"))
    return stage(**values)


def _unknown(name: str, known: Any, kind: str) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
    return f"{name!r} is not {kind}; {hint}"
