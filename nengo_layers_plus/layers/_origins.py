"""Which layer made an object of a network, and what set its settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from nengo_layers_plus.graph._notes import Notes
from nengo_layers_plus.layers._not_given import NOT_GIVEN
from nengo_layers_plus.layers._trainable import Trainable

if TYPE_CHECKING:
    from nengo_layers_plus.layers._custom_layer import CustomLayer
    from nengo_layers_plus.layers._enclosing import Inherited

_CALL = "the call"
_NOT_SAID = "the layer's default"


@dataclass(frozen=True)
class Origin:
    """
    Which layer made an object, and what set its settings.

    Parameters
    ----------
    layer : str
        The layer, in words. Not the layer itself, which knows its objects and would keep them
        alive.
    set_by : Mapping of str to str
        What set each setting that the layer knows of, by its name: the call, an argument or hook
        of the layer, or a block around it. Those of `Trainable` are ``"trainable.bias"`` and so on.
    """

    layer: str
    set_by: Mapping[str, str]


_origins = Notes("origin")


def origin_of(obj: Any) -> Origin | None:
    """Return what a layer noted of an Ensemble, TensorNode or connection; None if none made it."""
    origin: Origin | None = _origins.get(obj)
    return origin


def note_origins(
    layer: CustomLayer,
    overridden: Sequence[str],
    made: Any,
    connections: Iterable[Any],
    *,
    arguments: Mapping[str, Any],
    levels: Mapping[str, Mapping[str, Any]],
    inherited: Inherited,
    call_arguments: Mapping[str, Any],
    synapse: Any,
    trainable: Trainable | bool,
) -> None:
    """
    Note the origin of what a layer has made.

    Parameters
    ----------
    layer : CustomLayer
        The layer.
    overridden : sequence of str
        The hooks that its class overrides.
    made : nengo.Ensemble or nengo_dl.TensorNode
        What it made.
    connections : iterable of nengo.Connection
        Those to it.
    arguments : Mapping
        The arguments that it was made with.
    levels : Mapping
        The arguments that the call and the hook gave, the nearest first.
    inherited : Inherited
        What the blocks around the layer give.
    call_arguments : Mapping
        The arguments of the call.
    synapse : object
        What `CustomLayer.make_synapse` returned.
    trainable : Trainable or bool
        What `CustomLayer.make_trainable` returned.
    """

    def by(hook: str) -> str:
        if hook in overridden:
            return f"{hook} of {type(layer).__name__}"
        return f"{hook.removeprefix('make_')} of the layer"

    nearest_first = [
        (_CALL, levels["call"]),
        (by("make_ensemble_kwargs"), levels["ensemble_kwargs"]),
        *(("ensemble_kwargs of the block", each) for each in inherited.ensemble_kwargs),
    ]
    set_by = {
        name: where
        for where, level in reversed(nearest_first)
        for name in level
        # of two ways to give a response curve one was dropped
        if name not in arguments or arguments[name] is not None
    }
    if arguments.get("gain") is not None:
        for name in ("max_rates", "intercepts"):
            set_by.pop(name, None)
    if "make_layer_func" in overridden:
        set_by["layer_func"] = by("make_layer_func")
    set_by.update(_trainable_set_by(trainable, inherited.trainable, by("make_trainable")))
    _origins[made] = Origin(str(layer), set_by)

    if "synapse" in call_arguments:
        synapse_by = _CALL
    elif synapse is not NOT_GIVEN:
        synapse_by = by("make_synapse")
    elif inherited.synapse is not NOT_GIVEN and hasattr(made, "neuron_type"):
        synapse_by = "synapse of the block"
    else:
        synapse_by = _NOT_SAID
    trained_by = set_by.get("trainable.connection", _NOT_SAID)
    transform_by = _CALL if "transform" in call_arguments else _NOT_SAID
    for connection in connections:
        _origins[connection] = Origin(
            str(layer),
            {"synapse": synapse_by, "transform": transform_by, "trainable": trained_by},
        )


def _trainable_set_by(own: Trainable | bool, around: Trainable, hook: str) -> dict[str, str]:
    found = {}
    for field in fields(Trainable):
        # True and False mean a layer's own parameters, never the connection
        says = (field.name != "connection") if isinstance(own, bool) else None
        if says or (says is None and getattr(own, field.name) is not None):
            found[f"trainable.{field.name}"] = hook
        elif getattr(around, field.name) is not None:
            found[f"trainable.{field.name}"] = "trainable of the block"
    return found
