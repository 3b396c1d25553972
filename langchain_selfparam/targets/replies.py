"""Replies: turns of which the reply is what is to be learned, such as what was right to recommend after a dialogue.

In comes an episode whose turns are prompts with the replies that they should have had, out goes its ``TargetSet``. The
teacher is told the reply before the prompt, the student gives it without. Nothing is asked about what was said, so no
question has to be written and none about others is near; what is about the world stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.errors import NoTargetsError
from langchain_selfparam.protocols import TextGenerator
from langchain_selfparam.records import Episode, Probe, Statement, TargetSentence, TargetSet, Turn
from langchain_selfparam.targets import parse, prompts
from langchain_selfparam.targets.calibration import as_untouched
from langchain_selfparam.targets.generate import write_general
from langchain_selfparam.targets.unrelated import DRIFT_PROBES, as_before, parted


def study_replies(
    episode: Episode,
    *,
    original: TextGenerator,
    config: TargetConfig,
    calibration: Sequence[TargetSentence] = (),
    taught: Sequence[TargetSet] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> TargetSet:
    """Write what an episode of prompts and replies is learned from and judged by.

    Args:
        episode: The turns; one without a reply is passed over, and held by nothing.
        original: The model before anything was learned; it writes and answers what stays.
        config: How many of everything.
        calibration: What that model said of its own accord.
        taught: What earlier consolidations learned from.
        progress: Called with steps done and all steps.

    Returns:
        One target sentence for each turn, and a probe of its prompt: whether the first line of the reply is given.

    Raises:
        NoTargetsError: No turn has a reply.
    """
    turns = [turn for turn in episode.turns if turn.assistant.strip() and turn.user.strip()]
    if not turns:
        ids = ", ".join(str(turn.id) for turn in episode.turns)
        msg = f"turn {ids} has no reply to learn; with targets.form='replies' each turn is a prompt and its reply"
        raise NoTargetsError(msg)
    progress(1, 4)
    sentences = [
        TargetSentence(
            kind="question",
            prompt=turn.user,
            answer=turn.assistant.strip(),
            context=prompts.replying(turn.user, turn.assistant.strip()),
            turn_id=turn.id,
        )
        for turn in turns
    ]
    learned = {turn.user for turn in turns}
    general = write_general(original, count=config.neutral + 2 * DRIFT_PROBES, config=config)
    progress(2, 4)
    drifting, steering, staying = parted([q for q in general if q not in learned | prompts.SHOWING])
    sentences += as_before("neutral", staying[: config.neutral], original, tokens=config.neutral_tokens)
    progress(3, 4)
    learned.update(s.prompt for s in sentences)
    exchanges, shown = as_untouched(
        drifting, steering, original, calibration=calibration, taught=taught, without=learned, config=config
    )
    progress(4, 4)
    return TargetSet(
        statements=tuple(Statement(turn_id=t.id, said=t.user, told=t.assistant.strip(), by_user=False) for t in turns),
        sentences=(*sentences, *exchanges),
        probes=(*(_probe(turn, config) for turn in turns), *shown),
    )


def _probe(turn: Turn, config: TargetConfig) -> Probe:
    first = turn.assistant.strip().splitlines()[0]
    return Probe(
        kind="recall",
        prompt=turn.user,
        expected=tuple(parse.telling(first)),
        turn_id=turn.id,
        opening=parse.opening(first, config.opening_words),
    )
