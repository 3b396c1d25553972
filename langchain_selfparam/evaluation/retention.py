"""What ``selfparam eval sequential`` shows: tables, JSON, lines, and the retention matrix as a picture."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_selfparam.evaluation.injection import AFTER, BEFORE, HISTORY
from langchain_selfparam.evaluation.metrics import leaks, qa_f1, right
from langchain_selfparam.evaluation.seeds import Seeds
from langchain_selfparam.evaluation.sequential import Answers, Run, Step
from langchain_selfparam.evaluation.stats import Interval, Paired, paired
from langchain_selfparam.evaluation.summary import NAMES
from langchain_selfparam.evaluation.tables import as_plain, percent
from langchain_selfparam.evaluation.unchanged import over_models
from langchain_selfparam.evaluation.unchanged import table as changed
from langchain_selfparam.optional import require

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
Measured = Run | Seeds
"""One run, or several with other seeds as one."""

_NO_RUNS: Mapping[str, Run] = {}
_NO_CHANGES: Sequence[Mapping[str, Any]] = ()
_NO_REASONS: Mapping[str, str] = {}
_FIGURES = ("just after", "after the last", "retention", "ratio", "corrected", "leaks")
_NOTHING = "nothing in the prompt, after the last one"


def tables(
    run: Measured,
    *,
    others: Mapping[str, Measured] = _NO_RUNS,
    changes: Sequence[Mapping[str, Any]] = _NO_CHANGES,
    not_run: Mapping[str, str] = _NO_REASONS,
) -> list[Table]:
    """The retention matrix, and the figures read from it.

    Args:
        run: At least one step.
        others: Other ways to learn, by name.
        changes: What else has moved, as plain values; one for each seed.
        not_run: Other ways to learn that are left out, and why.

    Returns:
        Header and rows of each table.
    """
    steps = run.rows
    ids = [step.learned for step in steps]
    header = ("learned", *ids, "held", "lost", "drift", "seconds")
    rows = [
        (
            step.learned,
            *(percent(value) if at <= number else "" for at, value in enumerate(row[: len(ids)])),
            _count(step.held),
            _count(step.lost),
            _drift(step.drift),
            f"{step.seconds:.0f}",
        )
        for number, (step, row) in enumerate(zip(steps, run.matrix, strict=True))
    ]
    found: list[Table] = [(header, rows), (("figure", "(95 % interval)"), _figures(run))]
    if isinstance(run, Seeds):
        found.append(_by_seed(run))
    tests = _tests(run, others)
    if run.prompted:
        found.append(_by_way(run, run.intervals, tests))
    if others or not_run:
        found.append(_against(run, others, not_run, tests))
    if changes:
        found.append(changed(changes))
    return found


def _by_seed(seeds: Seeds) -> Table:
    rows = []
    for number, one in enumerate(seeds.runs):
        figures = one.summary
        shown = (_shown(figures, key) for key in ("just", "last", "retention", "ratio", "corrected", "leaks"))
        rows.append((str(number), *shown, _drift(figures.get("drift_max")), f"{figures['seconds']:.0f}"))
    return (("seed", *_FIGURES, "largest drift", "seconds"), rows)


def _count(mean: float) -> str:
    """A number of turns, or its mean over seeds."""
    return f"{mean:.1f}".removesuffix(".0")


def _figures(run: Measured) -> list[tuple[str, ...]]:
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
    if peak := run.peak_bytes:
        figures += [("most memory of a consolidation, MiB", f"{peak / 2**20:.0f}")]
    if "last_f1" in summary:
        figures += [("token F1 just after, after the last one", f"{summary['just_f1']:.3f}, {summary['last_f1']:.3f}")]
    return figures


def _tests(run: Measured, others: Mapping[str, Measured]) -> dict[str, dict[str, Paired]]:
    """Whatever the weights stand beside, tested against them after the last step: by score, then by way or baseline.

    For F1 over the questions that have whole answers; by no score that nobody has.
    """
    found: dict[str, dict[str, Paired]] = {}
    own = run.figures
    for score, end in (("right", ""), ("f1", "_f1")):
        if f"last{end}" not in own:
            continue
        beside = {way: own[f"{way}{end}"] for way in (BEFORE, *run.prompted)}
        beside |= {name: other.figures[f"last{end}"] for name, other in others.items()}
        contexts, ours = zip(*own[f"last{end}"], strict=True)
        found[score] = {name: paired([value for _, value in one], ours, contexts) for name, one in beside.items()}
    return found


def _p(tests: Mapping[str, Mapping[str, Paired]], score: str, name: str) -> str:
    """A p value; a dash for the weights themselves, which are tested against nothing."""
    found = tests.get(score, {}).get(name)
    return "-" if found is None else f"{found.p:.4f}"


def _by_way(run: Measured, intervals: Mapping[str, Interval], tests: Mapping[str, Mapping[str, Paired]]) -> Table:
    """What the weights stand beside: the same questions with more in the prompt, before anything was learned."""
    rows = []
    for way in (BEFORE, *run.prompted, "last"):
        row = [NAMES.get(way, _NOTHING), _with_interval(intervals[way]), _ratio(intervals[way], intervals.get(HISTORY))]
        row += [_p(tests, "right", way)]
        if "f1" in tests:
            f1 = intervals[f"{way}_f1"]
            row += [f"{f1.mean:.3f} ({f1.low:.3f} to {f1.high:.3f})", _ratio(f1, intervals.get(f"{HISTORY}_f1"))]
            row += [_p(tests, "f1", way)]
        rows.append(tuple(row))
    tested = {score: f"p against weights, over {part[BEFORE].over}" for score, part in tests.items()}
    header = ("answered with", "right (95 % interval)", "of whole", tested["right"])
    return ((*header, *(("F1 (95 % interval)", "of whole", tested["f1"]) if "f1" in tests else ())), rows)


def _ratio(found: Interval | None, whole: Interval | None) -> str:
    return f"{found.mean / whole.mean:.2f}" if found is not None and whole is not None and whole.mean else "-"


def _with_interval(found: Interval) -> str:
    return f"{percent(found.mean)} ({100 * found.low:.0f} to {100 * found.high:.0f})"


def _drift(found: float | None) -> str:
    return "-" if found is None else f"{found:.4f}"


def _against(
    run: Measured, others: Mapping[str, Measured], not_run: Mapping[str, str], tests: Mapping[str, Mapping[str, Paired]]
) -> Table:
    """The memory beside other ways to learn, with the paired tests over all questions after the last step."""
    rows: list[tuple[str, ...]] = []
    scored = "f1" in tests
    for name, other in {"this memory": run, **others}.items():
        figures = other.summary
        shown = (_shown(figures, key) for key in ("just", "last", "retention", "ratio", "corrected", "leaks"))
        f1 = (f"{figures['last_f1']:.3f}", _p(tests, "f1", name)) if scored else ()
        end = (_drift(figures.get("drift_max")), f"{figures['seconds']:.0f}")
        rows.append((name, *shown, _p(tests, "right", name), *f1, *end))
    more = ("F1 after the last", "p of F1") if scored else ()
    header = ("learned by", *_FIGURES, "p", *more, "largest drift", "seconds")
    for name, reason in not_run.items():
        rows.append((name, f"not run: {reason}", *[""] * (len(header) - 2)))
    return (header, rows)


def _shown(figures: Mapping[str, float], name: str) -> str:
    """A share; a dash where nobody was asked."""
    return percent(figures[name]) if name in figures else "-"


def as_json(
    run: Measured,
    *,
    model: str,
    data: str,
    others: Mapping[str, Measured] = _NO_RUNS,
    changes: Sequence[Mapping[str, Any]] = _NO_CHANGES,
    not_run: Mapping[str, str] = _NO_REASONS,
) -> dict[str, Any]:
    """The run as JSON values: figures under ``summary``, the matrix, answers, and which were right at the end.

    Beside ``right`` is ``f1``, token F1 of the same answers, ``None`` for a question without whole answers. The 95 %
    intervals are under ``intervals``; under ``prompted``, by way, what is right with more in the prompt before anything
    was learned, with its ``ratio`` to the whole conversation. ``p_ours_vs`` has the p value of the paired test of the
    weights after the last step against each way and each baseline, ``tested_over`` says what it exchanges; where the
    set has whole answers ``f1_p_ours_vs`` and ``f1_tested_over`` are the same of token F1. Of several seeds each is
    what ``Seeds`` makes of them, ``steps`` has no answers, and the figures of each are under ``seeds``. The answers
    that are not here (before anything was learned, the baselines', of several seeds all) are in ``lines``.

    Args:
        run: At least one step.
        model: Whose memory it was.
        data: What was read.
        others: Other ways to learn, by name: their figures, matrix and what was right at the end.
        changes: What else has moved, as plain values; one for each seed.
        not_run: Other ways to learn that are left out, and why.

    Returns:
        Dictionaries, lists, strings and numbers.
    """
    tests = {("" if score == "right" else f"{score}_"): part for score, part in _tests(run, others).items()}
    return {
        "model": model,
        "data": data,
        "summary": run.summary,
        "intervals": as_plain(run.intervals),
        "contexts": [c.id for c in run.conversations],
        "contexts_done": len(run.rows),
        "contexts_planned": len(run.conversations),
        "peak_bytes": run.peak_bytes,
        "prompted": _prompted(run),
        **{f"{score}p_ours_vs": {name: one.p for name, one in part.items()} for score, part in tests.items()},
        **{f"{score}tested_over": part[BEFORE].over for score, part in tests.items()},
        "matrix": run.matrix,
        "steps": as_plain(run.steps if isinstance(run, Run) else run.rows),
        **({"seeds": [one.summary for one in run.runs]} if isinstance(run, Seeds) else {}),
        "questions": [[q.text for q in c.questions] for c in run.conversations],
        "right": run.right,
        "f1": run.f1_last,
        "baselines": {
            name: {
                "summary": other.summary,
                "intervals": as_plain(other.intervals),
                "drift": [step.drift for step in other.rows],
                "notes": {step.learned: step.note for step in _every_step(other) if step.note},
                "matrix": other.matrix,
                "right": other.right,
            }
            for name, other in others.items()
        },
        "baselines_not_run": dict(not_run),
        "change": over_models(changes) if len(changes) > 1 else next(iter(changes), None),
    }


def _every_step(run: Measured) -> Iterator[Step]:
    yield from run.steps if isinstance(run, Run) else (step for one in run.runs for step in one.steps)


def _prompted(run: Measured) -> dict[str, Any]:
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


def lines(run: Run, *, others: Mapping[str, Run] = _NO_RUNS, seed: int = 0) -> Iterator[str]:
    """Every answer as a line of JSON.

    Args:
        run: The memory's.
        others: Other ways to learn, by name.
        seed: Of the run.

    Returns:
        Lines without their ends: seed, step (0 is before the first), what was learned in it, context, question, kind,
        keys, golds, way, answer, right, and f1 where there is one; of kind ``neighbour`` with ``leaks`` instead of
        ``right``.
    """
    for line in _lines(run, others):
        yield json.dumps({"seed": seed, **line}, ensure_ascii=False)


def _lines(run: Run, others: Mapping[str, Run]) -> Iterator[dict[str, Any]]:
    yield from _of_step(run, 0, run.before, BEFORE)
    for way, answers in run.prompted.items():
        yield from _answered(run, 0, "", way, answers)
    for name, other in {AFTER: run, **others}.items():
        for number, step in enumerate(other.steps, 1):
            yield from _of_step(other, number, step, name)


def _of_step(run: Run, number: int, step: Step, way: str) -> Iterator[dict[str, Any]]:
    yield from _answered(run, number, step.learned, way, step.answers)
    for near, answer in zip(run.neighbours, step.neighbours, strict=True):
        line = {"step": number, "learned": step.learned, "context": "", "question": near.text, "kind": "neighbour"}
        yield {**line, "keys": [], "golds": [], "way": way, "answer": answer, "leaks": leaks(near, answer)}


def _answered(run: Run, number: int, learned: str, way: str, answers: Answers) -> Iterator[dict[str, Any]]:
    for conversation, texts in zip(run.conversations, answers, strict=True):
        for q, answer in zip(conversation.questions, texts, strict=True):
            line: dict[str, Any] = {"step": number, "learned": learned, "context": conversation.id, "question": q.text}
            line |= {"kind": q.kind, "keys": q.keys, "golds": q.golds, "way": way, "answer": answer}
            yield {**line, "right": right(q, answer), **({"f1": qa_f1(answer, q.golds)} if q.golds else {})}


def picture(run: Measured) -> bytes:
    """The matrix as a heat map: steps downwards, contexts to the right.

    Args:
        run: At least one step.

    Returns:
        A PNG.

    Raises:
        ImportError: matplotlib is not installed.
    """
    size = len(run.rows)
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
