"""The objects of a network and the edges between them, in the order data flows."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import nengo
import networkx
from nengo.builder import Builder, Model
from nengo.connection import LearningRule
from nengo.ensemble import Neurons
from nengo.exceptions import ValidationError
from nengo.rc import rc

from nengo_layers_plus._upstream import nengo_dl, random_state_kept, tf
from nengo_layers_plus.graph._canonical_order import (
    canonical_ranks,
    structure_of,
    structure_of_link,
)
from nengo_layers_plus.graph._keras_layers import keras_layer_of
from nengo_layers_plus.graph._report import plain
from nengo_layers_plus.graph._settings import Setting, default_of, settings_of
from nengo_layers_plus.graph._shapes import Shape, Shapes
from nengo_layers_plus.graph._words import unique_name


@dataclass(frozen=True, eq=False)
class GraphObject:
    """
    An ensemble, node or probe, and its place in the network.

    Parameters
    ----------
    obj : nengo.Ensemble, nengo.Node, nengo_dl.TensorNode or nengo.Probe
        The object itself.
    kind : str
        ``"ensemble"``, ``"node"``, ``"tensor node"`` or ``"probe"``.
    name : str
        Readable and unique in the network: labels of the networks around it, then its own label
        or else its kind with a number in the order data flows. It does not depend on the order
        in which parallel branches were made, as long as something tells them apart.
    path : tuple of nengo.Network
        The networks around it, the outermost first.
    shape_in, shape_out : tuple of int
        Shapes without batch and time; for an ensemble those of its neurons.
    cycle : bool
        Whether its output comes back to it.
    """

    obj: Any
    kind: str
    name: str
    path: tuple[nengo.Network, ...]
    shape_in: Shape
    shape_out: Shape
    cycle: bool


@dataclass(frozen=True, eq=False)
class GraphEdge:
    """
    A connection between two objects, or what a probe reads.

    Parameters
    ----------
    connection : nengo.Connection or None
        None for what a probe reads.
    source, target : GraphObject
        Its ends. A connection to a learning rule leads to the object behind the connection
        that learns.
    shape : tuple of int or None
        Shape of what enters it; None if that can't be known.
    path : tuple of nengo.Network
        The networks around it, the outermost first.
    """

    connection: nengo.Connection | None
    source: GraphObject
    target: GraphObject
    shape: Shape | None
    path: tuple[nengo.Network, ...]


def build_model(
    network: nengo.Network, seed: int | None = None, builder: Builder | None = None
) -> Model:
    """
    Build a network as nengo_dl does.

    Parameters
    ----------
    network : nengo.Network
        The network. Neither its seeds nor NumPy's random state are touched.
    seed : int, optional
        Taken for the seed of a network that has none.
    builder : nengo.builder.Builder, optional
        Builds its objects, by default as nengo_dl does.
    """
    with _as_in_a_simulator(network):
        model = nengo_dl.builder.NengoModel(
            dt=0.001, builder=builder or nengo_dl.builder.NengoBuilder(), fail_fast=False
        )
        if seed is not None and network.seed is None:
            model.seeds[network] = seed
            model.seeded[network] = False
        model.build(network)
        return model


def planned(
    network: nengo.Network, seed: int | None = None, builder: Builder | None = None
) -> tuple[Model, Any]:
    """
    Build a network and have nengo_dl plan it, as its Simulator would before TensorFlow.

    Parameters
    ----------
    network : nengo.Network
        The network. Neither its seeds nor NumPy's random state are touched.
    seed : int, optional
        Taken for the seed of a network that has none.
    builder : nengo.builder.Builder, optional
        Builds its objects, by default as nengo_dl does.

    Returns
    -------
    model : nengo.builder.Model
        What was built.
    tensor_graph : nengo_dl.tensor_graph.TensorGraph
        What nengo_dl would make of it.
    """
    with _as_in_a_simulator(network):
        model = build_model(network, seed, builder)
        return model, nengo_dl.tensor_graph.TensorGraph(
            model,
            dt=model.dt,
            unroll_simulation=1,
            minibatch_size=1,
            device=None,
            progress=nengo_dl.utils.NullProgressBar(),
            seed=0,
        )


@contextlib.contextmanager
def _as_in_a_simulator(network: nengo.Network) -> Iterator[None]:
    bits = rc.get("precision", "bits")
    settings = network.config.params.get(nengo.Network)
    dtype = getattr(settings, "dtype", None) or "float32"
    # nengo draws the seed of a network without one from NumPy, Keras those of initial weights
    with random_state_kept(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the Simulator will say it all again
        rc.set("precision", "bits", tf.as_dtype(dtype).name[-2:])
        try:
            yield
        finally:
            rc.set("precision", "bits", bits)


class NetworkStructure:
    """
    What is in a network, how data flows through it, and what nengo and nengo_dl build of it.

    Parameters
    ----------
    network : nengo.Network or nengo_dl.Simulator
        See `NetworkGraph`, which adds the parameters.
    seed : int, optional
        Taken for the seed of a network that has none; by default it is drawn.
    builder : nengo.builder.Builder, optional
        Builds the objects of a network, by default as nengo_dl does.

    Raises
    ------
    nengo.exceptions.ValidationError
        If it is neither, or a subnetwork with connections to objects outside of it.
    """

    def __init__(
        self,
        network: nengo.Network | nengo_dl.Simulator,
        seed: int | None = None,
        builder: Builder | None = None,
    ) -> None:
        self.seed = seed
        self._builder = builder
        self.simulator = network if isinstance(network, nengo_dl.Simulator) else None
        self.network = self.simulator.model.toplevel if self.simulator else network
        if not isinstance(self.network, nengo.Network):
            raise ValidationError(
                f"expected a nengo.Network or a nengo_dl.Simulator made from one, got {network!r}",
                attr="network",
                obj=self,
            )
        self._paths = dict(_walk(self.network, ()))
        self._network_names: dict[nengo.Network, str] = {self.network: ""}
        self.objects, self.edges = self._build()
        self._by_object = {item.obj: item for item in self.objects}

    def __repr__(self) -> str:
        return plain(
            f"<{type(self).__name__} of {self.network}: {len(self.objects)} objects, "
            f"{len(self.edges)} edges>"
        )

    def __getitem__(self, obj: Any) -> GraphObject:
        """Return the entry of an object, of the ensemble of neurons or of the object of a slice."""
        try:
            return self._by_object[_holder(obj)]
        except (KeyError, TypeError):  # the latter of what has no hash
            raise KeyError(f"{obj!r} is not an object of {self.network}") from None

    def path(self, obj: Any) -> tuple[nengo.Network, ...]:
        """Return the networks around an object or connection, the outermost first."""
        holder = obj if isinstance(obj, nengo.Connection) else _holder(obj)
        try:
            return self._paths[holder]
        except (KeyError, TypeError):  # the latter of what has no hash
            raise KeyError(f"{obj!r} is not in {self.network}") from None

    def name_of(self, obj: Any) -> str:
        """
        Return the name of an object, or of a connection, as all reports write it.

        Parameters
        ----------
        obj : NengoObject, nengo.ensemble.Neurons or nengo.connection.LearningRule
            What is named: neurons as their ensemble, a rule as the connection that learns by it,
            and what nengo makes for a probe as the probe. Of what is not in the network, its text.
        """
        obj = obj.connection if isinstance(obj, LearningRule) else _holder(obj)
        if isinstance(obj, nengo.Connection) and isinstance(obj.post_obj, nengo.Probe):
            obj = obj.post_obj
        if obj in self._connection_names:
            return self._connection_names[obj]
        return self._by_object[obj].name if obj in self._by_object else plain(obj)

    def network_name(self, network: nengo.Network) -> str:
        """
        Return what the names of the objects of a network begin with.

        Of two networks of one label beside each other the second has a number behind it. A network
        without a label has the name of the one around it, and that at the top none.
        """
        return self._network_names[network]

    @cached_property
    def _connection_names(self) -> dict[nengo.Connection, str]:
        """The names of the connections: those of their ends."""
        used: set[str] = set()
        return {
            edge.connection: unique_name(f"{edge.source.name}->{edge.target.name}", used)
            for item in self.objects
            for edge in self.predecessors(item)
            if edge.connection is not None
        }

    def settings(self, obj: Any) -> dict[str, Setting]:
        """
        Return the settings of nengo_dl (and of others) in force for an object, by name.

        Parameters
        ----------
        obj : NengoObject or nengo.ensemble.Neurons
            An object or connection of the network.

        Returns
        -------
        settings : dict of Setting
            A nearer level that says something wins, but for ``keep_history``, which nengo_dl
            looks up at the top level alone.
        """
        return settings_of(obj, self.path(obj))

    def default(self, nengo_class: type, name: str, network: nengo.Network) -> Setting:
        """
        Return the default that a new object of a class would get in one of the networks.

        Parameters
        ----------
        nengo_class : type
            E.g. `nengo.Connection`.
        name : str
            E.g. ``"synapse"``.
        network : nengo.Network
            The network, at any depth.

        Raises
        ------
        nengo.exceptions.ValidationError
            If the class has no parameter of this name.
        KeyError
            If the network is none of them.
        """
        around = () if network is self.network else self.path(network)
        if not isinstance(network, nengo.Network):
            raise KeyError(f"{network!r} is no network in {self.network}")
        return default_of(nengo_class, name, (*around, network))

    @property
    def simulator_settings(self) -> dict[str, Any]:
        """What ``nengo_dl.configure_settings`` set for the simulation as a whole."""
        params = self.network.config.params.get(nengo.Network)
        names = () if params is None else params.extra_params
        return {name: getattr(params, name) for name in names}

    @cached_property
    def _planned(self) -> tuple[Model, Any]:
        if self.simulator is not None:
            return self.simulator.model, self.simulator.tensor_graph
        return planned(self.network, self.seed, self._builder)

    @property
    def model(self) -> Model:
        """What nengo builds of the network: signals, seeds and the numbers that were drawn."""
        return self._planned[0]

    @property
    def tensor_graph(self) -> Any:
        """What nengo_dl makes of it."""
        return self._planned[1]

    def predecessors(self, item: GraphObject) -> tuple[GraphEdge, ...]:
        """Return the edges that lead to an object."""
        return self._edges_at("target", item)

    def successors(self, item: GraphObject) -> tuple[GraphEdge, ...]:
        """Return the edges that lead away from an object."""
        return self._edges_at("source", item)

    def _edges_at(self, end: str, item: GraphObject) -> tuple[GraphEdge, ...]:
        if not isinstance(item, GraphObject):
            raise KeyError(f"expected one of the objects of the graph, got {item!r}")
        return tuple(self._edges_by_end.get((end, item), ()))

    @cached_property
    def _edges_by_end(self) -> dict[tuple[str, GraphObject], list[GraphEdge]]:
        by_end: dict[tuple[str, GraphObject], list[GraphEdge]] = {}
        for edge in self.edges:
            by_end.setdefault(("source", edge.source), []).append(edge)
            by_end.setdefault(("target", edge.target), []).append(edge)
        return by_end

    def _build(self) -> tuple[tuple[GraphObject, ...], tuple[GraphEdge, ...]]:
        objects = [
            obj for obj in self._paths if isinstance(obj, nengo.Ensemble | nengo.Node | nengo.Probe)
        ]
        ends = {
            link: _ends(link)
            for link in self._paths
            if isinstance(link, nengo.Connection | nengo.Probe)
        }
        for link, source_and_target in ends.items():
            for end in source_and_target:
                if end not in self._paths:
                    raise ValidationError(
                        f"{link} leads to {end}, which is not in {self.network}; give the network "
                        "that is around both",
                        attr="network",
                        obj=self,
                    )

        labels = {obj: structure_of(obj, _kind(obj), self._paths[obj]) for obj in objects}
        link_labels = {link: structure_of_link(link) for link in ends}
        ranks = canonical_ranks(labels, [(*ends[link], link_labels[link]) for link in ends])
        flow = networkx.DiGraph()
        flow.add_nodes_from(objects)
        flow.add_edges_from(ends.values())
        order, cyclic = _order(flow, ranks)

        shapes = Shapes(self.network)
        items = {}
        used: set[str] = set()
        used_by_networks: set[str] = set()
        for obj in order:
            path, kind = self._paths[obj], _kind(obj)
            own_name = kind.replace(" ", "_") if obj.label is None else plain(obj.label)
            name = unique_name(
                _within(self._name_networks(path, used_by_networks), own_name),
                used,
                number_from=0 if obj.label is None else None,
            )
            items[obj] = GraphObject(obj, kind, name, path, *_shapes(obj, shapes), obj in cyclic)

        position = {obj: index for index, obj in enumerate(order)}
        edges = []
        for link in sorted(ends, key=lambda k: (*map(position.get, ends[k]), link_labels[k])):
            source, target = (items[end] for end in ends[link])
            connection = link if isinstance(link, nengo.Connection) else None
            shape = source.shape_out if connection is None else shapes.of(connection.pre)
            edges.append(GraphEdge(connection, source, target, shape, self._paths[link]))
        return tuple(items.values()), tuple(edges)

    def _name_networks(self, path: tuple[nengo.Network, ...], used: set[str]) -> str:
        """Return the name of the innermost of some networks, each of which gets its own."""
        name = ""
        for network in path[1:]:
            if network not in self._network_names:
                if network.label is not None:
                    name = unique_name(_within(name, plain(network.label)), used)
                self._network_names[network] = name
            name = self._network_names[network]
        return name


def first_uses(items: Iterable[GraphObject]) -> dict[GraphObject, GraphObject]:
    """Return by object where its parameters are listed: at the first one of its Keras layer."""
    first: dict[int, GraphObject] = {}
    listed_at = {}
    for item in items:
        layer = keras_layer_of(item.obj) if item.kind == "tensor node" else None
        listed_at[item] = item if layer is None else first.setdefault(id(layer), item)
    return listed_at


def _within(around: str, name: str) -> str:
    return f"{around}/{name}" if around else name


def _walk(
    network: nengo.Network, path: tuple[nengo.Network, ...]
) -> Iterator[tuple[Any, tuple[nengo.Network, ...]]]:
    path = (*path, network)
    for obj in (*network.ensembles, *network.nodes, *network.connections, *network.probes):
        yield obj, path
    for subnetwork in network.networks:
        yield subnetwork, path
        yield from _walk(subnetwork, path)


def _holder(obj: Any) -> Any:
    """Return the ensemble, node or probe that stands in the graph for an object or slice."""
    obj = getattr(obj, "obj", obj) if isinstance(obj, nengo.base.ObjView) else obj
    if isinstance(obj, Neurons):
        return obj.ensemble
    if isinstance(obj, LearningRule):
        return _holder(obj.connection.post_obj)
    return obj


def _ends(link: nengo.Connection | nengo.Probe) -> tuple[Any, Any]:
    """Return the source and the target of a connection or a probe."""
    if isinstance(link, nengo.Connection):
        return _holder(link.pre_obj), _holder(link.post_obj)
    probed = link.obj.connection if isinstance(link.obj, LearningRule) else link.obj
    return _holder(probed.pre_obj if isinstance(probed, nengo.Connection) else probed), link


def _kind(obj: Any) -> str:
    if isinstance(obj, nengo_dl.TensorNode):
        return "tensor node"
    if isinstance(obj, nengo.Probe):
        return "probe"
    return "ensemble" if isinstance(obj, nengo.Ensemble) else "node"


def _shapes(obj: Any, shapes: Shapes) -> tuple[Shape, Shape]:
    if isinstance(obj, nengo_dl.TensorNode):
        return obj.shape_in or (), shapes.of(obj) or ()
    if isinstance(obj, nengo.Ensemble):
        shape = shapes.of(obj.neurons) or (obj.n_neurons,)
        return shape, shape
    size_out = obj.size_in if isinstance(obj, nengo.Probe) else obj.size_out
    return (int(obj.size_in),), (int(size_out),)


def _order(flow: networkx.DiGraph, ranks: Mapping[Any, int]) -> tuple[list[Any], set[Any]]:
    """Order objects as data flows, those of a cycle together; ties by their rank."""
    cycles = networkx.condensation(flow)
    members = {
        cycle: sorted(data["members"], key=ranks.__getitem__)
        for cycle, data in cycles.nodes(data=True)
    }
    order: list[Any] = []
    cyclic: set[Any] = set()
    for cycle in networkx.lexicographical_topological_sort(
        cycles, key=lambda cycle: ranks[members[cycle][0]]
    ):
        inside = members[cycle]
        order += inside
        if len(inside) > 1 or flow.has_edge(inside[0], inside[0]):
            cyclic.update(inside)
    return order, cyclic
