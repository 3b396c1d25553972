"""The command line itself: help without torch, exit codes, one line for an error."""

import io
import json
import os
import subprocess
import sys

import pytest

from langchain_selfparam.cli import eval as eval_
from langchain_selfparam.cli import status
from langchain_selfparam.cli.main import parser
from langchain_selfparam.errors import FolderError

COMMANDS = ["demo", "chat", "status", "log", "rollback", "forget", "export", "eval", "doctor"]


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom langchain_selfparam.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as stop:\n    assert stop.code == 0\n"
        "heavy = ('torch', 'transformers', 'langchain_core', 'langchain_classic', 'sqlalchemy', 'matplotlib')\n"
        "print('LOADED', *[name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].split() == ["LOADED"]


def test_help_lists_every_command_and_not_the_hidden_one():
    text = parser().format_help()
    for name in COMMANDS:
        assert f"\n    {name} " in text
    assert "ask" not in text.split()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(selfparam, name):
    code, out, _ = selfparam(name, "--help")
    assert code == 0
    assert f"\nexample:\n  $ selfparam {name}" in out


@pytest.mark.parametrize("args", [[], ["nothing"], ["status"], ["rollback", "x", "--folder", "y"]])
def test_wrong_arguments_are_2(selfparam, args):
    assert selfparam(*args)[0] == 2


def test_version(selfparam):
    import langchain_selfparam

    assert selfparam("--version") == (0, langchain_selfparam.__version__ + "\n", "")


def test_an_error_is_one_line_and_debug_shows_where(selfparam, tmp_path):
    code, out, err = selfparam("status", "--folder", tmp_path)
    assert (code, out) == (1, "")
    assert err == (
        f"selfparam: there is no memory in {tmp_path} (no memory.sqlite); give the folder that one was opened with\n"
    )
    with pytest.raises(FolderError, match="there is no memory in"):
        selfparam("status", "--debug", "--folder", tmp_path)


def test_ctrl_c_is_1_and_says_what_is_kept(selfparam, monkeypatch):
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(eval_, "_compare", stop)
    code, _, err = selfparam("eval", "compare", "a", "b")
    assert (code, err) == (1, "selfparam: stopped; what was finished is kept: run the same command to go on\n")


def test_ctrl_c_in_a_reader_is_1_and_says_that_nothing_was_changed(selfparam, monkeypatch, tmp_path):
    def stop(args):
        raise KeyboardInterrupt

    monkeypatch.setattr(status, "status", stop)
    code, _, err = selfparam("status", "--folder", tmp_path)
    assert code == 1
    assert err == "selfparam: stopped; nothing was changed\n"


def test_whoever_has_read_enough_gets_no_complaint_at_the_end():
    """What is printed waits in a buffer until the process ends, and there nobody hears of the error."""
    code = (
        "import sys\nfrom langchain_selfparam.cli import main, status\n"
        "status.status = lambda args: (sys.stdin.read(), {'a': 1})[1]\n"
        "sys.exit(main.main(['status', '--json', '--folder', 'x']))"
    )
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], env=env, **pipes) as process:
        process.stdout.close()
        _, err = process.communicate()
    assert (process.returncode, err) == (1, b"")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii:surrogateescape"])
def test_bytes_that_are_no_text_are_read_as_unknown(encoding):
    code = (
        "from langchain_selfparam.cli import main, status\nstatus.status = lambda args: list(map(ord, input()))\n"
        "main.main(['status', '--json', '--folder', 'x'])"
    )
    env = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", code], input=b"a\xff\n", env=env, capture_output=True, check=True)
    assert json.loads(done.stdout) == [ord("a"), 0xFFFD]


def test_a_standard_input_that_was_read_from_is_left_as_it_is(selfparam, monkeypatch, tmp_path):
    with io.TextIOWrapper(io.BytesIO(b"one\ntwo\n")) as stdin:
        stdin.readline()
        monkeypatch.setattr("sys.stdin", stdin)
        assert selfparam("status", "--folder", tmp_path)[0] == 1
        assert stdin.readline() == "two\n"
