"""Commands on a memory folder: readers without a model, changes with a plan, the real engine behind them."""

import contextlib
import json
from datetime import datetime, timezone

import pytest
import torch

from langchain_selfparam.records import Episode
from langchain_selfparam.store import Database, FolderLock, Jobs, Turns, Versions

NOW = datetime(2030, 1, 2, 3, 4, tzinfo=timezone.utc)


def test_status(selfparam, folder):
    code, out, _ = selfparam("status", "--folder", folder)
    assert code == 0
    lines = dict(line.split(maxsplit=1) for line in out.splitlines() if not line.startswith("last"))
    assert lines["model"] == "tiny-model"
    assert lines["served"] == "version 1 of 1"
    assert lines["turns"] == "1 pending, 0 leased, 2 held, 0 cleared"


def test_status_as_json_beside_the_owner(selfparam, folder, as_json):
    with locked(folder):
        found = as_json(selfparam("status", "--folder", folder, "--json")[1])
    assert found["turns"] == {"pending": 1, "leased": 0, "held": 2, "cleared": 0}
    assert found["served"] == 1
    assert found["delta_bytes"] > 1000


@contextlib.contextmanager
def locked(folder):
    lock = FolderLock(folder)
    lock.acquire()
    yield
    lock.release()


def test_log(selfparam, folder, as_json):
    _, out, _ = selfparam("log", "--folder", folder)
    first, *rest = out.splitlines()
    assert first.startswith("   0  20")
    assert rest == [
        "*  1  2030-01-02 03:04  holds 2 turns  recall 75%  drift 0.0123  96 s",
        "* is served",
    ]
    found = as_json(selfparam("log", "--folder", folder, "--json")[1])
    assert [(v["id"], v["served"], v["turns"]) for v in found] == [(0, False, []), (1, True, [1, 2])]


def test_log_of_turns(selfparam, folder, as_json):
    _, out, _ = selfparam("log", "--turns", "--folder", folder)
    assert out.splitlines()[0] == 'held by version 1    turn 1: "My dog is called Biscuit."'
    assert out.splitlines()[1].endswith('…"')
    assert out.splitlines()[2] == 'pending              turn 3: "I like tea."'
    found = as_json(selfparam("log", "--turns", "--json", "--folder", folder)[1])
    assert [(t["id"], t["state"], t["version"]) for t in found] == [
        (1, "held", 1),
        (2, "held", 1),
        (3, "pending", None),
    ]


def test_what_a_version_lost_is_shown_and_rolled_back_over(selfparam, folder, model_folder, as_json):
    with contextlib.closing(Database(folder)) as database:
        episode = Episode(namespace=("memories", "default"), turns=Turns(database).get([3]))
        Versions(database).commit(
            job=Jobs(database).lease(episode, owner="host:1:x", now=NOW, lease_seconds=60),
            delta_file="b.safetensors",
            delta_sha256="",
            weights_sha256=None,
            held_ids=[3],
            lost_ids=[1],
            report={"recall": 1.0},
            created_at=NOW,
        )
    _, out, _ = selfparam("log", "--folder", folder)
    assert out.splitlines()[2] == "*  2  2030-01-02 03:04  holds 1 turns  lost 1  recall 100%"
    assert as_json(selfparam("log", "--folder", folder, "--json")[1])[2]["lost"] == [1]
    _, out, _ = selfparam("rollback", 1, "--folder", folder, "--model", model_folder)
    assert "Pending again: turns 3. Held again: turns 1." in out
    _, out, _ = selfparam("rollback", 2, "--folder", folder, "--model", model_folder)
    assert "Pending again: none. Held again: none." in out


def served(selfparam, folder):
    return json.loads(selfparam("status", "--json", "--folder", folder)[1])["served"]


def test_rollback_prints_its_plan_and_wants_yes(selfparam, folder, model_folder):
    code, out, _ = selfparam("rollback", 0, "--folder", folder, "--model", model_folder)
    assert code == 2
    assert out.splitlines() == [
        "Serve version 0 instead of version 1.",
        "Pending again: turns 1, 2. Held again: none.",
        "Nothing was changed: add --yes to do it.",
    ]
    assert served(selfparam, folder) == 1


def test_rollback_back_and_forth(selfparam, folder, model_folder):
    rest = ("--folder", folder, "--model", model_folder, "--yes")
    code, out, _ = selfparam("rollback", 0, *rest)
    assert (code, out.splitlines()[-1]) == (0, "Version 0 is served.")
    assert served(selfparam, folder) == 0
    _, out, _ = selfparam("rollback", 1, *rest)
    assert out.splitlines()[1] == "Pending again: none. Held again: turns 1, 2."
    assert served(selfparam, folder) == 1


def test_rollback_to_an_unknown_version(selfparam, folder):
    code, _, err = selfparam("rollback", 9, "--folder", folder)
    assert (code, err) == (1, "selfparam: there is no version 9; there are 0, 1\n")


def test_forget_prints_its_plan_and_wants_yes(selfparam, folder, model_folder):
    code, out, _ = selfparam("forget", 1, "--folder", folder, "--model", model_folder)
    assert code == 2
    assert '  turn 1: "My dog is called Biscuit."' in out.splitlines()


def test_forget(selfparam, folder, model_folder, as_json):
    code, out, _ = selfparam("forget", 1, "--folder", folder, "--model", model_folder, "--yes")
    assert code == 0
    assert out.splitlines()[-1] == "Version 0 is served. To be learned again: turns 2."
    turns = as_json(selfparam("log", "--turns", "--json", "--folder", folder)[1])
    assert [turn["id"] for turn in turns] == [2, 3]
    assert b"Biscuit" not in b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())


def test_forget_an_unknown_turn(selfparam, folder):
    code, _, err = selfparam("forget", 9, "--folder", folder)
    lists = f"selfparam log --turns --folder {folder} lists those there are"
    assert (code, err) == (1, f"selfparam: there is no turn 9; {lists}\n")


def test_export(selfparam, folder, model_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, said, _ = selfparam("export", "./adapter", "--folder", folder, "--model", model_folder)
    assert (code, said) == (0, "adapter: a PEFT adapter of version 1\n")
    assert (tmp_path / "adapter" / "adapter_config.json").is_file()


@pytest.mark.parametrize("command", [["export", "x"], ["rollback", "0"], ["forget", "1"], ["log"], ["ask", "?"]])
def test_a_folder_without_a_memory_is_refused_and_not_made(selfparam, tmp_path, command):
    missing = tmp_path / "nowhere"
    code, _, err = selfparam(*command, "--folder", missing)
    assert code == 1
    assert err.startswith(f"selfparam: there is no memory in {missing} (no memory.sqlite)")
    assert not missing.exists()


def test_another_model_is_refused_by_name(selfparam, folder, tmp_path):
    from langchain_selfparam.testing import tiny_model

    other = tiny_model(seed=1)
    other.model.save_pretrained(tmp_path / "other")
    other.tokenizer.save_pretrained(tmp_path / "other")
    code, _, err = selfparam("rollback", 0, "--yes", "--folder", folder, "--model", tmp_path / "other")
    assert code == 1
    assert "belongs to tiny-model" in err
    assert "not to other" in err
    code, out, _ = selfparam("doctor", "--folder", folder, "--model", tmp_path / "other")
    assert code == 1
    assert "ok    model" in out
    assert f"FAIL  folder       {err.removeprefix('selfparam: ')}" in out


def test_a_folder_is_opened_with_the_dtype_of_then(selfparam, model_folder, tmp_path, monkeypatch):
    lines = iter(["Hello"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(lines, "/quit"))
    where = ("--folder", tmp_path / "halves", "--model", model_folder)
    assert selfparam("chat", *where, "--dtype", "bfloat16")[0] == 0
    code, _, err = selfparam("rollback", 0, "--yes", *where)
    assert code == 1
    assert "load the model with the revision and the dtype of then" in err
    assert selfparam("rollback", 0, "--yes", *where, "--dtype", "bfloat16")[0] == 0
    code, out, _ = selfparam("doctor", *where, "--dtype", "bfloat16")
    assert (code, "M parameters, bfloat16, " in out) == (0, True)
    assert selfparam("doctor", *where)[0] == 1
    code, _, err = selfparam("doctor", *where, "--dtype", "int8")
    assert code == 2
    assert "argument --dtype: invalid choice: 'int8'" in err


def test_a_revision_goes_to_the_hub(selfparam, monkeypatch, tmp_path, tiny):
    seen = []
    monkeypatch.setattr("transformers.AutoTokenizer.from_pretrained", lambda *a, **k: seen.append(k) or tiny.tokenizer)
    monkeypatch.setattr("transformers.AutoModelForCausalLM.from_pretrained", lambda *a, **k: tiny.model)
    monkeypatch.setattr("builtins.input", lambda prompt: "/quit")
    monkeypatch.setattr("platformdirs.user_data_path", lambda name: tmp_path / name)
    for command in ("doctor", "chat"):
        assert selfparam(command, "--model", "org/model", "--revision", "v2")[0] == 0
    assert seen == [{"revision": "v2"}] * 2


@pytest.mark.parametrize("command", ["chat", "doctor", "consolidate"])
def test_a_model_goes_where_it_is_asked_to_be(selfparam, monkeypatch, folder, model_folder, command):
    from langchain_selfparam import loading

    seen = []
    monkeypatch.setattr(loading, "usable", lambda name: seen.append(name) or torch.device("cpu"))
    monkeypatch.setattr("builtins.input", lambda prompt: "/quit")
    assert selfparam(command, "--folder", folder, "--model", model_folder, "--device", "cuda:1")[0] == 0
    assert seen == ["cuda:1"]


@pytest.mark.parametrize(
    ("device", "said"),
    [
        ("gpu", "device is 'gpu'; it has to be one that torch knows, such as 'cpu' or 'cuda'"),
        ("cuda", "device is 'cuda', and torch finds no GPU here; use 'cpu', or a torch that is built for the GPU"),
    ],
)
def test_a_device_that_is_not_here_is_refused(selfparam, monkeypatch, folder, model_folder, device, said):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    code, _, err = selfparam("rollback", 0, "--yes", "--folder", folder, "--model", model_folder, "--device", device)
    assert (code, err) == (1, f"selfparam: {said}\n")


def test_ask_answers_from_two_versions(selfparam, folder, model_folder, as_json):
    rest = ("--folder", folder, "--model", model_folder)
    found = as_json(selfparam("ask", "What is my dog called?", "Who?", "--rollback", 0, *rest)[1])
    assert found["version"] == 1
    assert len(found["answers"]) == len(found["rolled_back"]) == 2
    assert found["answers"] != found["rolled_back"]
    assert served(selfparam, folder) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "standard input is no JSON"),
        ("[]", "holds no list of questions"),
        ("[3]", "holds no list of questions"),
    ],
)
def test_ask_wants_a_list_of_questions(selfparam, folder, monkeypatch, text, said):
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    code, _, err = selfparam("ask", "--folder", folder)
    assert code == 1
    assert said in err


def test_doctor(selfparam, folder, model_folder, as_json):
    code, out, _ = selfparam("doctor", "--folder", folder, "--model", model_folder)
    assert code == 0
    lines = out.splitlines()
    assert [line.split()[1] for line in lines] == ["package", "libraries", "machine", "model", "folder"]
    assert lines[-1].endswith(f"{folder}: schema 2, version 1 served")
    found = as_json(selfparam("doctor", "--json", "--model", model_folder)[1])
    assert [check["name"] for check in found] == ["package", "libraries", "machine", "model"]


def test_doctor_says_what_is_missing(selfparam, tmp_path):
    code, out, _ = selfparam("doctor", "--model", tmp_path / "none", "--folder", tmp_path)
    assert code == 1
    assert f"FAIL  model        there is no folder {tmp_path / 'none'}" in out
    assert f"FAIL  folder       there is no memory in {tmp_path}" in out


def test_files_that_are_no_model_are_an_error_of_one_line(selfparam, model_folder, tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    (tmp_path / "bad.gguf").write_bytes(b"no model at all")
    code, out, _ = selfparam("doctor", "--model", tmp_path / "bad.gguf")
    assert code == 1
    assert f"FAIL  model        '{tmp_path / 'bad.gguf'}' cannot be loaded (" in out
    config = json.loads((model_folder / "config.json").read_text("utf-8"))
    (model_folder / "config.json").write_text(json.dumps({**config, "model_type": "of-tomorrow"}))
    code, _, err = selfparam("chat", "--folder", tmp_path / "memory", "--model", model_folder)
    assert code == 1
    assert err.splitlines()[-1].startswith(f"selfparam: '{model_folder}' cannot be loaded (ValueError: ")
    assert "of-tomorrow" in err.splitlines()[-1]
