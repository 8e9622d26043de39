"""Pictures of the activity of neurons: their spikes, and how often they fire."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from nengo.exceptions import ValidationError

from nengo_layers_plus._declared import array_of, as_count, as_number
from nengo_layers_plus.plot._axes import (
    BLUE,
    COLOURS,
    GREY,
    axes_or_new,
    note,
    size_of,
    text_colour,
    tidy,
    whole_numbers,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# of a raster
_MOST_ROWS = 200
_MARK_HEIGHT = 0.85  # of the height of a row
_MARK_SIZES = 1.0, 12.0  # the least and greatest (points)

# of histograms of rates
_N_BINS = 40
_HEIGHT = 0.62  # of the distance to the next layer
_WIDEST_NAME = 24  # letters


def raster(
    data: Any,
    *,
    dt: float = 0.001,
    item: int | None = None,
    max_neurons: int | None = _MOST_ROWS,
    ax: Any = None,
) -> Axes:
    """
    Draw a mark for each step in which a neuron spikes.

    The spikes of a step stand at its end, as in nengo: those of the first step at ``dt``. Of more
    than ``max_neurons`` neurons as many are drawn, evenly spaced, and the axis says so; none is
    chosen for what it does. A mark stands for one spike or several in the step, whatever the
    amplitude of the neurons; if there were several, it is written above.

    Parameters
    ----------
    data : array_like
        What spiking neurons put out, ``(time, neurons)`` or ``(batch, time, neurons)``, such as
        ``sim.data[probe]`` of a Probe of neurons without a synapse. What is not 0 is a spike.
    dt : float
        The length of a step (s).
    item : int, optional
        Which item of a batch is drawn, the first by default; -1 is the last.
    max_neurons : int, optional
        The greatest number of neurons that are drawn; None draws all.
    ax : matplotlib.axes.Axes, optional
        What to draw in; by default a new figure.

    Returns
    -------
    ax : matplotlib.axes.Axes
        Where it was drawn.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an argument does not fit, or if what comes has values in more than half of all steps of
        all neurons, many of them different, as rates and what a synapse has smoothed do.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_layers_plus import plot
    >>> spikes = np.zeros((100, 3))  # 100 steps of 3 neurons
    >>> spikes[[9, 19, 29], 1] = 1000  # 1 / dt
    >>> ax = plot.raster(spikes)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('time (s)', 'neuron')
    """
    dt = as_number(dt, "dt", None, above=0)
    outputs = _choose_item(_check_outputs(data), item)
    values = np.abs(outputs[outputs != 0]).astype(np.float64)
    _check_spikes(values, outputs.size)
    n_steps, n_neurons = outputs.shape
    n_rows = n_neurons if max_neurons is None else as_count(max_neurons, "max_neurons", None)
    shown = np.linspace(0, n_neurons - 1, min(n_rows, n_neurons)).round().astype(int)

    ax = axes_or_new(ax, 6.4, float(np.clip(1.2 + 0.02 * len(shown), 1.6, 4.5)))
    steps, rows = np.nonzero(outputs[:, shown])
    # marks of two rows do not touch
    mark_size = float(np.clip(_MARK_HEIGHT * size_of(ax)[1] / len(shown), *_MARK_SIZES))
    ax.scatter(
        dt * (steps + 1),
        shown[rows],
        marker="|",
        s=mark_size**2,
        linewidths=0.8,
        color=BLUE,
        gid="spikes",
    )
    tidy(ax)
    ax.set_xlim(0, dt * (n_steps + 0.5))
    margin = 0.5 * (shown[-1] - shown[0]) / (len(shown) - 1) if len(shown) > 1 else 0.5
    ax.set_ylim(shown[0] - margin, shown[-1] + margin)
    whole_numbers(ax.yaxis)
    ax.set_xlabel("time (s)")
    ax.set_ylabel(
        "neuron" if len(shown) == n_neurons else f"neuron ({len(shown):,} of {n_neurons:,} shown)"
    )
    if not values.size:
        ax.text(
            *(0.5, 0.5, "no spikes"), transform=ax.transAxes, ha="center", va="center", color=GREY
        )
        return ax
    counts = values / values.min()
    # numbers of spikes are whole multiples of the smallest value
    if counts.max() >= 1.5 and np.allclose(counts, counts.round(), rtol=1e-3):
        note(ax, f"up to {counts.max():.0f} spikes in a step")
    return ax


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
    layers = data if isinstance(data, Mapping) else {"": data}
    if not layers:
        raise ValidationError("expected at least one layer, got none", attr="data")
    amplitudes = amplitude if isinstance(amplitude, Mapping) else dict.fromkeys(layers, amplitude)
    if set(amplitudes) != set(layers):
        wanted, given = (", ".join(map(str, names)) or "none" for names in (layers, amplitudes))
        raise ValidationError(
            f"expected amplitudes of {wanted}, got those of {given}", attr="amplitude"
        )
    rates_of, is_silent, labels = {}, {}, []
    for name, outputs in layers.items():
        array = _check_outputs(outputs, f"data[{name!r}]")
        array = array.reshape(-1, array.shape[-1]).astype(np.float64)
        attr = "amplitude" if amplitudes is not amplitude else f"amplitude[{name!r}]"
        amplitude_of_layer = as_number(amplitudes[name], attr, None, above=0)
        rates_of[name] = np.abs(array).mean(axis=0) / amplitude_of_layer
        is_silent[name] = np.all(array == 0, axis=0)
        size = f"{array.shape[1]:,} {'neuron' if array.shape[1] == 1 else 'neurons'}"
        labels.append("\n".join([*textwrap.wrap(str(name), _WIDEST_NAME), size]))

    n_lines = max(label.count("\n") + 1 for label in labels)
    ax = axes_or_new(ax, 6.4, 1.0 + max(0.75, 0.18 * n_lines) * len(layers))
    highest = max(float(values.max()) for values in rates_of.values())
    bins = np.linspace(0, highest or 1.0, _N_BINS + 1)
    bottoms = np.arange(len(layers))[::-1]
    for index, (name, values) in enumerate(rates_of.items()):
        bottom, top = bottoms[index], bottoms[index] + _HEIGHT
        counts, _ = np.histogram(values[~is_silent[name]], bins)
        heights = bottom + _HEIGHT * counts / max(counts.max(), 1)
        colour = COLOURS[index % len(COLOURS)]
        ax.stairs(heights, bins, baseline=bottom, fill=True, color=colour, alpha=0.75, gid=name)
        ax.axhline(bottom, color="0.7", linewidth=0.8, zorder=0)
        mean = float(values.mean())
        ax.plot([mean, mean], [bottom, top], color=text_colour(), linewidth=1.2, gid=name)
        text = f"mean {mean:.4g} Hz, {100 * is_silent[name].mean():.3g} % silent"
        note(ax, text, (1, top), ax.get_yaxis_transform(), lift=2)
    tidy(ax)
    ax.spines["left"].set_visible(False)
    ax.set_yticks(bottoms + _HEIGHT / 2, labels, fontsize="small")
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(-0.05, len(layers) + 0.1)
    ax.set_xlim(bins[0], bins[-1])
    ax.set_xlabel("mean firing rate (Hz)")
    return ax


def _check_outputs(data: Any, attr: str = "data") -> np.ndarray:
    """Return outputs as an array of finite numbers with two or three axes."""
    array = array_of(data, "biuf")
    if array is None or array.ndim not in (2, 3):
        given = repr(data) if array is None else f"an array of shape {array.shape}"
        raise ValidationError(
            "expected numbers of shape (time, neurons) or (batch, time, neurons), such as "
            f"sim.data[probe] of a Probe of neurons, got {given}",
            attr=attr,
        )
    if 0 in array.shape:
        raise ValidationError(
            f"expected at least one step and one neuron, got the shape {array.shape}; has the "
            "Simulator been run?",
            attr=attr,
        )
    if not np.isfinite(array).all():
        raise ValidationError(
            f"expected finite numbers, got {int((~np.isfinite(array)).sum())} that are NaN or "
            "infinite; Simulator(..., check_numerics=True) says where they come from",
            attr=attr,
        )
    return array


def _choose_item(outputs: np.ndarray, item: int | None) -> np.ndarray:
    if outputs.ndim == 2:
        if item is not None:
            raise ValidationError(
                f"expected item=None for data without a batch, of shape {outputs.shape}, got "
                f"{item!r}",
                attr="item",
            )
        return outputs
    n_items = len(outputs)
    item = 0 if item is None else item
    if item not in range(-n_items, n_items):
        raise ValidationError(
            f"expected the number of one of {n_items} items, from {-n_items} to {n_items - 1}, got "
            f"{item!r}",
            attr="item",
        )
    return np.asarray(outputs[int(item)])


def _check_spikes(values: np.ndarray, size: int) -> None:
    """Check that values other than 0 are as rare, or as alike, as spikes are."""
    if values.size > 0.5 * size and len(np.unique(values)) > max(10, 0.1 * values.size):
        raise ValidationError(
            f"expected spikes, 0 in most steps, got {values.size / size:.0%} other values, most of "
            "them different; give what neurons put out without a synapse "
            "(nengo.Probe(ens.neurons, synapse=None)), and draw rates with plot.rates",
            attr="data",
        )
