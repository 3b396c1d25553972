"""The benchmark as text, JSON and a picture."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from langchain_selfparam.bench.run import Bench, Cell
from langchain_selfparam.optional import require

if TYPE_CHECKING:
    from langchain_selfparam.bench.growth import Mark

_HEADER = ("C", "N", "way", "teacher", "student", "rest", "total", "tokens/s", "peak MiB")
_PER_HEADER = ("s per 1,000 C", "N", "way", "teacher", "student", "rest", "total")


def text(bench: Bench) -> str:
    """The benchmark for a terminal.

    Args:
        bench: What was measured.

    Returns:
        A line about the machine, a table of sizes, the loss, the ratios.
    """
    plan = bench.plan
    lines = [
        f"{bench.model} on {bench.device}: {bench.matmul_flops / 1e9:,.0f} GFLOP/s in its own square products",
        f"L {plan.length}, E {plan.epochs}; this engine: medians of {plan.repeats}; naive loops: medians of "
        f"{plan.naive_repeats} steps, scaled to all",
        "",
        _table([_HEADER, *(row for cell in bench.cells for row in _rows(bench, cell))]),
        "",
        _table([_PER_HEADER, *(row for cell in bench.cells for row in _per_thousand(cell))]),
        "",
        *_questions(bench),
        _table(_loss_rows(bench)),
        "",
        _table([("ratio", ""), *((name, f"{value:.2f}") for name, value in bench.ratios.items())]),
        "",
        f"{bench.seconds:.0f} seconds in all",
    ]
    return "\n".join(lines)


def as_json(bench: Bench) -> dict[str, Any]:
    """The benchmark as JSON values, with everything that was measured and ``ratios``."""
    return {**dataclasses.asdict(bench), "ratios": bench.ratios}


_FAR = 20.0
"""Times the shortest of a picture's bars from which on the longest would hide it."""


def picture(bench: Bench) -> bytes:
    """Seconds for each size and each way that was timed; on a logarithmic scale where they are far apart.

    Args:
        bench: What was measured.

    Returns:
        A PNG.

    Raises:
        ImportError: matplotlib is not installed.
    """
    figure, axes = _figure()
    colours = {"published recipe": "#7a7a7a", "batched loop": "#c8501e", "this engine": "#1f5fa8"}
    timed = {name: [_seconds(cell)[name] or 0.0 for cell in bench.cells] for name in colours}
    timed = {name: values for name, values in timed.items() if any(values)}
    width = 0.78 / max(1, len(timed))
    for number, (name, values) in enumerate(timed.items()):
        at = [i + (number - (len(timed) - 1) / 2) * width for i in range(len(values))]
        bars = axes.bar(at, values, width, color=colours[name], label=name)
        axes.bar_label(bars, [f"{v:,.0f}" if v else "" for v in values], fontsize=8, padding=2)
    seconds = [v for values in timed.values() for v in values if v]
    if seconds and max(seconds) > _FAR * min(seconds):
        axes.set_yscale("log")
        axes.set_ylim(bottom=min(seconds) / 2)  # or the shortest bar has no height
    axes.set_xticks(range(len(bench.cells)), [f"C {c.context:,}\nN {c.pairs}" for c in bench.cells])
    axes.set_ylabel("seconds into the weights")
    axes.set_title(f"{bench.model}, {bench.device}", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    return _png(figure)


def growth_text(marks: Sequence[Mark]) -> str:
    """Growth for a terminal.

    Args:
        marks: What was measured.

    Returns:
        A table.
    """
    header = ("versions", "open, s", "consolidate, s", "save a turn, ms", "deltas, MB", "totals, MB")
    rows = [
        (
            f"{mark.versions:,}",
            f"{mark.open:.3f}",
            f"{mark.consolidate:.3f}",
            f"{1000 * mark.save:.1f}",
            f"{mark.delta_bytes / 1e6:.2f}",
            f"{mark.totals_bytes / 1e6:.2f}",
        )
        for mark in marks
    ]
    return _table([header, *rows])


def growth_picture(marks: Sequence[Mark]) -> bytes:
    """Seconds of opening and of one more consolidation over the number of versions.

    Args:
        marks: What was measured.

    Returns:
        A PNG.

    Raises:
        ImportError: matplotlib is not installed.
    """
    figure, axes = _figure()
    versions = [mark.versions for mark in marks]
    lines = {"one more consolidation": ("#c8501e", "consolidate"), "opening the folder": ("#1f5fa8", "open")}
    for name, (colour, field) in lines.items():
        values = [getattr(mark, field) for mark in marks]
        axes.plot(versions, values, marker="o", color=colour)
        axes.annotate(name, (versions[-1], values[-1]), (0, 8), textcoords="offset points", ha="right", color=colour)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xticks(versions, [f"{v:,}" for v in versions])
    axes.set_xlabel("versions in the ledger")
    axes.set_ylabel("seconds")
    axes.spines[["top", "right"]].set_visible(False)
    return _png(figure)


def _figure() -> tuple[Any, Any]:
    figure = require("matplotlib.figure", extra="demo").Figure(figsize=(7.2, 4.2), layout="constrained")
    return figure, figure.subplots()


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def _seconds(cell: Cell) -> dict[str, float | None]:
    return {"published recipe": cell.published, "batched loop": cell.batched_total, "this engine": cell.ours.total}


def _ways(cell: Cell) -> dict[str, tuple[float | None, float | None, float]]:
    """Seconds of teacher, student and the rest by way; the published recipe has no phases."""
    phases = cell.ours
    ways: dict[str, tuple[float | None, float | None, float]] = {
        "ours": (phases.teacher, phases.student, phases.start + phases.commit),
        "batched": (cell.batched["teacher"], cell.batched["student"], 0.0),
    }
    if cell.published is not None:
        ways["published"] = (None, None, cell.published)
    return ways


def _rows(bench: Bench, cell: Cell) -> list[tuple[str, ...]]:
    pairs = cell.pairs * bench.plan.length * bench.plan.epochs
    rows = []
    for way, parts in _ways(cell).items():
        total, peak = sum(part or 0.0 for part in parts), cell.peak_bytes.get(way)
        memory = "" if peak is None else f"{peak / 2**20:,.0f}"
        rows.append((*_start(cell, way), *_seconds_of(parts), f"{pairs / total:,.0f}", memory))
    return rows


def _per_thousand(cell: Cell) -> list[tuple[str, ...]]:
    by = 1000 / cell.context
    return [
        (*_start(cell, way), *_seconds_of([None if part is None else part * by for part in parts]))
        for way, parts in _ways(cell).items()
    ]


def _start(cell: Cell, way: str) -> tuple[str, str, str]:
    return f"{cell.context:,}", str(cell.pairs), {"ours": "this engine"}.get(way, way)


def _seconds_of(parts: Sequence[float | None]) -> list[str]:
    return [*("" if part is None else f"{part:.1f}" for part in parts), f"{sum(part or 0.0 for part in parts):.1f}"]


def _questions(bench: Bench) -> list[str]:
    found = bench.questions
    if found is None:
        return []
    head = f"questions, C {found.context:,}, {found.rows} rows of {found.written} tokens"
    names = {"ours": "this engine", "generate": "transformers' generate"}
    rows: list[tuple[str, ...]] = [(head, "seconds", "peak MiB")]
    for way, seconds in found.seconds.items():
        peak = found.peak_bytes.get(way)
        rows.append((names[way], f"{seconds:.2f}", "" if peak is None else f"{peak / 2**20:,.0f}"))
    return [_table(rows), ""]


def _loss_rows(bench: Bench) -> list[tuple[str, ...]]:
    loss = bench.loss
    rows = [(f"loss, T {loss.tokens:,} D {loss.hidden:,} V {loss.vocabulary:,}", "seconds", "peak MiB")]
    for name, seconds in loss.seconds.items():
        peak = loss.peak_bytes.get(name)
        rows.append((name, f"{seconds:.3f}", "" if peak is None else f"{peak / 2**20:,.0f}"))
    return [*rows, ("this engine's GFLOP/s", f"{loss.flops / 1e9:,.0f}", "")]


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]

    def line(row: tuple[str, ...]) -> str:
        first, *others = zip(row, widths, strict=True)
        return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]).rstrip()

    return "\n".join(line(row) for row in rows)
