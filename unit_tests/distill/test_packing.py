"""One row for many documents: who stands where, who sees whom, and which documents share a row."""

import itertools
import random

import pytest
import torch

from langchain_selfparam.distill.packing import (
    Document,
    batches,
    bucket,
    flex_mask,
    join,
    map_masks,
    pack,
    padded,
    shared_prefix,
    split,
    visible,
)

DOCUMENTS = [
    Document(7, (1, 2, 3, 4), (50, 51, 52)),
    Document(9, (1, 2, 5), (60,)),
    Document(3, (1, 2, 3, 6, 8), (70, 71)),
]


def test_what_a_document_reads_leaves_out_its_last_answer_token():
    assert DOCUMENTS[0].ids == (1, 2, 3, 4, 50, 51)
    assert DOCUMENTS[1].ids == (1, 2, 5)


def test_a_row_by_hand():
    packed = pack(DOCUMENTS)
    assert packed.keys == (7, 9, 3)
    assert packed.input_ids.tolist() == [[1, 2, 3, 4, 50, 51, 5, 3, 6, 8, 70]]
    assert packed.position_ids.tolist() == [[0, 1, 2, 3, 4, 5, 2, 2, 3, 4, 5]]
    assert packed.owner.tolist() == [-1, -1, 0, 0, 0, 0, 1, 2, 2, 2, 2]
    assert packed.answer_at.tolist() == [3, 4, 5, 6, 9, 10]
    assert packed.answer_ids.tolist() == [50, 51, 52, 60, 70, 71]
    assert packed.lengths == (3, 1, 2)
    assert packed.tokens == 11


def test_the_token_before_an_answer_token_is_the_documents_own():
    packed = pack(DOCUMENTS)
    at = iter(packed.answer_at.tolist())
    for document in DOCUMENTS:
        for read in document.ids[len(document.prompt) - 1 :]:
            assert packed.input_ids[0, next(at)] == read


@pytest.mark.parametrize(
    ("prompts", "length"),
    [
        ([(1, 2, 3), (1, 2, 4)], 2),
        ([(1, 2, 3), (1, 2, 3)], 2),
        ([(1, 2, 3)], 2),
        ([(1, 2), (1, 2, 3, 4)], 1),
        ([(5,), (5, 6)], 0),
        ([(1, 2), (3, 2)], 0),
    ],
)
def test_prefix_leaves_each_prompt_a_token_of_its_own(prompts, length):
    assert shared_prefix([Document(at, prompt, (9,)) for at, prompt in enumerate(prompts)]) == length


@pytest.mark.parametrize(
    ("prompt", "answer", "text"),
    [
        ((), (1, 2), "^document 4 has 0 prompt and 2 answer tokens; it needs at least one of each$"),
        ((1, 2, 3), (), "^document 4 has 3 prompt and 0 answer tokens; it needs at least one of each$"),
    ],
)
def test_a_document_without_prompt_or_answer_is_named(prompt, answer, text):
    with pytest.raises(ValueError, match=text):
        pack([DOCUMENTS[0], Document(4, prompt, answer)])


def test_nothing_cannot_be_packed():
    with pytest.raises(ValueError, match=r"^there is no document to pack; give at least one$"):
        pack([])


@pytest.mark.parametrize("window", [None, 1, 3, 100])
def test_who_sees_whom_token_by_token(window):
    packed = pack(DOCUMENTS)
    seen = visible(packed, window=window)
    assert seen.shape == (1, 1, packed.tokens, packed.tokens)
    owner, position = packed.owner.tolist(), packed.position_ids[0].tolist()
    for row in range(packed.tokens):
        for column in range(packed.tokens):
            wanted = (
                (owner[column] in (-1, owner[row]))
                and position[column] <= position[row]
                and (window is None or position[row] - position[column] < window)
            )
            assert bool(seen[0, 0, row, column]) == wanted


class _Config:
    def __init__(self, **fields):
        self.__dict__.update(fields)


@pytest.mark.parametrize("config", [_Config(), _Config(layer_types=None), _Config(layer_types=["full_attention"] * 2)])
def test_one_mask_where_all_layers_see_alike(config):
    packed = pack(DOCUMENTS)
    assert torch.equal(map_masks(lambda window: visible(packed, window=window), config), visible(packed))


def test_a_mask_for_each_kind_of_layer():
    packed = pack(DOCUMENTS)
    config = _Config(layer_types=["sliding_attention", "full_attention", "sliding_attention"], sliding_window=2)
    masks = map_masks(lambda window: visible(packed, window=window), config)
    assert list(masks) == ["full_attention", "sliding_attention"]
    assert torch.equal(masks["full_attention"], visible(packed))
    assert torch.equal(masks["sliding_attention"], visible(packed, window=2))


@pytest.mark.parametrize("window", [None, 3])
def test_the_block_mask_is_the_dense_one(window):
    packed = padded(pack(DOCUMENTS), 256)
    mask = flex_mask(packed, torch.device("cpu"), window=window)
    assert mask.shape == (1, 1, 256, 256)
    rows, columns = torch.meshgrid(torch.arange(256), torch.arange(256), indexing="ij")
    zero = torch.zeros((), dtype=torch.long)
    assert torch.equal(mask.mask_mod(zero, zero, rows, columns), visible(packed, window=window)[0, 0])


def test_lengths_are_few_and_little_of_them_is_padding():
    lengths = {bucket(tokens) for tokens in range(1, 32769)}
    assert len(lengths) == 8 + 5 * 4
    for tokens in range(1, 32769):
        assert tokens <= bucket(tokens)
        assert bucket(tokens) % 128 == 0
        assert tokens <= 512 or bucket(tokens) - tokens < bucket(tokens) / 5
    assert all(bucket(length) == length for length in lengths)


def test_padding_is_seen_by_nobody_and_sees_one_token():
    packed = pack(DOCUMENTS)
    longer = padded(packed, packed.tokens + 5)
    seen, T = visible(longer)[0, 0], packed.tokens
    assert torch.equal(seen[:T, :T], visible(packed)[0, 0])
    assert not seen[:T, T:].any()
    own = torch.eye(5, dtype=torch.bool)
    assert torch.equal(seen[T:, T:], own)
    # Position 0 is the prefix's first token, where there is a prefix.
    assert seen[T:, :T].sum() == (5 if (packed.owner < 0).any() else 0)
    assert torch.equal(longer.answer_at, packed.answer_at)
    assert padded(packed, 3) is packed


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("tokens", [1, 20, 60, 10_000])
def test_batches_have_every_document_once_in_order(written, seed, tokens):
    chance = random.Random(seed)
    documents = written([(chance.randrange(1, 30), chance.randrange(1, 20)) for _ in range(23)], seed=seed)
    order = chance.sample(range(23), 23)
    groups = batches(documents, tokens=tokens, order=order)
    assert [d.key for group in groups for d in group] == order
    assert all(groups)
    sizes = [[len(d.ids) - 5 for d in group] for group in groups]
    assert all(sum(size) <= tokens or len(size) == 1 for size in sizes)
    # As full as they can be: the first document of the next group had no room.
    assert all(sum(size) + after[0] > tokens for size, after in itertools.pairwise(sizes))


def test_a_long_prefix_costs_nothing(written):
    documents = written([(2, 3)] * 6, opening=tuple(range(10, 210)))
    assert [len(g) for g in batches(documents, tokens=8, order=range(6))] == [2, 2, 2]


def test_documents_are_split_in_order_by_count_and_by_tokens():
    documents = [Document(key, (1,) * length, (2,)) for key, length in enumerate([3, 3, 3, 9, 1, 1, 1, 1])]

    def parts(**most):
        return [[d.key for d in part] for part in split(documents, **most)]

    assert parts(count=3, tokens=100) == [[0, 1, 2], [3, 4, 5], [6, 7]]
    assert parts(count=100, tokens=6) == [[0, 1], [2], [3], [4, 5, 6, 7]]  # the fourth is too long for any
    assert parts(count=1, tokens=1) == [[at] for at in range(8)]
    assert split([], count=3, tokens=6) == []


OTHERS = [Document(1, (8, 8, 8), (9, 9)), Document(2, (8, 8, 7, 7), (9,))]


def test_rows_side_by_side_by_hand():
    first, second = pack(DOCUMENTS), pack(OTHERS)
    row = join([first, second])
    assert row.keys == (7, 9, 3, 1, 2)
    assert row.tokens == first.tokens + second.tokens
    assert row.input_ids.tolist() == [first.input_ids.tolist()[0] + second.input_ids.tolist()[0]]
    assert row.position_ids.tolist() == [first.position_ids.tolist()[0] + second.position_ids.tolist()[0]]
    assert row.owner.tolist() == [*first.owner.tolist(), -2, -2, 3, 3, 4, 4]
    assert row.answer_at.tolist() == [*first.answer_at.tolist(), *(at + 11 for at in second.answer_at.tolist())]
    assert row.answer_ids.tolist() == [*first.answer_ids.tolist(), *second.answer_ids.tolist()]
    assert row.lengths == (3, 1, 2, 2, 1)
    assert join([first]) is first


@pytest.mark.parametrize("window", [None, 2])
@pytest.mark.parametrize("extra", [0, 5])
def test_no_row_sees_another_beside_it(window, extra):
    rows = [pack(DOCUMENTS), pack(OTHERS), pack(DOCUMENTS[:1])]
    row = join(rows)
    row = padded(row, row.tokens + extra)
    assert sum(part.tokens for part in row.parts) == row.tokens
    wanted = torch.block_diag(*(visible(part, window=window)[0, 0].int() for part in row.parts)).bool()
    assert torch.equal(visible(row, window=window)[0, 0], wanted)
    assert torch.equal(row.parts[0].owner, rows[0].owner)
