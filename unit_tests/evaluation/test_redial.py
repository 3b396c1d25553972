"""ReDial's files are read: what was right, what is asked, and items without the actors beside them."""

import json
import re
from pathlib import Path

import pytest
from recommending import TITLES, dialogue, prompt, write

from langchain_selfparam.errors import InputError
from langchain_selfparam.evaluation.redial import (
    ITEM_LINE,
    TEST_LINE,
    TRAIN_LINE,
    files_of_items,
    load_items,
    load_test,
    load_train,
    read_test,
    read_train,
    spoken,
)


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path, dialogues=[dialogue(1, 0)], prompts=[prompt(1, 0)])


def test_items_are_read_without_what_else_is_known(tmp_path):
    names = {"<http://x.org/resource/Heat_(1995_film)>": 7, "<http://x.org/resource/Al_Pacino>": 8}
    (tmp_path / "entity2id.json").write_text(json.dumps(names))
    (tmp_path / "item_ids.json").write_text("[7]")
    for file in ("entity2id.json", "item_ids.json", ""):
        catalogue = load_items(tmp_path / file)
        assert {i: one.title for i, one in catalogue.by_id.items()} == {"7": "Heat (1995)"}
    (tmp_path / "item_ids.json").unlink()
    with pytest.raises(InputError, match=r"item_ids\.json is missing; items are read from item_ids\.json with"):
        load_items(tmp_path / "entity2id.json")


@pytest.mark.parametrize("name", ["films.json", "items.csv", "item_ids.jsn", "nowhere", "inside"])
def test_items_are_read_from_no_other_file_than_the_one_that_was_named(tmp_path, name):
    (tmp_path / "entity2id.json").write_text(json.dumps({"<http://x.org/resource/Heat_(1995_film)>": 7}))
    (tmp_path / "item_ids.json").write_text("[7]")
    (tmp_path / "films.json").write_text("[8]")
    (tmp_path / "inside").mkdir()
    missing = {"inside": r"inside/item_ids\.json is missing"}.get(name, rf"{re.escape(name)} is no file of items")
    with pytest.raises(
        InputError, match=rf"{missing}; items are read from item_ids\.json with entity2id\.json beside it"
    ):
        files_of_items(tmp_path / name)
    with pytest.raises(InputError, match=r"from a folder that has both, or from a \.jsonl file$"):
        load_items(tmp_path / name)


def test_the_folder_at_hand_is_one_as_well(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^item_ids\.json is missing; items are read from"):
        load_items(Path("."))
    (tmp_path / "item_ids.json").write_text("[7]")
    (tmp_path / "entity2id.json").write_text(json.dumps({"<http://x.org/resource/Heat_(1995_film)>": 7}))
    assert len(load_items(Path("."))) == 1


def test_a_dialogue_has_points_and_what_was_right(folder):
    row = dialogue(2, 0)
    row["turns"] += [
        {
            "role": "recommender",
            "text": "Or Alien (1979), or Heat (1995) again, or Jaws (1975)",
            "movie_ids": [1, 0, 3],
        },
        {"role": "recommender", "text": "Or Nobody Knows This (1901)", "movie_ids": [99]},
        {"role": "seeker", "text": "I know Gilda (1946)", "movie_ids": [5]},
    ]
    row["movies"] |= {
        "1": {"title": "Alien (1979)", "liked": 0},
        "3": {"title": "Jaws (1975)", "liked": 2},
        "5": {"title": "Gilda (1946)", "liked": 1},
        "99": {"title": "Nobody Knows This (1901)", "liked": 1},
    }
    (folder / "train.jsonl").write_text(json.dumps(row) + "\n" + json.dumps({**row, "turns": row["turns"][:1]}) + "\n")
    found = load_train(folder / "train.jsonl", load_items(folder / "items.jsonl"))
    assert len(found) == 1  # the other recommends nothing
    assert found[0].points == ((1, ("0",)), (3, ("0", "3")))  # Alien is disliked
    assert found[0].disliked == {"1"}
    assert found[0].right == ("0", "3")
    assert found[0].named == ((), ("0",), (), ("1", "0", "3"), (), ("5",))
    assert found[0].mentioned == ("0", "1", "3", "5")
    assert found[0].turns[0] == ("User", "Hi, I look for something exciting")


def published():
    """A dialogue as ReDial publishes it, and the same in the other form."""
    messages = [
        (5, "Hi, I liked @11 and @99"),
        (9, "Then see @12!"),
        (5, "Seen it, and it was awful"),
        (9, "Or @13, by @nobody"),
    ]
    row = {
        "conversationId": "391",
        "initiatorWorkerId": 5,
        "respondentWorkerId": 9,
        "messages": [
            {"messageId": n, "timeOffset": n, "senderWorkerId": who, "text": text}
            for n, (who, text) in enumerate(messages)
        ],
        "movieMentions": {"11": "Heat (1995)", "12": "Alien (1979)", "13": "Jaws (1975)", "99": None},
        "initiatorQuestions": {"12": {"suggested": 1, "seen": 1, "liked": 0}},
        "respondentQuestions": {"12": {"liked": 1}, "13": {"suggested": 1, "seen": 0, "liked": 2}},
    }
    texts = ("Hi, I liked Heat (1995) and @99", "Then see Alien (1979)!", messages[2][1], "Or Jaws (1975), by @nobody")
    turns = [
        {"role": role, "text": text, "movie_ids": ids}
        for role, text, ids in zip(("seeker", "recommender") * 2, texts, (["11"], ["12"], [], ["13"]), strict=True)
    ]
    movies = {"11": {"title": "Heat (1995)"}, "12": {"title": "Alien (1979)", "liked": 0}}
    movies["13"] = {"title": "Jaws (1975)", "liked": 2}
    return row, {"conversation_id": "391", "turns": turns, "movies": movies}


def test_dialogues_are_read_as_redial_publishes_them(folder):
    found = []
    for row in published():
        (folder / "train.jsonl").write_text(json.dumps(row) + "\n")
        found.append(load_train(folder / "train.jsonl", load_items(folder / "items.jsonl")))
    assert found[0] == found[1]
    assert [one.right for one in found[0]] == [("3",)]
    assert found[0][0].disliked == {"1"}


def test_without_films_or_answers_redial_has_empty_lists(folder):
    row, _ = published()
    rows = [{**row, "movieMentions": []}, {**row, "initiatorQuestions": [], "respondentQuestions": []}]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (found,) = load_train(folder / "train.jsonl", load_items(folder / "items.jsonl"))
    assert (found.right, found.disliked) == (("1", "3"), frozenset())  # what nobody answered about is not disliked


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"initiatorWorkerId": ...}, r"line 1: initiatorWorkerId is missing; found conversationId, initiatorQuestions"),
        ({"messages": "Hi"}, r'line 1: messages is "Hi"; needed is a list of objects'),
        ({"messages": [{"senderWorkerId": 5}]}, r"line 1: text is null; needed is a string"),
        ({"movieMentions": "Heat"}, r'line 1: movieMentions is "Heat"; needed is an object of titles by id'),
        ({"initiatorQuestions": "no"}, r'line 1: initiatorQuestions is "no"; needed is an object of answers by id'),
    ],
)
def test_published_dialogues_of_another_form_are_refused(folder, change, message):
    row = {key: value for key, value in {**published()[0], **change}.items() if value is not ...}
    (folder / "train.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(InputError, match=message):
        load_train(folder / "train.jsonl", load_items(folder / "items.jsonl"))


def test_prompts_have_what_was_recommended_next(folder):
    rows = [prompt(1, 0), prompt(2, 77), {**prompt(3, 1), "rec": [1, 1, 77, 2]}]
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = load_test(folder / "test.jsonl", load_items(folder / "items.jsonl"))
    assert [(p.id, p.gold) for p in found] == [("t1", ("0",)), ("t3", ("1", "2"))]
    assert found[0].text == "User: Hi, something exciting please"


def test_what_is_left_out_is_counted_with_its_reason(folder):
    silent, other, disliked, old = dialogue(2, 0), dialogue(3, 0), dialogue(4, 0), dialogue(5, 0)
    silent["turns"] = silent["turns"][:1]
    other["movies"]["0"]["title"] = "Nothing Known (1901)"
    disliked["movies"]["0"]["liked"] = 0
    old["turns"][0]["movie_ids"] = ["0"]  # the seeker has named it before
    rows = [dialogue(1, 0), silent, other, disliked, old, dialogue(1, 1), dialogue(6, 1), dialogue(1, 0)]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    catalogue = load_items(folder / "items.jsonl")
    found, left = read_train(folder / "train.jsonl", catalogue)
    assert [(one.id, one.right) for one in found] == [("1", ("0",)), ("6", ("1",))]  # of three with one id the first
    assert load_train(folder / "train.jsonl", catalogue) == found
    assert left == {
        "whose turns name nothing of --items": 2,
        "without a new recommendation that is not disliked": 2,
        "with the id of an earlier one": 2,
    }
    asked = [prompt(1, 0), prompt(2, 77), prompt(3, 1)]
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in asked))
    prompts, left = read_test(folder / "test.jsonl", catalogue)
    assert load_test(folder / "test.jsonl", catalogue) == prompts
    assert ([one.id for one in prompts], left) == (["t1", "t3"], {"without an id of --items in `rec`": 1})
    (folder / "test.jsonl").write_text(json.dumps(asked[0]) + "\n")
    assert read_test(folder / "test.jsonl", catalogue)[1] == {}


def test_the_lines_that_help_shows_can_be_read(tmp_path):
    for name, line in (("items", ITEM_LINE), ("train", TRAIN_LINE), ("test", TEST_LINE)):
        (tmp_path / f"{name}.jsonl").write_text(f"{line}\n")
    catalogue = load_items(tmp_path / "items.jsonl")
    (told,) = load_train(tmp_path / "train.jsonl", catalogue)
    (asked,) = load_test(tmp_path / "test.jsonl", catalogue)
    assert told.right == asked.gold == ("70",)
    assert asked.turns == (("User", "Anything like Heat (1995)?"),)


def test_ids_of_one_film_are_one(folder):
    items = [{"id": 7, "title": "Heat (film)"}, {"id": 8, "title": "Heat (song)"}, {"id": 9, "title": "Jaws"}]
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in items))
    catalogue = load_items(folder / "items.jsonl")
    (folder / "test.jsonl").write_text(json.dumps({**prompt(1, 0), "rec": [8, 9, 7]}) + "\n")
    assert load_test(folder / "test.jsonl", catalogue)[0].gold == ("7", "9")
    assert load_train(folder / "train.jsonl", catalogue)[0].named == ((), ("7",), ())


def test_a_dialogue_may_leave_out_an_article_and_names_no_film_that_is_only_alike(folder):
    items = [{"id": 0, "title": "The Matrix (1999)"}, {"id": 1, "title": "The Machinist (2004)"}]
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in items))
    row = dialogue(1, 0)
    row["movies"] = {"0": {"title": "Matrix (1999)", "liked": 1}, "1": {"title": "The Machinists (2010)", "liked": 1}}
    row["turns"][1]["movie_ids"] = ["0", "1"]
    (folder / "train.jsonl").write_text(json.dumps(row) + "\n")
    assert load_train(folder / "train.jsonl", load_items(folder / "items.jsonl"))[0].right == ("0",)


def test_a_turn_may_be_of_several_lines_and_of_a_seeker(folder):
    text = "\nnever mind\nSEEKER: one\ntwo: three\n\nRecommender : four\nUser:\nfive\nSystem: "
    (folder / "test.jsonl").write_text(json.dumps(prompt(1, 0, text)) + "\n")
    found = load_test(folder / "test.jsonl", load_items(folder / "items.jsonl"))
    assert found[0].turns == (("User", "one two: three"), ("Recommender", "four"), ("User", "five"))
    for empty in ("", "\nSystem: "):
        (folder / "test.jsonl").write_text(json.dumps(prompt(1, 0, empty)) + "\n")
        assert load_test(folder / "test.jsonl", load_items(folder / "items.jsonl"))[0].turns == ()


def test_files_may_begin_with_a_mark_have_empty_lines_and_rare_separators(folder):
    row = json.dumps(prompt(1, 0, "User: one\u2028two\x85three"), ensure_ascii=False)
    (folder / "test.jsonl").write_bytes(b"\xef\xbb\xbf" + f"{row}\r\n\n  \n{row}\n".encode())
    assert len(load_test(folder / "test.jsonl", load_items(folder / "items.jsonl"))) == 2


def test_a_turn_without_ids_names_nothing_and_a_dialogue_may_have_no_films(folder):
    row, empty = dialogue(1, 0), dialogue(2, 0)
    del row["turns"][0]["movie_ids"]
    empty["movies"] = []
    (folder / "train.jsonl").write_text(f"{json.dumps(row)}\n{json.dumps(empty)}\n")
    found = load_train(folder / "train.jsonl", load_items(folder / "items.jsonl"))
    assert [(one.id, one.named) for one in found] == [("1", ((), ("0",), ()))]


def without_title(title):
    movie = {"liked": 1} if title is None else {"title": title}
    return {**dialogue(1, 0), "movies": {"0": movie}}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{'a'", r"line 2: it is \"\{'a'\"; needed is JSON"),
        ([1], r"line 2: it is \[1\]; needed is an object with conversation_id, turns, movies"),
        (
            {**dialogue(1, 0), "conversation_id": None},
            "line 2: conversation_id is null; needed is a string or a number",
        ),
        ({**dialogue(1, 0), "turns": None}, "line 2: turns is null; needed is a list of objects"),
        ({**dialogue(1, 0), "turns": [{"role": "bot", "text": ""}]}, 'role is "bot"; needed is seeker or recommender'),
        ({**dialogue(1, 0), "turns": [{"role": "seeker"}]}, "line 2: text is null; needed is a string"),
        (
            {**dialogue(1, 0), "turns": [{"role": "seeker", "text": "", "movie_ids": 5}]},
            "line 2: movie_ids is 5; needed is a list of ids",
        ),
        ({**dialogue(1, 0), "movies": None}, "line 2: movies is null; needed is an object of objects with `title`"),
        ({**dialogue(1, 0), "movies": {"0": 5}}, r'line 2: movies is \{"0": 5\}; needed is an object of objects'),
        (without_title(None), "line 2, movie 0: title is null; needed is a string"),
        (without_title(7), "line 2, movie 0: title is 7; needed is a string"),
    ],
)
def test_dialogues_of_another_form_are_refused(folder, row, message):
    line = row if isinstance(row, str) else json.dumps(row)
    (folder / "train.jsonl").write_text(f"{json.dumps(dialogue(1, 0))}\n{line}\n")
    with pytest.raises(InputError, match=rf"train\.jsonl, .*{message}"):
        load_train(folder / "train.jsonl", load_items(folder / "items.jsonl"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rec": None}, "rec is null; needed is a list of ids"),
        ({"rec": 7}, "rec is 7; needed is a list of ids"),
        ({"rec": [None]}, r"rec is \[null\]; needed is a list of ids"),
        ({"input": 7}, "input is 7; needed is a string"),
        ({"input": "Hi!"}, 'input is "Hi!"; needed is lines that begin with `User:` and `System:`'),
        ({"input": "x" * 99}, f'input is "{"x" * 59}…; needed is lines'),
        ({"dialog_id": [1]}, r"dialog_id is \[1\]; needed is a string or a number"),
    ],
)
def test_prompts_of_another_form_are_refused(folder, change, message):
    (folder / "test.jsonl").write_text(json.dumps(prompt(1, 0) | change) + "\n")
    with pytest.raises(InputError, match=rf"test\.jsonl, line 1: {message}"):
        load_test(folder / "test.jsonl", load_items(folder / "items.jsonl"))


def test_items_of_another_form_are_refused(tmp_path):
    (tmp_path / "items.jsonl").write_text('{"id": 1, "title": null}\n')
    with pytest.raises(InputError, match=r"items\.jsonl, line 1: title is null; needed is a string"):
        load_items(tmp_path / "items.jsonl")
    (tmp_path / "items.jsonl").write_bytes(b"\xff")
    with pytest.raises(InputError, match=r"items\.jsonl is not UTF-8 \(byte 0\); save it as UTF-8"):
        load_items(tmp_path / "items.jsonl")
    (tmp_path / "items.jsonl").write_text("\n")
    with pytest.raises(InputError, match=r"items\.jsonl has no items; give a file with at least one title"):
        load_items(tmp_path / "items.jsonl")
    for ids, names, message in (("5", "{}", "item_ids.json: it is 5; needed is a list"), ("[]", "[]", "an object of")):
        (tmp_path / "item_ids.json").write_text(ids)
        (tmp_path / "entity2id.json").write_text(names)
        with pytest.raises(InputError, match=message):
            load_items(tmp_path / "item_ids.json")


def test_files_in_which_nothing_counts_are_refused(folder):
    catalogue = load_items(folder / "items.jsonl")
    (folder / "test.jsonl").write_text(f"{json.dumps(prompt(1, 77))}\n" * 3)
    with pytest.raises(InputError, match=r"none of 3 prompts counts: in `rec` of none is an id of the 6 items; give"):
        load_test(folder / "test.jsonl", catalogue)
    silent, other = dialogue(1, 0), dialogue(2, 0)
    silent["movies"]["0"]["liked"] = 0
    other["movies"]["0"]["title"] = "Nothing Known (1901)"
    (folder / "train.jsonl").write_text(f"{json.dumps(silent)}\n{json.dumps(other)}\n")
    with pytest.raises(
        InputError, match=r"none of 2 dialogues can be learned from: 1 name nothing of the 6 items, and in 1 the recomm"
    ):
        load_train(folder / "train.jsonl", catalogue)


def test_of_a_long_dialogue_the_end_is_given():
    turns = [("User", "one two three"), ("Recommender", "four five"), ("User", "six")]
    assert spoken(turns) == "User: one two three\nRecommender: four five\nUser: six"
    assert spoken(turns, words=4) == "User: three\nRecommender: four five\nUser: six"
    assert spoken(turns, words=1) == "User: six"


def test_other_files_are_refused(folder):
    catalogue = load_items(folder / "items.jsonl")
    assert len(catalogue) == len(TITLES)
    with pytest.raises(InputError, match=r"there is no file .*nowhere\.jsonl"):
        load_test(folder / "nowhere.jsonl", catalogue)
    with pytest.raises(
        InputError,
        match=r"train\.jsonl, line 1: dialog_id, input, rec is missing; found conversation_id, movies, turns; "
        rf"a line is such as {re.escape(TEST_LINE)}$",
    ):
        load_test(folder / "train.jsonl", catalogue)
    with pytest.raises(InputError, match=rf"conversation_id, turns, movies is missing; .*{re.escape(TRAIN_LINE)}$"):
        load_train(folder / "test.jsonl", catalogue)
    with pytest.raises(InputError, match=rf"line 1: id, title is missing; .*{re.escape(ITEM_LINE)}$"):
        load_items(folder / "test.jsonl")
