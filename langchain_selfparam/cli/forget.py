"""``selfparam forget``: remove turns from the journal and from the weights."""

from __future__ import annotations

import argparse
import contextlib

from langchain_selfparam.cli.common import (
    MISUSED,
    OK,
    add_command,
    add_folder,
    add_model,
    add_namespace,
    add_yes,
    need_known,
    open_memory,
    planned,
    reading,
    short,
)
from langchain_selfparam.errors import UnknownTurnError
from langchain_selfparam.records import Turn

_EXAMPLE = """  $ selfparam forget 3 --folder ./memory --yes
  Remove from the journal and from the weights:
    turn 3: "We have a parrot called Captain Mustard."
  Versions that learned from it go; other turns that they held are learned again.
  Version 0 is served. To be learned again: turns 1, 2."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command.

    Args:
        commands: What ``add_subparsers`` gave.
    """
    text = "remove turns from the journal and from the weights"
    stopped = "selfparam log --turns lists the turns that are left"
    parser = add_command(commands, "forget", run, help=text, example=_EXAMPLE, stopped=stopped)
    number = "its number in selfparam log --turns"
    parser.add_argument("turns", type=int, nargs="+", metavar="TURN", help=number)
    add_folder(parser)
    add_model(parser)
    add_namespace(parser)
    add_yes(parser)


def run(args: argparse.Namespace) -> int:
    """Print the plan and, with ``--yes``, do it.

    Args:
        args: The arguments.

    Returns:
        The exit code.
    """
    args.namespace = need_known(args.folder, args.namespace)
    plan = [
        "Remove from the journal and from the weights:",
        *(f"  {short(turn)}" for turn in _turns(args)),
        "Versions that learned from it go; other turns that they held are learned again.",
    ]
    if not planned(args, plan):
        return MISUSED
    _, memory = open_memory(args)
    with contextlib.closing(memory):
        done = memory.forget(args.turns)
    again = f"turns {', '.join(map(str, done.relearn))}" if done.relearn else "none"
    print(f"Version {done.served} is served. To be learned again: {again}.")
    return OK


def _turns(args: argparse.Namespace) -> list[Turn]:
    """The turns that are named; what is not there, or is somebody else's, is refused."""
    from langchain_selfparam.store import Turns

    with reading(args.folder) as database:
        there = {turn.id: turn for turn in Turns(database).list(namespace=args.namespace)}
    missing = ", ".join(str(number) for number in args.turns if number not in there)
    if missing:
        of = f" of {'/'.join(args.namespace)}" if args.namespace else ""
        msg = f"there is no turn {missing}{of}; selfparam log --turns --folder {args.folder} lists those there are"
        raise UnknownTurnError(msg)
    return [there[number] for number in args.turns]
