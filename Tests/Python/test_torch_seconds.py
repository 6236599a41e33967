"""PyTorch: second derivatives, and derivatives of forward mode."""

import pytest

torch = pytest.importorskip("torch")

import noisemax
import noisemax.torch as nt
from torch_rows import classes, scale, seed, weights, x  # noqa: F401

SMOOTH = ["gumbel", "normal", "logistic", "reversed-gumbel"]


# Laplace's second derivatives have kinks, and its differences are the less exact.
@pytest.mark.parametrize("name", [*SMOOTH, "laplace"])
def test_second_gradients(name, x, scale):
    def check(function, *inputs):
        return torch.autograd.gradgradcheck(function, inputs, atol=1e-6, rtol=1e-6)

    assert check(lambda t, s: nt.probabilities(t, name, s), x, scale)
    assert check(lambda t: nt.probabilities(t.T, name, 0.7, dim=0), x)
    assert check(lambda t, s: nt.log_probabilities(t, name, s), x, scale)
    for kind in ("fenchel-young", "negative-log-likelihood"):
        assert check(lambda t, s, kind=kind: nt.loss(t, classes, name, s, kind=kind), x, scale)
        assert check(lambda t, kind=kind: nt.loss(t, weights, name, 0.7, kind=kind, reduction="none"), x)


@pytest.mark.parametrize("name", SMOOTH)
def test_forward_gradients(name, x, scale):
    def check(function, *inputs):
        modes = {"check_forward_ad": True, "check_backward_ad": False, "check_undefined_grad": False}
        return torch.autograd.gradcheck(function, inputs, **modes)

    assert check(lambda t, s: nt.probabilities(t, name, s), x, scale)
    assert check(lambda t, s: nt.log_probabilities(t, name, s), x, scale)
    for kind in ("fenchel-young", "negative-log-likelihood"):
        assert check(lambda t, s, kind=kind: nt.loss(t, classes, name, s, kind=kind), x, scale)

    def relaxed(t, s):
        torch.manual_seed(3)
        return nt.relaxed_sample(t, 0.6, name, s)

    assert check(relaxed, x, scale)


def test_the_hessian_of_softmax_under_gumbel_noise(x):
    t = x.detach()
    hessian, functional = torch.func.hessian, torch.autograd.functional.hessian
    for kind in ("fenchel-young", "negative-log-likelihood"):
        expected = hessian(lambda t: torch.nn.functional.cross_entropy(t, classes))(t)

        def loss(t, kind=kind):
            return nt.loss(t, classes, "gumbel", kind=kind)

        for found in (hessian(loss)(t), functional(loss, t)):
            torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-13)
    for one, other in ((nt.probabilities, torch.softmax), (nt.log_probabilities, torch.log_softmax)):
        expected = hessian(lambda t, f=other: f(t, -1)[0, 1])(t)
        torch.testing.assert_close(hessian(lambda t, f=one: f(t, "gumbel")[0, 1])(t), expected, rtol=1e-11, atol=1e-13)


def test_directions_are_those_of_reverse_mode(law, x):
    t, w = x.detach(), torch.randn(3, 5, dtype=torch.double)
    for function in (nt.probabilities, nt.log_probabilities):
        if law == "uniform" and function is nt.log_probabilities:
            continue
        value, change = torch.func.jvp(lambda t, f=function: f(t, law), (t,), (w,))
        jacobian = torch.func.vmap(torch.func.jacrev(lambda t, f=function: f(t, law)))(t)
        torch.testing.assert_close(change, (jacobian @ w.unsqueeze(-1)).squeeze(-1), rtol=1e-9, atol=1e-11)
        assert torch.equal(value, function(t, law))
    together = torch.func.vmap(torch.func.jacfwd(lambda t: nt.probabilities(t, law)))(t)
    torch.testing.assert_close(together, together.mT, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype, gap", [(torch.double, 60.0), (torch.float32, 20.0)])
def test_far_tails_have_directions(dtype, gap):
    # Two classes: log p of the far one has the slope h(z)/√2, h the hazard of a normal at z = gap/√2, about z + 1/z - 2/z³.
    t, w = torch.tensor([0.0, -gap], dtype=dtype), torch.tensor([0.0, 1.0], dtype=dtype)
    assert nt.probabilities(t)[1] < 1e-40
    _, change = torch.func.jvp(nt.log_probabilities, (t,), (w,))
    z = gap / 2**0.5
    assert abs(change[1] / ((z + 1 / z - 2 / z**3 + 10 / z**5) / 2**0.5) - 1) < 1e-4
    assert abs(change[0]) < 1e-20


def test_masks_have_no_part():
    t = torch.tensor([[0.0, -torch.inf, 1.0], [-torch.inf] * 3], dtype=torch.double, requires_grad=True)
    for function in (nt.probabilities, lambda t: nt.loss(t[:1], classes[2:])):
        (slopes,) = torch.autograd.grad(function(t).square().sum(), t, create_graph=True)
        (second,) = torch.autograd.grad(slopes[0, 0], t)
        assert second.isfinite().all() and second[0, 1] == 0 and second[0, 0] != 0 and (second[1] == 0).all()


def test_what_there_is_not_is_refused(x):
    t = x.detach()
    for call in (
        lambda: torch.autograd.functional.hessian(lambda t: nt.probabilities(t, points=5)[0, 0], t),
        lambda: torch.func.jvp(lambda t: nt.probabilities(t, points=5), (t,), (t,)),
        lambda: torch.func.jacrev(torch.func.hessian(lambda t: nt.probabilities(t)[0, 0]))(t),
    ):
        with pytest.raises(NotImplementedError):
            call()


def test_compiled_forward_mode_is_right_or_refused(x):
    t, w = x.detach(), torch.randn(3, 5, dtype=torch.double)
    torch._dynamo.reset()
    compiled = torch.compile(lambda t, w: torch.func.jvp(nt.probabilities, (t,), (w,))[1], backend="aot_eager")
    try:
        change = compiled(t, w)
    except Exception as error:
        assert "forward" in str(error), error
    else:
        torch.testing.assert_close(change, torch.func.jvp(nt.probabilities, (t,), (w,))[1])


def test_operators_are_well_formed(x):
    operators, v = torch.ops.noisemax, torch.randn(3, 5, dtype=torch.double)
    for operator, arguments in [
        (operators.pullback.default, (x, v, "normal", 1.0, 0, False)),
        (operators.second_pullback.default, (x.detach(), v, v, "normal", 1.0, True)),
        (operators.log_pushforward.default, (x.detach(), v, "normal", 1.0)),
        (operators.loss_pullback.default, (x, classes, v, v[:, 0].clone(), "normal", 1.0, 0, 1)),
    ]:
        torch.library.opcheck(operator, arguments)


def test_newton_finds_the_logits_of_given_shares():
    # The gradient of the convex loss is p - q: its zero is the inverse.
    q = torch.tensor([0.5, 0.3, 0.15, 0.05], dtype=torch.double)
    t = torch.zeros(4, dtype=torch.double)
    for _ in range(8):
        loss = lambda t: nt.loss(t, q, "normal")  # noqa: E731
        gradient, hessian = torch.func.grad(loss)(t), torch.func.hessian(loss)(t)
        t = t - torch.linalg.lstsq(hessian, gradient.unsqueeze(-1), driver="gelsd").solution.squeeze(-1)
    torch.testing.assert_close(nt.probabilities(t), q, rtol=1e-12, atol=0)
    torch.testing.assert_close(t, torch.from_numpy(noisemax.logits(q.numpy())), rtol=0, atol=1e-11)
