"""``selfparam chat``: talk to a model that remembers; a line says what is in the weights.

In come lines on standard input, out go streamed answers. It knows the memory's public names only.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_selfparam.cli.common import (
    OK,
    Bars,
    add_command,
    add_model,
    add_namespace,
    add_set,
    meant,
    need_whose,
    open_memory,
    short,
)
from langchain_selfparam.cli.values import count, settings_of
from langchain_selfparam.errors import ConsolidationError, InputError
from langchain_selfparam.records import TurnState

if TYPE_CHECKING:
    from langchain_selfparam.interfaces.chat_model import ChatSelfParam
    from langchain_selfparam.interfaces.memory import ParametricMemory

_EXAMPLE = """  $ selfparam chat --folder ./memory
  you> My dog is called Biscuit.
  What a lovely name!
  [version 0, 1 turn in the prompt]
  you> /learn"""
_HELP = "/learn: learn what was said now, /turns: list it, /help: this, /quit or Ctrl-D: leave, Ctrl-C: stop an answer"
_STOPPED = "what was said is in the journal, and what is not learned of it is pending"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command.

    Args:
        commands: What ``add_subparsers`` gave.
    """
    text = "talk to a model that remembers"
    parser = add_command(commands, "chat", run, help=text, example=_EXAMPLE, stopped=_STOPPED)
    folder = "the memory folder (default: one for this model under the user's data folder)"
    parser.add_argument("--folder", type=Path, metavar="DIR", help=folder)
    add_model(parser)
    add_namespace(parser)
    every = "learn when N turns are pending, in the background (default: policy.every_turns, which is 8)"
    parser.add_argument("--every", type=count, metavar="N", help=every)
    add_set(parser, "; settings are not kept in the folder")


def run(args: argparse.Namespace) -> int:
    """Talk until the input ends.

    Args:
        args: The arguments.

    Returns:
        The exit code.
    """
    settings = settings_of(args.set)  # what is mistyped is refused before a model is loaded
    if args.folder is not None:
        need_whose(args.folder, args.namespace)
        args.namespace = meant(args.folder, args.namespace)
    every = settings.policy.every_turns if args.every is None else args.every
    llm, memory = open_memory(args, settings=settings, consolidate_every=every, background=True)
    with memory:
        print(f"{llm.model_name}, memory in {memory.folder}\n{_HELP}")
        for line in _lines():
            if line == "/quit":
                break
            if line.startswith("/"):
                _command(line, memory)
            else:
                _answer(line, llm, memory)
            print(_state(memory))
    return OK


def _lines() -> Iterator[str]:
    while True:
        try:
            line = input("you> ").strip()
        except EOFError:
            print()
            return
        if line:
            yield line


def _answer(line: str, llm: ChatSelfParam, memory: ParametricMemory) -> None:
    said = ""
    try:
        for chunk in llm.stream([*memory.buffer_as_messages, ("user", line)]):
            said += chunk.text
            print(chunk.text, end="", flush=True)
    except InputError as error:
        print(f"no answer: {error}; /learn takes turns out of the prompt", file=sys.stderr)
        return
    except KeyboardInterrupt:
        said += " …"  # what was said stands, with as much of the answer as there is
        print(" …", end="")
    print()
    try:
        memory.save_context({"input": line}, {"output": said})
    except InputError as error:
        print(f"not saved: {error}", file=sys.stderr)


def _command(line: str, memory: ParametricMemory) -> None:
    if line == "/learn":
        try:
            with Bars() as bars:
                report = memory.consolidate(progress=bars)
        except ConsolidationError as error:
            print(f"not learned: {error}", file=sys.stderr)
            return
        except KeyboardInterrupt:
            print("stopped; what is not learned is pending", file=sys.stderr)
            return
        lost = f", back in it: {len(report.lost)}" if report.lost else ""
        print(f"held: {len(report.held)} turns, still in the prompt: {len(report.pending)}{lost}")
        print(*(f"  {reason}" for reason in report.reasons), sep="\n", end="\n" if report.reasons else "")
    elif line == "/turns":
        for turn in memory.turns:
            print(f"{turn.state!s:<8} {short(turn)}")
    else:
        print(_HELP if line == "/help" else f"{line} is no command; {_HELP}")


def _state(memory: ParametricMemory) -> str:
    served = next(version.id for version in memory.versions if version.is_head)
    states = [turn.state for turn in memory.turns]
    waiting = sum(state in {TurnState.PENDING, TurnState.LEASED} for state in states)
    parts = [f"version {served}", f"{waiting} turn{'' if waiting == 1 else 's'} in the prompt"]
    if held := states.count(TurnState.HELD):
        parts.append(f"{held} in the weights")
    if TurnState.LEASED in states:
        parts.append("learning")
    if memory.last_error is not None:
        parts.append(f"last error: {memory.last_error}")
    return f"[{', '.join(parts)}]"
