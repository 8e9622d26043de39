"""The contract of a layer, to be checked on any subclass."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    call_arguments.setdefault("shape_in", shapes if several else shapes[0])
    n_calls = len(layer.calls)
    check = _Check(layer, shapes, several, call_arguments)
    try:
        with warnings.catch_warnings(), random_state_kept():
            # what a user's own run of the network would say is not what is checked here
            warnings.simplefilter("ignore")
            check.run()
    finally:
        del layer.calls[n_calls:]


class _Check:
    def __init__(
        self,
        layer: BaseLayer,
        shapes: list[Shape],
        several: bool,
        call_arguments: dict[str, Any],
    ) -> None:
        self.layer = layer
        self.shapes = shapes
        self.several = several
        self.call_arguments = call_arguments
        self.returned: dict[str, Any] = {}  # by the hooks, in the latest call
        size_in = sum(map(size_of, shapes))
        self.data = np.random.RandomState(_SEED).uniform(-1, 1, (7, size_in)).astype(np.float32)

    def run(self) -> None:
        alone, probes = self.network(self.layer)
        parts, said = self.layer.calls[-1], dict(self.returned)
        self.check_parts(parts)
        one_by_one = self.outputs(alone, probes, minibatch_size=1)
        self.check_finite(one_by_one)
        if not _is_random(parts):
            self.check_minibatch(one_by_one, self.outputs(alone, probes))
        self.check_subnetwork()
        self.check_two_calls()
        self.check_stock(parts, said, one_by_one)
        self.check_training(alone, probes, parts)

    def broken(self, promise: str, found: str) -> BrokenPromiseError:
        return BrokenPromiseError(self.layer, promise, found)

    # networks

    def network(
        self, layer: Any, depth: int = 0, n_calls: int = 1
    ) -> tuple[nengo.Network, list[nengo.Probe]]:
        probes: list[nengo.Probe] = []
        with nengo.Network(seed=_SEED) as network:
            nodes = [nengo.Node(np.zeros(size_of(shape))) for shape in self.shapes]
            self._call(layer, nodes, depth, n_calls, probes)
        return network, probes

    def _call(
        self, layer: Any, nodes: list[Any], depth: int, n_calls: int, probes: list[nengo.Probe]
    ) -> None:
        if depth:
            with nengo.Network():
                self._call(layer, nodes, depth - 1, n_calls, probes)
            return
        for _ in range(n_calls):
            output = self.call(layer, nodes)
            probes.append(nengo.Probe(output))

    def call(self, layer: Any, nodes: list[Any]) -> Any:
        inputs = nodes if self.several else nodes[0]
        if layer is not self.layer:
            return layer(inputs, **self.call_arguments)
        before = len(layer.calls)
        with _watched(layer) as returned:
            output = layer(inputs, **self.call_arguments)
        for hook, values in returned.items():
            if len(values) != 1:
                raise self.broken("every hook runs once a call", f"{hook} ran {len(values)} times")
            self.returned[hook] = values[0]
        if len(layer.calls) != before + 1 or layer.calls[-1].output is not output:
            raise self.broken(
                "`calls` keeps what each call made",
                f"a call that returned {output} added {len(layer.calls) - before} entries",
            )
        return output

    def inputs(self, network: nengo.Network) -> dict[Any, Any]:
        edges = np.cumsum([size_of(shape) for shape in self.shapes])[:-1]
        nodes = network.nodes[: len(self.shapes)]
        return {
            node: np.tile(part[:, None, :], (1, _N_STEPS, 1))
            for node, part in zip(nodes, np.split(self.data, edges, axis=1), strict=True)
        }

    def outputs(
        self, network: nengo.Network, probes: list[nengo.Probe], minibatch_size: int = 7
    ) -> np.ndarray:
        with _simulator(network, minibatch_size) as sim:
            data = sim.predict(self.inputs(network), verbose=0)
        return np.stack([data[probe] for probe in probes], axis=1)

    # promises

    def check_parts(self, parts: LayerParts) -> None:
        promise = "`calls` says what was made"
        output = parts.output
        if parts.ensemble is not None:
            if not isinstance(output, Neurons) or output.ensemble is not parts.ensemble:
                raise self.broken(
                    promise, f"{output} is not made of the neurons of {parts.ensemble}"
                )
        elif output is not parts.node:
            raise self.broken(promise, f"{output} is not the node {parts.node}")
        if size_of(parts.shape_out) != output.size_out:
            raise self.broken(
                promise, f"shape_out {parts.shape_out} for an output of {output.size_out} values"
            )

    def check_finite(self, outputs: np.ndarray) -> None:
        if not np.all(np.isfinite(outputs)):
            raise self.broken(
                "its output is finite",
                f"{np.count_nonzero(~np.isfinite(outputs))} of {outputs.size} values are not",
            )

    def check_minibatch(self, one_by_one: np.ndarray, together: np.ndarray) -> None:
        scale = max(1.0, float(np.max(np.abs(one_by_one))))
        difference = float(np.max(np.abs(one_by_one - together), initial=0.0))
        if difference > 1e-4 * scale:
            raise self.broken(
                "a sample's output does not depend on the others in the minibatch",
                f"minibatches of 1 and of 7 differ by up to {difference:.3g}",
            )

    def check_subnetwork(self) -> None:
        network, probes = self.network(self.layer, depth=2)
        self.check_finite(self.outputs(network, probes))

    def check_two_calls(self) -> None:
        network, probes = self.network(self.layer, n_calls=2)
        first, second = self.layer.calls[-2:]
        for each, other in zip(first.leaves, second.leaves, strict=True):
            if each.ensemble is not None and other.ensemble is not None:
                # neurons share no weights, and values of their parameters may be drawn
                same = type(each.ensemble.neuron_type) is type(other.ensemble.neuron_type)
            else:
                same = _applied(each) is _applied(other)
            if not same:
                raise self.broken(
                    "several calls share what the layer applies",
                    f"two calls used {_applied(each)!r} and {_applied(other)!r}",
                )
        outputs = self.outputs(network, probes)
        self.check_finite(outputs)
        again = self.outputs(network, probes)
        if not np.array_equal(outputs, again):
            raise self.broken(
                "a network simulated twice gives the same numbers",
                f"they differ by up to {np.max(np.abs(outputs - again)):.3g}",
            )

    def check_stock(self, parts: LayerParts, said: dict[str, Any], outputs: np.ndarray) -> None:
        changes = (
            self.several
            or parts.inner  # nengo_dl has no layers made of layers
            or set(self.call_arguments) - {"shape_in", "transform"}
            or said["make_ensemble_kwargs"]
            or parts.connection.synapse is not None
            or type(self.layer).on_built is not BaseLayer.on_built
        )
        if changes:
            return
        network, probes = self.network(nengo_dl.Layer(_applied(parts)))
        expected = self.outputs(network, probes, minibatch_size=1)
        if not np.array_equal(outputs, expected):
            raise self.broken(
                "a layer that changes nothing equals nengo_dl.Layer",
                f"outputs differ by up to {np.max(np.abs(outputs - expected)):.3g}",
            )

    def check_training(
        self, network: nengo.Network, probes: list[nengo.Probe], parts: LayerParts
    ) -> None:
        with _simulator(network, len(self.data)) as sim:
            graph = NetworkGraph(sim)
            whose = {
                parameter: leaf
                for parameter in graph.parameters
                for leaf in parts.leaves
                if _belongs(parameter, leaf)
            }
            mine = list(whose)
            for parameter, leaf in whose.items():
                said = _said(leaf, parameter)
                if said is not None and said != parameter.trainable:
                    raise self.broken(
                        "it trains what it says",
                        f"{parameter.name} trains is {parameter.trainable}, it says {said} "
                        f"({parameter.why})",
                    )
            before = [graph.value(parameter) for parameter in mine]
            sim.compile(optimizer=tf.optimizers.SGD(0.01), loss="mse")
            targets = {
                probe: np.ones((len(self.data), _N_STEPS, probe.size_in), dtype=np.float32)
                for probe in probes
            }
            sim.fit(self.inputs(network), targets, epochs=2, verbose=0)
            for parameter, old in zip(mine, before, strict=True):
                moved = not np.array_equal(old, graph.value(parameter))
                if moved and not parameter.trainable and parameter.kind != "Keras state":
                    raise self.broken("what is frozen stays", f"{parameter.name} moved in fit")
                if parameter.moves and not moved:
                    raise self.broken("what trains moves", f"{parameter.name} has not moved in fit")


def _applied(parts: LayerParts) -> Any:
    if parts.ensemble is not None:
        return parts.ensemble.neuron_type
    function = parts.node.tensor_func
    if isinstance(function, LayerWrapper):
        return function.layer
    return function.function if isinstance(function, FunctionOfSeveral) else function


def _is_random(parts: LayerParts) -> bool:
    """Say whether neurons draw random numbers of their own for each sample."""
    ensembles = [leaf.ensemble for leaf in parts.leaves if leaf.ensemble is not None]
    return any(
        isinstance(each.neuron_type, nengo.StochasticSpiking | nengo.PoissonSpiking)
        or each.noise is not None
        for each in ensembles
    )


def _belongs(parameter: Parameter, parts: LayerParts) -> bool:
    return parameter.obj in (
        *(parts.ensemble, parts.node),
        *parts.connections,
        *(each for each in parts.added.values() if isinstance(each, nengo.Connection)),
    )


def _said(parts: LayerParts, parameter: Parameter) -> bool | None:
    """Return what a layer says of a parameter; None if it leaves it to nengo_dl."""
    if parameter.kind == "bias":
        return parts.trainable.bias
    if parameter.kind == "Keras weights":
        return parts.trainable.weights
    if parameter.obj not in parts.connections:
        return None
    said = parts.trainable.connection
    if isinstance(said, tuple):
        said = said[parts.connections.index(parameter.obj)]
    return bool(said)


def _simulator(network: nengo.Network, minibatch_size: int) -> nengo_dl.Simulator:
    return nengo_dl.Simulator(
        network, minibatch_size=minibatch_size, seed=_SEED, progress_bar=False
    )


@contextmanager
def _watched(layer: BaseLayer) -> Iterator[dict[str, list[Any]]]:
    """Keep what the hooks of a layer return."""
    returned: dict[str, list[Any]] = {name: [] for name in _HOOKS}

    def watching(name: str, hook: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            value = hook(*args, **kwargs)
            returned[name].append(value)
            return value

        return run

    for name in _HOOKS:
        setattr(layer, name, watching(name, getattr(layer, name)))
    try:
        yield returned
    finally:
        for name in _HOOKS:
            delattr(layer, name)
