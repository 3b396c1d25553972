"""A memory folder's calibration text: written by the untouched model at the first consolidation, then read.

In comes the folder's database, out comes the text. It holds nothing that was said, it belongs to the base model that
the folder is bound to, and where it is lost or made with other settings it is written anew.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.protocols import TextGenerator
from langchain_selfparam.records import TargetSentence
from langchain_selfparam.store.database import Database
from langchain_selfparam.targets.calibration import write_calibration

logger = logging.getLogger(__name__)

_KEY = "calibration"
_FORM = 2
"""Of what is kept; text in another is written anew."""
_WRITTEN: dict[tuple[Any, ...], tuple[TargetSentence, ...]] = {}
"""Text by base and settings, of which it is a function: a process that opens several folders has it written once."""


class Calibration:
    """Gives a folder's calibration text.

    Args:
        database: The folder's.
        config: How much there has to be.
    """

    def __init__(self, database: Database, config: TargetConfig) -> None:
        self._database = database
        self._config = config
        self._found: tuple[TargetSentence, ...] | None = None

    def text(self, original: TextGenerator) -> tuple[TargetSentence, ...]:
        """The text; it is written where there is none.

        Args:
            original: The model before anything was learned.

        Returns:
            Sentences of the kinds ``neutral`` and ``exchange``.
        """
        if self._found is None:
            self._found = self._kept() or self._shared() or self._written(original)
        return self._found

    def _kept(self) -> tuple[TargetSentence, ...]:
        text = self._database.get(_KEY)
        if text is None:
            return ()
        try:
            found: Any = json.loads(text)
            if found["made"] != self._made:
                return ()
            return tuple(_sentence(*parts) for parts in found["sentences"])
        except (ValueError, KeyError, TypeError) as error:
            logger.warning("the calibration text of %s cannot be read (%r); it is written anew", self._folder, error)
            return ()

    def _shared(self) -> tuple[TargetSentence, ...]:
        found = _WRITTEN.get(self._of, ())
        if found:
            self._keep(found)
        return found

    def _written(self, original: TextGenerator) -> tuple[TargetSentence, ...]:
        found = write_calibration(original, config=self._config)
        self._keep(found)
        if self._of[0] is not None:
            _WRITTEN[self._of] = found
        return found

    def _keep(self, found: tuple[TargetSentence, ...]) -> None:
        kept = {"made": self._made, "sentences": [[s.kind, s.prompt, s.answer] for s in found]}
        self._database.set(_KEY, json.dumps(kept, ensure_ascii=False))

    @property
    def _of(self) -> tuple[Any, ...]:
        return (self._database.get("base_fingerprint"), *self._made)

    @property
    def _made(self) -> list[int]:
        return [_FORM, self._config.calibration, self._config.calibration_tokens, self._config.seed]

    @property
    def _folder(self) -> str:
        return str(self._database.path.parent)


def _sentence(kind: object, prompt: object, answer: object) -> TargetSentence:
    if not (isinstance(prompt, str) and isinstance(answer, str)):
        msg = f"a prompt and its answer are {prompt!r} and {answer!r}"
        raise TypeError(msg)
    if kind not in ("neutral", "exchange"):
        msg = f"a prompt is of the kind {kind!r}"
        raise ValueError(msg)
    return TargetSentence(
        kind="exchange" if kind == "exchange" else "neutral", prompt=prompt, answer=answer, ends=False
    )
