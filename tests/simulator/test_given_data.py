"""What a Simulator is given: data, targets, losses and weights."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.exceptions import SimulationError, ValidationError

from nengo_layers_plus import CustomLayer, Simulator
from nengo_layers_plus._upstream import tf

RNG = np.random.RandomState(0)
SIZE = 4
STEPS = 5
X = RNG.uniform(size=(8, STEPS, 3))
Y = RNG.uniform(size=(8, STEPS, 3))
KERNEL = RNG.uniform(size=(3, 3)).astype(np.float32)
OUTPUTS = X @ KERNEL  # of the Probe "out"


def build():
    with nengo.Network(seed=0) as net:
        net.data = nengo.Node(np.zeros(3), label="data")
        net.constant = nengo.Node([1.0, 2.0], label="constant")
        start = tf.keras.initializers.Constant(KERNEL)
        dense = tf.keras.layers.Dense(3, kernel_initializer=start, use_bias=False)
        net.layer = CustomLayer(dense)(net.data)
        net.out = nengo.Probe(net.layer, label="out")
        net.still = nengo.Probe(net.constant, label="still")
    return net


@pytest.fixture(scope="module")
def opened():
    net = build()
    with Simulator(net, minibatch_size=SIZE, seed=0, progress_bar=False) as sim:
        yield net, sim


COMPILED = []


@pytest.fixture
def sim(opened):
    """The Simulator, with a loss for one Probe, and with what it began with."""
    net, sim = opened
    if sim.n_steps:
        sim.reset()
    if getattr(sim.keras_model, "optimizer", None) not in COMPILED:  # functions are traced anew
        sim.compile(tf.optimizers.SGD(0.0), {net.out: "mse"}, {net.out: "mae"})
        COMPILED[:] = [sim.keras_model.optimizer]
    return sim


@pytest.fixture
def net(opened):
    return opened[0]


def mse(items=slice(None)):
    return np.mean((OUTPUTS[items] - Y[items]) ** 2)


def mae(items=slice(None)):
    return np.mean(np.abs(OUTPUTS[items] - Y[items]))


def dataset(x=X, y=Y, size=SIZE, **arrays):
    values = {"data": x.astype(np.float32), **arrays}
    return tf.data.Dataset.from_tensor_slices((values, {"out": y})).batch(size)


def own_mse(targets, outputs):
    return tf.losses.mse(targets, outputs)


class OwnLoss(tf.keras.losses.Loss):
    def call(self, targets, outputs):
        return tf.reduce_mean((targets - outputs) ** 2, axis=-1)


def of_the_last_step(targets, outputs):
    return tf.reduce_mean((targets[:, -1] - outputs[:, -1]) ** 2)


def minibatches(y):
    for start in range(0, 8, SIZE):
        yield {"data": X[start : start + SIZE]}, {"out": y[start : start + SIZE]}


def of_unknown_numbers(y, targets=(None, None, None)):
    inputs = {"data": tf.TensorSpec((None, None, 3))}
    signature = inputs, {"out": tf.TensorSpec(targets)}
    return tf.data.Dataset.from_generator(lambda: minibatches(y), output_signature=signature)


# -- minibatches that are not full


@pytest.mark.parametrize("items", [7, 3, 1, 8])
def test_all_items_are_predicted(sim, net, items):
    outputs = sim.predict({net.data: X[:items]}, verbose=0)
    np.testing.assert_allclose(outputs[net.out], OUTPUTS[:items], rtol=1e-5)
    assert outputs[net.still].shape == (items, STEPS, 2)
    in_tensors = sim.predict({net.data: tf.constant(X[:items])}, verbose=0)[net.out]
    np.testing.assert_array_equal(in_tensors, outputs[net.out])
    through_keras = sim.predict({net.data: X[:items]}, verbose=0, workers=1)[net.out]
    np.testing.assert_array_equal(through_keras, outputs[net.out])


@pytest.mark.parametrize("items", [7, 3])
def test_losses_and_metrics_are_those_of_all_items(sim, net, items):
    part = slice(items)
    found = sim.evaluate({net.data: X[part]}, {net.out: Y[part]}, verbose=0)
    assert found["loss"] == found["out_loss"] == pytest.approx(mse(part), rel=1e-5)
    assert found["out_mae"] == pytest.approx(mae(part), rel=1e-5)
    weights = RNG.uniform(size=items)
    found = sim.evaluate(
        {net.data: X[part]}, {net.out: Y[part]}, sample_weight={net.out: weights}, verbose=0
    )
    errors = np.mean((OUTPUTS[part] - Y[part]) ** 2, axis=(1, 2))
    assert found["loss"] == pytest.approx(np.mean(weights * errors), rel=1e-5)
    assert found["out_mae"] == pytest.approx(mae(part), rel=1e-5)


def test_fit_says_what_it_leaves_out(sim, net):
    x, y = {net.data: X[:7]}, {net.out: Y[:7]}
    with pytest.warns(UserWarning, match="the last 3 of them are left out") as warned:
        losses = sim.fit(x, y, sample_weight=np.ones(7), verbose=0, validation_data=(x, y)).history
    assert len(warned) == 1
    assert losses["loss"] == [pytest.approx(mse(slice(4)), rel=1e-5)]
    assert losses["val_loss"] == [pytest.approx(mse(slice(7)), rel=1e-5)]
    assert losses["val_out_mae"] == [pytest.approx(mae(slice(7)), rel=1e-5)]
    with pytest.warns(UserWarning, match="the validation_batch_size that Simulator.fit was given"):
        losses = sim.fit(
            {net.data: X}, {net.out: Y}, validation_data=(x, y), validation_batch_size=3, verbose=0
        ).history
    assert losses["val_loss"] == [pytest.approx(mse(slice(7)), rel=1e-5)]
    with pytest.raises(ValidationError, match="expected at least minibatch_size=4 items"):
        sim.fit({net.data: X[:3]}, {net.out: Y[:3]}, verbose=0)


def test_a_part_of_the_data_for_validation(sim, net):
    x, y = {net.data: X[:7]}, {net.out: Y[:7]}
    losses = sim.fit(x, y, validation_split=0.4, verbose=0).history
    assert losses["loss"] == [pytest.approx(mse(slice(4)), rel=1e-5)]
    assert losses["val_loss"] == [pytest.approx(mse(slice(4, 7)), rel=1e-5)]
    with pytest.raises(ValidationError, match=r"the 5 of 7 items .* not evenly divisible"):
        sim.fit(x, y, validation_split=0.2, verbose=0)


def y_of(net, x):
    return {net.out: Y[:7]} if isinstance(x, dict) else None


def test_a_state_is_kept_of_whole_minibatches_only(sim, net):
    for call in (sim.predict, lambda x, **how: sim.evaluate(x, y_of(net, x), **how)):
        with pytest.raises(
            ValidationError, match=r"\.x: expected whole minibatches .* got 7 items"
        ):
            call({net.data: X[:7]}, stateful=True, verbose=0)
        with pytest.raises(ValidationError, match="expected minibatches of 4 items"):
            call(dataset(X[:7], Y[:7]), stateful=True, verbose=0)
    assert sim.n_steps == 0
    sim.predict({net.data: X}, stateful=True, verbose=0)
    assert sim.n_steps == 2 * STEPS
    with pytest.raises(ValidationError, match=r"\(4, 5, 3\)"):
        sim.predict_on_batch({net.data: X[:3]})


def test_processes_of_nodes_in_several_minibatches():
    with nengo.Network(seed=0) as net:
        data = nengo.Node([0.0])
        noise = nengo.Node(nengo.processes.WhiteNoise(), size_out=1)
        probes = [nengo.Probe(data), nengo.Probe(noise)]
    with Simulator(net, minibatch_size=2, progress_bar=False) as sim:
        outputs = sim.predict({data: np.arange(15.0).reshape(5, 3, 1)}, verbose=0)
    assert outputs[probes[0]].ravel().tolist() == list(range(15))
    noises = outputs[probes[1]]
    assert np.ptp(noises[:2], axis=0).all()  # of the items of a minibatch
    np.testing.assert_array_equal(noises, noises[[0, 1, 0, 1, 0]])


# -- what is refused, before anything is run


def other_node():
    return nengo.Node([0.0], label="other", add_to_container=False)


WRONG_X = {
    "size": (
        lambda net: {net.data: X[..., :2]},
        r"Node 'data' does not match exp.*, got \(8, 5, 2\)",
    ),
    "rank": (
        lambda net: {net.data: X[:, 0]},
        r"'data'.*\(items, time, 3\).*got \(8, 3\).*\[:, None\]",
    ),
    "items": (lambda net: {net.data: X, net.constant: X[:4, :, :2]}, r"'constant'.*\(8, 5, 2\)"),
    "steps": (lambda net: {net.data: X, net.constant: X[:, :4, :2]}, r"'constant'.*\(8, 5, 2\)"),
    "none": (lambda net: {net.data: X[:0]}, "expected at least one item, got none"),
    "strings": (
        lambda net: {net.data: X.astype(str)},
        "real numbers for 'data', got an array of s",
    ),
    "complex": (lambda net: {net.data: X * 1j}, "numbers for 'data', got an array of complex128"),
    "objects": (lambda net: {net.data: X.astype(object)}, "'data', got an array of object"),
    "tensors": (lambda net: {net.data: tf.constant(X, tf.complex64)}, "array of complex64"),
    "text": (lambda net: "data", "expected an array of real numbers for 'data', got str"),
    "ragged": (lambda net: {net.data: [[[1.0]], [[1.0], [2.0]]]}, "'data', got list whose parts"),
    "too many": (lambda net: [X, X[..., :2], X], "order 'data', 'constant', got 3"),
    "still": (lambda net: {net.data: X, "data": X}, "expected one array for 'data', got two"),
    "a name": (lambda net: {"dta": X}, r"got 'dta'\. Did you mean 'data'\?"),
    "a Probe": (
        lambda net: {net.out: X},
        r"expected input Nodes.*got <Probe.*none in this network",
    ),
    "no input": (
        lambda net: {net.layer: X},
        r"got <TensorNode.*The input Nodes are 'data', 'const",
    ),
    "elsewhere": (lambda net: {other_node(): X}, "not in the network of this Simulator"),
}


@pytest.mark.parametrize("case", WRONG_X)
@pytest.mark.filterwarnings("ignore:.*does not match number of Nodes")
def test_wrong_inputs(sim, net, case):
    make, message = WRONG_X[case]
    for call in (
        lambda: sim.predict(make(net), verbose=0),
        lambda: sim.predict_on_batch(make(net)),
        lambda: sim.evaluate(make(net), {net.out: Y}, verbose=0),
        lambda: sim.fit(make(net), {net.out: Y}, verbose=0),
        lambda: sim.fit(
            {net.data: X}, {net.out: Y}, validation_data=(make(net), {net.out: Y}), verbose=0
        ),
    ):
        on_batch = "(4|items), (5|time)"
        with pytest.raises(ValidationError, match=f"{message}|{on_batch}"):
            call()
    found = sim.evaluate({net.data: X}, {net.out: Y}, verbose=0)
    assert found["loss"] == pytest.approx(mse(), rel=1e-5)


WRONG_Y = {
    "one step": (lambda net: {net.out: Y[:, :1]}, r"\(items, 5, 3\) for 'mse'.*'out', .*, 1, 3\)"),
    "one value": (lambda net: {net.out: Y[..., :1]}, r"\(items, 5, 3\) .* got \(items, 5, 1\)"),
    "one number": (lambda net: {net.out: Y[:, :1, :1]}, r"got \(items, 1, 1\)"),
    "one item": (
        lambda net: {net.out: Y[:1]},
        r"'out' does not match.*8 items of x, got \(1, 5, 3\)",
    ),
    "labels": (lambda net: {net.out: Y[..., 0]}, r"got \(items, 5\)\. What to do: give the steps"),
    "none": (lambda net: None, "targets of all Probes .* got none of 'out'"),
    "another": (lambda net: {net.still: Y[..., :2]}, "targets of all Probes .* got none of 'out'"),
    "complex": (lambda net: {net.out: Y * 1j}, "real numbers for 'out', got an array of complex"),
    "a Node": (lambda net: {net.data: Y}, "expected Probes, or their names, as keys, got <Node"),
    "a name": (lambda net: {"ou": Y}, r"Did you mean 'out'\?"),
}


@pytest.mark.parametrize("case", WRONG_Y)
def test_wrong_targets(sim, net, case):
    make, message = WRONG_Y[case]
    x = {net.data: X}
    for call in (
        lambda: sim.evaluate(x, make(net), verbose=0),
        lambda: sim.fit(x, make(net), verbose=0),
        lambda: sim.fit(x, {net.out: Y}, validation_data=(x, make(net)), verbose=0),
    ):
        with pytest.raises(ValidationError, match=message):
            call()


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (list(np.ones(7)), r"got \(7,\)"),
        (np.ones(7), r"of shape \(8,\), .* \(8, 5\), for the Probe 'out', got \(7,\)"),
        (np.ones((8, 2)), r"got \(8, 2\)"),
        (np.ones((8, STEPS, 3)), r"got \(8, 5, 3\)"),
        (np.ones((8, STEPS, 2)), r"got \(8, 5, 2\)"),
        (np.float64(1.0), r"got \(\)"),
        ({"data": np.ones(8)}, r"got 'data'\. .*The Probes are 'out', 'still'"),
        ({"still": np.ones(8)}, "expected targets of the Probe 'still' with it"),
        (np.full(8, "a"), "real numbers for 'out', got an array of str"),
    ],
)
def test_wrong_weights(sim, net, weights, message):
    x, y = {net.data: X}, {net.out: Y}
    for call in (
        lambda: sim.evaluate(x, y, sample_weight=weights, verbose=0),
        lambda: sim.fit(x, y, validation_data=(x, y, weights), verbose=0),
    ):
        with pytest.raises(ValidationError, match=message):
            call()


@pytest.mark.parametrize("shape", [(8,), (8, STEPS)])
def test_weights_may_have_an_axis_of_one_value(sim, net, shape):
    weights = RNG.uniform(size=shape)
    losses = [
        sim.evaluate({net.data: X}, {net.out: Y}, sample_weight=each, verbose=0)
        for each in (weights, weights[..., None])
    ]
    assert losses[0]["loss"] != sim.evaluate({net.data: X}, {net.out: Y}, verbose=0)["loss"]
    np.testing.assert_allclose(losses[1]["loss"], losses[0]["loss"], rtol=1e-6)


def test_wrong_steps_and_other_data(sim, net):
    for steps in (-1, 2.5, True, "3"):
        with pytest.raises(ValidationError, match=r"Simulator\.n_steps: expected a whole number"):
            sim.predict(n_steps=steps, verbose=0)
        with pytest.raises(ValidationError, match=r"Simulator\.n_steps: expected a whole number"):
            sim.run_steps(steps)
    with pytest.raises(ValidationError, match="expected either input data or n_steps"):
        sim.predict(verbose=0)
    with pytest.raises(ValidationError, match=r"does not match expected size .*got \(8, 5, 3\)"):
        sim.predict({net.data: X}, n_steps=4, verbose=0)
    with pytest.raises(SimulationError, match="cannot automatically add n_steps"):
        sim.predict(dataset(), n_steps=5, verbose=0)
    with pytest.raises(ValidationError, match="expected no targets beside data of TensorFlow"):
        sim.fit(dataset(), {net.out: Y}, verbose=0)
    with pytest.raises(ValidationError, match=r"expected arrays of 4 items, got \w*Dataset"):
        sim.predict_on_batch(dataset())
    for wrong in (X, (X,), 5):
        with pytest.raises(ValidationError, match=r"validation_data: expected \(x, y\) or"):
            sim.fit({net.data: X}, {net.out: Y}, validation_data=wrong, verbose=0)


def test_targets_that_nothing_is_compiled_for(sim, net):
    y = {net.out: Y, net.still: Y[..., :2]}
    with pytest.warns(UserWarning, match="targets of the Probe 'still' are not used"):
        sim.evaluate({net.data: X}, y, verbose=0)


def test_a_loss_for_each_probe_needs_targets_for_each(sim, net):
    sim.compile("sgd", "mse")
    for y in ({net.out: Y}, None):
        with pytest.raises(
            ValidationError, match=r"targets of all Probes .* got none of .*'still'"
        ):
            sim.fit({net.data: X}, y, verbose=0)
    y = {net.out: Y, net.still: np.tile([1.0, 3.0], (8, STEPS, 1))}
    found = sim.evaluate({net.data: X}, y, verbose=0)
    assert found["still_loss"] == 0.5
    assert found["loss"] == pytest.approx(0.5 + mse(), rel=1e-5)


def test_a_loss_that_no_parameter_reaches(sim, net):
    sim.compile("sgd", {net.still: "mse"})
    y = {net.still: np.zeros((8, STEPS, 2))}
    with pytest.raises(ValidationError, match="on the way to the Probes 'still'"):
        sim.fit({net.data: X}, y, verbose=0)
    assert sim.evaluate({net.data: X}, y, verbose=0)["loss"] == 2.5


def test_a_network_without_probes():
    with nengo.Network() as net:
        nengo.Node([0.0])
    with Simulator(net, progress_bar=False) as sim:
        sim.compile("sgd", "mse")
        with pytest.raises(ValidationError, match="expected a network with a Probe"):
            sim.fit(n_steps=2, y=np.zeros((1, 2, 1)), verbose=0)
        assert sim.predict(n_steps=2, verbose=0) == {}


# -- forms of data


@pytest.mark.filterwarnings("ignore:.*does not match number of")
def test_forms_of_inputs(sim, net):
    other = np.ones((8, STEPS, 2))
    for x in ([X, other], (X, other), {"data": X}, X, X.tolist(), [X.tolist(), other.tolist()]):
        np.testing.assert_allclose(sim.predict(x, verbose=0)[net.out], OUTPUTS, rtol=1e-5)
    assert sim.evaluate([X, other], [Y, None], verbose=0)["loss"] == pytest.approx(mse(), rel=1e-5)
    with pytest.warns(UserWarning, match=r"arrays, 1, does not match number of Nodes, 2.*'data'"):
        sim.predict([X], verbose=0)


def test_numbers_that_are_none_are_data(sim, net):
    x = X.copy()
    x[0, 0, 0] = np.nan
    assert np.isnan(sim.predict({net.data: x}, verbose=0)[net.out]).sum() == 3


def test_classes():
    """The numbers of classes may come with an axis or without; classes have weights."""
    labels = RNG.randint(0, 3, (8, STEPS))
    counts = np.array([1.0, 2.0, 4.0])
    with nengo.Network(seed=0) as net:
        data = nengo.Node(np.zeros(3), label="data")
        probe = nengo.Probe(data, label="out")
    chosen = -np.log(
        np.take_along_axis(X / X.sum(-1, keepdims=True), labels[..., None], -1)[..., 0]
    )
    losses = []
    with Simulator(net, minibatch_size=SIZE, progress_bar=False) as sim:
        sim.compile("sgd", "sparse_categorical_crossentropy", metrics={probe: "accuracy"})
        for y in (labels, labels[..., None]):
            losses.append(sim.evaluate(X, y, verbose=0))
        assert losses[0]["loss"] == pytest.approx(chosen.mean(), rel=1e-5)
        assert losses[0] == losses[1]
        assert losses[0]["out_accuracy"] == pytest.approx(np.mean(X.argmax(-1) == labels))
        with pytest.raises(ValidationError, match=r"\(items, 5, 1\) for 'sparse_cat.*, 5, 3\)"):
            sim.evaluate(X, Y, verbose=0)
        for wrong in (3, -1, np.nan):
            y = np.where(np.arange(STEPS) == 2, wrong, labels)
            with pytest.raises(ValidationError, match=rf"from 0 to 2 for .*'out'.* got {wrong}"):
                sim.evaluate(X, y, verbose=0)
        left_out = tf.keras.losses.SparseCategoricalCrossentropy(ignore_class=-1)
        sim.compile("sgd", left_out)
        y = np.where(np.arange(STEPS) == 2, -1, labels)
        counted = np.delete(chosen, 2, axis=1)
        found = sim.evaluate(X, y, verbose=0)["loss"]
        assert found == pytest.approx(counted.mean(), rel=1e-5)
        sim.compile("sgd", "sparse_categorical_crossentropy", metrics={probe: "mae"})
        with pytest.raises(ValidationError, match=r"\(items, 5, 3\) for 'mae'.* got \(items, 5, 1"):
            sim.evaluate(X, labels, verbose=0)
        given = sim._given.weights(np.arange(8.0), {"out": labels[..., None]}, {0: 1, 1: 2, 2: 4})
        np.testing.assert_array_equal(given["out"], counts[labels] * np.arange(8.0)[:, None])


def test_weights_of_classes_in_training(sim, net):
    counts = np.array([1.0, 2.0, 4.0])
    found = sim.fit(
        *({net.data: X}, {net.out: Y}),
        class_weight=dict(enumerate(counts)),
        shuffle=False,
        verbose=0,
    ).history
    errors = np.mean((OUTPUTS - Y) ** 2, axis=-1)
    expected = np.mean(errors * counts[Y.argmax(-1)])
    assert found["loss"] == [pytest.approx(expected, rel=1e-5)]
    with pytest.raises(ValidationError, match="class_weight: expected a dict of weights by the"):
        sim.fit({net.data: X}, {net.out: Y}, class_weight=[1.0], verbose=0)
    with pytest.raises(ValidationError, match=r"class_weight: expected a weight .* none of 2"):
        sim.fit({net.data: X}, {net.out: Y}, class_weight={0: 1.0, 1: 1.0}, verbose=0)
    sim.compile("sgd", "mse")
    y = {net.out: Y, net.still: Y[..., :2]}
    with pytest.raises(ValidationError, match=r"expected one Probe .* got 'out', 'still'"):
        sim.fit({net.data: X}, y, class_weight={0: 1.0}, verbose=0)


def test_compiling(sim, net):
    for metrics in ({"ou": "mae"}, {net.data: "mae"}, ["mae", "mae", "mae"]):
        with pytest.raises(ValidationError, match=r"Simulator\.metrics: expected .*'out', 'still'"):
            sim.compile("sgd", {net.out: "mse"}, metrics)
    sim.compile("sgd", {"out": "mse"}, None, {net.out: 3.0}, {net.out: "mae"})
    weights = np.arange(8.0)
    found = sim.evaluate({net.data: X}, {net.out: Y}, sample_weight={net.out: weights}, verbose=0)
    errors = np.mean((OUTPUTS - Y) ** 2, axis=(1, 2))
    assert found["loss"] == pytest.approx(3 * np.mean(weights * errors), rel=1e-5)
    errors = np.mean(np.abs(OUTPUTS - Y), axis=(1, 2))
    assert found["out_mae"] == pytest.approx(np.average(errors, weights=weights), rel=1e-5)


def test_names_of_losses_and_metrics(sim, net):
    for loss in ("msee", {net.out: "msee"}, ["msee"]):
        with pytest.raises(
            ValidationError, match=r"Simulator\.loss: .* 'msee'\. Did you mean 'mse'"
        ):
            sim.compile("sgd", loss)
    for metrics in (["maee"], {net.out: ["mse", "maee"]}):
        with pytest.raises(ValidationError, match=r"\.metrics: .* 'maee'\. Did you mean 'mae'\?"):
            sim.compile("sgd", "mse", metrics)
    with tf.keras.utils.custom_object_scope({"own": own_mse}):
        sim.compile("sgd", {net.out: "own"}, {net.out: ["own", "Accuracy", "MeanSquaredError"]})
        found = sim.evaluate({net.data: X}, {net.out: Y}, verbose=0)
        assert found["loss"] == pytest.approx(mse(), rel=1e-5)
    with tf.keras.utils.custom_object_scope({"own": of_the_last_step}):
        sim.compile("sgd", {net.out: "own"})
        sim.evaluate({net.data: X}, {net.out: Y[:, :1]}, verbose=0)
        with pytest.raises(ValidationError, match=r"\(items, 5, 3\) for 'of_the_last_step'"):
            sim.evaluate({net.data: X}, {net.out: Y[..., :1]}, verbose=0)


def test_no_loss(sim, net):
    x, y = {net.data: X}, {net.out: Y}
    for metrics in (None, {net.out: "mae"}):
        sim.compile("sgd", metrics=metrics)
        with pytest.raises(ValidationError, match=r"Simulator\.loss: expected a loss of .* none"):
            sim.fit(x, y, verbose=0)
    assert sim.evaluate(x, y, verbose=0)["out_mae"] == pytest.approx(mae(), rel=1e-5)
    sim.compile("sgd")
    with pytest.raises(ValidationError, match=r"Simulator\.loss: expected a loss of .* none"):
        sim.evaluate(x, y, verbose=0)


def test_a_loss_of_the_model_is_one():
    net = build()
    with Simulator(net, minibatch_size=SIZE, progress_bar=False) as sim:
        kernel = sim.keras_model.trainable_weights[0]
        sim.keras_model.add_loss(lambda: tf.reduce_sum(kernel**2))
        sim.compile("sgd")
        found = sim.evaluate({net.data: X}, verbose=0)
        assert found["loss"] == pytest.approx(np.sum(KERNEL**2), rel=1e-5)


def test_targets_of_too_few_axes(sim, net):
    sim.compile("sgd", {net.out: own_mse})
    for y, got, hint in (
        (Y[:, 0, :1], r"\(items, 1\)", r"values\[:, None\]"),
        (Y[:, 0, 0], r"\(items,\)", r"values\[:, None, None\]"),
    ):
        message = rf"of shape \(items, time, size\) for 'own_mse' .* got {got}.*{hint}"
        with pytest.raises(ValidationError, match=message):
            sim.evaluate({net.data: X}, {net.out: y}, verbose=0)


def test_gradients_of_given_inputs(sim, net):
    expected = np.kron(np.eye(2 * SIZE), KERNEL.T)
    x = X[:SIZE, :2]
    for inputs in ({net.data: x}, [x, np.ones((SIZE, 2, 2))]):
        found = sim.check_gradients(inputs, outputs=net.out, atol=1e-2)
        np.testing.assert_allclose(found[net.out]["analytic"][0], expected, atol=1e-5)
    with pytest.raises(ValidationError, match=r"Simulator\.inputs: the shape .* 'data'"):
        sim.check_gradients({net.data: X[:SIZE, :2, :2]})
    with pytest.raises(ValidationError, match=r"Simulator\.outputs: expected Probes.*<Node"):
        sim.check_gradients(outputs=[net.data])


# -- data of TensorFlow


def test_datasets(sim, net):
    steps = np.full((8, 1), STEPS)
    for data in (dataset(n_steps=steps), dataset(constant=np.ones((8, STEPS, 2)))):
        assert sim.fit(data, verbose=0).history["loss"] == [pytest.approx(mse(), rel=1e-5)]
    found = sim.evaluate(dataset(X[:7], Y[:7]), verbose=0)
    assert found["loss"] == pytest.approx(mse(slice(7)), rel=1e-5)
    outputs = sim.predict(dataset(X[:7], Y[:7]), verbose=0)
    np.testing.assert_allclose(outputs[net.out], OUTPUTS[:7], rtol=1e-5)
    np.testing.assert_array_equal(outputs[net.still], np.tile([1, 2], (7, STEPS, 1)))


WRONG_DATASETS = {
    "size": (lambda: dataset(X[..., :2]), "for the Node 'data'"),
    "rank": (lambda: dataset(X[:, 0]), r"the Node 'data' .*\(items, time, 3\)"),
    "a name": (lambda: dataset(dat=X), r"Did you mean 'data'\? .* are 'data', 'constant'\."),
    "targets": (lambda: dataset(y=Y[..., :1]), r"targets of shape \(items, 5, 3\) for 'mse'"),
    "steps": (lambda: dataset(y=Y[:, :1]), "expected targets of shape .* the Probe 'out'"),
    "items": (lambda: dataset(size=8), "expected minibatches of .*4 items.*dataset.batch"),
    "strings": (lambda: dataset(constant=X.astype(str)), "'constant', got an array of string"),
}


@pytest.mark.parametrize("case", WRONG_DATASETS)
def test_wrong_datasets(sim, net, case):
    make, message = WRONG_DATASETS[case]
    with pytest.raises(ValidationError, match=message):
        sim.evaluate(make(), verbose=0)


def test_a_dataset_that_training_refuses(sim):
    with pytest.raises(ValidationError, match="drop_remainder=True"):
        sim.fit(dataset(X[:7], Y[:7]), verbose=0)
    with pytest.raises(ValidationError, match=r"targets of shape \(items, 5, 3\) for 'mse'"):
        sim.fit(dataset(y=Y[..., :1]), verbose=0)
    assert sim.fit(dataset(), verbose=0).history["loss"] == [pytest.approx(mse(), rel=1e-5)]


def test_generators(sim, net):
    def minibatches(count=SIZE):
        for start in range(0, 8, count):
            part = slice(start, start + count)
            yield {"data": X[part], "n_steps": np.full((count, 1), STEPS)}, {"out": Y[part]}

    assert sim.fit(minibatches(), verbose=0).history["loss"] == [pytest.approx(mse(), rel=1e-5)]
    with pytest.raises(ValidationError, match="expected minibatches of 4 items"):
        sim.fit(minibatches(2), verbose=0)
    assert sim.fit(minibatches(), verbose=0).history["loss"] == [pytest.approx(mse(), rel=1e-5)]


@pytest.mark.parametrize(
    ("function", "data"),
    [
        (own_mse, lambda y: minibatches(y)),
        (own_mse, lambda y: of_unknown_numbers(y)),
        (own_mse, lambda y: of_unknown_numbers(y, (None, *y.shape[1:]))),
        (OwnLoss(), lambda y: minibatches(y)),
        (tf.function(own_mse), lambda y: minibatches(y)),
    ],
)
def test_own_losses_repeat_no_targets(sim, net, function, data):
    sim.compile(tf.optimizers.SGD(0.0), {net.out: function})
    for y in (Y[..., :1], Y[:, :1]):
        with pytest.raises(ValidationError, match=r"targets of .* 3\) for .*'out'.* got \(ite"):
            sim.evaluate(data(y), verbose=0)
    assert sim.evaluate(data(Y), verbose=0)["loss"] == pytest.approx(mse(), rel=1e-5)


def test_own_losses_repeat_no_targets_in_training(sim, net):
    sim.compile(tf.optimizers.SGD(0.0), {net.out: own_mse})
    with pytest.raises(ValidationError, match=r"got \(items, 5, 1\)"):
        sim.fit(minibatches(Y[..., :1]), verbose=0)
    losses = sim.fit(minibatches(Y), verbose=0).history
    assert losses["loss"] == [pytest.approx(mse(), rel=1e-5)]


def test_a_loss_of_the_last_step(sim, net):
    sim.compile("sgd", {net.out: of_the_last_step})
    expected = pytest.approx(np.mean((OUTPUTS[:, -1] - Y[:, -1]) ** 2), rel=1e-5)
    for y in (Y, Y[:, -1:]):
        assert sim.evaluate({net.data: X}, {net.out: y}, verbose=0)["loss"] == expected
        assert sim.evaluate(minibatches(y), verbose=0)["loss"] == expected
    for y in (Y[..., :1], Y[:, -1:, :1]):
        with pytest.raises(ValidationError, match=r"\(items, 5, 3\) for 'of_the_last_step'"):
            sim.evaluate({net.data: X}, {net.out: y}, verbose=0)
        with pytest.raises(ValidationError, match=r"3\) for 'of_the_last_step'"):
            sim.evaluate(minibatches(y), verbose=0)


def test_metrics_repeat_no_targets(sim, net):
    labels = RNG.randint(0, 3, (8, STEPS, 1))
    sparse = "sparse_categorical_crossentropy"
    for metric in ("mae", own_mse, tf.keras.metrics.MeanMetricWrapper(own_mse)):
        sim.compile("sgd", {net.out: sparse}, {net.out: metric})
        with pytest.raises(ValidationError, match=r"3\) for '.*got \(items, 5, 1\)"):
            sim.evaluate(minibatches(labels), verbose=0)
        with pytest.raises(ValidationError, match=rf"\(items, 5, 1\) for '{sparse}'.* \(items, 1"):
            sim.evaluate(dataset(y=Y[:, :1]), verbose=0)
    sim.compile("sgd", {net.out: sparse}, {net.out: "accuracy"})
    found = sim.evaluate(minibatches(labels), verbose=0)
    assert found["out_accuracy"] == pytest.approx(np.mean(OUTPUTS.argmax(-1) == labels[..., 0]))


# -- after an error


class Switch:
    """A loss, a function of a Node and a callback that fail if they are to."""

    error = None

    def __call__(self, *_):
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("loss", RuntimeError),
        ("on_test_batch_end", KeyboardInterrupt),
        ("on_train_batch_end", ZeroDivisionError),
    ],
)
def test_fit_and_evaluate_after_an_error(sim, net, where, error):
    switch = Switch()

    def loss(targets, outputs):
        if where == "loss":
            switch()
        return tf.reduce_mean((targets - outputs) ** 2, axis=-1)

    callback = tf.keras.callbacks.Callback()
    if where != "loss":
        setattr(callback, where, switch)
    sim.compile(tf.optimizers.SGD(0.0), loss={net.out: loss})
    x, y = {net.data: X}, {net.out: Y}

    def fit(part=slice(None)):
        validation = ({net.data: X[part]}, {net.out: Y[part]})
        found = sim.fit(x, y, validation_data=validation, callbacks=[callback], verbose=0).history
        assert found["loss"] == [pytest.approx(mse(), rel=1e-5)]
        assert found["val_loss"] == [pytest.approx(mse(part), rel=1e-5)]

    switch.error = error("here")
    with pytest.raises(error):
        fit()
    if where == "loss":
        with pytest.raises(error):
            sim.evaluate(x, y, verbose=0)
    switch.error = None
    fit(slice(4))  # not validated on the data of the call that failed
    assert sim.evaluate(x, y, verbose=0)["loss"] == pytest.approx(mse(), rel=1e-5)
    assert sim.n_steps == 0


def test_runs_after_an_error():
    switch = Switch()

    def double(t, x):
        switch()
        return 2 * x

    with nengo.Network() as net:
        data = nengo.Node([0.0])
        doubled = nengo.Node(double, size_in=1)
        nengo.Connection(data, doubled, synapse=None)
        probe = nengo.Probe(doubled)
    values = np.arange(6.0).reshape(2, 3, 1)
    with Simulator(net, minibatch_size=2, progress_bar=False) as sim:
        for call in (
            lambda: sim.predict({data: values}, verbose=0)[probe],
            lambda: sim.predict({data: values}, verbose=0, stateful=True)[probe],
            lambda: sim.predict_on_batch({data: values})[probe],
            lambda: sim.run_steps(3, data={data: values}) or sim.data[probe][:, -3:],
        ):
            before = sim.n_steps
            switch.error = ZeroDivisionError("here")
            with pytest.raises(Exception, match="here"):
                call()
            assert sim.n_steps == before
            switch.error = None
            np.testing.assert_array_equal(call(), 2 * values)
        assert sim.n_steps == 6
