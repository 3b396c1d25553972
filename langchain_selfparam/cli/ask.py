"""``selfparam ask``: questions to a memory's weights, nothing in the prompt; not listed in the help.

In come a folder and questions, out goes JSON on standard output. The demo runs it as its new process.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from typing import Any

from langchain_selfparam.cli.common import (
    OK,
    Bars,
    add_command,
    add_folder,
    add_model,
    open_memory,
    reading,
)
from langchain_selfparam.errors import InputError
from langchain_selfparam.records import Message


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command.

    Args:
        commands: What ``add_subparsers`` gave.
    """
    parser = add_command(commands, "ask", run, help="", example="", stopped="no answer is kept")
    parser.add_argument("questions", nargs="*", help="questions; none: a JSON list of them on standard input")
    parser.add_argument("--rollback", type=int, metavar="VERSION", help="ask again there, then go back")
    add_folder(parser)
    add_model(parser)


def run(args: argparse.Namespace) -> int:
    """Print the answers as JSON.

    Args:
        args: The arguments.

    Returns:
        The exit code.
    """
    questions = args.questions or _read(sys.stdin.read())
    with reading(args.folder):
        pass  # an unknown folder is refused before a model is loaded for it
    # In ASCII: whoever reads it from another process, as the demo does, does not know this one's encoding.
    print(json.dumps(answers(args, questions), indent=2))
    return OK


def answers(args: argparse.Namespace, questions: list[str]) -> dict[str, Any]:
    """Open a folder and ask.

    Args:
        args: The folder, its model, and a version to ask at as well; the one served before is served again afterwards.
        questions: What to ask, each by itself.

    Returns:
        The version that is served, its answers, and those of the other version.
    """
    from langchain_selfparam.interfaces.asking import Asker

    llm, memory = open_memory(args)
    prompts = [(Message(role="user", text=question),) for question in questions]
    with contextlib.closing(memory), Bars() as bars:
        ask = Asker(llm)
        served = next(v.id for v in memory.versions if v.is_head)
        found: dict[str, Any] = {"version": served}
        found["answers"] = ask(prompts, lambda done, total: bars("ask: new process", done, total))
        if args.rollback is not None:
            memory.rollback(args.rollback)
            try:
                found["rolled_back"] = ask(prompts, lambda done, total: bars("ask: rolled back", done, total))
            finally:
                memory.rollback(served)
    return found


def _read(text: str) -> list[str]:
    try:
        questions = json.loads(text)
    except json.JSONDecodeError as error:
        msg = f"standard input is no JSON ({error}); a list of questions is needed"
        raise InputError(msg) from error
    if not isinstance(questions, list) or not questions or not all(isinstance(q, str) for q in questions):
        msg = "standard input holds no list of questions; give a JSON list of strings"
        raise InputError(msg)
    return questions
