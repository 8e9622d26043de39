"""A call of a layer as data: its inputs, the context of its hooks, the parts that it made."""

from __future__ import annotations

import enum
import numbers
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import nengo
import numpy as np
from nengo.base import NengoObject, ObjView
from nengo.ensemble import Neurons

from nengo_layers_plus._declared import array_of, is_finite, is_number
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import Shape, shape_of, shape_through, size_of
from nengo_layers_plus.graph._settings import Notes
from nengo_layers_plus.layers._errors import LayerError
from nengo_layers_plus.layers._trainable import Trainable


class _NotGiven(enum.Enum):
    # a member of an Enum stays the same object when it is copied or pickled
    NOT_GIVEN = enum.auto()

    def __repr__(self) -> str:
        return "<not given>"


NOT_GIVEN = _NotGiven.NOT_GIVEN
"""Marks arguments that were not given, where None means something."""


@dataclass(frozen=True)
class LayerContext:
    """
    One call of a layer, as its hooks see it.

    Every hook of `.CustomLayer` that runs before the objects exist is given one. New fields may
    be added in later versions, so hooks should read the fields they need by name.

    Parameters
    ----------
    input : NengoObject or tuple of NengoObject
        What the layer was called on; a tuple when it was called on several inputs.
    shape_in : tuple of int, or tuple of such tuples
        Shape of what the layer will be applied to, without the batch: ``(size,)`` unless a
        ``shape_in`` was given. One shape for each of several inputs. From the moment that the
        layer is known to be made of neurons, which see no shape, it is one shape: the one that
        was given, else the one that the input has, e.g. ``(26, 26, 32)`` behind a convolution.
    size_in : int, or tuple of int
        Number of values in ``shape_in``; for a layer of neurons the number of neurons.
    call_arguments : Mapping
        The arguments of the call as they were given (``transform``, ``shape_in``, ``synapse``,
        ``return_conn`` and the extra keyword arguments); read only. An argument that was not
        given is absent.

    Examples
    --------
    >>> from nengo_layers_plus import LayerContext
    >>> LayerContext(input="a", shape_in=(4, 4, 2), size_in=32, call_arguments={}).size_in
    32
    """

    input: Any
    shape_in: Shape | tuple[Shape, ...]
    size_in: int | tuple[int, ...]
    call_arguments: Mapping[str, Any]

    @property
    def connection_arguments(self) -> dict[str, Any]:
        """
        The arguments of the call that concern the connection from the input.

        A block hands them to the layers that it calls on its own input.
        """
        is_list = isinstance(self.input, tuple)
        arguments: dict[str, Any] = {"shape_in": list(self.shape_in) if is_list else self.shape_in}
        for name in ("transform", "synapse"):
            if name in self.call_arguments:
                arguments[name] = self.call_arguments[name]
        return arguments


@dataclass(frozen=True, eq=False)
class LayerParts:
    """
    The objects that one call of a layer made, and those that it joined.

    Parameters
    ----------
    input : NengoObject or tuple of NengoObject
        What the layer was called on; a tuple when it was called on several inputs.
    output : nengo.ensemble.Neurons or nengo_dl.TensorNode
        What the call returned.
    connection : nengo.Connection or tuple of nengo.Connection
        The connection from the input to the output, one for each of several inputs.
    ensemble : nengo.Ensemble or None
        The ensemble that holds the neurons; None if the layer is not made of neurons.
    node : nengo_dl.TensorNode or None
        The node that applies the Keras layer or function; None if the layer is made of neurons.
    shape_in : tuple of int, or tuple of such tuples
        Shape of what the layer is applied to, without the batch; one for each of several inputs.
    shape_out : tuple of int
        Shape of the output, without the batch. Neurons keep the shape of their input.
    trainable : Trainable
        Which parameters are trained, as far as the layer or a block around it sets it.
    inner : tuple of LayerParts
        What the layers within a `.Block` made, in the order they were called; empty for a layer
        that is none. The ``ensemble`` and ``node`` of a block are those of its output, its
        ``connection`` those that come from its input.
    network : nengo.Network or None
        The subnetwork that a block made for itself, if it was asked to.
    added : dict
        What `.CustomLayer.on_built` chose to keep here by name, such as a probe.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import CustomLayer
    >>> layer = CustomLayer(nengo.LIF())
    >>> with nengo.Network() as net:
    ...     image = nengo.Node([0.0] * 12)
    ...     neurons = layer(image, shape_in=(2, 2, 3))
    >>> parts = layer.calls[0]
    >>> parts.shape_out, parts.ensemble.n_neurons, parts.connection.synapse
    ((2, 2, 3), 12, None)
    """

    input: Any
    output: Any
    connection: Any
    ensemble: Any
    node: Any
    shape_in: Shape | tuple[Shape, ...]
    shape_out: Shape
    trainable: Trainable = field(default_factory=Trainable)
    inner: tuple[LayerParts, ...] = ()
    network: nengo.Network | None = None
    added: dict[str, Any] = field(default_factory=dict)

    @property
    def connections(self) -> tuple[nengo.Connection, ...]:
        """The ``connection``, always as a tuple."""
        return self.connection if isinstance(self.connection, tuple) else (self.connection,)

    @property
    def leaves(self) -> tuple[LayerParts, ...]:
        """What the layers within a block made that are no blocks; for another layer its own."""
        if not self.inner:
            return (self,)
        return tuple(leaf for parts in self.inner for leaf in parts.leaves)


@dataclass(frozen=True)
class Origin:
    """
    The layer that made an object, and the place where its settings were set.

    Parameters
    ----------
    layer : str
        The layer, in words. Not the layer itself, which knows its objects and would keep them
        alive.
    set_by : Mapping of str to str
        The place for each setting that the layer knows of, by its name: the call, an argument or
        hook of the layer, or a block around it. Those of `Trainable` are ``"trainable.bias"`` and
        so on.
    """

    layer: str
    set_by: Mapping[str, str]


ORIGINS = Notes("origin")
"""The `Origin` of each Ensemble, TensorNode and connection that a layer made."""


def origin_of(obj: Any) -> Origin | None:
    """Return the `Origin` of an Ensemble, TensorNode or connection; None if no layer made it."""
    origin: Origin | None = ORIGINS.get(obj)
    return origin


# inputs


@dataclass(frozen=True)
class LayerInput:
    """
    One input of a layer.

    Parameters
    ----------
    source : NengoObject
        Where the connection comes from.
    transform : object
        The connection's transform.
    given : tuple or None
        The ``shape_in`` that was given, if one was.
    size : int
        Number of values behind the transform.
    carried : tuple of int or None
        The shape that the values have by themselves, None if it can't be known.
    """

    source: Any
    transform: Any
    given: Shape | None
    size: int
    carried: Shape | None

    @property
    def shape(self) -> Shape:
        """The shape in which a Keras layer or function sees the values."""
        return (self.size,) if self.given is None else self.given


@dataclass(frozen=True)
class LayerInputs:
    """
    All inputs of a call.

    Parameters
    ----------
    items : tuple of LayerInput
        The inputs.
    is_list : bool
        Whether they were given as a list, so that arguments may be lists as well.
    """

    items: tuple[LayerInput, ...]
    is_list: bool

    @property
    def n_listed(self) -> int | None:
        """The number of inputs in the list, None if there was no list."""
        return len(self.items) if self.is_list else None

    def unwrapped(self, values: Iterable[Any]) -> Any:
        """Return a tuple with a value for each input, or the one value if there was no list."""
        values = tuple(values)
        return values if self.is_list else values[0]

    def population_shape(self) -> Shape:
        """
        Return the shape of the neurons that add them up: as given, else as carried, else flat.

        Raises
        ------
        LayerError
            If they are not of one size.
        """
        size = self.items[0].size
        if any(item.size != size for item in self.items):
            raise LayerError(
                "neurons add up their inputs, which must have one size, got "
                f"{' and '.join(str(item.shape) for item in self.items)}; give transforms, or join "
                "the inputs with tf.keras.layers.Concatenate",
                attr="input",
            )
        shapes = [item.given or item.carried or (size,) for item in self.items]
        return next((shape for shape in shapes if shape != (size,) and None not in shape), (size,))


def is_source(obj: Any) -> bool:
    """Say whether a connection can come from an object."""
    return isinstance(obj, NengoObject | Neurons | ObjView) and not isinstance(
        obj, nengo.Connection | nengo.Probe
    )


def resolve_inputs(given: Any, transform: Any, shape_in: Any) -> LayerInputs:
    """
    Return the inputs of a call with their shapes.

    Parameters
    ----------
    given : NengoObject or sequence of NengoObject
        What the layer was called on.
    transform, shape_in : object
        As they were given; with several inputs one for all, or a list with one for each.

    Raises
    ------
    LayerError
        If a source is nothing that a connection can come from, if sizes do not fit, or if the
        shape that ``"auto"`` asks for can't be known.
    """
    is_list = isinstance(given, list | tuple)
    sources = tuple(given) if is_list else (given,)
    if not sources:
        raise LayerError("expected at least one input, got none", attr="input")
    is_one_shape = isinstance(shape_in, list | tuple) and all(
        isinstance(size, numbers.Integral) for size in shape_in
    )
    transforms = per_input("transform", transform, len(sources), is_list)
    shapes = per_input("shape_in", shape_in, len(sources), is_list and not is_one_shape)
    items = map(_resolve, sources, transforms, shapes)
    return LayerInputs(tuple(items), is_list)


def per_input(attr: str, value: Any, n_inputs: int, may_be_list: bool = True) -> tuple[Any, ...]:
    """
    Return one value for each input, from one for all or a list with one for each.

    Parameters
    ----------
    attr : str
        The argument, for the error.
    value : object
        What was given.
    n_inputs : int
        The number of inputs.
    may_be_list : bool
        Whether a list means one for each, and not a value.

    Raises
    ------
    LayerError
        If the list has another length.
    """
    if not (may_be_list and isinstance(value, list | tuple)):
        return (value,) * n_inputs
    if len(value) != n_inputs:
        raise LayerError(
            f"expected one value for all inputs or a list of {n_inputs}, one for each, got a "
            f"list of {len(value)}",
            attr=attr,
        )
    return tuple(value)


def check_synapse(attr: str, synapse: Any) -> None:
    """
    Raise a `LayerError` if a value is nothing that nengo takes for a synapse.

    Parameters
    ----------
    attr : str
        The argument, for the error.
    synapse : object
        What was given.
    """
    if not (
        synapse is None
        or (is_finite(synapse) and synapse >= 0)
        or synapse is nengo.Default
        or isinstance(synapse, nengo.synapses.Synapse)
    ):
        raise LayerError(
            "expected None, a time constant in seconds, a nengo synapse or nengo.Default, "
            f"got {synapse!r}",
            attr=attr,
        )


def check_transform(attr: str, transform: Any) -> None:
    """
    Raise a `LayerError` if a value is nothing that nengo takes for a transform.

    Parameters
    ----------
    attr : str
        The argument, for the error.
    transform : object
        What was given.
    """
    if transform is None or isinstance(
        transform, nengo.dists.Distribution | nengo.transforms.Transform
    ):
        return
    # NumPy makes an array of more than nengo does
    is_array = is_number(transform) or isinstance(transform, np.ndarray | list | tuple)
    array = array_of(transform) if is_array else None
    if array is None or array.size == 0 or array.ndim > 2:
        raise LayerError(
            "expected a number, an array of at most two axes, a nengo distribution or a nengo "
            f"transform, got {transform!r}",
            attr=attr,
        )


def _resolve(source: Any, transform: Any, shape_in: Any) -> LayerInput:
    if not is_source(source):
        is_network = isinstance(source, nengo.Network)
        hint = "; give one of its objects, such as its output" if is_network else ""
        raise LayerError(
            "expected a Node, Ensemble, Neurons or TensorNode, a slice of one, or a list of "
            f"these, got {source!r}{hint}",
            attr="input",
        )
    check_transform("transform", transform)
    natural = shape_of(source, nengo.Network.context[0])
    if natural is None and source.size_out == 1:
        natural = (1,)  # the only shape that one value can lie in
    carried = shape_through(transform, natural)
    if isinstance(transform, nengo.Dense) and transform.size_out is not None:
        carried = (int(transform.size_out),)  # also where its matrix is not drawn yet
    given = _given_shape(source, natural, carried, shape_in)
    known = carried if given is None or None in given else given
    size = int(source.size_out) if known is None else size_of(known)
    if (transform is None or is_number(transform)) and size != source.size_out:
        shape = "" if natural in (None, (source.size_out,)) else f" of shape {natural}"
        raise LayerError(
            f"{source} puts out {source.size_out} values{shape}, but shape_in {given} takes {size}"
            "; give another shape_in (for several inputs a list of shapes, one for each), or a "
            "transform",
            attr="shape_in",
        )
    if carried is not None and size_of(carried) != size:
        carried = None
    return LayerInput(source, transform, given, size, carried)


def _given_shape(
    source: Any, natural: Shape | None, carried: Shape | None, shape_in: Any
) -> Shape | None:
    if shape_in is None:
        return None
    if isinstance(shape_in, str) and shape_in == "auto":
        if carried is not None:
            return carried
        whole = shape_of(source.obj) if isinstance(source, ObjView) else natural
        raise LayerError(
            f"the shape can't be known: {source} takes {source.size_out} values from an object of "
            f"shape {whole}; give the shape itself",
            attr="shape_in",
        )
    is_array = isinstance(shape_in, np.ndarray) and shape_in.ndim == 1
    is_shape = is_array or isinstance(shape_in, list | tuple | tf.TensorShape)
    sizes = tuple(shape_in) if is_shape else (shape_in,)
    if sizes and all(size is None or (_is_whole(size) and size > 0) for size in sizes):
        return tuple(size and int(size) for size in sizes)
    raise LayerError(
        f'expected a tuple of sizes, "auto" or None, got {shape_in!r}; a size is 1 or more',
        attr="shape_in",
    )


def _is_whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)
