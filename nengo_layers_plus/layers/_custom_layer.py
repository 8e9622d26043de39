"""The layer that opens what `nengo_dl.Layer` hides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import nengo
from nengo.exceptions import ValidationError

from nengo_layers_plus._declared import as_text
from nengo_layers_plus._upstream import nengo_dl, snake_case_of, tf
from nengo_layers_plus.graph import declare_shape, size_of
from nengo_layers_plus.layers._base_layer import (
    BaseLayer,
    LayerCall,
    overridden_hooks,
    own_name,
    show,
)
from nengo_layers_plus.layers._ensemble_arguments import (
    Level,
    closest,
    ensemble_arguments,
)
from nengo_layers_plus.layers._errors import LayerError, UnknownArgumentError, warn_user
from nengo_layers_plus.layers._layer_call import (
    NOT_GIVEN,
    ORIGINS,
    LayerContext,
    LayerInputs,
    LayerParts,
    Origin,
    check_synapse,
    per_input,
)
from nengo_layers_plus.layers._layer_func import (
    FunctionOfSeveral,
    LayerWrapper,
    check_layer_func,
    must_be_kept,
    warn_of_hidden_weights,
)
from nengo_layers_plus.layers._trainable import (
    Kind,
    apply_trainable,
    choose_trainable,
    coerce_trainable,
    set_trained,
)
from nengo_layers_plus.neurons import StoppedGradientWarning, model_in, why_in_python

_CALL, _DEFAULT = "the call", "the layer's default"


class CustomLayer(BaseLayer):
    """
    A drop-in for `nengo_dl.Layer` whose every choice can be changed.

    Called on an object of a network, it makes an Ensemble (of a neuron type) or a TensorNode (of
    a Keras layer or function) and a connection to it, exactly as `nengo_dl.Layer` would. Each
    thing that the stock layer decides by itself is an argument here, and for subclasses a method:
    `make_layer_func`, `make_ensemble_kwargs`, `make_synapse`, `make_trainable` and `on_built`.

    Parameters
    ----------
    layer_func : tf.keras.layers.Layer, callable or nengo.neurons.NeuronType, optional
        What the layer applies. A function takes a tensor ``(batch, *shape_in)``. Subclasses that
        override `make_layer_func` may do without.
    ensemble_kwargs : dict, optional
        Arguments of `nengo.Ensemble` for a layer of neurons: gain, bias, max_rates (Hz),
        intercepts, encoders, noise, seed and so on; and the parameters of a `.NeuronModel`. A
        number is used for all neurons, an array of the shape of the population is taken neuron
        by neuron, and a distribution is drawn from.
    synapse : None, float or nengo.synapses.Synapse, optional
        Filter on the connection into the layer: a time constant in seconds, a synapse, None for
        no filter, or ``nengo.Default`` for the network's default. Not given means None, as in
        the stock layer. For several inputs a list gives one to each.
    trainable : Trainable, dict or bool, optional
        What trains. True and False mean the layer's own parameters, never the connection.
    label : str, optional
        Name of the Ensemble or TensorNode.

    Attributes
    ----------
    layer_func, ensemble_kwargs, synapse, trainable, label
        As given.
    calls : list of LayerParts
        What each call made.

    Notes
    -----
    A setting given to the call wins over the hook, the hook over the network's configuration,
    and that over nengo's default.

    A call that fails leaves the network as it was.

    Several inputs are given as a list. A Keras layer gets a list of tensors, a function one
    tensor for each, and neurons the sum of the connections.

    Examples
    --------
    >>> import nengo
    >>> import numpy as np
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import CustomLayer, Trainable, nengo_dl
    >>> with nengo.Network(seed=0) as net:
    ...     image = nengo.Node(np.ones(16))
    ...     conv = CustomLayer(tf.keras.layers.Conv2D(3, 2))(image, shape_in=(4, 4, 1))
    ...     neurons = CustomLayer(
    ...         nengo.LIF(), ensemble_kwargs={"gain": 1, "bias": 2}, synapse=0.005
    ...     )(conv)
    ...     flat = CustomLayer(tf.keras.layers.Dense(2), trainable=False)(neurons)
    ...     probe = nengo.Probe(flat)
    >>> with nengo_dl.Simulator(net, progress_bar=False) as sim:
    ...     sim.run_steps(3)
    ...     sim.data[probe].shape
    (3, 2)

    A subclass overrides the method for what it decides:

    >>> class Steady(CustomLayer):
    ...     def make_ensemble_kwargs(self, context):
    ...         return {"gain": np.ones(context.size_in), "bias": np.zeros(context.size_in)}
    >>> layer = Steady(nengo.RectifiedLinear(), label="steady")
    >>> with net:
    ...     layer(image)  # doctest: +ELLIPSIS
    <Neurons at ... of <Ensemble 'steady' at ...>>
    """

    adds_parts: ClassVar[tuple[str, ...]] = ()
    """Fields of `.Trainable` for what `on_built` adds, which go by ``parts.trainable``."""

    def _build(self, call: LayerCall) -> LayerParts:
        layer_func = self._applied(call.context)
        kind = kind_of(layer_func, call.inputs.n_listed)
        shape: Any = call.context.shape_in
        if kind == "neurons":
            shape = call.inputs.population_shape()
            call.context = replace(call.context, shape_in=shape, size_in=size_of(shape))
        layer_func, arguments, set_by = self._choose_arguments(call, layer_func, kind)
        synapses, synapse_by = self._choose_synapses(call, kind)
        has_model = kind == "neurons" and model_in(layer_func) is not None
        trainable, trained_by = choose_trainable(
            coerce_trainable(self.make_trainable(call.context)),
            call.inherited.trainable,
            self._source("make_trainable"),
            kind,
            (*(("neuron_parameters",) if has_model else ()), *self.adds_parts),
            adds="on_built" in overridden_hooks(type(self)),
        )
        if kind == "neurons":
            layer_func = set_trained(layer_func, trainable.neuron_parameters)
        target, connections = self._make_objects(call, layer_func, kind, arguments, synapses)
        ensemble, node = (target, None) if kind == "neurons" else (None, target)
        keras_layer = layer_func if kind == "keras" else None
        apply_trainable(trainable, connections, ensemble, keras_layer, str(self), call.undo)

        set_by |= {f"trainable.{part}": source for part, source in trained_by.items()}
        if "make_layer_func" in overridden_hooks(type(self)):
            set_by["layer_func"] = self._source("make_layer_func")
        ORIGINS[target] = Origin(str(self), set_by)
        of_connections = {
            "synapse": synapse_by,
            "transform": _CALL if "transform" in call.context.call_arguments else _DEFAULT,
            "trainable": trained_by.get("connection", _DEFAULT),
        }
        for connection in connections:
            ORIGINS[connection] = Origin(str(self), of_connections)
        return LayerParts(
            input=call.context.input,
            output=node if ensemble is None else ensemble.neurons,
            connection=call.inputs.unwrapped(connections),
            ensemble=ensemble,
            node=node,
            shape_in=shape,
            shape_out=shape if node is None else tuple(node.shape_out),
            trainable=trainable,
        )

    def _applied(self, context: LayerContext) -> Any:
        # a user may have given the layer another layer_func since the last call
        if self._made is None or self._made[0] is not self.layer_func:
            self._made = (self.layer_func, self.make_layer_func(context))
        return self._made[1]

    def _source(self, hook: str) -> str:
        """Return the hook or the argument in words, as the place where a value was set."""
        if hook in overridden_hooks(type(self)):
            return f"{hook} of {type(self).__name__}"
        return f"{hook.removeprefix('make_')} of the layer"

    # choices, with the place where a value was set

    def _choose_arguments(
        self, call: LayerCall, layer_func: Any, kind: Kind
    ) -> tuple[Any, dict[str, Any], dict[str, str]]:
        """Return the layer_func with the parameters that were given, and other arguments."""
        from_hook = self._ensemble_kwargs(call.context)
        if kind == "neurons":
            levels = [
                Level(_CALL, "call", call.arguments),
                Level(self._source("make_ensemble_kwargs"), "ensemble_kwargs", from_hook),
                *call.inherited.ensemble_kwargs,
            ]
            shape: Any = call.context.shape_in
            layer_func, arguments, set_by = ensemble_arguments(levels, shape, layer_func)
        else:
            _check_node_arguments(from_hook, call.arguments)
            arguments = dict(call.arguments)
            set_by = dict.fromkeys(arguments, _CALL)
        label = as_text(arguments.pop("label", self.label), "label", None, LayerError)
        label = label or call.inherited.label
        if label is not None:
            arguments["label"] = call.inherited.prefix + label
        return layer_func, arguments, set_by

    def _choose_synapses(self, call: LayerCall, kind: Kind) -> tuple[tuple[Any, ...], str]:
        """Return the synapses of the connections."""
        nearest_first = [
            (call.context.call_arguments.get("synapse", NOT_GIVEN), _CALL),
            (self.make_synapse(call.context), self._source("make_synapse")),
            # that of a block is for connections into neurons
            (call.inherited.synapse if kind == "neurons" else NOT_GIVEN, "synapse of the block"),
            (None, _DEFAULT),
        ]
        synapse, source = next(item for item in nearest_first if item[0] is not NOT_GIVEN)
        synapses = per_input("synapse", synapse, len(call.inputs.items), call.inputs.is_list)
        for synapse in synapses:
            check_synapse("synapse", synapse)
        return synapses, source

    # the objects, as nengo_dl.Layer would make them

    def _make_objects(
        self,
        call: LayerCall,
        layer_func: Any,
        kind: Kind,
        arguments: Mapping[str, Any],
        synapses: Sequence[Any],
    ) -> tuple[Any, tuple[nengo.Connection, ...]]:
        """Make the Ensemble or TensorNode, and connect the inputs to it."""
        shape: Any = call.context.shape_in
        target: Any
        try:
            if kind == "neurons":
                target = nengo.Ensemble(size_of(shape), 1, neuron_type=layer_func, **arguments)
                declare_shape(target, shape)
            else:
                target = _make_node(layer_func, kind, call.inputs, arguments)
            connections = _connect(call.inputs, target, synapses)
        except ValidationError as error:
            # nengo raises its errors from themselves, which leaves their cause in the context
            cause = "" if error.__context__ is None else f"; {error.__context__}"
            # the name of the layer does not show the object that a hook made
            by_hook = "" if layer_func is self.layer_func else f"; layer_func is {layer_func!r}"
            raise LayerError(
                f"{error} (input of shape {shape}{by_hook}{cause})", attr="call"
            ) from error
        if kind == "function":
            warn_of_hidden_weights(layer_func, str(self))
        elif kind == "neurons" and (reason := why_in_python(layer_func)) is not None:
            warn_user(
                f"{self}: {reason}, so that it runs in Python, step by step, and stops gradients: "
                "nothing before it can be trained through it. What to do: write it as a "
                "nengo_layers_plus.NeuronModel, or filter this StoppedGradientWarning if you want "
                "that",
                StoppedGradientWarning,
            )
        return target, connections

    # how it shows

    def _default_name(self) -> str:
        if type(self) is not CustomLayer:
            return super()._default_name()
        name = own_name(self.layer_func)
        if name in (None, "<lambda>") or isinstance(self.layer_func, tf.keras.layers.Layer):
            return snake_case_of(self.layer_func)
        return str(name)

    def __repr__(self) -> str:
        overridden = overridden_hooks(type(self))
        made = self.layer_func if self._made is None else self._made[1]
        if made is None:
            target = "what make_layer_func returns"
        elif isinstance(made, type):
            target = f"nothing of the class {made.__name__} (an instance is needed)"
        elif isinstance(made, nengo.neurons.NeuronType):
            target = f"an Ensemble of {made!r} neurons"
        else:
            target = f"a TensorNode of {show(made)}"
        synapse = f"synapse {None if self.synapse is NOT_GIVEN else self.synapse!r}"
        if "make_synapse" in overridden:
            synapse = "the synapse of make_synapse"
        hooks = f", {' and '.join(overridden)} overridden" if overridden else ""
        return f"<{super().__repr__()} makes {target} and a Connection with {synapse}{hooks}>"


def kind_of(layer_func: Any, n_inputs: int | None = None) -> Kind:
    """
    Return the kind of a layer_func, after a check that a layer can apply it.

    Parameters
    ----------
    layer_func : object
        The value that `CustomLayer.make_layer_func` returned.
    n_inputs : int or None
        The number of inputs, if the layer was called on a list of them.

    Returns
    -------
    kind : {"neurons", "keras", "function"}
    """
    has_neurons = isinstance(layer_func, nengo.neurons.NeuronType)
    if has_neurons and not isinstance(layer_func, nengo.Direct):
        return "neurons"
    return check_layer_func(layer_func, n_inputs)


def _check_node_arguments(from_hook: Mapping[str, Any], from_call: Mapping[str, Any]) -> None:
    if from_hook:
        raise LayerError(
            f"{', '.join(from_hook)} can't be used: a layer made of a Keras layer or function "
            "makes no Ensemble; give them to a layer of neurons",
            attr="ensemble_kwargs",
        )
    known = ("shape_out", "label", "transform", "shape_in", "synapse", "return_conn")
    for name in from_call:
        if name not in known:
            raise UnknownArgumentError(
                f"a layer made of a Keras layer or function has no argument {name!r}; "
                f"{closest(name, known)}it takes {', '.join(known)}",
                attr="call",
            )


def _make_node(
    layer_func: Any, kind: Kind, inputs: LayerInputs, arguments: Mapping[str, Any]
) -> nengo_dl.TensorNode:
    """Make the TensorNode of a Keras layer or function; several inputs lie flat in its input."""
    shape = inputs.items[0].shape
    shapes = None
    if inputs.is_list:
        shapes = [item.shape for item in inputs.items]
        shape = (sum(item.size for item in inputs.items),)
    if kind == "function":
        layer_func = layer_func if shapes is None else FunctionOfSeveral(layer_func, shapes)
    elif shapes is not None or must_be_kept(layer_func):
        layer_func = LayerWrapper(layer_func, shapes)
    return nengo_dl.TensorNode(layer_func, shape_in=shape, pass_time=False, **arguments)


def _connect(
    inputs: LayerInputs, target: Any, synapses: Sequence[Any]
) -> tuple[nengo.Connection, ...]:
    """Connect the inputs to the neurons of an Ensemble, or to their parts of a TensorNode."""
    connections = []
    start = 0
    for item, synapse in zip(inputs.items, synapses, strict=True):
        post = target
        if isinstance(target, nengo.Ensemble):
            post = target.neurons
        elif len(inputs.items) > 1:
            post = target[start : start + item.size]
        start += item.size
        try:
            connection = nengo.Connection(
                item.source, post, synapse=synapse, transform=item.transform
            )
        except ValidationError as error:
            given = "" if item.transform is None else f"; the transform is {item.transform!r}"
            raise ValidationError(
                f"from {item.source} ({item.source.size_out} values) to {post} "
                f"({post.size_in} values): {error}{given}",
                attr="connection",
            ) from error
        connections.append(connection)
    return tuple(connections)
