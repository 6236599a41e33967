"""PyTorch: classes with common factors."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import noisemax
import noisemax.torch as nt
from torch_rows import own, scale, seed, x  # noqa: F401

# Few nodes do: what is checked is what flows back, which the differences of gradcheck find with the error of the values over 1e-6.
CHECK = {"eps": 1e-3, "atol": 1e-5, "rtol": 1e-4}
options = {"tolerance": 1e-6}


@pytest.fixture
def factors():
    return torch.randn(3, 5, 1, dtype=torch.double).div(2).requires_grad_()


@pytest.mark.parametrize("name", ["normal", "gumbel"])
def test_gradients(name, x, own, scale, factors):
    def check(function, *inputs):
        return torch.autograd.gradcheck(function, inputs, **CHECK)

    t, s, each, alike = (
        t.detach().requires_grad_() for t in (x[:1, :3], own[:1, :3], factors[:1, :3], factors[0, :3])
    )
    assert check(lambda t, s, v: nt.probabilities(t, name, s, factors=v, **options), t, s, each)
    assert check(lambda t, s, v: nt.log_probabilities(t, name, s, factors=v, **options), t, scale, each)
    assert check(lambda t, v: nt.probabilities(t.T, name, 0.7, dim=0, factors=v, **options), t, alike)
    # Only one of the three.
    assert check(lambda v: nt.probabilities(t.detach(), name, factors=v, **options), alike)


def test_the_bits_of_numpy(law, x, own, factors):
    t, s, v = x.detach(), own.detach(), factors.detach()
    for function, other in ((nt.probabilities, noisemax.probabilities), (nt.log_probabilities, noisemax.log_probabilities)):
        for scales in (0.7, s):
            expected = other(t.numpy(), law, scales if scales is not s else s.numpy(), factors=v.numpy(), **options)
            assert np.array_equal(function(t, law, scales, factors=v, **options), expected)


def test_shapes_and_types(factors):
    t, v = torch.randn(2, 3, 5), factors.detach().float().expand(2, 3, 5, 1)
    expected = nt.probabilities(t, factors=v, **options)
    for dim in range(-3, 3):
        moved = v.movedim(-2, dim if dim >= 0 else dim - 1)
        found = nt.probabilities(t.movedim(-1, dim), dim=dim, factors=moved, **options)
        assert torch.equal(found.movedim(dim, -1), expected)
    alike = v[0, 0].clone().requires_grad_()
    half = t.half().requires_grad_()
    p = nt.probabilities(half, factors=alike, **options)
    assert p.dtype == torch.half and p.shape == t.shape
    p[..., 0].sum().backward()
    assert half.grad.dtype == torch.half and alike.grad.shape == (5, 1) and (alike.grad != 0).all()
    assert nt.probabilities(torch.zeros(0, 5), factors=v[0, 0]).shape == (0, 5)


def test_batches_and_compiled_code(x, factors):
    t, v = x.detach(), factors.detach()
    expected = nt.probabilities(t, factors=v, **options)
    assert torch.equal(torch.func.vmap(lambda t, v: nt.probabilities(t, factors=v, **options))(t, v), expected)
    shared = torch.func.vmap(lambda t: nt.probabilities(t, factors=v[0], **options))(t)
    assert torch.equal(shared, nt.probabilities(t, factors=v[0], **options))

    def model(t, v):
        return nt.log_probabilities(t, "logistic", factors=v, **options).square().sum()

    torch._dynamo.reset()
    value = torch.compile(model, fullgraph=True, backend="aot_eager")(x, factors)
    torch.testing.assert_close(value, model(x, factors))
    slopes = torch.autograd.grad(value, (x, factors))
    torch.testing.assert_close(slopes, torch.autograd.grad(model(x, factors), (x, factors)))


def test_operators_are_well_formed(x, own, factors):
    operators, v, none = torch.ops.noisemax, torch.randn(3, 5, dtype=torch.double), torch.empty(0).double()
    for operator, arguments in [
        (operators.factor_values.default, (x, own, factors, "normal", 1.0, 1e-3, False)),
        (operators.factor_values.default, (x, none, factors, "laplace", 0.5, 1e-2, True)),
        (operators.factor_pullback.default, (x.detach(), none, factors.detach(), v, "normal", 1.0, 1e-3, True)),
    ]:
        torch.library.opcheck(operator, arguments)


def test_second_derivatives_are_refused(x, factors):
    with pytest.raises(NotImplementedError, match="second derivatives"):
        torch.autograd.functional.hessian(
            lambda t: nt.probabilities(t, factors=factors.detach(), tolerance=1e-2).square().sum(), x.detach()
        )


@pytest.mark.parametrize(
    "message, call",
    [
        ("factors have 1 to 3 numbers", lambda t: nt.probabilities(t, factors=torch.ones(5))),
        ("do not fit rows", lambda t: nt.probabilities(t, factors=torch.ones(4, 1))),
        ("a class has 1 to 3 loadings, not 4", lambda t: nt.probabilities(t, factors=torch.ones(5, 4))),
        ("the tolerance is from 1e-12 to 0.1", lambda t: nt.log_probabilities(t, factors=torch.ones(5, 1), tolerance=1)),
        ("the quantile rule takes", lambda t: nt.probabilities(t, factors=torch.ones(5, 1), points=4)),
        ("go with factors", lambda t: nt.log_probabilities(t, tolerance=1e-3)),
    ],
)
def test_what_is_wrong_is_said(message, call, x):
    with pytest.raises(ValueError, match=message):
        call(x.detach())
