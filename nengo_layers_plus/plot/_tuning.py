"""A picture of the response curves of neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nengo
import numpy as np
from nengo.ensemble import Neurons
from nengo.exceptions import ValidationError
from nengo.neurons import Direct, RatesToSpikesNeuronType

from nengo_layers_plus._declared import is_finite, items_in
from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.layers import LayerParts
from nengo_layers_plus.neurons import Surrogate
from nengo_layers_plus.plot._axes import (
    BLUE,
    VERMILLION,
    add_legend,
    axes_or_new,
    note,
    text_colour,
    tidy,
)
from nengo_layers_plus.plot._network_contents import graph_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_N_INPUTS = 501
_MOST_LINES = 100
_A_FEW = 10  # up to this many neurons lines alone say more than their quantiles
_QUANTILES = (0.1, 0.5, 0.9)


def tuning(
    neurons: Any,
    network: nengo.Network | nengo_dl.Simulator | None = None,
    *,
    inputs: tuple[float, float] | None = None,
    ax: Any = None,
) -> Axes:
    """
    Draw the response curves of neurons: their output for constant inputs.

    Each neuron has a thin line; from 11 neurons on there are their median and what lies between
    the 10 % and 90 % quantiles. Marks below are the intercepts, where neurons begin to put
    something out; marks at the right of the input 1, if it is in the picture, are what the neurons
    put out there, their maximum rates. Of more than 100 neurons as many lines and marks are drawn,
    evenly spaced; the quantiles are those of all.

    Parameters
    ----------
    neurons : nengo.Ensemble, nengo.ensemble.Neurons or LayerParts
        The neurons; of a layer ``layer.calls[0]``, or what it returned.
    network : nengo.Network or nengo_dl.Simulator, optional
        The network that they are in, of which gain and bias are built; or a Simulator, which has
        those that were built and learned, and the parameters of `.NeuronModel` that were. Without
        one the gain and bias must have been given as numbers.
    inputs : tuple of float, optional
        The least and greatest input. By default from -1 to 1, the range that nengo's maximum rates
        and intercepts are meant for, and further if most neurons begin beyond that.
    ax : matplotlib.axes.Axes, optional
        What to draw in; by default a new figure.

    Returns
    -------
    ax : matplotlib.axes.Axes
        Where it was drawn.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an argument does not fit, or if there are no gain and bias.
    nengo.exceptions.SimulatorClosed
        If the Simulator is closed.
    ImportError
        If matplotlib is not installed.

    Notes
    -----
    The current that comes to a neuron is its gain times the input, plus its bias. The input of an
    ensemble is what it represents along the encoder of the neuron, divided by the radius.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import plot
    >>> with nengo.Network(seed=0) as net:
    ...     ensemble = nengo.Ensemble(50, 1)
    >>> ax = plot.tuning(ensemble, net)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('input along the encoder (in radii)', 'firing rate (Hz)')
    """
    ensemble, is_represented = _ensemble_of(neurons)
    neuron_type, gain, bias = _built(ensemble, network)
    ends = _range(neuron_type, gain, bias) if inputs is None else _ends(inputs)
    x = np.linspace(*ends, _N_INPUTS)
    outputs = _curves(neuron_type, x, gain, bias)
    n_neurons = outputs.shape[1]

    ax = axes_or_new(ax, 5.0, 3.4)
    shown = np.linspace(0, n_neurons - 1, min(n_neurons, _MOST_LINES)).astype(int)
    few = n_neurons <= _A_FEW
    for number in shown:
        ax.plot(
            x,
            outputs[:, number],
            color=BLUE,
            linewidth=1.2 if few else 0.5,
            alpha=0.9 if few else 0.35,
            gid=f"neuron {number}",
        )
    if not few:
        low, middle, high = np.quantile(outputs, _QUANTILES, axis=1)
        ax.fill_between(
            x, low, high, color=BLUE, alpha=0.15, linewidth=0, label="10 % to 90 % of the neurons"
        )
        ax.plot(x, middle, color=text_colour(), linewidth=2, label="median")
    mark_style: dict[str, Any] = {
        "color": VERMILLION,
        "linestyle": "none",
        "clip_on": False,
        "alpha": 0.8,
    }
    intercepts = _intercepts(x, outputs[:, shown])
    if len(intercepts):
        ax.plot(
            intercepts,
            np.full(len(intercepts), 0.02),
            marker="|",
            markersize=7,
            transform=ax.get_xaxis_transform(),
            label="intercepts",
            **mark_style,
        )
    if x[0] <= 1 <= x[-1]:
        at_1 = _curves(neuron_type, np.array([1.0]), gain[shown], bias[shown])[0]
        label = "maximum rates (at 1)" if neuron_type.spiking else "output at 1"
        ax.plot(np.ones(len(at_1)), at_1, marker="_", markersize=8, label=label, **mark_style)
    tidy(ax)
    ax.set_xlim(x[0], x[-1])
    ax.set_xlabel(
        "input along the encoder (in radii)" if is_represented else "input of the neurons"
    )
    ax.set_ylabel(_unit(neuron_type))
    if len(shown) < n_neurons:
        note(ax, f"{len(shown)} of {n_neurons:,} neurons drawn")
    if ax.get_legend_handles_labels()[0]:
        add_legend(ax, loc="upper left")
    # room for the legend above the curves
    bottom, top = min(0.0, float(outputs.min())), float(outputs.max())
    span = (top - bottom) or 1.0
    ax.set_ylim(bottom - 0.06 * span, bottom + span * 1.3)
    return ax


def _curves(neuron_type: Any, x: np.ndarray, gain: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Return the mean output of neurons for constant inputs, ``(n_inputs, n_neurons)``."""
    rates = np.asarray(neuron_type.rates(x, gain, bias), dtype=np.float64)
    inner = neuron_type.neuron_type if isinstance(neuron_type, Surrogate) else neuron_type
    # nengo's rates of these leave out the height of a spike
    return rates * inner.amplitude if isinstance(inner, RatesToSpikesNeuronType) else rates


def _ensemble_of(neurons: Any) -> tuple[nengo.Ensemble, bool]:
    """Return the ensemble, and whether its input is the value that it represents."""
    if isinstance(neurons, LayerParts):
        if neurons.ensemble is None:
            raise ValidationError(
                f"expected a layer of neurons, got one that makes {neurons.output}", attr="neurons"
            )
        neurons = neurons.ensemble.neurons
    is_represented = not isinstance(neurons, Neurons)
    ensemble = neurons if is_represented else neurons.ensemble
    if not isinstance(ensemble, nengo.Ensemble):
        raise ValidationError(
            "expected an Ensemble, its neurons, or the LayerParts of a layer of neurons "
            f"(layer.calls[0]), got {neurons!r}",
            attr="neurons",
        )
    if isinstance(ensemble.neuron_type, Direct):
        raise ValidationError(
            f"expected neurons, got {ensemble} in Direct mode, which has none", attr="neurons"
        )
    return ensemble, is_represented


def _built(ensemble: nengo.Ensemble, network: Any) -> tuple[Any, np.ndarray, np.ndarray]:
    """Return the neuron type with the parameters it has learned, and the gain and bias."""
    neuron_type = ensemble.neuron_type
    if network is None:
        values = ensemble.gain, ensemble.bias
        if any(value is None or isinstance(value, nengo.dists.Distribution) for value in values):
            raise ValidationError(
                f"expected a Network or a Simulator that {ensemble} is in, got None, while its "
                "gain and bias were not given as numbers and have to be built",
                attr="network",
            )
        return neuron_type, *(np.broadcast_to(value, ensemble.n_neurons) for value in values)
    graph = graph_of(network)
    try:
        item = graph[ensemble]
    except KeyError:
        raise ValidationError(
            f"expected a network that {ensemble} is in, got {graph.network}", attr="network"
        ) from None
    sim = graph.simulator
    built = graph.model.params[ensemble] if sim is None else sim.data[ensemble]
    if np.ndim(built.gain) > 1:
        raise ValidationError(
            f"expected one response curve for each neuron, got {len(built.gain)}: a learning rule "
            "moves the encoders of each item of the minibatch; give the network, or a Simulator "
            "without a minibatch",
            attr="network",
        )
    learned = {
        parameter.source.parameter: np.squeeze(graph.value(parameter))[()]
        for parameter in (() if sim is None else graph.parameters)
        if parameter.obj is item.obj and parameter.kind == "neuron parameter"
    }
    if learned:
        declared = neuron_type.neuron_type if isinstance(neuron_type, Surrogate) else neuron_type
        neuron_type = declared.replace(**learned)
    return neuron_type, np.asarray(built.gain), np.asarray(built.bias)


def _ends(inputs: Any) -> tuple[float, float]:
    ends = items_in(inputs) or ()
    if len(ends) != 2 or not all(map(is_finite, ends)) or ends[0] >= ends[1]:
        raise ValidationError(
            f"expected the least and the greatest input, such as (-1, 1), got {inputs!r}",
            attr="inputs",
        )
    return float(ends[0]), float(ends[1])


def _range(neuron_type: Any, gain: np.ndarray, bias: np.ndarray) -> tuple[float, float]:
    """Return -1 and 1, or further values if most neurons put nothing out in between."""
    for high in (1.0, 2.0, 4.0, 8.0, 16.0, 32.0):
        outputs = _curves(neuron_type, np.linspace(-high, high, 21), gain, bias)
        if np.median(np.abs(outputs).max(axis=0)) > 0:
            return -high, high
    return -1.0, 1.0


def _intercepts(x: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Return where neurons begin to put something out, without those that never do, or always."""
    is_silent = np.abs(outputs) < 1e-9 * max(float(np.abs(outputs).max()), 1e-300)
    starts = is_silent[:-1] & ~is_silent[1:]
    first = np.argmax(starts, axis=0)[starts.any(axis=0)]
    return (x[first] + x[first + 1]) / 2


def _unit(neuron_type: Any) -> str:
    amplitude = float(getattr(neuron_type, "amplitude", 1))
    if neuron_type.spiking:
        return "firing rate (Hz)" + f" times amplitude {amplitude:g}" * (amplitude != 1)
    return f"output of {type(neuron_type).__name__}" + f", amplitude {amplitude:g}" * (
        amplitude != 1
    )
