"""Classes with common factors: argmax(x + scale·ε + V z), z standard normal of one to three dimensions."""

from __future__ import annotations

from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import FLOAT32, memory, native, restored, row_count, rows
from ._library import call, functions, thread_count
from ._ranks import _optional, _prepared, targets

_probabilities, _log_probabilities = functions("factor_probabilities"), functions("factor_log_probabilities")
_pullback, _log_pullback = functions("factor_pullback"), functions("factor_log_pullback")
_losses = functions("factor_losses")


def values(x, noise, scale, axis, points, log, factors, tolerance, error_estimate, threads):
    given = _Given(x, noise, scale, axis, points, factors, tolerance_of(tolerance, log), False)
    result = np.empty(given.x.shape, given.x.dtype)
    errors = np.empty(given.x.shape[:-1], given.x.dtype) if error_estimate else None
    given.call(_log_probabilities if log else _probabilities, (), (), threads, result, errors)
    result = restored(result, axis)
    return result if errors is None else (result, errors[()])


def pulled(x, v, noise, scale, axis, points, log, scale_gradient, factors, tolerance, factor_gradient, threads):
    given = _Given(x, noise, scale, axis, points, factors, tolerance_of(tolerance, log), scale_gradient)
    v = given.like_rows(v)
    slopes = given.room(True, scale_gradient, factor_gradient)
    given.call(_log_pullback if log else _pullback, (), (memory(v),), threads, *slopes)
    found = given.restored(slopes)
    return found if len(found) > 1 else found[0]


def losses(
    x, target, code, noise, scale, axis, points, gradient, scale_gradient, factors, tolerance, factor_gradient, threads
):
    given = _Given(x, noise, scale, axis, points, factors, tolerance_of(tolerance, True), scale_gradient)
    classes, weights = targets(target, given.x, axis)
    if weights is not None:
        raise ValueError("with factors the target of a row is the index of a class")
    result = np.empty(given.x.shape[:-1], given.x.dtype)
    slopes = given.room(gradient or scale_gradient or factor_gradient, scale_gradient, factor_gradient)
    given.call(_losses, (code,), (memory(classes),), threads, result, *slopes)
    found = given.restored(slopes)
    return (result[()], *found) if found else result[()]


def refuse() -> NoReturn:
    """Where there are no factors, but what goes with them alone."""
    raise ValueError("a tolerance, an estimate of the error and a gradient in factors go with factors")


def tolerance_of(tolerance: float | None, log: bool) -> float:
    return (1e-8 if log else 1e-10) if tolerance is None else float(tolerance)


class _Given:
    """Rows with what the C functions take about them."""

    def __init__(self, x, noise, scale, axis, points, factors, tolerance, always) -> None:
        self.axis, self.tolerance = axis, tolerance
        self.held, self.x, self.widths = _prepared(x, noise, scale, axis, points, always)
        self.loadings = self._loadings(factors)

    def _loadings(self, factors: ArrayLike) -> np.ndarray:
        """Those of every class of the rows, from those of every logit, or of the classes of any row."""
        array = native(factors, self.x.dtype)
        if array.ndim < 2:
            raise ValueError(f"factors have 1 to 3 numbers for every class along a last axis, not the shape {array.shape}")
        moved = array if array.ndim == 2 else np.moveaxis(array, self._class_axis, -2)
        try:
            moved = np.broadcast_to(moved, (*self.x.shape, array.shape[-1]))
        except ValueError:
            raise ValueError(f"factors of the shape {array.shape} do not fit rows {self.x.shape}") from None
        return np.require(moved, requirements=["C", "A"])

    @property
    def _class_axis(self) -> int:
        """The axis of the classes where another one follows all of those that the logits have."""
        return self.axis if self.axis >= 0 else self.axis - 1

    def like_rows(self, v: ArrayLike) -> np.ndarray:
        return rows(v, self.axis, like=self.x)

    def room(self, *wanted: bool) -> list[np.ndarray | None]:
        """Room for the gradients in x, in the scales and in the factors that are wanted."""
        shapes = (self.x.shape, self.x.shape, self.loadings.shape)
        return [np.empty(shape, self.x.dtype) if want else None for shape, want in zip(shapes, wanted, strict=True)]

    def restored(self, slopes: list[np.ndarray | None]) -> tuple[np.ndarray, ...]:
        *alike, in_factors = slopes
        found = [restored(slope, self.axis) for slope in alike if slope is not None]
        if in_factors is not None:
            found.append(np.moveaxis(in_factors, -2, self._class_axis))
        return tuple(found)

    def call(self, function, first, last, threads, *results) -> None:
        given = (memory(self.x), _optional(self.widths), memory(self.loadings), self.loadings.shape[-1], self.tolerance)
        shape = (row_count(self.x), self.x.shape[-1], thread_count(threads))
        call(function[self.x.dtype != FLOAT32], self.held, *first, *given, *last, *shape, *map(_optional, results))
