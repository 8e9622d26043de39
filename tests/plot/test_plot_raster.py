"""The picture of spikes shows those that there are, where they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot
from nengo.exceptions import ValidationError

from nengo_layers_plus import plot

SPIKES = np.zeros((2, 50, 4))
SPIKES[0, [0, 9], 1] = 1000
SPIKES[1, [4, 49], 3] = 1000
SPIKES[1, 20, 0] = 1000


def marks(ax: Any) -> list[tuple[float, float]]:
    (found,) = (each for each in ax.collections if each.get_gid() == "spikes")
    return [(round(float(x), 9), float(y)) for x, y in found.get_offsets()]


def test_spikes_stand_at_the_end_of_their_steps() -> None:
    ax = plot.raster(SPIKES[0])

    assert marks(ax) == [(0.001, 1), (0.01, 1)]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (s)", "neuron")
    low, high = ax.get_xlim()
    assert (low, high) == (0, pytest.approx(0.0505))
    assert ax.get_ylim()[0] < 0 < 3 < ax.get_ylim()[1]
    assert not ax.texts


def test_an_item_and_the_length_of_a_step_are_chosen() -> None:
    assert marks(plot.raster(SPIKES)) == [(0.001, 1), (0.01, 1)]
    chosen = [(0.01, 3), (0.042, 0), (0.1, 3)]
    assert marks(plot.raster(SPIKES, item=1, dt=0.002)) == chosen
    assert marks(plot.raster(SPIKES, item=-1, dt=0.002)) == chosen


def test_it_draws_into_axes_that_are_given() -> None:
    figure, axes = pyplot.subplots(2)

    assert plot.raster(SPIKES, ax=axes[1]) is axes[1]
    assert not axes[0].collections
    assert pyplot.get_fignums() == [figure.number]


def test_of_many_neurons_some_are_drawn_and_the_axis_says_so() -> None:
    spikes = np.full((3, 2001), 0.0)
    spikes[1] = 1.0

    ax = plot.raster(spikes)

    assert ax.get_ylabel() == "neuron (200 of 2,001 shown)"
    neurons = [neuron for _, neuron in marks(ax)]
    assert len(neurons) == 200
    assert (min(neurons), max(neurons)) == (0, 2000)
    assert set(np.diff(neurons)) <= {10, 11}
    assert len(marks(plot.raster(spikes, max_neurons=None))) == 2001
    assert [neuron for _, neuron in marks(plot.raster(spikes, max_neurons=1))] == [0]


def test_several_spikes_in_a_step_are_told_whatever_the_amplitude() -> None:
    spikes = 0.02 * SPIKES[0]
    spikes[30, 2] = 3 * 20.0

    ax = plot.raster(spikes)

    assert len(marks(ax)) == 3
    assert [each.get_text() for each in ax.texts] == ["up to 3 spikes in a step"]


def test_no_spikes_and_one_neuron_are_pictures() -> None:
    ax = plot.raster(np.zeros((10, 1)))

    assert marks(ax) == []
    assert [each.get_text() for each in ax.texts] == ["no spikes"]
    ax.figure.draw_without_rendering()
    low, high = ax.get_ylim()
    assert [tick for tick in ax.get_yticks() if low <= tick <= high] == [0]


@pytest.mark.parametrize(
    ("data", "arguments", "message"),
    [
        (np.zeros(5), {}, r"\(time, neurons\) or \(batch, time, neurons\).* shape \(5,\)"),
        ("spikes", {}, "got 'spikes'"),
        ([[1], [2, 3]], {}, "expected numbers of shape"),
        ([], {}, "expected numbers of shape"),
        (np.zeros((0, 5)), {}, "at least one step and one neuron.*has the Simulator been run"),
        (np.full((2, 2), np.nan), {}, "expected finite numbers, got 4 that are NaN"),
        (SPIKES, {"dt": 0}, r"dt: expected a finite number above 0, got 0"),
        (SPIKES, {"dt": "1 ms"}, "got '1 ms'"),
        (SPIKES, {"item": 2}, "one of 2 items, from -2 to 1, got 2"),
        (SPIKES, {"item": 0.5}, "one of 2 items"),
        (SPIKES[0], {"item": 0}, "expected item=None for data without a batch"),
        (SPIKES, {"max_neurons": 0}, "max_neurons: expected a whole number from 1 .*, got 0"),
        (np.random.default_rng(0).random((30, 3)), {}, "expected spikes.*draw rates with"),
    ],
)
def test_what_does_not_fit_is_an_error(data: Any, arguments: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        plot.raster(data, **arguments)
    assert not pyplot.get_fignums()
