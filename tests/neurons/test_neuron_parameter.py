"""What a model says of a parameter, and which values it takes."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_layers_plus import NeuronParameter

ANY = NeuronParameter(0.0, unit="mV")
POSITIVE = NeuronParameter(0.02, unit="s", positive=True)
FROM_ZERO = NeuronParameter(0.0, positive=True, allows_zero=True)
BOUNDED = NeuronParameter(0.5, bounds=(0, 1))


@pytest.mark.parametrize(
    ("declared", "value"),
    [(ANY, -65), (ANY, np.float32(2)), (POSITIVE, 1e-9), (FROM_ZERO, 0), (BOUNDED, 0.999)],
)
def test_numbers(declared, value):
    checked = declared.check("tau", value)
    assert type(checked) is float
    assert checked == value


def test_arrays():
    given = np.array([[1, 2], [3, 4]])
    checked = POSITIVE.check("tau", given)
    np.testing.assert_array_equal(checked, [1.0, 2.0, 3.0, 4.0])
    assert checked.dtype == np.float64
    given[0, 0] = 9
    assert checked[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        checked[0] = 2


@pytest.mark.parametrize(
    ("declared", "value", "error"),
    [
        (ANY, "fast", "tau: expected a number, or an array with one for each neuron, got 'fast'"),
        (ANY, np.nan, r"tau: expected values finite \(mV\), got nan"),
        (ANY, [1, [2, 3]], "tau: expected a number, or an array"),
        (ANY, np.inf, r"tau: expected values finite \(mV\), got inf"),
        (POSITIVE, 0, r"tau: expected values above 0 \(s\), got 0.0"),
        (POSITIVE, [0.1, -0.2], r"tau: expected values above 0 \(s\), got -0.2"),
        (FROM_ZERO, -1, "tau: expected values of at least 0, got -1.0"),
        (BOUNDED, 1, "tau: expected values between 0.0 and 1.0, got 1.0"),
        (BOUNDED, 0, "tau: expected values between 0.0 and 1.0, got 0.0"),
    ],
)
def test_values_that_it_does_not_take(declared, value, error):
    with pytest.raises(ValidationError, match=error):
        declared.check("tau", value)


def test_errors_name_whose_value_it_is():
    class Population:
        pass

    with pytest.raises(ValidationError, match=r"^Population\.tau: "):
        POSITIVE.check("tau", -1, Population())


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"default": -1, "positive": True}, "default: expected values above 0, got -1.0"),
        ({"default": 2, "bounds": (0, 1)}, "default: expected values between 0.0 and 1.0"),
        ({"default": 0, "bounds": (1, 0)}, "bounds: expected two finite numbers, the lower first"),
        ({"default": 0, "bounds": (0, np.inf)}, "bounds: expected two finite numbers"),
        ({"default": 1, "bounds": (0, 2), "positive": True}, "got both; bounds are enough"),
    ],
)
def test_declarations_that_make_no_sense(arguments, error):
    with pytest.raises(ValidationError, match=error):
        NeuronParameter(**arguments)


def test_equal_declarations():
    again = pickle.loads(pickle.dumps(BOUNDED))
    assert again == BOUNDED
    assert hash(again) == hash(BOUNDED)
    assert NeuronParameter(0.5, bounds=(0, 2)) != BOUNDED
