"""Neurons whose parameters differ by channel."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import nengo
import numpy as np

from nengo_layers_plus import neurons
from nengo_layers_plus._declared import array_of
from nengo_layers_plus.layers._custom_layer import CustomLayer
from nengo_layers_plus.layers._ensemble_arguments import closest
from nengo_layers_plus.layers._errors import LayerError
from nengo_layers_plus.layers._layer_context import LayerContext
from nengo_layers_plus.layers._neuron_parameters import names_of_parameters
from nengo_layers_plus.neurons import changed


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
            usable = ("gain", "bias", "max_rates", "intercepts", *names, *settings, *known)
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
        arguments = dict(self.ensemble_kwargs or {})
        for name in ("gain", "bias", "max_rates", "intercepts"):
            value = getattr(self, name)
            if value is not None:
                arguments[name] = self._spread(name, value, context.shape_in)
        for name, value in self.neuron_parameters.items():
            arguments[name] = self._spread(name, value, context.shape_in)
        return arguments

    def _spread(self, name: str, value: Any, shape: Any) -> np.ndarray:
        values = array_of(value)
        if values is None or values.shape not in ((), shape[-1:]):
            raise LayerError(
                f"expected one number for each of the {shape[-1]} channels of {shape}, or one for "
                f"all, got {value!r}",
                attr=name,
                obj=self,
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
    other = f"Trainable{own}"
    model = getattr(neurons, other, None)
    remedy = (
        f"write ChannelNeurons({other}(), {name}=...) with nengo_layers_plus.neurons.{other}"
        if model is not None and name in model.parameters
        else "write a nengo_layers_plus.NeuronModel that declares it as a parameter"
    )
    raise TypeError(
        f"ChannelNeurons: {own} has one {name} for all of its neurons, got {value!r}; for one a "
        f"channel {remedy}"
    )
