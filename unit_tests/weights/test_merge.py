"""Sums are rounded once, installed whole or not at all, and undone to the bit."""

import re

import pytest
import torch

from langchain_selfparam.errors import ConsolidationError, WrongModelError
from langchain_selfparam.model import share
from langchain_selfparam.serving.gate import gate_for
from langchain_selfparam.testing import tiny_model
from langchain_selfparam.weights import merge
from langchain_selfparam.weights.delta import Delta, Factors
from langchain_selfparam.weights.merge import ExactWeights, digest
from langchain_selfparam.weights.shadow import adapted_modules

Q = "model.layers.0.self_attn.q_proj"


def _same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[n], right[n]) for n in left)


def test_candidate_is_the_sum_rounded_once(bf16, make_delta):
    exact = ExactWeights(bf16.model)
    deltas = [make_delta(bf16.model, seed) for seed in (1, 2)]
    found = exact.candidate(deltas)
    assert list(found) == adapted_modules(bf16.model)
    for name, base in exact.base.items():
        total = base.double() + sum(d.layers[name].b.double() @ d.layers[name].a.double() for d in deltas)
        in_fp32 = base.float() + sum(d.layers[name].b @ d.layers[name].a for d in deltas)
        assert torch.equal(found[name], total.float().to(torch.bfloat16))
        torch.testing.assert_close(found[name], in_fp32.to(torch.bfloat16), rtol=2**-7, atol=1e-6)


def test_a_sum_is_never_taken_in_the_base_itself(bf16, make_delta):
    """``.double()`` copies nothing where the weights have 64 bits."""
    bf16.model.double()
    exact = ExactWeights(bf16.model)
    before = {name: weight.clone() for name, weight in exact.base.items()}
    exact.candidate([make_delta(bf16.model, 1)])
    assert all(torch.equal(exact.base[name], weight) for name, weight in before.items())


def test_twenty_small_updates_are_kept_and_increments_would_lose_them(bf16, make_delta):
    exact, count = ExactWeights(bf16.model), 20
    deltas = [make_delta(bf16.model, 1, size=1e-4)] * count
    products = {name: f.b @ f.a for name, f in deltas[0].layers.items()}
    added = {name: base.clone() for name, base in exact.base.items()}
    for name in added:
        for _ in range(count):
            added[name] += products[name].to(torch.bfloat16)

    def kept(weights):
        change = torch.cat([(weights[n].float() - exact.base[n].float()).flatten() for n in weights])
        wanted = torch.cat([count * products[n].flatten() for n in weights])
        return float(change @ wanted / (wanted @ wanted))

    assert kept(exact.candidate(deltas)) == pytest.approx(1.0, abs=0.05)
    assert kept(added) < 0.5


def test_candidate_is_the_same_to_the_bit_under_any_setting(bf16, make_delta):
    exact = ExactWeights(bf16.model)
    deltas = [make_delta(bf16.model, seed) for seed in range(3)]
    first = digest(exact.candidate(deltas))
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert digest(exact.candidate(deltas)) == first
    finally:
        torch.set_float32_matmul_precision(before)


def test_install_keeps_addresses_and_twins_see_it(bf16, make_delta):
    model = bf16.model
    exact, twin = ExactWeights(model), share(model)
    addresses = [p.data_ptr() for p in model.parameters()]
    tensors = exact.candidate([make_delta(model, 1)])
    exact.install(model, tensors)
    assert [p.data_ptr() for p in model.parameters()] == addresses
    assert _same(exact.served(model), tensors)
    assert _same(exact.served(twin), tensors)
    exact.check(model, digest(tensors))


def test_restore_base_is_exact_for_every_tensor_of_the_model(bf16, make_delta, everything):
    model = bf16.model
    exact, before = ExactWeights(model), everything(model)
    exact.install(model, exact.candidate([make_delta(model, 1)]))
    changed = {n for n, t in everything(model).items() if not torch.equal(t, before[n])}
    assert changed == {f"{name}.weight" for name in adapted_modules(model)}
    exact.restore_base(model)
    assert _same(everything(model), before)


class _DiskError(BaseException):
    pass


@pytest.mark.parametrize("error", [_DiskError, RuntimeError])
def test_install_that_breaks_off_puts_the_former_weights_back(bf16, make_delta, monkeypatch, error):
    model = bf16.model
    exact = ExactWeights(model)
    former = exact.candidate([make_delta(model, 1)])
    exact.install(model, former)
    copy, calls = torch.Tensor.copy_, []

    def breaks(self, *args):
        calls.append(self)
        if len(calls) == 4:
            raise error
        return copy(self, *args)

    tensors = exact.candidate([make_delta(model, 2)])
    monkeypatch.setattr(torch.Tensor, "copy_", breaks)
    with pytest.raises(error):
        exact.install(model, tensors, former=former)
    assert len(calls) > 4
    assert _same(exact.served(model), former)


def test_what_is_put_back_is_what_was_served_and_not_what_was_prepared(bf16, make_delta, monkeypatch):
    """Somebody else changed the model in between: that, and not the copy made before, is what was served."""
    model = bf16.model
    exact = ExactWeights(model)
    tensors = exact.candidate([make_delta(model, 2)])
    former = exact.prepare(model, tensors)
    exact.install(model, exact.candidate([make_delta(model, 1)]))
    changed, write, calls = exact.served(model), merge._write, []

    def breaks_once(weights, given):
        calls.append(given)
        write(weights, given)
        if len(calls) == 1:
            raise MemoryError

    monkeypatch.setattr(merge, "_write", breaks_once)
    with pytest.raises(MemoryError):
        exact.install(model, tensors, former=former)
    assert _same(exact.served(model), changed)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(3, 5), (4, 8), (1, 1)])
def test_the_same_bits(dtype, shape):
    one = torch.randn(shape).to(dtype)
    assert merge.same_bits(one, one.clone())
    other = one.clone()
    other[-1, -1] += 1
    assert not merge.same_bits(one, other)
    assert not merge.same_bits(torch.zeros(shape), -torch.zeros(shape))
    assert not merge.same_bits(one, one.double())
    assert not merge.same_bits(one, one[:, :0])
    assert merge.same_bits(torch.full(shape, torch.nan), torch.full(shape, torch.nan))


def test_install_notices_a_model_that_does_not_take_the_weights(bf16, make_delta, monkeypatch):
    model = bf16.model
    exact, equal, calls = ExactWeights(model), torch.equal, []

    def differs(left, right):
        calls.append(left)
        return len(calls) != 1 and equal(left, right)

    tensors = exact.candidate([make_delta(model, 2)])
    monkeypatch.setattr(merge.torch, "equal", differs)
    with pytest.raises(ConsolidationError, match=re.escape(f"did not take the weights written to {Q};")):
        exact.install(model, tensors)
    monkeypatch.undo()
    assert _same(exact.served(model), dict(exact.base))


def test_tensors_that_do_not_fit_are_refused_before_anything_changes(bf16, make_delta):
    model = bf16.model
    exact = ExactWeights(model)
    good = exact.candidate([make_delta(model, 1)])
    bad = {
        rf"differ in the layers {Q}; nothing was changed": {n: t for n, t in good.items() if n != Q},
        rf"in {Q} is torch.float32 \[32, 32\], and the model's torch.bfloat16 \[32, 32\]": {
            **good,
            Q: good[Q].float(),
        },
        rf"in {Q} is torch.bfloat16 \[32, 5\], and": {**good, Q: good[Q][:, :5]},
        rf"in {Q} \(and 0 other layers\) would be infinite": {**good, Q: good[Q] * float("nan")},
    }
    for text, tensors in bad.items():
        with pytest.raises(ConsolidationError, match=text):
            exact.install(model, tensors)
        assert _same(exact.served(model), dict(exact.base))


def test_deltas_that_do_not_fit_are_refused(bf16):
    exact = ExactWeights(bf16.model)
    unknown = Delta({"model.gone": Factors(b=torch.zeros(4, 1), a=torch.zeros(1, 4))})
    with pytest.raises(WrongModelError, match=r"changes model.gone as \[4, 4\], and the model has no such layer"):
        exact.candidate([unknown])
    other = Delta({Q: Factors(b=torch.zeros(4, 1), a=torch.zeros(1, 32))})
    with pytest.raises(WrongModelError, match=rf"changes {Q} as \[4, 32\], and the model has \[32, 32\]"):
        exact.candidate([other])
    endless = Delta({Q: Factors(b=torch.full((32, 1), 1e30), a=torch.full((1, 32), 1e30))})
    with pytest.raises(ConsolidationError, match=rf"{Q} \(and 0 other layers\) would be infinite"):
        exact.candidate([endless])


def test_check_and_layers_notice_what_others_changed(bf16):
    model = bf16.model
    exact = ExactWeights(model)
    wanted = digest(exact.base)
    with torch.no_grad():
        model.get_submodule(Q).weight[0, 0] += 1
    found = digest(exact.served(model))
    assert found != wanted
    with pytest.raises(ConsolidationError, match=f"digest {found[:8]}, not {wanted[:8]} as they should"):
        exact.check(model, wanted)
    model.model.layers[0].self_attn.q_proj = torch.nn.Identity()
    with pytest.raises(ConsolidationError, match=rf"when its base was kept \({Q}\)"):
        exact.served(model)


def test_digest_tells_names_types_shapes_bits_and_order():
    a, b = torch.arange(6.0).reshape(2, 3), torch.ones(2)
    digests = [
        digest(t)
        for t in (
            {"a": a, "b": b},
            {"b": b, "a": a},
            {"a": a, "c": b},
            {"a": a.reshape(3, 2), "b": b},
            {"a": a.double(), "b": b},
            {"a": a, "b": -b},
            {"a": a.clone().zero_(), "b": b},
            {"a": -a.clone().zero_(), "b": b},
        )
    ]
    assert len(set(digests)) == len(digests)
    assert digest({"a": a.t().contiguous().t(), "b": b}) == digests[0]


def test_readers_see_whole_versions_only(in_thread):
    model = tiny_model().model
    exact, gate = ExactWeights(model), gate_for(model)
    versions = [dict(exact.base), {n: t + 1 for n, t in exact.base.items()}]
    whole, seen, done = {digest(v) for v in versions}, set(), []

    def read():
        while not done:
            with gate.reading():
                seen.add(digest(exact.served(model)))

    with in_thread(read), in_thread(read):
        for turn in range(30):
            with gate.writing():
                exact.install(model, versions[turn % 2])
        done.append(True)
    assert seen <= whole
