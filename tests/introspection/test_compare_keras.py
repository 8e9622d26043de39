"""What `compare` says of Keras layers and models in networks."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
import pytest

from nengo_layers_plus import CustomLayer, Simulator, compare, nengo_dl, summary
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.layers._layer_wrapper import LayerWrapper, weights_stay

layers = tf.keras.layers


# nengo_dl has Keras layers build their weights a second time
BUILT_TWICE = pytest.mark.filterwarnings("ignore:The initializer .* is unseeded")


def network(layer: Any, by_hand: bool = False, shape: tuple[int, ...] = (4,)) -> nengo.Network:
    with nengo.Network(seed=0) as net:
        image = nengo.Node([0.5] * int(np.prod(shape)), label="image")
        if by_hand:
            end = nengo_dl.TensorNode(layer, shape_in=shape, pass_time=False, label="end")
            nengo.Connection(image, end, synapse=None)
        else:
            end = CustomLayer(layer, label="end")(image, shape_in=shape)
        nengo.Probe(end)
    return net


def filled(layer: Any, value: float | None) -> Any:
    if value is not None:
        layer.set_weights([np.full_like(each, value) for each in layer.get_weights()])
    return layer


def dense(activation: str = "tanh", value: float | None = 0.1, **settings: Any) -> Any:
    layer = layers.Dense(2, activation=activation, **settings)
    if value is not None:
        layer(np.zeros((1, 4)))
    return filled(layer, value)


def functional(activation: str = "tanh", value: float | None = 0.1, units: int = 3) -> Any:
    image = tf.keras.Input((4,))
    model = tf.keras.Model(image, layers.Dense(2)(layers.Dense(units, activation)(image)))
    return filled(model, value)


def sequential(activation: str = "tanh", value: float | None = 0.1, units: int = 3) -> Any:
    model = tf.keras.Sequential([layers.Dense(units, activation), layers.Dense(2)])
    model.build((None, 4))
    return filled(model, value)


class Own(layers.Layer):
    """Builds a layer within it when it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = layers.Dense(2)

    def call(self, values: Any) -> Any:
        return self.inner(values)


# one layer in several places


def stacked(*names: str) -> nengo.Network:
    held: dict[str, Any] = {}
    with nengo.Network(seed=0) as net:
        end = nengo.Node([0.5] * 4, label="image")
        for number, name in enumerate(names):
            layer = held.setdefault(name, layers.Dense(4, activation="tanh"))
            end = CustomLayer(layer, label=f"dense {number}")(end)
        nengo.Probe(end)
    return net


@pytest.mark.parametrize(
    ("a", "b", "where"),
    [
        (("x", "x"), ("x", "y"), ["dense 0", "dense 1"]),
        (("x", "y"), ("x", "x"), ["dense 0", "dense 1"]),
        (("x", "y", "x"), ("x", "y", "y"), ["dense 0", "dense 1", "dense 2"]),
    ],
    ids=["shared", "separate", "with another one"],
)
def test_a_shared_layer_is_not_the_same_as_several(
    a: tuple[str, ...], b: tuple[str, ...], where: list[str]
) -> None:
    comparison = compare(stacked(*a), stacked(*b), n_steps=2)

    (difference,) = comparison
    assert difference.what == "shares weights"
    assert sorted(name for name, _ in difference.places if name) == where
    assert difference.effect == pytest.approx(1, rel=1e-6)
    assert comparison.remaining == pytest.approx(0, abs=1e-6)


def test_branches_that_share_are_found_whatever_their_order() -> None:
    def branches(*names: str) -> nengo.Network:
        held: dict[str, Any] = {}
        with nengo.Network(seed=0) as net:
            image = nengo.Node([0.5] * 4, label="image")
            for name in names:
                nengo.Probe(CustomLayer(held.setdefault(name, layers.Dense(4)))(image))
        return net

    assert compare(branches("x", "x", "y"), branches("x", "y", "y"), n_steps=1)
    assert [each.what for each in compare(branches("x", "x", "y"), branches("x", "y", "z"))] == [
        "shares weights"
    ]


def test_layers_that_are_shared_in_the_same_places_are_the_same() -> None:
    assert compare(stacked("x", "y", "x"), stacked("y", "x", "y"), n_steps=2)


def test_a_layer_within_a_model_is_shared_too() -> None:
    def nested(share: bool) -> nengo.Network:
        inner = layers.Dense(4)
        models = [tf.keras.Sequential([tf.keras.Input((4,)), inner])]
        models.append(
            tf.keras.Sequential([tf.keras.Input((4,)), inner if share else layers.Dense(4)])
        )
        with nengo.Network(seed=0) as net:
            end = nengo.Node([0.5] * 4)
            for number, model in enumerate(models):
                end = CustomLayer(model, label=f"model {number}")(end)
            nengo.Probe(end)
        return net

    comparison = compare(nested(True), nested(False))

    shared = [each.where for each in comparison if each.what == "shares weights"]
    assert shared == ["model 0, model 1"]
    assert not any(each.what == "shares weights" for each in compare(nested(True), nested(True)))


def test_layers_without_weights_may_be_shared_or_not() -> None:
    def flat(share: bool) -> nengo.Network:
        one = layers.ReLU()
        with nengo.Network(seed=0) as net:
            end = nengo.Node([0.5] * 4)
            for layer in (one, one if share else layers.ReLU()):
                end = CustomLayer(layer)(end)
            nengo.Probe(end)
        return net

    assert compare(flat(True), flat(False), n_steps=1)


# models


def joined(kind: str = "") -> Any:
    one, two = tf.keras.Input((2,)), tf.keras.Input((2,))
    ones = tf.keras.initializers.Ones()
    first, second = (layers.Dense(3, kernel_initializer=ones, name=None) for _ in range(2))
    left, right = first(one), second(two)
    if kind == "order within":
        end = layers.Concatenate()([layers.Subtract()([left, right]), right])
    else:
        end = layers.Concatenate()([layers.Subtract()([left, right]), left])
    inputs = [two, one] if kind == "inputs" else [one, two]
    return tf.keras.Model(inputs, left if kind == "output" else end)


def two_inputs(model: Any) -> nengo.Network:
    with nengo.Network(seed=0) as net:
        nodes = [nengo.Node([value] * 2, label=f"input {value}") for value in (0.5, 0.25)]
        nengo.Probe(CustomLayer(model, label="model")(nodes))
    return net


@pytest.mark.parametrize(
    ("kind", "what"), [("order within", ".inputs"), ("inputs", "layer.input_layers")]
)
def test_what_joins_the_layers_of_a_model_is_compared(kind: str, what: str) -> None:
    comparison = compare(two_inputs(joined()), two_inputs(joined(kind)), n_steps=1)

    (difference,) = comparison
    assert difference.what.endswith(what)
    assert difference.meaning != "something else is computed"
    assert difference.effect == 1
    assert comparison.remaining == 0
    assert compare(two_inputs(joined(kind)), two_inputs(joined(kind)), n_steps=1)


@pytest.mark.parametrize("by_hand", [True, False], ids=["TensorNode", "CustomLayer"])
@pytest.mark.parametrize("make", [functional, sequential])
def test_an_argument_of_a_layer_within_a_model_is_undone_alone(make: Any, by_hand: bool) -> None:
    a, b = (network(make(activation), by_hand) for activation in ("tanh", "linear"))

    comparison = compare(a, b, n_steps=1)

    assert [each.what.rpartition(".")[2] for each in comparison] == ["activation"]
    assert comparison[0].effect == 1
    assert comparison.remaining == 0


@pytest.mark.parametrize("make", [functional, sequential])
def test_weights_follow_from_the_shape_that_an_argument_gives_them(make: Any) -> None:
    a, b = network(make(value=0.1, units=3)), network(make(value=0.2, units=5))

    comparison = compare(a, b, n_steps=1)

    # the bias of the output has the same shape in both
    assert {each.what.rpartition(".")[2] for each in comparison} == {"units", "bias values"}
    assert comparison.remaining == 0


@pytest.mark.parametrize("make", [dense, functional, sequential])
def test_weights_do_not_follow_from_another_argument(make: Any) -> None:
    comparison = compare(network(make("tanh", 0.1)), network(make("linear", 0.2)), n_steps=1)

    found = {each.what.rpartition(".")[2] for each in comparison}
    assert {"activation", "kernel values", "bias values"} == found
    assert not any(each.consequences for each in comparison)
    assert comparison.remaining == 0


def test_each_of_the_weights_is_undone_alone() -> None:
    def changed(index: int | None = None) -> Any:
        layer = dense("linear", 0.1)
        if index is not None:
            weights = layer.get_weights()
            weights[index] = weights[index] + 1
            layer.set_weights(weights)
        return layer

    both = dense("linear", 1.1)
    comparison = compare(network(changed()), network(both), n_steps=1)
    effects = {each.what: each.effect for each in comparison}
    # of the outputs, which differ by four inputs and a bias, with inputs from 0 to 1
    assert 0.3 < effects["kernel values"] < 0.95
    assert 0.05 < effects["bias values"] < 0.7
    for index, what in enumerate(("kernel values", "bias values")):
        (difference,) = compare(network(changed()), network(changed(index)), n_steps=1)
        assert (difference.what, difference.effect) == (what, 1)


def test_weights_that_an_initializer_drew_follow_from_it() -> None:
    def initial(name: str) -> Any:
        layer = layers.Dense(2, kernel_initializer=name)
        layer(np.zeros((1, 4)))
        return layer

    comparison = compare(network(initial("ones")), network(initial("zeros")), n_steps=1)

    (difference,) = comparison
    assert difference.what == "layer.kernel_initializer"
    assert difference.consequences == ("kernel values of end",)
    assert difference.effect == 1


# weights that nengo_dl draws anew


def built_with_shape(make: Any) -> tuple[Any, tuple[int, ...]]:
    shape = (4,) if make in (dense, functional, sequential, own) else (2, 2)
    return make(), shape


def own() -> Any:
    layer = Own()
    layer(np.zeros((1, 4)))
    return layer


def recurrent() -> Any:
    layer = layers.LSTM(2)
    layer(np.zeros((1, 2, 2)))
    return layer


def distributed() -> Any:
    layer = layers.TimeDistributed(layers.Dense(2))
    layer(np.zeros((1, 2, 2)))
    return layer


@BUILT_TWICE
@pytest.mark.parametrize("make", [dense, functional, sequential, own, recurrent, distributed])
def test_what_stays_is_what_nengo_dl_keeps(make: Any) -> None:
    layer, shape = built_with_shape(make)
    filled(layer, 0.125)
    net = network(layer, by_hand=True, shape=shape)
    (node,) = (each for each in net.nodes if isinstance(each, nengo_dl.TensorNode))
    expected = weights_stay(node)

    with nengo_dl.Simulator(net, progress_bar=False):
        values = tf.keras.backend.batch_get_value(layer.weights)

    assert expected == all(np.all(each == 0.125) for each in values)


def test_what_a_wrapper_holds_stays_once_it_is_built() -> None:
    with nengo.Network():
        for layer, built in ((functional(), True), (layers.Bidirectional(layers.LSTM(1)), False)):
            node = nengo_dl.TensorNode(
                LayerWrapper(layer), shape_in=(4,) if built else (2, 2), pass_time=False
            )
            layer.built = built
            assert weights_stay(node) == built


@pytest.mark.parametrize("make", [functional, sequential])
def test_weights_that_nengo_dl_draws_anew_are_no_difference(make: Any) -> None:
    a, b = (network(make(value=value), by_hand=True) for value in (0.1, 0.2))

    comparison = compare(a, b, n_steps=1)

    assert comparison
    assert comparison.notes == (
        "Keras weights that a Simulator would draw were made the same in both.",
    )


def test_a_summary_says_where_it_ran_with_other_weights() -> None:
    note = "run with other weights than it has: end"

    def notes(net: nengo.Network) -> list[str]:
        with net:
            CustomLayer(nengo.LIF())(net.all_nodes[1])
        return [each for each in summary(net, n_steps=1).notes if each.startswith(note)]

    assert len(notes(network(functional(), by_hand=True))) == 1
    for kept in (functional(), dense()):
        assert notes(network(kept)) == []
    assert notes(network(dense(), by_hand=True)) == []


@BUILT_TWICE
def test_a_model_that_was_simulated_before_can_be_compared() -> None:
    a = network(functional(), by_hand=True)
    with nengo_dl.Simulator(a, progress_bar=False):
        pass

    assert compare(a, network(functional(), by_hand=True), n_steps=1)


# functions


def test_a_lambda_layer_is_its_function() -> None:
    base = network(layers.Lambda(lambda x: x * 2))

    (difference,) = compare(base, network(layers.Lambda(lambda x: x * 3)))

    assert compare(base, network(layers.Lambda(lambda x: x * 2)))
    assert difference.what == "layer.function"
    assert (difference.value_a, difference.value_b) == ("lambda x: x * 2", "lambda x: x * 3")


def activation(scale: float) -> Any:
    def scaled(x: Any) -> Any:
        return x * scale

    return scaled


def initial(value: float) -> Any:
    def constant(shape: Any, dtype: Any = None) -> Any:
        return tf.fill(shape, tf.cast(value, dtype))

    return constant


@pytest.mark.parametrize(
    ("argument", "function"), [("activation", activation), ("kernel_initializer", initial)]
)
@pytest.mark.parametrize("within", [False, True], ids=["layer", "model"])
def test_functions_of_users_count_by_what_they_do(
    argument: str, function: Any, within: bool
) -> None:
    def built(value: float) -> nengo.Network:
        ones = tf.keras.initializers.Ones()
        layer = layers.Dense(3, **{"kernel_initializer": ones, argument: function(value)})
        if within:
            layer = tf.keras.Sequential([tf.keras.Input((4,)), layer, layers.ReLU()])
        return network(layer)

    assert compare(built(2.0), built(2.0), n_steps=1)
    (difference,) = (
        each for each in compare(built(2.0), built(3.0), n_steps=1) if argument in each.what
    )
    assert difference.value_a.endswith(("with scale = 2", "with value = 2"))
    if argument == "activation":
        assert difference.effect == 1


# names, and what Keras changes when it builds


@pytest.mark.parametrize("named", [True, False])
def test_layers_within_may_be_called_as_one_likes(named: bool) -> None:
    def model(value: float, name: str) -> Any:
        inner = tf.keras.Sequential(
            [tf.keras.Input((4,)), layers.Dense(3, name=name if named else None)]
        )
        return filled(tf.keras.Sequential([tf.keras.Input((4,)), inner, layers.Dense(2)]), value)

    assert compare(network(model(0.1, "one")), network(model(0.1, "two")), n_steps=1)
    comparison = compare(network(model(0.1, "one")), network(model(0.7, "two")), n_steps=1)
    assert len(comparison) == 4
    assert {each.what.rpartition(".")[2] for each in comparison} == {"kernel values", "bias values"}
    assert comparison.remaining == 0


def test_recurrent_layers_in_two_directions() -> None:
    def both(value: float) -> Any:
        layer = layers.Bidirectional(layers.SimpleRNN(1))
        layer(np.zeros((1, 2, 2)))
        return filled(layer, value)

    a, b = (network(both(value), shape=(2, 2)) for value in (0.1, 0.7))
    assert len(compare(a, b)) == 6
    assert compare(a, network(both(0.1), shape=(2, 2)), n_steps=1)


@pytest.mark.parametrize(
    "make",
    [
        layers.BatchNormalization,
        lambda: layers.BatchNormalization(axis=-1),
        layers.LayerNormalization,
        lambda: tf.keras.Sequential([layers.Dense(3), layers.Dense(2)]),
        lambda: tf.keras.Sequential([layers.Dense(3, activation="softmax"), layers.Softmax()]),
        lambda: tf.keras.Sequential([layers.ReLU(name="relu"), layers.Dense(2, activation="relu")]),
    ],
)
@BUILT_TWICE
def test_what_was_simulated_is_the_same_as_before(make: Any) -> None:
    a, b = (network(make(), by_hand=True) for _ in range(2))
    with Simulator(a, progress_bar=False):
        pass

    found = [each.what for each in (*compare(a, b), *compare(b, a)) if "values" not in each.what]
    assert found == []


# what can't be copied plainly


def test_a_model_without_weights() -> None:
    model = tf.keras.Sequential([tf.keras.Input((4,)), layers.Lambda(lambda x: x * 2)])
    a = network(model)

    assert compare(a, a, n_steps=1)
    with Simulator(a, progress_bar=False) as sim:
        assert compare(sim, sim)


def test_a_layer_that_was_adapted_to_data() -> None:
    def adapted(spread: float) -> Any:
        layer = layers.Normalization()
        layer.adapt(np.random.RandomState(0).normal(3, spread, (50, 4)))
        return layer

    a, b = (network(adapted(spread)) for spread in (1.0, 1.0))
    comparison = compare(a, b, n_steps=2)
    assert comparison
    assert comparison.distance == 0
    assert compare(a, network(adapted(4.0)), n_steps=2).distance


class Wrapping(layers.Layer):
    """Says nothing of what it was made with: a model is no plain value."""

    def __init__(self, model: Any, scale: float) -> None:
        super().__init__()
        self.model = model
        self._scale = scale
        self.parts = [layers.Dense(2, kernel_initializer="ones")]

    def call(self, inputs: Any) -> Any:
        return self._scale * self.parts[0](self.model(inputs))


def test_a_layer_that_says_nothing_is_what_it_holds() -> None:
    def build(units: int = 3, scale: float = 2.0, value: float = 1.0) -> nengo.Network:
        start = tf.keras.initializers.Constant(value)
        model = tf.keras.Sequential([layers.Dense(units, kernel_initializer=start)])
        layer = Wrapping(model, scale)
        layer(np.ones((1, 4), np.float32))
        with nengo.Network(seed=0) as net:
            node = nengo.Node([0.5] * 4)
            nengo.Probe(CustomLayer(layer, label="wrapping")(node))
        return net

    with pytest.raises(NotImplementedError):
        Wrapping(tf.keras.Sequential(), 1.0).get_config()
    assert compare(build(), build(), n_steps=2)
    (difference,) = compare(build(), build(scale=3.0), n_steps=2)
    assert (difference.what, difference.value_a, difference.value_b) == ("layer._scale", "2", "3")
    assert "layer.model.layers[0].units" in [each.what for each in compare(build(), build(units=5))]
    assert sorted(each.what for each in compare(build(), build(value=2.0))) == [
        "layer.model.layers[0].kernel_initializer.value",
        "sequential.kernel values",
    ]
