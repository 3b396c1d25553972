"""``selfparam demo``: a shipped conversation, learned by a real model and asked about in five ways.

In come a model and a folder, out go tables on standard output and a report in the folder. What is asked and
how it is shown is ``evaluation``'s; this file only strings it together.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_selfparam.cli.common import (
    FAILED,
    OK,
    Bars,
    add_command,
    add_model,
    load_model,
    model_arguments,
    print_json,
    reading,
    short,
)
from langchain_selfparam.errors import FolderError, SelfParamError

if TYPE_CHECKING:
    from langchain_selfparam.evaluation.datasets import Conversation
    from langchain_selfparam.evaluation.injection import Result
    from langchain_selfparam.evaluation.report import Demo
    from langchain_selfparam.interfaces.chat_model import ChatSelfParam

_EXAMPLE = """  $ selfparam demo --out out/demo
  … four tables: every question with its answers, what was held, what it cost, seconds by stage
  report      out/demo/demo.md, out/demo/demo.json, out/demo/demo.png
  go on       selfparam chat --folder out/demo/memory --model smollm2-135m"""
_MARK = "made-by-selfparam-demo"
"""A file in its memory folder, with what the demo says there."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command.

    Args:
        commands: What ``add_subparsers`` gave.
    """
    text = "have a model learn a conversation, and show what it holds"
    parser = add_command(commands, "demo", run, help=text, example=_EXAMPLE, stopped="run it again to begin anew")
    add_model(parser)
    out = (
        "where the report and the memory go (default: out/demo); an earlier demo's memory there is deleted, and one "
        "in which somebody has said more since is refused"
    )
    parser.add_argument("--out", type=Path, default=Path("out/demo"), metavar="DIR", help=out)
    data = "another conversation, in the form of demo.json"
    parser.add_argument("--data", default="demo", metavar="FILE", help=data)
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def run(args: argparse.Namespace) -> int:
    """Run it and print the tables.

    Args:
        args: The arguments.

    Returns:
        The exit code: 1 where nothing was learned.
    """
    from langchain_selfparam.evaluation import report
    from langchain_selfparam.evaluation.datasets import find, load

    conversation, folder = load(find(args.data))[0], args.out / "memory"
    _need_own(folder, conversation)
    started = time.perf_counter()
    print(f"loading {args.model} …", file=sys.stderr, flush=True)
    llm = load_model(args)
    _make_anew(folder, conversation)
    with Bars() as bars:
        result = _learn(llm, folder, conversation, bars)
    child = _new_process(args, folder, conversation)
    demo = report.Demo(
        model=llm.model_name,
        folder=folder,
        result=result,
        reopened=tuple(child["answers"]),
        rolled_back=tuple(child["rolled_back"]),
        seconds=time.perf_counter() - started,
    )
    files = report.save_demo(demo, args.out, png=_picture(demo))
    if args.json:
        print_json(report.demo_json(demo))
    else:
        print(report.demo_text(demo))
        print(f"\nreport      {', '.join(map(str, files))}")
        print(f"go on       selfparam chat --folder {folder} {shlex.join(model_arguments(args))}")
    return OK if result.report.committed else FAILED


def _need_own(folder: Path, conversation: Conversation) -> None:
    """Refuse a memory that no demo made, one that is open, and one in which more was said than a demo says."""
    from langchain_selfparam.store import FolderLock, Turns

    if not folder.exists():
        return
    mark = folder / _MARK
    if not mark.is_file():
        msg = f"{folder} is there and no demo made it; choose another --out, or move it away"
        raise FolderError(msg)
    lock = FolderLock(folder)
    lock.acquire()
    lock.release()
    if not (folder / "memory.sqlite").is_file():
        return
    own = {*json.loads(mark.read_text("utf-8") or "[]"), *(user for user, _ in conversation.turns)}
    with reading(folder) as database:
        others = [turn for turn in Turns(database).list() if turn.user not in own]
    if others:
        msg = (
            f"{folder} has {len(others)} turns that no demo said, such as {short(others[-1])}, and a new demo would "
            "delete them; choose another --out, or move the folder away"
        )
        raise FolderError(msg)


def _make_anew(folder: Path, conversation: Conversation) -> None:
    """Make the memory folder of a new demo in place of an earlier one's."""
    _need_own(folder, conversation)  # once more: somebody may have begun to talk while the model was loaded
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / _MARK).write_text(json.dumps([user for user, _ in conversation.turns]), "utf-8")


def _learn(llm: ChatSelfParam, folder: Path, conversation: Conversation, bars: Bars) -> Result:
    """Ask before, speak the conversation through a chain, learn it, ask after."""
    from langchain_selfparam.evaluation.injection import inject
    from langchain_selfparam.interfaces.asking import Asker, rehearse
    from langchain_selfparam.interfaces.memory import ParametricMemory

    memory = ParametricMemory(llm, path=folder, consolidate_every=None, background=False)
    with contextlib.closing(memory):
        (result,) = inject(
            [conversation],
            ask=Asker(llm),
            say=lambda: rehearse(memory, conversation.turns, lambda done, all_: bars("speak", done, all_)),
            consolidate=lambda: memory.consolidate(progress=bars),
            progress=bars,
            quoted=False,
        )
    return result


def _new_process(args: argparse.Namespace, folder: Path, conversation: Conversation) -> dict[str, Any]:
    """Answers of a process that knows nothing but the folder, before and after a rollback to version 0."""
    questions = [question.text for question in conversation.questions]
    command = [sys.executable, "-m", "langchain_selfparam.cli.main", "ask", "--rollback", "0"]
    command += ["--folder", str(folder), *model_arguments(args)]
    print("a new process opens the folder …", file=sys.stderr, flush=True)
    done = subprocess.run(  # noqa: S603 - this interpreter, this package
        command, input=json.dumps(questions), stdout=subprocess.PIPE, text=True, encoding="utf-8", check=False
    )
    if done.returncode != 0:
        msg = f"the new process ended with exit code {done.returncode}; its message is above"
        raise SelfParamError(msg)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _picture(demo: Demo) -> bytes | None:
    from langchain_selfparam.evaluation.report import curve

    result = demo.result
    try:
        return curve(
            result.report.curve,
            before=result.held("before"),
            after=result.held("after"),
            with_context=result.held("history"),
        )
    except ImportError as error:
        print(f"no picture: {error}", file=sys.stderr)
        return None
