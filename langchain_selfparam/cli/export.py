"""``selfparam export``: what was learned as files that other programs read."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from langchain_selfparam.cli.common import OK, add_command, add_folder, add_model, add_namespace, open_memory, reading

_EXAMPLE = """  $ selfparam export ./adapter --folder ./memory
  adapter: a PEFT adapter of version 1"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command.

    Args:
        commands: What ``add_subparsers`` gave.
    """
    parser = add_command(commands, "export", run, help="write what was learned as a PEFT adapter", example=_EXAMPLE)
    parser.add_argument("out", type=Path, metavar="OUT", help="a folder to make")
    parser.add_argument("--format", default="peft", choices=["peft"], help="what to write (default: peft)")
    add_folder(parser)
    add_model(parser)
    add_namespace(parser)


def run(args: argparse.Namespace) -> int:
    """Write it.

    Args:
        args: The arguments.

    Returns:
        The exit code.
    """
    with reading(args.folder):
        pass  # a folder without a memory is refused before a model is loaded for it
    _, memory = open_memory(args)
    with contextlib.closing(memory):
        served = next(v.id for v in memory.versions if v.is_head)
        path = memory.export(args.out, format=args.format)
    print(f"{path}: a PEFT adapter of version {served}")
    return OK
