"""Texts that begin alike share what they begin with, see nothing else, and are read as each alone would be."""

import pytest
import torch

from langchain_selfparam.distill import attention
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.tree import blocks, plant, seen
from langchain_selfparam.model import share
from langchain_selfparam.testing import tiny_model

PROMPT = [5, 6, 7]
TEXTS = [(1, 2, 3), (1, 2, 4, 4), (1, 9), (8,), (1, 2, 3), (2, 2, 2)]


def test_what_begins_alike_is_there_once():
    tree = plant(PROMPT, TEXTS)
    # Nodes: 1, 12, 124, 2, 22; the last token of a text is predicted, never read.
    assert tree.input_ids.tolist() == [[5, 6, 7, 1, 2, 4, 2, 2]]
    assert tree.position_ids.tolist() == [[0, 1, 2, 3, 4, 5, 3, 4]]
    assert tree.prefix == 3
    assert tree.lengths == tuple(map(len, TEXTS))
    assert tree.predicted.tolist() == [token for text in TEXTS for token in text]
    assert tree.predicted_at.tolist() == [2, 3, 4, 2, 3, 4, 5, 2, 3, 2, 2, 3, 4, 2, 6, 7]
    lines = [row[real].tolist() for row, real in zip(tree.ancestors, tree.real, strict=True)]
    assert lines == [[3], [3, 4], [3, 4, 5], [6], [6, 7]]


def test_each_sees_the_prompt_and_its_own_text():
    mask = seen(plant(PROMPT, TEXTS))[0, 0]
    assert mask[:3, :3].tolist() == torch.ones(3, 3, dtype=torch.bool).tril().tolist()
    assert not mask[:3, 3:].any()
    assert mask[3:, :3].all()
    assert mask[5, 3:].tolist() == [True, True, True, False, False]
    assert mask[7, 3:].tolist() == [False, False, False, True, True]


LONG = [tuple((31 * n + 7 * d) % 5 for d in range(2 + n % 6)) for n in range(60)]


@pytest.mark.parametrize("size", [1, 2, 5, 128])
@pytest.mark.parametrize("texts", [TEXTS, LONG, sorted(LONG), [(3,)]], ids=["few", "any order", "sorted", "no node"])
def test_blocks_see_what_the_whole_mask_says(texts, size):
    tree = plant(PROMPT, texts)
    whole, found = seen(tree)[0, 0], torch.zeros(tree.input_ids.shape[1], tree.input_ids.shape[1], dtype=torch.bool)
    for block in blocks(tree, size=size):
        assert block.stop - block.start <= size
        columns = torch.cat([block.outside, torch.arange(block.start, block.stop)])
        found[block.start : block.stop, columns] = block.sees
        assert block.sees.any(0).all()  # nothing is read that nobody sees
    assert found[3:, 3:].equal(whole[3:, 3:])
    assert not found[:, :3].any()


@torch.no_grad()
def test_a_tree_of_several_blocks_is_read_as_by_the_whole_mask(monkeypatch):
    local, tree = tiny_model(), plant(PROMPT, LONG)
    monkeypatch.setattr(attention, "blocks", lambda row: blocks(row, size=7))
    dense, packed = (Reader(share(local.model), way=way).tree(tree) for way in ("dense", "packed"))
    assert len(blocks(tree, size=7)) > 2
    assert torch.allclose(packed, dense, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
@pytest.mark.parametrize("way", ["packed", "dense"])
@pytest.mark.parametrize("texts", [TEXTS, [(3,), (4,)], [(1, 2, 3, 4, 5, 6)]], ids=["many", "single tokens", "one"])
def test_hidden_states_are_those_of_each_text_alone(architecture, way, texts):
    local = tiny_model(architecture)
    tree = plant(PROMPT, texts)
    found = Reader(share(local.model), way=way).tree(tree)
    at = 0
    for text in texts:
        ids = torch.tensor([[*PROMPT, *text[:-1]]])
        alone = local.decoder(input_ids=ids, use_cache=False).last_hidden_state[0, len(PROMPT) - 1 :]
        there = found[tree.predicted_at[at : at + len(text)]]
        assert torch.allclose(there, alone, atol=1e-4)
        at += len(text)


@pytest.mark.parametrize(("prompt", "texts"), [([], [(1,)]), ([1], []), ([1], [(1,), ()])])
def test_nothing_to_plant_is_refused(prompt, texts):
    with pytest.raises(ValueError, match="at least one of each is needed"):
        plant(prompt, texts)


def test_a_way_without_trees_says_so():
    reader = Reader(share(tiny_model().model), way="eager")
    with pytest.raises(ValueError, match=r"trees are read by the ways .* this reader's is 'eager'"):
        reader.tree(plant(PROMPT, TEXTS))
