"""``selfparam status``: what a memory folder holds, read without its model and beside its owner."""

from __future__ import annotations

import argparse
import collections
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
)
from langchain_selfparam.records import TurnState

_EXAMPLE = """  $ selfparam status --folder ./memory
  folder      memory
  model       HuggingFaceTB/SmolLM2-135M-Instruct
  served      version 2 of 2
  turns       3 pending, 0 leased, 13 held, 0 cleared
  last error  none
  deltas      19.6 MB
  totals      0.0 MB"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command.

    Args:
        commands: What ``add_subparsers`` gave.
    """
    parser = add_command(commands, "status", run, help="show what a memory folder holds", example=_EXAMPLE)
    add_folder(parser)
    add_namespace(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print it.

    Args:
        args: The arguments.

    Returns:
        The exit code.
    """
    found = status(args)
    if args.json:
        print_json(found)
        return OK
    turns = ", ".join(f"{count} {state}" for state, count in found["turns"].items())
    lines = {
        "folder": found["folder"],
        "model": found["base_model"],
        "served": f"version {found['served']} of {found['versions']}"
        if found["isolation"] == "shared" or args.namespace is not None
        else f"{found['namespaces']} namespaces, each its own of {found['versions']} versions",
        "turns": turns,
        "last error": found["last_error"] or "none",
        "deltas": f"{found['delta_bytes'] / 1e6:.1f} MB",
        "totals": f"{found['totals_bytes'] / 1e6:.1f} MB",
    }
    for name, value in lines.items():
        print(f"{name:<11} {value}")
    return OK


def status(args: argparse.Namespace) -> dict[str, Any]:
    """Collect it.

    Args:
        args: With ``folder``, and whose turns, versions and jobs alone count, or ``None``.

    Returns:
        JSON values.
    """
    from langchain_selfparam.store import Jobs, Turns, Versions

    args.namespace = need_known(args.folder, args.namespace)
    own = own_weights(args.folder)
    with reading(args.folder) as database:
        turns = Turns(database).list(namespace=args.namespace)
        versions = Versions(database, namespace=args.namespace if own else None).list()
        jobs = [job for job in Jobs(database).list() if args.namespace in (None, job.namespace)]
        base, fingerprint = database.get("base_model"), database.get("base_fingerprint")
        schema = database.schema_version
    several = own and args.namespace is None
    counts = collections.Counter(turn.state for turn in turns)
    deltas = [args.folder / "deltas" / v.delta_file for v in versions if v.delta_file]
    return {
        "folder": str(args.folder),
        "base_model": base,
        "base_fingerprint": fingerprint,
        "schema_version": schema,
        "isolation": "namespace" if own else "shared",
        "namespaces": len({turn.namespace for turn in turns}),
        "served": None if several else next((v.id for v in versions if v.is_head), None),
        "versions": max((v.id for v in versions), default=0),
        "turns": {str(state): counts[state] for state in TurnState},
        "running_jobs": [job.id for job in jobs if str(job.state) == "running"],
        "last_error": next((job.error for job in reversed(jobs) if job.error), None),
        "delta_bytes": sum(path.stat().st_size for path in deltas if path.is_file()),
        "totals_bytes": sum(p.stat().st_size for p in (args.folder / "totals").rglob("*") if p.is_file()),
    }
