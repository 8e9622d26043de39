"""An object of a network, and its place in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import nengo

from nengo_layers_plus.graph._shapes import Shape


@dataclass(frozen=True, eq=False)
class GraphObject:
    """
    An ensemble, node or probe, and its place in the network.

    Parameters
    ----------
    obj : nengo.Ensemble, nengo.Node, nengo_dl.TensorNode or nengo.Probe
        The object itself.
    kind : str
        ``"ensemble"``, ``"node"``, ``"tensor node"`` or ``"probe"``.
    name : str
        Readable and unique in the network: labels of the networks around it, then its own label
        or else its kind with a number in the order data flows. It does not depend on the order
        in which parallel branches were made, as long as something tells them apart.
    path : tuple of nengo.Network
        The networks around it, the outermost first.
    shape_in, shape_out : tuple of int
        Shapes without batch and time; for an ensemble those of its neurons.
    cycle : bool
        Whether its output comes back to it.
    """

    obj: Any
    kind: str
    name: str
    path: tuple[nengo.Network, ...]
    shape_in: Shape
    shape_out: Shape
    cycle: bool
