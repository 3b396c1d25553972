"""Calibration text: what a model asks and answers of its own accord, by which its layers' inputs are measured.

In comes the model before anything was learned, out come questions about the world with its answers. Nothing that was
said is in them, so they are written once for a memory and serve every consolidation of everybody in it.
"""

from __future__ import annotations

import dataclasses

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.protocols import TextGenerator
from langchain_selfparam.records import TargetSentence
from langchain_selfparam.targets.generate import write_general
from langchain_selfparam.targets.unrelated import as_before

_APART = 1_000_003
"""Added to the seed: what a consolidation makes up for itself is to be other text."""


def write_calibration(original: TextGenerator, *, config: TargetConfig) -> tuple[TargetSentence, ...]:
    """Have a model make up questions about the world and answer them.

    Args:
        original: The model before anything was learned.
        config: How many, and tokens of an answer.

    Returns:
        At most ``config.calibration`` sentences of kind ``neutral``.
    """
    if not config.calibration:
        return ()
    written = write_general(
        original, count=config.calibration, config=dataclasses.replace(config, seed=config.seed + _APART)
    )
    return tuple(as_before("neutral", written, original, tokens=config.calibration_tokens))
