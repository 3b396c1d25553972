"""``selfparam consolidate``: learn what is pending now, of one namespace or of all."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any

from langchain_selfparam.cli.common import (
    FAILED,
    OK,
    Bars,
    add_command,
    add_folder,
    add_json,
    add_model,
    add_namespace,
    add_set,
    need_known,
    need_whose,
    only_one,
    open_memory,
    own_weights,
    print_json,
)
from langchain_selfparam.cli.values import count, minutes, names, seconds, settings_of
from langchain_selfparam.errors import ConfigError
from langchain_selfparam.records import BatchReport

_THE_WORKERS = {"policy.every_turns", "policy.every_tokens", "policy.quiet_hours"}
_NAMED = 5
"""Namespaces that are named where more have something left."""
_EXAMPLE = """  $ selfparam consolidate --all --folder ./memory --limit-minutes 30
  memories/ana   8 held, 0 still in the prompt
  memories/ben   5 held, 1 still in the prompt
  13 of 14 turns held in 431 s; 1 is tried again by the next run"""


_WHY = {
    "done": "failed, speaking, back in the prompt, or without an attempt left",
    "deadline": "the time was over",
    "budget": "the tokens were spent",
    "stopped": "it was stopped",
}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command.

    Args:
        commands: What ``add_subparsers`` gave.
    """
    text = "learn what is pending now, of one namespace or of all"
    stopped = "nothing is lost: what was learned is kept, and the rest is pending"
    parser = add_command(commands, "consolidate", run, help=text, example=_EXAMPLE, stopped=stopped)
    add_folder(parser)
    add_model(parser)
    whose = parser.add_mutually_exclusive_group()
    add_namespace(whose)
    whose.add_argument("--all", action="store_true", help="everybody's, an episode of each in turn")
    limit = "end after so long; what is left is learned by the next run"
    parser.add_argument("--limit-minutes", type=minutes, metavar="M", help=limit)
    parser.add_argument("--max-tokens", type=count, metavar="N", help="begin nothing after so many tokens of turns")
    silence = "leave out who has said something in the last so many seconds (default: policy.after_seconds, which is 0)"
    parser.add_argument("--after-seconds", type=seconds, metavar="S", help=silence)
    beside = "namespaces that are trained in one row (default: 1; meant for GPUs)"
    parser.add_argument("--concurrency", type=count, default=1, metavar="N", help=beside)
    add_set(parser, "; settings are not kept in the folder: what the application has set is to be given here as well")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Learn, and print what was done.

    Args:
        args: The arguments.

    Returns:
        The exit code.
    """
    # What is refused is refused before the model is loaded, and no folder is made.
    args.namespace = need_known(args.folder, args.namespace)
    if not args.all:
        need_whose(args.folder, args.namespace, instead=" or --all")
    _refuse_the_workers(args.set)
    settings = settings_of(args.set)
    whose = None if args.namespace is None else [args.namespace]
    args.namespace = None if own_weights(args.folder) else args.namespace or only_one(args.folder)
    _, memory = open_memory(args, settings=settings)
    with memory, Bars() as bars, _until_interrupted() as stopping:
        report = memory.consolidate_all(
            whose,
            deadline=None if args.limit_minutes is None else args.limit_minutes * 60,
            max_tokens=args.max_tokens,
            after_seconds=args.after_seconds,
            concurrency=args.concurrency,
            progress=bars,
            stopping=stopping,
        )
    if args.json:
        print_json(_figures(report))
    else:
        _show(report)
    return FAILED if report.failed or report.ended == "stopped" else OK


def _refuse_the_workers(changes: Sequence[str]) -> None:
    """Refuse settings of when an application's worker begins: passed over, they would seem to be kept."""
    for change in changes:
        if (name := change.partition("=")[0]) in _THE_WORKERS:
            msg = f"{name} is of the worker that learns by itself, and this command learns at once: leave it out"
            raise ConfigError(msg)


@contextlib.contextmanager
def _until_interrupted() -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C, or SIGTERM as services and containers send it, asks to stop between two steps.

    What was done is still said then; the second one ends it.
    """
    asked = threading.Event()

    def heard(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        print("stopping between two steps; Ctrl-C once more ends it at once", file=sys.stderr, flush=True)

    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _figures(report: BatchReport) -> dict[str, Any]:
    written = names((*report.reports, *report.failed, *report.left))
    return {
        "ended": report.ended,
        "seconds": report.seconds,
        "held": report.held,
        "pending": report.pending,
        "failed": {written[n]: error for n, error in report.failed.items()},
        "left": {written[n]: turns for n, turns in report.left.items()},
        "namespaces": {
            written[n]: {
                "version": r.version,
                "held": r.held,
                "pending": r.pending,
                "lost": r.lost,
                "recall": r.recall,
                "drift": r.drift,
                "seconds": r.seconds["total"],
                "reasons": r.reasons,
            }
            for n, r in report.reports.items()
        },
    }


def _show(report: BatchReport) -> None:
    written = names((*report.reports, *report.failed, *report.left))
    tried_of = list(dict.fromkeys((*report.reports, *report.failed)))
    width = max((len(written[namespace]) for namespace in tried_of), default=0)
    for namespace in tried_of:
        name = written[namespace]
        if namespace in report.reports:
            done = report.reports[namespace]
            lost = f", {len(done.lost)} back in it" if done.lost else ""
            print(f"{name:<{width}}   {len(done.held)} held, {len(done.pending)} still in the prompt{lost}")
            print(*(f"  {reason}" for reason in done.reasons), sep="\n", end="\n" if done.reasons else "")
        if namespace in report.failed:
            print(f"{name:<{width}}   not learned: {report.failed[namespace]}")
    tried = len(report.held) + len(report.pending)
    waiting = sum(report.left.values())
    whose = ", ".join(written[namespace] for namespace in [*report.left][:_NAMED])
    more = f" and {len(report.left) - _NAMED} more namespaces" if len(report.left) > _NAMED else ""
    count = "1 turn is" if waiting == 1 else f"{waiting} turns are"
    left = f"{count} left, of {whose}{more} ({_WHY[report.ended]})" if waiting else "nothing is left"
    if not waiting and report.pending:
        left = f"{len(report.pending)} {'is' if len(report.pending) == 1 else 'are'} tried again by the next run"
    print(f"{len(report.held)} of {tried} turns held in {report.seconds:.0f} s; {left}")
    if report.ended == "deadline" and not report.reports:
        print("not one episode was learned in that time: give it more")
