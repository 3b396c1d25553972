"""Precision: half-precision products over a half-precision base, factors and optimiser in fp32, sums in fp32."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import torch


def mixed_precision(device: torch.device, dtype: torch.dtype) -> Callable[[], Any]:
    """What a forward pass of the student runs in.

    accelerate's ``Accelerator`` keeps one precision for the whole process and refuses a second one, so a library must
    not make one behind its user's back; accelerate places the model, torch casts.

    Args:
        device: Where the model lies.
        dtype: Type of its weights.

    Returns:
        Makes a fresh context manager; one that does nothing for an fp32 or fp64 model.
    """
    if dtype in (torch.float16, torch.bfloat16):
        return lambda: torch.autocast(device.type, dtype=dtype)
    return contextlib.nullcontext


def loss_scale(dtype: torch.dtype) -> float:
    """What a loss is multiplied with before its gradient is taken, and the gradient divided by after.

    Of a mean over thousands of tokens whose teacher and student nearly agree, float16 has no gradients: they are less
    than its smallest number, 6e-8. bfloat16 has the exponents of fp32.

    Args:
        dtype: Type of the model's weights.
    """
    return 1024.0 if dtype == torch.float16 else 1.0


class _FastProducts:
    """Lets fp32 products use bf16 inputs with fp32 sums while anyone is inside, and restores the user's setting after.

    Rounding logits to bf16 costs up to 80 % gradient error when teacher and student nearly agree; rounding the
    *inputs* of the product does not, since hidden states and head are bf16 in the model already. The setting belongs
    to the whole process, so users are counted: the first in saves it, the last out restores it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before = "highest"

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = torch.get_float32_matmul_precision()
                torch.set_float32_matmul_precision("medium")
            self._inside += 1

    def __exit__(self, *exc: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                torch.set_float32_matmul_precision(self._before)


FAST_PRODUCTS = _FastProducts()
"""The one count of its users."""
