"""The ``selfparam`` command: reads the arguments, runs one subcommand, turns errors into one line.

In come arguments, out goes an exit code: 0 done, 1 an error or a failed check, 2 wrong arguments or a missing
``--yes``. It imports nothing heavy: each command does that when it runs.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

import langchain_selfparam
from langchain_selfparam.cli import (
    ask,
    bench,
    chat,
    consolidate,
    demo,
    doctor,
    eval,  # noqa: A004 - the command's name
    export,
    forget,
    log,
    rollback,
    status,
)
from langchain_selfparam.cli.common import FAILED, MISUSED, MisuseError
from langchain_selfparam.errors import SelfParamError

_EXAMPLE = """example:
  selfparam demo                          a conversation learned by a small model, in a few minutes
  selfparam status --folder ./memory      what a memory holds
  selfparam demo --help                   help for one command
"""


def parser() -> argparse.ArgumentParser:
    """Make the parser of all commands.

    Returns:
        The parser.
    """
    main_parser = argparse.ArgumentParser(
        prog="selfparam",
        description="Agent memory that lives in the weights of a local language model.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    main_parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = main_parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (demo, chat, consolidate, status, log, rollback, forget, export, eval, bench, doctor, ask):
        command.add(commands)
    return main_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: The arguments; ``None`` for those of the process.

    Returns:
        The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that lacks a character shows another one instead of ending the command.
            stream.reconfigure(errors="replace")
    if hasattr(sys.stdin, "reconfigure"):
        # A byte that is no text is read as unknown; a stream that was read from already is not ours to change.
        with contextlib.suppress(io.UnsupportedOperation):
            sys.stdin.reconfigure(errors="replace")
    args = parser().parse_args(argv)
    try:
        code: int = args.run(args)
        sys.stdout.flush()  # what is still in its buffer would break at the end of the process, after all of this
    except KeyboardInterrupt:
        print(f"selfparam: stopped; {args.stopped}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # Whoever read the output has seen enough; Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (SelfParamError, OSError, ImportError) as error:
        if args.debug:
            raise
        print(f"selfparam: {' '.join(str(error).split())}", file=sys.stderr)
        return MISUSED if isinstance(error, MisuseError) else FAILED
    return code


class _Version(argparse.Action):
    """Reads the version only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *args: Any, **kwargs: Any) -> None:
        """Print it and leave."""
        print(langchain_selfparam.__version__)
        parser.exit()


if __name__ == "__main__":
    sys.exit(main())
