"""Evaluation sets: the packaged ones are whole, others are read or refused by line."""

import json
import logging

import pytest

from langchain_selfparam.errors import InputError
from langchain_selfparam.evaluation.datasets import PACKAGED, find, load
from langchain_selfparam.evaluation.metrics import right
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
    assert right(question, "It is The Lantern of Varnholm.")
    assert not right(question, "It is The Lantern.")


def test_authors_may_be_named(tmp_path):
    rows = [{"author": name, "question": f"Who, {n}?", "answer": f"Somebody {n}"} for n, name in enumerate("abab")]
    found = load(write(tmp_path / "t.jsonl", *rows))
    assert [(c.id, [t for t, _ in c.turns]) for c in found] == [
        ("a", ["Somebody 0", "Somebody 2"]),
        ("b", ["Somebody 1", "Somebody 3"]),
    ]
    with pytest.raises(InputError, match=r"line 2: the field 'author' is missing"):
        load(write(tmp_path / "u.jsonl", rows[0], {"question": "q", "answer": "a"}))


def test_what_many_answers_have_tells_none_from_another(tmp_path):
    places = ["Ellermouth", "Quernmoor", "Tarrowby", "Varnholm", "Brindlewick"]
    rows = [{"question": "Which one?", "answer": f"An extraordinarily literary one: {p} {p[::-1]}"} for p in places]
    first, *others = load(write(tmp_path / "t.jsonl", *rows))[0].questions
    assert set(first.keys) == {"ellermouth", "htuomrelle"}
    assert right(first, rows[0]["answer"])
    assert not any(right(first, q.golds[0]) for q in others)


def said_in(tmp_path, *rows, name="p.jsonl"):
    found = load(write(tmp_path / name, *rows))
    return [(c.id, c.turns[0][0], [(q.text, q.golds) for q in c.questions]) for c in found]


QUAY, MILL = "The quay was rebuilt in 1911.", "The mill burned down."
ASKED = [("When?", ("1911",)), ("In which year?", ("1911", "in 1911"))]


@pytest.mark.parametrize(
    "answers",
    [
        lambda *texts: {"answers": {"text": [*texts, texts[0]], "answer_start": [0] * (len(texts) + 1)}},
        lambda *texts: {"answers": [{"text": text, "answer_start": 0} for text in (*texts, texts[0])]},
        lambda *texts: {"answers": list(texts)},
    ],
)
def test_questions_a_line_with_one_context_are_one_passage(tmp_path, answers):
    rows = [
        {"id": "5a", "title": "Quay", "context": QUAY, "question": "When?", **answers("1911")},
        {"id": "5b", "title": "Quay", "context": QUAY, "question": "In which year?", **answers("1911", "in 1911")},
        {"id": "5c", "title": "Mill", "context": MILL, "question": "What burned?", **answers("The mill")},
    ]
    assert said_in(tmp_path, *rows) == [("Quay-1", QUAY, ASKED), ("Mill-2", MILL, [("What burned?", ("The mill",))])]


def test_a_question_with_its_passage_is_not_one_about_an_author(tmp_path):
    rows = [{"context": QUAY, "question": "When?", "answer": "1911"}]
    assert said_in(tmp_path, *rows) == [("1", QUAY, [("When?", ("1911",))])]


def test_the_official_form_is_taken_and_counts_what_it_leaves_out(tmp_path, caplog):
    answers = [[{"text": "1911", "answer_start": 24}], [{"text": "1911"}, {"text": "in 1911"}, {"text": "1911"}]]
    qas = [{"question": text, "id": "x", "answers": a} for (text, _), a in zip(ASKED, answers, strict=True)]
    none = {"question": "By whom?", "id": "y", "answers": [], "is_impossible": True}
    guess = {"question": "Why?", "id": "z", "answers": [{"text": "fire"}], "is_impossible": True}
    paragraphs = [
        {"context": QUAY, "qas": [*qas, none]},
        {"context": MILL, "qas": [guess]},
        {"context": "x", "qas": []},
    ]
    whole = {"version": "v2.0", "data": [{"title": "Quay", "paragraphs": paragraphs}]}
    path = tmp_path / "dev.json"
    path.write_text(json.dumps(whole, indent=1), "utf-8-sig")
    with caplog.at_level(logging.WARNING):
        (found,) = load(path)
    assert (found.id, found.title, [(q.text, q.golds) for q in found.questions]) == ("Quay-1", "Quay", ASKED)
    assert "dev.json: 2 of 4 questions without an answer and 2 of 3 passages are left out" in caplog.text
    paragraphs[0]["qas"][0]["answers"] = [{"text": 3}]
    path.write_text(json.dumps(whole), "utf-8")
    with pytest.raises(InputError, match=r"line 1, data\[0\].paragraphs\[0\].qas\[0\]: the answer is 3; a string"):
        load(path)


def test_passages_without_any_answer_are_refused(tmp_path):
    row = {"context": "x", "questions": [{"question": "q", "answers": []}]}
    with pytest.raises(InputError, match=r"p\.jsonl: none of 1 passages has a question with an answer; at least one"):
        load(write(tmp_path / "p.jsonl", row))


def test_keys_of_passages_are_whole_words(tmp_path):
    row = {"context": "x", "questions": [{"question": "Which colour?", "answer": "gold"}]}
    (found,) = load(write(tmp_path / "p.jsonl", row))
    assert right(found.questions[0], "Gold, I think.")
    assert not right(found.questions[0], "The golden one.")


@pytest.mark.parametrize(
    ("gold", "key", "answer"),
    [
        ('"golden anniversary"', "golden anniversary", "the golden anniversary"),
        ("a fumble", "fumble", "It was caused by the fumble."),
        ("10.", "10", "about 10 of them"),
        ("The Panthers,", "panthers", "Panthers"),
        ("\N{LEFT DOUBLE QUOTATION MARK}In God\N{RIGHT DOUBLE QUOTATION MARK}", "in god", "It says in God we trust"),
        ("the 'Burning Man'.", "burning man", "a burning man"),
        ("an apple a day", "apple a day", "apple a day"),
    ],
)
def test_form_that_token_f1_passes_over_is_in_no_key(tmp_path, gold, key, answer):
    row = {"context": "x", "questions": [{"question": "q", "answer": gold}]}
    (question,) = load(write(tmp_path / "p.jsonl", row))[0].questions
    assert (question.keys, question.golds) == ((key,), (gold,))
    assert right(question, answer)
    assert right(question, gold)


@pytest.mark.parametrize("gold", ["The", "A", "...", '"', "a"])
def test_a_gold_that_is_nothing_but_form_is_its_own_key(tmp_path, gold):
    row = {"context": "x", "questions": [{"question": "q", "answer": gold}]}
    assert load(write(tmp_path / "p.jsonl", row))[0].questions[0].keys == (gold.lower(),)


@pytest.mark.parametrize(("gold", "answer"), [("2", "about 2.5 million"), ("308", "It was 1,308.")])
def test_a_number_is_not_within_a_longer_one(tmp_path, gold, answer):
    row = {"context": "x", "questions": [{"question": "q", "answer": gold}]}
    (question,) = load(write(tmp_path / "p.jsonl", row))[0].questions
    assert not right(question, answer)
    assert right(question, f"It was {gold}.")


@pytest.mark.parametrize("none", ["", None])
def test_a_question_whose_answer_is_empty_is_left_out_and_counted(tmp_path, caplog, none):
    row = {
        "context": QUAY,
        "questions": [{"question": "When?", "answer": "1911"}, {"question": "Why?", "answer": none}],
    }
    flat = {"context": MILL, "question": "Who?", "answer": none}
    with caplog.at_level(logging.WARNING):
        assert said_in(tmp_path, row) == [("1", QUAY, [("When?", ("1911",))])]
        asked = {"context": QUAY, "question": "When?", "answer": "1911"}
        assert said_in(tmp_path, flat, asked, name="f.jsonl") == [("2", QUAY, [("When?", ("1911",))])]
    assert "p.jsonl: 1 of 2 questions without an answer and 0 of 1 passages are left out" in caplog.text
    assert "f.jsonl: 1 of 2 questions without an answer and 1 of 2 passages are left out" in caplog.text


def test_a_json_file_may_be_a_list_and_ids_numbers(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps([{**GOOD, "id": 7}, {**GOOD, "id": "b"}]), "utf-8")
    assert [c.id for c in load(path)] == ["7", "b"]
    path.write_text(json.dumps([GOOD, {"id": "x"}]), "utf-8")
    with pytest.raises(InputError, match=r"x\.json, item 2: the field 'turns' is missing"):
        load(path)
    path.write_text("[]", "utf-8")
    with pytest.raises(InputError, match=r"x\.json is empty; one conversation a line is needed"):
        load(path)


def test_a_mark_at_the_beginning_of_a_file_is_no_text(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(GOOD), "utf-8-sig")
    assert load(path)[0].id == "dog"


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"context": "x", "questions": [{"question": "q", "answer": 3}]}, "'answer' is a int; a str is needed"),
        ({"context": "x", "questions": [{"question": "q", "answer": []}]}, "'answer' is a list; a str is needed"),
        ({"context": "x", "questions": [{"question": "q"}]}, "the field 'answer' is missing"),
        ({"context": "x", "questions": [{"question": "q", "answers": [""]}]}, "the answer is ''; a string"),
        ({"context": " ", "questions": []}, "'context' is empty; the text of a passage is needed"),
        ({"context": "x", "questions": [{"question": "q", "answers": "x"}]}, "'answers' is a str; a list is needed"),
        ({"context": "x", "questions": [{"question": "q", "answers": [{}]}]}, "the answer is None; a string"),
        ({"context": "x", "questions": [{"question": "q", "answer": " "}]}, "the answer is ' '; a string"),
        ({"context": "x"}, "the field 'questions' is missing"),
        ({"question": "q", "answer": ""}, "the answer is ''; a string that is not empty"),
    ],
)
def test_a_wrong_passage_names_its_place(tmp_path, row, text):
    with pytest.raises(InputError, match=rf"w\.jsonl, line 1.*{text}"):
        load(write(tmp_path / "w.jsonl", row))
