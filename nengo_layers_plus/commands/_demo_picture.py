"""The picture that the demo draws."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from nengo_layers_plus.commands._demo_digits import Digits
from nengo_layers_plus.commands._demo_experiment import DT, N_STEPS, Outcome

# blue and orange that colour-blind readers tell apart
_COLOURS = ("#0072b2", "#e07b00")
_INK = "#222222"
_STYLE = {
    "axes.edgecolor": "#888888",
    "axes.labelcolor": _INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "font.size": 9,
    "legend.edgecolor": "none",
    "legend.facecolor": "white",
    "legend.framealpha": 1,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}
_RASTER_NEURONS = 60  # of each layer
_MS = 1000 * DT  # a step


def draw(outcomes: tuple[Outcome, Outcome], digits: Digits, path: Path) -> None:
    """
    Draw how well and how fast the networks read, and how their neurons fire.

    Parameters
    ----------
    outcomes : tuple of Outcome
        Of the network made with CustomLayers, and of the other.
    digits : Digits
        What they learned from and were tested with.
    path : pathlib.Path
        The file to write; its ending gives the format.
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9, 6), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06))
        (above,), (below,) = figure.subfigures(
            2, 1, height_ratios=(1.15, 1), hspace=0.05, squeeze=False
        )
        accuracy, digit, raster = above.subplots(1, 3, width_ratios=(5, 1.2, 4))
        _draw_accuracy(accuracy, outcomes, n_images=len(digits.test_images))
        _draw_digit(digit, outcomes[0], digits)
        _draw_raster(raster, outcomes[0])
        layers = list(outcomes[0].spiking.rates)
        for axes, layer in zip(below.subplots(1, len(layers), sharey=True), layers, strict=True):
            _draw_rates(axes, outcomes, layer)
        below.axes[0].set_ylabel("Neurons")
        figure.savefig(path, dpi=150)


def _draw_accuracy(axes: Axes, outcomes: tuple[Outcome, Outcome], n_images: int) -> None:
    # A scale that spreads what is near 100 % has no place for 100 % itself.
    nearest = 0.5 / n_images
    times = _MS * np.arange(1, N_STEPS + 1)
    for outcome, colour in zip(outcomes, _COLOURS, strict=True):
        spiking = np.clip(outcome.spiking.accuracy, nearest, 1 - nearest)
        rates = np.clip(outcome.training.accuracy, nearest, 1 - nearest)
        axes.plot(times, spiking, color=colour, linewidth=2, label=outcome.name)
        axes.axhline(rates, color=colour, linewidth=1, linestyle=(0, (4, 3)))
    axes.plot(
        [],
        [],
        color="#888888",
        linewidth=1,
        linestyle=(0, (4, 3)),
        label="the same with rate neurons",
    )
    axes.set_yscale("logit")
    axes.set_ylim(0.05, 0.999)
    axes.yaxis.set_major_locator(FixedLocator([0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.98, 0.99, 0.995]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}"))
    axes.set_xlim(0, times[-1])
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    axes.set_xlabel("Simulated time (ms)")
    axes.set_ylabel("Digits read right (%)")
    axes.set_title(f"Accuracy on {n_images} unseen digits")
    axes.legend(loc="lower right")


def _draw_digit(axes: Axes, outcome: Outcome, digits: Digits) -> None:
    axes.imshow(digits.test_images[0], cmap="gray_r", vmin=0, vmax=1)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)
    axes.set_anchor("N")
    axes.set_title("A digit")
    axes.set_xlabel(f"meant: {digits.test_labels[0]}\nread: {outcome.spiking.read[0, -1]}")


def _draw_raster(axes: Axes, outcome: Outcome) -> None:
    generator = np.random.default_rng(0)
    gap = 6
    for index, (layer, spikes) in enumerate(outcome.spiking.spikes.items()):
        firing = np.flatnonzero(spikes.any(axis=0))
        shown = generator.choice(firing, min(_RASTER_NEURONS, len(firing)), replace=False)
        steps, rows = np.nonzero(spikes[:, shown])
        bottom = index * (_RASTER_NEURONS + gap)
        axes.plot(_MS * (steps + 1), rows + bottom, "|", color=_COLOURS[0], markersize=2.6)
        axes.annotate(
            f"{layer}\n{len(shown)} of {len(firing)} that fire",
            (0, bottom + _RASTER_NEURONS / 2),
            xytext=(-4, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            multialignment="center",
            rotation=90,
        )
    axes.set_yticks([])
    axes.spines.left.set_visible(False)
    axes.set_xlim(0, _MS * (N_STEPS + 0.5))
    axes.set_ylim(-gap / 2, 2 * _RASTER_NEURONS + 1.5 * gap)
    axes.set_xlabel("Simulated time (ms)")
    axes.set_title(f"Its spikes, {outcome.name} network")


def _draw_rates(axes: Axes, outcomes: tuple[Outcome, Outcome], layer: str) -> None:
    rates = [outcome.spiking.rates[layer] for outcome in outcomes]
    bins = np.linspace(0, max(each.max() for each in rates), 41).tolist()
    for outcome, values, colour in zip(outcomes, rates, _COLOURS, strict=True):
        axes.hist(values, bins, color=colour, alpha=0.25)
        axes.hist(
            values,
            bins,
            color=colour,
            histtype="step",
            linewidth=1.5,
            label=f"{outcome.name}, mean {values.mean():.0f} Hz",
        )
    axes.set_yscale("log")
    axes.set_xlim(0, bins[-1])
    axes.set_xlabel("Mean firing rate (Hz)")
    axes.set_title(f"Firing rates of {layer}, {len(values):,} neurons")
    axes.legend(loc="upper right")
