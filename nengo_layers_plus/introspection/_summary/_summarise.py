"""Says what was made of a network."""

from __future__ import annotations

from typing import Any

import nengo

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.introspection._open_network import open_network
from nengo_layers_plus.introspection._summary._measure import measure
from nengo_layers_plus.introspection._summary._rows import rows_of
from nengo_layers_plus.introspection._summary._summary import Summary


def summary(
    network: nengo.Network | nengo_dl.Simulator,
    data: Any = None,
    n_steps: int | None = None,
    *,
    expand: bool = False,
) -> Summary:
    """
    Say what was made of a network, layer by layer, and, given data, what its neurons do.

    Parameters
    ----------
    network : nengo.Network or nengo_dl.Simulator
        Any network, whatever made it; or a Simulator, to be told which of its variables holds
        what, and the values that it has now. Neither is changed.
    data : array, list of arrays or dict, optional
        Values of input Nodes, ``(batch, time, size)``, as `nengo_dl.Simulator.predict` takes
        them. With it a copy of the network is run from its initial state, and the rates of all
        neurons are recorded. Nodes that are not given any use their own.
    n_steps : int, optional
        The number of steps to run; by default that of the data. Without data, all Nodes give
        their own values.
    expand : bool
        Whether layers that are alike, as those of a `nengo.networks.EnsembleArray`, have a line
        each in the tables; by default they share one. The sequence always has all.

    Returns
    -------
    summary : Summary
        A sequence of `SummaryRow` that prints as a table.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the network is neither, if that of a Simulator was changed after it was built, or if the
        data does not fit.
    nengo.exceptions.SimulatorClosed
        If the Simulator is closed.

    Notes
    -----
    All outputs of all neurons are in memory at once: four bytes for each neuron, step and item.

    Examples
    --------
    >>> import nengo
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import CustomLayer, summary
    >>> with nengo.Network(label="digits", seed=0) as net:
    ...     image = nengo.Node([0.0] * 16, label="image")
    ...     conv = CustomLayer(tf.keras.layers.Conv2D(3, 2), label="conv")(
    ...         image, shape_in=(4, 4, 1)
    ...     )
    ...     spikes = CustomLayer(nengo.LIF(), label="spikes", synapse=0.01)(conv)
    ...     output = CustomLayer(tf.keras.layers.Dense(2), label="output")(spikes)
    ...     probe = nengo.Probe(output)
    >>> table = summary(net)
    >>> print(table)
    <Network "digits">
    layer    what     shape                    neurons  trains               stays  synapse
    ...
    image    values   (16,)
    conv     Conv2D   (4, 4, 1) -> (3, 3, 3)            kernel 12, bias 3           none
    spikes   LIF()    (3, 3, 3)                     27  bias 27                     Lowpass(0.01 s)
    output   Dense    (27,) -> (2,)                     kernel 54, bias 2           none
    27 neurons; 98 values train, 0 stay, as Keras counts them
    not counted: 27 values of encoders, which nengo_dl leaves out, as nothing depends on them
    >>> table["spikes"].setting("max_rates").given_in_words
    'Uniform(low=200, high=400)'
    """
    if isinstance(network, nengo_dl.Simulator):
        open_network(network, "summarise")
    graph = NetworkGraph(network)
    run = data is not None or n_steps is not None
    activities = measure(graph, network, data, n_steps) if run else {}
    return Summary(graph, rows_of(graph, activities), expand)
