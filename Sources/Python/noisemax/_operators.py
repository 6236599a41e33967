"""Operators of PyTorch on rows of logits: a kernel each, a fake one that says what comes out, a derivative, and a rule for batches.

They are ``torch.ops.noisemax.values`` and so on. The functions of these names call them where autograd and ``torch.func`` know
what they do: the logits come first, in float32 or float64, with their rows along the last dimension.
"""

import torch
from torch import Tensor

from ._library import fail, functions, transform

_probabilities, _log_probabilities = functions("probabilities"), functions("log_probabilities")
_pullback, _log_pullback = functions("pullback"), functions("log_pullback")
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


def _compute_losses(logits, targets, noise, scale, points, kind, with_gradient):
    x, y = _native(logits), _native(targets)
    are_classes = y.ndim < x.ndim
    if y.shape != (x.shape[:-1] if are_classes else x.shape):
        raise ValueError(f"targets of the shape {tuple(y.shape)} do not fit rows {tuple(x.shape)}")
    result = x.new_empty(x.shape[:-1])
    gradient = x.new_empty(x.shape if with_gradient else (0,))
    y_pointers = (y.data_ptr(), None) if are_classes else (None, y.data_ptr())
    results = (result.data_ptr(), gradient.data_ptr() if with_gradient else None)
    _run(_losses, x, noise, scale, points, kind, x.data_ptr(), *y_pointers, *_shape(x), *results)
    return result.to(logits.device), gradient.to(logits.device)


def _compute_loss_pullback(logits, gradient, weights):
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
# What flows back through losses: their gradient, row by row times a weight. It depends on the logits, but not so that
# anybody knew how.
_loss_pullback_operator = _operator(
    "loss_pullback(Tensor logits, Tensor gradient, Tensor weights) -> Tensor", _compute_loss_pullback, _like_logits
)
# logits + scale·ε less the largest of each row: 0 at the winner, -inf at a class that cannot win.
_perturbed_operator = _operator(
    "perturbed(Tensor logits, Tensor seed, str noise, float scale) -> Tensor", _compute_perturbed, _like_logits
)


def _keep_values(ctx, inputs, output):
    logits, *ctx.parameters = inputs
    ctx.save_for_backward(logits)


def _values_backward(ctx, cotangents):
    (logits,) = ctx.saved_tensors
    return pullback(logits, cotangents, *ctx.parameters), None, None, None, None


def _keep_losses(ctx, inputs, output):
    ctx.mark_non_differentiable(output[1])
    ctx.save_for_backward(inputs[0], output[1])


def _losses_backward(ctx, weights, _):
    return loss_pullback(*ctx.saved_tensors, weights), None, None, None, None, None, None


def _keep_perturbed(ctx, inputs, output):
    ctx.save_for_backward(output)


def _perturbed_backward(ctx, cotangents):
    (scores,) = ctx.saved_tensors
    # The largest is taken off: it moves all.
    winner = scores.argmax(-1, keepdim=True)
    total = cotangents.sum(-1, keepdim=True)
    slopes = cotangents - torch.zeros_like(cotangents).scatter(-1, winner, 1.0) * total
    return torch.where(scores == -torch.inf, 0.0, slopes), None, None, None


def _keep_nothing(ctx, inputs, output):
    pass


def _no_second_derivative(*_):
    raise NotImplementedError("noisemax has no second derivatives yet")


def _whole(tensors: int):
    """What an operator of rows does with a batch of so many tensors: all of it at once."""

    def rule(operator, info, dims, *arguments):
        batches = [
            t.unsqueeze(0).expand(info.batch_size, *t.shape) if dim is None else t.movedim(dim, 0)
            for t, dim in zip(arguments[:tensors], dims[:tensors], strict=True)
        ]
        result = operator(*batches, *arguments[tensors:])
        return result, (0,) * len(result) if isinstance(result, tuple) else 0

    return rule


def _one_by_one(operator, info, dims, logits, seed, *parameters):
    """Each example counts its rows from 0, with a seed of its own or with the one that all share."""

    def example(t, dim, index):
        return t if dim is None else t.select(dim, index)

    indices = range(info.batch_size)
    results = [operator(example(logits, dims[0], i), example(seed, dims[1], i), *parameters) for i in indices]
    return torch.stack(results), 0


def _differentiable(operator, keep, backward, rule):
    """An operator with its derivative and its rule for batches, as a function that ``torch.func`` knows as well."""
    torch.library.register_autograd(operator, backward, setup_context=keep)
    torch.library.register_vmap(operator, lambda *arguments: rule(operator, *arguments))

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *inputs):
            output = operator(*inputs)
            keep(ctx, inputs, output)
            return output

        @staticmethod
        def backward(ctx, *cotangents):
            return backward(ctx, *cotangents)

    class TransformedFunction(torch.autograd.Function):
        @staticmethod
        def forward(*inputs):
            return operator(*inputs)

        @staticmethod
        def setup_context(ctx, inputs, output):
            keep(ctx, inputs, output)

        @staticmethod
        def backward(ctx, *cotangents):
            return backward(ctx, *cotangents)

        @staticmethod
        def vmap(info, dims, *arguments):
            return rule(TransformedFunction.apply, info, dims, *arguments)

    def call(*inputs):
        # The compiler takes operators with their derivatives, ``torch.func`` functions with a context set up apart, which
        # take 20 µs longer than plain ones.
        if torch.compiler.is_compiling():
            return operator(*inputs)
        if torch._C._are_functorch_transforms_active():
            return TransformedFunction.apply(*inputs)
        needs_gradient = torch.is_grad_enabled() and any(isinstance(t, Tensor) and t.requires_grad for t in inputs)
        return Function.apply(*inputs) if needs_gradient else operator(*inputs)

    return call


values = _differentiable(_values_operator, _keep_values, _values_backward, _whole(1))
losses = _differentiable(_losses_operator, _keep_losses, _losses_backward, _whole(2))
perturbed = _differentiable(_perturbed_operator, _keep_perturbed, _perturbed_backward, _one_by_one)
pullback = _differentiable(_pullback_operator, _keep_nothing, _no_second_derivative, _whole(2))
loss_pullback = _differentiable(_loss_pullback_operator, _keep_nothing, _no_second_derivative, _whole(3))
