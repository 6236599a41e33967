"""NumPy: classes with scales of their own, the k largest, orderings, and the inverse."""

import numpy as np
import pytest

import noisemax


def widths(case):
    return 1.0 if case.scales is None else case.scales


def test_references(ranks):
    for case in ranks:
        x, law, s = case.logits, case.noise, widths(case)
        case.check("p", noisemax.probabilities(x, law, s), case.probabilities, 1e-11)
        for k, reference in case.largest.items():
            if k > len(x):
                continue
            case.check(f"top {k}", noisemax.top_k_probabilities(x, k, law, s), reference, 1e-11)
        slopes = noisemax.pullback(x, case.cotangent, law, s, scale_gradient=True)
        for slope, reference in zip(slopes, (case.logit_pullback, case.scale_pullback), strict=True):
            case.check("pullback", slope, reference, 0, 1e-10)
        case.check("alone", noisemax.pullback(x, case.cotangent, law, s), case.logit_pullback, 0, 1e-10)
        logs = noisemax.log_probabilities(x, law, s)
        case.check("log p", np.exp(logs), case.probabilities, 1e-11)
        value = noisemax.loss(x, 1, law, s, kind="negative-log-likelihood")
        case.check("likelihood", np.exp(-value), case.probabilities[1], 1e-11)
        _, p = noisemax.expected_maximum(x, law, s, gradient=True)
        case.check("gradient of the maximum", p, case.probabilities, 1e-11)
        for pair, probability in case.pairs:
            log = noisemax.ranking_log_probability(x, pair, law, s)
            case.check(f"{pair}", np.exp(log), probability, 1e-11)
            case.check(f"loss of {pair}", np.exp(-noisemax.ranking_loss(x, pair, law, s)), probability, 1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 2, 7])
def test_small_arrays_have_the_bits_of_large_ones(k, dtype):
    # The larger arrays are not copied into kept memory. A call is kept, and must not keep what it was given.
    rng = np.random.default_rng(5)
    x = rng.normal(size=(300, 7)).astype(dtype)
    s = rng.uniform(0.3, 2, x.shape).astype(dtype)
    large, equal = (noisemax.top_k_probabilities(x, k, scale=scale) for scale in (s, 1.5))
    for index in range(0, 300, 60):
        few = slice(index, index + 3)
        assert (noisemax.top_k_probabilities(x[few], k, scale=s[few]) == large[few]).all()
        assert (noisemax.top_k_probabilities(x[few], k, scale=1.5) == equal[few]).all()
        assert (noisemax.top_k_probabilities(x[few], k, scale=s[index]) != large[few]).any() or k == 7
    assert k > 1 or (noisemax.probabilities(x[:3], scale=s[:3]) == large[:3]).all()
    with pytest.raises(ValueError, match="-1"):
        noisemax.top_k_probabilities(x[:3], k, scale=np.full_like(s[:3], -1))
    with pytest.raises(ValueError, match="at least 1 thread"):
        noisemax.top_k_probabilities(x[:3], k, scale=s[:3], threads=0)


def test_plackett_and_luce_in_closed_form(rows):
    x = rows[:, [1, 3, 5]]
    order = [2, 0, 1]
    expected = [-sum(row[i] - np.logaddexp.reduce(row[order[place:]]) for place, i in enumerate(order)) for row in x]
    np.testing.assert_allclose(noisemax.ranking_loss(x, order, "gumbel"), expected, rtol=1e-13)


@pytest.mark.parametrize("function", ["top_k", "loss", "likelihood", "maximum", "ranking", "logs"])
def test_gradients_are_differences(function):
    rng = np.random.default_rng(3)
    x, s, v = rng.normal(size=(2, 4)), rng.uniform(0.3, 2, (2, 4)), rng.normal(size=(2, 4))
    target = np.array([1, 3])

    def of(x, s):
        match function:
            case "top_k":
                return (v * noisemax.top_k_probabilities(x, 2, "logistic", s)).sum()
            case "logs":
                return (v * noisemax.log_probabilities(x, "logistic", s)).sum()
            case "maximum":
                return noisemax.expected_maximum(x, "logistic", s).sum()
            case "ranking":
                return noisemax.ranking_loss(x, [2, 0], "logistic", s).sum()
        kind = "fenchel-young" if function == "loss" else "negative-log-likelihood"
        return noisemax.loss(x, target, "logistic", s, kind=kind).sum()

    both = {"gradient": True, "scale_gradient": True}
    slopes = {
        "top_k": lambda: noisemax.top_k_pullback(x, v, 2, "logistic", s, scale_gradient=True),
        "logs": lambda: noisemax.pullback(x, v, "logistic", s, log=True, scale_gradient=True),
        "maximum": lambda: noisemax.expected_maximum(x, "logistic", s, **both)[1:],
        "ranking": lambda: noisemax.ranking_loss(x, [2, 0], "logistic", s, **both)[1:],
        "loss": lambda: noisemax.loss(x, target, "logistic", s, **both)[1:],
        "likelihood": lambda: noisemax.loss(
            x, target, "logistic", s, kind="negative-log-likelihood", **both
        )[1:],
    }[function]()  # fmt: skip
    step = 1e-5
    for which, slope in enumerate(slopes):
        assert slope.shape == x.shape
        for index in np.ndindex(x.shape):
            moved = [[x.copy(), s.copy()] for _ in range(2)]
            moved[0][which][index] += step
            moved[1][which][index] -= step
            difference = (of(*moved[0]) - of(*moved[1])) / (2 * step)
            assert abs(slope[index] - difference) <= 1e-8, (function, which, index, slope[index], difference)


def test_the_slopes_in_the_scales_sum_to_that_in_one_scale():
    x, step = np.random.default_rng(1).normal(size=(3, 4)), 1e-5
    _, _, slopes = noisemax.loss(x, [0, 1, 2], "laplace", 0.8, scale_gradient=True)
    ends = [noisemax.loss(x, [0, 1, 2], "laplace", 0.8 + change) for change in (step, -step)]
    np.testing.assert_allclose(slopes.sum(-1), (ends[0] - ends[1]) / (2 * step), atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_axis_and_strides(dtype):
    rng = np.random.default_rng(2)
    x, s = rng.normal(size=(2, 3, 5)).astype(dtype), rng.uniform(0.5, 2, (2, 3, 5)).astype(dtype)
    v, own = rng.normal(size=x.shape).astype(dtype), s[0, 0]
    order = np.broadcast_to([3, 1], (2, 3, 2))
    target = np.array([[0, 1, 2], [3, 4, 0]])
    q = noisemax.probabilities(x, "normal")
    calls = {
        "p": lambda x, s, axis, v, o: noisemax.probabilities(x, "normal", s, axis),
        "log p": lambda x, s, axis, v, o: noisemax.log_probabilities(x, "normal", s, axis),
        "top": lambda x, s, axis, v, o: noisemax.top_k_probabilities(x, 3, "normal", s, axis),
        "slope": lambda x, s, axis, v, o: noisemax.top_k_pullback(x, v, 3, "normal", s, axis),
        "in scale": lambda x, s, axis, v, o: noisemax.pullback(x, v, "normal", s, axis, scale_gradient=True)[1],
        "ranking": lambda x, s, axis, v, o: noisemax.ranking_loss(x, o, "normal", s, axis, gradient=True)[1],
        "loss": lambda x, s, axis, v, o: noisemax.loss(x, target, "normal", s, axis, scale_gradient=True)[2],
        "maximum": lambda x, s, axis, v, o: noisemax.expected_maximum(x, "normal", s, axis, gradient=True)[1],
    }
    for name, call in calls.items():
        expected = call(x, s, -1, v, order)
        assert expected.dtype == dtype, name
        for axis in range(-3, 2):
            moved = [np.moveaxis(array, -1, axis) for array in (x, s, v, order)]
            for given in (moved, [array.copy() for array in moved], [np.asfortranarray(array) for array in moved]):
                result = call(given[0], given[1], axis, given[2], given[3])
                assert np.array_equal(np.moveaxis(result, axis, -1), expected), (name, axis)
        # One scale for each class, along the axis, whatever the other axes are.
        alike = call(x, np.broadcast_to(own, x.shape), -1, v, order)
        moved = call(np.moveaxis(x, -1, 0), own[::-1].copy()[::-1], 0, np.moveaxis(v, -1, 0), np.moveaxis(order, -1, 0))
        assert np.array_equal(np.moveaxis(moved, 0, -1), alike), name
    inverse = noisemax.logits(np.moveaxis(q, -1, 1), "normal", axis=1)
    assert inverse.dtype == dtype
    np.testing.assert_allclose(np.moveaxis(inverse, 1, -1), x - x.mean(-1, keepdims=True), atol=2e-5)


def test_equal_scales_are_one_scale(law, rows):
    own = np.full(6, 0.5)
    assert np.array_equal(noisemax.probabilities(rows, law, own), noisemax.probabilities(rows, law, 0.5))
    assert np.array_equal(noisemax.log_probabilities(rows, law, own), noisemax.log_probabilities(rows, law, 0.5))
    # Rows that have one scale each.
    each = np.linspace(0.5, 2, 7)[:, None]
    alone = [noisemax.probabilities(row, law, s[0]) for row, s in zip(rows, each, strict=True)]
    assert np.array_equal(noisemax.probabilities(rows, law, each), alone)


def test_draws_have_the_probabilities():
    x, s = np.array([0.0, 0.5, -1, -np.inf]), np.array([0.5, 0, 2, 1])
    drawn = noisemax.sample(np.broadcast_to(x, (20_000, 4)), "logistic", s, seed=5)
    assert np.array_equal(drawn[5:9], noisemax.sample(np.broadcast_to(x, (4, 4)), "logistic", s, seed=5, first_row=5))
    share, p = np.bincount(drawn, minlength=4) / 20_000, noisemax.probabilities(x, "logistic", s)
    assert p[3] == 0 and np.all(np.abs(share - p) <= 5 * np.sqrt(p * (1 - p) / 20_000)), (share, p)


def test_the_inverse_with_scales(law):
    p = np.array([[0.5, 0.25, 0.125, 0.125], [1e-6, 0.25, 0.25, 0.5 - 1e-6]])
    for own in (np.array([0.5, 1, 2, 0.25]), np.array([[1, 0, 1.5, 0.5], [2, 0.5, 1, 1]])):
        found = noisemax.logits(p, law, own)
        np.testing.assert_allclose(noisemax.probabilities(found, law, own), p, rtol=1e-9)
        np.testing.assert_allclose(found.mean(-1), 0, atol=1e-9)
        assert np.array_equal(noisemax.logits(p.T, law, own if own.ndim == 1 else own.T, axis=0).T, found)


def test_the_inverse(law):
    p = np.array([[0.5, 0.25, 0.125, 0.125], [1e-6, 0.25, 0.25, 0.5 - 1e-6], [0.25, 0.25, 0.5, 0]])
    found = noisemax.logits(p, law, 2.0)
    np.testing.assert_allclose(noisemax.probabilities(found, law, 2.0), p, rtol=1e-9)
    np.testing.assert_allclose(found[:2].mean(-1), 0, atol=1e-9)


x2 = np.zeros((2, 3))


@pytest.mark.parametrize(
    "message, call",
    [
        ("scale of class 1 of row 0 is finite and not below 0, not -1.0", lambda: noisemax.probabilities(x2, scale=[1, -1, 1])),
        ("not nan", lambda: noisemax.log_probabilities(x2, scale=[1, 1, np.nan])),
        ("not inf", lambda: noisemax.sample(x2, scale=[1, np.inf, 1])),
        ("classes 0 and 2 of row 0 have scale 0 and tie at 0.0", lambda: noisemax.pullback(x2, x2, scale=[0, 1, 0])),
        ("above 0 in an ordering, not 0.0", lambda: noisemax.ranking_loss(x2, [0], scale=[0, 1, 1])),
        ("scales of the shape (2,) do not fit logits of the shape (2, 3)", lambda: noisemax.probabilities(x2, scale=[1, 2])),
        ("scales of the shape (3, 2) do not fit", lambda: noisemax.loss(x2, [0, 1], scale=np.ones((3, 2)))),
        ("finite and above 0, not -1.0", lambda: noisemax.top_k_probabilities(x2, 2, scale=-1)),
        ("a row of 3 is from 1 to 3, not 0", lambda: noisemax.top_k_probabilities(x2, 0)),
        ("a row of 3 is from 1 to 3, not 4", lambda: noisemax.top_k_pullback(x2, x2, 4)),
        ("is from 1 to 3, not", lambda: noisemax.top_k_probabilities(x2, 1 << 80)),
        ("has no", lambda: noisemax.probabilities(x2, scale=[1, 2, 3], points=8)),
        ("has no", lambda: noisemax.loss(x2, [0, 1], scale=[1, 2, 3], points=8)),
        ("target 3 of row 1 is not a class of a row of 3", lambda: noisemax.loss(x2, [0, 3], scale=[1, 2, 3])),
        ("row 0 sum to 0.0, not to 1", lambda: noisemax.loss(x2, x2, scale=[1, 2, 3])),
        ("3 in the ordering of row 0 is not a class of a row of 3", lambda: noisemax.ranking_loss(x2, [0, 3])),
        ("class 1 comes twice in the ordering of row 0", lambda: noisemax.ranking_log_probability(x2, [1, 0, 1])),
        ("from 1 to 3 classes, not 4", lambda: noisemax.ranking_loss(x2, [0, 1, 2, 3])),
        ("from 1 to 3 classes, not 0", lambda: noisemax.ranking_loss(x2, np.zeros(0, int))),
        ("an integer, not float64", lambda: noisemax.ranking_loss(x2, [0.0, 1.0])),
        ("a number is no ordering", lambda: noisemax.ranking_loss(x2, 1)),
        ("do not fit rows", lambda: noisemax.ranking_loss(x2, [[0, 1]])),
        ("class 2 in row 1 is not 0 or more", lambda: noisemax.logits([[1.0, 0, 0], [1, 1, -1]])),
        ("row 0 sum to 0.5, not to 1", lambda: noisemax.logits([0.5, 0])),
        ("scale of class 1 of row 0 is finite and not below 0, not -1.0", lambda: noisemax.logits([0.5, 0.5], scale=[1, -1])),
        ("have scale 0, and only one of them can win", lambda: noisemax.logits([0.5, 0.5], scale=[0, 0])),
        ("do not fit logits of the shape (2,)", lambda: noisemax.logits([0.5, 0.5], scale=[1, 2, 3])),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(message, call):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)


def test_a_number_of_classes_is_an_integer():
    with pytest.raises(TypeError, match="is an integer, not 1.5"):
        noisemax.top_k_probabilities(x2, 1.5)


@pytest.mark.parametrize("shape", [(0, 5), (3, 0), (0,)])
def test_nothing(shape):
    x = np.zeros(shape)
    own = np.ones(shape[-1])
    assert noisemax.probabilities(x, scale=own).shape == shape
    assert noisemax.top_k_pullback(x, x, 1, scale=own, scale_gradient=True)[1].shape == shape
    assert np.all(noisemax.expected_maximum(x, scale=own) == -np.inf)
    assert noisemax.logits(x).shape == shape


@pytest.mark.parametrize("noise", ["gumbel", "normal", "logistic", "reversed-gumbel"])
@pytest.mark.parametrize("log", [False, True])
def test_second_derivatives_are_differences(noise, log):
    rng, step = np.random.default_rng(4), 1e-5
    x, v, w = rng.normal(size=(3, 2, 5))

    def pulled(x):
        return (w * noisemax.pullback(x, v, noise, 0.8, log=log)).sum(-1)

    found = noisemax.second_pullback(x, v, w, noise, 0.8, log=log)
    for index in range(5):
        change = step * np.eye(5)[index]
        difference = (pulled(x + change) - pulled(x - change)) / (2 * step)
        np.testing.assert_allclose(found[:, index], difference, rtol=1e-7, atol=1e-8)
    assert np.array_equal(noisemax.second_pullback(x.T, v.T, w.T, noise, 0.8, 0, log=log).T, found)
    if not log:
        np.testing.assert_allclose(found, noisemax.second_pullback(x, w, v, noise, 0.8), rtol=1e-8, atol=1e-11)
