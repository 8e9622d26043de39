"""How two networks differ."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import nengo
import numpy as np
import pytest
from drawn_networks import network_plans as simulated_plans
from hypothesis import given, note
from hypothesis import strategies as st
from mutated_networks import MUTATIONS, Mutation, build
from nengo.exceptions import SimulatorClosed, ValidationError
from networks import NetworkPlan, network_plans
from shuffled_networks import shuffled
from simulated_networks import NetworkPlan as SimulatedPlan

from nengo_layers_plus import (
    CustomLayer,
    Simulator,
    assert_same,
    compare,
    nengo_dl,
    summary,
    to_source,
)
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.introspection import Comparison
from nengo_layers_plus.introspection._recording import record


@pytest.fixture(scope="module")
def base() -> nengo.Network:
    return build()


def places(comparison: Comparison) -> list[tuple[str, list[str | None]]]:
    return [(each.what, [b if a is None else a for a, b in each.places]) for each in comparison]


# each thing alone


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_change_is_named_at_the_right_object(name: str, base: nengo.Network) -> None:
    mutation: Mutation = MUTATIONS[name]

    comparison = compare(base, build(**mutation.changes))

    assert places(comparison) == [(mutation.what, [mutation.where])]
    (difference,) = comparison
    assert difference.value_a != difference.value_b
    assert difference.meaning
    assert difference.remedy
    assert not comparison


@pytest.mark.parametrize("name", MUTATIONS)
def test_it_is_found_from_the_other_side(name: str, base: nengo.Network) -> None:
    changed = build(**MUTATIONS[name].changes)

    there, back = compare(base, changed), compare(changed, base)

    assert len(back) == 1
    swapped = {"only in a": "only in b", "only in b": "only in a"}
    what = next(
        (there[0].what.replace(old, new) for old, new in swapped.items() if old in there[0].what),
        there[0].what,
    )
    assert back[0].what == what


def test_a_network_is_the_same_as_itself(base: nengo.Network) -> None:
    comparison = compare(base, build())

    assert comparison
    assert len(comparison) == 0
    assert len(comparison.pairs) == len(base.all_objects)
    assert "they are the same" in str(comparison)
    assert compare(base, base)


@given(plan=simulated_plans("float32"), seed=st.integers(0, 1000))
def test_random_networks_are_paired_whatever_their_order_and_labels(
    plan: SimulatedPlan, seed: int
) -> None:
    network = plan.build().network

    assert compare(network, plan.build().network)
    comparison = compare(network, shuffled(network, seed).network)

    # in another order other numbers are drawn, and nothing else differs
    assert {each.group for each in comparison} <= {"seed"}
    assert not comparison.only_in_a
    assert not comparison.only_in_b


@given(plan=network_plans(trains=True))
def test_layers_are_the_same_however_they_are_made(plan: NetworkPlan) -> None:
    note(str(plan))
    for layer in plan.layers:
        layer.trainable = {}
    made = {how: plan.build(how) for how in ("stock", "call", "hooks")}

    assert compare(made["stock"], made["call"])
    assert compare(made["call"], made["hooks"])


def test_several_changes_are_told_apart(base: nengo.Network) -> None:
    changed = build(
        lif=nengo.LIF(tau_rc=0.03),
        into_conv={"synapse": 0.005},
        into_dense={"synapse": None},
        frozen_conv=True,
        extra="probe",
    )

    assert places(compare(base, changed)) == [
        ("probe only in b", ["more"]),
        ("synapse", ["image->conv"]),
        ("synapse", ["spikes->dense"]),
        ("layer.trainable", ["conv"]),
        ("neuron type.tau_rc", ["spikes"]),
    ]


def test_the_same_change_at_several_places_is_one_difference() -> None:
    def chain(synapse: Any) -> nengo.Network:
        with nengo.Network(seed=0) as net:
            x: Any = nengo.Node([1.0])
            for _ in range(4):
                x = nengo_dl.Layer(nengo.RectifiedLinear())(x, synapse=synapse, gain=[1], bias=[0])
            nengo.Probe(x)
        return net

    (difference,) = compare(chain(None), chain(0.01))

    assert difference.what == "synapse"
    assert len(difference.places) == 4
    assert "0.01" in difference.value_b


# what follows from what


def test_what_follows_is_listed_with_its_cause(base: nengo.Network) -> None:
    (difference,) = compare(base, build(dense={"units": 4}))

    assert difference.what == "layer.units"
    assert "shape out of dense, relu: (3,) / (4,)" in difference.consequences
    assert "shape in of relu: (3,) / (4,)" in difference.consequences


def test_numbers_that_a_distribution_draws_follow_from_it(base: nengo.Network) -> None:
    (difference,) = compare(base, build(memory={"max_rates": nengo.dists.Uniform(100, 120)}))

    assert (difference.value_a, difference.value_b) == (
        "Uniform(low=200, high=400)",
        "Uniform(low=100, high=120)",
    )
    assert "gain values of memory" in difference.consequences


def test_an_object_made_before_others_shifts_their_seeds(base: nengo.Network) -> None:
    (difference,) = compare(base, build(extra="layer"))

    assert difference.what == "ensemble only in b"
    assert any(each.startswith("seed of spikes") for each in difference.consequences)


def test_another_order_draws_other_numbers() -> None:
    def branches(order: tuple[float, float]) -> nengo.Network:
        with nengo.Network(seed=0) as net:
            x = nengo.Node([1.0])
            for tau_rc in order:
                lif = nengo_dl.Layer(nengo.LIF(tau_rc=tau_rc))(x)
                nengo.Probe(lif)
        return net

    (difference,) = compare(branches((0.02, 0.05)), branches((0.05, 0.02)))

    assert difference.what == "seed"
    assert len(difference.places) == 2
    assert "gain values" in " ".join(difference.consequences)


def test_a_connection_that_leads_elsewhere() -> None:
    def network(second: bool) -> nengo.Network:
        with nengo.Network(seed=0) as net:
            x = nengo.Node([1.0], label="x")
            ends = [
                nengo_dl.TensorNode(function, shape_in=(1,), pass_time=False, label=name)
                for name, function in (("relu", tf.nn.relu), ("tanh", tf.nn.tanh))
            ]
            nengo.Connection(x, ends[0], synapse=None)
            for end in ends:
                nengo.Probe(end)
            late = nengo.Node([2.0], label="late")
            nengo.Connection(late, ends[second], synapse=0.1)
        return net

    (difference,) = compare(network(False), network(True))

    assert difference.what == "structure"
    assert (difference.value_a, difference.value_b) == (
        "late -> relu",
        "late -> tanh",
    )


def test_an_ensemble_in_the_place_of_a_tensor_node() -> None:
    def network(layer: Any) -> nengo.Network:
        with nengo.Network(seed=0) as net:
            x = nengo.Node([1.0, 2.0], label="x")
            y = CustomLayer(layer, label="y")(x)
            nengo.Probe(CustomLayer(tf.nn.tanh, label="z")(y))
        return net

    comparison = compare(network(tf.nn.relu), network(nengo.RectifiedLinear()))

    assert places(comparison) == [("kind", ["y"])]
    assert (comparison[0].value_a, comparison[0].value_b) == ("tensor node", "ensemble")


# functions


def test_functions_of_connections_are_the_same_if_they_compute_the_same(
    base: nengo.Network,
) -> None:
    assert compare(base, build(recurrence={"function": np.square}))
    assert compare(base, build(recurrence={"function": lambda x: x * x}))
    assert not compare(base, build(recurrence={"function": lambda x: x**3}))


def test_functions_are_the_same_with_the_same_values_around_them() -> None:
    def network(factor: float) -> nengo.Network:
        with nengo.Network(seed=0) as net:
            nengo.Probe(nengo.Node(lambda t: factor * t, label="clock"))
        return net

    assert compare(network(1.0), network(1.0))
    assert places(compare(network(1.0), network(2.0))) == [("output", ["clock"])]


# run


def test_each_difference_is_undone_alone_to_measure_its_effect(base: nengo.Network) -> None:
    changed = build(into_dense={"synapse": 0.02}, frozen_conv=True, dense={"activation": "relu"})

    comparison = compare(base, changed, n_steps=20)

    effects = {each.what: each.effect for each in comparison}
    assert effects["layer.trainable"] == 0
    assert 0 < abs(effects["synapse"] or 0) < 1
    assert 0 < abs(effects["layer.activation"] or 0) < 1
    assert comparison[-1].what == "layer.trainable"
    assert comparison.distance is not None
    assert comparison.distance > 0
    assert comparison.remaining == 0
    first = comparison.first_divergence
    assert first is not None
    assert first.name == "dense"


@pytest.mark.parametrize(
    "name",
    [
        "units",
        "number of neurons",
        "slice",
        "learning rate",
        "seed of the network",
        "membrane time constant",
        "amplitude",
    ],
)
def test_what_can_be_undone_explains_the_outputs(name: str, base: nengo.Network) -> None:
    comparison = compare(base, build(**MUTATIONS[name].changes), n_steps=5)

    assert comparison.distance
    assert comparison.remaining == 0
    assert comparison[0].effect == (None if name == "units" else 1)


def test_the_first_step_that_differs_is_found() -> None:
    def network(late: bool) -> nengo.Network:
        with nengo.Network(seed=0) as net:
            x = nengo.Node(lambda t: float(late and t > 0.0065) + 1, label="x")
            y = CustomLayer(lambda x: 2 * x, label="y")(x)
            nengo.Probe(CustomLayer(lambda x: x + 1, label="z")(y, synapse=0.01))
        return net

    comparison = compare(network(False), network(True), n_steps=10)

    assert {each.name: each.first_step for each in comparison.divergences} == {
        "x": 7,
        "y": 7,
        "z": 8,
        "probe_0": 8,
    }
    y = next(each for each in comparison.divergences if each.name == "y")
    np.testing.assert_array_equal(y.difference, [0] * 6 + [2] * 4)
    assert y.scale == 2
    assert comparison.first_divergence is comparison.divergences[0]


def test_what_remembers_in_python_is_found_by_running() -> None:
    def network(scale: float) -> nengo.Network:
        with nengo.Network(seed=0) as net:
            nengo.Probe(nengo.Node(_Played(scale), label="clock"))
        return net

    comparison = compare(network(1.0), network(2.0), n_steps=3)

    assert places(comparison) == [("output", ["clock"])]
    assert "from step 1" in comparison[0].value_b


class _Played:
    """What it plays can't be seen from outside."""

    def __init__(self, value: float) -> None:
        self.values = itertools.cycle([value])

    def __call__(self, t: float) -> float:
        return next(self.values)


def test_a_network_that_cannot_run_keeps_its_report(base: nengo.Network) -> None:
    def breaks(x: Any) -> Any:
        if not tf.executing_eagerly():
            raise RuntimeError("it is broken")
        return x

    comparison = compare(base, build(function=breaks), n_steps=2)

    assert places(comparison) == [("function", ["relu"])]
    assert comparison.failure.startswith("b could not be run (")
    assert comparison.failure in " ".join(str(comparison).split())


def test_networks_that_cannot_run_are_not_said_to_be_the_same() -> None:
    net, again = broken(), broken()

    assert compare(net, again)
    comparison = compare(net, again, n_steps=2)

    assert not comparison
    assert not comparison.differences
    assert "no difference was found, but" in str(comparison)
    assert "RuntimeError: it is broken" in comparison.failure
    with pytest.raises(AssertionError, match="a could not be run"):
        assert_same(net, again, n_steps=2)


def broken() -> nengo.Network:
    def breaks(t: float) -> float:
        if t > 0:
            raise RuntimeError("it is broken")
        return 0.0

    with nengo.Network(seed=0) as net:
        nengo.Probe(nengo.Node(breaks, size_out=1))
    return net


def test_differences_that_make_up_for_each_other() -> None:
    def scaled(scale: float, unused: float = 1.0) -> nengo.Network:
        with nengo.Network(seed=0) as net:
            image = nengo.Node([1.0, 2.0], label="image")
            middle, end, aside = (
                nengo.Node(size_in=2, label=label) for label in ("middle", "end", "aside")
            )
            nengo.Connection(image, middle, transform=scale, synapse=None)
            nengo.Connection(middle, end, transform=1 / scale, synapse=None)
            nengo.Connection(image, aside, transform=unused, synapse=None)
            nengo.Probe(end)
        return net

    comparison = compare(scaled(2.0), scaled(4.0, unused=3.0), n_steps=2)

    assert comparison.distance == 0
    found = {each.places[0][0]: each for each in comparison}
    assert found["image->aside"].effect == 0
    for name, part in (("image->middle", "50 %"), ("middle->end", "100 %")):
        assert found[name].effect is None
        assert "another difference compensates for it" in found[name].note
        assert part in found[name].note


def test_effects_that_were_not_measured_say_why() -> None:
    def joined(*scales: float, extra: bool = False) -> nengo.Network:
        with nengo.Network(seed=0) as net:
            image = nengo.Node([1.0], label="image")
            for scale in scales:
                end = nengo.Node(size_in=1)
                nengo.Connection(image, end, transform=scale, synapse=None)
                nengo.Probe(end)
            if extra:
                nengo.Connection(image, end, synapse=None)
        return net

    comparison = compare(joined(2, 3), joined(4, 5, extra=True), n_steps=1, trials=1)

    assert {each.note for each in comparison} >= {
        "effect not measured: a difference of this kind can't be undone by itself",
        "effect not measured: the limit of trials=1 was reached",
    }


def test_data_goes_by_places_and_not_by_labels() -> None:
    def labelled(first: str, second: str) -> nengo.Network:
        with nengo.Network(seed=0) as net:
            nodes = [nengo.Node([0.5], label=label) for label in (first, second)]
            end = nengo.Node(size_in=1, label="end")
            for node, scale in zip(nodes, (2, 3), strict=True):
                nengo.Connection(node, end, transform=scale, synapse=None)
            nengo.Probe(end)
        return net

    data = {"x": np.ones((1, 2, 1))}
    crossed = compare(labelled("x", "y"), labelled("y", "x"), data)

    assert any("data of x is given to y of b" in each for each in crossed.notes)
    assert compare(labelled("x", "y"), labelled("x", "y"), data).notes == ()


def test_functions_that_count_are_left_alone() -> None:
    calls = [0]
    total = 0

    def counts(t: float) -> float:
        nonlocal total
        calls[0] += 1
        total += 1
        return total + calls[0]

    def tells(t: float) -> float:
        return total + calls[0]

    with nengo.Network(seed=0) as net:
        nengo.Probe(nengo.Node(counts, size_out=1))
        nengo.Probe(nengo.Node(tells, size_out=1))
    before = (calls[0], total)  # nengo calls it to see that it works

    assert compare(net, net, n_steps=3)
    assert (calls[0], total) == before
    outputs = record(net, [], n_steps=3)
    one, other = (outputs[probe] for probe in net.probes)
    assert one[0, -1] == other[0, -1] == 6  # they share what they count
    assert (calls[0], total) == before


def test_a_learning_rule_that_is_probed_is_undone() -> None:
    def learning(rate: float) -> nengo.Network:
        with nengo.Network(seed=0) as net:
            one = nengo.Node([0.5])
            ensemble, end = nengo.Ensemble(10, 1), nengo.Node(size_in=1)
            nengo.Connection(one, ensemble)
            link = nengo.Connection(
                ensemble, end, function=np.square, learning_rule_type=nengo.PES(rate)
            )
            nengo.Connection(one, link.learning_rule)
            nengo.Probe(link.learning_rule, "error")
            nengo.Probe(end)
        return net

    (difference,) = compare(learning(1e-4), learning(1e-3), n_steps=20)

    assert difference.what == "learning rule.learning_rate"
    assert difference.effect == pytest.approx(1)


def test_nothing_is_changed_by_it() -> None:
    a, b = build(), build(into_dense={"synapse": None})
    sizes = [len(each.all_objects) for each in (a, b)]
    np.random.seed(5)  # noqa: NPY002  what nengo draws from

    compare(a, b, n_steps=2)

    assert [len(each.all_objects) for each in (a, b)] == sizes
    assert np.random.randint(10**6) == np.random.RandomState(5).randint(10**6)  # noqa: NPY002
    nodes = [each for each in a.all_nodes if isinstance(each, nengo_dl.TensorNode)]
    layers = [each.tensor_func for each in nodes]
    assert [each.built for each in layers if isinstance(each, tf.keras.layers.Layer)] == [False] * 2
    assert b.all_connections[2].synapse is None


# Simulators


def small(seed: int | None = 0) -> nengo.Network:
    with nengo.Network(seed=seed) as net:
        nengo_dl.configure_settings(trainable=None)
        image = nengo.Node(np.ones(4), label="image")
        hidden = CustomLayer(tf.keras.layers.Dense(6), label="hidden")(image)
        neurons = CustomLayer(
            nengo.RectifiedLinear(),
            label="neurons",
            ensemble_kwargs={"gain": 2, "bias": 1},
            trainable=True,
        )(hidden)
        nengo.Probe(CustomLayer(tf.keras.layers.Dense(2), label="digit")(neurons), label="p")
    return net


def test_trained_parameters_are_differences_of_simulators() -> None:
    net = small()
    x, y = np.ones((2, 1, 4)), np.ones((2, 1, 2))
    with (
        Simulator(net, minibatch_size=2, progress_bar=False) as trained,
        nengo_dl.Simulator(small(), minibatch_size=2, progress_bar=False) as fresh,
    ):
        trained.compile(tf.optimizers.SGD(0.01), loss="mse")
        for source, target in zip(
            trained.keras_model.weights, fresh.keras_model.weights, strict=False
        ):
            if source.shape == target.shape:
                target.assign(source)
        assert compare(fresh, trained)
        trained.fit(x, y, verbose=0)
        before = trained.predict(x, verbose=0)[net.probes[0]]

        comparison = compare(fresh, trained, x, loss="mse", targets=y)

        assert sorted((each.what, each.where) for each in comparison) == [
            ("bias values", "digit"),
            ("bias values", "hidden"),
            ("bias values", "neurons"),
            ("kernel values", "digit"),
            ("kernel values", "hidden"),
        ]
        assert comparison.remaining == 0
        assert [each.name for each in comparison.gradients] == [
            "hidden.kernel",
            "hidden.bias",
            "neurons.bias",
            "digit.kernel",
            "digit.bias",
        ]
        assert all(each.difference for each in comparison.gradients)
        # neither of them has noticed
        assert np.array_equal(trained.predict(x, verbose=0)[net.probes[0]], before)


def test_the_step_of_a_simulator_and_that_of_a_network() -> None:
    net = small()
    with Simulator(net, dt=0.002, progress_bar=False) as sim:
        assert places(compare(sim, net)) == [("simulator dt", ["the Simulator"])]


def test_processes_that_draw_nothing_need_no_seed() -> None:
    with nengo.Network(seed=0) as net:
        nengo.Probe(nengo.Node(nengo.processes.PresentInput([[1.0], [2.0]], 0.002)))
    with (
        Simulator(net, seed=1, progress_bar=False) as a,
        Simulator(net, seed=2, progress_bar=False) as b,
    ):
        assert compare(a, b)


def test_settings_of_simulators() -> None:
    net = small()
    with (
        Simulator(net, progress_bar=False) as a,
        nengo_dl.Simulator(
            small(), dt=0.002, minibatch_size=3, unroll_simulation=2, progress_bar=False
        ) as b,
    ):
        found = {each.what: (each.value_a, each.value_b) for each in compare(a, b)}
        assert compare(net, a)

    assert found["simulator dt"] == ("0.001", "0.002")
    assert found["simulator minibatch_size"] == ("1", "3")
    assert found["simulator unroll_simulation"] == ("1", "2")


def test_simulators_of_a_network_without_a_seed_draw_other_numbers() -> None:
    with nengo.Network() as net:
        nengo.Probe(nengo.Ensemble(5, 1, label="memory"))
    assert compare(net, net)

    with (
        Simulator(net, progress_bar=False) as a,
        Simulator(net, progress_bar=False) as b,
    ):
        (difference,) = compare(a, b)

    assert difference.what == "network seed"
    assert difference.value_a == "None, so that it is drawn anew"
    assert "gain values of memory" in difference.consequences
    assert difference.remedy == "give both networks the same seed"


# gradients


def test_gradients_are_those_of_keras() -> None:
    net = small()
    x = np.random.RandomState(0).uniform(size=(3, 1, 4))
    y = np.ones((3, 1, 2))
    with Simulator(net, minibatch_size=3, progress_bar=False) as sim:
        comparison = compare(sim, sim, x, loss="mse", targets=y)
        before = [each.numpy() for each in sim.keras_model.trainable_weights]
        sim.compile(tf.optimizers.SGD(1.0), loss="mse")
        sim.fit(x, y, verbose=0)
        moved = [
            float(np.linalg.norm(old - new.numpy()))
            for old, new in zip(before, sim.keras_model.trainable_weights, strict=True)
        ]

    assert [each.difference for each in comparison.gradients] == [0.0] * 5
    norms = sorted(each.norm_a or 0 for each in comparison.gradients)
    np.testing.assert_allclose(norms, sorted(moved), rtol=1e-4)


# arguments


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"n_steps": 0}, "n_steps: expected a whole number from 1 .* got 0"),
        ({"data": np.ones((2, 3))}, r"\(batch, time, 16\) for the Node image, got \(2, 3\)"),
        (
            {"data": {"pixels": np.ones((2, 3, 16))}},
            "expected input Nodes of .*image.* got 'pixels'",
        ),
        ({"data": [np.ones((2, 3, 16))] * 3}, "one array for each of the input Nodes"),
        ({"data": np.ones((2, 3, 16)), "n_steps": 4}, "expected 4 steps"),
        (
            {"data": {"image": np.ones((2, 3, 16)), "noise": np.ones((1, 3, 2))}},
            r"as many items and steps for all Nodes, got \(2, 3\) for image, \(1, 3\) for noise",
        ),
        ({"loss": "mse", "n_steps": 2}, "targets is missing"),
        ({"loss": "mse", "targets": np.ones((4, 2, 3))}, "expected data or n_steps with a loss"),
        ({"loss": "mse", "targets": {"x": 1}, "n_steps": 2}, "expected Probes"),
        ({"trials": -1}, "expected a number of at least 0, got -1"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], says: str, base: nengo.Network) -> None:
    with pytest.raises(ValidationError, match=says):
        compare(base, base, **arguments)


def test_something_else_than_networks(base: nengo.Network) -> None:
    with pytest.raises(ValidationError, match=r"^compare: expected a nengo.Network .* got 3"):
        compare(base, 3)
    with Simulator(small(), progress_bar=False) as sim:
        pass
    with pytest.raises(SimulatorClosed, match=r"can't compare a Simulator .* take its network"):
        compare(sim, base)


@pytest.mark.parametrize(
    "look", [compare, lambda sim, _: summary(sim), lambda sim, _: to_source(sim)]
)
@pytest.mark.parametrize("change", ["synapse", "probe", "neurons", "layer", "output"])
def test_a_simulator_whose_network_was_changed(change: str, look: Any) -> None:
    net = small()
    with Simulator(net, progress_bar=False) as sim:
        look(sim, net)
        if change == "synapse":
            net.all_connections[0].synapse = 0.1
        elif change == "probe":
            with net:
                nengo.Probe(net.all_ensembles[0])
        elif change == "neurons":
            net.all_ensembles[0].neuron_type = nengo.LIF(tau_rc=0.1)
        elif change == "output":
            node = next(each for each in net.all_nodes if isinstance(each.output, np.ndarray))
            node.output = node.output + 1
        else:
            node = next(each for each in net.all_nodes if isinstance(each, nengo_dl.TensorNode))
            node.tensor_func = tf.keras.layers.Dense(2)
        with pytest.raises(ValidationError, match="network was changed after it was built"):
            look(sim, net)


def test_assert_same_raises_the_report(base: nengo.Network) -> None:
    assert_same(base, build())
    with pytest.raises(AssertionError, match=r"synapse: spikes->dense"):
        assert_same(base, build(into_dense={"synapse": None}))


def test_no_warnings_of_its_own(base: nengo.Network) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compare(base, build(into_dense={"synapse": None}), n_steps=1, trials=1)


def test_several_learning_rules() -> None:
    def network(rules: Any) -> nengo.Network:
        with nengo.Network(seed=0) as net:
            a, b = nengo.Ensemble(5, 1, label="a"), nengo.Ensemble(5, 1, label="b")
            nengo.Connection(
                a, b, solver=nengo.solvers.LstsqL2(weights=True), learning_rule_type=rules
            )
        return net

    one, two = nengo.BCM(1e-9), nengo.Oja(1e-6)

    assert compare(network([one, two]), network([one, two]))
    assert places(compare(network([one, two]), network(one))) == [("learning rule", ["a->b"])]
    assert places(compare(network({"x": one}), network({"x": nengo.BCM(1e-8)}))) == [
        ("learning rule['x'].learning_rate", ["a->b"])
    ]


def test_slices_by_arrays_and_activations_of_ones_own() -> None:
    def network(indices: list[int], activation: Any) -> nengo.Network:
        with nengo.Network(seed=0) as net:
            memory = nengo.Ensemble(5, 3, label="memory")
            dense = tf.keras.layers.Dense(2, activation=activation)
            node = nengo_dl.TensorNode(dense, shape_in=(2,), pass_time=False, label="dense")
            nengo.Connection(memory[np.array(indices)], node)
        return net

    base = network([0, 2], half_of)

    assert compare(base, network([0, 2], half_of))
    assert places(compare(base, network([0, 1], half_of))) == [("pre slice", ["memory->dense"])]
    assert places(compare(base, network([0, 2], "relu"))) == [("layer.activation", ["dense"])]


def half_of(x: Any) -> Any:
    return x / 2
