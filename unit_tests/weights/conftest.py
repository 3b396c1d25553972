import pytest
import torch

from langchain_selfparam.testing import tiny_model
from langchain_selfparam.weights.delta import Delta, Factors
from langchain_selfparam.weights.shadow import adapted_modules


@pytest.fixture
def bf16():
    """A tiny Llama in bf16, as models are served."""
    local = tiny_model()
    local.model.to(torch.bfloat16)
    return local


@pytest.fixture
def make_delta():
    """``make_delta(model, seed, size=…, rank=…)``: random fp32 factors for every adapted layer."""

    def make(model, seed, *, size=0.05, rank=3):
        generator = torch.Generator().manual_seed(seed)
        layers = {}
        for name in adapted_modules(model):
            d_out, d_in = model.get_submodule(name).weight.shape
            b = torch.randn(d_out, rank, generator=generator) * size
            layers[name] = Factors(b=b, a=torch.randn(rank, d_in, generator=generator))
        return Delta(layers)

    return make


@pytest.fixture
def everything():
    """``everything(model)``: a copy of every tensor of a model, to compare bit by bit."""
    return lambda model: {name: tensor.clone() for name, tensor in model.state_dict().items()}
