"""Which shapes a Keras layer in a stack takes, by what it says itself."""

from __future__ import annotations

import nengo
import pytest

from nengo_layers_plus._upstream import input_problem, tf

Keras = tf.keras.layers


def layer(**spec):
    made = Keras.Layer()
    made.input_spec = Keras.InputSpec(**spec)
    return made


def model(*shape):
    return tf.keras.Sequential([Keras.Input(shape), Keras.Dense(1)])


@pytest.mark.parametrize(
    ("applied", "expected", "good", "bad"),
    [
        (layer(ndim=3), "expected ndim=3, found ndim=2", (2, 5), (10,)),
        (layer(ndim=2), "expected ndim=2", (2,), (2, 5)),
        (layer(min_ndim=3), "expected min_ndim=3", (1, 1, 1), (1,)),
        (layer(max_ndim=3), "expected max_ndim=3", (4,), (1, 1, 1)),
        (layer(axes={-1: 4}), "expected axis -1 .* to have value 4", (3, 4), (4, 3)),
        (layer(axes={1: 4}), "expected axis 1 .* to have value 4", (4, 3), (3, 4)),
        (layer(ndim=3, axes={2: 4}), "axis 2", (3, 4), (4, 3)),
        (layer(shape=(None, 4)), r"expected shape=\(None, 4\)", (4,), (3,)),
        (layer(shape=(None, None, 3)), r"expected shape=\(None, None, 3\)", (7, 3), (3, 7)),
        (model(2, 8), "incompatible", (2, 8), (2,)),
        (Keras.Dense(2), None, (3, 3), None),
        (Keras.Add(), None, (3,), None),
        (nengo.LIF(), None, (3,), None),
        (None, None, (3,), None),
    ],
)
def test_shapes(applied, expected, good, bad):
    assert input_problem(applied, good) is None
    assert input_problem(applied, "auto") is None
    if bad is not None:
        with pytest.raises(ValueError, match=expected):
            raise ValueError(input_problem(applied, bad))
