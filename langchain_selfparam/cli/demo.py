"""``selfparam demo``: a shipped conversation, learned by a real model and asked about in five ways.

In come a model and a folder, out go tables on standard output and a report in the folder. What is asked and
how it is shown is ``evaluation``'s; this file only strings it together.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_selfparam.cli.common import FAILED, OK, Bars, add_command, add_model, print_json
from langchain_selfparam.errors import FolderError, SelfParamError

if TYPE_CHECKING:
    from langchain_selfparam.evaluation.datasets import Conversation
    from langchain_selfparam.evaluation.injection import Result
    from langchain_selfparam.evaluation.report import Demo

_EXAMPLE = """  $ selfparam demo --out out/demo
  … four tables: every question with its answers, what was held, what it cost, seconds by stage
  report      out/demo/demo.md, out/demo/demo.json, out/demo/demo.png
  go on       selfparam chat --folder out/demo/memory --model smollm2-135m"""
_MARK = "made-by-selfparam-demo"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command.

    Args:
        commands: What ``add_subparsers`` gave.
    """
    text = "have a model learn a conversation, and show what it holds"
    parser = add_command(commands, "demo", run, help=text, example=_EXAMPLE)
    add_model(parser)
    out = "where the report and the memory go (default: out/demo)"
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

    conversation = load(find(args.data))[0]
    folder = _fresh(args.out)
    started = time.perf_counter()
    with Bars() as bars:
        model, result = _learn(args.model, folder, conversation, bars)
    child = _new_process(args.model, folder, conversation)
    demo = report.Demo(
        model=model,
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
        print(f"go on       selfparam chat --folder {folder} --model {args.model}")
    return OK if result.report.committed else FAILED


def _fresh(out: Path) -> Path:
    """The memory folder of a new demo; one that an earlier demo made is removed."""
    folder = out / "memory"
    if folder.exists():
        if not (folder / _MARK).is_file():
            msg = f"{folder} is there and no demo made it; choose another --out, or move it away"
            raise FolderError(msg)
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / _MARK).touch()
    return folder


def _learn(model: str, folder: Path, conversation: Conversation, bars: Bars) -> tuple[str, Result]:
    """Ask before, speak the conversation through a chain, learn it, ask after."""
    from langchain_selfparam.evaluation.injection import inject
    from langchain_selfparam.interfaces.asking import Asker, rehearse
    from langchain_selfparam.interfaces.chat_model import ChatSelfParam
    from langchain_selfparam.interfaces.memory import ParametricMemory

    print(f"loading {model} …", file=sys.stderr, flush=True)
    llm = ChatSelfParam.from_pretrained(model)
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
    return llm.model_name, result


def _new_process(model: str, folder: Path, conversation: Conversation) -> dict[str, Any]:
    """Answers of a process that knows nothing but the folder, before and after a rollback to version 0."""
    questions = [question.text for question in conversation.questions]
    command = [sys.executable, "-m", "langchain_selfparam.cli.main", "ask", "--rollback", "0"]
    command += ["--folder", str(folder), "--model", model]
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
