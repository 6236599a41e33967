"""Second derivatives, and how log-probabilities change in a direction."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import FLOAT32, memory, restored, row_count, rows
from ._library import call, functions, thread_count, transform

_second_pullback, _log_second_pullback = functions("second_pullback"), functions("log_second_pullback")
_pullback, _log_pullback = functions("pullback"), functions("log_pullback")
_probabilities, _log_probabilities = functions("probabilities"), functions("log_probabilities")


def second_pullback(
    x: ArrayLike,
    v: ArrayLike,
    w: ArrayLike,
    noise: str = "normal",
    scale: float = 1.0,
    axis: int = -1,
    *,
    log: bool = False,
    threads: int | None = None,
) -> np.ndarray:
    """The gradient in x of Σ w·pullback(x, v), for v and w in the shape of x: what Newton steps and standard errors need.

    With ``log`` the pullback is that of the log-probabilities: with v one at a target and 0 elsewhere it is the Hessian of
    log p of the target times w.
    """
    held, x = transform(noise, scale), rows(x, axis)
    v, w = rows(v, axis, like=x), rows(w, axis, like=x)
    result = np.empty(x.shape, x.dtype)
    function = (_log_second_pullback if log else _second_pullback)[x.dtype != FLOAT32]
    shape = (row_count(x), x.shape[-1], thread_count(threads))
    call(function, held, memory(x), memory(v), memory(w), *shape, memory(result), None)
    return restored(result, axis)


def log_pushforward(x: np.ndarray, w: np.ndarray, noise: str, scale: float, threads: int | None = None) -> np.ndarray:
    """Σ_j w_j ∂log p_i/∂x_j for every class of rows along the last axis, in Doubles.

    J is symmetric, so that it is the pullback of w over p. Where p underflows, class by class the gradient of log p_i times w.
    """
    held, x, w = transform(noise, scale), rows(np.asarray(x, np.float64)), rows(np.asarray(w, np.float64))

    def computed(function, *arrays):
        result = np.empty(arrays[0].shape)
        shape = (row_count(result), result.shape[-1], thread_count(threads))
        call(function[1], held, *map(memory, arrays), *shape, memory(result))
        return result

    p = computed(_probabilities, x)
    # A NaN stays one; a class that cannot win does not change.
    is_rare = p < 1e-250
    result = np.where(is_rare, 0.0, computed(_pullback, x, w) / np.where(is_rare, 1.0, p))
    if is_rare.any():
        rare = np.nonzero(is_rare & (computed(_log_probabilities, x) > -np.inf))
        own = np.eye(x.shape[-1])[rare[-1]]
        slopes = computed(_log_pullback, np.ascontiguousarray(x[rare[:-1]]), own)
        result[rare] = np.where(slopes == 0, 0.0, slopes * w[rare[:-1]]).sum(-1)
    return result
