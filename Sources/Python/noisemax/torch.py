"""noisemax for PyTorch: functions of tensors and modules, differentiable once, in the logits and in the scale.

Operators of their own, so that they work under ``torch.compile(fullgraph=True)``, ``torch.export`` and ``torch.func.vmap``.
Tensors on other devices than the processor are copied there and back. float16 and bfloat16 are computed in float32.

The scale is a number, or a tensor of one element, which may need a gradient; one that is not above 0 gives NaN.

There are no second derivatives yet, and no forward-mode derivatives: asking for one is a ``NotImplementedError``.
"""

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from . import _losses_by_name
from ._library import fail, functions, transform

__all__ = ["Noisemax", "NoisemaxLoss", "log_probabilities", "loss", "probabilities", "relaxed_sample"]

_probabilities, _log_probabilities = functions("probabilities"), functions("log_probabilities")
_pullback, _log_pullback = functions("pullback"), functions("log_pullback")
_loss_functions, _relaxed_sample = functions("losses"), functions("relaxed_sample")


def probabilities(
    t: Tensor, noise: str = "normal", scale: float | Tensor = 1.0, dim: int = -1, points: int | None = None
) -> Tensor:
    """P[argmax(t + scale·ε) = i] for every class i along ``dim``."""
    return _values(t, noise, scale, dim, points, False)


def log_probabilities(
    t: Tensor, noise: str = "normal", scale: float | Tensor = 1.0, dim: int = -1, points: int | None = None
) -> Tensor:
    """The logarithms of the probabilities, accurate where these underflow and where they are almost 1."""
    return _values(t, noise, scale, dim, points, True)


def loss(
    t: Tensor,
    target: Tensor,
    noise: str = "normal",
    scale: float | Tensor = 1.0,
    dim: int = -1,
    points: int | None = None,
    *,
    kind: str = "fenchel-young",
    reduction: str = "mean",
) -> Tensor:
    """How far rows are from their targets: class indices, or distributions in the shape of t.

    ``kind`` is "fenchel-young", E[max(t + scale·ε)] − E[scale·ε] − ⟨t, y⟩ with the gradient p − y, or
    "negative-log-likelihood", −Σ y·log p. ``reduction`` is "mean" or "sum" over all rows, or "none". The forward pass keeps the
    gradient, so that the backward pass costs a multiplication. Nothing flows back to the target.
    """
    if kind not in _losses_by_name:
        raise ValueError(f"there is no kind of loss named {kind!r}: there are {', '.join(_losses_by_name)}")
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"there is no reduction named {reduction!r}: there are mean, sum, none")
    if target.requires_grad:
        raise NotImplementedError("the loss has no gradient in its target: detach it")
    rows = _rows(t, dim)
    rows, scale, unit = _in_units(rows, scale)
    if target.ndim == t.ndim:
        targets = _moved(target, dim).to(rows.dtype)
    elif target.is_floating_point() or target.dtype == torch.bool:
        raise ValueError(f"the index of a class is an integer, not {target.dtype}")
    else:
        targets = target.long()
    code, wants_gradient = _losses_by_name[kind], torch.is_grad_enabled()
    values, _ = _losses_function(rows, targets, noise, scale, points or 0, code, wants_gradient)
    if unit is not None and kind == "fenchel-young":
        values = unit * values
    values = values.to(t.dtype)
    return values if reduction == "none" else values.mean() if reduction == "mean" else values.sum()


def relaxed_sample(
    t: Tensor,
    temperature: float | Tensor = 1.0,
    noise: str = "normal",
    scale: float | Tensor = 1.0,
    dim: int = -1,
    *,
    hard: bool = False,
    generator: torch.Generator | None = None,
) -> Tensor:
    """softmax((t + scale·ε)/temperature) for one draw of the noise, differentiable in t, scale and temperature.

    With ``hard`` the one-hot of the winner, with the derivatives of the relaxed sample: the straight-through estimator. The
    generator, or PyTorch's own, gives one seed a call.
    """
    if not isinstance(temperature, Tensor) and not temperature > 0:
        raise ValueError(f"a temperature is above 0, not {temperature}")
    rows = _rows(t, dim)
    rows, scale, unit = _in_units(rows, scale)
    device = "cpu" if generator is None else generator.device
    seed = torch.randint(-(1 << 63), (1 << 63) - 1, (), generator=generator, device=device)
    scores = _perturbed_function(rows, seed, noise, scale)
    # A class that cannot win stays at -inf, whatever it is divided by: kept out of all derivatives.
    closed = scores == -torch.inf
    is_empty = closed.all(-1, keepdim=True)
    finite = torch.where(closed, 0.0, scores)
    if unit is not None:
        finite = unit * finite
    value = torch.softmax(torch.where(closed & ~is_empty, -torch.inf, finite / temperature), -1)
    value = torch.where(is_empty, 0.0, value)
    if hard:
        winner = scores.argmax(-1, keepdim=True)
        one_hot = torch.zeros_like(value).scatter(-1, winner, 1.0)
        value = torch.where(is_empty, 0.0, one_hot) + (value - value.detach())
    return _restored(value.to(t.dtype), t, dim)


class Noisemax(nn.Module):
    """The probabilities as a layer. A scale that is an ``nn.Parameter`` is learnt."""

    def __init__(
        self, noise: str = "normal", scale: float | Tensor = 1.0, dim: int = -1, points: int | None = None
    ) -> None:
        super().__init__()
        self.noise, self.scale, self.dim, self.points = noise, scale, dim, points

    def forward(self, t: Tensor) -> Tensor:
        return probabilities(t, self.noise, self.scale, self.dim, self.points)

    def extra_repr(self) -> str:
        return _description(self)


class NoisemaxLoss(nn.Module):
    """The loss as a module. A scale that is an ``nn.Parameter`` is learnt."""

    def __init__(
        self,
        noise: str = "normal",
        scale: float | Tensor = 1.0,
        dim: int = -1,
        points: int | None = None,
        *,
        kind: str = "fenchel-young",
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self.noise, self.scale, self.dim, self.points = noise, scale, dim, points
        self.kind, self.reduction = kind, reduction

    def forward(self, t: Tensor, target: Tensor) -> Tensor:
        return loss(
            t, target, self.noise, self.scale, self.dim, self.points, kind=self.kind, reduction=self.reduction
        )

    def extra_repr(self) -> str:
        return f"{_description(self)}, kind={self.kind!r}, reduction={self.reduction!r}"


def _description(module) -> str:
    points = "" if module.points is None else f", points={module.points}"
    scale = "learnt" if isinstance(module.scale, nn.Parameter) else module.scale
    return f"noise={module.noise!r}, scale={scale}, dim={module.dim}{points}"


# Tensors as rows


def _values(t: Tensor, noise: str, scale, dim: int, points: int | None, log: bool) -> Tensor:
    rows, scale, _ = _in_units(_rows(t, dim), scale)
    return _restored(_values_function(rows, noise, scale, points or 0, log).to(t.dtype), t, dim)


def _rows(t: Tensor, dim: int) -> Tensor:
    """The logits with their rows along the last dimension, in a type that the library has."""
    if not t.is_floating_point():
        raise ValueError(f"logits are real numbers with a fraction, not {t.dtype}")
    if t.ndim == 0:
        raise ValueError("a number is no row of logits: a tensor has a dimension at least")
    if forward_ad.unpack_dual(t).tangent is not None:
        raise NotImplementedError("noisemax has no forward-mode derivatives: take those of reverse mode")
    rows = _moved(t, dim)
    return rows if rows.dtype in (torch.float32, torch.float64) else rows.float()


def _moved(t: Tensor, dim: int) -> Tensor:
    return t if dim == -1 or dim == t.ndim - 1 else t.movedim(dim, -1)


def _restored(rows: Tensor, t: Tensor, dim: int) -> Tensor:
    return rows if dim == -1 or dim == t.ndim - 1 else rows.movedim(-1, dim)


def _in_units(rows: Tensor, scale) -> tuple[Tensor, float, Tensor | None]:
    """The rows in units of a scale that is a tensor: then the noise has scale 1, and derivatives find their way by themselves.

    The largest logit of each row is taken off before, which moves no probability, so that dividing costs no digits.
    """
    if not isinstance(scale, Tensor):
        return rows, float(scale), None
    if scale.numel() != 1:
        raise ValueError(f"a scale is one number, not a tensor of the shape {tuple(scale.shape)}")
    unit = scale.reshape(()).to(rows.device, rows.dtype)
    unit = torch.where(unit > 0, unit, torch.nan)
    if rows.shape[-1] == 0:
        return rows, 1.0, unit
    top = rows.detach().amax(-1, keepdim=True)
    top = torch.where(top.isfinite(), top, 0.0)
    is_finite = rows.isfinite()
    gaps = torch.where(is_finite, rows - top, 0.0) / unit
    return torch.where(is_finite, gaps, rows), 1.0, unit


# The operators. Each has a kernel, a fake one that says what comes out, its gradient, and what it does with a batch.


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
    _run(_loss_functions, x, noise, scale, points, kind, x.data_ptr(), *y_pointers, *_shape(x), *results)
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


values = _operator(
    "values(Tensor logits, str noise, float scale, int points, bool log) -> Tensor", _compute_values, _like_logits
)
pullback = _operator(
    "pullback(Tensor logits, Tensor cotangents, str noise, float scale, int points, bool log) -> Tensor",
    _compute_pullback,
    _like_logits,
)
# The loss of each row, and its gradient, or nothing where nobody wants it.
losses = _operator(
    "losses(Tensor logits, Tensor targets, str noise, float scale, int points, int kind, bool with_gradient)"
    " -> (Tensor, Tensor)",
    _compute_losses,
    _like_losses,
)
# What flows back through losses: their gradient, row by row times a weight. It depends on the logits, but not so that
# anybody knew how.
loss_pullback = _operator(
    "loss_pullback(Tensor logits, Tensor gradient, Tensor weights) -> Tensor", _compute_loss_pullback, _like_logits
)
# logits + scale·ε less the largest of each row: 0 at the winner, -inf at a class that cannot win.
perturbed = _operator(
    "perturbed(Tensor logits, Tensor seed, str noise, float scale) -> Tensor", _compute_perturbed, _like_logits
)


def _keep_values(ctx, inputs, output):
    logits, *ctx.parameters = inputs
    ctx.save_for_backward(logits)


def _values_backward(ctx, cotangents):
    (logits,) = ctx.saved_tensors
    return _pullback_function(logits, cotangents, *ctx.parameters), None, None, None, None


def _keep_losses(ctx, inputs, output):
    ctx.mark_non_differentiable(output[1])
    ctx.save_for_backward(inputs[0], output[1])


def _losses_backward(ctx, weights, _):
    return _loss_pullback_function(*ctx.saved_tensors, weights), None, None, None, None, None, None


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

    def call(logits, *rest):
        # The compiler takes operators with their derivatives, ``torch.func`` functions with a context set up apart, which
        # take 20 µs longer than plain ones.
        if torch.compiler.is_compiling():
            return operator(logits, *rest)
        if torch._C._are_functorch_transforms_active():
            return TransformedFunction.apply(logits, *rest)
        needs_gradient = torch.is_grad_enabled() and logits.requires_grad
        return Function.apply(logits, *rest) if needs_gradient else operator(logits, *rest)

    return call


_values_function = _differentiable(values, _keep_values, _values_backward, _whole(1))
_losses_function = _differentiable(losses, _keep_losses, _losses_backward, _whole(2))
_perturbed_function = _differentiable(perturbed, _keep_perturbed, _perturbed_backward, _one_by_one)
_pullback_function = _differentiable(pullback, _keep_nothing, _no_second_derivative, _whole(2))
_loss_pullback_function = _differentiable(loss_pullback, _keep_nothing, _no_second_derivative, _whole(3))
