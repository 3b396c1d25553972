"""The teacher reads a chunk once for all its questions, and says what it would say to each alone."""

import pytest
import torch

from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.objective import reduce_teacher
from langchain_selfparam.distill.packing import Document
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.teacher import read
from langchain_selfparam.model import share
from langchain_selfparam.testing import tiny_model


@pytest.fixture(params=["llama", "qwen2", "gemma3_text"])
def local(request):
    return tiny_model(request.param)


@pytest.fixture
def chunks(written):
    first = written([(4, 3), (30, 1), (2, 9)])
    second = [
        Document(d.key + 10, d.prompt, d.answer) for d in written([(5, 2), (7, 4)], opening=range(40, 60), seed=1)
    ]
    return [first, second]


def test_every_document_has_the_rows_of_its_own_run(local, chunks, one_by_one):
    head = Head(local.head.weight)
    said = read(Reader(share(local.model)), head, chunks)
    assert list(said.rows) == [0, 1, 2, 10, 11]
    for document in [d for chunk in chunks for d in chunk]:
        rows = said.rows[document.key]
        wanted = reduce_teacher(one_by_one(local.model, [document]), head)
        assert len(rows) == len(document.answer)
        assert torch.equal(rows.ids[:, 0], wanted.ids[:, 0])
        # The order of nearly equal tokens further down may differ by rounding.
        torch.testing.assert_close(rows.probs, wanted.probs, atol=1e-5, rtol=1e-3)
        torch.testing.assert_close(rows.tail, wanted.tail, atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(rows.negentropy, wanted.negentropy, atol=1e-4, rtol=1e-4)


def test_targets_carry_no_gradient_and_the_model_is_as_before(local, chunks):
    before = local.fingerprint()
    local.model.requires_grad_(True)
    said = read(Reader(share(local.model)), Head(local.head.weight), chunks)
    assert not any(r.tail.requires_grad or r.probs.requires_grad for r in said.rows.values())
    assert local.fingerprint() == before


def test_progress_counts_chunks(local, chunks):
    seen = []
    read(Reader(share(local.model)), Head(local.head.weight), chunks, progress=lambda *at: seen.append(at))
    assert seen == [(1, 2), (2, 2)]


def test_nothing_to_read_is_nothing_said(local):
    said = read(Reader(share(local.model)), Head(local.head.weight), [])
    assert said.rows == {}
