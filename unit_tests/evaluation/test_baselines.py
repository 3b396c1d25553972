"""Baselines learn what they are said to learn: the loss they minimise falls, the served model stays as it was."""

import dataclasses

import pytest
import torch
from torch.nn import functional

from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.errors import InputError, NoTargetsError, UnsupportedModelError
from langchain_selfparam.evaluation import baselines
from langchain_selfparam.evaluation.baselines import Baseline, Lesson, drift_of, part_of
from langchain_selfparam.evaluation.datasets import Conversation
from langchain_selfparam.records import Message, Probe, TargetSentence, TargetSet
from langchain_selfparam.testing import tiny_model

CONFIG = TrainingConfig(rank=4, alpha=8.0, batch_tokens=64, frozen_share=0.0)
TOLD = "Your dog is called Biscuit."


@pytest.fixture
def lesson():
    sentences = (
        TargetSentence(
            kind="question",
            prompt="What is my dog called?",
            answer="Your dog",
            ends=False,
            context=(Message(role="user", text="Note?"), Message(role="assistant", text=TOLD)),
            turn_id=1,
        ),
        TargetSentence(kind="neutral", prompt="What is water?", answer="A liquid.", ends=False),
    )
    said = Conversation(id="a", title="", turns=(("My dog is called Biscuit.", "Nice!"),), questions=(), neighbours=())
    taught = TargetSet(statements=(), sentences=sentences, probes=(), dropped={})
    return Lesson(conversations=[said], taught=[taught], steps=30)


def nats(local, model, start, text):
    ids = torch.tensor([start + text])
    with torch.no_grad():
        logits = model(input_ids=ids).logits[0, len(start) - 1 : -1].float()
    return float(functional.cross_entropy(logits, ids[0, len(start) :]))


def asked(local):
    return local.encode_chat([Message(role="user", text="What is my dog called?")])


def test_fine_tuning_on_the_text_learns_the_text(tiny, lesson):
    before = {name: p.clone() for name, p in tiny.model.named_parameters()}
    model = Baseline(tiny, "ft-context", config=CONFIG).learn(tiny.model, lesson, rate=5e-3)
    start = tiny.encode("", add_special_tokens=True) or [tiny.end_of_turn_id]
    text = tiny.encode("My dog is called Biscuit.")
    assert nats(tiny, model, start, text) < nats(tiny, tiny.model, start, text) - 0.5
    assert all(torch.equal(before[name], p) for name, p in tiny.model.named_parameters())


def test_fine_tuning_on_sentences_learns_whole_answers(tiny, lesson):
    seen = []
    baseline = Baseline(tiny, "ft-sentences", config=CONFIG)
    model = baseline.learn(tiny.model, lesson, rate=5e-3, progress=lambda *at: seen.append(at))
    answer = [*tiny.encode(TOLD), tiny.end_of_turn_id]
    assert nats(tiny, model, asked(tiny), answer) < nats(tiny, tiny.model, asked(tiny), answer) - 0.5
    assert seen[-1] == (30, 30)  # as many steps as the memory took


def test_fine_tuning_takes_no_more_steps_than_the_memory(tiny, lesson):
    seen = []
    said = dataclasses.replace(lesson.conversations[0], turns=(("One.", ""), ("Two words.", ""), ("Three.", "")))
    config = dataclasses.replace(CONFIG, batch_tokens=4)  # several steps an epoch, and 5 are no whole epochs
    baseline = Baseline(tiny, "ft-context", config=config)
    each = dataclasses.replace(lesson, conversations=[said], steps=5)
    baseline.delta(tiny.model, each, rate=5e-3, progress=lambda *at: seen.append(at))
    assert seen == [(step, 5) for step in range(1, 6)]


def test_the_published_recipe_moves_towards_the_model_that_reads_the_text(tiny, lesson):
    baseline = Baseline(tiny, "published", config=CONFIG, rounds=40)
    assert baseline.rates == (2e-5,)
    text = tiny.encode(f"Question: What is my dog called? Answer: {TOLD}")
    start = tiny.encode("", add_special_tokens=True) or [tiny.end_of_turn_id]
    context = tiny.encode("User: My dog is called Biscuit.\nAssistant: Nice!")

    def kl(model):
        with torch.no_grad():
            told = tiny.model(input_ids=torch.tensor([start + context + text])).logits[0, -len(text) - 1 : -1]
            said = model(input_ids=torch.tensor([start + text])).logits[0, len(start) - 1 : -1]
        p = told.double().log_softmax(-1)
        return float((p.exp() * (p - said.double().log_softmax(-1))).sum(-1).mean())

    assert kl(baseline.learn(tiny.model, lesson, rate=5e-3)) < 0.8 * kl(tiny.model)


def test_published_without_unrelated_text_goes_on(tiny, lesson):
    (taught,) = lesson.taught
    bare = dataclasses.replace(lesson, taught=[dataclasses.replace(taught, sentences=taught.sentences[:1])])
    seen = []
    baseline = Baseline(tiny, "published", config=CONFIG, rounds=2)
    baseline.learn(tiny.model, bare, rate=2e-5, progress=lambda *at: seen.append(at))
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize("name", ["ft-sentences", "published"])
def test_nothing_consolidated_is_nothing_to_learn_from(tiny, lesson, name):
    bare = dataclasses.replace(lesson, taught=[])
    baseline = Baseline(tiny, name, config=TrainingConfig(rank=2))
    with pytest.raises(NoTargetsError, match=rf"nothing was taught: the memory has no questions for {name} to learn"):
        baseline.learn(tiny.model, bare, rate=1e-3)


def test_no_step_of_the_memory_is_no_step_of_fine_tuning(tiny, lesson):
    baseline = Baseline(tiny, "ft-context", config=CONFIG)
    with pytest.raises(NoTargetsError, match=r"nothing was taught: the memory took no training step, and ft-context"):
        baseline.learn(tiny.model, dataclasses.replace(lesson, steps=0), rate=1e-3)
    assert part_of(dataclasses.replace(lesson, steps=0), every=4).steps == 0


@pytest.fixture
def two(lesson):
    """A lesson about two conversations, the second of two turns."""
    dog, neutral = lesson.taught[0].sentences
    context = (dog.context[0], Message(role="assistant", text="Your cat is Tom."))
    cat = dataclasses.replace(dog, prompt="What is my cat called?", turn_id=3, context=context)
    said = Conversation(
        id="b", title="", turns=(("I like tea.", "Fine."), ("My cat is Tom.", "Oh!")), questions=(), neighbours=()
    )
    taught = dataclasses.replace(lesson.taught[0], sentences=(dog, cat, neutral))
    return dataclasses.replace(
        lesson, conversations=[*lesson.conversations, said], taught=[taught], turns=[{1}, {2, 3}]
    )


def test_the_published_recipe_reads_each_conversation_with_its_own_questions(tiny, two, monkeypatch):
    read, known, seen = baselines.teacher.read, [], []

    def watched(reader, head, groups):
        known.append(tiny.tokenizer.decode([*groups[0][0].prompt, *groups[0][0].answer]))
        return read(reader, head, groups)

    monkeypatch.setattr(baselines.teacher, "read", watched)
    baseline = Baseline(tiny, "published", config=CONFIG, rounds=3)
    baseline.learn(tiny.model, two, rate=2e-5, progress=lambda *at: seen.append(at))
    assert seen[-1] == (6, 6)  # three rounds each
    asked = [text for text in known if "Question:" in text]
    assert len(asked) == 6
    assert all(("dog" in text, "cat" in text) == (at % 2 == 0, at % 2 == 1) for at, text in enumerate(asked))


def test_a_text_beyond_the_window_is_an_error_that_says_so(tiny, two, monkeypatch):
    monkeypatch.setattr(tiny.config, "max_position_embeddings", 20)
    with pytest.raises(InputError, match=r"reads a with a question in one prompt of \d+ tokens, and .* reads 20;"):
        Baseline(tiny, "published", config=CONFIG).learn(tiny.model, two, rate=2e-5)


def test_a_change_is_the_same_when_it_is_put_on_later(tiny, lesson):
    baseline = Baseline(tiny, "ft-context", config=CONFIG)
    whole = baseline.learn(tiny.model, lesson, rate=5e-3).state_dict()
    again = baselines.merged(tiny.model, baseline.delta(tiny.model, lesson, rate=5e-3)).state_dict()
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_labels_are_cross_entropy(tiny, lesson):
    from langchain_selfparam.distill.objective import forward_kl
    from langchain_selfparam.distill.packing import pack
    from langchain_selfparam.distill.reader import Reader
    from langchain_selfparam.model import share

    baseline = Baseline(tiny, "ft-sentences", config=CONFIG)
    (document,) = baseline._sentences(lesson)
    hidden = Reader(share(tiny.model)).hidden(pack([document]))
    kl = forward_kl(hidden, baseline._head, baseline._labels(document))
    assert float(kl.mean()) == pytest.approx(
        nats(tiny, tiny.model, list(document.prompt), list(document.answer)), rel=1e-4
    )


def test_weights_that_are_not_finite_are_refused(tiny, lesson, monkeypatch):
    from langchain_selfparam.weights.delta import Delta, Factors

    name = "model.layers.0.mlp.down_proj"
    out, inside = tiny.model.get_submodule(name).weight.shape
    broken = Delta({name: Factors(b=torch.full((out, 1), float("nan")), a=torch.ones(1, inside))})
    monkeypatch.setattr(baselines.Shadow, "delta", lambda self: broken)
    with pytest.raises(FloatingPointError, match=r"a baseline's weights of model\.layers\.0\.mlp.* are not finite"):
        Baseline(tiny, "ft-context", config=CONFIG).learn(tiny.model, lesson, rate=1e-3)


def test_a_head_that_is_not_linear_is_refused():
    local = tiny_model("gemma2")
    with pytest.raises(UnsupportedModelError, match=r"soft-caps its logits; the baseline published needs a linear"):
        Baseline(local, "published", config=CONFIG)


def test_a_part_of_a_lesson_is_every_nth_conversation_question_and_step(lesson):
    question, neutral = lesson.taught[0].sentences
    questions = [dataclasses.replace(question, prompt=f"{at}?") for at in range(5)]
    taught = dataclasses.replace(lesson.taught[0], sentences=(neutral, *questions))
    said = [dataclasses.replace(lesson.conversations[0], id=str(at)) for at in range(5)]
    found = part_of(Lesson(conversations=said, taught=[taught], steps=30), every=4)
    assert [c.id for c in found.conversations] == ["0", "4"]
    assert [s.prompt for s in found.taught[0].sentences] == ["0?", "4?"]
    assert found.steps == 8
    assert part_of(dataclasses.replace(lesson, steps=1), every=4).steps == 1
    other = part_of(Lesson(conversations=said, taught=[taught], steps=30), every=4, first=1)
    assert ([c.id for c in other.conversations], [s.prompt for s in other.taught[0].sentences]) == (["1"], ["1?"])


def test_what_was_not_learned_is_judged_by_its_cross_entropy(tiny, lesson):
    start = tiny.encode("", add_special_tokens=True) or [tiny.end_of_turn_id]
    for name, before, text in (
        ("ft-context", start, tiny.encode("My dog is called Biscuit.")),
        ("ft-sentences", asked(tiny), [*tiny.encode(TOLD), tiny.end_of_turn_id]),
    ):
        baseline = Baseline(tiny, name, config=CONFIG)
        wanted = nats(tiny, tiny.model, list(before), list(text))
        assert baseline.unseen(tiny.model, lesson) == pytest.approx(wanted, abs=1e-4)
        nothing = Lesson(conversations=[], taught=[], steps=1)
        with pytest.raises(
            NoTargetsError, match=f"nothing is left to choose the learning rate of {name} on; give more"
        ):
            baseline.unseen(tiny.model, nothing)


def test_drift_is_the_mean_kl_over_the_answers_of_the_memorys_own_probes(tiny, lesson):
    told = {"What is snow?": "Frozen water.", "Who was Homer?": "A poet of Greece."}
    probes = tuple(Probe(kind="drift", prompt=prompt, expected=(answer,)) for prompt, answer in told.items())
    recall = Probe(kind="recall", prompt="What is my dog called?", expected=("biscuit",), turn_id=1)
    taught = [dataclasses.replace(lesson.taught[0], probes=(*probes, recall))] * 2
    model = Baseline(tiny, "ft-context", config=CONFIG).learn(tiny.model, lesson, rate=5e-3)
    wanted = []
    for prompt, answer in told.items():
        start, ids = tiny.encode_chat([Message(role="user", text=prompt)]), tiny.encode(answer)
        with torch.no_grad():
            was, now = (
                m(input_ids=torch.tensor([[*start, *ids]])).logits[0, len(start) - 1 : -1].float().log_softmax(-1)
                for m in (tiny.model, model)
            )
        wanted += (was.exp() * (was - now)).sum(-1).tolist()
    assert drift_of(tiny, model, taught) == pytest.approx(sum(wanted) / len(wanted), rel=0.02)
    assert drift_of(tiny, tiny.model, taught) == pytest.approx(0.0, abs=1e-4)
    assert drift_of(tiny, model, lesson.taught) == 0.0
