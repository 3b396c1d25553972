"""A few dialogues and prompts in ReDial's form, written to files."""

import json

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
