"""Serving: what a request notices of learning, what saving takes in a long journal, what many namespaces take.

In comes a model, out go medians of one run. The engine, the folder and the gate are the real ones; questions are given,
so that a model with random weights can be learned into as well. What it learns is of no matter here.
"""

from __future__ import annotations

import dataclasses
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from langchain_selfparam.config import PolicyConfig, Settings, TargetConfig, TrainingConfig, VerifyConfig
from langchain_selfparam.engine import commit as door
from langchain_selfparam.engine.journal import now
from langchain_selfparam.engine.pipeline import Engine
from langchain_selfparam.engine.space import Space
from langchain_selfparam.engine.spaces import Spaces
from langchain_selfparam.loading import load as load
from langchain_selfparam.model import LocalModel, share
from langchain_selfparam.records import Episode, Message, Namespace
from langchain_selfparam.serving.gate import Gate, gate_for
from langchain_selfparam.serving.generator import ChatGenerator
from langchain_selfparam.store import Store
from langchain_selfparam.testing import FakeGenerator
from langchain_selfparam.weights.adapter import AdapterWeights
from langchain_selfparam.weights.delta import Delta, Factors
from langchain_selfparam.weights.shadow import learning_modules

_WHOSE = ("memories", "bench")
_SETTINGS = Settings(
    policy=PolicyConfig(every_turns=None),
    # Everything is accepted: what is measured is the way, not what is held.
    verify=VerifyConfig(max_drift=1e9, hold=0.0, max_neighbours_wrong=1.0, answer_tokens=8),
    training=TrainingConfig(epochs=2),
    targets=TargetConfig(samples=1, bank=0),
)
_SAID = tuple(f"My {thing} number {n} is called Biscuit." for n, thing in enumerate("dog cat bird boat".split()))
_QUESTIONS = "\n- ".join(
    f"What is my {thing} number {n} called?" for n, thing in enumerate("dog cat bird boat".split())
)
_TOKENS = 40


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """What was measured; milliseconds and bytes.

    Attributes:
        idle: Median time of a token while nothing is learned.
        learning: The same while a conversation is learned, of answers one after another.
        tokens: Tokens that ``learning`` is the median of.
        learned: Seconds that learning took meanwhile.
        pause: Longest time that a request had to wait for the gate.
        turns: Turns in the journal.
        save: Median time of saving one more.
        save_p99: 99th percentile of it.
        namespaces: Namespaces in the folder.
        active: Those whose adapters are in memory.
        adapters: Bytes that these take.
        load: Median time of loading one from the ledger.
    """

    idle: float
    learning: float
    tokens: int
    learned: float
    pause: float
    turns: int
    save: float
    save_p99: float
    namespaces: int
    active: int
    adapters: int
    load: float

    @property
    def ratio(self) -> float:
        """Time of a token while learning over that while idle."""
        return self.learning / max(self.idle, 1e-9)


def run(
    local: LocalModel,
    folder: Path,
    *,
    turns: int = 10_000,
    namespaces: int = 1_000,
    active: int = 50,
    say: Callable[[str], None] = lambda text: None,
) -> Served:
    """Measure it all.

    Args:
        local: The model.
        folder: An empty folder, for the memories.
        turns: Turns in the journal when saving is timed.
        namespaces: In the folder of many.
        active: Of these, how many have learned something and are loaded.
        say: Told what is measured next.

    Returns:
        The figures.
    """
    say("a token while nothing is learned")
    idle = list(_tokens(local, answers=6))
    say("the same while a conversation is learned")
    learning, learned, pause = _while_learning(local, folder / "shared")
    say(f"saving in a journal of {turns:,} turns")
    saved = _saving(local, folder / "journal", turns)
    say(f"{namespaces:,} namespaces, {active} of them with weights of their own")
    loads, adapters = _many(local, folder / "many", namespaces, active)
    return Served(
        idle=1e3 * statistics.median(idle),
        learning=1e3 * statistics.median(learning),
        tokens=len(learning),
        learned=learned,
        pause=1e3 * pause,
        turns=turns,
        save=1e3 * statistics.median(saved),
        save_p99=1e3 * statistics.quantiles(saved, n=100)[98],
        namespaces=namespaces,
        active=active,
        adapters=adapters,
        load=1e3 * statistics.median(loads),
    )


def _tokens(local: LocalModel, *, answers: int | None, until: threading.Event | None = None) -> Iterator[float]:
    """Seconds between tokens of answers, the first of each left aside: it reads the prompt."""
    generator, number = ChatGenerator(local, gate_for(local.model)), 0
    while (answers is None or number < answers) and not (until is not None and until.is_set()):
        number += 1
        asked = [Message(role="user", text=f"Tell me of {number} things that float.")]
        last: float | None = None
        for piece in generator.stream(asked, max_tokens=_TOKENS, temperature=1.0, seed=number):
            at = time.perf_counter()
            if last is not None and piece.finish_reason is None:
                yield (at - last) / max(1, piece.tokens)
            last = at


def _while_learning(local: LocalModel, folder: Path) -> tuple[list[float], float, float]:
    done, gate, waits = threading.Event(), gate_for(local.model), [0.0]
    seconds = 0.0
    with Engine.open(
        local,
        gate,
        path=folder,
        settings=_SETTINGS,
        namespace=_WHOSE,
        generator=FakeGenerator([_QUESTIONS]),
        background=False,
    ) as engine:
        for text in _SAID:
            engine.append(user=text, assistant="Noted.")

        def learn() -> None:
            nonlocal seconds
            began = time.perf_counter()
            try:
                engine.consolidate()
            finally:
                seconds = time.perf_counter() - began
                done.set()

        threads = [threading.Thread(target=learn), threading.Thread(target=_knock, args=(gate, done, waits))]
        for thread in threads:
            thread.start()
        found = list(_tokens(local, answers=None, until=done))
        for thread in threads:
            thread.join()
    return found, seconds, max(waits)


def _knock(gate: Gate, done: threading.Event, waits: list[float]) -> None:
    """Ask for the gate again and again, as requests do, and keep how long it took."""
    while not done.wait(0.002):
        began = time.perf_counter()
        with gate.reading():
            waits.append(time.perf_counter() - began)


def _saving(local: LocalModel, folder: Path, turns: int) -> list[float]:
    with Engine.open(
        local, gate_for(local.model), path=folder, settings=_SETTINGS, namespace=_WHOSE, background=False
    ) as engine:
        with engine._store.database.transaction() as c:  # noqa: SLF001 - one transaction: filling is not measured
            for number in range(turns):
                engine._store.turns.append(  # noqa: SLF001
                    namespace=_WHOSE,
                    thread="",
                    user=f"Turn {number}.",
                    assistant="Noted.",
                    created_at=now(),
                    connection=c,
                )
        saved = []
        for number in range(300):
            began = time.perf_counter()
            engine.append(user=f"One more, {number}.", assistant="Noted.", message_id=str(number))
            saved.append(time.perf_counter() - began)
    return saved


def _many(local: LocalModel, folder: Path, namespaces: int, active: int) -> tuple[list[float], int]:
    everybody: list[Namespace] = [("memories", f"user{number}") for number in range(namespaces)]
    with Store.open(
        folder, base_model=local.name, base_fingerprint=local.fingerprint(), isolation="namespace"
    ) as store:
        with store.database.transaction() as c:
            for who in everybody:
                store.turns.append(
                    namespace=who, thread="", user="I am here.", assistant="Hi.", created_at=now(), connection=c
                )
        for number, who in enumerate(everybody[:active]):
            _learned(local, store.of(who), who, number)
    spaces = Spaces.open(local, path=folder, settings=_SETTINGS, room=1 << 40, background=False)
    try:
        loads = []
        for who in everybody[:active]:
            began = time.perf_counter()
            spaces.served(who)
            loads.append(time.perf_counter() - began)
        Space(spaces, everybody[-1]).append(user="And me.", assistant="Hi.")
        return loads, sum(spaces.in_memory().values())
    finally:
        spaces.close()


def _learned(local: LocalModel, store: Store, who: Namespace, seed: int) -> None:
    """Commit a random delta of the default rank in the layers that learn by default."""
    model, training = share(local.model), _SETTINGS.training
    exact = AdapterWeights(model)
    rooms = {"exact": exact, "model": model, "gate": gate_for(model)}
    door.open_weights(store, created_at=now(), tidy=False, **rooms)
    turns = store.turns.list(namespace=who)
    job = store.jobs.lease(Episode(namespace=who, turns=turns), owner="bench", now=now(), lease_seconds=600)
    random = torch.Generator().manual_seed(seed)
    layers = {}
    for name in learning_modules(local.model, frozen_share=training.frozen_share, layers=training.layers):
        d_out, d_in = local.model.get_submodule(name).weight.shape
        b = torch.randn(d_out, training.rank, generator=random) * 1e-4
        layers[name] = Factors(b=b, a=torch.randn(training.rank, d_in, generator=random))
    held = [turn.id for turn in turns]
    door.commit(store, job=job, delta=Delta(layers), held_ids=held, report={}, created_at=now(), **rooms)


def text(found: Served) -> str:
    """The figures as a person reads them.

    Args:
        found: What was measured.

    Returns:
        A line for each.
    """
    return "\n".join(
        (
            f"a token, nothing learned: {found.idle:.1f} ms",
            f"a token while learning:   {found.learning:.1f} ms, {found.ratio:.2f} times as long "
            f"({found.tokens} tokens, {found.learned:.0f} s of learning)",
            f"longest wait for the gate: {found.pause:.0f} ms",
            f"saving a turn, {found.turns:,} in the journal: {found.save:.1f} ms, p99 {found.save_p99:.1f} ms",
            f"{found.namespaces:,} namespaces, {found.active} adapters in memory: {found.adapters / 1e6:.0f} MB, "
            f"loading one {found.load:.0f} ms",
        )
    )
