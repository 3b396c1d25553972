"""Pictures of an evaluation: recall against steps, recall against drift.

In come outcomes, out go PNGs. matplotlib is imported when one is drawn.
"""

from __future__ import annotations

import io
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_selfparam.evaluation.injection import AFTER, HISTORY
from langchain_selfparam.evaluation.outcome import Outcome
from langchain_selfparam.evaluation.summary import drift as served_drift
from langchain_selfparam.evaluation.summary import learned, refused
from langchain_selfparam.evaluation.tables import percent
from langchain_selfparam.optional import require

_BLUE, _ORANGE, _GREY = "#1f5fa8", "#c8501e", "#7a7a7a"
_HOLLOW: Mapping[str, Any] = {"color": _BLUE, "marker": "o", "markerfacecolor": "white", "linestyle": "none"}


def steps(outcomes: Sequence[Outcome]) -> bytes:
    """Recall of held-out questions of its own along the training steps, a line for each part learned, and their mean.

    A consolidation is one part, or several where it had more than ``policy.max_statements``; the steps of each count
    from one. A line that ends in a hollow marker is of a candidate that was refused.

    Args:
        outcomes: Of one variant.

    Returns:
        A PNG.

    Raises:
        ImportError: matplotlib is not installed.
    """
    figure, axes = _figure()
    lines: list[list[tuple[int, float]]] = []
    for found in learned(outcomes):
        parts = _parts(found.report["curve"])
        for points in parts:
            axes.plot(*zip(*points, strict=True), color=_BLUE, alpha=0.3, linewidth=1)
        if parts and refused(found):
            axes.plot(*parts[-1][-1], **_HOLLOW)
        lines += parts
    if lines and len({len(line) for line in lines}) == 1:
        mean = [tuple(statistics.fmean(p[i] for p in at) for i in (0, 1)) for at in zip(*lines, strict=True)]
        axes.plot(*zip(*mean, strict=True), color=_BLUE, marker="o", label="held-out questions of its own, mean")
    right = 100 * statistics.fmean(flag for o in outcomes for flag in o.right(AFTER))
    read = 100 * statistics.fmean(flag for o in outcomes for flag in o.right(HISTORY))
    axes.axhline(right, color=_ORANGE, label=f"the set's questions, from the weights: {percent(right / 100)}")
    axes.axhline(read, color=_GREY, linestyle="--", label=f"the same, from the prompt: {percent(read / 100)}")
    axes.set_xlabel("training step")
    axes.set_ylabel("questions right (%)")
    axes.set_ylim(0, 100)
    axes.legend(frameon=False, fontsize=9)
    return _png(figure)


def _parts(curve: Sequence[Mapping[str, Any]]) -> list[list[tuple[int, float]]]:
    """Steps and recall in per cent of each part that was learned: a new one begins where the steps do not rise."""
    parts: list[list[tuple[int, float]]] = []
    last = math.inf
    for point in curve:
        if point["step"] <= last:
            parts.append([])
        last = point["step"]
        if point["recall"] is not None:
            parts[-1].append((point["step"], 100 * point["recall"]))
    return [part for part in parts if part]


def drift(parts: Mapping[str, Sequence[Outcome]], *, limit: float) -> bytes:
    """Recall against drift of what is served, a point for each variant, joined in the order of their drift.

    The point of a variant is hollow where a candidate of it was refused, whose own drift does not count.

    Args:
        parts: Outcomes by variant.
        limit: The largest drift that is served, nats per token.

    Returns:
        A PNG.

    Raises:
        ImportError: matplotlib is not installed.
    """
    figure, axes = _figure()
    points = sorted(_point(variant, learned(part), part) for variant, part in parts.items())
    axes.plot([p[0] for p in points], [p[1] for p in points], color=_BLUE, marker="o")
    middle = max(limit, *(p[0] for p in points)) / 2
    for x, y, name, hollow in points:
        if hollow:
            axes.plot(x, y, **_HOLLOW)
        # Towards the middle: at the edges there is no room for a name.
        at, side = ((6, 6), "left") if x <= middle else ((-6, 6), "right")
        axes.annotate(name, (x, y), at, textcoords="offset points", ha=side, fontsize=9, color=_BLUE)
    axes.axvline(limit, color=_GREY, linestyle="--", linewidth=1.2, label="largest drift that is served")
    axes.set_xlim(left=0)
    axes.set_ylim(0, 100)
    axes.set_xlabel("drift on unrelated prompts (nats per token)")
    axes.set_ylabel("questions right from the weights (%)")
    axes.legend(frameon=False, fontsize=9)
    return _png(figure)


def _point(variant: str, once: Sequence[Outcome], part: Sequence[Outcome]) -> tuple[float, float, str, int]:
    """Drift, recall in per cent, name and how many consolidations were refused, of one variant."""
    count = sum(map(refused, once))
    name = (variant or "as it is") + (f" ({count} of {len(once)} refused)" if count else "")
    right = statistics.fmean(flag for o in part for flag in o.right(AFTER))
    return statistics.fmean(map(served_drift, once)), 100 * right, name, count


def _figure() -> tuple[Any, Any]:
    figure = require("matplotlib.figure", extra="demo").Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.25)
    return figure, axes


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()
