"""Random small Keras models, as data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from nengo_layers_plus._upstream import tf

Keras = tf.keras.layers

ACTIVATIONS = ["relu", "linear", "sigmoid", "tanh", "leaky_relu", "tf.nn.relu"]
BLOCKS = ["dense", "conv", "batch norm", "dropout", "pool", "flatten", "op", "nested", "activation"]


@dataclass
class ModelPlan:
    """A random model: blocks in a row, or two branches of them that are joined."""

    blocks: list[tuple[str, str]]
    branch: list[tuple[str, str]]
    join: str
    output: str
    seed: int

    def build(self) -> tf.keras.Model:
        tf.keras.utils.set_random_seed(self.seed)
        rng = np.random.RandomState(self.seed)
        inputs = tf.keras.Input((5, 4, 2), name="image")
        values = _row(inputs, self.blocks)
        if self.branch:
            other = _row(inputs, self.branch)
            values = [Keras.Dense(3)(Keras.Flatten()(each)) for each in (values, other)]
            joined = {"add": Keras.Add, "concatenate": Keras.Concatenate, "maximum": Keras.Maximum}
            values = values[0] * values[1] if self.join == "*" else joined[self.join]()(values)
        if self.output != "none":
            values = Keras.Dense(3, activation=self.output)(Keras.Flatten()(values))
        model = tf.keras.Model(inputs, values)
        for weights in model.weights:
            low = 0.5 if "variance" in weights.name else -1
            weights.assign(rng.uniform(low, 1, weights.shape))
        return model


def _row(values, blocks):
    for kind, activation in blocks:
        values = _block(values, kind, activation)
    return values


def _block(values, kind, activation):
    image = len(values.shape) == 4
    small = not image or min(values.shape[1:3]) < 2
    name = activation if activation in ("relu", "sigmoid", "tanh", "linear") else "relu"
    if kind == "dense":
        return Keras.Dense(4, activation=name)(values)
    if kind == "conv" and image:
        return Keras.Conv2D(3, 2, padding="same", activation=name)(values)
    if kind == "batch norm":
        return Keras.BatchNormalization()(values)
    if kind == "dropout":
        return Keras.Dropout(0.5)(values)
    if kind == "pool" and not small:
        return Keras.MaxPool2D()(values)
    if kind == "flatten":
        return Keras.Flatten()(values)
    if kind == "op":
        return 2.0 * values - 0.5
    if kind == "nested":
        inputs = tf.keras.Input(values.shape[1:])
        return tf.keras.Model(inputs, Keras.Dense(3, activation=name)(inputs))(values)
    if kind == "activation":
        if activation == "leaky_relu":
            return Keras.LeakyReLU(0.2)(values)
        return tf.nn.relu(values) if activation == "tf.nn.relu" else Keras.Activation(name)(values)
    return values


_blocks = st.tuples(st.sampled_from(BLOCKS), st.sampled_from(ACTIVATIONS))

model_plans = st.builds(
    ModelPlan,
    blocks=st.lists(_blocks, min_size=1, max_size=5),
    branch=st.lists(_blocks, max_size=3),
    join=st.sampled_from(["add", "concatenate", "maximum", "*"]),
    output=st.sampled_from(["none", "linear", "softmax", "relu", "elu"]),
    seed=st.integers(0, 1000),
)
