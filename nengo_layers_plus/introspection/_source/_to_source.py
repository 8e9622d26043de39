"""Writes a network as the plain code that builds it."""

from __future__ import annotations

from typing import Any

import nengo
from nengo.base import ObjView
from nengo.ensemble import Neurons

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.introspection._open_network import open_network
from nengo_layers_plus.introspection._source._contents import Contents
from nengo_layers_plus.introspection._source._errors import SourceError
from nengo_layers_plus.introspection._source._module import module_text
from nengo_layers_plus.introspection._source._network_source import NetworkSource
from nengo_layers_plus.introspection._source._network_writer import NetworkWriter
from nengo_layers_plus.introspection._source._parts_source import source_of_parts
from nengo_layers_plus.introspection._source._simulator_source import (
    check_same_values,
    values_to_write,
)
from nengo_layers_plus.layers._layer_call import LayerParts


def to_source(
    network: nengo.Network | nengo_dl.Simulator | LayerParts, *, expand: bool = False
) -> NetworkSource:
    """
    Write a network as the plain code that builds it.

    Parameters
    ----------
    network : nengo.Network, nengo_dl.Simulator or LayerParts
        Any network, whatever made it. Of a Simulator, the code builds its network with the values
        that the Simulator has now. Of what one call of a layer made (``layer.calls[0]``), the code
        makes it anew from what the layer was called on, inside of a network.
    expand : bool
        Whether each object has a statement of its own. By default a loop makes those that differ in
        numbers that count, or in seeds, alone, as those of a `nengo.networks.EnsembleArray`.

    Returns
    -------
    source : NetworkSource
        The code, with arrays beside it if they are long.

    Raises
    ------
    nengo.exceptions.ValidationError
        If it is none of these; if an object is of a subclass of Ensemble, Node, Connection or
        Probe that nengo does not build as it builds the class itself; if a Simulator has values
        that no plain code gives it, or its network was changed after it was built.
    nengo.exceptions.SimulatorClosed
        If the Simulator is closed.

    Notes
    -----
    A Simulator made of the network that the code builds computes the same, to the last bit, given
    the same seeds. The code is made of nengo and nengo_dl alone, with these exceptions, for which
    there is nothing plainer: neuron types, synapses and surrogates of this package;
    ``LayerWrapper`` and ``FunctionOfSeveral``, with which `.CustomLayer` hands several inputs to a
    node or keeps the weights of layers within a Keras layer; and ``fix_trainable``, where weights
    or a bias should not train and what belongs to their synapse or neurons should.

    What equals the default in force is left out, and so are shapes that were declared
    for reports, and subclasses of `nengo.Network`, which become plain networks. Objects of
    subclasses of nengo's, such as the inputs of nengo_spa, become plain ones where nengo builds
    these alike. Functions and classes of modules are imported; other functions, and other classes
    of Keras layers, are copied with their source, if they need nothing of what is around them.
    What is left becomes an argument of ``build``.

    Keras layers that are built keep their weights. Those of a Simulator that are not of Keras are
    written if a plain form gives them exactly: the bias of neurons; weights of a connection from a
    Node or neurons; decoders without a transform. Otherwise the error lists them: write the network
    instead of the Simulator, and `save_parameters` beside it.

    Of what a layer made, settings are compared with nengo's defaults: run the code in a network
    that sets none of its own.

    Examples
    --------
    >>> import nengo
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import CustomLayer, to_source
    >>> layer = CustomLayer(tf.keras.layers.Dense(3), synapse=0.01, label="dense")
    >>> with nengo.Network(seed=0) as net:
    ...     image = nengo.Node([0.5, 1.0], label="image")
    ...     output = layer(image)
    >>> print(to_source(layer.calls[0]))
    \"""Make what one call of a layer made.\"""
    <BLANKLINE>
    import nengo
    import tensorflow as tf
    from nengo_layers_plus import nengo_dl
    <BLANKLINE>
    <BLANKLINE>
    def build(image):
        \"""Make what one call of a layer made.\"""
        dense = nengo_dl.TensorNode(
            tf.keras.layers.Dense(3),
            shape_in=(2,),
            shape_out=(3,),
            pass_time=False,
            label="dense",
        )
        nengo.Connection(image, dense, synapse=0.01)
        return dense
    <BLANKLINE>
    """  # noqa: D300
    if isinstance(network, LayerParts):
        return source_of_parts(network, expand)
    simulator = network if isinstance(network, nengo_dl.Simulator) else None
    if simulator is not None:
        network = open_network(simulator, "write")
    if not isinstance(network, nengo.Network):
        raise SourceError(
            "expected a nengo.Network, a nengo_dl.Simulator made from one, or what a call of a "
            f"layer made (layer.calls[0]), got {network!r}{_hint(network)}"
        )
    contents = Contents.of(network)
    replaced = {} if simulator is None else values_to_write(simulator)
    writer = NetworkWriter(contents, replaced=replaced, depth=1)
    writer.write()
    returned = writer.variables.refer(network)
    writer.finish(expand)
    values = writer.values
    code = module_text(writer, (), "Build a network.", returned.flat())
    arguments = values.arguments
    source = NetworkSource(code, values.arrays.kept, arguments.reasons, arguments.values)
    if simulator is not None:
        check_same_values(simulator, source)
    return source


def _hint(value: Any) -> str:
    if isinstance(value, nengo_dl.Layer):
        return "; give what a call of it made"
    if isinstance(value, nengo.base.NengoObject | Neurons | ObjView):
        return "; give the network that it is in"
    return ""
