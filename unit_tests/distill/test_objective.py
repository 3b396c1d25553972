"""Two products instead of three: the KL and gradient of the slow, obvious version, which runs in float64."""

import functools

import pytest
import torch
from torch.nn import functional

from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.objective import (
    HiddenRows,
    TargetRows,
    concatenate,
    forward_kl,
    reduce_teacher,
)

D = 31
LEVELS = (1e-1, 1e-3, 1e-5)


def dense(student_TD, teacher_TD, weight, bias=None, *, scale=1.0, softcap=None, answer_T=None, share=0.0, floor=0.0):
    """KL of each row and the gradient of its mean, both sides' logits formed in full."""

    def log_p(hidden):
        logits = scale * functional.linear(hidden, weight.double(), None if bias is None else bias.double())
        return (logits if softcap is None else softcap * torch.tanh(logits / softcap)).log_softmax(-1)

    student = student_TD.detach().double().requires_grad_()
    target = log_p(teacher_TD.double())
    if share or floor:
        own = target.exp().gather(1, answer_T[:, None])
        s = ((floor - own) / (1 - own)).clamp(min=share)
        target = ((1 - s) * target.exp() + s * functional.one_hot(answer_T, len(weight))).log()
    kl = functional.kl_div(log_p(student), target, log_target=True, reduction="none").nan_to_num(0.0).sum(-1)
    return kl.detach(), torch.autograd.grad(kl.mean(), student)[0]


def pair(T, V, *, level, dtype=torch.float32, bias=False, seed=0):
    """Teacher's and student's hidden states and a head, about ``level`` nats apart."""
    random = torch.Generator().manual_seed(seed)
    weight = (torch.randn(V, D, generator=random) * 0.4).to(dtype)
    offset = torch.randn(V, generator=random).to(dtype) if bias else None
    teacher, step = (torch.randn(T, D, generator=random) for _ in range(2))
    tried = dense(teacher + 0.01 * step, teacher, weight, offset)[0].mean()
    return teacher.to(dtype), (teacher + step * 0.01 * float(level / tried) ** 0.5).to(dtype), weight, offset


def ours(student_TD, teacher_TD, weight, bias=None, *, scale=1.0, softcap=None, **options):
    head = Head(weight, bias, scale=scale, softcap=softcap)
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


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("softcap", [None, 3.0, 30.0])
@pytest.mark.parametrize("scale", [1.0, 0.25, 1.7])
def test_scale_bias_and_cap_are_exact(level, bias, softcap, scale):
    teacher, student, weight, offset = pair(47, 123, level=level, bias=bias)
    wanted, slope = dense(student, teacher, weight, offset, scale=scale, softcap=softcap)
    kl, gradient = ours(student, teacher, weight, offset, scale=scale, softcap=softcap, chunk=20)
    torch.testing.assert_close(kl.double(), wanted, atol=5e-6, rtol=1e-5)
    assert away(gradient, slope) < 1e-3


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("softcap", "scale"), [(None, 1.0), (None, 1.7), (3.0, 0.25)])
def test_what_was_said_has_its_share_of_the_target(share, bias, softcap, scale):
    teacher, student, weight, offset = pair(47, 123, level=1e-2, bias=bias)
    said = torch.arange(47) * 2  # with 5 tokens kept, most of them are not among those
    options = {"scale": scale, "softcap": softcap, "answer_T": said, "share": share}
    wanted, slope = dense(student, teacher, weight, offset, **options)
    assert wanted.mean() > 0.1
    kl, gradient = ours(student, teacher, weight, offset, kept=5, chunk=20, **options)
    torch.testing.assert_close(kl.double(), wanted, atol=2e-5, rtol=1e-5)
    assert away(gradient, slope) < 1e-4


@pytest.mark.parametrize("floor", [0.02, 0.75])
@pytest.mark.parametrize("share", [0.0, 0.3])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("softcap", "scale"), [(None, 1.0), (None, 1.7), (3.0, 0.25)])
def test_what_was_said_is_lifted_to_the_floor_where_it_is_below(floor, share, bias, softcap, scale):
    teacher, student, weight, offset = pair(47, 123, level=1e-2, bias=bias)
    teacher[:20] = 2 * teacher[:20]
    said = Head(weight, offset, scale=scale, softcap=softcap).logits(teacher).argmax(-1)  # some are likely already
    said[30:] = torch.arange(17) * 2
    options = {"scale": scale, "softcap": softcap, "answer_T": said, "share": share, "floor": floor}
    wanted, slope = dense(student, teacher, weight, offset, **options)
    kl, gradient = ours(student, teacher, weight, offset, kept=5, chunk=20, **options)
    torch.testing.assert_close(kl.double(), wanted, atol=2e-5, rtol=1e-5)
    assert away(gradient, slope) < 1e-4


def test_a_token_above_the_floor_is_the_teachers_own():
    teacher, _, weight, _ = pair(47, 123, level=1e-2)
    head = Head(weight)
    said = head.logits(teacher).argmax(-1)
    least = float(head.logits(teacher).softmax(-1).amax(-1).min())
    lifted = reduce_teacher(teacher, head, answer_T=said, floor=0.99 * least)
    for found, wanted in zip(lifted.tensors(), reduce_teacher(teacher, head, answer_T=said).tensors(), strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-6)


def test_a_capped_head_keeps_the_teachers_hidden_states():
    teacher, student, weight, _ = pair(47, 123, level=1e-2)
    head = Head(weight, softcap=5.0)
    rows = reduce_teacher(teacher, head)
    assert isinstance(rows, HiddenRows)
    assert (len(rows), rows.nbytes) == (47, teacher.nbytes + 47 * 12)
    assert rows.hidden.data_ptr() != teacher.data_ptr()
    whole = forward_kl(student, head, rows)
    halves = concatenate([rows.select(torch.arange(20)), rows.select(torch.arange(20, 47))])
    assert torch.equal(forward_kl(student, head, halves), whole)


@pytest.mark.parametrize("scale", [1.0, 0.25])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_capped_heads(dtype, scale):
    teacher, student, weight, _ = pair(47, 1031, level=1e-2, dtype=dtype)
    wanted, slope = dense(student, teacher, weight, scale=scale, softcap=30.0)
    kl, gradient = ours(student, teacher, weight, scale=scale, softcap=30.0)
    torch.testing.assert_close(kl.double(), wanted, atol=1e-5, rtol=1e-3)
    assert away(gradient, slope) < 0.01


def test_double_precision_stays_double():
    teacher, student, weight, offset = pair(47, 123, level=1e-5, bias=True)
    teacher, student, weight, offset = (t.double() for t in (teacher, student, weight, offset))
    wanted, slope = dense(student, teacher, weight, offset)
    kl, gradient = ours(student, teacher, weight, offset)
    torch.testing.assert_close(kl, wanted, atol=1e-13, rtol=1e-8)
    assert away(gradient, slope) < 1e-10


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


def test_rows_are_a_value():
    with pytest.raises(AttributeError, match="ids"):
        TargetRows(*[torch.zeros(1)] * 4).ids = torch.ones(1)


# ---- hidden states of a real model


@pytest.fixture(scope="module")
def real(default_model):
    """Two readings of a text by the default model, the second without its beginning: [N, 576] each, in bf16."""
    ids = default_model.encode(
        "The keeper wrote down the weather every evening. On Tuesday the supply boat was late, and nobody on the "
        "island had seen the dog since breakfast. My sister lives in Lisbon and works as a nurse; she has called her "
        "whippet Pallas, after the asteroid. What did the keeper write? He wrote that the wind had turned."
    )
    with torch.no_grad():
        whole, later = (
            default_model.decoder(input_ids=torch.tensor([part]), use_cache=False).last_hidden_state[0]
            for part in (ids, ids[9:])
        )
    # Where the processor does not multiply 16 bits the model is in fp32.
    weight, *states = (t.to(torch.bfloat16) for t in (default_model.head.weight, whole[-24:], later[-24:]))
    return weight, *states


@pytest.fixture(scope="module")
def apart(real):
    """The student's states, moved from the teacher's towards the other reading until they are ``level`` nats apart."""
    weight, teacher, other = real

    @functools.cache
    def moved(level):
        step, way = 0.1, (other - teacher).float()
        for _ in range(5):
            student = (teacher.float() + step * way).to(teacher.dtype)
            kl, slope = dense(student, teacher, weight)
            step *= float(level / kl.mean()) ** 0.5
        return student, kl, slope

    return moved


@pytest.mark.model
@pytest.mark.parametrize("narrowed", [False, True])
@pytest.mark.parametrize("level", [1e-1, 1e-2, 1e-3, 1e-4, 1e-5])
def test_accuracy_on_a_real_models_hidden_states(real, apart, level, narrowed, monkeypatch):
    # docs/method.md states these figures. Narrowed: what GPUs, and CPUs with AMX, make of the second product's input.
    if narrowed:
        wide = Head.pull_back

        def narrow(self, rows, *, exact=False):
            return wide(self, rows if exact else rows.bfloat16().float())

        monkeypatch.setattr(Head, "pull_back", narrow)
    weight, teacher, _ = real
    student, wanted, slope = apart(level)
    assert 0.5 * level < wanted.mean() < 2 * level
    # The states' own fp32, so that the gradient is not rounded to bf16 at the end, as it is on its way to the model.
    kl, gradient = ours(student.float(), teacher, weight)
    assert (kl.double() - wanted).abs().max() < 2e-5
    assert away(gradient, slope) < ((0.004 if level >= 1e-3 else 0.03) if narrowed else 0.001)
    if level <= 1e-3:
        narrow = student.detach().clone().requires_grad_()
        log_s, log_t = (functional.linear(h, weight).float().log_softmax(-1) for h in (narrow, teacher))
        functional.kl_div(log_s, log_t, log_target=True, reduction="none").sum(-1).mean().backward()
        assert away(narrow.grad, slope) > 0.3, "bf16 logits would do as well"
