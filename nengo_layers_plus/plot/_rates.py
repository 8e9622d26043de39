"""A picture of firing rates."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from nengo.exceptions import ValidationError

from nengo_layers_plus.plot._activity import check_outputs, check_positive
from nengo_layers_plus.plot._axes import COLOURS, axes_or_new, text_colour, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_N_BINS = 40
_HIGH = 0.62  # of the distance to the next layer
_WIDEST_NAME = 24  # letters


def rates(data: Any, *, amplitude: Any = 1, ax: Any = None) -> Axes:
    """
    Draw how often the neurons of layers fire, as a histogram for each layer.

    A neuron of amplitude :math:`A` that puts out :math:`y` fires at the rate :math:`|y| / A`, of
    which the mean over steps and items is taken. Each histogram is as high as its largest bin.
    Above it stand the mean rate of all neurons, which is the line as well, and the share of those
    that put out nothing in any step of any item; these are not in the histogram, in which they
    would hide the others.

    Parameters
    ----------
    data : Mapping, or array_like
        What the neurons of each layer put out, by the name that is written: spikes, or rates (Hz),
        ``(time, neurons)`` or ``(batch, time, neurons)``, such as ``sim.data[probe]`` of a Probe
        of neurons. An array is one layer without a name.
    amplitude : float or Mapping
        The amplitude of the neurons, for all or by name.
    ax : matplotlib.axes.Axes, optional
        What to draw in; by default a new figure.

    Returns
    -------
    ax : matplotlib.axes.Axes
        Where it was drawn.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an argument does not fit.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_layers_plus import plot
    >>> spikes = np.zeros((1, 100, 4))  # an item of 0.1 s
    >>> spikes[0, ::10, :3] = 1000
    >>> ax = plot.rates({"hidden": spikes})
    >>> [text.get_text() for text in ax.texts]
    ['mean 75 Hz, 25 % silent']
    """
    layers = _check_layers(data)
    amplitudes = _check_amplitudes(amplitude, layers)
    found = {name: _rates_of(outputs, amplitudes[name]) for name, outputs in layers.items()}
    labels = [_label(name, each.size) for name, (each, _) in found.items()]
    n_lines = max(label.count("\n") + 1 for label in labels)
    ax = axes_or_new(ax, 6.4, 1.0 + max(0.75, 0.18 * n_lines) * len(found))
    high = max(float(each.max()) for each, _ in found.values())
    bins = np.linspace(0, high or 1.0, _N_BINS + 1)
    bottoms = np.arange(len(found))[::-1]
    for index, (name, (each, is_silent)) in enumerate(found.items()):
        bottom = bottoms[index]
        counts, _ = np.histogram(each[~is_silent], bins)
        heights = bottom + _HIGH * counts / max(counts.max(), 1)
        colour = COLOURS[index % len(COLOURS)]
        ax.stairs(heights, bins, baseline=bottom, fill=True, color=colour, alpha=0.75, gid=name)
        ax.axhline(bottom, color="0.7", linewidth=0.8, zorder=0)
        mean = float(each.mean())
        ax.plot(
            [mean, mean], [bottom, bottom + _HIGH], color=text_colour(), linewidth=1.2, gid=name
        )
        ax.annotate(
            f"mean {mean:.4g} Hz, {100 * is_silent.mean():.3g} % silent",
            (1, bottom + _HIGH),
            xycoords=ax.get_yaxis_transform(),
            xytext=(0, 2),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize="small",
        )
    tidy(ax)
    ax.spines["left"].set_visible(False)
    ax.set_yticks(bottoms + _HIGH / 2, labels, fontsize="small")
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(-0.05, len(found) + 0.1)
    ax.set_xlim(bins[0], bins[-1])
    ax.set_xlabel("mean firing rate (Hz)")
    return ax


def _label(name: str, n_neurons: int) -> str:
    size = f"{n_neurons:,} {'neuron' if n_neurons == 1 else 'neurons'}"
    return "\n".join([*textwrap.wrap(name, _WIDEST_NAME), size])


def _check_layers(data: Any) -> dict[str, np.ndarray]:
    layers = data if isinstance(data, Mapping) else {"": data}
    if not layers:
        raise ValidationError("expected at least one layer, got none", attr="data")
    wrong = next((name for name in layers if not isinstance(name, str)), None)
    if wrong is not None:
        raise ValidationError(
            f"expected the names of layers as keys, got {wrong!r}; "
            "{'hidden': sim.data[probe]} names one",
            attr="data",
        )
    return {name: check_outputs(outputs, f"data[{name!r}]") for name, outputs in layers.items()}


def _check_amplitudes(amplitude: Any, layers: Mapping[str, Any]) -> dict[str, float]:
    if not isinstance(amplitude, Mapping):
        return dict.fromkeys(
            layers, check_positive(amplitude, "the amplitude of the neurons", "amplitude")
        )
    if set(amplitude) != set(layers):
        raise ValidationError(
            f"expected amplitudes of {', '.join(layers)}, got those of "
            f"{', '.join(map(str, amplitude)) or 'none'}",
            attr="amplitude",
        )
    return {
        name: check_positive(each, f"the amplitude of {name}", "amplitude")
        for name, each in amplitude.items()
    }


def _rates_of(outputs: np.ndarray, amplitude: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the rate of each neuron, and whether it is silent."""
    flat = outputs.reshape(-1, outputs.shape[-1]).astype(np.float64)
    return np.abs(flat).mean(axis=0) / amplitude, np.all(flat == 0, axis=0)
