"""What was made of a network, as a table."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import cached_property
from statistics import mean
from typing import Any

import nengo

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph import (
    GraphObject,
    Line,
    NetworkGraph,
    Parameter,
    Report,
    Table,
    alike_parts,
    listed,
    network_in_words,
    plain,
    range_of_names,
    render,
)
from nengo_layers_plus.graph._keras_layers import keras_layer_of, weights_of
from nengo_layers_plus.graph._network_graph import (
    Index,
    counted_by_keras,
    variables_of,
    write_index,
)
from nengo_layers_plus.graph._parameters import count_values
from nengo_layers_plus.introspection._open_network import open_network
from nengo_layers_plus.introspection._summary._activity import measure
from nengo_layers_plus.introspection._summary._rows import Rows
from nengo_layers_plus.introspection._summary._summary_row import SummaryRow, by_name
from nengo_layers_plus.layers._layer_func import weights_stay

_HEADER = ("layer", "what", "shape", "neurons", "trains", "stays", "synapse")
_NUMBERS = (3,)
_ACTIVITY_HEADER = (
    *("layer", "mean Hz", "max Hz", "silent", "saturated", "spikes/step", "synops/step", "state"),
)
_MOST_HELD = 4


class Summary(Report, Sequence[SummaryRow]):
    """
    What was made of a network, one row a layer, in the order data flows.

    A sequence of `SummaryRow`, one for each ensemble, TensorNode and node. ``str`` writes it as a
    table, notebooks show it as one, and so does ``rich.print``. In these tables layers that are
    alike and lie side by side, as those of a `nengo.networks.EnsembleArray`, share a line unless it
    is made with ``expand=True``; the sequence and `to_dicts` have all. Probes are named in the row
    of what they read.

    Parameters
    ----------
    graph : NetworkGraph
        The network.
    rows : sequence of SummaryRow
        The rows.
    expand : bool
        Whether each layer has a line of its own, also those that are alike.

    Attributes
    ----------
    rows : tuple of SummaryRow
        The rows.
    variables : dict of str to list of tuple
        Of a Simulator: what each of ``sim.keras_model.weights`` holds, by its name: the names of
        parameters, each with what the variable is indexed with to get its values. Empty for a
        network.
    """

    def __init__(
        self, graph: NetworkGraph, rows: Sequence[SummaryRow], expand: bool = False
    ) -> None:
        self.graph = graph
        self.rows = tuple(rows)
        self.expand = expand
        self.variables: Mapping[str, list[tuple[str, Index]]] = variables_of(graph)
        self._title = f"<{network_in_words(graph.network)}>"

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self.row(index) if isinstance(index, str) else self.rows[index]

    def row(self, name: str) -> SummaryRow:
        """
        Return the row of a layer.

        Parameters
        ----------
        name : str
            Its name. ``summary[name]`` is the same.

        Raises
        ------
        KeyError
            If there is none of the name.
        """
        shown = plain(name) if isinstance(name, str) else None
        return by_name(self.rows, shown, f"{self._title} has no layer {name!r}")

    def details(self, name: str | None = None) -> str:
        """
        Write all that is known of a layer.

        Parameters
        ----------
        name : str, optional
            Its name; by default all layers are written.

        Raises
        ------
        KeyError
            If there is none of the name.
        """
        rows = self.rows if name is None else (self.row(name),)
        return "\n\n".join(render(row.details(self.variables)) for row in rows)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return a flat dict for each row, as `pandas.DataFrame` takes them."""
        return [row.to_dict() for row in self.rows]

    # totals

    @property
    def n_neurons(self) -> int:
        """The number of neurons."""
        return sum(row.n_neurons for row in self.rows)

    @property
    def n_trainable(self) -> int | None:
        """
        The number of values in ``sim.keras_model.trainable_weights``.

        None if a shape is not known before a Simulator is built.
        """
        return self._keras[0]

    @property
    def n_non_trainable(self) -> int | None:
        """
        The number of values in ``sim.keras_model.non_trainable_weights``.

        What learns by a rule is counted for each item of a minibatch, as Keras does; of a network
        for one. None if a shape is not known before a Simulator is built.
        """
        return self._keras[1]

    @property
    def state_bytes(self) -> int:
        """Memory (bytes an item) for what neurons and synapses keep from step to step."""
        return sum(row.state_bytes for row in self.rows)

    @property
    def was_run(self) -> bool:
        """Whether it knows what neurons did."""
        return any(row.activity is not None for row in self.rows)

    @cached_property
    def _keras(self) -> tuple[int | None, int | None]:
        """The numbers of values that Keras counts as trainable, and as not."""
        if self.graph.simulator is None:
            return self._counted
        model = self.graph.simulator.keras_model
        trainable, others = (
            sum(variable.shape.num_elements() for variable in weights)
            for weights in (model.trainable_weights, model.non_trainable_weights)
        )
        return trainable, others

    @cached_property
    def _counted(self) -> tuple[int | None, int | None]:
        """The numbers of values of the parameters in the rows, trainable ones and others."""
        sizes: dict[bool, list[int | None]] = {True: [], False: []}
        for parameter in self._all_of("parameters"):
            sizes[parameter.trainable].append(counted_by_keras(self.graph, parameter))
        trainable, others = (
            None if None in counts else sum(filter(None, counts)) for counts in sizes.values()
        )
        return trainable, others

    def _all_of(self, kind: str) -> list[Parameter]:
        return [parameter for row in self for parameter in getattr(row, kind)]

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What the totals count, and what they do not, in sentences."""
        return tuple(self._notes())

    def _notes(self) -> Iterator[str]:
        yield (
            f"{self.n_neurons:,} neurons; {_known(self.n_trainable)} values train, "
            f"{_known(self.n_non_trainable)} stay, as Keras counts them"
        )
        reasons = {
            "unused": "which nengo_dl leaves out, as nothing depends on them",
            "constants": "which can't train, so that nengo_dl builds them in as constants",
        }
        for kind, reason in reasons.items():
            if parameters := self._all_of(kind):
                number = _known(count_values(parameters))
                yield f"not counted: {number} values of {_kinds(parameters)}, {reason}"
        n_items = self.graph.tensor_graph.minibatch_size
        if n_items > 1 and (learned := self._learned()):
            yield (
                f"{listed(learned)}: moved by a learning rule; Keras counts the values of each "
                f"of the {n_items} items of a minibatch"
            )
        if None not in self._counted and self._keras != self._counted:
            extra = sum(filter(None, self._keras)) - sum(filter(None, self._counted))
            yield f"{extra:,} values that Keras counts belong to no layer"
        if stopped := [
            parameter.name for parameter in self._all_of("trains") if not parameter.is_trained
        ]:
            yield f"trainable, but no gradient comes to them: {listed(stopped)}"
        if self.graph.simulator is None:
            if self.graph.network.seed is None:
                yield "the network has no seed: what is drawn is drawn anew for each Simulator"
            drawn = [row.name for row in self if _loses_weights(row.item.obj)]
            if self.was_run and drawn:
                yield (
                    f"run with other weights than it has: {listed(drawn)}. nengo_dl draws those of "
                    "models anew for each Simulator; CustomLayer keeps them"
                )
        not_counted: dict[str, list[str]] = {}
        for row in self:
            if row.activity is not None and row.activity.not_counted:
                not_counted.setdefault(listed(row.activity.not_counted), []).append(row.name)
        for behind, names in not_counted.items():
            yield (
                f"connections behind {listed(names)} that are not known, and not counted: {behind}"
            )

    def _learned(self) -> list[str]:
        signals = self.graph.tensor_graph.signals
        return [
            parameter.name
            for parameter in self._all_of("parameters")
            if not parameter.kind.startswith("Keras")
            and parameter.source in signals
            and signals[parameter.source].minibatched
        ]

    # how it shows

    @cached_property
    def _groups(self) -> list[list[SummaryRow]]:
        if self.expand:
            return [[row] for row in self.rows]
        rows = {row.item: row for row in self.rows}

        def shown(item: GraphObject) -> Hashable:
            row = rows.get(item)
            return row and (row.cells()[1:], row.made_by, row.state_bytes, len(row.probes))

        groups = alike_parts(self.graph, shown)
        return [[rows[item] for item in group] for group in groups if group[0] in rows]

    def _cells(self) -> Iterator[tuple[str, ...]]:
        for group in self._groups:
            cells = dict(zip(_HEADER, group[0].cells(), strict=True))
            if len(group) > 1:
                for column in ("what", "neurons", "trains", "stays"):
                    text = cells[column]
                    text = f"({text})" if "," in text and column != "what" else text
                    cells[column] = text and f"{len(group)} x {text}"
                cells["layer"] = range_of_names(row.name for row in group)
            yield tuple(cells.values())

    def _activity_cells(self) -> Iterator[tuple[str, ...]]:
        for group in self._groups:
            done = [row.activity for row in group if row.activity is not None]
            if not done:
                continue
            saturated = [activity.saturated for activity in done if activity.saturated is not None]
            spikes = [activity.spikes for activity in done if activity.spikes is not None]
            yield (
                range_of_names(row.name for row in group),
                f"{mean(activity.mean_rate for activity in done):.1f}",
                f"{max(activity.max_rate for activity in done):.1f}",
                f"{mean(activity.silent for activity in done):.0%}",
                f"{mean(saturated):.0%}" if saturated else "-",
                f"{sum(spikes):,.2f}" if spikes else "-",
                f"{sum(activity.synaptic_operations for activity in done):,.1f}",
                f"{sum(row.state_bytes for row in group):,} B",
            )

    def _variable_lines(self) -> Iterator[str]:
        """Say what those variables hold whose names do not."""
        for name, held in self.variables.items():
            if "/base_params/" in name:
                parts = [
                    f"{parameter} {write_index(index)}" for parameter, index in held[:_MOST_HELD]
                ]
                if len(held) > _MOST_HELD:
                    parts.append(f"and {len(held) - _MOST_HELD} more")
                yield f"{name.rpartition('/')[2]} holds {', '.join(parts)}"

    def __repr__(self) -> str:
        return plain(f"<{type(self).__name__} of {self._title}: {self.notes[0]}>")

    def _parts(self) -> Iterator[Line | Table]:
        yield Line(self._title)
        yield Table(_HEADER, [*self._cells()], _NUMBERS)
        if self.was_run:
            yield Line("")
            yield Table(
                _ACTIVITY_HEADER, [*self._activity_cells()], range(1, len(_ACTIVITY_HEADER))
            )
        yield from map(Line, (*self.notes, *self._variable_lines()))


def _loses_weights(obj: Any) -> bool:
    if not isinstance(obj, nengo_dl.TensorNode):
        return False
    layer = keras_layer_of(obj)
    return layer is not None and layer.built and bool(weights_of(layer)) and not weights_stay(obj)


def _kinds(parameters: Sequence[Parameter]) -> str:
    plurals = {"bias": "biases", "neuron parameter": "neuron parameters"}
    kinds = dict.fromkeys(plurals.get(parameter.kind, parameter.kind) for parameter in parameters)
    return " and ".join(kinds)


def _known(number: int | None) -> str:
    return "not known how many" if number is None else f"{number:,}"


def summary(
    network: nengo.Network | nengo_dl.Simulator,
    data: Any = None,
    n_steps: int | None = None,
    *,
    expand: bool = False,
) -> Summary:
    """
    Say what was made of a network, layer by layer, and, given data, what its neurons do.

    Parameters
    ----------
    network : nengo.Network or nengo_dl.Simulator
        Any network, whatever made it; or a Simulator, to be told which of its variables holds
        what, and the values that it has now. Neither is changed.
    data : array, list of arrays or dict, optional
        Values of input Nodes, ``(batch, time, size)``, as `nengo_dl.Simulator.predict` takes
        them. With it a copy of the network is run from its initial state, and the rates of all
        neurons are recorded. Nodes that are not given any use their own.
    n_steps : int, optional
        The number of steps to run; by default that of the data. Without data, all Nodes give
        their own values.
    expand : bool
        Whether layers that are alike, as those of a `nengo.networks.EnsembleArray`, have a line
        each in the tables; by default they share one. The sequence always has all.

    Returns
    -------
    summary : Summary
        A sequence of `SummaryRow` that prints as a table.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the network is neither, if that of a Simulator was changed after it was built, or if the
        data does not fit.
    nengo.exceptions.SimulatorClosed
        If the Simulator is closed.

    Notes
    -----
    All outputs of all neurons are in memory at once: four bytes for each neuron, step and item.

    Examples
    --------
    >>> import nengo
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import CustomLayer, summary
    >>> with nengo.Network(label="digits", seed=0) as net:
    ...     image = nengo.Node([0.0] * 16, label="image")
    ...     conv = CustomLayer(tf.keras.layers.Conv2D(3, 2), label="conv")(
    ...         image, shape_in=(4, 4, 1)
    ...     )
    ...     spikes = CustomLayer(nengo.LIF(), label="spikes", synapse=0.01)(conv)
    ...     output = CustomLayer(tf.keras.layers.Dense(2), label="output")(spikes)
    ...     probe = nengo.Probe(output)
    >>> table = summary(net)
    >>> print(table)
    <Network "digits">
    layer    what     shape                    neurons  trains               stays  synapse
    ...
    image    values   (16,)
    conv     Conv2D   (4, 4, 1) -> (3, 3, 3)            kernel 12, bias 3           none
    spikes   LIF()    (3, 3, 3)                     27  bias 27                     Lowpass(0.01 s)
    output   Dense    (27,) -> (2,)                     kernel 54, bias 2           none
    27 neurons; 98 values train, 0 stay, as Keras counts them
    not counted: 27 values of encoders, which nengo_dl leaves out, as nothing depends on them
    >>> table["spikes"].setting("max_rates").given_in_words
    'Uniform(low=200, high=400)'
    """
    if isinstance(network, nengo_dl.Simulator):
        open_network(network, "summarise")
    graph = NetworkGraph(network)
    run = data is not None or n_steps is not None
    activities = measure(graph, network, data, n_steps) if run else {}
    return Summary(graph, Rows(graph, activities).rows, expand)
