"""Training on the shadow leaves the served module as it is, and costs its factors alone."""

import pytest
import torch

from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.model import LocalModel, share
from langchain_selfparam.serving.gate import gate_for
from langchain_selfparam.serving.routing import wrap_generate
from langchain_selfparam.testing import tiny_model
from langchain_selfparam.weights.merge import ExactWeights
from langchain_selfparam.weights.shadow import Shadow, adapted_modules, learning_modules

CONFIG = TrainingConfig(rank=4, alpha=8.0, seed=3, layers="all", frozen_share=0.0)
IDS = torch.arange(1, 24)[None]


def _logits(model):
    with torch.no_grad():
        return model(input_ids=IDS).logits


def _train(shadow, steps=3):
    optimizer = torch.optim.AdamW(shadow.parameters, lr=1e-2)
    for _ in range(steps):
        loss = shadow.model(input_ids=IDS, labels=IDS).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma3_text"])
def test_every_linear_layer_but_the_head_learns(architecture):
    model = tiny_model(architecture).model
    names = adapted_modules(model)
    assert len(names) == 14
    assert "lm_head" not in names
    assert Shadow(model, CONFIG).delta().layers.keys() == set(names)


def test_feed_forward_layers_of_the_upper_blocks_learn_by_default():
    model = tiny_model("llama", num_hidden_layers=5).model
    names = list(Shadow(model, TrainingConfig(rank=4)).delta().layers)
    parts = ("gate_proj", "up_proj", "down_proj")
    assert names == [f"model.layers.{block}.mlp.{part}" for block in (2, 3, 4) for part in parts]


def test_blocks_that_learn_are_counted_from_the_top():
    model = tiny_model("qwen2", num_hidden_layers=4).model
    names = learning_modules(model, frozen_share=0.5)
    assert {name.split(".")[2] for name in names} == {"2", "3"}
    assert len(names) == 14


def test_a_model_that_names_no_feed_forward_part_learns_in_all_its_layers():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    model.get_output_embeddings = lambda: model[1]
    assert learning_modules(model, frozen_share=0.0, layers="mlp") == ["0"]


def test_shadow_shares_every_base_tensor(bf16):
    model = bf16.model
    addresses = {p.data_ptr() for p in [*model.parameters(), *model.buffers()]}
    shadow = Shadow(model, CONFIG)
    own = [t for t in [*shadow.model.parameters(), *shadow.model.buffers()] if t.data_ptr() not in addresses]
    assert {id(t) for t in own} == {id(t) for t in shadow.parameters}
    assert len(own) == 2 * len(adapted_modules(model))


def test_serving_is_untouched_while_the_shadow_learns(bf16, everything):
    model = bf16.model
    before, said = everything(model), _logits(model)
    modules = {name: type(module) for name, module in model.named_modules()}
    shadow = Shadow(model, CONFIG)
    # fp32 factors over bf16 inputs need autocast, which keeps narrowed copies of them until it ends.
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = _logits(model)
        assert torch.equal(_logits(shadow.model), cast)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        _train(shadow)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not torch.equal(_logits(shadow.model), cast)
    assert torch.equal(_logits(model), said)
    assert {name: type(module) for name, module in model.named_modules()} == modules
    after = everything(model)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert not any(p.requires_grad or p.grad is not None for p in model.parameters())


def test_factors_are_fp32_also_on_a_bf16_model(bf16):
    shadow = Shadow(bf16.model, CONFIG)
    assert {p.dtype for p in shadow.parameters} == {torch.float32}
    assert all(p.requires_grad for p in shadow.parameters)
    trained = [p for p in shadow.model.parameters() if p.requires_grad]
    assert {id(p) for p in trained} == {id(p) for p in shadow.parameters}
    factors = next(iter(shadow.delta().layers.values()))
    assert factors.a.dtype == factors.b.dtype == torch.float32


def test_same_seed_same_factors_and_the_process_draws_as_before(tiny):
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = Shadow(tiny.model, CONFIG)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(99)
    second = Shadow(tiny.model, CONFIG)
    other = Shadow(tiny.model, TrainingConfig(rank=4, alpha=8.0, seed=4, layers="all", frozen_share=0.0))
    pairs = list(zip(first.parameters, second.parameters, strict=True))
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(first.parameters[0], other.parameters[0])
    assert all(not d.b.any() for d in first.delta().layers.values())


def test_delta_is_what_the_shadow_adds(tiny):
    shadow = Shadow(tiny.model, CONFIG)
    _train(shadow)
    delta, said = shadow.delta(), _logits(shadow.model)
    assert delta.rank == 4
    exact = ExactWeights(tiny.model)
    exact.install(tiny.model, exact.candidate([delta]))
    plain = _logits(tiny.model)
    torch.testing.assert_close(plain, said, rtol=1e-4, atol=1e-3)


def test_delta_is_a_copy(tiny):
    shadow = Shadow(tiny.model, CONFIG)
    delta = shadow.delta()
    a = next(iter(delta.layers.values())).a.clone()
    _train(shadow)
    assert torch.equal(next(iter(delta.layers.values())).a, a)


def test_wrapped_generate_is_not_inherited(tiny):
    gate = gate_for(tiny.model)
    wrap_generate(tiny.model, gate)
    twin = share(tiny.model)
    assert "generate" not in vars(twin)
    assert twin.generate.__self__ is twin
    assert "generate" in vars(tiny.model)
    with gate.writing():
        twin.generate(IDS, max_new_tokens=1, do_sample=False)


def test_foreign_generate_is_not_inherited_either(tiny: LocalModel):
    tiny.model.generate = lambda *args, **kwargs: "theirs"
    assert share(tiny.model).generate.__self__ is not tiny.model
