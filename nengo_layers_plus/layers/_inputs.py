"""What a layer was called on: sources, transforms and the shapes that the layer will see."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import nengo
import numpy as np
from nengo.base import NengoObject, ObjView
from nengo.ensemble import Neurons

from nengo_layers_plus._declared import array_of, is_nan, is_number
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import Shape, shape_of, shape_through, size_of
from nengo_layers_plus.layers._errors import LayerError
from nengo_layers_plus.layers._not_given import NOT_GIVEN

if TYPE_CHECKING:
    from nengo_layers_plus.layers._custom_layer import CustomLayer


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


def is_source(obj: Any) -> bool:
    """Say whether a connection can come from an object."""
    return isinstance(obj, NengoObject | Neurons | ObjView) and not isinstance(
        obj, nengo.Connection | nengo.Probe
    )


def resolve_inputs(
    layer: CustomLayer, sources: tuple[Any, ...], several: bool, transform: Any, shape_in: Any
) -> tuple[LayerInput, ...]:
    """
    Find out what each input is and which shape it has.

    Parameters
    ----------
    layer : CustomLayer
        The layer, for error messages.
    sources : tuple of NengoObject
        What the layer was called on.
    several : bool
        Whether it was called on a list, so that arguments may be lists as well.
    transform, shape_in : object
        As they were given; with several inputs one for all, or a list with one for each.

    Raises
    ------
    LayerError
        If a source is nothing that a connection can come from, if sizes do not fit, or if the
        shape that ``"auto"`` asks for can't be known.
    """
    transforms = _per_input(layer, "transform", transform, len(sources), several)
    shapes = _shapes_per_input(layer, shape_in, len(sources), several)
    return tuple(_resolve(layer, *each) for each in zip(sources, transforms, shapes, strict=True))


def population_shape(layer: CustomLayer, inputs: tuple[LayerInput, ...]) -> Shape:
    """
    Return the shape of the neurons that add up some inputs.

    Parameters
    ----------
    layer : CustomLayer
        The layer, for error messages.
    inputs : tuple of LayerInput
        The inputs.

    Returns
    -------
    shape : tuple of int
        The shape that was given, else the one that the inputs have, else flat.

    Raises
    ------
    LayerError
        If they are not of one size.
    """
    size = inputs[0].size
    if any(each.size != size for each in inputs):
        raise LayerError(
            "neurons add up their inputs, which must have one size, got "
            f"{' and '.join(str(each.shape) for each in inputs)}; give transforms, or join the "
            "inputs with tf.keras.layers.Concatenate",
            attr="input",
            obj=layer,
        )
    known = [each.given or each.carried for each in inputs]
    return next(
        (shape for shape in known if shape and shape != (size,) and None not in shape), (size,)
    )


def choose_synapses(
    layer: CustomLayer, *nearest_first: Any, n_inputs: int | None
) -> tuple[Any, ...]:
    """
    Return the synapse of each connection, from the nearest level that gives one.

    Parameters
    ----------
    layer : CustomLayer
        The layer, for error messages.
    *nearest_first : object
        What the call, the hook and the block around the layer say.
    n_inputs : int or None
        The number of inputs, if the layer was called on a list of them.

    Raises
    ------
    LayerError
        If one is nothing that nengo takes for a synapse.
    """
    chosen = next((each for each in nearest_first if each is not NOT_GIVEN), None)
    synapses = _per_input(layer, "synapse", chosen, n_inputs or 1, n_inputs is not None)
    for synapse in synapses:
        check_synapse(layer, "synapse", synapse)
    return synapses


def check_synapse(layer: CustomLayer, attr: str, synapse: Any) -> None:
    """
    Raise a `LayerError` if a value is nothing that nengo takes for a synapse.

    Parameters
    ----------
    layer : CustomLayer
        The layer, for the error.
    attr : str
        The argument, for the error.
    synapse : object
        What was given.
    """
    if not (
        (is_number(synapse) and not is_nan(synapse) and 0 <= synapse < np.inf)
        or synapse is None
        or synapse is nengo.Default
        or isinstance(synapse, nengo.synapses.Synapse)
    ):
        raise LayerError(
            "expected None, a time constant in seconds, a nengo synapse or nengo.Default, "
            f"got {synapse!r}",
            attr=attr,
            obj=layer,
        )


def _per_input(
    layer: CustomLayer, attr: str, value: Any, n_inputs: int, several: bool
) -> tuple[Any, ...]:
    """
    Return one value for each input, from one for all or a list with one for each.

    Raises
    ------
    LayerError
        If the list has another length.
    """
    if not (several and isinstance(value, list | tuple)):
        return (value,) * n_inputs
    if len(value) != n_inputs:
        raise LayerError(
            f"expected one value for all inputs or a list of {n_inputs}, one for each, got a "
            f"list of {len(value)}",
            attr=attr,
            obj=layer,
        )
    return tuple(value)


def _shapes_per_input(
    layer: CustomLayer, shape_in: Any, n_inputs: int, several: bool
) -> tuple[Any, ...]:
    is_one_shape = isinstance(shape_in, list | tuple) and all(
        isinstance(size, numbers.Integral) for size in shape_in
    )
    return _per_input(layer, "shape_in", shape_in, n_inputs, several and not is_one_shape)


def _resolve(layer: CustomLayer, source: Any, transform: Any, shape_in: Any) -> LayerInput:
    if not is_source(source):
        hint = ""
        if isinstance(source, nengo.Network):
            hint = "; give one of its objects, such as its output"
        raise LayerError(
            "expected a Node, Ensemble, Neurons or TensorNode, a slice of one, or a list of "
            f"these, got {source!r}{hint}",
            attr="input",
            obj=layer,
        )
    check_transform(layer, "transform", transform)
    natural = shape_of(source, nengo.Network.context[0])
    if natural is None and source.size_out == 1:
        natural = (1,)  # the only shape that one value can lie in
    carried = shape_through(transform, natural)
    if isinstance(transform, nengo.Dense) and transform.size_out is not None:
        carried = (int(transform.size_out),)  # also where its matrix is not drawn yet
    given = _given_shape(layer, source, natural, carried, shape_in)
    if given is not None and all(size is not None for size in given):
        size = size_of(given)
    elif isinstance(transform, np.ndarray | list | tuple) and np.ndim(transform) == 2:
        size = int(np.shape(transform)[0])
    elif isinstance(transform, nengo.transforms.Transform) and transform.size_out is not None:
        size = int(transform.size_out)
    else:
        size = int(source.size_out)
    if (transform is None or is_number(transform)) and size != source.size_out:
        raise LayerError(
            f"{source} puts out {source.size_out} values"
            f"{_in_shape(natural, source.size_out)}, but shape_in {given} takes {size}; give "
            "another shape_in (for several inputs a list of shapes, one for each), or a transform",
            attr="shape_in",
            obj=layer,
        )
    if carried is not None and size_of(carried) != size:
        carried = None
    return LayerInput(source, transform, given, size, carried)


def check_transform(layer: CustomLayer, attr: str, transform: Any) -> None:
    """
    Raise a `LayerError` if a value is nothing that nengo takes for a transform.

    Parameters
    ----------
    layer : CustomLayer
        The layer, for the error.
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
            obj=layer,
        )


def _given_shape(
    layer: CustomLayer, source: Any, natural: Shape | None, carried: Shape | None, shape_in: Any
) -> Shape | None:
    if shape_in is None:
        return None
    if isinstance(shape_in, str) and shape_in == "auto":
        if carried is None:
            of = shape_of(source.obj) if isinstance(source, ObjView) else natural
            raise LayerError(
                f"the shape can't be known: {source} takes {source.size_out} values from an "
                f"object of shape {of}; give the shape itself",
                attr="shape_in",
                obj=layer,
            )
        return carried
    is_array = isinstance(shape_in, np.ndarray) and shape_in.ndim == 1
    is_shape = is_array or isinstance(shape_in, list | tuple | tf.TensorShape)
    sizes = tuple(shape_in) if is_shape else (shape_in,)
    if sizes and all(size is None or (_is_whole(size) and size > 0) for size in sizes):
        return tuple(None if size is None else int(size) for size in sizes)  # type: ignore[misc]
    raise LayerError(
        f'expected a tuple of sizes, "auto" or None, got {shape_in!r}; a size is 1 or more',
        attr="shape_in",
        obj=layer,
    )


def _is_whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _in_shape(shape: Shape | None, size: int) -> str:
    return f" of shape {shape}" if shape is not None and shape != (size,) else ""
