"""Values for the inputs of a Keras model, in the forms that the model takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nengo_layers_plus._upstream import tf


def keys_of_inputs(model: tf.keras.Model) -> list[str] | None:
    """Return the keys of a model that was made with a flat dict of inputs, None for others."""
    structure = model.input
    if isinstance(structure, Mapping) and not any(map(tf.nest.is_nested, structure.values())):
        return sorted(structure)  # the order of model.inputs
    return None


def in_order(model: tf.keras.Model, names: Sequence[str], inputs: Any) -> list[Any]:
    """
    Return one value for each of ``model.inputs``, paired as ``model.predict`` does it.

    Parameters
    ----------
    model : tf.keras.Model
        The model.
    names : sequence of str
        What the inputs are called in the network. They are taken as keys where they are not those
        of Keras.
    inputs : array_like, list or Mapping
        As given by the user.

    Raises
    ------
    ValueError
        If there are not as many, or if they have other keys.
    """
    structure, n_inputs = model.input, len(model.inputs)
    keys = keys_of_inputs(model)
    if keys is None and any(map(tf.nest.is_nested, _parts(structure))):
        try:
            tf.nest.assert_same_structure(structure, inputs, check_types=False)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"present: expected inputs in the structure of the model's, {structure}"
            ) from error
        return list(tf.nest.flatten(inputs))
    if isinstance(inputs, Mapping):
        # a dict that the model was made with counts before the names of the input layers
        for known in (keys or model.input_names, names):
            if set(inputs) == set(known):
                return [inputs[key] for key in known]
        raise ValueError(
            f"present: inputs: expected values for {', '.join(keys or model.input_names)}, got "
            f"{', '.join(map(str, inputs))}"
        )
    several = isinstance(inputs, Iterable) and n_inputs > 1
    values = list(inputs) if several else [inputs]
    if len(values) != n_inputs:
        raise ValueError(f"present: expected {n_inputs} inputs, got {len(values)}")
    return values


def for_predict(model: tf.keras.Model, values: Sequence[Any]) -> Any:
    """Return values, one for each of ``model.inputs``, as ``model.predict`` takes them."""
    if isinstance(model.input, tuple):
        return list(values)
    return tf.nest.pack_sequence_as(model.input, values)


def _parts(structure: Any) -> list[Any]:
    """Return what is in the outermost dict, list or tuple of a structure."""
    if isinstance(structure, Mapping):
        return list(structure.values())
    return list(structure) if tf.nest.is_nested(structure) else []
