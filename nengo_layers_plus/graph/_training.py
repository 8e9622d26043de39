"""What of a network is trained: the report of it, and neurons that stop gradients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import nengo
from nengo.exceptions import SimulatorClosed

from nengo_layers_plus._declared import items_in
from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph._gradient_flow import GradientFlow
from nengo_layers_plus.graph._network_graph import NetworkGraph
from nengo_layers_plus.graph._parameters import Parameter, count_values
from nengo_layers_plus.graph._report import Line, Report, Table, plain
from nengo_layers_plus.graph._structure import GraphObject
from nengo_layers_plus.graph._words import network_in_words, renamed

_HEADER = ("parameter", "shape", "values", "trained", "why")


class TrainingReport(Report, Sequence[Parameter]):
    """
    Everything in a network that could be trained, with whether an optimiser will, and why.

    A sequence of `Parameter`; ``str`` writes it as a table, and notebooks show it as one.

    Parameters
    ----------
    parameters : sequence of Parameter
        The parameters, in the order data flows.
    title : str
        What the table is of.
    """

    def __init__(self, parameters: Sequence[Parameter], title: str) -> None:
        self.parameters = tuple(parameters)
        self.title = title

    def __len__(self) -> int:
        return len(self.parameters)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self.parameters[index]

    @cached_property
    def trained(self) -> tuple[Parameter, ...]:
        """The parameters that an optimiser will change."""
        return tuple(parameter for parameter in self if parameter.is_trained)

    @cached_property
    def untrained(self) -> tuple[Parameter, ...]:
        """The parameters that an optimiser will leave alone."""
        return tuple(parameter for parameter in self if not parameter.is_trained)

    @property
    def n_trained(self) -> int | None:
        """The number of values that will be trained; None if a shape is not known."""
        return count_values(self.trained)

    @property
    def n_untrained(self) -> int | None:
        """The number of values that will not be trained; None if a shape is not known."""
        return count_values(self.untrained)

    @property
    def n_trainable(self) -> int | None:
        """
        The number of values in ``sim.keras_model.trainable_weights``; None if a shape is not known.

        Besides those that are trained, these are the ones to which no gradient comes.
        """
        return count_values(parameter for parameter in self if parameter.trainable)

    moving = renamed("moving", "trained")
    staying = renamed("staying", "untrained")
    n_moving = renamed("n_moving", "n_trained")
    n_staying = renamed("n_staying", "n_untrained")

    def _totals(self) -> str:
        return (
            f"{_write(self.n_trained)} values are trained, {_write(self.n_untrained)} are not; "
            f"{_write(self.n_trainable)} are trainable weights of the Keras model"
        )

    def __repr__(self) -> str:
        return plain(f"<{type(self).__name__} of {self.title}: {self._totals()}>")

    def _parts(self) -> Iterator[Line | Table]:
        yield Line(self.title)
        rows = [
            (
                parameter.name,
                "not known" if parameter.shape is None else str(parameter.shape),
                _write(parameter.size),
                "yes" if parameter.is_trained else "no",
                parameter.why,
            )
            for parameter in self
        ]
        if rows:
            yield Table(_HEADER, rows, right=(2,))
        yield Line(self._totals() if rows else "nothing in it could train")


def _write(number: int | None) -> str:
    return "not known" if number is None else f"{number:,}"


def what_trains(network: nengo.Network | nengo_dl.Simulator) -> TrainingReport:
    """
    Say what in a network an optimiser would train, and why it would not train the rest.

    Parameters
    ----------
    network : nengo.Network or nengo_dl.Simulator
        Any network; or a Simulator, to be told what it was built to train.

    Returns
    -------
    report : TrainingReport
        A sequence of `Parameter` that prints as a table.

    Raises
    ------
    nengo.exceptions.ValidationError
        If it is neither.
    nengo.exceptions.SimulatorClosed
        If the Simulator is closed.

    Examples
    --------
    >>> import nengo
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import CustomLayer
    >>> from nengo_layers_plus.graph import what_trains
    >>> with nengo.Network(label="digits") as net:
    ...     image = nengo.Node([0.0] * 4, label="image")
    ...     dense = CustomLayer(tf.keras.layers.Dense(3), label="dense")(image)
    ...     spikes = CustomLayer(nengo.LIF(), label="spikes", trainable=False)(dense)
    ...     probe = nengo.Probe(spikes)
    >>> report = what_trains(net)
    >>> print(report)
    <Network "digits">
    parameter        shape  values  trained  why
    ...
    dense.kernel     (4, 3)     12  yes      the Keras layer says so
    dense.bias       (3,)        3  yes      the Keras layer says so
    spikes.encoders  (3, 1)      3  no       nothing in the network depends on it
    spikes.bias      (3,)        3  no       trainable is False for the object itself
    15 values are trained, 6 are not; 15 are trainable weights of the Keras model
    >>> report.n_trained, [parameter.name for parameter in report.trained]
    (15, ['dense.kernel', 'dense.bias'])
    """
    if isinstance(network, nengo_dl.Simulator) and network.closed:
        raise SimulatorClosed(
            "a Simulator that is closed does not know what trains any more; ask before it is "
            "closed, or ask its network"
        )
    graph = NetworkGraph(network)
    return TrainingReport(graph.parameters, f"<{network_in_words(graph.network)}>")


@dataclass(frozen=True, eq=False)
class GradientStop:
    """
    An Ensemble whose type of neurons stops gradients.

    Parameters
    ----------
    item : GraphObject
        The Ensemble.
    lost : tuple of Parameter
        What should be trained and gets no gradient from any probe.
    partly_lost : tuple of Parameter
        What should be trained and gets a gradient by other ways alone.
    """

    item: GraphObject
    lost: tuple[Parameter, ...]
    partly_lost: tuple[Parameter, ...]


def gradient_stops(
    graph: NetworkGraph, probes: Iterable[nengo.Probe] | None = None
) -> tuple[GradientStop, ...]:
    """
    List the Ensembles whose type of neurons stops gradients that something trainable needs.

    Parameters
    ----------
    graph : NetworkGraph
        The network, of a Simulator.
    probes : iterable of nengo.Probe, optional
        The probes that gradients come from; by default all.

    Returns
    -------
    stops : tuple of GradientStop
        In the order data flows.

    Raises
    ------
    ValueError
        If the graph was made of a Network.
    """
    if getattr(graph, "simulator", None) is None:
        raise ValueError(f"expected a graph of a Simulator, got {graph!r}")
    flow = GradientFlow(graph)
    items = items_in(probes)
    chosen = None if probes is None else [probes] if items is None else list(items)
    if chosen is not None and not all(isinstance(probe, nengo.Probe) for probe in chosen):
        raise ValueError(f"expected probes, got {probes!r}")
    stops = {item for item in graph.objects if item.kind == "ensemble" and not flow.passes(item)}
    if not stops:
        return ()
    needed = flow.reaching_a_probe(chosen, through=stops)
    reached = flow.reaching_a_probe(chosen)
    result = []
    for item in graph.objects:
        if item not in stops or item not in needed:
            continue
        concerned = _trained_before(graph, flow.reached_from([item], through=stops))
        lost = []
        for parameter in concerned:
            owner = _owner(graph, parameter)
            if owner not in reached or not flow.passes(owner):
                lost.append(parameter)
        partly_lost = tuple(parameter for parameter in concerned if parameter not in lost)
        if concerned:
            result.append(GradientStop(item, tuple(lost), partly_lost))
    return tuple(result)


def trained_through(
    graph: NetworkGraph, item: GraphObject, probes: Iterable[nengo.Probe] | None = None
) -> list[Parameter]:
    """
    List what should be trained in an object and before it, by a gradient that comes to the object.

    Parameters
    ----------
    graph : NetworkGraph
        The network, of a Simulator.
    item : GraphObject
        The object.
    probes : iterable of nengo.Probe, optional
        The probes that gradients come from; by default all.

    Returns
    -------
    parameters : list of Parameter
    """
    flow = GradientFlow(graph)
    if item not in flow.reaching_a_probe(probes):
        return []
    return _trained_before(graph, flow.reached_from([item]))


def _trained_before(graph: NetworkGraph, items: set[GraphObject]) -> list[Parameter]:
    return [
        parameter
        for parameter in graph.parameters
        if parameter.trainable and _owner(graph, parameter) in items
    ]


def _owner(graph: NetworkGraph, parameter: Parameter) -> GraphObject:
    """Return the object that a parameter acts on."""
    obj = parameter.obj
    return graph[obj.post_obj if isinstance(obj, nengo.Connection) else obj]
