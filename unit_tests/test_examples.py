"""Every example runs from start to end, shortened, on a tiny model."""

import runpy
import sys
from pathlib import Path

import pytest

from langchain_selfparam.testing import tiny_model

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))
WHO = {"agent_with_tools.py": "ana", "classic_agent.py": "you", "classic_chain.py": "you", "two_users.py": "ben"}
SHORT = {name: ["--no-consolidate"] for name in WHO}


@pytest.fixture
def model(tmp_path):
    tiny = tiny_model(max_position_embeddings=4096)  # tools are told of in a thousand of its tokens
    folder = tmp_path / "tiny-model"
    tiny.model.save_pretrained(folder)
    tiny.tokenizer.save_pretrained(folder)
    return folder


def test_every_example_has_a_short_form():
    assert [path.name for path in EXAMPLES] == sorted(SHORT)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_runs_twice(path, model, tmp_path, monkeypatch, capsys):
    arguments = [str(path), "--model", str(model), "--folder", str(tmp_path / "memory"), *SHORT[path.name]]
    monkeypatch.setattr(sys, "argv", arguments)
    for _ in range(2):
        runpy.run_path(str(path), run_name="__main__")
    out = capsys.readouterr().out
    assert out.count(f"{WHO[path.name]}: What is my parrot called?\nmodel: ") == 2
    assert out.count(f"{WHO[path.name]}: We have a parrot called ") == 1


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_states_command_hardware_time_and_what_to_expect(path):
    text = path.read_text("utf-8").split('"""')[1]
    for word in (f"examples/{path.name}", "cores", "minutes", "Expect"):
        assert word in text
