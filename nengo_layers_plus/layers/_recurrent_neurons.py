"""Neurons that are connected with each other."""

from __future__ import annotations

from typing import Any, ClassVar

import nengo
from nengo.exceptions import ValidationError

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.layers._custom_layer import CustomLayer
from nengo_layers_plus.layers._errors import LayerError
from nengo_layers_plus.layers._fixed_trainable import let_train
from nengo_layers_plus.layers._inputs import check_synapse, check_transform
from nengo_layers_plus.layers._layer_parts import LayerParts


class RecurrentNeurons(CustomLayer):
    """
    Neurons that are connected with each other, through weights that train and a synapse.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        The neuron type.
    recurrent_transform : array_like, nengo.dists.Distribution or nengo.transforms.Transform
        The weights, of shape ``(n_neurons, n_neurons)`` from column to row, or what they are
        drawn from. By default they are drawn as those of a Keras layer
        (`nengo_dl.dists.Glorot`). For a population of n neurons these are n squared numbers.
    recurrent_synapse : float or nengo.synapses.Synapse
        The synapse of the connection among the neurons, a time constant in seconds or a
        synapse. With 0 a spike comes back one time step later, unfiltered.
    **kwargs
        Arguments of `.CustomLayer`. In ``trainable`` the part ``weights`` means the recurrent
        weights, which train by default.

    Raises
    ------
    nengo.exceptions.ValidationError
        If ``recurrent_synapse`` is None.

    Notes
    -----
    Each call has weights of its own, as they are those of a `nengo.Connection`. It is kept as
    ``layer.calls[i].added["recurrent"]``.

    Weights that train need inputs of several time steps in training. A neuron type's gain
    scales what comes back as it does any input.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import RecurrentNeurons
    >>> layer = RecurrentNeurons(nengo.LIF(), recurrent_transform=-0.1, recurrent_synapse=0.02)
    >>> with nengo.Network() as net:
    ...     neurons = layer(nengo.Node([0.0] * 3))
    >>> connection = layer.calls[0].added["recurrent"]
    >>> connection.pre == connection.post, connection.synapse
    (True, Lowpass(tau=0.02))
    """

    adds_parts: ClassVar[tuple[str, ...]] = ("weights",)

    def __init__(
        self,
        neuron_type: nengo.neurons.NeuronType,
        *,
        recurrent_transform: Any = None,
        recurrent_synapse: Any = 0.005,
        **kwargs: Any,
    ) -> None:
        super().__init__(neuron_type, **kwargs)
        if recurrent_synapse is None:
            raise LayerError(
                "neurons can't get their own output within the same time step; give 0 for a "
                "delay of one step, or a time constant",
                attr="recurrent_synapse",
                obj=self,
            )
        check_transform(self, "recurrent_transform", recurrent_transform)
        check_synapse(self, "recurrent_synapse", recurrent_synapse)
        self.recurrent_transform = recurrent_transform
        self.recurrent_synapse = recurrent_synapse

    def on_built(self, parts: LayerParts) -> None:
        """Connect the neurons with each other."""
        if parts.ensemble is None:
            raise LayerError(
                f"expected a neuron type, got {self.layer_func!r}", attr="neuron_type", obj=self
            )
        transform = self.recurrent_transform
        try:
            connection = nengo.Connection(
                parts.output,
                parts.output,
                transform=nengo_dl.dists.Glorot() if transform is None else transform,
                synapse=self.recurrent_synapse,
            )
        except ValidationError as error:
            raise LayerError(
                f"{error}; got {transform!r} for {parts.ensemble.n_neurons} neurons",
                attr="recurrent_transform",
                obj=self,
            ) from error
        parts.added["recurrent"] = connection
        let_train(connection, parts.trainable.weights is not False)
