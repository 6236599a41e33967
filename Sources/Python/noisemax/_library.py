"""The C functions of the library, and the transforms that they work with."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path

ABI_VERSION = 3
MESSAGE_CAPACITY = 512

_suffix = {"darwin": "dylib", "win32": "dll"}.get(sys.platform, "so")
library = ctypes.CDLL(str(Path(__file__).with_name(f"libNoisemaxC.{_suffix}")))

library.noisemax_abi_version.restype = ctypes.c_int32
if library.noisemax_abi_version() != ABI_VERSION:
    raise ImportError(
        f"the library has version {library.noisemax_abi_version()} of its interface, not {ABI_VERSION}: "
        "install the package anew"
    )

_pointer, _size, _threads = ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int32
_shape = [_size, _size, _threads]
_streams = [_size, _size, ctypes.c_uint64, _size, _threads]
# Logits, scales and loadings, the rank of these, and the tolerance.
_factors = [_pointer, _pointer, _pointer, _size, ctypes.c_double]
_message = [ctypes.c_char_p, ctypes.c_size_t]

# What each function takes between the transform and the message.
_arguments = {
    "probabilities": [_pointer, *_shape, _pointer],
    "log_probabilities": [_pointer, *_shape, _pointer],
    "pullback": [_pointer, _pointer, *_shape, _pointer],
    "log_pullback": [_pointer, _pointer, *_shape, _pointer],
    "second_pullback": [_pointer, _pointer, _pointer, *_shape, _pointer, _pointer],
    "log_second_pullback": [_pointer, _pointer, _pointer, *_shape, _pointer, _pointer],
    "losses": [ctypes.c_int32, _pointer, _pointer, _pointer, *_shape, _pointer, _pointer],
    "summaries": [ctypes.c_int32, _pointer, *_shape, _pointer, _pointer],
    "sample": [_pointer, *_streams, _pointer],
    "relaxed_sample": [ctypes.c_double, _pointer, *_streams, _pointer, _pointer],
    "inclusions": [_size, _pointer, _pointer, *_shape, _pointer],
    "inclusion_pullback": [_size, _pointer, _pointer, _pointer, *_shape, _pointer, _pointer],
    "expected_sums": [_size, _pointer, _pointer, *_shape, _pointer, _pointer, _pointer],
    "scaled_log_probabilities": [_pointer, _pointer, *_shape, _pointer],
    "scaled_log_pullback": [_pointer, _pointer, _pointer, *_shape, _pointer, _pointer],
    "scaled_losses": [ctypes.c_int32, *[_pointer] * 4, *_shape, _pointer, _pointer, _pointer],
    "scaled_sample": [_pointer, _pointer, *_streams, _pointer],
    "ranking_losses": [_pointer, _pointer, _pointer, _size, *_shape, _pointer, _pointer, _pointer],
    "inverse": [_pointer, _pointer, *_shape, _pointer],
    "factor_probabilities": [*_factors, *_shape, _pointer, _pointer],
    "factor_log_probabilities": [*_factors, *_shape, _pointer, _pointer],
    "factor_pullback": [*_factors, _pointer, *_shape, _pointer, _pointer, _pointer],
    "factor_log_pullback": [*_factors, _pointer, *_shape, _pointer, _pointer, _pointer],
    "factor_losses": [ctypes.c_int32, *_factors, _pointer, *_shape, *[_pointer] * 4],
}


def functions(name: str) -> tuple:
    """A function for floats, and the one for doubles."""
    found = (getattr(library, f"noisemax_{name}_f"), getattr(library, f"noisemax_{name}"))
    for function in found:
        function.argtypes = [_pointer, *_arguments[name], *_message]
        function.restype = ctypes.c_int32
    return found


library.noisemax_law_name.argtypes, library.noisemax_law_name.restype = [_size], ctypes.c_char_p
library.noisemax_destroy.argtypes, library.noisemax_destroy.restype = [_pointer], None
library.noisemax_create.restype = ctypes.c_int32
library.noisemax_create.argtypes = [
    ctypes.c_char_p, ctypes.c_double, _size, ctypes.POINTER(_pointer), *_message
]  # fmt: skip
for _name in ("noisemax_lock", "noisemax_unlock"):
    getattr(library, _name).argtypes, getattr(library, _name).restype = [], None


def laws() -> list[str]:
    """The names of the laws of noise."""
    names: list[str] = []
    while (name := library.noisemax_law_name(len(names))) is not None:
        names.append(name.decode())
    return names


def fail(function, *arguments) -> None:
    """Raises what was wrong with a call that failed: the same again, with room for a message."""
    message = ctypes.create_string_buffer(MESSAGE_CAPACITY)
    status = function(*arguments, message, ctypes.c_size_t(MESSAGE_CAPACITY))
    raise ValueError(message.value.decode() or f"noisemax: error {status}")


class Transform:
    """A law of noise, its scale and a method. It never changes, and threads share it."""

    __slots__ = ("handle",)

    def __init__(self, noise: str, scale: float, points: int | None) -> None:
        if not isinstance(noise, str):
            raise TypeError(f"the name of a law of noise is a string, not {noise!r}")
        if points is not None and points < 1:
            raise ValueError(f"the quantile rule takes at least 1 point, not {points}")
        handle = ctypes.c_void_p()
        name = noise.encode()
        if b"\0" in name:
            raise ValueError(f"there is no law of noise named {noise!r}: there are {', '.join(laws())}")
        arguments = (name, scale, min(points or 0, sys.maxsize), ctypes.byref(handle))
        if library.noisemax_create(*arguments, None, 0):
            fail(library.noisemax_create, *arguments)
        self.handle = handle.value

    def __del__(self, destroy=library.noisemax_destroy) -> None:
        # A transform that could not be made has no handle.
        if handle := getattr(self, "handle", None):
            destroy(handle)


_kept: dict[tuple, Transform] = {}
_most_kept = 256


def transform(noise: str, scale: float = 1.0, points: int | None = None) -> Transform:
    """The transform with these parameters, made if it is not at hand."""
    key = (noise, float(scale), points)
    found = _kept.get(key)
    if found is None:
        found = Transform(*key)
        if len(_kept) >= _most_kept:
            _kept.clear()
        _kept[key] = found
    return found


def call(function: Callable, held: Transform, *arguments) -> None:
    """Calls a C function that writes its results to memory among the arguments."""
    if function(held.handle, *arguments, None, 0):
        fail(function, held.handle, *arguments)


class _Threads:
    """How many threads a call takes where it is not said: 0 for as many as there are processors."""

    default = 0


def thread_count(threads: int | None) -> int:
    if threads is None:
        return _Threads.default
    if threads < 1:
        raise ValueError(f"a call takes at least 1 thread, not {threads}")
    return min(threads, 1 << 20)


def _after_fork_in_child() -> None:
    # The threads that the parent shared its batches between are not there.
    _Threads.default = 1
    library.noisemax_unlock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=library.noisemax_lock,
        after_in_parent=library.noisemax_unlock,
        after_in_child=_after_fork_in_child,
    )
