"""Rankings of items: how good they are, and those that need no model: popularity, what was named, BM25 over dialogues.

In come dialogues and prompts, out go ids in order and scores with their standard errors. Pure counting; what a model
recommends is ``recommendation``'s.
"""

from __future__ import annotations

import dataclasses
import math
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

from langchain_selfparam.evaluation.catalogue import Catalogue
from langchain_selfparam.evaluation.redial import WHOLE, Dialogue, Prompt, spoken
from langchain_selfparam.evaluation.retrieval import library
from langchain_selfparam.evaluation.stats import permutation

AT = (1, 5, 10, 20)
"""Lengths of the list that is looked at."""
CONDITIONS = ("all", "new", "mentioned")
"""Which targets count: all, those that the dialogue has not named yet, those that it has."""
POPULARITY, REPEAT, BM25 = "popularity", "repeat", "bm25"
_TWO_SIDED = 1.96
_LIKE = 50
"""Dialogues that BM25 finds."""

_ROLE = re.compile(r"^(?:User|Recommender): ", re.MULTILINE)

Ranking = Sequence[str]
"""Ids of items, the best first."""


class Popularity:
    """Ranks items by how often they were right in dialogues.

    Args:
        dialogues: What is learned from.
    """

    def __init__(self, dialogues: Sequence[Dialogue]) -> None:
        counts = Counter(i for d in dialogues for i in d.right)
        self.order: tuple[str, ...] = tuple(i for i, _ in counts.most_common())


def most_mentioned(dialogues: Sequence[Dialogue], count: int) -> tuple[str, ...]:
    """The items that dialogues name most often: the stated set of candidates.

    Args:
        dialogues: What is learned from.
        count: How many.

    Returns:
        Their ids, the most mentioned first.
    """
    counts = Counter(i for d in dialogues for i in d.mentioned)
    return tuple(i for i, _ in counts.most_common(count))


class Alike:
    """Ranks items by how well the dialogues in which they were right fit another dialogue, by BM25.

    Args:
        dialogues: What is learned from.

    Raises:
        ImportError: bm25s is not installed.
    """

    def __init__(self, dialogues: Sequence[Dialogue]) -> None:
        self._bm25 = library()
        self._dialogues = dialogues
        self._index = self._bm25.BM25()
        texts = [spoken(d.turns, words=WHOLE) for d in dialogues]
        self._index.index(self._tokens(texts), show_progress=False)

    def _tokens(self, texts: Sequence[str]) -> object:
        # Who speaks is in every dialogue.
        said = [_ROLE.sub("", text) for text in texts]
        return self._bm25.tokenize(said, stopwords="en", show_progress=False)

    def rank(self, text: str, *, but: str | None = None) -> list[str]:
        """Items that were right in the dialogues most like one.

        Args:
            text: The dialogue.
            but: Id of a dialogue to leave out, such as the one that the text is from.

        Returns:
            Ids, the best first; of equals the one that comes first in the closest dialogue.
        """
        tokens, most = self._tokens([text]), min(_LIKE + 1, len(self._dialogues))
        found, scores = self._index.retrieve(tokens, k=most, show_progress=False, backend_selection="numpy")
        sums: dict[str, float] = defaultdict(float)
        for at, score in zip(found[0], scores[0], strict=True):
            dialogue = self._dialogues[int(at)]
            if dialogue.id != but and float(score) > 0:
                for id_ in dialogue.right:
                    sums[id_] += float(score)
        return sorted(sums, key=lambda id_: -sums[id_])


class Counting:
    """Ranks items without a model, in each of the ways.

    Args:
        dialogues: What is learned from.
        catalogue: Titles.

    Attributes:
        alike: Finds dialogues that are like one.

    Raises:
        ImportError: bm25s is not installed.
    """

    WAYS = (POPULARITY, REPEAT, BM25)

    def __init__(self, dialogues: Sequence[Dialogue], catalogue: Catalogue) -> None:
        self.alike = Alike(dialogues)
        self._popular = Popularity(dialogues).order
        self._catalogue = catalogue

    def rank(self, prompt: Prompt) -> dict[str, list[str]]:
        """All that is known, in order.

        Args:
            prompt: What is asked.

        Returns:
            By way ids, each once: the popular ones; what the dialogue has named, the latest first, before them; what
            was right in the dialogues most like it before them.
        """
        first = {POPULARITY: (), REPEAT: self._named(prompt), BM25: self.alike.rank(prompt.text)}
        return {way: list(dict.fromkeys([*ids, *self._popular])) for way, ids in first.items()}

    def _named(self, prompt: Prompt) -> list[str]:
        return [id_ for _, text in reversed(prompt.turns) for id_ in reversed(self._catalogue.mentioned(text))]


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """A mean of differences with its 95 % interval, targets of one dialogue taken together; of one alone there is none.

    Without a target all of it is 0.
    """

    mean: float
    low: float | None
    high: float | None
    targets: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """A mean over targets with its standard error, targets of one dialogue taken together; of one alone there is none.

    Without a target all of it is 0.
    """

    mean: float
    error: float | None
    targets: int


def score(
    prompts: Sequence[Prompt],
    rankings: Sequence[Ranking],
    mentioned: Sequence[frozenset[str]],
    *,
    condition: str = "all",
    without_seen: bool = False,
) -> dict[str, Score]:
    """How far up the targets are: each item that was recommended next is a target of its own.

    Args:
        prompts: What was asked.
        rankings: What was recommended, for each.
        mentioned: Ids of what each dialogue has named.
        condition: One of ``CONDITIONS``.
        without_seen: Whether what the dialogue has named is left out of the ranking.

    Returns:
        ``recall@k``, ``ndcg@k`` and ``mrr@k`` for k of ``AT``; ndcg with one right item, that is 1 / log2(1 + rank).
    """
    gains: dict[str, Callable[[int], float]] = {
        "recall": lambda rank: 1.0,
        "ndcg": lambda rank: 1 / math.log2(1 + rank),
        "mrr": lambda rank: 1 / rank,
    }
    found = [(p.id, rank) for p, rank in _ranks(prompts, rankings, mentioned, condition, without_seen)]
    return {
        f"{name}@{k}": _score([(id_, gain(rank) if rank is not None and rank <= k else 0.0) for id_, rank in found])
        for name, gain in gains.items()
        for k in AT
    }


def p_value(
    prompts: Sequence[Prompt],
    first: Sequence[Ranking],
    second: Sequence[Ranking],
    mentioned: Sequence[frozenset[str]],
    *,
    k: int = 10,
    condition: str = "all",
    without_seen: bool = False,
) -> float:
    """Could two ways have equal recall at k? Paired permutation test over dialogues, two-sided.

    Args:
        prompts: What was asked.
        first: What one way recommended.
        second: What the other way did.
        mentioned: Ids of what each dialogue has named.
        k: Length of the list.
        condition: One of ``CONDITIONS``.
        without_seen: Whether what the dialogue has named is left out of the rankings.

    Returns:
        The p value, never below 1 / 10,001.
    """
    sums = []
    for rankings in (first, second):
        hits: dict[str, float] = defaultdict(float)
        for prompt, rank in _ranks(prompts, rankings, mentioned, condition, without_seen):
            hits[prompt.id] += rank is not None and rank <= k
        sums.append(hits)
    return permutation([sums[0][id_] for id_ in sums[0]], [sums[1][id_] for id_ in sums[0]])


def difference(
    prompts: Sequence[Prompt],
    first: Sequence[Ranking],
    second: Sequence[Ranking],
    mentioned: Sequence[frozenset[str]],
    *,
    k: int = 10,
    condition: str = "all",
    without_seen: bool = False,
) -> Difference:
    """How much higher one way's recall at k is than another's, on the same targets.

    Args:
        prompts: What was asked.
        first: What one way recommended.
        second: What the other way did.
        mentioned: Ids of what each dialogue has named.
        k: Length of the list.
        condition: One of ``CONDITIONS``.
        without_seen: Whether what the dialogue has named is left out of the rankings.

    Returns:
        The mean, and 1.96 standard errors to each side of it.
    """
    ranks = [_ranks(prompts, rankings, mentioned, condition, without_seen) for rankings in (first, second)]
    apart = [
        (prompt.id, float(one is not None and one <= k) - float(other is not None and other <= k))
        for (prompt, one), (_, other) in zip(*ranks, strict=True)
    ]
    found = _score(apart)
    if found.error is None:
        return Difference(found.mean, None, None, found.targets)
    apart_by = _TWO_SIDED * found.error
    return Difference(found.mean, found.mean - apart_by, found.mean + apart_by, found.targets)


def _ranks(
    prompts: Sequence[Prompt],
    rankings: Sequence[Ranking],
    mentioned: Sequence[frozenset[str]],
    condition: str,
    without_seen: bool,
) -> list[tuple[Prompt, int | None]]:
    found: list[tuple[Prompt, int | None]] = []
    for prompt, ranking, seen in zip(prompts, rankings, mentioned, strict=True):
        order = [id_ for id_ in ranking if not (without_seen and id_ in seen)]
        places = {id_: at for at, id_ in reversed(list(enumerate(order, 1)))}
        wanted = [g for g in prompt.gold if condition == "all" or (condition == "mentioned") == (g in seen)]
        found += [(prompt, places.get(gold)) for gold in wanted]
    return found


def _score(values: Sequence[tuple[str, float]]) -> Score:
    if not values:
        return Score(0.0, 0.0, 0)
    mean = statistics.fmean(value for _, value in values)
    apart: Mapping[str, float] = _apart(values, mean)
    error = math.sqrt(sum(d * d for d in apart.values())) / len(values) if len(apart) > 1 else None
    return Score(mean, error, len(values))


def _apart(values: Sequence[tuple[str, float]], mean: float) -> dict[str, float]:
    """How far each dialogue's targets are from the mean, summed: the cluster-robust error is made of these."""
    sums: dict[str, float] = defaultdict(float)
    for id_, value in values:
        sums[id_] += value - mean
    return sums
