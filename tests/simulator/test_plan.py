"""What runs over the whole sequence at once, what along time, what step by step, and why."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.builder.operator import Copy, Reset, TimeUpdate
from nengo.builder.signal import Signal
from planned import group_with, groups_with, how, plan_of
from python_neurons import InPython

from nengo_layers_plus import CustomLayer
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.simulator._plan import Role, SignalUse
from nengo_layers_plus.simulator.rules._rule import Schedule

ALIKE = "treats all steps alike"
RECURRENT = "a recurrent connection: each step needs the result of the step before"
LEARNS = "a learning rule changes what is read in the next step"
IN_ORDER = "Python functions are called in the order of the steps"


def signal(name, size=2):
    return Signal(np.zeros(size), name=name)


def test_roles():
    constant, value, summed, total, step, time = map(
        signal, ("constant", "value", "summed", "total", "step", "time")
    )
    operators = [
        Reset(value),
        Reset(summed),
        Copy(constant, summed, inc=True),
        Copy(constant, total, inc=True),
        TimeUpdate(step, time),
    ]

    use = SignalUse(operators)

    assert use.role(constant) is Role.CONSTANT
    assert use.role(value) is Role.VALUE
    assert use.role(summed) is Role.VALUE
    assert use.role(total) is Role.ACCUMULATED  # set by nobody, so it never starts anew
    assert use.writers(summed) == operators[1:3]
    assert use.reads[constant] == operators[2:4]


def test_views_count_for_what_they_are_views_of():
    whole, source = signal("whole", 4), signal("source")
    use = SignalUse([Reset(whole), Copy(source, whole[1:3], inc=True)])
    assert use.role(whole) is Role.VALUE
    assert len(use.writers(whole)) == 2
    assert whole[1:3] not in use.incs


def test_the_state_of_neurons_is_not_a_value():
    """nengo lists it with what is set, though it depends on its past."""
    current, out, voltage, refractory = map(signal, ("J", "out", "voltage", "refractory"))
    neurons = nengo.builder.neurons.SimNeurons(
        nengo.LIF(), current, out, state={"voltage": voltage, "refractory_time": refractory}
    )
    use = SignalUse([neurons])
    assert use.role(voltage) is use.role(refractory) is Role.STATE
    assert use.role(out) is Role.VALUE
    assert voltage not in use.sets
    assert SignalUse([neurons, Reset(voltage)]).role(voltage) is Role.MIXED


def test_updated():
    x, y = signal("x"), signal("y")
    process = nengo.builder.processes.SimProcess(
        nengo.Lowpass(0.1), x, y, signal("t", 1), mode="update"
    )
    assert SignalUse([process]).role(y) is Role.UPDATED
    assert SignalUse([process, Reset(y)]).role(y) is Role.MIXED


@pytest.fixture(scope="module")
def feedforward():
    """Layers, one after another."""
    with nengo.Network(seed=0) as net:
        image = nengo.Node(np.ones(9), label="image")
        x = CustomLayer(tf.keras.layers.Conv2D(2, 2, kernel_initializer="ones"))(
            image, shape_in=(3, 3, 1)
        )
        x = CustomLayer(nengo.LIF())(x, synapse=0.005)
        x = CustomLayer(lambda each: each**2)(x)
        x = nengo.Connection(x, nengo.Node(size_in=2), transform=np.ones((2, 8)), synapse=None).post
        nengo.Probe(x)
        nengo.Probe(x, synapse=nengo.Alpha(0.1))
    return net


def test_layers(feedforward):
    plan = plan_of(feedforward)

    assert how(plan, "SimNeurons") == (Schedule.SCAN, "LIF has a state", 0)
    assert how(plan, "DotSet") == (Schedule.WHOLE, ALIKE, 0)
    assert how(plan, "TimeUpdate") == (Schedule.WHOLE, "counts the steps", 0)
    conv, function = groups_with(plan, "SimTensorNode")
    assert conv.decision.kind is function.decision.kind is Schedule.WHOLE
    assert conv.decision.reason == "treats each item alike: time is folded into the batch"
    assert function.decision.reason == "each step is a batch of its own"
    assert conv.decision.per_item
    assert not function.decision.per_item
    assert not plan.is_per_item
    assert [each.decision.reason for each in groups_with(plan, "SimProcess")] == [
        "Lowpass is a filter along time",
        "Alpha is a filter along time",
    ]
    assert all(each.decision.kind is not Schedule.STEP for each in plan.groups)


def test_in_training(feedforward):
    plan = plan_of(feedforward, training=True)
    assert how(plan, "SimNeurons") == (Schedule.WHOLE, "LIF is trained by its response curve", 0)


def test_groups_run_in_the_order_of_what_they_need(feedforward):
    plan = plan_of(feedforward)
    conv, function = groups_with(plan, "SimTensorNode")
    synapse, filtered = groups_with(plan, "SimProcess")
    layers = [
        conv,
        synapse,
        group_with(plan, "SimNeurons"),
        function,
        group_with(plan, "DotSet"),
        filtered,
    ]
    places = [plan.groups.index(each) for each in layers]
    assert places == sorted(places)


def test_what_is_needed_of_a_group(feedforward):
    """What no other operator reads, and no probe, needs not be kept for each step."""
    plan = plan_of(feedforward)
    neurons = group_with(plan, "SimNeurons")
    output = neurons.operators[0].output.base
    assert neurons.values_needed == {output}
    assert neurons.before_needed == neurons.after_needed == set()
    synapse, _ = groups_with(plan, "SimProcess")
    # a synapse is read one step later
    assert synapse.before_needed == {synapse.operators[0].output.base}
    assert synapse.values_needed == synapse.after_needed == set()


def test_a_probed_synapse_is_seen_without_delay():
    with nengo.Network(seed=0) as net:
        connection = nengo.Connection(
            nengo.Node([1.0]), nengo.Node(size_in=1), synapse=0.01, label="filtered"
        )
        nengo.Probe(connection)
    synapse = group_with(plan_of(net), "SimProcess")
    assert synapse.after_needed == {synapse.operators[0].output.base}


@pytest.mark.parametrize(
    ("neurons", "training", "kind", "reason"),
    [
        (nengo.LIFRate(), False, Schedule.WHOLE, "LIFRate has no state"),
        (nengo.LIFRate(), True, Schedule.WHOLE, "LIFRate has no state"),
        (
            nengo.SpikingRectifiedLinear(),
            False,
            Schedule.SCAN,
            "SpikingRectifiedLinear has a state",
        ),
        (
            nengo.PoissonSpiking(nengo.LIFRate()),
            False,
            Schedule.SCAN,
            "PoissonSpiking draws its spikes",
        ),
        (
            InPython(),
            True,
            Schedule.SCAN,
            "InPython has no TensorFlow code: it runs in Python",
        ),
    ],
    ids=lambda each: str(each) if isinstance(each, nengo.neurons.NeuronType) else None,
)
@pytest.mark.filterwarnings("ignore:.* does not have a native TensorFlow")  # of nengo_dl
@pytest.mark.filterwarnings("ignore::nengo_layers_plus.neurons.StoppedGradientWarning")
def test_neurons(neurons, training, kind, reason):
    with nengo.Network(seed=0) as net:
        nengo.Probe(CustomLayer(neurons)(nengo.Node([1.0, 2])))
    group = groups_with(plan_of(net, training), "SimNeurons")[-1]
    assert (group.decision.kind, group.decision.reason) == (kind, reason)
    assert len(group.operators) == 1


def test_neurons_whose_voltage_is_probed():
    with nengo.Network(seed=0) as net:
        layer = CustomLayer(nengo.LIF())(nengo.Node([1.0, 2]))
        nengo.Probe(layer, "voltage")
    assert how(plan_of(net), "SimNeurons") == (Schedule.SCAN, "LIF has a state", 0)


def test_a_cycle_steps_and_nothing_else_does():
    with nengo.Network(seed=0) as net:
        before = CustomLayer(nengo.LIF())(nengo.Node([1.0]))
        inside = nengo.Ensemble(5, 1)
        after = nengo.Ensemble(5, 1, neuron_type=nengo.LIFRate())
        nengo.Connection(before, inside, synapse=None)
        nengo.Connection(inside, inside, synapse=0.1)
        nengo.Connection(inside, after, synapse=0.02)
        nengo.Probe(after)
    plan = plan_of(net)
    (cycle,) = [each for each in plan.groups if each.decision.kind is Schedule.STEP]
    assert cycle.decision.reason == RECURRENT
    neurons = {
        type(op.neurons).__name__: (group is cycle, group.decision.kind)
        for group in groups_with(plan, "SimNeurons")
        for op in group.operators
        if hasattr(op, "neurons")
    }
    assert neurons["LIFRate"] == (False, Schedule.WHOLE)
    kinds = [each.decision.kind for each in groups_with(plan, "SimNeurons")]
    assert sorted(each.name for each in kinds) == ["SCAN", "STEP", "WHOLE"]
    synapses = [
        (op.process.tau, group is cycle)
        for group in groups_with(plan, "SimProcess")
        for op in group.operators
        if hasattr(op, "process")
    ]
    assert sorted(synapses) == [(0.02, False), (0.1, True)]
    assert plan.groups.index(cycle) > plan.groups.index(groups_with(plan, "SimNeurons")[0])
    # its own synapse is read by nothing outside
    assert cycle.before_needed == cycle.after_needed == set()


def test_two_cycles_are_two_groups():
    with nengo.Network(seed=0) as net:
        for _ in range(2):
            ensemble = nengo.Ensemble(5, 1)
            nengo.Connection(ensemble, ensemble, synapse=0.1)
            nengo.Probe(ensemble)
    cycles = [each for each in plan_of(net).groups if each.decision.kind is Schedule.STEP]
    assert len(cycles) == 2
    assert not set(cycles[0].operators) & set(cycles[1].operators)


@pytest.mark.parametrize("rule", [nengo.PES(), nengo.BCM(), nengo.Oja(), nengo.Voja()], ids=str)
def test_learning_rules(rule):
    """Weights accumulate, so all that writes and reads them steps together."""
    with nengo.Network(seed=0) as net:
        source = nengo.Ensemble(4, 1, label="source")
        target = nengo.Ensemble(3, 1, label="target")
        weights = isinstance(rule, nengo.BCM | nengo.Oja)
        solver = nengo.solvers.LstsqL2(weights=weights)
        connection = nengo.Connection(source, target, learning_rule_type=rule, solver=solver)
        if isinstance(rule, nengo.PES):
            nengo.Connection(target, connection.learning_rule)
        nengo.Probe(target)
    plan = plan_of(net)
    group = group_with(plan, f"Sim{type(rule).__name__}")
    assert (group.decision.kind, group.decision.reason) == (Schedule.STEP, LEARNS)
    roles = [plan.use.role(base) for base in group.written]
    assert Role.ACCUMULATED in roles
    # the source does not depend on what is learned
    assert any(
        each.decision.kind is Schedule.SCAN and each is not group
        for each in groups_with(plan, "SimNeurons")
    )


def test_python_functions_step_together():
    """They may share state, so their calls keep their order."""
    with nengo.Network(seed=0) as net:
        source = nengo.Node([1.0])
        for _ in range(2):
            node = nengo.Node(lambda t, x: x, size_in=1)
            nengo.Connection(source, node, synapse=None)
            nengo.Probe(node)
    group = group_with(plan_of(net), "SimPyFunc")
    assert (group.decision.kind, group.decision.reason) == (Schedule.STEP, IN_ORDER)
    assert len([each for each in group.operators if type(each).__name__ == "SimPyFunc"]) == 2


def test_one_python_function_runs_by_itself():
    with nengo.Network(seed=0) as net:
        node = nengo.Node(lambda t, x: x, size_in=1)
        nengo.Connection(nengo.Node([1.0]), node, synapse=None)
        nengo.Probe(CustomLayer(nengo.LIF())(node))
    plan = plan_of(net)
    assert how(plan, "SimPyFunc") == (Schedule.SCAN, "calls a Python function", 0)
    assert how(plan, "SimNeurons") == (Schedule.SCAN, "LIF has a state", 0)


def test_what_lies_between_python_functions_steps_with_them():
    with nengo.Network(seed=0) as net:
        first, second = (nengo.Node(lambda t, x: x, size_in=1) for _ in range(2))
        nengo.Connection(nengo.Node([1.0]), first, synapse=None)
        between = CustomLayer(nengo.LIF())(first)
        nengo.Connection(between, second, synapse=None)
        nengo.Probe(CustomLayer(nengo.LIFRate())(second))
    plan = plan_of(net)
    kinds = {
        type(op.neurons).__name__: group.decision.reason
        for group in groups_with(plan, "SimNeurons")
        for op in group.operators
        if hasattr(op, "neurons")
    }
    assert kinds == {"LIF": IN_ORDER, "LIFRate": "LIFRate has no state"}


@pytest.mark.parametrize(
    ("layer", "training", "kind", "reason"),
    [
        (
            tf.keras.layers.Dropout(0.5),
            False,
            Schedule.WHOLE,
            "treats each item alike: time is folded into the batch",
        ),
        (tf.keras.layers.Dropout(0.5), True, Schedule.SCAN, "has to run once a step, for its "),
        (
            lambda x: x - tf.reduce_mean(x, axis=0),
            False,
            Schedule.WHOLE,
            "each step is a batch of its",
        ),
        (
            lambda x: x + tf.random.normal([1]),
            False,
            Schedule.SCAN,
            "has to run once a step, for its ",
        ),
        (
            lambda x: tf.reshape(tf.numpy_function(np.sin, [x], tf.float32), tf.shape(x)),
            False,
            Schedule.SCAN,
            "calls a Python function",
        ),
    ],
    ids=["dropout", "trained dropout", "batch mean", "noise", "Python"],
)
def test_tensor_nodes(layer, training, kind, reason):
    with nengo.Network(seed=0) as net:
        nengo.Probe(CustomLayer(layer)(nengo.Node([1.0, 2])))
    found, why, others = how(plan_of(net, training), "SimTensorNode")
    assert (found, others) == (kind, 0)
    assert why.startswith(reason)
