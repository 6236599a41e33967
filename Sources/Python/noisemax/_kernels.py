"""Operators of PyTorch on rows of logits, without derivatives: a kernel each, and a fake one that says what comes out.

They are ``torch.ops.noisemax.values`` and so on. The logits come first, in float32 or float64, with their rows along the last
dimension.
"""

import torch
from torch import Tensor

from ._library import fail, functions, transform
from ._seconds import log_pushforward

_probabilities, _log_probabilities = functions("probabilities"), functions("log_probabilities")
_pullback, _log_pullback = functions("pullback"), functions("log_pullback")
_second_pullback, _log_second_pullback = functions("second_pullback"), functions("log_second_pullback")
_losses, _relaxed_sample = functions("losses"), functions("relaxed_sample")


def _native(t: Tensor) -> Tensor:
    return t.to("cpu").contiguous()


def _run(functions, like: Tensor, noise: str, scale: float, points: int, *arguments) -> None:
    function = functions[like.dtype == torch.float64]
    held = transform(noise, scale, points or None)
    if function(held.handle, *arguments, None, 0):
        fail(function, held.handle, *arguments)


def _shape(t: Tensor) -> tuple[int, int, int]:
    """How many rows of what length, and the most threads."""
    length = t.shape[-1]
    return t.numel() // length if length else t.shape[:-1].numel(), length, torch.get_num_threads()


def _operator(schema: str, kernel, fake):
    name = f"noisemax::{schema[:schema.index('(')]}"
    torch.library.define(name, schema[schema.index("(") :])
    torch.library.impl(name, "default", kernel)
    torch.library.register_fake(name, fake)
    return getattr(torch.ops.noisemax, name[10:]).default


def _compute_values(logits, noise, scale, points, log):
    x = _native(logits)
    result = torch.empty_like(x)
    functions = _log_probabilities if log else _probabilities
    _run(functions, x, noise, scale, points, x.data_ptr(), *_shape(x), result.data_ptr())
    return result.to(logits.device)


def _compute_pullback(logits, cotangents, noise, scale, points, log):
    x, v = _native(logits), _native(cotangents)
    result = torch.empty_like(x)
    functions = _log_pullback if log else _pullback
    _run(functions, x, noise, scale, points, x.data_ptr(), v.data_ptr(), *_shape(x), result.data_ptr())
    return result.to(logits.device)


def _compute_second_pullback(logits, cotangents, others, noise, scale, log):
    x, v, w = _native(logits), _native(cotangents), _native(others)
    result = torch.empty_like(x)
    functions = _log_second_pullback if log else _second_pullback
    given = (x.data_ptr(), v.data_ptr(), w.data_ptr(), *_shape(x))
    _run(functions, x, noise, scale, 0, *given, result.data_ptr(), None)
    return result.to(logits.device)


def _compute_log_pushforward(logits, directions, noise, scale):
    change = log_pushforward(_numbers(logits), _numbers(directions), noise, scale, torch.get_num_threads())
    return torch.from_numpy(change).to(logits.device, logits.dtype)


def _numbers(t: Tensor):
    return t.detach().to("cpu").numpy()


def _targets(y, x):
    """Classes, or distributions like the rows: one of the two pointers is none."""
    are_classes = y.ndim < x.ndim
    if y.shape != (x.shape[:-1] if are_classes else x.shape):
        raise ValueError(f"targets of the shape {tuple(y.shape)} do not fit rows {tuple(x.shape)}")
    return (y.data_ptr(), None) if are_classes else (None, y.data_ptr())


def _compute_losses(logits, targets, noise, scale, points, kind, with_gradient):
    x, y = _native(logits), _native(targets)
    result = x.new_empty(x.shape[:-1])
    gradient = x.new_empty(x.shape if with_gradient else (0,))
    results = (result.data_ptr(), gradient.data_ptr() if with_gradient else None)
    _run(_losses, x, noise, scale, points, kind, x.data_ptr(), *_targets(y, x), *_shape(x), *results)
    return result.to(logits.device), gradient.to(logits.device)


def _compute_loss_pullback(logits, targets, gradient, weights, noise, scale, points, kind):
    return gradient * weights.unsqueeze(-1)


def _compute_perturbed(logits, seed, noise, scale):
    x = _native(logits)
    result = torch.empty_like(x)
    rows, length, threads = _shape(x)
    streams = (rows, length, int(seed) & ((1 << 64) - 1), 0, threads)
    _run(_relaxed_sample, x, noise, scale, 0, 1.0, x.data_ptr(), *streams, None, result.data_ptr())
    return result.to(logits.device)


def _like_logits(logits, *_):
    return torch.empty(logits.shape, dtype=logits.dtype, device=logits.device)


def _like_losses(logits, targets, noise, scale, points, kind, with_gradient):
    return logits.new_empty(logits.shape[:-1]), logits.new_empty(logits.shape if with_gradient else (0,))


_values_operator = _operator(
    "values(Tensor logits, str noise, float scale, int points, bool log) -> Tensor", _compute_values, _like_logits
)
_pullback_operator = _operator(
    "pullback(Tensor logits, Tensor cotangents, str noise, float scale, int points, bool log) -> Tensor",
    _compute_pullback,
    _like_logits,
)
# The loss of each row, and its gradient, or nothing where nobody wants it.
_losses_operator = _operator(
    "losses(Tensor logits, Tensor targets, str noise, float scale, int points, int kind, bool with_gradient)"
    " -> (Tensor, Tensor)",
    _compute_losses,
    _like_losses,
)
# What flows back through losses: their gradient, row by row times a weight. It depends on the logits.
_loss_pullback_operator = _operator(
    "loss_pullback(Tensor logits, Tensor targets, Tensor gradient, Tensor weights, str noise, float scale, int points,"
    " int kind) -> Tensor",
    _compute_loss_pullback,
    _like_logits,
)
# The gradient of w·g in the logits, for g what pullback gives for v: v and w are the cotangents and the others.
_second_pullback_operator = _operator(
    "second_pullback(Tensor logits, Tensor cotangents, Tensor others, str noise, float scale, bool log) -> Tensor",
    _compute_second_pullback,
    _like_logits,
)
# How log p changes in a direction of the logits.
_log_pushforward_operator = _operator(
    "log_pushforward(Tensor logits, Tensor directions, str noise, float scale) -> Tensor",
    _compute_log_pushforward,
    _like_logits,
)
# logits + scale·ε less the largest of each row: 0 at the winner, -inf at a class that cannot win.
_perturbed_operator = _operator(
    "perturbed(Tensor logits, Tensor seed, str noise, float scale) -> Tensor", _compute_perturbed, _like_logits
)
