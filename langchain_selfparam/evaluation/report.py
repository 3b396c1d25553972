"""What ``selfparam demo`` and ``selfparam eval`` show: text for a terminal, Markdown, JSON, one picture.

In come results with every answer, out go strings and files. It asks and learns nothing.
"""

from __future__ import annotations

import dataclasses
import io
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_selfparam.evaluation.injection import Asked, Result
from langchain_selfparam.evaluation.metrics import right
from langchain_selfparam.evaluation.tables import as_plain, markdown, percent, plain, write_whole
from langchain_selfparam.optional import require
from langchain_selfparam.records import TrainPoint

STAGES = ("targets", "teacher", "student", "probes", "commit", "total")
"""Stages of a consolidation whose seconds are shown, in order."""
_STAGE_NAMES = {"student": "training"}
_WAYS = {
    "before": "nothing in the prompt, before",
    "history": "whole conversation in the prompt",
    "quoted": "only the right turn in the prompt",
    "after": "nothing in the prompt, after",
}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Demo:
    """Everything that the demo has seen."""

    model: str
    folder: Path
    """The memory folder; it can be opened again."""
    result: Result
    reopened: tuple[str, ...]
    """Answers of a new process that opened the folder, nothing in its prompt."""
    rolled_back: tuple[str, ...]
    """Answers after rolling back to version 0."""
    seconds: float
    """Wall-clock seconds of the whole demo."""

    def right(self, answers: Sequence[str]) -> int:
        """How many of these answers are right."""
        questions = self.result.conversation.questions
        return sum(right(q, a) for q, a in zip(questions, answers, strict=True))


def demo_text(demo: Demo, *, width: int = 100) -> str:
    """The demo for a terminal.

    Args:
        demo: What it has seen.
        width: Most characters in a line.

    Returns:
        Three tables: questions, what was held, seconds.
    """
    header = ("question", "before", "conversation in prompt", "after")
    questions = plain(header, _question_rows(demo.result, ("+ ", "- ")), width=width, lines=2)
    return "\n\n".join(
        [
            f"{demo.model}: + right, - wrong; before and after have nothing in the prompt",
            questions,
            plain(("answered right", "", ""), _held_rows(demo), width=width),
            plain(("", ""), _cost_rows(demo), width=width),
            plain(("stage", "seconds"), _second_rows(demo.result.report.seconds), width=width),
        ]
    )


def demo_markdown(demo: Demo) -> str:
    """The demo as Markdown, with whole answers.

    Args:
        demo: What it has seen.

    Returns:
        The document.
    """
    header = (
        "question",
        "before, nothing in the prompt",
        "whole conversation in the prompt",
        "after, nothing",
    )
    title = demo.result.conversation.title
    return "\n\n".join(
        [
            f"# {title}: what {demo.model} holds in its weights",
            markdown(header, _question_rows(demo.result, ("✓ ", "✗ "))),
            markdown(("answered right", "", ""), _held_rows(demo)),
            markdown(("", ""), _cost_rows(demo)),
            markdown(("stage", "seconds"), _second_rows(demo.result.report.seconds)),
            "![KL and recall against training steps](demo.png)\n",
        ]
    )


def demo_json(demo: Demo) -> dict[str, Any]:
    """The demo as JSON values.

    Args:
        demo: What it has seen.

    Returns:
        Figures under ``summary``, and every answer.
    """
    result, count = demo.result, len(demo.result.asked)
    return {
        "model": demo.model,
        "folder": str(demo.folder),
        "summary": {
            "questions": count,
            "before": result.held("before"),
            "history": result.held("history"),
            "after": result.held("after"),
            "reopened": demo.right(demo.reopened) / count,
            "rolled_back": demo.right(demo.rolled_back) / count,
            "neighbours_before": result.leaked("before"),
            "neighbours_after": result.leaked("after"),
            "turns_held": len(result.report.held),
            "turns": len(result.conversation.turns),
            "tokens_saved": result.report.tokens_saved,
            "drift": result.report.drift,
            "seconds": demo.seconds,
            "consolidation_seconds": result.seconds,
        },
        "questions": [
            {**row, "reopened": reopened, "rolled_back": rolled_back}
            for row, reopened, rolled_back in zip(_answers(result), demo.reopened, demo.rolled_back, strict=True)
        ],
        "neighbours": _neighbours(result),
        "report": as_plain(result.report),
    }


def curve(points: Sequence[TrainPoint], *, before: float, after: float, with_context: float) -> bytes:
    """Draw KL and recall against training steps.

    Args:
        points: The training curve.
        before: Share of the conversation's questions answered right before training.
        after: The same after it.
        with_context: The same before it, with the whole conversation in the prompt.

    Returns:
        A PNG.

    Raises:
        ImportError: matplotlib is not installed.
    """
    figure = require("matplotlib.figure", extra="demo").Figure(figsize=(7.2, 4.8), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    blue, orange, grey = "#1f5fa8", "#c8501e", "#7a7a7a"
    # Counted here: what was learned in parts counts its own from one in each.
    steps, last = range(1, len(points) + 1), max(1, len(points))
    mean = [statistics.fmean(p.kl for p in points[max(0, i - 5) : i + 6]) for i in range(len(points))]
    top.plot(steps, [p.kl for p in points], color=blue, alpha=0.3, linewidth=1, label="each step")
    top.plot(steps, mean, color=blue, linewidth=2, label="mean of 11 steps")
    top.set_ylabel("KL(teacher ‖ student)\n(nats per answer token)")
    top.set_ylim(bottom=0)
    ends = [100 * before, 100 * after]
    bottom.plot(
        [0, last], ends, color=orange, linewidth=0, marker="o", markersize=8, label="these questions, from the weights"
    )
    for step, value, side in ((0, ends[0], "left"), (last, ends[1], "right")):
        shift = 8 if side == "left" else -8
        place: dict[str, Any] = {"xytext": (shift, 5), "textcoords": "offset points", "ha": side, "color": orange}
        place |= {"bbox": {"facecolor": "white", "edgecolor": "none", "pad": 1}}
        bottom.annotate(f"{value:.0f} %", (step, value), **place)
    told = [(step, 100 * p.recall) for step, p in zip(steps, points, strict=True) if p.recall is not None]
    if told:
        bottom.plot(*zip(*told, strict=True), color=blue, marker=".", label="held-out questions of its own")
    bottom.axhline(
        100 * with_context,
        color=grey,
        linestyle="--",
        linewidth=1.2,
        label=f"these questions, from the prompt: {percent(with_context)}",
    )
    bottom.set_ylabel("questions right\n(%)")
    bottom.set_ylim(-5, 105)
    bottom.set_xlabel("training step")
    for axes in (top, bottom):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.25)
        axes.legend(frameon=False, fontsize=9)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def save_demo(demo: Demo, folder: Path, *, png: bytes | None) -> list[Path]:
    """Write the demo's report.

    Args:
        demo: What it has seen.
        folder: Where to.
        png: The picture, or ``None`` where it could not be drawn.

    Returns:
        The files.
    """
    json_text = json.dumps(demo_json(demo), indent=2, ensure_ascii=False) + "\n"
    files: dict[str, str | bytes] = {
        "demo.md": demo_markdown(demo),
        "demo.json": json_text,
    }
    if png is not None:
        files["demo.png"] = png
    return [write_whole(folder / name, content) for name, content in files.items()]


def _question_rows(result: Result, marks: tuple[str, str]) -> list[tuple[str, ...]]:
    def cell(asked: Asked, way: str) -> str:
        return marks[0 if asked.is_right(way) else 1] + asked.answers[way]

    return [(a.question.text, *(cell(a, way) for way in ("before", "history", "after"))) for a in result.asked]


def _held_rows(demo: Demo) -> list[tuple[str, ...]]:
    result = demo.result
    lines = [
        (_WAYS["before"], [a.answers["before"] for a in result.asked]),
        (_WAYS["history"], [a.answers["history"] for a in result.asked]),
        (_WAYS["after"], [a.answers["after"] for a in result.asked]),
        ("the same in a new process", demo.reopened),
        ("the same after rollback to version 0", demo.rolled_back),
    ]
    count = len(result.asked)
    return [
        (name, f"{demo.right(answers)} of {count}", percent(demo.right(answers) / count)) for name, answers in lines
    ]


def _cost_rows(demo: Demo) -> list[tuple[str, ...]]:
    result, report = demo.result, demo.result.report
    near = result.neighbours
    before = sum(n.leaks("before") for n in near)
    after = sum(n.leaks("after") for n in near)
    return [
        (
            "turns held by the weights",
            f"{len(report.held)} of {len(result.conversation.turns)}{'' if report.committed else ', refused'}",
        ),
        ("prompt tokens saved in every request", str(report.tokens_saved)),
        (
            "drift on unrelated prompts (nats per token)",
            f"{report.drift:.4f}" if report.committed else f"0 (refused with {report.drift:.4f})",
        ),
        ("questions about others answered with the user's facts, before", f"{before} of {len(near)}"),
        ("the same, after", f"{after} of {len(near)}"),
        ("target sentences learned from", str(report.targets)),
        ("whole demo (seconds)", f"{demo.seconds:.0f}"),
    ]


def _second_rows(seconds: Mapping[str, float]) -> list[tuple[str, ...]]:
    names = [*(s for s in STAGES if s in seconds and s != "total"), *(s for s in seconds if s not in STAGES)]
    names += ["total"] if "total" in seconds else []
    return [(_STAGE_NAMES.get(name, name), f"{seconds[name]:.1f}") for name in names]


def _answers(result: Result) -> list[dict[str, Any]]:
    return [
        {
            "question": a.question.text,
            "kind": a.question.kind,
            **{way: a.answers[way] for way in _WAYS if way in a.answers},
            "right": {way: a.is_right(way) for way in _WAYS if way in a.answers},
        }
        for a in result.asked
    ]


def _neighbours(result: Result) -> list[dict[str, Any]]:
    return [
        {
            "question": n.neighbour.text,
            "before": n.answers["before"],
            "after": n.answers["after"],
            "leaks": {"before": n.leaks("before"), "after": n.leaks("after")},
        }
        for n in result.neighbours
    ]
