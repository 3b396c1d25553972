"""A recommender's evaluation: rounds of one memory, both measures, kept as they are made, gone on with after an end."""

import dataclasses
import json
import random
from collections import Counter

import pytest
from recommending import small_plan

from langchain_selfparam.config import Settings
from langchain_selfparam.engine.learn import Learner
from langchain_selfparam.engine.pipeline import Engine
from langchain_selfparam.evaluation import recommendation
from langchain_selfparam.evaluation.baselines import RATES, Baseline
from langchain_selfparam.evaluation.catalogue import Catalogue
from langchain_selfparam.evaluation.rankings import Alike
from langchain_selfparam.evaluation.recommendation import TAUGHT, Recommendation, lesson, request
from langchain_selfparam.evaluation.recommended import as_json, headline, tables
from langchain_selfparam.interfaces.asking import Asker
from langchain_selfparam.protocols import no_progress
from langchain_selfparam.weights.delta import Delta

SETTINGS = Settings.from_mapping(
    {
        "targets": {"neutral": 2, "neutral_tokens": 2, "calibration": 0},
        "training": {"epochs": 1, "rank": 2, "batch_tokens": 400},
        "verify": {"max_drift": 50, "hold": 0.0, "answer_tokens": 2},
    }
)
COUNTED = ("popularity", "repeat", "bm25")


@pytest.fixture
def plan(tmp_path):
    return small_plan(tmp_path, SETTINGS)


class Subject(Asker):
    """Asks a tiny model, and writes what a test says instead of noise."""

    def __init__(self, tiny):
        super().__init__((tiny.model, tiny.tokenizer), max_tokens=4)
        self.asked = []

    def _answered(self, prompts, progress, model):
        self.asked += [p[-1].text for p in prompts]
        super()._answered(prompts[:1], progress, model)
        return ["1. Jaws (1975)\n2. Alien (1979)\nthese are films"] * len(prompts)


@pytest.fixture
def subject(tiny):
    return Subject(tiny)


def run(plan, subject, folder, **options):
    return Recommendation(plan, subject, folder=folder, progress=no_progress, **options).run()


def had(plan, turns, points, right, **changes):
    """A dialogue with these turns, which name what stands in them; a point and what was right by id."""
    named = tuple(plan.catalogue.mentioned(text) for _, text in turns)
    changes = {"turns": turns, "points": points, "right": right, "named": named, "id": "new"} | changes
    return dataclasses.replace(plan.dialogues[0], **changes)


def replies(plan, one, *, draws=300):
    """The lists that one dialogue can become, each as names in order, with how often it did."""
    alike = Alike(plan.dialogues)
    drawn = [lesson(one, alike, plan.catalogue, chance=random.Random(seed))[1] for seed in range(draws)]
    return Counter(tuple(line.split(". ")[1].split(" (")[0] for line in reply.splitlines()) for reply in drawn)


def test_a_lesson_is_a_prompt_and_a_numbered_list_with_each_film_once(plan):
    asked, reply = lesson(plan.dialogues[2], Alike(plan.dialogues), plan.catalogue, chance=random.Random(0))
    assert asked == request("User: Hi, I look for space horror", count=TAUGHT)
    numbers, titles = zip(*(line.split(". ") for line in reply.splitlines()), strict=True)
    assert numbers == ("1", "2", "3")
    assert sorted(titles) == sorted(["Alien (1979)", "Heat (1995)", "Amelie (2001)"])


def test_what_was_named_what_was_right_and_what_was_right_in_dialogues_like_it_come_first_as_often(plan):
    turns = (("User", "I liked Amelie (2001), space horror"), ("Recommender", "Heat (1995)"))
    named = had(plan, turns, ((1, ("0",)),), ("0",))
    found = replies(plan, named)
    assert found.keys() == {("Heat", "Amelie", "Alien"), ("Amelie", "Heat", "Alien"), ("Alien", "Heat", "Amelie")}
    assert all(count == pytest.approx(100, abs=35) for count in found.values())


def test_of_what_comes_first_any_comes_first(plan):
    turns = (("User", "I liked Amelie (2001) and Heat (1995)"), ("Recommender", "Alien (1979)"))
    named = had(plan, turns, ((1, ("1",)),), ("1",), id="1")
    assert replies(plan, named).keys() == {
        ("Alien", "Heat", "Amelie"),  # the one named last before the one named first
        ("Heat", "Amelie", "Alien"),
        ("Amelie", "Heat", "Alien"),
    }
    two = had(plan, (("User", "Well"), turns[1]), ((1, ("1",)),), ("1", "0"), id="1")
    assert replies(plan, two).keys() == {("Alien", "Heat"), ("Heat", "Alien")}


def test_what_the_seeker_does_not_like_is_not_in_the_list(plan):
    turns = (("User", "space horror"), ("Recommender", "Heat (1995)"), ("User", "I hate Alien (1979)"))
    one = had(plan, turns, ((1, ("0",)),), ("0",))
    assert any("Alien" in names for names in replies(plan, one))
    assert not any("Alien" in names for names in replies(plan, dataclasses.replace(one, disliked=frozenset({"1"}))))


def test_a_list_has_as_many_films_as_its_prompt_asks_for(plan, monkeypatch):
    monkeypatch.setattr(recommendation, "TAUGHT", 2)
    turns = (("User", "I liked Amelie (2001) and Jaws (1975)"), ("Recommender", "Heat (1995), Alien (1979)"))
    many = had(plan, turns, ((1, ("0", "1")),), ("0", "1"), id="1")
    assert replies(plan, many).keys() == {("Heat", "Alien"), ("Alien", "Heat")}


def test_few_of_what_was_right_in_dialogues_like_it_come_first(plan, monkeypatch):
    turns = (("User", "space horror, romance in Paris"), ("Recommender", "Heat (1995)"))
    one = had(plan, turns, ((1, ("0",)),), ("0",))
    assert {names[0] for names in replies(plan, one)} == {"Heat", "Alien", "Amelie"}
    monkeypatch.setattr(recommendation, "CLOSEST", 1)
    found = {names[0] for names in replies(plan, one)}
    assert len(found) == 2
    assert "Heat" in found


def test_a_lesson_names_again_what_was_named_and_each_once(plan):
    turns = (("User", "I liked Heat (1995)"), ("Recommender", "Heat (1995) is great, or Alien (1979)"))
    again = had(plan, turns, ((1, ("0", "1")),), ("1",))
    assert replies(plan, again).keys() == {("Heat", "Alien"), ("Alien", "Heat")}


def test_a_lesson_names_again_the_last_few_that_its_prompt_shows(plan, monkeypatch):
    monkeypatch.setattr(recommendation, "AGAIN", 1)
    said = ("User", "I liked Heat (1995), and Amelie (2001) most")
    turns = (said, ("Recommender", "Alien (1979)"))
    named = had(plan, turns, ((1, ("1",)),), ("1",), id="1")
    assert replies(plan, named).keys() == {("Alien", "Amelie"), ("Amelie", "Alien")}
    hated = dataclasses.replace(named, disliked=frozenset({"2"}))
    assert replies(plan, hated).keys() == {("Alien", "Heat"), ("Heat", "Alien")}
    turns = (said, ("User", "well " * 120), ("Recommender", "Alien (1979)"))
    long_ago = had(plan, turns, ((2, ("1",)),), ("1",), id="1")
    assert replies(plan, long_ago).keys() == {("Alien",)}


def test_what_only_looks_like_a_title_is_not_named_again(plan):
    turns = (("User", "I liked Heat (1995), not what is on in Brazil (1985)"), ("Recommender", "Alien (1979)"))
    one = had(plan, turns, ((1, ("1",)),), ("1",), named=(("0",), ("1",)), id="1")
    assert replies(plan, one).keys() == {("Alien", "Heat"), ("Heat", "Alien")}
    nothing = dataclasses.replace(one, named=((), ("1",)))  # Heat is what was right in the dialogue most like it
    assert {names[0] for names in replies(plan, nothing)} == {"Alien", "Heat"}
    assert not any("Brazil" in names for names in replies(plan, nothing))


def test_both_measures_for_every_method_and_each_round(plan, subject, tmp_path):
    found = run(plan, subject, tmp_path / "out")
    assert found.rankings["free_text"].keys() == {"base", *COUNTED, "ours", "ours, round 1"}
    assert found.rankings["likelihood"].keys() == {"base", *COUNTED, "ours"}
    assert found.rankings["free_text"]["base"] == {at: ["3", "1"] for at in range(3)}  # only films, in order
    assert found.rankings["free_text"]["popularity"][0] == ["0", "1", "2"]
    assert found.rankings["free_text"]["bm25"][2][0] == "2"
    for ranking in found.rankings["likelihood"].values():
        assert {frozenset(ids) for ids in ranking.values()} == {frozenset("012")}
        assert list(ranking) == [0, 2]
    assert [r["dialogues"] for r in found.rounds] == [2, 2]
    assert [r["version"] for r in found.rounds] == [1, 2]
    assert "Recommend 20 films" in subject.asked[0]
    assert "User: Hi, something exciting please" in subject.asked[0]


def test_it_goes_on_where_it_ended(plan, subject, tmp_path):
    whole = run(plan, subject, tmp_path / "whole")
    parts = 0
    while parts < 30:
        parts += 1
        budget = iter([True] * 2 + [False] * 50)
        found = run(plan, subject, tmp_path / "parts", more=lambda budget=budget: next(budget))
        if len(found.rounds) == 2 and "ours" in found.rankings["likelihood"]:
            break
    assert parts > 2
    assert found.rankings["likelihood"] == whole.rankings["likelihood"]
    assert [r["held"] for r in found.rounds] == [r["held"] for r in whole.rounds]
    lines = (tmp_path / "parts" / "answers.jsonl").read_text().splitlines()
    keys = [(row["way"], row["prompt"]) for row in map(json.loads, lines)]
    assert len(keys) == len(set(keys))  # nothing is asked twice
    asked = len(subject.asked)
    run(plan, subject, tmp_path / "parts")
    assert len(subject.asked) == asked


def test_an_answer_that_was_cut_off_is_asked_again(plan, subject, tmp_path):
    whole = run(plan, subject, tmp_path)
    kept = (tmp_path / "answers.jsonl").read_text()
    (tmp_path / "answers.jsonl").write_text(kept[:-9])
    asked = len(subject.asked)
    again = run(plan, subject, tmp_path)
    assert again.rankings == whole.rankings
    assert len(subject.asked) == asked  # the last one was an order by likelihood
    assert (tmp_path / "answers.jsonl").read_text() == kept


def test_a_round_that_was_learned_but_not_written_down_is_not_learned_again(plan, subject, tmp_path, monkeypatch):
    whole = run(plan, subject, tmp_path / "whole")
    real = recommendation.write_whole

    def killed(file, text):
        raise KeyboardInterrupt

    monkeypatch.setattr(recommendation, "write_whole", killed)
    with pytest.raises(KeyboardInterrupt):
        run(plan, subject, tmp_path / "cut")
    monkeypatch.setattr(recommendation, "write_whole", real)
    found = run(plan, subject, tmp_path / "cut")
    assert found.rankings == whole.rankings
    for one, other in zip(found.rounds, whole.rounds, strict=True):
        assert one.keys() == other.keys()
        assert {k: v for k, v in one.items() if k != "seconds"} == {k: v for k, v in other.items() if k != "seconds"}
    assert [r["steps"] > 0 for r in found.rounds] == [True, True]


def test_no_dialogue_is_learned_in_two_rounds(plan, subject, tmp_path, monkeypatch):
    learned, real = [], Learner.lesson

    def lesson(self, episode, **options):
        learned.append([turn.id for turn in episode.turns])
        return real(self, episode, **options)

    monkeypatch.setattr(Learner, "lesson", lesson)
    strict = dataclasses.replace(SETTINGS.verify, hold=1.0)
    run(dataclasses.replace(plan, settings=dataclasses.replace(SETTINGS, verify=strict)), subject, tmp_path)
    assert learned == [[1, 2], [3, 4]]


def test_other_ways_to_learn_are_asked_the_same(plan, subject, tmp_path):
    found = run(dataclasses.replace(plan, baselines=("ft-context", "ft-sentences")), subject, tmp_path / "out")
    for name in ("ft-context", "ft-sentences"):
        assert len(found.rankings["free_text"][name]) == 3
        assert len(found.rankings["likelihood"][name]) == 2
    assert found.rankings["likelihood"]["ft-sentences"] != {} != found.rankings["likelihood"]["base"]
    kept = json.loads((tmp_path / "out" / "baselines.json").read_text("utf-8"))
    assert kept == found.others == as_json(plan, found, model="tiny")["baselines"]
    header, rows = tables(plan, found)[-1]
    assert header == ["baseline", "rate", "its nats a token of a quarter, with another learned", "steps", "drift, nats"]
    for name, row in zip(("ft-context", "ft-sentences"), rows, strict=True):
        assert list(kept[name]["rates"])[:4] == [f"{rate:g}" for rate in RATES]
        assert kept[name]["chosen_on"].startswith("a quarter of the dialogues is learned in a quarter of the steps")
        assert kept[name]["drift"] > 0
        best = min(kept[name]["rates"], key=kept[name]["rates"].get)
        assert kept[name]["rate"] == float(best)
        assert kept[name]["steps"] == sum(r["steps"] for r in found.rounds)
        steps = str(kept[name]["steps"])
        assert row == [name, best, f"{kept[name]['rates'][best]:.3f}", steps, f"{kept[name]['drift']:.3f}"]


def test_rates_that_were_tried_are_not_tried_again(plan, subject, tmp_path, monkeypatch):
    plan = dataclasses.replace(plan, baselines=("ft-sentences",))
    learned, real = [], Baseline.delta

    def learn(self, model, given, *, rate, progress):
        learned.append((rate, given.steps))
        if len(learned) == 3:
            raise KeyboardInterrupt
        return real(self, model, given, rate=rate, progress=progress)

    monkeypatch.setattr(Baseline, "delta", learn)
    with pytest.raises(KeyboardInterrupt):
        run(plan, subject, tmp_path / "cut")
    found = run(plan, subject, tmp_path / "cut")
    steps = sum(r["steps"] for r in found.rounds)
    part = max(1, round(steps / 4))
    tried = [(float(rate), part) for rate in found.others["ft-sentences"]["rates"]]
    assert [rate for rate, _ in tried[:4]] == list(RATES)
    assert learned == [*tried[:3], *tried[2:], (found.others["ft-sentences"]["rate"], steps)]
    assert run(plan, subject, tmp_path / "cut").rankings == found.rankings
    assert len(learned) == len(tried) + 2


def test_a_rate_that_is_the_only_one_is_not_looked_for(plan, subject, tmp_path, monkeypatch):
    learned = []

    def learn(self, model, given, *, rate, progress):
        learned.append((rate, given.steps))
        return Delta({})

    monkeypatch.setattr(Baseline, "delta", learn)
    plan = dataclasses.replace(plan, baselines=("published",))
    found = run(plan, subject, tmp_path / "out")
    assert learned == [(2e-5, sum(r["steps"] for r in found.rounds))]
    assert tables(plan, found)[-1][1] == [["published", "2e-05", "-", str(learned[0][1]), "0.000"]]


def test_a_baseline_without_anything_to_learn_is_not_run_and_says_so(plan, subject, tmp_path, monkeypatch):
    monkeypatch.setattr(Engine, "studied", lambda self: [])
    plan = dataclasses.replace(plan, baselines=("ft-sentences",))
    found = run(plan, subject, tmp_path / "out")
    assert found.others["ft-sentences"]["not_run"].startswith("nothing was taught: the memory has no questions for")
    assert "ft-sentences" not in found.rankings["free_text"]
    assert json.loads((tmp_path / "out" / "baselines.json").read_text("utf-8")) == found.others


def test_figures_and_tables(plan, subject, tmp_path):
    found = run(plan, subject, tmp_path / "out")
    values = json.loads(json.dumps(as_json(plan, found, model="tiny")))
    assert values["free_text"]["recall@10"]["base"] == pytest.approx(1 / 3)  # of Heat, Alien and Amelie only Alien
    assert values["free_text"]["recall@10"]["popularity"] == 1.0
    assert values["free_text"]["p_ours_vs_base"] == values["free_text"]["p_ours_vs_base_unseen"] == 1.0
    assert values["likelihood"]["recall@10"].keys() == {"base", *COUNTED, "ours"}
    assert (values["likelihood"]["prompts"], values["free_text"]["targets"]) == (2, 3)
    assert values["free_text"]["scores"]["bm25"]["new, seen left out"]["recall@20"]["mean"] == 1.0
    first, conditions, second, _, apart, written, rounds = tables(plan, found)
    assert (first[0][0], second[0][0]) == ("free text", "likelihood")
    assert headline(plan, found, model="tiny") == (
        "tiny: 2 of 2 rounds of 4 dialogues learned; free text 3 prompts with 3 targets, "
        "likelihood 2 prompts with 2 targets, of which 2 are among the 3 candidates"
    )
    assert [r[0] for r in first[1]] == ["base", *COUNTED, "ours, round 1", "ours"]
    row = dict(zip(first[0], next(r for r in first[1] if r[0] == "base"), strict=True))
    assert row["R@10, %"] == "33.3 ± 27.2"  # one hit of three dialogues: sqrt(6) / 9
    assert row["p, ours"] == "1.0000"
    assert conditions[0] == ["free text, R@10, %", "new", "new, rest out", "named", "p, new"]
    base = next(r for r in conditions[1] if r[0] == "base")
    assert base == ["base", "33.3 ± 27.2", "33.3 ± 27.2", "-", "1.0000"]
    # Of two of three dialogues alone popularity finds the target: sqrt(6) / 9 as well.
    assert apart[1][1] == ["popularity, free text", "-66.7 [-120.0, -13.3]", "-66.7 [-120.0, -13.3]"]
    assert written[1] == [[name, "2.0", "0.0"] for name in ("base", "ours, round 1", "ours")]
    assert [(r[0], r[2]) for r in rounds[1]] == [("1", "yes"), ("2", "yes")]


def test_p_and_differences_are_also_of_what_is_new(plan, subject, tmp_path):
    turns = (("User", "I liked Alien (1979), is there more?"),)
    again = dataclasses.replace(plan.prompts[1], turns=turns)
    plan = dataclasses.replace(plan, prompts=[plan.prompts[0], again, plan.prompts[2]])
    found = run(plan, subject, tmp_path / "out")
    found = dataclasses.replace(
        found, rankings={**found.rankings, "free_text": {**found.rankings["free_text"], "base": {0: [], 1: [], 2: []}}}
    )
    here = json.loads(json.dumps(as_json(plan, found, model="tiny")))["free_text"]
    assert here["difference"]["base"]["mean"] == pytest.approx(1 / 3)  # Alien again
    assert here["difference"]["base"]["low"] < 1 / 3 < here["difference"]["base"]["high"]
    assert here["difference_new"]["base"] == {"mean": 0.0, "low": 0.0, "high": 0.0, "targets": 2}
    header, rows = tables(plan, found)[1]
    shown = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
    # Ours finds Alien, which its dialogue has named, and neither Heat nor Amelie, which theirs have not.
    assert (shown["ours"]["named"], shown["ours"]["new"]) == ("100.0 ± -", "0.0 ± 0.0")
    assert (shown["base"]["named"], shown["base"]["new"]) == ("0.0 ± -", "0.0 ± 0.0")
    assert here["p_ours_vs_new"].keys() == here["p_ours_vs"].keys() == here["difference"].keys()
    assert here["p_ours_vs_new"]["base"] == here["p_ours_vs_base_unseen"] == 1.0
    assert here["items_a_list"] == {"base": 0.0, "ours, round 1": 2.0, "ours": 2.0}
    assert here["without_items"] == {"base": 1.0, "ours, round 1": 0.0, "ours": 0.0}
    assert found.rankings["free_text"]["repeat"][1] == ["1", "0", "2"]


def test_what_needs_no_model_is_ranked_for_all_prompts_and_long_enough(plan, subject, tmp_path, monkeypatch):
    monkeypatch.setattr(recommendation, "COUNT", 2)
    turns = (("User", "I liked Heat (1995)"),)
    named = dataclasses.replace(plan.prompts[0], turns=turns)
    plan = dataclasses.replace(plan, prompts=[named], everything=[*plan.prompts, named], candidates=1, scored=1)
    found = run(plan, subject, tmp_path / "out", more=lambda: False)
    assert found.rankings["free_text"]["popularity"][0] == ["0", "1", "2"]
    assert found.counted["popularity"] == [["0", "1"]] * 3 + [["0", "1", "2"]]
    values = json.loads(json.dumps(as_json(plan, found, model="tiny")))
    assert values["counted"].keys() == {"prompts", "targets", "recall@10"}
    assert (values["counted"]["prompts"], values["counted"]["targets"]) == (4, 4)
    assert values["counted"]["recall@10"]["popularity"] == {"mean": 0.75, "error": pytest.approx(0.234, abs=1e-3)}
    assert values["counted"]["recall@10"].keys() == {*COUNTED}
    assert values["likelihood"]["targets_among_candidates"] == 1
    header, rows = tables(plan, found)[-1]
    assert header == ["all 4 prompts", "R@10, %"]
    assert rows[0] == ["popularity", "75.0 ± 23.4"]  # two of the four are of one dialogue


def test_what_a_model_wrote_is_kept_beside_what_was_read(plan, subject, tmp_path):
    run(plan, subject, tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text("utf-8").splitlines()]
    texts = {row["way"]: row.get("text") for row in rows}
    assert texts["free_text/base"] == "1. Jaws (1975)\n2. Alien (1979)\nthese are films"
    assert texts["likelihood/base"] is None


def test_a_round_that_was_refused_is_not_called_learned(plan, subject, tmp_path):
    settings = Settings.from_mapping({"verify": {"max_drift": 1e-12, "max_total_drift": 1e-12}})
    found = run(dataclasses.replace(plan, settings=settings), subject, tmp_path / "out")
    assert [r["version"] for r in found.rounds] == [None, None]
    assert headline(plan, found, model="tiny").startswith(
        "tiny: 0 of 2 rounds of 4 dialogues learned (2 refused); free"
    )
    assert [r[2] for r in tables(plan, found)[-1][1]] == ["refused", "refused"]


def test_titles_are_ordered_up_to_their_year_and_those_with_one_name_with_it():
    titles = ("Heat (1995)", "Up", "Birdman (Or Not) (2014)", "It (2017)", "It (1990)", "Up (2009)")
    begun = [" Heat (", " Up\n", " Birdman (Or Not) (", " It (2017)\n", " It (1990)\n", " Up ("]
    assert recommendation._beginnings(titles) == begun


def test_before_anything_is_learned_there_is_no_p(plan, subject, tmp_path):
    found = run(plan, subject, tmp_path / "out", more=lambda: False)
    values = as_json(plan, found, model="tiny")
    assert values["free_text"]["recall@10"].keys() == {*COUNTED}
    assert values["free_text"]["p_ours_vs_base"] is None
    assert isinstance(plan.catalogue, Catalogue)
