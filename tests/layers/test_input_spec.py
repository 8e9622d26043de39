"""What a Keras layer says of the shape that it needs."""

from __future__ import annotations

import nengo
import pytest

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.layers._sequential import fits, needed_shape

Keras = tf.keras.layers


def layer(**spec):
    made = Keras.Layer()
    made.input_spec = Keras.InputSpec(**spec)
    return made


@pytest.mark.parametrize(
    ("applied", "needed", "good", "bad"),
    [
        (layer(ndim=3), "2 dimensions", (2, 5), (10,)),
        (layer(ndim=2), "1 dimension", (2,), (2, 5)),
        (layer(min_ndim=3), "at least 2 dimensions", (1, 1, 1), (1,)),
        (layer(max_ndim=3), "at most 2 dimensions", (4,), (1, 1, 1)),
        (layer(axes={-1: 4}), "size 4 in its last axis", (3, 4), (4, 3)),
        (layer(axes={1: 4}), "size 4 in its axis 0", (4, 3), (3, 4)),
        (layer(ndim=3, axes={2: 4}), "2 dimensions with size 4 in its axis 1", (3, 4), (4, 3)),
        (layer(shape=(None, 4)), "(4,)", (4,), (3,)),
        (layer(shape=(None, None, 3)), "(any, 3)", (7, 3), (3, 7)),
        (Keras.Dense(2), None, (3, 3), None),
        (Keras.Add(), None, (3,), None),
        (nengo.LIF(), None, (3,), None),
        (None, None, (3,), None),
    ],
)
def test_shapes(applied, needed, good, bad):
    assert needed_shape(applied) == needed
    assert fits(applied, good)
    assert bad is None or not fits(applied, bad)
