"""Learning one episode: targets, teacher, student, probes, verdict. Nothing that lasts is changed here.

In come a leased episode and the served model, out goes ``Learned``: the delta and the verdict on it. The served module
is only read; everything is tried out on modules that share its tensors. Committing is ``commit``'s.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langchain_selfparam.config import Settings
from langchain_selfparam.distill import teacher
from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.moments import measured, watching
from langchain_selfparam.distill.objective import Rows
from langchain_selfparam.distill.packing import Document, shared_prefix
from langchain_selfparam.distill.precision import mixed_precision
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.scorer import PackedScorer
from langchain_selfparam.distill.steering import Steering
from langchain_selfparam.distill.student import Course
from langchain_selfparam.engine.lessons import Lesson, Training
from langchain_selfparam.engine.outside import Outside
from langchain_selfparam.engine.pace import paced
from langchain_selfparam.engine.room import out_of_memory, too_large
from langchain_selfparam.engine.rows import Chunks, Own, apart
from langchain_selfparam.engine.stages import Clock, of_piece, of_stage
from langchain_selfparam.engine.verifying import Verifier
from langchain_selfparam.errors import ConsolidationError
from langchain_selfparam.model import LocalModel, share
from langchain_selfparam.protocols import Progress, TextGenerator
from langchain_selfparam.records import (
    Episode,
    Message,
    ProbeKind,
    TargetSentence,
    TargetSet,
    TrainReport,
    Turn,
    Verdict,
)
from langchain_selfparam.serving.activity import REQUESTS
from langchain_selfparam.serving.batch import BatchGenerator
from langchain_selfparam.serving.gate import Gate
from langchain_selfparam.targets.prompts import ABOUT_THE_MODEL
from langchain_selfparam.targets.recheck import recall_probes
from langchain_selfparam.targets.replay import replayed
from langchain_selfparam.targets.replies import study_replies
from langchain_selfparam.targets.study import stated, study
from langchain_selfparam.verify import drift, recall
from langchain_selfparam.verify.verdict import allowed_drift
from langchain_selfparam.weights.beside import with_earlier
from langchain_selfparam.weights.delta import Delta
from langchain_selfparam.weights.shadow import Shadow, learning_modules

if TYPE_CHECKING:
    import torch

_OFTEN = 12
"""Openings of one statement from which half of them do for an epoch."""
_GLANCE = 64
"""Probes of what was said that are looked at along the way at most, taken evenly; in the end all are asked."""


@dataclasses.dataclass(frozen=True, slots=True)
class Learned:
    """What was learned from an episode, not yet kept.

    Attributes:
        delta: The change, already scaled as the verdict says.
        verdict: What the probes said of it.
        targets: What it was learned from.
        train: How the training went.
        seconds: Wall-clock seconds of targets, teacher, student and probes.
    """

    delta: Delta
    verdict: Verdict
    targets: TargetSet
    train: TrainReport
    seconds: Mapping[str, float]


class Learner:
    """Learns episodes into candidates for one served model.

    Args:
        local: The served model.
        gate: Its gate.
        settings: All stages' settings.
        author: Writes the questions; the model before anything was learned where missing.
        calibration: Gives what the model says of its own accord, written before anything was learned: to measure
            layers' inputs by, to learn as it was, and to see drift by; none where missing.
    """

    def __init__(
        self,
        local: LocalModel,
        gate: Gate,
        *,
        settings: Settings,
        author: TextGenerator | None = None,
        calibration: Callable[[TextGenerator], Sequence[TargetSentence]] = lambda original: (),
    ) -> None:
        self._local = local
        self._gate = gate
        self._settings = settings
        self._author = None if author is None else Outside(author)
        self._calibration = calibration
        self._head = _head_of(local)

    def lesson(
        self,
        episode: Episode,
        *,
        candidate: Callable[[Delta], Any],
        earlier: Sequence[TargetSet] = (),
        held: Sequence[Turn] = (),
        untaught: Any = None,
        progress: Progress,
    ) -> Lesson[Learned]:
        """The lesson that learns an episode on top of the served weights; see ``lessons``.

        Args:
            episode: The turns.
            candidate: Gives a module that a delta would make of the served one, served to nobody.
            earlier: What the served version and those before it were learned from.
            held: The turns that the served version holds; some of them are asked about again.
            untaught: A module as it was before anything was learned, where the served one is another. It asks and
                teaches: the served one would answer with what it holds already. What is about nothing that was said,
                or about others, stays as it answers, so that small drifts do not add up.
            progress: Told of each stage.

        Returns:
            The candidate and the verdict on it.

        Raises:
            OutOfMemoryError: A stage did not fit into memory.
            NothingSaidError: The turns state nothing.
        """
        clock, progress = Clock(), self._yielding(progress)
        try:
            reader = Reader(share(self._local.model))
            if self._settings.targets.form != "replies":
                stated(episode, self._settings.targets)  # raises before minutes are spent where nothing is said
            original = self._local.model if untaught is None else untaught
            first = reader if untaught is None else Reader(share(original))
            calibration = self._calibrating(original, of_stage(progress, "targets"))
            replies = {turn.id: turn.assistant for turn in held}
            targets = self._write(
                episode, first, earlier, original, calibration, replies, of_stage(progress, "targets")
            )
            targets = self._unguessed(targets, untaught, of_stage(progress, "targets"))
            targets = self._with_replay(targets, earlier, episode)
            clock.stop("targets")
            documents, chunks, unrelated = self._documents(targets, calibration)
            said, moments = self._read(reader, first, chunks, of_stage(progress, "teacher"))
            clock.stop("teacher")
            served = None if untaught is None else reader
            before = [self._drift(served, part, said) for part in (documents.steering, unrelated)]
            told = of_stage(progress, "student")
            train = yield (training := self._training(documents, targets, said, moments, before[0], untaught, told))
            delta = training.shadow.delta()
            clock.stop("student")
            delta, verdict = self._verified(
                episode,
                targets,
                delta,
                unrelated,
                said,
                candidate=candidate,
                earlier=earlier,
                held=held,
                before=before[1],
                progress=progress,
            )
            clock.stop("probes")
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, ConsolidationError) or not out_of_memory(error):
                raise
            raise too_large(len(episode.turns), error, self._settings.training) from error
        finally:
            self._head = _head_of(self._local)  # the former one goes with its room for logits: up to a gigabyte
        return Learned(delta, verdict, targets, train, clock.seconds)

    def _drift(self, served: Reader | None, documents: Sequence[Document], said: teacher.TeacherTargets) -> float:
        return 0.0 if served is None else drift.token_kl(served, self._head, documents, said)

    def _yielding(self, progress: Progress) -> Progress:
        """Progress at which learning lets those go first who are being answered."""

        def wait(stage: str, done: int, total: int) -> None:
            REQUESTS.wait_for_quiet(self._settings.training.patience)
            progress(stage, done, total)

        return wait

    def _calibrating(self, original: Any, progress: Callable[[int, int], None]) -> Sequence[TargetSentence]:
        """What the untouched model says of its own accord; nothing where nothing is done with it."""
        if self._settings.training.damping is None and not self._settings.targets.exchanges:
            return ()
        gate = self._gate if original is self._local.model else None
        alive = BatchGenerator(self._local, gate, model=original, progress=lambda done, total: progress(0, 4))
        return self._calibration(alive)

    def _write(
        self,
        episode: Episode,
        first: Reader,
        earlier: Sequence[TargetSet],
        original: Any,
        calibration: Sequence[TargetSentence],
        replies: Mapping[int, str],
        progress: Callable[[int, int], None],
    ) -> TargetSet:
        at = (0, 4)

        def step(done: int, total: int) -> None:
            nonlocal at
            at = (done, total)
            progress(done, total)

        def alive(done: int, total: int) -> None:
            # Minutes pass between two steps of writing: whoever waits or wants to stop is heard meanwhile.
            progress(*at)

        served = BatchGenerator(self._local, self._gate, progress=alive)
        untouched = original is self._local.model
        asking = served if untouched else BatchGenerator(self._local, None, model=original, progress=alive)
        # Other questions each time: a turn that was not held is asked about anew, and other prompts are kept as they
        # were.
        config = self._settings.targets
        again = max(turn.attempts for turn in episode.turns)
        config = dataclasses.replace(config, seed=config.seed + len(earlier) + again)
        if config.form == "replies":
            return study_replies(
                episode, original=asking, config=config, calibration=calibration, taught=earlier, progress=step
            )
        return study(
            episode,
            author=self._author or asking,
            served=served,
            original=asking,
            scorer=PackedScorer(self._local, first, self._head, progress=alive),
            config=config,
            calibration=calibration,
            taught=earlier,
            replies=replies,
            progress=step,
        )

    def _unguessed(self, targets: TargetSet, untaught: Any, progress: Callable[[int, int], None]) -> TargetSet:
        """Without the probes that the untouched model passes: they show nothing of what the weights have learned."""
        if self._settings.targets.form == "replies":
            return targets  # each has one probe alone
        asked = [probe for probe in targets.probes if probe.kind == "recall"]
        gate = self._gate if untaught is None else None
        untold = BatchGenerator(self._local, gate, model=untaught, progress=lambda done, total: progress(4, 4))
        results = recall.ask(asked, untold, max_tokens=self._settings.verify.answer_tokens)
        return dataclasses.replace(targets, probes=recall.unguessed(targets.probes, results))

    def _with_replay(self, targets: TargetSet, earlier: Sequence[TargetSet], episode: Episode) -> TargetSet:
        config = self._settings.targets
        # Of a reply the prompt that is asked is the one that was learned: there is no other to hold on to it by.
        probes = (*targets.probes, *(() if config.form == "replies" else recall_probes(earlier)))
        more = replayed(
            earlier,
            without={*(s.prompt for s in targets.sentences), *(p.prompt for p in probes)},
            turns={turn.id for turn in episode.turns},
            count=config.replay,
            seed=config.seed + len(earlier),
            amended=targets.statements,
        )
        return dataclasses.replace(targets, sentences=(*targets.sentences, *more))

    def _documents(
        self, targets: TargetSet, calibration: Sequence[TargetSentence]
    ) -> tuple[Own, Chunks, list[Document]]:
        """The student's documents, the teacher's, and the drift probes."""
        student_documents = Own([], [], [], [])
        openings = Counter((s.turn_id, s.answer) for s in targets.sentences if s.kind == "question" and not s.ends)
        by_context: dict[tuple[Message, ...], list[Document]] = {}
        asked: list[Document] = []
        plain: list[Document] = []
        neutral: list[Document] = []
        for key, sentence in enumerate(targets.sentences):
            question = Message(role="user", text=sentence.prompt)
            if sentence.kind == "exchange":
                own = self._exchanged(key, sentence.prompt, sentence.answer)
            else:
                own = self._asked(key, sentence.prompt, sentence.answer, ends=sentence.ends)
            often = sentence.kind in {"contrast", "neighbour"} or openings[sentence.turn_id, sentence.answer] > _OFTEN
            # Who the model is, is what a user's own name is taken for first: that is seen in every epoch.
            often = often and not sentence.ends and sentence.prompt not in ABOUT_THE_MODEL
            if sentence.kind in {"neutral", "exchange", "replay"}:
                (student_documents.replayed if sentence.kind == "replay" else student_documents.passing).append(own)
            else:
                (student_documents.alternating if often else student_documents.always).append(own)
            if sentence.context and sentence.context[-1].role == "user":
                asked.append(Document(key, tuple(self._local.encode_chat(sentence.context)), own.answer))
            elif sentence.context:
                prompt = self._local.encode_chat([*sentence.context, question])
                by_context.setdefault(sentence.context, []).append(Document(key, tuple(prompt), own.answer))
            else:
                (neutral if sentence.kind in {"neutral", "exchange", "neighbour"} else plain).append(own)
        unrelated = self._unrelated(targets, "drift", after=len(targets.sentences))
        steering = self._unrelated(targets, "steering", after=len(targets.sentences) + len(unrelated))
        chunks = Chunks(
            told=[*by_context.values(), *apart(asked)],
            plain=apart(plain),
            neutral=apart(neutral),
            probes=apart([*unrelated, *steering]),
            calibration=apart(self._measuring(calibration, targets)),
        )
        return dataclasses.replace(student_documents, steering=steering), chunks, unrelated

    def _measuring(self, calibration: Sequence[TargetSentence], targets: TargetSet) -> list[Document]:
        """Calibration text without what shows drift: that is to be no part of what learning avoids."""
        if self._settings.training.damping is None:
            return []  # nothing is whitened
        # What is learned as it was is measured as that.
        shown = {p.prompt for p in targets.probes} | {s.prompt for s in targets.sentences if s.kind == "exchange"}
        return [self._asked(at, s.prompt, s.answer) for at, s in enumerate(calibration) if s.prompt not in shown]

    def _asked(self, key: int, prompt: str, answer: str, *, ends: bool = False) -> Document:
        """A prompt of its own with an answer."""
        ids = self._local.encode_chat([Message(role="user", text=prompt)])
        return Document(key, tuple(ids), self._answer(answer, ends=ends))

    def _exchanged(self, key: int, prompt: str, answer: str) -> Document:
        """A user's message and the reply to it, both to be said: what is to stay is all of a conversation."""
        whole = self._asked(key, prompt, answer)
        opening = Document(key, (*self._local.encode_opening(), -1), ())
        begun = shared_prefix([whole, opening])  # less where text melts into the template's last token
        return Document(key, whole.prompt[:begun], (*whole.prompt[begun:], *whole.answer)) if begun else whole

    def _unrelated(self, targets: TargetSet, kind: ProbeKind, *, after: int) -> list[Document]:
        probes = [probe for probe in targets.probes if probe.kind == kind]
        return [self._asked(after + at, probe.prompt, probe.expected[0]) for at, probe in enumerate(probes)]

    def _read(
        self, reader: Reader, original: Reader, chunks: Chunks, progress: Callable[[int, int], None]
    ) -> tuple[teacher.TeacherTargets, Mapping[str, Sequence[torch.Tensor]]]:
        """The teacher's targets, and what the layers that will learn read where nothing was told."""
        parts = ((original, chunks.told), (original, chunks.probes), (original, chunks.neutral), (reader, chunks.plain))
        total = sum(len(part) for _, part in parts) + len(chunks.calibration)
        training, targets = self._settings.training, self._settings.targets
        said = (targets.reply_share, 0.0) if targets.form == "replies" else (0.0, targets.answer_floor)
        names: Sequence[str] = ()
        if training.damping is not None:
            names = learning_modules(reader.model, frozen_share=training.frozen_share, layers=training.layers)
        rows: dict[int, Rows] = {}
        moments = measured(reader, names, chunks.calibration, of_piece(0, total, progress))
        done = len(chunks.calibration)
        for by, part in parts:
            unrelated = part is chunks.plain or part is chunks.neutral
            with watching(by.model, names if unrelated else (), moments):
                own, least = said if part is chunks.told else (0.0, 0.0)
                told = of_piece(done, total, progress)
                rows |= teacher.read(by, self._head, part, share=own, floor=least, progress=told).rows
            done += len(part)
        return teacher.TeacherTargets(rows), with_earlier(moments.means(), reader.model, original.model, training)

    def _held_out(self, targets: TargetSet) -> list[Document]:
        probes = [probe for probe in targets.probes if probe.kind == "recall"]
        probes = probes[:: -(-len(probes) // _GLANCE) or 1]
        return [self._asked(number, probe.prompt, probe.opening) for number, probe in enumerate(probes)]

    def _answer(self, text: str, *, ends: bool) -> tuple[int, ...]:
        ids = tuple(self._local.encode(self._local.as_said(text)))
        return (*ids, self._local.end_of_turn_id) if ends or not ids else ids

    def _training(
        self,
        documents: Own,
        targets: TargetSet,
        said: teacher.TeacherTargets,
        moments: Mapping[str, Sequence[torch.Tensor]],
        before: float,
        untaught: Any,
        progress: Callable[[int, int], None],
    ) -> Training:
        config = self._settings.training
        shadow = Shadow(self._local.model, config, moments=moments)
        steering = None
        if config.drift is not None and documents.steering:
            limit = allowed_drift(before, config.drift, self._most())
            steering = Steering(documents.steering, limit=limit)
        held_out = self._held_out(targets)
        again = documents.again(config.epochs, held_out)
        reader = Reader(shadow.model, compiled=config.compiled, learning=shadow.parameters, again=again)
        autocast = mixed_precision(self._local.device, self._local.dtype)
        taught = [d for d in documents.always if targets.sentences[d.key].context]
        config = paced(
            config,
            reader,
            shadow,
            taught,
            said,
            head=self._head,
            ruler=documents.steering,
            untaught=untaught,
            moments=moments,
            autocast=autocast,
        )
        course = Course(
            reader,
            self._head,
            shadow.parameters,
            documents.always,
            said,
            config=config,
            alternating=documents.alternating,
            passing=documents.passing,
            replayed=documents.replayed,
            held_out=held_out,
            steering=steering,
            weights={k: config.keep_weight for k, s in enumerate(targets.sentences) if not s.context},
            near={k for k, s in enumerate(targets.sentences) if s.kind in {"contrast", "neighbour", "replay"}},
            autocast=autocast,
            progress=progress,
        )
        return Training(course, shadow)

    def _verified(
        self,
        episode: Episode,
        targets: TargetSet,
        delta: Delta,
        unrelated: Sequence[Document],
        said: teacher.TeacherTargets,
        *,
        candidate: Callable[[Delta], Any],
        earlier: Sequence[TargetSet],
        held: Sequence[Turn],
        before: float,
        progress: Progress,
    ) -> tuple[Delta, Verdict]:
        """The candidate as it may be served, and the verdict on it."""
        config = self._settings.verify
        # A turn that states nothing is held by any weights; a prompt without the reply to be learned by none.
        replies = self._settings.targets.form == "replies"
        stated = {t.id for t in episode.turns} if replies else {s.turn_id for s in targets.statements}
        return Verifier(
            local=self._local,
            gate=self._gate,
            head=self._head,
            candidate=candidate,
            episode=episode,
            targets=targets,
            empty=frozenset(t.id for t in episode.turns if t.id not in stated),
            earlier=earlier,
            held=held,
            unrelated=unrelated,
            said=said,
            config=dataclasses.replace(config, max_drift=allowed_drift(before, config.max_drift, self._most())),
            progress=progress,
        ).verify(delta)

    def _most(self) -> float:
        return max(self._settings.verify.max_drift, self._settings.verify.max_total_drift)


def _head_of(local: LocalModel) -> Head:
    return Head(local.head.weight, local.head.bias, scale=local.logit_scale, softcap=local.logit_softcap)
