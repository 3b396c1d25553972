"""Clocks: medians of repeated runs, peak memory, and how fast this machine multiplies matrices."""

from __future__ import annotations

import ctypes
import gc
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

_SIZES = (1024, 2048, 4096)


def synchronize(device: torch.device) -> None:
    """Wait until the device has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(run: Callable[[], Any], *, repeats: int, device: torch.device, warm: int = 1) -> float:
    """Median wall-clock seconds of a run.

    Args:
        run: What is timed.
        repeats: Timed runs.
        device: Waited for before each look at the clock.
        warm: Runs before the first that counts.

    Returns:
        The median.
    """
    for _ in range(warm):
        run()
    return statistics.median(times(run, count=repeats, device=device))


def times(run: Callable[[], Any], *, count: int, device: torch.device) -> list[float]:
    """Wall-clock seconds of each of several runs.

    Args:
        run: What is timed.
        count: How often.
        device: Waited for before each look at the clock.

    Returns:
        One for each run, in order.
    """
    found = []
    for _ in range(count):
        synchronize(device)
        started = time.perf_counter()
        run()
        synchronize(device)
        found.append(time.perf_counter() - started)
    return found


def matmul_rate(device: torch.device, dtype: torch.dtype, *, repeats: int) -> float:
    """The best median rate of square matrix products of several sizes.

    Args:
        device: Which device.
        dtype: Of the inputs.
        repeats: Runs for each size.

    Returns:
        Floating-point operations per second.
    """
    best = 0.0
    for size in _SIZES:
        left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
        took = seconds(lambda left=left, right=right: left @ right, repeats=repeats, device=device)  # type: ignore[misc]
        best = max(best, 2 * size**3 / took)
    return best


class PeakMemory:
    """Most memory in use while inside, above what was in use at the start, in bytes.

    On CUDA it is the allocator's own count; on a CPU the resident size of the process is looked at every millisecond
    where the system tells it (Linux), and ``bytes`` is ``None`` elsewhere.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stop = threading.Event()
        self.bytes: int | None = None

    def __enter__(self) -> PeakMemory:
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
            self._before = torch.cuda.memory_allocated(self._device)
        elif (before := _settled()) is not None:
            self._before, self._most = before, before
            self._watcher = threading.Thread(target=self._watch, daemon=True)
            self._watcher.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._device.type == "cuda":
            self.bytes = torch.cuda.max_memory_allocated(self._device) - self._before
        elif hasattr(self, "_watcher"):
            self._stop.set()
            self._watcher.join()
            self.bytes = self._most - self._before

    def _watch(self) -> None:
        while not self._stop.wait(0.001):
            self._most = max(self._most, _resident() or 0)


def _settled() -> int | None:
    """The resident size after what was freed has gone back to the system, where the C library can do that (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
    return _resident()


def _resident() -> int | None:
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return None
    import resource

    return int(statm.read_text("ascii").split()[1]) * resource.getpagesize()


def hardware(device: torch.device) -> str:
    """The machine in words: the GPU's name, or cores, threads and what the processor can do."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    amx = getattr(torch.cpu, "_is_amx_tile_supported", None)  # a name without a promise
    features = torch.backends.cpu.get_cpu_capability() + (" with AMX" if amx is not None and amx() else "")
    return f"{os.cpu_count()} cores, {torch.get_num_threads()} threads, {features}"
