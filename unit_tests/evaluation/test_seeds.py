"""Sequential runs with several seeds: every figure is the mean of what the runs have, question by question."""

import dataclasses
import json

import pytest

from langchain_selfparam.evaluation import retention, sequence
from langchain_selfparam.evaluation.compare import compare
from langchain_selfparam.evaluation.datasets import Conversation, Neighbour, Question
from langchain_selfparam.evaluation.seeds import Seeds, as_one
from langchain_selfparam.evaluation.sequential import Run, Step
from langchain_selfparam.evaluation.stats import interval

NEAR = (Neighbour(text="What is a fruit?", forbidden=("apple",)),)


def conversation(name, *keys):
    questions = [Question(text=f"{name} {k}?", keys=(k,), golds=(k,), kind="recall", turns=(0,)) for k in keys]
    return Conversation(id=name, title="", turns=((f"{name} said", "ok"),), questions=tuple(questions), neighbours=())


CONTEXTS = (conversation("a", "apple", "pear"), conversation("b", "boat"))


def step(learned, answers, *, held=0, drift=None, seconds=1.0, leak="none", lost=0):
    return Step(
        learned=learned, answers=answers, neighbours=(leak,), held=held, drift=drift, seconds=seconds, lost=lost
    )


BEFORE = step("", (("x", "x"), ("boat",)))


def run(*steps):
    prompted = {"history": (("apple", "x"), ("boat",))}
    return Run(conversations=CONTEXTS, neighbours=NEAR, before=BEFORE, steps=steps, prompted=prompted)


FIRST = run(
    step("a", (("apple", "pear"), ("x",)), held=1, drift=0.01, seconds=2.0),
    step("b", (("apple", "x"), ("boat",)), held=2, drift=0.03, seconds=4.0, leak="apple", lost=1),
)
SECOND = run(
    step("a", (("apple", "x"), ("x",)), held=2, drift=0.02, seconds=4.0),
    step("b", (("x", "x"), ("boat",)), held=2, drift=None, seconds=6.0),
)
BOTH = Seeds(runs=(FIRST, SECOND))


def test_every_question_has_its_mean():
    assert BOTH.matrix == [[0.75, 0.0], [0.25, 1.0]]
    assert BOTH.right == [[0.5, 0.0], [1.0]]
    assert BOTH.f1_last == [[0.5, 0.0], [1.0]]
    assert BOTH.figures["just"] == [("a", 1.0), ("a", 0.5), ("b", 1.0)]
    assert BOTH.figures["last"] == [("a", 0.5), ("a", 0.0), ("b", 1.0)]
    # The first question was right in both runs and is kept in one, the second was in one alone, and is lost.
    assert BOTH.figures["retention"] == [("a", 0.5), ("a", 0.0)]
    assert BOTH.intervals["last"] == interval([0.5, 0.0, 1.0], groups=["a", "a", "b"])


def test_rows_are_means_of_what_was_measured():
    assert [dataclasses.astuple(row) for row in BOTH.rows] == [("a", 1.5, 0.0, 0.015, 3.0), ("b", 2.0, 0.5, 0.03, 5.0)]
    unmeasured = run(*(dataclasses.replace(s, drift=None) for s in SECOND.steps))
    assert [row.drift for row in Seeds(runs=(unmeasured, unmeasured)).rows] == [None, None]


def test_the_summary_is_over_all_runs():
    found = BOTH.summary
    assert found["just"] == pytest.approx(2.5 / 3)
    assert found["last"] == 0.5
    assert found["retention"] == pytest.approx(1 / 4)
    assert found["ratio"] == pytest.approx(1 / 3)  # of three right answers to "a" in both runs one is left
    assert (found["leaks_before"], found["leaks"], found["drift_max"], found["seconds"]) == (0.0, 0.5, 0.03, 4.0)
    assert set(found) == set(FIRST.summary)


def test_two_of_the_same_run_are_as_one():
    twice = Seeds(runs=(FIRST, FIRST))
    assert twice.summary == FIRST.summary
    assert twice.intervals == FIRST.intervals
    assert (twice.matrix, twice.rows, twice.peak_bytes) == (FIRST.matrix, FIRST.rows, FIRST.peak_bytes)
    assert as_one([FIRST]) is FIRST
    assert as_one([FIRST, SECOND]) == BOTH


@pytest.mark.parametrize("runs", [(), (FIRST, run(FIRST.steps[0]))])
def test_runs_of_other_lengths_are_refused(runs):
    with pytest.raises(ValueError, match=r"found runs with the steps \[.*\]; at least one is needed, and all with the"):
        Seeds(runs=runs)


def test_tables_json_and_comparison(tmp_path):
    change = {"token_kl": {"mean": 0.1, "low": 0.0, "high": 0.2}, "same_answers": 0.5}
    change |= {"perplexity": None, "pairs": None, "facts": None, "prose": None}
    others = {"published": Seeds(runs=(SECOND, SECOND))}
    found = retention.tables(BOTH, others=others, changes=[change, change])
    (_, rows), _, (head, seeds), ways, against, (moved, _) = found
    assert rows[1] == ("b", "25 %", "100 %", "2", "0.5", "0.0300", "5")
    assert head[0] == "seed"
    assert [(row[0], row[2], row[-1]) for row in seeds] == [("0", "67 %", "3"), ("1", "33 %", "5")]
    assert ways[1][-1][1].startswith("50 % (")
    assert [row[0] for row in against[1]] == ["this memory", "published"]
    assert moved[0] == "what must stay as it was, 2 models"
    values = json.loads(json.dumps(retention.as_json(BOTH, model="m", data="d", others=others, changes=[change] * 2)))
    assert [part["last"] for part in values["seeds"]] == [pytest.approx(2 / 3), pytest.approx(1 / 3)]
    assert values["change"]["token_kl"] == {"mean": 0.1, "worst": 0.1}
    assert values["steps"][1]["held"] == 2.0
    for name, one in (("one", FIRST), ("both", BOTH)):
        (tmp_path / f"{name}.json").write_text(json.dumps(retention.as_json(one, model="m", data="d")), "utf-8")
    (compared,) = compare(tmp_path / "one.json", tmp_path / "both.json")
    assert (compared.right.first.mean, compared.right.second.mean) == (pytest.approx(2 / 3), 0.5)
    pytest.importorskip("matplotlib")
    assert retention.picture(BOTH).startswith(b"\x89PNG")


class Runs:
    """Stands for ``sequence.run``: keeps what it was given, and begins each run as a real one does."""

    def __init__(self, monkeypatch, *, learns=2, unfinished=()):
        self.given, self.begun, self.learns, self.unfinished = [], [], learns, dict(unfinished)
        monkeypatch.setattr(sequence, "run", self)

    def __call__(self, plan, subject, *, folder, **options):
        from langchain_selfparam.evaluation.sequential import sequential

        self.given.append((plan.settings.targets.seed, plan.settings.training.seed, folder.name, options["rates"].name))
        folder.mkdir(parents=True, exist_ok=True)
        self.begun.append((folder / "steps.json").exists())
        learned = iter(range(self.learns))
        ours = sequential(
            plan.conversations,
            NEAR,
            ask=lambda prompts, progress: ["apple"] * len(prompts),
            say=lambda c: None,
            consolidate=lambda: sequence.nothing_done(""),
            progress=lambda *at: None,
            keep=folder / "steps.json",
            more=lambda: next(learned, None) is not None,
        )
        return sequence.Found(ours=ours, others={}, change=None, unfinished=self.unfinished)


def seeds_of(folder, seeds, **options):
    plan = sequence.Plan(conversations=CONTEXTS)
    return sequence.run_seeds(plan, None, seeds=seeds, folder=folder, progress=lambda *at: None, **options)


def test_each_seed_has_a_memory_of_its_own_and_the_untouched_model_answers_once(tmp_path, monkeypatch):
    runs, titles = Runs(monkeypatch), []
    found = seeds_of(tmp_path, 3, starts=titles.append)
    assert runs.given == [(n, n, f"seed-{n}", "baselines.json") for n in range(3)]
    assert runs.begun == [False, True, True]
    assert titles == [f"seed {n}, of 3" for n in range(3)]
    assert len({one.ours.before.answers for one in found}) == 1


def test_one_seed_is_in_the_folder_itself(tmp_path, monkeypatch):
    runs, titles = Runs(monkeypatch), []
    seeds_of(tmp_path / "out", 1, starts=titles.append)
    assert (runs.given, titles) == ([(0, 0, "out", "baselines.json")], [])


@pytest.mark.parametrize("cut", [{"learns": 1}, {"unfinished": {"published": 1}}])
def test_no_seed_begins_before_the_last_one_has_ended(tmp_path, monkeypatch, cut):
    runs = Runs(monkeypatch, **cut)
    assert len(seeds_of(tmp_path, 3)) == 1
    assert len(runs.given) == 1


def test_what_has_begun_is_left_alone(tmp_path, monkeypatch):
    Runs(monkeypatch)
    seeds_of(tmp_path, 2)
    kept = (tmp_path / "seed-1" / "steps.json").read_text("utf-8")
    seeds_of(tmp_path, 2)
    assert (tmp_path / "seed-1" / "steps.json").read_text("utf-8") == kept


def test_no_seed_begins_after_the_time_is_over_and_finished_ones_are_read(tmp_path, monkeypatch):
    runs = Runs(monkeypatch)
    seeds_of(tmp_path, 2)
    runs.given.clear()
    assert len(seeds_of(tmp_path, 3, more=lambda: False)) == 2
    assert [given[0] for given in runs.given] == [0, 1]


def test_the_untouched_model_is_looked_at_once(tmp_path, monkeypatch):
    from langchain_selfparam.evaluation.unchanged import Unchanged

    runs, made = Runs(monkeypatch), []
    monkeypatch.setattr(sequence, "Yardstick", lambda *args, **options: made.append(args) or len(made))
    looked = []
    real = runs.__call__
    monkeypatch.setattr(sequence, "run", lambda *args, look, **o: (looked.append(look()), real(*args, **o))[1])
    plan = sequence.Plan(conversations=CONTEXTS, unchanged=Unchanged(prompts=("Who are you?",)))

    class Subject:
        local = None

    sequence.run_seeds(plan, Subject(), seeds=3, folder=tmp_path, progress=lambda *at: None)
    assert (looked, len(made)) == ([1, 1, 1], 1)
