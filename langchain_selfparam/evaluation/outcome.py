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
from langchain_selfparam.evaluation.datasets import Conversation, Question
from langchain_selfparam.evaluation.injection import Result
from langchain_selfparam.evaluation.metrics import gives_old, leaks, qa_f1, right
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
        peak_bytes: Most memory while it was consolidated, as ``machine.Peak`` has it.
        questions: For each its text, kind, ``keys``, ``golds``, ``forbidden``, and by way ``answers``, ``right``,
            ``f1`` (where it has whole answers) and ``old`` (where it has a forbidden, corrected value: whether that was
            given).
        neighbours: For each its text, ``forbidden``, and by way ``answers`` and ``leaks``.
        tokens: Mean prompt tokens by way, where they were counted.
        report: The consolidation's report; its drift is the candidate's, also of one that was refused.
        change: What else has moved, as ``unchanged.Change`` has it; ``None`` where nobody looked.
        served_drift: Mean token KL to the untouched model of what is served since; ``None`` where it was not kept.
        baselines: By name, for each that was tried: ``rate``, ``seconds`` and ``peak_bytes`` of its learning, of all
            conversations learned with it, ``drift`` (``None`` where there are no probes), or ``not_run`` with the
            reason; such a one has no answers.
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
    served_drift: float | None = None
    baselines: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)

    @property
    def drift(self) -> float:
        """Drift of what is served since: 0 where the consolidation was refused, since its weights were fresh."""
        if self.served_drift is not None:
            return self.served_drift
        return 0.0 if self.report["version"] is None else float(self.report["drift"])

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
    served_drift: float | None = None,
) -> Outcome:
    """An outcome from a result.

    Args:
        result: Every answer and the report.
        seed: Of targets and training.
        variant: What was set differently.
        peak_bytes: Most memory meanwhile.
        tokens: Mean prompt tokens by way.
        change: What else has moved.
        served_drift: Drift of what is served since.

    Returns:
        The outcome.
    """
    questions = []
    for asked in result.asked:
        row = _row(asked.question)
        for way, answer in asked.answers.items():
            row = _with_answer(row, asked.question, way, answer)
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
                "forbidden": list(n.neighbour.forbidden),
                "answers": dict(n.answers),
                "leaks": {way: n.leaks(way) for way in n.answers},
            }
            for n in result.neighbours
        ],
        tokens=dict(tokens or {}),
        report=as_plain(result.report),
        change=None if change is None else as_plain(change),
        served_drift=served_drift,
    )


def with_way(
    found: Outcome,
    conversation: Conversation,
    way: str,
    answers: tuple[Sequence[str], Sequence[str]],
    details: Mapping[str, Any],
) -> Outcome:
    """An outcome with one way more, that of other weights.

    Args:
        found: What was found so far.
        conversation: Whose it is.
        way: The baseline's name.
        answers: Its closed-book answers to the questions, and to the neighbours.
        details: What else is known of it, for ``baselines``.

    Returns:
        The same with these answers.
    """
    questions = [
        _with_answer(row, question, way, text)
        for row, question, text in zip(found.questions, conversation.questions, answers[0], strict=True)
    ]
    neighbours = [
        {**row, "answers": {**row["answers"], way: text}, "leaks": {**row["leaks"], way: leaks(neighbour, text)}}
        for row, neighbour, text in zip(found.neighbours, conversation.neighbours, answers[1], strict=True)
    ]
    return dataclasses.replace(
        found, questions=questions, neighbours=neighbours, baselines={**found.baselines, way: dict(details)}
    )


def without_way(found: Outcome, way: str, reason: str) -> Outcome:
    """An outcome that says why it has no answers of a way.

    Args:
        found: What was found so far.
        way: The baseline's name.
        reason: Why it was not run.

    Returns:
        The same with the reason.
    """
    return dataclasses.replace(found, baselines={**found.baselines, way: {"not_run": reason}})


def _row(question: Question) -> dict[str, Any]:
    """A question that nobody has answered yet."""
    row: dict[str, Any] = {"question": question.text, "kind": question.kind, "keys": list(question.keys)}
    row |= {"golds": list(question.golds), "forbidden": list(question.forbidden), "answers": {}, "right": {}}
    row |= {"f1": {}} if question.golds else {}
    return row | ({"old": {}} if question.forbidden else {})


def _with_answer(row: Mapping[str, Any], question: Question, way: str, answer: str) -> dict[str, Any]:
    """The row with an answer and its scores."""
    scores: dict[str, Any] = {"answers": answer, "right": right(question, answer)}
    scores |= {"f1": qa_f1(answer, question.golds)} if question.golds else {}
    scores |= {"old": gives_old(question, answer)} if question.forbidden else {}
    return {**row, **{name: {**row[name], way: value} for name, value in scores.items()}}


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
        Lines without their ends: conversation, seed, variant, question, kind, keys, golds, way, answer, right, and f1
        where there is one; of kind ``neighbour`` with ``leaks`` instead of ``right``.
    """
    for found in outcomes:
        whose = {"id": found.id, "seed": found.seed, "variant": found.variant}
        for row in found.questions:
            for way, answer in row["answers"].items():
                asked = {name: row.get(name, []) for name in ("question", "kind", "keys", "golds")}
                line = {**whose, **asked, "way": way, "answer": answer, "right": row["right"][way]}
                line |= {"f1": row["f1"][way]} if "f1" in row else {}
                yield json.dumps(line, ensure_ascii=False)
        for row in found.neighbours:
            for way, answer in row["answers"].items():
                asked = {"question": row["question"], "kind": "neighbour", "keys": [], "golds": []}
                line = {**whose, **asked, "way": way, "answer": answer, "leaks": row["leaks"][way]}
                yield json.dumps(line, ensure_ascii=False)
