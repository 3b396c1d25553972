"""The chat loop: answers, the state line, the commands."""

import pytest

from langchain_selfparam.records import TurnState


@pytest.fixture
def talk(selfparam, model_folder, tmp_path, monkeypatch):
    """``talk(*lines)`` gives what was printed."""

    def run(*lines, every="100"):
        said = iter(lines)

        def ask(prompt):
            try:
                return next(said)
            except StopIteration:
                raise EOFError from None

        monkeypatch.setattr("builtins.input", ask)
        args = ("chat", "--folder", tmp_path / "memory", "--model", model_folder, "--every", every)
        code, out, err = selfparam(*args)
        assert code == 0, err
        return out, err

    return run


def test_answers_and_says_what_is_in_the_prompt(talk):
    out, _ = talk("Hello", "", "/turns", "/quit", "never")
    assert "[version 0, 1 turn in the prompt]" in out
    assert 'pending  turn 1: "Hello"' in out
    assert "never" not in out


def test_the_memory_is_there_the_next_time(talk):
    talk("Hello")
    out, _ = talk("/turns")
    assert "[version 0, 1 turn in the prompt]" in out


def test_a_prompt_that_became_too_long_is_said_and_the_chat_goes_on(talk):
    out, err = talk("Hello " * 500, "/turns")
    assert "no answer: the prompt has" in err
    assert "[version 0, 0 turns in the prompt]" in out


def test_commands_that_are_none_get_help(talk):
    out, _ = talk("/lern", "/help")
    assert "/lern is no command; /learn: learn what was said now" in out


def test_learning_that_fails_is_said_and_the_chat_goes_on(talk, monkeypatch):
    from langchain_selfparam.engine.pipeline import Engine
    from langchain_selfparam.errors import NoTargetsError

    def fail(self, *, progress=None):
        raise NoTargetsError("nothing usable")

    monkeypatch.setattr(Engine, "consolidate", fail)
    out, err = talk("Hello", "/learn", "/turns")
    assert "not learned: nothing usable" in err
    assert "pending  turn 1" in out


def test_learning_says_what_is_held(talk, monkeypatch):
    import dataclasses

    from langchain_selfparam.engine.pipeline import Engine
    from langchain_selfparam.engine.report import nothing_done

    report = dataclasses.replace(nothing_done("turn 2: no probe passed"), held=(1,), pending=(2,))
    monkeypatch.setattr(Engine, "consolidate", lambda self, *, progress=None: report)
    out, _ = talk("Hello", "/learn")
    assert "held: 1 turns, still in the prompt: 1\n  turn 2: no probe passed\n" in out
    report = dataclasses.replace(report, lost=(3, 4))
    assert "held: 1 turns, still in the prompt: 1, back in it: 2\n" in talk("Hello", "/learn")[0]


def test_an_empty_answer_is_said_and_not_saved(talk, monkeypatch):
    from langchain_selfparam import ChatSelfParam

    monkeypatch.setattr(ChatSelfParam, "stream", lambda self, messages: iter(()))
    out, err = talk("Hello", "/turns")
    assert "not saved: outputs['output'] is empty" in err
    assert "[version 0, 0 turns in the prompt]" in out


def test_the_state_line_names_what_goes_on():
    from langchain_selfparam.cli.chat import _state

    class Memory:
        versions = (type("V", (), {"id": 3, "is_head": True}),)
        turns = tuple(type("T", (), {"state": s}) for s in (TurnState.HELD, TurnState.LEASED, TurnState.PENDING))
        last_error = FileNotFoundError("gone")

    assert _state(Memory()) == ("[version 3, 2 turns in the prompt, 1 in the weights, learning, last error: gone]")
