"""``selfparam eval``: how much of conversations a model holds, by the packaged protocol.

In come a data set and a model, out go tables and JSON. What is asked and scored is ``evaluation``'s.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_selfparam.cli.common import OK, Bars, add_command, add_model, count
from langchain_selfparam.errors import InputError

if TYPE_CHECKING:
    from langchain_selfparam.engine.pipeline import Engine
    from langchain_selfparam.evaluation.datasets import Conversation, Neighbour
    from langchain_selfparam.evaluation.injection import Result
    from langchain_selfparam.interfaces.asking import Asker

_EXAMPLE = """  $ selfparam eval single --data assistant_chats --contexts 2 --json out/eval.json
  conversation  before  history  quoted  after  leaks before  leaks after  drift  seconds
  …one line for each conversation, their mean, and a table by kind of question"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command.

    Args:
        commands: What ``add_subparsers`` gave.
    """
    text = "measure how much of conversations a model holds"
    parser = add_command(commands, "eval", run, help=text, example=_EXAMPLE)
    protocols = (
        "single: each conversation into fresh weights; sequential: one after another into the same; "
        "compare: two runs, question by question"
    )
    parser.add_argument("protocol", choices=["single", "sequential", "compare"], help=protocols)
    parser.add_argument("files", nargs="*", type=Path, metavar="JSON", help="compare: two files that --json wrote")
    data = "a .jsonl file of conversations, or a packaged set (default: assistant_chats)"
    parser.add_argument("--data", default="assistant_chats", metavar="FILE", help=data)
    add_model(parser)
    parser.add_argument("--contexts", type=count, metavar="N", help="only the first N conversations")
    out = (
        "sequential: where memory and finished steps are kept; the same command goes on there (default: out/sequential)"
    )
    parser.add_argument("--out", type=Path, default=Path("out/sequential"), metavar="FOLDER", help=out)
    parser.add_argument("--limit-minutes", type=count, metavar="M", help="sequential: begin no step after so long")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure and answer there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there")


def run(args: argparse.Namespace) -> int:
    """Measure and print the tables.

    Args:
        args: The arguments.

    Returns:
        The exit code.
    """
    if args.protocol == "compare" or args.files:
        return _compare(args)
    from langchain_selfparam.evaluation import report, tables
    from langchain_selfparam.evaluation.datasets import find, load, load_neighbours
    from langchain_selfparam.interfaces.asking import Asker
    from langchain_selfparam.interfaces.chat_model import ChatSelfParam

    path = find(args.data)
    conversations = load(path)[: args.contexts]
    print(f"loading {args.model} …", file=sys.stderr, flush=True)
    llm = ChatSelfParam.from_pretrained(args.model)
    asker = Asker(llm)
    if args.protocol == "sequential":
        return _sequential(args, conversations, load_neighbours(path), asker, llm.model_name)
    results = []
    for number, conversation in enumerate(conversations, 1):
        print(f"{conversation.id} ({number} of {len(conversations)})", file=sys.stderr, flush=True)
        results.append(_single(conversation, asker))
        if args.json is not None:
            # After each conversation: an interruption keeps what was measured.
            values = report.eval_json(results, model=llm.model_name, data=args.data)
            tables.write_whole(args.json, json.dumps(values, indent=2, ensure_ascii=False) + "\n")
    found = report.eval_tables(results)
    if args.markdown is not None:
        text = "\n\n".join(tables.markdown(header, rows) for header, rows in found)
        tables.write_whole(args.markdown, text + "\n")
    print(f"{llm.model_name}, right answers by what was in the prompt; after: nothing, learned")
    print("\n\n".join(tables.plain(header, rows) for header, rows in found))
    return OK


def _compare(args: argparse.Namespace) -> int:
    from langchain_selfparam.evaluation import compare, tables
    from langchain_selfparam.evaluation.tables import as_plain

    if args.protocol != "compare" or len(args.files) != 2:
        msg = f"found {len(args.files)} files for `eval {args.protocol}`; `eval compare` takes two, the others none"
        raise InputError(msg)
    found = compare.compare(*args.files)
    if args.json is not None:
        tables.write_whole(args.json, json.dumps(as_plain(found), indent=2) + "\n")
    shown = ("", ""), compare.rows(found)
    if args.markdown is not None:
        tables.write_whole(args.markdown, tables.markdown(*shown) + "\n")
    print(f"first: {args.files[0]}\nsecond: {args.files[1]}\n{tables.plain(*shown)}")
    return OK


def _sequential(
    args: argparse.Namespace,
    conversations: Sequence[Conversation],
    neighbours: Sequence[Neighbour],
    asker: Asker,
    name: str,
) -> int:
    from langchain_selfparam.evaluation import retention, tables
    from langchain_selfparam.evaluation.sequential import sequential

    args.out.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60 * args.limit_minutes if args.limit_minutes else float("inf")
    with Bars() as bars, _memory(asker, args.out / "memory", "sequential") as engine:

        def say(conversation: Conversation) -> None:
            for number, (user, assistant) in enumerate(conversation.turns):
                # An id makes a turn that was said before an interruption the same turn after it.
                engine.append(user=user, assistant=assistant, message_id=f"{conversation.id}:{number}")

        found = sequential(
            conversations,
            neighbours,
            ask=asker,
            say=say,
            consolidate=lambda: engine.consolidate(progress=bars),
            progress=bars,
            keep=args.out / "steps.json",
            more=lambda: time.monotonic() < end,
        )
    if not found.steps:
        print("no step was finished; run the same command again", file=sys.stderr)
        return OK
    if args.json is not None:
        values = retention.as_json(found, model=name, data=args.data)
        tables.write_whole(args.json, json.dumps(values, indent=2, ensure_ascii=False) + "\n")
    shown = retention.tables(found)
    if args.markdown is not None:
        tables.write_whole(args.markdown, "\n\n".join(tables.markdown(*table) for table in shown) + "\n")
    try:
        tables.write_whole(args.out / "retention.png", retention.picture(found))
    except ImportError as error:
        print(f"no picture: {error}", file=sys.stderr)
    print(f"{name}: right answers after each step, nothing in the prompt")
    print("\n\n".join(tables.plain(*table) for table in shown))
    return OK


def _memory(asker: Asker, folder: Path, namespace: str) -> Engine:
    from langchain_selfparam.config import Settings
    from langchain_selfparam.engine.pipeline import Engine

    settings = Settings()
    policy = dataclasses.replace(settings.policy, every_turns=None)
    return Engine.open(
        asker.local,
        asker.gate,
        path=folder,
        settings=dataclasses.replace(settings, policy=policy),
        namespace=("memories", namespace),
        background=False,
    )


def _single(conversation: Conversation, asker: Asker) -> Result:
    from langchain_selfparam.evaluation.injection import single

    with (
        tempfile.TemporaryDirectory() as folder,
        Bars() as bars,
        # Closing it gives the model its own weights back: the next conversation starts from them.
        _memory(asker, Path(folder), conversation.id) as engine,
    ):

        def say() -> None:
            for user, assistant in conversation.turns:
                engine.append(user=user, assistant=assistant)

        return single(
            conversation,
            ask=asker,
            say=say,
            consolidate=lambda: engine.consolidate(progress=bars),
            progress=bars,
        )
