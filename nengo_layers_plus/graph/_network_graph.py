"""A network as a graph of objects and edges, with what of it would train."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from nengo_layers_plus.graph._parameters import Parameter, parameters_of, value_of
from nengo_layers_plus.graph._structure import NetworkStructure


class NetworkGraph(NetworkStructure):
    """
    What is in a network, how data flows through it and what of it would train.

    Parameters
    ----------
    network : nengo.Network or nengo_dl.Simulator
        Any network, whatever made it. With a Simulator, what trains is read from what was
        built; with a Network it is planned as nengo_dl would plan it, without running anything
        and without touching the network's seeds or NumPy's random state.
    seed : int, optional
        Taken for the seed of a network that has none; by default it is drawn.
    builder : nengo.builder.Builder, optional
        Builds the objects of a network, by default as nengo_dl does.

    Raises
    ------
    nengo.exceptions.ValidationError
        If it is neither, or a subnetwork with connections to objects outside of it.

    Examples
    --------
    >>> import nengo
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import CustomLayer
    >>> from nengo_layers_plus.graph import NetworkGraph
    >>> with nengo.Network() as net:
    ...     image = nengo.Node([0.0] * 4, label="image")
    ...     hidden = CustomLayer(nengo.LIF(), label="hidden")(image)
    ...     output = CustomLayer(tf.keras.layers.Dense(2), label="output")(hidden)
    ...     probe = nengo.Probe(output, label="probe")
    >>> graph = NetworkGraph(net)
    >>> [item.name for item in graph.objects]
    ['image', 'hidden', 'output', 'probe']
    >>> [(parameter.name, parameter.shape) for parameter in graph.parameters if parameter.moves]
    [('hidden.bias', (4,)), ('output.kernel', (4, 2)), ('output.bias', (2,))]
    >>> graph.settings(net.connections[0])["trainable"].value
    False
    """

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """Everything that could train, in the order data flows, with whether it will, and why."""
        return parameters_of(self)

    def value(self, parameter: Parameter) -> np.ndarray:
        """
        Return the value that a parameter has now.

        Parameters
        ----------
        parameter : Parameter
            One of `parameters`.

        Raises
        ------
        ValueError
            If the graph was made of a Network, which holds no values.
        """
        return value_of(self, parameter)
