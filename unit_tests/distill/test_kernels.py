"""The Triton row kernel, interpreted on a CPU, computes what torch does; for a GPU it is compiled, not run."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("triton")

INTERPRETED = """
import torch
from langchain_selfparam.distill import kernels, objective
from langchain_selfparam.distill.head import Head

random = torch.Generator().manual_seed(0)
for T, V, K in [(1, 5, 1), (3, 4095, 7), (2, 4096, 64), (5, 10001, 50), (2, 12288, 64)]:
    logits = 4 * torch.randn(T, V, generator=random)
    logits[0, 0] = -float("inf")
    ids = torch.stack([torch.randperm(V, generator=random)[:K] for _ in range(T)])
    probs = torch.rand(T, K, generator=random) / K
    probs[0][ids[0] == 0] = 0.0
    logits = logits.scatter(1, ids, logits.gather(1, ids).nan_to_num(neginf=-50.0))
    wanted = objective.row_pass(logits.clone(), ids, probs)
    found = kernels.row_pass(logits.clone(), ids, probs)
    for name, one, other in zip(("lse", "expected"), found, wanted):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5, msg=f"{name} {T} {V} {K}")
    # bf16 keeps eight bits, of which interpreted Triton cuts the last off; what cancels was subtracted before.
    torch.testing.assert_close(found[2].float(), wanted[2], atol=1e-9, rtol=2 ** -7)
    kept = found[2].gather(1, ids).float()
    torch.testing.assert_close(kept, wanted[2].gather(1, ids), atol=1e-9, rtol=2 ** -7)

# A strided row, as a chunk of a larger buffer is.
room = torch.randn(6, 5000, generator=random)
part = room[2:4]
ids = torch.zeros(2, 1, dtype=torch.long)
before = room.clone()
kernels.row_pass(part, ids, torch.zeros(2, 1))
assert torch.equal(room[:2], before[:2]) and torch.equal(room[4:], before[4:])

# The whole loss with the kernel in it.
weight = (0.4 * torch.randn(1031, 31, generator=random)).bfloat16()
teacher = torch.randn(47, 31, generator=random).bfloat16()
student = (teacher.float() + 0.1 * torch.randn(47, 31, generator=random)).bfloat16()
head = Head(weight)
rows = objective.reduce_teacher(teacher, head)

def loss():
    leaf = student.clone().float().requires_grad_()
    kl = objective.forward_kl(leaf, head, rows, chunk=20)
    kl.mean().backward()
    return kl.detach(), leaf.grad

plain = loss()
objective._has_kernel = lambda device: True
fused = loss()
torch.testing.assert_close(fused[0], plain[0], atol=1e-5, rtol=1e-4)
assert (fused[1] - plain[1]).norm() < 0.01 * plain[1].norm()
print("the same")
"""


def test_interpreted_it_is_what_torch_computes():
    # Triton decides when it is imported, so this needs a process of its own.
    env = {**os.environ, "TRITON_INTERPRET": "1"}
    done = subprocess.run([sys.executable, "-c", INTERPRETED], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "the same\n"


@pytest.mark.parametrize("capability", [80, 90])
def test_it_compiles_for_gpus_that_are_not_here(capability, monkeypatch, tmp_path):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    from langchain_selfparam.distill import kernels

    assembly = kernels.assembly(capability)
    assert f"sm_{capability}" in assembly["ptx"]
    assert ".local" not in assembly["ptx"], "registers are spilled"
    assert len(assembly["cubin"]) > 1000
