"""Operators of PyTorch on classes with scales of their own, as those in ``_operators``.

``scales`` have the shape of the logits, or no element where there is one scale for all, the ``scale`` of the transform.
"""

import torch

from ._library import functions
from ._kernels import _like_logits, _native, _operator, _run, _shape, _targets
from ._operators import _differentiable, _keep_nothing, _save, _whole

_inclusions, _inclusion_pullback = functions("inclusions"), functions("inclusion_pullback")
_log_probabilities, _log_pullback = functions("scaled_log_probabilities"), functions("scaled_log_pullback")
_losses, _ranking_losses = functions("scaled_losses"), functions("ranking_losses")


def _pointer(t: torch.Tensor) -> int | None:
    return t.data_ptr() if t.numel() else None


def _compute_values(logits, scales, noise, scale, largest, log):
    x, widths = _native(logits), _native(scales)
    result = torch.empty_like(x)
    function, count = (_log_probabilities, ()) if log else (_inclusions, (largest,))
    _run(function, x, noise, scale, 0, *count, x.data_ptr(), _pointer(widths), *_shape(x), result.data_ptr())
    return result.to(logits.device)


def _compute_pullback(logits, scales, cotangents, noise, scale, largest, log):
    x, widths, v = _native(logits), _native(scales), _native(cotangents)
    result, in_scales = torch.empty_like(x), torch.empty_like(widths)
    function, count = (_log_pullback, ()) if log else (_inclusion_pullback, (largest,))
    given = (*count, x.data_ptr(), _pointer(widths), v.data_ptr(), *_shape(x))
    _run(function, x, noise, scale, 0, *given, result.data_ptr(), _pointer(in_scales))
    return result.to(logits.device), in_scales.to(logits.device)


def _compute_losses(logits, scales, targets, noise, scale, kind, with_gradient):
    x, widths, y = _native(logits), _native(scales), _native(targets)
    results = _empty_losses(x, widths, with_gradient)
    given = (kind, x.data_ptr(), _pointer(widths), *_targets(y, x), *_shape(x))
    _run(_losses, x, noise, scale, 0, *given, results[0].data_ptr(), *map(_pointer, results[1:]))
    return tuple(t.to(logits.device) for t in results)


def _compute_rankings(logits, scales, orderings, noise, scale, with_gradient):
    x, widths, order = _native(logits), _native(scales), _native(orderings)
    if order.shape[:-1] != x.shape[:-1]:
        raise ValueError(f"orderings of the shape {tuple(order.shape)} do not fit rows {tuple(x.shape)}")
    results = _empty_losses(x, widths, with_gradient)
    given = (x.data_ptr(), _pointer(widths), order.data_ptr(), order.shape[-1], *_shape(x))
    _run(_ranking_losses, x, noise, scale, 0, *given, results[0].data_ptr(), *map(_pointer, results[1:]))
    return tuple(t.to(logits.device) for t in results)


def _empty_losses(x, scales, with_gradient):
    """Room for the losses, and for their gradients in the logits and in the scales, if those are wanted."""
    shapes = (x.shape, scales.shape) if with_gradient else ((0,), (0,))
    return x.new_empty(x.shape[:-1]), *(x.new_empty(shape) for shape in shapes)


def _compute_weighted(logits, gradient, weights):
    return gradient * weights.unsqueeze(-1)


def _like_pullback(logits, scales, *_):
    return logits.new_empty(logits.shape), scales.new_empty(scales.shape)


def _like_losses(logits, scales, targets, *parameters):
    return _empty_losses(logits, scales, parameters[-1])


# P(i among the largest), or log P(i is the largest).
_values_operator = _operator(
    "scaled_values(Tensor logits, Tensor scales, str noise, float scale, int largest, bool log) -> Tensor",
    _compute_values,
    _like_logits,
)
_pullback_operator = _operator(
    "scaled_pullback(Tensor logits, Tensor scales, Tensor cotangents, str noise, float scale, int largest, bool log)"
    " -> (Tensor, Tensor)",
    _compute_pullback,
    _like_pullback,
)
# The loss of each row, and its gradients in the logits and in the scales, or nothing where nobody wants them.
_losses_operator = _operator(
    "scaled_losses(Tensor logits, Tensor scales, Tensor targets, str noise, float scale, int kind, bool with_gradient)"
    " -> (Tensor, Tensor, Tensor)",
    _compute_losses,
    _like_losses,
)
_rankings_operator = _operator(
    "ranking_losses(Tensor logits, Tensor scales, Tensor orderings, str noise, float scale, bool with_gradient)"
    " -> (Tensor, Tensor, Tensor)",
    _compute_rankings,
    _like_losses,
)
# What flows back through losses: their gradient, row by row times a weight. It depends on the logits or the scales, but not
# so that anybody knew how.
_weighted_operator = _operator(
    "weighted(Tensor logits, Tensor gradient, Tensor weights) -> Tensor", _compute_weighted, _like_logits
)


def _keep_values(ctx, inputs, output):
    logits, scales, *ctx.parameters = inputs
    _save(ctx, logits, scales)


def _values_backward(ctx, cotangents):
    in_logits, in_scales = pullback(*ctx.saved_tensors, cotangents, *ctx.parameters)
    return in_logits, in_scales, None, None, None, None


def _keep_losses(ctx, inputs, output):
    ctx.mark_non_differentiable(*output[1:])
    _save(ctx, *inputs[:2], *output[1:])
    ctx.others = len(inputs) - 2


def _losses_backward(ctx, weights, *_):
    logits, scales, gradient, in_scales = ctx.saved_tensors
    # Of no scales there is no gradient.
    own = weighted(scales, in_scales, weights) if scales.numel() else None
    return weighted(logits, gradient, weights), own, *[None] * ctx.others


def _no_second_derivative(*_):
    raise NotImplementedError("noisemax has no second derivatives of ranks, and of classes with scales of their own or with common factors")


values = _differentiable(_values_operator, _keep_values, _values_backward, _whole(2))
losses = _differentiable(_losses_operator, _keep_losses, _losses_backward, _whole(3))
rankings = _differentiable(_rankings_operator, _keep_losses, _losses_backward, _whole(3))
pullback = _differentiable(_pullback_operator, _keep_nothing, _no_second_derivative, _whole(3))
weighted = _differentiable(_weighted_operator, _keep_nothing, _no_second_derivative, _whole(3))
