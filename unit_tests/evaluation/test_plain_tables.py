"""Plain and Markdown tables, plain values, files written whole."""

import types

import pytest

from langchain_selfparam.evaluation import tables
from langchain_selfparam.records import TurnState


def test_plain_puts_numbers_to_the_right():
    assert tables.plain(("name", "n"), [("a", "7"), ("bb", "12")]) == "name   n\n----  --\na      7\nbb    12"


@pytest.mark.parametrize("width", [20, 31, 47])
def test_plain_cuts_the_widest_columns(width):
    text = tables.plain(("a", "b"), [("one two three four five six", "x"), ("unbreakable" * 9, "seven")], width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "seven" in text
    assert "…" in text


def matrix(count):
    """As ``eval sequential`` has it."""
    names = [f"context-{n}" for n in range(count)]
    rows = [
        (name, *(f"{50 + at} %" if at <= row else "" for at in range(count)), "9", "0.0123", "1362")
        for row, name in enumerate(names)
    ]
    return ("learned", *names, "held", "drift", "seconds"), rows


def test_plain_cuts_no_number_off():
    header, rows = matrix(8)
    text = tables.plain(header, rows, width=100, lines=2)
    assert max(map(len, text.splitlines())) <= 100
    assert all(cell in text for cell in ("57 %", "0.0123", "1362"))


def test_a_matrix_that_is_wide_has_bare_numbers_and_numbered_columns():
    header, rows = matrix(16)
    text = tables.plain(header, rows, width=120, lines=2)
    assert max(map(len, text.splitlines())) <= 120
    assert "%" not in text
    last = next(line for line in text.splitlines() if line.startswith("conte") and " 65 " in line)
    assert last.split()[-4:] == ["65", "9", "0.0123", "1362"]
    assert "in per cent, by column: 1 context-0, 2 context-1," in text


@pytest.mark.parametrize("count", [37, 60])
def test_a_matrix_that_fits_nowhere_is_left_out_with_a_word(count):
    header, rows = matrix(count)
    text = tables.plain(header, rows, width=120, lines=2)
    assert text == f"(a table of {count + 4} columns is too wide for 120 characters; tables.md has it whole)"


def test_markdown_takes_care_of_bars_and_line_breaks():
    assert tables.markdown(("a",), [("x|y\nz",)]) == "| a |\n| --- |\n| x\\|y z |"


def test_as_plain():
    value = {"a": (1, TurnState.HELD), 2: types.MappingProxyType({"x": None})}
    assert tables.as_plain(value) == {"a": [1, "held"], "2": {"x": None}}


def test_write_whole_leaves_the_old_file_where_it_fails(tmp_path, monkeypatch):
    path = tables.write_whole(tmp_path / "new" / "x.txt", "old é")

    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tables.os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        tables.write_whole(path, b"new")
    assert path.read_text("utf-8") == "old é"
    assert [p.name for p in path.parent.iterdir()] == ["x.txt"]
