"""What was made of one layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from nengo.neurons import Direct

from nengo_layers_plus.graph import GraphObject, Parameter, Shape
from nengo_layers_plus.graph._parameters import count_values
from nengo_layers_plus.introspection._summary._activity import Activity
from nengo_layers_plus.introspection._summary._summary_input import SummaryInput
from nengo_layers_plus.introspection._summary._summary_setting import SummarySetting
from nengo_layers_plus.introspection._summary._words import shapes_in_words, synapse_in_words

_KINDS = {
    "connection weights": "connection_weight_values",
    "encoders": "encoder_values",
    "bias": "neuron_bias_values",
    "neuron parameter": "neuron_parameter_values",
    "synapse parameter": "synapse_parameter_values",
    "Keras weights": "keras_weight_values",
    "Keras state": "keras_state_values",
}

_MOST_NAMES = 3


@dataclass(frozen=True, eq=False)
class SummaryRow:
    """
    What was made of one layer: an ensemble, a TensorNode or a node.

    Parameters
    ----------
    item : GraphObject
        The object, and its place in the network.
    what : str
        The type of neurons, the Keras layer, the function, or what a node puts out.
    made_by : str or None
        The layer that made it; None if none of this package did.
    inputs : tuple of SummaryInput
        The connections into it.
    parameters : tuple of Parameter
        All that could train: its own, and that of the connections into it.
    unused : tuple of Parameter
        Those of them that nengo_dl leaves out, as nothing depends on them, such as the encoders of
        neurons that are connected to directly.
    constants : tuple of Parameter
        Those of them that nengo_dl builds in as constants, as they can't train. Keras does not
        count them.
    shares_with : str or None
        The name of the row that lists the weights of its Keras layer, if that is another one.
    settings : tuple of SummarySetting
        Response curves, encoders, initial states and so on, of an ensemble.
    seed : int or None
        Its seed; None if it is drawn anew for each Simulator.
    seed_given : bool
        Whether it was given to the object, and not derived from the seed of the network.
    state_bytes : int
        Memory for what neurons and synapses keep from step to step, for each item of a batch.
    probes : tuple of str
        Names of the probes that read it.
    activity : Activity or None
        What its neurons did, if data was run.
    declared : Mapping
        By the names of parameters that its type of neurons and the synapses declare, the values
        that they begin with, and those that they have now.
    """

    item: GraphObject
    what: str
    made_by: str | None
    inputs: tuple[SummaryInput, ...]
    parameters: tuple[Parameter, ...]
    unused: tuple[Parameter, ...]
    constants: tuple[Parameter, ...]
    shares_with: str | None
    settings: tuple[SummarySetting, ...]
    seed: int | None
    seed_given: bool
    state_bytes: int
    probes: tuple[str, ...]
    activity: Activity | None = None
    declared: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the object."""
        return self.item.name

    @property
    def kind(self) -> str:
        """``"ensemble"``, ``"tensor node"`` or ``"node"``."""
        return self.item.kind

    @property
    def shape_in(self) -> Shape:
        """The shape of what comes in, without batch and time."""
        return self.item.shape_in

    @property
    def shape_out(self) -> Shape:
        """The shape of what goes out, without batch and time."""
        return self.item.shape_out

    @property
    def n_neurons(self) -> int:
        """The number of neurons; an ensemble in Direct mode has none."""
        obj = self.item.obj
        has_neurons = self.kind == "ensemble" and not isinstance(obj.neuron_type, Direct)
        return int(obj.n_neurons) if has_neurons else 0

    @property
    def trains(self) -> tuple[Parameter, ...]:
        """The parameters that are among the trainable weights of the Keras model."""
        return tuple(each for each in self.parameters if each.trainable)

    @property
    def stays(self) -> tuple[Parameter, ...]:
        """The parameters that are in use and do not train."""
        return tuple(
            each for each in self.parameters if not each.trainable and each not in self.unused
        )

    @property
    def n_trainable(self) -> int | None:
        """The number of values that train; None if a shape is not known."""
        return count_values(self.trains)

    @property
    def n_fixed(self) -> int | None:
        """The number of values that are in use and do not train; None if a shape is not known."""
        return count_values(self.stays)

    def setting(self, name: str) -> SummarySetting:
        """
        Return one of the settings.

        Parameters
        ----------
        name : str
            Its name, e.g. ``"gain"``.

        Raises
        ------
        KeyError
            If there is none of the name.
        """
        found = next((each for each in self.settings if each.name == name), None)
        if found is None:
            known = ", ".join(each.name for each in self.settings) or "none"
            raise KeyError(f"{self.name} has no setting {name!r}; it has {known}")
        return found

    def short_name(self, parameter: Parameter) -> str:
        """Return the name of a parameter within the row."""
        if parameter.kind == "connection weights":
            return "weights"
        own = parameter.name.removeprefix(f"{self.name}.")
        # of a synapse the name of its connection goes before
        return own if own != parameter.name else own.rpartition(".")[2]

    def cells(self) -> tuple[str, ...]:
        """Return what the table of a summary shows."""
        neurons = f"{self.n_neurons:,}" if self.n_neurons else ""
        return (
            self.name,
            self.what,
            shapes_in_words(self.shape_in, self.shape_out, is_input=not self.inputs),
            neurons,
            self.trains_in_words(),
            self.parts_in_words(self.stays),
            self.synapses_in_words(),
        )

    def trains_in_words(self) -> str:
        """Say what trains."""
        if self.shares_with is not None:
            return f"weights of {self.shares_with}"
        return self.parts_in_words(self.trains)

    def parts_in_words(self, parameters: Iterable[Parameter]) -> str:
        """Name parameters with their numbers of values."""
        sizes: dict[str, list[int | None]] = {}
        for each in parameters:
            sizes.setdefault(self.short_name(each), []).append(each.size)
        if len(sizes) > _MOST_NAMES:
            arrays = [size for several in sizes.values() for size in several]
            return f"{len(arrays)} arrays {_total(arrays)}"
        return ", ".join(f"{name} {_total(several)}" for name, several in sizes.items())

    def synapses_in_words(self) -> str:
        """Write the synapses of the connections into it, each once."""
        return ", ".join(dict.fromkeys(synapse_in_words(each.synapse) for each in self.inputs))

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as numbers, texts and None, flat."""
        found: dict[str, Any] = {
            "name": self.name,
            "kind": self.kind,
            "what": self.what,
            "made_by": self.made_by,
            "shape_in": self.shape_in,
            "shape_out": self.shape_out,
            "neurons": self.n_neurons,
            "in_cycle": self.item.cycle,
            "trains": self.trains_in_words(),
            "stays": self.parts_in_words(self.stays),
            "unused": self.parts_in_words(self.unused),
            "trainable_values": self.n_trainable,
            "fixed_values": self.n_fixed,
            "unused_values": count_values(self.unused),
            "constant_values": count_values(self.constants),
        }
        for kind, key in _KINDS.items():
            found[key] = count_values(
                each for each in self.parameters if each.kind == kind and each not in self.unused
            )
        found |= {
            "shares_with": self.shares_with,
            "inputs": ", ".join(each.source for each in self.inputs),
            "synapses": ", ".join(synapse_in_words(each.synapse) for each in self.inputs),
            "synapses_set_by": ", ".join(each.synapse_set_by for each in self.inputs),
            "transforms": ", ".join(each.transform for each in self.inputs),
            "transforms_set_by": ", ".join(each.transform_set_by for each in self.inputs),
            "seed": self.seed,
            "seed_given": self.seed_given,
            "state_bytes": self.state_bytes,
            "probes": ", ".join(self.probes),
        }
        for each in self.settings:
            name = f"initial_{each.name}" if each.initial_state else each.name
            found[name] = each.given_in_words
            if each.values is not None and each.values.size:
                found[f"{name}_min"] = float(each.values.min())
                found[f"{name}_max"] = float(each.values.max())
            found[f"{name}_set_by"] = each.set_by
        if self.activity is not None:
            found |= activity_as_dict(self.activity)
        return found


def activity_as_dict(activity: Activity) -> Mapping[str, Any]:
    """Return what neurons did, flat."""
    return {
        "mean_rate_hz": activity.mean_rate,
        "max_rate_hz": activity.max_rate,
        "silent": activity.silent,
        "saturated": activity.saturated,
        "spikes_per_step": activity.spikes,
        "synaptic_operations_per_step": activity.synaptic_operations,
        "not_counted": ", ".join(activity.not_counted),
    }


def _total(sizes: Iterable[int | None]) -> str:
    sizes = list(sizes)
    if None in sizes:
        return "?"
    return f"{sum(size for size in sizes if size is not None):,}"
