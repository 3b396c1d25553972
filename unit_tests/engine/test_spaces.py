"""Many namespaces over one base: each is served its own weights, the base nobody's, and nothing is lost on the way."""

import gc
import threading
from datetime import timedelta

import pytest
import torch
from engine_home import ANA, DOG, SETTINGS, SISTER, Quick, author, same, with_

from langchain_selfparam.engine import pipeline
from langchain_selfparam.engine.journal import now
from langchain_selfparam.engine.pipeline import Engine
from langchain_selfparam.engine.space import Everybody, Space
from langchain_selfparam.engine.spaces import Spaces
from langchain_selfparam.errors import ClosedError, ConfigError, UnknownTurnError, UnknownVersionError
from langchain_selfparam.records import Episode
from langchain_selfparam.serving.gate import gate_for
from langchain_selfparam.testing import tiny_model

BOB, CY = ("memories", "bob"), ("memories", "cy")
ROOM = 1 << 30


class Town:
    """Spaces over one folder with a learner that does what a test decides."""

    def __init__(self, folder, monkeypatch, undo):
        self.folder, self._undo, self._patch = folder, undo, monkeypatch
        self.quicks = []

    def open(self, *, quick=True, room=ROOM, background=False, settings=SETTINGS, **options):
        local = tiny_model()

        def learner(local, gate, **_):
            self.quicks.append(Quick(local))
            return self.quicks[-1]

        if quick:
            self._patch.setattr(pipeline, "Learner", learner)
        spaces = Spaces.open(local, path=self.folder, settings=settings, room=room, background=background, **options)
        self._undo(spaces.close)
        spaces.local = local
        return spaces


@pytest.fixture
def town(tmp_path, monkeypatch, request):
    return Town(tmp_path / "memory", monkeypatch, request.addfinalizer)


def say(spaces, namespace, *texts):
    return [Space(spaces, namespace).append(user=text, assistant="Noted.").id for text in texts]


@torch.no_grad()
def answer(spaces, namespace=None):
    """Logits of a fixed prompt as a namespace is served them, or of the base."""
    model = spaces.local.model if namespace is None else spaces.served(namespace)[0]
    return model(input_ids=torch.arange(2, 12)[None]).logits


def taught(spaces, *namespaces):
    for namespace in namespaces:
        say(spaces, namespace, f"I am {namespace[-1]}.")
        spaces.consolidate(namespace)


def test_each_is_served_its_own_weights_and_the_base_stays(town):
    spaces = town.open()
    before = {name: tensor.clone() for name, tensor in spaces.local.model.state_dict().items()}
    base = answer(spaces)
    assert torch.equal(answer(spaces, ANA), base)  # a new user starts from the base, to the bit
    taught(spaces, ANA, BOB)
    ana, bob = answer(spaces, ANA), answer(spaces, BOB)
    assert not torch.equal(ana, base)
    assert not torch.equal(bob, base)
    assert not torch.equal(ana, bob)
    assert torch.equal(answer(spaces, CY), base)
    assert torch.equal(answer(spaces), base)
    assert same(spaces.local.model.state_dict(), before)


def test_what_is_said_is_really_learned_into_an_adapter(town):
    spaces = town.open(quick=False, generator=author())
    say(spaces, ANA, DOG)
    say(spaces, BOB, SISTER)
    report = spaces.consolidate()
    assert report.held == (1, 2)
    assert spaces.last_report is report
    first = answer(spaces, ANA)
    say(spaces, ANA, SISTER)
    assert spaces.consolidate(ANA).held == (3,)  # on top of what the adapter holds already
    assert not torch.equal(answer(spaces, ANA), first)
    assert [v.parent for v in Space(spaces, ANA).versions()] == [None, 0, 1]
    assert [v.parent for v in Space(spaces, BOB).versions()] == [None, 0]


def test_weights_come_back_from_the_ledger_to_the_bit(town):
    spaces = town.open()
    taught(spaces, ANA, BOB, ANA)
    wanted = [answer(spaces, who) for who in (ANA, BOB, CY)]
    spaces.close()
    again = town.open()
    assert all(torch.equal(answer(again, who), logits) for who, logits in zip((ANA, BOB, CY), wanted, strict=True))
    assert again.namespaces() == (ANA, BOB)


def test_going_back_and_forgetting_are_ones_own(town):
    spaces = town.open()
    taught(spaces, ANA, BOB, ANA)
    bob, base = answer(spaces, BOB), answer(spaces)
    ana, everybody = Space(spaces, ANA), Everybody(spaces, ConfigError("who?"))
    assert [v.id for v in ana.versions()] == [0, 1, 3]
    assert [v.id for v in Space(spaces, BOB).versions()] == [0, 2]
    assert [(v.id, v.is_head) for v in spaces.versions()] == [(0, True), (1, False), (2, True), (3, True)]
    late = answer(spaces, ANA)
    assert ana.rollback(1) == (3,)
    early = answer(spaces, ANA)
    assert not torch.equal(early, late)
    assert everybody.rollback(3) == ()
    assert torch.equal(answer(spaces, ANA), late)
    with pytest.raises(UnknownVersionError, match="there is no version 2; there are 0, 1, 3"):
        ana.rollback(2)  # Bob's
    assert everybody.forget([1]).relearn == (3,)
    assert torch.equal(answer(spaces, ANA), base)
    assert torch.equal(answer(spaces, BOB), bob)
    assert {t.user: str(t.state) for t in spaces.turns()} == {"I am bob.": "held", "I am ana.": "pending"}
    spaces.close()
    again = town.open()
    assert torch.equal(answer(again, BOB), bob)  # nobody's files went with those of somebody else


def test_nobody_forgets_what_another_has_said(town):
    spaces = town.open()
    taught(spaces, ANA, BOB)
    (pending,) = say(spaces, BOB, "I have a boat.")
    for turn in (2, pending):
        with pytest.raises(UnknownTurnError, match=rf"there is no turn {turn} of \('memories', 'ana'\)"):
            Space(spaces, ANA).forget([turn])
    assert [t.id for t in Space(spaces, BOB).turns()] == [2, pending]
    Space(spaces, BOB).forget([2, pending])
    assert Space(spaces, BOB).turns() == ()


def test_a_request_that_has_not_begun_reads_what_is_changed_after_its_adapter_left_memory(town):
    spaces = town.open(room=1)
    taught(spaces, ANA, BOB)
    waiting, _ = spaces.served(ANA)
    spaces.served(BOB)  # Ana's leaves memory
    assert ANA not in spaces.in_memory()
    Space(spaces, ANA).forget([1])
    logits = waiting(input_ids=torch.arange(2, 12)[None]).logits
    assert torch.equal(logits, answer(spaces))
    del waiting
    gc.collect()
    assert torch.equal(answer(spaces, ANA), answer(spaces))


def test_everybody_says_nothing_and_reads_nothing_of_one(town):
    spaces = town.open()
    ids = say(spaces, ANA, "a") + say(spaces, BOB, "b")
    everybody = Everybody(spaces, ConfigError("who?"))
    for refused in (
        lambda: everybody.append(user="x", assistant="y"),
        everybody.prompt_turns,
        lambda: everybody.reply("y"),
        everybody.clear,
        lambda: everybody.said_in(()),
        lambda: everybody.export(town.folder / "out"),
        lambda: everybody.rollback(0),
    ):
        with pytest.raises(ConfigError, match="who"):
            refused()
    with pytest.raises(ConfigError, match="of 2 namespaces; forget those of each by themselves"):
        everybody.forget(ids)
    with pytest.raises(UnknownTurnError, match="there is no turn 9"):
        everybody.forget([9])
    with pytest.raises(UnknownVersionError, match="there is no version 9; there are 0"):
        everybody.rollback(9)
    assert [t.user for t in everybody.turns()] == ["a", "b"]
    assert everybody.consolidate().held == tuple(ids)
    assert len(everybody.versions()) == 3
    everybody.flush()


def test_whoever_only_asks_is_answered_by_the_base_and_costs_nothing(town, monkeypatch):
    spaces = town.open()
    taught(spaces, ANA)
    say(spaces, CY, "I am waiting.")
    monkeypatch.setattr(spaces._store.database, "transaction", lambda connection=None: pytest.fail("it writes"))
    for who in (BOB, CY):
        model, gate = spaces.served(who)
        assert model is spaces.local.model
        assert gate is gate_for(model)
    assert list(spaces.in_memory()) == [ANA]
    monkeypatch.undo()
    Space(spaces, ANA).forget([1])
    spaces.close()
    again = town.open()
    assert again.served(ANA)[0] is again.local.model  # nothing of hers is left


def test_each_has_the_report_and_the_error_of_their_own(town):
    spaces = town.open(room=1)
    assert spaces.last_of(ANA) == (None, None)
    taught(spaces, ANA, BOB)
    ana, bob = spaces.last_of(ANA)[0], spaces.last_of(BOB)[0]
    assert (ana.held, bob.held, spaces.last_report) == ((1,), (2,), bob)
    say(spaces, BOB, "c")
    broken = OSError("broken")

    def fail(stage):
        raise broken

    with spaces.at(BOB) as engine:
        assert engine.last_report is bob  # although his adapter left memory meanwhile
        engine._learner.at = fail
        with pytest.raises(OSError, match="broken"):
            spaces.consolidate(BOB)
    assert spaces.last_of(BOB) == (bob, broken)
    assert spaces.last_of(ANA) == (ana, None)
    assert spaces.last_error is broken
    Space(spaces, ANA).forget([1])
    assert spaces.last_of(ANA) == (None, None)
    assert spaces.last_of(BOB) == (bob, broken)


def test_adapters_leave_memory_and_come_back(town):
    spaces = town.open()
    taught(spaces, ANA, BOB, CY)
    wanted = {who: answer(spaces, who) for who in (ANA, BOB, CY)}
    sizes = spaces.in_memory()
    assert list(sizes) == [ANA, BOB, CY]
    spaces.close()
    small = town.open(room=sum(sizes.values()) - 1)
    for _ in range(2):
        for who, logits in wanted.items():
            assert torch.equal(answer(small, who), logits)
            assert sum(small.in_memory().values()) <= sum(sizes.values()) - 1
    assert list(small.in_memory()) == [BOB, CY]  # the least recently used left
    answer(small, BOB)
    answer(small, ANA)
    assert list(small.in_memory()) == [BOB, ANA]


def test_what_is_in_use_stays_in_memory(town):
    spaces = town.open(room=1)
    with spaces.at(ANA) as engine:
        answer(spaces, BOB)
        assert ANA in spaces.in_memory()
        with spaces.at(ANA) as same_engine:
            assert same_engine is engine
    assert spaces.in_memory() == {}


def test_a_request_goes_on_with_the_weights_it_has(town):
    spaces = town.open(room=1)
    taught(spaces, BOB, ANA)
    model, gate = spaces.served(ANA)
    before = model(input_ids=torch.arange(2, 12)[None]).logits
    with gate.reading():
        answer(spaces, BOB)  # pushes Ana's adapter out
        assert ANA not in spaces.in_memory()
        assert torch.equal(model(input_ids=torch.arange(2, 12)[None]).logits, before)
        assert torch.equal(answer(spaces, ANA), before)
    taught(spaces, ANA)
    assert not torch.equal(answer(spaces, ANA), before)


def test_saying_something_loads_no_weights(town):
    spaces = town.open()
    say(spaces, ANA, "a", "b")
    ana = Space(spaces, ANA)
    assert [t.user for t in ana.prompt_turns()] == ["a", "b"]
    assert spaces.in_memory() == {}


@pytest.mark.parametrize("policy", [{"every_turns": 2}, {"every_turns": None, "every_tokens": 1000}])
def test_the_worker_loads_nobody_of_whom_nothing_is_due(town, monkeypatch, policy):
    spaces = town.open(settings=with_(policy=policy | {"max_attempts": 1}))
    say(spaces, ANA, "a", "b")
    say(spaces, BOB, "b")
    store = spaces.store_of(ANA)
    job = store.jobs.lease(
        Episode(namespace=ANA, turns=store.turns.list(namespace=ANA)), owner="me", now=now(), lease_seconds=60
    )
    store.jobs.fail(job, error="not held", count_attempt=True)  # Ana's attempts are used up
    loaded = []
    monkeypatch.setattr(spaces, "at", loaded.append)
    assert spaces._step() is False
    assert (loaded, spaces.last_error) == ([], None)


def test_the_worker_learns_for_all_in_turn(town):
    spaces = town.open(background=True, settings=with_(policy={"every_turns": 2}))
    for text in "ab":
        for who in (ANA, BOB):
            say(spaces, who, text)
    say(spaces, CY, "not due yet")
    spaces.flush(30)
    assert {t.namespace for t in spaces.turns() if str(t.state) == "held"} == {ANA, BOB}
    assert [t.user for t in Space(spaces, CY).prompt_turns()] == ["not due yet"]
    assert spaces.last_report.held
    assert spaces.last_error is None


def test_the_worker_passes_over_who_is_still_speaking(town, until):
    spaces = town.open(background=True, settings=with_(policy={"every_turns": 1, "after_seconds": 1.0}))
    say(spaces, ANA, "a")
    until(lambda: {str(t.state) for t in spaces.turns()} == {"held"})
    say(spaces, BOB, "b")
    spaces.flush(30)
    assert {t.namespace: str(t.state) for t in spaces.turns()} == {ANA: "held", BOB: "pending"}
    assert spaces._step() <= timedelta(seconds=1)
    assert BOB not in spaces.in_memory()
    until(lambda: {str(t.state) for t in spaces.turns()} == {"held"})


def test_ones_trouble_is_not_everybodys(town):
    spaces = town.open(settings=with_(policy={"every_turns": 1}))
    say(spaces, ANA, "a")
    say(spaces, BOB, "b")

    def fail(stage):
        raise OSError("broken")

    with spaces.at(ANA) as engine:
        engine._learner.at = fail
        with pytest.raises(OSError, match="broken"):
            spaces.flush()
        assert isinstance(spaces.last_error, OSError)
        with pytest.raises(OSError, match="broken"):  # Bob was next, and was learned, before Ana was tried again
            spaces.flush()
    assert {t.namespace[-1]: str(t.state) for t in spaces.turns()} == {"ana": "pending", "bob": "held"}


def test_requests_of_many_at_once_get_their_own(town):
    spaces = town.open(room=1)
    taught(spaces, ANA, BOB)
    wanted = {who: answer(spaces, who) for who in (ANA, BOB, CY)}
    wrong = []

    def ask(who):
        for _ in range(5):
            model, gate = spaces.served(who)
            with gate.reading(), torch.no_grad():
                if not torch.equal(model(input_ids=torch.arange(2, 12)[None]).logits, wanted[who]):
                    wrong.append(who)

    threads = [threading.Thread(target=ask, args=(who,)) for who in (ANA, BOB, CY) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_damaged_delta_is_its_owners_alone(town):
    spaces = town.open()
    taught(spaces, ANA, BOB)
    bob, base = answer(spaces, BOB), answer(spaces)
    (file,) = [v.delta_file for v in Space(spaces, ANA).versions() if v.delta_file]
    spaces.close()
    path = town.folder / "deltas" / file
    path.write_bytes(path.read_bytes()[:-1])
    again = town.open()
    assert torch.equal(answer(again, BOB), bob)
    with pytest.warns(RuntimeWarning, match=r"Version 0 is served instead, and turn 1 is pending again"):
        assert torch.equal(answer(again, ANA), base)


def test_a_folder_keeps_to_how_it_is_served(town, tmp_path):
    town.open().close()
    local = tiny_model()
    refused = r"was made with isolation='namespace'; open it with that, or choose another folder for 'shared'"
    with pytest.raises(ConfigError, match=refused):
        Engine.open(local, gate_for(local.model), path=town.folder, settings=SETTINGS, namespace=ANA)
    other = tmp_path / "other"
    Engine.open(local, gate_for(local.model), path=other, settings=SETTINGS, namespace=ANA, background=False).close()
    with pytest.raises(ConfigError, match="was made with isolation='shared'"):
        Spaces.open(local, path=other, settings=SETTINGS, room=ROOM)
    town.open()  # nothing was left open


def test_a_model_has_one_memory(town, tmp_path):
    spaces = town.open()
    with pytest.raises(ConfigError, match=r"already has the memory .* open"):
        Spaces.open(spaces.local, path=tmp_path / "x", settings=SETTINGS, room=ROOM)


def test_what_is_closed_says_so(town):
    spaces = town.open()
    ana = Space(spaces, ANA)
    spaces.close()
    spaces.close()
    for refused in (spaces.namespaces, spaces.turns, spaces.versions, spaces.flush, lambda: spaces.served(ANA),
                    ana.turns, lambda: ana.append(user="a", assistant="b"), ana.consolidate):  # fmt: skip
        with pytest.raises(ClosedError, match="was closed; open it again"):
            refused()


def test_a_worker_that_is_never_due_loads_nothing(town):
    spaces = town.open(background=True, settings=with_(policy={"every_turns": None}))
    say(spaces, ANA, DOG)
    spaces.flush(timeout=20)
    assert spaces.in_memory() == {}
    assert [turn.attempts for turn in spaces.turns()] == [0]


def test_a_step_that_finds_the_memory_closed_is_no_failure(town):
    spaces = town.open(settings=with_(policy={"every_turns": 1}))
    say(spaces, ANA, DOG)
    real = spaces._store.turns.namespaces

    def closing(**options):
        spaces._closing = True
        return real(**options)

    spaces._store.turns.namespaces = closing
    assert spaces._step() is False
    assert spaces.last_error is None
    spaces._closing = False
