"""``selfparam consolidate``: everybody's pending turns, one's own, and what is said of what is left."""

import dataclasses
import signal

import pytest

from langchain_selfparam import ChatSelfParam, ParametricMemory
from langchain_selfparam.interfaces.memory import ParametricMemory as Memory
from langchain_selfparam.records import BatchReport, ConsolidationReport

ANA, BEN = ("memories", "ana"), ("memories", "ben")


def report(*held, pending=(), reasons=()):
    return ConsolidationReport(
        version=1 if held else None, held=held, pending=pending, recall=0.5, drift=0.01, neighbours_wrong=0.0,
        seconds={"total": 2.0}, tokens_saved=3, targets=4, scale=1.0, kl_first=1.0, kl_last=0.1, reasons=reasons,
    )  # fmt: skip


@pytest.fixture
def town(tmp_path, model_folder):
    llm = ChatSelfParam.from_pretrained(model_folder)
    with ParametricMemory(llm, path=tmp_path / "town", isolation="namespace", consolidate_every=None) as memory:
        for user in ("ana", "ben"):
            memory.with_namespace(user_id=user).save_context({"input": f"I'm {user}."}, {"output": "Hello."})
    return tmp_path / "town"


@pytest.fixture
def asked(monkeypatch):
    """What ``consolidate_all`` was asked; it answers with ``asked.report``."""

    class Asked(list):
        report = BatchReport(
            reports={ANA: report(1, pending=(2,), reasons=("turn 2: not answered",))},
            failed={BEN: "NoTargetsError: nothing"},
            left={("memories", "cy"): 3},
            ended="deadline",
            seconds=61.2,
        )

    calls = Asked()
    calls.during, calls.settings = lambda stopping: None, None

    def consolidate_all(self, namespaces=None, **options):
        calls.append((namespaces, {k: v for k, v in options.items() if k not in ("progress", "stopping")}))
        calls.settings = self.settings
        calls.during(options["stopping"])
        return calls.report

    monkeypatch.setattr(Memory, "consolidate_all", consolidate_all)
    return calls


def call(selfparam, town, model_folder, *args):
    return selfparam("consolidate", "--folder", town, "--model", model_folder, *args)


def test_what_is_back_in_the_prompt_is_said(selfparam, town, model_folder, asked, as_json):
    lost = dataclasses.replace(report(1), lost=(3, 4), reasons=("turn 3 is held no longer",))
    asked.report = dataclasses.replace(asked.report, reports={ANA: lost}, failed={}, left={})
    _, out, _ = call(selfparam, town, model_folder, "--all")
    assert out.splitlines()[:2] == [
        "memories/ana   1 held, 0 still in the prompt, 2 back in it",
        "  turn 3 is held no longer",
    ]
    assert as_json(call(selfparam, town, model_folder, "--all", "--json")[1])["namespaces"]["memories/ana"]["lost"] == [
        3,
        4,
    ]


def test_all_are_learned_and_what_failed_or_is_left_is_said(selfparam, town, model_folder, asked):
    code, out, _ = call(selfparam, town, model_folder, "--all", "--limit-minutes", 1, "--max-tokens", 9)
    assert asked == [(None, {"deadline": 60.0, "max_tokens": 9, "after_seconds": None, "concurrency": 1})]
    assert code == 1
    assert out.splitlines() == [
        "memories/ana   1 held, 1 still in the prompt",
        "  turn 2: not answered",
        "memories/ben   not learned: NoTargetsError: nothing",
        "1 of 2 turns held in 61 s; 3 turns are left, of memories/cy (the time was over)",
    ]


def test_one_is_named(selfparam, town, model_folder, asked):
    asked.report = BatchReport(reports={BEN: report(2)}, failed={}, left={}, ended="done", seconds=2.0)
    limits = ("--after-seconds", 5, "--concurrency", 3)
    code, out, _ = call(selfparam, town, model_folder, "--namespace", "memories/ben", *limits)
    assert asked == [([BEN], {"deadline": None, "max_tokens": None, "after_seconds": 5.0, "concurrency": 3})]
    assert (code, out.splitlines()[-1]) == (0, "1 of 1 turns held in 2 s; nothing is left")


def test_as_json(selfparam, town, model_folder, asked, as_json):
    found = as_json(call(selfparam, town, model_folder, "--all", "--json")[1])
    assert (found["ended"], found["held"], found["left"]) == ("deadline", [1], {"memories/cy": 3})
    assert found["failed"] == {"memories/ben": "NoTargetsError: nothing"}
    assert found["namespaces"]["memories/ana"]["seconds"] == 2.0


def test_where_each_has_weights_somebody_or_all_are_to_be_named(selfparam, town, model_folder, asked):
    code, out, err = call(selfparam, town, "./nowhere")
    assert (code, out) == (2, "")
    assert err == (
        f"selfparam: {town} has weights for each namespace: say whose with --namespace or --all "
        "(it has turns of memories/ana, memories/ben)\n"
    )
    assert asked == []


def test_all_and_one_exclude_each_other(selfparam, town, model_folder, asked):
    code, _, err = call(selfparam, town, model_folder, "--all", "--namespace", "memories/ben")
    assert code == 2
    assert "argument --namespace: not allowed with argument --all" in err
    assert asked == []


def test_one_who_has_said_nothing_is_refused(selfparam, town, model_folder, asked):
    code, out, err = call(selfparam, town, "./nowhere", "--namespace", "memories/anna")
    assert (code, out) == (1, "")
    assert err == f"selfparam: {town} has no turn of memories/anna; it has turns of memories/ana, memories/ben\n"
    assert asked == []


def test_a_time_in_which_nothing_is_learned_is_said_to_be_too_short(selfparam, town, model_folder, asked):
    asked.report = BatchReport(reports={}, failed={}, left={ANA: 2}, ended="deadline", seconds=60.0)
    code, out, _ = call(selfparam, town, model_folder, "--all", "--limit-minutes", 1)
    assert code == 0
    assert out.splitlines() == [
        "0 of 0 turns held in 60 s; 2 turns are left, of memories/ana (the time was over)",
        "not one episode was learned in that time: give it more",
    ]


def test_of_many_who_have_something_left_five_are_named(selfparam, town, model_folder, asked):
    left = {("memories", f"user{number}"): 2 for number in range(7)}
    asked.report = BatchReport(reports={}, failed={}, left=left, ended="stopped", seconds=2.0)
    _, out, _ = call(selfparam, town, model_folder, "--all")
    named = ", ".join(f"memories/user{number}" for number in range(5))
    assert out.splitlines()[-1].endswith(f"; 14 turns are left, of {named} and 2 more namespaces (it was stopped)")


def test_the_first_interrupt_asks_to_stop_and_what_was_done_is_said(selfparam, town, model_folder, asked):
    asked.report = BatchReport(reports={BEN: report(2)}, failed={}, left={ANA: 1}, ended="stopped", seconds=2.0)
    before, seen = signal.getsignal(signal.SIGINT), []

    def during(stopping):
        seen.append(stopping())
        signal.raise_signal(signal.SIGINT)
        seen.append(stopping())

    asked.during = during
    code, out, err = call(selfparam, town, model_folder, "--all")
    assert seen == [False, True]
    assert "stopping between two steps; Ctrl-C once more ends it at once" in err
    assert (code, out.splitlines()[-1]) == (
        1,
        "1 of 1 turns held in 2 s; 1 turn is left, of memories/ana (it was stopped)",
    )
    assert signal.getsignal(signal.SIGINT) is before
    asked.during = lambda stopping: [signal.raise_signal(signal.SIGINT) for _ in range(2)]
    code, _, err = call(selfparam, town, model_folder, "--all")
    assert code == 1
    assert "selfparam: stopped; nothing is lost: what was learned is kept, and the rest is pending\n" in err


def test_settings_that_the_application_has_can_be_given(selfparam, folder, model_folder, asked):
    code, _, err = call(selfparam, folder, model_folder, "--set", "training.rank=8", "--set", "training.compiled=False")
    assert asked, err
    assert (asked.settings.training.rank, asked.settings.training.compiled) == (8, False)
    code, _, err = call(selfparam, folder, "./nowhere", "--set", "training.ranks=8")
    assert (code, err) == (1, "selfparam: 'ranks' is not a setting of TrainingConfig; did you mean 'rank'?\n")


@pytest.mark.parametrize(
    ("option", "value", "needed"),
    [
        *(("--limit-minutes", value, "a number above 0, and finite") for value in ("0", "nan", "x", "inf")),
        *(("--after-seconds", value, "a number of 0 or more, and finite") for value in ("-1", "y")),
    ],
)
def test_times_out_of_range_are_refused_before_a_model_is_loaded(selfparam, folder, option, value, needed):
    code, _, err = call(selfparam, folder, "./nowhere", f"{option}={value}")
    assert code == 2
    assert f"argument {option}: {value!r} is not what is needed: {needed}\n" in err


def test_a_folder_of_one_needs_no_name(selfparam, folder, model_folder, asked):
    call(selfparam, folder, model_folder)
    assert asked[0][0] is None


def test_a_folder_of_one_who_has_a_name_needs_none(selfparam, tmp_path, model_folder, asked):
    llm = ChatSelfParam.from_pretrained(model_folder)
    with ParametricMemory(llm, path=tmp_path / "one", namespace=ANA, consolidate_every=None) as memory:
        memory.save_context({"input": "I'm Ana."}, {"output": "Hello."})
    for every in ((), ("--all",)):
        code, _, err = call(selfparam, tmp_path / "one", model_folder, *every)
        assert code == 1, err  # what the run was told to report
        assert "holds what" not in err
    assert len(asked) == 2


@pytest.mark.parametrize(("pending", "said"), [((2,), "1 is tried again"), ((2, 3), "2 are tried again")])
def test_what_was_tried_and_is_not_held_is_said(selfparam, town, model_folder, asked, pending, said):
    asked.report = BatchReport(reports={ANA: report(1, pending=pending)}, failed={}, left={}, ended="done", seconds=2.0)
    code, out, _ = call(selfparam, town, model_folder, "--all")
    assert (code, out.splitlines()[-1]) == (0, f"1 of {1 + len(pending)} turns held in 2 s; {said} by the next run")


def test_a_service_that_is_ended_ends_it_between_two_steps(selfparam, town, model_folder, asked):
    before, seen = signal.getsignal(signal.SIGTERM), []

    def during(stopping):
        signal.raise_signal(signal.SIGTERM)
        seen.append(stopping())

    asked.during = during
    code, out, err = call(selfparam, town, model_folder, "--all")
    assert (code, seen) == (1, [True])
    assert "stopping between two steps" in err
    assert "turns held" in out
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_folder_without_a_memory_is_refused_and_none_is_made(selfparam, tmp_path, model_folder):
    code, _, err = call(selfparam, tmp_path / "none", model_folder, "--all")
    assert code == 1
    assert "there is no memory in" in err
    assert not (tmp_path / "none").exists()


def test_nothing_pending_is_nothing_done(selfparam, town, model_folder, monkeypatch):
    empty = BatchReport(reports={}, failed={}, left={}, ended="done", seconds=0.0)
    monkeypatch.setattr(Memory, "consolidate_all", lambda self, namespaces=None, **options: empty)
    assert call(selfparam, town, model_folder, "--all")[1] == "0 of 0 turns held in 0 s; nothing is left\n"


@pytest.mark.parametrize(
    "change", ["policy.every_turns=4", "policy.every_tokens=900", "policy.quiet_hours=22:00-06:30"]
)
def test_when_the_worker_begins_is_nothing_to_be_set_here(selfparam, town, model_folder, asked, change):
    code, _, err = call(selfparam, town, model_folder, "--all", "--set", change)
    assert code == 1
    name = change.partition("=")[0]
    assert f"{name} is of the worker that learns by itself, and this command learns at once: leave it out" in err
    assert not asked
