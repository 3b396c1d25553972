"""The chat loop: answers, the state line, the commands."""

import pytest

from langchain_selfparam import ChatSelfParam, ParametricMemory
from langchain_selfparam.config import Settings
from langchain_selfparam.engine.pipeline import Engine
from langchain_selfparam.records import TurnState


@pytest.fixture
def talk(selfparam, model_folder, tmp_path, monkeypatch):
    """``talk(*lines)`` gives what was printed; a line may be an error to raise."""

    def run(*lines, where=("--folder", tmp_path / "memory"), exit_code=0):
        said = iter(lines)

        def ask(prompt):
            line = next(said, EOFError)
            if isinstance(line, str):
                return line
            raise line

        monkeypatch.setattr("builtins.input", ask)
        code, out, err = selfparam("chat", *where, "--model", model_folder, "--every", 100)
        assert code == exit_code, err
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


@pytest.fixture
def data(tmp_path, monkeypatch):
    """The user's data folder, moved."""
    monkeypatch.setattr("platformdirs.user_data_path", lambda name: tmp_path / "data" / name)
    return tmp_path / "data" / "langchain_selfparam"


def test_without_a_folder_it_is_the_models_own(talk, data):
    out, _ = talk("Hello", where=())
    assert f"memory in {data / 'tiny-model'}\n" in out
    out, _ = talk("/turns", where=())
    assert 'pending  turn 1: "Hello"' in out


def test_the_models_own_folder_may_have_weights_for_each_namespace(talk, data, model_folder):
    llm = ChatSelfParam.from_pretrained(model_folder)
    with ParametricMemory(llm, isolation="namespace", consolidate_every=None) as memory:
        memory.with_namespace(user_id="ana").save_context({"input": "I'm Ana."}, {"output": "Hello."})
    _, err = talk("Hello", where=(), exit_code=2)
    assert (
        f"selfparam: {data / 'tiny-model'} has weights for each namespace: say whose with --namespace "
        "(it has turns of memories/ana)\n"
    ) in err
    out, _ = talk("/turns", where=("--namespace", "memories/ana"))
    assert 'pending  turn 1: "I\'m Ana."' in out


def test_an_answer_is_stopped_by_ctrl_c_and_the_chat_goes_on(talk, monkeypatch):
    stream = ChatSelfParam.stream
    stopped = []

    def interrupted(self, messages):
        for chunk in stream(self, messages):
            yield chunk
            if not stopped:
                stopped.append(chunk.text)
                raise KeyboardInterrupt

    monkeypatch.setattr(ChatSelfParam, "stream", interrupted)
    out, _ = talk("Hello", "Hello again", "/turns")
    assert len(stopped) == 1
    assert f"{stopped[0]} …\n[version 0, 1 turn in the prompt]\n" in out
    assert 'turn 1: "Hello"\n' in out
    assert 'turn 2: "Hello again"\n' in out


def test_ctrl_c_while_nothing_is_answered_leaves_and_says_what_is_kept(talk):
    _, err = talk("Hello", KeyboardInterrupt, exit_code=1)
    assert err == "selfparam: stopped; what was said is in the journal, and what is not learned of it is pending\n"
    assert 'turn 1: "Hello"\n' in talk("/turns")[0]


def test_learning_is_stopped_by_ctrl_c_and_the_chat_goes_on(talk, monkeypatch):
    def interrupted(self, *, progress=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(Engine, "consolidate", interrupted)
    out, err = talk("Hello", "/learn", "/turns")
    assert err == "stopped; what is not learned is pending\n"
    assert 'pending  turn 1: "Hello"' in out


@pytest.mark.parametrize(("every", "said"), [("0", "0 is below 1"), ("x", "'x' is no whole number; one of at least 1")])
def test_learning_after_no_turns_is_refused_before_a_model_is_loaded(selfparam, every, said):
    code, _, err = selfparam("chat", "--every", every, "--model", "./nowhere")
    assert code == 2
    assert f"argument --every: {said}" in err


@pytest.mark.parametrize(
    ("given", "turns", "tokens", "epochs"),
    [
        ((), 8, None, Settings().training.epochs),
        (("--set", "policy.every_turns=3", "--set", "policy.every_tokens=900"), 3, 900, Settings().training.epochs),
        (("--set", "policy.every_turns=3", "--every", "5", "--set", "training.epochs=2"), 5, None, 2),
    ],
)
def test_settings_hold_while_one_talks(selfparam, model_folder, tmp_path, monkeypatch, given, turns, tokens, epochs):
    opened, inner = [], Engine.open
    monkeypatch.setattr(Engine, "open", lambda *a, **o: opened.append(o["settings"]) or inner(*a, **o))
    monkeypatch.setattr("builtins.input", lambda prompt: "/quit")
    code, _, err = selfparam("chat", "--folder", tmp_path / "memory", "--model", model_folder, *given)
    assert code == 0, err
    assert [(s.policy.every_turns, s.policy.every_tokens, s.training.epochs) for s in opened] == [
        (turns, tokens, epochs)
    ]


def test_a_mistyped_setting_is_refused_before_a_model_is_loaded(selfparam):
    code, _, err = selfparam("chat", "--set", "targets.replya=0", "--model", "./nowhere")
    assert code == 1
    assert "replya" in err
    assert "nowhere" not in err


def test_a_prompt_that_became_too_long_is_said_and_the_chat_goes_on(talk):
    out, err = talk("Hello " * 500, "/turns")
    assert "no answer: the prompt has" in err
    assert "[version 0, 0 turns in the prompt]" in out


def test_commands_that_are_none_get_help(talk):
    out, _ = talk("/lern", "/help")
    assert "/lern is no command; /learn: learn what was said now" in out


def test_learning_that_fails_is_said_and_the_chat_goes_on(talk, monkeypatch):
    from langchain_selfparam.errors import NoTargetsError

    def fail(self, *, progress=None):
        raise NoTargetsError("nothing usable")

    monkeypatch.setattr(Engine, "consolidate", fail)
    out, err = talk("Hello", "/learn", "/turns")
    assert "not learned: nothing usable" in err
    assert "pending  turn 1" in out


def test_learning_says_what_is_held(talk, monkeypatch):
    import dataclasses

    from langchain_selfparam.engine.report import nothing_done

    report = dataclasses.replace(nothing_done("turn 2: no probe passed"), held=(1,), pending=(2,))
    monkeypatch.setattr(Engine, "consolidate", lambda self, *, progress=None: report)
    out, _ = talk("Hello", "/learn")
    assert "held: 1 turns, still in the prompt: 1\n  turn 2: no probe passed\n" in out
    report = dataclasses.replace(report, lost=(3, 4))
    assert "held: 1 turns, still in the prompt: 1, back in it: 2\n" in talk("Hello", "/learn")[0]


def test_an_empty_answer_is_said_and_not_saved(talk, monkeypatch):
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
