"""Calibration text: what a model says of its own accord, to measure how it reads and to see it stay as it is.

In comes the model before anything was learned, out come questions about the world with its answers, and exchanges:
what a user would say to it, with its reply. Nothing that was said is in them, so they are written once for a memory and
serve every consolidation of everybody in it: layers' inputs are measured on them, some are learned as they were, and
some, always the same and never learned, show how far a model has moved.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Collection, Sequence

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.protocols import TextGenerator
from langchain_selfparam.records import Probe, ProbeKind, TargetSentence, TargetSet
from langchain_selfparam.targets import prompts
from langchain_selfparam.targets.generate import write_general, write_openings
from langchain_selfparam.targets.unrelated import as_before, unrelated

_APART = 1_000_003
"""Added to the seed: what a consolidation makes up for itself is to be other text."""
_PROBES = 24
"""Exchanges that show drift, and as many that show it along the way."""


def write_calibration(original: TextGenerator, *, config: TargetConfig) -> tuple[TargetSentence, ...]:
    """Have a model make up questions about the world and what users would say, and answer both.

    Args:
        original: The model before anything was learned.
        config: How many, half of each kind, and tokens of an answer.

    Returns:
        At most ``config.calibration`` sentences of the kinds ``neutral`` and ``exchange``.
    """
    if not config.calibration:
        return ()
    own = dataclasses.replace(config, seed=config.seed + _APART)
    general = write_general(original, count=config.calibration - config.calibration // 2, config=own)
    openings = write_openings(original, count=config.calibration // 2, config=own)
    openings = [text for text in openings if text not in general]
    return (
        *as_before("neutral", general, original, tokens=config.calibration_tokens),
        *as_before("exchange", openings, original, tokens=config.calibration_tokens),
    )


def shared_out(
    calibration: Sequence[TargetSentence], *, without: Collection[str], config: TargetConfig
) -> tuple[list[TargetSentence], list[Probe]]:
    """Say which exchanges one consolidation learns as they were, and by which its drift is seen.

    Args:
        calibration: The text.
        without: Prompts that are learned or asked otherwise.
        config: How many are learned, and the seed by which they are drawn.

    Returns:
        Exchanges, and drift and steering probes. The probes are the same for every seed, so that they are never
        learned; where there is little text, half of it is left to be.
    """
    found = [s for s in calibration if s.kind == "exchange"]
    count = min(_PROBES, len(found) // 4)
    apart: tuple[tuple[ProbeKind, list[TargetSentence]], ...] = (
        ("drift", found[:count]),
        ("steering", found[count : 2 * count]),
    )
    probes = [
        Probe(kind=kind, prompt=s.prompt, expected=(s.answer,))
        for kind, own in apart
        for s in own
        if s.prompt not in without
    ]
    rest = [s for s in found[2 * count :] if s.prompt not in without]
    return random.Random(config.seed).sample(rest, min(config.exchanges, len(rest))), probes


def as_untouched(
    drifting: Sequence[str],
    steering: Sequence[str],
    original: TextGenerator,
    *,
    calibration: Sequence[TargetSentence],
    taught: Sequence[TargetSet],
    without: Collection[str],
    config: TargetConfig,
) -> tuple[list[TargetSentence], list[Probe]]:
    """What shows how far weights have moved from the untouched ones, and the exchanges that hold them there.

    Args:
        drifting: Questions about the world that show drift beside the packaged ones.
        steering: Those that show it along the way, beside packaged ones too.
        original: The model before anything was learned.
        calibration: What that model said of its own accord.
        taught: What earlier consolidations learned from: none of its questions is to be as it was.
        without: Prompts that are learned or asked otherwise.
        config: How many exchanges.

    Returns:
        Exchanges to learn as they were, and drift and steering probes.
    """
    drifting = [q for q in prompts.DRIFT_PROMPTS if q not in without] + [*drifting]
    steering = [q for q in prompts.STEERING_PROMPTS if q not in without] + [*steering]
    probes = unrelated("drift", drifting, original) + unrelated("steering", steering, original)
    earlier = {s.prompt for one in taught for s in one.sentences if s.kind == "question"}
    exchanges, shown = shared_out(calibration, without={*without, *earlier, *(p.prompt for p in probes)}, config=config)
    return exchanges, probes + shown
