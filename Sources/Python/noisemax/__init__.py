"""The distribution of the random index argmax(x + scale·ε), ε independent noise of one law.

    >>> import noisemax
    >>> noisemax.probabilities([2.0, 1.0, 0.5, -1.0], noise="normal")

Under Gumbel noise that is softmax. ``laws()`` lists the laws. Values are exact in every tail, unless ``points`` asks for the
quantile rule, an approximation with so many points.

``scale`` is a number, or an array with a scale for every class: one for each class along ``axis``, or one that fits the shape
of x. 0 is a class without noise. ``scale_gradient`` asks for the gradient in the scale of every class, in the shape of x, besides
the others; their sum over a row is the derivative in a scale that all have.

``factors`` are the loadings V of classes that have causes in common: argmax(x + scale·ε + V z), z standard normal. They are an array
n × rank for the n classes, with a rank of 1 to 3, or one that has an axis of so many loadings after those of x. Values are means over z:
``tolerance`` is the error that is allowed, 1e-10, of logarithms and losses 1e-8, unless said otherwise. ``error_estimate`` asks for an
estimate of it in each row, and ``factor_gradient`` for the gradient in the factors of every logit, after the others.

Arrays have their rows along ``axis``. float32 and float64 stay what they are; other types are computed, and come back, in the
nearest of the two. A logit of -inf masks its class; a NaN makes its row NaN. What is wrong is a ``ValueError``.

``threads`` bounds the threads of a large batch: as many as there are processors, unless said otherwise. No bit depends on
it. The interpreter is free during a call.
"""

from __future__ import annotations

import os
from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from . import _factors, _ranks, _small
from ._arrays import FLOAT32, has_own, memory, restored, row_count, rows
from ._library import call, functions, laws, thread_count, transform
from ._ranks import logits, ranking_log_probability, ranking_loss, top_k_probabilities, top_k_pullback
from ._seconds import second_pullback
from ._version import __version__ as __version__

__all__ = [
    "entropy",
    "expected_maximum",
    "laws",
    "log_probabilities",
    "logits",
    "loss",
    "probabilities",
    "pullback",
    "ranking_log_probability",
    "ranking_loss",
    "relaxed_sample",
    "sample",
    "second_pullback",
    "top_k_probabilities",
    "top_k_pullback",
]

_values = {name: functions(name) for name in ("probabilities", "log_probabilities")}
_pullback = functions("pullback")
_log_pullback = functions("log_pullback")
_losses = functions("losses")
_summaries = functions("summaries")
_sample = functions("sample")
_relaxed_sample = functions("relaxed_sample")

_losses_by_name = {"fenchel-young": 0, "negative-log-likelihood": 1}
_entropies_by_name = {"generalized": 1, "shannon": 3, "divergence-from-uniform": 4}


@overload
def probabilities(
    x: ArrayLike, noise: str = "normal", scale: float | ArrayLike = 1.0, axis: int = -1, points: int | None = None,
    *, factors: ArrayLike | None = None, tolerance: float | None = None, error_estimate: Literal[False] = False,
    threads: int | None = None,
) -> np.ndarray: ...
@overload
def probabilities(
    x: ArrayLike, noise: str = "normal", scale: float | ArrayLike = 1.0, axis: int = -1, points: int | None = None,
    *, factors: ArrayLike, tolerance: float | None = None, error_estimate: Literal[True],
    threads: int | None = None,
) -> tuple[np.ndarray, np.ndarray]: ...
def probabilities(
    x: ArrayLike,
    noise: str = "normal",
    scale: float | ArrayLike = 1.0,
    axis: int = -1,
    points: int | None = None,
    *,
    factors: ArrayLike | None = None,
    tolerance: float | None = None,
    error_estimate: bool = False,
    threads: int | None = None,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """P[argmax(x + scale·ε) = i] for every class i, in the shape of x."""
    if factors is not None:
        return _factors.values(
            x, noise, scale, axis, points, False, factors, tolerance, error_estimate, threads
        )
    if tolerance is not None or error_estimate:
        _factors.refuse()
    if has_own(scale):
        return _ranks.included(x, 1, noise, scale, axis, points, threads)
    return _numbers("probabilities", x, noise, scale, axis, points, threads)


@overload
def log_probabilities(
    x: ArrayLike, noise: str = "normal", scale: float | ArrayLike = 1.0, axis: int = -1, points: int | None = None,
    *, factors: ArrayLike | None = None, tolerance: float | None = None, error_estimate: Literal[False] = False,
    threads: int | None = None,
) -> np.ndarray: ...
@overload
def log_probabilities(
    x: ArrayLike, noise: str = "normal", scale: float | ArrayLike = 1.0, axis: int = -1, points: int | None = None,
    *, factors: ArrayLike, tolerance: float | None = None, error_estimate: Literal[True],
    threads: int | None = None,
) -> tuple[np.ndarray, np.ndarray]: ...
def log_probabilities(
    x: ArrayLike,
    noise: str = "normal",
    scale: float | ArrayLike = 1.0,
    axis: int = -1,
    points: int | None = None,
    *,
    factors: ArrayLike | None = None,
    tolerance: float | None = None,
    error_estimate: bool = False,
    threads: int | None = None,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """The logarithms of the probabilities, accurate where these underflow and where they are almost 1."""
    if factors is not None:
        return _factors.values(
            x, noise, scale, axis, points, True, factors, tolerance, error_estimate, threads
        )
    if tolerance is not None or error_estimate:
        _factors.refuse()
    if has_own(scale):
        return _ranks.log_probabilities(x, noise, scale, axis, points, threads)
    return _numbers("log_probabilities", x, noise, scale, axis, points, threads)


def pullback(
    x: ArrayLike,
    v: ArrayLike,
    noise: str = "normal",
    scale: float | ArrayLike = 1.0,
    axis: int = -1,
    points: int | None = None,
    *,
    log: bool = False,
    scale_gradient: bool = False,
    factors: ArrayLike | None = None,
    tolerance: float | None = None,
    factor_gradient: bool = False,
    threads: int | None = None,
) -> np.ndarray | tuple[np.ndarray, ...]:
    """The gradient in x of Σ v·p, or with ``log`` of Σ v·log p, for v in the shape of x."""
    if factors is not None:
        return _factors.pulled(
            x, v, noise, scale, axis, points, log, scale_gradient, factors, tolerance, factor_gradient, threads
        )
    if tolerance is not None or factor_gradient:
        _factors.refuse()
    if scale_gradient or has_own(scale):
        return _ranks.pulled(x, v, 1, noise, scale, axis, points, log, scale_gradient, threads)
    held, x = transform(noise, scale, points), rows(x, axis)
    v = rows(v, axis, like=x)
    result = np.empty(x.shape, x.dtype)
    function = (_log_pullback if log else _pullback)[x.dtype != FLOAT32]
    shape = (row_count(x), x.shape[-1], thread_count(threads))
    call(function, held, memory(x), memory(v), *shape, memory(result))
    return restored(result, axis)


@overload
def loss(
    x: ArrayLike, target: ArrayLike, noise: str = "normal", scale: float | ArrayLike = 1.0, axis: int = -1,
    points: int | None = None, *, kind: str = "fenchel-young", gradient: Literal[False] = False,
    scale_gradient: Literal[False] = False, factors: ArrayLike | None = None, tolerance: float | None = None,
    factor_gradient: Literal[False] = False, threads: int | None = None,
) -> np.ndarray: ...
@overload
def loss(
    x: ArrayLike, target: ArrayLike, noise: str = "normal", scale: float | ArrayLike = 1.0, axis: int = -1,
    points: int | None = None, *, kind: str = "fenchel-young", gradient: bool = False,
    scale_gradient: bool = False, factors: ArrayLike | None = None, tolerance: float | None = None,
    factor_gradient: bool = False, threads: int | None = None,
) -> tuple[np.ndarray, ...]: ...
def loss(
    x: ArrayLike,
    target: ArrayLike,
    noise: str = "normal",
    scale: float | ArrayLike = 1.0,
    axis: int = -1,
    points: int | None = None,
    *,
    kind: str = "fenchel-young",
    gradient: bool = False,
    scale_gradient: bool = False,
    factors: ArrayLike | None = None,
    tolerance: float | None = None,
    factor_gradient: bool = False,
    threads: int | None = None,
) -> np.ndarray | tuple[np.ndarray, ...]:
    """How far each row is from its target: the index of a class, or a distribution in the shape of x.

    ``kind`` is "fenchel-young", E[max(x + scale·ε)] − E[scale·ε] − ⟨x, y⟩, which is convex and has the gradient p − y, or
    "negative-log-likelihood", −Σ y·log p. Under Gumbel noise of scale 1 both are the cross-entropy. Where every class has a
    scale ⟨x, y⟩ is ⟨x + E[scale·ε], y⟩. With factors targets are indices.

    Returns a number for each row, and with ``gradient`` the gradient of each row's own loss as well.
    """
    code = _choice("kind of loss", kind, _losses_by_name)
    if factors is not None:
        return _factors.losses(
            x, target, code, noise, scale, axis, points, gradient, scale_gradient, factors, tolerance,
            factor_gradient, threads,
        )  # fmt: skip
    if tolerance is not None or factor_gradient:
        _factors.refuse()
    if scale_gradient or has_own(scale):
        return _ranks.losses(x, target, code, noise, scale, axis, points, gradient, scale_gradient, threads)
    held, x = transform(noise, scale, points), rows(x, axis)
    targets = [None if array is None else memory(array) for array in _ranks.targets(target, x, axis)]
    return _per_row(_losses, held, (code, memory(x), *targets), x, axis, gradient, threads)


@overload
def entropy(
    x: ArrayLike, noise: str = "normal", scale: float = 1.0, axis: int = -1, points: int | None = None, *,
    kind: str = "shannon", gradient: Literal[False] = False, threads: int | None = None,
) -> np.ndarray: ...
@overload
def entropy(
    x: ArrayLike, noise: str = "normal", scale: float = 1.0, axis: int = -1, points: int | None = None, *,
    kind: str = "shannon", gradient: Literal[True], threads: int | None = None,
) -> tuple[np.ndarray, np.ndarray]: ...
def entropy(
    x: ArrayLike,
    noise: str = "normal",
    scale: float = 1.0,
    axis: int = -1,
    points: int | None = None,
    *,
    kind: str = "shannon",
    gradient: bool = False,
    threads: int | None = None,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """A number for each row that says how far from certain its random index is.

    ``kind`` is "shannon", −Σ p·log p; "generalized", E[max(x + scale·ε)] − E[scale·ε] − ⟨x, p⟩, which belongs to the law and is
    Shannon's under Gumbel noise of scale 1 alone; or "divergence-from-uniform", Σ p·log(n·p) over the n open classes. With
    ``gradient`` its gradient in x comes as well.
    """
    code = _choice("kind of entropy", kind, _entropies_by_name)
    return _summary(code, x, noise, scale, axis, points, gradient, threads)


@overload
def expected_maximum(
    x: ArrayLike, noise: str = "normal", scale: float | ArrayLike = 1.0, axis: int = -1, *,
    gradient: Literal[False] = False, scale_gradient: Literal[False] = False, threads: int | None = None,
) -> np.ndarray: ...
@overload
def expected_maximum(
    x: ArrayLike, noise: str = "normal", scale: float | ArrayLike = 1.0, axis: int = -1, *,
    gradient: bool = False, scale_gradient: bool = False, threads: int | None = None,
) -> tuple[np.ndarray, ...]: ...
def expected_maximum(
    x: ArrayLike,
    noise: str = "normal",
    scale: float | ArrayLike = 1.0,
    axis: int = -1,
    *,
    gradient: bool = False,
    scale_gradient: bool = False,
    threads: int | None = None,
) -> np.ndarray | tuple[np.ndarray, ...]:
    """E[max(x + scale·ε)] of each row, and with ``gradient`` its gradient, the probabilities."""
    if scale_gradient or has_own(scale):
        return _ranks.expected_maximum(x, noise, scale, axis, gradient, scale_gradient, threads)
    return _summary(0, x, noise, scale, axis, None, gradient, threads)


def sample(
    x: ArrayLike,
    noise: str = "normal",
    scale: float | ArrayLike = 1.0,
    axis: int = -1,
    *,
    seed: int | np.random.Generator | None = None,
    first_row: int = 0,
    threads: int | None = None,
) -> np.ndarray:
    """A random index argmax(x + scale·ε) for each row: −1 where no class is open, or the row is NaN.

    Row r draws from the stream ``first_row`` + r of the seed, so that rows have the same indices in one call or in several.
    Without a seed each call draws its own; a NumPy generator is asked for one.
    """
    if has_own(scale):
        return _ranks.sample(x, noise, scale, axis, _seed(seed), _first_row(first_row), threads)
    held, x = transform(noise, scale), rows(x, axis)
    result = np.empty(x.shape[:-1], np.int64)
    streams = (row_count(x), x.shape[-1], _seed(seed), _first_row(first_row), thread_count(threads))
    call(_sample[x.dtype != FLOAT32], held, memory(x), *streams, memory(result))
    return result[()]


def relaxed_sample(
    x: ArrayLike,
    temperature: float = 1.0,
    noise: str = "normal",
    scale: float = 1.0,
    axis: int = -1,
    *,
    hard: bool = False,
    seed: int | np.random.Generator | None = None,
    first_row: int = 0,
    threads: int | None = None,
) -> np.ndarray:
    """softmax((x + scale·ε)/temperature) for one draw of the noise in each row: that of ``sample`` with the same seed.

    With ``hard``, or at temperature 0, the one-hot of the winner.
    """
    held, x = transform(noise, scale), rows(x, axis)
    result = np.empty(x.shape, x.dtype)
    streams = (row_count(x), x.shape[-1], _seed(seed), _first_row(first_row), thread_count(threads))
    temperature = 0.0 if hard and temperature >= 0 else temperature
    call(_relaxed_sample[x.dtype != FLOAT32], held, temperature, memory(x), *streams, memory(result), None)
    return restored(result, axis)


def _numbers(name, x, noise, scale, axis, points, threads) -> np.ndarray:
    """A number for every class."""
    scale, count = float(scale), thread_count(threads)
    if axis == -1 and _small.serves(x):
        return _small.values(name, x, noise, scale, points)
    held, x = transform(noise, scale, points), rows(x, axis)
    result = np.empty(x.shape, x.dtype)
    shape = (row_count(x), x.shape[-1], count)
    call(_values[name][x.dtype != FLOAT32], held, memory(x), *shape, memory(result))
    return restored(result, axis)


def _summary(code, x, noise, scale, axis, points, gradient, threads):
    held, x = transform(noise, scale, points), rows(x, axis)
    return _per_row(_summaries, held, (code, memory(x)), x, axis, gradient, threads)


def _per_row(functions, held, given, x, axis, gradient, threads):
    """A number for every row, and its gradient if that is wanted."""
    values = np.empty(x.shape[:-1], x.dtype)
    slopes = np.empty(x.shape, x.dtype) if gradient else None
    shape = (row_count(x), x.shape[-1], thread_count(threads))
    results = (memory(values), None if slopes is None else memory(slopes))
    call(functions[x.dtype != FLOAT32], held, *given, *shape, *results)
    return values[()] if slopes is None else (values[()], restored(slopes, axis))


def _choice(what: str, name: str, codes: dict[str, int]) -> int:
    if name not in codes:
        raise ValueError(f"there is no {what} named {name!r}: there are {', '.join(codes)}")
    return codes[name]


def _seed(seed: int | np.random.Generator | None) -> int:
    if seed is None:
        return int.from_bytes(os.urandom(8), "little")
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(0, 1 << 64, dtype=np.uint64))
    if not 0 <= seed < 1 << 64:
        raise ValueError(f"a seed is a number from 0 to 2**64 - 1, not {seed}")
    return int(seed)


def _first_row(number: int) -> int:
    if not 0 <= number < 1 << 62:
        raise ValueError(f"rows are counted from 0, not {number}")
    return int(number)
