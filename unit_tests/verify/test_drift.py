"""Drift is nothing where weights are the same, and otherwise what a slow computation gives."""

import math

import pytest
import torch
from torch.nn import functional

from langchain_selfparam.config import VerifyConfig
from langchain_selfparam.distill import teacher
from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.packing import Document
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.model import share
from langchain_selfparam.testing import tiny_model
from langchain_selfparam.verify.drift import shrinks, token_kl
from langchain_selfparam.weights.shadow import with_weights

DOCUMENTS = [
    Document(4, (1, 2, 3, 40, 41, 42), (60, 61, 62)),
    Document(9, (1, 2, 3, 50), (70,)),
    Document(2, (1, 2, 3, 90, 91, 92, 93, 94, 95, 96, 97), (80, 81, 82, 83, 84)),
]


@pytest.fixture(params=["llama", "gemma3_text"])
def local(request):
    return tiny_model(request.param)


def read_by(local, documents):
    return teacher.read(Reader(share(local.model)), Head(local.head.weight), [documents[:1], documents[1:]])


def changed(local, size):
    name = "model.layers.1.mlp.up_proj"
    weight = local.model.get_submodule(name).weight
    noise = torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    return with_weights(local.model, {name: weight + size * noise})


@torch.no_grad()
def slowly(served, candidate, documents):
    rows = []
    for document in documents:
        ids, start = torch.tensor([document.prompt + document.answer]), len(document.prompt) - 1
        p, q = (
            m(input_ids=ids, use_cache=False).logits[0, start:-1].double().log_softmax(-1) for m in (served, candidate)
        )
        rows.append(functional.kl_div(q, p, log_target=True, reduction="none").sum(-1))
    return float(torch.cat(rows).mean())


def test_same_weights_have_not_drifted(local):
    said = read_by(local, DOCUMENTS)
    drift = token_kl(Reader(share(local.model)), Head(local.head.weight), DOCUMENTS, said)
    assert 0.0 <= drift < 1e-5


@pytest.mark.parametrize("size", [0.02, 0.3])
def test_changed_weights_have_drifted_as_far_as_the_slow_way_says(local, size):
    said = read_by(local, DOCUMENTS)
    candidate = changed(local, size)
    drift = token_kl(Reader(share(candidate)), Head(local.head.weight), DOCUMENTS, said)
    wanted = slowly(local.model, candidate, DOCUMENTS)
    assert wanted > 1e-3
    assert drift == pytest.approx(wanted, rel=1e-3, abs=1e-5)
    assert isinstance(drift, float)


def test_order_of_documents_does_not_matter(local):
    said, candidate = read_by(local, DOCUMENTS), changed(local, 0.1)
    head = Head(local.head.weight)
    drifts = [token_kl(Reader(share(candidate)), head, d, said) for d in (DOCUMENTS, DOCUMENTS[::-1])]
    assert drifts[0] == pytest.approx(drifts[1], rel=1e-4)


def test_nothing_to_compare_is_no_drift(local):
    assert token_kl(Reader(share(local.model)), Head(local.head.weight), [], read_by(local, DOCUMENTS)) == 0.0


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_candidate_that_computes_no_numbers_has_not_drifted_by_zero(value):
    local = tiny_model()
    said = read_by(local, DOCUMENTS)
    name = "model.layers.1.mlp.up_proj"
    broken = with_weights(local.model, {name: torch.full_like(local.model.get_submodule(name).weight, value)})
    drift = token_kl(Reader(share(broken)), Head(local.head.weight), DOCUMENTS, said)
    assert drift > 1e9


@pytest.mark.parametrize("before", [0.0, 0.02])
@pytest.mark.parametrize("whole", [0.05, 0.051, 0.06, 0.09, 0.16, 0.4, math.inf])
def test_shrinking_at_once_keeps_what_shrinking_step_by_step_keeps(whole, before):
    config = VerifyConfig(max_drift=0.05)

    def drift(shrunk):
        return before + (whole - before) * config.shrink ** (2 * shrunk)

    slow = next((n for n in range(config.max_shrinks) if drift(n) <= config.max_drift), config.max_shrinks)
    shrunk, looks = 0, 1
    while drift(shrunk) > config.max_drift and shrunk < config.max_shrinks:
        shrunk, looks = min(config.max_shrinks, shrunk + shrinks(drift(shrunk), config)), looks + 1
    assert shrunk == slow
    if before == 0.0 and math.isfinite(whole):
        assert looks <= 3


def test_a_candidate_within_its_drift_is_shrunk_by_one_step():
    assert shrinks(0.01, VerifyConfig(max_drift=0.05)) == 1
