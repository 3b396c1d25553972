"""``eval`` from start to end on a tiny model; learning is scripted."""

import json
import re
import sys

import pytest

from langchain_selfparam.cli.values import settings_of
from langchain_selfparam.engine.pipeline import Engine
from langchain_selfparam.engine.report import nothing_done


def test_eval_of_two_conversations(selfparam, model_folder, tmp_path, learned):
    out, tables, folder = tmp_path / "eval.json", tmp_path / "eval.md", tmp_path / "out"
    args = ("--model", model_folder, "--contexts", 2, "--json", out, "--markdown", tables, "--out", folder)
    code, text, err = selfparam("eval", "single", *args)
    assert code == 0, err
    assert [len(turns) for turns in learned] == [12, 12]
    assert learned[0][0] != learned[1][0]
    found = json.loads(out.read_text("utf-8"))
    assert [c["id"] for c in found["conversations"]] == ["new-cottage", "autumn-rail-trip"]
    assert set(found["summary"][""]["kinds"]) == {"recall", "reverse", "update", "two_hop"}
    ways = ["before", "history", "retrieved", "quoted", "after"]
    assert set(ways) == found["conversations"][0]["questions"][0]["answers"].keys()
    assert text.splitlines()[1].split()[:6] == ["conversation", *ways]
    assert tables.read_text("utf-8").startswith("| conversation |")
    assert sorted(path.name for path in folder.iterdir()) == [
        "outcomes.jsonl",
        "questions.jsonl",
        "results.json",
        "run.json",
        "steps.png",
        "tables.md",
    ]
    lines = [json.loads(line) for line in (folder / "questions.jsonl").read_text("utf-8").splitlines()]
    assert sum(line["kind"] != "neighbour" for line in lines) == 48 * 5
    assert all(line["keys"] for line in lines if line["kind"] != "neighbour")
    assert {line["way"] for line in lines if line["kind"] == "neighbour"} == {"before", "after"}
    assert (found["contexts_done"], found["contexts_planned"]) == (2, 2)
    assert found["conversations"][0]["peak_bytes"] > 0


def test_eval_goes_on_after_an_interruption_and_refuses_another_run(selfparam, model_folder, tmp_path, learned):
    folder = tmp_path / "out"
    args = ("eval", "single", "--model", model_folder, "--out", folder, "--no-retrieval")
    selfparam(*args, "--contexts", 2)
    kept = folder / "outcomes.jsonl"
    first = kept.read_text("utf-8").splitlines()[0]
    kept.write_text(first + "\n", "utf-8")
    code, _, err = selfparam(*args, "--contexts", 2)
    assert code == 0
    assert len(learned) == 3
    assert kept.read_text("utf-8").splitlines()[0] == first
    assert "going on with what" in err
    assert "autumn-rail-trip, seed 0 (2 of 2)" in err
    assert "new-cottage, seed 0" not in err
    code, _, err = selfparam(*args, "--contexts", 1)
    assert code == 1
    assert err.strip().endswith(
        f"{folder} holds another run (contexts was 2 and is 1); give another --out, or remove it"
    )


def test_answers_of_a_part_that_is_not_finished_are_of_this_run_alone(selfparam, model_folder, tmp_path, learned):
    folder = tmp_path / "out"
    args = ("eval", "single", "--model", model_folder, "--out", folder, "--no-retrieval")
    selfparam(*args, "--contexts", 1)
    (folder / "outcomes.jsonl").unlink()
    (folder / "begun").mkdir()
    (folder / "begun" / "answers.json").write_text("[]", "utf-8")
    code, _, err = selfparam(*args, "--contexts", 2)
    assert code == 1
    assert "holds another run (contexts was 1 and is 2)" in err


def row(name):
    question = {"q": "Who?", "keys": ["ana"], "kind": "recall", "turn": 0}
    turns = [{"user": f"I am Ana of {name}.", "assistant": "Hello!"}]
    return json.dumps({"id": name, "turns": turns, "questions": [question]}) + "\n"


@pytest.mark.parametrize(
    ("file", "option"),
    [("set.jsonl", "--data"), ("set_neighbours.jsonl", "--data"), ("prose.jsonl", "--unchanged")],
)
def test_files_that_have_changed_are_another_run(selfparam, model_folder, tmp_path, learned, file, option):
    (tmp_path / "set.jsonl").write_text(row("a") + row("b"), "utf-8")
    (tmp_path / "set_neighbours.jsonl").write_text('{"q": "Who?", "forbidden": ["Ana"]}\n', "utf-8")
    (tmp_path / "prose.jsonl").write_text('{"text": "It rained."}\n', "utf-8")
    args = ["eval", "single", "--data", tmp_path / "set.jsonl", "--model", model_folder, "--contexts", 1]
    args += ["--out", tmp_path / "out", "--no-retrieval", "--unchanged", tmp_path / "prose.jsonl"]
    assert selfparam(*args)[0] == 0
    assert selfparam(*args)[0] == 0
    with (tmp_path / file).open("a") as opened:
        opened.write("\n")
    code, _, err = selfparam(*args)
    assert code == 1
    assert re.search(
        rf"another run \(the content of {option} was 'sha256 \w{{16}}' and is 'sha256 \w{{16}}'\); give", err
    )


def test_a_model_that_has_changed_is_another_run(selfparam, model_folder, tmp_path, learned):
    args = ("eval", "single", "--model", model_folder, "--contexts", 1, "--out", tmp_path / "out", "--no-retrieval")
    assert selfparam(*args)[0] == 0
    (model_folder / "notes.txt").write_text("other")
    code, _, err = selfparam(*args)
    assert code == 1
    assert "holds another run (the files of --model was [[" in err


def test_more_contexts_than_there_are_is_said(selfparam, model_folder, tmp_path, learned):
    (tmp_path / "set.jsonl").write_text(row("a") + row("b"), "utf-8")
    args = ("--data", tmp_path / "set.jsonl", "--model", model_folder, "--out", tmp_path / "out", "--no-retrieval")
    code, _, err = selfparam("eval", "batch", *args, "--contexts", 500)
    assert code == 0
    assert "2 of 2 contexts; 500 asked for" in err


@pytest.mark.parametrize("protocol", ["single", "sequential"])
def test_a_run_that_was_cut_says_how_far_it_came(selfparam, model_folder, tmp_path, learned, monkeypatch, protocol):
    (tmp_path / "set.jsonl").write_text(row("a") + row("b"), "utf-8")
    budget = iter([True, False])
    monkeypatch.setattr("langchain_selfparam.cli.eval._within", lambda args: lambda: next(budget))
    args = ("--data", tmp_path / "set.jsonl", "--model", model_folder, "--out", tmp_path / "out", "--no-retrieval")
    code, _, err = selfparam("eval", protocol, *args)
    assert code == 0
    assert "1 of 2 contexts done; run the same command to go on" in err
    found = json.loads((tmp_path / "out" / "results.json").read_text("utf-8"))
    assert (found["contexts_done"], found["contexts_planned"]) == (1, 2)


def test_a_baseline_that_was_not_run_is_said(selfparam, model_folder, tmp_path, learned):
    (tmp_path / "set.jsonl").write_text(row("a"), "utf-8")
    args = ("--data", tmp_path / "set.jsonl", "--model", model_folder, "--no-retrieval", "--baselines", "ft-sentences")
    for protocol in ("single", "sequential"):
        code, _, err = selfparam("eval", protocol, *args, "--out", tmp_path / protocol)
        assert code == 0
        assert "ft-sentences was not run: nothing was taught: the memory has no questions" in err


def test_eval_of_seeds_variants_and_what_must_stay(selfparam, model_folder, tmp_path, learned):
    prose = tmp_path / "prose.jsonl"
    prose.write_text('{"text": "It rained."}\n', "utf-8")
    folder = tmp_path / "out"
    args = ["--model", model_folder, "--contexts", 1, "--out", folder, "--seeds", 2, "--no-retrieval"]
    code, text, err = selfparam(
        "eval", "single", *args, "--vary", "training.learning_rate=1e-3,2e-3", "--unchanged", prose
    )
    assert code == 0, err
    assert len(learned) == 4
    assert "perplexity of neutral prose" in text
    assert "training.learning_rate=2e-3" in text
    assert "seed 1, new-cottage" in text
    assert (folder / "drift.png").exists()


def test_unchanged_without_a_file_looks_at_its_own_prompts_alone(selfparam, model_folder, tmp_path, learned):
    (tmp_path / "set.jsonl").write_text(row("a"), "utf-8")
    args = ["eval", "single", "--data", tmp_path / "set.jsonl", "--model", model_folder, "--no-retrieval"]
    args += ["--out", tmp_path / "out"]
    code, text, err = selfparam(*args, "--unchanged")
    assert code == 0, err
    assert "token KL on unrelated prompts (nats)" in text
    assert "perplexity of neutral prose" not in text
    change = json.loads((tmp_path / "out" / "results.json").read_text("utf-8"))["summary"][""]["change"]
    assert (change["models"], change["perplexity"]) == (1, None)
    assert change["token_kl"]["mean"] == pytest.approx(0.0, abs=1e-6)  # nothing was really learned
    assert selfparam(*args, "--unchanged")[0] == 0
    assert len(learned) == 1
    code, _, err = selfparam(*args)
    assert code == 1
    assert "holds another run (unchanged was 'its own prompts alone' and is []); give another --out" in err
    code, text, _ = selfparam(*args[:-1], tmp_path / "other")
    assert code == 0
    assert "unrelated prompts" not in text


def test_batch_learns_all_at_once(selfparam, model_folder, tmp_path, learned):
    args = ("--model", model_folder, "--contexts", 2, "--out", tmp_path / "out", "--no-retrieval")
    code, text, _ = selfparam("eval", "batch", *args)
    assert code == 0
    assert [len(turns) for turns in learned] == [24]
    assert "autumn-rail-trip" in text


def test_eval_out_of_time_says_what_to_do(selfparam, model_folder, tmp_path, learned, monkeypatch):
    import time

    clock = iter(range(0, 10_000, 100))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    args = ("--model", model_folder, "--out", tmp_path / "out", "--limit-minutes", 1)
    code, _, err = selfparam("eval", "single", *args)
    assert code == 0
    assert err.strip().endswith("no part was finished; run the same command again")
    assert not learned


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--set", "targets.replay"], "'targets.replay' is not of the form STAGE.NAME=VALUE, such as targets.replay=0"),
        (["--set", "targets.reply=0"], "'reply' is not a setting of TargetConfig; did you mean 'replay'?"),
        (["--set", "training.compiled='False'"], "compiled is \"'False'\"; it has to be True or False"),
        (["--vary", "training.ranks=8"], "'ranks' is not a setting of TrainingConfig; did you mean 'rank'?"),
        (["--vary", "training.rank="], "--vary 'training.rank=' has no values; give some, such as training.learning"),
        (["--baselines", "magic"], "'magic' is no baseline of `eval single`; known: ft-context, ft-sentences, publ"),
    ],
)
def test_eval_says_what_is_wrong_with_its_arguments_before_a_model_is_loaded(selfparam, tmp_path, args, message):
    code, _, err = selfparam("eval", "single", "--model", "./nowhere", "--out", tmp_path / "out", *args)
    assert code == 1
    assert message in err
    assert "loading" not in err


@pytest.mark.parametrize("protocol", [("single",), ("sequential",), ("compare", "a", "b")])
@pytest.mark.parametrize(
    "given",
    [
        ("--limit", 2),
        ("--rounds", 2),
        ("--scored", 2),
        ("--dialogues", 2),
        *((name, "file") for name in ("--train", "--test", "--items")),
    ],
)
def test_what_only_recommend_takes_is_refused_and_not_passed_over(selfparam, protocol, given):
    code, _, err = selfparam("eval", *protocol, *given)
    assert code == 1
    why = "it reads two files, and" if protocol[0] == "compare" else "--contexts is how many"
    assert f"`eval {protocol[0]}` takes no {given[0]}" in err
    assert why in err


def test_runs_with_another_type_of_weights_are_other_runs(selfparam, model_folder, tmp_path, learned):
    args = ("eval", "single", "--model", model_folder, "--contexts", 1, "--out", tmp_path / "out", "--no-retrieval")
    assert selfparam(*args)[0] == 0
    file = tmp_path / "out" / "run.json"
    mark = json.loads(file.read_text("utf-8"))
    later = ("dtype", "revision", "device")
    file.write_text(json.dumps({name: value for name, value in mark.items() if name not in later}))
    assert selfparam(*args)[0] == 0  # a run from before they could be chosen goes on
    code, _, err = selfparam(*args, "--device", "cpu")
    assert code == 1
    assert "holds another run (device was None and is 'cpu')" in err
    code, _, err = selfparam(*args, "--dtype", "bfloat16")
    assert code == 1
    assert "holds another run (dtype was 'auto' and is 'bfloat16')" in err


def test_a_mistyped_argument_does_not_claim_the_folder(selfparam, model_folder, tmp_path, learned):
    args = ("eval", "single", "--model", model_folder, "--contexts", 1, "--out", tmp_path / "out", "--no-retrieval")
    assert selfparam(*args, "--baselines", "magic")[0] == 1
    assert selfparam(*args)[0] == 0
    code, _, err = selfparam(*args, "--seeds", 2)
    assert code == 1
    assert "holds another run (seeds was 1 and is 2)" in err


def test_sequential_does_not_vary(selfparam, tmp_path):
    code, _, err = selfparam("eval", "sequential", "--out", tmp_path / "out", "--vary", "training.rank=8,16")
    assert code == 1
    assert "`eval sequential` takes no --vary: its tables are of one way to learn; run it once for each value" in err
    assert "with --set and another --out, and set two beside each other with `eval compare`" in err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("compare", "a.json", "b.json", "--seeds", 7), "`eval compare` takes no --seeds: it reads two files, and"),
        (("compare", "a.json", "b.json", "--no-retrieval"), "`eval compare` takes no --no-retrieval: it reads two"),
        (("compare", "a.json", "b.json", "--set", "targets.bank=0"), "`eval compare` takes no --set: it reads two"),
        (("single", "--unchanged-items", 5), "--unchanged-items is of the files of --unchanged, and that is not given"),
        (("single", "--set", "policy.max_turns=4"), "`eval single` sets policy.max_turns itself, so that no other"),
        (("batch", "--vary", "policy.max_turns=4,8"), "`eval batch` sets policy.max_turns itself, so that no other"),
        (("recommend", "--set", "targets.form=facts"), "`eval recommend` sets targets.form itself, so that no other"),
    ],
)
def test_nothing_that_would_not_be_used_is_passed_over(selfparam, args, said):
    code, _, err = selfparam("eval", *args)
    assert code == 1
    assert err.startswith(f"selfparam: {said}")


def test_settings_of_changes():
    found = settings_of(["targets.replay=0", "training.damping=None", "training.layers=all"])
    assert (found.targets.replay, found.training.damping, found.training.layers) == (0, None, "all")


@pytest.mark.parametrize(("text", "value"), [("True", True), ("true", True), ("False", False), ("false", False)])
def test_truth_is_read_as_python_and_json_write_it(text, value):
    assert settings_of([f"training.compiled={text}"]).training.compiled is value


@pytest.mark.parametrize("text", ["None", "null"])
def test_nothing_is_read_as_python_and_json_write_it(text):
    assert settings_of([f"policy.every_turns={text}"]).policy.every_turns is None


def test_eval_starts_each_conversation_from_the_same_weights(selfparam, model_folder, tmp_path, monkeypatch):
    import torch

    asked = []

    def consolidate(self, *, progress=None, without=frozenset()):
        weight = next(p for n, p in self._local.model.named_parameters() if "q_proj" in n)
        asked.append(weight.clone())
        with torch.no_grad():
            weight.add_(1.0)
        return nothing_done("")

    monkeypatch.setattr(Engine, "consolidate", consolidate)
    selfparam("eval", "single", "--model", model_folder, "--contexts", 2, "--out", tmp_path / "out")
    assert torch.equal(*asked)


@pytest.mark.parametrize(
    ("contexts", "said"),
    [("0", "0 is below 1"), ("-1", "-1 is below 1"), ("x", "'x' is no whole number; one of at least 1 is needed")],
)
def test_eval_wants_a_count(selfparam, contexts, said):
    code, _, err = selfparam("eval", "single", "--contexts", contexts)
    assert code == 2
    assert f"argument --contexts: {said}\n" in err


def test_eval_of_a_file_that_is_not_there(selfparam):
    code, _, err = selfparam("eval", "single", "--data", "nowhere.jsonl")
    assert code == 1
    assert err.startswith("selfparam: there is no file nowhere.jsonl; give a .jsonl file, or one of assistant_")


def test_sequential_shows_the_matrix_and_goes_on(selfparam, model_folder, tmp_path, learned):
    folder = tmp_path / "out"
    prose = tmp_path / "prose.jsonl"
    prose.write_text('{"text": "It rained."}\n', "utf-8")
    args = ["--data", "long", "--model", model_folder, "--contexts", 2, "--out", folder, "--unchanged", prose]
    code, text, err = selfparam("eval", "sequential", *args, "--json", tmp_path / "s.json")
    assert code == 0, err
    assert [len(turns) for turns in learned] == [8, 16]  # nothing was really held, so all turns are still pending
    assert "right just after its own consolidation" in text
    assert "perplexity of neutral prose" in text
    assert (folder / "retention.png").exists()
    found = json.loads((tmp_path / "s.json").read_text("utf-8"))
    assert found["contexts"] == ["A-01", "A-02"]
    assert set(found["prompted"]) == {"history", "retrieved", "quoted"}
    lines = [json.loads(line) for line in (folder / "questions.jsonl").read_text("utf-8").splitlines()]
    assert {line["way"] for line in lines} == {"before", "history", "retrieved", "quoted", "after"}
    assert found["change"]["token_kl"]["mean"] < 1e-6
    code, again, _ = selfparam("eval", "sequential", *args)
    assert code == 0
    assert len(learned) == 2
    assert again == text


def test_sequential_with_seeds_goes_on_and_is_shown_as_one(selfparam, model_folder, tmp_path, learned):
    folder = tmp_path / "out"
    args = ["--data", "long", "--model", model_folder, "--contexts", 1, "--out", folder, "--seeds", 2, "--unchanged"]
    code, text, err = selfparam("eval", "sequential", *args)
    assert code == 0, err
    assert "seed 1, of 2" in err
    assert len(learned) == 2
    assert "what must stay as it was, 2 models" in text
    assert (folder / "seed-1" / "steps.json").exists()
    found = json.loads((folder / "results.json").read_text("utf-8"))
    assert (found["seeds_done"], found["seeds_planned"], len(found["seeds"])) == (2, 2, 2)
    assert [len(turns) for turns in learned] == [8, 8]
    lines = [json.loads(line) for line in (folder / "questions.jsonl").read_text("utf-8").splitlines()]
    assert [line["seed"] for line in lines] == sorted(line["seed"] for line in lines)
    assert {line["seed"] for line in lines} == {0, 1}
    code, again, err = selfparam("eval", "sequential", *args)
    assert (code, again, len(learned)) == (0, text, 2)
    assert "going on with what" in err


def test_sequential_says_how_many_seeds_are_missing(selfparam, model_folder, tmp_path, learned, monkeypatch):
    from langchain_selfparam.evaluation import sequence

    real = sequence.run_seeds
    monkeypatch.setattr(sequence, "run_seeds", lambda *args, seeds, **options: real(*args, seeds=1, **options))
    args = ["--data", "long", "--model", model_folder, "--contexts", 1, "--out", tmp_path, "--seeds", 2]
    code, _, err = selfparam("eval", "sequential", *args)
    assert code == 0, err
    assert "1 of 2 seeds done; run the same command to go on" in err


def test_compare_wants_two_files(selfparam, tmp_path):
    code, _, err = selfparam("eval", "compare", tmp_path / "a.json")
    assert code == 1
    assert "found 1 files for `eval compare`; `eval compare` takes two, the others none" in err
    code, _, err = selfparam("eval", "single", tmp_path / "a.json")
    assert code == 1
    assert "found 1 files for `eval single`" in err
    code, _, err = selfparam("eval", "compare", tmp_path / "a.json", tmp_path / "b.json")
    assert code == 1
    assert err == (
        f"selfparam: there is no file {tmp_path / 'a.json'}; `eval compare` takes two that `selfparam eval` wrote with "
        "--json\n"
    )


@pytest.mark.parametrize("protocol", ["single", "batch", "sequential"])
def test_without_bm25s_nothing_is_loaded_and_what_to_do_is_said(
    selfparam, model_folder, tmp_path, monkeypatch, protocol
):
    monkeypatch.setitem(sys.modules, "bm25s", None)
    code, _, err = selfparam("eval", protocol, "--model", model_folder, "--out", tmp_path / "out")
    assert code == 1
    assert "bm25s is needed for this and is not installed: pip install bm25s" in err
    assert "loading" not in err
