"""A picture of the response curves of neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nengo
import numpy as np
from nengo.ensemble import Neurons
from nengo.exceptions import SimulatorClosed, ValidationError
from nengo.neurons import Direct, RatesToSpikesNeuronType

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.layers import LayerParts
from nengo_layers_plus.neurons import NeuronModel, Surrogate
from nengo_layers_plus.plot._axes import BLUE, VERMILLION, axes_or_new, note, text_colour, tidy

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
    Draw what neurons put out for inputs that stand still.

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
    ensemble, of_ensemble = _ensemble_of(neurons)
    neuron_type, gain, bias = _built(ensemble, network)
    ends = _range(neuron_type, gain, bias) if inputs is None else _ends(inputs)
    x = np.linspace(*ends, _N_INPUTS)
    outputs = curves(neuron_type, x, gain, bias)
    n_neurons = outputs.shape[1]

    ax = axes_or_new(ax, 5.0, 3.4)
    shown = np.unique(np.linspace(0, n_neurons - 1, min(n_neurons, _MOST_LINES)).astype(int))
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
    _draw_marks(ax, x, outputs[:, shown], gain[shown], bias[shown], neuron_type)
    tidy(ax)
    ax.set_xlim(x[0], x[-1])
    ax.set_xlabel("input along the encoder (in radii)" if of_ensemble else "input of the neurons")
    ax.set_ylabel(_unit(neuron_type))
    if len(shown) < n_neurons:
        note(ax, f"{len(shown)} of {n_neurons:,} neurons drawn")
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper left", fontsize="small", frameon=False)
    # room for the legend above the curves
    bottom, top = min(0.0, float(outputs.min())), float(outputs.max())
    span = (top - bottom) or 1.0
    ax.set_ylim(bottom - 0.06 * span, bottom + span * 1.3)
    return ax


def curves(neuron_type: Any, x: np.ndarray, gain: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """
    Return the mean output of neurons for inputs that stand still.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        Their type.
    x : array
        The inputs, ``(n_inputs,)``.
    gain, bias : array
        Those of the neurons, ``(n_neurons,)``.

    Returns
    -------
    outputs : array
        ``(n_inputs, n_neurons)``.
    """
    rates = np.asarray(neuron_type.rates(x, gain, bias), dtype=np.float64)
    inner = neuron_type.neuron_type if isinstance(neuron_type, Surrogate) else neuron_type
    # nengo's rates of these leave out how high a spike is
    return rates * inner.amplitude if isinstance(inner, RatesToSpikesNeuronType) else rates


def _ensemble_of(neurons: Any) -> tuple[nengo.Ensemble, bool]:
    """Return the ensemble, and whether its input is what it represents."""
    if isinstance(neurons, LayerParts):
        if neurons.ensemble is None:
            raise ValidationError(
                f"expected a layer of neurons, got one that makes {neurons.output}", attr="neurons"
            )
        return _ensemble_of(neurons.ensemble.neurons)
    if isinstance(neurons, Neurons):
        return _ensemble_of(neurons.ensemble)[0], False
    if not isinstance(neurons, nengo.Ensemble):
        raise ValidationError(
            "expected an Ensemble, its neurons, or the LayerParts of a layer of neurons "
            f"(layer.calls[0]), got {neurons!r}",
            attr="neurons",
        )
    if isinstance(neurons.neuron_type, Direct):
        raise ValidationError(
            f"expected neurons, got {neurons} in Direct mode, which has none", attr="neurons"
        )
    return neurons, True


def _built(ensemble: nengo.Ensemble, network: Any) -> tuple[Any, np.ndarray, np.ndarray]:
    """Return the type of neurons with what it has learned, and their gain and bias."""
    neuron_type = ensemble.neuron_type
    if network is None:
        given = ensemble.gain, ensemble.bias
        if any(each is None or isinstance(each, nengo.dists.Distribution) for each in given):
            raise ValidationError(
                f"expected a Network or a Simulator that {ensemble} is in, got None, while its "
                "gain and bias were not given as numbers and have to be built",
                attr="network",
            )
        return neuron_type, *(np.broadcast_to(each, ensemble.n_neurons) for each in given)
    if isinstance(network, nengo_dl.Simulator) and network.closed:
        raise SimulatorClosed(
            "a Simulator that is closed does not know gain and bias any more; draw them before it "
            "is closed, or give its network"
        )
    graph = NetworkGraph(network)
    try:
        item = graph[ensemble]
    except KeyError:
        raise ValidationError(
            f"expected a network that {ensemble} is in, got {graph.network}", attr="network"
        ) from None
    if graph.simulator is None:
        built = graph.model.params[ensemble]
        return neuron_type, np.asarray(built.gain), np.asarray(built.bias)
    built = graph.simulator.data[ensemble]
    if np.ndim(built.gain) > 1:
        raise ValidationError(
            f"expected one response curve for each neuron, got {len(built.gain)}: a learning rule "
            "moves the encoders of each item of the minibatch; give the network, or a Simulator "
            "without a minibatch",
            attr="network",
        )
    learned = {
        each.source.parameter: np.squeeze(graph.value(each))[()]
        for each in graph.parameters
        if each.obj is item.obj and each.kind == "neuron parameter"
    }
    return _with_values(neuron_type, learned), np.asarray(built.gain), np.asarray(built.bias)


def _with_values(neuron_type: Any, values: dict[str, Any]) -> Any:
    if not values:
        return neuron_type
    if isinstance(neuron_type, Surrogate):
        return _with_values(neuron_type.neuron_type, values)
    assert isinstance(neuron_type, NeuronModel)
    return neuron_type.replace(**values)


def _ends(inputs: Any) -> tuple[float, float]:
    try:
        low, high = map(float, inputs)
    except (TypeError, ValueError, OverflowError):
        low, high = 0.0, 0.0
    if not -np.inf < low < high < np.inf:
        raise ValidationError(
            f"expected the least and the greatest input, such as (-1, 1), got {inputs!r}",
            attr="inputs",
        )
    return low, high


def _range(neuron_type: Any, gain: np.ndarray, bias: np.ndarray) -> tuple[float, float]:
    """Return -1 and 1, or further values if most neurons put nothing out in between."""
    low, high = -1.0, 1.0
    for _ in range(6):
        x = np.linspace(low, high, 21)
        if np.median(np.abs(curves(neuron_type, x, gain, bias)).max(axis=0)) > 0:
            break
        low, high = 2 * low, 2 * high
    else:
        return -1.0, 1.0
    return low, high


def _intercepts(x: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Return from where on neurons put something out; NaN if they do so everywhere, or nowhere."""
    is_silent = np.abs(outputs) < 1e-9 * max(float(np.abs(outputs).max()), 1e-300)
    starts = is_silent[:-1] & ~is_silent[1:]
    place = np.argmax(starts, axis=0)
    return np.where(starts.any(axis=0), (x[place] + x[place + 1]) / 2, np.nan)


def _draw_marks(
    ax: Axes,
    x: np.ndarray,
    outputs: np.ndarray,
    gain: np.ndarray,
    bias: np.ndarray,
    neuron_type: Any,
) -> None:
    style: dict[str, Any] = {
        "color": VERMILLION,
        "linestyle": "none",
        "clip_on": False,
        "alpha": 0.8,
    }
    intercepts = _intercepts(x, outputs)
    intercepts = intercepts[~np.isnan(intercepts)]
    if len(intercepts):
        ax.plot(
            intercepts,
            np.full(len(intercepts), 0.02),
            marker="|",
            markersize=7,
            transform=ax.get_xaxis_transform(),
            label="intercepts",
            **style,
        )
    if x[0] <= 1 <= x[-1]:
        highest = curves(neuron_type, np.array([1.0]), gain, bias)[0]
        label = "maximum rates (at 1)" if neuron_type.spiking else "output at 1"
        ax.plot(np.ones(len(highest)), highest, marker="_", markersize=8, label=label, **style)


def _unit(neuron_type: Any) -> str:
    amplitude = float(getattr(neuron_type, "amplitude", 1))
    if not getattr(neuron_type, "spiking", False):
        scaled = "" if amplitude == 1 else f", amplitude {amplitude:g}"
        return f"output of {type(neuron_type).__name__}{scaled}"
    return (
        "firing rate (Hz)" if amplitude == 1 else f"firing rate (Hz) times amplitude {amplitude:g}"
    )
