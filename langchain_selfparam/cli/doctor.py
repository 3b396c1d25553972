"""``selfparam doctor``: what this machine, this model and this folder are fit for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from langchain_selfparam.cli.common import (
    FAILED,
    OK,
    add_command,
    add_json,
    add_model,
    own_weights,
    print_json,
    reading,
)
from langchain_selfparam.errors import SelfParamError

_EXAMPLE = """  $ selfparam doctor --folder ./memory
  ok    package      langchain-selfparam 0.1.0, Python 3.12.1
  ok    libraries    torch 2.13.0, transformers 5.23.0, …
  ok    machine      2 cores, 2 threads, AVX512, bfloat16 in hardware, AMX
  ok    model        SmolLM2-135M-Instruct.Q4_1, 135 M parameters, bfloat16, 8,192 tokens, on cpu
  ok    folder       memory: schema 2, version 2 served"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command.

    Args:
        commands: What ``add_subparsers`` gave.
    """
    text = "check this machine, a model and a folder"
    parser = add_command(commands, "doctor", run, help=text, example=_EXAMPLE)
    add_model(parser)
    parser.add_argument("--folder", type=Path, metavar="DIR", help="a memory folder to check as well")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the checks.

    Args:
        args: The arguments.

    Returns:
        The exit code: 1 where a check failed.
    """
    found = checks(args)
    if args.json:
        print_json(found)
    else:
        for check in found:
            print(f"{'ok' if check['ok'] else 'FAIL':<5} {check['name']:<12} {check['text']}")
    return OK if all(check["ok"] for check in found) else FAILED


def checks(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Check everything.

    Args:
        args: A model and how it is loaded, and a memory folder or ``None``.

    Returns:
        Name, result and text of each check.
    """
    from langchain_selfparam.evaluation import machine

    local: Any = None

    def model() -> str:
        nonlocal local
        local, text = machine.model(args.model, dtype=args.dtype, revision=args.revision, device=args.device)
        return text

    found = [
        _check("package", machine.package),
        _check("libraries", machine.libraries),
        _check("machine", machine.hardware),
        _check("model", model),
    ]
    if args.folder is not None:
        found.append(_check("folder", lambda: _folder(args.folder, local)))
    return found


def _check(name: str, look: Any) -> dict[str, Any]:
    try:
        return {"name": name, "ok": True, "text": look()}
    except (SelfParamError, OSError, ImportError) as error:
        return {"name": name, "ok": False, "text": " ".join(str(error).split())}


def _folder(folder: Path, local: Any) -> str:
    """What is in a folder; one of another model than ``local``, where that could be loaded, is refused."""
    from langchain_selfparam.store import Turns, Versions

    own = own_weights(folder)
    with reading(folder) as database:
        if local is not None and database.get("base_fingerprint") is not None:
            database.bind_base(local.name, local.fingerprint())
        if own:
            many, last = len(Turns(database).namespaces()), Versions(database).list()[-1].id
            return f"{folder}: schema {database.schema_version}, {many} namespaces, {last} versions"
        return f"{folder}: schema {database.schema_version}, version {Versions(database).head().id} served"
