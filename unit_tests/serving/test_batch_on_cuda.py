"""On a GPU: steps are recorded as one launch each, and what is written is what transformers writes."""

import pytest
import torch

from langchain_selfparam.serving import batch
from langchain_selfparam.serving.batch import BatchGenerator
from langchain_selfparam.testing import tiny_model

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
TEXTS = [
    "My dog is called Biscuit. What",
    "My dog is called Biscuit. My sister lives in Lisbon and works as a nurse. She",
    "My dog is called Biscuit. I",
    "My dog is called Biscuit. " + "You are " * 12,
]


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma3_text", "gemma2"])
@pytest.mark.parametrize("rows", [1, 3, 72])
def test_what_is_written_is_what_a_cpu_writes(monkeypatch, architecture, rows):
    made, real = [], batch._Together

    def together(*args):
        made.append(real(*args))
        return made[-1]

    monkeypatch.setattr(batch, "_Together", together)
    local = tiny_model(architecture, seed=1)
    wanted = BatchGenerator(local, None, rows=rows).generate(TEXTS, max_tokens=12)
    on_cpu = len(made)
    local.model.to("cuda")
    assert BatchGenerator(local, None, rows=rows).generate(TEXTS, max_tokens=12) == wanted
    steps = [memory._step for memory in made[on_cpu:]]
    assert bool(steps) == (architecture in ("llama", "qwen2"))
    assert all(step._graph is not None for step in steps)


def test_recorded_steps_beside_another_threads_work(in_thread):
    local = tiny_model(seed=1)
    wanted = BatchGenerator(local, None).generate(TEXTS, max_tokens=12)
    local.model.to("cuda")

    def work():
        for size in range(200):
            assert float(torch.ones(1000 + size, 500, device="cuda").sum()) == (1000 + size) * 500

    with in_thread(work):
        for _ in range(10):
            assert BatchGenerator(local, None).generate(TEXTS, max_tokens=12) == wanted
