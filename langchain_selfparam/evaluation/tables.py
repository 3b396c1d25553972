"""Tables as plain text and Markdown, plain values for JSON, files written whole.

In come rows of strings, out goes text. It knows nothing of what is in them.
"""

from __future__ import annotations

import dataclasses
import os
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def plain(header: Sequence[str], rows: Sequence[Sequence[str]], *, width: int = 100) -> str:
    """A table for a terminal; the widest columns are cut where it would not fit.

    Args:
        header: Names of the columns.
        rows: One string for each column; cells that look like numbers are put to the right.
        width: Most characters in a line.

    Returns:
        The lines, joined.
    """
    cells = [[" ".join(cell.split()) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    while sum(widths) + 2 * (len(widths) - 1) > width:
        widths[widths.index(max(widths))] -= 1
    right = [all(_is_number(row[i]) for row in cells[1:]) for i in range(len(widths))]
    lines = [
        "  ".join(_fit(c, w, r) for c, w, r in zip(row, widths, right, strict=True)).rstrip() for row in cells
    ]
    return "\n".join([lines[0], "  ".join("-" * w for w in widths), *lines[1:]])


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


def _fit(cell: str, width: int, right: bool) -> str:
    if len(cell) > width:
        cell = textwrap.shorten(cell, width, placeholder="…") if " " in cell[:width] else ""
        cell = cell if len(cell) > 1 else "…"
    return cell.rjust(width) if right else cell.ljust(width)


def _is_number(cell: str) -> bool:
    return cell[:1].isdigit() or cell in {"", "-"}


def _cell(cell: str) -> str:
    return " ".join(cell.split()).replace("|", "\\|")
