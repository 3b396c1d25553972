"""A second module over the same tensors answers with its own layers, whatever was put onto the first one."""

import functools
import types

import pytest
import torch
from torch import nn

from langchain_selfparam.model import share
from langchain_selfparam.testing import tiny_model

IDS = torch.arange(2, 12)[None]
BLOCK = "model.layers.1.mlp"
PLACES = ["", BLOCK]


@torch.no_grad()
def logits(model):
    return model(input_ids=IDS).logits


def hooked(module):
    """As accelerate's ``add_hook_to_module`` does it."""

    def new_forward(module, *args, **kwargs):
        return module._old_forward(*args, **kwargs)

    module._old_forward = module.forward
    module.forward = functools.update_wrapper(functools.partial(new_forward, module), module._old_forward)


def bound(module):
    def forward(self, *args, **kwargs):
        return type(self).forward(self, *args, **kwargs)

    module.forward = types.MethodType(forward, module)


def wrapped(module):
    """As ``torch.compile(model.forward)`` does it: a function that has the bound method in it."""
    inner = module.forward

    @functools.wraps(inner)
    def forward(*args, **kwargs):
        return inner(*args, **kwargs)

    module.forward = forward


def partly(module):
    wrapped(module)
    module.forward = functools.partial(module.forward)


def partly_bound(module):
    module.forward = functools.partial(module.forward)


def wrapped_and_hooked(module):
    wrapped(module)
    hooked(module)


@pytest.mark.parametrize("place", PLACES, ids=["model", "block"])
@pytest.mark.parametrize("put", [hooked, bound, wrapped, partly, partly_bound, wrapped_and_hooked])
def test_a_copy_answers_with_its_own_layers_and_the_first_one_as_before(put, place):
    model = tiny_model().model
    before = logits(model)
    put(model.get_submodule(place))
    on_it = vars(model.get_submodule(place))["forward"]
    twin = share(model)
    assert torch.equal(logits(twin), before)
    layer = twin.get_submodule(f"{BLOCK}.up_proj")
    layer.weight = nn.Parameter(layer.weight + 1.0)
    changed = logits(twin)
    assert not torch.allclose(changed, before)
    again = share(twin)  # a copy of a copy, as a candidate is
    layer = again.get_submodule(f"{BLOCK}.down_proj")
    layer.weight = nn.Parameter(layer.weight + 1.0)
    assert not torch.allclose(logits(again), changed)
    assert torch.equal(logits(twin), changed)
    assert torch.equal(logits(model), before)
    assert vars(model.get_submodule(place))["forward"] is on_it


def test_hooks_of_accelerate_work_for_a_copy():
    hooks = pytest.importorskip("accelerate.hooks")
    seen = []

    class Noting(hooks.ModelHook):
        def pre_forward(self, module, *args, **kwargs):
            seen.append(module)
            return args, kwargs

    model = tiny_model().model
    hooks.add_hook_to_module(model, Noting())
    hooks.add_hook_to_module(model.model.layers[1], Noting())
    twin = share(model)
    logits(twin)
    assert [module is wanted for module, wanted in zip(seen, [twin, twin.model.layers[1]], strict=True)] == [True, True]


def test_a_block_that_compiles_itself_still_does():
    model = tiny_model().model
    blocks = model.model.layers
    blocks[1] = torch.compile(blocks[1], backend="eager")
    before = logits(model)
    twin = share(model)
    assert torch.equal(logits(twin), before)
    own = twin.model.layers[1]
    assert own is not blocks[1]
    assert own._orig_mod.mlp is not blocks[1]._orig_mod.mlp
    layer = own._orig_mod.mlp.up_proj
    layer.weight = nn.Parameter(layer.weight + 1.0)
    assert not torch.allclose(logits(twin), before)
    assert torch.equal(logits(model), before)
