"""A picture of spikes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from nengo.exceptions import ValidationError

from nengo_layers_plus.plot._activity import check_outputs, check_positive
from nengo_layers_plus.plot._axes import BLUE, GREY, axes_or_new, note, size_of, tidy, whole_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_ROWS = 200
_PART_OF_ROW = 0.85  # that a mark takes
_MARK_SIZES = 1.0, 12.0  # the least and greatest (points)


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
    dt = check_positive(dt, "the length of a step (s)", "dt")
    outputs = _choose_item(check_outputs(data), item)
    _check_spikes(outputs)
    n_steps, n_neurons = outputs.shape
    shown = _choose_neurons(n_neurons, max_neurons)

    ax = axes_or_new(ax, 6.4, float(np.clip(1.2 + 0.02 * len(shown), 1.6, 4.5)))
    steps, rows = np.nonzero(outputs[:, shown])
    ax.scatter(
        dt * (steps + 1),
        shown[rows],
        marker="|",
        s=_mark_size(ax, len(shown)),
        linewidths=0.8,
        color=BLUE,
        gid="spikes",
    )
    tidy(ax)
    ax.set_xlim(0, dt * (n_steps + 0.5))
    margin = 0.5 * (shown[-1] - shown[0]) / max(len(shown) - 1, 1) if len(shown) > 1 else 0.5
    ax.set_ylim(shown[0] - margin, shown[-1] + margin)
    whole_numbers(ax.yaxis)
    ax.set_xlabel("time (s)")
    ax.set_ylabel(
        "neuron" if len(shown) == n_neurons else f"neuron ({len(shown):,} of {n_neurons:,} shown)"
    )
    if not outputs.any():
        ax.text(
            *(0.5, 0.5, "no spikes"), transform=ax.transAxes, ha="center", va="center", color=GREY
        )
    most = _most_in_a_step(outputs)
    if most > 1:
        note(ax, f"up to {most} spikes in a step")
    return ax


def _choose_item(outputs: np.ndarray, item: int | None) -> np.ndarray:
    if outputs.ndim == 2:
        if item is not None:
            raise ValidationError(
                f"expected item=None for data without a batch, of shape {outputs.shape}, got "
                f"{item!r}",
                attr="item",
            )
        return outputs
    item = 0 if item is None else item
    n_items = len(outputs)
    is_number = isinstance(item, int | np.integer) and not isinstance(item, bool)
    if not is_number or not -n_items <= item < n_items:
        raise ValidationError(
            f"expected the number of one of {n_items} items, from {-n_items} to {n_items - 1}, got "
            f"{item!r}",
            attr="item",
        )
    return np.asarray(outputs[item])


def _choose_neurons(n_neurons: int, most: int | None) -> np.ndarray:
    """Return the numbers of the neurons that are drawn, from the first to the last."""
    if most is None or n_neurons <= 1:
        return np.arange(n_neurons)
    if not isinstance(most, int | np.integer) or isinstance(most, bool) or most < 1:
        raise ValidationError(
            f"expected a number of neurons above 0, or None for all, got {most!r}",
            attr="max_neurons",
        )
    return np.unique(np.linspace(0, n_neurons - 1, min(most, n_neurons)).round().astype(int))


def _check_spikes(outputs: np.ndarray) -> None:
    found = outputs[outputs != 0]
    if found.size > 0.5 * outputs.size and len(np.unique(found)) > max(10, 0.1 * found.size):
        raise ValidationError(
            f"expected spikes, 0 in most steps, got {found.size / outputs.size:.0%} other values, "
            "most of them different; give what neurons put out without a synapse "
            "(nengo.Probe(ens.neurons, synapse=None)), and draw rates with plot.rates",
            attr="data",
        )


def _most_in_a_step(outputs: np.ndarray) -> int:
    """Return the greatest number of spikes in a step, 1 if that can't be told."""
    found = np.abs(outputs[outputs != 0]).astype(np.float64)
    if not found.size:
        return 0
    counts = found / found.min()
    # whole multiples of the smallest are counts of spikes
    return int(counts.max().round()) if np.allclose(counts, counts.round(), rtol=1e-3) else 1


def _mark_size(ax: Axes, n_rows: int) -> float:
    """Return the size of marks, in square points, so that those of two rows do not touch."""
    return float(np.clip(_PART_OF_ROW * size_of(ax)[1] / n_rows, *_MARK_SIZES)) ** 2
