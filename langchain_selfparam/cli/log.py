"""``selfparam log``: the versions of a memory, or its turns, read without its model and beside its owner."""

from __future__ import annotations

import argparse
from typing import Any

from langchain_selfparam.cli.common import (
    OK,
    add_command,
    add_folder,
    add_json,
    add_namespace,
    need_known,
    own_weights,
    print_json,
    reading,
    short,
)
from langchain_selfparam.cli.values import names
from langchain_selfparam.records import Turn, Version

_EXAMPLE = """  $ selfparam log --folder ./memory
     0  2031-04-02 09:12
  *  1  2031-04-02 09:20  holds 7 turns  recall 81%  drift 0.0121  96 s
  * is served"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command.

    Args:
        commands: What ``add_subparsers`` gave.
    """
    text = "list the versions or turns of a memory"
    parser = add_command(commands, "log", run, help=text, example=_EXAMPLE)
    add_folder(parser)
    parser.add_argument("--turns", action="store_true", help="list the turns with text and state instead")
    add_namespace(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print it.

    Args:
        args: The arguments.

    Returns:
        The exit code.
    """
    from langchain_selfparam.store import Turns, Versions

    args.namespace = need_known(args.folder, args.namespace)
    whose = args.namespace if own_weights(args.folder) else None
    with reading(args.folder) as database:
        turns = Turns(database).list(namespace=args.namespace)
        versions = Versions(database, namespace=whose).list()
    if args.json:
        print_json([_turn(t) for t in turns] if args.turns else [_version(v) for v in versions])
    elif args.turns:
        whose_is = names(turn.namespace for turn in turns)
        for turn in turns:
            where = f"{turn.state}" + (f" by version {turn.version}" if turn.version is not None else "")
            print(f"{where:<20} {whose_is[turn.namespace] + ': ' if len(whose_is) > 1 else ''}{short(turn)}")
    else:
        whose_is = names(version.namespace for version in versions if version.namespace)
        for version in versions:
            many = version.namespace and len(whose_is) > 1
            print(_line(version) + (f"  {whose_is[version.namespace]}:" if many else ""))
        print("* is served")
    return OK


def _line(version: Version) -> str:
    mark = "*" if version.is_head else " "
    line = f"{mark} {version.id:>2}  {version.created_at:%Y-%m-%d %H:%M}"
    if version.turn_ids:
        line += f"  holds {len(version.turn_ids)} turns"
    if version.lost_ids:
        line += f"  lost {len(version.lost_ids)}"
    report: dict[str, Any] = dict(version.report)
    for name, form in (("recall", "recall {:.0%}"), ("drift", "drift {:.4f}")):
        if isinstance(report.get(name), (int, float)):
            line += "  " + form.format(report[name])
    seconds = report.get("seconds")
    if isinstance(seconds, dict) and "total" in seconds:
        line += f"  {seconds['total']:.0f} s"
    return line


def _version(version: Version) -> dict[str, Any]:
    return {
        "id": version.id,
        "parent": version.parent,
        "served": version.is_head,
        "created_at": version.created_at.isoformat(),
        "turns": list(version.turn_ids),
        "lost": list(version.lost_ids),
        "delta_file": version.delta_file,
        "report": dict(version.report),
    }


def _turn(turn: Turn) -> dict[str, Any]:
    return {
        "id": turn.id,
        "namespace": list(turn.namespace),
        "thread": turn.thread,
        "user": turn.user,
        "assistant": turn.assistant,
        "created_at": turn.created_at.isoformat(),
        "state": str(turn.state),
        "attempts": turn.attempts,
        "version": turn.version,
    }
