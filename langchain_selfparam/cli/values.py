"""What is typed, read as values: counts, sizes, times, namespaces, settings.

In comes an argument's text, out goes its value, or a refusal that says what was found and what is needed, before any
model is loaded.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from langchain_selfparam.config import Settings
from langchain_selfparam.errors import ConfigError
from langchain_selfparam.records import Namespace

_WORDS = {"True": True, "False": False, "None": None}
"""Python's words, beside JSON's own."""


def count(text: str) -> int:
    """A whole number of at least 1, as an argument's type.

    Args:
        text: What was typed.

    Returns:
        The number.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    try:
        number = int(text)
    except ValueError:
        msg = f"{text!r} is no whole number; one of at least 1 is needed"
        raise argparse.ArgumentTypeError(msg) from None
    if number < 1:
        msg = f"{number} is below 1"
        raise argparse.ArgumentTypeError(msg)
    return number


def sizes(text: str) -> tuple[int, ...]:
    """Whole numbers of at least 1 with commas between, as an argument's type.

    Args:
        text: What was typed.

    Returns:
        The numbers.
    """
    return tuple(count(part) for part in text.split(","))


def minutes(text: str) -> float:
    """A time that is above 0, as an argument's type.

    Args:
        text: What was typed.

    Returns:
        The number.
    """
    return _number(text, "a number above 0", lambda number: number > 0)


def seconds(text: str) -> float:
    """A time that may be 0, as an argument's type.

    Args:
        text: What was typed.

    Returns:
        The number.
    """
    return _number(text, "a number of 0 or more", lambda number: number >= 0)


def _number(text: str, needed: str, fits: Callable[[float], bool]) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and fits(number)):
        msg = f"{text!r} is not what is needed: {needed}, and finite"
        raise argparse.ArgumentTypeError(msg)
    return number


class Typed(tuple[str, ...]):
    """A namespace that was typed with slashes between its parts: one with slashes in them is typed alike."""

    __slots__ = ()


def namespace(text: str) -> Namespace:
    """Read a namespace as the command line has it.

    Args:
        text: Its parts with slashes between, or as a JSON list.

    Returns:
        The namespace; ``Typed`` where a part may have slashes.

    Raises:
        argparse.ArgumentTypeError: A part is empty.
    """
    listed = _value(text)
    if isinstance(listed, list) and listed and all(isinstance(part, str) and part for part in listed):
        return tuple(listed)
    parts = Typed(text.split("/"))
    if not all(parts):
        msg = f"{text!r} has an empty part; parts with slashes between are needed, such as memories/ana"
        raise argparse.ArgumentTypeError(msg)
    return parts


def names(namespaces: Iterable[Namespace]) -> dict[Namespace, str]:
    """How namespaces are written, so that ``namespace`` reads each as itself.

    Args:
        namespaces: Those that are told apart.

    Returns:
        Of each its parts with slashes between, or a JSON list where others are written alike.
    """
    joined = {one: "/".join(one) for one in namespaces}
    alike = Counter(joined.values())
    return {
        one: text if alike[text] == 1 and all(text.split("/")) else json.dumps(one, ensure_ascii=False)
        for one, text in joined.items()
    }


def settings_of(changes: Sequence[str]) -> Settings:
    """Settings from changes such as ``targets.replay=0``.

    Args:
        changes: Stage, name and value each; values are read as JSON where they are, and Python's True, False and None.

    Returns:
        The defaults with these changes.

    Raises:
        ConfigError: A change has another form, or a name or value is refused.
    """
    mapping: dict[str, dict[str, Any]] = {}
    for change in changes:
        name, equals, text = change.partition("=")
        stage, dot, field = name.partition(".")
        if not (equals and dot and field):
            msg = f"{change!r} is not of the form STAGE.NAME=VALUE, such as targets.replay=0"
            raise ConfigError(msg)
        mapping.setdefault(stage, {})[field] = _value(text)
    return Settings.from_mapping(mapping)


def _value(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    try:
        return json.loads(text)
    except ValueError:
        return text
