"""``selfparam eval``: how much of conversations a model holds, by the packaged protocol.

In come a data set and a model, out go tables and JSON. What is asked and scored is ``evaluation``'s.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_selfparam.cli.common import OK, Bars, add_command, add_model, count

if TYPE_CHECKING:
    from langchain_selfparam.evaluation.datasets import Conversation
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
    parser.add_argument("protocol", choices=["single"], help="single: each conversation into fresh weights")
    data = "a .jsonl file of conversations, or a packaged set (default: assistant_chats)"
    parser.add_argument("--data", default="assistant_chats", metavar="FILE", help=data)
    add_model(parser)
    parser.add_argument("--contexts", type=count, metavar="N", help="only the first N conversations")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure and answer there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there")


def run(args: argparse.Namespace) -> int:
    """Measure and print the tables.

    Args:
        args: The arguments.

    Returns:
        The exit code.
    """
    from langchain_selfparam.evaluation import report, tables
    from langchain_selfparam.evaluation.datasets import find, load
    from langchain_selfparam.interfaces.asking import Asker
    from langchain_selfparam.interfaces.chat_model import ChatSelfParam

    conversations = load(find(args.data))[: args.contexts]
    print(f"loading {args.model} …", file=sys.stderr, flush=True)
    llm = ChatSelfParam.from_pretrained(args.model)
    asker = Asker(llm)
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


def _single(conversation: Conversation, asker: Asker) -> Result:
    from langchain_selfparam.config import Settings
    from langchain_selfparam.engine.pipeline import Engine
    from langchain_selfparam.evaluation.injection import single

    settings = Settings()
    policy = dataclasses.replace(settings.policy, every_turns=None)
    with tempfile.TemporaryDirectory() as folder, Bars() as bars:
        engine = Engine.open(
            asker.local,
            asker.gate,
            path=Path(folder),
            settings=dataclasses.replace(settings, policy=policy),
            namespace=("memories", conversation.id),
            background=False,
        )

        def say() -> None:
            for user, assistant in conversation.turns:
                engine.append(user=user, assistant=assistant)

        try:
            return single(
                conversation,
                ask=asker,
                say=say,
                consolidate=lambda: engine.consolidate(progress=bars),
                progress=bars,
            )
        finally:
            # Gives the model its own weights back: the next conversation starts from them.
            engine.close()
