"""A picture of a training."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from nengo.exceptions import ValidationError

from nengo_layers_plus.plot._axes import COLOURS, GREY, axes_or_new, whole_numbers

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
    """What one quantity was, over epochs."""

    run: str
    name: str
    is_validation: bool
    epochs: np.ndarray
    values: np.ndarray

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
    lines = _chosen([line for run, each in runs.items() for line in _lines(run, each)], names)
    n_columns = _n_columns(lines)
    ax = axes_or_new(ax, 6.4, 3.4 + 0.18 * (len(lines) / n_columns))
    losses = [line for line in lines if line.is_loss]
    metrics = [line for line in lines if not line.is_loss]
    left = ax
    right = ax.twinx() if losses and metrics else ax
    quantities = list(dict.fromkeys(line.name for line in (*losses, *metrics)))
    markers = dict(
        zip(dict.fromkeys(each.name for each in metrics), itertools.cycle(_MARKERS), strict=False)
    )
    by_run = len(runs) > 1
    kinds = list(runs) if by_run else quantities
    colours = dict(zip(kinds, itertools.cycle(COLOURS), strict=False))
    not_finite: dict[int, None] = {}
    handles = []
    for line in (*losses, *metrics):
        finite = np.isfinite(line.values)
        not_finite.update(dict.fromkeys(map(int, line.epochs[~finite])))
        alone = int(finite.sum()) == 1
        (handle,) = (left if line.is_loss else right).plot(
            line.epochs,
            np.where(finite, line.values, np.nan),
            color=colours[line.run if by_run else line.name],
            linestyle="--" if line.is_validation else "-",
            linewidth=1.6,
            marker=markers.get(line.name, "o" if alone else ""),
            markersize=4,
            markerfacecolor="white" if line.is_validation else None,
            # marks of a long training would hide its line
            markevery=max(1, len(line.epochs) // 20),
            label=line.label,
        )
        handles.append(handle)
    _label_axes(left, right, losses, metrics)
    epochs = np.concatenate([line.epochs for line in lines])
    _mark(ax, list(not_finite))
    margin = 0.02 * (epochs.max() - epochs.min()) or 0.5
    ax.set_xlim(epochs.min() - margin, epochs.max() + margin)
    whole_numbers(ax.xaxis)
    ax.set_xlabel("epoch")
    ax.spines["top"].set_visible(False)
    right.spines["top"].set_visible(False)
    if right is left:
        ax.spines["right"].set_visible(False)
    if len(handles) > 1 or by_run:
        # above the axes, where no line can be
        ax.legend(
            handles=handles,
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=n_columns,
            fontsize="small",
            frameon=False,
            handlelength=3,
        )
    return ax


def _n_columns(lines: Sequence[_Line]) -> int:
    """Return how many columns of the legend fit beside each other."""
    widest = max(len(line.label) for line in lines)
    return int(np.clip(_LETTERS // (widest + 8), 1, min(_MOST_COLUMNS, len(lines))))


def _runs(history: Any) -> dict[str, Any]:
    if isinstance(history, Mapping) and history and all(map(_is_one, history.values())):
        wrong = next((name for name in history if not isinstance(name, str)), None)
        if wrong is not None:
            raise ValidationError(
                f"expected the names of trainings as keys, got {wrong!r}", attr="history"
            )
        return dict(history)
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
        isinstance(each, Mapping) or hasattr(each, "history") for each in values.values()
    )


def _lines(run: str, history: Any) -> Iterator[_Line]:
    values = getattr(history, "history", history)
    if not values:
        named = f" of {run}" if run else ""
        raise ValidationError(
            f"expected losses of at least one epoch, got the empty history{named}", attr="history"
        )
    arrays = {str(name): _numbers(name, each) for name, each in values.items()}
    n_epochs = max(each.size for name, each in arrays.items())
    numbers = np.asarray(getattr(history, "epoch", range(n_epochs))) + 1  # Keras counts from 0
    if numbers.size != n_epochs:
        numbers = np.arange(n_epochs) + 1
    for name, each in arrays.items():
        is_validation = name.startswith(_VALIDATION)
        if each.size == n_epochs:
            epochs = numbers
        else:
            # with validation_freq only each so manieth epoch has a validation
            every = n_epochs // each.size
            if not is_validation or n_epochs // every != each.size:
                raise ValidationError(
                    f"expected {n_epochs} values of {name!r}, one for each epoch, got {each.size}",
                    attr="history",
                )
            epochs = numbers[every - 1 :: every]
        yield _Line(run, name.removeprefix(_VALIDATION), is_validation, epochs, each)


def _numbers(name: Any, values: Any) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty((0, 0))
    if array.ndim != 1 or not array.size:
        raise ValidationError(
            f"expected numbers of {name!r}, one for each epoch, got {values!r}", attr="history"
        )
    return array


def _chosen(lines: list[_Line], names: Sequence[str] | None) -> list[_Line]:
    if names is not None:
        found = list(dict.fromkeys(line.name for line in lines))  # names may be of any type
        is_list = isinstance(names, Sequence) and not isinstance(names, str)
        if not is_list or not names or any(name not in found for name in names):
            raise ValidationError(
                f"expected a list of some of {', '.join(sorted(found))}, got {names!r}",
                attr="names",
            )
        return [line for line in lines if line.name in names]
    whole = {(line.run, line.is_validation): line.values for line in lines if line.name == "loss"}
    kept = [
        line
        for line in lines
        if line.name not in _LEARNING_RATES
        and not (
            line.is_loss
            and line.name != "loss"
            and np.array_equal(
                line.values, whole.get((line.run, line.is_validation), []), equal_nan=True
            )
        )
    ]
    return kept or lines


def _label_axes(left: Axes, right: Axes, losses: Sequence[_Line], metrics: Sequence[_Line]) -> None:
    if losses:
        values = np.concatenate([line.values for line in losses])
        values = values[np.isfinite(values)]
        if len(values) and values.min() > 0 and values.max() / values.min() > _WIDE_RANGE:
            left.set_yscale("log")
        left.set_ylabel("loss")
    if metrics:
        names = list(dict.fromkeys(line.name for line in metrics))
        right.set_ylabel(names[0] if len(names) == 1 else _common_end(names))


def _common_end(names: Sequence[str]) -> str:
    """Return the words that all names end with; a probe's label stands in front of them."""
    words = [name.split("_") for name in names]
    common: list[str] = []
    for each in zip(*(reversed(parts) for parts in words), strict=False):
        if len(set(each)) > 1:
            break
        common.insert(0, each[0])
    return " ".join(common) or "metrics"


def _mark(ax: Axes, epochs: list[int]) -> None:
    """Mark epochs in which something was not finite."""
    if not epochs:
        return
    ax.plot(
        epochs,
        [0.03] * len(epochs),
        "x",
        color=GREY,
        markersize=5,
        transform=ax.get_xaxis_transform(),
        label="not finite",
        gid="not finite",
    )
    ax.annotate(
        f"not finite from epoch {min(epochs)}"
        if len(epochs) > 1
        else f"not finite in epoch {epochs[0]}",
        (min(epochs), 0.03),
        xycoords=ax.get_xaxis_transform(),
        xytext=(0, 6),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize="small",
    )
