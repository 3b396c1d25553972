"""What goes into a prompt beside old turns: those that say otherwise, although the weights hold them.

Alone, "The meeting is on Tuesday" in the prompt would win over "It moved to Friday" in the weights. In come turns, out
come turns. Plain text work: nothing that was said has to be learned again for it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from datetime import datetime, timezone

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.records import Statement, Turn
from langchain_selfparam.targets import parse
from langchain_selfparam.targets.amend import amended, may_amend
from langchain_selfparam.targets.correct import may_correct
from langchain_selfparam.targets.mention import NEAR

_CUT = TargetConfig()
_NEVER = datetime.min.replace(tzinfo=timezone.utc)


def correcting(waiting: Iterable[Turn], held: Iterable[Turn]) -> list[Turn]:
    """Choose the turns that say, or may say, otherwise than an earlier one that is in the prompt.

    One too many costs its tokens, so that what is in doubt is taken; of one that is taken a later one may say otherwise
    in its turn.

    Args:
        waiting: Turns that are in the prompt.
        held: Turns that are not.

    Returns:
        Those of ``held``, in order.
    """
    there = sorted(waiting, key=lambda turn: turn.id)
    chosen: list[Turn] = []
    for turn in sorted(held, key=lambda turn: turn.id) if there else ():
        before = [old for old in there if old.id < turn.id]
        # Most turns speak of no change; those need not be compared.
        if before and _tells(turn.user) and any(_corrects(turn.user, o.user, _apart(turn, o)) for o in before):
            there.append(turn)
            chosen.append(turn)
    return chosen


def _apart(turn: Turn, old: Turn) -> int:
    return min(turn.id - old.id, NEAR + 1)  # further away all is as far


# All of it is asked again for every prompt, and depends on nothing but the texts.


@functools.lru_cache(maxsize=1 << 16)
def _tells(user: str) -> bool:
    return may_amend(user)


@functools.lru_cache(maxsize=1 << 16)
def _corrects(user: str, old: str, apart: int) -> bool:
    """Whether a turn says, or may say, otherwise than one so many turns before it."""
    return any(
        may_correct(new, before) or (may_amend(new.said) and amended(before, new) is not None)
        for new in _said(user, apart)
        for before in _said(old, 0)
    )


@functools.lru_cache(maxsize=4096)
def _said(user: str, number: int) -> tuple[Statement, ...]:
    """What the user says of their own life in a turn; of a text in which they do not come up nothing."""
    turn = Turn(id=number, namespace=(), thread="", user=user, assistant="", created_at=_NEVER)
    found = parse.statements(turn, words=_CUT.statement_words, passage_words=_CUT.passage_words)
    return tuple(statement for statement in found if statement.by_user and not statement.sentence)
