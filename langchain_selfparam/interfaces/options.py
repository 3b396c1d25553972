"""What ``ParametricMemory`` was given, checked and merged: settings, folder, the writer of questions.

In come keyword arguments, out go values that the engine takes, or a ``ConfigError`` that names the setting.
It opens and makes nothing.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from langchain_core.runnables import Runnable
from pydantic import ValidationError

from langchain_selfparam.config import Settings
from langchain_selfparam.errors import ConfigError
from langchain_selfparam.interfaces.adopt import ChatModelGenerator
from langchain_selfparam.protocols import TextGenerator

_LONGEST_NAME = 120


def default_path(model_name: str) -> Path:
    """Where a model's memory is kept when nobody says otherwise.

    Args:
        model_name: The model's name, such as a hub id; it is escaped.

    Returns:
        A folder under the user's data folder; it is not made here.
    """
    from platformdirs import user_data_path

    # Quoting leaves dots alone, and a name of dots alone would be another folder.
    escaped = urllib.parse.quote(model_name, safe=" ").replace(" ", "%20")
    if not escaped.strip("."):
        escaped = escaped.replace(".", "%2E") or "%"
    if len(escaped) > _LONGEST_NAME:
        escaped = f"{escaped[:_LONGEST_NAME]}-{hashlib.sha256(model_name.encode()).hexdigest()[:16]}"
    return user_data_path("langchain_selfparam") / escaped


def refuse_unknown(data: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Refuse keyword arguments that no field takes.

    Args:
        data: The keyword arguments.
        known: The fields, by name.

    Raises:
        ConfigError: One is unknown, with the nearest known one.
    """
    for name in data:
        if name not in known:
            near = difflib.get_close_matches(name, list(known), 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            msg = f"{name!r} is not a setting of ParametricMemory; {hint}"
            raise ConfigError(msg)


def merged_settings(data: Mapping[str, Any]) -> Settings:
    """Put ``consolidate_every`` and ``consolidate_tokens``, where given, over ``settings``.

    Args:
        data: The keyword arguments.

    Returns:
        The settings of all stages.

    Raises:
        ConfigError: A setting is unknown or out of range.
    """
    given = data.get("settings")
    if given is None:
        given = Settings()
    elif isinstance(given, Mapping):
        given = Settings.from_mapping(given)
    if not isinstance(given, Settings):
        msg = f"settings is a {type(given).__name__}; a Settings or a nested mapping is needed"
        raise ConfigError(msg)
    changes: dict[str, Any] = {}
    for name, field in (("consolidate_every", "every_turns"), ("consolidate_tokens", "every_tokens")):
        if name in data:
            changes[field] = _count(name, data[name])
    return dataclasses.replace(given, policy=dataclasses.replace(given.policy, **changes))


def _count(name: str, value: Any) -> int | None:
    if value is not None and (not isinstance(value, int) or value < 1):
        msg = f"{name} is {value!r}; it has to be a whole number of at least 1, or None"
        raise ConfigError(msg)
    return value


def first_problem(error: ValidationError) -> str:
    """Say in one line what pydantic found first.

    Args:
        error: What it raised.

    Returns:
        The field, its value and what is wrong with it.
    """
    problem = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in problem["loc"])
    return f"{name} is {problem['input']!r}: {problem['msg']}"


def text_generator(generator: Any) -> TextGenerator | None:
    """Make a chat model a writer of questions.

    Args:
        generator: A LangChain chat model, a ``TextGenerator``, or ``None``.

    Returns:
        The writer, or ``None`` for the model itself.

    Raises:
        TypeError: It is something else.
    """
    # A chat model has a method of the name generate too, but another one.
    if generator is None or (isinstance(generator, TextGenerator) and not isinstance(generator, Runnable)):
        return generator
    return ChatModelGenerator(generator)
