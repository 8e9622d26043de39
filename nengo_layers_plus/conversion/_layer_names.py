"""Names of the layers of a Keras model that do not depend on what the process made before."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from nengo_layers_plus._upstream import is_automatic_name, operation_of, snake_case_of, tf
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
    first = next(iter(model.layers), None)
    # the input that a Sequential makes for itself is called after its first layer
    after = (
        f"{first.name}_input"
        if isinstance(model, tf.keras.Sequential) and first is not None
        else None
    )
    names: dict[int, str] = {}
    numbered, made = [], []
    for layer in layers:
        if is_automatic(layer):
            numbered.append(layer)
        elif layer.name == after and is_automatic(first):
            made.append(layer)
        else:
            names[id(layer)] = str(layer.name)
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
    found = {f"{around}{names[id(layer)]}": layer for layer in model.layers}
    for path, layer in list(found.items()):
        if isinstance(layer, tf.keras.Model):
            found |= layers_by_path(layer, f"{path}/")
    return found


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
