"""What this machine and a model on it are: one line of text each, for ``selfparam doctor`` and reports.

In comes a model's name, out goes text, or the error that says what is missing.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform

import torch

import langchain_selfparam
from langchain_selfparam.loading import load, multiplies_half

_LIBRARIES = (
    "torch",
    "transformers",
    "accelerate",
    "peft",
    "langchain",
    "langchain-core",
    "langchain-classic",
    "SQLAlchemy",
)


def package() -> str:
    """This package and Python.

    Returns:
        Their versions.
    """
    return f"langchain-selfparam {langchain_selfparam.__version__}, Python {platform.python_version()}"


def libraries() -> str:
    """The libraries that matter to results.

    Returns:
        Their versions.
    """
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _LIBRARIES)


def hardware() -> str:
    """Cores, threads, and what the processor and the GPUs can do.

    Returns:
        One line.
    """
    threads = torch.get_num_threads()
    parts = [f"{os.cpu_count()} cores", f"{threads} threads", torch.backends.cpu.get_cpu_capability()]
    # Names without a promise: torch may drop them, and then nothing is said.
    amx = getattr(torch.cpu, "_is_amx_tile_supported", None)
    bf16 = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    if not multiplies_half():
        parts.append("no products of bfloat16 (models are loaded in float32)")
    elif bf16 is not None:
        parts.append("bfloat16 in hardware" if bf16() else "bfloat16 emulated (slower)")
    if amx is not None:
        parts.append("AMX" if amx() else "no AMX")
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        parts.append(f"{properties.name} ({properties.total_memory / 2**30:.0f} GiB)")
    return ", ".join(parts)


def model(name: str) -> str:
    """Load a model and check that it can be learned into exactly.

    A model that is missing is a ``FileNotFoundError`` or ``ImportError``, one that cannot be learned into an
    ``UnsupportedModelError``.

    Args:
        name: Hub id, folder, file, or the short name of the model in the wheel.

    Returns:
        One line.
    """
    local = load(name)
    local.require_trainable()
    count = sum(p.numel() for p in local.model.parameters())
    parts = [
        f"{local.name}, {count / 1e6:.0f} M parameters",
        str(local.dtype).removeprefix("torch."),
        f"{local.context_window:,} tokens",
        f"on {local.device}",
    ]
    if not local.has_chat_template:
        parts.append("no chat template: a plain one is used")
    return ", ".join(parts)
