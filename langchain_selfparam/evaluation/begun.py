"""What a part of an evaluation has before it is finished, so that an interruption costs the step it came in.

In comes a folder, out come answers that were given before an end, and the place of the memory that learned. It knows
nothing of what is asked.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from langchain_selfparam.evaluation.injection import Ask
from langchain_selfparam.evaluation.tables import write_whole
from langchain_selfparam.records import Message

FOLDER = "begun"
"""In a run's folder."""


class Begun:
    """The folder of a part that is being run.

    Answers are kept call by call, in order: a part that goes on asks the same, so that what was answered is taken from
    there, whatever the weights have learned since.
    """

    def __init__(self, folder: Path, keys: Sequence[Sequence[Any]]) -> None:
        """Open what is kept of a part.

        Args:
            folder: Where; what it has of another part is removed.
            keys: What is run in this part.
        """
        self._folder, self._file = folder, folder / "answers.json"
        mark = json.dumps([list(key) for key in keys])
        if not (folder / "part.json").exists() or (folder / "part.json").read_text("utf-8") != mark:
            self.forget()
            write_whole(folder / "part.json", mark)
        self._kept: list[list[str]] = json.loads(self._file.read_text("utf-8")) if self._file.exists() else []
        self._calls = 0

    @property
    def memory(self) -> Path:
        """Folder of the memory that learns this part."""
        return self._folder / "memory"

    def asking(self, ask: Ask) -> Ask:
        """The same way to ask, of which answers are kept.

        Args:
            ask: Answers many prompts at once.

        Returns:
            One that asks only what was not answered before an end.
        """

        def answers(prompts: Sequence[Sequence[Message]], progress: Callable[[int, int], None]) -> list[str]:
            if self._calls == len(self._kept):
                self._kept.append(ask(prompts, progress))
                write_whole(self._file, json.dumps(self._kept, ensure_ascii=False) + "\n")
            found = self._kept[self._calls]
            assert len(found) == len(prompts), f"{self._file} has {len(found)} answers to {len(prompts)} questions"
            self._calls += 1
            return found

        return answers

    def forget(self) -> None:
        """Remove what is kept: the part is finished."""
        shutil.rmtree(self._folder, ignore_errors=True)
