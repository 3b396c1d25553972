"""``selfparam eval recommend``: a conversational recommender, by free text and by likelihood.

In come dialogues, prompts and items, out go tables, JSON and every ranking. What is asked and scored is
``evaluation``'s.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_selfparam.cli.common import OK, Bars, content, load_model
from langchain_selfparam.cli.values import count
from langchain_selfparam.config import Settings
from langchain_selfparam.errors import InputError

if TYPE_CHECKING:
    from langchain_selfparam.evaluation.recommendation import Found, Plan

DEFAULTS = (
    "training.epochs=1",
    "training.batch_tokens=1024",
    "targets.reply_share=0.9",
    "targets.replay=60",
    "verify.answer_tokens=16",
    "verify.hold=0.0",
    "verify.max_shrinks=24",
)
"""Settings in which it differs from a memory of facts: hundreds of prompts, each seen once. Nobody wants a dialogue's
own list back to the letter, so that a round is judged by its drift, and by what is recommended afterwards: one that
drifts too far is made as small as it has to be, since a weak taste is better than none. A small model that is told a
list makes little of it, so that the list itself is most of the target: in trials on 240 dialogues more was gained so
than with half. Of earlier rounds few lists are replayed: one has as many tokens as twenty of the answers that a memory
replays, and with 360 of them a second round of 450 dialogues was refused for its drift."""

_OWN: Mapping[str, Any] = {
    "train": None,
    "test": None,
    "items": None,
    "limit": None,
    "rounds": 3,
    "scored": 300,
    "dialogues": None,
}
"""Arguments that no other protocol takes, with their defaults."""


_WIDTH = 94
"""Of the group's text, so that a terminal of 100 columns shows it as it is."""


def add(parser: argparse.ArgumentParser) -> None:
    """Give ``eval`` what ``recommend`` takes.

    Args:
        parser: Its parser.
    """
    group = parser.add_argument_group("recommend", _about())
    train = "dialogues to learn from, in ReDial's form or in that above; of several with one id the first"
    group.add_argument("--train", type=Path, metavar="FILE", help=train)
    test = (
        "prompts, each with the items recommended next; ReDial's own test file has none, but whole dialogues as "
        "--train takes them"
    )
    group.add_argument("--test", type=Path, metavar="FILE", help=test)
    items = "item_ids.json with entity2id.json beside it, a folder that has both, or a .jsonl file of id and title"
    group.add_argument("--items", type=Path, metavar="FILE", help=items)
    group.add_argument("--limit", type=count, metavar="N", help="so many prompts, taken evenly (default: all)")
    rounds = "consolidations, at most one for each dialogue (default: 3)"
    group.add_argument("--rounds", type=count, default=_OWN["rounds"], metavar="R", help=rounds)
    scored = (
        "prompts for which candidates are ordered by likelihood, taken evenly (default: all that --limit leaves, at "
        "most 300; with 150 a difference of the size measured so far may be chance)"
    )
    group.add_argument("--scored", type=count, default=_OWN["scored"], metavar="N", help=scored)
    group.add_argument("--dialogues", type=count, metavar="N", help="only the first N dialogues")


def _about() -> str:
    """What the group is, what it takes and how long."""
    from langchain_selfparam.evaluation.redial import ITEM_LINE, TEST_LINE, TRAIN_LINE

    paragraphs = (
        "dialogues are learned in rounds, and films recommended from them; unless --set says otherwise with "
        + ", ".join(DEFAULTS),
        "The example below takes an evening on two cores: with AVX2 alone its round took 4,213 seconds, and ordering "
        "by likelihood 7 seconds a prompt and method (docs/measurements.md).",
        "A line of each file follows. The ids in `rec` are those of --items; those in a dialogue are its own, and its "
        "films are found in --items by title. In what is said a film is recognised by its title with the year in "
        'brackets behind it: without, "named", `repeat` and "rest out" find nothing.',
    )
    forms = {"--train": TRAIN_LINE, "--test": TEST_LINE, "--items": ITEM_LINE}
    shown = [textwrap.fill(text, _WIDTH, break_on_hyphens=False) for text in paragraphs]
    return "\n\n".join([*shown, "\n".join(_shown(name, line) for name, line in forms.items())])


def _shown(name: str, line: str) -> str:
    """A line of a file below each other, parted only where one of its values ends."""
    whole = re.sub(r'(?<![\]}"],) ', "\0", line)
    begun = f"  {name:<8} "
    parted = textwrap.fill(whole, _WIDTH, initial_indent=begun, subsequent_indent=" " * len(begun))
    return parted.replace("\0", " ")


def run(
    args: argparse.Namespace,
    settings: Settings,
    baselines: Sequence[Any],
    claim: Callable[[], None],
    more: Callable[[], bool],
    say_how_far: Callable[[int, int, str], None],
    show: Callable[[str, Sequence[Any], Mapping[str, Any]], None],
) -> int:
    """Measure and print the tables.

    Args:
        args: The arguments of ``eval``.
        settings: All stages' settings.
        baselines: Other ways to learn.
        claim: Takes the folder for this run.
        more: Asked before each part.
        say_how_far: Says how much of what is wanted is done, where it is not all.
        show: Prints and keeps tables.

    Returns:
        The exit code.

    Raises:
        InputError: A file is not given or has another form, an argument of the other protocols is given, or more rounds
            than there are dialogues.
        ImportError: bm25s or rapidfuzz is not installed.
    """
    from langchain_selfparam.evaluation.recommendation import LIST_TOKENS, TEMPERATURE, Recommendation
    from langchain_selfparam.evaluation.recommended import as_json, headline, tables
    from langchain_selfparam.evaluation.retrieval import library
    from langchain_selfparam.interfaces.asking import Asker

    _refuse(args)
    library()  # what is missing is said before a model is loaded; rapidfuzz is needed by what can be recommended
    plan, told = _plan(args, settings, baselines)
    claim()
    print(*told, f"loading {args.model} …", sep="\n", file=sys.stderr, flush=True)
    llm = load_model(args)
    asker = Asker(llm, max_tokens=LIST_TOKENS, rows=48, temperature=TEMPERATURE)
    with Bars() as bars:
        found = Recommendation(plan, asker, folder=args.out, progress=bars, more=more).run()
    _say_what_is_left(plan, found, say_how_far)
    values = as_json(plan, found, model=llm.model_name)
    show(headline(plan, found, model=llm.model_name), tables(plan, found), values)
    return OK


def _plan(args: argparse.Namespace, settings: Settings, baselines: Sequence[Any]) -> tuple[Plan, list[str]]:
    """What is run, and in words how much of the files that is."""
    from langchain_selfparam.evaluation.recommendation import Plan
    from langchain_selfparam.evaluation.redial import load_items, read_test, read_train

    catalogue = load_items(args.items)
    prompts, unasked = read_test(args.test, catalogue)
    every, unlearned = read_train(args.train, catalogue)
    dialogues = every[: args.dialogues]
    if args.rounds > len(dialogues):
        msg = (
            f"--rounds is {args.rounds} and there are {len(dialogues)} dialogues to learn from, so that a round would "
            f"have none; give --rounds {len(dialogues)} or fewer, or more dialogues"
        )
        raise InputError(msg)
    wanted = min(args.limit or len(prompts), len(prompts))
    told = [
        _of_all("dialogues are learned from", len(dialogues), every, unlearned, "--dialogues", args.dialogues),
        _of_all("prompts are asked", wanted, prompts, unasked, "--limit", args.limit),
    ]
    asked = {prompt.id for prompt in prompts}
    if both := sum(dialogue.id in asked for dialogue in dialogues):
        told.append(
            f"{both} of these dialogues have an id that --test has as well: where that means the same dialogue, it is "
            "learned from and asked about, and what is found shows nothing; where ids mean something else there, all "
            "is well"
        )
    plan = Plan(
        dialogues=dialogues,
        prompts=[prompts[at * len(prompts) // wanted] for at in range(wanted)],
        catalogue=catalogue,
        rounds=args.rounds,
        scored=args.scored,
        settings=settings,
        baselines=baselines,
        everything=prompts,
    )
    return plan, told


def _of_all(what: str, used: int, usable: Sequence[Any], left: Mapping[str, int], name: str, given: int | None) -> str:
    """How many of how many are used, where the rest is, and where more were asked for than there are."""
    left = {f"that {name} leaves": len(usable) - used, **left}
    rest = "; ".join(f"{number} {reason}" for reason, number in left.items() if number)
    more = f" ({name} asks for {given})" if given is not None and given > used else ""
    return f"{used} of {used + sum(left.values())} {what}{more}{f'; left out: {rest}' if rest else ''}"


def _say_what_is_left(plan: Plan, found: Found, say_how_far: Callable[[int, int, str], None]) -> None:
    say_how_far(len(found.rounds), plan.rounds, "rounds")
    for measure, by_method in found.unfinished.items():
        for name, (kept, wanted) in by_method.items():
            say_how_far(kept, wanted, f"{measure.replace('_', ' ')} answers of {name}")
    for name, reason in found.not_run.items():
        print(f"{name} was not run: {reason}", file=sys.stderr)


def _refuse(args: argparse.Namespace) -> None:
    """Refuse what is not given, and what only the other protocols take: passed over, it would seem to be done."""
    missing = [f"--{name}" for name in ("train", "test", "items") if getattr(args, name) is None]
    if missing:
        msg = f"`eval recommend` needs {', '.join(missing)}"
        raise InputError(msg)
    for name, given in {
        "--data": args.data != "assistant_chats",
        "--no-retrieval": args.no_retrieval,
        "--unchanged": args.unchanged is not None,
        "--unchanged-items": args.unchanged_items is not None,
        "--contexts": args.contexts is not None,
        "--seeds": args.seeds > 1,
        "--vary": args.vary is not None,
    }.items():
        if given:
            msg = (
                f"`eval recommend` takes no {name}: it learns dialogues (--train, --dialogues), measures drift in "
                "every round and always compares with BM25; settings are changed with --set, each in another --out"
            )
            raise InputError(msg)


def refuse_own(args: argparse.Namespace) -> None:
    """Refuse in another protocol what only this one takes.

    Args:
        args: The arguments of ``eval``.

    Raises:
        InputError: One is given.
    """
    for name, default in _OWN.items():
        if getattr(args, name) != default:
            msg = (
                f"`eval {args.protocol}` takes no --{name}, which is of `eval recommend`; --contexts is how many "
                "conversations are learned, and --data which"
            )
            raise InputError(msg)


def marks(args: argparse.Namespace) -> dict[str, Any]:
    """What tells one run from another, beside what all of ``eval`` has: arguments, and what is in the files."""
    from langchain_selfparam.evaluation.redial import files_of_items

    found = {name: json.loads(json.dumps(getattr(args, name), default=str)) for name in _OWN}
    found["settings of its own"] = list(DEFAULTS)
    contents = {"train": (args.train,), "test": (args.test,), "items": files_of_items(args.items)}
    return found | {f"the content of --{name}": content(files) for name, files in contents.items()}
