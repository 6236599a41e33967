"""Operators of PyTorch on classes with common factors, as those in ``_rank_operators``.

``loadings`` have the shape of the logits, and after it an axis of one to three numbers.
"""

import torch

from ._kernels import _like_logits, _native, _operator, _run, _shape
from ._library import functions
from ._operators import _differentiable, _keep_nothing, _save, _whole
from ._rank_operators import _no_second_derivative, _pointer

_probabilities, _log_probabilities = functions("factor_probabilities"), functions("factor_log_probabilities")
_pullback, _log_pullback = functions("factor_pullback"), functions("factor_log_pullback")


def _given(x, widths, loadings, tolerance):
    return x.data_ptr(), _pointer(widths), loadings.data_ptr(), loadings.shape[-1], tolerance


def _compute_values(logits, scales, loadings, noise, scale, tolerance, log):
    x, widths, v = map(_native, (logits, scales, loadings))
    result = torch.empty_like(x)
    function = _log_probabilities if log else _probabilities
    _run(function, x, noise, scale, 0, *_given(x, widths, v, tolerance), *_shape(x), result.data_ptr(), None)
    return result.to(logits.device)


def _compute_pullback(logits, scales, loadings, cotangents, noise, scale, tolerance, log):
    x, widths, v, cotangents = map(_native, (logits, scales, loadings, cotangents))
    results = [torch.empty_like(t) for t in (x, widths, v)]
    function = _log_pullback if log else _pullback
    given = (*_given(x, widths, v, tolerance), cotangents.data_ptr(), *_shape(x))
    _run(function, x, noise, scale, 0, *given, results[0].data_ptr(), *map(_pointer, results[1:]))
    return tuple(t.to(logits.device) for t in results)


def _like_pullback(logits, scales, loadings, *_):
    return tuple(t.new_empty(t.shape) for t in (logits, scales, loadings))


_values_operator = _operator(
    "factor_values(Tensor logits, Tensor scales, Tensor loadings, str noise, float scale, float tolerance, bool log)"
    " -> Tensor",
    _compute_values,
    _like_logits,
)
_pullback_operator = _operator(
    "factor_pullback(Tensor logits, Tensor scales, Tensor loadings, Tensor cotangents, str noise, float scale,"
    " float tolerance, bool log) -> (Tensor, Tensor, Tensor)",
    _compute_pullback,
    _like_pullback,
)


def _keep_values(ctx, inputs, output):
    logits, scales, loadings, *ctx.parameters = inputs
    _save(ctx, logits, scales, loadings)


def _values_backward(ctx, cotangents):
    return *pullback(*ctx.saved_tensors, cotangents, *ctx.parameters), None, None, None, None


values = _differentiable(_values_operator, _keep_values, _values_backward, _whole(3))
pullback = _differentiable(_pullback_operator, _keep_nothing, _no_second_derivative, _whole(4))
