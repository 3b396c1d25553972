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
