"""On a GPU: fp32 results of half-precision products, the row kernel as it is compiled, rows read by FlexAttention."""

import pytest
import torch

from langchain_selfparam.distill import objective
from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.packing import pack
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.tree import plant
from langchain_selfparam.model import share
from langchain_selfparam.testing import tiny_model

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
CUDA = torch.device("cuda")
kernels = pytest.importorskip("langchain_selfparam.distill.kernels", exc_type=ImportError)
LENGTHS = [(3, 4), (20, 7), (9, 1), (1, 30), (13, 2)]


def numbers(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("exact", [False, True])
def test_products_are_fp32(dtype, exact):
    weight, hidden = numbers(5000, 64).to(dtype), numbers(33, 64, seed=1).to(dtype)
    head = Head(weight.to(CUDA))
    logits = head.logits(hidden.to(CUDA))
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits.cpu().double(), hidden.double() @ weight.double().T, atol=1e-4, rtol=1e-5)
    wide = numbers(33, 5000, seed=2) / 3
    wanted = wide.double() @ weight.double()
    found = head.pull_back(wide.to(CUDA), exact=exact).cpu().double()
    assert (found - wanted).norm() / wanted.norm() < (1e-4 if exact else 5e-3)


@pytest.mark.parametrize(("T", "V", "K"), [(1, 5, 1), (3, 4095, 7), (257, 49152, 64), (64, 128_256, 64)])
def test_the_compiled_kernel_is_what_torch_computes(T, V, K):
    random = torch.Generator().manual_seed(0)
    logits = 4 * torch.randn(T, V, generator=random)
    ids = torch.stack([torch.randperm(V, generator=random)[:K] for _ in range(T)])
    probs = torch.rand(T, K, generator=random) / K
    wanted = objective.row_pass(logits.clone(), ids, probs)
    lse, expected, difference = (t.cpu() for t in kernels.row_pass(logits.to(CUDA), ids.to(CUDA), probs.to(CUDA)))
    torch.testing.assert_close(lse, wanted[0], atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(expected, wanted[1], atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(difference.float(), wanted[2], atol=1e-9, rtol=2**-7)


def test_the_loss_is_that_of_the_cpu():
    weight, told = (0.4 * numbers(5000, 64)).bfloat16(), numbers(70, 64, seed=1).bfloat16()
    said = (told.float() + 0.1 * numbers(70, 64, seed=2)).bfloat16()

    def loss(device):
        head = Head(weight.to(device))
        leaf = said.to(device).requires_grad_()
        kl = objective.forward_kl(leaf, head, objective.reduce_teacher(told.to(device), head), chunk=32)
        kl.mean().backward()
        return kl.detach().cpu(), leaf.grad.cpu().float()

    (kl, gradient), (wanted, slope) = loss(CUDA), loss("cpu")
    torch.testing.assert_close(kl, wanted, atol=1e-4, rtol=1e-3)
    assert (gradient - slope).norm() < 0.01 * slope.norm()


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma3_text", "gemma2"])
@pytest.mark.parametrize("blocks", [False, True])
def test_rows_are_read_as_on_a_cpu(written, one_by_one, architecture, blocks):
    # FlexAttention wants heads of 16 or more.
    local = tiny_model(architecture, seed=2, hidden_size=64, head_dim=16)
    if architecture == "gemma2":
        # Some releases of transformers read Gemma 2 by torch's own attention, which leaves its scores uncapped.
        local.model.set_attn_implementation("eager")
    documents = written(LENGTHS)
    with torch.no_grad():
        wanted = one_by_one(local.model, documents)
        reader = Reader(share(local.model.to(CUDA)), way="flex" if blocks else None)
        found = reader.hidden(pack(documents))
    assert reader.way == ("flex" if blocks else "eager" if architecture == "gemma2" else "dense")
    torch.testing.assert_close(found.cpu(), wanted, atol=2e-3, rtol=1e-2)


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
def test_long_rows_are_read_by_blocks_without_being_asked(written, one_by_one, architecture):
    local = tiny_model(architecture, seed=2, hidden_size=64, head_dim=16)
    documents = written(LENGTHS, opening=tuple(20 + at % 100 for at in range(2100)))
    with torch.no_grad():
        wanted = one_by_one(local.model, documents)
        reader = Reader(share(local.model.to(CUDA)))
        found = [reader.hidden(pack(documents[:count])) for count in (3, len(documents))]
    assert reader.model.config._attn_implementation == "flex_attention"
    torch.testing.assert_close(found[1].cpu(), wanted, atol=2e-3, rtol=1e-2)
    torch.testing.assert_close(found[0].cpu(), wanted[: len(found[0])], atol=2e-3, rtol=1e-2)


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
def test_trees_are_read_as_on_a_cpu(architecture):
    local = tiny_model(architecture, seed=2)
    grown = plant((1, 2, 3), [(3, 4, 5), (3, 5), (3, 4, 9), (7,)])
    with torch.no_grad():
        wanted = Reader(share(local.model)).tree(grown)
        found = Reader(share(local.model.to(CUDA))).tree(grown)
    torch.testing.assert_close(found.cpu(), wanted, atol=2e-3, rtol=1e-2)


def test_gradients_flow_through_blocks(written):
    weights = numbers(44, 64, seed=1)

    def gradients(way):
        model = tiny_model(hidden_size=64, head_dim=16).model.to(CUDA).requires_grad_(True)
        (Reader(model, way=way).hidden(pack(written(LENGTHS))) * weights.to(CUDA)).sum().backward()
        return {name: p.grad.cpu() for name, p in model.named_parameters() if p.grad is not None}

    flex, dense = gradients("flex"), gradients("dense")
    for name, wanted in dense.items():
        assert (flex[name] - wanted).norm() <= 0.01 * wanted.norm() + 1e-5, name
