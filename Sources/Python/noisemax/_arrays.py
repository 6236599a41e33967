"""NumPy arrays as the rows that the C functions take."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import ArrayLike

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)

# No length of its own: it stands for the address of whatever it is laid over.
_Memory = ctypes.c_char * 0


def memory(array: np.ndarray):
    """The memory of an array, as an argument of a C function."""
    if array.flags.writeable:
        return _Memory.from_buffer(array)
    return ctypes.c_void_p(array.ctypes.data)


def native(x: ArrayLike, like: np.dtype | None = None) -> np.ndarray:
    """An array in float32 or float64: the nearest type that holds its numbers, or a given one."""
    array = np.asarray(x)
    if like is None:
        if array.dtype == FLOAT64 or array.dtype == FLOAT32:
            return array
        # A type of two bytes that NumPy does not know is bfloat16.
        fits = {"f": 4, "V": 2}.get(array.dtype.kind, 0)
        like = FLOAT32 if array.dtype.itemsize <= fits else FLOAT64
    if array.dtype.kind == "c":
        raise ValueError(f"logits are real numbers, not {array.dtype}")
    try:
        return array.astype(like, copy=False)
    except TypeError as error:
        raise ValueError(str(error)) from None


def rows(x: ArrayLike, axis: int = -1, like: np.ndarray | None = None) -> np.ndarray:
    """An array with its rows along the last axis, one after the other in memory."""
    array = native(x, None if like is None else like.dtype)
    if array.ndim == 0:
        raise ValueError("a number is no row of logits: an array has an axis at least")
    if axis != -1:
        array = np.moveaxis(array, axis, -1)
    if not (array.flags.c_contiguous and array.flags.aligned):
        array = array.copy(order="C")
    if like is not None and array.shape != like.shape:
        raise ValueError(f"an array with rows {array.shape} does not fit logits with rows {like.shape}")
    return array


def has_own(scale: object) -> bool:
    """Whether it is an array of scales, and not one number for all classes."""
    return type(scale) is not float and (scale.ndim if type(scale) is np.ndarray else np.ndim(scale)) > 0


def scales(scale: ArrayLike, x: np.ndarray, axis: int) -> np.ndarray:
    """A scale for every class of rows: from a number, one for each class along the axis, or an array like the logits."""
    array = native(scale, x.dtype)
    if array.ndim < 2:
        shape, axis = x.shape, -1
    else:
        shape = restored(x, axis).shape
    if array.shape == shape:
        return rows(array, axis, like=x)
    try:
        array = np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(f"scales of the shape {array.shape} do not fit logits of the shape {shape}") from None
    return rows(array, axis, like=x)


def row_count(array: np.ndarray) -> int:
    """How many rows there are, also where they are empty."""
    length = array.shape[-1]
    return array.size // length if length else int(np.prod(array.shape[:-1], dtype=np.int64))


def restored(array: np.ndarray, axis: int) -> np.ndarray:
    """What stands along the last axis moved back to where the logits had it."""
    return array if axis == -1 else np.moveaxis(array, -1, axis)
