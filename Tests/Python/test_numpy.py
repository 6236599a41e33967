"""NumPy arrays: what comes out, in which shape and type, and what is refused."""

import numpy as np
import pytest

import noisemax


def log_softmax(x):
    """With all digits near certainty: what the others add to the leader's 1 is summed apart."""
    gaps = x - x.max(-1, keepdims=True)
    others = np.where(np.arange(x.shape[-1]) == gaps.argmax(-1)[..., None], 0, np.exp(gaps))
    return gaps - np.log1p(others.sum(-1, keepdims=True))


def softmax(x):
    return np.exp(log_softmax(x))


def test_references(cases):
    for case in cases:
        x, law = case.logits, case.noise
        case.check("p", noisemax.probabilities(x, law), case.probabilities, 1e-12)
        case.check("log p", noisemax.log_probabilities(x, law), case.log_probabilities, 3e-12, 3e-12)
        case.check("pullback", noisemax.pullback(x, case.cotangent, law), case.pullback, 0, 1e-12)
        maximum, gradient = noisemax.expected_maximum(x, law, gradient=True)
        case.check("maximum", maximum, case.expected_maximum, 1e-12, 1e-12)
        case.check("its gradient", gradient, case.probabilities, 1e-12)


def test_references_in_floats(cases):
    count = 0
    for case in cases:
        x = case.logits.astype(np.float32)
        if np.array_equal(x, case.logits):
            p = noisemax.probabilities(x, case.noise)
            assert p.dtype == np.float32
            case.check("p", p, case.probabilities, 2e-5, 1e-30)
            count += 1
    assert count > 0


def test_gumbel_noise_is_softmax(rows):
    p, logs, scale = softmax(rows / 2), log_softmax(rows / 2), 2.0
    kept = {"rtol": 1e-12, "atol": 1e-300}
    np.testing.assert_allclose(noisemax.probabilities(rows, "gumbel", scale), p, **kept)
    np.testing.assert_allclose(noisemax.log_probabilities(rows, "gumbel", scale), logs, rtol=1e-12)
    target = np.array([0, 1, 5, 4, 3, 2, 1])
    picked = -logs[np.arange(7), target]
    nll = noisemax.loss(rows, target, "gumbel", scale, kind="negative-log-likelihood")
    np.testing.assert_allclose(nll, picked, rtol=1e-12)
    values, gradient = noisemax.loss(rows, target, "gumbel", scale, gradient=True)
    np.testing.assert_allclose(values, scale * picked, rtol=1e-12)
    np.testing.assert_allclose(gradient, p - np.eye(6)[target], rtol=1e-11, atol=1e-15)
    np.testing.assert_allclose(noisemax.loss(rows, np.eye(6)[target], "gumbel", scale), values, rtol=1e-12)
    shannon = -np.sum(p * np.where(p > 0, logs, 0), -1)
    np.testing.assert_allclose(noisemax.entropy(rows, "gumbel", scale), shannon, rtol=1e-9)
    own, slopes = noisemax.entropy(rows, "gumbel", scale, kind="generalized", gradient=True)
    np.testing.assert_allclose(own, scale * shannon, rtol=1e-9)
    open_classes = np.isfinite(rows).sum(-1)
    uniform = noisemax.entropy(rows, "gumbel", scale, kind="divergence-from-uniform")
    np.testing.assert_allclose(uniform, np.log(open_classes) - shannon, rtol=1e-9)
    step = 1e-6 * np.eye(6)[0]
    numeric = noisemax.entropy(rows + step, "gumbel", scale, kind="generalized") - noisemax.entropy(
        rows - step, "gumbel", scale, kind="generalized"
    )
    np.testing.assert_allclose(slopes[:, 0], numeric / 2e-6, rtol=1e-5, atol=1e-8)


def test_the_log_pullback_is_the_pullback_over_p(rows, law):
    if law == "uniform":
        rows = rows / 100
    v = np.random.default_rng(2).normal(size=rows.shape)
    p = noisemax.probabilities(rows, law)
    with np.errstate(divide="ignore", invalid="ignore"):
        w = np.where(p > 0, v / p, 0)
    pulled = noisemax.pullback(rows, v, law, log=True)
    assert np.all(pulled[~np.isfinite(rows)] == 0)
    if law != "uniform":
        rare = (p < 1e-6).any(-1)
        expected = noisemax.pullback(rows, w, law)
        np.testing.assert_allclose(pulled[~rare], expected[~rare], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["probabilities", "log_probabilities"])
@pytest.mark.parametrize("shape", [(4, 5, 6), (40, 50, 6)])
def test_any_axis_and_strides(dtype, name, shape):
    # The larger arrays are not copied into kept memory.
    function, x = getattr(noisemax, name), np.random.default_rng(3).normal(size=shape).astype(dtype)
    expected = function(x)
    assert expected.dtype == dtype and expected.shape == shape
    for axis in range(-3, 3):
        moved = np.moveaxis(x, -1, axis)
        given = moved.copy()
        for argument in (moved, given, np.asfortranarray(given)):
            result = function(argument, axis=axis)
            assert np.array_equal(np.moveaxis(result, axis, -1), expected), axis
    assert np.array_equal(function(x[::-1, ::2]), expected[::-1, ::2])
    assert np.array_equal(function(x[..., ::-1].copy()[..., ::-1]), expected)
    frozen = x.copy()
    frozen.setflags(write=False)
    assert np.array_equal(function(frozen), expected)
    assert np.array_equal(function(x.astype(x.dtype.newbyteorder())), expected)
    memory = np.zeros(x.nbytes + 1, np.uint8)
    crooked = memory[1:].view(dtype).reshape(shape)
    crooked[...] = x
    assert not crooked.flags.aligned and np.array_equal(function(crooked), expected)
    broadcast = np.broadcast_to(x[:1], shape)
    assert np.array_equal(function(broadcast), np.broadcast_to(expected[:1], shape))


def test_other_axes_of_everything(rows):
    v, target = np.random.default_rng(4).normal(size=rows.shape), np.arange(7) % 6
    weights = softmax(v)
    pairs = [
        (noisemax.pullback(rows, v), noisemax.pullback(rows.T, v.T, axis=0).T),
        (noisemax.loss(rows, target), noisemax.loss(rows.T, target, axis=0)),
        (noisemax.loss(rows[:1], weights[:1]), noisemax.loss(rows[:1].T, weights[:1].T, axis=0)),
        (noisemax.entropy(rows), noisemax.entropy(rows.T, axis=0)),
        (noisemax.sample(rows, seed=5), noisemax.sample(rows.T, axis=0, seed=5)),
        (noisemax.relaxed_sample(rows, seed=5), noisemax.relaxed_sample(rows.T, axis=0, seed=5).T),
        (noisemax.expected_maximum(rows, gradient=True)[1], noisemax.expected_maximum(rows.T, axis=0, gradient=True)[1].T),
    ]  # fmt: skip
    for index, (one, other) in enumerate(pairs):
        assert np.array_equal(one, other), index


def test_types_that_the_library_has_not(rows):
    half = rows.astype(np.float16)
    assert noisemax.probabilities(half).dtype == np.float32
    assert np.array_equal(noisemax.probabilities(half), noisemax.probabilities(half.astype(np.float32)))
    for other in ([[0, 1], [2, 2]], np.eye(2, dtype=np.int8), np.eye(2, dtype=bool), np.eye(2, dtype=np.longdouble)):
        assert noisemax.probabilities(other).dtype == np.float64
    assert np.array_equal(noisemax.probabilities([[0, 1]]), noisemax.probabilities(np.array([[0.0, 1]])))


@pytest.mark.parametrize("shape", [(0,), (0, 5), (3, 0), (2, 0, 4)])
def test_nothing(shape):
    x = np.zeros(shape)
    for result in (
        noisemax.probabilities(x),
        noisemax.log_probabilities(x, "laplace"),
        noisemax.pullback(x, x),
        noisemax.relaxed_sample(x),
        noisemax.entropy(x, gradient=True)[1],
    ):
        assert result.shape == shape
    assert np.shape(noisemax.sample(x)) == shape[:-1]
    maximum = noisemax.expected_maximum(x)
    assert maximum.shape == shape[:-1] and np.all(maximum == -np.inf)


def test_edges():
    inf, nan = np.inf, np.nan
    x = np.array([[-inf, 3, -inf], [-inf, -inf, -inf], [0, inf, 1], [nan, 0, 0], [1, 1, 1]])
    p = noisemax.probabilities(x)
    expected = np.array([[0, 1, 0], [0, 0, 0], [0, 1, 0], [nan, nan, nan]])
    assert np.array_equal(p[:4], expected, equal_nan=True)
    assert p[4, 0] == p[4, 1] == p[4, 2]
    assert np.array_equal(noisemax.sample(x[:4], seed=1), [1, -1, 1, -1])


def test_scalars_of_one_row():
    assert isinstance(noisemax.entropy([0.0, 1]), np.float64)
    assert isinstance(noisemax.loss([0.0, 1], 1), np.float64)
    assert isinstance(noisemax.sample([0.0, 1]), np.int64)


def test_draws():
    x = np.tile([0.0, 1, -np.inf, 0.5], (20_000, 1))
    indices = noisemax.sample(x, seed=7)
    assert np.array_equal(indices, noisemax.sample(x, seed=7, threads=1))
    assert np.array_equal(indices[15_000:], noisemax.sample(x[15_000:], seed=7, first_row=15_000))
    assert not np.array_equal(indices, noisemax.sample(x, seed=8))
    share = np.bincount(indices, minlength=4) / len(indices)
    p = noisemax.probabilities(x[0])
    assert np.all(np.abs(share - p) <= 5 * np.sqrt(p * (1 - p) / len(indices)))
    y = noisemax.relaxed_sample(x, 0.3, seed=7)
    np.testing.assert_allclose(y.sum(-1), 1, rtol=1e-12)
    assert np.all(y[:, 2] == 0) and np.array_equal(y.argmax(-1), indices)
    for hard in (noisemax.relaxed_sample(x, hard=True, seed=7), noisemax.relaxed_sample(x, 0, seed=7)):
        assert np.array_equal(hard, np.eye(4)[indices])
    generators = [np.random.default_rng(11) for _ in range(2)]
    assert np.array_equal(*(noisemax.sample(x, seed=generator) for generator in generators))
    assert not np.array_equal(noisemax.sample(x), noisemax.sample(x))


def test_the_quantile_rule(rows):
    exact = noisemax.probabilities(rows)
    near = noisemax.probabilities(rows, points=512)
    assert 0 < np.abs(near - exact).max() < 0.01
    with pytest.raises(ValueError, match="the quantile rule has no Fenchel–Young loss: use the exact method"):
        noisemax.loss(rows, np.zeros(7, int), points=8)


x2 = np.zeros((2, 3))


@pytest.mark.parametrize(
    "message, call",
    [
        ("there is no law of noise named 'cauchy': there are gumbel", lambda: noisemax.probabilities(x2, "cauchy")),
        ("there is no law of noise named", lambda: noisemax.entropy(x2, "normal\0")),
        ("finite and above 0, not 0.0", lambda: noisemax.probabilities(x2, scale=0)),
        ("finite and above 0, not nan", lambda: noisemax.sample(x2, scale=float("nan"))),
        ("finite and above 0, not inf", lambda: noisemax.probabilities(x2, scale=float("inf"))),
        ("at least 1 point, not 0", lambda: noisemax.probabilities(x2, points=0)),
        ("or 0 for the exact method, not 1000001", lambda: noisemax.probabilities(x2, points=1_000_001)),
        ("not 9223372036854775807", lambda: noisemax.probabilities(x2, points=1 << 70)),
        ("a number is no row", lambda: noisemax.probabilities(1.0)),
        ("axis 2 is out of bounds", lambda: noisemax.probabilities(x2, axis=2)),
        ("real numbers, not complex128", lambda: noisemax.probabilities(x2 + 1j)),
        ("could not convert", lambda: noisemax.probabilities(["a", "b"])),
        ("does not fit", lambda: noisemax.pullback(x2, np.zeros((3, 2)))),
        ("target 3 of row 1 is not a class of a row of 3", lambda: noisemax.loss(x2, [0, 3])),
        ("do not fit rows", lambda: noisemax.loss(x2, [0, 1, 2])),
        ("an integer, not float64", lambda: noisemax.loss(x2, [0.0, 1.0])),
        ("row 0 sum to 0.0, not to 1", lambda: noisemax.loss(x2, x2)),
        ("no kind of loss named 'hinge'", lambda: noisemax.loss(x2, [0, 0], kind="hinge")),
        ("no kind of entropy named 'x'", lambda: noisemax.entropy(x2, kind="x")),
        ("0 or above, not -1.0", lambda: noisemax.relaxed_sample(x2, -1)),
        ("0 or above, not nan", lambda: noisemax.relaxed_sample(x2, float("nan"), hard=True)),
        ("a seed is", lambda: noisemax.sample(x2, seed=-1)),
        ("a seed is", lambda: noisemax.sample(x2, seed=1 << 64)),
        ("counted from 0, not -1", lambda: noisemax.sample(x2, first_row=-1)),
        ("at least 1 thread, not 0", lambda: noisemax.probabilities(x2, threads=0)),
    ],
)
def test_what_is_wrong_is_said(message, call):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)


def test_names_are_strings():
    with pytest.raises(TypeError, match="is a string, not None"):
        noisemax.probabilities(x2, None)
