"""Opening what a ``ParametricMemory`` was asked for: an engine, or spaces for many namespaces.

In comes a memory whose fields were checked, out goes what does its work; requests to its model are routed from then on.
"""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_selfparam.config import Settings
from langchain_selfparam.errors import ConfigError
from langchain_selfparam.interfaces.adopt import Adopted, adopt, tells_whose
from langchain_selfparam.interfaces.options import default_path, text_generator
from langchain_selfparam.interfaces.scope import at_hand, filled, keys_of
from langchain_selfparam.interfaces.tokens import token_counter
from langchain_selfparam.records import ConsolidationReport, Namespace
from langchain_selfparam.serving.gate import Gate
from langchain_selfparam.serving.routing import set_route

if TYPE_CHECKING:
    from langchain_selfparam.engine.pipeline import Engine
    from langchain_selfparam.engine.space import Everybody, Space
    from langchain_selfparam.engine.spaces import Spaces
    from langchain_selfparam.interfaces.memory import ParametricMemory


def opened(memory: ParametricMemory) -> Engine | Spaces:
    """Open a memory's folder.

    Args:
        memory: Its fields say which, for which model, and how.

    Returns:
        The engine of the one namespace, or the spaces of many.

    Raises:
        ConfigError: The namespace is a template and all are to be served the same, or the folder is another's.
        TypeError: The model has no weights on this machine.
    """
    keys = keys_of(memory.namespace)
    if keys and memory.isolation == "shared":
        msg = (
            f"namespace {memory.namespace} asks for {', '.join(map(repr, keys))}, and isolation='shared' serves "
            "all the same weights; name one namespace, or choose isolation='namespace'"
        )
        raise ConfigError(msg)
    count = None if memory.token_encoding is None else token_counter(memory.token_encoding)
    generator = text_generator(memory.generator)
    found = adopt(memory.llm)
    if memory.isolation == "namespace" and not tells_whose(memory.llm):
        msg = (
            "isolation='namespace' needs a model that is told whom a request is for, and a "
            f"{type(memory.llm).__name__} is not: use ChatSelfParam.from_pretrained(...), or isolation='shared'"
        )
        raise ConfigError(msg)
    options: dict[str, Any] = {
        "path": default_path(found.local.name) if memory.path is None else Path(memory.path),
        "settings": memory.settings or Settings(),
        "generator": generator,
        "count_tokens": count,
        "background": memory.background,
    }
    if memory.isolation == "shared":
        from langchain_selfparam.engine.pipeline import Engine

        return Engine.open(found.local, found.gate, namespace=filled(memory.namespace, {}), **options)
    from langchain_selfparam.engine.spaces import Spaces

    spaces = Spaces.open(found.local, room=memory.adapter_bytes, **options)
    _route(found, spaces, memory.namespace)
    return spaces


def whose(namespace: Namespace) -> Namespace | None:
    """Whom the run at hand, or a handle, is about.

    Args:
        namespace: The memory's namespace, perhaps a template.

    Returns:
        The namespace, or ``None`` where a key is missing.
    """
    try:
        return filled(namespace, at_hand())
    except ConfigError:
        return None


def last_of(work: Engine | Spaces, who: Namespace | None) -> tuple[ConsolidationReport | None, BaseException | None]:
    """What the last consolidation came to.

    Args:
        work: The engine of one namespace, or the spaces of many.
        who: Whose of the many; ``None`` for whoever learned last.

    Returns:
        Its report and its error; ``None`` for what there is not.
    """
    of_one = getattr(work, "last_of", None)
    if who is None or of_one is None:
        return work.last_report, work.last_error
    found: tuple[ConsolidationReport | None, BaseException | None] = of_one(who)
    return found


def space_of(work: Spaces, namespace: Namespace) -> Space | Everybody:
    """Whose memory the run at hand is about.

    Args:
        work: The spaces.
        namespace: The memory's namespace, perhaps a template.

    Returns:
        The namespace's space, or everybody where the run does not say whom it is for.
    """
    from langchain_selfparam.engine.space import Everybody, Space

    try:
        return Space(work, filled(namespace, at_hand()))
    except ConfigError as missing:
        return Everybody(work, missing)


def _route(found: Adopted, spaces: Spaces, template: Namespace) -> None:
    """Answer each request to the model with the weights of the namespace that its run names, else with the base's."""
    known = weakref.ref(spaces)

    def route() -> tuple[Any, Gate] | None:
        there = known()
        if there is None or there.closed:
            return None
        try:
            namespace = filled(template, at_hand())
        except ConfigError:
            return None  # nobody's request: the base, which holds nobody's memory
        return there.served(namespace)

    set_route(found.local.model, route)
