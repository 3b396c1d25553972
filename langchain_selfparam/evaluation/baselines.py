"""Other ways to put text into weights, to be compared with: fine-tuning, and the published recipe.

In come a model, what was said, and the questions that a consolidation was to learn, whether or not it was kept; out
goes a change of the weights, or a twin of the model that has it. Nothing is verified: a baseline does what it does.

- ``ft-context``: next-token fine-tuning on what the user said (the literature's FT(C)).
- ``ft-sentences``: next-token fine-tuning on the questions with whole answers, as chat (FT(S)).
- ``published``: SELF-PARAM (arXiv 2410.00487) with its hyper-parameters: LoRA of rank 8 and alpha 32, AdamW at a
  constant 2e-5, batches of one, for each conversation 500 rounds of three parts (a question with its answer, a suffix
  of the text, unrelated text); the loss summed over the vocabulary, what was learned merged. Questions and answers are
  ours, where it has a stronger model write them; it runs in mixed precision like everything else here, where it used
  fp32. Conversations that are learned at once share the LoRA and take turns, a round each.

Both fine-tunings use a LoRA of the same rank on the same layers and as many steps as the memory took.
"""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal

import torch

from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.distill import student, teacher
from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.objective import TargetRows, forward_kl
from langchain_selfparam.distill.packing import Document, batches, pack
from langchain_selfparam.distill.precision import mixed_precision
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.steering import moved
from langchain_selfparam.distill.teacher import TeacherTargets
from langchain_selfparam.errors import InputError, NoTargetsError, UnsupportedModelError
from langchain_selfparam.evaluation.datasets import Conversation
from langchain_selfparam.model import LocalModel, share
from langchain_selfparam.records import Message, TargetSet
from langchain_selfparam.weights.delta import Delta
from langchain_selfparam.weights.shadow import Shadow, with_weights

Name = Literal["ft-context", "ft-sentences", "published"]
NAMES: tuple[Name, ...] = ("ft-context", "ft-sentences", "published")
RATES = (2e-4, 5e-4, 1e-3, 2e-3)
"""Learning rates that are tried for fine-tuning."""
HIGHER = (4e-3, 8e-3, 1.6e-2)
"""Those that are tried after them, for as long as the highest is the best."""
ROUNDS = 500
"""Rounds of the published recipe for a conversation: 50 epochs of 10 questions."""
_PUBLISHED = TrainingConfig(rank=8, alpha=32.0, frozen_share=0.0, layers="all", damping=None)
_PUBLISHED_RATE = 2e-5
_UNRELATED_TOKENS = 64

Progress = Callable[[int, int], None]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """What a baseline learns from.

    Attributes:
        conversations: What was said.
        taught: What the memory's consolidations were to learn, also where they were refused.
        steps: How many training steps they took.
        turns: For each conversation the ids that its turns have in ``taught``; needed where several are learned at once
            by the published recipe, which reads each with its own questions.
    """

    conversations: Sequence[Conversation]
    taught: Sequence[TargetSet]
    steps: int
    turns: Sequence[Collection[int]] = ()


class Baseline:
    """One of the other ways.

    Args:
        local: Tokenizer, template and head.
        name: Which way.
        config: The memory's own training settings; fine-tuning uses its layers, rank, batch size and seed.
        rounds: Rounds of the published recipe.

    Raises:
        UnsupportedModelError: The model's head is not linear, so labels cannot be learned with this loss.
    """

    def __init__(self, local: LocalModel, name: Name, *, config: TrainingConfig, rounds: int = ROUNDS) -> None:
        self.name = name
        self._local = local
        self._config = config
        self._rounds = rounds
        self._head = Head(local.head.weight, local.head.bias, scale=local.logit_scale, softcap=local.logit_softcap)
        if not self._head.linear:
            msg = f"{local.name} soft-caps its logits; the baseline {name} needs a linear head. Leave it out"
            raise UnsupportedModelError(msg)

    @property
    def rates(self) -> tuple[float, ...]:
        """Learning rates that are tried in any case; one alone is not tried, but taken."""
        return (_PUBLISHED_RATE,) if self.name == "published" else RATES

    def untried(self, scores: Mapping[float, float], diverged: Collection[float] = ()) -> float | None:
        """The learning rate to try next: the best of a search is no best where it is the highest that was tried.

        Args:
            scores: What was tried, with how good it was; more is better.
            diverged: Those with which nothing could be learned; they have no score that counts.

        Returns:
            One of ``rates``, then one of ``HIGHER`` after another while the highest is the best; ``None`` at the end.
        """
        for rate in self.rates:
            if rate not in scores and rate not in diverged:
                return rate
        counted = {rate: score for rate, score in scores.items() if rate not in diverged}
        if not counted or best_rate(counted) < max([*counted, *diverged]):
            return None
        return next((rate for rate in HIGHER if rate > max(counted)), None)

    def missing(self, lesson: Lesson) -> str:
        """Why a lesson has nothing to learn for this baseline.

        Args:
            lesson: What would be learned.

        Returns:
            A sentence; empty where it can be learned.
        """
        if self.name != "ft-context" and not _pairs(lesson):
            return f"nothing was taught: the memory has no questions for {self.name} to learn; leave it out"
        if self.name != "published" and lesson.steps < 1:
            return f"nothing was taught: the memory took no training step, and {self.name} takes as many; leave it out"
        return ""

    def learn(self, model: Any, lesson: Lesson, *, rate: float, progress: Progress = lambda done, total: None) -> Any:
        """Learn on top of a model's weights; what cannot be learned is refused as ``delta`` does.

        Args:
            model: The served model or a twin of it; it is not changed.
            lesson: What to learn.
            rate: Peak learning rate.
            progress: Called with steps done and all steps.

        Returns:
            A twin with other weights.
        """
        return merged(model, self.delta(model, lesson, rate=rate, progress=progress))

    def delta(self, model: Any, lesson: Lesson, *, rate: float, progress: Progress = lambda done, total: None) -> Delta:
        """What learning changes.

        Args:
            model: The served model or a twin of it; it is not changed.
            lesson: What to learn.
            rate: Peak learning rate.
            progress: Called with steps done and all steps.

        Returns:
            The change of the model's weights.

        Raises:
            NoTargetsError: There is nothing to learn from, or no step to learn it in.
            InputError: The published recipe cannot read a text in one prompt.
        """
        if reason := self.missing(lesson):
            raise NoTargetsError(reason)
        if self.name == "published":
            return self._published(model, lesson, rate, progress)
        documents = self._documents(lesson)
        each = len(batches(documents, tokens=self._config.batch_tokens, order=range(len(documents))))
        config = dataclasses.replace(
            self._config, learning_rate=rate, damping=None, stop_kl=0.0, epochs=math.ceil(lesson.steps / each)
        )
        shadow = Shadow(model, config)
        student.Course(
            Reader(shadow.model, learning=shadow.parameters, again=documents if config.epochs > 1 else ()),
            self._head,
            shadow.parameters,
            documents,
            TeacherTargets({d.key: self._labels(d) for d in documents}),
            config=config,
            autocast=mixed_precision(self._local.device, self._local.dtype),
            steps=lesson.steps,
            progress=progress,
        ).run()
        return shadow.delta()

    @torch.no_grad()
    def unseen(self, model: Any, lesson: Lesson) -> float:
        """How well a model says what a lesson has that it did not learn.

        Args:
            model: A twin with other weights.
            lesson: What it did not learn; fine-tuning alone has one.

        Returns:
            Cross-entropy, nats per token.

        Raises:
            NoTargetsError: The lesson has nothing.
        """
        documents = self._documents(lesson)
        if not documents:
            msg = f"nothing is left to choose the learning rate of {self.name} on; give more dialogues, or leave it out"
            raise NoTargetsError(msg)
        reader, total, count = Reader(share(model)), 0.0, 0
        for document in documents:
            hidden_ND = reader.hidden(pack([document]))
            total += float(forward_kl(hidden_ND, self._head, self._labels(document)).sum())
            count += len(document.answer)
        return total / count

    def _documents(self, lesson: Lesson) -> list[Document]:
        return self._text(lesson) if self.name == "ft-context" else self._sentences(lesson)

    def _text(self, lesson: Lesson) -> list[Document]:
        said = [user for c in lesson.conversations for user, _ in c.turns]
        return [Document(at, self._start, tuple(self._local.encode(text))) for at, text in enumerate(said)]

    def _sentences(self, lesson: Lesson) -> list[Document]:
        return [
            Document(
                at,
                tuple(self._local.encode_chat([Message(role="user", text=question)])),
                (*self._local.encode(answer), self._local.end_of_turn_id),
            )
            for at, (question, answer) in enumerate(_pairs(lesson))
        ]

    def _labels(self, document: Document) -> TargetRows:
        """A teacher that is sure of each token: the KL to it is the cross-entropy."""
        count = len(document.answer)
        return TargetRows(
            ids=torch.tensor(document.answer)[:, None],
            probs=torch.ones(count, 1),
            tail=torch.zeros(count, self._head.weight.shape[1]),
            negentropy=torch.zeros(count),
        ).to(self._local.device)

    @property
    def _start(self) -> tuple[int, ...]:
        """What stands before plain text: the model's own start token, where it has one."""
        found = tuple(self._local.encode("", add_special_tokens=True))
        return found or (self._local.end_of_turn_id,)

    def _read(self, lesson: Lesson) -> list[tuple[list[int], list[tuple[str, list[int]]]]]:
        """For each conversation that was taught its text, and its questions, each with what is learned of it."""
        found = []
        for conversation, pairs in _by_conversation(lesson):
            if not pairs:
                continue
            context = self._local.encode(_whole([conversation]))
            texts = [(q, self._local.encode(f"Question: {q} Answer: {a}")) for q, a in pairs]
            longest = len(self._start) + len(context) + max(len(text) for _, text in texts)
            if longest > self._local.context_window:
                msg = (
                    f"the published recipe reads {conversation.id} with a question in one prompt of {longest:,} "
                    f"tokens, and {self._local.name} reads {self._local.context_window:,}; leave 'published' out of "
                    "--baselines, or give shorter conversations"
                )
                raise InputError(msg)
            found.append((context, texts))
        return found

    def _published(self, model: Any, lesson: Lesson, rate: float, progress: Progress) -> Delta:
        told_of = self._read(lesson)
        chance = random.Random(self._config.seed)
        shadow = Shadow(model, dataclasses.replace(_PUBLISHED, seed=self._config.seed))
        reader, told = Reader(shadow.model), Reader(share(model))
        optimizer = torch.optim.AdamW(shadow.parameters, lr=rate)
        autocast = mixed_precision(self._local.device, self._local.dtype)
        unrelated = [s for t in lesson.taught for s in t.sentences if s.kind == "neutral"]
        rounds = self._rounds * len(told_of)
        for done in range(rounds):
            context, pairs = told_of[done % len(told_of)]
            _, asked = pairs[chance.randrange(len(pairs))]
            cut = chance.randrange(1, len(context))
            other = chance.choice(unrelated) if unrelated else None
            parts = [
                (context, asked),
                (context[:cut], context[cut:]),
                ([], self._local.encode(f"{other.prompt} {other.answer}")[:_UNRELATED_TOKENS] if other else []),
            ]
            for before, text in parts:
                if not text:
                    continue
                known = Document(0, (*self._start, *before), tuple(text))
                rows = teacher.read(told, self._head, [[known]]).rows[0]
                with autocast():
                    hidden_ND = reader.hidden(pack([Document(0, self._start, tuple(text))]))
                loss = forward_kl(hidden_ND, self._head, rows).mean()
                optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
            progress(done + 1, rounds)
        return shadow.delta()


def best_rate(scores: Mapping[float, float]) -> float:
    """The learning rate with the highest score; of several the lowest."""
    return min(scores, key=lambda rate: (-scores[rate], rate))


def part_of(lesson: Lesson, *, every: int, first: int = 0) -> Lesson:
    """A smaller lesson, such as to choose a learning rate with.

    Args:
        lesson: The whole one.
        every: One in so many conversations, questions and steps is left.
        first: From which on: parts from different ones below ``every`` have nothing in common.

    Returns:
        The lesson.
    """
    taught = [
        dataclasses.replace(one, sentences=tuple(s for s in one.sentences if s.kind == "question")[first::every])
        for one in lesson.taught
    ]
    steps = max(1, round(lesson.steps / every)) if lesson.steps else 0
    return Lesson(conversations=lesson.conversations[first::every], taught=taught, steps=steps)


def drift_of(local: LocalModel, model: Any, taught: Sequence[TargetSet]) -> float:
    """How far a baseline has moved where nothing should have changed, by the memory's own probes.

    Args:
        local: The untouched model.
        model: A twin of it with other weights.
        taught: What the memory learned from, with its probes.

    Returns:
        Mean KL(untouched ‖ baseline), nats per answer token; 0 without probes.
    """
    probes = dict.fromkeys((p.prompt, p.expected[0]) for one in taught for p in one.probes if p.kind == "drift")
    documents = [
        Document(
            at,
            tuple(local.encode_chat([Message(role="user", text=prompt)])),
            tuple(local.encode(answer)) or (local.end_of_turn_id,),
        )
        for at, (prompt, answer) in enumerate(probes)
    ]
    head = Head(local.head.weight, local.head.bias, scale=local.logit_scale, softcap=local.logit_softcap)
    untouched = teacher.read(Reader(share(local.model)), head, [[document] for document in documents])
    return moved(Reader(share(model)), head, pack(documents), untouched) if documents else 0.0


def _pairs(lesson: Lesson) -> list[tuple[str, str]]:
    """Every question that the memory was taught, with its statement, or what a passage answers, as the whole answer."""
    found = [
        (sentence.prompt, sentence.answer if sentence.context[-1].role == "user" else sentence.context[-1].text)
        for targets in lesson.taught
        for sentence in targets.sentences
        if sentence.kind == "question" and sentence.context
    ]
    return list(dict.fromkeys(found))


def _by_conversation(lesson: Lesson) -> list[tuple[Conversation, list[tuple[str, str]]]]:
    """Each conversation with the questions about its own turns."""
    if len(lesson.conversations) == 1:
        return [(lesson.conversations[0], _pairs(lesson))]
    found = []
    for conversation, turns in zip(lesson.conversations, lesson.turns, strict=True):
        taught = [
            dataclasses.replace(one, sentences=tuple(s for s in one.sentences if s.turn_id in turns))
            for one in lesson.taught
        ]
        own = Lesson(conversations=[conversation], taught=taught, steps=lesson.steps)
        found.append((conversation, _pairs(own)))
    return found


def _whole(conversations: Sequence[Conversation]) -> str:
    return "\n".join(f"User: {user}\nAssistant: {reply}" for c in conversations for user, reply in c.turns)


@torch.no_grad()
def merged(model: Any, delta: Delta) -> Any:
    """A twin with a change in its weights.

    Args:
        model: The served model or a twin of it; it is not changed.
        delta: The change.

    Returns:
        The twin.

    Raises:
        FloatingPointError: Weights would not be finite.
    """
    tensors = {}
    for name, factors in delta.layers.items():
        weight = model.get_submodule(name).weight
        change = (factors.b @ factors.a).to(weight.device)
        tensors[name] = (weight.float() + change).to(weight.dtype)
        if not bool(torch.isfinite(tensors[name]).all()):
            msg = f"a baseline's weights of {name} are not finite"
            raise FloatingPointError(msg)
    return with_weights(model, tensors)
