"""A row of a summary: the inputs, settings and parameters of one layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import nengo
import numpy as np
from nengo.neurons import Direct

from nengo_layers_plus.graph import (
    GraphObject,
    Line,
    Parameter,
    Shape,
    Table,
    in_words,
    range_of,
)
from nengo_layers_plus.graph._network_graph import Index, write_index
from nengo_layers_plus.graph._parameters import count_values
from nengo_layers_plus.introspection._summary._activity import Activity
from nengo_layers_plus.introspection._summary._words import (
    arguments_in_words,
    synapse_in_words,
)

_KINDS = {
    "connection weights": "connection_weight_values",
    "encoders": "encoder_values",
    "bias": "neuron_bias_values",
    "neuron parameter": "neuron_parameter_values",
    "synapse parameter": "synapse_parameter_values",
    "Keras weights": "keras_weight_values",
    "Keras state": "keras_state_values",
}

_UNITS = {
    "mean_rate": "_hz",
    "max_rate": "_hz",
    "spikes": "_per_step",
    "synaptic_operations": "_per_step",
}
_MOST_NAMES = 3


@dataclass(frozen=True, eq=False)
class SummaryInput:
    """
    A connection into a layer.

    Parameters
    ----------
    connection : nengo.Connection
        The connection.
    source : str
        The name of the object that it comes from.
    transform : str
        The transform, in words.
    synapse_set_by, transform_set_by : str
        What set its synapse and its transform: the call of a layer, one of its hooks or arguments,
        the configuration of a network, the connection itself, or nengo's default.
    """

    connection: nengo.Connection
    source: str
    transform: str
    synapse_set_by: str
    transform_set_by: str

    @property
    def synapse(self) -> Any:
        """Its synapse; None if it has none."""
        return self.connection.synapse

    @property
    def synapse_in_words(self) -> str:
        """Its synapse, in words."""
        return synapse_in_words(self.synapse)


@dataclass(frozen=True, eq=False)
class SummarySetting:
    """
    A setting of an Ensemble: what was given, and what was built of it.

    Parameters
    ----------
    name : str
        E.g. ``"max_rates"``; of an initial state its name, such as ``"voltage"``.
    given : object
        What was given: a distribution, an array, or None.
    values : array or None
        The numbers that nengo built; of a Simulator those that it has now. None where there are
        none.
    set_by : str
        What set it: the call of a layer, one of its hooks or arguments, the configuration of a
        network, the object itself, or nengo's default.
    unit : str
        The unit of the numbers.
    initial_state : bool
        Whether it is what a state of the neurons begins with.
    """

    name: str
    given: Any
    values: np.ndarray | None = field(repr=False)
    set_by: str
    unit: str = ""
    initial_state: bool = False

    @property
    def full_name(self) -> str:
        """Its name in reports: before that of a state, ``"initial"``."""
        return f"initial {self.name}" if self.initial_state else self.name

    @property
    def given_in_words(self) -> str:
        """What was given: a distribution as it is written, an array by its shape and range."""
        return in_words(self.given)

    @property
    def built_in_words(self) -> str:
        """The least and the greatest of the numbers, with their unit."""
        if self.values is None:
            return "-"
        return f"{range_of(self.values)}{self.unit and f' {self.unit}'}"


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
        Names of the probes that read its output.
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
        return tuple(parameter for parameter in self.parameters if parameter.trainable)

    @property
    def stays(self) -> tuple[Parameter, ...]:
        """The parameters that are in use and do not train."""
        return tuple(
            parameter
            for parameter in self.parameters
            if not parameter.trainable and parameter not in self.unused
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
        return by_name(self.settings, name, f"{self.name} has no setting {name!r}")

    def short_name(self, parameter: Parameter) -> str:
        """Return the name of a parameter within the row."""
        if parameter.kind == "connection weights":
            return "weights"
        own = parameter.name.removeprefix(f"{self.name}.")
        # the name of a parameter of a synapse begins with that of its connection
        return own if own != parameter.name else own.rpartition(".")[2]

    def cells(self) -> tuple[str, ...]:
        """Return the cells of the table of a summary."""
        return (
            self.name,
            self.what,
            self._shapes_in_words(),
            f"{self.n_neurons:,}" if self.n_neurons else "",
            self.trains_in_words(),
            self.parts_in_words(self.stays),
            self.synapses_in_words(),
        )

    def trains_in_words(self) -> str:
        """Name the parameters that train, or the row that lists them."""
        if self.shares_with is not None:
            return f"weights of {self.shares_with}"
        return self.parts_in_words(self.trains)

    def parts_in_words(self, parameters: Iterable[Parameter]) -> str:
        """Name parameters with their numbers of values."""
        by_short_name: dict[str, list[Parameter]] = {}
        for parameter in parameters:
            by_short_name.setdefault(self.short_name(parameter), []).append(parameter)
        if len(by_short_name) > _MOST_NAMES:
            arrays = [array for several in by_short_name.values() for array in several]
            return f"{len(arrays)} arrays {_total(arrays)}"
        return ", ".join(f"{name} {_total(several)}" for name, several in by_short_name.items())

    def synapses_in_words(self) -> str:
        """Write the synapses of the connections into it, without repetitions."""
        return ", ".join(dict.fromkeys(link.synapse_in_words for link in self.inputs))

    def _shapes_in_words(self) -> str:
        if not self.inputs or self.shape_in == self.shape_out:
            return str(self.shape_out)
        return f"{self.shape_in} -> {self.shape_out}"

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as numbers, texts and None, flat."""
        used = [parameter for parameter in self.parameters if parameter not in self.unused]

        def of_inputs(name: str) -> str:
            return ", ".join(getattr(link, name) for link in self.inputs)

        flat: dict[str, Any] = {
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
            flat[key] = count_values(parameter for parameter in used if parameter.kind == kind)
        flat |= {
            "shares_with": self.shares_with,
            "inputs": of_inputs("source"),
            "synapses": of_inputs("synapse_in_words"),
            "synapses_set_by": of_inputs("synapse_set_by"),
            "transforms": of_inputs("transform"),
            "transforms_set_by": of_inputs("transform_set_by"),
            "seed": self.seed,
            "seed_given": self.seed_given,
            "state_bytes": self.state_bytes,
            "probes": ", ".join(self.probes),
        }
        for setting in self.settings:
            key = setting.full_name.replace(" ", "_")
            flat[key] = setting.given_in_words
            if setting.values is not None and setting.values.size:
                flat[f"{key}_min"] = float(setting.values.min())
                flat[f"{key}_max"] = float(setting.values.max())
            flat[f"{key}_set_by"] = setting.set_by
        if self.activity is not None:
            activity = asdict(self.activity)
            not_counted = ", ".join(activity.pop("not_counted"))
            flat |= {f"{name}{_UNITS.get(name, '')}": value for name, value in activity.items()}
            flat["not_counted"] = not_counted
        return flat

    def details(self, variables: Mapping[str, Sequence[tuple[str, Index]]]) -> tuple[Line, Table]:
        """
        Return the parts of a report on all that is known of it.

        Parameters
        ----------
        variables : Mapping
            What the variables of the Keras model hold.
        """
        places = {
            name: f"; in {variable.rpartition('/')[2] if '/base_params/' in variable else variable}"
            + write_index(index)
            for variable, held in variables.items()
            for name, index in held
        }
        return Line(self.name), Table((), [*self._lines(places)])

    def _lines(self, places: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        yield "what", f"{self.kind}: {self.what}"
        if self.made_by is not None:
            yield "made by", self.made_by
        if self.kind == "ensemble":
            arguments = arguments_in_words(self.item.obj.neuron_type)
            yield "neurons", f"{self.n_neurons:,}" + (f" with {arguments}" if arguments else "")
        yield "shape", self._shapes_in_words() + (", in a cycle" if self.item.cycle else "")
        for link in self.inputs:
            synapse = f"synapse {link.synapse_in_words} ({link.synapse_set_by})"
            transform = f"transform {link.transform} ({link.transform_set_by})"
            yield "input", f"{link.source}; {synapse}, {transform}"
        for setting in self.settings:
            given = "" if setting.given is None else f", of {setting.given_in_words}"
            yield setting.full_name, f"{setting.built_in_words}{given}: {setting.set_by}"
        if self.shares_with is not None:
            yield "parameter", f"the weights of {self.shares_with}"
        for parameter in self.parameters:
            yield "parameter", self._parameter_in_words(parameter, places)
        if self.seed is None:
            yield "seed", "drawn anew for each Simulator"
        else:
            yield (
                "seed",
                f"{self.seed}, {'given' if self.seed_given else 'derived from the network'}",
            )
        if self.state_bytes:
            yield "state", f"{self.state_bytes:,} bytes an item"
        if self.probes:
            yield "probes", ", ".join(self.probes)
        if self.activity is not None:
            yield from self.activity.lines()

    def _parameter_in_words(self, parameter: Parameter, places: Mapping[str, str]) -> str:
        state = "trains" if parameter.trainable else "stays"
        if parameter in self.unused:
            state = "is not used"
        shape = "shape not known" if parameter.shape is None else str(parameter.shape)
        place = places.get(parameter.name, "")
        if parameter in self.constants:
            place = "; built in as a constant"
        values = ""
        if parameter.name in self.declared:
            first, current = map(range_of, self.declared[parameter.name])
            values = f"; {current}" if first == current else f"; {current}, at first {first}"
        return f"{parameter.name} {shape} {state}: {parameter.why}{values}{place}"


def by_name(named: Iterable[Any], name: object, error: str) -> Any:
    """Return the one of several that has a name; else raise a KeyError that lists the names."""
    by_name = {item.name: item for item in named}
    if name not in by_name:
        raise KeyError(f"{error}; it has {', '.join(by_name) or 'none'}")
    return by_name[name]


def _total(parameters: Iterable[Parameter]) -> str:
    size = count_values(parameters)
    return "?" if size is None else f"{size:,}"
