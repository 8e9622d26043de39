"""A layer that filters."""

from __future__ import annotations

from typing import Any

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.layers._custom_layer import CustomLayer
from nengo_layers_plus.layers._errors import LayerError
from nengo_layers_plus.layers._not_given import NOT_GIVEN


class Filter(CustomLayer):
    """
    A layer whose only work is a synapse: it filters its input over time, and keeps its shape.

    Parameters
    ----------
    synapse : float or nengo.synapses.Synapse
        A time constant in seconds, or a synapse.
    **kwargs
        Arguments of `.CustomLayer`.

    Notes
    -----
    ``shape_in`` of the call is ``"auto"`` if it is not given.

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

    def __call__(
        self,
        input: Any,
        transform: Any = nengo_dl.compat.default_transform,
        shape_in: Any = "auto",
        synapse: Any = NOT_GIVEN,
        return_conn: bool = False,
        **layer_args: Any,
    ) -> Any:
        """
        Filter the output of an object of the network.

        Parameters
        ----------
        input, transform, shape_in, synapse, return_conn, **layer_args
            As for `.CustomLayer`. ``shape_in`` is ``"auto"`` by default: the shape that the input
            has.

        Returns
        -------
        obj : nengo_dl.TensorNode
            What was made.
        conn : nengo.Connection
            Only if ``return_conn`` is True.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument can't be used, if there are several inputs, or if the shape of the
            input can't be known and was not given.
        nengo.exceptions.NetworkContextError
            If it is called outside of a network.
        """
        if isinstance(input, list | tuple) and len(input) > 1:
            raise LayerError(
                f"a filter takes one input, got {len(input)}; call it on each",
                attr="input",
                obj=self,
            )
        return super().__call__(input, transform, shape_in, synapse, return_conn, **layer_args)
