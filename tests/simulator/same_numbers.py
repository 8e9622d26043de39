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

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import nengo
import numpy as np
from simulated_networks import BuiltNetwork, NetworkPlan

from nengo_layers_plus._upstream import tf

Factory = Callable[..., Any]
TOLERANCE = {"float32": 1e-5, "float64": 1e-9}
MARGIN = 1e-5
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
        inputs for each item, the same in all steps.
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
    batch = (plan.settings.minibatch_size or 1) * call.batches
    steps = 1 if call.data == "still" else call.n_steps
    rng = np.random.RandomState([plan.seed, seed])
    return {
        node: np.broadcast_to(
            rng.uniform(-1.2, 1.2, (batch, steps, node.size_out)),
            (batch, call.n_steps, node.size_out),
        ).astype(plan.settings.dtype)
        for node in built.inputs
    }


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
            rng = np.random.RandomState(nudged)
            if nudged is not None:
                weights = sim.keras_model.weights
                values = tf.keras.backend.batch_get_value(weights)
                tf.keras.backend.batch_set_value(
                    [(each, nudge(value, rng)) for each, value in zip(weights, values, strict=True)]
                )
            for index, call in enumerate(calls):
                inputs = make_inputs(plan, built, call, index)
                if nudged is not None:
                    inputs = {node: nudge(values, rng) for node, values in inputs.items()}
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
    names: dict[Any, list[str]] = {}
    for signal, tensor in graph.signals.items():
        if not signal.name.startswith("0x"):  # not that of a signal without a name
            names.setdefault(tensor.key, []).append(signal.name)
    variables = {
        f"state {index} ({', '.join(names.get(key, []))[:200]})": variable
        for index, (key, variable) in enumerate(graph.saved_state.items())
    }
    variables |= {
        f"weights {index} {tuple(variable.shape)}": variable
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
    assert list(expected) == list(tested), (list(expected), list(tested))
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


def describe(name: str, expected: np.ndarray, tested: np.ndarray, tolerance: float) -> str:
    """Say where an array differs first, in time if it has time."""
    one, other = (np.asarray(each, dtype=np.float64) for each in (expected, tested))
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
    part = slice(None) if n_steps is None else (slice(None), slice(n_steps))
    return max(
        float(np.nanmax(np.abs(each.outputs[index][name][part] - here[part]), initial=0.0))
        for each in nudged
    )
