"""A layer that filters."""

from __future__ import annotations

from typing import Any

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.layers._custom_layer import CustomLayer


class Filter(CustomLayer):
    """
    A layer whose only work is a synapse: it filters its input over time, and keeps its shape.

    Parameters
    ----------
    synapse : float or nengo.synapses.Synapse
        A time constant in seconds, or a synapse.
    **kwargs
        Arguments of `.CustomLayer`.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import Filter, nengo_dl
    >>> with nengo.Network() as net:
    ...     probe = nengo.Probe(Filter(nengo.Alpha(0.001))(nengo.Node([1.0, -1.0])))
    >>> with nengo_dl.Simulator(net, progress_bar=False) as sim:
    ...     sim.run_steps(3)
    >>> [round(float(value), 2) for value in sim.data[probe][:, 0]]
    [0.0, 0.26, 0.59]
    """

    def __init__(self, synapse: Any, **kwargs: Any) -> None:
        super().__init__(tf.identity, synapse=synapse, **kwargs)
