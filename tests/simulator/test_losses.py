"""Which shapes of targets losses and metrics take."""

from __future__ import annotations

import pytest

from nengo_layers_plus import nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.simulator._losses import as_function, fixed_axes, takes_labels, wanted_shape

OUTPUT = (8, 5, 3)
REPEATED = [(8, 1, 3), (8, 5, 1), (8, 1, 1)]


def own_mse(targets, outputs):
    return tf.reduce_mean((outputs - targets) ** 2, axis=-1)


class OwnLoss(tf.keras.losses.Loss):
    def call(self, targets, outputs):
        return tf.reduce_sum(tf.abs(targets - outputs), axis=-1)


@tf.function
def traced_mse(targets, outputs):
    return own_mse(targets, outputs)


def of_the_last_step(targets, outputs):
    return tf.keras.losses.mse(targets[:, -1], outputs[:, -1])


def of_the_mean_over_time(targets, outputs):
    return (tf.reduce_mean(targets, axis=1) - tf.reduce_mean(outputs, axis=1)) ** 2


def of_a_function_within(targets, outputs):
    return tf.reduce_mean(traced_mse(tf.identity(targets), 2.0 * outputs))


def of_a_slice(targets, outputs):
    return tf.abs(targets[:, -2:] - outputs[:, -2:])


def relative_to_the_mean(targets, outputs):
    return (outputs / tf.reduce_mean(targets)) ** 2


class OwnMetric(tf.keras.metrics.Metric):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.total = self.add_weight(name="total", initializer="zeros")

    def update_state(self, targets, outputs, sample_weight=None):
        self.total.assign_add(tf.reduce_sum(tf.abs(targets - outputs)))

    def result(self):
        return self.total


OWN_METRIC = OwnMetric()


def of_labels(labels, outputs):
    chosen = tf.one_hot(tf.cast(labels[..., 0], tf.int32), outputs.shape[-1])
    return tf.reduce_sum(chosen * outputs, axis=-1)


def repeats_by_itself(targets, outputs):
    return own_mse(tf.broadcast_to(targets, tf.shape(outputs)), outputs)


def regardless(targets, outputs):
    return tf.reduce_sum(outputs, axis=-1)


def with_a_mask_and_a_constant(targets, outputs):
    return tf.reduce_mean(2.0 * tf.where(targets > 0, targets - outputs, 1.0) ** 2, axis=-1)


STRICT = ["mse", tf.keras.losses.Huber(), tf.keras.metrics.AUC(), "categorical_crossentropy"]
OWN = [own_mse, OwnLoss(), traced_mse, with_a_mask_and_a_constant, nengo_dl.losses.nan_mse]
OWN += [of_a_function_within, of_a_slice, as_function(OWN_METRIC)]
OWN += [as_function(tf.keras.metrics.MeanMetricWrapper(own_mse))]
FREE = [repeats_by_itself, regardless, nengo_dl.losses.Regularize(), relative_to_the_mean]


@pytest.mark.parametrize("function", [*STRICT, *OWN])
@pytest.mark.parametrize("target", REPEATED)
def test_targets_are_not_repeated_in_silence(function, target):
    assert wanted_shape(function, target, OUTPUT) == OUTPUT
    assert wanted_shape(function, OUTPUT, OUTPUT) == OUTPUT


@pytest.mark.parametrize("function", FREE)
@pytest.mark.parametrize("target", REPEATED)
def test_functions_may_take_other_shapes(function, target):
    assert wanted_shape(function, target, OUTPUT) == target


@pytest.mark.parametrize("function", [of_the_last_step, of_the_mean_over_time])
def test_a_function_of_some_steps(function):
    for target in [(8, 1, 3), (8, 9, 3)]:
        assert wanted_shape(function, target, OUTPUT) == target  # nothing is repeated
    for target in [(8, 5, 1), (8, 1, 1)]:
        assert wanted_shape(function, target, OUTPUT) == OUTPUT


def test_unknown_numbers():
    unknown = (8, None, None)
    for function in (own_mse, OwnLoss(), as_function(OWN_METRIC)):
        assert wanted_shape(function, unknown, OUTPUT) == unknown
        assert wanted_shape(function, (8, None, 1), (8, None, 3)) == (8, None, 3)
        assert wanted_shape(function, (8, 1, 3), (8, None, 3)) == (8, 1, 3)  # of one step, maybe
        assert fixed_axes(function, unknown, OUTPUT) == [1, 2]
        assert fixed_axes(function, (8, 1, 3), (8, None, 3)) == [1]
    for function in (of_the_last_step, of_the_mean_over_time):
        assert fixed_axes(function, unknown, OUTPUT) == [2]
    for function in FREE:
        assert fixed_axes(function, unknown, OUTPUT) == []
    assert wanted_shape("accuracy", unknown, OUTPUT) == OUTPUT


def test_numbers_of_classes():
    assert wanted_shape(of_labels, (8, 5, 1), OUTPUT) == (8, 5, 1)
    for sparse in (
        "sparse_categorical_crossentropy",
        tf.keras.losses.SparseCategoricalCrossentropy(),
        tf.keras.metrics.SparseTopKCategoricalAccuracy(),
    ):
        assert wanted_shape(sparse, OUTPUT, OUTPUT) == (8, 5, 1)
        assert takes_labels(sparse)
    for either in ("accuracy", "ce"):
        assert wanted_shape(either, (8, 5, 1), OUTPUT) == (8, 5, 1)
        assert wanted_shape(either, (8, 1, 1), OUTPUT) == (8, 5, 1)
        assert wanted_shape(either, (8, 1, 3), OUTPUT) == OUTPUT


def test_metrics_are_left_as_they_are():
    function = as_function(OWN_METRIC)
    assert function.__name__ == "OwnMetric"
    function(tf.ones((8, 5, 3)), tf.zeros((8, 5, 3)))
    assert OWN_METRIC.result() == 0.0
    for other in ("mae", own_mse, None, tf.keras.metrics.AUC):
        assert as_function(other) is other

    class Unknown(OwnMetric):
        def get_config(self):
            raise NotImplementedError

    unknown = Unknown()
    assert as_function(unknown) is unknown
    assert wanted_shape(unknown, (8, 1, 3), OUTPUT) == (8, 1, 3)


def test_outputs_are_not_repeated_either():
    assert wanted_shape(own_mse, OUTPUT, (8, 1, 3)) == (8, 1, 3)


def test_an_error_is_left_to_the_call():
    def broken(targets, outputs):
        raise RuntimeError("broken")

    assert wanted_shape(broken, (8, 1, 3), OUTPUT) == (8, 1, 3)
