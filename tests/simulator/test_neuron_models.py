"""Neurons that are written once, layer by layer and through time, beside nengo_dl's own loop."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from planned import groups_with, planned
from same_numbers import assert_same_use
from ways import WAYS

from nengo_layers_plus import (
    CustomLayer,
    NeuronModel,
    NeuronParameter,
    Simulator,
    Surrogate,
    nengo_dl,
    surrogate,
)
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.neurons import (
    LeakyIntegrateAndFire,
    LeakyIntegrator,
    SimNeuronModel,
    TrainableAdaptiveLIF,
    TrainableAdaptiveLIFRate,
    TrainableIzhikevich,
    TrainableLIF,
)
from nengo_layers_plus.simulator import rules
from nengo_layers_plus.simulator._choice import find_compiled

STEPS, BATCH = 9, 3
TYPES = {
    "surrogate of a model": Surrogate(
        TrainableAdaptiveLIF(tau_n=0.05, amplitude=0.01), surrogate.arctan(2.0)
    ),
    "through the reset": Surrogate(
        LeakyIntegrateAndFire(reset="soft", amplitude=0.01),
        surrogate.sigmoid(4.0),
        through_reset=True,
    ),
    "surrogate of nengo's": Surrogate(nengo.LIF(amplitude=0.01), surrogate.triangle()),
    "rates": TrainableAdaptiveLIFRate(tau_n=0.05, amplitude=0.01),
    "by its curve": TrainableLIF(amplitude=0.01),
    "by a measured curve": TrainableIzhikevich(amplitude=0.01),
    "nengo's own": nengo.AdaptiveLIF(tau_n=0.05, amplitude=0.01),
    "makes spikes of rates": Surrogate(nengo.RegularSpiking(nengo.LIFRate(), amplitude=0.01)),
}
# One after another in a network. Forwards alone where a recurrent one has the same loop.
RECURRENT = ("surrogate of a model", "through the reset", "nengo's own")
FORWARD = tuple(name for name in TYPES if name not in RECURRENT)


class Squared(NeuronModel):
    """Neurons without a state."""

    parameters = {"slope": NeuronParameter(1.5, positive=True, trainable=True)}  # noqa: RUF012

    def dynamics(self, xp, dt, current, slope):
        return slope * xp.square(xp.maximum(current, 0.0))


def layered(*types, recurrent=False):
    """Make a layer of neurons of each type, or two of one type, with weights that train."""
    types = types * 2 if len(types) == 1 else types

    def build():
        rng = np.random.RandomState(0)
        with nengo.Network(seed=0) as net:
            nengo_dl.configure_settings(trainable=None)
            x = nengo.Node(np.zeros(3), label="input")
            for index, neurons in enumerate(types):
                size = 6 if index == len(types) - 1 else 8
                layer = CustomLayer(
                    neurons,
                    ensemble_kwargs={"gain": 1, "bias": np.linspace(1, 20, size)},
                    trainable={"connection": True},
                    label=f"layer {index}",
                )
                x = layer(x, transform=rng.normal(size=(size, x.size_out)) * (1 if index else 3))
                if recurrent and (index == 0 or len(set(types)) > 1):
                    nengo.Connection(
                        x, x, transform=rng.normal(size=(size, size)) * 0.3, synapse=0.005
                    )
            nengo.Probe(x, synapse=nengo.Alpha(0.003))
        return net

    return build


def simulate(sim, net):
    """Run, and go on from there: as many steps, for which nothing is compiled again."""
    for each in np.random.RandomState(1).normal(size=(2, BATCH, STEPS, 3)):
        sim.run_steps(STEPS, data={net.nodes[0]: each})
    return {"run": sim.data[net.probes[0]]}


def train(sim, net):
    rng = np.random.RandomState(2)
    data = {net.nodes[0]: rng.normal(size=(2 * BATCH, STEPS, 3))}
    targets = {net.probes[0]: rng.uniform(0, 0.5, (2 * BATCH, STEPS, 6))}
    sim.compile(tf.optimizers.SGD(1e-3), loss="mse")
    history = sim.fit(data, targets, epochs=2, verbose=0, shuffle=False)
    return {"loss": history.history["loss"], **simulate(sim, net)}


@pytest.mark.parametrize(
    ("names", "recurrent"),
    [
        (FORWARD, False),
        (RECURRENT, True),
        *(
            pytest.param((name,), recurrent, marks=pytest.mark.deep)
            for name in TYPES
            for recurrent in (False, True)
        ),
    ],
)
def test_simulation_and_training_give_the_same_numbers(names, recurrent):
    build = layered(*(TYPES[name] for name in names), recurrent=recurrent)
    layerwise = WAYS["layer by layer"]
    assert_same_use(build, train, nengo_dl.Simulator, layerwise, minibatch_size=BATCH)


def test_neurons_without_a_state_are_computed_at_once():
    build = layered(Squared())
    net = build()
    with Simulator(net, minibatch_size=BATCH, progress_bar=False) as sim:
        runs = {row.runs for row in sim.execution.rows if "Squared" in row.operator}
    assert runs == {rules.Schedule.WHOLE.value}
    assert_same_use(build, train, nengo_dl.Simulator, Simulator, minibatch_size=BATCH)


@pytest.mark.parametrize("training", [False, True])
def test_they_compile_in_both_modes(training):
    plan, _ = planned(layered(TYPES["surrogate of a model"])(), training=training)
    groups = groups_with(plan, "SimNeuronModel")
    assert [each.decision.kind for each in groups] == [rules.Schedule.SCAN] * 2
    assert set(groups) <= set(find_compiled(plan))


def test_neurons_of_several_sizes_are_merged_by_nengo_dl():
    def build():
        with nengo.Network(seed=0) as net:
            x = nengo.Node(np.zeros(3))
            layers = [
                nengo.Ensemble(
                    size, 3, neuron_type=TrainableAdaptiveLIF(per_neuron=chosen, tau_n=tau_n)
                )
                for size, chosen, tau_n in ((5, None, 0.1), (7, None, 0.2), (4, True, 0.05))
            ]
            for each in layers:
                nengo.Connection(x, each, synapse=None)
                nengo.Probe(each.neurons)
                nengo.Probe(each.neurons, "adaptation")
        return net

    with nengo_dl.Simulator(build(), progress_bar=False) as sim:
        groups = [each for each in sim.tensor_graph.plan if isinstance(each[0], SimNeuronModel)]
        assert [len(each) for each in groups] == [3]

    def use(sim, net):
        data = {net.nodes[0]: np.random.RandomState(1).uniform(-1, 1, (2, 30, 3))}
        found = sim.predict(data, verbose=0)
        return {str(index): found[probe] for index, probe in enumerate(net.probes)}

    assert_same_use(build, use, nengo_dl.Simulator, Simulator, minibatch_size=2)


@pytest.mark.parametrize("minibatch", [1, 1000])
def test_minibatches_of_any_size(minibatch):
    def use(sim, net):
        data = np.random.RandomState(1).normal(size=(2 * minibatch, 5, 3))
        found = sim.predict({net.nodes[0]: data}, verbose=0)[net.probes[0]]
        # other lengths than that
        for steps in (slice(2), slice(2, 4)):
            sim.run_steps(2, data={net.nodes[0]: data[:minibatch, steps]})
        return {"predict": found, "run": sim.data[net.probes[0]]}

    build = layered(TYPES["surrogate of a model"])
    assert_same_use(build, use, nengo_dl.Simulator, Simulator, minibatch_size=minibatch)


def test_spikes_in_single_precision_are_those_of_double_precision_to_the_first_flip():
    found = {}
    for dtype in ("float32", "float64"):
        with layered(TrainableLIF())() as net:
            nengo_dl.configure_settings(dtype=dtype)
            probes = [nengo.Probe(net.ensembles[0].neurons, each) for each in ("output", "voltage")]
        data = np.random.RandomState(1).normal(size=(BATCH, 60, 3))
        with Simulator(net, minibatch_size=BATCH, progress_bar=False, seed=0) as sim:
            values = sim.predict({net.nodes[0]: data}, verbose=0)
            found[dtype] = [values[each] for each in probes]
    (spikes, voltage), (wide_spikes, wide_voltage) = found["float32"], found["float64"]
    assert wide_spikes.any()
    same = np.isclose(spikes, wide_spikes).all(axis=(0, 2))
    first = len(same) if same.all() else int(np.argmin(same))
    assert first > 10
    np.testing.assert_allclose(voltage[:, :first], wide_voltage[:, :first], atol=1e-5)
    if first < len(same):
        flipped = ~np.isclose(spikes[:, first], wide_spikes[:, first])
        # of the two membranes that is seen which did not fire
        seen = np.maximum(voltage[:, first], wide_voltage[:, first])[flipped]
        assert np.abs(seen - 1).min() < 1e-5


def test_inputs_that_stand_still_train_with_the_gradients_of_all_steps():
    """TensorFlow took the lengths of one branch for those of both, where gradients broadcast."""

    def build():
        rng = np.random.RandomState(0)
        with nengo.Network(seed=0) as net:
            nengo_dl.configure_settings(trainable=None)
            x = nengo.Node(np.zeros(3))
            for size in (8, 6):
                layer = CustomLayer(Squared(), trainable={"connection": True})
                x = layer(x, transform=rng.normal(size=(size, x.size_out)) * 0.3, gain=1, bias=0.2)
            nengo.Probe(x)
        return net

    def use(sim, net):
        sim.compile(tf.optimizers.SGD(0.01), loss="mse")
        found = {}
        for still in (False, True):
            rng = np.random.RandomState(2)
            data = rng.normal(size=(2 * BATCH, 1 if still else STEPS, 3))
            data = np.tile(data, (1, STEPS if still else 1, 1))
            targets = {net.probes[0]: rng.uniform(0, 1, (2 * BATCH, STEPS, 6))}
            history = sim.fit({net.nodes[0]: data}, targets, epochs=2, verbose=0, shuffle=False)
            found[f"loss, still: {still}"] = history.history["loss"]
            found |= {
                f"weights {index}, still: {still}": weight.numpy()
                for index, weight in enumerate(sim.keras_model.trainable_weights)
            }
        return found

    assert_same_use(build, use, nengo_dl.Simulator, Simulator, minibatch_size=BATCH)


def test_what_a_user_writes_wrongly_is_said_when_the_simulator_is_built():
    class Forgetful(NeuronModel):
        state = {"voltage": nengo.dists.Choice([0])}  # noqa: RUF012

        def dynamics(self, xp, dt, current, voltage):
            return current

    with nengo.Network() as net:
        nengo.Probe(
            CustomLayer(Forgetful(), ensemble_kwargs={"gain": 1, "bias": 0})(nengo.Node([0.0]))
        )
    with pytest.raises(nengo.exceptions.ValidationError, match=r"Forgetful.dynamics: expected the"):
        Simulator(net, progress_bar=False)


def test_nengo_dl_checks_gradients_through_time():
    net = layered(LeakyIntegrator(), recurrent=True)()
    with net:
        nengo_dl.configure_settings(dtype="float64")
    with Simulator(net, progress_bar=False, seed=0) as sim:
        assert sim.training_execution.mode == "layerwise"
        sim.check_gradients(atol=1e-4, rtol=1e-3)  # raises if they are wrong
