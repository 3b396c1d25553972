"""What ``selfparam eval sequential`` shows: tables, JSON, and the retention matrix as a picture."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

from langchain_selfparam.evaluation.sequential import Run
from langchain_selfparam.evaluation.tables import as_plain, percent
from langchain_selfparam.optional import require

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]


def tables(run: Run) -> list[Table]:
    """The retention matrix, and the figures read from it.

    Args:
        run: At least one step.

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
        "corrected": "corrected facts right after the last one",
        "leaks_before": "questions about other things answered with what was said, before",
        "leaks": "the same, after the last one",
    }
    figures: list[tuple[str, ...]] = [(text, percent(summary[name])) for name, text in names.items()]
    figures += [("largest drift of a step, nats a token", f"{summary['drift_max']:.4f}")]
    figures += [("seconds of a consolidation, mean", f"{summary['seconds']:.0f}")]
    return [(header, rows), (("figure", ""), figures)]


def as_json(run: Run, *, model: str, data: str) -> dict[str, Any]:
    """The run as JSON values: figures under ``summary``, the matrix, every answer, and which were right at the end.

    Args:
        run: At least one step.
        model: Whose memory it was.
        data: What was read.

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
