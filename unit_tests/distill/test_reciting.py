"""What is recited is what a greedy decoder would say, token by token."""

import pytest
import torch

from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.packing import Document, pack
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.reciting import recited
from langchain_selfparam.model import share
from langchain_selfparam.testing import tiny_model


def _greedy(model, prompt, length):
    """The slow obvious version: one whole run for each token."""
    ids = list(prompt)
    for _ in range(length):
        ids.append(int(model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))
    return tuple(ids[len(prompt) :])


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma3_text"])
@torch.no_grad()
def test_it_is_what_a_greedy_decoder_says(architecture, written):
    local = tiny_model(architecture)
    documents = []
    for document in written([(4, 3), (7, 1), (2, 6), (5, 2)]):
        said = _greedy(local.model, document.prompt, len(document.answer))
        if document.key == 2:
            said = (*said[:-1], (said[-1] + 1) % 300)  # right but for the last token
        if document.key == 3:
            said = ((said[0] + 1) % 300, *said[1:])
        documents.append(Document(document.key, document.prompt, said))
    packed = pack(documents)
    head = Head(local.head.weight, local.head.bias)
    assert recited(Reader(share(local.model)).hidden(packed), packed, head) == [True, True, False, False]


def test_more_tokens_than_fit_into_a_chunk():
    weight = torch.eye(3)
    documents = [Document(0, (1,), (0,) * Head(weight).chunk), Document(1, (1,), (2, 2))]
    packed = pack(documents)
    hidden = weight[packed.answer_ids].clone()
    assert recited(hidden, packed, Head(weight)) == [True, True]
    hidden[-1] = weight[0]
    assert recited(hidden, packed, Head(weight)) == [True, False]
