"""The layer that opens what `nengo_dl.Layer` hides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import nengo
from nengo.exceptions import NetworkContextError, ValidationError

from nengo_layers_plus._declared import as_flag, as_text, holds_itself
from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph import Shape, plain
from nengo_layers_plus.layers._building import (
    connect,
    count_objects,
    forget_new_objects,
    make_ensemble,
    make_node,
)
from nengo_layers_plus.layers._describe import default_name, describe, name_of
from nengo_layers_plus.layers._enclosing import Enclosing, Inherited, enclosing_call, inside
from nengo_layers_plus.layers._ensemble_arguments import closest, ensemble_arguments
from nengo_layers_plus.layers._errors import LayerError, MissingInitError, UnknownArgumentError
from nengo_layers_plus.layers._hooks import overridden_hooks, warn_of_misspelt_hooks
from nengo_layers_plus.layers._inputs import (
    LayerInput,
    choose_synapses,
    population_shape,
    resolve_inputs,
)
from nengo_layers_plus.layers._layer_context import LayerContext
from nengo_layers_plus.layers._layer_func import Kind, kind_of, warn_of_hidden_weights
from nengo_layers_plus.layers._layer_parts import LayerParts
from nengo_layers_plus.layers._neuron_parameters import (
    PART,
    set_trained,
    take_values,
    warn_of_stopped_gradients,
)
from nengo_layers_plus.layers._not_given import NOT_GIVEN
from nengo_layers_plus.layers._origins import note_origins
from nengo_layers_plus.layers._trainable import Trainable
from nengo_layers_plus.layers._training import (
    apply_to_added,
    apply_trainable,
    check_trainable,
    coerce_trainable,
    trainable_of_added,
)
from nengo_layers_plus.neurons import model_in

_NODE_ARGUMENTS = ("shape_out", "label")


class CustomLayer(nengo_dl.Layer):
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

    def __init__(
        self,
        layer_func: Any = None,
        *,
        ensemble_kwargs: Mapping[str, Any] | None = None,
        synapse: Any = NOT_GIVEN,
        trainable: Trainable | Mapping[str, Any] | bool | None = None,
        label: str | None = None,
    ) -> None:
        # what make_layer_func made, and from which layer_func
        self._made: tuple[Any, Any] | None = None
        self.calls: list[LayerParts] = []
        self.ensemble_kwargs = ensemble_kwargs
        self.synapse = synapse
        self.trainable = trainable
        self.label = label
        if holds_itself(layer_func):
            raise ValidationError(
                f"a list that is in itself has no end: {layer_func!r}", "layer_func", type(self)
            )
        # late, since a stack makes its layers of it, and names itself if it can't
        super().__init__(layer_func)
        as_text(label, "label", self, LayerError)

    # hooks

    def make_layer_func(self, context: LayerContext) -> Any:
        """
        Return what the layer applies.

        Runs once a layer, at its first call, so that several calls share their weights.

        Parameters
        ----------
        context : LayerContext
            The call.

        Returns
        -------
        layer_func : tf.keras.layers.Layer, callable or nengo.neurons.NeuronType
        """
        return self.layer_func

    def make_ensemble_kwargs(self, context: LayerContext) -> Mapping[str, Any] | None:
        """
        Return arguments for the Ensemble.

        Parameters
        ----------
        context : LayerContext
            The call; ``size_in`` is the number of neurons.

        Returns
        -------
        arguments : Mapping or None
            Arguments of `nengo.Ensemble`. A layer that makes no Ensemble must return None or
            nothing in it.
        """
        return self.ensemble_kwargs

    def make_synapse(self, context: LayerContext) -> Any:
        """
        Return the synapse of the connection into the layer.

        Parameters
        ----------
        context : LayerContext
            The call.

        Returns
        -------
        synapse : None, float, nengo.synapses.Synapse or nengo.Default
            With several inputs one for all, or a list with one for each.
        """
        return self.synapse

    def make_trainable(self, context: LayerContext) -> Trainable | Mapping[str, Any] | bool | None:
        """
        Return what trains.

        Parameters
        ----------
        context : LayerContext
            The call.

        Returns
        -------
        trainable : Trainable, Mapping, bool or None
        """
        return self.trainable

    def on_built(self, parts: LayerParts) -> None:
        """
        Do more once the objects exist, such as adding a probe or a recurrent connection.

        Runs inside the network of the call. If it raises, all that the call made is taken back.

        What is added goes by the layer's own setting of what trains, be it its own or that of a
        block around it: Connections and Keras layers by ``weights``, Ensembles by ``bias`` and
        ``neuron_parameters``, of which True and False mean all. What says something itself
        (``network.config[connection].trainable``, or a layer's ``trainable``) goes by that.

        Parameters
        ----------
        parts : LayerParts
            What the call made.
        """

    # the call

    def __call__(
        self,
        input: Any,
        transform: Any = nengo_dl.compat.default_transform,
        shape_in: Any = None,
        synapse: Any = NOT_GIVEN,
        return_conn: bool = False,
        **layer_args: Any,
    ) -> Any:
        """
        Apply the layer to an object of the network.

        Parameters
        ----------
        input : NengoObject, a slice of one, or a list of these
            A Node, Ensemble, Neurons or TensorNode.
        transform : number, array_like, nengo.dists.Distribution or nengo.transforms.Transform
            Of the connection from the input. With several inputs one for all, or a list with
            one for each.
        shape_in : tuple of int or "auto", optional
            Shape in which the layer sees its input, without the batch. The default is flat, as
            in the stock layer; ``"auto"`` takes over the shape of the input. With several inputs
            one for all, or a list with one for each.
        synapse : None, float, nengo.synapses.Synapse or nengo.Default, optional
            Of the connection from the input; wins over that of the layer.
        return_conn : bool
            Also return the connection, or for several inputs the list of them.
        **layer_args
            Arguments of `nengo.Ensemble` for a layer of neurons, else ``shape_out`` and
            ``label`` of the TensorNode; win over those of the layer.

        Returns
        -------
        obj : nengo_dl.TensorNode or nengo.ensemble.Neurons
            What was made.
        conn : nengo.Connection or list of nengo.Connection
            Only if ``return_conn`` is True.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument, or what a hook returned, can't be used. The error names the layer,
            what was expected, what came, and what to do.
        nengo.exceptions.NetworkContextError
            If it is called outside of a network.
        """
        if not nengo.Network.context:
            raise NetworkContextError(
                f"{self} can only be called inside a `with network:` block, as it makes objects"
            )
        several = isinstance(input, list | tuple)
        sources = tuple(input) if several else (input,)
        if not sources:
            raise LayerError("expected at least one input, got none", attr="input", obj=self)
        inputs = resolve_inputs(self, sources, several, transform, shape_in)

        given = {"transform": transform, "shape_in": shape_in, **layer_args}
        given = {name: value for name, value in given.items() if value is not None}
        if synapse is not NOT_GIVEN:
            given["synapse"] = synapse
        return_conn = as_flag(return_conn, "return_conn", self, LayerError)
        if return_conn:
            given["return_conn"] = return_conn
        context = LayerContext(
            input=sources if several else input,
            shape_in=_one_or_all([each.shape for each in inputs], several),
            size_in=_one_or_all([each.size for each in inputs], several),
            call_arguments=MappingProxyType(given),
        )
        parts = self._call(context, inputs, layer_args)
        if not return_conn:
            return parts.output
        connection = parts.connection
        return parts.output, (list(connection) if isinstance(connection, tuple) else connection)

    def _call(
        self,
        context: LayerContext,
        inputs: tuple[LayerInput, ...],
        layer_args: Mapping[str, Any],
    ) -> LayerParts:
        """Build all, or leave all as it was."""
        around = enclosing_call()
        inherited = Inherited() if around is None else around.inherited
        with ExitStack() as undo:
            undo.callback(setattr, self, "_made", self._made)
            network = nengo.Network.context[-1]
            before = count_objects(network)
            forget_new_objects(network, before, undo)
            with inside(Enclosing(undo)):
                parts = self._build(context, inputs, layer_args, inherited, undo)
            self.calls.append(parts)
            undo.callback(self.calls.remove, parts)
            trainable = trainable_of_added(parts.trainable)
            with inside(Enclosing(undo, Inherited(trainable=trainable))) as enclosing:
                self.on_built(parts)
            made = (parts, *enclosing.parts)
            apply_to_added(self, trainable, network, before, made, undo)
            done = undo.pop_all()
        if around is not None:
            around.undo.callback(done.close)
            around.parts.append(parts)
        return parts

    def _build(
        self,
        context: LayerContext,
        inputs: tuple[LayerInput, ...],
        layer_args: Mapping[str, Any],
        inherited: Inherited,
        undo: ExitStack,
    ) -> LayerParts:
        """Make the objects of one call."""
        several = isinstance(context.input, tuple)
        overridden = overridden_hooks(type(self), CustomLayer)
        layer_func = self._layer_func(context)
        kind = kind_of(self, layer_func, n_inputs=len(inputs) if several else None)
        population: Shape = ()
        if kind == "neurons":
            population = population_shape(self, inputs)
            context = replace(context, shape_in=population, size_in=inputs[0].size)
        levels: Mapping[str, Mapping[str, Any]] = {
            "call": layer_args,
            "ensemble_kwargs": self._ensemble_kwargs(context),
        }
        given = levels
        if kind == "neurons":
            layer_func, levels = take_values(self, layer_func, levels, population)
        arguments = self._object_arguments(layer_func, levels, inherited, population)
        own_synapse = self.make_synapse(context)
        synapses = choose_synapses(
            self,
            context.call_arguments.get("synapse", NOT_GIVEN),
            own_synapse,
            inherited.synapse if kind == "neurons" else NOT_GIVEN,
            n_inputs=len(inputs) if several else None,
        )
        own_trainable = coerce_trainable(self, self.make_trainable(context))
        trainable, train_connections = check_trainable(
            self,
            own_trainable,
            inherited.trainable,
            kind,
            len(inputs),
            (PART,) if kind == "neurons" and model_in(layer_func) is not None else (),
            adds="on_built" in overridden,
        )
        if kind == "neurons":
            layer_func = set_trained(self, layer_func, trainable.neuron_parameters)
        target, connections = self._make_objects(
            layer_func, kind, context, inputs, population, arguments, synapses
        )
        ensemble, node = (target, None) if kind == "neurons" else (None, target)
        if ensemble is not None:
            warn_of_stopped_gradients(self, ensemble)
        apply_trainable(
            self,
            trainable,
            dict(zip(connections, train_connections, strict=True)),
            ensemble,
            layer_func if kind == "keras" else None,
            undo,
        )
        note_origins(
            self,
            overridden,
            target,
            connections,
            arguments=arguments,
            levels=given,
            inherited=inherited,
            call_arguments=context.call_arguments,
            synapse=own_synapse,
            trainable=own_trainable,
        )
        return LayerParts(
            input=context.input,
            output=node if ensemble is None else ensemble.neurons,
            connection=_one_or_all(connections, several),
            ensemble=ensemble,
            node=node,
            shape_in=context.shape_in,
            shape_out=population if node is None else tuple(node.shape_out),
            trainable=trainable,
        )

    def _object_arguments(
        self,
        layer_func: Any,
        levels: Mapping[str, Mapping[str, Any]],
        inherited: Inherited,
        population: Shape,
    ) -> dict[str, Any]:
        """Return the arguments of the Ensemble or TensorNode, with its label in full."""
        if population:
            arguments = ensemble_arguments(
                self, levels, inherited.ensemble_kwargs, population, layer_func
            )
        else:
            arguments = self._node_arguments(levels["ensemble_kwargs"], levels["call"])
        label = as_text(arguments.get("label"), "label", self, LayerError) or inherited.label
        if label is not None:
            arguments["label"] = inherited.prefix + label
        return arguments

    def _make_objects(
        self,
        layer_func: Any,
        kind: Kind,
        context: LayerContext,
        inputs: tuple[LayerInput, ...],
        population: Shape,
        arguments: Mapping[str, Any],
        synapses: Sequence[Any],
    ) -> tuple[Any, tuple[nengo.Connection, ...]]:
        """Make the Ensemble or TensorNode, and connect the inputs to it."""
        several = isinstance(context.input, tuple)
        target: Any
        try:
            if kind == "neurons":
                target = make_ensemble(layer_func, inputs[0].size, population, arguments)
            else:
                target = make_node(layer_func, kind, inputs, several, arguments)
            connections = connect(inputs, target, synapses)
        except ValidationError as error:
            # nengo raises its errors from themselves, which leaves their cause in the context
            cause = "" if error.__context__ is None else f"; {error.__context__}"
            # what a hook made does not show in the name of the layer
            by_hook = "" if layer_func is self.layer_func else f"; layer_func is {layer_func!r}"
            raise LayerError(
                f"{error} (input of shape {context.shape_in}{by_hook}{cause})",
                attr="call",
                obj=self,
            ) from error
        if kind == "function":
            warn_of_hidden_weights(self, layer_func)
        return target, connections

    def _layer_func(self, context: LayerContext) -> Any:
        # a user may have given the layer another layer_func since the last call
        if self._made is None or self._made[0] is not self.layer_func:
            self._made = (self.layer_func, self.make_layer_func(context))
        return self._made[1]

    def _ensemble_kwargs(self, context: LayerContext) -> Mapping[str, Any]:
        # before the hook, which may read it
        self._check_ensemble_kwargs(self.ensemble_kwargs)
        from_hook = self.make_ensemble_kwargs(context)
        self._check_ensemble_kwargs(from_hook)
        return {} if from_hook is None else from_hook

    def _check_ensemble_kwargs(self, given: Any) -> None:
        if given is None or (
            isinstance(given, Mapping) and all(isinstance(name, str) for name in given)
        ):
            return
        raise LayerError(
            f"expected a dict of arguments of nengo.Ensemble or None, got {given!r}",
            attr="ensemble_kwargs",
            obj=self,
        )

    def _node_arguments(
        self, from_hook: Mapping[str, Any], from_call: Mapping[str, Any]
    ) -> dict[str, Any]:
        if from_hook:
            raise LayerError(
                f"{', '.join(from_hook)} can't be used: a layer made of a Keras layer or "
                "function makes no Ensemble; give them to a layer of neurons",
                attr="ensemble_kwargs",
                obj=self,
            )
        for name in from_call:
            if name not in _NODE_ARGUMENTS:
                known = (*_NODE_ARGUMENTS, "transform", "shape_in", "synapse", "return_conn")
                raise UnknownArgumentError(
                    f"a layer made of a Keras layer or function has no argument {name!r}; "
                    f"{closest(name, known)}it takes {', '.join(known)}",
                    attr="call",
                    obj=self,
                )
        return {**({} if self.label is None else {"label": self.label}), **from_call}

    # how it shows, and is copied

    @property
    def name(self) -> str:
        """
        How it is called in a `.Sequential`.

        Its label; else the name that its Keras layer was given; else that of its function, or of
        its class or the class of what it applies.
        """
        if self.label is not None:
            return self.label
        return default_name(self, is_subclass=type(self) is not CustomLayer)

    def __getstate__(self) -> dict[str, Any]:
        # a copy was not called yet, and must not drag the networks of the original with it
        return {**self.__dict__, "calls": []}

    if not TYPE_CHECKING:  # where it would let any name pass

        def __getattr__(self, name: str) -> Any:
            # what is asked for first depends on what is done with the layer first
            if "_made" not in self.__dict__ and not name.startswith("__"):
                raise MissingInitError(type(self), name)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        warn_of_misspelt_hooks(cls)

    def __str__(self) -> str:
        return f"{type(self).__name__}({name_of(self.layer_func)})"

    def __repr__(self) -> str:
        made = self.layer_func if self._made is None else self._made[1]
        return plain(describe(self, made, overridden_hooks(type(self), CustomLayer)))


def _one_or_all(values: Sequence[Any], several: bool) -> Any:
    return tuple(values) if several else values[0]
