"""Blocks that do not learn are read once for a document that is read again, and everything comes out as before."""

import copy
import dataclasses

import pytest
import torch

from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.distill import lower, teacher
from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.lower import LowerStates, below, beside, frozen_blocks
from langchain_selfparam.distill.packing import Document, join, pack
from langchain_selfparam.distill.precision import mixed_precision
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.student import Course
from langchain_selfparam.model import share
from langchain_selfparam.testing import tiny_model
from langchain_selfparam.weights.shadow import Shadow

LENGTHS = [(3, 4), (20, 7), (9, 1), (1, 30), (13, 2)]
CONFIG = TrainingConfig(rank=4, alpha=8.0, frozen_share=0.5, learning_rate=5e-3, epochs=3, batch_tokens=24)


class Counted:
    """A reader over a shadow of which the upper half learns, and the tokens that its lowest block has read."""

    def __init__(self, local, again=(), **options):
        self.shadow = Shadow(local.model, CONFIG)
        with torch.no_grad():
            for parameter in self.shadow.parameters:
                parameter.add_(0.05)  # not as the base any more
        self.reader = Reader(self.shadow.model, learning=self.shadow.parameters, again=again, **options)
        self.tokens = 0
        self.shadow.model.get_decoder().layers[0].register_forward_pre_hook(self._count)

    def _count(self, module, args):
        self.tokens += args[0].shape[1]

    def hidden(self, documents):
        return self.reader.hidden(pack(documents))


def four_blocks(architecture="llama", **config):
    return tiny_model(architecture, seed=2, num_hidden_layers=4, **config)


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
@pytest.mark.parametrize("way", [None, "dense"])
def test_rows_are_read_as_without_and_the_lowest_blocks_once(written, architecture, way):
    local, documents = four_blocks(architecture), written(LENGTHS)
    plain, kept = Counted(local, way=way), Counted(local, documents, way=way)
    kept.hidden(documents)
    once = kept.tokens
    for part in (documents, documents[::2], documents[::-1], documents[1:2]):
        torch.testing.assert_close(kept.hidden(part), plain.hidden(part), atol=2e-5, rtol=1e-5)
    assert kept.tokens == once
    assert plain.tokens > once


def test_gradients_are_as_without(written):
    local, documents = four_blocks(), written(LENGTHS)
    found = []
    for counted in (Counted(local), Counted(local, documents)):
        for _ in range(2):
            for parameter in counted.shadow.parameters:
                parameter.grad = None
            counted.hidden(documents).square().sum().backward()
        found.append([p.grad for p in counted.shadow.parameters])
    for wanted, gradient in zip(*found, strict=True):
        assert gradient.abs().max() > 0
        torch.testing.assert_close(gradient, wanted, atol=1e-4, rtol=1e-4)


def test_documents_that_are_read_once_are_made_and_not_kept(written):
    local, documents = four_blocks(), written(LENGTHS)
    others = written([(4, 4), (6, 2)], opening=(1, 2, 9), seed=5)  # behind a shorter opening than the others share
    plain, kept = Counted(local), Counted(local, documents)
    row = [*documents[:2], *others, documents[2]]
    kept.hidden(row)
    first = kept.tokens
    for _ in range(2):
        torch.testing.assert_close(kept.hidden(row), plain.hidden(row), atol=2e-5, rtol=1e-5)
    assert first > kept.tokens - first > 0
    assert kept.tokens - first == 2 * pack(others).tokens


def test_without_room_states_are_made_each_time(written, monkeypatch):
    local, documents = four_blocks(), written(LENGTHS)
    size = sum(len(d.ids) - 5 for d in documents) * 32 * 4
    monkeypatch.setattr(lower, "_KEPT_BYTES", size - 1)
    plain, kept = Counted(local), Counted(local, documents)
    for _ in range(2):
        before = kept.tokens
        torch.testing.assert_close(kept.hidden(documents), plain.hidden(documents), atol=2e-5, rtol=1e-5)
    assert 0 < kept.tokens - before < pack(documents).tokens  # the one that did not fit
    monkeypatch.setattr(lower, "_KEPT_BYTES", size)
    kept = Counted(local, documents)
    kept.hidden(documents)
    before = kept.tokens
    kept.hidden(documents)
    assert kept.tokens == before


def read_whole(kept, plain, documents):
    for _ in range(2):
        before = kept.tokens
        torch.testing.assert_close(kept.hidden(documents), plain.hidden(documents), atol=0, rtol=0)
        assert kept.reader.lower(pack(documents)) is None
        assert kept.tokens > before


@pytest.mark.parametrize("architecture", ["gemma2", "gemma3_text"])
def test_decoders_with_windows_are_read_whole(written, architecture):
    local, documents = (
        four_blocks(architecture, layer_types=["sliding_attention", "full_attention"] * 2),
        written(LENGTHS),
    )
    kept = Counted(local, documents)
    read_whole(kept, Counted(local), documents)
    assert not kept.reader.keeps


@pytest.mark.parametrize("more", [0.001, float("nan")])
def test_decoders_that_change_what_they_are_given_as_embeddings_are_read_whole(written, more):
    local, documents = four_blocks(), written(LENGTHS)
    kept = Counted(local, documents)

    def moved(module, args, kwargs):
        if (given := kwargs.get("inputs_embeds")) is not None:
            kwargs["inputs_embeds"] = given + more  # as positions that are learned are added
        return args, kwargs

    kept.shadow.model.get_decoder().register_forward_pre_hook(moved, with_kwargs=True)
    assert kept.reader.keeps  # until it is tried
    read_whole(kept, Counted(local), documents)
    assert not kept.reader.keeps


def test_decoders_that_fail_when_they_are_read_in_parts_are_read_whole(written, caplog):
    local, documents = four_blocks(), written(LENGTHS)
    kept = Counted(local, documents)

    def refuse(module, args, kwargs):
        if kwargs.get("inputs_embeds") is not None:
            raise TypeError("only input_ids here")

    kept.shadow.model.get_decoder().register_forward_pre_hook(refuse, with_kwargs=True)
    with caplog.at_level("INFO"):
        read_whole(kept, Counted(local), documents)
    assert "blocks of LlamaModel are not read in two parts: only input_ids here" in caplog.text


def test_an_error_after_the_first_row_is_no_reason_to_read_whole(written, monkeypatch):
    kept, documents = Counted(four_blocks(), written(LENGTHS)), written(LENGTHS)
    kept.hidden(documents[:2])

    def fail(packed):
        raise MemoryError("full")

    monkeypatch.setattr(kept.reader._lower, "_make", fail)
    with pytest.raises(MemoryError, match="full"):
        kept.hidden(documents)


def test_the_block_that_ends_a_decoder_has_the_kind_of_the_one_it_stands_for(written):
    local, documents = four_blocks(), written(LENGTHS)
    plain, kept = Counted(local), Counted(local, documents)
    decoder = kept.shadow.model.get_decoder()
    for block in decoder.layers:
        block.attention_type = "full_attention"

    def kinds(module, args, kwargs):
        assert {block.attention_type for block in module.layers} == {"full_attention"}

    decoder.register_forward_pre_hook(kinds, with_kwargs=True)
    torch.testing.assert_close(kept.hidden(documents), plain.hidden(documents), atol=2e-5, rtol=1e-5)
    assert kept.reader.keeps


@pytest.mark.parametrize("damping", [None, 0.1])
def test_the_first_row_has_gradients_in_mixed_precision(written, damping):
    local, documents = four_blocks(), written(LENGTHS)
    model = copy.deepcopy(local.model).to(torch.bfloat16)
    shadow = Shadow(model, dataclasses.replace(CONFIG, damping=damping))
    reader = Reader(shadow.model, learning=shadow.parameters, again=documents)
    with mixed_precision(torch.device("cpu"), torch.bfloat16)():
        reader.hidden(pack(documents)).float().square().sum().backward()
    assert reader.keeps
    assert all(p.grad is not None for p in shadow.parameters)
    assert max(float(p.grad.abs().max()) for p in shadow.parameters) > 0


def test_what_is_kept_is_forgotten_when_the_training_ends(written):
    local, documents = four_blocks(), written([(6, 4), (3, 2)])
    head, shadow = Head(local.head.weight), Shadow(local.model, CONFIG)
    reader = Reader(shadow.model, learning=shadow.parameters, again=documents)
    targets = teacher.read(Reader(share(local.model)), head, [documents])
    course = Course(reader, head, shadow.parameters, documents, targets, config=CONFIG)
    assert course.keeps
    course.run()
    assert not course.keeps


def test_a_row_that_is_padded(written, monkeypatch):
    local, documents = four_blocks(), written(LENGTHS)
    plain, kept = Counted(local), Counted(local, documents)
    kept.reader._compiled = True
    for _ in range(2):
        torch.testing.assert_close(kept.hidden(documents), plain.hidden(documents), atol=2e-5, rtol=1e-5)
    assert kept.reader.lower(pack(documents)).states.shape == (pack(documents).tokens, 32)


def test_joined_rows_take_what_each_part_has(written):
    local, documents = four_blocks(), written(LENGTHS)
    kept = Counted(local, documents)
    rows = [pack(documents[:2]), pack(documents[2:])]
    whole = join(rows)
    assert kept.reader.lower(whole) is None
    found = kept.reader.hidden(whole, beside([kept.reader.lower(row) for row in rows]))
    torch.testing.assert_close(found, Counted(local).reader.hidden(whole), atol=2e-5, rtol=1e-5)


def test_parts_of_which_one_has_no_states_have_none_together(written):
    kept = Counted(four_blocks(), written(LENGTHS))
    one = kept.reader.lower(pack(written(LENGTHS)))
    assert one.blocks == 2
    assert beside([one, None]) is None
    assert beside([one, dataclasses.replace(one, blocks=1)]) is None
    assert beside([]) is None
    assert beside([one, one]).states.shape[0] == 2 * one.states.shape[0]


def test_which_blocks_are_frozen():
    decoder = four_blocks().model.get_decoder()
    blocks = [next(block.parameters()) for block in decoder.layers]
    assert frozen_blocks(decoder, blocks[2:]) == 2
    assert frozen_blocks(decoder, [blocks[3], blocks[1]]) == 1
    assert frozen_blocks(decoder, blocks) == 0
    assert frozen_blocks(decoder, []) == 0
    assert frozen_blocks(decoder, [blocks[3], decoder.embed_tokens.weight]) == 0  # below all blocks
    assert frozen_blocks(torch.nn.Linear(2, 2), blocks) == 0  # no blocks


def half_way(decoder):
    assert len(decoder.layers) == 2
    raise ZeroDivisionError


def test_a_decoder_is_whole_again_also_after_an_error():
    local = four_blocks()
    decoder = share(local.model).get_decoder()
    whole = decoder.layers
    with pytest.raises(RuntimeError, match="read to its end; block 2 of 4 was to end it"):
        below(decoder, 2, lambda: None)
    with pytest.raises(ZeroDivisionError):
        below(decoder, 2, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError), lower.above(decoder, 2):
        half_way(decoder)
    assert decoder.layers is whole


def test_states_of_one_document_alone():
    made = []

    def make(packed):
        made.append(packed.tokens)
        return packed.input_ids[0, :, None].float()

    states = LowerStates(make, [Document(0, (4, 5, 6), (7, 8))])
    for _ in range(2):
        assert states.of(pack([Document(3, (4, 5, 6), (7, 9))]))[:, 0].tolist() == [4, 5, 6, 7]  # by what is read
    assert made == [4]


def test_a_student_learns_what_it_learns_without(written):
    local, documents = four_blocks(), written([(6, 4), (3, 2), (9, 5), (4, 4), (5, 5)])
    head, config = Head(local.head.weight), dataclasses.replace(CONFIG, learning_rate=2e-2, epochs=8)
    told = [Document(d.key, (*range(100, 120), *d.prompt), d.answer) for d in documents]
    targets = teacher.read(Reader(share(local.model)), head, [told])
    found = []
    for again in ((), documents):
        shadow = Shadow(local.model, config)
        reader = Reader(shadow.model, learning=shadow.parameters, again=again)
        report = Course(reader, head, shadow.parameters, documents, targets, config=config).run()
        found.append((report, {n: f.b @ f.a for n, f in shadow.delta().layers.items()}))
    (wanted, change), (report, kept) = found
    assert [p.kl for p in report.curve] == pytest.approx([p.kl for p in wanted.curve], rel=1e-3)
    assert report.kl_last < 0.9 * report.kl_first
    for name, expected in change.items():
        assert float((kept[name] - expected).norm()) < 1e-3 * float(expected.norm()), name
