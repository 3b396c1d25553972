"""The teacher reads a chunk once for all its questions, and says what it would say to each alone."""

import copy

import pytest
import torch

from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.objective import forward_kl, reduce_teacher
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


@pytest.mark.model
@torch.no_grad()
def test_a_real_model_says_packed_what_it_says_to_each_alone(default_model, one_by_one):
    model = copy.deepcopy(default_model.model).float()  # in bf16 the two ways round differently
    note = "The keeper wrote down the weather every evening, and on Tuesday the supply boat was late. "
    asked = [
        ("Who wrote?", " The keeper did."),
        ("When was the boat late?", " On Tuesday."),
        ("What?", " The weather."),
    ]
    documents = [
        Document(key, tuple(default_model.encode(note + question)), tuple(default_model.encode(answer)))
        for key, (question, answer) in enumerate(asked)
    ]
    head = Head(model.get_output_embeddings().weight)
    said = read(Reader(share(model)), head, [documents])
    alone = one_by_one(model, documents)
    for document, hidden in zip(documents, alone.split([len(d.answer) for d in documents]), strict=True):
        away = forward_kl(hidden, head, said.rows[document.key])
        assert away.abs().max() < 1e-4
        # And the note matters: without it the model says something else.
        bare = Document(0, document.prompt[len(default_model.encode(note)) :], document.answer)
        assert forward_kl(one_by_one(model, [bare]), head, said.rows[document.key]).mean() > 0.1
