"""An adapter serves what merging its deltas would, in layers that only its own twin has."""

import pytest
import torch

from langchain_selfparam.errors import ConsolidationError, WrongModelError
from langchain_selfparam.model import share
from langchain_selfparam.testing import tiny_model
from langchain_selfparam.weights.adapter import Adapted, AdapterWeights
from langchain_selfparam.weights.delta import Delta, Factors
from langchain_selfparam.weights.merge import digest
from langchain_selfparam.weights.shadow import adapted_modules, with_weights

IDS = torch.arange(2, 14)[None]


def delta(model, seed, rank=1, size=0.05):
    random = torch.Generator().manual_seed(seed)
    layers = {}
    for name in adapted_modules(model)[1:]:  # one layer learns nothing
        d_out, d_in = model.get_submodule(name).weight.shape
        b = torch.randn(d_out, rank, generator=random) * size
        layers[name] = Factors(b=b, a=torch.randn(rank, d_in, generator=random))
    return Delta(layers)


@torch.no_grad()
def logits(model):
    return model(input_ids=IDS).logits


@pytest.fixture
def base():
    return tiny_model().model


@pytest.fixture
def twin(base):
    return share(base)


def merged(base, *deltas):
    tensors = {}
    for name in adapted_modules(base):
        weight = base.get_submodule(name).weight.detach().clone()
        for d in deltas:
            if name in d.layers:
                weight += d.layers[name].b @ d.layers[name].a
        tensors[name] = weight
    return with_weights(base, tensors)


@pytest.mark.parametrize("ranks", [(1,), (1, 2, 1), (40,), (1, 60)], ids=["one", "several", "wide", "then wide"])
def test_it_serves_what_merging_would(base, twin, ranks):
    weights = AdapterWeights(twin)
    deltas = [delta(base, seed, rank, 0.05 / rank) for seed, rank in enumerate(ranks)]
    tensors = weights.candidate(deltas)
    weights.install(twin, tensors)
    assert torch.allclose(logits(twin), logits(merged(base, *deltas)), atol=1e-4)
    assert not torch.allclose(logits(twin), logits(base), atol=1e-2)
    assert digest(weights.served(twin)) == digest(tensors)


def test_what_takes_more_room_than_the_weight_is_kept_as_the_weight(base, twin):
    weights = AdapterWeights(twin)
    dense = sum(base.get_submodule(n).weight.nbytes for n in adapted_modules(base)[1:])
    weights.install(twin, weights.candidate([delta(base, 1)]))
    few = weights.nbytes(twin)
    weights.install(twin, weights.candidate([delta(base, n, 9) for n in range(30)]))
    assert few < dense / 4
    assert weights.nbytes(twin) == dense
    assert {key.rpartition(".")[2] for key in weights.served(twin)} == {"w"}


def test_a_sum_is_never_taken_in_the_shared_base_itself(base):
    """``.double()`` copies nothing where the weights have 64 bits."""
    base.double()
    before = {name: weight.clone() for name, weight in base.state_dict().items()}
    AdapterWeights(share(base)).candidate([delta(base, 1, rank=40)])
    assert all(torch.equal(weight, before[name]) for name, weight in base.state_dict().items())


def test_the_base_and_other_twins_are_untouched(base, twin):
    before, other = {n: t.clone() for n, t in base.state_dict().items()}, share(base)
    other_weights, weights = AdapterWeights(other), AdapterWeights(twin)
    other_weights.install(other, other_weights.candidate([delta(base, 2)]))
    theirs = logits(other)
    weights.install(twin, weights.candidate([delta(base, 1)]))
    assert torch.equal(logits(other), theirs)
    assert all(torch.equal(tensor, before[name]) for name, tensor in base.state_dict().items())
    assert not any(isinstance(m, Adapted) for m in base.modules())
    assert all(
        a.data_ptr() == b.data_ptr()
        for a, b in zip((p for p in base.parameters()), (p for p in twin.parameters()), strict=True)
    )


def test_nothing_learned_is_the_base_to_the_bit(base, twin):
    weights = AdapterWeights(twin)
    assert weights.candidate([]) == weights.base == weights.served(twin) == {}
    assert torch.equal(logits(twin), logits(base))
    weights.install(twin, weights.candidate([delta(base, 1)]))
    weights.restore_base(twin)
    assert torch.equal(logits(twin), logits(base))
    assert weights.nbytes(twin) == 0


def test_a_candidate_is_served_to_nobody(base, twin):
    weights = AdapterWeights(twin)
    weights.install(twin, weights.candidate([delta(base, 1)]))
    before, more = logits(twin), weights.candidate([delta(base, 1), delta(base, 2)])
    other = weights.twin(twin, more)
    assert torch.equal(logits(twin), before)
    assert not torch.equal(logits(other), before)
    assert torch.equal(logits(weights.twin(twin, weights.base)), logits(base))


def test_what_does_not_fit_changes_nothing(base, twin):
    weights = AdapterWeights(twin)
    weights.install(twin, weights.candidate([delta(base, 1)]))
    before = logits(twin)
    with pytest.raises(ConsolidationError, match=r"the model has no layer for nowhere\.a; nothing was changed"):
        weights.install(twin, {"nowhere.a": torch.zeros(1, 1)})
    name = adapted_modules(base)[1]
    with pytest.raises(ConsolidationError, match="would be infinite or not a number"):
        weights.install(twin, {f"{name}.w": torch.full((1, 1), float("nan"))})
    with pytest.raises(WrongModelError, match=r"a delta changes there as \[2, 3\], and the model has no such layer"):
        weights.candidate([Delta({"there": Factors(b=torch.zeros(2, 1), a=torch.zeros(1, 3))})])
    with pytest.raises(WrongModelError, match=rf"a delta changes {name} as \[2, 3\], and the model has \[\d+, \d+\]"):
        weights.candidate([Delta({name: Factors(b=torch.zeros(2, 1), a=torch.zeros(1, 3))})])
    assert torch.equal(logits(twin), before)


def test_what_was_served_comes_back_where_installing_fails(base, twin, monkeypatch):
    weights = AdapterWeights(twin)
    weights.install(twin, weights.candidate([delta(base, 1)]))
    before, inner, calls = logits(twin), AdapterWeights._put, []

    def put(self, model, tensors):
        calls.append(1)
        inner(self, model, tensors)
        if len(calls) == 1:
            raise OSError("in the middle")

    monkeypatch.setattr(AdapterWeights, "_put", put)
    with pytest.raises(OSError, match="in the middle"):
        weights.install(twin, weights.candidate([delta(base, 2)]))
    assert torch.equal(logits(twin), before)


def test_a_model_that_does_not_take_it_is_named(base, twin, monkeypatch):
    weights = AdapterWeights(twin)
    tensors = weights.candidate([delta(base, 1)])
    monkeypatch.setattr(weights, "_parts", lambda model: [])
    with pytest.raises(ConsolidationError, match="the model did not take the adapter"):
        weights._put(twin, tensors)
