"""Rules for operators, and what runs without one."""

from __future__ import annotations

import nengo
import numpy as np
import outside
import pytest
from nengo.builder import Operator
from nengo.exceptions import BuildError

from nengo_layers_plus import CustomLayer, Simulator, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.simulator import rules
from nengo_layers_plus.simulator._series import Series
from nengo_layers_plus.simulator.rules import Rule, register, rule_for
from nengo_layers_plus.simulator.rules._rule import Decision, Schedule

STEPS = 12


@register(outside.SimWithRule)
class IntegrateAndFireRule(Rule):
    """Counts whole numbers in the sum of the current over the steps."""

    lowered = 0

    def decide(self, operator, context):
        if context.training:
            return Decision(Schedule.SCAN, "is trained by its builder", per_item=True)
        return Decision(Schedule.WHOLE, "adds up its current", per_item=True)

    def lower(self, operator, values, context):
        IntegrateAndFireRule.lowered += 1
        current = values.read(operator.current).for_batch(values.batch)
        start = values.initial(operator.voltage)[:, None]
        total = start + tf.cumsum(current.over_time(values.steps) * context.dt, axis=1)
        wholes = tf.floor(tf.concat([start, total], axis=1))
        spikes = (wholes[:, 1:] - wholes[:, :-1]) / context.dt
        voltage = total - tf.floor(total)
        values.set(operator.output, Series(spikes, batched=True, varies=True))
        values.update(
            operator.voltage,
            before=None,
            after=Series(voltage, batched=True, varies=True),
            final=tf.concat([start, voltage], axis=1)[:, -1],
        )


def build(neurons, dense=True):
    """Put neurons between an input and a layer."""
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(dtype="float64")
        net.image = nengo.Node(np.zeros(3), label="image")
        layer = CustomLayer(neurons, label="hidden", ensemble_kwargs={"gain": 300, "bias": 10})(
            net.image
        )
        net.probes_of = [nengo.Probe(layer), nengo.Probe(layer, "voltage")]
        if dense:
            start = tf.keras.initializers.Constant(0.01)
            dense = tf.keras.layers.Dense(2, kernel_initializer=start, dtype="float64")
            net.probes_of.append(nengo.Probe(CustomLayer(dense)(layer, synapse=0.005)))
    return net


DATA = np.random.RandomState(0).uniform(0, 3, (2, STEPS, 3))


def run(cls, net, calls=(STEPS,), **settings):
    with cls(net, minibatch_size=2, progress_bar=False, **settings) as sim:
        start = 0
        for steps in calls:
            sim.run_steps(steps, data={net.image: DATA[:, start : start + steps]})
            start += steps
        return [np.array(sim.data[probe]) for probe in net.probes_of]


@pytest.fixture(scope="module")
def expected():
    return run(nengo_dl.Simulator, build(outside.IntegrateAndFire()))


def rows_of(net, **settings):
    with Simulator(net, progress_bar=False, **settings) as sim:
        return {row.operator: (row.runs, row.why) for row in sim.execution}


def test_the_numbers_to_expect(expected):
    """They are those of nengo itself, and neurons fire."""
    spikes, voltage, _ = expected
    for item in range(2):
        net = build(outside.IntegrateAndFire(), dense=False)
        net.image.output = lambda t, item=item: DATA[item, round(t / 0.001) - 1]
        with nengo.Simulator(net, progress_bar=False) as sim:
            sim.run_steps(STEPS)
            np.testing.assert_allclose(sim.data[net.probes_of[0]], spikes[item])
            np.testing.assert_allclose(sim.data[net.probes_of[1]], voltage[item])
    assert 5 < np.count_nonzero(spikes) < spikes.size


def test_a_neuron_operator_from_outside_runs_layer_by_layer(expected):
    """nengo_dl's builder for it is enough."""
    net = build(outside.IntegrateAndFire())
    assert rows_of(net, execution="layerwise")["SimIntegrateAndFire"] == (
        "along time, by itself",
        "no rule is registered for SimIntegrateAndFire",
    )
    found = run(Simulator, net, execution="layerwise")
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("neurons", [outside.IntegrateAndFire(), outside.WithRule()], ids=repr)
@pytest.mark.parametrize("settings", [{}, {"memory_limit": 1000}], ids=["whole", "in chunks"])
def test_its_state_is_carried_on(neurons, settings, expected):
    found = run(Simulator, build(neurons), (4, 0, 5, 3), **settings)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_a_rule_runs_it_all_steps_at_once(expected):
    net = build(outside.WithRule())
    assert rows_of(net, execution="layerwise")["SimWithRule"] == (
        "all steps at once",
        "adds up its current",
    )
    before = IntegrateAndFireRule.lowered
    found = run(Simulator, net)
    assert IntegrateAndFireRule.lowered > before
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("neurons", [outside.IntegrateAndFire(), outside.WithRule()], ids=repr)
def test_it_trains(neurons):
    """Through the operator, the gradient is that of nengo_dl."""

    def train(cls):
        net = build(neurons)
        with net:
            output = net.probes_of[-1]
        with cls(net, minibatch_size=2, progress_bar=False) as sim:
            sim.compile(tf.optimizers.SGD(0.1), loss={output: "mse"})
            history = sim.fit(
                {net.image: DATA}, {output: np.ones((2, STEPS, 2))}, epochs=3, verbose=0
            )
            return history.history["loss"], [each.numpy() for each in sim.keras_model.weights]

    (losses, weights), (wanted_losses, wanted) = train(Simulator), train(nengo_dl.Simulator)
    np.testing.assert_allclose(losses, wanted_losses, rtol=1e-9)
    assert wanted_losses[2] != wanted_losses[0]
    for one, other in zip(weights, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_what_is_wrong_with_a_builder_is_said_at_once():
    with pytest.raises(ValueError, match="this builder is wrong"):
        Simulator(build(outside.WithWrongBuilder()), progress_bar=False)


def test_an_operator_without_builder():
    """It is nengo_dl's error."""
    with pytest.raises(BuildError, match="No registered builder"):
        Simulator(build(outside.WithoutBuilder()), progress_bar=False)


class Unknown(Operator):
    """An operator that nobody knows."""


class DerivedFromOneWithRule(outside.SimWithRule):
    """May do anything."""


def test_a_rule_is_for_one_type_and_none_derived_from_it():
    current, output, voltage = (
        nengo.builder.Signal(np.zeros(2), name=name) for name in ("J", "out", "voltage")
    )
    rule = rule_for(outside.SimWithRule(current, output, voltage))
    assert isinstance(rule, IntegrateAndFireRule)
    derived = DerivedFromOneWithRule(current, output, voltage)
    assert rule_for(derived).decide(derived, None) == Decision(
        Schedule.SCAN, "no rule is registered for DerivedFromOneWithRule"
    )
    assert not rule_for(derived).decide(derived, None).per_item


def test_a_rule_that_promises_what_it_does_not_do():
    @register(Unknown)
    class Promise(Rule):
        def decide(self, operator, context):
            return Decision(Schedule.WHOLE, "is easy")

    operator = Unknown()
    assert isinstance(rule_for(operator), Promise)
    with pytest.raises(NotImplementedError, match=r"Promise\.decide: .*override lower"):
        rule_for(operator).lower(operator, None, None)


def test_names_of_before_are_deprecated():
    with pytest.warns(DeprecationWarning, match="use Schedule"):
        assert rules.Kind is Schedule
    with pytest.warns(DeprecationWarning, match="use may_be_constant"):
        assert Series(tf.zeros((1, 1)), False, False, True).may_be_still
