import os
import re
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from langchain_selfparam.errors import FolderError, FolderLockedError
from langchain_selfparam.store import FolderLock
from langchain_selfparam.store import lock as lock_module

HOLD = """
    import sys
    from langchain_selfparam.store import FolderLock
    lock = FolderLock(sys.argv[1])
    lock.acquire()
    print("held", flush=True)
    sys.stdin.read()
"""

HOLD_WITH_A_FORKED_CHILD = """
    import os, sys
    from langchain_selfparam.store import FolderLock
    lock = FolderLock(sys.argv[1])
    lock.acquire()
    if os.fork() == 0:
        print("child", lock.held, flush=True)
        sys.stdin.read()
        os._exit(0)
    sys.stdin.read()
"""

HOLD_WITH_A_CHILD_PROGRAM = """
    import subprocess, sys
    from langchain_selfparam.store import FolderLock
    lock = FolderLock(sys.argv[1])
    lock.acquire()
    subprocess.Popen(
        [sys.executable, "-c", "import sys; print('child', flush=True); sys.stdin.read()"], close_fds=False
    )
    sys.stdin.read()
"""


@pytest.fixture
def run():
    started = []

    def start(program, folder):
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(lock_module.__file__).parents[2],
        )
        started.append(process)
        return process, process.stdout.readline().strip()

    yield start
    for process in started:
        process.stdin.close()
        process.stdout.close()
        process.kill()
        process.wait()


@pytest.fixture
def without_flock(monkeypatch):
    monkeypatch.setattr(lock_module, "fcntl", None)


def killed(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_free_folder_is_made_and_taken(tmp_path):
    lock = FolderLock(tmp_path / "memory")
    lock.acquire()
    assert lock.held
    assert stat.S_IMODE((tmp_path / "memory").stat().st_mode) == 0o700
    assert stat.S_IMODE(lock.path.stat().st_mode) == 0o600
    assert re.fullmatch(rf"{os.getpid()} \d{{4}}-\d\d-\d\dT[\d:]{{8}}\+00:00\n", lock.path.read_text())
    lock.release()
    lock.release()
    assert not lock.held


def test_a_second_owner_in_this_process_is_refused(tmp_path):
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    first.acquire()
    text = rf"the folder {re.escape(str(tmp_path))} is open in process {os.getpid()} \(this one\); a memory"
    for lock in (second, first):
        with pytest.raises(FolderLockedError, match=text):
            lock.acquire()
    first.release()
    second.acquire()
    second.release()


def test_a_second_process_is_refused_until_the_first_is_killed(tmp_path, run):
    process, said = run(HOLD, tmp_path)
    assert said == "held"
    lock = FolderLock(tmp_path)
    with pytest.raises(FolderLockedError, match=rf"is open in process {process.pid}; a memory has one owner"):
        lock.acquire()
    killed(process)
    lock.acquire()
    assert lock.path.read_text().startswith(f"{os.getpid()} ")
    lock.release()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize(
    ("program", "says"), [(HOLD_WITH_A_FORKED_CHILD, "child False"), (HOLD_WITH_A_CHILD_PROGRAM, "child")]
)
def test_a_child_does_not_keep_the_lock_of_a_killed_parent(tmp_path, run, program, says):
    process, said = run(program, tmp_path)
    assert said == says
    lock = FolderLock(tmp_path)
    with pytest.raises(FolderLockedError, match=f"process {process.pid};"):
        lock.acquire()
    killed(process)
    lock.acquire()
    lock.release()


def test_an_owner_that_has_not_written_its_id_yet_is_refused_all_the_same(tmp_path):
    first = FolderLock(tmp_path)
    first.acquire()
    first.path.write_text("")
    with pytest.raises(FolderLockedError, match="open in a process that has not written its id; a memory"):
        FolderLock(tmp_path).acquire()
    first.release()


def test_a_file_system_that_cannot_lock_is_named(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(lock_module.fcntl, "flock", refuse)
    lock = FolderLock(tmp_path)
    with pytest.raises(FolderError, match=rf"{re.escape(str(lock.path))} cannot be locked \(No locks avail"):
        lock.acquire()
    assert not lock.held


def test_a_lock_whose_owner_cannot_be_written_is_not_kept(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(lock_module.os, "write", full)
        with pytest.raises(FolderError, match=r"cannot be locked \(No space left on device\)"):
            FolderLock(tmp_path).acquire()
    lock = FolderLock(tmp_path)
    lock.acquire()
    lock.release()


@pytest.mark.usefixtures("without_flock")
def test_without_flock_a_living_owner_is_refused_and_the_way_out_named(tmp_path):
    first = FolderLock(tmp_path)
    first.acquire()
    file = re.escape(str(first.path))
    text = rf"process {os.getpid()} \(this one\).*if no such process uses it, delete {file}"
    with pytest.raises(FolderLockedError, match=text):
        FolderLock(tmp_path).acquire()
    first.release()
    assert not first.path.exists()


@pytest.mark.usefixtures("without_flock")
def test_without_flock_a_dead_owner_is_taken_over(tmp_path, run):
    process, _ = run(HOLD, tmp_path)
    killed(process)
    assert (tmp_path / "lock").read_text().startswith(f"{process.pid} ")
    lock = FolderLock(tmp_path)
    lock.acquire()
    assert lock.path.read_text().startswith(f"{os.getpid()} ")
    lock.release()


@pytest.mark.usefixtures("without_flock")
def test_without_flock_a_process_of_another_user_counts_as_alive(tmp_path, monkeypatch):
    def forbidden(pid, number):
        raise PermissionError(pid, number)

    monkeypatch.setattr(lock_module.os, "kill", forbidden)
    (tmp_path / "lock").write_text("4711 2025-03-01T12:00:00+00:00\n")
    with pytest.raises(FolderLockedError, match="open in process 4711; a memory has one owner"):
        FolderLock(tmp_path).acquire()


@pytest.mark.usefixtures("without_flock")
def test_without_flock_an_empty_file_is_not_taken_over(tmp_path):
    (tmp_path / "lock").write_text("")
    with pytest.raises(FolderLockedError, match="a process that has not written its id"):
        FolderLock(tmp_path).acquire()
