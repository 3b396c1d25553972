"""Two runs are compared over the questions that both asked."""

import json

import pytest

from langchain_selfparam.errors import InputError
from langchain_selfparam.evaluation import compare


def single(path, **right):
    """A file of ``eval single``; ``a="+-"``: of two questions of conversation a the first was answered right."""
    rows = [
        {
            "id": name,
            "seed": 0,
            "variant": "",
            "questions": [
                {"question": f"{name} {n}?", "right": {"after": mark == "+"}} for n, mark in enumerate(marks)
            ],
        }
        for name, marks in right.items()
    ]
    path.write_text(json.dumps({"conversations": rows}), encoding="utf-8")
    return path


def test_differences_are_counted_question_by_question(tmp_path):
    one, other = single(tmp_path / "1.json", a="++--", b="+"), single(tmp_path / "2.json", b="-", a="+-++", c="+")
    found = compare.compare(one, other)
    assert (found.questions, found.gained, found.lost) == (5, 2, 2)
    assert (found.first.mean, found.second.mean, found.difference.mean) == pytest.approx((0.6, 0.6, 0.0))
    assert found.p == 1.0
    assert compare.compare(one, one).difference.high == 0.0
    text = dict(compare.rows(found))
    assert text["questions that both asked"] == "5"
    assert text["right only in the second, only in the first"] == "2, 2"
    assert text["first, right (95 % interval over conversations)"].startswith("60.0 % (")


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
    found = compare.compare(path, single(tmp_path / "1.json", a="++", b="+"))
    assert (found.questions, found.gained, found.lost) == (2, 1, 0)  # b was never learned


def test_runs_over_other_questions_cannot_be_compared(tmp_path):
    with pytest.raises(InputError, match="have no question in common; compare runs over the same data"):
        compare.compare(single(tmp_path / "1.json", a="+"), single(tmp_path / "2.json", b="+"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"conversations": [{"id": "a"}]}'])
def test_another_file_is_refused(tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"other\.json is not what `selfparam eval` wrote"):
        compare.compare(path, path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"gone\.json is not what"):
        compare.compare(tmp_path / "gone.json", tmp_path / "gone.json")
