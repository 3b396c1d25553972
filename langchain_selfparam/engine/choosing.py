"""Choosing: which turns are learned next, and how many of them at once.

In come the ledger and the policy's settings, out goes an ``Episode``. One that was refused, killed or stopped may have
been too large: for the limits on drift and on what is about others, for the memory, for the time that there is. Then
fewer turns are taken the next time; nor are more statements learned at once than ``max_statements``. It learns nothing
and changes nothing.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from langchain_selfparam import policy
from langchain_selfparam.config import PolicyConfig, Settings
from langchain_selfparam.errors import NothingSaidError
from langchain_selfparam.protocols import TokenCounter
from langchain_selfparam.records import ConsolidationReport, Episode, Namespace, Turn, TurnState
from langchain_selfparam.store import Store
from langchain_selfparam.targets.study import stated


def choose(
    store: Store,
    namespace: Namespace,
    settings: Settings,
    count_tokens: TokenCounter,
    *,
    force: bool,
    without: AbstractSet[int] = frozenset(),
    halve_unfinished: bool = True,
) -> Episode | None:
    """The episode of one namespace that is learned next.

    Args:
        store: The memory folder; none of the namespace's jobs may be running.
        namespace: Whose turns.
        settings: When they are due, how many are taken at once, and what of them is a statement.
        count_tokens: Counts the tokens of a text.
        force: Whether they are learned although they are not due.
        without: Ids of turns that were tried just now.
        halve_unfinished: Whether after two episodes in a row that were killed or stopped half is tried, and so on.

    Returns:
        The episode, of half as many turns at most as were too many with its first one the last time; ``None`` where
        there is none.
    """
    config = settings.policy
    pending = store.turns.list(namespace=namespace, states=(TurnState.PENDING,))
    # Turns whose attempts are used up come alone: not after others that were learned just now.
    again = [t for t in pending if t.id not in without and (not without or t.attempts < config.max_attempts)]
    episode = policy.choose(again, config=config, count_tokens=count_tokens, force=force)
    if episode is None:
        return None
    most = _fitting(episode, settings)
    if halve_unfinished:
        most >>= max(0, store.jobs.unfinished().get(namespace, 0) - 1)
    if too_many := store.jobs.too_many_with(episode.turns[0].id):
        most = min(most, math.ceil(too_many / 2))  # one turn that is left takes nearly as long as many
    return dataclasses.replace(episode, turns=episode.turns[: max(1, most)])


def _fitting(episode: Episode, settings: Settings) -> int:
    """How many of an episode's turns fit into it by their statements: of more than that an even part."""
    most = settings.policy.max_statements
    if most is None or settings.targets.form == "replies":
        return len(episode.turns)
    try:
        said = Counter(statement.turn_id for statement in stated(episode, settings.targets))
    except NothingSaidError:
        return len(episode.turns)
    parts = math.ceil(said.total() / most)
    so_far = itertools.accumulate(said[turn.id] for turn in episode.turns)
    return sum(1 for _ in itertools.takewhile(lambda number: number <= math.ceil(said.total() / parts), so_far))


def was_too_large(report: ConsolidationReport) -> bool:
    """Whether an episode was refused although its change had been shrunk to be within limits: fewer turns may fit."""
    return report.version is None and report.scale < 1 and len(report.pending) > 1


def to_be_halved(turns: Iterable[Turn], report: ConsolidationReport, config: PolicyConfig) -> frozenset[int]:
    """Which turns are to be tried once more at once, fewer at a time.

    Args:
        turns: What was learned, as it was before.
        report: What came of it.
        config: How many attempts turns have.

    Returns:
        Ids: of all that were refused where there were too many and each has another attempt; else none.
    """
    refused = [turn for turn in turns if turn.id in report.pending]
    again = was_too_large(report) and all(turn.attempts + 1 < config.max_attempts for turn in refused)
    return frozenset(turn.id for turn in refused) if again else frozenset()
