"""Two products instead of three: the KL and gradient of the slow, obvious version, which runs in float64."""

import threading

import pytest
import torch
from torch.nn import functional

from langchain_selfparam.distill.objective import Head, TargetRows, concatenate, forward_kl, reduce_teacher
from langchain_selfparam.distill.precision import FAST_PRODUCTS

D = 31
LEVELS = (1e-1, 1e-3, 1e-5)


def dense(student_TD, teacher_TD, weight, bias=None):
    """KL of each row and the gradient of its mean, both sides' logits formed in full."""

    def log_p(hidden):
        return functional.linear(hidden, weight.double(), None if bias is None else bias.double()).log_softmax(-1)

    student = student_TD.detach().double().requires_grad_()
    kl = functional.kl_div(log_p(student), log_p(teacher_TD.double()), log_target=True, reduction="none").sum(-1)
    return kl.detach(), torch.autograd.grad(kl.mean(), student)[0]


def pair(T, V, *, level, dtype=torch.float32, bias=False, seed=0):
    """Teacher's and student's hidden states and a head, about ``level`` nats apart."""
    random = torch.Generator().manual_seed(seed)
    weight = (torch.randn(V, D, generator=random) * 0.4).to(dtype)
    offset = torch.randn(V, generator=random).to(dtype) if bias else None
    teacher, step = (torch.randn(T, D, generator=random) for _ in range(2))
    tried = dense(teacher + 0.01 * step, teacher, weight, offset)[0].mean()
    return teacher.to(dtype), (teacher + step * 0.01 * float(level / tried) ** 0.5).to(dtype), weight, offset


def ours(student_TD, teacher_TD, weight, bias=None, **options):
    head = Head(weight, bias)
    student = student_TD.detach().clone().requires_grad_()
    rows = reduce_teacher(teacher_TD, head, **options)
    kl = forward_kl(student, head, rows, **{k: v for k, v in options.items() if k == "chunk"})
    kl.mean().backward()
    return kl.detach(), student.grad


def away(found, wanted):
    """Relative distance in the Euclidean norm."""
    return float((found.double() - wanted).norm() / wanted.norm())


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("T", "V"), [(3, 123), (47, 123), (3, 1031), (47, 1031)])
def test_fp32_is_exact(T, V, level, bias):
    teacher, student, weight, offset = pair(T, V, level=level, bias=bias)
    wanted, slope = dense(student, teacher, weight, offset)
    assert 0.2 * level < wanted.mean() < 5 * level
    kl, gradient = ours(student, teacher, weight, offset)
    assert kl.shape == (T,)
    assert kl.dtype == gradient.dtype == torch.float32
    torch.testing.assert_close(kl.double(), wanted, atol=5e-6, rtol=1e-5)
    assert away(gradient, slope) < 5e-4


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("bias", [False, True])
def test_bf16_head_keeps_a_usable_gradient_however_near_the_two_are(level, bias):
    teacher, student, weight, offset = pair(47, 1031, level=level, bias=bias, dtype=torch.bfloat16)
    wanted, slope = dense(student, teacher, weight, offset)
    kl, gradient = ours(student, teacher, weight, offset)
    assert kl.dtype == torch.float32
    assert gradient.dtype == torch.bfloat16
    torch.testing.assert_close(kl.double(), wanted, atol=1e-5, rtol=1e-3)
    assert away(gradient, slope) < 0.01


def test_logits_rounded_to_bf16_would_fail_the_same_test():
    teacher, student, weight, _ = pair(47, 1031, level=1e-3, dtype=torch.bfloat16)
    slope = dense(student, teacher, weight)[1]
    narrow = student.detach().clone().requires_grad_()
    log_s, log_t = (functional.linear(h, weight).log_softmax(-1).float() for h in (narrow, teacher))
    functional.kl_div(log_s, log_t, log_target=True, reduction="none").sum(-1).mean().backward()
    assert away(narrow.grad, slope) > 0.05


def test_equal_sides_are_zero_apart():
    teacher, _, weight, offset = pair(47, 1031, level=1e-3, bias=True)
    kl, gradient = ours(teacher, teacher, weight, offset)
    assert kl.abs().max() < 5e-6
    assert gradient.abs().max() < 1e-6


def test_it_is_the_forward_kl():
    teacher, student, weight, _ = pair(3, 123, level=1.0)
    there, back = dense(student, teacher, weight)[0], dense(teacher, student, weight)[0]
    assert (there - back).abs().max() > 0.01
    torch.testing.assert_close(ours(student, teacher, weight)[0].double(), there, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("chunk", [1, 5, 47, 1024])
def test_chunks_change_nothing(chunk):
    teacher, student, weight, offset = pair(47, 123, level=1e-2, bias=True)
    kl, gradient = ours(student, teacher, weight, offset, chunk=chunk)
    whole, slope = ours(student, teacher, weight, offset)
    torch.testing.assert_close(kl, whole, atol=2e-6, rtol=0)
    torch.testing.assert_close(gradient, slope, atol=1e-7, rtol=1e-4)


@pytest.mark.parametrize("kept", [1, 64, 122, 123, 500])
def test_any_number_of_kept_tokens_is_exact(kept):
    teacher, student, weight, offset = pair(47, 123, level=1e-2, bias=True)
    wanted, slope = dense(student, teacher, weight, offset)
    kl, gradient = ours(student, teacher, weight, offset, kept=kept)
    torch.testing.assert_close(kl.double(), wanted, atol=5e-6, rtol=1e-5)
    assert away(gradient, slope) < 5e-4
    rows = reduce_teacher(teacher, Head(weight, offset), kept=kept)
    assert rows.ids.shape == rows.probs.shape == (47, min(kept, 123))


def test_rows_are_the_teachers_own_numbers():
    teacher, _, weight, _ = pair(3, 123, level=1e-2)
    p_TV = functional.linear(teacher.double(), weight.double()).softmax(-1)
    rows = reduce_teacher(teacher, Head(weight), kept=7)
    probs, ids = p_TV.topk(7)
    assert torch.equal(rows.ids, ids)
    torch.testing.assert_close(rows.probs.double(), probs, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(rows.tail.double(), p_TV.scatter(1, ids, 0.0) @ weight.double(), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(rows.negentropy.double(), (p_TV * p_TV.log()).sum(-1), atol=1e-5, rtol=1e-5)
    everything = reduce_teacher(teacher, Head(weight), kept=123)
    assert torch.equal(everything.tail, torch.zeros(3, D))


def test_a_token_that_cannot_come_is_no_nan():
    teacher, student, weight, _ = pair(3, 123, level=1e-2)
    offset = torch.zeros(123)
    offset[5] = -1e4
    wanted, slope = dense(student, teacher, weight, offset)
    kl, gradient = ours(student, teacher, weight, offset)
    torch.testing.assert_close(kl.double(), wanted, atol=5e-6, rtol=1e-5)
    assert away(gradient, slope) < 5e-4


def test_each_row_has_its_own_weight_in_the_gradient():
    teacher, student, weight, _ = pair(3, 123, level=1e-1)
    slope = dense(student, teacher, weight)[1] * 3
    hidden, head = student.clone().requires_grad_(), Head(weight)
    shares = torch.tensor([2.0, 0.0, -1.0])
    (forward_kl(hidden, head, reduce_teacher(teacher, head)) * shares).sum().backward()
    torch.testing.assert_close(hidden.grad.double(), slope * shares[:, None], atol=1e-6, rtol=1e-4)


def test_gradient_reaches_the_hidden_states_and_nothing_else():
    teacher, student, weight, offset = pair(3, 123, level=1e-1, bias=True)
    weight.requires_grad_()
    offset.requires_grad_()
    teacher.requires_grad_()
    head, hidden = Head(weight, offset), student.clone().requires_grad_()
    rows = reduce_teacher(teacher, head)
    assert not any(getattr(rows, name).requires_grad for name in ("ids", "probs", "tail", "negentropy"))
    forward_kl(hidden, head, rows).sum().backward()
    assert hidden.grad.abs().max() > 0
    assert weight.grad is offset.grad is teacher.grad is None


def test_targets_are_not_changed_by_use():
    teacher, student, weight, offset = pair(47, 123, level=1e-1, bias=True)
    head = Head(weight, offset)
    rows = reduce_teacher(teacher, head)
    first, again = (forward_kl(student, head, rows) for _ in range(2))
    assert torch.equal(first, again)


def test_rows_can_be_picked_joined_and_moved():
    teacher, student, weight, _ = pair(47, 123, level=1e-1)
    head = Head(weight)
    rows = reduce_teacher(teacher, head)
    chosen = torch.tensor([40, 2, 2, 11])
    picked = rows.select(chosen).to(torch.device("cpu"))
    assert (len(rows), len(picked)) == (47, 4)
    joined = concatenate([rows.select(torch.tensor([40, 2])), rows.select(torch.tensor([2, 11]))])
    for other in (picked, joined):
        assert torch.equal(forward_kl(student[chosen], head, other), forward_kl(student, head, rows)[chosen])


def test_as_many_targets_as_hidden_states():
    teacher, student, weight, _ = pair(3, 123, level=1e-1)
    head = Head(weight)
    rows = reduce_teacher(teacher, head).select(torch.tensor([0, 1]))
    with pytest.raises(ValueError, match=r"^3 hidden states for 2 teacher targets; they have to be as many$"):
        forward_kl(student, head, rows)


# ---- the process-wide precision of products


@pytest.fixture(params=["highest", "high"])
def precision(request):
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(request.param)
    yield request.param
    torch.set_float32_matmul_precision(before)


class _Spied(torch.Tensor):
    """A weight that calls ``look`` whenever it is multiplied."""

    look = None

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func.__name__ in {"mm", "matmul", "__matmul__", "__rmatmul__", "linear", "addmm"}:
            cls.look()
        return super().__torch_function__(func, types, args, kwargs)


def spying(dtype, look):
    """A head that calls ``look`` in the middle of its product."""
    kind = type("Spied", (_Spied,), {"look": staticmethod(look)})
    return Head(torch.ones(7, 3, dtype=dtype).as_subclass(kind))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_products_are_narrowed_and_the_setting_comes_back(precision, dtype):
    seen = []
    head = spying(dtype, lambda: seen.append(torch.get_float32_matmul_precision()))
    head.logits(torch.ones(2, 3))
    head.pull_back(torch.ones(2, 7))
    assert seen == ["medium", "medium"]
    assert torch.get_float32_matmul_precision() == precision


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_exact_models_keep_the_users_setting(precision, dtype):
    seen = []
    spying(dtype, lambda: seen.append(torch.get_float32_matmul_precision())).logits(torch.ones(2, 3))
    assert seen == [precision]


def test_setting_comes_back_after_an_error(precision):
    with pytest.raises(RuntimeError, match="2x4 and 3x7"):
        Head(torch.ones(7, 3, dtype=torch.bfloat16)).logits(torch.ones(2, 4))
    assert torch.get_float32_matmul_precision() == precision


def test_setting_comes_back_with_the_last_of_two_threads(precision, in_thread):
    inside, leave, left = threading.Event(), threading.Event(), threading.Event()
    seen = []

    def first():
        head = spying(torch.bfloat16, lambda: (inside.set(), leave.wait(20)))
        head.logits(torch.ones(2, 3))
        left.set()

    def second():
        leave.set()
        left.wait(20)
        seen.append(torch.get_float32_matmul_precision())

    with in_thread(first):
        assert inside.wait(20)
        spying(torch.bfloat16, second).logits(torch.ones(2, 3))
    assert seen == ["medium"]
    assert torch.get_float32_matmul_precision() == precision
    assert FAST_PRODUCTS._inside == 0


def test_rows_are_a_value():
    with pytest.raises(AttributeError, match="ids"):
        TargetRows(*[torch.zeros(1)] * 4).ids = torch.ones(1)
