"""Routes: which weights a request is served with, where one model serves many.

In comes a model, out go the twin of it that this request is to be answered with and its gate. Whoever keeps twins says
which: a request knows nothing of namespaces, and whoever keeps them nothing of requests.
"""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Callable
from typing import Any

from langchain_selfparam.serving.activity import REQUESTS
from langchain_selfparam.serving.gate import Gate, gate_for

Route = Callable[[], tuple[Any, Gate] | None]
"""Gives module and gate for the request that this thread or task is working on; ``None`` for the model's own."""

_routes: weakref.WeakKeyDictionary[Any, Route] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def set_route(model: Any, route: Route | None) -> None:
    """Say how requests to a model find their weights.

    Args:
        model: The model that was loaded.
        route: The way; ``None`` for the model itself, as before.
    """
    with _lock:
        if route is None:
            _routes.pop(model, None)
        else:
            _routes[model] = route


def served(model: Any) -> tuple[Any, Gate]:
    """The module that answers the request at hand, and its gate.

    Args:
        model: The model that was loaded.

    Returns:
        The model itself where nothing else was said.
    """
    with _lock:
        route = _routes.get(model)
    found = route() if route is not None else None
    return found or (model, gate_for(model))


class _GatedGenerate:
    """``generate`` of whoever is served, under the gate; sits in the model's own ``__dict__``, before the method."""

    def __init__(self, model: Any, gate: Gate) -> None:
        self._model = model
        self._gate = gate
        self.own = vars(model).get("generate")
        """What the object itself had in front of its class's method."""
        self._inner = model.generate
        functools.update_wrapper(self, self._inner)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        model, gate = served(self._model)
        if model is self._model:
            gate, generate = self._gate, self._inner
        else:
            generate = model.generate
        with REQUESTS.answering(), gate.reading():
            return generate(*args, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        # deepcopy and pickle copy the model's __dict__: the copy gets its own plain method, not this model's.
        return getattr, (self._model, "generate")


def wrap_generate(model: Any, gate: Gate) -> None:
    """Make ``model.generate`` read through ``gate`` on this object, whoever calls it; twice is as once.

    Args:
        model: A transformers model that others generate with, such as a pipeline's.
        gate: Its gate.
    """
    with _lock:
        if not isinstance(vars(model).get("generate"), _GatedGenerate):
            model.generate = _GatedGenerate(model, gate)


def unwrap_generate(model: Any) -> None:
    """Undo ``wrap_generate``; nothing happens where it was not wrapped.

    Args:
        model: The model that was given to ``wrap_generate``.
    """
    with _lock:
        gated = vars(model).get("generate")
        if isinstance(gated, _GatedGenerate):
            del model.generate
            if gated.own is not None:
                model.generate = gated.own
