"""What the hooks of a layer may look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nengo_layers_plus.graph import Shape


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
        given = {
            name: self.call_arguments[name]
            for name in ("transform", "synapse")
            if name in self.call_arguments
        }
        several = isinstance(self.input, tuple)
        return {**given, "shape_in": list(self.shape_in) if several else self.shape_in}
