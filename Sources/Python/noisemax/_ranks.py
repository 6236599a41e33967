"""Classes with scales of their own, the k largest, orderings, and the inverse."""

from __future__ import annotations

from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from . import _small
from ._arrays import FLOAT32, has_own, memory, restored, row_count, rows, scales
from ._library import call, functions, thread_count, transform

_inclusions, _inclusion_pullback = functions("inclusions"), functions("inclusion_pullback")
_log_probabilities, _log_pullback = functions("scaled_log_probabilities"), functions("scaled_log_pullback")
_expected_sums, _losses = functions("expected_sums"), functions("scaled_losses")
_sample, _ranking_losses, _inverse = functions("scaled_sample"), functions("ranking_losses"), functions("inverse")


def top_k_probabilities(
    x: ArrayLike,
    k: int,
    noise: str = "normal",
    scale: ArrayLike = 1.0,
    axis: int = -1,
    *,
    threads: int | None = None,
) -> np.ndarray:
    """P[i is among the k largest of x + scale·ε] for every class i: they sum to k. With k = 1 the probabilities."""
    return included(x, k, noise, scale, axis, None, threads)


def top_k_pullback(
    x: ArrayLike,
    v: ArrayLike,
    k: int,
    noise: str = "normal",
    scale: ArrayLike = 1.0,
    axis: int = -1,
    *,
    scale_gradient: bool = False,
    threads: int | None = None,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """The gradient in x of Σ v·p, p the probabilities of being among the k largest, for v in the shape of x.

    With ``scale_gradient`` the gradient in the scale of every class comes as well.
    """
    return pulled(x, v, k, noise, scale, axis, None, False, scale_gradient, threads)


def ranking_log_probability(
    x: ArrayLike,
    ordering: ArrayLike,
    noise: str = "normal",
    scale: ArrayLike = 1.0,
    axis: int = -1,
    *,
    threads: int | None = None,
) -> np.ndarray:
    """log P[the classes of the ordering come first, in its order] for each row: see ``ranking_loss``."""
    return np.subtract(0.0, ranking_loss(x, ordering, noise, scale, axis, threads=threads))


@overload
def ranking_loss(
    x: ArrayLike, ordering: ArrayLike, noise: str = "normal", scale: ArrayLike = 1.0, axis: int = -1, *,
    gradient: Literal[False] = False, scale_gradient: Literal[False] = False, threads: int | None = None,
) -> np.ndarray: ...
@overload
def ranking_loss(
    x: ArrayLike, ordering: ArrayLike, noise: str = "normal", scale: ArrayLike = 1.0, axis: int = -1, *,
    gradient: bool = False, scale_gradient: bool = False, threads: int | None = None,
) -> tuple[np.ndarray, ...]: ...
def ranking_loss(
    x: ArrayLike,
    ordering: ArrayLike,
    noise: str = "normal",
    scale: ArrayLike = 1.0,
    axis: int = -1,
    *,
    gradient: bool = False,
    scale_gradient: bool = False,
    threads: int | None = None,
) -> np.ndarray | tuple[np.ndarray, ...]:
    """−log P[the classes of the ordering come first, in its order] for each row.

    ``ordering`` has indices of different classes along ``axis``: all of them, or the first few. One of one axis is for
    every row. Under Gumbel noise that is the Plackett–Luce model, under Normal noise Thurstone's.

    With ``gradient`` the gradient in x comes as well, and with ``scale_gradient`` both that and the one in the scale of
    every class.
    """
    held, given, widths = _prepared(x, noise, scale, axis, None, scale_gradient)
    order = np.asarray(ordering)
    if order.dtype.kind not in "iu":
        raise ValueError(f"the index of a class is an integer, not {order.dtype}")
    if order.ndim == 0:
        raise ValueError("a number is no ordering: an array has an axis at least")
    order = order if order.ndim == 1 else np.moveaxis(order, axis, -1)
    shape = (*given.shape[:-1], order.shape[-1])
    if order.ndim > 1 and order.shape != shape:
        raise ValueError(f"orderings of the shape {order.shape} do not fit rows {given.shape}")
    order = np.ascontiguousarray(np.broadcast_to(order, shape), dtype=np.int64)
    arguments = (memory(given), _optional(widths), memory(order), order.shape[-1])
    return _rows_of_numbers(_ranking_losses, held, arguments, given, axis, gradient, scale_gradient, threads)


def logits(
    p: ArrayLike, noise: str = "normal", scale: ArrayLike = 1.0, axis: int = -1, *, threads: int | None = None
) -> np.ndarray:
    """The logits, of mean 0, whose probabilities are given: ``probabilities(logits(p)) == p`` within rounding.

    In each row of p no number is below 0, and the sum is 1. A class of probability 0 has the logit -inf, or where the noise
    is bounded the largest one that cannot win. Of classes without noise, whose scale is 0, one at most can win.
    """
    held, given, widths = _prepared(p, noise, scale, axis, None, False)
    return _numbers(_inverse, held, (memory(given), _optional(widths)), given, axis, threads)


# What the functions for one scale do where every class has its own


def included(x, k, noise, scale, axis, points, threads) -> np.ndarray:
    count, shared = _count(k), thread_count(threads)
    if axis == -1 and _small.serves(x):
        if type(scale) is float:
            return _small.values("inclusions", x, noise, scale, points, count, None, shared)
        if type(scale) is np.ndarray and scale.dtype == x.dtype and scale.shape == x.shape:
            return _small.values("inclusions", x, noise, 1.0, points, count, scale, shared)
    held, x, widths = _prepared(x, noise, scale, axis, points, False)
    return _numbers(_inclusions, held, (count, memory(x), _optional(widths)), x, axis, threads)


def log_probabilities(x, noise, scale, axis, points, threads) -> np.ndarray:
    held, x, widths = _prepared(x, noise, scale, axis, points, True)
    return _numbers(_log_probabilities, held, (memory(x), memory(widths)), x, axis, threads)


def pulled(x, v, k, noise, scale, axis, points, log, scale_gradient, threads):
    held, x, widths = _prepared(x, noise, scale, axis, points, scale_gradient)
    v = rows(v, axis, like=x)
    function, count = (_log_pullback, ()) if log else (_inclusion_pullback, (_count(k),))
    result = np.empty(x.shape, x.dtype)
    in_scale = np.empty(x.shape, x.dtype) if scale_gradient else None
    shape = (row_count(x), x.shape[-1], thread_count(threads))
    given = (*count, memory(x), _optional(widths), memory(v))
    call(function[x.dtype != FLOAT32], held, *given, *shape, memory(result), _optional(in_scale))
    return (restored(result, axis), restored(in_scale, axis)) if scale_gradient else restored(result, axis)


def losses(x, target, code, noise, scale, axis, points, gradient, scale_gradient, threads):
    held, x, widths = _prepared(x, noise, scale, axis, points, scale_gradient)
    classes, weights = targets(target, x, axis)
    given = (code, memory(x), _optional(widths), _optional(classes), _optional(weights))
    return _rows_of_numbers(_losses, held, given, x, axis, gradient, scale_gradient, threads)


def expected_maximum(x, noise, scale, axis, gradient, scale_gradient, threads):
    held, x, widths = _prepared(x, noise, scale, axis, None, scale_gradient)
    given = (1, memory(x), _optional(widths))
    return _rows_of_numbers(_expected_sums, held, given, x, axis, gradient, scale_gradient, threads)


def sample(x, noise, scale, axis, seed, first_row, threads) -> np.ndarray:
    held, x, widths = _prepared(x, noise, scale, axis, None, True)
    result = np.empty(x.shape[:-1], np.int64)
    streams = (row_count(x), x.shape[-1], seed, first_row, thread_count(threads))
    call(_sample[x.dtype != FLOAT32], held, memory(x), memory(widths), *streams, memory(result))
    return result[()]


def targets(target: ArrayLike, x: np.ndarray, axis: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The index of a class for each row, or distributions like the rows: one of the two."""
    target = np.asarray(target)
    if target.ndim == x.ndim:
        return None, rows(target, axis, like=x)
    if target.dtype.kind not in "iu":
        raise ValueError(f"the index of a class is an integer, not {target.dtype}")
    if target.shape != x.shape[:-1]:
        raise ValueError(f"targets of the shape {target.shape} do not fit rows {x.shape}")
    return np.ascontiguousarray(target, dtype=np.int64), None


def _prepared(x, noise, scale, axis, points, always: bool):
    """The transform, the rows, and a scale for every class where it is not one number, or ``always``."""
    x = rows(x, axis)
    if has_own(scale) or always:
        return transform(noise, 1.0, points), x, scales(scale, x, axis)
    return transform(noise, scale, points), x, None


def _numbers(function, held, given, x, axis, threads) -> np.ndarray:
    result = np.empty(x.shape, x.dtype)
    shape = (row_count(x), x.shape[-1], thread_count(threads))
    call(function[x.dtype != FLOAT32], held, *given, *shape, memory(result))
    return restored(result, axis)


def _rows_of_numbers(function, held, given, x, axis, gradient, scale_gradient, threads):
    values = np.empty(x.shape[:-1], x.dtype)
    slopes = [np.empty(x.shape, x.dtype) if wanted else None for wanted in (gradient or scale_gradient, scale_gradient)]
    shape = (row_count(x), x.shape[-1], thread_count(threads))
    call(function[x.dtype != FLOAT32], held, *given, *shape, memory(values), *map(_optional, slopes))
    found = [restored(slope, axis) for slope in slopes if slope is not None]
    return (values[()], *found) if found else values[()]


def _optional(array: np.ndarray | None):
    return None if array is None else memory(array)


def _count(k: int) -> int:
    if not isinstance(k, (int, np.integer)):
        raise TypeError(f"the number of largest classes is an integer, not {k!r}")
    return int(min(max(k, -1), 1 << 60))
