"""What must stay as it was: read from files, scored like the slow obvious way, moved when the weights are."""

import difflib
import json
import math
import re

import pytest
import torch

from langchain_selfparam.errors import InputError
from langchain_selfparam.evaluation.tables import as_plain
from langchain_selfparam.evaluation.unchanged import (
    PROMPTS,
    Unchanged,
    Yardstick,
    load,
    over_models,
    rows,
    table,
)
from langchain_selfparam.targets import bank, prompts

LOOKED = Unchanged(
    prompts=("What is water?", "Who are you?"),
    texts=("Rivers run to the sea.", "It rained."),
    pairs=(("He goes home.", "He go home."), ("They sing.", "They sings.")),
    facts=(("What is 1 plus 1?", "2", ("3", "11")), ("Where is Paris?", "France", ("Peru",))),
)


def write(path, *lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def ask(prompts, progress):
    progress(len(prompts), len(prompts))
    return [f"An answer to {prompt[-1].text}" for prompt in prompts]


@pytest.fixture
def yardstick(tiny):
    return Yardstick(tiny, LOOKED, ask=ask)


def test_lines_are_known_by_their_fields(tmp_path):
    files = [
        write(tmp_path / "prose.jsonl", {"text": "a"}, {"text": "b"}),
        write(tmp_path / "pairs.jsonl", {"sentence_good": "g", "sentence_bad": "b"}),
        write(tmp_path / "facts.jsonl", {"question": "q", "answer": "a", "perturbed_answer": ["x", "y"]}),
        write(tmp_path / "tasks.jsonl", {"instruction": "do"}),
    ]
    found = load(files)
    assert found.texts == ("a", "b")
    assert found.pairs == (("g", "b"),)
    assert found.facts == (("q", "a", ("x", "y")),)
    assert found.prompts == (*PROMPTS, "do")


def test_without_a_file_there_are_its_own_prompts_alone():
    assert load([], limit=3) == Unchanged(prompts=PROMPTS)
    assert len(PROMPTS) == 24


def texts(value):
    """Every text in tuples and sets, however deep."""
    return [value] if isinstance(value, str) else [text for part in value for text in texts(part)]


def plain(text):
    return " ".join(re.findall(r"\w+", text.lower()))


def test_none_of_them_is_learned_from_or_steered_by():
    lists = {name: texts(value) for name, value in vars(prompts).items() if isinstance(value, (tuple, frozenset))}
    assert {"ABOUT_THE_MODEL", "DRIFT_PROMPTS", "STEERING_PROMPTS", "GENERAL_QUESTIONS", "WORLDLY"} <= lists.keys()
    for name, own in {**lists, "bank": texts(bank.QUESTIONS)}.items():
        assert {plain(p) for p in PROMPTS} & {plain(text) for text in own} == set(), name
    # Nor is one all but the same: "What is a synonym for 'quick'?" beside "What is a synonym of quick?".
    for prompt in PROMPTS:
        for text in {text for own in lists.values() for text in own}:
            assert difflib.SequenceMatcher(None, plain(prompt), plain(text)).ratio() < 0.8, (prompt, text)


def test_a_limit_takes_lines_evenly(tmp_path):
    path = write(tmp_path / "prose.jsonl", *({"text": str(n)} for n in range(10)))
    assert load([path], limit=3).texts == ("0", "3", "6")
    assert len(load([path], limit=10).texts) == 10
    assert len(load([path], limit=99).texts) == 10


@pytest.mark.parametrize("line", ['{"what": 1}', "[]", "{"])
def test_other_lines_are_named(tmp_path, line):
    path = tmp_path / "prose.jsonl"
    path.write_text('{"text": "a"}\n' + line)
    with pytest.raises(InputError, match=r"prose\.jsonl, line 2: .*; a JSON object with text, with sentence_good"):
        load([path])


@pytest.mark.parametrize("wrong", [[], "Peru", [""], [3]])
def test_a_fact_without_a_wrong_answer_is_named(tmp_path, wrong):
    path = write(tmp_path / "facts.jsonl", {"question": "q", "answer": "a", "perturbed_answer": wrong})
    with pytest.raises(
        InputError, match=r"facts\.jsonl, line 1: 'perturbed_answer' is .*; a list of at least one wrong"
    ):
        load([path])


def test_a_mark_at_the_beginning_of_a_file_is_no_text(tmp_path):
    path = tmp_path / "prose.jsonl"
    path.write_text('{"text": "a"}\n', "utf-8-sig")
    assert load([path]).texts == ("a",)


def test_nothing_moves_where_nothing_is_learned(yardstick):
    change = yardstick.change()
    assert change.token_kl.mean == pytest.approx(0.0, abs=1e-6)
    assert change.same_answers == 1.0
    assert change.perplexity[0] == change.perplexity[1]
    assert (change.prose.times.low, change.prose.times.high, change.prose.p) == (1.0, 1.0, 1.0)
    assert change.pairs.count == 2
    assert change.pairs.before == change.pairs.after
    assert change.facts.p == 1.0


def test_token_kl_is_that_of_the_logits(tiny, yardstick):
    before = [_log_p(tiny, prompt) for prompt in LOOKED.prompts]
    with torch.no_grad():
        tiny.model.model.layers[1].mlp.down_proj.weight.mul_(3.0)
    wanted = [
        float((p.exp() * (p - q)).sum(-1).mean())
        for p, q in zip(before, (_log_p(tiny, prompt) for prompt in LOOKED.prompts), strict=True)
    ]
    change = yardstick.change()
    assert change.token_kl.mean == pytest.approx(sum(wanted) / 2, rel=1e-3)
    assert change.token_kl.mean > 1e-4


def test_other_weights_and_other_answers_can_be_looked_at(tiny, yardstick):
    from langchain_selfparam.weights.shadow import with_weights

    name = "model.layers.0.mlp.down_proj"
    twin = with_weights(tiny.model, {name: torch.randn_like(tiny.model.get_submodule(name).weight)})
    change = yardstick.change(twin, ask=lambda prompts, progress: ["new"] * len(prompts))
    assert change.token_kl.mean > 1e-4
    assert change.same_answers == 0.0
    assert yardstick.change().token_kl.mean == pytest.approx(0.0, abs=1e-6)


def test_perplexity_is_that_of_the_logits(tiny, yardstick):
    nats = tokens = 0.0
    for text in LOOKED.texts:
        start, ids = tiny.encode("\n", add_special_tokens=True), tiny.encode(text)
        log_p = tiny.model(input_ids=torch.tensor([start + ids])).logits[0].double().log_softmax(-1)
        nats -= sum(float(log_p[len(start) - 1 + at, i]) for at, i in enumerate(ids))
        tokens += len(ids)
    assert yardstick.change().perplexity[0] == pytest.approx(math.exp(nats / tokens), rel=1e-4)


def test_only_what_was_given_is_shown(tiny, yardstick):
    bare = Yardstick(tiny, Unchanged(prompts=("Who are you?",)), ask=ask).change()
    assert (bare.perplexity, bare.pairs, bare.facts) == (None, None, None)
    assert [name for name, *_ in rows(as_plain(bare))] == [
        "token KL on unrelated prompts (nats)",
        "unrelated prompts answered word for word as before",
    ]
    names = [name for name, *_ in rows(as_plain(yardstick.change()))]
    assert names[2:] == ["perplexity of neutral prose", "minimal pairs right (of 2)", "facts of the world right (of 2)"]


def test_prose_is_kept_text_by_text_and_its_change_has_an_interval(tiny, yardstick):
    with torch.no_grad():
        tiny.model.model.layers[1].mlp.down_proj.weight.mul_(3.0)
    change = yardstick.change()
    before, after = change.perplexity
    prose = change.prose
    assert prose.times.mean == pytest.approx(after / before)
    assert prose.times.low < prose.times.mean < prose.times.high
    assert math.exp(-sum(t[1] for t in prose.texts) / sum(t[2] for t in prose.texts)) == pytest.approx(after)
    _, _, shown, p = rows(as_plain(change))[2]
    times = prose.times
    assert shown == f"{after:.2f} ({times.mean:.3f} times, {times.low:.3f} to {times.high:.3f})"
    assert p == f"{prose.p:.4f}"


SEEN = {
    "token_kl": {"mean": 0.01, "low": 0.005, "high": 0.02},
    "same_answers": 0.75,
    "perplexity": [20.0, 20.5],
    "pairs": {
        "count": 4,
        "before": {"mean": 0.5, "low": 0.25, "high": 0.75},
        "after": {"mean": 0.5, "low": 0.25, "high": 0.75},
        "p": 1.0,
    },
    "facts": None,
}
"""As earlier versions kept it, without single texts."""
WORSE = {
    **SEEN,
    "token_kl": {"mean": 0.03, "low": 0.02, "high": 0.04},
    "same_answers": 0.25,
    "perplexity": [20.0, 24.5],
    "prose": {"times": {"mean": 1.225, "low": 1.1, "high": 1.3}, "p": 0.02, "texts": []},
    "pairs": {**SEEN["pairs"], "after": {"mean": 0.25, "low": 0.0, "high": 0.5}, "p": 0.5},
}


def test_one_model_has_intervals_and_several_their_mean_and_worst():
    assert table([SEEN]) == (("what must stay as it was", "before", "after", "p"), rows(SEEN))
    for order in ([SEEN, WORSE], [WORSE, SEEN]):
        head, found = table(order)
        assert head == ("what must stay as it was, 2 models", "before", "after, mean", "after, worst", "smallest p")
        assert found == [
            ("token KL on unrelated prompts (nats)", "0", "0.0200", "0.0300", "-"),
            ("unrelated prompts answered word for word as before", "100 %", "50 %", "25 %", "-"),
            ("perplexity of neutral prose", "20.00", "22.50", "24.50", "0.0200"),
            ("minimal pairs right (of 4)", "50.0 %", "37.5 %", "25.0 %", "0.5000"),
        ]
    assert over_models([SEEN])["perplexity"] == {"before": 20.0, "mean": 20.5, "worst": 20.5, "p": None}


@torch.no_grad()
def _log_p(tiny, prompt):
    from langchain_selfparam.records import Message

    ids = tiny.encode_chat([Message(role="user", text=prompt)])
    answer = tiny.encode(f"An answer to {prompt}")[:24]
    logits = tiny.model(input_ids=torch.tensor([ids + answer])).logits[0, len(ids) - 1 : -1]
    return logits.double().log_softmax(-1)
