"""What is compared does the same work, ratios are those of the times, and nothing but torch and PEFT is needed."""

import dataclasses
import io
import json
import math
import re
import subprocess
import sys

import pytest
import torch

from langchain_selfparam import loading
from langchain_selfparam.bench import growth, loss, naive, questions, report, run
from langchain_selfparam.bench.ours import Phases
from langchain_selfparam.bench.shapes import QUESTION, SHAPES, make_work, model_to_time, random_model
from langchain_selfparam.bench.timing import PeakMemory, hardware, matmul_rate, seconds
from langchain_selfparam.cli.main import main
from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.objective import forward_kl, reduce_teacher
from langchain_selfparam.errors import ConfigError

CPU = torch.device("cpu")
TINY = run.Plan(
    contexts=(24,), pairs=(3,), length=20, epochs=2, repeats=1, naive_repeats=1, loss_tokens=16, question_rows=2
)


@pytest.fixture(scope="module")
def model():
    # The machine's own rate is measured in the model's type: in an emulated one that takes minutes.
    return random_model("tiny", dtype=loading.quick(torch.bfloat16, CPU), device=CPU)


@pytest.fixture(scope="module")
def work():
    return make_work(vocabulary=512, context=24, pairs=5, length=20, epochs=3)


@pytest.fixture(scope="module")
def measured(model):
    said = []
    found = run.run(model, "tiny", TINY, config=TrainingConfig(rank=4), say=said.append)
    assert said == [
        "matrix products",
        "loss of 16 tokens",
        "2 rows of questions about 24 tokens",
        "24 tokens of context, 3 pairs",
    ]
    return found


# ---- the work


def test_work_has_the_sizes_it_says(work):
    assert len(work.context) == 24
    assert [(len(q), len(a)) for q, a in work.pairs] == [(QUESTION, 20 - QUESTION)] * 5
    assert work.answer_tokens == 5 * (20 - QUESTION)
    assert max(work.context) < 512
    assert work == make_work(vocabulary=512, context=24, pairs=5, length=20, epochs=3)


def test_a_random_model_has_its_shape_and_leaves_random_state_and_type_alone():
    torch.manual_seed(5)
    state = torch.get_rng_state()
    model = random_model("tiny", dtype=torch.bfloat16, device=CPU)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_default_dtype() == torch.float32
    assert model.dtype == torch.bfloat16
    assert not any(p.requires_grad for p in model.parameters())
    assert model.config.num_hidden_layers == SHAPES["tiny"].layers


@pytest.mark.parametrize(("halves", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_what_is_timed_has_the_type_in_which_the_processor_is_fast(halves, dtype, monkeypatch):
    monkeypatch.setattr(loading, "multiplies_half", lambda: halves)
    assert model_to_time(shape="tiny", device="cpu").dtype == dtype


def test_the_smallest_shape_is_that_of_the_default_model():
    shape = SHAPES["135m"]
    body = shape.layers * (
        2 * shape.hidden**2 + 2 * shape.hidden * shape.hidden * shape.key_value_heads // shape.heads
        + 3 * shape.hidden * shape.feed_forward + 2 * shape.hidden
    )  # fmt: skip
    assert body + shape.hidden * shape.vocabulary + shape.hidden == 134_515_008


def test_an_unknown_shape_is_refused():
    with pytest.raises(ConfigError, match=r"^shape is '9b'; it has to be one of 8b, 1b, 135m, tiny$"):
        random_model("9b", dtype=torch.float32, device=CPU)


# ---- the naive loops do what they stand for


def test_the_dense_loss_is_the_two_product_loss():
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(50, 8, generator=generator)
    told, said = torch.randn(6, 8, generator=generator), torch.randn(6, 8, generator=generator)
    left, right = said.clone().requires_grad_(), said.clone().requires_grad_()
    dense = naive.dense_kl(left, weight, told)
    head = Head(weight)
    ours = forward_kl(right, head, reduce_teacher(told, head, kept=4))
    torch.testing.assert_close(dense, ours, rtol=1e-4, atol=1e-5)
    dense.sum().backward()
    ours.sum().backward()
    torch.testing.assert_close(left.grad, right.grad, rtol=1e-3, atol=1e-4)


def test_the_batched_loop_learns_the_answers_of_the_context(work):
    model = random_model("tiny", dtype=torch.float32, device=CPU)
    loop = naive.Batched(model, work, batch=2)
    assert (loop.steps, loop.answer_tokens) == (9, work.answer_tokens / 3)
    batch = loop.next_batch()
    told = loop.teach(batch)
    for at, (question, answer) in enumerate(batch):  # the slow obvious version: each row alone, without padding
        ids = torch.tensor([[*work.context, *question, *answer]])
        alone = model(input_ids=ids).logits[0, -len(answer) - 1 : -1]
        torch.testing.assert_close(told[at * len(answer) : (at + 1) * len(answer)], alone, rtol=1e-3, atol=1e-4)
    before = [p.clone() for p in loop._model.parameters() if p.requires_grad]
    for _ in range(3):
        loop.learn(batch, told)
    after = [p for p in loop._model.parameters() if p.requires_grad]
    assert any(not torch.equal(b, a) for b, a in zip(before, after, strict=True))


def test_rows_of_other_lengths_are_padded_and_not_counted():
    model = random_model("tiny", dtype=torch.float32, device=CPU)
    work = make_work(vocabulary=512, context=4, pairs=1, length=20, epochs=1)
    loop = naive.Batched(model, work)
    batch = [((1, 2, 3), (4, 5)), ((6,), (7, 8, 9, 10))]
    told = loop.teach(batch)
    assert len(told) == 6
    alone = model(input_ids=torch.tensor([[*work.context, 1, 2, 3, 4, 5]])).logits[0, -3:-1]
    torch.testing.assert_close(told[:2], alone, rtol=1e-3, atol=1e-4)


def test_the_published_recipe_takes_three_parts_a_step_and_leaves_the_model_alone(model, work):
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    loop = naive.Published(model, work)
    assert loop.steps == 15
    seen = []
    part = loop._part
    loop._part = lambda before, text: seen.append((len(before), len(text))) or part(before, text)
    loop.step()
    (context, pair), (cut, rest), (nothing, unrelated) = seen
    assert (context, pair) == (24, 20)
    assert cut + rest == 24
    assert (nothing, unrelated) == (0, 64)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


# ---- what is measured


def test_every_way_is_measured(measured):
    (cell,) = measured.cells
    assert (cell.context, cell.pairs) == (24, 3)
    for value in (cell.ours.teacher, cell.ours.step, cell.ours.commit, *cell.batched.values(), cell.published):
        assert value > 0
    assert cell.ours.total == pytest.approx(
        cell.ours.teacher + cell.ours.start + cell.ours.step * cell.ours.steps + cell.ours.commit
    )
    assert cell.batched_steps * cell.batched_answer_tokens == 2 * 3 * (20 - QUESTION)
    assert measured.matmul_flops > 0
    assert set(measured.loss.seconds) >= {"ours", "dense"}
    assert set(measured.questions.seconds) == {"ours", "generate"}


def test_both_ways_of_writing_questions_write_the_same():
    model = random_model("tiny", dtype=torch.float32, device=CPU)
    texts = questions.BatchGenerator(questions._Endless(model), None).complete([[5, 6, 7], [5, 6, 9]], max_tokens=8)
    for text, prompt in zip(texts, ([5, 6, 7], [5, 6, 9]), strict=True):
        ids = torch.tensor([prompt])
        mask = torch.ones_like(ids)
        options = {"min_new_tokens": 8, "max_new_tokens": 8, "do_sample": False, "pad_token_id": 0}
        alone = model.generate(ids, attention_mask=mask, **options)[0, 3:]
        assert text == " ".join(map(str, alone.tolist()))


# ---- growth


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    said = []
    marks = growth.run(tmp_path_factory.mktemp("grown"), marks=(1, 30), repeats=1, say=said.append)
    assert said == ["1 versions", "30 versions"]
    return marks


def test_growth_is_measured_at_each_mark(grown):
    assert [mark.versions for mark in grown] == [1, 30]
    assert all(mark.open > 0 and mark.consolidate > 0 and mark.save > 0 for mark in grown)
    assert grown[0].totals_bytes == 0 < grown[1].totals_bytes
    assert grown[1].delta_bytes > 10 * grown[0].delta_bytes


def test_growth_is_a_table_and_a_picture(grown):
    text = report.growth_text(grown)
    assert text.splitlines()[0].split()[0] == "versions"
    assert [line.split()[0] for line in text.splitlines()[1:]] == ["1", "30"]
    assert pytest.importorskip("PIL.Image").open(io.BytesIO(report.growth_picture(grown))).size[0] > 900


def test_the_growth_command(tmp_path, capsys):
    where = tmp_path / "growth.json"
    options = ["--versions", "2", "--repeats", "1", "--json", str(where), "--png", str(tmp_path / "growth.png")]
    assert main(["bench", "--growth", *options]) == 0
    assert [mark["versions"] for mark in json.loads(where.read_text("utf-8"))["growth"]] == [2]
    assert "consolidate, s" in capsys.readouterr().out


def _bench(**changes):
    phases = Phases(teacher=1.0, start=0.5, step=0.1, steps=20, commit=0.5, answer_tokens=100.0, tokens=200.0)
    cell = run.Cell(
        context=1024,
        pairs=32,
        ours=phases,
        batched={"teacher": 30.0, "student": 10.0},
        published=400.0,
        batched_answer_tokens=50.0,
        batched_steps=20,
        peak_bytes={"ours": 2**20},
    )
    values = {
        "model": "a model",
        "device": "a machine",
        "plan": run.Plan(contexts=(1024,), pairs=(8, 32)),
        "matmul_flops": 1e9,
        "loss": loss.Loss(
            tokens=8,
            hidden=4,
            vocabulary=16,
            seconds={"ours": 1.0, "dense": 3.0, "liger": 2.0},
            peak_bytes={"ours": 10, "dense": 90},
            flops=1.0,
        ),
        "questions": questions.Questions(
            context=1024, rows=32, written=32, seconds={"ours": 2.0, "generate": 5.0}, peak_bytes={"ours": 2**20}
        ),
        "cells": (cell,),
        "body": 1000,
        "learning": 500,
        "head": 100,
        "seconds": 60.0,
    }
    return run.Bench(**{**values, **changes})


def test_ratios_are_those_of_the_times():
    assert _bench().ratios == pytest.approx(
        {
            "e2e_c1024_vs_batched": 40 / 4,
            "e2e_c1024_vs_published": 400 / 4,
            "student_vs_batched": (10 / 1000) / (0.1 / 100),
            "student_share_of_matmul_peak": (4 * 1000 * 200 + 4 * 100 * 100) / 0.1 / 1e9,
            "student_share_of_matmul_peak_done": (2 * 1000 * 200 + 4 * 100 * 100) / 0.1 / 1e9,
            "questions_vs_generate": 2.5,
            "loss_vs_dense": 3.0,
            "loss_memory_vs_dense": 9.0,
            "loss_vs_liger": 2.0,
        }
    )


def test_what_was_not_measured_has_no_ratio():
    cell = dataclasses.replace(_bench().cells[0], published=None)
    alone = dataclasses.replace(_bench().loss, seconds={"ours": 1.0}, peak_bytes={})
    found = _bench(cells=(cell,), loss=alone, questions=None).ratios
    assert not {"e2e_c1024_vs_published", "questions_vs_generate", "loss_vs_dense", "loss_memory_vs_dense"} & set(found)
    too_small = dataclasses.replace(_bench().loss, peak_bytes={"ours": 10, "dense": 0})
    assert "loss_memory_vs_dense" not in _bench(loss=too_small).ratios


def test_the_text_has_each_way_and_ratio():
    text = report.text(_bench())
    for wanted in (
        "this engine",
        "batched",
        "published",
        "s per 1,000 C",
        "generate",
        "e2e_c1024_vs_batched",
        "10.00",
        "60 seconds in all",
    ):
        assert wanted in text
    assert max(map(len, text.splitlines())) <= 120


def test_the_picture_is_one():
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("matplotlib")
    assert image.open(io.BytesIO(report.picture(_bench()))).size[0] > 900


@pytest.mark.parametrize(
    ("published", "names", "scale"),
    [
        (None, ["batched loop", "this engine"], "linear"),
        (400.0, ["published recipe", "batched loop", "this engine"], "log"),
    ],
)
def test_the_picture_has_the_ways_that_were_timed_and_hides_no_bar(monkeypatch, published, names, scale):
    pytest.importorskip("matplotlib")
    drawn = []
    monkeypatch.setattr(report, "_png", lambda figure: drawn.append(figure) or b"")
    cell = dataclasses.replace(_bench().cells[0], published=published)
    report.picture(_bench(cells=(cell,)))
    axes = drawn[0].axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == names
    assert axes.get_yscale() == scale
    shortest = min(bar.get_height() for bar in axes.patches)
    assert axes.get_ylim()[0] <= shortest / 2


def test_json_has_the_ratios_and_everything_else(measured):
    found = json.loads(json.dumps(report.as_json(measured)))
    assert found["ratios"] == pytest.approx(measured.ratios)
    assert found["cells"][0]["ours"]["step"] == measured.cells[0].ours.step


# ---- clocks


def test_the_median_is_of_the_runs_after_the_first(monkeypatch):
    now = iter([0.0, 1.0, 10.0, 15.0, 20.0, 22.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(now))
    runs = []
    assert seconds(lambda: runs.append(1), repeats=3, device=CPU) == 2.0
    assert len(runs) == 4


def test_the_rate_is_of_two_operations_for_each_product(monkeypatch):
    monkeypatch.setattr("langchain_selfparam.bench.timing.seconds", lambda run, *, repeats, device: 0.5)
    monkeypatch.setattr("langchain_selfparam.bench.timing._SIZES", (4, 8))
    assert matmul_rate(CPU, torch.float32, repeats=1) == 2 * 8**3 / 0.5


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the resident size is read from /proc")
def test_peak_memory_is_that_of_what_was_written():
    with PeakMemory(CPU) as peak:
        big = torch.ones(64 * 2**20 // 4)
        big.add_(1)
        del big
    assert 50 * 2**20 < peak.bytes < 200 * 2**20


def test_the_machine_is_named():
    assert "cores" in hardware(CPU)


# ---- the command


def test_the_command_prints_and_writes(tmp_path, capsys):
    files = [tmp_path / "deep" / "bench.json", tmp_path / "bench.png"]
    sizes = ["--contexts", "16,24", "--pairs", "2", "--repeats", "1", "--naive-repeats", "1", "--loss-tokens", "8"]
    code = main(
        ["bench", "--shape", "tiny", *sizes, "--device", "cpu", "--json", str(files[0]), "--png", str(files[1])]
    )
    assert code == 0
    found = json.loads(files[0].read_text("utf-8"))
    assert [cell["context"] for cell in found["cells"]] == [16, 24]
    assert all(math.isfinite(value) and value > 0 for value in found["ratios"].values())
    assert "e2e_c16_vs_batched" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--growth", "--shape", "tiny"], "times files, with a tiny model of its own; leave --model and --shape out"),
        (["--growth", "--model", "any"], "times files, with a tiny model of its own; leave --model and --shape out"),
        (["--serving", "--shape", "8b"], r"which random weights \(8b\) cannot; give --model"),
        (["--versions", "1,10"], "--versions is of `bench --growth`, and nothing else here counts versions; add"),
        (["--serving", "--versions", "1"], "--versions is of `bench --growth`, and nothing else here counts versions"),
    ],
)
def test_what_would_not_be_timed_is_refused(options, said, capsys):
    assert main(["bench", *options]) == 1
    assert re.search(said, capsys.readouterr().err)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--contexts", "0"], "argument --contexts: 0 is below 1"),
        (["--contexts", "1,0"], "argument --contexts: 0 is below 1"),
        (["--contexts", "abc"], "argument --contexts: 'abc' is no whole number; one of at least 1 is needed"),
        (["--device", "gpu"], "argument --device: invalid choice: 'gpu'"),
        (["--growth", "--serving"], "argument --serving: not allowed with argument --growth"),
        (["--growth", "--users", "2"], "argument --users: not allowed with argument --growth"),
    ],
)
def test_arguments_that_cannot_be_are_refused(options, said, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["bench", *options])
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_it_runs_without_langchain_and_without_a_database(tmp_path):
    script = f"""
import sys
for name in ("langchain", "langchain_core", "langchain_classic", "langchain_huggingface", "sqlalchemy", "tiktoken"):
    sys.modules[name] = None
from langchain_selfparam.cli.main import main
sizes = ["--contexts", "16", "--pairs", "2", "--repeats", "1", "--naive-repeats", "1", "--loss-tokens", "8"]
sys.exit(main(["bench", "--shape", "tiny", "--device", "cpu", "--png", {str(tmp_path / "b.png")!r}, *sizes]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "student_vs_batched" in done.stdout
