"""What the demo and the evaluation show: text, Markdown, JSON and the picture."""

import dataclasses
import io
import json

import pytest

from langchain_selfparam.evaluation import report as reports
from langchain_selfparam.evaluation.report import Demo


@pytest.fixture
def demo(result, tmp_path):
    return Demo(
        model="tiny",
        folder=tmp_path,
        result=result,
        reopened=("Biscuit", "Friday"),
        rolled_back=("Max", "Monday"),
        seconds=200.0,
    )


def test_text_fits_a_terminal_and_says_everything(demo):
    text = reports.demo_text(demo)
    assert max(map(len, text.splitlines())) <= 100
    for line in (
        "What is my dog called?  - I do not know.  + A | dog is Biscuit.   + Your dog is called Biscuit.",
        "nothing in the prompt, before        0 of 2    0 %",
        "nothing in the prompt, after         1 of 2   50 %",
        "the same in a new process            2 of 2  100 %",
        "the same after rollback to version 0 0 of 2    0 %",
        "prompt tokens saved in every request",
        "training     60.2",
        "total        91.0",
    ):
        assert " ".join(line.split()) in " ".join(text.split()), line


def test_markdown_has_whole_answers(demo):
    text = reports.demo_markdown(demo)
    assert "| What is my dog called? | ✗ I do not know. | ✓ A \\| dog is Biscuit. | ✓ Your dog" in text
    assert "| turns held by the weights | 1 of 2 |" in text
    assert "](demo.png)" in text


def test_what_was_refused_does_not_look_served(demo):
    refused = dataclasses.replace(demo.result.report, version=None, held=(), pending=(1, 2))
    text = reports.demo_markdown(dataclasses.replace(demo, result=dataclasses.replace(demo.result, report=refused)))
    assert "| turns held by the weights | 0 of 2, refused |" in text
    assert "| drift on unrelated prompts (nats per token) | 0 (refused with 0.0123) |" in text


def test_json_has_every_answer_and_figure(demo):
    found = json.loads(json.dumps(reports.demo_json(demo)))
    assert found["summary"]["after"] == 0.5
    assert found["summary"]["reopened"] == 1.0
    assert found["summary"]["rolled_back"] == 0.0
    assert found["questions"][0]["right"] == {"before": False, "history": True, "quoted": True, "after": True}
    assert found["questions"][1]["rolled_back"] == "Monday"
    assert found["neighbours"][0]["leaks"] == {"before": False, "after": True}
    assert found["report"]["curve"][0]["step"] == 0
    assert found["report"]["reasons"] == ["turn 2: no probe passed"]


def test_files_are_written_whole(demo, tmp_path):
    files = reports.save_demo(demo, tmp_path / "new", png=b"x")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["demo.json", "demo.md", "demo.png"]
    assert json.loads(files[1].read_text("utf-8"))["model"] == "tiny"
    assert [f.name for f in reports.save_demo(demo, tmp_path / "bare", png=None)] == ["demo.md", "demo.json"]


def test_curve_is_a_picture_of_some_size(report):
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("matplotlib")
    png = reports.curve(report.curve, before=0.0, after=0.5, with_context=0.06)
    width, height = image.open(io.BytesIO(png)).size
    assert width > 900
    assert height > 500
    assert reports.curve((), before=0.0, after=0.0, with_context=0.0)[:4] == b"\x89PNG"


def test_a_missing_matplotlib_says_what_to_install(report, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"matplotlib.figure is needed .*: pip install matplotlib .*'.\[demo\]'"):
        reports.curve(report.curve, before=0.0, after=0.5, with_context=0.06)
