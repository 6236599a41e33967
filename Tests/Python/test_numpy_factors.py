"""NumPy: classes with common factors."""

import math

import numpy as np
import pytest

import noisemax

x2 = np.array([[0.5, -1, 2], [1, -np.inf, 0.25]])
V2 = np.array([[1, 0.5], [-0.5, 0.25], [0.25, -1]])


def pair(d, deviation):
    """P[N(d, deviation²) > 0], and its slope in d."""
    z = d / deviation
    return 0.5 * math.erfc(-z / math.sqrt(2)), math.exp(-z * z / 2) / (deviation * math.sqrt(2 * math.pi))


@pytest.mark.parametrize("factors", [[[1], [-0.5]], [[0.5, 1], [-0.5, 0.25]], [[0.5, -1, 1], [1, 0.5, -0.5]]])
@pytest.mark.parametrize("scale", [0.8, [1.5, 0.5]])
def test_two_normals_have_a_closed_form(factors, scale):
    x, v, own = np.array([0.7, 0.0]), np.array(factors), np.broadcast_to(scale, 2)
    change = v[0] - v[1]
    deviation = math.sqrt(np.sum(own**2) + change @ change)
    p, slope = pair(0.7, deviation)
    found, error = noisemax.probabilities(x, "normal", scale, factors=v, error_estimate=True)
    np.testing.assert_allclose(found, [p, 1 - p], atol=1e-10)
    assert 0 <= error <= 1e-10
    logs, error = noisemax.log_probabilities(x, "normal", scale, factors=v, error_estimate=True)
    np.testing.assert_allclose(logs, np.log([p, 1 - p]), atol=1e-8)
    assert 0 <= error <= 1e-8
    # d/σ in d, in the scales and in the factors, times the slope.
    inner = np.outer([1, -1], -0.7 * change / deviation**2)
    expected = [np.array([1, -1]), -0.7 * own / deviation**2, inner]
    gradients = {"scale_gradient": True, "factor_gradient": True}
    pulled = noisemax.pullback(x, [2, -1], "normal", scale, factors=v, **gradients)
    likelihood, *slopes = noisemax.loss(
        x, 1, "normal", scale, kind="negative-log-likelihood", factors=v, **gradients
    )
    of_logs = noisemax.pullback(x, [0, -1], "normal", scale, log=True, factors=v, **gradients)
    assert abs(likelihood + math.log1p(-p)) <= 1e-8
    for found, weight in ((pulled, 3 * slope), (slopes, slope / (1 - p)), (of_logs, slope / (1 - p))):
        assert len(found) == 3
        for one, reference in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, weight * reference, atol=1e-8)
    value, *slopes = noisemax.loss(x, 1, "normal", scale, factors=v, **gradients)
    assert abs(value - (0.7 * p + deviation**2 * slope)) <= 1e-8
    for one, reference in zip(slopes, ([p, -p], own * slope, slope * np.stack([change, -change])), strict=True):
        np.testing.assert_allclose(one, reference, atol=1e-8)


@pytest.mark.parametrize("scale", [0.7, np.array([1, 0.5, 2])])
@pytest.mark.parametrize("kind", ["fenchel-young", "negative-log-likelihood", "pullback"])
def test_gradients_are_differences(kind, scale):
    rows, target, v = x2[:1], np.array([2]), np.array([[1.0, -1, 2]])
    own, factors = np.broadcast_to(scale, rows.shape).astype(float), V2[None, :, :1].copy()

    def of(x, s, factors):
        # Gumbel noise, whose mean is not 0.
        if kind == "pullback":
            return np.sum(v * noisemax.log_probabilities(x, "gumbel", s, factors=factors, tolerance=1e-10))
        return noisemax.loss(x, target, "gumbel", s, kind=kind, factors=factors, tolerance=1e-10).sum()

    options = {"factors": factors, "scale_gradient": True, "factor_gradient": True}
    if kind == "pullback":
        slopes = noisemax.pullback(rows, v, "gumbel", scale, log=True, **options)
    else:
        slopes = noisemax.loss(rows, target, "gumbel", scale, kind=kind, **options)[1:]
    for which, slope in enumerate(slopes):
        assert slope.shape == (rows, own, factors)[which].shape
        for index in np.ndindex(slope.shape):
            ends = []
            for step in (1e-4, -1e-4):
                moved = [rows.copy(), own.copy(), factors.copy()]
                moved[which][index] += step
                ends.append(of(*moved))
            assert abs(slope[index] - (ends[0] - ends[1]) / 2e-4) <= 1e-6, (kind, which, index, slope[index], ends)


def test_factors_of_no_size_change_nothing(law):
    none = np.zeros((3, 2))
    np.testing.assert_allclose(noisemax.probabilities(x2, law, factors=none), noisemax.probabilities(x2, law), atol=1e-15)
    logs, error = noisemax.log_probabilities(x2, law, [1, 0.5, 2], factors=none, error_estimate=True)
    np.testing.assert_allclose(np.exp(logs), noisemax.probabilities(x2, law, [1, 0.5, 2]), atol=1e-12)
    assert np.array_equal(error, [0, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_axis(dtype):
    rng = np.random.default_rng(0)
    x, factors, v = (rng.normal(size=shape).astype(dtype) for shape in [(2, 2, 3), (2, 2, 3, 2), (2, 2, 3)])
    target, options = np.array([[0, 1], [2, 0]]), {"tolerance": 1e-4}
    calls = {
        "p": lambda x, f, v, axis: noisemax.probabilities(x, "normal", axis=axis, factors=f, **options),
        "log p": lambda x, f, v, axis: noisemax.log_probabilities(x, "normal", axis=axis, factors=f, **options),
        "slope": lambda x, f, v, axis: noisemax.pullback(x, v, "normal", axis=axis, factors=f, **options),
        "loss": lambda x, f, v, axis: noisemax.loss(x, target, "normal", axis=axis, factors=f, gradient=True, **options)[1],
    }
    for name, call in calls.items():
        expected = call(x, factors, v, -1)
        assert expected.dtype == dtype, name
        alike = call(x, factors[0, 0], v, -1)
        assert np.array_equal(alike, call(x, np.broadcast_to(factors[0, 0], factors.shape), v, -1)), name
        for axis in range(-3, 2):
            class_axis = axis if axis >= 0 else axis - 1
            moved = [np.moveaxis(x, -1, axis), np.moveaxis(factors, -2, class_axis), np.moveaxis(v, -1, axis)]
            assert np.array_equal(np.moveaxis(call(*moved, axis), axis, -1), expected), (name, axis)
            own = noisemax.pullback(moved[0], moved[2], "normal", axis=axis, factors=moved[1], factor_gradient=True, **options)
            assert own[1].shape == moved[1].shape and own[1].dtype == dtype, axis
            found = np.moveaxis(own[1], class_axis, -2)
            assert np.array_equal(found, noisemax.pullback(x, v, "normal", factors=factors, factor_gradient=True, **options)[1])


def test_the_tolerance_is_met():
    exact = noisemax.probabilities(x2, "logistic", factors=V2)
    for tolerance in (1e-2, 1e-4, 1e-6):
        p, error = noisemax.probabilities(x2, "logistic", factors=V2, tolerance=tolerance, error_estimate=True)
        assert error.shape == (2,) and np.all(error <= tolerance)
        assert np.all(np.abs(p - exact).max(-1) <= error + 1e-10), (tolerance, p, exact, error)


@pytest.mark.parametrize(
    "message, call",
    [
        ("a class has 1 to 3 loadings, not 4", lambda: noisemax.probabilities(x2, factors=np.ones((3, 4)))),
        ("a class has 1 to 3 loadings, not 0", lambda: noisemax.loss(x2, [0, 1], factors=np.ones((3, 0)))),
        ("the tolerance is from 1e-12 to 0.1, not 0.5", lambda: noisemax.probabilities(x2, factors=V2, tolerance=0.5)),
        ("not nan", lambda: noisemax.pullback(x2, x2, factors=V2, tolerance=math.nan)),
        ("one of class 2 of row 0 is inf", lambda: noisemax.log_probabilities(x2, factors=[[1], [2], [math.inf]])),
        ("above 0 with common factors, not 0.0", lambda: noisemax.probabilities(x2, scale=[0, 1, 1], factors=V2)),
        ("factors of the shape (2, 1) do not fit rows (2, 3)", lambda: noisemax.probabilities(x2, factors=[[1], [2]])),
        ("for every class along a last axis, not the shape (3,)", lambda: noisemax.probabilities(x2, factors=[1, 2, 3])),
        ("the quantile rule has no", lambda: noisemax.probabilities(x2, factors=V2, points=4)),
        ("target 3 of row 1", lambda: noisemax.loss(x2, [0, 3], factors=V2)),
        ("the target of a row is the index of a class", lambda: noisemax.loss(x2, np.ones((2, 3)) / 3, factors=V2)),
        ("go with factors", lambda: noisemax.probabilities(x2, tolerance=1e-3)),
        ("go with factors", lambda: noisemax.log_probabilities(x2, error_estimate=True)),
        ("go with factors", lambda: noisemax.pullback(x2, x2, factor_gradient=True)),
        ("go with factors", lambda: noisemax.loss(x2, [0, 1], factor_gradient=True)),
    ],
)
def test_what_is_wrong_is_said(message, call):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (0,)])
def test_nothing(shape):
    x, factors = np.zeros(shape), np.zeros((shape[-1], 2))
    p, error = noisemax.probabilities(x, factors=factors, error_estimate=True)
    assert p.shape == shape and error.shape == shape[:-1] and np.all(error == 0)
    assert noisemax.pullback(x, x, factors=factors, factor_gradient=True)[1].shape == (*shape, 2)
