"""``selfparam export``: what was learned as files that other programs read."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from langchain_selfparam.cli.common import (
    OK,
    add_command,
    add_folder,
    add_model,
    add_namespace,
    need_known,
    need_whose,
    open_memory,
)

_EXAMPLE = """  $ selfparam export ./adapter --folder ./memory
  adapter: a PEFT adapter of version 1
  >>> peft.PeftModel.from_pretrained(model, "./adapter")  # model: the same one, loaded with transformers"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command.

    Args:
        commands: What ``add_subparsers`` gave.
    """
    text, stopped = "write what was learned as a PEFT adapter", "the adapter is there as a whole, or not at all"
    parser = add_command(commands, "export", run, help=text, example=_EXAMPLE, stopped=stopped)
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
    # What is refused is refused before a model is loaded for it.
    args.namespace = need_known(args.folder, args.namespace)
    need_whose(args.folder, args.namespace)
    _, memory = open_memory(args)
    with contextlib.closing(memory):
        served = next(v.id for v in memory.versions if v.is_head)
        memory.export(args.out, format=args.format)
    print(f"{args.out}: a PEFT adapter of version {served}")
    return OK
