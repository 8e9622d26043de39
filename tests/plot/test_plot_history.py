"""The picture of a training shows each loss and metric over its epochs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot
from nengo.exceptions import ValidationError

from nengo_layers_plus import plot

TRAINING = {
    "loss": [2.0, 0.9, 0.5],
    "probe_loss": [2.0, 0.9, 0.5],
    "probe_accuracy": [0.3, 0.6, 0.8],
    "val_loss": [2.1, 1.0, 0.7],
    "val_probe_loss": [2.1, 1.0, 0.7],
    "val_probe_accuracy": [0.3, 0.5, 0.6],
    "lr": [0.1, 0.1, 0.1],
}


def lines(ax: Any) -> dict[str, tuple[list[float], list[float]]]:
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in ax.lines}


def legend(ax: Any) -> list[str]:
    return [each.get_text() for each in ax.get_legend().get_texts()]


def test_losses_are_at_the_left_and_metrics_at_the_right() -> None:
    ax = plot.history(TRAINING)

    left, right = ax.figure.axes
    assert left is ax
    assert lines(left) == {
        "loss": ([1, 2, 3], TRAINING["loss"]),
        "loss, validation": ([1, 2, 3], TRAINING["val_loss"]),
    }
    assert lines(right) == {
        "probe_accuracy": ([1, 2, 3], TRAINING["probe_accuracy"]),
        "probe_accuracy, validation": ([1, 2, 3], TRAINING["val_probe_accuracy"]),
    }
    assert (left.get_xlabel(), left.get_ylabel()) == ("epoch", "loss")
    assert right.get_ylabel() == "probe_accuracy"
    assert right.yaxis.get_label_position() == "right"
    # what is said by the colour is said by the line as well
    assert [line.get_linestyle() for line in (*left.lines, *right.lines)] == ["-", "--"] * 2
    assert {line.get_marker() for line in left.lines} == {""}
    assert {line.get_marker() for line in right.lines} == {"s"}
    assert legend(ax) == [*lines(left), *lines(right)]


def test_what_fit_returns_is_taken_with_its_epochs() -> None:
    returned = SimpleNamespace(history={"loss": [3.0, 2.0]}, epoch=[5, 6])  # initial_epoch=5

    ax = plot.history(returned)

    assert lines(ax) == {"loss": ([6, 7], [3.0, 2.0])}
    assert ax.get_legend() is None
    assert ax.figure.axes == [ax]


def test_names_choose_what_is_drawn() -> None:
    ax = plot.history(TRAINING, names=["probe_accuracy", "lr"])

    assert list(lines(ax)) == ["probe_accuracy", "probe_accuracy, validation", "lr"]
    assert ax.figure.axes == [ax]
    assert ax.get_ylabel() == "metrics"


def test_several_trainings_differ_in_colour() -> None:
    ax = plot.history({"one": TRAINING, "other": SimpleNamespace(history={"loss": [1.0]})})

    drawn = {line.get_label(): line for line in (*ax.lines, *ax.figure.axes[1].lines)}
    assert list(drawn) == [
        *("one: loss", "one: loss, validation", "other: loss"),
        *("one: probe_accuracy", "one: probe_accuracy, validation"),
    ]
    colours = [line.get_color() for line in drawn.values()]
    assert len({*colours[:2], *colours[3:]}) == 1
    assert colours[2] not in colours[:2]


def test_metrics_of_several_probes_share_their_last_words() -> None:
    named = {"a_mean_squared_error": [1.0, 2.0], "b_mean_squared_error": [1.0, 3.0]}
    ax = plot.history({"loss": [2.0, 1.0], **named})

    assert ax.figure.axes[1].get_ylabel() == "mean squared error"
    assert len({line.get_color() for line in ax.figure.axes[1].lines}) == 2


def test_what_is_not_finite_is_marked_where_it_is() -> None:
    ax = plot.history({"loss": [1.0, 0.5, np.nan, np.inf]})

    assert lines(ax)["loss"][1][:2] == [1.0, 0.5]
    assert np.isnan(lines(ax)["loss"][1][2:]).all()
    assert lines(ax)["not finite"][0] == [3, 4]
    assert [each.get_text() for each in ax.texts] == ["not finite from epoch 3"]
    nothing_else = plot.history({"loss": [np.nan]})
    assert [each.get_text() for each in nothing_else.texts] == ["not finite in epoch 1"]
    nothing_else.figure.draw_without_rendering()


def test_one_epoch_is_a_mark() -> None:
    ax = plot.history({"loss": [0.5]})

    (line,) = ax.lines
    assert line.get_marker() == "o"
    ax.figure.draw_without_rendering()
    low, high = ax.get_xlim()
    assert [tick for tick in ax.get_xticks() if low <= tick <= high] == [1]


@pytest.mark.parametrize(
    ("losses", "scale"), [([1.0, 0.5], "linear"), ([1.0, 0.01], "log"), ([1.0, 0.0], "linear")]
)
def test_a_wide_range_of_losses_is_logarithmic(losses: list[float], scale: str) -> None:
    assert plot.history({"loss": losses}).get_yscale() == scale


def test_a_validation_each_so_many_epochs_stands_at_its_epochs() -> None:
    ax = plot.history({"loss": [5.0, 4.0, 3.0, 2.0, 1.0], "val_loss": [4.5, 2.5]})

    assert lines(ax)["loss, validation"] == ([2, 4], [4.5, 2.5])


def test_it_draws_into_axes_that_are_given() -> None:
    figure, ax = pyplot.subplots()

    assert plot.history(TRAINING, ax=ax) is ax
    assert pyplot.get_fignums() == [figure.number]


@pytest.mark.parametrize(
    ("history", "arguments", "message"),
    [
        (None, {}, "what sim.fit returned, its history, or a dict of several.*got None"),
        ({}, {}, "expected losses of at least one epoch, got the empty history"),
        ({"a": {}}, {}, "got the empty history of a"),
        ({"loss": []}, {}, r"expected numbers of 'loss', one for each epoch, got \[\]"),
        ({"loss": "low"}, {}, "expected numbers of 'loss'"),
        ({"loss": [1, 2, 3], "mse": [1]}, {}, "expected 3 values of 'mse', .* got 1"),
        (TRAINING, {"names": ["accuracy"]}, "some of loss, lr, probe_accuracy, probe_loss, got"),
        (TRAINING, {"names": "loss"}, "got 'loss'"),
        (TRAINING, {"names": []}, r"got \[\]"),
        (TRAINING, {"names": 1}, "got 1"),
        (TRAINING, {"names": [["loss"]]}, r"got \[\['loss'\]\]"),
    ],
)
def test_what_does_not_fit_is_an_error(history: Any, arguments: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        plot.history(history, **arguments)
    assert not pyplot.get_fignums()
