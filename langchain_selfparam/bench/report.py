"""The benchmark as text, JSON and a picture."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

from langchain_selfparam.bench.run import Bench, Cell
from langchain_selfparam.optional import require

_HEADER = ("C", "N", "way", "teacher", "student", "rest", "total", "s per 1,000 C", "tokens/s", "peak MiB")


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


def picture(bench: Bench) -> bytes:
    """Seconds for each size and way, on a logarithmic scale.

    Args:
        bench: What was measured.

    Returns:
        A PNG.

    Raises:
        ImportError: matplotlib is not installed.
    """
    figure = require("matplotlib.figure", extra="demo").Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.subplots()
    ways = {"published recipe": "#7a7a7a", "batched loop": "#c8501e", "this engine": "#1f5fa8"}
    width = 0.26
    for number, (name, colour) in enumerate(ways.items()):
        values = [_seconds(cell)[name] for cell in bench.cells]
        at = [i + (number - 1) * width for i in range(len(values))]
        bars = axes.bar(at, [v or 0 for v in values], width, color=colour, label=name)
        axes.bar_label(bars, [f"{v:,.0f}" if v else "" for v in values], fontsize=8, padding=2)
    axes.set_yscale("log")
    axes.set_xticks(range(len(bench.cells)), [f"C {c.context:,}\nN {c.pairs}" for c in bench.cells])
    axes.set_ylabel("seconds into the weights")
    axes.set_title(f"{bench.model}, {bench.device}", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def _seconds(cell: Cell) -> dict[str, float | None]:
    return {"published recipe": cell.published, "batched loop": cell.batched_total, "this engine": cell.ours.total}


def _rows(bench: Bench, cell: Cell) -> list[tuple[str, ...]]:
    phases, pairs = cell.ours, cell.pairs * bench.plan.length * bench.plan.epochs

    def row(way: str, teacher: float | None, student: float | None, rest: float, total: float) -> tuple[str, ...]:
        peak = cell.peak_bytes.get(way)
        return (
            f"{cell.context:,}",
            str(cell.pairs),
            {"ours": "this engine"}.get(way, way),
            "" if teacher is None else f"{teacher:.1f}",
            "" if student is None else f"{student:.1f}",
            f"{rest:.1f}",
            f"{total:.1f}",
            f"{1000 * total / cell.context:.1f}",
            f"{pairs / total:,.0f}",
            "" if peak is None else f"{peak / 2**20:,.0f}",
        )

    rows = [
        row("ours", phases.teacher, phases.student, phases.start + phases.commit, phases.total),
        row("batched", cell.batched["teacher"], cell.batched["student"], 0.0, cell.batched_total),
    ]
    if cell.published is not None:
        rows.append(row("published", None, None, cell.published, cell.published))
    return rows


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
