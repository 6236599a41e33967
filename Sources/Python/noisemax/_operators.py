"""What autograd and ``torch.func`` know about the operators: derivatives of both modes, and a rule for batches.

The functions have the names of the operators, and take what they take.
"""

import torch
from torch import Tensor
from torch.autograd import forward_ad

from ._kernels import (
    _log_pushforward_operator,
    _loss_pullback_operator,
    _losses_operator,
    _perturbed_operator,
    _pullback_operator,
    _second_pullback_operator,
    _values_operator,
)


def _save(ctx, *tensors) -> None:
    ctx.save_for_backward(*tensors)
    ctx.save_for_forward(*tensors)


def _keep_values(ctx, inputs, output):
    logits, *ctx.parameters = inputs
    _save(ctx, logits)


def _values_backward(ctx, cotangents):
    (logits,) = ctx.saved_tensors
    return pullback(logits, cotangents, *ctx.parameters), None, None, None, None


def _values_forward(ctx, direction, *_):
    (logits,) = ctx.saved_tensors
    return _pushed(logits, direction, *ctx.parameters)


def _pushed(logits, direction, noise, scale, points, log):
    """How the values change in a direction: J is symmetric, so that the pullback through p does that too."""
    _require_exact(points)
    if log:
        return log_pushforward(logits, direction, noise, scale)
    return pullback(logits, direction, noise, scale, points, False)


def _require_exact(points: int) -> None:
    if points:
        raise NotImplementedError("the quantile rule has no second derivatives and no forward-mode derivatives")


def _keep_pullback(ctx, inputs, output):
    logits, cotangents, *ctx.parameters = inputs
    _save(ctx, logits, cotangents)


def _pullback_backward(ctx, others):
    logits, cotangents = ctx.saved_tensors
    noise, scale, points, log = ctx.parameters
    _require_exact(points)
    in_logits = in_cotangents = None
    if ctx.needs_input_grad[0]:
        in_logits = second_pullback(logits, cotangents, others, noise, scale, log)
    if ctx.needs_input_grad[1]:
        in_cotangents = _pushed(logits, others, *ctx.parameters)
    return in_logits, in_cotangents, None, None, None, None


def _pullback_forward(ctx, direction, cotangent_direction, *_):
    logits, cotangents = ctx.saved_tensors
    noise, scale, points, log = ctx.parameters
    _require_exact(points)
    change = 0.0
    if direction is not None:
        change = change + second_pullback(logits, cotangents, direction, noise, scale, log)
    if cotangent_direction is not None:
        change = change + pullback(logits, cotangent_direction, *ctx.parameters)
    return change


def _keep_losses(ctx, inputs, output):
    logits, targets, *ctx.parameters, _ = inputs
    ctx.mark_non_differentiable(output[1])
    _save(ctx, logits, targets, output[1])


def _losses_backward(ctx, weights, _):
    in_logits = loss_pullback(*ctx.saved_tensors, weights, *ctx.parameters)
    return in_logits, None, None, None, None, None, None


def _losses_forward(ctx, direction, *_):
    _, _, gradient = ctx.saved_tensors
    if gradient.shape != direction.shape:
        raise NotImplementedError("forward-mode derivatives of a loss need its gradient: enable gradients")
    return torch.linalg.vecdot(gradient, direction), None


def _keep_loss_pullback(ctx, inputs, output):
    ctx.parameters = inputs[4:]
    _save(ctx, *inputs[:4])


def _gradient_change(ctx, direction):
    """How the gradient of a loss changes in a direction of the logits: its Hessian is symmetric."""
    logits, targets, _, _ = ctx.saved_tensors
    noise, scale, points, kind = ctx.parameters
    _require_exact(points)
    if kind == 0:
        return pullback(logits, direction, noise, scale, 0, False)
    if targets.ndim < logits.ndim:
        targets = torch.nn.functional.one_hot(targets, logits.shape[-1]).to(logits.dtype)
    return second_pullback(logits, -targets, direction, noise, scale, True)


def _loss_pullback_backward(ctx, directions):
    _, _, gradient, weights = ctx.saved_tensors
    in_logits = in_weights = None
    if ctx.needs_input_grad[0]:
        in_logits = _gradient_change(ctx, directions) * weights.unsqueeze(-1)
    if ctx.needs_input_grad[3]:
        in_weights = torch.linalg.vecdot(directions, gradient)
    return in_logits, None, None, in_weights, None, None, None, None


def _loss_pullback_forward(ctx, direction, _, __, weight_direction, *___):
    _, _, gradient, weights = ctx.saved_tensors
    change = 0.0
    if direction is not None:
        change = change + _gradient_change(ctx, direction) * weights.unsqueeze(-1)
    if weight_direction is not None:
        change = change + gradient * weight_direction.unsqueeze(-1)
    return change


def _keep_perturbed(ctx, inputs, output):
    _save(ctx, output)


def _perturbed_backward(ctx, cotangents):
    (scores,) = ctx.saved_tensors
    # The largest is taken off: it moves all.
    winner = scores.argmax(-1, keepdim=True)
    total = cotangents.sum(-1, keepdim=True)
    slopes = cotangents - torch.zeros_like(cotangents).scatter(-1, winner, 1.0) * total
    return torch.where(scores == -torch.inf, 0.0, slopes), None, None, None


def _perturbed_forward(ctx, direction, *_):
    (scores,) = ctx.saved_tensors
    change = direction - direction.gather(-1, scores.argmax(-1, keepdim=True))
    return torch.where(scores == -torch.inf, 0.0, change)


def _keep_nothing(ctx, inputs, output):
    pass


def _no_third_derivative(*_):
    raise NotImplementedError("noisemax has no third derivatives")


def _no_forward_derivative(*_):
    raise NotImplementedError("noisemax has no forward-mode derivatives of this: take those of reverse mode")


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


def _differentiable(operator, keep, backward, rule, pushforward=_no_forward_derivative):
    """An operator with its derivatives and its rule for batches, as a function that ``torch.func`` knows as well."""
    torch.library.register_autograd(operator, backward, setup_context=keep)
    torch.library.register_vmap(operator, lambda *arguments: rule(operator, *arguments))

    class Derivatives(torch.autograd.Function):
        @staticmethod
        def backward(ctx, *cotangents):
            return backward(ctx, *cotangents)

        @staticmethod
        def jvp(ctx, *directions):
            return pushforward(ctx, *directions)

    class Function(Derivatives):
        @staticmethod
        def forward(ctx, *inputs):
            output = operator(*inputs)
            keep(ctx, inputs, output)
            return output

    class TransformedFunction(Derivatives):
        @staticmethod
        def forward(*inputs):
            return operator(*inputs)

        @staticmethod
        def setup_context(ctx, inputs, output):
            keep(ctx, inputs, output)

        @staticmethod
        def vmap(info, dims, *arguments):
            return rule(TransformedFunction.apply, info, dims, *arguments)

    def call(*inputs):
        # The compiler takes operators with their derivatives, ``torch.func`` functions with a context set up apart, which
        # take 20 µs longer than plain ones.
        if torch.compiler.is_compiling():
            if forward_ad._current_level >= 0:
                raise NotImplementedError("noisemax has no forward-mode derivatives in compiled code")
            return operator(*inputs)
        if torch._C._are_functorch_transforms_active():
            return TransformedFunction.apply(*inputs)
        needs_gradient = torch.is_grad_enabled() and any(isinstance(t, Tensor) and t.requires_grad for t in inputs)
        # Between the two there is no telling who has a direction.
        is_forward = forward_ad._current_level >= 0
        return Function.apply(*inputs) if needs_gradient or is_forward else operator(*inputs)

    return call


values = _differentiable(_values_operator, _keep_values, _values_backward, _whole(1), _values_forward)
losses = _differentiable(_losses_operator, _keep_losses, _losses_backward, _whole(2), _losses_forward)
perturbed = _differentiable(
    _perturbed_operator, _keep_perturbed, _perturbed_backward, _one_by_one, _perturbed_forward
)
pullback = _differentiable(_pullback_operator, _keep_pullback, _pullback_backward, _whole(2), _pullback_forward)
loss_pullback = _differentiable(
    _loss_pullback_operator, _keep_loss_pullback, _loss_pullback_backward, _whole(4), _loss_pullback_forward
)
second_pullback = _differentiable(_second_pullback_operator, _keep_nothing, _no_third_derivative, _whole(3))
log_pushforward = _differentiable(_log_pushforward_operator, _keep_nothing, _no_third_derivative, _whole(2))
