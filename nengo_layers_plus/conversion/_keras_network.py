"""A Keras model as a network, and the values of its inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import nengo
import numpy as np

from nengo_layers_plus._declared import array_of, as_count, as_number
from nengo_layers_plus._upstream import nengo_dl, tf, with_sublayers
from nengo_layers_plus.conversion._layer_names import Named, layers_by_path
from nengo_layers_plus.layers import CustomLayer


def keys_of_inputs(model: tf.keras.Model) -> list[str] | None:
    """Return the keys of a model that was made with a flat dict of inputs, None for others."""
    is_flat = isinstance(model.input, Mapping) and not _is_deep(model.input)
    return sorted(model.input) if is_flat else None  # the order of model.inputs


def in_order(model: tf.keras.Model, names: Sequence[str], inputs: Any) -> list[Any]:
    """
    Return one value for each of ``model.inputs``, paired as ``model.predict`` does it.

    Parameters
    ----------
    model : tf.keras.Model
        The model.
    names : sequence of str
        What the inputs are called in the network. They are taken as keys where they are not those
        of Keras.
    inputs : array_like, list or Mapping
        As given by the user.

    Raises
    ------
    ValueError
        If there are not as many, or if they have other keys.
    """
    n_inputs = len(model.inputs)
    if _is_deep(model.input):
        try:
            tf.nest.assert_same_structure(model.input, inputs, check_types=False)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"present: expected inputs in the structure of the model's, {model.input}"
            ) from error
        return list(tf.nest.flatten(inputs))
    if isinstance(inputs, Mapping):
        # the keys of a dict that the model was made with win over the names of the input layers
        keys = keys_of_inputs(model) or model.input_names
        for known in (keys, names):
            if set(inputs) == set(known):
                return [inputs[key] for key in known]
        raise ValueError(
            f"present: inputs: expected values for {', '.join(keys)}, got "
            f"{', '.join(map(str, inputs))}"
        )
    values = list(inputs) if isinstance(inputs, Iterable) and n_inputs > 1 else [inputs]
    if len(values) != n_inputs:
        raise ValueError(f"present: expected {n_inputs} inputs, got {len(values)}")
    return values


def for_predict(model: tf.keras.Model, values: Sequence[Any]) -> Any:
    """Return values, one for each of ``model.inputs``, as ``model.predict`` takes them."""
    if isinstance(model.input, tuple):
        return list(values)
    return tf.nest.pack_sequence_as(model.input, values)


def _is_deep(structure: Any) -> bool:
    """Say whether a structure of inputs has dicts, lists or tuples within it."""
    parts = structure.values() if isinstance(structure, Mapping) else structure
    return tf.nest.is_nested(structure) and any(map(tf.nest.is_nested, parts))


_MINIBATCH = 100


class KerasNetwork:
    """
    A Keras model, and the network that `from_keras` made of it.

    Attributes
    ----------
    model : tf.keras.Model
        The model. It is not changed, whatever is done to the network.
    net : nengo.Network
        The network.
    inputs : Mapping
        The Node of each input of the model, by its name, its input layer or its Keras tensor.
        Where `from_keras` was given other objects to begin with, those.
    outputs : Mapping
        The Probe of each output, by its name, its Keras layer or its Keras tensor. The name is that
        of the layer, or the key if the model returns a dict.
    layers : Mapping
        The `CustomLayer` of each Keras layer, by its name or by the Keras layer. Layers of a
        model within the model have names such as ``"encoder/conv1"``. What was made of it is in
        ``layers["conv1"].calls``, one for each time that the model calls the layer.
    neurons : Mapping
        The `CustomLayer` of the neurons of each Keras layer that has an activation for which
        neurons stand, likewise.

    Notes
    -----
    A name is that of the Keras layer. Where Keras gave it (``dense_7``), the layers are numbered
    within their model instead: ``dense``, ``dense_1``. The name that Keras has is found as well,
    unless another layer of the network is called so.

    Examples
    --------
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import from_keras
    >>> model = tf.keras.Sequential(
    ...     [
    ...         tf.keras.Input((4,), name="image"),
    ...         tf.keras.layers.Dense(3, activation="relu", name="hidden"),
    ...         tf.keras.layers.Dense(2, name="digit"),
    ...     ]
    ... )
    >>> converted = from_keras(model)
    >>> (
    ...     list(converted.inputs),
    ...     list(converted.layers),
    ...     list(converted.neurons),
    ...     list(converted.outputs),
    ... )
    (['image'], ['hidden', 'digit'], ['hidden'], ['digit'])
    >>> converted.neurons["hidden"].calls[0].ensemble.n_neurons
    3
    """

    def __init__(
        self,
        model: tf.keras.Model,
        net: nengo.Network,
        inputs: Named[Any],
        outputs: Named[nengo.Probe],
        layers: Named[CustomLayer],
        neurons: Named[CustomLayer],
    ) -> None:
        self.model = model
        self.net = net
        self.inputs = inputs
        self.outputs = outputs
        self.layers = layers
        self.neurons = neurons

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} of {self.net.label!r}: {len(self.layers)} layers, "
            f"{len(self.neurons)} with neurons>"
        )

    @property
    def input(self) -> Any:
        """
        The Node of the only input.

        Raises
        ------
        AttributeError
            If there are several.
        """
        return _only("inputs", self.inputs)

    @property
    def output(self) -> nengo.Probe:
        """
        The Probe of the only output.

        Raises
        ------
        AttributeError
            If there are several.
        """
        return _only("outputs", self.outputs)

    def present(self, inputs: Any, n_steps: int = 1) -> dict[nengo.Node, np.ndarray]:
        """
        Present inputs of the model to the network, each for some time steps.

        Parameters
        ----------
        inputs : array_like, list or dict
            What ``model.predict`` takes: ``(batch, *shape)``, for several inputs a list of these,
            or a dict. Its keys are those of the dict that the model was made with, else the names
            of the inputs.
        n_steps : int
            Number of time steps.

        Returns
        -------
        inputs : dict of ndarray
            Arrays of shape ``(batch, n_steps, size)`` for each Node, as ``predict`` and ``fit``
            of a `nengo_dl.Simulator` take them.

        Raises
        ------
        ValueError
            If shapes do not fit, or the network begins with other objects than Nodes of its own.

        Examples
        --------
        >>> import numpy as np
        >>> import tensorflow as tf
        >>> from nengo_layers_plus import from_keras
        >>> model = tf.keras.Sequential([tf.keras.Input((2, 3)), tf.keras.layers.Flatten()])
        >>> converted = from_keras(model)
        >>> converted.present(np.ones((5, 2, 3)), n_steps=10)[converted.input].shape
        (5, 10, 6)
        """
        n_steps = as_count(n_steps, "n_steps", self)
        values = in_order(self.model, list(self.inputs), inputs)
        presented = {}
        for (name, node), value, tensor in zip(
            self.inputs.items(), values, self.model.inputs, strict=True
        ):
            if not isinstance(node, nengo.Node) or node.size_in or node not in self.net.nodes:
                raise ValueError(
                    f"present: the input {name!r} comes from {node}, which the network was given; "
                    "feed the objects before it"
                )
            array = array_of(value)
            shape = tuple(tensor.shape[1:])
            if array is None or array.ndim == 0 or array.shape[1:] != shape:
                got = repr(value) if array is None else array.shape
                raise ValueError(
                    f"present: inputs: expected an array of shape (batch, "
                    f"{', '.join(map(str, shape))}) for the input {name!r}, got {got}"
                )
            flat = array.reshape(len(array), 1, node.size_out)
            presented[node] = np.tile(flat, (1, n_steps, 1))
        return presented

    def differences(self, inputs: Any, n_steps: int = 1) -> dict[str, float]:
        """
        Return how far the network's outputs are from those of the model.

        Parameters
        ----------
        inputs : array_like, list or dict
            What ``model.predict`` takes.
        n_steps : int
            Number of time steps for which each input is presented. Without spikes and synapses
            one is enough.

        Returns
        -------
        differences : dict of float
            The largest absolute difference of each output in the last time step, by its name.

        Raises
        ------
        ValueError
            If shapes do not fit.

        Notes
        -----
        A `nengo_dl.Simulator` is made for it. The network has the weights that the last one that
        trained it left.
        """
        presented = self.present(inputs, n_steps)
        n_inputs = {len(values) for values in presented.values()}
        if len(n_inputs) != 1 or 0 in n_inputs:
            raise ValueError(f"differences: expected inputs of one length, got {n_inputs}")
        (length,) = n_inputs
        values = in_order(self.model, list(self.inputs), inputs)
        expected = tf.nest.flatten(
            self.model.predict(for_predict(self.model, list(map(np.asarray, values))), verbose=0)
        )
        minibatch = min(length, _MINIBATCH)
        # nengo_dl takes whole minibatches only
        missing = -length % minibatch
        padded = {
            node: np.concatenate([values, np.repeat(values[-1:], missing, axis=0)])
            for node, values in presented.items()
        }
        with nengo_dl.Simulator(self.net, minibatch_size=minibatch, progress_bar=False) as sim:
            got = sim.predict(padded, verbose=0)
        return {
            name: float(np.max(np.abs(got[probe][:length, -1] - values.reshape(length, -1))))
            for (name, probe), values in zip(self.outputs.items(), expected, strict=True)
        }

    def verify(self, inputs: Any, atol: float = 1e-5, n_steps: int = 1) -> dict[str, float]:
        """
        Raise if the network's outputs are not those of the model.

        Parameters
        ----------
        inputs : array_like, list or dict
            What ``model.predict`` takes.
        atol : float
            The largest difference that is allowed.
        n_steps : int
            Number of time steps for which each input is presented.

        Returns
        -------
        differences : dict of float
            As `differences` returns them.

        Raises
        ------
        ValueError
            If an output differs by more than ``atol``, or if shapes do not fit.
        """
        atol = as_number(atol, "atol", self, low=0)
        differences = self.differences(inputs, n_steps)
        for name, difference in differences.items():
            if not difference <= atol:
                raise ValueError(
                    f"the output {name!r} of the network differs from that of the model by up to "
                    f"{difference:.2g} after {n_steps} time steps, more than {atol:g}"
                )
        return differences

    def copy_weights_to(self, target: KerasNetwork | tf.keras.Model) -> None:
        """
        Copy the weights that the network has now to another network, or back to a model.

        Parameters
        ----------
        target : KerasNetwork or tf.keras.Model
            A network of the same model, for instance with spiking neurons, or a model with the
            same layers, which is changed by it. Layers that are those of this network's model get
            their own weights, others those of the layer of their name in the network.

        Raises
        ------
        ValueError
            If a layer is missing there, or has other weights. Nothing is copied then.

        Examples
        --------
        >>> import nengo
        >>> import tensorflow as tf
        >>> from nengo_layers_plus import from_keras
        >>> model = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(2)])
        >>> trained, spiking = from_keras(model), from_keras(model, nengo.SpikingRectifiedLinear())
        >>> trained.copy_weights_to(spiking)
        """
        pairs = []
        for name, layer in self.layers.items():
            source = layer.layer_func
            if not isinstance(source, tf.keras.layers.Layer) or not source.weights:
                continue
            copy = _keras_layer_of(target, name, self.layers.keras_objects(name))
            here, there = ([tuple(w.shape) for w in layer.weights] for layer in (source, copy))
            if here != there:
                raise ValueError(
                    f"copy_weights_to: the weights of the layer {name!r} have the shapes {here}, "
                    f"and in the target {there}"
                )
            pairs.append((source, copy))
        for source, copy in pairs:
            copy.set_weights(source.get_weights())


def _keras_layer_of(target: Any, name: str, same: Sequence[Any]) -> tf.keras.layers.Layer:
    """Return one of the same Keras layers in a network or model, else the layer of a name."""
    if isinstance(target, KerasNetwork):
        for key in (*same, name):
            if key in target.layers:
                return target.layers[key].layer_func
        known = list(target.layers)
    elif isinstance(target, tf.keras.Model):
        layers = layers_by_path(target)
        shared = (layer for layer in with_sublayers(target) if any(layer is one for one in same))
        layer = next(shared, layers.get(name))
        if layer is not None:
            return layer
        known = list(layers)
    else:
        raise ValueError(
            f"copy_weights_to: expected a KerasNetwork or tf.keras.Model, got {target!r}"
        )
    raise ValueError(
        f"copy_weights_to: {target!r} has no layer {name!r}; it has {', '.join(known) or 'none'}"
    )


def _only(what: str, values: Mapping[str, Any]) -> Any:
    if len(values) != 1:
        raise AttributeError(f"there are {len(values)} {what}: {', '.join(values)}; use {what}")
    return next(iter(values.values()))
