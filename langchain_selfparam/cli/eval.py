"""``selfparam eval``: how much a model holds of what it was told, by the published protocols.

In come a data set and a model, out go tables, JSON, pictures and every answer. What is asked and scored is
``evaluation``'s.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_selfparam.cli import recommend
from langchain_selfparam.cli.common import OK, Bars, add_command, add_model, add_set, content, load_model
from langchain_selfparam.cli.values import count, minutes, settings_of
from langchain_selfparam.config import Settings
from langchain_selfparam.errors import ConfigError, InputError

if TYPE_CHECKING:
    from langchain_selfparam.evaluation.datasets import Conversation
    from langchain_selfparam.evaluation.sequence import Found
    from langchain_selfparam.evaluation.unchanged import Unchanged
    from langchain_selfparam.interfaces.asking import Asker

_EXAMPLE = """  $ selfparam eval single --data assistant_chats --contexts 2 --json out/eval.json
  conversation  before  history  retrieved  quoted  after  leaks before  leaks after  turns held  drift  seconds  …
  …one line for each conversation, then by way with intervals and paired tests, and by kind of question
  $ selfparam eval single --vary training.learning_rate=1e-3,2e-3,4e-3
  $ selfparam eval batch --data passages.jsonl --contexts 20 --baselines ft-context,ft-sentences
  $ selfparam eval sequential --data long --unchanged prose.jsonl pairs.jsonl
  $ selfparam eval recommend --train train.jsonl --test test_prompts.jsonl --items item_ids.json \\
      --dialogues 600 --rounds 1 --limit 300 --scored 240
  $ selfparam eval compare out/a.json out/b.json"""


_ITEMS = 300
_FIXED = {"policy.every_turns", "policy.max_turns"}
_FIXED_TO_RECOMMEND = _FIXED | {"policy.max_attempts", "targets.form"}
_WITH_COMPARE = {"command", "run", "default_of", "protocol", "files", "json", "markdown"}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command.

    Args:
        commands: What ``add_subparsers`` gave.
    """
    text = "measure how much of conversations a model holds"
    stopped = "what was finished is kept: run the same command to go on"
    parser = add_command(commands, "eval", run, help=text, example=_EXAMPLE, stopped=stopped)
    protocols = (
        "single: each context into fresh weights; batch: all at once; sequential: one after another into the same "
        "weights; recommend: dialogues, in rounds, and films recommended from them; compare: two runs, question by "
        "question"
    )
    choices = ["single", "batch", "sequential", "recommend", "compare"]
    parser.add_argument("protocol", choices=choices, help=protocols)
    parser.add_argument("files", nargs="*", type=Path, metavar="JSON", help="compare: two files that --json wrote")
    data = (
        "a .jsonl file of conversations, of passages with questions (SQuAD) or of questions about authors (TOFU), or "
        "a packaged set (default: assistant_chats)"
    )
    parser.add_argument("--data", default="assistant_chats", metavar="FILE", help=data)
    add_model(parser)
    _add_plan(parser)
    out = (
        "where finished parts are kept, and of one that is not finished its answers and its memory; the same command "
        "goes on there after an interruption "
        "(default: out/PROTOCOL; a folder of another run is refused)"
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help=out)
    parser.add_argument("--limit-minutes", type=minutes, metavar="M", help="begin no part after so long")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there; every answer is in --out")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there")
    recommend.add(parser)
    parser.set_defaults(default_of=parser.get_default)


def _add_plan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--contexts", type=count, metavar="N", help="only the first N contexts")
    parser.add_argument("--seeds", type=count, default=1, metavar="K", help="so many seeds (default: 1)")
    add_set(parser)
    vary = "single, batch: run with each value, such as training.learning_rate=1e-3,2e-3, and plot recall against drift"
    parser.add_argument("--vary", metavar="NAME=V,V", help=vary)
    baselines = (
        "other ways to learn, in the same run on the same questions: ft-context, ft-sentences and, but for recommend, "
        "published; for sequential also published-reset, which forgets as the released script does"
    )
    parser.add_argument("--baselines", default="", metavar="NAME,NAME", help=baselines)
    parser.add_argument("--no-retrieval", action="store_true", help="leave BM25 out (it needs bm25s)")
    unchanged = (
        "look before and after at unrelated prompts of its own, and at what is in these files: prose, minimal pairs, "
        "facts of the world, instructions"
    )
    parser.add_argument("--unchanged", nargs="*", type=Path, metavar="FILE", help=unchanged)
    items = f"lines of each of these files, taken evenly (default: {_ITEMS})"
    parser.add_argument("--unchanged-items", type=count, metavar="N", help=items)


class _Wanted(NamedTuple):
    """What is run beside the memory as it is by default."""

    settings: Settings
    variants: Mapping[str, Settings]
    """By name; the settings alone under an empty one where nothing varies."""
    baselines: Sequence[Any]


def run(args: argparse.Namespace) -> int:
    """Measure and print the tables.

    Args:
        args: The arguments.

    Returns:
        The exit code.
    """
    if args.protocol == "compare" or args.files:
        return _compare(args)
    from langchain_selfparam.evaluation.datasets import find, load
    from langchain_selfparam.evaluation.retrieval import library
    from langchain_selfparam.interfaces.asking import Asker

    if args.protocol == "sequential" and args.vary:
        msg = (
            "`eval sequential` takes no --vary: its tables are of one way to learn; run it once for each value, with "
            "--set and another --out, and set two beside each other with `eval compare`"
        )
        raise InputError(msg)
    _refuse_fixed(args)
    if args.protocol == "recommend":
        return _recommend(args)
    recommend.refuse_own(args)
    if args.unchanged_items is not None and args.unchanged is None:
        msg = "--unchanged-items is of the files of --unchanged, and that is not given"
        raise InputError(msg)
    if not args.no_retrieval:
        library()  # where it is missing that is said before a model is loaded
    wanted = _wanted(args)
    path = find(args.data)
    every = load(path)
    conversations = every[: args.contexts]
    if args.contexts and args.contexts > len(every):
        print(f"{len(every)} of {len(every)} contexts; {args.contexts} asked for", file=sys.stderr)
    args.out = args.out or Path("out") / args.protocol
    _claim(args, _contents(path))
    print(f"loading {args.model} …", file=sys.stderr, flush=True)
    llm = load_model(args)
    asker = Asker(llm)
    more = _within(args)
    if args.protocol == "sequential":
        return _sequential(args, conversations, path, asker, llm.model_name, wanted, more)
    return _injection(args, conversations, asker, llm.model_name, wanted, more)


def _refuse_fixed(args: argparse.Namespace) -> None:
    """Refuse settings that an evaluation has to set itself: with a value of their own nothing would be different."""
    fixed = _FIXED_TO_RECOMMEND if args.protocol == "recommend" else _FIXED
    for change in [*args.set, *([args.vary] if args.vary else [])]:
        if (name := change.partition("=")[0]) in fixed:
            msg = f"`eval {args.protocol}` sets {name} itself, so that no other value would be used; leave it out"
            raise InputError(msg)


def _wanted(args: argparse.Namespace) -> _Wanted:
    """Read settings, variants and baselines; what is mistyped is refused before a model is loaded."""
    from langchain_selfparam.evaluation import baselines, sequence

    settings = settings_of(args.set)
    known = sequence.BASELINES if args.protocol == "sequential" else baselines.NAMES
    return _Wanted(settings, _variants(args) if args.vary else {"": settings}, _baselines(args, known))


def _within(args: argparse.Namespace) -> Callable[[], bool]:
    end = time.monotonic() + 60 * args.limit_minutes if args.limit_minutes else float("inf")
    return lambda: time.monotonic() < end


def _recommend(args: argparse.Namespace) -> int:
    args.out = args.out or Path("out") / args.protocol
    return recommend.run(
        args,
        settings_of([*recommend.DEFAULTS, *args.set]),
        _baselines(args, ("ft-context", "ft-sentences")),
        lambda: _claim(args, recommend.marks(args)),
        _within(args),
        _say_how_far,
        functools.partial(_show, args),
    )


def _contents(path: Path) -> dict[str, Any]:
    """What tells the data of one run from those of another: names stay, and files change."""
    beside = path.with_name(f"{path.stem}_neighbours.jsonl")
    return {"the content of --data": content([path, *([beside] if beside.is_file() else [])])}


def _model_files(name: str) -> list[list[Any]] | None:
    """Names, sizes and times of a model's files here; ``None`` for one from the hub or from a wheel."""
    path = Path(name).expanduser()
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    kept = [(file.name, file.stat()) for file in files if file.is_file()]
    return [[file, stat.st_size, stat.st_mtime_ns] for file, stat in kept] or None


def _claim(args: argparse.Namespace, more: Mapping[str, Any] | None = None) -> None:
    """See that the folder is new, or holds parts of this very run."""
    from langchain_selfparam import __version__
    from langchain_selfparam.evaluation.tables import write_whole

    names = (
        "protocol",
        "data",
        "model",
        "contexts",
        "seeds",
        "set",
        "vary",
        "baselines",
        "no_retrieval",
        "dtype",
        "revision",
        "device",
    )
    mark = {name: getattr(args, name) for name in names} | {"unchanged_items": args.unchanged_items or _ITEMS}
    looked = "its own prompts alone" if args.unchanged == [] else [str(path) for path in args.unchanged or []]
    mark |= {"unchanged": looked, "version": __version__, **(more or {})}
    if args.unchanged:
        mark["the content of --unchanged"] = content(args.unchanged)
    mark["the files of --model"] = _model_files(args.model)
    file = args.out / "run.json"
    # A run that ended before its first part, over a mistyped argument for instance, binds nobody.
    parts = ("outcomes.jsonl", "steps.json", "answers.jsonl", "begun/answers.json")
    begun = any((args.out / name).exists() for name in parts) or any(args.out.glob("seed-*/steps.json"))
    if not begun or not file.exists():
        write_whole(file, json.dumps(mark, indent=1) + "\n")
        return
    # Runs from before these could be chosen took the defaults.
    found = {"dtype": "auto", "revision": None, "device": None, **json.loads(file.read_text("utf-8"))}
    # Rankings are kept by method, so that a baseline can be asked after the memory.
    free = {"baselines"} if args.protocol == "recommend" else set()
    apart = [name for name in mark if name not in free and found.get(name) != mark[name]]
    if apart:
        what = "; ".join(f"{name} was {found.get(name)!r} and is {mark[name]!r}" for name in apart)
        msg = f"{args.out} holds another run ({what}); give another --out, or remove it"
        raise InputError(msg)
    write_whole(file, json.dumps(mark, indent=1) + "\n")
    print(f"going on with what {args.out} keeps; remove it to measure everything anew", file=sys.stderr)


def _unchanged(args: argparse.Namespace) -> Unchanged | None:
    from langchain_selfparam.evaluation.unchanged import load

    return None if args.unchanged is None else load(args.unchanged, limit=args.unchanged_items or _ITEMS)


def _baselines(args: argparse.Namespace, known: Sequence[str]) -> list[Any]:
    names = [name.strip() for name in args.baselines.split(",") if name.strip()]
    for name in names:
        if name not in known:
            msg = f"{name!r} is no baseline of `eval {args.protocol}`; known: {', '.join(known)}"
            raise InputError(msg)
    return names


def _injection(
    args: argparse.Namespace,
    conversations: Sequence[Conversation],
    asker: Asker,
    name: str,
    wanted: _Wanted,
    more: Callable[[], bool],
) -> int:
    from langchain_selfparam.evaluation import harness, outcome, pictures, summary, tables

    plan = harness.Plan(
        conversations=conversations,
        together=args.protocol == "batch",
        variants=wanted.variants,
        seeds=args.seeds,
        baselines=wanted.baselines,
        retrieved=not args.no_retrieval,
        unchanged=_unchanged(args),
    )
    with Bars() as bars:
        found = harness.run(
            plan,
            asker,
            keep=args.out / "outcomes.jsonl",
            progress=bars,
            more=more,
            starts=lambda text: print(text, file=sys.stderr, flush=True),
        )
    planned = len(plan.conversations) * len(plan.variants) * plan.seeds
    done = sum(harness.is_done(one, plan) for one in found)
    _say_how_far(done, planned, "contexts")
    if not found:
        print("no part was finished; run the same command again", file=sys.stderr)
        return OK
    for one in found:
        for way, other in one.baselines.items():
            if "not_run" in other:
                print(f"{one.id}, seed {one.seed}: {way} was not run: {other['not_run']}", file=sys.stderr)
    tables.write_whole(args.out / "questions.jsonl", "".join(f"{line}\n" for line in outcome.lines(found)))
    parts = summary.variants(found)
    _picture(args.out / "steps.png", lambda: pictures.steps(next(iter(parts.values()))))
    if len(parts) > 1:
        _picture(args.out / "drift.png", lambda: pictures.drift(parts, limit=wanted.settings.verify.max_drift))
    of_each = len(plan.conversations) * plan.seeds
    values = summary.as_json(found, model=name, data=args.data, protocol=args.protocol, planned=of_each)
    values |= {"contexts_done": done, "contexts_planned": planned, "rates": _rates(args)}
    title = f"{name}, right answers by what was in the prompt; after: nothing, learned"
    _show(args, title, summary.tables(found, planned=of_each), values)
    return OK


def _rates(args: argparse.Namespace) -> Mapping[str, Any]:
    """How the baselines' learning rates were chosen."""
    from langchain_selfparam.evaluation import harness, rates

    return rates.Rates(args.out / harness.RATES_FILE).values


def _say_how_far(done: int, planned: int, what: str) -> None:
    if done < planned:
        print(f"{done} of {planned} {what} done; run the same command to go on", file=sys.stderr)


def _variants(args: argparse.Namespace) -> Mapping[str, Settings]:
    name, _, values = args.vary.partition("=")
    found = {f"{name}={value}": settings_of([*args.set, f"{name}={value}"]) for value in values.split(",") if value}
    if not found:
        msg = f"--vary {args.vary!r} has no values; give some, such as training.learning_rate=1e-3,2e-3"
        raise ConfigError(msg)
    return found


def _sequential(
    args: argparse.Namespace,
    conversations: Sequence[Conversation],
    path: Path,
    asker: Asker,
    name: str,
    wanted: _Wanted,
    more: Callable[[], bool],
) -> int:
    from langchain_selfparam.evaluation import retention, sequence, tables
    from langchain_selfparam.evaluation.datasets import load_neighbours
    from langchain_selfparam.evaluation.seeds import as_one

    plan = sequence.Plan(
        conversations=conversations,
        neighbours=load_neighbours(path) or tuple(n for c in conversations for n in c.neighbours),
        settings=wanted.settings,
        baselines=wanted.baselines,
        unchanged=_unchanged(args),
        retrieved=not args.no_retrieval,
    )
    with Bars() as bars:
        found = sequence.run_seeds(
            plan,
            asker,
            seeds=args.seeds,
            folder=args.out,
            progress=bars,
            more=more,
            starts=lambda text: print(text, file=sys.stderr, flush=True),
        )
    _say_what_is_missing(found, args.seeds, len(conversations))
    if not found[0].ours.steps:
        print("no step was finished; run the same command again", file=sys.stderr)
        return OK
    learned = [one for one in found if len(one.ours.steps) == len(conversations)]
    done = [one for one in learned if not one.unfinished]
    whole = done or learned or found[:1]
    ours = as_one([one.ours for one in whole])
    every = [name for name in whole[0].others if all(name in one.others for one in whole)]
    others = {name: as_one([one.others[name] for one in whole]) for name in every}
    _picture(args.out / "retention.png", lambda: retention.picture(ours))
    for way, other in others.items():
        _picture(args.out / f"retention-{way}.png", functools.partial(retention.picture, other))
    lines = [line for n, one in enumerate(whole) for line in retention.lines(one.ours, others=one.others, seed=n)]
    tables.write_whole(args.out / "questions.jsonl", "".join(f"{line}\n" for line in lines))
    part: dict[str, Any] = {"others": others, "changes": [one.change for one in whole if one.change is not None]}
    part["not_run"] = _not_run(whole)
    values = retention.as_json(ours, model=name, data=args.data, **part)
    values |= {"baselines_unfinished": dict(found[-1].unfinished), "rates": _rates(args)}
    values |= {"seeds_done": len(done), "seeds_planned": args.seeds}
    title = f"{name}: right answers after each step, nothing in the prompt"
    _show(args, title, retention.tables(ours, **part), values)
    return OK


def _say_what_is_missing(found: Sequence[Found], seeds: int, contexts: int) -> None:
    last = found[-1]
    of_seed = f" of seed {len(found) - 1}" if seeds > 1 else ""
    _say_how_far(len(last.ours.steps), contexts, f"contexts{of_seed}")
    for way, done in last.unfinished.items():
        _say_how_far(done, contexts, f"contexts of {way}{of_seed}")
    if len(last.ours.steps) == contexts and not last.unfinished:
        _say_how_far(len(found), seeds, "seeds")
    for way, reason in _not_run(found).items():
        print(f"{way} was not run: {reason}", file=sys.stderr)


def _not_run(found: Sequence[Found]) -> dict[str, str]:
    """Baselines that are left out, with the seed where there are several: the others' are left out with it."""
    return {
        way: f"seed {seed}: {reason}" if len(found) > 1 else reason
        for seed, one in enumerate(found)
        for way, reason in one.not_run.items()
    }


def _show(args: argparse.Namespace, title: str, found: Sequence[Any], values: Mapping[str, Any]) -> None:
    from langchain_selfparam.evaluation import tables

    text = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
    marked = "\n\n".join(tables.markdown(*table) for table in found) + "\n"
    for file in {args.out / "results.json", args.json} - {None}:
        tables.write_whole(file, text)
    for file in {args.out / "tables.md", args.markdown} - {None}:
        tables.write_whole(file, marked)
    print(title)
    print("\n\n".join(tables.plain(*table, width=120, lines=2) for table in found))
    print(f"\nkept in {args.out}: results.json, tables.md and what was measured", file=sys.stderr)


def _picture(path: Path, draw: Callable[[], bytes]) -> None:
    from langchain_selfparam.evaluation.tables import write_whole

    try:
        write_whole(path, draw())
    except ImportError as error:
        print(f"no picture: {error}", file=sys.stderr)


def _compare(args: argparse.Namespace) -> int:
    from langchain_selfparam.evaluation import compare, tables
    from langchain_selfparam.evaluation.tables import as_plain

    if args.protocol != "compare" or len(args.files) != 2:
        msg = f"found {len(args.files)} files for `eval {args.protocol}`; `eval compare` takes two, the others none"
        raise InputError(msg)
    for name in vars(args).keys() - _WITH_COMPARE:
        if getattr(args, name) != args.default_of(name):
            option = name.replace("_", "-")
            msg = f"`eval compare` takes no --{option}: it reads two files, and writes --json and --markdown"
            raise InputError(msg)
    found = compare.compare(*args.files)
    if args.json is not None:
        tables.write_whole(args.json, json.dumps(as_plain(found), indent=2) + "\n")
    shown = ("", ""), compare.rows(found)
    if args.markdown is not None:
        tables.write_whole(args.markdown, tables.markdown(*shown) + "\n")
    print(f"first: {args.files[0]}\nsecond: {args.files[1]}\n{tables.plain(*shown)}")
    return OK
