"""Every example runs from start to end, shortened, on a tiny model."""

import json
import re
import runpy
import sys
from pathlib import Path

import pytest

from langchain_selfparam import ChatSelfParam, ParametricMemory
from langchain_selfparam.testing import tiny_model

FOLDER = Path(__file__).parent.parent / "examples"
EXAMPLES = sorted(FOLDER.rglob("*.py"))
WHO = {
    "agent_with_tools.py": "ana",
    "async_batch_consolidation.py": "cleo",
    "classic_agent.py": "you",
    "classic_chain.py": "you",
    "two_users.py": "ben",
}


@pytest.fixture
def model(tmp_path):
    tiny = tiny_model(max_position_embeddings=4096)  # tools are told of in a thousand of its tokens
    folder = tmp_path / "tiny-model"
    tiny.model.save_pretrained(folder)
    tiny.tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def run(model, tmp_path, monkeypatch, capsys):
    """Runs an example with more arguments and gives what it printed."""

    def again(path, *arguments):
        monkeypatch.setattr(
            sys, "argv", [str(path), "--model", str(model), "--folder", str(tmp_path / "memory"), *arguments]
        )
        runpy.run_path(str(path), run_name="__main__")
        return capsys.readouterr().out

    return again


def test_every_example_is_run_here():
    assert sorted(path.name for path in EXAMPLES) == sorted([*WHO, "recommender.py"])


@pytest.mark.parametrize("name", WHO)
def test_example_runs_twice(name, run):
    out = "".join(run(FOLDER / name, "--no-consolidate") for _ in range(2))
    assert out.count(f"{WHO[name]}: What is my parrot called?\nmodel: ") == 2
    assert out.count(f"{WHO[name]}: We have a parrot called ") == 1


@pytest.mark.parametrize("name", WHO)
def test_in_a_folder_with_other_turns_it_is_not_asked_about_what_nobody_said(name, run, model, tmp_path):
    many = {"isolation": "namespace"} if "namespace" in (FOLDER / name).read_text("utf-8") else {}
    with ParametricMemory(ChatSelfParam.from_pretrained(model), path=tmp_path / "memory", **many) as memory:
        who = memory.with_namespace(user_id="eve") if many else memory
        who.save_context({"input": "I like tea."}, {"output": "Me too."})
    out = run(FOLDER / name, "--no-consolidate")
    assert out.index(f"{WHO[name]}: We have a parrot called ") < out.index(f"{WHO[name]}: What is my parrot called?")


def test_every_example_has_a_folder_of_its_own_that_git_ignores():
    folders = [re.search(r'"--folder", default="\./([\w-]+)"', path.read_text("utf-8"))[1] for path in EXAMPLES]
    assert len({*folders, "memory"}) == len(EXAMPLES) + 1  # "memory" is the README's and the command line's
    ignored = (FOLDER.parent / ".gitignore").read_text("utf-8").splitlines()
    assert {f"/*-{folder.split('-')[-1]}/" for folder in folders} <= {*ignored}
    for path, folder in zip(EXAMPLES, folders, strict=True):
        assert f"{path.name} --folder ./{folder}" in path.read_text("utf-8")


def test_the_batch_ends_in_time_and_says_what_is_left(run):
    out = run(FOLDER / "async_batch_consolidation.py", "--minutes", "0.0001")
    assert "dan: What is a good name for a parrot?" in out
    assert re.search(
        r"^deadline after \d+ s; turns left: 1 of ana, 1 of ben, 1 of cleo\nrun it again to go on with them$",
        out,
        re.MULTILINE,
    )


def test_the_recommender_asks_before_and_after_and_goes_on(run):
    path = FOLDER / "conversational_recommender" / "recommender.py"
    out = run(path, "--no-learn")
    assert out.count("Shop, before: ") == out.count("Shop, nothing learned: ") == 6
    assert "before: 0 of 6 are recommended the game that fits" in out
    assert "Shop, before: " not in run(path, "--no-learn")


def test_who_talks_to_the_recommender_is_remembered_until_an_empty_line(monkeypatch, capsys):
    example = runpy.run_path(str(FOLDER / "conversational_recommender" / "recommender.py"))
    lines = iter(["Something calm.", " For two. ", "", "Something loud."])

    def typed(shown):
        line = next(lines, None)
        if line is None:
            raise EOFError
        return line

    class Counts:
        asked = ()

        def recommend(self, said):
            self.asked = (*self.asked, example["request"](said))
            return f"answer {len(self.asked)}"

    monkeypatch.setattr("builtins.input", typed)
    shop = Counts()
    example["talk"](shop)
    which = "Which game of the shop fits this customer?"
    assert shop.asked == (
        f"Customer: Something calm.\n{which}",
        f"Customer: Something calm.\nShop: answer 1\nCustomer: For two.\n{which}",
        f"Customer: Something loud.\n{which}",
    )
    assert capsys.readouterr().out == "Shop: answer 1\nShop: answer 2\nShop: answer 3\n"


def test_what_the_recommender_is_asked_is_not_what_it_learned():
    folder = FOLDER / "conversational_recommender"
    told, asked = (
        [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]
        for name in ("dialogues.jsonl", "seekers.jsonl")
    )
    heard = {text for dialogue in told for text in dialogue["said"][::2]}
    assert not heard & {text for seeker in asked for text in seeker["said"][::2]}
    for seeker in asked:
        assert sum(seeker["fits"] in dialogue["reply"] for dialogue in told) == 4


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_states_command_hardware_time_and_what_to_expect(path):
    text = path.read_text("utf-8").split('"""')[1]
    for word in (f"examples/{path.relative_to(FOLDER)}", "cores", "minutes", "Expect"):
        assert word in text
