"""When to consolidate, and which turns: pure functions, no clock, no rows.

In come turns and the policy's settings, out goes an ``Episode`` or ``None``, or how long to wait. It knows nothing of
models, of storage, or of how tokens are counted.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta

from langchain_selfparam.config import PolicyConfig
from langchain_selfparam.protocols import TokenCounter
from langchain_selfparam.records import Episode, Namespace, Turn, TurnState, render


def due(turns: Sequence[Turn], *, config: PolicyConfig, count_tokens: TokenCounter) -> bool:
    """Tell whether turns are enough to consolidate.

    Args:
        turns: Turns of one namespace that may be consolidated.
        config: How many turns or tokens are enough.
        count_tokens: Counts the tokens of a text; called only where ``config.every_tokens`` has to be looked
            at.

    Returns:
        Whether one of the two limits is reached; never for no turns.
    """
    if config.every_turns is not None and len(turns) >= config.every_turns:
        return True
    if config.every_tokens is None:
        return False
    tokens = 0
    for turn in turns:
        tokens += count_tokens(render(turn.messages))
        if tokens >= config.every_tokens:
            return True
    return False


def choose(
    turns: Iterable[Turn], *, config: PolicyConfig, count_tokens: TokenCounter, force: bool = False
) -> Episode | None:
    """Choose the turns of the next consolidation.

    Namespaces take their turn in the order of their oldest pending turn. One that is not due is passed over,
    so that a namespace that has fallen silent does not keep the others waiting.

    Args:
        turns: The journal, or any part of it that has all pending turns.
        config: When a namespace is due, and how much is taken at once.
        count_tokens: Counts the tokens of a text.
        force: A person asked: consolidate the first namespace even though it is not due. Where no other turn is
            pending, those are tried again whose attempts are used up, the least tried first.

    Returns:
        The oldest pending turns of one namespace, as many as ``max_turns`` and ``max_tokens`` allow, or ``None`` where
        nothing is due.
    """
    waiting: dict[Namespace, list[Turn]] = {}
    all_pending = sorted((t for t in turns if t.state is TurnState.PENDING), key=lambda turn: turn.id)
    fresh = [turn for turn in all_pending if turn.attempts < config.max_attempts]
    # Of those whose attempts are used up the least tried come first: or some would never be tried again.
    again = sorted(all_pending, key=lambda turn: (turn.attempts, turn.id)) if force else ()
    for turn in fresh or again:
        waiting.setdefault(turn.namespace, []).append(turn)
    for namespace, pending in waiting.items():
        if force or due(pending, config=config, count_tokens=count_tokens):
            taken = _first(pending, config, count_tokens)
            return Episode(namespace=namespace, turns=tuple(sorted(taken, key=lambda turn: turn.id)))
    return None


def _first(pending: Sequence[Turn], config: PolicyConfig, count_tokens: TokenCounter) -> tuple[Turn, ...]:
    """As many turns from the first on as one episode may have; one at least.

    More than that are parted evenly: an episode of one turn that is left takes nearly as long as one of many, and moves
    the weights on unrelated prompts as far.
    """
    parts = math.ceil(len(pending) / config.max_turns)
    found = tuple(pending[: math.ceil(len(pending) / parts)])
    limit = config.max_tokens
    if limit is None:
        return found
    total = itertools.accumulate(count_tokens(render(turn.messages)) for turn in found)
    fitting = sum(1 for _ in itertools.takewhile(lambda tokens: tokens <= limit, total))
    return found[: max(1, fitting)]


def wait(turns: Sequence[Turn], *, config: PolicyConfig, now: datetime) -> timedelta:
    """How long the worker has to wait, however many turns are due.

    Args:
        turns: Turns of one namespace that may be consolidated.
        config: The silence and the hours that are waited for.
        now: With its time zone, in which the hours are meant.

    Returns:
        The time until there has been silence for ``after_seconds`` and the hours have begun; 0 where it may begin.
    """
    begin = now
    if turns and config.after_seconds:
        silent = max(t.created_at for t in turns) + timedelta(seconds=config.after_seconds)
        begin = max(now, silent.astimezone(now.tzinfo))
    return begin - now + until_open(config.quiet_hours, now=begin)


def until_open(hours: str | None, *, now: datetime) -> timedelta:
    """How long until hours begin.

    Args:
        hours: Such as "22:00-06:30"; ``None`` for always.
        now: With its time zone, in which they are meant.

    Returns:
        The time; 0 within them.
    """
    if hours is None:
        return timedelta()
    opens, closes = (time.fromisoformat(part) for part in hours.split("-"))
    at = now.time()
    if opens <= at < closes if opens < closes else at >= opens or at < closes:
        return timedelta()
    today = datetime.combine(now.date(), opens, tzinfo=now.tzinfo)
    return (today if today > now else today + timedelta(days=1)) - now
