"""One module over several students: each part of a row is read as its student alone would read it."""

import pytest
import torch
from test_adapter import delta

from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.distill.packing import Document, join, pack
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.errors import ConsolidationError
from langchain_selfparam.model import share
from langchain_selfparam.testing import tiny_model
from langchain_selfparam.weights.adapter import AdapterWeights
from langchain_selfparam.weights.joined import JoinedShadows
from langchain_selfparam.weights.shadow import Shadow

ROWS = [
    [Document(0, (1, 2, 30, 31), (40, 41, 42)), Document(1, (1, 2, 33), (43, 44))],
    [Document(0, (1, 2, 50), (60, 61))],
    [
        Document(0, (5, 6, 7, 70, 71), (80, 81)),
        Document(1, (5, 6, 7, 72), (82, 83, 84)),
        Document(2, (5, 6, 7, 8), (9,)),
    ],
]
CONFIG = TrainingConfig(rank=4, alpha=8.0, frozen_share=0.5)


def student(base, seed, *deltas, config=CONFIG, moments=None):
    """A shadow over a twin that serves these deltas, its factors somewhere on their way."""
    twin = share(base)
    weights = AdapterWeights(twin)
    weights.install(twin, weights.candidate(deltas))
    shadow = Shadow(twin, config, moments=moments)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in shadow.parameters:
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=random))
    return shadow


@pytest.fixture
def base():
    return tiny_model(seed=3).model


@pytest.fixture
def shadows(base):
    names = [n for n, _ in base.named_modules() if n.endswith(("gate_proj", "up_proj"))]
    moments = {name: [torch.diag(torch.linspace(0.1, 2.0, 32))] for name in names}
    narrow, wide = (delta(base, 1), delta(base, 2)), (delta(base, 3, 60, 0.001),)
    return [student(base, 1), student(base, 2, *narrow), student(base, 3, *wide, moments=moments)]


@pytest.mark.parametrize("students", [(0, 1, 2), (2, 0), (1,)])
def test_each_part_is_read_as_by_its_own_student_and_its_gradient_goes_there(shadows, students):
    joined = JoinedShadows(shadows)
    rows = [pack(ROWS[at]) for at in students]
    joined.choose(students, [row.tokens for row in rows])
    found = Reader(joined.model).hidden(join(rows))
    weight = torch.linspace(-1, 1, found.numel()).view_as(found)
    (found * weight).sum().backward()
    got = [[p.grad for p in shadow.parameters] for shadow in shadows]
    for shadow in shadows:
        for parameter in shadow.parameters:
            parameter.grad = None
    start = 0
    for at, row in zip(students, rows, strict=True):
        alone = Reader(shadows[at].model).hidden(row)
        torch.testing.assert_close(found[start : start + len(alone)], alone, atol=1e-5, rtol=1e-5)
        (alone * weight[start : start + len(alone)]).sum().backward()
        start += len(alone)
    for at, shadow in enumerate(shadows):
        for parameter, grad in zip(shadow.parameters, got[at], strict=True):
            assert (grad is None) == (at not in students)
            if grad is not None:
                torch.testing.assert_close(grad, parameter.grad, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_what_a_row_is_padded_with_is_of_no_consequence(shadows):
    rows = [pack(documents) for documents in ROWS]
    joined = JoinedShadows(shadows)
    joined.choose((0, 1, 2), [row.tokens for row in rows])
    for way in ("packed", "dense"):
        reader = Reader(joined.model, way=way)
        found = reader.hidden(join(rows))
        reader._compiled = True  # compiled blocks, like FlexAttention, want rows of few lengths
        assert len(reader._read(join(rows))[0].last_hidden_state[0]) > join(rows).tokens
        torch.testing.assert_close(reader.hidden(join(rows)), found, atol=1e-5, rtol=1e-5)


def test_a_layer_that_does_not_read_the_whole_row_is_refused(shadows):
    joined = JoinedShadows(shadows)
    joined.choose((0, 1), [7, 5])
    layer = joined.model.get_submodule(shadows[0]._names[0])
    with pytest.raises(ConsolidationError, match="a layer reads 9 of 12 tokens; train this model's namespaces one by"):
        layer(torch.zeros(1, 9, 32))


def test_the_students_stay_as_they_were(shadows):
    before = [sorted(shadow.model.state_dict()) for shadow in shadows]
    JoinedShadows(shadows)
    assert [sorted(shadow.model.state_dict()) for shadow in shadows] == before


def test_another_base_is_refused(base):
    other = tiny_model(seed=4).model
    with pytest.raises(ConsolidationError, match=r"is not one tensor for all students; train those alone that are not"):
        JoinedShadows([student(base, 1), student(other, 2)])
