"""A stack of layers."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any, overload

from nengo.exceptions import ValidationError

from nengo_layers_plus._declared import items_in
from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph import Shape
from nengo_layers_plus.graph._words import unique_name
from nengo_layers_plus.layers._base_layer import BaseLayer, label_next, name_of, named_in_errors
from nengo_layers_plus.layers._block import Block
from nengo_layers_plus.layers._custom_layer import CustomLayer, kind_of
from nengo_layers_plus.layers._errors import LayerError
from nengo_layers_plus.layers._layer_call import LayerContext


class Sequential(Block):
    """
    A stack of layers, each applied to what the one before puts out.

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
        What trains: ``weights`` is for all Keras layers, and for what layers of neurons add that
        has weights, such as those of `.RecurrentNeurons`; the other parts are for all layers of
        neurons. True and False mean all parameters, and never the connections from the input of
        a layer.
    label : str, optional
        Goes before the labels of what is made, as ``"label/..."``.
    subnetwork : bool
        Whether each call makes a `nengo.Network` of its own, which then has the label.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an element can't be a layer.

    Notes
    -----
    Where a layer in the stack says something itself, that wins over the setting of the stack.
    Settings reach the layers in the stack. Of other objects that a `.Block` in it makes,
    ``trainable`` alone speaks.

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
            if self.layer_func is None:
                raise LayerError(
                    "its layers are made when it is first called; call it before asking for them",
                    attr="layers",
                    obj=self,
                )
            # a tuple, so that nothing is appended in silence
            self.layer_func, named = self._elements(self.layer_func)
            self._made = (self.layer_func, named)
        made: dict[str, BaseLayer] = self._made[1]
        return made

    def _elements(self, layers: Any) -> tuple[tuple[Any, ...], dict[str, BaseLayer]]:
        """Return the elements as they were given, and the layers made of them by name."""
        if layers is None:
            raise LayerError(
                "there are no layers to apply; give a list of them, or override make_layer_func",
                attr="layers",
                obj=self,
            )
        items = items_in(layers)  # so that all live, and each has an id of its own
        if items is None:
            raise LayerError(f"expected a list of layers, got {layers!r}", attr="layers", obj=self)
        named: dict[str, BaseLayer] = {}
        used: set[str] = set()
        wrapped: dict[int, BaseLayer] = {}
        for number, item in enumerate(items):
            # what stands in two places is one layer
            if id(item) not in wrapped:
                try:
                    wrapped[id(item)] = as_layer(item)
                except ValidationError as error:
                    raise LayerError(
                        f"element {number}: {error}", attr="layers", obj=self
                    ) from error
            layer = wrapped[id(item)]
            named[unique_name(layer.name, used)] = layer
        if not named:
            raise LayerError("expected at least one layer, got none", attr="layers", obj=self)
        return items, named

    # the call

    def make_output(self, context: LayerContext) -> Any:
        """Apply the layers, one after another, and return the last object."""
        if self.layer_func is None and self._made is None:
            _, named = self._elements(self.make_layer_func(context))
            self._made = (None, named)
        source = context.input
        arguments = context.connection_arguments
        for number, (name, layer) in enumerate(self._named().items()):
            label_next(name)
            shape = arguments["shape_in"]
            if not fits(layer.layer_func, shape):
                raise self._misfit(number, name, layer, shape)
            try:
                source = layer(source, **arguments)
            except ValidationError as error:
                raise self._misfit(number, name, layer, shape, error) from error
            known = [parts.shape_out for parts in layer.calls[-1:] if parts.output is source]
            arguments = {"shape_in": known[0] if known else "auto"}
        return source

    def _misfit(
        self, number: int, name: str, layer: BaseLayer, shape: Any, error: object = None
    ) -> LayerError:
        needed = needed_shape(layer.layer_func)
        return LayerError(
            f"element {number} of {len(self)}, {name!r}, got the shape {shape}"
            f"{f', needs {needed}' if needed else ''}{f': {error}' if error else ''}",
            attr="call",
        )

    # how it shows

    def __str__(self) -> str:
        return f"{type(self).__name__}({', '.join(self._made[1]) if self._made else ''})"

    def __repr__(self) -> str:
        if self._made is None:
            return super().__repr__()
        layers = ", ".join(f"{name}: {_show(layer)}" for name, layer in self._named().items())
        settings = [f"[{layers}]", *self._described_settings()]
        return f"<{type(self).__name__}({', '.join(settings)})>"


def as_layer(given: Any) -> BaseLayer:
    """
    Make a layer of what a user gave for one.

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


# the shapes that Keras layers need, as they say themselves


def needed_shape(layer_func: Any) -> str | None:
    """
    Say which shape a Keras layer takes, without the batch.

    Parameters
    ----------
    layer_func : object
        What a layer applies.

    Returns
    -------
    needed : str or None
        None if it takes any, or does not say.
    """
    spec = _spec(layer_func)
    if spec is None:
        return None
    if spec.shape is not None:
        sizes = ", ".join("any" if size is None else str(size) for size in spec.shape[1:])
        return f"({sizes}{',' if len(spec.shape) == 2 else ''})"
    words = []
    if spec.ndim is not None:
        words.append(_dimensions(spec.ndim))
    if spec.min_ndim is not None and spec.min_ndim > 2:
        words.append(f"at least {_dimensions(spec.min_ndim)}")
    if spec.max_ndim is not None:
        words.append(f"at most {_dimensions(spec.max_ndim)}")
    for axis, size in _sizes(spec).items():
        place = "last axis" if axis == -1 else f"axis {axis}"
        words.append(f"size {size} in its {place}")
    return " with ".join(words) or None


def fits(layer_func: Any, shape: Any) -> bool:
    """
    Say whether a Keras layer takes a shape, as far as it says itself.

    Parameters
    ----------
    layer_func : object
        What a layer applies.
    shape : tuple of int
        The shape, without the batch.
    """
    spec = _spec(layer_func)
    if spec is None or not isinstance(shape, tuple):
        return True
    ndim = len(shape) + 1
    if spec.shape is not None and not tf.TensorShape(spec.shape).is_compatible_with((None, *shape)):
        return False
    return (
        (spec.ndim is None or ndim == spec.ndim)
        and (spec.min_ndim is None or ndim >= spec.min_ndim)
        and (spec.max_ndim is None or ndim <= spec.max_ndim)
        and all(_size_at(shape, axis) in (None, size) for axis, size in _sizes(spec).items())
    )


def _spec(layer_func: Any) -> Any:
    spec = getattr(layer_func, "input_spec", None)
    if isinstance(spec, list) and len(spec) == 1:
        spec = spec[0]
    # layers of several inputs have a list or dict of them
    return spec if isinstance(spec, tf.keras.layers.InputSpec) else None


def _dimensions(ndim: int) -> str:
    return f"{ndim - 1} dimension{'' if ndim == 2 else 's'}"


def _sizes(spec: Any) -> dict[int, int]:
    """Return the sizes that are asked for, by axis without the batch."""
    return {
        (axis - 1 if axis > 0 else axis): size
        for axis, size in (spec.axes or {}).items()
        if size is not None
    }


def _size_at(shape: Shape, axis: int) -> int | None:
    return shape[axis] if -len(shape) <= axis < len(shape) else None
