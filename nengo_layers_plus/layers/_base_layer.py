"""The base of all layers: the call, the label, the settings and their hooks."""

from __future__ import annotations

import difflib
import inspect
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import nengo
import numpy as np
from nengo.exceptions import NetworkContextError, ValidationError

from nengo_layers_plus._declared import as_flag, as_text, holds_itself
from nengo_layers_plus._upstream import is_automatic_name, nengo_dl, snake_case_of, tf
from nengo_layers_plus.graph import plain
from nengo_layers_plus.layers._ensemble_arguments import Level
from nengo_layers_plus.layers._errors import LayerError, MissingInitError, UnknownArgumentError
from nengo_layers_plus.layers._layer_call import (
    NOT_GIVEN,
    LayerContext,
    LayerInputs,
    LayerParts,
    resolve_inputs,
)
from nengo_layers_plus.layers._trainable import Trainable, apply_to_added, trainable_of_added

HOOKS = ("make_layer_func", "make_ensemble_kwargs", "make_synapse", "make_trainable", "on_built")


@dataclass(frozen=True)
class Inherited:
    """
    Settings of a block, for the layers within it that have none themselves.

    Parameters
    ----------
    ensemble_kwargs : tuple of Level
        Arguments of `nengo.Ensemble`, those of the nearest block first.
    synapse : object
        Of the connections into layers of neurons.
    trainable : Trainable
        Which parameters are trained. Parts that a layer does not have are left out.
    prefix : str
        Goes before the labels of the objects.
    label : str or None
        The label of a layer that has none.
    """

    ensemble_kwargs: tuple[Level, ...] = ()
    synapse: Any = NOT_GIVEN
    trainable: Trainable = field(default_factory=Trainable)
    prefix: str = ""
    label: str | None = None


@dataclass
class LayerCall:
    """
    A call of a layer that is in progress, inside which other layers may be called.

    Parameters
    ----------
    context : LayerContext
        The context for its hooks.
    inputs : LayerInputs
        Its inputs.
    arguments : Mapping
        The keyword arguments beyond those that all layers have.
    inherited : Inherited
        Settings of the block around the layer.
    undo : ExitStack
        Callbacks that undo the call, should it or the call around it fail.
    settings : Inherited
        Settings that the layers inside inherit.
    inner : list of LayerParts
        The parts that the calls inside made.
    """

    context: LayerContext
    inputs: LayerInputs
    arguments: Mapping[str, Any]
    inherited: Inherited
    undo: ExitStack
    settings: Inherited = field(default_factory=Inherited)
    inner: list[LayerParts] = field(default_factory=list)


_in_progress: ContextVar[LayerCall | None] = ContextVar("in_progress", default=None)


@contextmanager
def _running(call: LayerCall) -> Iterator[None]:
    """Have the layers that are called inside belong to a call."""
    token = _in_progress.set(call)
    try:
        yield
    finally:
        _in_progress.reset(token)


def label_next(label: str | None) -> None:
    """Give a label to the layers that the block calls from here on, if they have none."""
    call = _in_progress.get()
    if call is not None:
        call.settings = replace(call.settings, label=label)


def undo_of_call() -> ExitStack:
    """Return the callbacks that undo the call in progress."""
    call = _in_progress.get()
    return ExitStack() if call is None else call.undo


class BaseLayer(nengo_dl.Layer, ABC):
    """
    The base of `.CustomLayer` and `.Block`: settings, hooks for them, and the call.

    Subclass one of these two. They make the objects of a call; the base runs it, undoes all of it
    if it fails, and keeps the parts that it made in ``calls``.

    Parameters
    ----------
    layer_func : object, optional
        The function, Keras layer or neuron type that the layer applies, or its layers.
    ensemble_kwargs : dict, optional
        Arguments of `nengo.Ensemble` for neurons.
    synapse : None, float or nengo.synapses.Synapse, optional
        Filter on the connection into neurons.
    trainable : Trainable, dict or bool, optional
        Which parameters are trained.
    label : str, optional
        The label.
    """

    layer_func: Any
    shape_in_default: ClassVar[Any] = None
    """What ``shape_in`` of a call is if it is not given."""
    takes_one_input: ClassVar[bool] = False
    """Whether a call on several inputs is an error."""

    def __init__(
        self,
        layer_func: Any = None,
        *,
        ensemble_kwargs: Mapping[str, Any] | None = None,
        synapse: Any = NOT_GIVEN,
        trainable: Trainable | Mapping[str, Any] | bool | None = None,
        label: str | None = None,
    ) -> None:
        if holds_itself(layer_func):
            raise ValidationError(
                f"a list that is in itself has no end: {layer_func!r}", "layer_func", type(self)
            )
        super().__init__(layer_func)
        # a layer_func, and what make_layer_func returned for it
        self._made: tuple[Any, Any] | None = None
        self.calls: list[LayerParts] = []
        self.ensemble_kwargs = ensemble_kwargs
        self.synapse = synapse
        self.trainable = trainable
        self.label = label
        as_text(label, "label", self, LayerError)

    # hooks

    def make_layer_func(self, context: LayerContext) -> Any:
        """
        Return the function, Keras layer or neuron type that the layer applies.

        Runs once a layer, at its first call, so that several calls share their weights.

        Parameters
        ----------
        context : LayerContext
            The call.

        Returns
        -------
        layer_func : tf.keras.layers.Layer, callable or nengo.neurons.NeuronType
            For a `.Sequential` a list of layers.
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
        Return which parameters are trained.

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

        Objects that it adds are trained as the layer's `Trainable` says, its own or that of a block
        around it: Connections and Keras layers by ``weights``, Ensembles by ``bias`` and
        ``neuron_parameters``, of which True and False mean all. Objects with a setting of their own
        (``network.config[connection].trainable``, or a Keras layer's ``trainable``) keep it.

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
        shape_in: Any = NOT_GIVEN,
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
        shape_in : tuple of int, "auto" or None, optional
            Shape in which the layer sees its input, without the batch. None is flat, which is
            the default of a `.CustomLayer`, as in the stock layer; ``"auto"`` takes over the
            shape of the input, which is the default of a `.Block` and a `.Filter`. With several
            inputs one for all, or a list with one for each.
        synapse : None, float, nengo.synapses.Synapse or nengo.Default, optional
            Of the connection from the input; wins over that of the layer.
        return_conn : bool
            Also return the connection, or for several inputs the list of them.
        **layer_args
            Arguments of `nengo.Ensemble` for a layer of neurons, ``label`` for a `.Block`, else
            ``shape_out`` and ``label`` of the TensorNode; win over those of the layer.

        Returns
        -------
        obj : nengo_dl.TensorNode or nengo.ensemble.Neurons
            The object that was made; of a `.Block` the one that `~.Block.make_output` returned.
        conn : nengo.Connection or list of nengo.Connection
            Only if ``return_conn`` is True: the connection from the input into the layer.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument, or the value that a hook returned, can't be used. The error names the
            layer, what was expected, what came, and what to do.
        nengo.exceptions.NetworkContextError
            If it is called outside of a network.
        """
        if not nengo.Network.context:
            raise NetworkContextError(
                f"{self} can only be called inside a `with network:` block, as it makes objects"
            )
        if shape_in is NOT_GIVEN:
            shape_in = self.shape_in_default
        with named_in_errors(self):
            inputs = resolve_inputs(input, transform, shape_in)
            given = {"transform": transform, "shape_in": shape_in, **layer_args}
            given = {name: value for name, value in given.items() if value is not None}
            if synapse is not NOT_GIVEN:
                given["synapse"] = synapse
            if as_flag(return_conn, "return_conn", None, LayerError):
                given["return_conn"] = True
            context = LayerContext(
                input=inputs.unwrapped(item.source for item in inputs.items),
                shape_in=inputs.unwrapped(item.shape for item in inputs.items),
                size_in=inputs.unwrapped(item.size for item in inputs.items),
                call_arguments=MappingProxyType(given),
            )
            self._check_call(inputs, layer_args)
            parts = self._call(context, inputs, layer_args)
        if not return_conn:
            return parts.output
        connection = parts.connection
        return parts.output, (list(connection) if isinstance(connection, tuple) else connection)

    def _check_call(self, inputs: LayerInputs, layer_args: Mapping[str, Any]) -> None:
        if self.takes_one_input and len(inputs.items) > 1:
            raise LayerError(
                f"it takes one input, got {len(inputs.items)}; call it on each", "input"
            )
        for name in ("ensemble_kwargs", "trainable"):
            if name in layer_args:
                raise UnknownArgumentError(
                    f"{name!r} is an argument of the layer itself, not of its call: write "
                    f"{type(self).__name__}(..., {name}=...)(input)",
                    attr="call",
                )

    def _call(
        self, context: LayerContext, inputs: LayerInputs, layer_args: Mapping[str, Any]
    ) -> LayerParts:
        """Make all objects, or leave the network as it was."""
        around = _in_progress.get()
        inherited = Inherited() if around is None else around.settings
        network = nengo.Network.context[-1]
        before = {cls: len(objects) for cls, objects in network.objects.items()}
        with ExitStack() as undo:
            undo.callback(setattr, self, "_made", self._made)
            undo.callback(_forget_new_objects, network, before)
            call = LayerCall(context, inputs, layer_args, inherited, undo)
            with _running(call):
                parts = self._build(call)
                self.calls.append(parts)
                undo.callback(self.calls.remove, parts)
                trainable = trainable_of_added(parts.trainable)
                call.settings = Inherited(trainable=trainable)
                self.on_built(parts)
            if trainable != Trainable():
                leaves = [leaf for part in (parts, *call.inner) for leaf in part.leaves]
                made = {
                    id(o) for leaf in leaves for o in (leaf.ensemble, leaf.node, *leaf.connections)
                }
                apply_to_added(trainable, network, before, made, str(self), undo)
            undo_all = undo.pop_all().close
        if around is not None:
            around.undo.callback(undo_all)
            around.inner.append(parts)
        return parts

    @abstractmethod
    def _build(self, call: LayerCall) -> LayerParts:
        """Make the objects of one call."""

    def _ensemble_kwargs(self, context: LayerContext) -> Mapping[str, Any]:
        _check_ensemble_kwargs(self.ensemble_kwargs)  # before the hook, which may read it
        arguments = self.make_ensemble_kwargs(context)
        _check_ensemble_kwargs(arguments)
        return arguments or {}

    # how it shows, and is copied

    @property
    def name(self) -> str:
        """
        How it is called in a `.Sequential`.

        Its label; else the name that its Keras layer was given; else that of its function, its
        class, or the class of the object that it applies. It does not depend on earlier layers.
        """
        if self.label is not None:
            return self.label
        applied = self.layer_func
        if isinstance(applied, tf.keras.layers.Layer) and not is_automatic_name(applied):
            return str(applied.name)
        return self._default_name()

    def _default_name(self) -> str:
        return snake_case_of(self)

    def _described_settings(self) -> list[str]:
        """Return the settings that the layer was given, as arguments."""
        arguments = []
        if isinstance(self.ensemble_kwargs, Mapping) and self.ensemble_kwargs:
            items = [f"{name!r}: {show(value)}" for name, value in self.ensemble_kwargs.items()]
            arguments.append(f"ensemble_kwargs={{{', '.join(items)}}}")
        if self.synapse is not NOT_GIVEN:
            arguments.append(f"synapse={self.synapse!r}")
        if self.trainable is not None:
            arguments.append(f"trainable={self.trainable!r}")
        if self.label is not None:
            arguments.append(f"label={self.label!r}")
        return arguments

    def __str__(self) -> str:
        return f"{type(self).__name__}({name_of(self.layer_func)})"

    def __repr__(self) -> str:
        applied = [] if self.layer_func is None else [show(self.layer_func)]
        settings = ", ".join([*applied, *self._described_settings()])
        return plain(f"{type(self).__name__}({settings})")

    def __getstate__(self) -> dict[str, Any]:
        # a copy was not called yet, and must not drag the networks of the original with it
        return {**self.__dict__, "calls": []}

    if not TYPE_CHECKING:  # where it would let any name pass

        def __getattr__(self, name: str) -> Any:
            # any attribute may be the first one that is missed
            if "_made" not in self.__dict__ and not name.startswith("__"):
                raise MissingInitError(type(self), name)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in vars(cls):
            near = difflib.get_close_matches(name, HOOKS, n=1, cutoff=0.85)
            if near and name not in HOOKS:
                warnings.warn(
                    f"{cls.__name__}.{name} is no hook of a layer and will not run by itself; did "
                    f"you mean {near[0]}?",
                    stacklevel=3,  # where the class is defined, behind ABCMeta
                )


@contextmanager
def named_in_errors(layer: BaseLayer) -> Iterator[None]:
    """Name a layer in the errors that code raises inside without a layer."""
    try:
        yield
    except LayerError as error:
        if error.obj is None:
            error.obj = layer
        raise


def overridden_hooks(cls: type[BaseLayer]) -> list[str]:
    """Return the names of the hooks that a class overrides."""
    return [
        name
        for name in HOOKS
        if inspect.getattr_static(cls, name) is not inspect.getattr_static(BaseLayer, name)
    ]


def name_of(layer_func: Any) -> str:
    """Return the short name of a layer_func, empty for None."""
    if isinstance(layer_func, list | tuple):
        return ", ".join(map(name_of, layer_func))
    return "" if layer_func is None else own_name(layer_func) or str(layer_func)


def show(value: Any) -> str:
    """Return a short text for a value that a layer was given."""
    if isinstance(value, list | tuple) and any(map(callable, value)):
        return f"[{', '.join(map(show, value))}]"
    if isinstance(value, np.ndarray):
        return f"<array of shape {value.shape}>"
    name = own_name(value)
    return repr(value) if name is None else f"{type(value).__name__} {name!r}"


def own_name(value: Any) -> str | None:
    """Return the name that a function or layer has itself, if any."""
    for attribute in ("name", "__name__"):
        name = getattr(value, attribute, None)
        if isinstance(name, str) and callable(value):
            return name
    return None


def _check_ensemble_kwargs(given: Any) -> None:
    is_mapping = isinstance(given, Mapping) and all(isinstance(name, str) for name in given)
    if given is not None and not is_mapping:
        raise LayerError(
            f"expected a dict of arguments of nengo.Ensemble or None, got {given!r}",
            attr="ensemble_kwargs",
        )


def _forget_new_objects(network: nengo.Network, before: Mapping[type, int]) -> None:
    for cls, objects in network.objects.items():
        del objects[before.get(cls, 0) :]
