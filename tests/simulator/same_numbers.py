"""Whether two Simulators give the same numbers for one network.

In float64 nothing is left to rounding: spikes are identical, all else agrees to 1e-9. In float32 a
membrane within rounding of its threshold may spike in one and not in the other, and all that
follows differs. So output and voltage of all that spikes are probed there, from the start: a probe
changes no number, while a second run would have to be shown to be the same as the first. The
values are compared up to the first step with such a flip, and the flip counts as rounding only if
the membrane that did not spike is seen within 1e-5 of its threshold.

Some networks magnify rounding: the rate of a LIF neuron rises infinitely fast at its threshold.
Where float32 values differ by more than they may, the expected network is run again with its
parameters and inputs moved by one rounding; a difference that this makes too is none.
"""

from __future__ import annotations

import difflib
import functools
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import nengo
import numpy as np
from simulated_networks import BuiltNetwork, NetworkPlan

from nengo_layers_plus import nengo_dl
from nengo_layers_plus._upstream import tf

Factory = Callable[..., Any]
TOLERANCE = {"float32": 1e-5, "float64": 1e-9}
MARGIN = 1e-5
MATRICES = ("weights", "scaled_encoders", "delta")
IZHIKEVICH_THRESHOLD = 30.0


@dataclass(frozen=True)
class Call:
    """
    One call of a Simulator.

    Parameters
    ----------
    method : str
        "run_steps", "predict", "predict_on_batch" or "reset".
    n_steps : int
        How many steps.
    stateful : bool
        Whether the state is kept.
    data : str
        "given": other inputs for each item and step; "own": what the Nodes say; "still": other
        inputs for each item, the same in all steps; "repeated": the same in all minibatches too;
        "nearly still": still but for the last step of the last item.
    batches : int
        How many minibatches ("predict" only).
    trainable, processes : bool
        What else is reset ("reset" only).
    """

    method: str = "run_steps"
    n_steps: int = 5
    stateful: bool = True
    data: str = "given"
    batches: int = 1
    trainable: bool = False
    processes: bool = True


@dataclass
class Recording:
    """
    What a Simulator gave.

    Parameters
    ----------
    outputs : list of dict
        For each call, the values of all probes by name, and "state ..." of all variables.
    spikes : list of dict
        For each call, output and voltage of all that spikes.
    functions : list
        Which Python functions were called, and when.
    built : BuiltNetwork
        The network.
    """

    built: BuiltNetwork
    outputs: list[dict[str, np.ndarray]] = field(default_factory=list)
    spikes: list[dict[Any, tuple[np.ndarray, np.ndarray]]] = field(default_factory=list)
    functions: list[list[tuple[int, float]]] = field(default_factory=list)


@contextmanager
def quiet() -> Iterator[None]:
    """Without warnings: both Simulators give the same, and hypothesis draws much that warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def nudge(values: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Move each value by one rounding, up or down."""
    values = np.asarray(values)
    if not np.issubdtype(values.dtype, np.floating):
        return values
    towards = np.where(rng.uniform(size=values.shape) < 0.5, -np.inf, np.inf)
    return np.where(values == 0, values, np.nextafter(values, towards.astype(values.dtype)))


def make_inputs(plan: NetworkPlan, built: BuiltNetwork, call: Call, seed: int) -> dict[Any, Any]:
    """Draw the values of all inputs, or none if the Nodes shall have their own."""
    if call.data == "own":
        return {}
    minibatch = plan.settings.minibatch_size or 1
    batches = 1 if call.data == "repeated" else call.batches
    steps = call.n_steps if call.data == "given" else 1
    rng = np.random.RandomState([plan.seed, seed])
    inputs = {
        node: np.tile(
            rng.uniform(-1.2, 1.2, (batches * minibatch, steps, node.size_out)),
            (call.batches // batches, 1 if call.data == "given" else call.n_steps, 1),
        ).astype(plan.settings.dtype)
        for node in built.inputs
    }
    if call.data == "nearly still":
        for values in inputs.values():
            values[-1:, -1:] += 0.1
    return inputs


def simulate(
    factory: Factory,
    plan: NetworkPlan,
    calls: list[Call],
    nudged: int | None = None,
) -> Recording:
    """
    Build a network and make calls.

    Parameters
    ----------
    factory : callable
        Makes a Simulator, as the class does.
    plan : NetworkPlan
        The network.
    calls : list of Call
        The calls.
    nudged : int or None
        If given, parameters and inputs are moved by one rounding, drawn with this seed.
    """
    with quiet():
        built = plan.build(spikes_probed=watches_spikes(plan))
        recording = Recording(built)
        with factory(built.network, **plan.settings.simulator) as sim:
            for index, call in enumerate(calls):
                inputs = make_inputs(plan, built, call, index)
                if nudged is not None:
                    inputs = move_by_a_rounding(sim, inputs, nudged, weights=index == 0)
                outputs = _make_call(sim, call, inputs)
                recording.spikes.append(
                    {
                        neurons: tuple(outputs[probe] for probe in probes)
                        for neurons, probes in built.spike_probes.items()
                        if outputs
                    }
                )
                recording.outputs.append(
                    {
                        **{name_of(probe, built): values for probe, values in outputs.items()},
                        **_state_of(sim),
                    }
                )
                recording.functions.append(list(built.calls))
    return recording


def move_by_a_rounding(
    sim: Any, inputs: dict[Any, Any], seed: int, weights: bool = True
) -> dict[Any, Any]:
    """Move the parameters of a Simulator, and return inputs that are moved too."""
    rng = np.random.RandomState(seed)
    if weights:
        variables = sim.keras_model.weights
        values = tf.keras.backend.batch_get_value(variables)
        tf.keras.backend.batch_set_value(
            [(each, nudge(value, rng)) for each, value in zip(variables, values, strict=True)]
        )
    return {node: nudge(values, rng) for node, values in inputs.items()}


def _make_call(sim: Any, call: Call, inputs: dict[Any, Any]) -> dict[Any, np.ndarray]:
    if call.method == "reset":
        sim.reset(include_trainable=call.trainable, include_processes=call.processes)
        return {}
    if call.method == "run_steps":
        kept = {probe: len(sim.model.params[probe]) for probe in sim.model.probes}
        sim.run_steps(call.n_steps, data=inputs, stateful=call.stateful)
        return {
            probe: np.concatenate(sim.model.params[probe][kept[probe] :], axis=1)
            for probe in sim.model.probes
        }
    kwargs = {} if call.method == "predict_on_batch" else {"verbose": 0}
    return getattr(sim, call.method)(inputs, n_steps=call.n_steps, stateful=call.stateful, **kwargs)


def _state_of(sim: Any) -> dict[str, np.ndarray]:
    """Return all variables: of the state, and what rules may have learned."""
    graph = sim.tensor_graph
    # nengo_dl has no state of layers
    signals = getattr(graph, "state_of_signals", graph.saved_state)
    names: dict[Any, list[str]] = {}
    for signal, tensor in graph.signals.items():
        if not signal.name.startswith("0x"):  # not that of a signal without a name
            names.setdefault(tensor.key, []).append(re.sub(" at 0x[0-9a-f]+", "", signal.name))
    variables = {
        f"state {index} ({', '.join(names.get(key, []))[:200]})": variable
        for index, (key, variable) in enumerate(signals.items())
    }
    # nengo_dl leaves in a layer what it has become
    layers = getattr(graph, "state_of_layers", {})
    in_layers = {each.ref(): graph.saved_state[key] for key, each in layers.items()}
    variables |= {
        f"weights {index} {tuple(variable.shape)}": in_layers.get(variable.ref(), variable)
        for index, variable in enumerate(sim.keras_model.weights)
    }
    values = tf.keras.backend.batch_get_value(list(variables.values()))
    # n_steps is what the Simulator believes, and what decides on the times of inputs
    return {**dict(zip(variables, values, strict=True)), "n_steps": np.array(sim.n_steps)}


def name_of(probe: Any, built: BuiltNetwork) -> str:
    """Name a probe in a message."""
    index = built.network.all_probes.index(probe)
    return f"probe {index}: {probe.attr} of {probe.obj}, synapse {probe.synapse}"


# -----------------------------------------------------------------------------
# Spikes


def watches_spikes(plan: NetworkPlan) -> bool:
    """Whether output and voltage of all that spikes are probed, to judge a flip."""
    return plan.settings.dtype == "float32" and plan.settings.learning_phase is not True


def spike_counts(neurons: Any, values: np.ndarray, dt: float = 0.001) -> np.ndarray:
    """Turn the output of neurons into a number of spikes in each step."""
    amplitude = getattr(neurons.ensemble.neuron_type, "amplitude", 1.0)
    return np.rint(values.astype(np.float64) * dt / amplitude)


def distance_to_threshold(neurons: Any, voltage: np.ndarray) -> np.ndarray:
    """Return how far the membrane of a neuron that did not spike is from its threshold."""
    neuron_type = neurons.ensemble.neuron_type
    if isinstance(neuron_type, nengo.Izhikevich):
        return np.abs(voltage / IZHIKEVICH_THRESHOLD - 1)
    if isinstance(neuron_type, nengo.LIF):
        return np.abs(voltage - 1)
    # what spikes several times in a step keeps the rest: a threshold at each whole number
    return np.abs(voltage - np.rint(voltage))


def first_flip(
    expected: Recording, tested: Recording, dt: float = 0.001
) -> tuple[int, int, float] | None:
    """
    Find the first step in which any neuron spikes in one and not in the other.

    Returns
    -------
    call : int
        In which call.
    step : int
        In which step of it.
    distance : float
        The least distance of any of these neurons from its threshold, where it spiked less.
    """
    for index, (ones, others) in enumerate(zip(expected.spikes, tested.spikes, strict=True)):
        flips = []
        for (neurons, one), other in zip(ones.items(), others.values(), strict=True):
            counts = [spike_counts(neurons, each[0], dt) for each in (one, other)]
            fewer = np.where(np.abs(counts[0]) < np.abs(counts[1]), one[1], other[1])
            distances = distance_to_threshold(neurons, fewer)
            for place in np.argwhere(counts[0] != counts[1]):
                flips.append((int(place[1]), float(distances[tuple(place)])))
        if flips:
            step = min(step for step, _ in flips)
            return index, step, min(distance for at, distance in flips if at == step)
    return None


# -----------------------------------------------------------------------------
# Comparison


class DifferentNumbersError(AssertionError):
    """Two Simulators give different numbers."""


def find_differences(
    expected: dict[str, np.ndarray],
    tested: dict[str, np.ndarray],
    tolerance: float,
    n_steps: int | None = None,
) -> dict[str, float]:
    """
    Compare arrays by name.

    Parameters
    ----------
    expected, tested : dict
        The arrays.
    tolerance : float
        Relative to the value, or to the largest value of the array.
    n_steps : int or None
        How many steps of the probes are compared, and nothing else if not all.

    Returns
    -------
    differences : dict
        How far each that differs is off.
    """
    assert_same_names(expected, tested)
    found = {}
    for name, values in expected.items():
        others = tested[name]
        if n_steps is not None:
            if not name.startswith("probe") or values.ndim < 2:
                continue
            values, others = values[:, :n_steps], others[:, :n_steps]
        if values.shape != others.shape or values.dtype != others.dtype:
            raise DifferentNumbersError(
                f"{name}: expected {values.shape} {values.dtype}, got {others.shape} {others.dtype}"
            )
        if not np.issubdtype(values.dtype, np.floating):
            if not np.array_equal(values, others):
                found[name] = np.inf
            continue
        finite = np.isfinite(values)
        if not np.array_equal(finite, np.isfinite(others)):
            found[name] = np.inf
            continue
        one, other = values[finite].astype(np.float64), others[finite].astype(np.float64)
        largest = np.max(np.abs(one), initial=0.0)
        off = np.abs(one - other)
        if np.any(off > tolerance * (np.abs(one) + largest)):
            found[name] = float(np.max(off))
    return found


def assert_same_names(expected: dict[str, np.ndarray], tested: dict[str, np.ndarray]) -> None:
    """Compare what there is of probes and variables."""
    if list(expected) != list(tested):
        lines = difflib.ndiff(list(expected), list(tested))
        raise DifferentNumbersError(
            "other probes or variables:\n"
            + "\n".join(line for line in lines if line.startswith(("-", "+")))
        )


def describe(name: str, expected: np.ndarray, tested: np.ndarray, tolerance: float) -> str:
    """Say where an array differs first, in time if it has time."""
    one, other = (np.atleast_1d(np.asarray(each, np.float64)) for each in (expected, tested))
    limit = tolerance * (np.abs(one) + np.max(np.abs(one), initial=0.0))
    wrong = np.argwhere(~(np.abs(one - other) <= limit))
    places = wrong[np.argsort(wrong[:, 1], kind="stable")] if wrong.shape[1:] >= (2,) else wrong
    place = tuple(int(each) for each in places[0])
    return (
        f"{name}: {len(wrong)} of {one.size} values differ, first at {place}: expected "
        f"{one[place]!r}, got {other[place]!r}\nexpected: {_shown(one, place)}\n"
        f"got:      {_shown(other, place)}"
    )


def _shown(values: np.ndarray, place: tuple[int, ...]) -> str:
    row = values[place[0], :, place[2]] if values.ndim == 3 else values
    return np.array2string(row, precision=7, threshold=12, edgeitems=6, max_line_width=200)


def assert_same_numbers(
    plan: NetworkPlan, calls: list[Call], expected: Factory, tested: Factory
) -> None:
    """
    Compare all probes, the saved state and the calls of Python functions, call by call.

    Parameters
    ----------
    plan : NetworkPlan
        The network.
    calls : list of Call
        What is asked of both.
    expected, tested : callable
        Make a Simulator, as the class does.
    """
    one, other = simulate(expected, plan, calls), simulate(tested, plan, calls)
    tolerance = TOLERANCE[plan.settings.dtype]
    flip = first_flip(one, other) if watches_spikes(plan) else None
    if flip is not None and flip[2] > MARGIN:
        raise DifferentNumbersError(
            f"call {flip[0]} ({calls[flip[0]]}), step {flip[1]}: neurons spike in one and not in "
            f"the other, the nearest {flip[2]:.2g} from its threshold"
        )
    nudged: list[Recording] = []
    for index, call in enumerate(calls):
        n_steps = None
        if flip is not None and index == flip[0]:
            n_steps = flip[1]
            if _is_sampled(one):
                return  # which step a value is of can't be told from its place
        found = find_differences(one.outputs[index], other.outputs[index], tolerance, n_steps)
        if found and plan.settings.dtype == "float32":
            nudged = nudged or [simulate(expected, plan, calls, nudged=seed) for seed in range(3)]
            found = {
                name: off
                for name, off in found.items()
                if not off <= 4 * _spread(name, index, one, nudged, n_steps)
            }
        if found:
            name = next(iter(found))
            raise DifferentNumbersError(
                f"call {index} ({call})\n"
                + describe(name, one.outputs[index][name], other.outputs[index][name], tolerance)
                + "".join(f"\nalso: {name}, by {found[name]:.2g}" for name in list(found)[1:])
            )
        if n_steps is not None:
            return
        if one.functions[index] != other.functions[index]:
            raise DifferentNumbersError(
                f"call {index} ({call}): Python functions were called\nexpected: "
                f"{one.functions[index]}\ngot:      {other.functions[index]}"
            )


def _is_sampled(recording: Recording) -> bool:
    network = recording.built.network
    return any(
        each.sample_every is not None or not network.config[each].keep_history
        for each in network.all_probes
    )


def _spread(
    name: str, index: int, expected: Recording, nudged: list[Recording], n_steps: int | None
) -> float:
    """Return by how much a rounding of the parameters changes an array."""
    here = expected.outputs[index][name]
    part = ... if n_steps is None else (slice(None), slice(n_steps))
    return max(
        float(np.nanmax(np.abs(each.outputs[index][name][part] - here[part]), initial=0.0))
        for each in nudged
    )


def assert_all_ways_equal_nengo(
    plan: NetworkPlan, n_steps: int, ways: Mapping[str, Factory]
) -> None:
    """
    Compare all probes with what nengo records, however a network is run.

    Parameters
    ----------
    plan : NetworkPlan
        The network: one that nengo runs too, in float64.
    n_steps : int
        How many steps.
    ways : mapping of str to callable
        Each makes a Simulator, as the class does.
    """
    with quiet():
        network = plan.build().network
        with nengo.Simulator(network, progress_bar=False, optimize=False) as sim:
            sim.run_steps(n_steps)
            expected = [sim.data[probe] for probe in network.all_probes]
    for way, factory in ways.items():
        with quiet():
            network = plan.build().network
            with factory(network, **plan.settings.simulator) as sim:
                sim.run_steps(n_steps)
                found = [sim.data[probe] for probe in network.all_probes]
        for probe, one, items in zip(network.all_probes, expected, found, strict=True):
            if probe.attr == "refractory_time":  # one dt less in nengo_dl, as the guide says
                continue
            for item in items:
                if find_differences({"": one}, {"": item}, TOLERANCE["float64"]):
                    raise DifferentNumbersError(
                        f"{way}, {probe}" + describe("", one, item, TOLERANCE["float64"])
                    )


def assert_same_use(
    build: Callable[[], nengo.Network],
    use: Callable[[Any, nengo.Network], dict[str, Any]],
    expected: Factory,
    tested: Factory,
    **kwargs: Any,
) -> None:
    """
    Compare all that comes of a network that is no plan.

    Parameters
    ----------
    build : callable
        Makes the network, each time the same; it is simulated in float64.
    use : callable
        Given a Simulator and its network, does something and returns arrays by name.
    expected, tested : callable
        Make a Simulator, as the class does.
    kwargs : dict
        Passed on to them.
    """
    found = []
    for factory in (expected, tested):
        with quiet():
            network = build()
            with network:
                nengo_dl.configure_settings(dtype="float64")
            with factory(network, **{"seed": 7, "progress_bar": False, **kwargs}) as sim:
                values = {name: np.asarray(each) for name, each in use(sim, network).items()}
                found.append({**values, **_state_of(sim)})
    differences = find_differences(found[0], found[1], TOLERANCE["float64"])
    if differences:
        raise DifferentNumbersError(
            "\n".join(
                describe(name, found[0][name], found[1][name], TOLERANCE["float64"])
                for name in differences
            )
        )


# -----------------------------------------------------------------------------
# Training


def find_gradients(
    factory: Factory, plan: NetworkPlan, call: Call, nudged: int | None = None
) -> dict[str, np.ndarray]:
    """
    Return the gradients of all probes, weighted, with respect to all that trains and all inputs.

    Parameters
    ----------
    factory : callable
        Makes a Simulator, as the class does.
    plan : NetworkPlan
        The network.
    call : Call
        How many steps of which data.
    nudged : int or None
        If given, parameters and inputs are moved by one rounding, drawn with this seed.

    Returns
    -------
    values : dict
        The gradients by name, the sum that they are of, and all variables after it.
    """
    with quiet():
        built = plan.build()
        with factory(built.network, **plan.settings.simulator) as sim:
            inputs = make_inputs(plan, built, call, 0)
            if nudged is not None:
                inputs = move_by_a_rounding(sim, inputs, nudged)
            tensors = [tf.constant(inputs[node]) for node in sim.node_inputs]
            weights = sim.keras_model.trainable_weights
            n_steps = tf.fill((sim.minibatch_size, 1), call.n_steps)
            rng = np.random.RandomState(plan.seed)
            with tf.GradientTape() as tape:
                tape.watch(tensors)
                outputs = sim.keras_model([*tensors, n_steps], training=True)[:-1]
                loss = tf.add_n(
                    [tf.reduce_sum(each * rng.uniform(-1, 1, each.shape[2:])) for each in outputs]
                )
            gradients = tape.gradient(
                loss, [*weights, *tensors], unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            names = [
                *(f"gradient of weights {index}" for index in range(len(weights))),
                *(f"gradient of input {index}" for index in range(len(tensors))),
            ]
            values = {
                name: tf.convert_to_tensor(each).numpy()
                for name, each in zip(names, gradients, strict=True)
            }
            return {"sum of all probes": loss.numpy(), **values, **_state_of(sim)}


def train(
    factory: Factory, plan: NetworkPlan, call: Call, nudged: int | None = None
) -> dict[str, np.ndarray]:
    """Train for an epoch; return the losses and all variables. Parameters as `find_gradients`."""
    with quiet():
        built = plan.build()
        with factory(built.network, **plan.settings.simulator) as sim:
            inputs = make_inputs(plan, built, call, 0)
            if nudged is not None:
                inputs = move_by_a_rounding(sim, inputs, nudged)
            rng = np.random.RandomState(plan.seed)
            probes = [each for each in built.network.all_probes if each.attr not in MATRICES]
            shapes = dict(zip(sim.model.probes, sim.keras_model.output_shape, strict=False))
            n_items = len(next(iter(inputs.values())))
            targets = {}
            for probe in probes:
                n_steps = call.n_steps if built.network.config[probe].keep_history else 1
                targets[probe] = rng.uniform(-1, 1, (n_items, n_steps, *shapes[probe][2:]))
            # the norm is bound, for a weight may matter a thousand times as much as another
            sim.compile(tf.optimizers.SGD(0.1, clipnorm=1.0), loss=dict.fromkeys(probes, "mse"))
            history = sim.fit(
                inputs, targets, n_steps=call.n_steps, epochs=1, shuffle=False, verbose=0
            )
            losses = {name: np.array(values) for name, values in history.history.items()}
            return {**losses, **_state_of(sim)}


def assert_same_gradients(
    plan: NetworkPlan, call: Call, expected: Factory, tested: Factory
) -> None:
    """
    Compare the gradients with respect to all that trains and all inputs.

    Parameters
    ----------
    plan : NetworkPlan
        The network.
    call : Call
        How many steps of which data.
    expected, tested : callable
        Make a Simulator, as the class does.
    """
    _assert_same_training(find_gradients, plan, call, expected, tested, {"float32": 1e-5})


def assert_same_losses(plan: NetworkPlan, call: Call, expected: Factory, tested: Factory) -> None:
    """Compare the losses of an epoch and what was learned. As `assert_same_gradients`."""
    _assert_same_training(train, plan, call, expected, tested, {"float32": 1e-4})


def _assert_same_training(
    run: Callable[..., dict[str, np.ndarray]],
    plan: NetworkPlan,
    call: Call,
    expected: Factory,
    tested: Factory,
    tolerances: dict[str, float],
) -> None:
    tolerance = tolerances.get(plan.settings.dtype, 1e-8)
    one, other = _expected_of(run, expected, plan, call), run(tested, plan, call)
    assert_same_names(one, other)
    # a gradient that is nothing but the rounding of greater ones is none
    least = 1e-3 * _norm([values for name, values in one.items() if name.startswith("gradient")])

    def is_same(name: str, values: np.ndarray, allowed: float = 0.0) -> bool:
        if not np.issubdtype(values.dtype, np.floating):
            return np.array_equal(values, other[name])
        finite = np.isfinite(values)
        if not np.array_equal(finite, np.isfinite(other[name])):
            return False
        scale = max(_norm([values[finite]]), least if name.startswith("gradient") else 0)
        return _norm([values[finite] - other[name][finite]]) <= tolerance * scale + allowed

    wrong = [name for name, values in one.items() if not is_same(name, values)]
    if wrong and plan.settings.dtype == "float32":
        nudged = [run(expected, plan, call, nudged=seed) for seed in range(3)]
        wrong = [
            name
            for name in wrong
            if not is_same(
                name, one[name], 4 * max(_norm([each[name] - one[name]]) for each in nudged)
            )
        ]
    if wrong:
        raise DifferentNumbersError(
            f"{call}\n"
            + "\n".join(
                f"{name}: off by {_norm([one[name] - other[name]]):.3g}, its norm is "
                f"{_norm([one[name]]):.3g}\nexpected: {one[name]}\ngot:      {other[name]}"
                for name in wrong
            )
        )


# What is expected is found once for several that are tested against it.
@functools.lru_cache(maxsize=8)
def _expected_of(
    run: Callable[..., dict[str, np.ndarray]], factory: Factory, plan: NetworkPlan, call: Call
) -> dict[str, np.ndarray]:
    return run(factory, plan, call)


def _norm(arrays: list[np.ndarray]) -> float:
    return float(np.sqrt(sum(np.sum(np.square(each, dtype=np.float64)) for each in arrays)))


# -----------------------------------------------------------------------------
# Random layers and neurons


def assert_same_distribution(
    plan: NetworkPlan, n_steps: int, expected: Factory, tested: Factory, n_batches: int = 300
) -> None:
    """
    Compare means over many samples: of all values, their squares, and their products.

    The products with the next step and with the next item of the minibatch show noise that is the
    same in both where it should not be, or the reverse. A minibatch is one sample: what is drawn
    for all of its items at once makes them alike.

    Parameters
    ----------
    plan : NetworkPlan
        The network.
    n_steps : int
        How many steps.
    expected, tested : callable
        Make a Simulator, as the class does.
    n_batches : int
        How many samples.
    """
    call = Call("predict", n_steps, stateful=False, data="repeated", batches=n_batches)
    samples = [_expected_of(_moments, expected, plan, call), _moments(tested, plan, call)]
    for name, one in samples[0].items():
        other = samples[1][name]
        spread = np.std(np.concatenate([one, other]), axis=0) * np.sqrt(2 / n_batches)
        off = np.abs(np.mean(one, axis=0) - np.mean(other, axis=0))
        # what is not random has no spread but rounding
        wrong = off > 6 * spread + 1e-5 * np.max(np.abs(one))
        if np.any(wrong):
            place = tuple(int(each) for each in np.argwhere(wrong)[0])
            raise DifferentNumbersError(
                f"{name}: the mean of {n_batches} samples at {place} is expected to be "
                f"{np.mean(one, axis=0)[place]:.4g} +- {spread[place]:.2g}, got "
                f"{np.mean(other, axis=0)[place]:.4g}"
            )


def _moments(factory: Factory, plan: NetworkPlan, call: Call) -> dict[str, np.ndarray]:
    """Return the mean of each minibatch, ``(batch, ...)``."""
    found = {}
    for name, flat in simulate(factory, plan, [call]).outputs[0].items():
        if name.startswith("probe"):
            values = flat.astype(np.float64).reshape((call.batches, -1, *flat.shape[1:]))
            later = np.roll(values, -1, axis=2)
            neighbour = np.roll(values, -1, axis=1)
            found[name] = np.mean(values, axis=1)
            for what, product in (
                ("squares", values),
                ("products with the next step", later),
                ("products with the next item", neighbour),
            ):
                found[f"{name}, {what}"] = np.mean(values * product, axis=1)
    return found
