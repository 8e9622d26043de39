"""A layer that is made of layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import fields
from typing import Any, ClassVar

import nengo

from nengo_layers_plus._declared import as_flag, as_text
from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph import plain, shape_of
from nengo_layers_plus.layers._custom_layer import CustomLayer
from nengo_layers_plus.layers._describe import describe_settings, show
from nengo_layers_plus.layers._enclosing import Enclosing, Inherited, inside
from nengo_layers_plus.layers._ensemble_arguments import check_ensemble_arguments
from nengo_layers_plus.layers._errors import LayerError, UnknownArgumentError
from nengo_layers_plus.layers._inputs import LayerInput, choose_synapses, is_source
from nengo_layers_plus.layers._layer_context import LayerContext
from nengo_layers_plus.layers._layer_parts import LayerParts
from nengo_layers_plus.layers._not_given import NOT_GIVEN
from nengo_layers_plus.layers._trainable import Trainable
from nengo_layers_plus.layers._training import coerce_trainable, inherit_trainable


class Block(CustomLayer):
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

    # whether the label is for the layer within, in place of a prefix for all
    _hands_label_on: ClassVar[bool] = False

    def __init__(
        self,
        layer_func: Any = None,
        *,
        ensemble_kwargs: Mapping[str, Any] | None = None,
        synapse: Any = NOT_GIVEN,
        trainable: Trainable | Mapping[str, Any] | bool | None = None,
        label: str | None = None,
        subnetwork: bool = False,
    ) -> None:
        super().__init__(
            layer_func,
            ensemble_kwargs=ensemble_kwargs,
            synapse=synapse,
            trainable=trainable,
            label=label,
        )
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
            obj=self,
        )

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
        Apply the block to an object of the network.

        Parameters
        ----------
        input, transform, shape_in, synapse, return_conn
            As for `.CustomLayer`, for the connections from the input. ``shape_in`` is
            ``"auto"`` by default: the shape that the input has.
        **layer_args
            ``label``, which wins over that of the block.

        Returns
        -------
        obj : NengoObject
            What `make_output` returned.
        conn : nengo.Connection or list of nengo.Connection
            Only if ``return_conn`` is True: what leads from the input into the block.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument, or what a hook returned, can't be used.
        nengo.exceptions.NetworkContextError
            If it is called outside of a network.
        """
        return super().__call__(input, transform, shape_in, synapse, return_conn, **layer_args)

    def _build(
        self,
        context: LayerContext,
        inputs: tuple[LayerInput, ...],
        layer_args: Mapping[str, Any],
        inherited: Inherited,
        undo: ExitStack,
    ) -> LayerParts:
        label = self._label(layer_args) or inherited.label
        ensemble_kwargs = self._ensemble_kwargs(context)
        check_ensemble_arguments(self, "ensemble_kwargs", ensemble_kwargs)
        synapse = self.make_synapse(context)
        trainable = coerce_trainable(self, self.make_trainable(context))
        prefix = inherited.prefix
        if label is not None and not self._hands_label_on:
            prefix = f"{prefix}{label}/"
        settings = Inherited(
            ensemble_kwargs=(*filter(None, (ensemble_kwargs,)), *inherited.ensemble_kwargs),
            synapse=inherited.synapse if synapse is NOT_GIVEN else self._one_synapse(synapse),
            trainable=inherit_trainable(self._for_all(trainable), inherited.trainable),
            # the names of objects in a subnetwork go behind its own
            prefix="" if self.subnetwork else prefix,
            label=label if self._hands_label_on else None,
        )

        with ExitStack() as scope:
            network = None
            if self.subnetwork:
                network_label = None if label is None else inherited.prefix + label
                network = scope.enter_context(nengo.Network(label=network_label))
            inner = scope.enter_context(inside(Enclosing(undo, settings))).parts
            output = self.make_output(context)
        if not is_source(output):
            raise LayerError(
                f"expected the object that a layer returned, got {output!r}",
                attr="make_output",
                obj=self,
            )
        self._check_in_use(ensemble_kwargs, synapse, trainable, inner)
        return self._parts(context, output, inner, settings.trainable, network)

    def _label(self, layer_args: Mapping[str, Any]) -> str | None:
        unknown = [name for name in layer_args if name != "label"]
        if unknown:
            raise UnknownArgumentError(
                f"a layer made of layers has no argument {unknown[0]!r}; it takes label, "
                "transform, shape_in, synapse and return_conn, and arguments of nengo.Ensemble "
                f"as {type(self).__name__}(..., ensemble_kwargs=...)",
                attr="call",
                obj=self,
            )
        label = as_text(layer_args.get("label"), "label", self, LayerError)
        return self.label if label is None else label

    def _for_all(self, trainable: Trainable | bool) -> Trainable:
        """Return what the layers within the block take over."""
        if isinstance(trainable, bool):
            return Trainable(bias=trainable, weights=trainable, neuron_parameters=trainable)
        if isinstance(trainable.connection, tuple):
            raise LayerError(
                "expected one setting for the connections into all layers of neurons, got "
                f"{trainable.connection}",
                attr="trainable",
                obj=self,
            )
        return trainable

    def _one_synapse(self, synapse: Any) -> Any:
        """Return the synapse, if it is one."""
        return choose_synapses(self, synapse, n_inputs=None)[0]

    def _check_in_use(
        self,
        ensemble_kwargs: Mapping[str, Any],
        synapse: Any,
        trainable: Trainable | bool,
        inner: Sequence[LayerParts],
    ) -> None:
        """Raise if the block was given a setting that no layer within it can take over."""
        made = [leaf for parts in inner for leaf in parts.leaves]
        for attr, value in (("ensemble_kwargs", ensemble_kwargs or None), ("synapse", synapse)):
            given = value is not None and value is not NOT_GIVEN
            if given and not any(parts.ensemble is not None for parts in made):
                raise LayerError(
                    f"there is no layer of neurons in it that {value!r} could be for",
                    attr=attr,
                    obj=self,
                )
        if isinstance(trainable, bool):
            parts_of = [parts.trainable for parts in made]
            if all(
                each.bias is each.weights is each.neuron_parameters is None for each in parts_of
            ):
                raise LayerError(
                    f"no layer in it has parameters that {trainable} could be for",
                    attr="trainable",
                    obj=self,
                )
            return
        for field in fields(trainable):
            asked = getattr(trainable, field.name)
            # a layer that has the part says something of it, be it taken over or its own
            if asked is not None and all(
                getattr(parts.trainable, field.name) is None for parts in made
            ):
                raise LayerError(
                    f"no layer in it has a part {field.name!r} that {asked} could be for",
                    attr="trainable",
                    obj=self,
                )

    def _parts(
        self,
        context: LayerContext,
        output: Any,
        inner: Sequence[LayerParts],
        trainable: Trainable,
        network: nengo.Network | None,
    ) -> LayerParts:
        last = next((parts for parts in reversed(inner) if parts.output is output), None)
        sources = context.input if isinstance(context.input, tuple) else (context.input,)
        arriving = tuple(
            connection
            for parts in inner
            for connection in parts.connections
            if any(connection.pre == source for source in sources)
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
            trainable=trainable,
            inner=tuple(inner),
            network=network,
        )

    def __repr__(self) -> str:
        applied = [] if self.layer_func is None else [show(self.layer_func)]
        return plain(f"<{type(self).__name__}({', '.join([*applied, *describe_settings(self)])})>")
