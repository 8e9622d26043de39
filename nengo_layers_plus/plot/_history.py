"""A picture of a training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, takewhile
from typing import TYPE_CHECKING, Any

import numpy as np
from nengo.exceptions import ValidationError

from nengo_layers_plus._declared import array_of, items_in
from nengo_layers_plus.plot._axes import (
    COLOURS,
    GREY,
    add_legend,
    axes_or_new,
    note,
    whole_numbers,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_VALIDATION = "val_"
_LEARNING_RATES = ("lr", "learning_rate")
_MARKERS = ("s", "^", "D", "v", "P", "o")
_WIDE_RANGE = 30.0  # of losses that a logarithmic axis shows better
_MOST_COLUMNS = 3
_LETTERS = 95  # of a legend, beside each other


@dataclass(frozen=True)
class _Line:
    """A loss or metric of a training, over epochs."""

    run: str
    name: str
    is_validation: bool
    epochs: np.ndarray
    values: np.ndarray

    @property
    def is_finite(self) -> np.ndarray:
        return np.isfinite(self.values)

    @property
    def is_loss(self) -> bool:
        return self.name.endswith("loss")

    @property
    def label(self) -> str:
        run = f"{self.run}: " if self.run else ""
        return f"{run}{self.name}{', validation' if self.is_validation else ''}"


def history(history: Any, *, names: Sequence[str] | None = None, ax: Any = None) -> Axes:
    """
    Draw losses and metrics over the epochs of a training.

    Losses belong to the axis at the left, which is logarithmic if they span a wide range; metrics
    have marks and belong to the axis at the right. Lines of the validation are dashed. Epochs in
    which a value was not finite are marked with a cross below.

    Parameters
    ----------
    history : keras.callbacks.History, Mapping, or a dict of several of them
        What ``sim.fit`` returned, or its ``history``; of several trainings a dict of them by the
        name that is written.
    names : sequence of str, optional
        What is drawn, by the names of the metrics without ``val_``, e.g. ``["loss"]``. By default
        all but learning rates, and but losses of single outputs that are the same as the loss.
    ax : matplotlib.axes.Axes, optional
        What to draw in; by default a new figure.

    Returns
    -------
    ax : matplotlib.axes.Axes
        Where the losses were drawn. If there are metrics besides, their axes are the last of its
        figure.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an argument does not fit.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from nengo_layers_plus import plot
    >>> ax = plot.history({"loss": [0.9, 0.3, 0.2], "val_loss": [0.9, 0.5, 0.4]})
    >>> [line.get_label() for line in ax.lines]
    ['loss', 'loss, validation']
    """
    runs = _runs(history)
    lines = [line for run, values in runs.items() for line in _lines(run, values)]
    lines = sorted(_chosen(lines, names), key=lambda line: not line.is_loss)
    losses = [line for line in lines if line.is_loss]
    metrics = lines[len(losses) :]
    # as many columns of the legend as fit beside each other
    widest = max(len(line.label) for line in lines)
    n_columns = int(np.clip(_LETTERS // (widest + 8), 1, min(_MOST_COLUMNS, len(lines))))
    left = axes_or_new(ax, 6.4, 3.4 + 0.18 * (len(lines) / n_columns))
    right = left.twinx() if losses and metrics else left
    markers = _assign(_MARKERS, (line.name for line in metrics))
    by_run = len(runs) > 1
    colours = _assign(COLOURS, runs if by_run else (line.name for line in lines))
    handles = [
        (left if line.is_loss else right).plot(
            line.epochs,
            np.where(line.is_finite, line.values, np.nan),
            color=colours[line.run if by_run else line.name],
            linestyle="--" if line.is_validation else "-",
            linewidth=1.6,
            marker=markers.get(line.name, "o" if line.is_finite.sum() == 1 else ""),
            markersize=4,
            markerfacecolor="white" if line.is_validation else None,
            # marks of a long training would hide its line
            markevery=max(1, len(line.epochs) // 20),
            label=line.label,
        )[0]
        for line in lines
    ]
    if losses:
        values = np.concatenate([line.values[line.is_finite] for line in losses])
        if len(values) and values.min() > 0 and values.max() / values.min() > _WIDE_RANGE:
            left.set_yscale("log")
        left.set_ylabel("loss")
    if metrics:
        right.set_ylabel(_common_end(list(markers)))
    _mark(left, np.unique(np.concatenate([line.epochs[~line.is_finite] for line in lines])))
    epochs = np.concatenate([line.epochs for line in lines])
    margin = 0.02 * (epochs.max() - epochs.min()) or 0.5
    left.set_xlim(epochs.min() - margin, epochs.max() + margin)
    whole_numbers(left.xaxis)
    left.set_xlabel("epoch")
    left.spines["top"].set_visible(False)
    right.spines["top"].set_visible(False)
    if right is left:
        left.spines["right"].set_visible(False)
    if len(handles) > 1 or by_run:
        # above the axes, where no line can be
        style: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "handlelength": 3}
        add_legend(left, handles=handles, ncols=n_columns, **style)
    return left


def _assign(looks: Sequence[str], names: Iterable[str]) -> dict[str, str]:
    """Return a look for each name, by turns."""
    return dict(zip(dict.fromkeys(names), cycle(looks), strict=False))


def _runs(history: Any) -> dict[str, Mapping[str, Any]]:
    """Return the trainings, by name; one alone has the name ""."""
    if isinstance(history, Mapping) and history and all(map(_is_one, history.values())):
        return {str(name): run for name, run in history.items()}
    if not _is_one(history):
        raise ValidationError(
            "expected what sim.fit returned, its history, or a dict of several of them by name, "
            f"got {history!r}",
            attr="history",
        )
    return {"": history}


def _is_one(history: Any) -> bool:
    values = getattr(history, "history", history)
    return isinstance(values, Mapping) and not any(
        isinstance(value, Mapping) or hasattr(value, "history") for value in values.values()
    )


def _lines(run: str, history: Any) -> Iterator[_Line]:
    arrays: dict[str, np.ndarray] = {}
    for name, values in getattr(history, "history", history).items():
        array = array_of(values)
        if array is None or array.ndim != 1 or not array.size:
            raise ValidationError(
                f"expected numbers of {name!r}, one for each epoch, got {values!r}", attr="history"
            )
        arrays[str(name)] = array.astype(np.float64)
    if not arrays:
        named = f" of {run}" if run else ""
        raise ValidationError(
            f"expected losses of at least one epoch, got the empty history{named}", attr="history"
        )
    n_epochs = max(array.size for array in arrays.values())
    numbers = np.asarray(getattr(history, "epoch", range(n_epochs))) + 1  # Keras counts from 0
    if numbers.size != n_epochs:
        numbers = np.arange(n_epochs) + 1
    for name, array in arrays.items():
        is_validation = name.startswith(_VALIDATION)
        # with Keras' validation_freq not all epochs have a validation
        every = n_epochs // array.size if is_validation else 1
        epochs = numbers[every - 1 :: every]
        if epochs.size != array.size:
            raise ValidationError(
                f"expected {n_epochs} values of {name!r}, one for each epoch, got {array.size}",
                attr="history",
            )
        yield _Line(run, name.removeprefix(_VALIDATION), is_validation, epochs, array)


def _chosen(lines: list[_Line], names: Sequence[str] | None) -> list[_Line]:
    if names is not None:
        known = sorted({line.name for line in lines})
        wanted = items_in(names)
        if not wanted or not all(isinstance(name, str) and name in known for name in wanted):
            raise ValidationError(
                f"expected a list of some of {', '.join(known)}, got {names!r}", attr="names"
            )
        return [line for line in lines if line.name in wanted]
    whole = {(line.run, line.is_validation): line.values for line in lines if line.name == "loss"}

    def adds_nothing(line: _Line) -> bool:
        if line.name == "loss" or not line.is_loss:
            return line.name in _LEARNING_RATES
        loss = whole.get((line.run, line.is_validation))
        return loss is not None and np.array_equal(line.values, loss, equal_nan=True)

    return [line for line in lines if not adds_nothing(line)] or lines


def _common_end(names: Sequence[str]) -> str:
    """Return the words that all names end with; a probe's label stands in front of them."""
    if len(names) == 1:
        return names[0]
    reversed_words = [name.split("_")[::-1] for name in names]
    places = takewhile(lambda words: len(set(words)) == 1, zip(*reversed_words, strict=False))
    return " ".join([words[0] for words in places][::-1]) or "metrics"


def _mark(ax: Axes, epochs: np.ndarray) -> None:
    """Mark epochs with a value that is not finite."""
    if not len(epochs):
        return
    transform = ax.get_xaxis_transform()
    style: dict[str, Any] = {"color": GREY, "markersize": 5, "transform": transform}
    ax.plot(epochs, [0.03] * len(epochs), "x", label="not finite", gid="not finite", **style)
    text = f"not finite {'from' if len(epochs) > 1 else 'in'} epoch {epochs[0]}"
    note(ax, text, (epochs[0], 0.03), transform, lift=6, align="center")
