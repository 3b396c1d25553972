"""The rate of every conversation is the one that the model took before it learned anything."""

import pytest
import torch
from engine_home import DOG, SISTER, author, everything, say, with_

from langchain_selfparam.config import TrainingConfig
from langchain_selfparam.distill import teacher
from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.packing import Document
from langchain_selfparam.distill.rate import with_rate
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.engine import pace
from langchain_selfparam.model import share
from langchain_selfparam.testing import tiny_model
from langchain_selfparam.weights.shadow import Shadow

CONFIG = TrainingConfig(rank=4, alpha=8.0, frozen_share=0.0, batch_tokens=1000)
TAUGHT = [Document(n, tuple(range(40 + 6 * n, 46 + 6 * n)), (60 + 5 * n, 61 + 3 * n, 11)) for n in range(3)]
RULER = [Document(90 + n, tuple(range(5 * n, 5 * n + 4)), (7 * n + 3, 7 * n + 4, 11)) for n in range(4)]


class Lesson:
    """What is learned by weights that have learned before."""

    def __init__(self):
        untouched = tiny_model()
        self.untouched, self.served = untouched.model.float(), tiny_model().model.float()
        with torch.no_grad():
            for parameter in self.served.get_decoder().layers.parameters():
                parameter += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3))
        self.head = Head(untouched.head.weight)
        told = [Document(d.key, (*range(100, 120), *d.prompt), d.answer) for d in TAUGHT]
        self.said = teacher.read(Reader(share(self.untouched)), self.head, [told, RULER])

    def paced(self, config=CONFIG, **options):
        shadow = Shadow(self.served, config)
        reader = Reader(shadow.model)
        return pace.paced(config, reader, shadow, TAUGHT, self.said, head=self.head, ruler=RULER, moments={}, **options)

    def found_on(self, model):
        shadow = Shadow(model, CONFIG)
        return with_rate(CONFIG, Reader(shadow.model), self.head, shadow.parameters, TAUGHT, self.said, ruler=RULER)


@pytest.fixture
def lesson():
    return Lesson()


def test_the_rate_is_the_untouched_models_whatever_was_learned_since(lesson):
    on_untouched, on_served = lesson.found_on(lesson.untouched), lesson.found_on(lesson.served)
    assert on_untouched.learning_rate != on_served.learning_rate
    assert lesson.paced(untaught=lesson.untouched) == on_untouched
    assert lesson.paced() == on_served


def test_a_given_rate_stays_and_no_second_student_is_made(lesson):
    given = TrainingConfig(learning_rate=3e-4)
    assert lesson.paced(given, untaught=object()) is given


def test_a_second_consolidation_is_paced_on_the_weights_before_the_first(home, monkeypatch):
    seen, real = [], pace.with_rate

    def noting(config, reader, *args, **options):
        found = real(config, reader, *args, **options)
        weights = {n: p.clone() for n, p in reader.model.named_parameters() if n.endswith("base_layer.weight")}
        seen.append({name.replace(".base_layer", ""): weight for name, weight in weights.items()})
        assert all(p.grad is None for p in reader.model.parameters())
        return found

    monkeypatch.setattr(pace, "with_rate", noting)
    engine = home.open(quick=False, generator=author(), settings=with_(training={"learning_rate": None}))
    before = everything(engine)
    for text in (DOG, SISTER):
        say(engine, text)
        assert engine.consolidate().committed
    after = everything(engine)
    first, second = seen
    assert first.keys() == second.keys() != set()
    for name, weight in second.items():
        assert torch.equal(weight, before[name])
        assert torch.equal(weight, first[name])
    assert any(not torch.equal(weight, after[name]) for name, weight in second.items())
