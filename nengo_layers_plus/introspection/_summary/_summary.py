"""What was made of a network, as a table."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

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
from nengo_layers_plus.graph._parameters import count_values
from nengo_layers_plus.graph._variables import (
    Index,
    counted_by_keras,
    variables_of,
    write_index,
)
from nengo_layers_plus.introspection._summary._details import details_of
from nengo_layers_plus.introspection._summary._summary_row import SummaryRow
from nengo_layers_plus.layers._layer_wrapper import weights_stay

_HEADER = ("layer", "what", "shape", "neurons", "trains", "stays", "synapse")
_NUMBERS = (3,)
_ACTIVITY_HEADER = (
    *("layer", "mean Hz", "max Hz", "silent", "saturated", "spikes/step", "synops/step", "state"),
)
_ACTIVITY_NUMBERS = range(1, len(_ACTIVITY_HEADER))
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
        self._keras = self._count_of_keras()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self.row(index) if isinstance(index, str) else self.rows[index]

    def __iter__(self) -> Iterator[SummaryRow]:
        return iter(self.rows)

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
        found = next((row for row in self.rows if row.name == shown), None)
        if found is None:
            known = ", ".join(row.name for row in self.rows) or "none"
            raise KeyError(f"{self._title} has no layer {name!r}; it has {known}")
        return found

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
        return "\n\n".join(render(details_of(row, self.variables)) for row in rows)

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

    def _count_of_keras(self) -> tuple[int | None, int | None]:
        graph = self.graph
        if graph.simulator is not None:
            model = graph.simulator.keras_model
            return (
                sum(_size(each) for each in model.trainable_weights),
                sum(_size(each) for each in model.non_trainable_weights),
            )
        return (self._counted(trainable=True), self._counted(trainable=False))

    def _counted(self, trainable: bool) -> int | None:
        sizes = [
            counted_by_keras(self.graph, each) for each in self._parameters(trainable=trainable)
        ]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def _parameters(self, trainable: bool) -> list[Parameter]:
        return [each for row in self for each in row.parameters if each.trainable == trainable]

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What the totals count, and what they do not, in sentences."""
        found = [
            f"{self.n_neurons:,} neurons; {_known(self.n_trainable)} values train, "
            f"{_known(self.n_non_trainable)} stay, as Keras counts them"
        ]
        unused = [each for row in self for each in row.unused]
        if unused:
            found.append(
                f"not counted: {_known(count_values(unused))} values of {_kinds(unused)}, which "
                "nengo_dl leaves out, as nothing depends on them"
            )
        constants = [each for row in self for each in row.constants]
        if constants:
            found.append(
                f"not counted: {_known(count_values(constants))} values of {_kinds(constants)}, "
                "which can't train, so that nengo_dl builds them in as constants"
            )
        learned = self._learned()
        n_items = self.graph.tensor_graph.minibatch_size
        if learned and n_items > 1:
            found.append(
                f"{listed(learned)}: moved by a learning rule; Keras counts the values of each "
                f"of the {n_items} items of a minibatch"
            )
        counted = [self._counted(trainable=True), self._counted(trainable=False)]
        if None not in counted and list(self._keras) != counted:
            extra = sum(map(int, filter(None, self._keras))) - sum(map(int, filter(None, counted)))
            found.append(f"{extra:,} values that Keras counts belong to no layer")
        stopped = [each.name for row in self for each in row.trains if not each.moves]
        if stopped:
            found.append(f"trainable, but no gradient comes to them: {listed(stopped)}")
        if self.graph.simulator is None and self.graph.network.seed is None:
            found.append("the network has no seed: what is drawn is drawn anew for each Simulator")
        drawn = [row.name for row in self if _loses_weights(row.item.obj)]
        if self.was_run and self.graph.simulator is None and drawn:
            found.append(
                f"run with other weights than it has: {listed(drawn)}. nengo_dl draws those of "
                "models anew for each Simulator; CustomLayer keeps them"
            )
        not_counted: dict[str, list[str]] = {}
        for row in self:
            if row.activity is not None and row.activity.not_counted:
                not_counted.setdefault(listed(row.activity.not_counted), []).append(row.name)
        found += [
            f"connections behind {listed(names)} that are not known, and not counted: {behind}"
            for behind, names in not_counted.items()
        ]
        return tuple(found)

    def _learned(self) -> list[str]:
        signals = self.graph.tensor_graph.signals
        return [
            each.name
            for row in self
            for each in row.parameters
            if not each.kind.startswith("Keras")
            and each.source in signals
            and signals[each.source].minibatched
        ]

    # how it shows

    @cached_property
    def _groups(self) -> list[list[SummaryRow]]:
        if self.expand:
            return [[row] for row in self.rows]
        rows = {row.item: row for row in self.rows}

        def shown(item: GraphObject) -> Hashable:
            row = rows.get(item)
            if row is None:
                return None
            return (row.cells()[1:], row.made_by, row.state_bytes, len(row.probes))

        groups = alike_parts(self.graph, shown)
        return [[rows[item] for item in group] for group in groups if group[0] in rows]

    def _cells(self) -> list[tuple[str, ...]]:
        lines = []
        for group in self._groups:
            first = group[0]
            cells = list(first.cells())
            if len(group) > 1:
                cells[0] = _name(group)
                cells[1] = f"{len(group)} x {first.what}"
                for index in (3, 4, 5):
                    several = "," in cells[index]
                    if cells[index]:
                        text = f"({cells[index]})" if several else cells[index]
                        cells[index] = f"{len(group)} x {text}"
            lines.append(tuple(cells))
        return lines

    def _activity_cells(self) -> list[tuple[str, ...]]:
        lines: list[tuple[str, ...]] = []
        for group in self._groups:
            done = [row.activity for row in group if row.activity is not None]
            if not done:
                continue
            shares = [each.saturated for each in done if each.saturated is not None]
            spikes = [each.spikes for each in done if each.spikes is not None]
            lines.append(
                (
                    _name(group),
                    f"{_mean([each.mean_rate for each in done]):.1f}",
                    f"{max(each.max_rate for each in done):.1f}",
                    f"{_mean([each.silent for each in done]):.0%}",
                    f"{_mean(shares):.0%}" if shares else "-",
                    f"{sum(spikes):,.2f}" if spikes else "-",
                    f"{sum(each.synaptic_operations for each in done):,.1f}",
                    f"{sum(row.state_bytes for row in group):,} B",
                )
            )
        return lines

    def _variable_lines(self) -> list[str]:
        """Say what those variables hold whose names do not."""
        lines = []
        for name, held in self.variables.items():
            if "/base_params/" not in name:
                continue
            parts = [f"{each} {write_index(index)}" for each, index in held[:_MOST_HELD]]
            if len(held) > _MOST_HELD:
                parts.append(f"and {len(held) - _MOST_HELD} more")
            lines.append(f"{name.rpartition('/')[2]} holds {', '.join(parts)}")
        return lines

    def __repr__(self) -> str:
        return plain(f"<{type(self).__name__} of {self._title}: {self.notes[0]}>")

    def _parts(self) -> Iterator[Line | Table]:
        yield Line(self._title)
        yield Table(_HEADER, self._cells(), _NUMBERS)
        if self.was_run:
            yield Line("")
            yield Table(_ACTIVITY_HEADER, self._activity_cells(), _ACTIVITY_NUMBERS)
        yield from map(Line, (*self.notes, *self._variable_lines()))


def _loses_weights(obj: Any) -> bool:
    if not isinstance(obj, nengo_dl.TensorNode):
        return False
    layer = keras_layer_of(obj)
    return layer is not None and layer.built and bool(weights_of(layer)) and not weights_stay(obj)


def _size(variable: Any) -> int:
    return int(variable.shape.num_elements())


def _kinds(parameters: Sequence[Parameter]) -> str:
    plurals = {"bias": "biases", "neuron parameter": "neuron parameters"}
    kinds = dict.fromkeys(plurals.get(each.kind, each.kind) for each in parameters)
    return " and ".join(kinds)


def _known(number: int | None) -> str:
    return "not known how many" if number is None else f"{number:,}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _name(rows: Sequence[SummaryRow]) -> str:
    return range_of_names(row.name for row in rows)
