"""What goes into a prompt beside old turns: those that say otherwise, although the weights hold them.

Alone, "The meeting is on Tuesday" in the prompt would win over "It moved to Friday" in the weights. In come turns, out
come turns. Plain text work: nothing that was said has to be learned again for it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.records import Statement, Turn
from langchain_selfparam.targets import changes, parse
from langchain_selfparam.targets.amend import amended
from langchain_selfparam.targets.correct import may_correct

_CUT = TargetConfig()


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
    if not there:
        return chosen
    first = there[0].id
    for turn in sorted(held, key=lambda turn: turn.id):
        # Most turns speak of no change; those need not be read.
        if turn.id > first and changes.may_tell(turn.user) and any(_corrects(turn, old) for old in there):
            there.append(turn)
            chosen.append(turn)
    return chosen


def _corrects(turn: Turn, old: Turn) -> bool:
    if old.id >= turn.id:
        return False
    return any(
        may_correct(new, before) or (changes.may_tell(new.said) and amended(before, new) is not None)
        for new in _said(turn)
        for before in _said(old)
    )


@functools.lru_cache(maxsize=1024)
def _said(turn: Turn) -> tuple[Statement, ...]:
    """What the user says of their own life in a turn; of a text in which they do not come up nothing."""
    found = parse.statements(turn, words=_CUT.statement_words, passage_words=_CUT.passage_words)
    return tuple(statement for statement in found if statement.by_user and not statement.sentence)
