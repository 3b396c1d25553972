"""What ``selfparam eval sequential`` shows: tables, JSON, and the retention matrix as a picture."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Mapping
from typing import Any

from langchain_selfparam.evaluation.sequential import Run
from langchain_selfparam.evaluation.stats import mcnemar
from langchain_selfparam.evaluation.tables import as_plain, percent
from langchain_selfparam.evaluation.unchanged import Change
from langchain_selfparam.evaluation.unchanged import rows as changed
from langchain_selfparam.optional import require

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]


_NO_RUNS: Mapping[str, Run] = {}


def tables(run: Run, *, others: Mapping[str, Run] = _NO_RUNS, change: Change | None = None) -> list[Table]:
    """The retention matrix, and the figures read from it.

    Args:
        run: At least one step.
        others: Other ways to learn, by name.
        change: What else has moved.

    Returns:
        Header and rows of each table.
    """
    ids = [c.id for c in run.conversations[: len(run.steps)]]
    header = ("learned", *ids, "held", "drift", "seconds")
    rows = [
        (
            step.learned,
            *(percent(value) if at <= number else "" for at, value in enumerate(row[: len(ids)])),
            str(step.held),
            f"{step.drift:.4f}",
            f"{step.seconds:.0f}",
        )
        for number, (step, row) in enumerate(zip(run.steps, run.matrix, strict=True))
    ]
    summary = run.summary
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
    figures: list[tuple[str, ...]] = [(text, _shown(summary, name)) for name, text in names.items()]
    figures += [("largest drift after a step, nats a token", f"{summary['drift_max']:.4f}")]
    figures += [("seconds of a consolidation, mean", f"{summary['seconds']:.0f}")]
    if "last_f1" in summary:
        figures += [("token F1 just after, after the last one", f"{summary['just_f1']:.3f}, {summary['last_f1']:.3f}")]
    found: list[Table] = [(header, rows), (("figure", ""), figures)]
    if others:
        found.append(_against(run, others))
    if change is not None:
        found.append((("what must stay as it was", "before", "after the last one", "p"), [*changed(as_plain(change))]))
    return found


def _against(run: Run, others: Mapping[str, Run]) -> Table:
    """The memory beside other ways to learn, with the paired test over all questions after the last step."""
    rows = []
    ours = _at_the_end(run)
    for name, other in {"this memory": run, **others}.items():
        figures = other.summary
        p = "-" if other is run else f"{mcnemar(_at_the_end(other), ours):.4f}"
        shown = (_shown(figures, key) for key in ("just", "last", "retention", "ratio", "corrected", "leaks"))
        rows.append((name, *shown, p, f"{figures['seconds']:.0f}"))
    header = ("learned by", "just after", "after the last", "retention", "ratio", "corrected", "leaks", "p", "seconds")
    return (header, rows)


def _shown(figures: Mapping[str, float], name: str) -> str:
    """A share; a dash where nobody was asked."""
    return percent(figures[name]) if name in figures else "-"


def _at_the_end(run: Run) -> list[bool]:
    return [flag for at in range(len(run.conversations)) for flag in run.flags(run.steps[-1], at)]


def as_json(
    run: Run, *, model: str, data: str, others: Mapping[str, Run] = _NO_RUNS, change: Change | None = None
) -> dict[str, Any]:
    """The run as JSON values: figures under ``summary``, the matrix, every answer, and which were right at the end.

    Args:
        run: At least one step.
        model: Whose memory it was.
        data: What was read.
        others: Other ways to learn, by name: their figures, matrix and what was right at the end.
        change: What else has moved.

    Returns:
        Dictionaries, lists, strings and numbers.
    """
    return {
        "model": model,
        "data": data,
        "summary": run.summary,
        "contexts": [c.id for c in run.conversations],
        "matrix": run.matrix,
        "steps": [as_plain(dataclasses.asdict(step)) for step in run.steps],
        "questions": [[q.text for q in c.questions] for c in run.conversations],
        "right": [run.flags(run.steps[-1], at) for at in range(len(run.conversations))],
        "baselines": {
            name: {
                "summary": other.summary,
                "matrix": other.matrix,
                "right": [other.flags(other.steps[-1], at) for at in range(len(other.conversations))],
            }
            for name, other in others.items()
        },
        "change": None if change is None else as_plain(change),
    }


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
