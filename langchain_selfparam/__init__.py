"""Agent memory for LangChain that lives in the weights of a local language model.

The public names are loaded on first use: importing the package imports neither torch nor LangChain.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_selfparam.config import Settings
    from langchain_selfparam.errors import SelfParamError
    from langchain_selfparam.interfaces.chat_model import ChatSelfParam
    from langchain_selfparam.interfaces.memory import ParametricMemory
    from langchain_selfparam.records import BatchReport, ConsolidationReport, Turn, TurnState, Version

    __version__: str

_HOMES = {
    "BatchReport": "langchain_selfparam.records",
    "ChatSelfParam": "langchain_selfparam.interfaces.chat_model",
    "ConsolidationReport": "langchain_selfparam.records",
    "ParametricMemory": "langchain_selfparam.interfaces.memory",
    "SelfParamError": "langchain_selfparam.errors",
    "Settings": "langchain_selfparam.config",
    "Turn": "langchain_selfparam.records",
    "TurnState": "langchain_selfparam.records",
    "Version": "langchain_selfparam.records",
}

__all__ = [
    "BatchReport",
    "ChatSelfParam",
    "ConsolidationReport",
    "ParametricMemory",
    "SelfParamError",
    "Settings",
    "Turn",
    "TurnState",
    "Version",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = _version()
    elif name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    else:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    globals()[name] = value
    return value


def _version() -> str:
    try:
        return importlib.metadata.version("langchain-selfparam")
    except importlib.metadata.PackageNotFoundError:
        # Used from a source tree that was not installed.
        return "0.0.0+source"


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
