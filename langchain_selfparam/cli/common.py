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

from langchain_selfparam.errors import FolderError
from langchain_selfparam.records import Namespace, Turn

if TYPE_CHECKING:
    from langchain_selfparam.interfaces.chat_model import ChatSelfParam
    from langchain_selfparam.interfaces.memory import ParametricMemory
    from langchain_selfparam.store import Database

DEFAULT_MODEL = "smollm2-135m"
OK, FAILED, MISUSED = 0, 1, 2
"""Exit codes: done; an error, or a check that failed; wrong arguments, or ``--yes`` is missing."""


def add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    help: str,  # noqa: A002 - argparse's own word
    example: str,
) -> argparse.ArgumentParser:
    """Make a subcommand.

    Args:
        commands: What ``add_subparsers`` gave.
        name: Its name.
        run: What it does; gives the exit code.
        help: One line; empty to leave it out of the list.
        example: A real call and what it prints, for the end of its help.

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
    parser.set_defaults(run=run)
    return parser


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Give a command ``--folder``.

    Args:
        parser: Its parser.
    """
    parser.add_argument("--folder", type=Path, required=True, metavar="DIR", help="the memory folder")


def add_model(parser: argparse.ArgumentParser) -> None:
    """Give a command ``--model``.

    Args:
        parser: Its parser.
    """
    parser.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        metavar="NAME",
        help=f"hub id, folder or .gguf file of the model (default: {DEFAULT_MODEL})",
    )


def add_namespace(parser: argparse.ArgumentParser) -> None:
    """Give a command ``--namespace``.

    Args:
        parser: Its parser.
    """
    parser.add_argument(
        "--namespace",
        type=namespace,
        metavar="A/B",
        help="whose memory, such as memories/ana, in a folder where each has weights of its own",
    )


def namespace(text: str) -> Namespace:
    """Read a namespace as the command line has it.

    Args:
        text: Its parts with slashes between.

    Returns:
        The namespace.

    Raises:
        argparse.ArgumentTypeError: A part is empty.
    """
    parts = tuple(text.split("/"))
    if not all(parts):
        msg = f"{text!r} has an empty part; parts with slashes between are needed, such as memories/ana"
        raise argparse.ArgumentTypeError(msg)
    return parts


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


def count(text: str) -> int:
    """A whole number of at least 1, as an argument's type.

    Args:
        text: What was typed.

    Returns:
        The number.
    """
    number = int(text)
    if number < 1:
        msg = f"{number} is below 1"
        raise argparse.ArgumentTypeError(msg)
    return number


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
        args: With ``model`` and ``folder``.
        **fields: Fields of ``ParametricMemory`` that differ.

    Returns:
        The chat model and the memory; close the memory.

    Raises:
        FolderError: The folder cannot be used, or has no memory where one has to be there.
    """
    from langchain_selfparam.interfaces.chat_model import ChatSelfParam
    from langchain_selfparam.interfaces.memory import ParametricMemory
    from langchain_selfparam.interfaces.scope import literal

    fields = {"consolidate_every": None, "background": False, **fields}
    if getattr(args, "namespace", None) is not None:
        fields["namespace"] = literal(args.namespace)
    if own_weights(args.folder):
        fields["isolation"] = "namespace"
    llm = ChatSelfParam.from_pretrained(args.model)
    return llm, ParametricMemory(llm, path=args.folder, **fields)


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
