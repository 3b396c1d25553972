"""What several commands share: arguments, reading a folder without its model, opening it with one, output.

In come parsed arguments, out go open folders and printed lines. Everything heavy is imported inside a
function.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from langchain_selfparam.cli.values import Typed, names, namespace
from langchain_selfparam.errors import FolderError, InputError
from langchain_selfparam.records import Namespace, Turn

if TYPE_CHECKING:
    from langchain_selfparam.interfaces.chat_model import ChatSelfParam
    from langchain_selfparam.interfaces.memory import ParametricMemory
    from langchain_selfparam.store import Database

DEFAULT_MODEL = "smollm2-135m"
_DTYPES = ("auto", "float32", "bfloat16", "float16")
OK, FAILED, MISUSED = 0, 1, 2
"""Exit codes: done; an error, or a check that failed; wrong arguments, or ``--yes`` is missing."""
_NAMED = 5
"""Namespaces that an error lists at most."""


class MisuseError(InputError):
    """Arguments that can be read and do not fit what they are for; the exit code is ``MISUSED``."""


def add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    help: str,  # noqa: A002 - argparse's own word
    example: str,
    stopped: str = "nothing was changed",
) -> argparse.ArgumentParser:
    """Make a subcommand.

    Args:
        commands: What ``add_subparsers`` gave.
        name: Its name.
        run: What it does; gives the exit code.
        help: One line; empty to leave it out of the list.
        example: A real call and what it prints, for the end of its help.
        stopped: What is said after Ctrl-C: what is kept, and how to go on.

    Returns:
        Its parser.
    """
    # argparse lists a command only where the word help is given at all.
    listed: dict[str, Any] = {"help": help} if help else {}
    parser = commands.add_parser(
        name,
        description=help,
        epilog=f"example:\n{example}" if example else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        **listed,
    )
    parser.add_argument("--debug", action="store_true", help="show where an error comes from")
    parser.set_defaults(run=run, stopped=stopped)
    return parser


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Give a command ``--folder``.

    Args:
        parser: Its parser.
    """
    parser.add_argument("--folder", type=Path, required=True, metavar="DIR", help="the memory folder")


def add_model(parser: argparse.ArgumentParser) -> None:
    """Give a command ``--model``, and how it is loaded.

    Args:
        parser: Its parser.
    """
    parser.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        metavar="NAME",
        help=f"hub id, folder or .gguf file of the model (default: {DEFAULT_MODEL})",
    )
    dtype = (
        "type of the weights: a memory folder keeps to that in which it was made; auto (the default) is the model's "
        "own, or float32 on a processor that multiplies no 16 bits"
    )
    parser.add_argument("--dtype", default="auto", choices=_DTYPES, help=dtype)
    parser.add_argument("--revision", metavar="REV", help="branch, tag or commit of the model on the hub")
    parser.add_argument(
        "--device",
        metavar="NAME",
        help="where the model runs, such as cpu or cuda:1 (default: on the GPUs there are, else the CPU)",
    )


def model_arguments(args: argparse.Namespace) -> list[str]:
    """What names the same model in another call.

    Args:
        args: With what ``add_model`` gives.

    Returns:
        Arguments; those that are as by default are left out, but for ``--model``.
    """
    found = ["--model", args.model]
    if args.dtype != "auto":
        found += ["--dtype", args.dtype]
    for name in ("revision", "device"):
        value = getattr(args, name)
        found += [] if value is None else [f"--{name}", value]
    return found


def load_model(args: argparse.Namespace) -> ChatSelfParam:
    """Load the model that was asked for.

    Args:
        args: With what ``add_model`` gives.

    Returns:
        The chat model.
    """
    from langchain_selfparam.interfaces.chat_model import ChatSelfParam

    return ChatSelfParam.from_pretrained(args.model, dtype=args.dtype, revision=args.revision, device=args.device)


def add_set(parser: argparse.ArgumentParser, more: str = "") -> None:
    """Give a command ``--set``; its values are read by ``settings_of``.

    Args:
        parser: Its parser.
        more: More for its help.
    """
    setting = f"change a setting, such as targets.replay=0; can be given again{more}"
    parser.add_argument("--set", action="append", default=[], metavar="STAGE.NAME=VALUE", help=setting)


def add_namespace(parser: argparse._ActionsContainer) -> None:
    """Give a command ``--namespace``.

    Args:
        parser: Its parser, or a group of it.
    """
    parser.add_argument(
        "--namespace",
        type=namespace,
        metavar="A/B",
        help="whose memory, such as memories/ana, in a folder where each has weights of its own; where two are written "
        "alike, a JSON list of its parts",
    )


def own_weights(folder: Path) -> bool:
    """Whether each namespace of a folder has weights of its own; a folder that is not there yet has not.

    Args:
        folder: The memory folder.

    Returns:
        Whether it was made with ``isolation="namespace"``.
    """
    if not (folder / "memory.sqlite").is_file():
        return False
    with reading(folder) as database:
        return database.get("isolation") == "namespace"


def need_whose(folder: Path, whose: Namespace | None, *, instead: str = "") -> None:
    """Refuse a folder in which each namespace has weights of its own, where nobody is named.

    Args:
        folder: The memory folder; it may be missing.
        whose: What was given as ``--namespace``.
        instead: What else can be given.

    Raises:
        MisuseError: Nobody is named and somebody has to be.
    """
    if whose is None and own_weights(folder):
        msg = f"{folder} has weights for each namespace: say whose with --namespace{instead} ({_known(folder)[1]})"
        raise MisuseError(msg)


def meant(folder: Path, whose: Namespace | None) -> Namespace | None:
    """Whom of those who have said something a typed namespace means; a slash may be in a part of it.

    Args:
        folder: The memory folder; it may be missing.
        whose: What was given as ``--namespace``.

    Returns:
        The one that is written so, or what was typed, split at its slashes.

    Raises:
        MisuseError: Several are written so.
    """
    if not isinstance(whose, Typed):
        return whose
    text = "/".join(whose)
    known = _known(folder)[0] if (folder / "memory.sqlite").is_file() else []
    alike = [one for one in known if "/".join(one) == text]
    if len(alike) > 1:
        several = list(names(alike).values())
        msg = f"in {folder} {text!r} may be {' or '.join(several)}: say which, such as --namespace '{several[0]}'"
        raise MisuseError(msg)
    return alike[0] if alike else tuple(whose)


def need_known(folder: Path, whose: Namespace | None) -> Namespace | None:
    """Refuse a namespace that has said nothing: it is mistyped.

    Args:
        folder: The memory folder.
        whose: What was given as ``--namespace``.

    Returns:
        The one that is ``meant``.

    Raises:
        FolderError: There is no memory in the folder.
        InputError: It has no turn of the namespace.
    """
    whose, (known, text) = meant(folder, whose), _known(folder, whose)
    if whose is not None and whose not in known:
        msg = f"{folder} has no turn of {names([whose, *known])[whose]}; {text}"
        raise InputError(msg)
    return whose


def only_one(folder: Path) -> Namespace | None:
    """Whose a folder with one set of weights is, where somebody has said something.

    Args:
        folder: The memory folder.

    Returns:
        The namespace; ``None`` where nobody, or more than one, has a turn.

    Raises:
        FolderError: There is no memory in the folder.
    """
    known, _ = _known(folder)
    return known[0] if len(known) == 1 else None


def _known(folder: Path, *beside: Namespace | None) -> tuple[list[Namespace], str]:
    """Whoever has said something, and the first of them in words, told apart from others that are named beside."""
    from langchain_selfparam.store import Turns

    with reading(folder) as database:
        known = list(Turns(database).namespaces())
    written = names([*known, *(tuple(one) for one in beside if one is not None)])
    first = ", ".join(written[one] for one in known[:_NAMED])
    more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
    return known, f"it has turns of {first or 'nobody'}{more}"


def add_json(parser: argparse.ArgumentParser) -> None:
    """Give a reader ``--json``.

    Args:
        parser: Its parser.
    """
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def add_yes(parser: argparse.ArgumentParser) -> None:
    """Give a command that changes something ``--yes``.

    Args:
        parser: Its parser.
    """
    parser.add_argument("--yes", action="store_true", help="do it; without this only the plan is printed")


def print_json(value: Any) -> None:
    """Print a value as JSON.

    Args:
        value: Dictionaries, lists and plain values.
    """
    print(json.dumps(value, indent=2, ensure_ascii=False))


def planned(args: argparse.Namespace, lines: Sequence[str]) -> bool:
    """Print what would be done, and tell whether to do it.

    Args:
        args: With ``yes``.
        lines: The plan.

    Returns:
        Whether ``--yes`` was given.
    """
    print(*lines, sep="\n")
    if not args.yes:
        print("Nothing was changed: add --yes to do it.")
    return bool(args.yes)


@contextlib.contextmanager
def reading(folder: Path) -> Iterator[Database]:
    """Open a folder's database for reading, beside whoever owns the folder.

    Args:
        folder: The memory folder.

    Yields:
        Its database.

    Raises:
        FolderError: There is no memory in it.
    """
    from langchain_selfparam.store import Database

    if not (folder / "memory.sqlite").is_file():
        msg = f"there is no memory in {folder} (no memory.sqlite); give the folder that one was opened with"
        raise FolderError(msg)
    with contextlib.closing(Database(folder)) as database:
        yield database


def open_memory(args: argparse.Namespace, **fields: Any) -> tuple[ChatSelfParam, ParametricMemory]:
    """Load the model and open the folder with it; nothing is learned unless asked for.

    Args:
        args: With what ``add_model`` gives, and ``folder``; ``None`` for the model's own under the user's data folder.
        **fields: Fields of ``ParametricMemory`` that differ.

    Returns:
        The chat model and the memory; close the memory.

    Raises:
        FolderError: The folder cannot be used, or has no memory where one has to be there.
        MisuseError: The model's own folder has weights for each namespace, and nobody is named; or it is not clear
            who is.
    """
    from langchain_selfparam.interfaces.memory import ParametricMemory
    from langchain_selfparam.interfaces.options import default_path
    from langchain_selfparam.interfaces.scope import literal

    llm, folder = load_model(args), args.folder
    if folder is None:
        folder = default_path(llm.model_name)
        need_whose(folder, args.namespace)
    fields = {"consolidate_every": None, "background": False, **fields}
    if (whose := meant(folder, getattr(args, "namespace", None))) is not None:
        fields["namespace"] = literal(whose)
    if own_weights(folder):
        fields["isolation"] = "namespace"
    return llm, ParametricMemory(llm, path=folder, **fields)


def content(files: Sequence[Path]) -> str:
    """A short name for what files hold, by which one sees that they have changed.

    Args:
        files: In order.

    Returns:
        ``sha256`` and 16 hexadecimal digits.
    """
    parts = [hashlib.sha256(file.read_bytes()).digest() for file in files]
    return f"sha256 {hashlib.sha256(b''.join(parts)).hexdigest()[:16]}"


def short(turn: Turn, width: int = 60) -> str:
    """A turn in one line.

    Args:
        turn: The turn.
        width: Most characters of its text.

    Returns:
        Its number, and the beginning of what the user said.
    """
    text = " ".join(turn.user.split())
    text = text if len(text) <= width else text[: width - 1].rstrip() + "…"
    return f'turn {turn.id}: "{text}"'


class Bars:
    """Progress as bars on standard error, one for each stage; call it as a ``protocols.Progress``."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._stage = ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Move the bar of a stage, which closes that of another.

        Args:
            stage: Its name.
            done: How far it is.
            total: Where it ends.
        """
        from tqdm import tqdm

        if stage == self._stage and self._bar is None and done >= total:
            return  # it was full already
        if stage != self._stage or self._bar is None:
            self.close()
            self._stage = stage
            form = "{desc:<18} {percentage:3.0f}% |{bar:30}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]"
            self._bar = tqdm(desc=stage, total=total, file=sys.stderr, bar_format=form)
        self._bar.total, self._bar.n = total, done
        self._bar.refresh()
        if done >= total:
            self.close()  # what comes between two stages is no time of the first

    def close(self) -> None:
        """End the bar that is shown; a second time does nothing."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> Bars:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
