"""The contract of a layer, to be checked on any subclass."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import nengo
import numpy as np
from nengo.ensemble import Neurons

from nengo_layers_plus._declared import as_count
from nengo_layers_plus._upstream import nengo_dl, random_state_kept, tf
from nengo_layers_plus.graph import NetworkGraph, Parameter, Shape, size_of
from nengo_layers_plus.layers import BaseLayer, LayerParts
from nengo_layers_plus.layers._layer_func import FunctionOfSeveral, LayerWrapper

_SEED = 0
_N_STEPS = 3
_N_ITEMS = 7  # in a minibatch
_HOOKS = ("make_ensemble_kwargs", "make_synapse", "make_trainable", "on_built")


class BrokenPromiseError(AssertionError):
    """
    A layer, or a type of neurons, does not keep a promise of the contract.

    Parameters
    ----------
    layer : CustomLayer or nengo.neurons.NeuronType
        The layer, or the type of neurons.
    promise : str
        What every one of them promises.
    found : str
        What this one did.
    """

    def __init__(self, layer: Any, promise: str, found: str) -> None:
        super().__init__(f"{layer} breaks the promise that {promise}: {found}")
        self.layer = layer
        self.promise = promise
        self.found = found

    def __reduce__(self) -> tuple[type[BrokenPromiseError], tuple[Any, str, str]]:
        return type(self), (self.layer, self.promise, self.found)


def check_layer(layer: BaseLayer, input_shape: Shape | list[Shape], **call_arguments: Any) -> None:
    """
    Check that a layer keeps what every layer promises.

    It is built alone, in a subnetwork, twice in one network, and simulated with minibatches of 1
    and 7. It must put out what it says, share its weights between its calls, give the same
    numbers for a sample whatever else is in the minibatch, equal `nengo_dl.Layer` where it
    changes nothing, and train what it says and nothing else.

    Parameters
    ----------
    layer : CustomLayer
        The layer. Its weights are trained by the check, so give one made for it.
    input_shape : tuple of int, or list of such tuples
        Shape of the input, without the batch; a list for a layer of several inputs.
    **call_arguments
        Arguments of the call, such as ``transform``. ``shape_in`` is ``input_shape`` unless it
        is given.

    Raises
    ------
    BrokenPromiseError
        If a promise is broken. The error names it.
    TypeError
        If ``layer`` is not a CustomLayer, or ``input_shape`` no shape.
    RuntimeError
        If it is called inside a network.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import CustomLayer
    >>> from nengo_layers_plus.testing import check_layer
    >>> class Negative(CustomLayer):
    ...     def make_layer_func(self, context):
    ...         return lambda x: -x
    >>> check_layer(Negative(), (3,))
    >>> class Broken(CustomLayer):
    ...     def make_layer_func(self, context):
    ...         return lambda x: x - x[:1]  # looks at another sample of the minibatch
    >>> check_layer(Broken(), (3,))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    nengo_layers_plus.testing._check_layer.BrokenPromiseError: Broken() breaks the promise ...
    """
    if not isinstance(layer, BaseLayer):
        raise TypeError(f"check_layer: expected a CustomLayer, got {layer!r}")
    several = isinstance(input_shape, list)
    shapes = input_shape if isinstance(input_shape, list) else [input_shape]
    if not shapes or not all(isinstance(shape, tuple) for shape in shapes):
        raise TypeError(
            "check_layer: expected input_shape to be a tuple of sizes, or for several inputs a "
            f"list of such tuples, got {input_shape!r}"
        )
    as_count(sum(map(size_of, shapes)), "input_shape", check_layer)
    if "return_conn" in call_arguments:
        raise TypeError("check_layer: return_conn is no matter of the layer; leave it out")
    if nengo.Network.context:
        raise RuntimeError("check_layer makes its own networks: call it outside of any network")
    call_arguments.setdefault("shape_in", input_shape)
    n_calls = len(layer.calls)
    try:
        with warnings.catch_warnings(), random_state_kept():
            # warnings of a user's own run of the network are not the subject here
            warnings.simplefilter("ignore")
            _LayerCheck(layer, shapes, several, call_arguments).run()
    finally:
        del layer.calls[n_calls:]


class _LayerCheck:
    """
    Builds networks with a layer, and checks what it promises.

    Parameters
    ----------
    layer : BaseLayer
        The layer.
    shapes : list of tuple of int
        The shape of each input.
    several : bool
        Whether it is called on a list of inputs.
    call_arguments : dict
        Arguments of the call.
    """

    def __init__(
        self,
        layer: BaseLayer,
        shapes: list[Shape],
        several: bool,
        call_arguments: dict[str, Any],
    ) -> None:
        self.layer = layer
        self.several = several
        self.sizes = [size_of(shape) for shape in shapes]
        self.call_arguments = call_arguments
        self.returned: dict[str, Any] = {}  # by the hooks, in the latest call
        rng = np.random.RandomState(_SEED)
        self.data = rng.uniform(-1, 1, (_N_ITEMS, 1, sum(self.sizes))).astype(np.float32)

    def run(self) -> None:
        network, probes = self.network(self.layer, depths=(0, 2))
        self.check_shared(*self.layer.calls[-2:])
        self.check_outputs(network, probes)
        network, probes = self.network(self.layer)
        parts, returned = self.layer.calls[-1], dict(self.returned)
        self.check_parts(parts)
        with _simulator(network, _N_ITEMS) as sim:
            if self.changes_nothing(parts, returned):
                self.check_stock(parts, self.predict(sim, probes))
            self.check_training(sim, probes, parts)

    def broken(self, promise: str, found: str) -> BrokenPromiseError:
        return BrokenPromiseError(self.layer, promise, found)

    # networks

    def network(
        self, layer: Any, depths: tuple[int, ...] = (0,)
    ) -> tuple[nengo.Network, list[nengo.Probe]]:
        """Build a network with calls of a layer, a call at each depth of subnetworks."""
        probes = []
        with nengo.Network(seed=_SEED) as network:
            nodes = [nengo.Node(np.zeros(size)) for size in self.sizes]
            for depth in depths:
                with ExitStack() as stack:
                    for _ in range(depth):
                        stack.enter_context(nengo.Network())
                    probes.append(nengo.Probe(self.call(layer, nodes)))
        return network, probes

    def call(self, layer: Any, nodes: list[nengo.Node]) -> Any:
        inputs = nodes if self.several else nodes[0]
        if layer is not self.layer:
            return layer(inputs, **self.call_arguments)
        n_before = len(layer.calls)
        with _hooks_recorded(layer) as returned:
            output = layer(inputs, **self.call_arguments)
        for hook, values in returned.items():
            if len(values) != 1:
                raise self.broken("every hook runs once a call", f"{hook} ran {len(values)} times")
            self.returned[hook] = values[0]
        if len(layer.calls) != n_before + 1 or layer.calls[-1].output is not output:
            raise self.broken(
                "`calls` keeps what each call made",
                f"a call that returned {output} added {len(layer.calls) - n_before} entries",
            )
        return output

    def inputs(self, sim: nengo_dl.Simulator) -> dict[Any, np.ndarray]:
        data = np.tile(self.data, (1, _N_STEPS, 1))
        series = np.split(data, np.cumsum(self.sizes)[:-1], axis=-1)
        return dict(zip(sim.model.toplevel.nodes, series, strict=False))

    def predict(self, sim: nengo_dl.Simulator, probes: list[nengo.Probe]) -> np.ndarray:
        data = sim.predict(self.inputs(sim), verbose=0)
        return np.stack([data[probe] for probe in probes], axis=1)

    # promises

    def check_parts(self, parts: LayerParts) -> None:
        promise = "`calls` says what was made"
        output, ensemble = parts.output, parts.ensemble
        if ensemble is None:
            if output is not parts.node:
                raise self.broken(promise, f"{output} is not the node {parts.node}")
        elif not isinstance(output, Neurons) or output.ensemble is not ensemble:
            raise self.broken(promise, f"{output} is not made of the neurons of {ensemble}")
        if size_of(parts.shape_out) != output.size_out:
            raise self.broken(
                promise, f"shape_out {parts.shape_out} for an output of {output.size_out} values"
            )

    def check_shared(self, first: LayerParts, second: LayerParts) -> None:
        for one, two in zip(first.leaves, second.leaves, strict=True):
            applied = _applied(one), _applied(two)
            if one.ensemble is not None and two.ensemble is not None:
                # neurons share no weights, and values of their parameters may be drawn
                same = type(applied[0]) is type(applied[1])
            else:
                same = applied[0] is applied[1]
            if not same:
                raise self.broken(
                    "several calls share what the layer applies",
                    f"two calls used {applied[0]!r} and {applied[1]!r}",
                )

    def check_outputs(self, network: nengo.Network, probes: list[nengo.Probe]) -> None:
        runs = []
        for minibatch_size in (_N_ITEMS, _N_ITEMS, 1):
            with _simulator(network, minibatch_size) as sim:
                runs.append(self.predict(sim, probes))
            n_wrong = np.count_nonzero(~np.isfinite(runs[-1]))
            if n_wrong:
                raise self.broken(
                    "its output is finite", f"{n_wrong} of {runs[-1].size} values are not"
                )
        together, again, one_by_one = runs
        if not np.array_equal(together, again):
            raise self.broken(
                "a network simulated twice gives the same numbers",
                f"they differ by up to {_largest(together - again):.3g}",
            )
        difference = _largest(one_by_one - together)
        is_random = any(map(_is_random, self.layer.calls[-1].leaves))
        if not is_random and difference > 1e-4 * max(1.0, _largest(one_by_one)):
            raise self.broken(
                "a sample's output does not depend on the others in the minibatch",
                f"minibatches of 1 and of {_N_ITEMS} differ by up to {difference:.3g}",
            )

    def changes_nothing(self, parts: LayerParts, returned: dict[str, Any]) -> bool:
        """Say whether `nengo_dl.Layer`, called alike, makes the same."""
        return not (
            self.several
            or parts.inner  # nengo_dl has no layers made of layers
            or set(self.call_arguments) - {"shape_in", "transform"}
            or returned["make_ensemble_kwargs"]
            or parts.connection.synapse is not None
            or type(self.layer).on_built is not BaseLayer.on_built
        )

    def check_stock(self, parts: LayerParts, outputs: np.ndarray) -> None:
        network, probes = self.network(nengo_dl.Layer(_applied(parts)))
        with _simulator(network, _N_ITEMS) as sim:
            expected = self.predict(sim, probes)
        if not np.array_equal(outputs, expected):
            raise self.broken(
                "a layer that changes nothing equals nengo_dl.Layer",
                f"outputs differ by up to {_largest(outputs - expected):.3g}",
            )

    def check_training(
        self, sim: nengo_dl.Simulator, probes: list[nengo.Probe], parts: LayerParts
    ) -> None:
        graph = NetworkGraph(sim)
        own = [
            (parameter, leaf)
            for parameter in graph.parameters
            for leaf in parts.leaves
            if parameter.obj in (leaf.ensemble, leaf.node, *leaf.connections, *_added(leaf))
        ]
        for parameter, leaf in own:
            declared = _declared_trainable(leaf, parameter)
            if declared is not None and declared != parameter.trainable:
                raise self.broken(
                    "it trains what it says",
                    f"{parameter.name} trains is {parameter.trainable}, it says {declared} "
                    f"({parameter.why})",
                )
        before = [graph.value(parameter) for parameter, _ in own]
        sim.compile(optimizer=tf.optimizers.SGD(0.01), loss="mse")
        targets = {
            probe: np.ones((_N_ITEMS, _N_STEPS, probe.size_in), np.float32) for probe in probes
        }
        sim.fit(self.inputs(sim), targets, epochs=2, verbose=0)
        for (parameter, _), old in zip(own, before, strict=True):
            moved = not np.array_equal(old, graph.value(parameter))
            if moved and not parameter.trainable and parameter.kind != "Keras state":
                raise self.broken("what is frozen stays", f"{parameter.name} moved in fit")
            if parameter.is_trained and not moved:
                raise self.broken("what trains moves", f"{parameter.name} has not moved in fit")


def _applied(parts: LayerParts) -> Any:
    """Return the neuron type, Keras layer or function that a layer applies."""
    if parts.ensemble is not None:
        return parts.ensemble.neuron_type
    function = parts.node.tensor_func
    if isinstance(function, LayerWrapper):
        return function.layer
    return function.function if isinstance(function, FunctionOfSeveral) else function


def _added(parts: LayerParts) -> list[nengo.Connection]:
    """Return the connections that `on_built` added."""
    return [obj for obj in parts.added.values() if isinstance(obj, nengo.Connection)]


def _is_random(parts: LayerParts) -> bool:
    """Say whether neurons draw random numbers of their own for each sample."""
    ensemble = parts.ensemble
    return ensemble is not None and (
        isinstance(ensemble.neuron_type, nengo.StochasticSpiking | nengo.PoissonSpiking)
        or ensemble.noise is not None
    )


def _declared_trainable(parts: LayerParts, parameter: Parameter) -> bool | None:
    """Return what a layer says of a parameter; None if it leaves it to nengo_dl."""
    if parameter.kind == "bias":
        return parts.trainable.bias
    if parameter.kind == "Keras weights":
        return parts.trainable.weights
    if parameter.obj not in parts.connections:
        return None
    declared = parts.trainable.connection
    if isinstance(declared, tuple):
        declared = declared[parts.connections.index(parameter.obj)]
    return bool(declared)


def _largest(values: np.ndarray) -> float:
    return float(np.max(np.abs(values), initial=0.0))


def _simulator(network: nengo.Network, minibatch_size: int) -> nengo_dl.Simulator:
    return nengo_dl.Simulator(
        network, minibatch_size=minibatch_size, seed=_SEED, progress_bar=False
    )


@contextmanager
def _hooks_recorded(layer: BaseLayer) -> Iterator[dict[str, list[Any]]]:
    """Record what the hooks of a layer return, by name."""
    returned: dict[str, list[Any]] = {name: [] for name in _HOOKS}

    def recorded(hook: Callable[..., Any], values: list[Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            values.append(hook(*args))
            return values[-1]

        return run

    for name, values in returned.items():
        setattr(layer, name, recorded(getattr(layer, name), values))
    try:
        yield returned
    finally:
        for name in _HOOKS:
            delattr(layer, name)
