"""Documents of tokens, and the slow way to read them: one at a time, without any packing."""

import random

import pytest
import torch

from langchain_selfparam.distill.packing import Document


def written(lengths, *, opening=(1, 2, 3, 4, 5), seed=0):
    """Documents of random tokens behind a common opening; ``lengths`` are of each prompt's rest and answer."""
    chance = random.Random(seed)

    def tokens(count):
        return tuple(chance.randrange(3, 380) for _ in range(count))

    return [Document(key, (*opening, *tokens(p)), tokens(a)) for key, (p, a) in enumerate(lengths)]


def one_by_one(model, documents):
    """Hidden states that predict each answer token, from a full run of each document alone."""
    parts = []
    for document in documents:
        hidden = model.get_decoder()(input_ids=torch.tensor([document.ids]), use_cache=False).last_hidden_state[0]
        parts.append(hidden[len(document.prompt) - 1 :])
    return torch.cat(parts)


@pytest.fixture(name="written")
def written_fixture():
    return written


@pytest.fixture(name="one_by_one")
def one_by_one_fixture():
    return one_by_one
