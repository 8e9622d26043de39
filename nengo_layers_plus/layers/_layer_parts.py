"""What one call of a layer made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import nengo

from nengo_layers_plus.graph import Shape
from nengo_layers_plus.layers._trainable import Trainable


@dataclass(frozen=True, eq=False)
class LayerParts:
    """
    The objects that one call of a layer made, and those that it joined.

    Parameters
    ----------
    input : NengoObject or tuple of NengoObject
        What the layer was called on; a tuple when it was called on several inputs.
    output : nengo.ensemble.Neurons or nengo_dl.TensorNode
        What the call returned.
    connection : nengo.Connection or tuple of nengo.Connection
        The connection from the input to the output, one for each of several inputs.
    ensemble : nengo.Ensemble or None
        The ensemble that holds the neurons; None if the layer is not made of neurons.
    node : nengo_dl.TensorNode or None
        The node that applies the Keras layer or function; None if the layer is made of neurons.
    shape_in : tuple of int, or tuple of such tuples
        Shape of what the layer is applied to, without the batch; one for each of several inputs.
    shape_out : tuple of int
        Shape of the output, without the batch. Neurons keep the shape of their input.
    trainable : Trainable
        What trains, as far as the layer or a block around it says so.
    inner : tuple of LayerParts
        What the layers within a `.Block` made, in the order they were called; empty for a layer
        that is none. The ``ensemble`` and ``node`` of a block are those of its output, its
        ``connection`` those that come from its input.
    network : nengo.Network or None
        The subnetwork that a block made for itself, if it was asked to.
    added : dict
        What `.CustomLayer.on_built` chose to keep here by name, such as a probe.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import CustomLayer
    >>> layer = CustomLayer(nengo.LIF())
    >>> with nengo.Network() as net:
    ...     image = nengo.Node([0.0] * 12)
    ...     neurons = layer(image, shape_in=(2, 2, 3))
    >>> parts = layer.calls[0]
    >>> parts.shape_out, parts.ensemble.n_neurons, parts.connection.synapse
    ((2, 2, 3), 12, None)
    """

    input: Any
    output: Any
    connection: Any
    ensemble: Any
    node: Any
    shape_in: Shape | tuple[Shape, ...]
    shape_out: Shape
    trainable: Trainable = field(default_factory=Trainable)
    inner: tuple[LayerParts, ...] = ()
    network: nengo.Network | None = None
    added: dict[str, Any] = field(default_factory=dict)

    @property
    def connections(self) -> tuple[nengo.Connection, ...]:
        """The ``connection``, always as a tuple."""
        return self.connection if isinstance(self.connection, tuple) else (self.connection,)

    @property
    def leaves(self) -> tuple[LayerParts, ...]:
        """What the layers within a block made that are no blocks; for another layer its own."""
        if not self.inner:
            return (self,)
        return tuple(leaf for parts in self.inner for leaf in parts.leaves)
