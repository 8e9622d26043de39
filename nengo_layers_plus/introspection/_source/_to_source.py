"""Writes a network, or the objects that a layer made, as the plain code that builds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nengo
from nengo.base import ObjView
from nengo.ensemble import Neurons

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.introspection._open_network import open_network
from nengo_layers_plus.introspection._source._contents import (
    SourceError,
    holder_of,
    needed_by,
    network_of_call,
    walk,
)
from nengo_layers_plus.introspection._source._layout import call, comment_lines, lay_out
from nengo_layers_plus.introspection._source._network_source import NetworkSource
from nengo_layers_plus.introspection._source._network_writer import NetworkWriter
from nengo_layers_plus.introspection._source._simulator_values import (
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
        Whether all objects have statements of their own. By default a loop makes objects that
        differ in an index or in seeds alone, as those of a `nengo.networks.EnsembleArray`.

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
    these alike. Functions and classes are imported from their modules. What can't be imported, such
    as a lambda, and what can't be written becomes an argument of ``build``: the network is the same
    if it is given what it was made with (``source.build(**source.values)``).

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
        return _source_of_call(network, expand)
    if isinstance(network, nengo_dl.Simulator):
        built = open_network(network, "write")
        writer = NetworkWriter(built, (built,), {}, values_to_write(network))
        source = _source(writer, "Build a network.", writer.lines(built, {}, expand))
        check_same_values(network, source)
        return source
    if isinstance(network, nengo.Network):
        writer = NetworkWriter(network, (network,), {}, {})
        return _source(writer, "Build a network.", writer.lines(network, {}, expand))
    hint = ""
    if isinstance(network, nengo_dl.Layer):
        hint = "; give what a call of it made"
    elif isinstance(network, nengo.base.NengoObject | Neurons | ObjView):
        hint = "; give the network that it is in"
    raise SourceError(
        "expected a nengo.Network, a nengo_dl.Simulator made from one, or what a call of a "
        f"layer made (layer.calls[0]), got {network!r}{hint}"
    )


def _source_of_call(parts: LayerParts, expand: bool) -> NetworkSource:
    network = network_of_call(parts)
    writer = NetworkWriter(network, (), _given_to(parts, network), {})
    lines = writer.lines(parts.output, _trained_by(parts, network), expand)
    return _source(writer, "Make what one call of a layer made.", lines)


def _given_to(parts: LayerParts, network: nengo.Network) -> dict[Any, str]:
    """Return the objects that the code of a call asks for, and why."""
    inputs = parts.input if isinstance(parts.input, tuple) else (parts.input,)
    given = dict.fromkeys(inputs, "what the layer was called on")
    holders = {holder_of(obj) for obj in given}
    inside = {obj for obj, _ in walk(network, ())}
    for obj, _ in walk(network, ()):
        for needed in needed_by(obj):
            if needed not in inside and needed not in holders:
                given[needed] = f"{obj} leads to it"
                holders.add(needed)
    return given


def _trained_by(parts: LayerParts, network: nengo.Network) -> dict[Any, bool]:
    """Say whether objects train, of those outside of subnetworks for which a layer decides it."""
    trained: dict[Any, bool] = {}
    for leaf in parts.leaves:
        asked = leaf.trainable.connection
        several = asked if isinstance(asked, tuple) else (asked,) * len(leaf.connections)
        for connection, trains in zip(leaf.connections, several, strict=True):
            if connection.has_weights:
                trained[connection] = bool(trains)
        if leaf.ensemble is not None and leaf.trainable.bias is not None:
            trained[leaf.ensemble.neurons] = leaf.trainable.bias
    made = {*network.ensembles, *network.connections}
    return {obj: trains for obj, trains in trained.items() if holder_of(obj) in made}


def _source(writer: NetworkWriter, summary: str, statements: Sequence[str]) -> NetworkSource:
    """
    Return a module with a function ``build``.

    Parameters
    ----------
    writer : NetworkWriter
        Has written the statements.
    summary : str
        What the function does.
    statements : sequence of str
        The lines of its statements.
    """
    values = writer.values
    parameters = list(values.arguments)
    head: list[str] = []
    if values.arrays:
        parameters.append("arrays=None")
        path = values.names.import_from("pathlib", "Path")
        load = values.names.import_from("safetensors.numpy", "load_file")
        beside = call(load, f'{path}(__file__).with_suffix(".safetensors")')
        head = ["    if arrays is None:", *lay_out(beside, 8, "arrays = ")]
    signature = lay_out(call("build", *parameters), 0, "def ", ":")
    function = [*signature, f'    """{summary}"""', *head, *statements]
    comments: list[str] = []
    for name in [name for name in values.arguments if name not in writer.given.values()]:
        if not comments:
            comments = comment_lines("What can't be written as code is asked for:")
        comments += comment_lines(f"{name}: {values.reasons[name]}", hanging="  ")
    imports = values.names.import_lines("\n".join(function))
    code = "\n".join([f'"""{summary}"""', "", *imports, "", "", *comments, *function]) + "\n"
    return NetworkSource(code, values.arrays, values.reasons, values.arguments)
