"""Arithmetic on deltas."""

import pytest
import torch

from langchain_selfparam.weights.delta import Delta, Factors


def _delta(value=1.0, ranks=(2, 3)):
    return Delta({f"l{r}": Factors(b=torch.full((4, r), value), a=torch.ones(r, 5)) for r in ranks})


def test_scaled_changes_the_product_and_not_the_original():
    delta = _delta()
    half = delta.scaled(0.5)
    for name, factors in delta.layers.items():
        assert torch.equal(half.layers[name].b @ half.layers[name].a, factors.b @ factors.a * 0.5)
    assert torch.equal(delta.layers["l2"].b, torch.ones(4, 2))


@pytest.mark.parametrize(("value", "finite"), [(1.0, True), (float("nan"), False), (float("inf"), False)])
def test_finite(value, finite):
    assert _delta(value).is_finite() is finite


def test_rank_is_the_largest():
    assert _delta().rank == 3
    assert Delta({}).rank == 0
