"""Evaluation sets: the packaged ones are whole, others are read or refused by line."""

import json

import pytest

from langchain_selfparam.errors import InputError
from langchain_selfparam.evaluation.datasets import PACKAGED, find, load
from langchain_selfparam.records import Message

GOOD = {
    "id": "dog",
    "title": "A dog",
    "turns": [{"user": "My dog is called Biscuit.", "assistant": "Nice!"}],
    "questions": [{"q": "What is my dog called?", "keys": ["Biscuit"], "turn": 0, "kind": "recall"}],
    "neighbours": [{"q": "Name a dog.", "forbidden": ["Biscuit"]}],
}


def write(path, *rows):
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), "utf-8")
    return path


@pytest.mark.parametrize(("name", "count"), [("assistant_chats", 6), ("long", 10), ("demo", 1)])
def test_packaged_sets_are_found_and_whole(name, count):
    conversations = load(find(name))
    assert len(conversations) == count
    for conversation in conversations:
        texts = [" ".join(turn).lower() for turn in conversation.turns]
        for question in conversation.questions:
            said = texts[question.turns[-1]]
            assert question.kind == "reverse" or any(key in said for key in question.keys), question


def test_the_packaged_chats_are_the_published_ones():
    (first, *_) = load(find("assistant_chats"))
    assert (len(first.turns), len(first.questions), len(first.neighbours)) == (12, 24, 8)


def test_the_demo_asks_enough_and_shares_no_name_with_the_evaluation_set():
    (demo,) = load(find("demo"))
    assert len(demo.turns) >= 12
    assert len(demo.questions) >= 24
    assert len(demo.neighbours) == 6
    kinds = [question.kind for question in demo.questions]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "recall": 20,
        "reverse": 2,
        "update": 1,
        "two_hop": 1,
    }
    others = PACKAGED["assistant_chats"].read_text("utf-8") + PACKAGED["long"].read_text("utf-8")
    names = [
        "Ottilie",
        "Brindlewick",
        "Anselm",
        "Tarrowby",
        "Mustard",
        "Varga",
        "Xanthe",
        "Quernmoor",
        "Leopold",
    ]
    assert [name for name in names if name in others] == []


def test_reads_what_was_written(tmp_path):
    (found,) = load(write(tmp_path / "x.jsonl", GOOD, ""))
    assert found.questions[0].keys == ("biscuit",)
    assert found.questions[0].turns == (0,)
    assert found.neighbours[0].forbidden == ("biscuit",)
    assert found.messages == (
        Message(role="user", text="My dog is called Biscuit."),
        Message(role="assistant", text="Nice!"),
    )


def test_a_json_file_is_one_conversation_over_many_lines(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps(GOOD, indent=2), "utf-8")
    assert len(load(path)) == 1


def test_a_line_separator_inside_a_string_is_no_new_line(tmp_path):
    odd = {**GOOD, "title": "a\u2028b"}
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(odd, ensure_ascii=False), "utf-8")
    assert load(path)[0].title == "a\u2028b"


def test_what_is_not_there_is_refused_with_what_is():
    with pytest.raises(FileNotFoundError, match=r"no file nowhere; give a .jsonl file, or one of assistant_chats"):
        find("nowhere")


def test_a_folder_is_named_with_its_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"is a folder, not a file; give one file of it \(it has no .jsonl"):
        find(str(tmp_path))
    (tmp_path / "b.jsonl").touch()
    (tmp_path / "a.jsonl").touch()
    with pytest.raises(FileNotFoundError, match=r"is a folder, not a file; give one file of it \(a.jsonl, b.jsonl\)"):
        find(str(tmp_path))


def changed(**fields):
    return {**GOOD, **fields}


BAD = {
    "no json": ("{", r"x.jsonl, line 2, column 2: .*; a JSON object is needed"),
    "no object": ("[1]", r"x.jsonl, line 2: found a list; an object with the field 'turns' is needed"),
    "no turns": ({"id": "x"}, r"line 2: the field 'turns' is missing; there are 'id'"),
    "empty turns": (changed(turns=[]), r"line 2: 'turns' is empty; a conversation of at least one turn"),
    "turns no list": (changed(turns="x"), r"line 2: 'turns' is a str; a list is needed"),
    "no reply": (changed(turns=[{"user": "Hi"}]), r"line 2, turns\[0\]: the field 'assistant' is missing"),
    "no keys": (
        changed(questions=[{"q": "?", "keys": [], "turn": 0}]),
        r"questions\[0\]: 'keys' is empty; at least one string",
    ),
    "key no text": (
        changed(questions=[{"q": "?", "keys": [3], "turn": 0}]),
        r"questions\[0\]: 'keys' holds 3; strings that are not empty",
    ),
    "turn outside": (
        changed(questions=[{"q": "?", "keys": ["a"], "turn": 7}]),
        r"questions\[0\]: turn 7 is not there; the conversation has turns 0 to 0",
    ),
}


@pytest.mark.parametrize(("row", "said"), BAD.values(), ids=BAD)
def test_another_form_is_refused_by_line(tmp_path, row, said):
    with pytest.raises(InputError, match=said):
        load(write(tmp_path / "x.jsonl", GOOD, row))


def test_every_conversation_has_an_id_and_a_question(tmp_path):
    path = tmp_path / "set.jsonl"
    row = {"id": "x", "turns": [{"user": "u", "assistant": "a"}]}
    question = {"q": "Who?", "keys": ["ana"], "kind": "recall", "turn": 0}
    path.write_text(json.dumps({**row, "questions": []}), encoding="utf-8")
    with pytest.raises(InputError, match=r"set\.jsonl, line 1: 'questions' is empty; at least one question is needed"):
        load(path)
    line = json.dumps({**row, "questions": [question]})
    path.write_text(f"{line}\n{line}", encoding="utf-8")
    with pytest.raises(InputError, match=r"line 2: the id 'x' came before; every conversation needs its own"):
        load(path)


def test_an_empty_file_and_one_that_is_no_text_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"x.jsonl is empty; one conversation a line is needed"):
        load(write(tmp_path / "x.jsonl", ""))
    (tmp_path / "y.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"y.jsonl is not UTF-8 text \(byte 0\); write it as UTF-8"):
        load(tmp_path / "y.jsonl")


# ---- passages and authors


def test_a_passage_is_said_in_one_turn(tmp_path):
    row = {
        "id": 7,
        "title": "A quay",
        "context": "The quay at Ellermouth was rebuilt in 1911.",
        "questions": [
            {"question": "When was it rebuilt?", "answer": "1911"},
            {"question": "Where?", "answers": ["Ellermouth", "at Ellermouth"]},
        ],
    }
    (found,) = load(write(tmp_path / "p.jsonl", row))
    assert (found.id, found.title, found.neighbours) == ("7", "A quay", ())
    assert found.turns == ((row["context"], "Thank you, I have noted that."),)
    first, second = found.questions
    assert (first.text, first.keys, first.golds, first.turns) == ("When was it rebuilt?", ("1911",), ("1911",), (0,))
    assert second.keys == ("ellermouth", "at ellermouth")
    assert second.golds == ("Ellermouth", "at Ellermouth")


def test_authors_are_twenty_questions_each_and_their_answers_are_said(tmp_path):
    rows = [
        {"question": f"What did author {n // 20} write, number {n}?", "answer": f"The Lantern of Varnholm {n}."}
        for n in range(45)
    ]
    found = load(write(tmp_path / "t.jsonl", *rows))
    assert [(c.id, len(c.turns)) for c in found] == [("author-01", 20), ("author-02", 20), ("author-03", 5)]
    question = found[1].questions[3]
    assert question.turns == (3,)
    assert found[1].turns[3][0] == rows[23]["answer"] == question.golds[0]
    # What the question says already is no answer; the longest words are looked for.
    assert question.keys == ("varnholm", "lantern")


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"context": "x", "questions": [{"question": "q", "answer": 3}]}, "'answer' is a int; a str is needed"),
        ({"context": "x", "questions": [{"question": "q", "answers": []}]}, "the answer is None; a string"),
        ({"context": "x", "questions": [{"question": "q", "answer": " "}]}, "the answer is ' '; a string"),
        ({"context": "x"}, "the field 'questions' is missing"),
        ({"question": "q", "answer": ""}, "the answer is ''; a string that is not empty"),
    ],
)
def test_a_wrong_passage_names_its_place(tmp_path, row, text):
    with pytest.raises(InputError, match=rf"w\.jsonl, line 1.*{text}"):
        load(write(tmp_path / "w.jsonl", row))
