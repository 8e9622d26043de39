"""Handwritten digits, read row by row by spiking neurons that are trained through time.

Each of the 1,797 images of 8 by 8 pixels that scikit-learn ships is shown from top to bottom, one
row of pixels at a time, 5 ms each. When the last row is gone a network of 128 adaptive neurons has
to say which digit it was, so that it has to remember the other seven. Time constants and adaptation
differ from neuron to neuron, and are learned together with the weights.

The network is trained three times, from the same weights: through its spikes, with a surrogate
gradient; in the same way with its neurons' parameters held fixed; and through the rate curve of its
neurons, as nengo_dl trains spiking neurons. Each time it is its spikes that are tested.

::

    python docs/examples/digits_row_by_row.py
    python docs/examples/digits_row_by_row.py --seed 1 --pictures docs/_static
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported

import nengo
import numpy as np
import tensorflow as tf
from nengo.neurons import NeuronType
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from nengo_layers_plus import CustomLayer, RecurrentNeurons, Simulator, Surrogate, surrogate
from nengo_layers_plus.neurons import LeakyIntegrator, TrainableAdaptiveLIF

N_NEURONS = 128
STEPS_PER_ROW = 5  # of 1 ms
MINIBATCH = 50  # images
LEARNING_RATE = 0.005  # at first; it falls to 0 along a cosine
MS = 1000.0  # in a second

LABELS = {
    "tau_rc": "membrane time constant tau_rc",
    "tau_n": "adaptation time constant tau_n",
    "inc_n": "adaptation strength inc_n",
    "tau": "read-out time constant tau",
}
"""What parameters of neurons are called; all are in seconds."""


@dataclass(frozen=True, eq=False)
class Digits:
    """
    Images as sequences of rows, some to learn from and others to be tested with.

    Parameters
    ----------
    train_rows, test_rows : ndarray of shape (n_images, n_steps, 8)
        Ink from 0 (none) to 1.
    train_labels, test_labels : ndarray of shape (n_images,)
        The digits that were meant, 0 to 9.
    """

    train_rows: np.ndarray
    train_labels: np.ndarray
    test_rows: np.ndarray
    test_labels: np.ndarray


def split_digits(n_train: int = 1400, n_test: int = 397) -> Digits:
    """
    Split the digits, always in the same way, with the same share of each digit on both sides.

    Parameters
    ----------
    n_train, n_test : int
        Numbers of images. The defaults use all 1,797.
    """
    digits = load_digits()
    rows = (digits.images / digits.images.max()).astype(np.float32)
    rows = rows.repeat(STEPS_PER_ROW, axis=1)  # the rows of the image follow each other in time
    train_rows, test_rows, train_labels, test_labels = train_test_split(
        rows,
        digits.target,
        train_size=n_train,
        test_size=n_test,
        stratify=digits.target,
        random_state=1,
    )
    return Digits(train_rows, train_labels, test_rows, test_labels)


@dataclass(frozen=True, eq=False)
class Reader:
    """
    A network that reads digits.

    Parameters
    ----------
    network : nengo.Network
        Takes the rows of an image, one after another.
    digit : nengo.Probe
        Of the evidence for each of the ten digits.
    activity : dict of nengo.Probe
        Of the neurons: their spikes, voltages and adaptation.
    populations : dict of nengo.Ensemble
        The neurons, and the read-out.
    """

    network: nengo.Network
    digit: nengo.Probe
    activity: Mapping[str, nengo.Probe]
    populations: Mapping[str, nengo.Ensemble]


def make_neurons(seed: int, trainable: bool | str | None = None) -> TrainableAdaptiveLIF:
    """
    Make adaptive neurons, each with parameters of its own.

    Parameters
    ----------
    seed : int
        Of the time constants that they begin with.
    trainable : bool or str, optional
        Which parameters train; None: as the type says, all but the refractory period.
    """
    generator = np.random.default_rng(seed)
    return TrainableAdaptiveLIF(
        tau_rc=generator.uniform(0.01, 0.03, N_NEURONS),  # s
        tau_n=generator.uniform(0.03, 0.07, N_NEURONS),  # s
        inc_n=0.2,
        tau_ref=0.001,  # s
        per_neuron=["tau_rc", "tau_n", "inc_n"],
        trainable=trainable,
        amplitude=0.01,  # so that a spike, of 1 / dt, moves a membrane by about its weight
        initial_state={"voltage": nengo.dists.Choice([0])},
    )


def build(neuron_type: NeuronType, seed: int) -> Reader:
    """
    Build a network: a row of pixels, neurons that are connected with each other, a read-out.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        Of the neurons.
    seed : int
        Of the weights.
    """
    tf.keras.utils.set_random_seed(seed)
    straight = {"gain": 1, "bias": 0}  # neurons see their input as it is; the bias trains
    # a row lasts for a fourth of a membrane time constant, so that weights have to be large
    strong = tf.keras.initializers.VarianceScaling(36)
    with nengo.Network(seed=seed) as network:
        pixels = nengo.Node(np.zeros(8), label="row of pixels")
        current = CustomLayer(
            tf.keras.layers.Dense(N_NEURONS, use_bias=False, kernel_initializer=strong)
        )(pixels)
        spikes = RecurrentNeurons(
            neuron_type, recurrent_synapse=0.01, ensemble_kwargs=straight, label="neurons"
        )(current)
        votes = CustomLayer(tf.keras.layers.Dense(10, use_bias=False))(spikes)
        evidence = CustomLayer(
            LeakyIntegrator(tau=0.02, amplitude=5), ensemble_kwargs=straight, label="read-out"
        )(votes)
        return Reader(
            network,
            digit=nengo.Probe(evidence),
            activity={
                "spikes": nengo.Probe(spikes),
                "voltage": nengo.Probe(spikes, "voltage"),
                "adaptation": nengo.Probe(spikes, "adaptation"),
            },
            populations={"neurons": spikes.ensemble, "read-out": evidence.ensemble},
        )


def cross_entropy_at_the_end(labels: tf.Tensor, evidence: tf.Tensor) -> tf.Tensor:
    """
    Return the cross entropy after the last step: what was said before does not count.

    Parameters
    ----------
    labels : tf.Tensor of shape (batch, 1, 1)
        The digits that were meant.
    evidence : tf.Tensor of shape (batch, n_steps, 10)
        For each digit, after each step.
    """
    return tf.keras.losses.sparse_categorical_crossentropy(
        labels[:, 0, 0], evidence[:, -1], from_logits=True
    )


@dataclass(frozen=True, eq=False)
class Outcome:
    """
    What came of training a network.

    Parameters
    ----------
    losses : list of float
        In each epoch.
    seconds : float
        How long the training took.
    accuracy : float
        Share of the test images that the spiking network reads right, 0 to 1.
    rate : float
        Mean firing rate of its neurons (Hz) with the test images.
    before, after : dict
        Parameters of neurons by name, before and after the training.
    first : dict of ndarray of shape (n_steps, size)
        What the network does with the first test image: ``"evidence"``, ``"spikes"`` (0 and 1),
        ``"voltage"`` and ``"adaptation"``.
    """

    losses: list[float]
    seconds: float
    accuracy: float
    rate: float
    before: Mapping[str, np.ndarray]
    after: Mapping[str, np.ndarray]
    first: Mapping[str, np.ndarray]


def train(reader: Reader, digits: Digits, epochs: int, seed: int) -> Outcome:
    """
    Train a network, and test it with its spikes.

    Parameters
    ----------
    reader : Reader
        The network.
    digits : Digits
        The number of images to learn from must be a multiple of `MINIBATCH`.
    epochs : int
        How often each image is learned from.
    seed : int
        Of the order of the images.
    """
    tf.keras.utils.set_random_seed(seed)
    schedule = tf.keras.optimizers.schedules.CosineDecay(
        LEARNING_RATE, decay_steps=epochs * len(digits.train_labels) // MINIBATCH
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No GPU support detected")  # it is fast without
        sim = Simulator(reader.network, minibatch_size=MINIBATCH, progress_bar=False)
    with sim:
        before = parameters(sim, reader)
        sim.compile(
            optimizer=tf.keras.optimizers.Adam(schedule, global_clipnorm=1.0),
            loss={reader.digit: cross_entropy_at_the_end},
        )
        start = time.perf_counter()
        labels = digits.train_labels[:, None, None]
        history = sim.fit(digits.train_rows, {reader.digit: labels}, epochs=epochs, verbose=0)
        seconds = time.perf_counter() - start

        n_images = len(digits.test_labels)
        missing = -n_images % MINIBATCH  # blank images fill up the last minibatch
        shown = np.pad(digits.test_rows, ((0, missing), (0, 0), (0, 0)))
        found = sim.predict(shown, verbose=0)
        after = parameters(sim, reader)

    read = found[reader.digit][:n_images, -1].argmax(axis=-1)
    activity = {name: found[probe][:n_images] for name, probe in reader.activity.items()}
    a_spike = activity["spikes"].max(initial=1e-6)
    return Outcome(
        losses=history.history["loss"],
        seconds=seconds,
        accuracy=float(np.mean(read == digits.test_labels)),
        rate=float(np.mean(activity["spikes"] > 0) / sim.dt),
        before=before,
        after=after,
        first={
            "evidence": found[reader.digit][0],
            **{name: values[0] for name, values in activity.items()},
            "spikes": activity["spikes"][0] / a_spike,
        },
    )


def parameters(sim: Simulator, reader: Reader) -> dict[str, np.ndarray]:
    """Return the parameters of the neurons and of the read-out, as a Simulator has them now."""
    found = {}
    for population in reader.populations.values():
        found.update(sim.data[population.neurons])
    return {name: np.array(found[name]) for name in LABELS}


def compare(digits: Digits, epochs: int, seed: int) -> dict[str, Outcome]:
    """
    Train the network in three ways.

    Parameters
    ----------
    digits : Digits
        What to learn from and to test with.
    epochs : int
        How often each image is learned from.
    seed : int
        Of the weights, the time constants and the order of the images.
    """
    function = surrogate.fast_sigmoid(10.0)
    ways = {
        "through spikes": Surrogate(make_neurons(seed), function),
        "the same, neurons fixed": Surrogate(make_neurons(seed, trainable=False), function),
        # the curve knows nothing of adaptation
        "through the rate curve": make_neurons(seed, trainable="tau_rc"),
    }
    return {
        way: train(build(neuron_type, seed), digits, epochs, seed)
        for way, neuron_type in ways.items()
    }


def report(outcomes: Mapping[str, Outcome]) -> str:
    """Write down how well each way of training did, and what the first has learned."""
    lines = [f"{'trained':26}{'loss':>8}{'test digits right':>20}{'rate':>8}{'time':>8}"]
    for way, outcome in outcomes.items():
        lines.append(
            f"{way:26}{outcome.losses[-1]:8.4f}{100 * outcome.accuracy:18.1f} %"
            f"{outcome.rate:5.0f} Hz{outcome.seconds:6.0f} s"
        )
    first = next(iter(outcomes.values()))
    header = "mean (min to max) in ms"
    lines += ["", f"{'learned':32}{header + ', before':>33}{'after':>24}"]
    for name in first.before:
        shown = [
            f"{values.mean():.1f} ({values.min():.1f} to {values.max():.1f})"
            for values in (MS * first.before[name], MS * first.after[name])
        ]
        lines.append(f"{LABELS[name]:32}{shown[0]:>33}{shown[1]:>24}")
    return "\n".join(lines)


def draw_activity(outcome: Outcome, digits: Digits, path: Path) -> None:
    """
    Draw what the network does with the first test image.

    Parameters
    ----------
    outcome : Outcome
        Of a network that was trained.
    digits : Digits
        What it was tested with.
    path : pathlib.Path
        The picture to write.
    """
    from matplotlib.figure import Figure

    spikes = outcome.first["spikes"] > 0.5
    n_steps = len(spikes)
    times = np.arange(1, n_steps + 1)  # ms
    counts = spikes.sum(axis=0)
    busiest = np.argsort(counts)[::-1]
    shown = busiest[[0, N_NEURONS // 8, N_NEURONS // 4]]
    colours = ("#0072b2", "#d55e00", "#009e73")  # can be told apart by all

    figure = Figure(figsize=(8, 9), layout="constrained")
    pixels, raster, membrane, adaptation, evidence = figure.subplots(
        5, sharex=True, height_ratios=(1, 2.6, 1.6, 1.2, 1.6)
    )
    pixels.imshow(
        digits.test_rows[0].T, cmap="Greys", aspect="auto", extent=(0.5, n_steps + 0.5, 7.5, -0.5)
    )
    pixels.set(ylabel="pixel", title=f"A {digits.test_labels[0]}, shown row by row")
    order = np.empty(N_NEURONS, dtype=int)
    order[np.argsort(counts, kind="stable")] = np.arange(N_NEURONS)
    steps, neurons = np.nonzero(spikes)
    raster.plot(times[steps], order[neurons], "|", color="0.25", markersize=3)
    for colour, neuron in zip(colours, shown, strict=True):
        fired = times[spikes[:, neuron]]
        raster.plot(fired, np.full(len(fired), order[neuron]), "|", color=colour, markersize=6)
        membrane.plot(times, outcome.first["voltage"][:, neuron], color=colour)
        membrane.plot(fired, np.full(len(fired), 1.08), "|", color=colour, markersize=7)
        adaptation.plot(times, outcome.first["adaptation"][:, neuron], color=colour)
    raster.set(ylabel="neuron, by rate", title="Spikes")
    membrane.axhline(1, color="0.6", linestyle=":", linewidth=1)
    membrane.set(ylabel="voltage\n(of threshold)", ylim=(0, 1.2))
    membrane.set_title("Membranes of three neurons")
    adaptation.set(ylabel="adaptation\n(of threshold)", title="Their adaptation")
    for digit, values in enumerate(outcome.first["evidence"].T):
        meant = digit == digits.test_labels[0]
        evidence.plot(times, values, color="black" if meant else "0.75", zorder=2 + meant)
    evidence.set(
        xlabel="time (ms)",
        ylabel="evidence",
        title=f"Read-out; black: for {digits.test_labels[0]}, grey: for the other digits",
        xlim=(0.5, n_steps + 0.5),
    )
    for axes in (raster, membrane, adaptation, evidence):
        for end in np.arange(1, n_steps // STEPS_PER_ROW) * STEPS_PER_ROW + 0.5:
            axes.axvline(end, color="0.9", linewidth=0.8, zorder=0)
    _save(figure, path)


def draw_parameters(outcome: Outcome, path: Path) -> None:
    """
    Draw the parameters of the neurons before and after the training.

    Parameters
    ----------
    outcome : Outcome
        Of a network that was trained.
    path : pathlib.Path
        The picture to write.
    """
    from matplotlib.figure import Figure

    names = [name for name, values in outcome.before.items() if values.size > 1]
    figure = Figure(figsize=(8, 3), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        before, after = MS * outcome.before[name], MS * outcome.after[name]
        bins = np.linspace(0, max(before.max(), after.max()), 21)
        axes.hist(before, bins, color="0.75", label="before")
        axes.hist(after, bins, color="#0072b2", histtype="step", linewidth=1.5, label="after")
        axes.set(xlabel="\n".join(LABELS[name].rsplit(" ", 1)) + " (ms)", xlim=(0, None))
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("neurons")
    figure.axes[-1].legend(frameon=False)
    _save(figure, path)


def _save(figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def main(arguments: Sequence[str] | None = None) -> dict[str, Outcome]:
    """
    Run the example from the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the command line.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=30, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="where to write pictures")
    options = parser.parse_args(arguments)

    digits = split_digits()
    outcomes = compare(digits, options.epochs, options.seed)
    print(report(outcomes))
    if options.pictures is not None:
        best = outcomes["through spikes"]
        draw_activity(best, digits, options.pictures / "digits_row_by_row_activity.png")
        draw_parameters(best, options.pictures / "digits_row_by_row_parameters.png")
    return outcomes


if __name__ == "__main__":
    main()
