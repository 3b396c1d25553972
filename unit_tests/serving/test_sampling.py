"""Tokens are drawn as asked, from a random state of their own."""

import logging
import warnings

import pytest
import torch
from ways import ASK, every_way

from langchain_selfparam.errors import ConfigError
from langchain_selfparam.serving.batch import BatchGenerator
from langchain_selfparam.serving.decoding import Sampler


@every_way
def test_a_seed_repeats_and_differs_from_another(run, generator):
    first, again, other = (run(generator, ASK, temperature=1.0, max_tokens=12, seed=s).text for s in (1, 1, 2))
    assert first == again != other


def test_a_seed_repeats_beside_other_threads(generator, in_thread):
    alone = generator.complete(ASK, temperature=1.0, max_tokens=20, seed=7).text
    busy = []

    def disturb():
        for seed in range(5):
            generator.complete(ASK, temperature=1.0, max_tokens=20, seed=seed)

    with in_thread(disturb), in_thread(disturb):
        busy = [generator.complete(ASK, temperature=1.0, max_tokens=20, seed=7).text for _ in range(5)]
    assert busy == [alone] * 5


def test_without_a_seed_torch_decides(generator):
    texts = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        texts.append(generator.complete(ASK, temperature=1.0, max_tokens=12).text)
    assert texts[0] == texts[1] != texts[2]


def test_a_seed_leaves_torchs_random_state_alone(generator):
    before = torch.get_rng_state()
    generator.complete(ASK, temperature=1.0, max_tokens=5, seed=1)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("narrow", [{"top_k": 1}, {"top_p": 1e-6}])
def test_the_narrowest_sampling_is_greedy(narrow, generator):
    greedy = generator.complete(ASK, max_tokens=12)
    assert generator.complete(ASK, max_tokens=12, temperature=3.0, seed=1, **narrow) == greedy


def test_the_models_own_sampling_settings_count_where_none_is_given(tiny, generator):
    greedy = generator.complete(ASK, max_tokens=12)
    tiny.model.generation_config.top_k = 1
    assert generator.complete(ASK, max_tokens=12, temperature=3.0, seed=1) == greedy


def test_the_likeliest_answer_is_the_one_that_a_candidate_is_judged_by(tiny, generator):
    greedy = generator.complete(ASK, max_tokens=12)
    drawn = generator.complete(ASK, max_tokens=12, temperature=1.0, seed=1)
    tiny.model.generation_config.repetition_penalty = 8.0
    tiny.model.generation_config.no_repeat_ngram_size = 1
    assert generator.complete(ASK, max_tokens=12) == greedy
    assert BatchGenerator(tiny, None).generate([ASK], max_tokens=12) == [[greedy.text.strip()]]
    assert generator.complete(ASK, max_tokens=12, temperature=1.0, seed=1) != drawn  # draws are the model's own affair


def test_tokens_are_drawn_as_often_as_they_are_likely():
    sampler, scores = Sampler([], 0, torch.device("cpu")), torch.tensor([[0.0, 1.0, 2.0]])
    drawn = torch.stack([sampler(None, scores).argmax(-1)[0] for _ in range(3000)])
    found = drawn.bincount(minlength=3) / 3000
    assert torch.allclose(found, scores[0].softmax(-1), atol=0.03)


@every_way
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_tokens", 0),
        ("max_tokens", "many"),
        ("temperature", -0.5),
        ("temperature", float("nan")),
        ("temperature", None),
        ("top_p", 0.0),
        ("top_p", 1.5),
        ("top_k", 0),
        ("stop", "a string"),
        ("stop", [""]),
    ],
)
def test_nonsense_is_refused_by_name(run, name, value, generator):
    with pytest.raises(ConfigError, match=rf"^{name} is {value!r}; it has to be".replace("[", r"\[")):
        run(generator, ASK, **{name: value})


def test_the_models_settings_stay_and_nothing_is_warned_about(tiny, generator, caplog):
    settings = tiny.model.generation_config
    settings.temperature, settings.top_p, settings.max_length, settings.do_sample = 0.7, 0.8, 30, True
    before = settings.to_dict()
    noisy = logging.getLogger("transformers")
    noisy.addHandler(caplog.handler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert generator.complete(ASK, max_tokens=9) == generator.complete(ASK, max_tokens=9)
            generator.complete(ASK, max_tokens=9, temperature=0.5, seed=0, top_k=5, top_p=0.9)
    finally:
        noisy.removeHandler(caplog.handler)
    assert caplog.records == []
    assert settings.to_dict() == before
