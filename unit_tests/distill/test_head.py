"""The head's products: fp32 results of half-precision inputs, a setting of the process that always comes back."""

import threading

import pytest
import torch

from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.precision import FAST_PRODUCTS
from langchain_selfparam.errors import UnsupportedModelError


def numbers(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("size", [7, 4096, 4097, 9001])
def test_products_are_those_of_the_whole_matrix(dtype, size):
    weight, bias = numbers(size, 12, dtype=dtype), numbers(size, seed=1, dtype=dtype)
    hidden, rows = numbers(5, 12, seed=2, dtype=dtype), numbers(5, size, seed=3)
    head = Head(weight, bias, scale=0.5)
    wanted = 0.5 * (hidden.double() @ weight.double().T + bias.double())
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    logits, back = head.logits(hidden), head.pull_back(rows)
    assert logits.dtype == back.dtype == wide
    torch.testing.assert_close(logits.double(), wanted, atol=1e-5, rtol=1e-5)
    # The second product's input may be narrowed to bf16.
    loose = {"atol": 0.02 * size**0.5, "rtol": 0.01} if dtype == torch.bfloat16 else {"atol": 1e-3, "rtol": 1e-4}
    torch.testing.assert_close(back.double(), 0.5 * rows.double() @ weight.double(), **loose)


def test_half_precision_heads_are_never_widened_as_a_whole():
    head = Head(numbers(50_000, 16, dtype=torch.bfloat16))
    head.logits(numbers(3, 16))
    head.pull_back(numbers(3, 50_000))
    own = [t for t in vars(head).values() if isinstance(t, torch.Tensor) and t is not head.weight]
    assert sum(t.nbytes for t in own if t.data_ptr() != head.weight.data_ptr()) < head.weight.nbytes


def test_logits_use_the_same_memory_again():
    head = Head(numbers(7, 3))
    first = head.logits(numbers(5, 3))
    assert head.logits(numbers(4, 3)).data_ptr() == first.data_ptr()
    assert head.logits(numbers(6, 3)).shape == (6, 7)


def test_slope_of_a_capped_logit():
    head = Head(numbers(7, 3), softcap=2.0)
    uncapped = numbers(5, 3).double() @ head.weight.double().T
    leaf = uncapped.clone().requires_grad_()
    (2.0 * torch.tanh(leaf / 2.0)).sum().backward()
    torch.testing.assert_close(head.slope(head.logits(numbers(5, 3))).double(), leaf.grad, atol=1e-5, rtol=1e-5)
    assert not head.linear
    assert Head(numbers(7, 3)).slope(numbers(2, 7)).eq(1).all()


@pytest.mark.parametrize("tied", [False, True])
def test_a_head_that_is_to_be_trained_is_refused(tied):
    weight = torch.nn.Parameter(numbers(7, 3))
    trained = torch.nn.Embedding(7, 3, _weight=weight).weight if tied else weight
    head = Head(weight)
    head.refuse_trained([torch.nn.Parameter(numbers(7, 3))])
    text = (
        r"^parameter 1 of those to train, \[7, 3\], is the language-model head \(or embeddings tied to it\); the "
        r"teacher's targets are products of the head, so it has to stay frozen: train other layers$"
    )
    with pytest.raises(UnsupportedModelError, match=text):
        head.refuse_trained([torch.nn.Parameter(numbers(2, 2)), trained])


# ---- the process-wide precision of products


@pytest.fixture(params=["highest", "high"])
def precision(request):
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(request.param)
    yield request.param
    torch.set_float32_matmul_precision(before)


class Spying(Head):
    """Calls ``look`` in the middle of its products."""

    def __init__(self, dtype, look):
        super().__init__(torch.ones(7, 3, dtype=dtype))
        self.look = look

    def _tiles(self):
        for part in super()._tiles():
            self.look()
            yield part


def seen_while_multiplying(dtype):
    seen = []
    head = Spying(dtype, lambda: seen.append(torch.get_float32_matmul_precision()))
    head.logits(torch.ones(2, 3))
    head.pull_back(torch.ones(2, 7))
    return seen


def test_bf16_products_are_narrowed_and_the_setting_comes_back(precision):
    assert seen_while_multiplying(torch.bfloat16) == ["medium", "medium"]
    assert torch.get_float32_matmul_precision() == precision


def test_fp16_has_bits_that_bf16_has_not(precision):
    assert seen_while_multiplying(torch.float16) == [precision, precision]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_exact_models_keep_the_users_setting(precision, dtype, monkeypatch):
    def never(self):
        pytest.fail("narrowed")

    monkeypatch.setattr(type(FAST_PRODUCTS), "__enter__", never)
    assert seen_while_multiplying(dtype) == []


def test_setting_comes_back_after_an_error(precision):
    with pytest.raises(RuntimeError, match="2x4 and 3x7"):
        Head(torch.ones(7, 3, dtype=torch.bfloat16)).logits(torch.ones(2, 4))
    assert torch.get_float32_matmul_precision() == precision


def test_setting_comes_back_with_the_last_of_two_threads(precision, in_thread):
    inside, leave, left = threading.Event(), threading.Event(), threading.Event()
    seen = []

    def first():
        Spying(torch.bfloat16, lambda: (inside.set(), leave.wait(20))).logits(torch.ones(2, 3))
        left.set()

    def second():
        leave.set()
        left.wait(20)
        seen.append(torch.get_float32_matmul_precision())

    with in_thread(first):
        assert inside.wait(20)
        Spying(torch.bfloat16, second).logits(torch.ones(2, 3))
    assert seen == ["medium"]
    assert torch.get_float32_matmul_precision() == precision
    assert FAST_PRODUCTS._inside == 0
