"""PyTorch: classes with scales of their own, the k largest, and orderings."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import noisemax
import noisemax.torch as nt
from torch_rows import classes, own, seed, weights, x  # noqa: F401

orderings = torch.tensor([[3, 0], [1, 2], [4, 3]])


def test_references(ranks):
    for case in ranks:
        t, law = torch.tensor(case.logits, requires_grad=True), case.noise
        s = None if case.scales is None else torch.tensor(case.scales, requires_grad=True)
        scale = 1.0 if s is None else s
        p = nt.probabilities(t, law, scale)
        case.check("p", p.detach(), case.probabilities, 1e-11)
        case.check("log p", nt.log_probabilities(t, law, scale).exp().detach(), case.probabilities, 1e-11)
        p.backward(torch.tensor(case.cotangent))
        case.check("pullback", t.grad, case.logit_pullback, 0, 1e-10)
        if s is not None:
            case.check("pullback in the scales", s.grad, case.scale_pullback, 0, 1e-10)
        for k, reference in case.largest.items():
            if k <= len(t):
                case.check(f"top {k}", nt.top_k_probabilities(t, k, law, scale).detach(), reference, 1e-11)
        for pair, probability in case.pairs:
            loss = nt.ranking_loss(t, torch.tensor(pair), law, scale)
            case.check(f"{pair}", (-loss).exp().detach(), probability, 1e-11)


@pytest.mark.parametrize("name", ["normal", "gumbel", "laplace", "uniform"])
def test_gradients(name, x, own):
    check = torch.autograd.gradcheck
    assert check(lambda t, s: nt.probabilities(t, name, s), (x, own))
    assert check(lambda t, s: nt.probabilities(t.T, name, s.T, dim=0), (x, own))
    assert check(lambda t, s: nt.top_k_probabilities(t, 2, name, s), (x, own))
    assert check(lambda t: nt.top_k_probabilities(t, 3, name, 0.7), (x,))
    assert check(lambda t, s: nt.loss(t, classes, name, s), (x, own))
    assert check(lambda t, s: nt.loss(t, weights, name, s, reduction="none"), (x, own))
    # Only one of the two, and one scale for each class.
    assert check(lambda s: nt.probabilities(x.detach(), name, s), (own,))
    assert check(lambda s: nt.probabilities(x.detach(), name, s), (own[0].detach().requires_grad_(),))
    assert check(lambda t, s: nt.top_k_probabilities(t, 2, name, s), (x, own[:, :1].detach().requires_grad_()))


@pytest.mark.parametrize("name", ["normal", "gumbel", "laplace"])
def test_gradients_of_logarithms_and_of_rankings(name, x, own):
    check = torch.autograd.gradcheck
    assert check(lambda t, s: nt.log_probabilities(t, name, s), (x, own))
    likelihood = {"kind": "negative-log-likelihood", "reduction": "sum"}
    assert check(lambda t, s: nt.loss(t, weights, name, s, **likelihood), (x, own))
    assert check(lambda t, s: nt.ranking_loss(t, orderings, name, s), (x, own))
    assert check(lambda t: nt.ranking_loss(t, orderings, name, 0.7, reduction="none"), (x,))
    unit = torch.tensor(0.8, dtype=torch.double, requires_grad=True)
    assert check(lambda t, s: nt.ranking_loss(t, torch.tensor([2, 0]), name, s), (x, unit))


def test_the_bits_of_numpy(law, x, own):
    t, s = x.detach(), own.detach()
    assert np.array_equal(nt.probabilities(t, law, s), noisemax.probabilities(t.numpy(), law, s.numpy()))
    top = nt.top_k_probabilities(t, 2, law, s)
    assert np.array_equal(top, noisemax.top_k_probabilities(t.numpy(), 2, law, s.numpy()))
    loss = nt.ranking_loss(t, orderings, law, reduction="none")
    assert np.array_equal(loss, noisemax.ranking_loss(t.numpy(), orderings.numpy(), law))


def test_shapes_and_types(own):
    t = torch.randn(4, 3, 5)
    s = torch.rand(5) + 0.5
    for dim in range(-3, 3):
        moved = t.movedim(-1, dim)
        expected = nt.top_k_probabilities(t, 2, scale=s)
        assert torch.equal(nt.top_k_probabilities(moved, 2, scale=s, dim=dim).movedim(dim, -1), expected)
        own_scales = s.expand(t.shape).movedim(-1, dim)
        assert torch.equal(nt.probabilities(moved, scale=own_scales, dim=dim).movedim(dim, -1), nt.probabilities(t, scale=s))
        order = torch.tensor([2, 0]).expand(4, 3, 2).movedim(-1, dim)
        assert torch.equal(nt.ranking_loss(moved, order, dim=dim), nt.ranking_loss(t, torch.tensor([2, 0])))
    half = t.half().requires_grad_()
    p = nt.top_k_probabilities(half, 2, scale=s.half().requires_grad_())
    assert p.dtype == torch.half
    p.sum().backward()
    assert half.grad.dtype == torch.half
    for shape in [(0, 5), (2, 0, 5)]:
        assert nt.probabilities(torch.zeros(shape), scale=torch.ones(5)).shape == shape
        assert nt.ranking_loss(torch.zeros(shape), torch.tensor([0]), reduction="sum") == 0


@pytest.mark.parametrize(
    "message, call",
    [
        ("the scale of class 1 of row 0", lambda t: nt.probabilities(t, scale=torch.tensor([1.0, -1, 1, 1, 1]))),
        ("scales of the shape \\(2,\\) do not fit", lambda t: nt.probabilities(t, scale=torch.ones(2))),
        ("from 1 to 5, not 6", lambda t: nt.top_k_probabilities(t, 6)),
        ("the quantile rule", lambda t: nt.probabilities(t, scale=torch.ones(5), points=4)),
        ("class 1 comes twice in the ordering of row 0", lambda t: nt.ranking_loss(t, torch.tensor([1, 1]))),
        ("do not fit rows", lambda t: nt.ranking_loss(t, orderings[:2])),
        ("integers along a dimension", lambda t: nt.ranking_loss(t, torch.tensor([0.0]))),
        ("a relaxed sample has one scale", lambda t: nt.relaxed_sample(t, scale=torch.ones(5))),
        ("no reduction", lambda t: nt.ranking_loss(t, orderings, reduction="max")),
    ],
)
def test_what_is_wrong_is_said(message, call, x):
    with pytest.raises(ValueError, match=message):
        call(x)


def test_operators_are_well_formed(x, own):
    operators, v, none = torch.ops.noisemax, torch.randn(3, 5, dtype=torch.double), torch.empty(0).double()
    for operator, arguments in [
        (operators.scaled_values.default, (x, own, "normal", 1.0, 2, False)),
        (operators.scaled_values.default, (x, none, "laplace", 0.5, 2, False)),
        (operators.scaled_pullback.default, (x.detach(), own.detach(), v, "normal", 1.0, 1, True)),
        (operators.scaled_losses.default, (x, own, classes, "normal", 1.0, 0, True)),
        (operators.ranking_losses.default, (x, none, orderings, "gumbel", 2.0, True)),
    ]:
        torch.library.opcheck(operator, arguments)


def test_batches_of_torch_func(x, own):
    t, s, func = x.detach(), own.detach(), torch.func
    assert torch.equal(func.vmap(lambda t, s: nt.probabilities(t, scale=s))(t, s), nt.probabilities(t, scale=s))
    assert torch.equal(
        func.vmap(lambda t: nt.top_k_probabilities(t, 2), in_dims=1, out_dims=1)(t), nt.top_k_probabilities(t, 2, dim=0)
    )
    slopes = func.vmap(func.grad(lambda t, s, order: nt.ranking_loss(t, order, scale=s), (0, 1)))(t, s, orderings)
    value = nt.ranking_loss(x, orderings, scale=own, reduction="sum")
    torch.testing.assert_close(slopes, torch.autograd.grad(value, (x, own)))
    jacobian = func.jacrev(lambda t: nt.top_k_probabilities(t, 2, scale=s[0]))(t[0])
    torch.testing.assert_close(jacobian, jacobian.mT)


def test_second_derivatives_are_refused(x, own):
    for function in (
        lambda t: nt.top_k_probabilities(t, 2, scale=own.detach()).square().sum(),
        lambda t: nt.ranking_loss(t, orderings, scale=own.detach()),
    ):
        with pytest.raises(NotImplementedError, match="second derivatives"):
            torch.autograd.functional.hessian(function, x.detach())
        with pytest.raises(NotImplementedError, match="forward-mode"):
            torch.func.jvp(function, (x.detach(),), (x.detach(),))


def test_compiles_into_one_graph(x, own):
    def model(t, s):
        p = nt.top_k_probabilities(t, 2, scale=s).square().sum() + nt.probabilities(t, "laplace", s[0]).square().sum()
        return p + nt.loss(t, classes, scale=s) + nt.ranking_loss(t, orderings, "gumbel") + nt.ranking_loss(t, orderings, scale=s)

    torch._dynamo.reset()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    value = compiled(x, own)
    torch.testing.assert_close(value, model(x, own))
    slopes = torch.autograd.grad(value, (x, own))
    torch.testing.assert_close(slopes, torch.autograd.grad(model(x, own), (x, own)))


def test_a_module_learns_a_scale_for_every_class(x):
    layer = nt.Noisemax(scale=torch.nn.Parameter(torch.ones(5, dtype=torch.double)))
    layer(x).square().sum().backward()
    assert layer.scale.grad.shape == (5,) and (layer.scale.grad != 0).all() and "scale=learnt" in repr(layer)
