"""Every example runs from start to end, shortened, on a tiny model."""

import json
import re
import runpy
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from langchain_selfparam import ChatSelfParam, ParametricMemory
from langchain_selfparam.engine import pipeline
from langchain_selfparam.engine.learn import Learned
from langchain_selfparam.errors import ConsolidationError
from langchain_selfparam.records import TargetSet, TrainReport, Verdict
from langchain_selfparam.testing import tiny_model
from langchain_selfparam.weights.delta import Delta, Factors
from langchain_selfparam.weights.shadow import adapted_modules

FOLDER = Path(__file__).parent.parent / "examples"
EXAMPLES = sorted(FOLDER.rglob("*.py"))
RECOMMENDER = FOLDER / "conversational_recommender" / "recommender.py"
TOLD, ASKED = (
    [json.loads(line) for line in RECOMMENDER.with_name(name).read_text("utf-8").splitlines()]
    for name in ("dialogues.jsonl", "seekers.jsonl")
)
WHO = {
    "agent_with_tools.py": "ana",
    "async_batch_consolidation.py": "cleo",
    "classic_agent.py": "you",
    "classic_chain.py": "you",
    "two_users.py": "ben",
}


@pytest.fixture
def model(tmp_path):
    tiny = tiny_model(max_position_embeddings=4096)  # tools are told of in a thousand of its tokens
    folder = tmp_path / "tiny-model"
    tiny.model.save_pretrained(folder)
    tiny.tokenizer.save_pretrained(folder)
    return folder


class Quick:
    """Learns in a moment what a test decides; everything around it is the real memory."""

    missed = ()
    """Turns that have one of these words are not held."""
    at = staticmethod(lambda stage, turns: None)
    """Called before an episode is learned and after it; may wait or raise."""

    def __init__(self, local, gate, **_):
        self.local = local

    def lesson(self, episode, *, progress, **_):
        """A lesson without a training."""
        self.at("begun", episode.turns)
        progress("student", 1, 2)
        self.at("trained", episode.turns)
        name = adapted_modules(self.local.model)[0]
        d_out, d_in = self.local.model.get_submodule(name).weight.shape
        delta = Delta({name: Factors(b=torch.full((d_out, 1), 0.01), a=torch.ones(1, d_in))})
        held = tuple(turn.id for turn in episode.turns if not any(word in turn.user for word in self.missed))
        reasons = () if len(held) == len(episode.turns) else ("a turn is not answered about",)
        verdict = Verdict(accepted=bool(held), held=held, recall=1.0, drift=0.0, neighbours_wrong=0.0, reasons=reasons)
        train = TrainReport(steps=1, tokens=1, answer_tokens=1, kl_first=1.0, kl_last=1.0)
        return Learned(delta, verdict, TargetSet(statements=(), sentences=(), probes=()), train, {})
        yield


@pytest.fixture
def quick(monkeypatch):
    """Puts ``Quick`` in the place of learning; a signal that an example leaves to the system is taken back."""
    before = signal.getsignal(signal.SIGINT)
    own = type("Own", (Quick,), {})
    monkeypatch.setattr(pipeline, "Learner", own)
    yield own
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def run(model, tmp_path, monkeypatch, capsys):
    """Runs an example with more arguments and gives what it printed."""

    def again(path, *arguments):
        monkeypatch.setattr(
            sys, "argv", [str(path), "--model", str(model), "--folder", str(tmp_path / "memory"), *arguments]
        )
        runpy.run_path(str(path), run_name="__main__")
        return capsys.readouterr().out

    return again


def test_every_example_is_run_here():
    assert sorted(path.name for path in EXAMPLES) == sorted([*WHO, "recommender.py"])


@pytest.mark.parametrize("name", WHO)
def test_example_runs_twice(name, run):
    out = "".join(run(FOLDER / name, "--no-consolidate") for _ in range(2))
    assert out.count(f"{WHO[name]}: What is my parrot called?\nmodel: ") == 2
    assert out.count(f"{WHO[name]}: We have a parrot called ") == 1


@pytest.mark.parametrize("name", WHO)
def test_in_a_folder_with_other_turns_it_is_not_asked_about_what_nobody_said(name, run, model, tmp_path):
    many = {"isolation": "namespace"} if "namespace" in (FOLDER / name).read_text("utf-8") else {}
    with ParametricMemory(ChatSelfParam.from_pretrained(model), path=tmp_path / "memory", **many) as memory:
        who = memory.with_namespace(user_id="eve") if many else memory
        who.save_context({"input": "I like tea."}, {"output": "Me too."})
    out = run(FOLDER / name, "--no-consolidate")
    assert out.index(f"{WHO[name]}: We have a parrot called ") < out.index(f"{WHO[name]}: What is my parrot called?")


def test_every_example_has_a_folder_of_its_own_that_git_ignores():
    folders = [re.search(r'"--folder", default="\./([\w-]+)"', path.read_text("utf-8"))[1] for path in EXAMPLES]
    assert len({*folders, "memory"}) == len(EXAMPLES) + 1  # "memory" is the README's and the command line's
    ignored = (FOLDER.parent / ".gitignore").read_text("utf-8").splitlines()
    assert {f"/*-{folder.split('-')[-1]}/" for folder in folders} <= {*ignored}
    for path, folder in zip(EXAMPLES, folders, strict=True):
        assert f"{path.name} --folder ./{folder}" in path.read_text("utf-8")


def test_the_batch_ends_in_time_and_says_what_is_left(run):
    out = run(FOLDER / "async_batch_consolidation.py", "--minutes", "0.0001")
    assert "dan: What is a good name for a parrot?" in out
    assert re.search(
        r"^deadline after \d+ s; turns left: 1 of ana, 1 of ben, 1 of cleo\nrun it again to go on with them$",
        out,
        re.MULTILINE,
    )


def test_the_batch_says_what_is_held_what_is_not_and_goes_on(run, quick):
    quick.missed = ("Sergeant",)
    path = FOLDER / "async_batch_consolidation.py"
    out = run(path)
    for user, held, pending in (("ana", 1, 0), ("ben", 0, 1), ("cleo", 1, 0)):
        assert re.search(rf"^{user}: {held} held, {pending} pending, \d+ s$", out, re.MULTILINE)
    assert "\n    a turn is not answered about\n" in out
    assert re.search(r"^done after \d+ s; turns left: 1 of ben\nrun it again to go on with them$", out, re.MULTILINE)
    assert out.count("What is my parrot called?") == 3
    quick.missed = ()
    again = run(path)
    assert re.search(r"^ben: 1 held, 0 pending, \d+ s$", again, re.MULTILINE)
    assert re.search(r"^done after \d+ s; turns left: none$", again, re.MULTILINE)
    assert "ana: 1 held" not in again
    assert "run it again" not in again


def test_the_batch_says_who_could_not_be_learned(run, quick):
    def fail(stage, turns):
        if "Plum" in turns[0].user:
            raise ConsolidationError("the numbers broke")

    quick.at = staticmethod(fail)
    out = run(FOLDER / "async_batch_consolidation.py")
    assert re.search(r"^cleo: not learned: .*the numbers broke", out, re.MULTILINE)
    assert "turns left: 1 of cleo\nrun it again to go on with them\n" in out


def test_the_first_interrupt_stops_the_batch_with_a_report_and_the_second_is_the_systems(run, quick):
    def interrupt(stage, turns):
        if stage == "begun" and "Sergeant" in turns[0].user:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            end = time.monotonic() + 20
            while signal.getsignal(signal.SIGINT) is not signal.SIG_DFL and time.monotonic() < end:
                time.sleep(0.01)
            seen.append(signal.getsignal(signal.SIGINT))

    seen = []
    quick.at = staticmethod(interrupt)
    out = run(FOLDER / "async_batch_consolidation.py")
    assert seen == [signal.SIG_DFL]
    assert "stopping between two steps; Ctrl-C once more ends it at once\n" in out
    held = re.findall(r"^(\w+): 1 held, 0 pending", out, re.MULTILINE)
    left = re.search(r"^stopped after \d+ s; turns left: (.*)\nrun it again to go on with them$", out, re.MULTILINE)[1]
    assert sorted([*held, *(part.removeprefix("1 of ") for part in left.split(", "))]) == ["ana", "ben", "cleo"]
    assert "ben" in left
    assert "What is my parrot called?" not in out
    quick.at = staticmethod(lambda stage, turns: None)
    assert re.search(
        r"^done after \d+ s; turns left: none$", run(FOLDER / "async_batch_consolidation.py"), re.MULTILINE
    )


@pytest.mark.parametrize("minutes", ["0", "-1", "nan"])
def test_a_batch_without_time_is_refused_before_anybody_speaks(run, capsys, minutes):
    with pytest.raises(SystemExit):
        run(FOLDER / "async_batch_consolidation.py", f"--minutes={minutes}")
    out, err = capsys.readouterr()
    assert out == ""
    assert re.search(r"error: --minutes is (0\.0|-1\.0|nan); give more than 0$", err)


def test_the_recommender_asks_before_and_after_and_goes_on(run):
    out = run(RECOMMENDER, "--no-learn")
    assert out.count("Shop, before: ") == out.count("Shop, nothing learned: ") == 6
    assert "before: 0 of 6 are recommended the game that fits" in out
    assert "Shop, before: " not in run(RECOMMENDER, "--no-learn")


def test_the_recommender_says_what_it_has_learned_and_goes_on(run, quick):
    quick.missed = ("Shop: ",)  # dialogues of several sentences
    longer = sum(len(dialogue["said"]) > 1 for dialogue in TOLD)
    assert 0 < longer < len(TOLD)
    out = run(RECOMMENDER)
    learned = (
        rf"^learned {24 - longer} dialogues in \d+ s; {24 - longer} are held, {longer} pending\n    a turn is not an"
    )
    assert re.search(learned, out, re.MULTILINE)
    assert out.count("Shop, after: ") == 6
    quick.missed = ()
    again = run(RECOMMENDER)
    # Nothing stands between the figures and the answers where there are no reasons.
    assert re.search(rf"^learned {longer} dialogues in \d+ s; 24 are held, 0 pending\nCustomer: ", again, re.MULTILINE)
    assert "learned" not in run(RECOMMENDER)


@pytest.mark.parametrize("stage", ["begun", "trained"])
def test_who_interrupts_the_recommender_is_told_that_nothing_is_lost(run, quick, stage):
    def interrupt(at, turns):
        if at == stage:
            raise KeyboardInterrupt

    quick.at = staticmethod(interrupt)
    with pytest.raises(SystemExit, match=r"^stopped: what was not learned is pending; run it again to go on$"):
        run(RECOMMENDER)
    quick.at = staticmethod(lambda stage, turns: None)
    assert "learned 24 dialogues in " in run(RECOMMENDER)


def test_the_recommender_hears_each_answer_once_and_reads_nothing_to_know(model, tmp_path, monkeypatch):
    example = runpy.run_path(str(RECOMMENDER))
    recommender = example["Recommender"](ChatSelfParam.from_pretrained(model), tmp_path / "memory")
    with recommender.memory as memory:
        with monkeypatch.context() as patched:
            patched.setattr(ParametricMemory, "turns", property(lambda self: pytest.fail("it read the whole journal")))
            for reply in ("Try Otter Bay.", "Try Otter Bay.", "Try Salt Road."):  # the shop thinks better of it
                recommender.listen(["Something calm."], reply)
        assert [turn.assistant for turn in memory.turns] == ["Try Otter Bay.", "Try Salt Road."]


def test_who_talks_to_the_recommender_is_remembered_until_an_empty_line(monkeypatch, capsys):
    example = runpy.run_path(str(RECOMMENDER))
    lines = iter(["Something calm.", " For two. ", "", "Something loud."])

    def typed(shown):
        line = next(lines, None)
        if line is None:
            raise EOFError
        return line

    class Counts:
        asked = ()

        def recommend(self, said):
            self.asked = (*self.asked, example["request"](said))
            return f"answer {len(self.asked)}"

    monkeypatch.setattr("builtins.input", typed)
    shop = Counts()
    example["talk"](shop)
    which = "Which game of the shop fits this customer?"
    assert shop.asked == (
        f"Customer: Something calm.\n{which}",
        f"Customer: Something calm.\nShop: answer 1\nCustomer: For two.\n{which}",
        f"Customer: Something loud.\n{which}",
    )
    assert capsys.readouterr().out == "Shop: answer 1\nShop: answer 2\nShop: answer 3\n"


def test_who_talks_to_the_recommender_may_leave_with_an_interrupt(monkeypatch):
    def leave(shown):
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", leave)
    runpy.run_path(str(RECOMMENDER))["talk"](None)


def test_what_the_recommender_is_asked_is_not_what_it_learned():
    heard = {text for dialogue in TOLD for text in dialogue["said"][::2]}
    assert not heard & {text for seeker in ASKED for text in seeker["said"][::2]}
    for seeker in ASKED:
        assert sum(seeker["fits"] in dialogue["reply"] for dialogue in TOLD) == 4


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_states_command_hardware_time_and_what_to_expect(path):
    text = path.read_text("utf-8").split('"""')[1]
    for word in (f"examples/{path.relative_to(FOLDER)}", "cores", "minutes", "Expect"):
        assert word in text
