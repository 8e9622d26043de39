"""
Read handwritten digits with spiking neurons: an example to read from top to bottom, and to copy.

A convolutional network is built twice, with `.CustomLayer` and with `nengo_dl.Layer`. It is trained
with rate neurons, in a single step of simulated time. Then spiking neurons with the same weights
are shown the test images, 40 steps each. ``python -m nengo_layers_plus demo`` calls `demonstrate`.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import nengo
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from nengo_layers_plus import CustomLayer, LayerContext, LayerParts, nengo_dl, plot
from nengo_layers_plus._upstream import tf

DT = 0.001  # s
N_STEPS = 40  # that each test image is shown
MINIBATCH = 50  # images
LEARNING_RATE = 0.004  # at first; it falls to 0 along a cosine
RATE_PER_UNIT = 200.0  # Hz, the firing rate that stands for an output of 1
HIDDEN_SYNAPSE, READOUT_SYNAPSE = 0.005, 0.02  # s
COLOURS = ("#0072b2", "#d55e00")  # blue and orange that colour-blind readers tell apart
STYLE = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "font.size": 9,
}


# 1. the data


class Digits(NamedTuple):
    """Images ``(n_images, 8, 8)`` of digits, ink from 0 to 1, and the digits that were meant."""

    train_images: NDArray[np.float32]
    test_images: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_labels: NDArray[np.int64]


def split_digits(seed: int, n_train: int = 1400, n_test: int = 397) -> Digits:
    """Split the 1,797 digits at random, with the same share of each digit on both sides."""
    digits = load_digits()
    return Digits(
        *train_test_split(
            (digits.images / digits.images.max()).astype(np.float32),
            digits.target,
            train_size=n_train,
            test_size=n_test,
            stratify=digits.target,
            random_state=seed,
        )
    )


def shift_at_random(
    images: NDArray[np.float32], generator: np.random.Generator
) -> NDArray[np.float32]:
    """Shift each image by up to one pixel up or down, and left or right; 0 comes in."""
    n_images, height, width = images.shape
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    down, right = generator.integers(0, 3, size=(2, n_images, 1, 1))
    rows = down + np.arange(height)[:, None]
    columns = right + np.arange(width)
    return padded[np.arange(n_images)[:, None, None], rows, columns]


def present(images: NDArray[np.float32], n_steps: int) -> NDArray[np.float32]:
    """Show each image for some steps; returns an array of shape ``(n_images, n_steps, 64)``."""
    return np.tile(images.reshape(len(images), 1, -1), (1, n_steps, 1))


def minibatches(images: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Split images into minibatches; the last is filled up with blank images."""
    padded = np.pad(images, ((0, -len(images) % MINIBATCH), (0, 0), (0, 0)))
    return np.split(padded, range(MINIBATCH, len(images), MINIBATCH))


# 2. the network, built in two ways


@dataclass(frozen=True, eq=False)
class DigitNetwork:
    """
    A network that reads digits.

    Parameters
    ----------
    network : nengo.Network
        Takes one image.
    output : nengo.Probe
        Of the evidence for each of the ten digits.
    neurons : dict of nengo.Probe
        Of the neurons, by the name of their layer.
    layers : tuple of CustomLayer
        Those that it was made with.
    """

    network: nengo.Network
    output: nengo.Probe
    neurons: Mapping[str, nengo.Probe]
    layers: tuple[CustomLayer, ...] = ()


def make_neurons(spiking: bool) -> nengo.neurons.NeuronType:
    """Return rectified linear neurons, which put out their rate or spikes of that mean."""
    if not spiking:
        return nengo.RectifiedLinear(amplitude=1 / RATE_PER_UNIT)
    return nengo.SpikingRectifiedLinear(
        amplitude=1 / RATE_PER_UNIT, initial_state={"voltage": nengo.dists.Uniform(0, 1)}
    )


class SteadyNeurons(CustomLayer):
    """Neurons that respond alike: not without input, and with the same rate to the same input."""

    def __init__(self, spiking: bool, label: str) -> None:
        super().__init__(make_neurons(spiking), trainable={"bias": False}, label=label)

    def make_ensemble_kwargs(self, context: LayerContext) -> Mapping[str, Any]:
        """Return the response curve, one for all neurons."""
        return {"gain": RATE_PER_UNIT, "bias": 0}

    def on_built(self, parts: LayerParts) -> None:
        """Record what the neurons put out."""
        self.activity = nengo.Probe(parts.output)


def build_custom(seed: int, spiking: bool) -> DigitNetwork:
    """Build the network with CustomLayers; synapses follow spiking neurons alone."""
    hidden_synapse, readout_synapse = (HIDDEN_SYNAPSE, READOUT_SYNAPSE) if spiking else (None, None)
    conv1 = CustomLayer(tf.keras.layers.Conv2D(32, 3), label="conv1")
    neurons1 = SteadyNeurons(spiking, label="neurons1")
    conv2 = CustomLayer(tf.keras.layers.Conv2D(64, 3), synapse=hidden_synapse, label="conv2")
    neurons2 = SteadyNeurons(spiking, label="neurons2")
    readout = CustomLayer(tf.keras.layers.Dense(10), synapse=readout_synapse, label="readout")

    with nengo.Network(seed=seed) as network:
        image = nengo.Node(np.zeros(64), label="image")
        x = neurons1(conv1(image, shape_in=(8, 8, 1)))
        x = neurons2(conv2(x, shape_in="auto"))
        output = nengo.Probe(readout(x))
    return DigitNetwork(
        network,
        output,
        neurons={"neurons1": neurons1.activity, "neurons2": neurons2.activity},
        layers=(conv1, neurons1, conv2, neurons2, readout),
    )


def build_stock(seed: int, spiking: bool) -> DigitNetwork:
    """Build it with stock layers: the same but for the response curves and what is trained."""
    hidden_synapse, readout_synapse = (HIDDEN_SYNAPSE, READOUT_SYNAPSE) if spiking else (None, None)
    neurons = nengo_dl.Layer(make_neurons(spiking))
    conv1 = nengo_dl.Layer(tf.keras.layers.Conv2D(32, 3))
    conv2 = nengo_dl.Layer(tf.keras.layers.Conv2D(64, 3))
    readout = nengo_dl.Layer(tf.keras.layers.Dense(10))

    with nengo.Network(seed=seed) as network:
        image = nengo.Node(np.zeros(64), label="image")
        x = conv1(image, shape_in=(8, 8, 1), label="conv1")
        x = neurons1 = neurons(x, label="neurons1")
        x = conv2(x, shape_in=(6, 6, 32), synapse=hidden_synapse, label="conv2")
        x = neurons2 = neurons(x, label="neurons2")
        output = nengo.Probe(readout(x, synapse=readout_synapse, label="readout"))
        activity = {"neurons1": nengo.Probe(neurons1), "neurons2": nengo.Probe(neurons2)}
    return DigitNetwork(network, output, activity)


BUILDERS = {"CustomLayer": build_custom, "nengo_dl.Layer": build_stock}


# 3. training and running


@dataclass(frozen=True, eq=False)
class Outcome:
    """
    What came of one of the networks.

    Parameters
    ----------
    name : str
        The layers that it is made with.
    n_trained : int
        The number of values that are trained.
    weights : list of ndarray
        All parameters, in the order of the Simulator's Keras model.
    rate_accuracy : float
        Share of the test images that the rate neurons read right, 0 to 1.
    training_times : list of float
        The duration of each epoch (s).
    read : ndarray of shape (n_images, n_steps)
        The digit that the spiking neurons read, after each step.
    accuracy : ndarray of shape (n_steps,)
        Share of images that they read right after each step, 0 to 1.
    spikes : dict of ndarray of shape (n_images, n_steps, n_neurons)
        What the spiking neurons put out, by layer: a spike is ``1 / (RATE_PER_UNIT * DT)``.
    running_times : list of float
        The duration of each minibatch (s).
    """

    name: str
    n_trained: int
    weights: list[NDArray[np.float32]]
    rate_accuracy: float
    training_times: list[float]
    read: NDArray[np.int64]
    accuracy: NDArray[np.float64]
    spikes: Mapping[str, NDArray[np.float32]]
    running_times: list[float]

    @property
    def mean_rate(self) -> float:
        """Mean firing rate (Hz) of all neurons."""
        means = [outputs.mean((0, 1)) for outputs in self.spikes.values()]
        return RATE_PER_UNIT * float(np.concatenate(means).mean())


def make_simulator(network: DigitNetwork, seed: int) -> nengo_dl.Simulator:
    """Return a Simulator, which says nothing of a GPU that is not there."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No GPU support detected", UserWarning)
        return nengo_dl.Simulator(
            network.network, dt=DT, minibatch_size=MINIBATCH, seed=seed, progress_bar=False
        )


def experiment(
    name: str,
    build: Callable[[int, bool], DigitNetwork],
    digits: Digits,
    *,
    epochs: int,
    seed: int,
    show_progress: bool = False,
) -> Outcome:
    """
    Train a network with rate neurons, then run it with spiking ones.

    Parameters
    ----------
    name : str
        The layers that it is made with.
    build : callable
        Builds the network, given a seed and whether its neurons spike.
    digits : Digits
        The number of images to train with must be a multiple of `MINIBATCH`.
    epochs : int
        How often each image is shown, shifted at random each time.
    seed : int
        Of all that is random, from the initial weights to the shifts.
    show_progress : bool
        Whether progress bars are shown.
    """
    tf.keras.utils.set_random_seed(seed)
    n_test = len(digits.test_labels)
    batches = minibatches(digits.test_images)

    # rate neurons, in a single step
    network = build(seed, False)
    generator = np.random.default_rng(seed)
    labels = digits.train_labels[:, None, None]
    schedule = tf.keras.optimizers.schedules.CosineDecay(
        LEARNING_RATE, decay_steps=epochs * len(labels) // MINIBATCH
    )
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    training_times = []
    with make_simulator(network, seed) as sim:
        sim.compile(optimizer=tf.keras.optimizers.Adam(schedule), loss={network.output: loss})
        for _ in track(
            range(epochs), f"{name}, training", transient=True, disable=not show_progress
        ):
            images = present(shift_at_random(digits.train_images, generator), n_steps=1)
            start = time.perf_counter()
            sim.fit(images, {network.output: labels}, verbose=0)
            training_times.append(time.perf_counter() - start)
        outputs = [sim.predict_on_batch(present(batch, 1)) for batch in batches]
        evidence = np.concatenate([output[network.output] for output in outputs])[:n_test, -1]
        weights = sim.keras_model.get_weights()
        n_trained = sum(int(np.prod(x.shape)) for x in sim.keras_model.trainable_weights)

    # spiking neurons with the same weights
    network = build(seed, True)
    outputs, running_times = [], []
    with make_simulator(network, seed) as sim:
        sim.keras_model.set_weights(weights)
        for batch in track(batches, f"{name}, running", transient=True, disable=not show_progress):
            start = time.perf_counter()
            outputs.append(sim.predict_on_batch(present(batch, N_STEPS)))
            running_times.append(time.perf_counter() - start)
    probes = {"output": network.output, **network.neurons}
    recorded = {
        key: np.concatenate([output[probe] for output in outputs])[:n_test]
        for key, probe in probes.items()
    }
    read = recorded.pop("output").argmax(axis=-1)
    return Outcome(
        name,
        n_trained,
        weights,
        rate_accuracy=float(np.mean(evidence.argmax(axis=-1) == digits.test_labels)),
        training_times=training_times,
        read=read,
        accuracy=np.mean(read == digits.test_labels[:, None], axis=0),
        spikes=recorded,
        running_times=running_times,
    )


# 4. the report


def make_table(*headings: str, justify: Any = "left") -> Table:
    """Return a table; all columns but the first are justified alike."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for index, heading in enumerate(headings):
        table.add_column(heading, justify=justify if index else "left")
    return table


def table_of_layers(network: DigitNetwork) -> Table:
    """Return a table of CustomLayers, from what they say of their calls."""
    table = make_table("layer", "input", "output", "synapse", "response curve", "trained")
    for layer in network.layers:
        (parts,) = layer.calls
        synapse, ensemble = parts.connection.synapse, parts.ensemble
        table.add_row(
            layer.label,
            str(parts.shape_in),
            str(parts.shape_out),
            "" if synapse is None else f"{1000 * synapse.tau:g} ms",
            "" if ensemble is None else f"gain {ensemble.gain[0]:g}, bias {ensemble.bias[0]:g}",
            "nothing" if parts.trainable.bias is False else "kernel, bias",
        )
    return table


def table_of_outcomes(outcomes: tuple[Outcome, Outcome], n_train: int) -> Table:
    """Return a table of the results, a column for each network."""
    duration = f"{1000 * DT * N_STEPS:g} ms"
    table = make_table("", *(outcome.name for outcome in outcomes), justify="right")
    rows: dict[str, Callable[[Outcome], str]] = {
        "read right by rate neurons": lambda it: f"{it.rate_accuracy:.1%}",
        f"read right by spiking neurons after {duration}": lambda it: f"{it.accuracy[-1]:.1%}",
        "mean firing rate": lambda it: f"{it.mean_rate:.0f} Hz",
        "values that are trained": lambda it: f"{it.n_trained:,}",
        "time to train": lambda it: f"{sum(it.training_times):.1f} s",
        "throughput in training": lambda it: (
            f"{n_train / np.median(it.training_times):,.0f} images/s"
        ),
        f"throughput in spiking, {duration} an image": lambda it: (
            f"{MINIBATCH / np.median(it.running_times):,.0f} images/s"
        ),
    }
    for heading, value in rows.items():
        table.add_row(heading, *map(value, outcomes))
    return table


def draw(outcomes: tuple[Outcome, Outcome], digits: Digits, path: Path) -> None:
    """Draw how well the networks read, a digit and the spikes it causes, and firing rates."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 6), layout="constrained")
        (above,), (below,) = figure.subfigures(2, 1, squeeze=False)
        accuracy, digit, raster = above.subplots(1, 3, width_ratios=(5, 1.3, 4.5))

        times = 1000 * DT * np.arange(1, N_STEPS + 1)
        highest = 1 - 0.5 / len(digits.test_labels)  # a logit scale has no place for 100 %
        for outcome, colour in zip(outcomes, COLOURS, strict=True):
            shares = np.minimum(outcome.accuracy, highest)
            accuracy.plot(times, shares, color=colour, label=outcome.name)
            share = min(outcome.rate_accuracy, highest)
            accuracy.axhline(share, color=colour, linestyle="--", linewidth=1)
        accuracy.set(xlabel="simulated time (ms)", ylabel="digits read right (%)", yscale="logit")
        accuracy.set_yticks([0.1, 0.5, 0.9, 0.97, 0.99], ["10", "50", "90", "97", "99"])
        accuracy.set_yticks([], minor=True)
        accuracy.set_ylim(0.05, 0.999)
        accuracy.set_title(f"Accuracy on {len(digits.test_labels)} unseen digits")
        accuracy.legend(loc="lower right", title="dashed: with rate neurons")

        custom = outcomes[0]
        digit.imshow(digits.test_images[0], cmap="gray_r", vmin=0, vmax=1)
        digit.set(xticks=[], yticks=[], title="A digit", anchor="N")
        digit.set_xlabel(f"meant: {digits.test_labels[0]}\nread: {custom.read[0, -1]}")
        plot.raster(custom.spikes["neurons2"], dt=DT, item=0, max_neurons=60, ax=raster)
        raster.set_title("Its spikes in neurons2, CustomLayer")

        spikes = {
            f"{layer}, {outcome.name}": outcome.spikes[layer]
            for layer in custom.spikes
            for outcome in outcomes
        }
        axes = plot.rates(spikes, amplitude=1 / RATE_PER_UNIT, ax=below.subplots())
        axes.set(title="Firing rates of the neurons", xlim=(0, 500))
        figure.savefig(path, dpi=150)


def demonstrate(
    digits: Digits, *, epochs: int, seed: int, out: Path, console: Console
) -> tuple[Outcome, Outcome]:
    """
    Train and run both networks, print what came of it, and draw a picture.

    Parameters
    ----------
    digits : Digits
        To train and to test with.
    epochs, seed : int
        See `experiment`.
    out : pathlib.Path
        The picture to write.
    console : rich.console.Console
        Where to print.

    Returns
    -------
    custom, stock : Outcome
        Of the network made with CustomLayers, and of the one made with stock layers.
    """
    n_train = len(digits.train_labels)
    console.print(
        f"Two networks learn to read from {n_train:,} handwritten digits, and are tested with "
        f"{len(digits.test_labels):,} others (epochs: {epochs}, seed: {seed}).\n",
        highlight=False,
    )
    console.print(table_of_layers(build_custom(seed, spiking=True)), "")
    custom, stock = (
        experiment(name, build, digits, epochs=epochs, seed=seed, show_progress=console.is_terminal)
        for name, build in BUILDERS.items()
    )
    console.print(table_of_outcomes((custom, stock), n_train), "")
    rates, intercepts = nengo.Ensemble.max_rates.default, nengo.Ensemble.intercepts.default
    console.print(
        "Layers, synapses, initial weights and images are the same. What differs is what "
        "nengo_dl.Layer leaves as it is:\n"
        "- The response curve of each neuron is drawn at random: maximum rates from "
        f"{rates.low:g} to {rates.high:g} Hz, intercepts from {intercepts.low:g} to "
        f"{intercepts.high:g}. Each call takes a gain and bias as well, but only as arrays, for "
        "a number of neurons that you count.\n"
        f"- The {stock.n_trained - custom.n_trained:,} biases of the neurons are trained too, "
        "which takes time. nengo_dl.Layer has no setting for that.",
        highlight=False,
    )
    draw((custom, stock), digits, out)
    console.print(f"\nPicture: {out.absolute()}", highlight=False, soft_wrap=True)
    return custom, stock
