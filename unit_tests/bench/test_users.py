"""Users in one row: the same lessons as one after another, timed, and nothing else."""

import json

import pytest
import torch

from langchain_selfparam.bench import users
from langchain_selfparam.bench.shapes import random_model
from langchain_selfparam.cli.main import main
from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.distill import abreast
from langchain_selfparam.errors import ConfigError, NonFiniteLossError

CONFIG = TrainingConfig(rank=2, epochs=2, batch_tokens=60)


@pytest.fixture
def model():
    return random_model("tiny", dtype=torch.float32, device=torch.device("cpu"))


def test_both_ways_learn_the_same_and_are_timed(model):
    told = []
    found = users.run(model, "tiny", users=3, pairs=4, length=24, config=CONFIG, repeats=2, say=told.append)
    assert (found.users, found.model, found.steps) == (3, "tiny", 4)
    assert found.apart < 1e-3, "the same but for rounding"
    assert found.one_by_one > 0 < found.in_one_row
    assert found.ratio == found.one_by_one / found.in_one_row
    assert 40 < found.tokens < 60
    assert told == [
        "reading 3 users' pairs",
        "one after another, 1 of 2",
        "in one row, 1 of 2",
        "one after another, 2 of 2",
        "in one row, 2 of 2",
    ]


def test_users_learn_different_things(model):
    lessons = [
        users._lesson(model, users.Head(model.lm_head.weight), at, pairs=2, length=24, config=CONFIG) for at in (0, 1)
    ]
    assert lessons[0].documents != lessons[1].documents
    assert [lesson.config.seed for lesson in lessons] == [0, 1]


def test_ways_that_do_not_learn_the_same_are_told_apart(model, monkeypatch):
    monkeypatch.setattr(abreast, "train", lambda courses, joined: [])
    found = users.run(model, "tiny", users=2, pairs=2, length=24, config=CONFIG, repeats=1)
    assert found.apart == pytest.approx(1.0)
    assert "differs by 1.0e+00 of its size" in users.text(found)


def test_one_user_stands_beside_nobody(model):
    with pytest.raises(ConfigError, match=r"users is 1; it has to be 2 or more"):
        users.run(model, "tiny", users=1, config=CONFIG, repeats=1)


def test_a_loss_that_breaks_is_no_time(model, monkeypatch):
    monkeypatch.setattr(abreast, "train", lambda courses, joined: [NonFiniteLossError("loss is nan")])
    with pytest.raises(NonFiniteLossError, match="loss is nan"):
        users.run(model, "tiny", users=2, pairs=2, length=24, config=CONFIG, repeats=1)


def test_the_command_prints_and_writes_it(tmp_path, capsys):
    file = tmp_path / "users.json"
    assert (
        main(["bench", "--users", "2", "--shape", "tiny", "--pairs", "3", "--repeats", "1", "--json", str(file)]) == 0
    )
    out = capsys.readouterr().out
    assert "2 users, " in out
    assert "times as fast" in out
    values = json.loads(file.read_text())["users"]
    assert values["ratio"] == pytest.approx(values["one_by_one"] / values["in_one_row"])
