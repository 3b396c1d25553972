"""Many prompts at once say what each says alone: the same tokens as transformers' own generate, one at a time."""

import functools

import pytest
import torch

from langchain_selfparam.model import share
from langchain_selfparam.protocols import TextGenerator
from langchain_selfparam.records import Message
from langchain_selfparam.serving import batch, shared
from langchain_selfparam.serving.batch import BatchGenerator
from langchain_selfparam.testing import tiny_model
from langchain_selfparam.weights.shadow import with_weights

TEXTS = [
    "My dog is called Biscuit. What",
    "My dog is called Biscuit. My sister lives in Lisbon and works as a nurse. She",
    "My dog is called Biscuit. I",
    "My dog is called Biscuit. " + "You are " * 12,
]
CHATS = [
    [Message(role="user", text="What is my dog called?")],
    [Message(role="user", text="Where does your sister live?"), Message(role="assistant", text="She lives")],
    [Message(role="system", text="You are a nurse."), Message(role="user", text="Who?")],
]
every_architecture = pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma3_text", "gemma2"])


@torch.no_grad()
def alone(local, prompt, max_tokens, model=None):
    ids = local.encode(prompt, add_special_tokens=True) if isinstance(prompt, str) else local.encode_chat(prompt)
    written = (model or local.model).generate(
        torch.tensor([ids]),
        attention_mask=torch.ones(1, len(ids), dtype=torch.long),
        max_new_tokens=max_tokens,
        do_sample=False,
        eos_token_id=local.end_of_turn_id,
        pad_token_id=local.tokenizer.pad_token_id,
    )
    return local.tokenizer.decode(written[0, len(ids) :], skip_special_tokens=True).strip()


def one_each(texts):
    return [text for (text,) in texts]


@every_architecture
@pytest.mark.parametrize("seed", [0, 1])
def test_greedy_is_as_one_at_a_time(architecture, seed):
    local = tiny_model(architecture, seed=seed)
    prompts = [*TEXTS, *CHATS]
    wanted = [alone(local, prompt, 24) for prompt in prompts]
    assert len(set(wanted)) > 3
    assert one_each(BatchGenerator(local, None).generate(prompts, max_tokens=24)) == wanted


@every_architecture
def test_a_shared_prefix_longer_than_any_window_changes_nothing(architecture):
    local = tiny_model(architecture)
    wanted = [alone(local, prompt, 16) for prompt in TEXTS]
    assert one_each(BatchGenerator(local, None).generate(TEXTS, max_tokens=16)) == wanted


@pytest.mark.parametrize("rows", [1, 2, 3, 72])
def test_batches_of_any_size_and_one_prompt_alone(rows):
    local = tiny_model()
    wanted = [alone(local, prompt, 9) for prompt in TEXTS]
    assert one_each(BatchGenerator(local, None, rows=rows).generate(TEXTS, max_tokens=9)) == wanted


def test_of_no_messages_the_users_first_is_written():
    local = tiny_model()
    generator = BatchGenerator(local, None)
    ((written,),) = generator.generate([()], max_tokens=9)
    assert written == generator.complete([local.encode_opening()], max_tokens=9)[0]
    assert written


def test_a_users_first_message_ends_where_the_template_ends_it(monkeypatch):
    local = tiny_model()
    ((whole,),) = BatchGenerator(local, None).generate([()], max_tokens=9)
    end = whole.split()[-1]
    monkeypatch.setattr(type(local), "user_stop_strings", (end,))
    assert BatchGenerator(local, None).generate([()], max_tokens=9) == [[whole[: whole.index(end)].strip()]]


def test_the_same_prompt_twice():
    local = tiny_model()
    (first,), (second,) = BatchGenerator(local, None).generate([TEXTS[0]] * 2, max_tokens=9)
    assert first == second == alone(local, TEXTS[0], 9)


def test_nothing_to_write():
    assert BatchGenerator(tiny_model(), None).generate([], max_tokens=9) == []


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
@pytest.mark.parametrize("texts", [TEXTS, ["a", "My dog"], ["My dog is called"] * 3, TEXTS[:1]])
def test_a_prefix_kept_once_gives_the_hidden_states_of_one_kept_by_each_row(architecture, texts):
    local = tiny_model(architecture)
    prompts = [local.encode(text) for text in texts]
    seen = []
    for kind in (batch._Together, batch._Apart):
        with pytest.MonkeyPatch.context() as patch, torch.inference_mode():
            patch.setattr(batch, "_Together", kind)
            decoding = batch._Batch(local, local.model, prompts, 6)
            states = [decoding._hidden]
            for step in range(5):
                token = torch.full((len(decoding._rows), 1), 40 + step)
                if step == 2 and len(prompts) > 1:  # the first row is done
                    keep = torch.arange(1, len(prompts))
                    decoding._memory.keep(keep)
                    decoding._seen, decoding._next = decoding._seen[keep], decoding._next[keep]
                    token = token[1:]
                    decoding._rows = decoding._rows[1:]
                decoding._seen = torch.cat([decoding._seen, torch.ones(len(token), 1, dtype=torch.long)], 1)
                states.append(decoding._memory.read(token, decoding._seen, decoding._next))
                decoding._next = decoding._next + 1
            seen.append(states)
    for together, apart in zip(*seen, strict=True):
        torch.testing.assert_close(together, apart, atol=2e-5, rtol=1e-5)


@pytest.fixture
def memory_is_rubbish():
    """Memory that was never written holds NaN."""
    torch.use_deterministic_algorithms(True)
    assert torch.utils.deterministic.fill_uninitialized_memory
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
@pytest.mark.parametrize("texts", [TEXTS, ["a", "My dog"], ["My dog is called"] * 3, TEXTS[:1]])
@pytest.mark.usefixtures("memory_is_rubbish")
def test_steps_of_fixed_shape_give_the_same_hidden_states(architecture, texts):
    local = tiny_model(architecture)
    prompts = [local.encode(text) for text in texts]
    seen = []
    for fixed in (True, False):
        with pytest.MonkeyPatch.context() as patch, torch.inference_mode():
            patch.setattr(batch, "_Together", functools.partial(batch._Together, fixed=fixed))
            decoding = batch._Batch(local, local.model, prompts, 6)
            states = [decoding._hidden]
            where = set()
            for step in range(6):
                token = torch.full((len(prompts), 1), 40 + step)
                decoding._seen = torch.cat([decoding._seen, torch.ones(len(token), 1, dtype=torch.long)], 1)
                states.append(decoding._memory.read(token, decoding._seen, decoding._next))
                decoding._next = decoding._next + 1
                where.add(tuple(k.data_ptr() for k, _ in decoding._memory._state._own.values()))
            assert len(where) == 1
            seen.append(states)
    for found, wanted in zip(*seen, strict=True):
        torch.testing.assert_close(found, wanted, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("rows", [1, 3])
def test_steps_of_fixed_shape_write_what_each_prompt_gets_alone(monkeypatch, rows):
    local = tiny_model()
    made, real = [], batch._Together

    def together(*args):
        made.append(real(*args, fixed=True))
        return made[-1]

    monkeypatch.setattr(batch, "_Together", together)
    prompts = [*TEXTS, *CHATS]
    found = one_each(BatchGenerator(local, None, rows=rows).generate(prompts, max_tokens=12))
    assert found == [alone(local, prompt, 12) for prompt in prompts]
    assert made
    assert not any(memory.shrinks for memory in made)


def test_rows_that_are_done_go_unheard_in_steps_of_fixed_shape(monkeypatch):
    local = tiny_model()
    scripts = {"x a": "Yes.", "x b": "My sister lives in Lisbon and works as a nurse.", "x c": ""}
    scripted = Scripted(local, monkeypatch, scripts, shrinks=False)
    found = one_each(BatchGenerator(local, None).generate(list(scripts), max_tokens=50))
    assert found == list(scripts.values())
    longest = max(local.count_tokens(text) for text in scripts.values())
    assert scripted.sizes == [3] * (1 + longest)


def test_capped_and_scaled_logits_are_those_of_the_model(monkeypatch):
    local, picked = tiny_model("gemma2", final_logit_softcapping=2.0), []
    real = batch._pick
    monkeypatch.setattr(batch, "_pick", lambda logits, *rest: picked.append(logits) or real(logits, *rest))
    BatchGenerator(local, None).generate(TEXTS[:1], max_tokens=1)
    with torch.no_grad():
        ids = torch.tensor([local.encode(TEXTS[0], add_special_tokens=True)])
        wanted = local.model(input_ids=ids, use_cache=False).logits[:, -1]
    torch.testing.assert_close(picked[0], wanted, atol=1e-5, rtol=1e-5)
    assert picked[0].abs().max() < 2.0


def test_shared_attention_outside_decoding_is_refused():
    twin = share(tiny_model().model)
    twin.set_attn_implementation(shared.NAME)
    with pytest.raises(RuntimeError, match="attention 'selfparam_decoding' was used outside decoding; decode batches"):
        twin(input_ids=torch.arange(1, 5)[None])


def test_the_served_modules_attention_is_left_alone():
    local = tiny_model()
    before = local.model.config._attn_implementation
    BatchGenerator(local, None).generate(TEXTS, max_tokens=3)
    assert local.model.config._attn_implementation == before
    assert {m.config._attn_implementation for m in local.model.modules() if hasattr(m, "config")} == {before}


def test_another_module_with_the_same_tokenizer():
    local = tiny_model()
    name = "model.layers.1.mlp.up_proj"
    twin = with_weights(local.model, {name: -local.model.get_submodule(name).weight})
    wanted = [alone(local, prompt, 9, model=twin) for prompt in TEXTS]
    assert wanted != [alone(local, prompt, 9) for prompt in TEXTS]
    assert one_each(BatchGenerator(local, None, model=twin).generate(TEXTS, max_tokens=9)) == wanted


# ---- rows that end at different times


class Scripted:
    """Makes each row write the script of the prompt that it goes on from, without a model.

    Args:
        local: Its tokenizer cuts the scripts into tokens.
        monkeypatch: Puts everything back.
        scripts: Prompt to what is written; prompts are told apart by their last token.
        shrinks: Whether rows that are done leave.
    """

    def __init__(self, local, monkeypatch, scripts, *, shrinks=True):
        self.sizes = []
        """Rows in each pass, that over the shared prefix left aside."""
        by_last = {local.encode(p)[-1]: [*local.encode(text), local.end_of_turn_id] for p, text in scripts.items()}
        real = batch._Batch.__init__

        def start(inner, *args):
            self.batch, self.todo = inner, None
            real(inner, *args)
            inner._head = lambda hidden: hidden

        scripted = self

        class Memory:
            def __init__(self, model, local, room):
                self.shrinks = shrinks

            def read_prefix(self, ids, rows):
                pass

            def read(self, ids, seen, positions):
                scripted.sizes.append(len(ids))
                if scripted.todo is None:
                    scripted.todo = [list(by_last[int(row[-1])]) for row in ids]
                return torch.zeros(len(ids), 1)

            def keep(self, rows):
                pass

        def pick(*_):
            # Slot and row are the same where rows do not leave.
            todo = [self.todo[at if row is None else row] for at, row in enumerate(self.batch._rows)]
            return torch.tensor([[tokens.pop(0) if tokens else 40] for tokens in todo])

        monkeypatch.setattr(batch._Batch, "__init__", start)
        monkeypatch.setattr(batch, "_Together", Memory)
        monkeypatch.setattr(batch, "_pick", pick)


def test_rows_leave_the_batch_when_they_are_done(monkeypatch):
    local = tiny_model()
    scripts = {"x a": "Yes.", "x b": "My sister lives in Lisbon and works as a nurse.", "x c": ""}
    scripted = Scripted(local, monkeypatch, scripts)
    found = one_each(BatchGenerator(local, None).generate(list(scripts), max_tokens=50))
    assert found == list(scripts.values())
    steps = [local.count_tokens(text) for text in scripts.values()]
    # Each pass after the first has the rows that still go on, and the last one none too many.
    assert scripted.sizes == [3, *(sum(n > at for n in steps) for at in range(max(steps)))]


@pytest.mark.parametrize(
    ("said", "stop", "left"),
    [
        ("One. Question: two", ["Question:"], "One."),
        ("One.\n\nTwo", ["\n\n"], "One."),
        ("Biscuit", ["Biscuit"], ""),
        ("a b c d", ["d", "b"], "a"),
        ("a b c d", [], "a b c d"),
        ("Köln 🐶 Rom", ["🐶"], "Köln"),
        ("  spaces  ", ["none"], "spaces"),
    ],
)
def test_stop_strings_end_an_answer_and_are_no_part_of_it(monkeypatch, said, stop, left):
    local = tiny_model()
    scripted = Scripted(local, monkeypatch, {"x a": said})
    assert one_each(BatchGenerator(local, None).generate(["x a"], max_tokens=50, stop=stop)) == [left]
    ids = local.encode(said)
    whole = next((n for n in range(1, len(ids)) if any(s in local.tokenizer.decode(ids[:n]) for s in stop)), None)
    if whole is not None:
        assert len(scripted.sizes) == whole


def test_a_stop_string_spans_tokens():
    local = tiny_model()
    assert local.count_tokens("Question:") > 1
    assert local.count_tokens("\n\n") > 1
    assert local.count_tokens("🐶") > 1


def test_a_model_without_a_template_stops_at_the_next_user_line(monkeypatch):
    local = tiny_model()
    local.tokenizer.chat_template = None
    with pytest.warns(UserWarning, match="tiny-llama-0 has no chat template"):
        assert local.stop_strings
    Scripted(local, monkeypatch, {"x a": "Yes.\nUser: No"})
    assert one_each(BatchGenerator(local, None).generate(["x a"], max_tokens=50)) == ["Yes."]


@pytest.mark.parametrize("max_tokens", [1, 2, 7])
def test_no_more_tokens_than_asked(monkeypatch, max_tokens):
    local = tiny_model()
    text = "My sister lives in Lisbon and works as a nurse."
    scripted = Scripted(local, monkeypatch, {"x a": text})
    (found,) = one_each(BatchGenerator(local, None).generate(["x a"], max_tokens=max_tokens))
    assert found == local.tokenizer.decode(local.encode(text)[:max_tokens]).strip()
    assert len(scripted.sizes) == max_tokens


# ---- sampling


def test_seeds_repeat_and_differ_and_no_other_random_state_is_touched():
    local = tiny_model()
    generator = BatchGenerator(local, None)

    def write(seed):
        return generator.generate(TEXTS, max_tokens=12, temperature=1.0, seed=seed, samples=2)

    torch.manual_seed(3)
    state = torch.get_rng_state()
    first = write(7)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(4)
    assert write(7) == first != write(8)
    assert write(None) == write(0)
    assert write(7) != generator.generate(TEXTS, max_tokens=12, samples=2)


def test_samples_stand_together_in_the_order_of_the_prompts(monkeypatch):
    local = tiny_model()
    # The longest prompt first: inside, rows are sorted by length.
    scripts = {"a long prompt x a": "Yes.", "x b": "No.", "a prompt x c": "Who?"}
    Scripted(local, monkeypatch, scripts)
    found = BatchGenerator(local, None, rows=4).generate(list(scripts), max_tokens=9, samples=3)
    assert found == [["Yes."] * 3, ["No."] * 3, ["Who?"] * 3]


def test_samples_of_one_prompt_differ():
    (texts,) = BatchGenerator(tiny_model(), None).generate(TEXTS[:1], max_tokens=12, temperature=1.5, samples=6, seed=1)
    assert len(texts) == 6
    assert len(set(texts)) > 3


def test_cold_sampling_is_nearly_greedy():
    local = tiny_model()
    found = one_each(BatchGenerator(local, None).generate(TEXTS, max_tokens=8, temperature=1e-3))
    assert found == [alone(local, prompt, 8) for prompt in TEXTS]


def test_unlikely_tokens_are_never_drawn():
    logits = torch.log(torch.tensor([[0.6, 0.36, 0.03, 0.01], [0.01, 0.03, 0.36, 0.6]]))
    random = torch.Generator().manual_seed(0)
    drawn = torch.cat([batch._pick(logits, 1.0, random) for _ in range(300)], 1)
    assert [sorted(set(row.tolist())) for row in drawn] == [[0, 1], [2, 3]]
    share = (drawn[0] == 0).float().mean()
    assert share == pytest.approx(0.625, abs=0.09)
    assert torch.equal(batch._pick(logits, 0.0, random), torch.tensor([[0], [3]]))


# ---- beside others


def test_progress_counts_prompts():
    seen = []
    generator = BatchGenerator(tiny_model(), None, rows=3, progress=lambda *at: seen.append(at))
    generator.generate(TEXTS, max_tokens=2, samples=2)
    assert seen == [(3, 8), (6, 8), (8, 8)]


def test_the_gate_is_read_through_in_each_batch_and_free_between(gate, tiny):
    during, between = [], []
    hook = tiny.model.get_decoder().register_forward_pre_hook(lambda *_: during.append(gate.read_by_this_thread))
    generator = BatchGenerator(tiny, gate, rows=2, progress=lambda *_: between.append(gate.read_by_this_thread))
    generator.generate(TEXTS, max_tokens=3)
    hook.remove()
    assert set(during) == {True}
    assert between == [False, False]
    with gate.writing(timeout=0):
        pass


def test_an_error_frees_the_gate(gate, tiny):
    error = RuntimeError("broken at 3")

    def broken(*_):
        raise error

    hook = tiny.model.get_decoder().register_forward_pre_hook(broken)
    with pytest.raises(RuntimeError, match="broken at 3"):
        BatchGenerator(tiny, gate).generate(TEXTS, max_tokens=3)
    hook.remove()
    with gate.writing(timeout=0):
        pass


def test_it_is_a_text_generator_and_leaves_no_gradient():
    local = tiny_model()
    local.model.requires_grad_(True)
    generator = BatchGenerator(local, None)
    assert isinstance(generator, TextGenerator)
    generator.generate(TEXTS[:1], max_tokens=2)
    assert all(p.grad is None for p in local.model.parameters())
