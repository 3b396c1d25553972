"""A few dialogues and prompts in ReDial's form, written to files."""

import json

from langchain_selfparam.evaluation.recommendation import Plan
from langchain_selfparam.evaluation.redial import load_items, load_test, load_train

TITLES = ["Heat (1995)", "Alien (1979)", "Amelie (2001)", "Jaws (1975)", "Brazil (1985)", "Gilda (1946)"]


def dialogue(number, liked, asked="something exciting"):
    title = TITLES[liked]
    turns = [
        {"role": "seeker", "text": f"Hi, I look for {asked}", "movie_ids": []},
        {"role": "recommender", "text": f"Have you seen {title} ?", "movie_ids": [str(liked)]},
        {"role": "seeker", "text": "Not yet, thanks", "movie_ids": []},
    ]
    movies = {str(liked): {"title": title, "suggested": 1, "seen": 0, "liked": 1}}
    return {"conversation_id": str(number), "turns": turns, "movies": movies}


def write(folder, *, dialogues, prompts):
    folder.mkdir(parents=True, exist_ok=True)
    items = [{"id": at, "title": title} for at, title in enumerate(TITLES)]
    for name, rows in (("items", items), ("train", dialogues), ("test", prompts)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def prompt(number, gold, text="\nUser: Hi, something exciting please\nSystem: "):
    return {"dialog_id": f"t{number}", "input": text, "rec": [gold]}


def small_plan(tmp_path, settings):
    """Four dialogues in two rounds and three prompts, written and read."""
    rows = [dialogue(1, 0), dialogue(2, 0), dialogue(3, 1, "space horror"), dialogue(4, 2, "romance in Paris")]
    tests = [prompt(1, 0), prompt(2, 1, "\nUser: space horror\nSystem: "), prompt(3, 2, "\nUser: Paris\nSystem: ")]
    folder = write(tmp_path / "data", dialogues=rows, prompts=tests)
    catalogue = load_items(folder / "items.jsonl")
    return Plan(
        dialogues=load_train(folder / "train.jsonl", catalogue),
        prompts=load_test(folder / "test.jsonl", catalogue),
        catalogue=catalogue,
        rounds=2,
        scored=2,
        candidates=3,
        settings=settings,
    )
