"""Imports of packages that only some users need: a missing one is an error that says what to install."""

from __future__ import annotations

import importlib
from types import ModuleType


def require(module: str, *, extra: str) -> ModuleType:
    """Import ``module``, or say what to install.

    Args:
        module: Dotted name, such as ``"matplotlib.pyplot"``.
        extra: This package's optional-dependency group that contains it.

    Returns:
        The imported module.

    Raises:
        ImportError: It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        library = module.partition(".")[0]
        msg = (
            f"{module} is needed for this and is not installed: pip install {library} (in a clone of this project "
            f"pip install '.[{extra}]' brings all that goes with it)"
        )
        raise ImportError(msg) from error
