"""PyTorch: values, derivatives, and what the compiler, exports and torch.func make of the operators."""

import copy
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import noisemax
import noisemax.torch as nt
from torch_rows import classes, scale, seed, weights, x  # noqa: F401

EXACT_LOGS = [law for law in noisemax.laws() if law != "uniform"]


def test_references(cases):
    for case in cases:
        t = torch.tensor(case.logits, requires_grad=True)
        p = nt.probabilities(t, case.noise)
        case.check("p", p.detach(), case.probabilities, 1e-12)
        case.check("log p", nt.log_probabilities(t, case.noise).detach(), case.log_probabilities, 3e-12, 3e-12)
        p.backward(torch.tensor(case.cotangent))
        case.check("pullback", t.grad, case.pullback, 0, 1e-12)
        # With the scale as a tensor, in the largest of the row: what is divided differs in its last digits.
        unit = nt.probabilities(t, case.noise, torch.tensor(1.0, dtype=torch.double))
        case.check("p by a scale", unit.detach(), case.probabilities, 1e-11)


def test_the_bits_of_numpy(law):
    t = torch.randn(300, 7)
    assert np.array_equal(nt.probabilities(t, law, 0.5), noisemax.probabilities(t.numpy(), law, 0.5))
    values = nt.loss(t, torch.zeros(300, dtype=torch.long), law, 0.5, reduction="none")
    assert np.array_equal(values, noisemax.loss(t.numpy(), np.zeros(300, int), law, 0.5))


@pytest.mark.parametrize("name", noisemax.laws())
def test_gradients(name, x, scale):
    check = torch.autograd.gradcheck
    assert check(lambda t: nt.probabilities(t, name, 0.7), (x,))
    assert check(lambda t, s: nt.probabilities(t, name, s), (x, scale))
    assert check(lambda t: nt.probabilities(t.T, name, 0.7, dim=0), (x,))
    assert check(lambda t, s: nt.loss(t, classes, name, s), (x, scale))
    assert check(lambda t, s: nt.loss(t, weights, name, s, reduction="none"), (x, scale))


@pytest.mark.parametrize("name", EXACT_LOGS)
def test_gradients_of_logarithms(name, x, scale):
    check = torch.autograd.gradcheck
    assert check(lambda t, s: nt.log_probabilities(t, name, s), (x, scale))
    likelihood = {"kind": "negative-log-likelihood", "reduction": "sum"}
    assert check(lambda t, s: nt.loss(t, classes, name, s, **likelihood), (x, scale))
    assert check(lambda t, s: nt.loss(t, weights, name, s, **likelihood), (x, scale))


@pytest.mark.parametrize("points", [5, None])
def test_gradients_of_relaxed_samples_and_of_the_rule(points, x, scale):
    temperature = torch.tensor(0.6, dtype=torch.double, requires_grad=True)

    def relaxed(t, s, temperature):
        torch.manual_seed(3)
        return nt.relaxed_sample(t, temperature, "logistic", s)

    assert torch.autograd.gradcheck(relaxed, (x, scale, temperature))
    assert torch.autograd.gradcheck(lambda t: nt.probabilities(t, points=points), (x,))


def test_gumbel_noise_is_softmax(x):
    torch.testing.assert_close(nt.probabilities(x, "gumbel"), torch.softmax(x, -1), rtol=1e-14, atol=0)
    for reduction in ("mean", "sum", "none"):
        loss = nt.loss(x, classes, "gumbel", reduction=reduction)
        torch.testing.assert_close(loss, torch.nn.functional.cross_entropy(x, classes, reduction=reduction))


def test_masks_have_no_part(scale):
    t = torch.tensor([[0.0, -torch.inf, 1.0], [-torch.inf] * 3], dtype=torch.double, requires_grad=True)
    for function in (
        lambda: nt.probabilities(t, scale=scale)[:, 0],
        lambda: nt.relaxed_sample(t, 0.5, scale=scale)[:, 0],
        lambda: nt.relaxed_sample(t, 0.5, scale=scale, hard=True)[:, 0],
        lambda: nt.loss(t[:1], classes[2:], scale=scale),
    ):
        slopes = torch.autograd.grad(function().sum(), (t, scale))
        assert slopes[0].isfinite().all() and slopes[1].isfinite()
        assert slopes[0][0, 1] == 0 and (slopes[0][1] == 0).all() and slopes[0][0, 0] != 0 and slopes[1] != 0


def test_relaxed_samples():
    t = torch.tensor([0.0, 1, -torch.inf]).expand(20_000, 3)
    one = nt.relaxed_sample(t, 0.5, generator=torch.Generator().manual_seed(5))
    again = nt.relaxed_sample(t, 0.5, generator=torch.Generator().manual_seed(5))
    assert torch.equal(one, again) and not torch.equal(one, nt.relaxed_sample(t, 0.5))
    torch.testing.assert_close(one.sum(-1), torch.ones(20_000))
    hard = nt.relaxed_sample(t, 0.5, hard=True, generator=torch.Generator().manual_seed(5))
    assert torch.equal(hard.argmax(-1), one.argmax(-1)) and torch.equal(hard.round(), hard.round().clamp(0, 1))
    share, p = hard.mean(0), nt.probabilities(t[0])
    assert ((share - p).abs() <= 5 * (p * (1 - p) / 20_000).sqrt() + 1e-6).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_types(dtype, x):
    t = x.detach().to(dtype).requires_grad_()
    p = nt.probabilities(t)
    assert p.dtype == dtype and nt.loss(t, classes).dtype == dtype
    p.square().sum().backward()
    assert t.grad.dtype == dtype
    exact = nt.probabilities(t.detach().double())
    assert ((p - exact).abs() <= torch.finfo(dtype).eps).all()


def test_shapes_and_devices():
    for shape in [(0, 5), (3, 0), (0,), (2, 0, 4)]:
        assert nt.probabilities(torch.zeros(shape)).shape == shape
        assert nt.relaxed_sample(torch.zeros(shape)).shape == shape
    assert nt.probabilities(torch.zeros(3, 4, device="meta")).shape == (3, 4)
    t = torch.randn(4, 5, 6)
    for dim in range(-3, 3):
        moved = t.movedim(-1, dim)
        assert torch.equal(nt.probabilities(moved, dim=dim).movedim(dim, -1), nt.probabilities(t))


@pytest.mark.parametrize(
    "message, call",
    [
        ("there is no law of noise named 'cauchy'", lambda t: nt.probabilities(t, "cauchy")),
        ("above 0, not 0.0", lambda t: nt.probabilities(t, scale=0)),
        ("target 5 of row 1 is not a class", lambda t: nt.loss(t, torch.tensor([0, 5, 1]))),
        ("do not fit rows", lambda t: nt.loss(t, torch.tensor([0, 1]))),
        ("an integer, not torch.float32", lambda t: nt.loss(t, torch.tensor([0.0, 1, 2]))),
        ("no kind of loss", lambda t: nt.loss(t, classes, kind="hinge")),
        ("no reduction", lambda t: nt.loss(t, classes, reduction="max")),
        ("a temperature is above 0, not 0", lambda t: nt.relaxed_sample(t, 0)),
        ("do not fit logits", lambda t: nt.probabilities(t, scale=torch.ones(2))),
        ("not torch.int64", lambda t: nt.probabilities(t.long())),
        ("a number is no row", lambda t: nt.probabilities(t[0, 0])),
    ],
)
def test_what_is_wrong_is_said(message, call, x):
    with pytest.raises(ValueError, match=message):
        call(x)


def test_a_scale_that_is_none_gives_nan(x):
    assert nt.probabilities(x, scale=torch.tensor(0.0)).isnan().all()
    assert nt.probabilities(x, scale=torch.tensor(-1.0)).isnan().all()


def test_operators_are_well_formed(x):
    operators = torch.ops.noisemax
    v = torch.randn(3, 5, dtype=torch.double)
    for operator, arguments in [
        (operators.values.default, (x, "normal", 1.0, 0, False)),
        (operators.values.default, (x.detach().T, "laplace", 2.0, 7, True)),
        (operators.pullback.default, (x.detach(), v, "normal", 1.0, 0, False)),
        (operators.losses.default, (x, classes, "normal", 1.0, 0, 0, True)),
        (operators.losses.default, (x.detach(), weights, "normal", 1.0, 0, 1, False)),
        (operators.perturbed.default, (x, torch.tensor(5), "normal", 1.0)),
    ]:
        torch.library.opcheck(operator, arguments)


def test_batches_of_torch_func(x):
    t, func = x.detach(), torch.func
    assert torch.equal(func.vmap(nt.probabilities)(t), nt.probabilities(t))
    assert torch.equal(func.vmap(nt.probabilities, in_dims=1, out_dims=1)(t), nt.probabilities(t, dim=0))
    slopes = func.vmap(func.grad(lambda row, k: nt.loss(row, k)))(t, classes)
    torch.testing.assert_close(slopes, nt.probabilities(t) - torch.eye(5)[classes])
    jacobians = func.vmap(func.jacrev(nt.probabilities))(t)
    torch.testing.assert_close(jacobians, jacobians.mT)
    torch.testing.assert_close(jacobians.sum(-1), torch.zeros(3, 5).double(), rtol=0, atol=1e-13)
    zeros = torch.zeros(4, 6)
    same = func.vmap(nt.relaxed_sample, randomness="same")(zeros)
    other = func.vmap(nt.relaxed_sample, randomness="different")(zeros)
    assert torch.equal(same, same[:1].expand(4, 6)) and not torch.equal(other[0], other[1])


def model(t, scale):
    p = nt.probabilities(t * 2, "normal", scale, dim=0)
    return p.square().sum() + nt.loss(t, classes, "logistic", scale) + nt.log_probabilities(t).mean()


@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_compiles_into_one_graph(backend, x, scale):
    torch._dynamo.reset()
    compiled = torch.compile(model, fullgraph=True, backend=backend)
    try:
        value = compiled(x, scale)
    except Exception as error:
        # The inductor needs a compiler of C++.
        if backend == "inductor" and "InvalidCxxCompiler" in repr(error):
            pytest.skip("there is no compiler of C++")
        raise
    torch.testing.assert_close(value, model(x, scale))
    slopes = torch.autograd.grad(value, (x, scale))
    torch.testing.assert_close(slopes, torch.autograd.grad(model(x, scale), (x, scale)))


def test_compiles_for_any_number_of_rows_and_draws():
    torch._dynamo.reset()
    compiled = torch.compile(lambda t: nt.probabilities(t), fullgraph=True, backend="aot_eager", dynamic=True)
    for rows in (3, 7, 9):
        t = torch.randn(rows, 4)
        assert torch.equal(compiled(t), nt.probabilities(t))
    draw = torch.compile(lambda t: nt.relaxed_sample(t, 0.5, hard=True), fullgraph=True, backend="aot_eager")
    assert torch.equal(draw(torch.zeros(50, 4)).sum(-1), torch.ones(50))


def test_modules():
    t = torch.randn(3, 5)
    layer = nt.Noisemax("laplace", 0.5, dim=0)
    assert torch.equal(layer(t), nt.probabilities(t, "laplace", 0.5, dim=0))
    for copied in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(copied(t), layer(t))
    exported = torch.export.export(nt.Noisemax(), (t,))
    assert torch.equal(exported.module()(t), nt.probabilities(t))
    learnt = nt.NoisemaxLoss(scale=torch.nn.Parameter(torch.tensor(2.0)), reduction="sum")
    assert [name for name, _ in learnt.named_parameters()] == ["scale"]
    learnt(t, classes).backward()
    assert learnt.scale.grad != 0 and "scale=learnt" in repr(learnt)
    torch.testing.assert_close(learnt(t, classes), nt.loss(t, classes, scale=2.0, reduction="sum"))
