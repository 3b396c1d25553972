"""What must stay as it was: read from files, scored like the slow obvious way, moved when the weights are."""

import json
import math

import pytest
import torch

from langchain_selfparam.errors import InputError
from langchain_selfparam.evaluation.tables import as_plain
from langchain_selfparam.evaluation.unchanged import PROMPTS, Unchanged, Yardstick, load, rows

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


def test_nothing_moves_where_nothing_is_learned(yardstick):
    change = yardstick.change()
    assert change.token_kl.mean == pytest.approx(0.0, abs=1e-6)
    assert change.same_answers == 1.0
    assert change.perplexity[0] == change.perplexity[1]
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


@torch.no_grad()
def _log_p(tiny, prompt):
    from langchain_selfparam.records import Message

    ids = tiny.encode_chat([Message(role="user", text=prompt)])
    answer = tiny.encode(f"An answer to {prompt}")[:24]
    logits = tiny.model(input_ids=torch.tensor([ids + answer])).logits[0, len(ids) - 1 : -1]
    return logits.double().log_softmax(-1)
