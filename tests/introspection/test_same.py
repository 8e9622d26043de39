"""What a value is, in a form that is the same for values that do the same."""

from __future__ import annotations

import functools
import operator
import types
from collections import deque
from decimal import Decimal
from typing import Any

import nengo
import numpy as np
import pytest

from nengo_layers_plus import Surrogate, nengo_dl, surrogate
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.introspection._comparison._shown import show_both
from nengo_layers_plus.introspection._same import fingerprint
from nengo_layers_plus.neurons import TrainableLIF

FACTOR = 2.0


def scaled(x: Any) -> Any:
    return FACTOR * x


def made(factor: float) -> Any:
    return lambda x: factor * x


class Callable:
    def __init__(self, factor: float) -> None:
        self.factor = factor

    def __call__(self, x: Any) -> Any:
        return self.factor * x

    def method(self, x: Any) -> Any:
        return self(x)


class WithoutConfig(tf.keras.layers.Layer):
    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError


def around() -> list[Any]:
    loop: list[Any] = [1]
    loop.append(loop)
    return loop


SAME = {
    "numbers": (1, 1.0),
    "a number and an array of none": (2.5, np.array(2.5)),
    "precision": (np.float32([0.5, 2]), np.array([0.5, 2])),
    "integers": (np.arange(3), np.arange(3.0)),
    "minus zero": (np.array([0.0]), np.array([-0.0])),
    "not a number": (np.array([np.nan]), np.array([np.nan])),
    "a list and a tuple": ([1, (2, 3)], (1, [2, 3])),
    "order of a dict": ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "synapses": (nengo.Lowpass(0.1), nengo.Lowpass(0.1)),
    "distributions": (nengo.dists.Uniform(0, 1), nengo.dists.Uniform(0, 1)),
    "arrays in distributions": (nengo.dists.Choice([[1]]), nengo.dists.Choice(np.ones((1, 1)))),
    "functions around a value": (made(2), made(2.0)),
    "partials": (functools.partial(made, 2), functools.partial(made, 2)),
    "callables": (Callable(2), Callable(2)),
    "methods": (Callable(2).method, Callable(2).method),
    "ufuncs": (np.square, np.square),
    "names of layers": (tf.keras.layers.Dense(2, name="a"), tf.keras.layers.Dense(2)),
    "names within models": (
        tf.keras.Sequential([tf.keras.layers.Dense(2), tf.keras.layers.Dense(2)]),
        tf.keras.Sequential([tf.keras.layers.Dense(2), tf.keras.layers.Dense(2)]),
    ),
    "neuron models": (TrainableLIF(tau_rc=0.03), TrainableLIF(tau_rc=0.03)),
    "surrogates": (
        Surrogate(nengo.LIF(), surrogate.arctan(2.0)),
        Surrogate(nengo.LIF(), surrogate.arctan(2.0)),
    ),
    "sparse transforms": (
        nengo.Sparse((2, 2), indices=[[0, 1], [1, 0]], init=[1, 2]),
        nengo.Sparse((2, 2), indices=[[0, 1], [1, 0]], init=[1, 2]),
    ),
    "what holds itself": (around(), around()),
}
OTHER = {
    "numbers": (1, 2),
    "a number and a text": (1, "1"),
    "none": (None, 0),
    "shapes": (np.zeros((2, 3)), np.zeros((3, 2))),
    "one value": (np.array([1, 2.0]), np.array([1, 2.0000001])),
    "synapses": (nengo.Lowpass(0.1), nengo.Lowpass(0.2)),
    "classes": (nengo.Lowpass(0.1), nengo.Alpha(0.1)),
    "functions": (made(2), scaled),
    "functions around another value": (made(2), made(3)),
    "code": (lambda x: x + 1, lambda x: x + 2),
    "callables": (Callable(2), Callable(3)),
    "methods": (Callable(2).method, Callable(3).method),
    "ufuncs": (np.square, np.sqrt),
    "functions of libraries": (tf.nn.relu, tf.nn.tanh),
    "slices": (slice(0, 2), slice(0, 2, 1)),
    "layers": (tf.keras.layers.Dense(2), tf.keras.layers.Dense(3)),
    "layers within models": (
        tf.keras.Sequential([tf.keras.layers.Dense(2), tf.keras.layers.Dense(2)]),
        tf.keras.Sequential([tf.keras.layers.Dense(2), tf.keras.layers.Dense(3)]),
    ),
    "layers that say nothing": (WithoutConfig(np.sqrt), WithoutConfig(np.square)),
    "neuron models": (TrainableLIF(tau_rc=0.03), TrainableLIF(tau_rc=0.04)),
    "surrogates": (
        Surrogate(nengo.LIF(), surrogate.arctan(2.0)),
        Surrogate(nengo.LIF(), surrogate.arctan(3.0)),
    ),
    "sparse values": (
        nengo.Sparse((2, 2), indices=[[0, 1], [1, 0]], init=[1, 2]),
        nengo.Sparse((2, 2), indices=[[0, 1], [1, 0]], init=[1, 3]),
    ),
    "glorot": (nengo_dl.dists.Glorot(), nengo_dl.dists.He()),
}


@pytest.mark.parametrize("name", SAME)
def test_same(name: str) -> None:
    a, b = SAME[name]

    assert fingerprint(a) == fingerprint(b)
    assert hash(fingerprint(a)) == hash(fingerprint(b))


@pytest.mark.parametrize("name", OTHER)
def test_other(name: str) -> None:
    a, b = OTHER[name]

    assert fingerprint(a) != fingerprint(b)


def test_what_a_function_finds_around_it_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint(scaled)

    monkeypatch.setitem(scaled.__globals__, "FACTOR", 3.0)

    assert fingerprint(scaled) != before


def test_the_shape_of_a_model_counts() -> None:
    def model(skip: bool) -> tf.keras.Model:
        inputs = tf.keras.Input((2,))
        first = tf.keras.layers.Dense(2)(inputs)
        second = tf.keras.layers.Dense(2)(inputs if skip else first)
        return tf.keras.Model(inputs, tf.keras.layers.Add()([first, second]))

    assert fingerprint(model(True)) == fingerprint(model(True))
    assert fingerprint(model(True)) != fingerprint(model(False))


class Slotted:
    """Keeps what it has in slots."""

    __slots__ = ("scale", "unset")

    def __init__(self, scale: float) -> None:
        self.scale = scale


class Below(Slotted):
    """Has its slots from a class above."""


@pytest.mark.parametrize("kind", [Slotted, Below])
def test_attributes_in_slots_count(kind: type[Slotted]) -> None:
    assert fingerprint(kind(1.0)) == fingerprint(kind(1.0))
    assert fingerprint(kind(1.0)) != fingerprint(kind(2.0))


def shifted(x: float, by: float = 0) -> float:
    return x + by


def shifted_by(by: float) -> Any:
    return types.FunctionType(shifted.__code__, globals(), "shifted", (by,))


@pytest.mark.parametrize(
    ("a", "b", "shown"),
    [
        (lambda x: x + 1, lambda x: x + 2, ("lambda x: x + 1", "lambda x: x + 2")),
        (made(1), made(2), (" with factor = 1", " with factor = 2")),
        (Slotted(1.5), Slotted(2.5), ("a Slotted with scale = 1.5", "a Slotted with scale = 2.5")),
        (
            functools.partial(shifted, by=1),
            functools.partial(shifted, by=2),
            (" with by = 1", " with by = 2"),
        ),
        (shifted_by(1), shifted_by(2), (" with by = 1", " with by = 2")),
    ],
    ids=["source", "closure", "slots", "partial", "default"],
)
def test_what_differs_is_shown(a: Any, b: Any, shown: tuple[str, str]) -> None:
    for text, expected in zip(show_both(a, b), shown, strict=True):
        assert text.endswith(expected)


def keyed(name: str) -> Any:
    if name == "a":
        return lambda d: [d[key]["a"] for key in d]
    return lambda d: [d[key]["b"] for key in d]


@pytest.mark.parametrize(
    "make",
    [
        lambda value: np.array([value, 1.0]).dot,
        lambda value: tf.function(made(value)),
        lambda value: functools.lru_cache(made(value)),
        lambda value: np.random.RandomState(int(value)),
        lambda value: np.random.default_rng(int(value)),
        lambda value: deque([value], maxlen=3),
        lambda value: deque([1.0], maxlen=int(value)),
        lambda value: operator.itemgetter(int(value)),
        lambda value: {"x": value}.get,
        lambda value: Decimal(value),
        lambda value: 10**400 + int(value),
        lambda value: complex(1, value),
        lambda value: keyed("a" if value == 2 else "b"),
    ],
)
def test_what_holds_its_values_elsewhere(make: Any) -> None:
    assert fingerprint(make(2)) == fingerprint(make(2))
    assert fingerprint(make(2)) != fingerprint(make(3))


def test_what_is_not_a_number_is_the_same() -> None:
    assert fingerprint([float("nan")]) == fingerprint([np.float32("nan")])
