"""Says what an optimiser would move."""

from __future__ import annotations

import nengo
from nengo.exceptions import SimulatorClosed

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph._network_graph import NetworkGraph
from nengo_layers_plus.graph._training_report import TrainingReport
from nengo_layers_plus.graph._words import network_in_words


def what_trains(network: nengo.Network | nengo_dl.Simulator) -> TrainingReport:
    """
    Say what in a network an optimiser would move, and why it would not move the rest.

    Parameters
    ----------
    network : nengo.Network or nengo_dl.Simulator
        Any network; or a Simulator, to be told what it was built to train.

    Returns
    -------
    report : TrainingReport
        A sequence of `Parameter` that prints as a table.

    Raises
    ------
    nengo.exceptions.ValidationError
        If it is neither.
    nengo.exceptions.SimulatorClosed
        If the Simulator is closed.

    Examples
    --------
    >>> import nengo
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import CustomLayer
    >>> from nengo_layers_plus.graph import what_trains
    >>> with nengo.Network(label="digits") as net:
    ...     image = nengo.Node([0.0] * 4, label="image")
    ...     dense = CustomLayer(tf.keras.layers.Dense(3), label="dense")(image)
    ...     spikes = CustomLayer(nengo.LIF(), label="spikes", trainable=False)(dense)
    ...     probe = nengo.Probe(spikes)
    >>> report = what_trains(net)
    >>> print(report)
    <Network "digits">
    parameter        shape  values  in training  why
    ...
    dense.kernel     (4, 3)     12  moves        the Keras layer says so
    dense.bias       (3,)        3  moves        the Keras layer says so
    spikes.encoders  (3, 1)      3  stays        nothing in the network depends on it
    spikes.bias      (3,)        3  stays        trainable is False for the object itself
    15 values move, 6 stay; 15 are trainable weights of the Keras model
    >>> report.n_moving, [parameter.name for parameter in report.moving]
    (15, ['dense.kernel', 'dense.bias'])
    """
    if isinstance(network, nengo_dl.Simulator) and network.closed:
        raise SimulatorClosed(
            "a Simulator that is closed does not know what trains any more; ask before it is "
            "closed, or ask its network"
        )
    graph = NetworkGraph(network)
    return TrainingReport(graph.parameters, f"<{network_in_words(graph.network)}>")
