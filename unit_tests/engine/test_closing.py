"""Closing that was cut short or failed: it can be done again, and neither model nor folder stays taken."""

import pytest
from engine_home import ANA, DOG, SETTINGS, everything, same, say, states
from engine_town import Town

from langchain_selfparam.engine.owning import Once
from langchain_selfparam.engine.space import Space
from langchain_selfparam.engine.spaces import Spaces
from langchain_selfparam.errors import ClosedError
from langchain_selfparam.testing import tiny_model


@pytest.fixture
def town(tmp_path, monkeypatch, request):
    return Town(tmp_path / "memory", monkeypatch, request.addfinalizer)


def once(monkeypatch, place, name, error):
    """Let a method raise the first time it is called, before its work."""
    real = getattr(place, name)

    def breaks(*args, **kwargs):
        monkeypatch.setattr(place, name, real)
        raise error

    monkeypatch.setattr(place, name, breaks)


@pytest.mark.parametrize("where", ["worker", "weights"])
def test_a_memory_whose_closing_was_interrupted_is_closed_the_next_time(home, monkeypatch, where):
    local = tiny_model()
    engine = home.open(local=local, background=True)
    base = everything(engine)
    say(engine, DOG)
    engine.consolidate()
    place = {"worker": (engine.worker, "close"), "weights": (engine._exact, "restore_base")}[where]
    once(monkeypatch, *place, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        engine.close()
    assert engine.closed
    with pytest.raises(ClosedError, match="was closed; open it again"):
        engine.consolidate()
    assert not same(everything(engine), base)  # and nobody else may take the model for an untouched one
    engine.close()
    assert same(everything(engine), base)
    again = home.open(local=local)
    assert states(again) == {DOG: "held"}
    learned = everything(again)
    engine.close()  # has nothing to do with it any more
    assert same(everything(again), learned)
    assert not again.closed


def test_a_memory_whose_folder_could_not_be_closed_gives_back_model_and_folder(home, monkeypatch):
    engine = home.open()
    base = everything(engine)
    say(engine, DOG)
    engine.consolidate()
    once(monkeypatch, engine._store.database, "close", OSError("disk full"))
    with pytest.raises(OSError, match="disk full"):
        engine.close()
    assert same(everything(engine), base)
    engine.close()
    again = home.open(local=engine.local)
    assert states(again) == {DOG: "held"}


def test_spaces_whose_closing_was_interrupted_are_closed_the_next_time(town, monkeypatch):
    spaces = town.open(background=True)
    local = spaces._local
    Space(spaces, ANA).append(user=DOG, assistant="Noted.")
    once(monkeypatch, spaces.worker, "close", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        spaces.close()
    assert spaces.closed
    spaces.close()
    once(monkeypatch, Spaces, "_need_open", AssertionError("it is closed again"))
    spaces.close()
    monkeypatch.undo()
    again = Spaces.open(local, path=town.folder, settings=SETTINGS, room=1, background=False)
    assert [turn.user for turn in again.turns()] == [DOG]
    again.close()


def test_spaces_whose_folder_could_not_be_closed_give_back_model_and_folder(town, monkeypatch):
    spaces = town.open()
    once(monkeypatch, spaces._store.database, "close", OSError("disk full"))
    with pytest.raises(OSError, match="disk full"):
        spaces.close()
    spaces.close()
    Spaces.open(spaces._local, path=town.folder, settings=SETTINGS, room=1, background=False).close()


def test_what_is_done_once_is_done_by_one(in_thread):
    ending, entered = Once(), []
    with ending.mine() as mine:
        entered.append(mine)

        def beside():
            with ending.mine() as other:
                entered.append(other)

        with in_thread(beside):
            pass
        beside()
    with ending.mine() as again:  # it was not done
        entered.append(again)
        ending.done = True
    with ending.mine() as after:
        entered.append(after)
    assert entered == [True, False, False, True, False]
