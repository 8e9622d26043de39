"""A picture of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nengo

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.plot._axes import axes_or_new, require, size_of
from nengo_layers_plus.plot._network_contents import NetworkContents, graph_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def network(
    network: nengo.Network | nengo_dl.Simulator, *, ax: Any = None, expand: bool = False
) -> Axes:
    """
    Draw what a network is made of, from left to right as data flows.

    Boxes are nodes, TensorNodes, ensembles and probes, and say what they are and which of their
    parameters train; those with a thick edge have some. Above an arrow stands the shape of what
    goes along it, without batch and time, below it the synapse, if there is one. Frames are
    subnetworks, dashed arrows lead back in a loop. A long network goes on in another row. Objects
    that are alike and lie side by side, as those of a `nengo.networks.EnsembleArray`, share a box.

    Parameters
    ----------
    network : nengo.Network or nengo_dl.Simulator
        Any network; or a Simulator, to be shown what it was built to train.
    ax : matplotlib.axes.Axes, optional
        What to draw in; all is made to fit. By default a new figure, as large as is needed.
    expand : bool
        Whether each object has a box of its own, also those that are alike.

    Returns
    -------
    ax : matplotlib.axes.Axes
        Where it was drawn.

    Raises
    ------
    nengo.exceptions.ValidationError
        If what is given is neither, or has nothing in it.
    nengo.exceptions.SimulatorClosed
        If the Simulator is closed.
    ImportError
        If matplotlib, or SciPy, which finds the places of what is drawn, is not installed.

    Examples
    --------
    >>> import nengo
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import CustomLayer, plot
    >>> with nengo.Network() as net:
    ...     image = nengo.Node([0.0] * 4, label="image")
    ...     dense = CustomLayer(tf.keras.layers.Dense(3), label="dense")(image)
    ...     spikes = CustomLayer(nengo.LIF(), label="spikes", synapse=0.005)(dense)
    ...     probe = nengo.Probe(spikes, label="probe")
    >>> ax = plot.network(net)
    >>> [text.get_text() for text in ax.texts][:3]
    ['(4,)', '(3,)', 'Lowpass(0.005 s)']
    >>> ax.figure.savefig("network.png")  # doctest: +SKIP
    """
    require("matplotlib", "scipy")
    from nengo_layers_plus.plot._network_drawing import NetworkDrawing

    graph = graph_of(network)
    if not graph.objects:
        raise nengo.exceptions.ValidationError(
            f"expected a network with nodes, ensembles or probes, got {graph.network} without any",
            attr="network",
        )
    drawing = NetworkDrawing(NetworkContents(graph, expand))
    if ax is None:
        drawing.place()
        ax = axes_or_new(None, drawing.width / 72, drawing.height / 72)
    else:
        ax = axes_or_new(ax, 0, 0)
        drawing.place(*size_of(ax))
    drawing.draw(ax)
    return ax
