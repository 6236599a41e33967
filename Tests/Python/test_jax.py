"""JAX: values and derivatives, under jit and vmap."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")

import jax.numpy as jnp
from jax.test_util import check_grads

import noisemax
import noisemax.jax as nj

classes = jnp.array([0, 3, 1])


@pytest.fixture(autouse=True)
def doubles():
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


@pytest.fixture
def x():
    return jnp.asarray(np.random.default_rng(0).normal(size=(3, 4)))


def test_references(cases):
    for case in cases[::4]:
        logits = jnp.asarray(case.logits)
        p, pullback = jax.vjp(lambda t, case=case: nj.probabilities(t, case.noise), logits)
        case.check("p", p, case.probabilities, 1e-12)
        case.check("pullback", pullback(jnp.asarray(case.cotangent))[0], case.pullback, 0, 1e-12)
        logs = nj.log_probabilities(logits, case.noise)
        case.check("log p", logs, case.log_probabilities, 3e-12, 3e-12)


def test_the_bits_of_numpy(x, law):
    assert np.array_equal(nj.probabilities(x, law), noisemax.probabilities(np.asarray(x), law))
    compiled = jax.jit(lambda t: nj.probabilities(t, law))(x)
    assert np.array_equal(compiled, noisemax.probabilities(np.asarray(x), law))


@pytest.mark.parametrize("kind", ["fenchel-young", "negative-log-likelihood"])
def test_derivatives(kind, x):
    scale, options = jnp.asarray(0.8), {"modes": ["rev"], "atol": 1e-5, "rtol": 1e-5}
    check_grads(lambda t, s: nj.probabilities(t, scale=s), (x, scale), 1, **options)
    check_grads(lambda t, s: nj.log_probabilities(t, "laplace", s), (x, scale), 1, **options)
    check_grads(lambda t, s: nj.loss(t, classes, scale=s, kind=kind), (x, scale), 1, **options)
    y = jax.nn.softmax(x)
    check_grads(lambda t: nj.loss(t, y, "logistic", kind=kind), (x,), 1, **options)


def test_transformations(x):
    def loss(t, k):
        return nj.loss(t, k, "gumbel")

    slopes = jax.nn.softmax(x) - jnp.eye(4)[classes]
    together = jax.jit(jax.grad(lambda t: loss(t, classes).sum()))(x)
    one_by_one = jax.jit(jax.vmap(jax.grad(loss)))(x, classes)
    np.testing.assert_allclose(together, slopes, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(one_by_one, slopes, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(jax.vmap(nj.probabilities, 1, 1)(x), nj.probabilities(x, axis=0))


def test_scales_of_their_own(ranks, x):
    own = jnp.asarray(np.random.default_rng(1).uniform(0.4, 2, size=(3, 4)))
    for case in ranks[1::6]:
        scale = jnp.ones_like(case.logits) if case.scales is None else jnp.asarray(case.scales)
        p, pullback = jax.vjp(
            lambda t, s, case=case: nj.probabilities(t, case.noise, s), jnp.asarray(case.logits), scale
        )
        case.check("p", p, case.probabilities, 1e-11)
        slopes = pullback(jnp.asarray(case.cotangent))
        for slope, reference in zip(slopes, (case.logit_pullback, case.scale_pullback), strict=True):
            case.check("pullback", slope, reference, 0, 1e-10)
        case.check("top 2", nj.top_k_probabilities(jnp.asarray(case.logits), 2, case.noise, scale), case.largest[2], 1e-11)
    options = {"modes": ["rev"], "atol": 1e-5, "rtol": 1e-5}
    check_grads(lambda t, s: nj.log_probabilities(t, "laplace", s), (x, own), 1, **options)
    check_grads(lambda t, s: nj.top_k_probabilities(t.T, 2, "normal", s, axis=0), (x, own[0]), 1, **options)
    check_grads(lambda t, s: nj.top_k_probabilities(t, 2, "normal", s), (x, jnp.asarray(0.7)), 1, **options)
    both = jax.jit(jax.vmap(lambda t, s: nj.probabilities(t, "logistic", s)))(x, own)
    assert np.array_equal(both, noisemax.probabilities(np.asarray(x), "logistic", np.asarray(own)))
    with pytest.raises(ValueError, match="do not fit"):
        nj.probabilities(x, scale=own[:, :2])
    with pytest.raises(ValueError, match="the quantile rule takes one scale"):
        nj.loss(x, classes, scale=own, points=4, kind="negative-log-likelihood")
    with pytest.raises(Exception, match="the scale of class 0 of row 0"):
        nj.probabilities(x, scale=-own).block_until_ready()


@pytest.mark.parametrize("kind", ["fenchel-young", "negative-log-likelihood"])
def test_losses_with_scales_of_their_own(kind, x):
    own = jnp.asarray(np.random.default_rng(1).uniform(0.4, 2, size=(3, 4)))
    y = jax.nn.softmax(x)
    options = {"modes": ["rev"], "atol": 1e-5, "rtol": 1e-5}
    check_grads(lambda t, s: nj.loss(t, classes, "logistic", s, kind=kind), (x, own), 1, **options)
    check_grads(lambda t, s: nj.loss(t.T, y.T, "normal", s, 0, kind=kind), (x, own[0]), 1, **options)

    def loss(t, s, k):
        return nj.loss(t, k, "laplace", s, kind=kind)

    expected = noisemax.loss(np.asarray(x), np.asarray(classes), "laplace", np.asarray(own), kind=kind, scale_gradient=True)
    together = jax.jit(jax.value_and_grad(lambda t, s: loss(t, s, classes).sum(), (0, 1)))(x, own)
    one_by_one = jax.jit(jax.vmap(jax.value_and_grad(loss, (0, 1))))(x, own, classes)
    assert np.allclose(together[0], expected[0].sum(), rtol=1e-14)
    for found in (together[1], one_by_one[1]):
        assert np.array_equal(found, expected[1:])
    assert np.array_equal(one_by_one[0], expected[0])
    with pytest.raises(ValueError):
        jax.jacrev(jax.grad(lambda t: loss(t, own, classes).sum()))(x)


@pytest.mark.parametrize("kind", ["fenchel-young", "negative-log-likelihood"])
def test_second_derivatives(kind, x):
    scale, options = jnp.asarray(0.8), {"modes": ["rev"], "atol": 1e-4, "rtol": 1e-4}
    check_grads(lambda t, s: nj.probabilities(t, scale=s), (x, scale), 2, **options)
    check_grads(lambda t, s: nj.log_probabilities(t, "logistic", s), (x, scale), 2, **options)
    check_grads(lambda t, s: nj.loss(t, classes, scale=s, kind=kind), (x, scale), 2, **options)
    y = jax.nn.softmax(x)
    check_grads(lambda t: nj.loss(t, y, "logistic", kind=kind), (x,), 2, **options)

    def cross_entropy(t):
        return -jax.nn.log_softmax(t)[jnp.arange(3), classes].sum()

    def twice(function):
        return jax.jit(jax.jacrev(jax.grad(function)))(x)

    found = twice(lambda t: nj.loss(t, classes, "gumbel", kind=kind).sum())
    np.testing.assert_allclose(found, twice(cross_entropy), rtol=1e-10, atol=1e-13)


def test_forward_derivatives_and_those_of_the_rule_are_refused(x):
    for function in (lambda t: nj.loss(t, classes).sum(), lambda t: nj.probabilities(t)[0, 0]):
        with pytest.raises(TypeError):
            jax.jvp(function, (x,), (x,))
    with pytest.raises(ValueError, match="no second derivatives"):
        jax.jacrev(jax.grad(lambda t: nj.probabilities(t, points=4)[0, 0]))(x)


def test_types_and_shapes(x):
    assert nj.probabilities(x.astype(jnp.bfloat16)).dtype == jnp.bfloat16
    assert nj.probabilities(x.astype(jnp.float32)).dtype == jnp.float32
    assert nj.probabilities(jnp.array([0, 1])).shape == (2,)
    for shape in [(0, 4), (3, 0)]:
        assert nj.probabilities(jnp.zeros(shape)).shape == shape
    masked = jnp.array([0, -jnp.inf, 1.0])
    slopes = jax.grad(lambda t, s: nj.probabilities(t, scale=s)[0], (0, 1))(masked, jnp.asarray(0.5))
    assert slopes[0][1] == 0 and jnp.isfinite(slopes[0]).all() and slopes[1] != 0


def test_what_is_wrong_is_said(x):
    with pytest.raises(ValueError, match="no law of noise named 'cauchy'"):
        nj.probabilities(x, "cauchy")
    with pytest.raises(ValueError, match="no law of noise named 'cauchy'"):
        jax.jit(lambda t: nj.loss(t, classes, "cauchy"))(x)
    with pytest.raises(ValueError, match="do not fit"):
        nj.loss(x, classes[:2])
    with pytest.raises(ValueError, match="no kind of loss"):
        nj.loss(x, classes, kind="hinge")
    with pytest.raises(Exception, match="target 4 of row 2"):
        nj.loss(x, classes + jnp.array([0, 0, 3])).block_until_ready()
    assert jnp.isnan(nj.probabilities(x, scale=jnp.asarray(-1.0))).all()
