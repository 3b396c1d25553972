"""What ``selfparam eval sequential`` shows: tables, JSON, lines, and the retention matrix as a picture."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from langchain_selfparam.evaluation.injection import AFTER, BEFORE, HISTORY
from langchain_selfparam.evaluation.metrics import leaks, qa_f1, right
from langchain_selfparam.evaluation.sequential import Answers, Run, Step
from langchain_selfparam.evaluation.stats import Interval, paired
from langchain_selfparam.evaluation.summary import NAMES
from langchain_selfparam.evaluation.tables import as_plain, percent
from langchain_selfparam.evaluation.unchanged import Change
from langchain_selfparam.evaluation.unchanged import rows as changed
from langchain_selfparam.optional import require

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]

_NO_RUNS: Mapping[str, Run] = {}
_NO_REASONS: Mapping[str, str] = {}
_NOTHING = "nothing in the prompt, after the last one"


def tables(
    run: Run,
    *,
    others: Mapping[str, Run] = _NO_RUNS,
    change: Change | None = None,
    not_run: Mapping[str, str] = _NO_REASONS,
) -> list[Table]:
    """The retention matrix, and the figures read from it.

    Args:
        run: At least one step.
        others: Other ways to learn, by name.
        change: What else has moved.
        not_run: Other ways to learn that are left out, and why.

    Returns:
        Header and rows of each table.
    """
    ids = [c.id for c in run.conversations[: len(run.steps)]]
    header = ("learned", *ids, "held", "lost", "drift", "seconds")
    rows = [
        (
            step.learned,
            *(percent(value) if at <= number else "" for at, value in enumerate(row[: len(ids)])),
            str(step.held),
            str(step.lost),
            _drift(step.drift),
            f"{step.seconds:.0f}",
        )
        for number, (step, row) in enumerate(zip(run.steps, run.matrix, strict=True))
    ]
    summary, intervals = run.summary, run.intervals
    names = {
        "before": "right before anything was learned",
        "just": "right just after its own consolidation",
        "last": "right after the last one",
        "retention": "of what was right just after, right after the last one (the last context left aside)",
        "ratio": "all that is right after the last one, over all that was right just after (likewise)",
        "corrected": "corrected facts right after the last one",
        "leaks_before": "questions about other things answered with what was said, before",
        "leaks": "the same, after the last one",
    }
    figures: list[tuple[str, ...]] = [
        (text, _with_interval(intervals[name]) if name in intervals else _shown(summary, name))
        for name, text in names.items()
    ]
    figures += [("largest drift after a step, nats a token", _drift(summary.get("drift_max")))]
    figures += [("seconds of a consolidation, mean", f"{summary['seconds']:.0f}")]
    if peak := max(step.peak_bytes for step in run.steps):
        figures += [("most memory of a consolidation, MiB", f"{peak / 2**20:.0f}")]
    if "last_f1" in summary:
        figures += [("token F1 just after, after the last one", f"{summary['just_f1']:.3f}, {summary['last_f1']:.3f}")]
    found: list[Table] = [(header, rows), (("figure", "(95 % interval)"), figures)]
    if run.prompted:
        found.append(_by_way(run, intervals))
    if others or not_run:
        found.append(_against(run, others, not_run))
    if change is not None:
        found.append((("what must stay as it was", "before", "after the last one", "p"), [*changed(as_plain(change))]))
    return found


def _by_way(run: Run, intervals: Mapping[str, Interval]) -> Table:
    """What the weights stand beside: the same questions with more in the prompt, before anything was learned."""
    scored = "last_f1" in intervals
    whole, whole_f1 = intervals.get(HISTORY), intervals.get(f"{HISTORY}_f1")
    flags = {BEFORE: _flags_of(run, run.before), **{way: run.prompted_flags(way) for way in run.prompted}}
    ours, contexts = _flags_of(run, run.steps[-1]), _contexts(run, run.steps[-1], len(run.steps))
    rows = []
    for way in (*flags, "last"):
        found = intervals[way]
        row = [NAMES.get(way, _NOTHING), _with_interval(found), _ratio(found, whole)]
        row += ["-" if way == "last" else f"{paired(flags[way], ours, contexts).p:.4f}"]
        if scored:
            f1 = intervals.get(f"{way}_f1")
            row += ["-" if f1 is None else f"{f1.mean:.3f} ({f1.low:.3f} to {f1.high:.3f})", _ratio(f1, whole_f1)]
        rows.append(tuple(row))
    over = paired(ours, ours, contexts).over
    header = ("answered with", "right (95 % interval)", "of whole", f"p against weights, over {over}")
    return ((*header, *(("F1 (95 % interval)", "of whole") if scored else ())), rows)


def _ratio(found: Interval | None, whole: Interval | None) -> str:
    return f"{found.mean / whole.mean:.2f}" if found is not None and whole is not None and whole.mean else "-"


def _with_interval(found: Interval) -> str:
    return f"{percent(found.mean)} ({100 * found.low:.0f} to {100 * found.high:.0f})"


def _drift(found: float | None) -> str:
    return "-" if found is None else f"{found:.4f}"


def _flags_of(run: Run, step: Step) -> list[bool]:
    """Right answers to questions about what was learned."""
    return [flag for at in range(len(run.steps)) for flag in run.flags(step, at)]


def _against(run: Run, others: Mapping[str, Run], not_run: Mapping[str, str]) -> Table:
    """The memory beside other ways to learn, with the paired test over all questions after the last step."""
    rows: list[tuple[str, ...]] = []
    ours, contexts = _at_the_end(run), _contexts(run, run.steps[-1], len(run.conversations))
    for name, other in {"this memory": run, **others}.items():
        figures = other.summary
        p = "-" if other is run else f"{paired(_at_the_end(other), ours, contexts).p:.4f}"
        shown = (_shown(figures, key) for key in ("just", "last", "retention", "ratio", "corrected", "leaks"))
        rows.append((name, *shown, p, _drift(figures.get("drift_max")), f"{figures['seconds']:.0f}"))
    names = ("just after", "after the last", "retention", "ratio", "corrected", "leaks", "p", "largest drift")
    header = ("learned by", *names, "seconds")
    for name, reason in not_run.items():
        rows.append((name, f"not run: {reason}", *[""] * (len(header) - 2)))
    return (header, rows)


def _shown(figures: Mapping[str, float], name: str) -> str:
    """A share; a dash where nobody was asked."""
    return percent(figures[name]) if name in figures else "-"


def _contexts(run: Run, step: Step, count: int) -> list[int]:
    """The context of each question: questions of one hang together."""
    return [at for at in range(count) for _ in run.flags(step, at)]


def _at_the_end(run: Run) -> list[bool]:
    return [flag for at in range(len(run.conversations)) for flag in run.flags(run.steps[-1], at)]


def as_json(
    run: Run,
    *,
    model: str,
    data: str,
    others: Mapping[str, Run] = _NO_RUNS,
    change: Change | None = None,
    not_run: Mapping[str, str] = _NO_REASONS,
) -> dict[str, Any]:
    """The run as JSON values: figures under ``summary``, the matrix, every answer, and which were right at the end.

    The 95 % intervals are under ``intervals``; under ``prompted``, by way, what is right with more in the prompt before
    anything was learned, with its ``ratio`` to the whole conversation.

    Args:
        run: At least one step.
        model: Whose memory it was.
        data: What was read.
        others: Other ways to learn, by name: their figures, matrix and what was right at the end.
        change: What else has moved.
        not_run: Other ways to learn that are left out, and why.

    Returns:
        Dictionaries, lists, strings and numbers.
    """
    return {
        "model": model,
        "data": data,
        "summary": run.summary,
        "intervals": as_plain(run.intervals),
        "contexts": [c.id for c in run.conversations],
        "contexts_done": len(run.steps),
        "contexts_planned": len(run.conversations),
        "peak_bytes": max(step.peak_bytes for step in run.steps),
        "prompted": _prompted(run),
        "matrix": run.matrix,
        "steps": [as_plain(dataclasses.asdict(step)) for step in run.steps],
        "questions": [[q.text for q in c.questions] for c in run.conversations],
        "right": [run.flags(run.steps[-1], at) for at in range(len(run.conversations))],
        "baselines": {
            name: {
                "summary": other.summary,
                "intervals": as_plain(other.intervals),
                "drift": [step.drift for step in other.steps],
                "notes": {step.learned: step.note for step in other.steps if step.note},
                "matrix": other.matrix,
                "right": [other.flags(other.steps[-1], at) for at in range(len(other.conversations))],
            }
            for name, other in others.items()
        },
        "baselines_not_run": dict(not_run),
        "change": None if change is None else as_plain(change),
    }


def _prompted(run: Run) -> dict[str, Any]:
    """By way its figures, answers, and which of them are right."""
    intervals = run.intervals
    found: dict[str, Any] = {}
    for way, answers in run.prompted.items():
        found[way] = {"right": as_plain(intervals[way]), "flags": run.prompted_flags(way), "answers": answers}
        for score, name, whole in (("ratio", way, HISTORY), ("f1_ratio", f"{way}_f1", f"{HISTORY}_f1")):
            if name in intervals and intervals[whole].mean:
                found[way][score] = intervals[name].mean / intervals[whole].mean
        if f"{way}_f1" in intervals:
            found[way]["f1"] = as_plain(intervals[f"{way}_f1"])
    return found


def lines(run: Run, *, others: Mapping[str, Run] = _NO_RUNS) -> Iterator[str]:
    """Every answer as a line of JSON.

    Args:
        run: The memory's.
        others: Other ways to learn, by name.

    Returns:
        Lines without their ends: step (0 is before the first), what was learned in it, context, question, kind, keys,
        golds, way, answer, right, and f1 where there is one; of kind ``neighbour`` with ``leaks`` instead of ``right``.
    """
    yield from _of_step(run, 0, run.before, BEFORE)
    for way, answers in run.prompted.items():
        yield from _answered(run, 0, "", way, answers)
    for name, other in {AFTER: run, **others}.items():
        for number, step in enumerate(other.steps, 1):
            yield from _of_step(other, number, step, name)


def _of_step(run: Run, number: int, step: Step, way: str) -> Iterator[str]:
    yield from _answered(run, number, step.learned, way, step.answers)
    for near, answer in zip(run.neighbours, step.neighbours, strict=True):
        line = {"step": number, "learned": step.learned, "context": "", "question": near.text, "kind": "neighbour"}
        line |= {"keys": [], "golds": [], "way": way, "answer": answer, "leaks": leaks(near, answer)}
        yield json.dumps(line, ensure_ascii=False)


def _answered(run: Run, number: int, learned: str, way: str, answers: Answers) -> Iterator[str]:
    for conversation, texts in zip(run.conversations, answers, strict=True):
        for q, answer in zip(conversation.questions, texts, strict=True):
            line: dict[str, Any] = {"step": number, "learned": learned, "context": conversation.id, "question": q.text}
            line |= {"kind": q.kind, "keys": q.keys, "golds": q.golds, "way": way, "answer": answer}
            line |= {"right": right(q, answer), **({"f1": qa_f1(answer, q.golds)} if q.golds else {})}
            yield json.dumps(line, ensure_ascii=False)


def picture(run: Run) -> bytes:
    """The matrix as a heat map: steps downwards, contexts to the right.

    Args:
        run: At least one step.

    Returns:
        A PNG.

    Raises:
        ImportError: matplotlib is not installed.
    """
    size = len(run.steps)
    figure = require("matplotlib.figure", extra="demo").Figure(
        figsize=(2.2 + 0.62 * size, 1.6 + 0.5 * size), layout="constrained"
    )
    axes = figure.subplots()
    ids = [c.id for c in run.conversations[:size]]
    values = [
        [100 * v if at <= number else float("nan") for at, v in enumerate(row[:size])]
        for number, row in enumerate(run.matrix)
    ]
    image = axes.imshow(values, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    for number, row in enumerate(values):
        for at, value in enumerate(row[: number + 1]):
            colour = "white" if value > 55 else "black"
            axes.text(at, number, f"{value:.0f}", ha="center", va="center", fontsize=9, color=colour)
    axes.set_xticks(range(size), ids, rotation=45, ha="right")
    axes.set_yticks(range(size), ids)
    axes.set_xlabel("asked about")
    axes.set_ylabel("after learning")
    figure.colorbar(image, ax=axes, label="questions right (%)")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()
