"""What must stay as it was: unrelated prompts, neutral prose, grammar, facts of the world, before and after learning.

In come ``.jsonl`` files, known by the fields of their lines, and a model; out goes a ``Change`` with intervals and
paired tests. Four kinds of lines are taken: ``text`` (prose: perplexity), ``sentence_good`` and ``sentence_bad``
(minimal pairs, as BLiMP has them: which one is likelier), ``question``, ``answer`` and ``perturbed_answer`` (facts, as
TOFU has them: is the answer likelier than every wrong one), ``instruction`` (prompts, as Self-Instruct has them:
token KL).
"""

from __future__ import annotations

import dataclasses
import json
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from langchain_selfparam.distill import teacher
from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.objective import concatenate, forward_kl
from langchain_selfparam.distill.packing import Document, pack
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.scorer import PackedScorer
from langchain_selfparam.errors import InputError
from langchain_selfparam.evaluation.stats import Interval, interval, mcnemar, permutation, ratio
from langchain_selfparam.model import LocalModel, share
from langchain_selfparam.records import Message

PROMPTS = (
    "How many continents are there?",
    "What do owls hunt at night?",
    "Give me three tips for writing a good letter.",
    "What is the difference between a lake and a river?",
    "Who was Isaac Newton?",
    "Translate 'see you tomorrow' into Italian.",
    "How much is 250 plus 125?",
    "Why is sea water salty?",
    "Write a short poem about winter.",
    "What should I pack for a day at the beach?",
    "Explain what a loan is.",
    "Which animal is the largest on land?",
    "How do vaccines work?",
    "How is the number 40 spelled?",
    "Name two vegetables that grow underground.",
    "Give me a word that rhymes with 'moon'.",
    "How can I keep house plants alive?",
    "What is your favourite colour?",
    "Do you have a dog?",
    "What is the best way to store potatoes?",
    "Do you ever get tired?",
    "How old is the universe?",
    "What is a good present for a ten-year-old?",
    "Tell me a joke.",
)
"""Asked of every model; none of them is learned from, or looked at while it learns (``targets.prompts``)."""
_ANSWER_TOKENS = 24
_KL = "token KL on unrelated prompts (nats)"
_SAME = "unrelated prompts answered word for word as before"
_PERPLEXITY = "perplexity of neutral prose"
_SHARES = (("minimal pairs right", "pairs"), ("facts of the world right", "facts"))
_TOGETHER = 64


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Unchanged:
    """What is looked at before and after.

    Attributes:
        prompts: Unrelated prompts.
        texts: Prose.
        pairs: Sentences right and wrong.
        facts: Questions, each with its answer and wrong ones.
    """

    prompts: tuple[str, ...] = PROMPTS
    texts: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    facts: tuple[tuple[str, str, tuple[str, ...]], ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """A share of right choices before and after."""

    count: int
    before: Interval
    after: Interval
    p: float
    """Of the exact McNemar test between both."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Prose:
    """How much less likely prose has become, text by text.

    Attributes:
        times: Perplexity after over perplexity before, with its interval over texts.
        p: Of the permutation test over texts, of their log-probabilities.
        texts: Of each its log-probability before and after, in nats, and its tokens.
    """

    times: Interval
    p: float
    texts: tuple[tuple[float, float, int], ...]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """How far a model has moved where it should not have.

    Attributes:
        token_kl: Mean KL(before ‖ after) over the tokens of its own earlier answers to the prompts, nats.
        same_answers: Share of the prompts answered word for word as before.
        perplexity: Before and after, of the prose; ``None`` without any.
        pairs: Grammar; ``None`` without any.
        facts: Facts of the world; ``None`` without any.
        prose: What perplexity is made of; ``None`` without any, and in what was kept by earlier versions.
    """

    token_kl: Interval
    same_answers: float
    perplexity: tuple[float, float] | None = None
    pairs: Share | None = None
    facts: Share | None = None
    prose: Prose | None = None


def load(paths: Sequence[Path], *, limit: int | None = None) -> Unchanged:
    """Read what must stay as it was.

    Args:
        paths: ``.jsonl`` files; without any there are ``PROMPTS`` alone.
        limit: Most lines of a file, taken evenly from all of it.

    Returns:
        Everything in them, and ``PROMPTS``.

    Raises:
        InputError: A line is of no known kind, or a fact has no wrong answer; the text names it.
    """
    found = Unchanged()
    for path in paths:
        rows = [(n, line) for n, line in enumerate(path.read_text("utf-8-sig").split("\n"), 1) if line.strip()]
        step = max(1.0, len(rows) / limit) if limit else 1.0
        for at in range(int(len(rows) / step + 1e-9)):
            number, line = rows[int(at * step)]
            try:
                found = _with(found, json.loads(line))
            except _NoWrongAnswerError as error:
                what = f"'perturbed_answer' is {error}; a list of at least one wrong answer is needed"
                msg = f"{path}, line {number}: {what}"
                raise InputError(msg) from error
            except (ValueError, KeyError, TypeError) as error:
                msg = (
                    f"{path}, line {number}: {error!r}; a JSON object with text, with sentence_good and sentence_bad, "
                    "with question, answer and perturbed_answer, or with instruction is needed"
                )
                raise InputError(msg) from error
    return found


class _NoWrongAnswerError(Exception):
    """A fact has nothing that its answer could be compared with."""


def _with(found: Unchanged, row: Mapping[str, Any]) -> Unchanged:
    if "text" in row:
        return dataclasses.replace(found, texts=(*found.texts, str(row["text"])))
    if "sentence_good" in row:
        return dataclasses.replace(found, pairs=(*found.pairs, (row["sentence_good"], row["sentence_bad"])))
    if "perturbed_answer" in row:
        wrong = row["perturbed_answer"]
        if not isinstance(wrong, list) or not wrong or not all(isinstance(w, str) and w.strip() for w in wrong):
            raise _NoWrongAnswerError(repr(wrong))
        fact = (row["question"], row["answer"], tuple(wrong))
        return dataclasses.replace(found, facts=(*found.facts, fact))
    return dataclasses.replace(found, prompts=(*found.prompts, str(row["instruction"])))


Asking = Callable[[Sequence[Sequence[Message]], Callable[[int, int], None]], list[str]]


class Yardstick:
    """Looks at a model now, to say later how far it has moved.

    Args:
        local: The model, its tokenizer and template.
        unchanged: What to look at.
        ask: Answers greedily with the weights that are served.
        progress: Called with what is done and all of it.
    """

    def __init__(
        self,
        local: LocalModel,
        unchanged: Unchanged,
        *,
        ask: Asking,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        self._local = local
        self._unchanged = unchanged
        self._ask = ask
        self._progress = progress
        self._head = Head(local.head.weight, local.head.bias, scale=local.logit_scale, softcap=local.logit_softcap)
        self._answers = self._answered()
        self._documents = [
            Document(
                at,
                tuple(local.encode_chat([Message(role="user", text=prompt)])),
                tuple(local.encode(answer)[:_ANSWER_TOKENS]) or (local.end_of_turn_id,),
            )
            for at, (prompt, answer) in enumerate(zip(unchanged.prompts, self._answers, strict=True))
        ]
        parts = [self._documents[i : i + _TOGETHER] for i in range(0, len(self._documents), _TOGETHER)]
        self._parts = parts
        self._said = teacher.read(Reader(share(local.model)), self._head, parts)
        self._before = self._scores(local.model)

    def change(self, model: Any = None, *, ask: Asking | None = None) -> Change:
        """How far it has moved since.

        Args:
            model: The module to look at; the one that is served where missing.
            ask: Answers with it; as before where missing.

        Returns:
            Everything that was looked at, before and after.
        """
        model = self._local.model if model is None else model
        answers = self._answered(ask)
        texts, pairs, facts = self._before
        now_texts, now_pairs, now_facts = self._scores(model)
        return Change(
            token_kl=interval(self._kl(model)),
            same_answers=sum(a == b for a, b in zip(answers, self._answers, strict=True)) / len(answers),
            perplexity=(_perplexity(texts), _perplexity(now_texts)) if texts else None,
            pairs=_share(pairs, now_pairs),
            facts=_share(facts, now_facts),
            prose=_prose(texts, now_texts),
        )

    def _answered(self, ask: Asking | None = None) -> list[str]:
        return (ask or self._ask)([(Message(role="user", text=p),) for p in self._unchanged.prompts], self._progress)

    @torch.no_grad()
    def _kl(self, model: Any) -> list[float]:
        """Mean KL of each prompt's answer."""
        found: list[float] = []
        reader = Reader(share(model))
        for part in self._parts:
            packed = pack(part)
            rows = concatenate([self._said.rows[key] for key in packed.keys])
            kl = forward_kl(reader.hidden(packed), self._head, rows)
            found += [float(own.mean().clamp(min=0)) for own in torch.split(kl, list(packed.lengths))]
        return found

    def _scores(self, model: Any) -> tuple[list[tuple[float, int]], list[bool], list[bool]]:
        """Log-probability and tokens of each text; whether each pair and each fact is chosen right."""
        local, looked = self._local, self._unchanged
        scorer = PackedScorer(local, Reader(share(model)), self._head, progress=self._progress)
        texts = [(sum(scores), local.count_tokens(text)) for text, scores in self._one_by_one(scorer, looked.texts)]
        sentences = [s for pair in looked.pairs for s in pair]
        scored = [s[0] for _, s in self._one_by_one(scorer, sentences)]
        pairs = [good > bad for good, bad in zip(scored[::2], scored[1::2], strict=True)]
        facts = []
        for question, answer, wrong in looked.facts:
            options = [answer, *wrong]
            (found,) = scorer.score([((Message(role="user", text=question),), options)])
            by_token = [value / max(1, local.count_tokens(o)) for value, o in zip(found, options, strict=True)]
            facts.append(by_token[0] > max(by_token[1:]))
        return texts, pairs, facts

    def _one_by_one(self, scorer: PackedScorer, texts: Sequence[str]) -> list[tuple[str, list[float]]]:
        """Each text's score behind a line break: models without a start token need something before the first."""
        if not texts:
            return []
        (scores,) = scorer.score([("\n", texts)])
        return [(text, [score]) for text, score in zip(texts, scores, strict=True)]


def rows(change: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """A change as rows of a table: what, before, after, p.

    Args:
        change: What was found, as plain values; what earlier versions kept is taken too.

    Returns:
        Cells of text.
    """
    kl = change["token_kl"]
    found = [
        (_KL, "0", f"{kl['mean']:.4f} ({kl['low']:.4f} to {kl['high']:.4f})", "-"),
        (_SAME, "100 %", f"{100 * change['same_answers']:.0f} %", "-"),
    ]
    if change["perplexity"] is not None:
        before, after = change["perplexity"]
        prose, more, p = change.get("prose"), "", "-"
        if prose is not None:
            times = prose["times"]
            more = f" ({times['mean']:.3f} times, {times['low']:.3f} to {times['high']:.3f})"
            p = f"{prose['p']:.4f}"
        found.append((_PERPLEXITY, f"{before:.2f}", f"{after:.2f}{more}", p))
    for name, field in _SHARES:
        if (part := change[field]) is not None:
            cells = (_text(part["before"]), _text(part["after"]), f"{part['p']:.4f}")
            found.append((f"{name} (of {part['count']})", *cells))
    return found


def table(changes: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """What was found of one or more models, each learned from the same one.

    Args:
        changes: At least one, as plain values.

    Returns:
        Header and rows; the mean and the worst of several models.
    """
    if len(changes) == 1:
        return ("what must stay as it was", "before", "after", "p"), [*rows(changes[0])]
    found = over_models(changes)
    shown: list[tuple[str, ...]] = [
        (_KL, "0", f"{found['token_kl']['mean']:.4f}", f"{found['token_kl']['worst']:.4f}", "-"),
        (_SAME, "100 %", *(f"{100 * found['same_answers'][k]:.0f} %" for k in ("mean", "worst")), "-"),
    ]
    for name, field in ((_PERPLEXITY, "perplexity"), *_SHARES):
        if (part := found[field]) is None:
            continue
        values = [part[k] for k in ("before", "mean", "worst")]
        cells = [f"{v:.2f}" if field == "perplexity" else f"{100 * v:.1f} %" for v in values]
        title = f"{name} (of {part['count']})" if "count" in part else name
        shown.append((title, *cells, "-" if part["p"] is None else f"{part['p']:.4f}"))
    head = (f"what must stay as it was, {len(changes)} models", "before", "after, mean", "after, worst", "smallest p")
    return head, shown


def over_models(changes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean and the worst of what was found of several models.

    Args:
        changes: At least one, as plain values.

    Returns:
        ``models`` and, for each figure, ``mean`` and ``worst``; where there is a test also the smallest ``p`` of them,
        which is not corrected for how many there are.
    """
    kl, same = [c["token_kl"]["mean"] for c in changes], [c["same_answers"] for c in changes]
    found: dict[str, Any] = {
        "models": len(changes),
        "token_kl": {"mean": statistics.fmean(kl), "worst": max(kl)},
        "same_answers": {"mean": statistics.fmean(same), "worst": min(same)},
        "perplexity": None,
    }
    read = [c for c in changes if c["perplexity"] is not None]
    if read:
        after = [c["perplexity"][1] for c in read]
        found["perplexity"] = {
            "before": statistics.fmean(c["perplexity"][0] for c in read),
            "mean": statistics.fmean(after),
            "worst": max(after),
            "p": min((c["prose"]["p"] for c in read if c.get("prose")), default=None),
        }
    for _, field in _SHARES:
        parts = [c[field] for c in changes if c[field] is not None]
        right = [part["after"]["mean"] for part in parts]
        found[field] = None
        if parts:
            found[field] = {
                "count": parts[0]["count"],
                "before": statistics.fmean(part["before"]["mean"] for part in parts),
                "mean": statistics.fmean(right),
                "worst": min(right),
                "p": min(part["p"] for part in parts),
            }
    return found


def _text(part: Mapping[str, float]) -> str:
    return f"{100 * part['mean']:.1f} % ({100 * part['low']:.1f} to {100 * part['high']:.1f})"


def _perplexity(scored: Sequence[tuple[float, int]]) -> float:
    return math.exp(-sum(s for s, _ in scored) / max(1, sum(n for _, n in scored)))


def _prose(before: Sequence[tuple[float, int]], after: Sequence[tuple[float, int]]) -> Prose | None:
    if not before:
        return None
    texts = tuple((was, now, count) for (was, count), (now, _) in zip(before, after, strict=True))
    lost = ratio([was - now for was, now, _ in texts], [max(1, count) for _, _, count in texts])
    return Prose(
        times=Interval(math.exp(lost.mean), math.exp(lost.low), math.exp(lost.high)),
        p=permutation([was for was, _, _ in texts], [now for _, now, _ in texts]),
        texts=texts,
    )


def _share(before: Sequence[bool], after: Sequence[bool]) -> Share | None:
    if not before:
        return None
    first, second = (interval([float(flag) for flag in flags]) for flags in (before, after))
    return Share(count=len(before), before=first, after=second, p=mcnemar(before, after))
