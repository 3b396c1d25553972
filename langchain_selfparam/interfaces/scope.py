"""Whose memory a request is about: namespaces such as ``("memories", "{user_id}")`` filled from what a run carries.

In come a template and the configuration of a run, out goes a namespace, or a ``ConfigError`` that names the key. It
knows nothing of memories.
"""

from __future__ import annotations

import contextlib
import contextvars
import string
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config

from langchain_selfparam.errors import ConfigError
from langchain_selfparam.records import Namespace

_SESSION = "session_id"
"""What ``RunnableWithMessageHistory`` calls it: fills a template that asks for one key only."""
_KEYS: contextvars.ContextVar[tuple[Mapping[str, Any], Mapping[str, Any]] | None] = contextvars.ContextVar(
    "selfparam_keys", default=None
)
"""What ``saying`` has set, and what the run's configuration said then."""


def keys_of(template: Namespace) -> tuple[str, ...]:
    """The keys that a template asks for.

    Args:
        template: Strings, each with or without one ``{key}`` in it.

    Returns:
        The keys, each once, in order.

    Raises:
        ConfigError: A part cannot be read as a template, or different users could fill it alike.
    """
    found: dict[str, None] = {}
    for part in template:
        try:
            fields = [field for field in string.Formatter().parse(part) if field[1] is not None]
        except ValueError as error:
            msg = f"namespace part {part!r} cannot be read: {error}; write '{{user_id}}' for a key"
            raise ConfigError(msg) from error
        names = dict.fromkeys(str(name) for _, name, _, _ in fields)
        for name in names:
            if not name.isidentifier():
                msg = f"namespace part {part!r} asks for {name!r}; a key such as 'user_id' is needed between the braces"
                raise ConfigError(msg)
        if len(names) > 1:
            apart = ", ".join(f"'{{{name}}}'" for name in names)
            msg = (
                f"namespace part {part!r} asks for {', '.join(map(repr, names))}, and two users could fill it alike "
                "('a-b' with 'c', 'a' with 'b-c'); one key in a part is needed: write the parts " + apart
            )
            raise ConfigError(msg)
        if any(spec or conversion for _, _, spec, conversion in fields):
            msg = (
                f"namespace part {part!r} formats its key, which may make one namespace of two users'; write "
                f"'{{{next(iter(names))}}}' without ':' and '!'"
            )
            raise ConfigError(msg)
        found |= names
    return tuple(found)


def filled(template: Namespace, values: Mapping[str, Any]) -> Namespace:
    """A namespace without templates.

    Args:
        template: Strings, each with or without one ``{key}`` in it.
        values: What the keys stand for; a template with one key takes ``session_id`` in its place.

    Returns:
        The namespace.

    Raises:
        ConfigError: A key is missing or empty; nobody is served somebody else's memory for it.
    """
    keys = keys_of(template)
    found: dict[str, str] = {}
    for key in keys:
        value = values.get(key)
        if value is None and len(keys) == 1:
            value = values.get(_SESSION)
        if value is None or not str(value):
            msg = (
                f"the namespace {template} needs {key!r}, and this run does not say it; pass "
                f'config={{"configurable": {{"{key}": ...}}}}, a runtime context with it, or use '
                f"memory.with_namespace({key}=...)"
            )
            raise ConfigError(msg)
        found[key] = str(value)
    return tuple(part.format(**found) for part in template)


def literal(namespace: Namespace) -> Namespace:
    """A template that stands for one namespace, whatever braces are in it.

    Args:
        namespace: From ``filled``.

    Returns:
        What ``filled`` makes it of again.
    """
    return tuple(part.replace("{", "{{").replace("}", "}}") for part in namespace)


def at_hand(config: RunnableConfig | None = None) -> dict[str, Any]:
    """What the run that this thread or task is part of says of whom it is for.

    Args:
        config: A configuration that goes before everything else.

    Returns:
        The values of the run's ``configurable``, over them what ``saying`` has set, and over these those of ``config``.
    """
    own = (config or {}).get("configurable") or {}
    return {**_ambient(), **_said(), **own}


def _ambient() -> Mapping[str, Any]:
    return ensure_config().get("configurable") or {}


def _said() -> dict[str, Any]:
    """What ``saying`` has set, but for keys of which a run inside says something else."""
    said, then = _KEYS.get() or ({}, {})
    now = _ambient()
    return {key: value for key, value in said.items() if now.get(key) == then.get(key)}


class OneUser:
    """The one user whom a memory's runs are for, where all are answered with the same weights."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first: str | None = None

    def need(self, user: object) -> None:
        """Refuse a run for somebody else than the first one was for.

        Args:
            user: The id of the user whom the run names.

        Raises:
            ConfigError: It is another user's.
        """
        with self._lock:
            self._first = first = str(user) if self._first is None else self._first
        if str(user) != first:
            msg = (
                f"this memory has one set of weights for all (isolation='shared'), and runs for {first!r} and "
                f"{str(user)!r} would read each other's words; open it with isolation='namespace'"
            )
            raise ConfigError(msg)


@contextlib.contextmanager
def saying(values: Mapping[str, Any]) -> Iterator[None]:
    """Say for a block whom this thread or task works for.

    Args:
        values: Keys and what they stand for, over those that hold outside.

    Yields:
        Nothing.
    """
    token = _KEYS.set(({**_said(), **values}, dict(_ambient())))
    try:
        yield
    finally:
        _KEYS.reset(token)
