"""ReDial's files are read: what was right, what is asked, and items without the actors beside them."""

import json

import pytest
from recommending import TITLES, dialogue, prompt, write

from langchain_selfparam.errors import InputError
from langchain_selfparam.evaluation.redial import load_items, load_test, load_train, spoken


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path, dialogues=[dialogue(1, 0)], prompts=[prompt(1, 0)])


def test_items_are_read_without_what_else_is_known(tmp_path):
    names = {"<http://x.org/resource/Heat_(1995_film)>": 7, "<http://x.org/resource/Al_Pacino>": 8}
    (tmp_path / "entity2id.json").write_text(json.dumps(names))
    (tmp_path / "item_ids.json").write_text("[7]")
    for file in ("entity2id.json", "item_ids.json"):
        catalogue = load_items(tmp_path / file)
        assert {i: one.title for i, one in catalogue.by_id.items()} == {"7": "Heat (1995)"}
    (tmp_path / "item_ids.json").unlink()
    with pytest.raises(InputError, match=r"item_ids\.json is missing; items are read from item_ids\.json with"):
        load_items(tmp_path / "entity2id.json")


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
    assert found[0].mentioned == ("0", "1", "3", "5")
    assert found[0].turns[0] == ("User", "Hi, I look for something exciting")


def test_prompts_have_what_was_recommended_next(folder):
    rows = [prompt(1, 0), prompt(2, 77), {**prompt(3, 1), "rec": [1, 1, 77, 2]}]
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = load_test(folder / "test.jsonl", load_items(folder / "items.jsonl"))
    assert [(p.id, p.gold) for p in found] == [("t1", ("0",)), ("t3", ("1", "2"))]
    assert found[0].text == "User: Hi, something exciting please"


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
        InputError, match=r"train\.jsonl, line 1: dialog_id, input, rec is missing; found conversation_id"
    ):
        load_test(folder / "train.jsonl", catalogue)
