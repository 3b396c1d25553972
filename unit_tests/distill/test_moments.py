"""What layers read is counted exactly, once for layers that read the same, and nothing is left behind."""

import pytest
import torch

from langchain_selfparam.distill import moments as room
from langchain_selfparam.distill.moments import Moments, watching
from langchain_selfparam.distill.packing import pack
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.model import share
from langchain_selfparam.testing import tiny_model
from langchain_selfparam.weights.shadow import adapted_modules


def _inputs(model, names, rows):
    """The slow obvious version: keep every layer's inputs and multiply them out in float64."""
    kept = {name: [] for name in names}
    hooks = [
        model.get_submodule(name).register_forward_pre_hook(lambda m, x, name=name: kept[name].append(x[0].double()[0]))
        for name in names
    ]
    reader = Reader(model)
    for row in rows:
        reader.hidden(row)
    for hook in hooks:
        hook.remove()
    return {name: (x := torch.cat(parts)).T @ x / len(x) for name, parts in kept.items()}


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma3_text"])
@torch.no_grad()
def test_the_mean_of_products_is_exact_over_several_rows(architecture, written):
    model = share(tiny_model(architecture).model)
    names = adapted_modules(model)
    rows = [pack(written([(4, 3), (7, 2)])), pack(written([(3, 5)], seed=1))]
    wanted = _inputs(model, names, rows)
    reader = Reader(model)
    with watching(model, names) as moments:
        for row in rows:
            reader.hidden(row)
    found = moments.means()
    assert list(found) == names
    for name in names:
        (block,) = found[name]
        assert block.dtype == torch.float32
        torch.testing.assert_close(block.double(), wanted[name], rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_counting_goes_on_with_another_module(written):
    local = tiny_model()
    names = adapted_modules(local.model)[:4]
    rows = [pack(written([(4, 3)])), pack(written([(5, 2), (6, 1)]))]
    one, other = share(local.model), share(local.model)
    with watching(one, names) as moments:
        Reader(one).hidden(rows[0])
    with watching(other, names, moments) as same:
        Reader(other).hidden(rows[1])
    assert same is moments
    with watching(one, names) as whole:
        for row in rows:
            Reader(one).hidden(row)
    for name in names:
        torch.testing.assert_close(moments.means()[name], whole.means()[name])


@torch.no_grad()
def test_layers_that_read_the_same_share_one_sum(written):
    model = share(tiny_model().model)
    names = adapted_modules(model)
    with watching(model, names) as moments:
        Reader(model).hidden(pack(written([(4, 3)])))
    found = moments.means()
    first, second = (f"model.layers.{n}" for n in (0, 1))
    assert found[f"{first}.mlp.gate_proj"] is found[f"{first}.mlp.up_proj"]
    assert found[f"{first}.self_attn.q_proj"] is found[f"{first}.self_attn.v_proj"]
    assert found[f"{first}.mlp.gate_proj"] is not found[f"{first}.mlp.down_proj"]
    assert found[f"{first}.mlp.gate_proj"] is not found[f"{second}.mlp.gate_proj"]


def test_wide_inputs_are_cut_into_blocks(monkeypatch):
    monkeypatch.setattr(room, "BLOCK", 4)
    moments = Moments()
    x = torch.randn(3, 5, 10, generator=torch.Generator().manual_seed(0))
    moments.add("wide", x)
    blocks = moments.means()["wide"]
    assert [tuple(b.shape) for b in blocks] == [(4, 4), (4, 4), (2, 2)]
    whole = x.reshape(15, 10).T @ x.reshape(15, 10) / 15
    for at, block in zip((0, 4, 8), blocks, strict=True):
        torch.testing.assert_close(block, whole[at : at + len(block), at : at + len(block)])


def test_half_precision_is_summed_in_fp32():
    moments = Moments()
    x = torch.full((4096, 1), 1.0, dtype=torch.bfloat16)
    moments.add("layer", x)
    assert moments.means()["layer"][0].item() == 1.0  # bf16 would stop counting at 256


def test_half_precision_loses_nothing_and_the_users_setting_stays():
    before = torch.get_float32_matmul_precision()
    x = torch.randn(300, 64, generator=torch.Generator().manual_seed(0)).bfloat16()
    moments = Moments()
    moments.add("layer", x)
    exact = x.double().T @ x.double() / 300
    torch.testing.assert_close(moments.means()["layer"][0].double(), exact, rtol=1e-5, atol=1e-6)
    assert torch.get_float32_matmul_precision() == before


@torch.no_grad()
def test_no_hook_stays_also_after_an_error(written):
    model = share(tiny_model().model)
    names = adapted_modules(model)
    with pytest.raises(RuntimeError, match="stop"), watching(model, names) as moments:  # noqa: PT012
        msg = "stop"
        raise RuntimeError(msg)
    Reader(model).hidden(pack(written([(4, 3)])))
    assert moments.means() == {}
    assert not any(model.get_submodule(name)._forward_pre_hooks for name in names)
