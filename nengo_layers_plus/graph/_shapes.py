"""Shapes of what objects of a network put out; nengo itself knows sizes only."""

from __future__ import annotations

import math
import operator
from functools import cached_property
from typing import Any

import nengo
from nengo.base import NengoObject, ObjView
from nengo.ensemble import Neurons

from nengo_layers_plus._declared import array_of
from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph._settings import Notes

Shape = tuple[int, ...]

# what layers declared of ensembles
_declared = Notes("shape")


def size_of(shape: Shape) -> int:
    """Return the number of values in an array of this shape."""
    try:
        return math.prod(map(operator.index, shape))
    except (AttributeError, TypeError):  # the former from numbers of TensorFlow
        raise ValueError(f"expected a shape, a tuple of sizes, got {shape!r}") from None


def declare_shape(ensemble: nengo.Ensemble, shape: Shape) -> None:
    """
    Say which shape the neurons of an ensemble stand for.

    Parameters
    ----------
    ensemble : nengo.Ensemble
        The ensemble that holds the neurons.
    shape : tuple of int
        A shape of ``n_neurons`` values, without the batch, e.g. ``(height, width, channels)``.

    Raises
    ------
    ValueError
        If the shape has another number of values.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import graph
    >>> with nengo.Network():
    ...     ensemble = nengo.Ensemble(12, 1)
    >>> graph.declare_shape(ensemble, (2, 2, 3))
    >>> graph.shape_of(ensemble.neurons)
    (2, 2, 3)
    """
    if not isinstance(ensemble, nengo.Ensemble):
        raise ValueError(f"expected an ensemble, got {ensemble!r}")
    if size_of(shape) != ensemble.n_neurons:
        raise ValueError(
            f"{ensemble} has {ensemble.n_neurons} neurons, which can't have the shape {shape} "
            f"of {size_of(shape)} values"
        )
    _declared[ensemble] = tuple(shape)


def shape_of(obj: Any, network: nengo.Network | None = None) -> Shape | None:
    """
    Return the shape of what an object puts out, without batch and time.

    Parameters
    ----------
    obj : NengoObject, nengo.ensemble.Neurons or a slice of one
        The object.
    network : nengo.Network, optional
        The network that it is in. Neurons for which no shape was declared take over the shape of
        what is connected to them there.

    Returns
    -------
    shape : tuple of int or None
        None for a part of an object that has more than one dimension: which of its values lie
        beside which can't be known.

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import graph, nengo_dl
    >>> with nengo.Network() as net:
    ...     image = nengo.Node([0.0] * 12)
    ...     node = nengo_dl.TensorNode(lambda x: x, shape_in=(2, 2, 3), pass_time=False)
    ...     neurons = nengo_dl.Layer(nengo.LIF())(node)
    >>> graph.shape_of(node), graph.shape_of(node[:4]), graph.shape_of(image[:4])
    ((2, 2, 3), None, (4,))
    >>> graph.shape_of(neurons), graph.shape_of(neurons, net)
    ((12,), (2, 2, 3))
    """
    if not isinstance(obj, NengoObject | Neurons | ObjView):
        raise ValueError(f"expected an object of a network, got {obj!r}")
    return Shapes(network).of(obj)


class Shapes:
    """
    The shapes of the objects of a network, worked out once an object.

    Parameters
    ----------
    network : nengo.Network, optional
        The network.
    """

    def __init__(self, network: nengo.Network | None = None) -> None:
        self.network = network
        self.known: dict[nengo.Ensemble, Shape] = {}

    @cached_property
    def arriving(self) -> dict[nengo.Ensemble, list[nengo.Connection]]:
        """The connections to all neurons of an ensemble."""
        arriving: dict[nengo.Ensemble, list[nengo.Connection]] = {}
        for connection in () if self.network is None else self.network.all_connections:
            if isinstance(connection.post, Neurons):
                arriving.setdefault(connection.post.ensemble, []).append(connection)
        return arriving

    def of(self, obj: Any) -> Shape | None:
        """Return the shape of what an object puts out, None if it can't be known."""
        if isinstance(obj, ObjView):
            whole = self.of(obj.obj)
            if isinstance(obj.slice, slice) and obj.slice == slice(None):
                return whole
            return (int(obj.size_out),) if whole is not None and len(whole) == 1 else None
        if isinstance(obj, nengo_dl.TensorNode):
            return None if obj.shape_out is None else tuple(int(size) for size in obj.shape_out)
        if isinstance(obj, Neurons):
            return self._of_neurons(obj.ensemble)
        return (int(obj.size_out),)

    def _of_neurons(self, ensemble: nengo.Ensemble) -> Shape:
        # not by recursion: networks may be deeper than Python's stack
        waiting = [ensemble]
        begun: set[nengo.Ensemble] = set()
        while waiting:
            current = waiting[-1]
            if current in _declared:
                self.known[current] = _declared.get(current)
            if current in self.known:
                waiting.pop()
            elif current in begun:
                self.known[current] = self._carried_to(current)
            else:
                begun.add(current)
                sources = [link.pre_obj for link in self.arriving.get(current, ())]
                before = [source.ensemble for source in sources if isinstance(source, Neurons)]
                # those in a loop that were begun before have no shape of their own
                waiting += [source for source in before if source not in begun]
        return self.known[ensemble]

    def _carried_to(self, ensemble: nengo.Ensemble) -> Shape:
        flat = (int(ensemble.n_neurons),)
        carried = set()
        for connection in self.arriving.get(ensemble, ()):
            source = connection.pre_obj
            if isinstance(source, Neurons) and source.ensemble not in self.known:
                continue
            carried.add(shape_through(connection.transform, self.of(connection.pre)))
        carried.discard(flat)
        shape = carried.pop() if len(carried) == 1 else None
        return shape if shape is not None and size_of(shape) == flat[0] else flat


def shape_through(transform: Any, shape: Shape | None) -> Shape | None:
    """
    Return the shape of what comes out of a connection's transform.

    Parameters
    ----------
    transform : None, number, array_like, nengo.dists.Distribution or nengo.transforms.Transform
        What a connection was given as ``transform``.
    shape : tuple of int or None
        The shape of what goes in; None if it is not known.

    Returns
    -------
    shape : tuple of int or None
        A matrix gives a flat shape, a convolution its own, a number or a diagonal keeps the
        shape. A random distribution gives a matrix of the size that it is asked for, so that
        nothing is known but that the shape is flat: the size of what goes in.

    Examples
    --------
    >>> import nengo
    >>> import numpy as np
    >>> from nengo_layers_plus import graph
    >>> graph.shape_through(2.0, (4, 4, 1)), graph.shape_through(np.ones((3, 16)), (4, 4, 1))
    ((4, 4, 1), (3,))
    >>> graph.shape_through(nengo.Convolution(6, (4, 4, 1)), (4, 4, 1))
    (2, 2, 6)
    """
    if isinstance(transform, nengo.Convolution | nengo.ConvolutionTranspose):
        return tuple(int(size) for size in transform.output_shape.shape)
    if isinstance(transform, nengo.Dense):
        transform = transform.init if _is_distribution(transform.init) else transform.sample()
    elif isinstance(transform, nengo.Sparse):
        return (int(transform.size_out),)
    if transform is None or isinstance(transform, nengo.transforms.NoTransform):
        return shape
    if _is_distribution(transform):
        return None if shape is None else (size_of(shape),)
    matrix = array_of(transform)
    if matrix is None:
        raise ValueError(f"expected a transform, got {transform!r}")
    return (len(matrix),) if matrix.ndim == 2 else shape


def _is_distribution(value: Any) -> bool:
    return isinstance(value, nengo.dists.Distribution)
