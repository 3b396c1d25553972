"""Two runs are compared over the questions that both asked."""

import json

import pytest

from langchain_selfparam.errors import InputError
from langchain_selfparam.evaluation import compare


def row(name, marks, *, seed=0, variant="", f1=None):
    """One outcome; marks "+-": of two questions the first was answered right."""
    questions = [{"question": f"{name} {n}?", "right": {"after": mark == "+"}} for n, mark in enumerate(marks)]
    for number, value in enumerate(f1 or ()):
        questions[number]["f1"] = {"after": value}
    return {"id": name, "seed": seed, "variant": variant, "questions": questions}


def write(path, rows):
    path.write_text(json.dumps({"conversations": rows}), encoding="utf-8")
    return path


def single(path, **right):
    """A file of ``eval single`` with an outcome for each name."""
    return write(path, [row(name, marks) for name, marks in right.items()])


def test_differences_are_counted_question_by_question(tmp_path):
    one, other = single(tmp_path / "1.json", a="++--", b="+"), single(tmp_path / "2.json", b="-", a="+-++", c="+")
    (found,) = compare.compare(one, other)
    assert (found.questions, found.conversations, found.gained, found.lost) == (5, 2, 2, 2)
    assert (found.variants, found.f1) == (("", ""), None)
    right = found.right
    assert (right.first.mean, right.second.mean, right.difference.mean) == pytest.approx((0.6, 0.6, 0.0))
    assert (right.p, right.over) == (1.0, "questions")
    assert compare.compare(one, one)[0].right.difference.high == 0.0
    text = dict(compare.rows([found]))
    assert text["questions that both asked"] == "5 of 2 conversations"
    assert text["right only in the second, only in the first"] == "2, 2"
    assert text["first, right (95 % interval over conversations)"].startswith("60.0 % (")
    assert text["p, paired test over questions"] == "1.0000"


def test_seeds_are_no_further_questions(tmp_path):
    first, second = "+" * 3 + "-" * 8, "-" * 3 + "+" * 8
    paths = [
        write(tmp_path / f"{n}-{count}.json", [row("a", marks, seed=seed) for seed in range(count)])
        for count in (1, 3)
        for n, marks in enumerate((first, second))
    ]
    (once,), (thrice,) = compare.compare(*paths[:2]), compare.compare(*paths[2:])
    assert once == thrice
    assert (once.questions, once.right.p) == (11, pytest.approx(0.2266, abs=1e-4))
    # A file with another number of seeds has the same questions.
    assert compare.compare(paths[0], paths[3]) == compare.compare(*paths[:2])


def test_six_conversations_are_exchanged_whole(tmp_path):
    one = single(tmp_path / "1.json", **dict.fromkeys("abcdef", "-----"))
    (found,) = compare.compare(one, single(tmp_path / "2.json", **dict.fromkeys("abcdef", "+++++")))
    assert (found.right.p, found.right.over) == (2 / 64, "conversations")


def test_f1_is_compared_where_every_question_has_it(tmp_path):
    one = write(tmp_path / "1.json", [row("a", "--", f1=[0.25, 0.5])])
    other = write(tmp_path / "2.json", [row("a", "--", f1=[0.5, 0.75])])
    (found,) = compare.compare(one, other)
    assert (found.f1.first.mean, found.f1.second.mean, found.f1.difference.mean) == (0.375, 0.625, 0.25)
    assert found.f1.p == 0.5
    shown = dict(compare.rows([found]))
    assert shown["p of F1, paired test over questions"] == "0.5000"
    assert compare.compare(one, single(tmp_path / "3.json", a="++"))[0].f1 is None


def test_variants_are_compared_apart(tmp_path):
    varied = write(tmp_path / "v.json", [row("a", "+-", variant="rank=8"), row("a", "++", variant="rank=9")])
    again = write(tmp_path / "w.json", [row("a", "--", variant="rank=9"), row("a", "-+", variant="rank=7")])
    plain = single(tmp_path / "p.json", a="--")
    found = compare.compare(plain, varied)
    assert [(f.variants, f.gained) for f in found] == [(("", "rank=8"), 1), (("", "rank=9"), 2)]
    assert compare.rows(found)[0] == ("variants", "as it is (first), rank=8 (second)")
    assert [f.variants for f in compare.compare(varied, again)] == [("rank=9", "rank=9")]
    assert [f.variants for f in compare.compare(varied, varied)] == [("rank=8", "rank=9")]
    third = write(tmp_path / "x.json", [row("a", "-", variant=name) for name in ("rank=1", "")])
    with pytest.raises(
        InputError, match=r"v.json has the variants rank=8, rank=9, .*x.json has rank=1, as it is; comp"
    ):
        compare.compare(varied, third)


def test_the_same_words_twice_are_two_questions(tmp_path):
    twice = row("a", "+-")
    for asked in twice["questions"]:
        asked["question"] = "Who?"
    path = write(tmp_path / "1.json", [twice])
    assert compare.compare(path, path)[0].questions == 2


def test_sequential_runs_count_as_they_stood_at_the_end(tmp_path):
    values = {
        "matrix": [[0.5]],
        "steps": [{"learned": "a"}],
        "contexts": ["a", "b"],
        "questions": [["a 0?", "a 1?"], ["b 0?"]],
        "right": [[True, False], [True]],
    }
    path = tmp_path / "s.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    (found,) = compare.compare(path, single(tmp_path / "1.json", a="++", b="+"))
    assert (found.questions, found.gained, found.lost) == (2, 1, 0)  # b was never learned
    assert found.f1 is None
    path.write_text(json.dumps(values | {"f1": [[0.25, 0.5], [None]]}), encoding="utf-8")
    other = tmp_path / "other.json"
    other.write_text(json.dumps(values | {"f1": [[0.5, 0.75], [1.0]]}), encoding="utf-8")
    (found,) = compare.compare(path, other)
    assert (found.f1.first.mean, found.f1.second.mean, found.f1.difference.mean, found.f1.p) == (
        0.375,
        0.625,
        0.25,
        0.5,
    )
    (mixed,) = compare.compare(path, write(tmp_path / "2.json", [row("a", "+-", f1=[0.25, 1.0])]))
    assert (mixed.f1.first.mean, mixed.f1.second.mean, mixed.f1.p) == (0.375, 0.625, 1.0)  # one question differs
    other.write_text(json.dumps(values | {"f1": [[0.5, None], [1.0]]}), encoding="utf-8")
    assert compare.compare(path, other)[0].f1 is None
    other.write_text(json.dumps(values), encoding="utf-8")  # as it was before F1 was kept
    assert compare.compare(path, other)[0].f1 is None


def test_runs_over_other_questions_cannot_be_compared(tmp_path):
    with pytest.raises(InputError, match="have no question in common; compare runs over the same data"):
        compare.compare(single(tmp_path / "1.json", a="+"), single(tmp_path / "2.json", b="+"))


def test_a_file_without_an_answer_is_refused(tmp_path):
    path = write(tmp_path / "1.json", [])
    with pytest.raises(InputError, match=r"1\.json has no answered question; compare runs that came to an end"):
        compare.compare(path, path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"conversations": [{"id": "a"}]}'])
def test_another_file_is_refused(tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"other\.json is not what `selfparam eval` wrote"):
        compare.compare(path, path)


def test_a_file_of_recommendations_is_refused_by_name(tmp_path):
    one, other = single(tmp_path / "1.json", a="+"), tmp_path / "films.json"
    other.write_text(json.dumps({"model": "m", "protocol": "recommend", "free_text": {}}), encoding="utf-8")
    wanted = (
        r"films\.json is of `eval recommend`, which ranks items and answers no questions; `eval compare` takes what "
        r"`eval single`, `batch` or `sequential` wrote with --json"
    )
    for files in ((one, other), (other, one)):
        with pytest.raises(InputError, match=wanted):
            compare.compare(*files)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"there is no file .*gone\.json; `eval compare` takes two that `selfparam eval`"
    ):
        compare.compare(tmp_path / "gone.json", tmp_path / "gone.json")
