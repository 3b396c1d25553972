"""Who owns what: a model has one open memory in a process, and a folder one owner.

In come a model and a folder, out goes the folder's store. It knows nothing of what is learned.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from langchain_selfparam.errors import ConfigError
from langchain_selfparam.model import LocalModel
from langchain_selfparam.records import Namespace
from langchain_selfparam.store import Isolation, Store

_OPEN: weakref.WeakKeyDictionary[Any, Path] = weakref.WeakKeyDictionary()
_OPENING = threading.Lock()


class Once:
    """What is done once, such as closing: not again, not beside itself, but anew where it was cut short."""

    def __init__(self) -> None:
        self.done = False
        """Whether nothing is left to be done; set by whoever does it."""
        self._doing = threading.Lock()

    @contextlib.contextmanager
    def mine(self) -> Iterator[bool]:
        """Do it in this block, or find that there is nothing to do.

        Yields:
            Whether it is to be done here.
        """
        if not self._doing.acquire(blocking=False):
            yield False
            return
        try:
            yield not self.done
        finally:
            self._doing.release()


@contextlib.contextmanager
def owning(local: LocalModel, path: Path, *, isolation: Isolation) -> Iterator[Store]:
    """Own a folder for a model while a memory is being made of them; where the block raises, neither is owned.

    Args:
        local: The model; its weights are the base's.
        path: The memory folder.
        isolation: How its weights are served.

    Yields:
        The store.

    Raises:
        ConfigError: The model already has an open memory.
    """
    local.require_trainable()
    with _OPENING:
        if local.model in _OPEN:
            msg = (
                f"{local.name} already has the memory {_OPEN[local.model]} open, and a model serves one at a "
                "time; close that one first, or load the model a second time"
            )
            raise ConfigError(msg)
        store = Store.open(path, base_model=local.name, base_fingerprint=local.fingerprint(), isolation=isolation)
        try:
            yield store
        except BaseException:
            store.close()
            raise
        _OPEN[local.model] = store.folder


def disown(local: LocalModel) -> None:
    """Let another memory be opened for a model.

    Args:
        local: The model.
    """
    with _OPENING:
        _OPEN.pop(local.model, None)


def refuse_others(store: Store, namespace: Namespace) -> None:
    """Refuse a folder in which somebody else has said something: all of it is served from the same weights.

    Args:
        store: The memory folder.
        namespace: Whose it is to be.

    Raises:
        ConfigError: Another has said something there.
    """
    others = [other for other in store.turns.namespaces() if other != namespace]
    if others:
        msg = (
            f"{store.folder} holds what {others[0]} said, and with isolation='shared' {namespace} would be answered "
            "from the same weights. Choose another folder, or isolation='namespace' and a new folder for all of them"
        )
        raise ConfigError(msg)
