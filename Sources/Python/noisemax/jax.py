"""noisemax for JAX: functions of arrays under ``jit``, ``vmap`` and ``grad``, computed on the processor by callbacks.

There are derivatives in reverse mode, in the logits and in the scale: first ones, and of the exact method with one scale second
ones, as by ``jax.jacrev(jax.grad(…))``. There are none in forward mode. The scale is a number, or an
array of one element, which may be traced; one that is not above 0 gives NaN. Or it is an array with a scale for every class: one
for each class along ``axis``, or one that fits the shape of x.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

import noisemax as _noisemax

from . import _ranks, _seconds
from ._library import transform

__all__ = ["log_probabilities", "loss", "probabilities", "top_k_probabilities"]


def probabilities(
    x: jax.Array, noise: str = "normal", scale: float | jax.Array = 1.0, axis: int = -1, points: int | None = None
) -> jax.Array:
    """P[argmax(x + scale·ε) = i] for every class i along ``axis``."""
    return _along(x, noise, scale, axis, points, False)


def log_probabilities(
    x: jax.Array, noise: str = "normal", scale: float | jax.Array = 1.0, axis: int = -1, points: int | None = None
) -> jax.Array:
    """The logarithms of the probabilities, accurate where these underflow and where they are almost 1."""
    return _along(x, noise, scale, axis, points, True)


def top_k_probabilities(
    x: jax.Array, k: int, noise: str = "normal", scale: float | jax.Array = 1.0, axis: int = -1
) -> jax.Array:
    """P[i is among the k largest of x + scale·ε] for every class i along ``axis``: they sum to k."""
    x = jnp.asarray(x)
    rows = _rows(x, axis)
    if _has_own(scale):
        widths = _widths(scale, x, rows, axis)
    else:
        rows, number, _ = _in_units(rows, scale)
        widths = jnp.full_like(rows, number)
    return _restored(_scaled_values(rows, widths, noise, k, False), x, axis)


def loss(
    x: jax.Array,
    target: jax.Array,
    noise: str = "normal",
    scale: float | jax.Array = 1.0,
    axis: int = -1,
    points: int | None = None,
    *,
    kind: str = "fenchel-young",
) -> jax.Array:
    """How far each row is from its target: the index of a class, or a distribution in the shape of x. A number a row.

    ``kind`` is "fenchel-young" or "negative-log-likelihood". A target that is no class of its row is an error when the
    callback runs. Nothing flows back to the target.
    """
    x, target = jnp.asarray(x), jnp.asarray(target)
    rows = _rows(x, axis)
    if target.ndim == x.ndim:
        target = jax.lax.stop_gradient(jnp.moveaxis(target, axis, -1).astype(rows.dtype))
    elif not jnp.issubdtype(target.dtype, jnp.integer):
        raise ValueError(f"the index of a class is an integer, not {target.dtype}")
    elif target.shape != rows.shape[:-1]:
        raise ValueError(f"targets of the shape {target.shape} do not fit rows {rows.shape}")
    if kind not in _noisemax._losses_by_name:
        raise ValueError(f"there is no kind of loss named {kind!r}: there are {', '.join(_noisemax._losses_by_name)}")
    if _has_own(scale):
        _refuse_rule(points)
        transform(noise)
        values = _scaled_losses(rows, _widths(scale, x, rows, axis), target, noise, kind)
        return values.astype(_result_type(x))
    rows, scale, unit = _in_units(rows, scale)
    transform(noise, scale, points)
    values = _losses(rows, target, noise, scale, points, kind)
    if unit is not None and kind == "fenchel-young":
        values = unit * values
    return values.astype(_result_type(x))


def _along(x, noise, scale, axis, points, log):
    x = jnp.asarray(x)
    rows = _rows(x, axis)
    if _has_own(scale):
        _refuse_rule(points)
        return _restored(_scaled_values(rows, _widths(scale, x, rows, axis), noise, 1, log), x, axis)
    rows, scale, _ = _in_units(rows, scale)
    # What is wrong with it is said here, and not in a callback.
    transform(noise, scale, points)
    return _restored(_values(rows, noise, scale, points, log), x, axis)


def _refuse_rule(points) -> None:
    if points is not None:
        raise ValueError("the quantile rule takes one scale for all classes: use the exact method")


def _has_own(scale) -> bool:
    return isinstance(scale, (jax.Array, np.ndarray)) and scale.size != 1


def _widths(scale, x, rows, axis):
    """A scale for every class of the rows."""
    is_per_class = scale.ndim == 1
    try:
        widths = jnp.broadcast_to(scale, (rows if is_per_class else x).shape).astype(rows.dtype)
    except ValueError:
        raise ValueError(f"scales of the shape {scale.shape} do not fit logits of the shape {x.shape}") from None
    return widths if is_per_class else jnp.moveaxis(widths, axis, -1)


def _restored(values, x, axis):
    return jnp.moveaxis(values, -1, axis).astype(_result_type(x))


def _result_type(x):
    return x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else jnp.result_type(float)


def _rows(x, axis):
    """The logits with their rows along the last axis, in a type that the library has."""
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        raise ValueError(f"logits are real numbers, not {x.dtype}")
    if x.ndim == 0:
        raise ValueError("a number is no row of logits: an array has an axis at least")
    rows = jnp.moveaxis(x, axis, -1)
    if rows.dtype in (jnp.float32, jnp.float64):
        return rows
    return rows.astype(jnp.float32 if jnp.issubdtype(x.dtype, jnp.floating) else jnp.result_type(float))


def _in_units(rows, scale):
    """The rows in units of a scale that is an array, less the largest of each, so that dividing costs no digits."""
    if not isinstance(scale, jax.Array):
        return rows, float(scale), None
    unit = scale.reshape(()).astype(rows.dtype)
    unit = jnp.where(unit > 0, unit, jnp.nan)
    if rows.shape[-1] == 0:
        return rows, 1.0, unit
    top = jax.lax.stop_gradient(rows.max(-1, keepdims=True))
    is_finite = jnp.isfinite(rows)
    gaps = jnp.where(is_finite, rows - jnp.where(jnp.isfinite(top), top, 0), 0) / unit
    return jnp.where(is_finite, gaps, rows), 1.0, unit


def _callback(function, shapes, *arrays):
    return jax.pure_callback(
        lambda *arrays: function(*map(np.asarray, arrays)), shapes, *arrays, vmap_method="broadcast_all"
    )


def _like(rows):
    return jax.ShapeDtypeStruct(rows.shape, rows.dtype)


@partial(jax.custom_vjp, nondiff_argnums=(1, 2, 3, 4))
def _values(rows, noise, scale, points, log):
    function = _noisemax.log_probabilities if log else _noisemax.probabilities
    return _callback(lambda x: function(x, noise, scale, points=points), _like(rows), rows)


def _values_forward(rows, noise, scale, points, log):
    return _values(rows, noise, scale, points, log), rows


def _values_backward(noise, scale, points, log, rows, cotangents):
    return (_pullback(rows, cotangents, noise, scale, points, log),)


_values.defvjp(_values_forward, _values_backward)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4, 5))
def _pullback(rows, cotangents, noise, scale, points, log):
    def pulled(x, v):
        return _noisemax.pullback(x, v, noise, scale, points=points, log=log)

    return _callback(pulled, _like(rows), rows, cotangents)


def _pullback_forward(rows, cotangents, noise, scale, points, log):
    return _pullback(rows, cotangents, noise, scale, points, log), (rows, cotangents)


def _pullback_backward(noise, scale, points, log, kept, others):
    _require_exact(points)

    def pushed(x, w):
        if log:
            return _seconds.log_pushforward(x, w, noise, scale).astype(x.dtype)
        # J is symmetric.
        return _noisemax.pullback(x, w, noise, scale)

    rows, _ = kept
    in_cotangents = _callback(pushed, _like(rows), rows, others)
    return _second_pullback(*kept, others, noise, scale, log), in_cotangents


_pullback.defvjp(_pullback_forward, _pullback_backward)


def _second_pullback(rows, cotangents, others, noise, scale, log):
    def pulled(x, v, w):
        return _noisemax.second_pullback(x, v, w, noise, scale, log=log)

    return _callback(pulled, _like(rows), rows, cotangents, others)


def _require_exact(points):
    if points is not None:
        raise ValueError("the quantile rule has no second derivatives")


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def _scaled_values(rows, widths, noise, k, log):
    def values(x, s):
        return _ranks.log_probabilities(x, noise, s, -1, None, None) if log else _ranks.included(
            x, k, noise, s, -1, None, None
        )  # fmt: skip

    transform(noise)
    return _callback(values, _like(rows), rows, widths)


def _scaled_forward(rows, widths, noise, k, log):
    return _scaled_values(rows, widths, noise, k, log), (rows, widths)


def _scaled_backward(noise, k, log, kept, cotangents):
    def pulled(x, s, v):
        return _ranks.pulled(x, v, k, noise, s, -1, None, log, True, None)

    return _callback(pulled, (_like(kept[0]), _like(kept[1])), *kept, cotangents)


_scaled_values.defvjp(_scaled_forward, _scaled_backward)


@partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def _scaled_losses(rows, widths, target, noise, kind):
    def values(x, s, y):
        return np.asarray(_noisemax.loss(x, y, noise, s, kind=kind))

    return _callback(values, jax.ShapeDtypeStruct(rows.shape[:-1], rows.dtype), rows, widths, target)


def _scaled_losses_forward(rows, widths, target, noise, kind):
    """The losses, and for the way back the gradients that they come with."""

    def all(x, s, y):
        values, *slopes = _noisemax.loss(x, y, noise, s, kind=kind, scale_gradient=True)
        return np.asarray(values), *slopes

    shapes = (jax.ShapeDtypeStruct(rows.shape[:-1], rows.dtype), _like(rows), _like(rows))
    values, *slopes = _callback(all, shapes, rows, widths, target)
    return values, (slopes, target)


def _scaled_losses_backward(noise, kind, kept, cotangents):
    slopes, target = kept
    return *(cotangents[..., None] * slope for slope in slopes), _no_gradient(target)


_scaled_losses.defvjp(_scaled_losses_forward, _scaled_losses_backward)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4, 5))
def _losses(rows, target, noise, scale, points, kind):
    def values(x, y):
        return np.asarray(_noisemax.loss(x, y, noise, scale, points=points, kind=kind))

    return _callback(values, jax.ShapeDtypeStruct(rows.shape[:-1], rows.dtype), rows, target)


def _losses_forward(rows, target, noise, scale, points, kind):
    """The losses, and for the way back the gradient that they come with."""
    values, gradient = _losses_with_gradient(rows, target, noise, scale, points, kind)
    return values, (gradient, target)


def _losses_backward(noise, scale, points, kind, kept, cotangents):
    gradient, target = kept
    return cotangents[..., None] * gradient, _no_gradient(target)


_losses.defvjp(_losses_forward, _losses_backward)


def _no_gradient(target):
    return jnp.zeros_like(target) if jnp.issubdtype(target.dtype, jnp.floating) else None


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4, 5))
def _losses_with_gradient(rows, target, noise, scale, points, kind):
    def both(x, y):
        values, gradient = _noisemax.loss(x, y, noise, scale, points=points, kind=kind, gradient=True)
        return np.asarray(values), gradient

    shapes = (jax.ShapeDtypeStruct(rows.shape[:-1], rows.dtype), _like(rows))
    return _callback(both, shapes, rows, target)


def _losses_with_gradient_forward(rows, target, noise, scale, points, kind):
    values, gradient = _losses_with_gradient(rows, target, noise, scale, points, kind)
    return (values, gradient), (rows, gradient, target)


def _losses_with_gradient_backward(noise, scale, points, kind, kept, cotangents):
    rows, gradient, target = kept
    weights, directions = cotangents
    _require_exact(points)
    if kind == "fenchel-young":
        change = _pullback(rows, directions, noise, scale, points, False)
    else:
        is_distribution = jnp.issubdtype(target.dtype, jnp.floating)
        y = target if is_distribution else jax.nn.one_hot(target, rows.shape[-1], dtype=rows.dtype)
        change = _second_pullback(rows, -y, directions, noise, scale, True)
    return weights[..., None] * gradient + change, _no_gradient(target)


_losses_with_gradient.defvjp(_losses_with_gradient_forward, _losses_with_gradient_backward)
