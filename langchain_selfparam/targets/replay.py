"""Replay: questions of earlier consolidations, so that what the weights hold is held on to.

In come the target sets of earlier consolidations, out go a few of their questions, to be answered as they are answered
now. It knows nothing of models: what the served weights say to them is read by the teacher, like anything else that is
to stay as it was.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Collection, Iterator, Sequence

from langchain_selfparam.records import Statement, TargetSentence, TargetSet
from langchain_selfparam.targets.correct import about, doubtful, says_otherwise


def replayed(
    earlier: Sequence[TargetSet],
    *,
    without: Collection[str],
    turns: Collection[int],
    count: int,
    seed: int,
    amended: Sequence[Statement] = (),
) -> list[TargetSentence]:
    """Choose questions of earlier turns, as evenly over the turns as their numbers allow.

    Args:
        earlier: What earlier consolidations learned from, in order.
        without: Prompts that are learned or asked now: the newer answer counts.
        turns: Ids of turns to leave out, such as those learned again now.
        count: How many.
        seed: Of the draw.
        amended: Statements that are learned now; where they say something instead, that is replayed no more, nor is a
            value that one of them may have changed, once it has taken a question of who had it, or all that a
            statement said that is so no longer.

    Returns:
        At most ``count`` sentences without context, of kind ``replay``.
    """
    by_turn: dict[int, dict[str, TargetSentence]] = {}
    retired = [s for targets in earlier for s in targets.statements if s.instead]
    retired += [s for s in amended if s.instead]
    old = _doubtful(earlier, amended, without)
    for targets in earlier:
        for sentence in targets.sentences:
            if sentence.kind != "question" or sentence.turn_id is None or _retired(sentence, retired):
                continue
            if not any(over(sentence.answer) for over in old.get(sentence.turn_id, ())):
                # A turn that was learned twice: its later answers count.
                by_turn.setdefault(sentence.turn_id, {})[sentence.prompt] = sentence
    # A question that two turns answer is answered as the later one has it.
    latest = {prompt: turn for turn in sorted(by_turn) for prompt in by_turn[turn]}
    chance = random.Random(seed)
    decks = []
    for turn in sorted(by_turn):
        if turn in turns:
            continue
        deck = [s for prompt, s in by_turn[turn].items() if prompt not in without and latest[prompt] == turn]
        chance.shuffle(deck)
        # Taken from the end: a whole answer of each turn first, since it holds what its openings leave out.
        decks.append(sorted(deck, key=lambda sentence: sentence.ends))
    chosen: list[TargetSentence] = []
    while len(chosen) < count and any(decks):
        order = [deck for deck in decks if deck]
        chance.shuffle(order)
        chosen += [deck.pop() for deck in order[: count - len(chosen)]]
    return [TargetSentence(kind="replay", prompt=s.prompt, answer=s.answer, ends=s.ends) for s in chosen]


def _retired(sentence: TargetSentence, amended: Sequence[Statement]) -> bool:
    """Whether the statement that an answer is, or opens, has been amended by a later turn.

    The statement is told by what the teacher read before the question: of an answer that only opens it, another
    statement may begin alike. A turn that says again what was so at first is later than the one that it takes back.
    """
    said = {sentence.answer, *(message.text for message in sentence.context[-1:])}
    return any(s.turn_id > sentence.turn_id and s.instead in said for s in amended if sentence.turn_id is not None)


def _doubtful(
    earlier: Sequence[TargetSet], now: Sequence[Statement], learned: Collection[str]
) -> dict[int, list[Callable[[str], bool]]]:
    """By turn what tells answers that may be so no longer, where a later statement has taken a question of that turn.

    What is asked of the two is too little to say what has become of it, and enough not to hold on to it.
    """
    asked = [_asked(targets) for targets in earlier]
    taken: dict[str, list[Statement]] = {prompt: [*now] for prompt in learned}
    for targets, by_turn in zip(earlier, asked, strict=True):
        for new in targets.statements:
            for prompt in by_turn.get(new.turn_id, ()):
                taken.setdefault(prompt, []).append(new)
    found: dict[int, list[Callable[[str], bool]]] = {}
    for targets, by_turn in zip(earlier, asked, strict=True):
        for old in targets.statements:
            later = {s: None for prompt in by_turn.get(old.turn_id, ()) for s in taken[prompt]}
            for new in later:
                if new.turn_id > old.turn_id:
                    found.setdefault(old.turn_id, []).extend(_over(new, old))
    return found


def _over(new: Statement, old: Statement) -> Iterator[Callable[[str], bool]]:
    """What tells answers with what a later statement has changed of an earlier one: its value, else its sentences."""
    if values := doubtful(new, old):
        yield functools.partial(_has, frozenset(map(str.lower, values)))
    elif says_otherwise(new, old):
        for sentence in about(new, old):
            yield functools.partial(_says, sentence, old.told)


def _has(values: Collection[str], answer: str) -> bool:
    return any(value in answer.lower() for value in values)


def _says(sentence: str, told: str, answer: str) -> bool:
    """Whether an answer says a sentence of what was said back, or is an opening that reaches it."""
    return sentence in answer or (told.startswith(answer) and len(answer) > told.find(sentence))


def _asked(targets: TargetSet) -> dict[int, list[str]]:
    """The questions of each turn; of many statements few share one, and only those are compared."""
    found: dict[int, list[str]] = {}
    for sentence in targets.sentences:
        if sentence.kind == "question" and sentence.turn_id is not None:
            found.setdefault(sentence.turn_id, []).append(sentence.prompt)
    return found
