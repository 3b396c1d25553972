"""What one evaluation of one conversation found, as values that JSON has: kept, read back, summed up elsewhere.

In comes a ``Result``, out goes an ``Outcome``; a run that was interrupted reads its outcomes from a file and goes on
with what is missing.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_selfparam.errors import InputError
from langchain_selfparam.evaluation.injection import Result
from langchain_selfparam.evaluation.metrics import gives_old
from langchain_selfparam.evaluation.tables import as_plain, write_whole
from langchain_selfparam.evaluation.unchanged import Change


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One conversation, one seed, one set of settings.

    Attributes:
        id: The conversation's.
        seed: Of targets and training.
        variant: What was set differently, such as ``training.learning_rate=0.001``; empty for nothing.
        seconds: Wall-clock seconds of the consolidation, of all conversations learned with it.
        peak_bytes: Most memory of the process (on a GPU, of tensors there) until then.
        questions: For each its text, kind, and by way ``answers``, ``right``, ``f1`` (where it has whole answers) and
            ``old`` (where it has a forbidden, corrected value: whether that was given).
        neighbours: For each its text, and by way ``answers`` and ``leaks``.
        tokens: Mean prompt tokens by way, where they were counted.
        report: The consolidation's report.
        change: What else has moved, as ``unchanged.Change`` has it; ``None`` where nobody looked.
    """

    id: str
    seed: int
    variant: str
    seconds: float
    peak_bytes: int
    questions: Sequence[Mapping[str, Any]]
    neighbours: Sequence[Mapping[str, Any]]
    tokens: Mapping[str, float]
    report: Mapping[str, Any]
    change: Mapping[str, Any] | None = None

    @property
    def key(self) -> tuple[str, int, str]:
        """What tells it from the others of a run."""
        return self.id, self.seed, self.variant

    @property
    def ways(self) -> tuple[str, ...]:
        """Ways in which all its questions were answered."""
        return tuple(self.questions[0]["answers"]) if self.questions else ()

    def right(self, way: str) -> list[bool]:
        """Whether each question was answered right one way."""
        return [bool(q["right"][way]) for q in self.questions]


def outcome(
    result: Result,
    *,
    seed: int = 0,
    variant: str = "",
    peak_bytes: int = 0,
    tokens: Mapping[str, float] | None = None,
    change: Change | None = None,
) -> Outcome:
    """An outcome from a result.

    Args:
        result: Every answer and the report.
        seed: Of targets and training.
        variant: What was set differently.
        peak_bytes: Most memory until then.
        tokens: Mean prompt tokens by way.
        change: What else has moved.

    Returns:
        The same in plain values.
    """
    questions = []
    for asked in result.asked:
        ways, question = asked.answers, asked.question
        row: dict[str, Any] = {"question": question.text, "kind": question.kind, "answers": dict(ways)}
        row["right"] = {way: asked.is_right(way) for way in ways}
        if question.golds:
            row["f1"] = {way: asked.f1(way) for way in ways}
        if question.forbidden:
            row["old"] = {way: gives_old(question, answer) for way, answer in ways.items()}
        questions.append(row)
    return Outcome(
        id=result.conversation.id,
        seed=seed,
        variant=variant,
        seconds=result.seconds,
        peak_bytes=peak_bytes,
        questions=questions,
        neighbours=[
            {
                "question": n.neighbour.text,
                "answers": dict(n.answers),
                "leaks": {way: n.leaks(way) for way in n.answers},
            }
            for n in result.neighbours
        ],
        tokens=dict(tokens or {}),
        report=as_plain(result.report),
        change=None if change is None else as_plain(change),
    )


def write(path: Path, outcomes: Iterable[Outcome]) -> Path:
    """Write outcomes, one a line.

    Args:
        path: A ``.jsonl`` file; it is replaced as a whole.
        outcomes: In order.

    Returns:
        The file.
    """
    return write_whole(path, "".join(json.dumps(as_plain(o), ensure_ascii=False) + "\n" for o in outcomes))


def read(path: Path) -> list[Outcome]:
    """Read what ``write`` wrote.

    Args:
        path: The file.

    Returns:
        The outcomes, in order; none where there is no such file.

    Raises:
        InputError: It is another file.
    """
    if not path.exists():
        return []
    try:
        return [Outcome(**json.loads(line)) for line in path.read_text("utf-8").split("\n") if line.strip()]
    except (ValueError, TypeError) as error:
        msg = f"{path} is not what an evaluation keeps ({error}); give another --out folder"
        raise InputError(msg) from error


def lines(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Every answer of every way as a line of JSON.

    Args:
        outcomes: In order.

    Returns:
        Lines without their ends: conversation, seed, variant, question, kind, way, answer, right, and f1 where there
        is one.
    """
    for found in outcomes:
        for row in found.questions:
            for way, answer in row["answers"].items():
                line = {"id": found.id, "seed": found.seed, "variant": found.variant}
                line |= {"question": row["question"], "kind": row["kind"], "way": way, "answer": answer}
                line |= {"right": row["right"][way]}
                line |= {"f1": row["f1"][way]} if "f1" in row else {}
                yield json.dumps(line, ensure_ascii=False)
