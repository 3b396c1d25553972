"""One owner for a memory folder, across processes and within one.

In comes a folder, out goes the right to write into it, or a refusal that names the owner's process id. It
knows nothing of the database; reading another owner's folder needs no lock.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import weakref
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from langchain_selfparam.errors import FolderError, FolderLockedError

fcntl: Any = importlib.import_module("fcntl") if os.name == "posix" else None

_held: weakref.WeakSet[FolderLock] = weakref.WeakSet()


def private_folder(folder: Path) -> Path:
    """Make a folder that only its owner may enter, unless it is there.

    Args:
        folder: The folder; parents are made as needed.

    Returns:
        The same folder.

    Raises:
        FolderError: It cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        msg = f"the folder {folder} cannot be made ({error.strerror}); choose one that you may write to"
        raise FolderError(msg) from error
    return folder


def _alive(pid: int) -> bool:
    if sys.platform == "win32":  # there, os.kill(pid, 0) sends Ctrl-C instead of asking
        import ctypes

        handle = ctypes.windll.kernel32.OpenProcess(0x1000, False, pid)
        if not handle:
            return False
        code = ctypes.c_ulong()
        ctypes.windll.kernel32.GetExitCodeProcess(handle, ctypes.byref(code))
        ctypes.windll.kernel32.CloseHandle(handle)
        return code.value == 259
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class FolderLock:
    """The right to write into one memory folder.

    Args:
        folder: The memory folder; it is made where it is missing.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.path = private_folder(Path(folder)) / "lock"
        self._fd: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object owns the folder now."""
        return self._fd is not None

    def acquire(self) -> None:
        """Become the folder's owner, or be refused at once.

        An owner, in this process or another, is a ``FolderLockedError`` that names its process id; a lock
        file that cannot be written is a ``FolderError``.
        """
        self._fd = self._take()
        _held.add(self)

    def release(self) -> None:
        """Give the folder back; nothing happens where it is not held."""
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        _held.discard(self)
        if fcntl is None:
            os.close(fd)
            self.path.unlink(missing_ok=True)
        else:
            # The file stays: someone may have it open, and would lock a name that is no longer there.
            os.ftruncate(fd, 0)
            os.close(fd)

    def _take(self) -> int:
        try:
            with contextlib.ExitStack() as undo:
                fd = self._take_file() if fcntl is None else self._take_flock()
                undo.callback(os.close, fd)
                now = datetime.now(timezone.utc).isoformat(timespec="seconds")
                os.ftruncate(fd, 0)
                os.write(fd, f"{os.getpid()} {now}\n".encode())
                undo.pop_all()
        except OSError as error:
            msg = f"{self.path} cannot be locked ({error.strerror}); choose a folder on a local disk"
            raise FolderError(msg) from error
        return fd

    def _take_flock(self) -> int:
        # The lock belongs to the open file and dies with its last descriptor, so a child process must not
        # keep one: O_CLOEXEC closes it where a child runs another program, _drop_in_child where it is only
        # forked.
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with contextlib.ExitStack() as undo:
            undo.callback(os.close, fd)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise self._refusal() from error
            undo.pop_all()
        return fd

    def _take_file(self) -> int:
        # Two processes that find the same stale file in the same instant can both win; flock has no such gap.
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOINHERIT", 0)
        try:
            return os.open(self.path, flags, 0o600)
        except FileExistsError as error:
            pid = self._owner()
            if pid is None or _alive(pid):
                raise self._refusal() from error
        self.path.unlink(missing_ok=True)
        try:
            return os.open(self.path, flags, 0o600)
        except FileExistsError as error:
            raise self._refusal() from error

    def _owner(self) -> int | None:
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int(self.path.read_text(encoding="ascii").split()[0])
        return None

    def _refusal(self) -> FolderLockedError:
        pid = self._owner()
        who = "a process that has not written its id" if pid is None else f"process {pid}"
        here = " (this one)" if pid == os.getpid() else ""
        msg = (
            f"the folder {self.path.parent} is open in {who}{here}; a memory has one owner at a time: "
            f"close it there first, or choose another folder"
        )
        if fcntl is None:
            msg += f"; if no such process uses it, delete {self.path}"
        return FolderLockedError(msg)

    def _drop(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _drop_in_child() -> None:
    for lock in tuple(_held):
        lock._drop()  # noqa: SLF001
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_drop_in_child)
