"""Work that is launched as one: a step whose tensors stay where they are becomes a CUDA graph.

A decoding step of a small batch takes a GPU a tenth of the time that launching its kernels takes the processor. In
comes a function that reads and writes tensors of fixed shape in place, out comes one that does the same in one launch.
Anywhere but on a GPU it is called as it is. It knows nothing of decoding.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable
from typing import Any

import torch

_LOG = logging.getLogger(__name__)
_UNRECORDABLE: weakref.WeakSet[Any] = weakref.WeakSet()
"""Models of which a step could not be recorded."""


class Recorded:
    """A function of no arguments that is recorded when it is called for the second time.

    What it makes on first use (tables, workspaces) is made then, outside of the recording.

    Args:
        work: Reads and writes the same tensors at each call, and gives back a tensor that the next call overwrites.
        device: Where those lie.
        of: The model whose step it is: if one cannot be recorded, no other is tried.
    """

    def __init__(self, work: Callable[[], torch.Tensor], device: torch.device, *, of: Any) -> None:
        self._work = work
        self._device = device
        self._of = of
        self._wanted = device.type == "cuda" and of not in _UNRECORDABLE
        self._called = False
        self._graph: torch.cuda.CUDAGraph | None = None
        self._out: torch.Tensor | None = None

    def __call__(self) -> torch.Tensor:
        """Do the work; the tensor is overwritten by the next call."""
        if self._wanted and self._called and self._graph is None:
            self._record()
        self._called = True
        if self._graph is None or self._out is None:
            return self._work()
        self._graph.replay()
        return self._out

    def _record(self) -> None:
        graph, here = torch.cuda.CUDAGraph(), torch.cuda.current_stream(self._device)
        aside = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        aside.wait_stream(here)
        try:
            with torch.cuda.device(self._device), torch.cuda.stream(aside):
                # Other threads go on launching their own work meanwhile.
                graph.capture_begin(capture_error_mode="thread_local")
                try:
                    self._out = self._work()
                finally:
                    graph.capture_end()
        except torch.cuda.OutOfMemoryError:
            raise
        except RuntimeError as error:
            # Some models ask the GPU for a number within a step, which no recording can hold.
            _LOG.warning("a decoding step cannot be recorded as a CUDA graph and is launched piece by piece: %s", error)
            self._wanted, self._out = False, None
            _UNRECORDABLE.add(self._of)
            return
        here.wait_stream(aside)
        self._graph = graph
