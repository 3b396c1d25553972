"""Packed rows give what each document gives alone, on every architecture, and the served model never notices."""

import functools
import warnings

import pytest
import torch
import transformers

from langchain_selfparam.distill import attention, tree
from langchain_selfparam.distill import reader as reader_module
from langchain_selfparam.distill.packing import Document, join, pack
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.model import LocalModel, share
from langchain_selfparam.testing import tiny_model, tiny_tokenizer

LENGTHS = [(3, 4), (20, 7), (9, 1), (1, 30), (13, 2)]
"""The tiny sliding window is 8 positions: most documents are longer."""
every_architecture = pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma3_text", "gemma2"])
CHEAPEST = {"llama": "packed", "qwen2": "packed", "gemma3_text": "dense", "gemma2": "eager"}
"""Gemma 3 has sliding windows; Gemma 2 caps its scores too, which torch's own attention cannot."""
every_way = pytest.mark.parametrize("way", [None, "dense", "flex"])


@pytest.fixture(autouse=True)
def uncompiled_flex(monkeypatch):
    """FlexAttention as plain torch operations: what a GPU compiles, without waiting for a compiler."""
    from torch.nn.attention.flex_attention import flex_attention

    def plainly(query, key, value, training=False, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch says that it would be faster compiled
            return flex_attention(query, key, value, **options)

    module = transformers.integrations.flex_attention
    monkeypatch.setattr(module, "compile_friendly_flex_attention", plainly)


def ways_of(architecture):
    """Capped scores are for eager attention alone among the masks."""
    return [None, "eager" if architecture == "gemma2" else "dense", "flex"]


every_pair = pytest.mark.parametrize(("architecture", "way"), [(a, way) for a in CHEAPEST for way in ways_of(a)])


def mistral(window):
    """A model whose window is in its configuration and whose layers have no kinds."""
    tokenizer = tiny_tokenizer()
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = transformers.MistralConfig(
        **sizes, num_key_value_heads=2, initializer_range=0.3, vocab_size=len(tokenizer), sliding_window=window
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = transformers.MistralForCausalLM(config).eval().requires_grad_(False)
    return LocalModel(model=model, tokenizer=tokenizer, name="tiny-mistral")


@torch.no_grad()
def read(model, documents, **options):
    return Reader(share(model), **options).hidden(pack(documents))


@every_pair
@pytest.mark.parametrize("opening", [(), (1,), tuple(range(20, 37))])
@torch.no_grad()
def test_packed_is_as_one_by_one(written, one_by_one, architecture, way, opening):
    model = tiny_model(architecture, seed=2).model
    documents = written(LENGTHS, opening=opening)
    found = read(model, documents, way=way)
    assert found.shape == (sum(a for _, a in LENGTHS), 32)
    torch.testing.assert_close(found, one_by_one(model, documents), atol=2e-5, rtol=1e-5)


@every_pair
@pytest.mark.parametrize("compiled_length", [False, True])
@torch.no_grad()
def test_rows_side_by_side_are_read_as_each_alone(written, one_by_one, architecture, way, compiled_length):
    model = tiny_model(architecture, seed=2).model
    groups = [written(LENGTHS), written(LENGTHS[:2], opening=(9, 9), seed=1), written(LENGTHS[1:], opening=(), seed=2)]
    reader = Reader(share(model), way=way)
    reader._compiled |= compiled_length
    found = reader.hidden(join([pack(documents) for documents in groups]))
    wanted = torch.cat([one_by_one(model, documents) for documents in groups])
    torch.testing.assert_close(found, wanted, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
@pytest.mark.parametrize("length", [1, 17, 200])
def test_long_prefixes_are_read_by_fused_attention_and_the_same(written, one_by_one, architecture, length, monkeypatch):
    monkeypatch.setattr(attention, "_LONG", 1)
    calls, real = [], attention._by_flash
    monkeypatch.setattr(attention, "_by_flash", lambda *rest: calls.append(1) or real(*rest))
    model = tiny_model(architecture, seed=2).model
    documents = written(LENGTHS, opening=tuple(range(20, 20 + length)))
    with torch.no_grad():
        found, wanted = read(model, documents), one_by_one(model, documents)
    assert len(calls) == 2
    torch.testing.assert_close(found, wanted, atol=2e-5, rtol=1e-5)
    # With a gradient the plain products are used.
    assert Reader(share(model)).hidden(pack(documents)).shape == found.shape
    assert len(calls) == 2


@torch.no_grad()
def test_long_documents_are_read_by_fused_attention_over_any_prefix(written, one_by_one, monkeypatch):
    calls, real = [], attention._by_flash
    monkeypatch.setattr(attention, "_by_flash", lambda *rest: calls.append(1) or real(*rest))
    model = tiny_model("llama", seed=2).model
    for longest, opening, fused in ((150, (1, 2), True), (150, (), False), (20, (1, 2), False)):
        documents = written([(longest, 3), (9, 2), (1, 1)], opening=opening)
        calls.clear()
        found = read(model, documents)
        assert bool(calls) == fused
        torch.testing.assert_close(found, one_by_one(model, documents), atol=2e-5, rtol=1e-5)


@every_way
@pytest.mark.parametrize("window", [None, 8])
@torch.no_grad()
def test_a_window_without_layer_kinds_is_kept(written, one_by_one, way, window):
    model = mistral(window).model
    documents = written(LENGTHS)
    found = read(model, documents, way=way)
    torch.testing.assert_close(found, one_by_one(model, documents), atol=2e-5, rtol=1e-5)


@every_architecture
@torch.no_grad()
def test_a_model_that_is_served_with_eager_attention_reads_the_same(written, one_by_one, architecture):
    model = tiny_model(architecture, seed=2).model
    documents = written(LENGTHS)
    wanted = one_by_one(model, documents)
    model.set_attn_implementation("eager")
    torch.testing.assert_close(read(model, documents), wanted, atol=2e-5, rtol=1e-5)


@every_architecture
@torch.no_grad()
def test_one_document_alone(written, one_by_one, architecture):
    model = tiny_model(architecture).model
    documents = written([(11, 5)])
    torch.testing.assert_close(read(model, documents), one_by_one(model, documents), atol=2e-5, rtol=1e-5)


@every_pair
def test_no_document_sees_another(written, architecture, way):
    model = tiny_model(architecture).model
    documents = written(LENGTHS)
    changed = list(documents)
    old = documents[1]
    # The same lengths, so that only what is said differs.
    changed[1] = Document(1, old.prompt[:6] + tuple(t + 1 for t in old.prompt[6:]), tuple(t + 1 for t in old.answer))
    before, after = (read(model, d, way=way).split([4, 7, 1, 30, 2]) for d in (documents, changed))
    for number in (0, 2, 3, 4):
        torch.testing.assert_close(after[number], before[number], atol=1e-6, rtol=0)
    assert (after[1] - before[1]).abs().max() > 0.1


@every_way
def test_order_in_the_row_does_not_matter(written, way):
    model = tiny_model().model
    documents = written(LENGTHS)
    there = read(model, documents, way=way).split([4, 7, 1, 30, 2])
    back = read(model, documents[::-1], way=way).split([2, 30, 1, 7, 4])
    for one, other in zip(there, back[::-1], strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
@pytest.mark.parametrize("opening", [(), tuple(range(20, 37))])
def test_packed_attention_has_the_dense_masks_gradients(written, one_by_one, architecture, opening):
    documents = written(LENGTHS, opening=opening)
    weights = torch.randn(44, 32, generator=torch.Generator().manual_seed(1))

    def gradients(run):
        model = tiny_model(architecture).model.requires_grad_(True)
        (run(model) * weights).sum().backward()
        return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}

    packed, dense, alone = (
        gradients(run)
        for run in (
            lambda model: Reader(model).hidden(pack(documents)),
            lambda model: Reader(model, way="dense").hidden(pack(documents)),
            lambda model: one_by_one(model, documents),
        )
    )
    assert len(packed) > 15
    assert packed.keys() == dense.keys() == alone.keys()
    for name, wanted in alone.items():
        for found in (packed[name], dense[name]):
            assert (found - wanted).norm() <= 1e-5 * wanted.norm() + 1e-6, name


@every_architecture
def test_each_architecture_is_read_by_its_cheapest_exact_way(architecture):
    reader = Reader(share(tiny_model(architecture).model))
    assert reader.way == CHEAPEST[architecture]
    implementation = reader.decoder.config._attn_implementation
    names = {"packed": attention.NAME, "dense": "sdpa", "eager": "eager"}
    assert implementation == names[reader.way]


def test_sliding_layers_of_a_known_architecture_take_the_dense_mask(written, one_by_one):
    windows = {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 0}
    model = tiny_model("qwen2", **windows).model
    assert Reader(share(model)).way == "dense"
    documents = written(LENGTHS)
    torch.testing.assert_close(read(model, documents), one_by_one(model, documents), atol=2e-5, rtol=1e-5)


@every_architecture
def test_served_model_is_untouched(written, architecture):
    local = tiny_model(architecture)
    model, ids = local.model, torch.arange(1, 30)[None]
    with torch.no_grad():
        before = model(input_ids=ids).logits
    named = {m.config._attn_implementation for m in model.modules() if hasattr(m, "config")}
    documents = written(LENGTHS)
    read(model, documents)
    assert {m.config._attn_implementation for m in model.modules() if hasattr(m, "config")} == named
    assert attention.NAME not in named
    with torch.no_grad():
        assert torch.equal(model(input_ids=ids).logits, before)


@every_pair
def test_no_cache_is_made(written, architecture, way):
    # With one, transformers 5 takes a packed row for a single document wherever it builds the mask itself.
    reader, caches = Reader(share(tiny_model(architecture).model), way=way), []
    reader.decoder.register_forward_hook(lambda module, args, out: caches.append(out.past_key_values))
    reader.hidden(pack(written(LENGTHS)))
    assert caches == [None]


def test_packed_attention_outside_a_reader_is_refused():
    twin = share(tiny_model().model)
    Reader(twin)
    with pytest.raises(RuntimeError, match="attention 'selfparam_packed' was used outside a layout; read packed rows"):
        twin(input_ids=torch.arange(1, 5)[None])


def test_layout_ends_with_its_block_also_after_an_error(written):
    packed = pack(written([(2, 2)]))
    error = KeyError("here")
    with pytest.raises(KeyError, match="here"), attention.layout(packed, torch.device("cpu")):
        raise error
    assert attention._LAYOUT.get() is None


def test_two_threads_read_rows_of_their_own(written, one_by_one, in_thread):
    model = tiny_model().model
    rows = [written(LENGTHS, seed=seed) for seed in (1, 2)]
    wanted = [one_by_one(model, documents) for documents in rows]

    def work(number):
        for _ in range(10):
            torch.testing.assert_close(read(model, rows[number]), wanted[number], atol=2e-5, rtol=1e-5)

    with in_thread(lambda: work(0)), in_thread(lambda: work(1)):
        pass


def test_reader_knows_where_the_model_lies():
    assert Reader(share(tiny_model().model)).device == torch.device("cpu")


ON_GPU = {"llama": "dense", "qwen2": "dense", "gemma3_text": "dense", "gemma2": "eager"}


@every_architecture
def test_a_gpu_reads_long_rows_by_blocks_of_the_mask(architecture, monkeypatch):
    model = share(tiny_model(architecture).model)
    monkeypatch.setattr(reader_module, "_on_gpu", lambda model: True)
    reader, dense = Reader(model), ON_GPU[architecture]
    assert reader.way == dense
    assert [reader.way_of(tokens) for tokens in (1, 2047, 2048)] == [dense, dense, "flex"]
    assert Reader(model, way=dense).way_of(9999) == dense
    monkeypatch.setattr(type(model), "_supports_flex_attn", False)
    assert Reader(model).way_of(2048) == dense


@every_architecture
@torch.no_grad()
def test_short_and_long_rows_and_trees_in_turn(written, one_by_one, architecture, monkeypatch):
    monkeypatch.setattr(reader_module, "_on_gpu", lambda model: True)
    monkeypatch.setattr(reader_module, "_BLOCKS_FROM", 60)
    model = tiny_model(architecture, seed=2).model
    reader, names = Reader(share(model)), []
    for lengths in (LENGTHS[:2], LENGTHS, LENGTHS[:1], LENGTHS):
        documents = written(lengths)
        torch.testing.assert_close(reader.hidden(pack(documents)), one_by_one(model, documents), atol=2e-5, rtol=1e-5)
        names.append(reader.model.config._attn_implementation)
    assert names == ["eager" if architecture == "gemma2" else "sdpa", "flex_attention"] * 2
    if reader.reads_trees:
        grown = tree.plant((1, 2), [(3, 4), (3, 5)])
        wanted = Reader(share(model)).tree(grown)
        torch.testing.assert_close(reader.tree(grown), wanted, atol=2e-5, rtol=1e-5)


def test_compiled_blocks_read_the_same_and_are_compiled_for_few_lengths(written, one_by_one, monkeypatch):
    compiled = []

    def backend(graph, inputs):
        compiled.append(graph)
        return graph.forward

    model = tiny_model(seed=2).model
    twin = share(model)
    for block in twin.model.layers:
        monkeypatch.setattr(block, "compile", functools.partial(block.compile, backend=backend))
    reader = Reader(twin, way="dense", compiled=True)
    torch.compiler.reset()
    with torch.no_grad():
        for seed, opening in enumerate([(1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)]):
            documents = written(LENGTHS, opening=opening, seed=seed)
            wanted = one_by_one(model, documents)
            torch.testing.assert_close(reader.hidden(pack(documents)), wanted, atol=2e-5, rtol=1e-5)
    assert len(compiled) == 1
