"""Layers for common cases, each a small subclass of `CustomLayer` or `Block`."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from nengo_layers_plus import neurons
from nengo_layers_plus._declared import array_of
from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.layers._base_layer import label_next, named_in_errors, undo_of_call
from nengo_layers_plus.layers._blocks import Block, Sequential, as_layer
from nengo_layers_plus.layers._custom_layer import CustomLayer
from nengo_layers_plus.layers._ensemble_arguments import closest, names_of_parameters
from nengo_layers_plus.layers._errors import LayerError
from nengo_layers_plus.layers._layer_call import (
    LayerContext,
    LayerParts,
    check_synapse,
    check_transform,
)
from nengo_layers_plus.layers._trainable import fix_trainable
from nengo_layers_plus.neurons import changed

_CURVES = ("gain", "bias", "max_rates", "intercepts")


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

    shape_in_default: ClassVar[Any] = "auto"
    takes_one_input: ClassVar[bool] = True

    def __init__(self, synapse: Any, **kwargs: Any) -> None:
        super().__init__(tf.identity, synapse=synapse, **kwargs)


class TunedNeurons(CustomLayer):
    """
    Neurons given by their tuning curves: from which input on they fire, and how fast at 1.

    A neuron is silent below its intercept, and fires at its maximum rate for an input of 1. It
    puts out its firing rate (Hz) times the amplitude; a spiking neuron does so on average, as
    each spike has the height ``amplitude / dt`` for one time step.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        The neuron type.
    max_rates : float, array_like or nengo.dists.Distribution, optional
        Firing rate (Hz) for an input of 1: one for all neurons, one each, or a distribution.
        Not given, it is that of the network's configuration, else nengo's.
    intercepts : float, array_like or nengo.dists.Distribution, optional
        The input from which on a neuron fires, below 1, in the same ways.
    amplitude : float, optional
        What 1 Hz counts for, in place of the neuron type's own. With ``1 / max_rates`` the
        output is 1 for an input of 1.
    **kwargs
        Arguments of `.CustomLayer`.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an amplitude is given for a neuron type that has none, such as `nengo.Sigmoid`.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import TunedNeurons, nengo_dl
    >>> layer = TunedNeurons(nengo.LIFRate(), max_rates=100, intercepts=0.5, amplitude=0.01)
    >>> with nengo.Network() as net:
    ...     probe = nengo.Probe(layer(nengo.Node([0.4, 1.0])))
    >>> with nengo_dl.Simulator(net, progress_bar=False) as sim:
    ...     sim.run_steps(1)
    >>> sim.data[probe].round(3).tolist()
    [[0.0, 1.0]]
    """

    def __init__(
        self,
        neuron_type: nengo.neurons.NeuronType,
        *,
        max_rates: Any = None,
        intercepts: Any = None,
        amplitude: float | None = None,
        **kwargs: Any,
    ) -> None:
        if amplitude is not None:
            neuron_type = changed(neuron_type, amplitude=amplitude)
        super().__init__(neuron_type, **kwargs)
        self.max_rates = max_rates
        self.intercepts = intercepts
        self.amplitude = amplitude

    def make_ensemble_kwargs(self, context: LayerContext) -> Mapping[str, Any]:
        """Return the tuning curves, and the other arguments of the Ensemble."""
        curves = {"max_rates": self.max_rates, "intercepts": self.intercepts}
        given = {name: value for name, value in curves.items() if value is not None}
        return {**(self.ensemble_kwargs or {}), **given}


class ChannelNeurons(CustomLayer):
    """
    Neurons that are alike within a channel of the convolution before them.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        The neuron type.
    gain, bias : array_like, optional
        The response curve, by the input that a neuron gets: one value a channel (the last axis
        of the shape that the layer is applied to), or one for all.
    max_rates, intercepts : array_like, optional
        The response curve, by firing rate (Hz) for an input of 1 and the input from which on a
        neuron fires; in place of gain and bias.
    **kwargs
        Arguments of `.CustomLayer`, and parameters that the neuron type declares (a
        `.NeuronModel`, or a `.Surrogate` around one): one value a channel, or one for all. Types
        of nengo, such as `nengo.LIF`, have one value for all.

    Raises
    ------
    nengo.exceptions.ValidationError
        When it is called, if there are not as many values as channels.

    Examples
    --------
    >>> import nengo
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import ChannelNeurons, Sequential
    >>> stack = Sequential(
    ...     [
    ...         tf.keras.layers.Conv2D(2, 3),
    ...         ChannelNeurons(nengo.LIF(), max_rates=[100, 200], intercepts=0),
    ...     ]
    ... )
    >>> with nengo.Network() as net:
    ...     neurons = stack(nengo.Node([0.0] * 16), shape_in=(4, 4, 1))
    >>> neurons.ensemble.max_rates.tolist()
    [100.0, 200.0, 100.0, 200.0, 100.0, 200.0, 100.0, 200.0]
    """

    def __init__(
        self,
        neuron_type: nengo.neurons.NeuronType,
        *,
        gain: Any = None,
        bias: Any = None,
        max_rates: Any = None,
        intercepts: Any = None,
        **kwargs: Any,
    ) -> None:
        names = names_of_parameters(neuron_type)
        parameters = {name: kwargs.pop(name) for name in names if name in kwargs}
        known = ("ensemble_kwargs", "synapse", "trainable", "label")
        settings = () if names else _settings_of(neuron_type)
        given = {name: kwargs.pop(name) for name in settings if name in kwargs}
        if given:
            neuron_type = changed(
                neuron_type,
                **{name: _one_for_all(neuron_type, name, value) for name, value in given.items()},
            )
        unknown = [name for name in kwargs if name not in known]
        if unknown:
            usable = (*_CURVES, *names, *settings, *known)
            raise TypeError(
                f"{type(self).__name__} has no argument {unknown[0]!r}; "
                f"{closest(unknown[0], usable)}it takes {', '.join(usable)}"
            )
        super().__init__(neuron_type, **kwargs)
        self.neuron_parameters = parameters
        self.gain = gain
        self.bias = bias
        self.max_rates = max_rates
        self.intercepts = intercepts

    def make_ensemble_kwargs(self, context: LayerContext) -> Mapping[str, Any]:
        """Return response curves and parameters, spread over the places of each channel."""
        curves = {name: getattr(self, name) for name in _CURVES}
        given = {name: value for name, value in curves.items() if value is not None}
        arguments = dict(self.ensemble_kwargs or {})
        for name, value in (given | self.neuron_parameters).items():
            arguments[name] = self._spread(name, value, context.shape_in)
        return arguments

    def _spread(self, name: str, value: Any, shape: Any) -> np.ndarray:
        values = array_of(value)
        if values is None or values.shape not in ((), shape[-1:]):
            raise LayerError(
                f"expected one number for each of the {shape[-1]} channels of {shape}, or one for "
                f"all, got {value!r}",
                attr=name,
            )
        return np.array(np.broadcast_to(values, shape), dtype=float)


def _settings_of(neuron_type: Any) -> tuple[str, ...]:
    """Return the arguments of one of nengo's types of neurons, which hold for all neurons."""
    if not isinstance(neuron_type, nengo.neurons.NeuronType):
        return ()
    names = inspect.signature(type(neuron_type)).parameters
    return tuple(name for name in names if name not in ("initial_state", "base_type"))


def _one_for_all(neuron_type: Any, name: str, value: Any) -> float:
    """Return the one number that a type of nengo can take."""
    values = array_of(value)
    if values is not None and values.size and np.all(values == values.flat[0]):
        return float(values.flat[0])
    own = type(neuron_type).__name__
    ours = f"Trainable{own}"
    model = getattr(neurons, ours, None)
    remedy = (
        f"write ChannelNeurons({ours}(), {name}=...) with nengo_layers_plus.neurons.{ours}"
        if model is not None and name in model.parameters
        else "write a nengo_layers_plus.NeuronModel that declares it as a parameter"
    )
    raise TypeError(
        f"ChannelNeurons: {own} has one {name} for all of its neurons, got {value!r}; for one a "
        f"channel {remedy}"
    )


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
    scales the recurrent input as it does any other.

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
        with named_in_errors(self):
            check_transform("recurrent_transform", recurrent_transform)
            check_synapse("recurrent_synapse", recurrent_synapse)
        self.recurrent_transform = recurrent_transform
        self.recurrent_synapse = recurrent_synapse

    def on_built(self, parts: LayerParts) -> None:
        """Connect the neurons with each other."""
        if parts.ensemble is None:
            raise LayerError(f"expected a neuron type, got {self.layer_func!r}", attr="neuron_type")
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
            ) from error
        parts.added["recurrent"] = connection
        if connection.has_weights:
            config = nengo.Network.context[-1].config
            trains = parts.trainable.weights is not False
            fix_trainable(config, connection, trains, undo_of_call())


class Residual(Block):
    """
    A residual block: layers, and a shortcut around them, whose outputs are added.

    Parameters
    ----------
    layers : list or Sequential
        The layers that the shortcut leads around.
    shortcut : CustomLayer, tf.keras.layers.Layer, callable or list, optional
        What the shortcut applies, e.g. a convolution of size 1 where the layers change the
        number of channels. By default it applies nothing.
    **kwargs
        Arguments of `.Block`: ``ensemble_kwargs``, ``synapse``, ``trainable``, ``label`` and
        ``subnetwork``.

    Raises
    ------
    nengo.exceptions.ValidationError
        When it is called, if the layers and the shortcut put out different shapes.

    References
    ----------
    .. [1] He, K., Zhang, X., Ren, S., & Sun, J. (2016). Deep residual learning for image
       recognition. *IEEE Conference on Computer Vision and Pattern Recognition*, 770-778.

    Examples
    --------
    >>> import nengo
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import Residual
    >>> block = Residual(
    ...     [tf.keras.layers.Conv2D(8, 3, padding="same"), nengo.LIF()],
    ...     shortcut=tf.keras.layers.Conv2D(8, 1),
    ... )
    >>> with nengo.Network() as net:
    ...     output = block(nengo.Node([0.0] * 16), shape_in=(4, 4, 1))
    >>> output.shape_out, block.layers["lif"].calls[0].shape_out
    ((4, 4, 8), (4, 4, 8))
    """

    def __init__(self, layers: Iterable[Any], shortcut: Any = None, **kwargs: Any) -> None:
        super().__init__(layers, **kwargs)
        self.layers = layers if isinstance(layers, Sequential) else Sequential(layers)
        try:
            self.shortcut = None if shortcut is None else as_layer(shortcut)
        except ValidationError as error:
            raise LayerError(str(error), attr="shortcut", obj=self) from error
        self._add = CustomLayer(tf.keras.layers.Add(), label="add")

    def make_output(self, context: LayerContext) -> Any:
        """Add the outputs of the layers and the shortcut."""
        if isinstance(context.input, tuple):
            raise LayerError("expected one input, got a list", attr="input")
        arguments = context.connection_arguments
        body = self.layers(context.input, **arguments)
        around, shape = context.input, context.shape_in
        if self.shortcut is not None:
            label_next("shortcut")
            around = self.shortcut(context.input, **arguments)
            shape, arguments = self.shortcut.calls[-1].shape_out, {}
        shape_out = self.layers.calls[-1].shape_out
        if shape != shape_out:
            raise LayerError(
                f"the layers put out the shape {shape_out}, the shortcut {shape}, which can't be "
                "added; give layers that keep the shape (padding='same', as many channels), or a "
                "shortcut that changes it",
                attr="shortcut",
            )
        return self._add(
            [body, around],
            transform=[None, arguments.get("transform")],
            synapse=[None, arguments.get("synapse")],
            shape_in=[shape, shape],
        )
