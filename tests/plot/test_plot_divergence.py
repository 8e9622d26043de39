"""The picture of how networks come apart shows where and when they do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot
from nengo.exceptions import ValidationError

from nengo_layers_plus import plot
from nengo_layers_plus.introspection import Comparison, Divergence


def divergence(
    name: str, difference: Any, scale: float = 1.0, first_step: int | None = None
) -> Divergence:
    values = np.asarray(difference, dtype=np.float64)
    shape = (1, len(values), 1)
    return Divergence(name, (None, None), "ensemble", values, scale, (shape, shape), first_step)


def comparison(*divergences: Divergence) -> Comparison:
    return Comparison("a", "b", (), (), (), (), divergences=divergences, dt=0.002)


SAME = divergence("same", np.zeros(4))
ROUNDED = divergence("rounded", [1e-7, 0, 1e-7, 1e-7])
FIRST = divergence("first", [0, 4.0, 8.0, 8.0], scale=4.0, first_step=2)
LATER = divergence("later", [0, 0, 0.5, 0.1], first_step=3)
LOST = divergence("lost", np.full(4, np.nan), first_step=1)


def lines(ax: Any) -> dict[str, Any]:
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


def test_lines_are_relative_and_the_first_stands_out() -> None:
    ax = plot.divergence(comparison(SAME, ROUNDED, FIRST, LATER))

    drawn = lines(ax)
    assert list(drawn) == ["same: no difference", "rounded", "first: first to differ", "later"]
    first = drawn["first: first to differ"]
    assert list(first.get_xdata()) == pytest.approx([0.002, 0.004, 0.006, 0.008])
    assert list(first.get_ydata())[1:] == pytest.approx([1, 2, 2])
    assert first.get_linewidth() > 2 * drawn["later"].get_linewidth()
    assert len({line.get_color() for line in drawn.values()}) == 4
    assert ax.get_yscale() == "log"
    (begins,) = (line for line in ax.lines if line.get_linestyle() == ":")
    assert begins.get_xdata()[0] == pytest.approx(0.004)
    assert ax.get_xlabel() == "time (s)"
    assert ax.get_ylabel() == "greatest difference,\nrelative to the greatest output"


def test_no_difference_is_a_line_at_0() -> None:
    ax = plot.divergence(comparison(SAME, FIRST))

    (height,) = set(lines(ax)["same: no difference"].get_ydata())
    assert 0 < ax.get_ylim()[0] < height < 0.1
    ax.figure.draw_without_rendering()
    ticks = dict(
        zip(ax.get_yticks(), (each.get_text() for each in ax.get_yticklabels()), strict=True)
    )
    assert ticks[height] == "0"
    assert ticks[1.0] == "$10^{0}$"


def test_networks_that_are_the_same_are_a_picture() -> None:
    ax = plot.divergence(comparison(SAME))

    assert list(lines(ax)) == ["same: no difference"]
    assert not [line for line in ax.lines if line.get_linestyle() == ":"]


def test_what_can_not_be_compared_is_said() -> None:
    partly = divergence("partly", [0, np.nan, 1, 1], first_step=2)

    ax = plot.divergence(comparison(LOST, partly))

    assert list(lines(ax)) == [
        "lost: can't be compared, first\nto differ",
        "partly: not finite in 1 steps",
    ]


def test_outputs_that_are_0_have_differences_as_they_are() -> None:
    ax = plot.divergence(comparison(divergence("off", [0.0, 0.25], scale=0.0, first_step=2)))

    assert lines(ax)["off: first to differ"].get_ydata()[1] == 0.25


def test_many_objects_are_a_map() -> None:
    many = [divergence(f"layer_{number}", [0, 0, 10.0**-number, 0]) for number in range(7)]

    ax = plot.divergence(comparison(SAME, *many, LOST, FIRST))

    (mesh,) = ax.images
    values = mesh.get_array()
    assert values.shape == (10, 4)
    assert values.data[1:8, 2] == pytest.approx([10.0**-number for number in range(7)])
    assert values.mask[8].all()
    assert not values.mask[[*range(8), 9]].any()
    # the limits of the colours hold all but 0
    assert mesh.norm.vmin <= 1e-6 < 2 <= mesh.norm.vmax
    assert (values[0] < mesh.norm.vmin).all()
    left, right, bottom, top = mesh.get_extent()
    assert (left, right) == pytest.approx((0.001, 0.009))
    assert (bottom, top) == (9.5, -0.5)
    labels = [each.get_text() for each in ax.get_yticklabels()]
    assert labels[0] == "same: no difference"
    assert labels[8] == "lost: can't be compared, first to differ"
    (bold,) = [each for each in ax.get_yticklabels() if each.get_fontweight() == "bold"]
    assert bold.get_text() == labels[8]


def test_the_first_is_marked_on_a_map() -> None:
    ax = plot.divergence(comparison(*[SAME] * 8, FIRST, LATER))

    (mark,) = ax.lines
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (pytest.approx(0.004), 8)


def test_it_draws_into_axes_that_are_given() -> None:
    figure, (ax, other) = pyplot.subplots(2)

    assert plot.divergence(comparison(SAME), ax=ax) is ax
    assert plot.divergence(comparison(*[SAME] * 9), ax=other) is other
    assert pyplot.get_fignums() == [figure.number]


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(ValidationError, match="expected what compare returned, got 3"):
        plot.divergence(3)
    for nothing in (comparison(), comparison(divergence("a", []))):
        with pytest.raises(ValidationError, match="networks that were run, got one without outp"):
            plot.divergence(nothing)
    assert not pyplot.get_fignums()
