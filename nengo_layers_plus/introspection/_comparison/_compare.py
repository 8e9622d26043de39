"""Says how two networks differ."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph import NetworkGraph, network_in_words
from nengo_layers_plus.introspection._comparison._causes import find_causes
from nengo_layers_plus.introspection._comparison._comparison import (
    Comparison,
    Difference,
    Divergence,
    first_of,
)
from nengo_layers_plus.introspection._comparison._paired_run import (
    PairedRun,
    PairedRunError,
    measure_effects,
)
from nengo_layers_plus.introspection._comparison._pairing import (
    Pairing,
    members_of,
    pair_members,
    whole_members,
)
from nengo_layers_plus.introspection._decoders import SharedDecoders
from nengo_layers_plus.introspection._inputs import check_data, check_loss, input_nodes
from nengo_layers_plus.introspection._open_network import open_network

_N_ITEMS = 4


def compare(
    a: nengo.Network | nengo_dl.Simulator,
    b: nengo.Network | nengo_dl.Simulator,
    data: Any = None,
    n_steps: int | None = None,
    *,
    loss: Any = None,
    targets: Any = None,
    trials: int = 12,
) -> Comparison:
    """
    Say how two networks differ, and what to do about it.

    Objects and connections are paired by their places in the graph, whatever made them, in which
    order, and whatever they are called. Labels are no difference. What follows from a difference is
    listed with it.

    With ``data`` or ``n_steps`` copies of both are run on the same input. Weights of Keras layers
    that would be drawn when a Simulator is built are those of the first in both. Each difference is
    then undone alone to measure how much nearer the outputs come.

    Parameters
    ----------
    a, b : nengo.Network or nengo_dl.Simulator
        What is compared; neither is changed. Numbers that are drawn are compared as they are built:
        for networks without a seed with the same one, for Simulators those that they hold, with the
        parameters as they are now. What is run begins from the initial state.
    data : array, list of arrays, or dict of nengo.Node or str to array, optional
        Values of input Nodes of the first network, ``(batch, time, size)``, as
        `nengo_dl.Simulator.predict` takes them. Without any, those Nodes that put out the same
        constant in both are given random numbers from 0 to 1, and the others what they put out.
    n_steps : int, optional
        The number of steps; by default that of the data. Without both, nothing is run.
    loss : str, tf.keras.losses.Loss, callable, or dict of nengo.Probe or str, optional
        A loss whose gradients are compared, for each Probe with a target; a dict has one for each.
    targets : array, list of arrays, or dict of nengo.Probe or str to array, optional
        The targets of Probes of the first network, ``(batch, time, size)``; an array is for its
        first Probe. A name may be a label, or the name in the graph.
    trials : int
        How many differences are undone to measure their effects, each of which takes building a
        Simulator.

    Returns
    -------
    comparison : Comparison
        True if there is no difference, and both could be run if they were to be. It prints as a
        report.

    Raises
    ------
    nengo.exceptions.ValidationError
        If one of them is neither a network nor a Simulator, if the network of a Simulator was
        changed after it was built, or if data, loss or targets do not fit.
    nengo.exceptions.SimulatorClosed
        If a Simulator is closed.

    Examples
    --------
    >>> import nengo
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import CustomLayer, compare, nengo_dl
    >>> with nengo.Network(seed=0) as with_layers:
    ...     image = nengo.Node([0.5] * 4, label="image")
    ...     dense = nengo_dl.Layer(tf.keras.layers.Dense(2))(image)
    ...     nengo.Probe(dense)
    <Probe ...>
    >>> with nengo.Network(seed=0) as by_hand:
    ...     pixels = nengo.Node([0.5] * 4, label="pixels")
    ...     node = nengo_dl.TensorNode(
    ...         tf.keras.layers.Dense(2), shape_in=(4,), pass_time=False, label="dense"
    ...     )
    ...     nengo.Connection(pixels, node)
    ...     nengo.Probe(node)
    <Connection ...
    <Probe ...>
    >>> print(compare(with_layers, by_hand))
    a: Network (unlabeled)
    b: Network (unlabeled)
    1 difference
    <BLANKLINE>
    1. synapse: image->tensor_node_0 (in b pixels->dense)
       a: None
       b: Lowpass(tau=0.005)
       without a synapse what goes in at a step comes out at that step; ...
       -> in b, give it synapse=None
    >>> by_hand.connections[0].synapse = None
    >>> bool(compare(with_layers, by_hand, n_steps=3))
    True
    """
    seed = _shared_seed(a, b)
    builder = SharedDecoders()
    graphs = NetworkGraph(a, seed, builder), NetworkGraph(b, seed, builder)
    if isinstance(trials, bool) or not isinstance(trials, int | np.integer) or trials < 0:
        raise ValidationError(f"expected a number of at least 0, got {trials!r}", "trials", a)
    values = check_data(graphs[0], data, n_steps)
    losses, checked_targets = check_loss(graphs[0], loss, targets)
    with _garbage_collection_paused():
        pairing = pair_members(*map(members_of, graphs))
        causes = find_causes(pairing, list(zip(*map(whole_members, graphs), strict=True)))
    comparison = Comparison(
        title_a=_title(a),
        title_b=_title(b),
        differences=tuple(cause.difference() for cause in causes),
        pairs=tuple((x.obj, y.obj) for x, y in pairing.pairs),
        only_in_a=tuple(member.obj for member in pairing.only_in_a),
        only_in_b=tuple(member.obj for member in pairing.only_in_b),
        dt=float(graphs[0].model.dt),
    )
    steps = next((value.shape[1] for value in values.values()), n_steps)
    if steps is None:
        if losses:
            raise ValidationError("expected data or n_steps with a loss, got neither", "loss", a)
        return comparison
    n_items = next((len(target) for target in checked_targets.values()), _N_ITEMS)
    values, notes = _complete(graphs, pairing, values, steps, n_items)
    try:
        run = PairedRun(graphs, pairing.pairs, values, int(steps), seed)
    except PairedRunError as error:
        return replace(comparison, notes=notes, failure=str(error))
    with run:
        gradients, reasons = run.gradients(losses, checked_targets)
        notes += reasons
        if run.shares_weights:
            notes += ("Keras weights that a Simulator would draw were made the same in both.",)
        differences, remaining = measure_effects(causes, run, int(trials))
        return replace(
            comparison,
            differences=differences or _unexplained(run.divergences),
            divergences=run.divergences,
            gradients=gradients,
            distance=run.distance,
            remaining=remaining,
            notes=notes,
        )


def assert_same(
    a: nengo.Network | nengo_dl.Simulator,
    b: nengo.Network | nengo_dl.Simulator,
    data: Any = None,
    n_steps: int | None = None,
    **options: Any,
) -> None:
    """
    Raise the report of `compare` if two networks differ.

    Parameters
    ----------
    a, b, data, n_steps, **options
        See `compare`.

    Raises
    ------
    AssertionError
        If they differ, or can't be run on the data; its message is the report.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import assert_same
    >>> with nengo.Network(seed=0) as net:
    ...     probe = nengo.Probe(nengo.Ensemble(5, 1))
    >>> assert_same(net, net.copy())
    """
    comparison = compare(a, b, data, n_steps, **options)
    if not comparison:
        raise AssertionError(str(comparison))


def _shared_seed(*networks: Any) -> int:
    """Return a seed for networks that have none: that of the other one, if it has one."""
    seeds = []
    for network in networks:
        if isinstance(network, nengo_dl.Simulator):
            seeds.append(network.model.seeds.get(open_network(network, "compare")))
        elif isinstance(network, nengo.Network):
            seeds.append(network.seed)
        else:
            raise ValidationError(
                f"expected a nengo.Network or a nengo_dl.Simulator, got {network!r}",
                attr="compare",
            )
    return int(next((seed for seed in seeds if seed is not None), 0))


def _complete(
    graphs: tuple[NetworkGraph, NetworkGraph],
    pairing: Pairing,
    values: dict[nengo.Node, np.ndarray],
    n_steps: int,
    n_items: int,
) -> tuple[dict[nengo.Node, np.ndarray], tuple[str, ...]]:
    """Return the data of Nodes that both have, random if none was given, and notes about it."""
    nodes_a, nodes_b = (input_nodes(graph.network) for graph in graphs)
    partner = {
        a.obj: b.obj
        for a, b in pairing.pairs
        if a.obj in nodes_a and b.obj in nodes_b and a.obj.size_out == b.obj.size_out
    }
    if not values:
        rng = np.random.RandomState(0)
        constants = [
            node
            for node in nodes_a
            if node in partner
            and isinstance(node.output, np.ndarray)
            and isinstance(partner[node].output, np.ndarray)
            and np.array_equal(node.output, partner[node].output)
        ]
        return {
            node: rng.uniform(0, 1, (n_items, n_steps, node.size_out)) for node in constants
        }, ()
    labels = {node.label: node for node in nodes_b if node.label}
    notes = []
    for node in values:
        name = graphs[0][node].name
        if node not in partner:
            notes.append(f"{name} has no counterpart in b that takes its data: b is run without it")
        elif labels.get(node.label, partner[node]) is not partner[node]:
            notes.append(
                f"the data of {node.label} is given to {graphs[1][partner[node]].name} of b, which "
                f"has its place, and not to {node.label} of b"
            )
    return {node: value for node, value in values.items() if node in partner}, tuple(notes)


def _unexplained(divergences: tuple[Divergence, ...]) -> tuple[Difference, ...]:
    """Return the difference of networks that have the same facts, and different outputs."""
    first = first_of(divergences)
    if first is None:
        return ()
    return (
        Difference(
            what="output",
            group="simulation",
            places=((first.name, first.name),),
            objects=(first.objects,),
            value_a="its output",
            value_b=f"differs by up to {first.largest:.3g}, from step {first.first_step}",
            meaning="no setting or parameter differs, but the code that runs does: Python code "
            "that keeps a state or draws numbers, or a Keras layer that draws without a seed",
            remedy="look at the code of the object, and of the objects before it",
        ),
    )


@contextlib.contextmanager
def _garbage_collection_paused() -> Iterator[None]:
    """Search for no garbage: many objects are made, and few dropped, so that it would take long."""
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_enabled:
            gc.enable()


def _title(network: nengo.Network | nengo_dl.Simulator) -> str:
    if isinstance(network, nengo_dl.Simulator):
        return f"{type(network).__name__} of {_title(network.model.toplevel)}"
    return network_in_words(network)
