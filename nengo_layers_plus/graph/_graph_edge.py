"""What leads from one object of a network to another."""

from __future__ import annotations

from dataclasses import dataclass

import nengo

from nengo_layers_plus.graph._graph_object import GraphObject
from nengo_layers_plus.graph._shapes import Shape


@dataclass(frozen=True, eq=False)
class GraphEdge:
    """
    A connection between two objects, or what a probe reads.

    Parameters
    ----------
    connection : nengo.Connection or None
        None for what a probe reads.
    source, target : GraphObject
        Its ends. A connection to a learning rule leads to the object behind the connection
        that learns.
    shape : tuple of int or None
        Shape of what enters it; None if that can't be known.
    path : tuple of nengo.Network
        The networks around it, the outermost first.
    """

    connection: nengo.Connection | None
    source: GraphObject
    target: GraphObject
    shape: Shape | None
    path: tuple[nengo.Network, ...]
