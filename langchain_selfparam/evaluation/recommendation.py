"""A conversational recommender, by the published protocol without its flaws.

In come dialogues to learn from, prompts to ask and a model, out go rankings by method, kept as they are made. Two
measures: *free text*, a list of 20 that the model writes, of which only what it wrote is read and only items count; and
*likelihood*, the items that dialogues name most often, ordered by how likely the model finds their titles, up to the
year, as the first of the list, so that nothing depends on form. Dialogues are learned in rounds, each a consolidation
of one memory whose turns are prompts with the replies that they should have had (``targets.form="replies"``).
"""

from __future__ import annotations

import dataclasses
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_selfparam.config import Settings, TrainingConfig
from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.scorer import PackedScorer
from langchain_selfparam.engine.pipeline import Engine
from langchain_selfparam.evaluation.baselines import Baseline, Lesson, Name
from langchain_selfparam.evaluation.catalogue import Catalogue, Item
from langchain_selfparam.evaluation.datasets import Conversation
from langchain_selfparam.evaluation.harness import Subject, open_memory
from langchain_selfparam.evaluation.injection import Ask, bar
from langchain_selfparam.evaluation.rankings import Alike, Counting, Ranking, most_mentioned
from langchain_selfparam.evaluation.rates import NOT_RUN
from langchain_selfparam.evaluation.redial import WHOLE, Dialogue, Prompt, spoken
from langchain_selfparam.evaluation.resumed import learn
from langchain_selfparam.evaluation.tables import write_whole
from langchain_selfparam.evaluation.tuning import Tuning
from langchain_selfparam.model import share
from langchain_selfparam.protocols import Progress
from langchain_selfparam.records import Message, TargetSet

FREE_TEXT, LIKELIHOOD = "free_text", "likelihood"
BASE, OURS = "base", "ours"
COUNT = 20
"""Items of a list."""
TAUGHT = 10
"""Items of a list that is learned: the later ones are the less certain, and take as long to learn."""
AGAIN = 3
"""Items of such a list at most that the dialogue has named."""
CLOSEST = 3
"""Items of the dialogues most like it that can come first in such a list."""
LIST_TOKENS = 260
"""Tokens of a written list at most."""
TEMPERATURE = 0.6
"""Lists are drawn: the likeliest continuation of a title, for a small model, is that title again."""
_AT_A_TIME = 48
"""Prompts after which answers are kept."""
_REQUEST = (
    "Below, a user talks about films. Recommend {count} films that this user will like. Answer with a numbered list of "
    "titles with their years, one a line, and nothing else.\n\n{dialogue}"
)

Kept = dict[str, dict[int, list[str]]]
"""By measure and method, as ``free_text/base``: number of a prompt to the ids that were recommended."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What to run.

    Attributes:
        dialogues: What is learned from.
        prompts: What is asked.
        catalogue: What can be recommended.
        rounds: Consolidations in which the dialogues are learned.
        candidates: Items that are ordered by likelihood.
        scored: Prompts for which they are, at most; evenly taken from ``prompts``. With 150, differences of the size
            measured so far, such as that from the popular films among new ones, would not be told from chance.
        settings: All stages' settings.
        baselines: Other ways to learn.
        everything: Prompts that are ranked by counting, such as all of a file of which ``prompts`` are a part.
    """

    dialogues: Sequence[Dialogue]
    prompts: Sequence[Prompt]
    catalogue: Catalogue
    rounds: int = 3
    candidates: int = 500
    scored: int = 300
    settings: Settings = dataclasses.field(default_factory=Settings)
    baselines: Sequence[Name] = ()
    everything: Sequence[Prompt] = ()

    @property
    def scored_at(self) -> list[int]:
        """Numbers of the prompts for which candidates are ordered."""
        count = min(self.scored, len(self.prompts))
        return [round(at * len(self.prompts) / count) for at in range(count)] if count else []


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What was measured.

    Attributes:
        rankings: Rankings by measure and method; only methods that are done for all their prompts.
        rounds: What each round did: dialogues, how many are held, the share of held-out lists that were begun
            (``recall``), drift, seconds.
        others: By baseline: cross-entropy on dialogues that were not learned, nats per token, by the rate that was
            tried (``rates``), what rates diverged with, the rate, and the drift with it; or why it was ``not_run``.
        counted: By way of counting, its rankings for ``Plan.everything``.
        unfinished: By measure and method that is not done: answers that are kept, and answers that are wanted.
    """

    rankings: Mapping[str, Mapping[str, Mapping[int, list[str]]]]
    rounds: Sequence[Mapping[str, Any]]
    others: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    counted: Mapping[str, Sequence[Ranking]] = dataclasses.field(default_factory=dict)
    unfinished: Mapping[str, Mapping[str, tuple[int, int]]] = dataclasses.field(default_factory=dict)

    @property
    def not_run(self) -> dict[str, str]:
        """Baselines that are left out, and why."""
        return {name: str(other["not_run"]) for name, other in self.others.items() if "not_run" in other}


def request(dialogue: str, *, count: int = COUNT) -> str:
    """The prompt that asks for recommendations.

    Args:
        dialogue: As ``redial.spoken`` gives it.
        count: Items wanted.

    Returns:
        The text of a user's message.
    """
    return _REQUEST.format(count=count, dialogue=dialogue)


def lesson(dialogue: Dialogue, alike: Alike, catalogue: Catalogue, *, chance: random.Random) -> tuple[str, str]:
    """A prompt from a dialogue that was had, and the list that would have been right.

    In the list are what was named next, the last films that the prompt shows named, but for those that were not liked,
    what else was right in the dialogue, and for the rest what was right in the dialogues most like it. One in ten
    recommendations of ReDial is a film that the dialogue has named, of which there are two or three: each is likelier
    to be right than the most popular one, and whoever learned lists without them would lose what the model does of
    itself. Likelihood is asked at the head of a list, so that each of the three comes first as often as the others:
    what was named next is one draw from what would have been right, and alone too little to go by.

    Args:
        dialogue: The dialogue.
        alike: Finds such dialogues.
        catalogue: Titles.
        chance: Draws the point until which the dialogue is given, and what comes first.

    Returns:
        The prompt and the reply.
    """
    point, following = chance.choice(dialogue.points)
    so_far = spoken(dialogue.turns[:point])
    named = {id_ for ids in dialogue.named[:point] for id_ in ids}
    shown = [id_ for id_ in catalogue.mentioned(so_far) if id_ in named]  # others have such a title by chance
    again = [id_ for id_ in shown if id_ not in dialogue.disliked][-AGAIN:][::-1]
    wrong = named | dialogue.disliked
    rest = [id_ for id_ in (*dialogue.right, *alike.rank(so_far, but=dialogue.id)) if id_ not in wrong]
    ids = list(dict.fromkeys([*following, *again, *rest]))[:TAUGHT]
    right = {*following, *dialogue.right} - {*again}
    groups = (
        [id_ for id_ in again if id_ in ids],
        [id_ for id_ in ids if id_ in right],
        [id_ for id_ in ids if id_ not in right | {*again}][:CLOSEST],
    )
    first = chance.choice([group for group in groups if group])
    ids = list(dict.fromkeys([*chance.sample(first, len(first)), *ids]))
    return request(so_far, count=TAUGHT), "\n".join(f"{at}. {catalogue.title(id_)}" for at, id_ in enumerate(ids, 1))


class Recommendation:
    """One run: what is kept, and what is still to be done.

    Args:
        plan: What to run.
        subject: The model.
        folder: Where the memory and the answers are kept.
        progress: Called by stage.
        more: Asked before each part; ``False`` ends the run there.
    """

    def __init__(
        self,
        plan: Plan,
        subject: Subject,
        *,
        folder: Path,
        progress: Progress,
        more: Callable[[], bool] = lambda: True,
    ) -> None:
        self._plan, self._subject, self._progress, self._more = plan, subject, progress, more
        self._folder = folder
        self._kept: Kept = {}
        self._counted: dict[str, list[Ranking]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._answers = folder / "answers.jsonl"
        self._rounds_file = folder / "rounds.json"
        self._rounds: list[dict[str, Any]] = (
            json.loads(self._rounds_file.read_text("utf-8")) if self._rounds_file.exists() else []
        )
        self._others_file = folder / "baselines.json"
        self._others: dict[str, dict[str, Any]] = (
            json.loads(self._others_file.read_text("utf-8")) if self._others_file.exists() else {}
        )
        for row in _whole_lines(self._answers):
            self._kept.setdefault(row["way"], {})[row["prompt"]] = row["ids"]

    def run(self) -> Found:
        """Do what is not kept yet.

        Returns:
            What was measured so far.
        """
        plan = self._plan
        for name in plan.baselines:  # refused before anything is learned where the model is not for it
            Baseline(self._subject.local, name, config=TrainingConfig())
        counting = Counting(plan.dialogues, plan.catalogue)
        self._by_counting(counting)
        self._ask(BASE, self._subject)
        self._order(BASE, self._subject.local.model)
        taught = self._learn(counting.alike)
        if len(self._rounds) == plan.rounds:
            for name in plan.baselines:
                self._other(name, taught)
        return self._found()

    def _by_counting(self, counting: Counting) -> None:
        """What needs no model, over all items and over the candidates."""
        plan, candidates = self._plan, set(self._candidates)
        for number, prompt in enumerate(plan.prompts):
            for name, ids in counting.rank(prompt).items():
                self._kept.setdefault(f"{FREE_TEXT}/{name}", {})[number] = self._long_enough(prompt, ids)
                if number in plan.scored_at:
                    among = [id_ for id_ in ids if id_ in candidates]
                    self._kept.setdefault(f"{LIKELIHOOD}/{name}", {})[number] = among
        for prompt in plan.everything:
            for name, ids in counting.rank(prompt).items():
                self._counted.setdefault(name, []).append(self._long_enough(prompt, ids))

    def _long_enough(self, prompt: Prompt, ids: Ranking) -> list[str]:
        """The beginning of a ranking, in which a whole list is left when what was named is taken out."""
        named = set(self._plan.catalogue.mentioned(prompt.whole))
        new = [at for at, id_ in enumerate(ids, 1) if id_ not in named][:COUNT]
        return list(ids[: new[-1] if len(new) == COUNT else len(ids)])

    @property
    def _candidates(self) -> tuple[str, ...]:
        return most_mentioned(self._plan.dialogues, self._plan.candidates)

    def _ask(self, name: str, ask: Ask) -> None:
        """Lists that a model writes, for the prompts that have none yet."""
        way = f"{FREE_TEXT}/{name}"
        left = [at for at in range(len(self._plan.prompts)) if at not in self._kept.get(way, {})]
        for start in range(0, len(left), _AT_A_TIME):
            if not self._more():
                return
            part = left[start : start + _AT_A_TIME]
            prompts = [self._request(at) for at in part]
            told = bar(self._progress, f"ask: {name} {start + len(part)} of {len(left)}")
            texts = ask(prompts, told)
            self._keep(way, part, [self._plan.catalogue.listed(text) for text in texts], texts)

    def _order(self, name: str, model: Any) -> None:
        """The candidates by likelihood, for the prompts that have no order yet."""
        way, plan = f"{LIKELIHOOD}/{name}", self._plan
        left = [at for at in plan.scored_at if at not in self._kept.get(way, {})]
        local, ids = self._subject.local, self._candidates
        head = Head(local.head.weight, local.head.bias, scale=local.logit_scale, softcap=local.logit_softcap)
        scorer = PackedScorer(local, Reader(share(model)), head)
        titles = _beginnings([plan.catalogue.title(id_) for id_ in ids])
        for done, at in enumerate(left):
            if not self._more():
                return
            begun = (*self._request(at), Message(role="assistant", text="1."))
            scores = scorer.score([(begun, titles)])[0]
            order = sorted(range(len(ids)), key=lambda n: -scores[n])
            self._keep(way, [at], [[plan.catalogue.by_id[ids[n]] for n in order]])
            self._progress(f"likelihood: {name}", done + 1, len(left))

    def _learn(self, alike: Alike) -> list[TargetSet]:
        """The rounds that are left, each asked about when it is learned."""
        plan = self._plan
        policy = dataclasses.replace(plan.settings.policy, max_attempts=1)
        settings = dataclasses.replace(
            plan.settings, policy=policy, targets=dataclasses.replace(plan.settings.targets, form="replies")
        )
        order = list(range(len(plan.dialogues)))
        random.Random(plan.settings.targets.seed).shuffle(order)
        with open_memory(self._subject, self._folder / "memory", settings=settings, namespace="recommend") as engine:
            for number in range(plan.rounds):
                part = order[number :: plan.rounds]
                if number == len(self._rounds):
                    if not self._more():
                        break
                    self._round(engine, [plan.dialogues[at] for at in part], alike)
                if number == len(self._rounds) - 1:  # the weights are those of the last round
                    last = number == plan.rounds - 1
                    self._ask(OURS if last else f"{OURS}, round {number + 1}", self._subject)
                    if last:
                        self._order(OURS, self._subject.local.model)
            return engine.studied()

    def _round(self, engine: Engine, dialogues: Sequence[Dialogue], alike: Alike) -> None:
        """Learn dialogues and write down what came of it; what was learned before an end is only written down."""
        plan = self._plan
        for dialogue in dialogues:  # an id makes one that was said before an end the same turn after it
            chance = random.Random(f"{plan.settings.targets.seed} {dialogue.id}")
            prompt, reply = lesson(dialogue, alike, plan.catalogue, chance=chance)
            engine.append(user=prompt, assistant=reply, message_id=dialogue.id)
        last = max((r["version"] or 0 for r in self._rounds), default=0)
        learned = learn(engine, after=last, progress=self._progress)
        report = learned.report
        done: dict[str, Any] = {"dialogues": len(dialogues), "held": len(report.held)}
        done |= {name: getattr(report, name) for name in ("recall", "drift", "scale", "seconds")}
        done |= {"steps": learned.steps, "reasons": list(report.reasons)[:3], "version": report.version}
        self._rounds.append(done)
        write_whole(self._rounds_file, json.dumps(self._rounds, indent=1) + "\n")
        engine.clear()  # what was not held would be learned again with the next round

    def _other(self, name: Name, taught: Sequence[TargetSet]) -> None:
        """A baseline, or why it was not run."""
        kept = self._others.setdefault(name, {"rates": {}})
        kept.pop("not_run", None)
        try:
            self._baseline(name, taught, kept)
        except NOT_RUN as error:
            kept["not_run"] = str(error)
            self._write_others()

    def _baseline(self, name: Name, taught: Sequence[TargetSet], kept: dict[str, Any]) -> None:
        """Another way to learn, asked the same."""
        plan = self._plan
        done = self._kept.get(f"{FREE_TEXT}/{name}", {}), self._kept.get(f"{LIKELIHOOD}/{name}", {})
        if (len(done[0]), len(done[1])) == (len(plan.prompts), len(plan.scored_at)):
            return
        whole = Lesson(
            conversations=[_as_conversation(d) for d in plan.dialogues],
            taught=taught,
            steps=sum(r["steps"] for r in self._rounds),
        )
        baseline = Baseline(self._subject.local, name, config=plan.settings.training)
        tuning = Tuning(
            baseline, self._subject.local, kept, folder=self._folder / "baselines", write=self._write_others
        )
        model = tuning.model(whole, progress=self._progress, more=self._more)
        if model is not None:
            self._ask(name, self._subject.over(model))
            self._order(name, model)

    def _write_others(self) -> None:
        write_whole(self._others_file, json.dumps(self._others, indent=1) + "\n")

    def _request(self, at: int) -> tuple[Message, ...]:
        return (Message(role="user", text=request(self._plan.prompts[at].text)),)

    def _keep(
        self, way: str, numbers: Sequence[int], rankings: Sequence[Sequence[Item]], texts: Sequence[str] = ()
    ) -> None:
        """Keep rankings, with the texts that they were read from, so that these can be read again."""
        with self._answers.open("a", encoding="utf-8") as file:
            for at, (number, ranking) in enumerate(zip(numbers, rankings, strict=True)):
                ids = [one.id for one in ranking]
                self._kept.setdefault(way, {})[number] = ids
                row = {"way": way, "prompt": number, "ids": ids, **({"text": texts[at]} if texts else {})}
                file.write(json.dumps(row) + "\n")

    def _found(self) -> Found:
        plan = self._plan
        wanted = {FREE_TEXT: len(plan.prompts), LIKELIHOOD: len(plan.scored_at)}
        rankings: dict[str, dict[str, dict[int, list[str]]]] = {FREE_TEXT: {}, LIKELIHOOD: {}}
        for way, kept in self._kept.items():
            measure, _, name = way.partition("/")
            if len(kept) == wanted[measure]:
                rankings[measure][name] = kept
        found = Found(rankings=rankings, rounds=self._rounds, others=self._others, counted=self._counted)
        methods = [BASE, OURS, *(name for name in plan.baselines if name not in found.not_run)]
        after = [f"{OURS}, round {number}" for number in range(1, plan.rounds)]
        unfinished = {
            measure: {
                name: (len(self._kept.get(f"{measure}/{name}", {})), wanted[measure])
                for name in ([*methods, *after] if measure == FREE_TEXT else methods)
                if name not in rankings[measure]
            }
            for measure in wanted
        }
        return dataclasses.replace(found, unfinished=unfinished)


def _beginnings(titles: Sequence[str]) -> list[str]:
    """Titles as the first of a list, to the bracket before their year: which year it is is no recommendation.

    Of those with one name it is: they go on to the end of their year, or each would have the place of all of them.
    """
    names = Counter(title.rpartition(" (")[0] for title in titles)
    begun = []
    for title in titles:
        name, bracket, _ = title.rpartition(" (")
        begun.append(f" {title}\n" if not bracket or names[name] > 1 else f" {name} (")
    return begun


def _whole_lines(file: Path) -> list[dict[str, Any]]:
    """The rows of a file of JSON lines; a last one that was cut off is taken out of the file."""
    if not file.exists():
        return []
    whole, _, cut = file.read_text("utf-8").rpartition("\n")
    if cut:
        write_whole(file, f"{whole}\n" if whole else "")
    return [json.loads(line) for line in whole.splitlines()]


def _as_conversation(dialogue: Dialogue) -> Conversation:
    said = spoken(dialogue.turns, words=WHOLE)
    return Conversation(id=dialogue.id, title=dialogue.id, turns=((said, ""),), questions=(), neighbours=())
