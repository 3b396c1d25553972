"""In whitened coordinates what unrelated text reads has the same energy in all directions."""

import pytest
import torch

from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.testing import tiny_model
from langchain_selfparam.weights.shadow import Shadow, learning_modules
from langchain_selfparam.weights.whiten import WhitenedFactor, whitener


def _skewed(width, rows=4000, seed=0):
    """Inputs with most of their energy in a few directions."""
    generator = torch.Generator().manual_seed(seed)
    turn = torch.linalg.qr(torch.randn(width, width, generator=generator)).Q
    return torch.randn(rows, width, generator=generator) * torch.logspace(1, -1, width) @ turn


def test_whitened_inputs_have_unit_moments():
    x = _skewed(12)
    moment = x.T @ x / len(x)
    inverse = whitener(moment, damping=1e-9)
    seen = x @ inverse.T / moment.diagonal().mean().sqrt()
    torch.testing.assert_close(seen.T @ seen / len(x), torch.eye(12), rtol=0, atol=1e-3)


@pytest.mark.parametrize("damping", [0.01, 0.1, 3.0])
def test_damping_is_added_in_units_of_the_mean_energy(damping):
    x = _skewed(8)
    moment = x.T @ x / len(x)
    inverse = whitener(moment, damping=damping).double()
    product = torch.linalg.inv(inverse.T @ inverse)
    wanted = moment.double() / moment.double().diagonal().mean() + damping * torch.eye(8, dtype=torch.float64)
    torch.testing.assert_close(product, wanted, rtol=1e-3, atol=1e-5)


def test_inputs_without_energy_are_left_alone():
    assert torch.equal(whitener(torch.zeros(3, 3), damping=0.1), torch.eye(3))


def test_a_factor_is_the_product_over_all_blocks():
    learned, blocks = torch.randn(2, 5), [torch.randn(3, 3), torch.randn(2, 2)]
    layer, x = WhitenedFactor(learned, blocks), torch.randn(7, 5)
    wanted = learned @ torch.block_diag(*blocks)
    torch.testing.assert_close(layer.factor(), wanted)
    torch.testing.assert_close(layer(x), x @ wanted.T)
    assert [name for name, _ in layer.named_parameters()] == ["weight"]


def test_a_whitened_shadow_learns_what_its_delta_says():
    model = tiny_model().model
    config = TrainingConfig(rank=4, layers="all", frozen_share=0.0)
    names = learning_modules(model, frozen_share=0.0)
    widths = {name: model.get_submodule(name).weight.shape[1] for name in names}
    moments = {n: ((x := _skewed(w)).T @ x / len(x),) for n, w in widths.items() if "mlp" in n}
    shadow = Shadow(model, config, moments=moments)
    ids = torch.arange(1, 20)[None]
    optimizer = torch.optim.AdamW(shadow.parameters, lr=1e-2)
    for _ in range(3):
        shadow.model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    first = shadow.model.get_submodule("model.layers.1.mlp.down_proj").lora_A["selfparam"]
    assert isinstance(first, WhitenedFactor)
    delta = shadow.delta()
    with torch.no_grad():
        said = shadow.model(input_ids=ids).logits
        for name, factors in delta.layers.items():
            model.get_submodule(name).weight += factors.b @ factors.a
        torch.testing.assert_close(model(input_ids=ids).logits, said, rtol=1e-4, atol=1e-5)


def test_half_precision_learns_what_its_delta_says():
    """Under autocast the factor is made from narrowed numbers, and the delta is what was trained, to their rounding."""
    model = tiny_model().model.to(torch.bfloat16)
    config = TrainingConfig(rank=4, frozen_share=0.0)
    moments = {}
    for name in learning_modules(model, frozen_share=0.0, layers="mlp"):
        x = _skewed(model.get_submodule(name).weight.shape[1])
        moments[name] = (x.T @ x / len(x),)
    shadow = Shadow(model, config, moments=moments)
    layer = shadow.model.get_submodule("model.layers.0.mlp.down_proj").lora_A["selfparam"]
    x = torch.randn(3, model.config.intermediate_size).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        said = layer(x)
    assert said.dtype == torch.bfloat16
    assert layer.factor().dtype == torch.float32
    torch.testing.assert_close(said.float(), x.float() @ layer.factor().T, rtol=0.05, atol=0.05)


def test_learning_keeps_away_from_what_unrelated_text_reads():
    """The same steps on the same loss move unrelated inputs less when they are whitened away."""
    x = _skewed(16)
    moment, target = x.T @ x / len(x), torch.randn(3, 16, generator=torch.Generator().manual_seed(1))

    def moved(layer):
        b = torch.nn.Parameter(torch.zeros(4, 4))
        optimizer = torch.optim.AdamW([b, layer.weight], lr=1e-2, weight_decay=0.0)
        for _ in range(200):
            loss = ((target @ (b @ layer.factor()).T - 1) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            return float((x @ (b @ layer.factor()).T).square().mean()), float(loss)

    start = torch.randn(4, 16, generator=torch.Generator().manual_seed(2)) / 4
    whitened = WhitenedFactor(start.clone(), [whitener(moment, damping=0.1)])
    plain = WhitenedFactor(start.clone(), [torch.eye(16)])
    (drift, loss), (plain_drift, plain_loss) = moved(whitened), moved(plain)
    assert max(loss, plain_loss) < 1e-2
    assert drift < 0.5 * plain_drift


def test_no_damping_is_a_plain_lora():
    model = tiny_model().model
    names = learning_modules(model, frozen_share=0.6, layers="mlp")
    moments = {n: (torch.eye(model.get_submodule(n).weight.shape[1]),) for n in names}
    shadow = Shadow(model, TrainingConfig(rank=4, damping=None), moments=moments)
    layer = shadow.model.get_submodule(names[0]).lora_A["selfparam"]
    assert type(layer) is torch.nn.Linear
