"""The comparison of Simulators sees what is wrong, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
import trap_networks
from nengo.builder.processes import SimProcess
from same_numbers import (
    Call,
    DifferentNumbersError,
    Recording,
    assert_same_distribution,
    assert_same_gradients,
    assert_same_losses,
    assert_same_numbers,
    assert_same_use,
    distance_to_threshold,
    first_flip,
    move_by_a_rounding,
    quiet,
    simulate,
)
from simulated_networks import NetworkPlan, NeuronLayer, Settings, Source

from nengo_layers_plus import nengo_dl
from nengo_layers_plus._upstream import tf

Stock = nengo_dl.Simulator


class Spoiled(Stock):
    """Changes what `predict` and the like return."""

    def _call_keras(self, func_type, **kwargs):
        outputs = super()._call_keras(func_type, **kwargs)
        if func_type.startswith("predict"):
            for probe, values in outputs.items():
                outputs[probe] = self.spoil(probe, values.copy())
        return outputs


class Late(Spoiled):
    def spoil(self, probe, values):
        return np.concatenate([values[:, :1], values[:, :-1]], axis=1)


class OneSpikeMoved(Spoiled):
    def spoil(self, probe, values):
        if probe.attr == "output" and values.shape[1] > 6:
            values[-1, [5, 6], 0] = values[-1, [6, 5], 0]
        return values


class SlightlyOff(Spoiled):
    def spoil(self, probe, values):
        return values * (1 + (5e-5 if values.dtype == np.float32 else 1e-8))


class FirstItemForAll(Spoiled):
    def spoil(self, probe, values):
        items = values.reshape((-1, self.minibatch_size, *values.shape[1:]))
        items[:, 1:] = items[:, :1]
        return items.reshape(values.shape)


class FirstStepForAll(Spoiled):
    def spoil(self, probe, values):
        values[:, 1:] = values[:, :1]
        return values


class ForgetsState(Stock):
    def _call_keras(self, func_type, **kwargs):
        variables = list(self.tensor_graph.saved_state.values())
        values = [each.numpy() for each in variables]
        outputs = super()._call_keras(func_type, **kwargs)
        for variable, value in zip(variables, values, strict=True):
            if variable.dtype.is_floating:
                variable.assign(value)
        return outputs


class ForgetsWeights(Stock):
    def _call_keras(self, func_type, **kwargs):
        weights = self.keras_model.weights
        values = [each.numpy() for each in weights]
        outputs = super()._call_keras(func_type, **kwargs)
        for weight, value in zip(weights, values, strict=True):
            weight.assign(value)
        return outputs


class CallsTwice(Stock):
    def predict_on_batch(self, x=None, n_steps=None, stateful=False, **kwargs):
        super().predict_on_batch(x, n_steps, stateful=False, **kwargs)
        return super().predict_on_batch(x, n_steps, stateful=stateful, **kwargs)


class SeedsBackwards(Stock):
    def _build_keras(self, progress=None):
        def build_post(signals):
            for builder in reversed(list(self.tensor_graph.op_builder.op_builds.values())):
                builder.build_post(signals)

        self.tensor_graph.op_builder.build_post = build_post
        super()._build_keras(progress)


class SpoiledGraph(Stock):
    """Changes the tensors that come out of the simulation."""

    def _build_keras(self, progress=None):
        spoil, graph = self.spoil, self.tensor_graph

        class Graph(type(graph)):
            def call(self, inputs, **kwargs):
                outputs = super().call(inputs, **kwargs)
                return [spoil(each) if each.dtype.is_floating else each for each in outputs]

        graph.__class__ = Graph
        super()._build_keras(progress)


class GradientSlightlyOff(SpoiledGraph):
    def spoil(self, tensor):
        return tensor + 1e-4 * (tensor - tf.stop_gradient(tensor))


class NoGradientThroughTime(SpoiledGraph):
    def spoil(self, tensor):
        return tf.concat([tf.stop_gradient(tensor[:, :-1]), tensor[:, -1:]], axis=1)


class LossSlightlyOff(SpoiledGraph):
    def spoil(self, tensor):
        return tensor * 1.001


def without_delay(*args, **kwargs):
    """Make a Simulator that reads a synapse in the same step."""
    init = SimProcess.__init__

    def set_at_once(self, *args, mode="set", **kwargs):
        init(self, *args, mode="set" if mode == "update" else mode, **kwargs)

    with mock.patch.object(SimProcess, "__init__", set_at_once):
        return Stock(*args, **kwargs)


def moved_by_a_rounding(*args, **kwargs):
    """Make a Simulator whose parameters are off by as little as can be."""
    sim = Stock(*args, **kwargs)
    move_by_a_rounding(sim, {}, seed=5)
    return sim


@pytest.mark.parametrize(
    ("factory", "name", "dtype"),
    [
        (Late, "time order", "float64"),
        (Late, "values that are decoded", "float32"),
        (without_delay, "time order", "float64"),
        (OneSpikeMoved, "biases in one variable", "float64"),
        (OneSpikeMoved, "biases in one variable", "float32"),
        (SlightlyOff, "values that are decoded", "float64"),
        (SlightlyOff, "values that are decoded", "float32"),
        (FirstItemForAll, "a function of time", "float64"),
        (FirstStepForAll, "inputs that are nearly still", "float64"),
        (ForgetsState, "state from call to call", "float64"),
        (ForgetsWeights, "weights accumulate", "float64"),
        (ForgetsWeights, "PES without state", "float64"),
        (ForgetsWeights, "call counter in inference", "float64"),
        (CallsTwice, "functions that share state", "float64"),
        (SeedsBackwards, "processes without a seed", "float64"),
    ],
)
def test_sees_wrong_numbers(factory, name, dtype):
    trap = trap_networks.NUMBERS[name]
    plan = replace(trap.plan, settings=replace(trap.plan.settings, dtype=dtype))
    with pytest.raises(DifferentNumbersError):
        assert_same_numbers(plan, trap.calls, Stock, factory)


@pytest.mark.parametrize(
    ("compare", "factory"),
    [
        (assert_same_gradients, GradientSlightlyOff),  # the weights of an epoch hardly show it
        (assert_same_gradients, NoGradientThroughTime),
        (assert_same_gradients, LossSlightlyOff),
        (assert_same_losses, NoGradientThroughTime),
        (assert_same_losses, LossSlightlyOff),
    ],
)
def test_sees_wrong_training(compare, factory):
    plan, call = trap_networks.LOSSES["a spiking network learns as rates"]
    with pytest.raises(DifferentNumbersError):
        compare(plan, replace(call, batches=1), Stock, factory)


@pytest.mark.parametrize(
    ("factory", "name"),
    [
        (FirstStepForAll, "Dropout of each item and step"),
        (FirstItemForAll, "Dropout of each item and step"),
        (FirstStepForAll, "PoissonSpiking"),
    ],
)
def test_sees_another_distribution(factory, name):
    with pytest.raises(DifferentNumbersError):
        assert_same_distribution(trap_networks.DISTRIBUTIONS[name], 4, Stock, factory)


def test_takes_other_samples_for_the_same():
    def other_seed(*args, **kwargs):
        return Stock(*args, **{**kwargs, "seed": 99})

    for name in ("Dropout of each item and step", "PoissonSpiking"):
        assert_same_distribution(trap_networks.DISTRIBUTIONS[name], 4, Stock, other_seed)


def test_sees_other_use():
    case = trap_networks.USES["functions without output"]
    with pytest.raises(DifferentNumbersError, match="called"):
        assert_same_use(case.build, case.use, Stock, CallsTwice)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_takes_rounding_for_the_same(dtype):
    # rates that rise infinitely fast at their threshold, and membranes
    plan = NetworkPlan(
        (Source(size=6), NeuronLayer("LIFRate", 6), NeuronLayer("LIF", 6)),
        settings=Settings(dtype, minibatch_size=3),
    )
    assert_same_numbers(plan, [Call(n_steps=50)], Stock, moved_by_a_rounding)
    assert_same_gradients(plan, Call(n_steps=5), Stock, moved_by_a_rounding)


def test_a_flip_counts_by_its_membrane():
    plan = NetworkPlan((Source(), NeuronLayer("LIF", 2)))
    with quiet():
        recording = simulate(Stock, plan, [Call(n_steps=30)])
    (neurons,) = recording.built.spiking
    spikes, voltage = recording.spikes[0][neurons]
    at = tuple(np.argwhere(spikes > 0)[0])
    silent, below = spikes.copy(), voltage.copy()
    silent[at] = 0
    for distance in (1e-6, 0.2):
        below[at] = 1 - distance
        other = Recording(recording.built, spikes=[{neurons: (silent, below)}])
        found = first_flip(recording, other)
        assert found[:2] == (0, at[1])
        assert found[2] == pytest.approx(distance, rel=0.1)
        assert first_flip(other, recording) == found
    assert first_flip(recording, recording) is None


def test_distance_of_neurons_that_spike_several_times_in_a_step():
    plan = NetworkPlan((Source(), NeuronLayer("fast SpikingRectifiedLinear", 2)))
    (neurons,) = plan.build().spiking
    distances = distance_to_threshold(neurons, np.array([0.999, 0.5, 0.001, -0.002]))
    np.testing.assert_allclose(distances, [0.001, 0.5, 0.001, 0.002])
