"""Mixed precision for training: half-precision products over a half-precision base, factors and optimiser in fp32."""

from __future__ import annotations

import contextlib
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
