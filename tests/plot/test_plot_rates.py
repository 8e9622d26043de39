"""The picture of firing rates is in hertz, and tells which neurons are silent."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot
from nengo.exceptions import ValidationError

from nengo_layers_plus import plot


def histogram(ax: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    (found,) = (each for each in ax.patches if each.get_gid() == name)
    values, edges, baseline = found.get_data()
    return values - baseline, edges


def mean_of(ax: Any, name: str) -> float:
    (line,) = (each for each in ax.lines if each.get_gid() == name)
    return float(line.get_xdata()[0])


def layers() -> dict[str, np.ndarray]:
    spikes = np.zeros((2, 100, 5))
    spikes[:, ::10, :3] = 1000  # 100 Hz
    spikes[0, ::10, 3] = 1000  # in one of two items
    return {"first": spikes, "second": np.full((10, 2), 25.0), "silent": np.zeros((10, 3))}


def test_rates_are_means_over_items_and_steps() -> None:
    ax = plot.rates(layers())

    assert ax.get_xlabel() == "mean firing rate (Hz)"
    heights, edges = histogram(ax, "first")
    assert (edges[0], edges[-1]) == (0, 100)
    # three neurons of 100 Hz, one of 50 Hz; the silent one is not in it
    assert heights[-1] == pytest.approx(3 * heights[20])
    assert np.count_nonzero(heights) == 2
    assert mean_of(ax, "first") == pytest.approx(350 / 5)
    assert mean_of(ax, "second") == pytest.approx(25)
    assert not histogram(ax, "silent")[0].any()
    assert [each.get_text() for each in ax.texts] == [
        "mean 70 Hz, 20 % silent",
        "mean 25 Hz, 0 % silent",
        "mean 0 Hz, 100 % silent",
    ]
    assert [each.get_text() for each in ax.get_yticklabels()] == [
        "first\n5 neurons",
        "second\n2 neurons",
        "silent\n3 neurons",
    ]
    # the first is above
    assert list(ax.get_yticks()) == sorted(ax.get_yticks(), reverse=True)


def test_amplitudes_are_divided_out() -> None:
    both = {name: 0.01 * each for name, each in layers().items()}
    assert mean_of(plot.rates(both, amplitude=0.01), "first") == pytest.approx(70)
    amplitudes = {"first": 0.02, "second": 0.01, "silent": 1}
    ax = plot.rates(both, amplitude=amplitudes)
    assert (mean_of(ax, "first"), mean_of(ax, "second")) == pytest.approx((35, 25))


def test_outputs_below_zero_fire_as_those_above() -> None:
    assert mean_of(plot.rates({"both": [[-50.0, 50.0]]}), "both") == 50


def test_a_layer_without_name_and_axes_that_are_given() -> None:
    figure, ax = pyplot.subplots()

    assert plot.rates(np.full((3, 1), 7.0), ax=ax) is ax
    assert [each.get_text() for each in ax.get_yticklabels()] == ["1 neuron"]
    assert pyplot.get_fignums() == [figure.number]
    numbered = plot.rates({0: [[1.0]]})
    assert [each.get_text() for each in numbered.get_yticklabels()] == ["0\n1 neuron"]


def test_long_names_do_not_overlap() -> None:
    ax = plot.rates({f"{'a long name of a layer ' * 4}{number}": [[1.0]] for number in range(3)})

    ax.figure.draw_without_rendering()
    extents = [each.get_window_extent() for each in ax.get_yticklabels()]
    assert all(upper.y0 > lower.y1 for upper, lower in pairwise(extents))


@pytest.mark.parametrize(
    ("data", "arguments", "message"),
    [
        ({}, {}, "expected at least one layer, got none"),
        ({"a": np.zeros(2)}, {}, r"data\['a'\].*\(time, neurons\)"),
        (
            {"a": np.ones((2, 2))},
            {"amplitude": 0},
            "amplitude: expected a finite number above 0, got 0",
        ),
        (
            {"a": np.ones((2, 2))},
            {"amplitude": {"b": 1}},
            "expected amplitudes of a, got those of b",
        ),
        (
            {"a": np.ones((2, 2))},
            {"amplitude": {"a": True}},
            r"amplitude\['a'\]: expected a finite number above 0",
        ),
    ],
)
def test_what_does_not_fit_is_an_error(data: Any, arguments: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        plot.rates(data, **arguments)
    assert not pyplot.get_fignums()
