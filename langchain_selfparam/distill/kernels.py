"""A Triton kernel for rows of logits: log-sum-exp, the expected logit, and p_student - p_teacher, written in place.

torch needs five passes over the logits for this, the kernel two reads and one write of half the size. The differences
come out in bf16, for the product that follows, but the teacher's kept tokens are subtracted in fp32 before they are
narrowed. Imported only where logits lie on a GPU (or under ``TRITON_INTERPRET=1``): Triton comes with torch there.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl

_BLOCK = 4096
_WARPS = 16


@triton.jit  # type: ignore[untyped-decorator]
def _rows(  # type: ignore[no-untyped-def]
    logits, narrow, ids, probs, lse_out, expected_out, size, stride, kept, KEPT: tl.constexpr, BLOCK: tl.constexpr
):
    row = tl.program_id(0).to(tl.int64)
    wide = logits + row * stride
    # A finite start: the difference of two infinities is no number.
    peak = tl.full([BLOCK], -3.0e38, tl.float32)
    total = tl.zeros([BLOCK], tl.float32)
    for start in range(0, size, BLOCK):
        at = start + tl.arange(0, BLOCK)
        z = tl.load(wide + at, mask=at < size, other=-float("inf"))
        higher = tl.maximum(peak, z)
        total = total * tl.exp(peak - higher) + tl.exp(z - higher)
        peak = higher
    top = tl.max(peak, 0)
    lse = top + tl.log(tl.sum(total * tl.exp(peak - top), 0))
    # What is kept one by one is read before the second pass writes over it.
    k = tl.arange(0, KEPT)
    real = k < kept
    which = tl.load(ids + row * kept + k, mask=real, other=0)
    told = tl.load(probs + row * kept + k, mask=real, other=0.0)
    said = tl.load(wide + which, mask=real, other=0.0)
    tl.store(lse_out + row, lse)
    tl.store(expected_out + row, tl.sum(told * said, 0))
    # bf16 takes the first half of each row's own memory: by the time a place is written all threads have read it.
    slim = narrow + row * stride * 2
    tl.debug_barrier()
    for start in range(0, size, BLOCK):
        at = start + tl.arange(0, BLOCK)
        z = tl.load(wide + at, mask=at < size, other=-float("inf"))
        tl.debug_barrier()
        tl.store(slim + at, tl.exp(z - lse).to(tl.bfloat16), mask=at < size)
    tl.debug_barrier()
    tl.store(slim + which, (tl.exp(said - lse) - told).to(tl.bfloat16), mask=real)


def row_pass(
    logits_TV: torch.Tensor, ids_TK: torch.Tensor, probs_TK: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What ``objective.row_pass`` computes, in one kernel; ``logits_TV`` is overwritten.

    Args:
        logits_TV: fp32 [T, V], rows contiguous.
        ids_TK: int64 [T, K].
        probs_TK: fp32 [T, K].

    Returns:
        Log-sum-exp [T] and the kept tokens' expected logit [T], fp32; p_student minus the kept p_teacher, bf16 [T, V],
        in the memory of the logits.
    """
    tokens, size = logits_TV.shape
    kept = ids_TK.shape[1]
    lse, expected = (torch.empty(tokens, device=logits_TV.device) for _ in range(2))
    narrow = logits_TV.view(torch.bfloat16)[:, :size]
    _rows[(tokens,)](
        logits_TV,
        narrow,
        ids_TK.contiguous(),
        probs_TK.contiguous(),
        lse,
        expected,
        size,
        logits_TV.stride(0),
        kept,
        KEPT=triton.next_power_of_2(kept),
        BLOCK=_BLOCK,
        num_warps=_WARPS,
    )
    return lse, expected, narrow


def assembly(capability: int = 90) -> dict[str, Any]:
    """Compile the kernel for an NVIDIA GPU that need not be here.

    Args:
        capability: Compute capability times ten; 90 is Hopper.

    Returns:
        Triton's own dictionary of stages: ``ptx``, ``cubin`` and those before.
    """
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    types = {
        "logits": "*fp32",
        "narrow": "*bf16",
        "ids": "*i64",
        "probs": "*fp32",
        "lse_out": "*fp32",
        "expected_out": "*fp32",
        "size": "i32",
        "stride": "i32",
        "kept": "i32",
        "KEPT": "constexpr",
        "BLOCK": "constexpr",
    }
    source = ASTSource(_rows, signature=types, constexprs={"KEPT": 64, "BLOCK": _BLOCK})
    return dict(triton.compile(source, target=GPUTarget("cuda", capability, 32), options={"num_warps": _WARPS}).asm)
