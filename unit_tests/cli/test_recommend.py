"""``eval recommend`` from start to end on a tiny model: what it prints, keeps, goes on with and refuses."""

import argparse
import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from recommending import dialogue, prompt, write

from langchain_selfparam.cli import eval as evaluation
from langchain_selfparam.cli import recommend
from langchain_selfparam.cli.main import parser
from langchain_selfparam.evaluation.redial import ITEM_LINE, TEST_LINE, TRAIN_LINE


@pytest.fixture
def arguments(model_folder, tmp_path):
    rows = [dialogue(1, 0), dialogue(2, 0), dialogue(3, 1, "space horror"), dialogue(4, 2, "romance in Paris")]
    tests = [prompt(1, 0), prompt(2, 1, "\nUser: space horror\nSystem: "), prompt(3, 2, "\nUser: Paris\nSystem: ")]
    data = write(tmp_path / "data", dialogues=rows, prompts=tests)
    files = ("--train", data / "train.jsonl", "--test", data / "test.jsonl", "--items", data / "items.jsonl")
    small = ("--set", "targets.neutral=2", "--set", "targets.calibration=0", "--set", "verify.max_drift=50")
    return ("eval", "recommend", *files, "--model", model_folder, "--out", tmp_path / "out", "--rounds", 2, *small)


def test_it_prints_and_keeps_every_figure(selfparam, arguments, tmp_path):
    found, shown = tmp_path / "found.json", tmp_path / "found.md"
    code, out, err = selfparam(*arguments, "--scored", 2, "--json", found, "--markdown", shown)
    assert code == 0, err
    values = json.loads(found.read_text("utf-8"))
    for measure, prompts in (("free_text", 3), ("likelihood", 2)):
        assert values[measure]["prompts"] == prompts
        assert {"base", "ours", "popularity", "repeat", "bm25"} <= values[measure]["recall@10"].keys()
        assert 0 < values[measure]["p_ours_vs_base"] <= 1
    assert [r["dialogues"] for r in values["rounds"]] == [2, 2]
    assert (values["dialogues"], values["candidates"]) == (4, 3)
    assert values["counted"]["prompts"] == 3
    assert "tiny-model: 2 of 2 rounds of 4 dialogues learned; free text 3 prompts with 3 targets" in out
    assert max(map(len, out.splitlines()[1:])) <= 120
    for name in ("free text", "likelihood", "ours, round", "popularity"):
        assert name in out
        assert name in shown.read_text("utf-8")
    assert (values["rounds_planned"], values["dialogues_learned"], values["not_run"]) == (2, 4, {})
    assert values["unfinished"] == {"free_text": {}, "likelihood": {}}
    assert " done; run the same command to go on" not in err
    kept = (tmp_path / "out" / "answers.jsonl").read_text("utf-8")
    code, again, _ = selfparam(*arguments, "--scored", 2)
    assert code == 0
    assert again.splitlines()[:9] == out.splitlines()[:9]
    assert (tmp_path / "out" / "answers.jsonl").read_text("utf-8") == kept


@pytest.fixture
def no_time(monkeypatch):
    """A run that begins nothing: what needs no model is all that it has."""
    monkeypatch.setattr("langchain_selfparam.cli.eval._within", lambda args: lambda: False)


@pytest.mark.usefixtures("no_time")
def test_as_many_prompts_are_ordered_as_there_are_up_to_300(selfparam, arguments, tmp_path):
    def ordered(*more):
        found = tmp_path / "found.json"
        code, _, err = selfparam(*arguments, *more, "--json", found)
        assert code == 0, err
        return json.loads(found.read_text("utf-8"))["likelihood"]["prompts"]

    assert ordered() == 3
    (tmp_path / "out" / "answers.jsonl").touch()
    assert ordered() == 3  # the same command goes on
    code, _, err = selfparam(*arguments, "--scored", 2)
    assert code == 1
    assert "holds another run (scored was 300 and is 2)" in err
    assert ordered("--out", tmp_path / "b", "--limit", 2) == 2
    assert ordered("--out", tmp_path / "c", "--scored", 1) == 1
    many = "".join(json.dumps(prompt(at, 0)) + "\n" for at in range(301))
    (tmp_path / "data" / "test.jsonl").write_text(many, "utf-8")
    assert ordered("--out", tmp_path / "d") == 300
    assert ordered("--out", tmp_path / "e", "--scored", 301) == 301


def test_the_folder_of_another_run_is_refused(selfparam, arguments, tmp_path):
    (tmp_path / "out").mkdir()
    assert selfparam(*arguments, "--limit", 1, "--scored", 1, "--dialogues", 2)[0] == 0
    code, _, err = selfparam(*arguments, "--limit", 2, "--scored", 1, "--dialogues", 2)
    assert code == 1
    assert "holds another run (limit was 1 and is 2); give another --out, or remove it" in err


@pytest.mark.usefixtures("no_time")
def test_a_baseline_may_be_asked_after_the_memory(selfparam, arguments, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "answers.jsonl").write_text("")
    assert selfparam(*arguments)[0] == 0
    code, _, err = selfparam(*arguments, "--baselines", "ft-context")
    assert code == 0, err
    assert "0 of 3 free text answers of ft-context done" in err
    kept = json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))
    assert (kept["baselines"], kept["settings of its own"]) == ("ft-context", list(recommend.DEFAULTS))


@pytest.mark.parametrize(
    ("option", "name"), [("--train", "train.jsonl"), ("--test", "test.jsonl"), ("--items", "items.jsonl")]
)
def test_files_that_have_changed_are_another_run(selfparam, arguments, tmp_path, monkeypatch, option, name):
    monkeypatch.setattr("langchain_selfparam.cli.eval._within", lambda args: lambda: False)
    assert selfparam(*arguments)[0] == 0
    (tmp_path / "out" / "answers.jsonl").touch()
    assert selfparam(*arguments)[0] == 0
    with (tmp_path / "data" / name).open("a") as file:
        file.write("\n")
    code, _, err = selfparam(*arguments)
    assert code == 1
    assert re.search(
        rf"another run \(the content of {option} was 'sha256 \w{{16}}' and is 'sha256 \w{{16}}'\); give", err
    )


def test_names_beside_the_ids_are_a_part_of_the_run(tmp_path):
    for name in ("train.jsonl", "test.jsonl", "item_ids.json", "entity2id.json"):
        (tmp_path / name).write_text("[]")
    args = argparse.Namespace(**dict.fromkeys(("limit", "rounds", "scored", "dialogues"), 1))
    args.train, args.test, args.items = (tmp_path / name for name in ("train.jsonl", "test.jsonl", "item_ids.json"))
    before = recommend.marks(args)
    (tmp_path / "entity2id.json").write_text("{}")
    after = recommend.marks(args)
    assert [name for name in before if before[name] != after[name]] == ["the content of --items"]


def test_files_in_which_nothing_counts_are_refused_before_a_model_is_loaded(selfparam, arguments, tmp_path):
    (tmp_path / "data" / "test.jsonl").write_text(json.dumps(prompt(1, 77)) + "\n")
    code, _, err = selfparam(*arguments)
    assert code == 1
    assert "none of 1 prompts counts" in err
    assert "loading" not in err


@pytest.mark.usefixtures("no_time")
def test_what_is_dropped_is_said_before_a_model_is_loaded(selfparam, arguments, tmp_path):
    silent = dialogue(5, 3)
    silent["turns"] = silent["turns"][:1]
    with (tmp_path / "data" / "train.jsonl").open("a") as file:
        file.write("".join(json.dumps(row) + "\n" for row in (dialogue(1, 3), silent, dialogue(6, 4))))
    with (tmp_path / "data" / "test.jsonl").open("a") as file:
        file.write("".join(json.dumps(prompt(at, 77)) + "\n" for at in range(2)))
    code, _, err = selfparam(*arguments, "--dialogues", 3, "--limit", 2)
    assert code == 0, err
    assert err.split("loading")[0] == (
        "3 of 7 dialogues are learned from; left out: 2 that --dialogues leaves; "
        "1 whose turns name nothing of --items; 1 with the id of an earlier one\n"
        "2 of 5 prompts are asked; left out: 1 that --limit leaves; 2 without an id of --items in `rec`\n"
    )
    code, _, err = selfparam(*arguments, "--dialogues", 9, "--limit", 8, "--out", tmp_path / "b")
    assert code == 0, err
    assert err.startswith("5 of 7 dialogues are learned from (--dialogues asks for 9); left out: 1 whose")
    assert "\n3 of 5 prompts are asked (--limit asks for 8); left out: 2 without an id" in err


@pytest.mark.usefixtures("no_time")
def test_whole_files_are_said_to_be_used_and_ids_of_both_are_told(selfparam, arguments, tmp_path):
    code, _, err = selfparam(*arguments)
    assert code == 0, err
    assert err.startswith("4 of 4 dialogues are learned from\n3 of 3 prompts are asked\nloading ")
    rows = [{**prompt(at, 0), "dialog_id": at} for at in (2, 2, 4, 9)]  # a number, as the other is text
    (tmp_path / "data" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, _, err = selfparam(*arguments, "--out", tmp_path / "b")
    assert code == 0, err
    assert (
        "\n2 of these dialogues have an id that --test has as well: where that means the same dialogue, it is learned "
        "from and asked about, and what is found shows nothing; where ids mean something else there, all is well\n"
    ) in err.split("loading")[0]


@pytest.mark.parametrize(("more", "dialogues"), [(("--rounds", 5), 4), (("--rounds", 3, "--dialogues", 2), 2)])
def test_a_round_without_a_dialogue_is_refused_before_a_model_is_loaded(
    selfparam, arguments, tmp_path, more, dialogues
):
    code, _, err = selfparam(*arguments, *more)
    assert code == 1
    assert (
        f"--rounds is {more[1]} and there are {dialogues} dialogues to learn from, so that a round would have none; "
        f"give --rounds {dialogues} or fewer, or more dialogues"
    ) in err
    assert "loading" not in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["bm25s", "rapidfuzz"])
def test_what_is_not_installed_is_said_before_a_model_is_loaded(selfparam, arguments, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    code, _, err = selfparam(*arguments)
    assert code == 1
    assert f"{name} is needed for this and is not installed: pip install {name}" in err
    assert "loading" not in err


def test_help_and_the_measurements_show_a_line_of_each_file(selfparam, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    code, out, _ = selfparam("eval", "--help")
    assert code == 0
    about = out.split("\nrecommend:\n")[1].split("example:")[0]
    assert max(map(len, about.splitlines())) <= 98
    page = (Path(__file__).parents[2] / "docs" / "measurements.md").read_text("utf-8")
    for name, line in (("--train", TRAIN_LINE), ("--test", TEST_LINE), ("--items", ITEM_LINE)):
        assert f"{name} {line}" in " ".join(about.split())
        assert f"\n{line}\n" in page
    for text in (" ".join(about.split()), page):
        assert "its title with the year in brackets behind it" in text
    assert "takes an evening on two cores" in " ".join(about.split())


def test_the_example_of_the_help_is_one_round_and_can_be_read():
    command = re.search(r"\$ selfparam (eval recommend .*?)\n  \$", evaluation._EXAMPLE, re.DOTALL)[1]
    args = parser().parse_args(shlex.split(command.replace("\\\n", "")))
    assert (args.dialogues, args.rounds, args.limit, args.scored) == (600, 1, 300, 240)


def test_out_of_time_it_shows_what_it_has(selfparam, arguments, tmp_path, monkeypatch):
    monkeypatch.setattr("langchain_selfparam.cli.eval._within", lambda args: lambda: False)
    code, out, err = selfparam(*arguments, "--json", tmp_path / "found.json")
    assert code == 0
    assert "0 of 2 rounds" in out
    assert "popularity" in out
    for left in ("0 of 2 rounds", "0 of 3 free text answers of base", "0 of 3 likelihood answers of ours"):
        assert f"{left} done; run the same command to go on\n" in err
    values = json.loads((tmp_path / "found.json").read_text("utf-8"))
    assert (values["rounds_planned"], values["dialogues_learned"]) == (2, 0)
    assert values["unfinished"]["free_text"]["ours, round 1"] == {"kept": 0, "wanted": 3}


def test_a_baseline_that_diverges_leaves_what_was_learned(selfparam, arguments, tmp_path, monkeypatch):
    def learn(self, model, given, *, rate, progress):
        raise FloatingPointError

    monkeypatch.setattr("langchain_selfparam.evaluation.baselines.Baseline.delta", learn)
    code, out, err = selfparam(*arguments, "--baselines", "ft-context", "--json", tmp_path / "found.json")
    assert code == 0, err
    assert "ft-context was not run: ft-context diverged with each learning rate (0.0002, 0.0005" in err
    assert "2 of 2 rounds of 4 dialogues learned" in out
    assert "not run: ft-context diverged" in out
    values = json.loads((tmp_path / "found.json").read_text("utf-8"))
    assert values["not_run"].keys() == {"ft-context"}
    assert "ours" in values["free_text"]["recall@10"]


def test_what_is_missing_is_named(selfparam, tmp_path, arguments):
    code, _, err = selfparam("eval", "recommend", "--train", tmp_path / "train.jsonl", "--out", tmp_path / "out")
    assert code == 1
    assert "`eval recommend` needs --test, --items" in err
    code, _, err = selfparam(*arguments[:3], tmp_path / "nowhere.jsonl", *arguments[4:])
    assert code == 1
    assert f"there is no file {tmp_path / 'nowhere.jsonl'}" in err


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("--unchanged", ()),
        ("--contexts", (2,)),
        ("--seeds", (3,)),
        ("--vary", ("a.b=1,2",)),
        ("--data", ("long",)),
        ("--no-retrieval", ()),
    ],
)
def test_what_it_does_not_take_is_refused_and_not_passed_over(selfparam, arguments, name, given):
    code, _, err = selfparam(*arguments, name, *given)
    assert code == 1
    assert f"`eval recommend` takes no {name}: it learns dialogues (--train, --dialogues)" in err
    assert "loading" not in err
