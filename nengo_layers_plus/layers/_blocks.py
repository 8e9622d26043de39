"""Layers made of layers: `Block`, to be subclassed, and `Sequential`, a stack of layers."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import fields
from typing import Any, ClassVar, overload

import nengo
from nengo.exceptions import ValidationError

from nengo_layers_plus._declared import as_flag, as_text, items_in
from nengo_layers_plus._upstream import input_problem, nengo_dl, tf
from nengo_layers_plus.graph import plain, shape_of
from nengo_layers_plus.graph._words import unique_name
from nengo_layers_plus.layers._base_layer import (
    BaseLayer,
    Inherited,
    LayerCall,
    label_next,
    name_of,
    named_in_errors,
)
from nengo_layers_plus.layers._custom_layer import CustomLayer, kind_of
from nengo_layers_plus.layers._ensemble_arguments import Level, check_ensemble_arguments
from nengo_layers_plus.layers._errors import LayerError, UnknownArgumentError
from nengo_layers_plus.layers._layer_call import (
    NOT_GIVEN,
    LayerContext,
    LayerParts,
    check_synapse,
    is_source,
)
from nengo_layers_plus.layers._trainable import Trainable, coerce_trainable, inherit_trainable


class Block(BaseLayer):
    """
    A layer made of other layers, to be subclassed.

    A subclass makes its layers in its constructor, so that all calls share their weights, and
    overrides `make_output`, which calls them. The settings of the block are taken over by the
    layers within it, at any depth, where these say nothing themselves. `.Sequential` and
    `.Residual` are blocks.

    Parameters
    ----------
    layer_func : object, optional
        For subclasses to use.
    ensemble_kwargs : dict, optional
        Arguments of `nengo.Ensemble` for all layers of neurons.
    synapse : None, float or nengo.synapses.Synapse, optional
        On the connections into all layers of neurons, a time constant in seconds or a synapse.
    trainable : Trainable, dict or bool, optional
        Which parameters are trained: ``weights`` is for all Keras layers, and for connections with
        weights that layers of neurons add, such as `.RecurrentNeurons`; the other parts are for all
        layers of neurons. True and False mean all parameters, and never the connections from the
        input of a layer.
    label : str, optional
        Goes before the labels of all objects, as ``"label/..."``.
    subnetwork : bool
        Whether each call makes a `nengo.Network` of its own, which then has the label.

    Notes
    -----
    ``shape_in`` of the call is ``"auto"`` if it is not given: a block sees the shape that its
    input has.

    Settings reach the `.CustomLayer` objects that `make_output` calls. For other objects that it
    makes, such as a `nengo.Ensemble`, only ``trainable`` counts, as for those that `on_built` adds.

    Examples
    --------
    Two layers side by side, whose outputs are joined:

    >>> import nengo
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import Block, CustomLayer
    >>> class SideBySide(Block):
    ...     def __init__(self, first, second, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.branches = [CustomLayer(first), CustomLayer(second)]
    ...         self.join = CustomLayer(tf.keras.layers.Concatenate())
    ...
    ...     def make_output(self, context):
    ...         outputs = [
    ...             branch(context.input, **context.connection_arguments)
    ...             for branch in self.branches
    ...         ]
    ...         return self.join(outputs, shape_in="auto")
    >>> layer = SideBySide(nengo.LIF(), nengo.RectifiedLinear(), ensemble_kwargs={"seed": 1})
    >>> with nengo.Network() as net:
    ...     output = layer(nengo.Node([0.0] * 4))
    >>> layer.calls[0].shape_out, [ensemble.seed for ensemble in net.ensembles]
    ((8,), [1, 1])
    """

    shape_in_default: ClassVar[Any] = "auto"
    _hands_label_on: ClassVar[bool] = False
    """Whether the label is for the layer within, in place of a prefix for all."""

    def __init__(self, layer_func: Any = None, *, subnetwork: bool = False, **kwargs: Any) -> None:
        super().__init__(layer_func, **kwargs)
        self.subnetwork = as_flag(subnetwork, "subnetwork", self, LayerError)

    def make_output(self, context: LayerContext) -> Any:
        """
        Call the layers of the block, and return the last object.

        Runs once a call, inside the network of the call or the subnetwork made for it.

        Parameters
        ----------
        context : LayerContext
            The call. Layers that are called on ``context.input`` should be given
            ``**context.connection_arguments``, so that the transform, shape and synapse of the
            block's call reach them.

        Returns
        -------
        output : NengoObject
            What the call returns.
        """
        raise LayerError(
            "there is nothing to call; what to do: write a subclass that overrides make_output",
            attr="make_output",
        )

    def _build(self, call: LayerCall) -> LayerParts:
        context, inherited = call.context, call.inherited
        label = self._label(call.arguments) or inherited.label
        values = self._ensemble_kwargs(context)
        arguments = Level("ensemble_kwargs of the block", "ensemble_kwargs", values)
        check_ensemble_arguments(arguments)
        synapse = self.make_synapse(context)
        if synapse is not NOT_GIVEN:
            check_synapse("synapse", synapse)
        trainable = coerce_trainable(self.make_trainable(context))
        prefix = inherited.prefix
        if label is not None and not self._hands_label_on:
            prefix = f"{prefix}{label}/"
        call.settings = Inherited(
            ensemble_kwargs=(arguments, *inherited.ensemble_kwargs),
            synapse=inherited.synapse if synapse is NOT_GIVEN else synapse,
            trainable=inherit_trainable(_for_all(trainable), inherited.trainable),
            # the names of objects in a subnetwork go behind its own
            prefix="" if self.subnetwork else prefix,
            label=label if self._hands_label_on else None,
        )

        network = None
        if self.subnetwork:
            network = nengo.Network(label=None if label is None else inherited.prefix + label)
        with nullcontext() if network is None else network:
            output = self.make_output(context)
        if not is_source(output):
            raise LayerError(
                f"expected the object that a layer returned, got {output!r}", attr="make_output"
            )
        leaves = [leaf for parts in call.inner for leaf in parts.leaves]
        if all(parts.ensemble is None for parts in leaves):
            for attr, value in (("ensemble_kwargs", values or None), ("synapse", synapse)):
                if value is not None and value is not NOT_GIVEN:
                    raise LayerError(
                        f"there is no layer of neurons in it that {value!r} could be for", attr
                    )
        _check_trainable_in_use(trainable, leaves)

        last = next((parts for parts in reversed(call.inner) if parts.output is output), None)
        arriving = tuple(
            connection
            for parts in call.inner
            for connection in parts.connections
            if any(connection.pre == item.source for item in call.inputs.items)
        )
        if last is None:
            shape = shape_of(output, nengo.Network.context[0]) or (int(output.size_out),)
        return LayerParts(
            input=context.input,
            output=output,
            connection=arriving[0] if len(arriving) == 1 else arriving,
            ensemble=None if last is None else last.ensemble,
            node=None if last is None else last.node,
            shape_in=context.shape_in,
            shape_out=shape if last is None else last.shape_out,
            trainable=call.settings.trainable,
            inner=tuple(call.inner),
            network=network,
        )

    def _label(self, layer_args: Mapping[str, Any]) -> str | None:
        unknown = [name for name in layer_args if name != "label"]
        if unknown:
            raise UnknownArgumentError(
                f"a layer made of layers has no argument {unknown[0]!r}; it takes label, "
                "transform, shape_in, synapse and return_conn, and arguments of nengo.Ensemble "
                f"as {type(self).__name__}(..., ensemble_kwargs=...)",
                attr="call",
            )
        label = as_text(layer_args.get("label"), "label", None, LayerError)
        return self.label if label is None else label

    def __repr__(self) -> str:
        return f"<{super().__repr__()}>"


def _for_all(trainable: Trainable | bool) -> Trainable:
    """Return the setting that the layers within a block inherit."""
    if isinstance(trainable, bool):
        return Trainable(bias=trainable, weights=trainable, neuron_parameters=trainable)
    if isinstance(trainable.connection, tuple):
        raise LayerError(
            "expected one setting for the connections into all layers of neurons, got "
            f"{trainable.connection}",
            attr="trainable",
        )
    return trainable


def _check_trainable_in_use(trainable: Trainable | bool, leaves: Sequence[LayerParts]) -> None:
    """Raise if the setting of a block is for a part that no layer in it has."""
    # a layer that has a part has a setting for it, inherited or its own
    existing = {
        field.name
        for field in fields(Trainable)
        if any(getattr(parts.trainable, field.name) is not None for parts in leaves)
    }
    if isinstance(trainable, bool):
        unused = [] if existing - {"connection"} else [("parameters", trainable)]
    else:
        unused = [
            (f"a part {name!r}", value)
            for name, value in vars(trainable).items()
            if value is not None and name not in existing
        ]
    for words, value in unused:
        raise LayerError(f"no layer in it has {words} that {value} could be for", "trainable")


class Sequential(Block):
    """
    A stack of layers, each applied to the output of the one before.

    Shapes flow from one to the next as in Keras: a Dense layer acts on the last axis, and
    flattening takes a Flatten layer. Called several times, it shares its weights.

    Parameters
    ----------
    layers : iterable, optional
        Neuron types, Keras layers, functions, CustomLayers and other Sequentials, in any mix. A
        `nengo_dl.Layer` is taken for what it applies, a list for a Sequential of its own.
        Each has a name, which is the label of what it makes: the label of a CustomLayer, the
        name that a Keras layer was given, else that of its class. Subclasses that override
        `make_layer_func` may do without, and return the layers there.
    ensemble_kwargs : dict, optional
        Arguments of `nengo.Ensemble` for all layers of neurons.
    synapse : None, float or nengo.synapses.Synapse, optional
        On the connections into all layers of neurons, a time constant in seconds or a synapse.
    trainable : Trainable, dict or bool, optional
        Which parameters are trained: ``weights`` is for all Keras layers, and for connections with
        weights that layers of neurons add, such as `.RecurrentNeurons`; the other parts are for all
        layers of neurons. True and False mean all parameters, and never the connections from the
        input of a layer.
    label : str, optional
        Goes before the labels of all objects, as ``"label/..."``.
    subnetwork : bool
        Whether each call makes a `nengo.Network` of its own, which then has the label.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an element can't be a layer.

    Notes
    -----
    A setting of a layer in the stack wins over that of the stack. Settings reach the layers in the
    stack. For other objects that a `.Block` in it makes, only ``trainable`` counts.

    Examples
    --------
    >>> import nengo
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import CustomLayer, Sequential
    >>> stack = Sequential(
    ...     [
    ...         tf.keras.layers.Conv2D(8, 3),
    ...         nengo.LIF(),
    ...         tf.keras.layers.Flatten(),
    ...         CustomLayer(tf.keras.layers.Dense(10), synapse=0.005, label="readout"),
    ...     ],
    ...     ensemble_kwargs={"gain": 5, "bias": 1},
    ... )
    >>> with nengo.Network() as net:
    ...     output = stack(nengo.Node([0.0] * 64), shape_in=(8, 8, 1))
    >>> stack.names
    ('conv2d', 'lif', 'flatten', 'readout')
    >>> stack["lif"].calls[0].shape_out, stack[-1].calls[0].connection.synapse
    ((6, 6, 8), Lowpass(tau=0.005))
    >>> stack[:"flatten"]
    <Sequential([conv2d: Conv2D, lif: LIF()], ensemble_kwargs={'gain': 5, 'bias': 1})>
    """

    def __init__(self, layers: Iterable[Any] | None = None, **kwargs: Any) -> None:
        super().__init__(layers, **kwargs)
        if layers is not None:
            self._named()

    # the layers

    @property
    def layers(self) -> tuple[BaseLayer, ...]:
        """The layers, in the order they are applied."""
        return tuple(self._named().values())

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the layers."""
        return tuple(self._named())

    def __len__(self) -> int:
        return len(self._named())

    def __iter__(self) -> Iterator[BaseLayer]:
        return iter(self.layers)

    @overload
    def __getitem__(self, key: int | str) -> BaseLayer: ...
    @overload
    def __getitem__(self, key: slice) -> Sequential: ...
    def __getitem__(self, key: int | str | slice) -> BaseLayer | Sequential:
        """
        Return a layer by number or name, or for a slice of these a stack of the same layers.

        The stack has the settings of this one, and shares its weights.
        """
        named = self._named()
        if isinstance(key, slice):
            numbers = slice(self._number(key.start), self._number(key.stop), key.step)
            chosen: dict[str, BaseLayer] = dict(list(named.items())[numbers])
            part = copy.copy(self)
            if not chosen:
                raise IndexError(f"{self} has no layers at {key}")
            part.layer_func = tuple(chosen.values())
            # under the names that they have in the whole
            part._made = (part.layer_func, chosen)
            return part
        if isinstance(key, str):
            if key not in named:
                raise KeyError(f"{self} has no layer {key!r}, only {', '.join(named)}")
            return named[key]
        try:
            return self.layers[key]
        except IndexError:
            raise IndexError(
                f"{self} has no layer {key}, only {len(self)}, numbered from 0"
            ) from None

    def _number(self, bound: Any) -> Any:
        if not isinstance(bound, str):
            return bound
        self[bound]  # raises for an unknown name
        return self.names.index(bound)

    def _named(self) -> dict[str, BaseLayer]:
        """Return the layers by name, made anew if ``layer_func`` was set anew."""
        if self._made is None or self._made[0] is not self.layer_func:
            with named_in_errors(self):
                if self.layer_func is None:
                    raise LayerError(
                        "its layers are made when it is first called; call it before asking for "
                        "them",
                        attr="layers",
                    )
                # a tuple, so that nothing is appended in silence
                self.layer_func, named = _elements(self.layer_func)
            self._made = (self.layer_func, named)
        made: dict[str, BaseLayer] = self._made[1]
        return made

    # the call

    def make_output(self, context: LayerContext) -> Any:
        """Apply the layers, one after another, and return the last object."""
        if self.layer_func is None and self._made is None:
            _, named = _elements(self.make_layer_func(context))
            self._made = (None, named)
        source = context.input
        arguments = context.connection_arguments
        for number, (name, layer) in enumerate(self._named().items()):
            label_next(name)
            shape = arguments["shape_in"]
            try:
                if (problem := input_problem(layer.layer_func, shape)) is not None:
                    raise LayerError(problem, attr="shape_in", obj=layer)
                source = layer(source, **arguments)
            except ValidationError as error:
                raise LayerError(
                    f"element {number} of {len(self)}, {name!r}, got the shape {shape}: {error}",
                    attr="call",
                ) from error
            known = [parts.shape_out for parts in layer.calls[-1:] if parts.output is source]
            arguments = {"shape_in": known[0] if known else "auto"}
        return source

    # how it shows

    def __str__(self) -> str:
        return f"{type(self).__name__}({', '.join(self._made[1]) if self._made else ''})"

    def __repr__(self) -> str:
        if self._made is None:
            return super().__repr__()
        layers = ", ".join(f"{name}: {_show(layer)}" for name, layer in self._named().items())
        settings = [f"[{layers}]", *self._described_settings()]
        return plain(f"<{type(self).__name__}({', '.join(settings)})>")


def _elements(layers: Any) -> tuple[tuple[Any, ...], dict[str, BaseLayer]]:
    """Return the elements of a stack as they were given, and the layers made of them by name."""
    if layers is None:
        raise LayerError(
            "there are no layers to apply; give a list of them, or override make_layer_func",
            attr="layers",
        )
    items = items_in(layers)  # a tuple keeps all of them alive, so that their ids differ
    if items is None:
        raise LayerError(f"expected a list of layers, got {layers!r}", attr="layers")
    named: dict[str, BaseLayer] = {}
    used: set[str] = set()
    wrapped: dict[int, BaseLayer] = {}
    for number, item in enumerate(items):
        # an item that stands in two places is one layer
        if id(item) not in wrapped:
            try:
                wrapped[id(item)] = as_layer(item)
            except ValidationError as error:
                raise LayerError(f"element {number}: {error}", attr="layers") from error
        layer = wrapped[id(item)]
        named[unique_name(layer.name, used)] = layer
    if not named:
        raise LayerError("expected at least one layer, got none", attr="layers")
    return items, named


def as_layer(given: Any) -> BaseLayer:
    """
    Make a layer of an element of a stack.

    Parameters
    ----------
    given : object
        A CustomLayer stays as it is, a list becomes a stack, and a `nengo_dl.Layer` is taken for
        what it applies, as are neuron types, Keras layers and functions.

    Raises
    ------
    LayerError
        If it can't be a layer.
    """
    if isinstance(given, BaseLayer):
        return given
    if isinstance(given, list | tuple):
        return Sequential(given)
    if type(given) is nengo_dl.Layer:
        given = given.layer_func
    layer = CustomLayer(given)
    if isinstance(given, nengo_dl.Layer):
        raise LayerError(
            f"the class {type(given).__name__} has a call of its own, which would not run here; "
            "have it subclass CustomLayer, whose methods say what a layer makes",
            attr="layer_func",
            obj=layer,
        )
    with named_in_errors(layer):
        kind_of(given)
    return layer


def _show(layer: BaseLayer) -> str:
    if type(layer) is not CustomLayer:
        return str(layer)
    if isinstance(layer.layer_func, tf.keras.layers.Layer):
        return type(layer.layer_func).__name__
    return name_of(layer.layer_func)
