"""Several users' factors trained in one row over the shared base, and one after another: the same lessons, timed.

Only the training is timed, which is what is shared: each user's questions are written and judged alone either way. Like
the rest of the benchmark it needs torch, transformers and PEFT.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from langchain_selfparam.bench.shapes import make_work
from langchain_selfparam.bench.timing import hardware, synchronize
from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.distill import abreast, teacher
from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.packing import Document
from langchain_selfparam.distill.precision import mixed_precision
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.student import Course
from langchain_selfparam.errors import ConfigError, NonFiniteLossError
from langchain_selfparam.model import share
from langchain_selfparam.weights.delta import Delta
from langchain_selfparam.weights.joined import JoinedShadows
from langchain_selfparam.weights.shadow import Shadow

_RATE = 1e-3
"""Any that learns: it is the same for both ways."""
_CONTEXT = 256


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Users:
    """What was measured.

    Attributes:
        model: Its name.
        device: Where, in words.
        users: How many are trained.
        tokens: Tokens that a step of one user reads, on average.
        steps: Steps of each user.
        one_by_one: Median seconds of training all of them one after another.
        in_one_row: Median seconds of training them beside each other.
        apart: Largest relative difference of a layer's change between the two ways.
    """

    model: str
    device: str
    users: int
    tokens: float
    steps: int
    one_by_one: float
    in_one_row: float
    apart: float

    @property
    def ratio(self) -> float:
        """How many times as fast one row is."""
        return self.one_by_one / self.in_one_row


@dataclasses.dataclass(frozen=True, slots=True)
class _Lesson:
    """What one user learns."""

    documents: list[Document]
    said: teacher.TeacherTargets
    config: TrainingConfig


def run(
    model: Any,
    name: str,
    *,
    users: int,
    pairs: int = 32,
    length: int = 64,
    config: TrainingConfig,
    repeats: int,
    say: Callable[[str], None] = lambda text: None,
) -> Users:
    """Train the same lessons both ways.

    Args:
        model: A causal language model; its tensors are shared.
        name: What to call it.
        users: How many, at least two.
        pairs: Pairs of question and answer that each learns.
        length: Tokens of a pair.
        config: How each learns, but for its rate, which is fixed.
        repeats: Times that each way is timed.
        say: Told of each part before it starts.

    Returns:
        Medians and how far the two ways are apart.

    Raises:
        ConfigError: There is nobody to stand beside another.
    """
    if users < 2:
        msg = f"users is {users}; it has to be 2 or more"
        raise ConfigError(msg)
    head = Head(model.get_output_embeddings().weight)
    config = dataclasses.replace(config, learning_rate=_RATE)
    say(f"reading {users} users' pairs")
    lessons = [_lesson(model, head, at, pairs=pairs, length=length, config=config) for at in range(users)]
    alone, beside = [], []
    for number in range(1, repeats + 1):
        say(f"one after another, {number} of {repeats}")
        seconds, changes, course = _one_by_one(model, head, lessons)
        alone.append(seconds)
        say(f"in one row, {number} of {repeats}")
        seconds, found = _in_one_row(model, head, lessons)
        beside.append(seconds)
    report = course.report()
    return Users(
        model=name,
        device=hardware(model.device),
        users=users,
        tokens=report.tokens / report.steps,
        steps=report.steps,
        one_by_one=statistics.median(alone),
        in_one_row=statistics.median(beside),
        apart=max(_apart(one, other) for one, other in zip(changes, found, strict=True)),
    )


def text(found: Users) -> str:
    """The measurement in a few lines.

    Args:
        found: What was measured.

    Returns:
        Lines for people.
    """
    return "\n".join(
        [
            f"{found.model} on {found.device}",
            f"{found.users} users, {found.steps} steps of {found.tokens:.0f} tokens each:",
            f"  one after another  {found.one_by_one:.1f} s",
            f"  in one row         {found.in_one_row:.1f} s, {found.ratio:.2f} times as fast",
            f"  what a layer learns differs by {found.apart:.1e} of its size at most",
        ]
    )


def _lesson(model: Any, head: Head, seed: int, *, pairs: int, length: int, config: TrainingConfig) -> _Lesson:
    work = make_work(
        vocabulary=model.config.vocab_size,
        context=_CONTEXT,
        pairs=pairs,
        length=length,
        epochs=config.epochs,
        seed=seed,
    )
    plain = [Document(key, question, answer) for key, (question, answer) in enumerate(work.pairs)]
    told = [Document(d.key, work.context + d.prompt, d.answer) for d in plain]
    said = teacher.read(Reader(share(model)), head, [told])
    return _Lesson(plain, said, dataclasses.replace(config, seed=seed))


def _begun(model: Any, head: Head, lesson: _Lesson) -> tuple[Shadow, Course]:
    shadow = Shadow(model, lesson.config)
    autocast = mixed_precision(model.device, model.dtype)
    learning = shadow.parameters
    reader = Reader(shadow.model, compiled=lesson.config.compiled, learning=learning, again=lesson.documents)
    course = Course(reader, head, learning, lesson.documents, lesson.said, config=lesson.config, autocast=autocast)
    return shadow, course


def _one_by_one(model: Any, head: Head, lessons: Sequence[_Lesson]) -> tuple[float, list[Delta], Course]:
    begun = [_begun(model, head, lesson) for lesson in lessons]
    started = _now(model)
    for _, course in begun:
        course.run()
    return _now(model) - started, [shadow.delta() for shadow, _ in begun], begun[0][1]


def _in_one_row(model: Any, head: Head, lessons: Sequence[_Lesson]) -> tuple[float, list[Delta]]:
    begun = [_begun(model, head, lesson) for lesson in lessons]
    started = _now(model)
    outcomes = abreast.train([course for _, course in begun], JoinedShadows([shadow for shadow, _ in begun]))
    took = _now(model) - started
    for outcome in outcomes:
        if isinstance(outcome, NonFiniteLossError):
            raise outcome
    return took, [shadow.delta() for shadow, _ in begun]


def _now(model: Any) -> float:
    synchronize(model.device)
    return time.perf_counter()


def _apart(one: Delta, other: Delta) -> float:
    """Largest relative difference of a layer's change, in the Frobenius norm."""
    found = 0.0
    for name, factors in one.layers.items():
        wanted = factors.b @ factors.a
        change = other.layers[name].b @ other.layers[name].a
        found = max(found, float((change - wanted).norm() / wanted.norm().clamp(min=1e-30)))
    return found
