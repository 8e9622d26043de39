"""The surrogates that come with the package.

A surrogate is a primitive, its slope, and the publication. ``x`` is the distance of the membrane
from its threshold.
"""

from __future__ import annotations

import math
from typing import Any

from nengo_layers_plus.surrogate._registry import register


@register(
    slope=lambda xp, x, steepness: 1 / xp.square(1 + steepness * xp.abs(x)),
    source="Zenke & Ganguli (2018), SuperSpike: supervised learning in multilayer spiking neural "
    "networks, Neural Computation 30(6)",
)
def fast_sigmoid(xp: Any, x: Any, steepness: float = 10.0) -> Any:
    """Return ``x / (1 + steepness |x|)``, whose slope is 1 at the threshold."""
    return x / (1 + steepness * xp.abs(x))


@register(
    slope=lambda xp, x, alpha: alpha / 2 / (1 + xp.square(math.pi / 2 * alpha * x)),
    source="Fang et al. (2021), Incorporating learnable membrane time constant to enhance learning "
    "of spiking neural networks, ICCV",
)
def arctan(xp: Any, x: Any, alpha: float = 2.0) -> Any:
    """Return ``arctan(pi / 2 alpha x) / pi + 1 / 2``."""
    return 0.5 + xp.arctan(math.pi / 2 * alpha * x) / math.pi


def _sigmoid_slope(xp: Any, x: Any, alpha: float) -> Any:
    value = xp.sigmoid(alpha * x)
    return alpha * value * (1 - value)


@register(
    slope=_sigmoid_slope,
    source="Neftci, Mostafa & Zenke (2019), Surrogate gradient learning in spiking neural "
    "networks, IEEE Signal Processing Magazine 36(6)",
)
def sigmoid(xp: Any, x: Any, alpha: float = 4.0) -> Any:
    """Return ``1 / (1 + exp(-alpha x))``."""
    return xp.sigmoid(alpha * x)


@register(
    slope=lambda xp, x, dampening, width: dampening * xp.maximum(1 - xp.abs(x) / width, 0.0),
    source="Bellec et al. (2018), Long short-term memory and learning-to-learn in networks of "
    "spiking neurons, NeurIPS",
)
def triangle(xp: Any, x: Any, dampening: float = 0.3, width: float = 1.0) -> Any:
    """Return the integral of ``dampening max(0, 1 - |x| / width)``."""
    inside = xp.clip(x / width, -1.0, 1.0)
    return dampening * width * (0.5 + inside - 0.5 * inside * xp.abs(inside))


@register(
    slope=lambda xp, x, alpha: alpha * xp.maximum(1 - alpha * xp.abs(x), 0.0),
    source="Esser et al. (2016), Convolutional networks for fast, energy-efficient neuromorphic "
    "computing, PNAS 113(41)",
)
def piecewise_quadratic(xp: Any, x: Any, alpha: float = 1.0) -> Any:
    """Return a step made of two parabolas, over ``|x| < 1 / alpha``."""
    inside = xp.clip(alpha * x, -1.0, 1.0)
    return 0.5 + inside - 0.5 * inside * xp.abs(inside)


def _normal(xp: Any, x: Any, mean: float, sigma: float) -> Any:
    return xp.exp(-0.5 * xp.square((x - mean) / sigma)) / (sigma * math.sqrt(2 * math.pi))


def _normal_integral(xp: Any, x: Any, mean: float, sigma: float) -> Any:
    return 0.5 * (1 + xp.erf((x - mean) / (sigma * math.sqrt(2))))


@register(
    slope=lambda xp, x, sigma: _normal(xp, x, 0.0, sigma),
    source="Yin, Corradi & Bohté (2020), Effective and efficient computation with multiple-"
    "timescale spiking recurrent neural networks, ICONS",
)
def gaussian(xp: Any, x: Any, sigma: float = 0.5) -> Any:
    """Return the integral of a normal distribution."""
    return _normal_integral(xp, x, 0.0, sigma)


def _multi_gaussian(f: Any, xp: Any, x: Any, sigma: float, height: float, scale: float) -> Any:
    return (1 + height) * f(xp, x, 0.0, sigma) - height * (
        f(xp, x, sigma, scale * sigma) + f(xp, x, -sigma, scale * sigma)
    )


@register(
    slope=lambda xp, x, sigma, height, scale: _multi_gaussian(_normal, xp, x, sigma, height, scale),
    source="Yin, Corradi & Bohté (2021), Accurate and efficient time-domain classification with "
    "adaptive spiking recurrent neural networks, Nature Machine Intelligence 3",
)
def multi_gaussian(
    xp: Any, x: Any, sigma: float = 0.5, height: float = 0.15, scale: float = 6.0
) -> Any:
    """Return the integral of a normal distribution less two wider ones: it falls far out."""
    return _multi_gaussian(_normal_integral, xp, x, sigma, height, scale)


@register(
    slope=lambda xp, x, alpha: 0.5 * alpha * xp.exp(-alpha * xp.abs(x)),
    source="Shrestha & Orchard (2018), SLAYER: spike layer error reassignment in time, NeurIPS",
)
def exponential(xp: Any, x: Any, alpha: float = 2.0) -> Any:
    """Return the integral of ``alpha / 2 exp(-alpha |x|)``."""
    far = 0.5 * xp.exp(-alpha * xp.abs(x))
    return xp.where(x > 0, 1 - far, far)


@register(
    slope=lambda xp, x: xp.ones_like(x),
    source="Bengio, Léonard & Courville (2013), Estimating or propagating gradients through "
    "stochastic neurons for conditional computation, arXiv:1308.3432",
)
def straight_through(xp: Any, x: Any) -> Any:  # noqa: ARG001
    """Return ``x + 1 / 2``: the gradient passes as if there were no threshold."""
    return x + 0.5


@register(
    slope=lambda xp, x, width: xp.where(xp.abs(x) < width / 2, xp.ones_like(x) / width, 0.0),
    source="Wu et al. (2018), Spatio-temporal backpropagation for training high-performance "
    "spiking neural networks, Frontiers in Neuroscience 12:331",
)
def boxcar(xp: Any, x: Any, width: float = 1.0) -> Any:
    """Return a ramp from 0 to 1, of some width."""
    return xp.clip(x / width + 0.5, 0.0, 1.0)


def _soft_lif_parts(xp: Any, x: Any, sigma: float, tau_rc: float, tau_ref: float) -> Any:
    scaled = xp.maximum(x / sigma, -60.0)
    # below, softplus(x) is exp(x), and log1p(1 / z) is -log(z)
    above = xp.maximum(scaled, -20.0)
    current = sigma * xp.softplus(above)
    log = xp.where(scaled > -20.0, xp.log1p(1 / current), -scaled - math.log(sigma))
    rate = tau_ref / (tau_ref + tau_rc * log)
    return scaled, current, rate


def _soft_lif_slope(xp: Any, x: Any, sigma: float, tau_rc: float, tau_ref: float) -> Any:
    scaled, current, rate = _soft_lif_parts(xp, x, sigma, tau_rc, tau_ref)
    change = xp.where(
        scaled > -20.0,
        xp.sigmoid(xp.maximum(scaled, -20.0)) / (current * (current + 1)),
        xp.ones_like(scaled) / sigma,
    )
    return xp.where(scaled > -60.0, rate * rate * tau_rc / tau_ref * change, 0.0)


@register(
    slope=_soft_lif_slope,
    source="Hunsberger & Eliasmith (2015), Spiking deep networks with LIF neurons, "
    "arXiv:1510.08829",
)
def soft_lif(
    xp: Any, x: Any, sigma: float = 0.1, tau_rc: float = 0.02, tau_ref: float = 0.002
) -> Any:
    """Return the smoothed response curve of LIF neurons, as a part of their highest rate."""
    return _soft_lif_parts(xp, x, sigma, tau_rc, tau_ref)[2]
