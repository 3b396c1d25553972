"""What earlier versions were taught to read is found in the weights, and learning keeps away from it."""

import pytest
import torch
from torch import nn

from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.model import share
from langchain_selfparam.testing import tiny_model
from langchain_selfparam.weights.adapter import AdapterWeights
from langchain_selfparam.weights.beside import with_earlier
from langchain_selfparam.weights.delta import Delta, Factors
from langchain_selfparam.weights.merge import ExactWeights
from langchain_selfparam.weights.whiten import WhitenedFactor, whitener

CONFIG = TrainingConfig(earlier_weight=0.5)
WIDTH = 12


class Layers(nn.Module):
    """Two layers that read the same, one that reads something else."""

    def __init__(self):
        super().__init__()
        self.gate, self.up, self.down = (nn.Linear(WIDTH, 7, bias=n == 0) for n in range(3))


@pytest.fixture
def moment():
    random = torch.Generator().manual_seed(0)
    x = torch.randn(400, WIDTH, generator=random) * torch.logspace(1, -1, WIDTH)
    return x.T @ x / len(x)


@pytest.fixture
def pair():
    base, served = Layers(), Layers()
    served.load_state_dict(base.state_dict())
    return served, base


def learn(layer, inputs, wanted, whiteners, seed, steps=300):
    """What a whitened factor pair on top of a layer learns: ΔW."""
    start = torch.randn(4, WIDTH, generator=torch.Generator().manual_seed(seed)) / WIDTH**0.5
    first, b = WhitenedFactor(start, whiteners), nn.Parameter(torch.zeros(len(layer.weight), 4))
    optimizer = torch.optim.AdamW([b, first.weight], lr=1e-2, weight_decay=0.0)
    for _ in range(steps):
        loss = (layer(inputs) + inputs @ (b @ first.factor()).T - wanted).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 1e-3
    return (b @ first.factor()).detach()


def test_what_is_learned_next_moves_what_was_learned_before_less(pair, moment):
    served, base = pair
    random = torch.Generator().manual_seed(3)
    first, second = torch.randn(2, 1, WIDTH, generator=random) / 3
    with torch.no_grad():
        wanted = base.up(first) + 1, base.up(second) - 1
    plain = [whitener(moment, damping=0.1)]
    served.up.weight.data += learn(base.up, first, wanted[0], plain, seed=0)
    (found,) = with_earlier({"up": (moment,)}, served, base, CONFIG)["up"]
    moved = [
        float((first @ learn(served.up, second, wanted[1], whiteners, seed=1).T).norm())
        for whiteners in (plain, [whitener(found, damping=0.1)])
    ]
    assert moved[1] < 0.6 * moved[0]


def test_the_inputs_that_were_learned_are_found_with_the_energy_that_was_asked_for(pair, moment):
    served, base = pair
    energy = moment.diagonal().mean()
    taught = torch.randn(WIDTH, generator=torch.Generator().manual_seed(1))
    damped = moment / energy + CONFIG.damping * torch.eye(WIDTH)
    # What a whitened factor learns of an input lies along M⁻¹ x.
    served.up.weight.data += torch.outer(torch.ones(7), torch.linalg.solve(damped, taught))
    (found,) = with_earlier({"up": (moment,)}, served, base, CONFIG)["up"]
    added = found - moment
    direction = taught / taught.norm()
    torch.testing.assert_close(
        added, torch.outer(direction, direction) * added.trace(), rtol=0, atol=1e-3 * float(added.trace())
    )
    assert float(added.diagonal().mean() / energy) == pytest.approx(0.5, rel=1e-3)


def test_layers_that_read_the_same_share_what_each_of_them_was_taught(pair, moment):
    served, base = pair
    served.gate.weight.data[0, 2] += 1
    served.up.weight.data[3, 5] += 1
    blocks, other = (torch.eye(8), torch.eye(4)), (moment,)
    found = with_earlier({"gate": blocks, "up": blocks, "down": other}, served, base, CONFIG)
    assert found["gate"] is found["up"]
    wanted = torch.eye(8)
    wanted[2, 2] = wanted[5, 5] = 1 + 0.5 * 8 / 2
    torch.testing.assert_close(found["gate"][0], wanted)
    assert torch.equal(found["gate"][1], torch.eye(4)), "nothing was learned of these inputs"
    assert torch.equal(found["down"][0], moment)


@pytest.mark.parametrize("weights", [ExactWeights, AdapterWeights])
def test_adapters_and_sums_are_read_alike(weights):
    base = tiny_model().model
    served = share(base) if weights is AdapterWeights else tiny_model().model
    exact = weights(served)
    name = "model.layers.1.mlp.up_proj"
    width = base.get_submodule(name).weight.shape[1]
    random = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, width, generator=random), torch.randn(len(base.get_submodule(name).weight), 2)
    exact.install(served, exact.candidate([Delta({name: Factors(b=b, a=a)})]))
    blocks = (torch.eye(width),)
    (found,) = with_earlier({name: blocks}, served, tiny_model().model, CONFIG)[name]
    earlier = a.T @ b.T @ b @ a
    wanted = torch.eye(width) + 0.5 * earlier / earlier.diagonal().mean()
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("config", [TrainingConfig(), TrainingConfig(earlier_weight=0.5, damping=None)])
def test_nothing_is_added_where_it_is_not_asked_for(pair, moment, config):
    served, base = pair
    served.up.weight.data += 1
    moments = {"up": (moment,)}
    assert with_earlier(moments, served, base, config) is moments


def test_nothing_is_added_before_anything_was_learned(pair, moment):
    served, base = pair
    moments = {"up": (moment,)}
    assert with_earlier(moments, served, served, CONFIG) is moments
    assert torch.equal(with_earlier(moments, served, base, CONFIG)["up"][0], moment)
    silent = {"up": (torch.zeros(WIDTH, WIDTH),)}
    served.up.weight.data += 1
    assert torch.equal(with_earlier(silent, served, base, CONFIG)["up"][0], silent["up"][0])
