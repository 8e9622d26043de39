"""A layer that is made of layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import fields
from typing import Any, ClassVar

import nengo

from nengo_layers_plus._declared import as_flag, as_text
from nengo_layers_plus.graph import shape_of
from nengo_layers_plus.layers._base_layer import BaseLayer, Enclosing, Inherited, LayerCall, inside
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
        What trains: ``weights`` is for all Keras layers, and for what layers of neurons add that
        has weights, such as those of `.RecurrentNeurons`; the other parts are for all layers of
        neurons. True and False mean all parameters, and never the connections from the input of
        a layer.
    label : str, optional
        Goes before the labels of what is made, as ``"label/..."``.
    subnetwork : bool
        Whether each call makes a `nengo.Network` of its own, which then has the label.

    Notes
    -----
    ``shape_in`` of the call is ``"auto"`` if it is not given: a block sees the shape that its
    input has.

    Settings reach the `.CustomLayer` objects that `make_output` calls. Of other objects that it
    makes, such as a `nengo.Ensemble`, ``trainable`` alone speaks, as of what `on_built` adds.

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
        arguments, synapse, trainable = self._own_settings(context)
        prefix = inherited.prefix
        if label is not None and not self._hands_label_on:
            prefix = f"{prefix}{label}/"
        settings = Inherited(
            ensemble_kwargs=(arguments, *inherited.ensemble_kwargs),
            synapse=inherited.synapse if synapse is NOT_GIVEN else synapse,
            trainable=inherit_trainable(_for_all(trainable), inherited.trainable),
            # the names of objects in a subnetwork go behind its own
            prefix="" if self.subnetwork else prefix,
            label=label if self._hands_label_on else None,
        )

        with ExitStack() as scope:
            network = None
            if self.subnetwork:
                network_label = None if label is None else inherited.prefix + label
                network = scope.enter_context(nengo.Network(label=network_label))
            inner = scope.enter_context(inside(Enclosing(call.undo, settings))).parts
            output = self.make_output(context)
        if not is_source(output):
            raise LayerError(
                f"expected the object that a layer returned, got {output!r}", attr="make_output"
            )
        leaves = [leaf for parts in inner for leaf in parts.leaves]
        _check_in_use("ensemble_kwargs", arguments.values or None, leaves)
        _check_in_use("synapse", None if synapse is NOT_GIVEN else synapse, leaves)
        _check_trainable_in_use(trainable, leaves)

        last = next((parts for parts in reversed(inner) if parts.output is output), None)
        arriving = tuple(
            connection
            for parts in inner
            for connection in parts.connections
            if any(connection.pre == item.source for item in call.inputs.items)
        )
        shape = None if last is None else last.shape_out
        if shape is None:
            shape = shape_of(output, nengo.Network.context[0]) or (int(output.size_out),)
        return LayerParts(
            input=context.input,
            output=output,
            connection=arriving[0] if len(arriving) == 1 else arriving,
            ensemble=None if last is None else last.ensemble,
            node=None if last is None else last.node,
            shape_in=context.shape_in,
            shape_out=shape,
            trainable=settings.trainable,
            inner=tuple(inner),
            network=network,
        )

    def _own_settings(self, context: LayerContext) -> tuple[Level, Any, Trainable | bool]:
        """Return what the hooks say of arguments, the synapse and what trains, after checks."""
        from_hook = self._ensemble_kwargs(context)
        arguments = Level("ensemble_kwargs of the block", "ensemble_kwargs", from_hook)
        check_ensemble_arguments(arguments)
        synapse = self.make_synapse(context)
        if synapse is not NOT_GIVEN:
            check_synapse("synapse", synapse)
        return arguments, synapse, coerce_trainable(self.make_trainable(context))

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
    """Return what the layers within a block take over."""
    if isinstance(trainable, bool):
        return Trainable(bias=trainable, weights=trainable, neuron_parameters=trainable)
    if isinstance(trainable.connection, tuple):
        raise LayerError(
            "expected one setting for the connections into all layers of neurons, got "
            f"{trainable.connection}",
            attr="trainable",
        )
    return trainable


def _check_in_use(attr: str, value: Any, leaves: Sequence[LayerParts]) -> None:
    """Raise if a block was given a setting for neurons, and there are none in it."""
    if value is not None and all(parts.ensemble is None for parts in leaves):
        raise LayerError(f"there is no layer of neurons in it that {value!r} could be for", attr)


def _check_trainable_in_use(trainable: Trainable | bool, leaves: Sequence[LayerParts]) -> None:
    """Raise if no layer in a block has what its setting speaks of."""
    # a layer that has a part says something of it, be it taken over or its own
    spoken_of = {
        field.name
        for field in fields(Trainable)
        if any(getattr(parts.trainable, field.name) is not None for parts in leaves)
    }
    if isinstance(trainable, bool):
        if not spoken_of - {"connection"}:
            raise LayerError(
                f"no layer in it has parameters that {trainable} could be for", attr="trainable"
            )
        return
    for field in fields(trainable):
        asked = getattr(trainable, field.name)
        if asked is not None and field.name not in spoken_of:
            raise LayerError(
                f"no layer in it has a part {field.name!r} that {asked} could be for",
                attr="trainable",
            )
