"""Figures, tables and pictures of single and batch injection."""

import dataclasses
import io
import json

import pytest

from langchain_selfparam.evaluation import outcome as outcomes
from langchain_selfparam.evaluation import pictures, summary

AFTER_OF = ("after, of whole", "after, of quoted")


@pytest.fixture
def found(result):
    return outcomes.outcome(result, tokens={"history": 120.0, "quoted": 30.0})


def other(found, **changes):
    return dataclasses.replace(found, **changes)


def test_figures_by_way_kind_and_correction(found):
    figures = summary.summary([found, other(found, id="again", seconds=93.0)])
    assert figures["outcomes"] == 2
    assert figures["questions"] == 4
    after, history = figures["ways"]["after"], figures["ways"]["history"]
    assert after["right"].mean == 0.5
    assert after["right_ratio"] == 1.0
    assert "right_p" not in after
    assert history["right_p"] == 1.0
    assert history["tokens"] == 120.0
    assert figures["ways"]["before"]["right_p"] == 0.5  # two questions right only afterwards
    assert after["leaks"] == 1.0
    assert list(figures["ways"]) == ["before", "history", "quoted", "after"]
    assert figures["kinds"]["update"]["quoted"] == 1.0
    assert figures["corrections"]["new"]["after"] == 0.0
    assert figures["corrections"]["old"]["after"] == 1.0
    assert figures["turns_held"] == 2
    assert figures["turns"] == 4
    assert figures["seconds"] == 92.0
    assert figures["tested_over"] == "questions"


def test_a_way_that_one_outcome_lacks_is_left_out(found):
    row = {**found.questions[0], "answers": {"before": "x", "after": "y"}}
    figures = summary.summary([found, other(found, questions=[row])])
    assert list(figures["ways"]) == ["before", "after"]
    assert "right_ratio" not in figures["ways"]["after"]


def test_tables_by_conversation_way_and_kind(found):
    (head, rows), (ways_head, ways), (kinds_head, kinds) = summary.tables([found])
    assert head[:2] == ("conversation", "before")
    assert head[5:] == ("leaks before", "leaks after", "turns held", "drift", "seconds")
    assert rows[-1] == ("all", "0 %", "50 %", "100 %", "50 %", "0 %", "100 %", "1 of 2", "0.0123", "91")
    assert ways_head == (
        "answered with",
        "right (95 % interval)",
        "of whole",
        "of quoted",
        "p against weights, over questions",
        "prompt tokens",
    )
    assert ways[1] == ("whole conversation in the prompt", "50 % (0 to 100)", "1.00", "0.50", "1.0000", "120")
    assert ways[-1] == ("nothing in the prompt, after", "50 % (0 to 100)", "1.00", "0.50", "-", "-")
    assert kinds_head == ("kind", "questions", "before", "history", "quoted", "after", *AFTER_OF)
    assert kinds == [
        ("recall", "1", "0 %", "100 %", "100 %", "100 %", "1.00", "1.00"),
        ("update", "1", "0 %", "0 %", "100 %", "0 %", "-", "0.00"),
        ("update, old value given", "1", "100 %", "100 %", "0 %", "100 %", "-", "-"),
    ]


def test_ratios_are_to_the_whole_conversation_and_to_the_right_turn(found):
    def asked(number, quoted, f1):
        first = found.questions[0]
        right = {"before": False, "history": number == 0, "quoted": quoted, "after": number < 2}
        return {**first, "question": f"{number}?", "right": right, "f1": dict(zip(right, f1, strict=True))}

    # Right of four: one with the whole conversation, three with the turn quoted, two from the weights.
    rows = [asked(at, at < 3, (0.0, 0.2, 0.8, 0.4)) for at in range(4)]
    figures = summary.summary([other(found, questions=rows)])
    ways = figures["ways"]
    assert (ways["after"]["right_ratio"], ways["after"]["right_of_quoted"]) == (2.0, pytest.approx(2 / 3))
    assert (ways["after"]["f1_ratio"], ways["after"]["f1_of_quoted"]) == (pytest.approx(2.0), pytest.approx(0.5))
    assert (ways["before"]["right_of_quoted"], ways["history"]["right_of_quoted"]) == (0.0, pytest.approx(1 / 3))
    assert ways["quoted"]["f1_of_quoted"] == 1.0
    recall = figures["kinds"]["recall"]
    assert (recall["ratio_to_history"], recall["ratio_to_quoted"]) == (2.0, pytest.approx(2 / 3))


def test_there_is_no_ratio_to_what_was_not_asked_or_never_right(found):
    for row in found.questions:
        row["right"]["quoted"] = False
    figures = summary.summary([found])
    assert "right_of_quoted" not in figures["ways"]["after"]
    assert "right_ratio" in figures["ways"]["after"]
    assert figures["kinds"]["recall"].keys() & {"ratio_to_history", "ratio_to_quoted"} == {"ratio_to_history"}
    rows = [
        {
            name: {w: v for w, v in value.items() if w != "quoted"} if isinstance(value, dict) else value
            for name, value in row.items()
        }
        for row in found.questions
    ]
    bare = other(found, questions=rows)
    _, (_, ways), (head, kinds) = summary.tables([bare])
    assert [row[3] for row in ways] == ["-"] * 3
    assert head[-2:] == AFTER_OF
    assert kinds[0][-2:] == ("1.00", "-")


def test_f1_has_a_table_of_its_own(found):
    rows = [{**q, "f1": dict.fromkeys(q["answers"], 0.25)} for q in found.questions]
    _, right, (head, ways), _ = summary.tables([other(found, questions=rows)])
    assert right == summary.tables([found])[1]
    assert head == ("answered with", "F1 (95 % interval)", *right[0][2:])
    assert ways[1][1:] == ("0.250 (0.250 to 0.250)", "1.00", "1.00", "1.0000", "120")


def test_seeds_are_named_and_variants_set_side_by_side(found):
    assert summary.tables([found, other(found, seed=1)])[0][1][1][0] == "seed 1, dog"
    tables = summary.tables([other(found, variant="rank=8"), other(found, variant="rank=9")])
    assert tables[0][0][0] == "rank=8"
    head, rows = tables[-1]
    assert head[0] == "variant"
    assert rows[1] == ("rank=9", "50 % (0 to 100)", "-", "100 %", "0.0123", "0.0123", "1 of 2", "91")


def test_what_else_moved_is_a_table(found):
    change = {
        "token_kl": {"mean": 0.01, "low": 0.005, "high": 0.02},
        "same_answers": 0.75,
        "perplexity": [20.0, 20.5],
        "pairs": {
            "count": 4,
            "before": {"mean": 0.5, "low": 0.25, "high": 0.75},
            "after": {"mean": 0.5, "low": 0.25, "high": 0.75},
            "p": 1.0,
        },
        "facts": None,
    }
    head, rows = summary.tables([other(found, change=change)])[-1]
    assert head == ("what must stay as it was", "before", "after", "p")
    assert rows == [
        ("token KL on unrelated prompts (nats)", "0", "0.0100 (0.0050 to 0.0200)", "-"),
        ("unrelated prompts answered word for word as before", "100 %", "75 %", "-"),
        ("perplexity of neutral prose", "20.00", "20.50", "-"),
        ("minimal pairs right (of 4)", "50.0 % (25.0 to 75.0)", "50.0 % (25.0 to 75.0)", "1.0000"),
    ]

    moved = other(found, id="again", seconds=93.0, change={**change, "same_answers": 0.25})
    # Two models were looked at, one of them for two conversations learned at once.
    outcomes_of_both = [other(found, change=change), other(found, id="beside", change=change), moved]
    head, rows = summary.tables(outcomes_of_both)[-1]
    assert head[0] == "what must stay as it was, 2 models"
    assert rows[1][2:4] == ("50 %", "25 %")
    assert summary.summary(outcomes_of_both)["change"]["models"] == 2
    assert summary.summary([found])["change"] is None


def answered(found, marks, way="after"):
    """An outcome with one question for each mark, right one way where it is +; with nothing before."""
    first = found.questions[0]
    rows = [
        {**first, "question": f"{n}?", "right": {**first["right"], "before": False, way: mark == "+"}}
        for n, mark in enumerate(marks)
    ]
    return other(found, questions=rows)


def test_seeds_are_no_further_questions(found):
    # 8 against 3 questions that differ: once it is 0.23, and would be 0.01 if each were counted three times.
    marks = "+" * 8 + "-" * 3
    one = answered(found, marks)
    for row in one.questions[8:]:
        row["right"]["before"] = True
    seeds = [other(one, seed=seed, seconds=90.0 + seed) for seed in range(3)]
    figures, alone = summary.summary(seeds), summary.summary([one])
    assert figures["ways"]["before"]["right_p"] == alone["ways"]["before"]["right_p"] == pytest.approx(0.2266, abs=1e-4)
    assert figures["ways"]["after"]["right"] == alone["ways"]["after"]["right"]
    assert (figures["questions"], figures["kinds"]["recall"]["questions"], figures["outcomes"]) == (11, 11, 3)


def test_six_conversations_are_exchanged_whole(found):
    parts = [other(answered(found, "+" * 9), id=f"c{n}", seconds=90.0 + n) for n in range(6)]
    figures = summary.summary(parts)
    assert (figures["tested_over"], figures["ways"]["before"]["right_p"]) == ("conversations", 2 / 64)
    assert summary.tables(parts)[1][0][4] == "p against weights, over conversations"


def test_what_is_learned_at_once_is_counted_once(found):
    batch = [other(found, id=name) for name in "abc"]
    figures = summary.summary(batch)
    assert (figures["turns_held"], figures["turns"], figures["consolidations"]) == (1, 2, 1)
    _, rows = summary.tables(batch)[0]
    assert [row[-3:] for row in rows] == [("1 of 2", "0.0123", "91"), *[("same",) * 3] * 2, ("1 of 2", "0.0123", "91")]
    again = [other(part, seed=1) for part in batch]
    assert summary.summary([*batch, *again])["consolidations"] == 2


def test_what_was_refused_does_not_look_served(found):
    report = {**found.report, "version": None, "held": [], "pending": [1, 2], "drift": 0.0999}
    refused = other(found, id="again", report=report)
    _, rows = summary.tables([found, refused])[0]
    assert rows[1][-3:] == ("refused", "0.0000", "91")
    assert rows[2][-3:] == ("1 of 4, 1 refused", "0.0062", "91")
    figures = summary.summary([found, refused])
    assert (figures["refused"], figures["drift_max"], figures["scale"]) == (1, 0.0123, 0.5)


def test_without_neighbours_there_is_no_share_of_leaks(found):
    bare = other(found, neighbours=[])
    _, rows = summary.tables([bare])[0]
    assert rows[0][5:7] == rows[1][5:7] == ("-", "-")
    assert summary.tables([other(bare, variant="a"), other(bare, variant="b")])[-1][1][0][3] == "-"


def test_peak_memory_has_a_column_where_it_is_known(found):
    head, rows = summary.tables([other(found, peak_bytes=1_500_000_000), other(found, id="b", seconds=1.0)])[0]
    assert head[-1] == "peak GB"
    assert [row[-1] for row in rows] == ["1.50", "0.00", "1.50"]


def test_a_run_that_was_cut_is_not_all(found):
    _, rows = summary.tables([found], planned=6)[0]
    assert rows[-1][0] == "1 of 6 contexts"
    seeds = [found, other(found, seed=1)]
    assert summary.tables(seeds, planned=12)[0][1][-1][0] == "2 of 12 runs"
    values = summary.as_json([found], model="tiny", data="x", protocol="single", planned=6)
    assert (values["summary"][""]["outcomes"], values["summary"][""]["planned"]) == (1, 6)


def test_bm25_is_left_out_where_there_is_one_turn_to_find(found):
    rows = [
        {**q, "answers": {**q["answers"], "retrieved": "x"}, "right": {**q["right"], "retrieved": False}}
        for q in found.questions
    ]
    both = other(found, questions=rows)
    assert "retrieved" in summary.summary([both])["ways"]
    one = other(both, report={**found.report, "pending": []})
    assert "retrieved" not in summary.summary([one])["ways"]


def test_json_has_figures_by_variant_and_every_answer(found):
    values = summary.as_json([found], model="tiny", data="x", protocol="single")
    back = json.loads(json.dumps(values))
    assert back["conversations"][0]["id"] == "dog"
    assert back["summary"][""]["ways"]["after"]["right"] == {"mean": 0.5, "low": 0.0, "high": 1.0}


def test_pictures_have_some_size(found):
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("matplotlib")
    curve = [{"step": 1, "recall": None}, {"step": 2, "recall": 0.25}, {"step": 4, "recall": 0.5}]
    learned = other(found, report={**found.report, "curve": curve})
    for png in (
        pictures.steps([learned, learned]),
        pictures.steps([other(found, report={**found.report, "curve": []})]),
        pictures.drift({"": [found], "rank=8": [found]}, limit=0.05),
    ):
        width, height = image.open(io.BytesIO(png)).size
        assert width > 900
        assert height > 500


@pytest.fixture
def drawn(monkeypatch):
    """The axes of a picture instead of its PNG."""
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(pictures, "_png", lambda figure: figure.axes[0])


def hollow(axes):
    return [line.get_xydata()[0].tolist() for line in axes.lines if line.get_markerfacecolor() == "white"]


@pytest.mark.usefixtures("drawn")
def test_what_was_refused_has_a_hollow_marker_where_it_is_served(found):
    report = {**found.report, "version": None, "drift": 0.0999}
    refused = other(found, report=report)
    axes = pictures.drift({"": [found], "rank=8": [refused]}, limit=0.05)
    assert hollow(axes) == [[0.0, 50.0]]
    assert [text.get_text() for text in axes.texts] == ["rank=8 (1 of 1 refused)", "as it is"]
    curve = [{"step": 2, "recall": 0.25}, {"step": 4, "recall": 0.5}]
    lines = [other(found, report={**found.report, "curve": curve}), other(refused, report={**report, "curve": curve})]
    assert hollow(pictures.steps(lines)) == [[4.0, 50.0]]


@pytest.mark.usefixtures("drawn")
def test_what_is_learned_at_once_is_one_line(found):
    learned = other(found, report={**found.report, "curve": [{"step": 2, "recall": 0.25}]})
    count = len(pictures.steps([learned]).lines)
    assert len(pictures.steps([learned, other(learned, id="beside")]).lines) == count


@pytest.mark.usefixtures("drawn")
def test_what_is_learned_in_parts_is_a_line_for_each_and_their_mean(found):
    def curve(*recalls):
        return [{"step": step, "recall": recall} for step, recall in enumerate(recalls, start=1)]

    in_parts = other(found, report={**found.report, "curve": curve(0.25, None, 0.5) + curve(0.75, None, 1.0)})
    first, second, mean, *_ = pictures.steps([in_parts]).lines
    assert first.get_xydata().tolist() == [[1, 25], [3, 50]]
    assert second.get_xydata().tolist() == [[1, 75], [3, 100]]
    assert mean.get_xydata().tolist() == [[1, 50], [3, 75]]
    # Also where the second is first looked at later than the first was last.
    late = other(found, report={**found.report, "curve": curve(0.25, None, 0.5) + curve(None, None, None, 1.0)})
    first, second, *_ = pictures.steps([late]).lines
    assert (first.get_xydata().tolist(), second.get_xydata().tolist()) == ([[1, 25], [3, 50]], [[4, 100]])


def test_a_missing_matplotlib_says_what_to_install(found, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"matplotlib.figure is needed .*: pip install matplotlib .*'.\[demo\]'"):
        pictures.steps([found])


def test_other_ways_to_learn_say_how_and_where_they_were_not_run(found):
    first = other(found, baselines={"ft-sentences": {"rate": 5e-4, "seconds": 3.0, "peak_bytes": 0, "drift": 0.25}})
    second = other(found, id="b", baselines={"ft-sentences": {"not_run": "nothing was taught"}})
    head, rows = summary.tables([first, second])[-1]
    assert head[:4] == ("other ways to learn", "run", "rate, best for its own questions", "drift")
    assert head[4:] == ("seconds", "peak MiB", "why not everywhere")
    assert rows == [
        ("fine-tuned on questions and answers", "1 of 2", "0.0005", "0.2500", "3", "-", "nothing was taught")
    ]
    assert summary.tables([second])[-1][1][0][1:] == ("0 of 1", "-", "-", "-", "-", "nothing was taught")
    assert summary.tables([found])[-1][0][0] == "kind"


def test_what_other_ways_took_is_the_mean_over_what_was_learned_at_once_and_the_most_memory(found):
    def beside(seconds, mebibytes):
        return {"published": {"rate": 2e-5, "seconds": seconds, "peak_bytes": mebibytes * 2**20, "drift": None}}

    batch = [other(found, id=name, baselines=beside(30.0, 100)) for name in "abc"]
    again = [other(found, id=name, seed=1, seconds=93.0, baselines=beside(50.0, 200)) for name in "abc"]
    _, rows = summary.tables([*batch, *again])[-1]
    # Three conversations took 30 seconds together, and 50 with another seed.
    assert rows == [("the published recipe", "6 of 6", "2e-05", "-", "40", "200", "")]
