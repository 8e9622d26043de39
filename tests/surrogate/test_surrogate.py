"""Surrogates: smooth functions, their slopes, and where they are kept."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_layers_plus import surrogate
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.neurons._neuron_namespace import TensorFlowNeurons
from nengo_layers_plus.surrogate import SurrogateFunction, SurrogateKind

BUILT_IN = [
    "arctan", "boxcar", "exponential", "fast_sigmoid", "gaussian", "multi_gaussian",
    "piecewise_quadratic", "sigmoid", "soft_lif", "straight_through", "triangle",
]  # fmt: skip
X = np.linspace(-3, 3, 300) + 0.00123  # without the kinks of any, which are at round numbers


def other_arguments(name: str) -> SurrogateFunction:
    kind = surrogate.get(name)
    return kind(**{each: 1.3 * value for each, value in kind.defaults.items()})


def functions(name: str) -> list[SurrogateFunction]:
    return [surrogate.get(name)(), other_arguments(name)]


def test_all_are_there():
    assert set(BUILT_IN) <= set(surrogate.names())
    assert surrogate.names() == sorted(surrogate.names())
    assert set(BUILT_IN) <= set(dir(surrogate))


@pytest.mark.parametrize("name", BUILT_IN)
class TestBuiltIn:
    def test_slope_is_the_derivative_of_the_primitive(self, name):
        for function in functions(name):
            step = 1e-6
            expected = (function.primitive(X + step) - function.primitive(X - step)) / (2 * step)
            found = np.broadcast_to(function.slope(X), X.shape)
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)

    def test_tensorflow_computes_the_same(self, name):
        for function in functions(name):
            x = tf.constant(X)
            with tf.GradientTape() as tape:
                tape.watch(x)
                value = function.primitive(x)
            np.testing.assert_allclose(value, function.primitive(X), rtol=1e-12, atol=1e-14)
            np.testing.assert_allclose(function.slope(x), function.slope(X), rtol=1e-12, atol=1e-14)
            np.testing.assert_allclose(
                tape.gradient(value, x), function.slope(x), rtol=1e-9, atol=1e-12
            )

    def test_float32(self, name):
        function = surrogate.get(name)()
        for x in (X.astype(np.float32), tf.constant(X, tf.float32)):
            for method in (function.primitive, function.slope):
                value = method(x)
                assert value.dtype == x.dtype
                np.testing.assert_allclose(value, method(X), rtol=1e-4, atol=1e-5)

    def test_rises(self, name):
        far = np.linspace(-40, 40, 4001)
        slope = np.broadcast_to(surrogate.get(name)().slope(far), far.shape)
        if name == "multi_gaussian":  # which is meant to fall far from the threshold
            assert slope.min() < 0 < slope[2000]
        else:
            assert np.all(slope >= 0)

    def test_largest_at_the_threshold(self, name):
        function = surrogate.get(name)()
        if name != "soft_lif":  # the curve of LIF neurons is steepest above it
            assert np.max(function.slope(X * 10)) <= function.slope(0.0)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_finite_far_from_the_threshold(self, name, dtype):
        function = surrogate.get(name)()
        x = np.array([-1e6, -1e3, -100, -1e-30, 0, 1e-30, 100, 1e3, 1e6], dtype)
        for at in (x, tf.constant(x)):
            assert np.isfinite(function.primitive(at)).all()
            assert np.isfinite(function.slope(at)).all()

    def test_numbers_and_sequences_are_taken(self, name):
        function = surrogate.get(name)()
        assert np.ndim(function.primitive(0.5)) == 0
        assert np.shape(function.slope([1, 2, 3])) == (3,)

    def test_says_where_it_was_published(self, name):
        source = surrogate.get(name)().source
        assert source == surrogate.get(name).source
        assert any(f"({year})" in source for year in range(2012, 2026))

    def test_is_written_as_it_is_made(self, name):
        for function in functions(name):
            assert eval(repr(function)) == function
            assert str(function.kind) == f"surrogate.{name}"
            assert function.name == name

    def test_copies_are_equal(self, name):
        for function in functions(name):
            for made in (copy.deepcopy(function), pickle.loads(pickle.dumps(function))):
                assert made == function
                assert hash(made) == hash(function)
                assert made.kind is function.kind

    def test_arguments_make_a_difference(self, name):
        first, second = functions(name)
        if first.arguments:
            assert first != second
            assert not np.array_equal(first.slope(X), second.slope(X))


def test_kinds_are_attributes_of_the_module():
    assert surrogate.arctan is surrogate.get("arctan")
    assert surrogate.arctan(2.0) == surrogate.arctan(alpha=2) == surrogate.arctan()
    with pytest.raises(AttributeError, match="no attribute 'arctangent'; there are surrogates"):
        _ = surrogate.arctangent


def test_unknown_names():
    with pytest.raises(ValidationError, match=r"'arctn'; did you mean 'arctan'\? there are arctan"):
        surrogate.get("arctn")


@pytest.mark.parametrize(
    ("args", "kwargs", "error"),
    [
        ((1, 2), {}, "expected at most these arguments, each once: alpha=2.0; got 1, 2"),
        ((1,), {"alpha": 2}, "got 1, alpha=2"),
        ((), {"beta": 2}, "alpha=2.0; got beta=2"),
        ((0,), {}, "expected a number above 0 for alpha, got 0"),
        ((-1.0,), {}, "expected a number above 0 for alpha, got -1.0"),
        ((float("nan"),), {}, "expected a number above 0 for alpha, got nan"),
        (("2",), {}, "expected a number above 0 for alpha, got '2'"),
        ((True,), {}, "expected a number above 0 for alpha, got True"),
    ],
)
def test_arguments_that_it_does_not_take(args, kwargs, error):
    with pytest.raises(ValidationError, match=error):
        surrogate.arctan(*args, **kwargs)


def test_no_arguments():
    with pytest.raises(ValidationError, match="each once: none; got 1"):
        surrogate.straight_through(1)


@surrogate.register(slope=lambda xp, x, width: xp.exp(-xp.abs(x) / width) / width, source="a test")
def with_slope(xp, x, width=1.0):
    return xp.sign(x) * (1 - xp.exp(-xp.abs(x) / width))


@surrogate.register
def without_slope(xp, x, width=1.0):
    return xp.sign(x) * (1 - xp.exp(-xp.abs(x) / width))


def test_registered_by_one_function():
    assert isinstance(with_slope, SurrogateKind)
    assert {"with_slope", "without_slope"} <= set(surrogate.names())
    assert surrogate.with_slope is with_slope
    assert (with_slope.source, without_slope.source) == ("a test", "")
    for x in (X, tf.constant(X)):
        # TensorFlow finds the slope that is not given
        np.testing.assert_allclose(without_slope(0.7).slope(x), with_slope(0.7).slope(x))
    assert pickle.loads(pickle.dumps(without_slope(2.0))) == without_slope(2.0)


def test_a_slope_that_is_not_given_in_a_graph():
    run = tf.function(without_slope().slope)
    np.testing.assert_allclose(run(tf.constant(X)), with_slope().slope(X))


def test_registered_again_from_the_same_place():
    again = surrogate.register(without_slope.primitive, source="newer")
    assert surrogate.get("without_slope") is again
    assert again.source == "newer"


def test_names_are_not_taken_from_others():
    def arctan(xp, x):
        return x

    with pytest.raises(
        ValidationError, match="a surrogate of this name already, from nengo_layers"
    ):
        surrogate.register(arctan)


def test_arguments_without_defaults():
    def steep(xp, x, alpha, beta=1.0):
        return x

    with pytest.raises(ValidationError, match=r"a default for each .*, got none for alpha"):
        surrogate.register(steep)
    assert "steep" not in surrogate.names()


def test_functions_that_numpy_and_tensorflow_do_not_share():
    @surrogate.register
    def exotic(xp, x):
        return xp.arctann(x)

    with pytest.raises(AttributeError, match=r"no function 'arctann' .*did you mean 'arctan'\?"):
        exotic().primitive(0.0)


@pytest.mark.parametrize("name", [*BUILT_IN, "with_slope", "without_slope"])
def test_slope_is_the_gradient_of_spikes(name):
    function = surrogate.get(name)()
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        spikes = TensorFlowNeurons("float64", function).spike(x)
    np.testing.assert_array_equal(spikes, X > 0)
    np.testing.assert_allclose(
        tape.gradient(spikes, x), np.broadcast_to(function.slope(X), X.shape)
    )
