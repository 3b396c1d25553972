"""Tables as plain text and Markdown, plain values for JSON, files written whole.

In come rows of strings, out goes text. It knows nothing of what is in them.
"""

from __future__ import annotations

import dataclasses
import os
import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_LEAST = 6
"""Characters of a header, or of a column of words, that are left at least."""
_NUMBER = re.compile(r"(-|[<>≥≤] ?)?[\d.,]*( %)?")
_PER_CENT = re.compile(r"(\d+ %)?")


def plain(header: Sequence[str], rows: Sequence[Sequence[str]], *, width: int = 100, lines: int = 1) -> str:
    """A table for a terminal; the widest columns are narrowed where it would not fit.

    Numbers are not cut off. Where they do not fit, columns of percentages are shown as bare numbers under the number of
    the column; where that does not fit either, a line says so instead of the table.

    Args:
        header: Names of the columns; empty ones for a table without.
        rows: One string for each column; columns that hold numbers only are put to the right.
        width: Most characters in a line.
        lines: Most lines for a row; what does not fit into them is cut off.

    Returns:
        The lines, joined.
    """
    cells = [[" ".join(cell.split()) for cell in row] for row in (header, *rows)]
    widths, note = _widths(cells, width), ""
    if widths is None:
        cells, note = _bare(cells, width)
        widths = _widths(cells, width)
    if widths is None:
        return f"(a table of {len(header)} columns is too wide for {width} characters; tables.md has it whole)"
    right = [all(_is_number(row[i]) for row in cells[1:]) for i in range(len(widths))]
    rule = ["-" * w for w in widths]
    shown = [cells[0], rule, *cells[1:]] if any(cells[0]) else cells[1:]
    return "\n".join([*(line for row in shown for line in _lines(row, widths, right, lines)), *filter(None, [note])])


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table.

    Args:
        header: Names of the columns.
        rows: One string for each column; bars and line breaks in them are taken care of.

    Returns:
        The lines, joined.
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def as_plain(value: Any) -> Any:
    """Records, mappings and tuples as values that JSON has.

    Args:
        value: A record of ``records`` or ``evaluation``, or anything inside one.

    Returns:
        Dictionaries, lists, strings, numbers, booleans and ``None``.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str(value)


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write a file so that it is there whole or as it was before.

    Args:
        path: Where; its folder is made as needed.
        content: Text, written as UTF-8, or bytes.

    Returns:
        The same path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}.half")
    try:
        with half.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
    return path


def percent(part: float) -> str:
    """A share for people.

    Args:
        part: From 0 to 1.

    Returns:
        Whole per cent.
    """
    return f"{100 * part:.0f} %"


def _widths(cells: Sequence[Sequence[str]], width: int) -> list[int] | None:
    """Widths of columns; ``None`` where they cannot be narrowed enough."""
    columns = list(zip(*cells, strict=True))
    widths = [max(map(len, column)) for column in columns]
    least = [_least(column) for column in columns]
    while sum(widths) + 2 * (len(widths) - 1) > width:
        room = [w if w > few else 0 for w, few in zip(widths, least, strict=True)]
        if not any(room):
            return None
        widths[room.index(max(room))] -= 1
    return widths


def _least(column: Sequence[str]) -> int:
    """How narrow a column may become: numbers stay whole, of words (and a header) a few characters are left."""
    head, *cells = map(len, column)
    kept = max(cells, default=0) if all(map(_NUMBER.fullmatch, column[1:])) else min(_LEAST, max(cells))
    return max(1, kept, min(_LEAST, head))


def _bare(cells: list[list[str]], width: int) -> tuple[list[list[str]], str]:
    """The cells with columns of percentages as bare numbers under numbers from 1, and what these numbers stand for."""
    parts = [i for i, column in enumerate(zip(*cells[1:], strict=True)) if all(_PER_CENT.fullmatch(c) for c in column)]
    found = [[cell.removesuffix(" %") if i in parts else cell for i, cell in enumerate(row)] for row in cells]
    for number, i in enumerate(parts, 1):
        found[0][i] = str(number)
    names = ", ".join(f"{number} {cells[0][i]}" for number, i in enumerate(parts, 1))
    return found, textwrap.fill(f"in per cent, by column: {names}", width) if parts else ""


def _lines(row: Sequence[str], widths: Sequence[int], right: Sequence[bool], most: int) -> list[str]:
    """A row as one or more lines."""
    parts = [_wrapped(cell, width, most) for cell, width in zip(row, widths, strict=True)]
    height = max(map(len, parts))
    padded = [[*part, *[""] * (height - len(part))] for part in parts]
    return [
        "  ".join(
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in zip(*padded, strict=True)
    ]


def _wrapped(cell: str, width: int, most: int) -> list[str]:
    # Only a cell with a mark in front is indented below it.
    indent = "  " if cell[:2] in {"+ ", "- "} else ""
    found = textwrap.wrap(cell, width, subsequent_indent=indent) or [""]
    if len(found) > most:
        # The rest of the text goes on where the last line would have been wrapped, up to the last character.
        rest = " ".join(line.strip() for line in found[most - 1 :])
        found = [*found[: most - 1], (indent if most > 1 else "") + rest]
        found[-1] = found[-1][: width - 1].rstrip() + "…"
    return found


def _is_number(cell: str) -> bool:
    return cell[:1].isdigit() or cell in {"", "-"}


def _cell(cell: str) -> str:
    return " ".join(cell.split()).replace("|", "\\|")
