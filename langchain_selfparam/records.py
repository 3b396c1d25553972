"""The frozen records that cross borders between stages: what a stage takes and what it gives.

In comes nothing, out goes nothing: these are plain values without I/O, torch or LangChain. Tensors travel in
records of their own stage (``distill.teacher.TeacherTargets``, ``weights.delta.Delta``).
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Literal

Namespace = tuple[str, ...]
Role = Literal["system", "user", "assistant", "tool"]


class TurnState(str, Enum):
    """Where a turn stands between being said and being held by the weights."""

    PENDING = "pending"
    """Said, not yet in the weights; it stays in the prompt."""
    LEASED = "leased"
    """A consolidation is working on it; it still stays in the prompt."""
    HELD = "held"
    """Its probes were answered without the context; it has left the prompt."""
    CLEARED = "cleared"
    """``clear()`` took it out of the buffer before the weights held it; neither prompted nor learned."""

    def __str__(self) -> str:
        return self.value


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One chat message as a model's template takes it."""

    role: Role
    text: str


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ToolCall:
    """What an assistant wants a tool to be given."""

    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Calling(Message):
    """An assistant's message that calls tools."""

    calls: tuple[ToolCall, ...]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ToolResult(Message):
    """What a tool gave back, of the role ``tool``."""

    name: str
    call_id: str


def texts_changed(value: Any, change: Callable[[str], str]) -> Any:
    """Change every text in a value.

    Args:
        value: A message, or what JSON can have: texts, mappings, sequences and others.
        change: What is done to each text, names in mappings among them.

    Returns:
        The same with other texts; ids of calls stay.
    """
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {texts_changed(key, change): texts_changed(part, change) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        parts = [texts_changed(part, change) for part in value]
        return parts if isinstance(value, list) else tuple(parts)
    if isinstance(value, ToolCall):
        arguments = texts_changed(value.arguments, change)
        return dataclasses.replace(value, name=change(value.name), arguments=arguments)
    if isinstance(value, Calling):
        return dataclasses.replace(value, text=change(value.text), calls=texts_changed(value.calls, change))
    if isinstance(value, ToolResult):
        return dataclasses.replace(value, text=change(value.text), name=change(value.name))
    return dataclasses.replace(value, text=change(value.text)) if isinstance(value, Message) else value


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A user message and the reply to it."""

    id: int
    """Row number in the journal, from 1, in the order in which turns were said."""
    namespace: Namespace
    """Whose memory it belongs to; nothing crosses it."""
    thread: str
    """Conversation it was said in; empty where the caller names none."""
    user: str
    assistant: str
    created_at: datetime
    """When it was said, UTC."""
    state: TurnState = TurnState.PENDING
    attempts: int = 0
    """Consolidations that tried to hold it and did not, or after which it was held no longer."""
    version: int | None = None
    """The version that first held it."""
    message_id: str | None = None
    """Durable id of the message it came from, or that of ``id_of_other_words``; the same id is stored once."""

    @property
    def messages(self) -> tuple[Message, Message]:
        """The turn as two chat messages."""
        return (Message(role="user", text=self.user), Message(role="assistant", text=self.assistant))


def id_of_other_words(message_id: str, user: str) -> str:
    """The id under which a message's words are kept where its own id stands for other words already.

    Args:
        message_id: The message's id; it was edited, or belonged to less.
        user: What the user says in it now.

    Returns:
        The same id for the same words, so that they are stored once.
    """
    return f"{message_id}#{hashlib.sha256(user.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Episode:
    """The turns of one consolidation, in the order in which they were said."""

    namespace: Namespace
    turns: tuple[Turn, ...]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A leased episode: the right to consolidate it, until ``lease_until``."""

    id: int
    episode: Episode
    owner: str
    """``host:pid:random`` of the process that works on it."""
    lease_until: datetime


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """One state of the weights: the base plus the deltas on the path from version 0 to here."""

    id: int
    """From 0, the untouched base; never used twice."""
    parent: int | None
    namespace: Namespace
    created_at: datetime
    delta_file: str | None
    """File name inside the folder's ``deltas``; ``None`` for version 0."""
    delta_sha256: str | None
    weights_sha256: str | None
    """Digest of every adapted tensor as served; ``None`` where it was not taken."""
    turn_ids: tuple[int, ...] = ()
    """Turns that this version was the first to hold."""
    lost_ids: tuple[int, ...] = ()
    """Turns that earlier versions held and this one does not."""
    report: Mapping[str, object] = dataclasses.field(default_factory=dict)
    """The consolidation report as JSON values."""
    is_head: bool = False
    """Whether this is the version that is served."""


Prompt = str | Sequence[Message]
"""What a model is asked: text to be continued as it stands, or chat messages to be answered."""

TargetKind = Literal["question", "contrast", "neighbour", "neutral", "exchange", "replay"]
"""What is learned; what is about the user but not in this episode; about someone else; about nothing; what a user would
say and the model's reply, of which both stay as likely as they were; held before."""
ProbeKind = Literal["recall", "neighbour", "order", "drift", "steering"]
"""What is asked of a candidate: what was said; what was not said of it; whether it obeys what the conversation ordered;
what is about nothing, after its training and between the epochs."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A few sentences of a turn that are learned together."""

    turn_id: int
    said: str
    """As it was said."""
    told: str
    """As the assistant says it back: "Your dog is called Biscuit."."""
    by_user: bool = True
    """Whether it is the user's own words about their own life."""
    sentence: str = ""
    """Of a passage: the whole sentence that it was cut from, about which questions are written; empty elsewhere."""
    instead: str = ""
    """Where a later statement has changed a value in it: what the assistant said back before; empty elsewhere."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TargetSentence:
    """A prompt and the answer to be learned for it, with the context that the teacher reads before it."""

    kind: TargetKind
    prompt: str
    """What a user would ask, without any context."""
    answer: str
    """What the teacher says to it."""
    ends: bool = True
    """Whether the answer ends its turn there; an opening of an answer does not."""
    context: tuple[Message, ...] = ()
    """Messages that only the teacher reads before the prompt, or in its place where they end with a user's; empty where
    an answer is to stay as it is."""
    turn_id: int | None = None
    """Turn that the context was cut from; ``None`` where an answer is to stay as it is."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """A question that is kept out of training and asked afterwards."""

    kind: ProbeKind
    prompt: str
    expected: tuple[str, ...] = ()
    """Recall: words of the statement that is asked for. Neighbour: words that must not come. Lower case."""
    names: tuple[str, ...] = ()
    """Recall: those of them that are names, in whose place no other may stand."""
    denied: tuple[str, ...] = ()
    """Recall: those of them that are said not to be so; an answer that has one has to say so too."""
    turn_id: int | None = None
    statement: int | None = None
    """Recall: the number of the statement that is asked for, in its ``TargetSet``."""
    opening: str = ""
    """Recall: the first words of the answer that recalls it."""
    told: str = ""
    """Recall: the statement that is asked for, where the answer is to say it back."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TargetSet:
    """What one episode is learned from and judged by."""

    statements: tuple[Statement, ...]
    sentences: tuple[TargetSentence, ...]
    probes: tuple[Probe, ...]
    dropped: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """How many candidate questions each screen took out, by its name."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TrainPoint:
    """One point of the training curve."""

    step: int
    """From one in each part that is learned by itself."""
    kl: float
    """Mean KL(teacher ‖ student) over the step's answer tokens, in nats per token."""
    lr: float
    recall: float | None = None
    """After the last step of an epoch: share of the held-out questions that the student opens as it should."""
    drift: float | None = None
    """After the last step of an epoch: mean KL(untouched ‖ student) on prompts that steer, nats per token."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TrainReport:
    """What the student's training did."""

    steps: int
    tokens: int
    """Tokens that went through the student, all steps together."""
    answer_tokens: int
    kl_first: float
    """Mean KL of the first epoch, nats per answer token."""
    kl_last: float
    """Mean KL of the last epoch, nats per answer token."""
    curve: tuple[TrainPoint, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ProbeResult:
    """What the candidate weights answered to one probe."""

    probe: Probe
    answer: str
    passed: bool


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Whether the candidate weights may be served, and which turns they hold."""

    accepted: bool
    held: tuple[int, ...]
    """Ids of turns whose recall probes passed."""
    recall: float
    """Recall probes passed, as a share of those asked."""
    drift: float
    """Mean KL(untouched ‖ candidate) on unrelated prompts, nats per token."""
    neighbours_wrong: float
    """Neighbour probes answered with what was consolidated, as a share of those asked."""
    scale: float = 1.0
    """What the delta was multiplied with to stay within the drift limit."""
    reasons: tuple[str, ...] = ()
    results: tuple[ProbeResult, ...] = ()
    missing: Mapping[int, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    """By turn, held or not: words of what was said that no answer gave."""
    asked_again: tuple[int, ...] = ()
    """Ids of turns that were held before and were asked about again."""
    lost: tuple[int, ...] = ()
    """Those of them that the candidate does not hold."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ConsolidationReport:
    """What a consolidation did; returned by ``ParametricMemory.consolidate``."""

    version: int | None
    """The version that it made, or ``None`` where nothing was committed."""
    held: tuple[int, ...]
    """Ids of the turns that the weights hold now."""
    pending: tuple[int, ...]
    """Ids of the turns that stay in the prompt."""
    recall: float
    """Recall probes passed, as a share of those asked; 0 where none was asked."""
    drift: float
    """Mean token KL on unrelated prompts against the untouched model, in nats, of the candidate: of what is served
    since where ``version`` names it, of what was refused where that is ``None``. Of several episodes the largest."""
    neighbours_wrong: float
    seconds: Mapping[str, float]
    """Wall-clock seconds by stage: targets, teacher, student, probes, commit, and total."""
    tokens_saved: int
    """Prompt tokens that the held turns no longer take, in the model's own tokens."""
    targets: int
    """Target sentences learned from."""
    scale: float
    kl_first: float
    kl_last: float
    reasons: tuple[str, ...] = ()
    """Why turns stayed pending, or why nothing was committed; empty where all is held."""
    missing: Mapping[int, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    """Coverage: by turn, held or not, words of what was said that no answer to a probe gave."""
    asked_again: tuple[int, ...] = ()
    """Ids of turns that the weights held before and that were asked about again."""
    lost: tuple[int, ...] = ()
    """Those of them that the weights hold no longer: they are in the prompt again, to be learned anew."""
    curve: tuple[TrainPoint, ...] = ()
    probes: tuple[ProbeResult, ...] = ()

    @property
    def committed(self) -> bool:
        """Whether a new version is served."""
        return self.version is not None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class BatchReport:
    """What was done for many namespaces; returned by ``ParametricMemory.consolidate_all``."""

    reports: Mapping[Namespace, ConsolidationReport]
    """What was learned of each whose turns were tried, in the order in which they came."""
    failed: Mapping[Namespace, str]
    """The error of each that could not be learned; its turns are pending."""
    left: Mapping[Namespace, int]
    """Turns of each that wait for another run: they were not begun, were stopped or failed, were of somebody who was
    speaking, are held no longer, or have no attempt left."""
    ended: Literal["done", "deadline", "budget", "stopped"]
    """Why it ended: what it could try was tried, the time was over, the tokens were spent, or it was stopped."""
    seconds: float
    """Wall-clock seconds of the whole run."""

    @property
    def held(self) -> tuple[int, ...]:
        """Ids of the turns that weights hold since; what was taken back meanwhile is among them, and in ``left``."""
        return tuple(i for report in self.reports.values() for i in report.held)

    @property
    def pending(self) -> tuple[int, ...]:
        """Ids of the turns that were tried and stay in prompts."""
        return tuple(i for report in self.reports.values() for i in report.pending)


def render(messages: Sequence[Message]) -> str:
    """Messages as plain text, one a line, for prompts that quote a conversation."""
    names = {"system": "System", "user": "User", "assistant": "Assistant"}
    return "\n".join(f"{names[m.role]}: {m.text}" for m in messages)
