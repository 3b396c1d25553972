"""Packed scores are what a text's own log-softmax says, token by token."""

import pytest
import torch

from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.scorer import PackedScorer
from langchain_selfparam.model import share
from langchain_selfparam.protocols import TextScorer
from langchain_selfparam.records import Message
from langchain_selfparam.testing import tiny_model

ASK = (Message(role="user", text="What is my dog called?"),)
TOLD = (*ASK, Message(role="assistant", text="Your dog is"))
GROUPS = [
    ("My dog is called", [" Biscuit.", " Biscuit. What a lovely name!", " Kiwi", "", "🐶"]),
    (ASK, ["Biscuit", "I do not know that.", "Your dog is called Biscuit."]),
    (TOLD, [" called Biscuit"]),
    ("Where does she live? She lives", [" in Lisbon."] * 3),
    ("nothing follows", []),
]


@torch.no_grad()
def slowly(local, prompt, text):
    ids = local.encode(prompt) if isinstance(prompt, str) else local.encode_chat(prompt)
    tokens = local.encode(text) or [local.end_of_turn_id]
    log_p = local.model(input_ids=torch.tensor([ids + tokens]), use_cache=False).logits[0].double().log_softmax(-1)
    return sum(float(log_p[len(ids) - 1 + at, token]) for at, token in enumerate(tokens))


def scorer(local, **options):
    return PackedScorer(local, Reader(share(local.model)), Head(local.head.weight), **options)


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma3_text"])
@pytest.mark.parametrize("tokens", [1, 12, 2048])
def test_scores_are_those_of_each_text_alone(architecture, tokens):
    local = tiny_model(architecture)
    found = scorer(local, tokens=tokens).score(GROUPS)
    assert [len(row) for row in found] == [len(texts) for _, texts in GROUPS]
    for row, (prompt, texts) in zip(found, GROUPS, strict=True):
        assert row == pytest.approx([slowly(local, prompt, text) for text in texts], rel=1e-4, abs=1e-4)
        assert all(value < 0 for value in row)


@pytest.mark.parametrize("way", ["packed", "dense", "eager"])
def test_every_way_of_reading_gives_the_same(way, monkeypatch):
    """The last one knows no trees: each text is read whole, as documents are."""
    local = tiny_model()
    reader = Reader(share(local.model), way=way)
    assert reader.reads_trees == (way != "eager")
    monkeypatch.setattr(Head, "chunk", 3)  # a node's logits are made in another chunk than its neighbour's
    found = PackedScorer(local, reader, Head(local.head.weight)).score(GROUPS)
    for row, (prompt, texts) in zip(found, GROUPS, strict=True):
        assert row == pytest.approx([slowly(local, prompt, text) for text in texts], rel=1e-4, abs=1e-4)


def test_what_is_scored_beside_a_text_does_not_matter():
    local = tiny_model()
    (alone,), (among, *_) = scorer(local).score(
        [("My dog is", [" Biscuit"]), ("My dog is", [" Biscuit", " a nurse", "?"])]
    )
    assert among == pytest.approx(alone, abs=1e-5)


def test_rows_are_no_longer_than_asked(monkeypatch):
    local = tiny_model()
    lengths, real = [], Reader.tree

    def read(self, tree):
        lengths.append(sum(tree.lengths))
        return real(self, tree)

    monkeypatch.setattr(Reader, "tree", read)
    texts = [" Biscuit", " Lisbon", " nurse", " What a lovely name! What a lovely name!"]
    counts = [local.count_tokens(text) for text in texts]
    limit = counts[0] + counts[1]
    scorer(local, tokens=limit).score([("My dog is", texts)])
    assert sum(lengths) == sum(counts)
    assert all(length <= limit or length == counts[3] for length in lengths)
    assert len(lengths) > 1


def test_progress_counts_prompts():
    seen = []
    scorer(tiny_model(), progress=lambda *at: seen.append(at)).score(GROUPS[:3])
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_it_is_the_protocols_scorer_and_carries_no_gradient():
    local = tiny_model()
    local.model.requires_grad_(True)
    found = scorer(local)
    assert isinstance(found, TextScorer)
    assert isinstance(found.score(GROUPS[:1])[0][0], float)
    assert found.score([]) == []
