"""The student learns what the teacher said: KL falls, seeds repeat, bad losses are named, serving never notices."""

import contextlib
import dataclasses
import functools
import itertools
import math

import pytest
import torch
from torch.nn import functional

from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.distill import student, teacher
from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.objective import concatenate, forward_kl
from langchain_selfparam.distill.packing import Document, pack
from langchain_selfparam.distill.precision import loss_scale, mixed_precision
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.errors import NonFiniteLossError
from langchain_selfparam.model import share
from langchain_selfparam.records import TrainPoint
from langchain_selfparam.testing import tiny_model
from langchain_selfparam.weights.merge import digest
from langchain_selfparam.weights.shadow import Shadow

CONFIG = TrainingConfig(rank=4, alpha=8.0, frozen_share=0.0, learning_rate=5e-3, epochs=4, batch_tokens=24)


class Lesson:
    """A tiny model with a teacher that read a context, and documents without it."""

    def __init__(
        self, written, architecture="llama", lengths=((6, 4), (3, 2), (9, 5), (4, 4), (2, 6), (7, 3)), dtype=None
    ):
        self.local = tiny_model(architecture)
        self.local.model.to(dtype or torch.float32)
        self.head = Head(self.local.head.weight)
        self.documents = written(lengths)
        context = tuple(range(100, 120))
        with_context = [Document(d.key, context + d.prompt, d.answer) for d in self.documents]
        self.with_context = {d.key: d for d in with_context}
        self.targets = teacher.read(Reader(share(self.local.model)), self.head, [with_context])

    def train(self, config=CONFIG, **options):
        shadow = Shadow(self.local.model, config)
        documents = options.pop("documents", self.documents)
        targets = options.pop("targets", self.targets)
        reader = options.pop("reader", Reader)(shadow.model)
        course = student.Course(reader, self.head, shadow.parameters, documents, targets, config=config, **options)
        return course.run(), shadow

    def poisoned(self, key, **fields):
        """The targets with one document's rows spoilt."""
        rows = dataclasses.replace(self.targets.rows[key], **fields)
        return teacher.TeacherTargets({**self.targets.rows, key: rows})


@pytest.fixture
def lesson(written):
    return Lesson(written)


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma3_text"])
def test_kl_falls(written, architecture):
    lesson = Lesson(written, architecture)
    report, shadow = lesson.train(dataclasses.replace(CONFIG, epochs=30))
    assert report.kl_last < 0.3 * report.kl_first
    # And not only by its own account: the trained shadow is nearer to the teacher than the served model is.
    assert _away(lesson, shadow.model) < 0.3 * _away(lesson, share(lesson.local.model))


@torch.no_grad()
def _away(lesson, model):
    parts = [
        forward_kl(Reader(model).hidden(pack([d])), lesson.head, lesson.targets.rows[d.key]) for d in lesson.documents
    ]
    return float(torch.cat(parts).mean())


class Noting(Reader):
    """A reader that notes which documents each step was taken on."""

    steps: list = []  # noqa: RUF012 - each test begins a new one

    def hidden(self, packed, lower=None):
        self.steps.append(packed.keys)
        return super().hidden(packed, lower)


@pytest.mark.parametrize("weights", [None, {0: 3.0, 2: 0.25, 5: 0.0}])
@pytest.mark.parametrize("clip", [0.05, 1e9])
def test_training_is_the_slow_loop(lesson, one_by_one, monkeypatch, weights, clip):
    monkeypatch.setattr(Noting, "steps", [])
    config = dataclasses.replace(CONFIG, epochs=2, clip=clip)
    report, shadow = lesson.train(config, reader=Noting, weights=weights)
    assert len(Noting.steps) == report.steps > 4
    slow = Shadow(lesson.local.model, config)
    parameters = slow.parameters
    optimizer = torch.optim.AdamW(parameters, betas=(0.9, 0.99), weight_decay=0.0)
    for step, keys in enumerate(Noting.steps):
        total = divisor = 0.0
        for key in keys:
            with torch.no_grad():
                p = lesson.local.head(one_by_one(lesson.local.model, [lesson.with_context[key]])).log_softmax(-1)
            q = lesson.local.head(one_by_one(slow.model, [lesson.documents[key]])).log_softmax(-1)
            kl = functional.kl_div(q, p, log_target=True, reduction="none").sum(-1)
            weight = (weights or {}).get(key, 1.0)
            total, divisor = total + weight * kl.sum(), divisor + weight * len(kl)
        optimizer.zero_grad()
        (total / divisor).backward()
        torch.nn.utils.clip_grad_norm_(parameters, clip)
        optimizer.param_groups[0]["lr"] = student.learning_rate(
            step, report.steps, peak=config.learning_rate, warmup=config.warmup
        )
        optimizer.step()
    found, wanted = shadow.delta().layers, slow.delta().layers
    for name, factors in wanted.items():
        assert (found[name].b - factors.b).norm() < 0.01 * factors.b.norm(), name
        assert (found[name].a - factors.a).norm() < 0.01 * factors.a.norm(), name


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_compiled_blocks_learn_the_same_and_are_compiled_for_few_kinds(written, monkeypatch, dtype):
    lesson, graphs = Lesson(written, dtype=dtype), []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    class Compiled(Reader):
        def __init__(self, model):
            for block in model.get_decoder().layers:
                monkeypatch.setattr(block, "compile", functools.partial(block.compile, backend=backend))
            super().__init__(model, way="dense", compiled=True)

    torch.compiler.reset()
    config = dataclasses.replace(CONFIG, epochs=3, frozen_share=0.0)
    autocast = mixed_precision(torch.device("cpu"), dtype)
    readers = (Compiled, functools.partial(Reader, way="dense"))
    compiled, plain = (lesson.train(config, reader=r, autocast=autocast)[1].delta() for r in readers)
    assert len(graphs) == 2  # the first block's input needs no gradient, so it is another graph
    # Compiled rows are padded, and bf16 products of other sizes round otherwise.
    near = 0.01 if dtype == torch.float32 else 0.1
    for name, factors in plain.layers.items():
        assert (compiled.layers[name].b - factors.b).norm() <= near * factors.b.norm(), name


def test_documents_of_no_weight_teach_nothing_also_where_they_fill_a_step(lesson):
    report, shadow = lesson.train(weights=dict.fromkeys(range(6), 0.0))
    assert report.steps > CONFIG.epochs
    assert all(not factors.b.any() for factors in shadow.delta().layers.values())


@pytest.mark.parametrize("epochs", [1, 2, 4])
def test_passing_documents_are_seen_once_each_over_all_epochs(lesson, monkeypatch, epochs):
    monkeypatch.setattr(Noting, "steps", [])
    config = dataclasses.replace(CONFIG, epochs=epochs)
    report, _ = lesson.train(config, reader=Noting, documents=lesson.documents[:3], passing=lesson.documents[3:])
    seen = [key for keys in Noting.steps for key in keys]
    assert [seen.count(key) for key in range(6)] == [epochs] * 3 + [1] * 3
    answers = [len(d.answer) for d in lesson.documents]
    assert report.answer_tokens == epochs * sum(answers[:3]) + sum(answers[3:])


@pytest.mark.parametrize(("epochs", "times"), [(1, 1), (2, 2), (3, 2), (4, 2), (5, 2)])
def test_what_is_replayed_is_seen_twice_at_most_and_is_none_of_what_passes(lesson, monkeypatch, epochs, times):
    monkeypatch.setattr(Noting, "steps", [])
    monkeypatch.setattr(student, "_PASSING", 1.0)
    config, documents = dataclasses.replace(CONFIG, epochs=epochs), lesson.documents
    parts = {"documents": documents[:1], "passing": documents[1:3], "replayed": documents[3:]}
    lesson.train(config, reader=Noting, **parts)
    seen = [key for keys in Noting.steps for key in keys]
    own = sum(len(d.answer) for d in documents[:1]) * epochs + sum(len(d.answer) for d in documents[3:]) * times
    assert own > 2 * sum(len(d.answer) for d in documents[1:3])
    assert [seen.count(key) for key in (0, 3, 4, 5)] == [epochs, times, times, times]
    assert all(seen.count(key) > 1 for key in (1, 2))


@pytest.mark.parametrize(("share", "times"), [(0.0, 1), (0.2, 1), (0.5, 3), (1.0, 6)])
def test_what_passes_is_seen_again_where_it_is_little_beside_the_others(lesson, monkeypatch, share, times):
    monkeypatch.setattr(Noting, "steps", [])
    monkeypatch.setattr(student, "_PASSING", share)
    documents = [dataclasses.replace(d, answer=(d.answer * 3)[:3]) for d in lesson.documents]
    documents[5] = dataclasses.replace(documents[5], answer=documents[5].answer * 2)
    for d in documents:
        rows = lesson.targets.rows[d.key]
        at = torch.arange(len(d.answer)) % len(rows.ids)
        lesson.targets.rows[d.key] = rows.select(at)
    config = dataclasses.replace(CONFIG, epochs=1)
    lesson.train(config, reader=Noting, documents=[*documents[:4], documents[5]], passing=documents[4:5])
    seen = [key for keys in Noting.steps for key in keys]
    assert [seen.count(key) for key in range(6)] == [1, 1, 1, 1, times, 1]


@pytest.mark.parametrize(
    ("epochs", "looks"),
    [
        ([3], {1, 2, 3}),  # few epochs: twelve looks, as far as there are steps
        ([24], set(range(2, 25, 2))),
        ([198], {round(198 * part / 12) for part in range(1, 13)}),
        ([30] * 6, set(range(15, 181, 15))),
        ([30] * 8, set(range(30, 241, 30))),
        ([30, 170, *[20] * 6], {30, 87, 143, 200, 220, 240, 260, 280, 300, 320}),
        ([1] * 20, set(range(1, 21))),
    ],
)
def test_the_drift_is_looked_at_after_each_epoch_and_within_long_ones_and_few(epochs, looks):
    assert student._looks(epochs) == looks


@pytest.mark.parametrize("epochs", [1, 2, 3, 4])
def test_alternating_documents_are_seen_in_every_second_epoch(lesson, monkeypatch, epochs):
    monkeypatch.setattr(Noting, "steps", [])
    config = dataclasses.replace(CONFIG, epochs=epochs)
    lesson.train(config, reader=Noting, documents=lesson.documents[:2], alternating=lesson.documents[2:])
    seen = [key for keys in Noting.steps for key in keys]
    first, second = -(-epochs // 2), epochs // 2
    assert [seen.count(key) for key in range(6)] == [epochs, epochs, first, second, first, second]


@pytest.mark.parametrize(("about", "parts"), [(1, 4), (2, 2), (9, 2)])
def test_of_many_that_are_close_to_what_is_learned_an_epoch_sees_a_smaller_part(lesson, monkeypatch, about, parts):
    monkeypatch.setattr(Noting, "steps", [])
    monkeypatch.setattr(student, "_CLOSE", about)
    config = dataclasses.replace(CONFIG, epochs=4)
    close, often = lesson.documents[1:5], lesson.documents[5:]
    lesson.train(
        config,
        reader=Noting,
        documents=lesson.documents[:1],
        alternating=[*close, *often],
        near={document.key for document in close},
    )
    seen = [key for keys in Noting.steps for key in keys]
    assert [seen.count(key) for key in range(6)] == [4, *[4 // parts] * 4, 2]


def test_first_step_has_the_kl_of_the_served_model(lesson):
    config = dataclasses.replace(CONFIG, epochs=1, batch_tokens=10_000)
    report, _ = lesson.train(config)
    with torch.no_grad():
        reader = Reader(share(lesson.local.model))
        rows = concatenate([lesson.targets.rows[d.key] for d in lesson.documents])
        wanted = float(forward_kl(reader.hidden(pack(lesson.documents)), lesson.head, rows).mean())
    assert report.steps == 1
    assert report.kl_first == report.kl_last == pytest.approx(wanted, rel=1e-4)


def test_report_counts_what_was_read(lesson):
    seen = []
    report, _ = lesson.train(progress=lambda *at: seen.append(at))
    assert report.answer_tokens == CONFIG.epochs * sum(len(d.answer) for d in lesson.documents)
    assert report.tokens > CONFIG.epochs * sum(len(d.ids) - 5 for d in lesson.documents)
    assert report.steps == len(report.curve) > CONFIG.epochs
    assert seen == [(step, report.steps) for step in range(1, report.steps + 1)]
    assert [p.step for p in report.curve] == list(range(1, report.steps + 1))
    assert [p.lr for p in report.curve] == [
        student.learning_rate(s, report.steps, peak=CONFIG.learning_rate, warmup=CONFIG.warmup)
        for s in range(report.steps)
    ]


def test_what_is_held_out_is_looked_at_after_each_epoch_and_teaches_nothing(lesson):
    plain, shadow = lesson.train()
    report, other = lesson.train(held_out=lesson.documents[:2])
    ends = [p.step for p in report.curve if p.recall is not None]
    per_epoch = report.steps // CONFIG.epochs
    assert ends == list(range(per_epoch, report.steps + 1, per_epoch))
    assert all(p.recall in {0.0, 0.5, 1.0} for p in report.curve if p.recall is not None)
    assert [p.kl for p in plain.curve] == [p.kl for p in report.curve]
    assert all(p.recall is None for p in plain.curve)
    for name, factors in shadow.delta().layers.items():
        assert torch.equal(factors.b, other.delta().layers[name].b)


def test_much_that_is_held_out_is_looked_at_in_rows(lesson, monkeypatch):
    """Nine hundred prompts in one row took 12 GiB for a mask."""
    said = [Document(d.key, d.prompt, (int(lesson.targets.rows[d.key].ids[0, 0]),)) for d in lesson.documents]
    config = dataclasses.replace(CONFIG, epochs=20)
    whole, _ = lesson.train(config, held_out=said)
    monkeypatch.setattr(student, "_LOOKED_AT", 1)
    monkeypatch.setattr(Noting, "steps", [])
    parted, _ = lesson.train(config, reader=Noting, held_out=said)
    assert [p.recall for p in parted.curve] == [p.recall for p in whole.curve]
    assert len({p.recall for p in whole.curve if p.recall is not None}) > 1
    looks = 20 * len(said)
    assert len(Noting.steps) == parted.steps + looks
    assert Noting.steps[-len(said) :] == [(d.key,) for d in said]


def test_what_was_learned_is_recited(lesson):
    """The student comes to begin its answers as the teacher does."""
    said = [Document(d.key, d.prompt, (int(lesson.targets.rows[d.key].ids[0, 0]),)) for d in lesson.documents]
    report, _ = lesson.train(dataclasses.replace(CONFIG, epochs=60), held_out=said)
    found = [p.recall for p in report.curve if p.recall is not None]
    assert found[-1] > found[0]


def test_same_seed_same_factors(lesson):
    first, again = (lesson.train()[1].delta().layers for _ in range(2))
    other = lesson.train(dataclasses.replace(CONFIG, seed=1))[1].delta().layers
    for name, factors in first.items():
        assert torch.equal(factors.a, again[name].a)
        assert torch.equal(factors.b, again[name].b)
        assert not torch.equal(factors.b, other[name].b)


def test_seed_is_of_no_one_elses_random_state(lesson):
    torch.manual_seed(1)
    first = lesson.train()[1].delta()
    torch.manual_seed(2)
    state = torch.get_rng_state()
    again = lesson.train()[1].delta()
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(f.b, again.layers[name].b) for name, f in first.layers.items())


def test_stops_when_an_epoch_is_near_enough(lesson):
    whole, _ = lesson.train()
    per_epoch = whole.steps // CONFIG.epochs
    report, _ = lesson.train(dataclasses.replace(CONFIG, stop_kl=100.0))
    assert report.steps == len(report.curve) == per_epoch
    assert report.curve == whole.curve[:per_epoch]
    between = (whole.kl_first + whole.kl_last) / 2
    report, _ = lesson.train(dataclasses.replace(CONFIG, stop_kl=between))
    assert per_epoch < report.steps < whole.steps
    assert report.kl_last < between
    assert lesson.train(dataclasses.replace(CONFIG, stop_kl=1e-9))[0].steps == whole.steps


def test_first_and_last_epoch_are_told_apart_where_they_have_other_numbers_of_steps(written):
    lesson = Lesson(written, lengths=((1, 9), (1, 8), (1, 4), (1, 3), (1, 2), (1, 2)))
    # At this rate nothing is learned, so that the first epoch is the same however many follow.
    still = dataclasses.replace(CONFIG, learning_rate=1e-12, batch_tokens=12)
    one, _ = lesson.train(dataclasses.replace(still, epochs=1))
    two, _ = lesson.train(dataclasses.replace(still, epochs=2))
    assert two.steps != 2 * one.steps
    assert two.kl_first == pytest.approx(one.kl_first, rel=1e-5)
    assert two.kl_last == pytest.approx(sum(p.kl for p in two.curve[one.steps :]) / (two.steps - one.steps), rel=1e-5)


@pytest.mark.parametrize(("field", "loss"), [("negentropy", "inf"), ("probs", "nan"), ("tail", "nan")])
def test_a_loss_that_is_not_finite_names_step_and_rate(lesson, field, loss):
    rows = lesson.targets.rows[2]
    bad = torch.full_like(getattr(rows, field), float(loss))
    done = []
    steps = lesson.train()[0].steps
    with pytest.raises(NonFiniteLossError) as caught:
        lesson.train(targets=lesson.poisoned(2, **{field: bad}), progress=lambda *at: done.append(at))
    assert len(done) < steps // CONFIG.epochs
    found = rf"training step {len(done) + 1} of {steps} has a loss of {loss} and a gradient norm of "
    assert caught.match(found)
    assert caught.match(r"both have to be finite\. Lower learning_rate \(now 0\.005\)$")


def test_a_gradient_that_is_not_finite_is_refused_too(lesson, monkeypatch):
    real = torch.nn.utils.clip_grad_norm_
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda *args: real(*args) * math.nan)
    text = r"training step 1 of \d+ has a loss of \d+\.\d+ and a gradient norm of nan; .* \(now 0\.005\)"
    with pytest.raises(NonFiniteLossError, match=text):
        lesson.train()


def test_served_model_is_bit_identical_afterwards(lesson):
    model = lesson.local.model
    before, names = digest(model.state_dict()), [n for n, _ in model.named_modules()]
    with torch.no_grad():
        said = model(input_ids=torch.arange(1, 30)[None]).logits
    lesson.train(autocast=mixed_precision(torch.device("cpu"), torch.bfloat16))
    assert digest(model.state_dict()) == before
    assert [n for n, _ in model.named_modules()] == names
    assert not model.training
    assert all(p.grad is None and not p.requires_grad for p in model.parameters())
    with torch.no_grad():
        assert torch.equal(model(input_ids=torch.arange(1, 30)[None]).logits, said)


def test_each_forward_pass_has_a_fresh_precision_context(lesson):
    entered = []

    @contextlib.contextmanager
    def precision():
        entered.append(torch.is_grad_enabled())
        yield

    report, _ = lesson.train(autocast=precision)
    assert entered == [True] * report.steps


@pytest.mark.parametrize(
    ("dtype", "cast"),
    [(torch.bfloat16, torch.bfloat16), (torch.float16, torch.float16), (torch.float32, None), (torch.float64, None)],
)
def test_only_half_precision_models_are_cast(dtype, cast):
    context = mixed_precision(torch.device("cpu"), dtype)
    for _ in range(2):
        with context():
            assert torch.is_autocast_enabled("cpu") == (cast is not None)
            product = torch.ones(2, 2) @ torch.ones(2, 2)
            assert product.dtype == (cast or torch.float32)


@pytest.mark.parametrize("scaled", [True, False])
def test_float16_keeps_small_gradients(written, scaled, monkeypatch):
    """Of a mean over many tokens they are below its smallest number."""
    monkeypatch.setattr(student, "loss_scale", loss_scale if scaled else lambda dtype: 1.0)
    steps = {dtype: _first_step(written, dtype) for dtype in (torch.float32, torch.float16)}
    exact, half = steps[torch.float32], steps[torch.float16]
    assert exact.norm() > 0
    alike = float(functional.cosine_similarity(exact, half, dim=0))
    size = float(half.norm() / exact.norm())
    if scaled:
        assert (alike, size) == (pytest.approx(1, abs=0.01), pytest.approx(1, rel=0.02))
    else:
        assert alike < 0.9


def _first_step(written, dtype):
    """The gradient by which a first step goes, with a loss as small as that of thousands of tokens already known."""
    lesson = Lesson(written, lengths=[(3, 40)] * 100)
    with torch.no_grad():
        lesson.local.head.weight.add_(0.02 * lesson.local.head.weight.roll(1, 0))
    lesson.local.model.to(dtype)
    shadow = Shadow(lesson.local.model, CONFIG)
    for name, parameter in zip(itertools.count(), shadow.parameters, strict=False):
        torch.nn.init.normal_(parameter, std=0.02, generator=torch.Generator().manual_seed(name))
    course = student.Course(
        Reader(shadow.model),
        Head(lesson.local.head.weight),
        shadow.parameters,
        lesson.documents,
        lesson.targets,
        config=dataclasses.replace(CONFIG, batch_tokens=9000, clip=1e9),
        autocast=mixed_precision(torch.device("cpu"), dtype),
    )
    (1e-4 * course.loss(student.read(course._reader, course.row, course.autocast))).backward()
    course.step()
    return torch.cat([course._optimizer.state[p]["exp_avg"].flatten() for p in shadow.parameters])


# ---- the rate


def test_rate_rises_in_a_line_and_falls_to_a_tenth():
    rates = [student.learning_rate(step, 100, peak=2.0, warmup=0.1) for step in range(100)]
    assert rates[:10] == pytest.approx([0.2 * (step + 1) for step in range(10)])
    assert rates[10] == 2.0
    assert all(one > next_ for one, next_ in itertools.pairwise(rates[10:]))
    assert rates[55] == pytest.approx(1.1)
    assert rates[99] == pytest.approx(0.2 + 0.9 * (1 + math.cos(math.pi * 89 / 90)))
    assert rates[99] == pytest.approx(0.2, rel=0.01)


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0.0), (1, 0.9), (2, 0.5), (7, 0.0)])
def test_rate_of_short_trainings_is_in_range(steps, warmup):
    rates = [student.learning_rate(step, steps, peak=1.0, warmup=warmup) for step in range(steps)]
    assert rates[0] == 1.0
    assert all(0.1 <= rate <= 1.0 for rate in rates)


def test_mean_of_no_points_is_zero():
    points = [TrainPoint(step=1, kl=2.0, lr=1.0), TrainPoint(step=2, kl=1.0, lr=1.0)]
    assert (student.mean_kl(points), student.mean_kl([])) == (1.5, 0.0)


@pytest.mark.parametrize("steps", [1, 5, 8, 9, 1000])
def test_so_many_steps_and_no_more_over_which_the_rate_falls(written, steps):
    whole, short = Lesson(written), Lesson(written)
    every = whole.train()[0].steps
    report, _ = short.train(steps=steps)
    assert report.steps == min(steps, every)
    rates = [student.learning_rate(at, report.steps, peak=5e-3, warmup=CONFIG.warmup) for at in range(report.steps)]
    assert [point.lr for point in report.curve] == pytest.approx(rates)
    last = report.steps % (every // 4) or every // 4
    assert report.kl_last == pytest.approx(student.mean_kl(report.curve[-last:]))
