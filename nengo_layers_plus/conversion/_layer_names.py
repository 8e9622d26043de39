"""Parts of a Keras model by their names, and the error that names one."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from nengo.exceptions import ValidationError

from nengo_layers_plus._upstream import is_automatic_name, operation_of, snake_case_of, tf
from nengo_layers_plus.graph import plain
from nengo_layers_plus.graph._words import unique_name

_NUMBER = re.compile(r"_\d+$")


@dataclass(frozen=True)
class LayerName:
    """
    The two names of a layer, each behind those of the models around it.

    Parameters
    ----------
    path : str
        The name within the network, e.g. ``"encoder/dense"``.
    keras_path : str
        The name that Keras knows, e.g. ``"encoder/dense_7"``.
    """

    path: str
    keras_path: str

    def __str__(self) -> str:
        if self.path == self.keras_path:
            return repr(self.path)
        return f"{self.keras_path!r} ({self.path!r} in the network)"


def names_of_layers(model: tf.keras.Model) -> dict[int, str]:
    """
    Name the inputs and layers of a model, by their ids.

    Names that users gave stay. Keras numbers all other layers as the process makes them, over all
    models. Here they are numbered within their model, as in the first model of a process.

    Parameters
    ----------
    model : tf.keras.Model
        A model. What is within its models is not named.
    """
    inputs = [tensor.node.layer for tensor in model.inputs or ()]
    layers = list({id(layer): layer for layer in (*inputs, *model.layers)}.values())
    first: Any = next(iter(model.layers), None)
    # a Sequential calls the input that it makes for itself after its first layer
    after_first = (
        isinstance(model, tf.keras.Sequential) and first is not None and is_automatic(first)
    )
    made = [layer for layer in layers if after_first and layer.name == f"{first.name}_input"]
    numbered = [layer for layer in layers if is_automatic(layer)]
    renamed = {id(layer) for layer in (*made, *numbered)}
    names = {id(layer): str(layer.name) for layer in layers if id(layer) not in renamed}
    used = set(names.values())
    for layer in numbered:
        is_input = isinstance(layer, tf.keras.layers.InputLayer)
        # Keras numbers inputs from 1, and leaves the first number of all others out
        names[id(layer)] = unique_name(_stem(layer), used, number_from=1 if is_input else None)
    for layer in made:
        names[id(layer)] = unique_name(f"{names[id(first)]}_input", used)
    return names


def layers_by_path(model: tf.keras.Model, around: str = "") -> dict[str, tf.keras.layers.Layer]:
    """List the layers of a model and of those within it, by their names in a network."""
    names = names_of_layers(model)
    layers = {f"{around}{names[id(layer)]}": layer for layer in model.layers}
    for path, layer in list(layers.items()):
        if isinstance(layer, tf.keras.Model):
            layers |= layers_by_path(layer, f"{path}/")
    return layers


def name_of_model(model: tf.keras.Model, used: Iterable[str]) -> str:
    """Return the name that was given to a model, else one that is not used around its network."""
    return unique_name(_stem(model), set(used)) if is_automatic(model) else str(model.name)


def is_automatic(layer: tf.keras.layers.Layer) -> bool:
    """Say whether a layer, an input, an operation or a model has a name such as Keras gives."""
    if operation_of(layer) is not None:
        return True
    if isinstance(layer, tf.keras.layers.InputLayer):
        return re.fullmatch(r"input_\d+", layer.name) is not None
    if snake_case_of(layer) == "functional":  # the class behind tf.keras.Model
        return re.fullmatch(r"model(_\d+)?", layer.name) is not None
    return is_automatic_name(layer)


def _stem(layer: tf.keras.layers.Layer) -> str:
    """Return what Keras puts before the number of a layer."""
    if operation_of(layer) is not None:
        return _NUMBER.sub("", layer.name)  # such as tf.nn.relu
    if isinstance(layer, tf.keras.layers.InputLayer):
        return "input"
    own = snake_case_of(layer)
    return "model" if own == "functional" else own


class ConversionError(ValidationError):
    """
    A Keras model, or an argument of `from_keras`, can't be turned into the same network.

    Parameters
    ----------
    msg : str
        What is wrong, and what to do.
    layer : str, optional
        The name of the Keras layer that it is about.
    """

    def __init__(self, msg: str, layer: str | LayerName | None = None) -> None:
        super().__init__(msg, attr="from_keras")
        self.name = LayerName(layer, layer) if isinstance(layer, str) else layer

    @property
    def layer(self) -> str | None:
        """The name that Keras has for the layer."""
        return None if self.name is None else self.name.keras_path

    def __str__(self) -> str:
        where = "" if self.name is None else f"layer {self.name}: "
        return f"from_keras: {where}{self.args[0]}"

    def __reduce__(self) -> tuple[type[ConversionError], tuple[str, LayerName | None]]:
        return type(self), (self.args[0], self.name)


@contextmanager
def errors_about(name: LayerName) -> Iterator[None]:
    """Name a layer in the errors that code raises inside without a name."""
    try:
        yield
    except ConversionError as error:
        error.name = error.name or name
        raise


def describe_error(error: Exception) -> str:
    """Return the kind and the beginning of the text of another error, in one line."""
    return textwrap.shorten(f"{type(error).__name__}: {error}", 300, placeholder=" ...")


Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Entry(Generic[Value]):
    """
    One entry of a `Named`.

    Parameters
    ----------
    name : str
        Its name.
    value : object
        Its value.
    keras_names : tuple of str
        Names by which Keras knows it.
    keras_objects : tuple
        Keras layers and tensors that it stands for.
    """

    name: str
    value: Value
    keras_names: tuple[str, ...] = ()
    keras_objects: tuple[Any, ...] = ()


class Named(Mapping[str, Value], Generic[Value]):
    """
    A mapping by name, which also takes the names and objects of Keras.

    A name of an entry wins over the same name that Keras has for another entry.

    Parameters
    ----------
    what : str
        What it maps, for the error message.
    entries : sequence of Entry
        In their order.
    """

    def __init__(self, what: str, entries: Sequence[Entry[Value]]) -> None:
        self._what = what
        # they hold the Keras objects, so that their ids stay theirs
        self._entries = {entry.name: entry for entry in entries}

    def names_of(self, key: Any) -> list[str]:
        """Return the names of all entries that a key may stand for."""
        if tf.is_tensor(key) or isinstance(key, tf.keras.layers.Layer):
            return [
                entry.name
                for entry in self._entries.values()
                if any(obj is key for obj in entry.keras_objects)
            ]
        if not isinstance(key, str):
            return []
        own = [key] if key in self._entries else []
        in_keras = [entry.name for entry in self._entries.values() if key in entry.keras_names]
        return own + [name for name in in_keras if name != key]

    def only_name_of(self, key: Any, argument: str) -> str | None:
        """
        Return the name of the entry that a key stands for, None if there is none.

        Raises
        ------
        ConversionError
            If it stands for several. The argument of `from_keras` is named in it.
        """
        names = self.names_of(key)
        if len(names) > 1:
            raise ConversionError(
                f"{argument}: {key!r} may be {' or '.join(map(self.describe, names))}; give the "
                "Keras layer in place of its name, such as model.get_layer(...)"
            )
        return names[0] if names else None

    def describe(self, name: str) -> str:
        """Return the name of an entry, with that of Keras if it has another."""
        in_keras = dict.fromkeys(self._entries[name].keras_names)
        in_keras.pop(name, None)
        return f"{name} ({' or '.join(in_keras)} in Keras)" if in_keras else name

    def keras_objects(self, name: str) -> tuple[Any, ...]:
        """Return the Keras objects that an entry stands for."""
        return self._entries[name].keras_objects

    def __getitem__(self, key: Any) -> Value:
        names = self.names_of(key)
        if not names:
            known = ", ".join(map(self.describe, self._entries)) or "nothing"
            raise KeyError(f"{key!r} is none of the {self._what}: {known}")
        return self._entries[names[0]].value

    def __contains__(self, key: object) -> bool:
        return bool(self.names_of(key))

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return plain(repr(dict(self)))
