"""``selfparam bench``: how fast a machine gets a context into weights, against loops as others write them.

In come sizes, out go a table, a picture and JSON. What is timed is ``bench``'s; it needs torch, transformers and PEFT,
and neither LangChain nor a database (``--growth`` does).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from langchain_selfparam.cli.common import DEFAULT_MODEL, OK, add_command
from langchain_selfparam.cli.values import count, sizes
from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.errors import InputError

_SHAPE = "135m"
_EXAMPLE = """  $ selfparam bench --quick
  135m on 2 cores, 2 threads, AVX512: …
  …a line for each size and way, the loss alone, the ratios"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command.

    Args:
        commands: What ``add_subparsers`` gave.
    """
    text = "time this engine, and the loops it is compared with, on this machine"
    stopped = "a run does not go on where it was stopped: the same command begins anew"
    parser = add_command(commands, "bench", run, help=text, example=_EXAMPLE, stopped=stopped)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--model", metavar="NAME", help="a model's own weights: hub id, folder or file")
    which.add_argument("--shape", help="random weights of a shape: 8b, 1b, 135m (default) or tiny")
    parser.add_argument("--quick", action="store_true", help="one small size, within a minute on two cores")
    parser.add_argument("--contexts", type=sizes, metavar="C,…", help="tokens of context (default: 256,1024,4096)")
    parser.add_argument("--pairs", type=sizes, metavar="N,…", help="pairs of question and answer (default: 8,32)")
    instead = parser.add_mutually_exclusive_group()
    growth = "instead: time opening and consolidating a small memory after 1, 10, 100 and 1,000 versions"
    instead.add_argument("--growth", action="store_true", help=growth)
    serving = "instead: time answers while a conversation is learned, saving in a long journal, many namespaces"
    instead.add_argument("--serving", action="store_true", help=serving)
    users = "instead: time training so many users' factors in one row over the shared base, and one after another"
    instead.add_argument("--users", type=count, metavar="U", help=users)
    parser.add_argument("--versions", type=sizes, metavar="V,…", help="other numbers of versions for --growth")
    parser.add_argument("--repeats", type=count, metavar="R", help="runs that medians are of (default: 5; --users: 3)")
    parser.add_argument("--naive-repeats", type=count, metavar="R", help="sampled steps of naive loops (default: 2)")
    parser.add_argument("--loss-tokens", type=count, metavar="T", help="tokens of the loss alone (default: 1024)")
    parser.add_argument("--no-questions", action="store_true", help="leave out how long questions take to write")
    parser.add_argument("--compiled", action="store_true", help="train with compiled blocks (training.compiled)")
    parser.add_argument("--no-published", action="store_true", help="leave out the published recipe, the slowest part")
    parser.add_argument("--device", choices=["cpu", "cuda"], help="where to run (default: cuda where there is one)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured there")
    picture = "where the picture goes (default: out/bench.png)"
    parser.add_argument("--png", type=Path, default=Path("out/bench.png"), metavar="FILE", help=picture)


def run(args: argparse.Namespace) -> int:
    """Time everything and print it.

    Args:
        args: The arguments.

    Returns:
        The exit code.

    Raises:
        InputError: A model is given to what does not time it, or numbers of versions to what has none.
    """
    if args.growth and (args.model or args.shape):
        msg = "`bench --growth` times files, with a tiny model of its own; leave --model and --shape out"
        raise InputError(msg)
    if args.versions and not args.growth:
        msg = "--versions is of `bench --growth`, and nothing else here counts versions; add --growth, or leave it out"
        raise InputError(msg)
    if args.serving and args.shape:
        msg = f"`bench --serving` learns a conversation, which random weights ({args.shape}) cannot; give --model"
        raise InputError(msg)
    if args.growth:
        return _growth(args)
    if args.serving:
        return _serving(args)
    if args.users:
        return _users(args)
    from langchain_selfparam.bench import report
    from langchain_selfparam.bench import run as bench
    from langchain_selfparam.bench.shapes import model_to_time

    shape = args.shape or _SHAPE
    name = args.model or shape
    _say(f"making {name}")
    model = model_to_time(shape=shape, name=args.model, device=args.device)

    def keep(found: Any) -> None:
        if args.json is not None:
            _write(args.json, _json(report.as_json(found)))

    found = bench.run(model, name, _plan(args), config=TrainingConfig(compiled=args.compiled), say=_say, keep=keep)
    print(report.text(found))
    return _keep(args, report.as_json(found), lambda: report.picture(found))


def _serving(args: argparse.Namespace) -> int:
    from langchain_selfparam.bench import serving

    model = serving.load(args.model or DEFAULT_MODEL, device=args.device)
    with tempfile.TemporaryDirectory(prefix="selfparam-serving-") as folder:
        found = serving.run(model, Path(folder), say=_say)
    print(serving.text(found))
    if args.json is not None:
        _write(args.json, _json({"serving": dataclasses.asdict(found)}))
    return OK


def _users(args: argparse.Namespace) -> int:
    from langchain_selfparam.bench import users
    from langchain_selfparam.bench.shapes import model_to_time

    shape = args.shape or _SHAPE
    name = args.model or shape
    _say(f"making {name}")
    found = users.run(
        model_to_time(shape=shape, name=args.model, device=args.device),
        name,
        users=args.users,
        pairs=args.pairs[0] if args.pairs else 32,
        config=TrainingConfig(compiled=args.compiled, epochs=2),
        repeats=args.repeats or 3,
        say=_say,
    )
    print(users.text(found))
    if args.json is not None:
        _write(args.json, _json({"users": dataclasses.asdict(found) | {"ratio": found.ratio}}))
    return OK


def _growth(args: argparse.Namespace) -> int:
    from langchain_selfparam.bench import growth, report

    with tempfile.TemporaryDirectory(prefix="selfparam-growth-") as folder:
        marks = growth.run(
            Path(folder), marks=sorted(args.versions or growth.MARKS), repeats=args.repeats or 5, say=_say
        )
    print(report.growth_text(marks))
    content = {"growth": [dataclasses.asdict(mark) for mark in marks]}
    return _keep(args, content, lambda: report.growth_picture(marks))


def _keep(args: argparse.Namespace, content: Any, picture: Callable[[], bytes]) -> int:
    if args.json is not None:
        _write(args.json, _json(content))
    try:
        _write(args.png, picture())
    except ImportError as error:
        _say(f"no picture: {error}")
    return OK


def _plan(args: argparse.Namespace) -> Any:
    from langchain_selfparam.bench.run import QUICK, Plan

    given = {
        "contexts": args.contexts,
        "pairs": args.pairs,
        "repeats": args.repeats,
        "naive_repeats": args.naive_repeats,
        "loss_tokens": args.loss_tokens,
        "question_rows": 0 if args.no_questions else None,
        "published": False if args.no_published else None,
    }
    return dataclasses.replace(QUICK if args.quick else Plan(), **{k: v for k, v in given.items() if v is not None})


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    _say(f"wrote {path}")


def _say(text: str) -> None:
    print(f"{text} …" if not text.startswith(("wrote", "no ")) else text, file=sys.stderr, flush=True)
