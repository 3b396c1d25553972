"""``selfparam rollback``: serve the exact weights of another version."""

from __future__ import annotations

import argparse
import contextlib

from langchain_selfparam.cli.common import (
    MISUSED,
    OK,
    MisuseError,
    add_command,
    add_folder,
    add_model,
    add_namespace,
    add_yes,
    need_known,
    open_memory,
    own_weights,
    planned,
    reading,
)
from langchain_selfparam.records import Namespace, TurnState

_EXAMPLE = """  $ selfparam rollback 0 --folder ./memory --yes
  Serve version 0 instead of version 1.
  Pending again: turns 1, 2, 3. Held again: none.
  Version 0 is served."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command.

    Args:
        commands: What ``add_subparsers`` gave.
    """
    text = "serve the exact weights of another version"
    stopped = "either version is served: selfparam log marks it with *"
    parser = add_command(commands, "rollback", run, help=text, example=_EXAMPLE, stopped=stopped)
    parser.add_argument("version", type=int, help="its number; 0 is the untouched model")
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
    if not planned(args, _plan(args)):
        return MISUSED
    _, memory = open_memory(args)
    with contextlib.closing(memory):
        memory.rollback(args.version)
    print(f"Version {args.version} is served.")
    return OK


def _plan(args: argparse.Namespace) -> list[str]:
    from langchain_selfparam.store import Turns, Versions

    whose = _whose(args)
    with reading(args.folder) as database:
        versions = Versions(database, namespace=whose)
        head, then = versions.head(), set(versions.holding(args.version))
        now = {t.id for t in Turns(database).list(namespace=whose, states=[TurnState.HELD])}
    return [
        f"Serve version {args.version} instead of version {head.id}.",
        f"Pending again: {_turns(now - then)}. Held again: {_turns(then - now)}.",
    ]


def _whose(args: argparse.Namespace) -> Namespace | None:
    """Whose version it is, where each namespace has weights of its own."""
    from langchain_selfparam.store import Versions

    if not own_weights(args.folder):
        return None
    if args.namespace is None and args.version:
        with reading(args.folder) as database:
            args.namespace = Versions(database).get(args.version).namespace
    if args.namespace is None:
        msg = f"version 0 of {args.folder} is everybody's; say whose weights are to be the base's with --namespace"
        raise MisuseError(msg)
    found: Namespace = args.namespace
    return found


def _turns(ids: set[int]) -> str:
    return f"turns {', '.join(map(str, sorted(ids)))}" if ids else "none"
