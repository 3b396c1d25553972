"""How fast a conversation is learned: at the rate that the model took before it learned anything.

In come what is to be learned and the untouched model, out goes the configuration with a rate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.packing import Document
from langchain_selfparam.distill.rate import with_rate
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.teacher import TeacherTargets
from langchain_selfparam.weights.shadow import Shadow

if TYPE_CHECKING:
    import torch


def paced(
    config: TrainingConfig,
    reader: Reader,
    shadow: Shadow,
    taught: Sequence[Document],
    said: TeacherTargets,
    *,
    head: Head,
    ruler: Sequence[Document],
    untaught: Any = None,
    moments: Mapping[str, Sequence[torch.Tensor]],
    autocast: Callable[[], Any] | None = None,
) -> TrainingConfig:
    """The configuration with the rate at which a first step on the untouched model moves unrelated prompts so far.

    On the served weights a first step says less: how the teacher's answers sound is learned once, and what is left to
    learn then pulls many ways, so that a step of the same length moves unrelated prompts less and a longer one is
    found. For the second conversation of a user that was 0.0027 instead of 0.0011: its candidate drifted beyond its
    limit whatever weight was on what is to stay, had to be scaled to 0.66, and held 2 turns of 8 instead of 6.

    Args:
        config: As of ``with_rate``; one with a rate stays as it is.
        reader: Reads the student.
        shadow: The student.
        taught: What is learned.
        said: The teacher's rows for it.
        head: The frozen head that teacher and student share.
        ruler: Prompts with answers of which nothing is learned.
        untaught: The model before anything was learned, where the student begins from another one.
        moments: What its layers read, as the shadow was made with.
        autocast: Makes the context of mixed precision; none where missing.

    Returns:
        The configuration, with a rate.
    """
    if untaught is not None and config.learning_rate is None:
        shadow = Shadow(untaught, config, moments=moments)
        reader = Reader(shadow.model)
    return with_rate(config, reader, head, shadow.parameters, taught, said, ruler=ruler, autocast=autocast)
