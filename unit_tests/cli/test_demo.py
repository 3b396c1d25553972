"""``demo`` from start to end on a tiny model, with a real new process; what it deletes, and what it does not."""

import contextlib
import json
import sys
from datetime import datetime, timezone

import pytest

from langchain_selfparam.cli.main import parser
from langchain_selfparam.engine.pipeline import Engine
from langchain_selfparam.engine.report import nothing_done
from langchain_selfparam.evaluation.datasets import find, load
from langchain_selfparam.store import Database, FolderLock, Turns

NOW = datetime(2030, 1, 2, 3, 4, tzinfo=timezone.utc)


@pytest.fixture
def no_process(monkeypatch):
    """The demo without its new process, which takes seconds to start."""
    answers = {"answers": ["x"] * 24, "rolled_back": ["x"] * 24}
    monkeypatch.setattr("langchain_selfparam.cli.demo._new_process", lambda *args: answers)


def test_demo_writes_its_report_and_shows_the_new_process(selfparam, model_folder, tmp_path, learned):
    out = tmp_path / "out"
    code, text, err = selfparam("demo", "--model", model_folder, "--out", out)
    assert code == 0, err
    assert len(learned[0]) == 12
    assert learned[0][0].startswith("Hi, I'm Ottilie.")
    assert max(map(len, text.splitlines()[:-2])) <= 100
    assert "the same in a new process" in text
    assert "the same after rollback to version 0" in text
    assert sorted(path.name for path in out.iterdir()) == ["demo.json", "demo.md", "demo.png", "memory"]
    found = json.loads((out / "demo.json").read_text("utf-8"))
    assert found["summary"]["questions"] == 24
    assert {"before", "history", "after", "reopened", "rolled_back"} <= found["questions"][0].keys()
    # Nothing was really learned, so all processes agree.
    for question in found["questions"]:
        assert question["before"] == question["after"] == question["reopened"] == question["rolled_back"]
    for bar in ("ask: nothing", "ask: history", "speak", "targets", "ask: weights", "a new process"):
        assert bar in err
    assert selfparam("demo", "--model", model_folder, "--out", out)[0] == 0
    assert len(learned) == 2


def say_more(folder):
    with contextlib.closing(Database(folder)) as database:
        said = {"user": "My dog is called Biscuit.", "assistant": "Nice!"}
        Turns(database).append(namespace=("memories", "default"), thread="", created_at=NOW, **said)


@pytest.mark.usefixtures("learned", "no_process")
def test_a_demo_in_which_somebody_went_on_talking_is_not_deleted(selfparam, model_folder, tmp_path):
    out, memory = tmp_path / "out", tmp_path / "out" / "memory"
    other = tmp_path / "other.json"
    other.write_text(find("demo").read_text("utf-8").replace("Hi, I'm Ottilie.", "Hi, I'm Ottoline."), "utf-8")
    assert selfparam("demo", "--model", model_folder, "--out", out, "--data", other)[0] == 0
    assert selfparam("demo", "--model", model_folder, "--out", out)[0] == 0  # what another demo said is its own too
    say_more(memory)
    code, _, err = selfparam("demo", "--model", "./nowhere", "--out", out)
    assert code == 1
    assert err == (
        f'selfparam: {memory} has 1 turns that no demo said, such as turn 13: "My dog is called Biscuit.", and a new '
        "demo would delete them; choose another --out, or move the folder away\n"
    )
    assert "Biscuit" in selfparam("log", "--turns", "--folder", memory)[1]


@pytest.mark.usefixtures("learned", "no_process")
def test_what_is_said_while_the_model_is_loaded_is_not_deleted(selfparam, model_folder, tmp_path, monkeypatch):
    from langchain_selfparam.cli import demo

    def load_meanwhile(args):
        say_more(tmp_path / "out" / "memory")
        return load_model(args)

    args, load_model = ("demo", "--model", model_folder, "--out", tmp_path / "out"), demo.load_model
    assert selfparam(*args)[0] == 0
    monkeypatch.setattr(demo, "load_model", load_meanwhile)
    code, _, err = selfparam(*args)
    assert code == 1
    assert "has 1 turns that no demo said" in err


@pytest.mark.usefixtures("learned", "no_process")
def test_a_demo_whose_memory_is_open_or_whose_model_is_not_there_deletes_nothing(selfparam, model_folder, tmp_path):
    out, memory = tmp_path / "out", tmp_path / "out" / "memory"
    assert selfparam("demo", "--model", model_folder, "--out", out)[0] == 0
    lock = FolderLock(memory)
    lock.acquire()
    code, _, err = selfparam("demo", "--model", model_folder, "--out", out)
    lock.release()
    assert code == 1
    assert f"the folder {memory} is open in process" in err
    assert selfparam("demo", "--model", "./nowhere", "--out", out)[0] == 1
    assert len(selfparam("log", "--turns", "--folder", memory)[1].splitlines()) == 12


def test_the_new_process_is_read_whatever_the_encoding_of_the_terminal(tmp_path, monkeypatch):
    """Its output is read as UTF-8, and a Latin-1 terminal would have it write something else."""
    from langchain_selfparam.cli import demo

    found = {"answers": ["a caf\u00e9 \u2026"], "rolled_back": ["\u72ac"]}
    code = f"import sys\nfrom langchain_selfparam.cli import ask, main\nask.answers = lambda *args: {found!r}\n"
    code += f"sys.exit(main.main(['ask', 'q', '--folder', {str(tmp_path)!r}]))"
    run = demo.subprocess.run
    monkeypatch.setattr(demo.subprocess, "run", lambda _, **options: run([sys.executable, "-c", code], **options))
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    with contextlib.closing(Database(tmp_path)):
        pass
    args = parser().parse_args(["demo", "--out", str(tmp_path)])
    assert demo._new_process(args, tmp_path, load(find("demo"))[0]) == found


@pytest.mark.usefixtures("learned")
def test_the_new_process_and_the_chat_to_go_on_with_load_the_same_model(selfparam, model_folder, tmp_path, monkeypatch):
    from langchain_selfparam.cli import demo

    def run(command, **options):
        commands.append(command)
        found = json.dumps({"answers": ["x"] * 24, "rolled_back": ["x"] * 24})
        return type("Done", (), {"returncode": 0, "stdout": found})

    commands = []
    monkeypatch.setattr(demo.subprocess, "run", run)
    model = ("--model", model_folder, "--dtype", "bfloat16", "--revision", "v2", "--device", "cpu")
    code, out, err = selfparam("demo", "--out", tmp_path / "out", *model)
    assert code == 0, err
    assert commands[0][-8:] == list(map(str, model))
    assert out.splitlines()[-1].endswith(f"--folder {tmp_path / 'out' / 'memory'} {' '.join(map(str, model))}")


def test_demo_again_replaces_its_own_memory_and_no_other(selfparam, model_folder, tmp_path, learned, no_process):
    out = tmp_path / "out"
    (out / "memory").mkdir(parents=True)
    (out / "memory" / "precious").touch()
    code, _, err = selfparam("demo", "--model", model_folder, "--out", out)
    assert code == 1
    assert err.strip() == (
        f"selfparam: {out / 'memory'} is there and no demo made it; choose another --out, or move it away"
    )
    assert (out / "memory" / "precious").exists()
    (out / "memory" / "made-by-selfparam-demo").touch()
    code, text, _ = selfparam("demo", "--json", "--model", model_folder, "--out", out)
    assert code == 0
    assert not (out / "memory" / "precious").exists()
    assert json.loads(text)["summary"]["turns_held"] == 12


def test_demo_without_matplotlib_goes_on(selfparam, model_folder, tmp_path, learned, no_process, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    code, _, err = selfparam("demo", "--model", model_folder, "--out", tmp_path / "out")
    assert code == 0
    assert "no picture: matplotlib.figure is needed" in err
    assert not (tmp_path / "out" / "demo.png").exists()


def test_demo_whose_new_process_fails(selfparam, model_folder, tmp_path, learned, monkeypatch):
    from langchain_selfparam.cli import demo

    monkeypatch.setattr(demo.sys, "executable", "/bin/false")
    code, _, err = selfparam("demo", "--model", model_folder, "--out", tmp_path / "out")
    assert code == 1
    assert "the new process ended with exit code 1; its message is above" in err


def test_demo_that_held_nothing_is_1(selfparam, model_folder, tmp_path, no_process, monkeypatch):
    monkeypatch.setattr(Engine, "consolidate", lambda self, *, progress=None: nothing_done("refused"))
    assert selfparam("demo", "--model", model_folder, "--out", tmp_path / "out")[0] == 1
