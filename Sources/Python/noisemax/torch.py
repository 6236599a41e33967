"""noisemax for PyTorch: functions of tensors and modules, differentiable twice, in the logits and in the scale.

Operators of their own, so that they work under ``torch.compile(fullgraph=True)``, ``torch.export`` and ``torch.func.vmap``.
Tensors on other devices than the processor are copied there and back. float16 and bfloat16 are computed in float32.

The scale is a number, or a tensor of one element, which may need a gradient; one that is not above 0 gives NaN. Or it is a
tensor with a scale for every class: one for each class along ``dim``, or one that fits the shape of the logits. Then 0 is a class
without noise, and the scales may need a gradient too.

``factors`` are the loadings of classes that have causes in common, as in NumPy, which may need a gradient: n × rank for the n classes,
or with a last dimension of 1 to 3 loadings after those of the logits.

Where every class has a scale, with factors, of the k largest, of orderings and of the quantile rule there are first derivatives in
reverse mode: asking for another one is a ``NotImplementedError``. For all else there are second derivatives, and those of forward mode.
"""

import torch
from torch import Tensor, nn

from . import _factor_operators, _factors, _losses_by_name, _operators, _rank_operators

__all__ = [
    "Noisemax",
    "NoisemaxLoss",
    "log_probabilities",
    "loss",
    "probabilities",
    "ranking_loss",
    "relaxed_sample",
    "top_k_probabilities",
]


def probabilities(
    t: Tensor,
    noise: str = "normal",
    scale: float | Tensor = 1.0,
    dim: int = -1,
    points: int | None = None,
    *,
    factors: Tensor | None = None,
    tolerance: float | None = None,
) -> Tensor:
    """P[argmax(t + scale·ε) = i] for every class i along ``dim``."""
    return _values(t, noise, scale, dim, points, factors, tolerance, False)


def log_probabilities(
    t: Tensor,
    noise: str = "normal",
    scale: float | Tensor = 1.0,
    dim: int = -1,
    points: int | None = None,
    *,
    factors: Tensor | None = None,
    tolerance: float | None = None,
) -> Tensor:
    """The logarithms of the probabilities, accurate where these underflow and where they are almost 1."""
    return _values(t, noise, scale, dim, points, factors, tolerance, True)


def top_k_probabilities(
    t: Tensor, k: int, noise: str = "normal", scale: float | Tensor = 1.0, dim: int = -1
) -> Tensor:
    """P[i is among the k largest of t + scale·ε] for every class i along ``dim``: they sum to k."""
    rows, widths, scale, _ = _with_scales(t, scale, dim)
    widths = rows.new_empty(0) if widths is None else widths
    return _restored(_rank_operators.values(rows, widths, noise, scale, k, False).to(t.dtype), t, dim)


def ranking_loss(
    t: Tensor,
    ordering: Tensor,
    noise: str = "normal",
    scale: float | Tensor = 1.0,
    dim: int = -1,
    *,
    reduction: str = "mean",
) -> Tensor:
    """−log P[the classes of the ordering come first, in its order].

    ``ordering`` has indices of different classes along ``dim``: all of them, or the first few. One of one dimension is for every
    row. ``reduction`` is as for ``loss``. The forward pass keeps the gradient.
    """
    reduced = _reduction(reduction)
    if ordering.is_floating_point() or ordering.dtype == torch.bool or ordering.ndim == 0:
        raise ValueError(f"an ordering has integers along a dimension, not {ordering.dtype} in {ordering.ndim}")
    rows, widths, scale, _ = _with_scales(t, scale, dim)
    orderings = ordering.long() if ordering.ndim == 1 else _moved(ordering, dim).long()
    if ordering.ndim == 1:
        orderings = orderings.expand(*rows.shape[:-1], -1)
    widths = rows.new_empty(0) if widths is None else widths
    wants_gradient = torch.is_grad_enabled()
    values = _rank_operators.rankings(rows, widths, orderings, noise, scale, wants_gradient)[0]
    return reduced(values.to(t.dtype))


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
    reduced = _reduction(reduction)
    if target.requires_grad:
        raise NotImplementedError("the loss has no gradient in its target: detach it")
    rows, widths, scale, unit = _with_scales(t, scale, dim)
    if target.ndim == t.ndim:
        targets = _moved(target, dim).to(rows.dtype)
    elif target.is_floating_point() or target.dtype == torch.bool:
        raise ValueError(f"the index of a class is an integer, not {target.dtype}")
    else:
        targets = target.long()
    code, wants_gradient = _losses_by_name[kind], torch.is_grad_enabled()
    if widths is not None:
        _refuse_rule(points)
        values = _rank_operators.losses(rows, widths, targets, noise, scale, code, wants_gradient)[0]
    else:
        values = _operators.losses(rows, targets, noise, scale, points or 0, code, wants_gradient)[0]
    if unit is not None and kind == "fenchel-young":
        values = unit * values
    return reduced(values.to(t.dtype))


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
    scores = _operators.perturbed(rows, seed, noise, scale)
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


def _values(t: Tensor, noise: str, scale, dim: int, points: int | None, factors, tolerance, log: bool) -> Tensor:
    rows, widths, scale, unit = _with_scales(t, scale, dim)
    if factors is not None:
        _refuse_rule(points)
        loadings = _loadings(factors, t, rows, dim)
        if unit is not None:
            loadings = loadings / unit
        widths = rows.new_empty(0) if widths is None else widths
        tolerance = _factors.tolerance_of(tolerance, log)
        values = _factor_operators.values(rows, widths, loadings, noise, scale, tolerance, log)
        return _restored(values.to(t.dtype), t, dim)
    if tolerance is not None:
        _factors.refuse()
    if widths is not None:
        _refuse_rule(points)
        values = _rank_operators.values(rows, widths, noise, scale, 1, log)
    else:
        values = _operators.values(rows, noise, scale, points or 0, log)
    return _restored(values.to(t.dtype), t, dim)


def _with_scales(t: Tensor, scale, dim: int) -> tuple[Tensor, Tensor | None, float, Tensor | None]:
    """The rows, their scales if every class has one, the scale of all, and the unit that the rows are in."""
    rows = _rows(t, dim)
    if not isinstance(scale, Tensor) or scale.numel() == 1:
        rows, number, unit = _in_units(rows, scale)
        return rows, None, number, unit
    try:
        widths = scale.expand(rows.shape) if scale.ndim == 1 else _moved(scale.expand(t.shape), dim)
    except RuntimeError:
        shapes = f"{tuple(scale.shape)} do not fit logits of the shape {tuple(t.shape)}"
        raise ValueError(f"scales of the shape {shapes}") from None
    return rows, widths.to(rows.device, rows.dtype), 1.0, None


def _loadings(factors: Tensor, t: Tensor, rows: Tensor, dim: int) -> Tensor:
    """Those of every class of the rows, from those of every logit, or of the classes of any row."""
    if factors.ndim < 2:
        raise ValueError(f"factors have 1 to 3 numbers for every class along a last dimension, not {tuple(factors.shape)}")
    moved = factors if factors.ndim == 2 else factors.movedim(dim if dim >= 0 else dim - 1, -2)
    try:
        moved = moved.expand(*rows.shape, factors.shape[-1])
    except RuntimeError:
        shapes = f"{tuple(factors.shape)} do not fit rows {tuple(rows.shape)}"
        raise ValueError(f"factors of the shape {shapes}") from None
    return moved.to(rows.device, rows.dtype)


def _refuse_rule(points: int | None) -> None:
    if points is not None:
        raise ValueError("the quantile rule takes one scale for all classes and no factors: use the exact method")


def _reduction(name: str):
    if name not in ("mean", "sum", "none"):
        raise ValueError(f"there is no reduction named {name!r}: there are mean, sum, none")
    return {"mean": torch.mean, "sum": torch.sum, "none": lambda values: values}[name]


def _rows(t: Tensor, dim: int) -> Tensor:
    """The logits with their rows along the last dimension, in a type that the library has."""
    if not t.is_floating_point():
        raise ValueError(f"logits are real numbers with a fraction, not {t.dtype}")
    if t.ndim == 0:
        raise ValueError("a number is no row of logits: a tensor has a dimension at least")
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
        raise ValueError(f"a relaxed sample has one scale, not a tensor of the shape {tuple(scale.shape)}")
    unit = scale.reshape(()).to(rows.device, rows.dtype)
    unit = torch.where(unit > 0, unit, torch.nan)
    if rows.shape[-1] == 0:
        return rows, 1.0, unit
    top = rows.detach().amax(-1, keepdim=True)
    top = torch.where(top.isfinite(), top, 0.0)
    is_finite = rows.isfinite()
    gaps = torch.where(is_finite, rows - top, 0.0) / unit
    return torch.where(is_finite, gaps, rows), 1.0, unit
